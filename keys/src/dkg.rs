//! Key generation: n members make keys that none of them ever holds.
//!
//! ```text
//! Drafted ─▶ Packages ─▶ Shares ─▶ Confirmed ─▶ Drilled ─▶ epoch 0
//!
//! packages   for each key: commitments A_i0 … A_i(t−1) to a polynomial f_i, and a proof that A_i0's secret is known
//! shares     f_i(j) of each key, encrypted to member j; everybody checks f_j(i)·G = Σ_k i^k·A_jk
//! confirmed  H(epoch), which all sign; and nonces for two drills
//! drilled    the first t and the last t members sign; other purposes: a partial of each member
//! ```
//!
//! Pedersen's key generation with the proofs of FROST (ePrint 2020/852, figure 1). Each letter names all
//! letters of the step before, so a member who received something else does not go on. A group exists when all
//! n confirmed the same keys **and** the drills succeeded: a share that was mangled on its way to a disk is
//! noticed before anything depends on it.
//!
//! Guaranteed if at least n − t + 1 members follow the protocol: no one knows the key, and no member could make
//! its own key the sum (a rogue key). Not guaranteed: that the key is uniform (the last member to speak can
//! shift it a little, which does not help against Schnorr signatures), and that key generation ends: one silent
//! or false member ends it; the fault names a false one. Start again without it.
#![deny(clippy::indexing_slicing)]

use std::collections::BTreeMap;

use curve25519_dalek::ristretto::RistrettoPoint;
use frost_ristretto255 as frost;
use frost_ristretto255::keys::VerifiableSecretSharingCommitment;
use frost_ristretto255::keys::dkg::{self, round1, round2};
use zeroize::Zeroizing;

use crate::codec::Reader;
use crate::curve::{Secret, point};
use crate::draft::{Draft, Index, Purpose};
use crate::epoch::{Epoch, Group};
use crate::fault::Fault;
use crate::letter::{Letter, SessionId, Step};
use crate::log::{Held, Letters, Log, Progress, progress};
use crate::member::{Member, Part, malformed, read_all};
use crate::partial::{Partial, drill_point};
use crate::pool;
use crate::register::Register;
use crate::request::Request;
use crate::share::Share;
use crate::signing::{NonceCommitments, Nonces, Package, identifier};
use crate::tag::{self, Hash, tagged};

/// What a member has when key generation is complete.
#[derive(Clone, Debug)]
pub struct Generated {
    /// The public part.
    pub group: Group,
    /// The member's secret.
    pub share: Share,
}

/// The session of a draft's key generation.
#[must_use]
pub fn session(draft: &Draft) -> SessionId {
    tagged(tag::SESSION, &[b"dkg", draft.id().as_bytes()])
}

/// Goes as far as the letters in the log allow, and puts this member's own letters there.
///
/// # Errors
/// [`Fault`]: the session is over.
pub fn advance(
    me: &Member<'_>,
    log: &mut Log,
    register: &mut impl Register,
) -> Result<Progress<Generated>, Fault> {
    log.is_sound()?;
    progress(run(me, log, register))
}

fn run(me: &Member<'_>, log: &mut Log, register: &mut impl Register) -> Result<Generated, Held> {
    let all: Vec<Index> = me.draft().indexes().collect();
    let drafted = me.draft().id();
    let state = Packages::begin(me, log)?;
    let letters = log.all(Step::Packages, &all, &drafted)?;
    let (before, (state, parts)) = (letters.hash(), state.receive(me, &letters)?);
    me.write(log, (Step::Shares, before), (Vec::new(), &parts), &mut me.rng(Step::Shares, &before))?;

    let letters = log.all(Step::Shares, &all, &before)?;
    let (before, state) = (letters.hash(), state.receive(me, &letters)?);
    let (state, body) = state.confirm(me, &before)?;
    me.write(log, (Step::Confirmed, before), (body, &[]), &mut me.rng(Step::Confirmed, &before))?;

    let letters = log.all(Step::Confirmed, &all, &before)?;
    let (before, state) = (letters.hash(), state.receive(&letters)?);
    if register.close(&log.session(), &before).map_err(|_| Fault::Register)? != before {
        return Err(Fault::Closed.into());
    }
    let (state, body) = state.drill(me, &before)?;
    me.write(log, (Step::Drilled, before), (body, &[]), &mut me.rng(Step::Drilled, &before))?;

    let letters = log.all(Step::Drilled, &all, &before)?;
    let made = state.receive(&letters)?;
    if me.draft().purpose() == Purpose::Coin {
        pool::begin(made.group.epoch(), register)?;
    }
    Ok(made)
}

/// This member's polynomials, one for each key.
struct Packages {
    secrets: Vec<round1::SecretPackage>,
}

impl Packages {
    fn begin(me: &Member<'_>, log: &mut Log) -> Result<Self, Fault> {
        let (draft, before) = (me.draft(), me.draft().id());
        let rng = &mut me.rng(Step::Packages, &before);
        let (n, t) = (draft.members().len() as u16, draft.threshold().into());
        let (mut secrets, mut body) = (Vec::new(), Vec::new());
        for _ in 0..draft.purpose().keys() {
            let made = dkg::part1(identifier(me.index()), n, t, &mut *rng);
            let (secret, package) = made.map_err(|_| Fault::Unusable)?;
            let bytes = package.commitment().serialize_whole().map_err(|_| Fault::Unusable)?;
            body.extend_from_slice(&bytes);
            let proof = package.proof_of_knowledge().serialize().map_err(|_| Fault::Unusable)?;
            body.extend_from_slice(&proof);
            secrets.push(secret);
        }
        me.write(log, (Step::Packages, before), (body, &[]), rng)?;
        Ok(Self { secrets })
    }

    /// Checks all proofs and computes the shares of the others.
    fn receive(self, me: &Member<'_>, letters: &Letters<'_>) -> Result<(Shares, Vec<Part>), Fault> {
        let mut packages: Vec<BTreeMap<Index, round1::Package>> = vec![BTreeMap::new(); self.secrets.len()];
        for (from, letter) in letters.iter() {
            let read = read_packages(me.draft(), letter)?;
            packages.iter_mut().zip(read).for_each(|(key, package)| key.extend([(from, package)]));
        }
        let others = || me.draft().indexes().filter(|i| *i != me.index());
        let mut parts: Vec<Part> = others().map(|i| (i, Zeroizing::default())).collect();
        let mut secrets = Vec::with_capacity(self.secrets.len());
        for (secret, packages) in self.secrets.into_iter().zip(&packages) {
            let of_others = by_identifier(packages, me.index());
            let (secret, shares) = dkg::part2(secret, &of_others).map_err(|e| culprit(me.draft(), &e))?;
            for (to, part) in &mut parts {
                let share = shares.get(&identifier(*to)).ok_or(Fault::NoPart)?;
                part.extend_from_slice(&Zeroizing::new(share.signing_share().serialize()));
            }
            secrets.push(secret);
        }
        Ok((Shares { secrets, packages }, parts))
    }
}

fn read_packages(draft: &Draft, letter: &Letter) -> Result<Vec<round1::Package>, Fault> {
    let (m, t) = (draft.purpose().keys(), usize::from(draft.threshold()));
    let package = |r: &mut Reader<'_>| {
        let wrong = crate::codec::DecodeError::Value("a package");
        let commitment = VerifiableSecretSharingCommitment::deserialize_whole(r.take(32 * t)?);
        let proof = frost::Signature::deserialize(r.take(64)?);
        Ok(round1::Package::new(commitment.map_err(|_| wrong)?, proof.map_err(|_| wrong)?))
    };
    read_all(letter, letter.body(), |r| (0..m).map(|_| package(r)).collect())
}

fn by_identifier<T: Clone>(packages: &BTreeMap<Index, T>, except: Index) -> BTreeMap<frost::Identifier, T> {
    let others = packages.iter().filter(|(i, _)| **i != except);
    others.map(|(i, package)| (identifier(*i), package.clone())).collect()
}

/// The member that FROST's error names.
fn culprit(draft: &Draft, e: &frost::Error) -> Fault {
    let named = e.culprits().first().and_then(|c| draft.indexes().find(|i| identifier(*i) == *c));
    match (named, e) {
        (Some(i), frost::Error::InvalidProofOfKnowledge { .. }) => Fault::Proof(i),
        (Some(i), _) => Fault::Share(i),
        (None, _) => Fault::Unusable,
    }
}

/// The others' commitments, and what part 3 needs.
struct Shares {
    secrets: Vec<round2::SecretPackage>,
    packages: Vec<BTreeMap<Index, round1::Package>>,
}

/// The keys, and this member's share.
struct Keys {
    epoch: Epoch,
    share: Share,
}

impl Shares {
    /// Checks the shares from all others and adds them up.
    fn receive(self, me: &Member<'_>, letters: &Letters<'_>) -> Result<Keys, Fault> {
        let m = self.secrets.len();
        let mut received: Vec<BTreeMap<Index, round2::Package>> = vec![BTreeMap::new(); m];
        for (from, letter) in letters.iter().filter(|(from, _)| *from != me.index()) {
            let part = me.open(letter)?;
            let share = |bytes: &[u8]| frost::keys::SigningShare::deserialize(bytes).ok();
            let shares: Option<Vec<_>> = part.chunks(32).map(share).collect();
            let shares = shares.filter(|shares| shares.len() == m).ok_or_else(|| malformed(letter))?;
            received
                .iter_mut()
                .zip(shares)
                .for_each(|(key, s)| key.extend([(from, round2::Package::new(s))]));
        }
        let (mut keys, mut secrets) = (Vec::with_capacity(m), Vec::with_capacity(m));
        for ((secret, packages), shares) in self.secrets.iter().zip(&self.packages).zip(&received) {
            let (packages_of_others, shares) =
                (by_identifier(packages, me.index()), by_identifier(shares, me.index()));
            let made = dkg::part3(secret, &packages_of_others, &shares);
            let (key, _) = made.map_err(|e| culprit(me.draft(), &e))?;
            let bytes = Zeroizing::new(key.signing_share().serialize());
            secrets.push(Secret::read(&mut Reader::new(&bytes)).map_err(|_| Fault::Unusable)?);
            keys.push(sum_of_commitments(packages, me.draft().threshold())?);
        }
        let epoch = Epoch::new(me.draft().clone(), 0, session(me.draft()), keys).ok_or(Fault::Unusable)?;
        // Checks every secret against the keys.
        let share = Share::new(&epoch, me.index(), secrets).map_err(|_| Fault::Unusable)?;
        Ok(Keys { epoch, share })
    }
}

/// `A_k = Σ_i A_ik`.
fn sum_of_commitments(
    packages: &BTreeMap<Index, round1::Package>,
    t: u8,
) -> Result<Vec<RistrettoPoint>, Fault> {
    let mut sums = vec![RistrettoPoint::default(); t.into()];
    for package in packages.values() {
        let bytes = package.commitment().serialize_whole().map_err(|_| Fault::Unusable)?;
        let mut r = Reader::new(&bytes);
        for sum in &mut sums {
            *sum += point(&mut r).map_err(|_| Fault::Unusable)?;
        }
    }
    Ok(sums)
}

/// The sets that sign in the drills: the first t and the last t members.
fn drill_sets(draft: &Draft) -> [Vec<Index>; 2] {
    let t = draft.threshold().into();
    let mut last: Vec<Index> = draft.indexes().rev().take(t).collect();
    last.reverse();
    [draft.indexes().take(t).collect(), last]
}

fn drill_message(epoch: &Epoch, number: u64) -> Vec<u8> {
    Request::Drill { time: number }.message(epoch, &epoch.session())
}

/// The keys, and this member's nonces for the drills.
struct Confirmed {
    keys: Keys,
    nonces: Vec<Nonces>,
}

impl Keys {
    /// The body of the letter that confirms them: their hash, and for groups that sign two commitments.
    fn confirm(self, me: &Member<'_>, before: &Hash) -> Result<(Confirmed, Vec<u8>), Fault> {
        let mut body = self.epoch.hash().as_bytes().to_vec();
        let mut nonces = Vec::new();
        if me.draft().purpose().signs() {
            let rng = &mut me.rng(Step::Confirmed, before);
            for _ in 0..2 {
                let (secret, shown) = Nonces::generate(&self.share, 0, rng)?;
                shown.put(&mut body)?;
                nonces.push(secret);
            }
        }
        Ok((Confirmed { keys: self, nonces }, body))
    }
}

impl Confirmed {
    /// Checks that all confirm the same keys.
    fn receive(self, letters: &Letters<'_>) -> Result<Ready, Fault> {
        let (epoch, mut commitments) = (&self.keys.epoch, [BTreeMap::new(), BTreeMap::new()]);
        for (from, letter) in letters.iter() {
            let hash = letter.body().first_chunk().copied().map(Hash::from_bytes);
            if hash != Some(epoch.hash()) {
                return Err(Fault::OtherKeys(from));
            }
            let rest = letter.body().get(32..).unwrap_or_default();
            let count = if epoch.draft().purpose().signs() { 2 } else { 0 };
            let shown: Vec<NonceCommitments> =
                read_all(letter, rest, |r| (0..count).map(|_| NonceCommitments::read(r)).collect())?;
            commitments.iter_mut().zip(shown).for_each(|(set, shown)| set.extend([(from, shown)]));
        }
        for (set, members) in commitments.iter_mut().zip(drill_sets(epoch.draft())) {
            set.retain(|i, _| members.contains(i));
        }
        let letters = letters.iter().map(|(_, letter)| letter.clone()).collect();
        Ok(Ready { keys: self.keys, nonces: self.nonces, commitments, letters })
    }
}

/// Everything that the drills need.
struct Ready {
    keys: Keys,
    nonces: Vec<Nonces>,
    commitments: [BTreeMap<Index, NonceCommitments>; 2],
    letters: Vec<Letter>,
}

/// The drills, in which this member has had its part.
struct Drilled {
    keys: Keys,
    commitments: [BTreeMap<Index, NonceCommitments>; 2],
    letters: Vec<Letter>,
}

impl Ready {
    /// This member's part: a share of each signature of a set that it is in, or a partial.
    fn drill(self, me: &Member<'_>, before: &Hash) -> Result<(Drilled, Vec<u8>), Fault> {
        let Self { keys, nonces, commitments, letters } = self;
        let mut body = Vec::new();
        if me.draft().purpose().signs() {
            let sets = nonces.into_iter().zip(&commitments).zip(0..);
            for ((nonces, set), number) in sets.filter(|((_, set), _)| set.contains_key(&me.index())) {
                let package = Package::new(&keys.epoch, 0, &drill_message(&keys.epoch, number), set);
                body.extend_from_slice(&package.sign(&keys.share, nonces)?);
            }
        } else {
            let secret = keys.share.secret(0).ok_or(Fault::OtherShare)?;
            let point = drill_point(&drill_message(&keys.epoch, 0));
            body = Partial::new(secret, &point, &mut me.rng(Step::Drilled, before)).to_bytes();
        }
        Ok((Drilled { keys, commitments, letters }, body))
    }
}

impl Drilled {
    /// Checks both signatures, or all partials.
    fn receive(self, letters: &Letters<'_>) -> Result<Generated, Fault> {
        let epoch = &self.keys.epoch;
        if epoch.draft().purpose().signs() {
            let mut shares = [BTreeMap::new(), BTreeMap::new()];
            for (from, letter) in letters.iter() {
                let sets = self.commitments.iter().zip(&mut shares);
                let sets: Vec<_> = sets.filter(|(set, _)| set.contains_key(&from)).map(|(_, s)| s).collect();
                let read: Vec<[u8; 32]> =
                    read_all(letter, letter.body(), |r| sets.iter().map(|_| r.array()).collect())?;
                sets.into_iter().zip(read).for_each(|(set, share)| set.extend([(from, share)]));
            }
            for ((set, shares), number) in self.commitments.iter().zip(&shares).zip(0..) {
                Package::new(epoch, 0, &drill_message(epoch, number), set).aggregate(shares)?;
            }
        } else {
            let point = drill_point(&drill_message(epoch, 0));
            for (from, letter) in letters.iter() {
                let partial = read_all(letter, letter.body(), Partial::read)?;
                let y = epoch.verifying_share(0, from).ok_or(Fault::NoPart)?;
                if !partial.holds(&y, &point) {
                    return Err(Fault::SignatureShare(from));
                }
            }
        }
        let group = Group::new(self.keys.epoch, self.letters).ok_or(Fault::NoPart)?;
        Ok(Generated { group, share: self.keys.share })
    }
}
