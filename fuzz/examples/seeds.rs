//! Writes the seeds of all targets to `fuzz/seeds/`, replacing the existing ones.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool stops at the first error")]

use std::{fs, path::Path};

fn main() {
    sotto_fuzz::serve_if_child();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let _ = fs::remove_dir_all(&root);
    for (target, seeds) in sotto_fuzz::seeds::all() {
        let folder = root.join(target.name);
        fs::create_dir_all(&folder).unwrap();
        seeds.iter().for_each(|seed| fs::write(folder.join(&seed.name), &seed.bytes).unwrap());
        let bytes: usize = seeds.iter().map(|seed| seed.bytes.len()).sum();
        println!("{:20} {:3} seeds {bytes:7} bytes", target.name, seeds.len());
    }
}
