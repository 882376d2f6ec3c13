//! A tap on a connection: what went through it, and as a capture that network tools read.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, tcp};

/// Which way bytes went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    ToServer,
    ToClient,
}

/// What went through, in order.
pub type Tape = Arc<Mutex<Vec<(Way, Vec<u8>)>>>;

/// A detour to `server` for one connection.
pub async fn tap(server: SocketAddr) -> (SocketAddr, Tape) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, tape) = (listener.local_addr().unwrap(), Tape::default());
    let recorded = tape.clone();
    tokio::spawn(async move {
        let (near_read, near_write) = listener.accept().await.unwrap().0.into_split();
        let (far_read, far_write) = TcpStream::connect(server).await.unwrap().into_split();
        tokio::spawn(record(near_read, far_write, Way::ToServer, recorded.clone()));
        record(far_read, near_write, Way::ToClient, recorded).await;
    });
    (address, tape)
}

async fn record(mut from: tcp::OwnedReadHalf, mut to: tcp::OwnedWriteHalf, way: Way, tape: Tape) {
    let mut buffer = [0; 1 << 14];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        tape.lock().unwrap().push((way, buffer[..n].to_vec()));
        if to.write_all(&buffer[..n]).await.is_err() {
            break;
        }
    }
}

/// All bytes that went one way.
pub fn bytes(tape: &Tape, way: Way) -> Vec<u8> {
    tape.lock().unwrap().iter().filter(|(w, _)| *w == way).flat_map(|(_, b)| b.clone()).collect()
}

/// The rule by which fully encrypted traffic is found and blocked (Wu et al., USENIX Security 2023): whether a first payload
/// would pass.
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
