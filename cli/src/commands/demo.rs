//! `sotto demo`: confidential payments and a joint computation, end to end, where nothing is configured.
//!
//! Part one (`payments`) pays on a ledger of its own, through five nodes (`network`). Part two (`joint`) lets
//! two processes compute over the patients of two hospitals; `tamper` alters their messages for `--sabotage`.
//! `sale` is a demo of its own: a result that is bought, on a network of validators.
//! Every result is checked against the same computation in the clear. The first check that fails ends the
//! demo with exit code 1.
//!
//! By default the demo prints at most twelve lines; `--verbose` adds what lies behind them.

mod joint;
mod network;
mod payments;
mod report;
mod sale;
mod tamper;

use crate::{
    Context, args,
    bridge::Home,
    exit::{Failure, OrRefuse as _, Outcome},
    ui::{GOOD, Volume},
};
use serde_json::json;
use std::{fs, path::PathBuf};
use tempfile::TempDir;

pub(crate) fn run(context: &Context, a: &args::Demo) -> Outcome {
    let scratch = Scratch::make(context)?;
    if let Some(args::DemoPart::Sale(_)) = a.part {
        return sale::run(context, &scratch.dir);
    }
    let (dir, state) = (scratch.dir.join("ledger"), scratch.dir.join("state"));
    let home = Home { dir, state, lock_wait: context.config.lock_wait, to_read: false };
    let ledger = payments::run(context, &home, a.sabotage)?;
    context.output.text("")?;
    let joint = joint::run(context, &scratch.dir, a.sabotage)?;
    let fields = json!({ "ok": true, "ledger": ledger, "mpc": joint });
    let more = match (&scratch.temporary, context.ui.volume) {
        (None, _) => format!(" Everything is kept in {}.", scratch.dir.display()),
        (_, Volume::Verbose) => String::new(),
        _ => " Details: sotto demo --verbose".to_owned(),
    };
    let end =
        format!("{GOOD}All checks passed.{GOOD:#} The cryptography is unaudited (docs/THREATS.md).{more}");
    context.output.record("demo", fields, &end)
}

/// Where the demo works: the new folder given with --dir, which stays, or a temporary one, which is removed
/// at the end.
struct Scratch {
    dir: PathBuf,
    temporary: Option<TempDir>,
}

impl Scratch {
    fn make(context: &Context) -> Outcome<Self> {
        if context.config.dir.origin != "flag" {
            let temporary = tempfile::Builder::new().prefix("sotto-demo-").tempdir();
            let temporary = temporary.or_refuse("cannot create a temporary folder")?;
            return Ok(Self { dir: temporary.path().to_owned(), temporary: Some(temporary) });
        }
        let dir = context.config.dir.value.clone();
        let empty = fs::read_dir(&dir).map_or(true, |mut d| d.next().is_none());
        if !empty {
            return Err(Failure::refused(format!("{} is not empty", dir.display()))
                .help("pass a new folder with --dir: the demo creates everything in it"));
        }
        fs::create_dir_all(&dir).or_refuse(format!("cannot create {}", dir.display()))?;
        Ok(Self { dir, temporary: None })
    }
}
