//! Files of identities and of peer keys.
//!
//! ```
//! use sotto_link::{Identity, key_file::{create_identity, read_identity}};
//!
//! let folder = tempfile::tempdir()?;
//! let (path, identity) = (folder.path().join("alice.key"), Identity::from_seed(&[1; 32]));
//! create_identity(&path, &identity)?;
//! assert_eq!(read_identity(&path)?.peer_key(), identity.peer_key());
//! assert!(create_identity(&path, &identity).is_err(), "an existing key is never replaced");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use crate::edge::key_file::{FileError, create_identity, read_identity, read_peer_keys};
