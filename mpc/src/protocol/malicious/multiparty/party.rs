//! A party after the set-up: its Δ, the transfers with each peer, and random authenticated bits.
//!
//! A bit is shared by all parties, w = w_1 ⊕ … ⊕ w_n, and every pair holds what two parties hold of a bit
//! (`authenticated_bits`): i a MAC under Δ_j on w_i, and a key for w_j. A party's share of a bit is thus one
//! [`Share`](super::super::authenticated_bits::Share) for each peer, all on the same own bit.
//!
//! ```text
//! lowest bits    bit 0 of Δ_i is 1 for garblers, n mod 2 for the evaluator P_1; bit 1 is 1 for all
//! Φ_i(w)       = w_i·Δ_i ⊕ Σ_j (K_i[w_j] ⊕ M_i^j)              Σ_i Φ_i(w) = w·ΣΔ,  lsb ΣΔ = 1
//! ```
//!
//! Both ends set the constant bits, as between two parties. The number of garblers is n − 1, so the lowest
//! bits of all Δ add up to n − 1 + n mod 2, which is odd.
//!
//! **Same bits towards all.** A party chooses its bits, those to be sacrificed too, and enters them into the
//! transfers with every peer. When all corrections have come, a coin gives one challenge R for all pairs. R·x
//! is broadcast, R·t to each peer apart, and a peer accepts R·t against the R·x that was broadcast and compared.
//! Bits that differ between two peers have another R·x except with probability 2⁻⁶⁴.
//!
//! Source: Wang, Ranellucci, Katz 2017 (ePrint 2017/189), section 5; the check of Roy 2022 (ePrint 2022/192).

use std::sync::Arc;

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::super::authenticated_bits::{
    Authenticator, Session, Shares, Transfers, clear_low_of_keys, set_low_of_macs,
};
use super::super::coins::Coin;
use super::super::error::SessionError;
use super::agreement::Agreed;
use super::coins::Coins;
use super::links::{Link, Links};
use crate::backend::Backend;
use crate::channel::{Channel, Phase};
use crate::ot::{Answer, Expansion, PackedChoices, SACRIFICED};
use crate::protocol::hello::Role;
use crate::{Block, Delta};

/// One party after the set-up.
pub(super) struct Party {
    pub(super) agreed: Agreed,
    pub(super) delta: Arc<Delta>,
    pub(super) backend: Backend,
    /// Towards each peer.
    pub(super) own: Vec<Authenticator>,
    transfers: Vec<Transfers>,
    pub(super) coins: Coins,
}

/// Δ, and transfers that were set up with it.
pub(super) struct Keys {
    pub(super) delta: Arc<Delta>,
    pub(super) own: Vec<Authenticator>,
    pub(super) transfers: Vec<Transfers>,
}

/// The two lowest bits of the Δ of the party at a place.
pub(super) const fn ending(place: usize, parties: usize) -> u64 {
    if place == 0 { 2 | parties as u64 & 1 } else { 3 }
}

impl Keys {
    /// Draws Δ, and sets up transfers with every peer.
    ///
    /// # Errors
    /// If a connection fails or a peer is caught deviating.
    pub(super) fn set_up(
        links: &mut Links<'_>,
        agreed: &Agreed,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, SessionError> {
        let parties = links.parties();
        let delta = Arc::new(Delta::random_ending(ending(links.own, parties), rng));
        let towards = |link: &Link<'_>| Authenticator {
            role: link.role,
            delta: Arc::clone(&delta),
            peer_ending: ending(link.peer, parties),
        };
        let own: Vec<_> = links.all.iter().map(towards).collect();
        let mut transfers: Vec<Option<Transfers>> = own.iter().map(|_| None).collect();
        for i in links.in_turn() {
            let session = Session {
                id: agreed.pairs[i],
                depth: agreed.chunks.settings.depth,
                expansion: Expansion::None,
            };
            let channel = &mut links.all[i].channel;
            transfers[i] = Some(Transfers::set_up(channel, &session, &own[i], rng)?);
            channel.flush()?;
        }
        Ok(Self { delta, own, transfers: transfers.into_iter().flatten().collect() })
    }
}

impl Party {
    /// Begins with the coins, when the transfers are set up.
    ///
    /// # Errors
    /// If a connection fails.
    pub(super) fn begin(
        links: &mut Links<'_>,
        Keys { delta, own, transfers }: Keys,
        agreed: Agreed,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, SessionError> {
        let coins = Coins::begin(links, &agreed.session, rng)?;
        Ok(Self { agreed, delta, backend: Backend::detect(), own, transfers, coins })
    }

    /// Random bits: `need[i]` of the party at place i. Fills the shares towards each peer in place of what
    /// they held: MACs on our bits, and keys for the peer's. All checks have passed when this returns, so before
    /// any output is hashed.
    ///
    /// # Errors
    /// If a connection fails or a peer is caught deviating.
    pub(super) fn random_bits(
        &mut self,
        links: &mut Links<'_>,
        need: &[usize],
        shares: &mut [Shares],
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(), SessionError> {
        let ours = need[links.own];
        let blocks = if ours > 0 { (ours + SACRIFICED).div_ceil(128) } else { 0 };
        let x: Zeroizing<Vec<Block>> = Zeroizing::new((0..blocks).map(|_| Block::random(rng)).collect());
        let choices = PackedChoices { bits: &x, n: ours };
        for i in links.in_turn() {
            let Link { peer, role, channel, .. } = &mut links.all[i];
            let (Transfers { sender, receiver, .. }, Shares { macs, keys }) =
                (&mut self.transfers[i], &mut shares[i]);
            for sends in [*role == Role::Garbler, *role == Role::Evaluator] {
                match (sends, need[*peer]) {
                    (true, 0) => keys.clear(),
                    (true, n) => sender.send_unchecked(channel, n, keys)?,
                    (false, _) if ours == 0 => macs.clear(),
                    (false, _) => receiver.receive_unchecked(channel, choices, macs)?,
                }
            }
        }
        if need.iter().all(|n| *n == 0) {
            return Ok(());
        }
        // The corrections of all have arrived.
        let Coin(coin) = self.coins.toss(links, rng)?;
        let mut challenge = [0; Block::BYTES];
        challenge.copy_from_slice(&coin[..Block::BYTES]);
        self.check(links, (need, &choices), shares, Block::from_bytes(challenge))?;
        for (shares, own) in shares.iter_mut().zip(&self.own) {
            set_low_of_macs(&mut shares.macs, &x, own.peer_ending);
            clear_low_of_keys(&mut shares.keys);
        }
        Ok(())
    }

    /// Answers the challenge for our bits, and checks the answers of the others.
    fn check(
        &mut self,
        links: &mut Links<'_>,
        (need, choices): (&[usize], &PackedChoices<'_>),
        shares: &mut [Shares],
        challenge: Block,
    ) -> Result<(), SessionError> {
        let (mut broadcast, mut rows) = (Vec::new(), vec![Vec::new(); shares.len()]);
        if choices.n > 0 {
            for ((transfers, shares), rows) in self.transfers.iter_mut().zip(&mut *shares).zip(&mut rows) {
                let answer = transfers.receiver.answer(challenge, choices.bits, &mut shares.macs);
                broadcast = answer.choices.to_le_bytes().to_vec();
                rows.extend(answer.rows.iter().flat_map(|row| row.to_bytes()));
            }
        }
        let lengths: Vec<usize> = need.iter().map(|n| if *n > 0 { size_of::<u64>() } else { 0 }).collect();
        let broadcast = links.broadcast(Phase::OtExtension, &broadcast, &lengths)?;
        for (link, rows) in links.all.iter_mut().zip(&rows).filter(|(_, rows)| !rows.is_empty()) {
            link.channel.send(Phase::OtExtension, rows)?;
            link.channel.flush()?;
        }
        let mut answers = Vec::with_capacity(shares.len());
        for link in &mut links.all {
            let mut rows = vec![0; if need[link.peer] > 0 { SACRIFICED * Block::BYTES } else { 0 }];
            link.channel.receive(Phase::OtExtension, &mut rows)?;
            let choices = broadcast[link.peer].iter().rev().fold(0, |x, byte| x << 8 | u64::from(*byte));
            answers.push((need[link.peer], Answer { choices, rows: Block::from_chunks(&rows).collect() }));
        }
        links.compare(Phase::OtExtension)?;
        let mut checks = self.transfers.iter_mut().zip(shares).zip(&answers).filter(|(_, (n, _))| *n > 0);
        let verify =
            |((transfers, shares), (_, answer)): ((&mut Transfers, &mut Shares), &(usize, Answer))| {
                transfers.sender.verify(challenge, answer, &mut shares.keys)
            };
        Ok(checks.try_for_each(verify)?)
    }
}
