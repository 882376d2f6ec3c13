//! What evidence is for: the 64 bytes of report data, which the code in the enclave chooses.
//!
//! ```text
//! report data  SHA-512 over: "sotto/tee/bind/v1", purpose, party, job, fields…, each with its length (u64) before it
//! ```
//!
//! | purpose | job | fields | good for |
//! |---|---|---|---|
//! | enrol | none | hash of the code's build record | as long as the party's key |
//! | session | its id | verifier's nonce, verifier's key, run, exported value of the channel (RFC 9266) | one answer within 60 seconds |
//! | receipt | its id | run, hash of the receipt's facts | ever |
//!
//! A party is the hash of both its keys, so the key that others encrypt to is bound as well. Evidence that is
//! relayed from another machine names another party, channel or nonce, and is refused.

use ring::digest::{SHA512, digest};

use crate::codec::{DecodeError, Reader};
use crate::hash::Digest;

const TAG: &[u8] = b"sotto/tee/bind/v1";
/// Seconds for which a nonce is good.
pub const SESSION_LIFE: u64 = 60;
/// Most bytes of a binding.
pub(crate) const MAX_BINDING: usize = 256;

/// What evidence is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The party's secret was made in this code and does not leave it.
    Enrol {
        /// The hash of the code's build record.
        build: Digest,
    },
    /// The code is at the other end of this channel, now.
    Session {
        /// The job.
        job: Digest,
        /// What the verifier drew.
        nonce: Digest,
        /// The verifier's key.
        verifier: Digest,
        /// The run.
        run: Digest,
        /// What both ends of the channel export.
        exporter: Digest,
    },
    /// The code computed this result.
    Receipt {
        /// The job.
        job: Digest,
        /// The run.
        run: Digest,
        /// The hash of the receipt's facts.
        facts: Digest,
    },
}

impl Purpose {
    /// `enrol`, `session` or `receipt`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Enrol { .. } => "enrol",
            Self::Session { .. } => "session",
            Self::Receipt { .. } => "receipt",
        }
    }

    fn fields(&self) -> (Option<Digest>, Vec<Digest>) {
        match *self {
            Self::Enrol { build } => (None, vec![build]),
            Self::Session { job, nonce, verifier, run, exporter } => {
                (Some(job), vec![nonce, verifier, run, exporter])
            }
            Self::Receipt { job, run, facts } => (Some(job), vec![run, facts]),
        }
    }
}

/// A purpose and the party whose evidence it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The hash of the party's keys ([`PublicKey::digest`](sotto_party::PublicKey::digest)).
    pub party: Digest,
    /// What the evidence is for.
    pub purpose: Purpose,
}

impl Binding {
    /// What the code must have put into its report data.
    #[must_use]
    pub fn report_data(&self) -> [u8; 64] {
        let (job, fields) = self.purpose.fields();
        let job = job.as_ref().map_or(&[][..], |job| &job.0);
        let mut parts = vec![TAG, self.purpose.name().as_bytes(), &self.party.0, job];
        parts.extend(fields.iter().map(|field| &field.0[..]));
        let mut text = Vec::new();
        for part in parts {
            text.extend_from_slice(&(part.len() as u64).to_le_bytes());
            text.extend_from_slice(part);
        }
        let mut data = [0; 64];
        data.copy_from_slice(digest(&SHA512, &text).as_ref());
        data
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let code = match self.purpose {
            Purpose::Enrol { .. } => 1,
            Purpose::Session { .. } => 2,
            Purpose::Receipt { .. } => 3,
        };
        let (job, fields) = self.purpose.fields();
        let digests = [self.party].into_iter().chain(job).chain(fields);
        core::iter::once(code).chain(digests.flat_map(|digest| digest.0)).collect()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        let code = r.u8()?;
        let mut digest = || r.array().map(Digest);
        let party = digest()?;
        let purpose = match code {
            1 => Purpose::Enrol { build: digest()? },
            2 => Purpose::Session {
                job: digest()?,
                nonce: digest()?,
                verifier: digest()?,
                run: digest()?,
                exporter: digest()?,
            },
            3 => Purpose::Receipt { job: digest()?, run: digest()?, facts: digest()? },
            _ => return Err(DecodeError::Value("a purpose")),
        };
        r.finish().map(|()| Self { party, purpose })
    }
}

/// A nonce that a verifier drew, good for one answer within [`SESSION_LIFE`] seconds.
///
/// It is used up by the answer, so a second one cannot be compared with it.
#[derive(Debug)]
pub struct Challenge {
    nonce: Digest,
    drawn: u64,
}

/// The answer came too late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the nonce is {age} s old, and is good for {SESSION_LIFE} s")]
pub struct Stale {
    age: u64,
}

/// What a verifier knows of a session besides its nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose evidence is awaited.
    pub party: Digest,
    /// The job.
    pub job: Digest,
    /// The verifier's own key.
    pub verifier: Digest,
    /// The run.
    pub run: Digest,
    /// What the channel exports.
    pub exporter: Digest,
}

impl Challenge {
    /// A challenge with 32 bytes from a random source.
    #[must_use]
    pub fn new(random: [u8; 32], now: u64) -> Self {
        Self { nonce: Digest(random), drawn: now }
    }

    /// The nonce to send.
    #[must_use]
    pub fn nonce(&self) -> Digest {
        self.nonce
    }

    /// The binding that the answer must have.
    ///
    /// # Errors
    /// If too much time went by, or the clock went back.
    pub fn binding(self, session: &Session, now: u64) -> Result<Binding, Stale> {
        let age = now.checked_sub(self.drawn).unwrap_or(u64::MAX);
        if age > SESSION_LIFE {
            return Err(Stale { age });
        }
        let Session { party, job, verifier, run, exporter } = *session;
        Ok(Binding { party, purpose: Purpose::Session { job, nonce: self.nonce, verifier, run, exporter } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTY: Digest = Digest([1; 32]);

    fn all() -> Vec<Binding> {
        let d = |n| Digest([n; 32]);
        [
            Purpose::Enrol { build: d(2) },
            Purpose::Session { job: d(2), nonce: d(3), verifier: d(4), run: d(5), exporter: d(6) },
            Purpose::Receipt { job: d(2), run: d(5), facts: d(7) },
        ]
        .map(|purpose| Binding { party: PARTY, purpose })
        .to_vec()
    }

    #[test]
    fn every_byte_of_a_binding_is_in_the_report_data() {
        for binding in all() {
            let bytes = binding.encode();
            assert_eq!(Binding::decode(&bytes), Ok(binding));
            for at in 0..bytes.len() {
                let mut other = bytes.clone();
                other[at] ^= 1;
                let Ok(other) = Binding::decode(&other) else { continue };
                assert_ne!(other.report_data(), binding.report_data(), "byte {at}");
            }
        }
    }

    #[test]
    fn report_data_is_the_documented_hash() {
        let part = |bytes: &[u8]| [&(bytes.len() as u64).to_le_bytes(), bytes].concat();
        let text = [part(TAG), part(b"enrol"), part(&[1; 32]), part(b""), part(&[2; 32])].concat();
        let [enrol, ..] = &all()[..] else { panic!() };
        assert_eq!(enrol.report_data()[..], digest(&SHA512, &text).as_ref()[..]);
    }

    #[test]
    fn a_challenge_is_good_for_a_minute() {
        let session = Session { party: PARTY, job: PARTY, verifier: PARTY, run: PARTY, exporter: PARTY };
        let answered = |at| Challenge::new([9; 32], 1_000).binding(&session, at);
        assert!(answered(1_000).is_ok() && answered(1_060).is_ok());
        assert_eq!(answered(1_061), Err(Stale { age: 61 }));
        assert!(answered(999).is_err(), "a clock that went back");
    }
}
