//! Verification of a node's responses by a light client that knows only the chain's parameters.
//!
//! ```text
//! chain id = H(parameters) ─▶ who seals ──────▶ sealed header ─▶ output root ─▶ chunks, single outputs or their absence
//!                                                              ├▶ kernel root ─▶ kernels, and in which block
//!                                                              └▶ body hash   ─▶ blocks
//! ```
//!
//! On a chain of validators who seals changes: the client walks every change, each under the seal of the validators
//! before ([`History`]), and reads nothing in between.
//!
//! Guaranteed: the outputs under a prefix are complete, and kernels and blocks belong to the chain, as of a
//! header that the operator sealed; a later response never refers to an earlier state. Not guaranteed: that
//! the header is the last, because a node can withhold later blocks (`sotto_wallet::scan` compares it with
//! earlier runs); and that a kernel which the node denies does not exist, because a mountain range proves
//! presence only. Sums, signatures and range proofs are not verified: the client trusts the operator's seal
//! for them, and the audit of a full node verifies them.

use crate::{effect::KernelProof, ledger::fork::compare, message::BlockName};
use core::{cmp::Ordering, ops::Range};
use sotto_mw::{
    block::{Block, Header, SealedHeader, body_hash},
    commitment::Commitment,
    hash::Hash,
    history::History,
    kernel::Excess,
    mmr::MmrError,
    state::{RewindData, Unspent},
    trie::{ChunkProof, Entry, Prefix, TrieError, TrieProof},
};

/// Why a node's response is invalid. Every variant proves that the node is faulty or malicious.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidResponse {
    /// The header is not the requested one.
    #[error("the header is not the requested one")]
    OtherHeader,
    /// The header has no valid seal.
    #[error("the header is not sealed by those who seal this chain")]
    Seal,
    /// The last block is worse than an earlier last block.
    #[error("the last block is worse than the one reported before")]
    Regression,
    /// A header is not the successor of the one before it.
    #[error("the headers are not a chain")]
    Chain,
    /// The outputs are not those of the state.
    #[error("the outputs are incomplete or not those of the chain: {0}")]
    Outputs(TrieError),
    /// The output is not the one in the state.
    #[error("the output is not the one in the chain")]
    Output,
    /// The kernel is not in the chain.
    #[error("the kernel is not in the chain: {0}")]
    Kernel(MmrError),
    /// The kernel is in another block, or not the requested one.
    #[error("the kernel is not the requested one, or is in another block")]
    OtherKernel,
    /// Requests of auditors are out of order, or too many.
    #[error("the requests of auditors are out of order, or more than a node keeps")]
    Requests,
    /// The block does not belong to the header.
    #[error("the block is not the sealed one")]
    Block,
}

/// Checks that `given` is the sealed header with this name. The genesis header has no seal and is known.
///
/// # Errors
/// [`InvalidResponse::OtherHeader`] or [`InvalidResponse::Seal`].
pub fn header(
    history: &History,
    name: BlockName,
    given: Option<SealedHeader>,
) -> Result<Header, InvalidResponse> {
    let header = match given {
        Some(sealed) if history.holds(&sealed) => sealed.header,
        Some(_) => return Err(InvalidResponse::Seal),
        None => Header::genesis(history.chain()),
    };
    if BlockName::of(&header) == name { Ok(header) } else { Err(InvalidResponse::OtherHeader) }
}

/// Checks that a node may have moved from the tip `before` to `next`: only a better tip may follow. Responses
/// that refer to the same tip therefore all describe one state.
///
/// # Errors
/// [`InvalidResponse::Regression`].
pub fn onward(before: &Header, next: &Header) -> Result<(), InvalidResponse> {
    if compare(next, before) == Ordering::Less { Err(InvalidResponse::Regression) } else { Ok(()) }
}

/// Checks that headers in ascending order lead to `tip`.
///
/// # Errors
/// [`InvalidResponse::Chain`].
pub fn chain(headers: &[SealedHeader], tip: &Header) -> Result<(), InvalidResponse> {
    let parents = headers.iter().map(|s| &s.header);
    let children = parents.clone().skip(1).chain([tip]);
    let follows = |(a, b): (&Header, &Header)| b.previous == a.hash() && b.height == a.height.next();
    if parents.zip(children).all(follows) { Ok(()) } else { Err(InvalidResponse::Chain) }
}

/// Checks that these are all unspent outputs under a prefix after `tip`.
///
/// # Errors
/// [`InvalidResponse::Outputs`].
pub fn outputs(
    tip: &Header,
    prefix: Prefix,
    outputs: &[RewindData],
    proof: &ChunkProof,
) -> Result<(), InvalidResponse> {
    let entries: Vec<_> = outputs.iter().map(|u| Entry { key: u.key(), leaf: u.leaf() }).collect();
    proof.verify(&tip.output_root, prefix, &entries).map_err(InvalidResponse::Outputs)
}

/// Checks that an output is unspent after `tip`, or that it is not (`given` is `None`).
///
/// # Errors
/// [`InvalidResponse::Outputs`] or [`InvalidResponse::Output`].
pub fn output(
    tip: &Header,
    c: &Commitment,
    given: Option<&Unspent>,
    proof: &TrieProof,
) -> Result<(), InvalidResponse> {
    let leaf: Option<Hash> =
        proof.verify(&tip.output_root, &Unspent::key(c)).map_err(InvalidResponse::Outputs)?;
    if given.map(Unspent::leaf) == leaf { Ok(()) } else { Err(InvalidResponse::Output) }
}

/// Checks that a kernel is in the chain up to `tip`, and in the block with these positions of `kernels`.
///
/// # Errors
/// [`InvalidResponse::Kernel`] or [`InvalidResponse::OtherKernel`].
pub fn kernel(
    tip: &Header,
    excess: &Excess,
    found: &KernelProof,
    kernels: Range<u64>,
) -> Result<(), InvalidResponse> {
    let KernelProof { kernel, place, path, .. } = found;
    path.verify(&tip.kernel_root, &kernel.id(), *place, tip.kernel_count).map_err(InvalidResponse::Kernel)?;
    if kernels.contains(place) && kernel.excess == *excess {
        Ok(())
    } else {
        Err(InvalidResponse::OtherKernel)
    }
}

/// Checks that a block belongs to this header.
///
/// # Errors
/// [`InvalidResponse::Block`].
pub fn block(header: &Header, block: &Block) -> Result<(), InvalidResponse> {
    let matches = block.header == *header && body_hash(&block.body) == header.body_hash;
    if matches { Ok(()) } else { Err(InvalidResponse::Block) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_mw::{mmr::Mmr, testing::TestChain};

    /// A proof that holds for a kernel of the chain is one for its block alone, and for its excess.
    #[test]
    fn a_kernel_is_in_its_block_and_under_its_excess() {
        let mut test_chain = TestChain::new(48);
        (0..3).for_each(|_| drop(test_chain.grow(Vec::new())));
        let kernels: Vec<_> = test_chain.blocks().iter().flat_map(|b| b.body.kernels.clone()).collect();
        let mut range = Mmr::new();
        kernels.iter().for_each(|k| range.push(k.id()));
        let tip = test_chain.blocks()[2].header.clone();
        let found = |place: u64| KernelProof {
            height: test_chain.blocks()[1].header.height,
            kernel: kernels[1].clone(),
            place,
            path: range.prove(place).unwrap(),
            tip: BlockName::of(&tip),
        };
        let excess = &kernels[1].excess;
        assert_eq!(kernel(&tip, excess, &found(1), 1..2), Ok(()));
        for block in [0..1, 2..3] {
            assert_eq!(kernel(&tip, excess, &found(1), block), Err(InvalidResponse::OtherKernel));
        }
        let other = kernel(&tip, &kernels[0].excess, &found(1), 1..2);
        assert_eq!(other, Err(InvalidResponse::OtherKernel));
        assert!(matches!(kernel(&tip, excess, &found(2), 2..3), Err(InvalidResponse::Kernel(_))));
    }

    /// A tip gives way to a better one, and to no other.
    #[test]
    fn a_tip_only_moves_onward() {
        let mut test_chain = TestChain::new(49);
        (0..3).for_each(|_| drop(test_chain.grow(Vec::new())));
        let header = |n: usize| &test_chain.blocks()[n].header;
        assert_eq!(onward(header(1), header(2)), Ok(()));
        assert_eq!(onward(header(1), header(1)), Ok(()));
        assert_eq!(onward(header(2), header(1)), Err(InvalidResponse::Regression));
        let twin = Header { time: header(1).time + 1, ..header(1).clone() };
        let both = [onward(header(1), &twin), onward(&twin, header(1))];
        assert_eq!(both.iter().filter(|r| r.is_ok()).count(), 1, "of two at one height, one is better");
    }
}
