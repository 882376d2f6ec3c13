//! Amounts that people write on the command line and in settings.
//!
//! `1.5`, `1.5 SOT` and `1500000000u` are the same amount on a chain whose unit is SOT with nine decimals. The form is
//! checked before anything is opened; the chain's unit, which is known afterwards, makes it an amount. Amounts are
//! shown by [`Unit::show`]; JSON records, and what programs send, count base units.

use crate::exit::{ErrorCode, Failure, Outcome};
use sotto_mw::{
    amount::Amount,
    error::Rejection,
    unit::{AmountError, Unit, WrittenAmount},
};

/// Reads the form of an amount.
pub(crate) fn written(text: &str) -> Outcome<WrittenAmount> {
    text.parse().map_err(|why: AmountError| {
        invalid(text).why(why).help("write for example 1.5, '1.5 SOT', or 1500000000u for base units")
    })
}

/// The amount on a chain with this unit, which is more than zero.
pub(crate) fn in_unit(written: &WrittenAmount, unit: &Unit) -> Outcome<Amount> {
    let refused = |why: &dyn core::fmt::Display| invalid(written).why(why).help(accepted(unit));
    match written.in_unit(unit) {
        Ok(Amount::ZERO) => Err(refused(&"expected an amount above zero")),
        Ok(amount) => Ok(amount),
        Err(why) => Err(refused(&why)),
    }
}

/// The same of an amount that may be left out, which is zero then.
pub(crate) fn optional(written: Option<&WrittenAmount>, unit: &Unit) -> Outcome<Amount> {
    written.map_or(Ok(Amount::ZERO), |written| in_unit(written, unit))
}

/// A broken rule, with its amounts in this unit. The library's own text counts base units.
pub(crate) fn broken_rule(broken: &Rejection, unit: &Unit) -> String {
    match broken {
        Rejection::FeeTooLow { fee, least } => {
            let [fee, least] = [fee, least].map(|amount| unit.show(*amount));
            format!("{}: the fees are {fee}, below the least fee of {least}", broken.rule())
        }
        broken => broken.to_string(),
    }
}

/// An amount of base units, as programs send it: digits alone.
pub(crate) fn base_units(text: &str) -> Outcome<Amount> {
    let digits = text.bytes().all(|c| c.is_ascii_digit());
    let units = text.parse::<u64>().ok().filter(|units| digits && *units > 0);
    units.map(Amount::new).ok_or_else(|| {
        invalid(text)
            .why(format!("expected a whole number of base units, from 1 to {}", u64::MAX))
            .help("send digits alone, for example 2500000")
    })
}

fn invalid(text: impl core::fmt::Display) -> Failure {
    Failure::coded(ErrorCode::InvalidAmount, format!("invalid amount `{text}`"))
}

/// Three ways to write one amount in this unit.
fn accepted(unit: &Unit) -> String {
    let number = if unit.decimals() == 0 { "15" } else { "1.5" };
    let units = number.parse::<WrittenAmount>().and_then(|w| w.in_unit(unit)).unwrap_or_default();
    format!("write for example {number}, '{number} {}', or {units}u for base units", unit.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Code;

    /// Bad input, what it is refused for, and that the help says what is accepted.
    #[test]
    fn a_bad_amount_is_a_usage_error_that_says_what_is_accepted() {
        let read = |text: &str, unit: &Unit| written(text).and_then(|w| in_unit(&w, unit));
        for (text, why) in [
            ("", "expected digits"),
            ("five", "expected digits"),
            ("-1", "expected digits"),
            ("+1", "expected digits"),
            ("1e9", "expected digits"),
            ("1,5", "a comma can only separate groups of three"),
            ("1.5u", "whole numbers"),
            ("1.5 EUR", "the unit of this chain is SOT, not EUR"),
            ("1.0000000001", "SOT has at most 9 decimals, and 10 were written"),
            ("0", "above zero"),
            ("0.0 SOT", "above zero"),
            ("0u", "above zero"),
            ("18446744073.709551616", "too large"),
            ("18446744073709551616u", "too large"),
        ] {
            let refused = read(text, &Unit::SOT).unwrap_err();
            assert_eq!((refused.code, refused.error), (Code::Usage, ErrorCode::InvalidAmount), "{text}");
            assert!(refused.why.unwrap().contains(why), "{text}");
            let help = refused.help.unwrap();
            assert!(help.contains("1.5, '1.5 SOT', or 1500000000u for base units"), "{help}");
        }
        let points = Unit::new("POINTS", 0).unwrap();
        let refused = read("1.5", &points).unwrap_err();
        assert!(refused.help.unwrap().contains("15, '15 POINTS', or 15u for base units"));
    }

    #[test]
    fn a_broken_rule_is_shown_in_the_unit() {
        let low = Rejection::FeeTooLow { fee: Amount::new(1), least: Amount::new(26_000) };
        let points = Unit::new("POINTS", 2).unwrap();
        let expected = "MW-R09: the fees are 0.01 POINTS, below the least fee of 260 POINTS";
        assert_eq!(broken_rule(&low, &points), expected);
        assert_eq!(broken_rule(&Rejection::NoKernel, &points), Rejection::NoKernel.to_string());
    }

    #[test]
    fn programs_send_digits() {
        assert_eq!(base_units("2500000").unwrap(), Amount::new(2_500_000));
        for text in ["", "0", "1.5", "1,000", "+1", "-1", "5u", "5 SOT", "18446744073709551616"] {
            assert_eq!(base_units(text).unwrap_err().code, Code::Usage, "{text}");
        }
    }
}
