//! Consecutive blocks, checked together, with the same verdict as one after the other.
//!
//! ```text
//! links, times, terms ─▶ seals ─▶ body hashes ─┬─▶ change, balance, reward of each
//!                                              └─▶ signatures and proofs of all
//! ```
//!
//! Each step looks only at the blocks before the first that failed an earlier step; the last two run side by side. The
//! result is the first invalid block, and the first rule that it breaks. A proposal takes all steps except the seals.

use super::{
    balance, changes, context, proofs, reward, shape,
    verdict::{Unsealed, Verdict},
};
use crate::{
    block::{Block, Header},
    chain::Chain,
    error::Rejection,
    schnorr::SignedMessage,
    terms::Terms,
};
use rayon::prelude::*;

/// The terms of each of these blocks, the first of which follows the chain's last.
pub(super) fn terms_of(chain: &Chain, blocks: &[Block]) -> Vec<Terms> {
    let mut terms = chain.terms().clone();
    let advance = |b: &Block| {
        let next = terms.after(b.header.height, b.body.terms_change());
        core::mem::replace(&mut terms, next)
    };
    blocks.iter().map(advance).collect()
}

/// Blocks with the terms of each.
pub(super) fn unsealed<'a>(blocks: &'a [Block], terms: &'a [Terms]) -> Vec<Unsealed<'a>> {
    let one = |(b, terms): (&'a Block, _)| Unsealed { header: &b.header, body: &b.body, terms };
    blocks.iter().zip(terms).map(one).collect()
}

/// MW-R01 to MW-R12, MW-R31 and MW-R37.
pub(super) fn shaped(chain: &Chain, blocks: &[Unsealed<'_>]) -> Verdict {
    each(blocks, |_, b| shape::block(chain, b.terms, b.body))
}

/// MW-R13 to MW-R21, MW-R32 to MW-R36, MW-R39 and MW-R40, the first block on top of `parent`.
pub(super) fn verified(
    chain: &Chain,
    parent: &Header,
    blocks: &[Block],
    unsealed: &[Unsealed<'_>],
) -> Verdict {
    let mut verdict = linked(chain, parent, unsealed);
    let fit = before_fault(&verdict, unsealed);
    verdict = sealed(chain, blocks, fit).and(verdict);
    contents(chain, parent, before_fault(&verdict, unsealed)).and(verdict)
}

/// The same without MW-R21, for a proposal on top of `parent`.
pub(super) fn proposed(chain: &Chain, parent: &Header, one: Unsealed<'_>) -> Result<(), Rejection> {
    let one = core::slice::from_ref(&one);
    linked(chain, parent, one).and_then(|()| contents(chain, parent, one)).map_err(|(_, why)| why)
}

/// MW-R20 before all else, so that a body costs little that a stranger has put under another's header. Then what bodies
/// must be, and what they prove, side by side.
fn contents(chain: &Chain, parent: &Header, blocks: &[Unsealed<'_>]) -> Verdict {
    let hashed = each(blocks, |_, b| proofs::one_body(b));
    let own = before_fault(&hashed, blocks);
    let verdict = match rayon::join(|| balanced(chain, parent, own), || proven(chain, own)) {
        (Err((balanced, _)), Err((i, why))) if i < balanced => Err((i, why)),
        (balanced, proven) => balanced.and(proven),
    };
    verdict.and(hashed)
}

/// The items before the first that failed.
pub(super) fn before_fault<'a, T>(verdict: &Verdict, all: &'a [T]) -> &'a [T] {
    let sound = verdict.as_ref().map_or_else(|(i, _)| *i, |()| all.len());
    all.get(..sound).unwrap_or_default()
}

/// MW-R18, MW-R19 and MW-R39.
fn linked(chain: &Chain, parent: &Header, blocks: &[Unsealed<'_>]) -> Verdict {
    each(blocks, |i, b| context::follows(chain, before(parent, blocks, i), b.terms, b.header))
}

/// MW-R21.
fn sealed(chain: &Chain, blocks: &[Block], fit: &[Unsealed<'_>]) -> Verdict {
    proofs::seals(chain, blocks.iter().zip(fit).map(|(b, u)| (&b.header, &b.seal, u.terms)))
}

/// MW-R40, MW-R39, MW-R35, MW-R17, MW-R15, MW-R28 and MW-R16.
fn balanced(chain: &Chain, parent: &Header, blocks: &[Unsealed<'_>]) -> Verdict {
    each(blocks, |i, b| {
        changes::in_block(chain, b)?;
        context::terms_follow(b.terms, b.header, b.body)?;
        balance::keys(b.body)?;
        balance::block(chain, b, &(b.header.total_offset - before(parent, blocks, i).total_offset))?;
        reward::block(chain, b)
    })
}

/// MW-R40, MW-R33, MW-R34, MW-R36, MW-R14, MW-R13 and MW-R32. A batch that fails is checked again block by block, to
/// find the culprit.
fn proven(chain: &Chain, blocks: &[Unsealed<'_>]) -> Verdict {
    let changes: Vec<Vec<SignedMessage>> = blocks.iter().map(|b| changes::messages(chain, b)).collect();
    let all = |range: core::ops::Range<usize>| {
        let some = blocks.iter().zip(&changes).take(range.end).skip(range.start);
        let parts = some.map(|(b, changes)| proofs::at(b.header.height, b.body, changes));
        let (signed, outputs): (Vec<_>, Vec<_>) = parts.unzip();
        proofs::all(chain, &signed.concat(), &outputs.concat())
    };
    match all(0..blocks.len()) {
        Ok(()) => Ok(()),
        Err(invalid) => {
            let each = (0..blocks.len()).find_map(|i| Some((i, all(i..i + 1).err()?.why)));
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
