//! Units and amounts as text: what is shown reads back, and what is refused says why.
#![allow(clippy::indexing_slicing, reason = "a test may fail")]
use super::*;
use proptest::prelude::*;

fn read(text: &str, unit: &Unit) -> Result<Amount, AmountError> {
    text.parse::<WrittenAmount>()?.in_unit(unit)
}

fn name() -> impl Strategy<Value = String> {
    "[A-Z]{1,8}".prop_filter("U marks base units", |n| n != "U")
}

proptest! {
    /// What is shown is exact, and every way to write it gives the same amount.
    #[test]
    fn what_is_shown_reads_back(units: u64, scale in 0u32..20, decimals in 0..=Unit::MAX_DECIMALS, name in name()) {
        let unit = Unit::new(&name, decimals).unwrap();
        for units in [units, units / 10u64.pow(scale), units / 10u64.pow(scale) * 10u64.pow(scale)] {
            let (amount, shown) = (Amount::new(units), unit.show(Amount::new(units)).to_string());
            let number = shown.strip_suffix(&format!(" {name}")).unwrap();
            let (plain, lower) = (number.replace(',', ""), shown.to_lowercase());
            for text in [&shown, number, &plain, &format!("{plain}{name}"), &lower, &format!("{units}u")] {
                prop_assert_eq!(read(text, &unit), Ok(amount), "{}", text);
            }
            // Against the definition: the digits of whole part and fraction are those of the base units.
            let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
            prop_assert!(!fraction.ends_with('0'));
            let digits = format!("{whole}{fraction:0<width$}", width = decimals.into());
            prop_assert_eq!(digits.parse::<u64>().unwrap(), units);
        }
    }

    /// Whatever is written, reading ends without a panic; what is read can be shown and read again.
    #[test]
    fn any_text_is_survived(text in "[0-9.,uUSOT \\-+eé]{0,24}", decimals in 0..=Unit::MAX_DECIMALS) {
        let unit = Unit::new("SOT", decimals).unwrap();
        if let Ok(amount) = read(&text, &unit) {
            prop_assert_eq!(read(&unit.show(amount).to_string(), &unit), Ok(amount));
        }
    }

    /// A unit's bytes are canonical, and none decodes that could not be made.
    #[test]
    fn units_are_canonical(name in name(), decimals in 0..=Unit::MAX_DECIMALS, any in prop::collection::vec(any::<u8>(), 0..12)) {
        let unit = Unit::new(&name, decimals).unwrap();
        prop_assert_eq!(Unit::from_bytes(&unit.to_bytes()), Ok(unit));
        prop_assert_eq!(unit.to_bytes().len(), name.len() + 2);
        if let Ok(unit) = Unit::from_bytes(&any) {
            prop_assert_eq!(unit.to_bytes(), any);
            prop_assert_eq!(Unit::new(unit.name(), unit.decimals()), Ok(unit));
        }
    }
}

#[test]
fn amounts_are_shown_as_drawn() {
    let show = |units, unit: &Unit| unit.show(Amount::new(units)).to_string();
    let (whole, fine) = (Unit::new("CENTS", 0).unwrap(), Unit::new("X", 12).unwrap());
    for (units, text) in [
        (0, "0 SOT"),
        (1, "0.000000001 SOT"),
        (52_000, "0.000052 SOT"),
        (1_500_000_000, "1.5 SOT"),
        (6_000_000_000, "6 SOT"),
        (1_234_567_000_000_000, "1,234,567 SOT"),
        (u64::MAX, "18,446,744,073.709551615 SOT"),
    ] {
        assert_eq!(show(units, &Unit::SOT), text);
    }
    assert_eq!([show(0, &whole), show(1_234, &whole)], ["0 CENTS", "1,234 CENTS"]);
    assert_eq!([show(1, &fine), show(u64::MAX, &fine)], ["0.000000000001 X", "18,446,744.073709551615 X"]);
    assert_eq!(
        format!("{:>9}|{:<8}|", Unit::SOT.show(Amount::ZERO), whole.show(Amount::ZERO)),
        "    0 SOT|0 CENTS |"
    );
    assert_eq!(Unit::new("SOT", 9), Ok(Unit::SOT));
}

#[test]
fn bad_text_is_refused_with_its_reason() {
    let forms = [
        "",
        " ",
        "SOT",
        "u",
        ".",
        ".5",
        "1.",
        "1..5",
        "1.5.0",
        "-1",
        "+1",
        "1e3",
        "1E3",
        "0x10",
        "1 000",
        "1  SOT",
        " 1",
        "1 ",
        "1 SOT ",
        "1.5\u{a0}SOT",
        "1\u{660}",
        "١",
        "1/2",
        "NaN",
        "inf",
        "1 SOT SOT",
        "1 SOTSOTSOT",
        "1 S0T",
        "1_000",
        "1'000",
        "1.000,5",
        "1\n",
        "1uu1",
        "$1",
        "1;5",
    ];
    for text in forms {
        assert_eq!(read(text, &Unit::SOT), Err(AmountError::Form), "{text:?}");
    }
    assert_eq!(read(&"1".repeat(65), &Unit::SOT), Err(AmountError::Form));
}

#[test]
fn numbers_that_do_not_fit_the_unit_are_refused_with_their_reason() {
    for text in ["1,5", "1,50", "1,0000", "1000,000", ",100", "1,,000", "1,000,", "12,34u", "1,00.5"] {
        assert_eq!(read(text, &Unit::SOT), Err(AmountError::Groups), "{text:?}");
    }
    for text in ["1.5u", "1.0 u", "0.1U"] {
        assert_eq!(read(text, &Unit::SOT), Err(AmountError::BrokenBaseUnit), "{text:?}");
    }
    for text in ["1 BTC", "1.5sott", "1 S"] {
        assert!(matches!(read(text, &Unit::SOT), Err(AmountError::OtherUnit { .. })), "{text:?}");
    }
    for text in ["1.0000000000", "0.0000000001 SOT"] {
        assert!(matches!(read(text, &Unit::SOT), Err(AmountError::Decimals { found: 10, .. })), "{text:?}");
    }
    let whole = Unit::new("SOT", 0).unwrap();
    assert!(matches!(read("5.0", &whole), Err(AmountError::Decimals { found: 1, .. })));
    for text in ["18446744073.709551616", "18446744074", "18446744073709551616u", "99999999999999999999999"] {
        assert_eq!(read(text, &Unit::SOT), Err(AmountError::TooLarge), "{text:?}");
    }
    assert_eq!(read("18446744073.709551615", &Unit::SOT), Ok(Amount::new(u64::MAX)));
}

#[test]
fn only_units_that_read_well_exist() {
    for name in ["", "sot", "S0T", "SÖT", "SOTSOTSOT", "U", "S T", "SOT\0"] {
        assert_eq!(Unit::new(name, 9), Err(UnitError::Name), "{name:?}");
    }
    assert_eq!(Unit::new("SOT", 13), Err(UnitError::Decimals { found: 13 }));
    let refused = [
        &b"\x03SoT\x09"[..],
        b"\x00\x09",
        b"\x01U\x09",
        b"\x09SOTSOTSOT\x09",
        b"\x03SOT\x0d",
        b"\x03SO\xff\x09",
    ];
    for bytes in refused {
        let why = Unit::from_bytes(bytes);
        assert!(
            matches!(why, Err(DecodeError::Code { .. } | DecodeError::Bound { .. })),
            "{bytes:?}: {why:?}"
        );
    }
}
