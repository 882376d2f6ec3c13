//! Settings, each with its origin: a flag overrides the environment, that overrides the user's file, and that
//! the default.
//!
//! The user's file is `$XDG_CONFIG_HOME/sotto/config.toml` (or `~/.config/sotto/config.toml`), with the keys
//! `dir`, `color` and `move`, and the section `listen`. `$SOTTO_STATE_DIR` (or `$XDG_STATE_HOME/sotto`, or `~/.local/state/sotto`) holds the
//! key of this installation, apart from wallets and their backups, so that a copied wallet file cannot finish
//! a payment of the original.

use crate::{
    args::{Accept, Color, Global},
    exit::{Failure, Outcome},
    lock_wait::LockWait,
};
use clap::ValueEnum;
use core::time::Duration;
use serde::Deserialize;
use std::{env, fs, io, path::PathBuf};

/// The user's file.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct UserFile {
    dir: Option<PathBuf>,
    color: Option<String>,
    #[serde(rename = "move")]
    relocation: Option<Relocation>,
    #[serde(default)]
    listen: ListenSettings,
}

/// What happens to outputs that somebody paid to this wallet's address while it was away.
#[derive(Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Relocation {
    /// A scan says that they can be moved.
    #[default]
    Ask,
    Never,
    /// A scan moves them, each at a random time, one at a time.
    Auto,
}

/// The consent rules of `sotto wallet listen`; its flags override them.
#[derive(Deserialize, Clone, Debug, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListenSettings {
    pub(crate) accept: Option<Accept>,
    pub(crate) most: Option<String>,
    pub(crate) least: Option<String>,
    pub(crate) per_hour: Option<u32>,
}

/// A setting, and where it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Setting<T> {
    pub(crate) value: T,
    pub(crate) origin: &'static str,
}

/// The settings in force.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) dir: Setting<PathBuf>,
    pub(crate) state: Setting<PathBuf>,
    pub(crate) color: Setting<Color>,
    pub(crate) relocation: Setting<Relocation>,
    /// How long a command waits for a lock.
    pub(crate) lock_wait: LockWait,
    pub(crate) listen: ListenSettings,
}

impl Config {
    /// Reads file, environment and flags.
    pub(crate) fn load(global: &Global) -> Outcome<Self> {
        let path = xdg("XDG_CONFIG_HOME", ".config").join("sotto/config.toml");
        let user = match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|e| bad_file(&path, &e.to_string()))?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => UserFile::default(),
            Err(e) => return Err(bad_file(&path, &e.to_string())),
        };
        let from_file = user.color.map(|c| Color::from_str(&c, true).map_err(|e| bad_file(&path, &e)));
        let color = match (global.color, from_file) {
            (Some(value), _) => Setting { value, origin: "flag" },
            (None, Some(value)) => Setting { value: value?, origin: "user file" },
            (None, None) => Setting { value: Color::Auto, origin: "default" },
        };
        let relocation = match user.relocation {
            Some(value) => Setting { value, origin: "user file" },
            None => Setting { value: Relocation::default(), origin: "default" },
        };
        let by_environment = env::var_os("SOTTO_DIR").map(PathBuf::from);
        let dir = match (&global.dir, user.dir) {
            (Some(d), _) if by_environment.as_ref() == Some(d) => {
                Setting { value: d.clone(), origin: "environment" }
            }
            (Some(d), _) => Setting { value: d.clone(), origin: "flag" },
            (None, Some(value)) => Setting { value, origin: "user file" },
            (None, None) => {
                Setting { value: xdg("XDG_DATA_HOME", ".local/share").join("sotto"), origin: "default" }
            }
        };
        let state = match env::var_os("SOTTO_STATE_DIR") {
            Some(d) => Setting { value: d.into(), origin: "environment" },
            None => Setting { value: xdg("XDG_STATE_HOME", ".local/state").join("sotto"), origin: "default" },
        };
        let lock_wait = LockWait::new(Duration::from_secs(global.wait), global.quiet);
        Ok(Self { dir, state, color, relocation, lock_wait, listen: user.listen })
    }
}

fn bad_file(path: &std::path::Path, why: &str) -> Failure {
    Failure::refused(format!("invalid settings in {}", path.display()))
        .why(why.trim_end())
        .help("the keys are `dir` (a path), `color` (auto, always or never), `move` (ask, never or auto) and the section `listen`")
}

fn xdg(variable: &str, under_home: &str) -> PathBuf {
    match env::var_os(variable) {
        Some(d) if !d.is_empty() => d.into(),
        _ => PathBuf::from(env::var_os("HOME").unwrap_or_else(|| "/".into())).join(under_home),
    }
}
