//! Kernels: the part of a payment that stays in the chain forever.
//!
//! The signature of a kernel under its excess `E` proves that inputs and outputs differ by a multiple of G
//! alone, so that no amount was created. The kernel also states the fee and the heights at which it may enter
//! a block. The message has a fixed width:
//!
//! ```text
//! m = "sotto/kernel/v1" ‖ chain id (32) ‖ features (1) ‖ fee (8)
//!     ‖ not_before (8) ‖ not_after (8) ‖ distance (8) [‖ topic (1) ‖ data (32), of a notice]
//! ```
//!
//! Integers are little-endian, and zero where a kind has no such field. The offset is not signed, so that
//! transactions can be joined.

use crate::{
    amount::{Amount, Height},
    chain::{BOND_WEIGHT, Chain, ChainId, KERNEL_WEIGHT, NOTICE_WEIGHT},
    codec::{Decode, DecodeError, Encode, Reader, fields},
    group::point_newtype,
    hash::{Hash, tagged},
    schnorr::{PublicKey, Signature, SignedMessage},
    tag,
};

point_newtype! {
    /// The public key of a kernel: Σ outputs + fee·H − Σ inputs − offset·G of the payment that it stands for.
    Excess
}

/// The heights at which a kernel may enter a block, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// First height.
    pub not_before: Height,
    /// Last height.
    pub not_after: Height,
}

fields!(Window { not_before, not_after });

impl Window {
    /// The window that ends at `not_after` and is as wide as `chain` allows.
    #[must_use]
    pub fn standard(chain: &Chain, not_after: Height) -> Self {
        Self { not_before: not_after.minus(chain.params().window_width), not_after }
    }

    /// Whether `h` is in the window.
    #[must_use]
    pub fn contains(&self, h: Height) -> bool {
        self.not_before <= h && h <= self.not_after
    }
}

/// What a notice puts on record for ever: nothing here gives it a meaning, and anyone can pay for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Notice {
    /// What the data is.
    pub topic: u8,
    /// The hash of what is made known at this height.
    pub data: Hash,
}

fields!(Notice { topic, data });

/// The kind of a kernel, and the fields of that kind.
///
/// ```
/// use sotto_mw::{Amount, Height, KernelFeatures};
///
/// let kernel = KernelFeatures::Plain { fee: Amount::new(5), not_after: Height::new(1_440) };
/// let window = kernel.window(60);
/// assert!(window.contains(Height::new(1_380)) && !window.contains(Height::new(1_379)));
/// assert_eq!(kernel.fee(), Amount::new(5));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KernelFeatures {
    /// A payment with the standard window that ends at `not_after`, so that most kernels look alike.
    Plain {
        /// The fee, which the sealer of the block receives.
        fee: Amount,
        /// Last height; the window begins one full window width earlier.
        not_after: Height,
    },
    /// The reward of a block.
    Coinbase {
        /// The height of that block.
        height: Height,
    },
    /// A payment with a window of its own.
    HeightRanged {
        /// The fee, which the sealer of the block receives.
        fee: Amount,
        /// First and last height.
        window: Window,
    },
    /// A payment whose excess may occur again, but not within `distance` blocks.
    NoRecentDuplicate {
        /// The fee, which the sealer of the block receives.
        fee: Amount,
        /// First and last height.
        window: Window,
        /// The least distance in blocks to the last kernel with the same excess.
        distance: u64,
    },
    /// As [`Self::Plain`], with 33 bytes that have no meaning to the ledger.
    Notice {
        /// The fee, which the sealer of the block receives.
        fee: Amount,
        /// Last height; the window begins one full window width earlier.
        not_after: Height,
        /// What is put on record.
        notice: Notice,
    },
    /// As [`Self::Plain`], with a bond: the only kind beside one-sided inputs and outputs.
    Bonded {
        /// The fee, which the sealer of the block receives.
        fee: Amount,
        /// Last height; the window begins one full window width earlier.
        not_after: Height,
    },
    /// As [`Self::HeightRanged`], with a bond.
    BondedHeightRanged {
        /// The fee, which the sealer of the block receives.
        fee: Amount,
        /// First and last height.
        window: Window,
    },
}

impl KernelFeatures {
    /// The code of the kind, as it is signed and encoded.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Plain { .. } => 0,
            Self::Coinbase { .. } => 1,
            Self::HeightRanged { .. } => 2,
            Self::NoRecentDuplicate { .. } => 3,
            Self::Notice { .. } => 4,
            Self::Bonded { .. } => 5,
            Self::BondedHeightRanged { .. } => 6,
        }
    }

    /// The fee; zero for a coinbase kernel.
    #[must_use]
    pub const fn fee(&self) -> Amount {
        match self {
            Self::Plain { fee, .. }
            | Self::HeightRanged { fee, .. }
            | Self::NoRecentDuplicate { fee, .. }
            | Self::Notice { fee, .. }
            | Self::Bonded { fee, .. }
            | Self::BondedHeightRanged { fee, .. } => *fee,
            Self::Coinbase { .. } => Amount::ZERO,
        }
    }

    /// The weight of the kernel and of its bond.
    #[must_use]
    pub const fn weight(&self) -> u64 {
        match self {
            Self::Plain { .. }
            | Self::Coinbase { .. }
            | Self::HeightRanged { .. }
            | Self::NoRecentDuplicate { .. } => KERNEL_WEIGHT,
            Self::Notice { .. } => NOTICE_WEIGHT,
            Self::Bonded { .. } | Self::BondedHeightRanged { .. } => KERNEL_WEIGHT + BOND_WEIGHT,
        }
    }

    /// What the kernel puts on record, if it is a notice.
    #[must_use]
    pub const fn notice(&self) -> Option<Notice> {
        match self {
            Self::Notice { notice, .. } => Some(*notice),
            _ => None,
        }
    }

    /// Whether this is a coinbase kernel.
    #[must_use]
    pub const fn is_coinbase(&self) -> bool {
        matches!(self, Self::Coinbase { .. })
    }

    /// Whether a bond follows the kernel in a body.
    #[must_use]
    pub const fn is_bonded(&self) -> bool {
        matches!(self, Self::Bonded { .. } | Self::BondedHeightRanged { .. })
    }

    /// Whether the excess may occur again.
    #[must_use]
    pub const fn may_repeat(&self) -> bool {
        matches!(self, Self::NoRecentDuplicate { .. })
    }

    /// The heights at which the kernel may enter a block, on a chain whose windows are at most `width` wide.
    #[must_use]
    pub fn window(&self, width: u64) -> Window {
        match *self {
            Self::Plain { not_after, .. }
            | Self::Notice { not_after, .. }
            | Self::Bonded { not_after, .. } => Window { not_before: not_after.minus(width), not_after },
            Self::Coinbase { height } => Window { not_before: height, not_after: height },
            Self::HeightRanged { window, .. }
            | Self::NoRecentDuplicate { window, .. }
            | Self::BondedHeightRanged { window, .. } => window,
        }
    }

    /// The message that the kernel's signature covers.
    #[must_use]
    pub fn message(&self, chain: &ChainId) -> Vec<u8> {
        let (not_before, not_after, distance) = match *self {
            Self::Plain { not_after, .. }
            | Self::Notice { not_after, .. }
            | Self::Bonded { not_after, .. } => (0, not_after.get(), 0),
            Self::Coinbase { height } => (height.get(), height.get(), 0),
            Self::HeightRanged { window, .. } | Self::BondedHeightRanged { window, .. } => {
                (window.not_before.get(), window.not_after.get(), 0)
            }
            Self::NoRecentDuplicate { window, distance, .. } => {
                (window.not_before.get(), window.not_after.get(), distance)
            }
        };
        let mut m = [tag::KERNEL.as_bytes(), chain.as_bytes(), &[self.code()]].concat();
        for field in [self.fee().units(), not_before, not_after, distance] {
            m.extend_from_slice(&field.to_le_bytes());
        }
        self.notice().iter().for_each(|notice| notice.encode(&mut m));
        m
    }
}

impl Encode for KernelFeatures {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.code());
        match self {
            Self::Plain { fee, not_after } | Self::Bonded { fee, not_after } => {
                fee.encode(out);
                not_after.encode(out);
            }
            Self::Coinbase { height } => height.encode(out),
            Self::HeightRanged { fee, window } | Self::BondedHeightRanged { fee, window } => {
                fee.encode(out);
                window.encode(out);
            }
            Self::NoRecentDuplicate { fee, window, distance } => {
                fee.encode(out);
                window.encode(out);
                distance.encode(out);
            }
            Self::Notice { fee, not_after, notice } => {
                fee.encode(out);
                not_after.encode(out);
                notice.encode(out);
            }
        }
    }
}

impl Decode for KernelFeatures {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            0 => Ok(Self::Plain { fee: Amount::decode(r)?, not_after: Height::decode(r)? }),
            1 => Ok(Self::Coinbase { height: Height::decode(r)? }),
            2 => Ok(Self::HeightRanged { fee: Amount::decode(r)?, window: Window::decode(r)? }),
            3 => {
                let (fee, window) = (Amount::decode(r)?, Window::decode(r)?);
                Ok(Self::NoRecentDuplicate { fee, window, distance: r.u64()? })
            }
            4 => {
                let (fee, not_after) = (Amount::decode(r)?, Height::decode(r)?);
                Ok(Self::Notice { fee, not_after, notice: Notice::decode(r)? })
            }
            5 => Ok(Self::Bonded { fee: Amount::decode(r)?, not_after: Height::decode(r)? }),
            6 => Ok(Self::BondedHeightRanged { fee: Amount::decode(r)?, window: Window::decode(r)? }),
            code => Err(DecodeError::Code { what: "kernel features", code }),
        }
    }
}

/// A kernel: features, excess, signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Kind, fee and window.
    pub features: KernelFeatures,
    /// The key that verifies the signature.
    pub excess: Excess,
    /// The signature of [`KernelFeatures::message`].
    pub signature: Signature,
}

fields!(Kernel { features, excess, signature });

impl Kernel {
    /// The size of the shortest encoding.
    pub(crate) const LEAST_BYTES: usize = 9 + 96;

    /// The hash of the whole kernel: a leaf of the kernel mountain range, unique in a chain.
    #[must_use]
    pub fn id(&self) -> Hash {
        tagged(tag::KERNEL_ID, &[&self.to_bytes()])
    }

    /// The signed message of this kernel on `chain`.
    #[must_use]
    pub fn signed(&self, chain: &ChainId) -> SignedMessage {
        let key = PublicKey::from_point(*self.excess.point());
        SignedMessage::new(key, self.features.message(chain), self.signature)
    }
}
