//! Where the parts meet: files in the user's folder, and the ledger as a wallet sees it.
//!
//! ```text
//! DIR/chain/            the ledger (crate `node`)
//! DIR/operator.key      the solo operator's key, mode 0600
//! DIR/node/             what a node keeps beside the ledger: its key on the network, its settings, its address book
//! DIR/wallets/NAME      encrypted wallet files
//! STATE/                the installation: seals the nonces of open payments, and signs once for each; in no backup
//! ```

mod seen;

pub(crate) use seen::{ChainAt, View, unsearched};

use crate::{
    args::NodeArgs,
    config::Config,
    exit::{Code, Failure, OrRefuse as _, Outcome},
    secret,
};
use sotto_mw::{block::ChainId, rules::params::Chain};
use sotto_node::{
    edge::{
        client::{Client, ClientError},
        light::{Light, LightError},
        rpc::{TOKEN_FILE, Token, TokenError},
        store::StoreError,
    },
    ledger::{Ledger, LedgerError},
};
use sotto_wallet::{
    edge::{
        file::{Cost, WalletFile},
        installation,
    },
    keys::Words,
    slate::seal::Installation,
    wallet::Wallet,
};
use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// The paths of everything a command may need.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    pub(crate) dir: PathBuf,
    pub(crate) state: PathBuf,
}

impl Home {
    pub(crate) fn of(config: &Config) -> Self {
        Self { dir: config.dir.value.clone(), state: config.state.value.clone() }
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
            return Err(Failure::refused(format!("`{name}` cannot name a wallet"))
                .help("Use letters, digits, `-` and `_`."));
        }
        Ok(self.dir.join("wallets").join(name))
    }

    /// Opens the ledger.
    pub(crate) fn ledger(&self) -> Outcome<Ledger> {
        let dir = self.chain();
        if !dir.exists() {
            return Err(Failure::refused(format!("there is no chain in {}", self.dir.display()))
                .help("Run `sotto chain init`, or give the right folder with --dir."));
        }
        Ledger::open(&dir).map_err(|e| {
            let locked = matches!(e, LedgerError::Store(StoreError::Locked { .. }));
            let failure = Failure::refused("the chain cannot be opened").why(e);
            if locked {
                failure.help("If a node runs there, ask it: give --node and that folder.")
            } else {
                failure
            }
        })
    }

    /// The chain as a wallet sees it: through the node that was named, or else in this folder.
    pub(crate) fn chain_at(&self, node: &NodeArgs) -> Outcome<ChainAt> {
        if node.node.is_none() {
            return self.ledger().map(|ledger| ChainAt::Disk(Box::new(ledger)));
        }
        let light = Light::new(self.client(node)?);
        light.map(|light| ChainAt::Node(Box::new(light))).map_err(|e| unseen("the chain cannot be seen", &e))
    }

    /// Asks the node that was named, or else the one that runs in this folder.
    pub(crate) fn client(&self, node: &NodeArgs) -> Outcome<Client> {
        let client = match node.node.as_deref() {
            Some(url) if url.contains("://") => {
                let file = node.token_file.clone().unwrap_or_else(|| self.node().join(TOKEN_FILE));
                Token::read(&file).map_err(ClientError::from).and_then(|token| Client::of_url(url, token))
            }
            Some(dir) => Client::of_folder(&Self { dir: dir.into(), ..self.clone() }.node()),
            None => Client::of_folder(&self.node()),
        };
        client.map_err(|e| unasked("the node cannot be asked", &e))
    }

    /// This installation; made on first use.
    fn installation(&self) -> Outcome<Installation> {
        installation::open(&self.state).or_refuse("this installation of sotto cannot be used")
    }

    /// Whether there is a wallet of this name.
    pub(crate) fn has_wallet(&self, name: &str) -> Outcome<bool> {
        Ok(self.wallet(name)?.exists())
    }

    /// Opens a wallet.
    pub(crate) fn open_wallet(&self, name: &str, passphrase: &str) -> Outcome<Wallet<WalletFile>> {
        let file = self.open_wallet_file(name, passphrase)?;
        Wallet::open(file, self.installation()?).or_refuse(format!("wallet `{name}` cannot be opened"))
    }

    /// Opens the file of a wallet of any kind.
    pub(crate) fn open_wallet_file(&self, name: &str, passphrase: &str) -> Outcome<WalletFile> {
        let path = self.wallet(name)?;
        if !path.exists() {
            return Err(Failure::refused(format!("there is no wallet `{name}` in {}", self.dir.display()))
                .help(format!(
                    "Run `sotto wallet init --wallet {name}`, or give the right --wallet or --dir."
                )));
        }
        WalletFile::open(&path, passphrase.as_bytes()).or_refuse(format!("wallet `{name}` cannot be opened"))
    }

    /// Creates a wallet for `chain` from its words.
    pub(crate) fn create_wallet(
        &self,
        named: (&str, &str),
        words: Words,
        chain: Chain,
        cost: Cost,
    ) -> Outcome<Wallet<WalletFile>> {
        let file = self.create_wallet_file(named, cost)?;
        let what = format!("wallet `{}` cannot be created", named.0);
        Wallet::create(file, chain, words, self.installation()?).or_refuse(what)
    }

    /// Prepares the file of a new wallet.
    pub(crate) fn create_wallet_file(
        &self,
        (name, passphrase): (&str, &str),
        cost: Cost,
    ) -> Outcome<WalletFile> {
        let path = self.free_wallet(name)?;
        secret::make_folder(&self.dir.join("wallets"))?;
        WalletFile::create(&path, passphrase.as_bytes(), cost)
            .or_refuse(format!("wallet `{name}` cannot be created"))
    }

    /// The path of a wallet that does not exist yet.
    pub(crate) fn free_wallet(&self, name: &str) -> Outcome<PathBuf> {
        let path = self.wallet(name)?;
        if path.exists() {
            return Err(Failure::refused(format!("there is a wallet `{name}` already"))
                .help("It is not overwritten: choose another --wallet."));
        }
        Ok(path)
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

/// Reads a text of at most `most` bytes from a file, or from standard input for `-`.
///
/// Reads to the end before anything is opened, so that commands can be joined by pipes.
pub(crate) fn read_text(path: &Path, most: u64) -> Outcome<String> {
    let name = if path == Path::new("-") { "standard input".into() } else { path.display().to_string() };
    let mut text = String::new();
    let read = match path.to_str() {
        Some("-") => std::io::stdin().take(most + 1).read_to_string(&mut text),
        _ => fs::File::open(path).and_then(|f| f.take(most + 1).read_to_string(&mut text)),
    };
    read.map_err(|e| {
        let unreadable = Failure::refused(format!("{name} cannot be read")).why(e);
        unreadable.help("Check the name, that you may read it, and that it is a text.")
    })?;
    if text.len() as u64 > most {
        return Err(Failure::refused(format!("{name} is longer than the {most} bytes that make sense here")));
    }
    Ok(text)
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A chain's id, as `chain info` prints it.
pub(crate) fn chain_id(text: &str) -> Outcome<ChainId> {
    let digits: Option<Vec<u32>> = text.trim().chars().map(|c| c.to_digit(16)).collect();
    let bytes: Option<Vec<u8>> =
        digits.map(|d| d.chunks(2).map(|b| b.iter().fold(0, |n, d| 16 * n + *d as u8)).collect());
    let exact = bytes.filter(|_| text.trim().len() == 64).and_then(|b| b.try_into().ok());
    exact.map(ChainId::from_bytes).ok_or_else(|| {
        Failure::refused(format!("`{text}` is no chain id"))
            .help("It has 64 hexadecimal digits: see `sotto chain info`.")
    })
}

/// A failure to ask a node, with the exit code that tells whether it was there.
pub(crate) fn unasked(what: &str, e: &ClientError) -> Failure {
    let code = match e {
        ClientError::Unreachable { .. }
        | ClientError::Broken { .. }
        | ClientError::Token(TokenError::Absent { .. }) => Code::Unreachable,
        _ => Code::Refused,
    };
    Failure::new(code, what).why(e)
}

/// The same for a chain that is seen through one.
pub(crate) fn unseen(what: &str, e: &LightError) -> Failure {
    match e {
        LightError::Client(e) => unasked(what, e),
        _ => Failure::refused(what).why(e),
    }
}
