//! Where the parts meet: files in the user's folder, and the ledger as a wallet sees it.
//!
//! ```text
//! DIR/chain/            the ledger (crate `node`)
//! DIR/operator.key      the solo operator's key, mode 0600
//! DIR/node/             what a node keeps beside the ledger: its key on the network, its settings, its address book
//! DIR/wallets/NAME      encrypted wallet files
//! STATE/                the installation: seals the nonces of open payments, and signs once for each; in no backup
//! ```

use crate::{
    config::Config,
    exit::{Context as _, Failure, Outcome},
    secret,
};
use mw::{
    amount::Height,
    block::ChainId,
    hash::Hash,
    kernel::Excess,
    rules::params::Chain,
    state::{ChainView, RewindMaterial, Unspent},
};
use node::{edge::store::StoreError, ledger::Ledger, seal::SealedHeader};
use std::{
    cell::RefCell,
    fs,
    io::Read,
    iter::Peekable,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};
use wallet::{
    edge::{
        file::{Cost, WalletFile},
        installation,
    },
    keys::Words,
    proof::Inclusion,
    scan::{self, ChainSource},
    slate::seal::Installation,
    wallet::Wallet,
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
                .advice("Use letters, digits, `-` and `_`."));
        }
        Ok(self.dir.join("wallets").join(name))
    }

    /// Opens the ledger.
    pub(crate) fn ledger(&self) -> Outcome<Ledger> {
        let dir = self.chain();
        if !dir.exists() {
            return Err(Failure::refused(format!("there is no chain in {}", self.dir.display()))
                .advice("Run `sotto chain init`, or give the right folder with --dir."));
        }
        Ledger::open(&dir).or_refuse("the chain cannot be opened")
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
                .advice(format!(
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
                .advice("It is not overwritten: choose another --wallet."));
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
    read.or_refuse(format!("{name} cannot be read"))?;
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
            .advice("It has 64 hexadecimal digits: see `sotto chain info`.")
    })
}

/// Finds the kernel with this excess in a sealed block of the ledger; `None` when it is in none.
pub(crate) fn inclusion(ledger: &Ledger, excess: &Excess) -> Outcome<Option<Inclusion>> {
    let store = ledger.store();
    let what = "the chain cannot be read";
    let Some(seen) = store.last_seen(excess).or_refuse(what)? else { return Ok(None) };
    let Some(SealedHeader { header, seal }) = store.sealed_header(seen.height).or_refuse(what)? else {
        return Ok(None);
    };
    Inclusion::find(ledger.chain().params(), (&header, &seal), store.kernels(), excess).or_refuse(what)
}

/// A ledger on this machine as a wallet sees a chain.
pub(crate) struct LedgerSource<'a> {
    ledger: &'a Ledger,
    cursor: RefCell<Cursor<'a>>,
}

type Outputs<'a> = Peekable<Box<dyn Iterator<Item = Result<Unspent, StoreError>> + 'a>>;

/// How far the last answer went, and what comes after it.
struct Cursor<'a> {
    after: Option<Hash>,
    rest: Outputs<'a>,
}

impl<'a> LedgerSource<'a> {
    pub(crate) fn new(ledger: &'a Ledger) -> Self {
        Self { ledger, cursor: RefCell::new(Cursor { after: None, rest: Self::all(ledger) }) }
    }

    fn all(ledger: &'a Ledger) -> Outputs<'a> {
        (Box::new(ledger.store().all_unspent()) as Box<dyn Iterator<Item = _>>).peekable()
    }
}

impl ChainSource for LedgerSource<'_> {
    type Error = StoreError;

    fn tip(&self) -> Result<(Height, Hash), StoreError> {
        let tip = self.ledger.tip();
        Ok((tip.height, tip.hash()))
    }

    fn unspent_count(&self) -> Result<u64, StoreError> {
        Ok(self.ledger.tip().output_count)
    }

    fn unspent(&self, after: Option<&Hash>, most: usize) -> Result<Vec<RewindMaterial>, StoreError> {
        let mut cursor = self.cursor.borrow_mut();
        if cursor.after.as_ref() != after {
            cursor.rest = Self::all(self.ledger);
            let key = |u: &Unspent| Unspent::key(&u.output.commitment);
            let before = |u: &Result<Unspent, _>| u.as_ref().is_ok_and(|u| Some(&key(u)) <= after);
            while cursor.rest.next_if(before).is_some() {}
        }
        let batch = cursor.rest.by_ref().take(most).map(|u| Ok(RewindMaterial::of(&u?)));
        let batch = batch.collect::<Result<Vec<_>, StoreError>>()?;
        cursor.after = batch.last().map(RewindMaterial::key).or(cursor.after);
        Ok(batch)
    }

    fn kernel(&self, excess: &Excess) -> Result<Option<Height>, StoreError> {
        Ok(self.ledger.store().last_seen(excess)?.map(|s| s.height))
    }

    fn hash_at(&self, height: Height) -> Result<Option<Hash>, StoreError> {
        Ok(self.ledger.store().header(height)?.map(|h| h.hash()))
    }

    fn block(&self, height: Height) -> Result<Option<scan::Block>, StoreError> {
        match self.ledger.store().block(height) {
            Ok(found) => Ok(found.map(|b| scan::Block { inputs: b.body.inputs, outputs: b.body.outputs })),
            Err(StoreError::Pruned { .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }
}
