//! The lock on outputs that are sold: both compute parties show their part of it, and lock their shares.
//!
//! ```text
//! parts    T_c with possession cross                     the other's does not hold: no outputs, nothing is locked
//! shares   commitment and hash of the locked share cross   both sign them
//! ```
//!
//! A part is shown only after the session is over and before the first output leaves, so an attempt that breaks off here
//! has opened nothing.

use rand_core::{CryptoRng, RngCore};

use super::error::AttemptError;
use crate::codec::Codec;
use crate::job::{PartyId, Sale};
use crate::lock::share::{Share, SharePlace, SoldFacts, SoldShare, digest};
use crate::lock::{Lock, LockSecret, Place};
use crate::messages::{receive, send};
use crate::output_share::AttemptOutputs;
use sotto_mpc::channel::{Channel, Phase};
use sotto_mpc::protocol::semi_honest::{OutputShare, Role};
use sotto_party::Identity;

/// Longest of these messages, in bytes.
const MAX_MESSAGE: usize = 256;
const PART: &str = "sotto lock part v1\0";
const SHARE: &str = "sotto sold half v1\0";

/// What comes of it.
pub(super) struct Locking {
    /// For the receipt.
    pub(super) facts: SoldFacts,
    /// Our locked share.
    pub(super) locked: Vec<u8>,
}

/// Sends ours, and receives the other's.
fn swap<T: Codec>(channel: &mut impl Channel, prefix: &'static str, ours: &T) -> Result<T, AttemptError> {
    send(channel, Phase::Outputs, &ours.to_prefixed(prefix))?;
    let theirs = receive(channel, Phase::Outputs, MAX_MESSAGE)?;
    T::from_prefixed(prefix, &theirs).map_err(|_| AttemptError::Malformed("lock on outputs that are sold"))
}

/// Who locks, and in which attempt.
pub(super) struct Locker<'a> {
    pub(super) role: Role,
    pub(super) us: PartyId,
    pub(super) identity: &'a Identity,
    pub(super) outputs: AttemptOutputs<'a>,
}

impl Locker<'_> {
    /// Locks our share of the outputs that are sold.
    pub(super) fn lock(
        &self,
        sale: &Sale,
        output_share: &OutputShare,
        channel: &mut impl Channel,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Locking, AttemptError> {
        let place = if self.role == Role::Garbler { Place::Garbler } else { Place::Evaluator };
        let in_order = |ours, theirs| if place == Place::Garbler { [ours, theirs] } else { [theirs, ours] };
        let run_id = self.outputs.run_id;
        let secret = LockSecret::derive(self.identity, &run_id);
        let ours = secret.part(&run_id, place, rng).ok_or(AttemptError::Key)?;
        let theirs = swap(channel, PART, &ours)?;
        let parts @ [garbler, evaluator] = in_order(ours, theirs);
        let lock = Lock::new(run_id, parts)?;
        let bits = self.outputs.sold_part(output_share);
        let bits = bits.ok_or(AttemptError::Malformed("number of outputs"))?;
        let at = SharePlace { receiver: sale.buyer, computer: self.us };
        let share = Share::new(&bits, rng);
        let locked = share.lock(&lock, at, rng);
        let ours = SoldShare { commitment: share.commitment(&run_id, at), locked: digest(&locked) };
        let theirs = swap(channel, SHARE, &ours)?;
        let shares = if place == Place::Garbler { [ours, theirs] } else { [theirs, ours] };
        let [garbler_share, evaluator_share] = shares;
        let (receiver, bits) = (sale.buyer, bits.len() as u64);
        let facts = SoldFacts { receiver, bits, garbler, evaluator, garbler_share, evaluator_share };
        Ok(Locking { facts, locked })
    }
}
