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

use super::authenticated_bits::Authenticator;
use super::chunk::{Candidates, Chunk};
use super::domains::{Domain, EQUALITY, PRODUCTS};
use super::error::{Check, SessionError, accept};
use super::exchange::Exchange;
use crate::backend::{Backend, PairContext};
use crate::channel::{Channel, Phase};
use crate::hash::HashKey;
use crate::ot::SessionId;
use crate::protocol::hello::Role;
use crate::{Bits, Block};

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
        let mut t = Zeroizing::new(vec![Block::ZERO; chunk.buckets().total()]);
        let candidates = chunk.products();
        let key = Block::random(rng);
        match self.own.role {
            Role::Garbler => {
                self.offer(channel, key, &candidates, &mut t)?;
                self.accept(channel, &candidates, &mut t)?;
            }
            Role::Evaluator => {
                self.accept(channel, &candidates, &mut t)?;
                self.offer(channel, key, &candidates, &mut t)?;
            }
        }
        let ours: Bits = t.iter().map(|t| t.lsb()).collect();
        let theirs = self.step().bits(channel, &ours, ours.len())?;
        let digest = self.correct(chunk, &t, &ours.xor(&theirs));
        self.compare(channel, chunk.extent().number, digest, rng)
    }

    /// Sends S and U of all candidates; adds what we know to T.
    fn offer(
        &self,
        channel: &mut impl Channel,
        key: Block,
        candidates: &[Candidates<'_>],
        mut t: &mut [Block],
    ) -> Result<(), SessionError> {
        channel.send(Phase::Products, &key.to_bytes())?;
        let key = HashKey::new(key);
        let mut h = Zeroizing::new(vec![[Block::ZERO; 2]; BLOCK]);
        let mut u = Vec::with_capacity(BLOCK * Block::BYTES);
        for block in candidates.iter().flat_map(blocks) {
            let (now, later) = t.split_at_mut(block.x.keys.len());
            let h = &mut h[..now.len()];
            let pairs = PairContext { delta: &self.own.delta, key: &key, first: block.first };
            self.backend.hash_both(&pairs, block.x.keys, h);
            u.clear();
            let shares = block.x.iter().zip(block.y.iter()).zip(block.r.iter());
            for (((x, y), r), ([h0, h1], t)) in shares.zip(h.iter().zip(now)) {
                let phi = self.own.phi(y);
                u.extend_from_slice(&(*h0 ^ *h1 ^ phi).to_bytes());
                *t ^= *h0 ^ phi.masked(x.bit()) ^ self.own.phi(r);
            }
            channel.send(Phase::Products, &u)?;
            t = later;
        }
        Ok(())
    }

    /// Receives S and U of all candidates; adds what we learn to T.
    fn accept(
        &self,
        channel: &mut impl Channel,
        candidates: &[Candidates<'_>],
        mut t: &mut [Block],
    ) -> Result<(), SessionError> {
        let mut key = [0; Block::BYTES];
        channel.receive(Phase::Products, &mut key)?;
        let key = HashKey::new(Block::from_bytes(key));
        let mut h = Zeroizing::new(vec![Block::ZERO; BLOCK]);
        let mut u = vec![0; BLOCK * Block::BYTES];
        for block in candidates.iter().flat_map(blocks) {
            let (now, later) = t.split_at_mut(block.x.macs.len());
            let (h, u) = (&mut h[..now.len()], &mut u[..now.len() * Block::BYTES]);
            channel.receive(Phase::Products, u)?;
            self.backend.hash(&key, block.first, block.x.macs, h);
            for (((x, u), h), t) in block.x.iter().zip(Block::from_chunks(u)).zip(h.iter()).zip(now) {
                *t ^= *h ^ u.masked(x.bit());
            }
            t = later;
        }
        Ok(())
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

/// The candidates in blocks.
fn blocks<'a>(candidates: &Candidates<'a>) -> impl Iterator<Item = Candidates<'a>> + use<'a> {
    let Candidates { first, x, y, r } = *candidates;
    let n = x.macs.len();
    (0..n).step_by(BLOCK).map(move |from| {
        let range = from..n.min(from + BLOCK);
        let [x, y, r] = [x, y, r].map(|shares| shares.slice(range.clone()));
        Candidates { first: first + from as u64, x, y, r }
    })
}
