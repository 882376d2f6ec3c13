//! Authenticated bits: each party holds a share of a bit, and the peer can check a share that
//! is revealed.
//!
//! A bit w = w_G ⊕ w_E is shared between garbler and evaluator. Of the two, P holds its share w_P with a MAC,
//! and a key for the share of the other party, Q:
//!
//! ```text
//! M_P = K_Q ⊕ w_P·Δ_Q        M_P and w_P at P, K_Q and Δ_Q at Q
//! ```
//!
//! Both parties XOR what they hold to XOR bits. A public bit s is added to the evaluator's share: `w_E ⊕ s`.
//!
//! **The two lowest bits** of Δ are constants: bit 0 is 1 for the garbler and 0 for the evaluator, bit 1 is 1
//! for both. After each transfer the holder of a key clears bits 0 and 1 of it, and the holder of a MAC sets
//! them to those of w·Δ. So the equation holds in these bits whatever the peer put into its base transfers,
//! and no party can have a Δ of other low bits. Two consequences: bit 1 of a MAC *is* its owner's bit (a
//! share takes 32 bytes and no more), and
//!
//! ```text
//! Φ_P(w) = w_P·Δ_P ⊕ K_P ⊕ M_P        Φ_G(w) ⊕ Φ_E(w) = w·(Δ_G ⊕ Δ_E)        lsb Φ_P(w) = w_P
//! share_G(w) = w_G·Δ_G ⊕ K_G,  share_E(w) = M_E              share_G(w) ⊕ share_E(w) = w·Δ_G
//! ```
//!
//! The first sum holds since K_E ⊕ M_G = w_G·Δ_E and K_G ⊕ M_E = w_E·Δ_G. 126 bits of Δ stay uniform.
//!
//! Guaranteed: no branch or address depends on a bit, a MAC, a key or Δ; vectors of shares are wiped when
//! dropped.
//!
//! Source: Katz, Ranellucci, Rosulek, Wang 2018 (ePrint 2018/578), section 3; bits by correlated transfers
//! with a random choice from Roy 2022 (ePrint 2022/192).

use core::ops::{BitXor, BitXorAssign, Range};
use std::sync::Arc;

use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize, Zeroizing};

use super::domains::{Domain, TRANSFERS};
use crate::channel::Channel;
use crate::ot::{Adversary, Expansion, Options, OtError, Receiver, Sender, SessionId, TreeDepth};
use crate::protocol::hello::Role;
use crate::{Block, Delta};

/// The bits of a block that are constants in every Δ.
const LOW: u128 = 3;

/// The two lowest bits of a party's Δ.
const fn ending(role: Role) -> u64 {
    match role {
        Role::Garbler => 0b11,
        Role::Evaluator => 0b10,
    }
}

/// The bit that a MAC is on.
pub(super) const fn bit_of(mac: Block) -> bool {
    mac.halves()[0] & 2 != 0
}

/// What one party holds of an authenticated bit; the default is a public zero.
#[derive(Clone, Copy, Default, PartialEq, Eq, Zeroize)]
pub(super) struct Share {
    /// M, on this party's own bit.
    pub(super) mac: Block,
    /// K, for the peer's bit.
    pub(super) key: Block,
}

impl Share {
    /// This party's own bit.
    pub(super) const fn bit(self) -> bool {
        bit_of(self.mac)
    }

    /// The share itself if `bit` is set, else a public zero, in constant time.
    pub(super) const fn masked(self, bit: bool) -> Self {
        Self { mac: self.mac.masked(bit), key: self.key.masked(bit) }
    }
}

impl BitXor for Share {
    type Output = Self;
    fn bitxor(self, other: Self) -> Self {
        Self { mac: self.mac ^ other.mac, key: self.key ^ other.key }
    }
}

impl BitXorAssign for Share {
    fn bitxor_assign(&mut self, other: Self) {
        *self = *self ^ other;
    }
}

/// Prints nothing of the value.
impl core::fmt::Debug for Share {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Share(..)")
    }
}

/// Shares of many bits, MACs and keys apart, so that each kind can be hashed in bulk.
#[derive(Default)]
pub(super) struct Shares {
    pub(super) macs: Zeroizing<Vec<Block>>,
    pub(super) keys: Zeroizing<Vec<Block>>,
}

impl Shares {
    pub(super) fn with_capacity(n: usize) -> Self {
        Self { macs: Zeroizing::new(Vec::with_capacity(n)), keys: Zeroizing::new(Vec::with_capacity(n)) }
    }

    /// Empties the vectors and makes room for `n` shares, in the same memory if it is large enough.
    pub(super) fn restart(&mut self, n: usize) {
        if n > self.macs.capacity() || n > self.keys.capacity() {
            *self = Self::with_capacity(n);
        }
        self.macs.clear();
        self.keys.clear();
    }

    pub(super) fn push(&mut self, share: Share) {
        self.macs.push(share.mac);
        self.keys.push(share.key);
    }

    pub(super) fn len(&self) -> usize {
        self.macs.len()
    }

    pub(super) fn view(&self) -> SharesView<'_> {
        SharesView { macs: &self.macs, keys: &self.keys }
    }
}

/// Borrowed shares.
#[derive(Clone, Copy)]
pub(super) struct SharesView<'a> {
    pub(super) macs: &'a [Block],
    pub(super) keys: &'a [Block],
}

impl<'a> SharesView<'a> {
    pub(super) fn get(self, i: usize) -> Share {
        Share { mac: self.macs[i], key: self.keys[i] }
    }

    pub(super) fn slice(self, range: Range<usize>) -> Self {
        Self { macs: &self.macs[range.clone()], keys: &self.keys[range] }
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Share> + 'a {
        self.macs.iter().zip(self.keys).map(|(mac, key)| Share { mac: *mac, key: *key })
    }
}

/// A party's Δ and what it computes with it.
pub(super) struct Authenticator {
    pub(super) role: Role,
    /// Shared by the authenticators towards several peers, and wiped with the last of them.
    pub(super) delta: Arc<Delta>,
    /// The two lowest bits of the peer's Δ.
    pub(super) peer_ending: u64,
}

impl Authenticator {
    /// An authenticator with a fresh Δ.
    pub(super) fn random(role: Role, rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let delta = Arc::new(Delta::random_ending(ending(role), rng));
        Self { role, delta, peer_ending: ending(role.peer()) }
    }

    /// Φ of a share.
    pub(super) fn phi(&self, share: Share) -> Block {
        self.delta.times(share.bit()) ^ share.key ^ share.mac
    }

    /// The garbler's summand of `w·Δ_G`; the evaluator's is its MAC.
    pub(super) fn garbler_summand(&self, share: Share) -> Block {
        self.delta.times(share.bit()) ^ share.key
    }

    /// The MAC that the peer must hold if its share is `bit`.
    pub(super) fn expected_mac(&self, share: Share, bit: bool) -> Block {
        share.key ^ self.delta.times(bit)
    }

    /// Adds a public bit: to the evaluator's share, with the MAC's constant bits, and to the garbler's key
    /// but for them.
    pub(super) fn add_public(&self, mac: &mut Block, key: &mut Block, bit: bool) {
        match self.role {
            Role::Garbler => *key ^= without_low(self.delta.times(bit)),
            Role::Evaluator => *mac ^= Block::new(self.peer_ending.into()).masked(bit),
        }
    }
}

/// The block with bits 0 and 1 cleared.
fn without_low(block: Block) -> Block {
    block & Block::new(!LOW)
}

/// Sets the constant bits of MACs on `bits`, 128 in each block, for a peer whose Δ has this ending.
pub(super) fn set_low_of_macs(macs: &mut [Block], bits: &[Block], peer_ending: u64) {
    let low = Block::new(peer_ending.into());
    let halves = bits.iter().flat_map(|bits| bits.halves());
    for (macs, mut bits) in macs.chunks_mut(64).zip(halves) {
        for mac in macs {
            *mac = without_low(*mac) ^ low.masked(bits & 1 == 1);
            bits >>= 1;
        }
    }
}

/// Clears the constant bits of keys.
pub(super) fn clear_low_of_keys(keys: &mut [Block]) {
    keys.iter_mut().for_each(|key| *key = without_low(*key));
}

/// How many random bits a party needs: its own, and the peer's.
#[derive(Clone, Copy)]
pub(super) struct Need {
    pub(super) own: usize,
    pub(super) peer: usize,
}

/// Correlated transfers in both directions: under our Δ for the peer's bits, under the peer's Δ for ours.
pub(super) struct Transfers {
    role: Role,
    peer_ending: u64,
    pub(super) sender: Sender,
    pub(super) receiver: Receiver,
}

impl Transfers {
    /// Sets up both directions, first the one in which the garbler sends.
    ///
    /// # Errors
    /// If the connection fails or the peer is caught deviating.
    pub(super) fn set_up(
        channel: &mut impl Channel,
        session: &Session,
        own: &Authenticator,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, OtError> {
        let (role, peer_ending) = (own.role, own.peer_ending);
        let Session { depth, expansion, .. } = *session;
        let options = Options { depth, expansion, adversary: Adversary::Malicious };
        let (sending, receiving) = (session.direction(role), session.direction(role.peer()));
        Ok(match role {
            Role::Garbler => {
                let sender = Sender::setup_with(channel, &sending, &own.delta, options, rng)?;
                let receiver = Receiver::setup_with(channel, &receiving, options, rng)?;
                Self { role, peer_ending, sender, receiver }
            }
            Role::Evaluator => {
                let receiver = Receiver::setup_with(channel, &receiving, options, rng)?;
                let sender = Sender::setup_with(channel, &sending, &own.delta, options, rng)?;
                Self { role, peer_ending, sender, receiver }
            }
        })
    }

    /// Transfers that a dealer set up.
    #[cfg(test)]
    pub(super) fn dealt(own: &Authenticator, sender: Sender, receiver: Receiver) -> Self {
        Self { role: own.role, peer_ending: own.peer_ending, sender, receiver }
    }

    /// Random bits of both parties: MACs on `need.own` bits of ours, keys for `need.peer` bits of the peer,
    /// in place of what `shares` held. The check of the peer's corrections has passed when this returns, so
    /// before any output is hashed.
    ///
    /// # Errors
    /// If the connection fails or the peer is caught deviating.
    pub(super) fn random_bits(
        &mut self,
        channel: &mut impl Channel,
        need: Need,
        shares: &mut Shares,
    ) -> Result<(), OtError> {
        match self.role {
            Role::Garbler => {
                self.keys(channel, need.peer, &mut shares.keys)?;
                self.macs(channel, need.own, &mut shares.macs)
            }
            Role::Evaluator => {
                self.macs(channel, need.own, &mut shares.macs)?;
                self.keys(channel, need.peer, &mut shares.keys)
            }
        }
    }

    fn keys(&mut self, channel: &mut impl Channel, n: usize, keys: &mut Vec<Block>) -> Result<(), OtError> {
        self.sender.send_random_into(channel, n, keys)?;
        clear_low_of_keys(keys);
        Ok(())
    }

    fn macs(&mut self, channel: &mut impl Channel, n: usize, macs: &mut Vec<Block>) -> Result<(), OtError> {
        let bits = self.receiver.receive_random_into(channel, n, macs)?;
        set_low_of_macs(macs, &bits, self.peer_ending);
        Ok(())
    }
}

/// What the transfers need of a session.
pub(super) struct Session {
    pub(super) id: SessionId,
    pub(super) depth: TreeDepth,
    pub(super) expansion: Expansion,
}

impl Session {
    /// The session id of the transfers that `sender` sends.
    fn direction(&self, sender: Role) -> SessionId {
        let domain = Domain { label: TRANSFERS, session: &self.id, index: 0, role: Some(sender) };
        SessionId(domain.of(&[]))
    }
}
