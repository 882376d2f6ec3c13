//! The garbler's side of a session.

use rand_core::{CryptoRng, RngCore};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use super::hello::{Reveal, Role, Terms, exchange};
use super::strands::Garbled;
use super::{Connected, Half, SessionError, check_transcript, decode, digest};
use crate::backend::Backend;
use crate::channel::{Channel, Phase, Transcribed};
use crate::garble::Garbling;
use crate::keys::SessionKeys;
use crate::ot::{Sender, Sid};
use crate::program::{Program, Shape};
use crate::{Bits, Block, Delta, wire};

/// The parties agree on program and terms.
#[derive(Debug)]
pub struct Agreed {
    sid: Sid,
}

/// Executions can begin.
pub struct Ready {
    delta: Delta,
    ot: Sender,
}

/// The garbler of a session, in state `S`.
pub struct Garbler<'p, C, P, S = Connected> {
    channel: Transcribed<C>,
    program: &'p P,
    terms: Terms,
    state: S,
}

impl<'p, C: Channel, P: Program> Garbler<'p, C, P> {
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
    ) -> Result<Garbler<'p, C, P, Agreed>, SessionError> {
        let sid = exchange(&mut self.channel, Role::Garbler, self.program.id(), &self.terms, rng)?;
        Ok(self.next(|Connected(())| Agreed { sid }))
    }
}

impl<'p, C: Channel, P: Program> Garbler<'p, C, P, Agreed> {
    /// Draws `Δ` and sets up oblivious transfer.
    ///
    /// # Errors
    /// If the connection fails or the peer's messages make no sense.
    pub fn set_up(
        mut self,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Garbler<'p, C, P, Ready>, SessionError> {
        let delta = Delta::random(rng);
        let ot = Sender::setup(&mut self.channel, &self.state.sid, &delta, rng)?;
        Ok(self.next(|_| Ready { delta, ot }))
    }
}

impl<C: Channel, P: Program> Garbler<'_, C, P, Ready> {
    /// Computes the program once with these input bits of ours; the output, if it is for us.
    ///
    /// # Errors
    /// If the inputs do not fit the program, the connection fails, what comes back is not authentic, or the
    /// output is for a receiver.
    pub fn execute(
        mut self,
        inputs: &Bits,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Self, Option<Vec<bool>>), SessionError> {
        self.terms.require_receiver(false)?;
        let (mut keys, outputs) = self.compute(inputs, rng)?;
        let bits = match self.terms.reveal {
            Reveal::Garbler | Reveal::Both => Some(self.receive_labels(&outputs)?),
            Reveal::Evaluator | Reveal::Receiver => None,
        };
        if self.terms.reveal != Reveal::Garbler {
            self.send_hashes(&mut keys, outputs.iter().copied())?;
        }
        self.channel.flush()?;
        Ok((self, bits))
    }

    /// Computes the program once for a receiver who does not compute: our half of the output, to be sealed to it.
    ///
    /// # Errors
    /// If the inputs do not fit the program, the connection fails, or the output is not for a receiver.
    pub fn execute_for_receiver(
        mut self,
        inputs: &Bits,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Self, Half), SessionError> {
        self.terms.require_receiver(true)?;
        let (mut keys, outputs) = self.compute(inputs, rng)?;
        // The label with permute bit 0 stands first: the evaluator learns that its own is authentic.
        let delta = self.state.delta.block();
        self.send_hashes(&mut keys, outputs.iter().map(|c0| *c0 ^ delta.masked(c0.lsb())))?;
        self.channel.flush()?;
        Ok((self, Half::of(&outputs)))
    }

    /// Input labels and tables: the keys of this execution and the false labels of the outputs.
    fn compute(
        &mut self,
        inputs: &Bits,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(SessionKeys, Zeroizing<Vec<Block>>), SessionError> {
        let Shape { strands, outputs: expected } = self.program.shape();
        let takes = self.program.shape().garbler();
        if inputs.len() != takes {
            return Err(SessionError::InputLength { expected: takes, given: inputs.len() });
        }
        let Ready { delta, ot } = &mut self.state;
        let mut inputs = Garbled::begin(strands, ot, &mut self.channel, inputs)?;
        let (mut keys, bytes) = SessionKeys::random(rng);
        self.channel.send(Phase::Inputs, &bytes)?;
        // A false label and a public active one tell `Δ`: they are wiped.
        let mut outputs = Zeroizing::new(Vec::with_capacity(expected));
        let mut f = Garbling::new(Backend::detect(), delta, &mut keys, &mut self.channel);
        self.program.run(&mut f, &mut inputs, &mut outputs)?;
        f.finish()?;
        if outputs.len() != expected {
            return Err(SessionError::OutputLength { expected, given: outputs.len() });
        }
        Ok((keys, outputs))
    }

    fn receive_labels(&mut self, outputs: &[Block]) -> Result<Vec<bool>, SessionError> {
        let digest = self.transcript();
        check_transcript(&mut self.channel, digest)?;
        let mut bytes = vec![0; outputs.len() * Block::BYTES];
        self.channel.receive(Phase::Outputs, &mut bytes)?;
        let mut authentic = Choice::from(1);
        let decoded = outputs.iter().zip(wire::blocks(&bytes)).map(|(c0, label)| {
            let (bit, known) = decode(label.ct_eq(c0), label.ct_eq(&(*c0 ^ self.state.delta.block())));
            authentic &= known;
            bit
        });
        let bits = decoded.collect();
        if authentic.into() { Ok(bits) } else { Err(SessionError::Output) }
    }

    /// For each output the hashes of both labels, `first` in front.
    fn send_hashes(
        &mut self,
        keys: &mut SessionKeys,
        first: impl ExactSizeIterator<Item = Block>,
    ) -> Result<(), SessionError> {
        let digest = self.transcript();
        self.channel.send(Phase::Outputs, &digest)?;
        for ([hash_0, hash_1], label) in keys.take_outputs(first.len()).zip(first) {
            let pair = [hash_0.of(label), hash_1.of(label ^ self.state.delta.block())];
            self.channel.send(Phase::Outputs, pair.map(Block::to_bytes).as_flattened())?;
        }
        Ok(())
    }
}

impl<'p, C, P, S> Garbler<'p, C, P, S> {
    /// A digest of all that was said so far, tables excepted; the peer's is the same.
    pub fn transcript(&self) -> [u8; 32] {
        let (sent, received) = self.channel.digests();
        digest(sent, received)
    }

    /// Ends the session and gives the channel back.
    pub fn close(self) -> C {
        self.channel.into_inner()
    }

    fn next<T>(self, step: impl FnOnce(S) -> T) -> Garbler<'p, C, P, T> {
        let Self { channel, program, terms, state } = self;
        Garbler { channel, program, terms, state: step(state) }
    }
}
