//! Evidence for tests: samples of real platforms, and evidence of private authorities for what has no sample.
#![allow(dead_code, clippy::expect_used)]

pub(crate) mod intel;
pub(crate) mod snp;

use sotto_tee::appraise::Refused;
use sotto_tee::policy_file;
use sotto_tee::{
    Appraised, Binding, Circumstances, Claims, Collateral, Digest, Evidence, Purpose, Revoked, Seen,
};

/// When the samples of Intel's are valid, and that of TDX 1.5.
pub(crate) const THEN: u64 = 1_750_400_000;
pub(crate) const THEN_15: u64 = 1_791_500_000;

pub(crate) fn file(path: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../tee/tests/data/{path}", env!("CARGO_MANIFEST_DIR"))).expect(path)
}

/// A sample quote and its collateral.
pub(crate) fn sample(name: &str) -> (Evidence, Collateral) {
    let evidence = Evidence::recognize(&file(&format!("intel/{name}"))).expect(name);
    (evidence, Collateral::parse(&file(&format!("intel/{name}_collateral.json"))).expect(name))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    sotto_party::hex::to_hex(bytes)
}

pub(crate) fn digest(n: u8) -> Digest {
    Digest([n; 32])
}

pub(crate) fn receipt() -> Binding {
    let purpose = Purpose::Receipt { job: digest(2), run: digest(3), facts: digest(4) };
    Binding { party: digest(1), purpose }
}

/// The same evidence with one bit turned; `None` if that is no evidence of this kind any more.
pub(crate) fn turned(evidence: &Evidence, bit: usize) -> Option<Evidence> {
    let mut body = evidence.body().to_vec();
    body[bit / 8] ^= 1 << (bit % 8);
    Evidence::new(evidence.kind(), &body).ok()
}

/// The decision of a policy's text.
pub(crate) fn appraise(
    text: &str,
    claims: &Claims,
    binding: &Binding,
    now: u64,
) -> Result<Appraised, Refused> {
    let (revoked, seen) = (Revoked::default(), Seen::default());
    let at = Circumstances { now, binding, revoked: &revoked, seen: &seen };
    policy_file::read(text).expect("a policy").appraise(claims, &at)
}
