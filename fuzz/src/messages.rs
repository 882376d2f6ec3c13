//! A peer's messages to a node: one message per frame, bounded before anything is allocated. And evidence against
//! validators in a file, which people hand each other.

use crate::{Verdict, ledger::canonical, stores::checked};
use sotto_node::{consensus::Accounts, ledger::equivocations::Equivocations, message::Message};

/// A message.
pub fn node_message(data: &[u8]) -> Verdict {
    canonical::<Message>(data)
}

/// A file of evidence, whose checksum is corrected first.
pub fn node_equivocations(data: &[u8]) -> Verdict {
    let bytes = checked("sotto/node-equivocations/v1", &[], data);
    let Ok((chain, kept)) = Equivocations::from_file(&bytes) else { return Verdict::Refused };
    assert!(kept.to_file(&chain) == bytes, "two files of the same evidence");
    assert!(kept.all().iter().all(|evidence| evidence.holds(&chain)), "evidence that does not hold");
    Verdict::Accepted
}

/// A file of validators' accounts of their votes, whose checksum is corrected first.
pub fn node_accounts(data: &[u8]) -> Verdict {
    let bytes = checked("sotto/node-accounts/v1", &[], data);
    let Ok((chain, accounts)) = Accounts::from_file(&bytes) else { return Verdict::Refused };
    assert!(accounts.to_file(&chain) == bytes, "two files of the same accounts");
    for account in accounts.all().map(|signed| &signed.account) {
        let needed = account.polkas_needed();
        assert!(!needed.is_empty() || account.breach().is_none(), "nothing was needed and it is missing");
    }
    Verdict::Accepted
}
