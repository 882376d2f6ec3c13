//! What both parties do alike: set up transfers and coins, then prepare a chunk up to the masked inputs.
//!
//! ```text
//! set_up    transfers under Δ_G, transfers under Δ_E, commitments to the first nonces
//! prepare   random bits both ways → masks (nothing is sent) → leaky products → coin → openings → Λ of all inputs
//! ```
//!
//! Δ is made here, lives here, and is wiped with the [`Party`].

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::agreement::Agreed;
use super::authenticated_bits::{Authenticator, Need, Shares, Transfers};
use super::buckets::{Combination, Combiner, InputMasks, MacDigests};
use super::chunk::ChunkBits;
use super::coins::Coins;
use super::error::SessionError;
use super::exchange::Exchange;
use super::gates::GateMasks;
use super::masks::{MaskInputs, MaskedInputs, Masks, Places};
use super::owner_check::{Entered, MASK_BITS, OwnerCheck, OwnerTests, fit, mask_bits, shared_blocks};
use super::products::Products;
use crate::Bits;
use crate::backend::Backend;
use crate::channel::{Channel, Phase};
use crate::inputs::InputStream;
use crate::program::{Program, Shape};
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

/// What a party enters.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The bits and shares that the program reads, stream by stream.
    pub bits: &'a Bits,
    /// For each shared stream that is not empty, the tests that its owner gave for this attempt.
    pub owners: &'a [OwnerTests<'a>],
}

/// The streams, and the tests of the shared ones.
struct OwnersOf<'a> {
    input_streams: &'a [InputStream],
    owners: &'a [OwnerTests<'a>],
}

/// What a party has before garbling begins.
pub(super) struct Prepared {
    pub(super) gates: GateMasks,
    /// The masks of the outputs.
    pub(super) outputs: Shares,
    pub(super) inputs: MaskedInputs,
    pub(super) digests: MacDigests,
    pub(super) input_streams: Vec<InputStream>,
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

    /// Prepares the program for our input bits.
    ///
    /// # Errors
    /// If the inputs do not match the program, the connection fails or the peer is caught deviating.
    pub(super) fn prepare(
        &mut self,
        channel: &mut impl Channel,
        program: &impl Program,
        Inputs { bits, owners }: Inputs<'_>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Prepared, SessionError> {
        let input_streams = program.shape().input_streams;
        let mut need = self.inputs(&program.shape());
        if bits.len() != need.own {
            return Err(SessionError::InputLength { expected: need.own, given: bits.len() });
        }
        if !fit(owners, &input_streams) {
            return Err(SessionError::NoTests);
        }
        let masks = MASK_BITS * shared_blocks(&input_streams);
        (need.own, need.peer) = (need.own + masks, need.peer + masks);
        let buckets = self.agreed.buckets;
        let shares = self.transfers.random_bits(channel, ChunkBits::need(need, buckets))?;
        let mut chunk = ChunkBits::new(shares, need, buckets);
        let (masks, outputs) = self.masks(&chunk, program)?;
        let (gates, digests) = self.multiply(channel, &mut chunk, masks, rng)?;
        let bits = bits.iter().chain(mask_bits(owners)).enumerate();
        let own: Bits = bits.map(|(i, x)| x ^ chunk.own_input(i).bit()).collect();
        let peer = self.step(Phase::Inputs).bits(channel, &own, need.peer)?;
        let inputs = MaskedInputs { own, peer };
        self.check_owners(channel, &chunk, &inputs, OwnersOf { input_streams: &input_streams, owners })?;
        Ok(Prepared { gates, outputs, inputs, digests, input_streams })
    }

    /// Tests what the peer entered for owners who do not compute, and answers its tests. All Λ were told.
    fn check_owners(
        &self,
        channel: &mut impl Channel,
        chunk: &ChunkBits,
        MaskedInputs { own, peer }: &MaskedInputs,
        OwnersOf { input_streams, owners }: OwnersOf<'_>,
    ) -> Result<(), SessionError> {
        let entered = Entered {
            own: &|i| chunk.own_input(i),
            peer: &|i| chunk.peer_input(i),
            own_values: own,
            peer_values: peer,
        };
        let attempt = self.agreed.attempt;
        let check = OwnerCheck { authenticator: &self.own, attempt, input_streams, tests: owners, entered };
        check.run(channel)
    }

    /// A step in which both parties send.
    fn step(&self, phase: Phase) -> Exchange {
        Exchange { role: self.own.role, phase }
    }

    fn inputs(&self, shape: &Shape) -> Need {
        let (garbler, evaluator) = (shape.garbler_bits(), shape.evaluator_bits());
        match self.own.role {
            Role::Garbler => Need { own: garbler, peer: evaluator },
            Role::Evaluator => Need { own: evaluator, peer: garbler },
        }
    }

    /// The first pass: α and β of all gates, and the masks of the outputs.
    fn masks(
        &self,
        chunk: &ChunkBits,
        program: &impl Program,
    ) -> Result<([Shares; 2], Shares), SessionError> {
        let Shape { input_streams, outputs: expected } = program.shape();
        let places = Places::new(self.own.role, &input_streams);
        let mut outputs = Zeroizing::new(Vec::with_capacity(expected));
        let mut f = Masks::new(chunk, self.agreed.gates);
        program.run(&mut f, &mut MaskInputs { chunk, places }, &mut outputs)?;
        if outputs.len() != expected {
            return Err(SessionError::OutputLength { expected, given: outputs.len() });
        }
        let mut shares = Shares::with_capacity(expected);
        outputs.iter().for_each(|share| shares.push(*share));
        Ok((f.finish()?, shares))
    }

    /// The products of α and β of all gates.
    fn multiply(
        &mut self,
        channel: &mut impl Channel,
        chunk: &mut ChunkBits,
        [alphas, betas]: [Shares; 2],
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(GateMasks, MacDigests), SessionError> {
        let (session, own) = (&self.agreed.session.id, &self.own);
        if self.agreed.gates > 0 {
            let products = Products { session, own, backend: self.backend };
            products.run(channel, chunk, betas.view(), rng)?;
        }
        // All that the coin decides about has arrived: both parties' U and s, and the digests of V.
        let coin = self.coins.toss(channel, rng)?;
        let masks = InputMasks { alphas: alphas.view(), betas: betas.view().slice(0..self.agreed.gates) };
        let combination = Combination::new(Combiner { session, own }, chunk, masks, &coin);
        let (tails, digests) = combination.run(channel)?;
        Ok((GateMasks { alphas, betas, tails }, digests))
    }
}
