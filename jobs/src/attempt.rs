//! One attempt of the compute parties at a run: straight-line code over one channel, or over one to each other compute
//! party if there are more than two.
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
//! Against a malicious compute party, the caller keeps two milestones instead ([`Surroundings::keep`]): an attempt
//! counts from the first on, and from the second on there is no other. Result parties' outputs are under their pads,
//! and both compute parties know and sign the same.
//!
//! Nothing is computed after the job's expiry, and a result that took longer than the job's limit is not
//! signed. Both are measured by the compute party's own clock.

use rand_core::{CryptoRng, RngCore};
use std::io::{Read, Write};

mod channel;
mod error;
mod kept;
mod locking;
mod session;

pub use channel::AttemptChannel;
pub use error::AttemptError;
pub use kept::{Computed, Finished};
pub use session::{Executable, Session, SessionOutputs};

use kept::Signature;
use session::{Line, Task};

use super::approval::Run;
use super::evidence::{EvidenceError, Means, Shown};
use super::hash::Digest;
use super::input_commitment::{InputCommitment, InputShare};
use super::job::{Job, PartyId};
use super::messages::{receive, send};
use super::output_share::{AttemptOutputs, EncryptedOutputShare};
use super::receipt::{Facts, Receipt, Signer, Stated, Statement};
use super::run_id::{Opening, run_id};
use super::vouched::Vouched;
use crate::codec::Codec;
use crate::multiparty::{Functionality, Table};
use sotto_mpc::channel::{Framed, Phase};
use sotto_mpc::garble::Scheme;
use sotto_mpc::protocol::malicious::{Milestone, NotKept};
use sotto_mpc::protocol::semi_honest::Role;
use sotto_party::Identity;

/// Longest message between the compute parties beside the session itself.
const MAX_MESSAGE: usize = 1 << 26;

/// How far ahead of ours the other compute party's attempt number may be. Each number is used once, so one that
/// jumps to the end of all numbers would leave none for the run.
const MAX_AHEAD: u32 = 1000;

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
    /// What we show and judge evidence with, if the job asks for any.
    pub means: Option<&'k Means<'k>>,
}

/// The compute parties agree which attempt this is.
#[derive(Debug)]
pub struct Begun<'k, S> {
    known: AttemptContext<'k>,
    /// To each other compute party, in the job's order.
    channels: Vec<AttemptChannel<S>>,
    /// The attempt.
    pub attempt: u32,
    /// Its id.
    pub run_id: Digest,
    /// Whether all compute parties kept the outputs of this attempt, and only have to sign.
    pub is_computed: bool,
    /// How we propose to garble, if both compute parties are semi-honest.
    proposed: Scheme,
}

/// What a compute party keeps of earlier attempts.
#[derive(Clone, Copy, Debug)]
pub struct Earlier<'k> {
    /// The lowest attempt number that was not used.
    pub next: u32,
    /// What was computed and not signed.
    pub waiting: Option<&'k Computed>,
}

/// Opens an attempt of two compute parties.
///
/// # Errors
/// If the other compute party wants something else, or is gone.
pub fn begin<'k, S: Read + Write>(
    known: AttemptContext<'k>,
    channel: AttemptChannel<S>,
    earlier: Earlier<'_>,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Begun<'k, S>, AttemptError> {
    begin_with_all(known, vec![channel], earlier, rng)
}

/// Opens an attempt, over channels to all other compute parties in the job's order.
///
/// # Errors
/// If one of them wants something else, or is gone.
pub fn begin_with_all<'k, S: Read + Write>(
    known: AttemptContext<'k>,
    mut channels: Vec<AttemptChannel<S>>,
    Earlier { next, waiting }: Earlier<'_>,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Begun<'k, S>, AttemptError> {
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
    let all = exchange_openings(known.run.job(), known.us, &ours, &mut channels)?;
    let is_same = |opening: &Opening| opening.waiting == ours.waiting;
    if let (Some(computed), true) = (waiting, all.iter().all(is_same)) {
        let Facts { attempt, run_id, .. } = computed.facts;
        return Ok(Begun {
            known,
            channels,
            attempt,
            run_id,
            is_computed: true,
            proposed: Scheme::HalfGates,
        });
    }
    let attempt = all.iter().map(|opening| opening.attempt).fold(ours.attempt, u32::max);
    if let Some(settings) = known.run.job().malicious() {
        let most = settings.attempts.number();
        if waiting.is_some() {
            return Err(AttemptError::Opened);
        }
        if attempt > most {
            // Only our own count can end the run: a peer's may be anything.
            return Err(if ours.attempt > most {
                AttemptError::Exhausted(most)
            } else {
                AttemptError::Malformed("attempt number")
            });
        }
    }
    let nonces: Vec<_> = all.iter().map(|opening| opening.nonce).collect();
    let run_id = run_id(known.run, attempt, known.input_commitments, &nonces);
    Ok(Begun { known, channels, attempt, run_id, is_computed: false, proposed: Scheme::HalfGates })
}

/// Sends our opening to all other compute parties and compares theirs with it; those of all, in the job's order.
fn exchange_openings<S: Read + Write>(
    job: &Job,
    us: PartyId,
    ours: &Opening,
    channels: &mut [AttemptChannel<S>],
) -> Result<Vec<Opening>, AttemptError> {
    if channels.len() + 1 != job.compute_parties().len() {
        return Err(AttemptError::Malformed("number of channels"));
    }
    for AttemptChannel { framed, .. } in &mut *channels {
        send(framed, Phase::Hello, &ours.to_prefixed(Opening::PREFIX))?;
    }
    let mut all = Vec::new();
    let mut channels = channels.iter_mut();
    for party in job.compute_parties() {
        if party == us {
            all.push(ours.clone());
            continue;
        }
        let Some(AttemptChannel { framed, .. }) = channels.next() else { break };
        let theirs = receive(framed, Phase::Hello, MAX_MESSAGE)?;
        let theirs = Opening::from_prefixed(Opening::PREFIX, &theirs);
        let theirs = theirs.map_err(|_| AttemptError::Malformed("opening"))?;
        compare(job, ours, &theirs)?;
        all.push(theirs);
    }
    Ok(all)
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

    /// The other compute parties, in the job's order.
    pub(crate) fn others(&self) -> Vec<PartyId> {
        self.run.job().other_compute_parties(self.us)
    }

    /// The evidence behind our statement, if the job demands it.
    fn vouch(&self, facts: &Facts, now: u64) -> Result<Option<Vouched>, AttemptError> {
        let job = self.run.job();
        if job.demand_of(self.us).is_none() {
            return Ok(None);
        }
        let means = self.means.ok_or(EvidenceError::NoMeans)?;
        let binding = facts.binding(job, self.us);
        let evidence = (means.prove)(&binding).map_err(EvidenceError::from)?;
        let shown = Shown { party: self.us, evidence: &evidence, binding: &binding, now };
        Ok(Some(Vouched::new(means.appraiser.bundle(job, &shown)?)))
    }

    /// Judges the evidence behind another's statement, which fits the facts, with our own collateral.
    fn judge(&self, party: PartyId, vouched: Option<&Vouched>, facts: &Facts) -> Result<(), AttemptError> {
        let Some(vouched) = vouched else { return Ok(()) };
        let job = self.run.job();
        let means = self.means.ok_or(EvidenceError::NoMeans)?;
        let binding = facts.binding(job, party);
        let shown =
            Shown { party, evidence: &vouched.bundle().evidence, binding: &binding, now: (means.clock)() };
        Ok(means.appraiser.appraise(job, &shown).map(|_| ())?)
    }
}

/// The bits that the contributor at this place brings: of its input, and of its pad if it does not compute.
#[must_use]
pub fn contributed(job: &Job, program: &impl Functionality, place: usize) -> usize {
    let declaration = program.declaration();
    let input = if place < job.inputs.len() { declaration.input_bits(place) } else { 0 };
    let widths: Vec<usize> = declaration.outputs().iter().map(Table::bits).collect();
    let outside = job.contributors().get(place).copied().filter(|party| !job.computes(*party));
    input + outside.map_or(0, |party| job.pad_bits(party, &widths))
}

/// What an attempt needs of the world while it computes.
pub struct Surroundings<'a> {
    /// Tells seconds since 1970.
    pub clock: &'a mut dyn FnMut() -> u64,
    /// Keeps durably that this attempt reached a milestone. Only jobs against malicious compute parties have
    /// these: [`Event::Begun`](crate::run_state::Event::Begun) and
    /// [`Event::Opening`](crate::run_state::Event::Opening).
    pub keep: &'a mut dyn FnMut(Milestone) -> Result<(), NotKept>,
}

impl<S: Read + Write + Send> Begun<'_, S> {
    /// The streams to the other compute parties, to set how long each waits.
    pub fn streams(&mut self) -> impl Iterator<Item = &mut S> {
        self.channels.iter_mut().map(|channel| channel.framed.get_mut())
    }

    /// Which compute party we are.
    #[must_use]
    pub fn role(&self) -> Role {
        self.known.role()
    }

    /// The line to the other compute party, if there is one other and both are semi-honest.
    pub fn semi_honest_line(&mut self) -> Option<&mut Framed<S>> {
        match (self.known.run.job().malicious(), &mut self.channels[..]) {
            (None, [channel]) => Some(&mut channel.framed),
            _ => None,
        }
    }

    /// This attempt, with another scheme proposed than half gates. Three halves are used exactly if both semi-honest
    /// compute parties propose them.
    #[must_use]
    pub fn proposing(self, scheme: Scheme) -> Self {
        Self { proposed: scheme, ..self }
    }

    /// Computes: `shares` are those of the contributors whose bits are with us, in the job's order.
    ///
    /// # Errors
    /// If the other compute party leaves or is out of step, the job has expired, or it took longer than the
    /// job allows.
    pub fn compute(
        self,
        program: &impl Executable,
        shares: &[&InputShare],
        Surroundings { clock, keep }: Surroundings<'_>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Computed, Self), AttemptError> {
        let Self { known, mut channels, attempt, run_id, proposed, .. } = self;
        let (job, started) = (known.run.job(), clock());
        if started >= job.expiry {
            return Err(AttemptError::Expired);
        }
        let widths: Vec<usize> = program.declaration().outputs().iter().map(|table| table.bits()).collect();
        let outputs = AttemptOutputs { job, run_id, widths: &widths };
        let (role, run, us, identity) = (known.role(), known.run, known.us, known.identity);
        let task = Task { role, run, us, identity, run_id, attempt, outputs, shares, proposed };
        let lines = channels.iter_mut().map(Line::of).collect();
        let SessionOutputs { outputs, encrypted_shares, sold, transcript } =
            program.execute(Session { task, lines, keep, rng })?;
        let facts = Facts {
            job: job.id(),
            run: known.run.number(),
            attempt,
            run_id,
            circuit: job.program.circuit,
            and_gates: job.program.and_gates,
            inputs: known.input_commitments.iter().map(InputCommitment::digest).collect(),
            outputs,
            transcript: Digest(transcript),
            sold,
        };
        let finished = clock();
        if finished.saturating_sub(started) > job.limits.seconds.into() {
            return Err(AttemptError::TooLong(job.limits.seconds));
        }
        let signer = Signer { identity, vouched: known.vouch(&facts, finished)? };
        let traffic = channels.iter().map(|channel| channel.framed.traffic());
        let traffic =
            traffic.fold([0, 0], |[sent, received], one| [sent + one.sent, received + one.received]);
        let statement = Statement::sign_vouched(&facts, [started, finished], traffic, signer);
        let computed = Computed { facts, statement, encrypted_shares };
        Ok((computed, Self { known, channels, attempt, run_id, is_computed: true, proposed }))
    }

    /// Exchanges signatures over what was computed and kept.
    ///
    /// # Errors
    /// If another compute party leaves or signed something else.
    pub fn exchange(mut self, computed: &Computed) -> Result<Finished, AttemptError> {
        let Computed { facts, statement, encrypted_shares } = computed.clone();
        let job = self.known.run.job();
        let share_for = |id| encrypted_shares.iter().find(|share| share.result_party == id).cloned();
        let others = self.known.others();
        for (AttemptChannel { framed, .. }, other) in self.channels.iter_mut().zip(&others) {
            let ours = Signature { statement: statement.clone(), encrypted_share: share_for(*other) };
            send(framed, Phase::Outputs, &ours.to_versioned())?;
        }
        let (mut theirs, ours) = (Vec::new(), share_for(self.known.us));
        for (AttemptChannel { framed, .. }, other) in self.channels.iter_mut().zip(others) {
            let message = receive(framed, Phase::Outputs, MAX_MESSAGE)?;
            let signature = Signature::from_versioned(&message);
            let Signature { statement, encrypted_share } =
                signature.map_err(|_| AttemptError::Malformed("signature"))?;
            if !statement.is_of(job, other, &facts) || !statement.is_within(job) {
                return Err(AttemptError::Unsigned);
            }
            self.known.judge(other, statement.vouched(), &facts)?;
            let of = |share: &Option<EncryptedOutputShare>| share.as_ref().map(|share| share.result_party);
            // Of padded outputs all have the same.
            let is_same = !job.is_experimental() || encrypted_share == ours;
            if of(&encrypted_share) != of(&ours) || !is_same {
                return Err(AttemptError::Malformed("output share of our outputs"));
            }
            theirs.push((statement, encrypted_share));
        }
        Ok(finished(&self.known, computed, theirs))
    }
}

/// What all signed: our statement is at our place among those of the others.
fn finished(
    known: &AttemptContext<'_>,
    computed: &Computed,
    theirs: Vec<(Statement, Option<EncryptedOutputShare>)>,
) -> Finished {
    let Computed { facts, statement, encrypted_shares } = computed.clone();
    let (theirs, mut shares): (Vec<_>, Vec<_>) = theirs.into_iter().unzip();
    let (mut theirs, ours) = (theirs.into_iter(), shares.drain(..).next().flatten());
    let mut of = |party| if party == known.us { Some(statement.clone()) } else { theirs.next() };
    let mut all = known.run.job().compute_parties().into_iter().filter_map(&mut of);
    let (garbler, evaluator) = (all.next(), all.next());
    let further = all.collect();
    let receipt = Receipt {
        facts,
        garbler: garbler.unwrap_or_else(|| statement.clone()),
        evaluator: evaluator.unwrap_or_else(|| statement.clone()),
        further,
    };
    Finished { receipt, encrypted_shares, ours }
}
