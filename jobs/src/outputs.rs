//! Outputs on their way to their receivers: each computer seals its half, and only a receiver joins the two.
//!
//! ```text
//! parcel   sealed to the receiver, at (run id, receiver, computer): salt [32] ‖ bits u64 ‖ packed half
//! facts    a commitment to each half, which both computers sign
//! ```
//!
//! A receiver's parcel holds the bits of its outputs and of no other. It accepts halves that the receipt commits to, so a computer
//! cannot give one receiver another result than the one it signed. A computer that is a receiver itself is served in the same way.

use rand_core::{CryptoRng, RngCore};

use super::hash::Digest;
use super::receipt::{Facts, commit_half};
use super::spec::{Job, PartyId};
use crate::codec::Bytes;
use crate::codec::{Wire, record};
use sotto_mpc::Bits;
use sotto_mpc::protocol::semi_honest::OutputShare;
use sotto_party::Context;
use sotto_party::Identity;
use sotto_party::seal::{open, seal};

/// What an encrypted half of a receiver's outputs is for.
const SEALED: Context = Context::new("sotto half v1");

/// A computer's half of a receiver's outputs, sealed to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// To whom.
    pub receiver: PartyId,
    /// What the facts say of it.
    pub commitment: Digest,
    /// Opens to the receiver alone.
    pub sealed: Bytes,
}
record!(Parcel { receiver, commitment, sealed });

/// The two halves of a receiver are not what the receipt commits to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {0}'s half of the outputs is not the one that both computers signed for")]
pub struct BadHalf(&'static str);

/// What a receiver has in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its output bits, output by output, in the job's order.
    pub outputs: Vec<Vec<bool>>,
    /// The contents of the garbler's and the evaluator's parcel: with them anybody can check the outputs against the receipt.
    pub halves: [Vec<u8>; 2],
}

/// Where the outputs of an attempt come from.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'j> {
    /// The job.
    pub job: &'j Job,
    /// The attempt.
    pub run_id: Digest,
    /// Bits of each output, in the job's order.
    pub widths: &'j [usize],
}

impl Origin<'_> {
    /// A computer's half, sealed for each receiver; `None` if a key cannot be sealed to.
    pub fn parcels(
        &self,
        computer: PartyId,
        half: &OutputShare,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Option<Vec<Parcel>> {
        let parcel = |receiver| {
            let half = self.part_for(receiver, half)?;
            let mut salt = [0; 32];
            rng.fill_bytes(&mut salt);
            let commitment = commit_half(self.run_id, receiver, computer, &salt, &half);
            let count = (half.bits().len() as u64).to_le_bytes();
            let contents =
                zeroize::Zeroizing::new([&salt[..], &count, Bits::from(half.bits()).as_bytes()].concat());
            let key = &self.job.party(receiver).key;
            let sealed = seal(SEALED, key, &self.place(receiver, computer), &contents, rng)?;
            Some(Parcel { receiver, commitment, sealed: Bytes(sealed) })
        };
        self.job.receivers().into_iter().map(parcel).collect()
    }

    /// What the garbler and the evaluator sealed to a receiver.
    ///
    /// # Errors
    /// If a half does not open, or is not the one in the facts.
    pub fn join(
        &self,
        receiver: PartyId,
        identity: &Identity,
        facts: &Facts,
        [a, b]: [&[u8]; 2],
    ) -> Result<Received, BadHalf> {
        let [garbler, evaluator] = self.job.computers();
        let contents = |computer, sealed| {
            let contents = open(SEALED, identity, &self.place(receiver, computer), sealed);
            contents.map(|contents| contents.to_vec())
        };
        let a = contents(garbler, a).ok_or(BadHalf("garbler"))?;
        let b = contents(evaluator, b).ok_or(BadHalf("evaluator"))?;
        self.received(receiver, facts, [a, b])
    }

    /// What a receiver has that shows these halves.
    ///
    /// # Errors
    /// If one is not that in the facts.
    pub fn received(
        &self,
        receiver: PartyId,
        facts: &Facts,
        halves: [Vec<u8>; 2],
    ) -> Result<Received, BadHalf> {
        let [garbler, evaluator] = self.job.computers();
        let committed = facts.outputs.iter().find(|output| output.receiver == receiver);
        let committed = committed.ok_or(BadHalf("garbler"))?;
        let [a, b] = &halves;
        let a = self.half((receiver, garbler), a, committed.garbler).ok_or(BadHalf("garbler"))?;
        let b = self.half((receiver, evaluator), b, committed.evaluator).ok_or(BadHalf("evaluator"))?;
        let bits = a.combine(&b);
        let bits = bits.ok_or(BadHalf("evaluator"))?;
        let mut rest = &bits[..];
        let mut take = |output: usize| {
            let (now, later) = rest.split_at_checked(self.widths.get(output).copied()?)?;
            rest = later;
            Some(now.to_vec())
        };
        let outputs: Option<Vec<_>> = self.job.outputs_of(receiver).into_iter().map(&mut take).collect();
        let outputs = outputs.filter(|_| rest.is_empty()).ok_or(BadHalf("evaluator"))?;
        Ok(Received { outputs, halves })
    }

    /// The half that these contents of a parcel are, if it is the one that was committed to.
    fn half(
        &self,
        (receiver, computer): (PartyId, PartyId),
        contents: &[u8],
        commitment: Digest,
    ) -> Option<OutputShare> {
        let (salt, rest) = contents.split_first_chunk()?;
        let (count, packed) = rest.split_first_chunk()?;
        let half =
            OutputShare::from_bits(Bits::from_bytes(packed, u64::from_le_bytes(*count))?.iter().collect());
        let expected = commit_half(self.run_id, receiver, computer, salt, &half);
        (expected == commitment).then_some(half)
    }

    /// The bits of a receiver's outputs, out of a half of all; `None` if the widths are not those of the half.
    fn part_for(&self, receiver: PartyId, half: &OutputShare) -> Option<OutputShare> {
        let mine = self.job.outputs_of(receiver);
        let (mut rest, mut bits) = (half.bits(), Vec::new());
        for (output, width) in self.widths.iter().enumerate() {
            let (now, later) = rest.split_at_checked(*width)?;
            rest = later;
            if mine.contains(&output) {
                bits.extend_from_slice(now);
            }
        }
        rest.is_empty().then(|| OutputShare::from_bits(bits))
    }

    fn place(&self, receiver: PartyId, computer: PartyId) -> Vec<u8> {
        let mut place = self.run_id.0.to_vec();
        receiver.encode(&mut place);
        computer.encode(&mut place);
        place
    }
}
