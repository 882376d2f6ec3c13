//! `sotto tee policy check`, `show` and `hash`.

use crate::{Context, args, bridge::hex, evidence_files::read_policy, exit::Outcome, output::counted};
use serde_json::json;
use sotto_tee::claims::TcbStatus;
use sotto_tee::policy::{Accept, UNATTESTED};
use sotto_tee::{Kind, Policy};
use std::fmt::Write as _;

pub(super) fn check(context: &Context, a: &args::TeePolicyFile) -> Outcome {
    let (policy, _) = read_policy(&a.file)?;
    let warnings = warnings(&policy);
    let hash = policy.digest().to_string();
    let mut human = format!(
        "valid: {}, hash {hash}\n",
        counted(policy.accept.len() as u64, "entry").replace("entrys", "entries")
    );
    warnings.iter().for_each(|warning| {
        let _ = writeln!(human, "note: {warning}");
    });
    let fields = json!({ "hash": hash, "entries": policy.accept.len(), "notes": warnings });
    context.output.record("tee-policy", fields, &human)
}

/// What a policy leaves open, which its author should know.
fn warnings(policy: &Policy) -> Vec<String> {
    let mut all = Vec::new();
    if policy.allow_software {
        all.push(format!("software evidence is accepted, and labelled {UNATTESTED}"));
    }
    if policy.max_collateral_age_days.is_none() && policy.accept.iter().any(|a| a.kind != Kind::Software) {
        all.push(
            "collateral is accepted until it expires: `max_collateral_age_days` shortens that".to_owned(),
        );
    }
    for (n, accept) in policy.accept.iter().enumerate() {
        let mut note = |what: &str| all.push(format!("entry {}: {what}", n + 1));
        if accept.missing_crl {
            note("no revocation list is needed");
        }
        if accept.statuses.iter().any(|status| *status != TcbStatus::UpToDate) {
            note("platforms that are not up to date are accepted");
        }
        if accept.kind == Kind::Tdx && !accept.measurements.contains_key("rtmr2") {
            note("`mrtd` covers the firmware alone; kernel and system are in the `rtmr` measurements");
        }
        if accept.platforms.is_none() && accept.kind != Kind::Software {
            note("any platform of the vendor is accepted: a stolen key of one is enough");
        }
    }
    all
}

pub(super) fn show(context: &Context, a: &args::TeePolicyShow) -> Outcome {
    let (policy, _) = read_policy(&a.file)?;
    let mut human = format!("policy {}\n", policy.digest());
    let age =
        policy.max_collateral_age_days.map_or("until it expires".to_owned(), |days| format!("{days} days"));
    let _ = writeln!(human, "collateral   {age}");
    let software = if policy.allow_software { UNATTESTED } else { "refused" };
    let _ = writeln!(human, "software     {software}");
    let (of, vendors) = (policy.quorum.of, policy.quorum.vendors);
    let _ = writeln!(
        human,
        "a group      {} of {}",
        counted(of.into(), "platform"),
        counted(vendors.into(), "vendor")
    );
    for (n, accept) in policy.accept.iter().enumerate() {
        let _ = writeln!(human, "\nentry {}: {}", n + 1, accept.kind);
        lines(accept).iter().for_each(|(name, value)| {
            let _ = writeln!(human, "  {name:22} {value}");
        });
    }
    policy.revoked.iter().for_each(|entry| {
        let _ = writeln!(human, "\nrevoked {entry}");
    });
    let entries = policy.accept.iter().map(|accept| {
        let fields = lines(accept).into_iter().map(|(name, value)| (name, value.into()));
        let fields: serde_json::Map<String, serde_json::Value> = fields.collect();
        json!({ "kind": accept.kind.name(), "settings": fields })
    });
    let fields = json!({
        "hash": policy.digest().to_string(), "allow_software": policy.allow_software,
        "max_collateral_age_days": policy.max_collateral_age_days, "entries": entries.collect::<Vec<_>>(),
        "of": of, "vendors": vendors,
        "revoked": policy.revoked.iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    context.output.record("tee-policy", fields, &human)
}

/// The settings of an entry that mean something for its kind.
fn lines(accept: &Accept) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> =
        accept.measurements.iter().map(|(name, value)| ((*name).to_owned(), hex(value))).collect();
    let mut add = |name: &str, value: String| all.push((name.to_owned(), value));
    let allowed = |allowed: bool| if allowed { "allowed" } else { "refused" }.to_owned();
    if matches!(accept.kind, Kind::Sgx | Kind::Tdx) {
        let statuses: Vec<&str> = accept.statuses.iter().map(|status| status.name()).collect();
        add("statuses", statuses.join(", "));
        let advisories: Vec<String> = accept.refuse_advisories.iter().cloned().collect();
        add("refuse_advisories", if advisories.is_empty() { "none".into() } else { advisories.join(", ") });
        add("minimum_tcb_evaluation", accept.minimum_tcb_evaluation.to_string());
        add("dynamic_platform", allowed(accept.dynamic_platform));
        add("cached_keys", allowed(accept.cached_keys));
    }
    if accept.kind == Kind::Sgx {
        add("minimum_isv_svn", accept.minimum_isv_svn.to_string());
    }
    if let Some(tcb) = accept.tcb {
        let (bootloader, tee, snp, microcode) = (tcb.bootloader, tcb.tee, tcb.snp, tcb.microcode);
        add("tcb", format!("boot loader {bootloader}, tee {tee}, snp {snp}, microcode {microcode}"));
        add("missing_crl", allowed(accept.missing_crl));
    }
    if accept.kind != Kind::Software {
        add("smt", allowed(accept.smt));
        let platforms = accept.platforms.as_ref();
        let list = |all: &std::collections::BTreeSet<_>| {
            all.iter().map(ToString::to_string).collect::<Vec<String>>().join(", ")
        };
        add("platforms", platforms.map_or("any".to_owned(), list));
    }
    all
}

pub(super) fn hash(context: &Context, a: &args::TeePolicyHash) -> Outcome {
    let hash = read_policy(&a.file)?.0.digest().to_string();
    context.output.record("tee-policy-hash", json!({ "hash": hash }), &hash)
}
