//! Asking a running node, from another process on this machine.
//!
//! One connection, kept open between requests and opened again when it has closed. What comes back is bounded, in time and bytes.
//! It is what the node says: [`crate::light`] holds it against the chain's id.

use crate::{
    edge::rpc::{Token, TokenError},
    rpc::{Code, Fault, Method, read_response, request},
};
use core::{cell::RefCell, net::SocketAddr, time::Duration};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, StatusCode,
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue},
};
use hyper_util::rt::TokioIo;
use std::{io, path::Path};
use tokio::{
    net::TcpStream,
    runtime::{Builder, Runtime},
    time::timeout,
};

/// How long an answer may take: longer than the node gives itself.
const ANSWER: Duration = Duration::from_secs(90);
/// Most bytes of an answer: above the heaviest block as hexadecimal.
const MAX_ANSWER: usize = 64 << 20;

/// Why a node did not answer as asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No token, or no node.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The address makes no sense.
    #[error(
        "`{0}` is no address of a node on this machine: give one like http://127.0.0.1:8732, or the node's folder"
    )]
    Address(String),
    /// Nobody answers.
    #[error("no node answers at {at}: {source}; start it with `sotto node run`, or give its folder")]
    Unreachable {
        /// Where.
        at: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The connection broke, or took too long.
    #[error("the node at {at} does not answer as one ({why}): see its log, and try again")]
    Broken {
        /// Where.
        at: SocketAddr,
        /// How.
        why: String,
    },
    /// Another token.
    #[error(
        "the node at {0} does not know this token: it was started again, or it is another node; give its folder"
    )]
    Unauthorised(SocketAddr),
    /// The node will not.
    #[error("{message}")]
    Refused {
        /// The number of the error: [`Code`].
        code: i64,
        /// What, why, and what to do.
        message: String,
    },
}

impl ClientError {
    /// Whether it is the node that refused, with this code.
    #[must_use]
    pub const fn is(&self, code: Code) -> bool {
        matches!(self, Self::Refused { code: found, .. } if *found == code as i64)
    }
}

/// Asks one node.
#[derive(Debug)]
pub struct Client {
    at: SocketAddr,
    token: Token,
    runtime: Runtime,
    line: RefCell<Line>,
}

#[derive(Debug, Default)]
struct Line {
    sender: Option<SendRequest<Full<Bytes>>>,
    asked: u64,
}

impl Client {
    /// Asks the node that runs in this folder.
    ///
    /// # Errors
    /// When none runs there, or its token cannot be read.
    pub fn of_folder(dir: &Path) -> Result<Self, ClientError> {
        let (url, token) = super::rpc::read_files(dir)?;
        Self::of_url(&url, token)
    }

    /// Asks the node at this address, such as `http://127.0.0.1:8732`: on this machine, or the near end of a tunnel.
    ///
    /// # Errors
    /// [`ClientError::Address`] for any other form, and for addresses beyond this machine: the token would travel in clear.
    pub fn of_url(url: &str, token: Token) -> Result<Self, ClientError> {
        let wrong = || ClientError::Address(url.to_owned());
        let at = url.strip_prefix("http://").map(|rest| rest.strip_suffix('/').unwrap_or(rest));
        let at = at.map(|at| at.replacen("localhost:", "127.0.0.1:", 1));
        let at: SocketAddr = at.and_then(|at| at.parse().ok()).ok_or_else(wrong)?;
        if !at.ip().is_loopback() {
            return Err(wrong());
        }
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| ClientError::Unreachable { at, source })?;
        Ok(Self { at, token, runtime, line: RefCell::default() })
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn ask<M: Method>(&self, method: &M) -> Result<M::Result, ClientError> {
        let mut line = self.line.borrow_mut();
        line.asked += 1;
        let (id, broken) = (line.asked, |why: String| ClientError::Broken { at: self.at, why });
        let body = Bytes::from(request(id, method));
        let answer = self.runtime.block_on(async { timeout(ANSWER, self.post(&mut line, body)).await });
        let bytes = answer.unwrap_or_else(|_| Err(broken("it takes too long".to_owned())))?;
        match read_response::<M>(id, &bytes).map_err(|fault: Fault| broken(fault.to_string()))? {
            Ok(result) => Ok(result),
            Err((code, message)) => Err(ClientError::Refused { code, message }),
        }
    }

    async fn post(&self, line: &mut Line, body: Bytes) -> Result<Bytes, ClientError> {
        let broken = |why: String| ClientError::Broken { at: self.at, why };
        let mut sender = match line.sender.take() {
            // A connection that was closed meanwhile is not ready, and nothing was sent on it.
            Some(mut open) => match open.ready().await {
                Ok(()) => open,
                Err(_) => self.connect().await?,
            },
            None => self.connect().await?,
        };
        let mut shown =
            HeaderValue::from_str(&self.token.authorization()).map_err(|e| broken(e.to_string()))?;
        shown.set_sensitive(true);
        let request = Request::post("/")
            .header(HOST, self.at.to_string())
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, shown)
            .body(Full::new(body))
            .map_err(|e| broken(e.to_string()))?;
        let response = sender.send_request(request).await.map_err(|e| broken(e.to_string()))?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => return Err(ClientError::Unauthorised(self.at)),
            other => return Err(broken(format!("it says {other}"))),
        }
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        let bytes = body.map_err(|e| broken(e.to_string()))?.to_bytes();
        line.sender = Some(sender);
        Ok(bytes)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, ClientError> {
        let stream = TcpStream::connect(self.at).await;
        let stream = stream.map_err(|source| ClientError::Unreachable { at: self.at, source })?;
        let shaken = handshake(TokioIo::new(stream)).await;
        let (sender, connection) =
            shaken.map_err(|e| ClientError::Broken { at: self.at, why: e.to_string() })?;
        // It ends with the sender; what goes wrong on it is told to who sends.
        tokio::spawn(connection);
        Ok(sender)
    }
}
