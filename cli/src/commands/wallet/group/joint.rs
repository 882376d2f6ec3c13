//! A step of a session in which members receive or pay together.
//!
//! ```text
//! letters taken ─▶ shown and asked ─▶ session kept ─▶ wallet kept ─▶ letters printed
//! ```
//!
//! A crash anywhere costs nothing: the same command does the same again, because the session keeps its seed, the register
//! keeps what was answered for, and a wallet that is behind its session takes the record up again.

use super::{
    opened::{open, open_fresh, refused},
    plan::{Asked, kind},
};
use crate::{
    args::{GroupMember, GroupPay, GroupReceive, GroupSign, GroupStep, KeysMember},
    bridge::hex,
    commands::{
        keys::{Session, ShareFile, fresh, read_group, read_letters, session_of},
        mpc::job::read_identity,
        wallet::{
            command::WalletCommand,
            slates::{read_slate, wrong_slate},
        },
    },
    exit::{Code, Failure, OrRefuse as _, Outcome},
    new_file::{Existing, NewFile, Readers},
    secret::PassphraseArgs,
};
use core::cell::OnceCell;
use serde_json::{Value, json};
use sotto_keys::{
    Draft, Epoch, Fault, Group, Index, Letter, Log, Member, Progress, SessionId, Share, Step,
    edge::installation::Installation,
};
use sotto_party::Identity;
use sotto_wallet::{
    edge::file::WalletFile,
    encrypt::Privacy,
    group::{GroupAsked, GroupError, GroupRecord, GroupRequest, GroupStage, Past},
    member_wallet::MemberWallet,
    slate::{Invite, Invoice},
};
use std::path::Path;

type Wallet = MemberWallet<WalletFile>;

/// A member's turn: who it is, with the group's file as it is now.
struct Turn<'a> {
    command: &'a WalletCommand<'a>,
    member: &'a GroupMember,
    step: &'a GroupStep,
    group: Group,
    identity: Identity,
    /// The share, once it is needed: its passphrase is asked for once.
    opened: OnceCell<ShareFile>,
}

/// Whether the person has consented to what the session is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Consent {
    Given,
    Open,
}

const CANNOT_ASK: &str = "cannot ask the members for this";
const CANNOT_AGREE: &str = "cannot agree to what the members are asked for";

pub(super) fn receive(command: &WalletCommand<'_>, a: &GroupReceive) -> Outcome {
    let text = read_slate(&a.file)?;
    let turn = Turn::of(command, &a.member, &a.step)?;
    let with = turn.with(&a.with)?;
    let wallet = turn.wallet()?;
    let invite: Invite = wallet.read_message(&text).map_err(wrong_slate("cannot use this invite"))?;
    if let Some(record) = wallet.open_session(&invite.session).filter(|_| !a.again) {
        let id = record.session;
        return turn.resume(wallet, id);
    }
    let request = wallet.at(turn.epoch()).and_then(|group| group.receive(&invite, &with));
    let request = request.map_err(|e| refused(&wallet, "cannot answer the invite", &e))?;
    turn.begin(wallet, &request)
}

pub(super) fn pay(command: &WalletCommand<'_>, a: &GroupPay) -> Outcome {
    let text = read_slate(&a.file)?;
    let turn = Turn::of(command, &a.member, &a.step)?;
    let with = turn.with(&a.with)?;
    let wallet = turn.wallet()?;
    let invoice: Invoice = wallet.read_message(&text).map_err(wrong_slate("cannot use this invoice"))?;
    if let Some(record) = wallet.open_session(&invoice.session).filter(|_| !a.again) {
        let id = record.session;
        return turn.resume(wallet, id);
    }
    let request = wallet.pay(turn.epoch(), &invoice, &with);
    let request = request.map_err(|e| refused(&wallet, "cannot pay this invoice", &e))?;
    turn.begin(wallet, &request)
}

pub(super) fn sign(command: &WalletCommand<'_>, a: &GroupSign) -> Outcome {
    let letters = read_letters(&a.letter)?;
    let id = session_of(&letters)?;
    let id = id.ok_or_else(|| Failure::refused("there is no letter in what was passed"))?;
    let turn = Turn::of(command, &a.member, &a.step)?;
    let wallet = turn.wallet()?;
    let session = turn.session(id, letters)?;
    turn.go_on(wallet, session, Consent::Open)
}

impl<'a> Turn<'a> {
    fn of(command: &'a WalletCommand<'a>, member: &'a GroupMember, step: &'a GroupStep) -> Outcome<Self> {
        step.out.as_deref().map_or(Ok(()), |path| answer_file(path).check())?;
        let (group, identity) = (read_group(&member.group)?, read_identity(&member.key)?);
        Ok(Self { command, member, step, group, identity, opened: OnceCell::new() })
    }

    fn epoch(&self) -> &Epoch {
        self.group.epoch()
    }

    fn draft(&self) -> &Draft {
        self.group.draft()
    }

    /// The members who are there.
    fn with(&self, numbers: &[u8]) -> Outcome<Vec<Index>> {
        if numbers.is_empty() {
            return Ok(self.draft().indexes().collect());
        }
        let known = |number: &u8| {
            let index = Index::new(*number).filter(|i| self.draft().key(*i).is_some());
            index.ok_or_else(|| {
                Failure::new(Code::Usage, format!("the group has no member {number}"))
                    .help("`sotto keys show` lists the members of a group with their numbers")
            })
        };
        numbers.iter().map(known).collect()
    }

    /// The wallet of this group, as the chain is now.
    fn wallet(&self) -> Outcome<Wallet> {
        let (mut wallet, _, _) = open_fresh(self.command, Past::Kept)?;
        wallet.follow_group(&self.group).or_refuse(format!(
            "{} is not the group of wallet `{}`",
            self.member.group.display(),
            self.command.args.wallet
        ))?;
        Ok(wallet)
    }

    fn session(&self, id: SessionId, letters: Vec<Letter>) -> Outcome<Session<'_>> {
        Session::open(self.command.context, (self.draft(), &self.identity), id, letters)
    }

    /// The share of a member that takes part.
    fn share_of(&self, asked: &GroupAsked, index: Index) -> Outcome<Option<&Share>> {
        if !asked.set().contains(&index) {
            return Ok(None);
        }
        let file = match self.opened.get() {
            Some(file) => file,
            None => {
                let file = self.open_share()?;
                self.opened.get_or_init(|| file)
            }
        };
        file.shares.of(self.epoch()).map(Some).or_refuse("cannot use the share")
    }

    fn open_share(&self) -> Outcome<ShareFile> {
        let passphrase = match &self.member.share_passphrase_file {
            Some(file) => PassphraseArgs { passphrase_file: Some(file.clone()), passphrase_fd: None },
            None => self.command.args.passphrase.clone(),
        };
        let GroupMember { group, key, share, .. } = self.member.clone();
        let file = ShareFile::open(&KeysMember { group, key, share, passphrase })?;
        file.check(self.epoch()).map(|()| file)
    }

    /// Shows a plan and asks, with the wallet closed while a person thinks; `None` after a dry run.
    fn ask(&self, wallet: Wallet, (text, fields): (String, Value)) -> Outcome<Option<Wallet>> {
        let consent = self.step.consent;
        if consent.dry_run {
            return self.command.context.output.record("group-plan", fields, &text).map(|()| None);
        }
        if consent.yes {
            return self.command.context.ui.confirm(&text, true).map(|()| Some(wallet));
        }
        let terms = wallet.chain().terms().clone();
        drop(wallet);
        self.command.context.ui.confirm(&text, false)?;
        let mut wallet = open(self.command)?;
        wallet.follow_terms(&terms);
        Ok(Some(wallet))
    }

    /// Asks the other members for it.
    fn begin(&self, wallet: Wallet, request: &GroupRequest) -> Outcome {
        let (set, me) = (request.plan().set(self.draft()), self.draft().index_of(&self.identity.public()));
        let (Some(set), Some(by)) = (set, me) else {
            return Err(Failure::refused("no member of the group has this key").help("pass the right --key"));
        };
        let asked = Asked { wallet: &wallet, draft: self.draft(), request, by, set: &set };
        let shown = (asked.text(), asked.fields());
        let Some(wallet) = self.ask(wallet, shown)? else { return Ok(()) };
        let mut session = self.session(fresh(), Vec::new())?;
        act(&mut session, |me, log, _| wallet.at(self.epoch())?.propose(me, log, request))?
            .map_err(|e| refused(&wallet, CANNOT_ASK, &e))?;
        self.go_on(wallet, session, Consent::Given)
    }

    /// Goes on with a session that this member knows.
    fn resume(&self, wallet: Wallet, id: SessionId) -> Outcome {
        self.command.context.ui.info("The members are asked for this already; these are your letters again.");
        let session = self.session(id, Vec::new())?;
        self.go_on(wallet, session, Consent::Open)
    }

    /// Agrees if that is still to be done, and goes as far as the letters allow.
    fn go_on(&self, wallet: Wallet, mut session: Session<'_>, consent: Consent) -> Outcome {
        let id = session.log.session();
        session.repeat_all();
        if session.is_over() {
            return self.finish(&wallet, &session);
        }
        let asked = wallet.at(self.epoch()).and_then(|group| group.asked(&session.log));
        let asked = asked.map_err(|e| self.failed(&wallet, &session, &e))?.ok_or_else(|| {
            Failure::refused("the letter that asks is missing").help("pass all letters of the session")
        })?;
        let Some(mut wallet) = self.agree(wallet, (&mut session, &asked), consent)? else { return Ok(()) };
        let own = self.share_of(&asked, session.index)?;
        let mut fault = None;
        let advanced = act(&mut session, |me, log, register| {
            let holder = me.holding(self.epoch(), own);
            let advanced = wallet.at(self.epoch())?.advance(&holder, log, &asked, register);
            if let Err(GroupError::Keys(e)) = &advanced {
                fault = Some(*e);
            }
            advanced
        });
        if let Some(by) = fault.as_ref().and_then(Fault::member) {
            let failed = GroupStage::Failed { by: Some(by) };
            wallet.keep(id, &asked, failed).or_refuse(CANNOT_KEEP)?;
        }
        let progress = advanced?.map_err(|e| refused(&wallet, CANNOT_AGREE, &e))?;
        wallet.keep(id, &asked, GroupStage::of(&progress)).or_refuse(CANNOT_KEEP)?;
        if let Progress::Done(_) = progress {
            session.end()?;
            return self.finish(&wallet, &session);
        }
        session.print(&progress, (json!(null), String::new()))
    }

    /// Checks what is asked for, shows it, asks, and writes this member's masks, once; then keeps the record. `None` after a
    /// dry run.
    fn agree(
        &self,
        wallet: Wallet,
        (session, asked): (&mut Session<'_>, &GroupAsked),
        consent: Consent,
    ) -> Outcome<Option<Wallet>> {
        let (id, index) = (session.log.session(), session.index);
        let masked = |l: &Letter| (l.heading().from, l.heading().step) == (index, Step::Masked);
        let begun = session.log.letters().any(masked) || wallet.records().any(|r| r.session == id);
        let shown = Asked {
            wallet: &wallet,
            draft: self.draft(),
            request: asked.request(),
            by: asked.by(),
            set: asked.set(),
        };
        let shown = (shown.text(), shown.fields());
        if begun {
            if self.step.consent.dry_run {
                return self.ask(wallet, shown);
            }
            return Ok(Some(wallet));
        }
        if !asked.set().contains(&index) {
            return self.learn((wallet, shown), (id, asked), consent);
        }
        let checked = wallet.at(self.epoch()).and_then(|group| group.check(asked.request()));
        let checked = checked.and_then(|()| wallet.check_once(&id, asked));
        checked.map_err(|e| refused(&wallet, CANNOT_AGREE, &e))?;
        let mut wallet = match consent {
            Consent::Given => wallet,
            Consent::Open => match self.ask(wallet, shown)? {
                Some(wallet) => wallet,
                None => return Ok(None),
            },
        };
        let own = self.share_of(asked, index)?;
        act(session, |me, log, _| {
            wallet.at(self.epoch())?.agree(&me.holding(self.epoch(), own), log, asked)
        })?
        .map_err(|e| refused(&wallet, CANNOT_AGREE, &e))?;
        let stage = GroupStage::Awaiting { step: Step::Masked, from: asked.set().to_vec() };
        wallet.keep(id, asked, stage).or_refuse(CANNOT_KEEP)?;
        Ok(Some(wallet))
    }

    /// Takes note of what others do. It may have happened long ago, so nothing about it is checked.
    fn learn(
        &self,
        (mut wallet, shown): (Wallet, (String, Value)),
        (id, asked): (SessionId, &GroupAsked),
        consent: Consent,
    ) -> Outcome<Option<Wallet>> {
        if consent == Consent::Open {
            if self.step.consent.dry_run {
                return self.ask(wallet, shown);
            }
            let text = format!("{}\nYou take no part in it, and consent to nothing.", shown.0);
            self.command.context.ui.info(&text);
        }
        let stage = GroupStage::Awaiting { step: Step::Masked, from: asked.set().to_vec() };
        wallet.keep(id, asked, stage).or_refuse(CANNOT_KEEP)?;
        Ok(Some(wallet))
    }

    /// The failure of a session that cannot even be read.
    fn failed(&self, wallet: &Wallet, session: &Session<'_>, e: &GroupError) -> Failure {
        match e {
            GroupError::Keys(fault) => session.failed(fault),
            e => refused(wallet, CANNOT_AGREE, e),
        }
    }

    /// Prints the last letters, and gives the answer to whoever wants it.
    fn finish(&self, wallet: &Wallet, session: &Session<'_>) -> Outcome {
        let id = session.log.session();
        let record = wallet.records().find(|r| r.session == id);
        let privacy = if self.step.plain { Privacy::Plain } else { Privacy::Encrypted };
        let answer = record.and_then(|record| Some((record, wallet.answer(record, privacy)?)));
        let (record, text) = answer.ok_or_else(|| {
            Failure::refused("the session is complete, and this wallet does not know what came of it")
                .help("pass the --wallet with which you took part")
        })?;
        if let Some(path) = &self.step.out {
            answer_file(path).write_all(text.as_bytes())?;
        }
        let fields = json!({
            "kind": kind(&record.request), "slate": hex(&record.slate().0), "text": text,
            "file": self.step.out.as_ref().map(|path| path.display().to_string()),
        });
        session.print(&Progress::Done(()), (fields, self.spoken(record)))
    }

    fn spoken(&self, record: &GroupRecord) -> String {
        let (what, who) = if record.is_payer() { ("payment", "receiver") } else { ("response", "payer") };
        match &self.step.out {
            Some(path) => format!(
                "complete: the group's {what} is in {}; give it to the {who}, who finishes it with `sotto wallet finalize`",
                path.display()
            ),
            None => format!(
                "complete: run this again with --out FILE to write the group's {what}, which is for the {who}"
            ),
        }
    }
}

const CANNOT_KEEP: &str = "cannot keep what the members do in the wallet";

/// Lets this member act; a fault of the letters is a failure of the session, and what else is refused is given back.
fn act<T>(
    session: &mut Session<'_>,
    act: impl FnOnce(&Member<'_>, &mut Log, &mut Installation) -> Result<T, GroupError>,
) -> Outcome<Result<T, GroupError>> {
    session.act(|me, log, installation| match act(me, log, installation) {
        Err(GroupError::Keys(fault)) => Err(fault),
        other => Ok(other),
    })
}

/// The answer for the other side: the same bytes however often it is written.
const fn answer_file(path: &Path) -> NewFile<'_> {
    NewFile { path, readers: Readers::Owner, existing: Existing::Same }
}
