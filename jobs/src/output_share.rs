//! Outputs on their way to result parties: each compute party encrypts its output share, and only the result
//! party combines the two.
//!
//! ```text
//! encrypted output share   to the result party, for (run id, result party, compute party):
//!                          salt [32] ‖ bits u64 ‖ packed output share
//! facts                    a commitment to each output share, which both compute parties sign
//! ```
//!
//! An encrypted output share has the bits of the result party's outputs and of no others. A result party
//! accepts only output shares that the receipt commits to, so a compute party cannot give it another result
//! than the one it signed.
//!
//! Outputs that are sold are not among them. The buyer's parcel has its open outputs, as a parcel without a sale, and
//! after them the compute party's locked share of the sold ones ([`lock::share`](crate::lock::share)).
//!
//! If the job withstands a malicious compute party, there are no shares. Both compute parties know the outputs
//! under the result party's `pad`, sign their hash and deliver them as they are:
//!
//! ```text
//! padded outputs           bits u64 ‖ packed z ⊕ pad
//! ```

use rand_core::{CryptoRng, RngCore};

use super::hash::Digest;
use super::job::{Job, PartyId};
use super::lock::share::{LockedShare, LockedShareError};
use super::lock::{LockSecret, Place};
use super::receipt::{Facts, OutputSharePlace, commit_output_share, hash_padded, role};
use crate::codec::Bytes;
use crate::codec::record;
use sotto_mpc::Bits;
use sotto_mpc::protocol::semi_honest::OutputShare;
use sotto_party::Context;
use sotto_party::Identity;
use sotto_party::encryption::{decrypt, encrypt};

/// What an encrypted output share of a result party's outputs is for.
const OUTPUT_SHARE: Context = Context::new("sotto half v1");

/// A compute party's output share of a result party's outputs, encrypted to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedOutputShare {
    /// To whom.
    pub result_party: PartyId,
    /// What the facts say of it.
    pub commitment: Digest,
    /// Opens to the result party alone.
    pub encrypted: Bytes,
}
record!(EncryptedOutputShare { result_party, commitment, encrypted });

/// The two output shares of a result party are not what the receipt commits to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {0}'s output share is not the one that both compute parties signed for")]
pub struct WrongOutputShare(&'static str);

/// The padded outputs of a result party are not what both compute parties signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the {0} delivers other padded outputs than those that all compute parties signed for: there is no result"
)]
pub struct WrongPaddedOutputs(&'static str);

/// Outputs by their places in the job.
pub type OutputsByPlace = Vec<(usize, Vec<bool>)>;

/// Why sold outputs do not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOpened {
    /// Nothing was sold.
    #[error("the receipt names no outputs that are sold")]
    Nothing,
    /// A share does not open to what its compute party signed for.
    #[error("the {}: {why}", place.as_str())]
    Share {
        /// Whose.
        place: Place,
        /// Why.
        why: LockedShareError,
    },
    /// Both compute parties signed for other outputs than the job has.
    #[error("both compute parties signed for sold outputs of another size")]
    Widths,
}

/// What a result party has in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedOutputs {
    /// Its output bits, output by output, in the job's order.
    pub outputs: Vec<Vec<bool>>,
    /// The contents of the garbler's and the evaluator's encrypted output share: with them anybody can check
    /// the outputs against the receipt.
    pub output_shares: [Vec<u8>; 2],
    /// What each of them locked, if the party buys outputs.
    pub locked: Option<[Vec<u8>; 2]>,
}

/// What a compute party has at the end of its session.
#[derive(Clone, Copy, Debug)]
pub struct OwnShare<'a> {
    /// Who.
    pub computer: PartyId,
    /// Its share of all outputs.
    pub output_share: &'a OutputShare,
    /// Its locked share of those that are sold.
    pub locked: Option<&'a [u8]>,
}

/// Where the outputs of an attempt come from.
#[derive(Clone, Copy, Debug)]
pub struct AttemptOutputs<'j> {
    /// The job.
    pub job: &'j Job,
    /// The attempt.
    pub run_id: Digest,
    /// Bits of each output, in the job's order.
    pub widths: &'j [usize],
}

impl AttemptOutputs<'_> {
    /// A compute party's output share, encrypted for each result party; `None` if a key cannot be encrypted
    /// to.
    pub fn encrypted_shares(
        &self,
        OwnShare { computer: compute_party, output_share, locked }: OwnShare<'_>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Option<Vec<EncryptedOutputShare>> {
        let encrypted_share = |result_party| {
            let output_share = self.part_for(result_party, output_share)?;
            let locked = locked.filter(|_| self.buys(result_party)).unwrap_or_default();
            let mut salt = [0; 32];
            rng.fill_bytes(&mut salt);
            let place = self.place(result_party, compute_party);
            let commitment = commit_output_share(&place, &salt, &output_share);
            let count = (output_share.bits().len() as u64).to_le_bytes();
            let contents = zeroize::Zeroizing::new(
                [&salt[..], &count, Bits::from(output_share.bits()).as_bytes(), locked].concat(),
            );
            let key = &self.job.party(result_party).key;
            let encrypted = encrypt(OUTPUT_SHARE.at(&place.to_bytes()), key, &contents, rng)?;
            Some(EncryptedOutputShare { result_party, commitment, encrypted: Bytes(encrypted) })
        };
        self.job.result_parties().into_iter().map(encrypted_share).collect()
    }

    /// All padded outputs, for each result party its own; `None` if there are not as many as the widths say.
    #[must_use]
    pub fn padded_outputs(&self, all: &[bool]) -> Option<Vec<EncryptedOutputShare>> {
        let (mut rest, mut parts) = (all, Vec::new());
        for result_party in self.job.streams() {
            let (now, later) = rest.split_at_checked(self.job.pad_bits(result_party, self.widths))?;
            rest = later;
            let padded = Bits::from(now);
            let commitment = hash_padded(&self.run_id, result_party, &padded);
            let contents = [&(padded.len() as u64).to_le_bytes(), padded.as_bytes()].concat();
            parts.push(EncryptedOutputShare { result_party, commitment, encrypted: Bytes(contents) });
        }
        parts.retain(|part| !self.job.outputs_of(part.result_party).is_empty());
        parts.sort_by_key(|part| part.result_party);
        rest.is_empty().then_some(parts)
    }

    /// The outputs of a result party, from what the compute parties deliver, in the job's order, and its pad.
    ///
    /// # Errors
    /// If one delivers anything but what all signed.
    pub fn open(
        &self,
        result_party: PartyId,
        pad: &Bits,
        facts: &Facts,
        delivered: &[&[u8]],
    ) -> Result<Vec<Vec<bool>>, WrongPaddedOutputs> {
        let committed = facts.outputs.iter().find(|output| output.result_party == result_party);
        let committed = committed.ok_or(WrongPaddedOutputs("garbler"))?;
        let signed = |contents: &[u8], commitment: Digest, who| {
            let bits = contents.split_first_chunk().and_then(|(count, packed)| {
                Bits::from_bytes(packed, u64::from_le_bytes(*count)).filter(|bits| bits.len() == pad.len())
            });
            let is_signed = |bits: &Bits| hash_padded(&self.run_id, result_party, bits) == commitment;
            bits.filter(is_signed).ok_or(WrongPaddedOutputs(who))
        };
        let mut padded = Err(WrongPaddedOutputs(role(0)));
        for (place, contents) in delivered.iter().enumerate() {
            let commitment = if place == 1 { committed.evaluator } else { committed.garbler };
            // All signed one value, so these are the same.
            padded = Ok(signed(contents, commitment, role(place))?);
        }
        let padded = padded?;
        let mut bits = padded.xor(pad).iter().collect::<Vec<_>>().into_iter();
        let widths =
            self.job.outputs_of(result_party).into_iter().filter_map(|output| self.widths.get(output));
        Ok(widths.map(|width| bits.by_ref().take(*width).collect()).collect())
    }

    /// What the garbler and the evaluator encrypted to a result party.
    ///
    /// # Errors
    /// If an output share does not open, or is not the one in the facts.
    pub fn join(
        &self,
        result_party: PartyId,
        identity: &Identity,
        facts: &Facts,
        [a, b]: [&[u8]; 2],
    ) -> Result<JoinedOutputs, WrongOutputShare> {
        let [garbler, evaluator] = self.job.pair();
        let contents = |compute_party, encrypted| {
            let place = self.place(result_party, compute_party).to_bytes();
            let contents = decrypt(OUTPUT_SHARE.at(&place), identity, encrypted);
            contents.map(|contents| contents.to_vec())
        };
        let mut a = contents(garbler, a).ok_or(WrongOutputShare("garbler"))?;
        let mut b = contents(evaluator, b).ok_or(WrongOutputShare("evaluator"))?;
        let locked = if self.buys(result_party) {
            let first = split_off(&mut a).ok_or(WrongOutputShare("garbler"))?;
            let second = split_off(&mut b).ok_or(WrongOutputShare("evaluator"))?;
            Some([first, second])
        } else {
            None
        };
        self.received(result_party, facts, [a, b]).map(|joined| JoinedOutputs { locked, ..joined })
    }

    /// The outputs that were sold, with the secret of their lock.
    ///
    /// # Errors
    /// The compute party whose share does not open to what it signed for; a [`FalseShare`](crate::false_share::FalseShare)
    /// shows that to others.
    pub fn open_sold(
        &self,
        facts: &Facts,
        locked: &[Vec<u8>; 2],
        t: &LockSecret,
    ) -> Result<OutputsByPlace, NotOpened> {
        let sold = facts.sold.as_ref().ok_or(NotOpened::Nothing)?;
        let lock = sold.lock(facts.run_id).map_err(|_| NotOpened::Nothing)?;
        let [garbler, evaluator] = LockedShare::both(self.job.pair(), locked).map(|share| {
            sold.open(&lock, share, t).map_err(|why| NotOpened::Share { place: share.place, why })
        });
        let bits: Vec<bool> = garbler?.xor(&evaluator?).iter().collect();
        let mut rest = &bits[..];
        let mut outputs = Vec::new();
        for (output, width) in self.widths.iter().enumerate().filter(|(output, _)| self.job.is_sold(*output))
        {
            let (now, later) = rest.split_at_checked(*width).ok_or(NotOpened::Widths)?;
            outputs.push((output, now.to_vec()));
            rest = later;
        }
        if rest.is_empty() { Ok(outputs) } else { Err(NotOpened::Widths) }
    }

    /// Whether a party buys outputs.
    fn buys(&self, party: PartyId) -> bool {
        self.job.sale.as_ref().is_some_and(|sale| sale.buyer == party)
    }

    /// What a result party has that shows these output shares.
    ///
    /// # Errors
    /// If one is not that in the facts.
    pub fn received(
        &self,
        result_party: PartyId,
        facts: &Facts,
        output_shares: [Vec<u8>; 2],
    ) -> Result<JoinedOutputs, WrongOutputShare> {
        let [garbler, evaluator] = self.job.pair();
        let committed = facts.outputs.iter().find(|output| output.result_party == result_party);
        let committed = committed.ok_or(WrongOutputShare("garbler"))?;
        let [a, b] = &output_shares;
        let a = self
            .output_share(&self.place(result_party, garbler), a, committed.garbler)
            .ok_or(WrongOutputShare("garbler"))?;
        let b = self
            .output_share(&self.place(result_party, evaluator), b, committed.evaluator)
            .ok_or(WrongOutputShare("evaluator"))?;
        let bits = a.combine(&b);
        let bits = bits.ok_or(WrongOutputShare("evaluator"))?;
        let mut rest = &bits[..];
        let mut take = |output: usize| {
            let (now, later) = rest.split_at_checked(self.widths.get(output).copied()?)?;
            rest = later;
            Some(now.to_vec())
        };
        let outputs: Option<Vec<_>> =
            self.job.open_outputs_of(result_party).into_iter().map(&mut take).collect();
        let outputs = outputs.filter(|_| rest.is_empty()).ok_or(WrongOutputShare("evaluator"))?;
        Ok(JoinedOutputs { outputs, output_shares, locked: None })
    }

    /// The output share that these contents of an encrypted output share are, if it is the one that was
    /// committed to.
    fn output_share(
        &self,
        place: &OutputSharePlace,
        contents: &[u8],
        commitment: Digest,
    ) -> Option<OutputShare> {
        let (salt, rest) = contents.split_first_chunk()?;
        let (count, packed) = rest.split_first_chunk()?;
        let output_share =
            OutputShare::from_bits(Bits::from_bytes(packed, u64::from_le_bytes(*count))?.iter().collect());
        let expected = commit_output_share(place, salt, &output_share);
        (expected == commitment).then_some(output_share)
    }

    /// The bits of a result party's open outputs, out of an output share of all; `None` if the widths are not
    /// those of the output share.
    fn part_for(&self, result_party: PartyId, output_share: &OutputShare) -> Option<OutputShare> {
        self.part_of(&self.job.open_outputs_of(result_party), output_share)
    }

    /// The bits of the outputs that are sold, likewise.
    pub(crate) fn sold_part(&self, output_share: &OutputShare) -> Option<Bits> {
        let sold: Vec<usize> = (0..self.widths.len()).filter(|output| self.job.is_sold(*output)).collect();
        self.part_of(&sold, output_share).map(|part| Bits::from(part.bits()))
    }

    /// The bits of these outputs.
    fn part_of(&self, mine: &[usize], output_share: &OutputShare) -> Option<OutputShare> {
        let (mut rest, mut bits) = (output_share.bits(), Vec::new());
        for (output, width) in self.widths.iter().enumerate() {
            let (now, later) = rest.split_at_checked(*width)?;
            rest = later;
            if mine.contains(&output) {
                bits.extend_from_slice(now);
            }
        }
        rest.is_empty().then(|| OutputShare::from_bits(bits))
    }

    const fn place(&self, result_party: PartyId, compute_party: PartyId) -> OutputSharePlace {
        OutputSharePlace { run_id: self.run_id, result_party, compute_party }
    }
}

/// Takes what follows an output share off the contents of a parcel: what is locked.
fn split_off(contents: &mut Vec<u8>) -> Option<Vec<u8>> {
    let count = contents.get(32..40)?.try_into().ok()?;
    let packed = usize::try_from(u64::from_le_bytes(count).div_ceil(8)).ok()?;
    let end = packed.checked_add(40).filter(|end| *end <= contents.len())?;
    Some(contents.split_off(end))
}
