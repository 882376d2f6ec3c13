//! What is agreed: ids, signatures, plain words, policies and budgets, and what each refuses.
#![allow(clippy::unwrap_used)]

use crate::support::{NOW, agreement, approvals, draft, identity, job, line, rng};
use sotto_jobs::approval::{ApprovalError, RunNotAllowed};
use sotto_jobs::budget::{Budget, BudgetError, DataSet, DataUse, Decimal, Field, RowsHasher};
use sotto_jobs::job::{
    Adversary, Demand, Draft, Meeting, Parameter, PartyId, RendezvousServer, ResultColumn, Suite, Value,
};
use sotto_jobs::kind::Kind;
use sotto_jobs::policy::{Experiments, Policy, PolicyError, Sales};
use sotto_jobs::policy_file::{self, Binding, DebitError};
use sotto_jobs::storage::{Memory, Storage};
use sotto_jobs::summary::describe;
use sotto_jobs::text::Prose;
use sotto_jobs::text_key::TextKey;
use sotto_jobs::{Agreement, Approval, Digest, Job};
use sotto_mpc::ot::{Expansion, TreeDepth};
use sotto_mpc::protocol::malicious::{Attempts, Settings};
use sotto_party::Identity;

fn rendezvous_server(key: u64) -> Meeting {
    Meeting::RendezvousServer(RendezvousServer {
        address: line("example.org:1"),
        key: Identity::random(&mut rng(key)).public(),
    })
}

fn malicious(attempts: u32, depth: TreeDepth) -> Suite {
    Suite::Malicious(Settings::new(Attempts::new(attempts).unwrap(), depth))
}

fn result(output: u16, kind: Kind, decimals: u8) -> ResultColumn {
    ResultColumn { output, column: line("sum"), decimals, kind }
}

fn demand(party: u16, policy: u8) -> Demand {
    Demand { party: PartyId(party), policy: Digest([policy; 32]) }
}

/// A parameter with every kind of value.
fn parameters() -> Vec<Parameter> {
    let named = |name, value| Parameter { name: line(name), value };
    let list = Value::List(vec![Value::Number(-1), Value::Text(line("others"))]);
    vec![named("groups", Value::Record(vec![named("names", list), named("most", Value::Number(2))]))]
}

/// Drafts that differ from [`draft`] in one thing.
fn variants() -> Vec<Draft> {
    let changes: [fn(&mut Draft); 35] = [
        |d| d.name = line("other"),
        |d| d.purpose = Prose::new("another").unwrap(),
        |d| d.nonce = Digest([8; 32]),
        |d| d.parties[2].key = Identity::random(&mut rng(5)).public(),
        |d| d.parties[0].meeting = Some(Meeting::Address(line("example.org:1"))),
        |d| d.parties[0].meeting = Some(rendezvous_server(5)),
        |d| d.parties[0].meeting = Some(rendezvous_server(6)),
        |d| (d.garbler, d.evaluator) = (d.evaluator, d.garbler),
        |d| {
            (d.suite, d.further) = (malicious(2, TreeDepth::Four), vec![PartyId(3)]);
            d.parties[3].meeting = Some(rendezvous_server(5));
        },
        |d| {
            (d.suite, d.further) = (malicious(2, TreeDepth::Four), vec![PartyId(3), PartyId(2)]);
            [2, 3].iter().for_each(|i| d.parties[*i].meeting = Some(rendezvous_server(5)));
        },
        |d| d.program.circuit = Digest([1; 32]),
        |d| d.program.source = Some(Digest([1; 32])),
        |d| d.program.and_gates += 1,
        |d| d.inputs[1].tables[0].columns[0].max += 1,
        |d| d.inputs[1].tables[0].columns[0].missing = Some(0),
        |d| d.inputs[1].tables[0].rows += 1,
        |d| d.outputs[1].result_parties.push(PartyId(0)),
        |d| d.leaks[0] = Prose::new("nothing").unwrap(),
        |d| d.limits.seconds += 1,
        |d| d.deadline += 1,
        |d| d.expiry += 60,
        |d| d.runs += 1,
        |d| d.inputs[2].tables[0].columns[0].decimals = 0,
        |d| {
            let column = &mut d.inputs[1].tables[0].columns[0];
            (column.kind, column.decimals) = (Kind::Date, 0);
        },
        |d| d.results = vec![result(1, Kind::Number, 2)],
        |d| d.results = vec![result(1, Kind::Date, 0)],
        |d| d.program.parameters = parameters(),
        |d| d.suite = malicious(2, TreeDepth::Four),
        |d| d.suite = malicious(3, TreeDepth::Four),
        |d| d.suite = malicious(2, TreeDepth::Eight),
        |d| d.attestation.demands = vec![demand(0, 1)],
        |d| d.attestation.demands = vec![demand(0, 2)],
        |d| d.attestation.demands = vec![demand(0, 1), demand(1, 1)],
        |d| (d.attestation.demands, d.attestation.diverse) = (vec![demand(0, 1), demand(1, 1)], 1),
        |d| (d.attestation.demands, d.attestation.diverse) = (vec![demand(0, 1), demand(1, 1)], 2),
    ];
    let changed = |change: fn(&mut Draft)| {
        let mut draft = draft();
        change(&mut draft);
        draft
    };
    changes.into_iter().map(changed).collect()
}

#[test]
fn a_job_has_one_encoding_and_its_id_covers_everything() {
    let job = job();
    assert_eq!(Job::from_bytes(&job.to_bytes()).unwrap(), job);
    let shown = describe(&job, None);
    for draft in variants() {
        let other = Job::new(draft).unwrap();
        assert_eq!(Job::from_bytes(&other.to_bytes()).as_ref(), Ok(&other));
        assert_ne!(other.id(), job.id());
        assert_ne!(describe(&other, None), shown, "what is signed is shown");
    }
    let bytes = job.to_bytes();
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        assert!(
            Job::from_bytes(&altered).is_ok_and(|other| other.id() != job.id())
                || Job::from_bytes(&altered).is_err()
        );
    }
    assert!(Job::from_bytes(&bytes[..bytes.len() - 1]).is_err());
}

#[test]
fn only_all_signatures_under_this_very_job_are_an_agreement() {
    let (job, approvals) = (job(), approvals(&job()));
    let agree = |approvals: &[Approval], now| Agreement::new(job.clone(), approvals, now).map(|_| ());
    assert_eq!(agree(&approvals, NOW), Ok(()));
    assert_eq!(agree(&approvals, job.expiry), Err(ApprovalError::Expired));
    assert_eq!(agree(&approvals[..3], NOW), Err(ApprovalError::Missing(vec!["dora".into(), "eve".into()])));
    for draft in variants() {
        // Whoever still is a party signed another job.
        let other = Job::new(draft).unwrap();
        assert!(Agreement::new(other, &approvals, NOW).is_err());
    }
    let text = approvals[1].to_text();
    assert_eq!(Approval::from_text(&text), Some(approvals[1].clone()));
    let digits = text.trim_end().len() - "sotto-consent-2:".len();
    for at in 0..digits {
        let mut altered = text.clone().into_bytes();
        let place = &mut altered["sotto-consent-2:".len() + at];
        *place = if *place == b'0' { b'1' } else { b'0' };
        let altered = Approval::from_text(&String::from_utf8(altered).unwrap()).unwrap();
        let mut all = approvals.clone();
        all[1] = altered;
        assert!(agree(&all, NOW).is_err(), "digit {at}");
    }
    // One more, in the name of a party that there is not.
    let numbered = "sotto-consent-2:".len() + 2 * 32;
    let mut tenth = text.clone();
    tenth.replace_range(numbered..numbered + 2, "09");
    let all = [&approvals[..], &[Approval::from_text(&tenth).unwrap()]].concat();
    assert_eq!(agree(&all, NOW), Err(ApprovalError::Stranger));
    let stranger = Approval::sign(&job, &Identity::random(&mut rng(5)), &mut rng(6));
    assert_eq!(stranger, Err(ApprovalError::Stranger));
}

/// The bits of garbler, evaluator, input party and result party.
#[test]
fn an_approval_names_the_roles_that_the_job_gives() {
    let roles = approvals(&job()).into_iter().map(|approval| {
        let text = approval.to_text();
        // Behind the job's id and the party.
        let at = "sotto-consent-2:".len() + 2 * (32 + 2);
        text[at..at + 2].to_owned()
    });
    assert_eq!(roles.collect::<Vec<_>>(), ["0d", "02", "04", "04", "08"]);
}

fn policy(job: &Job) -> Policy {
    Policy {
        programs: vec![job.program.circuit],
        schemas: vec![job.schema_of(PartyId(3))],
        purposes: vec![job.purpose.clone()],
        result_parties: [0, 4].map(|id| Digest(job.party(PartyId(id)).key.digest())).to_vec(),
        minimum_rows: 3,
        runs_a_month: 2,
        outputs_a_month: 4,
        data_set: None,
        adversary: Adversary::SemiHonest,
        evidence: Vec::new(),
        diverse: 0,
        computers: 2,
        experiments: Experiments::Refused,
        minimum_group: 0,
        rounding: 0,
        sales: Sales::Refused,
    }
}

/// A job against curious compute parties has the bytes that it had before there were others.
#[test]
fn the_suite_of_a_job_is_one_byte_or_three() {
    let encoded = |suite| {
        let mut draft = draft();
        draft.suite = suite;
        let bytes = Job::new(draft).unwrap().to_bytes();
        // What follows: rows, gates and seconds, deadline, expiry, runs.
        bytes[..bytes.len() - (8 + 8 + 4 + 4 + 8 + 4)].to_vec()
    };
    let curious = encoded(Suite::SemiHonest(Expansion::None));
    let (before, suite) = curious.split_at(curious.len() - 1);
    assert_eq!(suite, [1]);
    assert_eq!(encoded(malicious(5, TreeDepth::Eight)), [before, &[2, 5, 8]].concat());
    let job = job().to_bytes();
    let at = curious.len() - 1;
    for (suite, is_suite) in [
        (&[2, 5, 8][..], true),
        (&[2, 1, 2], true),
        (&[2, 0, 4], false),
        (&[2, 65, 4], false),
        (&[2, 2, 3], false),
        (&[0], false),
        (&[3], false),
    ] {
        let bytes = [&job[..at], suite, &job[at + 1..]].concat();
        assert_eq!(Job::from_bytes(&bytes).is_ok(), is_suite, "{suite:?}");
    }
}

#[test]
fn a_policy_can_demand_more_than_curious_compute_parties() {
    let (curious, dora) = (job(), PartyId(3));
    let mut other = draft();
    other.suite = malicious(2, TreeDepth::Four);
    let malicious = Job::new(other).unwrap();
    let mut policy = policy(&curious);
    let lenient = policy.digest();
    assert_eq!(policy.check(&malicious, dora), Ok(()), "more than it demands");
    policy.adversary = Adversary::Malicious;
    assert_eq!(policy.check(&curious, dora), Err(PolicyError::Adversary));
    assert_eq!(policy.check(&malicious, dora), Ok(()));
    assert_ne!(policy.digest(), lenient);
}

#[test]
fn a_policy_refuses_what_it_does_not_name() {
    let (job, dora) = (job(), PartyId(3));
    let refused = |change: fn(&mut Policy)| {
        let mut policy = policy(&job);
        change(&mut policy);
        policy.check(&job, dora)
    };
    assert_eq!(refused(|_| {}), Ok(()));
    assert_eq!(refused(|p| p.programs.clear()), Err(PolicyError::Program(job.program.circuit)));
    assert_eq!(refused(|p| p.purposes.clear()), Err(PolicyError::Purpose));
    // The same gates, and another meaning.
    let changes: [fn(&mut Draft); 4] = [
        |d| d.inputs[2].tables[0].columns[0].missing = Some(0),
        |d| d.inputs[2].tables[0].columns[0].decimals = 0,
        |d| d.inputs[2].tables[0].columns[0].name = line("bonus"),
        |d| d.program.parameters.push(Parameter { name: line("group"), value: Value::Text(line("others")) }),
    ];
    for change in changes {
        let mut draft = draft();
        change(&mut draft);
        let other = Job::new(draft).unwrap();
        assert_eq!(policy(&job).check(&other, dora), Err(PolicyError::Schema(other.schema_of(dora))));
    }
    assert!(
        matches!(refused(|p| { p.result_parties.pop(); }), Err(PolicyError::Receiver { name, .. }) if name == "eve")
    );
    assert!(matches!(refused(|p| p.minimum_rows = 4), Err(PolicyError::Rows { given: 3, least: 4, .. })));
    // What a single run of the job would break is known before anybody signs.
    let never = |change, what, most, wanted| {
        let name = "acme".to_owned();
        assert_eq!(refused(change), Err(PolicyError::Never { name, what, most, wanted }));
    };
    never(|p| p.runs_a_month = 0, "runs", 0, 1);
    never(|p| p.outputs_a_month = 0, "outputs", 0, 1);
    assert!(
        matches!(refused(|p| p.outputs_a_month = 1), Err(PolicyError::Never { name, wanted: 2, .. }) if name == "eve")
    );
}

#[test]
fn who_cannot_tell_a_result_from_none_is_named() {
    assert!(!describe(&job(), None).contains("Mind:"));
    let mut draft = draft();
    draft.outputs[0].result_parties = vec![PartyId(0)];
    let shown = describe(&Job::new(draft).unwrap(), None).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        shown.contains("Mind: eve does not learn inputs_hold, and cannot tell a result of zeros from none."),
        "{shown}"
    );
}

#[test]
fn a_policy_counts_the_rows_that_there_are() {
    let (job, dora) = (job(), PartyId(3));
    let policy = policy(&job);
    let mut others = draft();
    others.inputs[1].tables[0].rows = 2;
    assert_eq!(policy.check(&Job::new(others).unwrap(), dora), Ok(()), "those of others are not its own");
    assert_eq!(policy.check_rows(&job, dora, &[3]), Ok(()));
    let few = policy.check_rows(&job, dora, &[2]);
    assert!(
        matches!(&few, Err(PolicyError::Rows { given: 2, least: 3, table }) if table == "people"),
        "{few:?}"
    );
}

/// The agreement of the job, with more runs than a month allows.
fn many_runs() -> Agreement {
    let mut draft = draft();
    draft.runs = 9;
    agreement(&Job::new(draft).unwrap())
}

/// An input party's data: rows of one number.
fn data(owner: PartyId, numbers: &[i128], label: Option<&str>) -> DataSet {
    let mut hasher = RowsHasher::new(&identity(owner));
    for value in numbers {
        hasher.row(0, [Some(Field::Number(Decimal { value: *value, decimals: 0 }))].into_iter());
    }
    hasher.finish(label.map(line).as_ref())
}

const DORA: PartyId = PartyId(3);

#[test]
fn a_run_exists_only_if_the_agreement_allows_it() {
    let agreement = agreement(&job());
    let number = |number| agreement.run(number).map(|run| run.number());
    assert_eq!([number(1), number(2)], [Ok(1), Ok(2)]);
    for beyond in [0, 3, u32::MAX] {
        assert_eq!(number(beyond), Err(RunNotAllowed { number: beyond, most: 2 }));
    }
}

#[test]
fn a_line_of_the_budget_that_a_crash_cut_off_is_written_anew() {
    let agreement = many_runs();
    let (input_party, mut storage) = (identity(DORA), Memory::default());
    let debit = |storage: &mut Memory, run| {
        let input = agreement.run(run).unwrap().input_of(DORA);
        let wanted = DataUse { input, data_set: data(DORA, &[1], None), policy: None };
        policy_file::debit(storage, &input_party, &wanted, NOW)
    };
    debit(&mut storage, 1).unwrap();
    let (whole, head) =
        (storage.get("budget").unwrap().unwrap(), storage.get("budget-head").unwrap().unwrap());
    debit(&mut storage, 2).unwrap();
    let both = storage.get("budget").unwrap().unwrap();
    for cut in [whole.len() + 1, both.len() - 1] {
        storage.put("budget", &both[..cut]).unwrap();
        storage.put("budget-head", &head).unwrap();
        debit(&mut storage, 2).unwrap();
        assert_eq!(storage.get("budget").unwrap().unwrap(), both, "cut at {cut}");
    }
    // With a head that says that the second line was written, its loss is one.
    storage.put("budget", &both[..both.len() - 1]).unwrap();
    assert!(matches!(debit(&mut storage, 2), Err(DebitError::Budget(BudgetError::Cut))));
}

#[test]
fn a_budget_is_debited_once_a_run_and_runs_out() {
    let agreement = many_runs();
    let (input_party, policy) = (identity(DORA), policy(agreement.job()));
    let rows = data(DORA, &[1, 2], Some("people"));
    let mut log = String::new();
    let mut debit = |run, data_set, now| {
        let budget = Budget::read(&input_party, &log, None).unwrap();
        let input = agreement.run(run).unwrap().input_of(DORA);
        let line = budget.debit(&DataUse { input, data_set, policy: Some(&policy) }, now)?;
        Ok::<_, BudgetError>(line.map(|(line, link)| {
            log.push_str(&line);
            link
        }))
    };
    let spent = |error| {
        matches!(error, Err(BudgetError::Policy(PolicyError::Spent { what: "runs", most: 2, spent: 2, .. })))
    };
    assert!(debit(1, rows, NOW).unwrap().is_some());
    assert!(debit(1, rows, NOW).unwrap().is_none(), "the same run costs once");
    let other_rows = debit(1, data(DORA, &[1, 3], Some("people")), NOW);
    assert_eq!(other_rows, Err(BudgetError::OtherRows(1)), "and has one input");
    assert!(debit(2, rows, NOW + 60).unwrap().is_some());
    assert!(spent(debit(3, rows, NOW + 120)));
    // Neither other rows nor another label are another budget, if the other is the same.
    assert!(spent(debit(3, data(DORA, &[1], Some("people")), NOW)));
    assert!(spent(debit(3, data(DORA, &[2, 1], Some("others")), NOW)));
    assert!(spent(debit(3, data(DORA, &[2, 1], None), NOW)));
    assert!(debit(4, data(DORA, &[1], Some("others")), NOW).unwrap().is_some(), "other data, other budget");
    assert!(spent(debit(3, rows, NOW - 9_000_000)), "a clock put back gives nothing back");
    assert!(spent(debit(3, rows, NOW + 30 * 86_400 - 1)));
    assert!(debit(3, rows, NOW + 30 * 86_400).unwrap().is_some(), "thirty days after the first");
    let theirs = data(PartyId(2), &[1, 2], Some("people"));
    assert_ne!(rows, theirs, "only the input party can name its data");
}

/// Acme learns one output a run and eve two: each is counted for itself.
#[test]
fn a_partner_is_charged_for_what_it_learned() {
    let agreement = many_runs();
    let mut policy = policy(agreement.job());
    (policy.runs_a_month, policy.outputs_a_month) = (9, 5);
    let mut log = String::new();
    let mut debit = |run| {
        let input = agreement.run(run).unwrap().input_of(DORA);
        let wanted = DataUse { input, data_set: data(DORA, &[1], None), policy: Some(&policy) };
        let line = Budget::read(&identity(DORA), &log, None).unwrap().debit(&wanted, NOW)?;
        log.push_str(&line.unwrap().0);
        Ok(())
    };
    assert_eq!([debit(1), debit(2)], [Ok(()), Ok(())]);
    let spent = PolicyError::Spent { name: "eve".into(), what: "outputs", most: 5, spent: 4 };
    assert_eq!(debit(3), Err(BudgetError::Policy(spent)));
}

#[test]
fn the_same_rows_share_one_budget_whatever_the_job_makes_of_them() {
    use sotto_jobs::multiparty::{Column, LocalStep, Parameters, PassThrough, Rows, Table};
    use sotto_jobs::rows::{Format, Schema, read_hashed};
    use sotto_mpc::number::Number;

    let csv = "arm,value\n0,5\n1,7\n0,6\n1,9\n";
    let named = |tables: &[sotto_jobs::job::Table], local: &mut dyn LocalStep, text: &str| {
        let mut hasher = RowsHasher::new(&identity(DORA));
        let schema = Schema { tables, texts: &TextKey::for_checks() };
        read_hashed(schema, [(Format::Csv, text.as_bytes())], &mut hasher, local).unwrap();
        hasher.finish(None)
    };
    let of_width = |bits: u32, decimals, text| {
        let number = Number::new(0, (1 << bits) - 1).unwrap().scaled(decimals);
        let columns = vec![Column::new("arm", Number::bit()), Column::new("value", number)];
        let declared = [Table::new("rows", Rows::UpTo(9), columns)];
        let schema = sotto_jobs::verify_program::table(&declared[0]).unwrap();
        named(&[schema], &mut PassThrough::new(&declared), text)
    };
    let rows = of_width(16, 0, csv);
    assert_eq!(of_width(32, 0, csv), rows, "as u32");
    assert_eq!(of_width(32, 2, csv), rows, "with decimals");
    assert_eq!(of_width(16, 0, "value;arm\n9;1\n6;0\n7;1\n5;0\n"), rows, "in another order");
    // Welch's test adds the rows up before they enter.
    let value = Parameters::default().with("max", 100i128);
    let parameters = Parameters::default().with("owners", 2i128).with("rows", 9i128);
    let parameters = parameters.with("value", value).with("minimum", 2i128);
    let welch = sotto_jobs::Builtin::new("welch@1", &parameters).unwrap();
    let mut local = sotto_jobs::Functionality::local(&welch, 0);
    let schema: Vec<_> =
        local.tables().iter().map(|table| sotto_jobs::verify_program::table(table).unwrap()).collect();
    assert_eq!(named(&schema, &mut *local, csv), rows, "added up");
    assert_ne!(of_width(16, 0, "arm,value\n0,5\n"), rows);
}

#[test]
fn a_job_signed_under_a_policy_is_not_run_without_one() {
    let agreement = many_runs();
    let (job, policy, mut storage) = (agreement.job(), policy(agreement.job()), Memory::default());
    let debit = |storage: &mut Memory, policy| {
        let input = agreement.run(1).unwrap().input_of(DORA);
        let wanted = DataUse { input, data_set: data(DORA, &[1], None), policy };
        policy_file::debit(storage, &identity(DORA), &wanted, NOW)
    };
    assert_eq!(policy_file::check_binding(&storage, job, None).unwrap(), Binding::Unbound);
    policy_file::bind(&mut storage, job, &policy).unwrap();
    assert!(matches!(debit(&mut storage, None), Err(DebitError::NoPolicy)));
    assert_eq!(storage.get("budget").unwrap(), None, "nothing was debited");
    let mut other = policy.clone();
    other.runs_a_month += 1;
    assert_eq!(policy_file::check_binding(&storage, job, Some(&policy)).unwrap(), Binding::Same);
    assert_eq!(policy_file::check_binding(&storage, job, Some(&other)).unwrap(), Binding::Changed);
    debit(&mut storage, Some(&policy)).unwrap();
    let unbound = Job::new(draft()).unwrap();
    assert_eq!(
        policy_file::check_binding(&storage, &unbound, None).unwrap(),
        Binding::Unbound,
        "another job"
    );
}

#[test]
fn a_log_that_was_altered_or_cut_is_refused() {
    let agreement = many_runs();
    let input_party = identity(DORA);
    let (mut log, mut last) = (String::new(), None);
    for run in 1..=3 {
        let budget = Budget::read(&input_party, &log, last).unwrap();
        let input = agreement.run(run).unwrap().input_of(DORA);
        let wanted = DataUse { input, data_set: data(DORA, &[1], None), policy: None };
        let (line, link) = budget.debit(&wanted, NOW).unwrap().unwrap();
        log.push_str(&line);
        last = Some(link);
    }
    let read = |log: &str| Budget::read(&input_party, log, last).map(|_| ());
    assert_eq!(read(&log), Ok(()));
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(read(&lines[..2].join("\n")), Err(BudgetError::Cut));
    assert_eq!(read(&lines[1..].join("\n")), Err(BudgetError::Altered(1)));
    assert_eq!(read(&[lines[0], lines[2], lines[1]].join("\n")), Err(BudgetError::Altered(2)));
    assert_eq!(read(&log.replacen("01", "02", 1)), Err(BudgetError::Altered(1)));
    let other = Budget::read(&identity(PartyId(2)), &log, None).map(|_| ());
    assert_eq!(other, Err(BudgetError::Altered(1)), "only its input party could have written it");
}
