//! `sotto mpc quote`: estimates the cost of a job before it is signed.

use super::job::{find, load, read_identity, read_rendezvous, run_failure};
use crate::{
    Context, args,
    exit::{OrRefuse as _, Outcome},
};
use rand_core::OsRng;
use serde_json::json;
use sotto_jobs::Job;
use sotto_jobs::edge::run::{Routes, probe};
use sotto_jobs::multiparty::{Functionality, max_input_request};
use sotto_mpc::Backend;
use sotto_mpc::calibrate::{Layers, garble};
use sotto_mpc::protocol::semi_honest::prefetched_labels;
use std::time::Instant;

/// The program that is garbled to measure this machine.
const SAMPLE: Layers = Layers { lanes: 1024, pairs: 512 };
/// Base transfers of the compute parties, in bytes both ways and in round trips (measured).
const SET_UP: (u64, u64) = (30_000, 5);
/// Memory of a process without inputs, in bytes (measured).
const PROCESS: usize = 12 << 20;
/// Wires per input bit that a program reads at once (measured for `join_count@1`, which merges all rows of
/// two input parties; others have fewer).
const WIRES: usize = 16;
/// Seconds of computation for the base transfers.
const SET_UP_SECONDS: f64 = 0.05;

pub(crate) fn run(context: &Context, a: &args::MpcQuote) -> Outcome {
    let (job, program) = load(&a.job)?;
    let (shared, evaluator) = bits(&job, &program);
    let outputs: u64 = program.declaration().outputs().iter().map(|table| table.bits() as u64).sum();
    let gates = job.program.and_gates;
    // Tables; eight bytes per input bit of the evaluator (docs/FORMATS.md); hashes of output labels; base
    // transfers.
    let bytes = 32 * gates + 8 * (shared + evaluator) + 32 * outputs + SET_UP.0;
    let memory = memory(&job, &program);
    let rate = rate()?;
    let Link { bytes_a_second: link, delay, from } = link(context, a, &job)?;
    // Garbling, sending and evaluating overlap: the slowest one determines the time.
    let stream = (gates as f64 / rate).max(bytes as f64 / link);
    let seconds = SET_UP_SECONDS + SET_UP.1 as f64 * delay + stream;
    let deliver = (shared as f64 / 4.0) / link;
    let human = format!(
        "AND gates   {gates}\nBytes       {bytes} between the compute parties, about {} from all input parties\nMemory      at most about {} MB at each compute party\n\
         Seconds     about {seconds:.1} at {:.0} Mbit/s and {:.1} ms, as {from} (this machine garbles {:.0} million gates per second){}",
        shared / 4,
        memory >> 20,
        link / 125_000.0,
        delay * 1e3,
        rate / 1e6,
        if gates > 0 && bytes as f64 / link > gates as f64 / rate {
            "; the link is the bottleneck"
        } else {
            ""
        },
    );
    let fields = json!({
        "job": job.id().to_string(), "and_gates": gates, "bytes": bytes, "input_bytes": shared / 4,
        "memory_bytes": memory, "seconds": seconds, "delivery_seconds": deliver, "gates_a_second": rate,
        "bandwidth_mbit": link / 125_000.0, "delay_ms": delay * 1e3, "link": from,
    });
    context.output.record("mpc-quote", fields, &human)
}

/// Memory of a compute party, in bytes.
///
/// It consists of the process, of shares (received, stored and in use: one bit each), of labels fetched ahead
/// (twice while they arrive), and of the wires of rows that the program reads at once.
fn memory(job: &Job, program: &impl Functionality) -> u64 {
    let bits = |i| program.declaration().input_bits(i);
    let (inputs, at_once) = (job.inputs.iter().enumerate(), max_input_request(program));
    let transferred: Vec<usize> =
        inputs.filter(|(_, input)| input.party != job.garbler).map(|(i, _)| bits(i)).collect();
    let ahead = prefetched_labels(transferred.len()).max(at_once);
    let labels: usize = transferred.iter().map(|bits| bits.min(&ahead)).sum();
    let shares: usize = (0..job.inputs.len()).map(bits).sum();
    (PROCESS + shares * 3 / 8 + 16 * (2 * labels + WIRES * at_once)) as u64
}

/// The link between the compute parties.
struct Link {
    bytes_a_second: f64,
    /// Round trip, in seconds.
    delay: f64,
    /// The source of these values.
    from: &'static str,
}

/// The link as given by the user, or as the two compute parties measure it now.
fn link(context: &Context, a: &args::MpcQuote, job: &Job) -> Outcome<Link> {
    let (Some(name), Some(key), true) = (&a.name, &a.key, a.measure) else {
        let (bytes_a_second, delay) = (f64::from(a.bandwidth) * 125_000.0, f64::from(a.delay) / 1_000.0);
        return Ok(Link { bytes_a_second, delay, from: "stated" });
    };
    let identity = read_identity(key)?;
    let us = find(job, name, &identity)?;
    let server = a.rendezvous.as_deref().map(read_rendezvous).transpose()?;
    context.ui.info("Waiting for the other compute party.");
    let routes = Routes {
        job,
        run: 0,
        us,
        identity: &identity,
        listen: a.listen.as_deref(),
        rendezvous_server: server.as_ref(),
    };
    let speed = probe(&routes).map_err(|e| run_failure(&e, "cannot measure the link"))?;
    let (bytes_a_second, delay) = (speed.bytes_a_second as f64, speed.round_trip.as_secs_f64());
    Ok(Link { bytes_a_second, delay, from: "measured" })
}

/// Input bits shared between the compute parties, and input bits of the evaluator.
fn bits(job: &Job, program: &impl Functionality) -> (u64, u64) {
    let mut all = (0, 0);
    for (i, input) in job.inputs.iter().enumerate() {
        let bits = program.declaration().input_bits(i) as u64;
        match input.party {
            owner if owner == job.garbler => {}
            owner if owner == job.evaluator => all.1 += bits,
            _ => all.0 += bits,
        }
    }
    all
}

/// Gates that this machine garbles per second.
fn rate() -> Outcome<f64> {
    let started = Instant::now();
    garble(Backend::detect(), &SAMPLE, &mut OsRng).or_refuse("cannot measure this machine")?;
    Ok(SAMPLE.gates() as f64 / started.elapsed().as_secs_f64().max(1e-6))
}
