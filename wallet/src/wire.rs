//! The wallet's bytes: canonical, versioned, bounded before anything is allocated.
//!
//! Slates travel in an envelope, and a wallet's contents start with a version byte; everything else is fixed by those.
//! Integers are little-endian; points and scalars are canonical; maps are in strictly ascending order of their keys;
//! a missing value is the byte 0, a present one the byte 1 and the value.
//!
//! ```text
//! envelope   kind (1) ‖ version (1) ‖ chain id (32) ‖ body
//! invite     session (32) ‖ amount (8) ‖ kernel features ‖ share (160) ‖ sender (65) ‖ [recipient (65)] ‖ memo (2 + n)
//! response   session (32) ‖ invite hash (32) ‖ share (160) ‖ output ‖ o (32) ‖ z (32) ‖ receiver (65) ‖ receipt (64)
//! share      X (32) ‖ D (32) ‖ E (32) ‖ proof of possession (64)
//! address    network (1) ‖ signing key (32) ‖ encryption key (32)
//! contents   version (1): 4 ‖ chain parameters ‖ entropy (32) ‖ state
//! view       version (1): 130 ‖ chain parameters ‖ account (4) ‖ rewind key (32) ‖ state
//! file       "SOTTOWLT" (8) ‖ version (1) ‖ Argon2id KiB (4), passes (4), lanes (4) ‖ salt (16) ‖ nonce (24) ‖ n (8)
//!            ‖ XChaCha20-Poly1305 of the contents (n + 16), associated data = everything before
//! key        "SOTTOKEY" (8) ‖ version (1) ‖ installation key (32)
//! closed     version (1) ‖ hash of the response that a session is closed on (32), zeros for none
//! ```
#![deny(clippy::indexing_slicing)]

mod file;
mod payments;
mod proofs;
mod records;
mod slates;

pub(crate) use file::{
    FileHeader, INSTALLATION_MAX, closed, installation_key, read_closed, read_installation_key,
};

use crate::{
    keys::{Account, Words},
    state::State,
    view::ViewKey,
};
use sotto_mw::{
    chain::{ChainId, Params},
    codec::{Decode, DecodeError, Encode, Reader},
    range_proof::RewindKey,
    session::SessionId,
};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Version of the bytes in this module.
pub(crate) const VERSION: u8 = 1;

/// Version of a wallet's contents.
const CONTENTS_VERSION: u8 = 4;

/// The version before it: no anchor at the state's end. It is read, and written anew as the present one.
const BEFORE_ANCHORS: u8 = 3;

/// No wallet that can pay begins with a version from here on.
const VIEW: u8 = 0x80;

/// Version of a view-only wallet's contents, and the one before anchors.
const VIEW_VERSION: u8 = VIEW | 2;
const VIEW_BEFORE_ANCHORS: u8 = VIEW | 1;

/// Whether contents are those of a view-only wallet.
pub(crate) fn is_view(contents: &[u8]) -> bool {
    contents.first().is_some_and(|version| version & VIEW != 0)
}

/// Most records of one kind in a wallet.
const MAX_RECORDS: u32 = 1 << 24;

fn version(r: &mut Reader<'_>) -> Result<(), DecodeError> {
    match r.u8()? {
        VERSION => Ok(()),
        found => Err(DecodeError::Version { found }),
    }
}

fn put_option<T: Encode>(x: Option<&T>, out: &mut Vec<u8>) {
    out.push(u8::from(x.is_some()));
    x.into_iter().for_each(|x| x.encode(out));
}

fn flag(r: &mut Reader<'_>, what: &'static str) -> Result<bool, DecodeError> {
    match r.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        code => Err(DecodeError::Code { what, code }),
    }
}

fn option<T: Decode>(r: &mut Reader<'_>, what: &'static str) -> Result<Option<T>, DecodeError> {
    flag(r, what)?.then(|| T::decode(r)).transpose()
}

fn count(r: &mut Reader<'_>, what: &'static str, least_bytes: usize) -> Result<u32, DecodeError> {
    let n = r.u32()?;
    if n > MAX_RECORDS {
        return Err(DecodeError::Bound { what, found: n.into(), bound: MAX_RECORDS.into() });
    }
    let needed = (n as usize).saturating_mul(least_bytes);
    if needed > r.left() {
        return Err(DecodeError::Short { needed: needed - r.left() });
    }
    Ok(n)
}

fn put_count(n: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes());
}

/// A map whose records contain their key; keys must be strictly ascending.
fn map<K: Ord, T: Decode>(
    r: &mut Reader<'_>,
    (what, least_bytes): (&'static str, usize),
    key: impl Fn(&T) -> K,
) -> Result<BTreeMap<K, T>, DecodeError> {
    let n = count(r, what, least_bytes)?;
    let mut all = BTreeMap::new();
    for _ in 0..n {
        let record = T::decode(r)?;
        let k = key(&record);
        if all.last_key_value().is_some_and(|(last, _)| *last >= k) {
            return Err(DecodeError::Code { what: "ascending record", code: 0 });
        }
        all.insert(k, record);
    }
    Ok(all)
}

fn put_map<K, T: Encode>(all: &BTreeMap<K, T>, out: &mut Vec<u8>) {
    put_count(all.len(), out);
    all.values().for_each(|x| x.encode(out));
}

fn session(r: &mut Reader<'_>) -> Result<SessionId, DecodeError> {
    r.array().map(SessionId)
}

/// What stands before every message that leaves a wallet: what it is, and for which chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub(crate) kind: u8,
    pub(crate) chain: ChainId,
}

impl Encode for Envelope {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.kind, VERSION]);
        self.chain.encode(out);
    }
}

impl Decode for Envelope {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = r.u8()?;
        version(r)?;
        Ok(Self { kind, chain: ChainId::decode(r)? })
    }
}

/// Everything a wallet keeps.
pub(crate) struct Contents {
    pub(crate) params: Params,
    pub(crate) entropy: Zeroizing<[u8; Words::ENTROPY]>,
    pub(crate) state: State,
}

/// The bytes of a wallet's contents; wiped when dropped, and written without reallocating.
pub(crate) fn contents(params: &Params, entropy: &[u8; Words::ENTROPY], state: &State) -> Zeroizing<Vec<u8>> {
    let (params, state) = (params.to_bytes(), Zeroizing::new(state.to_bytes()));
    let mut out = Zeroizing::new(Vec::with_capacity(1 + params.len() + entropy.len() + state.len()));
    out.push(CONTENTS_VERSION);
    out.extend_from_slice(&params);
    out.extend_from_slice(entropy);
    out.extend_from_slice(&state);
    out
}

impl Decode for Contents {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let state = match r.u8()? {
            CONTENTS_VERSION => State::decode,
            BEFORE_ANCHORS => State::decode_before_anchors,
            code => {
                return Err(DecodeError::Code { what: "version of a wallet that this program reads", code });
            }
        };
        let (params, entropy) = (Params::decode(r)?, Zeroizing::new(r.array()?));
        Ok(Self { params, entropy, state: state(r)? })
    }
}

/// Everything a view-only wallet keeps.
pub(crate) struct ViewContents {
    pub(crate) params: Params,
    pub(crate) account: Account,
    pub(crate) rewind: RewindKey,
    pub(crate) state: State,
}

/// The bytes of a view-only wallet's contents; wiped when dropped, and written without reallocating.
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
            VIEW_BEFORE_ANCHORS => State::decode_before_anchors,
            code => {
                return Err(DecodeError::Code {
                    what: "version of a view-only wallet that this program reads",
                    code,
                });
            }
        };
        let (params, account) = (Params::decode(r)?, Account(r.u32()?));
        Ok(Self { params, account, rewind: RewindKey(r.array()?), state: state(r)? })
    }
}
