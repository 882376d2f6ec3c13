//! Pools: keys that serve once, for what t members make together, such as outputs that a group owns.
//!
//! ```text
//! Planned ─▶ Masked (each of the set) ─▶ Answered (each of the set) ─▶ answers, an opening, signatures
//!
//! planned   by any member: which keys, and what for
//! masked    M, N for each fresh key; D, E for each signature; over another base, λ_i·s_i·P, m·P, n·P for all but the last
//! answered  z_i for each fresh key (`masked.rs`), λ_i·(Σ s_added − Σ s_subtracted − s_mask), shares of the signatures
//! ```
//!
//! What the factors of the answers and the messages of the signatures are, the protocol that plans computes from
//! the sums of the masks: each member for itself, so none of them is told what it answers.
//!
//! **Once.** Before an answer leaves, the register of the installation closes every fresh key, by its public key,
//! on the letters that it answers: the same letters give the same answer again, others none, for ever. A pool is
//! bound to the installation where its keys were made. A share that was repaired, or copied elsewhere, makes
//! nothing new, because nobody there knows what it answered for before; it still spends and signs beside fresh
//! keys of sets without it. A session that fails has burnt its keys.
//!
//! Guaranteed if at most t − 1 members of a set lie: a false mask, answer or share names its member; what is
//! opened is hidden by a key that nothing else reveals; no key serves two plans. Not guaranteed: that a session
//! ends. Anything against a snapshot of the whole machine.
#![deny(clippy::indexing_slicing)]

use std::collections::BTreeMap;

use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;

use crate::codec::Reader;
use crate::curve::{Secret, lagrange, point, scalar};
use crate::draft::Index;
use crate::epoch::Epoch;
use crate::fault::Fault;
use crate::letter::{SessionId, Step, step_hash};
use crate::log::{Held, Letters, Log, Progress, progress};
pub use crate::masked::{Factors, Sums};
use crate::masked::{Masks, Shown};
use crate::member::{Holder, Member, malformed, read_all};
use crate::register::Register;
use crate::share::Share;
use crate::signing::{NonceCommitments, Nonces, Package};
use crate::tag::{self, Hash, tagged};

pub use crate::plan::{MAX_SETS, Plan, PoolKey};

/// The pool of a group at one epoch, in a protocol whose members agree on more than that.
#[derive(Clone, Copy, Debug)]
pub struct Pool<'e> {
    epoch: &'e Epoch,
    context: Hash,
    base: Option<RistrettoPoint>,
}

/// A plan that a member asks the others to carry out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Who asks.
    pub by: Index,
    /// For what.
    pub plan: Plan,
    /// Who carries it out.
    pub set: Vec<Index>,
    /// What the masks name.
    hash: Hash,
}

/// What members make of a plan once all masks are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// For each fresh key.
    pub factors: Vec<Factors>,
    /// For each signature.
    pub messages: Vec<Vec<u8>>,
}

/// What members made together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// `f·x + g·Σm + h·Σn` for each fresh key.
    pub answers: Vec<Scalar>,
    /// Σ added − Σ subtracted − the last fresh key.
    pub opened: Scalar,
    /// `R ‖ z` for each signature.
    pub signatures: Vec<[u8; 64]>,
}

/// A plan with the masks of all who carry it out.
#[derive(Debug)]
pub struct MaskedPlan<'e> {
    epoch: &'e Epoch,
    planned: Planned,
    hash: Hash,
    base: Option<RistrettoPoint>,
    shown: BTreeMap<Index, Vec<Shown>>,
    nonces: Vec<BTreeMap<Index, NonceCommitments>>,
}

impl<'e> MaskedPlan<'e> {
    /// The sums of what was shown for each fresh key.
    #[must_use]
    pub fn sums(&self) -> Vec<Sums> {
        let keys = self.shown.values().next().map_or(0, Vec::len);
        let of = |key| Shown::sum(self.shown.values().filter_map(move |all: &Vec<Shown>| all.get(key)));
        (0..keys).map(of).collect()
    }

    /// What each member has to answer.
    ///
    /// # Errors
    /// [`Fault::Unusable`] unless there are factors for each fresh key and a message for each signature.
    ///
    /// # Security
    /// `work` must follow from the plan and from [the sums](Self::sums), in a way that the request says and to which
    /// this member consented.
    pub fn work(self, work: Work) -> Result<Task<'e>, Fault> {
        let Plan { fresh, signed, .. } = &self.planned.plan;
        let fits = (work.factors.len(), work.messages.len()) == (fresh.len(), signed.len());
        if fits { Ok(Task { masked: self, work }) } else { Err(Fault::Unusable) }
    }
}

/// A plan whose members know what to answer.
#[derive(Debug)]
pub struct Task<'e> {
    masked: MaskedPlan<'e>,
    work: Work,
}

/// The entry of a register for a key, by its public key: it stays when shares are refreshed and members change.
fn entry(epoch: &Epoch, key: PoolKey) -> Result<SessionId, Fault> {
    let key = epoch.public_key(key.at()).ok_or(Fault::OtherShare)?;
    Ok(tagged(tag::POOL_KEY, &[&key]))
}

/// Notes that the keys of a pool were made at this installation.
pub(crate) fn begin(epoch: &Epoch, register: &mut impl Register) -> Result<(), Fault> {
    if is_begun(epoch, register, tag::POOL_MADE)? { Ok(()) } else { Err(Fault::Elsewhere) }
}

/// Closes the pool as made here or elsewhere, and returns whether it was made here.
fn is_begun(epoch: &Epoch, register: &mut impl Register, as_what: &str) -> Result<bool, Fault> {
    let entry = entry(epoch, PoolKey::ADDRESS)?;
    let on = register.close(&entry, &tagged(as_what, &[entry.as_bytes()])).map_err(|_| Fault::Register)?;
    Ok(on == tagged(tag::POOL_MADE, &[entry.as_bytes()]))
}

impl<'e> Pool<'e> {
    /// `context` stands for whatever else the members must have in common.
    #[must_use]
    pub const fn new(epoch: &'e Epoch, context: Hash) -> Self {
        Self { epoch, context, base: None }
    }

    /// The same pool, whose members show each key but the last of a plan over this base too, and answer over both;
    /// `None` unless it is a point other than the identity.
    #[must_use]
    pub fn over(self, base: &[u8; 32]) -> Option<Self> {
        let base = point(&mut Reader::new(base)).ok()?;
        Some(Self { base: Some(base), ..self })
    }

    fn before(&self) -> Hash {
        tagged(tag::POOL, &[self.epoch.hash().as_bytes(), self.context.as_bytes()])
    }

    /// Asks the members to carry out a plan.
    ///
    /// # Errors
    /// [`Fault::Request`] if it is none of this pool.
    pub fn plan(&self, me: &Member<'_>, log: &mut Log, plan: &Plan) -> Result<(), Fault> {
        plan.set(self.epoch.draft()).ok_or(Fault::Request(me.index()))?;
        let before = self.before();
        me.write(log, (Step::Planned, before), (plan.to_bytes(), &[]), &mut me.rng(Step::Planned, &before))
    }

    /// What the letters plan; `None` if the letter that does is not among them.
    ///
    /// # Errors
    /// [`Fault`] if two members plan in one session, at another epoch or in another context, or what no pool does.
    pub fn planned(&self, log: &Log) -> Result<Option<Planned>, Fault> {
        log.is_sound()?;
        let mut all = log.of(Step::Planned);
        let Some((by, letter)) = all.next() else { return Ok(None) };
        if all.next().is_some() {
            return Err(Fault::AskedTwice);
        }
        if letter.heading().before != self.before() {
            return Err(Fault::Differs { member: by, step: Step::Planned });
        }
        let plan = Plan::from_bytes(letter.body()).map_err(|_| malformed(letter))?;
        let set = plan.set(self.epoch.draft()).ok_or(Fault::Request(by))?;
        Ok(Some(Planned { by, plan, set, hash: step_hash([letter]) }))
    }

    /// Agrees to a plan: consents, and shows masks. A member that is not of the set agrees by doing nothing.
    ///
    /// # Errors
    /// [`Fault`], also if the share is of another epoch.
    pub fn agree(&self, holder: &Holder<'_>, log: &mut Log, planned: &Planned) -> Result<(), Fault> {
        let (me, share) = (&holder.me, holder.share()?);
        if !planned.set.contains(&me.index()) {
            return Ok(());
        }
        let (masks, nonces) = secrets(me, share, planned)?;
        let mut body = Vec::new();
        let shown = shown(planned, (me.index(), share), &masks, self.base.as_ref())?;
        shown.iter().for_each(|shown| shown.put(&mut body));
        for (_, shown) in &nonces {
            shown.put(&mut body)?;
        }
        // The randomness of the letter itself follows that of the secrets in no stream of theirs.
        let rng = &mut me.rng(Step::Answered, &planned.hash);
        me.write(log, (Step::Masked, planned.hash), (body, &[]), rng)
    }

    /// The masks of the whole set.
    ///
    /// # Errors
    /// [`Fault`]: the session is over.
    pub fn masked(&self, log: &Log, planned: &Planned) -> Result<Progress<MaskedPlan<'e>>, Fault> {
        progress(self.read_masks(log, planned))
    }

    fn read_masks(&self, log: &Log, planned: &Planned) -> Result<MaskedPlan<'e>, Held> {
        log.is_sound()?;
        let letters = log.all(Step::Masked, &planned.set, &planned.hash)?;
        let signed = &planned.plan.signed;
        let (mut shown, mut nonces) = (BTreeMap::new(), vec![BTreeMap::new(); signed.len()]);
        for (from, letter) in letters.iter() {
            let read = |r: &mut Reader<'_>| {
                let bases = bases(&planned.plan, self.base.as_ref());
                let masks = bases.map(|base| Shown::read(r, base)).collect::<Result<Vec<_>, _>>()?;
                let shown = signed.iter().map(|_| NonceCommitments::read(r)).collect::<Result<Vec<_>, _>>();
                Ok((masks, shown?))
            };
            let (masks, commitments) = read_all(letter, letter.body(), read)?;
            shown.insert(from, masks);
            nonces.iter_mut().zip(commitments).for_each(|(all, one)| all.extend([(from, one)]));
        }
        let (epoch, planned, hash) = (self.epoch, planned.clone(), letters.hash());
        Ok(MaskedPlan { epoch, planned, hash, base: self.base, shown, nonces })
    }
}

impl Task<'_> {
    /// Answers, if this member has agreed, and adds up the answers of all. A member without a part adds up those
    /// of others.
    ///
    /// # Errors
    /// [`Fault`]: the session is over, and the fresh keys of the plan are burnt.
    pub fn answer(
        &self,
        holder: &Holder<'_>,
        log: &mut Log,
        register: &mut impl Register,
    ) -> Result<Progress<Made>, Fault> {
        let (me, MaskedPlan { hash, shown, .. }) = (&holder.me, &self.masked);
        log.is_sound()?;
        if shown.contains_key(&me.index()) && log.get(Step::Answered, me.index()).is_none() {
            self.close(register)?;
            let body = self.own_answer(holder)?;
            let rng = &mut me.rng(Step::Answered, hash);
            me.write(log, (Step::Answered, *hash), (body, &[]), rng)?;
        }
        progress(self.add_up(log))
    }

    /// Closes every fresh key on these letters, before anything about it leaves.
    fn close(&self, register: &mut impl Register) -> Result<(), Fault> {
        let MaskedPlan { epoch, planned, hash, .. } = &self.masked;
        if !is_begun(epoch, register, tag::POOL_ELSEWHERE)? {
            return Err(Fault::Elsewhere);
        }
        for key in &planned.plan.fresh {
            let on = register.close(&entry(epoch, *key)?, hash).map_err(|_| Fault::Register)?;
            if on != *hash {
                return Err(Fault::KeyUsed(*key));
            }
        }
        Ok(())
    }

    fn own_answer(&self, holder: &Holder<'_>) -> Result<Vec<u8>, Fault> {
        let Self { masked, work } = self;
        let planned = &masked.planned;
        let (me, share, plan) = (&holder.me, holder.share()?, &planned.plan);
        let secret = |key: &PoolKey| share.secret(key.at()).ok_or(Fault::OtherShare);
        let (masks, nonces) = secrets(me, share, planned)?;
        // Another share or seed than that of the letter has other masks.
        let shown = shown(planned, (me.index(), share), &masks, masked.base.as_ref())?;
        if masked.shown.get(&me.index()) != Some(&shown) {
            return Err(Fault::OtherShare);
        }
        let (lambda, mut body) = (coefficient(planned, me.index()), Vec::new());
        for ((key, masks), factors) in plan.fresh.iter().zip(masks).zip(&work.factors) {
            body.extend_from_slice(masks.answer(secret(key)?, &lambda, factors)?.as_bytes());
        }
        let mut sum = Scalar::ZERO;
        for key in &plan.added {
            sum += secret(key)?.expose();
        }
        for key in plan.subtracted.iter().chain(plan.mask().iter()) {
            sum -= secret(key)?.expose();
        }
        body.extend_from_slice((lambda * Secret::new(sum).expose()).as_bytes());
        let messages = plan.signed.iter().zip(nonces).zip(&masked.nonces).zip(&work.messages);
        for (((key, (nonces, _)), shown), message) in messages {
            body.extend_from_slice(
                &Package::new(masked.epoch, key.at(), message, shown).sign(share, nonces)?,
            );
        }
        Ok(body)
    }

    fn add_up(&self, log: &Log) -> Result<Made, Held> {
        let Self { masked, work } = self;
        let MaskedPlan { epoch, planned, .. } = masked;
        let plan = &planned.plan;
        let letters = log.all(Step::Answered, &planned.set, &masked.hash)?;
        let mut answers = vec![Scalar::ZERO; plan.fresh.len()];
        let (mut opened, mut shares) = (Scalar::ZERO, vec![BTreeMap::new(); plan.signed.len()]);
        for (from, answer) in read_answers(&letters, plan)? {
            let lambda = coefficient(planned, from);
            let shown = masked.shown.get(&from).ok_or(Fault::NoPart)?;
            let factors = work.factors.iter().zip(bases(plan, masked.base.as_ref()));
            let checks = plan.fresh.iter().zip(shown).zip(factors).zip(&answer.answers);
            for (((key, shown), factors), z) in checks {
                let y = verifying_share(epoch, *key, from)?;
                if !shown.vartime_answered((&y, &lambda), factors, z) {
                    return Err(Fault::Answer(from).into());
                }
            }
            if Secret::new(answer.opened).times_g() != verifying_opening(epoch, plan, from)? * lambda {
                return Err(Fault::Answer(from).into());
            }
            answers.iter_mut().zip(&answer.answers).for_each(|(sum, z)| *sum += z);
            opened += answer.opened;
            shares.iter_mut().zip(answer.signatures).for_each(|(all, one)| all.extend([(from, one)]));
        }
        let mut signatures = Vec::new();
        let messages = plan.signed.iter().zip(&masked.nonces).zip(&work.messages).zip(&shares);
        for (((key, shown), message), shares) in messages {
            signatures.push(Package::new(epoch, key.at(), message, shown).aggregate(shares)?);
        }
        Ok(Made { answers, opened, signatures })
    }
}

fn verifying_share(epoch: &Epoch, key: PoolKey, member: Index) -> Result<RistrettoPoint, Fault> {
    epoch.verifying_share(key.at(), member).ok_or(Fault::OtherShare)
}

/// `Σ Y_added − Σ Y_subtracted − Y_mask` of a member.
fn verifying_opening(epoch: &Epoch, plan: &Plan, member: Index) -> Result<RistrettoPoint, Fault> {
    let mut sum = RistrettoPoint::default();
    for key in &plan.added {
        sum += verifying_share(epoch, *key, member)?;
    }
    for key in plan.subtracted.iter().chain(plan.mask().iter()) {
        sum -= verifying_share(epoch, *key, member)?;
    }
    Ok(sum)
}

type Signing = (Nonces, NonceCommitments);

/// Masks and nonces, which follow from the seed, the share and the plan.
fn secrets(me: &Member<'_>, share: &Share, planned: &Planned) -> Result<(Vec<Masks>, Vec<Signing>), Fault> {
    let rng = &mut me.rng(Step::Masked, &planned.hash);
    let mut masks = Vec::new();
    for key in &planned.plan.fresh {
        masks.push(Masks::generate(share.secret(key.at()).ok_or(Fault::OtherShare)?, rng));
    }
    let signed = planned.plan.signed.iter();
    let nonces = signed.map(|key| Nonces::generate(share, key.at(), rng)).collect::<Result<_, _>>()?;
    Ok((masks, nonces))
}

/// The other base for each fresh key but the mask, which hides what is opened and is in nothing else.
fn bases<'b>(
    plan: &Plan,
    base: Option<&'b RistrettoPoint>,
) -> impl Iterator<Item = Option<&'b RistrettoPoint>> {
    let last = plan.fresh.len().saturating_sub(1);
    (0..plan.fresh.len()).map(move |at| base.filter(|_| at < last))
}

/// What a member shows of its masks for each fresh key.
fn shown(
    planned: &Planned,
    (member, share): (Index, &Share),
    masks: &[Masks],
    base: Option<&RistrettoPoint>,
) -> Result<Vec<Shown>, Fault> {
    let lambda = coefficient(planned, member);
    let each = planned.plan.fresh.iter().zip(masks).zip(bases(&planned.plan, base));
    let one = |((key, masks), base): ((&PoolKey, &Masks), Option<&RistrettoPoint>)| match base {
        None => Ok(masks.shown()),
        Some(base) => {
            let secret = share.secret(key.at()).ok_or(Fault::OtherShare)?;
            Ok(masks.shown_over(base, secret, &lambda))
        }
    };
    each.map(one).collect()
}

/// λ_i(0) over the set of the plan.
fn coefficient(planned: &Planned, member: Index) -> Scalar {
    let set: Vec<u8> = planned.set.iter().map(|i| i.get()).collect();
    lagrange(&set, member.get(), 0)
}

/// What one member answered.
struct Answer {
    answers: Vec<Scalar>,
    opened: Scalar,
    signatures: Vec<[u8; 32]>,
}

fn read_answers(letters: &Letters<'_>, plan: &Plan) -> Result<Vec<(Index, Answer)>, Fault> {
    let read = |r: &mut Reader<'_>| {
        let answers = plan.fresh.iter().map(|_| scalar(r)).collect::<Result<_, _>>()?;
        let opened = scalar(r)?;
        let signatures = plan.signed.iter().map(|_| r.array()).collect::<Result<_, _>>()?;
        Ok(Answer { answers, opened, signatures })
    };
    letters.iter().map(|(from, letter)| Ok((from, read_all(letter, letter.body(), read)?))).collect()
}
