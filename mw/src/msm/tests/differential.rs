//! Seeded random sums, encodings and residues against `curve25519-dalek`, for as long as desired.
//!
//! ```text
//! SOTTO_FUZZ_SECONDS=300 cargo test -p sotto-mw --release differential  # new seeds each time
//! ```
//!
//! Without the variable, a few cases with fixed seeds run as an ordinary test. A failure prints its seed.

use super::{decoding::agreed, sums::check, *};
use rand_core::RngCore;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Cases of an ordinary run.
const CASES: u64 = 24;

#[test]
fn differential() {
    let long: Option<u64> = std::env::var("SOTTO_FUZZ_SECONDS").ok().map(|s| s.parse().unwrap());
    let until = long.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let first = if long.is_some() { now() } else { 0 };
    let mut done = 0;
    while until.map_or(done < CASES, |end| Instant::now() < end) {
        let seed = first.wrapping_add(done);
        println!("seed {seed}");
        let mut rng = rng(seed);
        check(&terms(&mut rng));
        encodings(&mut rng);
        done += 1;
    }
}

/// A sum of up to 600 terms, mostly few, of points that meet each other and scalars of all sizes.
fn terms(rng: &mut ChaCha20Rng) -> Vec<(Scalar, Element)> {
    let most = [3, 20, 90, 600][rng.next_u32() as usize % 4];
    let n = rng.next_u32() as usize % most + 1;
    let mut all: Vec<(Scalar, Element)> = Vec::with_capacity(n);
    for _ in 0..n {
        let earlier = all.get(rng.next_u32() as usize % (all.len() + 1)).map(|(_, p)| *p);
        let p = match (rng.next_u32() % 6, earlier) {
            (0, Some(p)) => p,
            (1, Some(p)) => -p,
            (2, Some(p)) => p + p,
            (3, _) => Element::default(),
            _ => Element::random(rng),
        };
        all.push((scalar(rng), p));
    }
    all
}

/// Small, near a power of two, near ℓ, of few set bits, or any.
fn scalar(rng: &mut ChaCha20Rng) -> Scalar {
    let power = |k: u32| (0..k % 253).fold(Scalar::ONE, |x, _| x + x);
    let small = Scalar::from(rng.next_u32() % 300);
    match rng.next_u32() % 5 {
        0 => small,
        1 => -small,
        2 => power(rng.next_u32()) - small,
        3 => power(rng.next_u32()) + power(rng.next_u32()),
        _ => Scalar::random(rng),
    }
}

/// Valid encodings with a bit flipped, or any bytes: each back end accepts what dalek accepts.
fn encodings(rng: &mut ChaCha20Rng) {
    for _ in 0..64 {
        let mut bytes = encoded(&Element::random(rng));
        match rng.next_u32() % 3 {
            0 => rng.fill_bytes(&mut bytes),
            1 => bytes[rng.next_u32() as usize % 32] ^= 1 << (rng.next_u32() % 8),
            _ => {}
        }
        agreed(bytes);
    }
}
