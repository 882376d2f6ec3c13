//! Proof of payment: that the owner of an address was paid an amount, shown to anybody, offline.
//!
//! ```text
//! receipt      the receiver's address key signed (session, amount, X_r, C_r, payer's key, memo hash, m)
//! possession   somebody knew x_s in this session: without it, X_s := E − X_r would claim any kernel E of the chain
//! excess       E = X_s + X_r, and the kernel is the one of the receipt, signed under E
//! inclusion    the kernel stands in the mountain range of a header
//! seal         the operator of the chain, whose id the verifier knows, sealed that header
//! ```
//!
//! **Shown**: the receiver promised that this kernel pays it this amount, and the kernel is in a sealed block. **Not shown**:
//! that the block is still in the chain (an operator that seals two blocks at one height leaves evidence of it), nor who
//! presents the proof: whoever has the file can show it. The memo stays hidden; who knows it can compare its hash.
//! Source: SPEC "Proof of payment".

use crate::slate::receipt::Receipt;
use sotto_mw::{
    amount::Height,
    block::Header,
    chain::{Chain, ChainId, Params, ParamsError},
    hash::Hash,
    kernel::{Excess, Kernel},
    mmr::{Mmr, MmrError, MmrProof},
    schnorr::{PublicKey, Signature},
    session::{Participant, Role},
};

/// That a kernel is in a sealed block of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// The chain's parameters, whose hash is its id.
    pub params: Params,
    /// The header of a block that has the kernel in its past, or in itself.
    pub header: Header,
    /// The operator's signature of the header.
    pub seal: Signature,
    /// The kernel.
    pub kernel: Kernel,
    /// Its place among all kernels of the chain.
    pub index: u64,
    /// That it stands there.
    pub path: MmrProof,
}

impl Inclusion {
    /// Finds the kernel with this excess among the kernels of the chain up to `header`; `None` when it is not there.
    ///
    /// `kernels` are those of the whole chain in its order; those after the header are not asked for.
    ///
    /// # Errors
    /// That of the source of the kernels.
    pub fn find<E>(
        params: &Params,
        (header, seal): (&Header, &Signature),
        kernels: impl IntoIterator<Item = Result<Kernel, E>>,
        excess: &Excess,
    ) -> Result<Option<Self>, E> {
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
            Some(Self { params: params.clone(), header: header.clone(), seal: *seal, kernel, index, path })
        }))
    }

    fn verify(&self, chain: &ChainId) -> Result<(), ProofError> {
        let found = Chain::new(self.params.clone())?;
        if found.id() != chain {
            return Err(ProofError::OtherChain { found: *found.id(), expected: *chain });
        }
        if !self.seal.verifies(&self.params.operator, &self.header.seal_message(chain)) {
            return Err(ProofError::Seal);
        }
        let Header { kernel_root, kernel_count, .. } = &self.header;
        self.path.verify(kernel_root, &self.kernel.id(), self.index, *kernel_count)?;
        Ok(())
    }
}

/// That an address was paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// What the receiver stated.
    pub receipt: Receipt,
    /// Who was paid: the signing key of the receiver's address. The receipt does not cover the address's other key.
    pub receiver: PublicKey,
    /// The receiver's signature of the receipt.
    pub signature: Signature,
    /// X_s, the payer's part of the excess.
    pub payer: PublicKey,
    /// Which side of the session the payer was.
    pub role: Role,
    /// That somebody knew x_s.
    pub possession: Signature,
    /// That the payment came true.
    pub inclusion: Inclusion,
}

/// What a proof shows that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The height of a block that contains the payment, in itself or in its past.
    pub height: Height,
    /// That block's hash.
    pub block: Hash,
}

/// Why a proof of payment proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The payment is not one of this wallet's.
    #[error("this wallet made no payment in that session")]
    UnknownSession,
    /// Nothing to prove yet.
    #[error("the payment is in no block yet; seal one, or wait, and scan")]
    Unconfirmed,
    /// Another chain.
    #[error("the payment was made on another chain ({found}), and this one is {expected}")]
    OtherChain {
        /// The chain of the proof.
        found: ChainId,
        /// The chain of the verifier.
        expected: ChainId,
    },
    /// The chain's parameters make no sense.
    #[error("the chain's parameters make no sense: {0}")]
    Params(#[from] ParamsError),
    /// The receiver did not sign this.
    #[error(
        "the receiver did not sign this receipt: amount, payer, memo or kernel are others than it promised"
    )]
    Receipt,
    /// Nobody shows to know the payer's key.
    #[error("nobody proves to have known the payer's part of the key: the kernel may be anybody's")]
    Possession,
    /// The kernel is another payment's.
    #[error("the kernel is not the one of this payment: its excess is not the sum of both parties' keys")]
    Excess,
    /// The kernel is not what was promised, or not signed.
    #[error("the kernel has another fee or last height than the receipt, or its signature does not hold")]
    Kernel,
    /// No sealed block.
    #[error("the block is not sealed by the operator of the chain")]
    Seal,
    /// The kernel is not in that block's past.
    #[error("the kernel is not in that block or its past: {0}")]
    NotIncluded(#[from] MmrError),
}

impl Proof {
    /// Checks everything; `chain` is the verifier's own knowledge, and all that it has to trust.
    ///
    /// # Errors
    /// The first check that fails, in the order of this file's head.
    pub fn verify(&self, chain: &ChainId) -> Result<Shown, ProofError> {
        let Inclusion { header, kernel, .. } = &self.inclusion;
        let receipt = &self.receipt;
        if !self.signature.verifies(&self.receiver, &receipt.message(chain)) {
            return Err(ProofError::Receipt);
        }
        let payer = Participant { chain, session: &receipt.session, role: self.role };
        if !payer.verify_possession(&self.payer, &self.possession) {
            return Err(ProofError::Possession);
        }
        if kernel.excess != Excess::from_point(*self.payer.plus(&receipt.key).point()) {
            return Err(ProofError::Excess);
        }
        let signed = kernel.signed(chain);
        if kernel.features != receipt.features || !signed.signature.verifies(&signed.key, &signed.message) {
            return Err(ProofError::Kernel);
        }
        self.inclusion.verify(chain)?;
        Ok(Shown { height: header.height, block: header.hash() })
    }
}
