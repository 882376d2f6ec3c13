//! The wallet's bytes: canonical, versioned, bounded before anything is allocated.
//!
//! Slates travel in an envelope, and a wallet's contents start with a version byte; everything else is fixed by those.
//! Integers are little-endian; points and scalars are canonical; maps are in strictly ascending order of their keys;
//! a missing value is the byte 0, a present one the byte 1 and the value.
//!
//! ```text
//! envelope   kind (1) ‖ version (1) ‖ chain id (32) ‖ body
//! invite     session (32) ‖ amount (8) ‖ kernel features ‖ share (160) ‖ sender (65) ‖ [recipient (65)] ‖ memo (2 + n)
//! response   session (32) ‖ invite hash (32) ‖ share (160) ‖ output ‖ o (32) ‖ z (32) ‖ receiver (65) ‖ receipt (64)
//! share      X (32) ‖ D (32) ‖ E (32) ‖ proof of possession (64)
//! address    network (1) ‖ signing key (32) ‖ encryption key (32)
//! contents   version (1) ‖ chain parameters ‖ entropy (32) ‖ state
//! ```
#![deny(clippy::indexing_slicing)]

use crate::{
    keys::{Account, Address, Purpose, Words},
    outputs::{Origin, OutputRecord, Status},
    slate::{Invite, Memo, Response, seal::Sealed},
    state::{Fate, Received, Sent, Stage, State},
};
use mw::{
    amount::{Amount, Height},
    block::ChainId,
    commitment::Commitment,
    group::{Point, Scalar},
    hash::Hash,
    kernel::{Excess, KernelFeatures},
    range_proof::{Opening, PROOF_BYTES},
    rules::params::{Network, Params},
    schnorr::{
        PublicKey, Signature,
        session::{SessionId, Share},
    },
    transaction::{Output, OutputFeatures, Transaction},
    wire::{Decode, Encode, Reader, WireError},
};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Version of the bytes in this module.
pub const VERSION: u8 = 1;

/// Most records of one kind in a wallet.
const MAX_RECORDS: u32 = 1 << 24;

fn version(r: &mut Reader<'_>) -> Result<(), WireError> {
    match r.u8()? {
        VERSION => Ok(()),
        found => Err(WireError::Version { found }),
    }
}

fn put_option<T: Encode>(x: Option<&T>, out: &mut Vec<u8>) {
    out.push(u8::from(x.is_some()));
    x.into_iter().for_each(|x| x.encode(out));
}

fn option<T: Decode>(r: &mut Reader<'_>, what: &'static str) -> Result<Option<T>, WireError> {
    match r.u8()? {
        0 => Ok(None),
        1 => T::decode(r).map(Some),
        code => Err(WireError::Code { what, code }),
    }
}

fn count(r: &mut Reader<'_>, what: &'static str, least_bytes: usize) -> Result<u32, WireError> {
    let n = r.u32()?;
    if n > MAX_RECORDS {
        return Err(WireError::Bound { what, found: n.into(), bound: MAX_RECORDS.into() });
    }
    let needed = (n as usize).saturating_mul(least_bytes);
    if needed > r.left() {
        return Err(WireError::Short { needed: needed - r.left() });
    }
    Ok(n)
}

fn put_count(n: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes());
}

/// A map whose records contain their key; keys must be strictly ascending.
fn map<K: Ord, T: Decode>(
    r: &mut Reader<'_>,
    (what, least_bytes): (&'static str, usize),
    key: impl Fn(&T) -> K,
) -> Result<BTreeMap<K, T>, WireError> {
    let n = count(r, what, least_bytes)?;
    let mut all = BTreeMap::new();
    for _ in 0..n {
        let record = T::decode(r)?;
        let k = key(&record);
        if all.last_key_value().is_some_and(|(last, _)| *last >= k) {
            return Err(WireError::Code { what: "ascending record", code: 0 });
        }
        all.insert(k, record);
    }
    Ok(all)
}

fn put_map<K, T: Encode>(all: &BTreeMap<K, T>, out: &mut Vec<u8>) {
    put_count(all.len(), out);
    all.values().for_each(|x| x.encode(out));
}

fn put_share(s: &Share, out: &mut Vec<u8>) {
    s.key.encode(out);
    s.hiding.encode(out);
    s.binding.encode(out);
    s.possession.encode(out);
}

fn share(r: &mut Reader<'_>) -> Result<Share, WireError> {
    Ok(Share {
        key: PublicKey::decode(r)?,
        hiding: Point::decode(r)?,
        binding: Point::decode(r)?,
        possession: Signature::decode(r)?,
    })
}

fn session(r: &mut Reader<'_>) -> Result<SessionId, WireError> {
    r.array().map(SessionId)
}

impl Encode for Address {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.network() as u8);
        self.sign().encode(out);
        self.encrypt().encode(out);
    }
}

impl Decode for Address {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let network = match r.u8()? {
            0 => Network::Main,
            1 => Network::Test,
            2 => Network::Solo,
            code => return Err(WireError::Code { what: "network", code }),
        };
        let (sign, encrypt) = (PublicKey::decode(r)?, PublicKey::decode(r)?);
        Self::new(network, sign, encrypt).ok_or(WireError::Point)
    }
}

impl Encode for Memo {
    fn encode(&self, out: &mut Vec<u8>) {
        let text = self.as_str().as_bytes();
        out.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes());
        out.extend_from_slice(text);
    }
}

impl Decode for Memo {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let n = u16::from_le_bytes(r.array()?);
        if usize::from(n) > Self::MAX {
            return Err(WireError::Bound { what: "a memo", found: n.into(), bound: Self::MAX as u64 });
        }
        let bytes = r.take(n.into())?;
        let text = core::str::from_utf8(bytes).ok().map(str::to_owned);
        text.and_then(Self::new).ok_or(WireError::Code { what: "memo text", code: 0 })
    }
}

impl Encode for Invite {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.session.0);
        self.amount.encode(out);
        self.features.encode(out);
        put_share(&self.share, out);
        self.sender.encode(out);
        put_option(self.recipient.as_ref(), out);
        self.memo.encode(out);
    }
}

impl Decode for Invite {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            session: session(r)?,
            amount: Amount::decode(r)?,
            features: KernelFeatures::decode(r)?,
            share: share(r)?,
            sender: Address::decode(r)?,
            recipient: option(r, "recipient flag")?,
            memo: Memo::decode(r)?,
        })
    }
}

impl Encode for Response {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.session.0);
        self.invite.encode(out);
        put_share(&self.share, out);
        self.output.encode(out);
        self.offset.encode(out);
        self.partial.encode(out);
        self.receiver.encode(out);
        self.receipt.encode(out);
    }
}

impl Decode for Response {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            session: session(r)?,
            invite: Hash::decode(r)?,
            share: share(r)?,
            output: Output::decode(r)?,
            offset: Scalar::decode(r)?,
            partial: Scalar::decode(r)?,
            receiver: Address::decode(r)?,
            receipt: Signature::decode(r)?,
        })
    }
}

/// What stands before every message that leaves a wallet: what it is, and for which chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub(crate) kind: u8,
    pub(crate) chain: ChainId,
}

impl Encode for Envelope {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.kind, VERSION]);
        self.chain.encode(out);
    }
}

impl Decode for Envelope {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let kind = r.u8()?;
        version(r)?;
        Ok(Self { kind, chain: ChainId::decode(r)? })
    }
}

impl Encode for Sealed {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}

impl Decode for Sealed {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.array().map(Self)
    }
}

impl Encode for OutputRecord {
    fn encode(&self, out: &mut Vec<u8>) {
        self.commitment.encode(out);
        out.extend_from_slice(&self.account.0.to_le_bytes());
        out.push(self.purpose as u8);
        self.opening.amount.encode(out);
        out.extend_from_slice(&self.opening.index);
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
            Status::Spent { noticed } => {
                out.push(3);
                noticed.encode(out);
            }
        }
    }
}

impl Decode for OutputRecord {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            commitment: Commitment::decode(r)?,
            account: Account(r.u32()?),
            purpose: match r.u8()? {
                0 => Purpose::Received,
                1 => Purpose::Change,
                code => return Err(WireError::Code { what: "purpose", code }),
            },
            opening: Opening { amount: Amount::decode(r)?, index: r.array()? },
            features: match r.u8()? {
                0 => OutputFeatures::Plain,
                1 => OutputFeatures::Coinbase,
                code => return Err(WireError::Code { what: "output kind", code }),
            },
            origin: match r.u8()? {
                0 => Origin::Chain,
                1 => Origin::Slate(session(r)?),
                code => return Err(WireError::Code { what: "origin", code }),
            },
            status: match r.u8()? {
                0 => Status::Pending,
                1 => Status::Unspent { created: Height::decode(r)? },
                2 => Status::Locked { created: Height::decode(r)?, by: session(r)? },
                3 => Status::Spent { noticed: Height::decode(r)? },
                code => return Err(WireError::Code { what: "status", code }),
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
            Self::Expired => out.push(2),
        }
    }
}

impl Decode for Fate {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        match r.u8()? {
            0 => Ok(Self::Waiting),
            1 => Ok(Self::Confirmed { height: Height::decode(r)? }),
            2 => Ok(Self::Expired),
            code => Err(WireError::Code { what: "fate", code }),
        }
    }
}

impl Encode for Sent {
    fn encode(&self, out: &mut Vec<u8>) {
        self.invite.encode(out);
        out.extend_from_slice(&self.account.0.to_le_bytes());
        put_count(self.inputs.len(), out);
        self.inputs.iter().for_each(|c| c.encode(out));
        put_option(self.change.as_ref(), out);
        match &self.stage {
            Stage::Invited(sealed) => {
                out.push(0);
                sealed.encode(out);
            }
            Stage::Cancelled => out.push(1),
            Stage::Finalised { response, transaction, excess, fate } => {
                out.push(2);
                response.encode(out);
                transaction.encode(out);
                excess.encode(out);
                fate.encode(out);
            }
        }
    }
}

impl Decode for Sent {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let (invite, account) = (Invite::decode(r)?, Account(r.u32()?));
        let n = count(r, "inputs", 32)?;
        let inputs = (0..n).map(|_| Commitment::decode(r)).collect::<Result<_, _>>()?;
        let change = option(r, "change flag")?;
        let stage = match r.u8()? {
            0 => Stage::Invited(Sealed::decode(r)?),
            1 => Stage::Cancelled,
            2 => Stage::Finalised {
                response: Box::new(Response::decode(r)?),
                transaction: Transaction::decode(r)?,
                excess: Excess::decode(r)?,
                fate: Fate::decode(r)?,
            },
            code => return Err(WireError::Code { what: "stage", code }),
        };
        Ok(Self { account, invite, inputs, change, stage })
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
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            invite: Invite::decode(r)?,
            account: Account(r.u32()?),
            response: Response::decode(r)?,
            excess: Excess::decode(r)?,
            fate: Fate::decode(r)?,
        })
    }
}

/// Fewest bytes of an output record, of a sent payment and of a received one.
const LEAST_OUTPUT: usize = 60;
const LEAST_SENT: usize = 350;
const LEAST_RECEIVED: usize = 1_000;

impl Encode for State {
    fn encode(&self, out: &mut Vec<u8>) {
        self.tip.encode(out);
        out.extend_from_slice(&self.accounts.to_le_bytes());
        put_map(&self.outputs, out);
        put_map(&self.sent, out);
        put_map(&self.received, out);
    }
}

impl Decode for State {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            tip: Height::decode(r)?,
            accounts: r.u32()?,
            outputs: map(r, ("outputs", LEAST_OUTPUT), |o: &OutputRecord| o.commitment)?,
            sent: map(r, ("payments made", LEAST_SENT), |s: &Sent| s.invite.session)?,
            received: map(r, ("payments received", LEAST_RECEIVED), |p: &Received| p.invite.session)?,
        })
    }
}

/// Everything a wallet keeps.
pub(crate) struct Contents {
    pub(crate) params: Params,
    pub(crate) entropy: Zeroizing<[u8; Words::ENTROPY]>,
    pub(crate) state: State,
}

/// The bytes of a wallet's contents; wiped when dropped, and written without reallocating.
pub(crate) fn contents(params: &Params, entropy: &[u8; Words::ENTROPY], state: &State) -> Zeroizing<Vec<u8>> {
    let (params, state) = (params.to_bytes(), Zeroizing::new(state.to_bytes()));
    let mut out = Zeroizing::new(Vec::with_capacity(1 + params.len() + entropy.len() + state.len()));
    out.push(VERSION);
    out.extend_from_slice(&params);
    out.extend_from_slice(entropy);
    out.extend_from_slice(&state);
    out
}

impl Decode for Contents {
    fn decode(r: &mut Reader<'_>) -> Result<Self, WireError> {
        version(r)?;
        let (params, entropy) = (Params::decode(r)?, Zeroizing::new(r.array()?));
        Ok(Self { params, entropy, state: State::decode(r)? })
    }
}

const _: () = assert!(LEAST_RECEIVED > PROOF_BYTES);
