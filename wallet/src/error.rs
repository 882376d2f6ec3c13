//! Why a wallet refuses an operation.

use crate::{
    accounts::AccountNameError,
    armor::ArmorError,
    coin_selection::CoinSelectionError,
    coinbase::CoinbaseError,
    contacts::ContactError,
    group::GroupError,
    hold::HoldError,
    keys::{Account, WordsError},
    level::LevelError,
    proof::PaymentProofError,
    slate::SlateError,
    store::StoreError,
};
use sotto_mw::chain::ParamsError;

/// Why a wallet refuses an operation.
#[derive(Debug, thiserror::Error)]
pub enum WalletError {
    /// The wallet could not be loaded or stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A slate was refused.
    #[error(transparent)]
    Slate(#[from] SlateError),
    /// A step of a hold was refused.
    #[error(transparent)]
    Hold(#[from] HoldError),
    /// A payment could not be planned.
    #[error(transparent)]
    Select(#[from] CoinSelectionError),
    /// The seed words are invalid.
    #[error(transparent)]
    Words(#[from] WordsError),
    /// The parameters of the chain are invalid.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// A block reward could not be built.
    #[error(transparent)]
    Reward(#[from] CoinbaseError),
    /// A message could not be read.
    #[error(transparent)]
    Armor(#[from] ArmorError),
    /// A contact was refused.
    #[error(transparent)]
    Contact(#[from] ContactError),
    /// A payment could not be proven.
    #[error(transparent)]
    Proof(#[from] PaymentProofError),
    /// A statement about an integrity level was refused.
    #[error(transparent)]
    Level(#[from] LevelError),
    /// The account does not exist.
    #[error("unknown account {account}: this wallet has {accounts}")]
    NoAccount {
        /// The account that was asked for.
        account: Account,
        /// The number of accounts.
        accounts: u32,
    },
    /// The name of an account was refused.
    #[error(transparent)]
    Name(#[from] AccountNameError),
    /// The wallet has a view key and no seed words.
    #[error("this is a view-only wallet: it can show what was received, but cannot pay")]
    ViewOnly,
    /// The wallet is a member's of a group.
    #[error("this is a member's wallet of a group: t members pay together")]
    OfGroup,
    /// A group does not do something.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// The store is not empty.
    #[error("a wallet already exists there; it is not overwritten")]
    Exists,
}
