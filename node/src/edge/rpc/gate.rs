//! What every server for programs on this machine checks before it reads a body, and how it responds.

use crate::edge::rpc::token::Token;
use core::{net::IpAddr, time::Duration};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, StatusCode,
    body::{Body as _, Bytes, Incoming},
    header::{
        ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderName, HeaderValue, ORIGIN,
        WWW_AUTHENTICATE,
    },
};
use tokio::time::timeout;

/// How long a body may take.
const BODY: Duration = Duration::from_secs(30);

pub(super) type Response = hyper::Response<Full<Bytes>>;

/// Why a request is rejected: the HTTP status and the text.
pub(super) type Refused = (StatusCode, &'static str);

/// What responds to the requests of a server.
pub(super) trait Respond: Send + Sync + 'static {
    /// The response to any request.
    fn respond(&self, request: Request<Incoming>) -> impl Future<Output = Response> + Send;
}

fn header<B>(request: &Request<B>, name: HeaderName) -> Option<&HeaderValue> {
    request.headers().get(name)
}

/// Refuses what a web page sends.
pub(super) fn check_origin<B>(request: &Request<B>) -> Result<(), Refused> {
    if !header(request, HOST).and_then(|h| h.to_str().ok()).is_some_and(is_here) {
        return Err((StatusCode::MISDIRECTED_REQUEST, "use the host name 127.0.0.1, [::1] or localhost"));
    }
    if header(request, ORIGIN).is_some() {
        return Err((StatusCode::FORBIDDEN, "requests from web pages are refused"));
    }
    Ok(())
}

/// Refuses a program that cannot read the token.
pub(super) fn check_token<B>(request: &Request<B>, token: &Token) -> Result<(), Refused> {
    if header(request, AUTHORIZATION).is_some_and(|shown| token.matches(shown.as_bytes())) {
        Ok(())
    } else {
        Err((StatusCode::UNAUTHORIZED, "send the token from rpc.token: Authorization: Bearer …"))
    }
}

/// Refuses a body that is not JSON.
pub(super) fn check_json<B>(request: &Request<B>) -> Result<(), Refused> {
    if header(request, CONTENT_TYPE).is_some_and(|kind| is_json(kind.as_bytes())) {
        Ok(())
    } else {
        Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "send Content-Type: application/json"))
    }
}

/// A body of at most `most` bytes.
pub(super) async fn body(body: Incoming, most: usize) -> Result<Bytes, Refused> {
    let late = |_| (StatusCode::REQUEST_TIMEOUT, "the request did not arrive in time");
    let too_long = (StatusCode::PAYLOAD_TOO_LARGE, "the request is too long");
    // What the head announces is refused before any of it is read.
    if body.size_hint().lower() > most as u64 {
        return Err(too_long);
    }
    let read = timeout(BODY, Limited::new(body, most).collect()).await.map_err(late)?;
    let read = read.map_err(|_| too_long)?;
    Ok(read.to_bytes())
}

/// The response to a rejected request; `methods` are those that the server knows.
pub(super) fn refuse((status, why): Refused, methods: &'static str) -> Response {
    let mut response = text(status, why.to_owned());
    let header = match status {
        StatusCode::UNAUTHORIZED => Some((WWW_AUTHENTICATE, "Bearer")),
        StatusCode::METHOD_NOT_ALLOWED => Some((ALLOW, methods)),
        _ => None,
    };
    response.headers_mut().extend(header.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}

/// The response with a JSON-RPC answer; none to a notification.
pub(super) fn answered(answer: Option<&serde_json::Value>) -> Response {
    match answer {
        Some(answer) => page(StatusCode::OK, "application/json", answer.to_string()),
        None => text(StatusCode::NO_CONTENT, String::new()),
    }
}

pub(super) fn text(status: StatusCode, text: String) -> Response {
    page(status, "text/plain; charset=utf-8", text)
}

pub(super) fn page(status: StatusCode, kind: &'static str, text: String) -> Response {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Whether a Host header names this machine, with or without a port. A web page whose name was pointed to
/// this machine sends that name instead (DNS rebinding).
fn is_here(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let ip = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || ip.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether a Content-Type is JSON, with any parameters.
fn is_json(kind: &[u8]) -> bool {
    let kind = kind.split(|b| *b == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
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
