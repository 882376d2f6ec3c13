//! The failures of asking a node, with exit codes that tell whether the node was reached.

use crate::exit::Failure;
use sotto_node::edge::{client::ClientError, light::LightError};

/// The failure of a request to a node; its exit code tells whether the node was reached.
pub(crate) fn node_failure(what: &str, e: &ClientError) -> Failure {
    Failure::refused(what).cause(e)
}

/// The same for a chain that is read through a node.
pub(crate) fn chain_failure(what: &str, e: &LightError) -> Failure {
    Failure::refused(what).cause(e)
}
