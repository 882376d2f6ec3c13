//! `sotto wallet passphrase`, `backup` and `verify-backup`.

use super::command::WalletCommand;
use crate::{
    args,
    exit::{Failure, OrRefuse as _, Outcome},
    new_file::{Existing, NewFile, Readers},
    secret,
};
use serde_json::json;
use sotto_wallet::{
    backup::{Backup, BackupLoss},
    edge::file::{KdfCost, WalletFile},
    store::StoreError,
};
use std::{fs, path::Path, time::SystemTime};

pub(crate) fn passphrase(command: &WalletCommand<'_>, a: &args::WalletPassphrase) -> Outcome {
    let mut wallet = command.open()?;
    let new = secret::choose_new(a.new_passphrase_file.as_deref())?;
    let changed = wallet.store_mut().change_passphrase(new.as_bytes(), KdfCost::STANDARD);
    changed.or_refuse("cannot change the passphrase")?;
    let name = &command.args.wallet;
    let human = format!("changed the passphrase of wallet `{name}`; existing backups keep the old one");
    command.context.output.record("passphrase-changed", json!({ "wallet": name }), &human)
}

pub(crate) fn backup(command: &WalletCommand<'_>, a: &args::WalletBackup) -> Outcome {
    let new = NewFile { path: &a.file, readers: Readers::Owner, existing: Existing::Never };
    new.check()?;
    let wallet = command.open()?;
    let file = a.file.display().to_string();
    new.write_all(&wallet.store().backup().or_refuse("cannot make the backup")?)?;
    let human = format!("backed up wallet `{}` at height {} to {file}", command.args.wallet, wallet.tip());
    let fields = json!({ "wallet": command.args.wallet, "file": file, "height": wallet.tip().get() });
    command.context.output.record("backup", fields, &human)
}

pub(crate) fn verify_backup(command: &WalletCommand<'_>, a: &args::WalletVerifyBackup) -> Outcome {
    let is_right = |passphrase: &str| {
        !matches!(WalletFile::read_backup(&a.file, passphrase.as_bytes()), Err(StoreError::Passphrase))
    };
    let passphrase =
        command.args.passphrase.existing(&format!("the backup {}", a.file.display()), is_right)?;
    let contents = WalletFile::read_backup(&a.file, passphrase.as_bytes());
    let contents = contents.or_refuse("cannot use the backup")?;
    let backup = Backup::read(&contents).or_refuse("cannot use the backup")?;
    let loss = match command.home.has_wallet(&command.args.wallet)? {
        false => None,
        true => {
            let wallet = command.home.open_wallet(&command.args.wallet, &passphrase)?;
            let loss = wallet.loss(&backup).ok_or_else(|| {
                Failure::refused(format!(
                    "the backup belongs to another wallet than `{}`",
                    command.args.wallet
                ))
                .why("its seed words or its chain are different")
            });
            Some(loss?)
        }
    };
    compare(command, &backup, loss, days_old(&a.file))
}

fn compare(
    command: &WalletCommand<'_>,
    backup: &Backup,
    loss: Option<BackupLoss>,
    days: Option<u64>,
) -> Outcome {
    let (accounts, outputs, payments) = (backup.accounts(), backup.outputs(), backup.payments());
    let height = backup.tip().get();
    let lost = loss.map(|l| json!({ "blocks": l.blocks, "payments": l.payments, "accounts": l.accounts }));
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
        "the backup can be decrypted: {} network, height {height}{age}; it contains the seed words\naccounts {accounts}, outputs {outputs}, payments {payments}\n",
        backup.network()
    );
    let lost = match loss {
        None => "There is no wallet here to compare it with.".to_owned(),
        Some(BackupLoss { blocks, payments: 0, accounts: 0 }) => {
            format!(
                "It is {blocks} blocks behind. Restoring it would lose nothing that a scan does not find again."
            )
        }
        Some(l) => format!(
            "It is {} blocks behind. Restoring it would lose the memos, receipts and proofs of {} payments and the names of {} accounts, but no money.",
            l.blocks, l.payments, l.accounts
        ),
    };
    command.context.output.record("backup-verified", fields, &(holds + &lost))
}

/// The age of a file in days, if the system knows it.
fn days_old(path: &Path) -> Option<u64> {
    let written = fs::metadata(path).and_then(|m| m.modified()).ok()?;
    SystemTime::now().duration_since(written).ok().map(|age| age.as_secs() / 86_400)
}
