//! Letters that were not written by whom they name, or not for this place.

use super::*;
use crate::{LetterError, Step, Taken};

#[test]
fn a_letter_holds_at_its_place_alone() {
    let team = Team::new(Purpose::Seal, 2, 3);
    let id = crate::dkg::session(&team.draft);
    let mut session = Session::new(&team, id, 1);
    session.by(&team, 1, crate::dkg::advance).unwrap();
    let letter = session.0[&index(1)].log.latest(index(1)).unwrap().clone();
    let bytes = letter.to_bytes();
    assert_eq!(Letter::from_bytes(&bytes).as_ref(), Ok(&letter));
    let fresh = || Log::new(team.draft.id(), id);
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        if let Ok(altered) = Letter::from_bytes(&altered) {
            assert!(fresh().take(altered, &team.draft).is_err(), "byte {at}");
        }
    }
    let mut log = fresh();
    assert_eq!(log.take(letter.clone(), &team.draft), Ok(Taken::New));
    assert_eq!(log.take(letter.clone(), &team.draft), Ok(Taken::Known));
    let mut elsewhere = Log::new(team.draft.id(), Session::id(1));
    assert_eq!(elsewhere.take(letter.clone(), &team.draft), Err(LetterError::Session));
    let other = Team::new(Purpose::Seal, 3, 4);
    let mut elsewhere = Log::new(other.draft.id(), id);
    assert_eq!(elsewhere.take(letter.clone(), &other.draft), Err(LetterError::Group));
    // Member 2 writes in member 1's name.
    let writer = (&team.draft, team.identity(index(2)));
    let forged = Letter::write(writer, *letter.heading(), vec![], &[], &mut rng(1)).unwrap();
    assert_eq!(fresh().take(forged, &team.draft), Err(LetterError::Signature(index(1))));
}

/// A part moved to another letter does not open.
#[test]
fn parts_do_not_travel() {
    let team = Team::new(Purpose::Seal, 2, 3);
    let heading = |step, session: u8| Heading {
        group: team.draft.id(),
        session: Session::id(session),
        step,
        from: index(1),
        before: crate::Hash::from_bytes([0; 32]),
    };
    let part: BTreeMap<Index, Zeroizing<Vec<u8>>> = [(index(2), Zeroizing::new(b"secret".to_vec()))].into();
    let letter = team.write(heading(Step::Shares, 1), vec![], part);
    assert_eq!(letter.part(index(2), team.identity(index(2))).as_deref(), Some(&b"secret".to_vec()));
    assert!(letter.part(index(2), team.identity(index(3))).is_none());
    for moved in [heading(Step::Renewed, 1), heading(Step::Shares, 2)] {
        assert!(letter.moved(moved).part(index(2), team.identity(index(2))).is_none());
    }
}

#[test]
fn a_log_reads_back_and_bounds_what_it_reads() {
    let team = Team::new(Purpose::Seal, 2, 2);
    let mut session = Session::new(&team, crate::dkg::session(&team.draft), 1);
    session.run(&team, honest, crate::dkg::advance);
    let log = &session.0[&index(1)].log;
    let bytes = log.to_bytes();
    assert_eq!(Log::from_bytes(&bytes).as_ref(), Ok(log));
    for cut in (0..bytes.len()).step_by(97) {
        assert!(Log::from_bytes(&bytes[..cut]).is_err());
    }
    assert!(Letter::from_bytes(&vec![0; crate::MAX_LETTER + 1]).is_err());
}
