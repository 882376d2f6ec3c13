//! Invalid requests, and responses to other requests.

use crate::{effect::Refusal, ledger::LedgerError, rpc::*};
use sotto_mw::error::Rejection;

fn one(text: &str) -> Request {
    match Requests::from_bytes(text.as_bytes()) {
        Ok(Requests::One(request)) => *request,
        other => panic!("{other:?}"),
    }
}

fn code(text: &str) -> Code {
    one(text).call.map_or_else(|fault| fault.code(), |call| panic!("{call:?}"))
}

#[test]
fn requests_are_read() {
    let request =
        one(r#"{"jsonrpc": "2.0", "id": "a", "method": "unspent", "params": {"depth": 3, "index": 7}}"#);
    assert_eq!(request.id, Some(json!("a")));
    assert!(matches!(request.call, Ok(Call::Unspent(Unspent { depth: 3, index: 7 }))));
    let status = one(r#"{"jsonrpc": "2.0", "id": null, "method": "status"}"#);
    assert!(matches!((status.id, status.call), (Some(Value::Null), Ok(Call::Status(_)))));
    let notified = one(r#"{"jsonrpc": "2.0", "method": "stop", "params": {}}"#);
    assert!(matches!((notified.id, notified.call), (None, Ok(Call::Stop(_)))));
    let several = br#"[{"jsonrpc": "2.0", "id": 1, "method": "peers"}, 7]"#;
    let Ok(Requests::Several(all)) = Requests::from_bytes(several) else { panic!("not several") };
    assert!(matches!(all[0].call, Ok(Call::Peers(_))));
    assert!(matches!((&all[1].id, &all[1].call), (Some(Value::Null), Err(Fault::Request(_)))));
}

#[test]
fn an_invalid_request_has_a_code() {
    let parse = |text: &[u8]| Requests::from_bytes(text).map_err(|f| f.code());
    assert_eq!(parse(b"").unwrap_err(), Code::Parse);
    assert_eq!(parse(b"{\"jsonrpc\": \"2.0\"").unwrap_err(), Code::Parse);
    assert_eq!(parse(b"\xff").unwrap_err(), Code::Parse);
    assert_eq!(parse("[".repeat(1_000).as_bytes()).unwrap_err(), Code::Parse);
    assert_eq!(parse(b"[]").unwrap_err(), Code::Request);
    assert_eq!(parse(format!("[{}0]", "0,".repeat(MAX_BATCH)).as_bytes()).unwrap_err(), Code::Request);
    assert_eq!(parse(&vec![b' '; MAX_REQUEST + 1]).unwrap_err(), Code::Request);
    assert_eq!(code("7"), Code::Request);
    assert_eq!(code(r#"{"id": 1, "method": "status"}"#), Code::Request);
    assert_eq!(code(r#"{"jsonrpc": 2.0, "id": 1, "method": "status"}"#), Code::Request);
    assert_eq!(code(r#"{"jsonrpc": "2.0", "id": {}, "method": "status"}"#), Code::Request);
    assert_eq!(
        code(&format!(r#"{{"jsonrpc": "2.0", "id": "{:0129}", "method": "status"}}"#, 0)),
        Code::Request
    );
    assert_eq!(code(r#"{"jsonrpc": "2.0", "id": 1, "method": 7}"#), Code::Request);
    for nameless in [r#"{"method": "status"}"#, r#"{"jsonrpc": "2.0"}"#, "{}"] {
        assert_eq!((one(nameless).id, code(nameless)), (Some(Value::Null), Code::Request), "{nameless}");
    }
    for notified in [r#"{"jsonrpc": "2.0", "method": "stat"}"#, r#"{"jsonrpc": "2.0", "method": "block"}"#] {
        assert_eq!(one(notified).id, None, "a notification, although it cannot be executed: {notified}");
    }
    assert_eq!(code(r#"{"jsonrpc": "2.0", "id": 1, "method": "stat"}"#), Code::Method);
    for params in
        ["[1]", "{}", r#"{"height": -1}"#, r#"{"height": "1"}"#, r#"{"height": 1, "more": 1}"#, "null"]
    {
        let text = format!(r#"{{"jsonrpc": "2.0", "id": 1, "method": "block", "params": {params}}}"#);
        assert_eq!(code(&text), Code::Params, "{params}");
    }
}

#[test]
fn every_method_has_its_name() {
    for name in Call::NAMES {
        let call = Call::new(name, json!({ "unknown": "parameter" }));
        assert!(matches!(call, Err(Fault::Params(_))), "{name}");
    }
}

#[test]
fn a_response_answers_one_request() {
    let bytes = |value: Value| value.to_string().into_bytes();
    let good = response(&json!(7), Ok(json!({ "height": 1, "id": null })));
    assert!(read_response::<Submit>(7, &bytes(good)).is_err(), "another type");
    let id = Hex(sotto_mw::hash::Hash::ZERO);
    let good = response(&json!(7), Ok(json!(SubmittedRecord { id })));
    assert_eq!(read_response::<Submit>(7, &bytes(good.clone())), Ok(Ok(SubmittedRecord { id })));
    assert!(read_response::<Submit>(8, &bytes(good)).is_err(), "another request");
    let why = Refusal::Ledger(LedgerError::Refused(Rejection::Unbalanced));
    let bad = response(&json!(7), Err(why.into()));
    assert_eq!(bad["error"]["data"]["rule"], json!("MW-R15"));
    let Ok(Err((code, message))) = read_response::<Submit>(7, &bytes(bad)) else { panic!("no error") };
    assert_eq!(code, Code::Rule as i64);
    assert!(message.starts_with("MW-R15"));
    for none in [json!(null), json!({}), json!({ "jsonrpc": "2.0", "id": 7 }), json!([])] {
        assert!(read_response::<Submit>(7, &bytes(none)).is_err());
    }
}
