//! The snapshots that a node makes for others: begun when a block that is due is the tip, one part a tick.

use crate::{
    effect::LogEvent,
    engine::context::{StepContext, StepResult},
    storage::StoreError,
};
use sotto_mw::amount::Height;

/// What was made.
#[derive(Default)]
pub(super) struct Serving {
    /// The height of the last snapshot that was begun.
    last: Height,
}

impl Serving {
    /// Goes on with the snapshot that is being made, or begins one that is due.
    pub(super) fn on_tick(&mut self, ctx: &mut StepContext<'_>) -> StepResult {
        if !ctx.ledger.store().is_building_snapshot() {
            let Some(due) = self.due(ctx) else { return Ok(()) };
            self.last = due;
            ctx.ledger.store_mut().begin_snapshot(due)?;
        }
        match ctx.ledger.store_mut().step_snapshot(ctx.config.part_items) {
            // Only others need it: the node goes on without.
            Err(e @ StoreError::DiskFull { .. }) => ctx.log(LogEvent::SnapshotNotSaved(e)),
            done => done?,
        }
        Ok(())
    }

    /// The height of the snapshot that is to be made now.
    fn due(&self, ctx: &StepContext<'_>) -> Option<Height> {
        if ctx.config.snapshot_every == 0 || ctx.branch.is_fetching() || ctx.branch.is_suspended() {
            return None;
        }
        let store = ctx.ledger.store();
        let every = ctx.config.snapshot_every.max(store.chain().params().reorganisation);
        let tip = ctx.ledger.tip().height.get();
        let due = Height::new(tip - tip % every);
        let new = due > self.last && due >= store.floor() && !store.has_snapshot(due);
        new.then_some(due)
    }
}
