//! An owner's input on its way: committed to, split in two, sealed to the computers, and checked when it arrives.
//!
//! ```text
//! x = a ⊕ b       a uniform; a to the garbler, b to the evaluator; an owner who computes keeps x itself
//! commitment      H(salt, place, share)            place = job, run, owner, computer
//! sealed          to the computer, at that place: salt [32] ‖ bits u64 ‖ packed bits
//! manifest        job ‖ run ‖ owner ‖ nonce ‖ rows ‖ commitments, signed by the owner
//! ```
//!
//! One share says nothing: each is uniform by itself. Any pair of shares is *some* input, so shares cannot be inconsistent; what
//! the manifest pins is which. Commitments hide because of their salts, and bind: an attempt after a crash runs on the same
//! input or not at all. Bits are held packed ([`Bits`]), and wiped when dropped.

use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::budget::data_set;
use super::hash::{Digest, Purpose, hash};
use super::spec::{Job, PartyId};
use crate::codec::Bytes;
use crate::codec::{Wire, record};
use sotto_mpc::Bits;
use sotto_party::seal::{OVERHEAD, open, seal};
use sotto_party::{Context, Identity};

/// What an owner states about its input to one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The job.
    pub job: Digest,
    /// Which run of it.
    pub run: u32,
    /// Who states it.
    pub owner: PartyId,
    /// The owner's part in the run's id.
    pub nonce: [u8; 32],
    /// Rows that enter, table by table.
    pub rows: Vec<u64>,
    /// A commitment for each computer that has a share.
    pub commitments: Vec<Commitment>,
    signature: [u8; 64],
}

/// A commitment to a computer's share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitment {
    /// Which computer.
    pub computer: PartyId,
    /// To what.
    pub digest: Digest,
}
record!(Manifest { job, run, owner, nonce, rows, commitments, signature });
record!(Commitment { computer, digest });

/// What a signature of a manifest is for.
const SIGNATURE: Context = Context::new("sotto manifest v1");
/// What an encrypted share is for.
const SHARE: Context = Context::new("sotto share v1");
const PREFIX: &str = "sotto manifest v1\0";

/// Why an input is not taken. Says nothing about values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// The statement is not of this run, this owner, or not signed by it.
    #[error("the manifest of {0} is not its statement about this run")]
    Manifest(String),
    /// What was sealed does not open here, or is not what was committed to.
    #[error("the input of {0} is not the one that its manifest commits to")]
    Share(String),
    /// Another manifest of the same owner was taken before.
    #[error("{0} committed to another input for this run before; a run has one input, take the next run")]
    Changed(String),
    /// A key that cannot be sealed to.
    #[error("nothing can be sealed to the key of {0}")]
    Key(String),
}

/// One computer's share of an owner's input, or the whole if the owner is that computer.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Share {
    salt: [u8; 32],
    bits: Bits,
}

impl Share {
    fn random_salt(bits: Bits, rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let mut share = Self { salt: [0; 32], bits };
        rng.fill_bytes(&mut share.salt);
        share
    }

    /// The bits.
    #[must_use]
    pub const fn bits(&self) -> &Bits {
        &self.bits
    }

    fn commit(&self, place: &[u8]) -> Digest {
        let count = (self.bits.len() as u64).to_le_bytes();
        hash(Purpose::Share, &[&self.salt, place, &count, self.bits.as_bytes()])
    }

    /// The share as its holder keeps it, in a place that nobody else can read.
    #[must_use]
    pub fn to_kept(&self) -> Zeroizing<Vec<u8>> {
        let count = (self.bits.len() as u64).to_le_bytes();
        Zeroizing::new([&self.salt[..], &count, self.bits.as_bytes()].concat())
    }

    /// The share that was kept; `None` if it is none.
    #[must_use]
    pub fn from_kept(bytes: &[u8]) -> Option<Self> {
        let (salt, rest) = bytes.split_first_chunk()?;
        let (count, packed) = rest.split_first_chunk()?;
        let bits = Bits::from_bytes(packed, u64::from_le_bytes(*count))?;
        Some(Self { salt: *salt, bits })
    }
}

/// Shows nothing.
impl core::fmt::Debug for Share {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Share(..)")
    }
}

/// An input, ready to go.
#[derive(Debug)]
pub struct Prepared {
    /// What the owner states.
    pub manifest: Manifest,
    /// What stays here, if the owner computes.
    pub own: Option<Share>,
    /// What is sealed to which computer.
    pub sealed: Vec<(PartyId, Vec<u8>)>,
}

/// What an owner keeps of its input to a run, so that another attempt has the same: no bit of it in the clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outbox {
    manifest: Manifest,
    data_set: Digest,
    salt: Option<[u8; 32]>,
    sealed: Vec<Letter>,
}

/// A share under way.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Letter {
    computer: PartyId,
    sealed: Bytes,
}
record!(Outbox { manifest, data_set, salt, sealed });
record!(Letter { computer, sealed });

impl Outbox {
    const PREFIX: &'static str = "sotto outbox v1\0";

    /// What is kept of a prepared input.
    #[must_use]
    pub fn of(prepared: &Prepared, bits: &Bits, identity: &Identity) -> Self {
        let letter = |(computer, sealed): &(PartyId, Vec<u8>)| Letter {
            computer: *computer,
            sealed: Bytes(sealed.clone()),
        };
        Self {
            manifest: prepared.manifest.clone(),
            data_set: data_set(identity, bits),
            salt: prepared.own.as_ref().map(|share| share.salt),
            sealed: prepared.sealed.iter().map(letter).collect(),
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
    pub fn resume(self, job: &Job, bits: &Bits, identity: &Identity) -> Result<Prepared, InputError> {
        let Self { manifest, data_set: before, salt, sealed } = self;
        if data_set(identity, bits) != before {
            return Err(InputError::Changed(job.party(manifest.owner).name.to_string()));
        }
        let own = salt.map(|salt| Share { salt, bits: bits.clone() });
        let sealed = sealed.into_iter().map(|letter| (letter.computer, letter.sealed.0)).collect();
        Ok(Prepared { manifest, own, sealed })
    }
}

/// Commits to an owner's input bits for a run; splits and seals them if the owner does not compute.
///
/// # Errors
/// If a computer's key cannot be sealed to.
pub fn prepare(
    job: &Job,
    (owner, run): (PartyId, u32),
    bits: &Bits,
    identity: &Identity,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Prepared, InputError> {
    let mut commitments = Vec::with_capacity(2);
    let mut commit = |computer, share: &Share| {
        let digest = share.commit(&place(job, run, owner, computer));
        commitments.push(Commitment { computer, digest });
    };
    let (mut own, mut sealed) = (None, Vec::new());
    if job.computes(owner) {
        let share = Share::random_salt(bits.clone(), rng);
        commit(owner, &share);
        own = Some(share);
    } else {
        for (computer, share) in job.computers().into_iter().zip(split(bits, rng)) {
            commit(computer, &share);
            let (key, place) = (&job.party(computer).key, place(job, run, owner, computer));
            let share = seal(SHARE, key, &place, &share.to_kept(), rng);
            let share = share.ok_or_else(|| InputError::Key(job.party(computer).name.to_string()))?;
            sealed.push((computer, share));
        }
    }
    let mut nonce = [0; 32];
    rng.fill_bytes(&mut nonce);
    let rows = declared_rows(job, owner);
    let mut manifest = Manifest { job: job.id(), run, owner, nonce, rows, commitments, signature: [0; 64] };
    manifest.signature = identity.sign(SIGNATURE, &manifest.text());
    Ok(Prepared { manifest, own, sealed })
}

impl Manifest {
    /// The canonical encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_prefixed(PREFIX)
    }

    /// What an owner states about its input to this run, if that is what these bytes are.
    ///
    /// # Errors
    /// If they are not, or were not signed by that owner.
    pub fn from_bytes(job: &Job, (owner, run): (PartyId, u32), bytes: &[u8]) -> Result<Self, InputError> {
        let name = || InputError::Manifest(job.party(owner).name.to_string());
        let manifest: Self = Wire::from_prefixed(PREFIX, bytes).map_err(|_| name())?;
        let holders = if job.computes(owner) { vec![owner] } else { job.computers().to_vec() };
        let fits = (manifest.job, manifest.run, manifest.owner) == (job.id(), run, owner)
            && manifest.rows == declared_rows(job, owner)
            && manifest.commitments.iter().map(|c| c.computer).eq(holders)
            && job.party(owner).key.verify(SIGNATURE, &manifest.text(), &manifest.signature);
        if fits { Ok(manifest) } else { Err(name()) }
    }

    /// What the receipt calls it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        hash(Purpose::Manifest, &[&self.to_bytes()])
    }

    fn text(&self) -> Vec<u8> {
        let mut text = self.to_bytes();
        text.truncate(text.len() - 64);
        text
    }

    /// Our share of the owner's input, if it is the one that was committed to and has as many bits as the program takes.
    ///
    /// # Errors
    /// If it does not open, or is not.
    pub fn open(
        &self,
        job: &Job,
        identity: &Identity,
        sealed: &[u8],
        bits: usize,
    ) -> Result<Share, InputError> {
        let refused = || InputError::Share(job.party(self.owner).name.to_string());
        let us = job.find_key(&identity.public().signing_bytes()).ok_or_else(refused)?;
        let place = place(job, self.run, self.owner, us);
        let bytes = open(SHARE, identity, &place, sealed).ok_or_else(refused)?;
        let share = Share::from_kept(&bytes).ok_or_else(refused)?;
        self.check(job, us, &share, bits).map(|()| share)
    }

    /// Whether a share is the one that was committed to, and has as many bits as the program takes.
    ///
    /// # Errors
    /// If it is not.
    pub fn check(&self, job: &Job, computer: PartyId, share: &Share, bits: usize) -> Result<(), InputError> {
        let committed = self.commitments.iter().find(|c| c.computer == computer);
        let expected = share.commit(&place(job, self.run, self.owner, computer));
        let same = share.bits.len() == bits && committed.is_some_and(|c| c.digest == expected);
        if same { Ok(()) } else { Err(InputError::Share(job.party(self.owner).name.to_string())) }
    }
}

/// The longest sealed share of so many bits.
#[must_use]
pub fn sealed_length(bits: usize) -> usize {
    OVERHEAD + 32 + 8 + bits.div_ceil(8)
}

/// Two shares of the bits, each uniform.
fn split(bits: &Bits, rng: &mut (impl RngCore + CryptoRng)) -> [Share; 2] {
    let a = Bits::random(bits.len(), rng);
    let b = a.xor(bits);
    [a, b].map(|bits| Share::random_salt(bits, rng))
}

fn declared_rows(job: &Job, owner: PartyId) -> Vec<u64> {
    let input = job.inputs.iter().find(|input| input.owner == owner);
    input.map(|input| input.tables.iter().map(|table| table.rows).collect()).unwrap_or_default()
}

/// Where a share belongs.
fn place(job: &Job, run: u32, owner: PartyId, computer: PartyId) -> Vec<u8> {
    let mut place = job.id().0.to_vec();
    run.encode(&mut place);
    owner.encode(&mut place);
    computer.encode(&mut place);
    place
}
