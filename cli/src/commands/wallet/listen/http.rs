//! One HTTP/1.1 request of a program on this machine, read from any stream within bounds.
//!
//! ```text
//! POST / HTTP/1.1 · Host: this machine · no Origin · Authorization: Bearer TOKEN · Content-Type: application/json
//! ```
//!
//! The rules are those of a node's server (`sotto_node::edge::rpc`): another Host (DNS rebinding), an Origin (any
//! web page) and a wrong token are refused before the body is read. One request a connection. Not supported:
//! chunked bodies, `Expect`.

use sotto_node::edge::rpc::{Token, is_here, is_json};
use std::io::{self, BufRead, ErrorKind, Read, Write};

/// Longest head.
const MAX_HEAD: u64 = 8 << 10;
/// Longest body.
const MAX_BODY: usize = 16 << 10;

/// The status line and the reason of a request that is refused.
pub(crate) type Refused = (&'static str, &'static str);

/// What was read: a body, or why not.
pub(crate) type Body = Result<Vec<u8>, Refused>;

/// Reads a request.
///
/// # Errors
/// If the connection fails; a request that is refused is no error.
pub(crate) fn read(from: &mut impl BufRead, token: &Token) -> io::Result<Body> {
    let mut head = Head::default();
    let mut limited = from.by_ref().take(MAX_HEAD);
    for n in 0.. {
        let mut line = Vec::new();
        limited.read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            return if limited.limit() == 0 {
                Ok(Err(("431 Request Header Fields Too Large", "the head is too long")))
            } else {
                Err(ErrorKind::UnexpectedEof.into())
            };
        }
        let Ok(line) = core::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(&line)) else {
            return Ok(Err(BAD));
        };
        match (n, line) {
            (0, line) => line.clone_into(&mut head.request),
            (_, "") => break,
            (_, line) => match line.split_once(':') {
                Some((name, value)) => head.header(name, value.trim()),
                None => return Ok(Err(BAD)),
            },
        }
    }
    let length = match head.check(token) {
        Ok(length) => length,
        Err(refused) => return Ok(Err(refused)),
    };
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    Ok(Ok(body))
}

const BAD: Refused = ("400 Bad Request", "malformed request");

/// Writes a response and its body.
pub(crate) fn respond(out: &mut impl Write, status: &str, body: &str) -> io::Result<()> {
    let kind = if status.starts_with("200") { "application/json" } else { "text/plain; charset=utf-8" };
    let length = body.len();
    write!(
        out,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n{body}"
    )?;
    out.flush()
}

/// The parts of a head that count.
#[derive(Default)]
struct Head {
    request: String,
    host: Option<String>,
    has_origin: bool,
    is_chunked: bool,
    authorization: String,
    content_type: String,
    length: Option<String>,
    is_repeated: bool,
}

impl Head {
    fn header(&mut self, name: &str, value: &str) {
        let before = match name.to_ascii_lowercase().as_str() {
            "host" => self.host.replace(value.to_owned()),
            "content-length" => self.length.replace(value.to_owned()),
            "origin" => {
                self.has_origin = true;
                None
            }
            "transfer-encoding" | "expect" => {
                self.is_chunked = true;
                None
            }
            "authorization" => {
                value.clone_into(&mut self.authorization);
                None
            }
            "content-type" => {
                value.clone_into(&mut self.content_type);
                None
            }
            _ => None,
        };
        self.is_repeated |= before.is_some();
    }

    /// The length of the body, if the request may be answered.
    fn check(&self, token: &Token) -> Result<usize, Refused> {
        if self.is_repeated {
            return Err(BAD);
        }
        if !self.host.as_deref().is_some_and(is_here) {
            return Err(("421 Misdirected Request", "use the host name 127.0.0.1, [::1] or localhost"));
        }
        if self.has_origin {
            return Err(("403 Forbidden", "requests from web pages are refused"));
        }
        match self.request.split(' ').collect::<Vec<_>>()[..] {
            ["POST", "/", "HTTP/1.1"] => {}
            [_, "/", "HTTP/1.1"] => return Err(("405 Method Not Allowed", "POST /")),
            [_, _, "HTTP/1.1"] => return Err(("404 Not Found", "POST /")),
            _ => return Err(BAD),
        }
        if !token.matches(self.authorization.as_bytes()) {
            return Err(("401 Unauthorized", "send the token from rpc.token: Authorization: Bearer …"));
        }
        if !is_json(self.content_type.as_bytes()) {
            return Err(("415 Unsupported Media Type", "send Content-Type: application/json"));
        }
        let digits =
            self.length.as_deref().filter(|l| !self.is_chunked && l.bytes().all(|b| b.is_ascii_digit()));
        let length = digits.and_then(|l| l.parse::<usize>().ok());
        let length = length.ok_or(("411 Length Required", "send Content-Length"))?;
        if length > MAX_BODY { Err(("413 Content Too Large", "the request is too long")) } else { Ok(length) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::OsRng;

    fn good() -> Vec<String> {
        let lines = [
            "POST / HTTP/1.1",
            "Host: 127.0.0.1:9",
            "Authorization: Bearer T",
            "Content-Type: application/json",
            "Content-Length: 2",
        ];
        lines.map(str::to_owned).to_vec()
    }

    fn said(lines: &[String], token: &Token, file: &str) -> io::Result<Body> {
        let text = lines.join("\r\n").replace("Bearer T", &format!("Bearer {file}")) + "\r\n\r\n{}";
        read(&mut text.as_bytes(), token)
    }

    #[test]
    fn only_a_program_with_the_token_is_heard() {
        let folder = tempfile::tempdir().unwrap();
        let token = Token::generate(&mut OsRng);
        let files = sotto_node::edge::rpc::Files::write(folder.path(), "http://127.0.0.1:9", &token).unwrap();
        let secret = std::fs::read_to_string(files.token()).unwrap();
        let secret = secret.trim();
        assert_eq!(said(&good(), &token, secret).unwrap().unwrap(), b"{}");
        assert_eq!(said(&good(), &token, "wrong").unwrap().unwrap_err().0, "401 Unauthorized");
        for (line, other, status) in [
            (0, "GET / HTTP/1.1", "405"),
            (0, "POST /x HTTP/1.1", "404"),
            (0, "POST /", "400"),
            (1, "Host: evil.example", "421"),
            (1, "Host: localhost\r\nOrigin: https://evil.example", "403"),
            (1, "Host: localhost\r\nHost: evil.example", "400"),
            (1, "Host: localhost\r\nnonsense", "400"),
            (2, "X: y", "401"),
            (3, "Content-Type: text/plain", "415"),
            (4, "X: y", "411"),
            (4, "Content-Length: +2", "411"),
            (4, "Content-Length: 99999999999999999999", "411"),
            (4, "Content-Length: 2\r\nTransfer-Encoding: chunked", "411"),
            (4, "Content-Length: 20000", "413"),
        ] {
            let mut lines = good();
            other.clone_into(&mut lines[line]);
            let refused = said(&lines, &token, secret).unwrap().unwrap_err();
            assert!(refused.0.starts_with(status), "{other}: {refused:?}");
        }
        let endless = format!("POST / HTTP/1.1\r\nX: {}", "x".repeat(10_000));
        assert!(read(&mut endless.as_bytes(), &token).unwrap().unwrap_err().0.starts_with("431"));
        assert!(read(&mut &b"POST / HT"[..], &token).is_err(), "cut off");
    }
}
