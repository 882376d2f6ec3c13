//! A wallet is lost, and 24 words restore its outputs from the chain: first the words, then the scan.
//!
//! ```text
//! cargo run --release -p sotto-wallet --example restore
//! ```
#![allow(clippy::print_stdout)]

use rand_core::OsRng;
use sotto_mw::amount::Height;
use sotto_wallet::{Account, Installation, MemoryChain, MemoryStore, Wallet, Words};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut chain = MemoryChain::solo(&mut OsRng)?;
    let create = |chain: &MemoryChain, words, key| {
        Wallet::create(
            MemoryStore::default(),
            chain.chain().clone(),
            words,
            Installation::in_memory([key; 32]),
        )
    };

    // A wallet with two accounts, each of which receives rewards.
    let mut wallet = create(&chain, Words::generate(&mut OsRng)?, 1)?;
    let savings = wallet.add_account("savings")?;
    for account in [Account(0), savings, savings] {
        chain.seal(&wallet.coinbase_builder(account)?, &[], &mut OsRng)?;
    }
    wallet.scan(&chain, &mut |_, _| {})?;
    let before = wallet.balance(None);
    let written_down = wallet.words().phrase();
    drop(wallet);

    // Only the words are left.
    let mut restored = create(&chain, Words::parse(&written_down)?, 2)?;
    let report =
        restored.restore(Height::GENESIS, &chain, &mut |done, of| println!("scanned {done} of {of}"))?;
    println!("found {} outputs with {} base units", report.found, report.found_amount);
    println!(
        "{} accounts; the name of the second is lost: `{}`",
        restored.accounts(),
        restored.account_name(savings)
    );
    assert_eq!(restored.balance(None), before);
    Ok(())
}
