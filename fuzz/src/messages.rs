//! A peer's messages to a node: one message per frame, bounded before anything is allocated.

use crate::{Verdict, ledger::canonical};
use sotto_node::message::Message;

/// A message.
pub fn node_message(data: &[u8]) -> Verdict {
    canonical::<Message>(data)
}
