//! Keeping a wallet: another passphrase, a backup, and the drill that shows what the backup is worth.

use super::WalletCommand;
use crate::{
    args,
    exit::{Failure, OrRefuse as _, Outcome},
    secret,
};
use serde_json::json;
use sotto_wallet::{
    edge::file::{Cost, WalletFile},
    wallet::{Backup, Loss},
};
use std::{fs, path::Path, time::SystemTime};

impl WalletCommand<'_> {
    pub(super) fn passphrase(&self, a: &args::WalletPassphrase) -> Outcome {
        let mut wallet = self.open()?;
        let new = secret::choose_new(a.new_passphrase_file.as_deref())?;
        let changed = wallet.store_mut().change_passphrase(new.as_bytes(), Cost::STANDARD);
        changed.or_refuse("the passphrase is as before")?;
        let name = &self.args.wallet;
        let human = format!("wallet `{name}` is under its new passphrase; backups keep the old one");
        self.context.output.record("passphrase-changed", json!({ "wallet": name }), &human)
    }

    pub(super) fn backup(&self, a: &args::WalletBackup) -> Outcome {
        let wallet = self.open()?;
        let file = a.file.display().to_string();
        if a.file.exists() {
            return Err(Failure::refused("no backup was made")
                .why(format!("there is something at {file}"))
                .help("Give another file: what is there is not overwritten."));
        }
        wallet.store().back_up(&a.file).or_refuse("no backup was made")?;
        let human = format!("{file} holds wallet `{}` as of height {}", self.args.wallet, wallet.tip());
        let fields = json!({ "wallet": self.args.wallet, "file": file, "height": wallet.tip().get() });
        self.context.output.record("backup", fields, &human)
    }

    pub(super) fn verify_backup(&self, a: &args::WalletVerifyBackup) -> Outcome {
        let passphrase = self.args.passphrase.get()?;
        let contents = WalletFile::read_backup(&a.file, passphrase.as_bytes());
        let contents = contents.or_refuse("the backup cannot be used")?;
        let backup = Backup::read(&contents).or_refuse("the backup cannot be used")?;
        let loss = match self.home.has_wallet(&self.args.wallet)? {
            false => None,
            true => {
                let wallet = self.home.open_wallet(&self.args.wallet, &passphrase)?;
                let loss = wallet.loss(&backup).ok_or_else(|| {
                    Failure::refused(format!("the backup is of another wallet than `{}`", self.args.wallet))
                        .why("its words or its chain differ")
                });
                Some(loss?)
            }
        };
        self.drill(&backup, loss, days_old(&a.file))
    }

    fn drill(&self, backup: &Backup, loss: Option<Loss>, days: Option<u64>) -> Outcome {
        let ([accounts, outputs, payments], height) = (backup.counts(), backup.tip().get());
        let lost =
            loss.map(|l| json!({ "blocks": l.blocks, "payments": l.payments, "accounts": l.accounts }));
        let fields = json!({
            "network": backup.network().to_string(), "height": height, "days": days, "accounts": accounts,
            "outputs": outputs, "payments": payments, "loss": lost,
        });
        let age = match days {
            None => String::new(),
            Some(0) => ", written today".into(),
            Some(d) => format!(", written {d} days ago"),
        };
        let holds = format!(
            "the backup opens: {} network, height {height}{age}; its words are complete\naccounts {accounts}, outputs {outputs}, payments {payments}\n",
            backup.network()
        );
        let lost = match loss {
            None => "There is no wallet here to hold it against.".to_owned(),
            Some(Loss { blocks, payments: 0, accounts: 0 }) => {
                format!(
                    "It is {blocks} blocks behind. Going back to it would lose nothing that a scan does not bring back."
                )
            }
            Some(l) => format!(
                "It is {} blocks behind. Going back to it would lose the memos, receipts and proofs of {} payments, and the names of {} accounts; no money.",
                l.blocks, l.payments, l.accounts
            ),
        };
        self.context.output.record("backup-verified", fields, &(holds + &lost))
    }
}

/// How long ago a file was written, where the system tells.
fn days_old(path: &Path) -> Option<u64> {
    let written = fs::metadata(path).and_then(|m| m.modified()).ok()?;
    SystemTime::now().duration_since(written).ok().map(|age| age.as_secs() / 86_400)
}
