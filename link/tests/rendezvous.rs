//! Two parties that only make outgoing connections; strangers, quotas, and malicious servers.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use sotto_link::pinned::{LinkError, Listener, Pinned, Timeouts};
use sotto_link::rendezvous::{self, ChannelConfig, Config, Quotas, Rendezvous};
use sotto_link::{Identity, PeerKey};

const USE: &str = "link-test/1";
const SECONDS: Duration = Duration::from_secs(20);
const TIMEOUTS: Timeouts = Timeouts { connect: SECONDS, handshake: SECONDS, idle: SECONDS, total: SECONDS };

fn identity(n: u8) -> Identity {
    Identity::from_seed(&[n; 32])
}

fn key(n: u8) -> PeerKey {
    identity(n).peer_key()
}

/// A server of party 9 for parties 1, 2 and 3, as long as the test lasts.
fn server(quotas: Quotas) -> Rendezvous {
    let (report, address) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let allowed = [key(1), key(2), key(3)].into();
        let listening = |address| report.send(address).unwrap();
        let config = Config { identity: &identity(9), allowed, quotas };
        rendezvous::run("127.0.0.1:0", config, listening, |_| {}).unwrap();
    });
    Rendezvous { address: address.recv().unwrap().to_string(), server: key(9), id: [5; 32] }
}

/// Party `us` meets party `peer`.
fn meet(at: &Rendezvous, us: u8, peer: u8) -> Result<Pinned, LinkError> {
    let us = identity(us);
    rendezvous::meet(at, &ChannelConfig { us: &us, peer: key(peer), purpose: USE, timeouts: TIMEOUTS })
}

fn pair(at: &Rendezvous) -> (Result<Pinned, LinkError>, Result<Pinned, LinkError>) {
    thread::scope(|scope| {
        let near = scope.spawn(|| meet(at, 1, 2));
        let far = meet(at, 2, 1);
        (near.join().unwrap(), far)
    })
}

#[test]
fn two_parties_that_dial_out_have_an_end_to_end_channel() {
    let at = server(Quotas::default());
    let (a, b) = pair(&at);
    let (mut a, mut b) = (a.unwrap(), b.unwrap());
    assert_eq!((a.peer(), b.peer()), (key(2), key(1)));
    assert_eq!(a.binding(), b.binding());
    let sent = vec![7; 300_000];
    let sender = thread::spawn(move || {
        a.write_all(&sent).unwrap();
        a.close().unwrap();
    });
    let mut received = Vec::new();
    b.read_to_end(&mut received).unwrap();
    assert_eq!(received, vec![7; 300_000]);
    sender.join().unwrap();
}

#[test]
fn strangers_and_servers_with_another_key_are_refused() {
    let at = server(Quotas::default());
    assert_eq!(meet(&at, 4, 1).unwrap_err(), LinkError::NotAccepted);
    let other = Rendezvous { server: key(8), ..at };
    let shown = key(9);
    assert_eq!(meet(&other, 1, 2).unwrap_err(), LinkError::WrongServerKey { shown });
}

#[test]
fn no_party_takes_the_place_of_another() {
    let at = server(Quotas { pending: Duration::from_millis(500), ..Quotas::default() });
    thread::scope(|scope| {
        // Party 3 knows the meeting and requests party 1, which waits for party 2.
        let thief = scope.spawn(|| meet(&at, 3, 1).unwrap_err());
        let absent = LinkError::NotConnected("the other party did not come");
        assert_eq!(meet(&at, 1, 2).unwrap_err(), absent);
        assert_eq!(thief.join().unwrap(), absent);
    });
}

#[test]
fn the_connections_of_a_key_are_limited() {
    let at = server(Quotas { each: 0, ..Quotas::default() });
    let refused = LinkError::NotConnected("too many connections of our key");
    assert_eq!(meet(&at, 1, 2).unwrap_err(), refused);

    let at = server(Quotas { each: 1, ..Quotas::default() });
    let (a, b) = pair(&at);
    let (_a, _b) = (a.unwrap(), b.unwrap());
    // Both parties have used their quota as long as the pair lasts.
    for (us, other) in [(1, 2), (2, 1)] {
        assert_eq!(meet(&at, us, other).unwrap_err(), refused);
    }
}

#[test]
fn clients_without_a_key_do_not_block_others() {
    let at = server(Quotas { connections: 4, handshake: SECONDS, ..Quotas::default() });
    let _strangers: Vec<_> = (0..40).map(|_| TcpStream::connect(&at.address).unwrap()).collect();
    thread::sleep(Duration::from_millis(1500));
    let started = Instant::now();
    let (a, b) = pair(&at);
    assert_eq!((a.unwrap().peer(), b.unwrap().peer()), (key(2), key(1)));
    assert!(started.elapsed() < SECONDS / 4, "{:?}", started.elapsed());
}

#[test]
fn the_connections_of_all_keys_are_limited() {
    let at = server(Quotas { connections: 2, ..Quotas::default() });
    let _open = pair(&at);
    let turned_away = meet(&at, 3, 1).unwrap_err();
    assert!(matches!(turned_away, LinkError::NotConnected(_)), "{turned_away}");
}

#[test]
fn the_bytes_of_a_pair_are_limited() {
    let (a, b) = pair(&server(Quotas { bytes: 50_000, ..Quotas::default() }));
    let (mut a, mut b) = (a.unwrap(), b.unwrap());
    let sender = thread::spawn(move || (0..1000).find_map(|_| a.write_all(&[0; 10_000]).err()));
    let mut received = Vec::new();
    assert!(b.read_to_end(&mut received).is_err());
    assert!(received.len() < 50_000, "{} bytes arrived", received.len());
    drop(b);
    assert!(sender.join().unwrap().is_some(), "the sender is notified");
}

/// A server that passes every chunk to `pry`, which may alter it, until the parties disconnect.
fn prying_server(mut pry: impl FnMut(&mut [u8]) + Send + 'static) -> Rendezvous {
    let mut listener =
        Listener::bind("127.0.0.1:0", &identity(9), [key(1), key(2)], "sotto-relay/1").unwrap();
    let address = listener.address().unwrap().to_string();
    thread::spawn(move || {
        let mut ends = [(); 2].map(|()| listener.accept(TIMEOUTS).unwrap());
        for end in &mut ends {
            // The request, whatever it says; then the status that the peer is there.
            let mut request = [0; 65];
            let mut filled = 0;
            while filled < 65 {
                filled += end.read(&mut request[filled..]).unwrap_or(0);
            }
            end.write_all(&[1]).unwrap();
        }
        let mut chunk = vec![0; 1 << 16];
        'carry: loop {
            for from in 0..2 {
                ends[from].set_deadline(Instant::now() + Duration::from_millis(20));
                let read = ends[from].read(&mut chunk);
                ends.iter_mut().for_each(|end| end.set_deadline(Instant::now() + SECONDS));
                match read {
                    Ok(n @ 1..) => {
                        pry(&mut chunk[..n]);
                        if ends[1 - from].write_all(&chunk[..n]).is_err() {
                            break 'carry;
                        }
                    }
                    Err(e) if e.kind() == std::io::ErrorKind::TimedOut => {}
                    _ => break 'carry,
                }
            }
        }
    });
    Rendezvous { address, server: key(9), id: [5; 32] }
}

#[test]
fn a_server_sees_only_ciphertext() {
    let (report, seen) = std::sync::mpsc::channel();
    let (a, b) = pair(&prying_server(move |chunk| report.send(chunk.to_vec()).unwrap()));
    let (mut a, mut b) = (a.unwrap(), b.unwrap());
    let word = b"a word for the other party alone";
    a.write_all(word).unwrap();
    let mut received = [0; 32];
    b.read_exact(&mut received).unwrap();
    assert_eq!(&received, word);
    drop((a, b));
    let seen: Vec<u8> = seen.iter().flatten().collect();
    assert!(seen.len() > 2000, "it saw the handshake: {}", seen.len());
    let shown = |secret: &[u8]| seen.windows(secret.len()).any(|w| w == secret);
    assert!(!shown(word) && !shown(key(1).as_bytes()) && !shown(key(2).as_bytes()));
}

#[test]
fn a_server_that_alters_a_byte_is_detected() {
    // The TLS server's first byte, in a record of its own.
    let alter = |chunk: &mut [u8]| {
        if chunk[0] == 0x17 && chunk.len() < 60 {
            *chunk.last_mut().unwrap() ^= 1;
        }
    };
    let (a, b) = pair(&prying_server(alter));
    let altered = [a, b].into_iter().any(|end| match end {
        Err(e) => e == LinkError::Altered,
        Ok(mut end) => end.read(&mut [0]).is_err_and(|e| LinkError::from(e) == LinkError::Altered),
    });
    assert!(altered);
}
