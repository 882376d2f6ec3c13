//! As much of HTTP/1.1 as a web server with one page needs (RFC 9112), and the door beside it (RFC 6455, 4.2).

use std::fmt::Write as _;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use subtle::ConstantTimeEq;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::WebError;

/// Longest head of a request.
const HEAD: usize = 8 << 10;
const HEADERS: usize = 64;
/// As much of a body as is let go, and how long it is waited for.
const BODY: u64 = 1 << 20;
const LINGER: Duration = Duration::from_secs(2);

/// What a web server shows to who is no peer.
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

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// To speak WebSocket, with the answer to the client's key.
    Upgrade { path: String, accept: String },
    /// A page.
    Page { path: String, head: bool },
    /// Something that is not done to pages.
    Other,
    /// Something that is no request.
    Bad,
}

/// Reads the head of a request. Of a body nothing is wanted, so what comes with the head is let go.
pub(super) async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Result<Request, WebError> {
    let mut bytes = Vec::with_capacity(HEAD);
    loop {
        let mut room = (&mut *stream).take((HEAD - bytes.len()) as u64);
        let more = room.read_buf(&mut bytes).await?;
        match parse(&bytes) {
            Some(request) => return Ok(request),
            None if bytes.len() == HEAD => return Ok(Request::Bad),
            None if more == 0 => return Err(WebError::Stranger("said nothing")),
            None => {}
        }
    }
}

/// What is asked for, as soon as it can be told.
fn parse(bytes: &[u8]) -> Option<Request> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(head)) => Some(understood(&request, head == bytes.len())),
        Ok(httparse::Status::Partial) => None,
        Err(_) => Some(Request::Bad),
    }
}

/// What a whole head asks for; `alone`: nothing came with it.
fn understood(request: &httparse::Request<'_, '_>, alone: bool) -> Request {
    let (Some(method), Some(target), Some(version)) = (request.method, request.path, request.version) else {
        return Request::Bad;
    };
    let all = |name: &'static str| request.headers.iter().filter(move |h| h.name.eq_ignore_ascii_case(name));
    let value = |name| all(name).next().and_then(|h| std::str::from_utf8(h.value).ok());
    let has = |name, word: &str| {
        value(name).is_some_and(|v| v.split(',').any(|w| w.trim().eq_ignore_ascii_case(word)))
    };
    // RFC 9112, 3.2: exactly one Host, but for HTTP/1.0.
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

/// The path of a request's target, without a query (RFC 9112, 3.2).
fn path(target: &str) -> Option<&str> {
    let target = target.split(['?', '#']).next()?;
    match ["http://", "https://"].iter().find_map(|scheme| target.strip_prefix(scheme)) {
        Some(rest) => Some(rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")),
        None => Some(target).filter(|t| t.starts_with('/') || *t == "*"),
    }
}

/// Whether a web server takes this for the head of a request.
#[cfg(feature = "testing")]
#[must_use]
pub(crate) fn is_request(bytes: &[u8]) -> bool {
    bytes.len() <= HEAD && parse(bytes).is_some_and(|request| request != Request::Bad)
}

/// Whether two paths are the same, in a time that does not tell where they differ.
pub(super) fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

/// Opens the WebSocket.
pub(super) async fn switch(stream: &mut (impl AsyncWrite + Unpin), accept: &str) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.flush().await
}

/// Answers as a web server with one page does, and hangs up.
pub(super) async fn answer(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    request: &Request,
    page: &Page,
) -> io::Result<()> {
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
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let mut text = format!(
        "HTTP/1.1 {status}\r\nDate: {}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n{allow}Connection: close\r\n\r\n",
        date(seconds),
        body.len()
    );
    if !head {
        text.push_str(&body);
    }
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await?;
    // A body that is still on its way would have the system take the answer back (RFC 9112, 9.6).
    let (mut rest, mut nowhere) = (stream.take(BODY), tokio::io::sink());
    drop(timeout(LINGER, tokio::io::copy(&mut rest, &mut nowhere)).await);
    Ok(())
}

/// A moment as HTTP writes it (RFC 9110, 5.6.7); civil date by Howard Hinnant's `days` algorithm.
fn date(seconds: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb"];
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    // Years begin in March, so that the leap day is the last.
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
    fn dates_are_the_standards() {
        assert_eq!(date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT", "RFC 9110, 5.6.7");
        assert_eq!(date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(date(1_709_164_800), "Thu, 29 Feb 2024 00:00:00 GMT");
        assert_eq!(date(1_709_251_200), "Fri, 01 Mar 2024 00:00:00 GMT");
    }

    #[test]
    fn requests_are_told_apart() {
        let upgrade = "GET /x HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        // RFC 6455, 1.3.
        let Some(Request::Upgrade { path, accept }) = parse(upgrade.as_bytes()) else { panic!("an upgrade") };
        assert_eq!((&*path, &*accept), ("/x", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        let page = |path: &str, head| Some(Request::Page { path: path.to_owned(), head });
        assert_eq!(parse(upgrade.replace(": 13", ": 8").as_bytes()), page("/x", false));
        assert_eq!(parse(format!("{upgrade}more").as_bytes()), page("/x", false), "who waits for no answer");
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

    /// A form is answered, though its body comes with the head or after it, and the answer arrives.
    #[tokio::test]
    async fn a_form_is_answered_at_once() {
        for body in ["", "a=b"] {
            let (mut browser, mut server) = tokio::io::duplex(1 << 14);
            let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
            browser.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            let asked = request(&mut server).await.unwrap();
            let page = Page::default();
            let answered = tokio::spawn(async move { answer(&mut server, &asked, &page).await });
            browser.write_all(b"a=b").await.unwrap();
            browser.shutdown().await.unwrap();
            let mut text = String::new();
            browser.read_to_string(&mut text).await.unwrap();
            assert!(
                text.starts_with("HTTP/1.1 405 Method Not Allowed\r\n")
                    && text.contains("\r\nAllow: GET, HEAD\r\n"),
                "{text}"
            );
            answered.await.unwrap().unwrap();
        }
    }
}
