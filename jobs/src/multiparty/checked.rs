//! Input rows as a functionality reads them, with a check of their declared ranges.
//!
//! Each input party has one stream of [`Inputs`], with its bits in the order of its [`Declaration`].

use super::declaration::Declaration;
use sotto_mpc::gadgets::{Comparison, Words};
use sotto_mpc::number::Number;
use sotto_mpc::{Bits, Fancy, Inputs};

/// The next rows of a table, column by column.
#[derive(Clone, Debug)]
pub struct Chunk<W> {
    /// Whether each row is there; empty if all are.
    pub present: Vec<W>,
    /// One lane for each row. A column of no bits has width 0.
    pub columns: Vec<Words<W>>,
    /// Rows.
    pub rows: usize,
}

impl<W: Copy> Chunk<W> {
    /// One column.
    ///
    /// # Panics
    /// If there is no such column: an error in the program.
    #[must_use]
    pub fn column(&self, i: usize) -> &Words<W> {
        &self.columns[i]
    }
}

/// Where an input party's next row is.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    table: usize,
    row: usize,
}

/// Input rows, checked against their ranges as they are read.
#[derive(Debug)]
pub struct CheckedInputs<'a, W, I> {
    declaration: &'a Declaration,
    inputs: &'a mut I,
    places: Vec<Place>,
    /// For each input party the conjunction of all that was required, if anything was.
    holds: Vec<Option<W>>,
}

impl<'a, W: Copy + Default, I> CheckedInputs<'a, W, I> {
    pub(crate) fn new(declaration: &'a Declaration, inputs: &'a mut I) -> Self {
        let parties = declaration.parties().len();
        Self { declaration, inputs, places: vec![Place::default(); parties], holds: vec![None; parties] }
    }

    /// The next rows of an input party's current table, at most `rows`; `None` at the table's end, and then
    /// the next table begins.
    ///
    /// # Errors
    /// If the interpreter cannot go on.
    pub fn next<F>(&mut self, f: &mut F, party: usize, rows: usize) -> Result<Option<Chunk<W>>, F::Error>
    where
        F: Fancy<Wire = W>,
        I: Inputs<F>,
    {
        let place = &mut self.places[party];
        let Some(table) = self.declaration.party(party).get(place.table) else { return Ok(None) };
        let rows = rows.min(table.rows.most() - place.row);
        if rows == 0 {
            *place = Place { table: place.table + 1, row: 0 };
            return Ok(None);
        }
        place.row += rows;
        let mut wires = vec![W::default(); rows * table.row_bits()];
        self.inputs.read_into(f, party, &mut wires)?;
        let mut at = table.row_bits() - table.columns.iter().map(|c| c.number.width()).sum::<usize>();
        let bits = |from: usize, width: usize| -> Vec<W> {
            (from..from + width)
                .flat_map(|i| wires.iter().skip(i).step_by(table.row_bits()))
                .copied()
                .collect()
        };
        let present = bits(0, at);
        let mut columns = Vec::with_capacity(table.columns.len());
        for column in &table.columns {
            let words = Words::new(rows, bits(at, column.number.width()));
            at += column.number.width();
            let cells = Cells { number: &column.number, words: &words, present: &present };
            self.require_range(f, party, &cells)?;
            columns.push(words);
        }
        Ok(Some(Chunk { present, columns, rows }))
    }

    /// All rows of an input party's current table at once; `None` if it has none.
    ///
    /// # Errors
    /// If the interpreter cannot go on.
    pub fn whole<F>(&mut self, f: &mut F, party: usize) -> Result<Option<Chunk<W>>, F::Error>
    where
        F: Fancy<Wire = W>,
        I: Inputs<F>,
    {
        let chunk = self.next(f, party, usize::MAX)?;
        if chunk.is_some() {
            self.next(f, party, usize::MAX)?;
        }
        Ok(chunk)
    }

    /// Makes the input party's bit in `inputs_hold` depend on all of `conditions`.
    ///
    /// # Errors
    /// If the interpreter cannot go on.
    pub fn require<F: Fancy<Wire = W>>(
        &mut self,
        f: &mut F,
        party: usize,
        conditions: &[W],
    ) -> Result<(), F::Error> {
        let mut all: Vec<W> = self.holds[party].into_iter().chain(conditions.iter().copied()).collect();
        while all.len() > 1 {
            let half = all.len() / 2;
            let mut both = vec![W::default(); half];
            f.and_n(&all[..half], &all[half..2 * half], &mut both)?;
            both.extend_from_slice(&all[2 * half..]);
            all = both;
        }
        self.holds[party] = all.pop();
        Ok(())
    }

    fn require_range<F: Fancy<Wire = W>>(
        &mut self,
        f: &mut F,
        party: usize,
        cells: &Cells<'_, W>,
    ) -> Result<(), F::Error> {
        let Cells { number, words, present } = *cells;
        for outside in outside(f, number, words)? {
            let mut wrong = outside;
            if !present.is_empty() {
                f.and_n(&wrong.clone(), present, &mut wrong)?;
            }
            let right: Vec<W> = wrong.into_iter().map(|wrong| f.not(wrong)).collect();
            self.require(f, party, &right)?;
        }
        Ok(())
    }

    /// Whether the inputs of each input party hold what was declared; nothing for an input party who could
    /// not have broken it.
    pub(crate) fn finish(self) -> Vec<Option<W>> {
        debug_assert!(self.is_read(), "a program reads all its inputs");
        self.holds
    }

    fn is_read(&self) -> bool {
        self.places.iter().enumerate().all(|(party, place)| {
            let mut left = self.declaration.party(party).iter().enumerate().skip(place.table);
            left.all(|(i, table)| table.bits() == 0 || (i == place.table && place.row == table.rows.most()))
        })
    }
}

/// A column of some rows: what it declares, its words, and which rows are present (empty if all are).
struct Cells<'a, W> {
    number: &'a Number,
    words: &'a Words<W>,
    present: &'a [W],
}

/// Where words are above the largest and where below the smallest number of the range; only what can be.
fn outside<F: Fancy>(
    f: &mut F,
    number: &Number,
    words: &Words<F::Wire>,
) -> Result<Vec<Vec<F::Wire>>, F::Error> {
    let width = number.width();
    if width == 0 {
        return Ok(Vec::new());
    }
    // In two's complement, order is that of unsigned numbers once 2^(w−1) is added.
    let (words, bias) = match number.is_signed() {
        true => (f.flip_sign(words), 1i128 << (width - 1)),
        false => (words.clone(), 0),
    };
    let (min, max) = ((number.min() + bias) as u128, (number.max() + bias) as u128);
    let mut outside = Vec::new();
    if max < (1 << width) - 1 {
        outside.push(f.greater_than_constant(&words, max)?);
    }
    if let Some(below) = min.checked_sub(1) {
        let at_least = f.greater_than_constant(&words, below)?;
        outside.push(at_least.into_iter().map(|at_least| f.not(at_least)).collect());
    }
    Ok(outside)
}

/// Inputs that are bits in hand, for computing in the clear: each input party's, and how many of them are
/// taken.
pub(crate) struct Given<'b>(Vec<(&'b Bits, usize)>);

impl<'b> Given<'b> {
    pub(crate) fn new(parties: &'b [Bits]) -> Self {
        Self(parties.iter().map(|bits| (bits, 0)).collect())
    }
}

impl<F: Fancy<Wire = bool>> Inputs<F> for Given<'_> {
    fn read_into(&mut self, _: &mut F, party: usize, wires: &mut [bool]) -> Result<(), F::Error> {
        let (bits, taken) = &mut self.0[party];
        wires.iter_mut().zip(bits.iter_from(*taken)).for_each(|(wire, bit)| *wire = bit);
        *taken += wires.len();
        Ok(())
    }
}

/// Inputs for an interpreter that numbers its wires.
pub(crate) struct Anonymous;

impl Inputs<sotto_mpc::fancy::Fingerprint> for Anonymous {
    fn read_into(
        &mut self,
        f: &mut sotto_mpc::fancy::Fingerprint,
        party: usize,
        wires: &mut [u64],
    ) -> Result<(), sotto_mpc::fancy::TooManyGates> {
        wires.iter_mut().for_each(|wire| *wire = f.input(party));
        Ok(())
    }
}
