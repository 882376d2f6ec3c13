//! Takes one payment through every stage of its life: made, proposed, sealed, verified, connected. Then
//! alters one header, and shows which rule notices.
//!
//! ```text
//! Block ──check──▶ WellFormed ──verify──▶ Verified ──connect──▶ Connected
//! ```
#![allow(clippy::print_stdout, clippy::expect_used, reason = "an example shows what it does")]

use sotto_mw::{
    Block,
    rules::{check_block, connect_block, verify_block},
    state::ChainView,
    testing::TestChain,
};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    // A chain whose keys are all ours: the reward of its first block can be spent after a few more.
    let mut ledger = TestChain::new(1);
    let reward = ledger.grow(vec![]);
    ledger.mature();

    // Pay 25 units; the change returns to us. The transaction shows no amount.
    let (payment, outputs) = ledger.pay(&[&reward], &[25]);
    println!("a payment of {} inputs and {} outputs, weight {}", 1, outputs.len(), payment.body.weight());

    // The operator proposes a block and seals it.
    let (proposal, _) = ledger.propose(&[payment])?;
    let block = ledger.seal(proposal.header, proposal.body);

    // Anyone verifies it. Each stage is a type, and only the rules make the last three.
    let (chain, state) = (ledger.chain(), ledger.state());
    let well_formed = check_block(chain, block.clone())?;
    let verified = verify_block(chain, state.tip(), well_formed)?;
    let connected = connect_block(chain, state, verified)?;
    let change = &connected.get().change;
    println!(
        "block {} is valid: it spends {} outputs and creates {}",
        change.after.header.height,
        change.spent.len(),
        change.created.len()
    );

    // One second added after sealing: the seal no longer holds.
    let mut altered: Block = block;
    altered.header.time += 1;
    let rejection = verify_block(chain, state.tip(), check_block(chain, altered)?).map(|_| ());
    println!("altered header: {}", rejection.expect_err("a broken seal"));
    Ok(())
}
