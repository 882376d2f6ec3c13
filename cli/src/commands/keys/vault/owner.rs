//! `sotto keys vault encrypt`.

use super::super::{files::read_group, session::shown};
use super::show::box_fields;
use crate::{
    Context,
    args::VaultEncrypt,
    commands::mpc::job::read_public,
    evidence_files::read_policy,
    exit::{ErrorCode, Failure, OrRefuse as _, Outcome},
    new_file::{Existing, NewFile, Readers},
    output::merge,
};
use rand_core::OsRng;
use serde_json::json;
use sotto_keys::{
    Hash,
    armor::{self, Kind},
    vault::{BoxTerms, MAX_CONTENTS, VaultBox},
};
use sotto_tee::policy::UNATTESTED;
use std::{fs::File, io::Read as _, path::Path};
use zeroize::Zeroizing;

pub(super) fn encrypt(context: &Context, a: &VaultEncrypt) -> Outcome {
    let (group, owner) = (read_group(&a.group)?, read_public(&a.owner)?);
    let (policy, _) = read_policy(&a.policy)?;
    if policy.quorum.of > 1 {
        return Err(Failure::refused("no machine can satisfy this policy")
            .why(format!("it asks for {} different platforms, and a machine has one", policy.quorum.of))
            .help("leave [quorum] out of the policy of a box"));
    }
    let file = NewFile { path: &a.vault_box, readers: Readers::Anybody, existing: Existing::Never };
    file.check()?;
    let contents = contents(&a.file)?;
    let terms =
        BoxTerms { policy: Hash::from_bytes(policy.digest().0), owner: Hash::from_bytes(owner.digest()) };
    let vault_box = VaultBox::encrypt(group.epoch(), terms, &contents, &mut OsRng);
    let vault_box = vault_box.or_refuse("cannot encrypt this to the group")?;
    file.write_all(armor::to_text(Kind::Box, &vault_box.to_bytes()).as_bytes())?;
    if policy.allow_software {
        context.ui.warn(&format!("{UNATTESTED}: the policy accepts software, for which no hardware vouches"));
    }
    let draft = group.draft();
    let human = format!(
        "wrote {}\nbox      {}\nowner    {}\npolicy   {}\n{} of {} members open it, for a machine that this policy accepts.\nNo copy of the contents is kept: anyone with the original still has them. Unaudited.",
        shown(&a.vault_box),
        vault_box.name(),
        owner.fingerprint(),
        terms.policy,
        draft.threshold(),
        draft.members().len()
    );
    let fields = json!({ "file": shown(&a.vault_box), "group": draft.id().to_string() });
    context.output.record("keys-vault-box", merge(box_fields(&vault_box), fields), &human)
}

/// What is to be encrypted.
fn contents(path: &Path) -> Outcome<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_CONTENTS + 1));
    let most = MAX_CONTENTS as u64 + 1;
    let read = match path.to_str() {
        Some("-") => std::io::stdin().take(most).read_to_end(&mut bytes),
        _ => File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)),
    };
    read.map_err(|e| {
        let what = if path == Path::new("-") { "standard input".to_owned() } else { shown(path) };
        Failure::coded(ErrorCode::CannotRead, format!("cannot read {what}")).cause(&e)
    })?;
    if bytes.len() > MAX_CONTENTS {
        return Err(Failure::refused(format!("a box holds at most {MAX_CONTENTS} bytes"))
            .help("encrypt the data with a key of their own, and encrypt that key"));
    }
    Ok(bytes)
}
