//! The bytes of the mempool's file, which grows as transactions are admitted and is rewritten when they
//! leave.
//!
//! ```text
//! mempool = version (1) ‖ chain id (32) ‖ check (32) ‖ entry*
//! entry   = length (4) ‖ the same with all bits flipped (4) ‖ transaction (mw) ‖ check (32)
//! place of an entry, which its check covers = chain id ‖ offset (8)
//! ```
//!
//! An entry that reaches beyond the end of the file was being written when the process or the power was lost,
//! and is ignored. Any other entry that is not whole is damage, and the entries after it are lost.

use crate::codec::{CHECK, Damage, checked, ends, tag, with_check};
use sotto_mw::{
    chain::ChainId,
    codec::{Decode, Encode, Reader, VERSION},
    transaction::Transaction,
};

/// Bytes of the header.
const HEADER: usize = 1 + 32 + CHECK;
const LENGTHS: usize = 4 + 4;

/// How a file ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// With the last entry.
    Whole,
    /// With a part of an entry.
    Torn,
    /// With bytes that are not what was written.
    Damaged,
}

/// What a file holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) chain: ChainId,
    pub(crate) transactions: Vec<Transaction>,
    /// Where the next entry belongs.
    pub(crate) end: u64,
    pub(crate) tail: Tail,
}

fn place(chain: &ChainId, at: u64) -> Vec<u8> {
    [&chain.as_bytes()[..], &at.to_le_bytes()].concat()
}

/// The entry of a transaction at this offset of a chain's file.
pub(crate) fn entry(chain: &ChainId, at: u64, t: &Transaction) -> Vec<u8> {
    let bytes = t.to_bytes();
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let lengths = [length.to_le_bytes(), (!length).to_le_bytes()].concat();
    with_check(tag::POOL, &place(chain, at), [lengths, bytes].concat())
}

/// How many bytes a file without entries has.
pub(crate) const EMPTY: u64 = HEADER as u64;

/// How many bytes the entry of a transaction has.
pub(crate) fn entry_bytes(t: &Transaction) -> u64 {
    (t.to_bytes().len() + LENGTHS + CHECK) as u64
}

/// A file of these transactions, in the order given.
pub(crate) fn file<'a>(chain: &ChainId, all: impl Iterator<Item = &'a Transaction>) -> Vec<u8> {
    let mut out = with_check(tag::POOL, &[], [&[VERSION], &chain.as_bytes()[..]].concat());
    all.for_each(|t| out.extend(entry(chain, out.len() as u64, t)));
    out
}

/// What a file holds, as far as it is whole.
///
/// # Errors
/// When its header is damaged.
pub(crate) fn read(bytes: &[u8]) -> Result<Found, Damage> {
    let (header, mut rest) = bytes.split_at_checked(HEADER).ok_or(Damage::Short)?;
    let mut r = Reader::new(checked(tag::POOL, &[], header)?);
    r.version()?;
    let chain = ChainId::decode(&mut r)?;
    ends(&r)?;
    let mut found = Found { chain, transactions: Vec::new(), end: HEADER as u64, tail: Tail::Whole };
    while !rest.is_empty() {
        match first(&found.chain, found.end, rest) {
            Ok((t, length)) => {
                found.transactions.push(t);
                found.end += length as u64;
                rest = rest.get(length..).unwrap_or_default();
            }
            Err(tail) => {
                found.tail = tail;
                break;
            }
        }
    }
    Ok(found)
}

/// The first entry of these bytes, and its length.
fn first(chain: &ChainId, at: u64, bytes: &[u8]) -> Result<(Transaction, usize), Tail> {
    let (lengths, _) = bytes.split_first_chunk::<LENGTHS>().ok_or(Tail::Torn)?;
    let [a, b, c, d, flipped @ ..] = *lengths;
    let length = u32::from_le_bytes([a, b, c, d]);
    if !length != u32::from_le_bytes(flipped) {
        return Err(Tail::Damaged);
    }
    let all = (length as usize).saturating_add(LENGTHS + CHECK);
    let sealed = bytes.get(..all).ok_or(Tail::Torn)?;
    let content = checked(tag::POOL, &place(chain, at), sealed).map_err(|_| Tail::Damaged)?;
    let t = content.get(LENGTHS..).and_then(|t| Transaction::from_bytes(t).ok());
    Ok((t.ok_or(Tail::Damaged)?, all))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "a test may fail")]
    use super::*;
    use sotto_mw::testing::TestChain;

    /// Every cut is known for what it is, and no flipped bit goes unnoticed or costs what came before.
    #[test]
    fn a_file_is_read_as_far_as_it_is_whole() {
        let mut test_chain = TestChain::new(21);
        let coins = [test_chain.grow(Vec::new()), test_chain.grow(Vec::new())];
        test_chain.mature();
        let all: Vec<Transaction> = coins.iter().map(|c| test_chain.pay(&[c], &[5]).0).collect();
        let id = *test_chain.chain().id();
        let one = file(&id, all[..1].iter()).len();
        let whole = file(&id, all.iter());
        assert_eq!(whole[one..], entry(&id, one as u64, &all[1]));
        let found = |n: usize, end: usize, tail| {
            Ok(Found { chain: id, transactions: all[..n].to_vec(), end: end as u64, tail })
        };
        assert_eq!(read(&whole), found(2, whole.len(), Tail::Whole));
        for at in (0..whole.len()).filter(|at| at % 7 == 0 || *at < HEADER + 9 || at.abs_diff(one) < 9) {
            let before = (0..=2).rev().find(|n| [HEADER, one, whole.len()][*n] <= at);
            let cut = read(&whole[..at]);
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            let flipped = read(&flipped);
            let Some(n) = before else {
                assert!(cut.is_err() && flipped.is_err(), "{at}");
                continue;
            };
            let end = [HEADER, one, whole.len()][n];
            let tail = if at == end { Tail::Whole } else { Tail::Torn };
            assert_eq!(cut, found(n, end, tail), "{at}");
            assert_eq!(flipped, found(n, end, Tail::Damaged), "{at}");
        }
        // An entry counts in its own place only.
        let moved = [&whole[..HEADER], &whole[one..], &whole[HEADER..one]].concat();
        assert_eq!(read(&moved), found(0, HEADER, Tail::Damaged));
    }
}
