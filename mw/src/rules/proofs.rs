//! MW-R13, MW-R14, MW-R20 and MW-R21: range proofs, kernel signatures, body hashes and seals.

use super::verdict::{InvalidBlock, Unsealed, Verdict};
use crate::{
    amount::Height,
    batch::{self, Claim, verify_signatures},
    block::{SealedHeader, body_hash},
    chain::Chain,
    error::Rejection,
    kernel::Kernel,
    output::Output,
    schnorr::SignedMessage,
    transaction::Body,
};

/// The most kernels and outputs of one batch. This bounds the memory; larger batches are not cheaper.
const KERNELS: usize = 1 << 14;
const OUTPUTS: usize = 1 << 12;

/// A kernel or an output, and the height of its block.
type At<'a, T> = (Height, &'a T);

/// MW-R13 and MW-R14 for one body.
pub(super) fn body(chain: &Chain, body: &Body) -> Result<(), Rejection> {
    let (kernels, outputs) = at(Height::GENESIS, body);
    all(chain, &kernels, &outputs).map_err(|invalid| invalid.why)
}

/// A body's kernels and outputs at its height.
pub(super) fn at(height: Height, body: &Body) -> (Vec<At<'_, Kernel>>, Vec<At<'_, Output>>) {
    (body.kernels.iter().map(|k| (height, k)).collect(), body.outputs.iter().map(|o| (height, o)).collect())
}

/// MW-R13 and MW-R14 for kernels and outputs of any blocks, in batches over all cores. The error names the
/// first bad kernel, else the first bad output.
///
/// A batch that fails although each of its parts passes is refused too: the arithmetic of the machine is then
/// unreliable.
pub(super) fn all(
    chain: &Chain,
    kernels: &[At<'_, Kernel>],
    outputs: &[At<'_, Output>],
) -> Result<(), InvalidBlock> {
    let rounds = kernels.len().div_ceil(KERNELS).max(outputs.len().div_ceil(OUTPUTS));
    if (0..rounds).all(|i| hold(chain, part(kernels, i, KERNELS), part(outputs, i, OUTPUTS))) {
        return Ok(());
    }
    let bad_kernel = || first_bad(kernels, KERNELS, |part| hold(chain, part, &[])).map(signature);
    let bad_output = || first_bad(outputs, OUTPUTS, |part| hold(chain, &[], part)).map(proof);
    let any = || kernels.first().map(signature).or(outputs.first().map(proof));
    bad_kernel().or_else(bad_output).or_else(any).map_or(Ok(()), Err)
}

fn signature((height, k): &At<'_, Kernel>) -> InvalidBlock {
    InvalidBlock { height: *height, why: Rejection::KernelSignature { excess: k.excess.encoded() } }
}

fn proof((height, o): &At<'_, Output>) -> InvalidBlock {
    InvalidBlock { height: *height, why: Rejection::RangeProof { output: o.commitment.encoded() } }
}

fn hold(chain: &Chain, kernels: &[At<'_, Kernel>], outputs: &[At<'_, Output>]) -> bool {
    let signed: Vec<SignedMessage> = kernels.iter().map(|(_, k)| k.signed(chain.id())).collect();
    let claims: Vec<Claim<'_>> = outputs.iter().map(|(_, o)| o.claim(chain.id())).collect();
    batch::all_hold(&claims, &signed)
}

/// Part `i` of `all`, in parts of `n`; empty past the end.
fn part<T>(all: &[T], i: usize, n: usize) -> &[T] {
    all.chunks(n).nth(i).unwrap_or_default()
}

/// The first item that does not verify, searched in parts of `n`.
fn first_bad<T>(all: &[T], n: usize, hold: impl Fn(&[T]) -> bool) -> Option<&T> {
    all.chunks(n).find_map(|part| part.get(batch::first_bad(part, &hold)?))
}

/// MW-R20.
pub(super) fn one_body(b: &Unsealed<'_>) -> Result<(), Rejection> {
    if body_hash(b.body) == b.header.body_hash { Ok(()) } else { Err(Rejection::BodyHash) }
}

/// MW-R21 for any headers, as one batch.
pub(super) fn seals(chain: &Chain, all: &[SealedHeader]) -> Verdict {
    let signed: Vec<SignedMessage> = all.iter().map(|s| s.signed(chain)).collect();
    verify_signatures(&signed).map_err(|i| (i, Rejection::Seal))
}
