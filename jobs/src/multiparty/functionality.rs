//! The trait of functionalities, and what follows from one: the whole program, its id, its gates.

use sha2::{Digest, Sha256};

use sotto_mpc::fancy::{Cost, Fingerprint, Plain, TooManyGates};
use sotto_mpc::program::{ProgramId, ProgramName};
use sotto_mpc::{Fancy, Inputs};

use super::checked::{Anonymous, CheckedInputs, Given};
use super::declaration::{Cells, Declaration, RowError, Table};
use super::local_step::{Figure, LocalStep, PassThrough, RowNames};

/// Most input bits of all input parties together: at a compute party each share is a bit, and for a program
/// that wants all its rows at once some labels of 16 bytes.
pub const MAX_INPUT_BITS: usize = 1 << 27;

/// Gates that cost nothing but time, besides 64 for each AND gate that is allowed.
const FREE_GATES: u64 = 1 << 26;

/// The least limit of AND gates with which so many gates go that cost nothing but time.
pub(crate) const fn limit_for(free: u64) -> u64 {
    free.saturating_sub(FREE_GATES).div_ceil(64)
}

/// Why a program is not even counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooLarge {
    /// More gates than were allowed.
    #[error(transparent)]
    Gates(#[from] TooManyGates),
    /// More gates that cost nothing but time than go with the AND gates that were allowed.
    #[error(
        "the program has {0} XOR gates, more than go with its limit of AND gates: raise `and_gates`, or compute less"
    )]
    FreeGates(u64),
    /// More input than any compute party should hold.
    #[error("the program has {0} input bits, at most {MAX_INPUT_BITS} are possible")]
    Inputs(usize),
}

/// What a functionality states before any gate is made. Its hash is the functionality's
/// [`id`](Functionality::id).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Name and version, such as `sum_by_group@1`.
    pub name: ProgramName,
    /// What comes in, what goes out, and what that reveals.
    pub declaration: Declaration,
    /// A hash over the parameters that the declaration does not show.
    pub parameters: [u8; 32],
}

/// A program of any number of input parties.
pub trait Functionality {
    /// Name, declaration and parameters.
    fn header(&self) -> &Header;

    /// Name and version, such as `sum_by_group@1`.
    fn name(&self) -> ProgramName {
        self.header().name
    }

    /// What comes in, what goes out, and what that reveals.
    fn declaration(&self) -> &Declaration {
        &self.header().declaration
    }

    /// Computes the bits of the output tables after `inputs_hold`, in order, into `outputs`, and reads every
    /// input row.
    ///
    /// # Errors
    /// If the interpreter cannot go on.
    fn body<F: Fancy, I: Inputs<F>>(
        &self,
        f: &mut F,
        inputs: &mut CheckedInputs<'_, F::Wire, I>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error>;

    /// What an input party does to its own data, in the clear, before it enters: by default nothing, and the
    /// data are the declared tables.
    fn local(&self, party: usize) -> Box<dyn LocalStep + '_> {
        Box::new(PassThrough::new(self.declaration().party(party)))
    }

    /// Figures that follow from the outputs alone, for a result party to read: none by default.
    fn figures(&self, outputs: &[Cells]) -> Vec<Figure> {
        let _ = outputs;
        Vec::new()
    }

    /// Whether the numbers of a row of an output table stand for nothing, because too few rows are behind
    /// them: never by default.
    fn is_suppressed(&self, table: &Table, row: &[i128]) -> bool {
        let _ = (table, row);
        false
    }

    /// Whether the number at this place of a row stands for nothing: by default, if the row is suppressed, all but a
    /// first one that says whether it is shown.
    fn is_place_suppressed(&self, table: &Table, row: &[i128], place: usize) -> bool {
        let says_so = place == 0 && table.columns.first().is_some_and(|column| column.name == "shown");
        !says_so && self.is_suppressed(table, row)
    }

    /// What the rows of an output table are: by default they have no names.
    fn row_names(&self, table: &Table) -> Option<RowNames> {
        let _ = table;
        None
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

    /// The number of gates that cost nothing but time, if it is known without running the program; 0 if not.
    fn free_gates(&self) -> u64 {
        0
    }

    /// The id of this functionality: a hash over its header. It does not depend on gates.
    fn id(&self) -> ProgramId {
        let mut hash = Sha256::new_with_prefix(b"sotto mpc joint program v1");
        hash.update(self.name().to_bytes());
        self.declaration().feed(&mut hash);
        hash.update(self.header().parameters);
        ProgramId { name: self.name(), digest: hash.finalize().into() }
    }

    /// The hash of the gate stream, and its cost: what a signer pins. Takes time in proportion to the gates,
    /// of which `most` are allowed.
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
        // A program that has few AND gates could still keep everybody busy who looks at it.
        let free = self.free_gates();
        if limit_for(free) > most {
            return Err(TooLarge::FreeGates(free));
        }
        let (mut f, mut outputs) = (Fingerprint::new(most), Vec::new());
        self.run(&mut f, &mut Anonymous, &mut outputs)?;
        Ok(f.finish(&outputs))
    }

    /// The output tables for these rows of each input party's tables, computed in the clear: the oracle of
    /// tests.
    ///
    /// # Errors
    /// If a row does not fit its table; see [`Declaration::encode`].
    fn compute(&self, parties: &[Vec<Cells>]) -> Result<Vec<Cells>, RowError> {
        let mut bits = Vec::with_capacity(parties.len());
        for (party, tables) in parties.iter().enumerate() {
            bits.push(self.declaration().encode(party, tables)?);
        }
        let mut outputs = Vec::new();
        let Ok(()) = self.run(&mut Plain, &mut Given::new(&bits), &mut outputs);
        Ok(self.declaration().decode(&outputs).unwrap_or_default())
    }
}
