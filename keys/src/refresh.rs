//! Refresh: new shares of the same keys. The old ones are worthless once every member who stays has erased its
//! own.
//!
//! ```text
//! Proposed (who stays, at least t) ─▶ Renewals ─▶ Renewed ─▶ Prepared (old kept) ─▶ Committed (old erased)
//!
//! for each key: member i draws g_i with g_i(0) = 0          B_ik = b_ik·G for k = 1 … t−1, sent to all
//!   g_i(j) encrypted to member j                            j checks g_i(j)·G = Σ_k j^k·B_ik
//!   s'_j = s_j + Σ_i g_i(j)      A'_k = A_k + Σ_i B_ik      A'_0 = A_0: the key stays
//! ```
//!
//! Proactive sharing after Herzberg et al. (CRYPTO 1995, section 3.2). A member who is left out has no share of
//! the new epoch; the public keys still say what it would be, so it can be repaired.
//!
//! Two phases: a member keeps the new share beside the old one *before* it says `prepared`, and erases the old
//! one when all who stay have said so. A crash in between leaves both; the letters of the others, or a group
//! file of the new epoch, say which counts. If one of them never says so, no member erases anything, and the
//! old epoch stays.
//!
//! Not guaranteed: that members erase old copies. A refresh helps against a thief only if all who stay erase
//! their old shares, backups too.
#![deny(clippy::indexing_slicing)]

use std::collections::BTreeMap;

use curve25519_dalek::ristretto::RistrettoPoint;
use zeroize::Zeroizing;

use crate::codec::Reader;
use crate::curve::{Polynomial, Secret, points, put_point, vartime_at};
use crate::draft::Index;
use crate::epoch::{Epoch, Group};
use crate::fault::Fault;
use crate::letter::{Letter, Step, step_hash};
use crate::log::{Held, Letters, Log, Progress, progress};
use crate::member::{Holder, Member, Part, malformed, read_all};
use crate::share::Share;
use crate::tag::Hash;

/// The next epoch, computed and checked. Keep its share before [`confirm`].
#[derive(Clone, Debug)]
pub struct Prepared {
    epoch: Epoch,
    share: Share,
    stay: Vec<Index>,
    before: Hash,
}

impl Prepared {
    /// The share of the next epoch.
    #[must_use]
    pub const fn share(&self) -> &Share {
        &self.share
    }
}

/// Proposes a refresh in which these members stay.
///
/// # Errors
/// [`Fault::NoPart`] if they are fewer than t, or unknown, or this member is not among them.
pub fn propose(me: &Member<'_>, epoch: &Epoch, log: &mut Log, stay: &[Index]) -> Result<(), Fault> {
    let mut stay = stay.to_vec();
    stay.sort_unstable();
    stay.dedup();
    if !may_stay(epoch, &stay) || !stay.contains(&me.index()) {
        return Err(Fault::NoPart);
    }
    let mut body = Vec::new();
    Index::put_set(&stay, &mut body);
    let before = epoch.hash();
    me.write(log, (Step::Proposed, before), (body, &[]), &mut me.rng(Step::Proposed, &before))
}

fn may_stay(epoch: &Epoch, stay: &[Index]) -> bool {
    let draft = epoch.draft();
    stay.len() >= draft.threshold().into() && stay.iter().all(|i| draft.key(*i).is_some())
}

/// Who proposes a refresh, and who stays; `None` if that letter is missing.
///
/// # Errors
/// [`Fault`] if two members propose in one session, at another epoch, or with too few who stay.
pub fn proposed(epoch: &Epoch, log: &Log) -> Result<Option<(Index, Vec<Index>)>, Fault> {
    log.is_sound()?;
    let mut all = log.of(Step::Proposed);
    let Some((by, letter)) = all.next() else { return Ok(None) };
    if let Some((second, _)) = all.next() {
        return Err(Fault::Request(second));
    }
    if letter.heading().before != epoch.hash() {
        return Err(Fault::Differs { member: by, step: Step::Proposed });
    }
    let stay = read_all(letter, letter.body(), Index::read_set)?;
    if may_stay(epoch, &stay) { Ok(Some((by, stay))) } else { Err(malformed(letter)) }
}

/// Takes part up to the new share, which the caller keeps before it confirms.
///
/// # Errors
/// [`Fault`]: the session is over, and the old epoch stays.
pub fn prepare(holder: &Holder<'_>, log: &mut Log) -> Result<Progress<Prepared>, Fault> {
    let (by, stay) = proposed(holder.epoch, log)?.ok_or(Fault::NoPart)?;
    if !stay.contains(&holder.me.index()) {
        return Err(Fault::NoPart);
    }
    progress(run(holder, log, by, stay))
}

fn run(holder: &Holder<'_>, log: &mut Log, by: Index, stay: Vec<Index>) -> Result<Prepared, Held> {
    let (me, epoch, share) = (&holder.me, holder.epoch, holder.share()?);
    let before = step_hash([log.get(Step::Proposed, by).ok_or(Fault::NoPart)?]);
    let polynomials = draw(me, epoch, &before);
    let mut body = Vec::new();
    polynomials.iter().flat_map(Polynomial::commitments).for_each(|b| put_point(&b, &mut body));
    me.write(log, (Step::Renewals, before), (body, &[]), &mut me.rng(Step::Proposed, &before))?;

    let letters = log.all(Step::Renewals, &stay, &before)?;
    let (before, renewals) = (letters.hash(), read_renewals(epoch, &letters)?);
    let parts = parts(me, &polynomials, &stay);
    me.write(log, (Step::Renewed, before), (Vec::new(), &parts), &mut me.rng(Step::Renewed, &before))?;

    let letters = log.all(Step::Renewed, &stay, &before)?;
    let mut sums: Vec<Vec<Secret>> = share
        .secrets()
        .iter()
        .zip(&polynomials)
        .map(|(s, g)| vec![s.clone(), g.at(me.index().get())])
        .collect();
    for (from, letter) in letters.iter().filter(|(from, _)| *from != me.index()) {
        let values = read_values(me, letter, (from, epoch), &renewals)?;
        sums.iter_mut().zip(values).for_each(|(sum, value)| sum.push(value));
    }
    let keys = epoch.keys().iter().enumerate().map(|(k, a)| renewed_key(a, k, &renewals)).collect();
    let next = epoch.next(log.session(), keys).ok_or(Fault::Unusable)?;
    let secrets = sums.iter().map(Secret::sum).collect();
    // Checks every secret against the new keys.
    let share = Share::new(&next, me.index(), secrets).map_err(|_| Fault::Unusable)?;
    Ok(Prepared { epoch: next, share, before: letters.hash(), stay })
}

/// g_i of each key. The same each time.
fn draw(me: &Member<'_>, epoch: &Epoch, before: &Hash) -> Vec<Polynomial> {
    let (rng, t) = (&mut me.rng(Step::Renewals, before), epoch.draft().threshold().into());
    (0..epoch.key_count()).map(|_| Polynomial::without_constant(t, rng)).collect()
}

/// B_ik by member i: for each key, t − 1 of them.
type Renewals = BTreeMap<Index, Vec<Vec<RistrettoPoint>>>;

fn read_renewals(epoch: &Epoch, letters: &Letters<'_>) -> Result<Renewals, Fault> {
    let (m, t) = (epoch.key_count(), usize::from(epoch.draft().threshold()));
    let read =
        |letter: &Letter| read_all(letter, letter.body(), |r| (0..m).map(|_| points(r, t - 1)).collect());
    letters.iter().map(|(from, letter)| Ok((from, read(letter)?))).collect()
}

fn parts(me: &Member<'_>, polynomials: &[Polynomial], stay: &[Index]) -> Vec<Part> {
    let part = |to: &Index| {
        let values = polynomials.iter().flat_map(|g| g.at(to.get()).expose().to_bytes());
        (*to, Zeroizing::new(values.collect()))
    };
    stay.iter().filter(|to| **to != me.index()).map(part).collect()
}

/// g_i(j) of each key, after `g_i(j)·G = Σ_k j^k·B_ik`.
fn read_values(
    me: &Member<'_>,
    letter: &Letter,
    (from, epoch): (Index, &Epoch),
    renewals: &Renewals,
) -> Result<Vec<Secret>, Fault> {
    let part = me.open(letter)?;
    let read = |r: &mut Reader<'_>| (0..epoch.key_count()).map(|_| Secret::read(r)).collect();
    let values: Vec<Secret> = read_all(letter, &part, read)?;
    let at = me.index().get();
    let shown = renewals.get(&from).into_iter().flatten().map(|b| vartime_at(b, 1, at));
    if values.iter().map(Secret::times_g).eq(shown) { Ok(values) } else { Err(Fault::Share(from)) }
}

/// A'_k of one key.
fn renewed_key(a: &[RistrettoPoint], key: usize, renewals: &Renewals) -> Vec<RistrettoPoint> {
    let mut sums = a.to_vec();
    for b in renewals.values().filter_map(|keys| keys.get(key)) {
        sums.iter_mut().skip(1).zip(b).for_each(|(sum, b)| *sum += b);
    }
    sums
}

/// Says that the new share is kept, and ends the refresh when all who stay have said so. The old share may be
/// erased then.
///
/// # Errors
/// [`Fault`]: the session is over, and the old epoch stays.
pub fn confirm(me: &Member<'_>, prepared: &Prepared, log: &mut Log) -> Result<Progress<Group>, Fault> {
    log.is_sound()?;
    let Prepared { epoch, stay, before, .. } = prepared;
    let body = epoch.hash().as_bytes().to_vec();
    me.write(log, (Step::Prepared, *before), (body, &[]), &mut me.rng(Step::Prepared, before))?;
    let all = || -> Result<Group, Held> {
        let letters = log.all(Step::Prepared, stay, before)?;
        if let Some((i, _)) = letters.iter().find(|(_, l)| l.body() != epoch.hash().as_bytes()) {
            return Err(Fault::OtherKeys(i).into());
        }
        let letters = letters.iter().map(|(_, letter)| letter.clone()).collect();
        Ok(Group::new(epoch.clone(), letters).ok_or(Fault::NoPart)?)
    };
    progress(all())
}
