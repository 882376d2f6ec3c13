//! Scanning, and messages and proofs of payment.

use super::{Wallet, messages};
use crate::{
    encrypt::{Encryptable, Encrypted, Privacy},
    error::WalletError,
    keys::{Account, Address, ViewTags},
    output_proof::{OutputProof, SealedOutput},
    proof::{KernelInclusion, PaymentProof},
    scan::{self, ChainSource, Progress, ScanError, ScanReport},
    sessions::SessionView,
    slate::Memo,
    store::Store,
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{amount::Height, kernel::Excess, session::SessionId};

/// Scanning.
impl<S: Store> Wallet<S> {
    /// Scans what has changed since the last scan, with the keys of all accounts; or resumes a restore.
    ///
    /// # Errors
    /// [`ScanError`] when the source fails, moves, or is behind what this wallet has seen, or when the result
    /// cannot be stored; nothing changes then.
    pub fn scan<C: ChainSource>(
        &mut self,
        source: &C,
        progress: &mut Progress<'_>,
    ) -> Result<ScanReport, ScanError<C::Error>> {
        scan::scan(self, source, progress)
    }

    /// Scans everything with the keys of all accounts, and accepts the chain as the source shows it, even if
    /// it ends below what this wallet has seen, or is another branch. Call it only when the operator confirms
    /// that the chain went back.
    ///
    /// # Errors
    /// As [`Wallet::scan`], except that no chain is behind. An unfinished restore begins anew.
    pub fn rescan<C: ChainSource>(
        &mut self,
        source: &C,
        progress: &mut Progress<'_>,
    ) -> Result<ScanReport, ScanError<C::Error>> {
        scan::rescan(self, ViewTags::Matching, source, progress)
    }

    /// As [`Wallet::rescan`], and tries one-sided outputs whatever their view tag: finds a payment whose
    /// sender wrote a wrong one, at some 20 µs more for each one-sided output of others.
    ///
    /// # Errors
    /// As [`Wallet::rescan`].
    pub fn rescan_all_tags<C: ChainSource>(
        &mut self,
        source: &C,
        progress: &mut Progress<'_>,
    ) -> Result<ScanReport, ScanError<C::Error>> {
        scan::rescan(self, ViewTags::All, source, progress)
    }

    /// Scans everything from the block at `birthday` on, with the keys of all accounts and of
    /// [`scan::RESTORE_GAP`] more; if one of those has outputs, of more again. The progress is stored: after
    /// an interruption [`Wallet::scan`] resumes.
    ///
    /// # Errors
    /// As [`Wallet::scan`].
    pub fn restore<C: ChainSource>(
        &mut self,
        birthday: Height,
        source: &C,
        progress: &mut Progress<'_>,
    ) -> Result<ScanReport, ScanError<C::Error>> {
        scan::restore(self, birthday, source, progress)
    }
}

/// Messages and proofs of payment.
impl<S: Store> Wallet<S> {
    /// Encrypts a message of `account` to an address. The same message gives the same bytes.
    ///
    /// # Errors
    /// [`WalletError::NoAccount`].
    pub fn encrypt<T: Encryptable>(
        &self,
        account: Account,
        to: &Address,
        message: &T,
    ) -> Result<Encrypted<T>, WalletError> {
        messages::encrypt(&self.context(), account, to, message)
    }

    /// Decrypts a message that was encrypted to an address of this wallet.
    ///
    /// # Errors
    /// [`SlateError::NotOurs`](crate::slate::SlateError::NotOurs).
    pub fn decrypt<T: Encryptable>(&self, message: &Encrypted<T>) -> Result<T, WalletError> {
        messages::decrypt(&self.context(), message)
    }

    /// The armored text of a message, encrypted if `privacy` requests it and the reader is known.
    ///
    /// # Errors
    /// [`WalletError::NoAccount`].
    pub fn write_message<T: Encryptable>(
        &self,
        account: Account,
        to: Option<&Address>,
        message: &T,
        privacy: Privacy,
    ) -> Result<String, WalletError> {
        messages::write(&self.context(), messages::Envelope { account, to, privacy }, message)
    }

    /// Reads a message from armored text, in the clear or encrypted to an address of this wallet.
    ///
    /// # Errors
    /// [`WalletError::Armor`] when the text is invalid,
    /// [`SlateError::NotOurs`](crate::slate::SlateError::NotOurs) when it is encrypted to another address.
    pub fn read_message<T: Encryptable>(&self, text: &str) -> Result<T, WalletError> {
        messages::read(&self.context(), text)
    }

    /// The last message of this wallet in a session, with the same bytes as when it was first written.
    ///
    /// # Errors
    /// [`SlateError::Cancelled`](crate::slate::SlateError::Cancelled) when the session was cancelled.
    pub fn message(&self, session: &SessionView<'_>, privacy: Privacy) -> Result<String, WalletError> {
        messages::last_message(&self.context(), session, privacy)
    }

    /// The session of an invite or an invoice that this wallet wrote, also if it was encrypted.
    ///
    /// # Errors
    /// [`WalletError::Armor`] when the text is invalid, or
    /// [`SlateError::UnknownSession`](crate::slate::SlateError::UnknownSession).
    pub fn session_of(&self, text: &str) -> Result<SessionId, WalletError> {
        messages::session_of(&self.context(), text)
    }

    /// The excess of a payment that this wallet signed; its kernel is the evidence that the payment is in the
    /// chain.
    #[must_use]
    pub fn paid_excess(&self, session: &SessionId) -> Option<Excess> {
        messages::paid_excess(&self.context(), session)
    }

    /// Proves a one-sided payment of this wallet; anyone can verify the proof offline. `statement` says what
    /// it is for, or repeats a challenge of the verifier.
    ///
    /// # Errors
    /// [`PaymentProofError`](crate::proof::PaymentProofError) when the session is not a one-sided payment, or
    /// no scan saw its output.
    pub fn prove_output(
        &self,
        session: &SessionId,
        statement: Memo,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<OutputProof, WalletError> {
        messages::prove_output(&self.context(), session, statement, rng)
    }

    /// Proves that this output was paid to an address of this wallet, by its view secret.
    ///
    /// # Errors
    /// [`PaymentProofError::NotPaid`](crate::proof::PaymentProofError::NotPaid) when it was not.
    pub fn prove_received(
        &self,
        output: SealedOutput,
        statement: Memo,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<OutputProof, WalletError> {
        messages::prove_received(&self.context(), output, statement, rng)
    }

    /// Proves a confirmed payment of this wallet; anyone can verify the proof offline.
    ///
    /// # Errors
    /// [`PaymentProofError`](crate::proof::PaymentProofError) when the session has no signed payment, or
    /// `inclusion` does not prove it.
    pub fn prove(
        &self,
        session: &SessionId,
        inclusion: KernelInclusion,
    ) -> Result<PaymentProof, WalletError> {
        messages::prove(&self.context(), session, &inclusion)
    }
}
