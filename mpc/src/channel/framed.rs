//! A channel over any byte stream.
//!
//! ```text
//! frame = phase u8 ‖ length u32, little-endian, 1 to MAX_PAYLOAD ‖ payload
//! ```
//!
//! Bytes of one phase are collected until the frame is full (64 KiB), the phase changes, or the caller
//! flushes. So the bytes on the wire depend on what is sent and where it is flushed, not on how it was
//! divided into calls. Full frames are written four at a time. All buffered bytes are sent before receiving
//! starts: our buffer never makes two peers wait for each other.
//!
//! Memory: an outbox of 320 KiB and an inbox of 64 KiB, independent of the amount of data. Payloads are passed on as they
//! arrive, so the peer's lengths never decide how much is allocated.

use std::io::{ErrorKind, IoSliceMut, Read, Write};

use super::{Channel, ChannelError, MAX_PAYLOAD, Phase};

/// Bytes of a frame's header.
const FRAME_HEADER: usize = 5;
/// Payload bytes at which the sender closes a frame.
const FULL: usize = 1 << 16;
/// Bytes of closed frames that are written at once: each write may wake the peer, which costs more than a frame's copy.
const WRITTEN: usize = 1 << 18;
/// Payloads for which the caller has room for this many bytes bypass the inbox.
const LARGE: usize = 1 << 13;

/// The bytes that a connection has carried, headers included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes sent.
    pub sent: u64,
    /// Bytes received.
    pub received: u64,
}

/// A [`Channel`] over a byte stream.
#[derive(Debug)]
pub struct Framed<S> {
    stream: S,
    /// Closed frames, followed by at most one open frame.
    outbox: Vec<u8>,
    /// The phase of the open frame and the offset of its header.
    open: Option<(Phase, usize)>,
    /// Bytes read ahead: `inbox[start..end]` is unread.
    inbox: Vec<u8>,
    start: usize,
    end: usize,
    /// The phase of the frame being read and the number of payload bytes left in it.
    incoming: Option<(Phase, usize)>,
    last_sent: Phase,
    traffic: Traffic,
}

impl<S: Read + Write> Framed<S> {
    /// A channel over `stream`, which must be blocking.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            outbox: Vec::with_capacity(WRITTEN + FULL + FRAME_HEADER),
            open: None,
            inbox: vec![0; FULL + FRAME_HEADER],
            start: 0,
            end: 0,
            incoming: None,
            last_sent: Phase::Hello,
            traffic: Traffic::default(),
        }
    }

    /// The bytes carried so far; bytes that were read ahead count when they are received.
    pub fn traffic(&self) -> Traffic {
        let ahead = (self.end - self.start) as u64;
        Traffic { received: self.traffic.received - ahead, ..self.traffic }
    }

    /// The underlying stream.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The underlying stream, for instance to set its timeouts. Reading from it or writing to it breaks the
    /// framing.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Returns the underlying stream; bytes that were not flushed are lost.
    pub fn into_inner(self) -> S {
        self.stream
    }

    /// The same channel over a stream that `change` makes of this one, for instance to count what passes.
    /// Bytes that were read ahead or are buffered stay.
    pub fn map<T: Read + Write>(self, change: impl FnOnce(S) -> T) -> Framed<T> {
        let Self { stream, outbox, open, inbox, start, end, incoming, last_sent, traffic } = self;
        let stream = change(stream);
        Framed { stream, outbox, open, inbox, start, end, incoming, last_sent, traffic }
    }

    fn close_frame(&mut self) {
        if let Some((phase, at)) = self.open.take() {
            let length = self.outbox.len() - at - FRAME_HEADER;
            let [a, b, c, d] = (length as u32).to_le_bytes();
            let header = [phase.code(), a, b, c, d];
            if let Some(place) = self.outbox.get_mut(at..at + FRAME_HEADER) {
                place.copy_from_slice(&header);
            }
        }
    }

    fn write_out(&mut self) -> Result<(), ChannelError> {
        let written = self.stream.write_all(&self.outbox).and_then(|()| self.stream.flush());
        written.map_err(|e| failure(self.last_sent, e.kind()))?;
        self.traffic.sent += self.outbox.len() as u64;
        self.outbox.clear();
        Ok(())
    }

    /// Reads at least one byte from the stream, into the first bytes of the inbox and then into other bytes.
    fn read(&mut self, phase: Phase, first: usize, then: &mut [u8]) -> Result<usize, ChannelError> {
        let first = self.inbox.get_mut(..first).unwrap_or_default();
        let mut parts = [IoSliceMut::new(first), IoSliceMut::new(then)];
        loop {
            match self.stream.read_vectored(&mut parts) {
                Ok(0) => return Err(ChannelError::Closed { phase }),
                Ok(n) => {
                    self.traffic.received += n as u64;
                    return Ok(n);
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(failure(phase, e.kind())),
            }
        }
    }

    /// The unread bytes of the inbox; reads from the stream if there are none.
    fn unread(&mut self, phase: Phase) -> Result<&[u8], ChannelError> {
        if self.start == self.end {
            (self.start, self.end) = (0, self.read(phase, self.inbox.len(), &mut [])?);
        }
        Ok(self.inbox.get(self.start..self.end).unwrap_or_default())
    }

    /// Up to `into.len()` bytes from the inbox.
    fn take(&mut self, phase: Phase, into: &mut [u8]) -> Result<usize, ChannelError> {
        let unread = self.unread(phase)?;
        let n = unread.len().min(into.len());
        for (to, from) in into.iter_mut().zip(unread) {
            *to = *from;
        }
        self.start += n;
        Ok(n)
    }

    /// The number of payload bytes left in the current frame, which must be of phase `expected`. Reads the
    /// next header if no frame is open.
    fn payload(&mut self, expected: Phase) -> Result<usize, ChannelError> {
        let (received, left) = match self.incoming {
            Some(incoming) => incoming,
            None => self.next_frame(expected)?,
        };
        if received == expected { Ok(left) } else { Err(ChannelError::OutOfPhase { expected, received }) }
    }

    fn next_frame(&mut self, expected: Phase) -> Result<(Phase, usize), ChannelError> {
        let mut header = [0; FRAME_HEADER];
        let mut filled = 0;
        while let Some(rest @ [_, ..]) = header.get_mut(filled..) {
            filled += self.take(expected, rest)?;
        }
        let [code, a, b, c, d] = header;
        let length = u32::from_le_bytes([a, b, c, d]);
        let phase = Phase::from_code(code).ok_or(ChannelError::UnknownPhase { expected, code })?;
        if length == 0 || length as usize > MAX_PAYLOAD {
            return Err(ChannelError::FrameLength { phase, length });
        }
        self.incoming = Some((phase, length as usize));
        Ok((phase, length as usize))
    }

    /// Reads a header and, with one call where the stream can, payload straight into the caller's buffer. Bytes behind
    /// the frame are kept in the inbox, which is empty.
    fn receive_frame(&mut self, phase: Phase, into: &mut [u8]) -> Result<usize, ChannelError> {
        let room = into.len().min(FULL);
        let into = into.get_mut(..room).unwrap_or_default();
        let read = self.read(phase, FRAME_HEADER, into)?;
        (self.start, self.end) = (0, read.min(FRAME_HEADER));
        let (left, came) = (self.payload(phase)?, read.saturating_sub(FRAME_HEADER));
        if came == 0 {
            return self.receive_some(phase, into);
        }
        let n = came.min(left);
        let behind = into.get(n..came).unwrap_or_default();
        if let Some(place) = self.inbox.get_mut(..behind.len()) {
            place.copy_from_slice(behind);
            (self.start, self.end) = (0, behind.len());
        }
        self.incoming = (left > n).then_some((phase, left - n));
        Ok(n)
    }
}

impl<S: Read + Write> Channel for Framed<S> {
    fn send(&mut self, phase: Phase, mut bytes: &[u8]) -> Result<(), ChannelError> {
        self.last_sent = phase;
        while !bytes.is_empty() {
            if self.open.is_some_and(|(open, _)| open != phase) {
                self.close_frame();
            }
            let (_, at) = *self.open.get_or_insert_with(|| {
                self.outbox.extend_from_slice(&[0; FRAME_HEADER]);
                (phase, self.outbox.len() - FRAME_HEADER)
            });
            let room = FULL - (self.outbox.len() - at - FRAME_HEADER);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.outbox.extend_from_slice(now);
            bytes = later;
            if now.len() == room {
                self.close_frame();
                if self.outbox.len() >= WRITTEN {
                    self.write_out()?;
                }
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ChannelError> {
        self.close_frame();
        if self.outbox.is_empty() { Ok(()) } else { self.write_out() }
    }

    fn receive_some(&mut self, phase: Phase, into: &mut [u8]) -> Result<usize, ChannelError> {
        if into.is_empty() {
            return Ok(0);
        }
        self.flush()?;
        let direct = self.start == self.end && into.len() >= LARGE;
        if direct && self.incoming.is_none() {
            return self.receive_frame(phase, into);
        }
        let left = self.payload(phase)?;
        let wanted = left.min(into.len());
        let into = into.get_mut(..wanted).unwrap_or_default();
        let n = if direct { self.read(phase, 0, into)? } else { self.take(phase, into)? };
        self.incoming = (left > n).then_some((phase, left - n));
        Ok(n)
    }
}

/// The channel error for an error of the stream.
fn failure(phase: Phase, kind: ErrorKind) -> ChannelError {
    use ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionReset, InvalidData, NotConnected, TimedOut, UnexpectedEof,
        WouldBlock, WriteZero,
    };
    match kind {
        TimedOut | WouldBlock => ChannelError::TimedOut { phase },
        // Encrypted streams report this for bytes that fail authentication.
        InvalidData => ChannelError::Altered { phase },
        BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof | WriteZero => {
            ChannelError::Closed { phase }
        }
        kind => ChannelError::Io { phase, kind },
    }
}

#[cfg(test)]
mod tests {
    use super::super::{memory_pair, pipe_pair};
    use super::*;

    /// All frames that `calls` produce, as one stream.
    fn bytes_of(calls: &[(Phase, &[u8])]) -> Vec<u8> {
        let (near, mut far) = pipe_pair();
        let mut channel = Framed::new(near);
        for (phase, bytes) in calls {
            channel.send(*phase, bytes).unwrap();
        }
        channel.flush().unwrap();
        drop(channel);
        let mut all = Vec::new();
        far.read_to_end(&mut all).unwrap();
        all
    }

    /// The result of reading these bytes in `phase`.
    fn read_from(bytes: &[u8], phase: Phase) -> Result<(), ChannelError> {
        let (mut near, far) = pipe_pair();
        near.write_all(bytes).unwrap();
        drop(near);
        Framed::new(far).receive(phase, &mut [0; 4])
    }

    #[test]
    fn what_was_read_ahead_stays_when_the_stream_is_changed() {
        let (mut near, far) = pipe_pair();
        near.write_all(&bytes_of(&[(Phase::Hello, b"ab"), (Phase::Tables, b"cd")])).unwrap();
        let mut channel = Framed::new(far);
        let mut read = [0; 2];
        channel.receive(Phase::Hello, &mut read).unwrap();
        let mut channel = channel.map(|stream| stream);
        channel.receive(Phase::Tables, &mut read).unwrap();
        assert_eq!(&read, b"cd");
    }

    #[test]
    fn what_was_read_ahead_is_counted_when_it_is_received() {
        let (mut near, far) = pipe_pair();
        near.write_all(&bytes_of(&[(Phase::Hello, b"ab"), (Phase::Tables, b"cd")])).unwrap();
        let mut channel = Framed::new(far);
        channel.receive(Phase::Hello, &mut [0; 2]).unwrap();
        assert_eq!(channel.traffic().received, (FRAME_HEADER + 2) as u64);
    }

    #[test]
    fn how_calls_are_cut_does_not_show() {
        let whole = bytes_of(&[(Phase::Tables, b"abcdef"), (Phase::Outputs, b"g")]);
        let cut = bytes_of(&[
            (Phase::Tables, b"ab"),
            (Phase::Tables, b""),
            (Phase::Tables, b"cdef"),
            (Phase::Outputs, b"g"),
        ]);
        assert_eq!(whole, cut);
        assert_eq!(whole, b"\x05\x06\0\0\0abcdef\x06\x01\0\0\0g");
    }

    #[test]
    fn large_messages_become_full_frames_and_arrive_whole() {
        let (mut a, mut b) = memory_pair();
        let sent: Vec<u8> = (0..300_000u32).map(|i| i as u8 ^ (i >> 8) as u8).collect();
        let expected = sent.clone();
        let sender = std::thread::spawn(move || {
            a.send(Phase::Tables, &sent).unwrap();
            a.flush().unwrap();
            a.traffic()
        });
        let mut received = vec![0; expected.len()];
        for chunk in received.chunks_mut(7_777) {
            b.receive(Phase::Tables, chunk).unwrap();
        }
        assert_eq!(received, expected);
        let traffic = sender.join().unwrap();
        assert_eq!(traffic.sent, 300_000 + 5 * FRAME_HEADER as u64);
        assert_eq!(b.traffic().received, traffic.sent);
    }

    #[test]
    fn full_frames_are_written_four_at_a_time_and_the_rest_when_flushed() {
        struct Sizes(Vec<usize>);
        impl Read for Sizes {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Ok(0)
            }
        }
        impl Write for Sizes {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.push(bytes.len());
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let mut channel = Framed::new(Sizes(Vec::new()));
        let room = channel.outbox.capacity();
        for _ in 0..5 {
            channel.send(Phase::Tables, &vec![7; FULL]).unwrap();
        }
        channel.send(Phase::Tables, &[7; 2]).unwrap();
        assert_eq!(channel.get_ref().0, [4 * (FULL + FRAME_HEADER)]);
        channel.flush().unwrap();
        assert_eq!(channel.get_ref().0[1..], [FULL + 2 + 2 * FRAME_HEADER]);
        assert_eq!(channel.outbox.capacity(), room);
    }

    /// A stream that gives at most so many bytes at once, to one buffer or to several.
    struct Crumbs(std::io::Cursor<Vec<u8>>, u64);

    impl Read for Crumbs {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            (&mut self.0).take(self.1).read(into)
        }

        fn read_vectored(&mut self, into: &mut [IoSliceMut<'_>]) -> std::io::Result<usize> {
            let (mut n, most) = (0, self.1);
            for part in into {
                n += (&mut self.0).take(most - n as u64).read(part)?;
            }
            Ok(n)
        }
    }

    impl Write for Crumbs {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// Frames shorter and longer than the caller's room, which is on both sides of what bypasses the inbox.
    #[test]
    fn however_the_stream_is_cut_the_same_bytes_arrive() {
        let payload: Vec<u8> = (0..60_000u32).map(|i| (i % 251) as u8).collect();
        let mut bytes = Vec::new();
        for (i, part) in [3, 9_000, 40_000, 1, 10_000, 996].iter().scan(0, |at, n| {
            *at += n;
            Some((*at, *n))
        }) {
            bytes.extend(bytes_of(&[(Phase::Tables, &payload[i - part..i])]));
        }
        for at_once in [1, 4, 5, 6, 9_004, 9_006, 16_384, u64::MAX] {
            for room in [LARGE - 1, LARGE, 20_000, 70_000] {
                let mut channel = Framed::new(Crumbs(std::io::Cursor::new(bytes.clone()), at_once));
                let (mut received, mut into) = (Vec::new(), vec![0; room]);
                while received.len() < payload.len() {
                    let n = channel.receive_some(Phase::Tables, &mut into).unwrap();
                    received.extend_from_slice(&into[..n]);
                }
                assert_eq!(received, payload, "{at_once} bytes at once, room for {room}");
                assert_eq!(channel.traffic().received, bytes.len() as u64);
            }
        }
    }

    #[test]
    fn a_foreign_phase_is_named_with_the_awaited_one() {
        let bytes = bytes_of(&[(Phase::Outputs, b"late")]);
        let error = ChannelError::OutOfPhase { expected: Phase::Tables, received: Phase::Outputs };
        assert_eq!(read_from(&bytes, Phase::Tables), Err(error));
    }

    #[test]
    fn garbage_truncation_and_hang_up_are_errors_with_their_phase() {
        let phase = Phase::Inputs;
        let unknown = ChannelError::UnknownPhase { expected: phase, code: 99 };
        assert_eq!(read_from(&[99, 4, 0, 0, 0], phase), Err(unknown));
        let long = ChannelError::FrameLength { phase, length: u32::MAX };
        assert_eq!(read_from(&[4, 255, 255, 255, 255], phase), Err(long));
        let empty = ChannelError::FrameLength { phase, length: 0 };
        assert_eq!(read_from(&[4, 0, 0, 0, 0], phase), Err(empty));
        for cut in [&[][..], &[4, 4], &[4, 4, 0, 0, 0, 1, 2, 3]] {
            assert_eq!(read_from(cut, phase), Err(ChannelError::Closed { phase }));
        }
    }

    #[test]
    fn sending_to_a_peer_that_left_is_an_error() {
        let (mut a, b) = memory_pair();
        drop(b);
        let sent = a.send(Phase::Tables, &[0; 1 << 20]).and_then(|()| a.flush());
        assert_eq!(sent, Err(ChannelError::Closed { phase: Phase::Tables }));
    }
}
