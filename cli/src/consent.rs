//! What somebody who joins a chain with auditors is told first, and has to accept.

use crate::{
    args::AcceptAudit,
    bridge::hex,
    exit::{Code, Failure, Outcome},
    ui::{Ui, ask_terminal},
};
use sotto_mw::chain::{Auditors, Chain};

/// Shows who reads the amounts of a chain, and asks, unless that was accepted or nobody does; the default is no.
pub(crate) fn consent(ui: &Ui, chain: &Chain, a: AcceptAudit) -> Outcome {
    let Some(auditors) = &chain.params().auditors else { return Ok(()) };
    ui.warn(&statement(auditors));
    if a.accept_audit {
        return Ok(());
    }
    let answer = ask_terminal("Join this chain? [y/N] ", "--accept-audit, if you accept this,")?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(Failure::new(Code::Declined, "declined; nothing was done"))
    }
}

/// Who learns what.
fn statement(a: &Auditors) -> String {
    format!(
        "this chain has auditors who can read all amounts (docs/AUDIT.md; unaudited)
  their key  {}
  charter    {}, the hash of the text that says when they may
  Auditors   Enough of them together read the amount of every output that reaches a block, past and coming, and so,
             since fees are public, which input paid which output. If they break their charter, nothing shows it.
  Everybody  Whoever ever breaks discrete logarithms reads all past amounts; without auditors nobody would.
  Nobody     Not even auditors learn owners, memos, addresses, and what never reached a block.
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
