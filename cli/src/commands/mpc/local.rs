//! `sotto mpc local`: runs all parties of a job on this machine, each as a process of its own.
//!
//! The job is copied with new keys, without the evidence that it asks for, and with loopback addresses (also instead of rendezvous servers), signed by all
//! parties and run as usual. Keys, results and a copy of the program's file are in a temporary folder that is
//! removed at the end. An interruption (Ctrl-C, SIGTERM, SIGHUP) ends the processes and removes the folder with
//! all keys; SIGKILL does not.

use super::{
    job::{invalid_job, read_beside, write},
    results::figure_text,
    run::report,
};
use crate::{
    Context, args,
    bridge::read_text,
    exit::{Code, Failure, OrRefuse as _, Outcome},
    new_file,
};
use rand_core::OsRng;
use serde_json::{Value, json};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag::register,
};
use sotto_jobs::edge::job_folder::JobFolder;
use sotto_jobs::job_file;
use sotto_jobs::line_error::LineError;
use sotto_jobs::program::Computation;
use sotto_jobs::result::Verdict;
use sotto_jobs::{Approval, Job};
use sotto_mpc::edge::compiler::Compiler;
use sotto_party::Identity;
use std::{
    collections::BTreeMap,
    env, fs,
    io::Read,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

pub(crate) fn run(context: &Context, a: &args::MpcLocal) -> Outcome {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        register(signal, Arc::clone(&interrupted)).or_refuse("signals cannot be handled")?;
    }
    let scratch = tempfile::tempdir().or_refuse("cannot create a temporary folder")?;
    let (path, inputs) = (scratch.path().join("job.toml"), inputs(a)?);
    let Prepared { job, .. } = prepare(&a.job, &path)?;
    if job_file::evidence_files(&read_text(&a.job, job_file::MAX_FILE)?).is_ok_and(|files| !files.is_empty())
    {
        context
            .ui
            .warn("The job asks for evidence; here all parties are on this machine, and none is shown.");
    }
    if let Some(stranger) = inputs.keys().find(|name| job.find(name).is_none()) {
        return Err(Failure::new(Code::Usage, format!("the job has no party named {stranger}")));
    }
    let out = a.out.clone().unwrap_or_else(|| scratch.path().join("results"));
    let mut running = Vec::new();
    for party in &job.parties {
        let name = party.name.as_str();
        let files = inputs.get(name).map_or(&[][..], Vec::as_slice);
        let child = start(scratch.path(), name, files, &out.join(name));
        let child = child.or_refuse(format!("cannot start the process of {name}"))?;
        running.push(Running::new(name, child));
    }
    context.ui.info(&format!("Running {} parties on this machine.", running.len()));
    finish(&mut running, &interrupted)?;
    let mut results = Vec::new();
    for party in &mut running {
        context.ui.detail(&output_of(&mut party.messages));
        results.push((party.name, output_of(&mut party.data)));
    }
    show(context, &results, a.out.as_deref())
}

/// The process of a party, which is killed when this is dropped, and its output.
struct Running<'j> {
    name: &'j str,
    child: Child,
    data: Option<JoinHandle<String>>,
    messages: Option<JoinHandle<String>>,
}

impl<'j> Running<'j> {
    fn new(name: &'j str, mut child: Child) -> Self {
        let (data, messages) = (child.stdout.take().map(collect), child.stderr.take().map(collect));
        Self { name, child, data, messages }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads all output of a process, so that the process never blocks on a full pipe.
fn collect(mut said: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // After an error, the output up to it is kept.
        let _ = said.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn output_of(reader: &mut Option<JoinHandle<String>>) -> String {
    reader.take().and_then(|reader| reader.join().ok()).unwrap_or_default()
}

/// Waits until all parties have ended well, or one has not.
fn finish(running: &mut [Running<'_>], interrupted: &AtomicBool) -> Outcome {
    loop {
        if interrupted.load(Ordering::Relaxed) {
            return Err(Failure::new(
                Code::Interrupted,
                "interrupted; the processes of all parties were ended",
            ));
        }
        let mut ended = 0;
        for party in running.iter_mut() {
            let name = party.name;
            match party.child.try_wait().or_refuse(format!("cannot wait for the process of {name}"))? {
                None => {}
                // A run without a result is finished too; what it lacks is reported at the end.
                Some(status) if status.success() || status.code() == Some(Code::NoResult as i32) => {
                    ended += 1
                }
                Some(_) => {
                    return Err(Failure::refused(format!("{name} did not finish the run"))
                        .why(output_of(&mut party.messages).trim())
                        .help("the processes of the other parties were ended; fix the cause and run the command again"));
                }
            }
        }
        if ended == running.len() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// The files of each input party.
fn inputs(a: &args::MpcLocal) -> Outcome<BTreeMap<String, Vec<PathBuf>>> {
    let mut inputs = BTreeMap::<_, Vec<_>>::new();
    for text in &a.input {
        let (name, file) = text.split_once('=').ok_or_else(|| {
            Failure::new(Code::Usage, format!("invalid --input `{text}`: expected NAME=FILE"))
        })?;
        let file = fs::canonicalize(file).or_refuse(format!("cannot read {file}"))?;
        inputs.entry(name.to_owned()).or_default().push(file);
    }
    Ok(inputs)
}

/// A copy of a job with new keys for all parties, in the job's order, and their approvals.
pub(super) struct Prepared {
    pub(super) job: Job,
    pub(super) program: Computation,
    pub(super) identities: Vec<Identity>,
    pub(super) approvals: Vec<Approval>,
}

/// Copies the job with new keys and loopback addresses, and signs it for all parties.
pub(super) fn prepare(from: &Path, to: &Path) -> Outcome<Prepared> {
    let bad = |line, what: String| invalid_job(from, &[LineError { line, what }]);
    let text = read_text(from, job_file::MAX_FILE)?;
    let mut table: toml::Table = toml::from_str(&text).map_err(|e| bad(1, e.message().to_owned()))?;
    if table.contains_key("sale") {
        return Err(Failure::refused("a job that sells outputs is run by its parties, with their wallets")
            .help("remove [sale] to try its program here; `sotto demo sale` shows a whole sale"));
    }
    let parties = table.get_mut("party").and_then(toml::Value::as_array_mut);
    let parties = parties.ok_or_else(|| bad(1, "it has no [[party]]".to_owned()))?;
    let folder = to.parent().unwrap_or(to);
    let mut identities = Vec::new();
    for party in parties.iter_mut().filter_map(toml::Value::as_table_mut) {
        let name = party.get("name").and_then(toml::Value::as_str).unwrap_or_default().to_owned();
        let identity = Identity::random(&mut OsRng);
        if sotto_jobs::text::Name::new(&name).is_some() {
            new_file::write_secret(&folder.join(format!("{name}.key")), &identity.to_secret_text())?;
        }
        party.insert("key".to_owned(), identity.public().to_text().into());
        // New keys are enrolled nowhere.
        party.remove("evidence");
        if party.remove("rendezvous_server").is_some() || party.contains_key("address") {
            let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr());
            let port = port.or_refuse("no free port")?;
            party.insert("address".to_owned(), port.to_string().into());
        }
        identities.push(identity);
    }
    table.remove("diverse");
    copy_program(&mut table, from, folder)?;
    let text = toml::to_string(&table).or_refuse("cannot copy the job")?;
    write(to, &text)?;
    // The line numbers are those of the copy; `sotto mpc check` reports those of the original.
    let (job, program) =
        job_file::parse(&text, job_file::Counting::Now, &Compiler::this_program(), read_beside(to))
            .map_err(|complaints| invalid_job(from, &complaints))?;
    let mut approvals = Vec::new();
    for (party, identity) in job.parties.iter().zip(&identities) {
        let approval = Approval::sign(&job, identity, &mut OsRng).or_refuse("cannot sign the copy")?;
        write(&super::job::approvals(to).join(format!("{}.approval", party.name)), &approval.to_text())?;
        approvals.push(approval);
    }
    Ok(Prepared { job, program, identities, approvals })
}

/// Copies the program's file beside the copy of the job. A file that cannot be read is named when the copy is.
fn copy_program(job: &mut toml::Table, from: &Path, to: &Path) -> Outcome {
    let program = job.get_mut("program").and_then(toml::Value::as_table_mut);
    for (kind, file) in program.into_iter().flatten() {
        if let ("garble" | "bristol", Some(path)) = (kind.as_str(), file.as_str())
            && let Some(name) = Path::new(path).file_name()
            && let Ok(text) = JobFolder::of(from).read(path)
        {
            let copy = Path::new("program").join(name);
            write(&to.join(&copy), &text)?;
            *file = copy.to_string_lossy().into_owned().into();
        }
    }
    Ok(())
}

/// Starts the process of a party.
fn start(scratch: &Path, name: &str, inputs: &[PathBuf], out: &Path) -> std::io::Result<Child> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["mpc", "run", "--json", "--as", name, "--dir"]).arg(scratch.join("homes").join(name));
    command.arg("--out").arg(out).arg("--key").arg(scratch.join(format!("{name}.key")));
    inputs.iter().for_each(|file| {
        command.arg("--input").arg(file);
    });
    command.arg(scratch.join("job.toml"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
}

/// Prints what each party learned.
fn show(context: &Context, results: &[(&str, String)], out: Option<&Path>) -> Outcome {
    let mut records = serde_json::Map::new();
    let mut worst = None;
    let mut human = String::new();
    for (name, text) in results {
        let record: Value = serde_json::from_str(text.trim()).unwrap_or_default();
        let outputs = record.get("outputs").cloned().unwrap_or_default();
        let figures = record.get("figures").cloned().unwrap_or_default();
        let spent = record.get("spent").cloned().unwrap_or_default();
        let verdict = record.get("verdict").and_then(Value::as_str).and_then(Verdict::from_name);
        worst = worst.max(verdict);
        let learned = outputs.as_object().is_some_and(|outputs| !outputs.is_empty());
        let shown = if learned { format!("{outputs:#}") } else { "nothing".to_owned() };
        human.push_str(&format!("{name} learns {shown}\n"));
        for figure in figures.as_array().into_iter().flatten() {
            human.push_str(&format!(
                "  {} = {}\n",
                figure["name"].as_str().unwrap_or_default(),
                figure_text(figure["value"].as_f64())
            ));
        }
        let verdict = verdict.map(Verdict::as_str);
        let record = json!({ "verdict": verdict, "outputs": outputs, "figures": figures, "spent": spent });
        records.insert((*name).to_owned(), record);
    }
    if let Some(out) = out {
        human.push_str(&format!("Results and receipts are in {}", out.display()));
    }
    context.output.record("mpc-local", json!({ "parties": records }), &human)?;
    report(context, worst)
}
