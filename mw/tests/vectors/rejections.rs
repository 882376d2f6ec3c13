//! A rejected case for each rule, and its accepted neighbour.

use super::{bytes, wire};
use sotto_mw::{
    block::Block,
    chain::{Chain, Params},
    codec::Decode,
    error::Rejection,
    rules,
    state::{ChainView, MemoryState},
    testing::cases::{self, Subject, Trial},
    transaction::Transaction,
};
use sotto_vectors::{Value, json};
use std::collections::BTreeSet;

/// Strings that are written once and named by number.
#[derive(Default)]
struct Table(Vec<String>);

impl Table {
    fn number(&mut self, s: String) -> usize {
        self.0.iter().position(|x| *x == s).unwrap_or_else(|| {
            self.0.push(s);
            self.0.len() - 1
        })
    }
}

/// The first case of each rule, and all cases of those on what is audited or one-sided.
pub(super) fn rejections() -> Value {
    let (mut chains, mut blocks, mut seen) = (Table::default(), Table::default(), BTreeSet::new());
    let mut trial = |t: &Trial| {
        let (kind, subject) = match &t.subject {
            Subject::Transaction(t) => ("transaction", wire(t)),
            Subject::Block(b) => ("block", wire(b)),
        };
        json!({
            "chain": chains.number(wire(t.ledger.chain().params())),
            "history": t.ledger.blocks().iter().map(|b| blocks.number(wire(b))).collect::<Vec<_>>(),
            kind: subject,
        })
    };
    let cases: Vec<Value> = cases::all()
        .iter()
        .filter(|c| seen.insert(c.because.rule()) || c.because.rule() >= "MW-R31")
        .map(|c| {
            json!({
                "rule": c.because.rule(), "name": c.name,
                "refused": trial(&c.refused), "accepted": trial(&c.accepted),
            })
        })
        .collect();
    json!({
        "about": "chains are genesis parameters; a history is the numbers of the blocks to connect before the \
                  transaction or block is judged; refused by the rule, or accepted",
        "chains": chains.0, "blocks": blocks.0, "cases": cases,
    })
}

fn decoded<T: Decode>(v: &Value) -> T {
    T::from_bytes(&bytes(v)).unwrap()
}

fn connected(chain: &Chain, state: &MemoryState, b: Block) -> Result<sotto_mw::state::ChangeSet, Rejection> {
    let chain = &chain.under(state.terms());
    let b = rules::verify_block(chain, state.tip(), rules::check_block(chain, b)?)?;
    match rules::connect_block(chain, state, b) {
        Ok(c) => Ok(c.get().change.clone()),
        Err(sotto_mw::error::ConnectError::Refused(r)) => Err(r),
    }
}

fn verdict(file: &Value, trial: &Value) -> Result<(), Rejection> {
    let number = |v: &Value| usize::try_from(v.as_u64().unwrap()).unwrap();
    let chain = Chain::new(decoded::<Params>(&file["chains"][number(&trial["chain"])])).unwrap();
    let mut state = MemoryState::genesis(&chain);
    for i in trial["history"].as_array().unwrap() {
        let change = connected(&chain, &state, decoded(&file["blocks"][number(i)])).unwrap();
        state.apply(&change).unwrap();
    }
    if trial["block"].is_string() {
        return connected(&chain, &state, decoded(&trial["block"])).map(|_| ());
    }
    let chain = chain.under(state.terms());
    let t = rules::check_transaction(&chain, decoded::<Transaction>(&trial["transaction"]))?;
    let t = rules::verify_transaction(&chain, t)?;
    match rules::connect_transaction(&chain, &state, &t) {
        Ok(_) => Ok(()),
        Err(sotto_mw::error::ConnectError::Refused(r)) => Err(r),
    }
}

/// From the bytes on disk alone.
#[test]
fn each_vector_on_disk_is_judged_as_it_says() {
    let file = sotto_vectors::load("rejections").unwrap();
    for case in file["cases"].as_array().unwrap() {
        let (rule, name) = (case["rule"].as_str().unwrap(), &case["name"]);
        assert_eq!(verdict(&file, &case["refused"]).map_err(|r| r.rule()), Err(rule), "{name}");
        assert_eq!(verdict(&file, &case["accepted"]), Ok(()), "beside {name}");
    }
}
