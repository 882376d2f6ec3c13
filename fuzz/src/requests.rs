//! JSON-RPC requests to a node, and its responses.

use crate::Verdict;
use serde_json::{Value, json};
use sotto_node::rpc::{Code, Request, Requests, Unspent, read_response, response};

/// The body of a request. A refused request must have a documented error code and a well-formed response.
pub fn node_request(data: &[u8]) -> Verdict {
    let all = match Requests::from_bytes(data) {
        Ok(Requests::One(one)) => vec![*one],
        Ok(Requests::Several(all)) => all,
        Err(fault) => vec![Request { id: Some(Value::Null), call: Err(fault) }],
    };
    let mut taken = true;
    for Request { id, call } in all {
        let Err(fault) = call else { continue };
        taken = false;
        assert!(Code::ALL.contains(&fault.code()), "a fault without a code");
        let answer = response(&id.unwrap_or_default(), Err(fault));
        let read: Value = serde_json::from_str(&answer.to_string()).expect("a response is JSON");
        assert!(read == answer, "reading does not invert writing");
    }
    Verdict::of(taken)
}

/// A node's response to a scanning wallet. Reading must invert writing.
pub fn node_response(data: &[u8]) -> Verdict {
    let Ok(Ok(record)) = read_response::<Unspent>(7, data) else { return Verdict::Refused };
    let anew = response(&json!(7), Ok(serde_json::to_value(&record).expect("a record is JSON")));
    assert!(read_response::<Unspent>(7, anew.to_string().as_bytes()) == Ok(Ok(record)), "another record");
    Verdict::Accepted
}
