//! One-sided outputs: what sender and receiver derive, each alone.
//!
//! ```text
//! sender     r = D("sotto/wallet/one-sided/v1", account key ‖ 32 fresh bytes ‖ A ‖ B ‖ v),   R = r·G
//! both       S = r·A = a·R
//!            t (32) ‖ view tag (1) = D("sotto/one-sided/shared/v1", chain id ‖ R ‖ S ‖ A ‖ B), first 33 bytes
//!            k = D("sotto/one-sided/key/v1", t)                               K_o = B + k·G
//!            q = D("sotto/one-sided/blinding/v1", t ‖ index ‖ v)              C = v·H + q·G
//!            rewind key, τ key = D("sotto/one-sided/rewind/v1" | "…/tau/v1", t)
//! receiver   spends with k_o = b + k
//!
//! hidden change, which looks alike:
//!            q = D("sotto/wallet/hidden-blinding/v1", account key ‖ index ‖ v)
//!            k_o = D("sotto/wallet/hidden-key/v1", account key ‖ index ‖ v)
//!            view tag random; rewind key and τ key are those of the account's change
//! ```
//!
//! A receiver accepts an output only if the view tag, K_o, the rewind and C all hold: an output with another
//! K_o belongs to who can sign for it, and one that does not rewind to its C has another amount than it
//! shows. a alone sees amounts and references, and cannot spend. k_o = q would give v·H away, so both are
//! derived apart.
//!
//! Guaranteed: neither the sender nor the holder of a can spend. Not guaranteed: secrecy of the amount
//! towards the sender, who also sees when the output is spent. Source: `docs/adr/0009-one-sided-payments.md`.

use super::{
    address::PaymentAddress,
    derive::{derive, derive_key, derive_scalar},
};
use crate::tag;
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    chain::ChainId,
    commitment::Commitment,
    one_sided::OneSidedKeys,
    output::{Delivery, Output, OutputChain, OutputKeys, ProveError},
    range_proof::{Opening, Replayed, RewindKey, TauKey},
    schnorr::PublicKey,
    secret::SecretScalar,
};
use zeroize::Zeroizing;

/// A one-sided output that this wallet made, with what balances it.
pub(crate) struct NewOneSided {
    pub(crate) output: Output,
    /// r, the secret of the sender's key.
    pub(crate) sender: SecretScalar,
    /// q.
    pub(crate) blinding: SecretScalar,
}

/// Which view tags are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ViewTags {
    /// Outputs whose view tag fits: one of 256 outputs of others costs a curve operation more.
    Matching,
    /// All: finds an output whose sender wrote a wrong view tag.
    All,
}

/// What sender and receiver of one output share.
pub(crate) struct Shared {
    pub(super) t: Zeroizing<[u8; 32]>,
    pub(super) view_tag: u8,
}

impl Shared {
    /// From R, S and the receiver's address.
    pub(crate) fn new(chain: &ChainId, sender: &PublicKey, agreed: &[u8; 32], to: &PaymentAddress) -> Self {
        let parts: [&[u8]; 5] =
            [chain.as_bytes(), sender.as_bytes(), agreed, to.view().as_bytes(), to.spend().as_bytes()];
        let wide = derive(tag::SHARED, &parts);
        let mut t = Zeroizing::new([0; 32]);
        t.copy_from_slice(&wide[..32]);
        Self { t, view_tag: wide[32] }
    }

    /// k.
    pub(super) fn key(&self) -> SecretScalar {
        derive_scalar(tag::ONE_SIDED_KEY, &[&*self.t])
    }

    /// q.
    pub(super) fn blinding(&self, opening: &Opening) -> SecretScalar {
        blinding(tag::ONE_SIDED_BLINDING, &self.t, opening)
    }

    pub(crate) fn rewind(&self) -> RewindKey {
        RewindKey(*derive_key(tag::ONE_SIDED_REWIND, &[&*self.t]))
    }

    pub(crate) fn tau(&self) -> TauKey {
        TauKey(*derive_key(tag::ONE_SIDED_TAU, &[&*self.t]))
    }

    /// K_o of an output to this address.
    pub(super) fn receiver(&self, to: &PaymentAddress) -> PublicKey {
        to.spend().plus(&PublicKey::of(&self.key()))
    }

    /// Makes the output with this opening; the same arguments give the same bytes but for the signature.
    pub(super) fn output(
        &self,
        chain: OutputChain<'_>,
        to: &Delivery<'_>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Output, ProveError> {
        let (blinding, rewind, tau) = (&self.blinding(&to.opening), &self.rewind(), &self.tau());
        Output::one_sided(chain, to, &OutputKeys { blinding, rewind, tau }, rng)
    }

    /// The opening of the output with these keys, if all that a receiver checks holds.
    pub(crate) fn open(
        &self,
        to: &PaymentAddress,
        keys: &OneSidedKeys,
        replayed: &Replayed<'_>,
        tags: ViewTags,
    ) -> Option<Opening> {
        if (tags == ViewTags::Matching && keys.view_tag != self.view_tag)
            || keys.receiver != self.receiver(to)
        {
            return None;
        }
        let opening = replayed.rewind(&self.rewind())?;
        let c = Commitment::new(opening.amount, &self.blinding(&opening));
        (c == *replayed.commitment()).then_some(opening)
    }
}

/// A scalar of a secret, an index and an amount.
fn blinding(tag: &str, secret: &[u8; 32], opening: &Opening) -> SecretScalar {
    let amount = Zeroizing::new(opening.amount.units().to_le_bytes());
    derive_scalar(tag, &[secret, &opening.index, &*amount])
}

/// What finds the payments to one address: a, and the address.
#[derive(Clone)]
pub(crate) struct ViewSecret {
    view: SecretScalar,
    address: PaymentAddress,
}

impl ViewSecret {
    pub(crate) const fn new(view: SecretScalar, address: PaymentAddress) -> Self {
        Self { view, address }
    }

    /// a.
    pub(crate) const fn secret(&self) -> &SecretScalar {
        &self.view
    }

    pub(crate) const fn address(&self) -> &PaymentAddress {
        &self.address
    }

    /// What this address shares with the sender of an output: one multiplication of the curve.
    pub(crate) fn shared(&self, chain: &ChainId, sender: &PublicKey) -> Shared {
        Shared::new(chain, sender, &self.view.agree(sender.point()), &self.address)
    }

    /// The opening of an output that was paid to this address; `None` for any other.
    pub(crate) fn detect(
        &self,
        chain: &ChainId,
        keys: &OneSidedKeys,
        replayed: &Replayed<'_>,
        tags: ViewTags,
    ) -> Option<Opening> {
        self.shared(chain, &keys.sender).open(&self.address, keys, replayed, tags)
    }
}

/// What an account pays one-sidedly: to whom, how much, under which reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OneSidedTerms {
    pub(crate) to: PaymentAddress,
    pub(crate) opening: Opening,
    /// The fresh bytes from which r is derived.
    pub(crate) fresh: [u8; 32],
}

/// The blinding factor of hidden change.
pub(super) fn hidden_blinding(account: &[u8; 32], opening: &Opening) -> SecretScalar {
    blinding(tag::HIDDEN_BLINDING, account, opening)
}

/// k_o of hidden change.
pub(super) fn hidden_key(account: &[u8; 32], opening: &Opening) -> SecretScalar {
    blinding(tag::HIDDEN_KEY, account, opening)
}
