//! `sotto node evidence account` and `judge`: who is guilty of two certificates in different rounds.

use super::kept_evidence::{Here, invalid, read};
use crate::{
    Context, args,
    bridge::hex,
    exit::{Failure, OrRefuse as _, Outcome},
    new_file::NewFile,
};
use serde_json::json;
use sotto_mw::{amount::Height, validators::ValidatorSet, votes::VoteKind};
use sotto_node::{
    consensus::{
        Accounts, DoubleCertificate,
        account::{Breach, SignedAccount, Step},
        accountability::{self, Guilt, JudgeError, Judged, Verdict},
    },
    edge::saved_files::{SavedFile, SavedFiles},
};
use std::path::{Path, PathBuf};

/// Writes the account that this validator keeps of a height.
pub(super) fn export(context: &Context, here: &Here, a: &args::EvidenceAccount) -> Outcome {
    let last = here.kept.doubles().iter().rfind(|d| !d.is_of_one_round()).map(|d| d.height);
    let height = a.height.map(Height::new).or(last).ok_or_else(|| {
        Failure::refused("no height has two certificates of different rounds")
            .help("pass a height with --height")
    })?;
    let kept = SavedFiles::existing(&here.home.node());
    let bytes = kept.read(SavedFile::Accounts).or_refuse("cannot read the accounts")?;
    let all = bytes.map_or_else(
        || Ok(Accounts::default()),
        |bytes| read_accounts(here, &bytes, &here.home.node().join("accounts")),
    )?;
    let account = all.of_height(height);
    if account.all().next().is_none() {
        let why = "this validator did not vote against what it had precommitted to, or it is too long ago";
        return Err(Failure::refused(format!("there is no account of height {height} here")).why(why));
    }
    NewFile::public(&a.file, a.force, &context.config).write_all(&account.to_file(here.chain.id()))?;
    let human = format!("account of height {height} written to {}", a.file.display());
    context.output.record("node-evidence-account", json!({ "height": height.get() }), &human)
}

/// Judges, and says so of each validator.
pub(super) fn judge(context: &Context, here: &Here, a: &args::EvidenceJudge) -> Outcome {
    let evidence = a.evidence.as_ref().map(|file| here.verified(file)).transpose()?;
    let doubles = evidence.as_ref().unwrap_or(&here.kept).doubles();
    let mut accounts: Vec<(&PathBuf, SignedAccount)> = Vec::new();
    for file in &a.files {
        let found = read_accounts(here, &read(file, Accounts::MAX_BYTES as u64)?, file)?;
        if let Some(other) = found.all().find(|s| doubles.iter().all(|d| d.height != s.account.height)) {
            let why = format!("no two certificates of height {} are here", other.account.height);
            return Err(invalid("account", file, why));
        }
        accounts.extend(found.all().map(|signed| (file, signed.clone())));
    }
    let heights = doubles.iter().filter(|d| accounts.iter().any(|(_, s)| s.account.height == d.height));
    let mut judged = Vec::new();
    for double in heights {
        let of_height: Vec<_> = accounts.iter().filter(|(_, s)| s.account.height == double.height).collect();
        let signed: Vec<_> = of_height.iter().map(|(_, s)| s.clone()).collect();
        let set =
            here.set_at(double.height)?.ok_or_else(|| Failure::refused("an operator seals this chain"))?;
        let all = accountability::judge(here.chain.id(), &set, double, &signed).map_err(|e| match e {
            JudgeError::Account(i, why) => {
                let file = of_height.get(i).map_or(Path::new(""), |(file, _)| file.as_path());
                invalid("account", file, why)
            }
            JudgeError::Certificates => Failure::refused("nothing can be judged").why(e),
        })?;
        judged.push((double, set, all));
    }
    judged.iter().try_for_each(|(double, set, all)| show(context, double, set, all))
}

fn read_accounts(here: &Here, bytes: &[u8], file: &Path) -> Outcome<Accounts> {
    let (chain, accounts) = Accounts::from_file(bytes).map_err(|e| invalid("account", file, e))?;
    here.is_of(chain, "account").map(|()| accounts)
}

fn show(context: &Context, double: &DoubleCertificate, set: &ValidatorSet, all: &[Judged]) -> Outcome {
    for Judged { place, verdict } in all {
        let Some(validator) = set.get(*place) else { continue };
        let (word, why) = words(*verdict);
        let human = format!("{word:10}  height {}: {}, {why}", double.height, validator.name);
        let fields = json!({
            "height": double.height.get(), "name": validator.name.to_string(),
            "vote_key": hex(validator.vote_key.as_bytes()), "power": validator.power.get(),
            "verdict": word, "why": why,
        });
        context.output.record("node-evidence-verdict", fields, &human)?;
    }
    let (guilty, total) = (accountability::guilty_power(set, all), set.total());
    let enough = set.has_honest(guilty);
    let more = if enough { "more than a third" } else { "the accounts of more suspects are needed" };
    let human = format!("guilty: {guilty} of {total} of the power, {more}");
    let fields = json!({
        "height": double.height.get(), "guilty_power": guilty, "total_power": total, "more_than_a_third": enough,
    });
    context.output.record("node-evidence-judged", fields, &human)
}

fn words(verdict: Verdict) -> (&'static str, String) {
    match verdict {
        Verdict::Guilty(Guilt::TwoVotes(step)) => ("guilty", format!("it signed two {}", vote(step, "s"))),
        Verdict::Guilty(Guilt::Omitted(step)) => {
            ("guilty", format!("its account leaves out a {} that it signed", vote(step, "")))
        }
        Verdict::Guilty(Guilt::Breach(Breach::NoPolka { round })) => {
            ("guilty", format!("it precommitted in round {round} without a quorum of prevotes"))
        }
        Verdict::Guilty(Guilt::Breach(Breach::AgainstLock { round, locked })) => {
            let why = format!(
                "it prevoted in round {round} against its lock of round {locked}, without a quorum of prevotes since"
            );
            ("guilty", why)
        }
        Verdict::Cleared => ("cleared", "it followed quorums of prevotes".into()),
        Verdict::NoAccount => ("no-account", "a suspect: no account here reaches its last vote".into()),
    }
}

fn vote((round, kind): Step, s: &str) -> String {
    let kind = match kind {
        VoteKind::Prevote => "prevote",
        VoteKind::Precommit => "precommit",
    };
    format!("{kind}{s} of round {round}")
}
