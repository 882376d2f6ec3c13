//! A relay that breaks something on its way: how the demo shows that it can fail.
//!
//! It stands between evaluator and garbler on loopback and passes frames on (phase code ‖ length (4, LE) ‖ payload); in the
//! first frame of one phase it inverts every byte.

use sotto_mpc::Phase;
use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    thread,
};

/// Listens on loopback and joins whoever comes to `garbler`, spoiling the garbler's first frame of `phase`.
pub(super) fn start(garbler: SocketAddr, phase: Phase) -> io::Result<SocketAddr> {
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
        // Who hung up on one side has hung up on the other.
        let passed = pass_frames(&mut garbler, &mut evaluator, phase);
        evaluator.shutdown(Shutdown::Write).and(passed)
    });
    Ok(address)
}

fn pass_frames(from: &mut TcpStream, to: &mut TcpStream, spoil: Phase) -> io::Result<()> {
    let mut spoilt = false;
    loop {
        let mut header = [0; 5];
        from.read_exact(&mut header)?;
        let [code, length @ ..] = header;
        let mut payload = vec![0; u32::from_le_bytes(length).min(1 << 24) as usize];
        from.read_exact(&mut payload)?;
        if code == spoil.code() && !spoilt {
            payload.iter_mut().for_each(|b| *b = !*b);
            spoilt = true;
        }
        to.write_all(&header)?;
        to.write_all(&payload)?;
    }
}
