//! `sotto chain change`: the validators of a ledger change who seals, fee and weight, or the version of the rules.
//!
//! ```text
//! propose ─▶ text ─▶ each validator: show, ask, sign ─▶ texts ─▶ sign joins them ─▶ a quorum ─▶ submit ─▶ a block
//! ```

mod file;
mod words;

use super::validators;
use crate::{
    Context, amounts, args,
    bridge::{ChainAt, Home, chain_failure},
    exit::{ErrorCode, Failure, OrRefuse as _, Outcome},
    output::merge,
    validator_list::vote_keys,
};
use file::ChangeFile;
use serde_json::{Value, json};
use sotto_mw::{
    amount::Height,
    chain::{Chain, RULES_VERSION},
    terms::{Announced, Change, Limits, SignedChange},
};
use sotto_wallet::armor;

/// How many blocks a change waits at most, unless told otherwise.
const WAITS: u64 = 10_000;

pub(super) fn run(context: &Context, home: &Home, command: args::ChainChange) -> Outcome {
    match command {
        args::ChainChange::Propose(a) => propose(context, home, &a),
        args::ChainChange::Sign(a) => sign(context, home, &a),
        args::ChainChange::Submit(a) => submit(context, home, &a),
        args::ChainChange::Show(a) => show(context, home, &a),
    }
}

fn propose(context: &Context, home: &Home, a: &args::ChangePropose) -> Outcome {
    let at = home.chain_to_read(&a.node)?;
    let (chain, next) = (at.chain(), at.tip_height().next());
    file::validators(chain)?;
    let expiry = a.expires.map_or_else(|| next.plus(WAITS), Height::new);
    let from = a.from.map_or_else(|| expiry.plus(chain.params().window_width), Height::new);
    let change = change(chain, a, from)?;
    let file = ChangeFile::new(chain, change, expiry)?;
    file.check(chain.terms(), chain, next)?;
    print(context, chain, "chain-change-propose", &file)
}

/// The change that the options describe.
fn change(chain: &Chain, a: &args::ChangePropose, from: Height) -> Outcome<Change> {
    if let Some(path) = &a.set {
        return validators::read(path).map(Change::Validators);
    }
    if let Some(what) = a.rules_version {
        return Ok(Change::Rules(Announced { from, what }));
    }
    let Some(fee) = &a.fee_per_weight else { return Ok(Change::WithdrawRules) };
    let fee_per_weight = amounts::in_unit(&amounts::written(fee)?, chain.unit())?;
    let max_weight = a.max_weight.unwrap_or(chain.terms().limits.max_weight);
    Ok(Change::Limits(Announced { from, what: Limits { fee_per_weight, max_weight } }))
}

fn sign(context: &Context, home: &Home, a: &args::ChangeSign) -> Outcome {
    let at = home.chain_to_read(&a.node)?;
    let (chain, next) = (at.chain(), at.tip_height().next());
    let mut files = a.files.iter().map(|path| ChangeFile::read(chain, path)).collect::<Outcome<Vec<_>>>()?;
    let mut file = files.swap_remove(0);
    files.iter().try_for_each(|other| file.join(other))?;
    if let Change::Rules(Announced { what, .. }) = file.signed.change
        && what > RULES_VERSION
    {
        return Err(Failure::coded(
            ErrorCode::UnknownRules,
            format!("this program does not know version {what} of the rules"),
        )
        .why(format!(
            "it knows versions up to {RULES_VERSION}, and would stop before the first block under the new one"
        ))
        .help("install a program that knows it, and sign then"));
    }
    file.check(chain.terms(), chain, next)?;
    let (key, new) = vote_keys(home)?;
    let (fields, human) = words::describe(chain, &file)?;
    if a.dry_run {
        return context.output.record("chain-change-plan", fields, &format!("would sign:\n{human}"));
    }
    context.ui.confirm(&format!("Sign this change of the ledger:\n{human}"), a.yes)?;
    let new = new.map(|key| key.vote_key());
    file.sign(chain, (&key.vote_key(), new.as_ref()))?;
    print(context, chain, "chain-change-sign", &file)
}

/// Prints the text of a change on standard output, and on standard error what it says.
fn print(context: &Context, chain: &Chain, kind: &str, file: &ChangeFile) -> Outcome {
    let (fields, human) = words::describe(chain, file)?;
    let text = armor::to_text(chain.id(), file);
    context.ui.info(&human);
    context.output.record(kind, merge(fields, json!({ "change": text })), &text)
}

fn submit(context: &Context, home: &Home, a: &args::ChangeSubmit) -> Outcome {
    let light = home.light(&a.node)?;
    let file = ChangeFile::read(light.chain(), &a.file)?;
    let (fields, human) = words::describe(light.chain(), &file)?;
    light.submit_change(file.signed).map_err(|e| chain_failure("the change was refused", &e))?;
    context.output.record("chain-change-submit", fields, &format!("it waits for a block:\n{human}"))
}

fn show(context: &Context, home: &Home, a: &args::ChangeShow) -> Outcome {
    let at = home.chain_to_read(&a.node)?;
    let chain = at.chain();
    if let Some(path) = &a.file {
        let (fields, human) = words::describe(chain, &ChangeFile::read(chain, path)?)?;
        return context.output.record("chain-change", fields, &human);
    }
    let (fields, mut human) = words::terms(chain, at.tip_height().next())?;
    let waits = |signed: SignedChange| {
        words::describe(chain, &ChangeFile { last_change: chain.terms().last_change, signed })
    };
    let pending = pending(&at)?.into_iter().map(waits).collect::<Outcome<Vec<_>>>()?;
    pending
        .iter()
        .for_each(|(_, text)| human += &format!("\nwaits       {}", text.replace('\n', "\n            ")));
    let pending: Vec<Value> = pending.into_iter().map(|(fields, _)| fields).collect();
    context.output.record("chain-terms", merge(fields, json!({ "pending": pending })), &human)
}

/// The changes that wait for a block: only a node knows of any.
fn pending(at: &ChainAt) -> Outcome<Vec<SignedChange>> {
    match at {
        ChainAt::Disk(_) => Ok(Vec::new()),
        ChainAt::Node(light) => light.pending_changes().or_refuse("cannot ask the node"),
    }
}
