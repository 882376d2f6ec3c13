//! Locks on outputs that are sold: each compute party's share of them opens with a secret that neither has alone.
//!
//! ```text
//! t_c = scalar(key of compute party c, run id)      T_c = t_c·G, with possession over (run id, place of c)
//! T   = T_g + T_e = t·G,  t = t_g + t_e             neither T_c nor T is the identity
//! possession   R = k·G    ρ = H(run id ‖ place ‖ T_c ‖ R)    s = k + ρ·t_c        holds if s·G = R + ρ·T_c
//! ```
//!
//! With t the shares open ([`share`]). The point T also locks what the buyer pays: a payment that is
//! completed with t gives t away, and this module knows nothing about payments. It only makes points and scalars of
//! ristretto255 (RFC 9496), 32 bytes each.
//!
//! **Guaranteed.** A compute party that shows T_c knows t_c, for this run and in this place: none can choose
//! T_e = z·G − T_g and know t alone, and none can show the other's part as its own. A secret derives from the party's key
//! and the run id, so a restart finds it again, and another attempt has another one. **Not guaranteed.** That a compute
//! party ever gives t_c out, or gives it to all who are to have it.
//!
//! Source: the proof is Schnorr's (RFC 8235) with the challenge bound to its place; T as a sum with possession of each
//! part, against rogue keys: Ristenpart and Yilek, Eurocrypt 2007.
#![deny(clippy::indexing_slicing)]

pub mod share;

use core::fmt;

use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::codec::{Codec, DecodeError, Reader, codes, record};
use crate::hash::{Digest, Purpose, hash};
use sotto_party::Identity;

/// The context of the key from which a party's lock secrets derive.
const KEY: &str = "sotto mpc identity lock key v1";

/// Which of the two compute parties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Place {
    /// The one that garbles.
    Garbler = 0,
    /// The one that evaluates.
    Evaluator = 1,
}
codes!(Place, "a compute party's place", [Garbler, Evaluator]);

impl Place {
    /// Both, in the job's order.
    pub const BOTH: [Self; 2] = [Self::Garbler, Self::Evaluator];

    /// The word for it in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Garbler => "garbler",
            Self::Evaluator => "evaluator",
        }
    }
}

/// A point of the group that is not the identity, in its one encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockPoint([u8; 32]);

/// What a compute party shows of its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockPart {
    /// T_c.
    pub point: LockPoint,
    /// R ‖ s: that it knows t_c.
    pub possession: [u8; 64],
}
record!(LockPart { point, possession });

/// A secret of a lock: t_c of one compute party, or their sum t.
///
/// # Security
/// Not copied, not printed, wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct LockSecret(Scalar);

/// Why two parts make no lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// A part whose possession does not hold.
    #[error("the {0} does not show that it knows the secret of its part of the lock, for this run")]
    Possession(&'static str),
    /// The parts cancel each other out.
    #[error("the two parts of the lock cancel each other out: everybody would know its secret")]
    Identity,
}

/// The lock of a run: both parts hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock {
    run_id: Digest,
    parts: [LockPart; 2],
    point: LockPoint,
}

/// A scalar that is close to uniform: 64 bytes of hashes, reduced.
fn scalar(purpose: Purpose, parts: &[&[u8]]) -> Scalar {
    let mut wide = Zeroizing::new([0; 64]);
    for (i, into) in (0u8..).zip(wide.chunks_exact_mut(32)) {
        let counter = [i];
        into.copy_from_slice(&hash(purpose, &[parts, &[&counter]].concat()).0);
    }
    Scalar::from_bytes_mod_order_wide(&wide)
}

/// The challenge of a possession.
fn challenge(run_id: &Digest, place: Place, point: &LockPoint, r: &[u8; 32]) -> Scalar {
    scalar(Purpose::LockPossession, &[&run_id.0, &[place as u8], &point.0, r])
}

impl LockPoint {
    fn of(point: &RistrettoPoint) -> Option<Self> {
        (!point.is_identity()).then(|| Self(point.compress().to_bytes()))
    }

    /// The point of these bytes; `None` if they are the identity or not the one encoding of a point.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Option<Self> {
        Self::of(&CompressedRistretto(bytes).decompress()?)
    }

    /// Its encoding.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// It was decoded before: this does not fail.
    fn element(self) -> RistrettoPoint {
        CompressedRistretto(self.0).decompress().unwrap_or_default()
    }
}

impl Codec for LockPoint {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::from_bytes(Codec::decode(r)?).ok_or(DecodeError::Value("a point of a lock"))
    }
}

impl LockSecret {
    /// t_c of a compute party for a run.
    #[must_use]
    pub fn derive(identity: &Identity, run_id: &Digest) -> Self {
        let key = identity.derive(KEY);
        Self(scalar(Purpose::LockSecret, &[&*key, &run_id.0]))
    }

    /// The secret of these bytes; `None` if they are not the one encoding of a scalar, or zero.
    #[must_use]
    pub fn from_bytes(bytes: &Zeroizing<[u8; 32]>) -> Option<Self> {
        let scalar: Option<Scalar> = Scalar::from_canonical_bytes(**bytes).into();
        scalar.filter(|scalar| *scalar != Scalar::ZERO).map(Self)
    }

    /// Its encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The same secret once more, to be kept and given away.
    #[must_use]
    pub(crate) fn copied(&self) -> Self {
        Self(self.0)
    }

    /// t = t_g + t_e.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self(self.0 + other.0)
    }

    /// Whether it is the secret of a point.
    #[must_use]
    pub fn is_of(&self, point: LockPoint) -> bool {
        RistrettoPoint::mul_base(&self.0) == point.element()
    }

    /// What the compute party in this place shows; `None` if the secret is zero, which has probability 2⁻²⁵².
    #[must_use]
    pub fn part(
        &self,
        run_id: &Digest,
        place: Place,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Option<LockPart> {
        let point = LockPoint::of(&RistrettoPoint::mul_base(&self.0))?;
        // Bound to the secret, so that a random source that repeats itself does not repeat k in another run or place.
        let mut fresh = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *fresh);
        let secret = self.to_bytes();
        let k = scalar(Purpose::LockNonce, &[&*secret, &run_id.0, &[place as u8], &*fresh]);
        let k = Self(k);
        let r = RistrettoPoint::mul_base(&k.0).compress().to_bytes();
        let s = k.0 + challenge(run_id, place, &point, &r) * self.0;
        let mut possession = [0; 64];
        let (first, last) = possession.split_at_mut(32);
        first.copy_from_slice(&r);
        last.copy_from_slice(&s.to_bytes());
        Some(LockPart { point, possession })
    }
}

impl fmt::Debug for LockSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LockSecret(…)")
    }
}

impl LockPart {
    /// Whether the maker of this part knows its secret, for this run and in this place.
    fn holds(&self, run_id: &Digest, place: Place) -> bool {
        let Some((r, s)) = self.possession.split_first_chunk::<32>() else { return false };
        let s = <[u8; 32]>::try_from(s).ok().and_then(|s| Option::from(Scalar::from_canonical_bytes(s)));
        let (Some(s), Some(point)) = (s, CompressedRistretto(*r).decompress()) else { return false };
        let rho = challenge(run_id, place, &self.point, r);
        RistrettoPoint::vartime_double_scalar_mul_basepoint(&-rho, &self.point.element(), &s) == point
    }
}

impl Lock {
    /// The lock of a run, of the garbler's and the evaluator's part.
    ///
    /// # Errors
    /// [`LockError`], with the compute party whose part does not hold.
    pub fn new(run_id: Digest, parts: [LockPart; 2]) -> Result<Self, LockError> {
        for (place, part) in Place::BOTH.into_iter().zip(&parts) {
            if !part.holds(&run_id, place) {
                return Err(LockError::Possession(place.as_str()));
            }
        }
        let [garbler, evaluator] = &parts;
        let point = LockPoint::of(&(garbler.point.element() + evaluator.point.element()));
        Ok(Self { run_id, parts, point: point.ok_or(LockError::Identity)? })
    }

    /// T.
    #[must_use]
    pub const fn point(&self) -> LockPoint {
        self.point
    }

    /// The run.
    #[must_use]
    pub const fn run_id(&self) -> Digest {
        self.run_id
    }

    /// T_c of the compute party in a place.
    #[must_use]
    pub const fn point_of(&self, place: Place) -> LockPoint {
        let [garbler, evaluator] = &self.parts;
        match place {
            Place::Garbler => garbler.point,
            Place::Evaluator => evaluator.point,
        }
    }
}

#[cfg(test)]
mod tests;
