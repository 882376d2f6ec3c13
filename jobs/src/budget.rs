//! A log of what an input party's data sets were used for: append-only, each entry bound to all before it.
//!
//! ```text
//! line    hex of (entry) ‖ space ‖ hex of its link [32]
//! entry   time u64 ‖ label [32]? ‖ rows [32] ‖ job [32] ‖ run u32 ‖ partners: (signing key [32] ‖ outputs u32)…
//! link i  H(input party's log key, link i−1, entry i)        link −1 is zero
//! ```
//!
//! A run is debited before the first byte that depends on the data leaves, so a run that fails has used its
//! part of the budget. The same run of the same job is debited once, since it can only yield the same
//! outputs; with other rows it is refused.
//!
//! Two uses count together if the rows are the same or the input party gave both the same label. Rows are the
//! same whatever their encoding: see [`RowsHasher`]. Both are named by hashes under the input party's own
//! key, so the log reveals nothing to others, and a budget holds across jobs.
//!
//! Altered, moved, inserted or removed lines are detected as long as the last link is known from elsewhere
//! (the edge keeps it in a second file). **Not detected**: both files replaced by older copies together.

use super::approval::RunInput;
use super::hash::{Digest, Purpose, hash};
use super::policy::{Policy, PolicyError, partners};
use crate::codec::{Codec, record};
use crate::text::Line;
use sotto_mpc::Bits;
use sotto_party::Identity;
use sotto_party::hex::{from_hex, to_hex};
use zeroize::Zeroizing;

/// The context of the key under which an input party names its data sets.
const DATA_SET_KEY: &str = "sotto mpc identity data set key v1";

/// Thirty days, in seconds.
const MONTH: u64 = 30 * 86_400;
/// Most bytes of a line: an entry with as many partners as a job can have.
const MAX_LINE: usize = 8192;

/// One run's use of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When, in seconds since 1970.
    pub time: u64,
    /// The data.
    pub data_set: DataSet,
    /// The job.
    pub job: Digest,
    /// Which run of it.
    pub run: u32,
    /// Who learned how much.
    pub partners: Vec<Spending>,
}

/// What one partner learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spending {
    /// Its Ed25519 key.
    pub key: [u8; 32],
    /// Output tables.
    pub outputs: u32,
}
record!(Entry { time, data_set, job, run, partners });
record!(Spending { key, outputs });

/// An input party's data, as its own log names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataSet {
    label: Option<Digest>,
    rows: Digest,
}
record!(DataSet { label, rows });

impl DataSet {
    /// The hash under which an offer names these rows: the offer's nonce hides them.
    #[must_use]
    pub fn offered(&self, nonce: &[u8; 32]) -> Digest {
        hash(Purpose::OfferedRows, &[nonce, &self.rows.0])
    }

    /// Whether uses of the two count together.
    fn counts_with(&self, other: &Self) -> bool {
        self.rows == other.rows || (self.label.is_some() && self.label == other.label)
    }
}

/// A number of a row: `value` in units of the last of its `decimals`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// The digits as a whole number.
    pub value: i128,
    /// Digits after the point.
    pub decimals: u8,
}

/// A field as its input party wrote it, whatever number a job makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// A number in digits, or a truth value.
    Number(Decimal),
    /// A name, a date or a time, by its hash.
    Text([u8; 16]),
}

impl Field {
    /// A field with a text that is not a number.
    #[must_use]
    pub fn text(text: &str) -> Self {
        let Digest(hash) = hash(Purpose::Text, &[text.as_bytes()]);
        Self::Text(hash.first_chunk().copied().unwrap_or_default())
    }
}

/// Hashes an input party's rows as they are read, so that the same rows have the same name in every job.
///
/// A row is the multiset of its fields, numbers without trailing zeros after the point, and a table is the
/// multiset of its rows. So neither the width, the decimals and the type of a column, nor its name and place, nor the
/// order of rows or of a category's names make another data set, nor does a program that adds up rows before they
/// enter. A field that is empty is one whatever the job counts it as.
///
/// # Security
/// Rows are added as 256-bit hashes under the input party's key (Clarke et al. 2003, MSet-Add-Hash). Data with
/// a row or column more or less are other rows: only a label holds them together.
pub struct RowsHasher {
    key: Zeroizing<[u8; 32]>,
    tables: Vec<Sum>,
}

/// A sum of hashes and the number of its terms.
#[derive(Clone, Copy, Default)]
struct Sum {
    low: u128,
    high: u128,
    rows: u64,
}

impl Sum {
    fn add(&mut self, Digest(hash): Digest) {
        let (low, high) = hash.split_at(16);
        let half = |bytes: &[u8]| bytes.try_into().map_or(0, u128::from_le_bytes);
        let (sum, carry) = self.low.overflowing_add(half(low));
        self.low = sum;
        self.high = self.high.wrapping_add(half(high)).wrapping_add(carry.into());
        self.rows = self.rows.saturating_add(1);
    }

    fn to_bytes(self) -> Vec<u8> {
        [&self.rows.to_le_bytes()[..], &self.low.to_le_bytes(), &self.high.to_le_bytes()].concat()
    }
}

impl RowsHasher {
    /// For the rows of this input party.
    #[must_use]
    pub fn new(identity: &Identity) -> Self {
        Self { key: identity.derive(DATA_SET_KEY), tables: Vec::new() }
    }

    /// Takes a row of a table; `None` is an empty field.
    pub fn row(&mut self, table: usize, fields: impl Iterator<Item = Option<Field>>) {
        let mut fields: Vec<[u8; 17]> = fields.map(canonical).collect();
        fields.sort_unstable();
        let row = hash(Purpose::Row, &[&*self.key, fields.as_flattened()]);
        if self.tables.len() <= table {
            self.tables.resize(table + 1, Sum::default());
        }
        if let Some(sum) = self.tables.get_mut(table) {
            sum.add(row);
        }
    }

    /// The name of the data, with the label that the input party gives them.
    #[must_use]
    pub fn finish(self, label: Option<&Line>) -> DataSet {
        let tables: Vec<u8> = self.tables.iter().flat_map(|sum| sum.to_bytes()).collect();
        DataSet {
            label: label.map(|label| hash(Purpose::Label, &[&*self.key, label.as_str().as_bytes()])),
            rows: hash(Purpose::Rows, &[&*self.key, &tables]),
        }
    }
}

/// A number without trailing zeros, a text, or that there is none. The last byte says which: the decimals, fe or ff.
fn canonical(field: Option<Field>) -> [u8; 17] {
    let (start, last) = match field {
        None => ([0xff; 16], 0xff),
        Some(Field::Text(hash)) => (hash, 0xfe),
        Some(Field::Number(Decimal { mut value, mut decimals })) => {
            while decimals > 0 && value % 10 == 0 {
                (value, decimals) = (value / 10, decimals - 1);
            }
            (value.to_le_bytes(), decimals)
        }
    };
    let mut bytes = [last; 17];
    bytes[..16].copy_from_slice(&start);
    bytes
}

/// Why a log cannot be used, or a run is not debited.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BudgetError {
    /// A line is not an entry, or does not follow from the lines before it.
    #[error("line {0} of the budget's log was altered, moved or removed")]
    Altered(usize),
    /// Lines are missing at the end.
    #[error("the end of the budget's log is missing")]
    Cut,
    /// The run was debited for other rows.
    #[error("run {0} of this job was used with other rows before; a run has one input, take the next run")]
    OtherRows(u32),
    /// The policy leaves no room.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// A use of data that is about to begin.
#[derive(Clone, Copy, Debug)]
pub struct DataUse<'a> {
    /// The run and whose data.
    pub input: RunInput<'a>,
    /// The data.
    pub data_set: DataSet,
    /// What the input party allows; without a policy, a use is only recorded.
    pub policy: Option<&'a Policy>,
}

/// The log of an input party, verified.
#[derive(Debug)]
pub struct Budget {
    key: Digest,
    entries: Vec<Entry>,
    links: Vec<Digest>,
}

impl Budget {
    /// The log of these lines, whose last link was at least `known`.
    ///
    /// # Errors
    /// If it is not what this identity wrote.
    pub fn read(identity: &Identity, lines: &str, known: Option<Digest>) -> Result<Self, BudgetError> {
        let key = hash(Purpose::Budget, &[&*identity.derive(DATA_SET_KEY)]);
        let mut budget = Self { key, entries: Vec::new(), links: Vec::new() };
        for (i, line) in lines.lines().enumerate() {
            budget.take(line).ok_or(BudgetError::Altered(i + 1))?;
        }
        let there = known.is_none_or(|known| budget.links.contains(&known));
        if there { Ok(budget) } else { Err(BudgetError::Cut) }
    }

    fn take(&mut self, line: &str) -> Option<()> {
        let (entry, link) = line.split_once(' ').filter(|_| line.len() <= MAX_LINE)?;
        let mut bytes = vec![0; entry.len() / 2];
        from_hex(entry, &mut bytes)?;
        let expected = self.link(&bytes);
        self.entries.push(
            Entry::from_prefixed("", &bytes).ok().filter(|_| Digest::from_hex(link) == Some(expected))?,
        );
        self.links.push(expected);
        Some(())
    }

    fn link(&self, entry: &[u8]) -> Digest {
        let last = self.links.last().map_or([0; 32], |link| link.0);
        hash(Purpose::Budget, &[&self.key.0, &last, entry])
    }

    /// The line to append, and the link it ends in, for a use that the policy allows; `None` if it was
    /// debited before.
    ///
    /// # Errors
    /// If a partner's runs or outputs of the last thirty days leave no room, or the run was used with other
    /// rows.
    pub fn debit(&self, wanted: &DataUse<'_>, now: u64) -> Result<Option<(String, Digest)>, BudgetError> {
        let RunInput { run, party: input_party } = wanted.input;
        let (job, number) = (run.job(), run.number());
        let same = |entry: &&Entry| (entry.job, entry.run) == (job.id(), number);
        if let Some(before) = self.entries.iter().find(same) {
            let is_same = before.data_set.rows == wanted.data_set.rows;
            return if is_same { Ok(None) } else { Err(BudgetError::OtherRows(number)) };
        }
        let spending = |id| Spending {
            key: job.party(id).key.signing_bytes(),
            outputs: job.outputs_of(id).len() as u32,
        };
        let partners: Vec<_> = partners(job, input_party).into_iter().map(|id| (id, spending(id))).collect();
        // A clock that was put back does not give anything back.
        let time = self.entries.iter().map(|entry| entry.time).fold(now, u64::max);
        if let Some(policy) = wanted.policy {
            for (id, spending) in &partners {
                let spent = self.spent(spending.key, &wanted.data_set, time);
                check(policy, job.party(*id).name.as_str(), &spent, spending)?;
            }
        }
        let partners = partners.into_iter().map(|(_, spending)| spending).collect();
        let entry = Entry { time, data_set: wanted.data_set, job: job.id(), run: number, partners };
        let entry = entry.to_prefixed("");
        let link = self.link(&entry);
        Ok(Some((format!("{} {link}\n", to_hex(&entry)), link)))
    }

    /// What a partner learned of a data set in the last thirty days.
    fn spent(&self, partner: [u8; 32], data_set: &DataSet, now: u64) -> Spent {
        let recent = |entry: &&Entry| entry.data_set.counts_with(data_set) && now - entry.time < MONTH;
        let theirs = self.entries.iter().filter(recent).flat_map(|entry| &entry.partners);
        theirs.filter(|s| s.key == partner).fold(Spent { runs: 0, outputs: 0 }, |spent, s| Spent {
            runs: spent.runs.saturating_add(1),
            outputs: spent.outputs.saturating_add(s.outputs),
        })
    }
}

/// A partner's part of the month.
struct Spent {
    runs: u32,
    outputs: u32,
}

fn check(policy: &Policy, name: &str, spent: &Spent, wanted: &Spending) -> Result<(), PolicyError> {
    for (what, most, spent, more) in [
        ("runs", policy.runs_a_month, spent.runs, 1),
        ("outputs", policy.outputs_a_month, spent.outputs, wanted.outputs),
    ] {
        if spent.saturating_add(more) > most {
            return Err(PolicyError::Spent { name: name.to_owned(), what, most, spent });
        }
    }
    Ok(())
}

/// The name of an input party's bits in its own files: whether a run is taken up with the same input. Others
/// cannot compute it.
pub(crate) fn bits_digest(identity: &Identity, bits: &Bits) -> Digest {
    let count = (bits.len() as u64).to_le_bytes();
    hash(Purpose::InputBits, &[&*identity.derive(DATA_SET_KEY), &count, bits.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    fn name(rows: &[&[Option<(i128, u8)>]], label: Option<&str>) -> DataSet {
        let mut hasher = RowsHasher::new(&Identity::random(&mut ChaCha20Rng::seed_from_u64(1)));
        for row in rows {
            let cell = |cell: &Option<(i128, u8)>| {
                cell.map(|(value, decimals)| Field::Number(Decimal { value, decimals }))
            };
            hasher.row(0, row.iter().map(cell));
        }
        hasher.finish(label.map(|label| Line::new(label).unwrap()).as_ref())
    }

    #[test]
    fn the_same_rows_have_one_name_whatever_their_encoding() {
        let rows = name(&[&[Some((5, 0)), Some((12, 1))], &[None, Some((0, 0))]], None);
        for same in [
            name(&[&[Some((500, 2)), Some((1200, 3))], &[None, Some((0, 2))]], None), // other decimals
            name(&[&[Some((12, 1)), Some((5, 0))], &[Some((0, 0)), None]], None),     // other columns
            name(&[&[None, Some((0, 0))], &[Some((5, 0)), Some((12, 1))]], None),     // other order
        ] {
            assert_eq!(same, rows);
        }
        for other in [
            name(&[&[Some((5, 0)), Some((12, 1))]], None),
            name(&[&[Some((5, 0)), Some((12, 1))], &[None, Some((0, 0))], &[]], None),
            name(&[&[Some((5, 0)), Some((0, 0))], &[None, Some((12, 1))]], None),
            name(&[&[Some((5, 0)), Some((12, 0))], &[None, Some((0, 0))]], None),
            name(&[&[Some((5, 0)), Some((12, 1))], &[Some((-1, 0)), Some((0, 0))]], None),
        ] {
            assert!(!other.counts_with(&rows), "{other:?}");
        }
        // The same label holds other rows to one budget, and other labels do not part the same rows.
        let [a, b] = ["people", "more people"].map(Some);
        assert!(name(&[&[Some((1, 0))]], a).counts_with(&name(&[&[Some((2, 0))]], a)));
        assert!(!name(&[&[Some((1, 0))]], a).counts_with(&name(&[&[Some((2, 0))]], b)));
        assert!(name(&[&[Some((1, 0))]], a).counts_with(&name(&[&[Some((1, 0))]], b)));
    }
}
