//! The bytes of values: fields in order, integers little-endian, one encoding for each value.
//!
//! Every count and length is bounded before anything is allocated. Points are canonical and not the identity;
//! scalars are canonical.
#![deny(clippy::indexing_slicing)]

/// Why bytes are not the value that they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end too early.
    #[error("the bytes end in the middle of a value")]
    Short,
    /// Something follows the end.
    #[error("{0} bytes follow the end")]
    Trailing(usize),
    /// Another format or version.
    #[error("unknown format or version: expected `{0}`")]
    Foreign(&'static str),
    /// A value that its field cannot have.
    #[error("{0} has a value that it cannot have")]
    Value(&'static str),
}

/// Bytes that are still to be read.
pub(crate) struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    pub(crate) const fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes after a prefix that names format and version.
    pub(crate) fn after(prefix: &'static str, bytes: &'b [u8]) -> Result<Self, DecodeError> {
        bytes.strip_prefix(prefix.as_bytes()).map(Self).ok_or(DecodeError::Foreign(prefix))
    }

    pub(crate) const fn left(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn take(&mut self, n: usize) -> Result<&'b [u8], DecodeError> {
        let (now, later) = self.0.split_at_checked(n).ok_or(DecodeError::Short)?;
        self.0 = later;
        Ok(now)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (now, later) = self.0.split_first_chunk().ok_or(DecodeError::Short)?;
        self.0 = later;
        Ok(*now)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A byte that says whether a value follows.
    pub(crate) fn presence(&mut self) -> Result<bool, DecodeError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError::Value("a presence")),
        }
    }

    /// Bytes with their length (4) before them, at most `most`.
    pub(crate) fn bytes(&mut self, most: usize) -> Result<&'b [u8], DecodeError> {
        let length = self.u32()? as usize;
        if length > most { Err(DecodeError::Value("a length")) } else { self.take(length) }
    }

    /// Checks that nothing follows.
    pub(crate) const fn finish(&self) -> Result<(), DecodeError> {
        if self.0.is_empty() { Ok(()) } else { Err(DecodeError::Trailing(self.0.len())) }
    }
}

/// Appends bytes with their length before them. No value of this crate reaches the limit of the length.
pub(crate) fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_bounded_before_bytes_are_taken() {
        assert_eq!(Reader::new(&[9, 0, 0, 0, 1]).bytes(8), Err(DecodeError::Value("a length")));
        assert_eq!(Reader::new(&[9, 0, 0, 0, 1]).bytes(9), Err(DecodeError::Short));
        assert_eq!(Reader::new(&[1, 0, 0, 0, 7]).bytes(9), Ok(&[7][..]));
        assert_eq!(Reader::new(&[2]).presence(), Err(DecodeError::Value("a presence")));
        assert_eq!(Reader::after("x v1", b"x v2").err(), Some(DecodeError::Foreign("x v1")));
        assert_eq!(Reader::new(&[1]).finish(), Err(DecodeError::Trailing(1)));
    }
}
