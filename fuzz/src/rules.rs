//! The consensus rules on arbitrary bytes: a test chain receives transactions and blocks, honest ones with
//! one byte changed, and arbitrary bodies that its own operator seals.
//!
//! ```text
//! input   step*
//! step    0 ‖ n (2) ‖ transaction (n)      a peer's transaction, for the mempool
//!         1 ‖ n (2) ‖ block (n)            a peer's block, to connect
//!         2 ‖ at (2) ‖ xor (1)             the honest payment with a byte changed
//!         3 ‖ at (2) ‖ xor (1)             the honest next block with a byte changed
//!         4 ‖ n (2) ‖ body (n)             any body, sealed under the matching header
//!         5 ‖ n (2) ‖ transaction (n)      any transaction, in a block with its reward
//!         6                                undo the last block
//! ```
//!
//! After every accepted block the supply must add up over the whole chain, and undo ∘ apply = id. No honest
//! payment or block with a changed byte may pass, and a transaction that passes alone must pass in a block.

use crate::{Verdict, fixtures::chain::world};
use sotto_mw::{
    block::Block,
    codec::{Decode, DecodeError, Encode, Reader},
    group::Scalar,
    rules::SupplyAudit,
    state::{ChainView, ChangeSet},
    testing::TestChain,
    transaction::{Body, Transaction},
};

/// Most steps per input; more take time and find nothing new.
const MOST_STEPS: usize = 12;

/// Steps on a test chain.
pub fn mw_rules(data: &[u8]) -> Verdict {
    let mut machine = Machine { test_chain: world().test_chain.clone(), changes: Vec::new() };
    let mut reader = Reader::new(data);
    let mut accepted = false;
    for _ in 0..MOST_STEPS {
        match machine.step(&mut reader) {
            Ok(taken) => accepted |= taken,
            Err(_) => break,
        }
    }
    Verdict::of(accepted)
}

/// A chain and the data to undo its new blocks.
struct Machine {
    test_chain: TestChain,
    changes: Vec<ChangeSet>,
}

impl Machine {
    /// Takes one step and returns whether the rules accepted it. An error if no step is left.
    fn step(&mut self, r: &mut Reader<'_>) -> Result<bool, DecodeError> {
        match r.u8()? {
            0 => Ok(Transaction::from_bytes(rest(r)?).is_ok_and(|t| self.test_chain.accept(&t).is_ok())),
            1 => Ok(Block::from_bytes(rest(r)?).is_ok_and(|b| self.connect(&b))),
            2 => self.changed_payment(r),
            3 => self.changed_block(r),
            4 => Ok(Body::from_bytes(rest(r)?).is_ok_and(|body| {
                let block = self.test_chain.forge(body, &Scalar::ZERO);
                self.connect(&block)
            })),
            5 => Ok(Transaction::from_bytes(rest(r)?).is_ok_and(|t| self.in_block(&t))),
            6 => Ok(self.undo()),
            code => Err(DecodeError::Code { what: "step", code }),
        }
    }

    fn changed_payment(&self, r: &mut Reader<'_>) -> Result<bool, DecodeError> {
        let (bytes, changed) = change(world().payment.to_bytes(), r)?;
        let passes = Transaction::from_bytes(&bytes).is_ok_and(|t| self.test_chain.accept(&t).is_ok());
        assert!(!(changed && passes), "a changed payment passes");
        Ok(passes)
    }

    fn changed_block(&mut self, r: &mut Reader<'_>) -> Result<bool, DecodeError> {
        let (bytes, changed) = change(world().block.to_bytes(), r)?;
        let passes = Block::from_bytes(&bytes).is_ok_and(|b| self.connect(&b));
        assert!(!(changed && passes), "a changed block passes");
        Ok(passes)
    }

    fn in_block(&mut self, t: &Transaction) -> bool {
        let alone = self.test_chain.accept(t).is_ok();
        let block = self.test_chain.forge_with(t);
        let joined = self.connect(&block);
        assert!(joined || !alone, "a transaction that passes alone does not pass in a block");
        joined
    }

    fn connect(&mut self, b: &Block) -> bool {
        let before = self.test_chain.state().clone();
        let Ok(change) = self.test_chain.connect(b) else {
            assert!(self.test_chain.state() == &before, "a refused block changed the state");
            return false;
        };
        self.audit();
        let after = self.test_chain.state().clone();
        self.test_chain.undo(&change);
        assert!(self.test_chain.state() == &before, "undo does not restore the state");
        assert!(
            self.test_chain.connect(b).is_ok() && self.test_chain.state() == &after,
            "redo does not restore the state"
        );
        self.changes.push(change);
        true
    }

    /// Undoes the last new block, but never one of the fixture's.
    fn undo(&mut self) -> bool {
        let change = self.changes.pop();
        change.iter().for_each(|c| self.test_chain.undo(c));
        change.is_some()
    }

    /// Σ unspent − supply·H = Σ excesses + total offset·G.
    fn audit(&self) {
        let (mut audit, state) = (SupplyAudit::default(), self.test_chain.state());
        state.all_unspent().for_each(|u| audit.add_unspent(&u.output.commitment));
        let kernels = self.test_chain.blocks().iter().flat_map(|b| &b.body.kernels);
        kernels.for_each(|k| audit.add_kernel(&k.excess));
        let tip = state.tip();
        assert!(
            audit.finish(self.test_chain.chain(), tip.height, &tip.total_offset).is_ok(),
            "the supply does not add up"
        );
    }
}

/// A length of two bytes and that many bytes.
fn rest<'a>(r: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let n = u16::from_le_bytes(r.array()?);
    r.take(n.into())
}

/// The bytes with one changed as the step specifies, and whether they differ.
fn change(mut bytes: Vec<u8>, r: &mut Reader<'_>) -> Result<(Vec<u8>, bool), DecodeError> {
    let (at, xor) = (u16::from_le_bytes(r.array()?), r.u8()?);
    let place = bytes.get_mut(usize::from(at));
    let changed = place.is_some() && xor != 0;
    place.into_iter().for_each(|b| *b ^= xor);
    Ok((bytes, changed))
}
