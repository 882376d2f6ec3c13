//! Reports of SEV-SNP: a real one, and what must be refused, under a private root.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use sotto_tee::claims::{RevocationList, SnpVersions, Tcb};
use sotto_tee::error::{SnpError, VerifyError};
use sotto_tee::{Claims, Collateral, Evidence, Kind, verify, verify_under};
use support::snp::{self, AGENT, CHIP, KEY_FLAGS, NOW, PLATFORM, POLICY, TCB, VMPL, fresh, roots, with};
use support::{file, hex, turned};

/// When AMD certified the key of the sample's chip, and when that ends.
const CERTIFIED: u64 = 1_680_549_823;
const ENDS: u64 = 1_901_474_623;

fn milan() -> (Evidence, Collateral) {
    let digits = String::from_utf8(file("amd/report_milan.hex")).unwrap().to_lowercase();
    let mut report = vec![0; digits.trim().len() / 2];
    sotto_party::hex::from_hex(digits.trim(), &mut report).unwrap();
    let vcek = format!("{{\"vcek\": \"{}\"}}", hex(&file("amd/vcek_milan.der")));
    (Evidence::recognize(&report).unwrap(), Collateral::parse(vcek.as_bytes()).unwrap())
}

fn private(evidence: &Evidence, collateral: &Collateral) -> Result<Claims, VerifyError> {
    verify_under(&roots(), evidence, collateral, NOW)
}

fn refused(changes: &[(usize, &[u8])]) -> VerifyError {
    private(&with(changes), &fresh()).unwrap_err()
}

#[test]
fn a_report_of_milan_verifies_while_its_certificate_is_valid() {
    let (evidence, collateral) = milan();
    let claims = verify(&evidence, &collateral, CERTIFIED + 86_400).unwrap();
    assert_eq!(claims.kind, Kind::Snp);
    assert_eq!(claims.dates.unwrap().expires, ENDS);
    let Tcb::Amd(tcb) = &claims.tcb else { panic!() };
    assert_eq!(tcb.reported, SnpVersions { bootloader: 3, tee: 0, snp: 8, microcode: 115 });
    assert_eq!((tcb.smt, tcb.revocation), (true, RevocationList::Missing));
    assert!(hex(&claims.measurements["measurement"]).starts_with("7a1e5c266c0108db"));
    for then in [CERTIFIED - 1, ENDS + 1] {
        let error = verify(&evidence, &collateral, then).unwrap_err();
        assert_eq!(error, SnpError::Expired("chip's key").into());
    }
}

#[test]
fn no_bit_of_a_report_can_be_turned() {
    let (evidence, collateral) = milan();
    for bit in 0..8 * evidence.body().len() {
        let refused =
            turned(&evidence, bit).is_none_or(|other| verify(&other, &collateral, CERTIFIED).is_err());
        assert!(refused, "bit {bit}");
    }
}

#[test]
fn no_bit_of_a_certificate_or_a_revocation_list_can_be_turned() {
    let evidence = with(&[]);
    let claims = private(&evidence, &fresh()).unwrap();
    assert!(matches!(&claims.tcb, Tcb::Amd(tcb) if tcb.revocation == RevocationList::Checked));
    assert_eq!(claims.numbers.values().collect::<Vec<_>>(), [&5]);
    let (vcek, crl) = (file("private-amd/vcek.der"), file("private-amd/ark.crl"));
    let collateral = |vcek: &[u8], crl: &[u8]| {
        let text = format!("{{\"vcek\": \"{}\", \"crls\": [\"{}\"]}}", hex(vcek), hex(crl));
        Collateral::parse(text.as_bytes()).unwrap()
    };
    assert_eq!(private(&evidence, &collateral(&vcek, &crl)).unwrap(), claims);
    for bit in 0..8 * vcek.len() {
        let mut other = vcek.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        assert!(private(&evidence, &collateral(&other, &crl)).is_err(), "bit {bit} of the certificate");
    }
    for bit in 0..8 * crl.len() {
        let mut other = crl.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        assert!(private(&evidence, &collateral(&vcek, &other)).is_err(), "bit {bit} of the list");
    }
}

#[test]
fn what_the_chip_signed_and_nobody_should_accept_is_refused() {
    assert_eq!(refused(&[(POLICY + 2, &[0x0a])]), VerifyError::Debug);
    let field = |name| VerifyError::from(SnpError::Field(name));
    assert_eq!(refused(&[(POLICY + 2, &[6])]), field("migration agent"));
    assert_eq!(refused(&[(AGENT, &[7; 32])]), field("migration agent"));
    assert_eq!(refused(&[(VMPL, &[1])]), SnpError::Level(1).into());
    assert_eq!(refused(&[(KEY_FLAGS, &[4])]), field("key flags"), "a key of the cloud's, not of the chip");
    assert_eq!(refused(&[(KEY_FLAGS, &[2])]), field("key flags"), "a masked key");
    // Bits that have no meaning yet.
    assert_eq!(refused(&[(POLICY + 7, &[1])]), field("policy"));
    assert_eq!(refused(&[(POLICY + 2, &[0])]), field("policy"));
    assert_eq!(refused(&[(PLATFORM, &[0x40])]), field("platform information"));
    assert_eq!(refused(&[(0, &[6])]), field("version"));
    assert_eq!(refused(&[(0, &[1])]), field("version"));
    assert_eq!(refused(&[(0x34, &[2])]), field("signature algorithm"));
    for reserved in [0x4c, 0x18b, 0x1eb, 0x1ef, 0x1f8, 0x29f] {
        assert_eq!(refused(&[(reserved, &[1])]), field("padding"), "{reserved:x}");
    }
    // The mitigation vectors of version 5, and the processor's model from 3 on.
    assert!(private(&with(&[(0, &[5]), (0x1f8, &[1])]), &fresh()).is_ok());
    assert_eq!(refused(&[(0, &[2])]), field("padding"));
}

#[test]
fn a_report_needs_the_certificate_of_its_chip_and_its_firmware() {
    assert_eq!(refused(&[(CHIP, &[0x5b])]), SnpError::Chip.into());
    assert_eq!(refused(&[(CHIP, &[0; 64])]), SnpError::MaskedChip.into());
    for at in 0..8 {
        let mut tcb = [3, 0, 0, 0, 0, 0, 8, 200];
        tcb[at] ^= 1;
        assert_eq!(refused(&[(TCB, &tcb)]), SnpError::Versions.into(), "byte {at}");
    }
    let stranger = snp::collateral(&file("private-amd/stranger.der"), &["ark"]);
    assert_eq!(private(&with(&[]), &stranger).unwrap_err(), SnpError::Signature("chip's key").into());
    assert_eq!(verify(&with(&[]), &fresh(), NOW).unwrap_err(), SnpError::Issuer.into(), "the vendor's roots");
    let (report, _) = milan();
    assert_eq!(private(&report, &fresh()).unwrap_err(), SnpError::Chip.into());
}

/// The certificate with a default value written out: another encoding, which decodes to the same.
fn with_default_written(der: &[u8]) -> Vec<u8> {
    let length_bytes = if der[1] < 0x80 { 0 } else { usize::from(der[1] & 0x7f) };
    let length = der[2..2 + length_bytes].iter().fold(0, |n, byte| n << 8 | usize::from(*byte));
    let start = 2 + length_bytes;
    let end = start + if length_bytes == 0 { usize::from(der[1]) } else { length };
    let mut content = der[start..end].to_vec();
    if der[0] & 0x20 != 0 {
        content = with_default_written(&content);
    }
    let extension = [6, 9, 0x2b, 6, 1, 4, 1, 0x9c, 0x78, 1, 1];
    if der[0] == 0x30 && content.starts_with(&extension) {
        content.splice(extension.len()..extension.len(), [1, 1, 0]);
    }
    let length = match content.len() {
        n @ 0..128 => vec![n as u8],
        n @ 128..256 => vec![0x81, n as u8],
        n => vec![0x82, (n >> 8) as u8, n as u8],
    };
    let rest = if end < der.len() { with_default_written(&der[end..]) } else { Vec::new() };
    [&der[..1], &length, &content, &rest].concat()
}

#[test]
fn a_certificate_has_one_encoding() {
    let der = file("private-amd/vcek.der");
    let other = with_default_written(&der);
    assert_eq!(other.len(), der.len() + 3);
    let refused = private(&with(&[]), &snp::collateral(&other, &["ark"])).unwrap_err();
    assert_eq!(refused, SnpError::Malformed("chip's key").into());
}

#[test]
fn turins_numbers_and_versions_have_another_order() {
    // There is no report of Turin's at hand, but a certificate: all that it states is compared before the signature.
    let text = format!("{{\"vcek\": \"{}\"}}", hex(&file("amd/vcek_turin.der")));
    let collateral = Collateral::parse(text.as_bytes()).unwrap();
    let refused = |changes: &[(usize, &[u8])]| {
        let mut report = snp::report([0; 64]);
        let chip = [&[0x1e, 0x55, 0x0a, 0x8e, 0xe5, 0xcf, 0x9f, 0x4d][..], &[0; 56]].concat();
        report[CHIP..CHIP + 64].copy_from_slice(&chip);
        report[TCB..TCB + 8].copy_from_slice(&[0, 0, 0, 0, 0, 0, 0, 9]);
        changes.iter().for_each(|(at, change)| report[*at..at + change.len()].copy_from_slice(change));
        verify(&Evidence::new(Kind::Snp, &report).unwrap(), &collateral, NOW).unwrap_err()
    };
    assert_eq!(refused(&[]), SnpError::Signature("report").into());
    assert_eq!(refused(&[(CHIP + 8, &[1])]), SnpError::Chip.into());
    assert_eq!(refused(&[(CHIP, &[1])]), SnpError::Chip.into());
    for at in 0..8 {
        assert_eq!(refused(&[(TCB + at, &[7])]), SnpError::Versions.into(), "byte {at}");
    }
}

#[test]
fn revocation_lists_revoke_and_expire() {
    let with_lists = |lists| private(&with(&[]), &snp::collateral(&file("private-amd/vcek.der"), lists));
    assert!(with_lists(&["ark", "ask"]).is_ok());
    let revoked = |lists| with_lists(lists).unwrap_err();
    assert_eq!(revoked(&["ark-revokes-ask"]), SnpError::Revoked("authority").into());
    assert_eq!(revoked(&["ark", "ask-revokes-vcek"]), SnpError::Revoked("chip's key").into());
    // A list that covers a part says so in a critical extension, and a list of strangers says nothing.
    assert_eq!(revoked(&["ark-partial"]), SnpError::Malformed("revocation list").into());
    let (report, _) = milan();
    let strange = snp::collateral(&file("amd/vcek_milan.der"), &["ark"]);
    assert_eq!(verify(&report, &strange, NOW).unwrap_err(), SnpError::Issuer.into());
    let many = r#"{"vcek": "", "crls": ["", "", ""]}"#;
    assert!(Collateral::parse(many.as_bytes()).is_err(), "more lists than there are authorities");
    // The list of the lower authority alone does not tell whether that authority is revoked.
    let claims = with_lists(&["ask"]).unwrap();
    assert!(matches!(&claims.tcb, Tcb::Amd(tcb) if tcb.revocation == RevocationList::Missing));
    let late = |now| verify_under(&roots(), &with(&[]), &fresh(), now).unwrap_err();
    assert_eq!(late(4_910_000_000), SnpError::Expired("revocation list").into());
    assert_eq!(late(1_795_000_000), SnpError::Expired("root").into());
}
