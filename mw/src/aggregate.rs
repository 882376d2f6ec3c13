//! Joining transactions, with cut-through.
//!
//! Joining adds the offsets and concatenates the lists. Cut-through then removes every plain output together
//! with the input that spends it: both sides of the balance lose the same commitment, so the excess sum stays
//! the same. Coinbase outputs are never cut through, because the maturity rule must see them. Nor are
//! one-sided outputs: their keys would no longer balance. A transaction that spends one cannot be joined with
//! the one that creates it. Laws, tested as properties, for any transactions `x, y, …`:
//!
//! ```text
//! preserves     Σ excesses + offset·G, every kernel, and every end of a chain of payments
//! commutes      aggregate(x, y, …) does not depend on the order
//! associates    if aggregate(x, y, z) succeeds, it equals
//!               aggregate(aggregate(x, y), z) and aggregate(x, aggregate(y, z))
//! ```
//!
//! The last law has a condition: no output is created or spent twice, and no excess occurs twice, **among all
//! of them**. The
//! converse does not hold. Joining in steps may cut an output through before its duplicate arrives, and then
//! succeeds where joining at once reports the conflict. Both results balance; the rules decide whether they
//! may enter a block.

use crate::{
    features::OutputFeatures,
    group::{PointBytes, Scalar},
    transaction::{Body, Transaction},
};
use std::collections::HashSet;

/// Two transactions that spend or create the same output, or have kernels under the same excess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// The same output is spent twice.
    #[error("two transactions spend output {0}")]
    SpentTwice(PointBytes),
    /// The same output is created twice.
    #[error("two transactions create output {0}")]
    CreatedTwice(PointBytes),
    /// One creates a one-sided output that the other spends: no body holds both (MW-R02).
    #[error("two transactions create and spend the one-sided output {0}")]
    OneSidedAtOnce(PointBytes),
    /// Two kernels have the same excess: no body holds both (MW-R01).
    #[error("two kernels have the excess {0}")]
    ExcessTwice(PointBytes),
}

/// Joins transactions into one, and cuts it through.
///
/// # Errors
/// [`Conflict`] if an output is spent or created twice, a one-sided output is created and spent, or an excess
/// occurs twice.
///
/// ```
/// use sotto_mw::{aggregate::aggregate, testing::TestChain};
///
/// let mut ledger = TestChain::new(1);
/// let reward = ledger.grow(vec![]);
/// ledger.mature();
/// let (first, outputs) = ledger.pay(&[&reward], &[1_000_000]);
/// let (second, _) = ledger.pay(&[&outputs[1]], &[25]); // spends the change of the first
/// let joined = aggregate([first, second])?;
/// // The change disappears with the input that spends it; both kernels stay.
/// assert_eq!((joined.body.inputs.len(), joined.body.outputs.len(), joined.body.kernels.len()), (1, 3, 2));
/// # Ok::<(), sotto_mw::aggregate::Conflict>(())
/// ```
pub fn aggregate(transactions: impl IntoIterator<Item = Transaction>) -> Result<Transaction, Conflict> {
    let mut offset = Scalar::ZERO;
    let mut all = Body::default();
    for t in transactions {
        offset += t.offset;
        all.inputs.extend(t.body.inputs);
        all.one_sided_inputs.extend(t.body.one_sided_inputs);
        all.outputs.extend(t.body.outputs);
        all.kernels.extend(t.body.kernels);
        all.bonds.extend(t.body.bonds);
        all.key_offset += t.body.key_offset;
    }
    Ok(Transaction { offset, body: cut_through(all)? })
}

fn cut_through(mut all: Body) -> Result<Body, Conflict> {
    let mut spent = HashSet::new();
    if let Some(c) = all.spent().find(|c| !spent.insert(**c)) {
        return Err(Conflict::SpentTwice(c.encoded()));
    }
    let mut excesses = HashSet::new();
    if let Some(k) = all.kernels.iter().find(|k| !excesses.insert(k.excess)) {
        return Err(Conflict::ExcessTwice(k.excess.encoded()));
    }
    let (mut created, mut cut) = (HashSet::new(), HashSet::new());
    let plain: HashSet<_> = all.inputs.iter().copied().collect();
    for o in &all.outputs {
        let (c, name) = (o.commitment, o.commitment.encoded());
        if !created.insert(c) {
            return Err(Conflict::CreatedTwice(name));
        }
        if o.features.keys().is_some() && spent.contains(&c) {
            return Err(Conflict::OneSidedAtOnce(name));
        }
        if o.features == OutputFeatures::Plain && plain.contains(&c) {
            cut.insert(c);
        }
    }
    all.inputs.retain(|c| !cut.contains(c));
    all.outputs.retain(|o| !cut.contains(&o.commitment));
    Ok(all.in_order())
}
