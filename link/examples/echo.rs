//! An echo server and its client, which know each other by key.
//!
//! `cargo run --release -p sotto-link --example echo`
#![allow(clippy::print_stdout, clippy::indexing_slicing, missing_docs)]

use sotto_link::{
    Identity, LinkError, PeerKey, Timeouts,
    pinned::{self, ChannelConfig},
};
use std::{
    error::Error,
    io::{Read, Write},
    thread,
};

/// Both ends name the purpose of the channel; a client with another purpose is refused.
const PURPOSE: &str = "echo/1";

fn main() -> Result<(), Box<dyn Error>> {
    // In practice, `key_file::create_identity` stores a random identity, and people exchange the public keys.
    let [client, server, stranger] = [1, 2, 3].map(|n| Identity::from_seed(&[n; 32]));
    let server_key = server.peer_key();
    println!("the server's key is {server_key}");

    let listener = pinned::Listener::bind("127.0.0.1:0", &server, [client.peer_key()], PURPOSE)?;
    let address = listener.address()?.to_string();
    let serving = thread::spawn(move || serve(listener));

    if let Err(e) = ask(&address, &stranger, server_key) {
        println!("a stranger: {e}");
    }
    println!("the client: {}", ask(&address, &client, server_key)?);
    serving.join().map_err(|_| "the server panicked")??;
    Ok(())
}

/// Sends back everything that the first accepted client sends.
fn serve(mut listener: pinned::Listener) -> Result<(), LinkError> {
    let mut channel = loop {
        match listener.accept(Timeouts::default()) {
            Ok(channel) => break channel,
            Err(LinkError::TimedOut) => return Err(LinkError::TimedOut),
            Err(e) => println!("refused: {e}"),
        }
    };
    let mut buffer = [0; 1024];
    loop {
        match channel.read(&mut buffer)? {
            0 => return channel.close(),
            n => channel.write_all(&buffer[..n])?,
        }
    }
}

/// Sends a message and returns the echo.
fn ask(address: &str, us: &Identity, server: PeerKey) -> Result<String, LinkError> {
    let config = ChannelConfig { us, peer: server, purpose: PURPOSE, timeouts: Timeouts::default() };
    let mut channel = pinned::connect(address, &config)?;
    channel.write_all(b"hello")?;
    let mut echo = [0; 5];
    channel.read_exact(&mut echo)?;
    channel.close()?;
    Ok(String::from_utf8_lossy(&echo).into_owned())
}
