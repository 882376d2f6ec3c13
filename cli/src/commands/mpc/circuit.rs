//! `sotto mpc circuit`: a Bristol Fashion circuit between two parties.

use super::session::{Cost, Metered, compute, open_peer, session_failure};
use crate::{
    Context, args,
    bridge::read_text,
    exit::{Code, Failure, OrRefuse as _, Outcome},
    output::merge,
};
use rand_core::OsRng;
use serde_json::json;
use sotto_mpc::channel::{Framed, Traffic};
use sotto_mpc::circuit::{Circuit, CircuitProgram, Netlist};
use sotto_mpc::edge::tcp::Peer;
use sotto_mpc::protocol::semi_honest::{Role, run_in_memory};
use std::time::Instant;

/// Size limit of a circuit file, in bytes.
const MAX_CIRCUIT: u64 = 1 << 30;
/// Size limit of an input file, in bytes.
const MAX_INPUT: u64 = 1 << 26;

pub(crate) fn run(context: &Context, a: &args::MpcCircuit) -> Outcome {
    let name = a.file.display();
    let netlist = Netlist::from_bristol(&read_text(&a.file, MAX_CIRCUIT)?).map_err(|e| {
        Failure::refused(format!("invalid circuit {name}"))
            .why(e)
            .help("the format is Bristol Fashion: https://nigelsmart.github.io/MPC-Circuits/")
    })?;
    let circuit = Circuit::new(&netlist).or_refuse(format!("cannot use circuit {name}"))?;
    let sizes = circuit.inputs();
    let program = CircuitProgram::new(&circuit, a.garbler_values).ok_or_else(|| {
        Failure::new(
            Code::Usage,
            format!(
                "--garbler-values {} is too large: the circuit has {} values",
                a.garbler_values,
                sizes.len()
            ),
        )
        .help("pass a smaller --garbler-values")
    })?;
    let (garblers, evaluators) = sizes.split_at(a.garbler_values);
    let text = read_text(&a.input, MAX_INPUT)?;
    let started = Instant::now();
    let bar = context.ui.bar(circuit.and_gates() as u64, "computing jointly");
    let channel = || -> Outcome<_> { Ok(Metered::new(open_peer(context, &a.peer)?, |gates| bar.at(gates))) };
    let (outputs, traffic) = match a.role {
        args::Role::Both => {
            let inputs = read_values(&text, sizes)?;
            let (ours, theirs) = inputs.split_at(garblers.iter().sum());
            let outputs = run_in_memory(&program, ours, theirs, [&mut OsRng, &mut OsRng]);
            (outputs.map_err(|e| session_failure(&e))?, None)
        }
        args::Role::Garbler => {
            let inputs = read_values(&text, garblers)?;
            run_role(channel()?, &program, Role::Garbler, &inputs)?
        }
        args::Role::Evaluator => {
            let inputs = read_values(&text, evaluators)?;
            run_role(channel()?, &program, Role::Evaluator, &inputs)?
        }
    };
    let spent =
        Cost { and_gates: circuit.and_gates() as u64, traffic, seconds: started.elapsed().as_secs_f64() };
    context.ui.detail(&spent.text());
    let values = write_values(&outputs, circuit.outputs());
    context.output.record(
        "mpc-circuit",
        merge(json!({ "outputs": values }), spent.fields()),
        &values.join("\n"),
    )
}

/// Runs one role, with the other party at the end of the channel.
fn run_role<F: FnMut(u64)>(
    channel: Metered<Framed<Peer>, F>,
    program: &CircuitProgram<'_>,
    role: Role,
    inputs: &[bool],
) -> Outcome<(Vec<bool>, Option<Traffic>)> {
    let (outputs, channel) = compute(channel, program, role, inputs).map_err(|e| session_failure(&e))?;
    Ok((outputs, Some(channel.inner.traffic())))
}

/// Reads one hexadecimal integer per line; bit i of it is wire i of the value.
fn read_values(text: &str, sizes: &[usize]) -> Outcome<Vec<bool>> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let bad = |why: String| {
        Failure::refused("invalid input values")
            .why(why)
            .help("write one hexadecimal integer per line: the values of this role, in the circuit's order")
    };
    if lines.len() != sizes.len() {
        return Err(bad(format!("found {} values, expected {}", lines.len(), sizes.len())));
    }
    let mut bits = Vec::with_capacity(sizes.iter().sum());
    for (i, (line, size)) in lines.iter().zip(sizes).enumerate() {
        let digits = line.strip_prefix("0x").unwrap_or(line);
        let value: Option<Vec<u32>> = digits.chars().rev().map(|c| c.to_digit(16)).collect();
        let value = value
            .filter(|v| !v.is_empty())
            .ok_or_else(|| bad(format!("line {} is not a hexadecimal integer", i + 1)))?;
        let mut of_value = value.iter().flat_map(|d| (0..4).map(move |b| d >> b & 1 == 1));
        bits.extend((0..*size).map(|_| of_value.next().unwrap_or(false)));
        if of_value.any(|bit| bit) {
            return Err(bad(format!("the value in line {} has more than {size} bits", i + 1)));
        }
    }
    Ok(bits)
}

fn write_values(bits: &[bool], sizes: &[usize]) -> Vec<String> {
    let mut rest = bits;
    let value = |size: &usize| {
        let (value, later) = rest.split_at((*size).min(rest.len()));
        rest = later;
        let digit = |d: &[bool]| d.iter().enumerate().map(|(i, b)| u32::from(*b) << i).sum();
        value.chunks(4).rev().filter_map(|d| char::from_digit(digit(d), 16)).collect()
    };
    sizes.iter().map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_are_written() {
        let bits = read_values("0x2a\nFFf\n0\n", &[6, 12, 3]).unwrap();
        assert_eq!(bits.len(), 21);
        assert_eq!(write_values(&bits, &[6, 12, 3]), ["2a", "fff", "0"]);
    }

    #[test]
    fn values_that_do_not_fit_are_refused() {
        for (text, sizes) in
            [("", &[1][..]), ("1\n1", &[1]), ("x", &[4]), ("10", &[4]), ("-1", &[8]), ("0x", &[8])]
        {
            assert!(read_values(text, sizes).is_err(), "{text:?}");
        }
    }
}
