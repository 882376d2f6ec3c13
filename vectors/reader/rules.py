"""The consensus rules (docs/RULES.md), each as a line or two, in the order in which they are tried."""

from .frost import h2, verifies
from .range_proof import H, context, handles_hold, holds, scalars_are_canonical
from .ristretto import G, IDENTITY, weighted_sum
from .wire import AUDITED, COINBASE, ONE_SIDED, POINTS, chain_id, genesis, header_hash, kernel_id, kernel_message, mmr_root, tagged, trie_root
from .wire import bond_message, encode_keys, read, sender_message, tagged_scalar, unspent_key, unspent_leaf
from .wire import change_message, first_terms, possession_message, terms_after, terms_hash, vote_message

MAX = 2**64 - 1
NOTHING = bytes(32)
_PROVEN = {}


class Refused(Exception):
    """By the rule with this number."""


def refuse_if(condition, rule):
    if condition:
        raise Refused(rule)


def weight(body):
    outputs = sum((30 if o.kind in ONE_SIDED else 22) + -(-len(o.extra) // 32) for o in body.outputs)
    outputs += 6 * sum(o.kind in AUDITED for o in body.outputs)
    inputs = 8 * len(body.inputs) + 18 * len(body.one_sided)
    kernels = sum(10 if k.kind == 4 else 8 for k in body.kernels)
    return inputs + outputs + kernels + 9 * len(body.bonds)


def spent(body):
    """Commitments with the key that the input names; None for a plain one."""
    return [(c, None) for c in body.inputs] + [(i.commitment, i.receiver) for i in body.one_sided]


def fees(body):
    return sum(k.fee for k in body.kernels)


def window(params, k):
    return (max(0, k.not_after - params.width) if k.kind in (0, 4, 5) else k.not_before), k.not_after


def total(points, sign=1):
    return [(sign, POINTS[p]) for p in points]


def input_holds(chain_id, i):
    """Whether the signature of a one-sided input holds."""
    fields = chain_id + i.commitment + i.receiver + i.fresh
    h = tagged_scalar("sotto/one-sided-input-key/v1", fields)
    c = h2(i.nonce + i.fresh + b"sotto/one-sided-input/v1" + fields)
    right = [(1, POINTS[i.nonce]), (c, POINTS[i.fresh]), (c * h, POINTS[i.receiver]), (-i.response, G)]
    return weighted_sum(right) == IDENTITY


def quorum(validators, signed, message):
    """Whether these are signatures of a quorum of the validators, all of which hold."""
    if signed.of != len(validators):
        return None
    power = sum(validators[i].power for i in signed.by_place)
    if 3 * power <= 2 * sum(v.power for v in validators):
        return None
    return all(verifies(validators[i].key, message, s) for i, s in signed.by_place.items())


def seal_holds(chain_id, terms, header, seal):
    hashed = header_hash(header.bytes)
    if terms.sealing.operator:
        message = b"sotto/seal/v1" + chain_id + hashed
        return seal.operator is not None and verifies(terms.sealing.operator, message, seal.operator)
    message = vote_message(chain_id, 2, header.height, seal.round, hashed) if seal.signed else None
    return bool(seal.signed and quorum(terms.sealing.validators, seal.signed, message))


def renewed(old, new, change):
    """The place of the old key by the place of the new one; None if a renewal replaces no key."""
    keys, pairs = {v.key for v in old}, {}
    for place, _ in change.renewals:
        v = new[place] if place < len(new) else None
        old_places = [i for i, o in enumerate(old) if v and (o.name, o.power) == (v.name, v.power)]
        if not old_places or v.key in keys or old[old_places[0]].key in {n.key for n in new}:
            return None
        if old_places[0] not in change.signed.by_place:
            return None
        pairs[place] = old_places[0]
    return pairs


def few_move(old, new, pairs):
    before = {v.key: v.power for v in old}
    after = {(old[pairs[i]].key if i in pairs else v.key): v.power for i, v in enumerate(new)}
    moved = sum(abs(before.get(key, 0) - after.get(key, 0)) for key in before.keys() | after.keys())
    return 3 * moved <= sum(before.values())


def change_holds(chain_id, params, terms, height, change):
    """MW-R40."""
    old = terms.sealing.validators
    if old is None or height > change.expiry or 0 < terms.last_change == height - 1:
        return False
    late = height + params.width
    if change.kind == 1:
        pairs = renewed(old, change.what, change)
        if pairs is None or len(old) >= 4 and not few_move(old, change.what, pairs):
            return False
        if not all(verifies(v.key, possession_message(v), v.possession) for v in change.what):
            return False
    elif change.renewals:
        return False
    elif change.kind == 2:
        version, start = change.what
        if terms.version or version <= terms.rules or start < late:
            return False
    elif change.kind == 3:
        fee, heaviest, start = change.what
        near = all(2 * b >= a and b <= 2 * a for a, b in ((terms.fee, fee), (terms.weight, heaviest)))
        most = max(120_000, terms.weight)
        if terms.limits or not near or not params.max_weight <= heaviest <= most or start < late:
            return False
    elif not terms.version:
        return False
    message = change_message(chain_id, terms.last_change, change)
    new_keys = all(verifies(change.what[i].key, message, s) for i, s in change.renewals)
    return bool(quorum(old, change.signed, message) and new_keys)


class Chain:
    """A chain from its parameters on, and its state."""

    def __init__(self, params):
        self.params, self.id, self.terms = params, chain_id(params), first_terms(params)
        self.tip = read("header", genesis(params))
        self.reward = 22 + 8 + (6 if params.auditors else 0)
        self.unspent, self.excesses, self.kernels = {}, {}, []

    def judge_transaction(self, t):
        body = t.body
        refuse_if(not body.kernels, "MW-R10")
        refuse_if(any(o.kind in COINBASE for o in body.outputs) or any(k.kind == 1 for k in body.kernels), "MW-R11")
        refuse_if(body.change, "MW-R40")
        self._shape(body, weight(body), self.terms.weight - self.reward)
        self._keys(body)
        self._balance(body, t.offset, fees(body))
        self._proofs(body)
        self._context(body)

    def judge_block(self, b):
        """Checks a block and returns what connects it."""
        p, head, body = self.params, b.header, b.body
        rewards = [o for o in body.outputs if o.kind in COINBASE], [k for k in body.kernels if k.kind == 1]
        refuse_if([len(r) for r in rewards] != [1, 1], "MW-R12")
        self._shape(body, max(0, weight(body) - self.reward), self.terms.weight)
        refuse_if((head.previous, head.height) != (header_hash(self.tip.bytes), self.tip.height + 1), "MW-R18")
        refuse_if(head.time < min(self.tip.time + p.pace, MAX), "MW-R19")
        refuse_if(head.terms != terms_hash(self.terms) or self.terms.rules > 3, "MW-R39")
        refuse_if(not seal_holds(self.id, self.terms, head, b.seal), "MW-R21")
        refuse_if(tagged("sotto/body/v1", body.bytes) != head.body_hash, "MW-R20")
        change = body.change
        refuse_if(change and not change_holds(self.id, p, self.terms, head.height, change), "MW-R40")
        refuse_if(head.next_terms != terms_hash(terms_after(self.terms, head.height, change)), "MW-R39")
        self._keys(body)
        refuse_if(p.reward * head.height > MAX, "MW-R17")
        self._balance(body, head.offset - self.tip.offset, -p.reward)
        due = p.reward + fees(body)
        refuse_if(due > MAX, "MW-R17")
        (output,), (kernel,) = rewards
        refuse_if(kernel.not_after != head.height, "MW-R28")
        rest = weighted_sum([(1, POINTS[output.commitment]), (-due, H)])
        refuse_if(rest != POINTS[kernel.excess], "MW-R16")
        self._proofs(body)
        self._context(body)
        gone = {c for c, _ in spent(body)}
        unspent = {c: u for c, u in self.unspent.items() if c not in gone}
        unspent.update((o.commitment, (o, head.height)) for o in body.outputs)
        kernels = self.kernels + [kernel_id(k) for k in body.kernels]
        refuse_if((head.kernel_count, head.kernel_root) != (len(kernels), mmr_root(kernels)), "MW-R22")
        leaves = {unspent_key(c): unspent_leaf(*u) for c, u in unspent.items()}
        refuse_if((head.output_count, head.output_root) != (len(leaves), trie_root(leaves)), "MW-R23")
        return unspent, kernels

    def connect(self, b):
        self.unspent, self.kernels = self.judge_block(b)
        self.tip = b.header
        self.terms = terms_after(self.terms, b.header.height, b.body.change)
        self.excesses.update((k.excess, (b.header.height, k.kind == 3)) for k in b.body.kernels)

    def _shape(self, body, paid_weight, limit):
        p = self.params
        refuse_if(weight(body) > limit, "MW-R03")
        lists = body.inputs, [i.commitment for i in body.one_sided], [o.commitment for o in body.outputs]
        lists += ([k.excess for k in body.kernels],)
        refuse_if(any(a >= b for items in lists for a, b in zip(items, items[1:])), "MW-R01")
        refuse_if(set(lists[0]) & set(lists[1]), "MW-R01")
        refuse_if((set(lists[0]) | set(lists[1])) & set(lists[2]), "MW-R02")
        one_sided = [o for o in body.outputs if o.kind in ONE_SIDED]
        refuse_if((one_sided or body.one_sided) and not body.bonds, "MW-R37")
        refuse_if(any((o.kind in AUDITED) != bool(p.auditors) for o in body.outputs), "MW-R31")
        points = [p for items in lists for p in items] + [k.nonce for k in body.kernels]
        points += [p for i in body.one_sided for p in (i.receiver, i.fresh, i.nonce)]
        points += [p for o in one_sided for p in (o.sender, o.receiver, o.signature[:32])]
        points += [p for b in body.bonds.values() for p in (b.key, b.nonce)]
        points += [o.handles[i : i + 32] for o in body.outputs for i in range(0, len(o.handles), 32)]
        refuse_if(NOTHING in points, "MW-R04")
        refuse_if(not all(scalars_are_canonical(o.proof) for o in body.outputs), "MW-R05")
        for k in body.kernels:
            refuse_if(k.kind == 3 and not 1 <= k.distance <= p.width, "MW-R07")
            off_grid = k.kind != 1 and (k.not_before % p.grid or k.not_after % p.grid)
            wide = k.kind in (2, 3, 6) and not 0 <= k.not_after - k.not_before <= p.width
            refuse_if(off_grid or wide, "MW-R06")
        refuse_if(fees(body) > MAX, "MW-R08")
        refuse_if(fees(body) < min(MAX, paid_weight * self.terms.fee), "MW-R09")

    def _balance(self, body, offset, on_h):
        """Σ outputs − Σ inputs − Σ excesses − offset·G + on_h·H = 0"""
        terms = total(o.commitment for o in body.outputs) + total((c for c, _ in spent(body)), -1)
        terms += total([k.excess for k in body.kernels], -1) + [(-offset, G), (on_h, H)]
        refuse_if(weighted_sum(terms) != IDENTITY, "MW-R15")

    def _keys(self, body):
        """Σ R + Σ (D − K_o) − Σ X − y·G = 0"""
        terms = total(o.sender for o in body.outputs if o.kind in ONE_SIDED) + total(i.fresh for i in body.one_sided)
        terms += total((i.receiver for i in body.one_sided), -1) + total((b.key for b in body.bonds.values()), -1)
        refuse_if(weighted_sum(terms + [(-body.y, G)]) != IDENTITY, "MW-R35")

    def _one_sided(self, body):
        for o in body.outputs:
            holds = o.kind not in ONE_SIDED or verifies(o.sender, sender_message(self.id, o), o.signature)
            refuse_if(not holds, "MW-R33")
        for i in body.one_sided:
            refuse_if(not input_holds(self.id, i), "MW-R34")
        for k in body.kernels:
            if k.kind in (5, 6):
                bond = body.bonds[k.excess]
                signature = bond.nonce + bond.response.to_bytes(32, "little")
                refuse_if(not verifies(bond.key, bond_message(self.id, k), signature), "MW-R36")

    def _proofs(self, body):
        self._one_sided(body)
        for k in body.kernels:
            signature = k.nonce + k.response.to_bytes(32, "little")
            refuse_if(not verifies(k.excess, kernel_message(self.id, k), signature), "MW-R14")
        for o in body.outputs:
            if (self.id, o) not in _PROVEN:
                bound = context(self.id, o.kind, o.extra) + encode_keys(o)
                _PROVEN[self.id, o] = self._range_holds(bound, o)
            refuse_if(_PROVEN[self.id, o] == "MW-R13", "MW-R13")
        refuse_if("MW-R32" in [_PROVEN[self.id, o] for o in body.outputs], "MW-R32")

    def _range_holds(self, bound, o):
        """The rule that the proof breaks."""
        if not holds(bound, o.commitment, o.proof, o.handles):
            return "MW-R13"
        read = not o.handles or handles_hold(bound, o.commitment, o.proof, o.handles, POINTS[self.params.auditors[0]])
        return None if read else "MW-R32"

    def _context(self, body):
        height = self.tip.height + 1
        for c, key in spent(body):
            refuse_if(c not in self.unspent, "MW-R24")
            output, created = self.unspent[c]
            refuse_if(output.receiver != key, "MW-R38")
            refuse_if(output.kind in COINBASE and height < created + self.params.maturity, "MW-R26")
        refuse_if(any(o.commitment in self.unspent for o in body.outputs), "MW-R25")
        for k in body.kernels:
            first, last = window(self.params, k)
            refuse_if(k.kind != 1 and not first <= height <= last, "MW-R27")
            if k.excess in self.excesses:
                seen, may_repeat = self.excesses[k.excess]
                repeats = k.kind == 3 and may_repeat and height >= seen + k.distance
                refuse_if(not repeats, "MW-R29")
            refuse_if(kernel_id(k) in self.kernels, "MW-R30")
