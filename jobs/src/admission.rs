//! Which request of which party a compute party takes, and how many connections each may hold.
//!
//! | request | from whom |
//! |---|---|
//! | deliver | input parties that do not compute, and result parties with pads, before the expiry |
//! | collect, confirmed | every party |
//! | compute, awaiting, stopped | the other compute parties, at the first of the job's order, the garbler |
//! | join | of several compute parties, those after us in the job's order, unless we are the first |
//! | post, fetch | buyer and payees of a sale, as their letters go ([`post`](crate::post)) |
//! | challenge, as the first of a connection | every party, if the job asks for evidence |
//! | proof | nobody: it answers a nonce, and is awaited there |
//!
//! All of them name the job and the run. A party holds at most [`MAX_CONNECTIONS`] connections: it needs one, and
//! a second while a broken one has not timed out.

use std::collections::BTreeMap;

use crate::approval::Run;
use crate::job::PartyId;
use crate::messages::{Request, RequestKind, Response};
use crate::post::{MAX_LETTER, Slot};

/// Most connections of one party at a time.
pub const MAX_CONNECTIONS: usize = 4;

/// What a compute party takes.
#[derive(Clone, Copy, Debug)]
pub struct Admission<'a> {
    /// The run.
    pub run: Run<'a>,
    /// The compute party.
    pub us: PartyId,
}

impl Admission<'_> {
    /// Whether a request of this client is taken now (seconds since 1970).
    ///
    /// # Errors
    /// The answer to one that is not.
    pub fn check(&self, client: PartyId, request: &Request, now: u64) -> Result<(), Response> {
        let job = self.run.job();
        let refused = |why: &str| Err(Response::Refused(why.to_owned()));
        if (request.job, request.run) != (job.id(), self.run.number()) {
            return refused("this is another job, or another run of it: compare the job's ids");
        }
        let is_allowed = match &request.kind {
            RequestKind::Deliver { .. } if now >= job.expiry => return refused("the job has expired"),
            RequestKind::Deliver { .. } => !job.computes(client) && job.contributor_of(client).is_some(),
            RequestKind::Collect | RequestKind::Confirmed => true,
            RequestKind::Challenge(_) => !job.attestation.is_none(),
            RequestKind::Proof(_) => false,
            RequestKind::Compute { .. } | RequestKind::Awaiting(_) | RequestKind::Stopped(_) => {
                client != job.garbler && job.computes(client) && self.us == job.garbler
            }
            RequestKind::Join { .. } => {
                let at = |party| job.compute_parties().into_iter().position(|id| id == party);
                self.us != job.garbler && at(self.us).is_some() && at(client) > at(self.us)
            }
            RequestKind::Post { letter, .. } if letter.0.len() > MAX_LETTER => {
                return refused("the letter is too long");
            }
            RequestKind::Post { to, slot, .. } => {
                slot.crosses(job, client, *to) && (*slot != Slot::Go || *to == self.us)
            }
            RequestKind::Fetch => job.sale.as_ref().is_some_and(|sale| sale.has_part(client)),
        };
        if is_allowed { Ok(()) } else { refused("the job does not give you that role") }
    }

    /// Whether a request of this client is taken only after its evidence: one with a secret, or whose line will carry some.
    #[must_use]
    pub fn needs_proof(&self, client: PartyId, kind: &RequestKind) -> bool {
        let has_secret = matches!(
            kind,
            RequestKind::Deliver { .. } | RequestKind::Compute { .. } | RequestKind::Join { .. }
        );
        has_secret && self.run.job().demand_of(client).is_some()
    }

    /// The same of an answer: of one that carries a share of the client's outputs. The compute parties send each other
    /// theirs where both have shown their evidence.
    #[must_use]
    pub fn answer_needs_proof(&self, client: PartyId, answer: &Response) -> bool {
        let job = self.run.job();
        let has_secret = matches!(answer, Response::Finished { encrypted_share: Some(_), .. });
        has_secret && !job.computes(client) && job.demand_of(client).is_some()
    }
}

/// The connections of each party.
#[derive(Debug, Default)]
pub struct Connections {
    open: BTreeMap<PartyId, usize>,
}

impl Connections {
    /// Takes a connection of a party; whether it may have another.
    pub fn open(&mut self, party: PartyId) -> bool {
        let open = self.open.entry(party).or_default();
        let has_room = *open < MAX_CONNECTIONS;
        *open += usize::from(has_room);
        has_room
    }

    /// A connection of a party ended.
    pub fn close(&mut self, party: PartyId) {
        if let Some(open) = self.open.get_mut(&party) {
            *open = open.saturating_sub(1);
        }
    }
}
