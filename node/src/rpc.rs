//! What programs on this machine say to a node: JSON-RPC 2.0.
//!
//! ```text
//! request  = {"jsonrpc": "2.0", "id": text | number | null, "method": name, "params": {by name}}    | [request, …]
//! response = {"jsonrpc": "2.0", "id": the same, "result": {…}}
//!          | {"jsonrpc": "2.0", "id": the same, "error": {"code": n, "message": "what: what to do", "data": …}}
//! ```
//!
//! Bytes are hexadecimal ([`Hex`]) of the ledger's own encodings, so nothing has a second form; heights and counts are numbers;
//! amounts do not occur, since no node knows any. A request without an id is a notification: it is carried out and not
//! answered; what is no request is answered under the id null. At most [`MAX_BATCH`] requests come together.
//!
//! `methods!` is the one table of methods: server, client, fuzz target and the test of `docs/openrpc.json` go by it.

mod fault;
mod hex;
mod records;

pub use fault::{Code, Fault};
pub use hex::Hex;
pub use records::*;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

/// Most bytes of a request: a transaction as heavy as a block, as hexadecimal, with room to spare.
pub const MAX_REQUEST: usize = 4 << 20;
/// Most requests that may come together.
pub const MAX_BATCH: usize = 16;
/// Most bytes of an id.
const MAX_ID: usize = 128;

/// A method: what it takes, and what it gives.
pub trait Method: Serialize + DeserializeOwned {
    /// Its name.
    const NAME: &'static str;
    /// What it gives.
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

        /// A method with what it was given.
        #[derive(Clone, Debug)]
        #[allow(missing_docs, reason = "each is the method of its name")]
        pub enum Call { $($Method($Method)),* }

        impl Call {
            /// The names of all methods, in the order of the table.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// The method of this name with these parameters.
            ///
            /// # Errors
            /// [`Fault::Method`] when there is none, [`Fault::Params`] when it does not take these.
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
    /// Which chain the node keeps. All trust of a wallet is in the id.
    "chain" Chain -> ChainRecord;
    /// How the node is.
    "status" Status -> StatusRecord;
    /// Who is connected.
    "peers" Peers -> PeersRecord;
    /// Hands in a transaction: it is whispered on, and told of nowhere until it is told to all.
    "submit" Submit {
        /// The transaction.
        transaction: Hex<sotto_mw::transaction::Transaction>,
    } -> SubmittedRecord;
    /// The block at a height, unless there is none or its body was pruned.
    "block" Block {
        /// The height.
        height: u64,
    } -> BlockRecord;
    /// The header and seal at a height.
    "header" Header {
        /// The height.
        height: u64,
    } -> HeaderRecord;
    /// Headers and seals from a height on, as many as there are, are asked for, and are given at a time.
    "headers" Headers {
        /// The first height.
        first: u64,
        /// How many at most.
        most: u32,
    } -> HeadersRecord;
    /// An unspent output, and the proof that it is there, or that it is not.
    "output" Output {
        /// Its name.
        commitment: Hex<sotto_mw::commitment::Commitment>,
    } -> OutputRecord;
    /// The last kernel with an excess, and the proof that the chain has it.
    "kernel" Kernel {
        /// The excess.
        excess: Hex<sotto_mw::kernel::Excess>,
    } -> KernelRecord;
    /// What a scan needs of all unspent outputs under a prefix of their keys, and the proof that they are all.
    "unspent" Unspent {
        /// Bits of the prefix, up to 32.
        depth: u8,
        /// The prefix as a number.
        index: u32,
    } -> UnspentRecord;
    /// Stops the node, gracefully.
    "stop" Stop -> StoppedRecord;
}

/// A request that can be answered: who asks, and what, or why it is nothing that can be asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// What the answer carries; `None` when none is wanted.
    pub id: Option<Value>,
    /// What is asked.
    pub call: Result<Call, Fault>,
}

/// What came in one body.
#[derive(Clone, Debug)]
pub enum Requests {
    /// One request.
    One(Box<Request>),
    /// Several, whose answers go back together.
    Several(Vec<Request>),
}

impl Requests {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Fault::Parse`] and [`Fault::Request`] when it is no request at all, so that no id is known.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        if bytes.len() > MAX_REQUEST {
            return Err(Fault::Request("it is too long"));
        }
        match serde_json::from_slice(bytes).map_err(|e| Fault::Parse(e.to_string()))? {
            Value::Array(all) if all.is_empty() => Err(Fault::Request("it asks for nothing")),
            Value::Array(all) if all.len() > MAX_BATCH => Err(Fault::Request("it asks for too much at once")),
            Value::Array(all) => Ok(Self::Several(all.into_iter().map(Request::of).collect())),
            one => Ok(Self::One(Box::new(Request::of(one)))),
        }
    }
}

impl Request {
    fn of(value: Value) -> Self {
        let Value::Object(mut fields) = value else {
            return Self { id: Some(Value::Null), call: Err(Fault::Request("it is no object")) };
        };
        let id = fields.remove("id");
        let known = id.as_ref().is_none_or(|id| match id {
            Value::String(text) => text.len() <= MAX_ID,
            Value::Number(_) | Value::Null => true,
            _ => false,
        });
        if !known {
            let why = Fault::Request("its id is no short text and no number");
            return Self { id: Some(Value::Null), call: Err(why) };
        }
        let call = call(fields);
        // Without an id a request is a notification; what is no request is none, and is answered.
        let id = if matches!(call, Err(Fault::Request(_))) { id.or(Some(Value::Null)) } else { id };
        Self { id, call }
    }
}

fn call(mut fields: Map<String, Value>) -> Result<Call, Fault> {
    if fields.remove("jsonrpc") != Some(json!("2.0")) {
        return Err(Fault::Request("it is not JSON-RPC 2.0"));
    }
    let Some(Value::String(method)) = fields.remove("method") else {
        return Err(Fault::Request("it names no method"));
    };
    match fields.remove("params") {
        None => Call::new(&method, json!({})),
        Some(params @ Value::Object(_)) => Call::new(&method, params),
        Some(_) => Err(Fault::Params("parameters go by name".to_owned())),
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

/// What a server answered: a result, or an error's code and message.
///
/// # Errors
/// [`Fault::Parse`] when it is no response to the request with this id.
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
        // Without an id: the server could not even read the request.
        (None, Some(e)) if jsonrpc == "2.0" && found.is_none_or(|found| found == id) => {
            Ok(Err((e.code, e.message)))
        }
        (Some(result), None) if jsonrpc == "2.0" && found == Some(id) => {
            serde_json::from_value(result).map(Ok).map_err(parse)
        }
        _ => Err(Fault::Request("it is no response to what was asked")),
    }
}

#[cfg(test)]
mod tests;
