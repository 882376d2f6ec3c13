//! Bytes of a proof of payment.
#![deny(clippy::indexing_slicing)]

use super::session;
use crate::{
    proof::{Inclusion, Proof},
    slate::receipt::Receipt,
};
use sotto_mw::{
    amount::Amount,
    block::Header,
    chain::Params,
    codec::{Decode, DecodeError, Encode, Reader},
    commitment::Commitment,
    group::Point,
    hash::Hash,
    kernel::{Kernel, KernelFeatures},
    mmr::MmrProof,
    schnorr::{PublicKey, Signature},
    session::Role,
};

impl Encode for Receipt {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.session.0);
        self.amount.encode(out);
        self.features.encode(out);
        self.key.encode(out);
        self.commitment.encode(out);
        out.extend_from_slice(self.sender.as_ref().map_or(&[0; 32], |p| p.as_bytes()));
        self.memo.encode(out);
    }
}

impl Decode for Receipt {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            session: session(r)?,
            amount: Amount::decode(r)?,
            features: KernelFeatures::decode(r)?,
            key: PublicKey::decode(r)?,
            commitment: Commitment::decode(r)?,
            // The identity is nobody's key, and stands for nobody.
            sender: Some(Point::decode(r)?).filter(|p| !p.is_identity()).map(PublicKey::from_point),
            memo: Hash::decode(r)?,
        })
    }
}

impl Encode for Inclusion {
    fn encode(&self, out: &mut Vec<u8>) {
        self.params.encode(out);
        self.header.encode(out);
        self.seal.encode(out);
        self.kernel.encode(out);
        self.index.encode(out);
        self.path.encode(out);
    }
}

impl Decode for Inclusion {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            params: Params::decode(r)?,
            header: Header::decode(r)?,
            seal: Signature::decode(r)?,
            kernel: Kernel::decode(r)?,
            index: r.u64()?,
            path: MmrProof::decode(r)?,
        })
    }
}

impl Encode for Proof {
    fn encode(&self, out: &mut Vec<u8>) {
        self.receipt.encode(out);
        self.receiver.encode(out);
        self.signature.encode(out);
        self.payer.encode(out);
        out.push(self.role as u8);
        self.possession.encode(out);
        self.inclusion.encode(out);
    }
}

impl Decode for Proof {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            receipt: Receipt::decode(r)?,
            receiver: PublicKey::decode(r)?,
            signature: Signature::decode(r)?,
            payer: PublicKey::decode(r)?,
            role: match r.u8()? {
                1 => Role::Inviter,
                2 => Role::Responder,
                code => return Err(DecodeError::Code { what: "role", code }),
            },
            possession: Signature::decode(r)?,
            inclusion: Inclusion::decode(r)?,
        })
    }
}
