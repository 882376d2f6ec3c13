//! `sotto mpc run`: runs the part of one party in a job.

mod screen;

use self::screen::Screen;
use super::{
    evidence::{Files, Prover, with_means},
    job::{
        check_policy, check_signed_policy, find, home, load_agreement, load_signed, open_home,
        policy_failure, read_identity, read_policy, read_rendezvous, run_failure,
    },
    results::{Printed, Results, Shown},
    session::peak_memory,
};
use crate::{
    Context, args,
    bridge::now,
    exit::{Code, ErrorCode, Failure, Outcome},
    output::merge,
    parquet_file,
};
use rand_core::OsRng;
use serde_json::{Value, json};
use sotto_jobs::approval::Run;
use sotto_jobs::budget::{DataSet, DataUse, RowsHasher};
use sotto_jobs::edge::folder::Folder;
use sotto_jobs::edge::run::{RunError, Setup, Stage, Trade, take_part};
use sotto_jobs::job::Table;
use sotto_jobs::multiparty::Functionality;
use sotto_jobs::output_share::OutputsByPlace;
use sotto_jobs::policy::Policy;
use sotto_jobs::policy_file::{DebitError, debit};
use sotto_jobs::program::Computation;
use sotto_jobs::result::Verdict;
use sotto_jobs::rows::{self, Format, Schema};
use sotto_jobs::text::Name;
use sotto_jobs::text_key::TextKey;
use sotto_jobs::{Agreement, Job, PartyId};
use sotto_mpc::Bits;
use sotto_party::Identity;
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Mutex,
    time::Instant,
};

pub(crate) fn run(context: &Context, a: &args::MpcRun) -> Outcome {
    let part = Part::load(context, &a.part)?;
    let (job, us) = (part.agreement.job(), part.us);
    let name = &job.party(us).name;
    match job.sale.as_ref().filter(|sale| sale.has_part(us)) {
        None => part.carry_out(context, a, None),
        Some(sale) if sale.buyer == us => {
            Err(Failure::refused(format!("{name} buys the result of this job")).help(format!(
                "`sotto mpc buy {} --as {name} --key FILE --wallet NAME` pays for it",
                a.part.job.display()
            )))
        }
        Some(_) => Err(Failure::refused(format!("{name} is paid for its part in this job"))
            .help("pass --wallet NAME: the wallet of the address in your offer; nothing was sent")),
    }
}

/// A party's part in a job that all have signed.
pub(crate) struct Part {
    pub(crate) agreement: Agreement,
    pub(crate) program: Computation,
    pub(crate) identity: Identity,
    pub(crate) us: PartyId,
    pub(crate) home: PathBuf,
    policy: Option<Policy>,
}

/// What a payee or the buyer of a sale does beside the run.
#[derive(Clone, Copy)]
pub(crate) struct WithMoney<'a> {
    pub(crate) trade: &'a (dyn Trade + Sync),
    /// The outputs that were paid for, once the sale is settled; `None` for a payee, which buys nothing.
    pub(crate) opened: Option<&'a dyn Fn() -> OutputsByPlace>,
    /// What came of the sale, for the record of the run.
    pub(crate) record: &'a dyn Fn() -> Value,
}

impl Part {
    /// Reads and checks everything but the rows.
    pub(crate) fn load(context: &Context, a: &args::PartArgs) -> Outcome<Self> {
        let (job, program) = load_signed(&a.job, &a.name)?;
        let identity = read_identity(&a.key)?;
        let home = home(context, &identity);
        let policy = read_policy(a.policy.as_ref(), &home)?;
        let us = find(&job, &a.name, &identity)?;
        check_policy(policy.as_ref(), &job, us)?;
        check_signed_policy(context, &home, &job, policy.as_ref())?;
        let agreement = load_agreement(&a.job, job)?;
        Ok(Self { agreement, program, identity, us, home, policy })
    }

    /// The folder of a run, which survives a crash.
    pub(crate) fn folder(&self, run: u32) -> PathBuf {
        self.home.join(format!("{}-{run}", self.agreement.job().id()))
    }

    /// Takes part in the run, to its end.
    pub(crate) fn carry_out(
        &self,
        context: &Context,
        a: &args::MpcRun,
        money: Option<WithMoney<'_>>,
    ) -> Outcome {
        let started = Instant::now();
        let Self { agreement, program, identity, us, home, policy } = self;
        let brought = &a.part;
        let (job, us, policy) = (agreement.job(), *us, policy.as_ref());
        let server = brought.rendezvous.as_deref().map(read_rendezvous).transpose()?;
        let mine = Mine { job, us, program, form: brought.form };
        let by = By { identity, texts: &TextKey::of(agreement), policy };
        let printed = Printed::of(context, a, job, us)?;
        let given = mine.read(&brought.input, by)?;
        let evidence = Files::read(context, (&brought.job, job), home, &brought.collateral)?;
        let number = agreement.run(a.run);
        let number = number.map_err(|e| Failure::refused(e.to_string()).help("agree on a new job"))?;
        let mut folder = open(&self.folder(a.run))?;
        let budget = Budget { home, policy, identity };
        let data_set = given.as_ref().map(|input| input.data_set);
        let charge = || budget.charge(number, us, data_set);
        let beside = brought.job.with_extension("results").join(format!("{}-{}", brought.name, a.run));
        let folder_of_results = brought.out.as_deref().filter(|_| printed.is_none()).unwrap_or(&beside);
        let results = Results {
            job,
            us,
            program,
            folder: folder_of_results,
            kinds: &brought.results,
            printed: printed.as_ref(),
        };
        let (screen, saved) = (Screen::new(context, job), Mutex::new(None));
        let observe = |stage| match stage {
            // The buyer has nothing to read yet.
            Stage::Finished(_) if job.sale.as_ref().is_some_and(|sale| sale.buyer == us) => {}
            Stage::Finished(outcome) => {
                drop(saved.lock().map(|mut saved| *saved = Some(results.save(&outcome, &[]))));
            }
            stage => screen.show(stage),
        };
        let ran =
            with_means(evidence.as_ref(), job, Prover::new(identity, a.software.as_deref())?, |means| {
                let setup = Setup {
                    run: number,
                    program,
                    us,
                    identity,
                    input: given.as_ref().map(|input| &input.bits),
                    listen: a.listen.as_deref(),
                    rendezvous_server: server.as_ref(),
                    debit: &charge,
                    trade: money.map(|money| money.trade),
                    observe: &observe,
                    means,
                };
                take_part(&setup, &mut folder, &mut OsRng)
            })?;
        let saved = saved.into_inner().ok().flatten();
        let ran = Ran { ended: ended(ran, &job.party(us).name)?, saved, started };
        conclude(context, &results, ran, money)
    }
}

/// A run that is over: what came of it, and what was saved of that.
struct Ran {
    ended: (Option<sotto_jobs::edge::run::Outcome>, Option<Failure>),
    saved: Option<Outcome<Shown>>,
    started: Instant,
}

/// Saves what is not saved yet, and says what there is.
fn conclude(context: &Context, results: &Results<'_>, ran: Ran, money: Option<WithMoney<'_>>) -> Outcome {
    let Ran { ended: (outcome, left), saved, started } = ran;
    let sale = money.map_or_else(|| json!({}), |money| json!({ "sale": (money.record)() }));
    let spent = json!({ "seconds": started.elapsed().as_secs_f64(), "peak_memory_bytes": peak_memory() });
    let spent = merge(json!({ "spent": spent }), sale);
    let opened = money.and_then(|money| money.opened).map_or_else(Vec::new, |opened| opened());
    // Saved as soon as it was there, or now if it had been computed before, or was paid for.
    let saved = saved.or_else(|| outcome.map(|outcome| results.save(&outcome, &opened))).transpose()?;
    saved.as_ref().map_or(Ok(()), |shown| show(context, shown, spent))?;
    left.map_or_else(|| report(context, saved.and_then(|shown| shown.verdict)), Err)
}

/// What came of a run, and what is left for others to do.
fn ended<T>(ran: Result<T, RunError>, name: &Name) -> Outcome<(Option<T>, Option<Failure>)> {
    match ran {
        Ok(outcome) => Ok((Some(outcome), None)),
        // Our own result is there.
        Err(e @ RunError::NotCollected(_)) => {
            Ok((None, Some(run_failure(&e, &format!("{name} waited for others until the deadline")))))
        }
        Err(e) => Err(run_failure(&e, &format!("{name} did not finish the run"))),
    }
}

/// Prints one result, or says where the results are.
fn show(context: &Context, shown: &Shown, spent: Value) -> Outcome {
    match shown {
        Shown { printed: Some(bytes), .. } => context.output.bytes(bytes),
        Shown { record, human, .. } => {
            context.output.record("mpc-result", merge(record.clone(), spent), human)
        }
    }
}

/// Says on standard error what a result lacks; fails if there is none.
pub(crate) fn report(context: &Context, verdict: Option<Verdict>) -> Outcome {
    let failed = |why: &str, help: &str| {
        Err(Failure::coded(ErrorCode::NoResult, "the run is finished and has no result").why(why).help(help))
    };
    match verdict {
        Some(Verdict::Panicked) => failed(
            "the program ended in a panic: a number overflowed, a divisor was zero or an index was out of bounds",
            "correct the program or the rows, and agree on a new job or take the next run",
        ),
        Some(Verdict::InputsDoNotHold) => failed(
            "the inputs of a party break what the program requires; inputs_hold has a 0 for that party",
            "that party corrects its rows; then take the next run",
        ),
        Some(Verdict::Suppressed) => failed(
            "too few rows stand behind every number, so all of them are suppressed",
            "agree on a job with more rows or a smaller minimum",
        ),
        Some(Verdict::PartlySuppressed) => {
            context.ui.warn("Some rows of the result are suppressed: their cells are empty.");
            Ok(())
        }
        Some(Verdict::Unknown) => {
            context.ui.warn("You do not learn whether all inputs hold and the program ended well: zeros may be no result.");
            Ok(())
        }
        Some(Verdict::Complete) | None => Ok(()),
    }
}

/// The input of an input party.
struct Input {
    bits: Bits,
    data_set: DataSet,
    rows: u64,
}

/// Rows that an owner offers.
pub(crate) struct Offered {
    pub(crate) data_set: DataSet,
    pub(crate) rows: u64,
}

/// Who reads rows to enter them.
#[derive(Clone, Copy)]
struct By<'a> {
    identity: &'a Identity,
    texts: &'a TextKey,
    policy: Option<&'a Policy>,
}

/// What a party brings to a job.
#[derive(Clone, Copy)]
pub(crate) struct Mine<'a> {
    pub(crate) job: &'a Job,
    pub(crate) us: PartyId,
    pub(crate) program: &'a Computation,
    /// How its rows are written, if their names do not say it.
    pub(crate) form: args::RowsForm,
}

impl Mine<'_> {
    fn name(&self) -> &str {
        self.job.party(self.us).name.as_str()
    }

    /// The place among the inputs, if the files are as many as the party has tables; `None` if it brings none.
    fn owner(&self, files: &[PathBuf]) -> Outcome<Option<usize>> {
        let Some(owner) = self.job.input_of(self.us) else {
            return match files {
                [] => Ok(None),
                _ => Err(Failure::new(
                    Code::Usage,
                    format!("{} is not an input party of this job", self.name()),
                )
                .help("omit --input")),
            };
        };
        let tables: Vec<_> = self.tables(owner).iter().map(|table| table.name.as_str()).collect();
        if tables.len() == files.len() {
            return Ok(Some(owner));
        }
        let what = format!("{} is an input party with {} tables", self.name(), tables.len());
        Err(Failure::new(Code::Usage, what)
            .help(format!("pass --input FILE for each of them, in this order: {}", tables.join(", "))))
    }

    fn tables(&self, owner: usize) -> &[Table] {
        self.job.inputs.get(owner).map_or(&[][..], |input| &input.tables)
    }

    /// Reads the rows of an input party, which must be enough for its policy; `None` for other parties.
    fn read(&self, files: &[PathBuf], by: By<'_>) -> Outcome<Option<Input>> {
        let Some(owner) = self.owner(files)? else { return Ok(None) };
        let bad = |e: &dyn std::fmt::Display| invalid_rows(files, e);
        let opened = files.iter().map(|path| open_rows(path, self.form)).collect::<io::Result<Vec<_>>>();
        let (mut local, mut hasher) = (self.program.local(owner), RowsHasher::new(by.identity));
        let schema = Schema { tables: self.tables(owner), texts: by.texts };
        let rows = rows::read_hashed(schema, opened.map_err(|e| bad(&e))?, &mut hasher, &mut *local);
        let rows = rows.map_err(|e| bad(&e))?;
        let bits = local.enter(self.program.declaration().party(owner)).map_err(|e| bad(&e))?;
        if let Some(policy) = by.policy {
            policy.check_rows(self.job, self.us, &rows).map_err(|e| policy_failure(&e))?;
        }
        let data_set = hasher.finish(by.policy.and_then(|policy| policy.data_set.as_ref()));
        Ok(Some(Input { bits, data_set, rows: rows.iter().sum() }))
    }

    /// The rows that an owner offers, as its own log names them, and how many they are; `None` for other parties.
    pub(crate) fn offered(&self, files: &[PathBuf], identity: &Identity) -> Outcome<Option<Offered>> {
        let by = By { identity, texts: &TextKey::for_checks(), policy: None };
        Ok(self.read(files, by)?.map(|Input { data_set, rows, .. }| Offered { data_set, rows }))
    }

    /// Refuses rows that do not fit, with everything that is wrong with them up to a bound; how each file was read.
    pub(crate) fn check(&self, files: &[PathBuf]) -> Outcome<Vec<String>> {
        let Some(owner) = self.owner(files)? else { return Ok(Vec::new()) };
        let opened = files.iter().map(|path| open_rows(path, self.form)).collect::<io::Result<Vec<_>>>();
        let opened = opened.map_err(|e| invalid_rows(files, &e))?;
        let mut local = self.program.local(owner);
        let schema = Schema { tables: self.tables(owner), texts: &TextKey::for_checks() };
        let mut faults = rows::faults(schema, opened, &mut *local, MAX_FAULTS);
        for (file, form) in files.iter().zip(&mut faults.forms).filter(|(_, form)| !form.is_empty()) {
            if format_of(file, self.form) == args::FileFormat::Parquet {
                "Parquet".clone_into(form);
            } else if self.form.encoding == Some(args::Encoding::Windows1252) {
                *form = form.replace("UTF-8", "Windows-1252");
            }
        }
        if faults.count() == 0 {
            let entered = local.enter(self.program.declaration().party(owner));
            return entered.map(|_| faults.forms).map_err(|e| invalid_rows(files, &e));
        }
        let mut lines: Vec<String> = files
            .iter()
            .zip(&faults.forms)
            .filter(|(_, form)| !form.is_empty())
            .map(|(file, form)| format!("{} was read as {form}", file.display()))
            .collect();
        lines.extend(faults.found.iter().map(ToString::to_string));
        if faults.beyond > 0 {
            lines.push(format!("… and {} more: {} in all", faults.beyond, faults.count()));
        }
        Err(invalid_rows(files, &lines.join("\n       ")))
    }
}

/// Most faults of a file that `mpc check --input` lists.
const MAX_FAULTS: usize = 100;

fn invalid_rows(files: &[PathBuf], why: &dyn std::fmt::Display) -> Failure {
    let names: Vec<_> = files.iter().map(|path| path.display().to_string()).collect();
    Failure::refused(format!("invalid rows in {}", names.join(", "))).why(why).help(
        "correct the file; nothing was sent; `sotto mpc check JOB --as NAME --input FILE` lists everything that is wrong, and `sotto mpc check JOB` shows columns and ranges",
    )
}

/// How a file of rows is written.
fn format_of(path: &Path, form: args::RowsForm) -> args::FileFormat {
    let is_parquet = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("parquet"));
    match form.format {
        None if is_parquet => args::FileFormat::Parquet,
        None if Format::of(&path.to_string_lossy()) == Format::JsonLines => args::FileFormat::Json,
        format => format.unwrap_or(args::FileFormat::Csv),
    }
}

/// Opens a file of rows; its name says how they are written, if nothing else does.
fn open_rows(path: &Path, form: args::RowsForm) -> io::Result<(Format, Box<dyn Read>)> {
    let format = format_of(path, form);
    if format == args::FileFormat::Parquet {
        if form.encoding.is_some() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "Parquet has no --encoding"));
        }
        return Ok((Format::JsonLines, Box::new(parquet_file::open(path)?)));
    }
    let file: Box<dyn Read> = match path.to_str() {
        Some("-") => Box::new(io::stdin()),
        _ => Box::new(File::open(path)?),
    };
    let file = match form.encoding {
        Some(args::Encoding::Windows1252) => Box::new(rows::Windows1252::new(file)),
        None => file,
    };
    Ok((if format == args::FileFormat::Json { Format::JsonLines } else { Format::Csv }, file))
}

fn open(path: &Path) -> Outcome<Folder> {
    Folder::open(path).map_err(|e| match e.kind() {
        io::ErrorKind::WouldBlock => Failure::refused("this party is already running this run of the job")
            .why(format!("another process uses {}", path.display()))
            .help("wait for it, or end it"),
        _ => Failure::refused(format!("cannot use {}", path.display())).why(e),
    })
}

/// The budget of an input party.
struct Budget<'a> {
    home: &'a Path,
    policy: Option<&'a Policy>,
    identity: &'a Identity,
}

impl Budget<'_> {
    /// Charges a run, before any data of the party is sent.
    fn charge(&self, run: Run<'_>, us: PartyId, data_set: Option<DataSet>) -> Result<(), DebitError> {
        let Some(data_set) = data_set else { return Ok(()) };
        let wanted = DataUse { input: run.input_of(us), data_set, policy: self.policy };
        debit(&mut open_home(self.home)?, self.identity, &wanted, now())
    }
}
