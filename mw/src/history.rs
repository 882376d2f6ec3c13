//! All terms of a chain so far, from the sealed headers at which they change.
//!
//! ```text
//! header h under terms(h), which are known ─▶ its next terms, by their hash ─▶ header h′ > h under those ─▶ …
//! ```
//!
//! A header at which the terms change is sealed under the terms before, so who knows those and sees that
//! header with its seal knows the next. Nothing between two changes need be read. This is how a light client,
//! a newcomer with a snapshot, and a pruned store follow the validators of a chain; the genesis parameters
//! hold the first.
//!
//! Guaranteed, if in each set of validators less than a third of the power is Byzantine: the terms are those
//! of the chain, since an honest validator judged every change (MW-R39, MW-R40) before it signed. Not
//! guaranteed: that no later change exists; nor anything against those who once were a quorum and sold their
//! keys since, which is what checkpoints are for.

use crate::{
    amount::Height,
    batch::verify_signatures,
    block::{Header, SealedHeader},
    chain::Chain,
    codec::fields,
    hash::Hash,
    schnorr::SignedMessage,
    terms::Terms,
};
use std::collections::BTreeMap;

/// A header at which the terms change, with its seal and the terms of the next height.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermsChange {
    /// The last header under the terms before.
    pub sealed: SealedHeader,
    /// The terms of the next height.
    pub terms: Terms,
}

fields!(TermsChange { sealed, terms });

/// A header does not continue the known headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the terms after height {height} do not follow from those that are known")]
pub struct HistoryError {
    /// The height of the header.
    pub height: Height,
}

/// The terms of all heights.
///
/// ```
/// use sotto_mw::{Height, history::History, testing::TestChain};
///
/// let ledger = TestChain::with_validators(1, 4);
/// let history = History::new(ledger.chain());
/// assert_eq!(history.at(Height::new(1)), ledger.chain().terms());
/// ```
#[derive(Clone, Debug)]
pub struct History {
    chain: Chain,
    /// Terms and their hash, by the first height at which they are in effect.
    from: BTreeMap<Height, (Terms, Hash)>,
    /// The first height under the terms after the last change.
    last: Height,
}

impl History {
    /// The history of a chain without changes.
    #[must_use]
    pub fn new(chain: &Chain) -> Self {
        let first = chain.params().first_terms();
        let from = [(Height::GENESIS, (first.clone(), first.hash()))].into();
        Self { chain: chain.under(&first), from, last: Height::GENESIS }
    }

    /// The chain.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Continues the history by the changes after the last that is known, in ascending order of heights.
    ///
    /// # Errors
    /// [`HistoryError`] for the first that is not above the last, is not sealed under the terms of its
    /// height, or does not state the next terms. Those before it are kept.
    pub fn extend(&mut self, changes: &[TermsChange]) -> Result<(), HistoryError> {
        changes.iter().try_for_each(|TermsChange { sealed, terms }| {
            let h = &sealed.header;
            let follows = self.last <= h.height && h.next_terms == terms.hash();
            if !follows || !self.holds(sealed) || self.chain.params().operator().is_some() {
                return Err(HistoryError { height: h.height });
            }
            self.append(h.height.next(), terms);
            Ok(())
        })
    }

    /// Continues the history by the terms from a height on, which the caller has judged, as a store has those of its
    /// own blocks. Heights ascend.
    pub fn append(&mut self, from: Height, terms: &Terms) {
        self.last = from;
        self.from.split_off(&from);
        // What these terms announce needs no further header.
        let later = [
            terms.announced_validators.as_ref().map(|next| next.from),
            terms.announced_limits.map(|next| next.from),
            terms.announced_rules.map(|next| next.from),
        ];
        for height in later.into_iter().flatten().filter(|height| *height > from).chain([from]) {
            let then = terms.clone().at(height);
            let hash = then.hash();
            self.from.insert(height, (then, hash));
        }
    }

    /// The terms of a height, if no change is missing.
    #[must_use]
    pub fn at(&self, height: Height) -> &Terms {
        self.known(height).map_or_else(|| self.chain.terms(), |(terms, _)| terms)
    }

    /// The first height under the terms after the last change that is known: what is missing begins there.
    #[must_use]
    pub const fn last_change(&self) -> Height {
        self.last
    }

    /// The terms that begin at a height from `first` to `last`, each with that height, in order.
    pub fn starts(&self, first: Height, last: Height) -> impl Iterator<Item = (Height, &Terms)> {
        let within = self.from.iter().filter(move |(from, _)| (first..=last).contains(*from));
        within.map(|(from, (terms, _))| (*from, terms))
    }

    fn known(&self, height: Height) -> Option<&(Terms, Hash)> {
        self.from.range(..=height).next_back().map(|(_, known)| known)
    }

    /// Whether a header states the terms of its height and of the next (MW-R39).
    #[must_use]
    pub fn states_terms(&self, h: &Header) -> bool {
        let states = |height, hash| self.known(height).is_some_and(|(_, known)| *known == hash);
        states(h.height, h.terms) && states(h.height.next(), h.next_terms)
    }

    /// Whether the terms of a header's height are the ones that it states, so that its seal can be judged.
    #[must_use]
    pub fn knows_terms(&self, h: &Header) -> bool {
        self.known(h.height).is_some_and(|(_, known)| *known == h.terms)
    }

    /// The seal of a header as signed messages, each of which must verify; `None` as [`SealedHeader::signed`].
    #[must_use]
    pub fn signed(&self, SealedHeader { header, seal }: &SealedHeader) -> Option<Vec<SignedMessage>> {
        let known = self.known(header.height).filter(|(_, hash)| *hash == header.terms);
        known.and_then(|(terms, _)| seal.signed(self.chain.id(), terms, header))
    }

    /// Whether a header is sealed under the terms of its height.
    #[must_use]
    pub fn holds(&self, sealed: &SealedHeader) -> bool {
        self.signed(sealed).is_some_and(|all| verify_signatures(&all).is_ok())
    }
}
