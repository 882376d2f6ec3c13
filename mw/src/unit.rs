//! The unit of a chain's money, and amounts as people read and write them.
//!
//! ```text
//! unit      1 to 8 letters A to Z, but not `U` alone ‖ decimals, 0 to 12
//! shown     whole part in groups of three [. fraction without trailing zeros] unit      1,234.5 SOT
//! written   the same, with or without the groups and the unit, in any case              1234.5   1.5sot
//!           or base units                                                               1500000000u
//! ```
//!
//! One unit is 10^decimals base units. All arithmetic is on integers: amounts are shown exactly, and reading
//! one back gives the same amount for every amount of 64 bits.
//!
//! Not guaranteed: that two chains whose unit has the same name have the same money. The id of a chain covers
//! its unit; the name alone means nothing.
#![deny(clippy::indexing_slicing)]

use crate::{
    amount::Amount,
    codec::{Decode, DecodeError, Encode, Reader},
};
use core::{fmt, str::FromStr};

/// The name of a chain's unit, and how many decimals it has.
///
/// ```
/// use sotto_mw::{Amount, unit::{Unit, WrittenAmount}};
///
/// let unit = Unit::new("SOT", 9)?;
/// assert_eq!(unit.show(Amount::new(1_234_500_000_000)).to_string(), "1,234.5 SOT");
///
/// let written: WrittenAmount = "1.5 sot".parse()?;
/// assert_eq!(written.in_unit(&unit), Ok(Amount::new(1_500_000_000)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// The letters; the rest is zero.
    name: [u8; Self::MAX_NAME],
    length: u8,
    decimals: u8,
}

impl Unit {
    /// Most letters of a name.
    pub const MAX_NAME: usize = 8;
    /// Most decimals: with 12, an amount of 64 bits still has seven digits before the point.
    pub const MAX_DECIMALS: u8 = 12;
    /// The unit of a chain whose parameters choose no other.
    pub const SOT: Self = Self { name: *b"SOT\0\0\0\0\0", length: 3, decimals: 9 };

    /// The unit with this name and this many decimals.
    ///
    /// # Errors
    /// [`UnitError`] for a name that is not 1 to 8 letters A to Z, for the name `U`, which marks base units,
    /// and for more than 12 decimals.
    pub fn new(name: &str, decimals: u8) -> Result<Self, UnitError> {
        let letters = name.as_bytes();
        let mut padded = [0; Self::MAX_NAME];
        let room = padded.get_mut(..letters.len()).ok_or(UnitError::Name)?;
        if letters.is_empty() || !letters.iter().all(u8::is_ascii_uppercase) || name == "U" {
            return Err(UnitError::Name);
        }
        room.copy_from_slice(letters);
        if decimals > Self::MAX_DECIMALS {
            return Err(UnitError::Decimals { found: decimals });
        }
        let length = u8::try_from(letters.len()).map_err(|_| UnitError::Name)?;
        Ok(Self { name: padded, length, decimals })
    }

    /// The name: 1 to 8 letters A to Z.
    #[must_use]
    pub fn name(&self) -> &str {
        let letters = self.name.get(..usize::from(self.length)).unwrap_or_default();
        core::str::from_utf8(letters).unwrap_or_default()
    }

    /// How many digits follow the point: one unit is 10 to this power of base units.
    #[must_use]
    pub const fn decimals(&self) -> u8 {
        self.decimals
    }

    /// The amount as people read it, with the unit's name: `1,234.5 SOT`.
    #[must_use]
    pub const fn show(&self, amount: Amount) -> Shown {
        Shown { amount, unit: *self }
    }

    const fn base_units(&self) -> u64 {
        10u64.pow(self.decimals as u32)
    }
}

impl fmt::Debug for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unit({}, {} decimals)", self.name(), self.decimals)
    }
}

/// Not a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// The name is not allowed.
    #[error("invalid name of a unit: expected 1 to 8 letters A to Z, and not `U`, which marks base units")]
    Name,
    /// Too many decimals.
    #[error("invalid number of decimals: {found} is above the limit of {}", Unit::MAX_DECIMALS)]
    Decimals {
        /// How many were asked for.
        found: u8,
    },
}

impl Encode for Unit {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.length);
        out.extend_from_slice(self.name().as_bytes());
        out.push(self.decimals);
    }
}

impl Decode for Unit {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (what, bound) = ("length of the unit's name", Self::MAX_NAME as u64);
        let length = r.u8()?;
        if length == 0 {
            return Err(DecodeError::Code { what, code: 0 });
        }
        if u64::from(length) > bound {
            return Err(DecodeError::Bound { what, found: length.into(), bound });
        }
        let letters = r.take(length.into())?;
        let wrong = letters.iter().copied().find(|c| !c.is_ascii_uppercase());
        let first = letters.first().copied().unwrap_or_default();
        let refused = DecodeError::Code { what: "name of the unit", code: wrong.unwrap_or(first) };
        let name = core::str::from_utf8(letters).map_err(|_| refused)?;
        let decimals = r.u8()?;
        Self::new(name, decimals).map_err(|why| match why {
            UnitError::Name => refused,
            UnitError::Decimals { found } => DecodeError::Bound {
                what: "decimals of the unit",
                found: found.into(),
                bound: Self::MAX_DECIMALS.into(),
            },
        })
    }
}

/// An amount in its chain's unit, as people read it. Width and alignment of a format string apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    amount: Amount,
    unit: Unit,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (units, one) = (self.amount.units(), self.unit.base_units());
        let mut text = grouped(units / one);
        if !units.is_multiple_of(one) {
            let digits = format!("{:0width$}", units % one, width = self.unit.decimals.into());
            text.push('.');
            text.push_str(digits.trim_end_matches('0'));
        }
        text.push(' ');
        text.push_str(self.unit.name());
        f.pad(&text)
    }
}

/// A number with a comma between groups of three digits.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// An amount as a person wrote it: its form is checked, and the chain's unit, which may not be known yet,
/// makes it an [`Amount`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenAmount {
    text: String,
    whole: u64,
    /// The digits after the point; `None` without a point.
    fraction: Option<String>,
    suffix: Suffix,
}

/// What stands behind the number.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Suffix {
    /// Nothing: the number counts the chain's unit.
    Nothing,
    /// `u`: it counts base units.
    BaseUnits,
    /// The name of a unit, in capitals.
    Name(String),
}

/// The text is not an amount of this chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not a number with an optional unit.
    #[error("expected digits, optionally a point with further digits, and optionally a unit")]
    Form,
    /// Commas that do not separate groups of three digits.
    #[error("a comma can only separate groups of three digits before the point; the decimal sign is a point")]
    Groups,
    /// Base units have no decimals.
    #[error("base units (`u`) are whole numbers")]
    BrokenBaseUnit,
    /// Another unit than the chain's.
    #[error("the unit of this chain is {expected}, not {found}")]
    OtherUnit {
        /// The chain's unit.
        expected: String,
        /// The unit that was written.
        found: String,
    },
    /// More decimals than the unit has.
    #[error("{unit} has at most {decimals} decimals, and {found} were written")]
    Decimals {
        /// The chain's unit.
        unit: String,
        /// How many decimals it has.
        decimals: u8,
        /// How many were written.
        found: usize,
    },
    /// Above 64 bits of base units.
    #[error("the amount is too large: at most {} base units exist", u64::MAX)]
    TooLarge,
}

impl WrittenAmount {
    /// The most bytes that can be an amount: twenty digits and their commas, a point, twelve decimals, a
    /// unit.
    const MAX_TEXT: usize = 64;

    /// The amount on a chain with this unit.
    ///
    /// # Errors
    /// [`AmountError`] for another unit, too many decimals, or more than 64 bits.
    pub fn in_unit(&self, unit: &Unit) -> Result<Amount, AmountError> {
        match &self.suffix {
            Suffix::BaseUnits => return Ok(Amount::new(self.whole)),
            Suffix::Name(found) if found != unit.name() => {
                let expected = unit.name().to_owned();
                return Err(AmountError::OtherUnit { expected, found: found.clone() });
            }
            Suffix::Name(_) | Suffix::Nothing => {}
        }
        let fraction = self.fraction.as_deref().unwrap_or_default();
        let decimals = usize::from(unit.decimals);
        if fraction.len() > decimals {
            let (unit, decimals) = (unit.name().to_owned(), unit.decimals);
            return Err(AmountError::Decimals { unit, decimals, found: fraction.len() });
        }
        // The fraction, filled up with zeros, is below one unit and so below 10^12.
        let part = if decimals == 0 { Ok(0) } else { format!("{fraction:0<decimals$}").parse::<u64>() };
        let part = part.map_err(|_| AmountError::Form)?;
        let whole = self.whole.checked_mul(unit.base_units());
        whole.and_then(|w| w.checked_add(part)).map(Amount::new).ok_or(AmountError::TooLarge)
    }
}

impl fmt::Display for WrittenAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for WrittenAmount {
    type Err = AmountError;

    /// Reads the form: `1.5`, `1.5 SOT`, `1,234sot`, `1500000000u`.
    fn from_str(text: &str) -> Result<Self, AmountError> {
        if text.len() > Self::MAX_TEXT {
            return Err(AmountError::Form);
        }
        let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let (number, letters) = text.split_at_checked(end).ok_or(AmountError::Form)?;
        let number = if letters.is_empty() { number } else { number.strip_suffix(' ').unwrap_or(number) };
        let (whole, fraction) = match number.split_once('.') {
            None => (number, None),
            Some((whole, fraction)) => (whole, Some(digits(fraction)?.to_owned())),
        };
        let whole = digits(&ungrouped(whole)?)?.parse().map_err(|_| AmountError::TooLarge)?;
        let suffix = suffix(letters)?;
        if suffix == Suffix::BaseUnits && fraction.is_some() {
            return Err(AmountError::BrokenBaseUnit);
        }
        Ok(Self { text: text.to_owned(), whole, fraction, suffix })
    }
}

fn suffix(letters: &str) -> Result<Suffix, AmountError> {
    match letters {
        "" => Ok(Suffix::Nothing),
        "u" | "U" => Ok(Suffix::BaseUnits),
        name if name.len() <= Unit::MAX_NAME && name.bytes().all(|c| c.is_ascii_alphabetic()) => {
            Ok(Suffix::Name(name.to_ascii_uppercase()))
        }
        _ => Err(AmountError::Form),
    }
}

/// The text, if it is one digit or more and nothing else.
fn digits(text: &str) -> Result<&str, AmountError> {
    let all = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    if all { Ok(text) } else { Err(AmountError::Form) }
}

/// The whole part without its commas, which separate groups of three digits or are absent.
fn ungrouped(text: &str) -> Result<String, AmountError> {
    let mut groups = text.split(',');
    let first = groups.next().unwrap_or_default();
    let one_to_three = !text.contains(',') || (1..=3).contains(&first.len());
    if one_to_three && groups.all(|g| g.len() == 3) {
        Ok(text.replace(',', ""))
    } else {
        Err(AmountError::Groups)
    }
}

#[cfg(test)]
mod tests;
