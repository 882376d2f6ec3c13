//! `docs/EMBEDDING.md` shows this program, and it pays.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::panic)]

#[path = "embedding/pay.rs"]
mod pay;

use crate::support::two;
use sotto_mw::amount::Amount;

#[test]
fn the_documented_program_pays() {
    let document = include_str!("../../docs/EMBEDDING.md");
    assert!(document.contains(include_str!("embedding/pay.rs")), "docs/EMBEDDING.md shows another program");
    let (mut ledger, mut a, mut b) = two();
    let amount = Amount::new(1_000_000);
    let payment = pay::pay(&mut a.wallet, &mut b.wallet, amount, &ledger, &mut a.rng).unwrap();
    ledger.seal(&a.wallet, &[payment]);
    b.scan(&ledger);
    assert_eq!(b.balance()[0], 1_000_000);
}
