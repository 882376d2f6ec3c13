//! Lower-case hexadecimal digits: one spelling of each byte string.

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
