//! Real nodes in one process, over sockets on loopback: they find each other, agree, and withstand any
//! client.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the functions that tests share fail as tests do")]

use core::{net::SocketAddr, num::NonZeroU16, time::Duration};
use sotto_link::{
    Identity,
    web::{Certificate, Cover, Endpoint, Page, Session},
};
use sotto_mw::{
    amount::{Amount, Height},
    block::{Block, Reward},
    chain::Params,
    codec::{Decode, Encode},
    kernel::KernelFeatures,
    output::OutputFeatures,
    testing::TestChain,
    transaction::Transaction,
};
use sotto_node::{
    config::Config,
    edge::{
        daemon::{Daemon, Setup, StartError},
        event_loop::channel,
        net::{self, ListenSetup, Net},
    },
    effect::{Refusal, Response, Status},
    event::{Event, Request},
    ledger::Ledger,
    message::Message,
    peer::{Address, DialError, Direction, PeerId, PeerKey},
    seal::OperatorKey,
};
use std::{
    path::Path,
    sync::mpsc::{Receiver, TryRecvError},
    thread,
    time::Instant,
};
use tempfile::TempDir;

/// A generous timeout: expected events come much sooner.
const PATIENCE: Duration = Duration::from_secs(120);

fn identity(n: u8) -> Identity {
    Identity::from_seed(&[n; 32])
}

fn address(n: u8, at: SocketAddr) -> Address {
    Address { at, key: PeerKey(*identity(n).peer_key().as_bytes()) }
}

fn listen_setup() -> ListenSetup {
    let (at, page) = (SocketAddr::from(([127, 0, 0, 1], 0)), Page::default());
    ListenSetup { at, outside: None, certificate: Certificate::generate(&["localhost"]).unwrap(), page }
}

fn sockets(n: u8) -> net::Setup {
    let (identity, listen) = (identity(n), Some(listen_setup()));
    net::Setup { identity, listen, inbound: 8, from_one: 8, cover: Cover::Sparse }
}

/// A chain in a directory, with these first blocks.
fn chain(dir: &Path, params: &Params, blocks: &[Block]) -> Ledger {
    let mut ledger = Ledger::create(&dir.join("chain"), params.clone()).unwrap();
    blocks.iter().for_each(|b| drop(ledger.connect(b.clone()).unwrap()));
    ledger
}

/// A node that knows these addresses, with stems of a second at most.
fn start(n: u8, dir: &Path, ledger: Ledger, seeds: &[Address], key: Option<OperatorKey>) -> Daemon {
    let mut config = Config::new(PeerKey([0; 32]));
    config.seeds = seeds.to_vec();
    let (hop, epoch) = (Duration::from_millis(10), Duration::from_secs(60));
    config.dandelion = sotto_dandelion::Params::new(0.3, hop, 0.1, epoch).unwrap();
    let setup =
        Setup { config, net: sockets(n), rpc: None, dir: dir.join("node"), validator: None, recovered: None };
    Daemon::start(setup, ledger, key).unwrap()
}

fn status(node: &Daemon) -> Status {
    match node.handle().ask(Request::Status) {
        Ok(Response::Status(status)) => status,
        other => panic!("no status: {other:?}"),
    }
}

fn wait_for(what: &str, happened: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < end, "{what} never happened");
        thread::sleep(Duration::from_millis(20));
    }
}

fn stop(node: Daemon) {
    assert!(matches!(node.handle().ask(Request::Stop), Ok(Response::Done)));
    node.wait().unwrap();
}

/// The operator's node seals its mempool.
fn seal(node: &Daemon, test_chain: &mut TestChain) {
    let Ok(Response::Draft { height, due, .. }) = node.handle().ask(Request::Draft) else {
        panic!("no draft")
    };
    let reward = Box::new(reward(test_chain, height, due));
    let sealed = node.handle().ask(Request::Seal { reward, time: 1_800_000_000 });
    assert!(matches!(sealed, Ok(Response::Sealed(_))), "{sealed:?}");
}

fn reward(test_chain: &mut TestChain, height: Height, due: Amount) -> Reward {
    let coinbase = test_chain.output_as(OutputFeatures::Coinbase, due.units());
    let kernel = test_chain.kernel(KernelFeatures::Coinbase { height }, &coinbase.blinding);
    Reward { output: coinbase.output, kernel }
}

fn test_chain() -> (TestChain, Transaction) {
    let mut test_chain = TestChain::new(11);
    let coin = test_chain.grow(Vec::new());
    test_chain.mature();
    let (payment, _) = test_chain.pay(&[&coin], &[5]);
    (test_chain, payment)
}

#[test]
fn three_nodes_find_each_other_and_agree() {
    let (mut test_chain, payment) = test_chain();
    let params = test_chain.chain().params().clone();
    let dirs: [TempDir; 3] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    let key = || OperatorKey::from_secret(test_chain.operator().clone());
    let first =
        start(1, dirs[0].path(), chain(dirs[0].path(), &params, test_chain.blocks()), &[], Some(key()));
    let seed = address(1, first.address().unwrap());
    let others = [1, 2].map(|n: u8| {
        let dir = dirs[usize::from(n)].path();
        start(n + 1, dir, chain(dir, &params, &[]), &[seed], None)
    });
    let nodes: Vec<&Daemon> = [&first].into_iter().chain(&others).collect();
    let agreed = || nodes.windows(2).all(|pair| status(pair[0]).tip == status(pair[1]).tip);
    wait_for("synchronisation", agreed);
    wait_for("meeting", || nodes.iter().all(|n| status(n).connections.0 > 0));

    let submitted = others[1].handle().ask(Request::Submit(Box::new(payment)));
    assert!(matches!(submitted, Ok(Response::Submitted(_))), "{submitted:?}");
    wait_for("fluff", || nodes.iter().all(|n| status(n).pending == 1));
    let before = status(&first).tip.height;
    seal(&first, &mut test_chain);
    wait_for("the block", || agreed() && status(&others[0]).tip.height == before.next());
    assert!(nodes.iter().all(|n| status(n).pending == 0));

    // A node that restarts without seeds still knows the others at their old addresses.
    let [second, third] = others;
    stop(third);
    seal(&first, &mut test_chain);
    let ledger = Ledger::open(&dirs[2].path().join("chain")).unwrap();
    let third = start(3, dirs[2].path(), ledger, &[], None);
    wait_for("catching up", || status(&third).tip.height == before.plus(2));
    [first, second, third].into_iter().for_each(stop);
    let tips = dirs.each_ref().map(|d| Ledger::open(&d.path().join("chain")).unwrap().tip().hash());
    assert!(tips.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_directory_has_one_node_and_a_stopped_one_answers_no_request() {
    let (mut test_chain, _) = test_chain();
    let dir = tempfile::tempdir().unwrap();
    let node = start(1, dir.path(), chain(dir.path(), test_chain.chain().params(), &[]), &[], None);
    assert!(Ledger::open(&dir.path().join("chain")).is_err(), "it is locked");
    let draft = node.handle().ask(Request::Draft);
    assert!(matches!(draft, Ok(Response::Draft { .. })), "{draft:?}");
    let reward = Box::new(reward(&mut test_chain, Height::new(1), Amount::ZERO));
    let sealed = node.handle().ask(Request::Seal { reward, time: 0 });
    assert!(matches!(sealed, Ok(Response::Refused(Refusal::NoKey))), "{sealed:?}");
    let handle = node.handle().clone();
    stop(node);
    assert!(handle.ask(Request::Status).is_err());
    assert!(Ledger::open(&dir.path().join("chain")).is_ok());
}

/// On a chain with a pace the operator's node does not seal a block whose time would lie ahead of the clock.
#[test]
fn a_node_seals_no_faster_than_the_pace() {
    let mut test_chain = TestChain::with(12, |p| p.pace = 60);
    test_chain.grow(Vec::new());
    let (dir, key) = (tempfile::tempdir().unwrap(), OperatorKey::from_secret(test_chain.operator().clone()));
    let node = start(
        1,
        dir.path(),
        chain(dir.path(), test_chain.chain().params(), test_chain.blocks()),
        &[],
        Some(key),
    );
    let Ok(Response::Draft { height, due, .. }) = node.handle().ask(Request::Draft) else {
        panic!("no draft")
    };
    let earliest = test_chain.blocks().last().unwrap().header.time + 60;
    let reward = Box::new(reward(&mut test_chain, height, due));
    let seal = |time| node.handle().ask(Request::Seal { reward: reward.clone(), time });
    let early = seal(earliest - 6);
    assert!(matches!(early, Ok(Response::Refused(Refusal::TooEarly(why))) if why.wait == 1), "{early:?}");
    // A few seconds ahead of the clock is soon enough; the block has the earliest time.
    let sealed = seal(earliest - 5);
    assert!(matches!(sealed, Ok(Response::Sealed(_))), "{sealed:?}");
    assert_eq!(status(&node).time, earliest);
    stop(node);
}

/// With a read-only folder, submissions are refused, because they would be lost with the process.
#[test]
fn a_submission_that_cannot_be_saved_is_refused() {
    let (test_chain, payment) = test_chain();
    let dir = tempfile::tempdir().unwrap();
    let node =
        start(1, dir.path(), chain(dir.path(), test_chain.chain().params(), test_chain.blocks()), &[], None);
    let submit = || node.handle().ask(Request::Submit(Box::new(payment.clone()))).unwrap();
    // A folder in place of the file that is written first.
    let obstacle = dir.path().join("node/local_txs.draft");
    std::fs::create_dir(&obstacle).unwrap();
    assert!(matches!(submit(), Response::Refused(Refusal::NotSaved)));
    std::fs::remove_dir(&obstacle).unwrap();
    assert!(matches!(submit(), Response::Submitted(_)));
    assert!(std::fs::metadata(dir.path().join("node/local_txs")).unwrap().len() > 600, "it is saved by then");
    stop(node);
}

/// A peer that the test controls, with its own runtime.
fn as_peer<T>(act: impl AsyncFnOnce() -> T) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(act())
}

/// The next event, while the peer's connections continue.
async fn next(happened: &Receiver<Event>) -> Event {
    loop {
        match happened.try_recv() {
            Ok(event) => return event,
            Err(TryRecvError::Empty) => tokio::time::sleep(Duration::from_millis(2)).await,
            Err(TryRecvError::Disconnected) => panic!("nothing happens any more"),
        }
    }
}

async fn visit(n: u8, test_chain: &TestChain, host: (u8, SocketAddr)) -> Session {
    let endpoint = Endpoint::new(&identity(n), test_chain.chain().id().as_bytes());
    endpoint.connect(&host.1.to_string(), identity(host.0).peer_key()).await.unwrap()
}

/// A node advertises the port of the router that forwards to it.
#[test]
fn a_node_behind_a_router_advertises_the_router_s_port() {
    let (test_chain, _) = test_chain();
    for outside in [None, NonZeroU16::new(443)] {
        let dir = tempfile::tempdir().unwrap();
        let ledger = chain(dir.path(), test_chain.chain().params(), &[]);
        let net = net::Setup { listen: Some(ListenSetup { outside, ..listen_setup() }), ..sockets(1) };
        let config = Config::new(PeerKey([0; 32]));
        let setup =
            Setup { config, net, rpc: None, dir: dir.path().join("node"), validator: None, recovered: None };
        let node = Daemon::start(setup, ledger, None).unwrap();
        let at = node.address().unwrap();
        let told =
            as_peer(async || visit(2, &test_chain, (1, at)).await.receiver.next().await.unwrap().unwrap());
        let Ok(Message::Hello(hello)) = Message::from_bytes(&told) else { panic!("no hello") };
        assert_eq!(hello.listen_port, Some(outside.map_or(at.port(), NonZeroU16::get)));
        stop(node);
    }
}

/// The operator's key of another chain is refused at the start.
#[test]
fn a_foreign_operator_does_not_start() {
    let (test_chain, _) = test_chain();
    let dir = tempfile::tempdir().unwrap();
    let ledger = chain(dir.path(), test_chain.chain().params(), &[]);
    let setup = Setup {
        config: Config::new(PeerKey([0; 32])),
        net: sockets(1),
        rpc: None,
        dir: dir.path().join("node"),
        validator: None,
        recovered: None,
    };
    let foreign = OperatorKey::from_secret(TestChain::new(12).operator().clone());
    assert!(matches!(Daemon::start(setup, ledger, Some(foreign)), Err(StartError::ForeignKey(_))));
    assert!(!dir.path().join("node").exists());
}

#[test]
fn garbage_costs_only_its_sender_the_connection() {
    let (test_chain, _) = test_chain();
    let dir = tempfile::tempdir().unwrap();
    let node =
        start(1, dir.path(), chain(dir.path(), test_chain.chain().params(), test_chain.blocks()), &[], None);
    let at = node.address().unwrap();
    as_peer(async || {
        for garbage in [&b""[..], &[0xff; 3_000], &[1, 5, 0]] {
            let mut peer = visit(2 + garbage.len() as u8, &test_chain, (1, at)).await;
            peer.sender.try_send(garbage).unwrap();
            // It sends a hello and closes.
            while let Ok(Some(_)) = peer.receiver.next().await {}
        }
        let banned = visit(2, &test_chain, (1, at)).await;
        let mut receiver = banned.receiver;
        assert!(!matches!(receiver.next().await, Ok(Some(_))), "a banned peer gets no hello");
        assert!(
            visit(9, &test_chain, (1, at)).await.receiver.next().await.unwrap().is_some(),
            "others get one"
        );
    });
    assert_eq!(status(&node).tip.height, test_chain.blocks().last().unwrap().header.height);
    stop(node);
}

#[test]
fn a_peer_that_does_not_read_is_disconnected() {
    let (test_chain, _) = test_chain();
    let (events, happened) = channel();
    let net = Net::open(sockets(1), test_chain.chain().id(), events).unwrap();
    as_peer(async || {
        let _deaf = visit(2, &test_chain, (1, net.address().unwrap())).await;
        let Event::Connected { peer, direction: Direction::Inbound(_), .. } = next(&happened).await else {
            panic!("not connected")
        };
        let block = test_chain.blocks()[0].clone();
        let message =
            Message::Block { sealed: sotto_node::seal::SealedHeader::of(&block), body: vec![0; 1 << 20] };
        (0..200).for_each(|_| net.send(peer, &message));
        assert!(matches!(next(&happened).await, Event::Disconnected(gone) if gone == peer));
        net.send(peer, &message);
        net.send(PeerId(77), &message);
    });
}

#[test]
fn inbound_connections_are_limited() {
    let (test_chain, _) = test_chain();
    let (events, happened) = channel();
    let setup = net::Setup { inbound: 1, ..sockets(1) };
    let net = Net::open(setup, test_chain.chain().id(), events).unwrap();
    let at = net.address().unwrap();
    as_peer(async || {
        let first = visit(2, &test_chain, (1, at)).await;
        let Event::Connected { peer, .. } = next(&happened).await else { panic!("not connected") };
        let mut second = visit(3, &test_chain, (1, at)).await;
        assert!(!matches!(second.receiver.next().await, Ok(Some(_))), "it is refused");
        first.sender.try_send(Message::Ping(7).to_bytes()).unwrap();
        let Event::Frame { peer: from, bytes } = next(&happened).await else { panic!("no frame") };
        assert_eq!((from, bytes), (peer, Message::Ping(7).to_bytes()));
        net.close(peer);
        let mut receiver = first.receiver;
        assert!(!matches!(receiver.next().await, Ok(Some(_))), "it is closed");
        let third = visit(4, &test_chain, (1, at)).await;
        assert!(matches!(next(&happened).await, Event::Connected { .. }), "there is room again");
        drop(third);
        assert!(matches!(next(&happened).await, Event::Disconnected(_)));
    });
}

/// A connection that is not made is an event that says why.
#[test]
fn a_failed_connection_says_why() {
    let (test_chain, _) = test_chain();
    let (events, happened) = channel();
    let net = Net::open(net::Setup { listen: None, ..sockets(1) }, test_chain.chain().id(), events).unwrap();
    assert_eq!(net.address(), None);
    // A port that was free a moment ago; a node of this chain, and one of another.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let here = Net::open(sockets(2), test_chain.chain().id(), channel().0).unwrap();
    let other = Net::open(sockets(3), TestChain::new(99).chain().id(), channel().0).unwrap();
    let (here, other) = (&here.address().unwrap(), &other.address().unwrap());
    for (address, expected) in [
        (address(2, free), DialError::Refused),
        (Address { at: free, key: PeerKey([0; 32]) }, DialError::OtherKey),
        (address(4, *here), DialError::OtherKey),
        (address(3, *other), DialError::OtherChain),
    ] {
        net.dial(address);
        match happened.recv().unwrap() {
            Event::DialFailed(at, why) => assert_eq!((at, why), (address, expected)),
            event => panic!("{event:?}"),
        }
    }
}
