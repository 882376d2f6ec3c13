//! The bytes of holds in a wallet.
#![deny(clippy::indexing_slicing)]

use super::{
    Ending, Funded, HoldRecord, PayerHold, PayerStage, Pending, Proven, Released, SellerHold, SellerStage,
    Side, Undone,
};
use crate::{
    codec::{Keyed, inputs, list, option, point_bytes, put_inputs, put_list, put_option, put_set, set},
    hold::{Answer, Join, Offer, Part, Prove, Release, payer::Rung},
    keys::Account,
    nonce_vault::EncryptedNonces,
    state::TxStatus,
};
use sotto_mw::{
    amount::Height,
    codec::{Decode, DecodeError, Encode, Reader},
    joint::PreparedProof,
    kernel::Kernel,
    secret::SecretScalar,
    session::SessionId,
    transaction::Transaction,
};

impl Keyed for HoldRecord {
    type Key = SessionId;
    const NAME: &'static str = "holds";
    const LEAST_BYTES: usize = 1_000;

    fn key(&self) -> SessionId {
        self.offer.id
    }
}

impl Encode for HoldRecord {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.account.0.to_le_bytes());
        self.offer.encode(out);
        match &self.side {
            Side::Payer(p) => {
                out.push(0);
                p.encode(out);
            }
            Side::Seller(s) => {
                out.push(1);
                s.encode(out);
            }
        }
        self.funding.encode(out);
        out.push(u8::from(self.ended.is_some()));
        if let Some((ending, height)) = self.ended {
            let code = match ending {
                Ending::Claimed => [0, 0],
                Ending::Undone => [1, 0],
                Ending::Refunded(i) => [2, i],
            };
            out.extend_from_slice(&code);
            height.encode(out);
        }
        put_set(self.outputs.iter().map(|c| &c.0), out);
    }
}

impl Decode for HoldRecord {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (account, offer) = (Account(r.u32()?), Offer::decode(r)?);
        let side = match r.u8()? {
            0 => Side::Payer(PayerHold::decode(r)?),
            1 => Side::Seller(SellerHold::decode(r)?),
            code => return Err(DecodeError::Code { what: "side of a hold", code }),
        };
        let funding = TxStatus::decode(r)?;
        let ended = match r.u8()? {
            0 => None,
            1 => {
                let ending = match (r.u8()?, r.u8()?) {
                    (0, 0) => Ending::Claimed,
                    (1, 0) => Ending::Undone,
                    (2, i) => Ending::Refunded(i),
                    (code, _) => return Err(DecodeError::Code { what: "ending of a hold", code }),
                };
                Some((ending, Height::decode(r)?))
            }
            code => return Err(DecodeError::Code { what: "ending flag", code }),
        };
        let outputs = set(r, "outputs of a hold", point_bytes)?;
        Ok(Self { account, offer, side, funding, ended, outputs })
    }
}

fn put_secret(s: &SecretScalar, out: &mut Vec<u8>) {
    out.extend_from_slice(&*s.to_bytes());
}

fn secret(r: &mut Reader<'_>) -> Result<SecretScalar, DecodeError> {
    SecretScalar::from_bytes(r.array()?).ok_or(DecodeError::Scalar)
}

impl<T: Encode> Encode for Pending<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Sealed(nonces) => {
                out.push(0);
                nonces.encode(out);
            }
            Self::Signed(result) => {
                out.push(1);
                result.encode(out);
            }
        }
    }
}

impl<T: Decode> Decode for Pending<T> {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            0 => Ok(Self::Sealed(EncryptedNonces::decode(r)?)),
            1 => Ok(Self::Signed(T::decode(r)?)),
            code => Err(DecodeError::Code { what: "session of a hold", code }),
        }
    }
}

/// The bytes of a refund: offset and kernel of kind 2.
const RUNG_BYTES: usize = 32 + 25 + 96;

impl Encode for PayerHold {
    fn encode(&self, out: &mut Vec<u8>) {
        put_secret(&self.r, out);
        put_inputs(&self.inputs, out);
        out.push(u8::from(self.change.is_some()));
        self.change.iter().for_each(|c| out.extend_from_slice(&c.0));
        out.extend_from_slice(&self.back);
        match &self.stage {
            PayerStage::Proposed(sealed) => {
                out.push(0);
                put_list(sealed, out);
            }
            PayerStage::Proven(p) => {
                out.push(1);
                p.join.encode(out);
                put_list(&p.rungs, out);
                p.sealed.iter().for_each(|s| s.encode(out));
                p.prepared.encode(out);
            }
            PayerStage::Funded(f) => {
                out.push(2);
                f.join.encode(out);
                f.part.encode(out);
                put_list(&f.rungs, out);
                f.transaction.encode(out);
                f.claim.encode(out);
                f.undo.encode(out);
            }
            PayerStage::Cancelled => out.push(3),
        }
    }
}

impl Decode for PayerHold {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (secret, inputs) = (secret(r)?, inputs(r)?);
        let change = match r.u8()? {
            0 => None,
            1 => Some(point_bytes(r)?),
            code => return Err(DecodeError::Code { what: "change flag", code }),
        };
        let back = r.array()?;
        let stage = match r.u8()? {
            0 => PayerStage::Proposed(list(r, "sessions of a hold", EncryptedNonces::BYTES)?),
            1 => {
                let (join, rungs) = (Join::decode(r)?, list(r, "refunds of a hold", RUNG_BYTES)?);
                let mut sealed = || EncryptedNonces::decode(r);
                let sealed = [sealed()?, sealed()?, sealed()?];
                let prepared = PreparedProof::decode(r)?;
                PayerStage::Proven(Box::new(Proven { join, rungs, sealed, prepared }))
            }
            2 => PayerStage::Funded(Box::new(Funded {
                join: Join::decode(r)?,
                part: Part::decode(r)?,
                rungs: list(r, "refunds of a hold", RUNG_BYTES)?,
                transaction: Transaction::decode(r)?,
                claim: Pending::decode(r)?,
                undo: Pending::decode(r)?,
            })),
            3 => PayerStage::Cancelled,
            code => return Err(DecodeError::Code { what: "stage of a hold", code }),
        };
        Ok(Self { r: secret, inputs, change, back, stage })
    }
}

impl Encode for SellerHold {
    fn encode(&self, out: &mut Vec<u8>) {
        put_secret(&self.r, out);
        self.join.encode(out);
        let (code, letters): (u8, Option<(&Prove, &Part)>) = match &self.stage {
            SellerStage::Joined(_) => (0, None),
            SellerStage::Parted(prove, part) => (1, Some((prove, part))),
            SellerStage::Answered(prove, part, _) => (2, Some((prove, part))),
            SellerStage::Released(prove, part, _) => (3, Some((prove, part))),
        };
        out.push(code);
        if let Some((prove, part)) = letters {
            prove.encode(out);
            part.encode(out);
        }
        match &self.stage {
            SellerStage::Joined(sealed) => sealed.encode(out),
            SellerStage::Parted(..) => {}
            SellerStage::Answered(_, _, answer) => answer.encode(out),
            SellerStage::Released(_, _, released) => released.encode(out),
        }
        put_option(self.undo.as_ref(), out);
        out.push(u8::from(self.published));
    }
}

impl Decode for SellerHold {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (secret, join) = (secret(r)?, Join::decode(r)?);
        let code = r.u8()?;
        let stage = if code == 0 {
            SellerStage::Joined(EncryptedNonces::decode(r)?)
        } else {
            let (prove, part) = (Prove::decode(r)?, Part::decode(r)?);
            match code {
                1 => SellerStage::Parted(prove, part),
                2 => SellerStage::Answered(prove, part, Box::new(Answer::decode(r)?)),
                3 => SellerStage::Released(prove, part, Box::new(Released::decode(r)?)),
                code => return Err(DecodeError::Code { what: "stage of a hold", code }),
            }
        };
        let undo = option(r, "undoing flag")?;
        let published = match r.u8()? {
            code @ 0..=1 => code == 1,
            code => return Err(DecodeError::Code { what: "published flag", code }),
        };
        Ok(Self { r: secret, join, stage, undo, published })
    }
}

impl Encode for Rung {
    fn encode(&self, out: &mut Vec<u8>) {
        self.offset.encode(out);
        self.kernel.encode(out);
    }
}

impl Decode for Rung {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { offset: Decode::decode(r)?, kernel: Kernel::decode(r)? })
    }
}

impl Encode for Released {
    fn encode(&self, out: &mut Vec<u8>) {
        self.answer.encode(out);
        self.release.encode(out);
    }
}

impl Decode for Released {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { answer: Answer::decode(r)?, release: Release::decode(r)? })
    }
}

impl Encode for Undone {
    fn encode(&self, out: &mut Vec<u8>) {
        self.answer.encode(out);
        self.rung.encode(out);
    }
}

impl Decode for Undone {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { answer: Answer::decode(r)?, rung: Rung::decode(r)? })
    }
}
