//! Consecutive blocks, checked together, with the same verdict as one after the other.
//!
//! ```text
//! links and times ─▶ seals ─▶ body hash, balance, reward of each ─▶ signatures and proofs of all
//! ```
//!
//! Each step looks only at the blocks before the first that failed an earlier step. The result is therefore
//! the first invalid block, and the first rule that it breaks. A proposal takes all steps except the seals.

use super::{
    balance, context, proofs, reward, shape,
    verdict::{Unsealed, Verdict},
};
use crate::{
    block::{Block, Header, SealedHeader},
    chain::Chain,
    error::Rejection,
};
use rayon::prelude::*;

/// MW-R01 to MW-R12.
pub(super) fn shaped(chain: &Chain, blocks: &[Block]) -> Verdict {
    each(blocks, |_, b| shape::block(chain, &b.body))
}

/// MW-R13 to MW-R21, the first block on top of `parent`.
pub(super) fn verified(chain: &Chain, parent: &Header, blocks: &[Block]) -> Verdict {
    let all: Vec<_> = blocks.iter().map(|b| Unsealed { header: &b.header, body: &b.body }).collect();
    let mut verdict = linked(chain, parent, &all);
    verdict = sealed(chain, before_fault(&verdict, blocks)).and(verdict);
    for step in [balanced, proven] {
        verdict = step(chain, parent, before_fault(&verdict, &all)).and(verdict);
    }
    verdict
}

/// The same without MW-R21, for a proposal on top of `parent`.
pub(super) fn proposed(chain: &Chain, parent: &Header, one: Unsealed<'_>) -> Result<(), Rejection> {
    [linked, balanced, proven]
        .iter()
        .try_for_each(|step| step(chain, parent, core::slice::from_ref(&one)))
        .map_err(|(_, why)| why)
}

/// The items before the first that failed.
fn before_fault<'a, T>(verdict: &Verdict, all: &'a [T]) -> &'a [T] {
    let sound = verdict.as_ref().map_or_else(|(i, _)| *i, |()| all.len());
    all.get(..sound).unwrap_or_default()
}

/// MW-R18 and MW-R19.
fn linked(chain: &Chain, parent: &Header, blocks: &[Unsealed<'_>]) -> Verdict {
    each(blocks, |i, b| context::follows(chain, before(parent, blocks, i), b.header))
}

/// MW-R21.
fn sealed(chain: &Chain, blocks: &[Block]) -> Verdict {
    let sealed: Vec<_> = blocks.iter().map(SealedHeader::of).collect();
    proofs::seals(chain, sealed.iter().map(|s| (s, chain.terms())))
}

/// MW-R20, MW-R35, MW-R17, MW-R15, MW-R28 and MW-R16.
fn balanced(chain: &Chain, parent: &Header, blocks: &[Unsealed<'_>]) -> Verdict {
    each(blocks, |i, b| {
        proofs::one_body(b)?;
        balance::keys(b.body)?;
        balance::block(chain, b, &(b.header.total_offset - before(parent, blocks, i).total_offset))?;
        reward::block(chain, b)
    })
}

/// MW-R33, MW-R34, MW-R36, MW-R14 and MW-R13. A batch that fails is checked again block by block, to find the culprit.
fn proven(chain: &Chain, _: &Header, blocks: &[Unsealed<'_>]) -> Verdict {
    let bodies = blocks.iter().map(|b| proofs::at(b.header.height, b.body));
    let (signed, outputs): (Vec<_>, Vec<_>) = bodies.unzip();
    match proofs::all(chain, &signed.concat(), &outputs.concat()) {
        Ok(()) => Ok(()),
        Err(invalid) => {
            let each =
                blocks.iter().zip(0..).find_map(|(b, i)| Some((i, proofs::body(chain, b.body).err()?)));
            Err(each.unwrap_or((0, invalid.why)))
        }
    }
}

fn before<'a>(parent: &'a Header, blocks: &[Unsealed<'a>], i: usize) -> &'a Header {
    i.checked_sub(1).and_then(|i| blocks.get(i)).map_or(parent, |b| b.header)
}

fn each<T: Sync>(blocks: &[T], rule: impl Fn(usize, &T) -> Result<(), Rejection> + Sync) -> Verdict {
    let first = blocks.par_iter().enumerate().find_map_first(|(i, b)| Some((i, rule(i, b).err()?)));
    first.map_or(Ok(()), Err)
}
