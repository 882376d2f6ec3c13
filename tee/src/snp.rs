//! Reports of AMD SEV-SNP, verified strictly.
//!
//! A report is signed by a key of the chip (VCEK) that is derived from the chip's secret and its firmware
//! versions. AMD certifies that key for a chip number and these versions; a report holds only if both are its
//! own.
//!
//! Refused although a signature holds: bits that this version does not know, padding that is not zero, debug
//! mode, a migration agent, a privilege level other than 0, a masked chip number, a key that is not the
//! chip's (VLEK), a certificate in another than its canonical encoding.
//!
//! Source: AMD 56860, "SEV Secure Nested Paging Firmware ABI", tables 23 to 25; AMD 57230, "Versioned Chip
//! Endorsement Key (VCEK) Certificate and KDS Interface".

mod signature;

mod crl;
mod report;

mod certificates;

use std::collections::BTreeMap;

use ring::signature::{ECDSA_P384_SHA384_FIXED, UnparsedPublicKey};

use crate::claims::{AmdTcb, Dates, Facts, SnpVersions, Tcb};
use crate::collateral::SnpCollateral;
use crate::error::{SnpError, VerifyError};
use crate::evidence::Evidence;
use crate::hash::{Digest, PLATFORM};
use crate::kind::Kind;
use crate::roots::{AmdRoot, TcbLayout};
use report::Report;

pub(crate) fn verify(
    evidence: &Evidence,
    collateral: &SnpCollateral,
    now: u64,
    roots: &[AmdRoot],
) -> Result<Facts, VerifyError> {
    let report = Report::read(evidence.body())?;
    let chain = certificates::verify(collateral, now, roots)?;
    chain.certifies(&report)?;
    UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, chain.key())
        .verify(evidence.signed(), &report.signature)
        .map_err(|_| SnpError::Signature("report"))?;
    if report.is_debug() {
        return Err(VerifyError::Debug);
    }
    report.check()?;
    Ok(Facts {
        kind: Kind::Snp,
        evidence: evidence.name(),
        measurements: BTreeMap::from([
            ("measurement", report.measurement.to_vec()),
            ("host_data", report.host_data.to_vec()),
            ("id_key_digest", report.id_key_digest.to_vec()),
            ("author_key_digest", report.author_key_digest.to_vec()),
            ("family_id", report.family_id.to_vec()),
            ("image_id", report.image_id.to_vec()),
        ]),
        report_data: report.report_data,
        platform: Some(Digest::of(PLATFORM, &[b"amd", &report.chip_id])),
        dates: Some(Dates { issued: chain.revocation.issued, expires: chain.expires }),
        numbers: chain.revocation.numbers,
        tcb: Tcb::Amd(AmdTcb {
            reported: versions(report.reported_tcb, chain.layout),
            smt: report.smt(),
            revocation: chain.revocation.state,
        }),
    })
}

fn versions(tcb: [u8; 8], layout: TcbLayout) -> SnpVersions {
    let [a, b, c, d, _, _, g, microcode] = tcb;
    match layout {
        TcbLayout::Milan => SnpVersions { bootloader: a, tee: b, snp: g, microcode },
        TcbLayout::Turin => SnpVersions { bootloader: b, tee: c, snp: d, microcode },
    }
}
