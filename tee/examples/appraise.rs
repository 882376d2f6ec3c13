//! Two parties show evidence, a policy decides, and a revocation takes the decision back.
//!
//! The evidence is of the kind `software`, which no hardware vouches for, so that this runs anywhere. A policy
//! accepts it only if its file says so, and the verdict names it.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_party::Identity;
use sotto_tee::{Binding, Circumstances, Claims, Collateral, Digest, Purpose, Revocable, Revoked, Seen};
use sotto_tee::{policy_file, software, verify};
use std::error::Error;

const NOW: u64 = 1_800_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let build = Digest([7; 32]); // the hash of a build record that you made yourself
    let rng = &mut ChaCha20Rng::seed_from_u64(1); // use the operating system's random source
    let parties = [Identity::random(rng), Identity::random(rng)];
    let bindings = parties
        .each_ref()
        .map(|party| Binding { party: Digest(party.public().digest()), purpose: Purpose::Enrol { build } });

    // Each party shows evidence for its binding. To verify it gives claims, and decides nothing.
    let claims = |i: usize| -> Result<Claims, Box<dyn Error>> {
        let evidence = software::sign(&parties[i], &build.0, &bindings[i].report_data())?;
        Ok(verify(&evidence, &Collateral::nothing(), NOW)?)
    };

    // A policy decides. This one knows the first party alone.
    let policy = policy_file::read(&format!(
        "version = 1\nallow_software = true\n[[accept]]\nkind = 'software'\nmeasurements.key = '{}'\n",
        bindings[0].party
    ))?;
    let (mut revoked, seen) = (Revoked::default(), Seen::default());
    for (i, binding) in bindings.iter().enumerate() {
        let at = Circumstances { now: NOW, binding, revoked: &revoked, seen: &seen };
        match policy.appraise(&claims(i)?, &at) {
            Ok(appraised) => println!("party {}: {}", i + 1, appraised.verdict()),
            Err(refused) => println!("party {}: {refused}", i + 1),
        }
    }

    // What is revoked can only refuse.
    revoked.insert(Revocable::Measurement(bindings[0].party.0.to_vec()));
    let at = Circumstances { now: NOW, binding: &bindings[0], revoked: &revoked, seen: &seen };
    println!("after a revocation: {}", policy.appraise(&claims(0)?, &at).is_ok());
    Ok(())
}
