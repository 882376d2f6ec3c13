//! What a wallet writes and reads: letters in the clear or encrypted, contacts, proofs of payment.

use super::{Wallet, WalletError};
use crate::{
    armor,
    contacts::{ContactError, Contacts, Name},
    keys::{Account, Address},
    proof::{Inclusion, Proof, ProofError},
    slate::{
        SlateError,
        encrypt::{Encrypted, Private},
    },
    state::{Paid, Part, Signed},
    store::Store,
};
use sotto_mw::{
    kernel::Excess,
    session::{Role, SessionId},
};

/// Whether a letter is written for one address to read, or for everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privacy {
    /// Encrypted to the reader's address.
    Encrypted,
    /// In the clear: whoever carries it reads it.
    Plain,
}

impl<S: Store> Wallet<S> {
    /// Encrypts a letter of `account` to an address; the same letter gives the same bytes.
    ///
    /// # Errors
    /// [`WalletError::NoAccount`].
    pub fn encrypt<T: Private>(
        &self,
        account: Account,
        to: &Address,
        letter: &T,
    ) -> Result<Encrypted<T>, WalletError> {
        Ok(Encrypted::new(self.chain.id(), &self.keys(account)?, to, letter))
    }

    /// Reads a letter that was encrypted to an address of this wallet.
    ///
    /// # Errors
    /// [`SlateError::NotOurs`].
    pub fn decrypt<T: Private>(&self, letter: &Encrypted<T>) -> Result<T, WalletError> {
        let open = |a| letter.open(self.chain.id(), &self.root.account(Account(a)));
        Ok((0..self.accounts()).find_map(open).ok_or(SlateError::NotOurs)?)
    }

    /// A letter as text: encrypted where that is wanted and its reader is known.
    ///
    /// # Errors
    /// [`WalletError::NoAccount`].
    pub fn write<T: Private>(
        &self,
        (account, to): (Account, Option<&Address>),
        letter: &T,
        privacy: Privacy,
    ) -> Result<String, WalletError> {
        let chain = self.chain.id();
        match (privacy, to) {
            (Privacy::Encrypted, Some(to)) => Ok(armor::to_text(chain, &self.encrypt(account, to, letter)?)),
            _ => Ok(armor::to_text(chain, letter)),
        }
    }

    /// Reads a letter from text, in the clear or encrypted to an address of this wallet.
    ///
    /// # Errors
    /// [`WalletError::Armor`] with what is wrong with the text, [`SlateError::NotOurs`] when it is for somebody else.
    pub fn read<T: Private>(&self, text: &str) -> Result<T, WalletError> {
        let chain = self.chain.id();
        if armor::kind(text)? == T::ENCRYPTED {
            self.decrypt(&armor::from_text::<Encrypted<T>>(chain, text)?)
        } else {
            Ok(armor::from_text(chain, text)?)
        }
    }

    /// The names that this wallet knows.
    #[must_use]
    pub const fn contacts(&self) -> &Contacts {
        &self.state.contacts
    }

    /// Gives an address a name.
    ///
    /// # Errors
    /// [`ContactError`] when the name stands for another address, or the address is of another network.
    pub fn add_contact(&mut self, name: Name, address: Address) -> Result<(), WalletError> {
        let (found, expected) = (address.network(), self.chain.params().network);
        if found != expected {
            return Err(ContactError::Network { found, expected }.into());
        }
        let mut next = self.state.clone();
        next.contacts.add(name, address)?;
        Ok(self.keep(next)?)
    }

    /// Forgets a name.
    ///
    /// # Errors
    /// [`ContactError::Unknown`].
    pub fn remove_contact(&mut self, name: Name) -> Result<Address, WalletError> {
        let mut next = self.state.clone();
        let address = next.contacts.remove(name)?;
        self.keep(next)?;
        Ok(address)
    }

    /// The excess of a payment that this wallet signed: what its proof has to find on the chain.
    #[must_use]
    pub fn excess_paid(&self, session: &SessionId) -> Option<Excess> {
        let sent = self.signed(session).map(|s| s.excess);
        sent.or_else(|| self.state.paid.get(session).map(|p| p.excess))
    }

    /// The proof that a payment of this wallet came true, for anybody to verify offline.
    ///
    /// # Errors
    /// [`ProofError`] when no payment was signed in that session, or what was found on the chain does not prove it.
    pub fn prove(&self, session: &SessionId, inclusion: Inclusion) -> Result<Proof, WalletError> {
        let sent = self.signed(session).map(|s| sent_proof(s, &inclusion));
        let paid = self.state.paid.get(session).map(|p| paid_proof(p, &inclusion));
        let proof = sent.or(paid).ok_or(ProofError::UnknownSession)?;
        proof.verify(self.chain.id())?;
        Ok(proof)
    }

    /// The invite of this session with its answer, if both were signed.
    fn signed(&self, session: &SessionId) -> Option<&Signed> {
        match self.state.sent_in(session)?.part(session)? {
            Part::Signed(signed) => Some(signed),
            _ => None,
        }
    }
}

fn sent_proof(Signed { invite, response, .. }: &Signed, inclusion: &Inclusion) -> Proof {
    Proof {
        receipt: invite.receipt(&response.share.key, &response.output.commitment),
        receiver: *response.receiver.sign(),
        signature: response.receipt,
        payer: invite.share.key,
        role: Role::Inviter,
        possession: invite.share.possession,
        inclusion: inclusion.clone(),
    }
}

fn paid_proof(Paid { invoice, payment, .. }: &Paid, inclusion: &Inclusion) -> Proof {
    Proof {
        receipt: invoice.receipt(),
        receiver: *invoice.receiver.sign(),
        signature: invoice.receipt,
        payer: payment.share.key,
        role: Role::Responder,
        possession: payment.share.possession,
        inclusion: inclusion.clone(),
    }
}
