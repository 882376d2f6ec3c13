//! Every domain-separation label of the wallet, in one table. The labels of signatures and proofs are in
//! `sotto_mw::transcript`.
//!
//! Each purpose has its own label, and each label carries the version of the bytes that follow it.

/// Seed → root key.
pub(crate) const ROOT: &str = "sotto/wallet/root/v1";
/// Root key, account number → account key.
pub(crate) const ACCOUNT: &str = "sotto/wallet/account/v1";
/// Account key → secret from which blinding factors are derived.
pub(crate) const BLINDING_KEY: &str = "sotto/wallet/blinding-key/v1";
/// Blinding key, purpose, index, amount → blinding factor.
pub(crate) const BLINDING: &str = "sotto/wallet/blinding/v1";
/// Account key, purpose → rewind key, which a view key contains.
pub(crate) const REWIND: &str = "sotto/wallet/rewind/v1";
/// Account key, purpose → τ key, which no view key contains.
pub(crate) const TAU: &str = "sotto/wallet/tau/v1";
/// Account key → signing key of the address.
pub(crate) const SIGN: &str = "sotto/wallet/sign/v1";
/// Account key → encryption key of the address.
pub(crate) const ENCRYPT: &str = "sotto/wallet/encrypt/v1";
/// Installation key → key that encrypts pending nonces.
pub(crate) const PENDING: &str = "sotto/wallet/pending/v1";
/// Hash of a memo.
pub(crate) const MEMO: &str = "sotto/wallet/memo/v1";
/// Fresh bytes, signing key of the address, place in a session → secret key of one party in that session.
pub(crate) const SESSION_KEY: &str = "sotto/wallet/session-key/v1";
/// Hash of the terms of an invite or invoice, to which its nonces are bound.
pub(crate) const TERMS: &str = "sotto/wallet/terms/v1";
/// What a payer signs in its invite.
pub(crate) const SIGNED_INVITE: &str = "sotto/wallet/signed-invite/v1";
/// What a payer signs in its payment to an invoice that names it.
pub(crate) const SIGNED_PAYMENT: &str = "sotto/wallet/signed-payment/v1";
/// Hash of an invite.
pub(crate) const INVITE: &str = "sotto/wallet/invite/v1";
/// Hash of an invoice.
pub(crate) const INVOICE: &str = "sotto/wallet/invoice/v1";
/// Hash of a payment to an invoice; `sotto/payment/v1` is the ledger's label of receipts.
pub(crate) const PAYMENT: &str = "sotto/wallet/payment/v1";
/// Key and nonce of an encrypted message.
pub(crate) const MESSAGE: &str = "sotto/wallet/letter/v1";
/// Ephemeral secret of an encrypted message.
pub(crate) const EPHEMERAL: &str = "sotto/wallet/ephemeral/v1";
/// Hash of a response.
pub(crate) const RESPONSE: &str = "sotto/wallet/response/v1";
/// Checksum of one line of armored text.
pub(crate) const ARMOR_LINE: &str = "sotto/wallet/armor-line/v1";
/// Checksum of a whole armored text.
pub(crate) const ARMOR: &str = "sotto/wallet/armor/v1";
