//! The folder of letters: what is new in it, and what other members sent.

use crate::{
    exit::{ErrorCode, Failure, Outcome},
    new_file::{Existing, NewFile, Readers},
};
use serde_json::{Value, json};
use sotto_keys::{
    Draft, Hash, Heading, Index, Letter,
    armor::{self, Kind, MAX_TEXT},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

/// Most letters that are held, from the folder and from channels.
const MOST_HELD: usize = 1 << 12;
/// Most letters of one member that are taken from channels in one run: 64 MiB, or some fifty sessions.
const MOST_TAKEN: usize = 256;
/// Most files of the folder that are read.
const MOST_FILES: usize = 1 << 13;

/// Letters of one group in a folder.
pub(super) struct Folder {
    path: PathBuf,
    draft: Draft,
    known: BTreeMap<Hash, Arc<[u8]>>,
    /// How long each file was, and when it was changed, when it was read.
    read: BTreeMap<PathBuf, (u64, Option<SystemTime>)>,
    taken: BTreeMap<Index, usize>,
}

/// A letter that a member sent.
pub(super) struct Taken {
    /// Whether it was not here before.
    pub(super) is_new: bool,
    file: PathBuf,
    letter: Letter,
}

impl Taken {
    pub(super) fn fields(&self) -> Value {
        let heading = self.letter.heading();
        json!({ "file": self.file.display().to_string(), "session": heading.session.to_string(),
            "step": heading.step.name(), "from": heading.from.get(), "letter": self.letter.name().to_string() })
    }

    pub(super) fn text(&self) -> String {
        let heading = self.letter.heading();
        format!("letter `{}` of member {}: {}", heading.step, heading.from, self.file.display())
    }
}

impl Folder {
    /// The folder, which must be there.
    pub(super) fn open(path: &Path, draft: Draft) -> Outcome<Self> {
        let mut this = Self {
            path: path.to_owned(),
            draft,
            known: BTreeMap::new(),
            read: BTreeMap::new(),
            taken: BTreeMap::new(),
        };
        this.look().map(|()| this)
    }

    /// Reads files that are new or were changed. One that cannot be read yet may be half written: it is read again
    /// when it has changed.
    pub(super) fn look(&mut self) -> Outcome {
        let unreadable = |e: std::io::Error| {
            Failure::coded(ErrorCode::CannotRead, format!("cannot read the folder {}", self.path.display()))
                .cause(&e)
        };
        let entries = fs::read_dir(&self.path).map_err(unreadable)?;
        let mut changed = Vec::new();
        for entry in entries.take(MOST_FILES) {
            let Ok(entry) = entry else { continue };
            let (path, Ok(about)) = (entry.path(), entry.metadata()) else { continue };
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            let now = (about.len(), about.modified().ok());
            if !hidden && about.is_file() && self.read.get(&path) != Some(&now) {
                changed.push((path, now));
            }
        }
        for (path, now) in changed {
            for bytes in letters(&path) {
                let letter = Letter::from_bytes(&bytes).ok().filter(|letter| letter.is_signed(&self.draft));
                if let Some(letter) = letter.filter(|_| self.known.len() < MOST_HELD) {
                    self.known.insert(letter.name(), bytes.into());
                }
            }
            self.read.insert(path, now);
        }
        Ok(())
    }

    /// Letters that are here, and not in this set.
    pub(super) fn letters_besides(&self, sent: &BTreeSet<Hash>) -> Vec<(Hash, Arc<[u8]>)> {
        let fresh = self.known.iter().filter(|(name, _)| !sent.contains(name));
        fresh.map(|(name, letter)| (*name, Arc::clone(letter))).collect()
    }

    /// Takes a letter that a member sent, durably; `None` for what is no letter of this group, or one too many.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Outcome<Option<Taken>> {
        let Ok(letter) = Letter::from_bytes(bytes) else { return Ok(None) };
        let (name, heading) = (letter.name(), *letter.heading());
        let file = self.path.join(file_name(&heading, &name));
        if self.known.contains_key(&name) {
            return Ok(Some(Taken { is_new: false, file, letter }));
        }
        let of_member = self.taken.get(&heading.from).copied().unwrap_or_default();
        let has_room = of_member < MOST_TAKEN && self.known.len() < MOST_HELD;
        if !has_room || !letter.is_signed(&self.draft) {
            return Ok(None);
        }
        let new = NewFile { path: &file, readers: Readers::Owner, existing: Existing::Same };
        new.write_all(armor::to_text(Kind::Letter, bytes).as_bytes())?;
        self.known.insert(name, bytes.into());
        self.taken.insert(heading.from, of_member + 1);
        Ok(Some(Taken { is_new: true, file, letter }))
    }
}

/// The letters in a file; none if it cannot be read.
fn letters(path: &Path) -> Vec<Vec<u8>> {
    let mut text = String::new();
    let file = fs::File::open(path).and_then(|file| file.take(MAX_TEXT as u64 + 1).read_to_string(&mut text));
    let all = file.ok().and_then(|_| armor::from_text(&text).ok()).unwrap_or_default();
    all.into_iter().filter(|(kind, _)| *kind == Kind::Letter).map(|(_, bytes)| bytes).collect()
}

/// SESSION.STEP.FROM.NAME: what belongs together is together, and no two letters have one name.
fn file_name(heading: &Heading, name: &Hash) -> String {
    let first = |hash: &Hash, digits: usize| hash.to_string().chars().take(digits).collect::<String>();
    format!("{}.{}.{}.{}", first(&heading.session, 8), heading.step, heading.from, first(name, 16))
}
