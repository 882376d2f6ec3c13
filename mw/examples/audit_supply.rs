//! Audits the supply of a chain without learning one amount: the commitments of all unspent outputs, minus
//! the supply that the schedule allows, must equal the excesses of all kernels and the total offset.
//!
//! ```text
//! Σ unspent − supply·H = Σ excesses + total offset·G
//! ```
#![allow(clippy::print_stdout, clippy::expect_used, reason = "an example shows what it does")]

use sotto_mw::{
    Amount, Commitment, SecretScalar,
    rules::{AuditError, SupplyAudit},
    state::ChainView,
    testing::TestChain,
};

fn main() -> Result<(), AuditError> {
    // Ten blocks, the last with a payment in it.
    let mut ledger = TestChain::new(7);
    let reward = ledger.grow(vec![]);
    while ledger.next().get() < 10 {
        ledger.grow(vec![]);
    }
    let (payment, _) = ledger.pay(&[&reward], &[1_000, 2_000]);
    ledger.grow(vec![payment]);

    let supply = audit(&ledger, None)?;
    println!("{} blocks, {supply} base units: the sums agree", ledger.blocks().len());

    // One unit out of nothing, hidden among the unspent outputs.
    let forged = Commitment::new(Amount::new(1), &SecretScalar::zero());
    let error = audit(&ledger, Some(&forged)).expect_err("one unit too many");
    println!("with a forged output: {error}");
    Ok(())
}

fn audit(ledger: &TestChain, forged: Option<&Commitment>) -> Result<Amount, AuditError> {
    let mut audit = SupplyAudit::default();
    let kernels = ledger.blocks().iter().flat_map(|b| &b.body.kernels);
    kernels.for_each(|k| audit.add_kernel(&k.excess));
    ledger.state().all_unspent().for_each(|u| audit.add_unspent(&u.output.commitment));
    forged.into_iter().for_each(|c| audit.add_unspent(c));
    let tip = ledger.state().tip();
    audit.finish(ledger.chain(), tip.height, &tip.total_offset)
}
