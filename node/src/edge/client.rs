//! A JSON-RPC client of a running node, for another process on this machine.
//!
//! The client keeps one connection open and opens a new one when it has closed. Responses are bounded in time
//! and bytes. They are not verified here: [`crate::light`] verifies them against the chain id.

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

/// How long a response may take: longer than the node's own limit.
const RESPONSE: Duration = Duration::from_secs(90);
/// Most bytes of a response: more than the heaviest block in hexadecimal.
const MAX_RESPONSE: usize = 64 << 20;

/// Why a request to a node failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no token, so there is no node.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The address is invalid.
    #[error(
        "invalid node address `{0}`: expected one on this machine, like http://127.0.0.1:8732, or the node's folder"
    )]
    Address(String),
    /// Nothing answers at the address.
    #[error("no node answers at {at}: {source}; start it with `sotto node run`, or give its folder")]
    Unreachable {
        /// The address.
        at: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The response is invalid, or the connection failed or timed out.
    #[error("the node at {at} gave no valid response ({why}): see its log, and try again")]
    Broken {
        /// The address.
        at: SocketAddr,
        /// What failed.
        why: String,
    },
    /// The node does not accept the token.
    #[error(
        "the node at {0} does not accept this token: it was restarted, or it is another node; give its folder"
    )]
    Unauthorised(SocketAddr),
    /// The node refused the request.
    #[error("{message}")]
    Refused {
        /// The error's number: [`Code`].
        code: i64,
        /// What failed, why, and what to do.
        message: String,
    },
}

impl ClientError {
    /// Whether the node refused with this code.
    #[must_use]
    pub const fn is(&self, code: Code) -> bool {
        matches!(self, Self::Refused { code: found, .. } if *found == code as i64)
    }
}

/// A client of one node.
#[derive(Debug)]
pub struct Client {
    at: SocketAddr,
    token: Token,
    runtime: Runtime,
    connection: RefCell<Connection>,
}

#[derive(Debug, Default)]
struct Connection {
    sender: Option<SendRequest<Full<Bytes>>>,
    requests: u64,
}

impl Client {
    /// A client of the node that runs in this folder.
    ///
    /// # Errors
    /// [`ClientError::Token`] if no node runs there or its token cannot be read.
    pub fn of_folder(dir: &Path) -> Result<Self, ClientError> {
        let (url, token) = super::rpc::read_files(dir)?;
        Self::of_url(&url, token)
    }

    /// A client of the node at this address, such as `http://127.0.0.1:8732`: on this machine, or the local
    /// end of a tunnel.
    ///
    /// # Errors
    /// [`ClientError::Address`] for any other form, and for addresses of other machines, because the token is
    /// sent unencrypted.
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
        Ok(Self { at, token, runtime, connection: RefCell::default() })
    }

    /// Sends a request and waits for the response.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn ask<M: Method>(&self, method: &M) -> Result<M::Result, ClientError> {
        let mut connection = self.connection.borrow_mut();
        connection.requests += 1;
        let (id, broken) = (connection.requests, |why: String| ClientError::Broken { at: self.at, why });
        let body = Bytes::from(request(id, method));
        let response =
            self.runtime.block_on(async { timeout(RESPONSE, self.post(&mut connection, body)).await });
        let bytes = response.unwrap_or_else(|_| Err(broken("timeout".to_owned())))?;
        match read_response::<M>(id, &bytes).map_err(|fault: Fault| broken(fault.to_string()))? {
            Ok(result) => Ok(result),
            Err((code, message)) => Err(ClientError::Refused { code, message }),
        }
    }

    async fn post(&self, connection: &mut Connection, body: Bytes) -> Result<Bytes, ClientError> {
        let broken = |why: String| ClientError::Broken { at: self.at, why };
        let mut sender = match connection.sender.take() {
            // A connection that has closed meanwhile is not ready, and nothing was sent on it.
            Some(mut open) => match open.ready().await {
                Ok(()) => open,
                Err(_) => self.connect().await?,
            },
            None => self.connect().await?,
        };
        let mut authorization =
            HeaderValue::from_str(&self.token.authorization()).map_err(|e| broken(e.to_string()))?;
        authorization.set_sensitive(true);
        let request = Request::post("/")
            .header(HOST, self.at.to_string())
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, authorization)
            .body(Full::new(body))
            .map_err(|e| broken(e.to_string()))?;
        let response = sender.send_request(request).await.map_err(|e| broken(e.to_string()))?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => return Err(ClientError::Unauthorised(self.at)),
            other => return Err(broken(format!("HTTP status {other}"))),
        }
        let body = Limited::new(response.into_body(), MAX_RESPONSE).collect().await;
        let bytes = body.map_err(|e| broken(e.to_string()))?.to_bytes();
        connection.sender = Some(sender);
        Ok(bytes)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, ClientError> {
        let stream = TcpStream::connect(self.at).await;
        let stream = stream.map_err(|source| ClientError::Unreachable { at: self.at, source })?;
        // A long request is more than one write, and the last one waits for nothing.
        let _ = stream.set_nodelay(true);
        let handshake = handshake(TokioIo::new(stream)).await;
        let (sender, connection) =
            handshake.map_err(|e| ClientError::Broken { at: self.at, why: e.to_string() })?;
        // It ends with the sender, which also receives its errors.
        tokio::spawn(connection);
        Ok(sender)
    }
}
