//! The evaluator's side of a session.

use rand_core::{CryptoRng, RngCore};
use subtle::{Choice, ConstantTimeEq};

use super::hello::{Reveal, Role, Terms, exchange};
use super::strands::Evaluated;
use super::{Connected, Half, SessionError, check_transcript, decode, digest};
use crate::backend::Backend;
use crate::channel::{Channel, Phase, Transcribed};
use crate::evaluate::Evaluation;
use crate::keys::SessionKeys;
use crate::ot::{Receiver, Sid};
use crate::program::{Program, Shape};
use crate::{Bits, Block};

/// The parties agree on program and terms.
#[derive(Debug)]
pub struct Agreed {
    sid: Sid,
}

/// Executions can begin.
pub struct Ready {
    ot: Receiver,
}

/// The evaluator of a session, in state `S`.
pub struct Evaluator<'p, C, P, S = Connected> {
    channel: Transcribed<C>,
    program: &'p P,
    terms: Terms,
    state: S,
}

impl<'p, C: Channel, P: Program> Evaluator<'p, C, P> {
    /// A session over `channel` to compute `program`.
    pub fn new(channel: C, program: &'p P, terms: Terms) -> Self {
        Self { channel: Transcribed::new(channel), program, terms, state: Connected(()) }
    }

    /// Compares with the peer what is to be done.
    ///
    /// # Errors
    /// If the peer wants something else, or the connection fails.
    pub fn hello(
        mut self,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Evaluator<'p, C, P, Agreed>, SessionError> {
        let sid = exchange(&mut self.channel, Role::Evaluator, self.program.id(), &self.terms, rng)?;
        Ok(self.next(|Connected(())| Agreed { sid }))
    }
}

impl<'p, C: Channel, P: Program> Evaluator<'p, C, P, Agreed> {
    /// Sets up oblivious transfer.
    ///
    /// # Errors
    /// If the connection fails or the peer's messages make no sense.
    pub fn set_up(
        mut self,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Evaluator<'p, C, P, Ready>, SessionError> {
        let ot = Receiver::setup(&mut self.channel, &self.state.sid, rng)?;
        Ok(self.next(|_| Ready { ot }))
    }
}

impl<C: Channel, P: Program> Evaluator<'_, C, P, Ready> {
    /// Computes the program once with these input bits of ours; the output, if it is for us.
    ///
    /// # Errors
    /// If the inputs do not fit the program, the connection fails, what came is not authentic, or the output is
    /// for a receiver.
    pub fn execute(mut self, inputs: &Bits) -> Result<(Self, Option<Vec<bool>>), SessionError> {
        self.terms.require_receiver(false)?;
        let (mut keys, outputs) = self.compute(inputs)?;
        if self.terms.reveal != Reveal::Evaluator {
            self.send_labels(&outputs)?;
        }
        let bits = match self.terms.reveal {
            Reveal::Garbler | Reveal::Receiver => None,
            Reveal::Evaluator | Reveal::Both => Some(self.receive_hashes(&mut keys, &outputs)?),
        };
        Ok((self, bits))
    }

    /// Computes the program once for a receiver who does not compute: our half of the output, to be sealed to it.
    ///
    /// # Errors
    /// If the inputs do not fit the program, the connection fails, what came is not authentic, or the output is
    /// not for a receiver.
    pub fn execute_for_receiver(mut self, inputs: &Bits) -> Result<(Self, Half), SessionError> {
        self.terms.require_receiver(true)?;
        let (mut keys, outputs) = self.compute(inputs)?;
        let half = Half::of(&outputs);
        let places = self.receive_hashes(&mut keys, &outputs)?;
        if half.bits() == places { Ok((self, half)) } else { Err(SessionError::Output) }
    }

    /// Input labels and tables: the keys of this execution and the active labels of the outputs.
    fn compute(&mut self, inputs: &Bits) -> Result<(SessionKeys, Vec<Block>), SessionError> {
        let Shape { strands, outputs: expected } = self.program.shape();
        let takes = self.program.shape().evaluator();
        if inputs.len() != takes {
            return Err(SessionError::InputLength { expected: takes, given: inputs.len() });
        }
        let mut inputs = Evaluated::begin(strands, &mut self.state.ot, &mut self.channel, inputs)?;
        let mut bytes = [0; SessionKeys::BYTES];
        self.channel.receive(Phase::Inputs, &mut bytes)?;
        let mut keys = SessionKeys::from_bytes(bytes);
        let mut outputs = Vec::with_capacity(expected);
        let mut f = Evaluation::new(Backend::detect(), &mut keys, &mut self.channel);
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

    /// At which place the hash of each label stands; an error if at none.
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
    /// A digest of all that was said so far, tables excepted; the peer's is the same.
    pub fn transcript(&self) -> [u8; 32] {
        let (sent, received) = self.channel.digests();
        digest(received, sent)
    }

    /// Ends the session and gives the channel back.
    pub fn close(self) -> C {
        self.channel.into_inner()
    }

    fn next<T>(self, step: impl FnOnce(S) -> T) -> Evaluator<'p, C, P, T> {
        let Self { channel, program, terms, state } = self;
        Evaluator { channel, program, terms, state: step(state) }
    }
}
