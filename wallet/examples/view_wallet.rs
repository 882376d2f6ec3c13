//! An auditor sees what an account receives, and cannot spend it.
//!
//! ```text
//! cargo run --release -p sotto-wallet --example view_wallet
//! ```
#![allow(clippy::print_stdout)]

use rand_core::OsRng;
use sotto_wallet::{Account, Installation, MemoryChain, MemoryStore, ViewKey, ViewWallet, Wallet, Words};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut chain = MemoryChain::solo(&mut OsRng)?;
    let words = Words::generate(&mut OsRng)?;
    let installation = Installation::in_memory([1; 32]);
    let owner = Wallet::create(MemoryStore::default(), chain.chain().clone(), words, installation)?;

    // The owner gives the view key away as text. Anyone who has it sees what the account receives, for ever.
    let text = owner.view_key(Account(0))?.to_text();
    println!("view key {}…", &text[..20]);

    // The auditor needs the key and a chain.
    let network = chain.chain().params().network;
    let key = ViewKey::parse(&text, network)?;
    let mut auditor = ViewWallet::create(MemoryStore::default(), chain.chain().clone(), key)?;

    chain.seal(&owner.coinbase_builder(Account(0))?, &[], &mut OsRng)?;
    chain.seal(&owner.coinbase_builder(Account(0))?, &[], &mut OsRng)?;
    auditor.scan(&chain, &mut |_, _| {})?;
    println!("received {} base units, {} of them unspent", auditor.received(), auditor.unspent());
    for output in auditor.outputs() {
        println!("  {}  {}", output.opening.amount, output.commitment);
    }
    assert_eq!(auditor.outputs().count(), 2);
    Ok(())
}
