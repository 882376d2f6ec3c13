//! `sotto wallet list`, `balance`, `address`, `outputs` and `scan`.

use super::{
    command::WalletCommand,
    dates::{Dated, Dates},
    on_record::outputs_read,
    sweep,
    sync::{self, print_report, search},
};
use crate::{
    args::{WalletAddress, WalletScan},
    consent,
    exit::{OrRefuse as _, Outcome},
    ui::BOLD,
};
use serde_json::json;
use sotto_mw::amount::{Amount, Height};
use sotto_wallet::{
    keys::OutputKind,
    level::Level,
    outputs::{OutputRecord, OutputStatus},
    reference::Reference,
};

/// The names alone: a file says nothing of its wallet without the passphrase.
pub(crate) fn list(command: &WalletCommand<'_>) -> Outcome {
    let names = command.home.wallet_names();
    if names.is_empty() {
        command.context.ui.info("No wallets; `sotto wallet init --wallet NAME` creates one.");
    }
    names.iter().try_for_each(|name| command.context.output.record("wallet", json!({ "name": name }), name))
}

pub(crate) fn balance(command: &WalletCommand<'_>) -> Outcome {
    let (wallet, chain, _) = command.open_fresh()?;
    let (tip, unit) = (Dated::of(&chain, wallet.tip())?, wallet.chain().unit());
    let chosen = command.chosen(&wallet)?;
    let b = wallet.balance(chosen);
    let account = chosen.map(|a| wallet.account_name(a));
    let network = wallet.chain().params().network;
    let fields = json!({
        "wallet": command.args.wallet, "account": account, "network": network.to_string(), "height": wallet.tip().get(),
        "time": tip.time,
        "spendable": b.spendable.to_string(), "frozen": b.frozen.to_string(), "immature": b.immature.to_string(),
        "pending": b.pending.to_string(), "locked": b.locked.to_string(), "change": b.change.to_string(),
        "total": b.total().to_string(), "held": b.held.to_string(),
        "auditors": consent::fields(wallet.chain().params().auditors.as_ref()),
    });
    let auditors = consent::line(wallet.chain().params().auditors.as_ref());
    let held = if b.held == Amount::ZERO {
        String::new()
    } else {
        format!(
            "\nheld      {:>24}  in holds, beside the total: it goes to the sellers or comes back",
            unit.show(b.held)
        )
    };
    let frozen = if b.frozen == Amount::ZERO {
        String::new()
    } else {
        format!("\nfrozen    {:>24}  that no payment spends until it is unfrozen", unit.show(b.frozen))
    };
    let of = account.map_or_else(String::new, |a| format!(", account `{a}`"));
    let human = format!(
        "wallet `{}`{of} on the {network} network at {tip}\n{BOLD}spendable {:>24}{BOLD:#}{frozen}\nimmature  {:>24}  rewards that cannot be spent yet\nlocked    {:>24}  in open payments; {} of it returns as change\ntotal     {:>24}\npending   {:>24}  incoming, not in a block yet{held}{auditors}",
        command.args.wallet,
        unit.show(b.spendable),
        unit.show(b.immature),
        unit.show(b.locked),
        unit.show(b.change),
        unit.show(b.total()),
        unit.show(b.pending),
    );
    command.context.output.record("wallet-balance", fields, &human)
}

pub(crate) fn address(command: &WalletCommand<'_>, a: &WalletAddress) -> Outcome {
    let wallet = command.open()?;
    let account = command.account(&wallet)?;
    let address = if a.interactive { wallet.interactive_address(account) } else { wallet.address(account) };
    let address = address.or_refuse("cannot derive the address of the account")?.to_string();
    let reference: Option<Reference> =
        a.reference.as_deref().map(str::parse).transpose().or_refuse("invalid reference")?;
    let (shown, drawn) = match &reference {
        Some(reference) => (format!("{address}?ref={reference}"), format!("{address}?ref={reference}")),
        // Upper case gives a smaller code and means the same address.
        None => (address.clone(), address.to_uppercase()),
    };
    command.draw(&drawn, a.qr)?;
    let fields = json!({
        "network": wallet.chain().params().network.to_string(), "address": address,
        "reference": reference.map(|r| r.to_string()),
    });
    command.context.output.record("address", fields, &shown)
}

pub(crate) fn outputs(command: &WalletCommand<'_>) -> Outcome {
    let (wallet, chain, _) = command.open_fresh()?;
    let chosen = command.chosen(&wallet)?;
    let mine = |o: &&OutputRecord| chosen.is_none_or(|a| a == o.account);
    let mut all: Vec<&OutputRecord> = wallet.outputs().filter(mine).collect();
    all.sort_by_key(|o| (status_rank(o.status), o.commitment));
    if all.is_empty() {
        command.context.ui.info("No outputs.");
    }
    let dates = Dates::of(&chain, all.iter().filter_map(|o| status_words(o.status).1))?;
    drop(chain);
    for o in all {
        let (status, height) = status_words(o.status);
        let fields = json!({
            "commitment": o.commitment.to_string(), "account": wallet.account_name(o.account),
            "amount": o.opening.amount.to_string(), "kind": kind_word(&o.kind), "status": status,
            "reference": o.reference().map(|r| r.to_string()),
            "height": height.map(Height::get), "time": height.and_then(|h| dates.time(h)), "frozen": wallet.is_frozen(o), "level": wallet.level_of(&o.commitment).to_string(), "spendable": o.is_spendable(wallet.chain(), wallet.tip()),
        });
        let matures = o.matures(wallet.chain()).filter(|h| *h > wallet.tip().next());
        let matures = matures.map_or(String::new(), |h| format!(", spendable from {h}"));
        let at = height.map_or(String::new(), |h| format!(" in {}{matures}", dates.block(h)));
        let frozen = if wallet.is_frozen(o) { ", frozen" } else { "" };
        let level = match wallet.level_of(&o.commitment) {
            Level::OwnChain => String::new(),
            level => format!(", {level}"),
        };
        let amount = wallet.chain().unit().show(o.opening.amount);
        let kind = kind_word(&o.kind);
        let human = format!("{amount:>24}  {}  {kind:<10}  {status}{frozen}{level}{at}", o.commitment);
        command.context.output.record("output", fields, &human)?;
    }
    Ok(())
}

pub(crate) fn scan(command: &WalletCommand<'_>, a: &WalletScan) -> Outcome {
    let look = match (a.all_tags, a.accept_chain) {
        (true, _) => sync::all_tags,
        (false, true) => sync::accept,
        (false, false) => sync::scan,
    };
    let (mut wallet, chain, mut report) = command.open_after(look)?;
    if a.full {
        report = search(command.context, &mut wallet, &chain, Height::GENESIS)?;
    }
    print_report(command.context, &report, &wallet)?;
    match outputs_read(&chain, &wallet)? {
        0 => {}
        n => command.context.ui.info(&format!(
            "Auditors have opened the amounts of {n} of this wallet's outputs: `sotto audit watch` shows to whom and why."
        )),
    }
    drop(chain);
    sweep::after_scan(command, &mut wallet)
}

const fn kind_word(kind: &OutputKind) -> &'static str {
    match kind {
        OutputKind::Plain => "plain",
        OutputKind::Coinbase => "reward",
        OutputKind::OneSided { .. } => "one-sided",
        OutputKind::Hidden { .. } => "hidden",
    }
}

fn status_words(s: OutputStatus) -> (&'static str, Option<Height>) {
    match s {
        OutputStatus::Pending => ("pending", None),
        OutputStatus::Unspent { created } => ("unspent", Some(created)),
        OutputStatus::Locked { created, .. } => ("locked", Some(created)),
        OutputStatus::Spent { spent, .. } => ("spent", Some(spent)),
        OutputStatus::Failed => ("failed", None),
    }
}

fn status_rank(s: OutputStatus) -> u8 {
    match s {
        OutputStatus::Unspent { .. } => 0,
        OutputStatus::Locked { .. } => 1,
        OutputStatus::Pending => 2,
        OutputStatus::Spent { .. } => 3,
        OutputStatus::Failed => 4,
    }
}
