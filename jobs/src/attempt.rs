//! One attempt of the two computers at a run: straight-line code over one channel.
//!
//! ```text
//! begin     openings cross       job, run, consents, inputs the same? → attempt number, run id         nothing secret was said
//!           ── the caller logs the run id, durably, and debits what is to be debited ──
//! compute   the session          parcels for all receivers, facts, our statement
//!           ── the caller keeps them, durably ──
//! exchange  statements cross     a receipt that both signed, and the other's parcel for us
//! ```
//!
//! Each step consumes the one before it. Only after our outputs are kept does our signature leave; so whoever holds a receipt
//! knows that both halves exist, and can deliver again without computing again. If both computers kept outputs of one attempt
//! and lost the connection before the signatures crossed, the next attempt finds that out at its beginning and only exchanges.
//!
//! Every output takes the way to a receiver who does not compute, also to a computer that receives: neither computer sees
//! more than halves before the receipt is signed.
//!
//! Nothing is computed after the job's expiry, and what took longer than the job's limit is not signed: by the computer's own clock.

use rand_core::{CryptoRng, RngCore};
use std::io::{Read, Write};

use super::consent::Agreement;
use super::hash::Digest;
use super::inputs::{Manifest, Share};
use super::outputs::{Origin, Parcel};
use super::post::{PostError, receive, send};
use super::receipt::{Delivered, Facts, Receipt, Statement};
use super::run::{Opening, run_id, session_id};
use super::spec::PartyId;
use crate::codec::{Wire, record};
use crate::joint::{Delegated, Joint};
use sotto_mpc::Bits;
use sotto_mpc::channel::{Channel, ChannelError, Framed, Phase};
use sotto_mpc::inputs::Holder;
use sotto_mpc::program::Program;
use sotto_mpc::protocol::semi_honest::{Evaluator, Garbler, OutputShare, Reveal, Role, SessionError, Terms};
use sotto_party::Identity;

/// Longest message between the computers beside the session itself.
const MAX_MESSAGE: usize = 1 << 26;

/// Why an attempt failed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttemptError {
    /// The other computer is gone or out of step: another attempt may succeed.
    #[error("the other computer left or was cut off: {0}")]
    Channel(#[from] ChannelError),
    /// The session failed.
    #[error(transparent)]
    Session(SessionError),
    /// The other computer wants another job, run or inputs: no attempt will succeed.
    #[error("the other computer has {0} than we have")]
    Differs(&'static str),
    /// A party signed twice, and the computers have different ones of its signatures: no attempt will succeed.
    #[error("{0} signed this job twice, and the other computer has another of its signatures than we have")]
    Consent(String),
    /// The job's time is over.
    #[error("the job has expired")]
    Expired,
    /// More seconds than the job allows.
    #[error("the joint computation took longer than {0} s, which the job sets as its limit")]
    TooLong(u32),
    /// The other computer said something that makes no sense.
    #[error("the other computer's {0} makes no sense")]
    Malformed(&'static str),
    /// The other computer signed other facts.
    #[error("the other computer did not sign the facts that we saw")]
    Unsigned,
    /// A receiver's key cannot be sealed to.
    #[error("nothing can be sealed to a receiver's key")]
    Key,
}

impl From<SessionError> for AttemptError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Channel(error) => Self::Channel(error),
            error => Self::Session(error),
        }
    }
}

impl From<PostError> for AttemptError {
    fn from(error: PostError) -> Self {
        match error {
            PostError::Channel(error) => Self::Channel(error),
            PostError::Wire(_) | PostError::Length(_) => Self::Malformed("message"),
        }
    }
}

impl AttemptError {
    /// Whether another attempt may succeed. Where somebody alters what passes, the next would end as this one.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        !matches!(
            self,
            Self::Differs(_)
                | Self::Consent(_)
                | Self::Expired
                | Self::TooLong(_)
                | Self::Key
                | Self::Channel(ChannelError::Altered { .. })
        )
    }
}

/// What a computer knows of the run when it begins.
#[derive(Clone, Copy, Debug)]
pub struct Known<'k> {
    /// What was agreed.
    pub agreement: &'k Agreement,
    /// Which run.
    pub run: u32,
    /// The inputs, in the job's order.
    pub manifests: &'k [Manifest],
    /// Who we are.
    pub us: PartyId,
    /// Our keys.
    pub identity: &'k Identity,
}

/// Our outputs of a finished computation, before the other's signature is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Computed {
    /// What we saw.
    pub facts: Facts,
    /// What we sign.
    pub statement: Statement,
    /// Our halves.
    pub parcels: Vec<Parcel>,
}
record!(Computed { facts, statement, parcels });

/// A finished run, as a computer keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// What both signed.
    pub receipt: Receipt,
    /// Our halves, to be delivered.
    pub parcels: Vec<Parcel>,
    /// The other's half of our own outputs, if we receive any.
    pub ours: Option<Parcel>,
}
record!(Finished { receipt, parcels, ours });

/// What the computers send each other last.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Signature {
    statement: Statement,
    parcel: Option<Parcel>,
}
record!(Signature { statement, parcel });

impl Computed {
    /// The form in which it is kept.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_prefixed("sotto computed v1\0")
    }

    /// What was kept, if it is that.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::from_prefixed("sotto computed v1\0", bytes).ok()
    }
}

impl Finished {
    /// What the garbler or the evaluator had computed before both signed.
    pub(super) fn computed(&self, is_garbler: bool) -> Computed {
        let Receipt { facts, garbler, evaluator } = self.receipt.clone();
        let statement = if is_garbler { garbler } else { evaluator };
        Computed { facts, statement, parcels: self.parcels.clone() }
    }

    /// The form in which it is kept.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_prefixed("sotto finished v1\0")
    }

    /// What was kept, if it is that.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::from_prefixed("sotto finished v1\0", bytes).ok()
    }
}

/// The computers agree which attempt this is.
#[derive(Debug)]
pub struct Begun<'k, S> {
    known: Known<'k>,
    channel: Framed<S>,
    exported: [u8; 32],
    /// The attempt.
    pub attempt: u32,
    /// Its id.
    pub run_id: Digest,
    /// Whether both computers kept the outputs of this attempt, and only have to sign.
    pub is_computed: bool,
}

/// Opens an attempt. `next` is the lowest attempt number that was not used, `waiting` what was computed and not signed.
///
/// # Errors
/// If the other computer wants something else, or is gone.
pub fn begin<'k, S: Read + Write>(
    known: Known<'k>,
    (mut channel, exported): (Framed<S>, [u8; 32]),
    next: u32,
    waiting: Option<&Computed>,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Begun<'k, S>, AttemptError> {
    let mut nonce = [0; 32];
    rng.fill_bytes(&mut nonce);
    let ours = Opening {
        job: known.agreement.job().id(),
        run: known.run,
        attempt: next,
        nonce,
        consents: known.agreement.nonces().to_vec(),
        inputs: known.manifests.iter().map(Manifest::digest).collect(),
        waiting: waiting.map(|computed| computed.facts.run_id),
    };
    send(&mut channel, Phase::Hello, &ours.to_prefixed(Opening::PREFIX))?;
    let theirs = receive(&mut channel, Phase::Hello, MAX_MESSAGE)?;
    let theirs =
        Opening::from_prefixed(Opening::PREFIX, &theirs).map_err(|_| AttemptError::Malformed("opening"))?;
    for (same, what) in
        [(theirs.job == ours.job, "another job"), (theirs.run == ours.run, "another run of the job")]
    {
        if !same {
            return Err(AttemptError::Differs(what));
        }
    }
    let job = known.agreement.job();
    let mut consents = job.ids().zip(theirs.consents.iter().zip(&ours.consents));
    if let Some((party, _)) = consents.find(|(_, (theirs, ours))| theirs != ours) {
        return Err(AttemptError::Consent(job.party(party).name.to_string()));
    }
    if theirs.consents.len() != ours.consents.len() {
        return Err(AttemptError::Malformed("list of consents"));
    }
    if theirs.inputs != ours.inputs {
        return Err(AttemptError::Differs("other inputs from the owners"));
    }
    if let (Some(computed), true) = (waiting, theirs.waiting == ours.waiting) {
        let Facts { attempt, run_id, .. } = computed.facts;
        return Ok(Begun { known, channel, exported, attempt, run_id, is_computed: true });
    }
    let attempt = ours.attempt.max(theirs.attempt);
    let nonces = match known.role() {
        Role::Garbler => [ours.nonce, theirs.nonce],
        Role::Evaluator => [theirs.nonce, ours.nonce],
    };
    let run_id = run_id(known.agreement, (known.run, attempt), known.manifests, nonces);
    Ok(Begun { known, channel, exported, attempt, run_id, is_computed: false })
}

impl Known<'_> {
    /// Which computer we are.
    #[must_use]
    pub fn role(&self) -> Role {
        if self.agreement.job().garbler == self.us { Role::Garbler } else { Role::Evaluator }
    }

    fn other(&self) -> PartyId {
        let [garbler, evaluator] = self.agreement.job().computers();
        if self.us == garbler { evaluator } else { garbler }
    }
}

/// Where the bits of each owner are.
#[must_use]
pub fn holders(agreement: &Agreement) -> Vec<Holder> {
    let job = agreement.job();
    let holder = |owner| match owner {
        owner if owner == job.garbler => Holder::Garbler,
        owner if owner == job.evaluator => Holder::Evaluator,
        _ => Holder::Shared,
    };
    job.inputs.iter().map(|input| holder(input.owner)).collect()
}

impl<S: Read + Write> Begun<'_, S> {
    /// The stream to the other computer, to set how long it waits.
    pub fn stream(&mut self) -> &mut S {
        self.channel.get_mut()
    }

    /// Computes: `shares` are those of the owners whose bits are with us, in the job's order. `clock` tells seconds since 1970.
    ///
    /// # Errors
    /// If the other computer leaves or is out of step, the job has expired, or it took longer than the job allows.
    pub fn compute<P: Joint>(
        self,
        program: &P,
        shares: &[&Share],
        clock: &mut impl FnMut() -> u64,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Computed, Self), AttemptError> {
        let Self { known, channel, exported, attempt, run_id, .. } = self;
        let (job, started) = (known.agreement.job(), clock());
        if started >= job.expiry {
            return Err(AttemptError::Expired);
        }
        let delegated = Delegated::new(program, holders(known.agreement));
        let delegated = delegated.ok_or(AttemptError::Malformed("number of owners"))?;
        let terms = Terms { run: session_id(run_id, &exported), attempt, reveal: Reveal::ResultParty };
        let mut inputs = Bits::with_capacity(shares.iter().map(|share| share.bits().len()).sum());
        shares.iter().for_each(|share| inputs.extend(share.bits().iter()));
        let (half, transcript, mut channel) = session(&known, channel, &delegated, terms, &inputs, rng)?;

        let widths: Vec<usize> = program.declaration().outputs().iter().map(|table| table.bits()).collect();
        let origin = Origin { job, run_id, widths: &widths };
        let parcels = origin.parcels(known.us, &half, rng).ok_or(AttemptError::Key)?;
        let ours: Vec<Digest> = parcels.iter().map(|parcel| parcel.commitment).collect();
        send(&mut channel, Phase::Outputs, &ours.to_prefixed("sotto halves v1\0"))?;
        let theirs = receive(&mut channel, Phase::Outputs, MAX_MESSAGE)?;
        let theirs = Vec::<Digest>::from_prefixed("sotto halves v1\0", &theirs);
        let theirs = theirs.ok().filter(|theirs| theirs.len() == ours.len());
        let theirs = theirs.ok_or(AttemptError::Malformed("list of outputs"))?;
        let outputs = job.receivers().into_iter().zip(ours.iter().zip(&theirs)).map(|(receiver, (a, b))| {
            let (garbler, evaluator) = if known.role() == Role::Garbler { (*a, *b) } else { (*b, *a) };
            Delivered { receiver, garbler, evaluator }
        });
        let facts = Facts {
            job: job.id(),
            run: known.run,
            attempt,
            run_id,
            circuit: job.program.circuit,
            and_gates: job.program.and_gates,
            inputs: known.manifests.iter().map(Manifest::digest).collect(),
            outputs: outputs.collect(),
            transcript: Digest(transcript),
        };
        let (traffic, finished) = (channel.traffic(), clock());
        if finished.saturating_sub(started) > job.limits.seconds.into() {
            return Err(AttemptError::TooLong(job.limits.seconds));
        }
        let statement =
            Statement::sign(&facts, [started, finished], [traffic.sent, traffic.received], known.identity);
        let computed = Computed { facts, statement, parcels };
        Ok((computed, Self { known, channel, exported, attempt, run_id, is_computed: true }))
    }

    /// Exchanges signatures over what was computed and kept.
    ///
    /// # Errors
    /// If the other computer leaves or signed something else.
    pub fn exchange(mut self, computed: &Computed) -> Result<Finished, AttemptError> {
        let Computed { facts, statement, parcels } = computed.clone();
        let (job, other) = (self.known.agreement.job(), self.known.other());
        let parcel_of = |id, parcels: &[Parcel]| parcels.iter().find(|parcel| parcel.receiver == id).cloned();
        let ours = Signature { statement: statement.clone(), parcel: parcel_of(other, &parcels) };
        send(&mut self.channel, Phase::Outputs, &ours.to_prefixed("sotto signature v1\0"))?;
        let theirs = receive(&mut self.channel, Phase::Outputs, MAX_MESSAGE)?;
        let theirs = Signature::from_prefixed("sotto signature v1\0", &theirs);
        let theirs = theirs.map_err(|_| AttemptError::Malformed("signature"))?;
        if !theirs.statement.is_of(job, other, &facts) || !theirs.statement.is_within(job) {
            return Err(AttemptError::Unsigned);
        }
        let expects = parcel_of(self.known.us, &parcels).is_some();
        if theirs.parcel.as_ref().map(|parcel| parcel.receiver) != expects.then_some(self.known.us) {
            return Err(AttemptError::Malformed("half of our outputs"));
        }
        let (garbler, evaluator) = match self.known.role() {
            Role::Garbler => (statement, theirs.statement),
            Role::Evaluator => (theirs.statement, statement),
        };
        Ok(Finished { receipt: Receipt { facts, garbler, evaluator }, parcels, ours: theirs.parcel })
    }
}

/// The joint computation: our half of all outputs, the transcript's hash, and the channel.
fn session<C: Channel, P: Program>(
    known: &Known<'_>,
    channel: C,
    program: &P,
    terms: Terms,
    inputs: &Bits,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(OutputShare, [u8; 32], C), AttemptError> {
    Ok(match known.role() {
        Role::Garbler => {
            let session = Garbler::new(channel, program, terms).hello(rng)?.set_up(rng)?;
            let (session, half) = session.execute_for_result_party(inputs, rng)?;
            (half, session.transcript(), session.close())
        }
        Role::Evaluator => {
            let session = Evaluator::new(channel, program, terms).hello(rng)?.set_up(rng)?;
            let (session, half) = session.execute_for_result_party(inputs)?;
            (half, session.transcript(), session.close())
        }
    })
}
