//! Slates: the two messages in which two wallets agree on one payment.
//!
//! ```text
//! sender (inviter)                         receiver (responder)
//!   plan, confirmed
//!   invite  ──── Invite ─────────────────▶  check, sign, keep the response
//!   check everything, sign, combine  ◀──── Response ────  respond
//!   Transaction ──▶ chain
//! ```
//!
//! One file per role and step: [`mod@invite`], [`mod@respond`], [`mod@finalize`]; [`seal`] keeps the inviter's nonces meanwhile.
//! The steps are those of SPEC "Signing a payment"; the letters X, D, E, o, z, R, c, m are used throughout.
//!
//! **Guarantees.** The receiver's nonces exist within one call. The sender's are burnt before a transaction leaves. Each
//! party's share, partial signature, output, offset and receipt is checked, and a refusal names the party. The receiver has
//! signed a receipt (proof of payment) before the sender signs at all.
//! **Not here.** A message by itself hides nothing from those who carry it, and the chain id travels in its envelope
//! ([`crate::armor`]): shares and signatures bind it.

pub mod finalize;
pub mod invite;
pub mod respond;
pub mod seal;

use crate::{keys::Address, tag};
use mw::{
    amount::{Amount, Height},
    block::ChainId,
    commitment::Commitment,
    error::Rejection,
    group::{PointBytes, Scalar},
    hash::{Hash, tagged},
    kernel::KernelFeatures,
    range_proof::ProveError,
    schnorr::{
        PublicKey, Signature,
        session::{Session, SessionError, SessionId, Share},
    },
    transaction::Output,
    transcript,
    wire::Encode,
};

/// A line of text for the receiver, at most [`Memo::MAX`] bytes; the proof of payment signs its hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memo(String);

impl Memo {
    /// Most bytes of a memo.
    pub const MAX: usize = 256;

    /// This text; `None` when it is longer than [`Memo::MAX`] bytes, or holds characters that steer a terminal or turn
    /// text around.
    #[must_use]
    pub fn new(text: String) -> Option<Self> {
        (text.len() <= Self::MAX && !text.chars().any(deceives)).then_some(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its hash.
    #[must_use]
    pub fn hash(&self) -> Hash {
        tagged(tag::MEMO, &[self.0.as_bytes()])
    }
}

/// Control characters, and the invisible ones that join, split, reverse or hide text: Unicode's separators of lines, its
/// bidirectional controls, and its `Default_Ignorable_Code_Point` but for the selectors of a character's look.
fn deceives(c: char) -> bool {
    let hidden = [
        '\u{ad}'..='\u{ad}',
        '\u{34f}'..='\u{34f}',
        '\u{61c}'..='\u{61c}',
        '\u{115f}'..='\u{1160}',
        '\u{17b4}'..='\u{17b5}',
        '\u{180e}'..='\u{180e}',
        '\u{200b}'..='\u{200f}',
        '\u{2028}'..='\u{202e}',
        '\u{2060}'..='\u{206f}',
        '\u{3164}'..='\u{3164}',
        '\u{feff}'..='\u{feff}',
        '\u{ffa0}'..='\u{ffa0}',
        '\u{fff0}'..='\u{fffb}',
        '\u{1bca0}'..='\u{1bca3}',
        '\u{1d173}'..='\u{1d17a}',
        '\u{e0000}'..='\u{e0fff}',
    ];
    c.is_control() || hidden.iter().any(|range| range.contains(&c))
}

/// What the sender proposes.
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
        Session::new(chain, &self.session, self.features.message(chain), (self.share, receiver))
    }

    /// What the receiver's address key signs: the proof of payment.
    ///
    /// `tag ‖ chain id ‖ session ‖ amount ‖ X_r ‖ C_r ‖ sender's key ‖ memo hash ‖ m`, all but m of fixed width.
    #[must_use]
    pub fn receipt(&self, chain: &ChainId, x_r: &PublicKey, c_r: &Commitment) -> Vec<u8> {
        [
            transcript::tag::PAYMENT.as_bytes(),
            chain.as_bytes(),
            &self.session.0,
            &self.amount.units().to_le_bytes(),
            x_r.as_bytes(),
            c_r.as_bytes(),
            self.sender.sign().as_bytes(),
            self.memo.hash().as_bytes(),
            &self.features.message(chain),
        ]
        .concat()
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

/// Why a slate was refused; where a party is at fault, it is named.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SlateError {
    /// The invite's kernel is not a plain one.
    #[error("the inviter proposes a kernel of a kind that pays nobody")]
    KernelKind,
    /// Nothing is paid, or amount and fee exceed everything there will be.
    #[error("the inviter's amount is zero, or with its fee exceeds all there will be at the last height")]
    AmountRange,
    /// No block would take the payment.
    #[error("the inviter's fee of {fee} is below the least fee of {least}: no block would take the payment")]
    FeeTooLow {
        /// The fee proposed.
        fee: Amount,
        /// The least fee of any payment.
        least: Amount,
    },
    /// The last height is past.
    #[error(
        "the invite can enter a block until height {not_after}, and the next one is {next}; make a new invite"
    )]
    Expired {
        /// The invite's last height.
        not_after: Height,
        /// The height of the next block.
        next: Height,
    },
    /// The first height is far ahead.
    #[error(
        "the inviter's payment can enter no block before height {not_before}, and the next one is {next}"
    )]
    TooEarly {
        /// The invite's first height.
        not_before: Height,
        /// The height of the next block.
        next: Height,
    },
    /// The last height is off the chain's grid.
    #[error(
        "the inviter's last height {not_after} is not a multiple of {grid}: no block would take the payment"
    )]
    OffGrid {
        /// The invite's last height.
        not_after: Height,
        /// The chain's grid, in blocks.
        grid: u64,
    },
    /// The invite is for somebody else.
    #[error("the invite is for another address than this account's")]
    NotForUs,
    /// An address of the invite is not on this network.
    #[error("the inviter's address belongs to another network")]
    InviterNetwork,
    /// The session was used for another invite.
    #[error("the inviter uses one session for two invites; the first was answered, this one is refused")]
    SessionReused,
    /// No invite of this wallet belongs to it.
    #[error("this wallet made no invite that the response could belong to")]
    UnknownSession,
    /// The receiver saw another invite.
    #[error("the responder answers an invite that differs from the one made here: it was altered on its way")]
    InviteAltered,
    /// Another response was accepted.
    #[error("the responder answers twice: another response was accepted before, and no second one ever is")]
    AnsweredTwice,
    /// The invite was cancelled.
    #[error("the invite was cancelled; make a new one")]
    Cancelled,
    /// Too late to cancel for free.
    #[error(
        "what was signed has left; it can come true until height {until} (its last height and the reorganisation limit)"
    )]
    HasLeft {
        /// From the height after this one on it cannot come true.
        until: Height,
    },
    /// A copy cannot know whether it is too late.
    #[error(
        "this is a copy of the wallet that made the invite: that one may have signed, and the payment can come true \
         until height {until}; after it the outputs are free"
    )]
    MayHaveLeft {
        /// From the height after this one on it cannot come true.
        until: Height,
    },
    /// The session's shares or partial signatures are wrong.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// Somebody else answered.
    #[error("the responder is not the address that was invited")]
    ResponderAddress,
    /// The receiver's output is not what was agreed.
    #[error("the responder's output is not the agreed amount under its key and offset")]
    ResponderOutput,
    /// The receiver's range proof does not hold.
    #[error("the responder's range proof does not hold")]
    ResponderProof,
    /// The receiver's proof of payment does not hold.
    #[error("the responder's proof of payment does not hold")]
    ResponderReceipt,
    /// The nonces were sealed by another installation.
    #[error("this invite was made by another installation of the wallet: a copy cannot finish it")]
    ForeignInstallation,
    /// An input is not ours to spend any more.
    #[error("input {output} was spent elsewhere meanwhile; cancel and make a new invite")]
    InputGone {
        /// Which.
        output: PointBytes,
    },
    /// The finished transaction breaks a rule.
    #[error("the finished payment would break a rule: {0}")]
    Rules(#[from] Rejection),
    /// One's own proof could not be made.
    #[error(transparent)]
    Prove(#[from] ProveError),
}
