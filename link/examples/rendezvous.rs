//! Two parties that make only outgoing connections meet at a rendezvous server, which forwards what it cannot
//! read.
//!
//! `cargo run --release -p sotto-link --example rendezvous`
#![allow(clippy::print_stdout, missing_docs)]

use sotto_link::{
    Identity, LinkError, Timeouts,
    rendezvous::{ChannelConfig, Config, Event, Quotas, Rendezvous, meet, run},
};
use std::{
    error::Error,
    io::{Read, Write},
    sync::mpsc,
    thread,
};

fn main() -> Result<(), Box<dyn Error>> {
    let [alice, bob, server] = [1, 2, 9].map(|n| Identity::from_seed(&[n; 32]));
    let (alice_key, bob_key, server_key) = (alice.peer_key(), bob.peer_key(), server.peer_key());

    // The server accepts the two parties and no others. It runs until the process ends.
    let (report, address) = mpsc::channel();
    thread::spawn(move || {
        let listening = move |address| {
            // The receiver waits for it.
            let _ = report.send(address);
        };
        let log = |event| match event {
            Event::Waiting(_, peer) => println!("server: a party waits for {peer}"),
            other => println!("server: {other:?}"),
        };
        let allowed = [alice_key, bob_key].into();
        let config = Config { identity: &server, allowed, quotas: Quotas::default() };
        run("127.0.0.1:0", config, listening, log)
    });
    let address = address.recv()?.to_string();

    // Both parties agree on the identifier beforehand, and each names the other.
    let rendezvous = Rendezvous { address, server: server_key, id: [5; 32] };
    let theirs = rendezvous.clone();
    let (purpose, timeouts) = ("greeting/1", Timeouts::default());
    let bob = thread::spawn(move || -> Result<String, LinkError> {
        let mut channel = meet(&theirs, &ChannelConfig { us: &bob, peer: alice_key, purpose, timeouts })?;
        let mut text = String::new();
        channel.read_to_string(&mut text)?;
        Ok(text)
    });
    let mut channel = meet(&rendezvous, &ChannelConfig { us: &alice, peer: bob_key, purpose, timeouts })?;
    channel.write_all(b"hello, Bob")?;
    channel.close()?;
    println!("bob received: {}", bob.join().map_err(|_| "Bob's thread panicked")??);
    Ok(())
}
