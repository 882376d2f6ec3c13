//! Secrets come from a terminal, a file descriptor or a file of mode 0600; never from argv or the environment.

use crate::exit::{Code, Failure, Outcome};
use clap::Args;
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Longest secret that is read, in bytes.
const MAX_BYTES: usize = 4096;

/// Where the passphrase comes from.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Wallet options")]
pub(crate) struct PassphraseArgs {
    /// Passphrase file (mode 0600)
    #[arg(long, value_name = "FILE", env = "SOTTO_PASSPHRASE_FILE", hide_env_values = true, global = true)]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Read the passphrase from this open file descriptor, instead of any file
    #[arg(hide_short_help = true, long, value_name = "N", global = true)]
    pub(crate) passphrase_fd: Option<u32>,
}

impl PassphraseArgs {
    /// The passphrase of an existing wallet.
    pub(crate) fn get(&self) -> Outcome<Zeroizing<String>> {
        // The environment may name a file, which a descriptor that is given overrides.
        match (self.passphrase_fd, &self.passphrase_file) {
            (Some(fd), _) => read_descriptor(fd),
            (None, Some(path)) => read_file(path),
            (None, None) => prompt("Passphrase: "),
        }
    }

    /// The passphrase of a new wallet, asked twice on a terminal.
    pub(crate) fn choose(&self) -> Outcome<Zeroizing<String>> {
        let on_terminal = self.passphrase_file.is_none() && self.passphrase_fd.is_none();
        chosen(self.get()?, on_terminal)
    }
}

/// Another passphrase for a wallet: from a file of mode 0600, or asked twice on a terminal.
pub(crate) fn choose_new(file: Option<&Path>) -> Outcome<Zeroizing<String>> {
    match file {
        Some(path) => chosen(read_file(path)?, false),
        None => chosen(prompt("New passphrase: ")?, true),
    }
}

fn chosen(first: Zeroizing<String>, on_terminal: bool) -> Outcome<Zeroizing<String>> {
    if on_terminal && *prompt("The same again: ")? != *first {
        return Err(Failure::refused("the two passphrases differ").help("Try again."));
    }
    if first.is_empty() {
        return Err(Failure::refused("an empty passphrase protects nothing").help("Choose another."));
    }
    Ok(first)
}

fn prompt(text: &str) -> Outcome<Zeroizing<String>> {
    rpassword::prompt_password(text).map(Zeroizing::new).map_err(|e| {
        Failure::new(Code::Declined, "there is no terminal to ask for the passphrase")
            .why(e)
            .help("Give --passphrase-file FILE (mode 0600) or --passphrase-fd N.")
    })
}

fn read_descriptor(fd: u32) -> Outcome<Zeroizing<String>> {
    let file = File::open(format!("/dev/fd/{fd}"))
        .map_err(|e| Failure::refused(format!("descriptor {fd} cannot be read")).why(e))?;
    Ok(first_line(&bounded(file, &format!("descriptor {fd}"))?))
}

/// Shows a text on the controlling terminal and reads a line there, byte by byte, so that no buffer keeps a copy.
pub(crate) fn ask(text: &str, instead: &str) -> Outcome<Zeroizing<String>> {
    let no_terminal = |e| {
        Failure::new(Code::Declined, "there is no terminal to ask on")
            .why(e)
            .help(format!("Give {instead} when nobody can answer."))
    };
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").map_err(no_terminal)?;
    terminal.write_all(text.as_bytes()).map_err(no_terminal)?;
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_BYTES));
    let mut byte = Zeroizing::new([0]);
    while line.len() < MAX_BYTES && terminal.read(&mut *byte).map_err(no_terminal)? == 1 && *byte != *b"\n" {
        line.extend_from_slice(&*byte);
    }
    let text = std::str::from_utf8(&line).map_err(|_| Failure::refused("what was typed is no text"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// The first line of a secret file that nobody else can read.
pub(crate) fn read_file(path: &Path) -> Outcome<Zeroizing<String>> {
    Ok(first_line(&read_whole(path)?))
}

/// All of a secret file that nobody else can read.
pub(crate) fn read_whole(path: &Path) -> Outcome<Zeroizing<String>> {
    let name = path.display();
    let fail = |e| Failure::refused(format!("{name} cannot be read")).why(e);
    let file = File::open(path).map_err(fail)?;
    let mode = file.metadata().map_err(fail)?.mode();
    if mode & 0o077 != 0 {
        return Err(Failure::refused(format!("others can read {name}"))
            .why(format!("its mode is {:o}", mode & 0o777))
            .help(format!("Run: chmod 600 {name}")));
    }
    bounded(file, &name.to_string())
}

fn first_line(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.lines().next().unwrap_or_default().to_owned())
}

/// A longer text is refused: cut short, it would be another secret.
fn bounded(file: File, name: &str) -> Outcome<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::with_capacity(MAX_BYTES + 1));
    file.take(MAX_BYTES as u64 + 1)
        .read_to_string(&mut text)
        .map_err(|e| Failure::refused(format!("{name} cannot be read")).why(e))?;
    if text.len() > MAX_BYTES {
        return Err(Failure::refused(format!("{name} is longer than the {MAX_BYTES} bytes of a secret")));
    }
    Ok(text)
}

/// Writes a secret into a new file of mode 0600, durably or not at all; refuses to overwrite.
pub(crate) fn write_new(path: &Path, text: &str) -> Outcome {
    let fail = |e: io::Error| Failure::refused(format!("{} cannot be written", path.display())).why(e);
    let mut f = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(fail)?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut write = || {
        f.set_permissions(PermissionsExt::from_mode(0o600))?;
        f.write_all(text.as_bytes())?;
        f.sync_all()?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|e| {
        // Half a secret is of no use; the first error is the one to report.
        let _ = fs::remove_file(path);
        fail(e)
    })
}

/// Makes a folder that only its owner may look into, and those above it.
pub(crate) fn make_folder(path: &Path) -> Outcome {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|e| Failure::refused(format!("{} cannot be made", path.display())).why(e))
}
