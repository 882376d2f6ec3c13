//! Three organisations make a key, and two of them sign with it while the third is away.
//!
//! Letters are passed on here by a loop; in practice they travel as files, mail or messages.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use rand_core::{OsRng, RngCore};
use sotto_keys::{Draft, Hash, Letter, Log, Member, MemoryRegister, Progress, Purpose, Seed};
use sotto_keys::{dkg, request::Request, sign, signing};
use sotto_party::Identity;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    // Each has an identity, and all agree on a draft: any two of the three shall seal the blocks of a chain.
    let people: Vec<Identity> = (0..3).map(|_| Identity::random(&mut OsRng)).collect();
    let members = people.iter().map(Identity::public).collect();
    let draft = Draft::new(Purpose::Seal, [7; 32], 2, members, &mut OsRng)?;

    // Key generation takes four letters of each. A step answers all letters of the step before.
    let seeds: Vec<Seed> = (0..3).map(|_| Seed::random(&mut OsRng)).collect();
    let me = |i: usize| Member::new(&draft, &people[i], &seeds[i]).ok_or("not a member");
    let mut logs = vec![Log::new(draft.id(), dkg::session(&draft)); 3];
    let mut registers = vec![MemoryRegister::default(); 3];
    let mut made = Vec::new();
    while made.len() < 3 {
        made.clear();
        for (i, (log, register)) in logs.iter_mut().zip(&mut registers).enumerate() {
            if let Progress::Done(generated) = dkg::advance(&me(i)?, log, register)? {
                made.push(generated);
            }
        }
        pass_on(&mut logs, &draft)?;
    }
    let (epoch, key) = (made[0].group.epoch(), made[0].group.epoch().public_key(0).ok_or("no key")?);
    println!("all three hold a share of the key {}", Hash::from_bytes(key));

    // The first asks for a signature, and the third agrees. Each session has a seed of its own.
    let mut session = [0; 32];
    OsRng.fill_bytes(&mut session);
    let seeds: Vec<Seed> = (0..3).map(|_| Seed::random(&mut OsRng)).collect();
    let me = |i: usize| Member::new(&draft, &people[i], &seeds[i]).ok_or("not a member");
    let mut logs = vec![Log::new(draft.id(), Hash::from_bytes(session)); 3];
    let request = Request::Header { chain: [7; 32], header: b"the header of a block".to_vec() };
    sign::ask(&me(0)?, epoch, &mut logs[0], &request)?;
    pass_on(&mut logs, &draft)?;
    for i in [0, 2] {
        // Here a person reads what is asked for.
        let asked = sign::asked(epoch, &logs[i])?.ok_or("nothing was asked for")?;
        sign::agree(&me(i)?.holding(epoch, Some(&made[i].share)), &mut logs[i], &asked)?;
    }
    let signature = loop {
        pass_on(&mut logs, &draft)?;
        let mut signature = None;
        for i in [0, 2] {
            let holder = me(i)?.holding(epoch, Some(&made[i].share));
            if let Progress::Done(answer) = sign::advance(&holder, &mut logs[i], None, &mut registers[i])? {
                signature = answer.signature;
            }
        }
        if let Some(signature) = signature {
            break signature;
        }
    };

    // It is an ordinary Schnorr signature: nothing shows that two made it, or which.
    let message = request.message(epoch, &Hash::from_bytes(session));
    assert!(signing::verifies(&key, &message, &signature));
    println!("two of them signed");
    Ok(())
}

/// Gives every letter to every member.
fn pass_on(logs: &mut [Log], draft: &Draft) -> Result<(), Box<dyn Error>> {
    let letters: Vec<Letter> = logs.iter().flat_map(|log| log.letters().cloned()).collect();
    for log in logs {
        for letter in &letters {
            log.take(letter.clone(), draft)?;
        }
    }
    Ok(())
}
