"""Schnorr signatures with the hashes of RFC 9591, section 6.2: FROST(ristretto255, SHA-512)."""

from hashlib import sha512

from .ristretto import G, IDENTITY, ORDER, decode, scalar, scalar_bytes, weighted_sum, wide_scalar

CONTEXT = b"FROST-RISTRETTO255-SHA512-v1"


def h1(data):
    return wide_scalar(sha512(CONTEXT + b"rho" + data).digest())


def h2(data):
    return wide_scalar(sha512(CONTEXT + b"chal" + data).digest())


def h3(data):
    return wide_scalar(sha512(CONTEXT + b"nonce" + data).digest())


def h4(data):
    return sha512(CONTEXT + b"msg" + data).digest()


def h5(data):
    return sha512(CONTEXT + b"com" + data).digest()


def sign(secret, message, fresh):
    """R ‖ z, with the nonce of section 4.1 from 32 fresh bytes, and the message in it."""
    k = h3(fresh + scalar_bytes(secret) + message)
    r = (k * G).encode()
    c = h2(r + (secret * G).encode() + message)
    return r + scalar_bytes(k + c * secret)


def verifies(key, message, signature):
    """Whether z·G = R + c·X; the identity is refused as key and as nonce."""
    r, x, z = decode(signature[:32]), decode(key), scalar(signature[32:])
    if r is None or x is None or z is None or r == IDENTITY or x == IDENTITY:
        return False
    c = h2(signature[:32] + key + message)
    return weighted_sum([(z, G), (-c, x)]) == r


def lagrange(i, all_of_them):
    """Section 4.2, derive_interpolating_value."""
    numerator = denominator = 1
    for j in all_of_them:
        if j != i:
            numerator, denominator = numerator * j % ORDER, denominator * (j - i) % ORDER
    return numerator * pow(denominator, -1, ORDER) % ORDER
