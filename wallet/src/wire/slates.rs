//! Bytes of what travels between wallets.
#![deny(clippy::indexing_slicing)]

use super::{count, option, put_count, put_option, session};
use crate::{
    keys::Address,
    slate::{
        Invite, Invoice, Memo, Payment, Response,
        encrypt::{Encrypted, Private},
    },
};
use core::marker::PhantomData;
use sotto_mw::{
    amount::Amount,
    chain::Network,
    codec::{Decode, DecodeError, Encode, Reader},
    commitment::Commitment,
    group::{Point, Scalar},
    hash::Hash,
    kernel::KernelFeatures,
    output::Output,
    schnorr::{PublicKey, Signature},
    session::Share,
};

fn put_share(s: &Share, out: &mut Vec<u8>) {
    s.key.encode(out);
    s.hiding.encode(out);
    s.binding.encode(out);
    s.possession.encode(out);
}

fn share(r: &mut Reader<'_>) -> Result<Share, DecodeError> {
    Ok(Share {
        key: PublicKey::decode(r)?,
        hiding: Point::decode(r)?,
        binding: Point::decode(r)?,
        possession: Signature::decode(r)?,
    })
}

impl Encode for Address {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.network() as u8);
        self.sign().encode(out);
        self.encrypt().encode(out);
    }
}

impl Decode for Address {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let network = match r.u8()? {
            0 => Network::Main,
            1 => Network::Test,
            2 => Network::Solo,
            code => return Err(DecodeError::Code { what: "network", code }),
        };
        let (sign, encrypt) = (PublicKey::decode(r)?, PublicKey::decode(r)?);
        Self::new(network, sign, encrypt).ok_or(DecodeError::Point)
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
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let n = u16::from_le_bytes(r.array()?);
        if usize::from(n) > Self::MAX {
            return Err(DecodeError::Bound { what: "a memo", found: n.into(), bound: Self::MAX as u64 });
        }
        let bytes = r.take(n.into())?;
        let text = core::str::from_utf8(bytes).ok().map(str::to_owned);
        text.and_then(Self::new).ok_or(DecodeError::Code { what: "memo text", code: 0 })
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
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
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
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
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

impl Encode for Invoice {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.session.0);
        self.amount.encode(out);
        self.features.encode(out);
        put_share(&self.share, out);
        self.output.encode(out);
        self.offset.encode(out);
        self.receiver.encode(out);
        put_option(self.payer.as_ref(), out);
        self.memo.encode(out);
        self.receipt.encode(out);
    }
}

impl Decode for Invoice {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            session: session(r)?,
            amount: Amount::decode(r)?,
            features: KernelFeatures::decode(r)?,
            share: share(r)?,
            output: Output::decode(r)?,
            offset: Scalar::decode(r)?,
            receiver: Address::decode(r)?,
            payer: option(r, "payer flag")?,
            memo: Memo::decode(r)?,
            receipt: Signature::decode(r)?,
        })
    }
}

impl Encode for Payment {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.session.0);
        self.invoice.encode(out);
        put_share(&self.share, out);
        put_count(self.inputs.len(), out);
        self.inputs.iter().for_each(|c| c.encode(out));
        put_option(self.change.as_ref(), out);
        self.offset.encode(out);
        self.partial.encode(out);
    }
}

impl Decode for Payment {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (session, invoice, share) = (session(r)?, Hash::decode(r)?, share(r)?);
        let n = count(r, "inputs", 32)?;
        Ok(Self {
            session,
            invoice,
            share,
            inputs: (0..n).map(|_| Commitment::decode(r)).collect::<Result<_, _>>()?,
            change: option(r, "change flag")?,
            offset: Scalar::decode(r)?,
            partial: Scalar::decode(r)?,
        })
    }
}

/// The ephemeral key and all that follows: whole rooms, and the tag of the cipher.
impl<T: Private> Encode for Encrypted<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.ephemeral.encode(out);
        out.extend_from_slice(&self.text);
    }
}

impl<T: Private> Decode for Encrypted<T> {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let ephemeral = Point::decode(r)?;
        let n = r.left();
        if n > Self::MAX {
            return Err(DecodeError::Bound {
                what: "an encrypted text",
                found: n as u64,
                bound: Self::MAX as u64,
            });
        }
        let text = n.saturating_sub(Self::TAG);
        if text == 0 || !text.is_multiple_of(T::ROOM) {
            return Err(DecodeError::Short { needed: T::ROOM - text % T::ROOM });
        }
        Ok(Self { ephemeral, text: r.take(n)?.to_vec(), letter: PhantomData })
    }
}
