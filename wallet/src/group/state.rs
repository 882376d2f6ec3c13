//! Everything that a member keeps of a group's wallet beside its keys.
//!
//! ```text
//! state  last scanned block (40) ‖ checkpoint (40) ‖ length (4) ‖ book ‖ records: count (4), in ascending order of
//!        their sessions
//! ```
#![deny(clippy::indexing_slicing)]

use super::{GroupBook, GroupCoin, GroupError, GroupKeys, GroupRecord, GroupRequest};
use crate::{
    codec::{count, put_count},
    scan::{ChainSource, ReplacedBlock, ScanError, check_tip, next_checkpoint},
    state::{BlockRef, State},
};
use sotto_keys::{Hash as KeysHash, pool::PoolKey};
use sotto_mw::{
    amount::Height,
    chain::Chain,
    codec::{Decode, DecodeError, Encode, Reader},
};
use std::collections::BTreeMap;

/// How often a scan begins again when a block arrives meanwhile.
const ATTEMPTS: usize = 5;

/// Whether a scan may go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    /// The chain must continue what was seen.
    Kept,
    /// The chain counts as the source shows it.
    Dropped,
}

/// What a member keeps of a group's wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupState {
    pub(crate) tip: BlockRef,
    checkpoint: BlockRef,
    pub(crate) book: GroupBook,
    pub(crate) records: BTreeMap<KeysHash, GroupRecord>,
}

impl Default for GroupState {
    fn default() -> Self {
        let (tip, checkpoint) = (BlockRef::NONE, BlockRef::NONE);
        Self { tip, checkpoint, book: GroupBook::default(), records: BTreeMap::new() }
    }
}

impl GroupState {
    /// The state after a scan, and the block that was replaced, if one was.
    pub(crate) fn scanned<C: ChainSource>(
        &self,
        (keys, chain): (&GroupKeys<'_>, &Chain),
        past: Past,
        source: &C,
    ) -> Result<(Self, Option<ReplacedBlock>), ScanError<C::Error>> {
        let seen = match past {
            Past::Kept => State { tip: self.tip, checkpoint: self.checkpoint, ..State::default() },
            Past::Dropped => State::default(),
        };
        for _ in 0..ATTEMPTS {
            let tip: BlockRef = source.tip().map_err(ScanError::Source)?.into();
            let replaced = check_tip(&seen, tip, source)?;
            let mut next = self.clone();
            if tip != self.tip {
                next.book.scan(keys, chain, source).map_err(ScanError::Source)?;
            }
            // What no reorganisation reaches is not asked for again.
            let settled = tip.height.minus(chain.params().reorganisation);
            for record in next.records.values_mut() {
                let is_settled = past == Past::Kept && record.confirmed.is_some_and(|h| h <= settled);
                match record.excess() {
                    Some(_) if is_settled => {}
                    Some(excess) => record.confirmed = source.kernel(&excess).map_err(ScanError::Source)?,
                    // A member without the last letters knows no kernel, but sees the output.
                    None => {
                        let since = record.request.made().and_then(|coin| next.book.since(&coin));
                        record.confirmed = since.or(record.confirmed);
                    }
                }
            }
            next.checkpoint = next_checkpoint(chain, &seen, tip, source)?;
            next.tip = tip;
            if BlockRef::from(source.tip().map_err(ScanError::Source)?) == tip {
                return Ok((next, replaced));
            }
        }
        Err(ScanError::TipMoved)
    }

    /// The earlier plans to pay what this request pays.
    fn before<'a>(
        &'a self,
        session: &'a KeysHash,
        request: &'a GroupRequest,
    ) -> impl Iterator<Item = &'a GroupRecord> {
        let same = move |record: &&GroupRecord| match (&record.request, request) {
            (GroupRequest::Pay { invoice: one, .. }, GroupRequest::Pay { invoice: two, .. }) => {
                one.session == two.session && record.session != *session
            }
            _ => false,
        };
        self.records.values().filter(same)
    }

    /// Refuses to pay an invoice twice: two payments of it must spend one output, so that only one can be made.
    pub(crate) fn check_once(&self, session: &KeysHash, request: &GroupRequest) -> Result<(), GroupError> {
        let shares =
            |record: &GroupRecord| record.request.spent().iter().any(|c| request.spent().contains(c));
        if self.before(session, request).all(shares) { Ok(()) } else { Err(GroupError::PaidTwice) }
    }

    /// The outputs that another payment of an invoice must spend again, one of each earlier plan.
    pub(crate) fn spent_for(&self, request: &GroupRequest) -> Result<Vec<GroupCoin>, GroupError> {
        let mut again: Vec<GroupCoin> = Vec::new();
        let none = KeysHash::from_bytes([0; 32]);
        for record in self.before(&none, request) {
            let spent = record.request.spent();
            if spent.iter().any(|coin| again.contains(coin)) {
                continue;
            }
            let here = spent.iter().find(|coin| self.book.unspent().any(|own| own == *coin));
            again.push(*here.ok_or(GroupError::PaidTwice)?);
        }
        Ok(again)
    }

    /// How many fresh keys each key's set has left.
    pub(crate) fn fresh_keys(&self) -> impl Iterator<Item = PoolKey> + '_ {
        PoolKey::all_fresh().filter(|key| !self.book.is_used(*key))
    }

    /// The height of the last block that was seen.
    pub(crate) const fn height(&self) -> Height {
        self.tip.height
    }
}

impl Encode for GroupState {
    fn encode(&self, out: &mut Vec<u8>) {
        self.tip.encode(out);
        self.checkpoint.encode(out);
        let book = self.book.to_bytes();
        put_count(book.len(), out);
        out.extend_from_slice(&book);
        put_count(self.records.len(), out);
        self.records.values().for_each(|record| record.encode(out));
    }
}

impl Decode for GroupState {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (tip, checkpoint) = (BlockRef::decode(r)?, BlockRef::decode(r)?);
        let length = count(r, "book of a group", 1)?;
        let book = GroupBook::from_bytes(r.take(length as usize)?)?;
        let mut records: BTreeMap<KeysHash, GroupRecord> = BTreeMap::new();
        // A record has a session, an invite or an invoice, a stage and a height.
        for _ in 0..count(r, "payments of a group", 64)? {
            let record = GroupRecord::decode(r)?;
            if records.last_key_value().is_some_and(|(last, _)| *last >= record.session) {
                return Err(DecodeError::Repeated { what: "payment of a group" });
            }
            records.insert(record.session, record);
        }
        Ok(Self { tip, checkpoint, book, records })
    }
}
