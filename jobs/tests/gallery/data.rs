//! The data of the gallery: real ones as they are, all else from seeds.

use std::fmt::Write as _;

use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

use crate::gallery::questions;

/// The real data: class and 30 measures of each patient, as text.
fn patients() -> Vec<Vec<String>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/data/breast_cancer.csv");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(|line| line.split(',').map(str::to_string).collect()).collect()
}

/// Lines of some of the fields of some patients.
fn lines(patients: &[Vec<String>], fields: &[usize]) -> String {
    let line = |patient: &Vec<String>| {
        fields.iter().map(|i| patient[*i].clone()).collect::<Vec<_>>().join(",") + "\n"
    };
    patients.iter().map(line).collect()
}

pub(crate) fn cents(amount: u64) -> String {
    format!("{}.{:02}", amount / 100, amount % 100)
}

/// Every file of data, by job and input party. Real data are taken as they are; all else follows from seeds.
pub(crate) fn data() -> Vec<(&'static str, Vec<String>)> {
    let patients = patients();
    let hospital = |rows: &[Vec<String>]| {
        let names = "class,mean radius,mean texture,mean smoothness,worst perimeter,worst concave points\n";
        names.to_string() + &lines(rows, &[30, 0, 1, 4, 22, 27])
    };
    let arms = |rows: &[Vec<String>]| "arm,value\n".to_string() + &lines(rows, &[30, 1]);
    let clinic = "mean texture,mean perimeter,worst texture,worst perimeter\n".to_string()
        + &lines(&patients[300..360], &[1, 2, 21, 22]);
    let questions = questions::all().map(|(name, made)| (name, made.files));
    let mut all = vec![
        ("auc", vec![hospital(&patients[..284]), hospital(&patients[284..])]),
        ("welch", vec![arms(&patients[..190]), arms(&patients[190..380]), arms(&patients[380..])]),
        ("scoring", vec![model(), clinic]),
        ("join", registers()),
        ("pay-gap", (0..3).map(payroll).collect()),
        (
            "auction",
            ["48250.00", "61999.99", "60500.50", "12000.00"].map(|bid| format!("bid\n{bid}\n")).to_vec(),
        ),
        ("top-k", (0..3).map(reports).collect()),
        (
            "median",
            ["first\n41200\n38900\n52750\n", "second\n36400\n61000\n44100\n", "third\n39950\n47300\n43800\n"]
                .map(str::to_string)
                .to_vec(),
        ),
    ];
    all.extend(questions);
    all
}

/// A model that was fitted in the clear to the first 284 patients (gradient descent on standardised columns,
/// 3,000 steps, slight decay), and rounded.
fn model() -> String {
    "bias,mean texture,mean perimeter,worst texture,worst perimeter\n-16.71340,0.032,0.047,0.157,0.072\n"
        .into()
}

/// Ascending keys of two registers, of which about a third are in both.
fn registers() -> Vec<String> {
    let rng = &mut ChaCha20Rng::seed_from_u64(11);
    let (mut first, mut second) = ("key\n".to_string(), "key,value\n".to_string());
    let mut key = 10_000_000u64;
    for _ in 0..760 {
        key += 1 + u64::from(rng.next_u32() % 100_000);
        let (place, value) = (rng.next_u32() % 100, u64::from(rng.next_u32() % 2_000_000));
        if place < 60 {
            writeln!(first, "{key}").unwrap();
        }
        if !(20..=70).contains(&place) {
            writeln!(second, "{key},{}", cents(value)).unwrap();
        }
    }
    vec![first, second]
}

/// A company's pay: leads earn more, and so do men by 4 %; on the boards there are few women.
fn payroll(company: u64) -> String {
    let rng = &mut ChaCha20Rng::seed_from_u64(100 + company);
    let mut text = "group,value\n".to_string();
    for _ in 0..200 + company * 20 {
        let level = [0, 0, 0, 0, 1, 1, 1, 2, 2, 3][rng.next_u32() as usize % 10];
        let men = [50, 60, 65, 97][level as usize];
        let man = u64::from(rng.next_u32() % 100 < men);
        let base = [320_000, 290_000, 560_000, 1_400_000][level as usize];
        let pay = base * (100 + 4 * man) / 100 * (70 + u64::from(rng.next_u32() % 61)) / 100;
        writeln!(text, "{},{}", 2 * level + man, cents(pay)).unwrap();
    }
    text
}

/// A clinic's counts of reported effects.
fn reports(clinic: u64) -> String {
    let rng = &mut ChaCha20Rng::seed_from_u64(200 + clinic);
    let counts = (0..16).map(|i| format!("{}\n", (rng.next_u32() % 200) / (1 + i % 5)));
    format!("count\n{}", counts.collect::<String>())
}
