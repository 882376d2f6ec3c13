//! How fast three parties and more compute together on this machine, with malicious security (experimental).
//!
//! ```text
//! cargo run --release -p sotto-mpc --example parties -- 3 300
//! ```
//!
//! The first number is that of the parties, the second that of thousands of AND gates. All parties are in
//! this process, on a thread each, over channels in memory: on a machine with fewer processors than parties
//! the processors bound the rate.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::time::Instant;

use rand_core::OsRng;
use sotto_mpc::calibrate::Layers;
use sotto_mpc::protocol::multiparty::{
    ChunkSize, Experimental, Parties, Place, Plan, Settings, run_in_memory,
};
use sotto_mpc::{Bits, Program};

fn main() -> Result<(), Box<dyn Error>> {
    let mut numbers = std::env::args().skip(1);
    let parties: u8 = numbers.next().as_deref().unwrap_or("3").parse()?;
    let thousands: usize = numbers.next().as_deref().unwrap_or("20").parse()?;
    let parties = Parties::new(parties).ok_or("expected 3 to 8 parties")?;
    let program = Layers { lanes: 1000, pairs: thousands.div_ceil(2) };
    let places: Vec<Place> = parties.places().collect();
    // The first two parties hold the inputs, all learn the outputs.
    let plan = Plan::new(Experimental, parties, &places[..2], &places)?;
    let plan = plan.with_settings(Settings::default().with_chunk(ChunkSize::SMALL));
    let mut inputs: Vec<Bits> =
        program.shape().input_streams.iter().map(|s| Bits::from_number(1, s.bits)).collect();
    inputs.resize(parties.number(), Bits::default());
    let (start, mut rngs) = (Instant::now(), vec![OsRng; parties.number()]);
    let output = run_in_memory(&program, &plan, &inputs, &mut rngs)?;
    let seconds = start.elapsed().as_secs_f64();
    let gates = program.gates();
    println!(
        "{} outputs of {gates} AND gates in {seconds:.1} s: {:.0} a second",
        output.len(),
        gates as f64 / seconds
    );
    Ok(())
}
