//! What is shown of a hold: the plan before it is opened, the terms, and how far it has come.

use super::{command::named, slates::memo_text};
use crate::{bridge::hex, ui::BOLD};
use serde_json::{Value, json};
use sotto_mw::{chain::Chain, unit::Unit};
use sotto_wallet::{
    Wallet,
    coin_selection::HoldPlan,
    edge::file::WalletFile,
    hold::{Answer, HoldTerms, Offer, Settlement},
    sessions::{Ending, HoldRecord, HoldSide},
};

/// When money moves, for people.
fn heights(terms: &HoldTerms, chain: &Chain) -> String {
    let (from, until) = (terms.refund_from, terms.last_height(chain));
    format!(
        "  claim  for a block up to about {} blocks from now, after {} confirmations\n  refund {} windows, from height {from} to {until}; after that only undoing by both is left\nHeights count blocks: on a chain that seals few blocks while idle, all of this can take up to 30 times longer than at its fastest pace.\nUnaudited: nobody outside the project has reviewed holds.",
        terms.blocks, terms.confirmations, terms.rungs,
    )
}

fn sums(terms: &HoldTerms, unit: &Unit) -> String {
    format!(
        "  held   {:>24}  the amount and the fee of its claim\n  refund {:>24}  is the fee if it comes back",
        unit.show(terms.held()),
        unit.show(terms.refund_fee),
    )
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
        Settlement::Claim { lock: None, .. } | Settlement::Undo => "This cannot be undone.".to_owned(),
    };
    format!(
        "{BOLD}Pay {} to the seller{BOLD:#} of a hold\n  to     {}\nIt can be in a block up to height {}. {lock}",
        unit.show(record.offer().terms.amount),
        named(wallet, &record.offer().seller),
        answer.features.window(0).not_after,
    )
}

fn terms_json(terms: &HoldTerms, chain: &Chain) -> Value {
    json!({
        "amount": terms.amount.to_string(), "held": terms.held().to_string(),
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
        "secret": secret, "terms": terms_json(&offer.terms, chain),
    });
    let secret = secret.map_or_else(String::new, |s| format!("\n  secret {s}"));
    let human = format!(
        "{}\n  {side} {}: {}, {} confirmations\n  with {}\n  {}{secret}",
        hex(&offer.id.0),
        chain.unit().show(offer.terms.amount),
        record.stage(),
        record.confirmations(tip),
        named(wallet, with),
        next(record, wallet),
    );
    (fields, human)
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
    let waits = |letter: &str| format!("next: the {letter} of the other side");
    match (record.side(), record.stage()) {
        (_, "cancelled" | "expired") => "nothing was paid".to_owned(),
        (HoldSide::Payer, "proposed" | "proven") => waits("letter"),
        (HoldSide::Payer, _) if next >= terms.refund_from => "next: sotto wallet hold refund".to_owned(),
        (HoldSide::Payer, _) => format!("the refunds begin at height {}", terms.refund_from),
        (HoldSide::Seller, "parted") => "next, once it is buried: sotto wallet hold answer".to_owned(),
        (HoldSide::Seller, _) => waits("letter"),
    }
}
