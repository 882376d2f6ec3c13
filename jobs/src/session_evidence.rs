//! Evidence on a channel: both ends show what code they run before either sends a secret.
//!
//! ```text
//! caller                                     compute party
//!   challenge: nonce a              ──▶
//!                                   ◀──      proof: nonce b, evidence for (a, caller's key, run, exporter)
//!   judges, or hangs up
//!   proof: evidence for (b, …)      ──▶
//!                                            judges, or hangs up
//!   the request                     ──▶
//! ```
//!
//! An end that the job demands nothing of shows nothing. Evidence is bound to the job, the run, the verifier's nonce and
//! key, and to the value that this one channel exports (RFC 9266), so evidence that is relayed from elsewhere, repeated or
//! for another purpose is refused. A nonce is good for [`SESSION_LIFE`] seconds and for one answer. Who refuses hangs up and
//! says nothing; what the other learns, when it asks again, is that the run ended.
//!
//! Guaranteed: an end that returns [`Proven`] has judged all evidence that the job demands of the other; and what the other
//! would refuse for its code, its platform or its dates is not sent to it.
//!
//! Source: RFC 9266; evidence inside the handshake's certificate does not stop relaying (CVE-2026-33697), so it comes
//! after the handshake.

use crate::approval::Run;
use crate::evidence::{EvidenceError, Means, Shown, key, name};
use crate::hash::Digest;
use crate::job::PartyId;
use crate::messages::{MessageError, Request, RequestKind, Response};
use crate::run_id::evidence_run;
use sotto_mpc::channel::{Channel, ChannelError};
use sotto_tee::binding::{Challenge, SESSION_LIFE, Session};
use sotto_tee::evidence::MAX_EVIDENCE;
use sotto_tee::{Appraised, Binding, Evidence, Purpose};

/// Longest message of an exchange: evidence, a nonce and what is around them.
const MAX_MESSAGE: usize = MAX_EVIDENCE + 256;

/// Seconds that an exchange may take.
pub const LIFE: u64 = SESSION_LIFE;

/// One end of a channel.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// What the channel is for.
    pub run: Run<'a>,
    /// We.
    pub us: PartyId,
    /// Who has proved its key at the other end.
    pub them: PartyId,
    /// What the channel exports.
    pub exporter: [u8; 32],
}

/// An exchange that took place, as one end sees it; the default is one in which neither end showed anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proven {
    /// What the other would make of our evidence, if any was demanded.
    pub ours: Option<Appraised>,
    /// What the other showed, if any was demanded.
    pub theirs: Option<Appraised>,
}

/// Why an exchange ended early.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// The connection failed, or what came is no message of an exchange.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The other end does not take part in it.
    #[error("the other party does not show evidence now")]
    Other,
    /// The run is over at the other end, in its words.
    #[error("{0}")]
    Over(String),
    /// Evidence is not accepted.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
}

impl From<ChannelError> for ExchangeError {
    fn from(error: ChannelError) -> Self {
        Self::Message(error.into())
    }
}

impl End<'_> {
    /// Whether the job demands evidence of one of the two ends.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        [self.us, self.them].into_iter().any(|party| self.run.job().demand_of(party).is_some())
    }

    /// What our evidence must be for, to answer this nonce of theirs.
    #[must_use]
    pub fn binding(&self, nonce: Digest) -> Binding {
        let job = self.run.job();
        let purpose = Purpose::Session {
            job: job.id(),
            nonce,
            verifier: key(job, self.them),
            run: evidence_run(self.run),
            exporter: Digest(self.exporter),
        };
        Binding { party: key(job, self.us), purpose }
    }

    /// Our evidence for their nonce, and what they would make of it; nothing if none is demanded.
    ///
    /// # Errors
    /// If our platform gives none, or the job's policy refuses it.
    pub fn show(
        &self,
        means: &Means<'_>,
        nonce: Digest,
    ) -> Result<Option<(Evidence, Appraised)>, EvidenceError> {
        let job = self.run.job();
        if job.demand_of(self.us).is_none() {
            return Ok(None);
        }
        let binding = self.binding(nonce);
        let evidence = (means.prove)(&binding)?;
        let shown = Shown { party: self.us, evidence: &evidence, binding: &binding, now: (means.clock)() };
        let appraised = means.appraiser.appraise(job, &shown)?;
        Ok(Some((evidence, appraised)))
    }

    /// Judges what they show for our nonce, which is used up.
    ///
    /// # Errors
    /// If evidence is demanded and this is none, comes too late, is for something else or is refused.
    pub fn judge(
        &self,
        means: &Means<'_>,
        challenge: Challenge,
        shown: Option<&[u8]>,
    ) -> Result<Option<Appraised>, EvidenceError> {
        let (job, now) = (self.run.job(), (means.clock)());
        if job.demand_of(self.them).is_none() {
            return Ok(None);
        }
        let session = Session {
            party: key(job, self.them),
            job: job.id(),
            verifier: key(job, self.us),
            run: evidence_run(self.run),
            exporter: Digest(self.exporter),
        };
        let binding = challenge.binding(&session, now)?;
        let shown = shown.ok_or_else(|| EvidenceError::Missing(name(job, self.them)))?;
        let evidence = Evidence::decode(shown)
            .map_err(|why| EvidenceError::Malformed { party: name(job, self.them), why })?;
        let shown = Shown { party: self.them, evidence: &evidence, binding: &binding, now };
        means.appraiser.appraise(job, &shown).map(Some)
    }

    /// The caller's part.
    ///
    /// # Errors
    /// If the connection fails or evidence is not accepted; then nothing else may be sent on it.
    pub fn call(&self, means: &Means<'_>, channel: &mut impl Channel) -> Result<Proven, ExchangeError> {
        let challenge = Challenge::new((means.draw)(), (means.clock)());
        self.request(RequestKind::Challenge(challenge.nonce())).send(channel)?;
        let (nonce, evidence) = match Response::receive(channel, MAX_MESSAGE)? {
            Response::Proof { nonce, evidence } => (nonce, evidence),
            Response::Refused(why) => return Err(ExchangeError::Over(why)),
            _ => return Err(ExchangeError::Other),
        };
        let theirs = self.judge(means, challenge, evidence.as_deref())?;
        let (evidence, ours) = self.show(means, nonce)?.unzip();
        self.request(RequestKind::Proof(evidence.map(|evidence| evidence.encode()))).send(channel)?;
        self.diverse(means, Proven { ours, theirs })
    }

    /// The part of who was called and heard this nonce.
    ///
    /// # Errors
    /// As for [`call`](Self::call).
    pub fn answer(
        &self,
        means: &Means<'_>,
        nonce: Digest,
        channel: &mut impl Channel,
    ) -> Result<Proven, ExchangeError> {
        let (evidence, ours) = self.show(means, nonce)?.unzip();
        let challenge = Challenge::new((means.draw)(), (means.clock)());
        let evidence = evidence.map(|evidence| evidence.encode());
        Response::Proof { nonce: challenge.nonce(), evidence }.send(channel)?;
        let request = Request::receive(channel, MAX_MESSAGE)?;
        let (job, run) = (self.run.job().id(), self.run.number());
        let RequestKind::Proof(evidence) = request.kind else { return Err(ExchangeError::Other) };
        if (request.job, request.run) != (job, run) {
            return Err(ExchangeError::Other);
        }
        let theirs = self.judge(means, challenge, evidence.as_deref())?;
        self.diverse(means, Proven { ours, theirs })
    }

    /// If both ends compute, and no other party does: whether their platforms are as different as is asked. Of several compute
    /// parties each judges that once it has a line to all others.
    fn diverse(&self, means: &Means<'_>, proven: Proven) -> Result<Proven, ExchangeError> {
        let job = self.run.job();
        if job.compute_parties() == job.pair() && job.computes(self.us) && job.computes(self.them) {
            let both: Vec<_> = proven.ours.iter().chain(&proven.theirs).collect();
            means.appraiser.check_diversity(job, &both)?;
        }
        Ok(proven)
    }

    fn request(&self, kind: RequestKind) -> Request {
        Request { job: self.run.job().id(), run: self.run.number(), kind }
    }
}
