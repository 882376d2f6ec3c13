//! What a vault's member and a machine say before an answer: one encoding each, signatures, and the member's record.
#![allow(clippy::unwrap_used)]

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use sotto_keys::edge::installation::Installation;
use sotto_keys::vault::{MAX_ANSWER, VaultAnswer};
use sotto_keys::vault_session::{
    Drawn, MAX_EVIDENCE, MAX_RECORD, VaultChallenge, VaultEvidence, VaultRecord,
};
use sotto_keys::{Draft, Hash, Index, Purpose};
use sotto_party::Identity;
use sotto_party::hex::from_hex;
use sotto_vectors::load;
use std::io::ErrorKind;

const REQUEST: Hash = Hash::from_bytes([9; 32]);

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn identity(i: u64) -> Identity {
    Identity::random(&mut rng(i))
}

fn draft() -> Draft {
    let members = (1..=3).map(|i| identity(i).public()).collect();
    Draft::new(Purpose::Vault, [7; 32], 2, members, &mut rng(0)).unwrap()
}

fn challenge() -> (Drawn, VaultChallenge) {
    let drawn = Drawn::new(REQUEST, 1_000, &mut rng(5));
    (drawn, VaultChallenge::new(&draft(), &identity(2), &drawn).unwrap())
}

/// The first answer of `vectors/vault.json`.
fn answer() -> VaultAnswer {
    let vectors = load("vault").unwrap();
    let text = vectors["answers"][0]["answer"].as_str().unwrap();
    let mut bytes = vec![0; text.len() / 2];
    from_hex(text, &mut bytes).unwrap();
    assert_eq!(bytes.len(), MAX_ANSWER, "all answers have one length");
    VaultAnswer::from_bytes(&bytes).unwrap()
}

#[test]
fn a_challenge_is_its_members_and_nobody_elses() {
    let (drawn, challenge) = challenge();
    assert!(challenge.holds(&draft()));
    assert_eq!((challenge.request(), *challenge.nonce()), (REQUEST, drawn.nonce));
    assert_eq!(challenge.from(), Index::new(2).unwrap());
    let bytes = challenge.to_bytes();
    assert_eq!(VaultChallenge::from_bytes(&bytes), Ok(challenge));
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        let holds = VaultChallenge::from_bytes(&flipped).is_ok_and(|other| other.holds(&draft()));
        assert!(!holds, "byte {at}");
    }
    assert!(VaultChallenge::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    assert!(VaultChallenge::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    // Only members of the draft make one, and a challenge in another's name does not hold.
    assert_eq!(VaultChallenge::new(&draft(), &identity(4), &drawn), None);
    let two =
        Draft::new(Purpose::Vault, [7; 32], 2, vec![identity(2).public(), identity(3).public()], &mut rng(0));
    assert!(!VaultChallenge::from_bytes(&bytes).unwrap().holds(&two.unwrap()), "member 2 is another there");
    let again = Drawn::new(REQUEST, 1_000, &mut rng(6));
    assert_ne!(again.nonce, drawn.nonce);
}

#[test]
fn evidence_answers_the_nonce_that_it_names() {
    let (drawn, challenge) = challenge();
    let letter = VaultEvidence::new(&challenge, vec![1, 2, 3]).unwrap();
    assert!(letter.answers(&drawn));
    assert!(!letter.answers(&Drawn { nonce: [0; 32], ..drawn }));
    assert!(!letter.answers(&Drawn { request: Hash::from_bytes([8; 32]), ..drawn }));
    assert_eq!(
        (letter.to(), letter.request(), letter.evidence()),
        (challenge.from(), REQUEST, &[1, 2, 3][..])
    );
    let bytes = letter.to_bytes();
    assert_eq!(VaultEvidence::from_bytes(&bytes), Ok(letter));
    assert!(VaultEvidence::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    assert!(VaultEvidence::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    assert!(VaultEvidence::new(&challenge, vec![0; MAX_EVIDENCE]).is_some());
    assert!(VaultEvidence::new(&challenge, vec![0; MAX_EVIDENCE + 1]).is_none());
    // A length beyond the limit is refused before anything is taken.
    let mut long = bytes.clone();
    let at = bytes.len() - 3 - 4;
    long[at..at + 4].copy_from_slice(&u32::try_from(MAX_EVIDENCE + 1).unwrap().to_le_bytes());
    assert!(VaultEvidence::from_bytes(&[&long[..], &vec![0; MAX_EVIDENCE]].concat()).is_err());
}

#[test]
fn a_record_is_of_one_request_and_is_kept() {
    let (drawn, _) = challenge();
    let answered = VaultRecord::Answered(answer());
    assert_eq!(answered.to_bytes().len(), MAX_RECORD);
    for record in [VaultRecord::Challenged(drawn), answered.clone()] {
        let bytes = record.to_bytes();
        assert_eq!(VaultRecord::from_bytes(&bytes), Ok(record));
        assert!(VaultRecord::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        assert!(VaultRecord::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    }
    let mut other = answered.to_bytes();
    other[27] ^= 1;
    assert!(VaultRecord::from_bytes(&other).is_err(), "an answer to another request");

    let folder = std::env::temp_dir().join(format!("sotto-vault-session-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let here = Installation::open(&folder).unwrap();
    assert_eq!(here.vault_record(&REQUEST).unwrap(), None);
    here.keep_vault_record(&VaultRecord::Challenged(drawn)).unwrap();
    assert_eq!(here.vault_record(&REQUEST).unwrap(), Some(VaultRecord::Challenged(drawn)));
    here.keep_vault_record(&answered).unwrap();
    assert_eq!(here.vault_record(&answered.request()).unwrap(), Some(answered.clone()));
    // The record of one request in the place of another's, and a damaged one.
    let place = |request: Hash| folder.join("vault").join(request.to_string());
    std::fs::copy(place(answered.request()), place(REQUEST)).unwrap();
    assert_eq!(here.vault_record(&REQUEST).unwrap_err().kind(), ErrorKind::InvalidData);
    std::fs::write(place(REQUEST), vec![0; MAX_RECORD + 1]).unwrap();
    assert!(here.vault_record(&REQUEST).is_err());
    std::fs::remove_dir_all(&folder).unwrap();
}
