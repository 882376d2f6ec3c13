"""Merlin transcripts (merlin.cool): STROBE-128 (strobe.sourceforge.io, version 1.0.2) over Keccak-f[1600] (FIPS 202)."""

RATE = 166
MASK = 2**64 - 1

ROTATIONS = [[0] * 5 for _ in range(5)]
_x, _y = 1, 0
for _t in range(24):
    ROTATIONS[_x][_y] = (_t + 1) * (_t + 2) // 2 % 64
    _x, _y = _y, (2 * _x + 3 * _y) % 5


def _round_constants():
    """FIPS 202, algorithms 5 and 6."""
    register, constants = 1, []
    for _ in range(24):
        constant = 0
        for j in range(7):
            if register & 1:
                constant |= 1 << ((1 << j) - 1)
            register = register << 1 ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return constants


CONSTANTS = _round_constants()


def _rotate(lane, n):
    return (lane << n | lane >> (64 - n)) & MASK if n else lane


def keccak_f(state):
    """The permutation, of 200 bytes."""
    a = [[int.from_bytes(state[8 * (x + 5 * y) : 8 * (x + 5 * y) + 8], "little") for y in range(5)] for x in range(5)]
    for constant in CONSTANTS:
        c = [a[x][0] ^ a[x][1] ^ a[x][2] ^ a[x][3] ^ a[x][4] for x in range(5)]
        d = [c[x - 1] ^ _rotate(c[(x + 1) % 5], 1) for x in range(5)]
        b = [[0] * 5 for _ in range(5)]
        for x in range(5):
            for y in range(5):
                b[y][(2 * x + 3 * y) % 5] = _rotate(a[x][y] ^ d[x], ROTATIONS[x][y])
        a = [[b[x][y] ^ (~b[(x + 1) % 5][y] & b[(x + 2) % 5][y] & MASK) for y in range(5)] for x in range(5)]
        a[0][0] ^= constant
    return bytearray(b"".join(a[i % 5][i // 5].to_bytes(8, "little") for i in range(25)))


I, A, C, T, M, K = (1 << i for i in range(6))


class Transcript:
    """Absorbs messages and gives challenges."""

    def __init__(self, label):
        self.state = keccak_f(bytes([1, RATE + 2, 1, 0, 1, 96]) + b"STROBEv1.0.2" + bytes(182))
        self.at = self.begin = 0
        self._operate(M | A, b"Merlin v1.0")
        self.append(b"dom-sep", label)

    def append(self, label, message):
        self._operate(M | A, label + len(message).to_bytes(4, "little"))
        self._operate(A, message)

    def append_u64(self, label, n):
        self.append(label, n.to_bytes(8, "little"))

    def challenge(self, label, length):
        self._operate(M | A, label + length.to_bytes(4, "little"))
        self._start(I | A | C)
        out = bytearray()
        for _ in range(length):
            out.append(self.state[self.at])
            self.state[self.at] = 0
            self._step()
        return bytes(out)

    def _operate(self, flags, data):
        self._start(flags)
        self._absorb(data)

    def _start(self, flags):
        before, self.begin = self.begin, self.at + 1
        self._absorb(bytes([before, flags]))
        if flags & (C | K) and self.at:
            self._permute()

    def _absorb(self, data):
        for byte in data:
            self.state[self.at] ^= byte
            self._step()

    def _step(self):
        self.at += 1
        if self.at == RATE:
            self._permute()

    def _permute(self):
        self.state[self.at] ^= self.begin
        self.state[self.at + 1] ^= 0x04
        self.state[RATE + 1] ^= 0x80
        self.state = keccak_f(self.state)
        self.at = self.begin = 0
