//! Reading and writing bytes: integers little-endian, byte strings with their length before them.
//!
//! A length is compared with its bound and with the bytes that are left before anything is copied.

/// Why bytes are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end too early.
    #[error("the bytes end in the middle of a value")]
    Short,
    /// Something follows the end.
    #[error("{0} bytes follow the end")]
    Trailing(usize),
    /// Another format or version.
    #[error("unknown format or version: expected {0}")]
    Foreign(&'static str),
    /// Longer than allowed.
    #[error("{what} has {given} bytes, and at most {most} are allowed")]
    TooLong {
        /// What it should be.
        what: &'static str,
        /// Bytes that there are.
        given: usize,
        /// Bytes that may be.
        most: usize,
    },
    /// A value that its field cannot have.
    #[error("{0} has a value that it cannot have")]
    Value(&'static str),
}

/// Refuses bytes that are longer than allowed.
pub(crate) fn bounded(what: &'static str, bytes: &[u8], most: usize) -> Result<(), DecodeError> {
    let given = bytes.len();
    if given > most { Err(DecodeError::TooLong { what, given, most }) } else { Ok(()) }
}

/// Bytes that are still to be read.
pub(crate) struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes after a prefix that names the format and its version.
    pub(crate) fn after(prefix: &'static str, bytes: &'b [u8]) -> Result<Self, DecodeError> {
        bytes.strip_prefix(prefix.as_bytes()).map(Self).ok_or(DecodeError::Foreign(prefix))
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
        self.array().map(u8::from_le_bytes)
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

    /// A byte string of at most `most` bytes, with its length before it.
    pub(crate) fn bytes(&mut self, what: &'static str, most: usize) -> Result<&'b [u8], DecodeError> {
        let given = self.u32()? as usize;
        if given > most { Err(DecodeError::TooLong { what, given, most }) } else { self.take(given) }
    }

    /// Everything that is left.
    pub(crate) fn rest(&mut self) -> &'b [u8] {
        core::mem::take(&mut self.0)
    }

    /// Bytes that are still to be read.
    pub(crate) fn left(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        if self.0.is_empty() { Ok(()) } else { Err(DecodeError::Trailing(self.0.len())) }
    }
}

/// Appends a byte string with its length before it.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_checked_before_bytes_are_taken() {
        let mut out = b"x v1".to_vec();
        put_bytes(&mut out, b"abc");
        let read = |bytes: &[u8], most| {
            let mut r = Reader::after("x v1", bytes)?;
            let text = r.bytes("a text", most)?.to_vec();
            r.finish().map(|()| text)
        };
        assert_eq!(read(&out, 3), Ok(b"abc".to_vec()));
        assert_eq!(read(&out, 2), Err(DecodeError::TooLong { what: "a text", given: 3, most: 2 }));
        assert_eq!(read(&out[..6], 3), Err(DecodeError::Short));
        assert_eq!(read(b"x v2", 3), Err(DecodeError::Foreign("x v1")));
        assert_eq!(read(&[&out[..], b"!"].concat(), 3), Err(DecodeError::Trailing(1)));
    }
}
