//! The part of those who do not compute: owners bring their input to both computers, everybody collects what there is.
//!
//! An owner is bound to its input, and the run costs its part of the budget, when a computer is there to take it and not before.
//! After the job's expiry nothing is brought any more; what was computed in time is collected.

use std::thread;
use std::time::Instant;

use sotto_link::pinned::LinkError;

use super::super::files::{Shelf, name};
use super::ways::Line;
use super::{AGAIN, MAX_ANSWER, Outcome, Own, RunError, Setup, Stage};
use crate::codec::{Wire as _, record};
use crate::desk::Item;
use crate::joint::Joint;
use crate::outputs::{Origin, Parcel};
use crate::post::{Answer, PostError, Wish};
use crate::receipt::Receipt;
use crate::{Digest, PartyId};
use sotto_mpc::channel::ChannelError;

/// What was collected, as it is kept.
struct Collected {
    receipt: Receipt,
    parcels: Vec<Parcel>,
}
record!(Collected { receipt, parcels });

const KEPT: &str = "sotto collected v1\0";

pub(super) fn run<P: Joint>(
    setup: &Setup<'_, P>,
    own: Option<Own>,
    shelf: &mut impl Shelf,
) -> Result<Outcome, RunError> {
    let finished = name(setup.job(), Item::Finished);
    let manifest = own.as_ref().map(|own| own.prepared.manifest.digest());
    if let Some(kept) = shelf.get(&finished)?.and_then(|kept| Collected::from_prefixed(KEPT, &kept).ok()) {
        let outcome = outcome(setup, &kept, manifest)?;
        if shelf.get(&name(setup.job(), Item::Served))?.is_none() {
            thank(setup, shelf, 1);
        }
        return Ok(outcome);
    }
    if let Some(mut own) = own {
        // Who brought something before may have to collect what came of it.
        if own.unbound.is_some() || setup.in_time().is_ok() {
            deliver(setup, &mut own, shelf)?;
        }
    }
    let collected = collect(setup)?;
    shelf.keep(&finished, &collected.to_prefixed(KEPT))?;
    let outcome = outcome(setup, &collected, manifest)?;
    (setup.observe)(Stage::Finished(Box::new(outcome.clone())));
    thank(setup, shelf, 5);
    Ok(outcome)
}

/// Tells both computers that we have all that is ours, so that they need not wait for us; at worst they do, until their deadline.
fn thank<P: Joint>(setup: &Setup<'_, P>, shelf: &mut impl Shelf, tries: u32) {
    let mut told = 0;
    for computer in setup.job().computers() {
        let hears = |_| matches!(ask(setup, computer, Wish::Served), Ok(Some(_)));
        told += u32::from((0..tries).any(hears));
    }
    if told == 2 {
        // Without this, they are told once more.
        let _ = shelf.keep(&name(setup.job(), Item::Served), &[]);
    }
}

/// Brings both computers their share; each keeps it before it says so.
fn deliver<P: Joint>(
    setup: &Setup<'_, P>,
    Own { prepared, unbound }: &mut Own,
    shelf: &mut impl Shelf,
) -> Result<(), RunError> {
    let mut pending = prepared.sealed.iter().collect::<Vec<_>>();
    let until = setup.waits_until();
    while !pending.is_empty() {
        let mut left = Vec::new();
        for letter in pending {
            let (computer, sealed) = letter;
            setup.in_time()?;
            let Some(line) = setup.ways().call(*computer)? else {
                left.push(letter);
                continue;
            };
            (setup.debit)()?;
            if let Some(outbox) = unbound.take() {
                shelf.keep(&name(setup.job(), Item::Own), &outbox)?;
            }
            let wish = Wish::Deliver { manifest: prepared.manifest.to_bytes(), sealed: sealed.clone() };
            match say(setup, *computer, line, wish)? {
                Some(Answer::Taken) => (setup.observe)(Stage::Delivered(setup.name(*computer))),
                Some(Answer::Refused(why)) => {
                    return Err(RunError::Refused { by: setup.name(*computer), why });
                }
                _ => left.push(letter),
            }
        }
        pending = left;
        if !pending.is_empty() {
            wait(setup, until, pending.iter().map(|(computer, _)| setup.name(*computer)).collect())?;
        }
    }
    Ok(())
}

/// Asks both computers until each has told its end of the run.
fn collect<P: Joint>(setup: &Setup<'_, P>) -> Result<Collected, RunError> {
    let computers = setup.job().computers();
    let until = setup.waits_until() + std::time::Duration::from_secs(setup.job().limits.seconds.into());
    let mut told: [Option<(Receipt, Option<Parcel>)>; 2] = [None, None];
    loop {
        let mut awaited: Vec<String> = Vec::new();
        for (computer, told) in computers.into_iter().zip(&mut told).filter(|(_, told)| told.is_none()) {
            match ask(setup, computer, Wish::Collect)? {
                Some(Answer::Finished { receipt, parcel }) => {
                    *told = Some((Receipt::from_bytes(setup.job(), &receipt)?, parcel));
                }
                Some(Answer::Refused(why)) => {
                    return Err(RunError::Refused { by: setup.name(computer), why });
                }
                // One that awaits nobody is there, and awaits or computes with the other one.
                Some(Answer::Waiting(names)) => awaited.extend(names),
                _ => awaited.push(setup.name(computer)),
            }
        }
        if let [Some((receipt, a)), Some((other, b))] = &told {
            if receipt != other {
                return Err(RunError::Disagree("their receipts differ"));
            }
            let parcels = a.iter().chain(b).cloned().collect();
            return Ok(Collected { receipt: receipt.clone(), parcels });
        }
        if awaited.is_empty() {
            awaited = computers.map(|computer| setup.name(computer)).to_vec();
        }
        awaited.sort();
        awaited.dedup();
        wait(setup, until, awaited)?;
    }
}

/// One request and its answer; nothing if the computer is not there now.
fn ask<P: Joint>(setup: &Setup<'_, P>, computer: PartyId, wish: Wish) -> Result<Option<Answer>, RunError> {
    match setup.ways().call(computer)? {
        Some(line) => say(setup, computer, line, wish),
        None => Ok(None),
    }
}

/// The same over a line that is there.
fn say<P: Joint>(
    setup: &Setup<'_, P>,
    computer: PartyId,
    mut line: Line,
    wish: Wish,
) -> Result<Option<Answer>, RunError> {
    let asked = setup.request(wish).send(&mut line).map_err(PostError::from);
    match asked.and_then(|()| Answer::receive(&mut line, MAX_ANSWER)) {
        Ok(answer) => Ok(Some(answer)),
        Err(PostError::Channel(ChannelError::Altered { .. })) => {
            Err(setup.ways().no_link(computer, computer, LinkError::Altered))
        }
        Err(_) => Ok(None),
    }
}

fn wait<P: Joint>(setup: &Setup<'_, P>, until: Instant, awaited: Vec<String>) -> Result<(), RunError> {
    if Instant::now() >= until {
        return Err(RunError::Late(awaited));
    }
    (setup.observe)(Stage::Waiting(awaited));
    thread::sleep(AGAIN);
    Ok(())
}

/// What the party has in the end, if the receipt is about its own input.
fn outcome<P: Joint>(
    setup: &Setup<'_, P>,
    Collected { receipt, parcels }: &Collected,
    manifest: Option<Digest>,
) -> Result<Outcome, RunError> {
    let (job, facts) = (setup.job(), &receipt.facts);
    let ours = job.input_of(setup.us).and_then(|i| facts.inputs.get(i).copied());
    if facts.run != setup.run || ours != manifest {
        return Err(RunError::Disagree("their receipt is about another run, or another input than ours"));
    }
    let mine = job.outputs_of(setup.us);
    if mine.is_empty() {
        return Ok(Outcome::of(receipt.clone()));
    }
    let [Parcel { sealed: a, .. }, Parcel { sealed: b, .. }] = &parcels[..] else {
        return Err(RunError::Disagree("one of them has no half of our outputs"));
    };
    let widths = setup.widths();
    let origin = Origin { job, run_id: facts.run_id, widths: &widths };
    let received = origin.join(setup.us, setup.identity, facts, [&a.0, &b.0])?;
    Ok(Outcome::received(receipt.clone(), mine, received))
}
