//! Selling and buying a result: what brings a run, a wallet and a ledger together.
//!
//! ```text
//! mpc run --wallet   payee     its rows leave once the buyer's money is in a hold; it claims with the secret of the run's lock
//! mpc buy            buyer     puts the money aside, collects, releases, and opens the outputs once a claim is in a block
//! ```
//!
//! `deal` says what is agreed, `round` opens the wallet for a moment whenever something is new, `payee` and `buyer` do what
//! there is to do by then, and `buy` is the verb. The decisions are [`sotto_jobs::sale`]'s, the money is
//! [`sotto_wallet::hold`]'s.

mod buy;
mod buyer;
mod deal;
mod payee;
mod round;

use self::{
    deal::{Deal, open_kept, terms_of_payee},
    payee::Selling,
    round::Purse,
};
use crate::{
    Context, args,
    commands::mpc::{
        Trading,
        job::open_home,
        run::{Part, WithMoney},
        sale::Offers,
    },
    exit::{Failure, OrRefuse as _, Outcome},
    memory,
};
use sotto_wallet::{Account, Address, Wallet, edge::file::WalletFile};
use std::sync::{Mutex, PoisonError};

/// Carries out a part in which money moves.
pub(crate) fn run(context: &Context, trading: Trading<'_>) -> Outcome {
    memory::protect(&context.ui);
    match trading {
        Trading::Sell(a) => sell(context, a),
        Trading::Buy(a) => buy::run(context, a),
    }
}

fn sell(context: &Context, a: &args::MpcRun) -> Outcome {
    let part = Part::load(context, &a.part)?;
    let (job, us) = (part.agreement.job(), part.us);
    if job.sale.as_ref().is_none_or(|sale| sale.payee(us).is_none()) {
        return Err(
            Failure::refused(format!("{} is not paid in this job", job.party(us).name)).help("omit --wallet")
        );
    }
    let deal = Deal::new(job, us, &part.identity)?;
    let offers = Offers::beside(&a.part.job, job)?;
    let offer = offers.of(job, us).ok_or_else(|| {
        Failure::refused("your offer is not beside the job").help("put the file that the job names there")
    })?;
    let home = open_home(&part.home).or_refuse("cannot use the folder of this party")?;
    let terms = terms_of_payee(&home, offer)?;
    drop(home);
    let wallet = a.wallet.wallet.clone().unwrap_or_default();
    let choice = args::WalletChoice { wallet, passphrase: a.wallet.passphrase.clone() };
    let purse = Purse::open(context, &choice, &a.wallet.node)?;
    let (price, _) = purse.with(Vec::new(), |table| {
        let price = deal.price(us, &terms, table.chain.chain())?;
        if owns(&table.wallet, &price.address) { Ok(price) } else { Err(not_ours(&choice.wallet)) }
    })?;
    let kept = open_kept(&part.folder(a.run))?;
    let selling = Selling {
        deal,
        price,
        purse,
        kept: Mutex::new(kept),
        passed_on: Mutex::default(),
        paid: Mutex::default(),
    };
    let record = || selling.paid.lock().unwrap_or_else(PoisonError::into_inner).clone();
    part.carry_out(context, a, Some(WithMoney { trade: &selling, opened: None, record: &record }))
}

/// Whether an address is one of this wallet.
fn owns(wallet: &Wallet<WalletFile>, address: &Address) -> bool {
    let is_it = |account| {
        [wallet.address(account), wallet.interactive_address(account)]
            .iter()
            .any(|own| own.as_ref().is_ok_and(|own| own == address))
    };
    (0..wallet.accounts()).map(Account).any(is_it)
}

fn not_ours(wallet: &str) -> Failure {
    Failure::refused(format!("the address in your offer is not one of wallet `{wallet}`"))
        .help("pass --wallet with the wallet that made the address; nothing was sent")
}
