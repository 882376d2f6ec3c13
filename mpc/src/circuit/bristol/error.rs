//! Errors of circuit files.

/// The largest accepted number of input bits, which the length of the text does not bound.
pub(super) const MAX_INPUTS: usize = 1 << 22;

/// An invalid line of a circuit file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct BristolError {
    /// The number of the line, from 1.
    pub line: usize,
    /// The error in it.
    pub kind: BristolErrorKind,
}

/// The error in a line of a circuit file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BristolErrorKind {
    /// The header is incomplete.
    #[error("incomplete header: expected the numbers of gates and wires, then the inputs and the outputs")]
    Header,
    /// A number is invalid.
    #[error("expected whole numbers without sign")]
    Number,
    /// A list of values has another length than it announces.
    #[error("the line announces {announced} values but has {found} sizes")]
    Values {
        /// The announced number of values.
        announced: usize,
        /// The number of sizes.
        found: usize,
    },
    /// The header announces more gates than the text can hold.
    #[error("the header announces {announced} gates, more than this text can hold: is it cut short?")]
    TooManyGates {
        /// The announced number of gates.
        announced: usize,
    },
    /// The number of wires is not that of inputs and gates.
    #[error(
        "the header announces {announced} wires, but inputs and gates make {made}: each gate makes one wire"
    )]
    Wires {
        /// The announced number of wires.
        announced: usize,
        /// The number of input bits and gates.
        made: usize,
    },
    /// The circuit has too many input bits.
    #[error("too many input bits: at most {MAX_INPUTS} are supported")]
    TooManyInputs,
    /// The circuit has more outputs than wires.
    #[error("{outputs} output bits, but only {wires} wires")]
    TooManyOutputs {
        /// The announced number of output bits.
        outputs: usize,
        /// The announced number of wires.
        wires: usize,
    },
    /// The header announces more outputs than the text can hold.
    #[error("the header announces {outputs} output bits, more than this text can hold: is it cut short?")]
    OutputsBeyondText {
        /// The announced number of output bits.
        outputs: usize,
    },
    /// The line is not a gate.
    #[error("expected a gate: `2 1 a b out XOR|AND`, `1 1 a out INV|EQW` or `1 1 0|1 out EQ`")]
    Gate,
    /// The fan-in or fan-out of a gate is not that of its kind.
    #[error("the numbers of inputs and outputs do not match the kind of gate")]
    FanIn,
    /// The line is a `MAND` gate.
    #[error("MAND is not supported: write one AND line for each of its gates")]
    Mand,
    /// A wire does not exist.
    #[error("wire {wire} does not exist: the header announces {wires}, numbered from 0")]
    NoWire {
        /// The number of the wire.
        wire: usize,
        /// The announced number of wires.
        wires: usize,
    },
    /// A wire is read before it is set.
    #[error("wire {wire} is read before it is set: write gates in the order in which they are computed")]
    Undefined {
        /// The number of the wire.
        wire: usize,
    },
    /// A wire is set twice, or an input is set.
    #[error("wire {wire} is already set: exactly one gate sets a wire, and no gate sets an input")]
    Reassigned {
        /// The number of the wire.
        wire: usize,
    },
    /// The operand of `EQ` is not a bit.
    #[error("EQ sets a wire to 0 or 1; use EQW to copy a wire")]
    Constant,
    /// The number of gates is not the announced one.
    #[error("the header announces {announced} gates, but there are {found}")]
    Gates {
        /// The announced number of gates.
        announced: usize,
        /// The number of gates read.
        found: usize,
    },
}
