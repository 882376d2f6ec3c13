//! Requests that auditors handed out, kept beside the chain for peers and wallets: wallets learn which of their outputs were read.
//!
//! ```text
//! file = version (1) ‖ chain id (32) ‖ length (4) ‖ charter ‖ n (4) ‖ n × (height of the notice (8) ‖ length (4) ‖ letter) ‖ check (32)
//! ```
//!
//! What may be added is decided in [`opening`](super::opening). Of each request one is kept, in the order of notices; with a record of
//! the answers in place of without. At most [`OpenedRequests::MAX`] of [`OpenedRequests::MAX_BYTES`]: the oldest gives way, so
//! that requests of long ago cannot hide those of today. It is not in the chain: pruning and snapshots leave it
//! alone, a damaged file is set aside, and peers are asked again.
//!
//! Not guaranteed: that auditors hand anything out.

use crate::{
    codec::{Damage, checked, ends, tag, with_check},
    message::opened::{OpenedEntry, OpenedPlace},
    storage::{
        FileName, Files, Store, StoreError,
        files::{length, read_whole},
    },
};
use sotto_audit::{Charter, OpenedRequest, RequestLetter, charter::MAX_CHARTER};
use sotto_mw::{
    amount::Height,
    chain::ChainId,
    codec::{Decode, DecodeError, Encode, Reader, VERSION},
    hash::Hash,
};
use std::collections::BTreeMap;

/// A request that is kept, and where its notice is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedAt {
    /// The height of the block with its notice.
    pub height: Height,
    /// The request, with its charter.
    pub request: OpenedRequest,
}

/// The requests that are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenedRequests {
    charter: Option<Charter>,
    all: BTreeMap<OpenedPlace, RequestLetter>,
    /// Where each is: a request has one name, and the height of its notice differs only between branches.
    places: BTreeMap<Hash, OpenedPlace>,
    bytes: usize,
}

impl OpenedRequests {
    /// Most requests.
    pub const MAX: usize = 1 << 11;
    /// Most bytes of them.
    pub const MAX_BYTES: usize = 16 << 20;
    /// Most bytes of the file.
    const MAX_FILE: u64 = (Self::MAX_BYTES + 12 * Self::MAX + MAX_CHARTER + 128) as u64;

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// At most so many of them after a place.
    #[must_use]
    pub fn after(&self, place: OpenedPlace, most: usize) -> Vec<OpenedAt> {
        let later = self.all.range(place..).filter(|(at, _)| **at != place).take(most);
        later
            .filter_map(|(at, letter)| Some(OpenedAt { height: at.height, request: self.with(letter)? }))
            .collect()
    }

    /// The names of at most so many of them after a place.
    pub(crate) fn entries(&self, place: OpenedPlace, most: usize) -> Vec<OpenedEntry> {
        let later = self.all.range(place..).filter(|(at, _)| **at != place).take(most);
        later.map(|(at, letter)| OpenedEntry { place: *at, recorded: letter.record().is_some() }).collect()
    }

    /// The request at a place.
    pub(crate) fn get(&self, place: &OpenedPlace) -> Option<OpenedRequest> {
        self.with(self.all.get(place)?)
    }

    /// Whether what this says would be new here.
    pub(crate) fn is_news(&self, entry: &OpenedEntry) -> bool {
        let known = self.places.get(&entry.place.name).and_then(|at| self.all.get(at));
        known.is_none_or(|letter| entry.recorded && letter.record().is_none())
    }

    fn with(&self, letter: &RequestLetter) -> Option<OpenedRequest> {
        Some(OpenedRequest { charter: self.charter.clone()?, letter: letter.clone() })
    }

    /// Adds one, in place of one with its name; the oldest gives way if there is no room. Says whether it is in.
    pub(crate) fn add(&mut self, place: OpenedPlace, opened: OpenedRequest) -> bool {
        let size = |letter: &RequestLetter| letter.to_bytes().len();
        let known = self.places.insert(place.name, place).and_then(|at| self.all.remove(&at));
        self.bytes -= known.as_ref().map_or(0, size);
        self.bytes += size(&opened.letter);
        self.charter = Some(opened.charter);
        self.all.insert(place, opened.letter);
        while self.all.len() > Self::MAX || self.bytes > Self::MAX_BYTES {
            let Some((at, oldest)) = self.all.pop_first() else { break };
            self.places.remove(&at.name);
            self.bytes -= size(&oldest);
        }
        self.all.contains_key(&place)
    }

    pub(crate) fn to_file(&self, chain: &ChainId) -> Vec<u8> {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
        let charter = self.charter.as_ref().map(Charter::to_text).unwrap_or_default();
        let head = [&count(charter.len())[..], charter.as_bytes(), &count(self.all.len())].concat();
        let mut out = [&[VERSION], &chain.as_bytes()[..], &head].concat();
        for (place, letter) in &self.all {
            let bytes = letter.to_bytes();
            place.height.encode(&mut out);
            out.extend_from_slice(&count(bytes.len()));
            out.extend_from_slice(&bytes);
        }
        with_check(tag::REQUESTS, &[], out)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Damage`].
    pub fn from_file(bytes: &[u8]) -> Result<(ChainId, Self), Damage> {
        if bytes.len() as u64 > Self::MAX_FILE {
            return Err(Damage::Long);
        }
        let mut r = Reader::new(checked(tag::REQUESTS, &[], bytes)?);
        r.version()?;
        let (chain, mut this) = (ChainId::decode(&mut r)?, Self::default());
        let text = part(&mut r, MAX_CHARTER)?;
        let text = core::str::from_utf8(text).ok().filter(|text| !text.is_empty());
        this.charter = text.and_then(|text| Charter::parse(text).ok());
        for _ in 0..r.u32()? {
            let height = Height::decode(&mut r)?;
            let letter = RequestLetter::from_bytes(part(&mut r, RequestLetter::MAX_BYTES)?)?;
            let place = OpenedPlace { height, name: letter.request().name(&chain) };
            this.bytes += letter.to_bytes().len();
            this.places.insert(place.name, place);
            this.all.insert(place, letter);
        }
        ends(&r)?;
        // Each once, in order, and with a charter.
        let whole = (this.charter.is_some() || this.is_empty())
            && this.places.len() == this.all.len()
            && this.all.len() <= Self::MAX
            && this.bytes <= Self::MAX_BYTES
            && this.to_file(&chain) == bytes;
        if whole { Ok((chain, this)) } else { Err(Damage::Misplaced) }
    }
}

fn part<'a>(r: &mut Reader<'a>, most: usize) -> Result<&'a [u8], DecodeError> {
    match r.u32()? as usize {
        n if n <= most => r.take(n),
        n => Err(DecodeError::Bound { what: "bytes of a request", found: n as u64, bound: most as u64 }),
    }
}

/// What the file beside a store held, and whether it was damaged and is set aside now.
pub(crate) fn load(store: &mut Store) -> Result<(OpenedRequests, bool), StoreError> {
    let (file, expected) = (FileName::Requests, *store.chain().id());
    if length(store.files(), file)?.is_none() {
        return Ok(Default::default());
    }
    let bytes = match read_whole(store.files(), file, OpenedRequests::MAX_FILE) {
        Err(StoreError::Damaged { .. }) => Vec::new(),
        bytes => bytes?,
    };
    match OpenedRequests::from_file(&bytes) {
        Ok((found, all)) if found == expected => Ok((all, false)),
        Ok((found, _)) => Err(StoreError::Foreign { file, expected, found }),
        Err(_) => {
            let files = store.files_mut();
            let aside = files.rename(file, FileName::RequestsDamaged);
            aside.and_then(|()| files.sync_names()).map_err(|e| StoreError::writing(file, e))?;
            Ok((OpenedRequests::default(), true))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
    use sotto_audit::{CharterTerms, Matter, OutputPlace, ReadRequest};
    use sotto_mw::{
        group::{PointBytes, Scalar},
        schnorr::PublicKey,
    };
    use sotto_party::Identity;

    /// As many as may be: the oldest gives way, and one that is older than all is not let in.
    #[test]
    fn the_oldest_gives_way() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let reader = Identity::random(&mut rng).public();
        let key = PublicKey::of(&Scalar::from(7u64).into());
        let terms = CharterTerms { needed: 1, outputs: 1, requests: 1, depth: 1, delay: 0 };
        let charter = Charter::new(key, vec![reader.digest()], terms, "").unwrap();
        let chain = sotto_mw::testing::TestChain::new(1).chain().id().to_owned();
        let mut kept = OpenedRequests::default();
        let mut add = |kept: &mut OpenedRequests, height: u64| {
            let outputs = vec![OutputPlace { height: Height::new(1), output: PointBytes([3; 32]) }];
            let matter = Matter { case: Hash::ZERO, outputs, reason: "an order".into() };
            let letter: RequestLetter =
                ReadRequest::new(&charter, matter, reader.clone(), &mut rng).unwrap().into();
            let place = OpenedPlace { height: Height::new(height), name: letter.request().name(&chain) };
            kept.add(place, OpenedRequest { charter: charter.clone(), letter })
        };
        let most = OpenedRequests::MAX as u64;
        for height in (2..2_050).step_by(64) {
            assert!(add(&mut kept, height));
        }
        let (text, size) = (kept.to_file(&chain), kept.bytes / kept.len());
        assert_eq!(OpenedRequests::from_file(&text), Ok((chain, kept.clone())));
        // Filled up without the work of making each: under names of their own.
        let letter = kept.all.values().next().unwrap().clone();
        for n in kept.len() as u64..most {
            let name = sotto_mw::hash::tagged("n", &[&n.to_le_bytes()]);
            let place = OpenedPlace { height: Height::new(3), name };
            kept.places.insert(name, place);
            kept.all.insert(place, letter.clone());
            kept.bytes += size;
        }
        assert_eq!(kept.len() as u64, most);
        assert!(!add(&mut kept, 1), "older than all");
        assert!(add(&mut kept, 9_999) && kept.len() as u64 == most);
        assert!(kept.all.keys().all(|at| at.height >= Height::new(3)));
        assert_eq!(kept.bytes, size * kept.len());
        assert!(
            kept.bytes < OpenedRequests::MAX_BYTES
                && kept.to_file(&chain).len() as u64 <= OpenedRequests::MAX_FILE
        );
    }
}
