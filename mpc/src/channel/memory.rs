//! Two connected ends of a stream in memory: a socket for tests, and for both parties in one process.
//!
//! Each direction buffers at most 256 KiB; a writer waits for the reader, as with a socket. Dropping one end
//! closes both directions: the peer can still read earlier messages, and its writes fail.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::Framed;

/// Bytes that one direction buffers.
const CAPACITY: usize = 1 << 18;

#[derive(Debug, Default)]
struct Queue {
    bytes: VecDeque<u8>,
    closed: bool,
}

#[derive(Debug, Default)]
struct Direction {
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl Direction {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the queue is `ready`.
    fn wait(&self, ready: impl Fn(&Queue) -> bool) -> MutexGuard<'_, Queue> {
        let waited = self.changed.wait_while(self.lock(), |queue| !ready(queue));
        waited.unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }
}

/// One end of a two-way byte stream in memory.
#[derive(Debug)]
pub struct Pipe {
    incoming: Arc<Direction>,
    outgoing: Arc<Direction>,
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut queue = self.incoming.wait(|queue| queue.closed || !queue.bytes.is_empty());
        let n = queue.bytes.read(into)?;
        drop(queue);
        self.incoming.changed.notify_all();
        Ok(n)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut queue = self.outgoing.wait(|queue| queue.closed || queue.bytes.len() < CAPACITY);
        if queue.closed {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let n = bytes.len().min(CAPACITY - queue.bytes.len());
        queue.bytes.extend(bytes.iter().take(n));
        drop(queue);
        self.outgoing.changed.notify_all();
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.incoming.close();
        self.outgoing.close();
    }
}

/// The two ends of a byte stream in memory.
#[must_use]
pub fn pipe_pair() -> (Pipe, Pipe) {
    let (there, back) = (Arc::new(Direction::default()), Arc::new(Direction::default()));
    let near = Pipe { incoming: Arc::clone(&back), outgoing: Arc::clone(&there) };
    (near, Pipe { incoming: there, outgoing: back })
}

/// The two ends of a [`Channel`](super::Channel) in memory.
#[must_use]
pub fn memory_pair() -> (Framed<Pipe>, Framed<Pipe>) {
    let (near, far) = pipe_pair();
    (Framed::new(near), Framed::new(far))
}
