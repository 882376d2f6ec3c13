//! Importing a snapshot into an empty directory: good parts are kept, bad ones reported, and another copy can
//! fill the gaps.
//!
//! ```text
//! start ─▶ each part: from the copy, else as kept from an earlier one ─▶ checked alone ─▶ draft, a gap if neither is good
//!   ─▶ draft becomes base 0 ─▶ gaps? stop here, and continue with another copy
//!                           ─▶ none: uniqueness and supply over all of it ─▶ genesis, log, head: a store
//! ```
//!
//! A base without a head is an import under way. Memory is bounded by two parts, as large as those that really arrive:
//! one is judged, on all cores, while the next is decoded.
//! The import trusts only the chain's id, which the caller knows or compares: the id is the hash of the
//! parameters, they name the operator's key or the first validators', and everything else is checked against
//! those keys. Each change of the validators is sealed by those before it, so where a part of headers with a
//! change is missing, those after it count as missing too. No snapshot contains a secret. A store that was
//! imported cannot go back behind its snapshot, so it cannot follow reorganisations that deep.

use crate::{
    codec::Damage,
    storage::{
        base::Base,
        chain_store::{Layout, has_chain},
        database::Slot,
        error::StoreError,
        file_name::FileName,
        files::{Files, replace, write_at},
        format::genesis,
        log::Log,
        snapshot_check::{Checker, PartFault, PrunedError},
        snapshot_format::{PartEntry, PartKind, START_PREFIX, Start},
        snapshot_part::Part,
        store::Store,
    },
};
use sotto_mw::{
    amount::Height,
    chain::{Chain, ChainId, ParamsError},
};
use std::io::{self, Read};

/// Why a snapshot cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The snapshot cannot be read.
    #[error("the snapshot cannot be read: {0}")]
    Read(#[from] io::Error),
    /// Its start, which names all parts, is damaged.
    #[error("the start of the snapshot is damaged: {0}; nothing of this copy can be used")]
    Start(Damage),
    /// Its last header is not sealed.
    #[error("the snapshot is not of its chain: {0}")]
    Unsealed(PartFault),
    /// Its parameters make no chain.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// It is of another chain.
    #[error("the snapshot is of chain {found}, not of {expected}")]
    Foreign {
        /// The chain that was asked for.
        expected: ChainId,
        /// The snapshot's.
        found: ChainId,
    },
    /// An import of another snapshot is under way.
    #[error(
        "an import up to block {height} is under way here: give another copy of that snapshot, or import elsewhere"
    )]
    Another {
        /// Where that snapshot ends.
        height: Height,
    },
    /// Its chain breaks the rules.
    #[error("the snapshot is refused: {0}")]
    Refused(#[from] PrunedError),
}

/// A part that no copy had undamaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingPart {
    /// Its number among all parts, from 0.
    pub part: u32,
    /// What it holds.
    pub kind: PartKind,
    /// Why the part in the copy that was read last could not be used.
    pub fault: PartFault,
}

/// How far an import has come.
#[derive(Debug)]
pub struct Imported {
    /// The chain.
    pub chain: ChainId,
    /// The last block of the snapshot.
    pub height: Height,
    /// How many parts it has.
    pub parts: u32,
    /// Those that are still missing; all others are kept.
    pub missing: Vec<MissingPart>,
    /// The store, once nothing is missing.
    pub store: Option<Store>,
}

/// Imports a snapshot into files without a chain, or goes on with an import; `expected` is the chain's id, if
/// the caller knows it.
///
/// # Errors
/// [`ImportError`]; what an earlier copy left stays as it was.
pub fn import(
    mut files: impl Files + 'static,
    layout: Layout,
    source: &mut dyn Read,
    expected: Option<ChainId>,
) -> Result<Imported, ImportError> {
    if has_chain(&files)? {
        return Err(StoreError::Exists.into());
    }
    let start = read_start(source)?;
    let chain = Chain::new(start.params.clone())?;
    if let Some(expected) = expected.filter(|e| e != chain.id()) {
        return Err(ImportError::Foreign { expected, found: *chain.id() });
    }
    let kept = kept(&files, &start)?;
    let checker = Checker::new(&chain, &start.tip, start.count()).map_err(ImportError::Unsealed)?;
    let mut gathering = Gathering { start: &start, checker, kept };
    let missing = gathering.gather(&mut files, source)?;
    let height = start.tip.header.height;
    let (chain_id, parts) = (*chain.id(), start.parts.len() as u32);
    let store = if missing.is_empty() {
        gathering.checker.finish()?;
        Some(settle(files, layout, &chain)?)
    } else {
        None
    };
    Ok(Imported { chain: chain_id, height, parts, missing, store })
}

/// The start of a snapshot, which was read to show of which chain it is; [`import`] reads it again.
#[derive(Debug)]
pub struct SnapshotStart {
    /// The chain.
    pub chain: Chain,
    /// The bytes of the start.
    pub bytes: Vec<u8>,
}

impl SnapshotStart {
    /// Reads it; the parts of the snapshot stay unread.
    ///
    /// # Errors
    /// [`ImportError`].
    pub fn read(source: &mut dyn Read) -> Result<Self, ImportError> {
        let mut read = Recorded { source, bytes: Vec::new() };
        let start = read_start(&mut read)?;
        Ok(Self { chain: Chain::new(start.params)?, bytes: read.bytes })
    }
}

/// Keeps all bytes that are read through it.
struct Recorded<'a> {
    source: &'a mut dyn Read,
    bytes: Vec<u8>,
}

impl Read for Recorded<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(into)?;
        self.bytes.extend_from_slice(into.get(..n).unwrap_or_default());
        Ok(n)
    }
}

fn read_start(source: &mut dyn Read) -> Result<Start, ImportError> {
    let mut bytes = up_to(source, START_PREFIX)?;
    let length = Start::length(&bytes).map_err(ImportError::Start)?;
    bytes.extend(up_to(source, length - START_PREFIX)?);
    Start::from_bytes(&bytes).map_err(ImportError::Start)
}

/// The next `n` bytes, or as many as there are; allocates no more than twice what arrives.
fn up_to(source: &mut dyn Read, n: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(n as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What an earlier copy left. A start that is damaged on disk leaves nothing.
fn kept(files: &dyn Files, start: &Start) -> Result<Option<Base>, ImportError> {
    match Base::open(files, FileName::Base(0)) {
        Ok(base) if base.start.params != start.params || base.start.tip.header != start.tip.header => {
            Err(ImportError::Another { height: base.start.tip.header.height })
        }
        Ok(base) => Ok(Some(base)),
        Err(StoreError::Damaged { .. }) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// An import that gathers parts.
struct Gathering<'a> {
    start: &'a Start,
    checker: Checker,
    /// What an earlier copy left.
    kept: Option<Base>,
}

impl Gathering<'_> {
    /// Writes all good parts to base 0, and returns the others.
    fn gather(
        &mut self,
        files: &mut dyn Files,
        source: &mut dyn Read,
    ) -> Result<Vec<MissingPart>, ImportError> {
        let (draft, bytes) = (FileName::Draft, self.start.to_bytes());
        let (offsets, end) = self.start.offsets(bytes.len() as u64);
        write_at(files, draft, 0, &bytes)?;
        let writing = |e| StoreError::writing(draft, e);
        files
            .truncate(draft, bytes.len() as u64)
            .and_then(|()| files.truncate(draft, end))
            .map_err(writing)?;
        let (start, mut missing) = (self.start, Vec::new());
        let read = |source: &mut dyn Read, place: u32| {
            start
                .parts
                .get(place as usize)
                .map_or(Ok(Vec::new()), |entry| up_to(source, entry.length as usize))
        };
        let mut arrived = read(source, 0)?;
        let mut decoded = decode(start, 0, &arrived);
        for ((place, entry), offset) in (0..).zip(&start.parts).zip(offsets) {
            // While one part is judged, the next is decoded.
            let next = read(source, place + 1)?;
            let (judged, ahead) =
                rayon::join(|| self.checker.take(place, decoded), || decode(start, place + 1, &next));
            let part = match judged? {
                Ok(()) => Ok(arrived),
                Err(fault) => match self.earlier(files, entry, place) {
                    Some(earlier) => {
                        let earlier_part = decode(start, place, &earlier);
                        self.checker.take(place, earlier_part)?.map(|()| earlier).map_err(|_| fault)
                    }
                    None => Err(fault),
                },
            };
            match part {
                Ok(bytes) => write_at(files, draft, offset, &bytes)?,
                Err(fault) => missing.push(MissingPart { part: place, kind: entry.kind, fault }),
            }
            (arrived, decoded) = (next, ahead);
        }
        let done = files.sync(draft).and_then(|()| files.rename(draft, FileName::Base(0)));
        done.and_then(|()| files.sync_names()).map_err(writing)?;
        Ok(missing)
    }

    /// The part as an earlier copy had it, if it is the same part.
    fn earlier(&self, files: &dyn Files, entry: &PartEntry, place: u32) -> Option<Vec<u8>> {
        let kept = self.kept.as_ref().filter(|k| k.start.parts.get(place as usize) == Some(entry))?;
        kept.bytes(files, place).ok()
    }
}

/// A part of a snapshot, if these are its bytes.
fn decode(start: &Start, place: u32, bytes: &[u8]) -> Result<Part, PartFault> {
    let entry = start.parts.get(place as usize).ok_or(Damage::Short)?;
    if bytes.len() < entry.length as usize {
        return Err(Damage::Short.into());
    }
    if Start::check(&start.tip, place, entry.kind, bytes) != entry.check {
        return Err(Damage::Checksum.into());
    }
    Ok(Part::from_bytes(entry.kind, bytes)?)
}

impl Checker {
    /// Whether a part belongs in its place; a broken rule ends the import.
    fn take(
        &mut self,
        place: u32,
        decoded: Result<Part, PartFault>,
    ) -> Result<Result<(), PartFault>, ImportError> {
        let part = match decoded {
            Ok(part) => part,
            Err(fault) => return Ok(Err(fault)),
        };
        match self.part(place, &part) {
            Ok(()) => Ok(Ok(())),
            Err(PrunedError::Part { fault, .. }) => Ok(Err(fault)),
            Err(e) => Err(e.into()),
        }
    }
}

/// Makes a store of base 0.
fn settle(mut files: impl Files + 'static, layout: Layout, chain: &Chain) -> Result<Store, StoreError> {
    let base = Base::open(&files, FileName::Base(0))?;
    layout.databases.remove(Slot::Current)?;
    replace(&mut files, FileName::Genesis, &genesis(chain))?;
    Log::start(&mut files, chain.id(), 0, layout.segment_bytes)?;
    let head = base.head(&files, chain, 0)?;
    replace(&mut files, FileName::Head, &head.to_bytes())?;
    Store::open_on(files, layout)
}
