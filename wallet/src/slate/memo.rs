//! The memo: a line of text that travels with a payment, and whose hash its proof signs.

use crate::tag;
use sotto_mw::hash::{Hash, tagged};

/// A line of text for the receiver, at most [`Memo::MAX`] bytes; the proof of payment signs its hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memo(String);

impl Memo {
    /// Most bytes of a memo.
    pub const MAX: usize = 256;

    /// This text; `None` when it is longer than [`Memo::MAX`] bytes, or holds characters that steer a terminal or turn
    /// text around.
    #[must_use]
    pub fn new(text: String) -> Option<Self> {
        (text.len() <= Self::MAX && !text.chars().any(deceives)).then_some(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its hash.
    #[must_use]
    pub fn hash(&self) -> Hash {
        tagged(tag::MEMO, &[self.0.as_bytes()])
    }
}

/// Control characters, and the invisible ones that join, split, reverse or hide text: Unicode's separators of lines, its
/// bidirectional controls, and its `Default_Ignorable_Code_Point` but for the selectors of a character's look.
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
