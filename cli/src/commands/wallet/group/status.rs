//! `sotto wallet group status`.

use super::{
    opened::open_fresh,
    plan::{kind, listed, numbers, stage},
};
use crate::{bridge::hex, commands::wallet::command::WalletCommand, exit::Outcome, ui::BOLD};
use serde_json::{Value, json};
use sotto_keys::Index;
use sotto_wallet::{
    edge::file::WalletFile,
    group::{GroupRecord, GroupStage, Past},
    member_wallet::MemberWallet,
    sessions::{SessionStatus, TxStatus},
};
use std::fmt::Write as _;

pub(super) fn status(command: &WalletCommand<'_>) -> Outcome {
    let (wallet, chain, _) = open_fresh(command, Past::Kept)?;
    drop(chain);
    let (draft, unit, book) = (wallet.group().draft(), wallet.chain().unit(), wallet.book());
    let (t, n, network) = (draft.threshold(), draft.members().len(), wallet.chain().params().network);
    let (sets, open) = (wallet.fresh_keys(), open_payments(&wallet));
    let mut human = format!(
        "group    {} ({t} of {n}), epoch {}\naddress  {}\n{BOLD}balance  {}{BOLD:#} on the {network} network at height {}\nkeys     {} of 255 are fresh",
        draft.id(),
        wallet.group().epoch().number(),
        wallet.address(),
        unit.show(book.balance()),
        wallet.tip(),
        book.fresh(),
    );
    for (set, left) in &sets {
        let _ = write!(human, "\n  {left:>3} of members {}", listed(set));
    }
    for record in &open {
        let _ = write!(human, "\n{}", payment(&wallet, record));
    }
    if open.is_empty() {
        human.push_str("\nno open payments");
    }
    let of_set = |(set, left): (&Vec<Index>, &usize)| json!({ "members": numbers(set), "keys": left });
    let fields = json!({
        "wallet": command.args.wallet, "network": network.to_string(), "group": draft.id().to_string(),
        "threshold": t, "members": n, "epoch": wallet.group().epoch().number(),
        "address": wallet.address().to_string(), "height": wallet.tip().get(),
        "balance": book.balance().to_string(), "fresh_keys": book.fresh(),
        "refill": book.asks_for_refill(), "sets": sets.iter().map(of_set).collect::<Vec<_>>(),
        "open": open.iter().map(|r| payment_fields(&wallet, r)).collect::<Vec<_>>(),
    });
    command.context.output.record("group-status", fields, &human)
}

/// Payments of which something can still come.
fn open_payments(wallet: &MemberWallet<WalletFile>) -> Vec<&GroupRecord> {
    let open = |record: &&GroupRecord| {
        matches!(
            record.status(wallet.chain(), wallet.tip()),
            SessionStatus::Begun | SessionStatus::Answered | SessionStatus::Signed(TxStatus::Waiting)
        )
    };
    wallet.records().filter(open).collect()
}

fn payment(wallet: &MemberWallet<WalletFile>, record: &GroupRecord) -> String {
    format!(
        "{} {}: {}; expires after height {}\n  slate    {}\n  session  {}",
        kind(&record.request),
        wallet.chain().unit().show(record.request.amount()),
        stage(&record.stage),
        record.request.not_after(),
        hex(&record.slate().0),
        record.session,
    )
}

fn payment_fields(wallet: &MemberWallet<WalletFile>, record: &GroupRecord) -> Value {
    let awaits = match &record.stage {
        GroupStage::Awaiting { step, from } => json!({ "step": step.name(), "from": numbers(from) }),
        _ => json!(null),
    };
    json!({
        "kind": kind(&record.request), "amount": record.request.amount().to_string(),
        "status": record.status(wallet.chain(), wallet.tip()).to_string(), "awaits": awaits,
        "slate": hex(&record.slate().0), "session": record.session.to_string(),
        "with": record.counterparty().to_string(), "memo": record.memo().as_str(),
        "not_after": record.request.not_after().get(),
    })
}
