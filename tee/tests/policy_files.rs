//! Policy files: what is refused, with its line, and what the hash covers.
#![allow(clippy::unwrap_used)]

use sotto_tee::{Revoked, policy_file};

const GOOD: &str = "version = 1
max_collateral_age_days = 30

[[accept]]
kind = \"tdx\"
measurements = { mrtd = \"MRTD\" }
statuses = [\"UpToDate\", \"SWHardeningNeeded\"]
refuse_advisories = [\"INTEL-SA-00615\"]
minimum_tcb_evaluation = 17
smt = true

[[accept]]
kind = \"snp\"
measurements = { measurement = \"MRTD\" }
tcb = { bootloader = 3, tee = 0, snp = 8, microcode = 115 }

[quorum]
of = 2
vendors = 2

[revoked]
advisories = [\"INTEL-SA-00001\"]
";

fn good() -> String {
    GOOD.replace("MRTD", &"ab".repeat(48))
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    assert!(policy_file::read(&good()).is_ok());
    for (from, to, line, what) in [
        ("version = 1", "version = 2", 1, "version 1"),
        ("smt = true", "smtt = true", 10, "unknown field"),
        (
            "smt = true",
            "tcb = { bootloader = 3, tee = 0, snp = 8, microcode = 1 }",
            4,
            "means nothing for kind tdx",
        ),
        ("smt = true", "missing_crl = true", 4, "means nothing"),
        ("kind = \"tdx\"", "kind = \"trustzone\"", 4, "kinds are"),
        ("kind = \"tdx\"", "kind = \"sgx\"", 4, "no measurement `mrtd`"),
        ("{ mrtd =", "{ rtmr0 =", 4, "any code would be accepted"),
        ("abab\" }\nstatuses", "abAB\" }\nstatuses", 4, "96 lower-case"),
        ("\"UpToDate\", ", "\"Fine\", ", 4, "not a status"),
        ("\"UpToDate\", ", "\"Revoked\", ", 4, "never accepted"),
        ("microcode = 115", "microcode = 256", 15, ""),
        (", microcode = 115", "", 15, "missing field"),
        ("tcb =", "#", 12, "snp needs `tcb"),
        ("vendors = 2", "vendors = 3", 17, "`vendors` 1 or 2"),
        ("of = 2", "of = 1", 17, "at most `of`"),
        ("INTEL-SA-00001", "INTEL SA", 22, "letters, digits and dashes"),
        ("[revoked]", "[revoke]", 21, "unknown field"),
    ] {
        let text = good().replacen(from, to, 1);
        assert_ne!(text, good(), "{from}");
        let error = policy_file::read(&text).unwrap_err();
        assert!(error.what.contains(what), "{to}: {error}");
        assert_eq!(error.line, line, "{to}: {error}");
    }
    assert!(policy_file::read("version = 1\n").unwrap_err().what.contains("refuse everything"));
    assert!(policy_file::read(&format!("{}#{}", good(), "x".repeat(1 << 16))).is_err());
    assert!(Revoked::parse("[revoked]\nplatforms = ['00']\n").unwrap_err().line == 2);
    assert!(Revoked::parse("").is_err());
}

#[test]
fn the_hash_is_of_what_the_policy_says_not_of_how() {
    let digest = |text: &str| policy_file::read(text).unwrap().digest();
    let same = [
        good().replace("smt = true", "smt = true   # cores of this cloud"),
        good().replace("[\"UpToDate\", \"SWHardeningNeeded\"]", "['SWHardeningNeeded', 'UpToDate']"),
        good().replace("max_coll", "allow_software = false\nmax_coll"),
        good().replace("INTEL-SA-00615", "intel-sa-00615"),
    ];
    for text in same {
        assert_eq!(digest(&text), digest(&good()), "{text}");
    }
    for (from, to) in [
        ("age_days = 30", "age_days = 31"),
        ("max_coll", "allow_software = true\nmax_coll"),
        ("abab\" }\nstatuses", "abac\" }\nstatuses"),
        ("\"UpToDate\", ", ""),
        ("00615", "00616"),
        ("n = 17", "n = 18"),
        ("smt = true", ""),
        ("smt = true", "smt = true\ndynamic_platform = true"),
        ("smt = true", "smt = true\ncached_keys = true"),
        ("smt = true", "smt = true\nplatforms = []"),
        ("bootloader = 3", "bootloader = 4"),
        ("115 }", "115 }\nmissing_crl = true"),
        ("vendors = 2", "vendors = 1"),
        ("00001", "00002"),
    ] {
        let text = good().replacen(from, to, 1);
        assert_ne!(digest(&text), digest(&good()), "{to}");
    }
}
