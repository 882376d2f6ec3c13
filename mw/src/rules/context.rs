//! MW-R18, MW-R19, MW-R22 to MW-R30, MW-R38 and MW-R39: the rules that depend on the state of the chain.

use crate::{
    aggregate::Conflict,
    amount::Height,
    block::{Header, body_hash},
    chain::Chain,
    error::{ConnectError, Rejection},
    group::Scalar,
    hash::Hash,
    kernel::{Kernel, KernelFeatures, Window},
    mmr::Peaks,
    output::Output,
    schnorr::PublicKey,
    state::{ChainView, Sighting, StateCommitments, Tip, Unspent},
    terms::Terms,
    transaction::Body,
    trie::{ChunkProof, Entry, Prefix},
};

/// MW-R18, MW-R19, and of MW-R39 what concerns the terms of the header's height.
pub(super) fn follows(chain: &Chain, parent: &Header, terms: &Terms, h: &Header) -> Result<(), Rejection> {
    links(parent, h)?;
    in_time(chain, parent, h)?;
    let states = h.terms == parent.next_terms && h.terms == terms.hash() && terms.are_known();
    if states { Ok(()) } else { Err(Rejection::WrongTerms) }
}

/// MW-R39, as far as it concerns the terms of the next height.
pub(super) fn terms_follow(terms: &Terms, h: &Header, body: &Body) -> Result<(), Rejection> {
    let next = terms.after(h.height, body.terms_change());
    if h.next_terms == next.hash() { Ok(()) } else { Err(Rejection::WrongTerms) }
}

/// MW-R18.
pub(super) fn links(parent: &Header, h: &Header) -> Result<(), Rejection> {
    let tip = parent.hash();
    let next = h.previous == tip && h.height == parent.height.next();
    if next { Ok(()) } else { Err(Rejection::NotNext { tip, height: parent.height }) }
}

/// MW-R19.
pub(super) fn in_time(chain: &Chain, parent: &Header, h: &Header) -> Result<(), Rejection> {
    let (time, earliest) = (h.time, chain.earliest_after(parent.time));
    if time < earliest { Err(Rejection::TooEarly { time, earliest }) } else { Ok(()) }
}

/// MW-R24 to MW-R27, MW-R29, MW-R30 and MW-R38 for the block after the tip; returns the outputs that are
/// spent.
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

/// MW-R24, MW-R26 and MW-R38.
fn inputs<V: ChainView>(
    chain: &Chain,
    view: &V,
    body: &Body,
    height: Height,
) -> Result<Vec<Unspent>, ConnectError<V::Error>> {
    let mut spent = Vec::with_capacity(body.inputs.len() + body.one_sided_inputs.len());
    let plain = body.inputs.iter().map(|c| (c, None));
    let one_sided = body.one_sided_inputs.iter().map(|i| (&i.commitment, Some(&i.receiver)));
    for (c, key) in plain.chain(one_sided) {
        let u = view
            .unspent(c)
            .map_err(ConnectError::View)?
            .ok_or(Rejection::NotUnspent { output: c.encoded() })?;
        names_its_key(&u.output, key)?;
        let from = u.created.plus(chain.params().maturity);
        if u.output.is_coinbase() && height < from {
            return Err(Rejection::Immature { output: c.encoded(), from }.into());
        }
        spent.push(u);
    }
    Ok(spent)
}

/// MW-R38, given the key that the input names.
fn names_its_key(spent: &Output, named: Option<&PublicKey>) -> Result<(), Rejection> {
    let receiver = spent.features.keys().map(|keys| &keys.receiver);
    let output = spent.commitment.encoded();
    if receiver == named { Ok(()) } else { Err(Rejection::InputKind { output }) }
}

/// MW-R27, MW-R29 and MW-R30.
fn kernel<V: ChainView>(
    chain: &Chain,
    view: &V,
    k: &Kernel,
    height: Height,
) -> Result<(), ConnectError<V::Error>> {
    in_window(chain, k, height)?;
    excess_may_occur(k, height, view.last_seen(&k.excess).map_err(ConnectError::View)?)?;
    let id = k.id();
    occurs_once(id, view.has_kernel(&id).map_err(ConnectError::View)?)?;
    Ok(())
}

/// MW-R27.
pub(super) fn in_window(chain: &Chain, k: &Kernel, height: Height) -> Result<(), Rejection> {
    let Window { not_before, not_after } = k.features.window(chain.params().window_width);
    let inside = not_before <= height && height <= not_after;
    if inside || k.features.is_coinbase() {
        Ok(())
    } else {
        Err(Rejection::OutsideWindow { height, not_before, not_after })
    }
}

/// MW-R29, given the last occurrence of the excess.
pub(super) fn excess_may_occur(k: &Kernel, height: Height, last: Option<Sighting>) -> Result<(), Rejection> {
    let Some(last) = last else { return Ok(()) };
    let distance = match k.features {
        KernelFeatures::NoRecentDuplicate { distance, .. } if last.may_repeat => distance,
        _ => u64::MAX,
    };
    if height < last.height.plus(distance) {
        return Err(Rejection::ExcessRepeated { excess: k.excess.encoded() });
    }
    Ok(())
}

/// MW-R30, given whether the id is in the chain already.
pub(super) fn occurs_once(id: Hash, known: bool) -> Result<(), Rejection> {
    if known { Err(Rejection::KernelRepeated { id }) } else { Ok(()) }
}

/// The view's header and commitments.
pub(super) fn tip(view: &impl ChainView) -> Tip {
    let (header, commitments) = (view.tip().clone(), view.commitments().clone());
    Tip { header, commitments, terms: view.terms().clone() }
}

/// A body that extends the chain, and what a header says beside it.
pub(super) struct Extension<'a> {
    pub(super) body: &'a Body,
    /// The outputs that the body spends.
    pub(super) spent: &'a [Unspent],
    pub(super) total_offset: Scalar,
    pub(super) time: u64,
}

/// The header and commitments after a body: a proposal states them, and a block must match them.
pub(super) fn next_tip<V: ChainView>(
    view: &V,
    extension: &Extension<'_>,
) -> Result<Tip, ConnectError<V::Error>> {
    let Extension { body, spent, total_offset, time } = *extension;
    let parent = view.tip();
    let height = parent.height.next();
    let mut kernels = view.commitments().kernels.clone();
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
    let keys: Vec<_> = removed.iter().copied().chain(added.iter().map(|e| e.key)).collect();
    let mut outputs = view.outputs(&keys).map_err(ConnectError::View)?;
    // The rules above ensure that both fit; a trie that disagrees does not belong to this view.
    outputs.apply(&removed, &added).map_err(|_| Rejection::OutputRoot)?;
    let terms = view.terms().after(height, body.terms_change());
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
        terms: parent.next_terms,
        next_terms: terms.hash(),
    };
    Ok(Tip { header, commitments: StateCommitments { kernels, outputs }, terms })
}

/// MW-R22 and MW-R23.
pub(super) fn same_roots(ours: &Header, theirs: &Header) -> Result<(), Rejection> {
    same_kernels(KernelSet::of(ours), KernelSet::of(theirs))?;
    let outputs = (ours.output_count, ours.output_root) == (theirs.output_count, theirs.output_root);
    if outputs { Ok(()) } else { Err(Rejection::OutputRoot) }
}

/// All kernels up to a block, as its header states them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KernelSet {
    pub(super) count: u64,
    root: Hash,
}

impl KernelSet {
    pub(super) const fn of(h: &Header) -> Self {
        Self { count: h.kernel_count, root: h.kernel_root }
    }

    pub(super) fn found(peaks: &Peaks) -> Self {
        Self { count: peaks.len(), root: peaks.root() }
    }
}

/// MW-R22.
pub(super) fn same_kernels(found: KernelSet, stated: KernelSet) -> Result<(), Rejection> {
    if found == stated { Ok(()) } else { Err(Rejection::KernelRoot) }
}

/// MW-R23 for the outputs under a prefix.
pub(super) fn same_chunk(
    h: &Header,
    prefix: Prefix,
    proof: &ChunkProof,
    leaves: &[Entry],
) -> Result<(), Rejection> {
    let whole = proof.verify(&h.output_root, prefix, leaves).is_ok();
    if whole && proof.trie_len() == h.output_count { Ok(()) } else { Err(Rejection::OutputRoot) }
}

impl From<Conflict> for Rejection {
    fn from(c: Conflict) -> Self {
        match c {
            Conflict::SpentTwice(output) => Self::NotUnspent { output },
            Conflict::CreatedTwice(output) => Self::AlreadyUnspent { output },
            Conflict::OneSidedAtOnce(output) => Self::NotCutThrough { output },
            Conflict::ExcessTwice(excess) => Self::ExcessRepeated { excess },
        }
    }
}
