//! Who is guilty of two certificates of one height, given validators' accounts of their votes.
//!
//! ```text
//! A: precommits for a in round r, B: for b ≠ a in round s ≥ r. Known votes: those of A, B, of all polkas shown.
//!
//! guilty    two known votes at one step; or a signed account that
//!             leaves out a known vote at or before its last, or has a vote that the rules forbid
//! suspect   in A, with a known vote for another value in round r or later
//!             cleared       an account that reaches the last of its known votes, and is not guilty
//!             no account    silence is no proof
//! ```
//!
//! Guaranteed: an honest validator, which signs accounts of whole logs alone, is never guilty. If every
//! suspect gave an account, those who are guilty have more than a third of the power:
//! `docs/adr/0019-accounts.md` has the proof. Not guaranteed: anything about a validator that stays silent.
//!
//! Source: Buchman, Kwon and Milosevic 2018, "The latest gossip on BFT consensus", section 3 (safety).
#![deny(clippy::indexing_slicing)]

use super::{
    account::{AccountError, Breach, SignedAccount, Step},
    evidence::{CertifiedHeader, DoubleCertificate},
};
use sotto_mw::{
    chain::ChainId,
    hash::Hash,
    validators::{Signatures, ValidatorSet},
    votes::VoteKind,
};
use std::collections::{BTreeMap, BTreeSet};

/// What is found about a validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It broke the protocol.
    Guilty(Guilt),
    /// It is a suspect, and its account shows that each of its votes was allowed.
    Cleared,
    /// It is a suspect, and no account of it reaches its last vote that is known.
    NoAccount,
}

/// How a validator broke the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guilt {
    /// It signed votes for two values at this step.
    TwoVotes(Step),
    /// It signed an account without this vote, which it cast.
    Omitted(Step),
    /// Its own account has a vote that the rules forbid.
    Breach(Breach),
}

/// A verdict on the validator at a place in the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The place.
    pub place: usize,
    /// The verdict.
    pub verdict: Verdict,
}

/// Why nothing can be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JudgeError {
    /// The certificates are not two of this set and height, for different headers.
    #[error("the certificates are not two of that height's validators for different headers")]
    Certificates,
    /// The account with this number, from 0 on, counts for nothing.
    #[error("account {0}: {1}")]
    Account(usize, AccountError),
}

/// Votes for values, each of which was verified, by place.
#[derive(Default)]
struct Known(BTreeMap<usize, BTreeMap<Step, BTreeSet<Hash>>>);

impl Known {
    fn add(&mut self, step: Step, value: Hash, signatures: &Signatures) {
        for place in signatures.signers().places() {
            self.0.entry(place).or_default().entry(step).or_default().insert(value);
        }
    }
}

/// Judges all that these certificates and accounts say something of, under the validators of the height. Who is
/// neither guilty nor a suspect is left out.
///
/// # Errors
/// [`JudgeError`] if the certificates or an account do not hold: then nothing is judged.
pub fn judge(
    chain: &ChainId,
    set: &ValidatorSet,
    double: &DoubleCertificate,
    accounts: &[SignedAccount],
) -> Result<Vec<Judged>, JudgeError> {
    if !double.holds(chain, set) {
        return Err(JudgeError::Certificates);
    }
    let (mut known, mut own) = (Known::default(), BTreeMap::<usize, Vec<&SignedAccount>>::new());
    for CertifiedHeader { header: value, certificate } in [&double.first, &double.second] {
        known.add((certificate.round, VoteKind::Precommit), *value, &certificate.signatures);
    }
    for (i, signed) in accounts.iter().enumerate() {
        let checked = signed.check(chain, set, double.height);
        own.entry(checked.map_err(|e| JudgeError::Account(i, e))?).or_default().push(signed);
        for ((round, value), signatures) in &signed.account.polkas {
            known.add((*round, VoteKind::Prevote), *value, signatures);
        }
    }
    let (lock, votes) = (earlier(double), BTreeMap::new());
    let verdict = |place| {
        let votes = known.0.get(&place).unwrap_or(&votes);
        let verdict = verdict(lock, votes, own.get(&place).map_or(&[], Vec::as_slice))?;
        Some(Judged { place, verdict })
    };
    Ok((0..set.count()).filter_map(verdict).collect())
}

/// Round and value of the certificate of the lesser round.
fn earlier(double: &DoubleCertificate) -> (u32, Hash) {
    let [first, second] = [&double.first, &double.second].map(|c| (c.certificate.round, c.header));
    first.min(second)
}

fn verdict(
    (round, locked): (u32, Hash),
    known: &BTreeMap<Step, BTreeSet<Hash>>,
    accounts: &[&SignedAccount],
) -> Option<Verdict> {
    let twice = known.iter().find(|(_, values)| values.len() > 1);
    let guilt = twice.map(|(step, _)| Guilt::TwoVotes(*step));
    if let Some(guilt) = guilt.or_else(|| accounts.iter().find_map(|a| guilt_by(a, known))) {
        return Some(Verdict::Guilty(guilt));
    }
    let precommitted = known.get(&(round, VoteKind::Precommit)).is_some_and(|v| v.contains(&locked));
    let later = || known.range((round, VoteKind::Prevote)..);
    if !precommitted || !later().any(|(_, values)| values.iter().any(|v| *v != locked)) {
        return None;
    }
    let reaches = |a: &&SignedAccount| a.account.last() >= known.keys().next_back().copied();
    Some(if accounts.iter().any(reaches) { Verdict::Cleared } else { Verdict::NoAccount })
}

/// What an account says against the validator that signed it.
fn guilt_by(signed: &SignedAccount, known: &BTreeMap<Step, BTreeSet<Hash>>) -> Option<Guilt> {
    let account = &signed.account;
    let covered = known.iter().take_while(|(step, _)| Some(**step) <= account.last());
    let mut omitted = covered.filter(|(step, values)| {
        account.votes.get(step).is_none_or(|value| values.iter().any(|known| known != value))
    });
    let omitted = omitted.next().map(|(step, _)| Guilt::Omitted(*step));
    omitted.or_else(|| account.breach().map(Guilt::Breach))
}

/// The power of those who are guilty.
#[must_use]
pub fn guilty_power(set: &ValidatorSet, all: &[Judged]) -> u64 {
    let guilty = all.iter().filter(|j| matches!(j.verdict, Verdict::Guilty(_)));
    guilty.filter_map(|j| set.get(j.place)).map(|v| u64::from(v.power.get())).sum()
}
