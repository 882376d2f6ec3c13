//! The ledger's bytes: canonical, versioned, bounded before anything is allocated.
//!
//! `decode(encode(x)) = x`, and `encode(decode(b)) = b` for every `b` that decodes. Integers are little-endian; points and
//! scalars must be canonical; a transaction, a block and the parameters start with a version byte. The layouts are
//! drawn in `docs/FORMATS.md`.
#![deny(clippy::indexing_slicing)]

mod sets;

use crate::{
    amount::{Amount, Height},
    block::{Block, ChainId, Header, SealedHeader},
    commitment::Commitment,
    group::{Point, Scalar, scalar_from_bytes},
    hash::Hash,
    kernel::{Excess, Kernel, KernelFeatures, Window},
    range_proof::{PROOF_BYTES, ProofHead, RangeProof},
    rules::params::{Network, Params, RULES_VERSION},
    schnorr::{PublicKey, Signature},
    state::{RewindMaterial, Unspent},
    transaction::{Body, Extra, Output, OutputFeatures, Transaction},
};

/// Version of the bytes in this module.
pub const VERSION: u8 = 1;

/// Most items of one kind in a body: above what any block weight allows, far below what would hurt.
pub const MAX_ITEMS: u32 = 1 << 20;

/// Why bytes do not decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// More bytes were needed.
    #[error("cut off: {needed} more bytes are needed")]
    Short {
        /// How many are missing.
        needed: usize,
    },
    /// Bytes remain after the last field.
    #[error("{extra} bytes follow the end")]
    Trailing {
        /// How many.
        extra: usize,
    },
    /// Another version.
    #[error("version {found} is not one this program reads (it reads {VERSION})")]
    Version {
        /// The version found.
        found: u8,
    },
    /// A chain under other rules.
    #[error(
        "the chain was made under rules of version {found}, and this program judges by version {RULES_VERSION}"
    )]
    Rules {
        /// The version found.
        found: u8,
    },
    /// A code that stands for nothing.
    #[error("{code} is no {what}")]
    Code {
        /// What it should have been.
        what: &'static str,
        /// The code found.
        code: u8,
    },
    /// A length or count above its bound.
    #[error("{found} is above the bound of {bound} for {what}")]
    Bound {
        /// What was counted.
        what: &'static str,
        /// The count found.
        found: u64,
        /// The bound.
        bound: u64,
    },
    /// Not the canonical encoding of a group element.
    #[error("not a canonical group element")]
    Point,
    /// Not the canonical encoding of a scalar.
    #[error("not a canonical scalar")]
    Scalar,
}

/// Reads fields from bytes.
#[derive(Clone, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next `n` bytes.
    ///
    /// # Errors
    /// [`WireError::Short`].
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], WireError> {
        let (head, tail) =
            self.0.split_at_checked(n).ok_or(WireError::Short { needed: n - self.0.len().min(n) })?;
        self.0 = tail;
        Ok(head)
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    /// [`WireError::Short`].
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let mut a = [0; N];
        a.copy_from_slice(self.take(N)?);
        Ok(a)
    }

    /// One byte.
    ///
    /// # Errors
    /// [`WireError::Short`].
    pub fn u8(&mut self) -> Result<u8, WireError> {
        self.array().map(|[b]| b)
    }

    /// A little-endian `u32`.
    ///
    /// # Errors
    /// [`WireError::Short`].
    pub fn u32(&mut self) -> Result<u32, WireError> {
        self.array().map(u32::from_le_bytes)
    }

    /// A little-endian `u64`.
    ///
    /// # Errors
    /// [`WireError::Short`].
    pub fn u64(&mut self) -> Result<u64, WireError> {
        self.array().map(u64::from_le_bytes)
    }

    /// The version byte.
    ///
    /// # Errors
    /// [`WireError::Version`] for any but [`VERSION`].
    pub fn version(&mut self) -> Result<(), WireError> {
        match self.u8()? {
            VERSION => Ok(()),
            found => Err(WireError::Version { found }),
        }
    }

    /// How many bytes are left.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.0.len()
    }

    /// A count and as many items; the count must be possible in the bytes that are left.
    fn list<T: Decode>(&mut self, what: &'static str, least_bytes: usize) -> Result<Vec<T>, WireError> {
        let n = self.u32()?;
        if n > MAX_ITEMS {
            return Err(WireError::Bound { what, found: n.into(), bound: MAX_ITEMS.into() });
        }
        let needed = n as usize * least_bytes;
        if needed > self.left() {
            return Err(WireError::Short { needed: needed - self.left() });
        }
        (0..n).map(|_| T::decode(self)).collect()
    }
}

/// Has canonical bytes.
pub trait Encode {
    /// Appends them to `out`.
    fn encode(&self, out: &mut Vec<u8>);

    /// All of them.
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }
}

/// Can be read back from its canonical bytes.
pub trait Decode: Sized {
    /// Reads one value.
    ///
    /// # Errors
    /// [`WireError`] for anything but canonical bytes.
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError>;

    /// Reads one value that must fill `bytes`.
    ///
    /// # Errors
    /// [`WireError`] for anything but canonical bytes of exactly one value.
    fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes);
        let value = Self::decode(&mut r)?;
        if r.left() > 0 { Err(WireError::Trailing { extra: r.left() }) } else { Ok(value) }
    }
}

/// `$T` is encoded as its field or method `$get`, and read back by `$read`.
macro_rules! wire {
    ($($T:ty, |$x:ident, $out:ident| $encode:expr, |$r:ident| $decode:expr;)*) => {$(
        impl Encode for $T {
            fn encode(&self, $out: &mut Vec<u8>) {
                let $x = self;
                $encode;
            }
        }
        impl Decode for $T {
            fn decode($r: &mut Reader<'_>) -> Result<Self, WireError> {
                $decode
            }
        }
    )*};
}

use wire;

wire! {
    u64, |x, out| out.extend_from_slice(&x.to_le_bytes()), |r| r.u64();
    Amount, |x, out| x.units().encode(out), |r| r.u64().map(Self::new);
    Height, |x, out| x.get().encode(out), |r| r.u64().map(Self::new);
    Hash, |x, out| out.extend_from_slice(&x.0), |r| r.array().map(Self);
    ChainId, |x, out| x.0.encode(out), |r| Hash::decode(r).map(Self);
    Point, |x, out| out.extend_from_slice(x.as_bytes()), |r| Self::from_bytes(r.array()?).ok_or(WireError::Point);
    Scalar, |x, out| out.extend_from_slice(x.as_bytes()), |r| scalar_from_bytes(r.array()?).ok_or(WireError::Scalar);
    Commitment, |x, out| x.0.encode(out), |r| Point::decode(r).map(Self);
    Excess, |x, out| x.0.encode(out), |r| Point::decode(r).map(Self);
    PublicKey, |x, out| x.0.encode(out), |r| Point::decode(r).map(Self);
    RangeProof, |x, out| out.extend_from_slice(&*x.0), |r| r.array().map(|p: [u8; PROOF_BYTES]| Self::from_bytes(&p));
    ProofHead, |x, out| out.extend_from_slice(&x.0), |r| r.array().map(Self);
}

impl Encode for Signature {
    fn encode(&self, out: &mut Vec<u8>) {
        self.r.encode(out);
        self.z.encode(out);
    }
}

impl Decode for Signature {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { r: Point::decode(r)?, z: Scalar::decode(r)? })
    }
}

impl Encode for Window {
    fn encode(&self, out: &mut Vec<u8>) {
        self.not_before.encode(out);
        self.not_after.encode(out);
    }
}

impl Decode for Window {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { not_before: Height::decode(r)?, not_after: Height::decode(r)? })
    }
}

impl Encode for KernelFeatures {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.code());
        match self {
            Self::Plain { fee, not_after } => {
                fee.encode(out);
                not_after.encode(out);
            }
            Self::Coinbase { height } => height.encode(out),
            Self::HeightRanged { fee, window } => {
                fee.encode(out);
                window.encode(out);
            }
            Self::NoRecentDuplicate { fee, window, distance } => {
                fee.encode(out);
                window.encode(out);
                distance.encode(out);
            }
        }
    }
}

impl Decode for KernelFeatures {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        match r.u8()? {
            0 => Ok(Self::Plain { fee: Amount::decode(r)?, not_after: Height::decode(r)? }),
            1 => Ok(Self::Coinbase { height: Height::decode(r)? }),
            2 => Ok(Self::HeightRanged { fee: Amount::decode(r)?, window: Window::decode(r)? }),
            3 => {
                let (fee, window) = (Amount::decode(r)?, Window::decode(r)?);
                Ok(Self::NoRecentDuplicate { fee, window, distance: r.u64()? })
            }
            code => Err(WireError::Code { what: "kernel kind", code }),
        }
    }
}

impl Encode for Kernel {
    fn encode(&self, out: &mut Vec<u8>) {
        self.features.encode(out);
        self.excess.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for Kernel {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let (features, excess) = (KernelFeatures::decode(r)?, Excess::decode(r)?);
        Ok(Self { features, excess, signature: Signature::decode(r)? })
    }
}

impl Encode for Output {
    fn encode(&self, out: &mut Vec<u8>) {
        self.features.encode(out);
        self.commitment.encode(out);
        self.extra.encode(out);
        self.proof.encode(out);
    }
}

impl Decode for Output {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let (features, commitment) = (OutputFeatures::decode(r)?, Commitment::decode(r)?);
        Ok(Self { features, commitment, extra: Extra::decode(r)?, proof: RangeProof::decode(r)? })
    }
}

impl Encode for OutputFeatures {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(*self as u8);
    }
}

impl Decode for OutputFeatures {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        match r.u8()? {
            0 => Ok(Self::Plain),
            1 => Ok(Self::Coinbase),
            code => Err(WireError::Code { what: "output kind", code }),
        }
    }
}

impl Encode for Extra {
    fn encode(&self, out: &mut Vec<u8>) {
        let bytes = self.as_bytes();
        out.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(bytes);
    }
}

impl Decode for Extra {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let n = r.u8()?;
        let bound = WireError::Bound { what: "extra data", found: n.into(), bound: Self::MAX as u64 };
        if usize::from(n) > Self::MAX {
            return Err(bound);
        }
        Self::new(r.take(n.into())?.to_vec()).ok_or(bound)
    }
}

/// Fewest bytes of an output, and of a kernel.
const LEAST_OUTPUT: usize = 34 + PROOF_BYTES;
const LEAST_KERNEL: usize = 9 + 96;

fn encode_list<T: Encode>(items: &[T], out: &mut Vec<u8>) {
    out.extend_from_slice(&u32::try_from(items.len()).unwrap_or(u32::MAX).to_le_bytes());
    items.iter().for_each(|x| x.encode(out));
}

impl Encode for Body {
    fn encode(&self, out: &mut Vec<u8>) {
        encode_list(&self.inputs, out);
        encode_list(&self.outputs, out);
        encode_list(&self.kernels, out);
    }
}

impl Decode for Body {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            inputs: r.list("inputs", 32)?,
            outputs: r.list("outputs", LEAST_OUTPUT)?,
            kernels: r.list("kernels", LEAST_KERNEL)?,
        })
    }
}

impl Encode for Transaction {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        self.offset.encode(out);
        self.body.encode(out);
    }
}

impl Decode for Transaction {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.version()?;
        Ok(Self { offset: Scalar::decode(r)?, body: Body::decode(r)? })
    }
}

impl Encode for Header {
    fn encode(&self, out: &mut Vec<u8>) {
        self.height.encode(out);
        self.previous.encode(out);
        self.time.encode(out);
        self.total_offset.encode(out);
        self.kernel_count.encode(out);
        self.kernel_root.encode(out);
        self.output_count.encode(out);
        self.output_root.encode(out);
        self.body_hash.encode(out);
    }
}

impl Decode for Header {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            height: Height::decode(r)?,
            previous: Hash::decode(r)?,
            time: r.u64()?,
            total_offset: Scalar::decode(r)?,
            kernel_count: r.u64()?,
            kernel_root: Hash::decode(r)?,
            output_count: r.u64()?,
            output_root: Hash::decode(r)?,
            body_hash: Hash::decode(r)?,
        })
    }
}

impl Encode for SealedHeader {
    fn encode(&self, out: &mut Vec<u8>) {
        self.header.encode(out);
        self.seal.encode(out);
    }
}

impl Decode for SealedHeader {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { header: Header::decode(r)?, seal: Signature::decode(r)? })
    }
}

impl Encode for Block {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        self.header.encode(out);
        self.seal.encode(out);
        self.body.encode(out);
    }
}

impl Decode for Block {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.version()?;
        Ok(Self { header: Header::decode(r)?, seal: Signature::decode(r)?, body: Body::decode(r)? })
    }
}

impl Encode for Unspent {
    fn encode(&self, out: &mut Vec<u8>) {
        self.created.encode(out);
        self.output.encode(out);
    }
}

impl Decode for Unspent {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { created: Height::decode(r)?, output: Output::decode(r)? })
    }
}

impl Encode for RewindMaterial {
    fn encode(&self, out: &mut Vec<u8>) {
        self.created.encode(out);
        self.features.encode(out);
        self.commitment.encode(out);
        self.extra.encode(out);
        self.head.encode(out);
        self.rest.encode(out);
    }
}

impl Decode for RewindMaterial {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let (created, features) = (Height::decode(r)?, OutputFeatures::decode(r)?);
        let (commitment, extra) = (Commitment::decode(r)?, Extra::decode(r)?);
        Ok(Self { created, features, commitment, extra, head: ProofHead::decode(r)?, rest: Hash::decode(r)? })
    }
}

impl Encode for Params {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[RULES_VERSION, self.network as u8]);
        self.operator.encode(out);
        self.genesis_time.encode(out);
        self.reward.encode(out);
        for n in [self.maturity, self.window_width, self.window_grid, self.reorganisation, self.max_weight] {
            n.encode(out);
        }
        self.fee_per_weight.encode(out);
    }
}

impl Decode for Params {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let rules = r.u8()?;
        if rules != RULES_VERSION {
            return Err(WireError::Rules { found: rules });
        }
        let network = match r.u8()? {
            0 => Network::Main,
            1 => Network::Test,
            2 => Network::Solo,
            code => return Err(WireError::Code { what: "network", code }),
        };
        Ok(Self {
            network,
            operator: PublicKey::decode(r)?,
            genesis_time: r.u64()?,
            reward: Amount::decode(r)?,
            maturity: r.u64()?,
            window_width: r.u64()?,
            window_grid: r.u64()?,
            reorganisation: r.u64()?,
            max_weight: r.u64()?,
            fee_per_weight: Amount::decode(r)?,
        })
    }
}
