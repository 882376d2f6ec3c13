//! `sotto wallet`: keys, payments and outputs of one person.
//!
//! One file per group of verbs: `custody` (create, restore), `backup`, `view_key`, `accounts`, `paying`,
//! `invoices` and `slates` (the steps of a payment), `sweep` (move what was paid one-sidedly), `plan` (what is confirmed), `sessions` (open payments), `holds` and `hold_plan` (money held by two), `levels` (where money came from),
//! `choosing` (freeze outputs, name them), `listen` and `deliver` (receiving by itself, and paying one that does),
//! `dates` (of blocks), `reasons` (of refusals, with amounts in the unit), `spending` (end a payment, merge outputs), `records` and `output_proofs` (contacts, proofs), `views` (balance, address,
//! outputs, scan), `history`, `group` (a wallet that a group owns).

mod accounts;
mod backup;
mod choosing;
mod command;
mod custody;
mod dates;
mod deliver;
mod group;
mod history;
mod hold_plan;
mod holds;
mod invoices;
mod levels;
mod listen;
pub(crate) mod on_record;
mod output_proofs;
mod paying;
mod plan;
mod reasons;
mod records;
mod sessions;
mod slates;
mod spending;
mod sweep;
mod sync;
mod view_key;
mod views;
mod words;

pub(crate) use command::{ACCOUNT, WalletCommand, address, chosen_account};
pub(crate) use sync::{same_chain, scan};

use crate::{
    Context, args,
    args::WalletVerb,
    bridge::Home,
    exit::{Code, ErrorCode, Failure, Outcome},
    memory,
};
use core::cell::OnceCell;

pub(crate) fn run(context: &Context, arguments: &args::Wallet) -> Outcome {
    memory::protect(&context.ui);
    let args::Wallet { wallet, verb } = arguments;
    let local = args::NodeArgs::default();
    let (node, account) = (verb.node().unwrap_or(&local), verb.account());
    let command = &WalletCommand {
        context,
        home: Home { to_read: verb.only_shows(), ..Home::of(&context.config) },
        args: wallet,
        account,
        node,
        qr_file: verb.qr_file(),
        known: OnceCell::new(),
    };
    command.check_qr_file()?;
    if let WalletVerb::Slates(a) = verb
        && a.session.is_none()
        && verb.qr_file().is_some()
    {
        return Err(Failure::new(Code::Usage, "a picture is for one message")
            .help("name the session whose message to print: `sotto wallet slates SESSION`"));
    }
    if let WalletVerb::Send(a) = verb
        && a.to.len() > 1
        && verb.qr_file().is_some()
    {
        return Err(Failure::new(Code::Usage, "one picture is for one invite")
            .help("pay each receiver with a command of its own, or omit --qr-file"));
    }
    match carry_out(command, verb) {
        Err(failure) if failure.error == ErrorCode::GroupWallet => group::instead(command, verb, failure),
        done => done,
    }
}

fn carry_out(command: &WalletCommand<'_>, verb: &WalletVerb) -> Outcome {
    match verb {
        WalletVerb::Init(a) => {
            match &a.group {
                Some(path) => group::init(command, a, path),
                None if a.letter.is_empty() => custody::init(command, a),
                None => Err(Failure::new(Code::Usage, "letters are for the wallet of a group")
                    .help("pass --group FILE")),
            }
        }
        WalletVerb::Restore(a) => custody::restore(command, a),
        WalletVerb::List(_) => views::list(command),
        WalletVerb::Balance(_) => views::balance(command),
        WalletVerb::Address(a) => views::address(command, a),
        WalletVerb::Send(a) => paying::send(command, a),
        WalletVerb::Listen(a) => listen::listen(command, a),
        WalletVerb::Receive(a) => slates::receive(command, a),
        WalletVerb::Invoice(a) => invoices::invoice(command, a),
        WalletVerb::Pay(a) => invoices::pay(command, a),
        WalletVerb::Finalize(a) => paying::finalize(command, a),
        WalletVerb::Cancel(a) => spending::cancel(command, a),
        WalletVerb::Slates(a) => sessions::slates(command, a),
        WalletVerb::Hold(verb) => holds::hold(command, verb),
        WalletVerb::Level(verb) => levels::level(command, verb),
        WalletVerb::Group(verb) => group::group(command, verb),
        WalletVerb::Contact(verb) => records::contact(command, verb),
        WalletVerb::Proof(verb) => records::proof(command, verb),
        WalletVerb::Consolidate(a) => spending::consolidate(command, a),
        WalletVerb::Sweep(a) => sweep::sweep(command, a),
        WalletVerb::Freeze(a) => choosing::freeze(command, &a.output),
        WalletVerb::Unfreeze(a) => choosing::unfreeze(command, &a.output),
        WalletVerb::Outputs(_) => views::outputs(command),
        WalletVerb::History(a) => history::history(command, a),
        WalletVerb::Scan(a) => views::scan(command, a),
        WalletVerb::Account(a) => accounts::accounts(command, a),
        WalletVerb::ViewKey(a) => view_key::view_key(command, a),
        WalletVerb::Passphrase(a) => backup::passphrase(command, a),
        WalletVerb::Backup(a) => backup::backup(command, a),
        WalletVerb::VerifyBackup(a) => backup::verify_backup(command, a),
    }
}
