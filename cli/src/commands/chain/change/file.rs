//! A change of the terms as validators send it to each other: armored text that holds the change and the signatures so far.
//!
//! ```text
//! body = height of the last change (8) ‖ signed change (mw)
//! ```
//!
//! Joining two copies keeps each signature that verifies; one that does not is refused, so that a quorum of a file is one.

use crate::{
    bridge::read_text,
    exit::{ErrorCode, Failure, OrRefuse as _, Outcome},
};
use rand_core::OsRng;
use sotto_mw::{
    amount::Height,
    batch::verify_signatures,
    chain::Chain,
    codec::{Decode, DecodeError, Encode, Reader},
    rules::check_change,
    schnorr::{PublicKey, Signature, SignedMessage, sign},
    secret::SecretScalar,
    terms::{Change, Renewal, SignedChange, Terms},
    validators::{Signatures, ValidatorSet},
};
use sotto_wallet::armor;
use std::{collections::BTreeMap, path::Path};

/// A change, and who signed it so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChangeFile {
    /// The height of the change before it.
    pub(super) last_change: Height,
    pub(super) signed: SignedChange,
}

impl Encode for ChangeFile {
    fn encode(&self, out: &mut Vec<u8>) {
        self.last_change.encode(out);
        self.signed.encode(out);
    }
}

impl Decode for ChangeFile {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { last_change: Height::decode(r)?, signed: SignedChange::decode(r)? })
    }
}

impl armor::Message for ChangeFile {
    const KIND: armor::MessageKind = armor::MessageKind::Change;
}

/// The validators of the next height.
pub(super) fn validators(chain: &Chain) -> Outcome<&ValidatorSet> {
    chain.terms().sealing.validators().ok_or_else(|| {
        Failure::refused("this chain has no validators")
            .help("its parameters and its operator stay as they are; `sotto chain info` shows them")
    })
}

impl ChangeFile {
    /// A change that nobody has signed.
    pub(super) fn new(chain: &Chain, change: Change, expiry: Height) -> Outcome<Self> {
        let set = validators(chain)?;
        let none = Signatures::new(set.count(), Vec::new());
        let signatures = none.ok_or_else(|| Failure::refused("invalid set of validators"))?;
        let signed = SignedChange { expiry, change, signatures, renewals: Vec::new() };
        Ok(Self { last_change: chain.terms().last_change, signed })
    }

    /// Reads a change for the chain's next blocks.
    pub(super) fn read(chain: &Chain, path: &Path) -> Outcome<Self> {
        let text = read_text(path, armor::MAX_TEXT as u64)?;
        let file: Self = armor::from_text(chain.id(), &text).or_refuse("not a change of this chain")?;
        file.is_current(chain).map(|()| file)
    }

    /// Whether no other change has overtaken it.
    fn is_current(&self, chain: &Chain) -> Outcome {
        let terms = chain.terms();
        let set = validators(chain)?;
        if self.last_change != terms.last_change || self.signed.signatures.signers().of() != set.count() {
            return Err(Failure::coded(ErrorCode::StaleChange, "another change has overtaken this one")
                .why(format!(
                    "it follows the change in block {}, and the last is in block {}",
                    self.last_change, terms.last_change
                ))
                .help("propose it again, and have it signed again; or your node is behind: see `sotto node status`"));
        }
        self.verify(chain)
    }

    /// Whether all signatures verify.
    fn verify(&self, chain: &Chain) -> Outcome {
        let (set, message) = (validators(chain)?, self.message(chain));
        let by = |(place, s): (usize, &Signature)| Some((set.get(place)?.vote_key, *s));
        let new = self.new_set();
        let renewed = |r: &Renewal| Some((new?.get(r.place.into())?.vote_key, r.signature));
        let all = self.signed.signatures.by_place().map(by);
        let all: Option<Vec<(PublicKey, Signature)>> =
            all.chain(self.signed.renewals.iter().map(renewed)).collect();
        let messages = all.map(|all| {
            all.into_iter().map(|(k, s)| SignedMessage::new(k, message.clone(), s)).collect::<Vec<_>>()
        });
        if messages.is_some_and(|all| verify_signatures(&all).is_ok()) {
            return Ok(());
        }
        Err(Failure::refused("a signature of the change does not verify")
            .help("ask whoever sent it for another copy; the signatures of the others count without it"))
    }

    fn message(&self, chain: &Chain) -> Vec<u8> {
        self.signed.change.message(chain.id(), self.last_change, self.signed.expiry)
    }

    fn new_set(&self) -> Option<&ValidatorSet> {
        if let Change::Validators(new) = &self.signed.change { Some(new) } else { None }
    }

    /// Adds the signatures of another copy.
    pub(super) fn join(&mut self, other: &Self) -> Outcome {
        let content = |f: &Self| (f.last_change, f.signed.expiry, f.signed.change.clone());
        if content(self) != content(other) {
            return Err(Failure::refused("the files hold different changes")
                .help("`sotto chain change show FILE` shows each"));
        }
        let mut all: BTreeMap<usize, Signature> =
            self.signed.signatures.by_place().map(|(i, s)| (i, *s)).collect();
        other.signed.signatures.by_place().for_each(|(i, s)| _ = all.entry(i).or_insert(*s));
        self.put(all);
        let mut renewals: BTreeMap<u8, Renewal> =
            self.signed.renewals.iter().map(|r| (r.place, r.clone())).collect();
        other.signed.renewals.iter().for_each(|r| _ = renewals.entry(r.place).or_insert_with(|| r.clone()));
        self.signed.renewals = renewals.into_values().collect();
        Ok(())
    }

    fn put(&mut self, all: BTreeMap<usize, Signature>) {
        let of = self.signed.signatures.signers().of();
        if let Some(signatures) = Signatures::new(of, all.into_iter().collect()) {
            self.signed.signatures = signatures;
        }
    }

    /// Signs as the validator with this vote key, and as its successor with the other if the change renews it.
    pub(super) fn sign(
        &mut self,
        chain: &Chain,
        (key, new): (&SecretScalar, Option<&SecretScalar>),
    ) -> Outcome {
        let (set, message) = (validators(chain)?, self.message(chain));
        // Once a change has renewed it, the new key is the one that counts.
        let renewed = new.filter(|new| set.index_of(&PublicKey::of(new)).is_some());
        let (key, new) = renewed.map_or((key, new), |new| (new, None));
        let place = set.index_of(&PublicKey::of(key)).ok_or_else(|| {
            Failure::refused("the vote key in this folder seals no block of this chain")
                .help("a change is signed by the validators that seal now")
        })?;
        let mut all: BTreeMap<usize, Signature> =
            self.signed.signatures.by_place().map(|(i, s)| (i, *s)).collect();
        all.insert(place, sign(key, &message, &mut OsRng));
        self.put(all);
        let successor = new.and_then(|new| Some((new, self.new_set()?.index_of(&PublicKey::of(new))?)));
        if let Some((new, place)) = successor {
            let place = u8::try_from(place).unwrap_or(u8::MAX);
            self.signed.renewals.retain(|r| r.place != place);
            self.signed.renewals.push(Renewal { place, signature: sign(new, &message, &mut OsRng) });
            self.signed.renewals.sort_unstable_by_key(|r| r.place);
        }
        Ok(())
    }

    /// Whether the rules would allow it once all have signed, at the first height that may have a change.
    pub(super) fn check(&self, terms: &Terms, chain: &Chain, next: Height) -> Outcome {
        let set = validators(chain)?;
        let any = sign(&SecretScalar::random(&mut OsRng), &[], &mut OsRng);
        let mut whole = self.signed.clone();
        if let Some(all) = Signatures::new(set.count(), (0..set.count()).map(|i| (i, any)).collect()) {
            whole.signatures = all;
        }
        whole.renewals =
            renewable(set, self.new_set()).map(|place| Renewal { place, signature: any }).collect();
        check_change(chain, terms, terms.first_change(next), &whole)
            .map(drop)
            .or_refuse("the rules do not allow this change")
    }

    /// The power of those who signed, and whether it is a quorum.
    pub(super) fn power(&self, chain: &Chain) -> Outcome<(u64, bool)> {
        let set = validators(chain)?;
        let power = self.signed.signatures.signers().power(set).unwrap_or(0);
        Ok((power, set.has_quorum(power)))
    }
}

/// The places in the new set of validators that go on under another key, with their name and their power.
pub(super) fn renewable(old: &ValidatorSet, new: Option<&ValidatorSet>) -> impl Iterator<Item = u8> {
    let new = new.map(|new| new.all().to_vec()).unwrap_or_default();
    let kept = |key: &PublicKey| new.iter().any(|v| v.vote_key == *key);
    let goes_on = |to: &sotto_mw::validators::Validator| {
        let same = |from: &&sotto_mw::validators::Validator| from.name == to.name && from.power == to.power;
        old.index_of(&to.vote_key).is_none()
            && old.all().iter().find(same).is_some_and(|from| !kept(&from.vote_key))
    };
    let places: Vec<u8> = (0u8..).zip(&new).filter(|(_, v)| goes_on(v)).map(|(place, _)| place).collect();
    places.into_iter()
}
