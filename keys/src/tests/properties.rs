//! Random groups, and letters that are lost, repeated and late.

use proptest::prelude::*;
use rand_core::RngCore as _;

use super::*;
use crate::curve::{Polynomial, Secret, lagrange, vartime_at};
use crate::request::Request;

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// However letters are lost and delayed, key generation makes the same group, and nobody is blamed.
    #[test]
    fn the_order_of_letters_changes_nothing(t in 2u8..4, more in 0u8..2, seed: u64) {
        let n = t + more;
        let team = Team::new(Purpose::Vault, t, n);
        let mut session = Session::new(&team, crate::dkg::session(&team.draft), 1);
        let mut post = rng(seed);
        for _ in 0..30 {
            for i in 1..=n {
                session.by(&team, i, crate::dkg::advance).unwrap();
            }
            // Each letter gets through to each member half of the time.
            let passes: Vec<bool> = (0..4096).map(|_| post.next_u32() & 1 == 0).collect();
            let at = core::cell::Cell::new(0);
            session.deliver(&team, |letter, _| {
                at.set(at.get() + 1);
                passes[at.get() % passes.len()].then(|| letter.clone())
            });
        }
        let ended = session.run(&team, honest, crate::dkg::advance);
        prop_assert_eq!(ended.len(), usize::from(n));
        let groups: Vec<Group> = ended.into_values().map(|made| made.unwrap().group).collect();
        prop_assert!(groups.iter().all(|group| *group == groups[0]));
        prop_assert_eq!(&groups[0], &team.generate().group);
    }

    /// Any t members sign, whoever they are, after any refresh.
    #[test]
    fn any_t_members_sign(t in 2u8..4, more in 0u8..3, seed: u64) {
        let n = t + more;
        let made = Made::new(Purpose::Vault, t, n);
        let all: Vec<u8> = (1..=n).collect();
        let next = refresh::refreshed(&made, &all, 1);
        // Groups that do not sign prove their shares: the same shares, without the rounds.
        let mut out: Vec<u8> = (2..=n).collect();
        let mut random = rng(seed);
        while n - out.len() as u8 != t {
            out.remove(random.next_u32() as usize % out.len());
        }
        let mut session = Session::new(&next.team, Session::id(7), 7).without(&out);
        sign::asked(&next, &mut session, &Request::Drill { time: seed });
        let ended = sign::run(&next, &mut session, honest);
        prop_assert!(ended.values().all(Result::is_ok) && ended.len() == usize::from(t));
    }

    /// Every set of t indexes interpolates a committed polynomial at every index.
    #[test]
    fn interpolation_holds_for_every_set(seed: u64, set in proptest::sample::subsequence((1..=15).collect::<Vec<u8>>(), 4), at in 0u8..16) {
        let g = Polynomial::without_constant(4, &mut rng(seed));
        let terms = set.iter().map(|i| Secret::new(lagrange(&set, *i, at) * g.at(*i).expose()));
        let sum = Secret::sum(&terms.collect::<Vec<_>>());
        prop_assert_eq!(sum.times_g(), vartime_at(&g.commitments(), 1, at));
    }
}
