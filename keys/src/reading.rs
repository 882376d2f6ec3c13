//! Partial decryptions for auditors: a group for `audit` multiplies points by its key, t members together, for one
//! reader.
//!
//! ```text
//! question  name of the request (32), points R_1 … R_n, the reader's key
//! S_j = y_i·R_j        w_j = H512("sotto/keys/reading-weight/v1", request ‖ epoch ‖ from ‖ all R ‖ all S ‖ j)
//! P = Σ w_j·S_j for R = Σ w_j·R_j, with a proof that P = y_i·R for Y_i = y_i·G (crate::partial)
//! answer    "sotto keys reading answer v1" ‖ name of the request (32) ‖ hash of the epoch (32) ‖ from (1)
//!           ‖ length (4) ‖ n × S_j and the proof, encrypted to the reader ‖ Ed25519 signature of all before it (64)
//! Σ λ_i·S_ij = y·R_j
//! ```
//!
//! One proof for all points: the weights are fixed only when all points are, so an S_j that is not y_i·R_j makes P another
//! point than y_i·R except with probability 2⁻²⁵².
//!
//! This module multiplies any points: its caller decides first which points may be asked for, by whom and how often.
//! Guaranteed: fewer than t answers reveal nothing about y·R_j (CDH); the member that signed a false answer is named; a
//! carrier of answers learns the number of points, and no S_j.
//!
//! Source: Chaum and Pedersen (CRYPTO 1992, section 3.2), joined by weights as in the small exponents
//! test of Bellare, Garay and Rabin (EUROCRYPT 1998).
#![deny(clippy::indexing_slicing)]

use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use rand_core::{CryptoRng, RngCore};
use sotto_party::{Context, Identity, PublicKey};
use zeroize::Zeroizing;

use crate::answer::{Answer, AnswerKind, Contents, Sorted, sort};
use crate::codec::Reader;
use crate::curve::{lagrange, point, points, put_point, vartime_sum};
use crate::draft::{Index, Purpose};
use crate::epoch::Epoch;
use crate::fault::Fault;
use crate::partial::Partial;
use crate::share::Share;
use crate::tag::{self, Hash, tagged_wide};

/// Most points of a question.
pub const MAX_POINTS: usize = 129;
/// Most bytes of an answer.
pub const MAX_ANSWER: usize = ReadingAnswer::MAX_BYTES;

const PROOF: usize = 128;
const MAX_CONTENTS: usize = 32 * MAX_POINTS + PROOF;
/// The key that a group for `audit` has.
const KEY: usize = 0;

/// Why a member does not answer, or a question stays open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadingError {
    /// The group is for something else.
    #[error("this group is not one for `audit`")]
    Purpose,
    /// No points, too many, the identity, or bytes that are no point.
    #[error("a question has 1 to {MAX_POINTS} points, none of them the identity")]
    Points,
    /// The share is not one of this epoch, or a key cannot be used.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// Fewer than t answers hold.
    #[error("{held} good answers, and {wanted} are needed")]
    TooFew {
        /// How many hold.
        held: usize,
        /// How many are needed.
        wanted: usize,
    },
}

/// A question to a group: points to multiply by its key, for one reader.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The group, at its epoch.
    pub epoch: &'a Epoch,
    /// The name of the request: answers to two requests do not mix.
    pub request: Hash,
    /// The points, by their encodings.
    pub points: &'a [[u8; 32]],
    /// The key of the reader.
    pub reader: &'a PublicKey,
}

/// A member that answers.
#[derive(Clone, Copy, Debug)]
pub struct ReadingMember<'a> {
    /// Its identity.
    pub identity: &'a Identity,
    /// Its share.
    pub share: &'a Share,
}

/// Answers to questions of a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToReader {}

impl AnswerKind for ToReader {
    const PREFIX: &'static str = "sotto keys reading answer v1";
    const SIGNATURE: Context = tag::READING_ANSWER;
    const ENCRYPTION: Context = tag::READING;
    /// Products and their proof.
    const MAX_CONTENTS: usize = MAX_CONTENTS;
}

/// A member's answer, which the reader alone decrypts.
pub type ReadingAnswer = Answer<ToReader>;

/// The products that t answers give together.
pub struct Combined {
    /// y·R_j, in the order of the question.
    pub points: Vec<[u8; 32]>,
    /// Members whose answers are signed and false.
    pub false_answers: Vec<Index>,
}

/// Shows no points.
impl core::fmt::Debug for Combined {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Combined").field("false_answers", &self.false_answers).finish_non_exhaustive()
    }
}

impl Question<'_> {
    /// The points, decoded.
    fn bases(&self) -> Result<Vec<RistrettoPoint>, ReadingError> {
        if self.epoch.draft().purpose() != Purpose::Audit {
            return Err(ReadingError::Purpose);
        }
        if !(1..=MAX_POINTS).contains(&self.points.len()) {
            return Err(ReadingError::Points);
        }
        let decoded = self.points.iter().map(|bytes| point(&mut Reader::new(bytes)));
        decoded.collect::<Result<_, _>>().map_err(|_| ReadingError::Points)
    }

    /// A member's answer. The caller has checked that the request may be answered.
    ///
    /// # Errors
    /// [`ReadingError`] if the points cannot be used, or group and share do not belong together.
    pub fn answer(
        &self,
        member: ReadingMember<'_>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<ReadingAnswer, ReadingError> {
        let (bases, ReadingMember { identity, share }) = (self.bases()?, member);
        share.fits(self.epoch).map_err(|_| Fault::OtherShare)?;
        let from = self.epoch.draft().index_of(&identity.public()).filter(|i| *i == share.index());
        let from = from.ok_or(Fault::OtherShare)?;
        let secret = share.secret(KEY).ok_or(Fault::OtherShare)?;
        let products: Vec<_> = bases.iter().map(|r| r * secret.expose()).collect();
        let weights = self.weights(from, &products);
        let proof = Partial::new(secret, &vartime_sum(weights, &bases), rng);
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_CONTENTS));
        products.iter().for_each(|s| put_point(s, &mut bytes));
        bytes.extend_from_slice(&proof.to_bytes());
        let (request, epoch, to) = (self.request, self.epoch, self.reader);
        let contents = Contents { request, epoch, from, to, bytes: &bytes };
        Ok(ReadingAnswer::new(&contents, identity, rng).ok_or(Fault::Unusable)?)
    }

    /// y·R_j of all points, from the answers of t members. Answers to other requests, of other epochs or without the
    /// signature of a member count for nothing; signed ones that are false name their members.
    ///
    /// # Errors
    /// [`ReadingError::TooFew`]; [`Question::false_answers`] names the false ones.
    pub fn combine(&self, reader: &Identity, answers: &[ReadingAnswer]) -> Result<Combined, ReadingError> {
        let (good, false_answers) = self.sorted(&self.bases()?, reader, answers);
        let wanted = usize::from(self.epoch.draft().threshold());
        let good: Vec<_> = good.into_iter().take(wanted).collect();
        if good.len() < wanted {
            return Err(ReadingError::TooFew { held: good.len(), wanted });
        }
        let set: Vec<u8> = good.iter().map(|(i, _)| i.get()).collect();
        let weights: Vec<Scalar> = set.iter().map(|i| lagrange(&set, *i, 0)).collect();
        let sum = |j: usize| {
            let parts = good.iter().filter_map(|(_, products)| products.get(j));
            vartime_sum(weights.iter().copied(), parts).compress().to_bytes()
        };
        Ok(Combined { points: (0..self.points.len()).map(sum).collect(), false_answers })
    }

    /// The members whose answers to this request are signed and false.
    ///
    /// # Errors
    /// [`ReadingError`] if the points cannot be used.
    pub fn false_answers(
        &self,
        reader: &Identity,
        answers: &[ReadingAnswer],
    ) -> Result<Vec<Index>, ReadingError> {
        Ok(self.sorted(&self.bases()?, reader, answers).1)
    }

    /// The products of good answers, and the members whose answers are false.
    fn sorted(
        &self,
        bases: &[RistrettoPoint],
        reader: &Identity,
        answers: &[ReadingAnswer],
    ) -> Sorted<Vec<RistrettoPoint>> {
        sort(self.request, self.epoch, answers, |answer| self.products(bases, reader, answer))
    }

    /// The products in an answer, if their proof holds.
    fn products(
        &self,
        bases: &[RistrettoPoint],
        reader: &Identity,
        answer: &ReadingAnswer,
    ) -> Option<Vec<RistrettoPoint>> {
        let contents = answer.decrypt(reader)?;
        let mut r = Reader::new(&contents);
        let products = points(&mut r, bases.len()).ok()?;
        let proof = Partial::read(&mut r).ok()?;
        r.finish().ok()?;
        let y = self.epoch.verifying_share(KEY, answer.from())?;
        let weights: Vec<_> = self.weights(answer.from(), &products).collect();
        let joined = vartime_sum(weights.iter().copied(), &products);
        let holds = *proof.point() == joined && proof.holds(&y, &vartime_sum(weights, bases));
        holds.then_some(products)
    }

    /// The weights under which all points are one.
    fn weights(&self, from: Index, products: &[RistrettoPoint]) -> impl Iterator<Item = Scalar> + use<> {
        let mut all = [&self.request.as_bytes()[..], self.epoch.hash().as_bytes(), &[from.get()]].concat();
        self.points.iter().for_each(|r| all.extend_from_slice(r));
        products.iter().for_each(|s| put_point(s, &mut all));
        let seed = tagged_wide(tag::READING_WEIGHT, &[&all]);
        (0..products.len() as u64).map(move |j| {
            let wide = tagged_wide(tag::READING_WEIGHT, &[&seed, &j.to_le_bytes()]);
            Scalar::from_bytes_mod_order_wide(&wide)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may fail")]

    use super::*;
    use crate::partial::drill_point;
    use crate::tests::{Made, index, rng};

    const REQUEST: Hash = Hash::from_bytes([9; 32]);

    struct World {
        made: Made,
        reader: Identity,
        key: PublicKey,
        points: Vec<[u8; 32]>,
    }

    impl World {
        fn new() -> Self {
            let (made, reader) = (Made::new(Purpose::Audit, 2, 3), Identity::random(&mut rng(50)));
            let points = (0..5u8).map(|n| drill_point(&[n]).compress().to_bytes()).collect();
            Self { made, key: reader.public(), reader, points }
        }

        fn question(&self) -> Question<'_> {
            Question { epoch: self.made.epoch(), request: REQUEST, points: &self.points, reader: &self.key }
        }

        fn member(&self, i: u8) -> ReadingMember<'_> {
            let i = index(i);
            ReadingMember { identity: self.made.team.identity(i), share: &self.made.shares[&i] }
        }

        fn answer(&self, i: u8) -> ReadingAnswer {
            self.question().answer(self.member(i), &mut rng(i.into())).unwrap()
        }

        /// An answer with these contents, signed by member 2.
        fn forged(&self, contents: &[u8]) -> ReadingAnswer {
            let (from, epoch) = (index(2), self.made.epoch());
            let contents = Contents { request: REQUEST, epoch, from, to: &self.key, bytes: contents };
            ReadingAnswer::new(&contents, self.made.team.identity(from), &mut rng(60)).unwrap()
        }

        fn contents(&self, answer: &ReadingAnswer) -> Vec<u8> {
            answer.decrypt(&self.reader).unwrap().to_vec()
        }
    }

    /// y·R_j for y from all shares.
    fn products(w: &World) -> Vec<[u8; 32]> {
        let set = [1, 2, 3];
        let y: Scalar = set
            .iter()
            .map(|i| lagrange(&set, *i, 0) * w.made.shares[&index(*i)].secret(KEY).unwrap().expose())
            .sum();
        (0..5u8).map(|n| (drill_point(&[n]) * y).compress().to_bytes()).collect()
    }

    #[test]
    fn any_t_answers_multiply_all_points_and_fewer_do_not() {
        let w = World::new();
        let all = [1, 2, 3].map(|i| w.answer(i));
        for set in [[0, 1], [0, 2], [2, 1]] {
            let answers = set.map(|i| all[i].clone());
            let combined = w.question().combine(&w.reader, &answers).unwrap();
            assert_eq!(combined.points, products(&w));
            assert!(combined.false_answers.is_empty());
        }
        for answers in [&all[..1], &[all[1].clone(), all[1].clone()]] {
            let too_few = w.question().combine(&w.reader, answers).unwrap_err();
            assert_eq!(too_few, ReadingError::TooFew { held: 1, wanted: 2 });
        }
        for answer in &all {
            assert_eq!(ReadingAnswer::from_bytes(&answer.to_bytes()).as_ref(), Ok(answer));
            assert!(answer.to_bytes().len() <= MAX_ANSWER);
        }
        let stranger = Identity::random(&mut rng(51));
        assert!(w.question().combine(&stranger, &all).is_err(), "answers are for the reader alone");
    }

    #[test]
    fn a_false_answer_is_named_and_does_no_harm() {
        let w = World::new();
        let honest = w.contents(&w.answer(2));
        let mut cases = vec![("other points", {
            let others: Vec<_> = (10..15u8).map(|n| drill_point(&[n]).compress().to_bytes()).collect();
            Question { points: &others, ..w.question() }.answer(w.member(2), &mut rng(2)).unwrap()
        })];
        // One point is another, with the proof of the honest ones; two are swapped; a byte is missing.
        let mut altered = honest.clone();
        altered[32..64].copy_from_slice(&w.points[0]);
        cases.push(("another point", w.forged(&altered)));
        let mut swapped = honest.clone();
        let (one, two) = swapped.split_at_mut(32);
        one.swap_with_slice(&mut two[..32]);
        cases.push(("swapped points", w.forged(&swapped)));
        cases.push(("cut off", w.forged(&honest[1..])));
        // A proof of the joined point, and points that do not join to it.
        let mut unrelated = honest.clone();
        let theirs = w.points.concat();
        unrelated[..theirs.len()].copy_from_slice(&theirs);
        cases.push(("a proof about something else", w.forged(&unrelated)));
        for (why, bad) in cases {
            let answers = [w.answer(1), bad.clone()];
            assert!(w.question().combine(&w.reader, &answers).is_err(), "{why}");
            assert_eq!(w.question().false_answers(&w.reader, &answers).unwrap(), [index(2)], "{why}");
            let answers = [bad, w.answer(1), w.answer(3)];
            let combined = w.question().combine(&w.reader, &answers).unwrap();
            assert_eq!((combined.points, combined.false_answers), (products(&w), vec![index(2)]), "{why}");
        }
        assert!(w.forged(&honest).is_signed(&w.made.team.draft), "the forger signs as a member does");
        assert!(w.question().combine(&w.reader, &[w.answer(1), w.forged(&honest)]).is_ok());
    }

    #[test]
    fn answers_that_do_not_belong_here_count_for_nothing() {
        let w = World::new();
        let other = Question { request: Hash::from_bytes([8; 32]), ..w.question() };
        let elsewhere = other.answer(w.member(2), &mut rng(2)).unwrap();
        let honest = w.answer(2).to_bytes();
        let altered = |at: usize| {
            let mut bytes = honest.clone();
            bytes[at] ^= 1;
            ReadingAnswer::from_bytes(&bytes).unwrap()
        };
        let unsigned = altered(honest.len() - 64);
        let renamed = altered(ToReader::PREFIX.len() + 32 + 32);
        assert_eq!(renamed.from(), index(3));
        let (vault, bytes) = (Made::new(Purpose::Vault, 2, 3), w.contents(&w.answer(2)));
        let (from, epoch) = (index(2), vault.epoch());
        let contents = Contents { request: REQUEST, epoch, from, to: &w.key, bytes: &bytes };
        let of_another_epoch =
            ReadingAnswer::new(&contents, w.made.team.identity(from), &mut rng(60)).unwrap();
        assert!(of_another_epoch.is_signed(&w.made.team.draft));
        for answer in [elsewhere, unsigned, of_another_epoch, renamed] {
            let answers = [w.answer(1), answer];
            assert!(w.question().combine(&w.reader, &answers).is_err());
            assert!(w.question().false_answers(&w.reader, &answers).unwrap().is_empty());
        }
    }

    #[test]
    fn other_groups_shares_and_points_are_refused() {
        let w = World::new();
        let refused = |points: &[[u8; 32]]| {
            Question { points, ..w.question() }.answer(w.member(1), &mut rng(1)).unwrap_err()
        };
        assert_eq!(refused(&[]), ReadingError::Points);
        assert_eq!(refused(&[[0; 32]]), ReadingError::Points, "the identity");
        assert_eq!(refused(&[[0xff; 32]]), ReadingError::Points);
        assert_eq!(refused(&vec![w.points[0]; MAX_POINTS + 1]), ReadingError::Points);
        let vault = Made::new(Purpose::Vault, 2, 3);
        let question = Question { epoch: vault.epoch(), ..w.question() };
        let member =
            ReadingMember { identity: vault.team.identity(index(1)), share: &vault.shares[&index(1)] };
        assert_eq!(question.answer(member, &mut rng(1)), Err(ReadingError::Purpose));
        let borrowed = ReadingMember { share: &w.made.shares[&index(1)], ..w.member(2) };
        assert_eq!(w.question().answer(borrowed, &mut rng(1)), Err(Fault::OtherShare.into()));
        let foreign = ReadingMember { share: &vault.shares[&index(1)], ..w.member(1) };
        assert_eq!(w.question().answer(foreign, &mut rng(1)), Err(Fault::OtherShare.into()));
    }
}
