//! `sotto demo sale`: a result is sold, on a network of validators, by processes of this program.
//!
//! ```text
//! net local            four validators and a node for wallets
//! press                buys, with coins of three validators
//! shop-1, -2, -3       own the rows, and are paid; shop-2 also to begin; the terms of shop-3 are for the buyer alone
//! left, right          compute
//! ```
//!
//! The job is `jobs/gallery/products/sold.toml`. Checked: the result, against the same sums in the clear, and every
//! balance. A process that is still there at the end is ended, by its id.

mod processes;

use self::processes::{Running, Stage};
use super::report::{detail, line, title};
use crate::{
    Context,
    exit::{Failure, OrRefuse as _, Outcome},
    ui::GOOD,
};
use serde_json::{Value, json};
use std::{fs, net::TcpListener, path::Path, time::Instant};

const JOB: &str = include_str!("../../../../jobs/gallery/products/sold.toml");
const PROGRAM: &str = include_str!("../../../../jobs/gallery/products/program.garble.rs");
/// The rows of the shops.
const ROWS: [&str; 3] = [
    include_str!("../../../../jobs/gallery/products/data/party-1.csv"),
    include_str!("../../../../jobs/gallery/products/data/party-2.csv"),
    include_str!("../../../../jobs/gallery/products/data/party-3.csv"),
];
const SHOPS: [&str; 3] = ["shop-1", "shop-2", "shop-3"];
/// What each shop asks for, in the unit of the ledger and in base units.
const PRICES: [(&str, u64); 3] = [("2", 2_000_000_000), ("1.5", 1_500_000_000), ("1", 1_000_000_000)];
/// What one of them asks for besides, to begin.
const START: (&str, &str, u64) = ("shop-2", "0.25", 250_000_000);
const COMPUTERS: [&str; 2] = ["left", "right"];
const BUYER: &str = "press";
/// What each of three validators pays the buyer: more than the dearest price and its fees.
const COIN: &str = "3";

pub(crate) fn run(context: &Context, dir: &Path) -> Outcome {
    let started = Instant::now();
    let stage = Stage::new(context, dir)?;
    title(context, "SELL", "three shops sell what their sales say together, and show no row.")?;
    let mut network = stage.network()?;
    stage.detail("four validators seal a ledger on this machine")?;
    let addresses = wallets(&stage)?;
    fund(&stage, &addresses)?;
    agree(&stage, &addresses)?;
    let ran = trade(&stage)?;
    let (top, paid) = (bought(&ran)?, balances(&stage)?);
    network.end();
    for ((shop, _), amount) in SHOPS.iter().zip(PRICES).zip(&paid) {
        line(context, shop, &format!("was paid {amount} for {} rows that it did not show.", rows_of(shop)))?;
    }
    let sold: Vec<String> = top.iter().map(|(product, units)| format!("{product} {units}")).collect();
    line(context, "press", &format!("read, once a claim was in a block: {}.", sold.join(", ")))?;
    line(
        context,
        "Checks",
        "the result equals the one computed on the open rows, and every amount is where it belongs.",
    )?;
    detail(context, &format!("{:.0} s", started.elapsed().as_secs_f64()))?;
    let fields = json!({
        "ok": true, "result": top.iter().map(|(p, n)| json!({ "product": p, "units": n })).collect::<Vec<_>>(),
        "paid": SHOPS.iter().zip(&paid).map(|(s, a)| json!({ "payee": s, "amount": a })).collect::<Vec<_>>(),
        "seconds": started.elapsed().as_secs_f64(),
    });
    let end = format!("{GOOD}All checks passed.{GOOD:#} Experimental and unaudited (docs/SETTLEMENT.md).");
    context.output.record("demo-sale", fields, &end)
}

fn rows_of(shop: &str) -> usize {
    let rows = SHOPS.iter().position(|name| *name == shop).and_then(|i| ROWS.get(i));
    rows.map_or(0, |rows| rows.lines().count().saturating_sub(1))
}

/// Creates the wallets of buyer and shops; their addresses, the buyer's first.
fn wallets(stage: &Stage<'_>) -> Outcome<Vec<String>> {
    let names = || [BUYER].into_iter().chain(SHOPS);
    let init = |name| vec!["wallet".into(), "init".into(), "--wallet".into(), name, "--words-file".into()];
    let all = names().map(|name| {
        let mut words = init(name.to_owned());
        words.push(stage.path(&format!("{name}.words")));
        words
    });
    stage.all("node", all)?;
    let address = |name: &str| -> Outcome<String> {
        let record = stage.one("node", &["wallet", "address", "--wallet", name])?;
        let address = record["address"].as_str().map(str::to_owned);
        address.ok_or_else(|| Failure::refused("a wallet did not print its address"))
    };
    names().map(address).collect()
}

/// Three validators pay the buyer, so that it has a coin for each hold.
fn fund(stage: &Stage<'_>, addresses: &[String]) -> Outcome {
    let buyer = addresses.first().map(String::as_str).unwrap_or_default();
    for validator in ["v1", "v2", "v3"] {
        let send = ["wallet", "send", COIN, "--to", buyer, "--wallet", "rewards", "--yes"];
        stage.until(&format!("{validator} has a reward"), || {
            stage.one(validator, &send).map(|_| true).or(Ok(false))
        })?;
    }
    stage.until("the buyer has its money", || {
        let record = stage.one("node", &["wallet", "balance", "--wallet", BUYER])?;
        Ok(record["spendable"].as_str() == Some("9000000000"))
    })?;
    stage.detail("the buyer has 9 SOT, in three coins")
}

/// Keys, offers, the job, and the signatures of all.
fn agree(stage: &Stage<'_>, addresses: &[String]) -> Outcome {
    let parties = || COMPUTERS.into_iter().chain(SHOPS).chain([BUYER]);
    let words = |text: &[&str]| text.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    stage.all("node", parties().map(|name| words(&["mpc", "keygen", &stage.path(name)])))?;
    let ports = COMPUTERS.map(|_| TcpListener::bind("127.0.0.1:0"));
    let mut job = JOB.to_owned();
    for (name, port) in COMPUTERS.iter().zip(&ports) {
        let port = port.as_ref().ok().and_then(|port| port.local_addr().ok());
        let port = port.ok_or_else(|| Failure::refused("no free port"))?;
        job = job.replace(&format!("{name}.example:7700"), &port.to_string());
    }
    drop(ports);
    let model = job.split("\n[sale]\n").next().unwrap_or_default().to_owned();
    let mut files = vec![("job.toml", job.as_str()), ("model.toml", &model), ("program.garble.rs", PROGRAM)];
    let csv = SHOPS.map(|shop| format!("{shop}.csv"));
    files.extend(csv.iter().map(String::as_str).zip(ROWS));
    for (name, text) in files {
        fs::write(stage.path(name), text).or_refuse(format!("cannot write {name}"))?;
    }
    let offer = |((shop, (price, _)), address): ((&str, (&str, u64)), &String)| {
        let mut offer = words(&["mpc", "offer", "new", &stage.path("model.toml"), "--price", price, "--yes"]);
        offer.extend(words(&["--key", &stage.path(&format!("{shop}.key")), "--address", address]));
        offer.extend(words(&["--input", &stage.path(&format!("{shop}.csv"))]));
        offer.extend(words(&["--out", &stage.path(&format!("{shop}.offer"))]));
        if shop == START.0 {
            offer.extend(words(&["--start-fee", START.1]));
        }
        if shop == "shop-3" {
            offer.extend(words(&["--confidential", &stage.path(&format!("{BUYER}.pub"))]));
        }
        offer
    };
    stage.all("node", SHOPS.into_iter().zip(PRICES).zip(addresses.iter().skip(1)).map(offer))?;
    let job = stage.path("job.toml");
    let sign = |name| words(&["mpc", "sign", &job, "--key", &stage.path(&format!("{name}.key")), "--yes"]);
    stage.all("node", parties().map(sign))?;
    stage.detail("three offers, one of which only the buyer can read, and six signatures under the job")
}

/// All six run their part; the record of the buyer.
fn trade(stage: &Stage<'_>) -> Outcome<Value> {
    let job = stage.path("job.toml");
    let part = |verb: &str, name: &str, more: &[&str]| {
        let key = stage.path(&format!("{name}.key"));
        let mut words: Vec<String> =
            ["mpc", verb, &job, "--as", name, "--key", &key].map(str::to_owned).into();
        words.extend(more.iter().map(|word| (*word).to_owned()));
        words
    };
    let mut running = Vec::new();
    for name in COMPUTERS {
        running.push(stage.start("node", &part("run", name, &[]))?);
    }
    for shop in SHOPS {
        let rows = stage.path(&format!("{shop}.csv"));
        running.push(stage.start("node", &part("run", shop, &["--input", &rows, "--wallet", shop]))?);
    }
    running.push(stage.start("node", &part("buy", BUYER, &["--wallet", BUYER, "--yes"]))?);
    stage.detail("two computers, three shops and the buyer run their parts")?;
    let mut records = Running::finish(running, stage)?;
    records.pop().ok_or_else(|| Failure::refused("the buyer printed nothing"))
}

/// What the buyer read, which must be what the open rows give.
fn bought(record: &Value) -> Outcome<Vec<(String, u64)>> {
    let rows = record["outputs"]["result"].as_array().map(Vec::as_slice).unwrap_or_default();
    let read =
        |row: &Value| Some((row["product"].as_str()?.to_owned(), row["units"].as_str()?.parse().ok()?));
    let found: Vec<_> = rows.iter().filter_map(read).collect();
    if found == in_the_clear() {
        return Ok(found);
    }
    Err(Failure::refused("the result that was bought differs from the one computed in the clear")
        .why(format!("{}", record["outputs"])))
}

/// The three products of which the open rows have most; of equal ones the first in the alphabet, as in the program.
fn in_the_clear() -> Vec<(String, u64)> {
    let mut units = std::collections::BTreeMap::<&str, u64>::new();
    for row in ROWS.iter().flat_map(|rows| rows.lines().skip(1)) {
        if let Some((product, count)) = row.split_once(',') {
            *units.entry(product).or_default() += count.trim().parse().unwrap_or(0);
        }
    }
    let mut all: Vec<(String, u64)> = units.into_iter().map(|(p, n)| (p.to_owned(), n)).collect();
    all.sort_by_key(|(_, units)| core::cmp::Reverse(*units));
    all.truncate(3);
    all
}

/// What each shop has, which must be its price and start fee; and the buyer must have paid no more than that and fees.
fn balances(stage: &Stage<'_>) -> Outcome<Vec<String>> {
    let total = |name: &str| -> Outcome<u64> {
        let record = stage.one("node", &["wallet", "balance", "--wallet", name])?;
        let total = record["total"].as_str().and_then(|total| total.parse().ok());
        total.ok_or_else(|| Failure::refused("a wallet did not print its balance"))
    };
    let mut paid = Vec::new();
    for (shop, (text, price)) in SHOPS.iter().zip(PRICES) {
        let start = if *shop == START.0 { START.2 } else { 0 };
        let found = total(shop)?;
        if found != price + start {
            return Err(Failure::refused(format!(
                "{shop} has {found} base units in place of {price} + {start}"
            )));
        }
        paid.push(if start > 0 {
            format!("{text} SOT and {} SOT to begin", START.1)
        } else {
            format!("{text} SOT")
        });
    }
    let sum = PRICES.iter().map(|(_, price)| price).sum::<u64>() + START.2;
    let spent = 9_000_000_000_u64.checked_sub(total(BUYER)?);
    // Six transactions pay fees, of some ten thousand base units each.
    if spent.is_none_or(|spent| spent < sum || spent > sum + 10_000_000) {
        return Err(Failure::refused("the buyer did not pay the prices and some fees"));
    }
    Ok(paid)
}
