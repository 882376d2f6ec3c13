//! The part of HTTP/1.1 that a web server with one page needs, and the upgrade to WebSocket.
//!
//! ```text
//! bytes ──parse──▶ Request ──response──▶ text
//! ```
//!
//! Guaranteed: a head has at most 8 KiB and 64 headers; a request with the wrong path gets the same response
//! as any other. Not supported: request bodies, ranges, persistent connections. Source: RFC 9112; RFC 9110,
//! 5.6.7 (dates); RFC 6455, 4.2.

use core::fmt::Write as _;

use subtle::ConstantTimeEq;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Longest head of a request.
pub(crate) const HEAD: usize = 8 << 10;
const HEADERS: usize = 64;

/// The page that the web server shows to browsers.
#[derive(Clone, Debug)]
pub struct Page {
    /// The page at `/`, as HTML.
    pub html: String,
}

impl Default for Page {
    fn default() -> Self {
        let html = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Welcome</title></head>\n\
            <body><h1>Welcome</h1><p>This site is being set up.</p></body></html>\n";
        Self { html: html.to_owned() }
    }
}

/// A parsed request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// An upgrade to WebSocket, with the response to the client's key.
    Upgrade { path: String, accept: String },
    /// A page, or only its head.
    Page { path: String, head: bool },
    /// A method other than GET and HEAD.
    Other,
    /// An invalid request.
    Bad,
}

/// The request, as soon as its head is complete.
pub(crate) fn parse(bytes: &[u8]) -> Option<Request> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(head)) => Some(request_of(&request, head == bytes.len())),
        Ok(httparse::Status::Partial) => None,
        Err(_) => Some(Request::Bad),
    }
}

/// The request of a complete head; `alone` if no bytes followed it.
fn request_of(request: &httparse::Request<'_, '_>, alone: bool) -> Request {
    let (Some(method), Some(target), Some(version)) = (request.method, request.path, request.version) else {
        return Request::Bad;
    };
    let all = |name: &'static str| request.headers.iter().filter(move |h| h.name.eq_ignore_ascii_case(name));
    let value = |name| all(name).next().and_then(|h| std::str::from_utf8(h.value).ok());
    let has = |name, word: &str| {
        value(name).is_some_and(|v| v.split(',').any(|w| w.trim().eq_ignore_ascii_case(word)))
    };
    // RFC 9112, 3.2: exactly one Host, optional in HTTP/1.0.
    let hosts = all("host").count();
    let Some(path) = path(target).filter(|_| hosts == 1 || (hosts == 0 && version == 0)) else {
        return Request::Bad;
    };
    let upgrade =
        has("connection", "upgrade") && has("upgrade", "websocket") && has("sec-websocket-version", "13");
    match (method, upgrade && alone && version == 1, value("sec-websocket-key")) {
        ("GET", true, Some(key)) => {
            Request::Upgrade { path: target.to_owned(), accept: derive_accept_key(key.as_bytes()) }
        }
        ("GET", ..) => Request::Page { path: path.to_owned(), head: false },
        ("HEAD", ..) => Request::Page { path: path.to_owned(), head: true },
        _ => Request::Other,
    }
}

/// The path of a request target, without its query (RFC 9112, 3.2).
fn path(target: &str) -> Option<&str> {
    let target = target.split(['?', '#']).next()?;
    match ["http://", "https://"].iter().find_map(|scheme| target.strip_prefix(scheme)) {
        Some(rest) => Some(rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")),
        None => Some(target).filter(|t| t.starts_with('/') || *t == "*"),
    }
}

/// Whether the web server accepts `bytes` as the head of a request.
#[cfg(feature = "testing")]
#[must_use]
pub(crate) fn is_request(bytes: &[u8]) -> bool {
    bytes.len() <= HEAD && parse(bytes).is_some_and(|request| request != Request::Bad)
}

/// Whether two paths are equal, in a time that does not depend on where they differ.
pub(crate) fn same_path(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

/// The response that opens a WebSocket.
pub(crate) fn upgrade_response(accept: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

/// The response of a web server with one page, at a time in seconds since 1970.
pub(crate) fn response(request: &Request, page: &Page, seconds: u64) -> String {
    let error =
        |text: &str| format!("<html><head><title>{text}</title></head><body><h1>{text}</h1></body></html>\n");
    let (status, body, head) = match request {
        Request::Page { path, head } if path == "/" => ("200 OK", page.html.clone(), *head),
        Request::Page { head, .. } => ("404 Not Found", error("404 Not Found"), *head),
        Request::Upgrade { .. } => ("404 Not Found", error("404 Not Found"), false),
        Request::Other => ("405 Method Not Allowed", error("405 Method Not Allowed"), false),
        Request::Bad => ("400 Bad Request", error("400 Bad Request"), false),
    };
    let allow = if *request == Request::Other { "Allow: GET, HEAD\r\n" } else { "" };
    let mut text = format!(
        "HTTP/1.1 {status}\r\nDate: {}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n{allow}Connection: close\r\n\r\n",
        date(seconds),
        body.len()
    );
    if !head {
        text.push_str(&body);
    }
    text
}

/// A date in HTTP's format (RFC 9110, 5.6.7), computed with Howard Hinnant's `days` algorithm.
fn date(seconds: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb"];
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    // Years begin in March, so that the leap day is the last day.
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let month = (5 * doy + 2) / 153;
    let day = doy - (153 * month + 2) / 5 + 1;
    let year = yoe + era * 400 + u64::from(month >= 10);
    let name = |names: &[&'static str], i: u64| names.get(i as usize).copied().unwrap_or_default();
    let mut text = format!("{}, {day:02} {} {year} ", name(&DAYS, days % 7), name(&MONTHS, month));
    // Writing to a string cannot fail.
    let _ = write!(text, "{:02}:{:02}:{:02} GMT", time / 3600, time / 60 % 60, time % 60);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_the_standard_format() {
        assert_eq!(date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT", "RFC 9110, 5.6.7");
        assert_eq!(date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(date(1_709_164_800), "Thu, 29 Feb 2024 00:00:00 GMT");
        assert_eq!(date(1_709_251_200), "Fri, 01 Mar 2024 00:00:00 GMT");
    }

    #[test]
    fn requests_are_distinguished() {
        let upgrade = "GET /x HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        // RFC 6455, 1.3.
        let Some(Request::Upgrade { path, accept }) = parse(upgrade.as_bytes()) else { panic!("an upgrade") };
        assert_eq!((&*path, &*accept), ("/x", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        let page = |path: &str, head| Some(Request::Page { path: path.to_owned(), head });
        assert_eq!(parse(upgrade.replace(": 13", ": 8").as_bytes()), page("/x", false));
        assert_eq!(
            parse(format!("{upgrade}more").as_bytes()),
            page("/x", false),
            "the client did not wait for the response"
        );
        for (text, path, head) in [
            ("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "/", true),
            ("GET / HTTP/1.0\r\n\r\n", "/", false),
            ("GET /?x HTTP/1.1\r\nHost: a\r\n\r\n", "/", false),
            ("GET http://a.example/b?c HTTP/1.1\r\nHost: a.example\r\n\r\n", "/b", false),
            ("GET https://a.example HTTP/1.1\r\nHost: a.example\r\n\r\n", "/", false),
            ("GET / HTTP/1.1\nHost: a\n\nwith a body", "/", false),
        ] {
            assert_eq!(parse(text.as_bytes()), page(path, head), "{text:?}");
        }
        for other in [
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na=b",
            "BREW /tea HTTP/1.1\r\nHost: a\r\n\r\n",
        ] {
            assert_eq!(parse(other.as_bytes()), Some(Request::Other), "{other:?}");
        }
        for bad in [
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET page HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/2.0\r\n",
            "\x16\x03\x01",
        ] {
            assert_eq!(parse(bad.as_bytes()), Some(Request::Bad), "{bad:?}");
        }
        for unfinished in ["", "GET", "GET / HTTP/1.1\r\nHost: a\r\n"] {
            assert_eq!(parse(unfinished.as_bytes()), None, "{unfinished:?}");
        }
    }
}
