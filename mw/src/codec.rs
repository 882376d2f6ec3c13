//! The byte format: two traits, a reader and its errors. Each type implements them beside its definition.
//!
//! ```text
//! decode(encode(x)) = x        encode(decode(b)) = b  for every b that decodes
//! ```
//!
//! Integers are little-endian. Points and scalars must be canonical. A list starts with its length.
//! Transactions, blocks and chain parameters start with a version byte. `docs/FORMATS.md` draws every layout.
//!
//! Guaranteed: each value has one encoding, and decoding never allocates more than the bytes at hand can
//! fill. Not guaranteed: that a decoded value obeys any consensus rule; [`crate::rules`] checks those.
#![deny(clippy::indexing_slicing)]

/// Version of the byte format of transactions and blocks.
pub const VERSION: u8 = 1;

/// The longest list a body may hold: more than any block weight allows, and still cheap to reject.
pub const MAX_ITEMS: u32 = 1 << 20;

/// Why bytes do not decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end before the value does.
    #[error("unexpected end: {needed} more bytes are needed")]
    Short {
        /// How many bytes are missing.
        needed: usize,
    },
    /// Bytes follow the last field.
    #[error("{extra} unexpected bytes after the end")]
    Trailing {
        /// How many bytes follow.
        extra: usize,
    },
    /// The format has another version.
    #[error("unsupported format version {found}: this program reads version {VERSION}")]
    Version {
        /// The version in the bytes.
        found: u8,
    },
    /// The chain uses another version of the consensus rules.
    #[error("unsupported version {found} of the consensus rules: this program enforces version {supported}")]
    Rules {
        /// The version in the bytes.
        found: u8,
        /// The version of [`crate::rules`].
        supported: u8,
    },
    /// A code outside of its table.
    #[error("invalid {what}: unknown code {code}")]
    Code {
        /// What the code selects.
        what: &'static str,
        /// The code in the bytes.
        code: u8,
    },
    /// A length or count above its limit.
    #[error("invalid {what}: {found} is above the limit of {bound}")]
    Bound {
        /// The counted things.
        what: &'static str,
        /// The count in the bytes.
        found: u64,
        /// The limit.
        bound: u64,
    },
    /// A value whose parts contradict each other.
    #[error("invalid {what}")]
    Invalid {
        /// What is invalid, and why.
        what: &'static str,
    },
    /// An item that may occur once occurs again.
    #[error("the {what} occurs twice")]
    Repeated {
        /// What occurs twice.
        what: &'static str,
    },
    /// Not the canonical encoding of a group element.
    #[error("invalid point: not the canonical encoding of a group element")]
    Point,
    /// Not the canonical encoding of a scalar.
    #[error("invalid scalar: not a canonical encoding")]
    Scalar,
}

/// Reads fields from bytes, front to back.
#[derive(Clone, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next `n` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Short`] if fewer bytes remain.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], DecodeError> {
        let (head, tail) =
            self.0.split_at_checked(n).ok_or(DecodeError::Short { needed: n - self.0.len().min(n) })?;
        self.0 = tail;
        Ok(head)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Short`] if fewer bytes remain.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut a = [0; N];
        a.copy_from_slice(self.take(N)?);
        Ok(a)
    }

    /// The next byte.
    ///
    /// # Errors
    /// [`DecodeError::Short`] if no byte remains.
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(|[b]| b)
    }

    /// The next four bytes as a little-endian integer.
    ///
    /// # Errors
    /// [`DecodeError::Short`] if fewer bytes remain.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    /// The next eight bytes as a little-endian integer.
    ///
    /// # Errors
    /// [`DecodeError::Short`] if fewer bytes remain.
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Reads the version byte.
    ///
    /// # Errors
    /// [`DecodeError::Version`] for every version other than [`VERSION`].
    pub fn version(&mut self) -> Result<(), DecodeError> {
        match self.u8()? {
            VERSION => Ok(()),
            found => Err(DecodeError::Version { found }),
        }
    }

    /// The number of bytes that remain.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.0.len()
    }

    /// A count and that many values of at least `least_bytes` each.
    ///
    /// A count that the remaining bytes cannot hold is rejected before anything is allocated.
    pub(crate) fn list<T: Decode>(
        &mut self,
        what: &'static str,
        least_bytes: usize,
    ) -> Result<Vec<T>, DecodeError> {
        let n = self.u32()?;
        if n > MAX_ITEMS {
            return Err(DecodeError::Bound { what, found: n.into(), bound: MAX_ITEMS.into() });
        }
        let needed = n as usize * least_bytes;
        if needed > self.left() {
            return Err(DecodeError::Short { needed: needed - self.left() });
        }
        (0..n).map(|_| T::decode(self)).collect()
    }

    /// `n` values. The vector grows as the values arrive, and each takes at least one byte, so a false count
    /// costs nothing.
    pub(crate) fn repeat<T: Decode>(&mut self, n: u64) -> Result<Vec<T>, DecodeError> {
        let mut all = Vec::new();
        for _ in 0..n {
            all.push(T::decode(self)?);
        }
        Ok(all)
    }
}

/// A value with a canonical encoding.
///
/// ```
/// use sotto_mw::{Amount, Decode, Encode};
///
/// let amount = Amount::new(258);
/// assert_eq!(amount.to_bytes(), [2, 1, 0, 0, 0, 0, 0, 0]);
/// assert_eq!(Amount::from_bytes(&amount.to_bytes()), Ok(amount));
/// assert!(Amount::from_bytes(&[2, 1]).is_err());
/// ```
pub trait Encode {
    /// Appends the encoding to `out`.
    fn encode(&self, out: &mut Vec<u8>);

    /// The encoding.
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }
}

/// A value that can be read back from its canonical encoding.
pub trait Decode: Sized {
    /// Reads one value.
    ///
    /// # Errors
    /// [`DecodeError`] unless the next bytes are a canonical encoding.
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// Reads one value that fills `bytes` exactly.
    ///
    /// # Errors
    /// [`DecodeError`] unless `bytes` is the canonical encoding of one value.
    fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        let value = Self::decode(&mut r)?;
        if r.left() > 0 { Err(DecodeError::Trailing { extra: r.left() }) } else { Ok(value) }
    }
}

/// Implements [`Encode`] and [`Decode`] for a struct as the concatenation of the named fields, in this order.
macro_rules! fields {
    ($T:ty { $($field:tt),* $(,)? }) => {
        impl $crate::codec::Encode for $T {
            fn encode(&self, out: &mut Vec<u8>) {
                $($crate::codec::Encode::encode(&self.$field, out);)*
            }
        }
        impl $crate::codec::Decode for $T {
            fn decode(r: &mut $crate::codec::Reader<'_>) -> Result<Self, $crate::codec::DecodeError> {
                Ok(Self { $($field: $crate::codec::Decode::decode(r)?),* })
            }
        }
    };
}

pub(crate) use fields;

/// Appends the count and the items, as [`Reader::list`] reads them.
pub(crate) fn encode_list<T: Encode>(items: &[T], out: &mut Vec<u8>) {
    // No list that fits memory is as long as that; a longer one would not decode.
    out.extend_from_slice(&u32::try_from(items.len()).unwrap_or(u32::MAX).to_le_bytes());
    items.iter().for_each(|x| x.encode(out));
}

impl Encode for u8 {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(*self);
    }
}

impl Decode for u8 {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.u8()
    }
}

impl Encode for u32 {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
}

impl Decode for u32 {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.u32()
    }
}

impl Encode for u64 {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
}

impl Decode for u64 {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.u64()
    }
}

impl<const N: usize> Encode for [u8; N] {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
}

impl<const N: usize> Decode for [u8; N] {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.array()
    }
}
