//! What a party of a job reads: the job, what others signed and say, what it kept, and its owner's rows.

use crate::{
    Verdict,
    fixtures::{
        circuit::Replay,
        job::{attested, job, judge, parse, secret, session_evidence, stream},
    },
};
use sotto_jobs::attempt::{Computed, Finished};
use sotto_jobs::budget::Budget;
use sotto_jobs::bundle_file::Bundle;
use sotto_jobs::input_commitment::SavedInput;
use sotto_jobs::messages::{Request, Response};
use sotto_jobs::multiparty::{Column, LocalStep, PassThrough, Rows, Table};
use sotto_jobs::rows::{self, Format, Schema};
use sotto_jobs::summary::describe;
use sotto_jobs::text_key::TextKey;
use sotto_jobs::verify_program::verify;
use sotto_jobs::{Approval, Job};
use sotto_jobs::{policy_file, receipt_file};
use sotto_mpc::channel::Framed;
use sotto_mpc::number::Number;
use sotto_party::{Identity, PublicKey};
use sotto_tee::Appraised;

/// A job's canonical form has one encoding, and can be described.
pub fn mpc_job(data: &[u8]) -> Verdict {
    let Ok(job) = Job::from_bytes(data) else { return Verdict::Refused };
    assert!(job.to_bytes() == data, "two encodings of one job");
    assert!(describe(&job, None).contains(&job.id().to_string()));
    Verdict::Accepted
}

/// A job file that is accepted fits its program, and is what its canonical form says. Counting gates takes
/// time in proportion to them, so no number may be large here.
pub fn mpc_job_file(data: &[u8]) -> Verdict {
    let Ok(text) = str::from_utf8(data) else { return Verdict::Refused };
    let is_digit = |b: &u8| b.is_ascii_digit() || *b == b'_';
    if data.chunk_by(|a, b| is_digit(a) == is_digit(b)).any(|run| is_digit(&run[0]) && run.len() > 4) {
        return Verdict::Refused;
    }
    let Some((job, program)) = parse(text) else { return Verdict::Refused };
    assert_eq!(verify(&job, &program), Ok(()), "a job that its program does not fit");
    assert_eq!(Job::from_bytes(&job.to_bytes()).as_ref(), Ok(&job), "a job that cannot be read back");
    Verdict::Accepted
}

/// One-line texts, bundles and policies: what is read is written as it was, or is no secret of ours.
pub fn mpc_job_text(data: &[u8]) -> Verdict {
    let Ok(text) = str::from_utf8(data) else { return Verdict::Refused };
    let consent = Approval::from_text(text).map(|consent| consent.to_text());
    let public = PublicKey::from_text(text).ok().map(|key| key.to_text());
    let secret = Identity::from_secret_text(text).map(|identity| identity.to_secret_text().to_string());
    for again in [&consent, &public, &secret].into_iter().flatten() {
        assert_eq!(again.trim(), text.trim(), "two forms of one");
    }
    let bundle = Bundle::from_text(text).ok();
    let again = bundle.as_ref().map(|bundle| Bundle::from_text(&bundle.to_text()));
    assert_eq!(again.and_then(Result::ok), bundle, "a bundle that cannot be read back");
    let policy = policy_file::parse(text).is_ok();
    Verdict::of(policy || bundle.is_some() || consent.or(public).or(secret).is_some())
}

/// What was kept before a crash has one encoding.
pub fn mpc_run_state(data: &[u8]) -> Verdict {
    let computed = Computed::from_bytes(data).map(|kept| kept.to_bytes());
    let finished = Finished::from_bytes(data).map(|kept| kept.to_bytes());
    let outbox = SavedInput::from_bytes(data).map(|kept| kept.to_bytes());
    let again = computed.or(finished).or(outbox);
    assert!(again.as_ref().is_none_or(|again| again == data), "two encodings of one");
    Verdict::of(again.is_some())
}

/// What another party says: said again, it is the same, and nothing is believed that is announced.
pub fn mpc_messages(data: &[u8]) -> Verdict {
    const MOST: usize = 1 << 16;
    let request = Request::receive(&mut Framed::new(Replay::new(data)), MOST).ok();
    let answer = Response::receive(&mut Framed::new(Replay::new(data)), MOST).ok();
    if let Some(request) = &request {
        let again = stream(|line| request.send(line).expect("room"));
        assert_eq!(Request::receive(&mut Framed::new(Replay::new(&again)), MOST).as_ref(), Ok(request));
    }
    if let Some(answer) = &answer {
        let again = stream(|line| answer.send(line).expect("room"));
        assert_eq!(Response::receive(&mut Framed::new(Replay::new(&again)), MOST).as_ref(), Ok(answer));
    }
    Verdict::of(request.is_some() || answer.is_some())
}

/// A receipt that is accepted says what both computers of its own job signed, in words and in bytes.
pub fn mpc_receipt(data: &[u8]) -> Verdict {
    let Ok(text) = str::from_utf8(data) else { return Verdict::Refused };
    let Ok(receipt_file::SignedReceipt { job: of, receipt }) = receipt_file::read(text) else {
        return Verdict::Refused;
    };
    let ours = [job().id(), attested().job().id()];
    assert!(ours.contains(&of.id()), "nobody can sign for the computers of another job");
    assert!(receipt_file::read(&receipt_file::render(&of, &receipt).to_string()).is_ok());
    Verdict::Accepted
}

/// Session evidence: an answer to a challenge that is accepted shows the genuine evidence, whatever else it says.
pub fn mpc_evidence(data: &[u8]) -> Verdict {
    const MOST: usize = 1 << 16;
    let answer = Response::receive(&mut Framed::new(Replay::new(data)), MOST);
    let Ok(Response::Proof { evidence, .. }) = answer else { return Verdict::Refused };
    let judged = judge(evidence.as_deref());
    let genuine = |appraised: &Appraised| appraised.evidence() == session_evidence().name();
    assert!(judged.as_ref().is_none_or(genuine), "forged evidence");
    Verdict::of(judged.is_some())
}

/// The budget's log of an owner: only what it wrote is read.
pub fn mpc_budget(data: &[u8]) -> Verdict {
    let Ok(text) = str::from_utf8(data) else { return Verdict::Refused };
    Verdict::of(Budget::read(&secret(b'c'), text, None).is_ok())
}

/// Rows that are accepted hold what the schema says, whether they are CSV or JSON lines.
pub fn mpc_rows(data: &[u8]) -> Verdict {
    let number = |min, max| Number::new(min, max).expect("a range");
    let columns = vec![Column::new("age", number(0, 120)), Column::new("pay", number(-5, 1000).scaled(2))];
    let declared = [Table::new("people", Rows::UpTo(64), columns)];
    let schema = sotto_jobs::verify_program::table(&declared[0]).expect("names that print");
    let read = |format| {
        let mut same = PassThrough::new(&declared);
        let schema = Schema { tables: std::slice::from_ref(&schema), texts: &TextKey::for_checks() };
        rows::read(schema, [(format, data)], &mut same).ok()?;
        let rows = Box::new(same.clone()).finish().ok()?;
        assert_eq!(Box::new(same).enter(&declared).map_or(0, |bits| bits.len()), declared[0].bits());
        Some(rows)
    };
    let accepted = [Format::Csv, Format::JsonLines].map(read).into_iter().flatten().flatten();
    let held = |row: &Vec<i128>| row.iter().zip(&declared[0].columns).all(|(n, c)| c.number.holds(*n));
    let mut tables = 0;
    for rows in accepted {
        tables += 1;
        assert!(rows.len() <= 64 && rows.iter().all(held), "a row that is not as declared");
    }
    Verdict::of(tables > 0)
}
