//! Built-in functionalities against clear computations, on random rows, and their exact costs.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use sotto_jobs::builtins::auc::{Classes, clear};
use sotto_jobs::builtins::{Auction, Builtin, JoinCount, Logistic, SumByGroup, TopK, Welch};
use sotto_jobs::multiparty::{Cells, Functionality, LocalStepError, ParameterError, Parameters};

fn range(min: i128, max: i128) -> Parameters {
    Parameters::default().with("min", min).with("max", max)
}

/// Output tables when all inputs hold.
fn results(program: &impl Functionality, parties: &[Vec<Cells>]) -> Vec<Cells> {
    let mut outputs = program.compute(parties).unwrap();
    assert_eq!(outputs.remove(0), [vec![1; parties.len()]]);
    outputs
}

fn sum_by_group(groups: usize, rows: &[usize], min: i128, max: i128, minimum: usize) -> SumByGroup {
    let names: Vec<String> = (0..groups).map(|i| format!("group {i}")).collect();
    let parameters = Parameters::default()
        .with("rows", rows.iter().map(|n| *n as i128).collect::<Vec<_>>())
        .with("groups", names.iter().map(String::as_str).collect::<Vec<_>>())
        .with("value", range(min, max))
        .with("minimum", minimum as i128);
    SumByGroup::new(&parameters).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn sums_by_group_are_the_clear_ones(
        groups in 2usize..9,
        (min, max) in prop::sample::select(vec![(0, 1), (0, 1000), (-7, 5), (-300, -1), (3, 9)]),
        minimum in 1usize..5,
        rows in prop::collection::vec((any::<prop::sample::Index>(), any::<u64>()), 0..200),
        cut in any::<prop::sample::Index>(),
    ) {
        let rows: Cells = rows
            .iter()
            .map(|(g, v)| vec![g.index(groups) as i128, min + i128::from(*v) % (max - min + 1)])
            .collect();
        let (first, second) = rows.split_at(cut.index(rows.len() + 1));
        let program = sum_by_group(groups, &[first.len() + 3, second.len().max(1)], min, max, minimum);
        let outputs = results(&program, &[vec![first.to_vec()], vec![second.to_vec()]]);
        for (k, found) in outputs[0].iter().enumerate() {
            let values: Vec<i128> = rows.iter().filter(|row| row[0] == k as i128).map(|row| row[1]).collect();
            let expected = match values.len() >= minimum {
                true => vec![1, values.len() as i128, values.iter().sum()],
                false => vec![0; 3],
            };
            prop_assert_eq!(found, &expected);
        }
    }
}

#[test]
fn sum_by_group_costs_what_it_says() {
    let gates = |rows: usize| {
        sum_by_group(8, &[rows, rows], 0, 65_535, 10).gate_stream(u64::MAX).unwrap().1.and_gates
    };
    let row = (gates(12_800) - gates(6_400)) as f64 / 12_800.0;
    // 2G(w + 1) = 272: 119 gates in the tree and 16 at its root, and at most as many again in the sums.
    assert!((240.0..272.0).contains(&row), "{row} gates a row");
}

fn rows(values: &[i128]) -> Cells {
    values.iter().map(|value| vec![*value]).collect()
}

fn counts(values: &[usize]) -> Vec<i128> {
    values.iter().map(|n| *n as i128).collect()
}

/// What an input party's local step makes of its rows.
fn local(program: &impl Functionality, party: usize, rows: &Cells) -> Result<Vec<Cells>, LocalStepError> {
    let mut local = program.local(party);
    rows.iter().try_for_each(|row| local.row(0, row))?;
    local.finish()
}

fn join_count(rows: [usize; 2], key: (i128, i128), value: Option<(i128, i128)>, minimum: i128) -> JoinCount {
    let parameters = Parameters::default()
        .with("rows", counts(&rows))
        .with("key", range(key.0, key.1))
        .with("minimum", minimum);
    let parameters = value.map_or(parameters.clone(), |(min, max)| parameters.with("value", range(min, max)));
    JoinCount::new(&parameters).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn joins_are_the_clear_ones(
        first in prop::collection::btree_set(-20i128..20, 0..20),
        second in prop::collection::btree_map(-20i128..20, -9i128..=6, 0..20),
        minimum in 1i128..4,
        with_value in any::<bool>(),
    ) {
        let most = [first.len() + 2, second.len() + 1];
        let minimum = minimum.min(*most.iter().min().unwrap() as i128);
        let program = join_count(most, (-20, 19), with_value.then_some((-9, 6)), minimum);
        let ours: Vec<i128> = first.iter().copied().collect();
        let theirs: Cells = second.iter().map(|(k, v)| if with_value { vec![*k, *v] } else { vec![*k] }).collect();
        let outputs = results(&program, &[vec![rows(&ours)], vec![theirs]]);
        let common: Vec<_> = second.iter().filter(|(key, _)| first.contains(key)).collect();
        let shown = common.len() as i128 >= minimum;
        let mut expected = vec![1, common.len() as i128];
        if with_value {
            expected.push(common.iter().map(|(_, value)| **value).sum());
        }
        expected.iter_mut().for_each(|n| *n *= i128::from(shown));
        prop_assert_eq!(&outputs[0][0], &expected);
    }

    /// Keys in any order: they hold exactly if they ascend, and otherwise everything else is zero.
    #[test]
    fn keys_out_of_order_or_twice_are_named(keys in prop::collection::vec(0i128..6, 1..5)) {
        let program = join_count([5, 3], (0, 7), None, 1);
        let outputs = program.compute(&[vec![rows(&keys)], vec![rows(&[0, 1, 2])]]).unwrap();
        let ascend = keys.windows(2).all(|pair| pair[0] < pair[1]);
        prop_assert_eq!(&outputs[0], &vec![vec![i128::from(ascend), 1]]);
        if !ascend {
            prop_assert_eq!(&outputs[1], &vec![vec![0, 0]]);
        }
        let place = keys.windows(2).position(|pair| pair[0] >= pair[1]);
        let expected = match place {
            None => Ok(vec![rows(&keys)]),
            Some(i) => Err(LocalStepError::Order { row: i + 2 }),
        };
        prop_assert_eq!(local(&program, 0, &rows(&keys)), expected);
    }

    #[test]
    fn auctions_are_the_clear_ones(bids in prop::collection::vec(0i128..12, 2..7), reserve in 1i128..12) {
        let parameters =
            Parameters::default().with("bidders", bids.len() as i128).with("bid", range(0, 11)).with("reserve", reserve);
        let program = Auction::new(&parameters).unwrap();
        let inputs: Vec<_> = bids.iter().map(|bid| vec![rows(&[*bid])]).collect();
        let outputs = results(&program, &inputs);
        let best = *bids.iter().max().unwrap();
        let winner = bids.iter().position(|bid| *bid == best).unwrap();
        let others = bids.iter().enumerate().filter(|(i, _)| *i != winner).map(|(_, bid)| *bid);
        let expected = if best < reserve { [0, 0] } else { [winner as i128 + 1, others.max().unwrap().max(reserve)] };
        prop_assert_eq!(&outputs[0], &vec![expected.to_vec()]);
    }

    #[test]
    fn the_top_is_the_clear_one(
        parties in prop::collection::vec(prop::collection::vec(0i128..6, 7), 2..4),
        items in 2usize..=7,
        k in 1usize..=7,
        minimum in 1i128..8,
    ) {
        let k = k.min(items);
        let names: Vec<String> = (0..items).map(|i| format!("item {i}")).collect();
        let parameters = Parameters::default()
            .with("owners", parties.len() as i128)
            .with("items", names.iter().map(String::as_str).collect::<Vec<_>>())
            .with("count", range(0, 5))
            .with("k", k as i128)
            .with("minimum", minimum);
        let program = TopK::new(&parameters).unwrap();
        let inputs: Vec<_> = parties.iter().map(|counts| vec![rows(&counts[..items])]).collect();
        let outputs = results(&program, &inputs);
        let mut totals: Vec<(i128, usize)> =
            (0..items).map(|i| (parties.iter().map(|counts| counts[i]).sum(), i)).collect();
        totals.sort_by_key(|(total, i)| (-total, *i));
        let row = |(total, i): &(i128, usize)| if *total >= minimum { vec![*i as i128 + 1, *total] } else { vec![0, 0] };
        let expected: Cells = totals[..k].iter().map(row).collect();
        prop_assert_eq!(&outputs[0], &expected);
        prop_assert_eq!(program.figures(&program.compute(&inputs).unwrap()).len(), expected.iter().filter(|r| r[0] > 0).count());
    }
}

fn welch(parties: i128, rows: i128, (min, max): (i128, i128), minimum: i128) -> Welch {
    let parameters = Parameters::default()
        .with("owners", parties)
        .with("rows", rows)
        .with("value", range(min, max).with("decimals", 1))
        .with("minimum", minimum);
    Welch::new(&parameters).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn arms_are_summed_over_owners(
        rows in prop::collection::vec((0usize..3, 0i128..2, -50i128..=80), 0..40),
        minimum in 2i128..8,
    ) {
        let program = welch(3, 40, (-50, 80), minimum);
        let of = |party| -> Cells {
            rows.iter().filter(|row| row.0 == party).map(|row| vec![row.1, row.2]).collect()
        };
        let inputs: Vec<_> = (0..3).map(|party| local(&program, party, &of(party)).unwrap()).collect();
        let outputs = results(&program, &inputs);
        let arm = |arm| -> Vec<i128> { rows.iter().filter(|row| row.1 == arm).map(|row| row.2).collect() };
        let shown = [arm(0), arm(1)].iter().all(|arm| arm.len() as i128 >= minimum);
        let expected = [arm(0), arm(1)].map(|arm| match shown {
            true => vec![1, arm.len() as i128, arm.iter().sum(), arm.iter().map(|x| x * x).sum()],
            false => vec![0; 4],
        });
        prop_assert_eq!(&outputs[0], &expected.to_vec());
    }

    /// Sums that no rows have: the input party is named, and nothing comes out.
    #[test]
    fn impossible_sums_do_not_hold(n in 0i128..=40, sum in -2000i128..=3200, squares in 0i128..=256_000) {
        let program = welch(2, 40, (-50, 80), 2);
        let good = vec![vec![vec![3, 10, 90, 3, 0, 50]]];
        let outputs = program.compute(&[vec![vec![vec![3, 10, 90, n, sum, squares]]], good]).unwrap();
        let possible = n * squares >= sum * sum;
        prop_assert_eq!(&outputs[0], &vec![vec![i128::from(possible), 1]]);
        if !possible {
            prop_assert_eq!(&outputs[1], &vec![vec![0; 4]; 2]);
        }
    }
}

/// Welch's own kind of table, computed by hand.
#[test]
fn welch_says_t_freedom_and_p() {
    let program = welch(2, 10, (0, 300), 2);
    let first: Cells = [(0, 275), (0, 210), (1, 271), (1, 220), (1, 234)].map(|(a, v)| vec![a, v]).to_vec();
    let second: Cells = [(0, 190), (0, 236), (0, 170), (1, 240), (1, 281)].map(|(a, v)| vec![a, v]).to_vec();
    let inputs = [local(&program, 0, &first).unwrap(), local(&program, 1, &second).unwrap()];
    let figures = program.figures(&program.compute(&inputs).unwrap());
    let value = |name: &str| figures.iter().find(|figure| figure.name == name).unwrap().value;
    let (x, y) = ([27.5, 21.0, 19.0, 23.6, 17.0f64], [27.1, 22.0, 23.4, 24.0, 28.1f64]);
    let moments = |x: &[f64]| {
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        (mean, x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (x.len() - 1) as f64 / x.len() as f64)
    };
    let ((m_0, q_0), (m_1, q_1)) = (moments(&x), moments(&y));
    assert!((value("t") - (m_1 - m_0) / (q_0 + q_1).sqrt()).abs() < 1e-9);
    let freedom = (q_0 + q_1).powi(2) / (q_0 * q_0 / 4.0 + q_1 * q_1 / 4.0);
    assert!((value("degrees of freedom") - freedom).abs() < 1e-9);
    assert!((0.05..0.5).contains(&value("p, two-sided")));
    let hidden = program.compute(&[vec![vec![vec![1, 5, 25, 0, 0, 0]]], vec![vec![vec![0; 6]]]]).unwrap();
    assert_eq!(program.figures(&hidden), []);
}

fn column(name: &str, min: i128, max: i128, decimals: i128) -> Parameters {
    range(min, max).with("name", name).with("decimals", decimals)
}

fn logistic(rows: usize, features: Vec<Parameters>, weight: (i128, i128), steps: i128) -> Logistic {
    let parameters = Parameters::default()
        .with("rows", rows as i128)
        .with("features", features)
        .with("weight", range(weight.0, weight.1).with("decimals", 2))
        .with("bias", range(-5000, 5000).with("decimals", 3))
        .with("steps", steps);
    Logistic::new(&parameters).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn scores_are_the_clear_ones(
        data in prop::collection::vec((-40i128..=70, 0i128..=99), 1..6),
        model in (-5000i128..=5000, -300i128..=300, -300i128..=300),
        (positive, steps) in (any::<bool>(), 2i128..20),
    ) {
        let weight = if positive { (0, 300) } else { (-300, 300) };
        let model = if positive { (model.0, model.1.abs(), model.2.abs()) } else { model };
        let features = vec![column("a", -40, 70, 1), column("b", 0, 99, 1)];
        let program = logistic(data.len(), features, weight, steps);
        let inputs = [
            vec![vec![vec![model.0, model.1, model.2]]],
            vec![data.iter().map(|(a, b)| vec![*a, *b]).collect::<Cells>()],
        ];
        let outputs = results(&program, &inputs);
        for ((a, b), step) in data.iter().zip(&outputs[0]) {
            let z = (model.0 + model.1 * a + model.2 * b) as f64 / 1000.0;
            let expected = steps as f64 / (1.0 + (-z).exp());
            // The clear computation rounds; the circuit is exact.
            prop_assert!(step[0] as f64 <= expected + 1e-9 && expected - 1e-9 < (step[0] + 1) as f64, "{} for {}", step[0], expected);
        }
    }
}

#[test]
fn auc_of_two_owners_is_the_clear_one() {
    let classes = [Classes { positive: 5, negative: 3 }, Classes { positive: 0, negative: 6 }];
    let parameters = Parameters::default()
        .with("positive", vec![5i128, 0])
        .with("negative", vec![3i128, 6])
        .with("measures", vec![column("a", 0, 9, 0), column("b", 0, 31, 1)]);
    let program = Builtin::new("auc@1", &parameters).unwrap();
    let row = |i: i128, class: i128| vec![class, (i * 7 + 3) % 10, (i * i * 5 + 1) % 32];
    let party = |from: i128, classes: &Classes| -> Cells {
        (0..classes.positive + classes.negative)
            .map(|i| row(from + i as i128, i128::from(i >= classes.positive)))
            .collect()
    };
    let sources = [party(0, &classes[0]), party(8, &classes[1])];
    let inputs: Vec<_> = (0..2).map(|i| local(&program, i, &sources[i]).unwrap()).collect();
    let outputs = program.compute(&inputs).unwrap();
    assert_eq!(outputs[0], [vec![1, 1]]);
    for (measure, sums) in outputs[1].iter().enumerate() {
        let of = |class| -> Vec<u32> {
            let rows = sources.iter().flatten().filter(|row| row[0] == class);
            rows.map(|row| row[1 + measure] as u32).collect()
        };
        let expected = clear(&of(0), &of(1));
        let expected = [expected.two_u, expected.sum_v10_sq, expected.sum_v01_sq].map(i128::from);
        assert_eq!(sums, &expected.to_vec());
    }
    assert_eq!(program.figures(&outputs).len(), 6);
    let short = local(&program, 0, &sources[0][1..].to_vec());
    assert_eq!(short, Err(LocalStepError::Rows { expected: 5, found: 4 }));
}

#[test]
fn a_program_is_found_by_its_name_and_its_parameters_are_checked() {
    assert!(matches!(Builtin::new("sum@1", &Parameters::default()), Err(ParameterError::Program { .. })));
    for name in Builtin::NAMES {
        assert!(Builtin::new(name, &Parameters::default()).is_err(), "{name}");
        let unknown = Builtin::new(name, &Parameters::default().with("frobnicate", 1));
        assert!(matches!(unknown, Err(ParameterError::Unknown { .. })), "{name}");
    }
    let auction = |bid: Parameters, reserve: i128| {
        let parameters = Parameters::default().with("bidders", 2).with("bid", bid).with("reserve", reserve);
        Builtin::new("auction@1", &parameters)
    };
    assert!(auction(range(0, 9), 9).is_ok());
    assert!(auction(range(0, 9), 10).is_err());
    assert!(auction(range(-1, 9), 1).is_err());
    let ids =
        [auction(range(0, 9), 1), auction(range(0, 9), 2), auction(range(0, 8), 1)].map(|p| p.unwrap().id());
    assert!(ids[0] != ids[1] && ids[0] != ids[2] && ids[1] != ids[2]);
}
