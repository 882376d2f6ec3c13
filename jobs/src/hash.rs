//! All hashes of a job, with one table of their purposes.
//!
//! They are BLAKE3 in key-derivation mode. The context string is part of the hash, so a value made for one
//! purpose cannot be used for another. Each part is hashed with its length before it, so that parts cannot be
//! shifted against each other.

pub use sotto_party::hash::Digest;

use crate::codec::{Codec, DecodeError, Reader};

/// What a hash is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A job's id, over its canonical encoding.
    Job,
    /// What a job takes an input party's data for: its tables and the program's parameters.
    Schema,
    /// A run's id: job, run, attempt, a nonce of every party.
    Run,
    /// A session's id: run id and the channel's exported value.
    Session,
    /// Where a run's parties meet at a rendezvous server: job, run, compute party.
    Rendezvous,
    /// A compute party's share of an input party's input: salt, place, bits.
    InputShare,
    /// A compute party's output share of a result party's outputs: salt, place, bits.
    OutputShare,
    /// The outputs of a result party under its pad, as the receipt names them: run id, result party, bits.
    PaddedOutputs,
    /// A result party's pad: its key for pads, a seed, a counter.
    Pad,
    /// Whose seeds test an input share: place of the share.
    Owner,
    /// An input commitment, as the receipt names it.
    InputCommitment,
    /// An input party's bits, under its own key: whether a run is taken up with the same input.
    InputBits,
    /// A row of an input party's data under its own key, whatever its encoding.
    Row,
    /// A text in a row of an input party's data.
    Text,
    /// The key of an agreement's texts: job, a nonce of every party.
    TextKey,
    /// The number of a text, under that key.
    TextNumber,
    /// All rows of an input party's data, under its own key: what a budget is kept for.
    Rows,
    /// The label that an input party gives its data, under its own key: what a budget is kept for.
    Label,
    /// An input party's policy, as it was when the party signed a job.
    Policy,
    /// An entry of the budget's log, over its predecessor.
    Budget,
    /// A run, as evidence names it: job, run.
    EvidenceRun,
    /// A receipt's facts, as evidence names them.
    Facts,
    /// A compute party's secret of a lock: its key for locks, run id.
    LockSecret,
    /// The nonce of a possession: secret, run id, place, randomness.
    LockNonce,
    /// The challenge of a possession: run id, place, point, nonce's point.
    LockPossession,
    /// The ephemeral scalar of a locked share: share, run id, place, randomness.
    LockEphemeral,
    /// The key of a locked share: run id, place, lock, ephemeral point, shared point.
    LockedShare,
    /// A compute party's share of outputs that are sold: share with its salt, run id, place.
    SoldShare,
    /// A locked share, as the receipt names it.
    Locked,
    /// An offer, as a job names it.
    Offer,
    /// The terms of an offer, as a job names them: salt, price, start fee, address.
    OfferTerms,
    /// All claims of a sale, as a go names them.
    SaleClaims,
    /// The rows of an offer: its nonce, the owner's hash of its rows.
    OfferedRows,
}

impl Purpose {
    const fn context(self) -> &'static str {
        match self {
            Self::Job => "sotto mpc job id v1",
            Self::Schema => "sotto mpc schema v1",
            Self::Run => "sotto mpc run id v1",
            Self::Session => "sotto mpc session id v1",
            Self::Rendezvous => "sotto mpc rendezvous v1",
            Self::InputShare => "sotto mpc share commitment v1",
            Self::OutputShare => "sotto mpc output commitment v1",
            Self::PaddedOutputs => "sotto mpc padded outputs v1",
            Self::Pad => "sotto mpc pad v1",
            Self::Owner => "sotto mpc owner v1",
            Self::InputCommitment => "sotto mpc manifest v1",
            Self::InputBits => "sotto mpc data set v1",
            Self::Row => "sotto mpc row v1",
            Self::Text => "sotto mpc row text v1",
            Self::TextKey => "sotto mpc text key v1",
            Self::TextNumber => "sotto mpc text number v1",
            Self::Rows => "sotto mpc rows v1",
            Self::Label => "sotto mpc data set label v1",
            Self::Policy => "sotto mpc policy v1",
            Self::Budget => "sotto mpc budget entry v1",
            Self::EvidenceRun => "sotto mpc evidence run v1",
            Self::Facts => "sotto mpc receipt facts v1",
            Self::LockSecret => "sotto mpc lock v1",
            Self::LockNonce => "sotto mpc lock nonce v1",
            Self::LockPossession => "sotto mpc lock possession v1",
            Self::LockEphemeral => "sotto mpc lock ephemeral v1",
            Self::LockedShare => "sotto mpc locked half v1",
            Self::SoldShare => "sotto mpc sold half commitment v1",
            Self::Locked => "sotto mpc locked half hash v1",
            Self::Offer => "sotto mpc offer v1",
            Self::OfferTerms => "sotto mpc offer terms v1",
            Self::SaleClaims => "sotto mpc sale claims v1",
            Self::OfferedRows => "sotto mpc offered rows v1",
        }
    }
}

/// The hash of `parts` for a purpose.
pub(crate) fn hash(purpose: Purpose, parts: &[&[u8]]) -> Digest {
    Digest(sotto_party::hash::hash(purpose.context(), parts))
}

impl Codec for Digest {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Codec::decode(r).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_purposes_cannot_be_shifted() {
        let one = hash(Purpose::Job, &[b"ab", b"c"]);
        assert_ne!(one, hash(Purpose::Job, &[b"a", b"bc"]));
        assert_ne!(one, hash(Purpose::Run, &[b"ab", b"c"]));
        assert_eq!(Digest::from_hex(&one.to_string()), Some(one));
        for bad in ["", "0", &one.to_string()[1..], &one.to_string().to_uppercase()] {
            assert_eq!(Digest::from_hex(bad), None);
        }
    }
}
