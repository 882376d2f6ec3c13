//! Two wallets on one ledger: pay, pay on, restore, cancel, expire, reorganise.
#![allow(missing_docs)]

mod support;

use mw::amount::Amount;
use support::{Person, two};

const REWARD: u64 = 6_000_000_000;

#[test]
fn pay_and_pay_on() {
    let (mut ledger, mut a, mut b) = two();
    assert_eq!(a.balance(), [REWARD, 2 * REWARD, 0, 0, 0]);
    let t = a.pay(1_000, &mut b);
    let fee = t.get().body.fees().unwrap().units();
    assert_eq!(fee, (1 + 2 * 22 + 8) * 1_000);
    // The reward is locked, the change is on its way and counts nowhere else; the receiver has a promise.
    assert_eq!(a.balance(), [0, 2 * REWARD, 0, REWARD, REWARD - 1_000 - fee]);
    assert_eq!(b.balance(), [0, 0, 1_000, 0, 0]);
    ledger.seal(&a.wallet, &[t]);
    let (ra, rb) = (a.scan(&ledger), b.scan(&ledger));
    assert_eq!((ra.gone, ra.found, rb.found, rb.found_amount), (1, 2, 1, Amount::new(1_000)));
    assert_eq!(b.balance(), [1_000, 0, 0, 0, 0]);
    // Too little to pay a fee with: pay again, more, and let the receiver pay on.
    let t = a.pay(5_000_000, &mut b);
    ledger.seal(&a.wallet, &[t]);
    a.scan(&ledger);
    b.scan(&ledger);
    let mut c = ledger.wallet(30);
    let t = b.pay(2_000_000, &mut c);
    ledger.seal(&a.wallet, &[t]);
    for p in [&mut a, &mut b, &mut c] {
        p.scan(&ledger);
    }
    assert_eq!(c.balance(), [2_000_000, 0, 0, 0, 0]);
    assert_eq!(b.balance()[0], 5_001_000 - 2_000_000 - (1 + 2 * 22 + 8) * 1_000);
    // Everything that was ever made is somewhere.
    let total: u64 = [&a, &b, &c].iter().map(|p| p.wallet.balance(None).total().units()).sum();
    assert_eq!(total, REWARD * ledger.height().get());
}

#[test]
fn words_alone_find_everything() {
    let (mut ledger, mut a, mut b) = two();
    let t = a.pay(7_000_000, &mut b);
    ledger.seal(&a.wallet, &[t]);
    b.scan(&ledger);
    let t = b.pay(1_000_000, &mut a);
    ledger.seal(&a.wallet, &[t]);
    a.scan(&ledger);
    b.scan(&ledger);
    for person in [&a, &b] {
        let words = wallet::keys::Words::parse(&person.wallet.words().phrase()).unwrap();
        let mut again = Person::from_words(ledger.chain.clone(), words.clone(), 5);
        again.wallet.restore(&ledger, &mut |_| {}).unwrap();
        assert_eq!(again.balance(), person.balance());
        let mut twin = Person::from_words(ledger.chain.clone(), words, 6);
        twin.wallet.restore(&ledger, &mut |_| {}).unwrap();
        assert_eq!(
            wallet::store::Store::load(&again.wallet.store().kept).unwrap(),
            wallet::store::Store::load(&twin.wallet.store().kept).unwrap()
        );
        // What was found can be spent.
        let mut c = ledger.wallet(30);
        let t = again.pay(1_000, &mut c);
        ledger.seal(&a.wallet, &[t]);
        ledger.undo();
    }
}
