//! `sotto node evidence`: validators that signed two things, and heights with two certificates.
//!
//! It reads the file that the node keeps, and disturbs no running node.

use super::{accounts, kept_evidence::Here};
use crate::{Context, args, bridge::hex, exit::Outcome, new_file::NewFile, output::counted};
use serde_json::json;
use sotto_mw::codec::Encode;
use sotto_node::{
    consensus::{DoubleCertificate, Evidence},
    ledger::equivocations::Equivocations,
};

pub(crate) fn run(context: &Context, a: args::NodeEvidence) -> Outcome {
    let here = Here::of(context)?;
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
        Some(args::EvidenceVerb::Account(a)) => accounts::export(context, &here, &a),
        Some(args::EvidenceVerb::Judge(a)) => accounts::judge(context, &here, &a),
    }
}

impl Here {
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
            double.first.header,
            double.second.header,
            if signers.is_empty() { "not known here".into() } else { signers.join(", ") }
        );
        let fields = json!({
            "kind": "certificates", "height": double.height.get(), "first": double.first.header.to_string(),
            "second": double.second.header.to_string(), "one_round": guilty, "signers": signers,
            "evidence": hex(&double.to_bytes()), "verdict": verdict,
        });
        context.output.record("node-evidence", fields, &human)
    }
}
