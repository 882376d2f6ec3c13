//! Where the crates meet: the files in the user's folder, and the chain as a wallet sees it.
//!
//! ```text
//! DIR/chain/            the ledger (crate `node`)
//! DIR/operator.key      the key of the solo operator, mode 0600
//! DIR/node/             the node's network key, settings and address book
//! DIR/wallets/NAME      encrypted wallet files
//! STATE/                this installation's key, which protects the nonces of open payments; in no backup
//! ```

mod chain_source;
mod failure;

pub(crate) use chain_source::{ChainAt, View, scan_failure};
pub(crate) use failure::{chain_failure, node_failure};

use crate::{
    args::NodeArgs,
    config::Config,
    exit::{ErrorCode, Failure, OrRefuse as _, Outcome},
    lock_wait::LockWait,
    secret::{self, PassphraseArgs},
};
use sotto_mw::chain::{Chain, ChainId};
use sotto_node::{
    edge::{
        client::{Client, ClientError},
        light::LightClient,
        rpc::{TOKEN_FILE, Token},
    },
    ledger::{Ledger, LedgerError},
    storage::StoreError,
};
use sotto_wallet::{
    Installation, Wallet,
    edge::{
        file::{KdfCost, WalletFile},
        installation,
    },
    keys::Words,
    store::StoreError as WalletError,
};
use std::{
    fs,
    io::{IsTerminal as _, Read, Write as _},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};
use zeroize::Zeroizing;

/// The paths of everything that a command can need.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    pub(crate) dir: PathBuf,
    pub(crate) state: PathBuf,
    /// How long to wait for locks in these folders.
    pub(crate) lock_wait: LockWait,
    /// Whether chain and wallet are only shown, so that the folders need not be writable.
    pub(crate) to_read: bool,
}

impl Home {
    pub(crate) fn of(config: &Config) -> Self {
        let (dir, state) = (config.dir.value.clone(), config.state.value.clone());
        Self { dir, state, lock_wait: config.lock_wait, to_read: false }
    }

    pub(crate) fn chain(&self) -> PathBuf {
        self.dir.join("chain")
    }

    pub(crate) fn operator(&self) -> PathBuf {
        self.dir.join("operator.key")
    }

    pub(crate) fn node(&self) -> PathBuf {
        self.dir.join("node")
    }

    fn wallet(&self, name: &str) -> Outcome<PathBuf> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
            return Err(Failure::refused(format!("invalid wallet name `{name}`"))
                .help("use up to 64 letters, digits, `-` and `_`"));
        }
        Ok(self.dir.join("wallets").join(name))
    }

    /// Opens the ledger to read. In a folder that cannot be written or has no room, nothing is written: what
    /// opening changes of the index is then kept in memory.
    pub(crate) fn ledger_to_read(&self) -> Outcome<Ledger> {
        self.ledger_by(|dir| match Ledger::open(dir) {
            Err(LedgerError::Store(e)) if e.is_unwritable() => Ledger::open_read_only(dir),
            opened => opened,
        })
    }

    /// Opens the ledger.
    pub(crate) fn ledger(&self) -> Outcome<Ledger> {
        self.ledger_by(Ledger::open)
    }

    fn ledger_by(&self, open: impl Fn(&Path) -> Result<Ledger, LedgerError>) -> Outcome<Ledger> {
        let dir = self.chain();
        if !dir.exists() {
            return Err(Failure::coded(ErrorCode::NoChain, format!("no chain in {}", self.dir.display()))
                .help("run `sotto chain init` to create one, or pass the right folder with --dir"));
        }
        let locked = |e: &LedgerError| matches!(e, LedgerError::Store(StoreError::Locked { .. }));
        self.lock_wait.run("the chain", locked, || open(&dir)).map_err(|e| {
            let locked = locked(&e);
            let failure = Failure::refused("cannot open the chain").cause(&e);
            if locked {
                failure.help("if a node runs in that folder, pass --node and the folder to ask it")
            } else {
                failure
            }
        })
    }

    /// The chain: through the node given with --node or the one that runs in this folder, which holds its
    /// ledger; else from the ledger in this folder.
    pub(crate) fn chain_at(&self, node: &NodeArgs) -> Outcome<ChainAt> {
        self.chain_by(node, if self.to_read { Self::ledger_to_read } else { Self::ledger })
    }

    /// The same to read, as [`Home::ledger_to_read`] opens it.
    pub(crate) fn chain_to_read(&self, node: &NodeArgs) -> Outcome<ChainAt> {
        self.chain_by(node, Self::ledger_to_read)
    }

    fn chain_by(&self, node: &NodeArgs, open: impl Fn(&Self) -> Outcome<Ledger>) -> Outcome<ChainAt> {
        match self.light(node) {
            Err(_) if node.node.is_none() => open(self).map(|ledger| ChainAt::Disk(Box::new(ledger))),
            light => light.map(|light| ChainAt::Node(Box::new(light))),
        }
    }

    /// A verifying client of the node given with --node, or else of the one that runs in this folder.
    pub(crate) fn light(&self, node: &NodeArgs) -> Outcome<LightClient> {
        let light = LightClient::new(self.client(node)?);
        light.map_err(|e| chain_failure("cannot read the chain through the node", &e))
    }

    /// A client of the node given with --node, or else of the one that runs in this folder.
    pub(crate) fn client(&self, node: &NodeArgs) -> Outcome<Client> {
        let client = match (self.node_folder(node), node.node.as_deref()) {
            (None, Some(url)) => {
                let file = node.token_file.clone().unwrap_or_else(|| self.node().join(TOKEN_FILE));
                Token::read(&file).map_err(ClientError::from).and_then(|token| Client::of_url(url, token))
            }
            (folder, _) => Client::of_folder(&folder.unwrap_or_else(|| self.node())),
        };
        client.map_err(|e| node_failure("cannot ask the node", &e))
    }

    /// The folder of that node, unless it is given by its URL.
    fn node_folder(&self, node: &NodeArgs) -> Option<PathBuf> {
        match node.node.as_deref() {
            Some(url) if url.contains("://") => None,
            Some(dir) => Some(Self { dir: dir.into(), ..self.clone() }.node()),
            None => Some(self.node()),
        }
    }

    /// Waits until the node that was told to stop has ended; says whether it has. Of one that is given by its URL
    /// that is not known.
    pub(crate) fn wait_for_end(&self, node: &NodeArgs) -> bool {
        let Some(token) = self.node_folder(node).map(|folder| folder.join(TOKEN_FILE)) else { return false };
        // A node removes this file last.
        let ended = || if token.exists() { Err(()) } else { Ok(()) };
        self.lock_wait.run("the chain", |()| true, ended).is_ok()
    }

    /// This installation; created on first use.
    fn installation(&self) -> Outcome<Installation> {
        installation::open(&self.state).or_refuse("cannot use the state folder of this installation")
    }

    /// Whether a wallet of this name exists.
    pub(crate) fn has_wallet(&self, name: &str) -> Outcome<bool> {
        Ok(self.wallet(name)?.exists())
    }

    /// The passphrase of a wallet: from file or descriptor, or asked for, again if it is wrong.
    ///
    /// A wallet that does not exist is refused before anybody is asked. Nothing is locked meanwhile.
    pub(crate) fn passphrase(&self, name: &str, from: &PassphraseArgs) -> Outcome<Zeroizing<String>> {
        let path = self.wallet(name)?;
        if !path.exists() {
            return Err(self.no_wallet(name));
        }
        from.existing(&format!("wallet `{name}`"), |passphrase| {
            !matches!(WalletFile::read_backup(&path, passphrase.as_bytes()), Err(WalletError::Passphrase))
        })
    }

    /// Opens a wallet.
    pub(crate) fn open_wallet(&self, name: &str, passphrase: &str) -> Outcome<Wallet<WalletFile>> {
        let file = self.open_wallet_file(name, passphrase)?;
        let opened = Wallet::open(file, self.installation()?);
        let help = match opened {
            Err(sotto_wallet::WalletError::ViewOnly) => Some(format!(
                "a view key shows what was received: sotto wallet view-key show --wallet {name}"
            )),
            Err(sotto_wallet::WalletError::OfGroup) => {
                Some("`sotto help wallet group` says how its members receive and pay".to_owned())
            }
            _ => None,
        };
        let opened = opened.or_refuse(format!("cannot open wallet `{name}`"));
        opened.map_err(|f| if let Some(help) = help { f.help(help) } else { f })
    }

    /// Opens the file of a wallet of any kind.
    pub(crate) fn open_wallet_file(&self, name: &str, passphrase: &str) -> Outcome<WalletFile> {
        let path = self.wallet(name)?;
        if !path.exists() {
            return Err(self.no_wallet(name));
        }
        let locked = |e: &WalletError| matches!(e, WalletError::InUse { .. });
        let open = if self.to_read { WalletFile::open_to_read } else { WalletFile::open };
        let open = || open(&path, passphrase.as_bytes());
        let opened = self.lock_wait.run(&format!("wallet `{name}`"), locked, open);
        opened.or_refuse(format!("cannot open wallet `{name}`"))
    }

    /// Creates a wallet for `chain` from its words.
    pub(crate) fn create_wallet(
        &self,
        new: NewWallet<'_>,
        words: Words,
        chain: Chain,
    ) -> Outcome<Wallet<WalletFile>> {
        let file = self.create_wallet_file(new)?;
        let what = format!("cannot create wallet `{}`", new.name);
        Wallet::create(file, chain, words, self.installation()?).or_refuse(what)
    }

    /// Creates the file of a new wallet.
    pub(crate) fn create_wallet_file(&self, new: NewWallet<'_>) -> Outcome<WalletFile> {
        let NewWallet { name, passphrase } = new;
        let path = self.free_wallet(name)?;
        secret::make_folder(&self.dir.join("wallets"))?;
        let locked = |e: &WalletError| matches!(e, WalletError::InUse { .. });
        let create = || WalletFile::create(&path, passphrase.as_bytes(), KdfCost::STANDARD);
        let created = self.lock_wait.run(&format!("wallet `{name}`"), locked, create);
        created.or_refuse(format!("cannot create wallet `{name}`"))
    }

    /// The failure for a wallet that does not exist; its help names the wallets that do.
    fn no_wallet(&self, name: &str) -> Failure {
        let create = format!("`sotto wallet init --wallet {name}` creates it");
        let help = match &self.wallet_names()[..] {
            [] => format!("{create}; or pass the right folder with --dir"),
            names => format!("pass --wallet with one of: {}; or {create}", names.join(", ")),
        };
        Failure::coded(ErrorCode::NoWallet, format!("no wallet `{name}` in {}", self.dir.display()))
            .help(help)
    }

    /// The names of the wallets in the folder.
    pub(crate) fn wallet_names(&self) -> Vec<String> {
        let files = fs::read_dir(self.dir.join("wallets")).into_iter().flatten().flatten();
        let names = files.filter_map(|file| file.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| self.wallet(name).is_ok()).collect();
        names.sort_unstable();
        names
    }

    /// The path of a wallet that does not exist yet.
    pub(crate) fn free_wallet(&self, name: &str) -> Outcome<PathBuf> {
        let path = self.wallet(name)?;
        if path.exists() {
            return Err(Failure::coded(ErrorCode::WalletExists, format!("wallet `{name}` exists already"))
                .help("pass another name with --wallet; a wallet is never overwritten"));
        }
        Ok(path)
    }
}

/// The name and the passphrase of a new wallet.
#[derive(Clone, Copy)]
pub(crate) struct NewWallet<'a> {
    pub(crate) name: &'a str,
    pub(crate) passphrase: &'a str,
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

/// Reads a text of at most `most` bytes from a file, or from standard input for `-`.
///
/// Commands read their input to the end before they open a wallet, so that they can be joined by pipes.
pub(crate) fn read_text(path: &Path, most: u64) -> Outcome<String> {
    let name = if path == Path::new("-") { "standard input".into() } else { path.display().to_string() };
    let mut text = String::new();
    if path == Path::new("-") && std::io::stdin().is_terminal() {
        // A closed standard error is not an error.
        let _ = writeln!(anstream::stderr(), "Paste the text, then press return and Ctrl-D.");
    }
    let read = match path.to_str() {
        Some("-") => std::io::stdin().take(most + 1).read_to_string(&mut text),
        _ => fs::File::open(path).and_then(|f| f.take(most + 1).read_to_string(&mut text)),
    };
    read.map_err(|e| {
        let unreadable = Failure::coded(ErrorCode::CannotRead, format!("cannot read {name}")).why(e);
        unreadable.help("check the path, its permissions, and that it is a text")
    })?;
    if text.len() as u64 > most {
        return Err(Failure::refused(format!(
            "{name} is longer than {most} bytes, the limit for this input"
        )));
    }
    Ok(text)
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The bytes that an even number of hexadecimal digits stand for.
pub(crate) fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let digits = digits.filter(|d| d.len().is_multiple_of(2))?;
    Some(digits.chunks(2).map(|b| b.iter().fold(0, |n, d| 16 * n + *d as u8)).collect())
}

/// A chain's id, as `chain info` prints it.
pub(crate) fn chain_id(text: &str) -> Outcome<ChainId> {
    let exact = hex_bytes(text.trim()).and_then(|b| b.try_into().ok());
    exact.map(ChainId::from_bytes).ok_or_else(|| {
        Failure::refused(format!("invalid chain id `{text}`"))
            .help("a chain id has 64 hexadecimal digits: see `sotto chain info`")
    })
}
