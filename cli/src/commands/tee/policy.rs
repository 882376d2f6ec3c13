//! `sotto tee policy`: reads policies, and revokes.

use super::files::{read_bytes, read_policy, read_revoked, revoked_in, write_revoked};
use crate::{
    Context, args,
    bridge::hex,
    exit::{Code, ErrorCode, Failure, Outcome},
    local_time::local_time,
    output::counted,
};
use serde_json::json;
use sotto_tee::bundle::MAX_BUNDLE;
use sotto_tee::claims::TcbStatus;
use sotto_tee::policy::{Accept, UNATTESTED};
use sotto_tee::{Bundle, Kind, Policy, Revocable, Roots};
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Most files of a folder that are looked at.
const MAX_FILES: usize = 10_000;

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

pub(super) fn revoke(context: &Context, a: &args::TeePolicyRevoke) -> Outcome {
    let entry = entry(&a.what)?;
    let mut revoked = read_revoked(&a.policies)?;
    let is_new = revoked.insert(entry.clone());
    let found = leaning(&a.policies, &entry)?;
    if is_new && !a.dry_run {
        write_revoked(&a.policies, &revoked)?;
    }
    let path = revoked_in(&a.policies).display().to_string();
    let mut human = match (is_new, a.dry_run) {
        (false, _) => format!("{entry} is revoked already, in {path}\n"),
        (true, true) => format!("{entry} would be revoked in {path}; nothing was written\n"),
        (true, false) => format!("{entry} is revoked in {path}\n"),
    };
    if found.is_empty() {
        let _ = writeln!(human, "no bundle in {} rests on it", a.policies.display());
    }
    for (bundle, file) in &found {
        let _ = writeln!(
            human,
            "rests on it: {}, {} of party {}, {}",
            file.display(),
            bundle.binding.purpose.name(),
            bundle.binding.party,
            local_time(bundle.time)
        );
    }
    human.push_str(
        "Only bundles in this folder were looked at. Parties whose enrolment rests on it need new keys; jobs that \
         are open must be agreed on again.",
    );
    let bundles: Vec<_> = found
        .iter()
        .map(|(bundle, file)| {
            json!({ "file": file.display().to_string(), "purpose": bundle.binding.purpose.name(),
                    "party": bundle.binding.party.to_string(), "evidence": bundle.evidence.name().to_string(),
                    "at": bundle.time })
        })
        .collect();
    let fields = json!({ "entry": entry.to_string(), "file": path, "new": is_new, "written": is_new && !a.dry_run,
                         "bundles": bundles });
    context.output.record("tee-revocation", fields, &human)
}

fn entry(what: &args::TeeRevocable) -> Outcome<Revocable> {
    let read = [
        (
            what.platform.as_deref().map(Revocable::platform),
            "a platform has 64 lower-case hexadecimal digits",
        ),
        (
            what.measurement.as_deref().map(Revocable::measurement),
            "a measurement has 4 to 128 hexadecimal digits",
        ),
        (what.advisory.as_deref().map(Revocable::advisory), "an advisory has letters, digits and dashes"),
    ];
    let given = read.into_iter().find_map(|(entry, why)| entry.map(|entry| (entry, why)));
    let (entry, why) = given.ok_or_else(|| Failure::new(Code::Usage, "nothing to revoke"))?;
    entry.ok_or_else(|| Failure::new(Code::Usage, "this cannot be revoked").why(why))
}

/// The bundles in a folder whose evidence rests on `entry`. A bundle that does not verify rests on nothing.
fn leaning(folder: &Path, entry: &Revocable) -> Outcome<Vec<(Bundle, PathBuf)>> {
    let unreadable =
        |e| Failure::coded(ErrorCode::CannotRead, format!("cannot read {}", folder.display())).why(e);
    let files = fs::read_dir(folder).map_err(unreadable)?.flatten().map(|file| file.path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.is_file()).take(MAX_FILES).collect();
    files.sort_unstable();
    let roots = Roots::vendors();
    let bundle = |path: PathBuf| {
        if !Bundle::begins(&read_bytes(&path, 64).ok()?) {
            return None;
        }
        let bundle = Bundle::decode(&read_bytes(&path, MAX_BUNDLE).ok()?).ok()?;
        let claims = bundle.claims(&roots).ok()?;
        entry.is_in(&claims).then_some((bundle, path))
    };
    Ok(files.into_iter().filter_map(bundle).collect())
}
