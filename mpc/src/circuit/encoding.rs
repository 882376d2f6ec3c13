//! The bytes of a scheduled circuit, as the compiler's process answers them; read as untrusted.
//!
//! ```text
//! input sizes ‖ output sizes ‖ number of slots ‖ batches ‖ XORs ‖ ANDs ‖ results        each a list but the slots
//! batch   XORs (u32) ‖ ANDs (u32)
//! gate    slot ‖ slot ‖ slot that is written (u32 each)
//! result  0 or 1, the constant; or 2 ‖ slot (u32)
//! ```
//!
//! Guaranteed of what decodes: running it reads and writes only slots that exist, never writes the slot that
//! is always true, batches are as large as interpreters take them, and the slots are at most as many as
//! inputs and gates make. So a wrong answer may compute something else, which the digest shows to both
//! parties, but it does not panic and asks for no more memory than its size accounts for.

use super::Circuit;
use super::schedule::BATCH;
use super::slots::{Batch, Layout, Output};
use crate::codec::{Decode, DecodeError, Encode, Reader};

/// The largest number of input bits of a circuit that is read.
const MAX_INPUT_BITS: usize = 1 << 27;

impl Encode for Batch {
    fn encode(&self, out: &mut Vec<u8>) {
        [self.xors, self.ands].encode(out);
    }
}

impl Decode for Batch {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let [xors, ands] = Decode::decode(reader)?;
        if ands as usize > BATCH || (xors, ands) == (0, 0) {
            return Err(DecodeError::Invalid("batch"));
        }
        Ok(Self { xors, ands })
    }
}

impl Encode for Output {
    fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Constant(bit) => u8::from(bit).encode(out),
            Self::Slot(slot) => {
                2u8.encode(out);
                slot.encode(out);
            }
        }
    }
}

impl Decode for Output {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(reader)? {
            bit @ (0 | 1) => Ok(Self::Constant(bit == 1)),
            2 => Ok(Self::Slot(u32::decode(reader)?)),
            _ => Err(DecodeError::Invalid("result")),
        }
    }
}

impl Encode for Circuit {
    fn encode(&self, out: &mut Vec<u8>) {
        let Layout { slots, batches, xors, ands, results } = &self.layout;
        self.inputs.encode(out);
        self.outputs.encode(out);
        slots.encode(out);
        batches.encode(out);
        xors.encode(out);
        ands.encode(out);
        results.encode(out);
    }
}

impl Decode for Circuit {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (inputs, outputs) = (Vec::decode(reader)?, Vec::decode(reader)?);
        let layout = Layout {
            slots: usize::decode(reader)?,
            batches: Vec::decode(reader)?,
            xors: Vec::decode(reader)?,
            ands: Vec::decode(reader)?,
            results: Vec::decode(reader)?,
        };
        let circuit = Self { inputs, outputs, layout };
        circuit.check().map_err(DecodeError::Invalid)?;
        Ok(circuit)
    }
}

/// The sum of sizes, if it is in range.
fn sum(sizes: &[usize]) -> Option<usize> {
    sizes.iter().try_fold(0usize, |sum, size| sum.checked_add(*size))
}

impl Circuit {
    /// What a circuit that was made by scheduling fulfils.
    fn check(&self) -> Result<(), &'static str> {
        let Layout { slots, batches, xors, ands, results } = &self.layout;
        let inputs =
            sum(&self.inputs).filter(|bits| *bits <= MAX_INPUT_BITS).ok_or("number of input bits")?;
        if sum(&self.outputs) != Some(results.len()) {
            return Err("number of output bits");
        }
        if *slots <= inputs || *slots > inputs + 1 + xors.len() + ands.len() {
            return Err("number of slots");
        }
        let count = |of: fn(&Batch) -> u32| batches.iter().map(|batch| of(batch) as usize).sum::<usize>();
        if (count(|batch| batch.xors), count(|batch| batch.ands)) != (xors.len(), ands.len()) {
            return Err("number of gates");
        }
        let exists = |slot: &u32| (*slot as usize) < *slots;
        let mut gates = xors.iter().chain(ands);
        if !gates.all(|gate| gate.iter().all(exists) && gate[2] as usize != inputs) {
            return Err("slot of a gate");
        }
        let is_known = |result: &Output| match result {
            Output::Slot(slot) => exists(slot),
            Output::Constant(_) => true,
        };
        if results.iter().all(is_known) { Ok(()) } else { Err("slot of a result") }
    }

    /// The number of gates, free ones included.
    pub(super) fn gates(&self) -> usize {
        self.layout.xors.len() + self.layout.ands.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Netlist;
    use super::*;

    fn circuit() -> Circuit {
        let text = "5 7\n1 2\n1 3\n\n2 1 0 1 2 AND\n1 1 2 3 INV\n1 1 1 4 EQ\n1 1 3 5 EQW\n2 1 4 5 6 XOR\n";
        Circuit::new(&Netlist::from_bristol(text).unwrap()).unwrap()
    }

    fn bytes(circuit: &Circuit) -> Vec<u8> {
        let mut out = Vec::new();
        circuit.encode(&mut out);
        out
    }

    #[test]
    fn a_circuit_reads_back_and_no_other_bytes_do() {
        let circuit = circuit();
        let encoded = bytes(&circuit);
        let again = Circuit::from_bytes(&encoded).unwrap();
        assert_eq!((again.digest(), bytes(&again)), (circuit.digest(), encoded.clone()));
        for length in 0..encoded.len() {
            assert!(Circuit::from_bytes(&encoded[..length]).is_err());
        }
        for i in 0..encoded.len() {
            for bit in 0..8 {
                let mut changed = encoded.clone();
                changed[i] ^= 1 << bit;
                let Ok(other) = Circuit::from_bytes(&changed) else { continue };
                assert_eq!(bytes(&other), changed);
                // What is accepted runs.
                let inputs = vec![true; other.inputs().iter().sum()];
                let Ok(()) = other.run(&mut crate::Plain, inputs, &mut Vec::new());
            }
        }
    }

    #[test]
    fn what_no_schedule_makes_is_refused() {
        let refused = |change: fn(&mut Circuit), why| {
            let mut changed = circuit();
            change(&mut changed);
            assert_eq!(Circuit::from_bytes(&bytes(&changed)).err(), Some(DecodeError::Invalid(why)));
        };
        refused(|c| c.layout.slots += 9, "number of slots");
        refused(|c| c.layout.slots = 2, "number of slots");
        refused(|c| c.inputs = vec![MAX_INPUT_BITS + 1], "number of input bits");
        refused(|c| c.inputs = vec![usize::MAX, 3], "number of input bits");
        refused(|c| c.outputs = vec![2], "number of output bits");
        refused(|c| c.layout.ands.clear(), "number of gates");
        refused(|c| c.layout.xors.clear(), "number of gates");
        refused(|c| c.layout.ands[0][1] = 99, "slot of a gate");
        refused(|c| c.layout.xors[0][2] = 2, "slot of a gate");
        refused(|c| c.layout.results[0] = Output::Slot(99), "slot of a result");
        refused(|c| c.layout.batches[0].ands = 9, "batch");
        refused(|c| c.layout.batches.push(Batch { xors: 0, ands: 0 }), "batch");
    }
}
