//! The JSON-RPC of a listening wallet, for a shop on this machine: invoices, payments, address, balance.
//!
//! A pure function of wallet and request. [`METHODS`] is the only table of methods: the server, the document
//! that `rpc.discover` returns, and the test of `docs/openrpc-wallet.json` read it. Nothing here spends: a
//! program with the token can make invoices and see what the wallet holds and received.

use super::super::slates::memo;
use crate::{
    amounts::base_units,
    bridge::hex,
    exit::{Failure, OrRefuse as _, Outcome},
};
use rand_core::{CryptoRng, RngCore};
use serde_json::{Map, Value, json};
use sotto_mw::session::Role;
use sotto_node::rpc::{self, NamedCall};
use sotto_wallet::{
    InvoiceRequest, SessionView, Wallet,
    encrypt::Privacy,
    keys::Account,
    sessions::{SessionStatus, TxStatus},
    store::Store,
};

/// Most payments in a response.
const MOST: usize = 1_000;

/// A parameter or a field of a result: its name, the JSON type, what it is; a trailing `?` marks what can be
/// absent or null.
pub(crate) type Field = (&'static str, &'static str, &'static str);

/// A method.
pub(crate) struct Method {
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) params: &'static [Field],
    pub(crate) result: &'static [Field],
}

const PAYMENT: &[Field] = &[
    ("session", "string", "The payment's identifier: 64 hexadecimal digits."),
    ("role", "string", "`receive` or `invoice`, or `send` or `pay` for what this wallet pays."),
    ("amount", "string", "Base units."),
    (
        "status",
        "string",
        "`open`, `held`, `answered`, `waiting` for a block, `confirmed`, `displaced`, `failed`, `cancelled`, `expired`, `dismissed` or `ending`.",
    ),
    ("height", "integer?", "The height of the block that it is in."),
    ("with", "string?", "The other side's address."),
    ("memo", "string", "The line that came with it."),
    ("not_after", "integer", "The last height at which it can enter a block."),
];

/// All methods.
pub(crate) const METHODS: &[Method] = &[
    Method {
        name: "address",
        summary: "The address of the account, and where the wallet listens.",
        params: &[],
        result: &[
            ("network", "string", "`main`, `test` or `solo`."),
            ("address", "string", "The account's address."),
            ("listener", "string", "What payers pass with --to-listener."),
        ],
    },
    Method {
        name: "balance",
        summary: "What the account holds, in base units.",
        params: &[],
        result: &[
            ("height", "integer", "The block after which this holds."),
            ("spendable", "string", "Can be spent now."),
            ("immature", "string", "Rewards that cannot be spent yet."),
            ("pending", "string", "Incoming, in no block yet."),
            ("locked", "string", "In open payments of this wallet."),
            ("total", "string", "All but `pending`."),
        ],
    },
    Method {
        name: "invoice",
        summary: "Creates an invoice. The payer's answer is taken by the listener.",
        params: &[
            ("amount", "string", "Base units, without the fee, which the payer adds."),
            ("memo", "string?", "A line for the payer, such as the number of an order."),
            (
                "payer",
                "string?",
                "The payer's address or contact name; without it, anyone who has the invoice can pay.",
            ),
        ],
        result: &[
            ("session", "string", "The payment's identifier, for `payment`."),
            ("amount", "string", "Base units."),
            ("not_after", "integer", "The last height at which it can be paid."),
            ("text", "string", "The invoice, for `sotto wallet pay`."),
        ],
    },
    Method {
        name: "payments",
        summary: "The payments of the account, at most 1,000 of them.",
        params: &[("open", "boolean?", "Only those that can still confirm.")],
        result: &[
            ("payments", "array", "Each as the result of `payment`."),
            ("more", "boolean", "Whether there are more than are listed."),
        ],
    },
    Method {
        name: "payment",
        summary: "One payment.",
        params: &[("session", "string", "Its identifier.")],
        result: PAYMENT,
    },
];

/// The OpenRPC document, made from the table; the method `rpc.discover` returns it.
fn document() -> Value {
    let schema = |kind: &str, what: &str| {
        let base = kind.trim_end_matches('?');
        let kind = if kind.ends_with('?') { json!([base, "null"]) } else { json!(base) };
        json!({ "type": kind, "description": what })
    };
    let methods = METHODS.iter().map(|m| {
        let params = m.params.iter().map(|(name, kind, what)| {
            json!({ "name": name, "required": !kind.ends_with('?'), "schema": schema(kind, what) })
        });
        let properties: Map<String, Value> =
            m.result.iter().map(|(name, kind, what)| ((*name).to_owned(), schema(kind, what))).collect();
        let required: Vec<&str> = m.result.iter().map(|(name, ..)| *name).collect();
        json!({
            "name": m.name, "summary": m.summary, "paramStructure": "by-name",
            "params": params.collect::<Vec<_>>(),
            "result": { "name": m.name, "schema": {
                "type": "object", "properties": properties, "required": required,
                "additionalProperties": false,
            } },
        })
    });
    json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "sotto wallet listen", "version": "1",
            "description": "JSON-RPC 2.0 over HTTP/1.1 on loopback, while `sotto wallet listen` runs: POST / with Content-Type: application/json and Authorization: Bearer TOKEN. The files rpc.url and rpc.token in DIR/listen/NAME hold the address and the token. No batches. Amounts are base units as decimal strings. An error with code 1 is a refusal of the wallet, and its data one of the codes in docs/FORMATS.md.",
        },
        "methods": methods.collect::<Vec<_>>(),
    })
}

/// What the methods need beside the wallet.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) account: Account,
    pub(crate) listener: String,
}

/// Why a call failed: a code of JSON-RPC 2.0, or 1 if the wallet refused.
struct Fault {
    code: i64,
    message: String,
    /// The code of [`crate::exit::ErrorCode`].
    data: Option<&'static str>,
}

impl Fault {
    fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }
}

impl From<Failure> for Fault {
    fn from(f: Failure) -> Self {
        let why = f.why.map_or_else(String::new, |why| format!(": {why}"));
        Self { code: 1, message: f.what + &why, data: Some(f.error.as_str()) }
    }
}

impl From<rpc::Fault> for Fault {
    fn from(fault: rpc::Fault) -> Self {
        let message = match &fault {
            rpc::Fault::Parse(why) => format!("invalid JSON ({why})"),
            rpc::Fault::Request(why) => format!("invalid request, {why}"),
            rpc::Fault::Params(why) => format!("invalid parameters ({why})"),
            other => other.to_string(),
        };
        Self::new(fault.code() as i64, message)
    }
}

/// The response to a request; `None` for a notification.
pub(crate) fn respond<S: Store>(
    wallet: &mut Wallet<S>,
    service: &Service,
    body: &[u8],
    rng: &mut (impl RngCore + CryptoRng),
) -> Option<Value> {
    let NamedCall { id, call: named } = NamedCall::from_bytes(body);
    let outcome =
        named.map_err(Fault::from).and_then(|(name, params)| call(wallet, service, (&name, params), rng));
    id.map(|id| match outcome {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(Fault { code, message, data }) => {
            let error = json!({ "code": code, "message": message, "data": data });
            json!({ "jsonrpc": "2.0", "id": id, "error": error })
        }
    })
}

fn call<S: Store>(
    wallet: &mut Wallet<S>,
    service: &Service,
    (name, params): (&str, Map<String, Value>),
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Value, Fault> {
    if name == "rpc.discover" {
        return Ok(document());
    }
    let method = METHODS.iter().find(|m| m.name == name);
    let method = method.ok_or_else(|| Fault::new(-32601, format!("unknown method `{name}`")))?;
    check(method, &params)?;
    let text = |name: &str| params.get(name).and_then(Value::as_str);
    Ok(match name {
        "address" => address(wallet, service)?,
        "balance" => balance(wallet, service),
        "invoice" => {
            let order = Order { amount: text("amount"), memo: text("memo"), payer: text("payer") };
            invoice(wallet, service, &order, rng)?
        }
        "payments" => payments(wallet, service, params.get("open") == Some(&Value::Bool(true))),
        _ => payment(wallet, text("session").unwrap_or_default())?,
    })
}

/// Parameters are known, each of its type, and all that are required are there.
fn check(method: &Method, given: &Map<String, Value>) -> Result<(), Fault> {
    let fault = |why: String| Fault::new(-32602, why);
    for (name, value) in given {
        let known = method.params.iter().find(|(known, ..)| known == name);
        let (_, kind, _) = known.ok_or_else(|| fault(format!("unknown parameter `{name}`")))?;
        if !is_a(value, kind) {
            return Err(fault(format!("`{name}` has to be a {}", kind.trim_end_matches('?'))));
        }
    }
    for (name, kind, _) in method.params {
        if !kind.ends_with('?') && !given.contains_key(*name) {
            return Err(fault(format!("`{name}` is missing")));
        }
    }
    Ok(())
}

/// Whether a value has a type of the table.
fn is_a(value: &Value, kind: &str) -> bool {
    match kind.trim_end_matches('?') {
        _ if value.is_null() => kind.ends_with('?'),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64(),
        "array" => value.is_array(),
        _ => false,
    }
}

fn address<S: Store>(wallet: &Wallet<S>, service: &Service) -> Outcome<Value> {
    let address = wallet.address(service.account).or_refuse("cannot derive the address of the account")?;
    let network = wallet.chain().params().network.to_string();
    Ok(json!({ "network": network, "address": address.to_string(), "listener": service.listener }))
}

fn balance<S: Store>(wallet: &Wallet<S>, service: &Service) -> Value {
    let b = wallet.balance(Some(service.account));
    json!({
        "height": wallet.tip().get(), "spendable": b.spendable.to_string(), "immature": b.immature.to_string(),
        "pending": b.pending.to_string(), "locked": b.locked.to_string(), "total": b.total().to_string(),
    })
}

/// What a shop asks for.
struct Order<'a> {
    amount: Option<&'a str>,
    memo: Option<&'a str>,
    payer: Option<&'a str>,
}

fn invoice<S: Store>(
    wallet: &mut Wallet<S>,
    service: &Service,
    order: &Order<'_>,
    rng: &mut (impl RngCore + CryptoRng),
) -> Outcome<Value> {
    let network = wallet.chain().params().network;
    let amount = base_units(order.amount.unwrap_or_default())?;
    let payer = order.payer.map(|payer| wallet.contacts().resolve(payer, network)).transpose();
    let payer = payer.or_refuse("invalid payer")?;
    let request = InvoiceRequest {
        amount,
        payer,
        inputs: InvoiceRequest::INPUTS,
        memo: memo(order.memo.unwrap_or_default())?,
    };
    let invoice =
        wallet.create_invoice(service.account, request, rng).or_refuse("cannot create the invoice")?;
    let privacy = if payer.is_some() { Privacy::Encrypted } else { Privacy::Plain };
    let text = wallet.write_message(service.account, payer.as_ref(), &invoice, privacy);
    let text = text.or_refuse("cannot write the invoice")?;
    Ok(json!({
        "session": hex(&invoice.session.0), "amount": invoice.amount.to_string(),
        "not_after": invoice.not_after().get(), "text": text,
    }))
}

fn payments<S: Store>(wallet: &Wallet<S>, service: &Service, open: bool) -> Value {
    let ours = wallet.sessions().filter(|s| s.account() == service.account && (!open || s.is_open()));
    let mut all: Vec<Value> = ours.take(MOST + 1).map(|s| shown(&s)).collect();
    let more = all.len() > MOST;
    all.truncate(MOST);
    json!({ "payments": all, "more": more })
}

fn payment<S: Store>(wallet: &Wallet<S>, session: &str) -> Result<Value, Fault> {
    let found = wallet.sessions().find(|s| hex(&s.session().0) == session.to_ascii_lowercase());
    let unknown = || Fault { data: Some("no-session"), ..Fault::new(1, "no payment has this session") };
    found.map(|s| shown(&s)).ok_or_else(unknown)
}

fn shown(s: &SessionView<'_>) -> Value {
    let role = match (s.role(), s.is_payer()) {
        (Role::Inviter, true) => "send",
        (Role::Responder, false) => "receive",
        (Role::Inviter, false) => "invoice",
        (Role::Responder, true) => "pay",
    };
    let status = s.status();
    let height = match status {
        SessionStatus::Signed(TxStatus::Confirmed { height }) => Some(height.get()),
        _ => None,
    };
    json!({
        "session": hex(&s.session().0), "role": role, "amount": s.amount().to_string(), "status": status.to_string(),
        "height": height, "with": s.counterparty().map(ToString::to_string), "memo": s.memo().as_str(),
        "not_after": s.not_after().get(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::OsRng;
    use sotto_wallet::{Installation, MemoryChain, MemoryStore, Words};

    fn wallet() -> (Wallet<MemoryStore>, Service) {
        let chain = MemoryChain::solo(&mut OsRng).unwrap();
        let words = Words::generate(&mut OsRng).unwrap();
        let installation = Installation::in_memory([1; 32]);
        let wallet =
            Wallet::create(MemoryStore::default(), chain.chain().clone(), words, installation).unwrap();
        (wallet, Service { account: Account(0), listener: "KEY@HOST:1".to_owned() })
    }

    #[test]
    fn the_document_describes_the_methods() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openrpc-wallet.json");
        let written: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let expected = document();
        assert_eq!(written, expected, "the document should be:\n{expected:#}");
    }

    /// Every method is called, and its result has exactly the fields of the table.
    #[test]
    fn results_have_the_fields_of_the_table() {
        let (mut wallet, service) = wallet();
        let mut ask = |name: &str, params: Value| {
            let request = json!({ "jsonrpc": "2.0", "id": 7, "method": name, "params": params });
            let response =
                respond(&mut wallet, &service, request.to_string().as_bytes(), &mut OsRng).unwrap();
            assert_eq!((&response["id"], &response["jsonrpc"]), (&7.into(), &"2.0".into()));
            response["result"].clone()
        };
        let invoice = ask("invoice", json!({ "amount": "5000", "memo": "order 7" }));
        let session = invoice["session"].clone();
        for method in METHODS {
            let params = match method.name {
                "invoice" => json!({ "amount": "6000", "payer": null }),
                "payment" => json!({ "session": session }),
                "payments" => json!({ "open": true }),
                _ => json!({}),
            };
            let result = ask(method.name, params);
            let fields = result.as_object().unwrap();
            assert_eq!(fields.len(), method.result.len(), "{}", method.name);
            for (name, kind, _) in method.result {
                assert!(is_a(&fields[*name], kind), "{}: {name}", method.name);
            }
        }
        let payment = ask("payment", json!({ "session": session }));
        assert_eq!((&payment["amount"], &payment["status"]), (&"5000".into(), &"open".into()));
        assert_eq!((&payment["memo"], &payment["role"]), (&"order 7".into(), &"invoice".into()));
        assert_eq!(ask("payments", json!({}))["payments"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn the_server_describes_itself() {
        let (mut wallet, service) = wallet();
        let request = br#"{"jsonrpc":"2.0","id":1,"method":"rpc.discover"}"#;
        let response = respond(&mut wallet, &service, request, &mut OsRng).unwrap();
        assert_eq!(response["result"]["methods"].as_array().unwrap().len(), METHODS.len());
    }

    #[test]
    fn a_bad_request_gets_its_code() {
        let (mut wallet, service) = wallet();
        for (body, code) in [
            ("", -32700),
            ("[]", -32600),
            ("{}", -32600),
            (r#"{"jsonrpc":"1.0","id":1,"method":"balance"}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":1,"method":"send"}"#, -32601),
            (r#"{"jsonrpc":"2.0","id":1,"method":"balance","params":[1]}"#, -32602),
            (r#"{"jsonrpc":"2.0","id":1,"method":"balance","params":{"x":1}}"#, -32602),
            (r#"{"jsonrpc":"2.0","id":1,"method":"invoice"}"#, -32602),
            (r#"{"jsonrpc":"2.0","id":1,"method":"invoice","params":{"amount":5}}"#, -32602),
            (r#"{"jsonrpc":"2.0","id":1,"method":"invoice","params":{"amount":"1.5"}}"#, 1),
            (r#"{"jsonrpc":"2.0","id":1,"method":"payment","params":{"session":"00"}}"#, 1),
        ] {
            let response = respond(&mut wallet, &service, body.as_bytes(), &mut OsRng).unwrap();
            assert_eq!(response["error"]["code"], code, "{body}: {response}");
        }
        let notification = br#"{"jsonrpc":"2.0","method":"balance"}"#;
        assert!(respond(&mut wallet, &service, notification, &mut OsRng).is_none());
    }
}
