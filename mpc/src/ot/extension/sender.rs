//! The sender: it has `Δ` and gets `q_i`.

use core::fmt;

use rand_core::{CryptoRng, RngCore};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use super::super::base::{self, COUNT, Challenge, Received};
use super::super::check::{Answer, LeafProof, Matrix, ROWS, leaves_match};
use super::super::ferret::{Ferret, Sending};
use super::super::ggm::{LeafCheck, expand, puncture};
use super::super::oracle::sid_of_lane;
use super::super::transpose::{SIDE, transpose};
use super::super::vole::{CHUNK, Row, Streams};
use super::super::{Adversary, Options, OtError, SessionId};
use super::{RANDOM, chunks, extent, part, portions, reserve, resize};
use crate::backend::Backend;
use crate::block::{Block, Delta};
use crate::channel::{Channel, Phase};
use crate::hash::HashKey;

/// The sender of correlated transfers: the garbler.
///
/// Serves any number of calls of one session. It cannot be cloned or serialised, because a repeated stream
/// position would reveal labels.
pub struct Sender {
    options: Options,
    streams: Streams,
    delta: Zeroizing<Block>,
    rows: Zeroizing<Vec<Row>>,
    /// The state from which challenges and hash keys are derived.
    draw: Zeroizing<Block>,
    /// The index of the next transfer of messages.
    index: u64,
    live: bool,
    /// None if the transfers are not expanded.
    ferret: Option<Box<Ferret<Sending>>>,
}

impl Sender {
    /// Sets up a session with a [`Receiver`](super::Receiver), with the default [`Options`].
    ///
    /// # Errors
    /// If the channel fails or the peer's messages are invalid.
    pub fn setup(
        channel: &mut impl Channel,
        sid: &SessionId,
        delta: &Delta,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, OtError> {
        Self::setup_with(channel, sid, delta, Options::default(), rng)
    }

    /// Sets up a session.
    ///
    /// # Errors
    /// If the channel fails, the peer's messages are invalid, or the peer is caught deviating.
    pub fn setup_with(
        channel: &mut impl Channel,
        sid: &SessionId,
        delta: &Delta,
        options: Options,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, OtError> {
        let depth = options.depth;
        let base = transfer(channel, sid, delta, options, rng)?;
        let taken = base.unmask(&receive_pairs(channel)?);
        let delta = Zeroizing::new(delta.block());
        let bits: Zeroizing<Vec<bool>> = Zeroizing::new((0..SIDE).map(|p| bit(*delta, p)).collect());
        let mut keys = Zeroizing::new(Vec::with_capacity(depth.trees() * depth.leaves()));
        let mut checks = Zeroizing::new(Vec::with_capacity(depth.trees() * depth.leaves()));
        for (alpha, taken) in bits.chunks(depth.bits()).zip(taken.chunks(depth.bits())) {
            let leaves = puncture(alpha, taken);
            keys.extend_from_slice(&leaves.keys);
            checks.extend_from_slice(&leaves.checks);
        }
        if options.adversary == Adversary::Malicious {
            let check = |proof: &_| leaves_match(sid, depth, &bits, checks, proof);
            answer(channel, depth.trees(), &base, check)?;
        }
        let sender = Self::new(options, keys, *delta, Block::random(rng));
        Ok(sender.expanded(sid, rng))
    }

    /// A sender with these leaves, whose challenges follow from `draw`.
    pub(in super::super) fn new(
        options: Options,
        keys: Zeroizing<Vec<Block>>,
        delta: Block,
        draw: Block,
    ) -> Self {
        Self {
            options,
            streams: Streams::new(options.depth, keys),
            delta: Zeroizing::new(delta),
            rows: Zeroizing::new(vec![[Block::ZERO; CHUNK]; SIDE]),
            draw: Zeroizing::new(draw),
            index: 0,
            live: true,
            ferret: None,
        }
    }

    /// The sender with the expansion of its options.
    pub(in super::super) fn expanded(
        mut self,
        sid: &SessionId,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Self {
        let Options { expansion, adversary, .. } = self.options;
        self.ferret = expansion.parameters().map(|parameters| {
            let end = Sending::new(*self.delta, Block::random(rng));
            Box::new(Ferret::new(sid, parameters, adversary, end))
        });
        self
    }

    /// The senders of the further lanes of so many, from lane 1 on, for transfers under the same `Δ`. No two lanes have a
    /// transfer in common.
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
                ..Self::new(self.options, Zeroizing::default(), *self.delta, Block::random(rng))
            };
            Ok(further.expanded(&sid_of_lane(sid, lane), rng))
        });
        let mut further = further.collect::<Result<Vec<_>, OtError>>()?;
        further.reverse();
        Ok(further)
    }

    /// Performs `n` transfers with the receiver's choices; returns `q_i` for each.
    ///
    /// # Errors
    /// If the channel fails, the peer is caught deviating, or an earlier call failed.
    pub fn send_correlated(&mut self, channel: &mut impl Channel, n: usize) -> Result<Vec<Block>, OtError> {
        self.begin()?;
        let mut q = Vec::new();
        self.extend(channel, n, 0, &mut q)?;
        self.live = true;
        Ok(q)
    }

    /// Performs `n` transfers with random choices; returns `q_i` for each.
    ///
    /// # Errors
    /// If the channel fails, the peer is caught deviating, or an earlier call failed.
    pub fn send_random(&mut self, channel: &mut impl Channel, n: usize) -> Result<Vec<Block>, OtError> {
        let mut q = Vec::new();
        self.send_random_into(channel, n, &mut q)?;
        Ok(q)
    }

    /// As [`send_random`](Self::send_random), in place of what `q` held.
    pub(crate) fn send_random_into(
        &mut self,
        channel: &mut impl Channel,
        n: usize,
        q: &mut Vec<Block>,
    ) -> Result<(), OtError> {
        self.begin()?;
        self.extend(channel, n, RANDOM, q)?;
        self.live = true;
        Ok(())
    }

    /// Performs `n` transfers with the receiver's choices, and those that their check will sacrifice. The
    /// outputs must not be used before [`verify`](Self::verify) has accepted them. Until then the session
    /// refuses other calls.
    ///
    /// # Errors
    /// If the channel fails, or an earlier call failed or was not verified.
    pub(crate) fn send_unchecked(
        &mut self,
        channel: &mut impl Channel,
        n: usize,
        q: &mut Vec<Block>,
    ) -> Result<(), OtError> {
        self.begin()?;
        let (total, blocks) = extent(n, self.options);
        self.transfer(channel, blocks, 0, q)?;
        q.truncate(total);
        Ok(())
    }

    /// Checks the receiver's answer to a challenge that was drawn after all corrections had come, and removes
    /// the sacrificed outputs.
    ///
    /// # Errors
    /// If the answer is wrong.
    pub(crate) fn verify(
        &mut self,
        challenge: Block,
        answer: &Answer,
        q: &mut Vec<Block>,
    ) -> Result<(), OtError> {
        accept(self.fits(challenge, answer, q))?;
        q.truncate(q.len() - ROWS);
        self.live = true;
        Ok(())
    }

    /// Transfers one message of each pair, the one that the receiver chooses.
    ///
    /// The messages are masked by `H_S(q, i)` and `H_S(q ⊕ Δ, i)`. `S` is drawn after the receiver has
    /// committed to its choices, and no index `i` repeats.
    ///
    /// # Errors
    /// If the channel fails, the peer is caught deviating, or an earlier call failed.
    pub fn send_messages(
        &mut self,
        channel: &mut impl Channel,
        messages: &[[Block; 2]],
    ) -> Result<(), OtError> {
        self.begin()?;
        let mut q = Zeroizing::default();
        self.extend(channel, messages.len(), 0, &mut q)?;
        let first = self.index;
        self.index = (first.checked_add(q.len() as u64)).ok_or(OtError::Exhausted)?;
        let s = self.fresh();
        channel.send(Phase::OtExtension, &s.to_bytes())?;
        let key = HashKey::new(s);
        for ((i, q), [m0, m1]) in (first..).zip(q.iter()).zip(messages) {
            let [h0, h1] = key.tweaked(i.into()).of_each([*q, *q ^ *self.delta]);
            channel.send(Phase::OtExtension, &(*m0 ^ h0).to_bytes())?;
            channel.send(Phase::OtExtension, &(*m1 ^ h1).to_bytes())?;
        }
        channel.flush()?;
        self.live = true;
        Ok(())
    }

    /// Marks the session as failed until the call succeeds.
    fn begin(&mut self) -> Result<(), OtError> {
        let live = core::mem::replace(&mut self.live, false);
        live.then_some(()).ok_or(OtError::Spent)
    }

    /// Performs one call, in which the receiver sends corrections for the trees from `corrected` on.
    fn extend(
        &mut self,
        channel: &mut impl Channel,
        n: usize,
        corrected: usize,
        q: &mut Vec<Block>,
    ) -> Result<(), OtError> {
        let Some(mut ferret) = self.ferret.take() else {
            return self.extend_trees(channel, n, corrected, q);
        };
        if n > 0 && ferret.first() > 0 {
            let mut first = Zeroizing::default();
            self.extend_trees(channel, ferret.first(), RANDOM, &mut first)?;
            first.iter_mut().for_each(|q| *q = q.with_lsb(false));
            ferret.begin(channel, first)?;
        }
        resize(q, n);
        ferret.fill(channel, q)?;
        if corrected < RANDOM {
            let mut d = vec![0; n.div_ceil(8)];
            channel.receive(Phase::OtExtension, &mut d)?;
            let bits = d.iter().flat_map(|byte| (0..8).map(move |i| byte >> i & 1 == 1));
            q.iter_mut().zip(bits).for_each(|(q, bit)| *q ^= ferret.end().delta().masked(bit));
        }
        self.ferret = Some(ferret);
        Ok(())
    }

    /// As [`extend`](Self::extend), without the expansion.
    fn extend_trees(
        &mut self,
        channel: &mut impl Channel,
        n: usize,
        corrected: usize,
        q: &mut Vec<Block>,
    ) -> Result<(), OtError> {
        let (total, blocks) = extent(n, self.options);
        self.transfer(channel, blocks, corrected, q)?;
        if total > n {
            self.check(channel, &q[..total])?;
        }
        q.truncate(n);
        Ok(())
    }

    /// Receives the corrections of `blocks` blocks.
    fn transfer(
        &mut self,
        channel: &mut impl Channel,
        blocks: usize,
        corrected: usize,
        q: &mut Vec<Block>,
    ) -> Result<(), OtError> {
        reserve(q, blocks * SIDE);
        for range in chunks(blocks) {
            self.chunk(channel, range.len(), corrected)?;
            let q = part(q, SIDE * range.start..SIDE * range.end);
            transpose(Backend::detect(), &self.rows, q.as_chunks_mut().0);
        }
        Ok(())
    }

    /// Computes the rows for `len` blocks and applies the receiver's corrections.
    fn chunk(&mut self, channel: &mut impl Channel, len: usize, corrected: usize) -> Result<(), OtError> {
        let (k, trees) = (self.options.depth.bits(), self.options.depth.trees());
        let at = self.streams.advance(len)?;
        let mut unused = [Block::ZERO; CHUNK];
        for (tree, rows) in self.rows.chunks_mut(k).enumerate() {
            self.streams.fold(&at, tree, rows, &mut unused);
        }
        let mut corrections = vec![0; (trees - corrected) * len * Block::BYTES];
        for portion in portions(len) {
            for d in corrections.chunks_mut(len * Block::BYTES) {
                channel.receive(Phase::OtExtension, &mut d[portion.clone()])?;
            }
        }
        let rows = self.rows.chunks_mut(k).skip(corrected).flatten();
        let corrections = corrections.chunks(len * Block::BYTES).flat_map(|d| core::iter::repeat_n(d, k));
        for ((p, row), d) in (corrected * k..).zip(rows).zip(corrections) {
            let bit = bit(*self.delta, p);
            for (w, d) in row.iter_mut().zip(d.as_chunks().0) {
                *w ^= Block::from_bytes(*d).masked(bit);
            }
        }
        Ok(())
    }

    /// Challenges the receiver to prove that it used the same choices for all trees.
    fn check(&mut self, channel: &mut impl Channel, q: &[Block]) -> Result<(), OtError> {
        let seed = self.fresh();
        channel.send(Phase::OtExtension, &seed.to_bytes())?;
        channel.flush()?;
        let mut x = [0; 8];
        let mut t = [[0; Block::BYTES]; ROWS];
        channel.receive(Phase::OtExtension, &mut x)?;
        channel.receive(Phase::OtExtension, t.as_flattened_mut())?;
        let rows = t.map(Block::from_bytes).to_vec();
        accept(self.fits(seed, &Answer { choices: u64::from_le_bytes(x), rows }, q))
    }

    /// Whether `R·q = R·t ⊕ (R·x)·Δ`.
    fn fits(&self, seed: Block, answer: &Answer, q: &[Block]) -> Choice {
        let product = Matrix::new(seed).times(q);
        let mut is_right = Choice::from(u8::from(answer.rows.len() == ROWS));
        for (i, (q, t)) in product.iter().zip(&answer.rows).enumerate() {
            let expected = *t ^ self.delta.masked(answer.choices >> i & 1 == 1);
            is_right &= q.ct_eq(&expected);
        }
        is_right
    }

    /// A block that the peer cannot predict.
    fn fresh(&mut self) -> Block {
        let [next, fresh] = expand(*self.draw);
        *self.draw = next;
        fresh
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender(..)")
    }
}

/// Bit `p` of `Δ`.
fn bit(delta: Block, p: usize) -> bool {
    delta.to_u128() >> p & 1 == 1
}

/// Performs the base transfers up to the pads that the bits of `Δ` select.
fn transfer(
    channel: &mut impl Channel,
    sid: &SessionId,
    delta: &Delta,
    options: Options,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Received, OtError> {
    let base = base::Receiver::new(sid, delta.block(), rng);
    channel.send(Phase::BaseOt, &options.code())?;
    channel.send(Phase::BaseOt, &base.opening().seed)?;
    channel.send(Phase::BaseOt, base.opening().points.as_flattened())?;
    let mut z = [0; 32];
    channel.receive(Phase::BaseOt, &mut z)?;
    base.receive(&z)
}

/// Receives the masked offers of the base transfers.
fn receive_pairs(channel: &mut impl Channel) -> Result<Vec<[Block; 2]>, OtError> {
    let mut bytes = [[[0; Block::BYTES]; 2]; COUNT];
    channel.receive(Phase::BaseOt, bytes.as_flattened_mut().as_flattened_mut())?;
    Ok(bytes.map(|pair| pair.map(Block::from_bytes)).to_vec())
}

/// Receives the receiver's challenge and its proof about the leaves, checks both, and answers.
fn answer(
    channel: &mut impl Channel,
    trees: usize,
    base: &Received,
    leaves_match: impl FnOnce(&LeafProof) -> Choice,
) -> Result<(), OtError> {
    let mut challenge = Challenge { chi: [[0; 32]; COUNT], proof: [0; 32] };
    let mut sums = vec![[[0; Block::BYTES]; 2]; trees];
    let mut digest = [0; 64];
    channel.receive(Phase::BaseOt, challenge.chi.as_flattened_mut())?;
    channel.receive(Phase::BaseOt, &mut challenge.proof)?;
    channel.receive(Phase::BaseOt, sums.as_flattened_mut().as_flattened_mut())?;
    channel.receive(Phase::BaseOt, &mut digest)?;
    let sums: Vec<LeafCheck> = sums.iter().map(|sum| sum.map(Block::from_bytes)).collect();
    let (answer, proof_fits) = base.answer(&challenge);
    accept(proof_fits & leaves_match(&LeafProof { sums, digest }))?;
    channel.send(Phase::BaseOt, &answer[..])?;
    Ok(channel.flush()?)
}

/// Turns the result of a check into the error that all checks share.
fn accept(is_right: Choice) -> Result<(), OtError> {
    bool::from(is_right).then_some(()).ok_or(OtError::Check)
}
