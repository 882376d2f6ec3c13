//! One HTTP request: authorisation, parsing, and the response of the node.

use super::gate::{self, Refused, Respond, Response, page, text};
use crate::{
    edge::{metrics::Counters, node_handle::NodeHandle, rpc::token::Token},
    event::Request as NodeRequest,
    message::opened::OpenedPlace,
    rpc::{Call, ChainRecord, Fault, MAX_REQUEST, Method, Request, Requests, StatusRecord, response},
};
use core::time::Duration;
use hyper::{Method as Verb, StatusCode, body::Incoming};
use serde::Serialize;
use serde_json::{Value, json};
use sotto_mw::{amount::Height, chain::Chain, trie::Prefix};
use std::sync::Arc;
use tokio::{task::spawn_blocking, time::timeout};

/// How long the node may take to respond.
const RESPONSE: Duration = Duration::from_secs(60);
/// How long the node may take to report its health.
const HEALTH: Duration = Duration::from_secs(10);

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

    /// The requested page, if the client may have it.
    fn authorise<B>(&self, request: &hyper::Request<B>) -> Result<Page, Refused> {
        gate::check_origin(request)?;
        let page = match (request.method(), request.uri().path()) {
            (&Verb::GET, "/health") => return Ok(Page::Health),
            (&Verb::GET, "/metrics") => Page::Metrics,
            (&Verb::POST, "/") => Page::Rpc,
            (_, "/" | "/metrics" | "/health") => {
                return Err((StatusCode::METHOD_NOT_ALLOWED, "POST / · GET /metrics · GET /health"));
            }
            _ => return Err((StatusCode::NOT_FOUND, "POST / · GET /metrics · GET /health")),
        };
        gate::check_token(request, &self.token)?;
        if matches!(page, Page::Rpc) {
            gate::check_json(request)?;
        }
        Ok(page)
    }

    async fn rpc(&self, body: Incoming) -> Result<Response, Refused> {
        let bytes = gate::body(body, MAX_REQUEST).await?;
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
        Ok(gate::answered(answer.as_ref()))
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
            Call::SubmitChange(m) => {
                self.ask(&m, NodeRequest::SubmitChange(Box::new(m.change.0.clone()))).await
            }
            Call::OpenRequest(m) => {
                self.ask(&m, NodeRequest::OpenRequest(Box::new(m.request.0.clone()))).await
            }
            Call::OpenedRequests(m) => {
                let after = OpenedPlace { height: Height::new(m.height), name: m.name.0 };
                self.ask(&m, NodeRequest::Opened(after)).await
            }
            Call::Terms(m) => {
                self.ask(&m, NodeRequest::Terms { first: Height::new(m.first), most: m.most }).await
            }
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

impl Respond for Handler {
    async fn respond(&self, request: hyper::Request<Incoming>) -> Response {
        let response = match self.authorise(&request) {
            Err(refused) => Err(refused),
            Ok(Page::Health) => self.health().await,
            Ok(Page::Metrics) => self.metrics().await,
            Ok(Page::Rpc) => self.rpc(request.into_body()).await,
        };
        response.unwrap_or_else(|refused| {
            self.service.counters.rejected();
            gate::refuse(refused, "GET, POST")
        })
    }
}

/// The pages of the server.
enum Page {
    Rpc,
    Metrics,
    Health,
}

const UNHEALTHY: Refused = (StatusCode::SERVICE_UNAVAILABLE, "the node does not answer");

const fn headers(first: u64, most: u32) -> NodeRequest {
    NodeRequest::Headers { first: Height::new(first), most }
}
