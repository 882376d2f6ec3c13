//! The node's settings: DIR/node/config.toml, overridden by flags; and the file that explains them.

use crate::{
    Context,
    args::LogFormat,
    bridge::Home,
    exit::{Failure, OrRefuse as _, Outcome},
    new_file, secret,
};
use core::{net::SocketAddr, num::NonZeroU16, time::Duration};
use serde::Deserialize;
use serde_json::json;
use sotto_node::consensus::Timing;
use std::{fs, io, path::PathBuf};

/// The file that `node config init` writes: every setting with its default, commented out.
const TEMPLATE: &str = include_str!("config.toml");

/// All settings of a node.
#[derive(Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    pub(crate) listen: Option<String>,
    /// The port that peers learn instead of the one in `listen`.
    pub(crate) outside_port: Option<NonZeroU16>,
    pub(crate) connect: Vec<String>,
    /// Other validators, to which a validator keeps connections.
    pub(crate) validators: Vec<String>,
    /// The address of the RPC server, on this machine.
    /// Blocks that the chain must have, each as HEIGHT:HASH.
    pub(crate) checkpoints: Vec<String>,
    pub(crate) rpc: SocketAddr,
    pub(crate) outbound: u16,
    pub(crate) inbound: u16,
    pub(crate) inbound_from_one: u16,
    /// Whether the node may start from a snapshot.
    pub(crate) snapshot: bool,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) certificate_key: Option<PathBuf>,
    pub(crate) page: Option<PathBuf>,
    /// Mean seconds between cover messages; 0: only where silence would be conspicuous.
    pub(crate) cover: f64,
    /// Seconds between two blocks.
    pub(crate) seal_every: u32,
    pub(crate) log: LogFormat,
    pub(crate) log_addresses: bool,
    pub(crate) dandelion: Dandelion,
    pub(crate) consensus: Consensus,
}

/// How long a validator waits, in milliseconds.
#[derive(Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Consensus {
    propose_ms: u32,
    propose_more_ms: u32,
    vote_ms: u32,
    vote_more_ms: u32,
    gather_ms: u32,
    idle_ms: u32,
}

impl Default for Consensus {
    fn default() -> Self {
        Self {
            propose_ms: 1_000,
            propose_more_ms: 500,
            vote_ms: 500,
            vote_more_ms: 250,
            gather_ms: 1_000,
            idle_ms: 30_000,
        }
    }
}

impl Consensus {
    pub(crate) fn timing(&self) -> Timing {
        let ms = |n: u32| Duration::from_millis(n.into());
        Timing {
            propose: ms(self.propose_ms),
            propose_more: ms(self.propose_more_ms),
            vote: ms(self.vote_ms),
            vote_more: ms(self.vote_more_ms),
            gather: ms(self.gather_ms),
            idle: ms(self.idle_ms),
            ..Timing::default()
        }
    }
}

/// Parameters of the stem phase.
#[derive(Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Dandelion {
    fluff: f64,
    hop_ms: u32,
    early: f64,
    epoch: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: None,
            outside_port: None,
            connect: Vec::new(),
            validators: Vec::new(),
            checkpoints: Vec::new(),
            rpc: SocketAddr::from(([127, 0, 0, 1], 0)),
            outbound: 8,
            inbound: 64,
            inbound_from_one: 8,
            snapshot: true,
            certificate: None,
            certificate_key: None,
            page: None,
            cover: 0.0,
            seal_every: 60,
            log: LogFormat::Text,
            log_addresses: false,
            dandelion: Dandelion::default(),
            consensus: Consensus::default(),
        }
    }
}

impl Default for Dandelion {
    fn default() -> Self {
        Self { fluff: 0.125, hop_ms: 175, early: 0.1, epoch: 600 }
    }
}

impl Dandelion {
    pub(crate) fn params(&self) -> Outcome<sotto_dandelion::Params> {
        let (hop, epoch) =
            (Duration::from_millis(self.hop_ms.into()), Duration::from_secs(self.epoch.into()));
        sotto_dandelion::Params::new(self.fluff, hop, self.early, epoch)
            .or_refuse("invalid settings in [dandelion]")
    }
}

impl Settings {
    /// The user's file, or the defaults if there is none.
    pub(crate) fn load(home: &Home) -> Outcome<Self> {
        let path = home.node().join("config.toml");
        let refused = |why: String| {
            Failure::refused(format!("invalid settings in {}", path.display()))
                .why(why.trim_end())
                .help("`sotto node config init --dir NEW` writes a file that explains all settings")
        };
        let settings: Self = match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|e| refused(e.to_string()))?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => Self::default(),
            Err(e) => return Err(refused(e.to_string())),
        };
        match settings {
            s if s.seal_every == 0 => Err(refused("seal_every must be at least 1".into())),
            s if !(0.0..=3_600.0).contains(&s.cover) => Err(refused("cover must be from 0 to 3600".into())),
            s => Ok(s),
        }
    }
}

/// Writes the file that explains all settings.
pub(crate) fn init(context: &Context) -> Outcome {
    let home = Home::of(&context.config);
    secret::make_folder(&home.node())?;
    let path = home.node().join("config.toml");
    new_file::write_secret(&path, TEMPLATE)?;
    let shown = path.display().to_string();
    context.output.record("node-config-init", json!({ "file": shown }), &shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_that_is_written_says_the_defaults() {
        assert_eq!(toml::from_str::<Settings>(TEMPLATE).unwrap(), Settings::default());
        // Prose has a space after its `#`, settings have none.
        let said: String =
            TEMPLATE.lines().map(|l| format!("{}\n", l.strip_prefix('#').unwrap_or(l))).collect();
        let said: Vec<&str> = said.lines().filter(|l| !l.starts_with(' ')).collect();
        let all = toml::from_str::<Settings>(&said.join("\n")).unwrap();
        let paths = |name: &str| Some(PathBuf::from(name));
        let expected = Settings {
            listen: Some("0.0.0.0:9333".into()),
            outside_port: NonZeroU16::new(9333),
            certificate: paths("/etc/sotto/chain.pem"),
            certificate_key: paths("/etc/sotto/key.pem"),
            page: paths("/etc/sotto/index.html"),
            ..Settings::default()
        };
        assert_eq!(all, expected);
        assert!(toml::from_str::<Settings>("listne = 1").is_err());
        for port in ["0", "65536", "-1", "\"9333\""] {
            assert!(toml::from_str::<Settings>(&format!("outside_port = {port}")).is_err(), "{port}");
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_crates() {
        let node = sotto_node::config::Config::new(sotto_node::peer::PeerKey([0; 32]));
        let ours = Settings::default();
        assert_eq!((node.outbound, node.inbound), (ours.outbound.into(), ours.inbound.into()));
        assert_eq!(node.dandelion, ours.dandelion.params().unwrap());
        assert_eq!(sotto_link::web::Limits::default().from_one, usize::from(ours.inbound_from_one));
    }
}
