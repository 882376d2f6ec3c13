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
use serde_json::json;
use sotto_mw::{
    chain::Chain,
    codec::Encode,
    schnorr::PublicKey,
    validators::{Validator, ValidatorSet},
};
use sotto_node::{
    consensus::{DoubleCertificate, Evidence},
    edge::chain_dir::read_evidence,
    ledger::equivocations::Equivocations,
};
use std::{fs::File, io::Read, path::Path};

pub(crate) fn run(context: &Context, a: args::NodeEvidence) -> Outcome {
    let here = Here::of(&Home::of(&context.config))?;
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
        Some(args::EvidenceVerb::Verify(a)) => {
            let bytes = read(&a.file)?;
            let read = Equivocations::from_file(&bytes);
            let invalid = |why: String| {
                let what = format!("the evidence in {} does not hold", a.file.display());
                Failure::coded(ErrorCode::InvalidEvidence, what).why(why)
            };
            let (chain, found) = read.map_err(|e| invalid(e.to_string()))?;
            if chain != *here.chain.id() {
                let why = format!("it is of chain {chain}");
                return Err(
                    Failure::coded(ErrorCode::OtherChain, "the evidence is of another chain").why(why)
                );
            }
            if let Some(double) = found.doubles().iter().find(|d| here.set_of(d).is_none()) {
                return Err(invalid(format!(
                    "no validators known here have sealed both blocks of height {}",
                    double.height
                )));
            }
            here.list(context, &found, "holds")
        }
    }
}

/// A file of evidence, or the beginning of one that is too long to be one.
fn read(path: &Path) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(Equivocations::MAX_BYTES + 1).read_to_end(&mut bytes))
        .or_refuse(format!("cannot read {}", path.display()))?;
    Ok(bytes)
}

/// The chain in this folder, and the evidence beside it.
struct Here {
    chain: Chain,
    kept: Equivocations,
}

impl Here {
    fn of(home: &Home) -> Outcome<Self> {
        let (chain, kept) = read_evidence(&home.chain()).or_refuse("cannot read the evidence")?;
        Ok(Self { chain, kept })
    }

    /// The validators that are known here: those of the next block, and the first.
    fn sets(&self) -> Vec<ValidatorSet> {
        let terms = [self.chain.terms().clone(), self.chain.params().first_terms()];
        terms.iter().filter_map(|terms| terms.sealing.validators().cloned()).collect()
    }

    fn set_of(&self, double: &DoubleCertificate) -> Option<ValidatorSet> {
        self.sets().into_iter().find(|set| double.holds(self.chain.id(), set))
    }

    fn validator(&self, key: &PublicKey) -> Option<Validator> {
        self.sets().into_iter().find_map(|set| set.get(set.index_of(key)?).cloned())
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
        let name = self.validator(evidence.culprit()).map(|v| v.name.to_string());
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
        let set = self.set_of(double);
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
