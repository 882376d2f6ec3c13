"""ristretto255 (RFC 9496, section 4): elements, their encodings, and the one-way map.

An element is a point (X, Y, Z, T) of edwards25519 in extended coordinates, x = X/Z, y = Y/Z, xy = T/Z.
"""

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493

# Section 4.1.
D = 37095705934669439343138083508754565189542113879843219016388785533085940283555
SQRT_M1 = 19681161376707505956807079304988542015446066515923890162744021073123829784752
SQRT_AD_MINUS_ONE = 25063068953384623474111414158702152701244531502492656460079210482610430750235
INVSQRT_A_MINUS_D = 54469307008909316920995813868745141605393597292927456921205312896311721017578
ONE_MINUS_D_SQ = (1 - D * D) % P
D_MINUS_ONE_SQ = (D - 1) ** 2 % P
assert SQRT_M1**2 % P == P - 1
assert SQRT_AD_MINUS_ONE**2 % P == (-D - 1) % P
assert INVSQRT_A_MINUS_D**2 * (-1 - D) % P == 1


def negative(x):
    """Section 4.1: a field element is negative if its least positive representative is odd."""
    return x % P & 1 == 1


def absolute(x):
    return -x % P if negative(x) else x % P


def sqrt_ratio(u, v):
    """SQRT_RATIO_M1 of section 4.2: whether u/v is a square, and the non-negative root of it or of i·u/v."""
    r = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    check = v * r * r % P
    u %= P
    if check in (-u % P, -u * SQRT_M1 % P):
        r = r * SQRT_M1 % P
    return check in (u, -u % P), absolute(r)


class Element:
    """An element of the group."""

    __slots__ = ("x", "y", "z", "t", "bytes")

    def __init__(self, x, y, z, t):
        self.x, self.y, self.z, self.t, self.bytes = x % P, y % P, z % P, t % P, None

    def __add__(self, q):
        """RFC 8032, section 5.1.4."""
        a, b = (self.y - self.x) * (q.y - q.x), (self.y + self.x) * (q.y + q.x)
        c, d = 2 * D * self.t * q.t, 2 * self.z * q.z
        e, f, g, h = b - a, (d - c) % P, (d + c) % P, b + a
        return Element(e * f, g * h, f * g, e * h)

    def double(self):
        a, b, c = self.x**2, self.y**2, 2 * self.z**2
        h = a + b
        e, g = h - (self.x + self.y) ** 2, a - b
        f = c + g
        return Element(e * f, g * h, f * g, e * h)

    def __neg__(self):
        return Element(-self.x, self.y, self.z, -self.t)

    def __sub__(self, q):
        return self + -q

    def __rmul__(self, scalar):
        return weighted_sum([(scalar, self)])

    def __eq__(self, q):
        """Section 4.5."""
        return (self.x * q.y - self.y * q.x) % P == 0 or (self.y * q.y - self.x * q.x) % P == 0

    def __hash__(self):
        return hash(self.encode())

    def encode(self):
        """Section 4.3.2."""
        if self.bytes is None:
            u1, u2 = (self.z + self.y) * (self.z - self.y), self.x * self.y
            _, invsqrt = sqrt_ratio(1, u1 * u2 * u2)
            den1, den2 = invsqrt * u1, invsqrt * u2
            z_inv = den1 * den2 * self.t % P
            x, y, den_inv = self.x, self.y, den2
            if negative(self.t * z_inv):
                x, y, den_inv = y * SQRT_M1, x * SQRT_M1, den1 * INVSQRT_A_MINUS_D
            if negative(x * z_inv):
                y = -y
            self.bytes = absolute(den_inv * (self.z - y)).to_bytes(32, "little")
        return self.bytes


IDENTITY = Element(0, 1, 1, 0)


def decode(data):
    """Section 4.3.1: the element with this canonical encoding; None for any other string."""
    s = int.from_bytes(data, "little")
    if len(data) != 32 or s >= P or negative(s):
        return None
    ss = s * s % P
    u1, u2 = 1 - ss, 1 + ss
    u2_sqr = u2 * u2 % P
    v = (-(D * u1 * u1) - u2_sqr) % P
    was_square, invsqrt = sqrt_ratio(1, v * u2_sqr)
    den_x = invsqrt * u2 % P
    x = absolute(2 * s * den_x)
    y = u1 * invsqrt * den_x * v % P
    if not was_square or negative(x * y) or y == 0:
        return None
    e = Element(x, y, 1, x * y)
    e.bytes = bytes(data)
    return e


def one_way(data):
    """Section 4.3.4: the element that 64 uniform bytes derive."""
    return _map(data[:32]) + _map(data[32:])


def _map(data):
    t = int.from_bytes(data, "little") % 2**255 % P
    r = SQRT_M1 * t * t % P
    u, v = (r + 1) * ONE_MINUS_D_SQ, (-1 - r * D) * (r + D)
    was_square, s = sqrt_ratio(u, v)
    c = P - 1
    if not was_square:
        s, c = -absolute(s * t), r
    n = c * (r - 1) * D_MINUS_ONE_SQ - v
    w0, w1, w2, w3 = 2 * s * v, n * SQRT_AD_MINUS_ONE, 1 - s * s, 1 + s * s
    return Element(w0 * w3, w2 * w1, w1 * w3, w0 * w2)


def weighted_sum(terms):
    """Sum of scalar·element, window by window (Pippenger)."""
    terms = [(k % ORDER, e) for k, e in terms]
    width = 4 if len(terms) < 30 else 6
    total = IDENTITY
    for at in reversed(range(0, 253, width)):
        for _ in range(width):
            total = total.double()
        buckets = {}
        for k, e in terms:
            digit = k >> at & (1 << width) - 1
            if digit:
                buckets[digit] = buckets[digit] + e if digit in buckets else e
        running = IDENTITY
        for digit in range((1 << width) - 1, 0, -1):
            if digit in buckets:
                running = running + buckets[digit]
            if running is not IDENTITY:
                total = total + running
    return total


def scalar(data):
    """The scalar with this canonical encoding (section 4.4); None for any other string."""
    k = int.from_bytes(data, "little")
    return k if len(data) == 32 and k < ORDER else None


def wide_scalar(data):
    """64 uniform bytes modulo the group's order."""
    return int.from_bytes(data, "little") % ORDER


def scalar_bytes(k):
    return (k % ORDER).to_bytes(32, "little")


G = decode(bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"))
