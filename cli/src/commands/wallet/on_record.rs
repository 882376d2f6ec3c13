//! What `sotto audit` needs of a wallet: it pays for a notice, and says which outputs are its own.

use super::{command::WalletCommand, reasons::OrRefuseIn as _, slates::declined, spending::merge_text};
use crate::{
    Context, args,
    bridge::{ChainAt, Home},
    exit::{OrRefuse as _, Outcome},
    memory,
};
use core::cell::OnceCell;
use rand_core::OsRng;
use sotto_audit::OpenedRequest;
use sotto_mw::{
    group::PointBytes,
    kernel::{Excess, Notice},
};
use sotto_wallet::{Wallet, coin_selection::Decision, edge::file::WalletFile};
use std::collections::BTreeSet;

/// Who pays for a notice, and how.
pub(crate) struct NoticeArgs<'a> {
    pub(crate) wallet: &'a args::WalletChoice,
    pub(crate) account: Option<&'a str>,
    pub(crate) node: &'a args::NodeArgs,
    pub(crate) yes: bool,
}

fn command<'a>(context: &'a Context, a: &NoticeArgs<'a>) -> WalletCommand<'a> {
    memory::protect(&context.ui);
    let (home, known) = (Home::of(&context.config), OnceCell::new());
    WalletCommand { context, home, args: a.wallet, account: a.account, node: a.node, qr_file: None, known }
}

/// Puts a notice on record; the kernel that this wallet paid for before, if it did.
pub(crate) fn put_on_record(
    context: &Context,
    a: &NoticeArgs<'_>,
    notice: &Notice,
    title: &str,
) -> Outcome<Excess> {
    let command = command(context, a);
    let (mut wallet, chain, _) = command.open_fresh()?;
    drop(chain);
    if let Some(excess) = wallet.notices().recorded(notice) {
        context.ui.info("this wallet has paid for the notice before; nothing was paid now");
        return Ok(excess);
    }
    let (account, unit, what) =
        (command.account(&wallet)?, *wallet.chain().unit(), "cannot pay for the notice");
    let plan = wallet.notices().plan(account).or_refuse_in(&unit, what)?;
    let mut wallet = command.confirm(wallet, &merge_text(&plan, &unit, title), a.yes)?;
    let plan = plan.confirm(|_| Decision::Yes).ok_or_else(declined)?;
    let recorded = wallet.notices().record(plan, *notice, &mut OsRng).or_refuse(what)?;
    let submitted = command.chain()?.submit(recorded.transaction.get().clone());
    let id = submitted.map_err(|f| f.help("the next scan submits the notice again"))?;
    context.ui.info(&format!("pending {id}: the notice counts once a block has it"));
    Ok(recorded.excess)
}

/// How many outputs of a wallet auditors opened to readers, by the requests that they handed out and whose notice is in the chain.
pub(crate) fn outputs_read(at: &ChainAt, wallet: &Wallet<WalletFile>) -> Outcome<usize> {
    let (chain, mut read) = (at.chain(), BTreeSet::new());
    if chain.params().auditors.is_none() {
        return Ok(0);
    }
    let own: BTreeSet<PointBytes> = wallet.outputs().map(|o| o.commitment).collect();
    for OpenedRequest { charter, letter } in at.opened_requests()? {
        let named = letter.request().outputs().iter().filter(|p| own.contains(&p.output));
        let named: Vec<PointBytes> = named.map(|p| p.output).collect();
        // A node can make requests up; signatures and notices it cannot.
        let (Some(notice), false) = (letter.notice(), named.is_empty()) else { continue };
        let found = at.inclusion(notice)?;
        if letter.check(chain, &charter).is_ok()
            && found.is_some_and(|found| letter.is_notice(chain.id(), &found.kernel))
        {
            read.extend(named);
        }
    }
    Ok(read.len())
}

/// All outputs that a wallet knows to be its own, spent ones too.
pub(crate) fn own_outputs(context: &Context, wallet: &args::WalletChoice) -> Outcome<BTreeSet<PointBytes>> {
    let node = args::NodeArgs::default();
    let command = command(context, &NoticeArgs { wallet, account: None, node: &node, yes: false });
    let wallet = command.open()?;
    Ok(wallet.outputs().map(|o| o.commitment).collect())
}
