//! The processes of the demo: this program, started by its path, in the folder of the network's node.

use super::super::report::detail;
use crate::{
    Context,
    exit::{Code, Failure, OrRefuse as _, Outcome},
};
use core::time::Duration;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag::register,
};
use std::{
    env,
    io::{BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::channel,
    },
    thread::{self, JoinHandle},
    time::Instant,
};

/// How long anything may take.
const WITHIN: Duration = Duration::from_secs(240);
/// How long the network may take to end.
const END: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(50);

/// Where the demo works.
pub(super) struct Stage<'c> {
    context: &'c Context,
    dir: PathBuf,
    interrupted: Arc<AtomicBool>,
}

impl<'c> Stage<'c> {
    pub(super) fn new(context: &'c Context, dir: &Path) -> Outcome<Self> {
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            register(signal, Arc::clone(&interrupted)).or_refuse("signals cannot be handled")?;
        }
        Ok(Self { context, dir: dir.to_owned(), interrupted })
    }

    pub(super) fn detail(&self, text: &str) -> Outcome {
        detail(self.context, &format!("  {text}"))
    }

    /// The path of a file of the demo.
    pub(super) fn path(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    /// Starts the validators and the node.
    pub(super) fn network(&self) -> Outcome<Running> {
        let mut command = self.command(None)?;
        command.args(["net", "local", "--validators", "4", "--idle", "1", "--dir"]).arg(self.dir.join("net"));
        let mut running = Running::spawn("the network", command)?;
        running.first_line(self)?;
        Ok(running)
    }

    /// This program, in the folder of a member of the network.
    fn command(&self, member: Option<&str>) -> Outcome<Command> {
        let mut command = Command::new(env::current_exe().or_refuse("cannot find this program")?);
        command.arg("--json");
        if let Some(member) = member {
            let at = self.dir.join("net").join(member);
            command.arg("--dir").arg(&at).env("SOTTO_STATE_DIR", at.join("state"));
            command.env("SOTTO_PASSPHRASE_FILE", self.dir.join("net/passphrase"));
        }
        Ok(command)
    }

    /// Starts a command.
    pub(super) fn start(&self, member: &str, words: &[String]) -> Outcome<Running> {
        let mut command = self.command(Some(member))?;
        command.args(words);
        Running::spawn(&words.join(" "), command)
    }

    /// Runs commands side by side, to their ends.
    pub(super) fn all(&self, member: &str, commands: impl Iterator<Item = Vec<String>>) -> Outcome {
        let running = commands.map(|words| self.start(member, &words)).collect::<Outcome<Vec<_>>>()?;
        Running::finish(running, self).map(drop)
    }

    /// Runs a command to its end; its last record.
    pub(super) fn one(&self, member: &str, words: &[&str]) -> Outcome<Value> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let mut records = Running::finish(vec![self.start(member, &words)?], self)?;
        Ok(records.pop().unwrap_or_default())
    }

    /// Waits until something is done.
    pub(super) fn until(&self, what: &str, mut done: impl FnMut() -> Outcome<bool>) -> Outcome {
        let end = Instant::now() + WITHIN;
        while !done()? {
            self.look(end, what)?;
            thread::sleep(10 * LOOK);
        }
        Ok(())
    }

    fn look(&self, end: Instant, what: &str) -> Outcome {
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(Failure::new(Code::Interrupted, "interrupted; all processes were ended"));
        }
        if Instant::now() >= end {
            return Err(Failure::refused(format!("not in time: {what}")));
        }
        Ok(())
    }
}

/// A process, which is ended when this is dropped, and what it says.
pub(super) struct Running {
    what: String,
    child: Child,
    lines: std::sync::mpsc::Receiver<String>,
    said: Option<JoinHandle<String>>,
}

impl Running {
    fn spawn(what: &str, mut command: Command) -> Outcome<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.or_refuse("cannot start this program")?;
        let (sender, lines) = channel();
        let (out, mut errors) = (child.stdout.take(), child.stderr.take());
        // The readers end with the process.
        thread::spawn(move || {
            let lines = out.into_iter().flat_map(|out| BufReader::new(out).lines());
            lines.map_while(Result::ok).for_each(|line| drop(sender.send(line)));
        });
        let said = thread::spawn(move || {
            let mut text = Vec::new();
            // After an error, what came before it is kept.
            let _ = errors.as_mut().map(|errors| errors.read_to_end(&mut text));
            String::from_utf8_lossy(&text).into_owned()
        });
        Ok(Self { what: what.to_owned(), child, lines, said: Some(said) })
    }

    /// Waits for its first line.
    fn first_line(&mut self, stage: &Stage<'_>) -> Outcome {
        let end = Instant::now() + WITHIN;
        while self.lines.try_recv().is_err() {
            stage.look(end, &self.what)?;
            if self.child.try_wait().is_ok_and(|status| status.is_some()) {
                return Err(self.failed());
            }
            thread::sleep(LOOK);
        }
        Ok(())
    }

    fn failed(&mut self) -> Failure {
        let said = self.said.take().and_then(|said| said.join().ok()).unwrap_or_default();
        Failure::refused(format!("a step of the demo failed: {}", self.what)).why(said.trim())
    }

    /// Waits until all have ended well; the last record of each.
    pub(super) fn finish(mut all: Vec<Self>, stage: &Stage<'_>) -> Outcome<Vec<Value>> {
        let end = Instant::now() + WITHIN;
        let mut left = true;
        while left {
            left = false;
            for running in &mut all {
                match running.child.try_wait().or_refuse("cannot wait for a process")? {
                    None => left = true,
                    Some(status) if status.success() => {}
                    Some(_) => return Err(running.failed()),
                }
            }
            stage.look(end, "all parts of a step")?;
            thread::sleep(if left { LOOK } else { Duration::ZERO });
        }
        let record = |running: &Self| {
            let last = running.lines.iter().last().unwrap_or_default();
            serde_json::from_str(&last).unwrap_or_default()
        };
        Ok(all.iter().map(record).collect())
    }

    /// Ends it, and waits until it has.
    pub(super) fn end(&mut self) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let (Ok(None), Some(id)) = (self.child.try_wait(), id) {
            // It ends its own processes before it ends.
            let _ = kill_process(id, Signal::TERM);
        }
        let until = Instant::now() + END;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < until {
            thread::sleep(LOOK);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
