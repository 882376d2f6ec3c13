//! MW-R01 to MW-R12: what a body's bytes alone must satisfy.

use super::params::{Chain, weight};
use crate::{
    amount::{Amount, Height},
    error::Rejection,
    kernel::{Kernel, KernelFeatures, Window},
    transaction::Body,
};

pub(super) fn transaction(chain: &Chain, body: &Body) -> Result<(), Rejection> {
    has_kernel(body)?;
    carries_no_reward(body)?;
    common(chain, body, weight(body))
}

pub(super) fn block(chain: &Chain, body: &Body) -> Result<(), Rejection> {
    carries_one_reward(body)?;
    // The reward pays no fee: only the rest of the weight does.
    let reward = super::params::OUTPUT_WEIGHT + super::params::KERNEL_WEIGHT;
    common(chain, body, weight(body).saturating_sub(reward))
}

fn common(chain: &Chain, body: &Body, paid_weight: u64) -> Result<(), Rejection> {
    not_too_heavy(chain, body)?;
    ascending(body)?;
    cut_through(body)?;
    no_identity(body)?;
    proof_encoding(body)?;
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

/// MW-R02; relies on MW-R01. Also keeps a block from spending its own coinbase.
fn cut_through(body: &Body) -> Result<(), Rejection> {
    let spent = |c| body.inputs.binary_search(c).is_ok();
    match body.outputs.iter().find(|o| spent(&o.commitment)) {
        Some(o) => Err(Rejection::NotCutThrough { output: o.commitment.encoded() }),
        None => Ok(()),
    }
}

/// MW-R03.
fn not_too_heavy(chain: &Chain, body: &Body) -> Result<(), Rejection> {
    let (weight, limit) = (weight(body), chain.params().max_weight);
    if weight > limit { Err(Rejection::TooHeavy { weight, limit }) } else { Ok(()) }
}

/// MW-R04.
fn no_identity(body: &Body) -> Result<(), Rejection> {
    let items = (body.inputs.iter().map(|c| ("commitment", c.point())))
        .chain(body.outputs.iter().map(|o| ("commitment", o.commitment.point())))
        .chain(body.kernels.iter().map(|k| ("excess", k.excess.point())))
        .chain(body.kernels.iter().map(|k| ("nonce", &k.signature.r)));
    for (item, p) in items {
        if p.is_identity() {
            return Err(Rejection::Identity { item });
        }
    }
    Ok(())
}

/// MW-R05.
fn proof_encoding(body: &Body) -> Result<(), Rejection> {
    match body.outputs.iter().find(|o| !o.proof.scalars_are_canonical()) {
        Some(o) => Err(Rejection::ProofEncoding { output: o.commitment.encoded() }),
        None => Ok(()),
    }
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

fn is_coinbase(k: &Kernel) -> bool {
    k.features.is_coinbase()
}

/// MW-R11.
fn carries_no_reward(body: &Body) -> Result<(), Rejection> {
    let any = body.outputs.iter().any(|o| o.is_coinbase()) || body.kernels.iter().any(is_coinbase);
    if any { Err(Rejection::CoinbaseInTransaction) } else { Ok(()) }
}

/// MW-R12.
fn carries_one_reward(body: &Body) -> Result<(), Rejection> {
    let outputs = body.outputs.iter().filter(|o| o.is_coinbase()).count();
    let kernels = body.kernels.iter().filter(|k| is_coinbase(k)).count();
    if (outputs, kernels) == (1, 1) { Ok(()) } else { Err(Rejection::RewardCount { outputs, kernels }) }
}
