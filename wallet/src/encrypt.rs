//! Encryption of a message to an address: its carrier learns its kind and its chain, but not its
//! content.
//!
//! ```text
//! text        = length (4) ‖ message ‖ zeros up to a multiple of the kind's padding
//! e           = D("sotto/wallet/ephemeral/v1", encryption secret of the writer's interactive address ‖ K ‖ envelope ‖ text), a scalar
//! P           = e·G,   S = e·K = k·P                                    K = k·G, the reader's encryption key
//! key ‖ nonce = D("sotto/wallet/letter/v1", envelope ‖ P ‖ K ‖ S), the first 32 and the next 24 bytes
//! bytes       = P ‖ XChaCha20-Poly1305(key, nonce, text, associated data = envelope)
//! ```
//!
//! This is a hashed Diffie-Hellman encapsulation with a one-time key over ristretto255 (Abdalla, Bellare and
//! Rogaway, "DHIES", 2001; the shape of RFC 9180's base mode). The envelope binds kind and chain. The
//! ephemeral secret e is a function of the whole text under a secret key: no failure of the random source can
//! make two texts share a key, and encrypting the same message again gives the same bytes.
//!
//! **Guaranteed**: a message decrypts for the account that it was written to, on its chain, as its kind and
//! unaltered, or not at all. Its length reveals its kind only (for a payment also its inputs, in steps of
//! eight); P and the ciphertext do not reveal the reader's key.
//!
//! **Not guaranteed**: who wrote the message (receipts and shares show that), and forward secrecy: with the
//! reader's seed words, recorded messages can be read later. A reply goes to the address in the message that
//! it answers. A one-time reply key would hide nothing more, because the receipt names that address anyway,
//! and the reply could not be read again after a restore.
#![deny(clippy::indexing_slicing)]

use crate::{
    armor::{Message, MessageKind},
    codec::Envelope,
    hold::{Answer, Join, Offer, Part, Prove, Release},
    keys::{AccountKeys, Address, derive, derive_scalar},
    slate::{Invite, Invoice, Payment, Response},
    tag,
};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use core::marker::PhantomData;
use sotto_mw::{
    chain::ChainId,
    codec::{Decode, DecodeError, Encode, Reader},
    group::Point,
    schnorr::PublicKey,
    secret::SecretScalar,
};
use zeroize::Zeroizing;

/// Whether a message is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privacy {
    /// Encrypted to the address of the reader.
    Encrypted,
    /// In the clear: anyone who carries it can read it.
    Plain,
}

/// A message that can be encrypted to an address.
pub trait Encryptable: Message {
    /// The kind of the encrypted message.
    const ENCRYPTED: MessageKind;
    /// The text is padded to a multiple of this many bytes.
    const PADDING: usize;
}

impl Encryptable for Invite {
    const ENCRYPTED: MessageKind = MessageKind::EncryptedInvite;
    const PADDING: usize = 704;
}
impl Encryptable for Response {
    const ENCRYPTED: MessageKind = MessageKind::EncryptedResponse;
    const PADDING: usize = 1_152;
}
impl Encryptable for Invoice {
    const ENCRYPTED: MessageKind = MessageKind::EncryptedInvoice;
    const PADDING: usize = 1_440;
}
impl Encryptable for Payment {
    const ENCRYPTED: MessageKind = MessageKind::EncryptedPayment;
    const PADDING: usize = 1_344;
}

impl Encryptable for Offer {
    const ENCRYPTED: MessageKind = MessageKind::EncryptedHoldOffer;
    const PADDING: usize = 6_144;
}
impl Encryptable for Join {
    const ENCRYPTED: MessageKind = MessageKind::EncryptedHoldJoin;
    const PADDING: usize = 7_168;
}
impl Encryptable for Prove {
    const ENCRYPTED: MessageKind = MessageKind::EncryptedHoldProve;
    const PADDING: usize = 256;
}
impl Encryptable for Part {
    const ENCRYPTED: MessageKind = MessageKind::EncryptedHoldPart;
    const PADDING: usize = 128;
}
impl Encryptable for Answer {
    const ENCRYPTED: MessageKind = MessageKind::EncryptedHoldAnswer;
    /// A claim of which auditors read the output is no longer than an undoing.
    const PADDING: usize = 1_344;
}
impl Encryptable for Release {
    const ENCRYPTED: MessageKind = MessageKind::EncryptedHoldRelease;
    const PADDING: usize = 192;
}

/// A message that only one account can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encrypted<T> {
    ephemeral: Point,
    text: Vec<u8>,
    message: PhantomData<T>,
}

impl<T: Encryptable> Message for Encrypted<T> {
    const KIND: MessageKind = T::ENCRYPTED;
    const VERSION: u8 = T::VERSION;
}

impl<T: Encryptable> Encrypted<T> {
    /// The length of the authentication tag.
    const TAG: usize = 16;
    /// The maximum length of an encrypted text.
    const MAX: usize = 1 << 20;

    /// Encrypts a message to an address. The same arguments give the same bytes.
    pub(crate) fn new(chain: &ChainId, keys: &AccountKeys, to: &Address, message: &T) -> Self {
        Self::by(chain, keys.message_hedge(), to, message)
    }

    /// Encrypts a message of whoever has this secret.
    pub(crate) fn by(chain: &ChainId, secret: &SecretScalar, to: &Address, message: &T) -> Self {
        let (envelope, text) = (envelope::<T>(chain), padded(message));
        let k = &to.encrypt();
        let secret = secret.to_bytes();
        let e = derive_scalar(tag::EPHEMERAL, &[&*secret, k.as_bytes(), &envelope, &text]);
        let p = *PublicKey::of(&e).point();
        let shared = e.agree(k.point());
        let text = MessageKey::new(&envelope, &p, k, &shared)
            .cipher(|cipher, nonce| cipher.encrypt(nonce, Payload { msg: &text, aad: &envelope }));
        // Fails only for texts above 256 GiB; the text is empty then.
        Self { ephemeral: p, text: text.unwrap_or_default(), message: PhantomData }
    }

    /// Decrypts the message with the keys of an account; `None` when it is for another address or another
    /// chain, or was altered.
    pub(crate) fn decrypt(&self, chain: &ChainId, keys: &AccountKeys) -> Option<T> {
        self.decrypt_with(chain, &keys.decryption_secrets())
    }

    /// Decrypts the message with one of these secrets.
    pub(crate) fn decrypt_with(&self, chain: &ChainId, secrets: &[SecretScalar]) -> Option<T> {
        if self.ephemeral.is_identity() {
            return None;
        }
        let envelope = envelope::<T>(chain);
        secrets.iter().find_map(|secret| {
            let (k, shared) = (PublicKey::of(secret), secret.agree(&self.ephemeral));
            let text = MessageKey::new(&envelope, &self.ephemeral, &k, &shared)
                .cipher(|cipher, nonce| cipher.decrypt(nonce, Payload { msg: &self.text, aad: &envelope }));
            unpadded(&Zeroizing::new(text.ok()?))
        })
    }
}

fn envelope<T: Encryptable>(chain: &ChainId) -> Vec<u8> {
    Envelope { kind: T::ENCRYPTED as u8, version: T::VERSION, chain: *chain }.to_bytes()
}

/// Key and nonce of one message.
struct MessageKey(Zeroizing<[u8; 64]>);

impl MessageKey {
    fn new(envelope: &[u8], p: &Point, k: &PublicKey, shared: &[u8; 32]) -> Self {
        Self(derive(tag::MESSAGE, &[envelope, p.as_bytes(), k.as_bytes(), shared]))
    }

    fn cipher<R>(&self, run: impl FnOnce(XChaCha20Poly1305, &XNonce) -> R) -> R {
        let (key, rest) = self.0.split_at(32);
        let (nonce, _) = rest.split_at(24);
        run(XChaCha20Poly1305::new(key.into()), nonce.into())
    }
}

fn padded<T: Encryptable>(message: &T) -> Zeroizing<Vec<u8>> {
    let bytes = Zeroizing::new(message.to_bytes());
    let length = (4 + bytes.len()).next_multiple_of(T::PADDING);
    let mut text = Zeroizing::new(Vec::with_capacity(length));
    text.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    text.extend_from_slice(&bytes);
    text.resize(length, 0);
    text
}

/// Inverts [`padded`]; `None` for any other padding.
fn unpadded<T: Encryptable>(text: &[u8]) -> Option<T> {
    let mut r = Reader::new(text);
    let n = r.u32().ok()? as usize;
    let message = r.take(n).ok()?;
    let rest = r.take(r.left()).ok()?;
    let padded = text.len() == (4 + n).next_multiple_of(T::PADDING) && rest.iter().all(|b| *b == 0);
    padded.then(|| T::from_bytes(message).ok()).flatten()
}

impl<T: Encryptable> Encode for Encrypted<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.ephemeral.encode(out);
        out.extend_from_slice(&self.text);
    }
}

impl<T: Encryptable> Decode for Encrypted<T> {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let ephemeral = Point::decode(r)?;
        let n = r.left();
        if n > Self::MAX {
            let what = "an encrypted text";
            return Err(DecodeError::Bound { what, found: n as u64, bound: Self::MAX as u64 });
        }
        let text = n.saturating_sub(Self::TAG);
        if text == 0 || !text.is_multiple_of(T::PADDING) {
            return Err(DecodeError::Short { needed: T::PADDING - text % T::PADDING });
        }
        Ok(Self { ephemeral, text: r.take(n)?.to_vec(), message: PhantomData })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        armor,
        keys::{Account, Root, Words},
        slate::Memo,
    };
    use sotto_mw::{
        amount::{Amount, Height},
        chain::Network,
        group::Scalar,
        kernel::KernelFeatures,
        schnorr::Signature,
        session::{SessionId, Share},
    };
    use sotto_vectors::{Value, json};

    /// Account 1 of the words for 32 zero bytes writes to account 2; `vectors/check.py` computes the same
    /// without this code.
    #[test]
    fn encryption_is_as_documented() {
        let root = Root::new(&Words::from_entropy(&[0; 32]).unwrap());
        let (writer, reader) = (root.account(Account(1)), root.account(Account(2)));
        let (sender, to) = (writer.identity(Network::Solo).address, reader.identity(Network::Solo).address);
        let (g, h) = (Point::g(), Point::h());
        let possession = Signature::from_parts(g, Scalar::ONE);
        let invite = Invite {
            session: SessionId([1; 32]),
            amount: Amount::new(5),
            features: KernelFeatures::Plain { fee: Amount::new(31_000), not_after: Height::new(60) },
            share: Share { key: PublicKey::from_point(g), hiding: h, binding: g, possession },
            sender,
            recipient: Some(to),
            memo: Memo::new("for the roof".into()).unwrap(),
            signature: Some(possession),
        };
        let chain = ChainId::from_bytes([7; 32]);
        let message = Encrypted::new(&chain, &writer, &to, &invite);
        assert_eq!(message.decrypt(&chain, &reader), Some(invite.clone()));
        assert_eq!(message.decrypt(&chain, &writer), None);
        let interactive = reader.interactive_identity(Network::Solo).address;
        let other = Encrypted::new(&chain, &writer, &interactive, &invite);
        assert!(other != message && other.decrypt(&chain, &reader) == Some(invite.clone()));
        let vector = json!({
            "about": "an invite, in the clear without its envelope, and encrypted within it; secrets are those of the addresses' encryption keys",
            "chain_id": hex(chain.as_bytes()),
            "writer_secret": hex(&*writer.message_hedge().to_bytes()),
            "reader_secret": hex(&*reader.identity(Network::Solo).encrypt.to_bytes()),
            "message": hex(&invite.to_bytes()),
            "encrypted": hex(&armor::to_bytes(&chain, &message)),
            "xchacha20_poly1305": draft(),
        });
        let (file, text) = (sotto_vectors::file("encrypted_message"), sotto_vectors::render(&vector));
        if std::env::var("SOTTO_VECTORS").is_ok_and(|v| v == "write") {
            std::fs::write(&file, &text).unwrap();
        }
        assert!(
            std::fs::read_to_string(&file).unwrap() == text,
            "encrypted_message.json differs from what the code gives"
        );
    }

    /// The example of draft-irtf-cfrg-xchacha-03, appendix A.3.1, as the cipher here computes it.
    fn draft() -> Value {
        let text = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
        let key: [u8; 32] = core::array::from_fn(|i| 0x80 + i as u8);
        let nonce: [u8; 24] = core::array::from_fn(|i| 0x40 + i as u8);
        let aad = [0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7];
        let sealed =
            XChaCha20Poly1305::new(&key.into()).encrypt(&nonce.into(), Payload { msg: text, aad: &aad });
        let sealed = hex(&sealed.unwrap());
        assert!(
            sealed.starts_with("bd6d179d3e83d43b9576579493c0e939")
                && sealed.ends_with("c0875924c1c7987947deafd8780acf49")
        );
        json!({ "key": hex(&key), "nonce": hex(&nonce), "beside": hex(&aad), "text": hex(text), "sealed": sealed })
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }
}
