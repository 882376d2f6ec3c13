//! MW-R01 to MW-R12, MW-R31 and MW-R37: the rules that depend on the body alone.

use super::changes;
use crate::{
    amount::{Amount, Height},
    block::Header,
    chain::{Chain, KERNEL_WEIGHT},
    commitment::Commitment,
    error::Rejection,
    features::Audit,
    group::Point,
    kernel::{Excess, Kernel, KernelFeatures, Window},
    one_sided::{OneSided, OneSidedInput},
    output::Output,
    range_proof::Handles,
    terms::Terms,
    transaction::Body,
};
use std::collections::BTreeSet;

pub(super) fn transaction(chain: &Chain, body: &Body) -> Result<(), Rejection> {
    has_kernel(body)?;
    carries_no_reward(body)?;
    changes::in_transaction(body)?;
    not_too_heavy(body.weight(), chain.room())?;
    bonds(body)?;
    common(chain, chain.terms(), body, body.weight())
}

pub(super) fn block(chain: &Chain, terms: &Terms, body: &Body) -> Result<(), Rejection> {
    carries_one_reward(body)?;
    not_too_heavy(body.weight(), terms.limits.max_weight)?;
    bonds(body)?;
    // The reward pays no fee; the rest of the weight does.
    common(chain, terms, body, body.weight().saturating_sub(chain.params().reward_weight()))
}

/// These rules as far as a block's kernels alone can show. The block has at least one output, its reward, so
/// one is counted. MW-R04, MW-R06, MW-R07 and MW-R08 apply to the kernels in full.
pub(super) fn kernels(chain: &Chain, terms: &Terms, kernels: &[Kernel]) -> Result<(), Rejection> {
    let body = Body { kernels: kernels.to_vec(), ..Body::default() };
    carries_rewards(1, kernels.iter().filter(|k| k.features.is_coinbase()).count())?;
    not_too_heavy(body.weight() + chain.params().output_weight(), terms.limits.max_weight)?;
    common(chain, terms, &body, body.weight().saturating_sub(KERNEL_WEIGHT))
}

/// These rules as far as one output alone can show: MW-R31, MW-R04 and MW-R05.
pub(super) fn output(chain: &Chain, o: &Output) -> Result<(), Rejection> {
    audited(chain, o)?;
    no_identity_in(o)?;
    canonical_proof(o)
}

fn common(chain: &Chain, terms: &Terms, body: &Body, paid_weight: u64) -> Result<(), Rejection> {
    ascending(body)?;
    cut_through(body)?;
    bonded(body)?;
    body.outputs.iter().try_for_each(|o| audited(chain, o))?;
    no_identity(body)?;
    body.outputs.iter().try_for_each(canonical_proof)?;
    body.kernels.iter().try_for_each(|k| kernel_fields(chain, &k.features))?;
    pays_enough(terms, body, paid_weight)
}

/// MW-R01.
fn ascending(body: &Body) -> Result<(), Rejection> {
    let lists = [
        ("inputs", body.inputs.is_sorted_by(|a, b| a < b)),
        ("one-sided inputs", body.one_sided_inputs.is_sorted_by(|a, b| a.commitment < b.commitment)),
        ("inputs of both kinds", !body.one_sided_inputs.iter().any(|i| is_plain_input(body, &i.commitment))),
        ("outputs", body.outputs.is_sorted_by(|a, b| a.commitment < b.commitment)),
        ("kernels", body.kernels.is_sorted_by(|a, b| a.excess < b.excess)),
    ];
    match lists.into_iter().find(|(_, sorted)| !sorted) {
        Some((list, _)) => Err(Rejection::NotAscending { list }),
        None => Ok(()),
    }
}

/// MW-R02, which relies on MW-R01. It also prevents a block from spending its own coinbase.
fn cut_through(body: &Body) -> Result<(), Rejection> {
    let one_sided = |c: &Commitment| body.one_sided_inputs.binary_search_by_key(c, |i| i.commitment).is_ok();
    let spent = |c| is_plain_input(body, c) || one_sided(c);
    match body.outputs.iter().find(|o| spent(&o.commitment)) {
        Some(o) => Err(Rejection::NotCutThrough { output: o.commitment.encoded() }),
        None => Ok(()),
    }
}

fn is_plain_input(body: &Body, c: &Commitment) -> bool {
    body.inputs.binary_search(c).is_ok()
}

/// MW-R37.
fn bonded(body: &Body) -> Result<(), Rejection> {
    let one_sided =
        !body.one_sided_inputs.is_empty() || body.outputs.iter().any(|o| o.features.keys().is_some());
    if one_sided && !body.is_bonded() { Err(Rejection::NotBonded) } else { Ok(()) }
}

/// MW-R31.
fn audited(chain: &Chain, o: &Output) -> Result<(), Rejection> {
    let fits = (o.audit() == Audit::Audited) == chain.params().auditors.is_some();
    if fits { Ok(()) } else { Err(Rejection::AuditShape { output: o.commitment.encoded() }) }
}

/// MW-R36, as far as it asks for one bond for each bonded kernel. Every encoded body obeys it.
fn bonds(body: &Body) -> Result<(), Rejection> {
    let mut stray: BTreeSet<&Excess> = body.bonds.keys().collect();
    let missing = body.kernels.iter().filter(|k| k.features.is_bonded()).find(|k| !stray.remove(&k.excess));
    match missing.map(|k| &k.excess).or(stray.first().copied()) {
        Some(excess) => Err(Rejection::BondSignature { excess: excess.encoded() }),
        None => Ok(()),
    }
}

/// MW-R03.
fn not_too_heavy(weight: u64, limit: u64) -> Result<(), Rejection> {
    if weight > limit { Err(Rejection::TooHeavy { weight, limit }) } else { Ok(()) }
}

/// MW-R04.
fn no_identity<'a>(body: &'a Body) -> Result<(), Rejection> {
    let one_sided = |i: &'a OneSidedInput| {
        let OneSidedInput { commitment, receiver, fresh, signature } = i;
        let keys = [receiver, fresh].map(|k| ("key", k.point()));
        [("commitment", commitment.point()), ("nonce", &signature.r)].into_iter().chain(keys)
    };
    let mut items = (body.inputs.iter().map(|c| ("commitment", c.point())))
        .chain(body.one_sided_inputs.iter().flat_map(one_sided))
        .chain(body.outputs.iter().flat_map(points))
        .chain(body.kernels.iter().map(|k| ("excess", k.excess.point())))
        .chain(body.kernels.iter().map(|k| ("nonce", &k.signature.r)))
        .chain(body.bonds.values().map(|b| ("bond", b.key.point())))
        .chain(body.bonds.values().map(|b| ("nonce", &b.signature.r)));
    items.try_for_each(|(item, p)| not_identity(item, p))?;
    body.outputs.iter().try_for_each(no_identity_in_handles)
}

/// MW-R04 for one output.
fn no_identity_in(o: &Output) -> Result<(), Rejection> {
    points(o).try_for_each(|(item, p)| not_identity(item, p))?;
    no_identity_in_handles(o)
}

fn no_identity_in_handles(o: &Output) -> Result<(), Rejection> {
    let identity = o.proof.handles().is_some_and(Handles::have_identity);
    if identity { Err(Rejection::Identity { item: "handle" }) } else { Ok(()) }
}

/// The points of an output beside those of its range proof and its handles.
fn points(o: &Output) -> impl Iterator<Item = (&'static str, &Point)> {
    let one_sided = o.features.one_sided().into_iter().flat_map(|OneSided { keys, signature }| {
        [("key", keys.sender.point()), ("key", keys.receiver.point()), ("nonce", &signature.r)]
    });
    core::iter::once(("commitment", o.commitment.point())).chain(one_sided)
}

fn not_identity(item: &'static str, p: &Point) -> Result<(), Rejection> {
    if p.is_identity() { Err(Rejection::Identity { item }) } else { Ok(()) }
}

/// MW-R05.
fn canonical_proof(o: &Output) -> Result<(), Rejection> {
    let encoding = Rejection::ProofEncoding { output: o.commitment.encoded() };
    if o.proof.scalars_are_canonical() { Ok(()) } else { Err(encoding) }
}

/// MW-R06 and MW-R07.
fn kernel_fields(chain: &Chain, features: &KernelFeatures) -> Result<(), Rejection> {
    let width = chain.params().window_width;
    match *features {
        KernelFeatures::Coinbase { .. } => Ok(()),
        KernelFeatures::Plain { not_after, .. }
        | KernelFeatures::Notice { not_after, .. }
        | KernelFeatures::Bonded { not_after, .. } => {
            window(chain, Window { not_before: Height::GENESIS, not_after }, u64::MAX)
        }
        KernelFeatures::HeightRanged { window: w, .. }
        | KernelFeatures::BondedHeightRanged { window: w, .. } => window(chain, w, width),
        KernelFeatures::NoRecentDuplicate { window: w, distance, .. } => {
            if distance == 0 || distance > width {
                return Err(Rejection::BadDistance { distance });
            }
            window(chain, w, width)
        }
    }
}

fn window(chain: &Chain, w: Window, widest: u64) -> Result<(), Rejection> {
    let grid = chain.params().window_grid;
    let on_grid = w.not_before.get().is_multiple_of(grid) && w.not_after.get().is_multiple_of(grid);
    match w.not_after.get().checked_sub(w.not_before.get()) {
        Some(wide) if wide <= widest && on_grid => Ok(()),
        _ => Err(Rejection::BadWindow { not_before: w.not_before, not_after: w.not_after }),
    }
}

/// MW-R08 and MW-R09.
fn pays_enough(terms: &Terms, body: &Body, weight: u64) -> Result<(), Rejection> {
    let fee = body.fees().ok_or(Rejection::FeeOverflow)?;
    let least = terms.limits.least_fee(weight).unwrap_or(Amount::new(u64::MAX));
    if fee < least { Err(Rejection::FeeTooLow { fee, least }) } else { Ok(()) }
}

/// MW-R10.
fn has_kernel(body: &Body) -> Result<(), Rejection> {
    if body.kernels.is_empty() { Err(Rejection::NoKernel) } else { Ok(()) }
}

/// MW-R11.
fn carries_no_reward(body: &Body) -> Result<(), Rejection> {
    if rewards(body) == (0, 0) { Ok(()) } else { Err(Rejection::CoinbaseInTransaction) }
}

/// MW-R12.
fn carries_one_reward(body: &Body) -> Result<(), Rejection> {
    let (outputs, kernels) = rewards(body);
    carries_rewards(outputs, kernels)
}

/// MW-R12 for headers alone: a block has a reward, so its header counts more kernels than its parent's.
pub(super) fn adds_kernels(parent: &Header, h: &Header) -> Result<(), Rejection> {
    if h.kernel_count > parent.kernel_count { Ok(()) } else { carries_rewards(1, 0) }
}

fn carries_rewards(outputs: usize, kernels: usize) -> Result<(), Rejection> {
    if (outputs, kernels) == (1, 1) { Ok(()) } else { Err(Rejection::RewardCount { outputs, kernels }) }
}

/// Coinbase outputs and coinbase kernels.
fn rewards(body: &Body) -> (usize, usize) {
    let outputs = body.outputs.iter().filter(|o| o.is_coinbase()).count();
    (outputs, body.kernels.iter().filter(|k| k.features.is_coinbase()).count())
}
