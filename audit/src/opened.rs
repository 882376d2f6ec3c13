//! A request that auditors handed out, with the charter under which it was made: what nodes keep and pass on.
//!
//! ```text
//! opened request   length (4) ‖ text of the charter ‖ letter of the request
//! ```
//!
//! It stands alone: everybody that has the chain can judge it, and learns the charter from it, whose hash the genesis has.
#![deny(clippy::indexing_slicing)]

use crate::{
    charter::{Charter, MAX_CHARTER},
    letter::RequestLetter,
};
use sotto_mw::codec::{Decode, DecodeError, Encode, Reader};

/// A request that auditors handed out, and its charter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedRequest {
    /// The charter.
    pub charter: Charter,
    /// The request, with signatures and notices.
    pub letter: RequestLetter,
}

impl OpenedRequest {
    /// Most bytes of it.
    pub const MAX_BYTES: usize = 4 + MAX_CHARTER + RequestLetter::MAX_BYTES;
}

impl Encode for OpenedRequest {
    fn encode(&self, out: &mut Vec<u8>) {
        let text = self.charter.to_text();
        // A charter is at most 32 KiB.
        out.extend_from_slice(&(text.len() as u32).to_le_bytes());
        out.extend_from_slice(text.as_bytes());
        self.letter.encode(out);
    }
}

impl Decode for OpenedRequest {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let length = r.u32()? as usize;
        if length > MAX_CHARTER {
            let (found, bound) = (length as u64, MAX_CHARTER as u64);
            return Err(DecodeError::Bound { what: "bytes of a charter", found, bound });
        }
        let text = core::str::from_utf8(r.take(length)?).ok();
        let charter = text.and_then(|text| Charter::parse(text).ok());
        let charter = charter.ok_or(DecodeError::Invalid { what: "charter" })?;
        Ok(Self { charter, letter: RequestLetter::decode(r)? })
    }
}
