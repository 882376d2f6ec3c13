//! Rejections: one variant for each rule of `docs/RULES.md`, with the number of the rule in its text.

use crate::{
    amount::{Amount, Height},
    group::PointBytes,
    hash::Hash,
};
use core::fmt;

macro_rules! rejections {
    ($($(#[$doc:meta])* $rule:literal $name:ident $({ $($(#[$fdoc:meta])* $field:ident: $ty:ty),* $(,)? })? => $text:literal;)*) => {
        /// A consensus rule that a transaction or a block breaks.
        ///
        /// ```
        /// use sotto_mw::Rejection;
        ///
        /// assert_eq!(Rejection::Unbalanced.rule(), "MW-R15");
        /// assert!(Rejection::Unbalanced.to_string().starts_with("MW-R15: "));
        /// ```
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
    "MW-R02" NotCutThrough { /** The output. */ output: PointBytes } => "output {output} is both created and spent";
    /// The weight is above the limit.
    "MW-R03" TooHeavy { /** The weight. */ weight: u64, /** The limit. */ limit: u64 } => "weight {weight} is above the limit of {limit}";
    /// A commitment, excess or nonce is the identity.
    "MW-R04" Identity { /** Which of them. */ item: &'static str } => "invalid {item}: it is the identity";
    /// A scalar of a range proof is not canonical.
    "MW-R05" ProofEncoding { /** The output. */ output: PointBytes } => "the range proof of output {output} is not canonically encoded";
    /// A kernel's window is inverted, off the grid or too wide.
    "MW-R06" BadWindow { /** First height. */ not_before: Height, /** Last height. */ not_after: Height } => "the kernel window {not_before}…{not_after} is inverted, off the grid or too wide";
    /// The distance of a no-recent-duplicate kernel is out of bounds.
    "MW-R07" BadDistance { /** The distance. */ distance: u64 } => "the no-recent-duplicate distance {distance} is out of bounds";
    /// The sum of the fees exceeds 64 bits.
    "MW-R08" FeeOverflow => "the sum of the fees exceeds 64 bits";
    /// The fees are below the least fee for the weight.
    "MW-R09" FeeTooLow { /** The fees. */ fee: Amount, /** The least. */ least: Amount } => "the fees are {fee} base units, below the least fee of {least}";
    /// A transaction has no kernel.
    "MW-R10" NoKernel => "the transaction has no kernel";
    /// A transaction carries a block's reward.
    "MW-R11" CoinbaseInTransaction => "a transaction cannot carry a coinbase output or kernel";
    /// A block does not have exactly one coinbase output and one coinbase kernel.
    "MW-R12" RewardCount { /** Coinbase outputs. */ outputs: usize, /** Coinbase kernels. */ kernels: usize } => "the block has {outputs} coinbase outputs and {kernels} coinbase kernels, expected one of each";
    /// A range proof does not verify.
    "MW-R13" RangeProof { /** The output. */ output: PointBytes } => "the range proof of output {output} does not verify";
    /// The signature of a kernel does not verify.
    "MW-R14" KernelSignature { /** The kernel's excess. */ excess: PointBytes } => "the signature of kernel {excess} does not verify on this chain";
    /// Inputs, outputs, fees, excesses and offset do not balance.
    "MW-R15" Unbalanced => "inputs, outputs, fees and excesses do not balance";
    /// The coinbase output does not hold the reward plus the fees.
    "MW-R16" RewardAmount => "the coinbase output does not hold the reward plus the fees";
    /// The supply exceeds 64 bits.
    "MW-R17" SupplyOverflow => "the supply would exceed 64 bits";
    /// The block does not follow the tip.
    "MW-R18" NotNext { /** The tip. */ tip: Hash, /** Height of the tip. */ height: Height } => "the block does not follow the tip {tip} at height {height}";
    /// The block's time is before its parent's, or too soon after it.
    "MW-R19" TooEarly { /** Time of the block. */ time: u64, /** The earliest time that its parent and the pace allow. */ earliest: u64 } => "the block's time {time} is before {earliest}, its parent's time and the pace of the chain";
    /// The body is not the one that the header commits to.
    "MW-R20" BodyHash => "the body does not match the body hash of the header";
    /// The seal does not verify.
    "MW-R21" Seal => "the seal is not a signature of this chain's operator";
    /// The kernel count or the kernel root is wrong.
    "MW-R22" KernelRoot => "the kernel count or the kernel root of the header is wrong";
    /// The output count or the output root is wrong.
    "MW-R23" OutputRoot => "the output count or the output root of the header is wrong";
    /// An input is not among the unspent outputs.
    "MW-R24" NotUnspent { /** The output. */ output: PointBytes } => "output {output} is not unspent";
    /// A new output is unspent already.
    "MW-R25" AlreadyUnspent { /** The output. */ output: PointBytes } => "output {output} is unspent already";
    /// A coinbase output is spent too early.
    "MW-R26" Immature { /** The output. */ output: PointBytes, /** First height. */ from: Height } => "coinbase output {output} cannot be spent before height {from}";
    /// The height is outside a kernel's window.
    "MW-R27" OutsideWindow { /** The height. */ height: Height, /** First height. */ not_before: Height, /** Last height. */ not_after: Height } => "height {height} is outside the kernel window {not_before}…{not_after}";
    /// A coinbase kernel signs the height of another block.
    "MW-R28" CoinbaseHeight { /** The signed height. */ signed: Height, /** The height of the block. */ height: Height } => "the coinbase kernel signs height {signed}, but the block has height {height}";
    /// An excess occurs again, or too soon.
    "MW-R29" ExcessRepeated { /** The excess. */ excess: PointBytes } => "excess {excess} occurred before";
    /// A kernel occurs a second time.
    "MW-R30" KernelRepeated { /** Its id. */ id: Hash } => "kernel {id} is in the chain already";
    /// An output is audited on a chain without auditors, or the reverse.
    "MW-R31" AuditShape { /** The output. */ output: PointBytes } => "output {output} is not of the kind that this chain has: auditors read the amounts of all outputs or of none";
    /// What auditors need of an output is not what its commitment holds.
    "MW-R32" AuditHandle { /** The output. */ output: PointBytes } => "the handles of output {output} do not fit its commitment and the auditors' key";
    /// The sender's signature of a one-sided output does not verify.
    "MW-R33" SenderSignature { /** The output. */ output: PointBytes } => "the sender's signature of output {output} does not verify on this chain";
    /// The signature of a one-sided input does not verify.
    "MW-R34" InputSignature { /** The output that it spends. */ output: PointBytes } => "the signature of the input that spends output {output} does not verify on this chain";
    /// The keys of one-sided items, bonds and y do not balance.
    "MW-R35" KeysUnbalanced => "the keys of one-sided inputs, one-sided outputs and bonds do not balance";
    /// A bond is missing, too many, or its signature does not verify.
    "MW-R36" BondSignature { /** The excess of its kernel. */ excess: PointBytes } => "the bond of kernel {excess} does not verify on this chain";
    /// A body has a one-sided item and no bonded kernel.
    "MW-R37" NotBonded => "a one-sided input or output needs a bonded kernel in the same transaction or block";
    /// An input is not of the kind of the output that it spends.
    "MW-R38" InputKind { /** The output. */ output: PointBytes } => "the input that spends output {output} does not name the key of that output";
    /// The terms that the header states are not those that follow, or are of rules that this program does not
    /// know.
    "MW-R39" WrongTerms => "the terms that the header states do not follow from those before, or are of an unknown version of the rules";
    /// A change of the terms does not hold.
    "MW-R40" BadChange { /** What is wrong. */ fault: ChangeFault } => "the change of the terms does not hold: {fault}";
}

/// Why a change of the terms does not hold (MW-R40).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeFault {
    /// It is in a transaction.
    #[error("a transaction cannot carry one")]
    InTransaction,
    /// The chain has no validators.
    #[error("the chain has an operator")]
    Solo,
    /// The block before has a change.
    #[error("the block before has one")]
    TooSoon,
    /// The block is above its last height.
    #[error("it has expired")]
    Expired,
    /// The signers do not make a quorum of the set that seals the block.
    #[error("its signers do not make a quorum")]
    Quorum,
    /// A signature does not verify.
    #[error("a signature does not verify")]
    Signature,
    /// A renewal does not replace one vote key by another under the same name and power.
    #[error("a renewal does not replace the key of a validator that signed it")]
    Renewal,
    /// More than a third of the power joins and leaves.
    #[error("more than a third of the power joins and leaves")]
    TooMany,
    /// Fee or weight more than double or halve, or the weight is below that of the genesis.
    #[error("fee or weight are more than double or less than half, or the weight is below the first")]
    Limits,
    /// The version of the rules is not above the one in effect.
    #[error("the version of the rules is not above the one in effect")]
    Version,
    /// It takes effect less than W blocks later.
    #[error("it would take effect too early")]
    TooEarly,
    /// Something is announced already, or nothing is there to withdraw.
    #[error("another is announced, or none is that could be withdrawn")]
    Announced,
}

/// Why a block or transaction could not be connected to a chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError<E> {
    /// It breaks a rule.
    #[error(transparent)]
    Refused(#[from] Rejection),
    /// The store failed, so there is no verdict.
    #[error("cannot read the chain's state: {0}")]
    View(E),
}
