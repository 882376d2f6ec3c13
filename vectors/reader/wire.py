"""The ledger's bytes (docs/FORMATS.md): decoding, encoding, tagged hashes, the mountain range and the trie."""

from collections import namedtuple
from hashlib import sha256, sha512

from .ristretto import ORDER, decode, scalar

Output = namedtuple("Output", "kind commitment extra sender receiver tag signature proof handles")
COINBASE, ONE_SIDED, AUDITED = (1, 3), (4, 5), (2, 3, 5)  # kinds of outputs
OneSidedInput = namedtuple("OneSidedInput", "commitment receiver fresh nonce response")
Bond = namedtuple("Bond", "key nonce response")
Kernel = namedtuple("Kernel", "kind fee not_before not_after distance notice excess nonce response bytes")
Body = namedtuple("Body", "inputs one_sided outputs kernels bonds y change bytes")
Transaction = namedtuple("Transaction", "offset body")
Header = namedtuple(
    "Header",
    "height previous time offset kernel_count kernel_root output_count output_root body_hash terms next_terms bytes",
)
Block = namedtuple("Block", "header seal body")
Params = namedtuple(
    "Params",
    "network sealing genesis_time reward maturity width grid reorganisation pace max_weight fee_per_weight "
    "unit decimals auditors bytes",
)


Validator = namedtuple("Validator", "key possession link power name")
Sealing = namedtuple("Sealing", "operator validators bytes")  # one of the first two is None
Signed = namedtuple("Signed", "of by_place")  # the number of validators, and signatures by place
Terms = namedtuple("Terms", "sealing rules fee weight last_change validators limits version")  # announced: (from, what)
Change = namedtuple("Change", "expiry kind what content signed renewals")
Seal = namedtuple("Seal", "operator round signed")


def tagged(tag, *parts):
    t = sha256(tag.encode()).digest()
    return sha256(t + t + b"".join(parts)).digest()


def tagged_scalar(tag, data):
    t = sha512(tag.encode()).digest()
    return int.from_bytes(sha512(t + t + data).digest(), "little") % ORDER


def le(n, width=8):
    return n.to_bytes(width, "little")


class Malformed(Exception):
    """The bytes are not a valid encoding."""


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        if self.at + n > len(self.data):
            raise Malformed("short")
        self.at += n
        return self.data[self.at - n : self.at]

    def number(self, width=8):
        return int.from_bytes(self.take(width), "little")

    def code(self, *known):
        n = self.number(1)
        if n not in known:
            raise Malformed("code")
        return n

    def point(self):
        data = self.take(32)
        if data not in POINTS:
            POINTS[data] = decode(data)
        if POINTS[data] is None:
            raise Malformed("point")
        return data

    def scalar(self):
        k = scalar(self.take(32))
        if k is None:
            raise Malformed("scalar")
        return k

    def list(self, item, least):
        n = self.number(4)
        if n > 2**20 or n * least > len(self.data) - self.at:
            raise Malformed("count")
        return [item() for _ in range(n)]

    def output(self):
        kind, commitment = self.code(*range(6)), self.point()
        extra = self.take(self.code(*range(65)))
        keys = (self.point(), self.point(), self.take(1), self.signature()) if kind in ONE_SIDED else (None,) * 4
        return Output(kind, commitment, extra, *keys, self.take(672), self.take(160 if kind in AUDITED else 0))

    def signature(self):
        start = self.at
        self.point(), self.scalar()
        return self.data[start : self.at]

    def one_sided_input(self):
        return OneSidedInput(*(self.point() for _ in range(4)), self.scalar())

    def kernel(self):
        start, kind = self.at, self.code(0, 1, 2, 3, 4, 5, 6)
        fee = 0 if kind == 1 else self.number()
        not_before = self.number() if kind in (2, 3, 6) else 0
        not_after = self.number()
        not_before = not_after if kind == 1 else not_before
        distance = self.number() if kind == 3 else 0
        notice = self.take(33) if kind == 4 else b""
        fields = kind, fee, not_before, not_after, distance, notice, self.point(), self.point(), self.scalar()
        return Kernel(*fields, self.data[start : self.at])

    def body(self):
        start = self.at
        inputs, one_sided = self.list(self.point, 32), self.list(self.one_sided_input, 160)
        outputs, pairs = self.list(self.output, 706), self.list(self.kernel_and_bond, 105)
        kernels, bonds = [k for k, _ in pairs], {k.excess: b for k, b in pairs if b}
        if len(bonds) != sum(1 for _, b in pairs if b):
            raise Malformed("a bond twice")
        y = self.scalar() if bonds else 0
        change = self.change() if self.code(0, 1) else None
        return Body(inputs, one_sided, outputs, kernels, bonds, y, change, self.data[start : self.at])

    def validator(self):
        key, possession, link, power = self.point(), self.signature(), self.take(32), self.number(4)
        name = self.take(self.code(*range(1, 33)))
        if power == 0 or any(c not in b"abcdefghijklmnopqrstuvwxyz0123456789-" for c in name):
            raise Malformed("validator")
        return Validator(key, possession, link, power, name)

    def validators(self):
        """A set; whether the possessions hold is for the rules."""
        all_of_them = [self.validator() for _ in range(self.code(*range(1, 101)))]
        keys = [v.key for v in all_of_them]
        distinct = [len({f(v) for v in all_of_them}) for f in (lambda v: v.link, lambda v: v.name)]
        ascending = all(a < b for a, b in zip(keys, keys[1:]))
        if not ascending or distinct != [len(keys)] * 2 or sum(v.power for v in all_of_them) >= 2**31:
            raise Malformed("set of validators")
        return all_of_them

    def sealing(self):
        start = self.at
        kind = self.code(0, 1)
        fields = (None, self.validators()) if kind else (self.point(), None)
        return Sealing(*fields, self.data[start : self.at])

    def signed(self):
        """Signatures of some validators by their places."""
        of = self.code(*range(1, 101))
        bits = int.from_bytes(self.take(-(-of // 8)), "little")
        if bits >> of:
            raise Malformed("a bit beyond the set")
        return Signed(of, {i: self.signature() for i in range(of) if bits >> i & 1})

    def seal(self):
        if self.code(0, 1):
            return Seal(None, self.number(4), self.signed())
        return Seal(self.signature(), None, None)

    def change(self):
        expiry, start, kind = self.number(), self.at, self.code(1, 2, 3, 4)
        if kind == 1:
            what = self.validators()
        elif kind == 2:
            what = self.number(1), self.number()
        else:
            what = (self.number(), self.number(), self.number()) if kind == 3 else None
        content, signed = self.data[start : self.at], self.signed()
        renewals = [(self.number(1), self.signature()) for _ in range(self.code(*range(101)))]
        if any(a >= b for (a, _), (b, _) in zip(renewals, renewals[1:])):
            raise Malformed("renewals")
        return Change(expiry, kind, what, content, signed, renewals)

    def terms(self):
        sealing, fields = self.sealing(), (self.number(1), self.number(), self.number(), self.number())
        validators = (self.number(), self.sealing_of_set()) if self.code(0, 1) else None
        limits = (self.number(), self.number(), self.number()) if self.code(0, 1) else None
        version = (self.number(), self.number(1)) if self.code(0, 1) else None
        return Terms(sealing, *fields, validators, limits, version)

    def sealing_of_set(self):
        start = self.at
        validators = self.validators()
        return Sealing(None, validators, b"\1" + self.data[start : self.at])

    def kernel_and_bond(self):
        kernel = self.kernel()
        bond = Bond(self.point(), self.point(), self.scalar()) if kernel.kind in (5, 6) else None
        return kernel, bond

    def header(self):
        start = self.at
        fields = self.number(), self.take(32), self.number(), self.scalar(), self.number(), self.take(32)
        rest = self.number(), self.take(32), self.take(32), self.take(32), self.take(32)
        return Header(*fields, *rest, self.data[start : self.at])

    def version(self):
        if self.number(1) != 1:
            raise Malformed("version")

    def transaction(self):
        self.version()
        return Transaction(self.scalar(), self.body())

    def block(self):
        self.version()
        return Block(self.header(), self.seal(), self.body())

    def params(self):
        start = self.at
        if self.number(1) != 3:
            raise Malformed("version of the rules")
        network, sealing = self.code(0, 1, 2), self.sealing()
        numbers = [self.number() for _ in range(9)]
        unit, decimals = self.take(self.code(*range(1, 9))), self.code(*range(13))
        auditors = (self.point(), self.take(32)) if self.code(0, 1) else None
        if not unit or any(c not in range(65, 91) for c in unit) or unit == b"U":
            raise Malformed("unit")
        return Params(network, sealing, *numbers, unit.decode(), decimals, auditors, self.data[start : self.at])


POINTS = {}
"""Every point seen so far, decoded."""


def read(what, data):
    """Decodes one value that fills the bytes."""
    r = Reader(data)
    value = getattr(r, what)()
    if r.at != len(data):
        raise Malformed("trailing")
    return value


def encode_keys(o):
    return o.sender + o.receiver + o.tag if o.kind in ONE_SIDED else b""


def encode_output(o):
    keys = encode_keys(o) + (o.signature or b"")
    return bytes([o.kind]) + o.commitment + bytes([len(o.extra)]) + o.extra + keys + o.proof + o.handles


def encode_body(inputs, outputs, kernels):
    """Of plain items."""
    lists = inputs, [], [encode_output(o) for o in outputs], [k.bytes for k in kernels]
    return b"".join(le(len(items), 4) + b"".join(items) for items in lists) + b"\0"


def encode_transaction(offset, inputs, outputs, kernels):
    """Of plain items."""
    return b"\1" + le(offset, 32) + encode_body(inputs, outputs, kernels)


def chain_id(params):
    return tagged("sotto/chain-id/v1", params.bytes)


def header_hash(header):
    return tagged("sotto/header/v1", header)


def genesis(params):
    """The header that the parameters determine."""
    empty = encode_body([], [], [])
    return b"".join(
        [le(0), chain_id(params), le(params.genesis_time), bytes(32), le(0), mmr_root([]), le(0), trie_root({})]
    ) + b"".join([tagged("sotto/body/v1", empty), *2 * [terms_hash(first_terms(params))]])


def first_terms(params):
    return Terms(params.sealing, 3, params.fee_per_weight, params.max_weight, 0, None, None, None)


def encode_terms(t):
    out = t.sealing.bytes + le(t.rules, 1) + le(t.fee) + le(t.weight) + le(t.last_change)
    out += b"\1" + le(t.validators[0]) + t.validators[1].bytes[1:] if t.validators else b"\0"
    out += b"\1" + b"".join(map(le, t.limits)) if t.limits else b"\0"
    return out + (b"\1" + le(t.version[0]) + le(t.version[1], 1) if t.version else b"\0")


def terms_hash(t):
    return tagged("sotto/terms/v1", encode_terms(t)) if t.sealing.validators else bytes(32)


def terms_after(t, height, change):
    """The terms of the height after a block with these terms and this change."""
    if change:
        t = t._replace(last_change=height)
        if change.kind == 1:
            t = t._replace(validators=(height + 2, Sealing(None, change.what, change.content)))
        elif change.kind == 2:
            t = t._replace(version=(change.what[1], change.what[0]))
        elif change.kind == 3:
            t = t._replace(limits=(change.what[2], *change.what[:2]))
        else:
            t = t._replace(version=None)
    if t.validators and t.validators[0] <= height + 1:
        t = t._replace(sealing=t.validators[1], validators=None)
    if t.limits and t.limits[0] <= height + 1:
        t = t._replace(fee=t.limits[1], weight=t.limits[2], limits=None)
    if t.version and t.version[0] <= height + 1:
        t = t._replace(rules=t.version[1], version=None)
    return t


def vote_message(chain, kind, height, round_number, value):
    fields = le(kind, 1) + le(height) + le(round_number, 4)
    return b"sotto/vote/v1" + chain + fields + (b"\1" + value if value else bytes(33))


def proposal_message(chain, height, round_number, pol_round, value):
    pol = 2**32 - 1 if pol_round is None else pol_round
    return b"sotto/proposal/v1" + chain + le(height) + le(round_number, 4) + le(pol, 4) + value


def possession_message(v):
    return b"sotto/validator/v1" + v.link + le(len(v.name), 1) + v.name


def change_message(chain, last_change, change):
    return b"sotto/change/v1" + chain + le(last_change) + le(change.expiry) + change.content


def proposer(chain, set_hash, powers, height, round_number):
    """The place of who proposes."""
    left, drawn = list(range(len(powers))), None
    for r in range(round_number - round_number % len(powers), round_number + 1):
        draw = tagged("sotto/proposer/v1", chain, set_hash, le(height), le(r, 4))[:16]
        x = int.from_bytes(draw, "little") % sum(powers[i] for i in left)
        for drawn in left:
            x -= powers[drawn]
            if x < 0:
                break
        left.remove(drawn)
    return drawn


def kernel_id(k):
    return tagged("sotto/kernel-id/v1", k.bytes)


def kernel_message(chain, k):
    fields = le(k.fee) + le(k.not_before) + le(k.not_after) + le(k.distance) + k.notice
    return b"sotto/kernel/v1" + chain + bytes([k.kind]) + fields


def unspent_key(commitment):
    return tagged("sotto/trie-key/v1", commitment)


def proof_parts(o):
    return [tagged("sotto/proof-part/v1", part) for part in (o.proof[:224] + o.handles, o.proof[224:])]


def bond_message(chain, k):
    return b"sotto/bond/v1" + k.excess + kernel_message(chain, k)


def sender_message(chain, o):
    rest = bytes([len(o.extra)]) + o.extra + b"".join(proof_parts(o))
    return b"sotto/one-sided-output/v1" + chain + o.commitment + encode_keys(o) + rest


def unspent_leaf(o, created):
    parts = proof_parts(o) + ([encode_keys(o), tagged("sotto/rho/v1", o.signature)] if o.kind in ONE_SIDED else [])
    return tagged("sotto/unspent/v1", o.commitment, bytes([o.kind]), le(len(o.extra)), o.extra, le(created), *parts)


# The mountain range: perfect trees, one for each set bit of the number of leaves, the tallest first.


def mmr_node(a, b):
    return tagged("sotto/mmr-node/v1", a, b)


def _perfect(hashes):
    while len(hashes) > 1:
        hashes = [mmr_node(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


def mmr_peaks(leaves):
    hashes = [tagged("sotto/mmr-leaf/v1", x) for x in leaves]
    peaks, at = [], 0
    for height in reversed(range(len(leaves).bit_length())):
        if len(leaves) >> height & 1:
            peaks.append(_perfect(hashes[at : at + 2**height]))
            at += 2**height
    return peaks


def mmr_bag(count, peaks):
    return tagged("sotto/mmr-root/v1", le(count), *peaks)


def mmr_root(leaves):
    return mmr_bag(len(leaves), mmr_peaks(leaves))


def mmr_proven_root(leaf, index, count, proof):
    """The root that a proof leads to; None if it has the wrong shape."""
    hashes = [proof[i : i + 32] for i in range(1, len(proof), 32)]
    height = (index ^ count).bit_length() - 1
    mountain = bin(count >> height).count("1") - 1
    if len(proof) != 1 + 32 * proof[0] or proof[0] != height + bin(count).count("1") - 1:
        return None
    node = tagged("sotto/mmr-leaf/v1", leaf)
    for h in range(height):
        node = mmr_node(hashes[h], node) if index >> h & 1 else mmr_node(node, hashes[h])
    peaks = hashes[height:]
    return mmr_bag(count, peaks[:mountain] + [node] + peaks[mountain:])


# The trie: a set forks at the first bit in which two of its keys differ.


def bit(key, i):
    return key[i // 8] >> (7 - i % 8) & 1


def trie_leaf(key, leaf):
    return tagged("sotto/trie-leaf/v1", key, leaf)


def trie_fork(at, left, right):
    return tagged("sotto/trie-node/v1", le(at, 2), left, right)


def trie_top(entries):
    """Of a list of (key, leaf) in the order of keys."""
    if len(entries) < 2:
        return trie_leaf(*entries[0]) if entries else tagged("sotto/trie-empty/v1")
    first, last = entries[0][0], entries[-1][0]
    at = next(i for i in range(256) if bit(first, i) != bit(last, i))
    split = next(n for n, (key, _) in enumerate(entries) if bit(key, at))
    return trie_fork(at, trie_top(entries[:split]), trie_top(entries[split:]))


def trie_root(entries):
    return tagged("sotto/trie-root/v1", le(len(entries)), trie_top(sorted(entries.items())))


def read_opening(r):
    """Number of entries, the entry at the end if the opening carries one, and the forks passed."""
    count = r.number()
    end = (r.take(32), r.take(32)) if r.code(0, 1) else None
    bits = r.take(32)
    return count, end, [(i, r.take(32)) for i in range(256) if bit(bits, i)]


def opened_root(count, key, node, forks):
    for at, other in reversed(forks):
        node = trie_fork(at, other, node) if bit(key, at) else trie_fork(at, node, other)
    return tagged("sotto/trie-root/v1", le(count), node)
