//! A log of what an input party's data sets were used for: append-only, each entry bound to all before it.
//!
//! ```text
//! line    hex of (entry) ‖ space ‖ hex of its link [32]
//! entry   time u64 ‖ data set [32] ‖ job [32] ‖ run u32 ‖ partners: (signing key [32] ‖ outputs u32)…
//! link i  H(input party's log key, link i−1, entry i)        link −1 is zero
//! ```
//!
//! A run is debited before the first byte that depends on the data leaves, so a run that fails has used its
//! part of the budget. The same run of the same job is debited once, since it can only yield the same
//! outputs. A data set is named by a hash under the input party's own key, so the log reveals nothing to
//! others, and the budget of a data set holds across jobs.
//!
//! Altered, moved, inserted or removed lines are detected as long as the last link is known from elsewhere
//! (the edge keeps it in a second file). **Not detected**: both files replaced by older copies together.

use super::hash::{Digest, Purpose, hash};
use super::job::{Job, PartyId};
use super::policy::{Policy, PolicyError, partners};
use crate::codec::{Codec, record};
use sotto_mpc::Bits;
use sotto_party::Identity;
use sotto_party::hex::{from_hex, to_hex};

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
    pub data_set: Digest,
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

/// Why a log cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BudgetError {
    /// A line is not an entry, or does not follow from the lines before it.
    #[error("line {0} of the budget's log was altered, moved or removed")]
    Altered(usize),
    /// Lines are missing at the end.
    #[error("the end of the budget's log is missing")]
    Cut,
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

    /// The line to append, and the link it ends in, for a run that the policy allows; `None` if it was
    /// debited before.
    ///
    /// # Errors
    /// If a partner's runs or outputs of the last thirty days leave no room.
    pub fn debit(
        &self,
        policy: Option<&Policy>,
        (job, input_party, run): (&Job, PartyId, u32),
        data_set: Digest,
        now: u64,
    ) -> Result<Option<(String, Digest)>, PolicyError> {
        let same = |entry: &&Entry| (entry.data_set, entry.job, entry.run) == (data_set, job.id(), run);
        if self.entries.iter().any(|entry| same(&entry)) {
            return Ok(None);
        }
        let spending = |id| Spending {
            key: job.party(id).key.signing_bytes(),
            outputs: job.outputs_of(id).len() as u32,
        };
        let partners: Vec<_> = partners(job, input_party).into_iter().map(|id| (id, spending(id))).collect();
        // A clock that was put back does not give anything back.
        let time = self.entries.iter().map(|entry| entry.time).fold(now, u64::max);
        if let Some(policy) = policy {
            for (id, spending) in &partners {
                self.check(policy, job.party(*id).name.as_str(), spending, data_set, time)?;
            }
        }
        let partners = partners.into_iter().map(|(_, spending)| spending).collect();
        let entry = Entry { time, data_set, job: job.id(), run, partners }.to_prefixed("");
        let link = self.link(&entry);
        Ok(Some((format!("{} {link}\n", to_hex(&entry)), link)))
    }

    fn check(
        &self,
        policy: &Policy,
        name: &str,
        wanted: &Spending,
        data_set: Digest,
        now: u64,
    ) -> Result<(), PolicyError> {
        let recent = self.entries.iter().filter(|e| e.data_set == data_set && now - e.time < MONTH);
        let theirs = recent.flat_map(|e| &e.partners).filter(|s| s.key == wanted.key);
        let (runs, outputs) =
            theirs.fold((0u32, 0u32), |(runs, outputs), s| (runs + 1, outputs.saturating_add(s.outputs)));
        for (what, most, spent, more) in [
            ("runs", policy.runs_a_month, runs, 1),
            ("outputs", policy.outputs_a_month, outputs, wanted.outputs),
        ] {
            if spent.saturating_add(more) > most {
                return Err(PolicyError::Spent { name: name.to_owned(), what, most, spent });
            }
        }
        Ok(())
    }
}

/// The name of a data set in the input party's own log. Others cannot compute it.
#[must_use]
pub fn data_set(identity: &Identity, bits: &Bits) -> Digest {
    let count = (bits.len() as u64).to_le_bytes();
    hash(Purpose::DataSet, &[&*identity.derive(DATA_SET_KEY), &count, bits.as_bytes()])
}
