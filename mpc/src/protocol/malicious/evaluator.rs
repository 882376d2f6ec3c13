//! The evaluator's side of a session.

use rand_core::{CryptoRng, RngCore};

use super::agreement::{Agreed, Intent};
use super::checks::{Directions, Proof};
use super::error::{Check, SessionError};
use super::evaluation::{Evaluation, EvaluationContext, Results};
use super::gates::GateKeys;
use super::masks::{InputLabels, Places};
use super::outputs::OutputMasks;
use super::owners::{Milestone, NotKept};
use super::party::{Inputs, Party, Prepared};
use super::session::{Connected, Finished, Ready};
use super::settings::Settings;
use crate::channel::{Channel, Phase, TranscriptChannel};
use crate::program::Program;
use crate::protocol::hello::{Reveal, Role, Terms};
use crate::{Bits, Block};

/// The evaluator of a session, in state `S`: [`Connected`], then [`Agreed`], then [`Ready`], then
/// [`Finished`].
pub struct Evaluator<'p, C, P, S = Connected> {
    pub(super) channel: TranscriptChannel<C>,
    intent: Intent<'p, P>,
    state: S,
}

impl<'p, C: Channel, P: Program> Evaluator<'p, C, P> {
    /// A session over `channel` to compute `program`.
    pub fn new(channel: C, program: &'p P, terms: Terms, settings: Settings) -> Self {
        let intent = Intent { role: Role::Evaluator, program, terms, settings };
        Self { channel: TranscriptChannel::new(channel), intent, state: Connected(()) }
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

/// What the evaluator keeps of the second pass.
struct Evaluated {
    /// Λ_α and Λ_β of all gates.
    revealed: Bits,
    /// Λ of the outputs.
    outputs: Bits,
    chi: Block,
    /// Σ.
    labels: Block,
    /// What W must be.
    values: Block,
}

impl<'p, C: Channel, P: Program> Evaluator<'p, C, P, Ready> {
    /// Executes the program with our input bits.
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
        let prepared = self.state.party.prepare(&mut self.channel, self.intent.program, inputs, rng)?;
        let evaluated = self.evaluate(&prepared, Block::random(rng))?;
        self.report(&evaluated)?;
        self.check(&prepared, &evaluated)?;
        keep(Milestone::Outputs)?;
        let output = self.outputs(&prepared, &evaluated.outputs)?;
        let transcript = self.transcript_digest();
        Ok(self.next(|_| Finished { transcript, output }))
    }

    /// Receives the keys, then evaluates the tables as they arrive.
    fn evaluate(&mut self, prepared: &Prepared, chi: Block) -> Result<Evaluated, SessionError> {
        let mut bytes = [[0; Block::BYTES]; 3];
        self.channel.receive(Phase::Inputs, bytes.as_flattened_mut())?;
        let mut keys = GateKeys::from_bytes(&bytes);
        let Party { own, backend, .. } = &self.state.party;
        let masks = &prepared.gates;
        let context = EvaluationContext { own, backend: *backend, keys: &mut keys, masks, chi };
        let places = Places::new(Role::Evaluator, &prepared.input_streams);
        let mut inputs = InputLabels { values: &prepared.inputs, places };
        let mut outputs = Vec::with_capacity(prepared.outputs.len());
        let mut f = Evaluation::new(context, &mut self.channel);
        self.intent.program.run(&mut f, &mut inputs, &mut outputs)?;
        let Results { revealed, mut labels, values } = f.finish()?;
        if outputs.len() != prepared.outputs.len() {
            return Err(SessionError::Unsteady);
        }
        outputs.iter().for_each(|label| labels.add_output(*label));
        let outputs = outputs.iter().map(|label| label.lsb()).collect();
        Ok(Evaluated { revealed, outputs, chi, labels: labels.finish(), values: values.finish() })
    }

    /// Reveals the masked values of gates and outputs, and χ.
    fn report(&mut self, evaluated: &Evaluated) -> Result<(), SessionError> {
        self.channel.send(Phase::Checks, evaluated.revealed.as_bytes())?;
        self.channel.send(Phase::Checks, evaluated.outputs.as_bytes())?;
        Ok(self.channel.send(Phase::Checks, &evaluated.chi.to_bytes())?)
    }

    /// Proves that the report is true, then checks the garbler.
    fn check(&mut self, prepared: &Prepared, evaluated: &Evaluated) -> Result<(), SessionError> {
        let digests = &prepared.digests;
        let transcript = self.transcript_digest();
        let proof = Proof { openings: digests.own, transcript, sum: evaluated.labels };
        proof.send(&mut self.channel)?;
        let transcript = self.transcript_digest();
        let expected = Proof { openings: digests.peer, transcript, sum: evaluated.values };
        expected.expect(&mut self.channel, Check::Values)
    }

    fn outputs(&mut self, prepared: &Prepared, values: &Bits) -> Result<Option<Vec<bool>>, SessionError> {
        let Party { own, agreed, .. } = &self.state.party;
        let masks = OutputMasks { session: &agreed.session.id, own, shares: &prepared.outputs };
        if matches!(self.intent.terms.reveal, Reveal::Garbler | Reveal::Both) {
            masks.reveal(&mut self.channel)?;
        }
        match self.intent.terms.reveal {
            Reveal::Evaluator | Reveal::Both => Ok(Some(masks.learn(&mut self.channel, values)?)),
            Reveal::Garbler | Reveal::ResultParty => Ok(None),
        }
    }

    fn transcript_digest(&self) -> [u8; 32] {
        Directions::at_evaluator(&self.channel).digest(&self.state.party.agreed.session.id)
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
