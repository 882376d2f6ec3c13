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

use rand_core::{CryptoRng, RngCore};

use super::authenticated_bits::Shares;
use super::chunk::Chunk;
use super::error::SessionError;
use super::masks::{End, Noted, Start, Supply, first_pass};
use super::party::Preparation;
use crate::channel::Channel;
use crate::program::Program;

/// A first pass that advances by chunks.
pub(super) trait FirstPass<C, R> {
    /// Notes the masks at all gates of a chunk; with the last chunk, the masks of the outputs come too.
    ///
    /// # Errors
    /// If the program fails, the connection fails or the peer is caught deviating.
    fn note(
        &mut self,
        preparation: &mut Preparation<'_, C, R>,
        chunk: Chunk,
    ) -> Result<(Noted, Option<Shares>), SessionError>;
}

/// The first pass of a program of one chunk, on this thread.
pub(super) struct Here<'p, P>(pub(super) &'p P);

impl<P: Program, C: Channel, R: RngCore + CryptoRng> FirstPass<C, R> for Here<'_, P> {
    fn note(
        &mut self,
        preparation: &mut Preparation<'_, C, R>,
        chunk: Chunk,
    ) -> Result<(Noted, Option<Shares>), SessionError> {
        let inputs = preparation.first_inputs()?;
        let End { noted, outputs } = first_pass(self.0, Start { chunk, inputs }, preparation)?;
        Ok((noted, Some(outputs)))
    }
}

impl<C: Channel, R: RngCore + CryptoRng> Supply for &mut Preparation<'_, C, R> {
    fn chunk(&mut self, _: Noted) -> Result<Chunk, SessionError> {
        Err(SessionError::Unsteady)
    }

    fn inputs(&mut self, stream: usize, bits: usize) -> Result<Shares, SessionError> {
        self.more_inputs(stream, bits)
    }
}

/// What the first pass asks for.
enum Request {
    Inputs { stream: usize, bits: usize },
    Chunk(Noted),
    End(Result<End, SessionError>),
}

/// What it gets.
enum Answer {
    Start(Start),
    Inputs(Shares),
    Chunk(Chunk),
}

/// The first pass on another thread, as the second pass sees it.
pub(super) struct There {
    to: SyncSender<Answer>,
    from: Receiver<Request>,
    started: bool,
}

/// The other end: the thread of the first pass.
pub(super) struct Worker {
    from: Receiver<Answer>,
    to: SyncSender<Request>,
}

/// Both ends of a hand-over.
pub(super) fn hand_over() -> (There, Worker) {
    let ((to, from_second), (to_second, from)) = (sync_channel(1), sync_channel(1));
    (There { to, from, started: false }, Worker { from: from_second, to: to_second })
}

impl Worker {
    /// Runs the first pass until it ends or the second pass has ended.
    pub(super) fn work(self, program: &impl Program) {
        if let Ok(Answer::Start(start)) = self.from.recv() {
            let end = first_pass(program, start, &self);
            // If the second pass does not wait, it has failed, and says why.
            let _ = self.to.send(Request::End(end));
        }
    }

    /// Asks and waits; `None` if the second pass has ended.
    fn ask(&self, request: Request) -> Option<Answer> {
        self.to.send(request).ok()?;
        self.from.recv().ok()
    }
}

impl Supply for &Worker {
    fn chunk(&mut self, noted: Noted) -> Result<Chunk, SessionError> {
        match self.ask(Request::Chunk(noted)) {
            Some(Answer::Chunk(chunk)) => Ok(chunk),
            _ => Err(SessionError::Unsteady),
        }
    }

    fn inputs(&mut self, stream: usize, bits: usize) -> Result<Shares, SessionError> {
        match self.ask(Request::Inputs { stream, bits }) {
            Some(Answer::Inputs(masks)) => Ok(masks),
            _ => Err(SessionError::Unsteady),
        }
    }
}

impl<C: Channel, R: RngCore + CryptoRng> FirstPass<C, R> for There {
    fn note(
        &mut self,
        preparation: &mut Preparation<'_, C, R>,
        chunk: Chunk,
    ) -> Result<(Noted, Option<Shares>), SessionError> {
        let mut answer = if core::mem::replace(&mut self.started, true) {
            Answer::Chunk(chunk)
        } else {
            Answer::Start(Start { chunk, inputs: preparation.first_inputs()? })
        };
        loop {
            // A thread that is gone has panicked, which is a bug in the program.
            self.to.send(answer).map_err(|_| SessionError::Unsteady)?;
            match self.from.recv().map_err(|_| SessionError::Unsteady)? {
                Request::Inputs { stream, bits } => {
                    answer = Answer::Inputs(preparation.more_inputs(stream, bits)?);
                }
                Request::Chunk(noted) => return Ok((noted, None)),
                Request::End(end) => return end.map(|End { noted, outputs }| (noted, Some(outputs))),
            }
        }
    }
}
