//! `sotto chain init --validators`: a ledger that a quorum of validators seals.

use crate::{
    args,
    bridge::{Home, now},
    exit::{ErrorCode, Failure, OrRefuse as _, Outcome},
    secret,
    validator_list::Entries,
};
use sotto_mw::{
    chain::{Chain, Network, Params},
    validators::ValidatorSet,
};
use sotto_node::ledger::Ledger;
use std::{fs, path::Path};

/// Most bytes of a file of validators.
const MOST: u64 = 256 << 10;

/// The validators that a file names, each with a proof that holds.
pub(super) fn read(path: &Path) -> Outcome<ValidatorSet> {
    let name = path.display();
    if fs::metadata(path).or_refuse(format!("cannot read {name}"))?.len() > MOST {
        return Err(Failure::refused(format!("{name} is too long for a list of validators")));
    }
    let text = fs::read_to_string(path).or_refuse(format!("cannot read {name}"))?;
    let entries: Entries = toml::from_str(&text).map_err(|e| {
        Failure::refused(format!("invalid list of validators in {name}"))
            .why(e.to_string().trim_end())
            .help("each validator's part is what `sotto node validator init` prints")
    })?;
    let all = entries.validator.iter().map(|entry| entry.validator()).collect::<Outcome<Vec<_>>>()?;
    ValidatorSet::new(all).or_refuse(format!("invalid list of validators in {name}"))
}

/// Creates the ledger of these validators in `home`.
pub(crate) fn create(
    home: &Home,
    set: ValidatorSet,
    network: args::ChainNetwork,
    edit: impl FnOnce(&mut Params),
) -> Outcome<Ledger> {
    if home.chain().exists() {
        return Err(Failure::coded(
            ErrorCode::ChainExists,
            format!("a chain exists already in {}", home.dir.display()),
        )
        .help("pass another folder with --dir"));
    }
    let network = match network {
        args::ChainNetwork::Main => Network::Main,
        args::ChainNetwork::Test => Network::Test,
    };
    let mut params = Params::with_validators(network, set, now());
    edit(&mut params);
    Chain::new(params.clone()).or_refuse("invalid chain parameters")?;
    secret::make_folder(&home.dir)?;
    Ledger::create(&home.chain(), params).or_refuse("cannot create the chain")
}
