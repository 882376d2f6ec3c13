//! Gates in the order in which they were made, with constants folded.

/// The value of a wire in a netlist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A public constant.
    Constant(bool),
    /// A wire by its number: first the inputs, then one for each gate.
    Wire(usize),
}

impl Default for Signal {
    fn default() -> Self {
        Self::Constant(false)
    }
}

/// A gate, by the wires that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Gate {
    And(usize, usize),
    Xor(usize, usize),
    Not(usize),
}

impl Gate {
    pub(super) const fn is_and(self) -> bool {
        matches!(self, Self::And(..))
    }

    /// The wires that it reads; a NOT reads its one wire twice.
    pub(super) const fn operands(self) -> [usize; 2] {
        match self {
            Self::And(a, b) | Self::Xor(a, b) => [a, b],
            Self::Not(a) => [a, a],
        }
    }
}

/// A circuit as it was read or recorded. `to_string()` writes it in Bristol Fashion.
///
/// ```
/// use sotto_mpc::Netlist;
///
/// let mut netlist = Netlist::new(vec![1, 1]);
/// let [a, b] = netlist.input_wires().collect::<Vec<_>>()[..] else { unreachable!() };
/// let xor = netlist.xor(a, b);
/// netlist.output([xor]);
/// assert_eq!(netlist.compute(&[true, false]), [true]);
/// assert_eq!(Netlist::from_bristol(&netlist.to_string()), Ok(netlist));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Netlist {
    inputs: Vec<usize>,
    input_bits: usize,
    gates: Vec<Gate>,
    outputs: Vec<usize>,
    results: Vec<Signal>,
}

impl Netlist {
    /// A netlist without gates, whose input values have these numbers of bits.
    #[must_use]
    pub fn new(inputs: Vec<usize>) -> Self {
        let input_bits = inputs.iter().sum();
        Self { inputs, input_bits, gates: Vec::new(), outputs: Vec::new(), results: Vec::new() }
    }

    /// The number of bits of each input value.
    #[must_use]
    pub fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    /// A netlist of gates that were recorded, without outputs.
    pub(super) fn from_parts(inputs: Vec<usize>, gates: Vec<Gate>) -> Self {
        Self { gates, ..Self::new(inputs) }
    }

    /// The numbers of bits of the input values, and the gates.
    pub(super) fn into_parts(self) -> (Vec<usize>, Vec<Gate>) {
        (self.inputs, self.gates)
    }

    /// The wires of all inputs, in order.
    pub fn input_wires(&self) -> impl Iterator<Item = Signal> + use<> {
        (0..self.input_bits).map(Signal::Wire)
    }

    pub(super) fn input_bits(&self) -> usize {
        self.input_bits
    }

    pub(super) fn gates(&self) -> &[Gate] {
        &self.gates
    }

    /// The number of bits of each output value.
    #[must_use]
    pub fn outputs(&self) -> &[usize] {
        &self.outputs
    }

    /// The signals of all outputs, in order.
    #[must_use]
    pub fn results(&self) -> &[Signal] {
        &self.results
    }

    /// Adds an output value.
    pub fn output(&mut self, signals: impl IntoIterator<Item = Signal>) {
        let before = self.results.len();
        self.results.extend(signals);
        self.outputs.push(self.results.len() - before);
    }

    /// `a ∧ b`.
    pub fn and(&mut self, a: Signal, b: Signal) -> Signal {
        match (a, b) {
            (Signal::Constant(false), _) | (_, Signal::Constant(false)) => Signal::Constant(false),
            (Signal::Constant(true), x) | (x, Signal::Constant(true)) => x,
            (Signal::Wire(a), Signal::Wire(b)) => self.push(Gate::And(a, b)),
        }
    }

    /// `a ⊕ b`.
    pub fn xor(&mut self, a: Signal, b: Signal) -> Signal {
        match (a, b) {
            (Signal::Constant(false), x) | (x, Signal::Constant(false)) => x,
            (Signal::Constant(true), x) | (x, Signal::Constant(true)) => self.not(x),
            (Signal::Wire(a), Signal::Wire(b)) => self.push(Gate::Xor(a, b)),
        }
    }

    /// `¬a`.
    pub fn not(&mut self, a: Signal) -> Signal {
        match a {
            Signal::Constant(bit) => Signal::Constant(!bit),
            Signal::Wire(a) => self.push(Gate::Not(a)),
        }
    }

    /// Computes the outputs in the clear, gate by gate: the reference for scheduled circuits.
    ///
    /// # Panics
    /// If the number of inputs differs from that of the netlist.
    #[must_use]
    pub fn compute(&self, inputs: &[bool]) -> Vec<bool> {
        assert_eq!(inputs.len(), self.input_bits);
        let mut wires = inputs.to_vec();
        for gate in &self.gates {
            wires.push(match *gate {
                Gate::And(a, b) => wires[a] & wires[b],
                Gate::Xor(a, b) => wires[a] ^ wires[b],
                Gate::Not(a) => !wires[a],
            });
        }
        let value = |signal: &Signal| match *signal {
            Signal::Constant(bit) => bit,
            Signal::Wire(wire) => wires[wire],
        };
        self.results.iter().map(value).collect()
    }

    /// The same circuit without gates that no output needs.
    #[must_use]
    pub fn pruned(&self) -> Self {
        let wires = self.input_bits + self.gates.len();
        let mut needed = vec![false; wires];
        let wire = |signal: &Signal| match *signal {
            Signal::Wire(wire) => Some(wire),
            Signal::Constant(_) => None,
        };
        self.results.iter().filter_map(wire).for_each(|wire| needed[wire] = true);
        for (i, gate) in self.gates.iter().enumerate().rev() {
            if needed[self.input_bits + i] {
                gate.operands().into_iter().for_each(|wire| needed[wire] = true);
            }
        }
        let mut pruned = Self::new(self.inputs.clone());
        let mut moved: Vec<Signal> = (0..self.input_bits).map(Signal::Wire).collect();
        for (i, gate) in self.gates.iter().enumerate() {
            let [a, b] = gate.operands().map(|wire| moved[wire]);
            moved.push(match gate {
                _ if !needed[self.input_bits + i] => Signal::default(),
                Gate::And(..) => pruned.and(a, b),
                Gate::Xor(..) => pruned.xor(a, b),
                Gate::Not(_) => pruned.not(a),
            });
        }
        let results = self.results.iter().map(|signal| wire(signal).map_or(*signal, |wire| moved[wire]));
        pruned.results = results.collect();
        pruned.outputs.clone_from(&self.outputs);
        pruned
    }

    fn push(&mut self, gate: Gate) -> Signal {
        self.gates.push(gate);
        Signal::Wire(self.input_bits + self.gates.len() - 1)
    }
}
