//! Following: a scan reads the blocks since the last one, from the last block down to the last that both have in
//! common.
//!
//! ```text
//! unspent at the common block ─┬─ minus what the blocks spend ─┐
//!                              └─ plus what they create ───────┴──▶ present, as a pass would find it
//! ```
//!
//! The result is that of a pass over all unspent outputs ([`super::cursor`]), and more: the blocks also show outputs
//! that were created and spent in between. Where the blocks cannot give that, the scan is a pass ([`PassReason`]). A
//! node that is asked for every block learns nothing from it; only for kernels of payments that are not in
//! them is it asked, as in a pass.

use super::{
    block_walk::WalkResult,
    checkpoint::Basis,
    cursor::{Progress, ScanCursor},
    descent::{Descent, Step},
    report::{PassReason, ScanError},
    source::{BlockContents, ChainSource},
};
use crate::{
    outputs::{Coin, OutputRecord, OutputStatus},
    state::{BlockRef, State, TxStatus},
};
use rayon::prelude::*;
use sotto_mw::{amount::Height, chain::Chain, group::PointBytes, kernel::Excess, output::Output};
use std::collections::{BTreeMap, BTreeSet};

/// The items of blocks that a scan reads before it prefers a pass, if there are few unspent outputs.
const LEAST_ITEMS: u64 = 10_000;

/// How a scan goes on.
pub(crate) enum Route {
    /// All blocks since the common one were read; the cursor has what they leave unspent.
    Followed(Followed),
    /// A pass is needed.
    Pass(PassReason),
    /// The source moved meanwhile.
    Moved,
}

/// What blocks show beyond the outputs that they leave unspent.
pub(crate) struct Followed {
    /// How many blocks there were.
    pub(crate) blocks: u64,
    /// The kernels of this wallet in the chain.
    pub(crate) kernels: BTreeMap<Excess, Height>,
    /// Outputs of this wallet that the blocks spend, and unknown ones that they create and spend.
    pub(crate) walk: WalkResult,
}

/// Whether a scan would change nothing but the height: the wallet has seen this block, and knows what became of every
/// payment up to there.
pub(crate) fn is_unchanged(chain: &Chain, state: &State, tip: BlockRef) -> bool {
    tip == state.tip
        && is_tried(state)
        && state.signed_kernels(chain).all(|k| k.is_settled(chain, state.tip.height))
}

/// Whether outputs up to the last scan were tried with the keys of all accounts.
fn is_tried(state: &State) -> bool {
    state.tip.height > Height::GENESIS && state.accounts.iter().all(|a| a.scanned == state.tip.height)
}

impl<S: ChainSource> Basis<'_, S> {
    /// Reads the blocks above the common one.
    pub(crate) fn follow(
        &self,
        cursor: &mut ScanCursor,
        progress: &mut Progress<'_>,
    ) -> Result<Route, ScanError<S::Error>> {
        if let Some(reason) = self.hindrance() {
            return Ok(Route::Pass(reason));
        }
        let signed = self.before.signed_kernels(self.chain).map(|k| k.excess).collect();
        let mut reader = Reader::new(self.before, signed, self.common);
        let mut descent = Descent::from(cursor.tip, self.source);
        // A pass reads all unspent outputs, so that following costs half of that in vain at most.
        let most = (cursor.total / 2).max(LEAST_ITEMS);
        let behind = cursor.tip.height.get() - self.common.get();
        for done in 0..behind {
            if reader.items + behind - done > most {
                return Ok(Route::Pass(PassReason::TooMany));
            }
            progress(cursor.total * done / behind, cursor.total);
            match descent.step()? {
                Step::Block(height, block) => reader.read(cursor, height, block),
                Step::NotStored => return Ok(Route::Pass(PassReason::NotStored(descent.height()))),
                Step::Moved => return Ok(Route::Moved),
            }
        }
        if self.contradicts(descent.next()) {
            return Ok(Route::Moved);
        }
        let Reader { outputs, created, found, mut kernels, spent, past, .. } = reader;
        if let Some(other) = self.add_kernels(&mut kernels)? {
            return Ok(other);
        }
        let mut present = self.present();
        present.retain(|coin, _| !spent.contains_key(coin));
        present.extend(created);
        (cursor.present, cursor.found, cursor.scanned) = (present, found, outputs);
        let walk = WalkResult { spent, past, searched_down_to: self.common };
        Ok(Route::Followed(Followed { blocks: behind, kernels, walk }))
    }

    /// Whether the wallet knows another block there, although the source says that this one is in the chain.
    fn contradicts(&self, reached: BlockRef) -> bool {
        let State { tip, checkpoint, .. } = self.before;
        let other = |known: &&BlockRef| known.height == reached.height && known.hash != reached.hash;
        reached.height > Height::GENESIS && [tip, checkpoint].iter().any(other)
    }

    /// Why following would not give what a pass does.
    fn hindrance(&self) -> Option<PassReason> {
        let Self { before, common, .. } = self;
        if before.tip.height == Height::GENESIS {
            return Some(PassReason::First);
        }
        if !is_tried(before) {
            return Some(PassReason::Keys);
        }
        if *common == before.tip.height {
            return None;
        }
        // The height of a spend that no stored block showed is that of the scan that noticed.
        let explained = before.inputs_of_confirmed();
        let unsure = |o: &OutputRecord| {
            matches!(o.status, OutputStatus::Spent { spent, .. } if spent > *common)
                && !explained.contains(&o.commitment)
        };
        before.outputs.values().any(unsure).then_some(PassReason::Undone)
    }

    /// What was unspent at the common block.
    fn present(&self) -> BTreeMap<Coin, Height> {
        let unspent = |o: &OutputRecord| match o.status {
            OutputStatus::Unspent { created } | OutputStatus::Locked { created, .. } => Some(created),
            OutputStatus::Spent { created, spent } if spent > self.common => Some(created),
            OutputStatus::Spent { .. } | OutputStatus::Pending | OutputStatus::Failed => None,
        };
        let all = self.before.outputs.values().filter_map(|o| Some((o.coin(), unspent(o)?)));
        all.filter(|(_, created)| *created <= self.common).collect()
    }

    /// Adds the kernels that are in blocks up to the common one. Only those of payments that wait are asked for: one
    /// that is there already was signed elsewhere, and blocks that are not read again have its outputs.
    fn add_kernels(&self, seen: &mut BTreeMap<Excess, Height>) -> Result<Option<Route>, ScanError<S::Error>> {
        let mut earlier = BTreeMap::new();
        for k in self.before.signed_kernels(self.chain).filter(|k| !seen.contains_key(&k.excess)) {
            let height = match k.tx_status {
                TxStatus::Confirmed { height } if k.is_settled(self.chain, self.common) => Some(height),
                _ if k.is_settled(self.chain, self.common) => None,
                _ => self.source.kernel(&k.excess).map_err(ScanError::Source)?,
            };
            match height {
                Some(height) if height > self.common => return Ok(Some(Route::Moved)),
                Some(_) if k.tx_status == TxStatus::Waiting => {
                    return Ok(Some(Route::Pass(PassReason::EarlierPayment)));
                }
                Some(height) => drop(earlier.insert(k.excess, height)),
                None => {}
            }
        }
        seen.append(&mut earlier);
        Ok(None)
    }
}

/// Blocks that are read from the last one down.
struct Reader<'a> {
    common: Height,
    known: &'a BTreeMap<PointBytes, OutputRecord>,
    signed: BTreeSet<Excess>,
    /// The number of outputs that were read, and of everything.
    outputs: u64,
    items: u64,
    /// Spent by a block that was read, and not yet seen to be created.
    spent_later: BTreeMap<Coin, Height>,
    /// Outputs of this wallet that stay unspent, and those of them that were not known.
    created: BTreeMap<Coin, Height>,
    found: BTreeMap<PointBytes, OutputRecord>,
    kernels: BTreeMap<Excess, Height>,
    spent: BTreeMap<Coin, Height>,
    past: Vec<OutputRecord>,
}

impl<'a> Reader<'a> {
    fn new(before: &'a State, signed: BTreeSet<Excess>, common: Height) -> Self {
        let (spent_later, created, found, kernels, spent, past) = Default::default();
        let known = &before.outputs;
        Self {
            common,
            known,
            signed,
            outputs: 0,
            items: 0,
            spent_later,
            created,
            found,
            kernels,
            spent,
            past,
        }
    }

    fn read(&mut self, cursor: &ScanCursor, height: Height, block: BlockContents) {
        self.outputs += block.outputs.len() as u64;
        self.items += (block.outputs.len() + block.inputs.len()) as u64;
        self.read_outputs(cursor, height, &block.outputs);
        self.read_inputs(height, block.inputs);
        for excess in block.kernels.iter().filter(|e| self.signed.contains(e)) {
            self.kernels.entry(*excess).or_insert(height);
        }
    }

    fn read_inputs(&mut self, height: Height, inputs: Vec<Coin>) {
        for coin in inputs {
            if self.known.get(&coin.commitment).is_some_and(|o| o.coin() == coin && !self.was_spent(o)) {
                self.spent.entry(coin).or_insert(height);
            }
            self.spent_later.insert(coin, height);
        }
    }

    /// Whether it was spent up to the common block: what is spent now is another output with its name.
    fn was_spent(&self, o: &OutputRecord) -> bool {
        matches!(o.status, OutputStatus::Spent { spent, .. } if spent <= self.common)
    }

    fn read_outputs(&mut self, cursor: &ScanCursor, created: Height, outputs: &[Output]) {
        let is_known = |o: &Output| {
            let known = self.known.get(&o.commitment.encoded());
            known.is_some_and(|k| k.is_made_with(&o.commitment, &o.features))
        };
        let own = |o: &Output| {
            let new = if is_known(o) { None } else { Some(cursor.recognise(o)?) };
            Some((Coin::of(&o.commitment, &o.features), new))
        };
        let own: Vec<_> = outputs.par_iter().filter_map(own).collect();
        for (coin, new) in own {
            let Some(spent) = self.spent_later.remove(&coin) else {
                self.created.insert(coin, created);
                let status = OutputStatus::Unspent { created };
                self.found.extend(new.map(|o| (coin.commitment, OutputRecord { status, ..o })));
                continue;
            };
            let status = OutputStatus::Spent { created, spent };
            self.past.extend(new.map(|o| OutputRecord { status, ..o }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        keys::{Account, OutputKind, Purpose},
        outputs::OutputOrigin,
    };
    use sotto_mw::{amount::Amount, range_proof::Opening};

    /// Who paid a one-sided output can make its coin again after it was spent, and spend it. The wallet's own output
    /// stays spent in its block: were it spent later, a reorganisation in between would seem to give it back.
    #[test]
    fn the_spend_of_an_echo_is_not_that_of_the_coin() {
        let [height, spent, common, later] = [3, 5, 6, 8].map(Height::new);
        let of = |status| OutputRecord {
            commitment: PointBytes([1; 32]),
            account: Account(0),
            purpose: Purpose::Received,
            opening: Opening { amount: Amount::new(5), index: [0; 12] },
            kind: OutputKind::OneSided { sender: PointBytes([2; 32]), receiver: PointBytes([3; 32]) },
            origin: OutputOrigin::Chain,
            status,
        };
        let spent_in = |status| {
            let record = of(status);
            let state =
                State { outputs: BTreeMap::from([(record.commitment, record.clone())]), ..State::default() };
            let mut reader = Reader::new(&state, BTreeSet::new(), common);
            reader.read_inputs(later, vec![record.coin()]);
            reader.spent.get(&record.coin()).copied()
        };
        assert_eq!(spent_in(OutputStatus::Unspent { created: height }), Some(later));
        assert_eq!(spent_in(OutputStatus::Spent { created: height, spent }), None);
        assert_eq!(spent_in(OutputStatus::Spent { created: height, spent: later }), Some(later));
    }
}
