//! The entries of a job file from which its suite follows.

use std::ops::Range;

use toml::Spanned;

use crate::job::{self, Adversary, Suite};
use sotto_mpc::ot::Expansion;
use sotto_mpc::protocol::malicious::{Attempts, Settings};

/// What a job file says of it.
#[derive(Clone, Copy)]
pub(super) struct SuiteEntries<'f> {
    pub(super) adversary: Option<&'f Spanned<String>>,
    pub(super) maximum_attempts: Option<&'f Spanned<u32>>,
    pub(super) tree_depth: Option<&'f Spanned<u32>>,
    pub(super) expansion: Option<&'f Spanned<u32>>,
}

/// The suite of a job file.
///
/// # Errors
/// What is wrong, and where.
pub(super) fn read(entries: SuiteEntries<'_>) -> Result<Suite, (Range<usize>, String)> {
    let SuiteEntries { adversary: word, maximum_attempts: attempts, tree_depth: depth, expansion } = entries;
    let adversary = word.map_or(Some(Adversary::SemiHonest), |word| Adversary::from_text(word.get_ref()));
    let adversary = adversary.ok_or_else(|| {
        let span = word.map_or(0..0, Spanned::span);
        (span, "the adversary is \"semi-honest\" or \"malicious\"".to_owned())
    })?;
    let why = "the expansion is 16, 17, 18 or 19; `sotto mpc quote` says whether one pays";
    let expansion = value(expansion, Expansion::from_log_k, why)?.unwrap_or_default();
    if adversary == Adversary::SemiHonest {
        for (name, entry) in [("maximum_attempts", attempts), ("tree_depth", depth)] {
            if let Some(entry) = entry {
                return Err((entry.span(), format!("`{name}` needs `adversary = \"malicious\"`")));
            }
        }
        return Ok(Suite::SemiHonest(expansion));
    }
    let default = Settings::default();
    let attempts = value(attempts, Attempts::new, "there are 1 to 64 attempts")?;
    let why = "the depth of the trees is 2, 4 or 8; `sotto mpc quote` says which is the best";
    let depth = value(depth, job::tree_depth, why)?;
    let settings = Settings::new(attempts.unwrap_or(default.attempts), depth.unwrap_or(default.depth));
    Ok(Suite::Malicious(settings.with_expansion(expansion)))
}

/// The value of an entry that may be missing.
fn value<T>(
    entry: Option<&Spanned<u32>>,
    of: impl FnOnce(u32) -> Option<T>,
    why: &str,
) -> Result<Option<T>, (Range<usize>, String)> {
    let Some(entry) = entry else { return Ok(None) };
    of(*entry.get_ref()).map(Some).ok_or_else(|| (entry.span(), why.to_owned()))
}
