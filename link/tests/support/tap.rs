//! A tap on a connection, and checks of the recorded bytes.

use super::look::{Tape, Way};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, tcp};

/// A proxy to `server` for one connection, and the bytes that pass through it.
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
