//! Seed words: all that is needed to restore a wallet.

use bip39::{Language, Mnemonic};
use core::fmt;
use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize, Zeroizing};

/// Twenty-four seed words (BIP-39, English): they restore every output of a wallet from the chain.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use sotto_wallet::Words;
///
/// let words = Words::generate(&mut rand_core::OsRng)?;
/// let again = Words::parse(&words.phrase())?;
/// assert_eq!(words.phrase(), again.phrase());
/// assert!(Words::parse("twelve words are not enough").is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Words(Mnemonic);

/// Why a text is not a valid seed. The error never contains a word of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// The number of words is not 24.
    #[error("expected 24 seed words, found {found}")]
    Count {
        /// The number of words.
        found: usize,
    },
    /// A word is not in the word list.
    #[error("word {position} is not in the English word list of BIP-39")]
    Unknown {
        /// The position of the word, from 1.
        position: usize,
    },
    /// The checksum in the last word does not match the others.
    #[error("invalid seed checksum: a word is wrong, or two words are swapped")]
    Checksum,
}

impl Words {
    /// The bytes of entropy that the words encode.
    pub(crate) const ENTROPY: usize = 32;

    /// Generates a new seed.
    ///
    /// # Errors
    /// None in practice: 32 bytes always encode to words.
    pub fn generate(rng: &mut (impl RngCore + CryptoRng)) -> Result<Self, WordsError> {
        let mut entropy = Zeroizing::new([0; Self::ENTROPY]);
        rng.fill_bytes(&mut *entropy);
        Self::from_entropy(&entropy)
    }

    /// Parses words in upper or lower case, separated by any white space.
    ///
    /// # Errors
    /// [`WordsError`] with the position of the first unknown word, if there is one.
    pub fn parse(text: &str) -> Result<Self, WordsError> {
        let text = Zeroizing::new(text.to_lowercase());
        let found = text.split_whitespace().count();
        if found != 24 {
            return Err(WordsError::Count { found });
        }
        Mnemonic::parse_in_normalized(Language::English, &text).map(Self).map_err(|e| match e {
            bip39::Error::UnknownWord(i) => WordsError::Unknown { position: i + 1 },
            _ => WordsError::Checksum,
        })
    }

    pub(crate) fn from_entropy(entropy: &[u8; Self::ENTROPY]) -> Result<Self, WordsError> {
        Mnemonic::from_entropy_in(Language::English, entropy).map(Self).map_err(|_| WordsError::Checksum)
    }

    pub(crate) fn entropy(&self) -> Zeroizing<[u8; Self::ENTROPY]> {
        let (mut all, _) = self.0.to_entropy_array();
        let mut entropy = Zeroizing::new([0; Self::ENTROPY]);
        entropy.copy_from_slice(&all[..Self::ENTROPY]);
        all.zeroize();
        entropy
    }

    /// The seed (BIP-39, empty passphrase).
    pub(super) fn seed(&self) -> Zeroizing<[u8; 64]> {
        Zeroizing::new(self.0.to_seed_normalized(""))
    }

    /// The 2,048 words that there are, in their order (BIP 39, English).
    #[must_use]
    pub fn list() -> &'static [&'static str] {
        Language::English.word_list()
    }

    /// The words, separated by single spaces.
    ///
    /// # Security
    /// Anyone who reads them can spend everything in the wallet.
    #[must_use]
    pub fn phrase(&self) -> Zeroizing<String> {
        // Room for 24 words of up to eight letters, so that no reallocation leaves a copy behind.
        let mut phrase = Zeroizing::new(String::with_capacity(24 * 9));
        for (i, word) in self.0.words().enumerate() {
            phrase.push_str(if i == 0 { "" } else { " " });
            phrase.push_str(word);
        }
        phrase
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Words(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of BIP-39's reference list for 32 zero bytes.
    const ZEROS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
        abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art";

    #[test]
    fn words_are_those_of_the_standard() {
        let w = Words::from_entropy(&[0; 32]).unwrap();
        assert_eq!(*w.phrase(), ZEROS);
        assert_eq!(*Words::parse(&ZEROS.to_uppercase().replace(' ', " \n")).unwrap().entropy(), [0; 32]);
        // Trezor's vector for this entropy and the empty passphrase, checked with Python's
        // hashlib.pbkdf2_hmac.
        let seed = w.seed();
        assert_eq!(seed[..4], [0x40, 0x8b, 0x28, 0x5c]);
    }

    #[test]
    fn wrong_words_are_named() {
        assert_eq!(Words::parse("abandon").unwrap_err(), WordsError::Count { found: 1 });
        let unknown = ZEROS.replacen("abandon abandon", "abandon abandom", 1);
        assert_eq!(Words::parse(&unknown).unwrap_err(), WordsError::Unknown { position: 2 });
        let swapped = ZEROS.replace("art", "abandon");
        assert_eq!(Words::parse(&swapped).unwrap_err(), WordsError::Checksum);
    }
}
