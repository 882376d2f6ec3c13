//! Generators, commitments, range proofs and what rewinds them.

use super::{hex, scalar, secret};
use bulletproofs::BulletproofGens;
use sha2::{Digest, Sha256};
use sotto_mw::{
    amount::Amount,
    commitment::Commitment,
    group::Point,
    output::{Extra, OutputFeatures},
    range_proof::{Opening, RewindKey},
    secret::SecretScalar,
    testing::TestChain,
};
use sotto_vectors::{Value, json};

pub(super) fn generators() -> Value {
    let gens = BulletproofGens::new(64, 1);
    let chain: Vec<_> = gens.share(0).G(64).map(|p| p.compress().to_bytes()).collect();
    json!({
        "about": "G is the base point; H is RFC 9496's element derivation of SHA-512 of the label; the range \
                  proof's own generators are 64-byte steps of SHAKE256(\"GeneratorsChain\" ‖ 'G' or 'H' ‖ 0000), \
                  and H is none of them",
        "G": hex(Point::g().as_bytes()),
        "H": hex(Point::h().as_bytes()),
        "H_label": "sotto/H/v1",
        "range_proof_G_sha256": hex(Sha256::digest(chain.as_flattened())),
    })
}

pub(super) fn commitments() -> Value {
    let amounts = [0, 1, 1, 6_000_000_000, 1 << 53, u64::MAX];
    let one = |(i, v): (usize, u64)| {
        let r = if i == 0 { SecretScalar::zero() } else { scalar(&format!("commitment {i}")) };
        let c = Commitment::new(Amount::new(v), &r);
        json!({ "amount": v.to_string(), "blinding": secret(&r), "commitment": hex(c.as_bytes()) })
    };
    let all: Vec<Value> = amounts.into_iter().enumerate().map(one).collect();
    json!({ "about": "C = v·H + r·G; the first is the identity, which no rule accepts", "commitments": all })
}

pub(super) fn range_proofs() -> Value {
    let ledger = TestChain::new(1);
    let cases = [
        (OutputFeatures::Plain, 987_654_321, Extra::default()),
        (OutputFeatures::Coinbase, u64::MAX, Extra::default()),
        (OutputFeatures::Plain, 0, Extra::new(b"public bytes".to_vec()).unwrap()),
    ];
    let one = |(features, v, extra): (OutputFeatures, u64, Extra)| {
        let opening = Opening { amount: Amount::new(v), index: *b"twelve bytes" };
        let o = ledger.output_of(features, opening, scalar("range proof"), extra);
        assert_eq!(o.output.rewind(ledger.chain().id(), &TestChain::REWIND), Some(opening));
        assert_eq!(o.output.rewind(ledger.chain().id(), &RewindKey([3; 32])), None);
        json!({
            "kind": o.output.code(),
            "amount": v.to_string(),
            "index": hex(opening.index),
            "blinding": secret(&o.blinding),
            "extra": hex(o.output.extra.as_bytes()),
            "commitment": hex(o.commitment().as_bytes()),
            "proof": hex(o.output.proof.as_bytes()),
        })
    };
    json!({
        "about": "the same arguments give the same bytes; the rewind key reads amount and index, any other reads nothing",
        "chain_id": hex(ledger.chain().id().as_bytes()),
        "rewind_key": hex(TestChain::REWIND.0),
        "tau_key": hex(TestChain::TAU.0),
        "other_rewind_key": hex([3; 32]),
        "proofs": cases.into_iter().map(one).collect::<Vec<_>>(),
    })
}
