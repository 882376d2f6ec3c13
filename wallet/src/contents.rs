//! The contents of a store: what a wallet and a view wallet keep.
//!
//! ```text
//! wallet        version (1): 7 ‖ length (2) ‖ chain parameters ‖ entropy (32) ‖ state
//! view wallet   version (1): 133 ‖ length (2) ‖ chain parameters ‖ account (4) ‖ rewind key (32) ‖ a (32) ‖ B (32)
//!               ‖ state
//! of a group    version (1): 65 ‖ length (2) ‖ chain parameters ‖ view secret (32) ‖ length (4) ‖ group ‖ group's state
//! ```
//!
//! In the versions 3 to 5 and 129 to 131, the parameters of chains under earlier rules follow at once: they
//! are refused, with the version of those rules. Versions 6 and 132 had no one-sided outputs. Every version
//! of a view wallet is 128 or higher, one of a member's wallet of a group 64 to 127, and one of a wallet is less.
#![deny(clippy::indexing_slicing)]

use crate::{
    codec::{count, put_count},
    group::GroupState,
    keys::{ViewKey, Words},
    state::State,
};
use sotto_keys::{Group, view::ViewSecret};
use sotto_mw::{
    chain::Params,
    codec::{Decode, DecodeError, Encode, Reader},
};
use zeroize::Zeroizing;

const VERSION: u8 = 7;

/// Set in every version of a view wallet.
const VIEW: u8 = 0x80;
const VIEW_VERSION: u8 = VIEW | 5;

/// Set in every version of a member's wallet of a group, and in none of a wallet.
const GROUP: u8 = 0x40;
const GROUP_VERSION: u8 = GROUP | 1;

/// Reads the version of contents, which must be `present`, and the parameters after it. Three earlier
/// versions begin with parameters of earlier rules, whose version is the reason given.
fn params(r: &mut Reader<'_>, what: &'static str, present: u8) -> Result<Params, DecodeError> {
    let code = r.u8()?;
    if code == present {
        return Params::decode_with_length(r);
    }
    if (present - 4..present - 1).contains(&code) {
        Params::decode(r)?;
    }
    Err(DecodeError::Code { what, code })
}

/// Whether these are the contents of a view wallet.
pub(crate) fn is_view(contents: &[u8]) -> bool {
    contents.first().is_some_and(|version| version & VIEW != 0)
}

/// Whether these are the contents of a member's wallet of a group.
pub(crate) fn is_of_group(contents: &[u8]) -> bool {
    contents.first().is_some_and(|version| version & (VIEW | GROUP) == GROUP)
}

fn with_length(params: &Params) -> Vec<u8> {
    let mut bytes = Vec::new();
    params.encode_with_length(&mut bytes);
    bytes
}

/// The contents of a wallet.
pub(crate) struct Contents {
    pub(crate) params: Params,
    pub(crate) entropy: Zeroizing<[u8; Words::ENTROPY]>,
    pub(crate) state: State,
}

/// The bytes of a wallet's contents; wiped when dropped, and written without reallocating.
pub(crate) fn contents(params: &Params, entropy: &[u8; Words::ENTROPY], state: &State) -> Zeroizing<Vec<u8>> {
    let (params, state) = (with_length(params), Zeroizing::new(state.to_bytes()));
    let mut out = Zeroizing::new(Vec::with_capacity(1 + params.len() + entropy.len() + state.len()));
    out.push(VERSION);
    out.extend_from_slice(&params);
    out.extend_from_slice(entropy);
    out.extend_from_slice(&state);
    out
}

impl Decode for Contents {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let params = params(r, "version of a wallet", VERSION)?;
        Ok(Self { params, entropy: Zeroizing::new(r.array()?), state: State::decode(r)? })
    }
}

/// The contents of a view wallet.
pub(crate) struct ViewContents {
    pub(crate) params: Params,
    pub(crate) key: ViewKey,
    pub(crate) state: State,
}

/// The bytes of a view wallet's contents; wiped when dropped, and written without reallocating.
pub(crate) fn view_contents(params: &Params, key: &ViewKey, state: &State) -> Zeroizing<Vec<u8>> {
    let (params, key, state) = (with_length(params), key.key_bytes(), Zeroizing::new(state.to_bytes()));
    let mut out = Zeroizing::new(Vec::with_capacity(1 + params.len() + key.len() + state.len()));
    out.push(VIEW_VERSION);
    out.extend_from_slice(&params);
    out.extend_from_slice(&key);
    out.extend_from_slice(&state);
    out
}

impl Decode for ViewContents {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let params = params(r, "version of a view wallet", VIEW_VERSION)?;
        let key = ViewKey::read(r, params.network)?;
        Ok(Self { params, key, state: State::decode(r)? })
    }
}

/// The contents of a member's wallet of a group.
pub(crate) struct GroupContents {
    pub(crate) params: Params,
    pub(crate) view: ViewSecret,
    /// The group as its file was last.
    pub(crate) group: Group,
    pub(crate) state: GroupState,
}

/// The bytes of such contents; wiped when dropped, and written without reallocating.
pub(crate) fn group_contents(
    params: &Params,
    (view, group): (&ViewSecret, &Group),
    state: &GroupState,
) -> Zeroizing<Vec<u8>> {
    let (params, group, state) = (with_length(params), group.to_bytes(), state.to_bytes());
    let mut out = Zeroizing::new(Vec::with_capacity(1 + params.len() + 32 + 4 + group.len() + state.len()));
    out.push(GROUP_VERSION);
    out.extend_from_slice(&params);
    out.extend_from_slice(view.expose());
    put_count(group.len(), &mut out);
    out.extend_from_slice(&group);
    out.extend_from_slice(&state);
    out
}

impl Decode for GroupContents {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let version = r.u8()?;
        if version != GROUP_VERSION {
            return Err(DecodeError::Code { what: "version of a group's wallet", code: version });
        }
        let (params, view) = (Params::decode_with_length(r)?, ViewSecret::from_bytes(r.array()?));
        let length = count(r, "group", 1)?;
        let group = Group::from_bytes(r.take(length as usize)?);
        let group = group.map_err(|_| DecodeError::Code { what: "group", code: 0 })?;
        Ok(Self { params, view, group, state: GroupState::decode(r)? })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "a test may fail")]
    use super::*;
    use sotto_mw::{chain::RULES_VERSION, group::Point, schnorr::PublicKey};

    /// Contents of the versions before hold the 98 bytes of parameters of rules 1 or 2, which are refused
    /// with the version of the rules; what never was is refused as a version.
    #[test]
    fn contents_under_earlier_rules_are_refused_with_the_reason() {
        let entropy = [7; Words::ENTROPY];
        let params = Params::solo(PublicKey::from_point(Point::g()), 5);
        let good = contents(&params, &entropy, &State::default());
        assert!(Contents::from_bytes(&good).is_ok());
        let old = |version: u8, rules: u8| [&[version, rules, 2][..], &[1; 96], &good[1..]].concat();
        for rules in [1, 2] {
            let why = Some(DecodeError::Rules { found: rules, supported: RULES_VERSION });
            for version in 3..6 {
                assert_eq!(Contents::from_bytes(&old(version, rules)).err(), why);
                assert_eq!(ViewContents::from_bytes(&old(VIEW | (version - 2), rules)).err(), why);
            }
        }
        for code in [0, 2, 6, 8, GROUP_VERSION] {
            let why = Some(DecodeError::Code { what: "version of a wallet", code });
            assert_eq!(Contents::from_bytes(&old(code, 2)).err(), why);
        }
        // The present parameters under a version that had none like them.
        let mixed = [&[5][..], &params.to_bytes(), &good[1..]].concat();
        let why = DecodeError::Code { what: "version of a wallet", code: 5 };
        assert_eq!(Contents::from_bytes(&mixed).err(), Some(why));
        let mut long = good.to_vec();
        long[1..3].copy_from_slice(&u16::MAX.to_le_bytes());
        assert!(matches!(Contents::from_bytes(&long).err(), Some(DecodeError::Bound { .. })));
    }
}
