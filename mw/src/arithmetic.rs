//! Which instructions the ledger's arithmetic uses: a matter of speed alone.

pub use crate::msm::Backend;
