//! `sotto node validator`: the key by which a node votes, and the files that keep it from voting twice.
//!
//! ```text
//! DIR/node/vote_key         the key, mode 0600, in the form of an operator's
//! DIR/node/validator.toml   what a list of validators says of it
//! DIR/node/vote_key.new     the key that is to take its place, and DIR/node/validator.new.toml what a list says of it
//! DIR/node/vote_key.N       a key that has been replaced, from N = 1 on
//! DIR/node/votes            what it signed last; names the installation that may sign (`sotto_node::consensus`)
//! DIR/node/votes.log        what it heard and said at this height
//! DIR/node/votes.new        in place of `votes` until the first run: the installation at which the key was made
//! DIR/node/votes.resume     a person said that the log is lost for good; removed at the next run
//! STATE/validator.id        the id of this machine; with the path of DIR/node it makes that of the installation
//! ```

use crate::{
    Context, args,
    bridge::{Home, hex_bytes},
    exit::{Failure, OrRefuse as _, Outcome},
    new_file::{Existing, NewFile, Readers},
    secret,
    validator_list::{Entries, Entry, vote_keys},
};
use core::num::NonZeroU32;
use rand_core::{OsRng, RngCore as _};
use serde_json::json;
use sotto_mw::{
    chain::{Chain, ChainId},
    hash::{Hash, tagged},
    validators::{LinkKey, ValidatorName},
};
use sotto_node::{
    consensus::{Timing, VoteKey, Votes},
    edge::{daemon::ValidatorSetup, operator},
    seal::OperatorKey,
};
use std::{
    fs, io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

/// Most bytes of a file here, but for the log.
const MOST: u64 = 4_096;

pub(super) fn run(context: &Context, command: args::NodeValidator) -> Outcome {
    let files = Files::of(&Home::of(&context.config));
    match command {
        args::NodeValidator::Init(a) => files.init(context, &a),
        args::NodeValidator::Show(_) => files.show(context),
        args::NodeValidator::Renew(_) => files.renew(context),
        args::NodeValidator::Move(a) => files.move_here(context, a.yes),
        args::NodeValidator::Resume(a) => files.resume(context, a.yes),
    }
}

/// The files of a validator.
pub(crate) struct Files {
    home: Home,
    node: PathBuf,
}

impl Files {
    pub(crate) fn of(home: &Home) -> Self {
        Self { home: home.clone(), node: home.node() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.node.join(name)
    }

    fn init(&self, context: &Context, a: &args::ValidatorInit) -> Outcome {
        let name: ValidatorName = a.name.parse().or_refuse(format!("invalid name `{}`", a.name))?;
        let entry = self.create(name, a.power)?;
        self.print(context, &entry)?;
        context.ui.info(&format!(
            "The key is in {}. Keep a copy of it offline, and never use it on two machines at once.",
            self.at("vote_key").display()
        ));
        Ok(())
    }

    /// Creates the key. The other files come first, so that they are there whenever the key is.
    pub(crate) fn create(&self, name: ValidatorName, power: NonZeroU32) -> Outcome<Entry> {
        if self.at("vote_key").exists() {
            return Err(Failure::refused(format!("{} exists already", self.at("vote_key").display()))
                .help("`sotto node validator show` prints what a list of validators says of it"));
        }
        secret::make_folder(&self.node)?;
        let link = super::identity::identity(&self.at("identity"))?.peer_key();
        let key = OperatorKey::generate(&mut OsRng);
        let entry = Entry::of(&key.validator(LinkKey::from_bytes(*link.as_bytes()), power, name, &mut OsRng));
        let text = toml::to_string(&Entries { validator: vec![entry.clone()] });
        replace(&self.at("validator.toml"), text.or_refuse("cannot write the validator")?.as_bytes())?;
        replace(&self.at("votes.new"), self.installation()?.to_string().as_bytes())?;
        operator::write(&self.at("vote_key"), &key).or_refuse("cannot write the vote key")?;
        Ok(entry)
    }

    /// Makes the key that is to take the place of the first: both stay until the chain has changed.
    fn renew(&self, context: &Context) -> Outcome {
        let old = self.entry()?.validator()?;
        if self.at("vote_key.new").exists() {
            let text = read(&self.at("validator.new.toml"))?.unwrap_or_default();
            let entries: Entries = toml::from_str(&text).or_refuse("cannot read validator.new.toml")?;
            return entries.validator.iter().try_for_each(|entry| self.print(context, entry));
        }
        let key = OperatorKey::generate(&mut OsRng);
        let entry = Entry::of(&key.validator(old.link_key, old.power, old.name, &mut OsRng));
        let text = toml::to_string(&Entries { validator: vec![entry.clone()] });
        replace(&self.at("validator.new.toml"), text.or_refuse("cannot write the validator")?.as_bytes())?;
        operator::write(&self.at("vote_key.new"), &key).or_refuse("cannot write the vote key")?;
        self.print(context, &entry)?;
        context.ui.info(&format!(
            "The new key is in {}. Start the node again, so that it votes with the key as soon as the change is in effect.",
            self.at("vote_key.new").display()
        ));
        Ok(())
    }

    /// Once the chain has changed for good, the new key takes the place of the old one, which is kept.
    fn settle_renewal(&self, chain: &Chain) -> Outcome {
        self.entry()?;
        let (old, new) = vote_keys(&self.home)?;
        let terms = chain.terms();
        let seals = |key: &OperatorKey| {
            terms.sealing.validators().is_some_and(|set| set.index_of(&key.public()).is_some())
        };
        if new.as_ref().is_some_and(seals) && !seals(&old) {
            let free = (1..).map(|n| self.at(&format!("vote_key.{n}"))).find(|path| !path.exists());
            let moves = free.into_iter().map(|kept| (self.at("vote_key"), kept)).chain([
                (self.at("vote_key.new"), self.at("vote_key")),
                (self.at("validator.new.toml"), self.at("validator.toml")),
            ]);
            for (from, to) in moves {
                fs::rename(&from, &to).or_refuse(format!("cannot rename {}", from.display()))?;
            }
        }
        Ok(())
    }

    fn entry(&self) -> Outcome<Entry> {
        let path = self.at("validator.toml");
        let none = || {
            Failure::refused(format!("no validator in {}", self.home.dir.display()))
                .help("`sotto node validator init --name NAME` creates its key")
        };
        let text = read(&path)?.ok_or_else(none)?;
        let entries: Entries = toml::from_str(&text).or_refuse(format!("cannot read {}", path.display()))?;
        entries.validator.into_iter().next().ok_or_else(none)
    }

    fn show(&self, context: &Context) -> Outcome {
        let entry = self.entry()?;
        self.print(context, &entry)?;
        let Some(votes) = self.votes()? else { return Ok(()) };
        let last = votes.last();
        let here =
            if votes.installation() == self.installation()? { "" } else { " (not at this installation)" };
        context.ui.info(&format!("Last signed at height {}, round {}{here}.", last.height, last.round));
        Ok(())
    }

    fn print(&self, context: &Context, entry: &Entry) -> Outcome {
        let table = toml::to_string(&Entries { validator: vec![entry.clone()] });
        let fields = json!({
            "name": entry.name, "power": entry.power, "vote_key": entry.vote_key,
            "possession": entry.possession, "link_key": entry.link_key,
        });
        context.output.record(
            "node-validator",
            fields,
            table.or_refuse("cannot write the validator")?.trim_end(),
        )
    }

    fn move_here(&self, context: &Context, yes: bool) -> Outcome {
        self.entry()?;
        let ours = self.installation()?;
        context.ui.confirm(
            "This machine votes with the key from now on. If another one still does, both sign two things at one height, and everybody can prove it.",
            yes,
        )?;
        match self.votes()? {
            Some(votes) => replace(&self.at("votes"), &votes.moved_to(ours).to_file())?,
            // The key has not been used yet.
            None if self.at("votes.new").exists() => {
                replace(&self.at("votes.new"), ours.to_string().as_bytes())?
            }
            None => {
                return Err(Failure::refused(format!("{} is missing", self.at("votes").display()))
                    .why("without it the key might sign a second time what it signed before")
                    .help("copy the file from the machine that used the key last"));
            }
        }
        context.output.record(
            "node-validator-move",
            json!({ "installation": ours.to_string() }),
            "this machine votes now",
        )
    }

    fn resume(&self, context: &Context, yes: bool) -> Outcome {
        self.entry()?;
        context.ui.confirm(
            "This validator votes again, although it may have promised something that it has forgotten. Do this only if the height cannot end otherwise.",
            yes,
        )?;
        replace(&self.at("votes.resume"), b"")?;
        let human = "it votes again once the node is started";
        context.output.record("node-validator-resume", json!({ "resume": true }), human)
    }

    fn votes(&self) -> Outcome<Option<Votes>> {
        let path = self.at("votes");
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Failure::refused(format!("cannot read {}", path.display())).why(e)),
        };
        let chain = *self.home.ledger_to_read()?.chain().id();
        votes_of(&chain, &path, &bytes).map(Some)
    }

    /// What makes a node of this chain a validator. The first run makes `votes`; later ones need it.
    pub(crate) fn setup(&self, chain: &Chain, timing: Timing) -> Outcome<ValidatorSetup> {
        if chain.terms().sealing.validators().is_none() {
            return Err(Failure::refused("this chain has no validators")
                .help("its operator seals: `sotto node run --seal`"));
        }
        self.settle_renewal(chain)?;
        let (vote_key, renewal) = vote_keys(&self.home)?;
        let installation = self.installation()?;
        if let Some(made_at) = read(&self.at("votes.new"))? {
            let path = self.at("votes");
            if !path.exists() {
                let made_at = unhash(made_at.trim());
                let made_at = made_at.ok_or_else(|| {
                    Failure::refused(format!("{} is damaged", self.at("votes.new").display()))
                })?;
                replace(&path, &Votes::new(*chain.id(), made_at).to_file())?;
            }
            remove(&self.at("votes.new"))?;
        }
        let resume = self.at("votes.resume").exists();
        if resume {
            remove(&self.at("votes.resume"))?;
        }
        let vote_key = VoteKey::Here(vote_key.vote_key());
        Ok(ValidatorSetup { vote_key, renewal, installation, timing, resume })
    }

    /// The id of this installation and folder: a copy of the folder elsewhere, on this machine too, has
    /// another.
    fn installation(&self) -> Outcome<Hash> {
        secret::make_folder(&self.node)?;
        let path = fs::canonicalize(&self.node).or_refuse(format!("cannot use {}", self.node.display()))?;
        Ok(tagged(
            "sotto/validator-installation/v1",
            &[self.machine()?.as_bytes(), path.as_os_str().as_bytes()],
        ))
    }

    /// The id of this machine and user, which is made on first use.
    fn machine(&self) -> Outcome<Hash> {
        let path = self.home.state.join("validator.id");
        secret::make_folder(&self.home.state)?;
        if let Some(id) = read(&path)? {
            return unhash(id.trim()).ok_or_else(|| {
                Failure::refused(format!("{} is damaged", path.display())).help(
                    "remove it, then run `sotto node validator move` for each validator of this machine",
                )
            });
        }
        let mut bytes = [0; 32];
        OsRng.fill_bytes(&mut bytes);
        let id = Hash::from_bytes(bytes);
        let file = NewFile { path: &path, readers: Readers::Owner, existing: Existing::Never };
        file.write_all(id.to_string().as_bytes())?;
        Ok(id)
    }
}

fn votes_of(chain: &ChainId, path: &Path, bytes: &[u8]) -> Outcome<Votes> {
    Votes::from_file(chain, bytes).or_refuse(format!("cannot use {}", path.display()))
}

/// A short text; `None` if there is no file.
fn read(path: &Path) -> Outcome<Option<String>> {
    let length = match fs::metadata(path) {
        Ok(file) => file.len(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Failure::refused(format!("cannot read {}", path.display())).why(e)),
    };
    if length > MOST {
        return Err(Failure::refused(format!("{} is too long", path.display())));
    }
    fs::read_to_string(path).map(Some).or_refuse(format!("cannot read {}", path.display()))
}

/// Writes a file of this command, durably, in place of one before.
fn replace(path: &Path, bytes: &[u8]) -> Outcome {
    NewFile { path, readers: Readers::Owner, existing: Existing::Own(|_| true) }.write_all(bytes)
}

fn remove(path: &Path) -> Outcome {
    fs::remove_file(path).or_refuse(format!("cannot remove {}", path.display()))
}

fn unhash(text: &str) -> Option<Hash> {
    hex_bytes(text)?.try_into().ok().map(Hash::from_bytes)
}
