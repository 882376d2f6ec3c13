//! `sotto node run`: runs a node in the foreground until it is stopped.

use super::{certificate, config::Settings, council, identity, log, proposer, recovery, sealer, validator};
use crate::{
    Context, args,
    bridge::Home,
    commands::wallet::{ACCOUNT, chosen_account, same_chain},
    exit::{Code, Failure, OrRefuse as _, Outcome},
    secret,
};
use core::{net::SocketAddr, num::NonZeroU16, time::Duration};
use serde_json::json;
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};
use sotto_link::{
    Identity,
    web::{Cover, Page},
};
use sotto_mw::chain::Chain;
use sotto_node::{
    config::Config,
    edge::{
        daemon::{Daemon, Setup, StartError},
        net::{ListenSetup, Setup as Sockets},
        node_handle::NodeHandle,
        operator,
        rpc::Server,
    },
    event::Request,
    ledger::Ledger,
    peer::{Address, PeerKey},
};
use sotto_wallet::coinbase::CoinbaseBuilder;
use std::{
    fs,
    net::ToSocketAddrs,
    path::Path,
    process,
    sync::mpsc::{Sender, channel},
    thread,
};

/// How often a member of a group asks whether it is its turn to propose a block.
const POLL: Duration = Duration::from_millis(500);

/// Runs a node until it stops.
pub(crate) fn run(context: &Context, a: &args::NodeRun) -> Outcome {
    let home = Home::of(&context.config);
    let settings = with_flags(Settings::load(&home)?, a);
    // Take the lock first, so that a second process changes nothing.
    let recovery::Opened { ledger, recovered } = recovery::open(context, &home, &settings)?;
    let ledger = recovery::with_checkpoints(ledger, &settings.checkpoints)?;
    log::start(context.ui.volume, settings.log, settings.log_addresses);
    secret::make_folder(&home.node())?;
    let identity = identity::identity(&home.node().join("identity"))?;
    let rewards = if a.seal || a.validate { Some(rewards(&home, a, &ledger)?) } else { None };
    let every = Duration::from_secs(settings.seal_every.into());
    let group = a.council.group.as_deref();
    let member = group.map(|group| council::member(context, (a, group), every)).transpose()?;
    member.as_ref().map_or(Ok(()), |_| council::fits(a, ledger.chain()))?;
    let timing = settings.consensus.timing();
    let votes = a.validate.then(|| match &member {
        Some(member) => council::speaker(member, timing),
        None => validator::Files::of(&home).setup(ledger.chain(), timing),
    });
    let key = if a.seal && member.is_none() {
        Some(operator::read(&home.operator()).or_refuse("cannot use the operator's key")?)
    } else {
        None
    };
    let signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).or_refuse("cannot handle signals")?;
    let (peer, chain) = (identity.peer_key(), ledger.chain().clone());
    let setup = Setup { recovered, validator: votes.transpose()?, ..setup(&settings, identity, &home)? };
    let outside = settings.outside_port;
    let daemon = match &member {
        Some(member) => Daemon::start_council(setup, ledger, member),
        None => Daemon::start(setup, ledger, key),
    };
    let daemon = daemon.map_err(|why| match why {
        StartError::Halt(halt) => recovery::halted(&halt),
        why => Failure::refused("cannot start the node").cause(&why),
    })?;
    stop_on(signals, daemon.handle().clone())?;
    // The group decides whose turn it is, and when.
    let every = if member.is_some() { POLL } else { every };
    let sealing = match rewards {
        Some(rewards) if a.validate => {
            start_proposing(daemon.handle().clone(), rewards)?;
            None
        }
        Some(rewards) => Some(start_sealing(daemon.handle().clone(), rewards, every)?),
        None => None,
    };
    Started { chain: &chain, key: peer, outside }.print(context, &home, &daemon)?;
    let ended = daemon.wait();
    drop(sealing);
    ended.map_err(|why| recovery::stopped(&home, &settings, &why))
}

/// The settings, overridden by flags.
fn with_flags(mut s: Settings, a: &args::NodeRun) -> Settings {
    s.listen = a.listen.clone().or(s.listen);
    s.outside_port = a.outside_port.or(s.outside_port);
    s.connect.extend(a.connect.iter().cloned());
    s.validators.extend(a.validator.iter().cloned());
    s.checkpoints.extend(a.checkpoint.iter().cloned());
    s.seal_every = a.every.unwrap_or(s.seal_every);
    s.log = a.log.unwrap_or(s.log);
    s.log_addresses |= a.log_addresses;
    s
}

/// Creates rewards for an account of the wallet, without keeping the wallet open.
fn rewards(home: &Home, a: &args::NodeRun, ledger: &Ledger) -> Outcome<CoinbaseBuilder> {
    let wallet =
        home.open_wallet(&a.wallet.wallet, &home.passphrase(&a.wallet.wallet, &a.wallet.passphrase)?)?;
    same_chain(&wallet, ledger.chain())?;
    let account = chosen_account(&wallet, &a.wallet)?;
    wallet.coinbase_builder(account.unwrap_or(ACCOUNT)).or_refuse("the wallet cannot take rewards")
}

fn setup(s: &Settings, identity: Identity, home: &Home) -> Outcome<Setup> {
    let mut config = Config::new(PeerKey([0; 32]));
    config.outbound = s.outbound.into();
    config.dandelion = s.dandelion.params()?;
    config.snapshot_threshold = if s.snapshot { config.snapshot_threshold } else { u64::MAX };
    for text in &s.connect {
        config.seeds.extend(addresses(text)?);
    }
    for text in &s.validators {
        config.validators.extend(addresses(text)?);
    }
    let cover = if s.cover > 0.0 { Cover::Mean(Duration::from_secs_f64(s.cover)) } else { Cover::Sparse };
    let (inbound, from_one) = (s.inbound.into(), s.inbound_from_one.into());
    certificate::check(s)?;
    let listen = match (s.listen.as_deref(), s.outside_port) {
        (Some(at), _) => Some(listen_setup(s, at, &home.node())?),
        (None, None) => None,
        (None, Some(port)) => {
            return Err(Failure::new(Code::Usage, format!("--outside-port {port} has no effect: this node takes no connections"))
                .help("pass --listen, or set `listen` in config.toml: the address to which the router forwards that port"));
        }
    };
    let net = Sockets { identity, listen, inbound, from_one, cover };
    Ok(Setup { config, net, rpc: Some(s.rpc), dir: home.node(), validator: None, recovered: None })
}

fn listen_setup(s: &Settings, at: &str, folder: &Path) -> Outcome<ListenSetup> {
    let no_address = || {
        Failure::new(Code::Usage, format!("invalid address `{at}` to listen at"))
            .help("pass an address of this machine and a port, such as 0.0.0.0:9333")
    };
    let at: SocketAddr = at.parse().map_err(|_| no_address())?;
    let read = |path: &Path| fs::read(path).or_refuse(format!("cannot read {}", path.display()));
    let html = s.page.as_deref().map(read).transpose()?.map(String::from_utf8).transpose();
    let page =
        html.or_refuse("the page is not valid UTF-8")?.map_or_else(Page::default, |html| Page { html });
    let outside = s.outside_port;
    Ok(ListenSetup { at, outside, certificate: certificate::certificate(s, folder)?, page })
}

/// The addresses of a node given as `KEY@HOST:PORT`.
///
/// A host name that cannot be resolved now is skipped, since the node may start before the network does.
fn addresses(text: &str) -> Outcome<Vec<Address>> {
    let usage = |why: String| {
        Failure::new(Code::Usage, format!("invalid node `{text}`"))
            .why(why)
            .help("write KEY@HOST:PORT, as the other node prints it when it starts")
    };
    let (key, at) = text.split_once('@').ok_or_else(|| usage("it has no `@`".into()))?;
    let key: sotto_link::PeerKey =
        key.parse().map_err(|e: sotto_link::identity::KeyError| usage(e.to_string()))?;
    if at.rsplit_once(':').is_none_or(|(host, port)| host.is_empty() || port.parse::<u16>().is_err()) {
        return Err(usage("no host and port after the `@`".into()));
    }
    let key = PeerKey(*key.as_bytes());
    let found = at.to_socket_addrs().map(|all| all.map(|at| Address { at, key }).collect());
    Ok(found.unwrap_or_else(|why| {
        tracing::warn!(%why, "cannot resolve the address of a node given by --connect or in the settings");
        Vec::new()
    }))
}

/// The first signal stops the node gracefully; the second one ends it at once.
fn stop_on(mut signals: Signals, handle: NodeHandle) -> Outcome {
    let wait = move || {
        for (n, _) in signals.forever().enumerate() {
            if n > 0 {
                process::exit(130);
            }
            tracing::info!("stopping");
            let handle = handle.clone();
            // If the node has stopped already, there is nothing to do.
            thread::spawn(move || handle.ask(Request::Stop));
        }
    };
    thread::Builder::new().name("signals".into()).spawn(wait).map(drop).or_refuse("cannot start a thread")
}

/// Seals on a thread of its own, until the returned sender is dropped.
fn start_sealing(handle: NodeHandle, rewards: CoinbaseBuilder, every: Duration) -> Outcome<Sender<()>> {
    let (going, stop) = channel();
    let seal = move || sealer::seal(&handle, &rewards, every, &stop);
    thread::Builder::new().name("sealer".into()).spawn(seal).or_refuse("cannot start a thread")?;
    Ok(going)
}

/// Makes rewards on a thread of its own, until the node has stopped.
fn start_proposing(handle: NodeHandle, rewards: CoinbaseBuilder) -> Outcome {
    let propose = move || proposer::propose(&handle, &rewards);
    let thread = thread::Builder::new().name("proposer".into()).spawn(propose);
    thread.map(drop).or_refuse("cannot start a thread")
}

/// What a node prints when it has started.
struct Started<'a> {
    chain: &'a Chain,
    key: sotto_link::PeerKey,
    outside: Option<NonZeroU16>,
}

impl Started<'_> {
    fn print(&self, context: &Context, home: &Home, daemon: &Daemon) -> Outcome {
        let (id, network, key) = (self.chain.id(), self.chain.params().network, self.key);
        let at = daemon.address();
        let fields = json!({
            "chain_id": id.to_string(), "network": network.to_string(), "key": key.to_string(),
            "listen": at.map(|at| at.to_string()), "outside_port": self.outside,
            "members": daemon.members_address().map(|at| at.to_string()),
            "rpc": daemon.rpc().map(Server::url), "dir": home.dir.display().to_string(),
        });
        let reached = match (at, self.outside) {
            (Some(at), None) => format!("peers connect to {key}@{at}"),
            (Some(at), Some(port)) => format!(
                "it listens at {at}; peers connect to {key}@HOST:{port}, where HOST is the router's address"
            ),
            (None, _) => format!("it takes no connections (see --listen); its key is {key}"),
        };
        let human = format!("node running on {network} chain {id}; {reached}");
        context.output.record("node-started", fields, &human)
    }
}
