//! Storage: a chain as files and an index, and the snapshots of it, over two interfaces that do the reading
//! and writing.
//!
//! ```text
//! Store ─▶ ChainStore ─▶ block log, head, base ─▶ Files        a directory, or a map in memory
//!   │          └───────▶ index ─────────────────▶ Databases    sled, or a map in memory
//!   └─▶ SnapshotServer, SnapshotBuild     snapshots that are made for others
//!   └─▶ SnapshotDownload                  the snapshot that is fetched, judged and installed
//! ```
//!
//! Nothing here makes a system call. [`Files`] and [`Databases`] are implemented by the edges for a disk, and
//! here by [`Memory`] and its databases in memory, which tests use to cut the power at every write.
//!
//! **Reading order**: `format`, `snapshot_format`, `snapshot_part` (the bytes), [`Files`], [`Databases`],
//! `log`, `index`, `base`, [`ChainStore`], `branch`, the snapshots, [`Store`], `import`.

pub(crate) mod base;
pub(crate) mod block_place;
pub(crate) mod branch;
pub(crate) mod chain_store;
pub(crate) mod database;
pub(crate) mod error;
pub(crate) mod file_name;
pub(crate) mod files;
pub(crate) mod format;
pub(crate) mod fresh_state;
pub(crate) mod import;
pub(crate) mod index;
pub(crate) mod index_check;
pub(crate) mod index_format;
pub(crate) mod index_lookups;
pub(crate) mod index_outputs;
pub(crate) mod kernel_walk;
pub(crate) mod key;
pub(crate) mod located;
pub(crate) mod log;
pub(crate) mod memory;
pub(crate) mod memory_database;
pub(crate) mod merkle_map;
pub(crate) mod plan;
pub(crate) mod prune;
pub(crate) mod queries;
pub(crate) mod snapshot_build;
pub mod snapshot_check;
pub(crate) mod snapshot_download;
pub mod snapshot_format;
pub(crate) mod snapshot_install;
pub(crate) mod snapshot_layout;
pub(crate) mod snapshot_part;
pub(crate) mod snapshot_pieces;
pub(crate) mod snapshot_reference;
pub(crate) mod snapshot_serve;
pub(crate) mod snapshot_state;
pub(crate) mod store;
pub(crate) mod verified_seals;

pub use chain_store::{ChainStore, Layout, Opened};
pub use database::{Batch, Database, Databases, KeyValue, Slot};
pub use error::{IndexFault, StoreError};
pub use file_name::FileName;
pub use files::Files;
pub use format::{GENESIS_MAX, read_genesis};
pub use import::{ImportError, Imported, MissingPart, SnapshotStart, import};
pub use memory::Memory;
pub use prune::Pruned;
pub use queries::Sizes;
pub use snapshot_state::PART_ITEMS;
pub use store::{ExportError, Exported, Store};
