//! The line to one relay: what is under way, what waits behind it, and what was joined.
//!
//! ```text
//!   waiting ── free? join all that waits ──▶ under way ── taken ──▶ free
//! ```
//!
//! Nothing ever waits in order to be joined: only while the line is busy with what went before. Waiting for company would
//! lengthen each hop, and with it every embargo.

use crate::Id;
use std::collections::BTreeSet;

/// A transaction on its way to a relay, and who brought it (`None`: this node's own wallet).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Whisper<T, P> {
    pub(crate) tx: T,
    pub(crate) from: Option<P>,
}

/// The line to one relay.
#[derive(Clone, Debug)]
pub(crate) struct Line<T, P> {
    under_way: Vec<Whisper<T, P>>,
    waiting: Vec<Whisper<T, P>>,
    joined: Vec<Vec<Whisper<T, P>>>,
}

impl<T: Id, P: Id> Line<T, P> {
    pub(crate) fn new() -> Self {
        Self { under_way: Vec::new(), waiting: Vec::new(), joined: Vec::new() }
    }

    /// Lets a transaction wait, once.
    pub(crate) fn push(&mut self, whisper: Whisper<T, P>) {
        if self.waiting.iter().all(|w| w.tx != whisper.tx) {
            self.waiting.push(whisper);
        }
    }

    /// What goes next, if the line is free: up to `most` of what waits, no two of which `clash`.
    pub(crate) fn depart(&mut self, most: usize, clash: impl Fn(&T, &T) -> bool) -> Vec<T> {
        if !self.under_way.is_empty() {
            return Vec::new();
        }
        let mut going: Vec<Whisper<T, P>> = Vec::new();
        self.waiting.retain(|w| {
            let goes = going.len() < most && !going.iter().any(|g| clash(&g.tx, &w.tx));
            if goes {
                going.push(w.clone());
            }
            !goes
        });
        if going.len() > 1 {
            self.joined.push(going.clone());
        }
        self.under_way = going;
        self.under_way.iter().map(|w| w.tx.clone()).collect()
    }

    /// The relay has what was under way.
    pub(crate) fn arrive(&mut self) {
        self.under_way.clear();
    }

    /// Forgets transactions, and takes apart what they were joined in: the others wait again.
    pub(crate) fn drop_all(&mut self, gone: &BTreeSet<T>) {
        self.waiting.retain(|w| !gone.contains(&w.tx));
        let is_broken = |j: &mut Vec<Whisper<T, P>>| j.iter().any(|w| gone.contains(&w.tx));
        let broken: Vec<_> = self.joined.extract_if(.., is_broken).flatten().collect();
        for rest in broken.into_iter().filter(|w| !gone.contains(&w.tx)) {
            self.push(rest);
        }
    }

    /// What the relay cannot have any more, when it is gone.
    pub(crate) fn close(self) -> Vec<Whisper<T, P>> {
        [self.under_way, self.waiting].concat()
    }

    /// Whether nothing has to be remembered.
    pub(crate) fn is_idle(&self) -> bool {
        self.under_way.is_empty() && self.waiting.is_empty() && self.joined.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(txs: &[u8]) -> Line<u8, u8> {
        let mut line = Line::new();
        txs.iter().for_each(|tx| line.push(Whisper { tx: *tx, from: None }));
        line
    }

    fn never(_: &u8, _: &u8) -> bool {
        false
    }

    #[test]
    fn only_what_waits_is_joined() {
        let mut l = line(&[1, 1]);
        assert_eq!(l.depart(8, never), [1]);
        for tx in [2, 3, 4] {
            l.push(Whisper { tx, from: Some(9) });
            assert_eq!(l.depart(8, never), [0; 0], "the line is busy");
        }
        l.arrive();
        assert_eq!(l.depart(2, never), [2, 3]);
        l.arrive();
        assert_eq!(l.depart(2, never), [4]);
    }

    #[test]
    fn what_clashes_goes_one_after_another() {
        let mut l = line(&[1, 3, 2]);
        let odd = |a: &u8, b: &u8| a % 2 == 1 && b % 2 == 1;
        assert_eq!(l.depart(8, odd), [1, 2]);
        l.arrive();
        assert_eq!(l.depart(8, odd), [3]);
    }

    #[test]
    fn a_joined_transaction_is_taken_apart_when_a_member_goes() {
        let mut l = line(&[1, 2, 3]);
        assert_eq!(l.depart(8, never), [1, 2, 3]);
        l.arrive();
        l.drop_all(&BTreeSet::from([2]));
        assert_eq!(l.depart(8, never), [1, 3]);
        l.arrive();
        l.drop_all(&BTreeSet::from([1, 3]));
        assert_eq!(l.depart(8, never), [0; 0]);
        assert!(l.is_idle());
    }

    #[test]
    fn a_closed_line_gives_back_what_was_not_taken() {
        let mut l = line(&[1]);
        l.depart(8, never);
        l.arrive();
        l.push(Whisper { tx: 2, from: None });
        l.depart(8, never);
        l.push(Whisper { tx: 3, from: None });
        assert_eq!(l.close().iter().map(|w| w.tx).collect::<Vec<_>>(), [2, 3]);
    }
}
