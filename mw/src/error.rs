//! Why something was refused: one variant for each rule of `docs/RULES.md`, and the rule's number in its text.

use crate::{
    amount::{Amount, Height},
    group::PointBytes,
    hash::Hash,
};
use core::fmt;

macro_rules! rejections {
    ($($(#[$doc:meta])* $rule:literal $name:ident $({ $($(#[$fdoc:meta])* $field:ident: $ty:ty),* $(,)? })? => $text:literal;)*) => {
        /// A consensus rule's refusal.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Rejection {
            $($(#[$doc])* $name $({ $($(#[$fdoc])* $field: $ty),* })?,)*
        }

        impl Rejection {
            /// All rule numbers, in order.
            pub const RULES: &'static [&'static str] = &[$($rule),*];

            /// The number of the rule, such as `MW-R13`.
            #[must_use]
            pub const fn rule(&self) -> &'static str {
                match self { $(Self::$name { .. } => $rule,)* }
            }
        }

        impl fmt::Display for Rejection {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name $({ $($field),* })? => write!(f, concat!($rule, ": ", $text) $($(, $field = $field)*)?),)*
                }
            }
        }
    };
}

impl std::error::Error for Rejection {}

rejections! {
    /// A list is not strictly ascending.
    "MW-R01" NotAscending { /** Which list. */ list: &'static str } => "the {list} are not in strictly ascending order";
    /// A commitment is both spent and created.
    "MW-R02" NotCutThrough { /** Which. */ output: PointBytes } => "output {output} is both created and spent";
    /// Too heavy.
    "MW-R03" TooHeavy { /** Its weight. */ weight: u64, /** The limit. */ limit: u64 } => "weight {weight} is above the limit of {limit}";
    /// The identity stands where a commitment, excess, nonce or key must.
    "MW-R04" Identity { /** What it stands for. */ item: &'static str } => "the identity is no {item}";
    /// A proof's scalars are not canonical.
    "MW-R05" ProofEncoding { /** Whose proof. */ output: PointBytes } => "the range proof of output {output} is not canonically encoded";
    /// A kernel's window is inverted, off the grid or too wide.
    "MW-R06" BadWindow { /** First height. */ not_before: Height, /** Last height. */ not_after: Height } => "the kernel window {not_before}…{not_after} is inverted, off the grid or too wide";
    /// A no-recent-duplicate kernel's distance is out of bounds.
    "MW-R07" BadDistance { /** The distance. */ distance: u64 } => "the no-recent-duplicate distance {distance} is out of bounds";
    /// The fees do not fit 64 bits.
    "MW-R08" FeeOverflow => "the fees add up to more than 64 bits hold";
    /// The fees are below the minimum for the weight.
    "MW-R09" FeeTooLow { /** The fees. */ fee: Amount, /** The least. */ least: Amount } => "the fees are {fee} and must be at least {least}";
    /// A transaction without kernel.
    "MW-R10" NoKernel => "the transaction has no kernel";
    /// A transaction that carries a block's reward.
    "MW-R11" CoinbaseInTransaction => "a transaction cannot carry a coinbase output or kernel";
    /// A block must carry its reward in one output under one kernel.
    "MW-R12" RewardCount { /** Coinbase outputs. */ outputs: usize, /** Coinbase kernels. */ kernels: usize } => "a block has one coinbase output and one coinbase kernel, not {outputs} and {kernels}";
    /// A range proof does not hold.
    "MW-R13" RangeProof { /** Whose proof. */ output: PointBytes } => "the range proof of output {output} does not hold";
    /// A kernel's signature does not hold.
    "MW-R14" KernelSignature { /** Whose signature. */ excess: PointBytes } => "the signature of kernel {excess} does not hold on this chain";
    /// Inputs, outputs, fees, excesses and offset do not balance.
    "MW-R15" Unbalanced => "inputs, outputs, fees and excesses do not balance";
    /// The coinbase output is not reward plus fees.
    "MW-R16" RewardAmount => "the coinbase output is not the reward plus the fees";
    /// The supply does not fit 64 bits.
    "MW-R17" SupplyOverflow => "the supply would exceed 64 bits";
    /// The block does not follow the tip.
    "MW-R18" NotNext { /** The tip. */ tip: Hash, /** Its height. */ height: Height } => "the block does not follow the tip {tip} at height {height}";
    /// The block's time is before its parent's.
    "MW-R19" TimeBackwards { /** Its time. */ time: u64, /** The parent's. */ parent: u64 } => "the block's time {time} is before its parent's {parent}";
    /// The body is not the one that the header commits to.
    "MW-R20" BodyHash => "the body is not the one the header commits to";
    /// The seal does not hold.
    "MW-R21" Seal => "the seal is not this chain's operator's";
    /// The kernels' count or root is wrong.
    "MW-R22" KernelRoot => "the header's kernel count or root is not that of the chain";
    /// The outputs' count or root is wrong.
    "MW-R23" OutputRoot => "the header's output count or root is not that of the chain";
    /// An input is not among the unspent outputs.
    "MW-R24" NotUnspent { /** Which. */ output: PointBytes } => "output {output} is not unspent";
    /// An output is already among the unspent.
    "MW-R25" AlreadyUnspent { /** Which. */ output: PointBytes } => "output {output} exists already";
    /// A coinbase output is spent too early.
    "MW-R26" Immature { /** Which. */ output: PointBytes, /** From when. */ from: Height } => "coinbase output {output} can be spent from height {from} on";
    /// The height is outside a kernel's window.
    "MW-R27" OutsideWindow { /** The height. */ height: Height, /** First height. */ not_before: Height, /** Last height. */ not_after: Height } => "height {height} is outside the kernel window {not_before}…{not_after}";
    /// A coinbase kernel signs another height.
    "MW-R28" CoinbaseHeight { /** What it signs. */ signed: Height, /** The block's. */ height: Height } => "the coinbase kernel is for height {signed}, the block for {height}";
    /// An excess occurs again.
    "MW-R29" ExcessRepeated { /** Which. */ excess: PointBytes } => "the excess {excess} has been seen";
    /// A kernel occurs again.
    "MW-R30" KernelRepeated { /** Which. */ id: Hash } => "the kernel {id} is in the chain already";
}

/// Why a block or transaction could not be connected to a chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError<E> {
    /// A rule refuses it.
    #[error(transparent)]
    Refused(#[from] Rejection),
    /// The store cannot answer; nothing is known about the block.
    #[error("the chain's store cannot answer: {0}")]
    View(E),
}
