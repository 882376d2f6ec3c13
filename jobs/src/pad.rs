//! Pads of result parties: one secret bit for each bit of an output, under which the output leaves a computation
//! that withstands a malicious compute party.
//!
//! ```text
//! pad = H(key for pads, seed, 0) ‖ H(key for pads, seed, 1) ‖ …          the key follows from the party's secret
//! seed  who does not compute: the nonce of its input commitment to the run        who computes: the run id
//! ```
//!
//! The result party enters its pad as it enters an input: who does not compute as two shares, which are tested
//! like those of inputs. The program gives out z ⊕ pad, which both compute parties learn and sign, and which is
//! uniform to all but the result party. So no compute party can make it depend on z whether the result party
//! accepts, and none can give it another z: that would be another signed value.
//!
//! **A pad is used for one value.** A run id and the nonce of a commitment are fresh, and once outputs may have
//! been opened there is no further attempt at the run ([`run_state`](crate::run_state)).

use zeroize::Zeroizing;

use crate::hash::{Purpose, hash};
use sotto_mpc::Bits;
use sotto_party::Identity;

/// The context of the key for pads.
const KEY: &str = "sotto mpc identity pad key v1";

/// A pad of so many bits.
pub(crate) fn pad(identity: &Identity, seed: &[u8; 32], bits: usize) -> Bits {
    let key = identity.derive(KEY);
    let block = |i: usize| hash(Purpose::Pad, &[&*key, seed, &(i as u64).to_le_bytes()]).0;
    let bytes: Zeroizing<Vec<u8>> = Zeroizing::new((0..bits.div_ceil(256)).flat_map(block).collect());
    (0..bits).map(|i| bytes.get(i / 8).is_some_and(|byte| byte >> (i % 8) & 1 == 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    #[test]
    fn a_pad_depends_on_the_key_and_the_seed_and_looks_random() {
        let identity = |seed| Identity::random(&mut ChaCha20Rng::seed_from_u64(seed));
        let of = |who, seed| pad(&identity(who), &[seed; 32], 3000).iter().collect::<Vec<bool>>();
        let one = of(1, 1);
        assert_eq!(one, of(1, 1));
        assert_eq!(pad(&identity(1), &[1; 32], 77).iter().collect::<Vec<_>>(), one[..77]);
        for other in [of(2, 1), of(1, 2)] {
            let same = one.iter().zip(&other).filter(|(a, b)| a == b).count();
            assert!((1350..1650).contains(&same), "{same} of 3000 bits are the same");
        }
        assert_ne!(one[..256], one[256..512]);
    }
}
