//! Secrets are read from a terminal, a file descriptor or a file of mode 0600; never from arguments or the
//! environment.

use crate::exit::{ErrorCode, Failure, Outcome};
use clap::Args;
use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Length limit of a secret, in bytes.
const MAX_BYTES: usize = 4096;

/// Where the passphrase comes from.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Global options")]
pub(crate) struct PassphraseArgs {
    /// Passphrase file (mode 0600)
    #[arg(long, value_name = "FILE", env = "SOTTO_PASSPHRASE_FILE", hide_env_values = true, global = true)]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Read the passphrase from this open file descriptor, instead of any file
    #[arg(hide_short_help = true, long, value_name = "N", global = true)]
    pub(crate) passphrase_fd: Option<u32>,
}

impl PassphraseArgs {
    /// The passphrase of something that exists; `of` names it on a terminal, where a wrong one is asked again.
    pub(crate) fn existing(&self, of: &str, is_right: impl Fn(&str) -> bool) -> Outcome<Zeroizing<String>> {
        match self.given() {
            Some(given) => given,
            None => asked(
                || prompt(&format!("Passphrase of {of}: ")),
                is_right,
                |left| {
                    // Where it was typed; a terminal that is gone shows in the next question.
                    let _ = show(&format!("Wrong passphrase; {left} more.\n"), "--passphrase-file FILE");
                },
            ),
        }
    }

    /// The passphrase from the file or descriptor; `None` if a person has to be asked.
    fn given(&self) -> Option<Outcome<Zeroizing<String>>> {
        // The file may come from the environment; a descriptor, which can only be a flag, overrides it.
        match (self.passphrase_fd, &self.passphrase_file) {
            (Some(fd), _) => Some(read_descriptor(fd)),
            (None, Some(path)) => Some(read_file(path)),
            (None, None) => None,
        }
    }

    /// The passphrase of something new, which `of` names; on a terminal, asked for twice.
    pub(crate) fn choose(&self, of: &str) -> Outcome<Zeroizing<String>> {
        match self.given() {
            Some(given) => chosen(given?, false),
            None => chosen(prompt(&format!("New passphrase of {of}: "))?, true),
        }
    }
}

/// How often a passphrase is asked for.
const TRIES: u32 = 3;

/// Asks until the passphrase is right, or [`TRIES`] times; `report` gets the number of tries that are left.
fn asked(
    mut ask: impl FnMut() -> Outcome<Zeroizing<String>>,
    is_right: impl Fn(&str) -> bool,
    mut report: impl FnMut(u32),
) -> Outcome<Zeroizing<String>> {
    for left in (0..TRIES).rev() {
        let passphrase = ask()?;
        if is_right(&passphrase) {
            return Ok(passphrase);
        }
        if left > 0 {
            report(left);
        }
    }
    Err(Failure::coded(ErrorCode::WrongPassphrase, format!("the passphrase was wrong {TRIES} times"))
        .help("the seed words restore the money without it: `sotto wallet restore`"))
}

/// A new passphrase for an existing wallet: from a file of mode 0600, or asked for twice on a terminal.
pub(crate) fn choose_new(file: Option<&Path>) -> Outcome<Zeroizing<String>> {
    match file {
        Some(path) => chosen(read_file(path)?, false),
        None => chosen(prompt("New passphrase: ")?, true),
    }
}

fn chosen(first: Zeroizing<String>, on_terminal: bool) -> Outcome<Zeroizing<String>> {
    if on_terminal && *prompt("Repeat passphrase: ")? != *first {
        return Err(Failure::coded(ErrorCode::InvalidPassphrase, "the two passphrases differ")
            .help("run the command again"));
    }
    if first.is_empty() {
        return Err(Failure::coded(ErrorCode::InvalidPassphrase, "the passphrase is empty")
            .help("choose one that is hard to guess"));
    }
    Ok(first)
}

fn prompt(text: &str) -> Outcome<Zeroizing<String>> {
    rpassword::prompt_password(text).map(Zeroizing::new).map_err(|e| {
        Failure::coded(ErrorCode::NoTerminal, "no terminal to ask for the passphrase on")
            .why(e)
            .help("pass --passphrase-file FILE (mode 0600) or --passphrase-fd N")
    })
}

fn read_descriptor(fd: u32) -> Outcome<Zeroizing<String>> {
    let file = File::open(format!("/dev/fd/{fd}"))
        .map_err(|e| Failure::coded(ErrorCode::CannotRead, format!("cannot read descriptor {fd}")).why(e))?;
    Ok(first_line(&bounded(file, &format!("descriptor {fd}"))?))
}

/// Shows a text on the controlling terminal.
pub(crate) fn show(text: &str, instead: &str) -> Outcome {
    let mut terminal = OpenOptions::new().write(true).open("/dev/tty").map_err(no_terminal(instead))?;
    terminal.write_all(text.as_bytes()).map_err(no_terminal(instead))
}

/// Asks for a line on the controlling terminal, which does not show what is typed.
pub(crate) fn ask_hidden(text: &str, instead: &str) -> Outcome<Zeroizing<String>> {
    rpassword::prompt_password(text).map(Zeroizing::new).map_err(no_terminal(instead))
}

fn no_terminal(instead: &str) -> impl Fn(io::Error) -> Failure + '_ {
    move |e| {
        Failure::coded(ErrorCode::NoTerminal, "no terminal to ask on")
            .why(e)
            .help(format!("pass {instead} to run without a terminal"))
    }
}

/// Shows a text on the controlling terminal and reads a line there, byte by byte, so that no buffer keeps a
/// copy.
pub(crate) fn ask(text: &str, instead: &str) -> Outcome<Zeroizing<String>> {
    let no_terminal = no_terminal(instead);
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").map_err(&no_terminal)?;
    terminal.write_all(text.as_bytes()).map_err(&no_terminal)?;
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_BYTES));
    let mut byte = Zeroizing::new([0]);
    while line.len() < MAX_BYTES && terminal.read(&mut *byte).map_err(&no_terminal)? == 1 && *byte != *b"\n" {
        line.extend_from_slice(&*byte);
    }
    let text = std::str::from_utf8(&line).map_err(|_| Failure::refused("the input is not valid UTF-8"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// The first line of a secret file, which only its owner may be able to read.
pub(crate) fn read_file(path: &Path) -> Outcome<Zeroizing<String>> {
    Ok(first_line(&read_whole(path)?))
}

/// The whole of a secret file, which only its owner may be able to read.
pub(crate) fn read_whole(path: &Path) -> Outcome<Zeroizing<String>> {
    let name = path.display();
    let fail = |e| Failure::coded(ErrorCode::CannotRead, format!("cannot read {name}")).why(e);
    let file = File::open(path).map_err(fail)?;
    let mode = file.metadata().map_err(fail)?.mode();
    if mode & 0o077 != 0 {
        return Err(Failure::coded(ErrorCode::SecretExposed, format!("others can read {name}"))
            .why(format!("its mode is {:o}", mode & 0o777))
            .help(format!("run `chmod 600 {name}`")));
    }
    bounded(file, &name.to_string())
}

fn first_line(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.lines().next().unwrap_or_default().to_owned())
}

/// Refuses a longer text: truncated, it would be a different secret.
fn bounded(file: File, name: &str) -> Outcome<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::with_capacity(MAX_BYTES + 1));
    file.take(MAX_BYTES as u64 + 1)
        .read_to_string(&mut text)
        .map_err(|e| Failure::coded(ErrorCode::CannotRead, format!("cannot read {name}")).why(e))?;
    if text.len() > MAX_BYTES {
        return Err(Failure::refused(format!(
            "{name} is longer than {MAX_BYTES} bytes, the limit for a secret"
        )));
    }
    Ok(text)
}

/// Creates a folder that only its owner can open, and its missing parents.
pub(crate) fn make_folder(path: &Path) -> Outcome {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|e| {
        Failure::coded(ErrorCode::CannotWrite, format!("cannot create {}", path.display())).cause(&e)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(answers: &[&str]) -> (Outcome<Zeroizing<String>>, Vec<u32>) {
        let (mut answers, mut told) = (answers.iter(), Vec::new());
        let ask = || {
            answers.next().map(|a| Zeroizing::new((*a).to_owned())).ok_or_else(|| Failure::refused("asked"))
        };
        (asked(ask, |p| p == "right", |left| told.push(left)), told)
    }

    #[test]
    fn a_wrong_passphrase_is_asked_again_three_times_in_all() {
        let (right, told) = run(&["right"]);
        assert_eq!((&**right.unwrap(), told), ("right", vec![]));
        let (right, told) = run(&["wrong", "wrong", "right"]);
        assert_eq!((&**right.unwrap(), told), ("right", vec![2, 1]));
        let (wrong, told) = run(&["wrong", "wrong", "wrong", "right"]);
        assert_eq!((wrong.unwrap_err().error, told), (ErrorCode::WrongPassphrase, vec![2, 1]));
    }
}
