//! Limits: how much is accepted of each validator, and how long is waited.

use crate::token_bucket::Allowance;
use core::time::Duration;

/// How many rounds ahead of its own a validator listens.
pub(super) const ROUNDS_AHEAD: u32 = 10;

/// How many rounds of the coming height a validator listens to.
pub(super) const ROUNDS_EARLY: u32 = 2;

/// Bytes that a validator may send: the rate is enough for a hundred validators.
pub(super) const BUDGET: Allowance = Allowance { rate: 64 << 10, burst: 1 << 20 };

/// How long a validator is not heard that sent what does not verify.
pub const BAN: Duration = Duration::from_secs(60);

/// The longest that is waited in a step, in whatever round.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(60);
