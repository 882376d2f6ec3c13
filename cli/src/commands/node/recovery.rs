//! A joined node whose copy of the chain is damaged fetches it again.

use super::config::Settings;
use crate::{
    Context,
    bridge::{Home, hex_bytes},
    exit::{Code, ErrorCode, Failure, OrRefuse as _, Outcome},
};
use sotto_mw::{amount::Height, hash::Hash};
use sotto_node::{
    edge::recovery::{Recovered, begin_again, is_damage},
    ledger::{Ledger, LedgerError, equivocations::Halt},
    message::BlockName,
};

/// A node's ledger, and what was pending in the damaged one in place of which it is.
pub(crate) struct Opened {
    pub(crate) ledger: Ledger,
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

/// The ledger, which follows only a chain with these blocks.
pub(crate) fn with_checkpoints(ledger: Ledger, all: &[String]) -> Outcome<Ledger> {
    let checkpoints = all.iter().map(|text| checkpoint(text)).collect::<Outcome<_>>()?;
    ledger.with_checkpoints(checkpoints).map_err(|why| {
        Failure::refused("the ledger in this folder is not the one of the checkpoint").cause(&why).help(
            "compare the checkpoint with another source; to follow the chain that has it, join with another folder",
        )
    })
}

fn checkpoint(text: &str) -> Outcome<BlockName> {
    let parts = text.split_once(':').and_then(|(height, hash)| {
        let hash = hex_bytes(hash)?.try_into().ok().map(Hash::from_bytes)?;
        Some(BlockName { height: Height::new(height.parse().ok().filter(|h| *h > 0)?), hash })
    });
    parts.ok_or_else(|| {
        Failure::new(Code::Usage, format!("invalid checkpoint `{text}`"))
            .help("write HEIGHT:HASH, as `sotto chain block HEIGHT` prints them")
    })
}

/// The chain was sealed twice: a person has to say which block counts.
pub(crate) fn halted(halt: &Halt) -> Failure {
    let double = &halt.double;
    Failure::coded(ErrorCode::TwoCertificates, "the node stopped: two blocks of one height were sealed").why(halt).help(
        format!(
            "find out with the other operators which block counts, then start the node with `--checkpoint {}:HASH`, where HASH begins with {:.8} or {:.8}; `sotto node evidence` shows what is known",
            double.height,
            double.first.header.to_string(),
            double.second.header.to_string()
        ),
    )
}

/// A node stops by itself only if its store fails, or the chain was sealed twice. If what it read was damaged
/// and can be fetched again, it is moved aside, so that the next start does so.
pub(crate) fn stopped(home: &Home, settings: &Settings, why: &LedgerError) -> Failure {
    if let LedgerError::Halt(halt) = why {
        return halted(halt);
    }
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
