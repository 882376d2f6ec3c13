//! Joining transactions and cutting through: one function.
//!
//! Joining adds offsets and lists. Cut-through then removes every plain output together with the input that spends it:
//! both sides of the balance lose the same commitment, so the excess sum stays. Coinbase outputs are never cut through,
//! because maturity must see them. Laws, as property tests, for any transactions `x, y, …`:
//!
//! ```text
//! kept          Σ excesses + offset·G, every kernel, and every end of a chain of payments
//! commutes      aggregate(x, y, …) does not depend on the order
//! associates    if aggregate(x, y, z) is, it equals aggregate(aggregate(x, y), z) and aggregate(x, aggregate(y, z))
//! ```
//!
//! The condition of the last law is that no output is created twice and none is spent twice **among all of them**. The
//! converse does not hold: joining in steps may cut an output through before its double comes, and then succeeds where
//! joining at once names the conflict. Either result balances; whether it may enter a block the rules decide.

use crate::{
    group::{PointBytes, Scalar},
    transaction::{Body, Transaction},
};
use std::collections::HashSet;

/// Two of the joined transactions spend or create the same output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// The same output is spent twice.
    #[error("output {0} would be spent twice")]
    SpentTwice(PointBytes),
    /// The same output is created twice.
    #[error("output {0} would be created twice")]
    CreatedTwice(PointBytes),
}

/// Joins transactions into one and cuts it through.
///
/// # Errors
/// [`Conflict`] when an output would be spent or created twice.
pub fn aggregate(transactions: impl IntoIterator<Item = Transaction>) -> Result<Transaction, Conflict> {
    let mut offset = Scalar::ZERO;
    let mut all = Body::default();
    for t in transactions {
        offset += t.offset;
        all.inputs.extend(t.body.inputs);
        all.outputs.extend(t.body.outputs);
        all.kernels.extend(t.body.kernels);
    }
    Ok(Transaction { offset, body: cut_through(all)? })
}

fn cut_through(all: Body) -> Result<Body, Conflict> {
    let (mut inputs, mut created) = (HashSet::new(), HashSet::new());
    for i in all.inputs {
        if !inputs.insert(i) {
            return Err(Conflict::SpentTwice(i.encoded()));
        }
    }
    let mut outputs = Vec::with_capacity(all.outputs.len());
    for o in all.outputs {
        if !created.insert(o.commitment) {
            return Err(Conflict::CreatedTwice(o.commitment.encoded()));
        }
        if o.is_coinbase() || !inputs.remove(&o.commitment) {
            outputs.push(o);
        }
    }
    Ok(Body::sorted(inputs.into_iter().collect(), outputs, all.kernels))
}
