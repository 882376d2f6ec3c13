"""What a member's wallet of a group keeps (docs/FORMATS.md), and whether its book says what its payments made."""

from collections import namedtuple

from . import keys, wire
from .range_proof import H
from .ristretto import G, decode, weighted_sum
from .wire import Malformed, Reader, chain_id, le, tagged, tagged_scalar

SLATE_FIELDS = 17  # kind, fee and last height of a plain kernel
Contents = namedtuple("Contents", "params view epoch tip checkpoint used coins records")
Coin = namedtuple("Coin", "key amount state height")
Record = namedtuple("Record", "session request stage confirmed")
Request = namedtuple("Request", "kind made kernel inputs slate")
Slate = namedtuple("Slate", "session amount fee share memo bytes")
Response = namedtuple("Response", "session answers share output receiver")


def memo(r):
    text = r.take(r.number(2))
    if len(text) > 256:
        raise Malformed("memo")
    return text.decode()


def head(r):
    session, amount, features = r.take(32), r.number(), r.take(SLATE_FIELDS)
    if features[0] != 0:
        raise Malformed("a plain kernel")
    return session, amount, int.from_bytes(features[1:9], "little"), r.take(160)


def invite(r):
    start = r.at
    session, amount, fee, share = head(r)
    r.take(65)
    parts = r.code(0, 1, 2, 3)
    r.take(65 * (parts & 1))
    text = memo(r)
    r.take(64 * (parts >> 1))
    return Slate(session, amount, fee, share, text, r.data[start : r.at])


def invoice(r):
    start = r.at
    session, amount, fee, share = head(r)
    r.output(), r.scalar(), r.take(65)
    r.take(65 * r.code(0, 1))
    text = memo(r)
    r.signature()
    return Slate(session, amount, fee, share, text, r.data[start : r.at])


def response(r):
    session, answers, share, output = r.take(32), r.take(32), r.take(160), r.output()
    r.scalar(), r.scalar()
    receiver = r.take(65)
    r.signature()
    return Response(session, answers, share, output, receiver)


def request(r):
    kind, made, kernel = r.code(1, 2), r.number(1), r.number(1)
    inputs = r.list(lambda: (r.number(1), r.number()), 9) if kind == 2 else []
    return Request(kind, made, kernel, inputs, invite(r) if kind == 1 else invoice(r))


def ascending(items):
    if any(a >= b for a, b in zip(items, items[1:])):
        raise Malformed("order")
    return items


def record(r):
    session, what, stage = r.take(32), request(r), r.code(1, 2, 3)
    if stage == 1:
        how = r.code(1, 2), ascending([r.number(1) for _ in range(r.number(1))])
    elif stage == 2 and what.kind == 1:
        how = response(r)
    elif stage == 3:
        how = r.code(*range(16))
    else:
        raise Malformed("no vector has one")
    return Record(session, what, (stage, how), r.number())


def read_contents(data):
    r = Reader(data)
    r.code(65)
    params = wire.read("params", r.take(r.number(2)))
    view, (epoch, _, _) = r.take(32), keys.read_group(r.take(r.number(4)))
    tip, checkpoint = [(r.number(), r.take(32)) for _ in range(2)]
    book = Reader(r.take(r.number(4)))
    keys.expect(book, b"sotto group book v1")
    used = ascending(book.list(lambda: book.number(1), 1))
    coins = book.list(lambda: Coin(book.number(1), book.number(), book.code(1, 2, 3), book.number()), 18)
    ascending([coin.key for coin in coins])
    keys.end(book)
    records = r.list(lambda: record(r), 32 + 3 + 57)
    ascending([record.session for record in records])
    keys.end(r)
    return Contents(params, view, epoch, tip, checkpoint, used, coins, records)


def check_vectors(v, check):
    data, chain = bytes.fromhex(v["contents"]), bytes.fromhex(v["chain_id"])
    fresh = read_contents(data[: v["same"]] + bytes.fromhex(v["fresh_rest"]))
    never = (0, bytes(32))
    check("member's wallet: a new one", fresh[3:] == (never, never, [], [], []))
    kept = read_contents(data)
    draft = kept.epoch.draft
    check("member's wallet: chain", chain_id(kept.params) == chain == draft.chain)
    check("member's wallet: group", (draft.purpose, draft.t, draft.n, draft.keys) == (4, 2, 3, 256))
    check("member's wallet: view secret", kept.view == bytes.fromhex(v["view_secret"]) == fresh.view)
    tip = v["tip"]["height"], bytes.fromhex(v["tip"]["hash"])
    check("member's wallet: last scan", kept.tip == tip)
    by_session = {record.session: record for record in kept.records}
    paid_in, paying = (by_session.pop(bytes.fromhex(v[name])) for name in ("paid_in", "paying"))

    stage, answer = paid_in.stage
    asked = paid_in.request
    named = tagged("sotto/wallet/invite/v1", chain, asked.slate.bytes)
    check("member's wallet: the response", stage == 2 and (answer.session, answer.answers) == (asked.slate.session, named))
    check("member's wallet: its block", paid_in.confirmed == tip[0])
    x = lambda key: kept.epoch.keys[key][0]
    check("member's wallet: key of the kernel", answer.share[:32] == x(asked.kernel))
    check("member's wallet: the address is key 0", answer.receiver[1:33] == x(0))
    r0 = tagged_scalar("sotto/group/blinding/v1", kept.view + x(asked.made) + le(asked.slate.amount))
    commitment = weighted_sum([(asked.slate.amount, H), (r0, G), (1, decode(x(asked.made)))]).encode()
    check("member's wallet: the output has its own key", answer.output.commitment == commitment)

    spends = paying.request
    change = asked.slate.amount - spends.slate.amount - spends.slate.fee
    check("member's wallet: what is spent", spends.inputs == [(asked.made, asked.slate.amount)])
    check("member's wallet: waits for answers", paying.stage == (1, (2, [3])) and paying.confirmed == 0)
    coins = {coin.key: coin[1:] for coin in kept.coins}
    check("member's wallet: unspent", coins.pop(asked.made) == (asked.slate.amount, 2, tip[0]))
    check("member's wallet: change is expected", coins.pop(spends.made)[:2] == (change, 1))
    stages = sorted(record.stage for record in by_session.values())
    check("member's wallet: the others", stages == [(1, (1, [2, 3])), (3, 3)])
    others = {record.request.made: record.request.slate.amount for record in by_session.values()}
    check("member's wallet: what they would make", {key: coin[0] for key, coin in coins.items()} == others)
    check("member's wallet: also that is only expected", all(coin[1] == 1 for coin in coins.values()))
    planned = {key for r in kept.records for key in (r.request.made, r.request.kernel)}
    check("member's wallet: used keys", kept.used == sorted(planned) and 0 not in planned and len(planned) == 8)
