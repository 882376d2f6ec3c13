//! `sotto mpc rendezvous`: a server where two parties meet that can only connect to others.

use super::job::{read_identity, read_public};
use crate::{
    Context, args,
    exit::{Code, Failure, Outcome},
};
use serde_json::json;
use sotto_jobs::edge::tls;
use sotto_link::{
    PeerKey,
    pinned::LinkError,
    rendezvous::{Config, Event, Quotas, run as serve},
};
use std::{collections::BTreeMap, time::Duration};

pub(crate) fn run(context: &Context, a: &args::MpcRendezvous) -> Outcome {
    let identity = read_identity(&a.key)?;
    let mut names = BTreeMap::new();
    for path in &a.allow {
        let key = tls::peer_key(&read_public(path)?);
        let unusable = || Failure::refused(format!("invalid key in {}", path.display()));
        names.insert(key.ok_or_else(unusable)?, path.file_stem().unwrap_or_default().display().to_string());
    }
    let quotas = Quotas {
        connections: a.connections as usize,
        each: a.each as usize,
        pending: Duration::from_secs(a.pending),
        idle: Duration::from_secs(a.idle),
        bytes: a.bytes << 20,
        rate: a.rate << 20,
        ..Quotas::default()
    };
    let fingerprint = identity.public().fingerprint();
    let listening = |address: std::net::SocketAddr| {
        let fields = json!({ "address": address.to_string(), "fingerprint": fingerprint });
        let human =
            format!("rendezvous server at {address}, key {fingerprint}, for {} parties", a.allow.len());
        // The server goes on even if its output is closed.
        let _ = context.output.record("mpc-rendezvous", fields, &human);
    };
    let (ui, allowed) = (context.ui, names.keys().copied().collect());
    let tell = move |event| match event {
        Event::Refused(from, why) => ui.detail(&format!("refused {from}: {why}")),
        Event::Waiting(us, other) => {
            ui.detail(&format!("{} waits for {}", name(&names, us), name(&names, other)))
        }
        Event::Ended(us, other, bytes) => {
            ui.info(&format!("{} and {}: {bytes} bytes", name(&names, us), name(&names, other)));
        }
    };
    let identity = tls::identity(&identity);
    let config = Config { identity: &identity, allowed, quotas };
    serve(&a.listen, config, listening, tell).map_err(|e| {
        let failed =
            Failure::new(Code::Refused, format!("cannot run a rendezvous server at {}", a.listen)).why(&e);
        match e {
            LinkError::CannotListen { .. } => failed.help("pass an address of this machine with a free port"),
            _ => failed,
        }
    })
}

/// The name of a party, taken from its key file.
fn name(names: &BTreeMap<PeerKey, String>, key: PeerKey) -> &str {
    names.get(&key).map_or("unknown party", String::as_str)
}
