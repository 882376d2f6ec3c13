//! Signing: t members sign what one of them asks for.
//!
//! ```text
//! Asked ─▶ Committed (any member that agrees) ─▶ Chosen (t of them) ─▶ Signed ─▶ signature
//!
//! asked      the request, under the hash of the epoch: a share of another epoch has no part in it
//! committed  D, E of fresh nonces
//! chosen     by the member that asked: the first t who committed; the letter names all their letters
//! signed     z_i. It leaves after the register has closed the session on the chosen set
//! ```
//!
//! Anybody who holds the letters can add up the shares. A false share names its member (RFC 9591, section 5.4),
//! and a new session goes on without it. Nonces serve one session: a crash costs the session, not the key.
//! Groups that do not sign answer a drill with one partial each, and nothing else.
//!
//! Not guaranteed: that members who committed also sign, and that what is signed is reasonable: each member is
//! shown the request, and [`agree`] is its consent.
#![deny(clippy::indexing_slicing)]

use std::collections::BTreeMap;

use curve25519_dalek::ristretto::RistrettoPoint;

use crate::draft::Index;
use crate::epoch::Epoch;
use crate::fault::Fault;
use crate::letter::{Letter, Step, step_hash};
use crate::log::{Held, Log, Progress, progress};
use crate::member::{Holder, Member, malformed, read_all};
use crate::partial::{Partial, drill_point};
use crate::register::Register;
use crate::request::Request;
use crate::share::Share;
use crate::signing::{NonceCommitments, Nonces, Package};
use crate::tag::Hash;

/// The key that signs: groups for `seal` have one, and a pool drills its first.
const KEY: usize = 0;

/// What a session asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Who asks.
    pub by: Index,
    /// For what.
    pub request: Request,
    /// What an answer names.
    hash: Hash,
}

/// What members answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// To what.
    pub request: Request,
    /// Which members.
    pub members: Vec<Index>,
    /// The signature `R ‖ z`; a group that does not sign has none.
    pub signature: Option<[u8; 64]>,
}

/// Asks the members to sign.
///
/// # Errors
/// [`Fault::Request`] if a group of this purpose does not sign it.
pub fn ask(me: &Member<'_>, epoch: &Epoch, log: &mut Log, request: &Request) -> Result<(), Fault> {
    if !request.is_for(epoch.draft()) {
        return Err(Fault::Request(me.index()));
    }
    let before = epoch.hash();
    let rng = &mut me.rng(Step::Asked, &before);
    me.write(log, (Step::Asked, before), (request.to_bytes(), &[]), rng)
}

/// What the letters ask for; `None` if the letter that asks is not among them.
///
/// # Errors
/// [`Fault`] if two members ask in one session, at another epoch, or for what this group does not sign.
pub fn asked(epoch: &Epoch, log: &Log) -> Result<Option<Asked>, Fault> {
    log.is_sound()?;
    let mut all = log.of(Step::Asked);
    let Some((by, letter)) = all.next() else { return Ok(None) };
    if all.next().is_some() {
        return Err(Fault::AskedTwice);
    }
    if letter.heading().before != epoch.hash() {
        return Err(Fault::Differs { member: by, step: Step::Asked });
    }
    let request = Request::from_bytes(letter.body()).map_err(|_| malformed(letter))?;
    if !request.is_for(epoch.draft()) {
        return Err(Fault::Request(by));
    }
    Ok(Some(Asked { by, request, hash: step_hash([letter]) }))
}

/// Agrees to what was asked: consents, and shows nonces.
///
/// # Errors
/// [`Fault`], also if the share is of another epoch.
pub fn agree(holder: &Holder<'_>, log: &mut Log, asked: &Asked) -> Result<(), Fault> {
    let (me, epoch, share) = (&holder.me, holder.epoch, holder.share()?);
    if epoch.draft().purpose().signs() {
        let (_, shown) = nonces(me, share, asked)?;
        let mut body = Vec::new();
        shown.put(&mut body)?;
        let rng = &mut me.rng(Step::Chosen, &asked.hash);
        return me.write(log, (Step::Committed, asked.hash), (body, &[]), rng);
    }
    let secret = share.secret(KEY).ok_or(Fault::OtherShare)?;
    let rng = &mut me.rng(Step::Signed, &asked.hash);
    let partial = Partial::new(secret, &point(epoch, log, asked), rng);
    me.write(log, (Step::Signed, asked.hash), (partial.to_bytes(), &[]), rng)
}

/// Nonces that follow from the seed, the share and what was asked.
fn nonces(me: &Member<'_>, share: &Share, asked: &Asked) -> Result<(Nonces, NonceCommitments), Fault> {
    Nonces::generate(share, KEY, &mut me.rng(Step::Committed, &asked.hash))
}

fn point(epoch: &Epoch, log: &Log, asked: &Asked) -> RistrettoPoint {
    drill_point(&asked.request.message(epoch, &log.session()))
}

/// Goes as far as the letters allow. A member without a share can still add up those of others.
///
/// `wanted` are the members that the one who asked wants; without it, the first t who agree.
///
/// # Errors
/// [`Fault`]: the session is over.
pub fn advance(
    holder: &Holder<'_>,
    log: &mut Log,
    wanted: Option<&[Index]>,
    register: &mut impl Register,
) -> Result<Progress<Answered>, Fault> {
    let (me, epoch) = (&holder.me, holder.epoch);
    let Some(asked) = asked(epoch, log)? else { return Err(Fault::NoPart) };
    if !epoch.draft().purpose().signs() {
        return progress(partials(epoch, log, asked));
    }
    if asked.by == me.index()
        && log.get(Step::Chosen, me.index()).is_none()
        && let Err(held) = choose(me, epoch, log, (&asked, wanted))
    {
        return progress(Err(held));
    }
    progress(run(holder, log, &asked, register))
}

fn run(
    holder: &Holder<'_>,
    log: &mut Log,
    asked: &Asked,
    register: &mut impl Register,
) -> Result<Answered, Held> {
    let (me, epoch) = (&holder.me, holder.epoch);
    let Some(chosen) = log.get(Step::Chosen, asked.by) else {
        return Err(Held::Awaiting { step: Step::Chosen, from: vec![asked.by] });
    };
    let set = read_all(chosen, chosen.body(), Index::read_set)?;
    if set.len() != usize::from(epoch.draft().threshold()) {
        return Err(malformed(chosen).into());
    }
    let (named, hash) = (chosen.heading().before, step_hash([chosen]));
    let committed = log.all(Step::Committed, &set, &asked.hash)?;
    if committed.hash() != named {
        return Err(Fault::Differs { member: asked.by, step: Step::Chosen }.into());
    }
    let mut commitments = BTreeMap::new();
    for (from, letter) in committed.iter() {
        commitments.insert(from, read_all(letter, letter.body(), NonceCommitments::read)?);
    }
    let message = asked.request.message(epoch, &log.session());
    let package = Package::new(epoch, KEY, &message, &commitments);
    let mine = set.contains(&me.index()) && log.get(Step::Signed, me.index()).is_none();
    if let Some(share) = holder.any_share().filter(|_| mine) {
        if register.close(&log.session(), &hash).map_err(|_| Fault::Register)? != hash {
            return Err(Fault::Closed.into());
        }
        let (nonces, _) = nonces(me, share, asked)?;
        let z = package.sign(share, nonces)?.to_vec();
        me.write(log, (Step::Signed, hash), (z, &[]), &mut me.rng(Step::Signed, &hash))?;
    }
    let mut shares = BTreeMap::new();
    for (from, letter) in log.all(Step::Signed, &set, &hash)?.iter() {
        shares.insert(from, read_all(letter, letter.body(), |r| r.array())?);
    }
    let signature = package.aggregate(&shares)?;
    Ok(Answered { request: asked.request.clone(), members: set, signature: Some(signature) })
}

/// Chooses who signs, once enough agreed.
fn choose(
    me: &Member<'_>,
    epoch: &Epoch,
    log: &mut Log,
    (asked, wanted): (&Asked, Option<&[Index]>),
) -> Result<(), Held> {
    let t = usize::from(epoch.draft().threshold());
    let answers = |letter: &Letter| letter.heading().before == asked.hash;
    let agreed: Vec<Index> =
        log.of(Step::Committed).filter(|(_, letter)| answers(letter)).map(|(i, _)| i).collect();
    let candidates = wanted.map_or_else(|| me.draft().indexes().collect(), <[Index]>::to_vec);
    let set: Vec<Index> = candidates.iter().copied().filter(|i| agreed.contains(i)).take(t).collect();
    if set.len() < t {
        let from = candidates.into_iter().filter(|i| !agreed.contains(i)).collect();
        return Err(Held::Awaiting { step: Step::Committed, from });
    }
    let before = log.all(Step::Committed, &set, &asked.hash)?.hash();
    let mut body = Vec::new();
    Index::put_set(&set, &mut body);
    let rng = &mut me.rng(Step::Chosen, &before);
    Ok(me.write(log, (Step::Chosen, before), (body, &[]), rng)?)
}

/// The answer of a group that does not sign: t partials that hold.
fn partials(epoch: &Epoch, log: &Log, asked: Asked) -> Result<Answered, Held> {
    let point = point(epoch, log, &asked);
    let mut members = Vec::new();
    for (from, letter) in log.of(Step::Signed) {
        let partial = read_all(letter, letter.body(), Partial::read)?;
        let y = epoch.verifying_share(KEY, from).ok_or(Fault::NoPart)?;
        if letter.heading().before != asked.hash || !partial.holds(&y, &point) {
            return Err(Fault::SignatureShare(from).into());
        }
        members.push(from);
    }
    if members.len() < epoch.draft().threshold().into() {
        let from = epoch.draft().indexes().filter(|i| !members.contains(i)).collect();
        return Err(Held::Awaiting { step: Step::Signed, from });
    }
    Ok(Answered { request: asked.request, members, signature: None })
}
