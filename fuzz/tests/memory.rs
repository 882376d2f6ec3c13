//! No target uses much more memory than its input has bytes: no allocation trusts a length field.
//!
//! The test has a program of its own, because the peak is that of the whole process.

use peak_alloc::PeakAlloc;
use sotto_fuzz::{Kind, TARGETS, seeds};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Bytes that a decoder may allocate for each byte of input, and in addition; two buffers of a channel take
/// most of them.
const PER_BYTE: usize = 64;
const DECODER: usize = 1 << 19;
/// Bytes that a state machine may allocate in addition, for an index of a store or a session.
const MACHINE: usize = 1 << 26;

/// The compiler's process runs this test alone.
#[test]
fn compiler() {
    sotto_fuzz::serve_if_child();
}

#[test]
fn memory_is_bounded_by_the_input() {
    for target in TARGETS {
        // The first run makes the fixtures and the libraries' caches.
        let seeds = seeds::of(target);
        for seed in &seeds {
            for bytes in [seed.bytes.clone(), with_great_numbers(&seed.bytes)] {
                let before = MEMORY.current_usage();
                MEMORY.reset_peak_usage();
                (target.run)(&bytes);
                let peak = MEMORY.peak_usage() - before;
                let base = if target.kind == Kind::Decoder { DECODER } else { MACHINE };
                let bound = base + PER_BYTE * bytes.len();
                assert!(
                    peak <= bound,
                    "{} takes {peak} bytes for {} ({})",
                    target.name,
                    bytes.len(),
                    seed.name
                );
            }
        }
    }
}

/// Replaces every aligned number by a large one, which is absurd as a count or length.
fn with_great_numbers(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let (numbers, _) = out.as_chunks_mut::<4>();
    numbers.iter_mut().skip(1).for_each(|n| *n = [0xff, 0xff, 0x3f, 0x00]);
    out
}
