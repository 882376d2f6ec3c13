"""Letters of holds (docs/FORMATS.md, messages 9 and 10) and the equation of a start fee (docs/SIGNING.md, "Holds")."""

from collections import namedtuple
from hashlib import sha512

from . import frost, range_proof, wire
from .ristretto import G, IDENTITY, ORDER, decode, weighted_sum
from .wire import Malformed, Reader, le, tagged

Offer = namedtuple("Offer", "id amount claim_fee start_fee rungs kernel payer seller memo x possession shares unsigned")
Join = namedtuple("Join", "id offer x_s funding rungs output receipt")
Signed = namedtuple("Signed", "key offset")


def counted(r):
    """The number of refunds, and whether something for a start fee follows."""
    n = r.number(1)
    if n & 127 > 64:
        raise Malformed("refunds")
    return n & 127, n > 127


def read_offer(data):
    r = Reader(data)
    hold, amount, claim_fee = r.take(32), r.number(), r.number()
    r.number(), r.number()  # fee of a refund, first height
    rungs, starts = counted(r)
    r.number(), r.number()  # blocks, confirmations
    start_fee = r.number() if starts else 0
    if starts and not start_fee:
        raise Malformed("start fee")
    kind, fee, not_after = r.code(0), r.number(), r.number()
    kernel = bytes([kind]) + le(fee) + le(0) + le(not_after) + le(0)
    payer, seller = r.take(65), r.take(65)
    memo, x, possession = r.take(r.number(2)), r.point(), r.signature()
    shares = [(r.point(), r.point(), r.point(), r.signature()) for _ in range(3 + rungs)]
    unsigned = data[: r.at]
    r.signature()
    if r.at != len(data):
        raise Malformed("trailing")
    fields = hold, amount, claim_fee, start_fee, rungs, kernel, payer, seller, memo, x, possession, shares
    return Offer(*fields, unsigned)


def read_join(data):
    r = Reader(data)

    def signed():
        key = r.point()
        r.point(), r.point(), r.signature()
        offset = r.scalar()
        r.scalar()
        return Signed(key, offset)

    hold, offer, x_s = r.take(32), r.take(32), r.point()
    r.point(), r.point(), r.signature()
    funding = signed()
    n, starts = counted(r)
    rungs = [signed() for _ in range(n)]
    paid = (r.output(), r.signature()) if starts else (None, None)
    if r.at != len(data):
        raise Malformed("trailing")
    return Join(hold, offer, x_s, funding, rungs, *paid)


def signing_key(address):
    """Of an address that payments can be made to without its owner."""
    tweak = sha512(sha512(b"sotto/address-sign/v1").digest() * 2 + address[1:]).digest()
    return (decode(address[33:]) + (int.from_bytes(tweak, "little") % ORDER) * G).encode()


def share_fits(offer, join):
    """X_f + o·G = X_s + C_f − f·H, where a hold without a start fee has neither C_f nor f."""
    fee = (decode(join.output.commitment) if join.output else IDENTITY) + (-offer.start_fee % ORDER) * range_proof.H
    return decode(join.funding.key) + join.funding.offset * G == decode(join.x_s) + fee


def receipt(chain, offer, join):
    """What the seller's address signs of a start fee."""
    session = tagged("sotto/hold/session/v1", offer.id, b"\1\0")
    fields = session + le(offer.start_fee) + join.funding.key + join.output.commitment
    named = signing_key(offer.payer) + tagged("sotto/wallet/memo/v1", offer.memo)
    return b"sotto/payment/v1" + chain + fields + named + b"sotto/kernel/v1" + chain + offer.kernel


def check_vectors(v, check):
    unhex = bytes.fromhex
    chain = unhex(v["chain_id"])
    for name in ("with", "without"):
        bytes_, consent = unhex(v[name]["offer"]), unhex(v[name]["join"])
        offer, join, t = read_offer(bytes_), read_join(consent), wire.read("transaction", unhex(v[name]["funding"]))
        say = lambda what: f"start fee, {name}: {what}"
        statement = b"sotto/hold/signed-offer/v1" + chain + offer.unsigned
        check(say("signature of the offer"), frost.verifies(signing_key(offer.payer), statement, bytes_[-64:]))
        check(say("hash of the offer"), join.offer == tagged("sotto/hold/offer/v1", chain, bytes_))
        check(say("the amount"), offer.start_fee == int(v[name]["start_fee"]) and (join.output is None) == (name == "without"))
        check(say("share of the offset"), share_fits(offer, join))
        held = offer.amount + offer.claim_fee
        joint = weighted_sum([(held, range_proof.H), (1, decode(offer.x)), (1, decode(join.x_s))]).encode()
        outputs = [o.commitment for o in t.body.outputs]
        check(say("the output of the hold"), joint in outputs and len(outputs) == (2 if name == "without" else 3))
        key = decode(offer.shares[0][0]) + decode(join.funding.key)
        kernel = t.body.kernels[0]
        check(say("the kernel"), len(t.body.kernels) == 1 and kernel.excess == key.encode())
        sums = [(1, decode(c)) for c in outputs] + [(-1, decode(c)) for c in t.body.inputs]
        check(say("balance"), weighted_sum(sums + [(kernel.fee, range_proof.H), (-t.offset, G), (-1, key)]) == IDENTITY)
        if join.output:
            o, signed = join.output, receipt(chain, offer, join)
            bound = range_proof.context(chain, o.kind, o.extra)
            check(say("its output"), o.kind == 0 and o.extra == b"" and o in t.body.outputs)
            check(say("range proof"), range_proof.holds(bound, o.commitment, o.proof))
            check(say("receipt"), frost.verifies(signing_key(offer.seller), signed, join.receipt))
            dearer = offer._replace(start_fee=offer.start_fee + 1)
            check(say("no other amount"), not share_fits(dearer, join))
