//! One HTTP request: authorisation, parsing, and the response of the node.

use crate::{
    edge::{metrics::Counters, node_handle::NodeHandle, rpc::token::Token},
    event::Request as NodeRequest,
    rpc::{Call, ChainRecord, Fault, MAX_REQUEST, Method, Request, Requests, StatusRecord, response},
};
use core::{net::IpAddr, time::Duration};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method as Verb, StatusCode,
    body::{Bytes, Incoming},
    header::{
        ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderName, HeaderValue, ORIGIN,
        WWW_AUTHENTICATE,
    },
};
use serde::Serialize;
use serde_json::{Value, json};
use sotto_mw::{amount::Height, chain::Chain, trie::Prefix};
use std::sync::Arc;
use tokio::{task::spawn_blocking, time::timeout};

/// How long a body may take.
const BODY: Duration = Duration::from_secs(30);
/// How long the node may take to respond.
const RESPONSE: Duration = Duration::from_secs(60);
/// How long the node may take to report its health.
const HEALTH: Duration = Duration::from_secs(10);

type Response = hyper::Response<Full<Bytes>>;

/// The node that a server serves.
#[derive(Debug)]
pub(crate) struct Service {
    chain: ChainRecord,
    handle: NodeHandle,
    counters: Arc<Counters>,
}

impl Service {
    /// A node of this chain, with its handle and its counters.
    #[must_use]
    pub(crate) fn new(chain: &Chain, handle: NodeHandle, counters: Arc<Counters>) -> Self {
        Self { chain: chain.into(), handle, counters }
    }
}

/// Answers the requests for one node.
pub(crate) struct Handler {
    token: Token,
    service: Service,
}

impl Handler {
    pub(crate) fn new(token: Token, service: Service) -> Self {
        Self { token, service }
    }

    /// The response to any request.
    pub(crate) async fn respond(&self, request: hyper::Request<Incoming>) -> Response {
        let response = match self.authorise(&request) {
            Err(refused) => Err(refused),
            Ok(Page::Health) => self.health().await,
            Ok(Page::Metrics) => self.metrics().await,
            Ok(Page::Rpc) => self.rpc(request.into_body()).await,
        };
        response.unwrap_or_else(|(status, why)| {
            self.service.counters.rejected();
            let mut response = text(status, why.to_owned());
            let header = match status {
                StatusCode::UNAUTHORIZED => Some((WWW_AUTHENTICATE, "Bearer")),
                StatusCode::METHOD_NOT_ALLOWED => Some((ALLOW, "GET, POST")),
                _ => None,
            };
            response
                .headers_mut()
                .extend(header.map(|(name, value)| (name, HeaderValue::from_static(value))));
            response
        })
    }

    /// The requested page, if the client may have it.
    fn authorise<B>(&self, request: &hyper::Request<B>) -> Result<Page, Refused> {
        let header = |name: HeaderName| request.headers().get(name);
        if !header(HOST).and_then(|h| h.to_str().ok()).is_some_and(is_here) {
            return Err((StatusCode::MISDIRECTED_REQUEST, "use the host name 127.0.0.1, [::1] or localhost"));
        }
        if header(ORIGIN).is_some() {
            return Err((StatusCode::FORBIDDEN, "requests from web pages are refused"));
        }
        let page = match (request.method(), request.uri().path()) {
            (&Verb::GET, "/health") => return Ok(Page::Health),
            (&Verb::GET, "/metrics") => Page::Metrics,
            (&Verb::POST, "/") => Page::Rpc,
            (_, "/" | "/metrics" | "/health") => {
                return Err((StatusCode::METHOD_NOT_ALLOWED, "POST / · GET /metrics · GET /health"));
            }
            _ => return Err((StatusCode::NOT_FOUND, "POST / · GET /metrics · GET /health")),
        };
        if !header(AUTHORIZATION).is_some_and(|shown| self.token.matches(shown.as_bytes())) {
            return Err((StatusCode::UNAUTHORIZED, "send the token from rpc.token: Authorization: Bearer …"));
        }
        let json = header(CONTENT_TYPE).is_some_and(|t| is_json(t.as_bytes()));
        if matches!(page, Page::Rpc) && !json {
            return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "send Content-Type: application/json"));
        }
        Ok(page)
    }

    async fn rpc(&self, body: Incoming) -> Result<Response, Refused> {
        let late = |_| (StatusCode::REQUEST_TIMEOUT, "the request did not arrive in time");
        let read = timeout(BODY, Limited::new(body, MAX_REQUEST).collect()).await.map_err(late)?;
        let bytes = read.map_err(|_| (StatusCode::PAYLOAD_TOO_LARGE, "the request is too long"))?.to_bytes();
        let answer = match Requests::from_bytes(&bytes) {
            Err(fault) => Some(response(&Value::Null, Err(fault))),
            Ok(Requests::One(request)) => self.one(*request).await,
            Ok(Requests::Several(all)) => {
                let mut answers = Vec::new();
                for request in all {
                    answers.extend(self.one(request).await);
                }
                (!answers.is_empty()).then_some(Value::Array(answers))
            }
        };
        Ok(match answer {
            Some(answer) => page(StatusCode::OK, "application/json", answer.to_string()),
            None => text(StatusCode::NO_CONTENT, String::new()),
        })
    }

    /// The response to one request; `None` for a notification.
    async fn one(&self, request: Request) -> Option<Value> {
        let outcome = match request.call {
            Ok(call) => self.call(call).await,
            Err(fault) => Err(fault),
        };
        self.service.counters.request(outcome.is_ok());
        request.id.map(|id| response(&id, outcome))
    }

    async fn call(&self, call: Call) -> Result<Value, Fault> {
        let prefix = |depth, index| {
            Prefix::new(depth, index).ok_or_else(|| Fault::Params("no such prefix".to_owned()))
        };
        match call {
            Call::Chain(_) => Ok(json!(self.service.chain)),
            Call::Status(m) => self.ask(&m, NodeRequest::Status).await,
            Call::Peers(m) => self.ask(&m, NodeRequest::Peers).await,
            Call::Block(m) => self.ask(&m, NodeRequest::Block(Height::new(m.height))).await,
            Call::Header(m) if m.height == 0 => Ok(json!({ "header": null })),
            Call::Header(m) => self.ask(&m, headers(m.height, 1)).await,
            Call::Headers(m) => self.ask(&m, headers(m.first, m.most)).await,
            Call::Output(m) => self.ask(&m, NodeRequest::Output(m.commitment.0)).await,
            Call::Kernel(m) => self.ask(&m, NodeRequest::Kernel(m.excess.0)).await,
            Call::Unspent(m) => self.ask(&m, NodeRequest::Unspent(prefix(m.depth, m.index)?)).await,
            Call::Submit(m) => self.ask(&m, NodeRequest::Submit(Box::new(m.transaction.0.clone()))).await,
            Call::Stop(m) => self.ask(&m, NodeRequest::Stop).await,
        }
    }

    /// Sends a request to the node, and converts its response into the method's result.
    async fn ask<M>(&self, _: &M, request: NodeRequest) -> Result<Value, Fault>
    where
        M: Method<Result: TryFrom<crate::effect::Response, Error = Fault> + Serialize>,
    {
        let handle = self.service.handle.clone();
        // Sending may block while the event loop is busy.
        let answer = timeout(RESPONSE, spawn_blocking(move || handle.ask(request))).await;
        let answer = answer.map_err(|_| Fault::busy())?;
        let result = M::Result::try_from(answer.ok().and_then(Result::ok).ok_or(Fault::Stopped)?)?;
        serde_json::to_value(result).map_err(|_| Fault::Stopped)
    }

    async fn status(&self) -> Option<StatusRecord> {
        let handle = self.service.handle.clone();
        let answer = timeout(HEALTH, spawn_blocking(move || handle.ask(NodeRequest::Status))).await;
        StatusRecord::try_from(answer.ok()?.ok()?.ok()?).ok()
    }

    async fn health(&self) -> Result<Response, Refused> {
        self.status().await.ok_or(UNHEALTHY)?;
        Ok(text(StatusCode::OK, "ok\n".to_owned()))
    }

    async fn metrics(&self) -> Result<Response, Refused> {
        let status = self.status().await.ok_or(UNHEALTHY)?;
        Ok(page(
            StatusCode::OK,
            "text/plain; version=0.0.4; charset=utf-8",
            self.service.counters.page(&status),
        ))
    }
}

/// The pages of the server.
enum Page {
    Rpc,
    Metrics,
    Health,
}

/// Why a request is rejected: the HTTP status and the text.
type Refused = (StatusCode, &'static str);

const UNHEALTHY: Refused = (StatusCode::SERVICE_UNAVAILABLE, "the node does not answer");

const fn headers(first: u64, most: u32) -> NodeRequest {
    NodeRequest::Headers { first: Height::new(first), most }
}

/// Whether a Host header names this machine, with or without a port. A web page whose name was pointed to
/// this machine sends that name instead (DNS rebinding).
#[must_use]
pub fn is_here(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let ip = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || ip.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether a Content-Type is JSON, with any parameters.
#[must_use]
pub fn is_json(kind: &[u8]) -> bool {
    let kind = kind.split(|b| *b == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

fn text(status: StatusCode, text: String) -> Response {
    page(status, "text/plain; charset=utf-8", text)
}

fn page(status: StatusCode, kind: &'static str, text: String) -> Response {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_content_type_is_json() {
        for kind in ["application/json", "Application/JSON ; charset=utf-8", "application/json;"] {
            assert!(is_json(kind.as_bytes()), "{kind}");
        }
        for kind in ["application/jsonx", "application/json-rpc", "text/json", "", ";application/json"] {
            assert!(!is_json(kind.as_bytes()), "{kind}");
        }
    }

    #[test]
    fn this_machine_has_known_names() {
        for here in
            ["127.0.0.1", "127.0.0.1:80", "localhost", "LocalHost:9", "[::1]", "[::1]:8080", "127.9.9.9:1"]
        {
            assert!(is_here(here), "{here}");
        }
        let elsewhere = [
            "",
            ":80",
            "evil.example",
            "evil.example:80",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "[::2]:1",
            "10.0.0.1",
            "localhost:",
            "localhost:80:80",
            "0.0.0.0",
        ];
        elsewhere.iter().for_each(|host| assert!(!is_here(host), "{host}"));
    }
}
