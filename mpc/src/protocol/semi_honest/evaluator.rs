//! The evaluator's side of a session.

use rand_core::{CryptoRng, RngCore};
use subtle::{Choice, ConstantTimeEq};

use super::input_streams::{EvaluatorInputs, LaneInputs};
use super::lanes::{self, Lane, Others, Stop};
use super::output_share::OutputShare;
use super::session::{
    Agreed, Connected, SessionError, check_length, check_outputs, check_transcript, decode, digest,
    digest_of_lanes, number_of_lanes, require_result_party, transfers,
};
use crate::backend::Backend;
use crate::channel::{Channel, Phase, TranscriptChannel};
use crate::evaluate::Evaluation;
use crate::garble::Scheme;
use crate::inputs::Holder;
use crate::keys::SessionKeys;
use crate::ot::{Expansion, Receiver};
use crate::program::{Program, Shape};
use crate::programs::Sliced;
use crate::protocol::hello::{Proposal, Reveal, Role, Suite, Terms, check_lanes, exchange, open_lanes};
use crate::{Bits, Block};

/// The state after the set-up: the session can execute the program.
pub struct Ready {
    ot: Receiver,
    /// The transfers of the further lanes.
    further: Vec<Receiver>,
    scheme: Scheme,
}

/// The evaluator of a session, in state `S`: [`Connected`], then `Agreed`, then `Ready`.
pub struct Evaluator<'p, C, P, S = Connected> {
    channel: TranscriptChannel<C>,
    /// The channels of lane 1 and on.
    further: Vec<TranscriptChannel<C>>,
    program: &'p P,
    terms: Terms,
    proposed: Scheme,
    expansion: Expansion,
    state: S,
}

impl<'p, C: Channel, P: Program> Evaluator<'p, C, P> {
    /// A session over `channel` to compute `program`.
    pub fn new(channel: C, program: &'p P, terms: Terms) -> Self {
        Self {
            channel: TranscriptChannel::new(channel),
            further: Vec::new(),
            program,
            terms,
            proposed: Scheme::HalfGates,
            expansion: Expansion::None,
            state: Connected(()),
        }
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

    /// Performs the handshake, which compares program, terms and number of lanes with the peer's.
    ///
    /// # Errors
    /// If one of them differs from the peer's, there are more than 64 lanes, or the connection fails.
    pub fn hello(
        mut self,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Evaluator<'p, C, P, Agreed>, SessionError> {
        let suite = Suite::SemiHonest(self.proposed, self.expansion);
        let (role, terms) = (Role::Evaluator, self.terms);
        let lanes = number_of_lanes(1 + self.further.len())?;
        let proposal = Proposal { suite, role, program: self.program.id(), terms, lanes };
        let agreed = Agreed::of(exchange(&mut self.channel, &proposal, rng)?, lanes);
        Ok(self.next(|Connected(())| agreed))
    }
}

impl<C: Channel, S: Program, L: Program> Evaluator<'_, C, Sliced<S, L>> {
    /// This session with further lanes, each over one of these channels, to run the program with
    /// [`execute_in_lanes`](Evaluator::execute_in_lanes). The peer needs as many, connected to ours in the same order.
    ///
    /// # Security
    /// Each channel must be as confidential and authentic as the first.
    #[must_use]
    pub fn with_lanes(self, further: Vec<C>) -> Self {
        Self { further: further.into_iter().map(TranscriptChannel::new).collect(), ..self }
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
        let (Agreed { sid, lanes, .. }, role) = (&self.state, Role::Evaluator);
        open_lanes(&mut self.further, sid, role)?;
        let mut ot = Receiver::setup_with(&mut self.channel, sid, transfers(self.expansion), rng)?;
        check_lanes(&mut self.further, sid, role)?;
        let further = ot.split(*lanes, sid, rng)?;
        Ok(self.next(|Agreed { scheme, .. }| Ready { ot, further, scheme }))
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
        let (keys, outputs) = self.compute(inputs)?;
        self.deliver(keys, &outputs)
    }

    /// Sends and receives what the outputs take, as the terms say.
    fn deliver(
        mut self,
        mut keys: SessionKeys,
        outputs: &[Block],
    ) -> Result<(Self, Option<Vec<bool>>), SessionError> {
        if self.terms.reveal != Reveal::Evaluator {
            self.send_labels(outputs)?;
        }
        let bits = match self.terms.reveal {
            Reveal::Garbler | Reveal::ResultParty => None,
            Reveal::Evaluator | Reveal::Both => Some(self.receive_hashes(&mut keys, outputs)?),
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
        let (keys, outputs) = self.compute(inputs)?;
        self.share(keys, &outputs)
    }

    fn share(
        mut self,
        mut keys: SessionKeys,
        outputs: &[Block],
    ) -> Result<(Self, OutputShare), SessionError> {
        let share = OutputShare::of(outputs);
        let positions = self.receive_hashes(&mut keys, outputs)?;
        if share.bits() == positions { Ok((self, share)) } else { Err(SessionError::Output) }
    }

    /// Receives input labels and tables and evaluates them. Returns the keys of this execution and the active
    /// labels of the outputs.
    fn compute(&mut self, inputs: &Bits) -> Result<(SessionKeys, Vec<Block>), SessionError> {
        let shape = self.program.shape();
        check_length(shape.evaluator_bits(), inputs)?;
        if !self.further.is_empty() {
            return Err(SessionError::InLanes);
        }
        let Ready { ot, scheme, .. } = &mut self.state;
        let Shape { input_streams, outputs: expected } = shape;
        let inputs = LaneInputs::of_session(input_streams, inputs);
        let evaluation = Evaluates { scheme: *scheme, lane: 0 };
        let (keys, outputs) = evaluation.run(inputs, ot, &mut self.channel, |f, inputs| {
            let mut outputs = Vec::with_capacity(expected);
            self.program.run(f, inputs, &mut outputs)?;
            Ok(outputs)
        })?;
        check_outputs(expected, &outputs)?;
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

impl<C: Channel + Send, S: Program + Sync, L: Program + Sync> Evaluator<'_, C, Sliced<S, L>, Ready> {
    /// Executes the program once in the lanes of the session, as [`execute`](Self::execute) does in one: slices side by
    /// side, each lane on a thread of its own, and then the final program in the first lane.
    ///
    /// # Errors
    /// As [`execute`](Self::execute). A lane that fails fails all.
    pub fn execute_in_lanes(self, inputs: &Bits) -> Result<(Self, Option<Vec<bool>>), SessionError> {
        require_result_party(&self.terms, false)?;
        let (session, keys, outputs) = self.compute_in_lanes(inputs)?;
        session.deliver(keys, &outputs)
    }

    /// Executes the program once in the lanes of the session for a result party.
    ///
    /// # Errors
    /// As [`execute_for_result_party`](Self::execute_for_result_party). A lane that fails fails all.
    pub fn execute_in_lanes_for_result_party(
        self,
        inputs: &Bits,
    ) -> Result<(Self, OutputShare), SessionError> {
        require_result_party(&self.terms, true)?;
        let (session, keys, outputs) = self.compute_in_lanes(inputs)?;
        session.share(keys, &outputs)
    }

    /// As [`compute`](Self::compute), in lanes.
    fn compute_in_lanes(self, inputs: &Bits) -> Result<(Self, SessionKeys, Vec<Block>), SessionError> {
        let shape = self.program.shape();
        check_length(shape.evaluator_bits(), inputs)?;
        let Self { channel, further, program, terms, proposed, expansion, state } = self;
        let Ready { ot, further: transfers, scheme } = state;
        let lanes = 1 + further.len();
        let part = |lane: u8| program.part(lane.into(), lanes, inputs, Holder::includes_evaluator);
        let slices = |lane: u8, (channel, ot): &mut OwnedByLane<C>, stop: &Stop| {
            let (mut channel, part) = (Lane::new(channel, stop), part(lane));
            let inputs = LaneInputs::of_part(&part, &shape);
            let (_, wires) = Evaluates { scheme, lane }.run(inputs, ot, &mut channel, |f, inputs| {
                let mut wires = Vec::with_capacity(part.shape.outputs);
                program.run_slices(part.slices.clone(), f, inputs, &mut wires)?;
                Ok(wires)
            })?;
            Ok::<_, SessionError>(wires)
        };
        let first = |(channel, ot): &mut OwnedByLane<C>,
                     stop: &Stop,
                     others: Others<'_, OwnedByLane<C>, Vec<Block>>| {
            let (mut channel, part) = (Lane::new(channel, stop), part(0));
            let inputs = LaneInputs::of_part(&part, &shape);
            let evaluation = Evaluates { scheme, lane: 0 };
            let (keys, (others, outputs)) = evaluation.run(inputs, ot, &mut channel, |f, inputs| {
                let mut wires = Vec::with_capacity(part.shape.outputs);
                program.run_slices(part.slices.clone(), f, inputs, &mut wires)?;
                if lanes > 1 {
                    f.end_group()?; // as the garbler does
                }
                let (others, theirs): (Vec<_>, Vec<_>) = others()?.into_iter().unzip();
                wires.extend(theirs.iter().flatten());
                let mut outputs = Vec::with_capacity(shape.outputs);
                program.run_last(f, &wires, &mut outputs)?;
                Ok((others, outputs))
            })?;
            Ok::<_, SessionError>((others, keys, outputs))
        };
        let further = further.into_iter().zip(transfers).collect();
        let ((channel, ot), (others, keys, outputs)) = lanes::run((channel, ot), further, slices, first)?;
        let (further, transfers) = others.into_iter().unzip();
        let state = Ready { ot, further: transfers, scheme };
        check_outputs(shape.outputs, &outputs)?;
        Ok((Self { channel, further, program, terms, proposed, expansion, state }, keys, outputs))
    }
}

/// The channel of a lane and its transfers.
type OwnedByLane<C> = (TranscriptChannel<C>, Receiver);

/// What a lane evaluates with.
struct Evaluates {
    scheme: Scheme,
    lane: u8,
}

impl Evaluates {
    /// Transfers input labels, receives the keys, and evaluates what `program` runs. Returns the keys and what `program`
    /// gave.
    fn run<C: Channel, T>(
        self,
        inputs: LaneInputs<'_>,
        ot: &mut Receiver,
        channel: &mut C,
        program: impl FnOnce(&mut Evaluation<'_, C>, &mut EvaluatorInputs<'_>) -> Result<T, SessionError>,
    ) -> Result<(SessionKeys, T), SessionError> {
        let mut inputs = EvaluatorInputs::begin(inputs, ot, channel)?;
        let mut bytes = [0; SessionKeys::BYTES];
        channel.receive(Phase::Inputs, &mut bytes)?;
        let mut keys = SessionKeys::from_bytes(bytes).in_lane(self.lane);
        let mut f = Evaluation::new(Backend::detect(), &mut keys, channel).with_scheme(self.scheme);
        let result = program(&mut f, &mut inputs)?;
        f.finish()?;
        Ok((keys, result))
    }
}

impl<'p, C, P, S> Evaluator<'p, C, P, S> {
    /// A digest of all messages so far except tables; the peer has the same one.
    pub fn transcript(&self) -> [u8; 32] {
        let lanes = core::iter::once(&self.channel).chain(&self.further).map(TranscriptChannel::digests);
        digest_of_lanes(&lanes.map(|(sent, received)| digest(received, sent)).collect::<Vec<_>>())
    }

    /// Ends the session and returns the channel, of several the first.
    pub fn close(self) -> C {
        self.channel.into_inner()
    }

    /// Ends the session and returns the channels of all lanes.
    pub fn close_lanes(self) -> Vec<C> {
        core::iter::once(self.channel).chain(self.further).map(TranscriptChannel::into_inner).collect()
    }

    fn next<T>(self, step: impl FnOnce(S) -> T) -> Evaluator<'p, C, P, T> {
        let Self { channel, further, program, terms, proposed, expansion, state } = self;
        Evaluator { channel, further, program, terms, proposed, expansion, state: step(state) }
    }
}
