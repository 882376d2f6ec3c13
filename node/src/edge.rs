//! The edges: adapters to the world outside, each with an in-memory twin that the tests use.

pub mod chain_dir;
pub mod client;
pub(crate) mod clock;
pub mod council;
pub mod daemon;
pub(crate) mod directory;
pub mod disk;
pub mod event_loop;
pub mod light;
pub(crate) mod local_txs_file;
pub mod log;
pub mod metrics;
pub mod net;
pub mod node_handle;
pub mod operator;
pub(crate) mod overlay;
pub mod recovery;
pub mod rpc;
pub mod saved_files;
pub mod sled_database;
pub(crate) mod workers;
