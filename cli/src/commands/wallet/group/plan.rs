//! What a member confirms before its letters leave.

use crate::{bridge::hex, commands::wallet::slates::memo_text, ui::BOLD};
use serde_json::{Value, json};
use sotto_keys::{Draft, Index};
use sotto_wallet::{
    edge::file::WalletFile,
    group::{GroupRequest, GroupStage},
    member_wallet::MemberWallet,
};

/// Who asks for what, and who carries it out.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) wallet: &'a MemberWallet<WalletFile>,
    pub(super) draft: &'a Draft,
    pub(super) request: &'a GroupRequest,
    pub(super) by: Index,
    pub(super) set: &'a [Index],
}

/// Members by their numbers.
pub(super) fn numbers(members: &[Index]) -> Vec<u8> {
    members.iter().map(|i| i.get()).collect()
}

/// The same for people: `1, 3`.
pub(super) fn listed(members: &[Index]) -> String {
    numbers(members).iter().map(u8::to_string).collect::<Vec<_>>().join(", ")
}

impl Asked<'_> {
    /// For people.
    pub(super) fn text(&self) -> String {
        let Self { wallet, draft, request, by, set } = *self;
        let (unit, network) = (wallet.chain().unit(), wallet.chain().params().network);
        let (t, n) = (draft.threshold(), draft.members().len());
        let key = draft.key(by).map(|key| key.fingerprint()).unwrap_or_default();
        let amount = unit.show(request.amount());
        let what = match request {
            GroupRequest::Receive { invite, .. } => format!(
                "{BOLD}receive {amount}{BOLD:#} on the {network} network\n  from     {}, who signed the invite\n  memo     {}\nThe payer gets a receipt signed by the group.",
                invite.sender,
                memo_text(&invite.memo),
            ),
            GroupRequest::Pay { inputs, invoice, .. } => format!(
                "{BOLD}pay {amount}{BOLD:#} on the {network} network\n  to       {}\n  fee      {}\n  memo     {}\n  spends   {} of its outputs\n  change   {}\nIt cannot be cancelled once the members have answered.",
                invoice.receiver,
                unit.show(invoice.features.fee()),
                memo_text(&invoice.memo),
                inputs.len(),
                request.made().map_or_else(|| "none".to_owned(), |coin| unit.show(coin.amount).to_string()),
            ),
        };
        let keys: Vec<String> = request.plan().fresh.iter().map(ToString::to_string).collect();
        format!(
            "Member {by} ({key}) asks the group {} ({t} of {n}) to {what}\nMembers {} carry it out, with keys {} of the pool, which then are used up whatever comes of it. It expires after height {}.",
            draft.id(),
            listed(set),
            keys.join(", "),
            request.not_after(),
        )
    }

    /// For programs.
    pub(super) fn fields(&self) -> Value {
        let Self { wallet, draft, request, by, set } = *self;
        let (party, fee, slate) = match request {
            GroupRequest::Receive { invite, .. } => (invite.sender, None, invite.session),
            GroupRequest::Pay { invoice, .. } => {
                (invoice.receiver, Some(invoice.features.fee().to_string()), invoice.session)
            }
        };
        let keys: Vec<u8> = request.plan().fresh.iter().map(|key| key.get()).collect();
        json!({
            "network": wallet.chain().params().network.to_string(), "group": draft.id().to_string(),
            "by": by.get(), "members": numbers(set), "keys": keys,
            "spends": request.spent().iter().map(|coin| coin.key.get()).collect::<Vec<_>>(), "kind": kind(request), "slate": hex(&slate.0),
            "amount": request.amount().to_string(), "fee": fee, "with": party.to_string(),
            "change": request.made().filter(|_| fee_is_paid(request)).map(|coin| coin.amount.to_string()),
            "not_after": request.not_after().get(),
        })
    }
}

const fn fee_is_paid(request: &GroupRequest) -> bool {
    matches!(request, GroupRequest::Pay { .. })
}

/// The verb that asks for it.
pub(super) const fn kind(request: &GroupRequest) -> &'static str {
    match request {
        GroupRequest::Receive { .. } => "receive",
        GroupRequest::Pay { .. } => "pay",
    }
}

/// How far a session is, for people.
pub(super) fn stage(stage: &GroupStage) -> String {
    match stage {
        GroupStage::Awaiting { step, from } => {
            format!("waiting for the letter `{step}` of member {}", listed(from))
        }
        GroupStage::Answered(_) => "answered by the group".to_owned(),
        GroupStage::Failed { by: Some(by) } => format!("failed: member {by} is at fault"),
        GroupStage::Failed { by: None } => "failed".to_owned(),
    }
}
