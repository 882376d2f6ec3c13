//! `sotto wallet history`: all payments, for people, programs and spreadsheets.

use super::command::WalletCommand;
use crate::{
    args::WalletHistory,
    bridge::hex,
    exit::{Code, Failure, Outcome},
};
use serde_json::json;
use sotto_wallet::history::HistoryEntry;

/// The columns of `history --csv`, which never change.
const COLUMNS: &str = "height,kind,account,amount,fee,party,memo,id";

pub(crate) fn history(command: &WalletCommand<'_>, a: &WalletHistory) -> Outcome {
    if a.csv && command.context.output.json {
        return Err(Failure::new(Code::Usage, "--csv and --json exclude each other").help("pass one of them"));
    }
    let all = entries(command)?;
    if a.csv {
        return print_csv(command, &all);
    }
    if all.is_empty() {
        command.context.ui.info("no payments yet");
    }
    all.iter().try_for_each(|(e, account)| entry(command, e, account))
}

/// Payments that are in a block: the columns have no status.
fn print_csv(command: &WalletCommand<'_>, all: &[(HistoryEntry, String)]) -> Outcome {
    command.context.output.line(COLUMNS)?;
    let mut confirmed = all.iter().filter(|(e, _)| e.height().is_some());
    confirmed.try_for_each(|(e, account)| command.context.output.line(&csv(e, account)))
}

/// The payments of the chosen account or of all, each with the name of its account.
fn entries(command: &WalletCommand<'_>) -> Outcome<Vec<(HistoryEntry, String)>> {
    let (wallet, ..) = command.open_fresh()?;
    let chosen = command.chosen(&wallet)?;
    let mut all = wallet.history();
    all.retain(|e| chosen.is_none_or(|a| a == e.account));
    Ok(all
        .into_iter()
        .map(|e| {
            let name = wallet.account_name(e.account);
            (e, name)
        })
        .collect())
}

fn entry(command: &WalletCommand<'_>, e: &HistoryEntry, account: &str) -> Outcome {
    let party = e.counterparty.map(|p| p.to_string());
    let height = e.height().map(|h| h.get());
    let fields = json!({
        "kind": e.kind.to_string(), "status": e.status.to_string(), "height": height, "account": account,
        "amount": e.amount.to_string(), "fee": e.fee.to_string(), "party": party, "memo": e.memo, "id": hex(&e.id),
    });
    let at = height.map_or_else(String::new, |h| h.to_string());
    let memo = if e.memo.is_empty() { String::new() } else { format!("  {}", e.memo) };
    let human = format!(
        "{at:>8}  {:13}  {:9}  {:>20}  fee {:>8}  {}{memo}",
        e.kind,
        e.status,
        e.amount.units(),
        e.fee.units(),
        hex(&e.id[..8]),
    );
    command.context.output.record("payment", fields, &human)
}

fn csv(e: &HistoryEntry, account: &str) -> String {
    let height = e.height().map_or_else(String::new, |h| h.to_string());
    let party = e.counterparty.map_or_else(String::new, |p| p.to_string());
    let (amount, fee, memo) = (e.amount.units(), e.fee.units(), quoted(&e.memo));
    format!("{height},{},{account},{amount},{fee},{party},{memo},{}", e.kind, hex(&e.id))
}

/// A text from another person as one field: quoted, and never a formula.
fn quoted(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    format!("\"{}{}\"", if formula { "'" } else { "" }, text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_memo_is_one_field_and_no_formula() {
        assert_eq!(quoted("for the roof, \"new\""), "\"for the roof, \"\"new\"\"\"");
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
        assert_eq!(quoted(""), "\"\"");
    }
}
