"""XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03, over RFC 8439): the encryption of a message."""

WORD = 2**32
PRIME = 2**130 - 5


def quarter(x, a, b, c, d):
    """RFC 8439, section 2.1."""
    for target, left, right, turn in ((d, a, b, 16), (b, c, d, 12), (d, a, b, 8), (b, c, d, 7)):
        x[left] = (x[left] + x[right]) % WORD
        mixed = x[target] ^ x[left]
        x[target] = (mixed << turn | mixed >> 32 - turn) % WORD


def words(data):
    return [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]


def octets(all_words):
    return b"".join(w.to_bytes(4, "little") for w in all_words)


def rounds(key, rest):
    """The twenty rounds over the constants, the key and sixteen further bytes: the state before and after."""
    before = words(b"expand 32-byte k" + key + rest)
    x = before[:]
    for _ in range(10):
        for column in range(4):
            quarter(x, *(column + row for row in (0, 4, 8, 12)))
        for column in range(4):
            quarter(x, *(row + (column + row // 4) % 4 for row in (0, 4, 8, 12)))
    return before, x


def hchacha20(key, nonce):
    """The draft's section 2.2: a subkey for the first sixteen bytes of a nonce."""
    _, x = rounds(key, nonce)
    return octets(x[:4] + x[12:])


def chacha20(key, nonce, counter, length):
    """RFC 8439, section 2.4: so many bytes of key stream."""
    stream = b""
    while len(stream) < length:
        before, x = rounds(key, counter.to_bytes(4, "little") + nonce)
        stream += octets((a + b) % WORD for a, b in zip(before, x))
        counter += 1
    return stream[:length]


def poly1305(key, message):
    """RFC 8439, section 2.5."""
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for i in range(0, len(message), 16):
        total = (total + int.from_bytes(message[i : i + 16] + b"\1", "little")) * r % PRIME
    return ((total + int.from_bytes(key[16:], "little")) % 2**128).to_bytes(16, "little")


def padded(data):
    return data + bytes(-len(data) % 16)


def encrypt(key, nonce, text, beside):
    """The encrypted text, with its tag; `beside` is the associated data."""
    key, nonce = hchacha20(key, nonce[:16]), bytes(4) + nonce[16:]
    sealed = bytes(a ^ b for a, b in zip(text, chacha20(key, nonce, 1, len(text))))
    lengths = len(beside).to_bytes(8, "little") + len(sealed).to_bytes(8, "little")
    return sealed + poly1305(chacha20(key, nonce, 0, 32), padded(beside) + padded(sealed) + lengths)
