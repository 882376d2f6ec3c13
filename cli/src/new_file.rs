//! Writing a file whose path the user gave: whole or not at all, and never over another file unasked.
//!
//! ```text
//! path free ─────▶ temporary file beside it ─▶ fsync ─▶ link to the path, which fails if it is taken ─▶ fsync folder
//! path taken ────▶ refused; with --force, unless it is a key, a wallet or a file of a chain (`project`):
//!                  temporary file ─▶ fsync ─▶ rename over it ─▶ fsync folder
//! device, pipe ──▶ written to
//! ```
//!
//! Guaranteed: after a crash or an error the path is as it was. A temporary file has a name that cannot be
//! guessed and is opened with `O_EXCL`, so that no link is followed and no file of the user is touched. A
//! symbolic link at the path counts as a file; with --force the link is replaced, its target stays.
//!
//! Not guaranteed: between the check of a file that --force may replace and the rename, another process can
//! put another file there.

mod project;

use crate::{
    config::Config,
    exit::{ErrorCode, Failure, Outcome},
};
use rand_core::{OsRng, RngCore as _};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Who can read a new file; the umask can restrict this further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    Owner,
    Anybody,
}

/// What happens to a file that has the path already.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Existing<'a> {
    /// It is in the way.
    Never,
    /// It is in the way, but the verb has a --force.
    Unforced,
    /// It is in the way, unless it has the same bytes: then nothing is written.
    Same,
    /// It is replaced if it is something that the verb itself wrote earlier, and can make again.
    Own(fn(&[u8]) -> bool),
    /// It is replaced (--force), unless it is one of the project's own files.
    Replace(&'a Config),
}

/// A file to write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewFile<'a> {
    pub(crate) path: &'a Path,
    pub(crate) readers: Readers,
    pub(crate) existing: Existing<'a>,
}

/// What is at the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    File,
    /// A device, a pipe or a socket: there is nothing that could be overwritten.
    Device,
}

/// Longest file that is read to recognise what a verb wrote itself.
const OWN_MAX: u64 = 1 << 20;

impl<'a> NewFile<'a> {
    /// A file that every user can read; with --force it replaces another.
    pub(crate) const fn public(path: &'a Path, force: bool, config: &'a Config) -> Self {
        let existing = if force { Existing::Replace(config) } else { Existing::Unforced };
        Self { path, readers: Readers::Anybody, existing }
    }

    /// Refuses a path that cannot be written, before any work is done.
    pub(crate) fn check(&self) -> Outcome {
        self.found().map(drop)
    }

    /// Writes the file.
    pub(crate) fn write<T>(&self, write: impl FnOnce(&mut dyn Write) -> Outcome<T>) -> Outcome<T> {
        if self.found()? == Found::Device {
            let mut out = OpenOptions::new().write(true).open(self.path).map_err(self.failed())?;
            let done = write(&mut out)?;
            out.flush().map_err(self.failed())?;
            return Ok(done);
        }
        let temporary = self.temporary();
        let whole = || {
            let done = self.fill(&temporary, write)?;
            self.place(&temporary)?;
            File::open(self.folder()).and_then(|folder| folder.sync_all()).map_err(self.failed())?;
            Ok(done)
        };
        let whole = whole();
        // Gone already after a rename; half a file is useless, and the first error is the one to report.
        let _ = fs::remove_file(&temporary);
        whole
    }

    /// Writes these bytes.
    pub(crate) fn write_all(&self, bytes: &[u8]) -> Outcome {
        self.write(|out| out.write_all(bytes).map_err(self.failed()))
    }

    /// What is at the path; refuses what must stay.
    fn found(&self) -> Outcome<Found> {
        match fs::symlink_metadata(self.path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
            link => link.map_err(self.failed())?,
        };
        // A link to nothing is a file, too.
        if let Ok(target) = fs::metadata(self.path) {
            if target.is_dir() {
                return Err(Failure::coded(
                    ErrorCode::FileExists,
                    format!("{} is a folder", self.path.display()),
                )
                .help("pass the path of a file"));
            }
            if !target.is_file() {
                return Ok(Found::Device);
            }
        }
        match self.existing {
            Existing::Same => Ok(Found::File),
            Existing::Never | Existing::Unforced => Err(self.taken()),
            Existing::Own(is_own) => {
                let mut bytes = Vec::new();
                let file = File::open(self.path).map_err(self.failed())?;
                file.take(OWN_MAX).read_to_end(&mut bytes).map_err(self.failed())?;
                if is_own(&bytes) { Ok(Found::File) } else { Err(self.taken()) }
            }
            Existing::Replace(config) => match project::guarded(self.path, config).map_err(self.failed())? {
                None => Ok(Found::File),
                Some(what) => Err(Failure::coded(
                    ErrorCode::FileGuarded,
                    format!("cannot overwrite {}", self.path.display()),
                )
                .why(format!("it is {what}, which --force does not replace"))
                .help("choose another path")),
            },
        }
    }

    /// Writes the temporary file and makes it durable.
    fn fill<T>(&self, temporary: &Path, write: impl FnOnce(&mut dyn Write) -> Outcome<T>) -> Outcome<T> {
        let mode = if self.readers == Readers::Owner { 0o600 } else { 0o666 };
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(temporary);
        let mut out = BufWriter::new(file.map_err(self.failed())?);
        if self.readers == Readers::Owner {
            // An unusual umask must not take the owner's own access away.
            out.get_ref().set_permissions(PermissionsExt::from_mode(0o600)).map_err(self.failed())?;
        }
        let done = write(&mut out)?;
        out.flush().and_then(|()| out.get_ref().sync_all()).map_err(self.failed())?;
        Ok(done)
    }

    /// Gives the temporary file its name.
    fn place(&self, temporary: &Path) -> Outcome {
        match (self.found()?, self.existing) {
            (Found::File, Existing::Same) => {
                let same = same_bytes(temporary, self.path).map_err(self.failed())?;
                if same { Ok(()) } else { Err(self.taken()) }
            }
            (Found::File, _) => fs::rename(temporary, self.path).map_err(self.failed()),
            _ => match link_new(temporary, self.path) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(self.taken()),
                placed => placed.map_err(self.failed()),
            },
        }
    }

    fn folder(&self) -> &'a Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    fn temporary(&self) -> PathBuf {
        self.folder().join(format!(".sotto-{:016x}{:016x}", OsRng.next_u64(), OsRng.next_u64()))
    }

    fn taken(&self) -> Failure {
        let help = match self.existing {
            Existing::Unforced => "pass --force to overwrite it, or choose another file",
            _ => "choose another file, or move this one away; it is never overwritten",
        };
        Failure::coded(ErrorCode::FileExists, format!("{} exists already", self.path.display())).help(help)
    }

    fn failed(&self) -> impl Fn(io::Error) -> Failure + use<'a> {
        let name = self.path.display();
        move |e| Failure::coded(ErrorCode::CannotWrite, format!("cannot write {name}")).cause(&e)
    }
}

/// Writes a secret to a new file that only its owner can read.
pub(crate) fn write_secret(path: &Path, text: &str) -> Outcome {
    NewFile { path, readers: Readers::Owner, existing: Existing::Never }.write_all(text.as_bytes())
}

/// Refuses a path that [`write_secret`] could not write, before any work is done.
pub(crate) fn check_secret(path: &Path) -> Outcome {
    NewFile { path, readers: Readers::Owner, existing: Existing::Never }.check()
}

/// Gives a file a second name, which must be free.
///
/// Where the file system has no links, the name is taken by an empty file first, which is then replaced: another
/// file never is.
fn link_new(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
            fs::rename(from, to)
        }
        linked => linked,
    }
}

fn same_bytes(one: &Path, two: &Path) -> io::Result<bool> {
    let (one, two) = (File::open(one)?, File::open(two)?);
    if one.metadata()?.len() != two.metadata()?.len() {
        return Ok(false);
    }
    let (mut one, mut two) = (BufReader::new(one).bytes(), BufReader::new(two).bytes());
    loop {
        match (one.next().transpose()?, two.next().transpose()?) {
            (None, None) => return Ok(true),
            (a, b) if a != b => return Ok(false),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
