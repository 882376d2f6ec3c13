//! The steps of a payment: each reads a slate and prints the next one.

use super::{
    ACCOUNT, Shop,
    plan::{plan_json, plan_text},
};
use crate::{
    args,
    bridge::{hex, read_text},
    exit::{Code, Context as _, Failure, Outcome},
    ui::BOLD,
};
use mw::amount::Amount;
use rand_core::OsRng;
use serde_json::json;
use std::path::Path;
use wallet::{
    armor,
    edge::file::WalletFile,
    keys::Address,
    select::{Decision, Request},
    slate::{Invite, Memo, Response},
    wallet::Wallet,
};

impl Shop<'_> {
    pub(super) fn send(&self, a: &args::WalletSend) -> Outcome {
        let amount = parse_amount(&a.amount)?;
        let (mut wallet, ledger, _) = self.open_fresh()?;
        let network = wallet.chain().params().network;
        let recipient = Address::parse(&a.to, network).or_refuse("the receiver's address cannot be used")?;
        let memo = Memo::default();
        let request = Request { account: ACCOUNT, amount, recipient: Some(recipient), memo };
        let plan = wallet.plan(request).or_refuse("this payment cannot be made")?;
        let text = plan_text(&plan, &network.to_string(), &a.to);
        if a.dry_run {
            return self.context.output.record("payment-plan", plan_json(&plan, &a.to), &text);
        }
        self.context.ui.confirm(&text, a.yes)?;
        let declined = || Failure::new(Code::Declined, "declined: nothing was done");
        let plan = plan.confirm(|_| Decision::Yes).ok_or_else(declined)?;
        let invite = wallet.invite(plan, &mut OsRng).or_refuse("the payment cannot be started")?;
        drop(ledger);
        self.context.ui.say("Give this invite to the receiver. Whoever reads it learns the amount.");
        self.slate("invite", &invite, &wallet)
    }

    pub(super) fn receive(&self, a: &args::WalletReceive) -> Outcome {
        let text = read_slate(&a.file)?;
        let (mut wallet, ledger, _) = self.open_fresh()?;
        let invite: Invite =
            armor::from_text(wallet.chain().id(), &text).or_refuse("this invite cannot be used")?;
        let plan = format!(
            "{BOLD}{}{BOLD:#} base units would be yours on the {} network\n  from   {}\n  memo   {}\nThe payer gets a receipt signed by your address. It can be spent once it is in a block.",
            invite.amount,
            wallet.chain().params().network,
            invite.sender,
            if invite.memo.as_str().is_empty() { "(none)" } else { invite.memo.as_str() },
        );
        self.context.ui.confirm(&plan, a.yes)?;
        let response = wallet.respond(ACCOUNT, &invite, &mut OsRng).or_refuse("the invite was refused")?;
        drop(ledger);
        self.context.ui.say("Give this response to the payer.");
        self.slate("response", &response, &wallet)
    }

    pub(super) fn finalize(&self, a: &args::WalletFinalize) -> Outcome {
        let text = read_slate(&a.file)?;
        let (mut wallet, ledger, _) = self.open_fresh()?;
        let response: Response =
            armor::from_text(wallet.chain().id(), &text).or_refuse("this response cannot be used")?;
        let transaction = wallet.finalize(&response).or_refuse("the response was refused")?;
        drop(ledger);
        self.context.ui.say(
            "Submit this transaction with `sotto chain submit`. From now on it cannot be cancelled for free.",
        );
        self.slate("transaction", transaction.get(), &wallet)
    }

    pub(super) fn cancel(&self, a: &args::WalletCancel) -> Outcome {
        let text = read_slate(&a.file)?;
        let mut wallet = self.open()?;
        let invite: Invite =
            armor::from_text(wallet.chain().id(), &text).or_refuse("this is no invite of this wallet")?;
        wallet.cancel(&invite.session).or_refuse("the payment cannot be cancelled")?;
        let fields = json!({ "session": hex(&invite.session.0) });
        self.context.output.record("cancelled", fields, "cancelled: its outputs are free again")
    }

    fn slate<T: armor::Letter>(&self, kind: &str, letter: &T, wallet: &Wallet<WalletFile>) -> Outcome {
        let text = armor::to_text(wallet.chain().id(), letter);
        let network = wallet.chain().params().network.to_string();
        self.context.output.record(kind, json!({ "network": network, "text": text }), &text)
    }
}

fn read_slate(path: &Path) -> Outcome<String> {
    read_text(path, armor::MAX_TEXT as u64)
}

fn parse_amount(text: &str) -> Outcome<Amount> {
    let units = text.parse::<u64>().ok().filter(|n| *n > 0 && !text.starts_with('+'));
    units.map(Amount::new).ok_or_else(|| {
        Failure::refused(format!("`{text}` is no amount"))
            .why(format!("amounts are whole base units from 1 to {}", u64::MAX))
            .advice("For example: sotto wallet send 2500000 --to ADDRESS")
    })
}
