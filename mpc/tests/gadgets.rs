//! Every gadget against clear arithmetic, on random words of many widths: with the plain interpreter, as a
//! recorded circuit, and under the protocol.

#![allow(clippy::unwrap_used)]

use std::ops::RangeInclusive;

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sotto_mpc::circuit::{Circuit, CircuitBuilder};
use sotto_mpc::fancy::{Count, Plain};
use sotto_mpc::gadgets::{Arithmetic, Comparison, Division, FixedPoint, Root, Selection, Sorting, Words};
use sotto_mpc::program::{ProgramName, Shape};
use sotto_mpc::protocol::semi_honest::run_in_memory;
use sotto_mpc::{Fancy, Inputs, Program};

/// Every gadget of two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Add,
    Subtract,
    Negate,
    Multiply,
    MultiplyLow,
    Square,
    Sum,
    SumOfSquares,
    Greater,
    GreaterOrEqual,
    GreaterSigned,
    Equal,
    IsZero,
    Max,
    Min,
    Select,
    Absolute,
    CountOnes,
    Quotient,
    Remainder,
    ShiftLeft,
    ShiftRight,
    MultiplySigned,
    MultiplyLowSigned,
    GreaterOrEqualSigned,
    MaxSigned,
    MinSigned,
    QuotientSigned,
    RemainderSigned,
    ShiftRightSigned,
    FixedMultiply,
    FixedMultiplySigned,
    FixedDivide,
    FixedDivideSigned,
    SquareRoot,
    Sort,
    SortSigned,
    Merge,
    ArgMax,
    ArgMaxIndex,
}

const OPS: [Op; 40] = [
    Op::Add,
    Op::Subtract,
    Op::Negate,
    Op::Multiply,
    Op::MultiplyLow,
    Op::Square,
    Op::Sum,
    Op::SumOfSquares,
    Op::Greater,
    Op::GreaterOrEqual,
    Op::GreaterSigned,
    Op::Equal,
    Op::IsZero,
    Op::Max,
    Op::Min,
    Op::Select,
    Op::Absolute,
    Op::CountOnes,
    Op::Quotient,
    Op::Remainder,
    Op::ShiftLeft,
    Op::ShiftRight,
    Op::MultiplySigned,
    Op::MultiplyLowSigned,
    Op::GreaterOrEqualSigned,
    Op::MaxSigned,
    Op::MinSigned,
    Op::QuotientSigned,
    Op::RemainderSigned,
    Op::ShiftRightSigned,
    Op::FixedMultiply,
    Op::FixedMultiplySigned,
    Op::FixedDivide,
    Op::FixedDivideSigned,
    Op::SquareRoot,
    Op::Sort,
    Op::SortSigned,
    Op::Merge,
    Op::ArgMax,
    Op::ArgMaxIndex,
];

impl Op {
    /// Whether results or intermediate values for 128-bit words exceed the numbers of this test.
    fn is_for_narrow_words(self) -> bool {
        matches!(
            self,
            Op::Multiply
                | Op::MultiplySigned
                | Op::Square
                | Op::Sum
                | Op::SumOfSquares
                | Op::FixedMultiply
                | Op::FixedMultiplySigned
                | Op::FixedDivide
                | Op::FixedDivideSigned
        )
    }
}

/// One gadget on words of `width` bits in `lanes` lanes: the garbler's `x`, the evaluator's `y`.
#[derive(Clone, Copy, Debug)]
struct Gadget {
    op: Op,
    width: usize,
    lanes: usize,
}

impl Gadget {
    fn apply<F: Fancy>(
        &self,
        f: &mut F,
        x: &Words<F::Wire>,
        y: &Words<F::Wire>,
    ) -> Result<Words<F::Wire>, F::Error> {
        let bits = |bits: Vec<F::Wire>| Words::new(self.lanes, bits);
        Ok(match self.op {
            Op::Add => f.add(x, y)?,
            Op::Subtract => f.subtract(x, y)?,
            Op::Negate => f.negate(x)?,
            Op::Multiply => f.multiply(x, y, 2 * self.width)?,
            Op::MultiplyLow => f.multiply(x, y, self.width)?,
            Op::Square => f.square(x, 2 * self.width)?,
            Op::Sum => f.sum(x, self.width + 3)?,
            Op::SumOfSquares => f.sum_of_squares(x, 2 * self.width + 3)?,
            Op::Greater => bits(f.greater(x, y)?),
            Op::GreaterOrEqual => bits(f.greater_or_equal(x, y)?),
            Op::GreaterSigned => bits(f.greater_signed(x, y)?),
            Op::Equal => bits(f.equal(x, y)?),
            Op::IsZero => bits(f.is_zero(x)?),
            Op::Max => f.max(x, y)?,
            Op::Min => f.min(x, y)?,
            Op::Select => f.select(x.bit(0), x, y)?,
            Op::Absolute => f.absolute(x)?,
            Op::CountOnes => f.count_ones(x)?,
            Op::Quotient => f.divide(x, y)?.0,
            Op::Remainder => f.divide(x, y)?.1,
            Op::ShiftLeft => f.shift_left(x, &y.clone().truncated(7))?,
            Op::ShiftRight => f.shift_right(x, &y.clone().truncated(7))?,
            Op::MultiplySigned => f.multiply_signed(x, y, 2 * self.width)?,
            Op::MultiplyLowSigned => f.multiply_signed(x, y, self.width)?,
            Op::GreaterOrEqualSigned => bits(f.greater_or_equal_signed(x, y)?),
            Op::MaxSigned => f.max_signed(x, y)?,
            Op::MinSigned => f.min_signed(x, y)?,
            Op::QuotientSigned => f.divide_signed(x, y)?.0,
            Op::RemainderSigned => f.divide_signed(x, y)?.1,
            Op::ShiftRightSigned => f.shift_right_signed(x, &y.clone().truncated(7))?,
            Op::FixedMultiply => f.fixed_multiply(x, y, self.width / 2)?,
            Op::FixedMultiplySigned => f.fixed_multiply_signed(x, y, self.width / 2)?,
            Op::FixedDivide => f.fixed_divide(x, y, self.width / 2)?,
            Op::FixedDivideSigned => f.fixed_divide_signed(x, y, self.width / 2)?,
            Op::SquareRoot => f.square_root(x)?,
            Op::Sort => f.sort(x, self.width)?,
            Op::SortSigned => {
                let sorted = f.flip_sign(x);
                let sorted = f.sort(&sorted, self.width)?;
                f.flip_sign(&sorted)
            }
            Op::Merge => {
                let (x, y) = (f.sort(x, self.width)?, f.sort(y, self.width)?);
                f.merge(&x, &y, self.width)?
            }
            Op::ArgMax => f.arg_max(x)?.0,
            Op::ArgMaxIndex => f.arg_max(x)?.1,
        })
    }

    /// The expected results, lane by lane.
    fn expected(&self, x: &[u128], y: &[u128]) -> Vec<u128> {
        self.expected_over_lanes(x, y).unwrap_or_else(|| self.expected_in_lanes(x, y))
    }

    /// The expected results of gadgets that combine lanes.
    fn expected_over_lanes(&self, x: &[u128], y: &[u128]) -> Option<Vec<u128>> {
        let w = self.width as u32;
        Some(match self.op {
            Op::Sum => vec![low(x.iter().sum(), w + 3)],
            Op::SumOfSquares => vec![low(x.iter().map(|x| x * x).sum(), 2 * w + 3)],
            Op::Sort => sorted(x.to_vec()),
            Op::SortSigned => {
                let mut x = x.to_vec();
                x.sort_by_key(|x| signed(*x, w));
                x
            }
            Op::Merge => sorted([x, y].concat()),
            Op::ArgMax => vec![x.iter().copied().max().unwrap()],
            Op::ArgMaxIndex => {
                let max = x.iter().max().unwrap();
                vec![x.iter().position(|x| x == max).unwrap() as u128]
            }
            _ => return None,
        })
    }

    /// The expected results of gadgets that work on each lane alone.
    fn expected_in_lanes(&self, x: &[u128], y: &[u128]) -> Vec<u128> {
        let w = self.width as u32;
        let signed = |n| signed(n, w);
        let each = |f: &dyn Fn(u128, u128) -> u128| x.iter().zip(y).map(|(x, y)| f(*x, *y)).collect();
        match self.op {
            Op::Add => each(&|x, y| low(x.wrapping_add(y), w)),
            Op::Subtract => each(&|x, y| low(x.wrapping_sub(y), w)),
            Op::Negate => each(&|x, _| low(x.wrapping_neg(), w)),
            Op::Multiply => each(&|x, y| x * y),
            Op::MultiplyLow => each(&|x, y| low(x.wrapping_mul(y), w)),
            Op::Square => each(&|x, _| x * x),
            Op::Greater => each(&|x, y| (x > y).into()),
            Op::GreaterOrEqual => each(&|x, y| (x >= y).into()),
            Op::GreaterSigned => each(&|x, y| (signed(x) > signed(y)).into()),
            Op::Equal => each(&|x, y| (x == y).into()),
            Op::IsZero => each(&|x, _| (x == 0).into()),
            Op::Max => each(&|x, y| x.max(y)),
            Op::Min => each(&|x, y| x.min(y)),
            Op::Select => each(&|x, y| if x & 1 == 1 { x } else { y }),
            Op::Absolute => each(&|x, _| low(signed(x).unsigned_abs(), w)),
            Op::CountOnes => each(&|x, _| x.count_ones().into()),
            Op::Quotient => each(&|x, y| x.checked_div(y).unwrap_or(low(u128::MAX, w))),
            Op::Remainder => each(&|x, y| x.checked_rem(y).unwrap_or(x)),
            Op::ShiftLeft => each(&|x, y| low(x.unbounded_shl(y as u32 % 128), w)),
            Op::ShiftRight => each(&|x, y| x.unbounded_shr(y as u32 % 128)),
            Op::MultiplySigned => each(&|x, y| low((signed(x) * signed(y)) as u128, 2 * w)),
            Op::MultiplyLowSigned => each(&|x, y| low(x.wrapping_mul(y), w)),
            Op::GreaterOrEqualSigned => each(&|x, y| (signed(x) >= signed(y)).into()),
            Op::MaxSigned => each(&|x, y| if signed(x) > signed(y) { x } else { y }),
            Op::MinSigned => each(&|x, y| if signed(x) < signed(y) { x } else { y }),
            Op::QuotientSigned => each(&|x, y| match (signed(x), signed(y)) {
                (x, 0) => low(if x < 0 { 1 } else { u128::MAX }, w),
                (x, y) => low(x.wrapping_div(y) as u128, w),
            }),
            Op::RemainderSigned => each(&|x, y| match (signed(x), signed(y)) {
                (_, 0) => x,
                (x, y) => low(x.wrapping_rem(y) as u128, w),
            }),
            Op::ShiftRightSigned => each(&|x, y| low(signed(x).unbounded_shr(y as u32 % 128) as u128, w)),
            Op::FixedMultiply => each(&|x, y| low((x * y) >> (w / 2), w)),
            Op::FixedMultiplySigned => each(&|x, y| low(((signed(x) * signed(y)) >> (w / 2)) as u128, w)),
            Op::FixedDivide => each(&|x, y| low((x << (w / 2)).checked_div(y).unwrap_or(u128::MAX), w)),
            Op::FixedDivideSigned => each(&|x, y| match (signed(x) << (w / 2), signed(y)) {
                (x, 0) => low(if x < 0 { 1 } else { u128::MAX }, w),
                (x, y) => low((x / y) as u128, w),
            }),
            Op::SquareRoot => each(&|x, _| x.isqrt()),
            op => unreachable!("{op:?} combines lanes"),
        }
    }
}

/// The lowest `bits` bits.
fn low(n: u128, bits: u32) -> u128 {
    if bits < 128 { n & ((1 << bits) - 1) } else { n }
}

/// The two's complement number in the lowest `bits` bits.
fn signed(n: u128, bits: u32) -> i128 {
    (n as i128) << (128 - bits) >> (128 - bits)
}

fn sorted(mut x: Vec<u128>) -> Vec<u128> {
    x.sort_unstable();
    x
}

fn words(width: usize, numbers: &[u128]) -> Words<bool> {
    Words::from_rows(width, &rows(width, numbers))
}

fn rows(width: usize, numbers: &[u128]) -> Vec<bool> {
    numbers.iter().flat_map(|n| (0..width).map(move |i| n >> i & 1 == 1)).collect()
}

fn numbers(words: &Words<bool>) -> Vec<u128> {
    let number = |lane| words.lane(lane).enumerate().map(|(i, bit)| u128::from(bit) << i).sum();
    (0..words.lanes()).map(number).collect()
}

/// Lanes of numbers below `2^width`, with equal and extreme ones among them.
fn operands(widths: RangeInclusive<usize>) -> impl Strategy<Value = (usize, Vec<u128>, Vec<u128>)> {
    (widths, 1usize..=6).prop_flat_map(|(width, lanes)| {
        let max = u128::MAX >> (128 - width);
        let number = prop_oneof![4 => 0..=max, 1 => Just(0), 1 => Just(max), 1 => Just(1 << (width - 1))];
        let pair = prop_oneof![4 => (number.clone(), number.clone()), 1 => number.prop_map(|n| (n, n))];
        prop::collection::vec(pair, lanes).prop_map(move |pairs| {
            let (x, y) = pairs.into_iter().unzip();
            (width, x, y)
        })
    })
}

proptest! {
    #[test]
    fn gadgets_compute_what_they_say((width, x, y) in operands(1..=60)) {
        for op in OPS {
            let gadget = Gadget { op, width, lanes: x.len() };
            let Ok(result) = gadget.apply(&mut Plain, &words(width, &x), &words(width, &y));
            prop_assert_eq!(numbers(&result), gadget.expected(&x, &y), "{:?}", gadget);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn gadgets_on_wide_words_compute_what_they_say((width, x, y) in operands(61..=128)) {
        for op in OPS.into_iter().filter(|op| !op.is_for_narrow_words()) {
            let gadget = Gadget { op, width, lanes: x.len() };
            let Ok(result) = gadget.apply(&mut Plain, &words(width, &x), &words(width, &y));
            prop_assert_eq!(numbers(&result), gadget.expected(&x, &y), "{:?}", gadget);
        }
    }

    #[test]
    fn recorded_gadgets_equal_plain_ones((width, x, y) in operands(1..=40)) {
        let program = All { width, lanes: x.len() };
        let (x, y) = (rows(width, &x), rows(width, &y));
        let circuit = Circuit::new(&CircuitBuilder::record(&program)).unwrap();
        let mut output = Vec::new();
        let Ok(()) = circuit.run(&mut Plain, x.iter().chain(&y).copied(), &mut output);
        prop_assert_eq!(output, program.compute(&x, &y));
        prop_assert!(circuit.and_gates() as u64 <= program.cost().and_gates);
    }
}

impl Gadget {
    /// The words of both parties.
    fn words<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
    ) -> Result<[Words<F::Wire>; 2], F::Error> {
        let n = self.width * self.lanes;
        let (x, y) = (inputs.read(f, 0, n)?, inputs.read(f, 1, n)?);
        Ok([x, y].map(|wires| Words::from_rows(self.width, &wires)))
    }
}

impl Program for Gadget {
    fn name(&self) -> ProgramName {
        ProgramName::new("gadget@1").unwrap()
    }

    fn digest(&self) -> [u8; 32] {
        [self.op as u8; 32]
    }

    fn shape(&self) -> Shape {
        let n = self.width * self.lanes;
        let mut f = Plain;
        let zeros = Words::new(self.lanes, vec![false; n]);
        let Ok(result) = self.apply(&mut f, &zeros, &zeros);
        Shape::two_party(n, n, result.wires().len())
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let [x, y] = self.words(f, inputs)?;
        outputs.extend_from_slice(self.apply(f, &x, &y)?.wires());
        Ok(())
    }
}

/// All gadgets of one shape as one program, so that one session covers them.
#[derive(Clone, Copy)]
struct All {
    width: usize,
    lanes: usize,
}

impl All {
    fn gadgets(self) -> impl Iterator<Item = Gadget> {
        OPS.into_iter().map(move |op| Gadget { op, width: self.width, lanes: self.lanes })
    }
}

impl Program for All {
    fn name(&self) -> ProgramName {
        ProgramName::new("all@1").unwrap()
    }

    fn digest(&self) -> [u8; 32] {
        [0; 32]
    }

    fn shape(&self) -> Shape {
        let n = self.width * self.lanes;
        Shape::two_party(n, n, self.gadgets().map(|gadget| gadget.shape().outputs).sum())
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let [x, y] = Gadget { op: OPS[0], width: self.width, lanes: self.lanes }.words(f, inputs)?;
        self.gadgets().try_for_each(|gadget| {
            outputs.extend_from_slice(gadget.apply(f, &x, &y)?.wires());
            Ok(())
        })
    }
}

#[test]
fn garbled_gadgets_equal_plain_ones() {
    for (width, lanes) in [(1, 3), (2, 1), (13, 1), (32, 9), (128, 2)] {
        let program = All { width, lanes };
        let number = |i: usize| (i as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) >> 61;
        let (x, y): (Vec<_>, Vec<_>) = (0..lanes).map(|i| (number(i + 1), number(i * i))).unzip();
        let (x, y) = (rows(width, &x), rows(width, &y));
        let (garbler, evaluator) = (&mut ChaCha20Rng::seed_from_u64(1), &mut ChaCha20Rng::seed_from_u64(2));
        let output = run_in_memory(&program, &x, &y, [garbler, evaluator]).unwrap();
        assert_eq!(output, program.compute(&x, &y));
    }
}

#[test]
fn gadgets_cost_what_they_say() {
    let cost = |op, width: usize| {
        let mut count = Count::default();
        let zeros = Words::new(1, vec![Default::default(); width]);
        Gadget { op, width, lanes: 1 }.apply(&mut count, &zeros, &zeros).unwrap();
        count.cost().and_gates
    };
    assert_eq!(cost(Op::Add, 32), 31);
    assert_eq!(cost(Op::Subtract, 32), 31);
    assert_eq!(cost(Op::Negate, 32), 30);
    assert_eq!(cost(Op::MultiplyLow, 32), 993);
    assert_eq!(cost(Op::Multiply, 64), 8128);
    assert_eq!(cost(Op::Greater, 32), 32);
    assert_eq!(cost(Op::Equal, 32), 31);
    assert_eq!(cost(Op::Select, 32), 32);
    assert_eq!(cost(Op::Max, 32), 64);
    assert_eq!(cost(Op::Absolute, 32), 31);
    assert_eq!(cost(Op::CountOnes, 32), 31);
    assert_eq!(cost(Op::Quotient, 64), 64 * 64 + 3 * 64 - 3);
    assert_eq!(cost(Op::ShiftLeft, 32), 7 * 32);
    assert_eq!(cost(Op::ShiftRightSigned, 32), 7 * 32);
    assert_eq!(cost(Op::QuotientSigned, 64), 64 * 64 + 7 * 64 - 7);
    assert_eq!(cost(Op::GreaterOrEqualSigned, 32), 32);
    assert_eq!(cost(Op::SquareRoot, 32), 16 * 16 + 2 * 16 - 1);
    assert!(cost(Op::MultiplySigned, 32) <= cost(Op::Multiply, 32) + 3);
}
