//! Which outputs a payment may spend: `sotto wallet freeze` and `unfreeze`, and outputs named on the command
//! line.

use super::command::WalletCommand;
use crate::exit::{ErrorCode, Failure, OrRefuse as _, Outcome};
use serde_json::json;
use sotto_mw::{amount::Amount, unit::Unit};
use sotto_wallet::{
    Wallet,
    coin_selection::{Spend, dust_limit},
    edge::file::WalletFile,
    keys::OutputKind,
    outputs::OutputRecord,
};

pub(crate) fn freeze(command: &WalletCommand<'_>, prefix: &str) -> Outcome {
    let mut wallet = command.open()?;
    let output = find_output(&wallet, prefix)?;
    wallet.freeze(&output.commitment).or_refuse("cannot freeze the output")?;
    report(command, &output, &Change { what: "frozen", unit: wallet.chain().unit() })
}

pub(crate) fn unfreeze(command: &WalletCommand<'_>, prefix: &str) -> Outcome {
    let mut wallet = command.open()?;
    let output = find_output(&wallet, prefix)?;
    let was = wallet.unfreeze(&output.commitment).or_refuse("cannot unfreeze the output")?;
    let what = if was { "unfrozen" } else { "was not frozen" };
    report(command, &output, &Change { what, unit: wallet.chain().unit() })
}

/// What has become of an output, and the unit of its amount.
struct Change<'a> {
    what: &'a str,
    unit: &'a Unit,
}

fn report(command: &WalletCommand<'_>, output: &OutputRecord, change: &Change<'_>) -> Outcome {
    let Change { what, unit } = *change;
    let (commitment, amount) = (output.commitment.to_string(), output.opening.amount);
    let fields =
        json!({ "commitment": commitment, "amount": amount.to_string(), "frozen": what == "frozen" });
    command.context.output.record(
        "output-frozen",
        fields,
        &format!("{what}: {commitment}, {}", unit.show(amount)),
    )
}

/// The output whose commitment starts with a prefix.
pub(crate) fn find_output(wallet: &Wallet<WalletFile>, prefix: &str) -> Outcome<OutputRecord> {
    let prefix = prefix.trim().to_ascii_lowercase();
    let mut all = wallet.outputs().filter(|o| o.commitment.to_string().starts_with(&prefix));
    match (all.next(), all.next()) {
        (Some(output), None) if !prefix.is_empty() => Ok(output.clone()),
        (None, _) => Err(Failure::refused(format!("no output `{prefix}` in this wallet"))
            .help("`sotto wallet outputs` lists the outputs")),
        _ => Err(Failure::refused(format!("more than one output starts with `{prefix}`"))
            .help("write more digits of it")),
    }
}

/// The outputs given with --spend.
pub(crate) fn spend(wallet: &Wallet<WalletFile>, named: &[String]) -> Outcome<Spend> {
    if named.is_empty() {
        return Ok(Spend::Fewest);
    }
    let these = named.iter().map(|prefix| Ok(find_output(wallet, prefix)?.commitment));
    Ok(Spend::Exactly(these.collect::<Outcome<_>>()?))
}

/// Whether dust may be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dust {
    Refused,
    Allowed,
}

impl Dust {
    pub(crate) const fn of(allowed: bool) -> Self {
        if allowed { Self::Allowed } else { Self::Refused }
    }

    /// Refuses an amount that costs as much to spend as it is worth.
    pub(crate) fn check(self, wallet: &Wallet<WalletFile>, amount: Amount) -> Outcome {
        let limit = dust_limit(wallet.chain(), &OutputKind::Plain);
        if self == Self::Allowed || amount > limit {
            return Ok(());
        }
        let unit = wallet.chain().unit();
        let (amount, limit) = (unit.show(amount), unit.show(limit));
        Err(Failure::coded(ErrorCode::Dust, format!("{amount} is not worth spending"))
            .why(format!("spending one more output costs {limit} in fees"))
            .help("pay more, or pass --allow-dust"))
    }
}
