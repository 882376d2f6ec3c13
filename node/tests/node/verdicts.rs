//! What a validator says of a proposal, whichever rule it breaks.

use sotto_mw::{
    block::Block,
    codec::Encode,
    testing::{
        TestChain,
        cases::{self, Subject, Trial},
    },
};
use sotto_node::{
    consensus::{ProposedBlock, Verdict},
    ledger::{Ledger, mempool::MempoolLimits, validating::JudgedBlocks},
    storage::{Layout, Memory, Store},
};

fn ledger(chain: &TestChain) -> Ledger {
    let params = chain.chain().params().clone();
    let store = Store::create_on(Memory::new(), Layout::in_memory(), params).unwrap();
    let mut ledger = Ledger::over(store, MempoolLimits::default()).unwrap();
    chain.blocks().iter().for_each(|block| drop(ledger.connect(block.clone()).unwrap()));
    ledger
}

/// The block of a trial, or one with its transaction.
fn block(trial: Trial) -> (TestChain, Block) {
    match trial.in_block().unwrap_or(trial) {
        Trial { ledger, subject: Subject::Block(block) } => (ledger, block),
        Trial { .. } => panic!("a transaction is in a block"),
    }
}

fn verdict(chain: &TestChain, Block { header, body, .. }: &Block) -> Option<Verdict> {
    let mut bytes = header.to_bytes();
    body.encode(&mut bytes);
    let proposed = ProposedBlock { value: header.hash(), time: header.time, bytes: bytes.into() };
    JudgedBlocks::default().restore(&ledger(chain), &proposed).unwrap()
}

/// A proposal is invalid whichever rule it breaks. There is no verdict on a header of another tip or with
/// another body; nor does a proposal have a seal yet.
#[test]
fn a_proposal_that_breaks_any_rule_is_invalid() {
    let mut invalid = std::collections::BTreeSet::new();
    for case in cases::all() {
        let (name, rule) = (case.name, case.because.rule());
        let (chain, refused) = block(case.refused);
        // Some rules are for transactions alone.
        if rule == "MW-R21" || chain.judge(&refused).is_ok() {
            continue;
        }
        match verdict(&chain, &refused) {
            Some(Verdict::Invalid) => _ = invalid.insert(rule),
            None => assert!(["MW-R18", "MW-R20"].contains(&rule), "{name}: no verdict"),
            Some(Verdict::Valid(_)) => panic!("{name}: valid"),
        }
        let (chain, accepted) = block(case.accepted);
        assert!(matches!(verdict(&chain, &accepted), Some(Verdict::Valid(_))), "{name}");
    }
    assert!(invalid.len() > 20, "{invalid:?}");
}
