//! `sotto chain join`: creates an empty copy of a ledger from its parameters.

use super::snapshot::{UNKNOWN, opened};
use crate::{
    Context, args,
    bridge::{Home, chain_id},
    consent::consent,
    exit::{ErrorCode, Failure, OrRefuse as _, Outcome},
    secret,
};
use serde_json::json;
use sotto_node::{
    ledger::Ledger,
    storage::{GENESIS_MAX, read_genesis},
};
use std::io::Read;

pub(crate) fn join(context: &Context, home: &Home, a: &args::ChainJoin) -> Outcome {
    let expected = a.id.as_deref().map(chain_id).transpose()?;
    let (mut source, name) = opened(&a.file)?;
    let mut bytes = Vec::new();
    source.by_ref().take(GENESIS_MAX + 1).read_to_end(&mut bytes).or_refuse(format!("cannot read {name}"))?;
    let no_chain = || format!("{name} does not contain the parameters of a ledger");
    let chain = read_genesis(&bytes).map_err(|e| {
        Failure::refused(no_chain())
            .why(e)
            .help("they are in `chain/genesis` of a folder that holds the ledger")
    })?;
    let id = chain.id();
    if expected.is_some_and(|expected| expected != *id) {
        return Err(
            Failure::refused(format!("{name} belongs to another chain")).why(format!("its chain id is {id}"))
        );
    }
    if home.chain().exists() {
        return Err(Failure::coded(
            ErrorCode::ChainExists,
            format!("a chain exists already in {}", home.dir.display()),
        )
        .help("pass another folder with --dir"));
    }
    consent(&context.ui, &chain, a.audit)?;
    secret::make_folder(&home.dir)?;
    Ledger::create(&home.chain(), chain.params().clone()).or_refuse("cannot create the ledger")?;
    let network = chain.params().network;
    let fields = json!({
        "chain_id": id.to_string(), "network": network.to_string(), "dir": home.dir.display().to_string(),
    });
    let human = format!("{network} chain {id} in {}, without blocks yet", home.dir.display());
    context.output.record("chain-join", fields, &human)?;
    if expected.is_none() {
        context.ui.info(UNKNOWN);
    }
    Ok(())
}
