//! What is asked on a terminal, which `script` of util-linux gives to a command.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support::World;
use std::{
    io::{Read as _, Write as _},
    process::{Child, ChildStdin, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

/// A command on a terminal, and all that it has shown.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    shown: Arc<Mutex<String>>,
}

impl Terminal {
    /// Runs a command without a passphrase file.
    fn run(world: &World, words: &str) -> Self {
        let mut command = world.command("script");
        command.args(["-qec", &format!("env -u SOTTO_PASSPHRASE_FILE sotto {words}"), "/dev/null"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let shown = Arc::new(Mutex::new(String::new()));
        let kept = shown.clone();
        thread::spawn(move || {
            let mut bytes = [0; 1024];
            while let Ok(n @ 1..) = screen.read(&mut bytes) {
                kept.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..n]));
            }
        });
        Self { child, keys, shown }
    }

    /// Waits until the terminal has shown a text so many times.
    fn wait_for(&self, text: &str, times: usize) {
        let end = Instant::now() + Duration::from_secs(120);
        while self.shown.lock().unwrap().matches(text).count() < times {
            assert!(Instant::now() < end, "no {text:?} in {:?}", self.shown.lock().unwrap());
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn answer(&mut self, question: &str, line: &str) {
        self.wait_for(question, 1);
        writeln!(self.keys, "{line}").unwrap();
    }

    /// The exit code, and all that was shown.
    fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        (code, self.shown.lock().unwrap().clone())
    }
}

#[test]
fn a_passphrase_is_asked_for_by_the_name_of_its_wallet() {
    let w = World::settled();
    let mut terminal = Terminal::run(&w, "wallet address --wallet bob");
    terminal.answer("Passphrase of wallet `bob`: ", "wrong");
    terminal.wait_for("Passphrase of wallet `bob`: ", 2);
    terminal.answer("Wrong passphrase; 2 more.", "correct horse");
    let (code, shown) = terminal.end();
    assert!(code == Some(0) && shown.contains(&w.read("bob.address")), "{code:?} {shown}");
}

/// While a person is asked, other commands use the wallet and the chain.
#[test]
fn a_question_locks_nothing() {
    let w = World::settled();
    let mut terminal = Terminal::run(&w, "wallet send 1 --to $(cat bob.address) --wallet alice");
    terminal.answer("Passphrase of wallet `alice`: ", "correct horse");
    terminal.wait_for("Proceed? [y/N]", 1);
    w.run("wallet balance --wallet alice --wait 0").ok();
    w.run("chain info --wait 0").ok();
    terminal.answer("Proceed? [y/N]", "y");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
    w.run("chain seal --wallet alice").ok();
    assert!(w.run("wallet balance --wallet bob --json").ok().contains("\"total\":\"1000000000\""));
}

/// A command that waits for a text says so.
#[test]
fn a_text_is_asked_for() {
    let w = World::paying();
    let mut terminal = Terminal::run(&w, "wallet receive - --wallet bob");
    let text = format!("{}\n\x04", w.read("invite.txt"));
    terminal.answer("Paste the text, then press return and Ctrl-D.", &text);
    terminal.answer("Passphrase of wallet `bob`: ", "correct horse");
    terminal.answer("Proceed? [y/N]", "n");
    let (code, shown) = terminal.end();
    assert!(code == Some(4) && shown.contains("0.001 SOT"), "{code:?} {shown}");
}
