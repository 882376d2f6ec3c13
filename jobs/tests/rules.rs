//! The rules that a draft keeps to become a job: what breaks each, and what is just allowed.
#![allow(clippy::unwrap_used)]

use crate::support::{draft, line};
use sotto_jobs::Job;
use sotto_jobs::job::{
    Adversary, Column, Draft, JobError, MAX_AND_GATES, Meeting, Part, PartyId, ResultColumn,
};
use sotto_jobs::kind::Kind;
use sotto_party::PublicKey;

fn result(output: u16, kind: Kind, decimals: u8) -> ResultColumn {
    ResultColumn { output, column: line("sum"), decimals, kind }
}

#[test]
fn every_rule_names_its_place() {
    let faults = |change: fn(&mut Draft)| {
        let mut draft = draft();
        change(&mut draft);
        Job::new(draft).unwrap_err()
    };
    let has = |change: fn(&mut Draft), part, error| {
        let faults = faults(change);
        assert!(faults.contains(&(part, error)), "{faults:?}");
    };
    has(|d| d.evaluator = d.garbler, Part::Field("roles.evaluator"), JobError::OneComputeParty);
    has(|d| d.garbler = PartyId(9), Part::Field("roles.garbler"), JobError::Stranger);
    has(|d| d.parties[1].meeting = None, Part::Party(1), JobError::NoAddress);
    has(|d| d.parties[4].name = d.parties[3].name.clone(), Part::Party(4), JobError::Twice);
    has(|d| d.parties[4].key = d.parties[3].key.clone(), Part::Party(4), JobError::Twice);
    has(
        |d| d.outputs.iter_mut().for_each(|o| o.result_parties = vec![PartyId(0)]),
        Part::Party(4),
        JobError::Idle,
    );
    has(|d| d.inputs[1].party = PartyId(0), Part::Input(1), JobError::Twice);
    has(|d| d.inputs[1].tables[0].rows = 11, Part::Input(1), JobError::Rows { allowed: 10, found: 11 });
    has(|d| d.inputs[1].tables[0].rows = 0, Part::Input(1), JobError::Zero);
    let same = |d: &mut Draft| {
        d.parties[..2].iter_mut().for_each(|p| p.meeting = Some(Meeting::Address(line("a.example:1"))));
    };
    has(same, Part::Party(1), JobError::OneAddress);
    let over = JobError::Limit { allowed: 10, found: draft().program.and_gates };
    has(|d| d.limits.and_gates = 10, Part::Field("limits.and_gates"), over);
    let most = MAX_AND_GATES;
    has(|d| d.limits.and_gates = MAX_AND_GATES + 1, Part::Field("limits.and_gates"), JobError::TooMany(most));
    has(|d| d.outputs[0].result_parties.clear(), Part::Output(0), JobError::Number { given: 0, most: 64 });
    has(|d| d.outputs[1].name = line("inputs_hold"), Part::Output(1), JobError::Twice);
    has(|d| d.runs = 0, Part::Field("maximum_runs"), JobError::Zero);
    let range = |change| has(change, Part::Column(1, 0, 0), JobError::Range);
    range(|d| d.inputs[1].tables[0].columns[0].max = -1);
    range(|d| d.inputs[1].tables[0].columns[0].max = 1 << 64);
    range(|d| d.inputs[1].tables[0].columns[0].decimals = 19);
    range(|d| {
        (d.inputs[1].tables[0].columns[0].kind, d.inputs[1].tables[0].columns[0].decimals) = (Kind::Truth, 0)
    });
    // A flag without what it is about.
    let flag = |d: &mut Draft| {
        let column = &mut d.inputs[1].tables[0].columns[0];
        (column.kind, column.decimals, column.min, column.max) = (Kind::Presence, 0, 0, 1);
    };
    has(flag, Part::Column(1, 0, 0), JobError::Optional);
    has(|d| d.results = vec![result(9, Kind::Date, 0)], Part::Field("output"), JobError::Results);
    has(|d| d.results = vec![result(0, Kind::Number, 19)], Part::Field("output"), JobError::Results);
    has(|d| d.inputs[1].tables[0].columns[0].missing = Some(1000), Part::Column(1, 0, 0), JobError::Missing);
}

#[test]
fn an_address_is_a_host_and_a_port() {
    let faults = |address: &str| {
        let mut draft = draft();
        draft.parties[0].meeting = Some(Meeting::Address(line(address)));
        Job::new(draft).err()
    };
    for address in
        "not an address|example.org|:7700|example.org:77000|example.org:+1|2001:db8::1:7700|[::g]:1|a b:1"
            .split('|')
    {
        assert!(faults(address).unwrap().contains(&(Part::Party(0), JobError::Address)), "{address}");
    }
    for address in ["[2001:db8::1]:7700", "127.0.0.1:0", "north-1.example:7700"] {
        assert_eq!(faults(address), None, "{address}");
    }
}

/// A draft with a second column, after a change of it.
fn with_column(change: impl FnOnce(&mut Column)) -> Result<Job, Vec<(Part, JobError)>> {
    let mut draft = draft();
    let columns = &mut draft.inputs[1].tables[0].columns;
    let mut second = Column { name: line("bonus"), ..columns[0].clone() };
    change(&mut second);
    columns.push(second);
    Job::new(draft)
}

#[test]
fn a_column_holds_numbers_of_64_bits_with_a_sign_or_without() {
    let with = |min: i128, max: i128, decimals, missing| {
        with_column(|column| {
            (column.min, column.max, column.decimals, column.missing) = (min, max, decimals, missing)
        })
        .map(|_| ())
    };
    let refused = |error| Err(vec![(Part::Column(1, 0, 1), error)]);
    let (least, most) = (i128::from(i64::MIN), i128::from(u64::MAX));
    assert_eq!(with(0, most, 18, Some(most)), Ok(()));
    assert_eq!(with(least, i64::MAX.into(), 0, Some(least)), Ok(()));
    assert_eq!(with(-1, -1, 0, None), Ok(()), "a single number");
    assert_eq!(with(-1, i128::from(i64::MAX) + 1, 0, None), refused(JobError::Range), "of 65 bits");
    assert_eq!(with(least - 1, 0, 0, None), refused(JobError::Range));
    assert_eq!(with(0, most + 1, 0, None), refused(JobError::Range));
    assert_eq!(with(1, 0, 0, None), refused(JobError::Range), "no number");
    assert_eq!(with(0, 5, 19, None), refused(JobError::Range));
    assert_eq!(with(0, 5, 0, Some(6)), refused(JobError::Missing));
    assert_eq!(with(0, 5, 0, Some(-1)), refused(JobError::Missing));
}

#[test]
fn columns_and_result_parties_are_named_once() {
    assert!(with_column(|_| ()).is_ok());
    let twice = with_column(|column| column.name = line("pay"));
    assert_eq!(twice, Err(vec![(Part::Column(1, 0, 1), JobError::Twice)]));
    let mut draft = draft();
    draft.outputs[1].result_parties.push(PartyId(4));
    assert_eq!(Job::new(draft), Err(vec![(Part::Output(1), JobError::Twice)]));
}

/// The signing key of one party and the encryption key of another.
fn mixed(signing: &PublicKey, encryption: &PublicKey) -> PublicKey {
    let keys = [&signing.to_bytes()[..32], &encryption.to_bytes()[32..]].concat();
    PublicKey::from_bytes(&keys).unwrap()
}

/// One key signs for one party, whatever it decrypts with, and one name is one party's.
#[test]
fn parties_share_neither_a_name_nor_a_signing_key() {
    let other = |change: fn(&mut Draft)| {
        let mut draft = draft();
        change(&mut draft);
        Job::new(draft).unwrap_err()
    };
    let twice = vec![(Part::Party(4), JobError::Twice)];
    assert_eq!(other(|d| d.parties[4].name = d.parties[3].name.clone()), twice, "another key");
    assert_eq!(other(|d| d.parties[4].key = d.parties[3].key.clone()), twice, "another name");
    assert_eq!(other(|d| d.parties[4].key = mixed(&d.parties[3].key, &d.parties[4].key)), twice);
}

#[test]
fn the_number_after_the_last_is_no_party() {
    let mut draft = draft();
    draft.inputs[2].party = PartyId(5);
    let faults = Job::new(draft).unwrap_err();
    assert!(faults.contains(&(Part::Input(2), JobError::Stranger)), "{faults:?}");
}

#[test]
fn parties_and_adversaries_have_the_names_of_the_job_file() {
    let job = Job::new(draft()).unwrap();
    assert_eq!(
        ["acme", "eve", "nobody"].map(|name| job.find(name)),
        [Some(PartyId(0)), Some(PartyId(4)), None]
    );
    let words = ["semi-honest", "malicious", "curious"].map(Adversary::from_text);
    assert_eq!(words, [Some(Adversary::SemiHonest), Some(Adversary::Malicious), None]);
}
