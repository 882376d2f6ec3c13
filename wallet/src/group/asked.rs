//! What a member asks the others for, as its letter says it.

use super::GroupRequest;
use sotto_keys::{Index, pool::Planned};

/// What a member asks for, as the letters say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupAsked {
    pub(super) planned: Planned,
    pub(super) request: GroupRequest,
}

impl GroupAsked {
    /// Who asks.
    #[must_use]
    pub const fn by(&self) -> Index {
        self.planned.by
    }

    /// Who carries it out.
    #[must_use]
    pub fn set(&self) -> &[Index] {
        &self.planned.set
    }

    /// For what.
    #[must_use]
    pub const fn request(&self) -> &GroupRequest {
        &self.request
    }

    pub(super) const fn planned(&self) -> &Planned {
        &self.planned
    }
}
