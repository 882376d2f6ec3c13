//! Known answers: `vectors/keys.json`, which `vectors/check.py` reads without this code.
//!
//! `SOTTO_VECTORS=write cargo test -p sotto-keys --release --test vectors` writes the file.
#![allow(clippy::unwrap_used)]

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use sotto_keys::armor::{self, Kind};
use sotto_keys::request::Request;
use sotto_keys::sealed::SealRecord;
use sotto_keys::{
    Draft, Group, Hash, Letter, Log, Member, MemoryRegister, Progress, Purpose, Seed, SessionId, Share,
    Shares, dkg, sign, signing,
};
use sotto_party::Identity;
use sotto_party::hex::to_hex;
use sotto_vectors::{Value, json, load, render};

struct Party {
    identity: Identity,
    seed: Seed,
    log: Log,
    register: MemoryRegister,
}

fn parties(draft: &Draft, session: SessionId, seed: u64) -> Vec<Party> {
    let rng = &mut ChaCha20Rng::seed_from_u64(seed);
    let party = |i: u8| Party {
        identity: identity(i),
        seed: Seed::random(rng),
        log: Log::new(draft.id(), session),
        register: MemoryRegister::default(),
    };
    (1..=3).map(party).collect()
}

fn identity(i: u8) -> Identity {
    Identity::random(&mut ChaCha20Rng::seed_from_u64(i.into()))
}

/// Advances everybody with everybody's letters until all are done.
fn run<T>(
    draft: &Draft,
    parties: &mut [Party],
    mut step: impl FnMut(usize, &Member<'_>, &mut Log, &mut MemoryRegister) -> Option<T>,
) -> Vec<T> {
    loop {
        let mut done = Vec::new();
        for (at, party) in parties.iter_mut().enumerate() {
            let me = Member::new(draft, &party.identity, &party.seed).unwrap();
            done.extend(step(at, &me, &mut party.log, &mut party.register));
        }
        if done.len() == parties.len() {
            return done;
        }
        let sent: Vec<Letter> = parties.iter().flat_map(|party| party.log.letters().cloned()).collect();
        for party in parties.iter_mut() {
            for letter in &sent {
                party.log.take(letter.clone(), draft).unwrap();
            }
        }
    }
}

fn letters(party: &Party) -> Vec<Value> {
    let letter =
        |letter: &Letter| json!({ "bytes": to_hex(&letter.to_bytes()), "name": letter.name().to_string() });
    party.log.letters().map(letter).collect()
}

fn vectors() -> Value {
    let rng = &mut ChaCha20Rng::seed_from_u64(0);
    let members = (1..=3).map(|i| identity(i).public()).collect();
    let draft = Draft::new(Purpose::Seal, [7; 32], 2, members, rng).unwrap();
    let mut made = parties(&draft, dkg::session(&draft), 1);
    let generated: Vec<(Group, Share)> =
        run(&draft, &mut made, |_, me, log, register| match dkg::advance(me, log, register).unwrap() {
            Progress::Done(made) => Some((made.group, made.share)),
            Progress::Awaiting { .. } => None,
        });
    let group = generated[0].0.clone();
    let header = vec![5; 192];
    let session = Hash::from_bytes([9; 32]);
    let mut signers = parties(&draft, session, 2);
    let mut agreed = [false; 3];
    let answers = run(&draft, &mut signers, |at, me, log, register| {
        let epoch = group.epoch();
        if at == 0 {
            sign::ask(me, epoch, log, &Request::Header { chain: [7; 32], header: header.clone() }).unwrap();
        }
        let asked = sign::asked(epoch, log).unwrap()?;
        let share = &generated[at].1;
        if !core::mem::replace(&mut agreed[at], true) {
            sign::agree(&me.holding(epoch, Some(share)), log, &asked).unwrap();
        }
        match sign::advance(&me.holding(epoch, Some(share)), log, None, register).unwrap() {
            Progress::Done(answered) => answered.signature,
            Progress::Awaiting { .. } => None,
        }
    });
    let message = Request::Header { chain: [7; 32], header: header.clone() }.message(group.epoch(), &session);
    assert!(signing::verifies(&group.epoch().public_key(0).unwrap(), &message, &answers[0]));
    let shares = generated.iter().map(|(_, share)| to_hex(&Shares::new(share.clone()).to_bytes()));
    let here = Hash::from_bytes([6; 32]);
    let (nothing, repaired) = (SealRecord::made(here), SealRecord::repaired(here, 1_764_475_200));
    let (mut sealed, mut waited) = (nothing, repaired);
    sealed.admit(7, Hash::from_bytes([5; 32])).unwrap();
    waited.follow(8, 1_764_475_200 + 121);
    let records = [nothing, sealed, repaired, waited].map(|record| to_hex(&record.to_bytes()));
    json!({
        "draft": to_hex(&draft.to_bytes()),
        "group_id": draft.id().to_string(),
        "dkg_session": dkg::session(&draft).to_string(),
        "dkg_letters": letters(&made[0]),
        "group": to_hex(&group.to_bytes()),
        "epoch_hash": group.epoch().hash().to_string(),
        "public_key": to_hex(&group.epoch().public_key(0).unwrap()),
        "shares": shares.collect::<Vec<_>>(),
        "header": to_hex(&header),
        "sign_session": session.to_string(),
        "sign_letters": letters(&signers[0]),
        "message": to_hex(&message),
        "signature": to_hex(&answers[0]),
        "armor": armor::to_text(Kind::Letter, &[1, 2, 3]),
        "installation": here.to_string(),
        "seal_records": records,
    })
}

#[test]
fn the_file_has_what_the_code_makes() {
    let made = vectors();
    if std::env::var_os("SOTTO_VECTORS").is_some_and(|mode| mode == "write") {
        std::fs::write(sotto_vectors::file("keys"), render(&made)).unwrap();
    }
    assert!(load("keys").unwrap() == made, "vectors/keys.json differs from what the code makes");
}
