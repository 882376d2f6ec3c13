//! Replays the seeds of every target and a few thousand mutations of them, the same in every run.
//!
//! Every target asserts its own property; the tests only call it. A failure prints the input in hexadecimal,
//! which together with the target's name is a test case (`README.md`).
#![allow(clippy::unwrap_used, clippy::panic)]

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use sotto_fuzz::{Kind, TARGETS, Target, Verdict, seeds};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds")
}

/// Name → bytes of all seeds of a target on disk.
fn on_disk(target: &Target) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder().join(target.name)).unwrap().map(Result::unwrap);
    files.map(|f| (f.file_name().into_string().unwrap(), fs::read(f.path()).unwrap())).collect()
}

/// Runs the target, and reports a panic with the input.
fn run(target: &Target, bytes: &[u8]) -> Verdict {
    catch_unwind(AssertUnwindSafe(|| (target.run)(bytes))).unwrap_or_else(|_| {
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        panic!("{} fails on {} bytes: {hex}", target.name, bytes.len())
    })
}

/// One to four mutations: bits, bytes, extreme numbers, cuts, insertions, and parts of other seeds.
fn change(rng: &mut ChaCha8Rng, bytes: &[u8], other: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..1 + rng.next_u32() % 4 {
        let at = |rng: &mut ChaCha8Rng, n: usize| rng.next_u64() as usize % (n + 1);
        let place = at(rng, out.len());
        let tail = out.split_off(place);
        match rng.next_u32() % 8 {
            0 => out.extend(&tail[tail.len().min(at(rng, 8))..]),
            1 => out.extend([&vec![rng.next_u32() as u8; at(rng, 8)], &tail[..]].concat()),
            2 => out.extend(&other[at(rng, other.len())..]),
            3 => out.extend([&other[at(rng, other.len())..], &tail[..]].concat()),
            4 if rng.next_u32().is_multiple_of(4) => {}
            5 => {
                let edge = [[0; 8], [0xff; 8], [0x7f; 8]][at(rng, 2)];
                let n = [1, 2, 4, 8][at(rng, 3)].min(tail.len());
                out.extend([&edge[..n], &tail[n..]].concat());
            }
            what => {
                out.extend(&tail);
                let xor = if what == 6 { rng.next_u32() as u8 } else { 1 << (rng.next_u32() % 8) };
                out.get_mut(place).into_iter().for_each(|b| *b ^= xor);
            }
        }
    }
    out.truncate(1 << 16);
    out
}

fn replay(target: &Target) {
    let seeds = on_disk(target);
    let mut verdicts = BTreeSet::new();
    for (name, bytes) in &seeds {
        let verdict = run(target, bytes);
        let expected = if name.starts_with("accepted") { Verdict::Accepted } else { Verdict::Refused };
        assert_eq!(verdict, expected, "{}: {name}", target.name);
        verdicts.insert(expected == Verdict::Accepted);
    }
    assert_eq!(verdicts.len(), 2, "{} needs a seed that is accepted and one that is refused", target.name);
    let seeds: Vec<_> = seeds.into_values().collect();
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let changes = if target.kind == Kind::Decoder { 4_000 } else { 400 };
    for i in 0..changes {
        let other = &seeds[rng.next_u32() as usize % seeds.len()];
        run(target, &change(rng, &seeds[i % seeds.len()], other));
    }
}

fn replay_all(module: &str) {
    let targets: Vec<_> = TARGETS.iter().filter(|t| t.name.starts_with(module)).collect();
    assert!(!targets.is_empty());
    targets.into_iter().for_each(replay);
}

/// The compiler's process runs this test alone.
#[test]
fn compiler() {
    sotto_fuzz::serve_if_child();
}

#[test]
fn the_ledger_takes_any_bytes() {
    replay_all("mw_");
}

#[test]
fn the_wallet_takes_any_bytes() {
    replay_all("wallet_");
}

#[test]
fn the_node_takes_any_files() {
    replay_all("node_");
}

#[test]
fn the_computation_takes_any_bytes() {
    replay_all("mpc_");
}

#[test]
fn links_take_any_bytes() {
    replay_all("link_");
}

/// Every seed that `cargo run --release -p sotto-fuzz --example seeds` makes is on disk, no others are, and
/// all are small.
#[test]
fn the_seeds_are_those_that_are_made() {
    for (target, seeds) in seeds::all() {
        let names: BTreeSet<_> = seeds.into_iter().map(|seed| seed.name).collect();
        assert_eq!(on_disk(target).into_keys().collect::<BTreeSet<_>>(), names, "{}", target.name);
    }
    let total: usize =
        TARGETS.iter().flat_map(|target| on_disk(target).into_values()).map(|seed| seed.len()).sum();
    assert!(total < 1 << 20, "{total} bytes of seeds");
    let folders = fs::read_dir(folder()).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap());
    let targets = TARGETS.iter().map(|target| target.name.to_owned());
    assert_eq!(folders.collect::<BTreeSet<_>>(), targets.collect(), "one folder for each target");
}

/// Each target has a libFuzzer program, and each program calls the target that it is named after.
#[test]
fn every_target_has_a_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("cargo-fuzz");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for Target { name, .. } in TARGETS {
        let path = format!("fuzz_targets/{name}.rs");
        let program = fs::read_to_string(root.join(&path)).unwrap();
        assert!(program.contains(&format!("sotto_fuzz::{name}(data)")), "{path}");
        assert!(
            manifest.contains(&format!("name = \"{name}\"\npath = \"{path}\"\n")),
            "{name} in the manifest"
        );
    }
    let programs = fs::read_dir(root.join("fuzz_targets")).unwrap().count();
    assert_eq!((programs, manifest.matches("[[bin]]").count()), (TARGETS.len(), TARGETS.len()));
}
