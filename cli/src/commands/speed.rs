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
    exit::{OrRefuse as _, Outcome},
};
use serde_json::{Map, Value, json};

pub(crate) fn run(context: &Context, a: &args::Speed) -> Outcome {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(a.threads.map_or(0, usize::from))
        .build()
        .or_refuse("cannot start the threads")?;
    let threads = pool.current_num_threads();
    context.ui.info("This takes about fifteen seconds.");
    let mut figures = pool.install(|| ledger::figures(&context.ui))?;
    figures.extend(mpc::figures()?);
    let mut human = format!("{threads:>10}       threads\n");
    let mut fields = Map::from_iter([("threads".to_owned(), json!(threads))]);
    for f in figures {
        human += &format!("{:>10.1} {:<5} {}\n", f.value, f.unit, f.what);
        fields.insert(f.key.to_owned(), json!((f.value * 100.0).round() / 100.0));
    }
    context.output.record("speed", Value::Object(fields), &human)
}
