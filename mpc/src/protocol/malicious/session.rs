//! A session, at either side. Its states are types, and each transition consumes the one before: a session
//! that failed is gone, with its secrets.

use core::marker::PhantomData;

use rand_core::{CryptoRng, RngCore};

use super::agreement::{Agreed, Intent};
use super::authenticated_bits::Shares;
use super::checks::{Directions, Transcribed};
use super::error::SessionError;
use super::evaluation::Evaluation;
use super::garbling::Garbling;
use super::inputs::Inputs;
use super::outputs::OutputMasks;
use super::owners::{Milestone, NotKept};
use super::party::Party;
use super::second_pass::Masked;
use super::settings::Settings;
use super::two_party::{Task, execute};
use crate::Bits;
use crate::channel::Channel;
use crate::program::Program;
use crate::protocol::hello::{Reveal, Role, Terms};

/// The garbler of a session, in state `S`: [`Connected`], then [`Agreed`], then [`Ready`], then [`Finished`].
pub type Garbler<'p, C, P, S = Connected> = Session<'p, GarblerSide, C, P, S>;

/// The evaluator of a session, in state `S`: [`Connected`], then [`Agreed`], then [`Ready`], then
/// [`Finished`].
pub type Evaluator<'p, C, P, S = Connected> = Session<'p, EvaluatorSide, C, P, S>;

/// A party's side of a session.
pub trait Side {
    /// The role of the party.
    const ROLE: Role;
}

/// The side of the garbler.
pub enum GarblerSide {}

impl Side for GarblerSide {
    const ROLE: Role = Role::Garbler;
}

/// The side of the evaluator.
pub enum EvaluatorSide {}

impl Side for EvaluatorSide {
    const ROLE: Role = Role::Evaluator;
}

/// The state of a session before the handshake.
pub struct Connected(());

/// The state after the set-up: the session can execute the program, once.
pub struct Ready {
    pub(super) party: Party,
}

/// The state after the execution: all secrets are wiped, but for the output.
pub struct Finished {
    transcript: [u8; 32],
    /// None if the output is not for this party.
    output: Option<Vec<bool>>,
}

/// One party of a session, on side `R` and in state `S`: a [`Garbler`] or an [`Evaluator`].
pub struct Session<'p, R, C, P, S = Connected> {
    pub(super) channel: Transcribed<C>,
    intent: Intent<'p, P>,
    state: S,
    side: PhantomData<R>,
}

impl<'p, R: Side, C: Channel, P: Program> Session<'p, R, C, P> {
    /// A session over `channel` to compute `program`.
    pub fn new(channel: C, program: &'p P, terms: Terms, settings: Settings) -> Self {
        let intent = Intent { role: R::ROLE, program, terms, settings };
        Self { channel: Transcribed::new(channel), intent, state: Connected(()), side: PhantomData }
    }

    /// Performs the handshake, which compares program, terms and settings with the peer's.
    ///
    /// # Errors
    /// If they differ or are not supported, or the connection fails.
    pub fn hello(
        mut self,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Session<'p, R, C, P, Agreed>, SessionError> {
        let agreed = self.intent.agree(&mut self.channel, rng)?;
        Ok(self.next(|Connected(())| agreed))
    }
}

impl<'p, R: Side, C: Channel, P: Program> Session<'p, R, C, P, Agreed> {
    /// Draws our `Δ` and sets up transfers in both directions.
    ///
    /// # Errors
    /// If the connection fails or the peer is caught deviating.
    pub fn set_up(
        self,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Session<'p, R, C, P, Ready>, SessionError> {
        let Self { mut channel, intent, state, side } = self;
        let party = Party::set_up(&mut channel, R::ROLE, state, rng)?;
        Ok(Session { channel, intent, state: Ready { party }, side })
    }

    /// As [`set_up`](Self::set_up), from transfers that a dealer set up.
    #[cfg(test)]
    pub(super) fn set_up_with(
        self,
        keys: super::party::Keys,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Session<'p, R, C, P, Ready>, SessionError> {
        let Self { mut channel, intent, state, side } = self;
        let party = Party::with_keys(&mut channel, keys, state, rng)?;
        Ok(Session { channel, intent, state: Ready { party }, side })
    }
}

impl<'p, R: Side, C: Channel, P: Program + Sync> Session<'p, R, C, P, Ready> {
    /// Executes the program with our input bits. A program of more than one chunk runs on two threads, which
    /// take turns.
    ///
    /// # Errors
    /// If the inputs do not match the program, the connection fails, or the peer is caught deviating.
    pub fn execute(
        self,
        inputs: &Bits,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Session<'p, R, C, P, Finished>, SessionError> {
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
    ) -> Result<Session<'p, R, C, P, Finished>, SessionError> {
        keep(Milestone::Attempt)?;
        let task = Task { program: self.intent.program, inputs, attempt: self.intent.terms.attempt };
        let party = &mut self.state.party;
        let masked = match R::ROLE {
            Role::Garbler => execute::<Garbling, _, _>(party, &mut self.channel, &task, rng)?,
            Role::Evaluator => execute::<Evaluation, _, _>(party, &mut self.channel, &task, rng)?,
        };
        keep(Milestone::Outputs)?;
        let output = self.outputs(&masked)?;
        let directions = match R::ROLE {
            Role::Garbler => Directions::at_garbler(&self.channel),
            Role::Evaluator => Directions::at_evaluator(&self.channel),
        };
        let transcript = directions.digest(&self.state.party.agreed.session.id);
        Ok(self.next(|_| Finished { transcript, output }))
    }

    /// Reveals the masks of the outputs to whom the terms name. The garbler learns first.
    fn outputs(&mut self, masked: &Masked<Shares>) -> Result<Option<Vec<bool>>, SessionError> {
        let Party { own, agreed, .. } = &self.state.party;
        let shares = OutputMasks { session: &agreed.session.id, own, shares: &masked.masks };
        let mut output = None;
        let learns = |role: &Role| learns(self.intent.terms.reveal, *role);
        for learner in [Role::Garbler, Role::Evaluator].into_iter().filter(learns) {
            if learner == R::ROLE {
                output = Some(shares.learn(&mut self.channel, &masked.values)?);
            } else {
                shares.reveal(&mut self.channel)?;
            }
        }
        Ok(output)
    }
}

/// Whether a party that computes learns the outputs.
fn learns(reveal: Reveal, role: Role) -> bool {
    match reveal {
        Reveal::Both => true,
        Reveal::Garbler => role == Role::Garbler,
        Reveal::Evaluator => role == Role::Evaluator,
        Reveal::ResultParty => false,
    }
}

impl<'p, R, C, P, S> Session<'p, R, C, P, S> {
    /// Ends the session and returns the channel.
    pub fn close(self) -> C {
        self.channel.into_inner()
    }

    fn next<T>(self, step: impl FnOnce(S) -> T) -> Session<'p, R, C, P, T> {
        let Self { channel, intent, state, side } = self;
        Session { channel, intent, state: step(state), side }
    }
}

impl<R, C, P> Session<'_, R, C, P, Finished> {
    /// The output, if the terms reveal it to us.
    pub fn output(&self) -> Option<&[bool]> {
        self.state.output.as_deref()
    }

    /// A digest of all messages except tables; the peer has the same one.
    pub fn transcript(&self) -> [u8; 32] {
        self.state.transcript
    }
}
