//! What stands behind a statement of a receipt: evidence that the compute party's code computed the result, with all
//! that its appraisal took.
//!
//! ```text
//! signed        name of the evidence [32] ‖ policy's hash [32] ‖ verdict u8 ‖ bundle's hash [32]
//! in a receipt  the same ‖ the bundle, with its length
//! verdict       1 attested · 2 UNATTESTED-SOFTWARE
//! ```
//!
//! The four values follow from the bundle and are compared with it when a receipt is read.
//!
//! Not guaranteed by reading: that the evidence is genuine. [`Bundle::verdict_then`] and [`Bundle::verdict_today`] say
//! that.

use crate::codec::{Bytes, Codec, DecodeError, Reader};
use crate::evidence::key;
use crate::hash::Digest;
use crate::job::{Job, PartyId};
use sotto_tee::appraise::Verdict;
use sotto_tee::bundle::MAX_BUNDLE;
use sotto_tee::{Binding, Bundle, Purpose};

/// Evidence behind a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched(Bundle);

impl Vouched {
    /// This bundle stands behind a statement.
    #[must_use]
    pub const fn new(bundle: Bundle) -> Self {
        Self(bundle)
    }

    /// The evidence with all that its appraisal took.
    #[must_use]
    pub const fn bundle(&self) -> &Bundle {
        &self.0
    }

    /// Whether hardware vouches, if the evidence is genuine.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        Verdict::of(self.0.evidence.kind())
    }

    /// What the compute party signs.
    pub(crate) fn signed(&self) -> Vec<u8> {
        let mut text = self.0.evidence.name().0.to_vec();
        self.0.policy().digest().encode(&mut text);
        text.push(code(self.verdict()));
        self.0.digest().encode(&mut text);
        text
    }

    /// Whether the evidence is a party's, for a result, under the job's policy, and of this time.
    pub(crate) fn is_for(&self, job: &Job, party: PartyId, result: &ResultFacts) -> bool {
        Some(self.0.policy().digest()) == job.demand_of(party)
            && self.0.binding == binding(job, party, result)
            && self.0.time == result.finished
    }
}

/// What evidence for a receipt names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResultFacts {
    /// The run's id.
    pub(crate) run: Digest,
    /// The hash of the receipt's facts.
    pub(crate) facts: Digest,
    /// When it was computed.
    pub(crate) finished: u64,
}

/// What evidence behind a party's statement must be for.
pub(crate) fn binding(job: &Job, party: PartyId, result: &ResultFacts) -> Binding {
    let purpose = Purpose::Receipt { job: job.id(), run: result.run, facts: result.facts };
    Binding { party: key(job, party), purpose }
}

const fn code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Attested => 1,
        Verdict::UnattestedSoftware => 2,
    }
}

impl Codec for Vouched {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.signed());
        Bytes::put(&self.0.encode(), out);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let stated = r.take(32 + 32 + 1 + 32)?;
        let length = u32::decode(r)? as usize;
        if length > MAX_BUNDLE {
            return Err(DecodeError::Value("the length of a bundle"));
        }
        let bundle = Bundle::decode(r.take(length)?).map_err(|_| DecodeError::Value("a bundle"))?;
        let vouched = Self(bundle);
        if vouched.signed() == stated {
            Ok(vouched)
        } else {
            Err(DecodeError::Value("what a bundle is said to hold"))
        }
    }
}
