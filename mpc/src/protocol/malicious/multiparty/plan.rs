//! What the parties of a session agree on beforehand: how many they are, who holds which input, who learns
//! the outputs.

use super::super::settings::Settings;
use crate::protocol::hello::RunId;

/// Says that the caller knows: this protocol is **experimental**. Its zero test is our own and has no published
/// proof, and no part of it was reviewed outside the project (see `docs/GARBLING.md`, *Malicious security, n
/// parties*).
#[derive(Clone, Copy, Debug)]
pub struct Experimental;

/// The number of parties of a session: 3 to 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parties(u8);

impl Parties {
    /// This many parties; `None` unless there are 3 to 8.
    #[must_use]
    pub const fn new(parties: u8) -> Option<Self> {
        if matches!(parties, 3..=8) { Some(Self(parties)) } else { None }
    }

    /// How many.
    #[must_use]
    pub const fn number(self) -> usize {
        self.0 as usize
    }

    /// All places.
    pub fn places(self) -> impl Iterator<Item = Place> {
        (1..=self.0).map(Place)
    }
}

/// The place of a party, from 1. The party at place 1 evaluates, all others garble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(u8);

impl Place {
    /// The place with this number; `None` unless it is 1 to 8.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if matches!(number, 1..=8) { Some(Self(number)) } else { None }
    }

    /// From 0.
    pub(super) const fn index(self) -> usize {
        self.0 as usize - 1
    }
}

impl core::fmt::Display for Place {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "party {}", self.0)
    }
}

/// Why a plan cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A holder or a learner is not among the parties.
    #[error("{0} is not among the parties")]
    Place(Place),
    /// Nobody learns the outputs.
    #[error("no party learns the outputs")]
    NoLearner,
}

/// What the parties agree on beforehand, besides the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    parties: Parties,
    /// Who holds the bits of each input stream.
    holders: Vec<Place>,
    /// Who learns the outputs, in the order of places, each once.
    learners: Vec<Place>,
    pub(super) settings: Settings,
    pub(super) run: RunId,
    pub(super) attempt: u32,
}

impl Plan {
    /// A plan in which party `holders[i]` holds input stream i, and the learners learn the outputs, with the
    /// default settings. (What [`Holder`](crate::Holder)s a program's shape names does not matter here.)
    ///
    /// # Errors
    /// If a place is not among the parties, or nobody learns the outputs.
    pub fn new(
        Experimental: Experimental,
        parties: Parties,
        holders: &[Place],
        learners: &[Place],
    ) -> Result<Self, PlanError> {
        let mut plan = Self {
            parties,
            holders: holders.to_vec(),
            learners: learners.to_vec(),
            settings: Settings::default(),
            run: RunId([0; 32]),
            attempt: 0,
        };
        plan.learners.sort_unstable();
        plan.learners.dedup();
        let stranger = |place: &&Place| place.index() >= parties.number();
        match holders.iter().chain(learners).find(stranger) {
            Some(place) => Err(PlanError::Place(*place)),
            None if learners.is_empty() => Err(PlanError::NoLearner),
            None => Ok(plan),
        }
    }

    /// The same plan with other settings.
    #[must_use]
    pub fn with_settings(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    /// The same plan for a run with this identifier, which must be unique, and an attempt at it, from 0.
    #[must_use]
    pub fn with_run(self, run: RunId, attempt: u32) -> Self {
        Self { run, attempt, ..self }
    }

    /// All places.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        self.parties.places()
    }

    pub(super) fn parties(&self) -> usize {
        self.parties.number()
    }

    /// The places of the holders of all streams, from 0.
    pub(super) fn holders(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        self.holders.iter().map(|place| place.index())
    }

    /// The places of the learners, from 0: garblers, then the evaluator.
    pub(super) fn learners(&self) -> impl Iterator<Item = usize> + '_ {
        let (evaluator, garblers): (Vec<_>, Vec<_>) =
            self.learners.iter().map(|place| place.index()).partition(|place| *place == 0);
        garblers.into_iter().chain(evaluator)
    }
}
