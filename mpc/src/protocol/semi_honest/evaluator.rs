//! The evaluator's side of a session.

use rand_core::{CryptoRng, RngCore};
use subtle::{Choice, ConstantTimeEq};

use super::input_streams::EvaluatorInputs;
use super::output_share::OutputShare;
use super::session::{
    Agreed, Connected, SessionError, check_transcript, decode, digest, require_result_party, transfers,
};
use crate::backend::Backend;
use crate::channel::{Channel, Phase, TranscriptChannel};
use crate::evaluate::Evaluation;
use crate::garble::Scheme;
use crate::keys::SessionKeys;
use crate::ot::{Expansion, Receiver};
use crate::program::{Program, Shape};
use crate::protocol::hello::{Proposal, Reveal, Role, Suite, Terms, exchange};
use crate::{Bits, Block};

/// The state after the set-up: the session can execute the program.
pub struct Ready {
    ot: Receiver,
    scheme: Scheme,
}

/// The evaluator of a session, in state `S`: [`Connected`], then `Agreed`, then `Ready`.
pub struct Evaluator<'p, C, P, S = Connected> {
    channel: TranscriptChannel<C>,
    program: &'p P,
    terms: Terms,
    proposed: Scheme,
    expansion: Expansion,
    state: S,
}

impl<'p, C: Channel, P: Program> Evaluator<'p, C, P> {
    /// A session over `channel` to compute `program`.
    pub fn new(channel: C, program: &'p P, terms: Terms) -> Self {
        let (channel, proposed) = (TranscriptChannel::new(channel), Scheme::HalfGates);
        Self { channel, program, terms, proposed, expansion: Expansion::None, state: Connected(()) }
    }

    /// The session with expanded transfers, if both parties choose the same.
    #[must_use]
    pub fn with_expansion(self, expansion: Expansion) -> Self {
        Self { expansion, ..self }
    }

    /// This session, with another scheme proposed than half gates. Three halves are used exactly if both parties
    /// propose them.
    #[must_use]
    pub fn proposing(self, scheme: Scheme) -> Self {
        Self { proposed: scheme, ..self }
    }

    /// Performs the handshake, which compares program and terms with the peer's.
    ///
    /// # Errors
    /// If program or terms differ from the peer's, or the connection fails.
    pub fn hello(
        mut self,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Evaluator<'p, C, P, Agreed>, SessionError> {
        let suite = Suite::SemiHonest(self.proposed, self.expansion);
        let (role, terms) = (Role::Evaluator, self.terms);
        let proposal = Proposal { suite, role, program: self.program.id(), terms };
        let agreed = Agreed::of(exchange(&mut self.channel, &proposal, rng)?);
        Ok(self.next(|Connected(())| agreed))
    }
}

impl<'p, C: Channel, P: Program> Evaluator<'p, C, P, Agreed> {
    /// How AND gates are garbled in this session.
    pub fn scheme(&self) -> Scheme {
        self.state.scheme
    }

    /// Sets up oblivious transfer.
    ///
    /// # Errors
    /// If the connection fails or the peer's messages are invalid.
    pub fn set_up(
        mut self,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Evaluator<'p, C, P, Ready>, SessionError> {
        let ot = Receiver::setup_with(&mut self.channel, &self.state.sid, transfers(self.expansion), rng)?;
        Ok(self.next(|Agreed { scheme, .. }| Ready { ot, scheme }))
    }
}

impl<C: Channel, P: Program> Evaluator<'_, C, P, Ready> {
    /// Executes the program once with our input bits. Returns the session, for further executions, and the
    /// output if the terms reveal it to us.
    ///
    /// # Errors
    /// If the inputs do not match the program, the connection fails, an output label is not authentic, or the
    /// terms name a result party.
    pub fn execute(mut self, inputs: &Bits) -> Result<(Self, Option<Vec<bool>>), SessionError> {
        require_result_party(&self.terms, false)?;
        let (mut keys, outputs) = self.compute(inputs)?;
        if self.terms.reveal != Reveal::Evaluator {
            self.send_labels(&outputs)?;
        }
        let bits = match self.terms.reveal {
            Reveal::Garbler | Reveal::ResultParty => None,
            Reveal::Evaluator | Reveal::Both => Some(self.receive_hashes(&mut keys, &outputs)?),
        };
        Ok((self, bits))
    }

    /// Executes the program once for a result party. Returns the session and our share of the output, which
    /// the caller encrypts to the result party.
    ///
    /// # Errors
    /// If the inputs do not match the program, the connection fails, an output label is not authentic, or the
    /// terms name no result party.
    pub fn execute_for_result_party(mut self, inputs: &Bits) -> Result<(Self, OutputShare), SessionError> {
        require_result_party(&self.terms, true)?;
        let (mut keys, outputs) = self.compute(inputs)?;
        let share = OutputShare::of(&outputs);
        let positions = self.receive_hashes(&mut keys, &outputs)?;
        if share.bits() == positions { Ok((self, share)) } else { Err(SessionError::Output) }
    }

    /// Receives input labels and tables and evaluates them. Returns the keys of this execution and the active
    /// labels of the outputs.
    fn compute(&mut self, inputs: &Bits) -> Result<(SessionKeys, Vec<Block>), SessionError> {
        let Shape { input_streams, outputs: expected } = self.program.shape();
        let wanted = self.program.shape().evaluator_bits();
        if inputs.len() != wanted {
            return Err(SessionError::InputLength { expected: wanted, given: inputs.len() });
        }
        let mut inputs =
            EvaluatorInputs::begin(input_streams, &mut self.state.ot, &mut self.channel, inputs)?;
        let mut bytes = [0; SessionKeys::BYTES];
        self.channel.receive(Phase::Inputs, &mut bytes)?;
        let mut keys = SessionKeys::from_bytes(bytes);
        let mut outputs = Vec::with_capacity(expected);
        let f = Evaluation::new(Backend::detect(), &mut keys, &mut self.channel);
        let mut f = f.with_scheme(self.state.scheme);
        self.program.run(&mut f, &mut inputs, &mut outputs)?;
        f.finish()?;
        if outputs.len() != expected {
            return Err(SessionError::OutputLength { expected, given: outputs.len() });
        }
        Ok((keys, outputs))
    }

    fn send_labels(&mut self, outputs: &[Block]) -> Result<(), SessionError> {
        let digest = self.transcript();
        self.channel.send(Phase::Outputs, &digest)?;
        for label in outputs {
            self.channel.send(Phase::Outputs, &label.to_bytes())?;
        }
        Ok(self.channel.flush()?)
    }

    /// Receives the two hashes of each output and returns at which position the hash of our label is; an
    /// error if one is at neither.
    fn receive_hashes(
        &mut self,
        keys: &mut SessionKeys,
        outputs: &[Block],
    ) -> Result<Vec<bool>, SessionError> {
        let digest = self.transcript();
        check_transcript(&mut self.channel, digest)?;
        let mut authentic = Choice::from(1);
        let mut bits = Vec::with_capacity(outputs.len());
        for ([hash_0, hash_1], label) in keys.take_outputs(outputs.len()).zip(outputs) {
            let mut pair = [[0; Block::BYTES]; 2];
            self.channel.receive(Phase::Outputs, pair.as_flattened_mut())?;
            let [zero, one] = pair.map(Block::from_bytes);
            let (bit, known) = decode(hash_0.of(*label).ct_eq(&zero), hash_1.of(*label).ct_eq(&one));
            authentic &= known;
            bits.push(bit);
        }
        if authentic.into() { Ok(bits) } else { Err(SessionError::Output) }
    }
}

impl<'p, C, P, S> Evaluator<'p, C, P, S> {
    /// A digest of all messages so far except tables; the peer has the same one.
    pub fn transcript(&self) -> [u8; 32] {
        let (sent, received) = self.channel.digests();
        digest(received, sent)
    }

    /// Ends the session and returns the channel.
    pub fn close(self) -> C {
        self.channel.into_inner()
    }

    fn next<T>(self, step: impl FnOnce(S) -> T) -> Evaluator<'p, C, P, T> {
        let Self { channel, program, terms, proposed, expansion, state } = self;
        Evaluator { channel, program, terms, proposed, expansion, state: step(state) }
    }
}
