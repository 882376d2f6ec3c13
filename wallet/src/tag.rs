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
/// Account key, number of the address → view secret a.
pub(crate) const VIEW: &str = "sotto/wallet/view/v1";
/// Account key, number of the address → spend secret b.
pub(crate) const SPEND: &str = "sotto/wallet/spend/v1";
/// A, B → what the signing key of a payment address adds to B.
pub(crate) const ADDRESS_SIGN: &str = "sotto/address-sign/v1";
/// A, B → what the encryption key of a payment address adds to B.
pub(crate) const ADDRESS_ENCRYPT: &str = "sotto/address-encrypt/v1";
/// Account key, fresh bytes, payee, amount → secret r of the sender's key of a one-sided output.
pub(crate) const ONE_SIDED: &str = "sotto/wallet/one-sided/v1";
/// Chain, R, S, A, B → what sender and receiver of a one-sided output share.
pub(crate) const SHARED: &str = "sotto/one-sided/shared/v1";
/// Shared secret → k, which the receiver's key adds to B.
pub(crate) const ONE_SIDED_KEY: &str = "sotto/one-sided/key/v1";
/// Shared secret, index, amount → blinding factor of a one-sided output.
pub(crate) const ONE_SIDED_BLINDING: &str = "sotto/one-sided/blinding/v1";
/// Shared secret → rewind key of a one-sided output.
pub(crate) const ONE_SIDED_REWIND: &str = "sotto/one-sided/rewind/v1";
/// Shared secret → τ key of a one-sided output.
pub(crate) const ONE_SIDED_TAU: &str = "sotto/one-sided/tau/v1";
/// Account key, index, amount → blinding factor of hidden change.
pub(crate) const HIDDEN_BLINDING: &str = "sotto/wallet/hidden-blinding/v1";
/// Account key, index, amount → secret of the receiver's key of hidden change.
pub(crate) const HIDDEN_KEY: &str = "sotto/wallet/hidden-key/v1";
/// Challenge of a proof that a one-sided output was paid to an address.
pub(crate) const PAID: &str = "sotto/one-sided/paid/v1";
/// Account key, output → how many blocks it waits before it is moved unasked.
pub(crate) const RELOCATION: &str = "sotto/wallet/relocation/v1";
/// Fresh bytes, signing key of the interactive address, kernel, items → secret of a bond.
pub(crate) const BOND_KEY: &str = "sotto/wallet/bond-key/v1";
/// View secret of a group, key, amount → r0 of an output of the group.
pub(crate) const GROUP_BLINDING: &str = "sotto/group/blinding/v1";
/// View secret of a group → rewind key of its outputs.
pub(crate) const GROUP_REWIND: &str = "sotto/group/rewind/v1";
/// View secret of a group → τ key of its outputs.
pub(crate) const GROUP_TAU: &str = "sotto/group/tau/v1";
/// View secret of a group → encryption key of its address.
pub(crate) const GROUP_ENCRYPT: &str = "sotto/group/encrypt/v1";
/// What the members of a group's wallet have in common beside its keys.
pub(crate) const GROUP_CONTEXT: &str = "sotto/group/context/v1";
/// Chain, link before, entry → link of a log of an auditor's answers.
pub(crate) const AUDIT_ENTRY: &str = "sotto/audit/entry/v1";
/// Chain, output, level, issuer, salt → what a notice about an integrity level records.
pub(crate) const LEVEL: &str = "sotto/level/v1";
/// What an issuer signs in its statement about an integrity level.
pub(crate) const SIGNED_LEVEL: &str = "sotto/level/signed/v1";
/// Id of a signing session of a hold.
pub(crate) const HOLD_SESSION: &str = "sotto/hold/session/v1";
/// Fresh bytes, signing key of the interactive address, place, purpose → a secret of one party in a hold.
pub(crate) const HOLD_SECRET: &str = "sotto/hold/secret/v1";
/// Hash of the terms of a hold, to which its nonces are bound.
pub(crate) const HOLD_TERMS: &str = "sotto/hold/terms/v1";
/// What the encrypted secrets of one session of a hold are bound to.
pub(crate) const HOLD_SEALED: &str = "sotto/hold/sealed/v1";
/// What a seller's keys and nonces in a session are bound to.
pub(crate) const HOLD_BOUND: &str = "sotto/hold/bound/v1";
/// What a payer signs in its offer of a hold.
pub(crate) const SIGNED_HOLD: &str = "sotto/hold/signed-offer/v1";
/// Hash of an offer of a hold.
pub(crate) const HOLD_OFFER: &str = "sotto/hold/offer/v1";
/// Hash of a consent to a hold.
pub(crate) const HOLD_JOIN: &str = "sotto/hold/join/v1";
/// Hash of what a payer commits to in the proof of a hold.
pub(crate) const HOLD_PROVE: &str = "sotto/hold/prove/v1";
/// Hash of an answer to the proof of a hold.
pub(crate) const HOLD_PART: &str = "sotto/hold/part/v1";
/// Hash of a claim or an undoing of a hold.
pub(crate) const HOLD_ANSWER: &str = "sotto/hold/answer/v1";
/// Hash of the payer's half of a claim.
pub(crate) const HOLD_RELEASE: &str = "sotto/hold/release/v1";
