//! The ledger's test vectors: written by this test when `SOTTO_VECTORS=write` is set, held against the code
//! otherwise; and the documents' own vectors, held against ours.
#![allow(clippy::unwrap_used, reason = "a test that fails may say so by panicking")]

#[path = "vectors/audited.rs"]
mod audited;
#[path = "vectors/consensus.rs"]
mod consensus;
#[path = "vectors/group.rs"]
mod group;
#[path = "vectors/joint.rs"]
mod joint;
#[path = "vectors/ledger.rs"]
mod ledger;
#[path = "vectors/rejections.rs"]
mod rejections;
#[path = "vectors/signatures.rs"]
mod signatures;
#[path = "vectors/state.rs"]
mod state;

use rand_core::{CryptoRng, RngCore};
use sha2::{Digest, Sha512};
use sotto_mw::{
    codec::{Decode, Encode},
    group::{Point, scalar_from_bytes},
    schnorr::PublicKey,
    secret::SecretScalar,
    session::Nonces,
};
use sotto_vectors::Value;
use std::fs;

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

fn wire(x: &impl Encode) -> String {
    hex(x.to_bytes())
}

fn secret(x: &SecretScalar) -> String {
    hex(*x.to_bytes())
}

/// The bytes of a hexadecimal JSON string.
fn bytes(v: &Value) -> Vec<u8> {
    let digits = v.as_str().unwrap().as_bytes().chunks(2);
    digits.map(|d| u8::from_str_radix(std::str::from_utf8(d).unwrap(), 16).unwrap()).collect()
}

fn array(v: &Value) -> [u8; 32] {
    bytes(v).try_into().unwrap()
}

/// 32 bytes that follow from a name.
fn named(name: &str) -> [u8; 32] {
    sotto_mw::hash::tagged("test/vectors", &[name.as_bytes()]).as_bytes().to_owned()
}

/// A scalar that follows from a name.
fn scalar(name: &str) -> SecretScalar {
    SecretScalar::from_wide(&Sha512::digest(name).into())
}

/// Serves the given bytes as if they were random.
struct Tape<'a>(&'a [u8]);

impl RngCore for Tape<'_> {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }
    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }
    fn fill_bytes(&mut self, dest: &mut [u8]) {
        let (head, rest) = self.0.split_at(dest.len());
        dest.copy_from_slice(head);
        self.0 = rest;
    }
    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

impl CryptoRng for Tape<'_> {}

/// Every file equals what the code generates, byte for byte.
#[test]
fn files_are_what_the_code_gives() {
    let all = [
        ("generators", group::generators()),
        ("commitments", group::commitments()),
        ("range_proofs", group::range_proofs()),
        ("signatures", signatures::signatures()),
        ("kernels", signatures::kernels()),
        ("session", signatures::session()),
        ("adaptor", joint::adaptor()),
        ("joint", joint::joint()),
        ("audited", audited::audited()),
        ("transaction", ledger::transaction()),
        ("cut_through", ledger::cut_through()),
        ("blocks", ledger::blocks()),
        ("consensus", consensus::consensus()),
        ("mmr", state::mmr()),
        ("trie", state::trie()),
        ("rejections", rejections::rejections()),
    ];
    for (subject, value) in all {
        let (file, text) = (sotto_vectors::file(subject), sotto_vectors::render(&value));
        if std::env::var("SOTTO_VECTORS").is_ok_and(|v| v == "write") {
            fs::write(&file, &text).unwrap();
        }
        assert!(fs::read_to_string(&file).unwrap() == text, "{subject}.json is not what the code gives");
    }
}

/// RFC 9496, appendix A.
#[test]
fn ristretto255_is_the_documents() {
    let v = sotto_vectors::load("rfc9496").unwrap();
    for (i, encoded) in v["multiples"].as_array().unwrap().iter().enumerate() {
        let mut x = [0; 32];
        x[0] = i as u8;
        let p = PublicKey::of(&scalar_from_bytes(x).unwrap().into());
        assert_eq!(p.as_bytes(), &array(encoded));
        assert_eq!(Point::from_bytes(array(encoded)), Some(*p.point()));
    }
    let invalid = v["invalid"].as_array().unwrap();
    assert!(invalid.iter().all(|s| Point::from_bytes(array(s)).is_none()));
    assert_eq!(invalid.len(), 29);
}

/// RFC 9591, appendix E: nonces (H3), challenge and signature (H2). The rest of its suite is in the session's
/// own vector, which `check.py` computes with the functions that it has held against this document.
#[test]
fn frost_is_the_documents() {
    let v = sotto_vectors::load("rfc9591").unwrap();
    for p in v["participants"].as_array().unwrap() {
        let share = SecretScalar::from_bytes(array(&p["share"])).unwrap();
        let fresh = [bytes(&p["hiding_randomness"]), bytes(&p["binding_randomness"])].concat();
        let nonces = Nonces::generate(&share, &[], &mut Tape(&fresh));
        let (d, e) = nonces.secrets();
        assert_eq!([*d.to_bytes(), *e.to_bytes()], ["hiding_nonce", "binding_nonce"].map(|n| array(&p[n])));
        let (hiding, binding) = nonces.commitments();
        let commitments = ["hiding_commitment", "binding_commitment"].map(|n| array(&p[n]));
        assert_eq!([hiding, binding].map(|c| *c.as_bytes()), commitments);
    }
    let key = PublicKey::of(&SecretScalar::from_bytes(array(&v["group_secret_key"])).unwrap());
    assert_eq!(key.as_bytes(), &array(&v["group_public_key"]));
    let signature = sotto_mw::schnorr::Signature::from_bytes(&bytes(&v["signature"])).unwrap();
    assert!(signature.verifies(&key, &bytes(&v["message"])));
    assert!(!signature.verifies(&key, b"another"));
}
