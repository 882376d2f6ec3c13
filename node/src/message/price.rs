//! What a message costs its receiver, and which question it answers, as its bytes tell before they are
//! decoded.
//!
//! ```text
//! unit        the time in which one point is decoded, about 4 µs
//! every frame 1    a point 1    a seal to verify 20    a tip 100    4 ids 1    2,048 bytes that are hashed 1
//! a transaction: three times its bytes / 32, for its points, its look-ups and its proofs; a change of the terms the same,
//! for its keys with their proofs of possession and its signatures
//! ```
//!
//! A price is what the message may make a node do at most, so it is charged before anything is done. Garbage
//! costs what its kind says.

use crate::codec::transaction_id_of_bytes;
use sotto_mw::{
    block::Header,
    chain::{INPUT_WEIGHT, ONE_SIDED_INPUT_WEIGHT, OUTPUT_WEIGHT},
    codec::{Decode, Reader},
    hash::Hash,
};

/// Bytes of a point.
const POINT: u64 = 32;
/// Bytes of a signature, and of a header.
const SIGNATURE: u64 = 64;
const HEADER: u64 = 256;
/// Bytes of a key with its signature, in a request of auditors.
const SIGNED_KEY: u64 = 1_312;
/// Bytes that are hashed in one unit.
const HASHED: u64 = 2_048;
/// The units of a seal.
pub const SEAL: u64 = 20;
/// The units of a tip: a seal, and looking through what is to be fetched of whom.
pub const TIP: u64 = 5 * SEAL;
/// The units of evidence: two signatures, their points, and writing it down.
pub const EVIDENCE: u64 = 5 * SEAL;
/// The units of a request of auditors, besides its signatures: reading its keys, looking for two kernels in their blocks, and
/// writing it down.
pub const OPENED: u64 = 20 * SEAL;
/// The units of a header that is served: a look-up, a read and a point.
pub const SERVED_HEADER: u64 = 3;
/// The units of a request for one thing of the chain, besides what it weighs.
pub const REQUEST: u64 = 5;

/// The units of work that a frame makes at most, whatever it turns out to be.
#[must_use]
pub fn price(frame: &[u8]) -> u64 {
    let (length, count) = (frame.len() as u64, u64::from(count(frame)));
    let points = length / POINT;
    1 + match frame.get(1) {
        Some(5 | 8 | 27) => 3 * points,
        Some(13 | 15 | 26) => points,
        Some(9) => TIP + SEAL * signatures(length, 1),
        Some(11 | 19) => SEAL * signatures(length, count).max(count.min(points)),
        Some(4 | 6 | 7 | 32) => count.min(points) / 4,
        Some(10) => 2 * count.min(points),
        Some(12 | 14 | 16 | 20) => REQUEST + points / 8,
        Some(18) => SEAL,
        Some(28) => EVIDENCE,
        Some(29 | 31 | 33) => REQUEST,
        Some(34) => OPENED + SEAL * (length / SIGNED_KEY),
        Some(30) => SEAL * (length / SIGNATURE),
        Some(17 | 21) => 2 + length / HASHED,
        _ => length / HASHED,
    }
}

/// The units of a tip that continues this block: its seal alone. It makes a node look for nothing else, and of two
/// such one is forged, which ends the connection, or known.
#[must_use]
pub fn continuing(frame: &[u8], best: Hash) -> Option<u64> {
    let tip = frame.get(2..).filter(|_| frame.get(1) == Some(&9))?;
    let header = Header::decode(&mut Reader::new(tip)).ok()?;
    (header.previous == best).then(|| 1 + SEAL * signatures(frame.len() as u64, 1))
}

/// How many signatures so many headers of these bytes have at most, in their seals.
const fn signatures(length: u64, headers: u64) -> u64 {
    length.saturating_sub(headers * HEADER) / SIGNATURE
}

/// The units of serving so many bytes as they are stored: they are read and their checksum is computed.
#[must_use]
pub const fn serving(bytes: u64) -> u64 {
    bytes / HASHED
}

/// The units of decoding a stored body of so many bytes.
#[must_use]
pub const fn decoding(bytes: u64) -> u64 {
    bytes / POINT
}

/// The count of two bytes with which a list begins.
fn count(frame: &[u8]) -> u16 {
    frame.get(2..4).and_then(|b| b.try_into().ok()).map_or(0, u16::from_le_bytes)
}

/// Whether decoding a message means decoding points without end, so that a worker does it.
#[must_use]
pub fn has_points(frame: &[u8]) -> bool {
    matches!(frame.get(1), Some(5 | 8 | 13 | 15 | 26 | 27 | 30))
}

/// What a message says that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A request for headers.
    Headers,
    /// A request for a compact block.
    Compact(Hash),
    /// A request for items of a block.
    Items(Hash),
    /// A request for a block, or for less of it.
    Block(Hash),
    /// A request for a transaction.
    Transaction(Hash),
    /// A request for changes of the terms.
    Terms,
    /// A request for snapshots.
    Snapshots,
    /// A request for a part of a snapshot.
    Part(Hash, u32),
}

/// The question that a frame answers, if it is of a kind that answers one.
#[must_use]
pub fn answer(frame: &[u8]) -> Option<Answer> {
    let content = frame.get(2..)?;
    let mut r = Reader::new(content);
    let block = |mut r: Reader<'_>| Header::decode(&mut r).ok().map(|h| h.hash());
    Some(match frame.get(1)? {
        8 => Answer::Transaction(transaction_id_of_bytes(content)),
        11 => Answer::Headers,
        13 => Answer::Compact(block(r)?),
        15 => {
            r.u64().ok()?;
            Answer::Items(Hash::decode(&mut r).ok()?)
        }
        17 => Answer::Block(block(r)?),
        19 => Answer::Snapshots,
        30 => Answer::Terms,
        21 => Answer::Part(Hash::decode(&mut r).ok()?, r.u32().ok()?),
        _ => return None,
    })
}

/// Most bytes of an answer that holds a block of this weight, or less of it.
#[must_use]
pub const fn most_bytes(answer: Answer, max_weight: u64) -> u64 {
    /// What does not weigh: header, certificate, and a change of the terms.
    const FRAME: u64 = 1 << 16;
    FRAME
        + match answer {
            // Of all items that it holds in full, one-sided inputs have the most bytes for their weight.
            Answer::Compact(_) => 160 * max_weight / ONE_SIDED_INPUT_WEIGHT,
            Answer::Items(_) | Answer::Block(_) => 2 * POINT * max_weight,
            Answer::Headers
            | Answer::Terms
            | Answer::Transaction(_)
            | Answer::Snapshots
            | Answer::Part(..) => super::MAX_MESSAGE as u64,
        }
}

/// The least that a transaction in this frame weighs, by its counts and its length: no output has more bytes
/// for its weight than this, and inputs have a count.
#[must_use]
pub fn least_weight(frame: &[u8]) -> u64 {
    const INPUTS: usize = 2 + 1 + 32;
    /// Of an output with its proof, and more than those of any other item for its weight.
    const BYTES: u64 = 706;
    /// Four counts, y, and that there is no change.
    const REST: u64 = 4 * 4 + 32 + 1;
    let inputs = frame.get(INPUTS..INPUTS + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes);
    let inputs = u64::from(inputs).min(frame.len() as u64 / POINT);
    let rest = (frame.len() as u64).saturating_sub(inputs * POINT + INPUTS as u64 + REST);
    inputs * INPUT_WEIGHT + rest * OUTPUT_WEIGHT / (BYTES + POINT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;
    use sotto_mw::{codec::Encode, testing::TestChain};

    /// What the counts of a transaction say is never more than it weighs, so no transaction is refused for
    /// its bytes that the rules allow.
    #[test]
    fn the_least_weight_is_no_more_than_the_weight() {
        let mut test_chain = TestChain::new(45);
        let coins: Vec<_> = (0..6).map(|_| test_chain.grow(Vec::new())).collect();
        test_chain.mature();
        let pay = |(n, c): (usize, _)| match n % 2 {
            0 => test_chain.pay(&[c], &[5, 6, 7]).0,
            _ => test_chain.pay_one_sided(&[c], &[5, 6, 7]).0,
        };
        let all: Vec<_> = coins.iter().enumerate().map(pay).collect();
        for n in 1..=all.len() {
            let t = sotto_mw::aggregate::aggregate(all[..n].to_vec()).unwrap();
            let frame = Message::Stem(t.clone()).to_bytes();
            let least = least_weight(&frame);
            assert!(least <= t.body.weight() && 2 * least > t.body.weight(), "{least} {}", t.body.weight());
        }
        let many = vec![0xff; 1_000_000];
        assert!(least_weight(&many) > 20_000, "a count beyond the bytes counts as the bytes");
    }

    /// A transaction is recognised by its bytes as by its value.
    #[test]
    fn a_transaction_answers_by_its_id() {
        let mut test_chain = TestChain::new(46);
        let coin = test_chain.grow(Vec::new());
        test_chain.mature();
        let t = test_chain.pay(&[&coin], &[5]).0;
        let frame = Message::Transaction(t.clone()).to_bytes();
        assert_eq!(answer(&frame), Some(Answer::Transaction(crate::codec::transaction_id(&t))));
        assert_eq!(answer(&Message::Stem(t).to_bytes()), None);
        assert_eq!(answer(&[]), None);
    }
}
