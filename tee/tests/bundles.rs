//! Bundles: two verdicts, and what revocation finds in them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use sotto_tee::appraise::Refusal;
use sotto_tee::bundle::{MAX_BUNDLE, NoVerdict, Today};
use sotto_tee::error::SnpError;
use sotto_tee::{Bundle, Circumstances, Revocable, Revoked, Seen, Verdict};
use support::snp::{NOW, collateral, fresh, roots, with};
use support::{digest, file, receipt};

fn bundle() -> Bundle {
    let policy = format!(
        "version = 1\n[[accept]]\nkind = 'snp'\nmeasurements.measurement = '{}'\n\
         tcb = {{ bootloader = 3, tee = 0, snp = 8, microcode = 200 }}\n",
        "aa".repeat(48)
    );
    let (binding, revoked, seen) = (receipt(), Revoked::default(), Seen::default());
    let at = Circumstances { now: NOW, binding: &binding, revoked: &revoked, seen: &seen };
    Bundle::new(with(&[]), fresh(), policy, &at).unwrap()
}

#[test]
fn what_held_then_and_what_holds_today_are_two_verdicts() {
    let bundle = bundle();
    let then = bundle.verdict_then(&roots()).unwrap();
    assert_eq!((then.verdict(), then.party()), (Verdict::Attested, digest(1)));
    let (revoked, seen) = (Revoked::default(), Seen::default());
    let (same, later) = (fresh(), collateral(&file("private-amd/vcek.der"), &["ark-revokes-ask"]));
    let today = |collateral| {
        let today = Today { collateral, now: NOW + 86_400, revoked: &revoked, seen: &seen };
        bundle.verdict_today(&roots(), &today)
    };
    assert_eq!(today(&same), Ok(then.clone()));
    assert_eq!(today(&later), Err(NoVerdict::Verify(SnpError::Revoked("authority").into())));
    // What this verifier revoked refuses today, and changes nothing of then.
    let mut revoked = Revoked::default();
    let platform = Revocable::Platform(then.platform().unwrap());
    assert!(platform.is_in(&bundle.claims(&roots()).unwrap()));
    revoked.insert(platform.clone());
    let today = Today { collateral: &same, now: NOW, revoked: &revoked, seen: &seen };
    let Err(NoVerdict::Refused(refused)) = bundle.verdict_today(&roots(), &today) else { panic!() };
    assert_eq!(refused.0, [Refusal::Revoked(platform)]);
    assert_eq!(bundle.verdict_then(&roots()), Ok(then));
}

#[test]
fn a_bundle_has_one_encoding_and_no_byte_of_it_is_free() {
    let bundle = bundle();
    let bytes = bundle.encode();
    assert_eq!(Bundle::decode(&bytes).unwrap(), bundle);
    assert!(Bundle::decode(&[&bytes[..], &[0]].concat()).is_err());
    assert!(Bundle::decode(&vec![0; MAX_BUNDLE + 1]).is_err());
    for end in (0..bytes.len()).step_by(7) {
        assert!(Bundle::decode(&bytes[..end]).is_err());
    }
    for at in 0..bytes.len() {
        let mut other = bytes.clone();
        other[at] ^= 1;
        let Ok(other) = Bundle::decode(&other) else { continue };
        assert_ne!(other.digest(), bundle.digest(), "byte {at}");
        assert_eq!(other.encode()[at], bytes[at] ^ 1, "byte {at} is kept as it is");
    }
}
