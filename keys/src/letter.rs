//! Letters: what a member says at one step of a session, to all members.
//!
//! ```text
//! "sotto keys letter v1" ‖ group (32) ‖ session (32) ‖ step (1) ‖ from (1) ‖ before (32)
//! ‖ body: length (4), bytes ‖ parts: count (1), each: to (1), length (4), bytes
//! ‖ Ed25519 signature of all before it (64)
//!
//! before = H("sotto/keys/step/v1", names of the letters that this one answers, by sender)
//! name   = H("sotto/keys/letter/v1", letter)
//! part   = encrypted to one member (X-Wing); it opens for that member in that group, session, step, sender and
//!          with that `before` alone
//! ```
//!
//! Every letter goes to every member, parts for others included: a member sends one letter at a step, and two
//! different ones are [`Evidence`] against it. `before` makes the letters of a step a broadcast: a member that
//! received something else names another hash. Carriers of letters learn who takes part in what, and no secret.
#![deny(clippy::indexing_slicing)]

use core::fmt;

use rand_core::{CryptoRng, RngCore};
use sotto_party::{Identity, decrypt, encrypt};
use zeroize::Zeroizing;

use crate::codec::{DecodeError, Reader, put_bytes};
use crate::draft::{Draft, GroupId, Index, MAX_MEMBERS};
use crate::tag::{self, Hash, tagged};

/// The name of a session: what its letters have in common.
pub type SessionId = Hash;

/// Most bytes of a letter: a step of 15 members and 256 keys.
pub const MAX_LETTER: usize = 256 << 10;

const PREFIX: &str = "sotto keys letter v1";

/// A step of a session. Its number says which machine it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Step {
    /// Key generation: commitments to a polynomial, with proofs of knowledge.
    Packages = 0x11,
    /// Key generation: shares, encrypted to each member.
    Shares = 0x12,
    /// Key generation: a signature over the keys, and nonces for the drill.
    Confirmed = 0x13,
    /// Key generation: each member's part in the drill.
    Drilled = 0x14,
    /// Signing: what is asked for.
    Asked = 0x21,
    /// Signing: nonces of a member that agrees.
    Committed = 0x22,
    /// Signing: the members who sign.
    Chosen = 0x23,
    /// Signing: a share of the signature; a partial for groups that do not sign.
    Signed = 0x24,
    /// Repair: a member asks for its share.
    Lost = 0x31,
    /// Repair: a member agrees to help.
    Authorised = 0x32,
    /// Repair: the members who help.
    Helpers = 0x33,
    /// Repair: summands of a helper's part, encrypted to each helper, and commitments to them.
    Deltas = 0x34,
    /// Repair: sums of those, encrypted to the member that asked.
    Sigmas = 0x35,
    /// Refresh: the members who stay.
    Proposed = 0x41,
    /// Refresh: commitments to a polynomial that changes the shares and not the key.
    Renewals = 0x42,
    /// Refresh: its values, encrypted to each member.
    Renewed = 0x43,
    /// Refresh: a signature over the new epoch.
    Prepared = 0x44,
    /// A change of members: a signature over the successor.
    Succeeded = 0x51,
    /// A view secret, encrypted to each member.
    Viewed = 0x61,
    /// A pool: what is planned.
    Planned = 0x71,
    /// A pool: masks of a member that agrees.
    Masked = 0x72,
    /// A pool: what a member answers under its masks.
    Answered = 0x73,
}

impl Step {
    const ALL: [Self; 22] = [
        Self::Packages,
        Self::Shares,
        Self::Confirmed,
        Self::Drilled,
        Self::Asked,
        Self::Committed,
        Self::Chosen,
        Self::Signed,
        Self::Lost,
        Self::Authorised,
        Self::Helpers,
        Self::Deltas,
        Self::Sigmas,
        Self::Proposed,
        Self::Renewals,
        Self::Renewed,
        Self::Prepared,
        Self::Succeeded,
        Self::Viewed,
        Self::Planned,
        Self::Masked,
        Self::Answered,
    ];

    /// Its name, as commands print it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Packages => "packages",
            Self::Shares => "shares",
            Self::Confirmed => "confirmed",
            Self::Drilled => "drilled",
            Self::Asked => "asked",
            Self::Committed => "committed",
            Self::Chosen => "chosen",
            Self::Signed => "signed",
            Self::Lost => "lost",
            Self::Authorised => "authorised",
            Self::Helpers => "helpers",
            Self::Deltas => "deltas",
            Self::Sigmas => "sigmas",
            Self::Proposed => "proposed",
            Self::Renewals => "renewals",
            Self::Renewed => "renewed",
            Self::Prepared => "prepared",
            Self::Succeeded => "succeeded",
            Self::Viewed => "viewed",
            Self::Planned => "planned",
            Self::Masked => "masked",
            Self::Answered => "answered",
        }
    }

    fn of_code(code: u8) -> Result<Self, DecodeError> {
        Self::ALL.into_iter().find(|step| *step as u8 == code).ok_or(DecodeError::Value("a step"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a letter belongs: what it says, apart from its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heading {
    /// The group.
    pub group: GroupId,
    /// The session.
    pub session: SessionId,
    /// The step.
    pub step: Step,
    /// The sender.
    pub from: Index,
    /// The letters that this one answers.
    pub before: Hash,
}

impl Heading {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.group.as_bytes());
        out.extend_from_slice(self.session.as_bytes());
        out.extend_from_slice(&[self.step as u8, self.from.get()]);
        out.extend_from_slice(self.before.as_bytes());
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            group: Hash::from_bytes(r.array()?),
            session: Hash::from_bytes(r.array()?),
            step: Step::of_code(r.u8()?)?,
            from: Index::read(r)?,
            before: Hash::from_bytes(r.array()?),
        })
    }

    /// The place where the part for `to` opens.
    fn place(&self, to: Index) -> Vec<u8> {
        let mut place = Vec::new();
        self.put(&mut place);
        place.push(to.get());
        place
    }
}

/// A letter. Whose it is shows only after [`is_signed`](Self::is_signed).
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    heading: Heading,
    body: Vec<u8>,
    parts: Vec<(Index, Vec<u8>)>,
    signature: [u8; 64],
}

impl Letter {
    /// Writes a letter; `parts` in ascending order of members, each for its member's eyes alone.
    ///
    /// `None` if a member does not exist or its key cannot be used.
    pub(crate) fn write(
        (draft, identity): (&Draft, &Identity),
        heading: Heading,
        body: Vec<u8>,
        parts: &[(Index, Zeroizing<Vec<u8>>)],
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Option<Self> {
        let mut encrypted = Vec::with_capacity(parts.len());
        for (to, part) in parts {
            let place = heading.place(*to);
            encrypted.push((*to, encrypt(tag::PART.at(&place), draft.key(*to)?, part, rng)?));
        }
        let mut letter = Self { heading, body, parts: encrypted, signature: [0; 64] };
        letter.signature = identity.sign(tag::SIGNED, &letter.text());
        Some(letter)
    }

    /// The same contents elsewhere.
    #[cfg(test)]
    pub(crate) fn moved(&self, heading: Heading) -> Self {
        Self { heading, ..self.clone() }
    }

    /// Where it belongs.
    #[must_use]
    pub const fn heading(&self) -> &Heading {
        &self.heading
    }

    /// What everybody may read.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The part for this member, decrypted.
    pub(crate) fn part(&self, to: Index, identity: &Identity) -> Option<Zeroizing<Vec<u8>>> {
        let (_, part) = self.parts.iter().find(|(member, _)| *member == to)?;
        decrypt(tag::PART.at(&self.heading.place(to)), identity, part)
    }

    /// Whether the member that it names wrote it.
    #[must_use]
    pub fn is_signed(&self, draft: &Draft) -> bool {
        let key = draft.key(self.heading.from);
        self.heading.group == draft.id()
            && key.is_some_and(|key| key.verify(tag::SIGNED, &self.text(), &self.signature))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> Hash {
        tagged(tag::LETTER, &[&self.to_bytes()])
    }

    /// Everything before the signature.
    fn text(&self) -> Vec<u8> {
        let mut out = PREFIX.as_bytes().to_vec();
        self.heading.put(&mut out);
        put_bytes(&self.body, &mut out);
        // At most `MAX_MEMBERS`, because they ascend.
        out.push(self.parts.len() as u8);
        for (to, part) in &self.parts {
            out.push(to.get());
            put_bytes(part, &mut out);
        }
        out
    }

    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.text()[..], &self.signature].concat()
    }

    /// Reads a letter. The signature is not checked.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_LETTER {
            return Err(DecodeError::Value("the length of a letter"));
        }
        let mut r = Reader::after(PREFIX, bytes)?;
        let heading = Heading::read(&mut r)?;
        let body = r.bytes(MAX_LETTER)?.to_vec();
        let count = r.u8()?;
        if count > MAX_MEMBERS {
            return Err(DecodeError::Value("a number of parts"));
        }
        let mut parts: Vec<(Index, Vec<u8>)> = Vec::with_capacity(count.into());
        for _ in 0..count {
            let to = Index::read(&mut r)?;
            if parts.last().is_some_and(|(last, _)| *last >= to) {
                return Err(DecodeError::Value("the order of parts"));
            }
            parts.push((to, r.bytes(MAX_LETTER)?.to_vec()));
        }
        let signature = r.array()?;
        r.finish()?;
        Ok(Self { heading, body, parts, signature })
    }
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Letter({} of {}, {})", self.heading.step, self.heading.from, self.name())
    }
}

/// The hash of letters, in ascending order of their senders.
pub(crate) fn step_hash<'l>(letters: impl IntoIterator<Item = &'l Letter>) -> Hash {
    let names: Vec<u8> = letters.into_iter().flat_map(|letter| *letter.name().as_bytes()).collect();
    tagged(tag::STEP, &[&names])
}

/// Two different letters of one member at one step: it sent members different things.
///
/// ```text
/// "sotto keys evidence v1" ‖ length (4) ‖ letter ‖ length (4) ‖ letter        the smaller name first
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence([Box<Letter>; 2]);

impl Evidence {
    const PREFIX: &str = "sotto keys evidence v1";

    /// The evidence in two letters; `None` if they are not of one member at one step, or the same.
    #[must_use]
    pub fn new(one: Letter, two: Letter) -> Option<Self> {
        let place = |l: &Letter| (l.heading.group, l.heading.session, l.heading.step, l.heading.from);
        if one == two || place(&one) != place(&two) {
            return None;
        }
        let mut both = [Box::new(one), Box::new(two)];
        both.sort_by_key(|letter| letter.name());
        Some(Self(both))
    }

    /// The member at fault.
    #[must_use]
    pub fn member(&self) -> Index {
        let [one, _] = &self.0;
        one.heading.from
    }

    /// Whether that member wrote both: anybody who has the draft can tell.
    #[must_use]
    pub fn holds(&self, draft: &Draft) -> bool {
        self.0.iter().all(|letter| letter.is_signed(draft))
    }

    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Self::PREFIX.as_bytes().to_vec();
        self.0.iter().for_each(|letter| put_bytes(&letter.to_bytes(), &mut out));
        out
    }

    /// Reads evidence. Whether it [`holds`](Self::holds) is not checked.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::after(Self::PREFIX, bytes)?;
        let [one, two] = [r.bytes(MAX_LETTER)?, r.bytes(MAX_LETTER)?];
        r.finish()?;
        let evidence = Self::new(Letter::from_bytes(one)?, Letter::from_bytes(two)?);
        evidence.filter(|evidence| evidence.to_bytes() == bytes).ok_or(DecodeError::Value("evidence"))
    }
}
