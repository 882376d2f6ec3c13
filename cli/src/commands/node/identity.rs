//! The node's network key.

use crate::exit::{OrRefuse as _, Outcome};
use rand_core::OsRng;
use sotto_link::{
    Identity,
    key_file::{create_identity, read_identity},
};
use std::path::Path;

/// The node's network key; created on first use.
pub(super) fn identity(path: &Path) -> Outcome<Identity> {
    if !path.exists() {
        create_identity(path, &Identity::generate(&mut OsRng)).or_refuse("cannot write the node's key")?;
    }
    read_identity(path).or_refuse("cannot use the node's key")
}
