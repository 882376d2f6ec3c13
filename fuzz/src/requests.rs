//! What programs on a node's machine send it, and what they take for its answer.

use crate::Verdict;
use serde_json::{Value, json};
use sotto_node::rpc::{Code, Request, Requests, Unspent, read_response, response};

/// The body of a request. What is refused has one of the numbers that are written down, and the answer to it is an answer.
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
        assert!(Code::ALL.contains(&fault.code()), "a fault without a number");
        let answer = response(&id.unwrap_or_default(), Err(fault));
        let read: Value = serde_json::from_str(&answer.to_string()).expect("an answer is JSON");
        assert!(read == answer, "an answer that is read as another");
    }
    Verdict::of(taken)
}

/// A node's answer to a wallet that scans. What is taken means one thing, so written anew it is read as the same.
pub fn node_response(data: &[u8]) -> Verdict {
    let Ok(Ok(record)) = read_response::<Unspent>(7, data) else { return Verdict::Refused };
    let anew = response(&json!(7), Ok(serde_json::to_value(&record).expect("a record is JSON")));
    assert!(read_response::<Unspent>(7, anew.to_string().as_bytes()) == Ok(Ok(record)), "another record");
    Verdict::Accepted
}
