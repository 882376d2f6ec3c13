//! A channel that hashes the messages of both directions.
//!
//! Both parties compare these hashes before they accept an output. A message that was altered in transit and
//! would otherwise only change an input (a flipped choice bit, for instance) thus ends in an error and not in
//! a wrong result. Tables are not hashed: they are the bulk of the data, and an altered table never leads to
//! an accepted output label.
//!
//! The hash of a direction is that over its runs of messages of one phase, each `phase u8 ‖ bytes ‖ length
//! u64`: SHA-256 in semi-honest sessions; BLAKE3 in malicious ones, which hash ten times as many bytes. It
//! does not replace an authenticated channel: an attacker who can alter messages at will can also alter the
//! hash.

use sha2::{Digest, Sha256};

use super::{Channel, ChannelError, Phase};

/// A hash function for transcripts.
pub(crate) trait TranscriptHash: Clone + Default {
    /// Adds bytes.
    fn add(&mut self, bytes: &[u8]);
    /// The hash of all bytes.
    fn digest(self) -> [u8; 32];
}

impl TranscriptHash for Sha256 {
    fn add(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }

    fn digest(self) -> [u8; 32] {
        self.finalize().into()
    }
}

/// BLAKE3 over whole pieces, so that it can hash their parts in parallel.
#[derive(Clone, Default)]
pub(crate) struct WideHash {
    hash: blake3::Hasher,
    waiting: Vec<u8>,
}

impl WideHash {
    /// A power of two: BLAKE3 combines halves.
    const PIECE: usize = 1 << 16;
}

impl TranscriptHash for WideHash {
    fn add(&mut self, mut bytes: &[u8]) {
        while self.waiting.len() + bytes.len() >= Self::PIECE {
            let (now, later) = bytes.split_at(Self::PIECE - self.waiting.len());
            self.waiting.extend_from_slice(now);
            self.hash.update(&self.waiting);
            self.waiting.clear();
            bytes = later;
        }
        self.waiting.extend_from_slice(bytes);
    }

    fn digest(mut self) -> [u8; 32] {
        self.hash.update(&self.waiting).finalize().into()
    }
}

/// The hash of one direction.
#[derive(Clone, Default)]
struct DirectionHash<H> {
    hash: H,
    run: Option<(Phase, u64)>,
}

impl<H: TranscriptHash> DirectionHash<H> {
    fn add(&mut self, phase: Phase, bytes: &[u8]) {
        if phase == Phase::Tables || bytes.is_empty() {
            return;
        }
        if self.run.is_none_or(|(open, _)| open != phase) {
            self.end_run();
            self.hash.add(&[phase.code()]);
        }
        self.hash.add(bytes);
        let before = self.run.map_or(0, |(_, length)| length);
        self.run = Some((phase, before + bytes.len() as u64));
    }

    fn end_run(&mut self) {
        if let Some((_, length)) = self.run.take() {
            self.hash.add(&length.to_le_bytes());
        }
    }

    fn digest(&self) -> [u8; 32] {
        let mut direction = self.clone();
        direction.end_run();
        direction.hash.digest()
    }
}

/// A party of a test that sends other bytes than the protocol says, and hashes what it sends.
#[cfg(test)]
pub(crate) trait Deviation: Send {
    /// Changes bytes that are about to be sent, the first of which is number `at` of its phase.
    fn sending(&mut self, phase: Phase, at: usize, bytes: &mut [u8]);

    /// Learns bytes that were received, the first of which is number `at` of its phase, and may take others
    /// for them.
    fn received(&mut self, phase: Phase, at: usize, bytes: &mut [u8]);
}

/// A channel and the hashes of its two directions.
pub(crate) struct TranscriptChannel<C, H = Sha256> {
    channel: C,
    sent: DirectionHash<H>,
    received: DirectionHash<H>,
    #[cfg(test)]
    pub(crate) deviation: Option<deviating::Deviating>,
}

impl<C, H: TranscriptHash> TranscriptChannel<C, H> {
    pub(crate) fn new(channel: C) -> Self {
        let (sent, received) = (DirectionHash::default(), DirectionHash::default());
        Self {
            channel,
            sent,
            received,
            #[cfg(test)]
            deviation: None,
        }
    }

    /// The hashes of everything sent and of everything received so far.
    pub(crate) fn digests(&self) -> ([u8; 32], [u8; 32]) {
        (self.sent.digest(), self.received.digest())
    }

    pub(crate) fn into_inner(self) -> C {
        self.channel
    }
}

impl<C: Channel, H: TranscriptHash> Channel for TranscriptChannel<C, H> {
    fn send(&mut self, phase: Phase, bytes: &[u8]) -> Result<(), ChannelError> {
        #[cfg(test)]
        let bytes = &self.deviation.as_mut().map_or_else(|| bytes.to_vec(), |d| d.sending(phase, bytes))[..];
        self.sent.add(phase, bytes);
        self.channel.send(phase, bytes)
    }

    fn flush(&mut self) -> Result<(), ChannelError> {
        self.channel.flush()
    }

    fn receive_some(&mut self, phase: Phase, into: &mut [u8]) -> Result<usize, ChannelError> {
        let n = self.channel.receive_some(phase, into)?;
        self.received.add(phase, into.get(..n).unwrap_or_default());
        #[cfg(test)]
        self.deviation.iter_mut().for_each(|d| d.received(phase, into.get_mut(..n).unwrap_or_default()));
        Ok(n)
    }

    /// Hashes all bytes at once, which is faster than piece by piece.
    fn receive(&mut self, phase: Phase, into: &mut [u8]) -> Result<(), ChannelError> {
        self.channel.receive(phase, into)?;
        self.received.add(phase, into);
        #[cfg(test)]
        self.deviation.iter_mut().for_each(|d| d.received(phase, into));
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod deviating {
    use std::collections::HashMap;

    use super::*;

    /// A [`Deviation`] with the positions in each phase.
    pub(crate) struct Deviating {
        inner: Box<dyn Deviation>,
        sent: HashMap<Phase, usize>,
        received: HashMap<Phase, usize>,
    }

    impl Deviating {
        pub(crate) fn new(inner: impl Deviation + 'static) -> Self {
            Self { inner: Box::new(inner), sent: HashMap::new(), received: HashMap::new() }
        }

        pub(super) fn sending(&mut self, phase: Phase, bytes: &[u8]) -> Vec<u8> {
            let (at, mut bytes) = (self.sent.entry(phase).or_default(), bytes.to_vec());
            self.inner.sending(phase, *at, &mut bytes);
            *at += bytes.len();
            bytes
        }

        pub(super) fn received(&mut self, phase: Phase, bytes: &mut [u8]) {
            let at = self.received.entry(phase).or_default();
            self.inner.received(phase, *at, bytes);
            *at += bytes.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash_of<H: TranscriptHash>(calls: &[(Phase, &[u8])]) -> [u8; 32] {
        let mut direction = DirectionHash::<H>::default();
        for (phase, bytes) in calls {
            direction.add(*phase, bytes);
        }
        direction.digest()
    }

    fn depends_on_bytes_and_phases_and_not_on_calls<H: TranscriptHash>() {
        let hash_of = hash_of::<H>;
        let whole = hash_of(&[(Phase::Hello, b"ab"), (Phase::Inputs, b"c")]);
        let cut =
            [(Phase::Hello, &b"a"[..]), (Phase::Hello, b"b"), (Phase::Tables, b"x"), (Phase::Inputs, b"c")];
        assert_eq!(hash_of(&cut), whole);
        assert_ne!(hash_of(&[(Phase::Hello, b"a"), (Phase::Inputs, b"bc")]), whole);
        assert_ne!(hash_of(&[(Phase::Hello, b"ab"), (Phase::Outputs, b"c")]), whole);
        assert_ne!(hash_of(&[(Phase::Hello, b"ab"), (Phase::Inputs, b"d")]), whole);
    }

    #[test]
    fn both_hashes_depend_on_bytes_and_phases_and_not_on_calls() {
        depends_on_bytes_and_phases_and_not_on_calls::<Sha256>();
        depends_on_bytes_and_phases_and_not_on_calls::<WideHash>();
        let calls = [(Phase::Hello, &b"a"[..])];
        assert_ne!(hash_of::<Sha256>(&calls), hash_of::<WideHash>(&calls));
    }

    #[test]
    fn the_wide_hash_is_blake3_however_it_is_divided() {
        let bytes: Vec<u8> = (0..200_000u64).map(|i| ((i * i) >> 7) as u8).collect();
        for n in [1000, 16_384, 65_535, 65_536, 65_537, 200_000] {
            let mut hash = WideHash::default();
            bytes.chunks(n).for_each(|part| hash.add(part));
            assert_eq!(hash.digest(), *blake3::hash(&bytes).as_bytes());
        }
    }
}
