//! Seeds of the targets of links.

use super::{Inputs, input};
use crate::fixtures::job::secret;

pub(super) fn inputs(target: &str) -> Option<Inputs> {
    Some(match target {
        "link_message" => {
            let piece = |kind: u8, length: u32, size: usize| {
                let mut bytes = [&[kind][..], &length.to_le_bytes(), b"text"].concat();
                bytes.resize(size, 0);
                bytes
            };
            vec![
                input("cover", vec![0; 1 << 10]),
                input("end", piece(1, 4, 1 << 10)),
                input("part-too-short", piece(2, 4, 1 << 10)),
                input("wide", piece(1, 4, 1 << 12)),
                input("more-than-there-is", piece(1, 1 << 20, 1 << 10)),
            ]
        }
        "link_request" => {
            let key = secret(b'a').public().signing_bytes();
            vec![
                input("meeting", [&[1; 33][..], &key].concat()),
                input("small-order", [&[1; 33][..], &[0; 32]].concat()),
            ]
        }
        "link_head" => vec![
            input("page", "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"),
            input(
                "upgrade",
                "GET /x HTTP/1.1\r\nHost: example.org\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            ),
            input("old", "GET / HTTP/1.0\r\n\r\n"),
            input("form", "POST / HTTP/1.1\r\nHost: example.org\r\nContent-Length: 3\r\n\r\na=b"),
            input("hostless", "GET / HTTP/1.1\r\n\r\n"),
            input(
                "many",
                "HEAD / HTTP/1.1\r\nHost: example.org\r\n".to_owned() + &"A: b\r\n".repeat(70) + "\r\n",
            ),
        ],
        _ => return None,
    })
}
