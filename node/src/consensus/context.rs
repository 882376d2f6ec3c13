//! What the core sees of us: its traits over the types of the ledger.
//!
//! A value is the hash of a proposed header, and its own name. A validator is known by its place in the set,
//! which the edge has checked against the key before anything comes here.

use arc_malachitebft_core_types as core_types;
use core::{cmp::Ordering, fmt};
use core_types::{LinearTimeouts, NilOrVal, Round, SignedExtension, VoteType};
use sotto_mw::{
    amount::Height as LedgerHeight,
    chain::ChainId,
    codec::{DecodeError, Encode},
    hash::Hash,
    schnorr::{PublicKey, Signature},
    validators::ValidatorSet,
    votes::VoteKind,
};
use std::sync::Arc;

/// A height.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Height(pub(super) u64);

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core_types::Height for Height {
    const ZERO: Self = Self(0);
    const INITIAL: Self = Self(1);

    fn increment_by(&self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.checked_sub(n).map(Self)
    }

    fn as_u64(&self) -> u64 {
        self.0
    }
}

/// The place of a validator in the set of its height.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place(pub(super) usize);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core_types::Address for Place {}

/// The hash of a proposed header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Value(pub(super) Hash);

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core_types::Value for Value {
    type Id = Self;

    fn id(&self) -> Self {
        *self
    }
}

/// The core sees no body, so a proposal has no parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoPart {}

impl core_types::ProposalPart<Context> for NoPart {
    fn is_first(&self) -> bool {
        match *self {}
    }

    fn is_last(&self) -> bool {
        match *self {}
    }
}

/// The claim of a proposer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proposal {
    pub(super) height: Height,
    pub(super) round: Round,
    pub(super) value: Value,
    pub(super) pol_round: Round,
    pub(super) place: Place,
}

impl core_types::Proposal<Context> for Proposal {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &Value {
        &self.value
    }

    fn take_value(self) -> Value {
        self.value
    }

    fn pol_round(&self) -> Round {
        self.pol_round
    }

    fn validator_address(&self) -> &Place {
        &self.place
    }
}

/// A vote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Vote {
    pub(super) kind: VoteType,
    pub(super) height: Height,
    pub(super) round: Round,
    pub(super) value: NilOrVal<Value>,
    pub(super) place: Place,
}

impl core_types::Vote<Context> for Vote {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<Value> {
        &self.value
    }

    fn take_value(self) -> NilOrVal<Value> {
        self.value
    }

    fn vote_type(&self) -> VoteType {
        self.kind
    }

    fn validator_address(&self) -> &Place {
        &self.place
    }

    fn extension(&self) -> Option<&SignedExtension<Context>> {
        None
    }

    fn take_extension(&mut self) -> Option<SignedExtension<Context>> {
        None
    }

    fn extend(self, _: SignedExtension<Context>) -> Self {
        self
    }
}

/// A validator of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    place: Place,
    key: PublicKey,
    power: u64,
}

impl core_types::Validator<Context> for Member {
    fn address(&self) -> &Place {
        &self.place
    }

    fn public_key(&self) -> &PublicKey {
        &self.key
    }

    fn voting_power(&self) -> u64 {
        self.power
    }
}

/// The validators of a height.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Members {
    pub(super) set: ValidatorSet,
    all: Arc<[Member]>,
}

impl Members {
    pub(super) fn new(set: ValidatorSet) -> Self {
        let member = |(i, v): (usize, &sotto_mw::validators::Validator)| Member {
            place: Place(i),
            key: v.vote_key,
            power: v.power.get().into(),
        };
        let all = set.all().iter().enumerate().map(member).collect();
        Self { set, all }
    }
}

impl core_types::ValidatorSet<Context> for Members {
    fn count(&self) -> usize {
        self.all.len()
    }

    fn total_voting_power(&self) -> u64 {
        self.set.total()
    }

    fn get_by_address(&self, place: &Place) -> Option<&Member> {
        self.all.get(place.0)
    }

    fn get_by_index(&self, index: usize) -> Option<&Member> {
        self.all.get(index)
    }
}

/// A signature, in the order of its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signed(pub(super) Signature);

impl PartialOrd for Signed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Signed {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.to_bytes().cmp(&other.0.to_bytes())
    }
}

/// Schnorr signatures of the ledger. The core asks for no encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Schnorr;

impl core_types::SigningScheme for Schnorr {
    type DecodingError = DecodeError;
    type Signature = Signed;
    type PublicKey = PublicKey;
    type PrivateKey = ();

    fn decode_signature(bytes: &[u8]) -> Result<Signed, DecodeError> {
        sotto_mw::codec::Decode::from_bytes(bytes).map(Signed)
    }

    fn encode_signature(signature: &Signed) -> Vec<u8> {
        signature.0.to_bytes()
    }

    fn decode_public_key(bytes: &[u8]) -> Result<PublicKey, DecodeError> {
        sotto_mw::codec::Decode::from_bytes(bytes)
    }

    fn encode_public_key(key: &PublicKey) -> Vec<u8> {
        key.to_bytes()
    }
}

/// The chain whose turns the core asks for.
#[derive(Clone, Debug)]
pub(super) struct Context {
    pub(super) chain: ChainId,
}

impl core_types::Context for Context {
    type Address = Place;
    type Height = Height;
    type ProposalPart = NoPart;
    type Proposal = Proposal;
    type Validator = Member;
    type ValidatorSet = Members;
    type Timeouts = LinearTimeouts;
    type Value = Value;
    type Vote = Vote;
    type Extension = ();
    type SigningScheme = Schnorr;

    #[allow(clippy::indexing_slicing, reason = "the place of a proposer is in its set")]
    fn select_proposer<'a>(&self, members: &'a Members, height: Height, round: Round) -> &'a Member {
        let height = LedgerHeight::new(height.0);
        &members.all[members.set.proposer(&self.chain, height, round.as_u32().unwrap_or(0))]
    }

    fn new_proposal(
        &self,
        height: Height,
        round: Round,
        value: Value,
        pol_round: Round,
        place: Place,
    ) -> Proposal {
        Proposal { height, round, value, pol_round, place }
    }

    fn new_prevote(&self, height: Height, round: Round, value: NilOrVal<Value>, place: Place) -> Vote {
        Vote { kind: VoteType::Prevote, height, round, value, place }
    }

    fn new_precommit(&self, height: Height, round: Round, value: NilOrVal<Value>, place: Place) -> Vote {
        Vote { kind: VoteType::Precommit, height, round, value, place }
    }
}

/// The core's kind of a vote.
pub(super) const fn kind_of(kind: VoteKind) -> VoteType {
    match kind {
        VoteKind::Prevote => VoteType::Prevote,
        VoteKind::Precommit => VoteType::Precommit,
    }
}

/// Our kind of a vote of the core.
pub(super) const fn kind_from(kind: VoteType) -> VoteKind {
    match kind {
        VoteType::Prevote => VoteKind::Prevote,
        VoteType::Precommit => VoteKind::Precommit,
    }
}
