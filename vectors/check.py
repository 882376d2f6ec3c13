#!/usr/bin/env python3
"""Checks every vector in this folder with the independent reader in `reader/`, which shares no code with the ledger.

    python3 vectors/check.py

Prints what fails and 'N passed, N failed', and exits with 1 on a failure. Needs Python's standard library alone.
"""

import json
import sys
from hashlib import sha256, sha3_512, sha512
from itertools import combinations
from pathlib import Path

sys.dont_write_bytecode = True
from reader import auditors, computers, evidence, frost, keys, locks, member_wallet, range_proof, rules, sales, three_halves, vault, wire, xchacha  # noqa: E402
from reader.ristretto import G, IDENTITY, ORDER, decode, one_way, scalar, scalar_bytes, weighted_sum  # noqa: E402
from reader.wire import le, tagged  # noqa: E402

FOLDER = Path(__file__).resolve().parent
H = range_proof.H
unhex = bytes.fromhex
passed, failed = 0, []


def check(name, holds):
    global passed
    if holds:
        passed += 1
    else:
        failed.append(name)


def secret(text):
    return scalar(unhex(text))


def check_rfc9496(v):
    for i, encoded in enumerate(v["multiples"]):
        check(f"{i}·G", (i * G).encode() == unhex(encoded) and decode(unhex(encoded)) == i * G)
    for encoded in v["invalid"]:
        check(f"invalid {encoded}", decode(unhex(encoded)) is None)
    for case in v["element_derivation"]:
        check("element derivation", one_way(unhex(case["in"])).encode() == unhex(case["out"]))


def check_rfc9591(v):
    """The whole of the appendix: nonces, binding factors, signature shares, signature."""
    key, message, parties = unhex(v["group_public_key"]), unhex(v["message"]), v["participants"]
    identifiers = [p["identifier"] for p in parties]
    check("group key", (secret(v["group_secret_key"]) * G).encode() == key)
    listed = b"".join(
        scalar_bytes(p["identifier"]) + unhex(p["hiding_commitment"]) + unhex(p["binding_commitment"]) for p in parties
    )
    terms, factors = [], {}
    for p in parties:
        i, share = p["identifier"], unhex(p["share"])
        for kind in ("hiding", "binding"):
            nonce = frost.h3(unhex(p[kind + "_randomness"]) + share)
            check(f"{kind} nonce of {i}", scalar_bytes(nonce) == unhex(p[kind + "_nonce"]))
            check(f"{kind} commitment of {i}", (nonce * G).encode() == unhex(p[kind + "_commitment"]))
        prefix = key + frost.h4(message) + frost.h5(listed) + scalar_bytes(i)
        check(f"binding factor input of {i}", prefix == unhex(p["binding_factor_input"]))
        factors[i] = frost.h1(prefix)
        check(f"binding factor of {i}", scalar_bytes(factors[i]) == unhex(p["binding_factor"]))
        terms += [(1, decode(unhex(p["hiding_commitment"]))), (factors[i], decode(unhex(p["binding_commitment"])))]
    r = weighted_sum(terms).encode()
    c, total = frost.h2(r + key + message), 0
    for p in parties:
        i = p["identifier"]
        d, e = secret(p["hiding_nonce"]), secret(p["binding_nonce"])
        z = d + e * factors[i] + frost.lagrange(i, identifiers) * secret(p["share"]) * c
        check(f"signature share of {i}", scalar_bytes(z) == unhex(p["sig_share"]))
        total += z
    check("signature", r + scalar_bytes(total) == unhex(v["signature"]))
    check("signature verifies", frost.verifies(key, message, unhex(v["signature"])))


def check_generators(v):
    check("G", G.encode() == unhex(v["G"]))
    check("H", H.encode() == unhex(v["H"]) and v["H_label"] == "sotto/H/v1")
    chain = [e.encode() for e in range_proof.GS]
    check("the range proof's generators", sha256(b"".join(chain)).hexdigest() == v["range_proof_G_sha256"])
    usual_blinding = one_way(sha3_512(G.encode()).digest())
    others = [G.encode(), usual_blinding.encode(), *chain, *(e.encode() for e in range_proof.HS)]
    check("H is no other generator", H.encode() not in others and len(set(others)) == 130)


def check_commitments(v):
    for c in v["commitments"]:
        sum_ = weighted_sum([(int(c["amount"]), H), (secret(c["blinding"]), G)])
        check(f"commitment to {c['amount']}", sum_.encode() == unhex(c["commitment"]))


def check_range_proofs(v):
    keys = unhex(v["rewind_key"]), unhex(v["tau_key"])
    for p in v["proofs"]:
        name, amount = f"range proof of {p['amount']}", int(p["amount"])
        c, proof = unhex(p["commitment"]), unhex(p["proof"])
        extra, opening = unhex(p["extra"]), (amount, unhex(p["index"]))
        bound = range_proof.context(unhex(v["chain_id"]), p["kind"], extra)
        check(name + ": commitment", weighted_sum([(amount, H), (secret(p["blinding"]), G)]).encode() == c)
        check(name, range_proof.holds(bound, c, proof))
        derived = range_proof.first_four(bound, c, proof, opening, keys)
        check(name + ": every scalar is derived", b"".join(derived) == proof[:128])
        check(name + ": rewind", range_proof.rewind(bound, c, proof, keys[0]) == opening)
        check(name + ": another key", range_proof.rewind(bound, c, proof, unhex(v["other_rewind_key"])) is None)
        elsewhere = range_proof.context(unhex(v["chain_id"]), p["kind"], extra + b"!")
        check(name + ": bound to its output", not range_proof.holds(elsewhere, c, proof))


def check_audited(v):
    params, y = wire.read("params", unhex(v["params"])), secret(v["y"])
    chain, key = wire.chain_id(params), y * G
    check("audited: parameters", chain == unhex(v["chain_id"]) and params.auditors[0] == key.encode())
    rewind_key, tau_key, r = unhex(v["rewind_key"]), unhex(v["tau_key"]), secret(v["blinding"])
    for described in v["outputs"]:
        o, amount = wire.read("output", unhex(described["output"])), int(described["amount"])
        name, h = f"audited output of kind {o.kind}", [o.handles[i : i + 32] for i in range(0, 160, 32)]
        bound = range_proof.context(chain, o.kind, o.extra) + wire.encode_keys(o)
        check(name + ": kind", o.kind == described["kind"] and o.kind in wire.AUDITED)
        check(name + ": commitment", weighted_sum([(amount, H), (r, G)]).encode() == o.commitment)
        high, low = amount >> 32, amount % 2**32
        r_hi = range_proof.high_blinding(bound, o.commitment, tau_key)
        r_lo = (r - 2**32 * r_hi) % ORDER
        c_hi = weighted_sum([(high, H), (r_hi, G)])
        check(name + ": C_hi, D_lo, D_hi", [c_hi.encode(), (r_lo * key).encode(), (r_hi * key).encode()] == h[:3])
        taus = range_proof.derived_taus(bound, o.commitment, tau_key, o.handles)
        check(name + ": T'_1, T'_2", [(t * key).encode() for t in taus] == h[3:])
        opening = amount, unhex(v["index"])
        first = range_proof.first_four(bound, o.commitment, o.proof, opening, (rewind_key, tau_key), o.handles)
        check(name + ": every scalar is derived", b"".join(first) == o.proof[:128])
        check(name + ": range", range_proof.holds(bound, o.commitment, o.proof, o.handles))
        check(name + ": handles", range_proof.handles_hold(bound, o.commitment, o.proof, o.handles, key))
        check(name + ": no other key", not range_proof.handles_hold(bound, o.commitment, o.proof, o.handles, 2 * key))
        swapped = h[0] + h[2] + h[1] + h[3] + h[4]
        check(name + ": no other handles", not range_proof.holds(bound, o.commitment, o.proof, swapped))
        rewound = [range_proof.rewind(bound, o.commitment, o.proof, unhex(v[k]), o.handles) for k in REWIND_KEYS]
        check(name + ": rewind", rewound == [opening, None])
        c_lo = weighted_sum([(1, decode(o.commitment)), (-(2**32), c_hi)])
        for half, c, d in ((low, c_lo, h[1]), (high, c_hi, h[2])):
            read = weighted_sum([(y, c), (-1, decode(d))])
            check(name + ": what auditors read", read == weighted_sum([(half * y, H)]))
        leaf = wire.unspent_leaf(o, v["created"])
        check(name + ": leaf", leaf == unhex(described["leaf"]))
        lone = wire.Body([], [], [o], [], {}, 0, None, b"")
        check(name + ": weight", rules.weight(lone) == described["weight"])


def check_reading(v):
    """What auditors are asked and answer. Ed25519 and X-Wing are not read."""
    auditors.check_vectors(v, H, check)


REWIND_KEYS = "rewind_key", "other_rewind_key"


def check_signatures(v):
    for s in v["made"]:
        x, fresh, message = secret(s["secret"]), unhex(s["fresh"]), unhex(s["message"])
        check("key", (x * G).encode() == unhex(s["key"]))
        check("signature as made", frost.sign(x, message, fresh) == unhex(s["signature"]))
    for s in v["judged"]:
        holds = frost.verifies(unhex(s["key"]), unhex(s["message"]), unhex(s["signature"]))
        check(f"signature: {s['name']}", holds == s["holds"])


def check_kernels(v):
    chain = unhex(v["chain_id"])
    for k in v["kernels"]:
        kernel = wire.read("kernel", unhex(k["kernel"]))
        name = f"kernel of kind {kernel.kind}"
        message, x = wire.kernel_message(chain, kernel), secret(k["secret"])
        check(name + ": message", message == unhex(k["message"]))
        check(name + ": id", wire.kernel_id(kernel) == unhex(k["id"]))
        check(name + ": excess", (x * G).encode() == kernel.excess)
        signature = kernel.nonce + scalar_bytes(kernel.response)
        check(name + ": signature", frost.sign(x, message, unhex(k["fresh"])) == signature)
        check(name + ": verifies", frost.verifies(kernel.excess, message, signature))


def check_session(v):
    chain, session, message = (unhex(v[k]) for k in ("chain_id", "session_id", "message"))
    key = sum((decode(unhex(p["key"])) for p in v["parties"]), IDENTITY)
    check("session key", key.encode() == unhex(v["key"]))
    shown = ("key", "hiding", "binding")
    seen = [scalar_bytes(p["role"]) + b"".join(unhex(p[k]) for k in shown) for p in v["parties"]]
    b = frost.h5(session + b"".join(seen))
    factors = [frost.h1(key.encode() + frost.h4(message) + b + scalar_bytes(p["role"])) for p in v["parties"]]
    terms = [
        term
        for p, rho in zip(v["parties"], factors)
        for term in ((1, decode(unhex(p["hiding"]))), (rho, decode(unhex(p["binding"]))))
    ]
    r = weighted_sum(terms).encode()
    c, total = frost.h2(r + key.encode() + message), 0
    for p, rho in zip(v["parties"], factors):
        name, x, fresh = f"party {p['role']}", secret(p["secret"]), unhex(p["fresh"])
        d, e = (frost.h3(fresh[i : i + 32] + scalar_bytes(x) + unhex(p["bound"])) for i in (0, 32))
        bound = chain + session + bytes([p["role"]]) + message
        check(name + ": what the nonces are bound to", bound == unhex(p["bound"]))
        check(name + ": nonces", (d, e) == (secret(p["d"]), secret(p["e"])))
        points = [(k * G).encode() for k in (x, d, e)]
        check(name + ": share", points == [unhex(p[k]) for k in shown])
        statement = b"sotto/pop/v1" + chain + session + bytes([p["role"]])
        check(name + ": possession", frost.sign(x, statement, fresh[64:]) == unhex(p["possession"]))
        z = (d + rho * e + c * x) % ORDER
        check(name + ": response", scalar_bytes(z) == unhex(p["response"]))
        total += z
    x, fresh, seen = unhex(v["parties"][0]["secret"]), unhex(v["clone_fresh"]), set()
    for clone in v["clones"]:
        nonce = frost.h3(fresh + x + unhex(clone["bound"]))
        check("nonces of a clone", nonce == secret(clone["d"]) == secret(clone["e"]))
        seen.add(nonce)
    check("clones share no nonce", len(seen) == len(v["clones"]) == 2)
    check("session signature", r + scalar_bytes(total) == unhex(v["signature"]))
    check("session signature verifies", frost.verifies(key.encode(), message, unhex(v["signature"])))


def check_joint(v):
    joint_output("joint", v, None)
    v = v["audited"]
    params, key = wire.read("params", unhex(v["params"])), secret(v["y"]) * G
    check("audited joint: chain", wire.chain_id(params) == unhex(v["chain_id"]))
    check("audited joint: auditors", params.auditors[0] == key.encode())
    joint_output("audited joint", v, key)


def joint_output(name, v, auditors):
    chain, hold, amount = unhex(v["chain_id"]), unhex(v["hold_id"]), int(v["amount"])
    r_p, r_s, *tau = (secret(v[k]) for k in ("r_p", "r_s", "tau_1", "tau_2"))
    x_p, x_s, t_1, t_2 = ((k * G) for k in (r_p, r_s, *tau))
    place = b"sotto/joint/v1" + chain + hold
    prover = place + b"\x01" + x_p.encode()
    over_p = [k * auditors for k in (r_s, *tau)] if auditors else []
    shown = [e.encode() for e in (x_s, t_1, t_2, *over_p)]
    co_owner = place + b"\x02" + b"".join(shown)
    fresh = [unhex(f) for f in v["fresh"]]
    check(name + ": prover's part", x_p.encode() + frost.sign(r_p, prover, fresh[0]) == unhex(v["prover"]))
    mark = b"\x01" if auditors else b""
    part = mark + b"".join(shown) + frost.sign(r_s, co_owner, fresh[1])
    check(name + ": co-owner's part", part == unhex(v["co_owner"]))
    c = weighted_sum([(amount, H), (1, x_p), (1, x_s)]).encode()
    check(name + ": commitment", c == unhex(v["commitment"]))
    bound, proof = range_proof.context(chain, 2 if auditors else 0, b""), unhex(v["proof"])
    proof, handles = proof[:672], proof[672:]
    elements = [proof[i : i + 32] for i in range(0, 128, 32)]
    check(name + ": letter of the prover", mark + proof[:128] + handles == unhex(v["heads"]))
    seed = b"sotto/joint-nonces/v1" + fresh[2] + scalar_bytes(r_p) + t_1.encode() + t_2.encode() + c + bound
    seed += b"".join(e.encode() for e in over_p)
    drawn = [range_proof.drawn(seed, i) for i in range(133)]
    if auditors:
        r_hi = drawn[132]
        r_lo = r_p - 2**32 * r_hi
        added = [weighted_sum([(k, auditors), (1, e)]) for k, e in zip((r_lo, *drawn[130:132]), over_p)]
        c_hi = weighted_sum([(amount >> 32, H), (r_hi, G)])
        want = [e.encode() for e in (c_hi, added[0], r_hi * auditors, *added[1:])]
        check(name + ": handles", b"".join(want) == handles)
        check(name + ": handles hold", range_proof.handles_hold(bound, c, proof, handles, auditors))
        y, c_lo = secret(v["y"]), weighted_sum([(1, decode(c)), (-(2**32), c_hi)])
        for half, point, d in ((amount % 2**32, c_lo, want[1]), (amount >> 32, c_hi, want[2])):
            check(name + ": read", weighted_sum([(y, point), (-1, decode(d))]) == weighted_sum([(half * y, H)]))
    derived = range_proof.heads(bound, c, elements, amount, drawn[:132], (t_1, t_2), handles)
    check(name + ": A, S, T_1, T_2", derived == elements)
    z, x = range_proof.challenges(bound, c, elements, handles)
    u = (z * z * r_s + x * tau[0] + x * x * tau[1]) % ORDER
    check(name + ": answer", scalar_bytes(u) == unhex(v["answer"]))
    if auditors:
        want = weighted_sum([(z * z, over_p[0]), (x, over_p[1]), (x * x, over_p[2])])
        check(name + ": answer over P", u * auditors == want)
    check(name + ": range proof", range_proof.holds(bound, c, proof, handles))
    check(name + ": not without the co-owner", not range_proof.holds(bound, (decode(c) - x_s).encode(), proof, handles))


def check_adaptor(v):
    session, message, t = unhex(v["session_id"]), unhex(v["message"]), secret(v["t"])
    point, parties = (t * G).encode(), v["parties"]
    key = sum((decode(unhex(p["key"])) for p in parties), IDENTITY).encode()
    shown = ("key", "hiding", "binding")
    seen = b"".join(scalar_bytes(p["role"]) + b"".join(unhex(p[k]) for k in shown) for p in parties)
    b = frost.h5(session + seen + b"sotto/adaptor/v1" + point)
    factors = [frost.h1(key + frost.h4(message) + b + scalar_bytes(p["role"])) for p in parties]
    nonces = [
        decode(unhex(p["hiding"])) + rho * decode(unhex(p["binding"])) for p, rho in zip(parties, factors)
    ]
    r = sum(nonces, decode(point)).encode()
    c, total = frost.h2(r + key + message), 0
    for p, rho in zip(parties, factors):
        z = (secret(p["d"]) + rho * secret(p["e"]) + c * secret(p["secret"])) % ORDER
        check(f"adaptor: response of party {p['role']}", scalar_bytes(z) == unhex(p["response"]))
        total += z
    check("adaptor: pre-signature", r + point + scalar_bytes(total) == unhex(v["pre_signature"]))
    check("adaptor: no signature", not frost.verifies(key, message, r + scalar_bytes(total)))
    signature = r + scalar_bytes(total + t)
    check("adaptor: signature", signature == unhex(v["signature"]) and frost.verifies(key, message, signature))


def check_locked_claim(v):
    """docs/FORMATS.md, what others see of a locked claim: features, E, R, T, s; and what its kernel reveals."""
    chain, claim, bytes_, t = unhex(v["chain_id"]), unhex(v["claim"]), unhex(v["kernel"]), secret(v["t"])
    kernel = wire.read("kernel", bytes_)
    features, signature = bytes_[:-96], bytes_[-64:]
    e, r, point, s = (claim[len(features) + 32 * i :][:32] for i in range(4))
    check("locked claim: bytes", claim == features + kernel.excess + signature[:32] + point + s)
    check("locked claim: plain", kernel.kind == 0 and point == (t * G).encode())
    c = frost.h2(r + e + wire.kernel_message(chain, kernel))
    check("locked claim: holds", scalar(s) * G + decode(point) == decode(r) + c * decode(e))
    check("locked claim: no signature", not frost.verifies(e, wire.kernel_message(chain, kernel), r + s))
    check("locked claim: reveals", (scalar(signature[32:]) - scalar(s)) % ORDER == t)


def check_encrypted_message(v):
    """docs/FORMATS.md, "Encrypted message"; first the cipher on the draft's own example."""
    example = v["xchacha20_poly1305"]
    sealed = xchacha.encrypt(*(unhex(example[k]) for k in ("key", "nonce", "text", "beside")))
    check("the draft's example", sealed == unhex(example["sealed"]))

    def derived(tag, *parts):
        prefix = sha512(tag).digest() * 2
        return sha512(prefix + b"".join(parts)).digest()

    message, chain = unhex(v["message"]), unhex(v["chain_id"])
    writer, reader = secret(v["writer_secret"]), secret(v["reader_secret"])
    envelope = bytes([17, 2]) + chain
    text = le(len(message), 4) + message
    text += bytes(-len(text) % 704)
    k = reader * G
    e = int.from_bytes(derived(b"sotto/wallet/ephemeral/v1", scalar_bytes(writer), k.encode(), envelope, text), "little")
    p, shared = (e % ORDER) * G, (e % ORDER) * k
    check("either side's secret", shared.encode() == (reader * p).encode())
    lock = derived(b"sotto/wallet/letter/v1", envelope, p.encode(), k.encode(), shared.encode())
    sealed = xchacha.encrypt(lock[:32], lock[32:56], text, envelope)
    check("encrypted message", envelope + p.encode() + sealed == unhex(v["encrypted"]))


def bech32m(text):
    """The bytes of a text (BIP-350), without the prefix and the checksum; None if the checksum fails."""
    prefix, letters = text.rsplit("1", 1)
    values = ["qpzry9x8gf2tvdw0s3jn54khce6mua7l".index(c) for c in letters]
    state = 1
    for value in [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + values:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ value
        for i, g in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            state ^= g if top >> i & 1 else 0
    if state != 0x2BC830A3:
        return None
    bits = 0
    for value in values[:-6]:
        bits = bits << 5 | value
    length = 5 * (len(values) - 6)
    return (bits >> length % 8).to_bytes(length // 8, "big")


def check_one_sided(v):
    """docs/FORMATS.md, "Derived keys and hashes": what a payer and a payee derive, and the bytes that come of it."""

    def d(tag, *parts):
        return sha512(sha512(tag).digest() * 2 + b"".join(parts)).digest()

    def of(tag, *parts):
        return int.from_bytes(d(tag, *parts), "little") % ORDER

    chain, payer, payee = (unhex(v[name]) for name in ("chain_id", "payer_account_key", "payee_account_key"))
    a, b = of(b"sotto/wallet/view/v1", payee, le(0, 4)), of(b"sotto/wallet/spend/v1", payee, le(0, 4))
    check("a and b", (a, b) == (secret(v["payee"]["a"]), secret(v["payee"]["b"])))
    big_a, big_b = (a * G).encode(), (b * G).encode()
    check("address", bech32m(v["payee"]["address"]) == b"\2" + big_a + big_b)
    for tag, name in ((b"sotto/address-sign/v1", "signing_secret"), (b"sotto/address-encrypt/v1", "encryption_secret")):
        check(name, (b + of(tag, big_a, big_b)) % ORDER == secret(v["payee"][name]))
    rewind_key = d(b"sotto/wallet/rewind/v1", payee, b"\0")[:32]
    check("view key", bech32m(v["payee"]["view_key"]) == b"\2" + le(2, 4) + rewind_key + scalar_bytes(a) + big_b)

    amount, index = int(v["amount"]), unhex(v["index"])
    opening = index + le(amount)
    r = of(b"sotto/wallet/one-sided/v1", payer, unhex(v["fresh"]), big_a, big_b, le(amount))
    big_r, s = r * G, (r * decode(big_a)).encode()
    check("r", r == secret(v["r"]) and s == (a * big_r).encode())
    shared = d(b"sotto/one-sided/shared/v1", chain, big_r.encode(), s, big_a, big_b)
    t, tag = shared[:32], shared[32:33]
    k, q = of(b"sotto/one-sided/key/v1", t), of(b"sotto/one-sided/blinding/v1", t, opening)
    check("t, k and q", (t, k, q) == (unhex(v["t"]), secret(v["k"]), secret(v["q"])))
    keys = [d(f"sotto/one-sided/{name}/v1".encode(), t)[:32] for name in ("rewind", "tau")]
    check("rewind and tau key", keys == [unhex(v["rewind_key"]), unhex(v["tau_key"])])

    def check_output(name, o, receiver, blinding, rewind):
        check(name + ": C", weighted_sum([(amount, H), (blinding, G)]).encode() == o.commitment)
        check(name + ": K_o", (receiver * G).encode() == o.receiver)
        check(name + ": sender's signature", frost.verifies(o.sender, wire.sender_message(chain, o), o.signature))
        bound = range_proof.context(chain, o.kind, o.extra) + wire.encode_keys(o)
        check(name + ": range proof", range_proof.holds(bound, o.commitment, o.proof))
        check(name + ": rewind", range_proof.rewind(bound, o.commitment, o.proof, rewind) == (amount, index))

    o = wire.read("output", unhex(v["output"]))
    check("output: kind, R and view tag", (o.kind, o.sender, o.tag) == (4, big_r.encode(), tag))
    check_output("output", o, b + k, q, keys[0])
    check("leaf", wire.unspent_leaf(o, 9) == unhex(v["leaf_at_9"]))
    i = wire.read("one_sided_input", unhex(v["input"]))
    check("input", (i.commitment, i.receiver) == (o.commitment, o.receiver))
    check("input: signature", rules.input_holds(chain, i))
    check("input: part of y", secret(v["input_part_of_y"]) * G == weighted_sum([(1, decode(i.fresh)), (-1, decode(i.receiver))]))
    kernel = wire.read("kernel", unhex(v["kernel"]))
    bond = unhex(v["bond"])
    check("bond", len(bond) == 96 and frost.verifies(bond[:32], wire.bond_message(chain, kernel), bond[32:]))

    hidden = wire.read("output", unhex(v["hidden"]["output"]))
    q = of(b"sotto/wallet/hidden-blinding/v1", payer, opening)
    k_o = of(b"sotto/wallet/hidden-key/v1", payer, opening)
    check("hidden: q and k_o", (q, k_o) == (secret(v["hidden"]["q"]), secret(v["hidden"]["k_o"])))
    rewind_key = d(b"sotto/wallet/rewind/v1", payer, b"\1")[:32]
    check("hidden: rewind key", rewind_key == unhex(v["hidden"]["rewind_key"]))
    check_output("hidden", hidden, k_o, q, rewind_key)


def check_described(name, chain, described):
    """Decodes a transaction, checks its claims, sums, signatures and proofs; returns it."""
    data = unhex(described["bytes"])
    t = wire.read("transaction", data)
    check(name + ": bytes", wire.encode_transaction(t.offset, t.body.inputs, t.body.outputs, t.body.kernels) == data)
    check(name + ": weight", rules.weight(t.body) == described["weight"])
    check(name + ": fees", rules.fees(t.body) == int(described["fees"]))
    plus = [(1, wire.POINTS[o.commitment]) for o in t.body.outputs] + [(rules.fees(t.body), H)]
    minus = [(-1, wire.POINTS[p]) for p in [*t.body.inputs, *(k.excess for k in t.body.kernels)]]
    check(name + ": balance", weighted_sum(plus + minus + [(-t.offset, G)]) == IDENTITY)
    for k in t.body.kernels:
        signature = k.nonce + scalar_bytes(k.response)
        check(name + ": signature", frost.verifies(k.excess, wire.kernel_message(chain, k), signature))
    for o in t.body.outputs:
        check(name + ": proof", range_proof.holds(range_proof.context(chain, o.kind, o.extra), o.commitment, o.proof))
    return t


def check_transaction(v):
    chain, seen = unhex(v["chain_id"]), {}
    t = check_described("transaction", chain, v["transaction"])
    for o in t.body.outputs:
        bound = range_proof.context(chain, o.kind, o.extra)
        seen[o.commitment] = range_proof.rewind(bound, o.commitment, o.proof, unhex(v["rewind_key"]))
    for o in v["outputs"]:
        check("rewind", seen[unhex(o["commitment"])] == (int(o["amount"]), unhex(o["index"])))
    for o in v["inputs"] + v["outputs"]:
        c = weighted_sum([(int(o["amount"]), H), (secret(o["blinding"]), G)])
        check("an opening", c.encode() == unhex(o["commitment"]))
    check("inputs", t.body.inputs == [unhex(o["commitment"]) for o in v["inputs"]])
    check("outputs", {o.commitment for o in t.body.outputs} == {unhex(o["commitment"]) for o in v["outputs"]})
    amounts = [sum(int(o["amount"]) for o in v[side]) for side in ("inputs", "outputs")]
    check("amounts", amounts[0] == amounts[1] + int(v["transaction"]["fees"]))


def check_cut_through(v):
    chain = unhex(v["chain_id"])
    parts = [check_described("part", chain, t) for t in v["parts"]]
    spent = {c for t in parts for c in t.body.inputs}
    created = {o.commitment: o for t in parts for o in t.body.outputs}
    through = {c for c in spent & set(created) if created[c].kind == 0}
    outputs = [created[c] for c in sorted(set(created) - through)]
    kernels = sorted((k for t in parts for k in t.body.kernels), key=lambda k: k.excess)
    offset = sum(t.offset for t in parts) % ORDER
    joined = wire.encode_transaction(offset, sorted(spent - through), outputs, kernels)
    check("joined", joined == unhex(v["joined"]["bytes"]) and len(through) == 1)
    check_described("joined", chain, v["joined"])


def check_consensus(v):
    """Votes, certificates, whose turn it is, terms and changes."""
    chain = unhex(v["chain_id"])
    validators = wire.read("validators", unhex(v["validators"]))
    set_hash = wire.tagged("sotto/validators/v1", unhex(v["validators"]))
    check("hash of the set", set_hash == unhex(v["validators_hash"]))
    for i in validators:
        check("possession", frost.verifies(i.key, wire.possession_message(i), i.possession))
    for s in v["votes"]:
        value = unhex(s["value"]) if s["value"] else None
        message = wire.vote_message(chain, s["kind"], s["height"], s["round"], value)
        check("vote: message", message == unhex(s["message"]))
        check("vote", frost.verifies(validators[s["voter"]].key, message, unhex(s["signature"])))
    for s in v["proposals"]:
        message = wire.proposal_message(chain, s["height"], s["round"], s["pol_round"], unhex(s["value"]))
        check("proposal: message", message == unhex(s["message"]))
        check("proposal", frost.verifies(validators[s["proposer"]].key, message, unhex(s["signature"])))
    for c in v["certificates"]:
        seal = wire.read("seal", b"\1" + unhex(c["bytes"]))
        message = wire.vote_message(chain, 2, c["height"], seal.round, unhex(c["value"]))
        check(f"certificate: {c['name']}", bool(rules.quorum(validators, seal.signed, message)) == c["holds"])
    powers = [i.power for i in validators]
    for t in v["turns"]:
        place = wire.proposer(chain, set_hash, powers, t["height"], t["round"])
        check(f"turn of {t['height']}, {t['round']}", place == t["proposer"])
    terms = wire.read("terms", unhex(v["terms"][0]["bytes"]))
    for height, t in enumerate(v["terms"]):
        change = wire.read("change", unhex(t["change"])) if t["change"] else None
        check(f"terms of {height}", wire.encode_terms(terms) == unhex(t["bytes"]))
        check(f"terms of {height}: read", wire.read("terms", unhex(t["bytes"])) == terms)
        check(f"terms of {height}: hash", wire.terms_hash(terms) == unhex(t["hash"]))
        terms = wire.terms_after(terms, height, change)


def check_blocks(v):
    params = wire.read("params", unhex(v["params"]))
    chain = rules.Chain(params)
    check("chain id", chain.id == unhex(v["chain_id"]))
    check("genesis", chain.tip.bytes == unhex(v["genesis"]["header"]))
    check("genesis hash", wire.header_hash(chain.tip.bytes) == unhex(v["genesis"]["hash"]))
    excesses = []
    for b in v["blocks"]:
        block = wire.read("block", unhex(b["bytes"]))
        check("block hash", wire.header_hash(block.header.bytes) == unhex(b["hash"]))
        try:
            chain.connect(block)
            check(f"block {block.header.height}", True)
        except rules.Refused as rule:
            check(f"block {block.header.height}: {rule}", False)
        excesses += [k.excess for k in block.body.kernels]
    for u in v["unspent"]:
        c = unhex(u["commitment"])
        output, created = chain.unspent[c]
        check("key of unspent", wire.unspent_key(c) == unhex(u["key"]))
        check("leaf of unspent", created == u["created"] and wire.unspent_leaf(output, created) == unhex(u["leaf"]))
    check("unspent", len(v["unspent"]) == len(chain.unspent))
    supply = int(v["supply"])
    check("supply", supply == params.reward * chain.tip.height)
    terms = [(1, wire.POINTS[c]) for c in chain.unspent] + [(-1, wire.POINTS[e]) for e in excesses]
    check("audit", weighted_sum(terms + [(-supply, H), (-chain.tip.offset, G)]) == IDENTITY)


def check_mmr(v):
    leaves = [tagged("test/leaf", le(i, 4)) for i in range(16)]
    for r in v["roots"]:
        n, peaks = r["leaves"], wire.mmr_peaks(leaves[: r["leaves"]])
        check(f"mountain range of {n}", wire.mmr_root(leaves[:n]) == unhex(r["root"]))
        check(f"peaks of {n}", le(n) + b"".join(peaks) == unhex(r["peaks"]))
    for p in v["proofs"]:
        n, i, proof = p["leaves"], p["index"], unhex(p["proof"])
        root = wire.mmr_root(leaves[:n])
        check(f"leaf {i} of {n}", wire.mmr_proven_root(leaves[i], i, n, proof) == root)
        check(f"not leaf {i} of {n}", wire.mmr_proven_root(leaves[15], i, n, proof) != root)


def check_trie(v):
    key, leaf = (lambda i: tagged("test/key", le(i, 4))), (lambda i: tagged("test/leaf", le(i, 4)))

    def root(n):
        return wire.trie_root({key(i): leaf(i) for i in range(n)})

    for r in v["roots"]:
        check(f"trie of {r['entries']}", root(r["entries"]) == unhex(r["root"]))
    for p in v["proofs"]:
        n, i = p["entries"], p["key"]
        count, end, forks = wire.read_opening(wire.Reader(unhex(p["proof"])))
        node = wire.trie_leaf(*end) if end else wire.trie_top([])
        check(f"opening of {i} in {n}", wire.opened_root(count, key(i), node, forks) == root(n))
        check(f"whether {i} is in {n}", (end == (key(i), leaf(i))) == (i < n))
    for c in v["chunks"]:
        n, r = c["entries"], wire.Reader(unhex(c["chunk"]))
        depth, index = r.number(1), r.number(4)
        listed = [(r.take(32), r.take(32)) for _ in range(r.number())]
        count, end, forks = wire.read_opening(r)
        prefix = (index << (256 - depth)).to_bytes(32, "big")
        under = sorted((key(i), leaf(i)) for i in range(n) if int.from_bytes(key(i), "big") >> (256 - depth) == index)
        name = f"chunk {index} of depth {depth} of {n}"
        check(name + ": leaves", listed == under)
        node = wire.trie_leaf(*end) if end else wire.trie_top(listed)
        check(name, wire.opened_root(count, prefix, node, forks) == root(n))


def check_keys(v):
    """Threshold keys: formats, letter hashes and FROST. Ed25519 and X-Wing are not read."""
    keys.check_vectors(v, check)


def check_evidence(v):
    """A job that asks for evidence, its receipt, and what session evidence is bound to. Ed25519 is not read."""
    evidence.check_vectors(v, check)


def check_computers(v):
    """A job of three computers, its receipt, and an owner's tests. Ed25519 and AES are not read."""
    computers.check_vectors(v, check)


def check_locks(v):
    """A lock of two computers and their locked shares. Ed25519 and X-Wing are not read."""
    locks.check_vectors(v, check)


def check_sales(v):
    """Offers, and a job that sells an output. Ed25519 is not read."""
    sales.check_vectors(v, check)


def check_vault(v):
    """Boxes: formats, the signature under E, partials and what they open. Ed25519 and X-Wing are not read."""
    vault.check_vectors(v, check)


def check_group_coin(v):
    """A group responds to an invite: what each member shows and answers, and what that adds up to."""
    group_coin("group coin", v, None)
    v = v["audited"]
    params, auditors = wire.read("params", unhex(v["params"])), secret(v["y"]) * G
    check("audited group coin: chain", wire.chain_id(params) == unhex(v["chain_id"]))
    check("audited group coin: auditors", params.auditors[0] == auditors.encode())
    group_coin("audited group coin", v, auditors)


def group_coin(name, v, auditors):
    chain, view, t, n = unhex(v["chain_id"]), unhex(v["view_secret"]), v["threshold"], v["members"]
    plan, response = unhex(v["plan"]), unhex(v["response"])
    lists, at = [], 0
    for _ in range(4):
        lists.append(list(plan[at + 1 : at + 1 + plan[at]]))
        at += 1 + plan[at]
    request = plan[at + 4 :]
    check(name + ": length of the request", int.from_bytes(plan[at : at + 4], "little") == len(request))
    k, j = request[1], request[2]
    check(name + ": plan", request[0] == 1 and lists == [[k, j], [k], [], [j, 0]])
    sets = list(combinations(range(1, n + 1), t))
    members = [m["member"] for m in v["masked"]]
    check(name + ": set", tuple(members) == sets[k % len(sets)] == sets[j % len(sets)])
    points = {key["key"]: unhex(key["points"]) for key in v["keys"]}
    points = {key: [decode(a[i : i + 32]) for i in range(0, 32 * t, 32)] for key, a in points.items()}
    share = lambda key, i: weighted_sum([(i**power, a) for power, a in enumerate(points[key])])
    x_k, x_j = points[k][0], points[j][0]

    invite = request[3:]
    session, amount, features = invite[:32], int.from_bytes(invite[32:40], "little"), invite[40:57]
    shown = invite[57:153]
    message = b"sotto/kernel/v1" + chain + features[:9] + bytes(8) + features[9:] + bytes(8)
    r0 = wire.tagged_scalar("sotto/group/blinding/v1", view + x_k.encode() + le(amount))
    c = weighted_sum([(amount, H), (r0, G), (1, x_k)]).encode()
    check(name + ": commitment", c == unhex(v["commitment"]))

    own, tail = response[64:160], response[-32 - 32 - 65 - 64 :]
    kind, shown_c, proof = response[224], response[225:257], response[258 : 258 + 672]
    handles, of_kind = response[930:-193] if auditors else b"", 2 if auditors else 0
    check(name + ": output", kind == of_kind and shown_c == c and response[257] == 0)
    bound = range_proof.context(chain, of_kind, b"")
    check(name + ": range proof", range_proof.holds(bound, c, proof, handles))
    rewind_key = sha512(2 * sha512(b"sotto/group/rewind/v1").digest() + view).digest()[:32]
    index = bytes([k]) + bytes(11)
    check(name + ": rewinds to amount and key", range_proof.rewind(bound, c, proof, rewind_key, handles) == (amount, index))

    masks = {m["member"]: unhex(m["body"]) for m in v["masked"]}
    # Over the auditors' key, three points of the output's key come before those of the kernel's.
    at_kernel = 5 if auditors else 2
    d, e = (sum((at_point(masks[i], at_kernel + which) for i in members), IDENTITY).encode() for which in (0, 1))
    if auditors:
        over = [sum((at_point(masks[i], 2 + which) for i in members), IDENTITY) for which in range(3)]
        check(name + ": x over P", over[0] == secret(v["y"]) * x_k)
        tau_key = sha512(2 * sha512(b"sotto/group/tau/v1").digest() + view).digest()[:32]
        r_hi = range_proof.high_blinding(bound, c, tau_key)
        own_part = (r0 - 2**32 * r_hi, *range_proof.derived_taus(bound, c, tau_key, handles))
        d_lo, *of_terms = (weighted_sum([(r, auditors), (1, more)]) for r, more in zip(own_part, over))
        c_hi = weighted_sum([(amount >> 32, H), (r_hi, G)])
        want = b"".join(point.encode() for point in (c_hi, d_lo, r_hi * auditors, *of_terms))
        check(name + ": handles", want == handles)
        check(name + ": handles hold", range_proof.handles_hold(bound, c, proof, handles, auditors))
    check(name + ": share of the session", own == x_j.encode() + d + e)
    seen = session + scalar_bytes(1) + shown + scalar_bytes(2) + own
    key = (decode(shown[:32]) + x_j).encode()
    rho = [frost.h1(key + frost.h4(message) + frost.h5(seen) + scalar_bytes(role)) for role in (1, 2)]
    nonce = [(1, decode(shown[32:64])), (rho[0], decode(shown[64:])), (1, decode(d)), (rho[1], decode(e))]
    challenge = frost.h2(weighted_sum(nonce).encode() + key + message)
    z, x = range_proof.challenges(bound, c, [proof[i : i + 32] for i in range(0, 128, 32)], handles)

    totals = [0, 0, 0]
    for answer in v["answered"]:
        i, body = answer["member"], unhex(answer["body"])
        u, z_i, opened = (scalar(body[at : at + 32]) for at in (0, 32, 64))
        weight, shown_by = frost.lagrange(i, members), masks[i]
        want = [(z * z * weight, share(k, i)), (x, at_point(shown_by, 0)), (x * x, at_point(shown_by, 1))]
        check(f"{name}: answer of {i} for the proof", u * G == weighted_sum(want))
        if auditors:
            want = zip((z * z, x, x * x), (at_point(shown_by, at) for at in (2, 3, 4)))
            check(f"{name}: answer of {i} over P", u * auditors == weighted_sum(list(want)))
        want = [(challenge * weight, share(j, i)), (1, at_point(shown_by, at_kernel)), (rho[1], at_point(shown_by, at_kernel + 1))]
        check(f"{name}: answer of {i} for the kernel", z_i * G == weighted_sum(want))
        want = [(weight, share(k, i)), (-weight, share(j, i))]
        check(f"{name}: opening of {i}", opened * G == weighted_sum(want))
        totals = [sum(pair) % ORDER for pair in zip(totals, (u, z_i, opened))]
    offset, partial = tail[:32], tail[32:64]
    check(name + ": offset", offset == scalar_bytes(r0 + totals[2]))
    check(name + ": partial signature", partial == scalar_bytes(totals[1]))
    statement = b"sotto/pop/v1" + chain + session + b"\x02"
    check(name + ": possession", frost.verifies(x_j.encode(), statement, response[160:224]))
    address = tail[64:129]
    check(name + ": the address is key 0", address[1:33] == points[0][0].encode())


def check_member_wallet(v):
    """What a member's wallet of a group keeps: at first, and after payments."""
    member_wallet.check_vectors(v, check)


def check_council(v):
    """Members of a group that seals or votes: what they say to each other, and what a share said last."""
    load = lambda subject: json.loads((FOLDER / f"{subject}.json").read_text())
    letter = unhex(load("keys")["sign_letters"][0]["bytes"])
    block_bytes = unhex(load("blocks")["blocks"][0]["bytes"])
    certificate = unhex(load("consensus")["certificates"][0]["bytes"])
    r = wire.Reader(block_bytes)
    r.version()
    header, _ = r.header(), r.seal()
    proposal, value = header.bytes + block_bytes[r.at :], wire.header_hash(header.bytes)
    chain, height, round_number = unhex(v["chain_id"]), v["height"], v["round"]
    measured = le(len(letter), 4) + letter

    def vote(kind, of):
        return b"\0" + wire.vote_message(b"", kind, height, round_number, of)[len(b"sotto/vote/v1") :]

    claim = b"\1" + wire.proposal_message(b"", height, round_number, 1, value)[len(b"sotto/proposal/v1") :]
    said = {
        "ask": b"\1\1" + measured + proposal,
        "letter": b"\2" + letter,
        "precommit": b"\3" + measured + vote(2, value) + b"\0\1" + certificate,
        "proposal": b"\3" + measured + claim + b"\0\0" + proposal,
        "instead": b"\4" + vote(1, None),
    }
    for message in v["messages"]:
        check(f"council: {message['name']}", unhex(message["bytes"]) == said.pop(message["name"]))
    head, no_lock, seven = b"SGVR\2" + chain, bytes(37) + b"\1", bytes([7]) * 32
    lock = b"\1" + le(2, 4) + seven
    kept = {
        "nothing": head + no_lock,
        "nil": head + no_lock + vote(1, None),
        "locked": head + lock + b"\1" + vote(1, seven) + vote(2, seven),
        "version 1": b"SGVR\1" + chain + lock + vote(2, seven),
    }
    for record in v["records"]:
        text = kept.pop(record["name"])
        check(f"council: record {record['name']}", unhex(record["bytes"]) == text + tagged("sotto/node-group-votes/v1", text))
    check("council: all", not said and not kept)


def check_levels(v):
    """docs/FORMATS.md, message 15: what an issuer says of an output, and the notice that records it."""
    chain, statement, address = unhex(v["chain_id"]), unhex(v["statement"]), bech32m(v["issuer"])
    kernel = wire.read("kernel", unhex(v["notice"]))
    claim, notice, signature = statement[:130], statement[130:162], statement[162:]
    check("level: issuer", address[0] == 2 and claim[34:98] == address[1:])
    check("level: the kernel", kernel.kind == 4 and kernel.excess == notice and len(signature) == 64)
    data = tagged("sotto/level/v1", chain, claim)
    check("level: the notice", kernel.notice == b"\3" + data)
    tweak = sha512(sha512(b"sotto/address-sign/v1").digest() * 2 + address[1:]).digest()
    key = decode(address[33:]) + (int.from_bytes(tweak, "little") % ORDER) * G
    message = b"sotto/level/signed/v1" + chain + data + notice
    check("level: signature", frost.verifies(key.encode(), message, signature))


def check_three_halves(v):
    """docs/GARBLING.md: a circuit garbled by the paper's equations, and evaluated on every input."""
    number = lambda text: int.from_bytes(unhex(text), "little")
    aes = three_halves.aes128(bytes(range(16)), unhex("00112233445566778899aabbccddeeff"))
    check("FIPS-197", aes == unhex("69c4e0d86a7b0430d8cdb78070b4c55a"))
    delta, key, labels = number(v["delta"]), number(v["key"]), [number(label) for label in v["labels"]]
    inputs = len(labels) - len(v["gates"])
    tables = three_halves.unpacked(unhex(v["tables"]), sum(kind == "and" for kind, _, _ in v["gates"]))
    wires, gate = labels[:inputs], 0
    for kind, a, b in v["gates"]:
        if kind == "and":
            label, rows, control = three_halves.garble(key, gate, wires[a], wires[b], delta)
            check(f"three halves: table {gate}", (rows, control) == tables[gate])
            gate += 1
        else:
            label = wires[a] ^ (delta if kind == "not" else wires[b])
        wires.append(label)
    check("three halves: false labels", wires == labels)
    for x in range(1 << inputs):
        bits = [x >> i & 1 for i in range(inputs)]
        active, gate = [label ^ delta * bit for label, bit in zip(labels, bits)], 0
        for kind, a, b in v["gates"]:
            if kind == "and":
                active.append(three_halves.evaluate(key, gate, active[a], active[b], *tables[gate]))
                bits.append(bits[a] & bits[b])
                gate += 1
            else:
                active.append(active[a] ^ (0 if kind == "not" else active[b]))
                bits.append(bits[a] ^ (1 if kind == "not" else bits[b]))
        check(f"three halves: input {x}", active == [w ^ delta * bit for w, bit in zip(labels, bits)])


def at_point(body, i):
    return decode(body[32 * i : 32 * i + 32])


def check_rejections(v):
    def verdict(trial):
        chain = rules.Chain(wire.read("params", unhex(v["chains"][trial["chain"]])))
        for i in trial["history"]:
            chain.connect(wire.read("block", unhex(v["blocks"][i])))
        try:
            if "block" in trial:
                chain.judge_block(wire.read("block", unhex(trial["block"])))
            else:
                chain.judge_transaction(wire.read("transaction", unhex(trial["transaction"])))
        except rules.Refused as rule:
            return str(rule)
        return None

    for case in v["cases"]:
        refused, accepted = verdict(case["refused"]), verdict(case["accepted"])
        check(f"{case['rule']}, {case['name']}: {refused}", refused == case["rule"])
        check(f"beside {case['rule']}, {case['name']}: {accepted}", accepted is None)
    check("every rule", sorted({c["rule"] for c in v["cases"]}) == [f"MW-R{n:02}" for n in range(1, 41)])


def main():
    ours = {name[6:]: f for name, f in globals().items() if name.startswith("check_") and name != "check_described"}
    for subject, run in ours.items():
        try:
            run(json.loads((FOLDER / f"{subject}.json").read_text()))
        except Exception as error:  # the reader has failed, whatever the reason
            check(f"{subject}: {type(error).__name__}: {error}", False)
    for name in failed:
        print("failed:", name)
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
