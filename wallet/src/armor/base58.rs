//! Base58 of fixed width: 32 bytes, most significant first, as 44 digits.
#![deny(clippy::indexing_slicing)]

/// Digits of 32 bytes.
pub(crate) const LETTERS: usize = 44;

const DIGITS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

pub(crate) fn digit(c: char) -> Option<u32> {
    DIGITS.iter().position(|d| char::from(*d) == c).and_then(|i| u32::try_from(i).ok())
}

/// Encodes 32 bytes: the remainders of 44 divisions by 58 are the digits, the last one first.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut n = bytes.to_vec();
    let mut digits: Vec<char> = (0..LETTERS)
        .map(|_| {
            let mut rest = 0u32;
            for b in &mut n {
                let x = rest * 256 + u32::from(*b);
                // Below 256, since rest < 58.
                *b = (x / 58) as u8;
                rest = x % 58;
            }
            DIGITS.get(rest as usize).copied().map_or('1', char::from)
        })
        .collect();
    digits.reverse();
    digits.into_iter().collect()
}

/// Decodes 44 digits; `None` when their number is wrong, a character is not a digit, or the value exceeds 32
/// bytes.
pub(crate) fn decode(digits: &[char]) -> Option<[u8; 32]> {
    let mut n = [0u8; 32];
    for c in digits {
        let mut carry = digit(*c)?;
        for b in n.iter_mut().rev() {
            let x = u32::from(*b) * 58 + carry;
            // The low byte remains; the rest is carried over.
            *b = (x & 0xff) as u8;
            carry = x >> 8;
        }
        if carry > 0 {
            return None;
        }
    }
    (digits.len() == LETTERS).then_some(n)
}
