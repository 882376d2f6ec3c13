//! Keys: everything a wallet signs, scans and receives with, derived from 24 seed words.
//!
//! ```text
//! words ──BIP-39──▶ seed ─▶ root ─▶ account a ─┬▶ blinding key   r = H(blinding key, purpose, index, amount)
//!                                              ├▶ rewind(purpose)  reveals amounts; a view key contains it
//!                                              ├▶ tau(purpose)     hides r from the rewind key
//!                                              ├▶ sign             half of the address: signs receipts
//!                                              └▶ encrypt          half of the address: decrypts messages
//! ```
//!
//! Every arrow is `SHA-512(SHA-512(tag) ‖ SHA-512(tag) ‖ parts)` (BIP-340's tagged hash over SHA-512) with a
//! label of `crate::tag`, cut to 32 bytes for a key or reduced to a scalar. No arrow can be inverted, and
//! none can be extended to derive another. An index is twelve random bytes, so copies of a wallet do not
//! collide. The amount enters `r`, so two amounts never share a blinding factor. Coinbase outputs count as
//! received.
//!
//! Secrets are wiped when dropped and never printed. The working memory of the hash function is not wiped.

mod address;
mod view_key;

pub(crate) use address::looks_like_an_address;
pub use address::{Address, AddressError, address_prefix};
pub use view_key::{ViewKey, ViewKeyError};

use crate::tag;
use bip39::{Language, Mnemonic};
use core::fmt;
use rand_core::{CryptoRng, RngCore};
use sha2::{Digest, Sha512};
use sotto_mw::{
    chain::{ChainId, Network},
    commitment::Commitment,
    output::{Output, OutputFeatures, OutputKeys, ProveError},
    range_proof::{Opening, Replayed, RewindKey, TauKey},
    schnorr::PublicKey,
    secret::SecretScalar,
};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The tagged hash of the file's head.
pub(crate) fn derive(tag: &str, parts: &[&[u8]]) -> Zeroizing<[u8; 64]> {
    let t = Sha512::digest(tag.as_bytes());
    let mut h = Sha512::new_with_prefix(t);
    h.update(t);
    parts.iter().for_each(|p| h.update(p));
    Zeroizing::new(h.finalize().into())
}

/// The first half of a derivation: a key of 32 bytes.
pub(crate) fn derive_key(tag: &str, parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let wide = derive(tag, parts);
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(&wide[..32]);
    key
}

/// A derivation reduced to a scalar.
pub(crate) fn derive_scalar(tag: &str, parts: &[&[u8]]) -> SecretScalar {
    SecretScalar::from_wide(&derive(tag, parts))
}

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

/// The number of an account. Each account of a wallet has its own keys, address and balance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account(pub u32);

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The kinds of outputs that a wallet spends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum OutputKind {
    /// An ordinary output.
    Plain = 0,
    /// A block's reward.
    Coinbase = 1,
}

impl OutputKind {
    /// The kind of an output on the chain; `None` for a one-sided one.
    pub(crate) const fn of<S>(features: &OutputFeatures<S>) -> Option<Self> {
        match features {
            OutputFeatures::Plain => Some(Self::Plain),
            OutputFeatures::Coinbase => Some(Self::Coinbase),
            OutputFeatures::OneSided(_) => None,
        }
    }
}

/// Why an output was created. Each purpose has its own rewind key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Purpose {
    /// A payment from another wallet, or a block reward: what a view key shows.
    Received = 0,
    /// The change of the wallet's own payment.
    Change = 1,
}

impl Purpose {
    pub(crate) const ALL: [Self; 2] = [Self::Received, Self::Change];
}

/// The root of all keys of a wallet.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Root([u8; 32]);

impl Root {
    /// Derives the root from the words (BIP-39 seed, empty passphrase).
    pub(crate) fn new(words: &Words) -> Self {
        let seed = Zeroizing::new(words.0.to_seed_normalized(""));
        Self(*derive_key(tag::ROOT, &[&*seed]))
    }

    /// Derives the keys of one account.
    pub(crate) fn account(&self, a: Account) -> AccountKeys {
        let account = derive_key(tag::ACCOUNT, &[&self.0, &a.0.to_le_bytes()]);
        let of = |tag, p: Purpose| *derive_key(tag, &[&*account, &[p as u8]]);
        AccountKeys {
            blinding: *derive_key(tag::BLINDING_KEY, &[&*account]),
            rewind: Purpose::ALL.map(|p| RewindKey(of(tag::REWIND, p))),
            tau: Purpose::ALL.map(|p| TauKey(of(tag::TAU, p))),
            sign: derive_scalar(tag::SIGN, &[&*account]),
            encrypt: derive_scalar(tag::ENCRYPT, &[&*account]),
        }
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Root(…)")
    }
}

/// The keys of one account.
#[derive(Clone, ZeroizeOnDrop)]
pub(crate) struct AccountKeys {
    blinding: [u8; 32],
    rewind: [RewindKey; 2],
    tau: [TauKey; 2],
    sign: SecretScalar,
    encrypt: SecretScalar,
}

impl AccountKeys {
    /// The account's address.
    pub(crate) fn address(&self, network: Network) -> Address {
        Address::of_keys(network, PublicKey::of(&self.sign), PublicKey::of(&self.encrypt))
    }

    /// The blinding factor of an output with this purpose and opening.
    pub(crate) fn blinding(&self, purpose: Purpose, opening: &Opening) -> SecretScalar {
        let amount = Zeroizing::new(opening.amount.units().to_le_bytes());
        derive_scalar(tag::BLINDING, &[&self.blinding, &[purpose as u8], &opening.index, &*amount])
    }

    /// The commitment of an output with this purpose and opening.
    pub(crate) fn commitment(&self, purpose: Purpose, opening: &Opening) -> Commitment {
        Commitment::new(opening.amount, &self.blinding(purpose, opening))
    }

    /// Creates an output on `chain`. The same arguments give the same bytes.
    ///
    /// # Errors
    /// [`ProveError`] when the new range proof does not verify or rewind.
    pub(crate) fn output(
        &self,
        chain: &ChainId,
        kind: OutputKind,
        purpose: Purpose,
        opening: &Opening,
    ) -> Result<Output, ProveError> {
        let blinding = &self.blinding(purpose, opening);
        let (rewind, tau) = (&self.rewind[purpose as usize], &self.tau[purpose as usize]);
        let keys = OutputKeys { blinding, rewind, tau };
        match kind {
            OutputKind::Plain => Output::plain(chain, opening, &keys),
            OutputKind::Coinbase => Output::coinbase(chain, opening, &keys),
        }
    }

    /// The purpose and opening of an output that this account created; `None` for any other output.
    ///
    /// A foreign output costs four hashes in addition to replaying the transcript, which all accounts share.
    /// A match is compared with the commitment: a party that has a view key, but not the blinding key, cannot
    /// create an output that this account accepts as its own.
    pub(crate) fn recognise(&self, replayed: &Replayed<'_>) -> Option<(Purpose, Opening)> {
        Purpose::ALL.into_iter().find_map(|p| {
            let opening = replayed.rewind(&self.rewind[p as usize])?;
            (self.commitment(p, &opening) == *replayed.commitment()).then_some((p, opening))
        })
    }

    /// The rewind key of received outputs: the secret inside a view key.
    pub(crate) fn received(&self) -> RewindKey {
        self.rewind[Purpose::Received as usize].clone()
    }

    /// The secret signing key of the address.
    pub(crate) const fn sign(&self) -> &SecretScalar {
        &self.sign
    }

    /// The secret encryption key of the address.
    pub(crate) const fn encrypt(&self) -> &SecretScalar {
        &self.encrypt
    }
}

impl fmt::Debug for AccountKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountKeys(…)")
    }
}

/// A fresh output index: twelve random bytes.
pub(crate) fn fresh_index(rng: &mut (impl RngCore + CryptoRng)) -> [u8; 12] {
    let mut index = [0; 12];
    rng.fill_bytes(&mut index);
    index
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_mw::amount::Amount;

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
        let seed = w.0.to_seed_normalized("");
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

    fn hex(bytes: &[u8; 32]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    const ADDRESS: &str = "ssotto1q8nx64f055jq26jppcyk9rufjgyl3djqswsmtc7na4rpsa2rh2d5ynyxt6vcf4xvx8g6aqlfn6rvv8r9\
        355aa4dm4g8p8a5hwu2yhe3delhm20";

    /// Account 1 of the words for 32 zero bytes, computed from the file's head with Python's standard
    /// library.
    #[test]
    fn derivations_are_as_documented() {
        let keys = Root::new(&Words::parse(ZEROS).unwrap()).account(Account(1));
        let index = core::array::from_fn(|i| i as u8);
        let r = keys.blinding(Purpose::Change, &Opening { amount: Amount::new(987_654_321), index });
        let found = [
            keys.rewind[Purpose::Received as usize].0,
            keys.tau[Purpose::Change as usize].0,
            *r.to_bytes(),
            *keys.sign.to_bytes(),
            *keys.encrypt.to_bytes(),
        ];
        let expected = [
            "6019452bffe91202097ef567127de690d29eaa498a254aff7f049e002984dc5f",
            "adb5c942f8dd327f09a9e63a6235758124810804bcec926ad92b022194c8871d",
            "82a5973337b8c300846e7848593ca8f2dda7f601c4622022d731cb161ea10803",
            "d3998c664d340b5cc390db14eb0945472fdadc8cd4a87cbd17619e011ca61804",
            "db4fa3769d95b5fa9ba4f4f63fa86f06cf689b48d8692f7f9ec49b380a8b2a0d",
        ];
        assert_eq!(found.each_ref().map(hex), expected);
        assert_eq!(keys.address(Network::Solo).to_string(), ADDRESS);
    }

    #[test]
    fn every_derivation_differs() {
        let root = Root::new(&Words::from_entropy(&[7; 32]).unwrap());
        let (a, b) = (root.account(Account(0)), root.account(Account(1)));
        let keys = |k: &AccountKeys| {
            let mut all = vec![k.blinding, *k.sign.to_bytes(), *k.encrypt.to_bytes()];
            all.extend(k.rewind.iter().map(|r| r.0));
            all.extend(k.tau.iter().map(|t| t.0));
            all
        };
        let mut all = [keys(&a), keys(&b)].concat();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 14);
        let o = Opening { amount: Amount::new(5), index: [1; 12] };
        let r = a.blinding(Purpose::Received, &o);
        assert_ne!(r, a.blinding(Purpose::Change, &o));
        assert_ne!(r, a.blinding(Purpose::Received, &Opening { amount: Amount::new(6), ..o }));
        assert_ne!(r, a.blinding(Purpose::Received, &Opening { index: [2; 12], ..o }));
        assert_ne!(r, b.blinding(Purpose::Received, &o));
        assert_eq!(r, root.account(Account(0)).blinding(Purpose::Received, &o));
    }

    #[test]
    fn secrets_are_not_printed() {
        let w = Words::from_entropy(&[0; 32]).unwrap();
        let root = Root::new(&w);
        let text = format!("{w:?} {root:?} {:?}", root.account(Account(0)));
        assert_eq!(text, "Words(…) Root(…) AccountKeys(…)");
    }

    /// An output created with the rewind key alone rewinds, but is not recognised.
    #[test]
    fn a_rewind_key_makes_no_outputs_of_ours() {
        let keys = Root::new(&Words::from_entropy(&[7; 32]).unwrap()).account(Account(0));
        let chain = ChainId::from_bytes([1; 32]);
        let opening = Opening { amount: Amount::new(5), index: [1; 12] };
        let own = keys.output(&chain, OutputKind::Plain, Purpose::Received, &opening).unwrap();
        assert_eq!(keys.recognise(&own.replay(&chain).unwrap()), Some((Purpose::Received, opening)));
        let forged = OutputKeys {
            blinding: &derive_scalar("theirs", &[]),
            rewind: &keys.rewind[0],
            tau: &TauKey([9; 32]),
        };
        let forged = Output::plain(&chain, &opening, &forged).unwrap();
        assert_eq!(forged.rewind(&chain, &keys.rewind[0]), Some(opening));
        assert_eq!(keys.recognise(&forged.replay(&chain).unwrap()), None);
    }
}
