//! MW-R13, MW-R14, MW-R20, MW-R21, MW-R32, MW-R33, MW-R34, MW-R36 and the signatures of MW-R40: range proofs,
//! signatures, body hashes and seals.

use super::verdict::{InvalidBlock, Unsealed, Verdict};
use crate::{
    amount::Height,
    batch::{self, Claim, Judged, verify_signatures},
    block::{Header, Seal, body_hash},
    chain::Chain,
    error::{ChangeFault, Rejection},
    kernel::Kernel,
    one_sided::{Bond, OneSided, OneSidedInput},
    output::Output,
    schnorr::SignedMessage,
    terms::Terms,
    transaction::Body,
};

/// The most signatures and outputs of one batch. This bounds the memory; larger batches are not cheaper.
const SIGNATURES: usize = 1 << 14;
const OUTPUTS: usize = 1 << 12;

/// A signature or an output, and the height of its block.
pub(super) type At<T> = (Height, T);

/// A signature that a body carries.
#[derive(Clone, Copy)]
pub(super) enum Signed<'a> {
    /// MW-R33: the sender's, of a one-sided output.
    Sender(&'a Output, &'a OneSided),
    /// MW-R34.
    Input(&'a OneSidedInput),
    /// MW-R36.
    Bond(&'a Kernel, &'a Bond),
    /// MW-R14.
    Kernel(&'a Kernel),
    /// MW-R40.
    Change(&'a SignedMessage),
}

impl Signed<'_> {
    fn message(&self, chain: &Chain) -> SignedMessage {
        match self {
            Self::Sender(o, one_sided) => o.signed(chain.id(), one_sided),
            Self::Input(i) => i.signed(chain.id()),
            Self::Bond(k, bond) => bond.signed(chain.id(), k),
            Self::Kernel(k) => k.signed(chain.id()),
            Self::Change(message) => (*message).clone(),
        }
    }

    fn rejection(&self) -> Rejection {
        match self {
            Self::Sender(o, _) => Rejection::SenderSignature { output: o.commitment.encoded() },
            Self::Input(i) => Rejection::InputSignature { output: i.commitment.encoded() },
            Self::Bond(k, _) => Rejection::BondSignature { excess: k.excess.encoded() },
            Self::Kernel(k) => Rejection::KernelSignature { excess: k.excess.encoded() },
            Self::Change(_) => Rejection::BadChange { fault: ChangeFault::Signature },
        }
    }
}

/// All signatures and outputs of one body.
pub(super) fn body(chain: &Chain, body: &Body) -> Result<(), Rejection> {
    let (signed, outputs) = at(Height::GENESIS, body, &[]);
    all(chain, &signed, &outputs).map_err(|invalid| invalid.why)
}

/// Whether all signatures and outputs of some bodies hold, as one batch.
pub(super) fn bodies<'a>(chain: &Chain, bodies: impl Iterator<Item = &'a Body>) -> bool {
    let (signed, outputs): (Vec<_>, Vec<_>) = bodies.map(|b| at(Height::GENESIS, b, &[])).unzip();
    together(chain, &signed.concat(), &outputs.concat())
}

/// The signatures of a change, and a body's signatures and outputs, at its height.
pub(super) fn at<'a>(
    height: Height,
    body: &'a Body,
    change: &'a [SignedMessage],
) -> (Vec<At<Signed<'a>>>, Vec<At<&'a Output>>) {
    let bonds = body.kernels.iter().filter_map(|k| Some(Signed::Bond(k, body.bonds.get(&k.excess)?)));
    let signed = (change.iter().map(Signed::Change))
        .chain(senders(&body.outputs))
        .chain(body.one_sided_inputs.iter().map(Signed::Input))
        .chain(bonds)
        .chain(body.kernels.iter().map(Signed::Kernel));
    (signed.map(|s| (height, s)).collect(), body.outputs.iter().map(|o| (height, o)).collect())
}

/// The senders' signatures of one-sided outputs.
pub(super) fn senders<'a>(outputs: impl IntoIterator<Item = &'a Output>) -> impl Iterator<Item = Signed<'a>> {
    outputs.into_iter().filter_map(|o| Some(Signed::Sender(o, o.features.one_sided()?)))
}

/// Signatures, range proofs and handles of any blocks, in batches over all cores. The error names the first bad
/// signature, else the first bad range proof, else the first bad handle.
///
/// A batch that fails although each of its parts passes is refused too: the arithmetic of the machine is then
/// unreliable.
pub(super) fn all(
    chain: &Chain,
    signed: &[At<Signed<'_>>],
    outputs: &[At<&Output>],
) -> Result<(), InvalidBlock> {
    if together(chain, signed, outputs) {
        return Ok(());
    }
    let whole = judged(chain);
    let proven = |how| first_bad(outputs, OUTPUTS, |part| hold(chain, how, &[], part));
    let bad_signature = || first_bad(signed, SIGNATURES, |part| hold(chain, whole, part, &[])).map(signature);
    let bad_output = || proven(whole.range_alone()).map(proof);
    let bad_handle = || proven(whole).map(handle);
    let any = || signed.first().map(signature).or(outputs.first().map(proof));
    bad_signature().or_else(bad_output).or_else(bad_handle).or_else(any).map_or(Ok(()), Err)
}

/// Whether all of them hold, in as few batches as their bounds allow.
fn together(chain: &Chain, signed: &[At<Signed<'_>>], outputs: &[At<&Output>]) -> bool {
    let rounds = signed.len().div_ceil(SIGNATURES).max(outputs.len().div_ceil(OUTPUTS));
    let whole = judged(chain);
    (0..rounds).all(|i| hold(chain, whole, part(signed, i, SIGNATURES), part(outputs, i, OUTPUTS)))
}

fn signature((height, signed): &At<Signed<'_>>) -> InvalidBlock {
    InvalidBlock { height: *height, why: signed.rejection() }
}

fn proof((height, o): &At<&Output>) -> InvalidBlock {
    InvalidBlock { height: *height, why: Rejection::RangeProof { output: o.commitment.encoded() } }
}

fn handle((height, o): &At<&Output>) -> InvalidBlock {
    InvalidBlock { height: *height, why: Rejection::AuditHandle { output: o.commitment.encoded() } }
}

/// What this chain judges of range proofs.
fn judged(chain: &Chain) -> Judged<'_> {
    Judged::by(chain.params().auditors.as_ref().map(|a| &a.key))
}

fn hold(chain: &Chain, judged: Judged<'_>, signed: &[At<Signed<'_>>], outputs: &[At<&Output>]) -> bool {
    let messages: Vec<SignedMessage> = signed.iter().map(|(_, s)| s.message(chain)).collect();
    let claims: Vec<Claim<'_>> = outputs.iter().map(|(_, o)| o.claim(chain.into())).collect();
    batch::all_hold(judged, &claims, &messages)
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

/// MW-R21 for headers, each with its seal and the terms of its height, as one batch.
pub(super) fn seals<'a>(
    chain: &Chain,
    all: impl IntoIterator<Item = (&'a Header, &'a Seal, &'a Terms)>,
) -> Verdict {
    let (mut signed, mut of_header, mut unfit) = (Vec::new(), Vec::new(), None);
    for (i, (header, seal, terms)) in all.into_iter().enumerate() {
        let Some(messages) = seal.signed(chain.id(), terms, header) else {
            unfit = Some(i);
            break;
        };
        of_header.extend(messages.iter().map(|_| i));
        signed.extend(messages);
    }
    let bad = verify_signatures(&signed).err().and_then(|i| of_header.get(i).copied());
    bad.or(unfit).map_or(Ok(()), |i| Err((i, Rejection::Seal)))
}
