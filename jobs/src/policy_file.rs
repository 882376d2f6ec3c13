//! Reading an input party's `policy.toml`, and keeping its budget in a [`Storage`].
//!
//! ```toml
//! programs = ["64 hexadecimal digits"]        # circuits, as `sotto mpc check` prints them
//! schemas = ["64 hexadecimal digits"]         # as `sotto mpc check` prints that of the input party
//! purposes = ["To know the pay gap"]          # word for word
//! result_parties = ["0123-4567-89ab-cdef"]    # fingerprints
//! minimum_rows = 50
//! runs_a_month = 2
//! outputs_a_month = 8
//! ```
//!
//! The budget is two items: `budget`, the log, and `budget-head`, its last link, written after the log. A log
//! that ends before its head was cut. A log that is one entry longer than its head is valid: a crash came
//! between the two writes. An incomplete last line was being written when a crash came; the run had not
//! begun, so the line is dropped.

use std::io;

use serde::Deserialize;

use crate::budget::{Budget, BudgetError};
use crate::line_error::{LineError, line_of};
use crate::policy::{Policy, PolicyError};
use crate::storage::Storage;
use crate::text::Prose;
use crate::{Digest, Job, PartyId};
use sotto_party::Identity;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    programs: Vec<toml::Spanned<String>>,
    schemas: Vec<toml::Spanned<String>>,
    purposes: Vec<toml::Spanned<String>>,
    result_parties: Vec<String>,
    minimum_rows: u64,
    runs_a_month: u32,
    outputs_a_month: u32,
}

/// The policy of a file's text.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub fn parse(text: &str) -> Result<Policy, LineError> {
    let at = |span: &std::ops::Range<usize>, what: String| LineError { line: line_of(text, span), what };
    let file: File =
        toml::from_str(text).map_err(|e| at(&e.span().unwrap_or(0..0), e.message().to_owned()))?;
    let digest = |hash: &toml::Spanned<String>| {
        let what = "a program and a schema are 64 hexadecimal digits, as `sotto mpc check` prints them";
        Digest::from_hex(hash.get_ref()).ok_or_else(|| at(&hash.span(), what.to_owned()))
    };
    let purpose = |text: &toml::Spanned<String>| {
        Prose::new(text.get_ref()).map_err(|e| at(&text.span(), e.to_string()))
    };
    Ok(Policy {
        programs: file.programs.iter().map(digest).collect::<Result<_, _>>()?,
        schemas: file.schemas.iter().map(digest).collect::<Result<_, _>>()?,
        purposes: file.purposes.iter().map(purpose).collect::<Result<_, _>>()?,
        result_parties: file.result_parties,
        minimum_rows: file.minimum_rows,
        runs_a_month: file.runs_a_month,
        outputs_a_month: file.outputs_a_month,
    })
}

/// Why a run was not debited.
#[derive(Debug, thiserror::Error)]
pub enum DebitError {
    /// The policy leaves no room.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The log cannot be trusted.
    #[error(transparent)]
    Budget(#[from] BudgetError),
    /// The log cannot be read or written.
    #[error("the budget cannot be kept: {0}")]
    Storage(#[from] io::Error),
}

/// Debits a run of a job to a data set, durably, if it was not debited before.
///
/// # Errors
/// If the policy leaves no room, or the log was altered or cannot be kept.
pub fn debit(
    storage: &mut impl Storage,
    (policy, identity): (Option<&Policy>, &Identity),
    run: (&Job, PartyId, u32),
    data_set: Digest,
    now: u64,
) -> Result<(), DebitError> {
    let text = |bytes: Option<Vec<u8>>| String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
    let head = storage.get("budget-head")?.map(|head| String::from_utf8_lossy(&head).trim().to_owned());
    let known = match head {
        None => None,
        Some(head) => Some(Digest::from_hex(&head).ok_or(BudgetError::Cut)?),
    };
    let mut lines = text(storage.get("budget")?);
    lines.truncate(lines.rfind('\n').map_or(0, |end| end + 1));
    let budget = Budget::read(identity, &lines, known)?;
    if let Some((line, link)) = budget.debit(policy, run, data_set, now)? {
        storage.put("budget", format!("{lines}{line}").as_bytes())?;
        storage.put("budget-head", format!("{link}\n").as_bytes())?;
    }
    Ok(())
}
