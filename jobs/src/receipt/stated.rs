//! Records with statements, in the versions of which each is used only for what the earlier ones cannot say.
//!
//! ```text
//! plain             record
//! vouched           record ‖ evidence behind each statement, of which there is some
//! of many           record ‖ statements of further compute parties
//! of a sale         record ‖ facts about the sale ‖ evidence behind each statement, or none
//! vouched, of many  record ‖ statements of further compute parties ‖ evidence behind each statement, of which there is some
//! ```

use super::Statement;
use crate::codec::{Codec, DecodeError, Reader};
use crate::job::MAX_COMPUTE_PARTIES;
use crate::lock::share::SoldFacts;

/// What the versions begin with.
pub(crate) struct Prefixes {
    pub(crate) plain: &'static str,
    pub(crate) vouched: &'static str,
    pub(crate) of_many: &'static str,
    pub(crate) of_sale: &'static str,
    pub(crate) vouched_of_many: &'static str,
}

/// A record with statements.
pub(crate) trait Stated: Codec {
    /// What its versions begin with.
    const PREFIXES: Prefixes;

    /// Statements of further compute parties; none in a record that has one statement.
    fn further_mut(&mut self) -> Option<&mut Vec<Statement>> {
        None
    }

    /// The same.
    fn further(&self) -> &[Statement] {
        &[]
    }

    /// Its facts about a sale, to be completed; none in a record without facts.
    fn sold_mut(&mut self) -> Option<&mut Option<SoldFacts>> {
        None
    }

    /// The same.
    fn sold(&self) -> Option<&SoldFacts> {
        None
    }

    /// Its statements.
    fn statements(&self) -> Vec<&Statement>;

    /// The same, to be completed.
    fn statements_mut(&mut self) -> Vec<&mut Statement>;

    /// The bytes.
    fn to_versioned(&self) -> Vec<u8> {
        let Prefixes { plain, vouched, of_many, of_sale, vouched_of_many } = Self::PREFIXES;
        let (is_of_many, is_vouched) = (!self.further().is_empty(), self.is_vouched());
        let mut bytes = self.to_prefixed(match (self.sold(), is_of_many, is_vouched) {
            (Some(_), ..) => of_sale,
            (None, false, false) => plain,
            (None, false, true) => vouched,
            (None, true, false) => of_many,
            (None, true, true) => vouched_of_many,
        });
        if let Some(sold) = self.sold() {
            sold.encode(&mut bytes);
        } else if is_of_many {
            self.further().to_vec().encode(&mut bytes);
        }
        if self.sold().is_some() || is_vouched {
            self.statements().iter().for_each(|statement| statement.vouched.encode(&mut bytes));
        }
        bytes
    }

    /// The record of these bytes.
    fn from_versioned(bytes: &[u8]) -> Result<Self, DecodeError> {
        let Prefixes { plain, vouched, of_many, of_sale, vouched_of_many } = Self::PREFIXES;
        let is = |prefix: &str| bytes.starts_with(prefix.as_bytes());
        let Some(prefix) = [vouched, of_many, of_sale, vouched_of_many].into_iter().find(|prefix| is(prefix))
        else {
            return Self::from_prefixed(plain, bytes);
        };
        let version = DecodeError::Value("a version");
        let mut reader = Reader::new(bytes.get(prefix.len()..).unwrap_or_default());
        let mut record = Self::decode(&mut reader)?;
        if prefix == of_sale {
            *record.sold_mut().ok_or(version)? = Some(Codec::decode(&mut reader)?);
            record.take_evidence(&mut reader)?;
            reader.finish()?;
            return Ok(record);
        }
        if prefix != vouched {
            let further = record.further_mut().ok_or(version)?;
            *further = Codec::decode(&mut reader)?;
            if !(1..=MAX_COMPUTE_PARTIES - 2).contains(&further.len()) {
                return Err(version);
            }
        }
        if prefix != of_many {
            record.take_evidence(&mut reader)?;
            if !record.is_vouched() {
                return Err(version);
            }
        }
        reader.finish()?;
        Ok(record)
    }

    /// Whether there is evidence behind a statement.
    fn is_vouched(&self) -> bool {
        self.statements().iter().any(|statement| statement.vouched.is_some())
    }

    /// Reads the evidence behind each statement.
    fn take_evidence(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        for statement in self.statements_mut() {
            statement.vouched = Codec::decode(reader)?;
        }
        Ok(())
    }
}
