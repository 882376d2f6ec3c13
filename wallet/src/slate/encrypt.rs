//! Encryption of a letter to an address: who carries it learns its kind and its chain, and nothing of what is in it.
//!
//! ```text
//! text        = length (4) ‖ letter ‖ zeros up to a multiple of the kind's room
//! e           = D("sotto/wallet/ephemeral/v1", writer's encryption secret ‖ K ‖ envelope ‖ text), a scalar
//! P           = e·G,   S = e·K = k·P                                       K = k·G, the reader's encryption key
//! key ‖ nonce = D("sotto/wallet/letter/v1", envelope ‖ P ‖ K ‖ S), the first 32 and the next 24 bytes
//! body        = P ‖ XChaCha20-Poly1305(key, nonce, text, associated data = envelope)
//! ```
//!
//! A hashed Diffie-Hellman encapsulation with a one-time key (Abdalla, Bellare and Rogaway, "DHIES", 2001; the shape of RFC
//! 9180's base mode), over ristretto255. The envelope binds kind and chain. e is a function of the whole text under a secret
//! key: no random source can make two texts share a key, and the same letter is the same bytes whenever it is written again.
//!
//! **Guaranteed**: a letter opens for the account that it was written to, on its chain, as its kind, unaltered, or not at
//! all. Its length tells its kind only (of a payment, also its inputs in eights); P and body do not tell the reader's key.
//! **Not here**: who wrote it (receipts and shares show that), and no forward secrecy: who gets hold of the reader's words
//! later can read what was recorded. An answer goes to the address in the letter that it answers, not to a key made for it:
//! the receipt names that address in any case, so such a key would hide nothing more, and an answer could not be read again.
#![deny(clippy::indexing_slicing)]

use super::{Invite, Invoice, Payment, Response};
use crate::{
    armor::{Kind, Letter},
    keys::{AccountKeys, Address, derive, derive_scalar},
    tag,
    wire::Envelope,
};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use core::marker::PhantomData;
use sotto_mw::{
    chain::ChainId,
    codec::{Encode, Reader},
    group::Point,
    schnorr::PublicKey,
};
use zeroize::Zeroizing;

/// A letter that can be encrypted.
pub trait Private: Letter {
    /// What it is then.
    const ENCRYPTED: Kind;
    /// Its text is padded to a multiple of this many bytes.
    const ROOM: usize;
}

impl Private for Invite {
    const ENCRYPTED: Kind = Kind::EncryptedInvite;
    const ROOM: usize = 640;
}
impl Private for Response {
    const ENCRYPTED: Kind = Kind::EncryptedResponse;
    const ROOM: usize = 1_152;
}
impl Private for Invoice {
    const ENCRYPTED: Kind = Kind::EncryptedInvoice;
    const ROOM: usize = 1_440;
}
impl Private for Payment {
    const ENCRYPTED: Kind = Kind::EncryptedPayment;
    const ROOM: usize = 1_280;
}

/// A letter that only the account it was written to can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encrypted<T> {
    pub(crate) ephemeral: Point,
    pub(crate) text: Vec<u8>,
    pub(crate) letter: PhantomData<T>,
}

impl<T: Private> Letter for Encrypted<T> {
    const KIND: Kind = T::ENCRYPTED;
}

impl<T: Private> Encrypted<T> {
    /// Bytes by which the encrypted text is longer than the text.
    pub(crate) const TAG: usize = 16;
    /// Most bytes of an encrypted text.
    pub(crate) const MAX: usize = 1 << 20;

    /// Writes a letter to an address; the same arguments give the same bytes.
    pub(crate) fn new(chain: &ChainId, keys: &AccountKeys, to: &Address, letter: &T) -> Self {
        let (envelope, text) = (envelope::<T>(chain), padded(letter));
        let k = to.encrypt();
        let secret = keys.encrypt().to_bytes();
        let e = derive_scalar(tag::EPHEMERAL, &[&*secret, k.as_bytes(), &envelope, &text]);
        let p = *PublicKey::of(&e).point();
        let shared = e.agree(k.point());
        let text = Lock::new(&envelope, &p, k, &shared)
            .cipher(|cipher, nonce| cipher.encrypt(nonce, Payload { msg: &text, aad: &envelope }));
        // Fails for texts above 256 GiB only; nothing is written then.
        Self { ephemeral: p, text: text.unwrap_or_default(), letter: PhantomData }
    }

    /// Reads it with an account's keys; `None` when it was written to others, for another chain, or altered.
    pub(crate) fn open(&self, chain: &ChainId, keys: &AccountKeys) -> Option<T> {
        if self.ephemeral.is_identity() {
            return None;
        }
        let envelope = envelope::<T>(chain);
        let k = PublicKey::of(keys.encrypt());
        let shared = keys.encrypt().agree(&self.ephemeral);
        let text = Lock::new(&envelope, &self.ephemeral, &k, &shared)
            .cipher(|cipher, nonce| cipher.decrypt(nonce, Payload { msg: &self.text, aad: &envelope }));
        unpadded(&Zeroizing::new(text.ok()?))
    }
}

fn envelope<T: Private>(chain: &ChainId) -> Vec<u8> {
    Envelope { kind: T::ENCRYPTED as u8, chain: *chain }.to_bytes()
}

/// Key and nonce of one letter.
struct Lock(Zeroizing<[u8; 64]>);

impl Lock {
    fn new(envelope: &[u8], p: &Point, k: &PublicKey, shared: &[u8; 32]) -> Self {
        Self(derive(tag::LETTER, &[envelope, p.as_bytes(), k.as_bytes(), shared]))
    }

    fn cipher<R>(&self, run: impl FnOnce(XChaCha20Poly1305, &XNonce) -> R) -> R {
        let (key, rest) = self.0.split_at(32);
        let (nonce, _) = rest.split_at(24);
        run(XChaCha20Poly1305::new(key.into()), nonce.into())
    }
}

fn padded<T: Private>(letter: &T) -> Zeroizing<Vec<u8>> {
    let bytes = Zeroizing::new(letter.to_bytes());
    let room = (4 + bytes.len()).next_multiple_of(T::ROOM);
    let mut text = Zeroizing::new(Vec::with_capacity(room));
    text.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    text.extend_from_slice(&bytes);
    text.resize(room, 0);
    text
}

/// The letter in a text that is padded as [`padded`] does it, and not otherwise.
fn unpadded<T: Private>(text: &[u8]) -> Option<T> {
    let mut r = Reader::new(text);
    let n = r.u32().ok()? as usize;
    let letter = r.take(n).ok()?;
    let rest = r.take(r.left()).ok()?;
    let padded = text.len() == (4 + n).next_multiple_of(T::ROOM) && rest.iter().all(|b| *b == 0);
    padded.then(|| T::from_bytes(letter).ok()).flatten()
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

    /// Account 1 of the words for 32 zero bytes writes to account 2; `vectors/check.py` computes the same without this code.
    #[test]
    fn letters_are_as_documented() {
        let root = Root::new(&Words::from_entropy(&[0; 32]).unwrap());
        let (writer, reader) = (root.account(Account(1)), root.account(Account(2)));
        let (sender, to) = (writer.address(Network::Solo), reader.address(Network::Solo));
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
        };
        let chain = ChainId::from_bytes([7; 32]);
        let letter = Encrypted::new(&chain, &writer, &to, &invite);
        assert_eq!(letter.open(&chain, &reader), Some(invite.clone()));
        assert_eq!(letter.open(&chain, &writer), None);
        let secret = |keys: &AccountKeys| hex(&*keys.encrypt().to_bytes());
        let vector = json!({
            "about": "an invite, in the clear without its envelope, and encrypted within it; secrets are those of the addresses' encryption keys",
            "chain_id": hex(chain.as_bytes()),
            "writer_secret": secret(&writer),
            "reader_secret": secret(&reader),
            "letter": hex(&invite.to_bytes()),
            "encrypted": hex(&armor::to_bytes(&chain, &letter)),
            "xchacha20_poly1305": draft(),
        });
        let (file, text) = (sotto_vectors::file("letter"), sotto_vectors::render(&vector));
        if std::env::var("SOTTO_VECTORS").is_ok_and(|v| v == "write") {
            std::fs::write(&file, &text).unwrap();
        }
        assert!(std::fs::read_to_string(&file).unwrap() == text, "letter.json is not what the code gives");
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
