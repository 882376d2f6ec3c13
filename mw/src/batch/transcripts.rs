//! Merlin transcripts of several proofs at once: the same operations, each proof's own bytes.
//!
//! Merlin 3 frames messages with STROBE 1.0.2 over Keccak-f[1600] with a rate of 166 bytes. The framing does
//! not depend on the state, so it is written into blocks first, and [`Transcripts::challenges`] processes the
//! blocks of all proofs side by side. Messages must be equally long in all of them. The tests compare the
//! challenges with those of `merlin`.

use crate::msm::{BLOCK_BYTES, Backend, Script};

/// STROBE's rate at 128 bits, less its two bytes of padding.
const RATE: usize = 166;

/// STROBE's flags of the operations that Merlin uses.
const META_AD: u8 = 1 << 4 | AD;
const AD: u8 = 1 << 1;
const PRF: u8 = 1 | 1 << 1 | 1 << 2;

/// STROBE's first block: its rate, its security parameter and its name.
const HEADER: &[u8; 18] = b"\x01\xa8\x01\x00\x01\x60STROBEv1.0.2";

/// Up to eight transcripts that are being written.
pub(super) struct Transcripts {
    states: usize,
    /// Block after block, one for each state; the last ones are being written.
    blocks: Vec<[u8; BLOCK_BYTES]>,
    /// For each finished block, how many words are squeezed after it.
    squeezed: Vec<usize>,
    position: usize,
    begin: u8,
}

impl Transcripts {
    /// `n` transcripts with this label.
    pub(super) fn new(n: usize, label: &[u8]) -> Self {
        let mut first = [0; BLOCK_BYTES];
        first[..HEADER.len()].copy_from_slice(HEADER);
        let mut blocks = vec![first; n];
        blocks.resize(2 * n, [0; BLOCK_BYTES]);
        let mut t = Self { states: n, blocks, squeezed: vec![0], position: 0, begin: 0 };
        t.operation(META_AD);
        t.absorb(|_| b"Merlin v1.0");
        t.append(b"dom-sep", |_| label);
        t
    }

    /// Absorbs a message of each, all equally long.
    pub(super) fn append<'a>(&mut self, label: &[u8], message: impl Fn(usize) -> &'a [u8]) {
        self.label(label, message(0).len());
        self.operation(AD);
        self.absorb(message);
    }

    /// Absorbs the same integer.
    pub(super) fn append_u64(&mut self, label: &[u8], x: u64) {
        let bytes = x.to_le_bytes();
        self.append(label, |_| &bytes);
    }

    /// Asks for a challenge of `words` words, at most eight, from each.
    pub(super) fn challenge(&mut self, label: &[u8], words: usize) {
        self.label(label, 8 * words);
        self.operation(PRF);
        if self.position != 0 {
            self.finish_block();
        }
        if let Some(squeezed) = self.squeezed.last_mut() {
            *squeezed = words;
        }
        self.position = 8 * words;
    }

    /// All challenges in the order they were asked for, each for all transcripts.
    pub(super) fn challenges(&self, backend: Backend) -> Vec<[u64; 8]> {
        backend.run(Script { blocks: &self.blocks, states: self.states, squeezed: &self.squeezed })
    }

    fn label(&mut self, label: &[u8], len: usize) {
        self.operation(META_AD);
        self.absorb(|_| label);
        let len = (len as u32).to_le_bytes();
        self.absorb(|_| &len);
    }

    /// Starts an operation: where the last one began, and what this one is.
    fn operation(&mut self, flags: u8) {
        let bytes = [self.begin, flags];
        self.begin = self.position as u8 + 1;
        self.absorb(|_| &bytes);
    }

    fn absorb<'a>(&mut self, bytes: impl Fn(usize) -> &'a [u8]) {
        let (mut done, len) = (0, bytes(0).len());
        while done < len {
            let n = (len - done).min(RATE - self.position);
            let blocks = self.blocks.len() - self.states;
            for (state, block) in self.blocks[blocks..].iter_mut().enumerate() {
                block[self.position..self.position + n].copy_from_slice(&bytes(state)[done..done + n]);
            }
            (done, self.position) = (done + n, self.position + n);
            if self.position == RATE {
                self.finish_block();
            }
        }
    }

    fn finish_block(&mut self) {
        let blocks = self.blocks.len() - self.states;
        for block in &mut self.blocks[blocks..] {
            block[self.position] ^= self.begin;
            block[self.position + 1] ^= 0x04;
            block[RATE + 1] ^= 0x80;
        }
        self.blocks.resize(self.blocks.len() + self.states, [0; BLOCK_BYTES]);
        self.squeezed.push(0);
        (self.position, self.begin) = (0, 0);
    }
}
