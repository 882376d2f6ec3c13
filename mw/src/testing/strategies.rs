//! Proptest strategies: arbitrary values of every encoded type, valid or not.
//!
//! Edge cases are frequent: zero, one, the maximum, the identity, equal neighbours.

use crate::{
    amount::{Amount, Height},
    block::{Block, Header, Seal},
    chain::{Auditors, Network, Params},
    commitment::Commitment,
    features::{Extra, OutputFeatures},
    group::{Point, Scalar, identity, mul_g},
    hash::Hash,
    kernel::{Excess, Kernel, KernelFeatures, Notice, Window},
    one_sided::{Bond, OneSided, OneSidedInput, OneSidedKeys},
    output::Output,
    range_proof::{HANDLE_BYTES, Handles, RangeProof},
    schnorr::{PublicKey, Signature},
    secret::SecretScalar,
    state::Unspent,
    terms::{Announced, Change, Limits, Renewal, Sealing, SignedChange, Terms},
    transaction::{Body, Transaction},
    unit::Unit,
    validators::{LinkKey, Signatures, Validator, ValidatorSet},
    votes::Certificate,
};
use core::num::NonZeroU32;
use proptest::{
    collection::{btree_map, vec},
    option,
    prelude::*,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::collections::{BTreeMap, HashSet};

/// Any `u64`, with frequent edge cases.
pub fn number() -> impl Strategy<Value = u64> {
    prop_oneof![3 => any::<u64>(), 2 => 0u64..200, 1 => Just(u64::MAX)]
}

/// Any amount.
pub fn amount() -> impl Strategy<Value = Amount> {
    number().prop_map(Amount::new)
}

/// Any height.
pub fn height() -> impl Strategy<Value = Height> {
    number().prop_map(Height::new)
}

/// Any scalar; zero, one and minus one are frequent.
pub fn scalar() -> impl Strategy<Value = Scalar> {
    let edge = prop_oneof![Just(Scalar::ZERO), Just(Scalar::ONE), Just(-Scalar::ONE)];
    prop_oneof![4 => any::<[u8; 32]>().prop_map(Scalar::from_bytes_mod_order), 1 => edge]
}

/// Any secret scalar.
pub fn secret() -> impl Strategy<Value = SecretScalar> {
    scalar().prop_map(SecretScalar::from)
}

/// Any point, the identity among them.
pub fn point() -> impl Strategy<Value = Point> {
    prop_oneof![9 => scalar().prop_map(|s| mul_g(&s).into()), 1 => Just(identity().into())]
}

/// Any hash.
pub fn hash() -> impl Strategy<Value = Hash> {
    any::<[u8; 32]>().prop_map(Hash::from_bytes)
}

/// A commitment with a known opening.
pub fn commitment() -> impl Strategy<Value = Commitment> {
    (amount(), secret()).prop_map(|(v, r)| Commitment::new(v, &r))
}

/// Any pair of nonce commitment and response; not a valid signature.
pub fn signature() -> impl Strategy<Value = Signature> {
    (point(), scalar()).prop_map(|(r, z)| Signature::from_parts(r, z))
}

/// Any window, inverted ones among them.
pub fn window() -> impl Strategy<Value = Window> {
    (height(), height()).prop_map(|(not_before, not_after)| Window { not_before, not_after })
}

/// Any kernel kind with any fields.
pub fn kernel_features() -> impl Strategy<Value = KernelFeatures> {
    prop_oneof![
        (amount(), height()).prop_map(|(fee, not_after)| KernelFeatures::Plain { fee, not_after }),
        height().prop_map(|height| KernelFeatures::Coinbase { height }),
        (amount(), window()).prop_map(|(fee, window)| KernelFeatures::HeightRanged { fee, window }),
        (amount(), window(), number()).prop_map(|(fee, window, distance)| {
            KernelFeatures::NoRecentDuplicate { fee, window, distance }
        }),
        (amount(), height(), any::<u8>(), hash()).prop_map(|(fee, not_after, topic, data)| {
            KernelFeatures::Notice { fee, not_after, notice: Notice { topic, data } }
        }),
        (amount(), height()).prop_map(|(fee, not_after)| KernelFeatures::Bonded { fee, not_after }),
        (amount(), window()).prop_map(|(fee, window)| KernelFeatures::BondedHeightRanged { fee, window }),
    ]
}

/// Any kernel, with an invalid signature.
pub fn kernel() -> impl Strategy<Value = Kernel> {
    (kernel_features(), point(), signature()).prop_map(|(features, e, signature)| Kernel {
        features,
        excess: Excess::from_point(e),
        signature,
    })
}

/// Any public key.
pub fn key() -> impl Strategy<Value = PublicKey> {
    point().prop_map(PublicKey::from_point)
}

/// What a one-sided output has, with an invalid signature.
pub fn one_sided() -> impl Strategy<Value = OneSided> {
    (key(), key(), any::<u8>(), signature()).prop_map(|(sender, receiver, view_tag, signature)| OneSided {
        keys: OneSidedKeys { sender, receiver, view_tag },
        signature,
    })
}

/// Any one-sided input, with an invalid signature.
pub fn one_sided_input() -> impl Strategy<Value = OneSidedInput> {
    (commitment(), key(), key(), signature()).prop_map(|(commitment, receiver, fresh, signature)| {
        OneSidedInput { commitment, receiver, fresh, signature }
    })
}

/// Any handles.
fn handles() -> impl Strategy<Value = Option<Handles>> {
    option::of(any::<[[u8; 32]; 5]>().prop_map(|points| {
        let mut bytes = [0; HANDLE_BYTES];
        bytes.copy_from_slice(points.as_flattened());
        Handles::from_bytes(&bytes)
    }))
}

/// Any output, with an invalid proof.
pub fn output() -> impl Strategy<Value = Output> {
    let one_sided = one_sided().prop_map(|o| OutputFeatures::OneSided(Box::new(o)));
    let features = prop_oneof![Just(OutputFeatures::Plain), Just(OutputFeatures::Coinbase), one_sided];
    let extra = vec(any::<u8>(), 0..=Extra::MAX).prop_map(|b| Extra::new(b).unwrap_or_default());
    let proof = (any::<[[u8; 32]; 21]>(), handles()).prop_map(|(p, handles)| {
        let mut bytes = [0; crate::range_proof::PROOF_BYTES];
        bytes.copy_from_slice(p.as_flattened());
        let proof = RangeProof::from_bytes(&bytes);
        match handles {
            Some(handles) => proof.with_handles(handles),
            None => proof,
        }
    });
    (features, commitment(), extra, proof).prop_map(|(features, commitment, extra, proof)| Output {
        features,
        commitment,
        extra,
        proof,
    })
}

/// An unspent output.
pub fn unspent() -> impl Strategy<Value = Unspent> {
    (height(), output()).prop_map(|(created, output)| Unspent { created, output })
}

/// Any body with up to four items of each kind, in any order, and a bond for each bonded kernel.
pub fn body() -> impl Strategy<Value = Body> {
    let inputs = (vec(commitment(), 0..5), vec(one_sided_input(), 0..5));
    (inputs, vec(output(), 0..5), vec(kernel(), 0..5), vec((key(), signature()), 5), scalar()).prop_map(
        |((inputs, one_sided_inputs), outputs, mut kernels, bonds, y)| {
            // Two bonded kernels under one excess have no encoding.
            let mut seen = HashSet::new();
            kernels.retain(|k| !k.features.is_bonded() || seen.insert(k.excess));
            let bonded = kernels.iter().filter(|k| k.features.is_bonded()).map(|k| k.excess);
            let bonds: BTreeMap<_, _> =
                bonded.zip(bonds).map(|(e, (key, signature))| (e, Bond { key, signature })).collect();
            let key_offset = if bonds.is_empty() { Scalar::ZERO } else { y };
            Body { inputs, one_sided_inputs, outputs, kernels, bonds, key_offset, change: None }
        },
    )
}

/// Any change of the terms.
pub fn change() -> impl Strategy<Value = Change> {
    let rules = (height(), any::<u8>()).prop_map(|(from, what)| Change::Rules(Announced { from, what }));
    let limits = (height(), limits()).prop_map(|(from, what)| Change::Limits(Announced { from, what }));
    prop_oneof![validators().prop_map(Change::Validators), rules, limits, Just(Change::WithdrawRules)]
}

/// Any change of the terms with signatures, none of them valid.
pub fn signed_change() -> impl Strategy<Value = SignedChange> {
    let renewals = btree_map(any::<u8>(), signature(), 0..4)
        .prop_map(|all| all.into_iter().map(|(place, signature)| Renewal { place, signature }).collect());
    (height(), change(), signatures(), renewals).prop_map(|(expiry, change, signatures, renewals)| {
        SignedChange { expiry, change, signatures, renewals }
    })
}

/// Any limits.
pub fn limits() -> impl Strategy<Value = Limits> {
    (amount(), number()).prop_map(|(fee_per_weight, max_weight)| Limits { fee_per_weight, max_weight })
}

/// Any terms.
pub fn terms() -> impl Strategy<Value = Terms> {
    let announced_limits = option::of((height(), limits()).prop_map(|(from, what)| Announced { from, what }));
    let announced_rules =
        option::of((height(), any::<u8>()).prop_map(|(from, what)| Announced { from, what }));
    let announced_validators =
        option::of((height(), validators()).prop_map(|(from, what)| Announced { from, what }));
    let announced = (announced_validators, announced_limits, announced_rules);
    (sealing(), any::<u8>(), limits(), height(), announced).prop_map(
        |(sealing, rules, limits, last_change, announced)| {
            let (announced_validators, announced_limits, announced_rules) = announced;
            Terms {
                sealing,
                rules,
                limits,
                last_change,
                announced_validators,
                announced_limits,
                announced_rules,
            }
        },
    )
}

/// Any body of a block, with a change of the terms or without.
pub fn block_body() -> impl Strategy<Value = Body> {
    (body(), option::of(signed_change()))
        .prop_map(|(body, change)| Body { change: change.map(Box::new), ..body })
}

/// Any transaction; it balances only by chance.
pub fn transaction() -> impl Strategy<Value = Transaction> {
    (scalar(), body()).prop_map(|(offset, body)| Transaction { offset, body })
}

/// Any header.
pub fn header() -> impl Strategy<Value = Header> {
    let counts = (height(), number(), number(), number());
    let hashes = (hash(), hash(), hash(), hash(), hash(), hash());
    (counts, scalar(), hashes).prop_map(|(counts, total_offset, hashes)| {
        let (height, time, kernel_count, output_count) = counts;
        let (previous, kernel_root, output_root, body_hash, terms, next_terms) = hashes;
        Header {
            height,
            previous,
            time,
            total_offset,
            kernel_count,
            kernel_root,
            output_count,
            output_root,
            body_hash,
            terms,
            next_terms,
        }
    })
}

/// Signatures of some validators of a set, none of them valid.
pub fn signatures() -> impl Strategy<Value = Signatures> {
    (1..=ValidatorSet::MAX, vec((any::<usize>(), signature()), 0..8))
        .prop_filter_map("a place twice", |(of, all)| {
            Signatures::new(of, all.into_iter().map(|(i, s)| (i % of, s)).collect())
        })
}

/// Any seal, none of them valid.
pub fn seal() -> impl Strategy<Value = Seal> {
    let certificate = (any::<u32>(), signatures())
        .prop_map(|(round, signatures)| Seal::Certificate(Certificate { round, signatures }));
    prop_oneof![signature().prop_map(Seal::Operator), certificate]
}

/// Some sets of validators.
pub fn validators() -> impl Strategy<Value = ValidatorSet> {
    vec((secret(), 1u32..1000), 1..5).prop_filter_map("a key twice", |all| {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let validator = |(i, (key, power)): (u8, &(SecretScalar, u32))| {
            let (link, name) = (LinkKey::from_bytes([i; 32]), format!("v-{i}").parse().ok()?);
            Some(Validator::new(key, link, NonZeroU32::new(*power)?, name, &mut rng))
        };
        ValidatorSet::new((0..).zip(&all).map(validator).collect::<Option<_>>()?).ok()
    })
}

/// Any sealing.
pub fn sealing() -> impl Strategy<Value = Sealing> {
    prop_oneof![key().prop_map(Sealing::Solo), validators().prop_map(Sealing::Validators)]
}

/// Any block.
pub fn block() -> impl Strategy<Value = Block> {
    (header(), seal(), block_body()).prop_map(|(header, seal, body)| Block { header, seal, body })
}

/// Any unit.
pub fn unit() -> impl Strategy<Value = Unit> {
    ("[A-TV-Z][A-Z]{0,7}", 0..=Unit::MAX_DECIMALS)
        .prop_map(|(name, decimals)| Unit::new(&name, decimals).unwrap_or(Unit::SOT))
}

/// Any parameters, contradictory ones among them.
pub fn params() -> impl Strategy<Value = Params> {
    let network = prop_oneof![Just(Network::Main), Just(Network::Test), Just(Network::Solo)];
    let auditors = option::of((key(), hash()).prop_map(|(key, charter)| Auditors { key, charter }));
    (network, sealing(), amount(), amount(), any::<[u64; 7]>(), unit(), auditors).prop_map(
        |(network, sealing, reward, fee_per_weight, numbers, unit, auditors)| {
            let [genesis_time, maturity, window_width, window_grid, reorganisation, pace, max_weight] =
                numbers;
            Params {
                network,
                sealing,
                genesis_time,
                reward,
                maturity,
                window_width,
                window_grid,
                reorganisation,
                pace,
                max_weight,
                fee_per_weight,
                unit,
                auditors,
            }
        },
    )
}
