//! Binary values in JSON: the canonical encoding of a value, in lower-case hexadecimal.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use sotto_mw::codec::{Decode, Encode};
use std::borrow::Cow;

/// A value that JSON represents by its bytes in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hex<T>(pub T);

impl<T: Encode> Serialize for Hex<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |n: u8| DIGITS.get(usize::from(n)).copied().map_or('0', char::from);
        let text: String = self.0.to_bytes().iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect();
        serializer.serialize_str(&text)
    }
}

impl<'de, T: Decode> Deserialize<'de> for Hex<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let (pairs, odd) = text.as_bytes().as_chunks();
        let bytes: Option<Vec<u8>> = pairs.iter().map(|[a, b]| Some(value(*a)? << 4 | value(*b)?)).collect();
        let bytes = bytes.filter(|_| odd.is_empty());
        let bytes = bytes.ok_or_else(|| D::Error::custom("expected pairs of the digits 0-9 and a-f"))?;
        T::from_bytes(&bytes).map(Self).map_err(D::Error::custom)
    }
}

const fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_mw::hash::Hash;

    #[test]
    fn a_value_has_one_text() {
        let hash = Hex(Hash::from_bytes(core::array::from_fn(|i| 8 * i as u8)));
        let text = serde_json::to_string(&hash).unwrap();
        assert_eq!(text, format!("\"{}\"", hash.0));
        assert_eq!(serde_json::from_str::<Hex<Hash>>(&text).unwrap(), hash);
        let refused = [
            text.to_uppercase(),
            text.replacen('0', "", 1),
            text.replacen("00", "", 1),
            text.replacen('0', " ", 1),
            text.replacen("00", "0000", 1),
            "7".to_owned(),
        ];
        refused.iter().for_each(|text| assert!(serde_json::from_str::<Hex<Hash>>(text).is_err(), "{text}"));
    }
}
