//! Who may be chosen to sign: members are left out for what they did, or passed over for a while.

use sotto_keys::{Draft, Fault, Index};
use std::collections::BTreeSet;

/// What is known of the other members.
#[derive(Debug, Default)]
pub(super) struct Standing {
    left_out: BTreeSet<Index>,
    /// Who was chosen and did not sign, or answered in two ways: passed over until it is needed, and signs.
    silent: BTreeSet<Index>,
}

impl Standing {
    pub(super) fn is_left_out(&self, member: Index) -> bool {
        self.left_out.contains(&member)
    }

    /// Members of whom the one who asks chooses; if it is `late`, silent ones too.
    pub(super) fn candidates(&self, draft: &Draft, late: bool) -> Vec<Index> {
        let sound: Vec<Index> = draft.indexes().filter(|i| !self.left_out.contains(i)).collect();
        let quick: Vec<Index> = sound.iter().copied().filter(|i| !self.silent.contains(i)).collect();
        if late || quick.len() < usize::from(draft.threshold()) { sound } else { quick }
    }

    /// These members were chosen and did not sign.
    pub(super) fn were_silent(&mut self, members: &[Index]) {
        self.silent.extend(members);
    }

    /// These members signed.
    pub(super) fn have_signed(&mut self, members: &[Index]) {
        self.silent.retain(|silent| !members.contains(silent));
    }

    /// A round that `by` asked for has failed: who is at fault, and whether that is proven.
    ///
    /// Answers that contradict each other may be those of before and after a crash, and an answer to another choice
    /// that of a member to whom another one was shown.
    pub(super) fn failed(&mut self, fault: Fault, by: Index) -> Option<(Index, bool)> {
        let (member, proven) = match fault {
            Fault::Equivocation(member) => (member, member == by),
            Fault::Differs { member, .. } => (member, false),
            _ => (fault.member()?, true),
        };
        let these = if proven { &mut self.left_out } else { &mut self.silent };
        these.insert(member);
        Some((member, proven))
    }
}
