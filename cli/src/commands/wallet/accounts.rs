//! `sotto wallet account`: list and create accounts.

use super::command::WalletCommand;
use crate::{
    args::WalletAccount,
    exit::{OrRefuse as _, Outcome},
};
use serde_json::json;
use sotto_wallet::{Wallet, edge::file::WalletFile, keys::Account};

pub(crate) fn accounts(command: &WalletCommand<'_>, verb: &WalletAccount) -> Outcome {
    match verb {
        WalletAccount::List(_) => {
            let (wallet, ..) = command.open_fresh()?;
            (0..wallet.accounts()).try_for_each(|a| show_account(command, &wallet, Account(a)))
        }
        WalletAccount::Create(a) => {
            let mut wallet = command.open()?;
            let account = wallet.add_account(&a.name).or_refuse("cannot create the account")?;
            show_account(command, &wallet, account)
        }
    }
}

fn show_account(command: &WalletCommand<'_>, wallet: &Wallet<WalletFile>, a: Account) -> Outcome {
    let (b, name) = (wallet.balance(Some(a)), wallet.account_name(a));
    let address = wallet.address(a).or_refuse("cannot derive the address of the account")?;
    let fields = json!({
        "account": a.0, "name": name, "address": address.to_string(),
        "spendable": b.spendable.to_string(), "total": b.total().to_string(),
    });
    let unit = wallet.chain().unit();
    let (spendable, total) = (unit.show(b.spendable), unit.show(b.total()));
    let human = format!("{a:>4}  {name:32}  spendable {spendable:>24}  total {total:>24}");
    command.context.output.record("account", fields, &human)
}
