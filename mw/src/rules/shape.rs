//! MW-R01 to MW-R12: the rules that depend on the body alone.

use crate::{
    amount::{Amount, Height},
    chain::{Chain, KERNEL_WEIGHT, OUTPUT_WEIGHT, REWARD_WEIGHT},
    error::Rejection,
    group::Point,
    kernel::{Kernel, KernelFeatures, Window},
    output::Output,
    transaction::Body,
};

pub(super) fn transaction(chain: &Chain, body: &Body) -> Result<(), Rejection> {
    has_kernel(body)?;
    carries_no_reward(body)?;
    not_too_heavy(body.weight(), chain.room())?;
    common(chain, body, body.weight())
}

pub(super) fn block(chain: &Chain, body: &Body) -> Result<(), Rejection> {
    carries_one_reward(body)?;
    not_too_heavy(body.weight(), chain.params().max_weight)?;
    // The reward pays no fee; the rest of the weight does.
    common(chain, body, body.weight().saturating_sub(REWARD_WEIGHT))
}

/// These rules as far as a block's kernels alone can show. The block has at least one output, its reward, so
/// one is counted. MW-R04, MW-R06, MW-R07 and MW-R08 apply to the kernels in full.
pub(super) fn kernels(chain: &Chain, kernels: &[Kernel]) -> Result<(), Rejection> {
    let body = Body { kernels: kernels.to_vec(), ..Body::default() };
    carries_rewards(1, kernels.iter().filter(|k| k.features.is_coinbase()).count())?;
    not_too_heavy(body.weight() + OUTPUT_WEIGHT, chain.params().max_weight)?;
    common(chain, &body, body.weight().saturating_sub(KERNEL_WEIGHT))
}

/// These rules as far as one output alone can show: MW-R04 and MW-R05.
pub(super) fn output(o: &Output) -> Result<(), Rejection> {
    not_identity("commitment", o.commitment.point())?;
    canonical_proof(o)
}

fn common(chain: &Chain, body: &Body, paid_weight: u64) -> Result<(), Rejection> {
    ascending(body)?;
    cut_through(body)?;
    no_identity(body)?;
    body.outputs.iter().try_for_each(canonical_proof)?;
    body.kernels.iter().try_for_each(|k| kernel_fields(chain, &k.features))?;
    pays_enough(chain, body, paid_weight)
}

/// MW-R01.
fn ascending(body: &Body) -> Result<(), Rejection> {
    let lists = [
        ("inputs", body.inputs.is_sorted_by(|a, b| a < b)),
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
    let spent = |c| body.inputs.binary_search(c).is_ok();
    match body.outputs.iter().find(|o| spent(&o.commitment)) {
        Some(o) => Err(Rejection::NotCutThrough { output: o.commitment.encoded() }),
        None => Ok(()),
    }
}

/// MW-R03.
fn not_too_heavy(weight: u64, limit: u64) -> Result<(), Rejection> {
    if weight > limit { Err(Rejection::TooHeavy { weight, limit }) } else { Ok(()) }
}

/// MW-R04.
fn no_identity(body: &Body) -> Result<(), Rejection> {
    let mut items = (body.inputs.iter().map(|c| ("commitment", c.point())))
        .chain(body.outputs.iter().map(|o| ("commitment", o.commitment.point())))
        .chain(body.kernels.iter().map(|k| ("excess", k.excess.point())))
        .chain(body.kernels.iter().map(|k| ("nonce", &k.signature.r)));
    items.try_for_each(|(item, p)| not_identity(item, p))
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
        KernelFeatures::Plain { not_after, .. } => {
            window(chain, Window { not_before: Height::GENESIS, not_after }, u64::MAX)
        }
        KernelFeatures::HeightRanged { window: w, .. } => window(chain, w, width),
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
fn pays_enough(chain: &Chain, body: &Body, weight: u64) -> Result<(), Rejection> {
    let fee = body.fees().ok_or(Rejection::FeeOverflow)?;
    let least = chain.least_fee(weight).unwrap_or(Amount::new(u64::MAX));
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

fn carries_rewards(outputs: usize, kernels: usize) -> Result<(), Rejection> {
    if (outputs, kernels) == (1, 1) { Ok(()) } else { Err(Rejection::RewardCount { outputs, kernels }) }
}

/// Coinbase outputs and coinbase kernels.
fn rewards(body: &Body) -> (usize, usize) {
    let outputs = body.outputs.iter().filter(|o| o.is_coinbase()).count();
    (outputs, body.kernels.iter().filter(|k| k.features.is_coinbase()).count())
}
