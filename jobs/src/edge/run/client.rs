//! The parties that do not compute: input parties deliver their input to all compute parties, and all of
//! them collect their results.
//!
//! An input party is bound to its input, and the run is debited from its budget, when a compute party is
//! ready to take the input and not before. After the job's expiry nothing is delivered; what was computed in
//! time is collected.

use std::collections::BTreeMap;
use std::thread;
use std::time::Instant;

use super::error::RunError;
use super::mailbox::Mailbox;
use super::routes::PartyChannel;
use super::setup::{OwnInput, RETRY_INTERVAL, Setup, Stage};
use super::trade::Post;
use crate::PartyId;
use crate::collect::{Collected, Ended, Outcome};
use crate::input_commitment::InputCommitment;
use crate::messages::{RequestKind, Response};
use crate::multiparty::Functionality;
use crate::receipt::Receipt;
use crate::run_state::Item;
use crate::storage::{Storage, name};
use sotto_tee::Appraised;

pub(crate) fn run<P: Functionality>(
    setup: &Setup<'_, P>,
    own: Option<OwnInput>,
    storage: &mut impl Storage,
) -> Result<Outcome, RunError> {
    let finished = name(setup.job(), Item::Finished);
    let input_commitment = own.as_ref().map(|own| own.prepared.input_commitment.clone());
    let widths = setup.widths();
    let collector = setup.collector(input_commitment.as_ref(), &widths);
    let post = Mailbox::of_client(setup);
    if let Some(kept) = storage.get(&finished)?.and_then(|kept| Collected::from_bytes(setup.job(), &kept)) {
        let outcome = collector.outcome(&kept)?;
        setup.settle(&outcome, &post)?;
        if storage.get(&name(setup.job(), Item::Confirmed))?.is_none() {
            confirm(setup, storage, 1);
        }
        return Ok(outcome);
    }
    if let Some(mut own) = own {
        // A party that delivered before may have a result to collect, even if its money is gone by now.
        let is_new = own.unsaved.is_some();
        if is_new || setup.in_time().is_ok() {
            match deliver(setup, &post, &mut own, storage) {
                Err(RunError::Unpaid(_)) if !is_new => {}
                delivered => delivered?,
            }
        }
    }
    if setup.job().sale.as_ref().is_some_and(|sale| sale.buyer == setup.us) {
        setup.await_money(&post)?;
    }
    let collected = collect(setup, &post)?;
    // Only what fits is kept: a compute party that answered wrongly once may answer rightly the next time.
    let outcome = collector.outcome(&collected)?;
    storage.put(&finished, &collected.to_bytes())?;
    (setup.observe)(Stage::Finished(Box::new(outcome.clone())));
    setup.settle(&outcome, &post)?;
    confirm(setup, storage, 5);
    Ok(outcome)
}

/// Tells all compute parties that we have all that is ours, so that they need not wait for us; at worst they
/// do, until their deadline.
fn confirm<P: Functionality>(setup: &Setup<'_, P>, storage: &mut impl Storage, tries: u32) {
    let mut confirmed = 0;
    for compute_party in setup.job().compute_parties() {
        let hears = |_| matches!(setup.ask(compute_party, RequestKind::Confirmed), Ok(Some(_)));
        confirmed += u32::from((0..tries).any(hears));
    }
    if confirmed as usize == setup.job().compute_parties().len() {
        // If this fails, the confirmation is sent once more.
        let _ = storage.put(&name(setup.job(), Item::Confirmed), &[]);
    }
}

/// Brings all compute parties their share; each keeps it before it says so.
fn deliver<P: Functionality>(
    setup: &Setup<'_, P>,
    post: &dyn Post,
    OwnInput { prepared, unsaved }: &mut OwnInput,
    storage: &mut impl Storage,
) -> Result<(), RunError> {
    let mut pending: Vec<_> = prepared.encrypted.iter().collect();
    let mut delivery =
        Delivery { setup, post, input_commitment: &prepared.input_commitment, unsaved, storage };
    let until = setup.deadline();
    let mut judged = BTreeMap::new();
    while !pending.is_empty() {
        // Before a compute party is called, which would not wait so long.
        setup.await_money(post)?;
        let mut left = Vec::new();
        if setup.job().has_attested_computers() {
            let lines = prove_all(setup, &pending, &mut judged)?;
            for (share, line) in pending.into_iter().zip(lines) {
                if !delivery.bring(share, line)? {
                    left.push(share);
                }
            }
        } else {
            for share in pending {
                setup.in_time()?;
                let line = called(setup, share.0)?;
                if !delivery.bring(share, line)? {
                    left.push(share);
                }
            }
        }
        pending = left;
        if !pending.is_empty() {
            let away: Vec<_> = pending.iter().map(|(compute_party, _)| *compute_party).collect();
            let mut awaited: Vec<_> = away.iter().map(|compute_party| setup.name(*compute_party)).collect();
            // A compute party that is there knows who else is missing.
            for there in setup.job().compute_parties().into_iter().filter(|id| !away.contains(id)) {
                if let Some(Response::Waiting(names)) = setup.ask(there, RequestKind::Collect)? {
                    awaited.extend(names);
                }
            }
            wait(setup, until, awaited)?;
        }
    }
    Ok(())
}

/// A compute party's share.
type Share = (PartyId, Vec<u8>);

/// A line to a compute party, with evidence of both ends if the job asks for it.
fn called<P: Functionality>(
    setup: &Setup<'_, P>,
    compute_party: PartyId,
) -> Result<Option<PartyChannel>, RunError> {
    let Some(mut line) = setup.call(compute_party)? else { return Ok(None) };
    Ok(setup.prove(compute_party, &mut line)?.map(|_| line))
}

/// Lines to all these compute parties whose evidence was judged together with that of those who have their share; none
/// if one of them is away. `judged` has what was found in this process.
fn prove_all<P: Functionality>(
    setup: &Setup<'_, P>,
    pending: &[&Share],
    judged: &mut BTreeMap<PartyId, Appraised>,
) -> Result<Vec<Option<PartyChannel>>, RunError> {
    setup.in_time()?;
    let none = || pending.iter().map(|_| None).collect();
    let mut lines = Vec::new();
    for (compute_party, _) in pending {
        let Some(line) = setup.call(*compute_party)? else { return Ok(none()) };
        lines.push((*compute_party, line));
    }
    for (compute_party, line) in &mut lines {
        let Some(proven) = setup.prove(*compute_party, line)? else { return Ok(none()) };
        judged.extend(proven.theirs.map(|theirs| (*compute_party, theirs)));
    }
    let both: Vec<_> = judged.values().collect();
    setup.means()?.appraiser.check_diversity(setup.job(), &both)?;
    Ok(lines.into_iter().map(|(_, line)| Some(line)).collect())
}

/// Our input on its way.
struct Delivery<'a, 'p, P, S> {
    setup: &'a Setup<'p, P>,
    post: &'a dyn Post,
    input_commitment: &'a InputCommitment,
    unsaved: &'a mut Option<Vec<u8>>,
    storage: &'a mut S,
}

impl<P: Functionality, S: Storage> Delivery<'_, '_, P, S> {
    /// Brings a compute party its share over this line; whether it took it.
    fn bring(
        &mut self,
        (compute_party, encrypted): &Share,
        line: Option<PartyChannel>,
    ) -> Result<bool, RunError> {
        let (setup, Some(line)) = (self.setup, line) else { return Ok(false) };
        setup.charge(self.post)?;
        if let Some(saved_input) = self.unsaved.take() {
            self.storage.put(&name(setup.job(), Item::Own), &saved_input)?;
        }
        let kind = RequestKind::Deliver {
            input_commitment: self.input_commitment.to_bytes(),
            encrypted: encrypted.clone(),
        };
        match setup.exchange(*compute_party, line, kind)? {
            Some(Response::Taken) => (setup.observe)(Stage::Delivered(setup.name(*compute_party))),
            Some(Response::Refused(why)) => {
                return Err(RunError::Refused { by: setup.name(*compute_party), why });
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Asks all compute parties until each has reported the end of the run; money that is asked back meanwhile is given back.
fn collect<P: Functionality>(setup: &Setup<'_, P>, post: &dyn Post) -> Result<Collected, RunError> {
    let compute_parties = setup.job().compute_parties();
    let until = setup.deadline() + std::time::Duration::from_secs(setup.job().limits.seconds.into());
    let mut ended: Vec<Option<Ended>> = compute_parties.iter().map(|_| None).collect();
    let mut attended = None;
    let receives = !setup.job().open_outputs_of(setup.us).is_empty();
    loop {
        let mut awaited: Vec<String> = Vec::new();
        for (compute_party, ended) in
            compute_parties.iter().copied().zip(&mut ended).filter(|(_, ended)| ended.is_none())
        {
            let mut answer = setup.ask(compute_party, RequestKind::Collect)?;
            if let Some(Response::Unproven) = answer {
                let line = called(setup, compute_party)?;
                let collect = |line| setup.exchange(compute_party, line, RequestKind::Collect);
                answer = line.map_or(Ok(None), collect)?;
            }
            match answer {
                Some(Response::Finished { receipt, encrypted_share }) => {
                    let receipt = Receipt::from_bytes(setup.job(), &receipt)?;
                    *ended = Some(Ended { receipt, encrypted_share });
                }
                Some(Response::Refused(why)) => {
                    return Err(RunError::Refused { by: setup.name(compute_party), why });
                }
                // A compute party that waits for no input party waits for the other compute party or
                // computes.
                Some(Response::Waiting(names)) => awaited.extend(names),
                _ => awaited.push(setup.name(compute_party)),
            }
        }
        if ended.iter().all(Option::is_some) {
            return Ok(Collected::of(ended.into_iter().flatten())?);
        }
        match setup.attend(post, &mut attended) {
            // What is not sold may still come.
            Err(RunError::Unpaid(_)) if receives => {}
            done => done?,
        }
        if awaited.is_empty() {
            awaited = compute_parties.iter().map(|compute_party| setup.name(*compute_party)).collect();
        }
        wait(setup, until, awaited)?;
    }
}

fn wait<P: Functionality>(
    setup: &Setup<'_, P>,
    until: Instant,
    mut awaited: Vec<String>,
) -> Result<(), RunError> {
    awaited.sort();
    awaited.dedup();
    if Instant::now() >= until {
        return Err(RunError::Late(awaited));
    }
    (setup.observe)(Stage::Waiting(awaited));
    thread::sleep(RETRY_INTERVAL);
    Ok(())
}
