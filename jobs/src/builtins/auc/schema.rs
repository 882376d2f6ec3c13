//! What is public of `auc@1`: columns, numbers of rows, and the widths that follow from them.

use std::borrow::Cow;

use sotto_mpc::program::ProgramName;

pub(crate) const NAME: ProgramName = ProgramName::literal("auc@1");

/// Rows of a class for which `Σ V²` stays below `2^63`.
pub(crate) const MAX_ROWS: usize = 1 << 20;

/// A measurement: how its decimals become integers of a public width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// What people call it.
    pub name: Cow<'static, str>,
    /// Digits after the point: values are scaled by `10^decimals`.
    pub decimals: u32,
    /// Bits of the scaled values, 1 to 32.
    pub bits: u32,
}

/// How many rows of each class an input party has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classes {
    /// Rows of the positive class.
    pub positive: usize,
    /// Rows of the negative class.
    pub negative: usize,
}

impl Classes {
    /// Widths of `2U`, `Σ V10²` and `Σ V01²`.
    pub(crate) fn output_widths(self) -> [u32; 3] {
        let Classes { positive: m, negative: n } = self;
        let (m, n) = (m as u64, n as u64);
        [width(2 * m * n), width(m * (2 * n).pow(2)), width(n * (2 * m).pow(2))]
    }
}

/// Bits of numbers up to `max`.
pub(crate) fn width(max: u64) -> u32 {
    max.checked_ilog2().map_or(0, |log| log + 1)
}

/// Widths of an input party's own `V10` and `V01`.
pub(crate) fn local_widths(classes: Classes) -> (u32, u32) {
    (width(2 * classes.negative as u64), width(2 * classes.positive as u64))
}

/// Input bits of an input party for a column.
pub(crate) fn column_bits(classes: Classes, column: &Column) -> usize {
    let (width_10, width_01) = local_widths(classes);
    classes.positive * (column.bits + width_10) as usize
        + classes.negative * (column.bits + width_01) as usize
}
