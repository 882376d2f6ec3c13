//! What a node tells who watches over it, as structured records.
//!
//! No secret is ever in a record. Peers are numbers; their addresses are told under a target of their own,
//! [`ADDRESSES`], which the program leaves out unless asked. Transactions are not named: which ones a node saw when is what the
//! relay hides.

use crate::{
    effect::Note,
    engine::peers::{Closing, PeerId},
};
use tracing::{debug, error, info, warn};

/// The target of records that hold addresses.
pub const ADDRESSES: &str = "node::addresses";

/// Records a note.
pub(super) fn note(note: &Note) {
    match note {
        Note::Connected(block) => {
            info!(height = block.height.get(), hash = %block.hash, "block connected");
        }
        Note::Reorganised(block, undone) => {
            warn!(height = block.height.get(), hash = %block.hash, undone, "a better branch was followed");
        }
        Note::Restored(block) => {
            info!(height = block.height.get(), hash = %block.hash, "begun with the state after this block");
        }
        Note::BadSnapshot(block, why) => {
            error!(height = block.height.get(), hash = %block.hash, %why, "the state of a sealed block breaks a rule");
        }
        Note::Unkept(why) => warn!(%why, "a snapshot for others could not be kept"),
        Note::BadBlock(block, why) => {
            error!(height = block.height.get(), hash = %block.hash, rule = why.rule(), "a sealed block breaks a rule");
        }
        Note::Unfollowed(why) => warn!(%why, "a branch is not followed"),
        Note::DoubleSeal(twice) => {
            let [first, second] = [&twice.first.header, &twice.second.header];
            error!(
                height = first.height.get(), first = %first.hash(), second = %second.hash(),
                "ALARM: a height was sealed twice"
            );
        }
        Note::Dropped(why) => info!(rule = why.rule(), "a transaction left the pool"),
        Note::Unfluffed(why) => info!(%why, "a whispered transaction could not be told to all"),
        Note::Closed(peer, why) => closed(*peer, *why),
        Note::Unsaved(why) => warn!(%why, "the pending transactions could not be written down"),
        Note::Failed(why) => error!(%why, "the store failed"),
    }
}

fn closed(peer: PeerId, why: Closing) {
    match why {
        Closing::Banned(offence) => warn!(peer = peer.0, ?offence, "a peer was banned"),
        why => debug!(peer = peer.0, ?why, "a peer was closed"),
    }
}
