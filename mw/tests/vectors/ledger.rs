//! A transaction, cut-through, and two blocks.

use super::{hex, secret, wire};
use sotto_mw::{
    aggregate::aggregate,
    block::Header,
    state::{ChainView, Unspent},
    testing::{Owned, TestChain},
    transaction::Transaction,
};
use sotto_vectors::{Value, json};

/// A chain whose first reward can be spent in the next block.
fn funded() -> (TestChain, Owned) {
    let mut ledger = TestChain::with(3, |p| p.maturity = 1);
    let a = ledger.grow(Vec::new());
    (ledger, a)
}

fn opening(o: &Owned) -> Value {
    json!({
        "commitment": hex(o.commitment().as_bytes()), "amount": o.opening.amount.units().to_string(),
        "blinding": secret(&o.blinding),
    })
}

/// With the index, which the rewind key reads out of the proof.
fn rewound(o: &Owned) -> Value {
    let mut v = opening(o);
    v["index"] = hex(o.opening.index).into();
    v
}

fn described(t: &Transaction) -> Value {
    json!({
        "bytes": wire(t), "weight": t.body.weight(), "fees": t.body.fees().unwrap().units().to_string(),
    })
}

pub(super) fn transaction() -> Value {
    let (mut ledger, a) = funded();
    let (t, outputs) = ledger.pay(&[&a], &[25_000_000]);
    ledger.accept(&t).unwrap();
    json!({
        "about": "one input, two outputs, one plain kernel: Σ outputs + fees·H − Σ inputs = Σ excesses + offset·G",
        "chain_id": hex(ledger.chain().id().as_bytes()),
        "rewind_key": hex(TestChain::REWIND.0),
        "inputs": [opening(&a)], "outputs": outputs.iter().map(rewound).collect::<Vec<_>>(),
        "transaction": described(&t),
    })
}

/// `a → x y`, `x → z`: x disappears.
fn chained(ledger: &mut TestChain, a: &Owned) -> ([Transaction; 2], Transaction) {
    let (one, xy) = ledger.pay(&[a], &[25_000_000]);
    let (two, _) = ledger.pay(&[&xy[0]], &[]);
    let joined = aggregate([one.clone(), two.clone()]).unwrap();
    ([one, two], joined)
}

pub(super) fn cut_through() -> Value {
    let (mut ledger, a) = funded();
    let (parts, joined) = chained(&mut ledger, &a);
    ledger.accept(&joined).unwrap();
    json!({
        "about": "the parts joined: offsets add, lists are merged in order, and what is both created and spent is gone",
        "chain_id": hex(ledger.chain().id().as_bytes()),
        "joined": described(&joined), "parts": parts.each_ref().map(described),
    })
}

pub(super) fn blocks() -> Value {
    let (mut ledger, a) = funded();
    let joined = chained(&mut ledger, &a).1;
    ledger.grow(vec![joined]);
    let chain = ledger.chain();
    let genesis = Header::genesis(chain);
    let blocks = ledger.blocks().iter().map(|b| json!({ "bytes": wire(b), "hash": wire(&b.header.hash()) }));
    let mut unspent: Vec<&Unspent> = ledger.state().all_unspent().collect();
    unspent.sort_by_key(|u| u.output.commitment);
    let unspent = unspent.into_iter().map(|u| {
        json!({
            "commitment": hex(u.output.commitment.as_bytes()), "created": u.created.get(),
            "key": wire(&Unspent::key(&u.output.commitment)), "leaf": wire(&u.leaf()),
        })
    });
    json!({
        "about": "a reward, then a block that spends it in a joined payment; the outputs that are unspent after it",
        "params": wire(chain.params()), "chain_id": hex(chain.id().as_bytes()),
        "genesis": { "header": wire(&genesis), "hash": wire(&genesis.hash()) },
        "blocks": blocks.collect::<Vec<_>>(), "unspent": unspent.collect::<Vec<_>>(),
        "supply": chain.supply(ledger.state().tip().height).unwrap().units().to_string(),
    })
}
