//! The garbler's side of a session.

use rand_core::{CryptoRng, RngCore};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use super::input_streams::GarblerInputs;
use super::output_share::OutputShare;
use super::session::{
    Agreed, Connected, SessionError, check_transcript, decode, digest, require_result_party, transfers,
};
use crate::backend::Backend;
use crate::channel::{Channel, Phase, TranscriptChannel};
use crate::garble::{Garbling, Scheme};
use crate::keys::SessionKeys;
use crate::ot::{Expansion, Sender};
use crate::program::{Program, Shape};
use crate::protocol::hello::{Proposal, Reveal, Role, Suite, Terms, exchange};
use crate::{Bits, Block, Delta};

/// The state after the set-up: the session can execute the program.
pub struct Ready {
    delta: Delta,
    ot: Sender,
    scheme: Scheme,
}

/// The garbler of a session, in state `S`: [`Connected`], then `Agreed`, then `Ready`.
pub struct Garbler<'p, C, P, S = Connected> {
    channel: TranscriptChannel<C>,
    program: &'p P,
    terms: Terms,
    proposed: Scheme,
    expansion: Expansion,
    state: S,
}

impl<'p, C: Channel, P: Program> Garbler<'p, C, P> {
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
    ) -> Result<Garbler<'p, C, P, Agreed>, SessionError> {
        let suite = Suite::SemiHonest(self.proposed, self.expansion);
        let (role, terms) = (Role::Garbler, self.terms);
        let proposal = Proposal { suite, role, program: self.program.id(), terms };
        let agreed = Agreed::of(exchange(&mut self.channel, &proposal, rng)?);
        Ok(self.next(|Connected(())| agreed))
    }
}

impl<'p, C: Channel, P: Program> Garbler<'p, C, P, Agreed> {
    /// How AND gates are garbled in this session.
    pub fn scheme(&self) -> Scheme {
        self.state.scheme
    }

    /// Draws `Δ` and sets up oblivious transfer.
    ///
    /// # Errors
    /// If the connection fails or the peer's messages are invalid.
    pub fn set_up(
        mut self,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Garbler<'p, C, P, Ready>, SessionError> {
        let delta = Delta::random(rng);
        let ot =
            Sender::setup_with(&mut self.channel, &self.state.sid, &delta, transfers(self.expansion), rng)?;
        Ok(self.next(|Agreed { scheme, .. }| Ready { delta, ot, scheme }))
    }
}

impl<C: Channel, P: Program> Garbler<'_, C, P, Ready> {
    /// Executes the program once with our input bits. Returns the session, for further executions, and the
    /// output if the terms reveal it to us.
    ///
    /// # Errors
    /// If the inputs do not match the program, the connection fails, an output label is not authentic, or the
    /// terms name a result party.
    pub fn execute(
        mut self,
        inputs: &Bits,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Self, Option<Vec<bool>>), SessionError> {
        require_result_party(&self.terms, false)?;
        let (mut keys, outputs) = self.compute(inputs, rng)?;
        let bits = match self.terms.reveal {
            Reveal::Garbler | Reveal::Both => Some(self.receive_labels(&outputs)?),
            Reveal::Evaluator | Reveal::ResultParty => None,
        };
        if self.terms.reveal != Reveal::Garbler {
            self.send_hashes(&mut keys, outputs.iter().copied())?;
        }
        self.channel.flush()?;
        Ok((self, bits))
    }

    /// Executes the program once for a result party. Returns the session and our share of the output, which
    /// the caller encrypts to the result party.
    ///
    /// # Errors
    /// If the inputs do not match the program, the connection fails, or the terms name no result party.
    pub fn execute_for_result_party(
        mut self,
        inputs: &Bits,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Self, OutputShare), SessionError> {
        require_result_party(&self.terms, true)?;
        let (mut keys, outputs) = self.compute(inputs, rng)?;
        // The hash of the label with permute bit 0 comes first: the evaluator only learns that its label is
        // authentic.
        let delta = self.state.delta.block();
        self.send_hashes(&mut keys, outputs.iter().map(|c0| *c0 ^ delta.masked(c0.lsb())))?;
        self.channel.flush()?;
        Ok((self, OutputShare::of(&outputs)))
    }

    /// Transfers input labels and garbles the program. Returns the keys of this execution and the false
    /// labels of the outputs.
    fn compute(
        &mut self,
        inputs: &Bits,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(SessionKeys, Zeroizing<Vec<Block>>), SessionError> {
        let Shape { input_streams, outputs: expected } = self.program.shape();
        let wanted = self.program.shape().garbler_bits();
        if inputs.len() != wanted {
            return Err(SessionError::InputLength { expected: wanted, given: inputs.len() });
        }
        let Ready { delta, ot, scheme } = &mut self.state;
        let mut inputs = GarblerInputs::begin(input_streams, ot, &mut self.channel, inputs)?;
        let (mut keys, bytes) = SessionKeys::random(rng);
        self.channel.send(Phase::Inputs, &bytes)?;
        // Wiped, because a false label and a public active label of the same wire reveal `Δ`.
        let mut outputs = Zeroizing::new(Vec::with_capacity(expected));
        let f = Garbling::new(Backend::detect(), delta, &mut keys, &mut self.channel);
        let mut f = f.with_scheme(*scheme);
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
        let decoded = outputs.iter().zip(Block::from_chunks(&bytes)).map(|(c0, label)| {
            let (bit, known) = decode(label.ct_eq(c0), label.ct_eq(&(*c0 ^ self.state.delta.block())));
            authentic &= known;
            bit
        });
        let bits = decoded.collect();
        if authentic.into() { Ok(bits) } else { Err(SessionError::Output) }
    }

    /// Sends the hashes of both labels of each output, beginning with the hash of its label in `first`.
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
    /// A digest of all messages so far except tables; the peer has the same one.
    pub fn transcript(&self) -> [u8; 32] {
        let (sent, received) = self.channel.digests();
        digest(sent, received)
    }

    /// Ends the session and returns the channel.
    pub fn close(self) -> C {
        self.channel.into_inner()
    }

    fn next<T>(self, step: impl FnOnce(S) -> T) -> Garbler<'p, C, P, T> {
        let Self { channel, program, terms, proposed, expansion, state } = self;
        Garbler { channel, program, terms, proposed, expansion, state: step(state) }
    }
}
