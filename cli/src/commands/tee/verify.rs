//! `sotto tee verify`: verifies evidence and bundles offline.

use super::binding::binding;
use crate::{
    Context, args,
    bridge::hex,
    evidence_files::{
        folder_of, read_bytes, read_collateral, read_policy, read_revoked, read_seen, time, write_seen,
    },
    exit::{Code, ErrorCode, Failure, OrRefuse as _, Outcome},
    local_time::local_time,
    new_file::{Existing, NewFile, Readers},
};
use serde_json::{Value, json};
use sotto_tee::appraise::Refused;
use sotto_tee::bundle::{MAX_BUNDLE, NoVerdict, Today};
use sotto_tee::claims::{RevocationList, Tcb};
use sotto_tee::codec::DecodeError;
use sotto_tee::error::VerifyError;
use sotto_tee::{
    Appraised, Bundle, Circumstances, Claims, Collateral, Evidence, Roots, Seen, Verdict, verify,
};
use std::{fmt::Write as _, path::Path};

const MEANING: &str = "\
It shows that a processor of this vendor stated, with a key that the vendor certified, that code with these
measurements runs on it and chose these report data. It does not show that the code is right, that the vendor is
honest, or that the machine was not opened: people who held processors have taken keys out of them.
This verifier has not been audited.";
const MEANING_OF_SOFTWARE: &str = "\
It shows that the holder of the party's key made this statement. No hardware vouches for the code or the machine.";

pub(crate) fn run(context: &Context, a: &args::TeeVerify) -> Outcome {
    let bytes = read_bytes(&a.file, MAX_BUNDLE)?;
    if Bundle::begins(&bytes) {
        return verify_bundle(context, a, &bytes);
    }
    let read = if Evidence::begins(&bytes) { Evidence::decode(&bytes) } else { Evidence::recognize(&bytes) };
    let evidence = read.map_err(|e| invalid(a, e))?;
    let path = a.policy.as_ref().ok_or_else(|| Failure::new(Code::Usage, "missing --policy"))?;
    let (policy, policy_text) = read_policy(path)?;
    let (collateral, binding) = (read_collateral(a.collateral.as_ref())?, binding(&a.binding, None)?);
    let (revoked, mut seen) = (read_revoked(folder_of(path))?, read_seen(a.seen.as_ref())?);
    let time = time(a.at.as_deref().unwrap_or("now"))?;
    if let Some(bundle) = &a.bundle {
        bundle_file(bundle).check()?;
    }
    let claims = verify(&evidence, &collateral, time).map_err(|e| not_verified(&e))?;
    let at = Circumstances { now: time, binding: &binding, revoked: &revoked, seen: &seen };
    let appraised = policy.appraise(&claims, &at).map_err(|e| refused(&e))?;
    let bundle = a.bundle.as_ref().map(|_| Bundle::new(evidence, collateral, policy_text, &at));
    let bundle = bundle.transpose().or_refuse("cannot make the bundle")?;
    remember(a, &mut seen, &claims)?;
    if let (Some(path), Some(bundle)) = (&a.bundle, bundle) {
        bundle_file(path).write_all(&bundle.encode())?;
    }
    print(context, &appraised, &claims, &format!("at {}", local_time(time)), time)
}

fn verify_bundle(context: &Context, a: &args::TeeVerify, bytes: &[u8]) -> Outcome {
    let bundle = Bundle::decode(bytes).map_err(|e| invalid(a, e))?;
    if a.binding.purpose.is_some() || a.bundle.is_some() {
        return Err(Failure::new(Code::Usage, "a bundle says itself what its evidence is for")
            .help("leave out --purpose and --bundle"));
    }
    check_policy(context, a, &bundle)?;
    let roots = Roots::vendors();
    let at = a.at.as_deref().unwrap_or("receipt");
    if at == "receipt" {
        let appraised = bundle.verdict_then(&roots).map_err(|e| no_verdict(&e))?;
        let claims = bundle.claims(&roots).map_err(|e| not_verified(&e))?;
        let when = format!("when it was made, {}, as its author says", local_time(bundle.time));
        return print(context, &appraised, &claims, &when, bundle.time);
    }
    let Some(path) = &a.collateral else {
        return Err(Failure::new(Code::Usage, "missing --collateral")
            .why("what holds today needs collateral of today; that in the bundle may be from before a revocation")
            .help("download it again; for software evidence pass --collateral /dev/null"));
    };
    let (collateral, now) = (read_collateral(Some(path))?, time(at)?);
    let (revoked, mut seen) = (read_revoked(folder_of(&a.file))?, read_seen(a.seen.as_ref())?);
    let today = Today { collateral: &collateral, now, revoked: &revoked, seen: &seen };
    let appraised = bundle.verdict_today(&roots, &today).map_err(|e| no_verdict(&e))?;
    let claims = claims_of(&bundle, &collateral, now)?;
    remember(a, &mut seen, &claims)?;
    print(context, &appraised, &claims, &format!("at {}", local_time(now)), now)
}

/// A bundle is for an archive: it replaces nothing.
pub(crate) fn bundle_file(path: &Path) -> NewFile<'_> {
    NewFile { path, readers: Readers::Anybody, existing: Existing::Never }
}

/// A bundle contains its author's policy, which can be lax: it must be ours, or we say that it was not
/// compared.
fn check_policy(context: &Context, a: &args::TeeVerify, bundle: &Bundle) -> Outcome {
    let Some(path) = &a.policy else {
        context.ui.warn("the policy is that of the bundle's author; pass --policy to compare it with yours");
        return Ok(());
    };
    let (ours, theirs) = (read_policy(path)?.0.digest(), bundle.policy().digest());
    if ours == theirs {
        return Ok(());
    }
    Err(Failure::coded(ErrorCode::EvidenceRefused, "the bundle was made under another policy")
        .why(format!("its policy has the hash {theirs}, and {} has {ours}", path.display()))
        .help("verify the evidence under your policy, or compare the two with `sotto tee policy show`"))
}

fn claims_of(bundle: &Bundle, collateral: &Collateral, now: u64) -> Outcome<Claims> {
    verify(&bundle.evidence, collateral, now).map_err(|e| not_verified(&e))
}

/// Raises the numbers in --seen after evidence was accepted.
fn remember(a: &args::TeeVerify, seen: &mut Seen, claims: &Claims) -> Outcome {
    let Some(path) = &a.seen else { return Ok(()) };
    let before = seen.clone();
    seen.raise(claims);
    if *seen == before { Ok(()) } else { write_seen(path, seen) }
}

fn print(context: &Context, appraised: &Appraised, claims: &Claims, when: &str, time: u64) -> Outcome {
    let measurements: Vec<(&str, String)> =
        claims.measurements.iter().map(|(name, value)| (*name, hex(value))).collect();
    let platform = appraised.platform().map(|platform| platform.to_string());
    let (verdict, purpose) = (appraised.verdict(), appraised.purpose().name());
    let mut human = format!("{verdict}: {} evidence {}\n", claims.kind, appraised.evidence());
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(human, "{name:12} {value}");
    };
    line("for", &format!("{purpose}, of party {}", appraised.party()));
    line("holds", when);
    line("policy", &format!("{}, entry {}", appraised.policy(), appraised.entry()));
    line("platform", platform.as_deref().unwrap_or("without a name"));
    line("firmware", &firmware(&claims.tcb));
    measurements.iter().for_each(|(name, value)| line(name, value));
    human.push_str(if verdict == Verdict::Attested { MEANING } else { MEANING_OF_SOFTWARE });
    let measured: serde_json::Map<String, Value> =
        measurements.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let fields = json!({
        "verdict": verdict.to_string(), "kind": claims.kind.name(), "evidence": appraised.evidence().to_string(),
        "purpose": purpose, "party": appraised.party().to_string(), "policy": appraised.policy().to_string(),
        "entry": appraised.entry(), "platform": platform, "measurements": measured, "at": time,
        "collateral_issued": claims.dates.map(|dates| dates.issued),
        "collateral_expires": claims.dates.map(|dates| dates.expires),
    });
    context.output.record("tee-verdict", fields, &human)
}

fn firmware(tcb: &Tcb) -> String {
    match tcb {
        Tcb::Intel(tcb) if tcb.advisories.is_empty() => tcb.status.name().to_owned(),
        Tcb::Intel(tcb) => format!("{}; advisories: {}", tcb.status.name(), tcb.advisories.join(", ")),
        Tcb::Amd(tcb) => {
            let v = tcb.reported;
            let list = match tcb.revocation {
                RevocationList::Checked => "",
                RevocationList::Missing => "; no revocation list was looked at",
            };
            format!(
                "boot loader {}, tee {}, snp {}, microcode {}{list}",
                v.bootloader, v.tee, v.snp, v.microcode
            )
        }
        Tcb::Software => "unknown".to_owned(),
    }
}

fn invalid(a: &args::TeeVerify, e: DecodeError) -> Failure {
    Failure::coded(ErrorCode::InvalidEvidence, format!("{} is not evidence", a.file.display()))
        .why(e)
        .help("pass a file of `sotto tee evidence`, a raw quote or report, or a bundle")
}

pub(crate) fn not_verified(e: &VerifyError) -> Failure {
    Failure::coded(ErrorCode::InvalidEvidence, "the evidence does not verify")
        .why(e)
        .help("check that the collateral is of this platform and of this time")
}

pub(crate) fn refused(e: &Refused) -> Failure {
    let reasons: Vec<String> = e.0.iter().map(ToString::to_string).collect();
    Failure::coded(ErrorCode::EvidenceRefused, "the policy refuses the evidence")
        .why(reasons.join("\n       "))
        .help("docs/ATTESTATION.md explains the reasons; change a policy only if you can say why")
}

fn no_verdict(e: &NoVerdict) -> Failure {
    match e {
        NoVerdict::Verify(e) => not_verified(e),
        NoVerdict::Refused(e) => refused(e),
    }
}
