//! Reads circuits from text: Bristol Fashion, and the older Bristol format.
//!
//! ```text
//! Bristol Fashion                          Bristol format
//! gates wires                              gates wires
//! values size … size     (inputs)          bits of party 1, of party 2, of the output
//! values size … size     (outputs)
//!
//! 2 1 a b out XOR | AND                    the same, with INV only
//! 1 1 a out INV | NOT | EQW
//! 1 1 0|1 out EQ
//! ```
//!
//! Input wires come first, output wires last. `EQ` sets a constant, `EQW` copies a wire. `MAND` (many ANDs in
//! one line) is not supported. Blank lines, and blanks at the ends of lines, are ignored.
//!
//! The text is not trusted. The reader checks every index: each wire is set once and before it is read, each
//! gate has the fan-in of its kind, and the counts in the header match the text. Nothing is allocated because
//! the header asks for it: a text cannot announce more gates or outputs than it has room for. The format does
//! not define which bit of a value is the lowest.
//!
//! The [`Display`](std::fmt::Display) form of a netlist is Bristol Fashion, and reading it gives the same
//! netlist; [`Netlist::to_bristol_format`] writes the older format.

mod error;
mod write;

use BristolErrorKind as Kind;
use error::MAX_INPUTS;
pub use error::{BristolError, BristolErrorKind};

use super::netlist::{Netlist, Signal};

/// The length of the shortest gate line, `1 1 0 1 EQ`, with its line break.
const SHORTEST_GATE: usize = 11;

/// The lines that are not blank, and the number of the current one.
struct Lines<'t> {
    lines: std::iter::Enumerate<std::str::Lines<'t>>,
    line: usize,
}

impl<'t> Lines<'t> {
    fn next(&mut self) -> Option<&'t str> {
        let (i, text) = self.lines.by_ref().find(|(_, text)| !text.trim().is_empty())?;
        self.line = i + 1;
        Some(text)
    }

    fn error(&self, kind: Kind) -> BristolError {
        BristolError { line: self.line, kind }
    }

    /// Reads the next line, which contains only numbers.
    fn numbers(&mut self) -> Result<Vec<usize>, BristolError> {
        let text = self.next().ok_or_else(|| self.error(Kind::Header))?;
        let numbers = text.split_ascii_whitespace().map(number);
        numbers.collect::<Option<_>>().ok_or_else(|| self.error(Kind::Number))
    }
}

/// Parses an unsigned number.
fn number(text: &str) -> Option<usize> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

impl Netlist {
    /// Reads a circuit in Bristol Fashion, or in the older Bristol format.
    ///
    /// # Errors
    /// If the text is not a circuit; the error names the line.
    pub fn from_bristol(text: &str) -> Result<Self, BristolError> {
        let mut lines = Lines { lines: text.lines().enumerate(), line: 1 };
        let header = Header::read(text, &mut lines)?;
        let mut reader = Reader::new(&header);
        while let Some(text) = lines.next() {
            reader.gate(text).map_err(|kind| lines.error(kind))?;
        }
        reader.finish(&header).map_err(|kind| lines.error(kind))
    }
}

/// The first lines.
struct Header {
    gates: usize,
    wires: usize,
    inputs: Vec<usize>,
    outputs: Vec<usize>,
}

impl Header {
    fn read(text: &str, lines: &mut Lines<'_>) -> Result<Self, BristolError> {
        let [gates, wires] = lines.numbers()?[..] else { return Err(lines.error(Kind::Header)) };
        if gates > text.len() / SHORTEST_GATE + 1 {
            return Err(lines.error(Kind::TooManyGates { announced: gates }));
        }
        let first = lines.numbers()?;
        let mut ahead = Lines { lines: lines.lines.clone(), line: lines.line };
        let fashion = ahead.next().is_some_and(|line| line.bytes().all(|byte| !byte.is_ascii_alphabetic()));
        let (inputs, outputs) = if fashion {
            let inputs = values(&first).map_err(|kind| lines.error(kind))?;
            let outputs = lines.numbers()?;
            (inputs, values(&outputs).map_err(|kind| lines.error(kind))?)
        } else {
            let [party_1, party_2, output] = first[..] else { return Err(lines.error(Kind::Header)) };
            (vec![party_1, party_2], vec![output])
        };
        let header = Self { gates, wires, inputs, outputs };
        let outputs = header.check().map_err(|kind| lines.error(kind))?;
        // An output that is also an input needs no gate, so the number of gates does not bound the outputs.
        if outputs > text.len() { Err(lines.error(Kind::OutputsBeyondText { outputs })) } else { Ok(header) }
    }

    /// Checks the counts against each other and returns the number of output bits.
    fn check(&self) -> Result<usize, Kind> {
        let sum = |sizes: &[usize]| sizes.iter().try_fold(0usize, |sum, size| sum.checked_add(*size));
        let inputs = sum(&self.inputs).filter(|bits| *bits <= MAX_INPUTS).ok_or(Kind::TooManyInputs)?;
        let made = inputs + self.gates;
        if self.wires != made {
            return Err(Kind::Wires { announced: self.wires, made });
        }
        let outputs = sum(&self.outputs).unwrap_or(usize::MAX);
        if outputs > self.wires {
            return Err(Kind::TooManyOutputs { outputs, wires: self.wires });
        }
        Ok(outputs)
    }
}

/// The sizes in a line `values size … size`.
fn values(numbers: &[usize]) -> Result<Vec<usize>, Kind> {
    let (announced, sizes) = numbers.split_first().ok_or(Kind::Header)?;
    let values = Kind::Values { announced: *announced, found: sizes.len() };
    if *announced == sizes.len() { Ok(sizes.to_vec()) } else { Err(values) }
}

/// The gates read so far.
struct Reader {
    netlist: Netlist,
    inputs: usize,
    /// The signal of each wire after the inputs, once it is set.
    made: Vec<Option<Signal>>,
    read: usize,
}

impl Reader {
    fn new(header: &Header) -> Self {
        let netlist = Netlist::new(header.inputs.clone());
        let made = vec![None; header.gates]; // the length of the text bounds it
        Self { inputs: netlist.input_bits(), netlist, made, read: 0 }
    }

    fn gate(&mut self, text: &str) -> Result<(), Kind> {
        self.read += 1;
        if self.read > self.made.len() {
            return Err(Kind::Gates { announced: self.made.len(), found: self.read });
        }
        let (numbers, kind) =
            text.trim_end().rsplit_once(|c: char| c.is_ascii_whitespace()).ok_or(Kind::Gate)?;
        if kind == "MAND" {
            return Err(Kind::Mand);
        }
        let mut fields = [0; 5];
        let mut used = 0;
        for text in numbers.split_ascii_whitespace() {
            *fields.get_mut(used).ok_or(Kind::FanIn)? = number(text).ok_or(Kind::Gate)?;
            used += 1;
        }
        let (signal, out) = match (kind, fields.get(..used).unwrap_or_default()) {
            ("XOR", &[2, 1, a, b, out]) => (self.two(a, b, Netlist::xor)?, out),
            ("AND", &[2, 1, a, b, out]) => (self.two(a, b, Netlist::and)?, out),
            ("INV" | "NOT", &[1, 1, a, out]) => {
                let a = self.get(a)?;
                (self.netlist.not(a), out)
            }
            ("EQW", &[1, 1, a, out]) => (self.get(a)?, out),
            ("EQ", &[1, 1, bit @ (0 | 1), out]) => (Signal::Constant(bit == 1), out),
            ("EQ", &[1, 1, _, _]) => return Err(Kind::Constant),
            ("XOR" | "AND" | "INV" | "NOT" | "EQW" | "EQ", _) => return Err(Kind::FanIn),
            _ => return Err(Kind::Gate),
        };
        self.set(out, signal)
    }

    fn two(
        &mut self,
        a: usize,
        b: usize,
        gate: fn(&mut Netlist, Signal, Signal) -> Signal,
    ) -> Result<Signal, Kind> {
        let (a, b) = (self.get(a)?, self.get(b)?);
        Ok(gate(&mut self.netlist, a, b))
    }

    fn wires(&self) -> usize {
        self.inputs + self.made.len()
    }

    fn get(&self, wire: usize) -> Result<Signal, Kind> {
        let Some(made) = wire.checked_sub(self.inputs) else { return Ok(Signal::Wire(wire)) };
        let signal = self.made.get(made).ok_or(Kind::NoWire { wire, wires: self.wires() })?;
        signal.ok_or(Kind::Undefined { wire })
    }

    fn set(&mut self, wire: usize, signal: Signal) -> Result<(), Kind> {
        let made = wire.checked_sub(self.inputs).ok_or(Kind::Reassigned { wire })?;
        let wires = self.wires();
        match self.made.get_mut(made) {
            None => Err(Kind::NoWire { wire, wires }),
            Some(Some(_)) => Err(Kind::Reassigned { wire }),
            Some(place) => {
                *place = Some(signal);
                Ok(())
            }
        }
    }

    /// The netlist, whose outputs are the last wires. All wires are set, because there are as many gates as
    /// wires after the inputs, and no wire was set twice.
    fn finish(mut self, header: &Header) -> Result<Netlist, Kind> {
        if self.read != self.made.len() {
            return Err(Kind::Gates { announced: self.made.len(), found: self.read });
        }
        let mut from = self.wires() - header.outputs.iter().sum::<usize>();
        for size in &header.outputs {
            let signals: Result<Vec<_>, _> = (from..from + size).map(|wire| self.get(wire)).collect();
            self.netlist.output(signals?);
            from += size;
        }
        Ok(self.netlist)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::Circuit;
    use crate::fancy::Plain;

    const FASHION: &str =
        "4 7\n2 1 2 \n1 2\n\n2 1 0 1 3 AND  \n1 1 3 4 INV\n\n1 1 1 5 EQ\n2 1 4 2 6 XOR\n   \n";

    fn run(text: &str, inputs: &[bool]) -> Vec<bool> {
        let circuit = Circuit::new(&Netlist::from_bristol(text).unwrap()).unwrap();
        let mut outputs = Vec::new();
        circuit.run(&mut Plain, inputs.iter().copied(), &mut outputs).unwrap();
        outputs
    }

    #[test]
    fn reads_every_kind_of_gate() {
        for (a, b, c) in [(false, true, true), (true, true, false), (true, true, true)] {
            assert_eq!(run(FASHION, &[a, b, c]), [true, !(a && b) ^ c]);
        }
        let copies = "2 3\n1 1\n1 2\n1 1 0 1 EQW\n1 1 1 2 NOT\n";
        assert_eq!(run(copies, &[true]), [true, false]);
    }

    #[test]
    fn reads_the_older_format() {
        let old = "2 5\n2 1 1\n\n2 1 0 1 3 AND\n2 1 3 2 4 XOR\n";
        assert_eq!(run(old, &[true, true, true]), [false]);
        assert_eq!(run(old, &[true, true, false]), [true]);
        let netlist = Netlist::from_bristol(old).unwrap();
        assert_eq!((netlist.inputs(), netlist.outputs()), (&[2, 1][..], &[1][..]));
    }

    #[test]
    fn outputs_may_be_inputs_and_there_may_be_no_gate() {
        assert_eq!(run("0 2\n1 2\n1 1\n\n", &[false, true]), [true]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let cases: &[(&str, usize, Kind)] = &[
            ("", 1, Kind::Header),
            ("1\n", 1, Kind::Header),
            ("1 x\n", 1, Kind::Number),
            ("-1 2\n", 1, Kind::Number),
            ("1 +2\n", 1, Kind::Number),
            ("99999999999999999999999 1\n", 1, Kind::Number),
            ("1 3\n", 1, Kind::Header),
            ("4000000000 4000000002\n1 2\n1 1\n", 1, Kind::TooManyGates { announced: 4_000_000_000 }),
            ("1 3\n2 2\n1 1\n2 1 0 1 2 AND\n", 2, Kind::Values { announced: 2, found: 1 }),
            ("1 3\n1 2\n2 1\n2 1 0 1 2 AND\n", 3, Kind::Values { announced: 2, found: 1 }),
            ("1 4\n1 2\n1 1\n2 1 0 1 2 AND\n", 3, Kind::Wires { announced: 4, made: 3 }),
            ("1 3\n1 4000000000\n1 1\n2 1 0 1 2 AND\n", 3, Kind::TooManyInputs),
            ("1 3\n2 18446744073709551615 9\n1 1\n2 1 0 1 2 AND\n", 3, Kind::TooManyInputs),
            ("1 3\n1 2\n1 4\n2 1 0 1 2 AND\n", 3, Kind::TooManyOutputs { outputs: 4, wires: 3 }),
            ("0 4000000\n1 4000000\n1 4000000\n", 3, Kind::OutputsBeyondText { outputs: 4_000_000 }),
            ("1 3\n1 2\n1 1\n2 1 0 1 2 NAND\n", 4, Kind::Gate),
            ("1 3\n1 2\n1 1\nAND\n", 4, Kind::Gate),
            ("1 3\n1 2\n1 1\n2 1 0 -1 2 AND\n", 4, Kind::Gate),
            ("1 3\n1 2\n1 1\n2 1 0 1 AND\n", 4, Kind::FanIn),
            ("1 3\n1 2\n1 1\n2 1 0 1 2 2 AND\n", 4, Kind::FanIn),
            ("1 3\n1 2\n1 1\n1 1 0 2 AND\n", 4, Kind::FanIn),
            ("1 3\n1 2\n1 1\n2 1 0 1 2 INV\n", 4, Kind::FanIn),
            ("1 3\n1 2\n1 1\n2 1 0 1 2 MAND\n", 4, Kind::Mand),
            ("1 3\n1 2\n1 1\n2 1 0 3 2 AND\n", 4, Kind::NoWire { wire: 3, wires: 3 }),
            ("1 3\n1 2\n1 1\n2 1 0 1 3 AND\n", 4, Kind::NoWire { wire: 3, wires: 3 }),
            ("1 3\n1 2\n1 1\n2 1 0 2 2 AND\n", 4, Kind::Undefined { wire: 2 }),
            ("1 3\n1 2\n1 1\n2 1 0 1 1 AND\n", 4, Kind::Reassigned { wire: 1 }),
            ("2 4\n1 2\n1 1\n2 1 0 1 3 AND\n2 1 0 1 3 XOR\n", 5, Kind::Reassigned { wire: 3 }),
            ("1 3\n1 2\n1 1\n1 1 2 2 EQ\n", 4, Kind::Constant),
            ("2 4\n1 2\n1 1\n2 1 0 1 2 AND\n", 4, Kind::Gates { announced: 2, found: 1 }),
            ("1 3\n1 2\n1 1\n2 1 0 1 2 AND\n2 1 0 1 2 AND\n", 5, Kind::Gates { announced: 1, found: 2 }),
        ];
        for (text, line, kind) in cases {
            let error = BristolError { line: *line, kind: *kind };
            assert_eq!(Netlist::from_bristol(text).unwrap_err(), error, "{text}");
        }
    }
}
