//! What can be wrong with a circuit file.

/// The largest accepted number of input bits, which the length of the text does not bound.
pub(super) const MAX_INPUTS: usize = 1 << 22;

/// What is wrong with a circuit file, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct BristolError {
    /// Line of the text, from 1.
    pub line: usize,
    /// What is wrong there.
    pub kind: BristolErrorKind,
}

/// What is wrong with a line of a circuit file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BristolErrorKind {
    /// The text ends in its header.
    #[error(
        "the header is not complete: it needs the numbers of gates and wires, then the inputs and the outputs"
    )]
    Header,
    /// Something is no number.
    #[error("expected whole numbers without sign")]
    Number,
    /// A list of values is not as long as it says.
    #[error("the line announces {announced} values and has the sizes of {found}")]
    Values {
        /// Values that the line announces.
        announced: usize,
        /// Sizes that follow.
        found: usize,
    },
    /// More gates than lines.
    #[error("the header announces {announced} gates, more than this text can hold: is it cut short?")]
    TooManyGates {
        /// Gates that the header announces.
        announced: usize,
    },
    /// Gates and inputs do not make the wires.
    #[error(
        "the header announces {announced} wires, but inputs and gates make {made}: each gate makes one wire"
    )]
    Wires {
        /// Wires that the header announces.
        announced: usize,
        /// Inputs and gates.
        made: usize,
    },
    /// More input bits than are accepted.
    #[error("more than {MAX_INPUTS} input bits")]
    TooManyInputs,
    /// More outputs than wires.
    #[error("{outputs} output bits, but only {wires} wires")]
    TooManyOutputs {
        /// Output bits that the header announces.
        outputs: usize,
        /// Wires that the header announces.
        wires: usize,
    },
    /// More outputs than bytes.
    #[error("the header announces {outputs} output bits, more than this text can hold: is it cut short?")]
    OutputsBeyondText {
        /// Output bits that the header announces.
        outputs: usize,
    },
    /// A line is no gate.
    #[error("expected a gate: `2 1 a b out XOR|AND`, `1 1 a out INV|EQW` or `1 1 0|1 out EQ`")]
    Gate,
    /// A gate has another number of inputs or outputs than its kind.
    #[error("the numbers of inputs and outputs do not fit the kind of gate")]
    FanIn,
    /// A `MAND` gate.
    #[error("MAND is not supported: write one AND line for each of its gates")]
    Mand,
    /// A wire that does not exist.
    #[error("there is no wire {wire}: the header announces {wires}, numbered from 0")]
    NoWire {
        /// The wire.
        wire: usize,
        /// Wires that the header announces.
        wires: usize,
    },
    /// A wire is read before it is set.
    #[error("wire {wire} is read before it is set: write gates in the order in which they are computed")]
    Undefined {
        /// The wire.
        wire: usize,
    },
    /// A wire is set twice, or an input is set.
    #[error("wire {wire} is set already: each wire is set by one gate, and inputs by none")]
    Reassigned {
        /// The wire.
        wire: usize,
    },
    /// `EQ` of something that is no bit.
    #[error("EQ sets a wire to 0 or 1; use EQW to copy a wire")]
    Constant,
    /// The text ends early or goes on.
    #[error("the header announces {announced} gates, but there are {found}")]
    Gates {
        /// Gates that the header announces.
        announced: usize,
        /// Gates that are there, as far as they were read.
        found: usize,
    },
}
