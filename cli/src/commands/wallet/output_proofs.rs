//! Proofs of payments to an address alone: exported by the payer or the receiver, verified by anyone.

use super::{
    choosing::find_output,
    command::WalletCommand,
    slates::{memo, memo_text},
};
use crate::{
    args,
    bridge::ChainAt,
    exit::{Failure, OrRefuse as _, Outcome},
    local_time::local_time,
};
use rand_core::OsRng;
use serde_json::{Value, json};
use sotto_mw::{chain::ChainId, codec::Decode as _, commitment::Commitment};
use sotto_wallet::{
    Wallet, armor,
    edge::file::WalletFile,
    keys::Address,
    output_proof::{OutputProof, ProvenOutput, Prover},
    scan::ChainSource as _,
};

const CANNOT: &str = "cannot prove this payment";

/// The proof of a payment to an address, if that is what was named: a session of the payer, or an output of
/// the payee.
pub(crate) fn of(
    wallet: &Wallet<WalletFile>,
    chain: &ChainAt,
    a: &args::ProofExport,
) -> Outcome<Option<OutputProof>> {
    let (statement, prefix) = (memo(&a.statement)?, a.session.trim().to_ascii_lowercase());
    let begins = |id: &[u8; 32]| !prefix.is_empty() && crate::bridge::hex(id).starts_with(&prefix);
    if let Some(session) = wallet.sessions().find(|s| begins(&s.session().0)) {
        if session.reference().is_none() {
            return Ok(None);
        }
        let session = super::sessions::find(wallet, &a.session)?.session();
        return wallet.prove_output(&session, statement, &mut OsRng).or_refuse(CANNOT).map(Some);
    }
    let Ok(output) = find_output(wallet, &a.session) else { return Ok(None) };
    let c = Commitment::from_bytes(&output.commitment.0).or_refuse(CANNOT)?;
    let sealed = chain.view().sealed_output(&c).or_refuse(CANNOT)?;
    let sealed = sealed.ok_or_else(|| {
        Failure::refused(CANNOT)
            .why("the output is spent, and a receiver proves unspent outputs only")
            .help("ask the payer for a proof")
    })?;
    wallet.prove_received(sealed, statement, &mut OsRng).or_refuse(CANNOT).map(Some)
}

pub(crate) fn print(
    command: &WalletCommand<'_>,
    wallet: &Wallet<WalletFile>,
    proof: &OutputProof,
) -> Outcome {
    let id = wallet.chain().id();
    let (text, shown) = (armor::to_text(id, proof), proof.verify(id).or_refuse(CANNOT)?);
    let mut fields = fields(proof, &shown);
    fields["text"] = text.clone().into();
    command.context.output.record("output-proof", fields, &text)
}

/// What a proof is verified against.
pub(crate) struct Verifier<'a> {
    pub(crate) args: &'a args::ProofVerify,
    pub(crate) chain: ChainId,
    pub(crate) ledger: Option<ChainAt>,
}

pub(crate) fn verify(command: &WalletCommand<'_>, text: &str, by: &Verifier<'_>) -> Outcome {
    let what = "invalid proof of payment";
    let proof: OutputProof = armor::from_text(&by.chain, text).or_refuse(what)?;
    let shown = proof.verify(&by.chain).or_refuse(what)?;
    if let Some(to) = &by.args.to {
        let address = Address::parse(to, proof.params.network).or_refuse("invalid receiver")?;
        if address != proof.address.into() {
            return Err(Failure::refused("the payment was made to another address"));
        }
    }
    if by.args.memo.is_some() {
        return Err(Failure::refused("a payment to an address has no memo").help("pass --statement"));
    }
    if by.args.statement.as_ref().is_some_and(|said| said != proof.statement.as_str()) {
        return Err(Failure::refused("the prover made another statement"));
    }
    let header = by.ledger.as_ref().map(|ledger| ledger.header(shown.height)).transpose()?.flatten();
    let still = match (&by.ledger, header) {
        (Some(_), Some(header)) if header.hash() == shown.block => {
            "That block is in the chain here.".to_owned()
        }
        (Some(_), Some(_)) => {
            return Err(Failure::refused("the block of this proof is not in the chain any more")
                .why(format!("the chain here has another block {}", shown.height))
                .help("keep the proof as evidence: the operator sealed two blocks at one height"));
        }
        _ => "Only the chain itself can show that the block is part of it.".to_owned(),
    };
    let human = format!(
        "{} was paid to an address in or before block {} ({}) of chain {}\n  to the address  {}\n  reference       {}\n  proven by       {}\n  statement       {}\n  output          {}\nThe chain's operator sealed block {}. {still}",
        proof.params.unit.show(shown.amount),
        shown.height,
        local_time(proof.sealed.sealed.header.time),
        by.chain,
        proof.address,
        shown.reference,
        prover(&proof),
        memo_text(&proof.statement),
        proof.sealed.output.commitment,
        shown.block,
    );
    let mut fields = fields(&proof, &shown);
    fields["verified"] = true.into();
    command.context.output.record("output-proof", fields, &human)
}

const fn prover(proof: &OutputProof) -> &'static str {
    match proof.prover {
        Prover::Payer => "the payer",
        Prover::Receiver => "someone with the view key of the address",
    }
}

fn fields(proof: &OutputProof, shown: &ProvenOutput) -> Value {
    json!({
        "amount": shown.amount.to_string(), "receiver": proof.address.to_string(), "reference": shown.reference.to_string(),
        "prover": prover(proof), "statement": proof.statement.as_str(),
        "output": proof.sealed.output.commitment.to_string(), "height": shown.height.get(),
        "time": proof.sealed.sealed.header.time, "block": shown.block.to_string(),
    })
}
