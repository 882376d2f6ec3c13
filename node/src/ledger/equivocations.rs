//! Evidence against validators, kept beside the chain: who said two things at one position, and heights with
//! two certificates.
//!
//! ```text
//! file = version (1) ‖ chain id (32) ‖ n (4) ‖ evidence* ‖ n (1) ‖ double certificate* ‖ check (32)
//! ```
//!
//! Everything in it was verified under the validators of its height before it was kept. Of each validator and
//! height the first case is kept, of each validator at most [`Equivocations::OF_ONE`]: one is proof enough,
//! and a dishonest validator, which can make as many as it likes, leaves room for others. The file decides
//! nothing about blocks; a damaged one is set aside.
//!
//! A height with two certificates means that validators with a third of the power or more are dishonest.
//! Nodes hold different ones of both blocks to be final, and no rule says who is right: a node halts until a
//! person names the header to follow by a checkpoint of that height. That holds for the last W blocks; below,
//! the keys of validators who left long ago must not halt a chain.

use crate::{
    codec::{Damage, checked, ends, tag, with_check},
    consensus::{DoubleCertificate, Evidence},
    storage::{
        FileName, Files, Store, StoreError,
        files::{length, read_whole},
    },
};
use sotto_mw::{
    chain::ChainId,
    codec::{Decode, Encode, Reader, VERSION},
};

/// Evidence against validators, in the order in which it was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Equivocations {
    pub(super) all: Vec<Evidence>,
    pub(super) doubles: Vec<DoubleCertificate>,
}

impl Equivocations {
    /// Most cases that are kept.
    pub const MAX: usize = 1 << 10;
    /// Most cases of one validator.
    pub const OF_ONE: usize = 1 << 5;
    /// Most heights with two certificates.
    pub const DOUBLES: usize = 1 << 3;
    /// Most bytes of the file.
    pub const MAX_BYTES: u64 =
        Self::MAX as u64 * Evidence::MAX_BYTES + Self::DOUBLES as u64 * (1 << 14) + 128;

    /// Each validator that said two things, once a height.
    #[must_use]
    pub fn all(&self) -> &[Evidence] {
        &self.all
    }

    /// Heights with two certificates.
    #[must_use]
    pub fn doubles(&self) -> &[DoubleCertificate] {
        &self.doubles
    }

    /// Whether this is the first of its validator and height, and there is room for it.
    #[must_use]
    pub fn is_news(&self, evidence: &Evidence) -> bool {
        let of_it = || self.all.iter().filter(|e| e.culprit() == evidence.culprit());
        self.all.len() < Self::MAX
            && of_it().count() < Self::OF_ONE
            && of_it().all(|e| e.place().height != evidence.place().height)
    }

    /// Adds a height with two certificates; says whether that changed anything. Where there is no room, the
    /// lowest gives way, so that keys of long ago cannot hide what happens today.
    pub(super) fn add_double(&mut self, double: DoubleCertificate) -> bool {
        let at = self.doubles.partition_point(|d| d.height < double.height);
        if self.doubles.get(at).is_some_and(|d| d.height == double.height) {
            return false;
        }
        let full = self.doubles.len() == Self::DOUBLES;
        if full && at == 0 {
            return false;
        }
        self.doubles.insert(at, double);
        if full {
            self.doubles.remove(0);
        }
        true
    }

    /// The file of a chain.
    #[must_use]
    pub fn to_file(&self, chain: &ChainId) -> Vec<u8> {
        let count = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        let mut out = [&[VERSION], &chain.as_bytes()[..], &count.to_le_bytes()].concat();
        self.all.iter().for_each(|e| e.encode(&mut out));
        out.push(u8::try_from(self.doubles.len()).unwrap_or(u8::MAX));
        self.doubles.iter().for_each(|d| d.encode(&mut out));
        with_check(tag::EQUIVOCATIONS, &[], out)
    }

    /// Reads a file, whose evidence holds on its chain.
    ///
    /// # Errors
    /// [`Damage`], also if the evidence does not hold, or repeats.
    pub fn from_file(bytes: &[u8]) -> Result<(ChainId, Self), Damage> {
        if bytes.len() as u64 > Self::MAX_BYTES {
            return Err(Damage::Long);
        }
        let mut r = Reader::new(checked(tag::EQUIVOCATIONS, &[], bytes)?);
        r.version()?;
        let (chain, count) = (ChainId::decode(&mut r)?, r.u32()?);
        let mut this = Self::default();
        for _ in 0..count {
            let evidence = Evidence::decode(&mut r)?;
            if !this.is_news(&evidence) || !evidence.holds(&chain) {
                return Err(Damage::Misplaced);
            }
            this.all.push(evidence);
        }
        let doubles = r.u8()?;
        for _ in 0..doubles {
            this.add_double(DoubleCertificate::decode(&mut r)?);
        }
        // As many as there were, in order: each changed something, and came last.
        let ascend = this.doubles.len() == usize::from(doubles);
        if !ascend || this.to_file(&chain) != bytes {
            return Err(Damage::Misplaced);
        }
        ends(&r).map(|()| (chain, this))
    }
}

/// What the file beside a store held, and whether it was damaged and is set aside now.
pub(crate) fn load(store: &mut Store) -> Result<(Equivocations, bool), StoreError> {
    let (file, expected) = (FileName::Equivocations, *store.chain().id());
    if length(store.files(), file)?.is_none() {
        return Ok(Default::default());
    }
    let bytes = match read_whole(store.files(), file, Equivocations::MAX_BYTES) {
        Err(StoreError::Damaged { .. }) => Vec::new(),
        bytes => bytes?,
    };
    match Equivocations::from_file(&bytes) {
        Ok((found, all)) if found == expected => Ok((all, false)),
        Ok((found, _)) => Err(StoreError::Foreign { file, expected, found }),
        Err(_) => {
            let files = store.files_mut();
            let aside = files.rename(file, FileName::EquivocationsDamaged);
            aside.and_then(|()| files.sync_names()).map_err(|e| StoreError::writing(file, e))?;
            Ok((Equivocations::default(), true))
        }
    }
}

/// Two certificates of one height, and the names of the validators that signed both.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "height {} has two certificates, for {} and {}: validators with a third of the power or more are dishonest; {}",
    .double.height, .double.first.header, .double.second.header, self.who()
)]
pub struct Halt {
    /// Both.
    pub double: DoubleCertificate,
    /// Who signed both; those who are not known any more are missing.
    pub signers: Vec<String>,
}

impl Halt {
    fn who(&self) -> String {
        let names = self.signers.join(", ");
        match (self.double.is_of_one_round(), names.is_empty()) {
            (_, true) => "who signed both is not known here".into(),
            (true, false) => format!("guilty, because they signed both in one round: {names}"),
            (false, false) => format!("suspects, because they signed both, in different rounds: {names}"),
        }
    }
}
