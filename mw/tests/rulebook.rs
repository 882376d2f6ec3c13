//! Rule, heading, error, function and vector share one number: these tests compare the five lists.
#![allow(clippy::unwrap_used, reason = "a test that fails may say so by panicking")]

use sotto_mw::{error::Rejection, testing::cases};
use std::{collections::BTreeSet, fs, path::Path};

/// The sections of docs/RULES.md that describe a rule: number and text.
fn sections() -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/RULES.md");
    let text = fs::read_to_string(path).unwrap();
    let rules = text.split("\n## ").filter(|s| s.starts_with("MW-R"));
    rules.map(|s| (s.split(' ').next().unwrap().to_owned(), s.to_owned())).collect()
}

/// The words in backticks after `- Where:` or `- Error:`.
fn quoted(section: &str, item: &str) -> Vec<String> {
    let line = section.lines().find(|l| l.starts_with(item)).unwrap();
    line.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_headings_are_the_rules() {
    let numbers: Vec<_> = sections().into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers, Rejection::RULES);
}

#[test]
fn each_rule_has_a_case_and_its_error_is_the_documented_one() {
    let mut errors = BTreeSet::new();
    for case in cases::all() {
        let debug = format!("{:?}", case.because);
        let variant = debug.split([' ', '{']).next().unwrap().to_owned();
        assert!(case.because.to_string().starts_with(case.because.rule()), "{debug}");
        errors.insert((case.because.rule().to_owned(), variant));
    }
    let documented: BTreeSet<_> =
        sections().into_iter().map(|(number, s)| (number, quoted(&s, "- Error:").remove(0))).collect();
    assert_eq!(errors, documented);
}

#[test]
fn each_rule_names_a_function_that_exists() {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules");
    for (number, section) in sections() {
        for place in quoted(&section, "- Where:") {
            let (file, function) = place.split_once("::").unwrap();
            let source = fs::read_to_string(rules.join(file).with_extension("rs")).unwrap();
            let found =
                [format!("fn {function}("), format!("fn {function}<")].iter().any(|f| source.contains(f));
            assert!(found, "{number}: {place}");
        }
    }
}

/// Each rejecting vector on disk, and one for each number.
#[test]
fn each_rule_has_a_vector() {
    let vectors = sotto_vectors::load("rejections").unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    let numbers: BTreeSet<_> = cases.iter().map(|c| c["rule"].as_str().unwrap()).collect();
    assert!(numbers.into_iter().eq(Rejection::RULES.iter().copied()));
}
