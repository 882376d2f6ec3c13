//! What nodes say of requests that auditors handed out, before they send one.
//!
//! ```text
//! place  height of the notice (8) ‖ name of the request (32)
//! entry  place ‖ 0, or 1 with a record of the answers (1)
//! ```

use sotto_mw::{
    amount::Height,
    codec::{Decode, DecodeError, Encode, Reader},
    hash::Hash,
};

/// Where a request stands among all that a node keeps: they are in the order of their notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenedPlace {
    /// The height of the block with its notice.
    pub height: Height,
    /// Its name.
    pub name: Hash,
}

impl OpenedPlace {
    /// Before all requests.
    pub const FIRST: Self = Self { height: Height::GENESIS, name: Hash::ZERO };
}

/// A request that a node keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenedEntry {
    /// Where it stands.
    pub place: OpenedPlace,
    /// Whether it has a record of the answers.
    pub recorded: bool,
}

impl Encode for OpenedPlace {
    fn encode(&self, out: &mut Vec<u8>) {
        self.height.encode(out);
        self.name.encode(out);
    }
}

impl Decode for OpenedPlace {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { height: Height::decode(r)?, name: Hash::decode(r)? })
    }
}

impl Encode for OpenedEntry {
    fn encode(&self, out: &mut Vec<u8>) {
        self.place.encode(out);
        out.push(self.recorded.into());
    }
}

impl Decode for OpenedEntry {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let place = OpenedPlace::decode(r)?;
        match r.u8()? {
            code @ (0 | 1) => Ok(Self { place, recorded: code == 1 }),
            code => Err(DecodeError::Code { what: "record of a request", code }),
        }
    }
}
