//! One request to a server on this machine, byte for byte.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

/// The HTTP status and body of the response to these bytes.
pub(crate) fn http(url: &str, bytes: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    // The server may have rejected the request before it has read everything.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8(answer).unwrap();
    let status = text.split(' ').nth(1).map_or(0, |s| s.parse().unwrap());
    (status, text.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned()))
}
