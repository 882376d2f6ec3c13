//! What an observer sees of a connection: a censor's rules, a capture for network tools, and the verdict of
//! nDPI.
//!
//! A file of its own, because the tests of whole nodes (`cli/tests/node.rs`) use it too.

use std::io::Write;
use std::process::Command;
use std::sync::{Arc, Mutex};

/// The direction of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    ToServer,
    ToClient,
}

/// The recorded bytes, in order.
pub type Tape = Arc<Mutex<Vec<(Way, Vec<u8>)>>>;

/// All bytes of one direction.
pub fn bytes(tape: &Tape, way: Way) -> Vec<u8> {
    tape.lock().unwrap().iter().filter(|(w, _)| *w == way).flat_map(|(_, b)| b.clone()).collect()
}

/// Whether the first payloads of both sides pass the rule against fully encrypted traffic.
pub fn is_inconspicuous(tape: &Tape) -> bool {
    let tape = tape.lock().unwrap();
    let first = |way: Way| tape.iter().find(|(w, _)| *w == way).map(|(_, bytes)| is_exempt(bytes));
    [Way::ToServer, Way::ToClient].map(first) == [Some(true); 2]
}

/// Whether a first payload passes the rule that detects fully encrypted traffic (Wu et al., USENIX Security
/// 2023).
pub fn is_exempt(payload: &[u8]) -> bool {
    let printable = |b: &u8| (0x20..=0x7e).contains(b);
    let bits = payload.iter().map(|b| b.count_ones()).sum::<u32>() as f64 / payload.len() as f64;
    let longest = payload.split(|b| !printable(b)).map(<[u8]>::len).max().unwrap_or(0);
    bits <= 3.4
        || bits >= 4.6
        || payload.len() >= 6 && payload[..6].iter().all(printable)
        || 2 * payload.iter().filter(|b| printable(b)).count() > payload.len()
        || longest > 20
        || matches!(payload, [0x16 | 0x17, 3, 0..=9, ..])
        || [&b"GET "[..], b"POST", b"PUT ", b"HEAD"].iter().any(|m| payload.starts_with(m))
}

/// The tape as a pcap file of one TCP connection to `port`, without checksums.
pub fn pcap(tape: &Tape, port: u16) -> Vec<u8> {
    // Little-endian, version 2.4, snapshot length 65535, raw IP.
    let mut file = [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 0xffff, 101].map(u32::to_le_bytes).concat();
    let (mut sequence, mut time) = ([1000u32, 5000], 0u32);
    let mut packet = |way: Way, flags: u8, data: &[u8]| {
        let us = way as usize;
        let ends = [([127u8, 0, 0, 2], 40_000u16), ([127, 0, 0, 1], port)];
        let (from, to) = (ends[us], ends[1 - us]);
        let length = (40 + data.len()) as u16;
        let mut bytes = vec![0x45, 0, (length >> 8) as u8, length as u8, 0, 0, 0x40, 0, 64, 6, 0, 0];
        bytes.extend([from.0, to.0].concat());
        bytes.extend([from.1.to_be_bytes(), to.1.to_be_bytes()].concat());
        bytes.extend([sequence[us].to_be_bytes(), sequence[1 - us].to_be_bytes()].concat());
        bytes.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        bytes.extend(data);
        let size = bytes.len() as u32;
        time += 1000;
        file.extend([time / 1_000_000, time % 1_000_000, size, size].map(u32::to_le_bytes).concat());
        file.extend(bytes);
        sequence[us] += data.len() as u32 + u32::from(flags & 2 != 0);
    };
    let (syn, ack) = (0x02, 0x10);
    packet(Way::ToServer, syn, &[]);
    packet(Way::ToClient, syn | ack, &[]);
    packet(Way::ToServer, ack, &[]);
    for (way, data) in tape.lock().unwrap().iter() {
        data.chunks(1400).for_each(|part| packet(*way, 0x18, part));
    }
    file
}

/// Reports a skipped test on stderr, which is shown even for tests that pass.
pub fn skip(missing: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {missing} is not installed");
}

/// The verdict of nDPI on the tape as a connection to port 443; `None` if it is not installed.
pub fn ndpi(tape: &Tape) -> Option<String> {
    if Command::new("ndpiReader").arg("-h").output().is_err() {
        skip("ndpiReader (Debian's libndpi-bin)");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("capture.pcap");
    std::fs::write(&file, pcap(tape, 443)).unwrap();
    let output = Command::new("ndpiReader").args(["-v", "2", "-i"]).arg(&file).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let flow = text.lines().find(|l| l.contains("127.0.0.1:443"));
    Some(flow.unwrap_or_else(|| panic!("no flow: {text}")).to_owned())
}
