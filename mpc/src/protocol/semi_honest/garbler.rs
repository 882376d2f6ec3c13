//! The garbler's side of a session.

use rand_core::{CryptoRng, RngCore};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use super::input_streams::{GarblerInputs, LaneInputs};
use super::lanes::{self, Lane, Others, Stop};
use super::output_share::OutputShare;
use super::session::{
    Agreed, Connected, SessionError, check_length, check_outputs, check_transcript, decode, digest,
    digest_of_lanes, number_of_lanes, require_result_party, transfers,
};
use crate::backend::Backend;
use crate::channel::{Channel, Phase, TranscriptChannel};
use crate::garble::{Garbling, Scheme};
use crate::inputs::Holder;
use crate::keys::SessionKeys;
use crate::ot::{Expansion, Sender};
use crate::program::{Program, Shape};
use crate::programs::Sliced;
use crate::protocol::hello::{Proposal, Reveal, Role, Suite, Terms, check_lanes, exchange, open_lanes};
use crate::{Bits, Block, Delta};

/// The state after the set-up: the session can execute the program.
pub struct Ready {
    delta: Delta,
    ot: Sender,
    /// The transfers of the further lanes.
    further: Vec<Sender>,
    scheme: Scheme,
}

/// The garbler of a session, in state `S`: [`Connected`], then `Agreed`, then `Ready`.
pub struct Garbler<'p, C, P, S = Connected> {
    channel: TranscriptChannel<C>,
    /// The channels of lane 1 and on.
    further: Vec<TranscriptChannel<C>>,
    program: &'p P,
    terms: Terms,
    proposed: Scheme,
    expansion: Expansion,
    state: S,
}

impl<'p, C: Channel, P: Program> Garbler<'p, C, P> {
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
    ) -> Result<Garbler<'p, C, P, Agreed>, SessionError> {
        let suite = Suite::SemiHonest(self.proposed, self.expansion);
        let (role, terms) = (Role::Garbler, self.terms);
        let lanes = number_of_lanes(1 + self.further.len())?;
        let proposal = Proposal { suite, role, program: self.program.id(), terms, lanes };
        let agreed = Agreed::of(exchange(&mut self.channel, &proposal, rng)?, lanes);
        Ok(self.next(|Connected(())| agreed))
    }
}

impl<C: Channel, S: Program, L: Program> Garbler<'_, C, Sliced<S, L>> {
    /// This session with further lanes, each over one of these channels, to run the program with
    /// [`execute_in_lanes`](Garbler::execute_in_lanes). The peer needs as many, connected to ours in the same order.
    ///
    /// # Security
    /// Each channel must be as confidential and authentic as the first.
    #[must_use]
    pub fn with_lanes(self, further: Vec<C>) -> Self {
        Self { further: further.into_iter().map(TranscriptChannel::new).collect(), ..self }
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
        let (Agreed { sid, lanes, .. }, role) = (&self.state, Role::Garbler);
        open_lanes(&mut self.further, sid, role)?;
        let delta = Delta::random(rng);
        let mut ot = Sender::setup_with(&mut self.channel, sid, &delta, transfers(self.expansion), rng)?;
        check_lanes(&mut self.further, sid, role)?;
        let further = ot.split(*lanes, sid, rng)?;
        Ok(self.next(|Agreed { scheme, .. }| Ready { delta, ot, further, scheme }))
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
        let (keys, outputs) = self.compute(inputs, rng)?;
        self.deliver(keys, &outputs)
    }

    /// Sends and receives what the outputs take, as the terms say.
    fn deliver(
        mut self,
        mut keys: SessionKeys,
        outputs: &[Block],
    ) -> Result<(Self, Option<Vec<bool>>), SessionError> {
        let bits = match self.terms.reveal {
            Reveal::Garbler | Reveal::Both => Some(self.receive_labels(outputs)?),
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
        let (keys, outputs) = self.compute(inputs, rng)?;
        self.share(keys, &outputs)
    }

    fn share(
        mut self,
        mut keys: SessionKeys,
        outputs: &[Block],
    ) -> Result<(Self, OutputShare), SessionError> {
        // The hash of the label with permute bit 0 comes first: the evaluator only learns that its label is
        // authentic.
        let delta = self.state.delta.block();
        self.send_hashes(&mut keys, outputs.iter().map(|c0| *c0 ^ delta.masked(c0.lsb())))?;
        self.channel.flush()?;
        Ok((self, OutputShare::of(outputs)))
    }

    /// Transfers input labels and garbles the program. Returns the keys of this execution and the false
    /// labels of the outputs.
    fn compute(
        &mut self,
        inputs: &Bits,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(SessionKeys, Zeroizing<Vec<Block>>), SessionError> {
        let shape = self.program.shape();
        check_length(shape.garbler_bits(), inputs)?;
        if !self.further.is_empty() {
            return Err(SessionError::InLanes);
        }
        let Ready { delta, ot, scheme, .. } = &mut self.state;
        let (_, keys) = SessionKeys::random(rng);
        let garbling = Garbles { delta, scheme: *scheme, keys, lane: 0 };
        let Shape { input_streams, outputs: expected } = shape;
        let inputs = LaneInputs::of_session(input_streams, inputs);
        let (keys, outputs) = garbling.run(inputs, ot, &mut self.channel, |f, inputs| {
            // Wiped, because a false label and a public active label of the same wire reveal `Δ`.
            let mut outputs = Zeroizing::new(Vec::with_capacity(expected));
            self.program.run(f, inputs, &mut outputs)?;
            Ok(outputs)
        })?;
        check_outputs(expected, &outputs)?;
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

impl<C: Channel + Send, S: Program + Sync, L: Program + Sync> Garbler<'_, C, Sliced<S, L>, Ready> {
    /// Executes the program once in the lanes of the session, as [`execute`](Self::execute) does in one: slices side by
    /// side, each lane on a thread of its own, and then the final program in the first lane.
    ///
    /// # Errors
    /// As [`execute`](Self::execute). A lane that fails fails all.
    pub fn execute_in_lanes(
        self,
        inputs: &Bits,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Self, Option<Vec<bool>>), SessionError> {
        require_result_party(&self.terms, false)?;
        let (session, keys, outputs) = self.compute_in_lanes(inputs, rng)?;
        session.deliver(keys, &outputs)
    }

    /// Executes the program once in the lanes of the session for a result party.
    ///
    /// # Errors
    /// As [`execute_for_result_party`](Self::execute_for_result_party). A lane that fails fails all.
    pub fn execute_in_lanes_for_result_party(
        self,
        inputs: &Bits,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Self, OutputShare), SessionError> {
        require_result_party(&self.terms, true)?;
        let (session, keys, outputs) = self.compute_in_lanes(inputs, rng)?;
        session.share(keys, &outputs)
    }

    /// As [`compute`](Self::compute), in lanes.
    fn compute_in_lanes(
        self,
        inputs: &Bits,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Self, SessionKeys, Zeroizing<Vec<Block>>), SessionError> {
        let shape = self.program.shape();
        check_length(shape.garbler_bits(), inputs)?;
        let Self { channel, further, program, terms, proposed, expansion, state } = self;
        let Ready { delta, ot, further: transfers, scheme } = state;
        let (lanes, (_, keys)) = (1 + further.len(), SessionKeys::random(rng));
        let garbling = |lane| Garbles { delta: &delta, scheme, keys, lane };
        let part = |lane: u8| program.part(lane.into(), lanes, inputs, Holder::includes_garbler);
        let slices = |lane: u8, (channel, ot): &mut OwnedByLane<C>, stop: &Stop| {
            let (mut channel, part) = (Lane::new(channel, stop), part(lane));
            let inputs = LaneInputs::of_part(&part, &shape);
            let (_, wires) = garbling(lane).run(inputs, ot, &mut channel, |f, inputs| {
                let mut wires = Zeroizing::new(Vec::with_capacity(part.shape.outputs));
                program.run_slices(part.slices.clone(), f, inputs, &mut wires)?;
                Ok(wires)
            })?;
            channel.flush()?;
            Ok::<_, SessionError>(wires)
        };
        let first = |(channel, ot): &mut OwnedByLane<C>,
                     stop: &Stop,
                     others: Others<'_, OwnedByLane<C>, Zeroizing<Vec<Block>>>| {
            let (mut channel, part) = (Lane::new(channel, stop), part(0));
            let inputs = LaneInputs::of_part(&part, &shape);
            let (keys, (others, outputs)) = garbling(0).run(inputs, ot, &mut channel, |f, inputs| {
                let mut wires = Zeroizing::new(Vec::with_capacity(part.shape.outputs));
                program.run_slices(part.slices.clone(), f, inputs, &mut wires)?;
                if lanes > 1 {
                    // Else the peer would wait for these tables until our slowest lane ends.
                    f.pause()?.flush()?;
                }
                let (others, theirs): (Vec<_>, Vec<_>) = others()?.into_iter().unzip();
                let all: Vec<&[Block]> =
                    core::iter::once(&wires).chain(&theirs).map(|wires| &wires[..]).collect();
                let all = Zeroizing::new(all.concat());
                let mut outputs = Zeroizing::new(Vec::with_capacity(shape.outputs));
                program.run_last(f, &all, &mut outputs)?;
                Ok((others, outputs))
            })?;
            Ok::<_, SessionError>((others, keys, outputs))
        };
        let further = further.into_iter().zip(transfers).collect();
        let ((channel, ot), (others, keys, outputs)) = lanes::run((channel, ot), further, slices, first)?;
        let (further, transfers) = others.into_iter().unzip();
        let state = Ready { delta, ot, further: transfers, scheme };
        let session = Self { channel, further, program, terms, proposed, expansion, state };
        check_outputs(shape.outputs, &outputs)?;
        Ok((session, keys, outputs))
    }
}

/// The channel of a lane and its transfers.
type OwnedByLane<C> = (TranscriptChannel<C>, Sender);

/// What a lane garbles with.
struct Garbles<'s> {
    delta: &'s Delta,
    scheme: Scheme,
    keys: [u8; SessionKeys::BYTES],
    lane: u8,
}

impl Garbles<'_> {
    /// Transfers input labels, sends the keys, and garbles what `program` runs. Returns the keys and what `program` gave.
    fn run<C: Channel, T>(
        self,
        inputs: LaneInputs<'_>,
        ot: &mut Sender,
        channel: &mut C,
        program: impl FnOnce(&mut Garbling<'_, C>, &mut GarblerInputs<'_>) -> Result<T, SessionError>,
    ) -> Result<(SessionKeys, T), SessionError> {
        let Self { delta, scheme, keys, lane } = self;
        let mut inputs = GarblerInputs::begin(inputs, ot, channel)?;
        channel.send(Phase::Inputs, &keys)?;
        let mut keys = SessionKeys::from_bytes(keys).in_lane(lane);
        let mut f = Garbling::new(Backend::detect(), delta, &mut keys, channel).with_scheme(scheme);
        let result = program(&mut f, &mut inputs)?;
        f.finish()?;
        Ok((keys, result))
    }
}

impl<'p, C, P, S> Garbler<'p, C, P, S> {
    /// A digest of all messages so far except tables; the peer has the same one.
    pub fn transcript(&self) -> [u8; 32] {
        let lanes = core::iter::once(&self.channel).chain(&self.further).map(TranscriptChannel::digests);
        digest_of_lanes(&lanes.map(|(sent, received)| digest(sent, received)).collect::<Vec<_>>())
    }

    /// Ends the session and returns the channel, of several the first.
    pub fn close(self) -> C {
        self.channel.into_inner()
    }

    /// Ends the session and returns the channels of all lanes.
    pub fn close_lanes(self) -> Vec<C> {
        core::iter::once(self.channel).chain(self.further).map(TranscriptChannel::into_inner).collect()
    }

    fn next<T>(self, step: impl FnOnce(S) -> T) -> Garbler<'p, C, P, T> {
        let Self { channel, further, program, terms, proposed, expansion, state } = self;
        Garbler { channel, further, program, terms, proposed, expansion, state: step(state) }
    }
}
