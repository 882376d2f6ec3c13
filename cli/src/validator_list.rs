//! Files of validators, in TOML: what `sotto node validator init` prints of each, one after the other; and the vote keys in
//! a validator's folder.

use crate::{
    bridge::{Home, hex, hex_bytes},
    exit::{Failure, OrRefuse as _, Outcome},
};
use core::num::NonZeroU32;
use serde::{Deserialize, Serialize};
use sotto_link::PeerKey;
use sotto_mw::{
    codec::{Decode as _, Encode as _},
    schnorr::{PublicKey, Signature},
    validators::{LinkKey, Validator, ValidatorName},
};
use sotto_node::{edge::operator, seal::OperatorKey};

/// The vote key in a validator's folder, and the one that is to take its place.
pub(crate) fn vote_keys(home: &Home) -> Outcome<(OperatorKey, Option<OperatorKey>)> {
    let (key, new) = (home.node().join("vote_key"), home.node().join("vote_key.new"));
    if !key.exists() {
        return Err(Failure::refused(format!("no validator in {}", home.dir.display()))
            .help("`sotto node validator init --name NAME` creates its key"));
    }
    let read = |path| operator::read(path).or_refuse("cannot use the vote key");
    Ok((read(&key)?, new.exists().then(|| read(&new)).transpose()?))
}

/// A validator as a file names it.
#[derive(Serialize, Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) power: NonZeroU32,
    pub(crate) vote_key: String,
    pub(crate) possession: String,
    pub(crate) link_key: String,
}

/// A file of validators.
#[derive(Serialize, Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entries {
    pub(crate) validator: Vec<Entry>,
}

impl Entry {
    pub(crate) fn of(v: &Validator) -> Self {
        let link = PeerKey::from_bytes(*v.link_key.as_bytes());
        Self {
            name: v.name.to_string(),
            power: v.power,
            vote_key: hex(&v.vote_key.to_bytes()),
            possession: hex(&v.possession.to_bytes()),
            link_key: link.map_or_else(|_| hex(v.link_key.as_bytes()), |key| key.to_string()),
        }
    }

    /// The validator; its proof of possession is checked with the set.
    pub(crate) fn validator(&self) -> Outcome<Validator> {
        let what = || format!("invalid validator `{}`", self.name);
        let name: ValidatorName = self.name.parse().or_refuse(what())?;
        let key: PeerKey = self.link_key.parse().or_refuse(what())?;
        let bytes = |text: &str| {
            hex_bytes(text).ok_or_else(|| Failure::refused(what()).why("its keys are hexadecimal"))
        };
        let vote_key = PublicKey::from_bytes(&bytes(&self.vote_key)?).or_refuse(what())?;
        let possession = Signature::from_bytes(&bytes(&self.possession)?).or_refuse(what())?;
        let link_key = LinkKey::from_bytes(*key.as_bytes());
        Ok(Validator { vote_key, possession, link_key, power: self.power, name })
    }
}
