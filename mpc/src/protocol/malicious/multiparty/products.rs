//! Leaky products of n parties, and their zero test.
//!
//! Each ordered pair does what two parties do (`super::products`): i sends j S and U, from its keys for j's x
//! and its Φ_i(y) over all peers.
//!
//! ```text
//! U_ij = H(K_i[x_j]) ⊕ H(K_i[x_j] ⊕ Δ_i) ⊕ Φ_i(y)                         under S_ij, drawn by i for these candidates
//! T_i  = x_i·Φ_i(y) ⊕ Φ_i(r) ⊕ Σ_j (H(K_i[x_j]) ⊕ H(M_i^j[x_i]) ⊕ x_i·U_ji)
//! ```
//!
//! H(K_i[x_j]) ⊕ H(M_j^i[x_j]) ⊕ x_j·U_ij = x_j·Φ_i(y), so all T add up to Σ_ij x_j·Φ_i(y) ⊕ Σ Φ_i(r) = (x∧y ⊕ r)·ΣΔ.
//! The lowest bit of ΣΔ is 1:
//!
//! ```text
//! s = Σ lsb T_i (broadcast) = x∧y ⊕ r,   z = r ⊕ s,   V_i = T_i ⊕ s·Δ_i,   Σ V_i = 0
//! ```
//!
//! **Zero test.** With two parties both compare digests of V. With more, no party may see what the others'
//! V add up to, since this could be a sum of Δ. Let ℓ_i = Σ_g χ_g·V_i for a coin χ, and each party draw ρ_i:
//!
//! ```text
//! j → i   c_j = ℓ_j ⊕ w_j, w_j 128 random authenticated bits:  K' = K ⊕ c_jp·Δ_i,  M = K' ⊕ ℓ_jp·Δ_i
//! i → j   H(K'_p) ⊕ H(K'_p ⊕ Δ_i) ⊕ ρ_i·X^p,  p = 0 … 127             under a key S drawn by i
//! o_i   = ρ_i·ℓ_i ⊕ Σ_j Σ_p (H(K'_p) ⊕ H(M_p) ⊕ ℓ_ip·[what j sent])
//! ```
//!
//! The o_i add up to (Σρ)·(Σℓ). All commit to o_i, then open; the sum must be zero. If Σℓ is not zero the sum
//! is uniform for who lacks one ρ_i. A single candidate that is not zero makes Σℓ zero with probability 2⁻¹²⁸.
//!
//! Source: the leaky products of Wang, Ranellucci, Katz 2017 (ePrint 2017/189), section 5, with the half-gate
//! form of Katz et al. 2018 (ePrint 2018/578). The zero test is our own.

use rand_core::{CryptoRng, RngCore};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use super::super::authenticated_bits::{Authenticator, Share, SharesView, bit_of};
use super::super::coins::Coin;
use super::super::domains::{Domain, EQUALITY};
use super::super::error::{Check, SessionError, accept};
use super::super::products::{Offer, take_offer};
use super::super::report::{ValueSum, double, times};
use super::links::Links;
use super::party::Party;
use super::peer_chunks::PeerChunks;
use crate::backend::PairContext;
use crate::channel::Phase;
use crate::hash::HashKey;
use crate::protocol::hello::Role;
use crate::{Bits, Block};

/// Transfers of each ordered pair in the zero test.
pub(super) const TEST_BITS: usize = 128;

/// Turns r of all candidates into z = x∧y, and tests them.
///
/// # Errors
/// If a connection fails or the test does.
pub(super) fn multiply(
    party: &mut Party,
    links: &mut Links<'_>,
    chunks: &mut PeerChunks,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(), SessionError> {
    let v = products(party, links, chunks, rng)?;
    // All U and s have arrived.
    let coin = party.coins.toss(links, rng)?;
    links.compare(Phase::Coins)?;
    let sum = combination(&coin, &v);
    zero_test(party, links, (chunks, sum), rng)
}

/// V of all candidates; r becomes z.
fn products(
    party: &Party,
    links: &mut Links<'_>,
    chunks: &mut PeerChunks,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Zeroizing<Vec<Block>>, SessionError> {
    let PeerChunks(chunks) = chunks;
    let phi_y = phi(&party.own, chunks.iter().map(|chunk| chunk.y()));
    let mut t = phi(&party.own, chunks.iter().map(|chunk| chunk.r().iter()));
    let macs = chunks.first().map(|chunk| chunk.x().macs).unwrap_or_default();
    for ((t, phi), mac) in t.iter_mut().zip(phi_y.iter()).zip(macs) {
        *t ^= phi.masked(bit_of(*mac));
    }
    for i in links.in_turn() {
        let (link, x) = (&mut links.all[i], chunks[i].x());
        let offer = Offer { delta: &party.delta, backend: party.backend, key: Block::random(rng) };
        if link.role == Role::Garbler {
            offer.send(&mut link.channel, x.keys, phi_y.iter().copied(), &mut t)?;
            take_offer(&mut link.channel, party.backend, x.macs, &mut t)?;
        } else {
            take_offer(&mut link.channel, party.backend, x.macs, &mut t)?;
            offer.send(&mut link.channel, x.keys, phi_y.iter().copied(), &mut t)?;
        }
    }
    let ours: Bits = t.iter().map(|t| t.lsb()).collect();
    let lengths = vec![ours.as_bytes().len(); links.parties()];
    let broadcast = links.broadcast(Phase::Products, ours.as_bytes(), &lengths)?;
    links.compare(Phase::Products)?;
    let s = broadcast.iter().try_fold(Bits::from_number(0, t.len()), |s, broadcast| {
        Some(s.xor(&Bits::from_bytes(broadcast, t.len() as u64)?))
    });
    let s = s.ok_or(SessionError::Encoding(Phase::Products))?;
    t.iter_mut().zip(s.iter()).for_each(|(t, s)| *t ^= party.delta.times(s));
    for ((link, own), chunk) in links.all.iter().zip(&party.own).zip(chunks) {
        // s is added to the share of P_1: garblers move their keys for it.
        if links.own == 0 || link.peer == 0 {
            chunk.r_mut().zip(s.iter()).for_each(|((mac, key), s)| own.add_public(mac, key, s));
        }
    }
    Ok(t)
}

/// Φ of bits, from the shares towards each peer.
fn phi(
    own: &[Authenticator],
    peers: impl Iterator<Item = impl Iterator<Item = Share>>,
) -> Zeroizing<Vec<Block>> {
    let mut phi: Zeroizing<Vec<Block>> = Zeroizing::default();
    for (i, (own, shares)) in own.iter().zip(peers).enumerate() {
        if i == 0 {
            phi.reserve_exact(shares.size_hint().0);
            phi.extend(shares.map(|share| own.phi(share)));
        } else {
            phi.iter_mut().zip(shares).for_each(|(phi, Share { mac, key })| *phi ^= mac ^ key);
        }
    }
    phi
}

/// ℓ for the χ that a coin chose.
fn combination(Coin(coin): &Coin, v: &[Block]) -> Block {
    let mut chi = [0; Block::BYTES];
    chi.copy_from_slice(&coin[..Block::BYTES]);
    let mut sum = ValueSum::new(Block::from_bytes(chi));
    sum.add(v.iter().copied());
    sum.total()
}

/// Tests that ℓ of all parties add up to zero.
fn zero_test(
    party: &Party,
    links: &mut Links<'_>,
    (PeerChunks(chunks), sum): (&PeerChunks, Block),
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(), SessionError> {
    let spare: Vec<SharesView<'_>> = chunks.iter().map(|chunk| chunk.spare()).collect();
    let w = spare.first().map(|spare| spare.macs).unwrap_or_default();
    let w = w.iter().rev().fold(0, |w, mac| w << 1 | u128::from(bit_of(*mac)));
    let broadcast = links.broadcast_each(Phase::Products, &(sum ^ Block::new(w)).to_bytes())?;
    let rho = Block::random(rng);
    let mut share = times(rho, sum);
    let mut offers = Vec::with_capacity(spare.len());
    for (link, spare) in links.all.iter().zip(&spare) {
        let key = Block::random(rng);
        let corrected = Block::from_bytes(broadcast[link.peer]);
        let bits = Bits::from_number(corrected.to_u128(), TEST_BITS);
        let keys = spare.keys.iter().zip(bits.iter()).map(|(key, c)| *key ^ party.delta.times(c));
        let keys: Zeroizing<Vec<Block>> = Zeroizing::new(keys.collect());
        let mut h = Zeroizing::new(vec![[Block::ZERO; 2]; keys.len()]);
        let pairs = PairContext { delta: &party.delta, key: &HashKey::new(key), first: 0 };
        party.backend.hash_both(&pairs, &keys, &mut h);
        let (mut shifted, mut offer) = (rho, key.to_bytes().to_vec());
        for [h0, h1] in h.iter() {
            offer.extend((*h0 ^ *h1 ^ shifted).to_bytes());
            share ^= *h0;
            shifted = double(shifted);
        }
        offers.push(offer);
    }
    let theirs = links.send_each(Phase::Products, &offers)?;
    for (offer, spare) in theirs.iter().zip(&spare) {
        let mut blocks = Block::from_chunks(offer);
        let key = HashKey::new(blocks.next().unwrap_or_default());
        let mut h = Zeroizing::new(vec![Block::ZERO; spare.macs.len()]);
        party.backend.hash(&key, 0, spare.macs, &mut h);
        for (p, (h, sent)) in h.iter().zip(blocks).enumerate() {
            share ^= *h ^ sent.masked(sum.to_u128() >> p & 1 == 1);
        }
    }
    open_zero(party, links, (chunks[0].extent().number, share), rng)
}

/// Commits to a share, opens it, and checks that the shares of all add up to zero.
fn open_zero(
    party: &Party,
    links: &mut Links<'_>,
    (chunk, share): (u64, Block),
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(), SessionError> {
    let mut ours = [0; 48];
    let (first, salt) = ours.split_at_mut(Block::BYTES);
    first.copy_from_slice(&share.to_bytes());
    rng.fill_bytes(salt);
    let commitment = |place: usize, opening: &[u8; 48]| {
        let domain = Domain { label: EQUALITY, session: &party.agreed.session, index: chunk, role: None };
        domain.of(&[&[place as u8], opening])
    };
    let committed = links.broadcast_each(Phase::Products, &commitment(links.own, &ours))?;
    let opened = links.broadcast_each(Phase::Products, &ours)?;
    let (mut all, mut sum) = (Choice::from(1), Block::ZERO);
    for (place, (committed, opening)) in committed.iter().zip(&opened).enumerate() {
        all &= commitment(place, opening).ct_eq(committed);
        sum = Block::from_chunks(opening).next().map_or(sum, |share| sum ^ share);
    }
    accept(all & sum.ct_eq(&Block::ZERO), Check::Products)
}
