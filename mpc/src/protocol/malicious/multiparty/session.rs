//! A session of n parties, at any place. Its states are types, and each transition consumes the one before: a
//! session that failed is gone, with its secrets and its connections.

use rand_core::{CryptoRng, RngCore};

use super::super::error::SessionError;
use super::super::inputs::Inputs;
use super::super::outputs::OutputMasks;
use super::super::owners::{Milestone, NotKept};
use super::super::second_pass::Masked;
use super::agreement::{Agreed, Intent};
use super::links::Links;
use super::machine::{At, execute};
use super::party::{Keys, Party};
use super::peer_chunks::PeerShares;
use super::plan::{Place, Plan};
use crate::Bits;
use crate::channel::Channel;
use crate::program::Program;
use crate::protocol::hello::RunId;

/// The state of a session before the handshake.
pub struct Connected(());

/// The state after the set-up: the session can execute the program, once.
pub struct Ready {
    party: Party,
}

/// The state after the execution: all secrets are wiped, but for the output.
pub struct Finished {
    record: [u8; 32],
    /// None if the output is not for this party.
    output: Option<Vec<bool>>,
}

/// One party of a session, in state `S`: [`Connected`], then [`Agreed`], then [`Ready`], then [`Finished`].
pub struct Session<'p, P, S = Connected> {
    pub(super) links: Links<'p>,
    intent: Intent<'p, P>,
    state: S,
}

impl<'p, P: Program> Session<'p, P> {
    /// The party at `place` of a session to compute `program`, over channels to all other parties in the order
    /// of their places.
    pub fn new(channels: Vec<impl Channel + Send + 'p>, place: Place, program: &'p P, plan: &Plan) -> Self {
        let links = Links::new(place.index(), channels);
        let intent = Intent { place: place.index(), program, plan: plan.clone(), pair_runs: Vec::new() };
        Self { links, intent, state: Connected(()) }
    }

    /// The same session, in which the run has a name of its own towards each peer, in the order of places: one that
    /// binds it to the channel between the two. All hashes between the two then cover it.
    #[must_use]
    pub fn with_pair_runs(mut self, runs: Vec<RunId>) -> Self {
        self.intent.pair_runs = runs;
        self
    }

    /// Performs the handshake, which compares program and plan with those of all others.
    ///
    /// # Errors
    /// If they differ, the plan does not fit the program or the channels, or a connection fails.
    pub fn hello(
        mut self,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Session<'p, P, Agreed>, SessionError> {
        let agreed = self.intent.agree(&mut self.links, rng)?;
        Ok(self.next(|Connected(())| agreed))
    }
}

impl<'p, P: Program> Session<'p, P, Agreed> {
    /// Draws our `Δ` and sets up transfers with every other party.
    ///
    /// # Errors
    /// If a connection fails or a party is caught deviating.
    pub fn set_up(
        mut self,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Session<'p, P, Ready>, SessionError> {
        let keys = Keys::set_up(&mut self.links, &self.state, rng)?;
        self.set_up_with(keys, rng)
    }

    /// As [`set_up`](Self::set_up), when the transfers are set up.
    pub(super) fn set_up_with(
        self,
        keys: Keys,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Session<'p, P, Ready>, SessionError> {
        let Self { mut links, intent, state } = self;
        let party = Party::begin(&mut links, keys, state, rng)?;
        Ok(Session { links, intent, state: Ready { party } })
    }
}

impl<'p, P: Program + Sync> Session<'p, P, Ready> {
    /// Executes the program with our input bits, those of our streams in their order. A program of more than
    /// one chunk runs on two threads, which take turns.
    ///
    /// # Errors
    /// If the inputs do not match the program, a connection fails, or a party is caught deviating.
    pub fn execute(
        self,
        inputs: &Bits,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Session<'p, P, Finished>, SessionError> {
        self.execute_for_owners(Inputs { bits: inputs, owners: &[] }, &mut |_| Ok(()), rng)
    }

    /// Executes the program with our input bits and with shares of owners who do not compute. `keep` notes
    /// durably that a milestone is reached, before it returns.
    ///
    /// # Errors
    /// As [`execute`](Self::execute), and if a milestone cannot be kept.
    pub fn execute_for_owners(
        mut self,
        inputs: Inputs<'_>,
        keep: &mut dyn FnMut(Milestone) -> Result<(), NotKept>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Session<'p, P, Finished>, SessionError> {
        keep(Milestone::Attempt)?;
        let at = At { party: &mut self.state.party, links: &mut self.links, rng };
        let masked = execute(at, &self.intent, inputs)?;
        keep(Milestone::Outputs)?;
        let output = self.outputs(masked)?;
        let record = self.links.record();
        Ok(self.next(|_| Finished { record, output }))
    }

    /// Reveals the masks of the outputs to each learner, to garblers before the evaluator.
    fn outputs(&mut self, masked: Masked<PeerShares>) -> Result<Option<Vec<bool>>, SessionError> {
        let Masked { values, masks: PeerShares(masks) } = masked;
        let Party { own, agreed, .. } = &self.state.party;
        let towards = |((session, own), shares)| OutputMasks { session, own, shares };
        let masks: Vec<_> = agreed.pairs.iter().zip(own).zip(&masks).map(towards).collect();
        let mut output = None;
        for learner in self.intent.plan.learners() {
            if learner == self.links.own {
                let bits = masks.first().map(OutputMasks::own_bits).unwrap_or_default();
                let mut opened = values.xor(&bits);
                for (masks, link) in masks.iter().zip(&mut self.links.all) {
                    opened = opened.xor(&masks.receive(&mut link.channel)?);
                }
                output = Some(opened.iter().collect());
            } else {
                let links = self.links.all.iter_mut().zip(&masks);
                for (link, masks) in links.filter(|(link, _)| link.peer == learner) {
                    masks.reveal(&mut link.channel)?;
                }
            }
        }
        Ok(output)
    }
}

impl<'p, P, S> Session<'p, P, S> {
    fn next<T>(self, step: impl FnOnce(S) -> T) -> Session<'p, P, T> {
        let Self { links, intent, state } = self;
        Session { links, intent, state: step(state) }
    }
}

impl<P> Session<'_, P, Finished> {
    /// The output, if the plan reveals it to us.
    pub fn output(&self) -> Option<&[bool]> {
        self.state.output.as_deref()
    }

    /// A digest of everything that parties broadcast; all parties have the same one.
    pub fn record(&self) -> [u8; 32] {
        self.state.record
    }
}
