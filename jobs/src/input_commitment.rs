//! An input on its way from an input party: committed to, split into two shares, encrypted to the compute
//! parties, and checked on arrival.
//!
//! ```text
//! x = a ⊕ b          a uniform; a to the garbler, b to the evaluator; a compute party keeps its own x
//!                    n compute parties have n shares, of which any n − 1 are uniform
//! share commitment   H(salt, place, share)            place = job, run, input party, compute party
//! encrypted          to the compute party, for that place: salt [32] ‖ bits u64 ‖ packed bits
//! input commitment   job ‖ run ‖ input party ‖ nonce ‖ rows ‖ share commitments, signed by the input party
//! ```
//!
//! One share alone reveals nothing, since each is uniform. Any pair of shares is *some* input, so shares
//! cannot be inconsistent; the input commitment fixes which input it is. Commitments hide because of their
//! salts, and bind: an attempt after a crash runs on the same input or not at all. Bits are packed ([`Bits`])
//! and wiped when dropped.
//!
//! If the job withstands a malicious compute party, a party that does not compute adds the bits of its pad
//! (`pad`) to its input, and to each share tests by which the compute parties find out whether the other
//! entered its share ([`Deal`]): 80 bytes for each 65,536 bits, attempt and other compute party. The commitment covers
//! them.
//!
//! ```text
//! encrypted          … ‖ packed bits ‖ tests, attempt by attempt, and within an attempt block by block
//! ```

use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::approval::RunInput;
use super::budget::bits_digest;
use super::hash::{Digest, Purpose, hash};
use super::job::{Job, PartyId};
use crate::codec::Bytes;
use crate::codec::{Codec, record};
use crate::pad::pad;
use sotto_mpc::Bits;
use sotto_mpc::protocol::malicious::multiparty::Parties;
use sotto_mpc::protocol::malicious::{BlockTest, Deal, OwnerId, blocks};
use sotto_party::encryption::{OVERHEAD, decrypt, encrypt};
use sotto_party::{Context, Identity};

/// What an input party states about its input to one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputCommitment {
    /// The job.
    pub job: Digest,
    /// Which run of it.
    pub run: u32,
    /// Who states it.
    pub input_party: PartyId,
    /// The input party's part in the run's id.
    pub nonce: [u8; 32],
    /// Rows that enter, table by table.
    pub rows: Vec<u64>,
    /// A commitment for each compute party that has a share.
    pub share_commitments: Vec<ShareCommitment>,
    signature: [u8; 64],
}

/// A commitment to a compute party's share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareCommitment {
    /// Which compute party.
    pub compute_party: PartyId,
    /// To what.
    pub digest: Digest,
}
record!(InputCommitment { job, run, input_party, nonce, rows, share_commitments, signature });
record!(ShareCommitment { compute_party, digest });

/// What a signature of an input commitment is for.
const SIGNATURE: Context = Context::new("sotto manifest v1");
/// What an encrypted share is for.
const INPUT_SHARE: Context = Context::new("sotto share v1");
const PREFIX: &str = "sotto manifest v1\0";

/// Why an input is not taken. Says nothing about values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// The statement is not of this run, this input party, or not signed by it.
    #[error("invalid input commitment of {0}: another run, another party, or a wrong signature")]
    InputCommitment(String),
    /// What was encrypted does not open here, or is not what was committed to.
    #[error("the input of {0} does not match its input commitment")]
    InputShare(String),
    /// Another input commitment of the same input party was taken before.
    #[error("{0} committed to another input for this run before; a run has one input, take the next run")]
    Changed(String),
    /// A key that cannot be encrypted to.
    #[error("the encryption key of {0} cannot be used")]
    Key(String),
}

/// One compute party's share of an input party's input, or the whole if the input party is that compute
/// party.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct InputShare {
    salt: [u8; 32],
    bits: Bits,
    tests: Vec<BlockTest>,
}

impl InputShare {
    fn random_salt(bits: Bits, rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let mut share = Self { salt: [0; 32], bits, tests: Vec::new() };
        rng.fill_bytes(&mut share.salt);
        share
    }

    /// The bits.
    #[must_use]
    pub const fn bits(&self) -> &Bits {
        &self.bits
    }

    /// The tests of the peer's share and ours for an attempt, counted from 1; none if the job has none.
    #[must_use]
    pub fn tests(&self, job: &Job, attempt: u32) -> &[BlockTest] {
        let attempts = job.malicious().map_or(0, |settings| settings.attempts.number() as usize);
        let blocks = self.tests.len().checked_div(attempts).unwrap_or(0);
        let from = (attempt.saturating_sub(1) as usize).saturating_mul(blocks);
        self.tests.get(from..from.saturating_add(blocks)).unwrap_or_default()
    }

    fn commit(&self, place: &[u8]) -> Digest {
        let (count, tests) = ((self.bits.len() as u64).to_le_bytes(), self.test_bytes());
        let parts: [&[u8]; 5] = [&self.salt, place, &count, self.bits.as_bytes(), &tests];
        // A share without tests has four parts.
        hash(Purpose::InputShare, if tests.is_empty() { &parts[..4] } else { &parts })
    }

    fn test_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.tests.iter().flat_map(BlockTest::to_bytes).collect())
    }

    /// The share as its holder stores it. Store it where others cannot read it.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let count = (self.bits.len() as u64).to_le_bytes();
        Zeroizing::new([&self.salt[..], &count, self.bits.as_bytes(), &self.test_bytes()].concat())
    }

    /// The share that was kept; `None` if it is none.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (salt, rest) = bytes.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let count = u64::from_le_bytes(*count);
        let (packed, tests) = rest.split_at_checked(usize::try_from(count).ok()?.div_ceil(8))?;
        let bits = Bits::from_bytes(packed, count)?;
        let (tests, []) = tests.as_chunks() else { return None };
        Some(Self { salt: *salt, bits, tests: tests.iter().map(BlockTest::from_bytes).collect() })
    }
}

/// Shows nothing.
impl core::fmt::Debug for InputShare {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Share(..)")
    }
}

/// An input, ready to go.
#[derive(Debug)]
pub struct PreparedInput {
    /// What the input party states.
    pub input_commitment: InputCommitment,
    /// What stays here, if the input party computes.
    pub own: Option<InputShare>,
    /// What is encrypted to which compute party.
    pub encrypted: Vec<(PartyId, Vec<u8>)>,
}

/// What an input party keeps of its input to a run, so that another attempt has the same: no bit of it in the
/// clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedInput {
    input_commitment: InputCommitment,
    bits: Digest,
    salt: Option<[u8; 32]>,
    encrypted: Vec<EncryptedShare>,
}

/// A share under way.
#[derive(Clone, Debug, PartialEq, Eq)]
struct EncryptedShare {
    compute_party: PartyId,
    encrypted: Bytes,
}
record!(SavedInput { input_commitment, bits, salt, encrypted });
record!(EncryptedShare { compute_party, encrypted });

impl SavedInput {
    const PREFIX: &'static str = "sotto outbox v1\0";

    /// What is kept of a prepared input.
    #[must_use]
    pub fn of(prepared: &PreparedInput, bits: &Bits, identity: &Identity) -> Self {
        let encrypted_share = |(compute_party, encrypted): &(PartyId, Vec<u8>)| EncryptedShare {
            compute_party: *compute_party,
            encrypted: Bytes(encrypted.clone()),
        };
        Self {
            input_commitment: prepared.input_commitment.clone(),
            bits: bits_digest(identity, bits),
            salt: prepared.own.as_ref().map(|share| share.salt),
            encrypted: prepared.encrypted.iter().map(encrypted_share).collect(),
        }
    }

    /// The form in which it is kept.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_prefixed(Self::PREFIX)
    }

    /// What was kept, if it is that.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::from_prefixed(Self::PREFIX, bytes).ok()
    }

    /// The input as it was prepared before, if these are the same bits.
    ///
    /// # Errors
    /// If they are not: a run has one input.
    pub fn resume(self, job: &Job, bits: &Bits, identity: &Identity) -> Result<PreparedInput, InputError> {
        let Self { input_commitment, bits: before, salt, encrypted } = self;
        if bits_digest(identity, bits) != before {
            return Err(InputError::Changed(job.party(input_commitment.input_party).name.to_string()));
        }
        let own = salt.map(|salt| InputShare { salt, bits: bits.clone(), tests: Vec::new() });
        let encrypted = encrypted
            .into_iter()
            .map(|encrypted_share| (encrypted_share.compute_party, encrypted_share.encrypted.0))
            .collect();
        Ok(PreparedInput { input_commitment, own, encrypted })
    }
}

/// What a party brings to a run.
#[derive(Clone, Copy, Debug)]
pub struct Brought<'a> {
    /// Its input bits.
    pub bits: &'a Bits,
    /// The bits of its pad ([`Job::pad_bits`]). Who computes needs none here.
    pub pad: usize,
}

/// Commits to an input party's input bits for a run; splits and encrypts them if the input party does not
/// compute.
///
/// # Errors
/// If a compute party's key cannot be encrypted to.
pub fn prepare(
    input: RunInput<'_>,
    Brought { bits, pad: pad_bits }: Brought<'_>,
    identity: &Identity,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<PreparedInput, InputError> {
    let RunInput { run, party: input_party } = input;
    let mut nonce = [0; 32];
    rng.fill_bytes(&mut nonce);
    let (job, run) = (run.job(), run.number());
    let mut share_commitments = Vec::with_capacity(2);
    let mut commit = |compute_party, share: &InputShare| {
        let digest = share.commit(&place(job, run, input_party, compute_party));
        share_commitments.push(ShareCommitment { compute_party, digest });
    };
    let (mut own, mut encrypted) = (None, Vec::new());
    if job.computes(input_party) {
        let share = InputShare::random_salt(bits.clone(), rng);
        commit(input_party, &share);
        own = Some(share);
    } else {
        let mut all = bits.clone();
        all.extend(pad(identity, &nonce, pad_bits).iter());
        let shares = split(&all, job, owner(job, run, input_party), rng);
        for (compute_party, share) in job.compute_parties().into_iter().zip(shares) {
            commit(compute_party, &share);
            let (key, place) = (&job.party(compute_party).key, place(job, run, input_party, compute_party));
            let share = encrypt(INPUT_SHARE.at(&place), key, &share.to_bytes(), rng);
            let share = share.ok_or_else(|| InputError::Key(job.party(compute_party).name.to_string()))?;
            encrypted.push((compute_party, share));
        }
    }
    let rows = declared_rows(job, input_party);
    let mut input_commitment = InputCommitment {
        job: job.id(),
        run,
        input_party,
        nonce,
        rows,
        share_commitments,
        signature: [0; 64],
    };
    input_commitment.signature = identity.sign(SIGNATURE, &input_commitment.text());
    Ok(PreparedInput { input_commitment, own, encrypted })
}

impl InputCommitment {
    /// The canonical encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_prefixed(PREFIX)
    }

    /// What an input party states about its input to this run, if that is what these bytes are.
    ///
    /// # Errors
    /// If they are not, or were not signed by that input party.
    pub fn from_bytes(input: RunInput<'_>, bytes: &[u8]) -> Result<Self, InputError> {
        let RunInput { run, party: input_party } = input;
        let (job, run) = (run.job(), run.number());
        let name = || InputError::InputCommitment(job.party(input_party).name.to_string());
        let input_commitment: Self = Codec::from_prefixed(PREFIX, bytes).map_err(|_| name())?;
        let holders = if job.computes(input_party) { vec![input_party] } else { job.compute_parties() };
        let verify = (input_commitment.job, input_commitment.run, input_commitment.input_party)
            == (job.id(), run, input_party)
            && input_commitment.rows == declared_rows(job, input_party)
            && input_commitment.share_commitments.iter().map(|c| c.compute_party).eq(holders)
            && job.party(input_party).key.verify(
                SIGNATURE,
                &input_commitment.text(),
                &input_commitment.signature,
            );
        if verify { Ok(input_commitment) } else { Err(name()) }
    }

    /// What the receipt calls it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        hash(Purpose::InputCommitment, &[&self.to_bytes()])
    }

    fn text(&self) -> Vec<u8> {
        let mut text = self.to_bytes();
        text.truncate(text.len() - 64);
        text
    }

    /// Our share of the input party's input, if it is the one that was committed to and has as many bits as
    /// the program takes.
    ///
    /// # Errors
    /// If it does not open, or is not.
    pub fn decrypt(
        &self,
        job: &Job,
        identity: &Identity,
        encrypted: &[u8],
        bits: usize,
    ) -> Result<InputShare, InputError> {
        let refused = || InputError::InputShare(job.party(self.input_party).name.to_string());
        let us = job.find_key(&identity.public().signing_bytes()).ok_or_else(refused)?;
        let place = place(job, self.run, self.input_party, us);
        let bytes = decrypt(INPUT_SHARE.at(&place), identity, encrypted).ok_or_else(refused)?;
        let share = InputShare::from_bytes(&bytes).ok_or_else(refused)?;
        self.check(job, us, &share, bits).map(|()| share)
    }

    /// Whether a share is the one that was committed to, and has as many bits as the program takes.
    ///
    /// # Errors
    /// If it is not.
    pub fn check(
        &self,
        job: &Job,
        compute_party: PartyId,
        share: &InputShare,
        bits: usize,
    ) -> Result<(), InputError> {
        let committed = self.share_commitments.iter().find(|c| c.compute_party == compute_party);
        let expected = share.commit(&place(job, self.run, self.input_party, compute_party));
        let is_tested = share.tests.len() == test_count(job, self.input_party, bits);
        let same = share.bits.len() == bits && is_tested && committed.is_some_and(|c| c.digest == expected);
        if same { Ok(()) } else { Err(InputError::InputShare(job.party(self.input_party).name.to_string())) }
    }
}

/// The longest encrypted share of so many bits of a party that does not compute.
#[must_use]
pub fn encrypted_length(job: &Job, party: PartyId, bits: usize) -> usize {
    OVERHEAD + 32 + 8 + bits.div_ceil(8) + BlockTest::BYTES * test_count(job, party, bits)
}

/// The tests of so many bits of a party, for all attempts: none if it computes, or if the job withstands
/// curious compute parties alone.
fn test_count(job: &Job, party: PartyId, bits: usize) -> usize {
    let attempts = job.malicious().map_or(0, |settings| settings.attempts.number() as usize);
    let others = job.compute_parties().len() - 1;
    if job.computes(party) { 0 } else { attempts * blocks(bits, job.streams().len()) * others }
}

/// Whose bits are tested: a party of this run.
pub(crate) fn owner(job: &Job, run: u32, party: PartyId) -> OwnerId {
    let mut place = job.id().0.to_vec();
    run.encode(&mut place);
    party.encode(&mut place);
    OwnerId(hash(Purpose::Owner, &[&place]).0)
}

/// A share of the bits for each compute party, each uniform, with tests if the job has them.
fn split(bits: &Bits, job: &Job, owner: OwnerId, rng: &mut (impl RngCore + CryptoRng)) -> Vec<InputShare> {
    let attempts = job.malicious().map_or(0, |settings| settings.attempts.number());
    let deal = Deal { owner, attempts, input_streams: job.streams().len() };
    let Some(parties) = Parties::new(job.compute_parties().len() as u8) else {
        let a = Bits::random(bits.len(), rng);
        let b = a.xor(bits);
        let tests = deal.tests([&a, &b], rng);
        let mut shares = [a, b].map(|bits| InputShare::random_salt(bits, rng));
        shares.iter_mut().zip(tests).for_each(|(share, tests)| share.tests = tests);
        return shares.into();
    };
    let mut shares: Vec<Bits> = parties.places().skip(1).map(|_| Bits::random(bits.len(), rng)).collect();
    let last = shares.iter().fold(bits.clone(), |rest, share| rest.xor(share));
    shares.push(last);
    let by_place = deal.tests_of_many(parties, &shares, rng);
    let mut by_place: Vec<_> = job.by_place().into_iter().zip(shares.into_iter().zip(by_place)).collect();
    // The evaluator has the first place and is second in the job's order.
    by_place.swap(0, 1);
    let share = |(_, (bits, tests)): (PartyId, (Bits, Vec<BlockTest>))| {
        let mut share = InputShare::random_salt(bits, rng);
        share.tests = tests;
        share
    };
    by_place.into_iter().map(share).collect()
}

fn declared_rows(job: &Job, input_party: PartyId) -> Vec<u64> {
    let input = job.inputs.iter().find(|input| input.party == input_party);
    input.map(|input| input.tables.iter().map(|table| table.rows).collect()).unwrap_or_default()
}

/// Where a share belongs.
fn place(job: &Job, run: u32, input_party: PartyId, compute_party: PartyId) -> Vec<u8> {
    let mut place = job.id().0.to_vec();
    run.encode(&mut place);
    input_party.encode(&mut place);
    compute_party.encode(&mut place);
    place
}
