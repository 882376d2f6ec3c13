//! `sotto demo`: the main job, end to end, on real data, on a machine where nothing is configured.
//!
//! Part one (`payments`) pays confidentially on a ledger of its own; part two (`joint`) lets two processes compute over both
//! hospitals' patients. Everything is checked again in the clear, and any check that fails ends the demo with exit code 1.

mod joint;
mod network;
mod payments;
mod relay;

use crate::{
    Context, args,
    bridge::Home,
    exit::{Context as _, Failure, Outcome},
    ui::GOOD,
};
use serde_json::json;
use std::{fs, path::PathBuf};
use tempfile::TempDir;

pub(crate) fn run(context: &Context, a: &args::Demo) -> Outcome {
    let scratch = Scratch::make(context)?;
    let home = Home { dir: scratch.dir.join("ledger"), state: scratch.dir.join("state") };
    let say = |text: &str| context.output.story(text);
    say("PART ONE  A confidential ledger\n")?;
    let ledger = payments::run(context, &home, a.sabotage)?;
    say("\nPART TWO  Two hospitals compute jointly\n")?;
    let joint = joint::run(context, &scratch.dir, a.sabotage)?;
    let fields = json!({ "ok": true, "ledger": ledger, "mpc": joint });
    let kept = match scratch.temporary {
        Some(_) => String::new(),
        None => format!("\nEverything is kept in {}.", scratch.dir.display()),
    };
    let end = format!(
        "\n{GOOD}All checks passed.{GOOD:#} This cryptography is unaudited: see docs/THREATS.md.{kept}"
    );
    context.output.record("demo", fields, &end)
}

/// Where the demo works: the user's --dir, kept; or a folder of its own, which nobody can guess or look into, removed at the
/// end.
struct Scratch {
    dir: PathBuf,
    temporary: Option<TempDir>,
}

impl Scratch {
    fn make(context: &Context) -> Outcome<Self> {
        if context.config.dir.origin != "flag" {
            let temporary = tempfile::Builder::new().prefix("sotto-demo-").tempdir();
            let temporary = temporary.or_refuse("no temporary folder can be made")?;
            return Ok(Self { dir: temporary.path().to_owned(), temporary: Some(temporary) });
        }
        let dir = context.config.dir.value.clone();
        let empty = fs::read_dir(&dir).map_or(true, |mut d| d.next().is_none());
        if !empty {
            return Err(Failure::refused(format!("{} is not empty", dir.display()))
                .advice("The demo starts from nothing: give a new folder with --dir."));
        }
        fs::create_dir_all(&dir).or_refuse(format!("{} cannot be made", dir.display()))?;
        Ok(Self { dir, temporary: None })
    }
}
