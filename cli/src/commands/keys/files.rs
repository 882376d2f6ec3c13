//! The files of a group: draft, group, share. And `sotto keys new` and `backup`, which only write them.

use super::super::mpc::job::read_public;
use crate::{
    Context,
    args::{KeysBackup, KeysMember, KeysNew, KeysPurpose},
    bridge::read_text,
    exit::{Code, ErrorCode, Failure, OrRefuse as _, Outcome},
    new_file::{Existing, NewFile, Readers},
};
use rand_core::OsRng;
use serde_json::json;
use sotto_keys::{
    Draft, Epoch, Group, Hash, Index, Letter, Purpose, Share, Shares,
    armor::{self, Kind, MAX_TEXT},
    edge::files::{Readers as Kept, read, replace},
    passphrase::KdfCost,
    share_file::{self, MAX_SHARE_FILE, ShareFileError, ShareHeader},
};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Everything of some kinds that a file holds.
pub(super) fn read_armor(path: &Path) -> Outcome<Vec<(Kind, Vec<u8>)>> {
    let text = read_text(path, MAX_TEXT as u64)?;
    armor::from_text(&text).or_refuse(format!("cannot read {}", path.display()))
}

/// The one thing of this kind that a file holds.
fn read_one(path: &Path, kind: Kind) -> Outcome<Vec<u8>> {
    let found = read_armor(path)?.into_iter().find(|(found, _)| *found == kind);
    found.map(|(_, bytes)| bytes).ok_or_else(|| {
        let kind = kind.name().to_lowercase();
        Failure::refused(format!("{} holds no {kind} of `sotto keys`", path.display()))
    })
}

pub(super) fn read_draft(path: &Path) -> Outcome<Draft> {
    let bytes = read_one(path, Kind::Draft)?;
    Draft::from_bytes(&bytes).or_refuse(format!("{} is not a draft", path.display()))
}

pub(crate) fn read_group(path: &Path) -> Outcome<Group> {
    let bytes = read_one(path, Kind::Group)?;
    Group::from_bytes(&bytes).or_refuse(format!("{} is not a group", path.display()))
}

/// The draft in a file, or that of the group in it.
pub(super) fn read_draft_or_group(path: &Path) -> Outcome<Draft> {
    let is_group = read_armor(path)?.iter().any(|(kind, _)| *kind == Kind::Group);
    if is_group { Ok(read_group(path)?.draft().clone()) } else { read_draft(path) }
}

/// All letters in these files; other things in them are left alone.
pub(crate) fn read_letters(paths: &[PathBuf]) -> Outcome<Vec<Letter>> {
    let mut letters = Vec::new();
    for path in paths {
        for (_, bytes) in read_armor(path)?.into_iter().filter(|(kind, _)| *kind == Kind::Letter) {
            let letter = Letter::from_bytes(&bytes);
            letters.push(letter.or_refuse(format!("{} holds a malformed letter", path.display()))?);
        }
    }
    Ok(letters)
}

/// The text of a group's file.
pub(super) fn group_text(group: &Group) -> String {
    armor::to_text(Kind::Group, &group.to_bytes())
}

/// Puts a group in place of its own file.
pub(super) fn replace_group(path: &Path, group: &Group) -> Outcome {
    replace(path, group_text(group).as_bytes(), Kept::Anybody)
        .or_refuse(format!("cannot write {}", path.display()))
}

/// The path of a member's share.
pub(super) fn share_path(group: &Path, share: Option<&PathBuf>) -> PathBuf {
    share.cloned().unwrap_or_else(|| group.with_extension("share"))
}

/// A share file that was opened, with its passphrase.
pub(crate) struct ShareFile {
    path: PathBuf,
    passphrase: Zeroizing<String>,
    pub(crate) shares: Shares,
}

impl ShareFile {
    /// Opens a member's share file; asks for its passphrase.
    pub(crate) fn open(member: &KeysMember) -> Outcome<Self> {
        let path = share_path(&member.group, member.share.as_ref());
        let bytes = read_share(&path)?;
        let right = |passphrase: &str| {
            share_file::decrypt(&bytes, passphrase.as_bytes()).err() != Some(ShareFileError::Passphrase)
        };
        let passphrase = member.passphrase.existing(&path.display().to_string(), right)?;
        let shares = share_file::decrypt(&bytes, passphrase.as_bytes()).map_err(|e| {
            let code =
                if e == ShareFileError::Passphrase { ErrorCode::WrongPassphrase } else { ErrorCode::Refused };
            Failure::coded(code, format!("cannot open {}", path.display())).why(e)
        })?;
        Ok(Self { path, passphrase, shares })
    }

    /// Puts other shares in place of the file's.
    pub(super) fn replace(&self, shares: &Shares) -> Outcome {
        let bytes = encrypted(shares, &self.passphrase)?;
        replace(&self.path, &bytes, Kept::Owner).or_refuse(format!("cannot write {}", self.path.display()))
    }

    /// The file with the share of the next epoch beside the old one.
    pub(super) fn with(self, next: &Share) -> Outcome<Self> {
        let shares = self.shares.clone().prepare(next.clone());
        if shares.to_bytes() != self.shares.to_bytes() {
            self.replace(&shares)?;
        }
        Ok(Self { shares, ..self })
    }

    /// Refuses a share that does not fit the group, before anything is done.
    pub(crate) fn check(&self, epoch: &Epoch) -> Outcome {
        self.shares.of(epoch).map(drop).map_err(|e| unusable(&self.path, &e))
    }
}

/// The failure for a share that does not fit.
pub(super) fn unusable(path: &Path, e: &sotto_keys::ShareError) -> Failure {
    Failure::refused(format!("{} cannot be used with this group", path.display())).why(e).help(
        "get the latest group file from another member; if a refresh left you out, ask for your share with `sotto keys repair`",
    )
}

fn read_share(path: &Path) -> Outcome<Zeroizing<Vec<u8>>> {
    read(path, MAX_SHARE_FILE).map_err(|e| {
        Failure::coded(ErrorCode::CannotRead, format!("cannot read {}", path.display())).cause(&e)
    })
}

/// A share file's header and bytes.
pub(super) fn read_header(path: &Path) -> Outcome<(ShareHeader, Zeroizing<Vec<u8>>)> {
    let bytes = read_share(path)?;
    let header = ShareHeader::of_file(&bytes);
    Ok((header.or_refuse(format!("{} is not a share file", path.display()))?, bytes))
}

fn encrypted(shares: &Shares, passphrase: &str) -> Outcome<Vec<u8>> {
    share_file::encrypt(shares, passphrase.as_bytes(), KdfCost::STANDARD, &mut OsRng)
        .or_refuse("cannot encrypt the share")
}

/// Whether a share file may be written here: nothing is there, or a share that an earlier epoch made worthless.
/// A share of this epoch counts as written: false.
pub(super) fn may_write_share(path: &Path, epoch: &Epoch) -> Outcome<bool> {
    if !path.try_exists().unwrap_or(true) {
        return Ok(true);
    }
    let (header, _) = read_header(path)?;
    let lineage = [Some(epoch.group()), epoch.draft().before()];
    if !lineage.contains(&Some(header.group)) {
        return Err(Failure::coded(ErrorCode::FileExists, format!("{} exists already", path.display()))
            .why("it is a share of another group")
            .help("pass another --share"));
    }
    Ok(header.group != epoch.group() || header.epoch < epoch.number())
}

/// Writes a member's share under a passphrase that is chosen now.
pub(super) fn write_share(member: &KeysMember, shares: &Shares) -> Outcome {
    let path = share_path(&member.group, member.share.as_ref());
    let passphrase = member.passphrase.choose(&path.display().to_string())?;
    let bytes = encrypted(shares, &passphrase)?;
    replace(&path, &bytes, Kept::Owner).or_refuse(format!("cannot write {}", path.display()))
}

/// The id of a chain.
pub(super) fn chain_id(text: &str) -> Outcome<[u8; 32]> {
    let chain = Hash::from_text(text).ok_or_else(|| {
        Failure::new(Code::Usage, format!("invalid chain id `{text}`"))
            .help("`sotto chain info` prints it: 64 hexadecimal digits")
    })?;
    Ok(*chain.as_bytes())
}

pub(super) fn new(context: &Context, a: &KeysNew) -> Outcome {
    let members = a.member.iter().map(|path| read_public(path)).collect::<Outcome<Vec<_>>>()?;
    let draft = match &a.after {
        Some(path) => {
            let group = read_group(path)?;
            let [member] = <[_; 1]>::try_from(members)
                .map_err(|_| Failure::new(Code::Usage, "--after takes one --member, the one that is new"))?;
            let next = group.draft().members().len() as u8 + 1;
            let at = Index::new(a.at.unwrap_or(next))
                .ok_or_else(|| Failure::refused("a group has at most 15 members"))?;
            group.draft().successor(at, member, &mut OsRng)
        }
        None => {
            let chain = a.chain.as_deref().map(chain_id).transpose()?.unwrap_or(Draft::NO_CHAIN);
            let purpose = a.purpose.map_or(Purpose::Seal, purpose);
            let t = a.threshold.unwrap_or_default();
            Draft::new(purpose, chain, t, members, &mut OsRng)
        }
    };
    let draft = draft.or_refuse("cannot write this draft")?;
    let file = NewFile { path: &a.draft, readers: Readers::Anybody, existing: Existing::Never };
    file.write_all(armor::to_text(Kind::Draft, &draft.to_bytes()).as_bytes())?;
    let fields = json!({ "draft": a.draft.display().to_string(), "group": draft.id().to_string() });
    let human = format!(
        "wrote {}\n{}\nAll members need this file, and compare its group id.",
        a.draft.display(),
        super::inspect::describe(&draft)
    );
    context.output.record("keys-draft", fields, &human)
}

const fn purpose(purpose: KeysPurpose) -> Purpose {
    match purpose {
        KeysPurpose::Seal => Purpose::Seal,
        KeysPurpose::Audit => Purpose::Audit,
        KeysPurpose::Vault => Purpose::Vault,
        KeysPurpose::Coin => Purpose::Coin,
    }
}

pub(super) fn backup(context: &Context, a: &KeysBackup) -> Outcome {
    let group = read_group(&a.group)?;
    let path = share_path(&a.group, a.share.as_ref());
    let (header, bytes) = read_header(&path)?;
    if (header.group, header.epoch) != (group.epoch().group(), group.epoch().number()) {
        return Err(Failure::refused(format!("{} is not of this group and epoch", path.display()))
            .help("`sotto keys check` explains"));
    }
    let name = a.name.clone().map(PathBuf::from);
    let name = name.or_else(|| a.group.file_stem().map(PathBuf::from)).unwrap_or_default();
    let copies = ["group", "share"].map(|end| {
        let mut file = a.folder.join(&name).into_os_string();
        file.push(".");
        file.push(end);
        PathBuf::from(file)
    });
    let [to_group, to_share] = &copies;
    let file = |path| NewFile { path, readers: Readers::Owner, existing: Existing::Never };
    file(to_group).check()?;
    file(to_share).write_all(&bytes)?;
    file(to_group).write_all(group_text(&group).as_bytes())?;
    let fields = json!({ "group": to_group.display().to_string(), "share": to_share.display().to_string(),
                         "epoch": header.epoch });
    let human = format!(
        "copied to {} and {}\nAfter the next refresh this copy is worthless and must be erased.",
        to_group.display(),
        to_share.display()
    );
    context.output.record("keys-backup", fields, &human)
}
