//! A joined node whose copy of the chain is damaged fetches it again.

use super::config::Settings;
use crate::{
    Context,
    bridge::Home,
    exit::{ErrorCode, Failure, OrRefuse as _, Outcome},
};
use sotto_node::edge::{
    chain_dir::DiskLedger,
    recovery::{Recovered, begin_again, is_damage},
};

/// A node's ledger, and what was pending in the damaged one in place of which it is.
pub(crate) struct Opened {
    pub(crate) ledger: DiskLedger,
    pub(crate) recovered: Option<Vec<u8>>,
}

/// Opens the ledger; a damaged one that can be fetched again is moved aside.
pub(crate) fn open(context: &Context, home: &Home, settings: &Settings) -> Outcome<Opened> {
    match home.ledger() {
        Err(why) if why.error == ErrorCode::ChainDamaged && can_fetch(home, settings) => {
            let Recovered { ledger, aside, mempool } =
                begin_again(&home.chain()).or_refuse("the chain is damaged and cannot be moved aside")?;
            context.ui.info(&format!(
                "The copy of the chain is damaged ({}). It is now in {}; the node fetches the chain again from its peers.",
                why.why.unwrap_or(why.what),
                aside.display()
            ));
            Ok(Opened { ledger, recovered: mempool })
        }
        opened => Ok(Opened { ledger: opened?, recovered: None }),
    }
}

/// A node stops by itself only if its store fails. If what it read was damaged and can be fetched again, it
/// is moved aside, so that the next start does so.
pub(crate) fn stopped(home: &Home, settings: &Settings, why: &sotto_node::ledger::LedgerError) -> Failure {
    let failure = Failure::refused("the node stopped: its ledger cannot be read or written").cause(why);
    if is_damage(why)
        && can_fetch(home, settings)
        && let Ok(Recovered { aside, .. }) = begin_again(&home.chain())
    {
        return failure.help(format!(
            "start the node again: it fetches the chain from its peers; the damaged copy is in {}",
            aside.display()
        ));
    }
    failure.help("repair the disk and start the node again; everything that it acknowledged is on disk")
}

/// Whether other nodes have this chain as far as anyone can know: no block is sealed here, and peers are
/// named.
fn can_fetch(home: &Home, settings: &Settings) -> bool {
    let peers = !settings.connect.is_empty() || home.node().join("addr_book").exists();
    peers && !home.operator().exists()
}
