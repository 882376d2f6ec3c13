//! A group that its members made, and what it signs when all of them agree.

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_keys::{
    Draft, Group, Log, Member, MemoryRegister, Progress, Purpose, Seed, SessionId, Share, dkg,
    request::Request, sign,
};
use sotto_party::Identity;

/// The text of an identity, from which a test makes it again.
pub(crate) fn identity(seed: u64) -> Identity {
    Identity::random(&mut ChaCha20Rng::seed_from_u64(seed))
}

/// A group that seals, made by its members, and their shares.
pub(crate) fn made(t: u8, n: u8, seed: u64) -> (Group, Vec<Share>) {
    made_for(Purpose::Seal, t, n, seed)
}

/// A group for this purpose, made before its chain.
pub(crate) fn made_for(purpose: Purpose, t: u8, n: u8, seed: u64) -> (Group, Vec<Share>) {
    let rng = &mut ChaCha20Rng::seed_from_u64(seed);
    let members = (1..=n).map(|i| identity(i.into()).public()).collect();
    let draft = Draft::new(purpose, Draft::NO_CHAIN, t, members, rng).unwrap();
    let session = dkg::session(&draft);
    let mut parties: Vec<_> = (0..n)
        .map(|_| (Seed::random(rng), Log::new(draft.id(), session), MemoryRegister::default()))
        .collect();
    loop {
        let mut done = Vec::new();
        for (i, (seed, log, register)) in parties.iter_mut().enumerate() {
            let identity = identity(i as u64 + 1);
            let me = Member::new(&draft, &identity, seed).unwrap();
            if let Progress::Done(made) = dkg::advance(&me, log, register).unwrap() {
                done.push((made.group, made.share));
            }
        }
        if done.len() == parties.len() {
            let (groups, shares): (Vec<_>, Vec<_>) = done.into_iter().unzip();
            return (groups[0].clone(), shares);
        }
        let sent: Vec<_> = parties.iter().flat_map(|(_, log, _)| log.letters().cloned()).collect();
        for (_, log, _) in &mut parties {
            for letter in &sent {
                log.take(letter.clone(), &draft).unwrap();
            }
        }
    }
}

/// The signature of a group under a request to which all its members agree.
pub(crate) fn signed(group: &Group, shares: &[Share], request: &Request) -> [u8; 64] {
    let epoch = group.epoch();
    let session = SessionId::from_bytes([9; 32]);
    let mut parties: Vec<_> = (0..shares.len() as u8)
        .map(|i| (Seed::from_bytes([i; 32]), Log::new(epoch.group(), session), MemoryRegister::default()))
        .collect();
    loop {
        for (i, (seed, log, register)) in parties.iter_mut().enumerate() {
            let identity = identity(i as u64 + 1);
            let me = Member::new(epoch.draft(), &identity, seed).unwrap();
            let holder = me.holding(epoch, Some(&shares[i]));
            if i == 0 && log.letters().next().is_none() {
                sign::ask(&me, epoch, log, request).unwrap();
            }
            let Some(asked) = sign::asked(epoch, log).unwrap() else { continue };
            if log
                .letters()
                .all(|l| l.heading().from != me.index() || l.heading().step == sotto_keys::Step::Asked)
            {
                sign::agree(&holder, log, &asked).unwrap();
            }
            if let Progress::Done(answer) = sign::advance(&holder, log, None, register).unwrap() {
                return answer.signature.unwrap();
            }
        }
        let sent: Vec<_> = parties.iter().flat_map(|(_, log, _)| log.letters().cloned()).collect();
        for (_, log, _) in &mut parties {
            for letter in &sent {
                log.take(letter.clone(), epoch.draft()).unwrap();
            }
        }
    }
}
