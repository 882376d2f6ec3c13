//! MW-R13, MW-R14, MW-R20 and MW-R21: range proofs, kernel signatures, and the seal that comes before them.

use super::params::Chain;
use crate::{
    block::{Block, body_hash},
    error::Rejection,
    schnorr::{self, Signed},
    transaction::Body,
};
use rayon::prelude::*;

/// MW-R14, then MW-R13, over all cores; the culprit named is the first in the body's order.
pub(super) fn body(chain: &Chain, body: &Body) -> Result<(), Rejection> {
    let signed: Vec<Signed> = body.kernels.iter().map(|k| k.signed(chain.id())).collect();
    schnorr::verify_batch(&signed)
        .map_err(|i| Rejection::KernelSignature { excess: body.kernels[i].excess.encoded() })?;
    match body.outputs.par_iter().find_first(|o| !o.proof_holds(chain.id())) {
        Some(o) => Err(Rejection::RangeProof { output: o.commitment.encoded() }),
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
