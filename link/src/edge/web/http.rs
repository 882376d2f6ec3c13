//! Reading requests from a stream and writing responses to it.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::http::{HEAD, Page, Request, parse, response, upgrade_response};
use crate::web_error::WebError;

/// How much of a request body is read and discarded, and for how long.
const BODY: u64 = 1 << 20;
const LINGER: Duration = Duration::from_secs(2);

/// Reads the head of a request. Bytes of a body that arrive with it are discarded.
pub(super) async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Result<Request, WebError> {
    let mut bytes = Vec::with_capacity(HEAD);
    loop {
        let mut room = (&mut *stream).take((HEAD - bytes.len()) as u64);
        let more = room.read_buf(&mut bytes).await?;
        match parse(&bytes) {
            Some(request) => return Ok(request),
            None if bytes.len() == HEAD => return Ok(Request::Bad),
            None if more == 0 => return Err(WebError::Stranger("it sent no request")),
            None => {}
        }
    }
}

/// Opens the WebSocket.
pub(super) async fn upgrade(stream: &mut (impl AsyncWrite + Unpin), accept: &str) -> io::Result<()> {
    stream.write_all(upgrade_response(accept).as_bytes()).await?;
    stream.flush().await
}

/// Answers as a web server with one page does, and closes the connection.
pub(super) async fn respond(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    request: &Request,
    page: &Page,
) -> io::Result<()> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    stream.write_all(response(request, page, seconds).as_bytes()).await?;
    stream.shutdown().await?;
    // If unread bytes of a body arrive after the close, the system discards the response (RFC 9112, 9.6).
    let (mut rest, mut sink) = (stream.take(BODY), tokio::io::sink());
    drop(timeout(LINGER, tokio::io::copy(&mut rest, &mut sink)).await);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A form gets its response whether its body comes with the head or after it.
    #[tokio::test]
    async fn a_form_gets_its_response_at_once() {
        for body in ["", "a=b"] {
            let (mut browser, mut server) = tokio::io::duplex(1 << 14);
            let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
            browser.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            let asked = request(&mut server).await.unwrap();
            let page = Page::default();
            let responded = tokio::spawn(async move { respond(&mut server, &asked, &page).await });
            browser.write_all(b"a=b").await.unwrap();
            browser.shutdown().await.unwrap();
            let mut text = String::new();
            browser.read_to_string(&mut text).await.unwrap();
            assert!(
                text.starts_with("HTTP/1.1 405 Method Not Allowed\r\n")
                    && text.contains("\r\nAllow: GET, HEAD\r\n"),
                "{text}"
            );
            responded.await.unwrap().unwrap();
        }
    }
}
