//! A server of another program's JSON-RPC, such as a listening wallet's: `POST /` alone.

use super::{
    gate::{self, Refused, Respond, Response},
    token::Token,
};
use core::time::Duration;
use hyper::{Method, Request, StatusCode, body::Incoming};
use serde_json::Value;
use std::sync::Arc;
use tokio::{task::spawn_blocking, time::timeout};

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(60);

/// What a program answers to a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A response.
    Response(Value),
    /// Nothing, to a notification.
    Nothing,
    /// The program has no time for it now.
    Busy,
}

/// A program's calls: the bytes of a request to an answer. It may block for a minute.
pub type Call = dyn Fn(&[u8]) -> Answer + Send + Sync;

pub(super) struct Calls {
    pub(super) token: Token,
    /// Most bytes of a request.
    pub(super) most: usize,
    pub(super) call: Arc<Call>,
}

impl Calls {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response, Refused> {
        const BUSY: Refused = (StatusCode::SERVICE_UNAVAILABLE, "busy: try again in a minute");
        gate::check_origin(&request)?;
        match (request.method(), request.uri().path()) {
            (&Method::POST, "/") => {}
            (_, "/") => return Err((StatusCode::METHOD_NOT_ALLOWED, "POST /")),
            _ => return Err((StatusCode::NOT_FOUND, "POST /")),
        }
        gate::check_token(&request, &self.token)?;
        gate::check_json(&request)?;
        let bytes = gate::body(request.into_body(), self.most).await?;
        let call = self.call.clone();
        let answer = timeout(ANSWER, spawn_blocking(move || call(&bytes))).await;
        match answer.ok().and_then(Result::ok) {
            Some(Answer::Response(response)) => Ok(gate::answered(Some(&response))),
            Some(Answer::Nothing) => Ok(gate::answered(None)),
            Some(Answer::Busy) | None => Err(BUSY),
        }
    }
}

impl Respond for Calls {
    async fn respond(&self, request: Request<Incoming>) -> Response {
        self.answer(request).await.unwrap_or_else(|refused| gate::refuse(refused, "POST"))
    }
}
