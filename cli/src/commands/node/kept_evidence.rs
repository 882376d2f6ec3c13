//! The evidence that a node keeps, files of evidence, and the validators of the heights that it is of.

use crate::{
    Context,
    bridge::Home,
    exit::{ErrorCode, Failure, OrRefuse as _, Outcome},
};
use core::{cell::OnceCell, fmt::Display};
use sotto_mw::{
    amount::Height,
    chain::{Chain, ChainId},
    history::History,
    validators::ValidatorSet,
};
use sotto_node::{edge::chain_dir::read_evidence, ledger::equivocations::Equivocations, storage::Store};
use std::{fs::File, io::Read, path::Path};

/// The failure of a file that holds no such thing.
pub(super) fn invalid(what: &str, file: &Path, why: impl Display) -> Failure {
    let what = format!("the {what} in {} does not hold", file.display());
    Failure::coded(ErrorCode::InvalidEvidence, what).why(why)
}

/// A file of at most so many bytes, or the beginning of one that is longer.
pub(super) fn read(path: &Path, most: u64) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(most + 1).read_to_end(&mut bytes))
        .or_refuse(format!("cannot read {}", path.display()))?;
    Ok(bytes)
}

/// The chain in this folder, and the evidence beside it.
pub(super) struct Here {
    pub(super) home: Home,
    pub(super) chain: Chain,
    pub(super) kept: Equivocations,
    /// The terms of all heights, once they were needed; none while a node runs.
    history: OnceCell<Option<History>>,
}

impl Here {
    pub(super) fn of(context: &Context) -> Outcome<Self> {
        let home = Home::of(&context.config);
        let (chain, kept) = read_evidence(&home.chain()).or_refuse("cannot read the evidence")?;
        Ok(Self { home, chain, kept, history: OnceCell::new() })
    }

    /// The evidence in a file, which holds on this chain.
    pub(super) fn verified(&self, file: &Path) -> Outcome<Equivocations> {
        let bytes = read(file, Equivocations::MAX_BYTES)?;
        let (chain, found) = Equivocations::from_file(&bytes).map_err(|e| invalid("evidence", file, e))?;
        self.is_of(chain, "evidence")?;
        for double in found.doubles() {
            let set = self.set_at(double.height)?;
            if !set.is_some_and(|set| double.holds(self.chain.id(), &set)) {
                let why = format!("the validators of height {} did not seal both blocks", double.height);
                return Err(invalid("evidence", file, why));
            }
        }
        Ok(found)
    }

    pub(super) fn is_of(&self, chain: ChainId, what: &str) -> Outcome {
        if chain == *self.chain.id() {
            return Ok(());
        }
        let why = format!("it is of chain {chain}");
        Err(Failure::coded(ErrorCode::OtherChain, format!("the {what} is of another chain")).why(why))
    }

    /// The validators of a height. Those since the last change are in a file that a running node replaces whole;
    /// earlier ones are in the log.
    pub(super) fn set_at(&self, height: Height) -> Outcome<Option<ValidatorSet>> {
        let terms = self.chain.terms();
        let sealing = match &terms.announced_validators {
            Some(next) if next.from <= height => return Ok(Some(next.what.clone())),
            _ if terms.last_change == Height::GENESIS || height >= terms.last_change.plus(2) => {
                &terms.sealing
            }
            _ => {
                let read = || Store::open_read_only(&self.home.chain()).map(|s| s.history().clone()).ok();
                let history = self.history.get_or_init(read).as_ref();
                let unknown = || {
                    let what = format!("the validators of height {height} are not known");
                    Failure::refused(what)
                        .why("they have changed since, and the chain cannot be opened")
                        .help("if a node runs in that folder, stop it first")
                };
                &history.ok_or_else(unknown)?.at(height).sealing
            }
        };
        Ok(sealing.validators().cloned())
    }

    /// The same for a list, which does without.
    pub(super) fn known_at(&self, height: Height) -> Option<ValidatorSet> {
        self.set_at(height).ok().flatten()
    }
}
