"""Three halves (docs/GARBLING.md) in the matrices of the paper, ePrint 2021/749, solved by elimination."""

WORD = (1 << 64) - 1

# Rows: first and second half for the permute bits 00, 01, 10, 11. Columns of V: C_L, C_R, G_0, G_1, G_2; of M: the hashes
# of A_0, A_1, B_0, B_1, A_0 ⊕ B_0, A_0 ⊕ B_1.
V = ("10000", "01000", "10001", "01011", "10101", "01001", "10100", "01010")
M = ("100010", "001010", "100001", "000101", "010001", "001001", "010010", "000110")
# Columns: A_L, A_R, B_L, B_R.
S = (("1110", "1001"), ("1001", "0111"))
FIXED = (("0010", "0100"), ("0010", "0000"), ("0000", "0100"), ("0000", "0000"))

SBOX, RCON = [], (1, 2, 4, 8, 16, 32, 64, 128, 27, 54)


def _double(x):
    return x << 1 ^ (0x11B if x & 0x80 else 0)


def _times(x, y):
    return (x if y & 1 else 0) ^ (_times(_double(x), y >> 1) if y > 1 else 0)


for _x in range(256):
    _inverse = next((y for y in range(256) if _times(_x, y) == 1), 0)
    SBOX.append(0x63 ^ _inverse ^ (_inverse << 1 | _inverse >> 7) & 255 ^ (_inverse << 2 | _inverse >> 6) & 255
                ^ (_inverse << 3 | _inverse >> 5) & 255 ^ (_inverse << 4 | _inverse >> 4) & 255)


def aes128(key, block):
    """FIPS-197."""
    words = [list(key[i : i + 4]) for i in range(0, 16, 4)]
    for i in range(4, 44):
        word = words[-1]
        if i % 4 == 0:
            word = [SBOX[b] for b in word[1:] + word[:1]]
            word[0] ^= RCON[i // 4 - 1]
        words.append([a ^ b for a, b in zip(word, words[i - 4])])
    keys = [sum(words[i : i + 4], []) for i in range(0, 44, 4)]
    state = [a ^ b for a, b in zip(block, keys[0])]
    for n in range(1, 11):
        state = [SBOX[state[(5 * i) % 16]] for i in range(16)]
        if n < 10:
            columns = [state[i : i + 4] for i in range(0, 16, 4)]
            state = [
                _double(c[i]) ^ _double(c[(i + 1) % 4]) ^ c[(i + 1) % 4] ^ c[(i + 2) % 4] ^ c[(i + 3) % 4]
                for c in columns
                for i in range(4)
            ]
        state = [a ^ b for a, b in zip(state, keys[n])]
    return bytes(state)


def tau(x):
    low = [x >> 32 * i & 0xFFFFFFFF for i in range(4)]
    return sum(w << 32 * i for i, w in enumerate((low[1], low[0] ^ low[1], low[3], low[2] ^ low[3])))


def hashed(key, domain, gate, x):
    """The half, the control bit and the two dice of a label."""
    k = (key ^ (domain << 64 | gate)).to_bytes(16, "little")
    h = int.from_bytes(aes128(k, tau(x).to_bytes(16, "little")), "little") ^ tau(x)
    return h & WORD, h >> 64 & 1, h >> 65 & 3


def select(row, values):
    total = 0
    for bit, value in zip(row, values):
        total ^= value if bit == "1" else 0
    return total


def halves(x):
    return [x & WORD, x >> 64]


def matrix(ij, r):
    """The control matrix of a pair of permute bits."""
    rows = []
    for half in range(2):
        bits = [int(b) for b in FIXED[ij][half]]
        for chosen, s in zip(r, S):
            if chosen:
                bits = [a ^ int(b) for a, b in zip(bits, s[half])]
        rows.append("".join(map(str, bits)))
    return rows


def solve(right):
    """The five unknowns of V from eight right sides, or nothing if they contradict each other."""
    rows = [[int(b) for b in v] + [r] for v, r in zip(V, right)]
    for column in range(5):
        pivot = next(i for i in range(column, 8) if rows[i][column])
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for i in range(8):
            if i != column and rows[i][column]:
                rows[i] = [a ^ b for a, b in zip(rows[i], rows[column])]
    return [row[5] for row in rows[:5]] if not any(row[5] for row in rows[5:]) else None


def garble(key, gate, a, b, delta):
    """The false label of the output, three rows and five control bits."""
    p_a, p_b = a & 1, b & 1
    a, b = a ^ delta * p_a, b ^ delta * p_b
    h = [hashed(key, d, gate, x ^ delta * i) for d, x in ((1, a), (2, b), (3, a ^ b)) for i in range(2)]
    dice = h[4][2] ^ h[5][2]
    rho, (u, v) = (dice & 1, dice >> 1), (1 - p_a, 1 - p_b)
    rs = [rho, (rho[0] ^ u ^ v, rho[1] ^ u), (rho[0] ^ v, rho[1] ^ u ^ v), (rho[0] ^ u, rho[1] ^ v)]
    right, control = [], []
    for ij, r in enumerate(rs):
        i, j = ij >> 1, ij & 1
        own = halves(a ^ delta * i) + halves(b ^ delta * j)
        t = (i ^ p_a) & (j ^ p_b)
        for half, row in enumerate(matrix(ij, r)):
            m = M[2 * ij + half]
            right.append(select(m, [x[0] for x in h]) ^ select(row, own) ^ t * halves(delta)[half])
            control.append(select(m, [x[1] for x in h]) ^ r[half])
    c_l, c_r, *rows = solve(right)
    return c_l | c_r << 64, rows, solve(control)


def evaluate(key, gate, a, b, rows, control):
    """The active label of the output."""
    ij = 2 * (a & 1) + (b & 1)
    h_a, h_b, h_c = (hashed(key, d, gate, x) for d, x in ((1, a), (2, b), (3, a ^ b)))
    masks, known = [h_a[1] ^ h_c[1], h_b[1] ^ h_c[1]], [h_a[0] ^ h_c[0], h_b[0] ^ h_c[0]]
    r = [masks[half] ^ select(V[2 * ij + half], control) for half in range(2)]
    own = halves(a) + halves(b)
    out = [
        known[half] ^ select(V[2 * ij + half][2:], rows) ^ select(matrix(ij, r)[half], own) for half in range(2)
    ]
    return out[0] | out[1] << 64


def unpacked(data, count):
    """The rows and control bits of gates, eight in 197 bytes; nothing may be left, nor a bit of another gate."""
    gates, at = [], 0
    for first in range(0, count, 8):
        bits, held = 0, 0
        for _ in range(first, min(first + 8, count)):
            if held < 5:
                bits |= data[at] << held
                held, at = held + 8, at + 1
            rows = [int.from_bytes(data[at + i : at + i + 8], "little") for i in (0, 8, 16)]
            gates.append((rows, [bits >> i & 1 for i in range(5)]))
            bits, held, at = bits >> 5, held - 5, at + 24
        if bits:
            raise ValueError("bits of gates that do not follow")
    if at != len(data):
        raise ValueError("bytes after the last gate")
    return gates
