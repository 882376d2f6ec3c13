//! What a ledger makes of evidence against validators: judged under the validators of its height, kept beside
//! the chain ([`equivocations`](super::equivocations)), and when it halts the node.

use super::equivocations::{Equivocations, Halt};
use crate::{
    consensus::{DoubleCertificate, Evidence},
    ledger::Ledger,
    storage::{FileName, StoreError, files::replace},
};
use sotto_mw::{amount::Height, validators::ValidatorSet};

/// What a node thinks of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It holds, under the validators of its height.
    Holds,
    /// The validators of its height are not known here.
    Unknown,
    /// Nobody was shown to have said two things.
    Forged,
}

/// Judges evidence under the validators of its height.
#[must_use]
pub fn judge(ledger: &Ledger, evidence: &Evidence) -> Judgement {
    let Some(set) = set_at(ledger, evidence.place().height) else { return Judgement::Unknown };
    let holds = set.index_of(evidence.culprit()).is_some() && evidence.holds(ledger.chain().id());
    if holds { Judgement::Holds } else { Judgement::Forged }
}

/// Keeps evidence that holds, durably; says whether it is the first of its validator and height.
///
/// # Errors
/// When it cannot be written; nothing has happened then.
pub fn keep(ledger: &mut Ledger, evidence: Evidence) -> Result<bool, StoreError> {
    if !ledger.equivocations.is_news(&evidence) {
        return Ok(false);
    }
    let mut all = ledger.equivocations.clone();
    all.all.push(evidence);
    save(ledger, all).map(|()| true)
}

/// Keeps two certificates of a height, durably.
///
/// # Errors
/// As [`keep`].
pub fn keep_double(ledger: &mut Ledger, double: DoubleCertificate) -> Result<(), StoreError> {
    let mut all = ledger.equivocations.clone();
    if all.add_double(double) { save(ledger, all) } else { Ok(()) }
}

fn save(ledger: &mut Ledger, all: Equivocations) -> Result<(), StoreError> {
    let bytes = all.to_file(ledger.chain().id());
    replace(ledger.store_mut().files_mut(), FileName::Equivocations, &bytes)?;
    ledger.equivocations = all;
    Ok(())
}

/// Why a node of this ledger must not go on: a height among the last W with two certificates, of which no
/// checkpoint says which counts. One at the height at which a fork began speaks for all that follow.
#[must_use]
pub fn halt(ledger: &Ledger) -> Option<Halt> {
    let checkpoints = ledger.checkpoints();
    let doubles = ledger.equivocations.doubles();
    let forks = doubles.iter().map(|d| d.height).filter(|h| checkpoints.iter().any(|c| c.height == *h));
    let decided = forks.min();
    let oldest = ledger.tip().height.minus(ledger.chain().params().window_width);
    let counts = |d: &&DoubleCertificate| d.height >= oldest && decided.is_none_or(|h| d.height < h);
    let double = doubles.iter().find(counts)?.clone();
    let set = set_at(ledger, double.height);
    let name = |place| set.and_then(|set| set.get(place)).map(|v| v.name.to_string());
    let signers = double.signers_of_both().filter_map(name).collect();
    Some(Halt { double, signers })
}

/// The validators of a height, up to the second after the tip: later ones are not known.
#[must_use]
pub fn set_at(ledger: &Ledger, height: Height) -> Option<&ValidatorSet> {
    let known = height <= ledger.tip().height.plus(2);
    known.then(|| ledger.store().history().at(height)).and_then(|terms| terms.sealing.validators())
}
