//! The first pass beside the second: on the same thread, or on one of its own.
//!
//! A program of one chunk runs through its first pass, and then through its second ([`Here`]). A longer one
//! is in the middle of both at once, so its first pass has a thread ([`There`]). The two threads take turns:
//! one of them waits while the other works, and only the thread of the second pass has the channel, Δ and the
//! source of randomness. So the bytes of a session do not depend on how the threads are scheduled.
//!
//! ```text
//! second pass (channel)                        first pass
//!        ── first masks of inputs, chunk 0 ─────►
//!        ◄── needs masks of inputs ────────────        as often as it reads beyond its blocks
//!        ── masks ─────────────────────────────►
//!        ◄── chunk 0, all gates noted ─────────
//!   second pass of chunk 0, random bits of chunk 1
//!        ── chunk 1 ───────────────────────────►        and so on
//!        ◄── last chunk, masks of outputs ─────
//! ```
//!
//! If either side ends early, its end of the hand-over is dropped, and the other stops with an error.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::error::SessionError;
use super::masks::{End, ListOf, Noted, Notes, Start, Supply, first_pass};
use crate::program::Program;

/// What the thread with the channel gives the first pass.
pub(super) trait Source<const N: usize> {
    type Notes: Notes<N>;

    /// Masks of the first bits of each input stream.
    ///
    /// # Errors
    /// If the connection fails or a peer is caught deviating.
    fn first_inputs(&mut self) -> Result<Vec<ListOf<N, Self::Notes>>, SessionError>;

    /// Masks of at least this many further bits of an input stream.
    ///
    /// # Errors
    /// As [`first_inputs`](Self::first_inputs), and if the stream has not as many.
    fn more_inputs(&mut self, stream: usize, bits: usize) -> Result<ListOf<N, Self::Notes>, SessionError>;
}

/// A chunk whose gates are noted, and with the last one the masks of the outputs.
pub(super) type NotedChunk<const N: usize, K> = (Noted<K>, Option<ListOf<N, K>>);

/// A first pass that advances by chunks.
pub(super) trait FirstPass<const N: usize, S: Source<N>> {
    /// Notes the masks at all gates of a chunk; with the last chunk, the masks of the outputs come too.
    ///
    /// # Errors
    /// If the program fails, the connection fails or a peer is caught deviating.
    fn note(&mut self, source: &mut S, chunk: S::Notes) -> Result<NotedChunk<N, S::Notes>, SessionError>;
}

/// The first pass of a program of one chunk, on this thread.
pub(super) struct Here<'p, P>(pub(super) &'p P);

impl<const N: usize, P: Program, S: Source<N>> FirstPass<N, S> for Here<'_, P> {
    fn note(&mut self, source: &mut S, chunk: S::Notes) -> Result<NotedChunk<N, S::Notes>, SessionError> {
        let inputs = source.first_inputs()?;
        let End { noted, outputs } = first_pass(self.0, Start { chunk, inputs }, &mut OneChunk(source))?;
        Ok((noted, Some(outputs)))
    }
}

/// A source of which a program of one chunk takes.
struct OneChunk<'s, S>(&'s mut S);

impl<const N: usize, S: Source<N>> Supply<N, S::Notes> for OneChunk<'_, S> {
    fn chunk(&mut self, _: Noted<S::Notes>) -> Result<S::Notes, SessionError> {
        Err(SessionError::Unsteady)
    }

    fn inputs(&mut self, stream: usize, bits: usize) -> Result<ListOf<N, S::Notes>, SessionError> {
        self.0.more_inputs(stream, bits)
    }
}

/// What the first pass asks for.
enum Request<K, L> {
    Inputs { stream: usize, bits: usize },
    Chunk(Noted<K>),
    End(Result<End<K, L>, SessionError>),
}

/// What it gets.
enum Answer<K, L> {
    Start(Start<K, L>),
    Inputs(L),
    Chunk(K),
}

/// The first pass on another thread, as the second pass sees it.
pub(super) struct There<K, L> {
    to: SyncSender<Answer<K, L>>,
    from: Receiver<Request<K, L>>,
    started: bool,
}

/// The other end: the thread of the first pass.
pub(super) struct Worker<K, L> {
    from: Receiver<Answer<K, L>>,
    to: SyncSender<Request<K, L>>,
}

/// Both ends of a hand-over.
pub(super) fn hand_over<K, L>() -> (There<K, L>, Worker<K, L>) {
    let ((to, from_second), (to_second, from)) = (sync_channel(1), sync_channel(1));
    (There { to, from, started: false }, Worker { from: from_second, to: to_second })
}

impl<K, L> Worker<K, L> {
    /// Runs the first pass until it ends or the second pass has ended.
    pub(super) fn work<const N: usize>(self, program: &impl Program)
    where
        K: Notes<N, List = L>,
    {
        if let Ok(Answer::Start(start)) = self.from.recv() {
            let end = first_pass(program, start, &mut &self);
            // If the second pass does not wait, it has failed, and says why.
            let _ = self.to.send(Request::End(end));
        }
    }

    /// Asks and waits; `None` if the second pass has ended.
    fn ask(&self, request: Request<K, L>) -> Option<Answer<K, L>> {
        self.to.send(request).ok()?;
        self.from.recv().ok()
    }
}

impl<const N: usize, K: Notes<N>> Supply<N, K> for &Worker<K, K::List> {
    fn chunk(&mut self, noted: Noted<K>) -> Result<K, SessionError> {
        match self.ask(Request::Chunk(noted)) {
            Some(Answer::Chunk(chunk)) => Ok(chunk),
            _ => Err(SessionError::Unsteady),
        }
    }

    fn inputs(&mut self, stream: usize, bits: usize) -> Result<K::List, SessionError> {
        match self.ask(Request::Inputs { stream, bits }) {
            Some(Answer::Inputs(masks)) => Ok(masks),
            _ => Err(SessionError::Unsteady),
        }
    }
}

impl<const N: usize, S: Source<N>> FirstPass<N, S> for There<S::Notes, ListOf<N, S::Notes>> {
    fn note(&mut self, source: &mut S, chunk: S::Notes) -> Result<NotedChunk<N, S::Notes>, SessionError> {
        let mut answer = if core::mem::replace(&mut self.started, true) {
            Answer::Chunk(chunk)
        } else {
            Answer::Start(Start { chunk, inputs: source.first_inputs()? })
        };
        loop {
            // A thread that is gone has panicked, which is a bug in the program.
            self.to.send(answer).map_err(|_| SessionError::Unsteady)?;
            match self.from.recv().map_err(|_| SessionError::Unsteady)? {
                Request::Inputs { stream, bits } => {
                    answer = Answer::Inputs(source.more_inputs(stream, bits)?);
                }
                Request::Chunk(noted) => return Ok((noted, None)),
                Request::End(end) => return end.map(|End { noted, outputs }| (noted, Some(outputs))),
            }
        }
    }
}
