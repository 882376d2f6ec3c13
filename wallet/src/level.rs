//! Integrity levels: where the money of an output came from, as an issuer says.
//!
//! An institution that brings money onto a chain says of the output that it made or paid: it is of this chain, it
//! came from another chain and that was verified, or was not. It signs a [`Statement`] and puts the hash of what it says on the
//! chain as a notice, which shows since when it has said so.
//!
//! ```text
//! data      = H("sotto/level/v1", chain id ‖ output (32) ‖ level (1) ‖ issuer's address (65) ‖ salt (32))
//! notice    = topic 3 ‖ data
//! signature = of the issuer's signing key, over "sotto/level/signed/v1" ‖ chain id ‖ data ‖ excess of the notice
//! bytes     = output (32) ‖ level (1) ‖ issuer (65) ‖ salt (32) ‖ excess (32) ‖ signature (64)
//! ```
//!
//! **Guaranteed**: who holds a statement can show who said what of which output, and since when; the notice alone
//! shows neither (the salt hides which output is meant).
//!
//! **Not guaranteed**: anything about later owners. Levels are in wallets, not in consensus: an output without a
//! statement counts as of this chain, so a statement that is not handed on is lost, and a payment to
//! somebody else has none until its issuer makes another statement.
#![deny(clippy::indexing_slicing)]

use crate::{
    armor::{Message, MessageKind},
    codec::point_bytes,
    keys::Address,
    tag,
};
use core::fmt;
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::Height,
    chain::{Chain, ChainId, Network},
    codec::{Decode, DecodeError, Encode, Reader},
    group::PointBytes,
    hash::tagged,
    kernel::{Excess, Kernel, Notice},
    rules::Verified,
    schnorr::{Signature, sign},
    secret::SecretScalar,
    transaction::Transaction,
};

/// The topic of notices about levels.
const TOPIC: u8 = 3;

/// Where the money of an output came from. In the order of integrity, the highest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// This chain: also every output without a statement.
    #[default]
    OwnChain = 0,
    /// Another chain; the issuer has verified it there.
    Verified = 1,
    /// Another chain; not verified.
    Unverified = 2,
}

impl Level {
    /// All levels, the highest first.
    pub const ALL: [Self; 3] = [Self::OwnChain, Self::Verified, Self::Unverified];
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::OwnChain => "own",
            Self::Verified => "verified",
            Self::Unverified => "unverified",
        })
    }
}

impl Encode for Level {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(*self as u8);
    }
}

impl Decode for Level {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let code = r.u8()?;
        let known = Self::ALL.into_iter().find(|level| *level as u8 == code);
        known.ok_or(DecodeError::Code { what: "integrity level", code })
    }
}

/// What an issuer says of one output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The output.
    pub output: PointBytes,
    /// Its level.
    pub level: Level,
    /// Who says so.
    pub issuer: Address,
    /// Hides from readers of the notice what it is about.
    pub salt: [u8; 32],
}

/// A claim that its issuer has signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What is said.
    pub claim: Claim,
    /// The kernel of the notice.
    pub notice: Excess,
    /// The issuer's signature.
    pub signature: Signature,
}

/// An output, and the level that an issuer gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The output, of whomever.
    pub output: PointBytes,
    /// Its level.
    pub level: Level,
}

/// What an issuer hands on, and what it submits.
#[derive(Debug)]
pub struct Stated {
    /// For the holder of the output.
    pub statement: Statement,
    /// For the chain: it contains the notice.
    pub transaction: Verified<Transaction>,
}

/// A kernel that a block of the chain has.
#[derive(Clone, Copy, Debug)]
pub struct Sealed<'a> {
    /// The kernel.
    pub kernel: &'a Kernel,
    /// The height of the block.
    pub height: Height,
}

/// Whether outputs of different integrity levels may be spent together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mixing {
    /// No payment does so.
    #[default]
    Refused,
    /// As any other outputs.
    Allowed,
}

/// Who gave an output its level, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// The issuer.
    pub issuer: Address,
    /// The kernel of the notice.
    pub notice: Excess,
    /// The height of its block.
    pub height: Height,
}

/// The level of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The output.
    pub output: PointBytes,
    /// Its level.
    pub level: Level,
    /// The statement that it follows from; `None` if it is what came back of outputs with that level.
    pub said: Option<Said>,
}

/// Why a statement is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LevelError {
    /// The signature is not the issuer's.
    #[error("the issuer did not sign this statement")]
    Signature,
    /// The issuer's address is of another network.
    #[error("the issuer's address belongs to the {found} network: expected {expected}")]
    Network {
        /// The network of the address.
        found: Network,
        /// The network of the chain.
        expected: Network,
    },
    /// The kernel that the statement names is no notice of it.
    #[error("the kernel {notice} does not put this statement on record")]
    NotOnRecord {
        /// The kernel.
        notice: PointBytes,
    },
    /// The output does not belong to this wallet.
    #[error("output {output} is not one of this wallet")]
    NotOwn {
        /// The output.
        output: PointBytes,
    },
    /// A later statement is known.
    #[error("a later statement about this output was accepted already")]
    Older,
}

impl Claim {
    pub(crate) fn new(
        output: PointBytes,
        level: Level,
        issuer: Address,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Self {
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        Self { output, level, issuer, salt }
    }

    /// What the notice puts on record.
    #[must_use]
    pub fn record(&self, chain: &ChainId) -> Notice {
        Notice { topic: TOPIC, data: tagged(tag::LEVEL, &[chain.as_bytes(), &self.to_bytes()]) }
    }

    /// Signs the claim, which this kernel puts on record.
    pub(crate) fn sign(
        self,
        chain: &ChainId,
        notice: Excess,
        secret: &SecretScalar,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Statement {
        let signature = sign(secret, &self.message(chain, &notice), rng);
        Statement { claim: self, notice, signature }
    }

    fn message(&self, chain: &ChainId, notice: &Excess) -> Vec<u8> {
        let data = self.record(chain).data;
        [tag::SIGNED_LEVEL.as_bytes(), chain.as_bytes(), data.as_bytes(), notice.as_bytes()].concat()
    }
}

impl Statement {
    /// Verifies the signature.
    ///
    /// # Errors
    /// [`LevelError::Network`] or [`LevelError::Signature`].
    pub fn verify(&self, chain: &Chain) -> Result<(), LevelError> {
        let (found, expected) = (self.claim.issuer.network(), chain.params().network);
        if found != expected {
            return Err(LevelError::Network { found, expected });
        }
        let message = self.claim.message(chain.id(), &self.notice);
        let holds = self.signature.verifies(&self.claim.issuer.sign(), &message);
        if holds { Ok(()) } else { Err(LevelError::Signature) }
    }

    /// Checks that this kernel of the chain puts the statement on record.
    ///
    /// # Errors
    /// [`LevelError::NotOnRecord`].
    pub fn check_record(&self, chain: &Chain, kernel: &Kernel) -> Result<(), LevelError> {
        let same =
            kernel.excess == self.notice && kernel.features.notice() == Some(self.claim.record(chain.id()));
        if same { Ok(()) } else { Err(LevelError::NotOnRecord { notice: self.notice.encoded() }) }
    }
}

impl Encode for Claim {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.output.0);
        self.level.encode(out);
        self.issuer.encode(out);
        out.extend_from_slice(&self.salt);
    }
}

impl Decode for Claim {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            output: point_bytes(r)?,
            level: Level::decode(r)?,
            issuer: Address::decode(r)?,
            salt: r.array()?,
        })
    }
}

impl Encode for Statement {
    fn encode(&self, out: &mut Vec<u8>) {
        self.claim.encode(out);
        self.notice.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for Statement {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { claim: Claim::decode(r)?, notice: Excess::decode(r)?, signature: Signature::decode(r)? })
    }
}

impl Message for Statement {
    const KIND: MessageKind = MessageKind::Level;
}
