//! View secrets: what all members of a group know, and nobody else, to find and read what the group owns.
//!
//! ```text
//! Viewed   by the first member: H("sotto/keys/view/v1", secret), and the secret encrypted to each member
//! ```
//!
//! It spends nothing. A member that gives it away gives the group's privacy away, as any member could. The first
//! member draws it; the letter is one to all, so members who received different secrets hold evidence.
#![deny(clippy::indexing_slicing)]

use core::fmt;

use rand_core::RngCore as _;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::draft::{Draft, Index};
use crate::fault::Fault;
use crate::letter::{SessionId, Step};
use crate::log::{Log, Progress};
use crate::member::{Member, Part, malformed};
use crate::tag::{self, Hash, tagged};

/// The view secret of a group.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct ViewSecret([u8; 32]);

impl ViewSecret {
    /// The secret of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, which are secret.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// What stands for it in public.
    #[must_use]
    pub fn name(&self) -> Hash {
        tagged(tag::VIEW, &[&self.0])
    }
}

/// Shows nothing.
impl fmt::Debug for ViewSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ViewSecret(..)")
    }
}

/// The session in which a group gets its view secret.
#[must_use]
pub fn session(draft: &Draft) -> SessionId {
    tagged(tag::SESSION, &[b"view", draft.id().as_bytes()])
}

/// Goes as far as the letters allow: the first member gives the secret, the others take it. `known` is the secret
/// of the group that this one succeeds.
///
/// # Errors
/// [`Fault`]: two letters of the first member, or one that cannot be read.
pub fn advance(
    me: &Member<'_>,
    log: &mut Log,
    known: Option<&ViewSecret>,
) -> Result<Progress<ViewSecret>, Fault> {
    log.is_sound()?;
    let (draft, before) = (me.draft(), me.draft().id());
    let first = draft.indexes().next().ok_or(Fault::NoPart)?;
    if first == me.index() && log.get(Step::Viewed, first).is_none() {
        let rng = &mut me.rng(Step::Viewed, &before);
        let mut secret = ViewSecret([0; 32]);
        rng.fill_bytes(&mut secret.0);
        let secret = known.unwrap_or(&secret);
        let part = |to: Index| -> Part { (to, Zeroizing::new(secret.0.to_vec())) };
        let parts: Vec<Part> = draft.indexes().map(part).collect();
        me.write(log, (Step::Viewed, before), (secret.name().as_bytes().to_vec(), &parts), rng)?;
    }
    let Some(letter) = log.get(Step::Viewed, first) else {
        return Ok(Progress::Awaiting { step: Step::Viewed, from: vec![first] });
    };
    let part = me.open(letter)?;
    let secret = <[u8; 32]>::try_from(&part[..]).map(ViewSecret).map_err(|_| malformed(letter))?;
    if letter.heading().before != before || letter.body() != secret.name().as_bytes() {
        return Err(malformed(letter));
    }
    Ok(Progress::Done(secret))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Purpose;
    use crate::tests::{Session, Team, faults, honest, index};

    fn run(
        team: &Team,
        post: impl Fn(&crate::Letter, Index) -> Option<crate::Letter>,
    ) -> std::collections::BTreeMap<Index, Result<ViewSecret, Fault>> {
        let mut s = Session::new(team, session(&team.draft), 1);
        s.run(team, post, |me, log, _| advance(me, log, None))
    }

    #[test]
    fn all_members_get_one_secret() {
        let ended = run(&Team::new(Purpose::Coin, 2, 3), honest);
        let names: Vec<Hash> = ended.values().map(|end| end.as_ref().unwrap().name()).collect();
        assert!(names.len() == 3 && names.iter().all(|name| *name == names[0]));
    }

    #[test]
    fn a_secret_that_is_not_the_one_of_the_letter_names_its_sender() {
        let team = Team::new(Purpose::Coin, 2, 3);
        let ended = run(&team, |letter, to| {
            let lie = |_: &mut Vec<u8>, parts: &mut std::collections::BTreeMap<Index, Zeroizing<Vec<u8>>>| {
                parts.get_mut(&index(2)).unwrap()[0] ^= 1;
            };
            Some(if to == index(2) { team.forge(letter, lie) } else { letter.clone() })
        });
        let malformed = Fault::Malformed { member: index(1), step: Step::Viewed };
        assert_eq!(faults(&ended), [(2, malformed)].into());
    }
}
