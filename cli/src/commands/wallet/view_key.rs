//! `sotto wallet view-key`: export a view key, and use one.

use super::{command::WalletCommand, dates::Dates, sync};
use crate::{
    args::{ViewKeyImport, ViewKeyShow, WalletViewKey},
    bridge::{NewWallet, read_text, scan_failure},
    consent::consent,
    exit::{ErrorCode, Failure, OrRefuse as _, Outcome},
};
use serde_json::json;
use sotto_mw::amount::Height;
use sotto_wallet::{
    ViewKey, ViewWallet,
    edge::file::WalletFile,
    outputs::{OutputRecord, OutputStatus},
    scan::ChainSource,
};

/// Length limit of the text of a view key, with room for white space.
const MAX_TEXT: u64 = 512;

pub(crate) fn view_key(command: &WalletCommand<'_>, verb: &WalletViewKey) -> Outcome {
    match verb {
        WalletViewKey::Export(_) => export_view_key(command),
        WalletViewKey::Import(a) => import_view_key(command, a),
        WalletViewKey::Show(a) => show_received(command, a),
    }
}

fn export_view_key(command: &WalletCommand<'_>) -> Outcome {
    let wallet = command.open()?;
    let account = command.account(&wallet)?;
    let key = wallet.view_key(account).or_refuse("no such account")?.to_text();
    let name = wallet.account_name(account);
    command.context.ui.info(&format!(
        "Anyone who has this key sees, forever, what account `{name}` receives: the amounts, and the heights at which outputs are created and spent. It shows no change, so no balance, and no payments made. It cannot spend, and it cannot be revoked."
    ));
    let network = wallet.chain().params().network.to_string();
    let fields = json!({ "network": network, "account": name, "view_key": &*key });
    command.context.output.record("view-key", fields, &key)
}

fn import_view_key(command: &WalletCommand<'_>, a: &ViewKeyImport) -> Outcome {
    let text = read_text(&a.file, MAX_TEXT)?;
    let name = &*command.args.wallet;
    command.home.free_wallet(name)?;
    let chain = command.chain()?.chain().clone();
    consent(&command.context.ui, &chain, a.audit)?;
    let key = ViewKey::parse(&text, chain.params().network).or_refuse("invalid view key")?;
    let passphrase = command.args.passphrase.choose(&format!("wallet `{name}`"))?;
    let file = command.home.create_wallet_file(NewWallet { name, passphrase: &passphrase })?;
    let wallet = ViewWallet::create(file, chain, key).or_refuse(format!("cannot create wallet `{name}`"))?;
    let fields = json!({ "wallet": name, "account": wallet.account().0 });
    let human = format!("wallet `{name}` shows what account {} receives; it cannot pay", wallet.account());
    command.context.output.record("view-only-wallet-created", fields, &human)
}

fn show_received(command: &WalletCommand<'_>, a: &ViewKeyShow) -> Outcome {
    let passphrase = command.passphrase()?;
    let name = &*command.args.wallet;
    let file = command.home.open_wallet_file(name, &passphrase)?;
    let mut wallet = ViewWallet::open(file).or_refuse(format!("`{name}` is not a view-only wallet"))?;
    let chain = command.chain()?;
    if wallet.chain().id() != chain.chain().id() {
        return Err(Failure::coded(ErrorCode::OtherChain, "the wallet belongs to another chain")
            .help("pass the right --dir or --wallet"));
    }
    let (view, what) = (chain.view(), sync::CANNOT_SCAN);
    let bar = command.context.ui.bar(view.unspent_count().or_refuse(what)?, "scanning");
    let progress = &mut |done, _| bar.at(done);
    let seen = if a.accept_chain { wallet.rescan(&view, progress) } else { wallet.scan(&view, progress) };
    let report = seen.map_err(|e| scan_failure(what, e))?;
    drop(bar);
    sync::warn(command.context, &report);
    let all = wallet.outputs().flat_map(|o| heights(o).into_iter().flatten());
    let dates = Dates::of(&chain, all.chain([wallet.tip()]))?;
    received(command, &wallet, &dates)
}

fn received(command: &WalletCommand<'_>, wallet: &ViewWallet<WalletFile>, dates: &Dates) -> Outcome {
    let unit = wallet.chain().unit();
    let mut all: Vec<&OutputRecord> = wallet.outputs().collect();
    all.sort_by_key(|o| (heights(o), o.commitment));
    for o in all {
        let [created, gone] = heights(o);
        let created = created.unwrap_or_default();
        let fields = json!({
            "commitment": o.commitment.to_string(), "amount": o.opening.amount.to_string(),
            "reference": o.reference().map(|r| r.to_string()), "created": created.get(), "created_time": dates.time(created),
            "spent": gone.map(Height::get), "spent_time": gone.and_then(|h| dates.time(h)),
        });
        let until = gone.map_or_else(|| "unspent".to_owned(), |h| format!("spent in {}", dates.block(h)));
        let amount = unit.show(o.opening.amount);
        let human = format!("{amount:>24}  {}  {until}  {}", dates.block(created), o.commitment);
        command.context.output.record("received", fields, &human)?;
    }
    let (received, there) = (wallet.received(), wallet.unspent());
    let fields = json!({
        "account": wallet.account().0, "height": wallet.tip().get(), "received": received.to_string(),
        "unspent": there.to_string(),
    });
    let human = format!(
        "received {}; {} of it is unspent at {}. Change is not included, so this is not a balance",
        unit.show(received),
        unit.show(there),
        dates.block(wallet.tip()),
    );
    command.context.output.record("received-sum", fields, &human)
}

/// The heights at which an output was created and spent.
const fn heights(o: &OutputRecord) -> [Option<Height>; 2] {
    match o.status {
        OutputStatus::Unspent { created } | OutputStatus::Locked { created, .. } => [Some(created), None],
        OutputStatus::Spent { created, spent } => [Some(created), Some(spent)],
        OutputStatus::Pending | OutputStatus::Failed => [None, None],
    }
}
