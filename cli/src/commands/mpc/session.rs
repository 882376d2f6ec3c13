//! A two-party session for `mpc circuit` and `mpc auc`: connect, compute, report progress and cost.

use crate::{
    Context, args,
    exit::{Code, Failure, Outcome},
};
use rand_core::OsRng;
use serde_json::json;
use sotto_mpc::channel::{Framed, Traffic};
use sotto_mpc::edge::tcp::{Exposure, Listener, Peer, TcpError, Timeouts, connect};
use sotto_mpc::protocol::semi_honest::{Evaluator, Garbler, HelloError, Reveal, Role, SessionError, Terms};
use sotto_mpc::{Channel, ChannelError, Phase, Program};
use std::time::Duration;

/// Time limit of a whole session.
const SESSION: Duration = Duration::from_secs(24 * 3600);

/// Connects to the other party; a listener prints its address first.
pub(crate) fn open_peer(context: &Context, m: &args::PeerArgs) -> Outcome<Framed<Peer>> {
    let exposure = if m.insecure_plaintext { Exposure::InsecurePlaintext } else { Exposure::Loopback };
    let timeouts = Timeouts { idle: Duration::from_secs(m.timeout), total: SESSION };
    match (m.listen, m.connect) {
        (Some(address), _) => {
            let listener = Listener::bind(address, exposure).map_err(|e| no_peer(e, address))?;
            let bound = listener.address().map_err(|e| no_peer(e, address))?;
            context.ui.info(&format!("Waiting for the other party at {bound}."));
            if context.output.json {
                context.output.record("listening", json!({ "address": bound.to_string() }), "")?;
            }
            listener.accept(timeouts).map_err(|e| no_peer(e, bound))
        }
        (None, Some(address)) => connect(address, exposure, timeouts).map_err(|e| no_peer(e, address)),
        (None, None) => Err(Failure::new(Code::Usage, "neither --listen nor --connect is given")
            .help("pass --listen ADDR on one side and --connect ADDR on the other")),
    }
}

pub(crate) fn no_peer(e: TcpError, address: std::net::SocketAddr) -> Failure {
    match e {
        TcpError::NotLoopback(_) => Failure::refused("refusing an unencrypted connection that leaves this machine")
            .why(format!("{address} is not a loopback address"))
            .help("connect the two sides by a tunnel, or pass --insecure-plaintext to let anyone on the network read and alter the data"),
        TcpError::NoPeer(_) => Failure::new(Code::Unreachable, "the other party did not connect")
            .why(e)
            .help("start the other side, check the address, or raise --timeout"),
        e => Failure::new(Code::Unreachable, format!("cannot connect at {address}")).why(e),
    }
}

/// The failure of a session.
pub(crate) fn session_failure(e: &SessionError) -> Failure {
    let failed = |code| Failure::new(code, "the computation failed").why(e);
    match e {
        SessionError::Channel(_) | SessionError::Hello(HelloError::Channel(_)) => failed(Code::Unreachable)
            .help("no result was disclosed; run both sides again, the inputs can stay the same"),
        SessionError::Hello(_) => {
            failed(Code::Refused).help("no input was sent; both sides have to name the same computation")
        }
        _ => failed(Code::Refused).help(
            "no result was disclosed; do not trust this connection or the other party before you know why",
        ),
    }
}

/// Runs one side of a session to its end; both sides learn the outputs.
pub(crate) fn compute<C: Channel>(
    channel: C,
    program: &impl Program,
    role: Role,
    inputs: &[bool],
) -> Result<(Vec<bool>, C), SessionError> {
    let (terms, rng, inputs) = (Terms::new(Reveal::Both), &mut OsRng, &inputs.into());
    let (outputs, channel) = match role {
        Role::Garbler => {
            let ready = Garbler::new(channel, program, terms).hello(rng)?.set_up(rng)?;
            let (session, outputs) = ready.execute(inputs, rng)?;
            (outputs, session.close())
        }
        Role::Evaluator => {
            let ready = Evaluator::new(channel, program, terms).hello(rng)?.set_up(rng)?;
            let (session, outputs) = ready.execute(inputs)?;
            (outputs, session.close())
        }
    };
    // With `Reveal::Both`, a session without outputs has failed.
    outputs.map(|o| (o, channel)).ok_or(SessionError::Output)
}

/// A channel that reports the number of gates done.
pub(crate) struct Metered<C, F> {
    pub(crate) inner: C,
    report: F,
    table_bytes: u64,
}

impl<C, F: FnMut(u64)> Metered<C, F> {
    pub(crate) const fn new(inner: C, report: F) -> Self {
        Self { inner, report, table_bytes: 0 }
    }

    fn count(&mut self, phase: Phase, bytes: usize) {
        if phase == Phase::Tables {
            self.table_bytes += bytes as u64;
            (self.report)(self.table_bytes / 32);
        }
    }
}

impl<C: Channel, F: FnMut(u64)> Channel for Metered<C, F> {
    fn send(&mut self, phase: Phase, bytes: &[u8]) -> Result<(), ChannelError> {
        self.count(phase, bytes.len());
        self.inner.send(phase, bytes)
    }

    fn flush(&mut self) -> Result<(), ChannelError> {
        self.inner.flush()
    }

    fn receive_some(&mut self, phase: Phase, into: &mut [u8]) -> Result<usize, ChannelError> {
        let n = self.inner.receive_some(phase, into)?;
        self.count(phase, n);
        Ok(n)
    }
}

/// The cost of a session.
pub(crate) struct Cost {
    pub(crate) and_gates: u64,
    /// `None` if both parties ran in this process.
    pub(crate) traffic: Option<Traffic>,
    pub(crate) seconds: f64,
}

impl Cost {
    pub(crate) fn text(&self) -> String {
        let peak = peak_memory().map_or(String::new(), |m| format!(", {} MiB of memory at most", m >> 20));
        let Traffic { sent, received } = self.traffic.unwrap_or_default();
        format!(
            "{} AND gates, {sent} bytes sent, {received} received, {:.1} s{peak}",
            self.and_gates, self.seconds
        )
    }

    pub(crate) fn fields(&self) -> serde_json::Value {
        let Traffic { sent, received } = self.traffic.unwrap_or_default();
        json!({
            "and_gates": self.and_gates, "bytes_sent": sent, "bytes_received": received, "seconds": self.seconds,
            "peak_memory_bytes": peak_memory(),
        })
    }
}

/// The peak of resident memory of this process, in bytes, if the system reports it.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?.trim().strip_suffix("kB")?;
    Some(kib.trim().parse::<u64>().ok()? << 10)
}
