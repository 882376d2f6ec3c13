//! Bytes of what a wallet remembers.
#![deny(clippy::indexing_slicing)]

use super::{count, flag, map, option, put_count, put_map, put_option, session};
use crate::{
    contacts::{Contacts, Name},
    keys::{Account, Address, Purpose},
    outputs::{Origin, OutputRecord, Status},
    scan::Search,
    slate::{Invite, Invoice, Payment, Response, seal::Sealed},
    state::{AccountInfo, Asked, AskedStage, Fate, Moved, Paid, Reason, Received, Sent, State},
};
use sotto_mw::{
    amount::{Amount, Height},
    codec::{Decode, DecodeError, Encode, Reader},
    group::PointBytes,
    hash::Hash,
    kernel::Excess,
    output::OutputFeatures,
    range_proof::Opening,
    transaction::Transaction,
};

/// The name of an output: what it is called in an index, not decoded as a point.
pub(super) fn name(r: &mut Reader<'_>) -> Result<PointBytes, DecodeError> {
    r.array().map(PointBytes)
}

pub(super) fn put_names(all: &[PointBytes], out: &mut Vec<u8>) {
    put_count(all.len(), out);
    all.iter().for_each(|c| out.extend_from_slice(&c.0));
}

pub(super) fn names(r: &mut Reader<'_>) -> Result<Vec<PointBytes>, DecodeError> {
    let n = count(r, "inputs", 32)?;
    (0..n).map(|_| name(r)).collect()
}

impl Encode for Sealed {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}

impl Decode for Sealed {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.array().map(Self)
    }
}

fn put_opening(o: &Opening, out: &mut Vec<u8>) {
    o.amount.encode(out);
    out.extend_from_slice(&o.index);
}

fn opening(r: &mut Reader<'_>) -> Result<Opening, DecodeError> {
    Ok(Opening { amount: Amount::decode(r)?, index: r.array()? })
}

impl Encode for OutputRecord {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.commitment.0);
        out.extend_from_slice(&self.account.0.to_le_bytes());
        out.push(self.purpose as u8);
        put_opening(&self.opening, out);
        out.push(self.features as u8);
        match self.origin {
            Origin::Chain => out.push(0),
            Origin::Slate(s) => {
                out.push(1);
                out.extend_from_slice(&s.0);
            }
        }
        match self.status {
            Status::Pending => out.push(0),
            Status::Unspent { created } => {
                out.push(1);
                created.encode(out);
            }
            Status::Locked { created, by } => {
                out.push(2);
                created.encode(out);
                out.extend_from_slice(&by.0);
            }
            Status::Spent { created, gone } => {
                out.push(3);
                created.encode(out);
                gone.encode(out);
            }
            Status::Failed => out.push(4),
        }
    }
}

impl Decode for OutputRecord {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            commitment: name(r)?,
            account: Account(r.u32()?),
            purpose: match r.u8()? {
                0 => Purpose::Received,
                1 => Purpose::Change,
                code => return Err(DecodeError::Code { what: "purpose", code }),
            },
            opening: opening(r)?,
            features: match r.u8()? {
                0 => OutputFeatures::Plain,
                1 => OutputFeatures::Coinbase,
                code => return Err(DecodeError::Code { what: "output kind", code }),
            },
            origin: match r.u8()? {
                0 => Origin::Chain,
                1 => Origin::Slate(session(r)?),
                code => return Err(DecodeError::Code { what: "origin", code }),
            },
            status: match r.u8()? {
                0 => Status::Pending,
                1 => Status::Unspent { created: Height::decode(r)? },
                2 => Status::Locked { created: Height::decode(r)?, by: session(r)? },
                3 => Status::Spent { created: Height::decode(r)?, gone: Height::decode(r)? },
                4 => Status::Failed,
                code => return Err(DecodeError::Code { what: "status", code }),
            },
        })
    }
}

impl Encode for Fate {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Waiting => out.push(0),
            Self::Confirmed { height } => {
                out.push(1);
                height.encode(out);
            }
            Self::Failed => out.push(2),
            Self::Displaced { height } => {
                out.push(3);
                height.encode(out);
            }
        }
    }
}

impl Decode for Fate {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            0 => Ok(Self::Waiting),
            1 => Ok(Self::Confirmed { height: Height::decode(r)? }),
            2 => Ok(Self::Failed),
            3 => Ok(Self::Displaced { height: Height::decode(r)? }),
            code => Err(DecodeError::Code { what: "fate", code }),
        }
    }
}

impl Encode for Received {
    fn encode(&self, out: &mut Vec<u8>) {
        self.invite.encode(out);
        out.extend_from_slice(&self.account.0.to_le_bytes());
        self.response.encode(out);
        self.excess.encode(out);
        self.fate.encode(out);
    }
}

impl Decode for Received {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            invite: Invite::decode(r)?,
            account: Account(r.u32()?),
            response: Response::decode(r)?,
            excess: Excess::decode(r)?,
            fate: Fate::decode(r)?,
        })
    }
}

impl Encode for Asked {
    fn encode(&self, out: &mut Vec<u8>) {
        self.invoice.encode(out);
        out.extend_from_slice(&self.account.0.to_le_bytes());
        put_opening(&self.opening, out);
        match &self.stage {
            AskedStage::Open(sealed) => {
                out.push(0);
                sealed.encode(out);
            }
            AskedStage::Cancelled => out.push(1),
            AskedStage::Collected { payment, transaction, excess, fate } => {
                out.push(2);
                payment.encode(out);
                transaction.encode(out);
                excess.encode(out);
                fate.encode(out);
            }
        }
    }
}

impl Decode for Asked {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            invoice: Invoice::decode(r)?,
            account: Account(r.u32()?),
            opening: opening(r)?,
            stage: match r.u8()? {
                0 => AskedStage::Open(Sealed::decode(r)?),
                1 => AskedStage::Cancelled,
                2 => AskedStage::Collected {
                    payment: Box::new(Payment::decode(r)?),
                    transaction: Transaction::decode(r)?,
                    excess: Excess::decode(r)?,
                    fate: Fate::decode(r)?,
                },
                code => return Err(DecodeError::Code { what: "stage", code }),
            },
        })
    }
}

impl Encode for Paid {
    fn encode(&self, out: &mut Vec<u8>) {
        self.invoice.encode(out);
        out.extend_from_slice(&self.account.0.to_le_bytes());
        self.payment.encode(out);
        self.excess.encode(out);
        self.fate.encode(out);
    }
}

impl Decode for Paid {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            invoice: Invoice::decode(r)?,
            account: Account(r.u32()?),
            payment: Payment::decode(r)?,
            excess: Excess::decode(r)?,
            fate: Fate::decode(r)?,
        })
    }
}

impl Encode for Contacts {
    fn encode(&self, out: &mut Vec<u8>) {
        put_count(self.0.len(), out);
        for (name, address) in &self.0 {
            out.push(u8::try_from(name.as_str().len()).unwrap_or(u8::MAX));
            out.extend_from_slice(name.as_str().as_bytes());
            address.encode(out);
        }
    }
}

/// Names in strictly ascending order.
impl Decode for Contacts {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let n = count(r, "contacts", LEAST_CONTACT)?;
        let mut all = Self::default();
        for _ in 0..n {
            let n = r.u8()?;
            let text = core::str::from_utf8(r.take(n.into())?).ok();
            let name =
                text.and_then(Name::new).ok_or(DecodeError::Code { what: "contact's name", code: n })?;
            if all.0.last_key_value().is_some_and(|(last, _)| *last >= name) {
                return Err(DecodeError::Code { what: "ascending name", code: 0 });
            }
            all.0.insert(name, Address::decode(r)?);
        }
        Ok(all)
    }
}

/// Fewest bytes of an output record and of payments: never more than one can have, or a wallet could be written that
/// cannot be read.
const LEAST_OUTPUT: usize = 60;
pub(super) const LEAST_INVITE: usize = 32 + 8 + 9 + 160 + 65 + 1 + 2;
const LEAST_SENT: usize = LEAST_INVITE + 32 + 4 + 4 + 1 + 4 + 1;
const LEAST_RECEIVED: usize = LEAST_INVITE + 1_000;
const LEAST_ASKED: usize = 1_000;
const LEAST_PAID: usize = 1_000;
const LEAST_CONTACT: usize = 1 + 1 + 65;

impl Encode for Moved {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.session.0);
        out.extend_from_slice(&self.account.0.to_le_bytes());
        match self.reason {
            Reason::Consolidation => out.push(0),
            Reason::SelfSpend { of } => {
                out.push(1);
                out.extend_from_slice(&of.0);
            }
        }
        put_names(&self.inputs, out);
        out.extend_from_slice(&self.output.0);
        self.not_after.encode(out);
        self.transaction.encode(out);
        self.excess.encode(out);
        self.fate.encode(out);
    }
}

impl Decode for Moved {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            session: session(r)?,
            account: Account(r.u32()?),
            reason: match r.u8()? {
                0 => Reason::Consolidation,
                1 => Reason::SelfSpend { of: session(r)? },
                code => return Err(DecodeError::Code { what: "reason", code }),
            },
            inputs: names(r)?,
            output: name(r)?,
            not_after: Height::decode(r)?,
            transaction: Transaction::decode(r)?,
            excess: Excess::decode(r)?,
            fate: Fate::decode(r)?,
        })
    }
}

impl Encode for AccountInfo {
    fn encode(&self, out: &mut Vec<u8>) {
        self.searched.encode(out);
        out.push(u8::try_from(self.name.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(self.name.as_bytes());
    }
}

impl Decode for AccountInfo {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (searched, n) = (Height::decode(r)?, r.u8()?);
        let name = core::str::from_utf8(r.take(n.into())?).unwrap_or("?").to_owned();
        match name.is_empty() || Self::is_name(&name) {
            true => Ok(Self { name, searched }),
            false => Err(DecodeError::Code { what: "account's name", code: n }),
        }
    }
}

impl Encode for Search {
    fn encode(&self, out: &mut Vec<u8>) {
        self.birthday.encode(out);
        out.extend_from_slice(&self.accounts.to_le_bytes());
        out.extend_from_slice(&self.tried.to_le_bytes());
        self.tip.0.encode(out);
        self.tip.1.encode(out);
        out.push(u8::from(self.after.is_some()));
        self.after.iter().for_each(|key| key.encode(out));
        put_map(&self.found, out);
    }
}

impl Decode for Search {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            birthday: Height::decode(r)?,
            accounts: r.u32()?,
            tried: r.u32()?,
            tip: (Height::decode(r)?, Hash::decode(r)?),
            after: flag(r, "place in a search")?.then(|| Hash::decode(r)).transpose()?,
            found: map(r, ("outputs found", LEAST_OUTPUT), |o: &OutputRecord| o.commitment)?,
        })
    }
}

const LEAST_ACCOUNT: usize = 9;
const LEAST_MOVED: usize = 32 + 4 + 1 + 4 + 32 + 8 + 32 + 1;

impl Encode for State {
    fn encode(&self, out: &mut Vec<u8>) {
        self.tip.encode(out);
        self.tip_hash.encode(out);
        put_count(self.accounts.len(), out);
        self.accounts.iter().for_each(|a| a.encode(out));
        put_option(self.search.as_ref(), out);
        put_map(&self.outputs, out);
        put_map(&self.sent, out);
        put_map(&self.received, out);
        put_map(&self.asked, out);
        put_map(&self.paid, out);
        put_map(&self.moved, out);
        self.contacts.encode(out);
        self.anchor.0.encode(out);
        self.anchor.1.encode(out);
    }
}

impl Decode for State {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let before = Self::decode_before_anchors(r)?;
        Ok(Self { anchor: (Height::decode(r)?, Hash::decode(r)?), ..before })
    }
}

impl State {
    /// Reads what was written before there were anchors.
    pub(super) fn decode_before_anchors(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (tip, tip_hash) = (Height::decode(r)?, Hash::decode(r)?);
        let n = count(r, "accounts", LEAST_ACCOUNT)?;
        Ok(Self {
            tip,
            tip_hash,
            anchor: Self::default().anchor,
            accounts: (0..n).map(|_| AccountInfo::decode(r)).collect::<Result<_, _>>()?,
            search: option(r, "search flag")?,
            outputs: map(r, ("outputs", LEAST_OUTPUT), |o: &OutputRecord| o.commitment)?,
            sent: map(r, ("payments made", LEAST_SENT), |s: &Sent| s.id)?,
            received: map(r, ("payments received", LEAST_RECEIVED), |p: &Received| p.invite.session)?,
            asked: map(r, ("invoices", LEAST_ASKED), |a: &Asked| a.invoice.session)?,
            paid: map(r, ("invoices paid", LEAST_PAID), |p: &Paid| p.invoice.session)?,
            moved: map(r, ("moves", LEAST_MOVED), |m: &Moved| m.session)?,
            contacts: Contacts::decode(r)?,
        })
    }
}
