//! One attempt of the two compute parties at a run: straight-line code over one channel.
//!
//! ```text
//! begin     openings cross       same job, run, approvals and inputs? → attempt number, run id      no secret is sent
//!           ── the caller stores the run id and debits the run ──
//! compute   the session          encrypted output shares for all result parties, facts, our statement
//!           ── the caller stores them ──
//! exchange  statements cross     a receipt that both signed, and the other party's encrypted output share for us
//! ```
//!
//! Each step consumes the one before it. Our signature leaves only after our outputs are stored, so a receipt
//! proves that both output shares exist and can be delivered again without computing again. If both compute
//! parties stored the outputs of one attempt and lost the connection before the signatures crossed, the next
//! attempt notices that at its beginning and only exchanges signatures.
//!
//! A compute party that is also a result party receives its outputs like any other result party: neither
//! compute party sees more than output shares before the receipt is signed.
//!
//! Nothing is computed after the job's expiry, and a result that took longer than the job's limit is not
//! signed. Both are measured by the compute party's own clock.

use rand_core::{CryptoRng, RngCore};
use std::io::{Read, Write};

use super::approval::Run;
use super::hash::Digest;
use super::input_commitment::{InputCommitment, InputShare};
use super::job::{Job, PartyId};
use super::messages::{MessageError, receive, send};
use super::output_share::{AttemptOutputs, EncryptedOutputShare};
use super::receipt::{Delivered, Facts, Receipt, Statement};
use super::run_id::{Opening, run_id, session_id};
use crate::codec::{Codec, record};
use crate::multiparty::{Delegated, Functionality};
use sotto_mpc::Bits;
use sotto_mpc::channel::{Channel, ChannelError, Framed, Phase};
use sotto_mpc::inputs::Holder;
use sotto_mpc::program::Program;
use sotto_mpc::protocol::semi_honest::{Evaluator, Garbler, OutputShare, Reveal, Role, SessionError, Terms};
use sotto_party::Identity;

/// Longest message between the compute parties beside the session itself.
const MAX_MESSAGE: usize = 1 << 26;

/// How far ahead of ours the other compute party's attempt number may be. Each number is used once, so one that
/// jumps to the end of all numbers would leave none for the run.
const MAX_AHEAD: u32 = 1000;

/// Why an attempt failed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttemptError {
    /// The other compute party is gone or out of step: another attempt may succeed.
    #[error("the other compute party left or was cut off: {0}")]
    Channel(#[from] ChannelError),
    /// The session failed.
    #[error(transparent)]
    Session(SessionError),
    /// The other compute party wants another job, run or inputs: no attempt will succeed.
    #[error("the other compute party has {0}")]
    Differs(&'static str),
    /// A party signed twice, and the compute parties have different ones of its signatures: no attempt will
    /// succeed.
    #[error(
        "{0} signed this job twice, and the other compute party has another of its signatures than we have"
    )]
    Approval(String),
    /// The job's time is over.
    #[error("the job has expired")]
    Expired,
    /// More seconds than the job allows.
    #[error("the joint computation took longer than {0} s, which the job sets as its limit")]
    TooLong(u32),
    /// The other compute party said something that makes no sense.
    #[error("invalid {0} from the other compute party")]
    Malformed(&'static str),
    /// The other compute party signed other facts.
    #[error("the other compute party did not sign the facts that we saw")]
    Unsigned,
    /// A result party's key cannot be encrypted to.
    #[error("the encryption key of a result party cannot be used")]
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

impl From<MessageError> for AttemptError {
    fn from(error: MessageError) -> Self {
        match error {
            MessageError::Channel(error) => Self::Channel(error),
            MessageError::Codec(_) | MessageError::Length(_) => Self::Malformed("message"),
        }
    }
}

impl AttemptError {
    /// Whether another attempt may succeed. Where somebody alters what passes, the next would end as this
    /// one.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        !matches!(
            self,
            Self::Differs(_)
                | Self::Approval(_)
                | Self::Expired
                | Self::TooLong(_)
                | Self::Key
                | Self::Channel(ChannelError::Altered { .. })
        )
    }
}

/// What a compute party knows of the run when it begins.
#[derive(Clone, Copy, Debug)]
pub struct AttemptContext<'k> {
    /// Which run of what was agreed.
    pub run: Run<'k>,
    /// The inputs, in the job's order.
    pub input_commitments: &'k [InputCommitment],
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
    /// Our output shares.
    pub encrypted_shares: Vec<EncryptedOutputShare>,
}
record!(Computed { facts, statement, encrypted_shares });

/// A finished run, as a compute party keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// What both signed.
    pub receipt: Receipt,
    /// Our output shares, to be delivered.
    pub encrypted_shares: Vec<EncryptedOutputShare>,
    /// The other's output share of our own outputs, if we receive any.
    pub ours: Option<EncryptedOutputShare>,
}
record!(Finished { receipt, encrypted_shares, ours });

/// What the compute parties send each other last.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Signature {
    statement: Statement,
    encrypted_share: Option<EncryptedOutputShare>,
}
record!(Signature { statement, encrypted_share });

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
    pub(crate) fn computed(&self, is_garbler: bool) -> Computed {
        let Receipt { facts, garbler, evaluator } = self.receipt.clone();
        let statement = if is_garbler { garbler } else { evaluator };
        Computed { facts, statement, encrypted_shares: self.encrypted_shares.clone() }
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

/// The compute parties agree which attempt this is.
#[derive(Debug)]
pub struct Begun<'k, S> {
    known: AttemptContext<'k>,
    channel: Framed<S>,
    exported: [u8; 32],
    /// The attempt.
    pub attempt: u32,
    /// Its id.
    pub run_id: Digest,
    /// Whether both compute parties kept the outputs of this attempt, and only have to sign.
    pub is_computed: bool,
}

/// The channel between the two compute parties.
#[derive(Debug)]
pub struct AttemptChannel<S> {
    /// Messages in frames.
    pub framed: Framed<S>,
    /// The value that the encrypted channel exports: the same at both ends of one channel and nowhere else.
    pub exported: [u8; 32],
}

/// What a compute party keeps of earlier attempts.
#[derive(Clone, Copy, Debug)]
pub struct Earlier<'k> {
    /// The lowest attempt number that was not used.
    pub next: u32,
    /// What was computed and not signed.
    pub waiting: Option<&'k Computed>,
}

/// Opens an attempt.
///
/// # Errors
/// If the other compute party wants something else, or is gone.
pub fn begin<'k, S: Read + Write>(
    known: AttemptContext<'k>,
    channel: AttemptChannel<S>,
    Earlier { next, waiting }: Earlier<'_>,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Begun<'k, S>, AttemptError> {
    let AttemptChannel { framed: mut channel, exported } = channel;
    let mut nonce = [0; 32];
    rng.fill_bytes(&mut nonce);
    let ours = Opening {
        job: known.run.job().id(),
        run: known.run.number(),
        attempt: next,
        nonce,
        approvals: known.run.agreement().nonces().to_vec(),
        inputs: known.input_commitments.iter().map(InputCommitment::digest).collect(),
        waiting: waiting.map(|computed| computed.facts.run_id),
    };
    send(&mut channel, Phase::Hello, &ours.to_prefixed(Opening::PREFIX))?;
    let theirs = receive(&mut channel, Phase::Hello, MAX_MESSAGE)?;
    let theirs =
        Opening::from_prefixed(Opening::PREFIX, &theirs).map_err(|_| AttemptError::Malformed("opening"))?;
    compare(known.run.job(), &ours, &theirs)?;
    if let (Some(computed), true) = (waiting, theirs.waiting == ours.waiting) {
        let Facts { attempt, run_id, .. } = computed.facts;
        return Ok(Begun { known, channel, exported, attempt, run_id, is_computed: true });
    }
    let attempt = ours.attempt.max(theirs.attempt);
    let nonces = match known.role() {
        Role::Garbler => [ours.nonce, theirs.nonce],
        Role::Evaluator => [theirs.nonce, ours.nonce],
    };
    let run_id = run_id(known.run, attempt, known.input_commitments, nonces);
    Ok(Begun { known, channel, exported, attempt, run_id, is_computed: false })
}

/// Whether both compute parties open an attempt at the same run on the same inputs.
fn compare(job: &Job, ours: &Opening, theirs: &Opening) -> Result<(), AttemptError> {
    for (same, what) in
        [(theirs.job == ours.job, "another job"), (theirs.run == ours.run, "another run of the job")]
    {
        if !same {
            return Err(AttemptError::Differs(what));
        }
    }
    let mut approvals = job.ids().zip(theirs.approvals.iter().zip(&ours.approvals));
    if let Some((party, _)) = approvals.find(|(_, (theirs, ours))| theirs != ours) {
        return Err(AttemptError::Approval(job.party(party).name.to_string()));
    }
    if theirs.approvals.len() != ours.approvals.len() {
        return Err(AttemptError::Malformed("list of approvals"));
    }
    if theirs.inputs != ours.inputs {
        return Err(AttemptError::Differs("other inputs from the input parties"));
    }
    if theirs.attempt > ours.attempt.saturating_add(MAX_AHEAD) {
        return Err(AttemptError::Malformed("attempt number"));
    }
    Ok(())
}

impl AttemptContext<'_> {
    /// Which compute party we are.
    #[must_use]
    pub fn role(&self) -> Role {
        if self.run.job().garbler == self.us { Role::Garbler } else { Role::Evaluator }
    }

    fn other(&self) -> PartyId {
        let [garbler, evaluator] = self.run.job().compute_parties();
        if self.us == garbler { evaluator } else { garbler }
    }
}

/// Where the bits of each input party are.
#[must_use]
pub fn holders(job: &Job) -> Vec<Holder> {
    let holder = |input_party| match input_party {
        input_party if input_party == job.garbler => Holder::Garbler,
        input_party if input_party == job.evaluator => Holder::Evaluator,
        _ => Holder::Shared,
    };
    job.inputs.iter().map(|input| holder(input.party)).collect()
}

impl<S: Read + Write> Begun<'_, S> {
    /// The stream to the other compute party, to set how long it waits.
    pub fn stream(&mut self) -> &mut S {
        self.channel.get_mut()
    }

    /// Computes: `shares` are those of the input parties whose bits are with us, in the job's order. `clock`
    /// tells seconds since 1970.
    ///
    /// # Errors
    /// If the other compute party leaves or is out of step, the job has expired, or it took longer than the
    /// job allows.
    pub fn compute<P: Functionality>(
        self,
        program: &P,
        shares: &[&InputShare],
        clock: &mut impl FnMut() -> u64,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Computed, Self), AttemptError> {
        let Self { known, channel, exported, attempt, run_id, .. } = self;
        let (job, started) = (known.run.job(), clock());
        if started >= job.expiry {
            return Err(AttemptError::Expired);
        }
        let delegated = Delegated::new(program, holders(job));
        let delegated = delegated.ok_or(AttemptError::Malformed("number of input parties"))?;
        let terms = Terms { run: session_id(run_id, &exported), attempt, reveal: Reveal::ResultParty };
        let mut inputs = Bits::with_capacity(shares.iter().map(|share| share.bits().len()).sum());
        shares.iter().for_each(|share| inputs.extend(share.bits().iter()));
        let (output_share, transcript, mut channel) =
            session(&known, channel, Computing { program: &delegated, terms, inputs: &inputs }, rng)?;

        let widths: Vec<usize> = program.declaration().outputs().iter().map(|table| table.bits()).collect();
        let origin = AttemptOutputs { job, run_id, widths: &widths };
        let encrypted_shares =
            origin.encrypted_shares(known.us, &output_share, rng).ok_or(AttemptError::Key)?;
        let ours: Vec<Digest> =
            encrypted_shares.iter().map(|encrypted_share| encrypted_share.commitment).collect();
        send(&mut channel, Phase::Outputs, &ours.to_prefixed("sotto halves v1\0"))?;
        let theirs = receive(&mut channel, Phase::Outputs, MAX_MESSAGE)?;
        let theirs = Vec::<Digest>::from_prefixed("sotto halves v1\0", &theirs);
        let theirs = theirs.ok().filter(|theirs| theirs.len() == ours.len());
        let theirs = theirs.ok_or(AttemptError::Malformed("list of outputs"))?;
        let outputs =
            job.result_parties().into_iter().zip(ours.iter().zip(&theirs)).map(|(result_party, (a, b))| {
                let (garbler, evaluator) = if known.role() == Role::Garbler { (*a, *b) } else { (*b, *a) };
                Delivered { result_party, garbler, evaluator }
            });
        let facts = Facts {
            job: job.id(),
            run: known.run.number(),
            attempt,
            run_id,
            circuit: job.program.circuit,
            and_gates: job.program.and_gates,
            inputs: known.input_commitments.iter().map(InputCommitment::digest).collect(),
            outputs: outputs.collect(),
            transcript: Digest(transcript),
        };
        let (traffic, finished) = (channel.traffic(), clock());
        if finished.saturating_sub(started) > job.limits.seconds.into() {
            return Err(AttemptError::TooLong(job.limits.seconds));
        }
        let statement =
            Statement::sign(&facts, [started, finished], [traffic.sent, traffic.received], known.identity);
        let computed = Computed { facts, statement, encrypted_shares };
        Ok((computed, Self { known, channel, exported, attempt, run_id, is_computed: true }))
    }

    /// Exchanges signatures over what was computed and kept.
    ///
    /// # Errors
    /// If the other compute party leaves or signed something else.
    pub fn exchange(mut self, computed: &Computed) -> Result<Finished, AttemptError> {
        let Computed { facts, statement, encrypted_shares } = computed.clone();
        let (job, other) = (self.known.run.job(), self.known.other());
        let encrypted_share_for = |id, encrypted_shares: &[EncryptedOutputShare]| {
            encrypted_shares.iter().find(|encrypted_share| encrypted_share.result_party == id).cloned()
        };
        let ours = Signature {
            statement: statement.clone(),
            encrypted_share: encrypted_share_for(other, &encrypted_shares),
        };
        send(&mut self.channel, Phase::Outputs, &ours.to_prefixed("sotto signature v1\0"))?;
        let theirs = receive(&mut self.channel, Phase::Outputs, MAX_MESSAGE)?;
        let theirs = Signature::from_prefixed("sotto signature v1\0", &theirs);
        let theirs = theirs.map_err(|_| AttemptError::Malformed("signature"))?;
        if !theirs.statement.is_of(job, other, &facts) || !theirs.statement.is_within(job) {
            return Err(AttemptError::Unsigned);
        }
        let expects = encrypted_share_for(self.known.us, &encrypted_shares).is_some();
        if theirs.encrypted_share.as_ref().map(|encrypted_share| encrypted_share.result_party)
            != expects.then_some(self.known.us)
        {
            return Err(AttemptError::Malformed("output share of our outputs"));
        }
        let (garbler, evaluator) = match self.known.role() {
            Role::Garbler => (statement, theirs.statement),
            Role::Evaluator => (theirs.statement, statement),
        };
        Ok(Finished {
            receipt: Receipt { facts, garbler, evaluator },
            encrypted_shares,
            ours: theirs.encrypted_share,
        })
    }
}

/// What is computed: the program, its terms, and the bits that are with us.
struct Computing<'a, P> {
    program: &'a P,
    terms: Terms,
    inputs: &'a Bits,
}

/// The joint computation: our output share of all outputs, the transcript's hash, and the channel.
fn session<C: Channel, P: Program>(
    known: &AttemptContext<'_>,
    channel: C,
    computing: Computing<'_, P>,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(OutputShare, [u8; 32], C), AttemptError> {
    let Computing { program, terms, inputs } = computing;
    Ok(match known.role() {
        Role::Garbler => {
            let session = Garbler::new(channel, program, terms).hello(rng)?.set_up(rng)?;
            let (session, output_share) = session.execute_for_result_party(inputs, rng)?;
            (output_share, session.transcript(), session.close())
        }
        Role::Evaluator => {
            let session = Evaluator::new(channel, program, terms).hello(rng)?.set_up(rng)?;
            let (session, output_share) = session.execute_for_result_party(inputs)?;
            (output_share, session.transcript(), session.close())
        }
    })
}
