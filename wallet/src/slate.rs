//! Slates: the messages in which two wallets agree on one payment. Either side may begin.
//!
//! ```text
//! payer begins                                        receiver begins
//!   plan, confirmed                                     invoice ──── Invoice ────▶ check, plan, confirmed
//!   invite  ──── Invite ────▶ check, sign                check     ◀── Payment ──── pay: sign
//!   check   ◀── Response ──── respond                    collect: sign, combine
//!   finalize: sign, combine                              Transaction ──▶ chain
//!   Transaction ──▶ chain
//! ```
//!
//! Who begins is the inviter of the signing session, who answers its responder. One file per role and step: [`mod@invite`],
//! [`mod@respond`], [`mod@finalize`]; [`invoice`], [`pay`], [`collect`]. [`seal`] keeps the inviter's nonces meanwhile, [`receipt`] is what
//! the receiver signs, [`encrypt`] hides a message from those who carry it. The steps are those of SPEC "Signing a payment"; the
//! letters X, D, E, o, z, R, c, m are used throughout.
//!
//! **Guarantees.** The responder's nonces exist within one call. The inviter's are burnt before anything signed leaves. Each
//! party's share, partial signature, output, offset and receipt is checked, and a refusal names the party. The receiver has
//! signed a receipt (proof of payment) before the payer signs at all.
//! **Not here.** The chain id travels in a message's envelope ([`crate::armor`]): shares and signatures bind it.

pub mod collect;
pub mod encrypt;
mod error;
pub mod finalize;
pub mod invite;
pub mod invoice;
mod memo;
pub mod pay;
pub mod receipt;
pub mod respond;
pub mod seal;

pub use error::SlateError;
pub use memo::Memo;

use crate::{keys::Address, tag};
use receipt::Receipt;
use sotto_mw::{
    amount::{Amount, Height},
    chain::ChainId,
    codec::Encode,
    commitment::Commitment,
    group::Scalar,
    hash::{Hash, tagged},
    kernel::KernelFeatures,
    output::Output,
    schnorr::{PublicKey, Signature},
    session::{Session, SessionError, SessionId, Share, Shares},
};

/// What a payer proposes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// Names the signing session; fresh for every invite.
    pub session: SessionId,
    /// What the receiver gets.
    pub amount: Amount,
    /// The kernel to be signed: fee and last height.
    pub features: KernelFeatures,
    /// X, D, E of the sender, with its proof of possession.
    pub share: Share,
    /// Who pays.
    pub sender: Address,
    /// Who is to be paid; without it, whoever answers first is.
    pub recipient: Option<Address>,
    /// A line for the receiver.
    pub memo: Memo,
}

impl Invite {
    /// Names every byte of the invite on `chain`.
    #[must_use]
    pub fn hash(&self, chain: &ChainId) -> Hash {
        tagged(tag::INVITE, &[chain.as_bytes(), &self.to_bytes()])
    }

    /// The last height at which the payment can enter a block.
    #[must_use]
    pub fn not_after(&self) -> Height {
        self.features.window(0).not_after
    }

    /// The checked signing session of this invite and the receiver's share.
    fn session(&self, chain: &ChainId, receiver: Share) -> Result<Session, SessionError> {
        Session::new(
            chain,
            &self.session,
            self.features.message(chain),
            Shares { inviter: self.share, responder: receiver },
        )
    }

    /// What the receiver's address key signs when it answers with key X_r and output C_r.
    #[must_use]
    pub fn receipt(&self, x_r: &PublicKey, c_r: &Commitment) -> Receipt {
        Receipt {
            session: self.session,
            amount: self.amount,
            features: self.features,
            key: *x_r,
            commitment: *c_r,
            sender: Some(*self.sender.sign()),
            memo: self.memo.hash(),
        }
    }
}

/// What the receiver answers: its own parts only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The session it belongs to.
    pub session: SessionId,
    /// Hash of the invite as the receiver saw it.
    pub invite: Hash,
    /// X, D, E of the receiver, with its proof of possession.
    pub share: Share,
    /// C_r with its range proof.
    pub output: Output,
    /// o_r, the receiver's share of the offset.
    pub offset: Scalar,
    /// z_r, the receiver's partial signature.
    pub partial: Scalar,
    /// Who answers.
    pub receiver: Address,
    /// The proof of payment, by the receiver's address key.
    pub receipt: Signature,
}

impl Response {
    /// Names every byte of the response.
    #[must_use]
    pub fn hash(&self) -> Hash {
        tagged(tag::RESPONSE, &[&self.to_bytes()])
    }
}

/// What a receiver asks for: its own parts, with the receipt, but no partial signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// Names the signing session; fresh for every invoice.
    pub session: SessionId,
    /// What the receiver gets.
    pub amount: Amount,
    /// The kernel to be signed: the fee that the payer adds, and the last height.
    pub features: KernelFeatures,
    /// X, D, E of the receiver, with its proof of possession.
    pub share: Share,
    /// C_r with its range proof.
    pub output: Output,
    /// o_r, the receiver's share of the offset.
    pub offset: Scalar,
    /// Who is to be paid.
    pub receiver: Address,
    /// Who is asked; without it, whoever pays first.
    pub payer: Option<Address>,
    /// A line for the payer.
    pub memo: Memo,
    /// The proof of payment, by the receiver's address key.
    pub receipt: Signature,
}

impl Invoice {
    /// Names every byte of the invoice on `chain`.
    #[must_use]
    pub fn hash(&self, chain: &ChainId) -> Hash {
        tagged(tag::INVOICE, &[chain.as_bytes(), &self.to_bytes()])
    }

    /// The last height at which the payment can enter a block.
    #[must_use]
    pub fn not_after(&self) -> Height {
        self.features.window(0).not_after
    }

    /// The checked signing session of this invoice and the payer's share.
    fn session(&self, chain: &ChainId, payer: Share) -> Result<Session, SessionError> {
        Session::new(
            chain,
            &self.session,
            self.features.message(chain),
            Shares { inviter: self.share, responder: payer },
        )
    }

    /// What the receiver's address key signed.
    #[must_use]
    pub fn receipt(&self) -> Receipt {
        Receipt {
            session: self.session,
            amount: self.amount,
            features: self.features,
            key: self.share.key,
            commitment: self.output.commitment,
            sender: self.payer.map(|p| *p.sign()),
            memo: self.memo.hash(),
        }
    }
}

/// What the payer answers to an invoice: its own parts only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The session it belongs to.
    pub session: SessionId,
    /// Hash of the invoice as the payer saw it.
    pub invoice: Hash,
    /// X, D, E of the payer, with its proof of possession.
    pub share: Share,
    /// What it spends, in ascending order.
    pub inputs: Vec<Commitment>,
    /// What comes back to it, with its range proof.
    pub change: Option<Output>,
    /// o_s, the payer's share of the offset.
    pub offset: Scalar,
    /// z_s, the payer's partial signature.
    pub partial: Scalar,
}

impl Payment {
    /// Names every byte of the payment.
    #[must_use]
    pub fn hash(&self) -> Hash {
        tagged(tag::PAYMENT, &[&self.to_bytes()])
    }
}
