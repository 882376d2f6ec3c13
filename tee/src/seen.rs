//! The highest numbers that a verifier saw in collateral: older collateral is refused, even if it has not
//! expired.
//!
//! ```text
//! file   one line for each number: number, space, name
//! ```

use std::collections::BTreeMap;

use crate::claims::Claims;
use crate::codec::{DecodeError, bounded};

/// Most bytes of the file.
const MAX_SEEN: usize = 64 << 10;

/// The highest numbers seen, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen(BTreeMap<String, u64>);

/// A number that fell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the collateral is older than what was seen before: the number of {name} is {given}, and was {seen}")]
pub struct Fallen {
    name: String,
    given: u64,
    seen: u64,
}

impl Seen {
    /// Reads the file.
    ///
    /// # Errors
    /// If it is not one.
    pub fn parse(text: &str) -> Result<Self, DecodeError> {
        bounded("the file of numbers", text.as_bytes(), MAX_SEEN)?;
        let line = |line: &str| {
            let (number, name) = line.split_once(' ').ok_or(DecodeError::Value("a line"))?;
            Ok((name.to_owned(), number.parse().map_err(|_| DecodeError::Value("a number"))?))
        };
        text.lines().map(line).collect::<Result<_, _>>().map(Self)
    }

    /// The file.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.0.iter().map(|(name, number)| format!("{number} {name}\n")).collect()
    }

    /// The numbers of claims that are lower than before.
    #[must_use]
    pub fn fallen(&self, claims: &Claims) -> Vec<Fallen> {
        let lower = claims.numbers.iter().filter_map(|(name, given)| {
            let seen = self.0.get(name).filter(|seen| *seen > given)?;
            Some(Fallen { name: name.clone(), given: *given, seen: *seen })
        });
        lower.collect()
    }

    /// Remembers the numbers of claims that are higher.
    pub fn raise(&mut self, claims: &Claims) {
        for (name, given) in &claims.numbers {
            let seen = self.0.entry(name.clone()).or_default();
            *seen = (*seen).max(*given);
        }
    }
}
