use rand_core::{CryptoRng, RngCore};
use sotto_mw::{amount::Amount, rules::Verified, transaction::Transaction};
use sotto_wallet::{
    keys::Account,
    scan::ChainSource,
    select::{Decision, Payee, Request},
    slate::Memo,
    store::Store,
    wallet::Wallet,
};
use std::error::Error;

/// Alice pays Bob: three steps, of which in life the two in the middle travel by chat or mail.
pub fn pay<S: Store, C: ChainSource>(
    (alice, bob): (&mut Wallet<S>, &mut Wallet<S>),
    (amount, memo): (Amount, &str),
    chain: &C,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Verified<Transaction>, Box<dyn Error>> {
    alice.scan(chain, &mut |_, _| {})?;
    let (account, recipient) = (Account(0), Some(bob.address(Account(0))?));
    let memo = Memo::new(memo.to_owned()).ok_or("this memo cannot be sent")?;
    let plan = alice.plan(Request { account, payees: vec![Payee { amount, recipient, memo }] })?;
    // Here a person sees inputs, fee, change and what becomes public, and decides.
    let plan = plan.confirm(|plan| if plan.fee() < plan.amount() { Decision::Yes } else { Decision::No });
    let invites = alice.invite(plan.ok_or("too dear")?, rng)?;
    let response = bob.respond(account, invites.first().ok_or("one for each payee")?, rng)?;
    Ok(alice.finalize(&response, rng)?.ok_or("there is nobody else to answer")?)
}
