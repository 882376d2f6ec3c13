//! `sotto wallet contact` and `proof`.

use super::{
    command::WalletCommand,
    dates::Dated,
    holds,
    output_proofs::{self, Verifier},
    sessions::find,
};
use crate::{
    args::{self, WalletContact, WalletProof},
    bridge::{self, hex},
    exit::{Failure, OrRefuse as _, Outcome},
    local_time::local_time,
};
use serde_json::{Value, json};
use sotto_mw::{chain::ChainId, schnorr::PublicKey};
use sotto_wallet::{
    armor::{self, MessageKind},
    contacts::{ContactError, ContactName},
    hold::Purpose,
    keys::Address,
    proof::{PaymentProof, PaymentProofError, ProvenPayment},
};
use std::path::Path;

pub(crate) fn contact(command: &WalletCommand<'_>, verb: &WalletContact) -> Outcome {
    let mut wallet = command.open()?;
    let network = wallet.chain().params().network;
    let name = |text: &str| {
        ContactName::new(text).ok_or(ContactError::Name).or_refuse(format!("invalid contact name `{text}`"))
    };
    match verb {
        WalletContact::Add(a) => {
            let address = Address::parse(&a.address, network).or_refuse("invalid address")?;
            let name = name(&a.name)?;
            wallet.add_contact(name.clone(), address).or_refuse("cannot add the contact")?;
            contact_record(command, &name, &address)
        }
        WalletContact::List(_) => {
            if wallet.contacts().iter().next().is_none() {
                command.context.ui.info("No contacts.");
            }
            wallet.contacts().iter().try_for_each(|(name, address)| contact_record(command, name, address))
        }
        WalletContact::Remove(a) => {
            let name = name(&a.name)?;
            let address = wallet.remove_contact(name.clone()).or_refuse("cannot remove the contact")?;
            let fields = json!({ "name": name.as_str(), "address": address.to_string() });
            command.context.output.record("contact-removed", fields, &format!("removed contact `{name}`"))
        }
    }
}

fn contact_record(command: &WalletCommand<'_>, name: &ContactName, address: &Address) -> Outcome {
    let fields = json!({ "name": name.as_str(), "address": address.to_string() });
    command.context.output.record("contact", fields, &format!("{name:<16} {address}"))
}

pub(crate) fn proof(command: &WalletCommand<'_>, verb: &WalletProof) -> Outcome {
    match verb {
        WalletProof::Export(a) => export(command, a),
        WalletProof::Verify(a) => verify(command, a),
    }
}

fn export(command: &WalletCommand<'_>, a: &args::ProofExport) -> Outcome {
    let (wallet, chain, _) = command.open_fresh()?;
    let output = if a.start_fee { None } else { output_proofs::of(&wallet, &chain, a)? };
    if let Some(proof) = output {
        return output_proofs::print(command, &wallet, &proof);
    }
    let hold = holds::find(&wallet, &a.session).map(|hold| hold.offer().id);
    let session = match hold {
        Ok(id) if a.start_fee => Purpose::Funding.session(&id),
        Err(unknown) if a.start_fee => return Err(unknown),
        known => known.or_else(|_| find(&wallet, &a.session).map(|s| s.session()))?,
    };
    let what = "cannot prove this payment";
    let excess = wallet.paid_excess(&session).ok_or(PaymentProofError::UnknownSession).or_refuse(what);
    let excess = excess.map_err(|f| f.help("only the payer has the proof of a payment: ask for it"))?;
    let inclusion = chain.inclusion(&excess)?;
    let inclusion = inclusion.ok_or(PaymentProofError::Unconfirmed).or_refuse(what)?;
    let proof = wallet.prove(&session, inclusion).or_refuse(what)?;
    let text = armor::to_text(wallet.chain().id(), &proof);
    let mut fields = proof_json(&proof);
    fields["text"] = text.clone().into();
    command.context.output.record("payment-proof", fields, &text)
}

fn verify(command: &WalletCommand<'_>, a: &args::ProofVerify) -> Outcome {
    let text = bridge::read_text(&a.file, armor::MAX_TEXT as u64)?;
    // With --id, nothing but the proof is read.
    let (chain, ledger) = match &a.id {
        Some(id) => (bridge::chain_id(id)?, None),
        None => {
            let ledger = command.chain()?;
            (*ledger.chain().id(), Some(ledger))
        }
    };
    let what = "invalid proof of payment";
    let text = inner(&text, &a.file)?;
    if armor::kind(&text).or_refuse(what)? == MessageKind::OutputProof {
        return output_proofs::verify(command, &text, &Verifier { args: a, chain, ledger });
    }
    if a.statement.is_some() {
        return Err(Failure::refused("this proof has no statement").help("pass --memo to check the memo"));
    }
    let proof: PaymentProof = armor::from_text(&chain, &text).or_refuse(what)?;
    let shown = proof.verify(&chain).or_refuse(what)?;
    if let Some(memo) = &a.memo
        && super::slates::memo(memo)?.hash() != proof.receipt.memo
    {
        return Err(Failure::refused("the payment has another memo"));
    }
    if let Some(to) = &a.to {
        let network = proof.inclusion.params.network;
        let address = Address::parse(to, network).or_refuse("invalid receiver")?;
        if address.sign() != proof.receiver.sign() {
            return Err(Failure::refused("the payment was made to another address"));
        }
    }
    let excess = proof.inclusion.kernel.excess;
    let now = ledger.as_ref().map(|ledger| ledger.kernel_height(&excess)).transpose()?;
    if now == Some(None) {
        return Err(Failure::refused("the payment is not in the chain any more")
            .why(format!("the chain here has no kernel {excess}; block {} was sealed with it", shown.block))
            .help("if the chain here is behind, let it catch up; otherwise keep the proof as evidence"));
    }
    let now = match (now.flatten(), &ledger) {
        (Some(height), Some(ledger)) => Some(Dated::of(ledger, height)?),
        _ => None,
    };
    verified(command, &Verified { proof: &proof, shown: &shown, chain: &chain, now })
}

/// A proof that holds, and where the chain at hand has its kernel now.
struct Verified<'a> {
    proof: &'a PaymentProof,
    shown: &'a ProvenPayment,
    chain: &'a ChainId,
    now: Option<Dated>,
}

fn verified(command: &WalletCommand<'_>, verified: &Verified<'_>) -> Outcome {
    let Verified { proof, shown, chain, now } = verified;
    let key = |key: &PublicKey| format!("key {}", hex(key.as_bytes()));
    let still = now.map_or_else(
        || "Only the chain itself can show that the block is still part of it.".to_owned(),
        |h| format!("The payment is still in the chain here, in {h}."),
    );
    let human = format!(
        "{} was paid in or before block {} ({}) of chain {chain}\n  to the address  {}\n  by the owner of {}\n  kernel          {}\n  hash of memo    {}\nCompare the address with those that you know, or pass --to. The chain's operator sealed block {}. {still}",
        proof.inclusion.params.unit.show(proof.receipt.amount),
        shown.height,
        local_time(proof.inclusion.header.time),
        proof.receiver.proven_text(),
        proof.receipt.sender.as_ref().map_or_else(|| "(not named)".into(), key),
        proof.inclusion.kernel.excess,
        proof.receipt.memo,
        shown.block,
    );
    let mut fields = proof_json(proof);
    fields["verified"] = true.into();
    fields["receiver"] = proof.receiver.proven_text().into();
    fields["in_chain"] = now.map(|b| b.height.get()).into();
    command.context.output.record("payment-proof", fields, &human)
}

/// The text of a proof: the file itself, or the field of the record that `export --json` prints.
fn inner(text: &str, path: &Path) -> Outcome<String> {
    if !text.trim_start().starts_with('{') {
        return Ok(text.to_owned());
    }
    let record: Value =
        serde_json::from_str(text).or_refuse(format!("{} is not a valid JSON record", path.display()))?;
    record["text"].as_str().map(str::to_owned).ok_or_else(|| Failure::refused("the record contains no proof"))
}

fn payer(proof: &PaymentProof) -> Option<String> {
    proof.receipt.sender.map(|key| hex(key.as_bytes()))
}

pub(super) fn proof_json(proof: &PaymentProof) -> Value {
    let (receipt, inclusion) = (&proof.receipt, &proof.inclusion);
    json!({
        "amount": receipt.amount.to_string(), "receiver_key": hex(proof.receiver.sign().as_bytes()), "payer_key": payer(proof),
        "session": hex(&receipt.session.0), "memo_hash": receipt.memo.to_string(),
        "fee": receipt.features.fee().to_string(), "excess": inclusion.kernel.excess.to_string(),
        "receiver_part": hex(receipt.key.as_bytes()), "payer_part": hex(proof.payer.as_bytes()),
        "output": receipt.commitment.to_string(), "height": inclusion.header.height.get(), "time": inclusion.header.time,
        "block": inclusion.header.hash().to_string(),
    })
}
