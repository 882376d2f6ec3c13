//! Revocations: platforms, measurements and advisories that are not trusted any more. They can only refuse.
//!
//! ```toml
//! [revoked]
//! platforms = ["64 hexadecimal digits"]
//! measurements = ["hexadecimal digits"]
//! advisories = ["INTEL-SA-00615"]
//! ```

use core::fmt;
use std::collections::BTreeSet;

use serde::Deserialize;
use sotto_party::hex::{from_hex, to_hex};

use crate::claims::{Claims, Tcb};
use crate::hash::Digest;
use crate::line_error::{LineError, parse};

/// Something that can be revoked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Revocable {
    /// A platform, as claims name it.
    Platform(Digest),
    /// A measurement, whatever field it is in.
    Measurement(Vec<u8>),
    /// An advisory of a vendor: platforms to which it applies.
    Advisory(String),
}

impl Revocable {
    /// A platform of 64 digits.
    #[must_use]
    pub fn platform(text: &str) -> Option<Self> {
        Digest::from_hex(text).map(Self::Platform)
    }

    /// A measurement of 2 to 64 bytes.
    #[must_use]
    pub fn measurement(text: &str) -> Option<Self> {
        let mut bytes = vec![0; text.len() / 2];
        from_hex(text, &mut bytes)?;
        (2..=64).contains(&bytes.len()).then_some(Self::Measurement(bytes))
    }

    /// An advisory of 1 to 64 letters, digits and dashes.
    #[must_use]
    pub fn advisory(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        (plain && (1..=64).contains(&text.len())).then(|| Self::Advisory(text.to_ascii_uppercase()))
    }

    /// Whether claims rest on it.
    #[must_use]
    pub fn is_in(&self, claims: &Claims) -> bool {
        match self {
            Self::Platform(platform) => claims.platform == Some(*platform),
            Self::Measurement(bytes) => claims.measurements.values().any(|value| value == bytes),
            Self::Advisory(id) => match &claims.tcb {
                Tcb::Intel(tcb) => tcb.advisories.iter().any(|given| given.eq_ignore_ascii_case(id)),
                Tcb::Amd(_) | Tcb::Software => false,
            },
        }
    }

    fn id(&self) -> String {
        match self {
            Self::Platform(platform) => platform.to_string(),
            Self::Measurement(bytes) => to_hex(bytes),
            Self::Advisory(id) => id.clone(),
        }
    }
}

impl fmt::Display for Revocable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Platform(_) => "platform",
            Self::Measurement(_) => "measurement",
            Self::Advisory(_) => "advisory",
        };
        write!(f, "{kind} {}", self.id())
    }
}

/// All that is revoked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revoked(BTreeSet<Revocable>);

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RevokedTable {
    platforms: Vec<toml::Spanned<String>>,
    measurements: Vec<toml::Spanned<String>>,
    advisories: Vec<toml::Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    revoked: RevokedTable,
}

impl Revoked {
    /// Reads a file.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line.
    pub fn parse(text: &str) -> Result<Self, LineError> {
        let file: File = parse(text)?;
        Self::from_table(text, &file.revoked)
    }

    pub(crate) fn from_table(text: &str, table: &RevokedTable) -> Result<Self, LineError> {
        let mut all = BTreeSet::new();
        let mut add = |ids: &[toml::Spanned<String>], read: fn(&str) -> Option<Revocable>, what: &str| {
            for id in ids {
                let entry = read(id.get_ref()).ok_or_else(|| LineError::at(text, &id.span(), what))?;
                all.insert(entry);
            }
            Ok(())
        };
        add(&table.platforms, Revocable::platform, "a platform has 64 lower-case hexadecimal digits")?;
        add(&table.measurements, Revocable::measurement, "a measurement has 4 to 128 hexadecimal digits")?;
        add(&table.advisories, Revocable::advisory, "an advisory has letters, digits and dashes")?;
        Ok(Self(all))
    }

    /// Adds an entry; whether it is new.
    pub fn insert(&mut self, entry: Revocable) -> bool {
        self.0.insert(entry)
    }

    /// The entries, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Revocable> {
        self.0.iter()
    }

    /// The file's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let list = |name: &str, of: fn(&Revocable) -> bool| {
            let ids: Vec<String> = self
                .0
                .iter()
                .filter(|entry| of(entry))
                .map(|entry| format!("    \"{}\",\n", entry.id()))
                .collect();
            format!("{name} = [\n{}]\n", ids.concat())
        };
        [
            "# Refused in every appraisal of the policies beside this file.\n[revoked]\n".to_owned(),
            list("platforms", |entry| matches!(entry, Revocable::Platform(_))),
            list("measurements", |entry| matches!(entry, Revocable::Measurement(_))),
            list("advisories", |entry| matches!(entry, Revocable::Advisory(_))),
        ]
        .concat()
    }
}
