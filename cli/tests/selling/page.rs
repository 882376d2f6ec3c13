//! The page docs/SALE.md, as it is printed.

use crate::selling::market::{free, record};
use crate::support::World;
use std::fs;

const PAGE: &str = include_str!("../../../docs/SALE.md");
const NAMES: [&str; 6] = ["press", "shop-1", "shop-2", "shop-3", "left", "right"];

/// The lines of the page that a reader types.
fn typed() -> String {
    let blocks = PAGE.split("```sh\n").skip(1).filter_map(|rest| rest.split_once("```"));
    blocks.map(|(block, _)| block).collect()
}

#[test]
fn the_page_runs_as_it_is_printed() {
    let world = World::empty();
    std::os::unix::fs::symlink(concat!(env!("CARGO_MANIFEST_DIR"), "/../jobs"), world.path("jobs")).unwrap();
    let mut script = typed();
    for (printed, free) in ["127.0.0.1:7711", "127.0.0.1:7712"].iter().zip(free()) {
        assert!(script.contains(printed));
        script = script.replace(printed, &free);
    }
    // Whatever happens, no process outlives the test: each job is a process group.
    let guard = "set -m\ntrap 'for job in $(jobs -p); do kill -- -$job; done 2> kills || true' EXIT\n";
    let said = world.shell(&format!("set -e\n{guard}{script}"));
    let logs =
        NAMES.map(|name| fs::read_to_string(world.path(&format!("sale/{name}.log"))).unwrap_or_default());
    assert_eq!(said.code, 0, "{said:?}\n{logs:#?}");
    for shown in ["Price    2 SOT", "Price    1 SOT", "Buy result", "The outputs are paid for.", "bought"] {
        assert!(said.out.contains(shown), "{shown}: {said:?}");
    }
    for spendable in ["2 SOT", "1.6 SOT", "1 SOT"] {
        let is_shown =
            |line: &str| line.split_once("spendable ").is_some_and(|(_, it)| it.trim() == spendable);
        assert!(said.out.lines().any(is_shown), "{spendable}: {said:?}");
    }
    let result = world.read("sale/press/job.results/press-1/result.csv");
    let rows = ["Apples,1062", "Bread,775", "Cheese,766"];
    assert!(rows.iter().all(|row| result.contains(row)), "{result}");
    let bought = record(&world.read("sale/press/job.results/press-1/bought.json"));
    assert_eq!(bought["outputs"]["result"][0]["product"], "Apples", "{bought}");
    for name in ["shop-1", "left"] {
        assert!(!world.path(&format!("sale/job.results/{name}-1/result.csv")).exists(), "{name}");
    }
}
