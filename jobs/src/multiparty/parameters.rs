//! The parameters that turn a built-in program's name into a program: read strictly, hashed canonically.
//!
//! A job file gives them as a table; every entry must be known to the program and in its bounds, so that a
//! misspelt name is an error and not a default.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use sha2::{Digest, Sha256};

use super::declaration::Column;
use sotto_mpc::number::Number;

/// A value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// A whole number.
    Number(i128),
    /// A text.
    Text(String),
    /// Values in order.
    List(Vec<Self>),
    /// Values by name.
    Record(Parameters),
}

/// Parameters by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(BTreeMap<String, Parameter>);

/// What is wrong with a parameter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// It is not there.
    #[error("the parameter `{0}` is missing")]
    Missing(String),
    /// The program has no such parameter.
    #[error("there is no parameter `{name}`; there are {known}")]
    Unknown {
        /// What was given.
        name: String,
        /// All that there are.
        known: String,
    },
    /// It is of another kind, or out of bounds.
    #[error("the parameter `{name}` must be {expected}")]
    Wrong {
        /// The parameter.
        name: String,
        /// What it must be.
        expected: String,
    },
    /// No built-in program has this name.
    #[error("there is no built-in program `{name}`; there are {known}")]
    Program {
        /// What was asked for.
        name: String,
        /// All that there are.
        known: String,
    },
}

impl ParameterError {
    /// The parameter is not what it must be.
    pub(crate) fn wrong(name: &str, expected: impl Into<String>) -> Self {
        Self::Wrong { name: name.into(), expected: expected.into() }
    }
}

impl FromIterator<(String, Parameter)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (String, Parameter)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl Parameters {
    /// With one more parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Parameter>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// A SHA-256 over names and values, each with its length or kind before it.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix(b"sotto mpc parameters v1");
        self.feed(&mut hash);
        hash.finalize().into()
    }

    fn feed(&self, hash: &mut Sha256) {
        hash.update((self.0.len() as u64).to_le_bytes());
        for (name, value) in &self.0 {
            feed_text(hash, name);
            value.feed(hash);
        }
    }

    /// Refuses what is not `known`.
    ///
    /// # Errors
    /// Naming the first that is not.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), ParameterError> {
        match self.0.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(ParameterError::Unknown { name: name.clone(), known: known.join(", ") }),
        }
    }

    fn get(&self, name: &str) -> Result<&Parameter, ParameterError> {
        self.0.get(name).ok_or_else(|| ParameterError::Missing(name.into()))
    }

    /// Whether there is one of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A whole number in bounds.
    pub(crate) fn number(&self, name: &str, bounds: RangeInclusive<i128>) -> Result<i128, ParameterError> {
        match self.get(name)? {
            Parameter::Number(n) if bounds.contains(n) => Ok(*n),
            _ => Err(ParameterError::wrong(
                name,
                format!("a whole number from {} to {}", bounds.start(), bounds.end()),
            )),
        }
    }

    /// A number of things in bounds.
    pub(crate) fn count(&self, name: &str, bounds: RangeInclusive<usize>) -> Result<usize, ParameterError> {
        let n = self.number(name, *bounds.start() as i128..=*bounds.end() as i128)?;
        usize::try_from(n).map_err(|_| ParameterError::wrong(name, "smaller"))
    }

    /// Numbers of things, as many as `lengths` allows, each in bounds.
    pub(crate) fn counts(
        &self,
        name: &str,
        lengths: RangeInclusive<usize>,
        bounds: RangeInclusive<usize>,
    ) -> Result<Vec<usize>, ParameterError> {
        let wrong = || {
            let (from, to) = (lengths.start(), lengths.end());
            let text =
                format!("a list of {from} to {to} whole numbers from {} to {}", bounds.start(), bounds.end());
            ParameterError::wrong(name, text)
        };
        let Parameter::List(list) = self.get(name)? else { return Err(wrong()) };
        let count = |value: &Parameter| match value {
            Parameter::Number(n) => usize::try_from(*n).ok().filter(|n| bounds.contains(n)),
            _ => None,
        };
        let counts: Option<Vec<usize>> = list.iter().map(count).collect();
        counts.filter(|counts| lengths.contains(&counts.len())).ok_or_else(wrong)
    }

    /// Different texts of 1 to 80 characters, as many as `lengths` allows.
    pub(crate) fn names(
        &self,
        name: &str,
        lengths: RangeInclusive<usize>,
    ) -> Result<Vec<String>, ParameterError> {
        let wrong = || {
            let (from, to) = (lengths.start(), lengths.end());
            ParameterError::wrong(
                name,
                format!("a list of {from} to {to} different texts of 1 to 80 characters"),
            )
        };
        let Parameter::List(list) = self.get(name)? else { return Err(wrong()) };
        if !lengths.contains(&list.len()) {
            return Err(wrong());
        }
        let mut names = Vec::with_capacity(list.len());
        let mut seen = std::collections::BTreeSet::new();
        for value in list {
            match value {
                Parameter::Text(text) if is_name(text) && seen.insert(text) => names.push(text.clone()),
                _ => return Err(wrong()),
            }
        }
        Ok(names)
    }

    /// A range `{ min, max, decimals }` of at most 64 bits; without `min` from 0, without `decimals` whole.
    pub(crate) fn range(&self, name: &str) -> Result<Number, ParameterError> {
        let Parameter::Record(record) = self.get(name)? else {
            return Err(ParameterError::wrong(
                name,
                "a range, such as { min = 0, max = 1000, decimals = 2 }",
            ));
        };
        record.only(&["min", "max", "decimals"])?;
        record.as_range(name)
    }

    fn as_range(&self, name: &str) -> Result<Number, ParameterError> {
        let bounds = i128::from(i64::MIN)..=i128::from(u64::MAX);
        let min = if self.has("min") { self.number("min", bounds.clone())? } else { 0 };
        let max = self.number("max", bounds)?;
        let decimals = if self.has("decimals") { self.number("decimals", 0..=18)? } else { 0 };
        let number = Number::new(min, max).filter(|number| (1..=64).contains(&number.width()));
        let number = number
            .ok_or_else(|| ParameterError::wrong(name, "a range of 1 to 64 bits, min not above max"))?;
        Ok(number.scaled(decimals as u8))
    }

    /// Columns: a list of records `{ name, min, max, decimals }` of different names.
    pub(crate) fn columns(&self, name: &str, most: usize) -> Result<Vec<Column>, ParameterError> {
        let wrong = || {
            let text = format!(
                "a list of 1 to {most} columns of different names, each like {{ name = \"age\", max = 120 }}"
            );
            ParameterError::wrong(name, text)
        };
        let Parameter::List(list) = self.get(name)? else { return Err(wrong()) };
        if !(1..=most).contains(&list.len()) {
            return Err(wrong());
        }
        let mut columns: Vec<Column> = Vec::with_capacity(list.len());
        for value in list {
            let Parameter::Record(record) = value else { return Err(wrong()) };
            record.only(&["name", "min", "max", "decimals"])?;
            match record.get("name")? {
                Parameter::Text(text) if is_name(text) && columns.iter().all(|c| c.name != *text) => {
                    columns.push(Column::new(text.clone(), record.as_range(text)?));
                }
                _ => return Err(wrong()),
            }
        }
        Ok(columns)
    }
}

fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= 80 && !text.chars().any(char::is_control)
}

fn feed_text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text.as_bytes());
}

impl Parameter {
    fn feed(&self, hash: &mut Sha256) {
        match self {
            Self::Number(n) => {
                hash.update([0]);
                hash.update(n.to_le_bytes());
            }
            Self::Text(text) => {
                hash.update([1]);
                feed_text(hash, text);
            }
            Self::List(list) => {
                hash.update([2]);
                hash.update((list.len() as u64).to_le_bytes());
                list.iter().for_each(|value| value.feed(hash));
            }
            Self::Record(record) => {
                hash.update([3]);
                record.feed(hash);
            }
        }
    }
}

impl From<i128> for Parameter {
    fn from(n: i128) -> Self {
        Self::Number(n)
    }
}

impl From<&str> for Parameter {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<Parameters> for Parameter {
    fn from(record: Parameters) -> Self {
        Self::Record(record)
    }
}

impl<T: Into<Self>> From<Vec<T>> for Parameter {
    fn from(list: Vec<T>) -> Self {
        Self::List(list.into_iter().map(Into::into).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(min: i128, max: i128) -> Parameters {
        Parameters::default().with("min", min).with("max", max)
    }

    #[test]
    fn every_entry_is_known_and_in_bounds() {
        let p = Parameters::default()
            .with("n", 3)
            .with("list", vec![1i128, 2])
            .with("names", vec!["a", "b"])
            .with("range", range(-2, 5).with("decimals", 1));
        assert_eq!(p.count("n", 1..=3), Ok(3));
        assert_eq!(p.counts("list", 2..=2, 1..=2), Ok(vec![1, 2]));
        assert_eq!(p.names("names", 1..=2).map(|names| names.len()), Ok(2));
        assert_eq!(p.range("range"), Ok(Number::new(-2, 5).unwrap().scaled(1)));
        assert_eq!(p.only(&["n", "list", "names", "range"]), Ok(()));

        assert!(matches!(p.only(&["n"]), Err(ParameterError::Unknown { .. })));
        assert_eq!(p.count("m", 1..=3), Err(ParameterError::Missing("m".into())));
        assert!(p.count("n", 4..=9).is_err());
        assert!(p.count("list", 0..=9).is_err());
        assert!(p.counts("list", 3..=3, 0..=9).is_err());
        assert!(p.counts("list", 2..=2, 2..=9).is_err());
        assert!(p.names("list", 1..=9).is_err());
        assert!(Parameters::default().with("names", vec!["a", "a"]).names("names", 1..=9).is_err());
        assert!(Parameters::default().with("names", vec![" "]).names("names", 1..=9).is_err());
        assert!(Parameters::default().with("range", range(5, 4)).range("range").is_err());
        assert!(Parameters::default().with("range", range(-1, u64::MAX.into())).range("range").is_err());
        assert!(Parameters::default().with("range", range(0, 4).with("step", 1)).range("range").is_err());
    }

    #[test]
    fn the_digest_tells_kinds_and_places() {
        let base = Parameters::default();
        let all = [
            base.clone(),
            base.clone().with("a", 1),
            base.clone().with("a", "1"),
            base.clone().with("b", 1),
            base.clone().with("a", vec![1i128]),
            base.clone().with("a", vec![1i128, 1]),
            base.clone().with("a", base.clone()),
        ];
        for (i, a) in all.iter().enumerate() {
            for (j, b) in all.iter().enumerate() {
                assert_eq!(a.digest() == b.digest(), i == j);
            }
        }
    }
}
