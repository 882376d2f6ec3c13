//! MW-R13, MW-R14, MW-R20 and MW-R21: range proofs, kernel signatures, and the seal that comes before them.

use super::params::Chain;
use crate::{
    batch::{self, Claim},
    block::{Block, body_hash},
    error::Rejection,
    group::PointBytes,
    schnorr::{self, Signed},
    transaction::Body,
};

/// MW-R13 and MW-R14 as one batch over all cores; on failure the first bad kernel, then the first bad output.
///
/// What holds alone and not together is refused too: then this machine's arithmetic cannot be trusted.
pub(super) fn body(chain: &Chain, body: &Body) -> Result<(), Rejection> {
    let signed: Vec<Signed> = body.kernels.iter().map(|k| k.signed(chain.id())).collect();
    let claims: Vec<Claim<'_>> = body.outputs.iter().map(|o| o.claim(chain.id())).collect();
    if batch::all_hold(&claims, &signed) {
        return Ok(());
    }
    let bad_kernel = schnorr::verify_batch(&signed).err();
    match bad_kernel.map_or_else(|| batch::first_bad_claim(&claims), |_| None) {
        Some(i) => Err(Rejection::RangeProof { output: body.outputs[i].commitment.encoded() }),
        None => {
            let k = bad_kernel.unwrap_or_default();
            let excess = body.kernels.get(k).map_or_else(|| PointBytes([0; 32]), |k| k.excess.encoded());
            Err(Rejection::KernelSignature { excess })
        }
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
