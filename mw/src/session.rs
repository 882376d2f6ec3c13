//! Signing sessions: two parties make one signature under the sum of their keys.
//!
//! ```text
//! E   = Σ Xᵢ                                  the key
//! B   = H5(session ‖ sorted (i, Xᵢ, Dᵢ, Eᵢ))    everything both have seen
//! ρᵢ  = H1(E ‖ H4(m) ‖ B ‖ i)                   binding factor
//! R   = Σ (Dᵢ + ρᵢ·Eᵢ),   c = H2(R ‖ E ‖ m)
//! zᵢ  = dᵢ + ρᵢ·eᵢ + c·xᵢ,   zᵢ·G = Dᵢ + ρᵢ·Eᵢ + c·Xᵢ
//! ```
//!
//! Each party has two nonces, bound to the whole session, which makes concurrent sessions safe (FROST: Komlo
//! and Goldberg 2020; RFC 9591, section 5). A proof of possession of each Xᵢ prevents rogue-key attacks.
//! Nonces are used once: [`Session::sign`] consumes [`Nonces`], because three responses under one pair would
//! reveal x.

pub mod adaptor;

use crate::{
    chain::ChainId,
    group::{Element, Point, Scalar, identity, mul_g},
    schnorr::{PublicKey, Signature, h1, h2, h4, h5, nonce, sign},
    secret::SecretScalar,
    tag,
};
use core::fmt;
use rand_core::{CryptoRng, RngCore};

/// The id of one signing session: 32 fresh bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub [u8; 32]);

/// The role of a party in its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Opens the session and completes the signature.
    Inviter = 1,
    /// Answers once.
    Responder = 2,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inviter => "inviter",
            Self::Responder => "responder",
        })
    }
}

/// A secret nonce pair (d, e). It can be neither cloned nor printed, and signing consumes it.
pub struct Nonces {
    d: SecretScalar,
    e: SecretScalar,
}

impl Nonces {
    /// `d, e = H3(32 fresh bytes ‖ x ‖ bound)`, each with fresh bytes of its own.
    ///
    /// `bound` is everything that is known before the nonces are shown: the chain, the session, the role, and
    /// the message that is answered. Two values of it have different nonces even if the random source repeats
    /// itself, as on clones of one machine. Without it the nonces are those of RFC 9591, section 4.1.
    pub fn generate(x: &SecretScalar, bound: &[u8], rng: &mut (impl RngCore + CryptoRng)) -> Self {
        Self { d: nonce(x, bound, rng), e: nonce(x, bound, rng) }
    }

    /// Restores a pair from encrypted storage.
    #[must_use]
    pub const fn from_secrets(d: SecretScalar, e: SecretScalar) -> Self {
        Self { d, e }
    }

    /// The two scalars, for encrypted storage until they are used.
    #[must_use]
    pub const fn secrets(&self) -> (&SecretScalar, &SecretScalar) {
        (&self.d, &self.e)
    }

    /// The nonce commitments `(D, E)`.
    #[must_use]
    pub fn commitments(&self) -> (Point, Point) {
        (mul_g(self.d.expose()).into(), mul_g(self.e.expose()).into())
    }
}

/// What each party shows the other before either signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Xᵢ, the party's share of the key.
    pub key: PublicKey,
    /// Dᵢ, the hiding nonce commitment.
    pub hiding: Point,
    /// Eᵢ, the binding nonce commitment.
    pub binding: Point,
    /// Proof of possession of xᵢ, for this chain, session and role.
    pub possession: Signature,
}

/// One party's place in one session on one chain: the message of its proof of possession.
#[derive(Clone, Copy, Debug)]
pub struct Participant<'a> {
    /// The chain.
    pub chain: &'a ChainId,
    /// The session.
    pub session: &'a SessionId,
    /// The party.
    pub role: Role,
}

impl Participant<'_> {
    /// What a proof of possession of this party's key signs.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        [tag::POSSESSION.as_bytes(), self.chain.as_bytes(), &self.session.0, &[self.role as u8]].concat()
    }

    /// Whether `proof` shows that the party knew the secret of `key` in this session.
    #[must_use]
    pub fn verify_possession(&self, key: &PublicKey, proof: &Signature) -> bool {
        proof.verifies(key, &self.message())
    }
}

/// The shares of both parties.
#[derive(Clone, Copy, Debug)]
pub struct Shares {
    /// The share of [`Role::Inviter`].
    pub inviter: Share,
    /// The share of [`Role::Responder`].
    pub responder: Share,
}

impl Share {
    /// The share of the party with the secret key `x` and these nonces.
    pub fn new(
        participant: &Participant<'_>,
        x: &SecretScalar,
        nonces: &Nonces,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Self {
        let (hiding, binding) = nonces.commitments();
        let possession = sign(x, &participant.message(), rng);
        Self { key: PublicKey::of(x), hiding, binding, possession }
    }

    fn check(&self, participant: &Participant<'_>) -> Result<(), SessionError> {
        let role = participant.role;
        self.check_points(role)?;
        if !participant.verify_possession(&self.key, &self.possession) {
            return Err(SessionError::Possession { role });
        }
        Ok(())
    }

    fn check_points(&self, role: Role) -> Result<(), SessionError> {
        let identity = [self.key.point(), &self.hiding, &self.binding].iter().any(|p| p.is_identity());
        if identity { Err(SessionError::Identity { role }) } else { Ok(()) }
    }
}

/// Why a signing session failed, and which party is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// A key or nonce commitment is the identity.
    #[error("invalid share of the {role}: a key or nonce is the identity")]
    Identity {
        /// The party at fault.
        role: Role,
    },
    /// The proof of possession does not verify.
    #[error("invalid share of the {role}: the proof of possession does not verify")]
    Possession {
        /// The party at fault.
        role: Role,
    },
    /// Both parties showed the same key.
    #[error("both parties have the same key")]
    EqualKeys,
    /// The keys or the nonces cancel out.
    #[error("the keys or the nonces of the parties cancel out")]
    Cancel,
    /// The point that a signature is locked to is the identity.
    #[error("invalid adaptor point: it is the identity")]
    AdaptorIdentity,
    /// A response does not fit the party's share.
    #[error("invalid partial signature of the {role}")]
    Partial {
        /// The party at fault.
        role: Role,
    },
    /// The secret key or the nonces belong to another share.
    #[error("the secret key or the nonces do not belong to the share of the {role}")]
    ForeignKey {
        /// The party at fault.
        role: Role,
    },
}

/// A session whose shares were checked: everything public that the responses depend on.
///
/// ```
/// use rand_core::OsRng;
/// use sotto_mw::{
///     ChainId, SecretScalar,
///     session::{Nonces, Participant, Role, Session, SessionId, Share, Shares},
/// };
///
/// let (chain, id) = (ChainId::from_bytes([0; 32]), SessionId([1; 32]));
/// let mut party = |role| {
///     let x = SecretScalar::random(&mut OsRng);
///     let participant = Participant { chain: &chain, session: &id, role };
///     let nonces = Nonces::generate(&x, b"the first payment", &mut OsRng);
///     let share = Share::new(&participant, &x, &nonces, &mut OsRng);
///     (x, nonces, share)
/// };
/// let (x1, nonces1, inviter) = party(Role::Inviter);
/// let (x2, nonces2, responder) = party(Role::Responder);
///
/// let session = Session::new(&chain, &id, b"message".to_vec(), Shares { inviter, responder })?;
/// let z1 = session.sign(Role::Inviter, &x1, nonces1)?;
/// let z2 = session.sign(Role::Responder, &x2, nonces2)?;
/// assert!(session.combine(&z1, &z2)?.verifies(session.key(), b"message"));
/// # Ok::<(), sotto_mw::session::SessionError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Session {
    parties: [(Role, Share, Scalar); 2],
    key: PublicKey,
    r: Point,
    c: Scalar,
    message: Vec<u8>,
    /// What B hashes.
    seen: Vec<u8>,
}

impl Session {
    /// Checks both shares and derives key, binding factors, nonce and challenge.
    ///
    /// # Errors
    /// The first check that fails, and the party at fault.
    pub fn new(
        chain: &ChainId,
        id: &SessionId,
        message: Vec<u8>,
        shares: Shares,
    ) -> Result<Self, SessionError> {
        shares.inviter.check(&Participant { chain, session: id, role: Role::Inviter })?;
        shares.responder.check(&Participant { chain, session: id, role: Role::Responder })?;
        Self::of_points(id, message, shares)
    }

    /// As [`Self::new`] for the responder itself, if that is several who make their proof of possession and
    /// their response in one step: every check but that of this proof.
    ///
    /// # Errors
    /// As there.
    pub fn responding_unchecked(
        chain: &ChainId,
        id: &SessionId,
        message: Vec<u8>,
        shares: Shares,
    ) -> Result<Self, SessionError> {
        shares.inviter.check(&Participant { chain, session: id, role: Role::Inviter })?;
        shares.responder.check_points(Role::Responder)?;
        Self::of_points(id, message, shares)
    }

    fn of_points(id: &SessionId, message: Vec<u8>, shares: Shares) -> Result<Self, SessionError> {
        let Shares { inviter, responder } = shares;
        if inviter.key == responder.key {
            return Err(SessionError::EqualKeys);
        }
        let key = inviter.key.plus(&responder.key);
        let parties = [(Role::Inviter, inviter), (Role::Responder, responder)];
        let mut seen = id.0.to_vec();
        for (role, s) in &parties {
            seen.extend_from_slice(&identifier(*role));
            [s.key.point(), &s.hiding, &s.binding].iter().for_each(|p| seen.extend_from_slice(p.as_bytes()));
        }
        let parties = parties.map(|(role, share)| (role, share, Scalar::ZERO));
        Self { parties, key, r: inviter.hiding, c: Scalar::ZERO, message, seen }.bind(identity())
    }

    /// Derives binding factors, nonce and challenge from all that was seen; `added` enters the nonce.
    fn bind(mut self, added: Element) -> Result<Self, SessionError> {
        let (m, b) = (h4(&self.message), h5(&[&self.seen]));
        let mut r = identity();
        for (role, s, rho) in &mut self.parties {
            *rho = h1(&[self.key.as_bytes(), &m, &b, &identifier(*role)]);
            r += s.hiding.element() + s.binding.element() * *rho;
        }
        self.r = Point::from(r + added);
        if [&Point::from(r), &self.r, self.key.point()].iter().any(|p| p.is_identity()) {
            return Err(SessionError::Cancel);
        }
        self.c = h2(&self.r, self.key.point(), &self.message);
        Ok(self)
    }

    /// The sum of both keys: the excess of a kernel.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The message to sign.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    fn party(&self, role: Role) -> &(Role, Share, Scalar) {
        let [inviter, responder] = &self.parties;
        if role == Role::Inviter { inviter } else { responder }
    }

    /// Computes the response of one party and consumes its nonces.
    ///
    /// # Errors
    /// [`SessionError::ForeignKey`] if `x` or the nonces do not belong to the share of `role`.
    pub fn sign(&self, role: Role, x: &SecretScalar, nonces: Nonces) -> Result<Scalar, SessionError> {
        let (_, share, rho) = self.party(role);
        if PublicKey::of(x) != share.key || nonces.commitments() != (share.hiding, share.binding) {
            return Err(SessionError::ForeignKey { role });
        }
        Ok(nonces.d.expose() + rho * nonces.e.expose() + self.c * x.expose())
    }

    /// c and ρ of one party, whose response is `d + ρ·e + c·x`: for a party whose x, d and e are sums that
    /// nobody knows.
    #[must_use]
    pub fn factors(&self, role: Role) -> [Scalar; 2] {
        [self.c, self.party(role).2]
    }

    /// Checks the response of one party.
    ///
    /// # Errors
    /// [`SessionError::Partial`] if it is wrong.
    pub fn check_partial(&self, role: Role, z: &Scalar) -> Result<(), SessionError> {
        let (_, s, rho) = self.party(role);
        let want: Element = s.hiding.element() + s.binding.element() * rho + s.key.point().element() * self.c;
        if mul_g(z) == want { Ok(()) } else { Err(SessionError::Partial { role }) }
    }

    /// Adds both responses to a signature of the session's message under the session's key.
    ///
    /// # Errors
    /// [`SessionError::Partial`] with the party whose response is wrong.
    pub fn combine(&self, inviter: &Scalar, responder: &Scalar) -> Result<Signature, SessionError> {
        self.check_partial(Role::Inviter, inviter)?;
        self.check_partial(Role::Responder, responder)?;
        Ok(Signature { r: self.r, z: inviter + responder })
    }
}

/// A role as RFC 9591 encodes identifiers: a 32-byte little-endian scalar.
fn identifier(role: Role) -> [u8; 32] {
    Scalar::from(role as u8).to_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    struct Party {
        x: SecretScalar,
        nonces: Nonces,
        share: Share,
    }

    const CHAIN: ChainId = ChainId::from_bytes([0; 32]);
    const ID: SessionId = SessionId([3; 32]);

    fn party(role: Role, seed: u64) -> Party {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let x = SecretScalar::random(&mut rng);
        let nonces = Nonces::generate(&x, &[], &mut rng);
        let share = Share::new(&Participant { chain: &CHAIN, session: &ID, role }, &x, &nonces, &mut rng);
        Party { x, nonces, share }
    }

    fn open(a: &Party, b: &Party) -> Result<Session, SessionError> {
        Session::new(&CHAIN, &ID, b"message".to_vec(), Shares { inviter: a.share, responder: b.share })
    }

    #[test]
    fn two_parties_sign_as_one() {
        let (a, b) = (party(Role::Inviter, 1), party(Role::Responder, 2));
        let s = open(&a, &b).unwrap();
        let za = s.sign(Role::Inviter, &a.x, a.nonces).unwrap();
        let zb = s.sign(Role::Responder, &b.x, b.nonces).unwrap();
        let sig = s.combine(&za, &zb).unwrap();
        assert!(sig.verifies(s.key(), b"message"));
        assert_eq!(s.combine(&za, &(zb + Scalar::ONE)), Err(SessionError::Partial { role: Role::Responder }));
        assert_eq!(s.combine(&(za + Scalar::ONE), &zb), Err(SessionError::Partial { role: Role::Inviter }));
    }

    #[test]
    fn a_share_for_another_role_session_or_chain_is_refused() {
        let (a, b) = (party(Role::Inviter, 1), party(Role::Responder, 2));
        let bad = Err(SessionError::Possession { role: Role::Inviter });
        assert_eq!(open(&b, &a).map(|_| ()), bad);
        let other = Session::new(
            &CHAIN,
            &SessionId([4; 32]),
            vec![],
            Shares { inviter: a.share, responder: b.share },
        )
        .map(|_| ());
        assert_eq!(other, bad);
        let other = Session::new(
            &ChainId::from_bytes([1; 32]),
            &ID,
            vec![],
            Shares { inviter: a.share, responder: b.share },
        )
        .map(|_| ());
        assert_eq!(other, bad);
    }

    /// X_b = Y − X_a would give the rogue the sum's key Y; without x_b there is no proof of possession.
    #[test]
    fn a_rogue_key_is_refused() {
        let (a, mut b) = (party(Role::Inviter, 1), party(Role::Responder, 2));
        b.share.key =
            PublicKey::from_point(Point::from(Point::h().element() - a.share.key.point().element()));
        assert_eq!(open(&a, &b).map(|_| ()), Err(SessionError::Possession { role: Role::Responder }));
    }

    #[test]
    fn equal_keys_and_identities_are_refused() {
        let a = party(Role::Inviter, 1);
        let mut twin = party(Role::Responder, 1);
        assert_eq!(open(&a, &twin).map(|_| ()), Err(SessionError::EqualKeys));
        twin.share.hiding = identity().into();
        assert_eq!(open(&a, &twin).map(|_| ()), Err(SessionError::Identity { role: Role::Responder }));
    }

    /// x_b = −x_a is provably known, but the sum is the identity.
    #[test]
    fn cancelling_keys_are_refused() {
        let a = party(Role::Inviter, 1);
        let mut rng = ChaCha20Rng::seed_from_u64(9);
        let x = SecretScalar::zero().sub(&a.x);
        let nonces = Nonces::generate(&x, &[], &mut rng);
        let share = Share::new(
            &Participant { chain: &CHAIN, session: &ID, role: Role::Responder },
            &x,
            &nonces,
            &mut rng,
        );
        assert_eq!(open(&a, &Party { x, nonces, share }).map(|_| ()), Err(SessionError::Cancel));
    }

    /// The random source of a cloned machine repeats itself: the message that is answered must tell the
    /// nonces apart.
    #[test]
    fn a_repeated_random_source_repeats_no_nonce() {
        let x = SecretScalar::random(&mut ChaCha20Rng::seed_from_u64(1));
        let of = |bound: &[u8]| Nonces::generate(&x, bound, &mut ChaCha20Rng::seed_from_u64(2)).commitments();
        let ((d, e), (other_d, other_e)) = (of(b"one"), of(b"two"));
        assert_eq!(of(b"one"), (d, e));
        assert!(d != other_d && e != other_e && d != e);
    }

    #[test]
    fn a_foreign_key_does_not_sign() {
        let (a, b) = (party(Role::Inviter, 1), party(Role::Responder, 2));
        let s = open(&a, &b).unwrap();
        assert_eq!(
            s.sign(Role::Inviter, &b.x, a.nonces),
            Err(SessionError::ForeignKey { role: Role::Inviter })
        );
    }
}
