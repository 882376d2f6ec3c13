//! MW-R40: a change of the terms holds.
//!
//! ```text
//! signed    by a quorum of the set that seals the block, for this chain, the last change and the expiry
//! new set   3·(joined + left) ≤ total, by power, unless the old set has fewer than four validators
//! limits    2·new ≥ old and new ≤ 2·old; the weight never below that of the genesis, nor above what a message
//!           holds; from W blocks later
//! version   above the one in effect, from W blocks later
//! ```
//!
//! A validator whose power is raised joins with the difference, one whose power is cut leaves with it. One
//! that goes on under another vote key, with its name and its power, does neither, if both keys signed.

use super::verdict::Unsealed;
use crate::{
    amount::Height,
    chain::{Chain, MOST_WEIGHT},
    error::{ChangeFault, Rejection},
    schnorr::{PublicKey, SignedMessage},
    terms::{Change, Limits, SignedChange, Terms},
    transaction::Body,
    validators::{Validator, ValidatorSet},
};
use std::collections::BTreeMap;

/// Sets of fewer validators change at will: no part of them is a third or less.
const FREE_BELOW: usize = 4;

/// MW-R40 for a transaction.
pub(super) fn in_transaction(body: &Body) -> Result<(), Rejection> {
    unless(body.change.is_some(), ChangeFault::InTransaction)
}

/// MW-R40 but for the signatures.
pub(super) fn in_block(chain: &Chain, b: &Unsealed<'_>) -> Result<(), Rejection> {
    let Some(change) = &b.body.change else { return Ok(()) };
    check_change(chain, b.terms, b.header.height, change).map(drop)
}

/// Whether a block at this height, under its terms, may contain a change (MW-R40): it may if all of the signed
/// messages that are returned verify.
///
/// # Errors
/// [`Rejection::BadChange`].
pub fn check_change(
    chain: &Chain,
    terms: &Terms,
    height: Height,
    change: &SignedChange,
) -> Result<Vec<SignedMessage>, Rejection> {
    unless(terms.first_change(height) > height, ChangeFault::TooSoon)?;
    unless(height > change.expiry, ChangeFault::Expired)?;
    match &change.change {
        Change::Validators(_) => few_move(terms, change)?,
        Change::Limits(next) => {
            unless(terms.announced_limits.is_some(), ChangeFault::Announced)?;
            unless(!may_follow(chain, &terms.limits, &next.what), ChangeFault::Limits)?;
            late_enough(chain, height, next.from)?;
        }
        Change::Rules(next) => {
            unless(terms.announced_rules.is_some(), ChangeFault::Announced)?;
            unless(next.what <= terms.rules, ChangeFault::Version)?;
            late_enough(chain, height, next.from)?;
        }
        Change::WithdrawRules => unless(terms.announced_rules.is_none(), ChangeFault::Announced)?,
    }
    signed(chain, terms, change)
}

/// The signed messages of the change in a block that passed [`in_block`].
pub(super) fn messages(chain: &Chain, b: &Unsealed<'_>) -> Vec<SignedMessage> {
    let signed = b.body.change.as_ref().and_then(|change| signed(chain, b.terms, change).ok());
    signed.unwrap_or_default()
}

/// The signed messages of a change, each of which must verify: of a quorum, and of every renewed key.
fn signed(chain: &Chain, terms: &Terms, change: &SignedChange) -> Result<Vec<SignedMessage>, Rejection> {
    let set = terms.sealing.validators().ok_or(bad(ChangeFault::Solo))?;
    let message = change.change.message(chain.id(), terms.last_change, change.expiry);
    let mut all = change.signatures.of_quorum(set, &message).ok_or(bad(ChangeFault::Quorum))?;
    let renewals = change.renewals.iter().zip(renewed(set, change)?);
    all.extend(renewals.map(|(r, (_, new))| SignedMessage::new(new, message.clone(), r.signature)));
    Ok(all)
}

/// The old and the new vote key of each renewal.
fn renewed(old: &ValidatorSet, change: &SignedChange) -> Result<Vec<(PublicKey, PublicKey)>, Rejection> {
    let new = if let Change::Validators(new) = &change.change { Some(new) } else { None };
    let pair = |place: u8| {
        let to = new?.get(place.into()).filter(|to| old.index_of(&to.vote_key).is_none())?;
        let goes_on = |(_, from): &(usize, &Validator)| from.name == to.name && from.power == to.power;
        let (i, from) = old.all().iter().enumerate().find(goes_on)?;
        let replaced = new?.index_of(&from.vote_key).is_none() && change.signatures.signers().contains(i);
        replaced.then_some((from.vote_key, to.vote_key))
    };
    change.renewals.iter().map(|r| pair(r.place).ok_or(bad(ChangeFault::Renewal))).collect()
}

/// `3·(joined + left) ≤ total`, by power.
fn few_move(terms: &Terms, change: &SignedChange) -> Result<(), Rejection> {
    let (Change::Validators(new), Some(old)) = (&change.change, terms.sealing.validators()) else {
        return Err(bad(ChangeFault::Solo));
    };
    if old.count() < FREE_BELOW {
        return Ok(());
    }
    // A renewed validator keeps its old key here.
    let kept: BTreeMap<_, _> = renewed(old, change)?.into_iter().map(|(from, to)| (to, from)).collect();
    let powers = |set: &ValidatorSet| -> BTreeMap<PublicKey, u64> {
        let power = |v: &Validator| (*kept.get(&v.vote_key).unwrap_or(&v.vote_key), v.power.get().into());
        set.all().iter().map(power).collect()
    };
    let (before, after) = (powers(old), powers(new));
    let gained = |to: &BTreeMap<_, u64>, from: &BTreeMap<_, u64>| -> u64 {
        to.iter().map(|(key, power)| power.saturating_sub(*from.get(key).unwrap_or(&0))).sum()
    };
    let moved = gained(&after, &before) + gained(&before, &after);
    unless(3 * moved > old.total(), ChangeFault::TooMany)
}

/// Whether fee and weight at most double or halve, and the weight stays between that of the genesis and the most.
fn may_follow(chain: &Chain, old: &Limits, new: &Limits) -> bool {
    let near = |old: u64, new: u64| new.saturating_mul(2) >= old && new <= old.saturating_mul(2);
    near(old.fee_per_weight.units(), new.fee_per_weight.units())
        && near(old.max_weight, new.max_weight)
        && new.max_weight >= chain.params().max_weight
        && new.max_weight <= MOST_WEIGHT.max(old.max_weight)
}

/// No ordinary kernel that is under way outlives the terms by which it was made.
fn late_enough(chain: &Chain, height: Height, from: Height) -> Result<(), Rejection> {
    unless(from < height.plus(chain.params().window_width), ChangeFault::TooEarly)
}

const fn bad(fault: ChangeFault) -> Rejection {
    Rejection::BadChange { fault }
}

fn unless(broken: bool, fault: ChangeFault) -> Result<(), Rejection> {
    if broken { Err(bad(fault)) } else { Ok(()) }
}
