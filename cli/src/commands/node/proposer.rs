//! Makes the rewards of the blocks that a validator proposes, whenever it is its turn.
//!
//! The node holds the vote key and no wallet; this thread holds a wallet's account key and no ledger.

use rand_core::OsRng;
use sotto_node::{
    edge::node_handle::{NodeHandle, Stopped},
    effect::Response,
    event::Request,
};
use sotto_wallet::coinbase::CoinbaseBuilder;
use tracing::{debug, warn};

/// Proposes until the node has stopped.
pub(crate) fn propose(handle: &NodeHandle, rewards: &CoinbaseBuilder) {
    while turn(handle, rewards).is_ok() {}
}

/// Waits for a turn, and makes its reward.
fn turn(handle: &NodeHandle, rewards: &CoinbaseBuilder) -> Result<(), Stopped> {
    let Response::Draft { height, due, .. } = handle.ask(Request::AwaitTurn)? else { return Ok(()) };
    let reward = match rewards.build(height, due, &mut OsRng) {
        Ok(reward) => Box::new(reward.into()),
        Err(why) => {
            warn!(%why, "cannot create the reward");
            return Ok(());
        }
    };
    // The time is consensus' own.
    match handle.ask(Request::Seal { reward, time: 0 })? {
        Response::Refused(why) => debug!(%why, "the turn has passed"),
        _ => debug!(height = height.get(), "block proposed"),
    }
    Ok(())
}
