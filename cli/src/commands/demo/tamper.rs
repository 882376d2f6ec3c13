//! A proxy that alters messages between the two hospitals, to show that the demo can fail.
//!
//! It sits between evaluator and garbler on loopback and forwards frames (phase code ‖ length (4, LE) ‖
//! payload). In the garbler's first frame of one phase it inverts every byte.

use sotto_mpc::Phase;
use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    thread,
};

/// Listens on loopback, connects the first client to `garbler`, and alters the garbler's first frame of
/// `phase`.
pub(crate) fn start(garbler: SocketAddr, phase: Phase) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || -> io::Result<()> {
        let (mut evaluator, _) = listener.accept()?;
        let mut garbler = TcpStream::connect(garbler)?;
        let (mut from, mut to) = (evaluator.try_clone()?, garbler.try_clone()?);
        thread::spawn(move || {
            let copied = io::copy(&mut from, &mut to);
            to.shutdown(Shutdown::Write).and(copied)
        });
        // When one side closes its connection, close the other one too.
        let forwarded = forward(&mut garbler, &mut evaluator, phase);
        evaluator.shutdown(Shutdown::Write).and(forwarded)
    });
    Ok(address)
}

fn forward(from: &mut TcpStream, to: &mut TcpStream, alter: Phase) -> io::Result<()> {
    let mut altered = false;
    loop {
        let mut header = [0; 5];
        from.read_exact(&mut header)?;
        let [code, length @ ..] = header;
        let mut payload = vec![0; u32::from_le_bytes(length).min(1 << 24) as usize];
        from.read_exact(&mut payload)?;
        if code == alter.code() && !altered {
            payload.iter_mut().for_each(|b| *b = !*b);
            altered = true;
        }
        to.write_all(&header)?;
        to.write_all(&payload)?;
    }
}
