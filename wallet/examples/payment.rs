//! Two wallets pay each other in memory: one payment that the payer begins, and one that the receiver begins.
//!
//! ```text
//! cargo run --release -p sotto-wallet --example payment
//! ```
#![allow(clippy::print_stdout)]

use rand_core::OsRng;
use sotto_mw::amount::Amount;
use sotto_wallet::{
    Account, Decision, Installation, InvoiceRequest, Memo, MemoryChain, MemoryStore, Payee, PaymentRequest,
    Recipient, Wallet, Words, scan::UnspentInputs,
};
use std::error::Error;

type MemoryWallet = Wallet<MemoryStore>;

const ACCOUNT: Account = Account(0);

fn main() -> Result<(), Box<dyn Error>> {
    let mut chain = MemoryChain::solo(&mut OsRng)?;
    let (mut alice, mut bob) = (new_wallet(&chain, 1)?, new_wallet(&chain, 2)?);

    // Alice seals blocks, so she owns their rewards. A reward can be spent when it has matured.
    let miner = alice.coinbase_builder(ACCOUNT)?;
    for _ in 0..4 {
        chain.seal(&miner, &[], &mut OsRng)?;
    }
    show("the first rewards have matured", &chain, &mut alice, &mut bob)?;

    // The payer begins: invite, respond, finalize.
    let memo = Memo::new("for the roof".to_owned()).ok_or("invalid memo")?;
    let recipient = Recipient::Interactive(bob.address(ACCOUNT)?);
    let payee = Payee { amount: Amount::new(5_000_000), recipient, memo };
    let plan = alice.plan(PaymentRequest::new(ACCOUNT, vec![payee]))?;
    println!("Alice pays {} with a fee of {}: {}.", plan.amount(), plan.fee(), plan.linkage());
    let invites = alice.invite(plan.confirm(|_| Decision::Yes).ok_or("declined")?, &mut OsRng)?;
    for invite in &invites {
        let response = bob.respond(ACCOUNT, invite, &mut OsRng)?;
        if let Some(payment) = alice.finalize(&response, &mut OsRng)? {
            chain.seal(&miner, &[payment], &mut OsRng)?;
        }
    }
    show("the payment is confirmed", &chain, &mut alice, &mut bob)?;

    // The receiver begins: invoice, pay, collect.
    let memo = Memo::new("two tiles came back".to_owned()).ok_or("invalid memo")?;
    let payer = Some(bob.address(ACCOUNT)?);
    let request =
        InvoiceRequest { amount: Amount::new(1_000_000), payer, inputs: InvoiceRequest::INPUTS, memo };
    let invoice = alice.create_invoice(ACCOUNT, request, &mut OsRng)?;
    let plan = bob.plan_invoice(ACCOUNT, &invoice)?.confirm(|_| Decision::Yes).ok_or("declined")?;
    let payment = bob.pay_invoice(plan, &mut OsRng)?;
    let transaction = alice.collect(&payment, &UnspentInputs::look_up(&chain, &payment)?)?;
    chain.seal(&miner, &[transaction], &mut OsRng)?;
    show("the invoice is paid", &chain, &mut alice, &mut bob)
}

fn new_wallet(chain: &MemoryChain, key: u8) -> Result<MemoryWallet, Box<dyn Error>> {
    let (words, installation) = (Words::generate(&mut OsRng)?, Installation::in_memory([key; 32]));
    Ok(Wallet::create(MemoryStore::default(), chain.chain().clone(), words, installation)?)
}

fn show(
    what: &str,
    chain: &MemoryChain,
    alice: &mut MemoryWallet,
    bob: &mut MemoryWallet,
) -> Result<(), Box<dyn Error>> {
    println!("height {}: {what}", chain.height());
    for (name, wallet) in [("Alice", alice), ("Bob", bob)] {
        wallet.scan(chain, &mut |_, _| {})?;
        let balance = wallet.balance(None);
        println!(
            "  {name:5} spendable {:>14}  immature {:>14}",
            balance.spendable.units(),
            balance.immature.units()
        );
    }
    Ok(())
}
