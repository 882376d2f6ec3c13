//! Making one-sided outputs: payments to an address, and hidden change (`one_sided`).

use super::{
    account::AccountKeys,
    derive::derive_scalar,
    one_sided::{NewOneSided, OneSidedTerms, Shared, hidden_blinding, hidden_key},
    output::Purpose,
};
use crate::tag;
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    chain::ChainId,
    commitment::Commitment,
    output::{Delivery, Output, OutputChain, ProveError},
    range_proof::Opening,
    schnorr::PublicKey,
    secret::SecretScalar,
};
use zeroize::Zeroizing;

impl AccountKeys {
    /// r of an output under these terms. Who has it can make the output again: it is never shown.
    pub(crate) fn sender_secret(&self, terms: &OneSidedTerms) -> SecretScalar {
        let (to, amount) = (&terms.to, Zeroizing::new(terms.opening.amount.units().to_le_bytes()));
        let parts: [&[u8]; 5] =
            [&self.account, &terms.fresh, to.view().as_bytes(), to.spend().as_bytes(), &*amount];
        derive_scalar(tag::ONE_SIDED, &parts)
    }

    /// r, and what it shares with the receiver, under these terms.
    pub(crate) fn shared(&self, chain: &ChainId, terms: &OneSidedTerms) -> (SecretScalar, Shared) {
        let (r, to) = (self.sender_secret(terms), &terms.to);
        let shared = Shared::new(chain, &PublicKey::of(&r), &r.agree(to.view().point()), to);
        (r, shared)
    }

    /// C and K_o of the output that [`Self::deliver`] makes.
    pub(crate) fn delivered(&self, chain: &ChainId, terms: &OneSidedTerms) -> (Commitment, PublicKey) {
        let (_, shared) = self.shared(chain, terms);
        let c = Commitment::new(terms.opening.amount, &shared.blinding(&terms.opening));
        (c, shared.receiver(&terms.to))
    }

    /// Makes a one-sided output under these terms.
    ///
    /// # Errors
    /// [`ProveError`] when the new range proof does not verify or rewind.
    pub(crate) fn deliver<'c>(
        &self,
        chain: impl Into<OutputChain<'c>>,
        terms: &OneSidedTerms,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<NewOneSided, ProveError> {
        let chain = chain.into();
        let (sender, shared) = self.shared(chain.id(), terms);
        let (receiver, view_tag, opening) = (shared.receiver(&terms.to), shared.view_tag, terms.opening);
        let to = Delivery { sender: &sender, receiver, view_tag, opening };
        let output = shared.output(chain, &to, rng)?;
        Ok(NewOneSided { output, sender, blinding: shared.blinding(&opening) })
    }

    /// Makes hidden change. Its view tag and the sender's key are fresh, so two such outputs differ.
    ///
    /// # Errors
    /// As [`Self::deliver`].
    pub(crate) fn hidden_change<'c>(
        &self,
        chain: impl Into<OutputChain<'c>>,
        opening: &Opening,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<NewOneSided, ProveError> {
        let mut fresh = Zeroizing::new([0; 33]);
        rng.fill_bytes(&mut *fresh);
        let (view_tag, fresh) = fresh.split_first().map_or((0, &[][..]), |(tag, rest)| (*tag, rest));
        let sender = {
            let amount = Zeroizing::new(opening.amount.units().to_le_bytes());
            derive_scalar(tag::ONE_SIDED, &[&self.account, fresh, &opening.index, &*amount])
        };
        let (blinding, receiver) =
            (hidden_blinding(&self.account, opening), PublicKey::of(&hidden_key(&self.account, opening)));
        let keys = self.output_keys(Purpose::Change, &blinding);
        let to = Delivery { sender: &sender, receiver, view_tag, opening: *opening };
        let output = Output::one_sided(chain, &to, &keys, rng)?;
        Ok(NewOneSided { output, sender, blinding })
    }
}

#[cfg(test)]
mod tests;
