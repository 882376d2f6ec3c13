//! Revocation lists of AMD's two authorities.
//!
//! AMD publishes one for each generation, signed by its root: it can revoke the authority below. A list of
//! that authority, which can revoke chips, is looked at where the collateral has one.

use std::collections::BTreeMap;

use der::asn1::UintRef;
use der::oid::ObjectIdentifier;
use der::{Decode, Encode};
use x509_cert::Certificate;
use x509_cert::certificate::Rfc5280;
use x509_cert::crl::CertificateList;
use x509_cert::ext::Extensions;

use super::signature::check_signed;
use crate::claims::RevocationList;
use crate::error::SnpError;

const NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.20");
const WHAT: &str = "revocation list";

/// What the lists say.
pub(super) struct Revocation {
    pub(super) state: RevocationList,
    pub(super) issued: u64,
    pub(super) expires: u64,
    pub(super) numbers: BTreeMap<String, u64>,
}

/// Looks for each subject in the list of its issuer.
pub(super) fn check(
    lists: &[Vec<u8>],
    pairs: &[(&Certificate, &Certificate); 2],
    now: u64,
) -> Result<Revocation, SnpError> {
    let [(root, _), _] = pairs;
    let mut seen = Revocation {
        state: RevocationList::Missing,
        issued: now,
        expires: u64::MAX,
        numbers: BTreeMap::new(),
    };
    for der in lists {
        let list = CertificateList::<Rfc5280>::from_der(der).map_err(|_| SnpError::Malformed(WHAT))?;
        if !list.to_der().is_ok_and(|again| again == *der) {
            return Err(SnpError::Malformed(WHAT));
        }
        let of = |(issuer, _): &&(&Certificate, &Certificate)| {
            list.tbs_cert_list.issuer == *issuer.tbs_certificate().subject()
        };
        let (issuer, subject) = pairs.iter().find(of).ok_or(SnpError::Issuer)?;
        let (issued, expires) = dates(&list, issuer)?;
        if !(issued..=expires).contains(&now) {
            return Err(SnpError::Expired(WHAT));
        }
        if names(&list, subject)? {
            let is_root = core::ptr::eq(*issuer, *root);
            return Err(SnpError::Revoked(if is_root { "authority" } else { "chip's key" }));
        }
        if core::ptr::eq(*issuer, *root) {
            seen.state = RevocationList::Checked;
        }
        seen.issued = seen.issued.min(issued);
        seen.expires = seen.expires.min(expires);
        let name = format!("amd crl of {}", list.tbs_cert_list.issuer);
        seen.numbers.insert(name, number(list.tbs_cert_list.crl_extensions.as_ref())?);
    }
    Ok(seen)
}

/// The dates of a list that its issuer signed.
fn dates(list: &CertificateList<Rfc5280>, issuer: &Certificate) -> Result<(u64, u64), SnpError> {
    let tbs = &list.tbs_cert_list;
    let bytes = tbs.to_der().map_err(|_| SnpError::Malformed(WHAT))?;
    let algorithms = [&tbs.signature, &list.signature_algorithm];
    check_signed(&bytes, algorithms, &list.signature, issuer).ok_or(SnpError::Signature(WHAT))?;
    let expires = tbs.next_update.ok_or(SnpError::Malformed(WHAT))?;
    Ok((tbs.this_update.to_unix_duration().as_secs(), expires.to_unix_duration().as_secs()))
}

fn names(list: &CertificateList<Rfc5280>, subject: &Certificate) -> Result<bool, SnpError> {
    let tbs = &list.tbs_cert_list;
    let entries = tbs.revoked_certificates.iter().flatten();
    // A critical extension says that entries mean something else than they seem to.
    let all =
        tbs.crl_extensions.iter().chain(entries.clone().filter_map(|e| e.crl_entry_extensions.as_ref()));
    if all.flatten().any(|extension| extension.critical) {
        return Err(SnpError::Malformed(WHAT));
    }
    let serial = subject.tbs_certificate().serial_number();
    Ok(entries.into_iter().any(|entry| entry.serial_number == *serial))
}

fn number(extensions: Option<&Extensions>) -> Result<u64, SnpError> {
    let found = extensions.into_iter().flatten().find(|extension| extension.extn_id == NUMBER);
    let Some(extension) = found else { return Ok(0) };
    let number = UintRef::from_der(extension.extn_value.as_bytes()).map_err(|_| SnpError::Malformed(WHAT))?;
    let bytes = number.as_bytes();
    if bytes.len() > 8 {
        return Err(SnpError::Malformed(WHAT));
    }
    Ok(bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte)))
}
