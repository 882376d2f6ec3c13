//! Evidence of processors in jobs: private authorities where no sample exists, samples of real machines, and platforms that
//! are not different enough.

use sotto_jobs::evidence::EvidenceError;
use sotto_jobs::job::Draft;
use sotto_jobs::{Agreement, Job};
use sotto_tee::appraise::{Refusal, Verdict};
use sotto_tee::binding::Challenge;
use sotto_tee::bundle::NoVerdict;
use sotto_tee::claims::TcbStatus;
use sotto_tee::{Appraised, Collateral, Evidence, Kind, Roots};

use super::attested::intel::{NOW, Quirks, platform};
use super::attested::{THEN, hex, sample, snp};
use super::kit::{ACME, BOLT, DORA, Kit, Texts, demanding, ends};
use crate::support::{agreement, draft, draft_of_three};

fn enclave(more: &str) -> String {
    format!("version = 1\n[[accept]]\nkind = 'sgx'\nmeasurements.mrenclave = '{}'\n{more}", "10".repeat(32))
}

fn machine(more: &str) -> String {
    format!(
        "version = 1\n[[accept]]\nkind = 'snp'\nmeasurements.measurement = '{}'\n\
         tcb = {{ bootloader = 3, tee = 0, snp = 8, microcode = 200 }}\n{more}",
        "aa".repeat(48)
    )
}

/// A job in which acme and bolt show evidence by these policies.
fn job(acme: &str, bolt: &str, diverse: u8) -> (Texts, Agreement) {
    let texts = Texts::from([(ACME, acme.to_owned()), (BOLT, bolt.to_owned())]);
    let job = Job::new(demanding(draft(), &texts, diverse)).unwrap();
    (texts, agreement(&job))
}

/// What bolt makes of what acme's machine shows for its nonce.
fn judged(
    (texts, agreement): &(Texts, Agreement),
    show: impl FnOnce([u8; 64]) -> (Evidence, Collateral, Roots),
    now: u64,
) -> Result<Appraised, EvidenceError> {
    let [bolt, acme] = ends(agreement, BOLT, ACME, [5; 32]);
    let challenge = Challenge::new([8; 32], now);
    let (evidence, collateral, roots) = show(acme.binding(challenge.nonce()).report_data());
    let mut kit = Kit { roots, ..Kit::software(BOLT) };
    kit.collateral.insert(ACME, collateral);
    kit.clock = now.into();
    let shown = evidence.encode();
    let judged = kit.with(agreement.job(), texts, |means| bolt.judge(means, challenge, Some(&shown)));
    judged.unwrap().map(Option::unwrap)
}

fn sgx(report_data: [u8; 64], quirks: Quirks) -> (Evidence, Collateral, Roots) {
    platform(&Quirks { report_data, ..quirks })
}

fn chip(report_data: [u8; 64]) -> (Evidence, Collateral, Roots) {
    (snp::signed(snp::report(report_data)), snp::fresh(), snp::roots())
}

fn reasons(said: Result<Appraised, EvidenceError>) -> Vec<Refusal> {
    match said {
        Err(EvidenceError::Refused { why: NoVerdict::Refused(refused), .. }) => refused.0,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_enclave_and_a_machine_are_accepted_for_this_channel_alone() {
    let world = job(&enclave(""), &machine(""), 2);
    let good = judged(&world, |data| sgx(data, Quirks::default()), NOW).unwrap();
    assert_eq!((good.verdict(), good.platform().is_some()), (Verdict::Attested, true));
    let elsewhere = judged(&world, |_| platform(&Quirks::default()), NOW);
    assert_eq!(reasons(elsewhere), [Refusal::Binding("session")]);
    let world = job(&machine(""), &machine(""), 0);
    assert_eq!(judged(&world, chip, snp::NOW).unwrap().verdict(), Verdict::Attested);
    // Every turned bit that the chip's signature covers.
    for at in (0..0x2a0).step_by(7) {
        let turned = |data| {
            let (evidence, collateral, roots) = chip(data);
            let mut body = evidence.body().to_vec();
            body[at] ^= 1 << (at % 8);
            (Evidence::new(Kind::Snp, &body).unwrap(), collateral, roots)
        };
        assert!(judged(&world, turned, snp::NOW).is_err(), "byte {at}");
    }
}

#[test]
fn debug_old_and_revoked_platforms_are_refused_before_anything_is_sent() {
    let world = job(&enclave(""), &machine(""), 0);
    let refused = |quirks| judged(&world, |data| sgx(data, quirks), NOW);
    let debug = refused(Quirks { attributes: 7, ..Quirks::default() });
    assert!(matches!(debug, Err(EvidenceError::Refused { why: NoVerdict::Verify(_), .. })), "{debug:?}");
    let old = refused(Quirks { status: "OutOfDate", ..Quirks::default() });
    assert_eq!(reasons(old), [Refusal::Status(TcbStatus::OutOfDate)]);
    let revoked = refused(Quirks::revoked_platform());
    assert!(matches!(revoked, Err(EvidenceError::Refused { why: NoVerdict::Verify(_), .. })), "{revoked:?}");
    let floor = job(&machine("").replace("microcode = 200", "microcode = 201"), &machine(""), 0);
    let low = reasons(judged(&floor, chip, snp::NOW));
    assert_eq!(low, [Refusal::Floor { part: "microcode", least: 201, given: 200 }]);
    let none = judged(
        &job(&machine(""), &machine(""), 0),
        |data| (chip(data).0, Collateral::nothing(), snp::roots()),
        NOW,
    );
    assert!(matches!(none, Err(EvidenceError::Refused { why: NoVerdict::Verify(_), .. })), "no collateral");
}

#[test]
fn samples_of_real_machines_go_through_the_same_code() {
    // Intel's samples are genuine and of good platforms; that they are not for this channel is all that is wrong.
    let (evidence, collateral) = sample("tdx_quote");
    let claims = sotto_tee::verify(&evidence, &collateral, THEN).unwrap();
    let policy = format!(
        "version = 1\n[[accept]]\nkind = 'tdx'\nmeasurements.mrtd = '{}'\ndynamic_platform = true\nsmt = true\ncached_keys = true\n",
        hex(&claims.measurements["mrtd"])
    );
    let world = job(&policy, &machine(""), 0);
    let shown = |name: &'static str| {
        move |_| {
            let (evidence, collateral) = sample(name);
            (evidence, collateral, Roots::vendors())
        }
    };
    assert_eq!(reasons(judged(&world, shown("tdx_quote"), THEN)), [Refusal::Binding("session")]);
    let outdated = judged(&world, shown("tdx_quote_outdated"), THEN);
    assert!(matches!(outdated, Err(EvidenceError::Refused { .. })), "{outdated:?}");
    let world = job(&enclave(""), &machine(""), 0);
    let hardening = reasons(judged(&world, shown("sgx_quote"), THEN));
    assert!(hardening.contains(&Refusal::Measurement { entry: 1, field: "mrenclave" }), "{hardening:?}");
    let late = judged(&world, shown("sgx_quote"), THEN + 900 * 86_400);
    assert!(matches!(late, Err(EvidenceError::Refused { why: NoVerdict::Verify(_), .. })), "{late:?}");
}

/// What is made of two platforms by a job that asks for `diverse`, under policies with this quorum.
fn diverse(both: [&Appraised; 2], diverse: u8, quorum: &str) -> Result<(), EvidenceError> {
    let (texts, agreement) = job(&enclave(quorum), &machine(""), diverse);
    let kit = Kit::software(BOLT);
    kit.with(agreement.job(), &texts, |means| means.appraiser.check_diversity(agreement.job(), &both))
        .unwrap()
}

#[test]
fn platforms_are_as_different_as_is_asked() {
    let world = job(&enclave(""), &machine(""), 0);
    let of = |ppid| judged(&world, |data| sgx(data, Quirks { ppid, ..Quirks::default() }), NOW).unwrap();
    let (one, other, masked) = (of(7), of(8), of(0));
    let amd = judged(&job(&machine(""), &machine(""), 0), chip, snp::NOW).unwrap();
    let platforms = |given| Err(EvidenceError::Platforms { wanted: 2, given });
    assert_eq!(diverse([&one, &one], 0, ""), Ok(()), "nothing is asked");
    assert_eq!(diverse([&one, &one], 1, ""), platforms(1), "one platform");
    assert_eq!(diverse([&one, &masked], 1, ""), platforms(1), "a masked number counts as none");
    assert_eq!(diverse([&masked, &masked], 1, ""), platforms(0));
    assert_eq!(diverse([&one, &other], 1, ""), Ok(()));
    assert_eq!(diverse([&one, &other], 2, ""), Err(EvidenceError::Vendors { wanted: 2, given: 1 }));
    assert_eq!(diverse([&one, &amd], 2, ""), Ok(()));
    assert_eq!(diverse([&masked, &amd], 2, ""), platforms(1));
    // The policy of a compute party may ask for more than the job.
    let quorum = "[quorum]\nof = 2\nvendors = 2\n";
    assert_eq!(diverse([&one, &one], 0, quorum), platforms(1));
    assert_eq!(diverse([&one, &other], 0, quorum), Err(EvidenceError::Vendors { wanted: 2, given: 1 }));
    assert_eq!(diverse([&one, &amd], 0, quorum), Ok(()));
}

#[test]
fn a_job_asks_for_what_there_is() {
    use sotto_jobs::job::{JobError, Part};
    let faults = |change: fn(&mut Draft)| {
        let texts = Texts::from([(ACME, enclave("")), (BOLT, machine(""))]);
        let mut draft = demanding(draft(), &texts, 2);
        change(&mut draft);
        Job::new(draft).map(|_| ())
    };
    let diverse = Err(vec![(Part::Field("diverse"), JobError::Diverse)]);
    let evidence = Err(vec![(Part::Field("evidence"), JobError::Evidence)]);
    assert_eq!(faults(|_| ()), Ok(()));
    assert_eq!(faults(|d| d.attestation.diverse = 3), diverse, "there are two vendors");
    assert_eq!(faults(|d| d.attestation.demands.truncate(1)), diverse, "evidence of both");
    let of_three = |texts: Texts| Job::new(demanding(draft_of_three(), &texts, 2)).map(|_| ());
    let mut texts = Texts::from([(ACME, enclave("")), (BOLT, machine(""))]);
    assert_eq!(of_three(texts.clone()), diverse, "evidence of all three");
    texts.insert(DORA, machine(""));
    assert_eq!(of_three(texts), Ok(()));
    assert_eq!(faults(|d| d.attestation.demands.reverse()), evidence, "one order");
    assert_eq!(
        faults(|d| {
            let again = d.attestation.demands[1];
            d.attestation.demands.push(again);
        }),
        evidence,
        "each once"
    );
    assert_eq!(faults(|d| d.attestation.demands[1].party.0 = 5).unwrap_err()[0].1, JobError::Evidence);
}
