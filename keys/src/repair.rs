//! Repair: t members give a member its share again, and no other member learns anything.
//!
//! ```text
//! Lost ─▶ Authorised (t) ─▶ Helpers ─▶ Deltas ─▶ Sigmas ─▶ checked share
//!
//! for each key, in a set S of t helpers, for member r:
//!   ζ_i = λ_i(r) over S                    Σ_i ζ_i·s_i = s_r
//!   δ_ij random with Σ_j δ_ij = ζ_i·s_i    Δ_ij = δ_ij·G, sent to all; δ_ij encrypted to helper j
//!   σ_j = Σ_i δ_ij, encrypted to r         s_r = Σ_j σ_j
//! ```
//!
//! Laing and Stinson's repair (ePrint 2017/1155, section 3), which trusts its helpers, with commitments:
//!
//! ```text
//! everybody   Σ_j Δ_ij = ζ_i·Y_i           else helper i is named
//! helper j    δ_ij·G = Δ_ij                else helper i is named
//! member r    σ_j·G = Σ_i Δ_ij             else helper j is named
//! member r    s_r·G = Y_r                  always, before anything is stored
//! ```
//!
//! All four hold for what honest helpers send, and each value that passes is determined by public ones, so a
//! wrong share is never accepted and its sender never hidden. `Y_r` follows from the public keys for every
//! index, so a new member gets its share in the same way.
//!
//! **A repair gives a share to the holder of the member's key.** So each helper types the fingerprint of that key,
//! which it has from the person, and not from the letter. A thief of a party key must deceive t people. An old
//! copy of the share stays valid until the next refresh.
#![deny(clippy::indexing_slicing)]

use std::collections::BTreeMap;

use curve25519_dalek::ristretto::RistrettoPoint;
use zeroize::Zeroizing;

use crate::codec::Reader;
use crate::curve::{Secret, lagrange, points, put_point};
use crate::draft::Index;
use crate::epoch::Epoch;
use crate::fault::Fault;
use crate::letter::{Letter, Step, step_hash};
use crate::log::{Held, Letters, Log, Progress, progress};
use crate::member::{Holder, Member, Part, malformed, read_all};
use crate::share::Share;
use crate::tag::Hash;

/// How a repair ended for this member.
#[derive(Clone, Debug)]
pub enum Repaired {
    /// Its share is back, and was checked.
    Share(Share),
    /// It has helped another.
    Helped,
}

/// Why a member does not help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthoriseError {
    /// The fingerprint is that of another key.
    #[error("the fingerprint is not that of the key of member {0}")]
    Fingerprint(Index),
    /// The session is over, or no member asks.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Asks for one's share.
///
/// # Errors
/// [`Fault`].
pub fn ask(me: &Member<'_>, epoch: &Epoch, log: &mut Log) -> Result<(), Fault> {
    let before = epoch.hash();
    me.write(log, (Step::Lost, before), (Vec::new(), &[]), &mut me.rng(Step::Lost, &before))
}

/// Who asks for its share; `None` if that letter is missing.
///
/// # Errors
/// [`Fault`] if two members ask in one session, or at another epoch.
pub fn asked(epoch: &Epoch, log: &Log) -> Result<Option<Index>, Fault> {
    log.is_sound()?;
    let mut all = log.of(Step::Lost);
    let Some((lost, letter)) = all.next() else { return Ok(None) };
    if let Some((second, _)) = all.next() {
        return Err(Fault::Request(second));
    }
    if letter.heading().before != epoch.hash() {
        return Err(Fault::Differs { member: lost, step: Step::Lost });
    }
    Ok(Some(lost))
}

/// Agrees to help the member that asks, whose key has this fingerprint.
///
/// # Errors
/// [`AuthoriseError`].
///
/// # Security
/// `typed` comes from a person who had it from the member by another way than letters.
pub fn authorise(holder: &Holder<'_>, log: &mut Log, typed: &str) -> Result<(), AuthoriseError> {
    let (me, epoch) = (&holder.me, holder.epoch);
    let lost = asked(epoch, log)?.filter(|lost| *lost != me.index()).ok_or(Fault::NoPart)?;
    let key = me.draft().key(lost).ok_or(Fault::NoPart)?;
    if key.fingerprint() != typed.trim() {
        return Err(AuthoriseError::Fingerprint(lost));
    }
    holder.share()?;
    let before = before_authorised(log, lost)?;
    let rng = &mut me.rng(Step::Authorised, &before);
    Ok(me.write(log, (Step::Authorised, before), (Vec::new(), &[]), rng)?)
}

fn before_authorised(log: &Log, lost: Index) -> Result<Hash, Fault> {
    Ok(step_hash([log.get(Step::Lost, lost).ok_or(Fault::NoPart)?]))
}

/// Goes as far as the letters allow.
///
/// # Errors
/// [`Fault`]: the session is over, and a new one goes on without the member that the fault names.
pub fn advance(holder: &Holder<'_>, log: &mut Log) -> Result<Progress<Repaired>, Fault> {
    let lost = asked(holder.epoch, log)?.ok_or(Fault::NoPart)?;
    progress(run(holder, log, lost))
}

fn run(holder: &Holder<'_>, log: &mut Log, lost: Index) -> Result<Repaired, Held> {
    let (me, epoch) = (&holder.me, holder.epoch);
    let asked = before_authorised(log, lost)?;
    if lost == me.index() && log.get(Step::Helpers, lost).is_none() {
        choose(me, epoch, log, asked)?;
    }
    let Some(helpers) = log.get(Step::Helpers, lost) else {
        return Err(Held::Awaiting { step: Step::Helpers, from: vec![lost] });
    };
    let set = read_all(helpers, helpers.body(), Index::read_set)?;
    if set.len() != usize::from(epoch.draft().threshold()) || set.contains(&lost) {
        return Err(malformed(helpers).into());
    }
    if log.all(Step::Authorised, &set, &asked)?.hash() != helpers.heading().before {
        return Err(Fault::Differs { member: lost, step: Step::Helpers }.into());
    }
    let repair = Repair { epoch, lost, set, before: step_hash([helpers]) };
    let helper = holder.any_share().filter(|_| repair.set.contains(&me.index()));
    if let Some(share) = helper {
        let (body, parts) = repair.deltas(me, share)?;
        let rng = &mut me.rng(Step::Helpers, &repair.before);
        me.write(log, (Step::Deltas, repair.before), (body, &parts), rng)?;
    }
    let letters = log.all(Step::Deltas, &repair.set, &repair.before)?;
    let (before, deltas) = (letters.hash(), repair.check_deltas(&letters)?);
    if let Some(share) = helper {
        let sigma = repair.sigma(me, share, (&letters, &deltas))?;
        let rng = &mut me.rng(Step::Sigmas, &before);
        me.write(log, (Step::Sigmas, before), (Vec::new(), &[(lost, sigma)]), rng)?;
    }
    if lost != me.index() {
        return Ok(Repaired::Helped);
    }
    let letters = log.all(Step::Sigmas, &repair.set, &before)?;
    Ok(Repaired::Share(repair.add_up(me, &letters, &deltas)?))
}

/// Names the helpers, once enough agreed.
fn choose(me: &Member<'_>, epoch: &Epoch, log: &mut Log, asked: Hash) -> Result<(), Held> {
    let t = usize::from(epoch.draft().threshold());
    let answers = |letter: &Letter| letter.heading().before == asked;
    let agreed = log.of(Step::Authorised).filter(|(i, letter)| *i != me.index() && answers(letter));
    let set: Vec<Index> = agreed.map(|(i, _)| i).take(t).collect();
    if set.len() < t {
        let others = me.draft().indexes().filter(|i| *i != me.index() && !set.contains(i));
        return Err(Held::Awaiting { step: Step::Authorised, from: others.collect() });
    }
    let before = log.all(Step::Authorised, &set, &asked)?.hash();
    let mut body = Vec::new();
    Index::put_set(&set, &mut body);
    Ok(me.write(log, (Step::Helpers, before), (body, &[]), &mut me.rng(Step::Lost, &before))?)
}

/// Δ_ij by helper i: for each key, one for each helper j.
type Committed = BTreeMap<Index, Vec<Vec<RistrettoPoint>>>;

/// What is repaired, and by whom.
struct Repair<'e> {
    epoch: &'e Epoch,
    lost: Index,
    set: Vec<Index>,
    /// What deltas answer.
    before: Hash,
}

impl Repair<'_> {
    fn numbers(&self) -> Vec<u8> {
        self.set.iter().map(|i| i.get()).collect()
    }

    /// δ_ij of this helper: for each key, one for each helper j. The same each time.
    fn split(&self, me: &Member<'_>, share: &Share) -> Result<Vec<Vec<Secret>>, Fault> {
        share.fits(self.epoch).map_err(|_| Fault::OtherShare)?;
        let zeta = lagrange(&self.numbers(), me.index().get(), self.lost.get());
        let rng = &mut me.rng(Step::Deltas, &self.before);
        let split = |s: &Secret| {
            let mut deltas: Vec<Secret> = self.set.iter().skip(1).map(|_| Secret::random(rng)).collect();
            let rest = zeta * s.expose() - Secret::sum(&deltas).expose();
            deltas.push(Secret::new(rest));
            deltas
        };
        Ok(share.secrets().iter().map(split).collect())
    }

    fn deltas(&self, me: &Member<'_>, share: &Share) -> Result<(Vec<u8>, Vec<Part>), Fault> {
        let deltas = self.split(me, share)?;
        let mut body = Vec::new();
        deltas.iter().flatten().for_each(|delta| put_point(&delta.times_g(), &mut body));
        let part = |(at, to): (usize, &Index)| {
            let mine = deltas.iter().filter_map(|key| key.get(at));
            (*to, Zeroizing::new(mine.flat_map(|delta| delta.expose().to_bytes()).collect()))
        };
        let others = self.set.iter().enumerate().filter(|(_, to)| **to != me.index());
        Ok((body, others.map(part).collect()))
    }

    /// `Σ_j Δ_ij = ζ_i·Y_i` for every helper and key.
    fn check_deltas(&self, letters: &Letters<'_>) -> Result<Committed, Fault> {
        let (m, t, numbers) = (self.epoch.key_count(), self.set.len(), self.numbers());
        let mut all = Committed::new();
        for (i, letter) in letters.iter() {
            // A delta is the identity with negligible probability.
            let deltas: Vec<_> = read_all(letter, letter.body(), |r| (0..m).map(|_| points(r, t)).collect())?;
            let zeta = lagrange(&numbers, i.get(), self.lost.get());
            let sums = deltas.iter().map(|key: &Vec<RistrettoPoint>| key.iter().sum::<RistrettoPoint>());
            if !sums.eq(self.epoch.verifying_shares(i).map(|y| y * zeta)) {
                return Err(Fault::Delta(i));
            }
            all.insert(i, deltas);
        }
        Ok(all)
    }

    /// σ_j of this helper, after `δ_ij·G = Δ_ij` for what every other helper sent.
    fn sigma(
        &self,
        me: &Member<'_>,
        share: &Share,
        (letters, committed): (&Letters<'_>, &Committed),
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let at = self.set.iter().position(|i| *i == me.index()).ok_or(Fault::NoPart)?;
        let mut sums: Vec<Vec<Secret>> =
            self.split(me, share)?.into_iter().map(|mut key| vec![key.swap_remove(at)]).collect();
        for (i, letter) in letters.iter().filter(|(i, _)| *i != me.index()) {
            let deltas = read_secrets(me, letter, self.epoch.key_count())?;
            let shown = committed.get(&i).into_iter().flatten().filter_map(|key| key.get(at)).copied();
            if !deltas.iter().map(Secret::times_g).eq(shown) {
                return Err(Fault::Delta(i));
            }
            sums.iter_mut().zip(deltas).for_each(|(sum, delta)| sum.push(delta));
        }
        let sigmas = sums.iter().map(Secret::sum);
        Ok(Zeroizing::new(sigmas.flat_map(|sigma| sigma.expose().to_bytes()).collect()))
    }

    /// The share, after `σ_j·G = Σ_i Δ_ij` for every helper and `s_r·G = Y_r`.
    fn add_up(&self, me: &Member<'_>, letters: &Letters<'_>, committed: &Committed) -> Result<Share, Fault> {
        let m = self.epoch.key_count();
        let mut sums: Vec<Vec<Secret>> = vec![Vec::new(); m];
        for (at, (j, letter)) in letters.iter().enumerate() {
            let sigmas = read_secrets(me, letter, m)?;
            let shown = |key: usize| -> RistrettoPoint {
                committed.values().filter_map(|deltas| deltas.get(key)?.get(at)).sum()
            };
            if !sigmas.iter().map(Secret::times_g).eq((0..m).map(shown)) {
                return Err(Fault::Sigma(j));
            }
            sums.iter_mut().zip(sigmas).for_each(|(sum, sigma)| sum.push(sigma));
        }
        let secrets = sums.iter().map(Secret::sum).collect();
        Share::new(self.epoch, self.lost, secrets).map_err(|_| Fault::Repaired)
    }
}

/// The scalars in this member's part of a letter, one for each key.
fn read_secrets(me: &Member<'_>, letter: &Letter, m: usize) -> Result<Vec<Secret>, Fault> {
    let part = me.open(letter)?;
    let read = |r: &mut Reader<'_>| (0..m).map(|_| Secret::read(r)).collect();
    read_all(letter, &part, read)
}
