//! What a wallet keeps of a hold, and what the chain makes of it.
//!
//! ```text
//! record    account (4) ‖ offer ‖ side (1) ‖ payer or seller ‖ status of the funding ‖ ending ‖ own outputs
//! payer     r_p (32) ‖ inputs ‖ [change (32)] ‖ index of the returned output (12) ‖ stage
//! seller    r_s (32) ‖ join ‖ stage ‖ [consent to undo] ‖ whether its claim was published (1)
//! ```
//!
//! A stage holds what its next step needs, and what must be repeated byte for byte if a letter comes again.
//! The ending is a function of the chain alone, so it follows every reorganisation.

mod bytes;

use super::{ChainObservation, TxStatus, observation::SignedKernel};
use crate::{
    hold::{
        Answer, HoldTerms, Join, LockedClaim, Offer, Part, Prove, Purpose, Release, Settlement, payer::Rung,
        seller::Halves,
    },
    keys::Account,
    nonce_vault::EncryptedNonces,
};
use sotto_mw::{
    amount::{Amount, Height},
    chain::Chain,
    group::{Point, PointBytes},
    joint::PreparedProof,
    kernel::{Excess, Window},
    schnorr::PublicKey,
    secret::SecretScalar,
    transaction::Transaction,
};
use std::collections::BTreeSet;

/// How a hold ended: which transaction spent its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The seller was paid.
    Claimed,
    /// Both parties returned the money.
    Undone,
    /// This refund returned the money.
    Refunded(u8),
}

/// A session with its secrets, or what it was used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pending<T> {
    /// Not signed yet.
    Sealed(EncryptedNonces),
    /// Signed; the nonces are destroyed.
    Signed(T),
}

/// What the payer signed of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Released {
    pub(crate) answer: Answer,
    pub(crate) release: Release,
}

impl Released {
    /// Both halves.
    pub(crate) const fn halves(&self) -> Halves<'_> {
        Halves { answer: &self.answer, release: &self.release }
    }
}

/// The payer's stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PayerStage {
    /// The offer is out: x, d, e of every session.
    Proposed(Vec<EncryptedNonces>),
    /// The ladder is signed, and the proof waits for the seller's answer.
    Proven(Box<Proven>),
    /// The funding is signed.
    Funded(Box<Funded>),
    /// Ended before anything of the payer's left; the nonces are destroyed.
    Cancelled,
}

/// See [`PayerStage::Proven`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proven {
    pub(crate) join: Join,
    pub(crate) rungs: Vec<Rung>,
    /// Funding, claim, undoing.
    pub(crate) sealed: [EncryptedNonces; 3],
    pub(crate) prepared: PreparedProof,
}

impl Proven {
    /// The letter that asks the seller for its answer.
    pub(crate) fn letter(&self) -> Prove {
        Prove { id: self.join.id, join: self.join.hash(), heads: self.prepared.heads() }
    }
}

/// See [`PayerStage::Funded`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Funded {
    pub(crate) join: Join,
    pub(crate) part: Part,
    pub(crate) rungs: Vec<Rung>,
    pub(crate) transaction: Transaction,
    pub(crate) claim: Pending<Released>,
    pub(crate) undo: Pending<Undone>,
}

/// What the payer signed of an undoing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Undone {
    pub(crate) answer: Answer,
    pub(crate) rung: Rung,
}

/// The payer's record.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PayerHold {
    pub(crate) r: SecretScalar,
    pub(crate) inputs: Vec<PointBytes>,
    pub(crate) change: Option<PointBytes>,
    /// The index of the output that refunds and an undoing return the money to.
    pub(crate) back: [u8; 12],
    pub(crate) stage: PayerStage,
}

/// The seller's stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SellerStage {
    /// Has consented: r_s, τ1s, τ2s.
    Joined(EncryptedNonces),
    /// Has answered the proof.
    Parted(Prove, Part),
    /// Has claimed.
    Answered(Prove, Part, Box<Answer>),
    /// Has the payer's half of the claim.
    Released(Prove, Part, Box<Released>),
}

/// The seller's record.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SellerHold {
    pub(crate) r: SecretScalar,
    pub(crate) join: Join,
    pub(crate) stage: SellerStage,
    /// Its consent to undo the hold, if it gave it.
    pub(crate) undo: Option<Answer>,
    /// Whether its claim has left this wallet: what a lock hides is then public.
    pub(crate) published: bool,
}

impl core::fmt::Debug for PayerHold {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PayerHold").field("stage", &self.stage).finish_non_exhaustive()
    }
}

impl core::fmt::Debug for SellerHold {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SellerHold").field("stage", &self.stage).finish_non_exhaustive()
    }
}

/// Which party this wallet is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "a wallet has few holds")]
pub(crate) enum Side {
    Payer(PayerHold),
    Seller(SellerHold),
}

/// Which party of a hold this wallet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldSide {
    /// It pays.
    Payer,
    /// It is paid.
    Seller,
}

/// A hold of this wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRecord {
    pub(crate) account: Account,
    pub(crate) offer: Offer,
    pub(crate) side: Side,
    /// The status of the funding.
    pub(crate) funding: TxStatus,
    /// What spent the output of the hold, and in which block, if a block did.
    pub(crate) ended: Option<(Ending, Height)>,
    /// The outputs of this wallet that money of the hold went to.
    pub(crate) outputs: BTreeSet<PointBytes>,
}

impl HoldRecord {
    /// The offer.
    #[must_use]
    pub const fn offer(&self) -> &Offer {
        &self.offer
    }

    /// The account that pays or is paid.
    #[must_use]
    pub const fn account(&self) -> Account {
        self.account
    }

    /// Which party this wallet is.
    #[must_use]
    pub const fn side(&self) -> HoldSide {
        match self.side {
            Side::Payer(_) => HoldSide::Payer,
            Side::Seller(_) => HoldSide::Seller,
        }
    }

    /// The height of the block with the funding, if it is in the chain.
    #[must_use]
    pub const fn funded(&self) -> Option<Height> {
        match self.funding {
            TxStatus::Confirmed { height } => Some(height),
            TxStatus::Waiting | TxStatus::Displaced { .. } | TxStatus::Failed => None,
        }
    }

    /// What spent the output of the hold, and in which block, if a block did.
    #[must_use]
    pub const fn ended(&self) -> Option<(Ending, Height)> {
        self.ended
    }

    /// The stage, in a word.
    #[must_use]
    pub const fn stage(&self) -> &'static str {
        match (&self.ended, &self.side) {
            (Some((Ending::Claimed, _)), _) => "claimed",
            (Some((Ending::Undone, _)), _) => "undone",
            (Some((Ending::Refunded(_), _)), _) => "refunded",
            (None, Side::Payer(PayerHold { stage: PayerStage::Cancelled, .. })) => "cancelled",
            (None, _) if matches!(self.funding, TxStatus::Failed) => "expired",
            (None, Side::Payer(p)) => match &p.stage {
                PayerStage::Proposed(_) => "proposed",
                // A copy that was not there when the funding left.
                PayerStage::Proven(_) if matches!(self.funding, TxStatus::Confirmed { .. }) => "funded",
                PayerStage::Proven(_) => "proven",
                PayerStage::Funded(f) => match f.claim {
                    Pending::Sealed(_) => "funded",
                    Pending::Signed(_) => "released",
                },
                PayerStage::Cancelled => "cancelled",
            },
            (None, Side::Seller(s)) => match s.stage {
                SellerStage::Joined(_) => "joined",
                SellerStage::Parted(..) => "parted",
                SellerStage::Answered(..) => "answered",
                SellerStage::Released(..) => "released",
            },
        }
    }

    /// The seller's consent, once there is one.
    pub(crate) fn join(&self) -> Option<&Join> {
        match &self.side {
            Side::Seller(s) => Some(&s.join),
            Side::Payer(p) => match &p.stage {
                PayerStage::Proven(p) => Some(&p.join),
                PayerStage::Funded(f) => Some(&f.join),
                PayerStage::Proposed(_) | PayerStage::Cancelled => None,
            },
        }
    }

    /// The claim that this wallet signed or received a half of.
    pub(crate) fn claim(&self) -> Option<&Answer> {
        match &self.side {
            Side::Payer(PayerHold { stage: PayerStage::Funded(f), .. }) => match &f.claim {
                Pending::Signed(r) => Some(&r.answer),
                Pending::Sealed(_) => None,
            },
            Side::Seller(SellerHold { stage: SellerStage::Answered(_, _, a), .. }) => Some(a),
            Side::Seller(SellerHold { stage: SellerStage::Released(_, _, r), .. }) => Some(&r.answer),
            Side::Payer(_) | Side::Seller(_) => None,
        }
    }

    /// The locked claim for third parties to verify, once both parties have signed it.
    #[must_use]
    pub fn locked_claim(&self, chain: &Chain) -> Option<LockedClaim> {
        let released = match &self.side {
            Side::Payer(PayerHold { stage: PayerStage::Funded(f), .. }) => match &f.claim {
                Pending::Signed(r) => r,
                Pending::Sealed(_) => return None,
            },
            Side::Seller(SellerHold { stage: SellerStage::Released(_, _, r), .. }) => r,
            Side::Payer(_) | Side::Seller(_) => return None,
        };
        LockedClaim::of(chain, &self.offer, released.halves()).ok()
    }

    /// The letter with the payer's half of the claim, once there is one.
    #[must_use]
    pub fn release(&self) -> Option<&Release> {
        let released = match &self.side {
            Side::Payer(PayerHold { stage: PayerStage::Funded(f), .. }) => match &f.claim {
                Pending::Signed(r) => r,
                Pending::Sealed(_) => return None,
            },
            Side::Seller(SellerHold { stage: SellerStage::Released(_, _, r), .. }) => r,
            Side::Payer(_) | Side::Seller(_) => return None,
        };
        Some(&released.release)
    }

    /// The last height at which an undoing that the seller consented to can be in a block, a reorganisation included.
    #[must_use]
    pub fn undo_until(&self, chain: &Chain) -> Option<Height> {
        let undo = self.undoing()?;
        let window = undo.features.window(chain.params().window_width);
        Some(window.not_after.plus(chain.params().reorganisation))
    }

    /// H_c: the last height of the claim, or the latest that one can have.
    #[must_use]
    pub fn claim_until(&self, chain: &Chain) -> Height {
        let latest = self.offer.terms.refund_from.minus(chain.params().window_grid);
        self.claim().map_or(latest, |a| a.features.window(0).not_after)
    }

    /// The point that the claim is locked to, if there is a claim and it is.
    #[must_use]
    pub fn lock(&self) -> Option<Point> {
        match self.claim()?.settlement {
            Settlement::Claim { lock, .. } => lock,
            Settlement::Undo => None,
        }
    }

    /// The last height at which the claim can be published: H_c, or M before it if that gives a secret away.
    #[must_use]
    pub fn claim_by(&self, chain: &Chain) -> Height {
        let published = matches!(self.side, Side::Seller(SellerHold { published: true, .. }));
        HoldTerms::claim_by(chain, self.claim_until(chain), self.lock().is_some() && !published)
    }

    fn undoing(&self) -> Option<&Answer> {
        match &self.side {
            Side::Payer(PayerHold { stage: PayerStage::Funded(f), .. }) => match &f.undo {
                Pending::Signed(u) => Some(&u.answer),
                Pending::Sealed(_) => None,
            },
            Side::Seller(s) => s.undo.as_ref(),
            Side::Payer(_) => None,
        }
    }

    /// X of the payer and of the seller, added.
    fn excess(&self, purpose: Purpose, seller: &PublicKey) -> Option<Excess> {
        let key = self.offer.share(purpose)?.key.plus(seller);
        Some(Excess::from_point(*key.point()))
    }

    /// The excess of the funding.
    pub(crate) fn funding_excess(&self) -> Option<Excess> {
        self.excess(Purpose::Funding, &self.join()?.funding.share.key)
    }

    /// The excess of the claim.
    #[must_use]
    pub fn claim_excess(&self) -> Option<Excess> {
        self.excess(Purpose::Claim, &self.claim()?.signed.share.key)
    }

    /// The excesses of all that can spend the output of the hold.
    pub(crate) fn endings(&self) -> Vec<(Ending, Excess)> {
        let of = |ending, purpose, a: &Answer| Some((ending, self.excess(purpose, &a.signed.share.key)?));
        let claim = self.claim().and_then(|a| of(Ending::Claimed, Purpose::Claim, a));
        let undo = self.undoing().and_then(|a| of(Ending::Undone, Purpose::Undo, a));
        let rungs = self.join().map(|j| j.rungs.as_slice()).unwrap_or_default();
        let rungs = (0u8..)
            .zip(rungs)
            .filter_map(|(i, s)| Some((Ending::Refunded(i), self.excess(Purpose::Refund(i), &s.share.key)?)));
        claim.into_iter().chain(undo).chain(rungs).collect()
    }

    /// Whether the money is in the output of the hold, as far as the last scan knows.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        self.funded().is_some() && self.ended.is_none()
    }

    /// The confirmations of the funding at this tip.
    #[must_use]
    pub fn confirmations(&self, tip: Height) -> u64 {
        self.funded().map_or(0, |h| (tip.get() + 1).saturating_sub(h.get()))
    }

    /// What the payer has in the hold: the held amount while it is its payer and the money is in it.
    pub(crate) fn held(&self) -> Amount {
        let held = matches!(self.side, Side::Payer(_)) && self.is_held();
        if held { self.offer.terms.held() } else { Amount::ZERO }
    }

    /// The kernels that a scan looks for, beside that of the funding if this wallet is the payer.
    pub(crate) fn signed_kernels(&self, chain: &Chain) -> Vec<SignedKernel> {
        let not_after = self.offer.funding.window(0).not_after;
        let window = Window { not_before: Height::GENESIS, not_after };
        let funding = self.funding_excess();
        let funding = funding.map(|excess| SignedKernel { excess, tx_status: self.funding, window });
        let ending = |(ending, excess)| {
            let (tx_status, window) = match self.ended {
                Some((e, height)) if e == ending => (TxStatus::Confirmed { height }, window),
                // What another kernel has spent since this height, this one cannot spend.
                Some((_, not_after)) => (TxStatus::Failed, Window { not_after, ..window }),
                None if self.funding == TxStatus::Failed => (TxStatus::Failed, window),
                None => (TxStatus::Waiting, self.window(chain, ending)),
            };
            SignedKernel { excess, tx_status, window }
        };
        funding.into_iter().chain(self.endings().into_iter().map(ending)).collect()
    }

    /// When an ending may enter a block.
    fn window(&self, chain: &Chain, ending: Ending) -> Window {
        let of = |a: Option<&Answer>| a.map(|a| a.features);
        let features = match ending {
            Ending::Claimed => of(self.claim()),
            Ending::Undone => of(self.undoing()),
            Ending::Refunded(i) => Some(self.offer.terms.rung(chain, i)),
        };
        let any = Window { not_before: Height::GENESIS, not_after: Height::new(u64::MAX) };
        features.map_or(any, |f| f.window(chain.params().window_width))
    }

    /// Follows the chain: where the funding is, and what spent the output.
    pub(crate) fn observe(&mut self, chain: &Chain, seen: &ChainObservation) {
        let not_after = self.offer.funding.window(0).not_after;
        self.funding = match self.funding_excess() {
            Some(excess) => seen.kernel_status(chain, not_after, &excess),
            None if seen.is_over(chain, not_after) => TxStatus::Failed,
            None => self.funding,
        };
        let ended = |(ending, e): (Ending, Excess)| Some((ending, *seen.kernels.get(&e)?));
        self.ended = self.endings().into_iter().find_map(ended);
        if let Side::Payer(p) = &mut self.side
            && self.funding == TxStatus::Failed
            && matches!(p.stage, PayerStage::Proposed(_) | PayerStage::Proven(_))
        {
            p.stage = PayerStage::Cancelled;
        }
    }

    /// The transaction that funded it, of its payer.
    pub(crate) fn funding_transaction(&self) -> Option<&Transaction> {
        match &self.side {
            Side::Payer(PayerHold { stage: PayerStage::Funded(f), .. }) => Some(&f.transaction),
            Side::Payer(_) | Side::Seller(_) => None,
        }
    }

    /// What the payer spends, unless it has cancelled.
    pub(crate) fn spends(&self) -> Option<&PayerHold> {
        match &self.side {
            Side::Payer(p) if p.stage != PayerStage::Cancelled => Some(p),
            Side::Payer(_) | Side::Seller(_) => None,
        }
    }
}
