//! The garbler's side of a session.

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::agreement::{Agreed, Intent};
use super::checks::{Directions, Proof};
use super::error::{Check, SessionError};
use super::exchange::receive_bits;
use super::garbling::{Garbling, GarblingContext};
use super::gates::{GateKeys, GateMasks};
use super::masks::{InputLabels, Places};
use super::outputs::OutputMasks;
use super::owners::{Milestone, NotKept};
use super::party::{Inputs, Party, Prepared};
use super::report::{LabelSum, ValueSum};
use super::session::{Connected, Finished, Ready};
use super::settings::Settings;
use crate::channel::{Channel, Phase, TranscriptChannel};
use crate::program::Program;
use crate::protocol::hello::{Reveal, Role, Terms};
use crate::{Bits, Block};

/// The garbler of a session, in state `S`: [`Connected`], then [`Agreed`], then [`Ready`], then [`Finished`].
pub struct Garbler<'p, C, P, S = Connected> {
    pub(super) channel: TranscriptChannel<C>,
    intent: Intent<'p, P>,
    state: S,
}

impl<'p, C: Channel, P: Program> Garbler<'p, C, P> {
    /// A session over `channel` to compute `program`.
    pub fn new(channel: C, program: &'p P, terms: Terms, settings: Settings) -> Self {
        let intent = Intent { role: Role::Garbler, program, terms, settings };
        Self { channel: TranscriptChannel::new(channel), intent, state: Connected(()) }
    }

    /// Performs the handshake, which compares program, terms and settings with the peer's.
    ///
    /// # Errors
    /// If they differ or are not supported, or the connection fails.
    pub fn hello(
        mut self,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Garbler<'p, C, P, Agreed>, SessionError> {
        let agreed = self.intent.agree(&mut self.channel, rng)?;
        Ok(self.next(|Connected(())| agreed))
    }
}

impl<'p, C: Channel, P: Program> Garbler<'p, C, P, Agreed> {
    /// Draws `Δ` and sets up transfers in both directions.
    ///
    /// # Errors
    /// If the connection fails or the peer is caught deviating.
    pub fn set_up(
        self,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Garbler<'p, C, P, Ready>, SessionError> {
        let Self { mut channel, intent, state } = self;
        let party = Party::set_up(&mut channel, Role::Garbler, state, rng)?;
        Ok(Garbler { channel, intent, state: Ready { party } })
    }

    /// As [`set_up`](Self::set_up), from transfers that a dealer set up.
    #[cfg(test)]
    pub(super) fn set_up_with(
        self,
        keys: super::party::Keys,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Garbler<'p, C, P, Ready>, SessionError> {
        let Self { mut channel, intent, state } = self;
        let party = Party::with_keys(&mut channel, keys, state, rng)?;
        Ok(Garbler { channel, intent, state: Ready { party } })
    }
}

/// What the garbler keeps of the second pass.
struct Garbled {
    keys: GateKeys,
    /// A⁰ and B⁰ of each gate.
    labels: Zeroizing<Vec<[Block; 2]>>,
    /// C⁰ of each output.
    outputs: Zeroizing<Vec<Block>>,
}

/// What the evaluator reported.
struct Report {
    gates: Bits,
    outputs: Bits,
    chi: Block,
}

impl<'p, C: Channel, P: Program> Garbler<'p, C, P, Ready> {
    /// Executes the program with our input bits.
    ///
    /// # Errors
    /// If the inputs do not match the program, the connection fails, or the peer is caught deviating.
    pub fn execute(
        self,
        inputs: &Bits,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Garbler<'p, C, P, Finished>, SessionError> {
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
    ) -> Result<Garbler<'p, C, P, Finished>, SessionError> {
        keep(Milestone::Attempt)?;
        let prepared = self.state.party.prepare(&mut self.channel, self.intent.program, inputs, rng)?;
        let garbled = self.garble(&prepared, rng)?;
        let report = self.receive_report(&prepared)?;
        self.check(&prepared, &garbled, &report)?;
        keep(Milestone::Outputs)?;
        let output = self.outputs(&prepared, &report)?;
        let transcript = self.transcript_digest();
        Ok(self.next(|_| Finished { transcript, output }))
    }

    /// Draws and sends the keys, garbles, and sends the tables.
    fn garble(
        &mut self,
        prepared: &Prepared,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Garbled, SessionError> {
        let mut bytes = [[0; Block::BYTES]; 3];
        rng.fill_bytes(bytes.as_flattened_mut());
        self.channel.send(Phase::Inputs, bytes.as_flattened())?;
        let mut keys = GateKeys::from_bytes(&bytes);
        let Party { own, backend, .. } = &self.state.party;
        let context = GarblingContext { own, backend: *backend, keys: &mut keys, masks: &prepared.gates };
        let places = Places::new(Role::Garbler, &prepared.input_streams);
        let mut inputs = InputLabels { values: &prepared.inputs, places };
        let mut outputs = Zeroizing::new(Vec::with_capacity(prepared.outputs.len()));
        let mut f = Garbling::new(context, &mut self.channel);
        self.intent.program.run(&mut f, &mut inputs, &mut outputs)?;
        let labels = f.finish()?;
        if outputs.len() == prepared.outputs.len() {
            Ok(Garbled { keys, labels, outputs })
        } else {
            Err(SessionError::Unsteady)
        }
    }

    fn receive_report(&mut self, prepared: &Prepared) -> Result<Report, SessionError> {
        let gates = receive_bits(&mut self.channel, Phase::Checks, 2 * prepared.gates.len())?;
        let outputs = receive_bits(&mut self.channel, Phase::Checks, prepared.outputs.len())?;
        let mut chi = [0; Block::BYTES];
        self.channel.receive(Phase::Checks, &mut chi)?;
        Ok(Report { gates, outputs, chi: Block::from_bytes(chi) })
    }

    /// Checks the evaluator; only then proves the gates to it.
    fn check(&mut self, prepared: &Prepared, garbled: &Garbled, report: &Report) -> Result<(), SessionError> {
        let Prepared { digests, gates, .. } = prepared;
        let transcript = self.transcript_digest();
        let sum = self.label_sum(garbled, report);
        let expected = Proof { openings: digests.peer, transcript, sum };
        expected.expect(&mut self.channel, Check::Labels)?;
        let transcript = self.transcript_digest();
        let proof = Proof { openings: digests.own, transcript, sum: value_sum(gates, report) };
        Ok(proof.send(&mut self.channel)?)
    }

    /// Σ for the masked values that the evaluator reported.
    fn label_sum(&self, garbled: &Garbled, report: &Report) -> Block {
        let Party { own, backend, .. } = &self.state.party;
        let mut sum = LabelSum::new(&garbled.keys.reports, *backend);
        for (g, [a0, b0]) in garbled.labels.iter().enumerate() {
            let [a, b] = [2 * g, 2 * g + 1].map(|i| own.delta.times(report.gates.get(i)));
            sum.add_gate(*a0 ^ a, *b0 ^ b);
        }
        for (c0, value) in garbled.outputs.iter().zip(report.outputs.iter()) {
            sum.add_output(*c0 ^ own.delta.times(value));
        }
        sum.finish()
    }

    fn outputs(&mut self, prepared: &Prepared, report: &Report) -> Result<Option<Vec<bool>>, SessionError> {
        let Party { own, agreed, .. } = &self.state.party;
        let masks = OutputMasks { session: &agreed.session.id, own, shares: &prepared.outputs };
        let output = match self.intent.terms.reveal {
            Reveal::Garbler | Reveal::Both => Some(masks.learn(&mut self.channel, &report.outputs)?),
            Reveal::Evaluator | Reveal::ResultParty => None,
        };
        if matches!(self.intent.terms.reveal, Reveal::Evaluator | Reveal::Both) {
            masks.reveal(&mut self.channel)?;
        }
        Ok(output)
    }

    fn transcript_digest(&self) -> [u8; 32] {
        Directions::at_garbler(&self.channel).digest(&self.state.party.agreed.session.id)
    }
}

/// W for the masked values that the evaluator reported.
fn value_sum(gates: &GateMasks, report: &Report) -> Block {
    let mut sum = ValueSum::new(report.chi);
    let masks = gates.range(0, gates.len()).enumerate();
    sum.add(masks.map(|(g, mask)| mask.checked(report.gates.get(2 * g), report.gates.get(2 * g + 1)).mac));
    sum.finish()
}

impl<'p, C, P, S> Garbler<'p, C, P, S> {
    /// Ends the session and returns the channel.
    pub fn close(self) -> C {
        self.channel.into_inner()
    }

    fn next<T>(self, step: impl FnOnce(S) -> T) -> Garbler<'p, C, P, T> {
        let Self { channel, intent, state } = self;
        Garbler { channel, intent, state: step(state) }
    }
}

impl<C, P> Garbler<'_, C, P, Finished> {
    /// The output, if the terms reveal it to us.
    pub fn output(&self) -> Option<&[bool]> {
        self.state.output.as_deref()
    }

    /// A digest of all messages except tables; the peer has the same one.
    pub fn transcript(&self) -> [u8; 32] {
        self.state.transcript
    }
}
