//! MW-R13, MW-R14, MW-R20 and MW-R21: range proofs, kernel signatures, and the seal that comes before them.

use super::params::Chain;
use crate::{
    batch::{self, Claim},
    block::{Block, body_hash},
    error::Rejection,
    schnorr::{self, Signed},
    transaction::Body,
};

/// MW-R13 and MW-R14 as one batch over all cores; on failure the first bad kernel, then the first bad output.
pub(super) fn body(chain: &Chain, body: &Body) -> Result<(), Rejection> {
    let signed: Vec<Signed> = body.kernels.iter().map(|k| k.signed(chain.id())).collect();
    let claims: Vec<Claim<'_>> = body.outputs.iter().map(|o| o.claim(chain.id())).collect();
    if batch::all_hold(&claims, &signed) {
        return Ok(());
    }
    if let Err(i) = schnorr::verify_batch(&signed) {
        return Err(Rejection::KernelSignature { excess: body.kernels[i].excess.encoded() });
    }
    match batch::first_bad_claim(&claims) {
        Some(i) => Err(Rejection::RangeProof { output: body.outputs[i].commitment.encoded() }),
        None => Ok(()),
    }
}

/// MW-R21, then MW-R20.
pub(super) fn seal(chain: &Chain, b: &Block) -> Result<(), Rejection> {
    if !b.seal.verifies(&chain.params().operator, &b.header.seal_message(chain.id())) {
        return Err(Rejection::Seal);
    }
    if body_hash(&b.body) != b.header.body_hash {
        return Err(Rejection::BodyHash);
    }
    Ok(())
}
