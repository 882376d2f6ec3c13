//! The joint computation of an attempt, under either suite, and what the compute parties deliver of it.
//!
//! ```text
//! semi-honest   session → output share → encrypted shares for each result party    their commitments cross
//! malicious     session → outputs under the result parties' pads, known to both    nothing crosses
//! ```

use std::io::{Read, Write};

use rand_core::{CryptoRng, RngCore};

use super::error::AttemptError;
use crate::approval::Run;
use crate::codec::Codec;
use crate::hash::Digest;
use crate::input_commitment::{InputShare, owner};
use crate::job::{Job, PartyId};
use crate::messages::{receive, send};
use crate::multiparty::{Delegated, Functionality, Padded, Stream};
use crate::output_share::{AttemptOutputs, EncryptedOutputShare};
use crate::pad::pad;
use crate::receipt::Delivered;
use sotto_mpc::Bits;
use sotto_mpc::channel::{Channel, Framed, Phase};
use sotto_mpc::inputs::Holder;
use sotto_mpc::program::Program;
use sotto_mpc::protocol::malicious::{self, Inputs, Milestone, NotKept, OwnerTests, Settings};
use sotto_mpc::protocol::semi_honest::{Evaluator, Garbler, OutputShare, Reveal, Role, RunId, Terms};
use sotto_party::Identity;

/// Longest list of commitments to output shares.
const MAX_MESSAGE: usize = 1 << 26;

/// A session that is about to begin.
pub(super) struct Session<'a> {
    pub(super) role: Role,
    pub(super) run: Run<'a>,
    pub(super) us: PartyId,
    pub(super) identity: &'a Identity,
    /// What the compute parties call it.
    pub(super) id: RunId,
    /// Which attempt at the run, counted from 1.
    pub(super) attempt: u32,
    /// Where outputs come from.
    pub(super) outputs: AttemptOutputs<'a>,
    /// The shares of the contributors whose bits are with us, in the job's order.
    pub(super) shares: &'a [&'a InputShare],
}

/// What comes of it.
pub(super) struct SessionOutputs {
    /// For the facts.
    pub(super) outputs: Vec<Delivered>,
    /// What we deliver.
    pub(super) encrypted_shares: Vec<EncryptedOutputShare>,
    /// The hash of all messages but tables.
    pub(super) transcript: [u8; 32],
}

/// Who holds the bits of a party.
fn holder(job: &Job, party: PartyId) -> Holder {
    match party {
        party if party == job.garbler => Holder::Garbler,
        party if party == job.evaluator => Holder::Evaluator,
        _ => Holder::Shared,
    }
}

impl Session<'_> {
    /// Computes with a party that follows the protocol.
    pub(super) fn semi_honest<P: Functionality, S: Read + Write>(
        self,
        program: &P,
        channel: Framed<S>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(SessionOutputs, Framed<S>), AttemptError> {
        let job = self.run.job();
        let holders = job.inputs.iter().map(|input| holder(job, input.party)).collect();
        let program = Delegated::new(program, holders);
        let program = program.ok_or(AttemptError::Malformed("number of input parties"))?;
        // The attempt is in the run id; the session counts nothing.
        let terms = Terms { run: self.id, attempt: self.attempt, reveal: Reveal::ResultParty };
        let mut inputs = Bits::with_capacity(self.shares.iter().map(|share| share.bits().len()).sum());
        self.shares.iter().for_each(|share| inputs.extend(share.bits().iter()));
        let (output_share, transcript, mut channel) =
            semi_honest(self.role, channel, (&program, terms), &inputs, rng)?;
        let shares = self.outputs.encrypted_shares(self.us, &output_share, rng);
        let encrypted_shares = shares.ok_or(AttemptError::Key)?;
        let ours: Vec<Digest> = encrypted_shares.iter().map(|share| share.commitment).collect();
        send(&mut channel, Phase::Outputs, &ours.to_prefixed("sotto halves v1\0"))?;
        let theirs = receive(&mut channel, Phase::Outputs, MAX_MESSAGE)?;
        let theirs = Vec::<Digest>::from_prefixed("sotto halves v1\0", &theirs);
        let theirs = theirs.ok().filter(|theirs| theirs.len() == ours.len());
        let theirs = theirs.ok_or(AttemptError::Malformed("list of outputs"))?;
        let outputs =
            job.result_parties().into_iter().zip(ours.iter().zip(&theirs)).map(|(result_party, (a, b))| {
                let (garbler, evaluator) = if self.role == Role::Garbler { (*a, *b) } else { (*b, *a) };
                Delivered { result_party, garbler, evaluator }
            });
        Ok((SessionOutputs { outputs: outputs.collect(), encrypted_shares, transcript }, channel))
    }

    /// Computes with a party that may do anything.
    pub(super) fn malicious<P: Functionality + Sync, S: Read + Write>(
        self,
        (program, settings): (&P, Settings),
        channel: Framed<S>,
        keep: &mut dyn FnMut(Milestone) -> Result<(), NotKept>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(SessionOutputs, Framed<S>), AttemptError> {
        let job = self.run.job();
        let stream = |party| Stream { holder: holder(job, party), outputs: job.outputs_of(party) };
        let program = Padded::new(program, job.streams().into_iter().map(stream).collect());
        let program = program.ok_or(AttemptError::Malformed("number of input parties"))?;
        let (bits, owners) = self.entered()?;
        let inputs = Inputs { bits: &bits, owners: &owners };
        // Attempts are counted from 0 there.
        let attempt = self.attempt.saturating_sub(1);
        let terms = Terms { run: self.id, attempt, reveal: Reveal::Both };
        let (padded, transcript, channel) = match self.role {
            Role::Garbler => {
                let session = malicious::Garbler::new(channel, &program, terms, settings).hello(rng)?;
                let session = session.set_up(rng)?.execute_for_owners(inputs, keep, rng)?;
                (session.output().map(<[bool]>::to_vec), session.transcript(), session.close())
            }
            Role::Evaluator => {
                let session = malicious::Evaluator::new(channel, &program, terms, settings).hello(rng)?;
                let session = session.set_up(rng)?.execute_for_owners(inputs, keep, rng)?;
                (session.output().map(<[bool]>::to_vec), session.transcript(), session.close())
            }
        };
        let padded = padded.and_then(|padded| self.outputs.padded_outputs(&padded));
        let encrypted_shares = padded.ok_or(AttemptError::Malformed("number of outputs"))?;
        let outputs = encrypted_shares.iter().map(|padded| {
            let (result_party, both) = (padded.result_party, padded.commitment);
            Delivered { result_party, garbler: both, evaluator: both }
        });
        Ok((SessionOutputs { outputs: outputs.collect(), encrypted_shares, transcript }, channel))
    }

    /// The bits that we enter, stream by stream, and the tests of those that others gave us.
    fn entered(&self) -> Result<(Bits, Vec<OwnerTests<'_>>), AttemptError> {
        let (job, mut bits, mut owners) = (self.run.job(), Bits::default(), Vec::new());
        let mut shares = self.shares.iter();
        for party in job.streams() {
            let is_shared = holder(job, party) == Holder::Shared;
            if !is_shared && party != self.us {
                continue;
            }
            if job.contributor_of(party).is_some() {
                let share = shares.next().ok_or(AttemptError::Malformed("number of input shares"))?;
                bits.extend(share.bits().iter());
                if is_shared && !share.bits().is_empty() {
                    let owner = owner(job, self.run.number(), party);
                    owners.push(OwnerTests { owner, tests: share.tests(job, self.attempt) });
                }
            }
            if party == self.us {
                let pad_bits = job.pad_bits(party, self.outputs.widths);
                bits.extend(pad(self.identity, &self.outputs.run_id.0, pad_bits).iter());
            }
        }
        Ok((bits, owners))
    }
}

/// The joint computation: our output share of all outputs, the transcript's hash, and the channel.
fn semi_honest<C: Channel, P: Program>(
    role: Role,
    channel: C,
    (program, terms): (&P, Terms),
    inputs: &Bits,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(OutputShare, [u8; 32], C), AttemptError> {
    Ok(match role {
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
