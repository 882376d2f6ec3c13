//! The bytes of a streamed circuit, as the compiler's process answers them; read as untrusted.
//!
//! ```text
//! circuit = sizes ‖ steps ‖ the last circuit          each a list but the last
//! size    = bits of an element ‖ elements ‖ 1 if they are streamed
//! step    = 0 ‖ circuit, or 1 ‖ values ‖ reads ‖ writes ‖ round ‖ rounds of a block ‖ block
//! ```

use super::{Circuit, ForEach, Size, Step, StreamedCircuit};
use crate::codec::{Decode, DecodeError, Encode, Reader};

impl Encode for Size {
    fn encode(&self, out: &mut Vec<u8>) {
        self.element.encode(out);
        self.elements.encode(out);
        u8::from(self.is_streamed).encode(out);
    }
}

impl Decode for Size {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (element, elements) = (usize::decode(reader)?, usize::decode(reader)?);
        let is_streamed = match u8::decode(reader)? {
            flag @ (0 | 1) => flag == 1,
            _ => return Err(DecodeError::Invalid("size")),
        };
        Ok(Self { element, elements, is_streamed })
    }
}

impl Encode for Step {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Once(circuit) => {
                0u8.encode(out);
                circuit.encode(out);
            }
            Self::ForEach(ForEach { values, reads, writes, round, rounds, block }) => {
                1u8.encode(out);
                values.encode(out);
                reads.encode(out);
                writes.encode(out);
                round.encode(out);
                rounds.encode(out);
                block.encode(out);
            }
        }
    }
}

impl Decode for Step {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(reader)? {
            0 => Ok(Self::Once(Decode::decode(reader)?)),
            1 => Ok(Self::ForEach(ForEach {
                values: Decode::decode(reader)?,
                reads: Decode::decode(reader)?,
                writes: Decode::decode(reader)?,
                round: Decode::decode(reader)?,
                rounds: Decode::decode(reader)?,
                block: Decode::decode(reader)?,
            })),
            _ => Err(DecodeError::Invalid("step")),
        }
    }
}

impl Encode for StreamedCircuit {
    fn encode(&self, out: &mut Vec<u8>) {
        self.sizes.encode(out);
        self.steps.encode(out);
        self.last.encode(out);
    }
}

impl Decode for StreamedCircuit {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (sizes, steps, last) = (Vec::decode(reader)?, Vec::decode(reader)?, Circuit::decode(reader)?);
        Self::new(sizes, steps, last).ok_or(DecodeError::Invalid("steps"))
    }
}
