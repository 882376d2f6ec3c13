//! The in-memory twin of a TCP connection, for tests and examples.
//!
//! Two ends share two byte queues. As with [`Tcp`](super::tcp), a read blocks until data arrive, the other
//! end is dropped or the deadline passes. Writes never block.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::tcp::after;
use crate::channel::{self, ChannelConfig, Pinned, Timed};
use crate::error::LinkError;
use crate::identity::Identity;
use crate::timeouts::Timeouts;

/// One direction of a connection.
#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    bytes: VecDeque<u8>,
    closed: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One end of a connection in memory.
#[derive(Debug)]
struct MemoryStream {
    incoming: Arc<Queue>,
    outgoing: Arc<Queue>,
    deadline: Instant,
}

impl MemoryStream {
    /// Both ends of a new connection.
    fn pair() -> [Self; 2] {
        let [a, b] = [(); 2].map(|()| Arc::<Queue>::default());
        let end = |incoming: &Arc<Queue>, outgoing: &Arc<Queue>| Self {
            incoming: incoming.clone(),
            outgoing: outgoing.clone(),
            deadline: after(Timeouts::default().connect),
        };
        [end(&a, &b), end(&b, &a)]
    }
}

impl Read for MemoryStream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut state = self.incoming.lock();
        while state.bytes.is_empty() && !state.closed {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            let woken = self.incoming.changed.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.bytes.read(into)
    }
}

impl Write for MemoryStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.outgoing.lock();
        if state.closed {
            return Err(ErrorKind::BrokenPipe.into());
        }
        state.bytes.extend(bytes);
        self.outgoing.changed.notify_all();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for MemoryStream {
    fn drop(&mut self) {
        for queue in [&self.incoming, &self.outgoing] {
            queue.lock().closed = true;
            queue.changed.notify_all();
        }
    }
}

impl Timed for MemoryStream {
    fn end_at(&mut self, deadline: Instant) {
        self.deadline = deadline;
    }

    fn end_in(&mut self, duration: Duration) {
        self.deadline = after(duration);
    }
}

/// Both ends of a pinned channel in memory, with the default [`Timeouts`]: the client's first.
///
/// The handshake and the encryption are those of [`connect`](super::tcp::connect) and
/// [`Listener`](super::listener::Listener); only the network is missing.
///
/// # Errors
/// [`LinkError`] if TLS cannot be configured on this machine.
pub fn in_memory(client: &Identity, server: &Identity, purpose: &str) -> Result<(Pinned, Pinned), LinkError> {
    let [near, far] = MemoryStream::pair();
    let timeouts = Timeouts::default();
    let config = channel::server_config(server, BTreeSet::from([client.peer_key()]), purpose)?;
    thread::scope(|scope| {
        let accepted = scope.spawn(|| channel::server(Box::new(far), config, purpose, timeouts));
        let config = ChannelConfig { us: client, peer: server.peer_key(), purpose, timeouts };
        let connected = channel::client(Box::new(near), &config)?;
        Ok((connected, accepted.join().unwrap_or(Err(LinkError::Closed))?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_end_closes_the_other() {
        let [mut a, mut b] = MemoryStream::pair();
        a.write_all(b"word").unwrap();
        drop(a);
        let mut text = String::new();
        b.read_to_string(&mut text).unwrap();
        assert_eq!(text, "word");
        assert_eq!(b.write(b"more").unwrap_err().kind(), ErrorKind::BrokenPipe);
    }

    #[test]
    fn a_read_ends_at_the_deadline() {
        let [mut a, _b] = MemoryStream::pair();
        a.end_in(Duration::from_millis(20));
        assert_eq!(a.read(&mut [0]).unwrap_err().kind(), ErrorKind::TimedOut);
    }
}
