#![doc = include_str!("../README.md")]

pub mod codec;
pub mod peer;
pub mod seal;
pub mod token_bucket;

pub mod message;
pub mod sealing;

pub mod consensus;

pub mod storage;

pub mod ledger;

pub mod config;
pub mod effect;
pub mod event;
pub mod work;

pub mod engine;

pub mod light;
pub mod rpc;

pub mod edge;

pub use config::Config;
pub use effect::{Effect, LogEvent, Response};
pub use engine::{Node, NodeSetup};
pub use event::{Event, Request, RequestId};
pub use ledger::{
    Ledger, LedgerError,
    mempool::{Mempool, MempoolLimits},
};
pub use message::Message;
pub use peer::{Address, Direction, PeerId, PeerKey};
pub use seal::OperatorKey;
pub use sealing::Solo;
pub use storage::{Files, Layout, Memory, Store, StoreError};
