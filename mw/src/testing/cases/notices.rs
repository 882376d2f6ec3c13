//! Cases of notices: what they record is signed, weighs and expires.

use super::shape::rest;
use crate::{
    amount::{Amount, Height},
    chain::NOTICE_WEIGHT,
    error::Rejection,
    hash::Hash,
    kernel::{KernelFeatures, Notice},
    testing::case::{Base, Broken, Case},
    transaction::Transaction,
};

const NOTICE: Notice = Notice { topic: 3, data: Hash::from_bytes([7; 32]) };

const fn notice(fee: Amount, not_after: u64) -> KernelFeatures {
    KernelFeatures::Notice { fee, not_after: Height::new(not_after), notice: NOTICE }
}

pub(super) fn all(base: &Base) -> Vec<Case> {
    [records(base), vec![window(base), fee(base)]].concat()
}

/// A relay cannot change what is recorded.
fn records(base: &Base) -> Vec<Case> {
    let Base { mut ledger, a, .. } = base.clone();
    let (fee, rest) = rest(&ledger, &[&a], 1, 2);
    let out = ledger.output(rest);
    let good = ledger.transaction(&[&a], &[&out], &[notice(fee, 20)]);
    let excess = good.body.kernels[0].excess.encoded();
    let altered = |edit: fn(&mut Notice)| -> Transaction {
        let mut bad = good.clone();
        if let KernelFeatures::Notice { notice, .. } = &mut bad.body.kernels[0].features {
            edit(notice);
        }
        bad
    };
    let case = |name, edit| {
        let because = Rejection::KernelSignature { excess };
        Broken::rule(name, because).transactions(&ledger, altered(edit), good.clone())
    };
    vec![
        case("a notice under another topic", |n| n.topic = 1),
        case("a notice of something else", |n| n.data = Hash::from_bytes([8; 32])),
    ]
}

fn window(base: &Base) -> Case {
    let Base { mut ledger, a, .. } = base.clone();
    let (fee, rest) = rest(&ledger, &[&a], 1, 2);
    let out = ledger.output(rest);
    let mut ending = |at| ledger.transaction(&[&a], &[&out], &[notice(fee, at)]);
    let because = Rejection::BadWindow { not_before: Height::GENESIS, not_after: Height::new(19) };
    let (bad, good) = (ending(19), ending(20));
    Broken::rule("a notice that ends off the grid", because).transactions(&base.ledger, bad, good)
}

/// A notice weighs more than a payment's kernel.
fn fee(base: &Base) -> Case {
    let Base { mut ledger, a, .. } = base.clone();
    let (plain, rest) = rest(&ledger, &[&a], 1, 1);
    let more = ledger.chain().least_fee(NOTICE_WEIGHT).unwrap_or_default();
    let more = more.checked_sub(ledger.least_fee(0, 0, 1)).unwrap_or_default();
    let least = plain.checked_add(more).unwrap_or_default();
    let cheap = ledger.output(rest);
    let bad = ledger.transaction(&[&a], &[&cheap], &[notice(plain, 20)]);
    let dear = ledger.output(rest - more.units());
    let good = ledger.transaction(&[&a], &[&dear], &[notice(least, 20)]);
    let because = Rejection::FeeTooLow { fee: plain, least };
    Broken::rule("a notice at the price of a payment", because).transactions(&base.ledger, bad, good)
}
