//! The statement about a chain with auditors that each party that joins is shown first, and has to accept.
//!
//! All commands that make a wallet or a copy of the chain call [`consent`] before they write anything; [`line()`] and
//! [`fields`] are for lists of a chain's parameters.

use crate::{
    args::AcceptAudit,
    bridge::hex,
    exit::Outcome,
    ui::{Ui, ask_to_proceed},
};
use sotto_mw::chain::{Auditors, Chain};
use std::io::{self, IsTerminal as _};

/// Shows who reads the amounts of a chain with auditors, and asks unless that was accepted; the default is no.
pub(crate) fn consent(ui: &Ui, chain: &Chain, a: AcceptAudit) -> Outcome {
    let Some(auditors) = &chain.params().auditors else { return Ok(()) };
    let statement = statement(auditors);
    ui.warn(&statement);
    if a.accept_audit {
        return Ok(());
    }
    // The terminal that gives the answer shows the statement, even if standard error goes to a file.
    let shown = if io::stderr().is_terminal() { String::new() } else { statement + "\n" };
    ask_to_proceed(&format!("{shown}Join this chain? [y/N] "), "--accept-audit, if you accept this,")
}

/// Who learns what.
fn statement(a: &Auditors) -> String {
    format!(
        "this chain has auditors who can read all amounts (docs/AUDIT.md; unaudited)
  their key  {}
  charter    {}, the hash of the text that says when they may
  Auditors   Enough of them together read the amount of every output that reaches a block, past and coming, and so,
             since fees are public, which input paid which output. If they break their charter, nothing shows it.
  Others     A party that breaks discrete logarithms, at any time, can read all past amounts. On a chain without
             auditors it could not.
  Hidden     Owners, memos and addresses, and amounts that never reach a block, stay hidden from auditors too.
  Neither the key nor the charter can be changed later.",
        hex(a.key.as_bytes()),
        a.charter,
    )
}

/// For lists of a chain's parameters: who reads its amounts.
pub(crate) fn line(auditors: Option<&Auditors>) -> String {
    auditors.map_or_else(String::new, |a| {
        format!("\nauditors  {} can read all amounts; charter {}", hex(a.key.as_bytes()), a.charter)
    })
}

/// The same for programs.
pub(crate) fn fields(auditors: Option<&Auditors>) -> serde_json::Value {
    serde_json::json!(
        auditors
            .map(|a| serde_json::json!({ "key": hex(a.key.as_bytes()), "charter": a.charter.to_string() }))
    )
}
