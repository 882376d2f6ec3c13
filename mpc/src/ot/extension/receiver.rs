//! The receiver: it has choices `x_i` and gets `t_i = q_i ⊕ x_i·Δ`.

use core::fmt;

use rand_core::{CryptoRng, RngCore};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::super::base::{self, Opening, Sent};
use super::super::check::{Answer, Matrix, ROWS, prove_leaves};
use super::super::ferret::{Ferret, Receiving};
use super::super::ggm::{LeafCheck, grow};
use super::super::oracle::sid_of_lane;
use super::super::transpose::{SIDE, transpose};
use super::super::vole::{CHUNK, Row, Streams};
use super::super::{Adversary, Options, OtError, SessionId};
use super::{Choices, PackedChoices, RANDOM, chunks, extent, part, portions, reserve, resize};
use crate::backend::Backend;
use crate::block::Block;
use crate::channel::{Channel, Phase};
use crate::hash::HashKey;

/// The receiver of correlated transfers: the evaluator.
///
/// Serves any number of calls of one session. It cannot be cloned or serialised, because a repeated stream
/// position would reveal choices.
pub struct Receiver {
    options: Options,
    streams: Streams,
    rows: Zeroizing<Vec<Row>>,
    /// The index of the next transfer of messages.
    index: u64,
    live: bool,
    /// None if the transfers are not expanded.
    ferret: Option<Box<Ferret<Receiving>>>,
}

impl Receiver {
    /// Sets up a session with a [`Sender`](super::Sender), with the default [`Options`].
    ///
    /// # Errors
    /// If the channel fails or the peer's messages are invalid.
    pub fn setup(
        channel: &mut impl Channel,
        sid: &SessionId,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, OtError> {
        Self::setup_with(channel, sid, Options::default(), rng)
    }

    /// Sets up a session.
    ///
    /// # Errors
    /// If the channel fails, the peer's messages are invalid, or the peer is caught deviating.
    pub fn setup_with(
        channel: &mut impl Channel,
        sid: &SessionId,
        options: Options,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, OtError> {
        let opening = receive_opening(channel, options)?;
        let (z, base) = base::send(sid, &opening, rng)?;
        let mut keys = Zeroizing::new(Vec::with_capacity(options.depth.trees() * options.depth.leaves()));
        let mut checks = Zeroizing::new(Vec::with_capacity(keys.capacity()));
        let mut offers = Zeroizing::new(Vec::with_capacity(SIDE));
        for _ in 0..options.depth.trees() {
            let (leaves, pairs) = grow(Block::random(rng), options.depth.bits());
            keys.extend_from_slice(&leaves.keys);
            checks.extend_from_slice(&leaves.checks);
            offers.extend(pairs);
        }
        channel.send(Phase::BaseOt, &z)?;
        send_blocks(channel, base.mask(&offers).as_flattened())?;
        if options.adversary == Adversary::Malicious {
            prove(channel, sid, options, &base, &checks)?;
        }
        channel.flush()?;
        Ok(Self::new(options, keys).expanded(sid, rng))
    }

    /// A receiver with these leaves.
    pub(in super::super) fn new(options: Options, keys: Zeroizing<Vec<Block>>) -> Self {
        Self {
            options,
            streams: Streams::new(options.depth, keys),
            rows: Zeroizing::new(vec![[Block::ZERO; CHUNK]; SIDE]),
            index: 0,
            live: true,
            ferret: None,
        }
    }

    /// The receiver with the expansion of its options.
    pub(in super::super) fn expanded(
        mut self,
        sid: &SessionId,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Self {
        let Options { expansion, adversary, .. } = self.options;
        self.ferret = expansion.parameters().map(|parameters| {
            Box::new(Ferret::new(sid, parameters, adversary, Receiving::new(Block::random(rng))))
        });
        self
    }

    /// The receivers of the further lanes; see [`Sender::split`](super::Sender::split).
    ///
    /// # Errors
    /// If transfers were split before.
    pub(crate) fn split(
        &mut self,
        lanes: u8,
        sid: &SessionId,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Vec<Self>, OtError> {
        let further = (1..lanes).rev().map(|lane| {
            let further = Self {
                streams: self.streams.split_off(lane)?,
                ..Self::new(self.options, Zeroizing::default())
            };
            Ok(further.expanded(&sid_of_lane(sid, lane), rng))
        });
        let mut further = further.collect::<Result<Vec<_>, OtError>>()?;
        further.reverse();
        Ok(further)
    }

    /// Transfers with the given choices; returns `t_i` for each.
    ///
    /// # Errors
    /// If the channel fails, or an earlier call failed.
    pub fn receive_correlated(
        &mut self,
        channel: &mut impl Channel,
        choices: &[bool],
    ) -> Result<Vec<Block>, OtError> {
        self.begin()?;
        let mut t = Vec::new();
        self.extend(channel, Choices::Chosen(choices), &mut t)?;
        self.live = true;
        Ok(t)
    }

    /// Performs `n` transfers with random choices; returns the choices and `t_i` for each.
    ///
    /// # Errors
    /// If the channel fails, or an earlier call failed.
    pub fn receive_random(
        &mut self,
        channel: &mut impl Channel,
        n: usize,
    ) -> Result<(Vec<bool>, Vec<Block>), OtError> {
        let mut t = Vec::new();
        let x = self.receive_random_into(channel, n, &mut t)?;
        let mut bits = vec![false; x.len() * SIDE];
        let bytes = x.iter().flat_map(|x| x.to_bytes());
        for (bits, byte) in bits.chunks_exact_mut(8).zip(bytes) {
            for (j, bit) in bits.iter_mut().enumerate() {
                *bit = byte >> j & 1 == 1;
            }
        }
        bits.truncate(n);
        Ok((bits, t))
    }

    /// As [`receive_random`](Self::receive_random), with `t` in place of what the vector held, and with 128
    /// choices in each block.
    pub(crate) fn receive_random_into(
        &mut self,
        channel: &mut impl Channel,
        n: usize,
        t: &mut Vec<Block>,
    ) -> Result<Zeroizing<Vec<Block>>, OtError> {
        self.begin()?;
        let x = self.extend(channel, Choices::Random(n), t)?;
        self.live = true;
        Ok(x)
    }

    /// Performs transfers whose check is put off: `t` gets the outputs, those to be sacrificed last. They must
    /// not be used before the sender has accepted the [`answer`](Self::answer) to a challenge that it drew
    /// after it had all corrections. Until then the session refuses other calls.
    ///
    /// # Errors
    /// If the channel fails, or an earlier call failed or was not answered for.
    pub(crate) fn receive_unchecked(
        &mut self,
        channel: &mut impl Channel,
        choices: PackedChoices<'_>,
        t: &mut Vec<Block>,
    ) -> Result<(), OtError> {
        self.begin()?;
        let (total, blocks) = extent(choices.n, self.options);
        self.transfer(channel, Choices::Packed(choices), blocks, t)?;
        channel.flush()?;
        t.truncate(total);
        Ok(())
    }

    /// The answer to the challenge of a call of [`receive_unchecked`](Self::receive_unchecked), of whose
    /// outputs the sacrificed ones are removed.
    pub(crate) fn answer(&mut self, challenge: Block, choices: &[Block], t: &mut Vec<Block>) -> Answer {
        let (choices, rows) = Matrix::new(challenge).times_both(choices, t);
        t.truncate(t.len() - ROWS);
        self.live = true;
        Answer { choices, rows }
    }

    /// Receives the chosen message of each pair that the sender offers.
    ///
    /// # Errors
    /// If the channel fails, or an earlier call failed.
    pub fn receive_messages(
        &mut self,
        channel: &mut impl Channel,
        choices: &[bool],
    ) -> Result<Vec<Block>, OtError> {
        self.begin()?;
        let mut t = Vec::new();
        self.extend(channel, Choices::Chosen(choices), &mut t)?;
        let first = self.index;
        self.index = (first.checked_add(t.len() as u64)).ok_or(OtError::Exhausted)?;
        let mut s = [0; Block::BYTES];
        channel.receive(Phase::OtExtension, &mut s)?;
        let key = HashKey::new(Block::from_bytes(s));
        for ((i, t), choice) in (first..).zip(&mut t).zip(choices) {
            let mut masked = [[0; Block::BYTES]; 2];
            channel.receive(Phase::OtExtension, masked.as_flattened_mut())?;
            let [zero, one] = masked.map(Block::from_bytes);
            *t = key.tweaked(i.into()).of(*t) ^ zero ^ (zero ^ one).masked(*choice);
        }
        self.live = true;
        Ok(t)
    }

    /// Marks the session as failed until the call succeeds.
    fn begin(&mut self) -> Result<(), OtError> {
        let live = core::mem::replace(&mut self.live, false);
        live.then_some(()).ok_or(OtError::Spent)
    }

    /// Performs one call; returns the choices in blocks.
    fn extend(
        &mut self,
        channel: &mut impl Channel,
        choices: Choices<'_>,
        t: &mut Vec<Block>,
    ) -> Result<Zeroizing<Vec<Block>>, OtError> {
        let Some(mut ferret) = self.ferret.take() else {
            return self.extend_trees(channel, choices, t);
        };
        let n = choices.len();
        if n > 0 && ferret.first() > 0 {
            let mut first = Zeroizing::default();
            let x = self.extend_trees(channel, Choices::Random(ferret.first()), &mut first)?;
            for (t, x) in first.chunks_mut(SIDE).zip(x.iter()) {
                (0..).zip(t).for_each(|(i, t)| *t = t.with_lsb(x.to_u128() >> i & 1 == 1));
            }
            ferret.begin(channel, first)?;
        }
        resize(t, n);
        ferret.fill(channel, t)?;
        self.ferret = Some(ferret);
        let mut x = Zeroizing::new(Vec::with_capacity(n.div_ceil(SIDE)));
        x.extend(t.chunks(SIDE).map(lowest_bits));
        if choices.corrected() < RANDOM {
            for (i, x) in x.iter_mut().enumerate() {
                *x ^= choices.block(i, *x);
            }
            let d: Vec<u8> = x.iter().flat_map(|d| d.to_bytes()).take(n.div_ceil(8)).collect();
            channel.send(Phase::OtExtension, &d)?;
            (0..).zip(x.iter_mut()).for_each(|(i, x)| *x = choices.block(i, *x));
        }
        channel.flush()?;
        Ok(x)
    }

    /// As [`extend`](Self::extend), without the expansion.
    fn extend_trees(
        &mut self,
        channel: &mut impl Channel,
        choices: Choices<'_>,
        t: &mut Vec<Block>,
    ) -> Result<Zeroizing<Vec<Block>>, OtError> {
        let n = choices.len();
        let (total, blocks) = extent(n, self.options);
        let x = self.transfer(channel, choices, blocks, t)?;
        if total > n {
            check(channel, &x, &t[..total])?;
        }
        channel.flush()?;
        t.truncate(n);
        Ok(x)
    }

    /// Sends the corrections of `blocks` blocks; returns the choices in blocks.
    fn transfer(
        &mut self,
        channel: &mut impl Channel,
        choices: Choices<'_>,
        blocks: usize,
        t: &mut Vec<Block>,
    ) -> Result<Zeroizing<Vec<Block>>, OtError> {
        let mut x = Zeroizing::new(Vec::with_capacity(blocks));
        reserve(t, blocks * SIDE);
        for range in chunks(blocks) {
            self.chunk(channel, choices, range.len(), &mut x)?;
            let t = part(t, SIDE * range.start..SIDE * range.end);
            transpose(Backend::detect(), &self.rows, t.as_chunks_mut().0);
        }
        Ok(x)
    }

    /// Computes the rows for `len` blocks, sends their corrections, and appends their choices to `x`.
    fn chunk(
        &mut self,
        channel: &mut impl Channel,
        choices: Choices<'_>,
        len: usize,
        x: &mut Vec<Block>,
    ) -> Result<(), OtError> {
        let (k, trees) = (self.options.depth.bits(), self.options.depth.trees());
        let at = self.streams.advance(len)?;
        let mut u = [Block::ZERO; CHUNK];
        let first = x.len();
        let mut corrections = vec![0; trees * len * Block::BYTES];
        let messages = corrections.chunks_mut(len * Block::BYTES);
        for (tree, (rows, d)) in self.rows.chunks_mut(k).zip(messages).enumerate() {
            self.streams.fold(&at, tree, rows, &mut u);
            let u = u.iter().copied();
            if tree == 0 {
                x.extend(u.clone().take(len).enumerate().map(|(j, u)| choices.block(first + j, u)));
            }
            for ((d, x), u) in d.as_chunks_mut().0.iter_mut().zip(&x[first..]).zip(u) {
                *d = (*x ^ u).to_bytes();
            }
        }
        for portion in portions(len) {
            for d in corrections.chunks(len * Block::BYTES).skip(choices.corrected()) {
                channel.send(Phase::OtExtension, &d[portion.clone()])?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receiver(..)")
    }
}

/// Receives the sender's first message.
fn receive_opening(channel: &mut impl Channel, options: Options) -> Result<Opening, OtError> {
    let mut code = [0; 2];
    let mut opening = Opening { seed: [0; 32], points: [[0; 32]; base::COUNT] };
    channel.receive(Phase::BaseOt, &mut code)?;
    if code != options.code() {
        return Err(OtError::Options);
    }
    channel.receive(Phase::BaseOt, &mut opening.seed)?;
    channel.receive(Phase::BaseOt, opening.points.as_flattened_mut())?;
    Ok(opening)
}

/// Challenges the sender, who is the receiver of the base transfers, proves the leaves, and checks the
/// answer.
fn prove(
    channel: &mut impl Channel,
    sid: &SessionId,
    options: Options,
    base: &Sent,
    checks: &[LeafCheck],
) -> Result<(), OtError> {
    let (challenge, expected) = base.challenge();
    channel.send(Phase::BaseOt, challenge.chi.as_flattened())?;
    channel.send(Phase::BaseOt, &challenge.proof)?;
    let proof = prove_leaves(sid, options.depth, checks);
    send_blocks(channel, proof.sums.as_flattened())?;
    channel.send(Phase::BaseOt, &proof.digest)?;
    let mut answer = [0; 32];
    channel.receive(Phase::BaseOt, &mut answer)?;
    let is_right = bool::from(answer.ct_eq(&*expected));
    is_right.then_some(()).ok_or(OtError::Check)
}

/// Answers the sender's challenge about the outputs of a call.
fn check(channel: &mut impl Channel, x: &[Block], t: &[Block]) -> Result<(), OtError> {
    let mut seed = [0; Block::BYTES];
    channel.receive(Phase::OtExtension, &mut seed)?;
    let matrix = Matrix::new(Block::from_bytes(seed));
    let (x, product) = matrix.times_both(x, t);
    channel.send(Phase::OtExtension, &x.to_le_bytes())?;
    for row in product {
        channel.send(Phase::OtExtension, &row.to_bytes())?;
    }
    Ok(())
}

/// The lowest bits of up to 128 blocks.
fn lowest_bits(blocks: &[Block]) -> Block {
    Block::new(blocks.iter().rev().fold(0, |bits, block| bits << 1 | u128::from(block.lsb())))
}

fn send_blocks(channel: &mut impl Channel, blocks: &[Block]) -> Result<(), OtError> {
    for block in blocks {
        channel.send(Phase::BaseOt, &block.to_bytes())?;
    }
    Ok(())
}
