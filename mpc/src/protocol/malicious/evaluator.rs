//! The evaluator's side of a session.

use rand_core::{CryptoRng, RngCore};

use super::agreement::{Agreed, Intent};
use super::checks::{Directions, Transcribed};
use super::error::SessionError;
use super::evaluation::Evaluation;
use super::inputs::Inputs;
use super::outputs::OutputMasks;
use super::owners::{Milestone, NotKept};
use super::party::Party;
use super::second_pass::{Masked, Task, execute};
use super::session::{Connected, Finished, Ready};
use super::settings::Settings;
use crate::Bits;
use crate::channel::Channel;
use crate::program::Program;
use crate::protocol::hello::{Reveal, Role, Terms};

/// The evaluator of a session, in state `S`: [`Connected`], then [`Agreed`], then [`Ready`], then
/// [`Finished`].
pub struct Evaluator<'p, C, P, S = Connected> {
    pub(super) channel: Transcribed<C>,
    intent: Intent<'p, P>,
    state: S,
}

impl<'p, C: Channel, P: Program> Evaluator<'p, C, P> {
    /// A session over `channel` to compute `program`.
    pub fn new(channel: C, program: &'p P, terms: Terms, settings: Settings) -> Self {
        let intent = Intent { role: Role::Evaluator, program, terms, settings };
        Self { channel: Transcribed::new(channel), intent, state: Connected(()) }
    }

    /// Performs the handshake, which compares program, terms and settings with the peer's.
    ///
    /// # Errors
    /// If they differ or are not supported, or the connection fails.
    pub fn hello(
        mut self,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Evaluator<'p, C, P, Agreed>, SessionError> {
        let agreed = self.intent.agree(&mut self.channel, rng)?;
        Ok(self.next(|Connected(())| agreed))
    }
}

impl<'p, C: Channel, P: Program> Evaluator<'p, C, P, Agreed> {
    /// Draws our `Δ` and sets up transfers in both directions.
    ///
    /// # Errors
    /// If the connection fails or the peer is caught deviating.
    pub fn set_up(
        self,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Evaluator<'p, C, P, Ready>, SessionError> {
        let Self { mut channel, intent, state } = self;
        let party = Party::set_up(&mut channel, Role::Evaluator, state, rng)?;
        Ok(Evaluator { channel, intent, state: Ready { party } })
    }

    /// As [`set_up`](Self::set_up), from transfers that a dealer set up.
    #[cfg(test)]
    pub(super) fn set_up_with(
        self,
        keys: super::party::Keys,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Evaluator<'p, C, P, Ready>, SessionError> {
        let Self { mut channel, intent, state } = self;
        let party = Party::with_keys(&mut channel, keys, state, rng)?;
        Ok(Evaluator { channel, intent, state: Ready { party } })
    }
}

impl<'p, C: Channel, P: Program + Sync> Evaluator<'p, C, P, Ready> {
    /// Executes the program with our input bits. A program of more than one chunk runs on two threads, which
    /// take turns.
    ///
    /// # Errors
    /// If the inputs do not match the program, the connection fails, or the peer is caught deviating.
    pub fn execute(
        self,
        inputs: &Bits,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Evaluator<'p, C, P, Finished>, SessionError> {
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
    ) -> Result<Evaluator<'p, C, P, Finished>, SessionError> {
        keep(Milestone::Attempt)?;
        let task = Task { program: self.intent.program, inputs, attempt: self.intent.terms.attempt };
        let party = &mut self.state.party;
        let masked = execute::<Evaluation, _, _>(party, &mut self.channel, &task, rng)?;
        keep(Milestone::Outputs)?;
        let output = self.outputs(&masked)?;
        let transcript = Directions::at_evaluator(&self.channel).digest(&self.state.party.agreed.session.id);
        Ok(self.next(|_| Finished { transcript, output }))
    }

    fn outputs(&mut self, masked: &Masked) -> Result<Option<Vec<bool>>, SessionError> {
        let Party { own, agreed, .. } = &self.state.party;
        let shares = OutputMasks { session: &agreed.session.id, own, shares: &masked.masks };
        if matches!(self.intent.terms.reveal, Reveal::Garbler | Reveal::Both) {
            shares.reveal(&mut self.channel)?;
        }
        match self.intent.terms.reveal {
            Reveal::Evaluator | Reveal::Both => Ok(Some(shares.learn(&mut self.channel, &masked.values)?)),
            Reveal::Garbler | Reveal::ResultParty => Ok(None),
        }
    }
}

impl<'p, C, P, S> Evaluator<'p, C, P, S> {
    /// Ends the session and returns the channel.
    pub fn close(self) -> C {
        self.channel.into_inner()
    }

    fn next<T>(self, step: impl FnOnce(S) -> T) -> Evaluator<'p, C, P, T> {
        let Self { channel, intent, state } = self;
        Evaluator { channel, intent, state: step(state) }
    }
}

impl<C, P> Evaluator<'_, C, P, Finished> {
    /// The output, if the terms reveal it to us.
    pub fn output(&self) -> Option<&[bool]> {
        self.state.output.as_deref()
    }

    /// A digest of all messages except tables; the peer has the same one.
    pub fn transcript(&self) -> [u8; 32] {
        self.state.transcript
    }
}
