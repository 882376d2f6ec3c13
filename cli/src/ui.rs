//! Standard error: messages, questions and progress. Data goes to standard output (see [`crate::output`]).

use crate::{
    exit::{Code, ErrorCode, Failure, Outcome},
    qr::Size,
};
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    fs::OpenOptions,
    io::{BufRead, BufReader, IsTerminal, Write},
    time::Duration,
};

/// How many messages are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Volume {
    Quiet,
    Normal,
    Verbose,
}

/// Standard error, at a volume.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ui {
    pub(crate) volume: Volume,
}

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();

impl Ui {
    /// Prints a message, unless `--quiet` is given.
    pub(crate) fn info(&self, text: &str) {
        if self.volume >= Volume::Normal {
            // A closed standard error is not an error.
            let _ = writeln!(anstream::stderr(), "{text}");
        }
    }

    /// Prints a warning, also with `--quiet`: what follows from a command is not what it seems.
    pub(crate) fn warn(&self, text: &str) {
        // A closed standard error is not an error.
        let _ = writeln!(anstream::stderr(), "warning: {text}");
    }

    /// Prints a message only with `--verbose`.
    pub(crate) fn detail(&self, text: &str) {
        if self.volume >= Volume::Verbose {
            let _ = writeln!(anstream::stderr(), "{DIM}{text}{DIM:#}");
        }
    }

    /// Shows a plan and asks for confirmation; the default is no.
    pub(crate) fn confirm(&self, plan: &str, yes: bool) -> Outcome {
        if yes {
            self.info(plan);
            return Ok(());
        }
        // The plan is shown on the terminal that gives the answer, even if standard error goes to a file.
        let question = format!("{}\nProceed? [y/N] ", anstream::adapter::strip_str(plan));
        ask_to_proceed(&question, "--yes")
    }

    /// The size of the terminal that messages go to; `None` if they go elsewhere.
    pub(crate) fn size(&self) -> Option<Size> {
        #[cfg(target_os = "linux")]
        return std::io::stderr()
            .is_terminal()
            .then(|| rustix::termios::tcgetwinsize(std::io::stderr()).ok())
            .flatten()
            .map(|size| Size { columns: size.ws_col.into(), rows: size.ws_row.into() });
        #[cfg(not(target_os = "linux"))]
        None
    }

    /// A progress bar over `total` steps: only on a terminal, and only after 250 ms.
    pub(crate) fn bar(&self, total: u64, what: &str) -> Progress {
        if self.volume == Volume::Quiet || !std::io::stderr().is_terminal() {
            return Progress(None);
        }
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{msg:28} {bar:30} {pos}/{len} {eta}") {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        Progress(Some((bar, std::time::Instant::now())))
    }
}

/// A progress bar, or nothing.
pub(crate) struct Progress(Option<(ProgressBar, std::time::Instant)>);

impl Progress {
    /// Moves the bar to `position`.
    pub(crate) fn at(&self, position: u64) {
        let Some((bar, since)) = &self.0 else { return };
        if bar.is_hidden() && since.elapsed() > Duration::from_millis(250) {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        bar.set_position(position);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((bar, _)) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Asks a question on the terminal; an error unless the answer is yes. `instead` is the option that stands for it.
pub(crate) fn ask_to_proceed(question: &str, instead: &str) -> Outcome {
    let answer = ask_terminal(question, instead)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(Failure::new(Code::Declined, "declined; nothing was done"))
    }
}

/// Asks on the controlling terminal, because standard input may carry a slate.
fn ask_terminal(prompt: &str, instead: &str) -> Outcome<String> {
    let no_terminal = |_| {
        Failure::coded(ErrorCode::NoTerminal, "no terminal to ask on")
            .help(format!("pass {instead} to run without a terminal"))
    };
    let mut tty = OpenOptions::new().read(true).write(true).open("/dev/tty").map_err(no_terminal)?;
    tty.write_all(prompt.as_bytes()).map_err(no_terminal)?;
    let mut answer = String::new();
    BufReader::new(tty).read_line(&mut answer).map_err(no_terminal)?;
    Ok(answer)
}

/// How failures are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorForm {
    Text,
    /// One record in one line.
    Json,
}

impl ErrorForm {
    /// What a command line asks for, even if it has other faults.
    pub(crate) fn of(arguments: impl Iterator<Item = std::ffi::OsString>) -> Self {
        let json = arguments.take_while(|a| a != "--").any(|a| a == "--json");
        if json { Self::Json } else { Self::Text }
    }

    /// Prints a failure.
    pub(crate) fn report(self, f: &Failure) {
        if f.code == Code::Done {
            return;
        }
        // A closed standard error is not an error.
        let mut err = anstream::stderr();
        if self == Self::Json {
            let _ = writeln!(err, "{}", f.record());
            return;
        }
        let _ = writeln!(err, "{BAD}error:{BAD:#} {}", f.what);
        if let Some(why) = &f.why {
            let _ = writeln!(err, "  why: {why}");
        }
        if let Some(help) = &f.help {
            let _ = writeln!(err, "  help: {help}");
        }
    }
}
