//! `sotto speed`: measures the operations of the libraries on this machine, as `openssl speed` does for
//! ciphers.
//!
//! The result is one list of named figures, each the median over some tenths of a second. A name is a key of
//! the JSON record and never changes its meaning. The measured calls are those of a node or a wallet. Figures
//! are wall time: a busy machine gives worse ones.

mod figure;
mod ledger;
mod mpc;

use crate::{
    Context, args,
    exit::{Code, Failure, OrRefuse as _, Outcome},
};
use serde_json::{Map, Value, json};
use sotto_mpc::Backend as Engine;
use sotto_mw::arithmetic::Backend as Ledger;

pub(crate) fn run(context: &Context, a: &args::Speed) -> Outcome {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(a.threads.map_or(0, usize::from))
        .build()
        .or_refuse("cannot start the threads")?;
    let threads = pool.current_num_threads();
    let (ledger, engine) = backends(&a.backend)?;
    context.ui.info("This takes about fifteen seconds.");
    let mut figures = pool.install(|| ledger::figures(&context.ui))?;
    figures.extend(mpc::figures(a.lanes)?);
    let mut human =
        format!("{threads:>10}       threads\n{ledger:>10}       ledger\n{engine:>10}       garbling\n");
    let mut fields = Map::from_iter([
        ("threads".to_owned(), json!(threads)),
        ("ledger_backend".to_owned(), json!(ledger)),
        ("engine_backend".to_owned(), json!(engine)),
    ]);
    fields.extend(a.lanes.map(|lanes| ("lanes".to_owned(), json!(lanes))));
    for f in figures {
        human += &format!("{:>10.1} {:<5} {}\n", f.value, f.unit, f.what);
        fields.insert(f.key.to_owned(), json!((f.value * 100.0).round() / 100.0));
    }
    context.output.record("speed", Value::Object(fields), &human)
}

/// Makes this process use the back ends of these names, before anything is computed; the names of both in use.
fn backends(names: &[String]) -> Outcome<(&'static str, &'static str)> {
    let (mut ledger, mut engine) = (None, None);
    for name in names {
        let theirs = Ledger::available().find(|b| b.name() == name);
        let ours = Engine::available().find(|b| b.name() == name);
        if theirs.is_none() && ours.is_none() {
            let ledger: Vec<_> = Ledger::available().map(Ledger::name).collect();
            let engine: Vec<_> = Engine::available().map(Engine::name).collect();
            return Err(Failure::new(Code::Usage, format!("this machine has no back end `{name}`"))
                .help(format!("the ledger has {}; garbling has {}", ledger.join(", "), engine.join(", "))));
        }
        (ledger, engine) = (theirs.or(ledger), ours.or(engine));
    }
    let ledger = ledger.unwrap_or_else(Ledger::detect).choose();
    Ok((ledger.name(), engine.unwrap_or_else(Engine::detect).choose().name()))
}
