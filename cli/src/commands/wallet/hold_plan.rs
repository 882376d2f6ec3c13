//! What is shown of a hold: the plan before it is opened, the terms, and how far it has come.

use super::{command::named, slates::memo_text};
use crate::{bridge::hex, ui::BOLD};
use serde_json::{Value, json};
use sotto_mw::{amount::Amount, chain::Chain, unit::Unit};
use sotto_wallet::{
    Wallet,
    coin_selection::HoldPlan,
    edge::file::WalletFile,
    hold::{Answer, HoldTerms, Offer, Settlement},
    sessions::{Ending, HoldRecord, HoldSide},
};
use std::fmt::Write as _;

/// When money moves, for people.
fn heights(terms: &HoldTerms, chain: &Chain) -> String {
    let (from, until, p) = (terms.refund_from, terms.last_height(chain), chain.params());
    let last = from.minus(p.window_grid);
    let warning = if p.operator().is_some() && terms.confirmations <= p.reorganisation {
        format!(
            "\nThe operator of this solo chain can undo the last {} blocks: {} confirmations do not outlast that.",
            p.reorganisation, terms.confirmations
        )
    } else {
        String::new()
    };
    format!(
        "  claim  published by height {}, with a lock by {}, after {} confirmations\n  refund {} windows, from height {from} to {until}; after that only undoing by both is left\nHeights count blocks: on a chain that seals few blocks while idle, all of this can take up to 30 times longer than at its fastest pace.\nUnaudited: nobody outside the project has reviewed holds.{warning}",
        HoldTerms::claim_by(chain, last, false),
        HoldTerms::claim_by(chain, last, true),
        terms.confirmations,
        terms.rungs,
    )
}

fn sums(terms: &HoldTerms, unit: &Unit) -> String {
    let mut text = format!(
        "  held   {:>24}  the amount and the fee of its claim\n  refund {:>24}  is the fee if it comes back",
        unit.show(terms.held()),
        unit.show(terms.refund_fee),
    );
    if terms.start_fee > Amount::ZERO {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n  start  {:>24}  is the seller's once the hold is funded, and never comes back",
            unit.show(terms.start_fee),
        );
    }
    text
}

pub(crate) fn plan_text(plan: &HoldPlan, wallet: &Wallet<WalletFile>) -> String {
    let (terms, unit) = (plan.terms(), wallet.chain().unit());
    format!(
        "{BOLD}Hold {} for a seller{BOLD:#} on the {} network\n  to     {}\n  memo   {}\n{}\n  fee    {:>24}  of the funding\n{}\nPublic afterwards: {}. A refund shows by its kind; a claim does not.\nUntil you fund it, you can cancel it for free.",
        unit.show(terms.amount),
        wallet.chain().params().network,
        named(wallet, plan.seller()),
        memo_text(plan.memo()),
        sums(terms, unit),
        unit.show(plan.funding().fee()),
        heights(terms, wallet.chain()),
        plan.funding().linkage(),
    )
}

pub(crate) fn offer_text(offer: &Offer, wallet: &Wallet<WalletFile>) -> String {
    let unit = wallet.chain().unit();
    format!(
        "{BOLD}{}{BOLD:#} in a hold on the {} network\n  payer  {}, who signed the offer\n  memo   {}\n{}\n{}",
        unit.show(offer.terms.amount),
        wallet.chain().params().network,
        named(wallet, &offer.payer),
        memo_text(&offer.memo),
        sums(&offer.terms, unit),
        heights(&offer.terms, wallet.chain()),
    )
}

pub(crate) fn funding_text(record: &HoldRecord, wallet: &Wallet<WalletFile>) -> String {
    let (offer, unit) = (record.offer(), wallet.chain().unit());
    format!(
        "{BOLD}Fund a hold of {}{BOLD:#}, fee {}\n  to     {}\n{}\n{}\nAll refunds are signed. Once funded, the money comes back only by a refund or with the seller's consent.",
        unit.show(offer.terms.amount),
        unit.show(offer.funding.fee()),
        named(wallet, &offer.seller),
        sums(&offer.terms, unit),
        heights(&offer.terms, wallet.chain()),
    )
}

pub(crate) fn release_text(record: &HoldRecord, answer: &Answer, wallet: &Wallet<WalletFile>) -> String {
    let unit = wallet.chain().unit();
    let lock = match &answer.settlement {
        Settlement::Claim { lock: Some(point), .. } => {
            format!("The claim is worth nothing without the secret of {point}, which it reveals to you.")
        }
        Settlement::Claim { lock: None, .. } => "It has no lock. This cannot be undone.".to_owned(),
        Settlement::Undo => "It is no claim: the seller consents to undo the hold.".to_owned(),
    };
    format!(
        "{BOLD}Pay {} to the seller{BOLD:#} of a hold\n  to     {}\nIt can be in a block up to height {}. {lock}",
        unit.show(record.offer().terms.amount),
        named(wallet, &record.offer().seller),
        answer.features.window(0).not_after,
    )
}

pub(crate) fn release_json(record: &HoldRecord, answer: &Answer, chain: &Chain) -> Value {
    let lock = match &answer.settlement {
        Settlement::Claim { lock, .. } => lock.map(|p| p.to_string()),
        Settlement::Undo => None,
    };
    let mut fields = offer_json(record.offer(), chain);
    fields["lock"] = json!(lock);
    fields["claim_until"] = json!(answer.features.window(0).not_after.get());
    fields["undoing"] = json!(matches!(answer.settlement, Settlement::Undo));
    fields
}

fn terms_json(terms: &HoldTerms, chain: &Chain) -> Value {
    json!({
        "amount": terms.amount.to_string(), "start_fee": terms.start_fee.to_string(),
        "held": terms.held().to_string(),
        "claim_fee": terms.claim_fee.to_string(), "refund_fee": terms.refund_fee.to_string(),
        "refund_from": terms.refund_from.get(), "refund_until": terms.last_height(chain).get(),
        "refunds": terms.rungs, "blocks": terms.blocks, "confirmations": terms.confirmations,
    })
}

pub(crate) fn plan_json(plan: &HoldPlan, wallet: &Wallet<WalletFile>) -> Value {
    json!({
        "to": plan.seller().to_string(), "memo": plan.memo().as_str(),
        "terms": terms_json(plan.terms(), wallet.chain()), "funding": super::plan::plan_json(plan.funding()),
    })
}

pub(crate) fn offer_json(offer: &Offer, chain: &Chain) -> Value {
    json!({
        "hold": hex(&offer.id.0), "payer": offer.payer.to_string(), "seller": offer.seller.to_string(),
        "memo": offer.memo.as_str(), "terms": terms_json(&offer.terms, chain),
    })
}

/// How far a hold has come, and what can be done next.
pub(crate) fn status(
    record: &HoldRecord,
    wallet: &Wallet<WalletFile>,
    secret: Option<&str>,
) -> (Value, String) {
    let (offer, chain, tip) = (record.offer(), wallet.chain(), wallet.tip());
    let (side, with) = match record.side() {
        HoldSide::Payer => ("pay", &offer.seller),
        HoldSide::Seller => ("sell", &offer.payer),
    };
    let fields = json!({
        "hold": hex(&offer.id.0), "role": side, "stage": record.stage(), "with": with.to_string(),
        "memo": offer.memo.as_str(), "funded": record.funded().map(|h| h.get()),
        "confirmations": record.confirmations(tip), "ended": record.ended().map(|(_, h)| h.get()),
        "lock": record.lock().map(|p| p.to_string()), "claim_by": record.claim_by(chain).get(),
        "too_late": too_late(record, wallet), "secret": secret, "terms": terms_json(&offer.terms, chain),
    });
    let secret = secret.map_or_else(String::new, |s| format!("\n  secret {s}"));
    let human = format!(
        "{}\n  {side} {}: {}, {} confirmations{}\n  with {}\n  {}{secret}",
        hex(&offer.id.0),
        chain.unit().show(offer.terms.amount),
        record.stage(),
        record.confirmations(tip),
        start_fee(record, chain.unit()),
        named(wallet, with),
        next(record, wallet),
    );
    (fields, human)
}

/// What became of the start fee, if the hold has one.
fn start_fee(record: &HoldRecord, unit: &Unit) -> String {
    let amount = record.offer().terms.start_fee;
    if amount == Amount::ZERO {
        return String::new();
    }
    let paid = record.funded().map_or_else(
        || "paid with the funding, which is in no block".to_owned(),
        |height| format!("paid in block {height}"),
    );
    format!("\n  start fee {}: {paid}", unit.show(amount))
}

/// Whether no claim can be published any more, and none was in a block.
fn too_late(record: &HoldRecord, wallet: &Wallet<WalletFile>) -> bool {
    let over = record.ended().is_some() || matches!(record.stage(), "cancelled" | "expired");
    !over && wallet.tip().next() > record.claim_by(wallet.chain())
}

/// What the seller of a hold that has not ended can do next, and by when.
fn seller_next(record: &HoldRecord, wallet: &Wallet<WalletFile>) -> String {
    let (by, chain) = (record.claim_by(wallet.chain()), wallet.chain());
    if too_late(record, wallet) {
        return format!("too late to claim: that was possible by height {by}");
    }
    match (record.stage(), record.lock()) {
        ("parted", _) => {
            let locked = HoldTerms::claim_by(chain, by, true);
            format!(
                "next, once it is buried: sotto wallet hold answer; claim by height {by}, with a lock by {locked}"
            )
        }
        ("released", Some(point)) => {
            format!("next: sotto wallet hold claim with the secret of {point}, by height {by}")
        }
        ("answered" | "released", _) => format!("next: the letter of the other side; claim by height {by}"),
        _ => "next: the letter of the other side".to_owned(),
    }
}

/// What can be done next.
fn next(record: &HoldRecord, wallet: &Wallet<WalletFile>) -> String {
    let (terms, next) = (&record.offer().terms, wallet.tip().next());
    if let Some((ending, height)) = record.ended() {
        return match ending {
            Ending::Claimed => format!("the seller was paid in block {height}"),
            Ending::Undone => format!("the money was returned by both in block {height}"),
            Ending::Refunded(i) => format!("refund {} returned the money in block {height}", i + 1),
        };
    }
    match (record.side(), record.stage()) {
        (_, "cancelled" | "expired") => "nothing was paid".to_owned(),
        (HoldSide::Payer, "proposed" | "proven") => "next: the letter of the other side".to_owned(),
        (HoldSide::Payer, _) if next >= terms.refund_from => "next: sotto wallet hold refund".to_owned(),
        (HoldSide::Payer, _) => {
            let late = if too_late(record, wallet) { "; it is too late to claim" } else { "" };
            let by = record.claim_by(wallet.chain());
            format!(
                "the seller can claim by height {by}{late}; the refunds begin at height {}",
                terms.refund_from
            )
        }
        (HoldSide::Seller, _) => seller_next(record, wallet),
    }
}
