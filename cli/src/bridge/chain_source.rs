//! The chain as a wallet sees it: a ledger on disk, or a running node.
//!
//! Answers of a node are checked against the operator's seal (`sotto_node::edge::light`), data on disk by the
//! store.

use super::failure::chain_failure;
use crate::exit::{ErrorCode, Failure, OrRefuse as _, Outcome};
use core::fmt;
use rayon::prelude::*;
use sotto_audit::OpenedRequest;
use sotto_mw::{
    amount::Height,
    block::Header,
    chain::Chain,
    commitment::Commitment,
    hash::Hash,
    kernel::Excess,
    state::{ChainView, RewindData, Unspent},
    transaction::Transaction,
};
use sotto_node::{
    edge::light::{IncludedOutput, LightClient, LightError},
    ledger::{Ledger, opening},
    message::opened::OpenedPlace,
    storage::StoreError,
};
use sotto_wallet::{
    output_proof::SealedOutput,
    proof::KernelInclusion,
    scan::{BlockContents, ChainSource, ScanError, unspent_at},
};
use std::{cell::RefCell, error::Error, iter::Peekable};

/// The chain that a command works with.
pub(crate) enum ChainAt {
    /// In a folder on this machine.
    Disk(Box<Ledger>),
    /// At a running node.
    Node(Box<LightClient>),
}

impl ChainAt {
    /// The chain.
    pub(crate) fn chain(&self) -> &Chain {
        match self {
            Self::Disk(ledger) => ledger.chain(),
            Self::Node(light) => light.chain(),
        }
    }

    /// The chain as a source for a wallet's scan.
    pub(crate) fn view(&self) -> View<'_> {
        match self {
            Self::Disk(ledger) => View::of(ledger),
            Self::Node(light) => View::Node(light),
        }
    }

    /// Submits a transaction and returns its id.
    pub(crate) fn submit(&mut self, t: Transaction) -> Outcome<Hash> {
        let what = "the transaction was refused";
        match self {
            Self::Disk(ledger) => ledger.submit(t).or_refuse(what),
            Self::Node(light) => light.submit(t).map_err(|e| chain_failure(what, &e)),
        }
    }

    /// Hands over a request of auditors whose delay is over, which this chain's nodes keep and pass on.
    pub(crate) fn open_request(&mut self, request: OpenedRequest) -> Outcome {
        let what = "the request was not handed over";
        match self {
            Self::Disk(ledger) => opening::keep(ledger, request).or_refuse(what).map(drop),
            Self::Node(light) => light.open_request(request).map_err(|e| chain_failure(what, &e)),
        }
    }

    /// The requests that auditors handed out, as far as they are known here. Each stands alone, and is still to be judged.
    pub(crate) fn opened_requests(&self) -> Outcome<Vec<OpenedRequest>> {
        match self {
            Self::Disk(ledger) => {
                let all = opening::kept(ledger).after(OpenedPlace::FIRST, usize::MAX);
                Ok(all.into_iter().map(|at| at.request).collect())
            }
            Self::Node(light) => {
                light.opened_requests().map_err(|e| chain_failure("cannot read the requests of auditors", &e))
            }
        }
    }

    /// The height of the last block.
    pub(crate) fn tip_height(&self) -> Height {
        match self {
            Self::Disk(ledger) => ledger.tip().height,
            Self::Node(light) => light.tip().height,
        }
    }

    /// The header at a height.
    pub(crate) fn header(&self, height: Height) -> Outcome<Option<Header>> {
        let what = "cannot read the chain";
        match self {
            Self::Disk(ledger) => ledger.store().header(height).or_refuse(what),
            Self::Node(light) => light.header(height).map_err(|e| chain_failure(what, &e)),
        }
    }

    /// The height of the last block that has a kernel with this excess.
    pub(crate) fn kernel_height(&self, excess: &Excess) -> Outcome<Option<Height>> {
        let what = "cannot read the chain";
        match self {
            Self::Disk(ledger) => {
                Ok(ledger.store().last_seen(excess).or_refuse(what)?.map(|seen| seen.height))
            }
            Self::Node(light) => {
                let found = light.kernel(excess).map_err(|e| chain_failure(what, &e))?;
                Ok(found.map(|k| k.found.height))
            }
        }
    }

    /// Finds the kernel with this excess in a sealed block.
    pub(crate) fn inclusion(&self, excess: &Excess) -> Outcome<Option<KernelInclusion>> {
        let what = "cannot read the chain";
        match self {
            Self::Disk(ledger) => {
                let store = ledger.store();
                let Some(seen) = store.last_seen(excess).or_refuse(what)? else { return Ok(None) };
                let Some(sealed) = store.sealed_header(seen.height).or_refuse(what)? else {
                    return Ok(None);
                };
                KernelInclusion::find(self.chain().params(), &sealed, store.kernels(), excess).or_refuse(what)
            }
            Self::Node(light) => {
                let found = light.kernel(excess).map_err(|e| chain_failure(what, &e))?;
                Ok(found.map(|included| KernelInclusion {
                    params: self.chain().params().clone(),
                    header: included.tip.header,
                    seal: included.tip.seal,
                    kernel: included.found.kernel,
                    index: included.found.place,
                    path: included.found.path,
                }))
            }
        }
    }
}

/// The chain as a source for a wallet's scan.
pub(crate) enum View<'a> {
    Disk(Box<LedgerView<'a>>),
    Node(&'a LightClient),
}

impl<'a> View<'a> {
    pub(crate) fn of(ledger: &'a Ledger) -> Self {
        let cursor = RefCell::new(Cursor { after: None, rest: all(ledger) });
        Self::Disk(Box::new(LedgerView { ledger, cursor }))
    }
}

/// Why the chain cannot be read.
#[derive(Debug)]
pub(crate) enum ChainReadError {
    Store(StoreError),
    Node(LightError),
}

impl fmt::Display for ChainReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(e) => e.fmt(f),
            Self::Node(e) => e.fmt(f),
        }
    }
}

impl Error for ChainReadError {}

impl From<StoreError> for ChainReadError {
    fn from(e: StoreError) -> Self {
        Self::Store(e)
    }
}

impl From<LightError> for ChainReadError {
    fn from(e: LightError) -> Self {
        Self::Node(e)
    }
}

/// How to accept a chain that went back.
const ACCEPT: &str = "if the operator confirms that the chain went back, run `sotto wallet scan --accept-chain` (with a view \
                      key: `sotto wallet view-key show --accept-chain`)";

/// The failure of a scan; its exit code tells whether the chain was reached.
pub(crate) fn scan_failure(what: &str, e: ScanError<ChainReadError>) -> Failure {
    match e {
        ScanError::Source(ChainReadError::Node(e)) => chain_failure(what, &e),
        ScanError::Store(e) => Failure::refused("cannot store what the scan found").cause(&e),
        ScanError::Older { .. } => {
            Failure::coded(ErrorCode::ChainDiffers, "the chain is older than what this wallet has seen").why(e).help(format!(
                "wait until the node has caught up, or ask another node; nothing was changed; {ACCEPT}"
            ))
        }
        ScanError::Forked { .. } => {
            Failure::coded(ErrorCode::ChainDiffers, "the chain differs from the one that this wallet has seen").why(e).help(format!(
                "make no payment before you know why, and keep both hashes as evidence; nothing was changed; {ACCEPT}"
            ))
        }
        e => Failure::refused(what).why(e),
    }
}

impl ChainSource for View<'_> {
    type Error = ChainReadError;

    fn tip(&self) -> Result<(Height, Hash), ChainReadError> {
        let tip = match self {
            Self::Disk(view) => view.ledger.tip().clone(),
            Self::Node(light) => light.refresh()?,
        };
        Ok((tip.height, tip.hash()))
    }

    fn unspent_count(&self) -> Result<u64, ChainReadError> {
        Ok(match self {
            Self::Disk(view) => view.ledger.tip().output_count,
            Self::Node(light) => light.tip().output_count,
        })
    }

    fn unspent(&self, after: Option<&Hash>, most: usize) -> Result<Vec<RewindData>, ChainReadError> {
        match self {
            Self::Disk(view) => Ok(view.unspent(after, most)?),
            Self::Node(light) => {
                let mut all = light.unspent(after)?;
                all.truncate(most);
                Ok(all)
            }
        }
    }

    fn unspent_output(&self, c: &Commitment) -> Result<Option<RewindData>, ChainReadError> {
        match self {
            Self::Disk(view) => Ok(view.ledger.store().unspent(c)?.map(|u| u.rewind_data())),
            Self::Node(_) => unspent_at(self, c),
        }
    }

    fn sealed_output(&self, c: &Commitment) -> Result<Option<SealedOutput>, ChainReadError> {
        match self {
            Self::Disk(view) => {
                let store = view.ledger.store();
                let sealed = store.sealed_header(store.tip().height)?;
                let (Some(unspent), Some(sealed)) = (store.unspent(c)?, sealed) else { return Ok(None) };
                let key = Unspent::key(c);
                let (output, opening) = (unspent.rewind_data(), store.outputs(&[key])?.prove(&key));
                Ok(Some(SealedOutput { sealed, output, opening }))
            }
            Self::Node(light) => Ok(light.output(c)?.map(|IncludedOutput { unspent, proof, tip }| {
                SealedOutput { sealed: tip, output: unspent.rewind_data(), opening: proof }
            })),
        }
    }

    fn kernel(&self, excess: &Excess) -> Result<Option<Height>, ChainReadError> {
        Ok(match self {
            Self::Disk(view) => view.ledger.store().last_seen(excess)?.map(|s| s.height),
            Self::Node(light) => light.kernel(excess)?.map(|k| k.found.height),
        })
    }

    fn hash_at(&self, height: Height) -> Result<Option<Hash>, ChainReadError> {
        let header = match self {
            Self::Disk(view) => view.ledger.store().header(height)?,
            Self::Node(light) => light.header(height)?,
        };
        Ok(header.map(|h| h.hash()))
    }

    fn block(&self, height: Height) -> Result<Option<BlockContents>, ChainReadError> {
        let block = match self {
            Self::Disk(view) => match view.ledger.store().block(height) {
                Err(StoreError::Pruned { .. }) => None,
                found => found?,
            },
            Self::Node(light) => light.block(height)?,
        };
        Ok(block.map(Into::into))
    }
}

/// A ledger on disk, which is read from one end to the other.
pub(crate) struct LedgerView<'a> {
    ledger: &'a Ledger,
    cursor: RefCell<Cursor<'a>>,
}

type Outputs<'a> = Peekable<Box<dyn Iterator<Item = Result<Unspent, StoreError>> + 'a>>;

/// The end of the last answer, and the outputs after it.
struct Cursor<'a> {
    after: Option<Hash>,
    rest: Outputs<'a>,
}

fn all(ledger: &Ledger) -> Outputs<'_> {
    (Box::new(ledger.store().all_unspent()) as Box<dyn Iterator<Item = _>>).peekable()
}

impl LedgerView<'_> {
    fn unspent(&self, after: Option<&Hash>, most: usize) -> Result<Vec<RewindData>, StoreError> {
        let mut cursor = self.cursor.borrow_mut();
        if cursor.after.as_ref() != after {
            cursor.rest = all(self.ledger);
            let key = |u: &Unspent| Unspent::key(&u.output.commitment);
            let before = |u: &Result<Unspent, _>| u.as_ref().is_ok_and(|u| Some(&key(u)) <= after);
            while cursor.rest.next_if(before).is_some() {}
        }
        let batch = cursor.rest.by_ref().take(most).collect::<Result<Vec<_>, StoreError>>()?;
        let batch: Vec<_> = batch.par_iter().map(Unspent::rewind_data).collect();
        cursor.after = batch.last().map(RewindData::key).or(cursor.after);
        Ok(batch)
    }
}
