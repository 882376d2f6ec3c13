//! The entries of a job file that say who computes.
//!
//! ```toml
//! computers = ["north", "south"]             # as [roles]: the first garbles, the second evaluates
//! computers = ["north", "south", "west"]     # three to eight: the second evaluates, all others garble
//! experimental = true                        # which more than two are
//! ```

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use crate::job::MAX_COMPUTE_PARTIES;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Roles {
    garbler: Spanned<String>,
    evaluator: Spanned<String>,
}

/// What a job file says of it.
#[derive(Clone, Copy)]
pub(super) struct ComputerEntries<'f> {
    pub(super) roles: Option<&'f Spanned<Roles>>,
    pub(super) computers: Option<&'f Spanned<Vec<Spanned<String>>>>,
    pub(super) experimental: Option<&'f Spanned<bool>>,
}

impl<'f> ComputerEntries<'f> {
    /// The names of those who compute: the garbler, the evaluator, and further ones.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(super) fn names(self) -> Result<Vec<&'f Spanned<String>>, (Range<usize>, String)> {
        let Self { roles, computers, experimental } = self;
        let names: Vec<_> = match (roles, computers) {
            (Some(roles), None) => vec![&roles.get_ref().garbler, &roles.get_ref().evaluator],
            (None, Some(computers)) => computers.get_ref().iter().collect(),
            (Some(_), Some(computers)) => {
                return Err((
                    computers.span(),
                    "who computes is in `computers` or in `[roles]`, not in both".to_owned(),
                ));
            }
            (None, None) => {
                return Err((
                    0..0,
                    "`computers` is missing: the parties that compute, such as [\"north\", \"south\"]"
                        .to_owned(),
                ));
            }
        };
        let span = || computers.map_or(0..0, Spanned::span);
        let is_experimental = experimental.is_some_and(|experimental| *experimental.get_ref());
        match names.len() {
            2 if is_experimental => {
                let span = experimental.map_or(0..0, Spanned::span);
                Err((span, "`experimental` is for three or more computers: leave it out".to_owned()))
            }
            2 => Ok(names),
            3..=MAX_COMPUTE_PARTIES if is_experimental => Ok(names),
            3..=MAX_COMPUTE_PARTIES => Err((
                span(),
                "three or more computers are experimental, since that their protocol is safe is argued and not proven: \
                 say so by `experimental = true`, or name two"
                    .to_owned(),
            )),
            _ => Err((span(), format!("two parties compute, or, experimentally, 3 to {MAX_COMPUTE_PARTIES}"))),
        }
    }

    /// Where they are, for complaints about this field.
    pub(super) fn span(self, field: &str) -> Range<usize> {
        match (self.roles, self.computers) {
            (Some(roles), _) if field == "roles.garbler" => roles.get_ref().garbler.span(),
            (Some(roles), _) => roles.get_ref().evaluator.span(),
            (None, computers) => computers.map_or(0..0, Spanned::span),
        }
    }
}
