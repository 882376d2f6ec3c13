//! Freezing: outputs that no plan spends until their owner says otherwise.
//!
//! An owner freezes an output to keep it apart from others, because spending two outputs together links them
//! for ever. The list is kept with the wallet and leaves it only in backups.

use super::context::{Change, Context};
use crate::{coin_selection::CoinSelectionError, error::WalletError, outputs::OutputStatus};
use sotto_mw::group::PointBytes;

pub(crate) fn freeze(context: &Context<'_>, output: &PointBytes) -> Result<Change<()>, WalletError> {
    let known = context.state.outputs.get(output).map(|o| o.status);
    if !matches!(known, Some(OutputStatus::Unspent { .. } | OutputStatus::Locked { .. })) {
        return Err(CoinSelectionError::NotFree { output: *output }.into());
    }
    let mut next = context.state.clone();
    next.frozen.insert(*output);
    Ok(Change::new(next, ()))
}

pub(crate) fn unfreeze(context: &Context<'_>, output: &PointBytes) -> Result<Change<bool>, WalletError> {
    let mut next = context.state.clone();
    if next.frozen.remove(output) { Ok(Change::new(next, true)) } else { Ok(Change::none(false)) }
}
