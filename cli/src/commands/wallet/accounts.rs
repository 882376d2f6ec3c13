//! `sotto wallet account`: list and create accounts.

use super::WalletCommand;
use crate::{
    args::WalletAccount,
    exit::{OrRefuse as _, Outcome},
};
use serde_json::json;
use sotto_wallet::{Wallet, edge::file::WalletFile, keys::Account};

impl WalletCommand<'_> {
    pub(super) fn accounts(&self, verb: &WalletAccount) -> Outcome {
        match verb {
            WalletAccount::List(_) => {
                let (wallet, ..) = self.open_fresh()?;
                (0..wallet.accounts()).try_for_each(|a| self.show_account(&wallet, Account(a)))
            }
            WalletAccount::Create(a) => {
                let mut wallet = self.open()?;
                let account = wallet.add_account(&a.name).or_refuse("cannot create the account")?;
                self.show_account(&wallet, account)
            }
        }
    }

    fn show_account(&self, wallet: &Wallet<WalletFile>, a: Account) -> Outcome {
        let (b, name) = (wallet.balance(Some(a)), wallet.account_name(a));
        let address = wallet.address(a).or_refuse("cannot derive the address of the account")?;
        let fields = json!({
            "account": a.0, "name": name, "address": address.to_string(),
            "spendable": b.spendable.to_string(), "total": b.total().to_string(),
        });
        let (spendable, total) = (b.spendable.units(), b.total().units());
        let human = format!("{a:>4}  {name:32}  spendable {spendable:>20}  total {total:>20}");
        self.context.output.record("account", fields, &human)
    }
}
