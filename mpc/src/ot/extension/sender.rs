//! The sender's side: it holds `Δ` and gets `q_i`.

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::super::base::{self, COUNT};
use super::super::ggm::puncture;
use super::super::transpose::SIDE;
use super::super::vole::{CHUNK, Row, Streams};
use super::super::{Options, OtError, Sid};
use super::{append_columns, chunks, message};
use crate::block::{Block, Delta};
use crate::channel::{Channel, Phase};

/// The sender of correlated transfers (the garbler).
///
/// Serves any number of calls in one session; cannot be cloned or stored, for a repeated stream position
/// would reveal labels.
pub struct Sender {
    options: Options,
    streams: Streams,
    /// Row `p` of the correction: all ones if bit `p` of `Δ` is 1.
    delta: Zeroizing<Vec<bool>>,
    rows: Box<[Row; SIDE]>,
    live: bool,
}

impl Sender {
    /// Sets up a session with a [`Receiver`](super::Receiver), with the default [`Options`].
    ///
    /// # Errors
    /// If the channel fails or the peer's messages cannot be right.
    pub fn setup(
        channel: &mut impl Channel,
        sid: &Sid,
        delta: &Delta,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, OtError> {
        Self::setup_with(channel, sid, delta, Options::default(), rng)
    }

    /// Sets up a session.
    ///
    /// # Errors
    /// If the channel fails or the peer's messages cannot be right.
    pub fn setup_with(
        channel: &mut impl Channel,
        sid: &Sid,
        delta: &Delta,
        options: Options,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, OtError> {
        let k = options.slice.bits();
        let base = base::Receiver::new(sid, delta.block(), rng);
        channel.send(Phase::BaseOt, &options.code())?;
        channel.send(Phase::BaseOt, &base.opening().seed)?;
        channel.send(Phase::BaseOt, base.opening().points.as_flattened())?;
        let mut z = [0; 32];
        channel.receive(Phase::BaseOt, &mut z)?;
        let base = base.receive(&z)?;
        let taken = base.unmask(&receive_pairs(channel)?);
        let delta: Zeroizing<Vec<bool>> = Zeroizing::new(
            (0..SIDE)
                .map(|p| delta.block().to_u128() >> p & 1 == 1)
                .collect(),
        );
        let mut keys = Zeroizing::new(Vec::with_capacity(options.slice.trees() << k));
        for (alpha, taken) in delta.chunks(k).zip(taken.chunks(k)) {
            keys.extend_from_slice(&puncture(alpha, taken).keys[1..]);
        }
        Ok(Self {
            options,
            streams: Streams::new(options.slice, &keys),
            delta,
            rows: Box::new([[Block::ZERO; CHUNK]; SIDE]),
            live: true,
        })
    }

    /// `q_i` of `n` transfers whose choices the receiver gives.
    ///
    /// # Errors
    /// If the channel fails, the peer is caught deviating, or an earlier call failed.
    pub fn send_correlated(
        &mut self,
        channel: &mut impl Channel,
        n: usize,
    ) -> Result<Vec<Block>, OtError> {
        self.extend(channel, n, 0)
    }

    /// `q_i` of `n` transfers whose choices are random.
    ///
    /// # Errors
    /// If the channel fails, the peer is caught deviating, or an earlier call failed.
    pub fn send_random(
        &mut self,
        channel: &mut impl Channel,
        n: usize,
    ) -> Result<Vec<Block>, OtError> {
        self.extend(channel, n, 1)
    }

    /// Runs one call; corrections come for the trees from `corrected` on.
    fn extend(
        &mut self,
        channel: &mut impl Channel,
        n: usize,
        corrected: usize,
    ) -> Result<Vec<Block>, OtError> {
        if !core::mem::replace(&mut self.live, false) {
            return Err(OtError::Spent);
        }
        let blocks = n.div_ceil(SIDE);
        let mut out = Vec::with_capacity(blocks * SIDE);
        for len in chunks(blocks) {
            self.chunk(channel, len, corrected)?;
            append_columns(&self.rows, len, &mut out);
        }
        out.truncate(n);
        self.live = true;
        Ok(out)
    }

    /// Fills the rows for `len` blocks.
    fn chunk(
        &mut self,
        channel: &mut impl Channel,
        len: usize,
        corrected: usize,
    ) -> Result<(), OtError> {
        let (k, trees) = (self.options.slice.bits(), self.options.slice.trees());
        let at = self.streams.advance(len)?;
        let mut unused = [Block::ZERO; CHUNK];
        for (tree, rows) in self.rows.chunks_mut(k).enumerate() {
            self.streams.fold(&at, tree, rows, &mut unused);
        }
        let mut corrections = message(trees - corrected, len);
        channel.receive(Phase::OtExtension, &mut corrections)?;
        let rows = self
            .rows
            .chunks_mut(k)
            .zip(self.delta.chunks(k))
            .skip(corrected);
        for ((rows, alpha), d) in rows.zip(corrections.chunks(len * Block::BYTES)) {
            for (row, bit) in rows.iter_mut().zip(alpha) {
                for (w, d) in row.iter_mut().zip(d.as_chunks().0) {
                    *w ^= Block::from_bytes(*d).masked(*bit);
                }
            }
        }
        Ok(())
    }
}

/// The masked offers of the base transfers.
fn receive_pairs(channel: &mut impl Channel) -> Result<Vec<[Block; 2]>, OtError> {
    let mut bytes = [0; COUNT * 2 * Block::BYTES];
    channel.receive(Phase::BaseOt, &mut bytes)?;
    let blocks = bytes.as_chunks().0.iter().map(|b| Block::from_bytes(*b));
    let blocks: Vec<Block> = blocks.collect();
    Ok(blocks.as_chunks().0.to_vec())
}
