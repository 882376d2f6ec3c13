//! What any number of input parties compute together: a program that says what each brings, what comes out, and what
//! that reveals.
//!
//! ```text
//! input party 0  rows ─ encode ─► bits ─┐                       ┌─► inputs_hold   one bit for each input party
//! input party 1  rows ─ encode ─► bits ─┼─► ranges ─► body ─► ∧ ┼─► output table
//!   …                             ┘                       └─► output table
//! ```
//!
//! A [`Functionality`] program does not know who computes. The two compute parties run it as a [`Program`](sotto_mpc::Program) of two parties through
//! [`Delegated`], which says for each input party where its bits come from: the garbler, the evaluator, or XOR shares that
//! both hold (joined by one free XOR).
//!
//! **Guaranteed inside the circuit**: every number of every row that is present is in its declared range, or the input party's bit in
//! `inputs_hold` is 0 and *all* other outputs are zeros, so an input party who lies about ranges spoils the result and is
//! named, and cannot move it. A program adds its own conditions (sorted keys, for instance) to the same bit.
//! **Not guaranteed**: that inputs are true, nor anything about what outputs reveal: a program lists that in words.
//!
//! Inputs are taken as the program asks for them, and labels are fetched in pieces: for a program that reads its rows
//! in chunks, the memory of a compute party grows with the rows by their bits, and not by labels.

mod checked;
mod declaration;
mod delegated;
mod local_step;
mod parameters;
mod request;

pub use checked::{CheckedInputs, Chunk};
pub use declaration::{Cells, Column, Declaration, RowError, RowErrorKind, Rows, Table};
pub use delegated::Delegated;
pub use local_step::{Figure, LocalStep, LocalStepError, PassThrough};
pub use parameters::{Parameter, ParameterError, Parameters};
pub use request::max_input_request;

use sha2::{Digest, Sha256};

use sotto_mpc::fancy::{Cost, Fingerprint, Plain, TooManyGates};
use sotto_mpc::program::{ProgramId, ProgramName};
use sotto_mpc::{Fancy, Inputs};

/// The name of the output table that says whose inputs hold what was declared.
pub const INPUTS_HOLD: &str = "inputs_hold";

/// Most input bits of all input parties together: at a compute party each share is a bit, and for a program that wants all its rows at once some
/// labels of 16 bytes.
pub const MAX_INPUT_BITS: usize = 1 << 27;

/// Why a program is not even counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooLarge {
    /// More gates than were allowed.
    #[error(transparent)]
    Gates(#[from] TooManyGates),
    /// More input than any compute party should hold.
    #[error("the program has {0} input bits, at most {MAX_INPUT_BITS} are possible")]
    Inputs(usize),
}

/// A program of many input parties.
pub trait Functionality {
    /// Name and version, such as `sum_by_group@1`.
    fn name(&self) -> ProgramName;

    /// What comes in, what goes out, and what that reveals.
    fn declaration(&self) -> &Declaration;

    /// A hash over the parameters that the declaration does not show.
    fn parameters(&self) -> [u8; 32];

    /// Computes the bits of the output tables after `inputs_hold`, in order, into `outputs`, and reads every input row.
    ///
    /// # Errors
    /// If the interpreter cannot go on.
    fn body<F: Fancy, I: Inputs<F>>(
        &self,
        f: &mut F,
        inputs: &mut CheckedInputs<'_, F::Wire, I>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error>;

    /// What an input party does to its own data, in the clear, before it enters: by default nothing, and the data are the declared
    /// tables.
    fn local(&self, party: usize) -> Box<dyn LocalStep + '_> {
        Box::new(PassThrough::new(self.declaration().party(party)))
    }

    /// Figures that follow from the outputs alone, for a result party to read: none by default.
    fn figures(&self, outputs: &[Cells]) -> Vec<Figure> {
        let _ = outputs;
        Vec::new()
    }

    /// The whole program: the body, and before it whose inputs hold; if not all do, everything else is zero.
    ///
    /// # Errors
    /// As [`body`](Self::body).
    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let mut checked = CheckedInputs::new(self.declaration(), inputs);
        let mut results = Vec::new();
        self.body(f, &mut checked, &mut results)?;
        let holds = checked.finish();
        let mut all = None;
        for holds in holds.iter().flatten() {
            all = Some(match all {
                None => *holds,
                Some(before) => f.and(before, *holds)?,
            });
        }
        outputs.extend(holds.into_iter().map(|holds| holds.unwrap_or_else(|| f.constant(true))));
        if let Some(all) = all {
            let shown = results.clone();
            f.and_n(&shown, &vec![all; shown.len()], &mut results)?;
        }
        outputs.extend(results);
        Ok(())
    }

    /// What tells this program from all others, before a gate is made: name, declaration and parameters.
    fn id(&self) -> ProgramId {
        let mut hash = Sha256::new_with_prefix(b"sotto mpc joint program v1");
        hash.update(self.name().to_bytes());
        self.declaration().feed(&mut hash);
        hash.update(self.parameters());
        ProgramId { name: self.name(), digest: hash.finalize().into() }
    }

    /// The hash of the gate stream, and its cost: what a signer pins. Takes time in proportion to the gates, of which `most` are
    /// allowed.
    ///
    /// # Errors
    /// If the program is larger; then no more than that was looked at.
    fn gate_stream(&self, most: u64) -> Result<([u8; 32], Cost), TooLarge> {
        let declaration = self.declaration();
        let parties = 0..declaration.parties().len();
        let bits = parties.fold(0usize, |bits, party| bits.saturating_add(declaration.input_bits(party)));
        if bits > MAX_INPUT_BITS {
            return Err(TooLarge::Inputs(bits));
        }
        let (mut f, mut outputs) = (Fingerprint::new(most), Vec::new());
        self.run(&mut f, &mut checked::Anonymous, &mut outputs)?;
        Ok(f.finish(&outputs))
    }

    /// The output tables for these rows of each input party's tables, computed in the clear: the oracle of tests.
    ///
    /// # Errors
    /// If a row does not fit its table; see [`Declaration::encode`].
    fn compute(&self, parties: &[Vec<Cells>]) -> Result<Vec<Cells>, RowError> {
        let mut bits = Vec::with_capacity(parties.len());
        for (party, tables) in parties.iter().enumerate() {
            bits.push(self.declaration().encode(party, tables)?);
        }
        let mut outputs = Vec::new();
        let Ok(()) = self.run(&mut Plain, &mut checked::Given::new(&bits), &mut outputs);
        Ok(self.declaration().decode(&outputs).unwrap_or_default())
    }
}
