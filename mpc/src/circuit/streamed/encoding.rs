//! The bytes of a streamed circuit, as the compiler's process answers them; read as untrusted.
//!
//! ```text
//! circuit = sizes ‖ steps ‖ the last staged ‖ result: 0, or 1 ‖ table       sizes and steps are lists
//! size    = bits of an element ‖ elements ‖ 0 whole, 1 streamed, 2 held
//! step    = 0 ‖ staged, 1 ‖ loop, 2 ‖ table ‖ key, or 3 ‖ table ‖ table ‖ key
//! staged  = known: list of (table ‖ row) ‖ stages: list of (circuit ‖ table ‖ index) ‖ circuit
//! loop    = sources: list of source ‖ rounds ‖ reads ‖ writes ‖ makes: list of (bits of a row ‖ 0, or 1 ‖ source)
//!           ‖ 0, or 1 ‖ bits of the number ‖ first number ‖ staged ‖ 0, or rounds of a block ‖ block
//! source  = table ‖ first row
//! key     = list of 2·place, or 2·place + 1 where it descends
//! ```
//!
//! Tables, rows, places and bits of the state are u32, sizes and rounds u64.

use super::{
    Block, Counter, ForEach, KeyBit, Known, Make, Merge, Reading, Size, Sort, Source, Stage, Staged, Step,
    StreamedCircuit,
};
use crate::codec::{Decode, DecodeError, Encode, Reader};

impl Encode for Size {
    fn encode(&self, out: &mut Vec<u8>) {
        self.element.encode(out);
        self.elements.encode(out);
        let reading = match self.reading {
            Reading::Whole => 0u8,
            Reading::Streamed => 1,
            Reading::Held => 2,
        };
        reading.encode(out);
    }
}

impl Decode for Size {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (element, elements) = (usize::decode(reader)?, usize::decode(reader)?);
        let reading = match u8::decode(reader)? {
            0 => Reading::Whole,
            1 => Reading::Streamed,
            2 => Reading::Held,
            _ => return Err(DecodeError::Invalid("size")),
        };
        Ok(Self { element, elements, reading })
    }
}

impl Encode for KeyBit {
    fn encode(&self, out: &mut Vec<u8>) {
        (self.place << 1 | u32::from(self.descends)).encode(out);
    }
}

impl Decode for KeyBit {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bit = u32::decode(reader)?;
        Ok(Self { place: bit >> 1, descends: bit & 1 == 1 })
    }
}

impl Encode for Known {
    fn encode(&self, out: &mut Vec<u8>) {
        [self.table, self.row].encode(out);
    }
}

impl Decode for Known {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let [table, row] = Decode::decode(reader)?;
        Ok(Self { table, row })
    }
}

impl Encode for Source {
    fn encode(&self, out: &mut Vec<u8>) {
        [self.table, self.from].encode(out);
    }
}

impl Decode for Source {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let [table, from] = Decode::decode(reader)?;
        Ok(Self { table, from })
    }
}

impl Encode for Stage {
    fn encode(&self, out: &mut Vec<u8>) {
        self.circuit.encode(out);
        self.table.encode(out);
        self.index.encode(out);
    }
}

impl Decode for Stage {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (circuit, table) = (Decode::decode(reader)?, Decode::decode(reader)?);
        Ok(Self { circuit, table, index: Decode::decode(reader)? })
    }
}

impl Encode for Staged {
    fn encode(&self, out: &mut Vec<u8>) {
        self.known.encode(out);
        self.stages.encode(out);
        self.last.encode(out);
    }
}

impl Decode for Staged {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (known, stages) = (Decode::decode(reader)?, Decode::decode(reader)?);
        Ok(Self { known, stages, last: Decode::decode(reader)? })
    }
}

impl Encode for Make {
    fn encode(&self, out: &mut Vec<u8>) {
        self.width.encode(out);
        self.into.encode(out);
    }
}

impl Decode for Make {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { width: Decode::decode(reader)?, into: Decode::decode(reader)? })
    }
}

impl Encode for Counter {
    fn encode(&self, out: &mut Vec<u8>) {
        [self.bits, self.first].encode(out);
    }
}

impl Decode for Counter {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let [bits, first] = Decode::decode(reader)?;
        Ok(Self { bits, first })
    }
}

impl<T: Encode> Encode for Option<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            None => 0u8.encode(out),
            Some(value) => {
                1u8.encode(out);
                value.encode(out);
            }
        }
    }
}

impl<T: Decode> Decode for Option<T> {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(reader)? {
            0 => Ok(None),
            1 => T::decode(reader).map(Some),
            _ => Err(DecodeError::Invalid("option")),
        }
    }
}

impl Encode for ForEach {
    fn encode(&self, out: &mut Vec<u8>) {
        let Self { sources, rounds, reads, writes, makes, counter, round, block } = self;
        sources.encode(out);
        rounds.encode(out);
        reads.encode(out);
        writes.encode(out);
        makes.encode(out);
        counter.encode(out);
        round.encode(out);
        match block {
            None => 0usize.encode(out),
            Some(Block { rounds, circuit }) => {
                rounds.encode(out);
                circuit.encode(out);
            }
        }
    }
}

impl Decode for ForEach {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (sources, rounds) = (Decode::decode(reader)?, Decode::decode(reader)?);
        let (reads, writes, makes) = Decode::decode(reader)?;
        let (counter, round) = (Decode::decode(reader)?, Decode::decode(reader)?);
        let block = match usize::decode(reader)? {
            0 => None,
            rounds => Some(Block { rounds, circuit: Decode::decode(reader)? }),
        };
        Ok(Self { sources, rounds, reads, writes, makes, counter, round, block })
    }
}

impl Encode for Step {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Once(staged) => {
                0u8.encode(out);
                staged.encode(out);
            }
            Self::ForEach(each) => {
                1u8.encode(out);
                each.encode(out);
            }
            Self::Sort(Sort { table, key }) => {
                2u8.encode(out);
                table.encode(out);
                key.encode(out);
            }
            Self::Merge(Merge { tables, key }) => {
                3u8.encode(out);
                tables.encode(out);
                key.encode(out);
            }
        }
    }
}

impl Decode for Step {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::decode(reader)? {
            0 => Self::Once(Decode::decode(reader)?),
            1 => Self::ForEach(Decode::decode(reader)?),
            2 => Self::Sort(Sort { table: Decode::decode(reader)?, key: Decode::decode(reader)? }),
            3 => Self::Merge(Merge { tables: Decode::decode(reader)?, key: Decode::decode(reader)? }),
            _ => return Err(DecodeError::Invalid("step")),
        })
    }
}

impl Encode for StreamedCircuit {
    fn encode(&self, out: &mut Vec<u8>) {
        self.sizes.encode(out);
        self.steps.encode(out);
        self.last.encode(out);
        self.result.encode(out);
    }
}

impl Decode for StreamedCircuit {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (sizes, steps, last) = (Vec::decode(reader)?, Vec::decode(reader)?, Staged::decode(reader)?);
        let result = Decode::decode(reader)?;
        Self::new(sizes, steps, last, result).ok_or(DecodeError::Invalid("steps"))
    }
}
