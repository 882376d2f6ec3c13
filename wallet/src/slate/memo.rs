//! The memo: a line of text that travels with a payment. The receipt contains its hash.
//!
//! ```text
//! bytes = length (2) ‖ UTF-8
//! ```
#![deny(clippy::indexing_slicing)]

use crate::tag;
use sotto_mw::{
    codec::{Decode, DecodeError, Encode, Reader},
    hash::{Hash, tagged},
};

/// A line of text for the other party, at most [`Memo::MAX`] bytes long.
///
/// ```
/// use sotto_wallet::Memo;
///
/// let memo = Memo::new("for the roof".to_owned());
/// assert_eq!(memo.as_ref().map(Memo::as_str), Some("for the roof"));
/// assert!(Memo::new("\u{202e}reversed".to_owned()).is_none(), "bidirectional controls deceive readers");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memo(String);

impl Memo {
    /// The maximum length in bytes.
    pub const MAX: usize = 256;

    /// The memo with this text; `None` when it is longer than [`Memo::MAX`] bytes, or contains characters
    /// that control a terminal, hide text or reverse it.
    #[must_use]
    pub fn new(text: String) -> Option<Self> {
        (text.len() <= Self::MAX && !text.chars().any(deceives)).then_some(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The hash that the receipt contains.
    #[must_use]
    pub fn hash(&self) -> Hash {
        tagged(tag::MEMO, &[self.0.as_bytes()])
    }
}

/// Whether a character can deceive a reader: control characters, line separators, bidirectional controls, and
/// Unicode's `Default_Ignorable_Code_Point` except the variation selectors.
fn deceives(c: char) -> bool {
    let hidden = [
        '\u{ad}'..='\u{ad}',
        '\u{34f}'..='\u{34f}',
        '\u{61c}'..='\u{61c}',
        '\u{115f}'..='\u{1160}',
        '\u{17b4}'..='\u{17b5}',
        '\u{180e}'..='\u{180e}',
        '\u{200b}'..='\u{200f}',
        '\u{2028}'..='\u{202e}',
        '\u{2060}'..='\u{206f}',
        '\u{3164}'..='\u{3164}',
        '\u{feff}'..='\u{feff}',
        '\u{ffa0}'..='\u{ffa0}',
        '\u{fff0}'..='\u{fffb}',
        '\u{1bca0}'..='\u{1bca3}',
        '\u{1d173}'..='\u{1d17a}',
        '\u{e0000}'..='\u{e0fff}',
    ];
    c.is_control() || hidden.iter().any(|range| range.contains(&c))
}

impl Encode for Memo {
    fn encode(&self, out: &mut Vec<u8>) {
        let text = self.as_str().as_bytes();
        out.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes());
        out.extend_from_slice(text);
    }
}

impl Decode for Memo {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let n = u16::from_le_bytes(r.array()?);
        if usize::from(n) > Self::MAX {
            return Err(DecodeError::Bound { what: "a memo", found: n.into(), bound: Self::MAX as u64 });
        }
        let bytes = r.take(n.into())?;
        let text = core::str::from_utf8(bytes).ok().map(str::to_owned);
        text.and_then(Self::new).ok_or(DecodeError::Code { what: "memo text", code: 0 })
    }
}
