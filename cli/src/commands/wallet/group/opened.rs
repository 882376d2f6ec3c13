//! A member's wallet, opened, and as the chain is now.

use crate::{
    bridge::{ChainAt, scan_failure},
    commands::wallet::{command::WalletCommand, reasons, sync},
    exit::{ErrorCode, Failure, Outcome},
};
use sotto_wallet::{
    edge::file::WalletFile,
    group::{GroupError, Past},
    member_wallet::MemberWallet,
    scan::ScanReport,
};

/// Opens the member's wallet that was chosen.
pub(super) fn open(command: &WalletCommand<'_>) -> Outcome<MemberWallet<WalletFile>> {
    let name = &command.args.wallet;
    let file = command.home.open_wallet_file(name, &command.passphrase()?)?;
    MemberWallet::open(file).map_err(|e| {
        Failure::refused(format!("cannot open wallet `{name}` as a member's wallet of a group"))
            .cause(&e)
            .help("`sotto wallet init --group FILE` makes one; `sotto wallet list` lists the wallets")
    })
}

/// Opens it and reads the chain.
pub(super) fn open_fresh(
    command: &WalletCommand<'_>,
    past: Past,
) -> Outcome<(MemberWallet<WalletFile>, ChainAt, ScanReport)> {
    if command.node.node.is_none() && !command.home.chain().exists() {
        command.chain()?;
    }
    let mut wallet = open(command)?;
    let chain = command.chain()?;
    let (ours, here) = (wallet.chain().id(), chain.chain().id());
    if ours != here {
        return Err(Failure::coded(ErrorCode::OtherChain, "the wallet belongs to another chain")
            .why(format!("it belongs to {ours}, and the chain here is {here}"))
            .help("pass the right --dir or --wallet"));
    }
    wallet.follow_terms(chain.chain().terms());
    let (view, what) = (chain.view(), sync::CANNOT_SCAN);
    let bar = command.context.ui.bar(1, "scanning");
    let report = wallet.scan(past, &view).map_err(|e| scan_failure(what, e))?;
    drop((bar, view));
    sync::warn(command.context, &report);
    if wallet.book().asks_for_refill() {
        command.context.ui.warn(&format!(
            "{} fresh keys are left: make the next group (`sotto keys new`), and pay the money to it",
            wallet.book().fresh()
        ));
    }
    Ok((wallet, chain, report))
}

/// A group's refusal, with its amounts in the unit of the chain.
pub(super) fn refused(wallet: &MemberWallet<WalletFile>, what: &str, e: &GroupError) -> Failure {
    let failure = Failure::refused(what).cause(e);
    match reasons::of_group(e, wallet.chain().unit()) {
        Some(why) => failure.why(why),
        None => failure,
    }
}
