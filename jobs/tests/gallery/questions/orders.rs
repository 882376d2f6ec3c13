//! More questions, those about two lists and about orders of rows.

use std::fmt::Write as _;

use super::{Made, Random, cell};
use crate::gallery::data::cents;

/// Addresses in no order, of which some are in both files, and one person who came before leaving.
pub(super) fn churn() -> Made {
    let rng = &mut Random::new(307);
    let (mut lost, mut won) = ("0,1.0,1.1\n".to_owned(), "0,1\n".to_owned());
    let (mut customers, mut months, mut rivals) = (0, 0, 0);
    for i in 0..80 {
        let address = format!("customer.{}@example.org", i * 7_919 % 80);
        let (day, with_us) = (1 + rng.below(28), 1 + rng.below(60));
        writeln!(lost, "{address},2026-01-{day:02},{with_us}").unwrap();
        if rivals < 40 && rng.chance(60) {
            rivals += 1;
            let (month, came) = (1 + rng.below(9), 1 + rng.below(28));
            writeln!(won, "{address},2026-{month:02}-{came:02}").unwrap();
            // Days of the year, in one without a leap day.
            let before = [0, 31, 59, 90, 120, 151, 181, 212, 243][month as usize - 1];
            if (day..day + 183).contains(&(before + came)) {
                (customers, months) = (customers + 1, months + with_us);
            }
        }
    }
    (rivals..60).for_each(|i| writeln!(won, "other.{i}@example.org,2026-03-01").unwrap());
    assert!(customers >= 10 && customers < rivals);
    Made {
        files: vec![lost, won],
        result: format!("customers,mean_months\n{customers},{}\n", months / customers),
    }
}

/// Transfers by ascending reference; the second bank has some of the first's, and some of others.
pub(super) fn fraud() -> Made {
    let rng = &mut Random::new(308);
    let (mut sent, mut received) = ("0,1.0,1.1\n".to_owned(), "0,1\n".to_owned());
    let (mut count, mut total, mut rows) = (0, 0, 0);
    let mut reference = 500_000;
    for _ in 0..60 {
        reference += 2 + rng.below(900);
        let amount = if rng.chance(40) { 900_000 + rng.below(100_000) } else { 1_000 + rng.below(3_000_000) };
        let days = if rng.chance(50) { rng.below(90) } else { 90 + rng.below(4_000) };
        writeln!(sent, "{reference},{},{days}", cents(amount.into())).unwrap();
        if rows < 50 && rng.chance(75) {
            rows += 1;
            let share = if rng.chance(60) { 92 } else { rng.below(88) };
            let withdrawn = u64::from(amount) * u64::from(share) / 100;
            writeln!(received, "{reference},{}", cents(withdrawn)).unwrap();
            if (900_000..1_000_000).contains(&amount) && days < 90 && share == 92 {
                (count, total) = (count + 1, total + u64::from(amount));
            }
        }
    }
    for _ in rows..50 {
        reference += 1 + rng.below(900);
        writeln!(received, "{reference},{}", cents(rng.below(900_000).into())).unwrap();
    }
    assert!(count >= 3 && rows < 50);
    Made { files: vec![sent, received], result: format!("transfers,amount\n{count},{}\n", cents(total)) }
}

pub(super) fn quantiles() -> Made {
    let rng = &mut Random::new(309);
    let mut all = Vec::new();
    let mut file = |name: &str, rows: usize| {
        let mut text = format!("{name}\n");
        for _ in 0..rows {
            let pay = 20_000 + rng.below(30_000) + if rng.chance(20) { rng.below(80_000) } else { 0 };
            all.push(pay);
            writeln!(text, "{pay}").unwrap();
        }
        text
    };
    let files = [("first", 40), ("second", 35), ("third", 30)].map(|(name, rows)| file(name, rows)).to_vec();
    all.sort_unstable();
    let of = |percent: usize| all[(percent * all.len()).div_ceil(100) - 1];
    let lines = [10, 25, 50, 75, 90].map(|percent| format!("{}\n", of(percent)));
    Made { files, result: format!("result\n{}", lines.concat()) }
}

/// Few households are in the west.
pub(super) fn regions() -> Made {
    let rng = &mut Random::new(310);
    let names = ["North", "South", "East", "West"];
    let mut incomes = [const { Vec::new() }; 4];
    let mut file = |rows: usize| {
        let mut text = "region,income\n".to_owned();
        for _ in 0..rows {
            let region = if rng.chance(3) { 3 } else { rng.below(3) as usize };
            let income = 12_000 + 6_000 * region as u32 + rng.below(60_000);
            incomes[region].push(income);
            writeln!(text, "{},{income}", names[region]).unwrap();
        }
        text
    };
    let files = [50, 40].map(&mut file).to_vec();
    let mut result = "region,households,income\n".to_owned();
    for (name, incomes) in names.iter().zip(&mut incomes) {
        incomes.sort_unstable();
        let (n, shown) = (incomes.len(), incomes.len() >= 8);
        let median = if shown { incomes[n.div_ceil(2) - 1] } else { 0 };
        writeln!(result, "{name},{},{}", cell(shown, n), cell(shown, median)).unwrap();
    }
    assert!(result.ends_with("West,,\n"), "{result}");
    Made { files, result }
}
