//! `sotto mpc quote`: estimates the cost of a job before it is signed.

use super::job::{StandIns, find, load, load_to_check, read_identity, read_rendezvous, run_failure};
use crate::{
    Context, args,
    exit::{OrRefuse as _, Outcome},
};
use rand_core::OsRng;
use serde_json::{Value, json};
use sotto_jobs::edge::run::{Routes, fastest_scheme, garbling_rates, probe};
use sotto_jobs::job::Adversary;
use sotto_jobs::multiparty::{Functionality, max_input_request};
use sotto_jobs::reading;
use sotto_jobs::{Computation, Job, PartyId};
use sotto_mpc::calibrate::{AuthenticatedPair, Layers};
use sotto_mpc::garble::Scheme;
use sotto_mpc::ot::{Expansion, TreeDepth};
use sotto_mpc::protocol::malicious::{Attempts, Settings};
use sotto_mpc::protocol::semi_honest::prefetched_labels;
use sotto_tee::evidence::MAX_EVIDENCE;
use std::time::Instant;

/// Base transfers of the compute parties, in bytes both ways and in round trips (measured).
const SET_UP: (u64, u64) = (30_000, 5);
/// Memory of a process without inputs, in bytes (measured).
const PROCESS: usize = 12 << 20;
/// Wires per input bit that a program reads at once (measured for `join_count@1`, which merges all rows of
/// two input parties; others have fewer).
const WIRES: usize = 16;
/// Bytes of a bit of a table in memory: its label, or the wires of both passes.
const LABEL: u64 = 16;
const AUTHENTICATED_WIRES: u64 = 64;
/// Seconds of computation for the base transfers.
const SET_UP_SECONDS: f64 = 0.05;

/// A program that two parties of this machine compute to see what authenticated gates take.
const AUTHENTICATED: Layers = Layers { lanes: 1024, pairs: 10 };
/// Bytes of base transfers in both directions (measured).
const AUTHENTICATED_SET_UP: u64 = 60_000;
/// Under this many bytes a second, deeper trees save more time on the link than they cost.
const SLOW_LINK: f64 = 0.9 * 125_000_000.0;
/// Under this many, expanded transfers are worth a look: at 40 million a second, a gigabit has room for more.
const EXPANSION_LINK: f64 = 0.7 * 125_000_000.0;
/// What is proposed: of the parameters, those with the fewest bytes at that speed.
const PROPOSED: Expansion = Expansion::K18;

pub(crate) fn run(context: &Context, a: &args::MpcQuote) -> Outcome {
    // To measure a link takes the keys of both ends; all else is known before there are any.
    let measured = |(job, program)| (job, program, StandIns::default());
    let (job, program, missing) =
        if a.measure { load(&a.job).map(measured)? } else { load_to_check(&a.job)? };
    let id = missing.is_empty().then(|| job.id().to_string());
    let link = link(context, a, &job)?;
    let curious = curious(&job, &program, &link)?;
    let malicious = malicious(&job, &program, &link)?;
    let (ours, other) = match job.suite.adversary() {
        Adversary::SemiHonest => (&curious, &malicious),
        Adversary::Malicious => (&malicious, &curious),
    };
    let gates = job.program.and_gates;
    let tables = program.tables();
    let mut human = format!(
        "AND gates   {gates}\nBytes       {} between the compute parties, about {} from all other parties\nMemory      at most about {} MB at each compute party\n\
         Seconds     about {:.1} at {:.0} Mbit/s and {:.1} ms, as {} ({}){}\nInstead     {}",
        ours.bytes,
        ours.input_bytes,
        ours.memory >> 20,
        ours.seconds,
        link.bytes_a_second / 125_000.0,
        link.delay * 1e3,
        link.from,
        ours.machine,
        ours.garbling(),
        if job.is_experimental() { format!("two computers, {}", other.sentence()) } else { other.sentence() },
    );
    let read = reading::describe(&job, &program);
    if !read.is_empty() {
        human.push_str(&format!("\n{}", read.trim_end()));
    }
    let evidence = evidence(&job);
    if let Some((answers, bytes)) = evidence {
        human.push_str(&format!(
            "\nEvidence    about {answers} answers of platforms, {bytes} bytes at most; a receipt has a bundle of each computer that shows some"
        ));
    }
    if let (Some(settings), Some(best)) = (job.malicious(), malicious.tree_depth)
        && settings.depth != best
    {
        human.push_str(&format!("\nTrees       `tree_depth = {}` would suit this link better", best as u8));
    }
    let expansion = proposed(&job, ours, &link);
    if let Some(log_k) = expansion {
        human.push_str(&format!(
            "\nExpansion   `expansion = {log_k}` would take {} bytes; it is unaudited and rests on one more assumption",
            ours.expanded_bytes
        ));
    }
    let fields = json!({
        "expansion": expansion, "expanded_bytes": ours.expanded_bytes,
        "job": id, "adversary": ours.adversary.as_str(), "and_gates": gates, "bytes": ours.bytes,
        "input_bytes": ours.input_bytes, "memory_bytes": ours.memory, "seconds": ours.seconds,
        "garbling": ours.scheme.map(Scheme::name), "delivery_seconds": ours.input_bytes as f64 / link.bytes_a_second, "gates_a_second": ours.rate,
        "sorts": tables.sorts, "joins": tables.joins, "lookups": tables.lookups, "made": tables.made, "held_bits": tables.held_bits,
        "reading": reading::records(&job, &program),
        "bandwidth_mbit": link.bytes_a_second / 125_000.0, "delay_ms": link.delay * 1e3, "link": link.from,
        "both": [curious.record(), malicious.record()], "evidence_bytes": evidence.map(|(_, bytes)| bytes),
    });
    context.output.record("mpc-quote", fields, &human)
}

/// The expansion of transfers that pays on this link.
fn proposed(job: &Job, ours: &Estimate, link: &Link) -> Option<u32> {
    let saved = ours.bytes.saturating_sub(ours.expanded_bytes) as f64 / link.bytes_a_second;
    let pays = link.bytes_a_second < EXPANSION_LINK && saved > 1.0 && !job.is_experimental();
    PROPOSED.log_k().filter(|_| pays && job.suite.expansion() == Expansion::None)
}

/// How often platforms are asked for evidence, and the most bytes of it that cross before a result; nothing if the job
/// asks for none. Each contributor meets all compute parties, and these each other.
fn evidence(job: &Job) -> Option<(usize, usize)> {
    let asked = |party: &PartyId| job.demand_of(*party).is_some();
    let meetings = job.contributors().into_iter().filter(|party| !job.computes(*party));
    let computers = &job.compute_parties();
    let pairs = meetings.flat_map(|party| computers.iter().map(move |computer| [party, *computer]));
    let each_other = computers
        .iter()
        .enumerate()
        .flat_map(|(i, one)| computers.iter().skip(i + 1).map(|other| [*one, *other]));
    let pairs = pairs.chain(each_other);
    let answers = pairs.map(|pair| pair.iter().filter(|party| asked(party)).count()).sum::<usize>();
    (answers > 0).then_some((answers, answers * MAX_EVIDENCE))
}

/// What a job takes against one adversary.
struct Estimate {
    adversary: Adversary,
    bytes: u64,
    /// The same with expanded transfers.
    expanded_bytes: u64,
    /// From the parties that do not compute.
    input_bytes: u64,
    memory: u64,
    seconds: f64,
    /// Gates that this machine does in a second.
    rate: f64,
    machine: String,
    /// How two semi-honest parties garble over this link.
    scheme: Option<Scheme>,
    is_link_bound: bool,
    /// The depth of trees that suits the link.
    tree_depth: Option<TreeDepth>,
}

impl Estimate {
    fn sentence(&self) -> String {
        let depth =
            self.tree_depth.map_or(String::new(), |depth| format!(", with `tree_depth = {}`", depth as u8));
        format!(
            "`adversary = \"{}\"`{depth}: {} bytes, {} MB, about {:.1} s",
            self.adversary.as_str(),
            self.bytes,
            self.memory >> 20,
            self.seconds
        )
    }

    /// What is said of the scheme and of the bottleneck.
    fn garbling(&self) -> String {
        let scheme = self.scheme.map_or(String::new(), |scheme| format!("; {}", scheme.name()));
        let bottleneck = if self.is_link_bound { "; the link is the bottleneck" } else { "" };
        scheme + bottleneck
    }

    fn record(&self) -> Value {
        json!({
            "adversary": self.adversary.as_str(), "bytes": self.bytes, "memory_bytes": self.memory,
            "seconds": self.seconds, "garbling": self.scheme.map(Scheme::name), "tree_depth": self.tree_depth.map(|depth| depth as u8),
        })
    }
}

/// Against a curious compute party.
fn curious(job: &Job, program: &Computation, link: &Link) -> Outcome<Estimate> {
    let (shared, evaluator) = bits(job, program);
    let outputs: u64 = program.declaration().outputs().iter().map(|table| table.bits() as u64).sum();
    let gates = job.program.and_gates;
    // Tables; eight bytes per input bit of the evaluator (docs/FORMATS.md), or what the expansion takes; hashes of
    // output labels; base transfers.
    let rates = garbling_rates(&mut OsRng).or_refuse("cannot measure this machine")?;
    let scheme = fastest_scheme(gates, link.bytes_a_second, rates);
    let [half_gates, three_halves] = rates;
    let rate = if scheme == Scheme::HalfGates { half_gates } else { three_halves };
    let tables = scheme.table_bytes(gates);
    let with = |expansion| tables + transfer_bytes(expansion, shared + evaluator) + 32 * outputs + SET_UP.0;
    let (expansion, expanded_bytes) = (job.suite.expansion(), with(PROPOSED));
    let bytes = with(expansion);
    // Garbling, sending and evaluating overlap: the slowest one determines the time.
    let (on_link, here) = (bytes as f64 / link.bytes_a_second, gates as f64 / rate);
    Ok(Estimate {
        adversary: Adversary::SemiHonest,
        bytes,
        expanded_bytes,
        input_bytes: shared / 4,
        memory: memory(job, program) + LABEL * program.tables().held_bits as u64 + expansion.memory(),
        seconds: SET_UP_SECONDS + SET_UP.1 as f64 * link.delay + here.max(on_link),
        rate,
        machine: format!("this machine garbles {:.0} million gates per second", rate / 1e6),
        scheme: Some(scheme),
        is_link_bound: gates > 0 && on_link > here,
        tree_depth: None,
    })
}

/// The bytes of transfers of chosen bits against a curious party: over trees of depth 2, or expanded.
fn transfer_bytes(expansion: Expansion, bits: u64) -> u64 {
    match expansion {
        Expansion::None => 8 * bits,
        // The seed of the first round has trees of depth 8.
        _ => expansion.bytes(bits) + expansion.seed() * 15 / 8 + bits / 8,
    }
}

/// Against a malicious one: with the job's settings, or with those that suit the link.
fn malicious(job: &Job, program: &Computation, link: &Link) -> Outcome<Estimate> {
    let best = if link.bytes_a_second < SLOW_LINK { TreeDepth::Eight } else { TreeDepth::Four };
    let settings = job.malicious().unwrap_or_else(|| Settings::new(Attempts::default(), best));
    let gates = job.program.and_gates;
    let cost = settings.cost(gates);
    let (shared, evaluator) = bits(job, program);
    let own = job.input_of(job.garbler).map_or(0, |i| program.declaration().input_bits(i) as u64);
    // Each does towards each other what two do; and with more than two, each garbler has tables for all.
    let n = job.compute_parties().len() as u64;
    let widths: Vec<usize> = program.declaration().outputs().iter().map(|table| table.bits()).collect();
    let padded: u64 = job.result_parties().into_iter().map(|id| pad_of(job, id, &widths)).sum();
    // Two bits of every owner for each bit of an input or pad that is shared: one at either compute party.
    let entered = n * (shared + padded) + evaluator + own;
    let sent = if n == 2 {
        [cost.garbler_bytes, cost.evaluator_bytes]
    } else {
        let to_all = cost.evaluator_bytes * (n - 1);
        [to_all + 16 * (3 * n - 4) * gates, to_all]
    };
    let transfer = if settings.expansion == Expansion::None { 16 / settings.depth as u64 } else { 0 };
    let around = (n - 1) * (transfer + 1) * entered + n * (n - 1) / 2 * AUTHENTICATED_SET_UP;
    let bytes = sent[0] * (n - 1) + sent[1] + around;
    let expanded = settings.with_expansion(PROPOSED).cost(gates);
    let expanded_bytes = expanded.garbler_bytes + expanded.evaluator_bytes + around;
    let rate = authenticated_rate(settings)?;
    // One party works while the other sends; within a chunk, most of it overlaps.
    let work = (n - 1) as f64 * cost.candidates as f64 / 3.0 / rate;
    let sending = sent[0].max(sent[1]) as f64 / link.bytes_a_second;
    let set_up = 2.0 * (SET_UP_SECONDS + SET_UP.1 as f64 * link.delay);
    let blocks = (shared + padded).div_ceil(1 << 16);
    Ok(Estimate {
        adversary: Adversary::Malicious,
        bytes,
        expanded_bytes,
        input_bytes: n
            * ((shared + padded) / 8 + 80 * (n - 1) * u64::from(settings.attempts.number()) * blocks),
        memory: memory(job, program)
            + (n - 1) * (AUTHENTICATED_WIRES * program.tables().held_bits as u64 + cost.memory),
        seconds: set_up + work.max(sending) + cost.flights as f64 * link.delay / 2.0,
        rate,
        machine: format!("this machine does {:.2} million authenticated gates per second", rate / 1e6),
        scheme: None,
        is_link_bound: gates > 0 && sending > work,
        tree_depth: Some(best),
    })
}

/// The bits of the outputs of a party.
fn pad_of(job: &Job, id: PartyId, widths: &[usize]) -> u64 {
    job.outputs_of(id).into_iter().filter_map(|output| widths.get(output)).map(|width| *width as u64).sum()
}

/// Gates of full chunks that this machine does in a second, if both parties have as many processors as here.
fn authenticated_rate(settings: Settings) -> Outcome<f64> {
    let what = "cannot measure this machine";
    let pair =
        AuthenticatedPair::set_up(&AUTHENTICATED, settings, [&mut OsRng, &mut OsRng]).or_refuse(what)?;
    let started = Instant::now();
    pair.execute([&mut OsRng, &mut OsRng], &AUTHENTICATED).or_refuse(what)?;
    let candidates = settings.cost(AUTHENTICATED.gates() as u64).candidates;
    Ok(candidates as f64 / 3.0 / started.elapsed().as_secs_f64().max(1e-6))
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
            owner if job.computes(owner) => all.1 += bits,
            _ => all.0 += bits,
        }
    }
    all
}
