//! Lower-case hexadecimal digits: one spelling of each byte string.

/// Decodes digits.
///
/// ```
/// use sotto_party::hex::{from_hex, to_hex};
/// let mut bytes = [0; 2];
/// assert_eq!(from_hex("0aff", &mut bytes), Some(()));
/// assert_eq!(to_hex(&bytes), "0aff");
/// assert_eq!(from_hex("0AFF", &mut bytes), None);
/// ```
///
/// Fills `into` from exactly as many bytes of lower-case digits; `None` if `text` is anything else.
pub fn from_hex(text: &str, into: &mut [u8]) -> Option<()> {
    let digit = |b: u8| (b as char).to_digit(16).filter(|_| !b.is_ascii_uppercase());
    let (pairs, rest) = text.as_bytes().as_chunks();
    if pairs.len() != into.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in into.iter_mut().zip(pairs) {
        *byte = (digit(*high)? << 4 | digit(*low)?) as u8;
    }
    Some(())
}

/// The digits of these bytes.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).filter_map(|d| char::from_digit(d.into(), 16)).collect()
}
