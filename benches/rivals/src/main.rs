//! Our ledger against Tari's and Grin's, in one run on one machine.
//!
//! ```text
//! cargo run --release --manifest-path benches/rivals/Cargo.toml [-- --backend NAME]
//! CC=$PWD/benches/rivals/cc64 cargo run --release --manifest-path benches/rivals/Cargo.toml -- "Grin, 64-bit limbs"
//! ```
//!
//! Each row takes turns: every contestant once, and again, until the time is up; a figure is the median turn,
//! in processor time of the one thread there is. The last table is wall time and ours alone: one thread
//! against two. Markdown goes to standard output, for `BENCHMARKS.md`. The second command builds Grin's C
//! library with 64-bit limbs and assembly in place of the 32-bit limbs that the crate ships.
//!
//! What each call does. *Verify*: proofs come as bytes and are decoded inside; commitments come decoded to us
//! and to Tari, encoded to Grin (one square root more). A batch of ours is a whole transaction, so it also
//! verifies one kernel signature and the balance. *Prove*: ours verifies and rewinds its proof before
//! release, which theirs do not. *Rewind*: ours derives the output's nonces from the wallet's key, Grin is
//! given them. Before anything is timed, each contestant has refused a corrupted batch.

mod grin;
mod machine;
mod measure;
mod ours;
mod tari;

use measure::{race, wall};
use sotto_mw::arithmetic::Backend;
use std::error::Error;

/// Proofs in a batch.
const PROOFS: [usize; 4] = [16, 64, 256, 1024];
/// Signatures in a batch.
const SIGNATURES: [usize; 3] = [16, 256, 1024];
/// The most proofs Tari takes as one batch.
const TARI_MOST: usize = 256;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = args.iter().position(|a| a == "--backend") {
        let name = args.drain(at..).nth(1).ok_or("--backend needs a name")?;
        let backend = Backend::available().find(|b| b.name() == name);
        backend.ok_or("this machine has no such back end")?.choose();
    }
    let grin = args.pop().unwrap_or_else(|| "Grin".into());
    println!("{} Back end: {}.\n", machine::describe(), Backend::detect().name());
    let ours = ours::Ledger::new(1024);
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let two = rayon::ThreadPoolBuilder::new().num_threads(2).build()?;
    one.install(|| {
        println!("| one thread, µs | ours | Tari | {grin} | ours / Tari | ours / {grin} |\n|---|--:|--:|--:|--:|--:|");
        proofs(&ours);
        signatures(&ours);
    });
    println!("\n| ours, ms | one thread | two threads | speed-up |\n|---|--:|--:|--:|");
    threads(&ours, &one, &two);
    Ok(())
}

fn proofs(ours: &ours::Ledger) {
    let (tari, grin) = (tari::Proofs::new(TARI_MOST), grin::Proofs::new(1024));
    let bytes = [ours.proof_bytes(), tari.proof_bytes(), grin.proof_bytes()];
    println!("| bytes of a proof | {} | {} | {} | | |", bytes[0], bytes[1], bytes[2]);
    race("prove", 1, [Some(&|| ours.prove()), Some(&|| tari.prove()), Some(&|| grin.prove())]);
    let (b, c) = (tari.batch(1), grin.batch(1));
    race(
        "verify one",
        1,
        [Some(&|| ours.verify_one()), Some(&|| tari.verify(&b)), Some(&|| grin.verify(&c))],
    );
    for k in PROOFS {
        let (a, b, c) = (ours.batch(k), tari.batch(k.min(TARI_MOST)), grin.batch(k));
        let name = format!("verify a batch of {k:4}, per proof");
        let theirs: &dyn Fn() = &|| tari.verify(&b);
        race(
            &name,
            k,
            [Some(&|| ours.verify(&a)), (k <= TARI_MOST).then_some(theirs), Some(&|| grin.verify(&c))],
        );
    }
    race("rewind one's own", 1, [Some(&|| ours.rewind_own()), None, Some(&|| grin.rewind_own())]);
    race("rewind a stranger's", 1, [Some(&|| ours.rewind_miss()), None, Some(&|| grin.rewind_miss())]);
}

fn signatures(ours: &ours::Ledger) {
    let (a, c) = (ours.signatures(1), grin::Signatures::new(1));
    let one: &dyn Fn() = &|| c.verify_one();
    race("verify one kernel signature", 1, [Some(&|| ours.verify_signature(&a[0])), None, Some(one)]);
    for n in SIGNATURES {
        let (a, c) = (ours.signatures(n), grin::Signatures::new(n));
        let name = format!("verify {n:4} kernel signatures, each");
        race(&name, n, [Some(&|| ours.verify_signatures(&a)), None, Some(&|| c.verify())]);
    }
}

fn threads(ours: &ours::Ledger, one: &rayon::ThreadPool, two: &rayon::ThreadPool) {
    let (batch, block) = (ours.batch(256), ours.block(1_000, 500));
    let rows: [(&str, &(dyn Fn() + Sync)); 2] = [
        ("verify a batch of 256", &|| ours.verify(&batch)),
        ("check and verify a block of 1,000 outputs and 500 kernels", &|| ours.verify_block(&block)),
    ];
    for (name, f) in rows {
        let [a, b] = wall([&|| one.install(f), &|| two.install(f)]);
        println!("| {name} | {:.1} | {:.1} | {:.2} |", a * 1e3, b * 1e3, a / b);
    }
}
