//! The one speaker that a member answers: one member at a time asks for what the group says. This is for progress:
//! safety rests on the record of votes alone.
//!
//! ```text
//! a member joins a session of S            answers S alone, until S has asked for nothing for PATIENCE,
//!                                          or the height has gone on under S for a term and another asks
//! term = max(TERM, an eighth of the time since the height began)
//! ```
//!
//! What two speakers ask for at one time can bind some members to one statement and some to another, and neither is signed
//! then. So a member is taken when it joins, before its share is bound. A term ends because a liar could ask for ever;
//! it grows because the rounds of a height do.

use core::time::Duration;
use sotto_keys::Index;

/// For how long a member answers no other speaker than the one that it joined last.
const PATIENCE: Duration = Duration::from_secs(10);
/// For how long a height may go on under one speaker while another asks.
const TERM: Duration = Duration::from_secs(20);

/// The speaker that a member answers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Speaker {
    now: Option<Speaking>,
    /// When the height began.
    began: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Speaking {
    who: Index,
    since: Duration,
    last: Duration,
}

impl Speaker {
    /// A height begins, and a new term of the same speaker.
    pub(super) fn begin(&mut self, now: Duration) {
        self.began = now;
        if let Some(speaking) = &mut self.now {
            speaking.since = now;
        }
    }

    /// Whether another than this one is answered now.
    pub(super) fn is_other(&self, now: Duration, than: Index) -> bool {
        let term = TERM.max(now.saturating_sub(self.began) / 8);
        let holds = |s: &Speaking| now < s.last + PATIENCE && now < s.since + term;
        self.now.as_ref().is_some_and(|s| s.who != than && holds(s))
    }

    /// This one is answered.
    pub(super) fn joined(&mut self, now: Duration, who: Index) {
        let since = self.now.filter(|s| s.who == who).map_or(now, |s| s.since);
        self.now = Some(Speaking { who, since, last: now });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speaker_is_answered_alone_until_it_falls_silent_or_its_term_ends() {
        let (one, two) = (Index::new(1).unwrap(), Index::new(2).unwrap());
        let s = Duration::from_secs;
        let mut speaker = Speaker::default();
        assert!(!speaker.is_other(s(0), two), "no member speaks yet");
        speaker.joined(s(0), one);
        assert!(speaker.is_other(s(9), two) && !speaker.is_other(s(9), one));
        assert!(!speaker.is_other(s(10), two), "silent for ten seconds");
        (0..20).for_each(|at| speaker.joined(s(at), one));
        assert!(speaker.is_other(s(19), two) && !speaker.is_other(s(20), two), "the term is over");
        speaker.joined(s(20), two);
        assert!(speaker.is_other(s(25), one) && !speaker.is_other(s(25), two));
        // A height that ends begins the term anew; one that goes on has longer terms.
        speaker.begin(s(28));
        speaker.joined(s(29), two);
        (30..50).for_each(|at| assert_eq!(speaker.is_other(s(at), one), at < 39, "at {at}"));
        (228..250).for_each(|at| speaker.joined(s(at), one));
        assert!(speaker.is_other(s(250), two), "an eighth of some four minutes");
    }
}
