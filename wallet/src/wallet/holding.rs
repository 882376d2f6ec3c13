//! Holds: what a wallet does in each of its steps, up to the funding.
//!
//! A step checks everything, computes its result in memory, closes the register where one letter must be
//! accepted and no other, stores the result, and only then returns it. The same letter gets the same answer.

use super::context::{Change, Context};
use crate::{
    coin_selection::{CoinSelectionError, HoldPlan},
    error::WalletError,
    hold::{
        HoldError, Join, Offer, Part, Prove, Purpose,
        payer::{self, Agreed, Back, NewOffer, Own, Party, Proposal},
        seller::{self, NewJoin},
    },
    keys::{Account, AccountKeys, Purpose as OutputPurpose, fresh_index},
    nonce_vault::{EncryptedNonces, SessionSecrets},
    outputs::OutputRecord,
    sessions::sessions,
    slate::{SlateError, funding::Funding, respond::not_expired},
    state::{
        Funded, HoldRecord, PayerHold, PayerStage, Pending, Proven, SellerHold, SellerStage, Side, State,
        TxStatus,
    },
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::Amount,
    hash::Hash,
    output::Output,
    range_proof::Opening,
    rules::Verified,
    session::{Role, SessionId},
    transaction::Transaction,
};
use std::collections::BTreeSet;

pub(super) const fn party<'a>(context: &Context<'a>, keys: &'a AccountKeys) -> Party<'a> {
    Party { keys, chain: context.chain, tip: context.state.tip.height }
}

/// The hold with this id.
pub(super) fn record<'a>(context: &Context<'a>, id: &SessionId) -> Result<&'a HoldRecord, HoldError> {
    context.state.holds.get(id).ok_or(HoldError::Unknown)
}

pub(super) fn payer_of(record: &HoldRecord) -> Result<&PayerHold, HoldError> {
    match &record.side {
        Side::Payer(p) => Ok(p),
        Side::Seller(_) => {
            Err(HoldError::Stage { found: "one of which you are the seller", needed: "yours to pay" })
        }
    }
}

pub(super) fn seller_of(record: &HoldRecord) -> Result<&SellerHold, HoldError> {
    match &record.side {
        Side::Seller(s) => Ok(s),
        Side::Payer(_) => {
            Err(HoldError::Stage { found: "one of which you are the payer", needed: "yours to sell" })
        }
    }
}

pub(super) fn stage<T>(record: &HoldRecord, needed: &'static str) -> Result<T, WalletError> {
    Err(HoldError::Stage { found: record.stage(), needed }.into())
}

/// The next state, in which a hold is at another stage.
pub(super) fn with(context: &Context<'_>, record: HoldRecord) -> State {
    let mut next = context.state.clone();
    // What comes back has the level of what funded the hold.
    if let Some(payer) = record.spends() {
        record.outputs.iter().for_each(|o| next.levels.inherit(&payer.inputs, *o));
    }
    next.holds.insert(record.offer.id, record);
    next
}

/// Closes a session in one role with one letter, for ever.
pub(super) fn close(
    context: &Context<'_>,
    session: &SessionId,
    role: Role,
    on: &Hash,
) -> Result<(), WalletError> {
    let closed = context.installation.close(session, role, on)?;
    if closed == *on { Ok(()) } else { Err(HoldError::Closed.into()) }
}

/// The secrets of one session of this wallet's offer.
pub(super) fn decrypt(
    context: &Context<'_>,
    offer: &Offer,
    (purpose, sealed): (Purpose, &EncryptedNonces),
) -> Result<SessionSecrets, WalletError> {
    Ok(context.decrypt(sealed, &payer::sealed_for(context.chain, offer, purpose))?)
}

/// The account to which an offer is addressed.
fn addressee(context: &Context<'_>, offer: &Offer) -> Result<(Account, AccountKeys), WalletError> {
    let mine = |a: &Account| context.root.account(*a).identity_of(&offer.seller).is_some();
    let account = context.accounts().find(mine).ok_or(SlateError::NotForUs)?;
    Ok((account, context.root.account(account)))
}

/// What the output of the payer that money returns to opens to: held, less a fee.
pub(super) fn back_opening(offer: &Offer, fee: Amount, index: [u8; 12]) -> Opening {
    Opening { amount: offer.terms.held().checked_sub(fee).unwrap_or_default(), index }
}

/// That output, with its blinding factor.
pub(super) fn back(party: &Party<'_>, opening: &Opening) -> Result<Back, WalletError> {
    let purpose = OutputPurpose::Change;
    let output = party.keys.output(party.chain, purpose, opening).map_err(SlateError::from)?;
    Ok(Back { output, blinding: party.keys.blinding(purpose, opening) })
}

pub(super) fn open(
    context: &Context<'_>,
    plan: &HoldPlan,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Change<Offer>, WalletError> {
    let account = plan.funding().account();
    let keys = context.keys(account)?;
    let proposal = Proposal {
        terms: *plan.terms(),
        funding: plan.features().ok_or(CoinSelectionError::Zero)?,
        seller: *plan.seller(),
        memo: plan.memo().clone(),
    };
    let NewOffer { offer, r, sessions } = payer::open(&party(context, &keys), proposal, rng);
    let purposes = Purpose::all(offer.terms.rungs);
    let sealed = purposes.zip(&sessions).map(|(purpose, s)| {
        s.encrypt(context.installation, &payer::sealed_for(context.chain, &offer, purpose), rng)
    });
    let stage = PayerStage::Proposed(sealed.collect());
    let opening = Opening { amount: plan.funding().change(), index: fresh_index(rng) };
    let change = (opening.amount > Amount::ZERO)
        .then(|| OutputRecord::pending(account, offer.id, &keys.plain(OutputPurpose::Change, opening)));
    let inputs: Vec<_> = plan.funding().inputs().iter().map(|i| i.commitment).collect();
    let mut next = context.state.clone();
    let kept = change.as_ref().map(|o| o.commitment);
    if !next.lock(offer.id, &inputs, change) {
        return Err(CoinSelectionError::Stale.into());
    }
    let side = Side::Payer(PayerHold { r, inputs, change: kept, back: fresh_index(rng), stage });
    next.holds.insert(offer.id, new_record(account, &offer, side));
    Ok(Change::new(next, offer))
}

fn new_record(account: Account, offer: &Offer, side: Side) -> HoldRecord {
    let (funding, ended, outputs) = (TxStatus::Waiting, None, BTreeSet::new());
    HoldRecord { account, offer: offer.clone(), side, funding, ended, outputs }
}

pub(super) fn join(
    context: &Context<'_>,
    offer: &Offer,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Change<Join>, WalletError> {
    if let Some(known) = context.state.holds.get(&offer.id) {
        return match &known.side {
            Side::Seller(s) if known.offer == *offer => Ok(Change::none(s.join.clone())),
            Side::Seller(_) | Side::Payer(_) => Err(HoldError::Reused.into()),
        };
    }
    if sessions(context.state).any(|s| s.session() == offer.id) {
        return Err(HoldError::Reused.into());
    }
    let (account, keys) = addressee(context, offer)?;
    let NewJoin { join, secrets } = seller::join(&party(context, &keys), offer, rng)?;
    let sealed = secrets.encrypt(context.installation, &join.offer, rng);
    let stage = SellerStage::Joined(sealed);
    let side =
        Side::Seller(SellerHold { r: secrets.x, join: join.clone(), stage, undo: None, published: false });
    let mut record = new_record(account, offer, side);
    // A scan finds it once it is in a block, as any output; the history then knows what it is.
    record.outputs.extend(join.start_fee.iter().map(|s| s.output.commitment.encoded()));
    Ok(Change::new(with(context, record), join))
}

pub(super) fn prove(
    context: &Context<'_>,
    letter: &Join,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Change<Prove>, WalletError> {
    let known = record(context, &letter.id)?;
    let hold = payer_of(known)?;
    let sealed = match &hold.stage {
        PayerStage::Proposed(sealed) => sealed,
        PayerStage::Proven(p) if p.join == *letter => return Ok(Change::none(p.letter())),
        PayerStage::Proven(_) => return Err(HoldError::Closed.into()),
        PayerStage::Funded(_) | PayerStage::Cancelled => return stage(known, "proposed"),
    };
    let (offer, keys) = (&known.offer, context.keys(known.account)?);
    let party = party(context, &keys);
    not_expired(party.tip, offer.funding.window(0).not_after)?;
    let checked = payer::check_join(context.chain, offer, letter)?;
    let [funding, claim, undo, rungs @ ..] = sealed.as_slice() else { return stage(known, "proposed") };
    let own = |of| Ok::<_, WalletError>(Own { r: &hold.r, secrets: decrypt(context, offer, of)? });
    let own = (0..).map(Purpose::Refund).zip(rungs).map(own).collect::<Result<Vec<_>, _>>()?;
    let back = back(&party, &back_opening(offer, offer.terms.refund_fee, hold.back))?;
    // Closed before anything is signed: all refunds and the funding are under one consent.
    close(context, &offer.id, Role::Inviter, &letter.hash())?;
    let rungs = payer::ladder(&party, Agreed { offer, join: letter }, &checked, &back, own)?;
    let prepared = checked.joint.prepare(&hold.r, rng).map_err(HoldError::from)?;
    let sealed = [funding.clone(), claim.clone(), undo.clone()];
    let proven = Proven { join: letter.clone(), rungs, sealed, prepared };
    let result = proven.letter();
    let mut changed = known.clone();
    // So that a copy of this wallet knows as its own what another one takes back.
    for fee in [offer.terms.refund_fee, offer.terms.claim_fee] {
        let returned = keys.plain(OutputPurpose::Change, back_opening(offer, fee, hold.back));
        changed.outputs.insert(returned.commitment.encoded());
    }
    Ok(Change::new(with_payer(context, &changed, PayerStage::Proven(Box::new(proven))), result))
}

/// The next state, in which the payer is at another stage.
pub(super) fn with_payer(context: &Context<'_>, known: &HoldRecord, stage: PayerStage) -> State {
    let mut record = known.clone();
    if let Side::Payer(p) = &mut record.side {
        p.stage = stage;
    }
    with(context, record)
}

/// The next state, in which the seller is at another stage.
pub(super) fn with_seller(context: &Context<'_>, known: &HoldRecord, stage: SellerStage) -> State {
    let mut record = known.clone();
    if let Side::Seller(s) = &mut record.side {
        s.stage = stage;
    }
    with(context, record)
}

pub(super) fn part(context: &Context<'_>, letter: &Prove) -> Result<Change<Part>, WalletError> {
    let known = record(context, &letter.id)?;
    let hold = seller_of(known)?;
    let sealed = match &hold.stage {
        SellerStage::Joined(sealed) => sealed,
        SellerStage::Parted(prove, part)
        | SellerStage::Answered(prove, part, _)
        | SellerStage::Released(prove, part, _) => {
            let same = *prove == *letter;
            return if same { Ok(Change::none(part.clone())) } else { Err(HoldError::Closed.into()) };
        }
    };
    seller::check_prove(&hold.join, letter)?;
    let joint = payer::joint(context.chain, &known.offer, &hold.join)?;
    let secrets = context.decrypt(sealed, &hold.join.offer)?;
    let part = seller::part(&joint, letter, secrets)?;
    close(context, &letter.id, Role::Responder, &letter.hash())?;
    let stage = SellerStage::Parted(letter.clone(), part.clone());
    Ok(Change::new(with_seller(context, known, stage), part))
}

/// The inputs and the change of a hold that is to be funded.
fn funding(context: &Context<'_>, id: &SessionId, hold: &PayerHold) -> Result<Funding, WalletError> {
    let input = |c| {
        let found = context.state.outputs.get(c).filter(|o: &&OutputRecord| o.is_locked_by(id));
        Ok::<_, SlateError>(found.ok_or(SlateError::InputGone { output: *c })?.secret())
    };
    let inputs = hold.inputs.iter().map(input).collect::<Result<_, _>>()?;
    let change = hold.change.and_then(|c| context.state.outputs.get(&c)).map(OutputRecord::secret);
    Ok(Funding { inputs, change })
}

/// The joint output, finished with the seller's answer.
fn finished(
    context: &Context<'_>,
    offer: &Offer,
    proven: &Proven,
    letter: &Part,
) -> Result<Output, WalletError> {
    let joint = payer::joint(context.chain, offer, &proven.join)?;
    Ok(payer::finish(&joint, (&proven.letter().hash(), &proven.prepared), letter)?)
}

pub(super) fn check_part(context: &Context<'_>, letter: &Part) -> Result<(), WalletError> {
    let known = record(context, &letter.id)?;
    match &payer_of(known)?.stage {
        PayerStage::Proven(proven) => finished(context, &known.offer, proven, letter).map(drop),
        PayerStage::Funded(funded) if funded.part == *letter => Ok(()),
        PayerStage::Funded(_) => Err(HoldError::Closed.into()),
        PayerStage::Proposed(_) | PayerStage::Cancelled => stage(known, "proven"),
    }
}

pub(super) fn fund(
    context: &Context<'_>,
    letter: &Part,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Change<Verified<Transaction>>, WalletError> {
    let known = record(context, &letter.id)?;
    let hold = payer_of(known)?;
    let proven = match &hold.stage {
        PayerStage::Proven(p) => p,
        PayerStage::Funded(f) if f.part == *letter => {
            return Ok(Change::none(context.verify(f.transaction.clone())?));
        }
        PayerStage::Funded(_) => return Err(HoldError::Closed.into()),
        PayerStage::Proposed(_) | PayerStage::Cancelled => return stage(known, "proven"),
    };
    let (offer, keys) = (&known.offer, context.keys(known.account)?);
    not_expired(context.tip(), offer.funding.window(0).not_after)?;
    let output = finished(context, offer, proven, letter)?;
    let [sealed, claim, undo] = &proven.sealed;
    let secrets = decrypt(context, offer, (Purpose::Funding, sealed))?;
    let funding = funding(context, &offer.id, hold)?;
    let party = party(context, &keys);
    let (agreed, own) = (Agreed { offer, join: &proven.join }, Own { r: &hold.r, secrets });
    let transaction = payer::fund(&party, agreed, (output, funding), own, rng)?;
    let funded = Funded {
        join: proven.join.clone(),
        part: letter.clone(),
        rungs: proven.rungs.clone(),
        transaction: transaction.get().clone(),
        claim: Pending::Sealed(claim.clone()),
        undo: Pending::Sealed(undo.clone()),
    };
    Ok(Change::new(with_payer(context, known, PayerStage::Funded(Box::new(funded))), transaction))
}

pub(super) fn cancel(context: &Context<'_>, id: &SessionId) -> Result<Change<()>, WalletError> {
    let known = record(context, id)?;
    let hold = payer_of(known)?;
    let of_funding = match &hold.stage {
        PayerStage::Proposed(sealed) => sealed.first().ok_or(HoldError::Unknown)?,
        PayerStage::Proven(p) if known.funded().is_none() => &p.sealed[0],
        PayerStage::Cancelled => return Ok(Change::none(())),
        PayerStage::Proven(_) | PayerStage::Funded(_) => return stage(known, "proposed or proven"),
    };
    // A copy of the wallet cannot know how far the original has come.
    decrypt(context, &known.offer, (Purpose::Funding, of_funding))?;
    if matches!(hold.stage, PayerStage::Proposed(_)) {
        close(context, id, Role::Inviter, &Hash::ZERO)?;
    }
    let mut next = with_payer(context, known, PayerStage::Cancelled);
    next.release(id, &hold.inputs, hold.change);
    Ok(Change::new(next, ()))
}

/// The account that an offer is for, if the offer passes all checks but those of the payer's shares.
pub(super) fn check_offer(context: &Context<'_>, offer: &Offer) -> Result<Account, WalletError> {
    let (account, keys) = addressee(context, offer)?;
    seller::check_offer(&party(context, &keys), offer)?;
    Ok(account)
}
