//! The integrity levels of outputs, and whether outputs of different levels may be spent together.
//!
//! ```text
//! bytes = mixing (1) ‖ map of marks
//! mark  = output (32) ‖ level (1) ‖ 0, or 1 ‖ issuer's address (65) ‖ excess of the notice (32) ‖ its height (8)
//! ```
#![deny(clippy::indexing_slicing)]

use crate::{
    codec::{Keyed, flag, map, option, point_bytes, put_map, put_option},
    keys::Address,
    level::{Level, Mark, Mixing, Said},
    outputs::OutputRecord,
};
use sotto_mw::{
    amount::Height,
    codec::{Decode, DecodeError, Encode, Reader},
    group::PointBytes,
    kernel::Excess,
};
use std::collections::BTreeMap;

/// What a wallet knows of levels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Levels {
    pub(crate) mixing: Mixing,
    pub(crate) marks: BTreeMap<PointBytes, Mark>,
}

impl Levels {
    /// The level of an output.
    pub(crate) fn of(&self, output: &PointBytes) -> Level {
        self.marks.get(output).map_or(Level::OwnChain, |mark| mark.level)
    }

    /// What comes back of a payment has the lowest level of what it spends.
    pub(crate) fn inherit(&mut self, inputs: &[PointBytes], output: PointBytes) {
        let level = inputs.iter().map(|i| self.of(i)).max().unwrap_or_default();
        if level == Level::OwnChain {
            self.marks.remove(&output);
        } else {
            self.marks.insert(output, Mark { output, level, said: None });
        }
    }

    /// The outputs that may be spent together, the highest level first.
    pub(crate) fn groups<'a>(&self, coins: &[&'a OutputRecord]) -> Vec<Vec<&'a OutputRecord>> {
        if self.mixing == Mixing::Allowed {
            return vec![coins.to_vec()];
        }
        let of = |level| coins.iter().copied().filter(move |o| self.of(&o.commitment) == level).collect();
        Level::ALL.map(of).into_iter().filter(|group: &Vec<_>| !group.is_empty()).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Keyed for Mark {
    type Key = PointBytes;
    const NAME: &'static str = "marks";
    const LEAST_BYTES: usize = 32 + 1 + 1;

    fn key(&self) -> PointBytes {
        self.output
    }
}

impl Encode for Said {
    fn encode(&self, out: &mut Vec<u8>) {
        self.issuer.encode(out);
        self.notice.encode(out);
        self.height.encode(out);
    }
}

impl Decode for Said {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { issuer: Address::decode(r)?, notice: Excess::decode(r)?, height: Height::decode(r)? })
    }
}

impl Encode for Mark {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.output.0);
        self.level.encode(out);
        put_option(self.said.as_ref(), out);
    }
}

impl Decode for Mark {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { output: point_bytes(r)?, level: Level::decode(r)?, said: option(r, "statement")? })
    }
}

impl Encode for Levels {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push((self.mixing == Mixing::Allowed).into());
        put_map(&self.marks, out);
    }
}

impl Decode for Levels {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mixing = if flag(r, "mixing")? { Mixing::Allowed } else { Mixing::Refused };
        Ok(Self { mixing, marks: map(r)? })
    }
}
