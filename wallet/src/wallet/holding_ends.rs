//! The ends of holds: claim, undoing, refund, and what a claim reveals.

use super::{
    context::{Change, Context},
    holding::{
        back, back_opening, close, decrypt, party, payer_of, record, seller_of, stage, with, with_payer,
        with_seller,
    },
};
use crate::{
    error::WalletError,
    hold::{
        Answer, HoldError, HoldTerms, Join, Promised, Purpose, Release, Settlement,
        locked::pre_signature,
        payer::{self, Agreed, Own, Rung, SignedSession},
        refund::{plain, with_sufficient_fee},
        seller::{self, Completed, Held},
    },
    keys::{OutputSecret, Purpose as OutputPurpose},
    state::{Funded, HoldRecord, PayerStage, Pending, Released, SellerHold, SellerStage, Side, Undone},
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::Height,
    commitment::Commitment,
    group::Point,
    kernel::Kernel,
    output::Output,
    rules::Verified,
    schnorr::Signature,
    secret::SecretScalar,
    session::{Role, SessionId},
    transaction::Transaction,
};

/// The money must be in the output of the hold.
fn not_ended(known: &HoldRecord) -> Result<(), HoldError> {
    match known.ended() {
        Some((_, height)) => Err(HoldError::Ended { height }),
        None => Ok(()),
    }
}

pub(super) fn answer(
    context: &Context<'_>,
    id: &SessionId,
    (lock, until): (Option<Point>, Option<Height>),
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Change<Answer>, WalletError> {
    let known = record(context, id)?;
    let (hold, terms, next) = (seller_of(known)?, &known.offer.terms, context.tip().next());
    let not_after = until.unwrap_or_else(|| terms.claim_expiry(context.chain, next));
    let (prove, part) = match &hold.stage {
        SellerStage::Parted(prove, part) => (prove, part),
        SellerStage::Answered(prove, part, a) if locked_to(a) == lock => {
            // One that the payer has left lying too long is made again, if later heights are left for it.
            let found = last_height(a);
            if next <= HoldTerms::claim_by(context.chain, found, not_after > found || lock.is_some()) {
                let is_other = until.is_some_and(|until| until != found);
                let other = || Err(HoldError::OtherHeight { found }.into());
                return if is_other { other() } else { Ok(Change::none((**a).clone())) };
            }
            (prove, part)
        }
        SellerStage::Answered(..) | SellerStage::Joined(_) | SellerStage::Released(..) => {
            return stage(known, "parted");
        }
    };
    not_ended(known)?;
    buried(context, known)?;
    if until.is_some() {
        terms.check_claim_height(context.chain, not_after, next)?;
    }
    let (keys, held) = (context.keys(known.account)?, Held { offer: &known.offer, part, r: &hold.r });
    let answer = seller::claim(&party(context, &keys), held, (lock, not_after), rng)?;
    let stage = SellerStage::Answered(prove.clone(), part.clone(), Box::new(answer.clone()));
    Ok(Change::new(with_seller(context, known, stage), answer))
}

/// The hold that was promised, if the seller may do what it is paid for.
pub(super) fn ready(context: &Context<'_>, promised: &Promised<'_>) -> Result<SessionId, WalletError> {
    let mut why = HoldError::Unknown;
    for known in context.state.holds.values() {
        let Side::Seller(hold) = &known.side else { continue };
        if !promised.names(&known.offer) {
            continue;
        }
        match is_ready(context, known, hold, promised) {
            Ok(()) => return Ok(known.offer.id),
            Err(e) => why = e,
        }
    }
    Err(why.into())
}

fn is_ready(
    context: &Context<'_>,
    known: &HoldRecord,
    hold: &SellerHold,
    promised: &Promised<'_>,
) -> Result<(), HoldError> {
    let (terms, next) = (&known.offer.terms, context.tip().next());
    promised.check(terms)?;
    if matches!(hold.stage, SellerStage::Joined(_)) {
        return Err(HoldError::Stage { found: known.stage(), needed: "parted" });
    }
    not_ended(known)?;
    buried(context, known)?;
    let until = promised.begin_by(context.chain, terms);
    match hold.undo.as_ref().map(|undo| possible_until(context, undo)) {
        Some(until) if next <= until => Err(HoldError::UndoOpen { until }),
        _ if next > until => Err(HoldError::LateToBegin { until, next }),
        _ => Ok(()),
    }
}

fn last_height(answer: &Answer) -> Height {
    answer.features.window(0).not_after
}

/// The last height at which a block can have this kernel, if a reorganisation undoes the most that it may.
fn possible_until(context: &Context<'_>, answer: &Answer) -> Height {
    last_height(answer).plus(context.chain.params().reorganisation)
}

/// The funding must have the confirmations that were agreed.
fn buried(context: &Context<'_>, known: &HoldRecord) -> Result<(), HoldError> {
    let (found, needed) = (known.confirmations(context.tip()), known.offer.terms.confirmations.max(1));
    if found < needed { Err(HoldError::NotBuried { found, needed }) } else { Ok(()) }
}

fn locked_to(answer: &Answer) -> Option<Point> {
    match answer.settlement {
        Settlement::Claim { lock, .. } => lock,
        Settlement::Undo => None,
    }
}

pub(super) fn consent(
    context: &Context<'_>,
    id: &SessionId,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Change<Answer>, WalletError> {
    let known = record(context, id)?;
    let hold = seller_of(known)?;
    let part = match &hold.stage {
        SellerStage::Joined(_) => return stage(known, "parted"),
        SellerStage::Parted(_, part)
        | SellerStage::Answered(_, part, _)
        | SellerStage::Released(_, part, _) => part,
    };
    not_ended(known)?;
    let next = context.tip().next();
    if let Some(claim) = known.claim().filter(|a| hold.published && locked_to(a).is_some()) {
        let until = possible_until(context, claim);
        if next <= until {
            return Err(HoldError::ClaimOut { until }.into());
        }
    }
    // The payer takes one whose window is almost whole, and only one: an older one is made again.
    let fresh = |a: &&Answer| payer::is_fresh(context.chain, last_height(a), next);
    if let Some(given) = hold.undo.as_ref().filter(fresh) {
        return Ok(Change::none(given.clone()));
    }
    let (keys, held) = (context.keys(known.account)?, Held { offer: &known.offer, part, r: &hold.r });
    let answer = seller::undo(&party(context, &keys), held, rng)?;
    let mut record = known.clone();
    if let Side::Seller(s) = &mut record.side {
        s.undo = Some(answer.clone());
    }
    Ok(Change::new(with(context, record), answer))
}

/// The funded hold that an answer belongs to.
fn funded<'a>(known: &'a HoldRecord, answer: &Answer) -> Result<&'a Funded, WalletError> {
    let PayerStage::Funded(f) = &payer_of(known)?.stage else { return stage(known, "funded") };
    if answer.part != f.part.hash() {
        return Err(HoldError::Altered(Role::Responder).into());
    }
    not_ended(known)?;
    Ok(f)
}

pub(super) fn check_claim(context: &Context<'_>, letter: &Answer) -> Result<(), WalletError> {
    let known = record(context, &letter.id)?;
    let (f, keys) = (funded(known, letter)?, context.keys(known.account)?);
    match &f.claim {
        Pending::Signed(r) if r.answer != *letter => return Err(HoldError::Closed.into()),
        Pending::Signed(_) => return Ok(()),
        Pending::Sealed(_) => {}
    }
    let agreed = Agreed { offer: &known.offer, join: &f.join };
    Ok(payer::check_claim(&party(context, &keys), agreed, letter)?)
}

pub(super) fn release(context: &Context<'_>, letter: &Answer) -> Result<Change<Release>, WalletError> {
    let known = record(context, &letter.id)?;
    let (offer, hold, keys) = (&known.offer, payer_of(known)?, context.keys(known.account)?);
    let f = funded(known, letter)?;
    let sealed = match &f.claim {
        Pending::Sealed(sealed) => sealed,
        Pending::Signed(r) if r.answer == *letter => return Ok(Change::none(r.release.clone())),
        Pending::Signed(_) => return Err(HoldError::Closed.into()),
    };
    payer::check_claim(&party(context, &keys), Agreed { offer, join: &f.join }, letter)?;
    let secrets = decrypt(context, offer, (Purpose::Claim, sealed))?;
    let release = payer::release(context.chain, offer, letter, Own { r: &hold.r, secrets })?;
    close(context, &Purpose::Claim.session(&offer.id), Role::Inviter, &letter.hash())?;
    let claim = Pending::Signed(Released { answer: letter.clone(), release: release.clone() });
    let stage = PayerStage::Funded(Box::new(Funded { claim, ..f.clone() }));
    Ok(Change::new(with_payer(context, known, stage), release))
}

pub(super) fn undo(
    context: &Context<'_>,
    letter: &Answer,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Change<Verified<Transaction>>, WalletError> {
    let known = record(context, &letter.id)?;
    let (offer, hold, keys) = (&known.offer, payer_of(known)?, context.keys(known.account)?);
    let (f, party) = (funded(known, letter)?, party(context, &keys));
    let opening = back_opening(offer, offer.terms.claim_fee, hold.back);
    let (back, made) = (back(&party, &opening)?, plain(OutputPurpose::Change, opening));
    let (rung, stage) = match &f.undo {
        Pending::Signed(u) if u.answer == *letter => (u.rung.clone(), None),
        Pending::Signed(_) => return Err(HoldError::Closed.into()),
        Pending::Sealed(sealed) => {
            let session = payer::check_undo(&party, Agreed { offer, join: &f.join }, letter)?;
            let secrets = decrypt(context, offer, (Purpose::Undo, sealed))?;
            let of = SignedSession { session: &session, signed: &letter.signed };
            let own = Own { r: &hold.r, secrets };
            let rung = payer::take_back(letter.features, of, &back, own)?;
            close(context, &Purpose::Undo.session(&offer.id), Role::Inviter, &letter.hash())?;
            let undo = Pending::Signed(Undone { answer: letter.clone(), rung: rung.clone() });
            (rung, Some(PayerStage::Funded(Box::new(Funded { undo, ..f.clone() }))))
        }
    };
    let mut changed = known.clone();
    if let (Side::Payer(p), Some(stage)) = (&mut changed.side, stage) {
        p.stage = stage;
    }
    let t = returned(context, (known, &f.join), &rung, back.output)?;
    publish(context, changed, (t, made), rng)
}

/// The transaction that returns the money by this refund or undoing.
fn returned(
    context: &Context<'_>,
    (known, join): (&HoldRecord, &Join),
    rung: &Rung,
    to: Output,
) -> Result<Transaction, HoldError> {
    let joint = payer::joint(context.chain, &known.offer, join)?;
    Ok(payer::spend(joint.commitment(), to, rung.offset, rung.kernel.clone()))
}

/// Pays a fee that has risen, and remembers which outputs of this wallet the money goes to.
fn publish(
    context: &Context<'_>,
    mut changed: HoldRecord,
    (t, made): (Transaction, OutputSecret),
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Change<Verified<Transaction>>, WalletError> {
    let keys = context.keys(changed.account)?;
    let party = party(context, &keys);
    let (t, on) = with_sufficient_fee(&party, t, made, rng)?;
    for o in [made, on] {
        let c: Commitment = party.keys.plain(o.purpose, o.opening).commitment;
        changed.outputs.insert(c.encoded());
    }
    Ok(Change::new(with(context, changed), t))
}

/// The refund that can be in the next block, and what the seller agreed to.
fn open_rung<'a>(context: &Context<'_>, known: &'a HoldRecord) -> Result<(&'a Join, &'a Rung), WalletError> {
    let (hold, next) = (payer_of(known)?, context.tip().next());
    let (join, rungs) = match &hold.stage {
        PayerStage::Funded(f) => (&f.join, &f.rungs),
        // A copy from before the funding left has the ladder, and sees the funding in the chain.
        PayerStage::Proven(p) if known.funded().is_some() => (&p.join, &p.rungs),
        PayerStage::Proven(_) | PayerStage::Proposed(_) | PayerStage::Cancelled => {
            return stage(known, "funded");
        }
    };
    not_ended(known)?;
    let terms = &known.offer.terms;
    let open = |r: &&Rung| r.kernel.features.window(0).contains(next);
    // Two windows share the height between them: the later one stays open longer.
    let rung = rungs.iter().rev().find(open).ok_or(HoldError::NoRung {
        next,
        from: terms.refund_from,
        until: terms.last_height(context.chain),
    })?;
    Ok((join, rung))
}

/// The holds of which a refund can be in the next block.
pub(super) fn due(context: &Context<'_>) -> Vec<SessionId> {
    let in_chain = context.state.holds.values().filter(|known| known.funded().is_some());
    in_chain.filter(|known| open_rung(context, known).is_ok()).map(|known| known.offer.id).collect()
}

pub(super) fn refund(
    context: &Context<'_>,
    id: &SessionId,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Change<Verified<Transaction>>, WalletError> {
    let known = record(context, id)?;
    let (join, rung) = open_rung(context, known)?;
    let (hold, keys) = (payer_of(known)?, context.keys(known.account)?);
    let party = party(context, &keys);
    let opening = back_opening(&known.offer, known.offer.terms.refund_fee, hold.back);
    let t = returned(context, (known, join), rung, back(&party, &opening)?.output)?;
    publish(context, known.clone(), (t, plain(OutputPurpose::Change, opening)), rng)
}

pub(super) fn receive(
    context: &Context<'_>,
    letter: &Release,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Change<Option<Verified<Transaction>>>, WalletError> {
    let known = record(context, &letter.id)?;
    let (hold, keys) = (seller_of(known)?, context.keys(known.account)?);
    let (prove, part, answer) = match &hold.stage {
        SellerStage::Answered(prove, part, answer) => (prove, part, (**answer).clone()),
        SellerStage::Released(prove, part, r) if r.release == *letter => (prove, part, r.answer.clone()),
        SellerStage::Released(..) => return Err(HoldError::Closed.into()),
        SellerStage::Joined(_) | SellerStage::Parted(..) => return stage(known, "answered"),
    };
    let agreed = Agreed { offer: &known.offer, join: &hold.join };
    let completed = seller::complete(&party(context, &keys), agreed, &answer, letter)?;
    let released = Box::new(Released { answer: answer.clone(), release: letter.clone() });
    let stage = SellerStage::Released(prove.clone(), part.clone(), released);
    let next = with_seller(context, known, stage);
    let Completed::Transaction(t) = completed else { return Ok(Change::new(next, None)) };
    let changed = record(&Context { state: &next, ..*context }, &letter.id)?.clone();
    let Change { next, result } = publish_claim(context, changed, (&answer, t), rng)?;
    Ok(Change { next, result: Some(result) })
}

/// Whether a claim may leave: what gives a secret away must still get the money, whatever happens to the chain.
fn may_publish(context: &Context<'_>, known: &HoldRecord, answer: &Answer) -> Result<(), WalletError> {
    let (hold, next) = (seller_of(known)?, context.tip().next());
    not_ended(known)?;
    let reveals = locked_to(answer).is_some() && !hold.published;
    HoldTerms::check_time(HoldTerms::claim_by(context.chain, last_height(answer), reveals), next)?;
    if !reveals {
        return Ok(());
    }
    buried(context, known)?;
    match hold.undo.as_ref().map(|undo| possible_until(context, undo)) {
        Some(until) if next <= until => Err(HoldError::UndoOpen { until }.into()),
        _ => Ok(()),
    }
}

/// Publishes a claim, if that is safe, and remembers that it did.
fn publish_claim(
    context: &Context<'_>,
    mut changed: HoldRecord,
    (answer, t): (&Answer, Transaction),
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Change<Verified<Transaction>>, WalletError> {
    may_publish(context, &changed, answer)?;
    if let Side::Seller(s) = &mut changed.side {
        s.published = true;
    }
    let Settlement::Claim { output, .. } = &answer.settlement else { return Err(HoldError::Kernel.into()) };
    let keys = context.keys(changed.account)?;
    let rewound = output.replay(context.chain.id()).and_then(|r| keys.recognise(&r));
    let (purpose, opening) = rewound.ok_or(HoldError::Output)?;
    publish(context, changed, (t, plain(purpose, opening)), rng)
}

/// Whether the secret of a lock is public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Secrecy {
    /// The payer does not know it: publishing the claim gives it away.
    Hidden,
    /// It is in a block: nothing is left to lose.
    Public,
}

pub(super) fn complete(
    context: &Context<'_>,
    id: &SessionId,
    (t, secrecy): (&SecretScalar, Secrecy),
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Change<Verified<Transaction>>, WalletError> {
    let known = record(context, id)?;
    let (hold, keys) = (seller_of(known)?, context.keys(known.account)?);
    let SellerStage::Released(_, _, r) = &hold.stage else { return stage(known, "released") };
    let party = party(context, &keys);
    let halves = r.halves();
    let pre = pre_signature(context.chain, &known.offer, halves)?;
    let signature: Signature = pre.complete(t).ok_or(HoldError::Secret)?;
    let agreed = Agreed { offer: &known.offer, join: &hold.join };
    let claim = seller::transaction(&party, agreed, halves, signature)?;
    let mut changed = known.clone();
    if let (Side::Seller(s), Secrecy::Public) = (&mut changed.side, secrecy) {
        s.published = true;
    }
    publish_claim(context, changed, (&r.answer, claim), rng)
}

pub(super) fn extract(
    context: &Context<'_>,
    id: &SessionId,
    kernel: &Kernel,
) -> Result<SecretScalar, WalletError> {
    let known = record(context, id)?;
    let PayerStage::Funded(f) = &payer_of(known)?.stage else { return stage(known, "released") };
    let Pending::Signed(r) = &f.claim else { return stage(known, "released") };
    let pre = pre_signature(context.chain, &known.offer, r.halves())?;
    let same = known.claim_excess() == Some(kernel.excess);
    Ok(pre.extract(&kernel.signature).filter(|_| same).ok_or(HoldError::Secret)?)
}
