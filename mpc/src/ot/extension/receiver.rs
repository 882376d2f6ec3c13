//! The receiver's side: it has choices `x_i` and gets `t_i = q_i ⊕ x_i·Δ`.

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::super::base::{self, Opening};
use super::super::ggm::grow;
use super::super::transpose::SIDE;
use super::super::vole::{CHUNK, Row, Streams};
use super::super::{Options, OtError, Sid};
use super::{Choices, append_columns, chunks, message};
use crate::block::Block;
use crate::channel::{Channel, Phase};

/// The receiver of correlated transfers (the evaluator).
///
/// Serves any number of calls in one session; cannot be cloned or stored, for a repeated stream position
/// would reveal choices.
pub struct Receiver {
    options: Options,
    streams: Streams,
    rows: Box<[Row; SIDE]>,
    live: bool,
}

impl Receiver {
    /// Sets up a session with a [`Sender`](super::Sender), with the default [`Options`].
    ///
    /// # Errors
    /// If the channel fails or the peer's messages cannot be right.
    pub fn setup(
        channel: &mut impl Channel,
        sid: &Sid,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, OtError> {
        Self::setup_with(channel, sid, Options::default(), rng)
    }

    /// Sets up a session.
    ///
    /// # Errors
    /// If the channel fails or the peer's messages cannot be right.
    pub fn setup_with(
        channel: &mut impl Channel,
        sid: &Sid,
        options: Options,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, OtError> {
        let opening = receive_opening(channel, options)?;
        let (z, base) = base::send(sid, &opening, rng)?;
        let mut keys = Zeroizing::new(Vec::new());
        let mut offers = Vec::new();
        for _ in 0..options.slice.trees() {
            let (leaves, pairs) = grow(Block::random(rng), options.slice.bits());
            keys.extend_from_slice(&leaves.keys);
            offers.extend(pairs);
        }
        channel.send(Phase::BaseOt, &z)?;
        for masked in base.mask(&offers).as_flattened() {
            channel.send(Phase::BaseOt, &masked.to_bytes())?;
        }
        channel.flush()?;
        Ok(Self {
            options,
            streams: Streams::new(options.slice, &keys),
            rows: Box::new([[Block::ZERO; CHUNK]; SIDE]),
            live: true,
        })
    }

    /// `t_i` for the given choices, one each.
    ///
    /// # Errors
    /// If the channel fails, or an earlier call failed.
    pub fn receive_correlated(
        &mut self,
        channel: &mut impl Channel,
        choices: &[bool],
    ) -> Result<Vec<Block>, OtError> {
        Ok(self.extend(channel, Choices::Chosen(choices))?.1)
    }

    /// `n` random choices and their `t_i`.
    ///
    /// # Errors
    /// If the channel fails, or an earlier call failed.
    pub fn receive_random(
        &mut self,
        channel: &mut impl Channel,
        n: usize,
    ) -> Result<(Vec<bool>, Vec<Block>), OtError> {
        let (x, t) = self.extend(channel, Choices::Random(n))?;
        let bits = x
            .iter()
            .flat_map(|x| (0..SIDE).map(|j| x.to_u128() >> j & 1 == 1));
        Ok((bits.take(n).collect(), t))
    }

    /// Runs one call: the choices in blocks, and `t`.
    fn extend(
        &mut self,
        channel: &mut impl Channel,
        choices: Choices<'_>,
    ) -> Result<(Zeroizing<Vec<Block>>, Vec<Block>), OtError> {
        if !core::mem::replace(&mut self.live, false) {
            return Err(OtError::Spent);
        }
        let blocks = choices.len().div_ceil(SIDE);
        let mut x = Zeroizing::new(Vec::with_capacity(blocks));
        let mut t = Vec::with_capacity(blocks * SIDE);
        for len in chunks(blocks) {
            self.chunk(channel, choices, len, &mut x)?;
            append_columns(&self.rows, len, &mut t);
        }
        channel.flush()?;
        t.truncate(choices.len());
        self.live = true;
        Ok((x, t))
    }

    /// Fills the rows for `len` blocks, sends their corrections and appends their choices to `x`.
    fn chunk(
        &mut self,
        channel: &mut impl Channel,
        choices: Choices<'_>,
        len: usize,
        x: &mut Vec<Block>,
    ) -> Result<(), OtError> {
        let (k, trees) = (self.options.slice.bits(), self.options.slice.trees());
        let at = self.streams.advance(len)?;
        let mut u = [Block::ZERO; CHUNK];
        let first = x.len();
        let mut corrections = message(trees, len);
        let messages = corrections.chunks_mut(len * Block::BYTES);
        for (tree, (rows, d)) in self.rows.chunks_mut(k).zip(messages).enumerate() {
            self.streams.fold(&at, tree, rows, &mut u);
            if tree == 0 {
                x.extend((0..len).map(|j| choices.block(first + j, u[j])));
            }
            for ((d, x), u) in d.as_chunks_mut().0.iter_mut().zip(&x[first..]).zip(&u) {
                *d = (*x ^ *u).to_bytes();
            }
        }
        let unsent = match choices {
            Choices::Chosen(_) => 0,
            Choices::Random(_) => len * Block::BYTES,
        };
        channel.send(Phase::OtExtension, &corrections[unsent..])?;
        Ok(())
    }
}

/// The sender's first message.
fn receive_opening(channel: &mut impl Channel, options: Options) -> Result<Opening, OtError> {
    let mut code = [0; 2];
    let mut opening = Opening {
        seed: [0; 32],
        points: [[0; 32]; base::COUNT],
    };
    channel.receive(Phase::BaseOt, &mut code)?;
    if code != options.code() {
        return Err(OtError::Options);
    }
    channel.receive(Phase::BaseOt, &mut opening.seed)?;
    channel.receive(Phase::BaseOt, opening.points.as_flattened_mut())?;
    Ok(opening)
}
