//! What a wallet remembers of the end of the chain, and holds the next look against.
//!
//! ```text
//! anchor ──── K blocks ──── tip      of the last look: height and hash of both
//!   │                        │
//!   │                        └─ lower now ────────▶ Older: refused
//!   │                        └─ the same block ───▶ the same chain, further on
//!   │                        └─ another block ────▶ told (Replaced), if the anchor is the same block;
//!   └─ another block too ─────────────────────────▶ Forked: refused
//! ```
//!
//! Nodes leave a chain only for a better one, which is not lower, and never at more than K blocks. So an honest source shows a
//! lower tip only while it catches up; a dishonest one, to make an incoming payment look missing or a spent output unspent.
//! A tip names all blocks below it, so the anchor is looked at only when the tip was replaced.
//!
//! Not guaranteed: that the tip is the chain's last, nor anything at the first look. A source that is believed for a deep
//! block's seal alone (`sotto_node::edge::light`) can, with the operator's help, hide that it is on another branch.

use super::{ChainSource, ScanError};
use crate::state::State;
use sotto_mw::{amount::Height, chain::Chain, hash::Hash};

/// The block that was the last one, and is not in the chain any more: a reorganisation, or a height that was sealed twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// Its height.
    pub height: Height,
    /// Its hash.
    pub before: Hash,
    /// The hash of the chain's block there.
    pub now: Hash,
}

/// Holds a source with this tip against what a wallet remembers.
pub(super) fn hold<S: ChainSource>(
    state: &State,
    tip: (Height, Hash),
    source: &S,
) -> Result<Option<Replaced>, ScanError<S::Error>> {
    let (height, hash) = state.seen();
    if tip.0 < height {
        return Err(ScanError::Older { seen: height, shown: tip.0 });
    }
    let replaced = differs(source, (height, hash))?;
    if replaced.is_some()
        && let Some(Replaced { height, before, now }) = differs(source, state.anchor)?
    {
        return Err(ScanError::Forked { height, seen: before, shown: now });
    }
    Ok(replaced)
}

/// The block there, if it is another one. The genesis is the same on all branches, and what a source cannot tell is no proof.
fn differs<S: ChainSource>(
    source: &S,
    (height, before): (Height, Hash),
) -> Result<Option<Replaced>, ScanError<S::Error>> {
    if height == Height::GENESIS {
        return Ok(None);
    }
    let now = source.hash_at(height).map_err(ScanError::Source)?;
    Ok(now.filter(|now| *now != before).map(|now| Replaced { height, before, now }))
}

/// The block that no reorganisation reaches, once this tip is believed.
pub(super) fn anchor<S: ChainSource>(
    (chain, state): (&Chain, &State),
    tip: (Height, Hash),
    source: &S,
) -> Result<(Height, Hash), ScanError<S::Error>> {
    let height = tip.0.minus(chain.params().reorganisation);
    if tip == (state.tip, state.tip_hash) || height == Height::GENESIS {
        return Ok(state.anchor);
    }
    let hash = source.hash_at(height).map_err(ScanError::Source)?;
    Ok(hash.map_or(state.anchor, |hash| (height, hash)))
}
