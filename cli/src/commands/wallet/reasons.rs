//! Why a wallet refuses, with amounts in the unit of its chain: the library's own texts count base units.

use crate::exit::{Failure, OrRefuse as _, Outcome};
use sotto_mw::unit::Unit;
use sotto_wallet::{
    WalletError, coin_selection::CoinSelectionError, group::GroupError, listener::Refusal, slate::SlateError,
};

/// Turns an error of the wallet into a [`Failure`], as `or_refuse` does.
pub(crate) trait OrRefuseIn<T> {
    /// The error as a refusal whose reason has its amounts in this unit.
    fn or_refuse_in(self, unit: &Unit, what: &str) -> Outcome<T>;
}

impl<T> OrRefuseIn<T> for Result<T, WalletError> {
    fn or_refuse_in(self, unit: &Unit, what: &str) -> Outcome<T> {
        let reason = self.as_ref().err().and_then(|e| reason(e, unit));
        let mixed = matches!(&self, Err(WalletError::Select(CoinSelectionError::MixedLevels)));
        self.or_refuse(what).map_err(|failure| match reason {
            Some(reason) => Failure { why: Some(reason), ..failure },
            None if mixed => failure.help(
                "pay less, name outputs of one level with --spend, or run: sotto wallet level mix allow",
            ),
            None => failure,
        })
    }
}

/// The reason of an error that contains amounts.
fn reason(e: &WalletError, unit: &Unit) -> Option<String> {
    match e {
        WalletError::Select(CoinSelectionError::Insufficient { needed, balance: b }) => Some(format!(
            "insufficient funds: {} needed (amounts and fee), {} spendable; {} not matured, {} locked by open payments, {} frozen",
            unit.show(*needed),
            unit.show(b.spendable),
            unit.show(b.immature),
            unit.show(b.locked),
            unit.show(b.frozen),
        )),
        WalletError::Slate(SlateError::FeeTooLow { fee, least }) => Some(format!(
            "the inviter's fee is too low: {} is below the least fee of {}",
            unit.show(*fee),
            unit.show(*least)
        )),
        WalletError::Slate(SlateError::FeeTooHigh { fee, most }) => Some(format!(
            "the inviter's fee is too high: {} is above the {} that a payment with many inputs needs",
            unit.show(*fee),
            unit.show(*most)
        )),
        _ => None,
    }
}

/// The reason of a group's refusal that contains amounts.
pub(super) fn of_group(e: &GroupError, unit: &Unit) -> Option<String> {
    match e {
        GroupError::Insufficient { spendable, needed } => Some(format!(
            "insufficient funds: {} needed (amount and fee), the group has {}",
            unit.show(*needed),
            unit.show(*spendable)
        )),
        GroupError::Slate(e) => reason(&WalletError::Slate(e.clone()), unit),
        _ => None,
    }
}

/// What a listener answers to a payer whose message it does not accept.
pub(crate) fn refusal(why: &Refusal, unit: &Unit) -> String {
    match why {
        Refusal::TooSmall { least } => format!("this wallet takes amounts from {} on", unit.show(*least)),
        Refusal::TooLarge { most } => {
            format!("this wallet takes at most {} from this address", unit.show(*most))
        }
        Refusal::Wallet(e) => reason(e, unit).unwrap_or_else(|| why.to_string()),
        _ => why.to_string(),
    }
}
