//! The contents of a store: what a wallet and a view wallet keep.
//!
//! ```text
//! wallet        version (1): 5 ‖ chain parameters ‖ entropy (32) ‖ state
//! view wallet   version (1): 131 ‖ chain parameters ‖ account (4) ‖ rewind key (32) ‖ state
//! ```
//!
//! The versions before, 4 and 130, have no sets at the end of the state, and 3 and 129 no checkpoint either. They
//! are read, and written again in the present version. Every version of a view wallet is 128 or higher, and no version of a wallet
//! is.
#![deny(clippy::indexing_slicing)]

use crate::{
    keys::{Account, ViewKey, Words},
    state::State,
};
use sotto_mw::{
    chain::Params,
    codec::{Decode, DecodeError, Encode, Reader},
    range_proof::RewindKey,
};
use zeroize::Zeroizing;

const VERSION: u8 = 5;
const WITHOUT_SETS: u8 = 4;
const WITHOUT_CHECKPOINT: u8 = 3;

/// Set in every version of a view wallet.
const VIEW: u8 = 0x80;
const VIEW_VERSION: u8 = VIEW | 3;
const VIEW_WITHOUT_SETS: u8 = VIEW | 2;
const VIEW_WITHOUT_CHECKPOINT: u8 = VIEW | 1;

/// Whether these are the contents of a view wallet.
pub(crate) fn is_view(contents: &[u8]) -> bool {
    contents.first().is_some_and(|version| version & VIEW != 0)
}

/// The contents of a wallet.
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
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let state = match r.u8()? {
            VERSION => State::decode,
            WITHOUT_SETS => State::decode_without_sets,
            WITHOUT_CHECKPOINT => State::decode_without_checkpoint,
            code => return Err(DecodeError::Code { what: "version of a wallet", code }),
        };
        let (params, entropy) = (Params::decode(r)?, Zeroizing::new(r.array()?));
        Ok(Self { params, entropy, state: state(r)? })
    }
}

/// The contents of a view wallet.
pub(crate) struct ViewContents {
    pub(crate) params: Params,
    pub(crate) account: Account,
    pub(crate) rewind: RewindKey,
    pub(crate) state: State,
}

/// The bytes of a view wallet's contents; wiped when dropped, and written without reallocating.
pub(crate) fn view_contents(params: &Params, key: &ViewKey, state: &State) -> Zeroizing<Vec<u8>> {
    let (params, state) = (params.to_bytes(), Zeroizing::new(state.to_bytes()));
    let mut out = Zeroizing::new(Vec::with_capacity(1 + params.len() + 36 + state.len()));
    out.push(VIEW_VERSION);
    out.extend_from_slice(&params);
    out.extend_from_slice(&key.account().0.to_le_bytes());
    out.extend_from_slice(&key.rewind().0);
    out.extend_from_slice(&state);
    out
}

impl Decode for ViewContents {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let state = match r.u8()? {
            VIEW_VERSION => State::decode,
            VIEW_WITHOUT_SETS => State::decode_without_sets,
            VIEW_WITHOUT_CHECKPOINT => State::decode_without_checkpoint,
            code => return Err(DecodeError::Code { what: "version of a view wallet", code }),
        };
        let (params, account) = (Params::decode(r)?, Account(r.u32()?));
        Ok(Self { params, account, rewind: RewindKey(r.array()?), state: state(r)? })
    }
}
