"""Range proofs and their rewind: Bulletproofs (Bünz et al. 2018, sections 3.1 and 4.2) of one 64-bit value, bound to an output.

Where auditors read amounts (docs/AUDIT.md), of its two halves of 32 bits, with handles: C_hi, D_lo, D_hi, T'_1, T'_2.
"""

from hashlib import sha512, shake_256

from .merlin import Transcript
from .ristretto import G, IDENTITY, ORDER, decode, one_way, scalar, weighted_sum, wide_scalar

N = 64
H = one_way(sha512(b"sotto/H/v1").digest())


def _chain(name, amounts):
    bits, out = N // amounts, []
    for party in range(amounts):
        stream = shake_256(b"GeneratorsChain" + name + party.to_bytes(4, "little")).digest(64 * bits)
        out += [one_way(stream[64 * i : 64 * i + 64]) for i in range(bits)]
    return out


GS, HS = _chain(b"G", 1), _chain(b"H", 1)
GENERATORS = {1: (GS, HS), 2: (_chain(b"G", 2), _chain(b"H", 2))}


def amounts(handles):
    return 2 if handles else 1


def context(chain_id, kind, extra):
    """P: what the transcript absorbs before the proof starts."""
    return chain_id + bytes([kind]) + len(extra).to_bytes(8, "little") + extra


def _challenge(t, label):
    return wide_scalar(t.challenge(label, 64))


def _start(prefix, commitment, p, handles=b""):
    """The transcript up to x, with y, z and x."""
    h = [handles[i : i + 32] for i in range(0, len(handles), 32)]
    t = Transcript(b"sotto/output/v1")
    t.append(b"context", prefix)
    for d in h[1:3]:
        t.append(b"D", d)
    t.append(b"dom-sep", b"rangeproof v1")
    t.append_u64(b"n", N // amounts(handles))
    t.append_u64(b"m", amounts(handles))
    t.append(b"V", commitment)
    for high in h[:1]:
        t.append(b"V", high)
    t.append(b"A", p[0])
    t.append(b"S", p[1])
    y, z = _challenge(t, b"y"), _challenge(t, b"z")
    t.append(b"T_1", p[2])
    t.append(b"T_2", p[3])
    for label, term in zip((b"T'_1", b"T'_2"), h[3:]):
        t.append(label, term)
    return t, y, z, _challenge(t, b"x")


def _elements(proof):
    return [proof[32 * i : 32 * i + 32] for i in range(21)]


def scalars_are_canonical(proof):
    p = _elements(proof)
    return all(scalar(p[i]) is not None for i in (4, 5, 6, 19, 20))


def handles_hold(prefix, commitment, proof, handles, key):
    """Whether z²·D_lo + z³·D_hi + x·T'_1 + x²·T'_2 = t_x_blinding·P."""
    points = [decode(handles[i : i + 32]) for i in range(0, 160, 32)]
    if len(handles) != 160 or any(e is None or e == IDENTITY for e in points):
        return False
    _, _, z, x = _start(prefix, commitment, _elements(proof), handles)
    _, d_lo, d_hi, t_1, t_2 = points
    terms = [(z * z, d_lo), (z**3, d_hi), (x, t_1), (x * x, t_2), (-scalar(_elements(proof)[5]), key)]
    return weighted_sum(terms) == IDENTITY


def holds(prefix, commitment, proof, handles=b""):
    """Whether the committed value is in [0, 2^64) and the proof is for this context."""
    m = amounts(handles)
    bits = N // m
    gs, hs = GENERATORS[m]
    p = _elements(proof)
    points = {i: decode(p[i]) for i in [0, 1, 2, 3, *range(7, 19)]}
    values = [decode(commitment), *(decode(handles[:32]) for _ in range(m - 1))]
    undecoded = any(e is None for e in [*values, *points.values()])
    if handles[:32] == bytes(32) or not scalars_are_canonical(proof) or undecoded or bytes(32) in [p[i] for i in points]:
        return False
    t_x, t_x_blinding, e_blinding, a, b = (scalar(p[i]) for i in (4, 5, 6, 19, 20))
    if handles:  # C is absorbed, C_lo proven
        values[0] = weighted_sum([(1, values[0]), (-(2**32), values[1])])
    t, y, z, x = _start(prefix, commitment, p, handles)
    for label, i in ((b"t_x", 4), (b"t_x_blinding", 5), (b"e_blinding", 6)):
        t.append(label, p[i])
    w = _challenge(t, b"w")
    t.append(b"dom-sep", b"ipp v1")
    t.append_u64(b"n", N)
    us = []
    for i in range(7, 19, 2):
        t.append(b"L", p[i])
        t.append(b"R", p[i + 1])
        us.append(_challenge(t, b"u"))

    # (1) t_x·H + t_x_blinding·G = Σ z^(2+j)·Vⱼ + δ(y, z)·H + x·T₁ + x²·T₂
    powers = [pow(y, i, ORDER) for i in range(N)]
    delta = (z - z * z) * sum(powers) - sum(z ** (3 + j) for j in range(m)) * (2**bits - 1)
    terms = [(z ** (2 + j), v) for j, v in enumerate(values)]
    terms += [(delta - t_x, H), (x, points[2]), (x * x, points[3]), (-t_x_blinding, G)]
    if weighted_sum(terms) != IDENTITY:
        return False

    # (2) A + x·S − z·Σ Gᵢ + Σ (z + y⁻ⁱ·z²·2ⁱ)·Hᵢ − e_blinding·G + w·t_x·H + Σ (uⱼ²·Lⱼ + uⱼ⁻²·Rⱼ)
    #     = a·Σ sᵢ·Gᵢ + b·Σ y⁻ⁱ·sᵢ⁻¹·Hᵢ + w·a·b·H,   sᵢ = Π uⱼ^±1 by the bits of i, the first round's bit the highest
    inverse = [pow(u, -1, ORDER) for u in us]
    s = []
    for i in range(N):
        product = 1
        for j in range(6):
            product = product * (us[j] if i >> (5 - j) & 1 else inverse[j]) % ORDER
        s.append(product)
    y_inv = pow(y, -1, ORDER)
    terms = [(1, points[0]), (x, points[1]), (-e_blinding, G), (w * (t_x - a * b), H)]
    for i in range(N):
        terms.append((-z - a * s[i], gs[i]))
        of_bit = z ** (2 + i // bits) * 2 ** (i % bits)
        terms.append((z + pow(y_inv, i, ORDER) * (of_bit - b * s[N - 1 - i]), hs[i]))
    for j in range(6):
        terms.append((us[j] ** 2, points[7 + 2 * j]))
        terms.append((inverse[j] ** 2, points[8 + 2 * j]))
    return weighted_sum(terms) == IDENTITY


def _derived(tag, key, commitment, prefix, i, halves=b""):
    data = tag + key + commitment + len(prefix).to_bytes(8, "little") + prefix + halves + i.to_bytes(8, "little")
    return wide_scalar(sha512(data).digest())


def drawn(seed, i):
    """Scalar i of a prover that draws from a seed."""
    return wide_scalar(sha512(seed + i.to_bytes(8, "little")).digest())


def high_blinding(prefix, commitment, tau_key):
    """r_hi."""
    return _derived(b"sotto/blinding-hi/v1", tau_key, commitment, prefix, 0)


def rewind(prefix, commitment, proof, key, handles=b""):
    """Amount and index, if the proof was made with this rewind key."""
    p = _elements(proof)
    s0, s1 = (_derived(b"sotto/rewind/v1", key, commitment, prefix, i, handles[:96]) for i in range(2))
    x = _start(prefix, commitment, p, handles)[3]
    m = ((scalar(p[6]) - s0 - s1 * x) % ORDER).to_bytes(32, "little")
    return (int.from_bytes(m[:8], "little"), m[8:20]) if m[20:] == bytes(12) else None


def first_four(prefix, commitment, proof, opening, keys, handles=b""):
    """A ‖ S ‖ T₁ ‖ T₂ of the proof that this opening and these keys make, in parts.

    They fix all 132 scalars of the prover: each is derived, none is random.
    """
    (amount, index), (rewind_key, tau_key) = opening, keys
    s = [_derived(b"sotto/rewind/v1", rewind_key, commitment, prefix, i, handles[:96]) for i in range(130)]
    s += derived_taus(prefix, commitment, tau_key, handles)
    s[0] += int.from_bytes(amount.to_bytes(8, "little") + index, "little")
    return heads(prefix, commitment, _elements(proof), amount, s, handles=handles)


def derived_taus(prefix, commitment, tau_key, handles=b""):
    return [_derived(b"sotto/tau/v1", tau_key, commitment, prefix, i, handles[:96]) for i in (130, 131)]


def heads(prefix, commitment, elements, amount, scalars, added=(IDENTITY, IDENTITY), handles=b""):
    """A ‖ S ‖ T₁ ‖ T₂, in parts, for α, ρ, s_L, s_R, τ₁, τ₂, and what a co-owner adds to T₁ and T₂."""
    s_l, s_r, tau = scalars[2:66], scalars[66:130], scalars[130:]
    a_l = [amount >> i & 1 for i in range(N)]
    a_r = [bit - 1 for bit in a_l]
    bits, (gs, hs) = N // amounts(handles), GENERATORS[amounts(handles)]
    big_a = weighted_sum([(scalars[0], G), *zip(a_l, gs), *zip(a_r, hs)])
    big_s = weighted_sum([(scalars[1], G), *zip(s_l, gs), *zip(s_r, hs)])
    _, y, z, _ = _start(prefix, commitment, elements, handles)
    # l(X) = a_L − z + s_L·X,  r(X) = yⁱ·(a_R + z + s_R·X) + z^(2+j)·2ᵏ,  t(X) = ⟨l, r⟩,  i = bits·j + k
    ys = [pow(y, i, ORDER) for i in range(N)]
    l_0 = [a - z for a in a_l]
    r_0 = [ys[i] * (a_r[i] + z) + z ** (2 + i // bits) * 2 ** (i % bits) for i in range(N)]
    r_1 = [ys[i] * s_r[i] for i in range(N)]
    t_1 = sum(l_0[i] * r_1[i] + s_l[i] * r_0[i] for i in range(N))
    t_2 = sum(s_l[i] * r_1[i] for i in range(N))
    big_t = [weighted_sum([(t, H), (blind, G)]) + more for t, blind, more in zip((t_1, t_2), tau, added)]
    return [e.encode() for e in (big_a, big_s, *big_t)]


def challenges(prefix, commitment, elements, handles=b""):
    """z and x."""
    return _start(prefix, commitment, elements, handles)[2:]
