//! A light client: the chain of a node, for a caller that trusts the operator's seal but not the node.
//!
//! [`Client`] fetches each response, and [`crate::light`] verifies it against a sealed header; that module
//! explains what this proves and what it does not. Headers down to the reorganisation limit below the tip are
//! linked to it by their hashes. A deeper header, which no reorganisation reaches, is accepted for its seal.

use crate::{
    edge::client::{Client, ClientError},
    effect::KernelProof,
    ledger::opened::OpenedRequests,
    light::{self, InvalidResponse},
    message::{BlockName, opened::OpenedPlace},
    rpc::{self, Code, FoundRecord, Hex, TipRecord},
};
use sotto_audit::OpenedRequest;
use sotto_mw::{
    amount::Height,
    block::{Block, Header, SealedHeader},
    chain::{Chain, ParamsError},
    commitment::Commitment,
    hash::Hash,
    history::History,
    kernel::Excess,
    state::{RewindData, Unspent},
    terms::SignedChange,
    transaction::Transaction,
    trie::{Prefix, TrieProof},
};
use std::{cell::RefCell, collections::BTreeMap};

/// About how many outputs to request at a time.
const OUTPUTS: u64 = 512;
/// How many headers to request at a time.
const HEADERS: u64 = 512;
/// How often to repeat a request when blocks arrive in between.
const ATTEMPTS: usize = 5;

/// Why a light client cannot follow a node.
#[derive(Debug, thiserror::Error)]
pub enum LightError {
    /// The node does not answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The node's parameters do not match its chain id.
    #[error("the node's parameters do not match its chain id: do not use this node")]
    OtherChain,
    /// The node's parameters are invalid.
    #[error("the node's parameters are invalid ({0}): do not use this node")]
    Params(#[from] ParamsError),
    /// A response is invalid.
    #[error("the node's response is invalid ({0}): do not use this node")]
    Invalid(#[from] InvalidResponse),
    /// New blocks arrived during every attempt.
    #[error("new blocks arrived during every attempt: try again")]
    Moving,
}

/// A client that verifies the responses of one node.
#[derive(Debug)]
pub struct LightClient {
    client: Client,
    /// Under the terms after the tip at which the client began.
    chain: Chain,
    history: RefCell<History>,
    seen: RefCell<Seen>,
}

/// The verified headers.
#[derive(Debug)]
struct Seen {
    tip: Option<SealedHeader>,
    /// Headers below the tip without gaps, each the parent of the next.
    linked: BTreeMap<Height, Header>,
}

/// A kernel in the chain, and the sealed header that proves it.
#[derive(Clone, Debug)]
pub struct Included {
    /// The kernel and its proof.
    pub found: KernelProof,
    /// The header with the proof's root.
    pub tip: SealedHeader,
}

/// An unspent output, and the sealed header that proves it.
#[derive(Clone, Debug)]
pub struct IncludedOutput {
    /// The output.
    pub unspent: Unspent,
    /// Its path in the trie.
    pub proof: TrieProof,
    /// The header with the root of the trie.
    pub tip: SealedHeader,
}

impl LightClient {
    /// Connects to a node. The caller must compare the chain id with the expected one.
    ///
    /// # Errors
    /// [`LightError`] if the node does not respond, or its parameters do not match its chain id.
    pub fn new(client: Client) -> Result<Self, LightError> {
        let reported = client.ask(&rpc::Chain {})?;
        let chain = Chain::new(reported.parameters.0)?;
        if *chain.id() != reported.chain_id.0 {
            return Err(LightError::OtherChain);
        }
        let (history, seen) = (History::new(&chain), Seen { tip: None, linked: BTreeMap::new() });
        let mut light = Self { client, chain, history: RefCell::new(history), seen: RefCell::new(seen) };
        let next = light.refresh()?.height.next();
        let chain = light.chain.under(light.history.borrow().at(next));
        light.chain = chain;
        Ok(light)
    }

    /// The chain, under the terms of the height after the tip at which the client began.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The last verified header.
    #[must_use]
    pub fn tip(&self) -> Header {
        self.seen.borrow().tip.as_ref().map_or_else(|| Header::genesis(&self.chain), |s| s.header.clone())
    }

    /// Requests the last header.
    ///
    /// # Errors
    /// [`LightError`].
    pub fn refresh(&self) -> Result<Header, LightError> {
        for _ in 0..ATTEMPTS {
            let status = self.client.ask(&rpc::Status {})?;
            if self.advance_to(&status.tip)? {
                return Ok(self.tip());
            }
        }
        Err(LightError::Moving)
    }

    /// Moves to a tip that the node reported. Returns `false` if its chain has another block there by now.
    ///
    /// A tip that is worse than an earlier one is an error: otherwise a node could answer one request from an
    /// old state and the next from a new one.
    fn advance_to(&self, tip: &TipRecord) -> Result<bool, LightError> {
        let (name, before) = (tip.name(), self.tip());
        if BlockName::of(&before) == name {
            return Ok(true);
        }
        let given = self.client.ask(&rpc::Header { height: tip.height })?.header.map(|Hex(sealed)| sealed);
        if let Some(sealed) = &given {
            self.learn_terms(&sealed.header)?;
        }
        let judged = light::header(&self.history.borrow(), name, given.clone());
        match judged {
            Ok(header) => {
                light::onward(&before, &header)?;
                *self.seen.borrow_mut() = Seen { tip: given, linked: BTreeMap::new() };
                Ok(true)
            }
            Err(InvalidResponse::OtherHeader) => Ok(false),
            Err(invalid) => Err(invalid.into()),
        }
    }

    /// Asks for the changes of the terms up to a header, if its own or the next are not known. Each is judged under the
    /// terms before.
    fn learn_terms(&self, header: &Header) -> Result<(), LightError> {
        while !self.history.borrow().states_terms(header) {
            let first = self.history.borrow().last_change().get();
            let changes = self.client.ask(&rpc::Terms { first, most: u32::MAX })?.changes;
            let changes: Vec<_> = changes.into_iter().map(|Hex(change)| change).collect();
            // A node with nothing to add leaves the header without a seal that could be judged.
            if changes.is_empty() || self.history.borrow_mut().extend(&changes).is_err() {
                return Err(InvalidResponse::Seal.into());
            }
        }
        Ok(())
    }

    /// The changes of the terms that wait for a block.
    ///
    /// # Errors
    /// [`LightError`].
    pub fn pending_changes(&self) -> Result<Vec<SignedChange>, LightError> {
        let pending = self.client.ask(&rpc::Terms { first: u64::MAX, most: 0 })?.pending;
        Ok(pending.into_iter().map(|Hex(change)| change).collect())
    }

    /// Submits a change of the terms.
    ///
    /// # Errors
    /// [`LightError`]; [`ClientError::Refused`] if the node does not accept it.
    pub fn submit_change(&self, change: SignedChange) -> Result<(), LightError> {
        self.client.ask(&rpc::SubmitChange { change: Hex(change) })?;
        Ok(())
    }

    /// Hands over a request of auditors whose delay is over.
    ///
    /// # Errors
    /// [`LightError`]; [`ClientError::Refused`] if the node does not keep it.
    pub fn open_request(&self, request: OpenedRequest) -> Result<(), LightError> {
        self.client.ask(&rpc::OpenRequest { request: Hex(request) })?;
        Ok(())
    }

    /// The requests that auditors handed out, as far as the node has them. Nothing of them is verified here: signatures
    /// and charter speak for themselves, and the caller asks for the kernels of the notices.
    ///
    /// # Errors
    /// [`LightError`].
    pub fn opened_requests(&self) -> Result<Vec<OpenedRequest>, LightError> {
        let (mut all, mut after) = (Vec::new(), OpenedPlace::FIRST);
        loop {
            let page = rpc::OpenedRequests { height: after.height.get(), name: Hex(after.name) };
            let found = self.client.ask(&page)?.requests;
            if found.is_empty() {
                return Ok(all);
            }
            for found in found {
                let (height, request) = (Height::new(found.height), found.request.0);
                let place = OpenedPlace { height, name: request.letter.request().name(self.chain.id()) };
                // A node that goes round would never come to an end.
                if place <= after || all.len() >= OpenedRequests::MAX {
                    return Err(InvalidResponse::Requests.into());
                }
                after = place;
                all.push(request);
            }
        }
    }

    /// The next unspent outputs in the order of their keys, after the key `after`. An empty result means the
    /// end.
    ///
    /// If the node's tip moves meanwhile, it becomes the new [`Self::tip`].
    ///
    /// # Errors
    /// [`LightError`].
    pub fn unspent(&self, after: Option<&Hash>) -> Result<Vec<RewindData>, LightError> {
        let count = self.tip().output_count;
        let mut depth = (0..Prefix::MAX_DEPTH).find(|d| count >> d <= OUTPUTS).unwrap_or(Prefix::MAX_DEPTH);
        // The first 32 bits of the next key.
        let mut at = after.and_then(|key| key.as_bytes().first_chunk()).map_or(0, |b| u32::from_be_bytes(*b));
        let mut moved = 0..ATTEMPTS;
        loop {
            let index = (u64::from(at) >> (32 - depth)) as u32;
            let Some(prefix) = Prefix::new(depth, index) else { return Ok(Vec::new()) };
            match self.under(prefix) {
                Err(LightError::Client(e)) if e.is(Code::Wide) && depth < Prefix::MAX_DEPTH => depth += 1,
                Ok(None) => moved.next().map(drop).ok_or(LightError::Moving)?,
                Err(e) => return Err(e),
                Ok(Some(all)) => {
                    let all: Vec<_> =
                        all.into_iter().filter(|u| after.is_none_or(|key| u.key() > *key)).collect();
                    let next = (u64::from(index) + 1) << (32 - depth);
                    match u32::try_from(next) {
                        Ok(next) if all.is_empty() => at = next,
                        _ => return Ok(all),
                    }
                }
            }
        }
    }

    /// All outputs under a prefix, as of the tip in the response; `None` if that tip was replaced.
    fn under(&self, prefix: Prefix) -> Result<Option<Vec<RewindData>>, LightError> {
        let answer = self.client.ask(&rpc::Unspent { depth: prefix.depth(), index: prefix.index() })?;
        if !self.advance_to(&answer.tip)? {
            return Ok(None);
        }
        let outputs: Vec<_> = answer.outputs.into_iter().map(|Hex(u)| u).collect();
        light::outputs(&self.tip(), prefix, &outputs, &answer.proof.0)?;
        Ok(Some(outputs))
    }

    /// The unspent output with this commitment, with the proof and the sealed header; `None` if the node proves that
    /// there is none.
    ///
    /// # Errors
    /// [`LightError`].
    pub fn output(&self, c: &Commitment) -> Result<Option<IncludedOutput>, LightError> {
        for _ in 0..ATTEMPTS {
            let answer = self.client.ask(&rpc::Output { commitment: Hex(*c) })?;
            if !self.advance_to(&answer.tip)? {
                continue;
            }
            let (unspent, proof) = (answer.unspent.map(|Hex(u)| u), answer.proof.0);
            light::output(&self.tip(), c, unspent.as_ref(), &proof)?;
            let tip = self.seen.borrow().tip.clone();
            let found = unspent.zip(tip).map(|(unspent, tip)| IncludedOutput { unspent, proof, tip });
            return Ok(found);
        }
        Err(LightError::Moving)
    }

    /// The last kernel with this excess; `None` if the node denies that there is one, which it cannot prove.
    ///
    /// # Errors
    /// [`LightError`].
    pub fn kernel(&self, excess: &Excess) -> Result<Option<Included>, LightError> {
        for _ in 0..ATTEMPTS {
            let Some(found) = self.client.ask(&rpc::Kernel { excess: Hex(*excess) })?.found else {
                return Ok(None);
            };
            let FoundRecord { height, kernel: Hex(kernel), place, path: Hex(path), tip } = found;
            if !self.advance_to(&tip)? {
                continue;
            }
            let height = Height::new(height);
            let between = (self.header(height.minus(1))?, self.header(height)?);
            let (Some(before), Some(block)) = between else {
                return Err(InvalidResponse::OtherKernel.into());
            };
            let found = KernelProof { height, kernel, place, path, tip: tip.name() };
            light::kernel(&self.tip(), excess, &found, before.kernel_count..block.kernel_count)?;
            let tip = self.seen.borrow().tip.clone();
            return tip.map(|tip| Some(Included { found, tip })).ok_or(InvalidResponse::OtherKernel.into());
        }
        Err(LightError::Moving)
    }

    /// The header at a height; `None` above the tip.
    ///
    /// # Errors
    /// [`LightError`].
    pub fn header(&self, h: Height) -> Result<Option<Header>, LightError> {
        let tip = self.tip();
        if h >= tip.height {
            return Ok((h == tip.height).then_some(tip));
        }
        if h == Height::GENESIS {
            return Ok(Some(Header::genesis(&self.chain)));
        }
        let lowest = self.seen.borrow().linked.values().next().cloned().unwrap_or(tip);
        if h < lowest.height.minus(HEADERS.max(self.chain.params().reorganisation)) {
            return self.sealed(h).map(Some);
        }
        self.link(lowest, h)?;
        Ok(self.seen.borrow().linked.get(&h).cloned())
    }

    /// A final header, accepted for its seal.
    fn sealed(&self, h: Height) -> Result<Header, LightError> {
        let given = self.client.ask(&rpc::Header { height: h.get() })?.header.map(|Hex(sealed)| sealed);
        let sealed = given.filter(|s| s.header.height == h).ok_or(InvalidResponse::OtherHeader)?;
        if self.history.borrow().holds(&sealed) {
            Ok(sealed.header)
        } else {
            Err(InvalidResponse::Seal.into())
        }
    }

    /// Extends the linked headers, of which `lowest` is the lowest, down to `h`.
    fn link(&self, mut lowest: Header, h: Height) -> Result<(), LightError> {
        while lowest.height > h {
            let first = lowest.height.minus(HEADERS).max(Height::new(1));
            let most = u32::try_from(lowest.height.get() - first.get()).unwrap_or(u32::MAX);
            let all = self.client.ask(&rpc::Headers { first: first.get(), most })?.headers;
            let all: Vec<_> = all.into_iter().map(|Hex(sealed)| sealed).collect();
            light::chain(&all, &lowest)?;
            let bottom = all.first().filter(|s| s.header.height == first).ok_or(InvalidResponse::Chain)?;
            lowest = bottom.header.clone();
            let linked = all.into_iter().map(|s| (s.header.height, s.header));
            self.seen.borrow_mut().linked.extend(linked);
        }
        Ok(())
    }

    /// The block at a height; `None` if the node reports that it does not have it.
    ///
    /// # Errors
    /// [`LightError`].
    pub fn block(&self, h: Height) -> Result<Option<Block>, LightError> {
        let Some(Hex(block)) = self.client.ask(&rpc::Block { height: h.get() })?.block else {
            return Ok(None);
        };
        let header = self.header(h)?.ok_or(InvalidResponse::Block)?;
        light::block(&header, &block)?;
        Ok(Some(block))
    }

    /// Submits a transaction and returns its id.
    ///
    /// # Errors
    /// [`LightError`]; [`ClientError::Refused`] if the node does not accept it.
    pub fn submit(&self, transaction: Transaction) -> Result<Hash, LightError> {
        Ok(self.client.ask(&rpc::Submit { transaction: Hex(transaction) })?.id.0)
    }
}
