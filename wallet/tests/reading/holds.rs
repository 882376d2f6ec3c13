//! Auditors read what a hold contains: the output that two parties own, from the block of its funding.

use super::*;
use sotto_wallet::{Memo, coin_selection::HoldRequest, hold::Schedule};

/// Opens and funds a hold of this amount; returns what its output contains, and the output.
fn funded(w: &mut World, amount: u64) -> (Amount, OutputPlace) {
    let mut seller = w.ledger.wallet(20);
    let request = HoldRequest {
        account: Account(0),
        seller: seller.address(),
        amount: Amount::new(amount),
        start_fee: Amount::ZERO,
        schedule: Schedule { blocks: 10, rungs: 2, confirmations: 2 },
        memo: Memo::default(),
    };
    w.alice.scan(&w.ledger);
    seller.scan(&w.ledger);
    let plan = w.alice.wallet.plan_hold(request).unwrap().confirm(|_| Decision::Yes).unwrap();
    let offer = w.alice.wallet.holds().open(plan, &mut w.alice.rng).unwrap();
    let join = seller.wallet.holds().join(&offer, &mut seller.rng).unwrap();
    let prove = w.alice.wallet.holds().prove(&join, &mut w.alice.rng).unwrap();
    let part = seller.wallet.holds().part(&prove).unwrap();
    let funding = w.alice.wallet.holds().fund(&part, &mut w.alice.rng).unwrap();
    w.ledger.seal(&w.alice.wallet, std::slice::from_ref(&funding));
    w.alice.scan(&w.ledger);
    // The output of the hold is the one that is not a record of the payer's.
    let own: Vec<_> = w.alice.wallet.outputs().map(|o| o.commitment).collect();
    let mut outputs = funding.get().body.outputs.iter().map(|o| o.commitment.encoded());
    let output = outputs.find(|c| !own.contains(c)).unwrap();
    (offer.terms.held(), OutputPlace { height: w.ledger.height(), output })
}

/// Amounts of one half and of two: 5 SOT are above 2³² units.
#[test]
fn auditors_read_what_a_hold_contains() {
    for amount in [700_000_000, 5_000_000_000] {
        let mut w = World::new();
        let (held, place) = funded(&mut w, amount);
        let matter = Matter { outputs: vec![place], ..w.matter(&[1]) };
        let request = ReadRequest::new(&w.charter, matter, w.reader.public(), &mut rng(1)).unwrap();
        let mut letter = RequestLetter::from(request);
        for authority in &w.authorities {
            letter.allow(w.ledger.chain.id(), &w.charter, authority).unwrap();
        }
        let letter = w.notice(letter);
        w.ledger.grow(&w.alice.wallet, 2);
        let answers = [0, 2].map(|i| w.answer(i, &letter, &w.empty()).unwrap().1);
        assert_eq!(w.read(&letter, &answers).unwrap(), [held]);
        assert!(w.read(&letter, &answers[..1]).is_err(), "one of two");
    }
}
