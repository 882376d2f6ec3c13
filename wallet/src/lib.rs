#![doc = include_str!("../README.md")]

// The order of the layers: an import goes only downward, to a module above it in this list.
mod codec;
mod tag;

pub mod keys;
pub mod reference;
pub mod store;

pub mod accounts;
pub mod nonce_vault;
pub mod outputs;

pub mod contacts;
pub mod slate;

pub mod hold;

pub mod armor;
pub mod encrypt;
pub mod level;
pub mod output_proof;
pub mod proof;

pub mod audit;

mod state;

pub mod coin_selection;
pub mod coinbase;
pub mod scan;
pub mod sessions;

pub mod group;
pub mod history;
pub mod memory_chain;

mod contents;
mod error;

pub mod backup;
pub mod member_wallet;
mod view_wallet;
mod wallet;

pub mod listener;

pub mod edge;
mod encrypted_file;

pub use backup::Backup;
pub use coin_selection::{Decision, Payee, PaymentRequest, Recipient};
pub use error::WalletError;
pub use keys::{Account, Address, ViewKey, Words};
pub use memory_chain::MemoryChain;
pub use nonce_vault::Installation;
pub use outputs::Balance;
pub use scan::ChainSource;
pub use sessions::SessionView;
pub use slate::{Invite, Invoice, InvoiceRequest, Memo, Payment, Response};
pub use store::{MemoryStore, Store};
pub use view_wallet::ViewWallet;
pub use wallet::Wallet;
