//! The failures of asking a node, with exit codes that tell whether the node was reached.

use crate::exit::{Code, Failure};
use sotto_node::edge::{client::ClientError, light::LightError, rpc::TokenError};

/// The failure of a request to a node; its exit code tells whether the node was reached.
pub(crate) fn node_failure(what: &str, e: &ClientError) -> Failure {
    let code = match e {
        ClientError::Unreachable { .. }
        | ClientError::Broken { .. }
        | ClientError::Token(TokenError::Absent { .. }) => Code::Unreachable,
        _ => Code::Refused,
    };
    Failure::new(code, what).why(e)
}

/// The same for a chain that is read through a node.
pub(crate) fn chain_failure(what: &str, e: &LightError) -> Failure {
    match e {
        LightError::Client(e) => node_failure(what, e),
        _ => Failure::refused(what).why(e),
    }
}
