//! Proofs of payment: anyone can verify offline that the owner of an address was paid an amount.
//!
//! ```text
//! network      the receiver's address is of the network of the chain's parameters
//! receipt      the receiver's address signed (session, amount, X_r, C_r, payer's key, memo hash, m)
//! possession   a party knew x_s in this session; otherwise X_s := E − X_r would claim any kernel E
//! excess       E = X_s + X_r, and the kernel is the one of the receipt, signed under E
//! inclusion    the kernel is in the mountain range of a header
//! seal         the operator of the chain, whose identifier the verifier knows, sealed that header; on a chain
//!              of validators the first of them, under the first terms: later ones are not in the proof
//!
//! bytes     = receipt ‖ receiver's address (65) ‖ receipt's signature (64) ‖ X_s (32) ‖ role (1)
//!             ‖ possession (64) ‖ inclusion
//! inclusion = length (2) ‖ parameters ‖ header ‖ seal ‖ kernel ‖ index (8) ‖ path
//! ```
//!
//! **Guaranteed**: the receiver promised that this kernel pays it this amount, and the kernel is in a sealed
//! block.
//!
//! **Not guaranteed**: that the block is still in the chain (an operator that seals two blocks at one height
//! leaves evidence of it), and who presents the proof: anyone who has the file can show it. The memo remains
//! hidden; a party that knows it can compare its hash. Source: `docs/SIGNING.md`, "Proofs of payment".
#![deny(clippy::indexing_slicing)]

use crate::{
    armor::{Message, MessageKind},
    keys::Address,
    slate::Receipt,
};
use sotto_mw::{
    amount::Height,
    block::{Header, Seal, SealedHeader},
    chain::{Chain, ChainId, Params, ParamsError},
    codec::{Decode, DecodeError, Encode, Reader},
    hash::Hash,
    kernel::{Excess, Kernel},
    mmr::{Mmr, MmrError, MmrProof},
    schnorr::{PublicKey, Signature},
    session::{Participant, Role},
};

/// Evidence that a kernel is in a sealed block of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelInclusion {
    /// The parameters of the chain; their hash is its identifier.
    pub params: Params,
    /// The header of the block with the kernel, or of a later block.
    pub header: Header,
    /// The seal of the header.
    pub seal: Seal,
    /// The kernel.
    pub kernel: Kernel,
    /// The index of the kernel among all kernels of the chain.
    pub index: u64,
    /// The path from the kernel to the root in the header.
    pub path: MmrProof,
}

impl KernelInclusion {
    /// Finds the kernel with this excess among the kernels of the chain up to `sealed`; `None` when it is not
    /// there.
    ///
    /// `kernels` yields all kernels of the chain in order; those after the header are not requested.
    ///
    /// # Errors
    /// The error of `kernels`.
    pub fn find<E>(
        params: &Params,
        sealed: &SealedHeader,
        kernels: impl IntoIterator<Item = Result<Kernel, E>>,
        excess: &Excess,
    ) -> Result<Option<Self>, E> {
        let SealedHeader { header, seal } = sealed;
        let (mut range, mut found) = (Mmr::new(), None);
        let count = usize::try_from(header.kernel_count).unwrap_or(usize::MAX);
        for kernel in kernels.into_iter().take(count) {
            let kernel = kernel?;
            range.push(kernel.id());
            if kernel.excess == *excess {
                found = Some((kernel, range.len() - 1));
            }
        }
        Ok(found.and_then(|(kernel, index)| {
            let path = range.prove(index)?;
            Some(Self {
                params: params.clone(),
                header: header.clone(),
                seal: seal.clone(),
                kernel,
                index,
                path,
            })
        }))
    }

    fn verify(&self, chain: &ChainId) -> Result<(), PaymentProofError> {
        let found = Chain::new(self.params.clone())?;
        if found.id() != chain {
            return Err(PaymentProofError::OtherChain { found: *found.id(), expected: *chain });
        }
        let sealed = SealedHeader { header: self.header.clone(), seal: self.seal.clone() };
        if !sealed.holds(&found) {
            return Err(PaymentProofError::Seal);
        }
        let Header { kernel_root, kernel_count, .. } = &self.header;
        self.path.verify(kernel_root, &self.kernel.id(), self.index, *kernel_count)?;
        Ok(())
    }
}

/// A proof that an address was paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentProof {
    /// The statement of the receiver.
    pub receipt: Receipt,
    /// The receiver's address. Its signing key is proven: of an interactive address, the receipt does not
    /// cover the encryption key ([`Address::proven_text`]).
    pub receiver: Address,
    /// The receiver's signature of the receipt.
    pub signature: Signature,
    /// X_s, the payer's part of the excess.
    pub payer: PublicKey,
    /// The role of the payer in the session.
    pub role: Role,
    /// The proof that the payer knew x_s.
    pub possession: Signature,
    /// The evidence that the payment is in the chain.
    pub inclusion: KernelInclusion,
}

/// What a valid proof shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProvenPayment {
    /// The height of a block that contains the payment, in itself or in its past.
    pub height: Height,
    /// That block's hash.
    pub block: Hash,
}

/// Why a proof of payment cannot be made, or is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PaymentProofError {
    /// The session is not a payment of this wallet.
    #[error("this wallet made no payment in that session")]
    UnknownSession,
    /// The payment is not confirmed.
    #[error("the payment is not in a block yet; wait for a block, and scan")]
    Unconfirmed,
    /// The payment was made on another chain.
    #[error("the payment was made on another chain: found {found}, expected {expected}")]
    OtherChain {
        /// The chain of the proof.
        found: ChainId,
        /// The chain of the verifier.
        expected: ChainId,
    },
    /// The parameters of the chain are invalid.
    #[error("invalid chain parameters: {0}")]
    Params(#[from] ParamsError),
    /// The receiver's address is not of the chain's network.
    #[error("the receiver's address is of another network than the chain")]
    Network,
    /// The receipt is not signed by the receiver.
    #[error("the receiver did not sign this receipt: its amount, payer, memo or kernel was altered")]
    Receipt,
    /// The proof of possession of the payer's key is invalid.
    #[error("the payer's proof of possession is invalid: the kernel may belong to another payment")]
    Possession,
    /// The kernel belongs to another payment.
    #[error("the kernel belongs to another payment: its excess is not the sum of both keys")]
    Excess,
    /// The kernel differs from the receipt, or its signature is invalid.
    #[error("the kernel has another fee or last height than the receipt, or an invalid signature")]
    Kernel,
    /// The operator of the chain did not seal the block.
    #[error("the operator of the chain did not seal the block")]
    Seal,
    /// The output is not in the trie of the block.
    #[error("the output is not among the unspent outputs of the block")]
    OutputNotIncluded,
    /// The shared secret is not that of the output and the address, or the statement is another.
    #[error("invalid proof of the shared secret: the output, the address or the statement was altered")]
    Shared,
    /// The output is not paid to the address.
    #[error("the output does not pay this address")]
    NotPaid,
    /// No scan saw the output while it was unspent.
    #[error("the output was spent before this wallet saw it in the chain: it has no evidence to show")]
    NoEvidence,
    /// The kernel is neither in the block nor in an earlier one.
    #[error("the kernel is neither in the block nor in an earlier one: {0}")]
    NotIncluded(#[from] MmrError),
}

impl PaymentProof {
    /// Verifies the proof. The verifier must know and trust `chain`, and nothing else.
    ///
    /// # Errors
    /// The first check that fails, in the order of the module's head.
    pub fn verify(&self, chain: &ChainId) -> Result<ProvenPayment, PaymentProofError> {
        let KernelInclusion { header, kernel, params, .. } = &self.inclusion;
        let receipt = &self.receipt;
        if self.receiver.network() != params.network {
            return Err(PaymentProofError::Network);
        }
        if !self.signature.verifies(&self.receiver.sign(), &receipt.message(chain)) {
            return Err(PaymentProofError::Receipt);
        }
        let payer = Participant { chain, session: &receipt.session, role: self.role };
        if !payer.verify_possession(&self.payer, &self.possession) {
            return Err(PaymentProofError::Possession);
        }
        if kernel.excess != Excess::from_point(*self.payer.plus(&receipt.key).point()) {
            return Err(PaymentProofError::Excess);
        }
        let signed = kernel.signed(chain);
        if kernel.features != receipt.features || !signed.signature.verifies(&signed.key, &signed.message) {
            return Err(PaymentProofError::Kernel);
        }
        self.inclusion.verify(chain)?;
        Ok(ProvenPayment { height: header.height, block: header.hash() })
    }
}

impl Message for PaymentProof {
    const KIND: MessageKind = MessageKind::Proof;
    /// Since version 2 the parameters have a length, since 3 the receiver's address is whole.
    const VERSION: u8 = 3;
}

impl Encode for KernelInclusion {
    fn encode(&self, out: &mut Vec<u8>) {
        self.params.encode_with_length(out);
        self.header.encode(out);
        self.seal.encode(out);
        self.kernel.encode(out);
        self.index.encode(out);
        self.path.encode(out);
    }
}

impl Decode for KernelInclusion {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            params: Params::decode_with_length(r)?,
            header: Header::decode(r)?,
            seal: Seal::decode(r)?,
            kernel: Kernel::decode(r)?,
            index: r.u64()?,
            path: MmrProof::decode(r)?,
        })
    }
}

impl Encode for PaymentProof {
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

impl Decode for PaymentProof {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            receipt: Receipt::decode(r)?,
            receiver: Address::decode(r)?,
            signature: Signature::decode(r)?,
            payer: PublicKey::decode(r)?,
            role: match r.u8()? {
                1 => Role::Inviter,
                2 => Role::Responder,
                code => return Err(DecodeError::Code { what: "role", code }),
            },
            possession: Signature::decode(r)?,
            inclusion: KernelInclusion::decode(r)?,
        })
    }
}
