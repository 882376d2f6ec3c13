//! Two ends over loopback; strangers, other programs, and a middlebox that alters bytes.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sotto_link::pinned::{self, ChannelConfig, LinkError, Listener, Pinned, Timeouts};
use sotto_link::{Identity, PeerKey};

const USE: &str = "link-test/1";
const SECONDS: Duration = Duration::from_secs(20);
const TIMEOUTS: Timeouts = Timeouts { connect: SECONDS, handshake: SECONDS, idle: SECONDS, total: SECONDS };
/// For timeouts that must expire.
const BRIEF: Duration = Duration::from_millis(300);
const BRIEF_TIMEOUTS: Timeouts = Timeouts { connect: BRIEF, handshake: BRIEF, ..TIMEOUTS };
/// Long enough for a handshake on a busy machine, short enough to wait for.
const MODERATE: Duration = Duration::from_secs(3);
const MODERATE_TIMEOUTS: Timeouts = Timeouts { connect: MODERATE, ..TIMEOUTS };

fn identity(n: u8) -> Identity {
    Identity::from_seed(&[n; 32])
}

fn key(n: u8) -> PeerKey {
    identity(n).peer_key()
}

/// Party `us` connects to an address where party `peer` should be.
fn connect(address: &str, us: u8, peer: u8, timeouts: Timeouts) -> Result<Pinned, LinkError> {
    let us = identity(us);
    pinned::connect(address, &ChannelConfig { us: &us, peer: key(peer), purpose: USE, timeouts })
}

/// Party 1 listens for `peers` on a thread. Returns the address and the result.
fn listen(peers: &[u8], timeouts: Timeouts) -> (String, JoinHandle<Result<Pinned, LinkError>>) {
    let peers: Vec<_> = peers.iter().map(|n| key(*n)).collect();
    let mut listener = Listener::bind("127.0.0.1:0", &identity(1), peers, USE).unwrap();
    let address = listener.address().unwrap().to_string();
    (address, thread::spawn(move || listener.accept(timeouts)))
}

/// Parties 2 and 1, connected.
fn pair() -> (Pinned, Pinned) {
    let (address, accepted) = listen(&[2], TIMEOUTS);
    let near = connect(&address, 2, 1, TIMEOUTS).unwrap();
    (near, accepted.join().unwrap().unwrap())
}

#[test]
fn both_ends_know_each_other_and_share_a_unique_binding() {
    let (mut a, mut b) = pair();
    assert_eq!((a.peer(), b.peer()), (key(1), key(2)));
    assert_eq!(a.binding(), b.binding());
    let (c, _d) = pair();
    assert_ne!(a.binding(), c.binding());

    let sent: Vec<u8> = (0..1_000_000u32).map(|i| (i ^ (i >> 7)) as u8).collect();
    let expected = sent.clone();
    let sender = thread::spawn(move || {
        a.write_all(&sent).unwrap();
        let mut answer = [0; 2];
        a.read_exact(&mut answer).unwrap();
        a.close().unwrap();
        answer
    });
    let mut received = vec![0; expected.len()];
    b.read_exact(&mut received).unwrap();
    assert!(received == expected);
    b.write_all(b"ok").unwrap();
    assert_eq!(&sender.join().unwrap(), b"ok");
    assert_eq!(b.read(&mut [0]).unwrap(), 0, "a closed channel ends without an error");
}

#[test]
fn messages_arrive_whole_and_within_their_bound() {
    let (mut a, mut b) = pair();
    for message in [&b"seven by"[..], b"", &[7; 100_000]] {
        a.send_message(message).unwrap();
        assert_eq!(b.receive_message(100_000).unwrap(), message);
    }
    a.send_message(b"nine byte").unwrap();
    assert_eq!(b.receive_message(8).unwrap_err().kind(), ErrorKind::InvalidData);
}

#[test]
fn an_end_without_close_notify_is_an_error() {
    let (a, mut b) = pair();
    drop(a);
    assert_eq!(b.read(&mut [0]).unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn another_server_key_is_refused_and_named() {
    let (address, accepted) = listen(&[2], MODERATE_TIMEOUTS);
    let refused = connect(&address, 2, 3, TIMEOUTS);
    assert_eq!(refused.unwrap_err(), LinkError::WrongKey { shown: key(1) });
    assert_eq!(accepted.join().unwrap().unwrap_err(), LinkError::NotAccepted);
}

#[test]
fn an_unknown_client_is_refused_and_both_ends_know_why() {
    let (address, accepted) = listen(&[2, 3], MODERATE_TIMEOUTS);
    let refused = connect(&address, 4, 1, TIMEOUTS);
    assert_eq!(refused.unwrap_err(), LinkError::NotAccepted);
    assert_eq!(accepted.join().unwrap().unwrap_err(), LinkError::WrongKey { shown: key(4) });
}

#[test]
fn another_purpose_is_refused() {
    let (address, accepted) = listen(&[2], MODERATE_TIMEOUTS);
    let us = identity(2);
    let other = ChannelConfig { us: &us, peer: key(1), purpose: "another/1", timeouts: TIMEOUTS };
    let refused = pinned::connect(&address, &other);
    assert!(matches!(refused, Err(LinkError::Incompatible(_))));
    assert!(matches!(accepted.join().unwrap(), Err(LinkError::Incompatible(_))));
}

#[test]
fn another_program_is_refused() {
    let (address, accepted) = listen(&[2], MODERATE_TIMEOUTS);
    let mut browser = TcpStream::connect(&address).unwrap();
    browser.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert!(matches!(accepted.join().unwrap(), Err(LinkError::Incompatible(_))));

    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap().to_string();
    let talker =
        thread::spawn(move || server.accept().unwrap().0.write_all(b"220 mail ready, what do you want\r\n"));
    let refused = connect(&address, 2, 1, TIMEOUTS);
    assert!(matches!(refused, Err(LinkError::Incompatible(_) | LinkError::Closed)), "{refused:?}");
    talker.join().unwrap().unwrap();
}

#[test]
fn an_absent_or_silent_peer_is_a_timeout() {
    let (address, accepted) = listen(&[2], BRIEF_TIMEOUTS);
    assert_eq!(accepted.join().unwrap().unwrap_err(), LinkError::TimedOut);
    let refused = connect(&address, 2, 1, BRIEF_TIMEOUTS);
    assert_eq!(refused.unwrap_err(), LinkError::Unreachable { address, kind: ErrorKind::ConnectionRefused });

    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    assert_eq!(connect(&address, 2, 1, BRIEF_TIMEOUTS).unwrap_err(), LinkError::TimedOut);
}

#[test]
fn a_silent_peer_and_a_long_session_time_out() {
    for timeouts in [Timeouts { idle: MODERATE, ..TIMEOUTS }, Timeouts { total: BRIEF, ..TIMEOUTS }] {
        let (address, accepted) = listen(&[2], TIMEOUTS);
        let mut a = connect(&address, 2, 1, timeouts).unwrap();
        let _b = accepted.join().unwrap().unwrap();
        assert_eq!(a.read(&mut [0]).unwrap_err().kind(), ErrorKind::TimedOut);
    }
}

#[test]
fn strangers_do_not_keep_a_peer_waiting() {
    let (address, accepted) = listen(&[2], TIMEOUTS);
    let _strangers: Vec<_> = (0..10).map(|_| TcpStream::connect(&address).unwrap()).collect();
    connect(&address, 2, 1, TIMEOUTS).unwrap();
    assert_eq!(accepted.join().unwrap().unwrap().peer(), key(2));
}

#[test]
fn silent_strangers_are_evicted() {
    let (address, accepted) = listen(&[2], TIMEOUTS);
    let _strangers: Vec<_> = (0..40).map(|_| TcpStream::connect(&address).unwrap()).collect();
    thread::sleep(Duration::from_millis(1500));
    let started = Instant::now();
    connect(&address, 2, 1, TIMEOUTS).unwrap();
    assert_eq!(accepted.join().unwrap().unwrap().peer(), key(2));
    assert!(started.elapsed() < SECONDS / 4, "no peer waits for the end of a stranger's handshake");
}

#[test]
fn a_byte_altered_in_transit_is_detected() {
    let (address, accepted) = listen(&[2], TIMEOUTS);
    let between = TcpListener::bind("127.0.0.1:0").unwrap();
    let detour = between.local_addr().unwrap().to_string();
    let middlebox = thread::spawn(move || {
        let near = between.accept().unwrap().0;
        let far = TcpStream::connect(address).unwrap();
        let back = (far.try_clone().unwrap(), near.try_clone().unwrap());
        thread::spawn(move || forward(back.0, back.1, |_| {}));
        // The last byte of the record with the message.
        forward(near, far, |record| {
            if record.len() < 100 && record[0] == 0x17 {
                *record.last_mut().unwrap() ^= 1;
            }
        });
    });
    let mut a = connect(&detour, 2, 1, TIMEOUTS).unwrap();
    let mut b = accepted.join().unwrap().unwrap();
    a.write_all(b"a word").unwrap();
    let e = b.read(&mut [0; 6]).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::InvalidData);
    assert_eq!(LinkError::from(e), LinkError::Altered);
    assert_eq!(LinkError::from(a.read(&mut [0]).unwrap_err()), LinkError::Altered, "the sender is notified");
    drop((a, b));
    middlebox.join().unwrap();
}

/// Forwards bytes, `change`d, until either side closes.
fn forward(mut from: TcpStream, mut to: TcpStream, change: impl Fn(&mut [u8])) {
    let mut buffer = [0; 1 << 16];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        change(&mut buffer[..n]);
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
}

/// An open listener takes any key, but each client has to prove the one that it shows.
#[test]
fn an_open_listener_names_the_key_of_each_client() {
    let mut listener = Listener::bind_open("127.0.0.1:0", &identity(1), USE).unwrap();
    let address = listener.address().unwrap().to_string();
    let accepted = thread::spawn(move || [(); 2].map(|()| listener.accept(TIMEOUTS).map(|c| c.peer())));
    let clients = [2, 3].map(|n| connect(&address, n, 1, TIMEOUTS).unwrap());
    let seen = accepted.join().unwrap().map(Result::unwrap);
    assert_eq!(seen, [key(2), key(3)]);
    drop(clients);
}
