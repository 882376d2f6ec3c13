//! How messages become bytes: the fields in order, integers little-endian, arrays as they are.
//!
//! ```text
//! record = field ‖ field ‖ …          no length, no padding: every message of this crate has a fixed size
//! ```
//!
//! Guaranteed: decoding is bounded, allocates nothing, and accepts exactly the bytes that encoding produces.
//! The layout of a message stands beside its type.

/// Why bytes are not a valid encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    /// The bytes end inside a field.
    #[error("unexpected end of the message")]
    Truncated,
    /// Bytes follow the last field.
    #[error("{0} unexpected bytes after the message")]
    Trailing(usize),
    /// A field has a value that its type does not allow.
    #[error("invalid {0}")]
    Invalid(&'static str),
}

/// A value with a unique encoding.
pub(crate) trait Encode {
    /// Appends the encoding.
    fn encode(&self, out: &mut Vec<u8>);
}

/// A value that can be read back.
pub(crate) trait Decode: Sized {
    /// Reads one value.
    ///
    /// # Errors
    /// If the next bytes are not a valid encoding.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// Reads one value that takes up all of `bytes`.
    ///
    /// # Errors
    /// If the bytes are not a valid encoding, or go on after it.
    fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader(bytes);
        let value = Self::decode(&mut reader)?;
        let Reader(rest) = reader;
        if rest.is_empty() { Ok(value) } else { Err(DecodeError::Trailing(rest.len())) }
    }
}

/// The bytes that are left to read.
pub(crate) struct Reader<'b>(&'b [u8]);

impl<const N: usize> Encode for [u8; N] {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
}

impl<const N: usize> Decode for [u8; N] {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (now, later) = reader.0.split_first_chunk().ok_or(DecodeError::Truncated)?;
        reader.0 = later;
        Ok(*now)
    }
}

macro_rules! integers {
    ($($int:ty),*) => {$(
        impl Encode for $int {
            fn encode(&self, out: &mut Vec<u8>) {
                self.to_le_bytes().encode(out);
            }
        }

        impl Decode for $int {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Decode::decode(reader).map(Self::from_le_bytes)
            }
        }
    )*};
}
integers!(u8, u16, u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_little_endian_and_read_back() {
        let mut bytes = Vec::new();
        0x0102u16.encode(&mut bytes);
        0x0304_0506u32.encode(&mut bytes);
        [7u8, 8].encode(&mut bytes);
        assert_eq!(bytes, [2, 1, 6, 5, 4, 3, 7, 8]);
        let mut reader = Reader(&bytes);
        assert_eq!(u16::decode(&mut reader), Ok(0x0102));
        assert_eq!(u32::decode(&mut reader), Ok(0x0304_0506));
        assert_eq!(<[u8; 2]>::decode(&mut reader), Ok([7, 8]));
        assert_eq!(u8::decode(&mut reader), Err(DecodeError::Truncated));
    }

    #[test]
    fn all_bytes_must_be_used() {
        assert_eq!(u16::from_bytes(&[1]), Err(DecodeError::Truncated));
        assert_eq!(u16::from_bytes(&[1, 0]), Ok(1));
        assert_eq!(u16::from_bytes(&[1, 0, 0]), Err(DecodeError::Trailing(1)));
    }
}
