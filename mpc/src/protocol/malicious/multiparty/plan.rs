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

/// Who holds the bits of an input stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldBy {
    /// One party.
    One(Place),
    /// All parties: each holds a share of every bit, and a bit is the XOR of its shares. Its owner does not compute.
    All,
}

impl From<Place> for HeldBy {
    fn from(place: Place) -> Self {
        Self::One(place)
    }
}

impl HeldBy {
    /// Whether the party at a place, from 0, holds bits or shares.
    pub(super) fn includes(self, place: usize) -> bool {
        match self {
            Self::One(holder) => holder.index() == place,
            Self::All => true,
        }
    }

    /// The place from 0, or 255 for all.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::One(Place(number)) => number - 1,
            Self::All => u8::MAX,
        }
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
    holders: Vec<HeldBy>,
    /// Who learns the outputs, in the order of places, each once.
    learners: Vec<Place>,
    pub(super) settings: Settings,
    pub(super) run: RunId,
    pub(super) attempt: u32,
}

impl Plan {
    /// A plan in which `holders[i]` (a place, or all) hold input stream i, and the learners learn the outputs, with
    /// the default settings. (What [`Holder`](crate::Holder)s a program's shape names does not matter here.)
    ///
    /// # Errors
    /// If a place is not among the parties, or nobody learns the outputs.
    pub fn new(
        Experimental: Experimental,
        parties: Parties,
        holders: &[impl Into<HeldBy> + Copy],
        learners: &[Place],
    ) -> Result<Self, PlanError> {
        let holders: Vec<HeldBy> = holders.iter().map(|holder| (*holder).into()).collect();
        let mut plan = Self {
            parties,
            holders,
            learners: learners.to_vec(),
            settings: Settings::default(),
            run: RunId([0; 32]),
            attempt: 0,
        };
        plan.learners.sort_unstable();
        plan.learners.dedup();
        let stranger = |place: &Place| place.index() >= parties.number();
        let place = |holder: &HeldBy| if let HeldBy::One(place) = holder { Some(*place) } else { None };
        let mut places = plan.holders.iter().filter_map(place).chain(learners.iter().copied());
        match places.find(stranger) {
            Some(place) => Err(PlanError::Place(place)),
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

    /// The holders of all streams.
    pub(super) fn holders(&self) -> &[HeldBy] {
        &self.holders
    }

    /// The places of the learners, from 0: garblers, then the evaluator.
    pub(super) fn learners(&self) -> impl Iterator<Item = usize> + '_ {
        let (evaluator, garblers): (Vec<_>, Vec<_>) =
            self.learners.iter().map(|place| place.index()).partition(|place| *place == 0);
        garblers.into_iter().chain(evaluator)
    }
}
