//! A node's chain as somebody sees it who believes the operator's seal and not the node.
//!
//! Each answer is fetched by [`Client`] and held by [`crate::light`] against a header that was sealed; see there for what that
//! shows and what it cannot. Headers up to the reorganisation limit below the tip are linked to it by their hashes; a deeper
//! one, which no reorganisation reaches, is believed for its seal.

use crate::{
    edge::client::{Client, ClientError},
    effect::KernelProof,
    light::{self, Lie},
    message::BlockName,
    rpc::{self, Code, FoundRecord, Hex, TipRecord},
};
use sotto_mw::{
    amount::Height,
    block::{Block, Header, SealedHeader},
    chain::{Chain, ParamsError},
    hash::Hash,
    kernel::Excess,
    state::RewindData,
    transaction::Transaction,
    trie::Prefix,
};
use std::{cell::RefCell, collections::BTreeMap};

/// Outputs to ask for at a time, about.
const OUTPUTS: u64 = 512;
/// Headers to ask for at a time.
const HEADERS: u64 = 512;
/// How often to ask anew when blocks arrive in between.
const ATTEMPTS: usize = 5;

/// Why a chain cannot be seen through a node.
#[derive(Debug, thiserror::Error)]
pub enum LightError {
    /// The node does not answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// It keeps another chain than it says.
    #[error("the node's parameters are not those of its chain: do not use it")]
    OtherChain,
    /// Its parameters make no sense.
    #[error("the node's parameters make no sense ({0}): do not use it")]
    Params(#[from] ParamsError),
    /// It is at fault.
    #[error("the node's answer does not hold ({0}): do not use it")]
    Lie(#[from] Lie),
    /// It moves too fast.
    #[error("blocks arrived while the node was asked, again and again: try again")]
    Moving,
}

/// A chain, seen through a node.
#[derive(Debug)]
pub struct Light {
    client: Client,
    chain: Chain,
    seen: RefCell<Seen>,
}

/// What was fetched and holds.
#[derive(Debug)]
struct Seen {
    tip: Option<SealedHeader>,
    /// Headers below the tip without a gap, each the parent of the next.
    linked: BTreeMap<Height, Header>,
}

/// A kernel in the chain, and the sealed header under which that was shown.
#[derive(Clone, Debug)]
pub struct Included {
    /// The kernel and its proof.
    pub found: KernelProof,
    /// Whose root the proof leads to.
    pub tip: SealedHeader,
}

impl Light {
    /// Looks through a node. Which chain it is of is for the caller to compare.
    ///
    /// # Errors
    /// When it does not answer, or gives parameters that are not those of its chain's id.
    pub fn new(client: Client) -> Result<Self, LightError> {
        let told = client.ask(&rpc::Chain {})?;
        let chain = Chain::new(told.parameters.0)?;
        if *chain.id() != told.chain_id.0 {
            return Err(LightError::OtherChain);
        }
        let light = Self { client, chain, seen: RefCell::new(Seen { tip: None, linked: BTreeMap::new() }) };
        light.refresh()?;
        Ok(light)
    }

    /// The chain.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The last header that was seen.
    #[must_use]
    pub fn tip(&self) -> Header {
        self.seen.borrow().tip.as_ref().map_or_else(|| Header::genesis(&self.chain), |s| s.header.clone())
    }

    /// Asks for the last header.
    ///
    /// # Errors
    /// As all questions.
    pub fn refresh(&self) -> Result<Header, LightError> {
        for _ in 0..ATTEMPTS {
            let status = self.client.ask(&rpc::Status {})?;
            if self.see(&status.tip)? {
                return Ok(self.tip());
            }
        }
        Err(LightError::Moving)
    }

    /// Takes over a tip that the node named; `false` when its chain has another block there by now. A worse one than it named
    /// before is refused: otherwise it could date an answer back and the next one forward again.
    fn see(&self, tip: &TipRecord) -> Result<bool, LightError> {
        let (name, before) = (tip.name(), self.tip());
        if BlockName::of(&before) == name {
            return Ok(true);
        }
        let given = self.client.ask(&rpc::Header { height: tip.height })?.header.map(|Hex(sealed)| sealed);
        match light::header(&self.chain, name, given.clone()) {
            Ok(header) => {
                light::onward(&before, &header)?;
                *self.seen.borrow_mut() = Seen { tip: given, linked: BTreeMap::new() };
                Ok(true)
            }
            Err(Lie::OtherHeader) => Ok(false),
            Err(lie) => Err(lie.into()),
        }
    }

    /// Unspent outputs in the order of their keys, after a key if one is given: all under one prefix, or several if they are
    /// empty; none at the end. A tip that has moved meanwhile is the new [`Self::tip`].
    ///
    /// # Errors
    /// As all questions.
    pub fn unspent(&self, after: Option<&Hash>) -> Result<Vec<RewindData>, LightError> {
        let count = self.tip().output_count;
        let mut depth = (0..Prefix::MAX_DEPTH).find(|d| count >> d <= OUTPUTS).unwrap_or(Prefix::MAX_DEPTH);
        // The first 32 bits of the keys to look at.
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

    /// All under a prefix, as of the tip that the answer names; `None` when that tip is gone again.
    fn under(&self, prefix: Prefix) -> Result<Option<Vec<RewindData>>, LightError> {
        let answer = self.client.ask(&rpc::Unspent { depth: prefix.depth(), index: prefix.index() })?;
        if !self.see(&answer.tip)? {
            return Ok(None);
        }
        let outputs: Vec<_> = answer.outputs.into_iter().map(|Hex(u)| u).collect();
        light::outputs(&self.tip(), prefix, (&outputs, &answer.proof.0))?;
        Ok(Some(outputs))
    }

    /// The last kernel with this excess; `None` when the node denies that there is one, which it cannot prove.
    ///
    /// # Errors
    /// As all questions.
    pub fn kernel(&self, excess: &Excess) -> Result<Option<Included>, LightError> {
        for _ in 0..ATTEMPTS {
            let Some(found) = self.client.ask(&rpc::Kernel { excess: Hex(*excess) })?.found else {
                return Ok(None);
            };
            let FoundRecord { height, kernel: Hex(kernel), place, path: Hex(path), tip } = found;
            if !self.see(&tip)? {
                continue;
            }
            let height = Height::new(height);
            let between = (self.header(height.minus(1))?, self.header(height)?);
            let (Some(before), Some(block)) = between else { return Err(Lie::OtherKernel.into()) };
            let found = KernelProof { height, kernel, place, path, tip: tip.name() };
            light::kernel(&self.tip(), excess, &found, (&before, &block))?;
            let tip = self.seen.borrow().tip.clone();
            return tip.map(|tip| Some(Included { found, tip })).ok_or(Lie::OtherKernel.into());
        }
        Err(LightError::Moving)
    }

    /// The header at a height; `None` above the tip.
    ///
    /// # Errors
    /// As all questions.
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

    /// A header that is final, for its seal.
    fn sealed(&self, h: Height) -> Result<Header, LightError> {
        let given = self.client.ask(&rpc::Header { height: h.get() })?.header.map(|Hex(sealed)| sealed);
        let sealed = given.filter(|s| s.header.height == h).ok_or(Lie::OtherHeader)?;
        if sealed.holds(&self.chain) { Ok(sealed.header) } else { Err(Lie::Seal.into()) }
    }

    /// Links the headers from `h` on to those that are linked, of which this is the lowest.
    fn link(&self, mut lowest: Header, h: Height) -> Result<(), LightError> {
        while lowest.height > h {
            let first = lowest.height.minus(HEADERS).max(Height::new(1));
            let most = u32::try_from(lowest.height.get() - first.get()).unwrap_or(u32::MAX);
            let all = self.client.ask(&rpc::Headers { first: first.get(), most })?.headers;
            let all: Vec<_> = all.into_iter().map(|Hex(sealed)| sealed).collect();
            light::chain(&all, &lowest)?;
            let bottom = all.first().filter(|s| s.header.height == first).ok_or(Lie::Chain)?;
            lowest = bottom.header.clone();
            let linked = all.into_iter().map(|s| (s.header.height, s.header));
            self.seen.borrow_mut().linked.extend(linked);
        }
        Ok(())
    }

    /// The block at a height; `None` when the node says that it does not have it.
    ///
    /// # Errors
    /// As all questions.
    pub fn block(&self, h: Height) -> Result<Option<Block>, LightError> {
        let Some(Hex(block)) = self.client.ask(&rpc::Block { height: h.get() })?.block else {
            return Ok(None);
        };
        let header = self.header(h)?.ok_or(Lie::Block)?;
        light::block(&header, &block)?;
        Ok(Some(block))
    }

    /// Hands in a transaction; returns its id.
    ///
    /// # Errors
    /// As all questions; [`ClientError::Refused`] when the node does not take it.
    pub fn submit(&self, transaction: Transaction) -> Result<Hash, LightError> {
        Ok(self.client.ask(&rpc::Submit { transaction: Hex(transaction) })?.id.0)
    }
}
