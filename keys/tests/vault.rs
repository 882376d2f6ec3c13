//! Boxes: what opens them, who is named, the theft that the signature under E prevents, and known answers, which
//! `vectors/check.py` reads without this code (`SOTTO_VECTORS=write` writes them).
#![allow(clippy::unwrap_used)]

use curve25519_dalek::{ristretto::RistrettoPoint, scalar::Scalar};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest as _, Sha512};
use sotto_keys::vault::{
    BoxTerms, MAX_BOX, MAX_CONTENTS, Opening, VaultAnswer, VaultBox, VaultError, VaultMember, VaultRequest,
};
use sotto_keys::vault_session::{Drawn, VaultChallenge, VaultEvidence, VaultRecord};
use sotto_keys::{
    Draft, Fault, Group, Hash, Index, Letter, Log, Member, MemoryRegister, Progress, Purpose, Seed, Share,
    Shares, dkg,
};
use sotto_party::hex::to_hex;
use sotto_party::{Context, Identity, decrypt, encrypt};
use sotto_vectors::{Value, json, load, render};

const POLICY: Hash = Hash::from_bytes([1; 32]);
const LAX: Hash = Hash::from_bytes([2; 32]);
const OWNER: Hash = Hash::from_bytes([3; 32]);
const CONTENTS: &[u8] = b"the key of a disk";

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn identity(i: u8) -> Identity {
    Identity::random(&mut rng(i.into()))
}

/// A group and its shares.
fn made(purpose: Purpose, t: u8, n: u8) -> (Group, Vec<Share>) {
    let rng = &mut rng(100);
    let members = (1..=n).map(|i| identity(i).public()).collect();
    let draft = Draft::new(purpose, [7; 32], t, members, rng).unwrap();
    let log = || Log::new(draft.id(), dkg::session(&draft));
    let mut parties: Vec<_> = (0..n).map(|_| (Seed::random(rng), log(), MemoryRegister::default())).collect();
    loop {
        let mut done = Vec::new();
        for (i, (seed, log, register)) in (1..).zip(&mut parties) {
            let identity = identity(i);
            let me = Member::new(&draft, &identity, seed).unwrap();
            if let Progress::Done(made) = dkg::advance(&me, log, register).unwrap() {
                done.push((made.group, made.share));
            }
        }
        if done.len() == parties.len() {
            let (groups, shares): (Vec<_>, Vec<_>) = done.into_iter().unzip();
            return (groups[0].clone(), shares);
        }
        let sent: Vec<Letter> = parties.iter().flat_map(|(_, log, _)| log.letters().cloned()).collect();
        for (_, log, _) in &mut parties {
            for letter in &sent {
                log.take(letter.clone(), &draft).unwrap();
            }
        }
    }
}

struct Scene {
    group: Group,
    shares: Vec<Share>,
    vault_box: VaultBox,
    machine: Identity,
    request: VaultRequest,
}

impl Scene {
    fn new() -> Self {
        let (group, shares) = made(Purpose::Vault, 3, 5);
        let terms = BoxTerms { policy: POLICY, owner: OWNER };
        let vault_box = VaultBox::encrypt(group.epoch(), terms, CONTENTS, &mut rng(1)).unwrap();
        let machine = identity(50);
        let request = VaultRequest::new(&vault_box, machine.public());
        Self { group, shares, vault_box, machine, request }
    }

    fn opening(&self) -> Opening<'_> {
        Opening { epoch: self.group.epoch(), vault_box: &self.vault_box, request: &self.request }
    }

    fn answer(&self, opening: &Opening<'_>, i: u8, policy: Hash) -> Result<VaultAnswer, VaultError> {
        let member = VaultMember { identity: &identity(i), share: &self.shares[usize::from(i) - 1] };
        opening.answer(member, policy, &mut rng(200 + u64::from(i)))
    }

    fn answers(&self, of: &[u8]) -> Vec<VaultAnswer> {
        of.iter().map(|i| self.answer(&self.opening(), *i, POLICY).unwrap()).collect()
    }
}

#[test]
fn any_t_answers_open_a_box_and_fewer_do_not() {
    let scene = Scene::new();
    for set in [[1, 2, 3], [5, 3, 1], [2, 4, 5]] {
        let opened = scene.opening().open(&scene.machine, &scene.answers(&set)).unwrap();
        assert_eq!((&opened.contents[..], &opened.false_answers[..]), (CONTENTS, &[][..]));
        assert!(!format!("{opened:?}").contains("contents"));
    }
    let few = VaultError::TooFew { held: 2, wanted: 3 };
    assert_eq!(scene.opening().open(&scene.machine, &scene.answers(&[1, 2])).unwrap_err(), few);
    let twice = scene.opening().open(&scene.machine, &scene.answers(&[1, 2, 2]));
    assert_eq!(twice.unwrap_err(), few, "one answer a member");
    let none = VaultError::TooFew { held: 0, wanted: 3 };
    let other = scene.opening().open(&identity(51), &scene.answers(&[1, 2, 3]));
    assert_eq!(other.unwrap_err(), none, "another machine");
}

/// Where the parts of a box stand.
const E: usize = 17 + 32;
const TERMS: usize = E + 32;

/// A thief puts the E of another's box into a box of its own, under a policy that accepts the thief's machine. If
/// members looked at the policy alone, they would send it y_i·E, the key of the other's box.
#[test]
fn a_box_wrapped_anew_under_a_laxer_policy_is_refused() {
    let scene = Scene::new();
    let theirs = scene.vault_box.to_bytes();
    let lax = BoxTerms { policy: LAX, owner: OWNER };
    let own = VaultBox::encrypt(scene.group.epoch(), lax, CONTENTS, &mut rng(7)).unwrap().to_bytes();
    assert_eq!(theirs[TERMS..TERMS + 32], *POLICY.as_bytes());
    // Their box with another policy; their E in a box that the thief signed; their signature with it.
    let mut relabelled = theirs.clone();
    relabelled[TERMS..TERMS + 32].copy_from_slice(LAX.as_bytes());
    let mut grafted = own.clone();
    grafted[E..E + 32].copy_from_slice(&theirs[E..E + 32]);
    let mut resigned = grafted.clone();
    let signature = theirs.len() - 64;
    resigned[signature..].copy_from_slice(&theirs[signature..]);
    for stolen in [relabelled, grafted, resigned] {
        assert!(VaultBox::from_bytes(&stolen).is_err(), "whoever made it does not know e");
    }
    assert!(VaultBox::from_bytes(&own).is_ok() && VaultBox::from_bytes(&theirs).is_ok());
}

#[test]
fn every_byte_of_a_box_counts() {
    let scene = Scene::new();
    let bytes = scene.vault_box.to_bytes();
    assert_eq!(VaultBox::from_bytes(&bytes), Ok(scene.vault_box.clone()));
    for i in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[i] ^= 1;
        assert!(VaultBox::from_bytes(&flipped).is_err(), "byte {i}");
    }
    assert!(VaultBox::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    assert!(VaultBox::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    let terms = BoxTerms { policy: POLICY, owner: OWNER };
    let encrypt = |length| VaultBox::encrypt(scene.group.epoch(), terms, &vec![0; length], &mut rng(1));
    assert_eq!(encrypt(MAX_CONTENTS + 1).unwrap_err(), VaultError::TooLong);
    assert_eq!(encrypt(MAX_CONTENTS).unwrap().to_bytes().len(), MAX_BOX);
}

#[test]
fn a_member_answers_for_the_policy_of_the_box_alone() {
    let scene = Scene::new();
    assert_eq!(scene.answer(&scene.opening(), 1, LAX).unwrap_err(), VaultError::OtherPolicy);
    let terms = BoxTerms { policy: POLICY, owner: OWNER };
    let other = VaultBox::encrypt(scene.group.epoch(), terms, b"x", &mut rng(4)).unwrap();
    let mixed = Opening { vault_box: &other, ..scene.opening() };
    assert_eq!(scene.answer(&mixed, 1, POLICY).unwrap_err(), VaultError::OtherBox);
    assert_eq!(mixed.open(&scene.machine, &scene.answers(&[1, 2, 3])).unwrap_err(), VaultError::OtherBox);
    let audit = made(Purpose::Audit, 2, 3).0;
    let vault_box = VaultBox::encrypt(audit.epoch(), terms, b"x", &mut rng(4));
    assert_eq!(vault_box.unwrap_err(), VaultError::Purpose);
    let foreign = made(Purpose::Vault, 2, 3).0;
    let elsewhere = Opening { epoch: foreign.epoch(), ..scene.opening() };
    assert_eq!(scene.answer(&elsewhere, 1, POLICY).unwrap_err(), VaultError::OtherGroup);
}

/// A box of these parts, signed with e and k.
fn by_hand(key: &[u8; 32], (e, k): (u64, u64), ciphertext: &[u8]) -> Vec<u8> {
    let (e, k) = (Scalar::from(e), Scalar::from(k));
    let times_g = |s: &Scalar| RistrettoPoint::mul_base(s).compress().to_bytes();
    let mut bytes =
        [b"sotto keys box v1", &key[..], &times_g(&e), POLICY.as_bytes(), OWNER.as_bytes()].concat();
    bytes.extend_from_slice(&u32::try_from(ciphertext.len()).unwrap().to_le_bytes());
    bytes.extend_from_slice(ciphertext);
    bytes.extend_from_slice(&times_g(&k));
    let t = Sha512::digest("sotto/keys/box/v1");
    let c = Sha512::new_with_prefix(t).chain_update(t).chain_update(&bytes).finalize();
    let z = k + Scalar::from_bytes_mod_order_wide(&c.into()) * e;
    [&bytes[..], z.as_bytes()].concat()
}

/// A signature under E proves knowledge of e, and nothing about the rest.
#[test]
fn a_signed_box_with_a_false_point_or_too_much_in_it_is_refused() {
    let key = Scene::new().group.epoch().public_key(0).unwrap();
    let longest = vec![0; MAX_CONTENTS + 16];
    let good = VaultBox::from_bytes(&by_hand(&key, (5, 7), &longest)).unwrap();
    assert_eq!((good.group_key(), good.contents_len()), (&key, MAX_CONTENTS));
    for (why, refused) in [
        ("P is no point", by_hand(&[255; 32], (5, 7), b"x")),
        ("P is the identity", by_hand(&[0; 32], (5, 7), b"x")),
        ("E is the identity", by_hand(&key, (0, 7), b"x")),
        ("R is the identity", by_hand(&key, (5, 0), b"x")),
        ("too long", by_hand(&key, (5, 7), &[&longest[..], &[0]].concat())),
    ] {
        assert!(VaultBox::from_bytes(&refused).is_err(), "{why}");
    }
}

/// No member of a group for something else sends y·E, though its key is a point like any other.
#[test]
fn a_group_for_something_else_answers_for_no_box() {
    let (audit, shares) = made(Purpose::Audit, 2, 3);
    let key = audit.epoch().public_key(0).unwrap();
    let vault_box = VaultBox::from_bytes(&by_hand(&key, (5, 7), b"x")).unwrap();
    let request = VaultRequest::new(&vault_box, identity(50).public());
    let opening = Opening { epoch: audit.epoch(), vault_box: &vault_box, request: &request };
    let member = VaultMember { identity: &identity(1), share: &shares[0] };
    assert_eq!(opening.answer(member, POLICY, &mut rng(1)).unwrap_err(), VaultError::Purpose);
    assert_eq!(opening.open(&identity(50), &[]).unwrap_err(), VaultError::Purpose);
}

#[test]
fn a_member_answers_with_its_own_share_of_this_group() {
    let scene = Scene::new();
    let (_, others) = made(Purpose::Vault, 2, 3);
    let (one, stranger) = (identity(1), identity(60));
    for (why, identity, share) in [
        ("a share of the same index in another group", &one, &others[0]),
        ("another member's share", &one, &scene.shares[1]),
        ("no member", &stranger, &scene.shares[0]),
    ] {
        let answer = scene.opening().answer(VaultMember { identity, share }, POLICY, &mut rng(1));
        assert_eq!(answer.unwrap_err(), VaultError::Fault(Fault::OtherShare), "{why}");
    }
}

/// The owner of a box can put anything into it.
#[test]
fn a_box_whose_contents_are_altered_does_not_open_and_names_no_member() {
    let mut scene = Scene::new();
    let key = scene.group.epoch().public_key(0).unwrap();
    for ciphertext in [&b""[..], &[9; 40]] {
        scene.vault_box = VaultBox::from_bytes(&by_hand(&key, (5, 7), ciphertext)).unwrap();
        scene.request = VaultRequest::new(&scene.vault_box, scene.machine.public());
        let answers = scene.answers(&[1, 2, 3]);
        assert_eq!(scene.opening().open(&scene.machine, &answers).unwrap_err(), VaultError::Altered);
        assert_eq!(scene.opening().false_answers(&scene.machine, &answers), []);
    }
}

/// The partial of member 5 in an answer that member 2 signs.
fn false_answer(scene: &Scene) -> VaultAnswer {
    let place = |i: u8| [&scene.request.name().as_bytes()[..], &[i]].concat();
    let (partial, answer) =
        (Context::new("sotto keys vault partial v1"), Context::new("sotto keys vault answer v1"));
    let theirs = scene.answers(&[5])[0].to_bytes();
    let head = 26 + 32 + 32;
    let encrypted = &theirs[head + 1 + 4..theirs.len() - 64];
    let contents = decrypt(partial.at(&place(5)), &scene.machine, encrypted).unwrap();
    let again = encrypt(partial.at(&place(2)), &scene.machine.public(), &contents, &mut rng(9)).unwrap();
    let mut bytes = [&theirs[..head], &[2], &theirs[head + 1..head + 5], &again].concat();
    let signature = identity(2).sign(answer, &bytes);
    bytes.extend_from_slice(&signature);
    VaultAnswer::from_bytes(&bytes).unwrap()
}

#[test]
fn a_false_answer_is_named_and_an_unsigned_one_accuses_nobody() {
    let scene = Scene::new();
    let two = Index::new(2).unwrap();
    let mut answers = scene.answers(&[1, 2, 3, 4]);
    answers[1] = false_answer(&scene);
    let opened = scene.opening().open(&scene.machine, &answers).unwrap();
    assert_eq!((&opened.contents[..], opened.false_answers), (CONTENTS, vec![two]));
    let few = scene.opening().open(&scene.machine, &answers[..3]);
    assert_eq!(few.unwrap_err(), VaultError::TooFew { held: 2, wanted: 3 });
    assert_eq!(scene.opening().false_answers(&scene.machine, &answers), [two]);
    let twice = [answers[1].clone(), answers[1].clone()];
    assert_eq!(scene.opening().false_answers(&scene.machine, &twice), [two], "named once");
    let bytes = answers[0].to_bytes();
    let (length, signature) = (26 + 32 + 32 + 1, bytes.len() - 64);
    let long = u32::try_from(signature - length - 4 + 1).unwrap().to_le_bytes();
    let long = [&bytes[..length], &long, &bytes[length + 4..signature], &[0], &bytes[signature..]].concat();
    assert!(VaultAnswer::from_bytes(&long).is_err(), "longer than an answer can be");
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        let Ok(altered) = VaultAnswer::from_bytes(&altered) else { continue };
        assert_eq!(scene.opening().false_answers(&scene.machine, &[altered]), [], "byte {at}");
    }
}

/// An answer to another machine's request, and a signed one of another epoch: no lies, and no answers either.
#[test]
fn honest_answers_to_something_else_accuse_nobody() {
    let scene = Scene::new();
    let theirs = VaultRequest::new(&scene.vault_box, identity(51).public());
    let other = scene.answer(&Opening { request: &theirs, ..scene.opening() }, 1, POLICY).unwrap();
    let mut bytes = scene.answers(&[1])[0].to_bytes();
    let (epoch, signature) = (26 + 32, bytes.len() - 64);
    bytes[epoch] ^= 1;
    bytes.truncate(signature);
    bytes.extend(identity(1).sign(Context::new("sotto keys vault answer v1"), &bytes));
    let earlier = VaultAnswer::from_bytes(&bytes).unwrap();
    for answer in [other, earlier] {
        let with = [&scene.answers(&[2, 3])[..], &[answer]].concat();
        assert_eq!(scene.opening().false_answers(&scene.machine, &with), []);
        let few = scene.opening().open(&scene.machine, &with).unwrap_err();
        assert_eq!(few, VaultError::TooFew { held: 2, wanted: 3 });
    }
}

#[test]
fn requests_have_one_encoding() {
    let scene = Scene::new();
    let bytes = scene.request.to_bytes();
    assert_eq!(bytes.len(), VaultRequest::BYTES);
    let read = VaultRequest::from_bytes(&bytes).unwrap();
    assert_eq!((read.name(), read.of()), (scene.request.name(), scene.vault_box.name()));
    assert_eq!(read.machine().digest(), scene.machine.public().digest());
    assert!(VaultRequest::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    assert!(VaultRequest::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
}

fn vectors() -> Value {
    let scene = Scene::new();
    let place = |i: u8| [&scene.request.name().as_bytes()[..], &[i]].concat();
    let context = Context::new("sotto keys vault partial v1");
    let opened = |i: u8| {
        let answer = scene.answers(&[i])[0].to_bytes();
        let encrypted = &answer[26 + 64 + 5..answer.len() - 64];
        let partial = decrypt(context.at(&place(i)), &scene.machine, encrypted).unwrap();
        json!({ "from": i, "answer": to_hex(&answer), "partial": to_hex(&partial) })
    };
    let drawn = Drawn::new(scene.request.name(), 1_764_475_200, &mut rng(300));
    let challenge = VaultChallenge::new(scene.group.draft(), &identity(3), &drawn).unwrap();
    let evidence = VaultEvidence::new(&challenge, b"what a platform signed".to_vec()).unwrap();
    let challenged = VaultRecord::Challenged(drawn);
    let answered = VaultRecord::Answered(scene.answers(&[3]).remove(0));
    let records = [challenged, answered].map(|record| to_hex(&record.to_bytes()));
    let shares = scene.shares.iter().map(|share| to_hex(&Shares::new(share.clone()).to_bytes()));
    json!({
        "group": to_hex(&scene.group.to_bytes()),
        "shares": shares.collect::<Vec<_>>(),
        "box": to_hex(&scene.vault_box.to_bytes()),
        "box_name": scene.vault_box.name().to_string(),
        "contents": to_hex(CONTENTS),
        "request": to_hex(&scene.request.to_bytes()),
        "request_name": scene.request.name().to_string(),
        "answers": [opened(1), opened(3), opened(4)],
        "challenge": to_hex(&challenge.to_bytes()),
        "nonce": to_hex(&drawn.nonce),
        "time": drawn.time,
        "evidence": to_hex(&evidence.to_bytes()),
        "shown": to_hex(evidence.evidence()),
        "records": records,
    })
}

#[test]
fn the_file_has_what_the_code_makes() {
    let made = vectors();
    if std::env::var_os("SOTTO_VECTORS").is_some_and(|mode| mode == "write") {
        std::fs::write(sotto_vectors::file("vault"), render(&made)).unwrap();
    }
    assert!(load("vault").unwrap() == made, "vectors/vault.json differs from what the code makes");
}
