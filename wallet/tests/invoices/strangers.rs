//! Payments that are refused before they close an invoice: of strangers, and what the next block cannot take.

use super::{refusal, shifted, tamper};
use crate::support::{Ledger, two};
use sotto_mw::amount::Height;
use sotto_wallet::{
    keys::Account,
    scan::{ChainSource, UnspentInputs},
    slate::{InvoiceRequest, Payment, SlateError},
};

/// Someone who has seen an invoice answers it before the payer does. What they answer with is sound, but they
/// are not the payer that it names, or own nothing on this chain.
#[test]
fn a_stranger_does_not_use_up_an_invoice() {
    let (mut ledger, mut a, mut b) = two();
    ledger.grow(&a.wallet, 2);
    a.scan(&ledger);
    let chain = *ledger.chain.id();
    // The same chain, on which the stranger was given rewards that the receiver's chain does not have.
    let mut elsewhere = Ledger::new();
    let mut stranger = elsewhere.wallet(66);
    assert_eq!(*elsewhere.chain.id(), chain);
    elsewhere.grow(&stranger.wallet, 3);
    stranger.scan(&elsewhere);

    let ask = InvoiceRequest { payer: None, ..b.asking(1_000, &a) };
    let open = b.wallet.create_invoice(Account(0), ask, &mut b.rng).unwrap();
    let invented = stranger.pay_invoice(&open).unwrap();
    let input = SlateError::PayerInput { output: invented.inputs[0].encoded(), next: Height::new(6) };
    assert_eq!(refusal(b.collect(&ledger, &invented)), input);
    // Its inputs are not shown by what the chain says of another payment's inputs either.
    let paid = a.pay_invoice(&open).unwrap();
    let of_paid = UnspentInputs::look_up(&ledger, &paid).unwrap();
    assert_eq!(refusal(b.wallet.collect(&invented, &of_paid)), input);
    let signed = tamper(&paid, |p| p.signature = Some(shifted(open.receipt)));
    assert_eq!(refusal(b.collect(&ledger, &signed)), SlateError::PayerSignature);
    assert!(b.collect(&ledger, &paid).is_ok());

    let named = b.ask(2_000, &a);
    let paid = a.pay_invoice(&named).unwrap();
    let forged: [fn(&mut Payment); 2] =
        [|p| p.signature = None, |p| p.signature = Some(shifted(p.signature.unwrap()))];
    for forge in forged {
        assert_eq!(refusal(b.collect(&ledger, &tamper(&paid, forge))), SlateError::PayerSignature);
    }
    assert!(b.collect(&ledger, &paid).is_ok());
}

/// Nor with change that the chain has already: no block takes it twice.
#[test]
fn change_that_exists_does_not_use_up_an_invoice() {
    let (mut ledger, mut a, mut b) = two();
    ledger.grow(&a.wallet, 1);
    let first = b.ask(1_000, &a);
    let paid = a.pay_invoice(&first).unwrap();
    let done = b.collect(&ledger, &paid).unwrap();
    ledger.seal(&a.wallet, &[done]);
    a.scan(&ledger);
    let ask = InvoiceRequest { payer: None, ..b.asking(1_000, &a) };
    let open = b.wallet.create_invoice(Account(0), ask, &mut b.rng).unwrap();
    let honest = a.pay_invoice(&open).unwrap();
    let repeated = Payment { change: paid.change.clone(), ..honest.clone() };
    assert_eq!(refusal(b.collect(&ledger, &repeated)), SlateError::PayerRepeats);
    // What the chain says of another payment does not count.
    let of_honest = UnspentInputs::look_up(&ledger, &honest).unwrap();
    assert_eq!(refusal(b.wallet.collect(&repeated, &of_honest)), SlateError::PayerRepeats);
    assert!(b.collect(&ledger, &honest).is_ok());
}

/// Nor with a kernel that the chain has already (R29).
#[test]
fn a_kernel_that_exists_does_not_use_up_an_invoice() {
    let (mut ledger, mut a, mut b) = two();
    for _ in 0..2 {
        let payment = a.pay_away(vec![b.payee_away(5_000_000)]);
        ledger.seal(&a.wallet, &[payment]);
        a.scan(&ledger);
    }
    b.scan(&ledger);
    let ask = InvoiceRequest { payer: None, ..a.asking(1_000_000, &b) };
    let [first, second] =
        [(); 2].map(|()| a.wallet.create_invoice(Account(0), ask.clone(), &mut a.rng).unwrap());
    let [paid, honest] = [&first, &second].map(|invoice| b.pay_invoice(invoice).unwrap());
    let done = a.collect(&ledger, &paid).unwrap();
    ledger.seal(&a.wallet, &[done]);
    a.scan(&ledger);
    let repeated = tamper(&honest, |p| {
        p.bonded.as_mut().unwrap().kernel = paid.bonded.as_ref().unwrap().kernel.clone();
    });
    assert_eq!(refusal(a.collect(&ledger, &repeated)), SlateError::PayerRepeats);
    assert!(a.collect(&ledger, &honest).is_ok());
}

/// A reward that the next block cannot spend is refused as an input of a payment.
#[test]
fn an_immature_input_is_refused_until_it_matures() {
    let (mut ledger, mut a, mut b) = two();
    let invoice = b.ask(1_000, &a);
    let payment = a.pay_invoice(&invoice).unwrap();
    let spent = *payment.inputs.first().unwrap();
    ledger.undo();
    assert!(ledger.unspent_output(&spent).unwrap().is_some(), "it is there, and too young");
    let input = SlateError::PayerInput { output: spent.encoded(), next: Height::new(3) };
    assert_eq!(refusal(b.collect(&ledger, &payment)), input);
    ledger.grow(&a.wallet, 1);
    assert!(b.collect(&ledger, &payment).is_ok());
}
