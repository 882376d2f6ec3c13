"""What auditors of a chain are asked and answer (docs/AUDIT.md, docs/FORMATS.md)."""

from hashlib import sha512

from . import frost, keys, wire
from .ristretto import G, IDENTITY, ORDER, decode, scalar, weighted_sum
from .wire import Reader, tagged, tagged_scalar

ANSWER, LOG = b"sotto keys reading answer v1", b"sotto audit log v1"


def read_letter(r):
    """Charter, case, outputs, reason, the reader's keys, the bytes of the request, permissions, the notice's excess, the record
    of answers and the excess of its notice."""
    start = r.at
    charter, case = r.take(32), r.take(32)
    outputs = [(r.number(8), r.take(32)) for _ in range(r.number(2))]
    reason, reader, _nonce = r.take(r.number(2)), r.take(keys.KEY), r.take(32)
    request = r.data[start : r.at]
    allowed = [r.take(keys.KEY + 64) for _ in range(r.number(1))]
    stage = r.number(1)
    assert stage <= 3
    notice = r.take(32) if stage >= 1 else None
    start = r.at
    if stage >= 2:
        r.take(33 * r.number(1) + 64)
    record = r.data[start : r.at]
    recorded = r.take(32) if stage == 3 else None
    return charter, case, outputs, reason, reader, request, allowed, notice, record, recorded


def check_vectors(v, h, check):
    unhex = bytes.fromhex
    chain, charter = unhex(v["chain_id"]), v["charter"].encode()
    params = wire.read("params", unhex(v["params"]))
    epoch, _, _ = keys.read_group(unhex(v["group"]))
    [commitments], hash = epoch.keys, tagged("sotto/keys/epoch/v1", epoch.bytes)
    charter_hash = tagged("sotto/audit/charter/v1", charter)
    check("reading: auditors", wire.chain_id(params) == chain and params.auditors == (commitments[0], charter_hash))

    r = Reader(unhex(v["letter"]))
    charter_of, case, outputs, reason, reader, request, allowed, notice, record, _ = read_letter(r)
    keys.end(r)
    name = tagged("sotto/audit/request/v1", chain, request)
    check("reading: no record yet", record == b"")
    check("reading: name", name == unhex(v["name"]) and charter_of == charter_hash)
    check("reading: case", case == tagged("sotto/audit/case/v1", unhex(v["salt"]), v["case"].encode()))
    check("reading: reason", reason == v["reason"].encode() and len(allowed) == 2)
    kernel = wire.read("kernel", unhex(v["notice"]))
    check("reading: notice", kernel.kind == 4 and kernel.excess == notice and kernel.notice == b"\1" + name)

    # The points of the question.
    points, handles = [h.encode()], []
    for (height, commitment), encoded in zip(outputs, v["outputs"]):
        o = wire.read("output", unhex(encoded))
        check(f"reading: output of block {height}", o.commitment == commitment)
        high, d_lo, d_hi = (decode(o.handles[i : i + 32]) for i in range(0, 96, 32))
        low = weighted_sum([(1, decode(commitment)), (-(2**32), high)])
        points += [low.encode(), high.encode()]
        handles += [d_lo, d_hi]

    products, members = [IDENTITY] * len(points), [a["from"] for a in v["answers"]]
    for answer in v["answers"]:
        r, i = Reader(unhex(answer["answer"])), answer["from"]
        keys.expect(r, ANSWER)
        check(f"reading: heading of answer {i}", (r.take(32), r.take(32), r.number(1)) == (name, hash, i))
        contents = unhex(answer["contents"])
        check(f"reading: length of answer {i}", len(r.take(r.number(4))) == len(contents) + 1136 and len(r.take(64)) == 64)
        keys.end(r)
        s = [contents[k : k + 32] for k in range(0, 32 * len(points), 32)]
        p, a, b, z = (contents[32 * (len(points) + k) :][:32] for k in range(4))
        seed = wide("sotto/keys/reading-weight/v1", name + hash + bytes([i]) + b"".join(points + s))
        weights = [number(wide("sotto/keys/reading-weight/v1", seed + j.to_bytes(8, "little"))) for j in range(len(points))]
        base = weighted_sum([(w, decode(q)) for w, q in zip(weights, points)])
        joined = weighted_sum([(w, decode(q)) for w, q in zip(weights, s)])
        check(f"reading: joined points of answer {i}", joined.encode() == p)
        y = keys.value_at(commitments, i)
        c = tagged_scalar("sotto/keys/dleq/v1", y.encode() + base.encode() + p + a + b)
        z = scalar(z)
        check(f"reading: proof of answer {i}", z * G == decode(a) + c * y and z * base == decode(b) + c * joined)
        weight = frost.lagrange(i, members)
        products = [total + weight * decode(q) for total, q in zip(products, s)]
    k = products[0]
    for at, amount in enumerate(v["amounts"]):
        for half, part in enumerate((int(amount) % 2**32, int(amount) >> 32)):
            at_point = 2 * at + half
            found = weighted_sum([(1, products[at_point + 1]), (-1, handles[at_point])])
            check(f"reading: amount {at}", found == weighted_sum([(part, k)]))

    # The request as it is opened, with the reader's record of both answers.
    r = Reader(unhex(v["opened"]))
    check("reading: charter of an opened request", r.take(r.number(4)) == charter)
    *_, request_of, allowed_of, notice_of, record, recorded = read_letter(r)
    keys.end(r)
    check("reading: opened request", (request_of, allowed_of, notice_of, recorded) == (request, allowed, notice, notice))
    answers = [bytes([a["from"]]) + tagged("sotto/audit/answer/v1", unhex(a["answer"])) for a in v["answers"]]
    check("reading: recorded answers", record[:-64] == bytes([len(answers)]) + b"".join(answers))
    check("reading: notice of the answers", tagged("sotto/audit/answers/v1", chain, name, record) == unhex(v["answers_notice"]))

    # The log of the first of them.
    data = unhex(v["log"])
    r = Reader(data)
    keys.expect(r, LOG)
    check("reading: log", r.take(32) == chain and r.number(4) == 1)
    start = r.at
    _time, letter, said = r.number(8), r.take(r.number(4)), r.take(r.number(4))
    entry = data[start : r.at]
    link = tagged("sotto/audit/entry/v1", chain, bytes(32), entry)
    check("reading: entry", (letter, said) == (unhex(v["letter"]), unhex(v["answers"][0]["answer"])))
    check("reading: link", r.take(32) == link == unhex(v["link"]))
    keys.end(r)


def wide(tag, data):
    t = sha512(tag.encode()).digest()
    return sha512(t + t + data).digest()


def number(data):
    return int.from_bytes(data, "little") % ORDER
