"""The bytes of threshold keys (docs/FORMATS.md): drafts, letters, epochs, groups, shares."""

from collections import namedtuple
from hashlib import sha512

from . import frost
from .ristretto import G, IDENTITY, ORDER, decode, scalar, scalar_bytes, weighted_sum, wide_scalar
from .wire import Malformed, Reader, le, tagged

KEY = 32 + 1216
Draft = namedtuple("Draft", "purpose chain t n keys nonce before members bytes")
Letter = namedtuple("Letter", "group session step sender before body parts signature bytes")
Epoch = namedtuple("Epoch", "draft number session keys bytes")
PACKAGES, SHARES, CONFIRMED, DRILLED = 0x11, 0x12, 0x13, 0x14
ASKED, COMMITTED, CHOSEN, SIGNED = 0x21, 0x22, 0x23, 0x24


def expect(reader, text):
    if reader.take(len(text)) != text:
        raise Malformed("prefix")


def end(reader):
    if reader.at != len(reader.data):
        raise Malformed("trailing")


def read_draft(reader):
    start = reader.at
    expect(reader, b"sotto keys draft v1")
    purpose, chain, t, n, keys = reader.code(1, 2, 3, 4), reader.take(32), reader.number(1), reader.number(1), reader.number(2)
    if not (2 <= t <= n <= 15) or keys != (256 if purpose == 4 else 1) or purpose in (1, 2) and 2 * t <= n:
        raise Malformed("draft")
    nonce, before = reader.take(32), reader.take(32) if reader.code(0, 1) else None
    members = [reader.take(KEY) for _ in range(n)]
    return Draft(purpose, chain, t, n, keys, nonce, before, members, reader.data[start : reader.at])


def read_letter(data):
    r = Reader(data)
    expect(r, b"sotto keys letter v1")
    group, session, step, sender, before = r.take(32), r.take(32), r.number(1), r.number(1), r.take(32)
    body = r.take(r.number(4))
    parts = [(r.number(1), r.take(r.number(4))) for _ in range(r.number(1))]
    letter = Letter(group, session, step, sender, before, body, parts, r.take(64), data)
    end(r)
    return letter


def letter_name(letter):
    return tagged("sotto/keys/letter/v1", letter.bytes)


def step_hash(letters):
    """What a letter names that answers these."""
    return tagged("sotto/keys/step/v1", *(letter_name(l) for l in sorted(letters, key=lambda l: l.sender)))


def read_group(data):
    r = Reader(data)
    expect(r, b"sotto keys group v1")
    e = Reader(r.take(r.number(4)))
    expect(e, b"sotto keys epoch v1")
    draft = read_draft(e)
    number, session = e.number(8), e.take(32)
    keys = [[e.point() for _ in range(draft.t)] for _ in range(draft.keys)]
    end(e)
    letters = [read_letter(r.take(r.number(4))) for _ in range(r.number(1))]
    drills = [r.number(8) for _ in range(draft.n)]
    end(r)
    return Epoch(draft, number, session, keys, e.data), letters, drills


def read_share(data):
    """Group, index, epoch and the secrets of a share without a next one."""
    r = Reader(data)
    expect(r, b"sotto keys share v1")
    group, index, epoch = r.take(32), r.number(1), r.number(8)
    secrets = [r.scalar() for _ in range(r.number(2))]
    r.code(0)
    end(r)
    return group, index, epoch, secrets


def value_at(commitments, x):
    return weighted_sum([(pow(x, k, ORDER), decode(a)) for k, a in enumerate(commitments)])


def check_signature_shares(check, name, key, commitments, message, shown, responses):
    """RFC 9591, 5.2 to 5.4: `shown` is D ‖ E by member, `responses` z by member. Gives back the signature."""
    listed = b"".join(scalar_bytes(i) + shown[i] for i in sorted(shown))
    prefix = key + frost.h4(message) + frost.h5(listed)
    factors = {i: frost.h1(prefix + scalar_bytes(i)) for i in shown}
    points = {i: decode(d[:32]) + factors[i] * decode(d[32:]) for i, d in shown.items()}
    r = sum(points.values(), IDENTITY)
    c, total = frost.h2(r.encode() + key + message), 0
    for i, z in responses.items():
        weight = c * frost.lagrange(i, list(shown)) % ORDER
        check(f"{name}: share of {i}", z * G == points[i] + weight * value_at(commitments, i))
        total = (total + z) % ORDER
    return r.encode() + scalar_bytes(total)


def check_vectors(v, check):
    """A key generation and a seal of two of three, from the letters alone."""
    draft = read_draft(Reader(bytes.fromhex(v["draft"])))
    group = tagged("sotto/keys/group/v1", draft.bytes)
    check("group id", group == bytes.fromhex(v["group_id"]))
    session = tagged("sotto/keys/session/v1", b"dkg", group)
    check("session of a key generation", session == bytes.fromhex(v["dkg_session"]))
    letters = {}
    for kind in ("dkg_letters", "sign_letters"):
        for text in v[kind]:
            letter = read_letter(bytes.fromhex(text["bytes"]))
            check("name of a letter", letter_name(letter) == bytes.fromhex(text["name"]))
            check("group and session of a letter", (letter.group, letter.session) == (group, session))
            letters.setdefault(letter.step, {})[letter.sender] = letter
        session = bytes.fromhex(v["sign_session"])

    def answers(step, before):
        check(f"letters {step:#x} name what they answer", all(l.before == before for l in letters[step].values()))
        return step_hash(letters[step].values())

    shares = answers(PACKAGES, group)
    drilled = answers(CONFIRMED, answers(SHARES, shares))
    answers(DRILLED, drilled)
    sums = [IDENTITY] * draft.t
    for i, letter in letters[PACKAGES].items():
        points, r, mu = letter.body[: 32 * draft.t], letter.body[-64:-32], scalar(letter.body[-32:])
        sums = [a + decode(points[32 * k : 32 * k + 32]) for k, a in enumerate(sums)]
        c = wide_scalar(sha512(frost.CONTEXT + b"dkg" + scalar_bytes(i) + points[:32] + r).digest())
        check(f"proof of knowledge of {i}", mu * G == decode(r) + c * decode(points[:32]))
    epoch, confirming, drills = read_group(bytes.fromhex(v["group"]))
    [commitments], hash = epoch.keys, tagged("sotto/keys/epoch/v1", epoch.bytes)
    check("keys are the sum of all packages", [a.encode() for a in sums] == commitments and drills == [0] * draft.n)
    check("hash of an epoch", hash == bytes.fromhex(v["epoch_hash"]) and commitments[0] == bytes.fromhex(v["public_key"]))
    check("all confirm it", all(l.body[:32] == hash for l in confirming) and len(confirming) == draft.n)
    for number, drill in enumerate(((1, 2), (2, 3))):
        message = b"sotto/keys/drill/v1" + group + le(0) + epoch.session + le(number)
        shown = {i: letters[CONFIRMED][i].body[32 + 64 * number :][:64] for i in drill}
        at = {i: 32 if i == 2 and number == 1 else 0 for i in drill}
        z = {i: scalar(letters[DRILLED][i].body[at[i] :][:32]) for i in drill}
        signature = check_signature_shares(check, f"drill {number}", commitments[0], commitments, message, shown, z)
        check(f"drill {number}", frost.verifies(commitments[0], message, signature))
    secrets = [read_share(bytes.fromhex(text)) for text in v["shares"]]
    for of, i, number, [s] in secrets:
        check(f"share of {i}", (of, number) == (group, 0) and s * G == value_at(commitments, i))
    total = sum(frost.lagrange(i, [1, 3]) * s for _, i, _, [s] in secrets if i != 2)
    check("two shares make the key", (total * G).encode() == commitments[0])

    message = b"sotto/seal/v1" + draft.chain + tagged("sotto/header/v1", bytes.fromhex(v["header"]))
    check("message of a seal", message == bytes.fromhex(v["message"]))
    asked, chosen = letters[ASKED][1], letters[CHOSEN][1]
    check("what is asked", asked.before == hash and asked.body == b"\x01" + draft.chain + le(192, 4) + bytes.fromhex(v["header"]))
    check("who was chosen", chosen.body == bytes([2, 1, 2]))
    check("what they committed to", all(l.before == step_hash([asked]) for l in letters[COMMITTED].values()))
    check("the choice names it", chosen.before == step_hash(letters[COMMITTED][i] for i in (1, 2)))
    check("they sign the choice", all(l.before == step_hash([chosen]) for l in letters[SIGNED].values()))
    shown = {i: letters[COMMITTED][i].body for i in (1, 2)}
    z = {i: scalar(letters[SIGNED][i].body) for i in (1, 2)}
    signature = check_signature_shares(check, "seal", commitments[0], commitments, message, shown, z)
    check("seal", signature == bytes.fromhex(v["signature"]) and frost.verifies(commitments[0], message, signature))
    payload = bytes([1, 2, 3]) + tagged("sotto/keys/armor/v1", bytes([3, 1, 2, 3]))[:4]
    check("armor", v["armor"] == f"BEGIN SOTTO KEYS LETTER.\n{payload.hex()}\nEND SOTTO KEYS LETTER.\n")
    here = bytes.fromhex(v["installation"])
    kept = [(0, 0, bytes(32)), (1, 7, bytes([5]) * 32), (2, 1_764_475_200, bytes(32)), (1, 8, bytes(32))]
    for record, (state, height, header) in zip(map(bytes.fromhex, v["seal_records"]), kept, strict=True):
        want = b"sotto keys sealed v1" + here + bytes([state]) + le(height) + header
        check(f"record of seals in state {state}", record == want)
