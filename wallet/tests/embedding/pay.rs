use rand_core::{CryptoRng, RngCore};
use sotto_mw::{amount::Amount, rules::Verified, transaction::Transaction};
use sotto_wallet::{Account, ChainSource, Decision, Memo, Payee, PaymentRequest, Recipient, Store, Wallet};
use std::error::Error;

/// Alice pays Bob. In practice the invite and the response travel by chat or mail.
pub fn pay<S: Store, C: ChainSource>(
    alice: &mut Wallet<S>,
    bob: &mut Wallet<S>,
    amount: Amount,
    chain: &C,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Verified<Transaction>, Box<dyn Error>> {
    alice.scan(chain, &mut |_, _| {})?;
    let (account, recipient) = (Account(0), Recipient::Interactive(bob.address(Account(0))?));
    let memo = Memo::new("for the roof".to_owned()).ok_or("invalid memo")?;
    let plan = alice.plan(PaymentRequest::new(account, vec![Payee { amount, recipient, memo }]))?;
    // Here a person sees the inputs, the fee, the change and what becomes public, and decides.
    let plan = plan.confirm(|plan| if plan.fee() < plan.amount() { Decision::Yes } else { Decision::No });
    let invites = alice.invite(plan.ok_or("declined: the fee exceeds the amount")?, rng)?;
    let response = bob.respond(account, invites.first().ok_or("no invite")?, rng)?;
    Ok(alice.finalize(&response, rng)?.ok_or("another payee has not responded")?)
}
