//! A netlist as Bristol Fashion text.
//!
//! The format wants the outputs to be the last wires, each set by a gate. So each output bit is a last gate of its own: a copy
//! of the wire that it is (`EQW`), or a constant (`EQ`). Reading drops these again: what is read is what was
//! written, gate by gate.

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
            match gate {
                Gate::And(a, b) => writeln!(f, "2 1 {a} {b} {out} AND"),
                Gate::Xor(a, b) => writeln!(f, "2 1 {a} {b} {out} XOR"),
                Gate::Not(a) => writeln!(f, "1 1 {a} {out} INV"),
            }?;
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

#[cfg(test)]
mod tests {
    use super::*;

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
