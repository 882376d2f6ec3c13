//! The seeds of all targets, made from fixed randomness: the same code always makes the same bytes.
//!
//! Each target has some valid inputs, and some invalid ones close to them. A seed's name begins with its
//! verdict, so the tests reveal every change of a format or of the accepted inputs.

mod computing;
mod council;
pub mod hostile;
mod jobs;
mod keys;
mod ledger;
mod links;
mod money;
mod sales;
mod tee;

use crate::{TARGETS, Target, Verdict};
use std::collections::BTreeMap;

/// An input and its verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// The verdict and a description, such as `refused-cut`.
    pub name: String,
    /// The input.
    pub bytes: Vec<u8>,
}

/// Inputs by description.
pub(crate) type Inputs = Vec<(String, Vec<u8>)>;

fn input(name: &str, bytes: impl Into<Vec<u8>>) -> (String, Vec<u8>) {
    (name.to_owned(), bytes.into())
}

/// The seeds of a target, by name.
///
/// # Panics
/// If it has none.
#[must_use]
pub fn of(target: &Target) -> Vec<Seed> {
    let mut all = BTreeMap::new();
    for (name, bytes) in inputs(target.name).into_iter().flat_map(neighbours) {
        let verdict = match (target.run)(&bytes) {
            Verdict::Accepted => "accepted",
            Verdict::Refused => "refused",
        };
        all.entry(bytes).or_insert_with(|| format!("{verdict}-{name}"));
    }
    let mut all: Vec<Seed> = all.into_iter().map(|(bytes, name)| Seed { name, bytes }).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// All targets with their seeds.
#[must_use]
pub fn all() -> Vec<(&'static Target, Vec<Seed>)> {
    TARGETS.iter().map(|target| (target, of(target))).collect()
}

fn inputs(target: &str) -> Inputs {
    let all = [
        ledger::inputs,
        money::inputs,
        computing::inputs,
        council::inputs,
        jobs::inputs,
        keys::inputs,
        links::inputs,
        sales::inputs,
        tee::inputs,
    ];
    all.iter().find_map(|inputs| inputs(target)).expect("seeds for every target")
}

/// The seeds of longer inputs are fewer, so that all of them stay below a megabyte.
const LONG: usize = 1_024;
const VERY_LONG: usize = 4 * LONG;

/// Of very long ones, this many bytes are the start.
const START: usize = 64;

/// The input, and the input with a flipped bit in the middle, cut in half or to its start, and, unless it is long, cut by
/// a byte and extended by a byte.
fn neighbours((name, bytes): (String, Vec<u8>)) -> Inputs {
    let named = |what: &str, bytes: Vec<u8>| (format!("{name}-{what}"), bytes);
    let cut = |n: usize| bytes.get(..n).unwrap_or_default().to_vec();
    let mut flipped = bytes.clone();
    let middle = flipped.len() / 2;
    flipped.get_mut(middle).into_iter().for_each(|byte| *byte ^= 1);
    let part = if bytes.len() <= VERY_LONG { ("half", bytes.len() / 2) } else { ("start", START) };
    let mut near = vec![named(part.0, cut(part.1)), named("flipped", flipped)];
    if bytes.len() <= LONG {
        near.push(named("short", cut(bytes.len().saturating_sub(1))));
        near.push(named("long", [&bytes[..], &[0]].concat()));
    }
    [(name.clone(), bytes.clone())].into_iter().chain(near).collect()
}
