//! What a compute party does next towards the other one: decisions on values, which the edge carries out. (Where more than
//! two compute, [`edge::run`](crate::edge::run) has how they meet and part.)
//!
//! ```text
//! until both signed   garbler    waits for a call
//!                     evaluator  calls: `Awaiting` while inputs are missing, and then `Compute`
//!                                ◀ Ready: an attempt    ◀ Refused: the end    ◀ anything else: calls again
//! afterwards          garbler    waits for a call: the other lacks our signature, or asks whether it is over
//!                     evaluator  asks `Collect` until it hears `Finished`; if stopped, says why, once
//! ```
//!
//! Guaranteed: an evaluator says `Compute` only when no input is missing; nothing is computed again once it was
//! computed by both; an evaluator whose run stopped makes no attempt.

use crate::messages::{RequestKind, Response};
use crate::run_state::{NextStep, RunState};
use sotto_mpc::protocol::semi_honest::Role;

/// Whether there is still time to meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deadline {
    Ahead,
    Passed,
}

/// How the other compute party is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contact {
    /// Its call is awaited.
    Await,
    /// It is called.
    Call,
}

impl Contact {
    pub(crate) const fn of(role: Role) -> Self {
        match role {
            Role::Garbler => Self::Await,
            Role::Evaluator => Self::Call,
        }
    }
}

/// What is done until both compute parties have signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pursuit {
    /// The run is finished: deliver.
    Deliver,
    /// Nothing will come of it, for this reason.
    Stop(String),
    /// The job has expired, and nothing was computed in time.
    Expire,
    /// The other compute party did not come in time.
    GiveUp,
    /// Meet it.
    Meet(Contact),
}

impl Pursuit {
    pub(crate) fn of(next: NextStep, deadline: Deadline, role: Role) -> Self {
        match (next, deadline) {
            (NextStep::Deliver, _) => Self::Deliver,
            (NextStep::Stop(why), _) => Self::Stop(why),
            (NextStep::Expire, _) => Self::Expire,
            (NextStep::Meet, Deadline::Passed) => Self::GiveUp,
            (NextStep::Meet, Deadline::Ahead) => Self::Meet(Contact::of(role)),
        }
    }
}

/// What the evaluator says when it calls: `own` is its input commitment, if it is an input party.
pub(crate) fn opening(missing: Vec<String>, own: Option<&Vec<u8>>) -> RequestKind {
    if missing.is_empty() {
        RequestKind::Compute { input_commitment: own.cloned() }
    } else {
        RequestKind::Awaiting(missing)
    }
}

/// What the garbler's answer to that means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// An attempt, with this input commitment of the garbler.
    Meet(Option<Vec<u8>>),
    /// Nothing will come of it.
    Refused(String),
    /// It awaits these.
    Awaits(Vec<String>),
    /// Not now.
    Later,
}

impl Answered {
    pub(crate) fn of(response: Option<Response>) -> Self {
        match response {
            Some(Response::Ready { input_commitment }) => Self::Meet(input_commitment),
            Some(Response::Refused(why)) => Self::Refused(why),
            Some(Response::Waiting(names)) => Self::Awaits(names),
            Some(
                Response::Taken
                | Response::Finished { .. }
                | Response::Proof { .. }
                | Response::Unproven
                | Response::Meeting { .. }
                | Response::Letters(_),
            )
            | None => Self::Later,
        }
    }
}

/// What we have of earlier attempts.
#[derive(Debug)]
pub(crate) enum Kept<C> {
    Nothing,
    /// Outputs that lack the other's signature.
    Computed(C),
    /// Outputs that both signed.
    Finished(C),
}

/// Whether the other compute party has the same outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outputs {
    Shared,
    Missing,
}

/// What is done in an attempt that both have opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AttemptPlan<C> {
    /// Exchange signatures over what both have computed.
    Exchange(C),
    /// Compute.
    Compute,
    /// We are finished, and the other compute party has lost what it computed.
    Lost,
}

impl<C> AttemptPlan<C> {
    pub(crate) fn of(kept: Kept<C>, outputs: Outputs) -> Self {
        match (kept, outputs) {
            (Kept::Computed(computed) | Kept::Finished(computed), Outputs::Shared) => {
                Self::Exchange(computed)
            }
            (Kept::Finished(_), Outputs::Missing) => Self::Lost,
            (Kept::Nothing, _) | (Kept::Computed(_), Outputs::Missing) => Self::Compute,
        }
    }
}

/// Who has not collected what there is for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uncollected {
    NoParty,
    /// Others than the garbler.
    Others,
    /// The garbler among them.
    Garbler,
}

impl Uncollected {
    pub(crate) fn of(state: &RunState<'_>) -> Self {
        match (state.uncollected().is_empty(), state.has_confirmed(state.agreement().job().garbler)) {
            (true, _) => Self::NoParty,
            (false, true) => Self::Others,
            (false, false) => Self::Garbler,
        }
    }
}

/// How the run ended for us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Finished,
    /// Stopped for this reason, which the garbler does not know.
    Unreported(String),
    /// Stopped, and the garbler knows why.
    Reported,
}

impl Ended {
    /// How it ended, if it did.
    pub(crate) fn of(state: &RunState<'_>) -> Option<Self> {
        let stopped = state.stopped().map(|why| Self::Unreported(why.to_owned()));
        stopped.or_else(|| state.finished().map(|_| Self::Finished))
    }
}

/// What is done when it is over for us, and others may still come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClosingStep {
    /// Every party has what there is for it.
    Leave,
    /// The others may come; the other compute party's call is an attempt.
    Await,
    /// The others may come; the other compute party is not called.
    Wait,
    /// Ask the garbler whether it is over for it.
    Collect,
    /// Report to the garbler why we stopped.
    Report(String),
}

impl ClosingStep {
    pub(crate) fn of(ended: &Ended, uncollected: Uncollected, role: Role) -> Self {
        match (Contact::of(role), ended, uncollected) {
            (_, _, Uncollected::NoParty) => Self::Leave,
            (Contact::Await, ..) => Self::Await,
            (Contact::Call, Ended::Unreported(why), _) => Self::Report(why.clone()),
            (Contact::Call, Ended::Reported, _) | (Contact::Call, Ended::Finished, Uncollected::Others) => {
                Self::Wait
            }
            (Contact::Call, Ended::Finished, Uncollected::Garbler) => Self::Collect,
        }
    }
}

/// What the garbler's answer to `Collect` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reminded {
    /// It is over for it.
    Confirmed,
    /// It stopped, and comes back without what it could not keep.
    Away,
    /// It lacks our signature.
    Meet,
}

impl Reminded {
    pub(crate) const fn of(response: &Response) -> Self {
        match response {
            Response::Finished { .. } => Self::Confirmed,
            Response::Refused(_) => Self::Away,
            Response::Taken
            | Response::Waiting(_)
            | Response::Ready { .. }
            | Response::Proof { .. }
            | Response::Unproven
            | Response::Meeting { .. }
            | Response::Letters(_) => Self::Meet,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLES: [Role; 2] = [Role::Garbler, Role::Evaluator];

    #[test]
    fn only_a_run_that_goes_on_waits_for_the_deadline() {
        let stop = || NextStep::Stop("no".to_owned());
        for role in ROLES {
            for deadline in [Deadline::Ahead, Deadline::Passed] {
                assert_eq!(Pursuit::of(NextStep::Deliver, deadline, role), Pursuit::Deliver);
                assert_eq!(Pursuit::of(NextStep::Expire, deadline, role), Pursuit::Expire);
                assert_eq!(Pursuit::of(stop(), deadline, role), Pursuit::Stop("no".to_owned()));
            }
            assert_eq!(Pursuit::of(NextStep::Meet, Deadline::Passed, role), Pursuit::GiveUp);
        }
        let meet = ROLES.map(|role| Pursuit::of(NextStep::Meet, Deadline::Ahead, role));
        assert_eq!(meet, [Pursuit::Meet(Contact::Await), Pursuit::Meet(Contact::Call)]);
    }

    #[test]
    fn an_evaluator_computes_only_when_no_input_is_missing() {
        let missing = vec!["dora".to_owned()];
        assert_eq!(opening(missing.clone(), Some(&vec![1])), RequestKind::Awaiting(missing));
        assert_eq!(
            opening(Vec::new(), Some(&vec![1])),
            RequestKind::Compute { input_commitment: Some(vec![1]) }
        );
    }

    #[test]
    fn only_a_ready_garbler_is_met() {
        let finished = || Response::Finished { receipt: Vec::new(), encrypted_share: None };
        let ready = || Response::Ready { input_commitment: Some(vec![1]) };
        let (names, why) = (vec!["dora".to_owned()], "no".to_owned());
        for (response, expected) in [
            (Some(ready()), Answered::Meet(Some(vec![1]))),
            (Some(Response::Refused(why.clone())), Answered::Refused(why.clone())),
            (Some(Response::Waiting(names.clone())), Answered::Awaits(names.clone())),
            (Some(Response::Taken), Answered::Later),
            (Some(finished()), Answered::Later),
            (None, Answered::Later),
        ] {
            assert_eq!(Answered::of(response), expected);
        }
        assert_eq!(Reminded::of(&finished()), Reminded::Confirmed);
        assert_eq!(Reminded::of(&Response::Refused(why)), Reminded::Away);
        assert_eq!(Reminded::of(&Response::Waiting(names)), Reminded::Meet);
    }

    #[test]
    fn nothing_is_computed_twice() {
        let plan = |kept, outputs| AttemptPlan::of(kept, outputs);
        for kept in [Kept::Computed(1), Kept::Finished(1)] {
            assert_eq!(plan(kept, Outputs::Shared), AttemptPlan::Exchange(1));
        }
        assert_eq!(plan(Kept::Finished(1), Outputs::Missing), AttemptPlan::Lost);
        // It was never delivered, and will not be.
        assert_eq!(plan(Kept::Computed(1), Outputs::Missing), AttemptPlan::Compute);
        assert_eq!(plan(Kept::Nothing, Outputs::Missing), AttemptPlan::Compute);
    }

    #[test]
    fn the_end_is_told_once_and_asked_for_until_it_is_known() {
        let of = |ended: &Ended, uncollected, role| ClosingStep::of(ended, uncollected, role);
        let unreported = Ended::Unreported("no".to_owned());
        for ended in [&Ended::Finished, &unreported, &Ended::Reported] {
            for role in ROLES {
                assert_eq!(of(ended, Uncollected::NoParty, role), ClosingStep::Leave);
            }
            for uncollected in [Uncollected::Others, Uncollected::Garbler] {
                assert_eq!(of(ended, uncollected, Role::Garbler), ClosingStep::Await);
            }
        }
        let evaluator = |ended, uncollected| of(ended, uncollected, Role::Evaluator);
        for uncollected in [Uncollected::Others, Uncollected::Garbler] {
            assert_eq!(evaluator(&unreported, uncollected), ClosingStep::Report("no".to_owned()));
            assert_eq!(evaluator(&Ended::Reported, uncollected), ClosingStep::Wait);
        }
        assert_eq!(evaluator(&Ended::Finished, Uncollected::Garbler), ClosingStep::Collect);
        assert_eq!(evaluator(&Ended::Finished, Uncollected::Others), ClosingStep::Wait);
    }
}
