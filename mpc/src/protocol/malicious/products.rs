//! Leaky products: z = x∧y of authenticated bits, right if the test passes, but the peer may learn an x.
//!
//! For each candidate both parties hold shares of x, y and a random r. With U to be sent, and H under a key
//! that is used once (S_P, drawn by P, XOR the candidate's number):
//!
//! ```text
//! U_P = H(K_P[x]) ⊕ H(K_P[x] ⊕ Δ_P) ⊕ Φ_P(y)                                   under S_P; P sends it to Q
//! T_P = x_P·Φ_P(y) ⊕ H(K_P[x]) ⊕ H(M_P[x]) ⊕ x_P·U_Q ⊕ Φ_P(r)                   H(M_P) under S_Q
//! ```
//!
//! M_Q[x] = K_P[x] ⊕ x_Q·Δ_P, so `H(K_P) ⊕ H(M_Q) ⊕ x_Q·U_P = x_Q·Φ_P(y)`, and all of it adds up to
//!
//! ```text
//! T_G ⊕ T_E = (x_G ⊕ x_E)·(Φ_G(y) ⊕ Φ_E(y)) ⊕ Φ_G(r) ⊕ Φ_E(r) = (x∧y ⊕ r)·(Δ_G ⊕ Δ_E)
//! s = lsb T_G ⊕ lsb T_E = x∧y ⊕ r                each party sends one bit
//! z = r ⊕ s,   V_P = T_P ⊕ s·Δ_P,   V_G = V_E
//! ```
//!
//! **The equality test.** Each party hashes its V of all candidates, commits to the digest (with salt,
//! session, chunk and role), and opens it after the peer's commitment has come. Digests that differ end the
//! session.
//!
//! What a deviating P gains: an error ε in U_P (whichever y or key made it) changes T_Q by x_Q·ε, so P must
//! guess x_Q to pass, and then knows it. The product is right all the same, and nothing of y is in it. A
//! false s needs Δ_Q in V. So the leak is bits of x, and `buckets` XORs one x of each layer.
//!
//! Guaranteed: the order is such that S_P and U_P leave after the transfers that fixed x, y and r were
//! checked.
//!
//! Source: Katz, Ranellucci, Rosulek, Wang 2018 (ePrint 2018/578), section 5 ("leaky AND"), with both
//! parties' halves under the colours of `authenticated_bits`.

use rand_core::{CryptoRng, RngCore};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::authenticated_bits::{Authenticator, bit_of};
use super::chunk::Chunk;
use super::domains::{Domain, EQUALITY, PRODUCTS};
use super::error::{Check, SessionError, accept};
use super::exchange::Exchange;
use crate::backend::{Backend, PairContext};
use crate::channel::{Channel, ChannelError, Phase};
use crate::hash::HashKey;
use crate::ot::SessionId;
use crate::protocol::hello::Role;
use crate::{Bits, Block, Delta};

/// Candidates that are hashed and sent at once.
const BLOCK: usize = 1024;

/// One party's side of the products of a chunk.
pub(super) struct Products<'s> {
    pub(super) session: &'s SessionId,
    pub(super) own: &'s Authenticator,
    pub(super) backend: Backend,
}

impl Products<'_> {
    /// Turns r of all candidates into z = x∧y, and tests them.
    ///
    /// # Errors
    /// If the connection fails or the test does.
    pub(super) fn run(
        &self,
        channel: &mut impl Channel,
        chunk: &mut Chunk,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(), SessionError> {
        let own = self.own;
        let phi_y = || chunk.y().map(|y| own.phi(y));
        let base = chunk.x().iter().zip(chunk.r().iter()).zip(phi_y());
        let mut t = Zeroizing::new(Vec::with_capacity(chunk.buckets().total()));
        t.extend(base.map(|((x, r), phi)| phi.masked(x.bit()) ^ own.phi(r)));
        let key = Block::random(rng);
        let (offer, x) = (Offer { delta: &own.delta, backend: self.backend, key }, chunk.x());
        match own.role {
            Role::Garbler => {
                offer.send(channel, x.keys, phi_y(), &mut t)?;
                take_offer(channel, self.backend, x.macs, &mut t)?;
            }
            Role::Evaluator => {
                take_offer(channel, self.backend, x.macs, &mut t)?;
                offer.send(channel, x.keys, phi_y(), &mut t)?;
            }
        }
        let ours: Bits = t.iter().map(|t| t.lsb()).collect();
        let theirs = self.step().bits(channel, &ours, ours.len())?;
        let digest = self.correct(chunk, &t, &ours.xor(&theirs));
        self.compare(channel, chunk.extent().number, digest, rng)
    }

    /// Adds s to r, and hashes V.
    fn correct(&self, chunk: &mut Chunk, t: &[Block], s: &Bits) -> Zeroizing<[u8; 32]> {
        let index = chunk.extent().number;
        let domain = Domain { label: PRODUCTS, session: self.session, index, role: None };
        let mut hash = domain.running();
        for (((mac, key), t), s) in chunk.r_mut().zip(t).zip(s.iter()) {
            self.own.add_public(mac, key, s);
            hash.add(*t ^ self.own.delta.times(s));
        }
        Zeroizing::new(hash.finish())
    }

    /// Commits to our digest, opens it, and checks that the peer's is the same.
    fn compare(
        &self,
        channel: &mut impl Channel,
        number: u64,
        digest: Zeroizing<[u8; 32]>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(), SessionError> {
        let mut opening = Zeroizing::new([0; 64]);
        let (first, salt) = opening.split_at_mut(32);
        first.copy_from_slice(&*digest);
        rng.fill_bytes(salt);
        let committed = self.step().bytes(channel, &self.commitment(number, self.own.role, &opening))?;
        let mut theirs = self.step().bytes(channel, &opening)?;
        let as_committed = self.commitment(number, self.own.role.peer(), &theirs).ct_eq(&committed);
        let equal = theirs[..32].ct_eq(&digest[..]);
        theirs.zeroize();
        accept(as_committed & equal, Check::Products)
    }

    fn commitment(&self, number: u64, role: Role, opening: &[u8; 64]) -> [u8; 32] {
        let domain = Domain { label: EQUALITY, session: self.session, index: number, role: Some(role) };
        domain.of(&[opening])
    }

    fn step(&self) -> Exchange {
        Exchange { role: self.own.role, phase: Phase::Products }
    }
}

/// What P sends of all candidates: S, drawn for these, and U.
pub(super) struct Offer<'o> {
    pub(super) delta: &'o Delta,
    pub(super) backend: Backend,
    /// S.
    pub(super) key: Block,
}

impl Offer<'_> {
    /// Sends S and U, from K\[x\] and Φ(y) of all candidates, and adds H(K\[x\]) to T.
    ///
    /// # Errors
    /// If the connection fails.
    pub(super) fn send(
        self,
        channel: &mut impl Channel,
        keys: &[Block],
        mut phi: impl Iterator<Item = Block>,
        t: &mut [Block],
    ) -> Result<(), ChannelError> {
        channel.send(Phase::Products, &self.key.to_bytes())?;
        let key = HashKey::new(self.key);
        let mut h = Zeroizing::new(vec![[Block::ZERO; 2]; BLOCK]);
        let mut u = Vec::with_capacity(BLOCK * Block::BYTES);
        for ((first, keys), t) in (0..).step_by(BLOCK).zip(keys.chunks(BLOCK)).zip(t.chunks_mut(BLOCK)) {
            let h = &mut h[..keys.len()];
            self.backend.hash_both(&PairContext { delta: self.delta, key: &key, first }, keys, h);
            u.clear();
            for (([h0, h1], t), phi) in h.iter().zip(t).zip(&mut phi) {
                u.extend_from_slice(&(*h0 ^ *h1 ^ phi).to_bytes());
                *t ^= *h0;
            }
            channel.send(Phase::Products, &u)?;
        }
        channel.flush()
    }
}

/// Receives S and U of all candidates, and adds H(M\[x\]) ⊕ x·U to T.
///
/// # Errors
/// If the connection fails.
pub(super) fn take_offer(
    channel: &mut impl Channel,
    backend: Backend,
    macs: &[Block],
    t: &mut [Block],
) -> Result<(), ChannelError> {
    let mut key = [0; Block::BYTES];
    channel.receive(Phase::Products, &mut key)?;
    let key = HashKey::new(Block::from_bytes(key));
    let mut h = Zeroizing::new(vec![Block::ZERO; BLOCK]);
    let mut u = vec![0; BLOCK * Block::BYTES];
    for ((first, macs), t) in (0..).step_by(BLOCK).zip(macs.chunks(BLOCK)).zip(t.chunks_mut(BLOCK)) {
        let (h, u) = (&mut h[..macs.len()], &mut u[..macs.len() * Block::BYTES]);
        channel.receive(Phase::Products, u)?;
        backend.hash(&key, first, macs, h);
        for (((mac, u), h), t) in macs.iter().zip(Block::from_chunks(u)).zip(h.iter()).zip(t) {
            *t ^= *h ^ u.masked(bit_of(*mac));
        }
    }
    Ok(())
}
