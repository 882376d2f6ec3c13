//! `sotto node evidence`: validators that signed two things, and heights with two certificates.
//!
//! It reads the file that the node keeps, and disturbs no running node.

use crate::{
    Context, args,
    bridge::{Home, hex},
    exit::{ErrorCode, Failure, OrRefuse as _, Outcome},
    new_file::NewFile,
    output::counted,
};
use core::{cell::OnceCell, fmt::Display};
use serde_json::json;
use sotto_mw::{
    amount::Height,
    chain::{Chain, ChainId},
    codec::Encode,
    history::History,
    validators::ValidatorSet,
};
use sotto_node::{
    consensus::{DoubleCertificate, Evidence},
    edge::chain_dir::{DiskStore, read_evidence},
    ledger::equivocations::Equivocations,
};
use std::{fs::File, io::Read, path::Path};

pub(crate) fn run(context: &Context, a: args::NodeEvidence) -> Outcome {
    let here = Here::of(Home::of(&context.config))?;
    match a.verb {
        None => here.list(context, &here.kept, "kept"),
        Some(args::EvidenceVerb::Export(a)) => {
            let file = NewFile::public(&a.file, a.force, &context.config);
            file.write_all(&here.kept.to_file(here.chain.id()))?;
            let (cases, doubles) = (here.kept.all().len(), here.kept.doubles().len());
            let human =
                format!("{} written to {}", counted((cases + doubles) as u64, "case"), a.file.display());
            context.output.record(
                "node-evidence-export",
                json!({ "cases": cases, "doubles": doubles }),
                &human,
            )
        }
        Some(args::EvidenceVerb::Verify(a)) => here.list(context, &here.verified(&a.file)?, "holds"),
        Some(args::EvidenceVerb::Account(a)) => super::accounts::export(context, &here, &a),
        Some(args::EvidenceVerb::Judge(a)) => super::accounts::judge(context, &here, &a),
    }
}

/// The failure of a file that holds no such thing.
pub(super) fn invalid(what: &str, file: &Path, why: impl Display) -> Failure {
    let what = format!("the {what} in {} does not hold", file.display());
    Failure::coded(ErrorCode::InvalidEvidence, what).why(why)
}

/// A file of at most so many bytes, or the beginning of one that is longer.
pub(super) fn read(path: &Path, most: u64) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(most + 1).read_to_end(&mut bytes))
        .or_refuse(format!("cannot read {}", path.display()))?;
    Ok(bytes)
}

/// The chain in this folder, and the evidence beside it.
pub(super) struct Here {
    pub(super) home: Home,
    pub(super) chain: Chain,
    pub(super) kept: Equivocations,
    /// The terms of all heights, once they were needed; none while a node runs.
    history: OnceCell<Option<History>>,
}

impl Here {
    fn of(home: Home) -> Outcome<Self> {
        let (chain, kept) = read_evidence(&home.chain()).or_refuse("cannot read the evidence")?;
        Ok(Self { home, chain, kept, history: OnceCell::new() })
    }

    /// The evidence in a file, which holds on this chain.
    pub(super) fn verified(&self, file: &Path) -> Outcome<Equivocations> {
        let bytes = read(file, Equivocations::MAX_BYTES)?;
        let (chain, found) = Equivocations::from_file(&bytes).map_err(|e| invalid("evidence", file, e))?;
        self.is_of(chain, "evidence")?;
        for double in found.doubles() {
            let set = self.set_at(double.height)?;
            if !set.is_some_and(|set| double.holds(self.chain.id(), &set)) {
                let why = format!("the validators of height {} did not seal both blocks", double.height);
                return Err(invalid("evidence", file, why));
            }
        }
        Ok(found)
    }

    pub(super) fn is_of(&self, chain: ChainId, what: &str) -> Outcome {
        if chain == *self.chain.id() {
            return Ok(());
        }
        let why = format!("it is of chain {chain}");
        Err(Failure::coded(ErrorCode::OtherChain, format!("the {what} is of another chain")).why(why))
    }

    /// The validators of a height. Those since the last change are in a file that a running node replaces whole;
    /// earlier ones are in the log.
    pub(super) fn set_at(&self, height: Height) -> Outcome<Option<ValidatorSet>> {
        let terms = self.chain.terms();
        let sealing = match &terms.announced_validators {
            Some(next) if next.from <= height => return Ok(Some(next.what.clone())),
            _ if terms.last_change == Height::GENESIS || height >= terms.last_change.plus(2) => {
                &terms.sealing
            }
            _ => {
                let read = || DiskStore::open_read_only(&self.home.chain()).map(|s| s.history().clone()).ok();
                let history = self.history.get_or_init(read).as_ref();
                let unknown = || {
                    let what = format!("the validators of height {height} are not known");
                    Failure::refused(what)
                        .why("they have changed since, and the chain cannot be opened")
                        .help("if a node runs in that folder, stop it first")
                };
                &history.ok_or_else(unknown)?.at(height).sealing
            }
        };
        Ok(sealing.validators().cloned())
    }

    /// The same for a list, which does without.
    fn known_at(&self, height: Height) -> Option<ValidatorSet> {
        self.set_at(height).ok().flatten()
    }

    fn list(&self, context: &Context, all: &Equivocations, verdict: &str) -> Outcome {
        if all.all().is_empty() && all.doubles().is_empty() {
            context.ui.info("There is no evidence against a validator.");
        }
        all.all().iter().try_for_each(|evidence| self.case(context, evidence, verdict))?;
        all.doubles().iter().try_for_each(|double| self.double(context, double, verdict))
    }

    fn case(&self, context: &Context, evidence: &Evidence, verdict: &str) -> Outcome {
        let (place, key) = (evidence.place(), hex(&evidence.culprit().to_bytes()));
        let set = self.known_at(place.height);
        let validator = set.as_ref().and_then(|set| set.get(set.index_of(evidence.culprit())?));
        let name = validator.map(|v| v.name.to_string());
        let who = name.as_deref().unwrap_or("a validator that is not known here");
        let human = format!(
            "{verdict:6} height {}, round {}: {who} (vote key {key}) signed two {}s",
            place.height,
            place.round,
            place.kind()
        );
        let fields = json!({
            "kind": place.kind(), "height": place.height.get(), "round": place.round, "name": name,
            "vote_key": key, "evidence": hex(&evidence.to_bytes()), "verdict": verdict,
        });
        context.output.record("node-evidence", fields, &human)
    }

    fn double(&self, context: &Context, double: &DoubleCertificate, verdict: &str) -> Outcome {
        let set = self.known_at(double.height);
        let name = |place| Some(set.as_ref()?.get(place)?.name.to_string());
        let signers: Vec<String> = double.signers_of_both().filter_map(name).collect();
        let guilty = double.is_of_one_round();
        let who = if guilty { "guilty" } else { "suspects" };
        let human = format!(
            "{verdict:6} height {}: certificates for {} and {}; {who}: {}",
            double.height,
            double.first.0,
            double.second.0,
            if signers.is_empty() { "not known here".into() } else { signers.join(", ") }
        );
        let fields = json!({
            "kind": "certificates", "height": double.height.get(), "first": double.first.0.to_string(),
            "second": double.second.0.to_string(), "one_round": guilty, "signers": signers,
            "evidence": hex(&double.to_bytes()), "verdict": verdict,
        });
        context.output.record("node-evidence", fields, &human)
    }
}
