//! Two millionaires in two processes: who is richer?
//!
//! ```text
//! cargo run --release -p sotto-mpc --example millionaires                  both parties, in threads
//! cargo run --release -p sotto-mpc --example millionaires alice 7000000    terminal 1: garbles, listens
//! cargo run --release -p sotto-mpc --example millionaires bob 5000000      terminal 2: evaluates, connects
//! ```
//!
//! The parties talk over plain TCP on this machine. Between machines, put an encrypted stream into `Framed`
//! instead.

#![allow(clippy::print_stdout)]

use std::error::Error;

use rand_core::OsRng;
use sotto_mpc::edge::tcp::{Exposure, Listener, Timeouts, connect};
use sotto_mpc::gadgets::Comparison;
use sotto_mpc::{Bits, Evaluator, Fancy, Garbler, Inputs, Program, ProgramName, Reveal, Shape, Terms, Words};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const ADDRESS: &str = "127.0.0.1:7000";
const WIDTH: usize = 64;

/// Whether the garbler's fortune is larger than the evaluator's.
struct Millionaires;

impl Program for Millionaires {
    fn name(&self) -> ProgramName {
        ProgramName::literal("millionaires@1")
    }

    fn shape(&self) -> Shape {
        Shape::two_party(WIDTH, WIDTH, 1)
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        // Input stream 0 belongs to the garbler, stream 1 to the evaluator.
        let (x, y) = (inputs.read(f, 0, WIDTH)?, inputs.read(f, 1, WIDTH)?);
        outputs.extend(f.greater(&Words::single(&x), &Words::single(&y))?);
        Ok(())
    }
}

/// Alice listens and garbles.
fn alice(listener: Listener, fortune: u64) -> Outcome<bool> {
    let channel = listener.accept(Timeouts::default())?;
    let terms = Terms::new(Reveal::Both);
    // Each step consumes the session and returns it in its next state, so no step can be skipped.
    let session = Garbler::new(channel, &Millionaires, terms).hello(&mut OsRng)?.set_up(&mut OsRng)?;
    let (session, output) = session.execute(&Bits::from_number(fortune.into(), WIDTH), &mut OsRng)?;
    let traffic = session.close().traffic();
    println!("Alice sent {} bytes and received {}.", traffic.sent, traffic.received);
    Ok(output == Some(vec![true]))
}

/// Bob connects and evaluates.
fn bob(address: impl std::net::ToSocketAddrs, fortune: u64) -> Outcome<bool> {
    let channel = connect(address, Exposure::Loopback, Timeouts::default())?;
    let terms = Terms::new(Reveal::Both);
    let session = Evaluator::new(channel, &Millionaires, terms).hello(&mut OsRng)?.set_up(&mut OsRng)?;
    let (_, output) = session.execute(&Bits::from_number(fortune.into(), WIDTH))?;
    Ok(output == Some(vec![true]))
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let alice_is_richer = match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["alice", fortune] => alice(Listener::bind(ADDRESS, Exposure::Loopback)?, fortune.parse()?)?,
        ["bob", fortune] => bob(ADDRESS, fortune.parse()?)?,
        _ => {
            let listener = Listener::bind("127.0.0.1:0", Exposure::Loopback)?;
            let address = listener.address()?;
            let evaluating = std::thread::spawn(move || bob(address, 5_000_000));
            let garbled = alice(listener, 7_000_000)?;
            let evaluated = evaluating.join().map_err(|_| "Bob's thread panicked")??;
            assert_eq!(garbled, evaluated, "both learn the same bit");
            garbled
        }
    };
    println!("{} is richer.", if alice_is_richer { "Alice" } else { "Bob" });
    Ok(())
}
