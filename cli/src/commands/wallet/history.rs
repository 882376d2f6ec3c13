//! `sotto wallet history`: all payments, for people, programs and spreadsheets.

use super::{command::WalletCommand, dates::Dates};
use crate::{
    args::WalletHistory,
    bridge::hex,
    exit::{Code, Failure, Outcome},
    local_time::local_time,
};
use serde_json::json;
use sotto_mw::unit::Unit;
use sotto_wallet::{history::HistoryEntry, reference::Reference};

/// The columns of `history --csv`: none changes, and new ones come last.
const COLUMNS: &str = "height,kind,account,amount,fee,party,memo,id,date,reference";

pub(crate) fn history(command: &WalletCommand<'_>, a: &WalletHistory) -> Outcome {
    if a.csv && command.context.output.json {
        return Err(Failure::new(Code::Usage, "--csv and --json exclude each other").help("pass one of them"));
    }
    print(command, a, entries(command)?)
}

/// Prints the entries in the form that was asked for.
pub(super) fn print(
    command: &WalletCommand<'_>,
    a: &WalletHistory,
    (all, unit): (Vec<Line>, Unit),
) -> Outcome {
    if a.csv {
        return print_csv(command, &all);
    }
    if all.is_empty() {
        command.context.ui.info("no payments yet");
    }
    all.iter().try_for_each(|line| entry(command, line, &unit))
}

/// An entry with the name of its account and the time of its block.
pub(super) struct Line {
    pub(super) entry: HistoryEntry,
    pub(super) account: String,
    pub(super) time: Option<u64>,
}

/// Payments that are in a block: the columns have no status.
fn print_csv(command: &WalletCommand<'_>, all: &[Line]) -> Outcome {
    command.context.output.line(COLUMNS)?;
    let mut confirmed = all.iter().filter(|l| l.entry.height().is_some());
    confirmed.try_for_each(|line| command.context.output.line(&csv(line)))
}

/// The payments of the chosen account or of all, and the unit of their amounts.
fn entries(command: &WalletCommand<'_>) -> Outcome<(Vec<Line>, Unit)> {
    let (wallet, chain, _) = command.open_fresh()?;
    let chosen = command.chosen(&wallet)?;
    let mut all = wallet.history();
    all.retain(|e| chosen.is_none_or(|a| a == e.account));
    let dates = Dates::of(&chain, all.iter().filter_map(HistoryEntry::height))?;
    let line = |entry: HistoryEntry| {
        let time = entry.height().and_then(|h| dates.time(h));
        Line { account: wallet.account_name(entry.account), time, entry }
    };
    Ok((all.into_iter().map(line).collect(), *wallet.chain().unit()))
}

fn entry(command: &WalletCommand<'_>, line: &Line, unit: &Unit) -> Outcome {
    let Line { entry: e, account, time } = line;
    let party = e.counterparty.map(|p| p.to_string());
    let height = e.height().map(|h| h.get());
    let fields = json!({
        "kind": e.kind.to_string(), "status": e.status.to_string(), "height": height, "time": time, "account": account,
        "amount": e.amount.to_string(), "fee": e.fee.to_string(), "party": party, "memo": e.memo, "id": hex(&e.id),
        "reference": e.reference.map(|r| r.to_string()),
    });
    let at = height.map_or_else(String::new, |h| h.to_string());
    let date = time.map(local_time).unwrap_or_default();
    let memo = if e.memo.is_empty() { String::new() } else { format!("  {}", e.memo) };
    let reference =
        e.reference.as_ref().and_then(Reference::as_text).map_or_else(String::new, |r| format!("  ref {r}"));
    let human = format!(
        "{date:26}  {at:>8}  {:13}  {:9}  {:>24}  fee {:>16}  {}{reference}{memo}",
        e.kind,
        e.status,
        unit.show(e.amount),
        unit.show(e.fee),
        hex(&e.id[..8]),
    );
    command.context.output.record("payment", fields, &human)
}

fn csv(line: &Line) -> String {
    let Line { entry: e, account, time } = line;
    let date = time.map(local_time).unwrap_or_default();
    let height = e.height().map_or_else(String::new, |h| h.to_string());
    let party = e.counterparty.map_or_else(String::new, |p| p.to_string());
    let (amount, fee, memo) = (e.amount.units(), e.fee.units(), quoted(&e.memo));
    let reference = quoted(&e.reference.map_or_else(String::new, |r| r.to_string()));
    format!("{height},{},{account},{amount},{fee},{party},{memo},{},{date},{reference}", e.kind, hex(&e.id))
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
