//! Outputs: one record for each output of the wallet, in exactly one status, so that nothing is counted
//! twice.
//!
//! ```text
//!                  ┌──────────── on chain ────────────┬──────── on chain, reserved ─────────┐
//!                  │                                  ▼                                     ▼
//! own slate ─▶ Pending ◀─ absent, slate waits ─ Unspent ◀─ cancel, expiry ─ confirmed plan ─▶ Locked
//!                  │                                  │                                     │
//!                  │ absent, its slate failed         └───────── absent, spent ─────────┬───┘
//!                  ▼                                                                    ▼
//!      Failed (forgotten if nothing unconfirmed spends it)  Unspent, Locked ◀─ on chain ── Spent
//!
//! found by a scan for the first time ─▶ Unspent, or Spent if a stored block spends it
//! found by a scan, and its block undone ─▶ forgotten
//! ```
//!
//! After a scan the status is a function of two facts: whether the output is on the chain, and what became of
//! the slates. The order in which confirmations, cancellations, expiries and reorganisations are noticed does
//! not matter.
//!
//! An output of the chain is this wallet's only if its commitment *and* its receiver's key are: who paid a
//! one-sided output knows its opening, and can make the same commitment again under a key of its own
//! ([`Coin`]).
//!
//! ```text
//! bytes = commitment (32) ‖ account (4) ‖ purpose (1) ‖ amount (8) ‖ index (12) ‖ kind ‖ origin ‖ status
//! kind  = 0 plain, 1 coinbase, 2 ‖ R (32) ‖ K_o (32) one-sided, 3 ‖ K_o (32) hidden change
//! ```
#![deny(clippy::indexing_slicing)]

use crate::{
    codec::{Keyed, point_bytes, session},
    keys::{Account, NewOutput, OutputKind, OutputSecret, Purpose},
    reference::Reference,
};
use sotto_mw::{
    amount::{Amount, Height},
    chain::Chain,
    codec::{Decode, DecodeError, Encode, Reader},
    commitment::Commitment,
    group::PointBytes,
    one_sided::OneSidedInput,
    output::OutputFeatures,
    range_proof::Opening,
    session::SessionId,
    transaction::Body,
};

/// An output as the chain identifies it: its commitment and, if it is one-sided, the receiver's key K_o.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Coin {
    /// The commitment.
    pub commitment: PointBytes,
    /// K_o.
    pub receiver: Option<PointBytes>,
}

impl Coin {
    /// The output with this commitment and these features.
    #[must_use]
    pub fn of<S>(c: &Commitment, features: &OutputFeatures<S>) -> Self {
        Self { commitment: c.encoded(), receiver: features.keys().map(|k| k.receiver.encoded()) }
    }

    /// What a body spends.
    pub fn spent_by(body: &Body) -> impl Iterator<Item = Self> {
        let plain = body.inputs.iter().map(|c| Self { commitment: c.encoded(), receiver: None });
        plain.chain(body.one_sided_inputs.iter().map(Self::of_input))
    }

    /// The output that a one-sided input spends.
    #[must_use]
    pub const fn of_input(i: &OneSidedInput) -> Self {
        Self { commitment: i.commitment.encoded(), receiver: Some(i.receiver.encoded()) }
    }
}

/// How the wallet learned of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputOrigin {
    /// A scan found it on the chain.
    Chain,
    /// The wallet created it in this session.
    Slate(SessionId),
}

/// The status of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputStatus {
    /// Created by this wallet, and not on the chain yet.
    Pending,
    /// On the chain and free.
    Unspent {
        /// The height of its block.
        created: Height,
    },
    /// On the chain, and reserved by an open payment.
    Locked {
        /// The height of its block.
        created: Height,
        /// The session of the payment.
        by: SessionId,
    },
    /// No longer on the chain.
    Spent {
        /// The height of the block that created it.
        created: Height,
        /// The height of the block that spent it, or of the scan that noticed, if no stored block shows the
        /// spend.
        spent: Height,
    },
    /// Created by this wallet, and never to be on the chain: its payment failed.
    Failed,
}

/// One output of the wallet. Its blinding factor is derived from these fields and never stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputRecord {
    /// The bytes of the commitment, which identify the output. They are not decoded to a point: decoding
    /// takes longer than reading the rest of the record.
    pub commitment: PointBytes,
    /// The account that owns it.
    pub account: Account,
    /// Received or change.
    pub purpose: Purpose,
    /// Amount and index.
    pub opening: Opening,
    /// What kind of output it is.
    pub kind: OutputKind,
    /// How the wallet learned of it.
    pub origin: OutputOrigin,
    /// Its status.
    pub status: OutputStatus,
}

/// The balance of an account or of a wallet. No output is counted in two of the fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Outputs that the next block can spend.
    pub spendable: Amount,
    /// Outputs that the next block could spend, and that are frozen here.
    pub frozen: Amount,
    /// Block rewards that have not matured yet.
    pub immature: Amount,
    /// Incoming payments that were answered, are not on the chain, and can still enter the next block.
    pub pending: Amount,
    /// Outputs that open payments reserve.
    pub locked: Amount,
    /// The part of `locked` that comes back as change when those payments confirm; not an additional amount.
    pub change: Amount,
    /// What this wallet, as their payer, has in holds: it goes to the seller or comes back. Not in the total.
    pub held: Amount,
}

impl Balance {
    /// Everything the wallet owns on the chain: spendable, frozen, immature and locked.
    #[must_use]
    pub fn total(&self) -> Amount {
        add(add(add(self.spendable, self.frozen), self.immature), self.locked)
    }

    /// Adds one output.
    pub(crate) fn count(&mut self, o: &OutputRecord, chain: &Chain, tip: Height, frozen: bool) {
        let field = match (o.status, o.purpose) {
            (OutputStatus::Pending, Purpose::Received) => &mut self.pending,
            (OutputStatus::Pending, Purpose::Change) => &mut self.change,
            (OutputStatus::Unspent { .. }, _) if o.is_spendable(chain, tip) && frozen => &mut self.frozen,
            (OutputStatus::Unspent { .. }, _) if o.is_spendable(chain, tip) => &mut self.spendable,
            (OutputStatus::Unspent { .. }, _) => &mut self.immature,
            (OutputStatus::Locked { .. }, _) => &mut self.locked,
            (OutputStatus::Spent { .. } | OutputStatus::Failed, _) => return,
        };
        *field = add(*field, o.opening.amount);
    }
}

/// A sum for display. Promised amounts can be absurd, so it saturates instead of wrapping.
fn add(a: Amount, b: Amount) -> Amount {
    a.checked_add(b).unwrap_or(Amount::new(u64::MAX))
}

impl OutputRecord {
    /// The record of an output that `account` creates in this session.
    pub(crate) fn pending(account: Account, session: SessionId, new: &NewOutput) -> Self {
        let NewOutput { commitment, secret: OutputSecret { purpose, kind, opening } } = *new;
        let (commitment, origin) = (commitment.encoded(), OutputOrigin::Slate(session));
        Self { commitment, account, purpose, opening, kind, origin, status: OutputStatus::Pending }
    }

    /// What opens the output.
    pub(crate) const fn secret(&self) -> OutputSecret {
        OutputSecret { purpose: self.purpose, kind: self.kind, opening: self.opening }
    }

    /// The output as the chain identifies it.
    #[must_use]
    pub const fn coin(&self) -> Coin {
        Coin { commitment: self.commitment, receiver: self.kind.receiver() }
    }

    /// Whether this is an output with these features. The same coin with another sender's key is not what was
    /// received: the words alone would not find it.
    pub(crate) fn is_made_with<S>(&self, c: &Commitment, features: &OutputFeatures<S>) -> bool {
        let sender = features.keys().map(|k| k.sender.encoded());
        let same_sender = match self.kind {
            OutputKind::OneSided { sender: known, .. } => sender == Some(known),
            OutputKind::Plain | OutputKind::Coinbase | OutputKind::Hidden { .. } => true,
        };
        same_sender && self.coin() == Coin::of(c, features)
    }

    /// The reference under which somebody paid it one-sidedly.
    #[must_use]
    pub const fn reference(&self) -> Option<Reference> {
        match self.kind {
            OutputKind::OneSided { .. } => Some(Reference(self.opening.index)),
            OutputKind::Plain | OutputKind::Coinbase | OutputKind::Hidden { .. } => None,
        }
    }

    /// The first height at which it can be spent, if it is on the chain.
    #[must_use]
    pub fn matures(&self, chain: &Chain) -> Option<Height> {
        let (OutputStatus::Unspent { created } | OutputStatus::Locked { created, .. }) = self.status else {
            return None;
        };
        let wait = if self.kind == OutputKind::Coinbase { chain.params().maturity } else { 0 };
        Some(created.plus(wait))
    }

    /// Whether the block after `tip` can spend it and no payment reserves it.
    #[must_use]
    pub fn is_spendable(&self, chain: &Chain, tip: Height) -> bool {
        let free = matches!(self.status, OutputStatus::Unspent { .. });
        free && self.matures(chain).is_some_and(|h| h <= tip.next())
    }

    /// Whether this payment reserves it.
    pub(crate) fn is_locked_by(&self, payment: &SessionId) -> bool {
        matches!(self.status, OutputStatus::Locked { by, .. } if by == *payment)
    }
}

pub(crate) fn put_opening(o: &Opening, out: &mut Vec<u8>) {
    o.amount.encode(out);
    out.extend_from_slice(&o.index);
}

pub(crate) fn opening(r: &mut Reader<'_>) -> Result<Opening, DecodeError> {
    Ok(Opening { amount: Amount::decode(r)?, index: r.array()? })
}

impl Keyed for OutputRecord {
    type Key = PointBytes;
    const NAME: &'static str = "outputs";
    const LEAST_BYTES: usize = 60;

    fn key(&self) -> PointBytes {
        self.commitment
    }
}

impl Encode for OutputRecord {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.commitment.0);
        out.extend_from_slice(&self.account.0.to_le_bytes());
        out.push(self.purpose as u8);
        put_opening(&self.opening, out);
        self.kind.encode(out);
        self.origin.encode(out);
        self.status.encode(out);
    }
}

impl Decode for OutputRecord {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            commitment: point_bytes(r)?,
            account: Account(r.u32()?),
            purpose: match r.u8()? {
                0 => Purpose::Received,
                1 => Purpose::Change,
                code => return Err(DecodeError::Code { what: "purpose", code }),
            },
            opening: opening(r)?,
            kind: OutputKind::decode(r)?,
            origin: OutputOrigin::decode(r)?,
            status: OutputStatus::decode(r)?,
        })
    }
}

impl Encode for OutputKind {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Plain => out.push(0),
            Self::Coinbase => out.push(1),
            Self::OneSided { sender, receiver } => {
                out.push(2);
                out.extend_from_slice(&sender.0);
                out.extend_from_slice(&receiver.0);
            }
            Self::Hidden { receiver } => {
                out.push(3);
                out.extend_from_slice(&receiver.0);
            }
        }
    }
}

impl Decode for OutputKind {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            0 => Ok(Self::Plain),
            1 => Ok(Self::Coinbase),
            2 => Ok(Self::OneSided { sender: point_bytes(r)?, receiver: point_bytes(r)? }),
            3 => Ok(Self::Hidden { receiver: point_bytes(r)? }),
            code => Err(DecodeError::Code { what: "output kind", code }),
        }
    }
}

impl Encode for OutputOrigin {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Chain => out.push(0),
            Self::Slate(s) => {
                out.push(1);
                out.extend_from_slice(&s.0);
            }
        }
    }
}

impl Decode for OutputOrigin {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            0 => Ok(Self::Chain),
            1 => Ok(Self::Slate(session(r)?)),
            code => Err(DecodeError::Code { what: "origin", code }),
        }
    }
}

impl Encode for OutputStatus {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Pending => out.push(0),
            Self::Unspent { created } => {
                out.push(1);
                created.encode(out);
            }
            Self::Locked { created, by } => {
                out.push(2);
                created.encode(out);
                out.extend_from_slice(&by.0);
            }
            Self::Spent { created, spent } => {
                out.push(3);
                created.encode(out);
                spent.encode(out);
            }
            Self::Failed => out.push(4),
        }
    }
}

impl Decode for OutputStatus {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            0 => Ok(Self::Pending),
            1 => Ok(Self::Unspent { created: Height::decode(r)? }),
            2 => Ok(Self::Locked { created: Height::decode(r)?, by: session(r)? }),
            3 => Ok(Self::Spent { created: Height::decode(r)?, spent: Height::decode(r)? }),
            4 => Ok(Self::Failed),
            code => Err(DecodeError::Code { what: "status", code }),
        }
    }
}
