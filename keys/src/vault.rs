//! Boxes that a group opens for attested machines: a machine without a stable key of its own encrypts its data to a
//! group for `vault`, and gets them back from t members who have appraised it.
//!
//! ```text
//! box      "sotto keys box v1" ‖ P (32) ‖ E = e·G (32) ‖ policy (32) ‖ owner (32) ‖ length (4) ‖ ciphertext
//!          ‖ R = k·G (32) ‖ z = k + c·e (32)               c = H512("sotto/keys/box/v1", all before z)
//! key      H("sotto/keys/box-key/v1", E ‖ e·P), for XChaCha20-Poly1305 under a nonce of zeros; what stands before the
//!          length is authenticated with it
//! request  "sotto keys vault request v1" ‖ name of the box (32) ‖ key of the machine (32 + 1216)
//! answer   "sotto keys vault answer v1" ‖ name of the request (32) ‖ hash of the epoch (32) ‖ from (1)
//!          ‖ length (4) ‖ partial y_i·E with its proof, encrypted to that key ‖ Ed25519 signature of all before it (64)
//! names    H("sotto/keys/box-name/v1", box), H("sotto/keys/vault-request/v1", request)
//! ```
//!
//! A member answers for the policy that the box names and no other: which evidence that policy accepts is for the
//! caller to say, who appraises it and passes the hash of the policy that accepted it. The evidence is that of a
//! session (`sotto_tee`), with the party of the request, the box as its job, the request as its run, and a nonce
//! that this member drew ([`crate::vault_session`]).
//!
//! **The signature under E.** Without it, a thief puts the E of another's box into a box of its own, with a policy
//! that accepts the thief's machine, and the members send it y_i·E: the key of the other's box. To sign, one has to know e,
//! and then needs no members.
//!
//! P is the group's key and not its id, so that a box outlives a change of members. Guaranteed: whoever opens a box
//! had its e, or t answers; a false answer is named. Not guaranteed: anything once the policy accepts a machine that lies; that
//! somebody who saw e·P forgets it.
#![deny(clippy::indexing_slicing)]

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use rand_core::{CryptoRng, RngCore};
use sotto_party::{Context, Identity, PublicKey};
use zeroize::Zeroizing;

use crate::answer::{Answer, AnswerKind, Contents, Sorted, sort};
use crate::codec::{DecodeError, Reader, put_bytes};
use crate::curve::{Secret, lagrange, point, put_point, scalar, vartime_sum};
use crate::draft::{Index, Purpose};
use crate::epoch::Epoch;
use crate::fault::Fault;
use crate::partial::Partial;
use crate::share::Share;
use crate::tag::{self, Hash, tagged, tagged_wide};

/// Most bytes that a box holds.
pub const MAX_CONTENTS: usize = 64 << 10;
/// Most bytes of an answer.
pub const MAX_ANSWER: usize = VaultAnswer::MAX_BYTES;
/// Most bytes of a box.
pub const MAX_BOX: usize = BOX.len() + 4 * 32 + 4 + MAX_CONTENTS + TAG + 64;

const BOX: &str = "sotto keys box v1";
const REQUEST: &str = "sotto keys vault request v1";
/// Bytes that authenticated encryption adds.
const TAG: usize = 16;
/// The key that a group for `vault` has.
const KEY: usize = 0;

/// Why a member does not answer, or a box does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The group is for something else.
    #[error("this group is not one for `vault`")]
    Purpose,
    /// The box is for another group.
    #[error("the box is for the key of another group")]
    OtherGroup,
    /// The request is for another box.
    #[error("the request is for another box")]
    OtherBox,
    /// The evidence was appraised under another policy.
    #[error("the machine was appraised under another policy than the one that the box names")]
    OtherPolicy,
    /// The contents are too long.
    #[error("a box holds at most {MAX_CONTENTS} bytes")]
    TooLong,
    /// The share is not one of this epoch, or a key cannot be used.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// Fewer than t answers hold.
    #[error("{held} good answers, and {wanted} are needed")]
    TooFew {
        /// How many hold.
        held: usize,
        /// How many are needed.
        wanted: usize,
    },
    /// The key does not open the box.
    #[error("the box was altered, or its owner made it wrong")]
    Altered,
}

/// What a box says about itself, under its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoxTerms {
    /// The hash of the policy that must accept a machine.
    pub policy: Hash,
    /// Whose it is.
    pub owner: Hash,
}

/// A box: contents that only its group can open. Its signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultBox {
    key: [u8; 32],
    e: RistrettoPoint,
    terms: BoxTerms,
    ciphertext: Vec<u8>,
    r: RistrettoPoint,
    z: Scalar,
}

impl VaultBox {
    /// Encrypts contents to a group, for machines that the policy accepts.
    ///
    /// # Errors
    /// [`VaultError`] if the group is for something else, or the contents are too long.
    pub fn encrypt(
        epoch: &Epoch,
        terms: BoxTerms,
        contents: &[u8],
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, VaultError> {
        if contents.len() > MAX_CONTENTS {
            return Err(VaultError::TooLong);
        }
        let key = key_of(epoch)?;
        let p = point(&mut Reader::new(&key)).map_err(|_| Fault::Unusable)?;
        let (e, k) = (Secret::random(rng), Secret::random(rng));
        let (r, placeholder) = (k.times_g(), Scalar::ZERO);
        let mut this = Self { key, e: e.times_g(), terms, ciphertext: Vec::new(), r, z: placeholder };
        let payload = Payload { msg: contents, aad: &this.head() };
        let ciphertext = cipher(&this.e, &(p * e.expose())).encrypt(&XNonce::default(), payload);
        this.ciphertext = ciphertext.map_err(|_| VaultError::TooLong)?;
        this.z = k.expose() + this.challenge() * e.expose();
        Ok(this)
    }

    /// The key of the group that opens it.
    #[must_use]
    pub const fn group_key(&self) -> &[u8; 32] {
        &self.key
    }

    /// How many bytes it holds.
    #[must_use]
    pub const fn contents_len(&self) -> usize {
        self.ciphertext.len().saturating_sub(TAG)
    }

    /// What it says about itself.
    #[must_use]
    pub const fn terms(&self) -> BoxTerms {
        self.terms
    }

    /// Its name: the hash of its bytes.
    #[must_use]
    pub fn name(&self) -> Hash {
        tagged(tag::BOX_NAME, &[&self.to_bytes()])
    }

    /// What is authenticated with the contents.
    fn head(&self) -> Vec<u8> {
        let mut out = [BOX.as_bytes(), &self.key].concat();
        put_point(&self.e, &mut out);
        out.extend_from_slice(self.terms.policy.as_bytes());
        out.extend_from_slice(self.terms.owner.as_bytes());
        out
    }

    /// All that is signed under E.
    fn signed(&self) -> Vec<u8> {
        let mut out = self.head();
        put_bytes(&self.ciphertext, &mut out);
        put_point(&self.r, &mut out);
        out
    }

    fn challenge(&self) -> Scalar {
        Scalar::from_bytes_mod_order_wide(&tagged_wide(tag::BOX, &[&self.signed()]))
    }

    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.signed();
        out.extend_from_slice(self.z.as_bytes());
        out
    }

    /// Reads a box, and checks that whoever made it knew e.
    ///
    /// # Errors
    /// [`DecodeError`], also for a signature that does not hold.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::after(BOX, bytes)?;
        let key = r.array()?;
        point(&mut Reader::new(&key))?;
        let e = point(&mut r)?;
        let terms = BoxTerms { policy: Hash::from_bytes(r.array()?), owner: Hash::from_bytes(r.array()?) };
        let ciphertext = r.bytes(MAX_CONTENTS + TAG)?.to_vec();
        let this = Self { key, e, terms, ciphertext, r: point(&mut r)?, z: scalar(&mut r)? };
        r.finish()?;
        // z·G = R + c·E
        let c = this.challenge();
        let holds = vartime_sum([Scalar::ONE, c], [&this.r, &this.e]) == Secret::new(this.z).times_g();
        if holds { Ok(this) } else { Err(DecodeError::Value("the signature of a box")) }
    }
}

/// The key of a group for `vault`.
fn key_of(epoch: &Epoch) -> Result<[u8; 32], VaultError> {
    if epoch.draft().purpose() != Purpose::Vault {
        return Err(VaultError::Purpose);
    }
    Ok(epoch.public_key(KEY).ok_or(Fault::Unusable)?)
}

/// The cipher of a box, from E and e·P.
fn cipher(e: &RistrettoPoint, shared: &RistrettoPoint) -> XChaCha20Poly1305 {
    let mut parts = Zeroizing::new(Vec::with_capacity(64));
    put_point(e, &mut parts);
    put_point(shared, &mut parts);
    let key = Zeroizing::new(*tagged(tag::BOX_KEY, &[&parts]).as_bytes());
    XChaCha20Poly1305::new(Key::from_slice(&*key))
}

/// What a machine asks for: the opening of a box, for a fresh key of its own.
#[derive(Clone, Debug)]
pub struct VaultRequest {
    of: Hash,
    machine: PublicKey,
}

impl VaultRequest {
    /// Bytes of a request.
    pub const BYTES: usize = REQUEST.len() + 32 + 32 + 1216;

    /// A request for this box. The key is fresh, and its secret never leaves the machine.
    #[must_use]
    pub fn new(of: &VaultBox, machine: PublicKey) -> Self {
        Self { of: of.name(), machine }
    }

    /// The machine's key, which its evidence must name as its party.
    #[must_use]
    pub const fn machine(&self) -> &PublicKey {
        &self.machine
    }

    /// The name of the box.
    #[must_use]
    pub const fn of(&self) -> Hash {
        self.of
    }

    /// Its name: the hash of its bytes.
    #[must_use]
    pub fn name(&self) -> Hash {
        tagged(tag::VAULT_REQUEST, &[&self.to_bytes()])
    }

    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [REQUEST.as_bytes(), self.of.as_bytes(), &self.machine.to_bytes()].concat()
    }

    /// Reads a request.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::after(REQUEST, bytes)?;
        let of = Hash::from_bytes(r.array()?);
        let machine = PublicKey::from_bytes(r.take(r.left())?).ok_or(DecodeError::Value("a key"))?;
        Ok(Self { of, machine })
    }
}

/// Answers to requests to open a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToMachine {}

impl AnswerKind for ToMachine {
    const PREFIX: &'static str = "sotto keys vault answer v1";
    const SIGNATURE: Context = tag::VAULT_ANSWER;
    const ENCRYPTION: Context = tag::VAULT_PARTIAL;
    /// A partial.
    const MAX_CONTENTS: usize = 128;
}

/// A member's answer: its partial, for the machine that asked alone.
pub type VaultAnswer = Answer<ToMachine>;

/// What answers opened.
pub struct Opened {
    /// The contents.
    pub contents: Zeroizing<Vec<u8>>,
    /// Members whose answers are signed and false.
    pub false_answers: Vec<Index>,
}

/// Shows no contents.
impl core::fmt::Debug for Opened {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Opened").field("false_answers", &self.false_answers).finish_non_exhaustive()
    }
}

/// A request for a box, and the group that is asked.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// The group, at its epoch.
    pub epoch: &'a Epoch,
    /// The box.
    pub vault_box: &'a VaultBox,
    /// The request.
    pub request: &'a VaultRequest,
}

/// A member that answers.
#[derive(Clone, Copy, Debug)]
pub struct VaultMember<'a> {
    /// Who it is.
    pub identity: &'a Identity,
    /// Its share.
    pub share: &'a Share,
}

impl Opening<'_> {
    /// Whether the box is for this group, and the request for this box.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn check(&self) -> Result<(), VaultError> {
        if self.vault_box.key != key_of(self.epoch)? {
            return Err(VaultError::OtherGroup);
        }
        if self.request.of == self.vault_box.name() { Ok(()) } else { Err(VaultError::OtherBox) }
    }

    /// A member's answer, once its caller has appraised the machine: `appraised` is the hash of the policy that accepted
    /// it.
    ///
    /// # Errors
    /// [`VaultError`] if that is not the policy of the box, or request, box, group and share do not belong together.
    pub fn answer(
        &self,
        member: VaultMember<'_>,
        appraised: Hash,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<VaultAnswer, VaultError> {
        self.check()?;
        let VaultMember { identity, share } = member;
        if self.vault_box.terms.policy != appraised {
            return Err(VaultError::OtherPolicy);
        }
        share.fits(self.epoch).map_err(|_| Fault::OtherShare)?;
        let from = self.epoch.draft().index_of(&identity.public()).filter(|i| *i == share.index());
        let from = from.ok_or(Fault::OtherShare)?;
        let partial = Partial::new(share.secret(KEY).ok_or(Fault::OtherShare)?, &self.vault_box.e, rng);
        let bytes = &Zeroizing::new(partial.to_bytes());
        let (request, epoch, to) = (self.request.name(), self.epoch, &self.request.machine);
        let contents = Contents { request, epoch, from, to, bytes };
        Ok(VaultAnswer::new(&contents, identity, rng).ok_or(Fault::Unusable)?)
    }

    /// Opens the box with the answers of t members. Answers to other requests, of other epochs or without the signature
    /// of a member count for nothing; signed ones that are false name their members.
    ///
    /// # Errors
    /// [`VaultError::TooFew`] ([`Opening::false_answers`] names the false ones), [`VaultError::Altered`].
    pub fn open(&self, machine: &Identity, answers: &[VaultAnswer]) -> Result<Opened, VaultError> {
        self.check()?;
        let (good, false_answers) = self.sorted(machine, answers);
        let wanted = usize::from(self.epoch.draft().threshold());
        let set: Vec<u8> = good.iter().take(wanted).map(|(i, _)| i.get()).collect();
        if set.len() < wanted {
            return Err(VaultError::TooFew { held: set.len(), wanted });
        }
        let part = |(i, partial): &(Index, Partial)| lagrange(&set, i.get(), 0) * partial.point();
        let shared: RistrettoPoint = good.iter().take(wanted).map(part).sum();
        let vault_box = self.vault_box;
        let payload = Payload { msg: &vault_box.ciphertext, aad: &vault_box.head() };
        let contents = cipher(&vault_box.e, &shared).decrypt(&XNonce::default(), payload);
        let contents = Zeroizing::new(contents.map_err(|_| VaultError::Altered)?);
        Ok(Opened { contents, false_answers })
    }

    /// The members whose answers to this request are signed and false.
    #[must_use]
    pub fn false_answers(&self, machine: &Identity, answers: &[VaultAnswer]) -> Vec<Index> {
        self.sorted(machine, answers).1
    }

    /// The partials of good answers, and the members whose answers are false.
    fn sorted(&self, machine: &Identity, answers: &[VaultAnswer]) -> Sorted<Partial> {
        sort(self.request.name(), self.epoch, answers, |answer| self.partial(machine, answer))
    }

    /// The partial of an answer, if it is the one of its member for this request, and holds.
    fn partial(&self, machine: &Identity, answer: &VaultAnswer) -> Option<Partial> {
        let contents = answer.decrypt(machine)?;
        let mut r = Reader::new(&contents);
        let partial = Partial::read(&mut r).ok()?;
        r.finish().ok()?;
        let y = self.epoch.verifying_share(KEY, answer.from())?;
        partial.holds(&y, &self.vault_box.e).then_some(partial)
    }
}
