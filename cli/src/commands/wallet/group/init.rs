//! `sotto wallet init --group`: a member's wallet, with the view secret that all members share.
//!
//! ```text
//! member 1     init ─▶ wallet, and the letter `viewed`        the others    init LETTER ─▶ wallet
//! ```
//!
//! Any member repeats the letter: it is one to all, and shows its carriers nothing. A member that lost its wallet makes
//! it again from that letter.

use super::opened::open;
use crate::{
    args::WalletInit,
    bridge::NewWallet,
    commands::{
        keys::{Session, read_group, read_letters},
        mpc::job::read_identity,
        wallet::command::WalletCommand,
    },
    consent::consent,
    exit::{Code, ErrorCode, Failure, OrRefuse as _, Outcome},
};
use rand_core::OsRng;
use serde_json::json;
use sotto_keys::{
    Group, Letter, Log, Member, Progress, Seed,
    armor::{self, Kind},
    view::{self, ViewSecret},
};
use sotto_mw::chain::Chain;
use sotto_party::Identity;
use sotto_wallet::{edge::file::WalletFile, group::GroupKeys, member_wallet::MemberWallet};
use std::path::Path;

type Wallet = MemberWallet<WalletFile>;

/// What was a member's before, and what it is now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Came {
    New,
    Known,
}

pub(crate) fn init(command: &WalletCommand<'_>, a: &WalletInit, path: &Path) -> Outcome {
    let key = a.key.as_deref().ok_or_else(|| Failure::new(Code::Usage, "pass --key FILE"))?;
    let letters = read_letters(&a.letter)?;
    let (group, identity) = (read_group(path)?, read_identity(key)?);
    let (draft, name) = (group.draft().clone(), &*command.args.wallet);
    let chain = command.chain()?.chain().clone();
    // Refused before anybody is asked for anything.
    GroupKeys::new(&chain, group.epoch(), &ViewSecret::from_bytes([0; 32]))
        .or_refuse("this group owns nothing here")?;
    let known = command.home.has_wallet(name)?.then(|| known(command, (&chain, &group))).transpose()?;
    if known.is_none() {
        consent(&command.context.ui, &chain, a.audit)?;
    }
    let mut session = Session::open(command.context, (&draft, &identity), view::session(&draft), letters)?;
    let gives = draft.indexes().next() == Some(session.index);
    if gives && known.is_none() && draft.before().is_some() && session.log.letters().next().is_none() {
        return Err(Failure::refused("this group succeeds another, whose view secret it keeps")
            .why("member 1 gives the view secret, and no wallet of it is here")
            .help("pass the --wallet that you had in the group before"));
    }
    let progress = if session.is_over() {
        again(&draft, &identity, &session.log)?
    } else {
        session.act(|me, log, _| view::advance(me, log, known.as_ref().map(Wallet::view)))?
    };
    let Progress::Done(view) = progress else {
        return session.print(&progress, (json!(null), String::new()));
    };
    let (wallet, came) = match known {
        Some(wallet) if wallet.view().name() == view.name() => (wallet, Came::Known),
        Some(_) => {
            return Err(Failure::refused("the letter has another view secret than this wallet")
                .why("with another one, a member finds and makes none of the group's outputs")
                .help("compare the letter with that of the other members"));
        }
        None => (create(command, chain, (&group, view))?, Came::New),
    };
    if !session.is_over() {
        session.end()?;
    }
    print(command, &wallet, &session, if gives { Came::Known } else { came })
}

/// The wallet that is there: one of this group, or of the group that this one succeeds.
fn known(command: &WalletCommand<'_>, (chain, group): (&Chain, &Group)) -> Outcome<Wallet> {
    let name = &command.args.wallet;
    let taken = || {
        Failure::coded(ErrorCode::WalletExists, format!("wallet `{name}` exists already"))
            .help("pass another name with --wallet; a wallet is never overwritten")
    };
    let mut wallet =
        open(command).map_err(|f| if f.error == ErrorCode::WrongPassphrase { f } else { taken() })?;
    if wallet.chain().id() != chain.id() {
        return Err(taken().why("it belongs to another chain"));
    }
    wallet.follow_group(group).map_err(|e| taken().why(e))?;
    Ok(wallet)
}

/// Reads the view secret again from the letters of a session that is over.
fn again(draft: &sotto_keys::Draft, identity: &Identity, log: &Log) -> Outcome<Progress<ViewSecret>> {
    // Nothing is written, so the seed does not matter.
    let (seed, what) = (Seed::random(&mut OsRng), "cannot read the view secret again");
    let me = Member::new(draft, identity, &seed);
    let me = me.ok_or_else(|| Failure::refused("no member of the group has this key"))?;
    view::advance(&me, &mut log.clone(), None).or_refuse(what)
}

fn create(command: &WalletCommand<'_>, chain: Chain, (group, view): (&Group, ViewSecret)) -> Outcome<Wallet> {
    let name = &*command.args.wallet;
    let passphrase = command.args.passphrase.choose(&format!("wallet `{name}`"))?;
    let file = command.home.create_wallet_file(NewWallet { name, passphrase: &passphrase })?;
    let wallet = MemberWallet::create(file, chain, group.clone(), view);
    wallet.or_refuse(format!("cannot create wallet `{name}`"))
}

fn print(command: &WalletCommand<'_>, wallet: &Wallet, session: &Session<'_>, came: Came) -> Outcome {
    let (name, network) = (&command.args.wallet, wallet.chain().params().network);
    let (draft, address) = (wallet.group().draft(), wallet.address());
    let text = |letter: &Letter| armor::to_text(Kind::Letter, &letter.to_bytes());
    let letters: Vec<String> = match came {
        Came::Known => session.log.letters().map(text).collect(),
        Came::New => Vec::new(),
    };
    let spoken = format!(
        "wallet `{name}` of the group {} ({} of {}) on the {network} network\naddress {address}\nNot audited: do not put real money on it.",
        draft.id(),
        draft.threshold(),
        draft.members().len(),
    );
    let fields = json!({
        "wallet": name, "network": network.to_string(), "address": address.to_string(),
        "group": draft.id().to_string(), "member": session.index.get(), "letters": letters,
    });
    if letters.is_empty() {
        return command.context.output.record("group-wallet-created", fields, &spoken);
    }
    command.context.ui.info(&format!(
        "{spoken}\nThe letter is for the other members, who pass it to `sotto wallet init --group`."
    ));
    command.context.output.record("group-wallet-created", fields, &letters.concat())
}
