//! Bytes of the two state commitments and of what they prove.
//!
//! ```text
//! peaks       = count (8) ‖ hash (32) for each set bit of the count, the tallest mountain's first
//! mmr proof   = number of hashes (1) ‖ hashes
//! opening     = |S| (8) ‖ entry? (1: 0 or 1) ‖ [entry] ‖ forks (32) ‖ hash (32) for each fork set
//! entry       = key (32) ‖ leaf (32)
//! trie proof  = chunk proof = opening
//! chunk       = depth (1) ‖ index (4) ‖ number of leaves (8) ‖ entries ‖ opening
//! ```
//!
//! `forks` is a map of 256 bits: bit `b`, counted as in a key, is set if the walk passes a fork at `b`.
#![deny(clippy::indexing_slicing)]

use super::{Decode, Encode, Reader, WireError};
use crate::{
    hash::Hash,
    mmr::{MmrProof, Peaks},
    trie::{Chunk, ChunkProof, Entry, Opening, Prefix, TrieProof},
};

/// `n` values: as many as the bytes call for and no room for them before they are there.
fn several<T: Decode>(r: &mut Reader<'_>, n: u64) -> Result<Vec<T>, WireError> {
    let mut all = Vec::new();
    for _ in 0..n {
        all.push(T::decode(r)?);
    }
    Ok(all)
}

impl Encode for Peaks {
    fn encode(&self, out: &mut Vec<u8>) {
        self.len.encode(out);
        self.peaks.iter().for_each(|p| p.encode(out));
    }
}

impl Decode for Peaks {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let len = r.u64()?;
        if len >= Self::MAX_LEN {
            return Err(WireError::Bound { what: "kernels", found: len, bound: Self::MAX_LEN - 1 });
        }
        Ok(Self { len, peaks: several(r, len.count_ones().into())? })
    }
}

impl Encode for MmrProof {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::try_from(self.hashes.len()).unwrap_or(u8::MAX));
        self.hashes.iter().for_each(|h| h.encode(out));
    }
}

impl Decode for MmrProof {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let n = u64::from(r.u8()?);
        let bound = Self::MAX_HASHES as u64;
        if n > bound {
            return Err(WireError::Bound { what: "hashes of a proof", found: n, bound });
        }
        Ok(Self { hashes: several(r, n)? })
    }
}

impl Encode for Entry {
    fn encode(&self, out: &mut Vec<u8>) {
        self.key.encode(out);
        self.leaf.encode(out);
    }
}

impl Decode for Entry {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { key: Hash::decode(r)?, leaf: Hash::decode(r)? })
    }
}

impl Encode for Opening {
    fn encode(&self, out: &mut Vec<u8>) {
        self.len.encode(out);
        out.push(self.end.is_some().into());
        self.end.iter().for_each(|entry| entry.encode(out));
        let mut map = [0u8; 32];
        for (bit, _) in &self.forks {
            if let Some(byte) = map.get_mut(usize::from(bit / 8)) {
                *byte |= 0x80 >> (bit % 8);
            }
        }
        out.extend_from_slice(&map);
        self.forks.iter().for_each(|(_, other)| other.encode(out));
    }
}

impl Decode for Opening {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let len = r.u64()?;
        let end = match r.u8()? {
            0 => None,
            1 => Some(Entry::decode(r)?),
            code => return Err(WireError::Code { what: "end of a walk", code }),
        };
        let map: [u8; 32] = r.array()?;
        let set =
            |bit: &u16| map.get(usize::from(bit / 8)).is_some_and(|byte| byte & (0x80 >> (bit % 8)) != 0);
        let mut forks = Vec::new();
        for bit in (0..256).filter(set) {
            forks.push((bit, Hash::decode(r)?));
        }
        Ok(Self { len, end, forks })
    }
}

super::wire! {
    TrieProof, |x, out| x.0.encode(out), |r| Opening::decode(r).map(Self);
    ChunkProof, |x, out| x.0.encode(out), |r| Opening::decode(r).map(Self);
}

impl Encode for Chunk {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.prefix.depth());
        out.extend_from_slice(&self.prefix.index().to_le_bytes());
        (self.leaves.len() as u64).encode(out);
        self.leaves.iter().for_each(|entry| entry.encode(out));
        self.proof.encode(out);
    }
}

impl Decode for Chunk {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let (depth, index) = (r.u8()?, r.u32()?);
        let prefix =
            Prefix::new(depth, index).ok_or(WireError::Code { what: "prefix's depth", code: depth })?;
        let n = r.u64()?;
        Ok(Self { prefix, leaves: several(r, n)?, proof: ChunkProof::decode(r)? })
    }
}
