"""Locks of sold outputs, locked shares, and the receipt that names them (docs/FORMATS.md). Ed25519 is not read."""

from .evidence import derived
from .ristretto import G, ORDER, decode, scalar, scalar_bytes, wide_scalar
from .wire import Malformed, Reader, le
from .xchacha import chacha20, padded, poly1305

STATEMENT = 4 * 8 + 64


def wide(context, *parts):
    """A scalar of two hashes, with a counter as the last part."""
    return wide_scalar(b"".join(derived(context, *parts, bytes([i])) for i in range(2)))


def opened(key, sealed):
    """RFC 8439, section 2.8, under a nonce of zeros: the text; None if the tag differs."""
    nonce, text, tag = bytes(12), sealed[:-16], sealed[-16:]
    lengths = le(0) + le(len(text))
    if poly1305(chacha20(key, nonce, 0, 32), padded(text) + lengths) != tag:
        return None
    return bytes(a ^ b for a, b in zip(text, chacha20(key, nonce, 1, len(text))))


def read_receipt(data):
    """What a receipt says of a sale: receiver, bits, for both computers point and possession, then commitment and hash."""
    r = Reader(data)
    if r.take(17) != b"sotto receipt v4\0":
        raise Malformed("receipt")
    job = r.take(32)
    r.take(4 + 4)
    run = r.take(32)
    r.take(32 + 8)
    r.take(32 * r.number(4))
    r.take(66 * r.number(4))
    r.take(32 + 2 * STATEMENT)
    receiver, bits = r.number(2), r.number(8)
    parts = [(r.take(32), r.take(64)) for _ in range(2)]
    shares = [(r.take(32), r.take(32)) for _ in range(2)]
    if r.take(2) != b"\0\0" or r.at != len(data):
        raise Malformed("evidence")
    return job, run, receiver, bits, parts, shares


def check_vectors(v, check):
    unhex = bytes.fromhex
    job, run, receiver, bits, parts, shares = read_receipt(unhex(v["receipt_bytes"]))
    check("a receipt of a sale", job.hex() == v["job_id"] and run.hex() == v["run_id"] and receiver == v["receiver"])
    t = 0
    for place, computer in enumerate(v["computers"]):
        t_c = wide("sotto mpc lock v1", unhex(computer["lock_key"]), run)
        point, possession = unhex(computer["point"]), unhex(computer["possession"])
        check(f"secret {place}", scalar_bytes(t_c) == unhex(computer["secret"]))
        check(f"point {place}", (t_c * G).encode() == point and (point, possession) == parts[place])
        challenge = wide("sotto mpc lock possession v1", run, bytes([place]), point, possession[:32])
        known = decode(possession[:32]) + challenge * decode(point)
        check(f"possession {place}", scalar(possession[32:]) * G == known)
        t = (t + t_c) % ORDER
    lock = (decode(parts[0][0]) + decode(parts[1][0])).encode()
    check("the lock", lock.hex() == v["lock"] and (t * G).encode() == lock)
    for computer, (commitment, hashed) in zip(v["computers"], shares):
        party, locked = computer["party"], unhex(computer["locked"])
        check(f"hash of locked share {party}", derived("sotto mpc locked half hash v1", locked) == hashed)
        place = le(receiver, 2) + le(party, 2)
        shared = (t * decode(locked[:32])).encode()
        key = derived("sotto mpc locked half v1", run, place, lock, locked[:32], shared)
        contents = opened(key, locked[32:])
        check(f"locked share {party} opens", contents is not None)
        check(f"commitment {party}", derived("sotto mpc sold half commitment v1", contents, run, place) == commitment)
        packed = int.from_bytes(contents[40:], "little")
        share = [packed >> i & 1 for i in range(bits)]
        check(f"share {party}", contents[32:40] == le(bits) and share == computer["share"] and packed >> bits == 0)
        wrong = (scalar(unhex(computer["secret"])) * decode(locked[:32])).encode()
        key = derived("sotto mpc locked half v1", run, place, lock, locked[:32], wrong)
        check(f"share {party} does not open with one secret", opened(key, locked[32:]) is None)
    locked = unhex(v["computers"][0]["locked"])
    proof = b"sotto false half v1\0" + b"\0" + scalar_bytes(t) + le(len(locked), 4) + locked
    check("the bytes of an accusation", proof.hex() == v["false_share"])
