"""Boxes that a group opens for attested machines (docs/FORMATS.md)."""

from . import frost, keys, xchacha
from .ristretto import G, IDENTITY, decode, scalar
from .wire import Reader, tagged, tagged_scalar

BOX, REQUEST, ANSWER = b"sotto keys box v1", b"sotto keys vault request v1", b"sotto keys vault answer v1"
CHALLENGE, EVIDENCE = b"sotto keys vault challenge v1", b"sotto keys vault evidence v1"
RECORD = b"sotto keys vault record v1"


def check_vectors(v, check):
    """A box of a group of three of five, and three of the answers that open it."""
    unhex = bytes.fromhex
    epoch, _, _ = keys.read_group(unhex(v["group"]))
    [commitments], hash = epoch.keys, tagged("sotto/keys/epoch/v1", epoch.bytes)
    shares = {i: s for _, i, _, [s] in map(keys.read_share, map(unhex, v["shares"]))}

    data = unhex(v["box"])
    r = Reader(data)
    keys.expect(r, BOX)
    key, e, _policy, _owner = (r.take(32) for _ in range(4))
    head = data[: r.at]
    ciphertext, nonce = r.take(r.number(4)), r.take(32)
    signed, z = data[: r.at], scalar(r.take(32))
    keys.end(r)
    c = tagged_scalar("sotto/keys/box/v1", signed)
    check("whoever made the box knows e", z * G == decode(nonce) + c * decode(e))
    check("key and name of the box", key == commitments[0] and tagged("sotto/keys/box-name/v1", data) == unhex(v["box_name"]))

    request = unhex(v["request"])
    r = Reader(request)
    keys.expect(r, REQUEST)
    check("what is requested", r.take(32) == unhex(v["box_name"]) and len(r.take(keys.KEY)) == keys.KEY)
    keys.end(r)
    name = tagged("sotto/keys/vault-request/v1", request)
    check("name of the request", name == unhex(v["request_name"]))

    shared, members = IDENTITY, [a["from"] for a in v["answers"]]
    for answer in v["answers"]:
        r, i = Reader(unhex(answer["answer"])), answer["from"]
        keys.expect(r, ANSWER)
        check(f"heading of answer {i}", (r.take(32), r.take(32), r.number(1)) == (name, hash, i))
        check(f"length of answer {i}", len(r.take(r.number(4))) == 128 + 1120 + 16 and len(r.take(64)) == 64)
        keys.end(r)
        partial = unhex(answer["partial"])
        p, a, b, z = partial[:32], partial[32:64], partial[64:96], scalar(partial[96:])
        y = keys.value_at(commitments, i)
        c = tagged_scalar("sotto/keys/dleq/v1", y.encode() + e + p + a + b)
        check(f"proof of answer {i}", z * G == decode(a) + c * y and z * decode(e) == decode(b) + c * decode(p))
        check(f"partial of answer {i}", decode(p) == shares[i] * decode(e))
        shared = shared + frost.lagrange(i, members) * decode(p)
    secret = tagged("sotto/keys/box-key/v1", e, shared.encode())
    check("what it holds", xchacha.encrypt(secret, bytes(24), unhex(v["contents"]), head) == ciphertext)

    nonce, time, by = unhex(v["nonce"]), v["time"], members[1]
    r = Reader(unhex(v["challenge"]))
    keys.expect(r, CHALLENGE)
    check("challenge", (r.take(32), r.number(1), r.take(32), len(r.take(64))) == (name, by, nonce, 64))
    keys.end(r)
    r = Reader(unhex(v["evidence"]))
    keys.expect(r, EVIDENCE)
    heading = (r.take(32), r.number(1), r.take(32), r.take(r.number(4)))
    check("letter of evidence", heading == (name, by, nonce, unhex(v["shown"])))
    keys.end(r)
    challenged, answered = map(unhex, v["records"])
    r = Reader(challenged)
    keys.expect(r, RECORD)
    check("record of a challenge", (r.take(32), r.number(1), r.take(32), r.number(8)) == (name, 0, nonce, time))
    keys.end(r)
    r = Reader(answered)
    keys.expect(r, RECORD)
    said = (r.take(32), r.number(1), r.take(r.number(4)))
    check("record of an answer", said == (name, 1, unhex(v["answers"][1]["answer"])))
    keys.end(r)
