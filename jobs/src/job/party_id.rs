//! A party's place in a job.

use crate::codec::{Codec, DecodeError, Reader};

/// A party's place in the job's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartyId(pub u16);

impl Codec for PartyId {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Codec::decode(r).map(Self)
    }
}
