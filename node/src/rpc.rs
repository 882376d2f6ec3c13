//! The protocol between a node and programs on its machine: JSON-RPC 2.0.
//!
//! ```text
//! request  = {"jsonrpc": "2.0", "id": text | number | null, "method": name, "params": {by name}}    | [request, …]
//! response = {"jsonrpc": "2.0", "id": the same, "result": {…}}
//!          | {"jsonrpc": "2.0", "id": the same, "error": {"code": n, "message": "what: what to do", "data": …}}
//! ```
//!
//! Binary values are the ledger's own encodings in hexadecimal ([`Hex`]), so nothing has a second encoding.
//! Heights and counts are numbers. Amounts do not occur, because a node knows none. A request without an id
//! is a notification: it is executed without a response. An invalid request gets a response with the id null.
//! A batch has at most [`MAX_BATCH`] requests.
//!
//! `methods!` is the only table of methods: server, client, fuzz target and the test of `docs/openrpc.json`
//! use it.

mod fault;
mod hex;
mod records;

pub use fault::{Code, Fault};
pub use hex::Hex;
pub use records::*;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

/// Most bytes of a request: a transaction as heavy as a block, in hexadecimal, with some reserve.
pub const MAX_REQUEST: usize = 4 << 20;
/// Most requests of a batch.
pub const MAX_BATCH: usize = 16;
/// Most bytes of an id.
const MAX_ID: usize = 128;

/// A method with its parameters and the type of its result.
pub trait Method: Serialize + DeserializeOwned {
    /// Its name.
    const NAME: &'static str;
    /// The type of its result.
    type Result: Serialize + DeserializeOwned;
}

macro_rules! methods {
    ($($(#[$doc:meta])* $name:literal $Method:ident $({ $($(#[$fdoc:meta])* $field:ident: $ty:ty),* $(,)? })? -> $Result:ty;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub struct $Method { $($($(#[$fdoc])* pub $field: $ty),*)? }

            impl Method for $Method {
                const NAME: &'static str = $name;
                type Result = $Result;
            }
        )*

        /// A method with its parameters.
        #[derive(Clone, Debug)]
        #[allow(missing_docs, reason = "each is the method of its name")]
        #[allow(clippy::large_enum_variant, reason = "one at a time is read, asked and dropped")]
        pub enum Call { $($Method($Method)),* }

        impl Call {
            /// The names of all methods, in the order of the table.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// The method of this name with these parameters.
            ///
            /// # Errors
            /// [`Fault::Method`] if there is none, [`Fault::Params`] if it does not accept these parameters.
            pub fn new(name: &str, params: Value) -> Result<Self, Fault> {
                match name {
                    $($name => serde_json::from_value(params).map(Self::$Method).map_err(|e| Fault::Params(e.to_string())),)*
                    _ => Err(Fault::Method),
                }
            }
        }
    };
}

methods! {
    /// The node's chain. A wallet trusts nothing but the chain id.
    "chain" Chain -> ChainRecord;
    /// The node's status.
    "status" Status -> StatusRecord;
    /// The connected peers.
    "peers" Peers -> PeersRecord;
    /// Submits a transaction. The node sends it along a stem, and does not reveal it before it is fluffed.
    "submit" Submit {
        /// The transaction.
        transaction: Hex<sotto_mw::transaction::Transaction>,
    } -> SubmittedRecord;
    /// Submits a change of the terms that a quorum of the validators signed. It waits for a block, here and at the
    /// node's peers.
    "submit_change" SubmitChange {
        /// The change.
        change: Hex<sotto_mw::terms::SignedChange>,
    } -> ChangeRecord;
    /// The changes of the terms from a block on: as many as exist, up to `most` and to the node's own limit; and those
    /// that wait for a block.
    "terms" Terms {
        /// The first height whose block may have changed them.
        first: u64,
        /// The greatest number.
        most: u32,
    } -> TermsRecord;
    /// Hands over a request of auditors whose delay is over. The node keeps it, and gives it to its peers.
    "open_request" OpenRequest {
        /// The request, with its charter.
        request: Hex<sotto_audit::OpenedRequest>,
    } -> KeptRecord;
    /// The requests that auditors handed out, in the order of their notices, after a place: as many as exist, up to the
    /// node's own limit.
    "opened_requests" OpenedRequests {
        /// The height of the notice after which.
        height: u64,
        /// The name of the request after which, at that height.
        name: Hex<sotto_mw::hash::Hash>,
    } -> OpenedRecord;
    /// The block at a height, if it exists and its body was not pruned.
    "block" Block {
        /// The height.
        height: u64,
    } -> BlockRecord;
    /// The header and seal at a height.
    "header" Header {
        /// The height.
        height: u64,
    } -> HeaderRecord;
    /// Headers and seals from a height on: as many as exist, up to `most` and to the node's own limit.
    "headers" Headers {
        /// The first height.
        first: u64,
        /// The greatest number.
        most: u32,
    } -> HeadersRecord;
    /// An unspent output, with a proof of its presence or absence.
    "output" Output {
        /// Its commitment.
        commitment: Hex<sotto_mw::commitment::Commitment>,
    } -> OutputRecord;
    /// The last kernel with an excess, with a proof that it is in the chain.
    "kernel" Kernel {
        /// The excess.
        excess: Hex<sotto_mw::kernel::Excess>,
    } -> KernelRecord;
    /// The data for a scan of all unspent outputs under a prefix of their keys, with a proof that they are
    /// complete.
    "unspent" Unspent {
        /// Bits of the prefix, up to 32.
        depth: u8,
        /// The prefix as a number.
        index: u32,
    } -> UnspentRecord;
    /// Stops the node gracefully.
    "stop" Stop -> StoppedRecord;
}

/// A request with its id, or the fault in it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The id for the response; `None` for a notification.
    pub id: Option<Value>,
    /// The method, or why the request is invalid.
    pub call: Result<Call, Fault>,
}

/// The requests of one body.
#[derive(Clone, Debug)]
pub enum Requests {
    /// One request.
    One(Box<Request>),
    /// A batch, whose responses are sent together.
    Several(Vec<Request>),
}

impl Requests {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Fault::Parse`] or [`Fault::Request`] if it is not a request at all, so that no id is known.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        if bytes.len() > MAX_REQUEST {
            return Err(Fault::Request("it is too long"));
        }
        match serde_json::from_slice(bytes).map_err(|e| Fault::Parse(e.to_string()))? {
            Value::Array(all) if all.is_empty() => Err(Fault::Request("the batch is empty")),
            Value::Array(all) if all.len() > MAX_BATCH => {
                Err(Fault::Request("the batch has too many requests"))
            }
            Value::Array(all) => Ok(Self::Several(all.into_iter().map(Request::of).collect())),
            one => Ok(Self::One(Box::new(Request::of(one)))),
        }
    }
}

impl Request {
    fn of(value: Value) -> Self {
        let NamedCall { id, call } = NamedCall::of(value);
        Self { id, call: call.and_then(|(method, params)| Call::new(&method, Value::Object(params))) }
    }
}

/// A request to any server: its envelope is read, and its method is not known yet.
#[derive(Clone, Debug)]
pub struct NamedCall {
    /// The id for the response; `None` for a notification.
    pub id: Option<Value>,
    /// The method's name and the parameters, or why the request is invalid.
    pub call: Result<(String, Map<String, Value>), Fault>,
}

impl NamedCall {
    /// Reads one request.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        match serde_json::from_slice(bytes) {
            Ok(value) => Self::of(value),
            Err(e) => Self::refused(Fault::Parse(e.to_string())),
        }
    }

    fn of(value: Value) -> Self {
        let Value::Object(mut fields) = value else {
            return Self::refused(Fault::Request("it is not an object"));
        };
        let id = fields.remove("id");
        let known = id.as_ref().is_none_or(|id| match id {
            Value::String(text) => text.len() <= MAX_ID,
            Value::Number(_) | Value::Null => true,
            _ => false,
        });
        if !known {
            return Self::refused(Fault::Request("its id is neither a short text nor a number"));
        }
        let call = named_call(fields);
        // A valid request without an id is a notification. An invalid one is not, and gets a response.
        let id = if matches!(call, Err(Fault::Request(_))) { id.or(Some(Value::Null)) } else { id };
        Self { id, call }
    }

    fn refused(why: Fault) -> Self {
        Self { id: Some(Value::Null), call: Err(why) }
    }
}

fn named_call(mut fields: Map<String, Value>) -> Result<(String, Map<String, Value>), Fault> {
    if fields.remove("jsonrpc") != Some(json!("2.0")) {
        return Err(Fault::Request("it is not JSON-RPC 2.0"));
    }
    let Some(Value::String(method)) = fields.remove("method") else {
        return Err(Fault::Request("it has no method"));
    };
    match fields.remove("params") {
        None => Ok((method, Map::new())),
        Some(Value::Object(params)) => Ok((method, params)),
        Some(_) => Err(Fault::Params("parameters must be passed by name".to_owned())),
    }
}

/// The bytes of a request.
#[must_use]
pub fn request<M: Method>(id: u64, method: &M) -> Vec<u8> {
    json!({ "jsonrpc": "2.0", "id": id, "method": M::NAME, "params": method }).to_string().into_bytes()
}

/// A response.
#[must_use]
pub fn response(id: &Value, outcome: Result<Value, Fault>) -> Value {
    match outcome {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(fault) => {
            let mut error = json!({ "code": fault.code() as i64, "message": fault.to_string() });
            if let (Some(rule), Some(error)) = (fault.rule(), error.as_object_mut()) {
                error.insert("data".to_owned(), json!({ "rule": rule }));
            }
            json!({ "jsonrpc": "2.0", "id": id, "error": error })
        }
    }
}

/// Reads a response: a result, or an error's code and message.
///
/// # Errors
/// [`Fault::Parse`] or [`Fault::Request`] if it is not a response to the request with this id.
pub fn read_response<M: Method>(id: u64, bytes: &[u8]) -> Result<Result<M::Result, (i64, String)>, Fault> {
    #[derive(Deserialize)]
    struct Error {
        code: i64,
        message: String,
    }
    #[derive(Deserialize)]
    struct Response {
        jsonrpc: String,
        id: Option<u64>,
        result: Option<Value>,
        error: Option<Error>,
    }
    let parse = |e: serde_json::Error| Fault::Parse(e.to_string());
    let Response { jsonrpc, id: found, result, error } = serde_json::from_slice(bytes).map_err(parse)?;
    match (result, error) {
        // No id: the server could not read the request.
        (None, Some(e)) if jsonrpc == "2.0" && found.is_none_or(|found| found == id) => {
            Ok(Err((e.code, e.message)))
        }
        (Some(result), None) if jsonrpc == "2.0" && found == Some(id) => {
            serde_json::from_value(result).map(Ok).map_err(parse)
        }
        _ => Err(Fault::Request("the response is for another request")),
    }
}

#[cfg(test)]
mod tests;
