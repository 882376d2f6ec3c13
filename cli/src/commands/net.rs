//! `sotto net local`: a network of validators on this machine, each in a process and a folder of its own.
//!
//! ```text
//! D/validators.toml      the list of all
//! D/passphrase           of the wallets that take the rewards, mode 0600
//! D/v1 … D/vN            a validator: ledger, node, wallet `rewards`, log; D/v1/state in place of STATE
//! D/node                 a node that does not vote, for wallets
//! ```
//!
//! Every process is this program, started by its path. They are ended with SIGTERM, by their ids, and with
//! SIGKILL if they do not end.

use crate::{
    Context, args,
    bridge::Home,
    commands::{chain::validators, node::validator::Files},
    exit::{Code, Failure, OrRefuse as _, Outcome},
    new_file::{Existing, NewFile, Readers},
    validator_list::Entries,
};
use core::{num::NonZeroU32, time::Duration};
use rand_core::{OsRng, RngCore as _};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};
use sotto_mw::validators::ValidatorSet;
use sotto_node::ledger::Ledger;
use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::Instant,
};

/// How long a process may take to start, and to end.
const START: Duration = Duration::from_secs(60);
const END: Duration = Duration::from_secs(20);
/// How often the processes are looked at.
const LOOK: Duration = Duration::from_millis(500);

pub(crate) fn run(context: &Context, command: &args::Net) -> Outcome {
    let args::Net::Local(a) = command;
    let dir = context.config.dir.value.clone();
    if context.config.dir.origin != "flag" {
        return Err(Failure::new(Code::Usage, "no folder for the network").help("pass one with --dir"));
    }
    let signals = Signals::new([SIGINT, SIGTERM]).or_refuse("cannot handle signals")?;
    if !dir.join("validators.toml").exists() {
        create(context, &dir, a)?;
    }
    let mut network = Network::start(&dir)?;
    let shown = network.show(context, &dir);
    let ended = shown.and_then(|()| network.watch(context, signals));
    network.end();
    ended
}

/// A process of the network.
struct Process {
    name: String,
    child: Child,
    started: Value,
}

struct Network(Vec<Process>);

impl Network {
    /// Starts all that the folder holds; ends them again if one does not start.
    fn start(dir: &Path) -> Outcome<Self> {
        let mut network = Self(Vec::new());
        for name in names(dir)? {
            match Process::start(dir, &name) {
                Ok(process) => network.0.push(process),
                Err(why) => {
                    network.end();
                    return Err(why);
                }
            }
        }
        Ok(network)
    }

    fn show(&self, context: &Context, dir: &Path) -> Outcome {
        let token = |name: &str| dir.join(name).join("node/rpc.token").display().to_string();
        let record = |p: &Process| {
            json!({
                "name": p.name, "dir": dir.join(&p.name).display().to_string(), "process": p.child.id(),
                "key": p.started["key"], "listen": p.started["listen"], "rpc": p.started["rpc"],
                "token_file": token(&p.name),
            })
        };
        let all: Vec<Value> = self.0.iter().map(record).collect();
        let mut human = String::from("a network runs on this machine; end it with Ctrl-C");
        for p in &all {
            let text = |field: &str| p[field].as_str().unwrap_or("-").to_owned();
            human += &format!("\n{:<6}{}  rpc {}", text("name"), text("listen"), text("rpc"));
        }
        human += &format!("\nwallets   sotto wallet init --dir {}", dir.join("node").display());
        let chain = self.0.first().map_or(Value::Null, |p| p.started["chain_id"].clone());
        context.output.record("net-local", json!({ "chain_id": chain, "nodes": all }), &human)
    }

    /// Waits for a signal, and says which process ended before.
    fn watch(&mut self, context: &Context, mut signals: Signals) -> Outcome {
        let (stopper, stop) = channel();
        let waiting = move || {
            signals.forever().for_each(|_| {
                let _ = stopper.send(());
            })
        };
        thread::Builder::new().name("signals".into()).spawn(waiting).or_refuse("cannot start a thread")?;
        while stop.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            self.0.retain_mut(|p| match p.child.try_wait() {
                Ok(Some(status)) => {
                    context.ui.info(&format!("{} has ended ({status})", p.name));
                    false
                }
                _ => true,
            });
            if self.0.is_empty() {
                return Err(Failure::refused("all nodes have ended").help("each folder has a file `log`"));
            }
        }
        Ok(())
    }

    /// Ends all processes, and waits until they have.
    fn end(&mut self) {
        for p in &self.0 {
            let id = i32::try_from(p.child.id()).ok().and_then(Pid::from_raw);
            // One that has ended already needs no signal.
            id.into_iter().for_each(|id| {
                let _ = kill_process(id, Signal::TERM);
            });
        }
        let until = Instant::now() + END;
        for p in &mut self.0 {
            while matches!(p.child.try_wait(), Ok(None)) && Instant::now() < until {
                thread::sleep(LOOK / 10);
            }
            let _ = p.child.kill();
            let _ = p.child.wait();
        }
        self.0.clear();
    }
}

impl Process {
    fn start(dir: &Path, name: &str) -> Outcome<Self> {
        let at = dir.join(name);
        let log = fs::OpenOptions::new().create(true).append(true).open(at.join("log"));
        let mut command = sotto(dir, name)?;
        command.args(["--json", "node", "run"]);
        if name.starts_with('v') {
            command.args(["--validate", "--wallet", "rewards"]);
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.or_refuse(format!("cannot write {}", at.join("log").display()))?)
            .spawn();
        let mut child = child.or_refuse("cannot start a node")?;
        let said = child.stdout.take();
        let (sender, line) = channel();
        thread::spawn(move || {
            let mut text = String::new();
            if let Some(said) = said {
                // An empty line says that it ended.
                let _ = BufReader::new(said).read_line(&mut text);
            }
            drop(sender.send(text));
        });
        let started = line.recv_timeout(START).ok().and_then(|line| serde_json::from_str(&line).ok());
        match started {
            Some(started) => Ok(Self { name: name.to_owned(), child, started }),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                Err(Failure::refused(format!("{name} did not start"))
                    .help(format!("its log is {}", at.join("log").display())))
            }
        }
    }
}

/// This program, for a folder of the network.
fn sotto(dir: &Path, name: &str) -> Outcome<Command> {
    let mut command = Command::new(env::current_exe().or_refuse("cannot find this program")?);
    let at = dir.join(name);
    command.arg("--dir").arg(&at).env("SOTTO_STATE_DIR", at.join("state"));
    command.env("SOTTO_PASSPHRASE_FILE", dir.join("passphrase"));
    Ok(command)
}

/// The validators in order, and the node.
fn names(dir: &Path) -> Outcome<Vec<String>> {
    let mut all: Vec<String> = (1..=16).map(|n| format!("v{n}")).filter(|v| dir.join(v).exists()).collect();
    all.push("node".to_owned());
    if all.len() > 1 { Ok(all) } else { Err(Failure::refused(format!("no network in {}", dir.display()))) }
}

/// Creates the folders of a network. The list of validators, which says that it is whole, comes last.
fn create(context: &Context, dir: &Path, a: &args::NetLocal) -> Outcome {
    if fs::read_dir(dir).is_ok_and(|mut d| d.next().is_some()) {
        return Err(
            Failure::refused(format!("{} is not empty", dir.display())).help("pass a new folder with --dir")
        );
    }
    fs::create_dir_all(dir).or_refuse(format!("cannot create {}", dir.display()))?;
    let mut secret = [0; 16];
    OsRng.fill_bytes(&mut secret);
    file(&dir.join("passphrase"), crate::bridge::hex(&secret).as_bytes())?;
    let home = |name: &str| Home {
        dir: dir.join(name),
        state: dir.join(name).join("state"),
        lock_wait: context.config.lock_wait,
        to_read: false,
    };
    let mut entries = Vec::new();
    let validators: Vec<String> = (1..=a.validators).map(|n| format!("v{n}")).collect();
    for name in &validators {
        let known = name.parse().or_refuse("invalid name")?;
        entries.push(Files::of(&home(name)).create(known, NonZeroU32::MIN)?);
    }
    let set = entries.iter().map(|entry| entry.validator()).collect::<Outcome<Vec<_>>>()?;
    let set = ValidatorSet::new(set).or_refuse("invalid validators")?;
    let first = validators::create(&home("v1"), set, args::ChainNetwork::Test, |p| p.pace = a.pace)?;
    let params = first.chain().params().clone();
    drop(first);
    for name in validators.iter().skip(1).map(String::as_str).chain(["node"]) {
        Ledger::create(&home(name).chain(), params.clone()).or_refuse("cannot create the chain")?;
    }
    settings(dir, a.idle, &validators, &entries.iter().map(|e| e.link_key.clone()).collect::<Vec<_>>())?;
    for name in &validators {
        let mut command = sotto(dir, name)?;
        command.args(["--quiet", "wallet", "init", "--wallet", "rewards", "--words-file"]);
        let made = command.arg(dir.join(name).join("rewards.words")).stdin(Stdio::null()).output();
        let made = made.or_refuse("cannot start this program")?;
        if !made.status.success() {
            return Err(Failure::refused(format!("cannot create the wallet of {name}"))
                .why(String::from_utf8_lossy(&made.stderr).trim()));
        }
    }
    let list = toml::to_string(&Entries { validator: entries }).or_refuse("cannot write the validators")?;
    file(&dir.join("validators.toml"), list.as_bytes())
}

/// On one machine a hop takes no time, so a payment that a validator holds back need not wait for minutes.
const SHORT_HOPS: &str = "[dandelion]\nhop_ms = 5\n";

/// Writes the settings: free ports of this machine, and who connects to whom.
fn settings(dir: &Path, idle: u32, validators: &[String], keys: &[String]) -> Outcome {
    // All are held until the last is known, so that no two are the same.
    let held = validators.iter().map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<Vec<_>, _>>();
    let held = held.or_refuse("no free ports")?;
    let ports =
        held.iter().map(TcpListener::local_addr).collect::<Result<Vec<_>, _>>().or_refuse("no free ports")?;
    let all: Vec<String> = keys.iter().zip(&ports).map(|(key, at)| format!("{key}@{at}")).collect();
    for (n, name) in validators.iter().enumerate() {
        let others: Vec<&String> = all.iter().enumerate().filter(|(m, _)| *m != n).map(|(_, a)| a).collect();
        let text = format!(
            "listen = \"{}\"\ninbound_from_one = 64\nvalidators = {others:?}\n\n[consensus]\nidle_ms = {}\n\n{SHORT_HOPS}",
            ports[n],
            idle * 1_000
        );
        file(&dir.join(name).join("node/config.toml"), text.as_bytes())?;
    }
    fs::create_dir_all(dir.join("node/node")).or_refuse("cannot create the node's folder")?;
    file(&dir.join("node/node/config.toml"), format!("connect = {all:?}\n\n{SHORT_HOPS}").as_bytes())
}

fn file(path: &Path, bytes: &[u8]) -> Outcome {
    NewFile { path, readers: Readers::Owner, existing: Existing::Never }.write_all(bytes)
}
