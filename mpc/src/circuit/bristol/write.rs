//! Writes netlists as text: Bristol Fashion, and the older Bristol format.
//!
//! In both, the outputs are the last wires, and a gate sets each of them. In Bristol Fashion each output bit
//! therefore has a last gate of its own: a copy of its wire (`EQW`), or a constant (`EQ`). Reading drops
//! these gates again, so the text gives the same netlist. The older format has neither gate: there a copy is
//! two inversions, and 0 is `x ⊕ x`.

use std::fmt::{self, Display, Formatter};

use super::super::netlist::{Gate, Netlist, Signal};

/// Writes the netlist in Bristol Fashion.
impl Display for Netlist {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let made = self.gates().len() + self.results().len();
        writeln!(f, "{made} {}", self.input_bits() + made)?;
        for sizes in [self.inputs(), self.outputs()] {
            write!(f, "{}", sizes.len())?;
            sizes.iter().try_for_each(|size| write!(f, " {size}"))?;
            writeln!(f)?;
        }
        writeln!(f)?;
        let mut wires = self.input_bits()..;
        for (gate, out) in self.gates().iter().zip(&mut wires) {
            line(f, gate, out)?;
        }
        for (result, out) in self.results().iter().zip(wires) {
            match result {
                Signal::Wire(wire) => writeln!(f, "1 1 {wire} {out} EQW"),
                Signal::Constant(bit) => writeln!(f, "1 1 {} {out} EQ", u8::from(*bit)),
            }?;
        }
        Ok(())
    }
}

impl Netlist {
    /// Writes the older Bristol format, which has two input values and one output value; all outputs form
    /// that one value. `None` if there are more than two input values, or no input bit to make constants
    /// from.
    #[must_use]
    pub fn to_bristol_format(&self) -> Option<String> {
        let [first, second] = match *self.inputs() {
            [a, b] => [a, b],
            [a] => [a, 0],
            _ => return None,
        };
        (first + second > 0).then(|| Older { netlist: self, inputs: [first, second] }.to_string())
    }
}

/// A netlist that the older format can express.
struct Older<'n> {
    netlist: &'n Netlist,
    inputs: [usize; 2],
}

impl Display for Older<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (inputs, results) = (self.inputs[0] + self.inputs[1], self.netlist.results());
        let made = self.netlist.gates().len();
        writeln!(f, "{} {}", made + 2 * results.len(), inputs + made + 2 * results.len())?;
        writeln!(f, "{} {} {}\n", self.inputs[0], self.inputs[1], results.len())?;
        for (gate, out) in self.netlist.gates().iter().zip(inputs..) {
            line(f, gate, out)?;
        }
        let (halfway, outputs) = (inputs + made.., inputs + made + results.len()..);
        for (result, out) in results.iter().zip(halfway.clone()) {
            match result {
                Signal::Wire(wire) => writeln!(f, "1 1 {wire} {out} INV"),
                Signal::Constant(_) => writeln!(f, "2 1 0 0 {out} XOR"),
            }?;
        }
        for ((result, half), out) in results.iter().zip(halfway).zip(outputs) {
            match result {
                Signal::Constant(false) => writeln!(f, "2 1 {half} {half} {out} XOR"),
                Signal::Constant(true) | Signal::Wire(_) => writeln!(f, "1 1 {half} {out} INV"),
            }?;
        }
        Ok(())
    }
}

/// Writes the line of a gate, which is the same in both formats.
fn line(f: &mut Formatter<'_>, gate: &Gate, out: usize) -> fmt::Result {
    match gate {
        Gate::And(a, b) => writeln!(f, "2 1 {a} {b} {out} AND"),
        Gate::Xor(a, b) => writeln!(f, "2 1 {a} {b} {out} XOR"),
        Gate::Not(a) => writeln!(f, "1 1 {a} {out} INV"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_format_computes_the_same_and_says_what_it_cannot_hold() {
        let mut netlist = Netlist::new(vec![2, 1]);
        let [a, b, c] = [0, 1, 2].map(Signal::Wire);
        let and = netlist.and(a, b);
        let not = netlist.not(c);
        let xor = netlist.xor(and, not);
        netlist.output([xor, Signal::Constant(true), a]);
        netlist.output([Signal::Constant(false), xor]);
        let text = netlist.to_bristol_format().unwrap();
        assert!(text.starts_with("13 16\n2 1 5\n\n2 1 0 1 3 AND\n1 1 2 4 INV\n"), "{text}");
        let read = Netlist::from_bristol(&text).unwrap();
        assert_eq!((read.inputs(), read.outputs()), (&[2, 1][..], &[5][..]));
        for bits in 0..8 {
            let bits: Vec<bool> = (0..3).map(|i| bits >> i & 1 == 1).collect();
            assert_eq!(read.compute(&bits), netlist.compute(&bits));
        }
        for inputs in [vec![1, 1, 1], vec![], vec![0, 0]] {
            assert_eq!(Netlist::new(inputs).to_bristol_format(), None);
        }
    }

    #[test]
    fn writes_gates_copies_and_constants() {
        let mut netlist = Netlist::new(vec![2, 1]);
        let [a, b, c] = [0, 1, 2].map(Signal::Wire);
        let and = netlist.and(a, b);
        let not = netlist.not(and);
        let xor = netlist.xor(not, c);
        netlist.output([xor, Signal::Constant(true)]);
        netlist.output([c]);
        let text = "6 9\n2 2 1\n2 2 1\n\n2 1 0 1 3 AND\n1 1 3 4 INV\n2 1 4 2 5 XOR\n\
                    1 1 5 6 EQW\n1 1 1 7 EQ\n1 1 2 8 EQW\n";
        assert_eq!(netlist.to_string(), text);
        assert_eq!(Netlist::from_bristol(text), Ok(netlist));
    }
}
