//! Every domain-separation label of the wallet, in one table; those of signatures and proofs are in `sotto_mw::tag`.
//!
//! No two purposes share a label, and each label carries the version of the bytes that follow it.

/// Seed → root key.
pub(crate) const ROOT: &str = "sotto/wallet/root/v1";
/// Root key, account number → account key.
pub(crate) const ACCOUNT: &str = "sotto/wallet/account/v1";
/// Account key → private key of the blinding factors.
pub(crate) const BLINDING_KEY: &str = "sotto/wallet/blinding-key/v1";
/// Private key, purpose, index, amount → blinding factor.
pub(crate) const BLINDING: &str = "sotto/wallet/blinding/v1";
/// Account key, purpose → rewind key, which a view key hands out.
pub(crate) const REWIND: &str = "sotto/wallet/rewind/v1";
/// Account key, purpose → τ key, which no view key derives.
pub(crate) const TAU: &str = "sotto/wallet/tau/v1";
/// Account key → signing key of the address.
pub(crate) const SIGN: &str = "sotto/wallet/sign/v1";
/// Account key → encryption key of the address.
pub(crate) const ENCRYPT: &str = "sotto/wallet/encrypt/v1";
/// Installation key → key that seals pending nonces.
pub(crate) const PENDING: &str = "sotto/wallet/pending/v1";
/// Hash of a memo.
pub(crate) const MEMO: &str = "sotto/wallet/memo/v1";
/// Hash of an invite.
pub(crate) const INVITE: &str = "sotto/wallet/invite/v1";
/// Hash of an invoice.
pub(crate) const INVOICE: &str = "sotto/wallet/invoice/v1";
/// Hash of a payer's answer to an invoice; `sotto/payment/v1` is the ledger's label of receipts.
pub(crate) const PAYMENT: &str = "sotto/wallet/payment/v1";
/// Key and nonce of an encrypted letter.
pub(crate) const LETTER: &str = "sotto/wallet/letter/v1";
/// Ephemeral secret of an encrypted letter.
pub(crate) const EPHEMERAL: &str = "sotto/wallet/ephemeral/v1";
/// Hash of a response.
pub(crate) const RESPONSE: &str = "sotto/wallet/response/v1";
/// Checksum of one line of armored text.
pub(crate) const ARMOR_LINE: &str = "sotto/wallet/armor-line/v1";
/// Checksum of a whole armored text.
pub(crate) const ARMOR: &str = "sotto/wallet/armor/v1";
