//! Proofs of one-sided payments: anyone can verify offline that an output of the chain pays an address.
//!
//! ```text
//! sealed output   the output, with its receiver's key, is in the trie of a sealed header
//! shared secret   S = r·A = a·R:  by the payer     log_G R = log_A S
//!                                 by the receiver  log_G A = log_R S
//! payment         from S: view tag, K_o, rewind and C, all that the receiver checks
//!
//! bytes = length (2) ‖ parameters ‖ sealed output ‖ address (65) ‖ prover (1): 1 payer, 2 receiver ‖ S (32)
//!         ‖ c (32) ‖ z (32) ‖ statement
//! sealed output = header ‖ seal (64) ‖ rewind data of the output ‖ opening of the trie
//! statement of the proof = prover ‖ address ‖ C ‖ text
//! ```
//!
//! **Guaranteed**: the output was unspent in a sealed block, pays this amount under this reference to this
//! address, and the prover knows r or a and meant this text.
//!
//! **Not guaranteed**: that the block is still in the chain; who presents the proof: anyone who has the file
//! can. The verifier learns the blinding factor of the output, so it could help a dishonest operator as the
//! payer could (`docs/THREATS.md`); moving the output ends that. r itself is never shown: who has it can make
//! the output again while a reorganisation reaches it. Source: `docs/adr/0009-one-sided-payments.md`; the
//! proof of S is `sotto_mw::dleq`.
#![deny(clippy::indexing_slicing)]

use crate::{
    armor::{Message, MessageKind},
    keys::{Address, PaymentAddress, Shared, ViewTags},
    proof::PaymentProofError,
    reference::Reference,
    slate::Memo,
    tag,
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::{Amount, Height},
    block::SealedHeader,
    chain::{Chain, ChainId, Params},
    codec::{Decode, DecodeError, Encode, Reader},
    dleq::{EqualityProof, SameLogarithm},
    group::Point,
    hash::Hash,
    one_sided::OneSidedKeys,
    schnorr::PublicKey,
    secret::SecretScalar,
    state::RewindData,
    trie::TrieProof,
};

/// An output of the chain, and the proof that it was unspent after a sealed block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedOutput {
    /// The header with the root of the trie, and the operator's signature.
    pub sealed: SealedHeader,
    /// The output.
    pub output: RewindData,
    /// The path from the output to that root.
    pub opening: TrieProof,
}

impl SealedOutput {
    fn verify(&self, chain: &Chain) -> Result<(), PaymentProofError> {
        let SealedHeader { header, .. } = &self.sealed;
        if !self.sealed.holds(chain) {
            return Err(PaymentProofError::Seal);
        }
        match self.opening.verify(&header.output_root, &self.output.key()) {
            Ok(Some(leaf)) if leaf == self.output.leaf() => Ok(()),
            _ => Err(PaymentProofError::OutputNotIncluded),
        }
    }
}

/// Who proves a one-sided payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Prover {
    /// Who paid, by r.
    Payer = 1,
    /// Who was paid, by a.
    Receiver = 2,
}

/// A proof that an output pays an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputProof {
    /// The parameters of the chain; their hash is its identifier.
    pub params: Params,
    /// The output in the chain.
    pub sealed: SealedOutput,
    /// The address that is paid.
    pub address: PaymentAddress,
    /// Who proves it.
    pub prover: Prover,
    /// S.
    pub shared: Point,
    /// That S is the shared secret of output and address.
    pub proof: EqualityProof,
    /// What the prover says with it; empty, or a challenge of the verifier.
    pub statement: Memo,
}

/// What a valid proof shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProvenOutput {
    /// The amount that the address got.
    pub amount: Amount,
    /// The reference.
    pub reference: Reference,
    /// The height of a block after which the output was unspent.
    pub height: Height,
    /// That block's hash.
    pub block: Hash,
}

/// What a proof is made of, besides the prover's secret.
pub(crate) struct Evidence {
    pub(crate) params: Params,
    pub(crate) sealed: SealedOutput,
    pub(crate) address: PaymentAddress,
    pub(crate) statement: Memo,
}

impl OutputProof {
    /// Makes a proof with r of the payer or a of the receiver.
    pub(crate) fn new(
        chain: &ChainId,
        evidence: Evidence,
        (prover, secret): (Prover, &SecretScalar),
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, PaymentProofError> {
        let Evidence { params, sealed, address, statement } = evidence;
        let keys = *sealed.output.features.keys().ok_or(PaymentProofError::NotPaid)?;
        let said = said(prover, &address, &sealed, &statement);
        let (shared, proof) = claim(chain, &said, base(prover, &address, &keys)).prove(secret, rng);
        Ok(Self { params, sealed, address, prover, shared, proof, statement })
    }

    /// Verifies the proof. The verifier must know and trust `chain`, and nothing else.
    ///
    /// # Errors
    /// The first check that fails, in the order of the module's head.
    pub fn verify(&self, chain: &ChainId) -> Result<ProvenOutput, PaymentProofError> {
        let Self { params, sealed, address, prover, shared, proof, statement } = self;
        let found = Chain::new(params.clone())?;
        if found.id() != chain {
            return Err(PaymentProofError::OtherChain { found: *found.id(), expected: *chain });
        }
        sealed.verify(&found)?;
        let keys = sealed.output.features.keys().ok_or(PaymentProofError::NotPaid)?;
        let said = said(*prover, address, sealed, statement);
        let known = match prover {
            Prover::Payer => &keys.sender,
            Prover::Receiver => address.view(),
        };
        if address.network() != params.network
            || !claim(chain, &said, base(*prover, address, keys)).holds(known, shared, proof)
        {
            return Err(PaymentProofError::Shared);
        }
        let agreed = Shared::new(chain, &keys.sender, shared.as_bytes(), address);
        let replayed = sealed.output.replay(chain).ok_or(PaymentProofError::NotPaid)?;
        let opening = agreed.open(address, keys, &replayed, ViewTags::Matching);
        let opening = opening.ok_or(PaymentProofError::NotPaid)?;
        let header = &sealed.sealed.header;
        let (amount, reference) = (opening.amount, Reference(opening.index));
        Ok(ProvenOutput { amount, reference, height: header.height, block: header.hash() })
    }
}

/// The base to which S has the prover's secret as its logarithm.
fn base<'a>(prover: Prover, address: &'a PaymentAddress, keys: &'a OneSidedKeys) -> &'a PublicKey {
    match prover {
        Prover::Payer => address.view(),
        Prover::Receiver => &keys.sender,
    }
}

fn said(prover: Prover, address: &PaymentAddress, sealed: &SealedOutput, text: &Memo) -> Vec<u8> {
    let address = Address::from(*address).to_bytes();
    let c = sealed.output.commitment.as_bytes();
    [&[prover as u8][..], &address, c, text.as_str().as_bytes()].concat()
}

fn claim<'a>(chain: &'a ChainId, statement: &'a [u8], base: &'a PublicKey) -> SameLogarithm<'a> {
    SameLogarithm { tag: tag::PAID, context: chain.as_bytes(), base: base.point(), statement }
}

impl Message for OutputProof {
    const KIND: MessageKind = MessageKind::OutputProof;
}

impl Encode for SealedOutput {
    fn encode(&self, out: &mut Vec<u8>) {
        self.sealed.encode(out);
        self.output.encode(out);
        self.opening.encode(out);
    }
}

impl Decode for SealedOutput {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (sealed, output) = (SealedHeader::decode(r)?, RewindData::decode(r)?);
        Ok(Self { sealed, output, opening: TrieProof::decode(r)? })
    }
}

impl Encode for OutputProof {
    fn encode(&self, out: &mut Vec<u8>) {
        self.params.encode_with_length(out);
        self.sealed.encode(out);
        Address::from(self.address).encode(out);
        out.push(self.prover as u8);
        self.shared.encode(out);
        self.proof.encode(out);
        self.statement.encode(out);
    }
}

impl Decode for OutputProof {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (params, sealed) = (Params::decode_with_length(r)?, SealedOutput::decode(r)?);
        let address = Address::decode(r)?.payment_address();
        Ok(Self {
            params,
            sealed,
            address: address.ok_or(DecodeError::Code { what: "address of a one-sided payment", code: 1 })?,
            prover: match r.u8()? {
                1 => Prover::Payer,
                2 => Prover::Receiver,
                code => return Err(DecodeError::Code { what: "prover", code }),
            },
            shared: Point::decode(r)?,
            proof: EqualityProof::decode(r)?,
            statement: Memo::decode(r)?,
        })
    }
}
