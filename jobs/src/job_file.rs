//! Reading job files: TOML for people, turned into a [`Draft`] and its program. Every error names a line.
//!
//! ```toml
//! name = "Pay by group"                 [roles]                          [[party]]
//! purpose = "…"                         garbler = "north"                name = "north"
//! nonce = "64 hexadecimal digits"       evaluator = "south"              key = "north.pub"
//! expiry = 2027-01-31T00:00:00Z         [program]                        address = "north.example:7700"
//! deadline = 600                        builtin = "sum_by_group@1"       [[input]]
//! maximum_runs = 1                      parameters = { … }               party = "north"
//! adversary = "malicious"               [limits]                         [[output]]
//! leaks = ["…"]                         rows = 1000, …                   name = "groups", result_parties = ["…"]
//! ```
//!
//! `docs/JOBS.md` explains each entry. Schemas, hashes, gate counts and what the program reveals are computed
//! from the program, so a job that was read matches its program. Only `leaks` (default: none beyond the
//! program's), `columns` (the program's types), `rows`, `minimum` and `round` of an output (nothing is withheld), `missing` (an empty field is an error), `adversary`
//! (`semi-honest`), `computers` (in place of `[roles]`), `experimental`, `maximum_attempts` (2), `tree_depth` (4), `expansion` (none), a party's `evidence` (none: the file of a policy for it) and
//! `diverse` (not asked) may be left out. `adversary` was called `protocol`
//! before, and files that say so are read.
//! The caller reads the files that the job names.

mod columns;
mod computers;
mod disclosure;
mod evidence;
mod needed;
mod program;
mod sale;
mod selling;
mod suite;

pub use evidence::evidence_files;
pub use selling::offer_files;

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use crate::Job;
use crate::calendar::parse_time;
use crate::hash::Digest;
use crate::job::{
    Draft, Fault, Gates, Input, Limits, MAX_AND_GATES, Meeting, Output, Parameter, Part, Party, PartyId, Pin,
    RendezvousServer,
};
use crate::line_error::{LineError, line_of};
use crate::multiparty::Functionality;
use crate::program::{Computation, PinError};
use crate::text::{Name, Prose, Text};
use crate::verify_program::{leaks, results, schema};
use columns::ColumnEntries;
use computers::{ComputerEntries, Roles};
use disclosure::{DisclosureEntries, RowsEntry};
use needed::needed;
use program::ProgramEntry;
use sale::SaleEntry;
use sotto_mpc::circuit::language::Compile;
use sotto_party::PublicKey;
use suite::SuiteEntries;

/// Longest job file, in bytes.
pub const MAX_FILE: u64 = 1 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    purpose: Spanned<String>,
    nonce: Spanned<String>,
    expiry: Spanned<Datetime>,
    deadline: Spanned<u32>,
    maximum_runs: Spanned<u32>,
    #[serde(alias = "protocol")]
    adversary: Option<Spanned<String>>,
    maximum_attempts: Option<Spanned<u32>>,
    tree_depth: Option<Spanned<u32>>,
    expansion: Option<Spanned<u32>>,
    diverse: Option<Spanned<u8>>,
    #[serde(default)]
    leaks: Vec<Spanned<String>>,
    party: Vec<Spanned<PartyEntry>>,
    roles: Option<Spanned<Roles>>,
    computers: Option<Spanned<Vec<Spanned<String>>>>,
    experimental: Option<Spanned<bool>>,
    sale: Option<Spanned<SaleEntry>>,
    program: Spanned<ProgramEntry>,
    input: Vec<Spanned<InputEntry>>,
    output: Vec<Spanned<OutputEntry>>,
    limits: Spanned<LimitsEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartyEntry {
    name: String,
    key: String,
    address: Option<String>,
    rendezvous_server: Option<RendezvousServerEntry>,
    evidence: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RendezvousServerEntry {
    address: String,
    key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InputEntry {
    party: String,
    #[serde(default)]
    columns: ColumnEntries,
    #[serde(default)]
    missing: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputEntry {
    name: String,
    result_parties: Vec<String>,
    #[serde(default)]
    columns: ColumnEntries,
    rows: Option<RowsEntry>,
    #[serde(default)]
    minimum: BTreeMap<String, i64>,
    #[serde(default)]
    round: BTreeMap<String, toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsEntry {
    rows: u64,
    and_gates: u64,
    seconds: u32,
}

impl File {
    fn computers(&self) -> ComputerEntries<'_> {
        let (roles, computers) = (self.roles.as_ref(), self.computers.as_ref());
        ComputerEntries { roles, computers, experimental: self.experimental.as_ref() }
    }
}

/// Where the gates of a job's program are from.
#[derive(Clone, Copy, Debug)]
pub enum Counting<'a> {
    /// Count and hash the gates now. Use this to sign or compute.
    Now,
    /// This party counted them before it signed, and they were these; but they are counted now if the file
    /// has the party compute.
    ///
    /// # Security
    /// What is stated is believed only as far as the party signed it: it goes into the job's id, and an
    /// [`Agreement`](crate::Agreement) wants the party's own signature under that id, which it gave when it
    /// had counted. Another job file, another program or another version of this software (the pin names it)
    /// give another id. A false statement therefore ends in a refusal before anything is sent.
    ///
    /// And a party that does not compute loses nothing by it: an input party sends shares of bits that follow
    /// from the declaration, whatever the gates, to two compute parties that count for themselves and refuse
    /// each other; a result party cuts its outputs by the declaration. If both compute parties ran something
    /// else, the input party's own count would not hinder them either.
    Before {
        /// Who reads.
        party: &'a str,
        /// What it stated when it signed.
        gates: Gates,
    },
}

/// The job of a file's text and the program that it names. `compiler` compiles a source in the Garble language,
/// which a job may bring ([`NoCompiler`](sotto_mpc::circuit::language::NoCompiler) refuses it). `read` gives the
/// text of a file beside the job.
///
/// # Errors
/// Everything that is wrong with it, in the order of lines.
pub fn parse(
    text: &str,
    counting: Counting<'_>,
    compiler: &dyn Compile,
    mut read: impl FnMut(&str) -> std::io::Result<String>,
) -> Result<(Job, Computation), Vec<LineError>> {
    parse_with(text, counting, compiler, &mut read)
}

fn parse_with(
    text: &str,
    counting: Counting<'_>,
    compiler: &dyn Compile,
    read: &mut dyn FnMut(&str) -> std::io::Result<String>,
) -> Result<(Job, Computation), Vec<LineError>> {
    let file: File = toml::from_str(text).map_err(|e| {
        vec![LineError { line: e.span().map_or(1, |span| line_of(text, &span)), what: shown(e.message()) }]
    })?;
    let mut draft = Drafting { text, file: &file, counting, compiler, errors: Vec::new() };
    let drafted = draft.draft(read);
    let mut errors = draft.errors;
    if let (Some((draft, program)), true) = (drafted, errors.is_empty()) {
        match Job::new(draft) {
            Ok(job) => return Ok((job, program)),
            Err(faults) => errors.extend(faults.iter().map(|fault| place(text, &file, fault))),
        }
    }
    errors.sort_by_key(|complaint| complaint.line);
    Err(errors)
}

/// A job in the making; what is wrong is collected.
struct Drafting<'f> {
    text: &'f str,
    file: &'f File,
    counting: Counting<'f>,
    compiler: &'f dyn Compile,
    errors: Vec<LineError>,
}

impl Drafting<'_> {
    fn draft(
        &mut self,
        read: &mut dyn FnMut(&str) -> std::io::Result<String>,
    ) -> Option<(Draft, Computation)> {
        let file = self.file;
        let parties: Vec<Option<Party>> = file.party.iter().map(|party| self.party(party, read)).collect();
        let attestation = self.attestation(read);
        let program = self.program(read);
        let name = self.words(&file.name);
        let purpose = self.words(&file.purpose);
        let nonce = self.nonce();
        let expiry = self.expiry();
        // Signers see which sentences are the program's and which somebody's.
        let added = |leak: &Spanned<String>| format!("The author adds: {}", leak.get_ref());
        let leaks: Vec<Option<Prose>> =
            file.leaks.iter().map(|leak| self.text(&added(leak), &leak.span())).collect();
        let entries = SuiteEntries {
            adversary: file.adversary.as_ref(),
            maximum_attempts: file.maximum_attempts.as_ref(),
            tree_depth: file.tree_depth.as_ref(),
            expansion: file.expansion.as_ref(),
        };
        let suite = suite::read(entries).map_err(|(span, what)| self.report(&span, what)).ok();
        let names = file.computers().names().map_err(|(span, what)| self.report(&span, what));
        let computers: Vec<_> =
            names.iter().flatten().map(|name| self.find(name.get_ref(), &name.span())).collect();
        let (pin, program) = program?;
        let results = if pin.source.is_some() { results(&program).ok()? } else { Vec::new() };
        let inputs: Vec<_> =
            file.input.iter().enumerate().map(|(i, input)| self.input(i, input, &program)).collect();
        let outputs: Vec<_> = file.output.iter().map(|output| self.output(output)).collect();
        self.same_names(&program);
        let sale = self.sale(&parties, read);
        let mut all_leaks = self::leaks(&program).ok()?;
        all_leaks.extend(leaks.into_iter().collect::<Option<Vec<_>>>()?);
        let LimitsEntry { rows, and_gates, seconds } = *file.limits.get_ref();
        let mut computers = computers.into_iter().collect::<Option<Vec<_>>>()?.into_iter();
        let (garbler, evaluator) = (computers.next()?, computers.next()?);
        let draft = Draft {
            name: name?,
            purpose: purpose?,
            nonce: nonce?,
            parties: parties.into_iter().collect::<Option<_>>()?,
            garbler,
            evaluator,
            program: pin,
            inputs: inputs.into_iter().collect::<Option<_>>()?,
            outputs: outputs.into_iter().collect::<Option<_>>()?,
            leaks: all_leaks,
            suite: suite?,
            limits: Limits { rows, and_gates, seconds },
            deadline: *file.deadline.get_ref(),
            expiry: expiry?,
            runs: *file.maximum_runs.get_ref(),
            results,
            attestation: attestation?,
            further: computers.collect(),
            sale: sale?,
        };
        Some((draft, program))
    }

    fn report(&mut self, span: &Range<usize>, what: impl ToString) {
        self.errors.push(LineError { line: line_of(self.text, span), what: shown(&what.to_string()) });
    }

    fn words<const MAX: usize>(&mut self, text: &Spanned<String>) -> Option<Text<MAX>> {
        self.text(text.get_ref(), &text.span())
    }

    fn text<const MAX: usize>(&mut self, text: &str, span: &Range<usize>) -> Option<Text<MAX>> {
        Text::new(text).map_err(|e| self.report(span, e)).ok()
    }

    fn nonce(&mut self) -> Option<Digest> {
        let nonce = Digest::from_hex(self.file.nonce.get_ref()).filter(|nonce| nonce.0 != [0; 32]);
        if nonce.is_none() {
            let what = "the nonce must be 64 hexadecimal digits, drawn once for this job: run `openssl rand -hex 32`";
            self.report(&self.file.nonce.span(), what);
        }
        nonce
    }

    fn expiry(&mut self) -> Option<u64> {
        let time = self.file.expiry.get_ref().to_string();
        let is_utc = self.file.expiry.get_ref().offset == Some(toml::value::Offset::Z);
        let time = parse_time(&time).filter(|_| is_utc).and_then(|second| u64::try_from(second).ok());
        if time.is_none() {
            let what = "the expiry must be a time after 1970 in UTC, such as 2027-01-31T00:00:00Z";
            self.report(&self.file.expiry.span(), what);
        }
        time
    }

    fn find(&mut self, name: &str, span: &Range<usize>) -> Option<PartyId> {
        let at = self.file.party.iter().position(|party| party.get_ref().name == name);
        if at.is_none() {
            self.report(span, format!("there is no [[party]] named \"{name}\""));
        }
        at.and_then(|at| u16::try_from(at).ok()).map(PartyId)
    }

    fn party(
        &mut self,
        entry: &Spanned<PartyEntry>,
        read: &mut dyn FnMut(&str) -> std::io::Result<String>,
    ) -> Option<Party> {
        let (PartyEntry { name, key, address, rendezvous_server, .. }, span) =
            (entry.get_ref(), entry.span());
        let parsed = Name::new(name);
        if parsed.is_none() {
            self.report(&span, "a party's name is 1 to 32 of a-z, 0-9 and -");
        }
        let key = self.key(name, key, &span, read);
        let meeting = match (address, rendezvous_server) {
            (None, None) => None,
            (Some(address), None) => Some(Meeting::Address(self.text(address, &span)?)),
            (None, Some(RendezvousServerEntry { address, key })) => {
                let key = self.key(&format!("the rendezvous server of {name}"), key, &span, read);
                Some(Meeting::RendezvousServer(RendezvousServer {
                    address: self.text(address, &span)?,
                    key: key?,
                }))
            }
            (Some(_), Some(_)) => {
                self.report(
                    &span,
                    "a party is met at its `address` or at a `rendezvous_server`, not at both",
                );
                None
            }
        };
        Some(Party { name: parsed?, key: key?, meeting })
    }

    /// The key of a text, or of a file that it names.
    fn key(
        &mut self,
        whose: &str,
        key: &str,
        span: &Range<usize>,
        read: &mut dyn FnMut(&str) -> std::io::Result<String>,
    ) -> Option<PublicKey> {
        let text = if key.starts_with("sotto-party-1:") { Ok(key.to_owned()) } else { read(key) };
        let text = text.map_err(|e| format!("the key of {whose} cannot be read: {key}: {e}"));
        let key =
            text.and_then(|text| PublicKey::from_text(&text).map_err(|e| format!("the key of {whose}: {e}")));
        key.map_err(|what| self.report(span, what)).ok()
    }

    fn program(
        &mut self,
        read: &mut dyn FnMut(&str) -> std::io::Result<String>,
    ) -> Option<(Pin, Computation)> {
        let input_parties: Vec<&str> =
            self.file.input.iter().map(|input| input.get_ref().party.as_str()).collect();
        let program = self.file.program.get_ref().build(&input_parties, self.compiler, read);
        let program = program.map_err(|what| self.report(&self.file.program.span(), what));
        let (mut program, mut options) = program.ok()?;
        self.retype(&mut program);
        options.extend(self.disclose(&mut program));
        let (limits, computers) = (&self.file.limits, self.file.computers().names().unwrap_or_default());
        let computes = |party: &str| computers.iter().any(|name| name.get_ref() == party);
        let pin = match self.counting {
            Counting::Before { party, gates } if !computes(party) => program.pin_stated(options, gates),
            _ => program.pin(options, limits.get_ref().and_gates.min(MAX_AND_GATES)),
        };
        let what = |e: PinError| format!("{e}{}", needed(&program, &e));
        let pin = pin.map_err(what);
        Some((pin.map_err(|what| self.report(&limits.span(), what)).ok()?, program))
    }

    /// Gives columns of inputs and outputs the types that the job states.
    fn retype(&mut self, program: &mut Computation) {
        let file = self.file;
        let inputs = file.input.iter().map(Spanned::get_ref);
        let inputs: Vec<_> = inputs.map(|input| (input.party.as_str(), &input.columns)).collect();
        for (input, faults) in file.input.iter().zip(columns::retype_inputs(&inputs, program)) {
            faults.iter().for_each(|what| self.report(&input.span(), what));
        }
        for output in &file.output {
            let OutputEntry { name, columns, .. } = output.get_ref();
            let faults = columns::retype_output(name, columns, program);
            faults.iter().for_each(|what| self.report(&output.span(), what));
        }
    }

    /// Has the program withhold what the job says of its outputs; the parameters that say so.
    fn disclose(&mut self, program: &mut Computation) -> Vec<Parameter> {
        let mut all = Vec::new();
        for output in &self.file.output {
            let OutputEntry { name, rows, minimum, round, .. } = output.get_ref();
            let entries = DisclosureEntries { output: name, rows: rows.as_ref(), minimum, round };
            match entries.declare(program) {
                Ok(parameters) => all.extend(parameters),
                Err(what) => self.report(&output.span(), what),
            }
        }
        all
    }

    fn input(&mut self, i: usize, entry: &Spanned<InputEntry>, program: &Computation) -> Option<Input> {
        let (InputEntry { party, missing, .. }, span) = (entry.get_ref(), entry.span());
        let party = self.find(party, &span);
        let mut tables = schema(program, i).map_err(|e| self.report(&span, e)).ok()?;
        let faults = columns::fill_all(&mut tables, missing);
        faults.iter().for_each(|what| self.report(&span, what));
        Some(Input { party: party?, tables })
    }

    fn output(&mut self, entry: &Spanned<OutputEntry>) -> Option<Output> {
        let (OutputEntry { name, result_parties, .. }, span) = (entry.get_ref(), entry.span());
        let result_parties: Vec<_> = result_parties.iter().map(|name| self.find(name, &span)).collect();
        Some(Output {
            name: self.text(name, &span)?,
            result_parties: result_parties.into_iter().collect::<Option<_>>()?,
        })
    }

    /// As many inputs as input parties, and the program's outputs in its order.
    fn same_names(&mut self, program: &Computation) {
        let declaration = program.declaration();
        let span = self.file.program.span();
        let (takes, given) = (declaration.parties().len(), self.file.input.len());
        if takes != given {
            self.report(
                &span,
                format!(
                    "the program takes the inputs of {takes} input parties, and there are {given} [[input]]"
                ),
            );
        }
        let expected: Vec<&str> = declaration.outputs().iter().map(|table| table.name.as_str()).collect();
        if !self.file.output.iter().map(|o| o.get_ref().name.as_str()).eq(expected.iter().copied()) {
            let what = format!(
                "the program has the outputs {}: give each its [[output]], in this order",
                expected.join(", ")
            );
            self.report(&span, what);
        }
    }
}

/// Where a rule was broken.
fn place(text: &str, file: &File, (part, error): &Fault) -> LineError {
    let span = match part {
        Part::Party(i) => file.party.get(*i).map(Spanned::span),
        Part::Input(i) => file.input.get(*i).map(Spanned::span),
        Part::Column(i, _, _) => file.input.get(*i).map(Spanned::span),
        Part::Output(i) => file.output.get(*i).map(Spanned::span),
        Part::Field(field) => Some(match *field {
            "maximum_runs" => file.maximum_runs.span(),
            "diverse" => file.diverse.as_ref().map_or(0..0, Spanned::span),
            "deadline" => file.deadline.span(),
            "sale" => file.sale.as_ref().map_or(0..0, Spanned::span),
            "roles.garbler" | "roles.evaluator" | "computers" => file.computers().span(field),
            _ => file.limits.span(),
        }),
    };
    let what = match part {
        Part::Field(field) => format!("{field}: {error}"),
        Part::Column(_, table, column) => format!("table {}, column {}: {error}", table + 1, column + 1),
        _ => error.to_string(),
    };
    LineError { line: span.map_or(1, |span| line_of(text, &span)), what }
}

/// A message safe to print: it may quote an untrusted file, whose control characters could alter a terminal.
fn shown(what: &str) -> String {
    what.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
