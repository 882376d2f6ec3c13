//! The proposals of a height: which may be fed to the core.
//!
//! ```text
//! fed ⇔ the rules gave a verdict, and it is: invalid
//!                                            valid, the claim is fresh, and |time − clock at arrival| ≤ 10 s
//!                                            valid, and a quorum voted for it in some round
//! ```
//!
//! A claim is fed with the verdict. Until then it is held, and the core, which knows nothing of it, votes for
//! nothing when the time is over. The clock judges a fresh claim once, when it arrives: a value on which others
//! are locked would otherwise be refused for ever after an outage of ten seconds, and with one validator dead
//! the chain would halt. A quorum includes an honest validator that found the time right.

use super::event::{ProposedBlock, Verdict};
use sotto_mw::{hash::Hash, votes::SignedProposal};
use std::collections::BTreeMap;

/// How far the time of a fresh proposal may be from the clock of who judges it, in seconds.
const TIMELY: u64 = 10;

struct Held {
    claim: SignedProposal,
    /// The clock when it arrived.
    clock: u64,
}

#[derive(Default)]
struct Value {
    verdict: Option<Verdict>,
    asked_as_backed: bool,
    logged: bool,
}

/// What is to be fed.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) claim: SignedProposal,
    /// The block, if it is valid.
    pub(super) block: Option<ProposedBlock>,
    /// Whether the block is not in the log yet.
    pub(super) unlogged: bool,
}

/// The proposals of a height.
#[derive(Default)]
pub(super) struct Proposals {
    held: Vec<Held>,
    values: BTreeMap<Hash, Value>,
}

impl Proposals {
    /// Takes a claim that arrived when the clock showed this; says whether its block is to be judged.
    pub(super) fn hold(&mut self, claim: SignedProposal, clock: u64) -> bool {
        let value = claim.claim.value;
        self.held.push(Held { claim, clock });
        let known = self.values.contains_key(&value);
        self.values.entry(value).or_default();
        !known
    }

    /// Takes a block that was drafted here, or was in the log.
    pub(super) fn own(&mut self, block: ProposedBlock) {
        let value = self.values.entry(block.value).or_default();
        (value.verdict, value.logged) = (Some(Verdict::Valid(block)), true);
    }

    /// Takes the verdict on a value. The first stands.
    pub(super) fn judged(&mut self, value: Hash, verdict: Verdict) {
        let known = self.values.get_mut(&value).filter(|v| v.verdict.is_none());
        let fits = !matches!(&verdict, Verdict::Valid(block) if block.value != value);
        if let (Some(known), true) = (known, fits) {
            known.verdict = Some(verdict);
        }
    }

    /// The claims that may be fed now, and are held no longer.
    pub(super) fn ready(&mut self, is_backed: impl Fn(Hash) -> bool) -> Vec<Ready> {
        let (mut ready, values) = (Vec::new(), &mut self.values);
        self.held.retain(|held| {
            let claim = &held.claim.claim;
            let Some(value) = values.get_mut(&claim.value) else { return true };
            let block = match &value.verdict {
                None => return true,
                Some(Verdict::Invalid) => None,
                Some(Verdict::Valid(block)) => {
                    let timely = claim.pol_round.is_none() && block.time.abs_diff(held.clock) <= TIMELY;
                    if !timely && !is_backed(claim.value) {
                        return true;
                    }
                    Some(block.clone())
                }
            };
            let unlogged = block.is_some() && !core::mem::replace(&mut value.logged, block.is_some());
            ready.push(Ready { claim: held.claim.clone(), block, unlogged });
            false
        });
        ready
    }

    /// A claim whose block is backed and was asked for without an answer, to ask once more.
    pub(super) fn ask_again(&mut self, is_backed: impl Fn(Hash) -> bool) -> Vec<SignedProposal> {
        let mut again = Vec::new();
        for held in &self.held {
            let name = held.claim.claim.value;
            if let Some(value) = self.values.get_mut(&name)
                && value.verdict.is_none()
                && !value.asked_as_backed
                && is_backed(name)
            {
                value.asked_as_backed = true;
                again.push(held.claim.clone());
            }
        }
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_mw::{
        amount::Height, chain::ChainId, group::Scalar, secret::SecretScalar, votes::ProposalClaim,
    };

    const VALUE: Hash = Hash::from_bytes([1; 32]);

    fn held(pol_round: Option<u32>, clock: u64) -> Proposals {
        let claim = ProposalClaim { height: Height::new(1), round: 3, pol_round, value: VALUE };
        let key = SecretScalar::from(Scalar::from(7u64));
        let mut proposals = Proposals::default();
        assert!(
            proposals.hold(claim.sign(&ChainId::from_bytes([7; 32]), &key, &mut rand_core::OsRng), clock)
        );
        proposals
    }

    fn valid(time: u64) -> Verdict {
        Verdict::Valid(ProposedBlock { value: VALUE, time, bytes: [].into() })
    }

    #[test]
    fn a_fresh_claim_is_fed_within_ten_seconds_of_the_clock_or_when_a_quorum_voted_for_it() {
        for (time, timely) in [(989, false), (990, true), (1_010, true), (1_011, false)] {
            let mut proposals = held(None, 1_000);
            assert!(proposals.ready(|_| true).is_empty(), "not before it was judged");
            proposals.judged(VALUE, valid(time));
            assert_eq!(proposals.ready(|_| false).len(), usize::from(timely), "{time}");
            assert_eq!(proposals.ready(|v| v == VALUE).len(), usize::from(!timely), "{time}");
            assert!(proposals.ready(|_| true).is_empty(), "once");
        }
    }

    #[test]
    fn a_repeated_claim_is_not_judged_by_the_clock_but_needs_the_quorum() {
        for time in [0, 1_000, 5_000] {
            let mut proposals = held(Some(1), 1_000);
            proposals.judged(VALUE, valid(time));
            assert!(proposals.ready(|_| false).is_empty());
            assert_eq!(proposals.ready(|_| true).len(), 1);
        }
    }

    #[test]
    fn an_invalid_value_is_fed_as_such_and_a_verdict_stands() {
        let mut proposals = held(None, 1_000);
        proposals.judged(VALUE, Verdict::Invalid);
        proposals.judged(VALUE, valid(1_000));
        assert!(proposals.ready(|_| false)[0].block.is_none());
    }

    #[test]
    fn a_block_under_another_name_is_no_verdict() {
        let mut proposals = held(None, 1_000);
        let block = ProposedBlock { value: Hash::ZERO, time: 1_000, bytes: [].into() };
        proposals.judged(VALUE, Verdict::Valid(block));
        assert!(proposals.ready(|_| true).is_empty());
    }
}
