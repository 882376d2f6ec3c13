//! A locked claim that both parties have signed, for third parties to verify: it proves that its kernel will reveal t.
//!
//! ```text
//! locked claim   features of the kernel ‖ E (32) ‖ R (32) ‖ T (32) ‖ ŝ (32)
//! holds          the kernel is plain; T, E, R ≠ 0;  ŝ·G = R − T + c·E,  c = H2(R ‖ E ‖ message of the kernel on this chain)
//! reveals        t = z − ŝ, of the kernel with this excess
//! M              K + 2·grid: published by H_c − M, and a consent to that leaves a grid step earlier
//! ```
//!
//! It contains no secret: without t it is not a signature. It proves nothing about the money: only the two parties of a hold know
//! whether E is its claim.
#![deny(clippy::indexing_slicing)]

use super::{HoldError, Offer, payer::ClaimSession, schedule::margin, seller::Halves};
use sotto_mw::{
    amount::Height,
    chain::Chain,
    codec::{Decode, DecodeError, Encode, Reader},
    group::Point,
    kernel::{Excess, Kernel, KernelFeatures},
    schnorr::PublicKey,
    secret::SecretScalar,
    session::adaptor::PreSignature,
};

/// A claim that both parties have signed, and that its lock keeps incomplete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockedClaim {
    features: KernelFeatures,
    key: PublicKey,
    signature: PreSignature,
}

/// Both halves of the signature of a claim that is locked to a point.
pub(crate) fn pre_signature(
    chain: &Chain,
    offer: &Offer,
    Halves { answer, release }: Halves<'_>,
) -> Result<PreSignature, HoldError> {
    match ClaimSession::answered(chain, offer, answer)? {
        ClaimSession::Locked(s) => Ok(s.combine(&release.partial, &answer.signed.partial)?),
        ClaimSession::Plain(_) => Err(HoldError::Secret),
    }
}

impl LockedClaim {
    /// The claim of two halves.
    pub(crate) fn of(chain: &Chain, offer: &Offer, halves: Halves<'_>) -> Result<Self, HoldError> {
        let key = *ClaimSession::answered(chain, offer, halves.answer)?.key();
        let signature = pre_signature(chain, offer, halves)?;
        Ok(Self { features: halves.answer.features, key, signature })
    }

    /// Whether the secret of its lock completes it to a kernel of this chain.
    #[must_use]
    pub fn holds(&self, chain: &Chain) -> bool {
        let is_plain = matches!(self.features, KernelFeatures::Plain { .. });
        is_plain && self.signature.fits(&self.key, &self.features.message(chain.id()))
    }

    /// T.
    #[must_use]
    pub const fn lock(&self) -> &Point {
        self.signature.point()
    }

    /// H_c, the last height of its kernel.
    #[must_use]
    pub fn until(&self) -> Height {
        self.features.window(0).not_after
    }

    /// The last height at which a payee may consent that the secret leaves: a grid step before it must be published.
    #[must_use]
    pub fn consent_by(&self, chain: &Chain) -> Height {
        self.until().minus(margin(chain)).minus(chain.params().window_grid)
    }

    /// The excess of its kernel, by which it is found in a block.
    #[must_use]
    pub fn excess(&self) -> Excess {
        Excess::from_point(*self.key.point())
    }

    /// t, from its kernel; `None` if that is another one.
    #[must_use]
    pub fn reveals(&self, kernel: &Kernel) -> Option<SecretScalar> {
        self.signature.extract(&kernel.signature).filter(|_| kernel.excess == self.excess())
    }
}

impl Encode for LockedClaim {
    fn encode(&self, out: &mut Vec<u8>) {
        self.features.encode(out);
        self.key.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for LockedClaim {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            features: KernelFeatures::decode(r)?,
            key: PublicKey::decode(r)?,
            signature: PreSignature::decode(r)?,
        })
    }
}
