//! Audited outputs: the three equations, each alone and in the batch, and what auditors read.

use super::*;
use crate::{
    amount::Amount,
    chain_id::ChainId,
    commitment::Commitment,
    features::{OutputChain, OutputContext, OutputFeatures},
    generators::Generators,
    group::{Element, Point, Scalar, h, identity, mul_g, mul_h, scalar_from_bytes, vartime_sum_of_products},
    prover::{Halves, OutputKeys, prove},
    range_proof::{
        self, Committing, HANDLE_BYTES, Handles, Nonces, Opening, PROOF_BYTES, RangeProof, Replayed,
        RewindKey, TauKey,
    },
    schnorr::{PublicKey, Signature, sign},
    secret::SecretScalar,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

const CHAIN: ChainId = ChainId::from_bytes([0; 32]);
static REWIND: RewindKey = RewindKey([1; 32]);
static TAU: TauKey = TauKey([2; 32]);
const Y: u64 = 4_711;
const V: u64 = 0x1234_5678_9abc_def0;

fn auditors(y: u64) -> PublicKey {
    PublicKey::of(&Scalar::from(y).into())
}

fn context(id: &ChainId, p: &PublicKey) -> OutputContext {
    OutputContext::new(OutputChain { id, auditors: Some(p) }, &OutputFeatures::<Signature>::Plain, b"")
}

fn keys(r: &SecretScalar) -> OutputKeys<'_> {
    OutputKeys { blinding: r, rewind: &REWIND, tau: &TAU }
}

fn made(v: u64, p: &PublicKey) -> (Commitment, RangeProof) {
    let opening = Opening { amount: Amount::new(v), index: [7; 12] };
    prove(&context(&CHAIN, p), &opening, &keys(&Scalar::from(v ^ 77).into())).unwrap()
}

fn claims<'a>(items: &'a [(Commitment, RangeProof)], p: &PublicKey) -> Vec<Claim<'a>> {
    let one = |(commitment, proof)| Claim { proof, commitment, context: context(&CHAIN, p) };
    items.iter().map(|(c, proof)| one((c, proof))).collect()
}

/// The verdict of each back end, all the same.
fn holds(judged: Judged<'_>, claims: &[Claim<'_>]) -> bool {
    let verdict = all_hold(judged, claims, &[]);
    for backend in Backend::available() {
        let sum = sum(backend, judged, claims, &[]);
        assert_eq!(sum.is_some_and(|s| s.is_identity()), verdict, "{backend:?}");
    }
    verdict
}

/// The three equations of one proof, each by itself and without our arithmetic: vectors, polynomial, handles.
fn equations(context: &OutputContext, c: &Commitment, proof: &RangeProof, p: &PublicKey) -> [bool; 3] {
    let (handles, mut t) = (proof.handles().unwrap(), context.transcript());
    let point = |i: usize| Point::from_bytes(proof.element(i)).unwrap().element();
    let scalar = |i: usize| scalar_from_bytes(proof.element(i)).unwrap();
    let head = core::array::from_fn(|i| proof.element(i));
    let range_proof::Challenges { y, z, x } = range_proof::replay(&mut t, c.as_bytes(), &head, Some(handles));
    let draw = |t: &mut merlin::Transcript, label| {
        let mut wide = [0; 64];
        t.challenge_bytes(label, &mut wide);
        Scalar::from_bytes_mod_order_wide(&wide)
    };
    for (label, i) in [(&b"t_x"[..], 4), (b"t_x_blinding", 5), (b"e_blinding", 6)] {
        t.append_message(label, &proof.element(i));
    }
    let w = draw(&mut t, b"w");
    t.append_message(b"dom-sep", b"ipp v1");
    t.append_u64(b"n", 64);
    let u: Vec<Scalar> = (0..6)
        .map(|j| {
            t.append_message(b"L", &proof.element(7 + 2 * j));
            t.append_message(b"R", &proof.element(8 + 2 * j));
            draw(&mut t, b"u")
        })
        .collect();
    let [t_x, tau, e_blinding, a, b] = [4, 5, 6, 19, 20].map(scalar);
    let power = |x: Scalar, n: usize| (0..n).fold(Scalar::ONE, |product, _| product * x);
    let s = |i: usize| -> Scalar {
        (0..6).map(|j| if i >> (5 - j) & 1 == 1 { u[j] } else { u[j].invert() }).product()
    };
    let bases = &Generators::of(2).unwrap().elements;
    let mut vectors = vec![
        (Scalar::ONE, point(0)),
        (x, point(1)),
        (w * (t_x - a * b), h()),
        (-e_blinding, Point::g().element()),
    ];
    for i in 0..64 {
        vectors.push((-z - a * s(i), bases.g[i]));
        let of_bit = power(z, 2 + i / 32) * Scalar::from(1u64 << (i % 32));
        vectors.push((z + power(y.invert(), i) * (of_bit - b * s(63 - i)), bases.h[i]));
    }
    for (j, u) in u.iter().enumerate() {
        vectors.push((u * u, point(7 + 2 * j)));
        vectors.push((u.invert() * u.invert(), point(8 + 2 * j)));
    }
    let of_handle = |i: usize| Point::from_bytes(handles.point(i)).unwrap().element();
    let sum_y: Scalar = (0..64).map(|i| power(y, i)).sum();
    let delta = (z - z * z) * sum_y - (power(z, 3) + power(z, 4)) * Scalar::from(u32::MAX);
    let (c_hi, two) = (of_handle(0), Scalar::from(1u64 << 32));
    let c_lo = c.point().element() - c_hi * two;
    let polynomial = c_lo * (z * z) + c_hi * power(z, 3) + point(2) * x + point(3) * (x * x) + mul_h(&delta)
        == mul_h(&t_x) + mul_g(&tau);
    let handled =
        of_handle(1) * (z * z) + of_handle(2) * power(z, 3) + of_handle(3) * x + of_handle(4) * (x * x)
            == p.point().element() * tau;
    [vartime_sum_of_products(vectors) == identity(), polynomial, handled]
}

#[test]
fn honest_proofs_hold_by_each_equation_and_auditors_read_them() {
    let p = auditors(Y);
    for v in [0, 1, 5, u64::from(u32::MAX), 1 << 32, V, u64::MAX] {
        let (c, proof) = made(v, &p);
        assert_eq!(equations(&context(&CHAIN, &p), &c, &proof, &p), [true; 3], "{v}");
        let one = [(c, proof.clone())];
        assert!(holds(Judged::Audited(&p), &claims(&one, &p)), "{v}");
        assert!(holds(Judged::RangeAlone, &claims(&one, &p)), "{v}");
        // It is not judged without its handles as a plain proof, or a plain one as audited.
        assert!(!holds(Judged::Plain, &claims(&one, &p)));
        // y·C_j − D_j = v_j·(y·H)
        let handles = proof.handles().unwrap();
        let point = |bytes| Point::from_bytes(bytes).unwrap().element();
        let (high, y) = (point(handles.high()), Scalar::from(Y));
        let low = c.point().element() - high * Scalar::from(1u64 << 32);
        for (c, d, v) in
            [(low, handles.blindings()[0], v & u64::from(u32::MAX)), (high, handles.blindings()[1], v >> 32)]
        {
            assert_eq!(c * y - point(d), h() * (y * Scalar::from(v)));
        }
        // And its owner, from the transcript alone.
        let replayed = Replayed::new(&proof.head(), context(&CHAIN, &p), &c).unwrap();
        let opening = Some(Opening { amount: Amount::new(v), index: [7; 12] });
        assert_eq!((replayed.rewind(&REWIND), replayed.rewind_proven(&REWIND)), (opening, opening));
        assert_eq!(replayed.rewind(&RewindKey([9; 32])), None);
    }
}

#[test]
fn every_flipped_byte_is_refused() {
    let p = auditors(Y);
    let (c, proof) = made(V, &p);
    let check = |proof: RangeProof, what: &str, i: usize| {
        assert!(!all_hold(Judged::Audited(&p), &claims(&[(c, proof)], &p), &[]), "{what} {i}");
    };
    for i in 0..PROOF_BYTES {
        let mut bytes = *proof.as_bytes();
        bytes[i] ^= 1;
        check(RangeProof::from_bytes(&bytes).with_handles(proof.handles().unwrap().clone()), "proof", i);
    }
    for i in 0..HANDLE_BYTES {
        let mut bytes = *proof.handles().unwrap().as_bytes();
        bytes[i] ^= 1;
        check(
            RangeProof::from_bytes(proof.as_bytes()).with_handles(Handles::from_bytes(&bytes)),
            "handle",
            i,
        );
    }
}

/// A handle that is another point: the transcript has absorbed the old one, and C_hi, D and T' each count.
#[test]
fn another_point_for_a_handle_is_refused() {
    let p = auditors(Y);
    let (c, proof) = made(V, &p);
    for i in 0..5 {
        let handles = proof.handles().unwrap();
        let mut points = core::array::from_fn(|k| handles.point(k));
        let moved = Point::from_bytes(points[i]).unwrap().element() + p.point().element();
        points[i] = *Point::from(moved).as_bytes();
        let altered = RangeProof::from_bytes(proof.as_bytes()).with_handles(Handles::from_points(points));
        assert!(!holds(Judged::Audited(&p), &claims(&[(c, altered)], &p)), "point {i}");
    }
    // The identity, though it is a point.
    for i in 0..5 {
        let mut points = core::array::from_fn(|k| proof.handles().unwrap().point(k));
        points[i] = [0; 32];
        let altered = RangeProof::from_bytes(proof.as_bytes()).with_handles(Handles::from_points(points));
        assert!(!holds(Judged::Audited(&p), &claims(&[(c, altered)], &p)), "point {i}");
    }
}

#[test]
fn another_key_another_chain_and_no_handles_are_refused() {
    let (p, other) = (auditors(Y), auditors(Y + 1));
    let one = [made(V, &p)];
    assert!(!holds(Judged::Audited(&other), &claims(&one, &other)));
    // The range holds all the same: MW-R13 does not depend on P, MW-R32 does.
    assert!(holds(Judged::RangeAlone, &claims(&one, &other)));
    let (c, proof) = &one[0];
    let foreign = ChainId::from_bytes([1; 32]);
    let elsewhere = Claim { proof, commitment: c, context: context(&foreign, &p) };
    assert!(!holds(Judged::Audited(&p), &[elsewhere]));
    let bare = [(*c, RangeProof::from_bytes(proof.as_bytes()))];
    assert!(!holds(Judged::Audited(&p), &claims(&bare, &p)));
}

/// A proof with other handles than those of its blinding factors, everything else as it should be.
fn dishonest(p: &PublicKey, handles: [Element; 3]) -> (Commitment, RangeProof) {
    with_errors(p, [identity(); 2], handles)
}

/// The same, with errors in T₁ and T₂ too.
fn with_errors(p: &PublicKey, added: [Element; 2], [d, t1, t2]: [Element; 3]) -> (Commitment, RangeProof) {
    let (r, high) = (SecretScalar::from(Scalar::from(99u64)), SecretScalar::from(Scalar::from(98u64)));
    let (c, context) = (Commitment::new(Amount::new(V), &r), context(&CHAIN, p));
    let halves = Halves::new(p, V, [&r, &high], d);
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut next = || Scalar::random(&mut rng);
    let nonces = Nonces {
        alpha: next(),
        rho: next(),
        s_l: core::array::from_fn(|_| next()),
        s_r: core::array::from_fn(|_| next()),
        tau: [next(), next()],
    };
    let committed = halves.committed(&c);
    let handling = Some(halves.handling([t1, t2]));
    let mut t = context.transcript();
    let committing = Committing { committed: &committed, nonces: &nonces, added, handling };
    let (responses, challenges) = committing.respond(&mut t, &nonces).unwrap();
    let bytes = responses.finish(&mut t, challenges.y).unwrap();
    let handles = halves.handles(responses.terms.unwrap());
    (c, RangeProof::from_bytes(&bytes).with_handles(handles))
}

/// Prover and auditors together, who know y, cannot make a handle that shows another amount.
#[test]
fn who_knows_y_cannot_show_another_amount() {
    let p = auditors(Y);
    let k = h() * Scalar::from(Y);
    assert!(holds(Judged::Audited(&p), &claims(&[dishonest(&p, [identity(); 3])], &p)));
    for false_handles in [[k, identity(), identity()], [k, -k, identity()], [k, identity(), -k]] {
        let one = dishonest(&p, false_handles);
        let found = equations(&context(&CHAIN, &p), &one.0, &one.1, &p);
        assert_eq!(found, [true, true, false]);
        assert!(!holds(Judged::Audited(&p), &claims(std::slice::from_ref(&one), &p)));
        assert!(holds(Judged::RangeAlone, &claims(&[one], &p)));
    }
}

/// Two false handles whose errors cancel: each has a weight of its own, drawn from both.
#[test]
fn errors_in_two_handles_do_not_cancel() {
    let p = auditors(Y);
    let k = h() * Scalar::from(Y);
    let both = [dishonest(&p, [identity(), k, identity()]), dishonest(&p, [identity(), -k, identity()])];
    assert!(!holds(Judged::Audited(&p), &claims(&both, &p)));
    let mixed = [made(V, &p), made(7, &p), both[0].clone(), made(0, &p)];
    assert!(!holds(Judged::Audited(&p), &claims(&mixed, &p)));
    let named = first_bad(&claims(&mixed, &p), &|some| all_hold(Judged::Audited(&p), some, &[]));
    assert_eq!(named, Some(2));
}

/// A proof that misses x·k in its second line and has it too much in its third, where P = G: under one weight
/// for both it would pass.
#[test]
fn errors_between_the_lines_of_a_proof_do_not_cancel() {
    let (p, k) = (auditors(1), mul_g(&Scalar::from(5u64)));
    let one = [with_errors(&p, [k, identity()], [identity(), -k, identity()])];
    assert_eq!(equations(&context(&CHAIN, &p), &one[0].0, &one[0].1, &p), [true, false, false]);
    let (judged, claims) = (Judged::Audited(&p), claims(&one, &p));
    assert!(!holds(judged, &claims));
    let challenges = Challenges::replay(Backend::detect(), judged, &claims).unwrap();
    let under = |ec, g| {
        let weights = weights::ProofWeights { e: 1, ec, g };
        let items = [(&claims[0], &challenges[0], &weights)];
        let terms = Backend::detect().run(Coefficients { judged, items: &items }).unwrap();
        let points = msm::decode(Backend::detect(), &points(judged, &claims, &[])).unwrap();
        terms.sum(Backend::detect(), judged, &points).unwrap().is_identity()
    };
    assert!(under(12_345, 12_345));
    assert!(!under(12_345, 12_346));
}

/// Batches of all sizes, with signatures, accept exactly when each member does.
#[test]
fn batches_accept_when_each_member_does() {
    let p = auditors(Y);
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let x = SecretScalar::random(&mut rng);
    let signed = [SignedMessage::new(PublicKey::of(&x), b"m".to_vec(), sign(&x, b"m", &mut rng))];
    let all: Vec<_> = (0..9).map(|v| made(v * V, &p)).collect();
    for n in [1, 2, 7, 8, 9] {
        let good = claims(&all[..n], &p);
        assert!(holds(Judged::Audited(&p), &good) && all_hold(Judged::Audited(&p), &good, &signed), "{n}");
        let mut bad = all[..n].to_vec();
        bad[n - 1] = dishonest(&p, [h(), identity(), identity()]);
        assert!(!holds(Judged::Audited(&p), &claims(&bad, &p)), "{n}");
        assert!(holds(Judged::RangeAlone, &claims(&bad, &p)), "{n}");
    }
}

/// The same arguments give the same bytes; for other auditors all random scalars are others, since D differs.
#[test]
fn no_scalar_is_used_for_two_keys() {
    let (one, other) = (made(V, &auditors(Y)), made(V, &auditors(Y + 1)));
    assert_eq!(one, made(V, &auditors(Y)));
    assert_eq!(one.0, other.0);
    (0..4).for_each(|i| assert_ne!(one.1.element(i), other.1.element(i), "element {i}"));
    let [a, b] = [&one.1, &other.1].map(|p| p.handles().unwrap().clone());
    assert!(a.high() == b.high() && (1..5).all(|i| a.point(i) != b.point(i)));
}
