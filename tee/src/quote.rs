//! Quotes of SGX and TDX: `dcap-qvl` verifies signatures, chains, revocation and dates.
//!
//! Its policy checks are not used: a [`Policy`](crate::policy::Policy) decides on all claims in one place.
//! What it leaves open is checked here or there: debug mode once more, dates of the collateral, measurements,
//! report data.
//!
//! Source: Intel, "SGX ECDSA Quote Library API", appendix A.3 and A.4; "TDX DCAP Quote Generation Library",
//! quotes of versions 4 and 5.

use core::str::FromStr;
use std::collections::BTreeMap;

use dcap_qvl::quote::{EnclaveReport, Report, TDReport10};
use dcap_qvl::verify::QuoteVerifier;
use dcap_qvl::{PckCertFlag, QuoteClaims, QuoteCollateralV3, QuotePolicy};
use der::Decode;
use x509_cert::certificate::Rfc5280;
use x509_cert::crl::CertificateList;

use crate::claims::{Dates, Facts, IntelTcb, Tcb, TcbStatus};
use crate::error::VerifyError;
use crate::evidence::Evidence;
use crate::hash::{Digest, PLATFORM};
use crate::roots::IntelRoot;

/// Bits of SGX attributes and of TD attributes that mean debug mode.
const SGX_DEBUG: u8 = 2;
const TD_DEBUG: u8 = 1;

pub(crate) fn verify(
    evidence: &Evidence,
    collateral: &QuoteCollateralV3,
    now: u64,
    root: &IntelRoot,
) -> Result<Facts, VerifyError> {
    let verifier = match root {
        IntelRoot::BuiltIn => QuoteVerifier::new_prod(),
        IntelRoot::Private(der) => QuoteVerifier::new(der.clone()),
    };
    let claims = verifier
        .verify_with_policy(evidence.body(), collateral, now, &QuotePolicy::claims_only(now))
        .map_err(|error| VerifyError::Quote(reasons(error.chain().map(ToString::to_string))))?;
    let (measurements, report_data, isv_svn) = match &claims.report {
        Report::SgxEnclave(report) => enclave(report)?,
        Report::TD10(report) => virtual_machine(report)?,
        Report::TD15(report) => virtual_machine(&report.base)?,
        Report::TD15Ex(report) => virtual_machine(&report.base.base)?,
    };
    let pck_crl = revocation_list(&collateral.pck_crl)?;
    let status = claims.tcb.status.to_string();
    let status = TcbStatus::from_name(&status).ok_or(VerifyError::CollateralField("a known status"))?;
    Ok(Facts {
        kind: evidence.kind(),
        evidence: evidence.name(),
        measurements,
        report_data,
        platform: platform(&claims.platform.pck.ppid),
        dates: Some(dates(collateral, &pck_crl, &claims)?),
        numbers: numbers(&pck_crl, &claims),
        tcb: Tcb::Intel(IntelTcb {
            status,
            advisories: claims.tcb.advisory_ids,
            evaluation: claims.tcb.eval_data_number,
            isv_svn,
            dynamic_platform: flag(claims.platform.pck.dynamic_platform),
            cached_keys: flag(claims.platform.pck.cached_keys),
            smt: flag(claims.platform.pck.smt_enabled),
        }),
    })
}

/// What people can use of a chain of errors: some name lines of source code, after a line break or an `@`.
fn reasons(chain: impl Iterator<Item = String>) -> String {
    let plain = |text: String| text.split(['\n', '@']).next().unwrap_or_default().trim().to_owned();
    chain.map(plain).collect::<Vec<_>>().join(": ")
}

type Contents = (BTreeMap<&'static str, Vec<u8>>, [u8; 64], Option<u16>);

fn enclave(report: &EnclaveReport) -> Result<Contents, VerifyError> {
    let [attributes, ..] = report.attributes;
    if attributes & SGX_DEBUG != 0 {
        return Err(VerifyError::Debug);
    }
    let measurements = BTreeMap::from([
        ("mrenclave", report.mr_enclave.to_vec()),
        ("mrsigner", report.mr_signer.to_vec()),
        ("isv_prod_id", report.isv_prod_id.to_le_bytes().to_vec()),
    ]);
    Ok((measurements, report.report_data, Some(report.isv_svn)))
}

fn virtual_machine(report: &TDReport10) -> Result<Contents, VerifyError> {
    let [attributes, ..] = report.td_attributes;
    if attributes & TD_DEBUG != 0 {
        return Err(VerifyError::Debug);
    }
    let measurements = BTreeMap::from([
        ("mrtd", report.mr_td.to_vec()),
        ("rtmr0", report.rt_mr0.to_vec()),
        ("rtmr1", report.rt_mr1.to_vec()),
        ("rtmr2", report.rt_mr2.to_vec()),
        ("rtmr3", report.rt_mr3.to_vec()),
        ("mrconfigid", report.mr_config_id.to_vec()),
        ("mrowner", report.mr_owner.to_vec()),
        ("mrownerconfig", report.mr_owner_config.to_vec()),
        ("mrseam", report.mr_seam.to_vec()),
        ("td_attributes", report.td_attributes.to_vec()),
        ("xfam", report.xfam.to_vec()),
    ]);
    Ok((measurements, report.report_data, None))
}

/// A platform's number as a name; a number of zeros names nothing.
fn platform(ppid: &[u8]) -> Option<Digest> {
    let named = ppid.iter().any(|byte| *byte != 0);
    named.then(|| Digest::of(PLATFORM, &[b"intel", ppid]))
}

fn flag(flag: PckCertFlag) -> Option<bool> {
    match flag {
        PckCertFlag::True => Some(true),
        PckCertFlag::False => Some(false),
        PckCertFlag::Undefined => None,
    }
}

fn revocation_list(der: &[u8]) -> Result<CertificateList<Rfc5280>, VerifyError> {
    CertificateList::from_der(der).map_err(|_| VerifyError::CollateralField("a revocation list"))
}

/// The oldest of what Intel reissues every month, and what expires first.
fn dates(
    collateral: &QuoteCollateralV3,
    pck_crl: &CertificateList<Rfc5280>,
    claims: &QuoteClaims,
) -> Result<Dates, VerifyError> {
    let issued = |json: &str| {
        let value: serde_json::Value = serde_json::from_str(json).ok()?;
        let date = der::DateTime::from_str(value.get("issueDate")?.as_str()?).ok()?;
        Some(date.unix_duration().as_secs())
    };
    let issued_of = |json| issued(json).ok_or(VerifyError::CollateralField("when it was issued"));
    let crl = pck_crl.tbs_cert_list.this_update.to_unix_duration().as_secs();
    Ok(Dates {
        issued: crl.min(issued_of(&collateral.tcb_info)?).min(issued_of(&collateral.qe_identity)?),
        expires: claims.earliest_expiration_date,
    })
}

fn numbers(pck_crl: &CertificateList<Rfc5280>, claims: &QuoteClaims) -> BTreeMap<String, u64> {
    BTreeMap::from([
        ("intel tcb evaluation".to_owned(), claims.tcb.eval_data_number.into()),
        ("intel root crl".to_owned(), claims.platform.root_ca_crl_num.into()),
        (format!("intel crl of {}", pck_crl.tbs_cert_list.issuer), claims.platform.pck_crl_num.into()),
    ])
}

#[cfg(test)]
mod tests {
    use dcap_qvl::quote::Quote;

    use super::*;

    /// The crate refuses debug mode first, so this check shows in no other test.
    #[test]
    fn debug_mode_is_refused_here_too() {
        let quote = |bytes: &[u8]| Quote::parse(bytes).unwrap().report;
        let Report::SgxEnclave(mut report) = quote(include_bytes!("../tests/data/intel/sgx_quote")) else {
            panic!()
        };
        assert!(enclave(&report).is_ok());
        report.attributes[0] |= SGX_DEBUG;
        assert_eq!(enclave(&report), Err(VerifyError::Debug));
        let Report::TD10(mut report) = quote(include_bytes!("../tests/data/intel/tdx_quote")) else {
            panic!()
        };
        assert!(virtual_machine(&report).is_ok());
        report.td_attributes[0] |= TD_DEBUG;
        assert_eq!(virtual_machine(&report), Err(VerifyError::Debug));
    }

    #[test]
    fn errors_do_not_name_source_files() {
        let chain = ["Failed to decode", "Invalid @/home/x.rs:1\n caused by"].map(str::to_owned);
        assert_eq!(reasons(chain.into_iter()), "Failed to decode: Invalid");
    }
}
