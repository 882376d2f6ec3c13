//! A compute party's share of the outputs that are sold, encrypted to a lock.
//!
//! ```text
//! share      salt [32] ‖ bits u64 ‖ packed output share of the sold outputs
//! locked    e·G [32] ‖ ChaCha20-Poly1305 under K of the share, with its tag [16]        e fresh, so the nonce is zero
//! K         H("sotto mpc locked half v1"; run id ‖ receiver ‖ compute party ‖ T ‖ e·G ‖ e·T)
//! facts     commitment to the share under its salt ‖ hash of what is locked             both compute parties sign them
//! ```
//!
//! A locked share travels in the parcel of its compute party, which is encrypted to the receiver alone.
//!
//! **Guaranteed.** Without t, the share is as hard to read as e·T is to compute from e·G and T (gap Diffie–Hellman); a
//! share opens in its own run, for its own receiver and compute party only. Since K follows from t and e·G, a locked share
//! opens in one way for everybody: with it, t and the receipt anyone can show that a compute party locked something
//! else than it signed for. **Not guaranteed.** That it locked what it signed for: that is found out after t is known.
//!
//! Source: ECIES in the random-oracle model (Abdalla, Bellare, Rogaway 2001, DHIES); RFC 8439.
#![deny(clippy::indexing_slicing)]

use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use curve25519_dalek::ristretto::RistrettoPoint;
use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize, Zeroizing};

use super::{Lock, LockError, LockPart, LockPoint, LockSecret, Place, scalar};
use crate::codec::record;
use crate::hash::{Digest, Purpose, hash};
use crate::job::PartyId;
use sotto_mpc::Bits;

/// Bytes of a locked share beyond those of the share.
pub const OVERHEAD: usize = 32 + 16;

/// Whose share, for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharePlace {
    /// Who buys.
    pub receiver: PartyId,
    /// Who computed.
    pub computer: PartyId,
}

/// A compute party's share of the sold outputs, with the salt under which it is committed to.
///
/// # Security
/// Not printed, wiped when dropped.
pub struct Share(Zeroizing<Vec<u8>>);

/// What a receipt says of a compute party's share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoldShare {
    /// To the share.
    pub commitment: Digest,
    /// The hash of the locked share.
    pub locked: Digest,
}
record!(SoldShare { commitment, locked });

/// What a receipt says of outputs that are sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoldFacts {
    /// Who buys them.
    pub receiver: PartyId,
    /// How many bits they have.
    pub bits: u64,
    /// The garbler's part of the lock.
    pub garbler: LockPart,
    /// The evaluator's part.
    pub evaluator: LockPart,
    /// The garbler's share.
    pub garbler_share: SoldShare,
    /// The evaluator's share.
    pub evaluator_share: SoldShare,
}
record!(SoldFacts { receiver, bits, garbler, evaluator, garbler_share, evaluator_share });

/// A compute party's locked share, as it came.
#[derive(Clone, Copy, Debug)]
pub struct LockedShare<'a> {
    /// Which of the two locked it.
    pub place: Place,
    /// Its id in the job.
    pub computer: PartyId,
    /// The locked share.
    pub bytes: &'a [u8],
}

impl<'a> LockedShare<'a> {
    /// Both, of the garbler and the evaluator.
    #[must_use]
    pub fn both([garbler, evaluator]: [PartyId; 2], [first, second]: &'a [Vec<u8>; 2]) -> [Self; 2] {
        [
            Self { place: Place::Garbler, computer: garbler, bytes: first },
            Self { place: Place::Evaluator, computer: evaluator, bytes: second },
        ]
    }
}

/// Why a locked share gives no output share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockedShareError {
    /// The secret of another lock.
    #[error("the secret is not that of the lock")]
    Secret,
    /// Not what the receipt names.
    #[error("the locked share is not the one that the receipt names")]
    Other,
    /// It does not open.
    #[error("the secret is that of the lock, and the locked share does not open with it")]
    Closed,
    /// It opens to something else.
    #[error("the locked share opens to another share than the compute party signed for")]
    False,
}

impl SoldFacts {
    /// The lock.
    ///
    /// # Errors
    /// If a part does not hold.
    pub fn lock(&self, run_id: Digest) -> Result<Lock, LockError> {
        Lock::new(run_id, [self.garbler, self.evaluator])
    }

    /// What is said of a compute party's share.
    #[must_use]
    pub const fn share(&self, place: Place) -> &SoldShare {
        match place {
            Place::Garbler => &self.garbler_share,
            Place::Evaluator => &self.evaluator_share,
        }
    }

    /// Whether a locked share is the one that both compute parties signed for.
    #[must_use]
    pub fn names(&self, share: LockedShare<'_>) -> bool {
        digest(share.bytes) == self.share(share.place).locked
    }

    /// The output share in a locked share, with t.
    ///
    /// # Errors
    /// [`LockedShareError`]; [`LockedShareError::Closed`] and [`LockedShareError::False`] are the compute party's doing, and can be shown to
    /// others.
    pub fn open(
        &self,
        lock: &Lock,
        share: LockedShare<'_>,
        t: &LockSecret,
    ) -> Result<Bits, LockedShareError> {
        if !t.is_of(lock.point) {
            return Err(LockedShareError::Secret);
        }
        if !self.names(share) {
            return Err(LockedShareError::Other);
        }
        let at = SharePlace { receiver: self.receiver, computer: share.computer };
        let contents = Share(decrypt(lock, at, share.bytes, t).ok_or(LockedShareError::Closed)?);
        let is_signed = contents.commitment(&lock.run_id, at) == self.share(share.place).commitment;
        let bits = contents.bits().filter(|bits| is_signed && bits.len() as u64 == self.bits);
        bits.ok_or(LockedShareError::False)
    }
}

impl Share {
    /// The share of these bits.
    #[must_use]
    pub fn new(bits: &Bits, rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        let count = (bits.len() as u64).to_le_bytes();
        Self(Zeroizing::new([&salt[..], &count, bits.as_bytes()].concat()))
    }

    /// The bits, if these bytes are a share.
    fn bits(&self) -> Option<Bits> {
        let (_, rest) = self.0.split_first_chunk::<32>()?;
        let (count, packed) = rest.split_first_chunk()?;
        Bits::from_bytes(packed, u64::from_le_bytes(*count))
    }

    /// The commitment to it, as the facts have it.
    #[must_use]
    pub fn commitment(&self, run_id: &Digest, place: SharePlace) -> Digest {
        hash(Purpose::SoldShare, &[&self.0, &run_id.0, &place.to_bytes()])
    }

    /// Encrypts it to a lock.
    #[must_use]
    pub fn lock(&self, lock: &Lock, place: SharePlace, rng: &mut (impl RngCore + CryptoRng)) -> Vec<u8> {
        // Bound to the contents, so that a random source that repeats itself does not lock two shares under one key.
        let mut fresh = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *fresh);
        let parts: [&[u8]; 4] = [&self.0, &lock.run_id.0, &place.to_bytes(), &*fresh];
        let mut e = scalar(Purpose::LockEphemeral, &parts);
        let head = RistrettoPoint::mul_base(&e).compress().to_bytes();
        let shared = Zeroizing::new((lock.point.element() * e).compress().to_bytes());
        e.zeroize();
        let ciphertext = cipher(lock, place, &head, &shared).encrypt(&Nonce::default(), &self.0[..]);
        // Fails only for contents of hundreds of gigabytes.
        [&head[..], &ciphertext.unwrap_or_default()].concat()
    }
}

impl core::fmt::Debug for Share {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Share(…)")
    }
}

impl SharePlace {
    fn to_bytes(self) -> [u8; 4] {
        let ([a, b], [c, d]) = (self.receiver.0.to_le_bytes(), self.computer.0.to_le_bytes());
        [a, b, c, d]
    }
}

/// The hash of a locked share, as the facts have it.
#[must_use]
pub fn digest(locked: &[u8]) -> Digest {
    hash(Purpose::Locked, &[locked])
}

fn cipher(lock: &Lock, place: SharePlace, head: &[u8; 32], shared: &[u8; 32]) -> ChaCha20Poly1305 {
    let parts: [&[u8]; 5] = [&lock.run_id.0, &place.to_bytes(), &lock.point.0, head, shared];
    let key = Zeroizing::new(hash(Purpose::LockedShare, &parts).0);
    ChaCha20Poly1305::new(Key::from_slice(&*key))
}

fn decrypt(lock: &Lock, place: SharePlace, bytes: &[u8], t: &LockSecret) -> Option<Zeroizing<Vec<u8>>> {
    let (head, ciphertext) = bytes.split_first_chunk::<32>()?;
    let point = LockPoint::from_bytes(*head)?;
    let shared = Zeroizing::new((point.element() * t.0).compress().to_bytes());
    let contents = cipher(lock, place, head, &shared).decrypt(&Nonce::default(), ciphertext);
    contents.ok().map(Zeroizing::new)
}
