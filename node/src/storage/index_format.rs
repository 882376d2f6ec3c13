//! The bytes of index entries: canonical, and bounded before anything is allocated.
//!
//! ```text
//! 'm' → version (1) ‖ root of the map (32) ‖ head ‖ check    where the index stands
//! 'n' depth ‖ path → node of the map                     what is looked up: [`merkle_map`](super::merkle_map), and
//!                                                        where blocks are: [`block_place`](super::block_place)
//! 'p' part   → hash of the part of the trie (32)         'u' part → located* ‖ check
//! 't' first height → terms (mw) ‖ check                  where the terms change, so none on a solo chain
//! 'x' height → peaks' length (4) ‖ kernel peaks before ‖ located* ‖ check      located: [`located`](super::located)
//! ```
//!
//! Integers are little-endian, but big-endian inside keys, where order matters. `check` is a tagged hash of
//! the key and all bytes before it, and of a part also of its hash. An index of another version is rebuilt.
#![deny(clippy::indexing_slicing)]

use super::{format::Head, key, located::Located};
use crate::codec::{Damage, checked, tag, with_check};
use sotto_mw::{
    amount::Height,
    codec::{Decode, Encode, Reader},
    hash::Hash,
    mmr::Peaks,
    terms::Terms,
    trie::Part,
};

/// The version of the index. The first had none, and its head began with 1.
const VERSION: u8 = 4;

/// Where an index stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) head: Head,
    /// The root of the map of what is looked up.
    pub(crate) lookups: Hash,
}

impl Standing {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let bytes = [&[VERSION], &self.lookups.as_bytes()[..], &self.head.to_bytes()].concat();
        with_check(tag::INDEX, key::HEAD, bytes)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Damage> {
        if bytes.first() != Some(&VERSION) {
            return Err(Damage::Magic);
        }
        let mut r = Reader::new(checked(tag::INDEX, key::HEAD, bytes)?);
        r.u8()?;
        let lookups = Hash::decode(&mut r)?;
        Ok(Self { lookups, head: Head::from_bytes(r.take(r.left())?)? })
    }
}

/// The entry of a part of the unspent outputs, which has this hash.
pub(crate) fn part_entry(all: &[Located], part: Part, hash: &Hash) -> Vec<u8> {
    let mut out = Vec::with_capacity(Located::MOST * all.len() + 32);
    all.iter().for_each(|l| l.encode(&mut out));
    with_check(tag::INDEX, &part_place(part, hash), out)
}

/// Reads the entry of this part.
pub(crate) fn read_part_entry(bytes: &[u8], part: Part, hash: &Hash) -> Result<Vec<Located>, Damage> {
    rest(&mut Reader::new(checked(tag::INDEX, &part_place(part, hash), bytes)?))
}

fn part_place(part: Part, hash: &Hash) -> Vec<u8> {
    [&key::unspent(part)[..], hash.as_bytes()].concat()
}

/// All values that are left.
fn rest(r: &mut Reader<'_>) -> Result<Vec<Located>, Damage> {
    let mut all = Vec::with_capacity(r.left() / Located::LEAST);
    while r.left() > 0 {
        all.push(Located::decode(r)?);
    }
    Ok(all)
}

/// The index entry of the terms from a height on.
pub(crate) fn terms_entry(from: Height, terms: &Terms) -> Vec<u8> {
    with_check(tag::INDEX, &key::terms(from), terms.to_bytes())
}

/// Reads the entry of this height.
pub(crate) fn read_terms_entry(bytes: &[u8], from: Height) -> Result<Terms, Damage> {
    Ok(Terms::from_bytes(checked(tag::INDEX, &key::terms(from), bytes)?)?)
}

/// The index entry that undoing a block needs, besides the block itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UndoEntry {
    /// The kernels before the block.
    pub(crate) kernels: Peaks,
    /// What the block spent.
    pub(crate) spent: Vec<Located>,
}

impl UndoEntry {
    pub(crate) fn to_bytes(&self, height: Height) -> Vec<u8> {
        let peaks = self.kernels.to_bytes();
        let length = u32::try_from(peaks.len()).unwrap_or(u32::MAX);
        let mut out = [&length.to_le_bytes(), peaks.as_slice()].concat();
        self.spent.iter().for_each(|l| l.encode(&mut out));
        with_check(tag::INDEX, &key::undo(height), out)
    }

    pub(crate) fn from_bytes(bytes: &[u8], height: Height) -> Result<Self, Damage> {
        let mut r = Reader::new(checked(tag::INDEX, &key::undo(height), bytes)?);
        let length = r.u32()?;
        let kernels = Peaks::from_bytes(r.take(length as usize)?)?;
        Ok(Self { kernels, spent: rest(&mut r)? })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "a test may fail")]
    use super::*;
    use crate::storage::format::{Position, tests::only};
    use sotto_mw::{
        chain::{Chain, Params},
        group::Point,
        schnorr::PublicKey,
        testing::TestChain,
    };

    #[test]
    fn all_that_is_written_is_read_back_and_nothing_else() {
        let chain = Chain::new(Params::solo(PublicKey::from_point(Point::g()), 5)).unwrap();
        let mut head = Head { floor: Height::new(9), base: Height::new(7), ..Head::genesis(&chain) };
        head.header.height = Height::new(11);
        head.kernels.push(Hash::ZERO);
        (head.header.kernel_count, head.header.kernel_root) = (1, head.kernels.root());
        let standing = Standing { head: head.clone(), lookups: Hash::from_bytes([7; 32]) };
        only(&standing.to_bytes(), &standing, Standing::from_bytes);
        for earlier in [head.to_bytes(), [&[2], &head.to_bytes()[..]].concat()] {
            assert_eq!(Standing::from_bytes(&earlier), Err(Damage::Magic), "an index of an earlier version");
        }
        let (terms, from) = (chain.params().first_terms(), Height::new(6));
        only(&terms_entry(from, &terms), &terms, |b| read_terms_entry(b, from));
        assert!(read_terms_entry(&terms_entry(from, &terms), Height::new(7)).is_err());
        let mut ledger = TestChain::new(3);
        ledger.grow(Vec::new());
        let spent = Located::in_block(&ledger.blocks()[0], Position::start(3));
        let (part, hash) = (spent[0].part(), Part::hash(&[spent[0].entry]));
        only(&part_entry(&spent, part, &hash), &spent, |b| read_part_entry(b, part, &hash));
        assert!(read_part_entry(&part_entry(&spent, part, &hash), part, &Hash::ZERO).is_err());
        let other = Part::new(part.bits() ^ 1);
        assert!(read_part_entry(&part_entry(&spent, part, &hash), other, &hash).is_err());
        let undo = UndoEntry { kernels: head.kernels, spent };
        only(&undo.to_bytes(Height::new(4)), &undo, |b| UndoEntry::from_bytes(b, Height::new(4)));
        assert!(UndoEntry::from_bytes(&undo.to_bytes(Height::new(4)), Height::new(5)).is_err());
    }
}
