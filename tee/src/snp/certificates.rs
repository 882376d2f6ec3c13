//! The chain of certificates from AMD's root to the key of one chip.
//!
//! ARK (pinned) → ASK (pinned) → VCEK (from the collateral), by RSA-PSS with SHA-384. The VCEK's extensions
//! (AMD 57230, table 8) hold the chip's number and the eight firmware versions for which the key was derived.

use der::oid::ObjectIdentifier;
use der::{Decode, Encode};
use x509_cert::Certificate;

use super::crl::{self, Revocation};
use super::report::Report;
use super::signature::check_signed;
use crate::collateral::SnpCollateral;
use crate::error::SnpError;
use crate::roots::{AmdRoot, TcbLayout};

const EC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const CHIP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.4");
/// Versions have the numbers 1 to 9 below this one.
const VERSIONS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3");
/// Which version is in which byte of a `TCB_VERSION`.
const MILAN: [u32; 8] = [1, 2, 4, 5, 6, 7, 3, 8];
const TURIN: [u32; 8] = [9, 1, 2, 3, 5, 6, 7, 8];

/// A chain that holds at a time.
pub(super) struct Chain {
    vcek: Certificate,
    pub(super) layout: TcbLayout,
    pub(super) expires: u64,
    pub(super) revocation: Revocation,
}

pub(super) fn verify(collateral: &SnpCollateral, now: u64, roots: &[AmdRoot]) -> Result<Chain, SnpError> {
    let vcek = read(&collateral.vcek, "chip's key")?;
    for root in roots {
        let (ark, ask) = (read(&root.ark, "root")?, read(&root.ask, "authority")?);
        if vcek.tbs_certificate().issuer() != ask.tbs_certificate().subject() {
            continue;
        }
        check_issued(&ark, &ark, "root")?;
        check_issued(&ask, &ark, "authority")?;
        check_issued(&vcek, &ask, "chip's key")?;
        let mut expires = u64::MAX;
        for (certificate, what) in [(&ark, "root"), (&ask, "authority"), (&vcek, "chip's key")] {
            let validity = certificate.tbs_certificate().validity();
            let [from, to] =
                [validity.not_before, validity.not_after].map(|t| t.to_unix_duration().as_secs());
            if !(from..=to).contains(&now) {
                return Err(SnpError::Expired(what));
            }
            expires = expires.min(to);
        }
        let revocation = crl::check(&collateral.crls, &[(&ark, &ask), (&ask, &vcek)], now)?;
        expires = expires.min(revocation.expires);
        return Ok(Chain { vcek, layout: root.layout, expires, revocation });
    }
    Err(SnpError::Issuer)
}

impl Chain {
    /// The chip's key: an uncompressed point of P-384.
    pub(super) fn key(&self) -> &[u8] {
        self.vcek.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes()
    }

    /// Whether the key is that of the chip and the firmware in a report.
    pub(super) fn certifies(&self, report: &Report) -> Result<(), SnpError> {
        let algorithm = &self.vcek.tbs_certificate().subject_public_key_info().algorithm;
        let curve = algorithm.parameters.as_ref().and_then(|p| p.decode_as::<ObjectIdentifier>().ok());
        if algorithm.oid != EC_KEY || curve != Some(P384) {
            return Err(SnpError::Malformed("chip's key"));
        }
        if report.chip_id == [0; 64] {
            return Err(SnpError::MaskedChip);
        }
        // Turin's chips have numbers of eight bytes; the report pads them with zeros.
        let digits = if self.layout == TcbLayout::Turin { 8 } else { 64 };
        let (chip, padding) = report.chip_id.split_at(digits);
        if extension(&self.vcek, CHIP) != Some(chip) || padding.iter().any(|byte| *byte != 0) {
            return Err(SnpError::Chip);
        }
        let order = if self.layout == TcbLayout::Turin { TURIN } else { MILAN };
        let certified = |number| extension(&self.vcek, VERSIONS.push_arc(number).ok()?).and_then(small);
        let same = order.into_iter().zip(report.reported_tcb).all(|(n, have)| certified(n) == Some(have));
        if same { Ok(()) } else { Err(SnpError::Versions) }
    }
}

/// A certificate in its only encoding.
fn read(der: &[u8], what: &'static str) -> Result<Certificate, SnpError> {
    let certificate = Certificate::from_der(der).map_err(|_| SnpError::Malformed(what))?;
    let canonical = certificate.to_der().is_ok_and(|again| again == der);
    if canonical { Ok(certificate) } else { Err(SnpError::Malformed(what)) }
}

fn check_issued(of: &Certificate, by: &Certificate, what: &'static str) -> Result<(), SnpError> {
    let tbs = of.tbs_certificate();
    if tbs.issuer() != by.tbs_certificate().subject() {
        return Err(SnpError::Issuer);
    }
    let bytes = tbs.to_der().map_err(|_| SnpError::Malformed(what))?;
    let algorithms = [tbs.signature(), of.signature_algorithm()];
    check_signed(&bytes, algorithms, of.signature(), by).ok_or(SnpError::Signature(what))
}

/// The contents of an extension that a certificate has once.
fn extension(certificate: &Certificate, oid: ObjectIdentifier) -> Option<&[u8]> {
    let all = certificate.tbs_certificate().extensions()?;
    let mut named = all.iter().filter(|extension| extension.extn_id == oid);
    let first = named.next()?;
    named.next().is_none().then(|| first.extn_value.as_bytes())
}

/// An INTEGER from 0 to 255.
fn small(der: &[u8]) -> Option<u8> {
    u8::from_der(der).ok()
}
