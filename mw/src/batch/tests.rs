//! Compares the batch with the verifier of the `bulletproofs` crate, on valid and on corrupted proofs.

use super::*;
use crate::{
    amount::Amount,
    chain::ChainId,
    commitment::Commitment,
    features::{OutputContext, OutputFeatures},
    generators::{Generators, pedersen},
    group::{Point, Scalar, identity, vartime_sum_of_products},
    msm::Words,
    prover::{OutputKeys, prove},
    range_proof::{self, Committed, Nonces, Opening, RangeProof, RewindKey, TauKey, prove_opening},
    schnorr::{PublicKey, Signature, sign},
    secret::SecretScalar,
};
use merlin::Transcript;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

fn context() -> OutputContext {
    OutputContext::new(&ChainId::from_bytes([0; 32]), &OutputFeatures::<Signature>::Plain, b"")
}

static REWIND: RewindKey = RewindKey([1; 32]);
static TAU: TauKey = TauKey([2; 32]);

fn keys(r: &SecretScalar) -> OutputKeys<'_> {
    OutputKeys { blinding: r, rewind: &REWIND, tau: &TAU }
}

fn proven(n: u64) -> Vec<(Commitment, RangeProof)> {
    let one = |i: u64| {
        let opening = Opening { amount: Amount::new(i.wrapping_mul(0x9e37_79b9_7f4a_7c15)), index: [7; 12] };
        let r = SecretScalar::from(Scalar::from(i + 1));
        prove(&context(), &opening, &keys(&r)).unwrap()
    };
    (0..n).map(one).collect()
}

fn edited(p: &RangeProof, edit: impl FnOnce(&mut [u8])) -> RangeProof {
    let mut bytes = *p.as_bytes();
    edit(&mut bytes);
    RangeProof::from_bytes(&bytes)
}

fn claims(items: &[(Commitment, RangeProof)]) -> Vec<Claim<'_>> {
    items.iter().map(|(commitment, proof)| Claim { proof, commitment, context: context() }).collect()
}

/// The verdict of the `bulletproofs` crate.
fn crate_accepts(c: &Commitment, p: &RangeProof) -> bool {
    let Ok(proof) = bulletproofs::RangeProof::from_bytes(p.as_bytes()) else { return false };
    let v = c.point().element().compress();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut t = context().transcript();
    let gens = bulletproofs::BulletproofGens::new(64, 1);
    proof.verify_single_with_rng(&gens, &pedersen(), &mut t, &v, 64, &mut rng).is_ok()
}

/// The verdict of each back end, and of `curve25519-dalek` on the same terms: all the same.
fn all_agree(claims: &[Claim<'_>], signed: &[SignedMessage]) -> bool {
    let verdict = all_hold(Judged::Plain, claims, signed);
    for backend in Backend::available() {
        let sum = sum(backend, Judged::Plain, claims, signed);
        assert_eq!(sum.is_some_and(|s| s.is_identity()), verdict, "{backend:?}");
        let (terms, points) =
            (terms(backend, Judged::Plain, claims, signed), points(Judged::Plain, claims, signed));
        assert_eq!(terms.is_some_and(|t| sums_to_identity_by_dalek(&t, &points)), verdict);
    }
    verdict
}

fn sums_to_identity_by_dalek(terms: &Terms, points: &[[u8; 32]]) -> bool {
    let scalar = |w: Words| {
        let bytes: Vec<u8> = w.iter().flat_map(|w| w.to_le_bytes()).collect();
        Scalar::from_canonical_bytes(bytes.as_slice().try_into().unwrap()).unwrap()
    };
    let bases = terms
        .bases
        .iter()
        .map(|x| scalar(x.to_words()[0]))
        .zip(Generators::of(1).unwrap().elements.iter().copied().collect::<Vec<_>>());
    let points = points.iter().map(|p| Point::from_bytes(*p).map(|p| p.element()));
    let Some(points) = points.collect::<Option<Vec<_>>>() else { return false };
    let others = terms.scalars.iter().map(|w| scalar(*w)).zip(points);
    vartime_sum_of_products(bases.chain(others)) == identity()
}

#[test]
fn agrees_with_the_crate_on_every_corrupted_element() {
    let good = proven(1);
    assert!(all_agree(&claims(&good), &[]) && crate_accepts(&good[0].0, &good[0].1));
    for byte in (0..range_proof::PROOF_BYTES).step_by(8) {
        let mut bad = good.clone();
        bad[0].1 = edited(&bad[0].1, |bytes| bytes[byte] ^= 1);
        assert!(!all_agree(&claims(&bad), &[]), "byte {byte}");
        assert!(!crate_accepts(&bad[0].0, &bad[0].1), "byte {byte}");
    }
}

/// Identities in place of A, S, T₁, T₂, L, R, which the crate refuses.
#[test]
fn identities_inside_a_proof_are_refused() {
    let good = proven(1);
    for i in [0, 1, 2, 3, 7, 8, 17, 18] {
        let mut bad = good.clone();
        bad[0].1 = edited(&bad[0].1, |bytes| bytes[32 * i..32 * i + 32].fill(0));
        assert!(!all_agree(&claims(&bad), &[]) && !crate_accepts(&bad[0].0, &bad[0].1), "element {i}");
    }
}

/// S, T₁ and T₂ that are the identity because nothing random is in them: the equations hold, and the proof
/// would show what it should hide. Only the rule on identities refuses it.
#[test]
fn identities_are_refused_though_the_equations_hold() {
    let (amount, r) = (Amount::new(77), SecretScalar::from(Scalar::from(5u64)));
    let c = Commitment::new(amount, &r);
    let one = Scalar::ONE;
    for (element, rho, tau) in
        [(1, Scalar::ZERO, [one; 2]), (2, one, [Scalar::ZERO, one]), (3, one, [one, Scalar::ZERO])]
    {
        let vectors = ([Scalar::ZERO; 64], [Scalar::ZERO; 64]);
        let nonces = Nonces { alpha: one, rho, s_l: vectors.0, s_r: vectors.1, tau };
        let committed = [Committed { amount: amount.units(), blinding: &r, commitment: c.as_bytes() }];
        let bytes = prove_opening(&mut context().transcript(), &committed, &nonces, &nonces).unwrap();
        let proof = RangeProof::from_bytes(&bytes);
        assert_eq!(proof.element(element), [0; 32]);
        assert!(!all_agree(&claims(&[(c, proof.clone())]), &[]) && !crate_accepts(&c, &proof), "{element}");
    }
}

fn first_bad_claim(claims: &[Claim<'_>]) -> Option<usize> {
    first_bad(claims, &|some| all_hold(Judged::Plain, some, &[]))
}

#[test]
fn names_the_lowest_culprit() {
    let good = proven(11);
    assert_eq!(first_bad_claim(&claims(&good)), None);
    assert_eq!(first_bad_claim(&[]), None);
    for (i, j) in [(0, 10), (3, 4), (9, 9)] {
        let mut bad = good.clone();
        for k in [i, j] {
            bad[k].0 = Commitment::from_point(Point::h());
        }
        assert_eq!(first_bad_claim(&claims(&bad)), Some(i));
    }
}

/// Two errors in the same equation that cancel when weights are equal.
#[test]
fn errors_do_not_cancel() {
    let mut bad = proven(2);
    let shifted = |p: &RangeProof, by: Scalar| {
        let e = crate::group::scalar_from_bytes(p.element(6)).unwrap() + by;
        edited(p, |bytes| bytes[32 * 6..32 * 7].copy_from_slice(e.as_bytes()))
    };
    bad[0].1 = shifted(&bad[0].1, Scalar::ONE);
    bad[1].1 = shifted(&bad[1].1, -Scalar::ONE);
    assert!(!all_agree(&claims(&bad), &[]));
}

#[test]
fn proofs_and_signatures_hold_together() {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let good = proven(5);
    let mut signed: Vec<SignedMessage> = (0..20u8)
        .map(|i| {
            let x = SecretScalar::random(&mut rng);
            SignedMessage::new(PublicKey::of(&x), vec![i], sign(&x, &[i], &mut rng))
        })
        .collect();
    assert!(all_agree(&claims(&good), &signed));
    signed[19].message.push(0);
    assert!(!all_agree(&claims(&good), &signed));
}

/// Transcripts side by side give Merlin's challenges, whatever lengths cross the blocks' ends.
#[test]
fn challenges_as_merlin_gives_them() {
    let message =
        |len: usize, state: usize| -> Vec<u8> { (0..len).map(|i| (7 * i + 31 * state) as u8).collect() };
    for backend in Backend::available() {
        for states in [1, 3, 8] {
            for len in
                [0, 1, 2, 100, 140, 141, 142, 143, 144, 145, 146, 147, 148, 149, 150, 165, 166, 167, 400]
            {
                let messages: Vec<_> = (0..states).map(|s| message(len, s)).collect();
                let mut ours = transcripts::Transcripts::new(states, b"label");
                ours.append(b"first", |s| &messages[s]);
                ours.append_u64(b"n", 77);
                ours.challenge(b"eight", 8);
                ours.challenge(b"one", 1);
                ours.append(b"second", |s| &messages[s][..len / 2]);
                ours.challenge(b"four", 4);
                let rows = ours.challenges(backend);
                for (s, m) in messages.iter().enumerate() {
                    let mut t = Transcript::new(b"label");
                    let expect = |t: &mut Transcript, label, i: usize, words: usize| {
                        let mut bytes = vec![0; 8 * words];
                        t.challenge_bytes(label, &mut bytes);
                        let row: Vec<u8> =
                            rows[i * states + s][..words].iter().flat_map(|w| w.to_le_bytes()).collect();
                        assert_eq!(row, bytes, "{backend:?} {states} {len} {s}");
                    };
                    t.append_message(b"first", m);
                    t.append_u64(b"n", 77);
                    expect(&mut t, b"eight", 0, 8);
                    expect(&mut t, b"one", 1, 1);
                    t.append_message(b"second", &m[..len / 2]);
                    expect(&mut t, b"four", 2, 4);
                }
            }
        }
    }
}

/// What binds the weights to a proof is 32 bytes that Merlin gives after the proof's last one.
#[test]
fn the_binding_is_a_whole_challenge() {
    let made = proven(2);
    let challenges = Challenges::replay(Backend::detect(), Judged::Plain, &claims(&made)).unwrap();
    for ((commitment, proof), ours) in made.iter().zip(&challenges) {
        let mut t = context().transcript();
        let add = |t: &mut Transcript, label, i: usize| t.append_message(label, &proof.element(i));
        let skip = |t: &mut Transcript, label| t.challenge_bytes(label, &mut [0; 64]);
        t.append_message(b"dom-sep", b"rangeproof v1");
        t.append_u64(b"n", 64);
        t.append_u64(b"m", 1);
        t.append_message(b"V", commitment.as_bytes());
        add(&mut t, b"A", 0);
        add(&mut t, b"S", 1);
        skip(&mut t, b"y");
        skip(&mut t, b"z");
        add(&mut t, b"T_1", 2);
        add(&mut t, b"T_2", 3);
        skip(&mut t, b"x");
        add(&mut t, b"t_x", 4);
        add(&mut t, b"t_x_blinding", 5);
        add(&mut t, b"e_blinding", 6);
        skip(&mut t, b"w");
        t.append_message(b"dom-sep", b"ipp v1");
        t.append_u64(b"n", 64);
        for j in 0..6 {
            add(&mut t, b"L", 7 + 2 * j);
            add(&mut t, b"R", 8 + 2 * j);
            skip(&mut t, b"u");
        }
        add(&mut t, b"a", 19);
        add(&mut t, b"b", 20);
        let mut binding = [0; 32];
        t.challenge_bytes(b"sotto batch", &mut binding);
        assert_eq!(ours.binding, binding);
    }
}

/// Outputs whose extra data differ in length are replayed in groups; each gets its own challenges.
#[test]
fn extra_data_of_any_length() {
    let lengths = [3, 0, 300, 3, 1, 0, 3, 90, 91, 0, 3];
    let contexts: Vec<_> = lengths
        .iter()
        .map(|n| {
            OutputContext::new(
                &ChainId::from_bytes([0; 32]),
                &OutputFeatures::<Signature>::Plain,
                &vec![5; *n],
            )
        })
        .collect();
    let made: Vec<_> = contexts
        .iter()
        .enumerate()
        .map(|(i, context)| {
            let opening = Opening { amount: Amount::new(i as u64), index: [7; 12] };
            let r = SecretScalar::from(Scalar::from(i as u64 + 1));
            prove(context, &opening, &keys(&r)).unwrap()
        })
        .collect();
    let claim = |(i, context): (usize, &OutputContext)| Claim {
        proof: &made[i].1,
        commitment: &made[i].0,
        context: context.clone(),
    };
    let good: Vec<_> = contexts.iter().enumerate().map(claim).collect();
    assert!(all_agree(&good, &[]));
    for (i, j) in [(0, 1), (0, 4), (7, 8), (2, 10)] {
        let mut bad: Vec<_> = contexts.iter().enumerate().map(claim).collect();
        bad[i].context = contexts[j].clone();
        assert!(!all_agree(&bad, &[]));
        assert_eq!(first_bad_claim(&bad), Some(i));
    }
}

fn signed(n: u64) -> Vec<SignedMessage> {
    let mut rng = ChaCha20Rng::seed_from_u64(n);
    (0..n)
        .map(|i| {
            let x = SecretScalar::random(&mut rng);
            let message = i.to_le_bytes().to_vec();
            SignedMessage::new(PublicKey::of(&x), message.clone(), sign(&x, &message, &mut rng))
        })
        .collect()
}

#[test]
fn a_batch_accepts_exactly_when_each_member_does() {
    let good = signed(9);
    assert_eq!(verify_signatures(&good), Ok(()));
    assert_eq!(verify_signatures(&[]), Ok(()));
    for i in 0..good.len() {
        let mut bad = good.clone();
        bad[i].signature.z += Scalar::ONE;
        assert_eq!(verify_signatures(&bad), Err(i));
    }
    // Two errors that cancel without weights.
    let mut bad = good.clone();
    bad[3].signature.z += Scalar::ONE;
    bad[5].signature.z -= Scalar::ONE;
    assert_eq!(verify_signatures(&bad), Err(3));
}

/// The weights under which a batch would be added, as numbers modulo the group's order.
fn weights_of(claims: &[Claim<'_>], signed: &[SignedMessage]) -> (Vec<[Scalar; 2]>, Vec<Scalar>) {
    let challenges = Challenges::replay(Backend::detect(), Judged::Plain, claims).unwrap();
    let signed: Vec<_> = signed.iter().map(|s| (s, s.challenge())).collect();
    let (of_proofs, of_signatures) = weights(Judged::Plain, &challenges, &signed);
    let pairs = of_proofs.iter().map(|w| [w.e, w.ec].map(Scalar::from));
    (pairs.collect(), of_signatures.into_iter().map(Scalar::from).collect())
}

/// Adds to a scalar of a proof.
fn added(p: &RangeProof, element: usize, by: Scalar) -> RangeProof {
    let sum = crate::group::scalar_from_bytes(p.element(element)).unwrap() + by;
    edited(p, |bytes| bytes[32 * element..32 * (element + 1)].copy_from_slice(sum.as_bytes()))
}

/// Two errors in the last scalars of one proof, given twice, that cancel under the weights of the batch
/// before they were made. The last scalars enter no challenge of their proof, so both errors are multiples of
/// one point.
#[test]
fn errors_chosen_for_the_weights_of_other_proofs_do_not_cancel() {
    let good = [proven(1), proven(1)].concat();
    for last in [19, 20] {
        let mut bad = good.clone();
        let (pairs, _) = weights_of(&claims(&good), &[]);
        let [[first, _], [second, _]] = pairs[..] else { panic!("two proofs") };
        bad[0].1 = added(&bad[0].1, last, second);
        bad[1].1 = added(&bad[1].1, last, -first);
        // Under these weights the errors are gone.
        assert!(holds_under(&claims(&bad), &pairs), "scalar {last}");
        assert!(!all_agree(&claims(&bad), &[]), "scalar {last}");
    }
}

/// Whether the equation of some proofs holds under weights that are given.
fn holds_under(claims: &[Claim<'_>], pairs: &[[Scalar; 2]]) -> bool {
    let word = |x: &Scalar| u128::from_le_bytes(x.to_bytes()[..16].try_into().unwrap());
    let chosen: Vec<_> =
        pairs.iter().map(|[e, ec]| weights::ProofWeights { e: word(e), ec: word(ec), g: 0 }).collect();
    let challenges = Challenges::replay(Backend::detect(), Judged::Plain, claims).unwrap();
    let items: Vec<_> = claims.iter().zip(&challenges).zip(&chosen).map(|((c, h), w)| (c, h, w)).collect();
    let terms = Backend::detect().run(Coefficients { judged: Judged::Plain, items: &items }).unwrap();
    terms
        .sum(
            Backend::detect(),
            Judged::Plain,
            &msm::decode(Backend::detect(), &points(Judged::Plain, claims, &[])).unwrap(),
        )
        .unwrap()
        .is_identity()
}

/// Two errors in signatures that cancel under the weights of the batch before they were made.
#[test]
fn errors_chosen_for_the_weights_of_other_signatures_do_not_cancel() {
    let good = signed(2);
    let (_, drawn) = weights_of(&[], &good);
    let mut bad = good.clone();
    bad[0].signature.z += drawn[1];
    bad[1].signature.z -= drawn[0];
    let error = drawn[0] * (bad[0].signature.z - good[0].signature.z)
        + drawn[1] * (bad[1].signature.z - good[1].signature.z);
    assert_eq!(error, Scalar::ZERO, "under these weights the errors are gone");
    assert!(!all_agree(&[], &bad));
    // Nor do those in a proof and in a signature.
    let proof = proven(1);
    let ([pair], [w]) =
        (&weights_of(&claims(&proof), &good[..1]).0[..], &weights_of(&claims(&proof), &good[..1]).1[..])
    else {
        panic!("one of each")
    };
    assert!(pair[0] != *w && pair[1] != *w && pair[0] != pair[1]);
}

/// All 128 bits of a weight count: with half of them, a forger needs 2⁶⁴ tries and not 2¹²⁸.
#[test]
fn weights_count_in_full() {
    let (proof, signed) = (proven(1), signed(1));
    let claims = claims(&proof);
    let challenges = Challenges::replay(Backend::detect(), Judged::Plain, &claims).unwrap();
    for w in [1, 1 << 64, 3 << 126 | 5, u128::MAX] {
        let words = |w: u128| [w as u64, (w >> 64) as u64, 0, 0];
        let pair = weights::ProofWeights { e: w, ec: 1, g: 0 };
        for backend in Backend::available() {
            let terms = backend
                .run(Coefficients { judged: Judged::Plain, items: &[(&claims[0], &challenges[0], &pair)] })
                .unwrap();
            assert_eq!(terms.scalars[0], words(w), "the coefficient of A, {backend:?}");
        }
        let terms = signature_terms(&[(&(&signed[0], signed[0].challenge()), w)]);
        assert_eq!(terms.scalars[0], words(w), "the coefficient of R");
    }
}

/// A proof whose two equations are wrong by opposite amounts: S and T₁ are opened as if they held one
/// blinding factor less and one more. Each equation then misses x·G, and the other has it too much, so their
/// plain sum holds.
#[test]
fn errors_between_the_two_equations_of_a_proof_do_not_cancel() {
    let (amount, r) = (Amount::new(77), SecretScalar::from(Scalar::from(5u64)));
    let c = Commitment::new(amount, &r);
    let mut rng = ChaCha20Rng::seed_from_u64(9);
    let mut next = || Scalar::random(&mut rng);
    let (alpha, rho, tau) = (next(), next(), [next(), next()]);
    let (s_l, s_r) = (core::array::from_fn(|_| next()), core::array::from_fn(|_| next()));
    let nonces = |by: Scalar| Nonces { alpha, rho: rho - by, s_l, s_r, tau: [tau[0] + by, tau[1]] };
    let proof = |by: Scalar| {
        let committed = [Committed { amount: amount.units(), blinding: &r, commitment: c.as_bytes() }];
        let bytes =
            prove_opening(&mut context().transcript(), &committed, &nonces(Scalar::ZERO), &nonces(by));
        RangeProof::from_bytes(&bytes.unwrap())
    };
    let (sound, false_one) = ([(c, proof(Scalar::ZERO))], [(c, proof(Scalar::ONE))]);
    assert!(all_agree(&claims(&sound), &[]) && crate_accepts(&c, &sound[0].1));
    // With one weight for both equations it would pass.
    assert!(holds_under(&claims(&false_one), &[[Scalar::ONE; 2]]));
    assert!(holds_under(&claims(&false_one), &[[Scalar::from(12_345u64); 2]]));
    assert!(!holds_under(&claims(&false_one), &[[Scalar::ONE, Scalar::from(2u64)]]));
    assert!(!all_agree(&claims(&false_one), &[]) && !crate_accepts(&c, &false_one[0].1));
}
