//! Documents against the repository: what they name exists, and what they print runs.
#![allow(clippy::unwrap_used)]

use crate::support::World;
use std::{fs, path::Path};

const REVIEWS: &str = include_str!("../../docs/REVIEWS.md");
const GUIDE: &str = include_str!("../../docs/GUIDE.md");

/// The tests that a page names, as `file::test`, or `::test` for the file before.
fn tests(page: &str) -> Vec<(&str, &str)> {
    let mut file = "";
    let named = page.split('`').skip(1).step_by(2).filter_map(|code| code.split_once("::"));
    let named = named.filter(|(path, _)| path.is_empty() || path.ends_with(".rs"));
    named
        .map(|(path, test)| {
            file = if path.is_empty() { file } else { path };
            (file, test)
        })
        .collect()
}

/// Whether a file has a test of this name.
fn has_test(file: &str, test: &str) -> bool {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    let text = fs::read_to_string(path).unwrap_or_default();
    let before = text.split_once(&format!("fn {test}(")).map(|(before, _)| before);
    before.is_some_and(|before| before.lines().rev().take(3).any(|line| line.trim().ends_with("test]")))
}

#[test]
fn each_test_of_the_reviews_exists() {
    let named = tests(REVIEWS);
    assert!(named.len() > 120, "{}", named.len());
    let missing: Vec<_> = named.iter().filter(|(file, test)| !has_test(file, test)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(!has_test("cli/tests/documents.rs", "has_test") && !has_test("cli/tests/none.rs", "tests"));
    // Each finding has a test, except one that says why it has none.
    let rows = REVIEWS.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| |"));
    assert_eq!(rows.filter(|row| !row.contains("::")).count(), 1);
}

/// The first payments of the guide, with the answers of a person who says yes.
#[test]
fn the_guide_runs_as_it_is_printed() {
    let blocks =
        GUIDE.split("```sh\n").skip(1).filter_map(|rest| rest.split_once("```")).map(|(block, _)| block);
    let lines: Vec<&str> = blocks.skip(1).take(3).flat_map(str::lines).collect();
    assert!(
        lines.len() > 20 && lines.iter().any(|line| line.contains("--to bob=0.1 --to carol=0.2 --dry-run"))
    );
    let script = lines
        .join("\n")
        .replace("sotto wallet init", "sotto wallet init --words-file $RANDOM.words")
        .replace("sotto wallet send 1.5", "sotto wallet send 1.5 --yes")
        .replace("sotto wallet receive", "sotto wallet receive --yes")
        .replace(
            "SESSION",
            "$(sotto wallet slates --all --json --wallet alice | grep -o '[0-9a-f]\\{64\\}' | head -1)",
        )
        .replace(
            "EXCESS",
            "$(sotto chain block 5 --json | grep -o '\"excess\":\"[0-9a-f]*' | head -1 | cut -c11-)",
        );
    let world = World::empty();
    let said = world.shell(&format!("set -e\n{script}"));
    assert!(said.code == 0 && said.out.contains("in or before block"), "{said:?}");
}
