//! The ledger's decoders. Encodings are canonical, so a decoded value must encode to the same bytes.

use crate::Verdict;
use sotto_mw::{
    amount::{Amount, Height},
    block::{Block, Header},
    chain::{Chain, ChainId, Params},
    codec::{Decode, Encode},
    commitment::Commitment,
    group::{Point, Scalar},
    hash::Hash,
    kernel::{Excess, Kernel, KernelFeatures, Window},
    output::Output,
    range_proof::RangeProof,
    schnorr::{PublicKey, Signature},
    state::{RewindData, Unspent},
    transaction::{Body, Transaction},
};

/// Decodes a value and compares its encoding with the input.
pub(crate) fn canonical<T: Decode + Encode>(data: &[u8]) -> Verdict {
    let Ok(value) = T::from_bytes(data) else { return Verdict::Refused };
    assert!(value.to_bytes() == data, "two encodings of one value");
    Verdict::Accepted
}

/// A transaction.
pub fn mw_transaction(data: &[u8]) -> Verdict {
    canonical::<Transaction>(data)
}

/// A block.
pub fn mw_block(data: &[u8]) -> Verdict {
    canonical::<Block>(data)
}

/// A block's header.
pub fn mw_header(data: &[u8]) -> Verdict {
    canonical::<Header>(data)
}

/// A kernel.
pub fn mw_kernel(data: &[u8]) -> Verdict {
    canonical::<Kernel>(data)
}

/// An output.
pub fn mw_output(data: &[u8]) -> Verdict {
    canonical::<Output>(data)
}

/// An unspent output.
pub fn mw_unspent(data: &[u8]) -> Verdict {
    canonical::<Unspent>(data)
}

/// Rewind material of an unspent output.
pub fn mw_rewind_data(data: &[u8]) -> Verdict {
    canonical::<RewindData>(data)
}

/// A chain's parameters. Their functions must not overflow at any height.
pub fn mw_params(data: &[u8]) -> Verdict {
    if let Ok(chain) = Params::from_bytes(data).map(Chain::new)
        && let Ok(chain) = chain
    {
        for h in [Height::GENESIS, Height::new(1), Height::new(u64::MAX)] {
            let window = Window::standard(&chain, chain.standard_expiry(h));
            assert!(window.not_before <= window.not_after);
            let _ = (chain.supply(h), chain.least_fee(h.get()));
        }
    }
    canonical::<Params>(data)
}

/// The types of fields; the first byte selects one.
const FIELDS: [fn(&[u8]) -> Verdict; 15] = [
    canonical::<u64>,
    canonical::<Amount>,
    canonical::<Height>,
    canonical::<Hash>,
    canonical::<ChainId>,
    canonical::<Point>,
    canonical::<Scalar>,
    canonical::<Commitment>,
    canonical::<Excess>,
    canonical::<PublicKey>,
    canonical::<RangeProof>,
    canonical::<Signature>,
    canonical::<Window>,
    canonical::<KernelFeatures>,
    canonical::<Body>,
];

/// A field (1) ‖ its bytes.
pub fn mw_field(data: &[u8]) -> Verdict {
    let Some((&which, bytes)) = data.split_first() else { return Verdict::Refused };
    FIELDS.get(usize::from(which)).map_or(Verdict::Refused, |field| field(bytes))
}
