//! What both parties do alike: set up transfers and coins, then prepare chunk after chunk.
//!
//! ```text
//! set_up      transfers under Δ_G, transfers under Δ_E, commitments to the first nonces
//! a chunk     random bits both ways ─► masks (first pass) ─► leaky products ─► coin ─► openings
//! ```
//!
//! Δ is made here, lives here, and is wiped with the [`Party`].

use rand_core::{CryptoRng, RngCore};

use super::agreement::Agreed;
use super::authenticated_bits::{Authenticator, Shares, Transfers};
use super::buckets::{Combination, MacDigests, shifts};
use super::chunk::Chunk;
use super::coins::Coins;
use super::error::SessionError;
use super::inputs::{Entry, EntryContext};
use super::products::Products;
use crate::backend::Backend;
use crate::channel::Channel;
use crate::protocol::hello::Role;

/// One party after the set-up.
pub(super) struct Party {
    pub(super) own: Authenticator,
    pub(super) backend: Backend,
    pub(super) agreed: Agreed,
    transfers: Transfers,
    coins: Coins,
}

/// Δ, and transfers that were set up with it.
pub(super) struct Keys {
    pub(super) own: Authenticator,
    pub(super) transfers: Transfers,
}

impl Party {
    /// Draws Δ, and sets up transfers and coins.
    ///
    /// # Errors
    /// If the connection fails or the peer is caught deviating.
    pub(super) fn set_up(
        channel: &mut impl Channel,
        role: Role,
        agreed: Agreed,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, SessionError> {
        let own = Authenticator::random(role, rng);
        let transfers = Transfers::set_up(channel, &agreed.session, &own, rng)?;
        let keys = Keys { own, transfers };
        Self::with_keys(channel, keys, agreed, rng)
    }

    /// Begins with the coins, from an outcome of the transfers' set-up.
    ///
    /// # Errors
    /// If the connection fails.
    pub(super) fn with_keys(
        channel: &mut impl Channel,
        Keys { own, transfers }: Keys,
        agreed: Agreed,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, SessionError> {
        let coins = Coins::begin(channel, &agreed.session.id, own.role, rng)?;
        Ok(Self { own, backend: Backend::detect(), agreed, transfers, coins })
    }
}

/// A party at work, with all that preparing a chunk takes.
pub(super) struct Preparation<'s, C, R> {
    pub(super) party: &'s mut Party,
    pub(super) channel: &'s mut C,
    pub(super) rng: &'s mut R,
    pub(super) entry: Entry<'s>,
}

impl<'s, C: Channel, R: RngCore + CryptoRng> Preparation<'s, C, R> {
    /// The inputs, and what entering them takes.
    fn entry(&mut self) -> (&mut Entry<'s>, EntryContext<'_, C>) {
        let Party { own, transfers, .. } = &mut *self.party;
        let context = EntryContext { own, transfers, channel: self.channel };
        (&mut self.entry, context)
    }

    /// Masks of the first bits of each input stream.
    ///
    /// # Errors
    /// If the connection fails or the peer is caught deviating.
    pub(super) fn first_inputs(&mut self) -> Result<Vec<Shares>, SessionError> {
        let (entry, mut with) = self.entry();
        entry.first(&mut with)
    }

    /// Masks of at least this many further bits of an input stream.
    ///
    /// # Errors
    /// As [`first_inputs`](Self::first_inputs), and if the stream has not as many.
    pub(super) fn more_inputs(&mut self, stream: usize, bits: usize) -> Result<Shares, SessionError> {
        let (entry, mut with) = self.entry();
        entry.more(&mut with, stream, bits)
    }

    /// Draws the random bits of a chunk, in the memory of one that is no longer needed.
    ///
    /// # Errors
    /// If the connection fails or the peer is caught deviating.
    pub(super) fn draw(&mut self, number: u64, memory: Chunk) -> Result<Chunk, SessionError> {
        let Party { agreed, transfers, .. } = &mut *self.party;
        let extent = agreed.chunks.extent(number);
        memory.renew(extent, |need, shares| Ok(transfers.random_bits(self.channel, need, shares)?))
    }

    /// Makes the products of α and β of all gates, once these are noted.
    ///
    /// # Errors
    /// If the connection fails or the peer is caught deviating.
    pub(super) fn multiply(&mut self, chunk: &mut Chunk) -> Result<MacDigests, SessionError> {
        let Party { own, backend, agreed, coins, .. } = &mut *self.party;
        let session = &agreed.session.id;
        if chunk.extent().gates == 0 {
            return Ok(MacDigests::default());
        }
        chunk.pad();
        let products = Products { session, own, backend: *backend };
        products.run(self.channel, chunk, self.rng)?;
        // All that the coin decides about has arrived: both parties' U and s, and the digests of V.
        let coin = coins.toss(self.channel, self.rng)?;
        let shifts = shifts(session, &coin, chunk.extent());
        Combination::new(session, own, chunk.extent(), &shifts).run(self.channel, chunk)
    }
}
