//! Base oblivious transfer: 128 transfers of one block each, on ristretto255.
//!
//! ```text
//! receiver, choices b        seed random, T = H1(seed), B_i = α_i·G + b_i·T           → seed, B
//! sender                     z = r·G, pads p_i,0 = H2(r·B_i), p_i,1 = H2(r·B_i − r·T)  → z, p ⊕ messages
//! receiver                   p_i,b_i = H2(α_i·z)
//! ```
//!
//! Against a malicious peer, the sender adds a challenge that only a receiver who queried H2 for its own pads
//! can answer, together with a proof, to be checked before answering, that the answer exists:
//!
//! ```text
//! sender                     χ_i = H3(p_i,0) ⊕ H3(p_i,1), answer = H4(H3(p_1,0) … H3(p_128,0)),
//!                            proof = H3(answer)                                        → χ, proof
//! receiver                   answer from H3(p_i,b_i) ⊕ b_i·χ_i; checks the proof       → answer
//! ```
//!
//! Each hash covers the session, the index and, for pads, all points of the transfer. This module does no
//! I/O: messages are values.
//!
//! Guaranteed: points are canonical and not the identity; scalars and choices are handled in constant time.
//! Not guaranteed: security against a malicious peer if the challenge is left out.
//!
//! Source: Canetti, Sarkar and Wang 2020 (ePrint 2020/110), CDH, observable random oracle.

use curve25519_dalek::constants::RISTRETTO_BASEPOINT_TABLE;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{Identity, IsIdentity};
use rand_core::{CryptoRng, RngCore};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

use super::oracle::{ANSWER, PAD, PAD_CHECK, PROOF, TO_GROUP, oracle, oracle32};
use super::{OtError, SessionId};
use crate::block::Block;

/// The number of transfers, one for each bit of `Δ`. The proof of the challenge requires at least 80.
pub(super) const COUNT: usize = 128;

/// A compressed group element.
type Bytes = [u8; 32];
/// A pad: its first half masks a message, and the challenge covers all of it.
type Pad = Zeroizing<Bytes>;

/// The receiver's message.
pub(super) struct Opening {
    /// The seed of `T`.
    pub(super) seed: Bytes,
    /// `B_i`.
    pub(super) points: [Bytes; COUNT],
}

/// The sender's challenge.
pub(super) struct Challenge {
    /// `χ_i`.
    pub(super) chi: [Bytes; COUNT],
    /// The hash of the expected answer.
    pub(super) proof: Bytes,
}

/// The receiver between its own message and the sender's.
pub(super) struct Receiver {
    sid: SessionId,
    choices: Block,
    alphas: Zeroizing<Vec<Scalar>>,
    opening: Opening,
}

impl Receiver {
    /// Prepares the receiver's message for the 128 bits of `choices`.
    pub(super) fn new(sid: &SessionId, choices: Block, rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        let t = to_group(sid, &seed);
        let alphas: Vec<Scalar> = (0..COUNT).map(|_| Scalar::random(rng)).collect();
        let mut points = [[0; 32]; COUNT];
        for (i, (point, alpha)) in points.iter_mut().zip(&alphas).enumerate() {
            let bit_t = select(&RistrettoPoint::identity(), &t, bit(choices, i));
            *point = (RISTRETTO_BASEPOINT_TABLE * alpha + bit_t).compress().0;
        }
        Self { sid: *sid, choices, alphas: Zeroizing::new(alphas), opening: Opening { seed, points } }
    }

    /// The message to send.
    pub(super) fn opening(&self) -> &Opening {
        &self.opening
    }

    /// Derives the pads that the choices select from the sender's point `z`.
    ///
    /// # Errors
    /// If `z` is not a group element, or is the identity.
    pub(super) fn receive(mut self, z: &Bytes) -> Result<Received, OtError> {
        let point = decompress(z)?;
        let t = to_group(&self.sid, &self.opening.seed).compress().0;
        let pads = (self.alphas.iter().zip(&self.opening.points).enumerate())
            .map(|(i, (alpha, b))| pad(&self.sid, i, [&t, z, b], point * alpha))
            .collect();
        let received = Received { sid: self.sid, choices: self.choices, pads };
        self.choices.zeroize();
        Ok(received)
    }
}

/// The receiver's pads, `p_i,b_i`.
pub(super) struct Received {
    sid: SessionId,
    choices: Block,
    pads: Vec<Pad>,
}

impl Received {
    /// Unmasks the chosen message of each pair.
    pub(super) fn unmask(&self, masked: &[[Block; 2]]) -> Vec<Block> {
        (self.pads.iter().zip(masked).enumerate())
            .map(|(i, (pad, [zero, one]))| {
                let chosen = *zero ^ (*zero ^ *one).masked(bit(self.choices, i).into());
                chosen ^ mask(pad)
            })
            .collect()
    }

    /// The answer to a challenge, and whether the sender's proof matches it.
    ///
    /// # Security
    /// Unless the proof matches, the caller must not send the answer, and must not reveal why.
    pub(super) fn answer(&self, challenge: &Challenge) -> (Pad, Choice) {
        let mut checks = Zeroizing::new([[0; 32]; COUNT]);
        for (i, check) in checks.iter_mut().enumerate() {
            let (Some(pad), Some(chi)) = (self.pads.get(i), challenge.chi.get(i)) else {
                continue;
            };
            *check = *pad_check(&self.sid, i, pad);
            for (c, x) in check.iter_mut().zip(chi) {
                *c ^= u8::conditional_select(&0, x, bit(self.choices, i));
            }
        }
        let answer = answer(&self.sid, &checks);
        let fits = proof(&self.sid, &answer).ct_eq(&challenge.proof);
        (answer, fits)
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        self.choices.zeroize();
    }
}

/// The sender's pads, `(p_i,0, p_i,1)`.
pub(super) struct Sent {
    sid: SessionId,
    pads: Vec<[Pad; 2]>,
}

/// Answers the receiver's message with the sender's point `z` and computes the sender's pads.
///
/// # Errors
/// If a point is invalid, or is the identity.
pub(super) fn send(
    sid: &SessionId,
    opening: &Opening,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(Bytes, Sent), OtError> {
    let r = Zeroizing::new(Scalar::random(rng));
    let z = (RISTRETTO_BASEPOINT_TABLE * &*r).compress().0;
    let t = to_group(sid, &opening.seed);
    let (t, r_t) = (t.compress().0, t * *r);
    let pads = (opening.points.iter().enumerate())
        .map(|(i, b)| {
            let rho = decompress(b)? * *r;
            Ok([rho, rho - r_t].map(|rho| pad(sid, i, [&t, &z, b], rho)))
        })
        .collect::<Result<_, OtError>>()?;
    Ok((z, Sent { sid: *sid, pads }))
}

impl Sent {
    /// Masks a pair of messages for each transfer.
    pub(super) fn mask(&self, messages: &[[Block; 2]]) -> Vec<[Block; 2]> {
        (self.pads.iter().zip(messages))
            .map(|([p0, p1], [m0, m1])| [*m0 ^ mask(p0), *m1 ^ mask(p1)])
            .collect()
    }

    /// The challenge, and the answer that the receiver must send.
    pub(super) fn challenge(&self) -> (Challenge, Pad) {
        let mut checks = Zeroizing::new([[0; 32]; COUNT]);
        let mut chi = [[0; 32]; COUNT];
        for (i, ((check, chi), [p0, p1])) in (checks.iter_mut().zip(&mut chi).zip(&self.pads)).enumerate() {
            *check = *pad_check(&self.sid, i, p0);
            let other = pad_check(&self.sid, i, p1);
            for ((x, a), b) in chi.iter_mut().zip(check.iter()).zip(other.iter()) {
                *x = a ^ b;
            }
        }
        let answer = answer(&self.sid, &checks);
        let proof = *proof(&self.sid, &answer);
        (Challenge { chi, proof }, answer)
    }
}

/// H1, hashing to the group so that no party knows the discrete logarithm of the result.
fn to_group(sid: &SessionId, seed: &Bytes) -> RistrettoPoint {
    RistrettoPoint::from_uniform_bytes(&oracle(TO_GROUP, sid, 0, [&seed[..]]))
}

/// H2, bound to the points `T`, `z` and `B_i` of the transfer.
fn pad(sid: &SessionId, i: usize, points: [&Bytes; 3], mut rho: RistrettoPoint) -> Pad {
    let shared = Zeroizing::new(rho.compress().0);
    rho.zeroize();
    let [t, z, b] = points;
    oracle32(PAD, sid, i as u64, [&t[..], z, b, &*shared])
}

/// H3 of a pad.
fn pad_check(sid: &SessionId, i: usize, pad: &Pad) -> Pad {
    oracle32(PAD_CHECK, sid, i as u64, [&pad[..]])
}

/// H4.
fn answer(sid: &SessionId, checks: &[Bytes; COUNT]) -> Pad {
    oracle32(ANSWER, sid, 0, checks.iter().map(|check| &check[..]))
}

/// H3 of the answer.
fn proof(sid: &SessionId, answer: &Pad) -> Pad {
    oracle32(PROOF, sid, 0, [&answer[..]])
}

/// The first half of a pad, which masks a message.
fn mask(pad: &Pad) -> Block {
    let mut half = [0; 16];
    half.copy_from_slice(&pad[..16]);
    Block::from_bytes(half)
}

/// Bit `i` of `choices`.
fn bit(choices: Block, i: usize) -> Choice {
    Choice::from((choices.to_u128() >> i) as u8 & 1)
}

fn select(zero: &RistrettoPoint, one: &RistrettoPoint, bit: Choice) -> RistrettoPoint {
    RistrettoPoint::conditional_select(zero, one, bit)
}

/// Decodes a point, which must be canonical and not the identity.
fn decompress(bytes: &Bytes) -> Result<RistrettoPoint, OtError> {
    CompressedRistretto(*bytes).decompress().filter(|point| !point.is_identity()).ok_or(OtError::Point)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    const SID: SessionId = SessionId([9; 32]);

    fn pads(choices: Block) -> (Sent, Received) {
        let rng = &mut ChaCha20Rng::seed_from_u64(1);
        let receiver = Receiver::new(&SID, choices, rng);
        let (z, sent) = send(&SID, receiver.opening(), rng).unwrap();
        (sent, receiver.receive(&z).unwrap())
    }

    #[test]
    fn the_receiver_knows_the_pads_it_chose_and_no_others() {
        let choices = Block::new(0x0123_4567_89ab_cdef_0f1e_2d3c_4b5a_6978);
        let (sent, received) = pads(choices);
        for (i, (both, one)) in sent.pads.iter().zip(&received.pads).enumerate() {
            let chosen = usize::from(bool::from(bit(choices, i)));
            assert_eq!(both[chosen], *one);
            assert_ne!(both[1 - chosen], *one);
        }
        let messages: Vec<_> = (0..128).map(|i| [Block::new(i), Block::new(!i)]).collect();
        let unmasked = received.unmask(&sent.mask(&messages));
        for (i, (message, pair)) in unmasked.iter().zip(&messages).enumerate() {
            assert!(*message == pair[usize::from(bool::from(bit(choices, i)))]);
        }
    }

    #[test]
    fn a_challenge_is_answered_and_proved() {
        let (sent, received) = pads(Block::new(0x5555_0000_ffff_1234));
        let (mut challenge, expected) = sent.challenge();
        let (answer, fits) = received.answer(&challenge);
        assert_eq!(answer, expected);
        assert!(bool::from(fits));
        challenge.proof[31] ^= 1;
        assert!(!bool::from(received.answer(&challenge).1));
    }

    #[test]
    fn points_are_checked() {
        let rng = &mut ChaCha20Rng::seed_from_u64(1);
        let receiver = Receiver::new(&SID, Block::ZERO, rng);
        assert_eq!(receiver.receive(&[0; 32]).err(), Some(OtError::Point));
        let mut receiver = Receiver::new(&SID, Block::ZERO, rng);
        // RFC 9496, appendix A.3: a non-canonical field element and a negative one.
        let mut negative = [0; 32];
        negative[0] = 1;
        for bad in [[0xff; 32], negative, [0; 32]] {
            receiver.opening.points[100] = bad;
            let sent = send(&SID, receiver.opening(), rng);
            assert_eq!(sent.err(), Some(OtError::Point));
        }
    }
}
