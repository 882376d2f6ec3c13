//! Programs of many chunks: the output is that of plain evaluation wherever chunks end, whatever a program
//! reads and when; and a party that dies leaves its peer with an error, not waiting.

use super::*;
use crate::channel::Framed;
use crate::protocol::semi_honest;

/// Gates and reads in turn, outputs of all chunks, and reads after the last gate.
pub(super) struct Long {
    pub(super) rounds: usize,
}

/// Gates of a round.
pub(super) const ROUND: usize = 5;

impl Long {
    pub(super) fn inputs(&self, seed: u64) -> [Vec<bool>; 2] {
        let bits = |n: usize, factor: u64| {
            (0..n as u64).map(|i| (seed + i).wrapping_mul(factor) >> 33 & 1 == 1).collect()
        };
        [bits(2 * self.rounds + 1, 0x9e37_79b9_7f4a_7c15), bits(3 * self.rounds, 0xc2b2_ae3d_27d4_eb4f)]
    }
}

impl Program for Long {
    fn name(&self) -> ProgramName {
        ProgramName::literal("long@1")
    }

    fn shape(&self) -> Shape {
        Shape::two_party(2 * self.rounds + 1, 3 * self.rounds, 4 * self.rounds + 1)
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let mut last = f.constant(true);
        for _ in 0..self.rounds {
            let x = inputs.read(f, 0, 2)?;
            let (mixed, not) = (f.xor(last, x[0]), f.not(x[1]));
            last = f.and(mixed, not)?;
            let y = inputs.read(f, 1, 3)?;
            // A slice that ends anywhere in a chunk, with a wire that an early chunk made.
            let mut out = [F::Wire::default(); 4];
            f.and_n(
                &[last, y[0], y[1], y[2]],
                &[y[0], x[0], outputs.first().copied().unwrap_or(not), last],
                &mut out,
            )?;
            last = f.xor(out[0], out[3]);
            outputs.extend(out);
        }
        outputs.extend(inputs.read(f, 0, 1)?);
        Ok(())
    }
}

fn outcome(program: &Long, run: &Run) -> [End; 2] {
    let (near, far) = memory_pair();
    run.outcome_of([program; 2], program.inputs(run.seed).map(|bits| Bits::from(&bits[..])), [near, far])
}

#[test]
fn programs_of_many_chunks_compute_wherever_chunks_end() {
    for rounds in [1, 4, 9] {
        let program = Long { rounds };
        assert_eq!(program.cost().and_gates as usize, ROUND * rounds);
        for chunk in (1..=ROUND * rounds + 1).step_by(if rounds > 5 { 3 } else { 1 }) {
            let run = Run { chunk, ..Run::new((chunk + rounds) as u64) };
            let [x, y] = program.inputs(run.seed);
            for end in outcome(&program, &run) {
                assert_eq!(end.result, Ok(Some(program.compute(&x, &y))), "chunks of {chunk}");
            }
        }
    }
}

/// Both protocols and plain evaluation.
#[test]
fn malicious_and_semi_honest_sessions_and_plain_evaluation_agree() {
    let program = Long { rounds: 7 };
    for seed in 0..8 {
        let [x, y] = program.inputs(seed);
        let expected = program.compute(&x, &y);
        let rngs = [&mut rng(seed), &mut rng(!seed)];
        assert_eq!(semi_honest::run_in_memory(&program, &x, &y, rngs).unwrap(), expected);
        for chunk in [4, 100] {
            let ends = outcome(&program, &Run { chunk, ..Run::new(seed) });
            assert!(ends.iter().all(|end| end.result == Ok(Some(expected.clone()))));
        }
    }
}

/// More bits of a stream than a block, in reads of every size.
struct ManyInputs {
    bits: usize,
}

impl Program for ManyInputs {
    fn name(&self) -> ProgramName {
        ProgramName::literal("many-inputs@1")
    }

    fn shape(&self) -> Shape {
        Shape::two_party(self.bits, 3, 2)
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let y = inputs.read(f, 1, 3)?;
        let (mut left, mut all, mut last) = (self.bits, y[0], y[0]);
        for n in [1, 100_000, 7, 65_536].into_iter().cycle() {
            let x = inputs.read(f, 0, n.min(left))?;
            left -= x.len();
            all = x.iter().fold(all, |all, x| f.xor(all, *x));
            let Some(first) = x.first() else { break };
            last = f.and(all, *first)?;
            all = f.xor(all, last);
        }
        outputs.extend([all, last]);
        Ok(())
    }
}

#[test]
fn inputs_of_many_blocks_are_entered_as_the_program_reads_them() {
    let program = ManyInputs { bits: 300_001 };
    let x: Vec<bool> = (0..program.bits).map(|i| i % 7 < 3 || i % 11 == 4).collect();
    let expected = program.compute(&x, &Y);
    for chunk in [1, 100] {
        let (near, far) = memory_pair();
        let inputs = [&x[..], &Y[..]].map(Bits::from);
        for end in (Run { chunk, ..Run::new(1) }).outcome_of([&program; 2], inputs, [near, far]) {
            assert_eq!(end.result, Ok(Some(expected.clone())));
        }
    }
}

/// A channel that fails after some bytes, as if the party had died.
struct Dying {
    inner: Framed<Pipe>,
    left: usize,
    sent: usize,
}

impl Channel for Dying {
    fn send(&mut self, phase: Phase, bytes: &[u8]) -> Result<(), ChannelError> {
        let now = &bytes[..bytes.len().min(self.left)];
        self.inner.send(phase, now)?;
        (self.left, self.sent) = (self.left - now.len(), self.sent + now.len());
        if now.len() == bytes.len() {
            return Ok(());
        }
        self.inner.flush()?;
        Err(ChannelError::Closed { phase })
    }

    fn flush(&mut self) -> Result<(), ChannelError> {
        self.inner.flush()
    }

    fn receive_some(&mut self, phase: Phase, into: &mut [u8]) -> Result<usize, ChannelError> {
        self.inner.receive_some(phase, into)
    }
}

#[test]
fn a_party_that_dies_anywhere_leaves_its_peer_with_an_error() {
    let program = Long { rounds: 2 };
    let run = Run { chunk: 4, ..Run::new(5) };
    let died = |side: usize, left: usize| {
        let (near, far) = memory_pair();
        let mut channels = [near, far].map(|inner| Dying { inner, left: usize::MAX, sent: 0 });
        channels[side].left = left;
        let inputs = program.inputs(run.seed).map(|bits| Bits::from(&bits[..]));
        run.outcome_of([&program; 2], inputs, channels)
    };
    let all = died(0, usize::MAX).map(|end| end.record.sent.iter().map(Vec::len).sum::<usize>());
    for (side, all) in all.into_iter().enumerate() {
        // Every message of every phase is cut somewhere: the shortest one has a byte, most have hundreds.
        for left in (0..all).step_by(29) {
            let ends = died(side, left);
            assert!(ends[side].result.is_err(), "side {side} after {left} bytes");
            // Only what is sent last, the garbler's masks of outputs, may be missing after the peer has
            // ended.
            let is_output = left + 40 > all;
            assert!(ends[1 - side].result.is_err() || (is_output && side == 1), "peer after {left} bytes");
        }
    }
}
