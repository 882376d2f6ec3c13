//! Quotes of SGX and TDX: real ones with Intel's collateral, and what must be refused, under a private root.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::Value;
use sotto_tee::claims::{Tcb, TcbStatus};
use sotto_tee::codec::DecodeError;
use sotto_tee::error::VerifyError;
use sotto_tee::{Claims, Collateral, Evidence, Kind, verify, verify_under};
use support::intel::{NOW, Quirks, platform};
use support::{THEN, THEN_15, file, sample, turned};

fn status(claims: &Claims) -> TcbStatus {
    let Tcb::Intel(tcb) = &claims.tcb else { panic!() };
    tcb.status
}

fn private(quirks: &Quirks) -> Result<Claims, VerifyError> {
    let (evidence, collateral, roots) = platform(quirks);
    verify_under(&roots, &evidence, &collateral, NOW)
}

#[test]
fn samples_verify_at_their_time_only() {
    for (name, kind, then, wanted) in [
        ("sgx_quote", Kind::Sgx, THEN, TcbStatus::ConfigurationAndSWHardeningNeeded),
        ("tdx_quote", Kind::Tdx, THEN, TcbStatus::UpToDate),
        ("tdx_quote_td15ex", Kind::Tdx, THEN_15, TcbStatus::UpToDate),
    ] {
        let (evidence, collateral) = sample(name);
        let claims = verify(&evidence, &collateral, then).unwrap();
        assert_eq!((claims.kind, status(&claims)), (kind, wanted), "{name}");
        assert_eq!(claims.measurements.len(), kind.fields().len(), "{name}");
        for (field, length) in kind.fields() {
            assert_eq!(claims.measurements[field].len(), *length, "{name} {field}");
        }
        assert!(claims.platform.is_some() && claims.numbers.len() == 3, "{name}: {:?}", claims.numbers);
        let dates = claims.dates.unwrap();
        assert!(
            then - 40 * 86_400 < dates.issued && dates.issued <= then && then <= dates.expires,
            "{dates:?}"
        );
        for other in [dates.issued - 86_400, dates.expires + 1, 0, u64::MAX >> 20] {
            assert!(verify(&evidence, &collateral, other).is_err(), "{name} at {other}");
        }
    }
    let (evidence, collateral) = sample("sgx_quote");
    let claims = verify(&evidence, &collateral, THEN).unwrap();
    assert!(claims.report_data.starts_with(b"Hello, world!"));
}

#[test]
fn an_outdated_platform_is_refused() {
    let (evidence, collateral) = sample("tdx_quote_outdated");
    let error = verify(&evidence, &collateral, 1_771_700_000).unwrap_err();
    assert!(
        error.to_string().contains("below minimum") || error.to_string().contains("TCB level"),
        "{error}"
    );
}

#[test]
fn no_signed_bit_of_a_quote_can_be_turned() {
    for (name, then) in [("sgx_quote", THEN), ("tdx_quote", THEN), ("tdx_quote_td15ex", THEN_15)] {
        let (evidence, collateral) = sample(name);
        // All bits of the smallest quote, one of each byte of the others.
        let step = if name == "sgx_quote" { 1 } else { 9 };
        for bit in (0..8 * evidence.signed().len()).step_by(step) {
            let accepted = turned(&evidence, bit).is_some_and(|e| verify(&e, &collateral, then).is_ok());
            assert!(!accepted, "{name}: bit {bit}");
        }
    }
}

#[test]
fn evidence_is_named_by_its_signed_bytes() {
    let (evidence, collateral) = sample("sgx_quote");
    // The quoting enclave's own certificate chain is not covered by the quote's signature.
    let mut body = evidence.body().to_vec();
    let last = body.len() - 1;
    body[last] ^= 1;
    let other = Evidence::new(Kind::Sgx, &body).unwrap();
    assert_eq!(verify(&other, &collateral, THEN), verify(&evidence, &collateral, THEN));
    assert_ne!(other, evidence);
    assert_eq!(other.name(), evidence.name());
    for bit in [0, 400, 8 * 431] {
        assert!(turned(&evidence, bit).is_none_or(|other| other.name() != evidence.name()), "bit {bit}");
    }
}

#[test]
fn no_part_of_the_collateral_can_be_edited() {
    let (evidence, _) = sample("tdx_quote");
    let text: Value = serde_json::from_slice(&file("intel/tdx_quote_collateral.json")).unwrap();
    for part in
        ["root_ca_crl", "pck_crl", "tcb_info", "tcb_info_signature", "qe_identity", "qe_identity_signature"]
    {
        let old = text[part].as_str().unwrap();
        for at in (0..old.len()).step_by(old.len() / 60 + 1) {
            let mut new = old.as_bytes().to_vec();
            new[at] = if new[at] == b'1' { b'2' } else { b'1' };
            let mut edited = text.clone();
            edited[part] = String::from_utf8(new).unwrap().into();
            let collateral = Collateral::parse(edited.to_string().as_bytes());
            let refused = collateral.is_err() || verify(&evidence, &collateral.unwrap(), THEN).is_err();
            assert!(refused, "{part}: character {at}");
        }
    }
    let (_, other) = sample("sgx_quote");
    assert!(verify(&evidence, &other, THEN).is_err());
    assert_eq!(verify(&evidence, &Collateral::nothing(), THEN), Err(VerifyError::Collateral(Kind::Tdx)));
}

#[test]
fn platforms_under_a_private_root() {
    let claims = private(&Quirks::default()).unwrap();
    assert_eq!(status(&claims), TcbStatus::UpToDate);
    assert_eq!(claims.dates.unwrap().issued, 1_799_539_200, "the oldest part: the list of revoked platforms");
    let old = private(&Quirks { status: "OutOfDate", ..Quirks::default() }).unwrap();
    assert_eq!(status(&old), TcbStatus::OutOfDate);
    let refused = |quirks: &Quirks, why: &str| {
        let error = private(quirks).unwrap_err().to_string();
        assert!(error.to_lowercase().contains(why), "{error}");
    };
    refused(&Quirks { status: "Revoked", ..Quirks::default() }, "revoked");
    refused(&Quirks::revoked_platform(), "revoked");
    refused(&Quirks { attributes: 7, ..Quirks::default() }, "debug");
    // Another root, and the vendor's.
    let (evidence, collateral, _) = platform(&Quirks::default());
    let (.., other) = platform(&Quirks::default());
    assert!(verify_under(&other, &evidence, &collateral, NOW).is_err());
    assert!(verify(&evidence, &collateral, NOW).is_err());
    // A platform whose number is zero has no name.
    assert_eq!(private(&Quirks { ppid: 0, ..Quirks::default() }).unwrap().platform, None);
}

#[test]
fn sizes_and_shapes_are_checked_before_anything_else() {
    let too_long = Evidence::recognize(&vec![0; (16 << 10) + 1]).unwrap_err();
    assert!(matches!(too_long, DecodeError::TooLong { .. }), "{too_long}");
    let too_long = Collateral::parse(&vec![b' '; (256 << 10) + 1]).unwrap_err();
    assert!(matches!(too_long, DecodeError::TooLong { .. }), "{too_long}");
    let (evidence, _) = sample("sgx_quote");
    let body = evidence.body();
    assert_eq!(Evidence::decode(&evidence.encode()).unwrap(), evidence);
    assert_eq!(Evidence::new(Kind::Tdx, body), Err(DecodeError::Value("the kind of the evidence")));
    assert_eq!(Evidence::new(Kind::Sgx, &[body, &[0]].concat()), Err(DecodeError::Trailing(1)));
    assert_eq!(Evidence::recognize(&[body, &[0, 0]].concat()), Ok(evidence.clone()), "zeros of a buffer");
    assert_eq!(Evidence::recognize(&[body, &[0, 1]].concat()), Err(DecodeError::Trailing(2)));
    assert!(Evidence::recognize(&body[..body.len() - 1]).is_err());
    assert!(Evidence::decode(b"sotto evidence v2").is_err());
}
