//! Submits payments to a running node, and waits until another node has them all (`benches/sync.sh`).
//!
//! ```text
//! pay PAYMENTS FIRST LAST      the file that `chain` wrote, and the folders of two nodes
//! ```
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use sotto_mw::{codec::Decode, transaction::Transaction};
use sotto_node::{
    edge::client::Client,
    rpc::{Hex, Status, Submit},
};
use std::{
    env, fs,
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

fn main() {
    let mut args = env::args().skip(1);
    let file = fs::read(args.next().unwrap()).unwrap();
    let [first, last] =
        [(); 2].map(|()| Client::of_folder(&Path::new(&args.next().unwrap()).join("node")).unwrap());
    let (mut rest, mut payments) = (&file[..], Vec::new());
    while let Some((length, after)) = rest.split_first_chunk() {
        let (bytes, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        payments.push(Transaction::from_bytes(bytes).unwrap());
        rest = after;
    }
    let count = payments.len();
    // Some are joined on their stems, so their number is meaningless.
    let all: u64 = payments.iter().map(|t| t.body.weight()).sum();
    let began = Instant::now();
    for payment in payments {
        first.ask(&Submit { transaction: Hex(payment) }).unwrap();
    }
    let accepted = began.elapsed().as_secs_f64();
    println!(
        "{count} payments accepted by the first node in {accepted:.2} s: {:.0} a second",
        count as f64 / accepted
    );
    while last.ask(&Status {}).unwrap().pending_weight < all {
        sleep(Duration::from_millis(20));
        assert!(began.elapsed() < Duration::from_secs(120));
    }
    let there = began.elapsed().as_secs_f64();
    println!("all there at the last after {there:.2} s: {:.0} a second", count as f64 / there);
}
