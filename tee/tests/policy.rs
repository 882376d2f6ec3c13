//! What policies refuse: each reason once, beside claims that differ in nothing else and are accepted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use sotto_party::Identity;
use sotto_tee::appraise::{QuorumError, Refusal};
use sotto_tee::binding::{Challenge, Session};
use sotto_tee::claims::TcbStatus;
use sotto_tee::{
    Binding, Circumstances, Claims, Collateral, Kind, Purpose, Revocable, Revoked, Seen, Verdict,
    policy_file, software, verify, verify_under,
};
use support::intel::{NOW, Quirks, platform};
use support::{appraise, digest, hex, receipt, snp};

const SNP: &str = "[[accept]]\nkind = 'snp'\ntcb = { bootloader = 3, tee = 0, snp = 8, microcode = 200 }\n";

fn sgx(quirks: &Quirks) -> Claims {
    let (evidence, collateral, roots) = platform(quirks);
    verify_under(&roots, &evidence, &collateral, NOW).unwrap()
}

fn enclave(more: &str) -> String {
    format!("version = 1\n[[accept]]\nkind = 'sgx'\nmeasurements.mrenclave = '{}'\n{more}", "10".repeat(32))
}

fn machine(more: &str) -> String {
    format!("version = 1\n{SNP}measurements.measurement = '{}'\n{more}", "aa".repeat(48))
}

fn refusals(policy: &str, claims: &Claims) -> Vec<Refusal> {
    appraise(policy, claims, &receipt(), NOW).map_or_else(|refused| refused.0, |_| Vec::new())
}

#[test]
fn an_enclave_is_accepted_and_every_reason_refuses_it() {
    let good = sgx(&Quirks::default());
    let accepted = appraise(&enclave(""), &good, &receipt(), NOW).unwrap();
    assert_eq!((accepted.verdict(), accepted.entry()), (Verdict::Attested, 1));
    assert_eq!((accepted.evidence(), accepted.party()), (good.evidence, digest(1)));
    assert_eq!(accepted.policy(), policy_file::read(&enclave("")).unwrap().digest());

    let old = sgx(&Quirks { status: "OutOfDate", ..Quirks::default() });
    assert_eq!(refusals(&enclave(""), &old), [Refusal::Status(TcbStatus::OutOfDate)]);
    assert_eq!(refusals(&enclave("statuses = ['UpToDate', 'OutOfDate']"), &old), []);
    let advised = sgx(&Quirks { advisories: "\"INTEL-SA-00615\"", ..Quirks::default() });
    assert_eq!(refusals(&enclave(""), &advised), []);
    assert_eq!(
        refusals(&enclave("refuse_advisories = ['intel-sa-00615']"), &advised),
        [Refusal::Advisory("INTEL-SA-00615".into())]
    );
    assert_eq!(refusals(&enclave("minimum_tcb_evaluation = 20"), &good), []);
    assert_eq!(
        refusals(&enclave("minimum_tcb_evaluation = 21"), &good),
        [Refusal::EvaluationNumber { least: 21, given: 20 }]
    );
    assert_eq!(refusals(&enclave("minimum_isv_svn = 3"), &good), []);
    assert_eq!(refusals(&enclave("minimum_isv_svn = 4"), &good), [Refusal::IsvSvn { least: 4, given: 3 }]);
    let listed = format!("platforms = ['{}']", good.platform.unwrap());
    assert_eq!(refusals(&enclave(&listed), &good), []);
    let stranger = sgx(&Quirks { ppid: 8, ..Quirks::default() });
    assert_eq!(refusals(&enclave(&listed), &stranger), [Refusal::Platform]);
    let masked = sgx(&Quirks { ppid: 0, ..Quirks::default() });
    assert_eq!(refusals(&enclave(&listed), &masked), [Refusal::Platform]);
    assert_eq!(refusals(&machine(""), &good), [Refusal::Kind(Kind::Sgx)]);
    // All reasons at once.
    let all = enclave("minimum_tcb_evaluation = 21\nminimum_isv_svn = 4");
    assert_eq!(refusals(&all, &old).len(), 3);
}

#[test]
fn all_named_measurements_must_match_and_the_first_entry_decides() {
    let good = sgx(&Quirks::default());
    let other = enclave("").replace("10101010", "10101011");
    assert_eq!(refusals(&other, &good), [Refusal::Measurement { entry: 1, field: "mrenclave" }]);
    let signer = enclave(&format!("measurements.mrsigner = '{}'", "12".repeat(32)));
    assert_eq!(refusals(&signer, &good), [Refusal::Measurement { entry: 1, field: "mrsigner" }]);
    let entry = &enclave("")["version = 1\n".len()..];
    let second = format!("{other}{entry}");
    assert_eq!(appraise(&second, &good, &receipt(), NOW).unwrap().entry(), 2);
    // An entry that matches decides, even if a later one would accept.
    let strict = format!("{}\n{entry}", enclave("minimum_isv_svn = 4"));
    assert_eq!(refusals(&strict, &good).len(), 1);
}

#[test]
fn real_machines_are_refused_for_what_strict_means() {
    let (evidence, collateral) = support::sample("tdx_quote");
    let claims = verify(&evidence, &collateral, support::THEN).unwrap();
    let mut data = [0; 64];
    data.copy_from_slice(&claims.report_data);
    let policy = |more: &str| {
        let mrtd = hex(&claims.measurements["mrtd"]);
        format!("version = 1\n[[accept]]\nkind = 'tdx'\nmeasurements.mrtd = '{mrtd}'\n{more}")
    };
    let refusals = |text: &str| appraise(text, &claims, &receipt(), support::THEN).unwrap_err().0;
    // The sample is not for this receipt, which is the only reason that a policy cannot take away.
    let binding = Refusal::Binding("receipt");
    let grows = Refusal::Property("a platform that grows (`dynamic_platform`)");
    let threads = Refusal::Property("several threads on a core (`smt`)");
    let keys = Refusal::Property("keys that Intel keeps (`cached_keys`)");
    assert_eq!(refusals(&policy("smt = true\ncached_keys = true")), [grows, binding.clone()]);
    let rest = refusals(&policy("dynamic_platform = true"));
    assert!(rest.contains(&threads) || rest.contains(&keys) || rest == [binding.clone()], "{rest:?}");
    assert_eq!(refusals(&policy("dynamic_platform = true\nsmt = true\ncached_keys = true")), [binding]);
}

#[test]
fn amds_machines_have_a_floor() {
    let claims = |changes, lists| {
        let collateral = snp::collateral(&support::file("private-amd/vcek.der"), lists);
        verify_under(&snp::roots(), &snp::with(changes), &collateral, NOW).unwrap()
    };
    let good = claims(&[], &["ark"]);
    assert_eq!(refusals(&machine(""), &good), []);
    for (from, to, part, least, given) in [
        ("bootloader = 3", "bootloader = 4", "boot loader", 4, 3),
        ("tee = 0", "tee = 1", "secure operating system", 1, 0),
        ("snp = 8", "snp = 9", "SNP firmware", 9, 8),
        ("microcode = 200", "microcode = 201", "microcode", 201, 200),
    ] {
        assert_eq!(refusals(&machine("").replace(from, to), &good), [Refusal::Floor { part, least, given }]);
    }
    let threads = claims(&[(snp::PLATFORM, &[1])], &["ark"]);
    assert_eq!(refusals(&machine(""), &threads).len(), 1);
    assert_eq!(refusals(&machine("smt = true"), &threads), []);
    let unchecked = claims(&[], &[]);
    assert_eq!(refusals(&machine(""), &unchecked), [Refusal::MissingCrl]);
    assert_eq!(refusals(&machine("missing_crl = true"), &unchecked), []);
    // Collateral that is older than what was seen before, though both are valid.
    let (newer, mut seen, revoked) = (claims(&[], &["ark-newer"]), Seen::default(), Revoked::default());
    let decide = |claims: &Claims, seen: &Seen| {
        let at = Circumstances { now: NOW, binding: &receipt(), revoked: &revoked, seen };
        policy_file::read(&machine("")).unwrap().appraise(claims, &at)
    };
    seen.raise(&good);
    assert!(decide(&newer, &seen).is_ok());
    seen.raise(&newer);
    seen.raise(&good);
    let seen = Seen::parse(&seen.to_text()).unwrap();
    assert!(matches!(decide(&good, &seen).unwrap_err().0[..], [Refusal::Fallen(_)]));
}

#[test]
fn evidence_for_something_else_is_refused() {
    let session = Session {
        party: digest(1),
        job: digest(2),
        verifier: digest(3),
        run: digest(4),
        exporter: digest(5),
    };
    let ask = |nonce: u8, session: &Session| Challenge::new([nonce; 32], NOW).binding(session, NOW).unwrap();
    let expected = ask(9, &session);
    let claims = sgx(&Quirks { report_data: expected.report_data(), ..Quirks::default() });
    assert!(appraise(&enclave(""), &claims, &expected, NOW).is_ok());
    let others = [
        ask(8, &session),
        ask(9, &Session { exporter: digest(6), ..session }),
        ask(9, &Session { verifier: digest(6), ..session }),
        ask(9, &Session { run: digest(6), ..session }),
        ask(9, &Session { job: digest(6), ..session }),
        ask(9, &Session { party: digest(6), ..session }),
        receipt(),
        Binding { party: digest(1), purpose: Purpose::Enrol { build: digest(2) } },
    ];
    for other in others {
        let refused = appraise(&enclave(""), &claims, &other, NOW).unwrap_err();
        assert_eq!(refused.0, [Refusal::Binding(other.purpose.name())], "{other:?}");
    }
}

#[test]
fn collateral_must_be_fresh_and_valid_when_a_policy_decides() {
    let claims = sgx(&Quirks::default());
    let age = (NOW - claims.dates.unwrap().issued) / 86_400;
    let policy = |days: u64| {
        enclave("").replace("version = 1", &format!("version = 1\nmax_collateral_age_days = {days}"))
    };
    assert_eq!(refusals(&policy(age), &claims), []);
    assert_eq!(refusals(&policy(age - 1), &claims), [Refusal::Age { most: (age - 1) as u32, given: age }]);
    let expires = claims.dates.unwrap().expires;
    assert!(appraise(&enclave(""), &claims, &receipt(), expires).is_ok());
    for then in [expires + 1, claims.dates.unwrap().issued - 1] {
        assert_eq!(appraise(&enclave(""), &claims, &receipt(), then).unwrap_err().0, [Refusal::Dates]);
    }
}

#[test]
fn what_is_revoked_is_refused_by_either_list() {
    let claims = sgx(&Quirks { advisories: "\"INTEL-SA-00615\"", ..Quirks::default() });
    for (list, entry) in [
        ("platforms", Revocable::Platform(claims.platform.unwrap())),
        ("measurements", Revocable::Measurement(vec![0x11; 32])),
        ("advisories", Revocable::Advisory("INTEL-SA-00615".into())),
    ] {
        let mut revoked = Revoked::default();
        assert!(revoked.insert(entry.clone()) && !revoked.insert(entry.clone()));
        assert_eq!(Revoked::parse(&revoked.to_text()).unwrap(), revoked);
        let seen = Seen::default();
        let at = Circumstances { now: NOW, binding: &receipt(), revoked: &revoked, seen: &seen };
        let beside = policy_file::read(&enclave("")).unwrap().appraise(&claims, &at).unwrap_err();
        assert_eq!(beside.0, [Refusal::Revoked(entry.clone())]);
        let id = entry.to_string().split(' ').next_back().unwrap().to_owned();
        let inside = enclave(&format!("[revoked]\n{list} = ['{id}']"));
        assert_eq!(refusals(&inside, &claims), [Refusal::Revoked(entry)]);
    }
}

#[test]
fn software_is_refused_unless_the_file_says_so_and_is_labelled() {
    let identity = Identity::random(&mut ChaCha20Rng::seed_from_u64(1));
    let evidence = software::sign(&identity, &[5; 32], &receipt().report_data()).unwrap();
    let claims = verify(&evidence, &Collateral::nothing(), NOW).unwrap();
    let entry =
        format!("[[accept]]\nkind = 'software'\nmeasurements.key = '{}'\n", hex(&identity.public().digest()));
    let accepted =
        appraise(&format!("version = 1\nallow_software = true\n{entry}"), &claims, &receipt(), NOW).unwrap();
    assert_eq!(accepted.verdict().to_string(), "UNATTESTED-SOFTWARE");
    assert_eq!(accepted.platform(), None);
    assert_eq!(refusals(&enclave(""), &claims), [Refusal::Software, Refusal::Kind(Kind::Software)]);
    let error = policy_file::read(&format!("version = 1\n{entry}")).unwrap_err();
    assert!(error.what.contains("allow_software"), "{error}");
    // No signed byte can be turned, and another's signature is none.
    for at in 0..evidence.body().len() {
        let accepted = support::turned(&evidence, 8 * at)
            .is_some_and(|other| verify(&other, &Collateral::nothing(), NOW).is_ok());
        assert!(!accepted, "byte {at}");
    }
}

#[test]
fn groups_need_different_platforms_and_vendors() {
    let text = format!("{}[quorum]\nof = 2\nvendors = 2\n", enclave(&machine("")["version = 1\n".len()..]));
    let policy = policy_file::read(&text).unwrap();
    let decide = |claims: &Claims| appraise(&text, claims, &receipt(), NOW).unwrap();
    let (one, two) = (sgx(&Quirks::default()), sgx(&Quirks { ppid: 8, ..Quirks::default() }));
    let amd = verify_under(&snp::roots(), &snp::with(&[]), &snp::fresh(), NOW).unwrap();
    let masked = sgx(&Quirks { ppid: 0, ..Quirks::default() });
    let [one, two, amd, masked] = [&one, &two, &amd, &masked].map(decide);
    assert_eq!(policy.check_quorum(&[one.clone(), amd.clone()]), Ok(()));
    let platforms = QuorumError::Platforms { wanted: 2, given: 1 };
    assert_eq!(policy.check_quorum(&[one.clone(), one.clone()]), Err(platforms));
    assert_eq!(policy.check_quorum(&[masked, amd.clone()]), Err(platforms));
    let vendors = QuorumError::Vendors { wanted: 2, given: 1 };
    assert_eq!(policy.check_quorum(&[one.clone(), two]), Err(vendors));
    let stranger = appraise(&enclave(""), &sgx(&Quirks::default()), &receipt(), NOW).unwrap();
    assert_eq!(policy.check_quorum(&[stranger, amd]), Err(QuorumError::Policy));
}
