//! What a verifier of attestation reads: evidence, collateral, policies and bundles.

use crate::Verdict;
use crate::fixtures::tee::{CERTIFIED, collateral, report};
use sotto_tee::{Bundle, Collateral, Evidence, Revoked, Seen, policy_file, verify};

/// Evidence has one file; a raw quote or report that is recognized is evidence of one kind.
pub fn tee_evidence(data: &[u8]) -> Verdict {
    let file = Evidence::decode(data).ok();
    assert!(file.as_ref().is_none_or(|evidence| evidence.encode() == data), "two encodings of one");
    let raw = Evidence::recognize(data).ok();
    if let Some(evidence) = file.as_ref().or(raw.as_ref()) {
        assert_eq!(Evidence::decode(&evidence.encode()).as_ref(), Ok(evidence));
        assert!(evidence.signed().len() < evidence.body().len(), "nothing is signed by itself");
    }
    Verdict::of(file.or(raw).is_some())
}

/// A bundle has one encoding.
pub fn tee_bundle(data: &[u8]) -> Verdict {
    let bundle = Bundle::decode(data).ok();
    assert!(bundle.as_ref().is_none_or(|bundle| bundle.encode() == data), "two encodings of one");
    Verdict::of(bundle.is_some())
}

/// Files that people write: what is read means the same when it is written again.
pub fn tee_policy(data: &[u8]) -> Verdict {
    let Ok(text) = str::from_utf8(data) else { return Verdict::Refused };
    let revoked = Revoked::parse(text).ok();
    assert!(revoked.as_ref().is_none_or(|list| Revoked::parse(&list.to_text()).as_ref() == Ok(list)));
    let seen = Seen::parse(text).ok();
    assert!(seen.as_ref().is_none_or(|seen| Seen::parse(&seen.to_text()).as_ref() == Ok(seen)));
    let policy = policy_file::read(text).ok();
    if let Some(policy) = &policy {
        assert_eq!(
            policy_file::read(&format!("{text}\n# a comment")).map(|p| p.digest()),
            Ok(policy.digest())
        );
    }
    Verdict::of(policy.is_some() || revoked.is_some())
}

/// A chip's certificate and revocation lists: only the genuine certificate verifies the genuine report.
pub fn tee_collateral(data: &[u8]) -> Verdict {
    let Ok(read) = Collateral::parse(data) else { return Verdict::Refused };
    let accepted = verify(&report(), &read, CERTIFIED).is_ok();
    assert!(!accepted || read == collateral() || same_chip(data), "another chain is accepted");
    Verdict::of(accepted)
}

/// Whether collateral names the genuine certificate, however its JSON is written.
fn same_chip(data: &[u8]) -> bool {
    let of = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).ok()?.get("vcek").cloned();
    of(data) == of(collateral().as_bytes())
}

/// A report: only the genuine one verifies.
pub fn tee_report(data: &[u8]) -> Verdict {
    let Ok(evidence) = Evidence::recognize(data) else { return Verdict::Refused };
    let accepted = verify(&evidence, &collateral(), CERTIFIED).is_ok();
    assert!(!accepted || evidence.name() == report().name(), "a forged report");
    Verdict::of(accepted)
}
