//! What `balance`, `address`, `history`, `outputs`, `scan`, `proof export` and `backup` show of a group's wallet.

use super::opened::{open, open_fresh};
use crate::{
    args::{ProofExport, WalletAddress, WalletBackup, WalletHistory, WalletScan},
    bridge::hex,
    commands::wallet::{
        command::WalletCommand,
        dates::{Dated, Dates},
        history::{self, Line},
        records::proof_json,
    },
    exit::{Code, ErrorCode, Failure, OrRefuse as _, Outcome},
    new_file::{Existing, NewFile, Readers},
    ui::BOLD,
};
use serde_json::json;
use sotto_mw::amount::Amount;
use sotto_wallet::{
    Account, armor,
    edge::file::WalletFile,
    group::{CoinState, GroupRecord, Past},
    history::{EntryKind, HistoryEntry},
    member_wallet::MemberWallet,
    proof::PaymentProofError,
    sessions::{SessionStatus, TxStatus},
};
use std::collections::BTreeSet;

type Wallet = MemberWallet<WalletFile>;

/// A group has no accounts.
fn whole(command: &WalletCommand<'_>) -> Outcome {
    match command.account {
        Some(_) => {
            Err(Failure::new(Code::Usage, "the wallet of a group has no accounts")
                .help("leave out --account"))
        }
        None => Ok(()),
    }
}

pub(super) fn balance(command: &WalletCommand<'_>) -> Outcome {
    whole(command)?;
    let (wallet, chain, _) = open_fresh(command, Past::Kept)?;
    let (tip, unit, name) = (Dated::of(&chain, wallet.tip())?, wallet.chain().unit(), &command.args.wallet);
    let network = wallet.chain().params().network;
    let coming = wallet
        .book()
        .entries()
        .filter(|e| matches!(e.state, CoinState::Expected { until } if until > wallet.tip()));
    let coming = Amount::checked_sum(coming.map(|e| e.coin.amount)).unwrap_or_default();
    let total = wallet.book().balance();
    let fields = json!({
        "wallet": name, "network": network.to_string(), "height": wallet.tip().get(), "time": tip.time,
        "group": wallet.group().draft().id().to_string(), "spendable": total.to_string(),
        "total": total.to_string(), "pending": coming.to_string(), "fresh_keys": wallet.book().fresh(),
    });
    let human = format!(
        "wallet `{name}` of a group on the {network} network at {tip}\n{BOLD}spendable {:>24}{BOLD:#}  by any {} of {} members\npending   {:>24}  answered, not in a block yet",
        unit.show(total),
        wallet.group().draft().threshold(),
        wallet.group().draft().members().len(),
        unit.show(coming),
    );
    command.context.output.record("group-balance", fields, &human)
}

pub(super) fn address(command: &WalletCommand<'_>, a: &WalletAddress) -> Outcome {
    whole(command)?;
    if a.reference.is_some() {
        return Err(Failure::new(
            Code::Usage,
            "a group cannot be paid one-sidedly, so a reference would reach nobody",
        )
        .help("leave out --reference; payers use `sotto wallet send --interactive`"));
    }
    let wallet = open(command)?;
    let address = wallet.address().to_string();
    command.draw(&address.to_uppercase(), a.qr)?;
    let network = wallet.chain().params().network.to_string();
    let fields = json!({ "network": network, "address": address, "reference": null });
    command.context.output.record("address", fields, &address)
}

pub(super) fn history(command: &WalletCommand<'_>, a: &WalletHistory) -> Outcome {
    whole(command)?;
    let (wallet, chain, _) = open_fresh(command, Past::Kept)?;
    let entries = entries(&wallet);
    let dates = Dates::of(&chain, entries.iter().filter_map(HistoryEntry::height))?;
    let line = |entry: HistoryEntry| {
        let time = entry.height().and_then(|h| dates.time(h));
        Line { account: "group".to_owned(), time, entry }
    };
    history::print(command, a, (entries.into_iter().map(line).collect(), *wallet.chain().unit()))
}

/// What members made, and outputs in the chain that this member has no letters of.
fn entries(wallet: &Wallet) -> Vec<HistoryEntry> {
    let mut all: Vec<HistoryEntry> = wallet.records().map(|record| entry(wallet, record)).collect();
    let made: BTreeSet<_> = wallet.records().filter_map(|r| r.request.made()).map(|coin| coin.key).collect();
    for found in wallet.book().entries().filter(|e| !made.contains(&e.coin.key)) {
        let CoinState::Unspent { since: height } = found.state else { continue };
        all.push(HistoryEntry {
            kind: EntryKind::Found,
            status: SessionStatus::Signed(TxStatus::Confirmed { height }),
            account: Account(0),
            amount: found.coin.amount,
            fee: Amount::ZERO,
            counterparty: None,
            memo: String::new(),
            reference: None,
            id: *wallet.keys().commitment(&found.coin).as_bytes(),
        });
    }
    all.sort_by_key(|e| (e.height().is_none(), e.height(), e.kind, e.id));
    all
}

fn entry(wallet: &Wallet, record: &GroupRecord) -> HistoryEntry {
    HistoryEntry {
        kind: if record.is_payer() { EntryKind::Sent } else { EntryKind::Received },
        status: record.status(wallet.chain(), wallet.tip()),
        account: Account(0),
        amount: record.request.amount(),
        fee: record.fee(),
        counterparty: Some(*record.counterparty()),
        memo: record.memo().as_str().to_owned(),
        reference: None,
        id: record.slate().0,
    }
}

pub(super) fn outputs(command: &WalletCommand<'_>) -> Outcome {
    whole(command)?;
    let (wallet, chain, _) = open_fresh(command, Past::Kept)?;
    drop(chain);
    let unit = wallet.chain().unit();
    if wallet.book().entries().next().is_none() {
        command.context.ui.info("No outputs.");
    }
    for entry in wallet.book().entries() {
        let (status, height, words) = match entry.state {
            CoinState::Expected { until } if until > wallet.tip() => ("pending", None, String::new()),
            CoinState::Expected { .. } => ("failed", None, String::new()),
            CoinState::Unspent { since } => ("unspent", Some(since), format!(" in block {since}")),
            CoinState::Spent { seen } => ("spent", Some(seen), format!(", as was seen at height {seen}")),
        };
        let commitment = wallet.keys().commitment(&entry.coin).to_string();
        let fields = json!({
            "commitment": commitment, "amount": entry.coin.amount.to_string(), "key": entry.coin.key.get(),
            "status": status, "height": height.map(|h| h.get()),
        });
        let human = format!(
            "{:>24}  {commitment}  key {:>3}  {status}{words}",
            unit.show(entry.coin.amount),
            entry.coin.key.get()
        );
        command.context.output.record("group-output", fields, &human)?;
    }
    Ok(())
}

pub(super) fn scan(command: &WalletCommand<'_>, a: &WalletScan) -> Outcome {
    let past = if a.accept_chain { Past::Dropped } else { Past::Kept };
    let (wallet, chain, report) = open_fresh(command, past)?;
    drop(chain);
    let (unit, total) = (wallet.chain().unit(), wallet.book().balance());
    let replaced = report.replaced.map(
        |b| json!({ "height": b.height.get(), "before": b.before.to_string(), "now": b.now.to_string() }),
    );
    let fields = json!({
        "height": report.tip.get(), "tried": report.tried, "own": report.own, "found": report.found,
        "found_amount": report.found_amount.to_string(), "spent": report.gone, "total": total.to_string(),
        "replaced": replaced,
    });
    let human = format!(
        "height {}: {} outputs tried, {} own, {} new ({}), {} spent\ntotal {}",
        report.tip,
        report.tried,
        report.own,
        report.found,
        unit.show(report.found_amount),
        report.gone,
        unit.show(total),
    );
    command.context.output.record("scan", fields, &human)
}

pub(super) fn prove(command: &WalletCommand<'_>, a: &ProofExport) -> Outcome {
    let (wallet, chain, _) = open_fresh(command, Past::Kept)?;
    let what = "cannot prove this payment";
    let named = |r: &&GroupRecord| r.is_payer() && hex(&r.slate().0).starts_with(&a.session);
    let found: Vec<&GroupRecord> = wallet.records().filter(named).collect();
    let slates: BTreeSet<_> = found.iter().map(|r| r.slate().0).collect();
    if slates.len() != 1 {
        let why =
            if slates.is_empty() { "the group paid in no such session" } else { "several sessions begin so" };
        return Err(Failure::coded(ErrorCode::NoSession, format!("no single payment `{}`", a.session))
            .why(why)
            .help("`sotto wallet history --json` has the ids of payments; only the payer can prove one"));
    }
    // Of several sessions for one invoice, one is in the chain.
    for record in found {
        let Some(excess) = record.excess() else { continue };
        let Some(inclusion) = chain.inclusion(&excess)? else { continue };
        let proof = wallet.prove(record, inclusion).or_refuse(what)?;
        let text = armor::to_text(wallet.chain().id(), &proof);
        let mut fields = proof_json(&proof);
        fields["text"] = text.clone().into();
        return command.context.output.record("payment-proof", fields, &text);
    }
    Err(PaymentProofError::Unconfirmed).or_refuse(what)
}

pub(super) fn backup(command: &WalletCommand<'_>, a: &WalletBackup) -> Outcome {
    let new = NewFile { path: &a.file, readers: Readers::Owner, existing: Existing::Never };
    new.check()?;
    let wallet = open(command)?;
    let (file, name, height) = (a.file.display().to_string(), &command.args.wallet, wallet.tip());
    new.write_all(&wallet.store().backup().or_refuse("cannot make the backup")?)?;
    command.context.ui.info("It has no share: back that up with `sotto keys backup`.");
    let fields = json!({ "wallet": name, "file": file, "height": height.get() });
    command.context.output.record(
        "backup",
        fields,
        &format!("backed up wallet `{name}` at height {height} to {file}"),
    )
}
