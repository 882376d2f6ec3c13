//! A peer's messages to a node: one message per frame, bounded before anything is allocated. And evidence against
//! validators in a file, which people hand each other; requests of auditors in a file; and what members of a group say to
//! each other and keep.

use crate::{Verdict, fixtures::chain::world, ledger::canonical, stores::checked};
use sotto_node::{
    consensus::Accounts,
    council::{Said, VoteRecord},
    ledger::{equivocations::Equivocations, opened::OpenedRequests},
    message::{Message, opened::OpenedPlace},
};
use std::collections::BTreeMap;

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

/// A file of requests that auditors handed out, whose checksum is corrected first.
pub fn node_opened(data: &[u8]) -> Verdict {
    let bytes = checked("sotto/node-requests/v1", &[], data);
    let Ok((chain, kept)) = OpenedRequests::from_file(&bytes) else { return Verdict::Refused };
    let all = kept.after(OpenedPlace::FIRST, usize::MAX);
    assert!(all.len() == kept.len() && all.len() <= OpenedRequests::MAX, "a request that no peer asks for");
    let places: BTreeMap<_, _> =
        all.iter().map(|at| (at.request.letter.request().name(&chain), at.height)).collect();
    assert!(places.len() == all.len(), "a request twice");
    assert!(all.is_sorted_by_key(|at| at.height), "requests out of order");
    Verdict::Accepted
}

/// What a member of a group that seals or votes says to another.
pub fn node_council(data: &[u8]) -> Verdict {
    let Some(said) = Said::from_bytes(data) else { return Verdict::Refused };
    assert!(said.to_bytes() == data, "two encodings of one message");
    Verdict::Accepted
}

/// The file of what a member's share said as a validator's, whose checksum is corrected first.
pub fn node_group_votes(data: &[u8]) -> Verdict {
    let bytes = checked("sotto/node-group-votes/v1", &[], data);
    let chain = world().test_chain.chain().id();
    let Ok(record) = VoteRecord::from_file(chain, &bytes) else { return Verdict::Refused };
    // Files of the version before had the last statement alone.
    let present =
        if bytes[4] == 1 { VoteRecord::from_file(chain, &record.to_file()) } else { Ok(record.clone()) };
    assert!(present == Ok(record.clone()), "what was read is kept");
    assert!(bytes[4] == 1 || record.to_file() == bytes, "two files of one record");
    Verdict::Accepted
}
