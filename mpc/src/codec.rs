//! How messages become bytes: the fields in order, integers little-endian, arrays as they are.
//!
//! ```text
//! record = field ‖ field ‖ …          no length, no padding
//! text   = length in bytes (u32) ‖ UTF-8
//! list   = number of items (u32) ‖ item ‖ item ‖ …
//! ```
//!
//! Guaranteed: decoding accepts exactly the bytes that encoding produces, and allocates in proportion to the
//! bytes that are there: a count by itself reserves nothing. The layout of a message stands beside its type.
//! Messages between the parties have a fixed size; texts and lists are in what the compiler's process
//! answers.

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

impl<'b> Reader<'b> {
    /// A reader of these bytes.
    pub(crate) const fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    /// Whether all bytes were read.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

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
integers!(u8, u16, u32, u64, i128);

impl Encode for usize {
    fn encode(&self, out: &mut Vec<u8>) {
        (*self as u64).encode(out);
    }
}

impl Decode for usize {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::try_from(u64::decode(reader)?).map_err(|_| DecodeError::Invalid("size"))
    }
}

impl<const N: usize> Encode for [u32; N] {
    fn encode(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|n| n.encode(out));
    }
}

impl<const N: usize> Decode for [u32; N] {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut numbers = [0; N];
        for n in &mut numbers {
            *n = u32::decode(reader)?;
        }
        Ok(numbers)
    }
}

/// The length of a text or list, which is below 2³² for all that is encoded here.
fn length(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl Encode for str {
    fn encode(&self, out: &mut Vec<u8>) {
        length(self.len()).encode(out);
        out.extend_from_slice(self.as_bytes());
    }
}

impl Encode for String {
    fn encode(&self, out: &mut Vec<u8>) {
        self.as_str().encode(out);
    }
}

impl Decode for String {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let length = u32::decode(reader)? as usize;
        let (text, later) = reader.0.split_at_checked(length).ok_or(DecodeError::Truncated)?;
        reader.0 = later;
        str::from_utf8(text).map(Self::from).map_err(|_| DecodeError::Invalid("text"))
    }
}

impl<T: Encode> Encode for [T] {
    fn encode(&self, out: &mut Vec<u8>) {
        length(self.len()).encode(out);
        self.iter().for_each(|item| item.encode(out));
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        (0..u32::decode(reader)?).map(|_| T::decode(reader)).collect()
    }
}

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
    fn texts_and_lists_read_back_and_a_count_reserves_nothing() {
        let mut bytes = Vec::new();
        "é".encode(&mut bytes);
        [[1u32, 2], [3, 4]].as_slice().encode(&mut bytes);
        (-5i128).encode(&mut bytes);
        9usize.encode(&mut bytes);
        let mut reader = Reader(&bytes);
        assert_eq!(String::decode(&mut reader), Ok("é".into()));
        assert_eq!(Vec::<[u32; 2]>::decode(&mut reader), Ok(vec![[1, 2], [3, 4]]));
        assert_eq!((i128::decode(&mut reader), usize::decode(&mut reader)), (Ok(-5), Ok(9)));
        assert_eq!(Vec::<[u32; 3]>::from_bytes(&[255; 4]), Err(DecodeError::Truncated));
        assert_eq!(String::from_bytes(&[2, 0, 0, 0, 0xc3, 0x28]), Err(DecodeError::Invalid("text")));
        assert_eq!(String::from_bytes(&[3, 0, 0, 0, b'a']), Err(DecodeError::Truncated));
    }

    #[test]
    fn all_bytes_must_be_used() {
        assert_eq!(u16::from_bytes(&[1]), Err(DecodeError::Truncated));
        assert_eq!(u16::from_bytes(&[1, 0]), Ok(1));
        assert_eq!(u16::from_bytes(&[1, 0, 0]), Err(DecodeError::Trailing(1)));
    }
}
