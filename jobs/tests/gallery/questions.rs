//! Questions that people ask, as sources in the Garble language: their data, and the answers by clear arithmetic on what
//! the data were made from.

use std::fmt::Write as _;

use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

use crate::gallery::data::cents;

mod orders;

use orders::{churn, fraud, quantiles, regions};

/// Files of a job's inputs, and its result as CSV.
pub(crate) struct Made {
    pub(crate) files: Vec<String>,
    pub(crate) result: String,
}

/// Every such job.
pub(crate) fn all() -> [(&'static str, Made); 10] {
    [
        ("survey", survey()),
        ("cohort", cohort()),
        ("k-means", k_means()),
        ("regression", regression()),
        ("products", products()),
        ("credit", credit()),
        ("churn", churn()),
        ("fraud", fraud()),
        ("quantiles", quantiles()),
        ("regions", regions()),
    ]
}

struct Random(ChaCha20Rng);

impl Random {
    fn new(seed: u64) -> Self {
        Self(ChaCha20Rng::seed_from_u64(seed))
    }

    /// Below `n`.
    fn below(&mut self, n: u32) -> u32 {
        self.0.next_u32() % n
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }
}

/// A cell that is empty where nothing is shown.
fn cell(shown: bool, text: impl ToString) -> String {
    if shown { text.to_string() } else { String::new() }
}

/// Few people under thirty answered at all, so their line is left out.
fn survey() -> Made {
    let rng = &mut Random::new(301);
    let (ages, answers) = (["under 30", "30 to 49", "50 and over"], ["Yes", "Partly", "No"]);
    let mut count = [[0u32; 3]; 3];
    let mut file = |rows: usize| {
        let mut text = "age,satisfied\n".to_owned();
        for _ in 0..rows {
            let age = if rng.chance(2) { 0 } else { 1 + rng.below(2) as usize };
            let satisfied = [0, 0, 1, 1, 2, age][rng.below(6) as usize];
            count[age][satisfied] += 1;
            writeln!(text, "{},{}", ages[age], answers[satisfied]).unwrap();
        }
        text
    };
    let files = [150, 120, 90].map(&mut file).to_vec();
    let mut result = "age,yes,partly,no\n".to_owned();
    for (age, count) in ages.iter().zip(count) {
        let shown = count.iter().sum::<u32>() >= 10;
        let cells = count.map(|n| cell(shown, (f64::from(n) / 5.0).round() * 5.0));
        writeln!(result, "{age},{}", cells.join(",")).unwrap();
    }
    assert!(result.contains("under 30,,,\n") && !result.contains("over,,"), "one line is left out: {result}");
    Made { files, result }
}

fn cohort() -> Made {
    let rng = &mut Random::new(302);
    let mut found = Vec::new();
    let mut file = |rows: usize| {
        let mut text = "age,diagnosis,metformin,creatinine,seen\n".to_owned();
        for _ in 0..rows {
            let age = 45 + rng.below(45);
            let diagnosis =
                ["Diabetes", "Diabetes", "Hypertension", "Asthma", "Other"][rng.below(5) as usize];
            let metformin = rng.chance(if diagnosis == "Diabetes" { 80 } else { 5 });
            let creatinine = (!rng.chance(30)).then(|| 60 + u64::from(rng.below(140)));
            let (year, month, day) = (2023 + rng.below(4), 1 + rng.below(12), 1 + rng.below(28));
            if age >= 65
                && diagnosis == "Diabetes"
                && metformin
                && year >= 2025
                && creatinine.is_none_or(|units| units < 150)
            {
                found.push(age);
            }
            let creatinine = creatinine.map(cents).unwrap_or_default();
            writeln!(text, "{age},{diagnosis},{metformin},{creatinine},{year}-{month:02}-{day:02}").unwrap();
        }
        text
    };
    let files = [180, 140].map(&mut file).to_vec();
    let mean = found.iter().sum::<u32>() * 10 / found.len() as u32;
    assert!(found.len() >= 10);
    let result = format!("patients,mean_age\n{},{}.{}\n", found.len(), mean / 10, mean % 10);
    Made { files, result }
}

/// Customers who come seldom and spend little, often and little, seldom and much.
fn k_means() -> Made {
    let rng = &mut Random::new(303);
    let centres = [(10u64, 8_000u64), (50, 9_000), (12, 40_000)];
    let mut sums = [[0u64; 3]; 3];
    let mut file = |rows: usize| {
        let mut text = "visits,spent\n".to_owned();
        for _ in 0..rows {
            let kind = rng.below(100);
            let base = if kind < 55 {
                (4, 3_000)
            } else if kind < 94 {
                (30, 12_000)
            } else {
                (6, 45_000)
            };
            let (visits, spent) = (base.0 + u64::from(rng.below(20)), base.1 + u64::from(rng.below(9_000)));
            let distance = |(x, y): (u64, u64)| x.abs_diff(visits).pow(2) + y.abs_diff(spent).pow(2);
            let nearest = (0..3).min_by_key(|k| distance(centres[*k])).unwrap();
            for (sum, value) in sums[nearest].iter_mut().zip([1, visits, spent]) {
                *sum += value;
            }
            writeln!(text, "{visits},{}", cents(spent)).unwrap();
        }
        text
    };
    let customers = [120, 100].map(&mut file);
    let mut first = "visits,spent\n".to_owned();
    centres.iter().for_each(|(visits, spent)| writeln!(first, "{visits},{}", cents(*spent)).unwrap());
    let mut result = "customers,visits,spent\n".to_owned();
    for [n, visits, spent] in sums {
        let shown = n >= 20;
        let mean = |sum: u64| sum.checked_div(n).unwrap_or(0);
        let cells = [cell(shown, n), cell(shown, mean(visits)), cell(shown, cents(mean(spent)))];
        writeln!(result, "{}", cells.join(",")).unwrap();
    }
    assert_eq!(result.matches(",,\n").count(), 1, "one centre has few customers: {result}");
    Made { files: [vec![first], customers.to_vec()].concat(), result }
}

/// Claims rise by 15.00 a year of age, with much noise.
fn regression() -> Made {
    let rng = &mut Random::new(304);
    let mut all = Vec::new();
    let mut file = |rows: usize| {
        let mut text = "age,claims\n".to_owned();
        for _ in 0..rows {
            let age = 18 + rng.below(70);
            let claims = u64::from(age * 1_500 + rng.below(60_000));
            all.push((i128::from(age), i128::from(claims)));
            writeln!(text, "{age},{}", cents(claims)).unwrap();
        }
        text
    };
    let files = [140, 110].map(&mut file).to_vec();
    // By means and deviations, not by the sums that the program uses; exact in units of 1/n.
    let n = all.len() as i128;
    let (x, y) = all.iter().fold((0, 0), |(x, y), row| (x + row.0, y + row.1));
    let (mut xy, mut xx) = (0, 0);
    for row in &all {
        let (dx, dy) = (n * row.0 - x, n * row.1 - y);
        (xy, xx) = (xy + dx * dy, xx + dx * dx);
    }
    let (by_year, at_zero) = (xy / xx, (y * xx - x * xy) / (n * xx));
    assert!((1_400..1_600).contains(&by_year) && at_zero > 0, "{by_year}");
    let show = |units: i128| cents(u64::try_from(units).unwrap());
    let result = format!("policies,at_zero,by_year\n{n},{},{}\n", show(at_zero), show(by_year));
    Made { files, result }
}

fn products() -> Made {
    let rng = &mut Random::new(305);
    let names = ["Apples", "Bread", "Cheese", "Dates", "Eggs", "Flour", "Grapes", "Honey"];
    let mut units = [0; 8];
    let mut file = |rows: usize| {
        let mut text = "product,units\n".to_owned();
        for _ in 0..rows {
            let product = rng.below(8).min(rng.below(8)) as usize;
            let sold = 1 + rng.below(20);
            units[product] += sold;
            writeln!(text, "{},{sold}", names[product]).unwrap();
        }
        text
    };
    let files = [160, 130, 100].map(&mut file).to_vec();
    let mut order: Vec<usize> = (0..8).collect();
    order.sort_by_key(|i| core::cmp::Reverse(units[*i]));
    let lines = order[..3].iter().map(|i| format!("{},{}\n", names[*i], units[*i]));
    Made { files, result: "product,units\n".to_owned() + &lines.collect::<String>() }
}

fn credit() -> Made {
    let rng = &mut Random::new(306);
    let [per_year, most_years, low_burden, late_payment, approve, refer] = [3, 10, 20, 8, 30, 18];
    let card = format!(
        "per_year,most_years,low_burden,late_payment,approve,refer\n{per_year},{most_years},{low_burden},{late_payment},{approve},{refer}\n"
    );
    let (mut applications, mut records) =
        ("income,loan,years_employed\n".to_owned(), "debts,late_payments\n".to_owned());
    let mut result = "result\n".to_owned();
    for _ in 0..40 {
        let amount = |rng: &mut Random, least: u32, span: u32| u64::from(least + rng.below(span));
        let (income, loan) = (amount(rng, 2_000_000, 8_000_000), amount(rng, 1_000_000, 15_000_000));
        let (debts, years, late) =
            (amount(rng, 0, 12_000_000), i64::from(rng.below(25)), i64::from(rng.below(5)));
        writeln!(applications, "{},{},{years}", cents(income), cents(loan)).unwrap();
        writeln!(records, "{},{late}", cents(debts)).unwrap();
        let bonus = if loan + debts < 3 * income { low_burden } else { 0 };
        let points = per_year * years.min(most_years) + bonus - late_payment * late;
        let decision = if points >= approve {
            "Approve"
        } else if points >= refer {
            "Refer"
        } else {
            "Decline"
        };
        writeln!(result, "{decision}").unwrap();
    }
    for decision in ["Approve", "Refer", "Decline"] {
        assert!(result.contains(decision));
    }
    Made { files: vec![card, applications, records], result }
}
