//! The encoding of records: fields in order, integers little-endian, lists as a count and their items.
//!
//! `record!` lists a record's fields once, for both directions. A count alone never causes an allocation:
//! an item takes at least one byte, so a count above the number of remaining bytes is rejected, and lists
//! grow as items are read.

/// Most items of a list.
const MAX_ITEMS: u32 = 1 << 16;

/// Why bytes are not the record that they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end too early.
    #[error("the bytes end in the middle of a value")]
    Short,
    /// Something follows the end.
    #[error("{0} bytes follow the end")]
    Trailing(usize),
    /// Made for another version, or something else altogether.
    #[error("unknown format or version: expected {0}")]
    Foreign(&'static str),
    /// A count that cannot be.
    #[error("a list announces {0} items, more than there are or are allowed")]
    Count(u32),
    /// A value that its field cannot have.
    #[error("{0} has a value that it cannot have")]
    Value(&'static str),
}

/// Bytes that are still to be read, and how deep in values of one kind they are.
pub(crate) struct Reader<'b>(&'b [u8], usize);

impl<'b> Reader<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self(bytes, 0)
    }

    /// Reads a value inside of others of its kind, at most `most` deep.
    pub(crate) fn nested<T>(
        &mut self,
        most: usize,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        if self.1 >= most {
            return Err(DecodeError::Value("a nesting"));
        }
        self.1 += 1;
        let value = read(self);
        self.1 -= 1;
        value
    }

    pub(crate) fn take(&mut self, n: usize) -> Result<&'b [u8], DecodeError> {
        let (now, later) = self.0.split_at_checked(n).ok_or(DecodeError::Short)?;
        self.0 = later;
        Ok(now)
    }

    /// The last value: nothing follows it.
    pub(crate) fn last<T: Codec>(&mut self) -> Result<T, DecodeError> {
        let value = T::decode(self)?;
        if self.0.is_empty() { Ok(value) } else { Err(DecodeError::Trailing(self.0.len())) }
    }

    /// Nothing follows.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        if self.0.is_empty() { Ok(()) } else { Err(DecodeError::Trailing(self.0.len())) }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (now, later) = self.0.split_first_chunk().ok_or(DecodeError::Short)?;
        self.0 = later;
        Ok(*now)
    }

    /// A count of items, each of at least a byte.
    pub(crate) fn count(&mut self) -> Result<u32, DecodeError> {
        let count = u32::decode(self)?;
        let verify = count <= MAX_ITEMS && count as usize <= self.0.len();
        if verify { Ok(count) } else { Err(DecodeError::Count(count)) }
    }
}

/// A value with one encoding.
pub(crate) trait Codec: Sized {
    /// Appends the encoding.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads what [`encode`](Self::encode) wrote, and nothing else.
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// The encoding after a prefix that names kind and version.
    fn to_prefixed(&self, prefix: &'static str) -> Vec<u8> {
        let mut out = prefix.as_bytes().to_vec();
        self.encode(&mut out);
        out
    }

    /// The value of all these bytes, prefix included.
    fn from_prefixed(prefix: &'static str, bytes: &[u8]) -> Result<Self, DecodeError> {
        let rest = bytes.strip_prefix(prefix.as_bytes()).ok_or(DecodeError::Foreign(prefix))?;
        let mut r = Reader::new(rest);
        r.last()
    }
}

macro_rules! integers {
    ($($int:ty),*) => {$(
        impl Codec for $int {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(Self::from_le_bytes(r.array()?))
            }
        }
    )*};
}
integers!(u8, u16, u32, u64, i128);

impl<const N: usize> Codec for [u8; N] {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.array()
    }
}

impl<T: Codec> Codec for Vec<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        (self.len() as u32).encode(out);
        self.iter().for_each(|item| item.encode(out));
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        (0..r.count()?).map(|_| T::decode(r)).collect()
    }
}

impl<T: Codec> Codec for Option<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        u8::from(self.is_some()).encode(out);
        self.iter().for_each(|value| value.encode(out));
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(r)? {
            0 => Ok(None),
            1 => T::decode(r).map(Some),
            _ => Err(DecodeError::Value("a presence")),
        }
    }
}

/// Bytes with their length before them: a list of bytes, but long and copied at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Bytes {
    pub(crate) fn put(bytes: &[u8], out: &mut Vec<u8>) {
        (bytes.len() as u32).encode(out);
        out.extend_from_slice(bytes);
    }

    pub(crate) fn take(r: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
        let length = u32::decode(r)?;
        r.take(length as usize).map(<[u8]>::to_vec)
    }

    pub(crate) fn put_option(bytes: Option<&[u8]>, out: &mut Vec<u8>) {
        out.push(bytes.is_some().into());
        bytes.into_iter().for_each(|bytes| Self::put(bytes, out));
    }

    pub(crate) fn take_option(r: &mut Reader<'_>) -> Result<Option<Vec<u8>>, DecodeError> {
        Option::<Self>::decode(r).map(|bytes| bytes.map(|Self(bytes)| bytes))
    }
}

impl Codec for Bytes {
    fn encode(&self, out: &mut Vec<u8>) {
        Self::put(&self.0, out);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::take(r).map(Self)
    }
}

impl Codec for sotto_party::PublicKey {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_bytes());
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::from_bytes(r.take(Self::BYTES)?).ok_or(DecodeError::Value("a party's key"))
    }
}

/// A record: its fields in order, in both directions; fields after a semicolon are encoded elsewhere.
macro_rules! record {
    ($type:ty { $($field:ident),* $(,)? $(; $($later:ident),+)? }) => {
        impl $crate::codec::Codec for $type {
            fn encode(&self, out: &mut Vec<u8>) {
                $($crate::codec::Codec::encode(&self.$field, out);)*
            }

            fn decode(
                r: &mut $crate::codec::Reader<'_>,
            ) -> Result<Self, $crate::codec::DecodeError> {
                $(let $field = $crate::codec::Codec::decode(r)?;)*
                Ok(Self { $($field,)* $($($later: Default::default(),)+)? })
            }
        }
    };
}
/// An enumeration without contents: one byte, by its discriminant.
macro_rules! codes {
    ($type:ident, $what:literal, [$($case:ident),* $(,)?]) => {
        impl $crate::codec::Codec for $type {
            fn encode(&self, out: &mut Vec<u8>) {
                out.push(*self as u8);
            }

            fn decode(
                r: &mut $crate::codec::Reader<'_>,
            ) -> Result<Self, $crate::codec::DecodeError> {
                let code = <u8 as $crate::codec::Codec>::decode(r)?;
                let all = [$(Self::$case),*];
                let known = all.into_iter().find(|case| *case as u8 == code);
                known.ok_or($crate::codec::DecodeError::Value($what))
            }
        }
    };
}
pub(crate) use {codes, record};

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Example {
        number: u16,
        list: Vec<Option<u8>>,
    }
    record!(Example { number, list });

    #[test]
    fn records_are_their_fields_in_order() {
        let example = Example { number: 0x0102, list: vec![None, Some(7)] };
        let bytes = example.to_prefixed("example v1");
        assert_eq!(bytes, b"example v1\x02\x01\x02\0\0\0\0\x01\x07");
        assert_eq!(Example::from_prefixed("example v1", &bytes), Ok(example));
    }

    #[test]
    fn bad_bytes_are_refused_before_anything_is_allocated() {
        let read = |bytes: &[u8]| Example::from_prefixed("x", bytes).unwrap_err();
        assert_eq!(read(b"y"), DecodeError::Foreign("x"));
        assert_eq!(read(b"x\x02"), DecodeError::Short);
        assert_eq!(read(b"x\0\0\xff\xff\xff\xff"), DecodeError::Count(u32::MAX));
        assert_eq!(read(b"x\0\0\x02\0\0\0\0"), DecodeError::Count(2));
        assert_eq!(read(b"x\0\0\x01\0\0\0\x02"), DecodeError::Value("a presence"));
        assert_eq!(read(b"x\0\0\0\0\0\0\0"), DecodeError::Trailing(1));
    }
}
