//! Reading a policy's file. Unknown keys, and keys that mean nothing for a kind, are refused.
//!
//! ```toml
//! version = 1
//! allow_software = false              # the default
//! max_collateral_age_days = 30        # none: as long as it is valid
//!
//! [[accept]]
//! kind = "tdx"                        # sgx, tdx, snp, software
//! measurements = { mrtd = "96 hexadecimal digits" }   # all must match
//! statuses = ["UpToDate"]             # the default; Intel's
//! refuse_advisories = ["INTEL-SA-00615"]
//! minimum_tcb_evaluation = 17
//! smt = true                          # the default of this and the next two is false
//! dynamic_platform = true
//! cached_keys = false
//! platforms = ["64 hexadecimal digits"]               # none: any
//!
//! [[accept]]
//! kind = "snp"
//! measurements = { measurement = "96 hexadecimal digits" }
//! tcb = { bootloader = 3, tee = 0, snp = 8, microcode = 115 }   # the least
//! missing_crl = false                 # the default
//!
//! [quorum]                            # of a group of parties
//! of = 2                              # different platforms
//! vendors = 2
//!
//! [revoked]                           # see `revoked`
//! ```

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use sotto_party::hex::from_hex;

use crate::claims::{SnpVersions, TcbStatus};
use crate::hash::Digest;
use crate::kind::Kind;
use crate::line_error::{LineError, parse};
use crate::policy::{Accept, Policy, Quorum};
use crate::revoked::{Revocable, Revoked, RevokedTable};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: toml::Spanned<u32>,
    #[serde(default)]
    allow_software: bool,
    max_collateral_age_days: Option<u32>,
    #[serde(default)]
    accept: Vec<toml::Spanned<AcceptTable>>,
    quorum: Option<toml::Spanned<QuorumTable>>,
    #[serde(default)]
    revoked: RevokedTable,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuorumTable {
    of: u32,
    vendors: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AcceptTable {
    kind: String,
    measurements: BTreeMap<String, String>,
    statuses: Option<Vec<String>>,
    refuse_advisories: Option<Vec<String>>,
    minimum_tcb_evaluation: Option<u32>,
    minimum_isv_svn: Option<u16>,
    tcb: Option<SnpVersions>,
    smt: Option<bool>,
    dynamic_platform: Option<bool>,
    cached_keys: Option<bool>,
    missing_crl: Option<bool>,
    platforms: Option<Vec<String>>,
}

/// The policy of a file's text.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub fn read(text: &str) -> Result<Policy, LineError> {
    let file: File = parse(text)?;
    if *file.version.get_ref() != 1 {
        return Err(LineError::at(
            text,
            &file.version.span(),
            "this version of sotto reads policies of version 1",
        ));
    }
    let mut accept = Vec::new();
    for table in &file.accept {
        let wrong = |what: String| LineError::at(text, &table.span(), what);
        let entry = read_accept(table.get_ref()).map_err(wrong)?;
        if entry.kind == Kind::Software && !file.allow_software {
            return Err(wrong("software evidence is accepted only with `allow_software = true`".to_owned()));
        }
        accept.push(entry);
    }
    if accept.is_empty() {
        return Err(LineError {
            line: 1,
            what: "no `[[accept]]`: the policy would refuse everything".to_owned(),
        });
    }
    let quorum = file.quorum.map_or(Ok(Quorum { of: 1, vendors: 1 }), |table| {
        let QuorumTable { of, vendors } = *table.get_ref();
        let possible = (1..=64).contains(&of) && (1..=2).contains(&vendors) && vendors <= of;
        let what = "`of` is 1 to 64, `vendors` 1 or 2 and at most `of`";
        if possible { Ok(Quorum { of, vendors }) } else { Err(LineError::at(text, &table.span(), what)) }
    })?;
    Ok(Policy {
        allow_software: file.allow_software,
        max_collateral_age_days: file.max_collateral_age_days,
        accept,
        quorum,
        revoked: Revoked::from_table(text, &file.revoked)?,
    })
}

fn read_accept(table: &AcceptTable) -> Result<Accept, String> {
    let kind = Kind::from_name(&table.kind).ok_or("kinds are sgx, tdx, snp and software")?;
    check_keys(kind, table)?;
    let statuses = match &table.statuses {
        Some(names) => names.iter().map(|name| status(name)).collect::<Result<_, _>>()?,
        None => BTreeSet::from([TcbStatus::UpToDate]),
    };
    let advisory = |id: &String| match Revocable::advisory(id) {
        Some(Revocable::Advisory(id)) => Ok(id),
        _ => Err(format!("`{id}` is not an advisory: letters, digits and dashes")),
    };
    let platform = |id: &String| {
        Digest::from_hex(id).ok_or_else(|| format!("`{id}` is not a platform: 64 hexadecimal digits"))
    };
    let platforms = table.platforms.as_ref().map(|ids| ids.iter().map(platform).collect::<Result<_, _>>());
    Ok(Accept {
        kind,
        measurements: measurements(kind, &table.measurements)?,
        statuses,
        refuse_advisories: table
            .refuse_advisories
            .iter()
            .flatten()
            .map(advisory)
            .collect::<Result<_, _>>()?,
        minimum_tcb_evaluation: table.minimum_tcb_evaluation.unwrap_or_default(),
        minimum_isv_svn: table.minimum_isv_svn.unwrap_or_default(),
        tcb: table.tcb,
        smt: table.smt.unwrap_or_default(),
        dynamic_platform: table.dynamic_platform.unwrap_or_default(),
        cached_keys: table.cached_keys.unwrap_or_default(),
        missing_crl: table.missing_crl.unwrap_or_default(),
        platforms: platforms.transpose()?,
    })
}

fn status(name: &str) -> Result<TcbStatus, String> {
    match TcbStatus::from_name(name) {
        Some(TcbStatus::Revoked) => Err("a revoked platform is never accepted".to_owned()),
        Some(status) => Ok(status),
        None => Err(format!("`{name}` is not a status of Intel's")),
    }
}

/// Refuses keys that would have no effect, and demands AMD's floor.
fn check_keys(kind: Kind, table: &AcceptTable) -> Result<(), String> {
    use Kind::{Sgx, Snp, Tdx};
    let given = [
        ("statuses", table.statuses.is_some(), &[Sgx, Tdx][..]),
        ("refuse_advisories", table.refuse_advisories.is_some(), &[Sgx, Tdx]),
        ("minimum_tcb_evaluation", table.minimum_tcb_evaluation.is_some(), &[Sgx, Tdx]),
        ("minimum_isv_svn", table.minimum_isv_svn.is_some(), &[Sgx]),
        ("tcb", table.tcb.is_some(), &[Snp]),
        ("smt", table.smt.is_some(), &[Sgx, Tdx, Snp]),
        ("dynamic_platform", table.dynamic_platform.is_some(), &[Sgx, Tdx]),
        ("cached_keys", table.cached_keys.is_some(), &[Sgx, Tdx]),
        ("missing_crl", table.missing_crl.is_some(), &[Snp]),
        ("platforms", table.platforms.is_some(), &[Sgx, Tdx, Snp]),
    ];
    if let Some((key, ..)) = given.iter().find(|(_, given, kinds)| *given && !kinds.contains(&kind)) {
        return Err(format!("`{key}` means nothing for kind {kind}"));
    }
    if kind == Snp && table.tcb.is_none() {
        return Err(
            "snp needs `tcb = { bootloader = …, tee = …, snp = …, microcode = … }`, the least".to_owned()
        );
    }
    Ok(())
}

fn measurements(
    kind: Kind,
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<&'static str, Vec<u8>>, String> {
    let mut found = BTreeMap::new();
    for (name, digits) in given {
        let field = kind.fields().iter().find(|(field, _)| field == name);
        let &(field, length) = field.ok_or_else(|| format!("{kind} has no measurement `{name}`"))?;
        let mut bytes = vec![0; length];
        from_hex(digits, &mut bytes)
            .ok_or_else(|| format!("`{name}` has {} lower-case hexadecimal digits", 2 * length))?;
        found.insert(field, bytes);
    }
    let names = |identity: &&[&str]| identity.iter().all(|name| found.contains_key(name));
    if !kind.identities().iter().any(names) {
        let needed: Vec<String> = kind.identities().iter().map(|identity| identity.join(" and ")).collect();
        return Err(format!("any code would be accepted: name {}", needed.join(", or ")));
    }
    Ok(found)
}
