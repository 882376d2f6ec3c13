//! Audited outputs: all three kinds, with everything that they follow from.

use super::{hex, scalar, secret, wire};
use sotto_mw::{
    Output, SecretScalar,
    amount::{Amount, Height},
    chain::Auditors,
    hash::Hash,
    output::{Extra, OutputFeatures},
    range_proof::{Opening, RewindKey},
    schnorr::PublicKey,
    state::Unspent,
    testing::{KeySecrets, TestChain},
};
use sotto_vectors::{Value, json};

/// The key of the auditors, which t of them share in real life.
fn key() -> SecretScalar {
    scalar("the auditors' key")
}

pub(super) fn audited() -> Value {
    let auditors =
        Auditors { key: PublicKey::of(&key()), charter: Hash::from_bytes(super::named("charter")) };
    let mut ledger = TestChain::with(1, |p| p.auditors = Some(auditors));
    let opening = |v: u64| Opening { amount: Amount::new(v), index: *b"twelve bytes" };
    let r = scalar("audited");
    let mut made: Vec<(Output, u64)> = [
        (OutputFeatures::Plain, 987_654_321_987, Extra::default()),
        (OutputFeatures::Coinbase, u64::MAX, Extra::default()),
        (OutputFeatures::Plain, 0, Extra::new(b"public bytes".to_vec()).unwrap()),
    ]
    .into_iter()
    .map(|(features, v, extra)| (ledger.output_of(features, opening(v), r.clone(), extra).output, v))
    .collect();
    let keys = KeySecrets { sender: scalar("audited sender"), receiver: scalar("audited receiver") };
    made.push((ledger.one_sided_of(keys, opening(5), r.clone()).output, 5));
    let id = ledger.chain().id();
    let one = |(o, v): &(Output, u64)| {
        assert_eq!(o.rewind(id, &TestChain::REWIND), Some(opening(*v)));
        assert_eq!(o.rewind(id, &RewindKey([3; 32])), None);
        assert!(o.proof_holds(ledger.chain()));
        let unspent = Unspent { created: Height::new(7), output: o.clone() };
        json!({
            "kind": o.code(), "amount": v.to_string(), "weight": o.weight(), "output": wire(o),
            "rewind_data": wire(&unspent.rewind_data()), "leaf": wire(&unspent.leaf()),
        })
    };
    json!({
        "about": "on a chain whose auditors share y, P = y·G: outputs, and their leaves if they are created at height 7; \
                  y·C_j − D_j = v_j·y·H",
        "params": wire(ledger.chain().params()), "chain_id": hex(id.as_bytes()), "y": secret(&key()),
        "rewind_key": hex(TestChain::REWIND.0), "tau_key": hex(TestChain::TAU.0), "other_rewind_key": hex([3; 32]),
        "index": hex(opening(0).index), "blinding": secret(&r), "created": 7,
        "outputs": made.iter().map(one).collect::<Vec<_>>(),

    })
}
