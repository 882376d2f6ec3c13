//! Software evidence: a party's key signs for itself. No hardware says anything.
//!
//! ```text
//! statement   party's keys [1248] ‖ code [32] ‖ report data [64] ‖ Ed25519 signature over all before [64]
//! ```
//!
//! It lets the same steps run where there is no enclave. It is refused unless a policy's file says
//! `allow_software = true`, and every verdict that rests on it is labelled
//! [`UNATTESTED`](crate::policy::UNATTESTED).

use std::collections::BTreeMap;

use sotto_party::{Context, Identity, PublicKey};

use crate::claims::{Facts, Tcb};
use crate::codec::{DecodeError, Reader};
use crate::error::VerifyError;
use crate::evidence::Evidence;
use crate::kind::Kind;

const CONTEXT: Context = Context::new("sotto tee software evidence v1");

struct Statement {
    key: PublicKey,
    code: [u8; 32],
    report_data: [u8; 64],
    signature: [u8; 64],
}

/// Makes software evidence: `code` is the hash of the build record of what runs; it is not checked.
///
/// # Errors
/// Never for an identity of [`sotto_party`].
pub fn sign(identity: &Identity, code: &[u8; 32], report_data: &[u8; 64]) -> Result<Evidence, DecodeError> {
    let mut body = [&identity.public().to_bytes()[..], code, report_data].concat();
    body.extend_from_slice(&identity.sign(CONTEXT, &body));
    Evidence::new(Kind::Software, &body)
}

fn read(bytes: &[u8]) -> Result<Statement, DecodeError> {
    let mut r = Reader::new(bytes);
    let key = PublicKey::from_bytes(r.take(PublicKey::BYTES)?).ok_or(DecodeError::Value("a party's key"))?;
    let statement = Statement { key, code: r.array()?, report_data: r.array()?, signature: r.array()? };
    r.finish().map(|()| statement)
}

pub(crate) fn verify(evidence: &Evidence) -> Result<Facts, VerifyError> {
    let statement = read(evidence.body()).map_err(|_| VerifyError::Software)?;
    if !statement.key.verify(CONTEXT, evidence.signed(), &statement.signature) {
        return Err(VerifyError::Software);
    }
    Ok(Facts {
        kind: Kind::Software,
        evidence: evidence.name(),
        measurements: BTreeMap::from([
            ("key", statement.key.digest().to_vec()),
            ("code", statement.code.to_vec()),
        ]),
        report_data: statement.report_data,
        platform: None,
        tcb: Tcb::Software,
        dates: None,
        numbers: BTreeMap::new(),
    })
}
