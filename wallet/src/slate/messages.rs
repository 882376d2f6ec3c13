//! The four messages of slates, their hashes and their bytes.
//!
//! ```text
//! invite    session (32) ‖ amount (8) ‖ kernel features ‖ share ‖ sender ‖ parts (1) ‖ recipient ‖ memo
//!           ‖ signature (64)
//! response  session (32) ‖ invite hash (32) ‖ share ‖ output ‖ o_r (32) ‖ z_r (32) ‖ receiver ‖ receipt (64)
//! invoice   session (32) ‖ amount (8) ‖ kernel features ‖ share ‖ output ‖ o_r (32) ‖ receiver ‖ [payer]
//!           ‖ memo ‖ receipt (64)
//! payment   session (32) ‖ invoice hash (32) ‖ share ‖ list of inputs ‖ parts (1) ‖ change ‖ bonded part
//!           ‖ o_s (32) ‖ z_s (32) ‖ signature (64)
//! share     X (32) ‖ D (32) ‖ E (32) ‖ proof of possession (64)
//! parts     1 if there is a recipient or change, plus 2 if there is a signature, plus 4 for a bonded part
//! ```
//!
//! The payer's address signs its invite and its payment, each without the signature, after a label and the
//! chain id. No other party can write in its name, and the receipt names a payer who has been proven. A
//! payment to an invoice that names no payer has no signature.
#![deny(clippy::indexing_slicing)]

use super::{BondedPart, Memo, Receipt};
use crate::{
    codec::{list, option, put_list, put_option, session},
    keys::Address,
    outputs::Coin,
    tag,
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::{Amount, Height},
    chain::ChainId,
    codec::{Decode, DecodeError, Encode, Reader},
    commitment::Commitment,
    group::{Point, Scalar},
    hash::{Hash, tagged},
    kernel::KernelFeatures,
    output::Output,
    schnorr::{PublicKey, Signature, sign},
    secret::SecretScalar,
    session::{Session, SessionError, SessionId, Share, Shares},
};

/// The proposal of a payer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// The identifier of the signing session, fresh for every invite.
    pub session: SessionId,
    /// The amount that the receiver gets.
    pub amount: Amount,
    /// The kernel to be signed: its fee and its last height.
    pub features: KernelFeatures,
    /// X, D, E of the payer, with its proof of possession.
    pub share: Share,
    /// The address of the payer.
    pub sender: Address,
    /// The address of the receiver; without it, the first party to respond is paid.
    pub recipient: Option<Address>,
    /// A line of text for the receiver.
    pub memo: Memo,
    /// The signature of the payer's address. Invites in wallets of earlier versions have none; a receiver
    /// refuses them.
    pub signature: Option<Signature>,
}

impl Invite {
    /// The hash of all bytes of the invite on `chain`.
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
    pub(crate) fn session(&self, chain: &ChainId, receiver: Share) -> Result<Session, SessionError> {
        let shares = Shares { inviter: self.share, responder: receiver };
        Session::new(chain, &self.session, self.features.message(chain), shares)
    }

    /// The receipt that the receiver signs when it responds with key X_r and output C_r.
    #[must_use]
    pub fn receipt(&self, x_r: &PublicKey, c_r: &Commitment) -> Receipt {
        Receipt {
            session: self.session,
            amount: self.amount,
            features: self.features,
            key: *x_r,
            commitment: *c_r,
            sender: Some(self.sender.sign()),
            memo: self.memo.hash(),
        }
    }
}

/// The response of a receiver: its own parts only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The signing session.
    pub session: SessionId,
    /// The hash of the invite that the receiver answers.
    pub invite: Hash,
    /// X, D, E of the receiver, with its proof of possession.
    pub share: Share,
    /// C_r with its range proof.
    pub output: Output,
    /// o_r, the receiver's share of the offset.
    pub offset: Scalar,
    /// z_r, the receiver's partial signature.
    pub partial: Scalar,
    /// The address of the receiver.
    pub receiver: Address,
    /// The receipt, signed by the address of the receiver.
    pub receipt: Signature,
}

impl Response {
    /// The hash of all bytes of the response.
    #[must_use]
    pub fn hash(&self) -> Hash {
        tagged(tag::RESPONSE, &[&self.to_bytes()])
    }
}

/// The request of a receiver: its own parts and the receipt, but no partial signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// The identifier of the signing session, fresh for every invoice.
    pub session: SessionId,
    /// The amount that the receiver gets.
    pub amount: Amount,
    /// The kernel to be signed: the fee that the payer adds, and the last height.
    pub features: KernelFeatures,
    /// X, D, E of the receiver, with its proof of possession.
    pub share: Share,
    /// C_r with its range proof.
    pub output: Output,
    /// o_r, the receiver's share of the offset.
    pub offset: Scalar,
    /// The address of the receiver.
    pub receiver: Address,
    /// The address of the payer; without it, anyone can pay.
    pub payer: Option<Address>,
    /// A line of text for the payer.
    pub memo: Memo,
    /// The receipt, signed by the address of the receiver.
    pub receipt: Signature,
}

impl Invoice {
    /// The hash of all bytes of the invoice on `chain`.
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
    pub(crate) fn session(&self, chain: &ChainId, payer: Share) -> Result<Session, SessionError> {
        let shares = Shares { inviter: self.share, responder: payer };
        Session::new(chain, &self.session, self.features.message(chain), shares)
    }

    /// The receipt that the receiver signed.
    #[must_use]
    pub fn receipt(&self) -> Receipt {
        Receipt {
            session: self.session,
            amount: self.amount,
            features: self.features,
            key: self.share.key,
            commitment: self.output.commitment,
            sender: self.payer.map(|p| p.sign()),
            memo: self.memo.hash(),
        }
    }
}

/// The payer's answer to an invoice: its own parts only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The signing session.
    pub session: SessionId,
    /// The hash of the invoice that the payer pays.
    pub invoice: Hash,
    /// X, D, E of the payer, with its proof of possession.
    pub share: Share,
    /// The inputs, in ascending order.
    pub inputs: Vec<Commitment>,
    /// The change with its range proof, if there is any.
    pub change: Option<Output>,
    /// The one-sided part, if the payer spends one-sided outputs.
    pub bonded: Option<BondedPart>,
    /// o_s, the payer's share of the offset.
    pub offset: Scalar,
    /// z_s, the payer's partial signature.
    pub partial: Scalar,
    /// The signature of the payer's address, if the invoice names the payer.
    pub signature: Option<Signature>,
}

impl Payment {
    /// What the payment spends.
    pub fn spent(&self) -> impl Iterator<Item = Coin> {
        let plain = self.inputs.iter().map(|c| Coin { commitment: c.encoded(), receiver: None });
        plain.chain(self.bonded.iter().flat_map(|b| &b.inputs).map(Coin::of_input))
    }

    /// What the payer pays for the transaction, beyond the fee of the invoice.
    #[must_use]
    pub fn own_fee(&self) -> Amount {
        self.bonded.as_ref().map_or(Amount::ZERO, |b| b.kernel.features.fee())
    }

    /// The hash of all bytes of the payment.
    #[must_use]
    pub fn hash(&self) -> Hash {
        tagged(tag::PAYMENT, &[&self.to_bytes()])
    }
}

/// A message that the payer's address signs as a whole.
pub(crate) trait SignedByPayer: Encode + Clone {
    /// The label before the chain and the message in the signed bytes.
    const LABEL: &'static str;

    /// The signature.
    fn signature(&self) -> Option<Signature>;

    /// The same message with another signature.
    fn with_signature(self, signature: Option<Signature>) -> Self;

    /// The signed bytes: the label, the chain, and the message without its signature.
    fn statement(&self, chain: &ChainId) -> Vec<u8> {
        let unsigned = self.clone().with_signature(None);
        [Self::LABEL.as_bytes(), chain.as_bytes(), &unsigned.to_bytes()].concat()
    }

    /// The same message, signed with the key of an address.
    fn signed(self, chain: &ChainId, x: &SecretScalar, rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let signature = sign(x, &self.statement(chain), rng);
        self.with_signature(Some(signature))
    }

    /// Whether this address signed the message.
    fn is_signed_by(&self, chain: &ChainId, payer: &Address) -> bool {
        self.signature().is_some_and(|s| s.verifies(&payer.sign(), &self.statement(chain)))
    }
}

impl SignedByPayer for Invite {
    const LABEL: &'static str = tag::SIGNED_INVITE;

    fn signature(&self) -> Option<Signature> {
        self.signature
    }

    fn with_signature(self, signature: Option<Signature>) -> Self {
        Self { signature, ..self }
    }
}

impl SignedByPayer for Payment {
    const LABEL: &'static str = tag::SIGNED_PAYMENT;

    fn signature(&self) -> Option<Signature> {
        self.signature
    }

    fn with_signature(self, signature: Option<Signature>) -> Self {
        Self { signature, ..self }
    }
}

pub(crate) fn put_share(s: &Share, out: &mut Vec<u8>) {
    s.key.encode(out);
    s.hiding.encode(out);
    s.binding.encode(out);
    s.possession.encode(out);
}

pub(crate) fn share(r: &mut Reader<'_>) -> Result<Share, DecodeError> {
    Ok(Share {
        key: PublicKey::decode(r)?,
        hiding: Point::decode(r)?,
        binding: Point::decode(r)?,
        possession: Signature::decode(r)?,
    })
}

impl Encode for Invite {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.session.0);
        self.amount.encode(out);
        self.features.encode(out);
        put_share(&self.share, out);
        self.sender.encode(out);
        out.push(u8::from(self.recipient.is_some()) | u8::from(self.signature.is_some()) << 1);
        self.recipient.iter().for_each(|a| a.encode(out));
        self.memo.encode(out);
        self.signature.iter().for_each(|s| s.encode(out));
    }
}

impl Decode for Invite {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (session, amount) = (session(r)?, Amount::decode(r)?);
        let (features, share) = (KernelFeatures::decode(r)?, share(r)?);
        let sender = Address::decode(r)?;
        let (named, signed) = match r.u8()? {
            parts @ 0..=3 => (parts & 1 == 1, parts & 2 == 2),
            code => return Err(DecodeError::Code { what: "parts of an invite", code }),
        };
        Ok(Self {
            session,
            amount,
            features,
            share,
            sender,
            recipient: named.then(|| Address::decode(r)).transpose()?,
            memo: Memo::decode(r)?,
            signature: signed.then(|| Signature::decode(r)).transpose()?,
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
        put_list(&self.inputs, out);
        let bonded = u8::from(self.bonded.is_some());
        out.push(u8::from(self.change.is_some()) | u8::from(self.signature.is_some()) << 1 | bonded << 2);
        self.change.iter().for_each(|c| c.encode(out));
        self.bonded.iter().for_each(|b| b.encode(out));
        self.offset.encode(out);
        self.partial.encode(out);
        self.signature.iter().for_each(|s| s.encode(out));
    }
}

impl Decode for Payment {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (session, invoice) = (session(r)?, Hash::decode(r)?);
        let (share, inputs) = (share(r)?, list(r, "inputs", 32)?);
        let parts = match r.u8()? {
            parts @ 0..=7 => parts,
            code => return Err(DecodeError::Code { what: "parts of a payment", code }),
        };
        let has = |bit: u8| parts & bit == bit;
        Ok(Self {
            session,
            invoice,
            share,
            inputs,
            change: has(1).then(|| Output::decode(r)).transpose()?,
            bonded: has(4).then(|| BondedPart::decode(r)).transpose()?,
            offset: Scalar::decode(r)?,
            partial: Scalar::decode(r)?,
            signature: has(2).then(|| Signature::decode(r)).transpose()?,
        })
    }
}
