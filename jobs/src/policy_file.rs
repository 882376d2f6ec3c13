//! Reading an input party's `policy.toml`, and keeping its budget in a [`Storage`].
//!
//! ```toml
//! programs = ["64 hexadecimal digits"]        # circuits, as `sotto mpc check` prints them
//! schemas = ["64 hexadecimal digits"]         # as `sotto mpc check` prints that of the input party
//! purposes = ["To know the pay gap"]          # word for word
//! result_parties = ["64 hexadecimal digits"]  # keys, as `sotto mpc check` prints them
//! minimum_rows = 50
//! runs_a_month = 2
//! outputs_a_month = 8
//! data_set = "patients"                       # optional: all data of one label share a budget
//! adversary = "malicious"                     # optional: what a job must withstand at least
//! evidence = ["64 hexadecimal digits"]        # optional: policies of evidence, one of which each compute party must meet
//! diverse = 2                                 # optional: vendors of the compute parties' platforms, at least
//! computers = 3                               # optional: compute parties, at least
//! minimum_group = 10                          # optional: rows behind each figure that a job shows, at least
//! rounding = 5                                # optional: the step to which all numbers of a result are rounded, at least
//! sales = "paid"                              # optional: outputs may be sold if this party is paid; "required": they must be
//! experimental = true                         # optional: without it, no protocol that is not proven
//! ```
//!
//! A party that signs a job under a policy is [bound](bind) to have one when it runs the job: `policy-JOB` keeps
//! the policy's hash, and without a policy nothing is debited, so nothing is sent.
//!
//! The budget is two items: `budget`, the log, and `budget-head`, its last link, written after the log. A log
//! that ends before its head was cut. A log that is one entry longer than its head is valid: a crash came
//! between the two writes. An incomplete last line was being written when a crash came; the run had not
//! begun, so the line is dropped.

use std::io;

use serde::Deserialize;

use crate::budget::{Budget, BudgetError, DataUse};
use crate::job::{Adversary, MAX_COMPUTE_PARTIES, MAX_DIVERSE};
use crate::line_error::{LineError, line_of};
use crate::policy::{Experiments, Policy, PolicyError, Sales};
use crate::storage::Storage;
use crate::text::{Line, Prose};
use crate::{Digest, Job};
use sotto_party::Identity;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    programs: Vec<toml::Spanned<String>>,
    schemas: Vec<toml::Spanned<String>>,
    purposes: Vec<toml::Spanned<String>>,
    result_parties: Vec<toml::Spanned<String>>,
    minimum_rows: u64,
    runs_a_month: u32,
    outputs_a_month: u32,
    data_set: Option<toml::Spanned<String>>,
    adversary: Option<toml::Spanned<String>>,
    #[serde(default)]
    evidence: Vec<toml::Spanned<String>>,
    diverse: Option<toml::Spanned<u8>>,
    computers: Option<toml::Spanned<u8>>,
    #[serde(default)]
    experimental: bool,
    #[serde(default)]
    minimum_group: u64,
    #[serde(default)]
    rounding: u64,
    sales: Option<toml::Spanned<String>>,
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
        let what = "programs, schemas, keys and policies are 64 hexadecimal digits, as `sotto mpc check` prints them";
        Digest::from_hex(hash.get_ref()).ok_or_else(|| at(&hash.span(), what.to_owned()))
    };
    let purpose = |text: &toml::Spanned<String>| {
        Prose::new(text.get_ref()).map_err(|e| at(&text.span(), e.to_string()))
    };
    let label =
        |text: &toml::Spanned<String>| Line::new(text.get_ref()).map_err(|e| at(&text.span(), e.to_string()));
    let adversary = |word: &toml::Spanned<String>| {
        let what = "the adversary is \"semi-honest\" or \"malicious\"".to_owned();
        Adversary::from_text(word.get_ref()).ok_or_else(|| at(&word.span(), what))
    };
    let sales = |word: &toml::Spanned<String>| match word.get_ref().as_str() {
        "refused" => Ok(Sales::Refused),
        "paid" => Ok(Sales::Paid),
        "required" => Ok(Sales::Required),
        _ => Err(at(&word.span(), "`sales` is \"refused\", \"paid\" or \"required\"".to_owned())),
    };
    let diverse = |vendors: &toml::Spanned<u8>| {
        let what = format!("`diverse` is 1 to {MAX_DIVERSE}");
        let is_possible = (1..=MAX_DIVERSE).contains(vendors.get_ref());
        if is_possible { Ok(*vendors.get_ref()) } else { Err(at(&vendors.span(), what)) }
    };
    let computers = |least: &toml::Spanned<u8>| {
        let what = format!("`computers` is 2, or, with `experimental = true`, 3 to {MAX_COMPUTE_PARTIES}");
        let most = if file.experimental { MAX_COMPUTE_PARTIES } else { 2 };
        let is_possible = (2..=most).contains(&usize::from(*least.get_ref()));
        if is_possible { Ok(*least.get_ref()) } else { Err(at(&least.span(), what)) }
    };
    Ok(Policy {
        programs: file.programs.iter().map(digest).collect::<Result<_, _>>()?,
        schemas: file.schemas.iter().map(digest).collect::<Result<_, _>>()?,
        purposes: file.purposes.iter().map(purpose).collect::<Result<_, _>>()?,
        result_parties: file.result_parties.iter().map(digest).collect::<Result<_, _>>()?,
        minimum_rows: file.minimum_rows,
        runs_a_month: file.runs_a_month,
        outputs_a_month: file.outputs_a_month,
        data_set: file.data_set.as_ref().map(label).transpose()?,
        adversary: file.adversary.as_ref().map_or(Ok(Adversary::SemiHonest), adversary)?,
        evidence: file.evidence.iter().map(digest).collect::<Result<_, _>>()?,
        diverse: file.diverse.as_ref().map_or(Ok(0), diverse)?,
        computers: file.computers.as_ref().map_or(Ok(2), computers)?,
        experiments: if file.experimental { Experiments::Allowed } else { Experiments::Refused },
        minimum_group: file.minimum_group,
        rounding: file.rounding,
        sales: file.sales.as_ref().map_or(Ok(Sales::Refused), sales)?,
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
    Budget(BudgetError),
    /// The job was signed under a policy, and none is given.
    #[error("this party signed the job under a policy, and no policy is given now")]
    NoPolicy,
    /// The log cannot be read or written.
    #[error("the budget cannot be kept: {0}")]
    Storage(#[from] io::Error),
}

impl From<BudgetError> for DebitError {
    fn from(error: BudgetError) -> Self {
        match error {
            BudgetError::Policy(error) => Self::Policy(error),
            error => Self::Budget(error),
        }
    }
}

/// Whether the policy of a party is the one under which it signed a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// It signed without a policy, or elsewhere.
    Unbound,
    /// It is.
    Same,
    /// The policy is another one now.
    Changed,
}

/// Remembers, durably, that a job is signed under this policy.
///
/// # Errors
/// If it cannot be kept.
pub fn bind(storage: &mut impl Storage, job: &Job, policy: &Policy) -> io::Result<()> {
    storage.put(&binding_of(job), format!("{}\n", policy.digest()).as_bytes())
}

/// Compares a policy with the one under which this party signed a job.
///
/// # Errors
/// If it signed under one, and none is given.
pub fn check_binding(
    storage: &impl Storage,
    job: &Job,
    policy: Option<&Policy>,
) -> Result<Binding, DebitError> {
    match (storage.get(&binding_of(job))?, policy) {
        (None, _) => Ok(Binding::Unbound),
        (Some(_), None) => Err(DebitError::NoPolicy),
        (Some(signed), Some(policy)) => {
            let is_same = signed == format!("{}\n", policy.digest()).as_bytes();
            Ok(if is_same { Binding::Same } else { Binding::Changed })
        }
    }
}

fn binding_of(job: &Job) -> String {
    format!("policy-{}", job.id())
}

/// Debits a use of data, durably, if it was not debited before.
///
/// # Errors
/// If the policy leaves no room or is missing, or the log was altered or cannot be kept.
pub fn debit(
    storage: &mut impl Storage,
    identity: &Identity,
    wanted: &DataUse<'_>,
    now: u64,
) -> Result<(), DebitError> {
    check_binding(storage, wanted.input.run.job(), wanted.policy)?;
    let text = |bytes: Option<Vec<u8>>| String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
    let head = storage.get("budget-head")?.map(|head| String::from_utf8_lossy(&head).trim().to_owned());
    let known = match head {
        None => None,
        Some(head) => Some(Digest::from_hex(&head).ok_or(BudgetError::Cut)?),
    };
    let mut lines = text(storage.get("budget")?);
    lines.truncate(lines.rfind('\n').map_or(0, |end| end + 1));
    let budget = Budget::read(identity, &lines, known)?;
    if let Some((line, link)) = budget.debit(wanted, now)? {
        storage.put("budget", format!("{lines}{line}").as_bytes())?;
        storage.put("budget-head", format!("{link}\n").as_bytes())?;
    }
    Ok(())
}
