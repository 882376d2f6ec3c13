//! What went wrong, as a word for programs: the field `code` of an error under `--json`.
//!
//! A code never changes its meaning; `docs/FORMATS.md` lists all of them, and a test compares the two lists.
//! Errors of the libraries get their code here, by their type, so that the same fault has the same code in
//! every verb.

use super::code::Code;
use core::{any::Any, fmt};
use sotto_mw::error::Rejection;
use sotto_node::{
    edge::{client::ClientError, light::LightError, operator::KeyFileError, rpc::TokenError},
    ledger::LedgerError,
    storage::StoreError as ChainError,
};
use sotto_wallet::{
    WalletError,
    armor::ArmorError,
    coin_selection::CoinSelectionError,
    contacts::ContactError,
    group::GroupError,
    hold::HoldError,
    keys::{AddressError, WordsError},
    proof::PaymentProofError,
    slate::SlateError,
    store::StoreError,
};
use std::io;

/// Declares the codes with their words and exit codes.
macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal, $exit:ident;)*) => {
        /// What went wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum ErrorCode { $($(#[$doc])* $variant,)* }

        impl ErrorCode {
            /// All codes.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The exit code of a command that fails with this.
            pub(crate) const fn exit(self) -> Code {
                match self { $(Self::$variant => Code::$exit,)* }
            }
        }
    };
}

error_codes! {
    /// Refused for a reason without a code of its own.
    Refused = "refused", Refused;
    /// The command line is wrong.
    Usage = "usage", Usage;
    /// An amount is not a positive amount in the unit of the chain, or in base units.
    InvalidAmount = "invalid-amount", Usage;
    /// An amount costs more to spend than it is worth.
    Dust = "dust", Refused;
    /// The node or another party cannot be reached.
    Unreachable = "unreachable", Unreachable;
    /// The user answered no.
    Declined = "declined", Declined;
    /// There is no terminal to ask on.
    NoTerminal = "no-terminal", Declined;
    /// A joint computation ended and has no result.
    NoResult = "no-result", NoResult;
    /// A fault of the program.
    Internal = "internal", Internal;
    /// Ended by a signal.
    Interrupted = "interrupted", Interrupted;
    /// There is no chain in the folder.
    NoChain = "no-chain", Refused;
    /// A chain is in the folder already.
    ChainExists = "chain-exists", Refused;
    /// Another process has the chain open.
    ChainBusy = "chain-busy", Refused;
    /// The files of the chain are damaged.
    ChainDamaged = "chain-damaged", Refused;
    /// The wallet, slate or snapshot belongs to another chain.
    OtherChain = "other-chain", Refused;
    /// The chain is older than what the wallet has seen, or differs from it.
    ChainDiffers = "chain-differs", Refused;
    /// The block's body was pruned.
    Pruned = "pruned", Refused;
    /// A rule of the consensus is broken.
    RuleViolated = "rule-violated", Refused;
    /// Another change of the terms has overtaken the change.
    StaleChange = "stale-change", Refused;
    /// The program does not know a version of the rules.
    UnknownRules = "unknown-rules", Refused;
    /// There is no wallet of this name.
    NoWallet = "no-wallet", Refused;
    /// A wallet of this name exists.
    WalletExists = "wallet-exists", Refused;
    /// Another process has the wallet open.
    WalletBusy = "wallet-busy", Refused;
    /// The wallet file is damaged or no wallet.
    WalletDamaged = "wallet-damaged", Refused;
    /// The wallet can only watch.
    ViewOnly = "view-only", Refused;
    /// The wallet is a member's of a group.
    GroupWallet = "group-wallet", Refused;
    /// The passphrase is wrong.
    WrongPassphrase = "wrong-passphrase", Refused;
    /// The new passphrase cannot be used.
    InvalidPassphrase = "invalid-passphrase", Refused;
    /// The seed words are wrong.
    InvalidWords = "invalid-words", Refused;
    /// Other users can read a secret file.
    SecretExposed = "secret-exposed", Refused;
    /// The account does not exist.
    NoAccount = "no-account", Refused;
    /// The contact does not exist.
    NoContact = "no-contact", Refused;
    /// No payment has this session.
    NoSession = "no-session", Refused;
    /// The address is mistyped or of another network.
    InvalidAddress = "invalid-address", Refused;
    /// The memo cannot be used.
    InvalidMemo = "invalid-memo", Refused;
    /// The wallet does not have enough that can be spent.
    NoFunds = "no-funds", Refused;
    /// The slate, job or approval has expired.
    Expired = "expired", Refused;
    /// The payment was cancelled or is over.
    Cancelled = "cancelled", Refused;
    /// The payment may have left, so it cannot be cancelled for free.
    TooLate = "too-late", Refused;
    /// The slate is damaged, of another kind or does not hold.
    InvalidSlate = "invalid-slate", Refused;
    /// The slate is for another wallet.
    NotForUs = "not-for-this-wallet", Refused;
    /// The proof of payment does not hold, or there is none.
    InvalidProof = "invalid-proof", Refused;
    /// Two blocks of one height were sealed, and no checkpoint says which counts.
    TwoCertificates = "two-certificates", Refused;
    /// The chain has another block at the height of a checkpoint.
    OtherCheckpoint = "other-checkpoint", Refused;
    /// Evidence or collateral is damaged, or does not verify.
    InvalidEvidence = "invalid-evidence", Refused;
    /// A policy refuses evidence that verifies.
    EvidenceRefused = "evidence-refused", Refused;
    /// A policy of attestation is invalid.
    InvalidPolicy = "invalid-policy", Refused;
    /// This machine gives no evidence.
    NoHardware = "no-hardware", Refused;
    /// The file exists and is not overwritten.
    FileExists = "file-exists", Refused;
    /// A key, wallet or file of a chain is never overwritten.
    FileGuarded = "file-guarded", Refused;
    /// A file cannot be read.
    CannotRead = "cannot-read", Refused;
    /// A file or the output cannot be written.
    CannotWrite = "cannot-write", Refused;
    /// The disk is full.
    DiskFull = "disk-full", Refused;
}

impl ErrorCode {
    /// The code of a failure that only has an exit code.
    pub(super) const fn of_exit(code: Code) -> Self {
        match code {
            Code::Usage => Self::Usage,
            Code::Unreachable => Self::Unreachable,
            Code::Declined => Self::Declined,
            Code::NoResult => Self::NoResult,
            Code::Internal => Self::Internal,
            Code::Interrupted => Self::Interrupted,
            Code::Done | Code::Refused => Self::Refused,
        }
    }

    /// The code of an error of a library; `None` if it has none of its own.
    pub(super) fn of(error: &dyn Any) -> Option<Self> {
        None.or_else(|| error.downcast_ref().and_then(wallet))
            .or_else(|| error.downcast_ref().and_then(store))
            .or_else(|| error.downcast_ref().and_then(slate))
            .or_else(|| error.downcast_ref().and_then(selection))
            .or_else(|| error.downcast_ref().and_then(armor))
            .or_else(|| error.downcast_ref().and_then(group))
            .or_else(|| error.downcast_ref().and_then(contact))
            .or_else(|| error.downcast_ref().and_then(chain))
            .or_else(|| error.downcast_ref().and_then(ledger))
            .or_else(|| error.downcast_ref().and_then(light))
            .or_else(|| error.downcast_ref().and_then(client))
            .or_else(|| error.downcast_ref().and_then(key_file))
            .or_else(|| error.downcast_ref().and_then(system))
            .or_else(|| error.is::<AddressError>().then_some(Self::InvalidAddress))
            .or_else(|| error.is::<WordsError>().then_some(Self::InvalidWords))
            .or_else(|| error.is::<PaymentProofError>().then_some(Self::InvalidProof))
            .or_else(|| error.is::<Rejection>().then_some(Self::RuleViolated))
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn wallet(e: &WalletError) -> Option<ErrorCode> {
    match e {
        WalletError::Store(e) => store(e),
        WalletError::Slate(e) | WalletError::Hold(HoldError::Slate(e)) => slate(e),
        WalletError::Hold(HoldError::Unknown) => Some(ErrorCode::NoSession),
        WalletError::Hold(HoldError::Late { .. } | HoldError::Ended { .. }) => Some(ErrorCode::TooLate),
        WalletError::Hold(
            HoldError::Stage { .. } | HoldError::NotBuried { .. } | HoldError::NoRung { .. },
        ) => None,
        WalletError::Hold(_) => Some(ErrorCode::InvalidSlate),
        WalletError::Select(e) => selection(e),
        WalletError::Armor(e) => armor(e),
        WalletError::Contact(e) => contact(e),
        WalletError::Words(_) => Some(ErrorCode::InvalidWords),
        WalletError::Proof(_) => Some(ErrorCode::InvalidProof),
        WalletError::NoAccount { .. } => Some(ErrorCode::NoAccount),
        WalletError::ViewOnly => Some(ErrorCode::ViewOnly),
        WalletError::OfGroup => Some(ErrorCode::GroupWallet),
        WalletError::Group(e) => group(e),
        WalletError::Exists => Some(ErrorCode::WalletExists),
        _ => None,
    }
}

fn store(e: &StoreError) -> Option<ErrorCode> {
    match e {
        StoreError::Passphrase => Some(ErrorCode::WrongPassphrase),
        StoreError::InUse { .. } => Some(ErrorCode::WalletBusy),
        StoreError::Exposed { .. } => Some(ErrorCode::SecretExposed),
        StoreError::NotAWallet
        | StoreError::CutOff { .. }
        | StoreError::TooLong { .. }
        | StoreError::Contents(_) => Some(ErrorCode::WalletDamaged),
        StoreError::Io { source, .. } => system(source),
        _ => None,
    }
}

fn slate(e: &SlateError) -> Option<ErrorCode> {
    match e {
        SlateError::Expired { .. } => Some(ErrorCode::Expired),
        SlateError::Cancelled | SlateError::Over => Some(ErrorCode::Cancelled),
        SlateError::HasLeft { .. } | SlateError::MayHaveLeft { .. } | SlateError::Answered { .. } => {
            Some(ErrorCode::TooLate)
        }
        SlateError::NotForUs | SlateError::NotOurs => Some(ErrorCode::NotForUs),
        SlateError::UnknownSession | SlateError::NotAnswered => Some(ErrorCode::NoSession),
        SlateError::Rules(_) => Some(ErrorCode::RuleViolated),
        _ => Some(ErrorCode::InvalidSlate),
    }
}

const fn selection(e: &CoinSelectionError) -> Option<ErrorCode> {
    match e {
        // No wallet holds a sum above 64 bits.
        CoinSelectionError::Insufficient { .. } | CoinSelectionError::Overflow => Some(ErrorCode::NoFunds),
        CoinSelectionError::Zero => Some(ErrorCode::InvalidAmount),
        _ => None,
    }
}

fn group(e: &GroupError) -> Option<ErrorCode> {
    match e {
        GroupError::Slate(e) => slate(e),
        GroupError::Insufficient { .. } => Some(ErrorCode::NoFunds),
        GroupError::OtherChain => Some(ErrorCode::OtherChain),
        _ => None,
    }
}

const fn armor(e: &ArmorError) -> Option<ErrorCode> {
    match e {
        ArmorError::OtherChain { .. } => Some(ErrorCode::OtherChain),
        _ => Some(ErrorCode::InvalidSlate),
    }
}

const fn contact(e: &ContactError) -> Option<ErrorCode> {
    match e {
        ContactError::Unknown { .. } => Some(ErrorCode::NoContact),
        ContactError::Address(_) | ContactError::Network { .. } => Some(ErrorCode::InvalidAddress),
        _ => None,
    }
}

fn ledger(e: &LedgerError) -> Option<ErrorCode> {
    match e {
        LedgerError::Refused(_) | LedgerError::Conflict(_) => Some(ErrorCode::RuleViolated),
        LedgerError::Store(e) => chain(e),
        LedgerError::OtherCheckpoint(_) => Some(ErrorCode::OtherCheckpoint),
        LedgerError::Halt(_) => Some(ErrorCode::TwoCertificates),
        _ => None,
    }
}

fn chain(e: &ChainError) -> Option<ErrorCode> {
    match e {
        ChainError::Absent { .. } => Some(ErrorCode::NoChain),
        ChainError::Exists | ChainError::Importing => Some(ErrorCode::ChainExists),
        ChainError::Locked { .. } => Some(ErrorCode::ChainBusy),
        ChainError::Foreign { .. } => Some(ErrorCode::OtherChain),
        ChainError::Damaged { .. } | ChainError::Index { .. } | ChainError::Inconsistent { .. } => {
            Some(ErrorCode::ChainDamaged)
        }
        ChainError::DiskFull { .. } => Some(ErrorCode::DiskFull),
        ChainError::Io { source, .. } | ChainError::Directory { source, .. } => system(source),
        ChainError::Pruned { .. } => Some(ErrorCode::Pruned),
        _ => None,
    }
}

const fn light(e: &LightError) -> Option<ErrorCode> {
    match e {
        LightError::Client(e) => client(e),
        LightError::OtherChain => Some(ErrorCode::OtherChain),
        _ => None,
    }
}

/// A request that the node refused says why in its own words.
const fn client(e: &ClientError) -> Option<ErrorCode> {
    match e {
        ClientError::Unreachable { .. } | ClientError::Broken { .. } => Some(ErrorCode::Unreachable),
        ClientError::Token(TokenError::Absent { .. }) => Some(ErrorCode::Unreachable),
        _ => None,
    }
}

fn key_file(e: &KeyFileError) -> Option<ErrorCode> {
    match e {
        KeyFileError::Exists { .. } => Some(ErrorCode::FileExists),
        KeyFileError::Exposed { .. } => Some(ErrorCode::SecretExposed),
        KeyFileError::Io { source, .. } => system(source),
        KeyFileError::Damaged { .. } => None,
    }
}

fn system(e: &io::Error) -> Option<ErrorCode> {
    matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        .then_some(ErrorCode::DiskFull)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// The rows of the table of codes in the document.
    fn documented() -> BTreeMap<&'static str, u8> {
        let text = include_str!("../../../docs/FORMATS.md");
        let (_, section) = text.split_once("### Errors for programs").unwrap();
        let section = section.split("\n#").next().unwrap();
        let row = |line: &'static str| -> Option<(&'static str, u8)> {
            let mut cells = line.strip_prefix("| `")?.split('|');
            let code = cells.next()?.trim().trim_end_matches('`');
            Some((code, cells.next()?.trim().parse().ok()?))
        };
        section.lines().filter_map(row).collect()
    }

    #[test]
    fn every_code_is_documented_with_its_exit_code() {
        let codes: BTreeMap<&str, u8> = ErrorCode::ALL.iter().map(|c| (c.as_str(), c.exit() as u8)).collect();
        assert_eq!(codes.len(), ErrorCode::ALL.len(), "two codes have the same word");
        assert_eq!(codes, documented());
        let plain = |c: char| c.is_ascii_lowercase() || c == '-';
        assert!(codes.keys().all(|code| code.chars().all(plain)));
    }

    #[test]
    fn an_error_of_a_library_has_the_same_code_however_it_is_wrapped() {
        let of = |e: &dyn Any| ErrorCode::of(e);
        assert_eq!(of(&StoreError::Passphrase), Some(ErrorCode::WrongPassphrase));
        assert_eq!(of(&WalletError::Store(StoreError::Passphrase)), Some(ErrorCode::WrongPassphrase));
        assert_eq!(of(&WalletError::from(SlateError::Cancelled)), Some(ErrorCode::Cancelled));
        assert_eq!(of(&LedgerError::Store(ChainError::Exists)), Some(ErrorCode::ChainExists));
        assert_eq!(of(&io::Error::from(io::ErrorKind::StorageFull)), Some(ErrorCode::DiskFull));
        assert_eq!(of(&"a text"), None);
    }
}
