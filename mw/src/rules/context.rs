//! MW-R18, MW-R19 and MW-R22 to MW-R30: what depends on the chain before.

use super::params::Chain;
use crate::{
    aggregate::Conflict,
    amount::Height,
    block::{Header, body_hash},
    error::{ConnectError, Rejection},
    group::Scalar,
    kernel::{Kernel, KernelFeatures},
    state::{ChainView, StateCommitments, Tip, Unspent},
    transaction::Body,
    trie::Entry,
};

/// MW-R18 and MW-R19.
pub(super) fn follows(parent: &Header, h: &Header) -> Result<(), Rejection> {
    let tip = parent.hash();
    if h.previous != tip || h.height != parent.height.next() {
        return Err(Rejection::NotNext { tip, height: parent.height });
    }
    if h.time < parent.time {
        return Err(Rejection::TimeBackwards { time: h.time, parent: parent.time });
    }
    Ok(())
}

/// MW-R24 to MW-R27, MW-R29 and MW-R30 for the block after the tip; returns the outputs that are spent.
pub(super) fn body<V: ChainView>(
    chain: &Chain,
    view: &V,
    body: &Body,
) -> Result<Vec<Unspent>, ConnectError<V::Error>> {
    let height = view.tip().height.next();
    let spent = inputs(chain, view, body, height)?;
    for o in &body.outputs {
        if view.unspent(&o.commitment).map_err(ConnectError::View)?.is_some() {
            return Err(Rejection::AlreadyUnspent { output: o.commitment.encoded() }.into());
        }
    }
    for k in &body.kernels {
        kernel(chain, view, k, height)?;
    }
    Ok(spent)
}

/// MW-R24 and MW-R26.
fn inputs<V: ChainView>(
    chain: &Chain,
    view: &V,
    body: &Body,
    height: Height,
) -> Result<Vec<Unspent>, ConnectError<V::Error>> {
    let mut spent = Vec::with_capacity(body.inputs.len());
    for c in &body.inputs {
        let u = view
            .unspent(c)
            .map_err(ConnectError::View)?
            .ok_or(Rejection::NotUnspent { output: c.encoded() })?;
        let from = u.created.plus(chain.params().maturity);
        if u.output.is_coinbase() && height < from {
            return Err(Rejection::Immature { output: c.encoded(), from }.into());
        }
        spent.push(u);
    }
    Ok(spent)
}

/// MW-R27, MW-R29 and MW-R30.
fn kernel<V: ChainView>(
    chain: &Chain,
    view: &V,
    k: &Kernel,
    height: Height,
) -> Result<(), ConnectError<V::Error>> {
    let w = k.features.window(chain.params().window_width);
    if !k.features.is_coinbase() && !w.contains(height) {
        let (not_before, not_after) = (w.not_before, w.not_after);
        return Err(Rejection::OutsideWindow { height, not_before, not_after }.into());
    }
    if let Some(last) = view.last_seen(&k.excess).map_err(ConnectError::View)? {
        let distance = match k.features {
            KernelFeatures::NoRecentDuplicate { distance, .. } if last.may_repeat => distance,
            _ => u64::MAX,
        };
        if height < last.height.plus(distance) {
            return Err(Rejection::ExcessRepeated { excess: k.excess.encoded() }.into());
        }
    }
    let id = k.id();
    if view.has_kernel(&id).map_err(ConnectError::View)? {
        return Err(Rejection::KernelRepeated { id }.into());
    }
    Ok(())
}

/// The view's header and commitments.
pub(super) fn tip(view: &impl ChainView) -> Tip {
    Tip { header: view.tip().clone(), commitments: view.commitments().clone() }
}

/// The header and commitments that a body leads to: what a proposal states and a block is held against.
pub(super) fn next_tip(
    view: &impl ChainView,
    body: &Body,
    total_offset: Scalar,
    time: u64,
    spent: &[Unspent],
) -> Result<Tip, Rejection> {
    let parent = view.tip();
    let height = parent.height.next();
    let StateCommitments { mut kernels, mut outputs } = view.commitments().clone();
    body.kernels.iter().for_each(|k| kernels.push(k.id()));
    let removed: Vec<_> = spent.iter().map(|u| Unspent::key(&u.output.commitment)).collect();
    let added: Vec<_> = body
        .outputs
        .iter()
        .map(|o| Entry {
            key: Unspent::key(&o.commitment),
            leaf: Unspent { created: height, output: o.clone() }.leaf(),
        })
        .collect();
    // The rules above have established both; a trie that disagrees does not belong to this view.
    outputs.apply(&removed, &added).map_err(|_| Rejection::OutputRoot)?;
    let header = Header {
        height,
        previous: parent.hash(),
        time,
        total_offset,
        kernel_count: kernels.len(),
        kernel_root: kernels.root(),
        output_count: outputs.len(),
        output_root: outputs.root(),
        body_hash: body_hash(body),
    };
    Ok(Tip { header, commitments: StateCommitments { kernels, outputs } })
}

/// MW-R22 and MW-R23.
pub(super) fn same_roots(ours: &Header, theirs: &Header) -> Result<(), Rejection> {
    if (ours.kernel_count, ours.kernel_root) != (theirs.kernel_count, theirs.kernel_root) {
        return Err(Rejection::KernelRoot);
    }
    if (ours.output_count, ours.output_root) != (theirs.output_count, theirs.output_root) {
        return Err(Rejection::OutputRoot);
    }
    Ok(())
}

impl From<Conflict> for Rejection {
    fn from(c: Conflict) -> Self {
        match c {
            Conflict::SpentTwice(output) => Self::NotUnspent { output },
            Conflict::CreatedTwice(output) => Self::AlreadyUnspent { output },
        }
    }
}
