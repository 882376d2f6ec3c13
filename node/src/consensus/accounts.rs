//! The accounts that a validator keeps of its own votes: one of each height at which it voted against what it
//! had precommitted to, for at least W blocks.
//!
//! ```text
//! file = version (1) ‖ chain id (32) ‖ n (2) ‖ signed account*, heights ascending ‖ check (32)
//! ```
//!
//! Such heights are rare: a quorum prevoted for one value, too few precommits for it arrived, and a quorum
//! prevoted for another. The file also carries accounts from one person to another: then it holds those of
//! many validators, in the order of heights and keys.
//!
//! Bounded: where there is no room, the lowest height gives way, except those that a person has still to decide.
//! Of a height that gave way a validator has no account, which is not held against it.
#![deny(clippy::indexing_slicing)]

use super::account::{Account, SignedAccount};
use crate::codec::{Damage, checked, ends, tag, with_check};
use sotto_mw::{
    amount::Height,
    chain::ChainId,
    codec::{Decode, Encode, Reader, VERSION},
};
use std::collections::{BTreeMap, BTreeSet};

/// Accounts, by height and vote key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    all: BTreeMap<(Height, [u8; 32]), SignedAccount>,
    pinned: BTreeSet<Height>,
}

impl Accounts {
    /// Most bytes of the file.
    pub const MAX_BYTES: usize = 4 << 20;

    /// All of them, in the order of heights.
    pub fn all(&self) -> impl Iterator<Item = &SignedAccount> {
        self.all.values()
    }

    /// The accounts of these heights do not give way.
    #[must_use]
    pub fn pinned(self, heights: impl IntoIterator<Item = Height>) -> Self {
        Self { pinned: heights.into_iter().collect(), ..self }
    }

    /// Keeps an account in the place of an earlier one of its height and key, and drops those below `oldest`
    /// and what is too much. Says whether it is news.
    pub fn keep(&mut self, signed: SignedAccount, oldest: Height) -> bool {
        let key = key(&signed.account);
        if signed.to_bytes().len() > Account::MAX_BYTES || self.has(&signed.account) {
            return false;
        }
        self.all.insert(key, signed);
        self.all.retain(|(height, _), _| *height >= oldest || self.pinned.contains(height));
        let mut bytes: usize = self.all.values().map(|a| a.to_bytes().len()).sum();
        let free = self.all.keys().filter(|(height, _)| !self.pinned.contains(height));
        for lowest in free.copied().collect::<Vec<_>>() {
            if bytes <= Self::MAX_BYTES - Account::MAX_BYTES {
                break;
            }
            bytes -= self.all.remove(&lowest).map_or(0, |a| a.to_bytes().len());
        }
        self.all.contains_key(&key)
    }

    /// Whether this very account is kept, whatever nonce signed it.
    #[must_use]
    pub fn has(&self, account: &Account) -> bool {
        self.all.get(&key(account)).is_some_and(|kept| kept.account == *account)
    }

    /// The accounts of one height.
    #[must_use]
    pub fn of_height(&self, height: Height) -> Self {
        let all = self.all.iter().filter(|((h, _), _)| *h == height);
        Self { all: all.map(|(k, a)| (*k, a.clone())).collect(), ..Self::default() }
    }

    /// The file of a chain.
    #[must_use]
    pub fn to_file(&self, chain: &ChainId) -> Vec<u8> {
        let count = u16::try_from(self.all.len()).unwrap_or(u16::MAX).to_le_bytes();
        let mut out = [&[VERSION], &chain.as_bytes()[..], &count].concat();
        self.all().for_each(|a| a.encode(&mut out));
        with_check(tag::ACCOUNTS, &[], out)
    }

    /// Reads a file. What its accounts are worth is for [`judge`](super::accountability::judge) to say.
    ///
    /// # Errors
    /// [`Damage`], also if it is too long or not in order.
    pub fn from_file(bytes: &[u8]) -> Result<(ChainId, Self), Damage> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(Damage::Long);
        }
        let mut r = Reader::new(checked(tag::ACCOUNTS, &[], bytes)?);
        r.version()?;
        let (chain, mut this) = (ChainId::decode(&mut r)?, Self::default());
        for _ in 0..u16::from_le_bytes(r.array()?) {
            let signed = SignedAccount::decode(&mut r)?;
            let key = key(&signed.account);
            if this.all.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return Err(Damage::Misplaced);
            }
            this.all.insert(key, signed);
        }
        ends(&r).map(|()| (chain, this))
    }
}

fn key(account: &Account) -> (Height, [u8; 32]) {
    (account.height, *account.voter.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_mw::{
        hash::Hash,
        schnorr::{PublicKey, sign},
        secret::SecretScalar,
        validators::Signatures,
        votes::VoteKind,
    };

    const CHAIN: ChainId = ChainId::from_bytes([7; 32]);

    /// An account of `polkas` polkas of 64 signatures.
    fn signed(height: u64, polkas: u32) -> SignedAccount {
        let key = SecretScalar::from(sotto_mw::group::Scalar::from(7u64));
        let signature = sign(&key, b"vote", &mut rand_core::OsRng);
        let quorum = Signatures::new(100, (0..64).map(|i| (i, signature)).collect()).unwrap();
        let account = Account {
            height: Height::new(height),
            voter: PublicKey::of(&key),
            votes: [((0, VoteKind::Precommit), Hash::ZERO)].into(),
            polkas: (0..polkas).map(|round| ((round, Hash::ZERO), quorum.clone())).collect(),
        };
        account.sign(&CHAIN, &key, &mut rand_core::OsRng)
    }

    fn heights(accounts: &Accounts) -> Vec<u64> {
        accounts.all().map(|a| a.account.height.get()).collect()
    }

    #[test]
    fn a_file_has_one_reading_and_a_flipped_bit_or_a_cut_has_none() {
        let mut accounts = Accounts::default();
        assert!(accounts.keep(signed(3, 1), Height::GENESIS) && accounts.keep(signed(5, 0), Height::GENESIS));
        let file = accounts.to_file(&CHAIN);
        assert_eq!(Accounts::from_file(&file), Ok((CHAIN, accounts)));
        for i in (0..file.len()).step_by(7) {
            let mut flipped = file.clone();
            flipped[i] ^= 1;
            assert_eq!(Accounts::from_file(&flipped), Err(Damage::Checksum), "byte {i}");
            assert!(Accounts::from_file(&file[..i]).is_err(), "{i} bytes");
        }
        assert_eq!(Accounts::from_file(&vec![0; Accounts::MAX_BYTES + 1]), Err(Damage::Long));
        let [first, second] = [signed(3, 0), signed(5, 0)].map(|a| a.to_bytes());
        for (all, holds) in [([&first, &second], true), ([&second, &first], false), ([&first, &first], false)]
        {
            let head = [&[VERSION], &CHAIN.as_bytes()[..], &[2, 0]].concat();
            let file = with_check(tag::ACCOUNTS, &[], [&head, &all[0][..], &all[1][..]].concat());
            assert_eq!(Accounts::from_file(&file).is_ok(), holds);
        }
    }

    #[test]
    fn old_accounts_give_way_except_those_that_a_person_has_to_decide() {
        let mut accounts = Accounts::default().pinned([Height::new(3)]);
        for height in [3, 4, 60] {
            assert!(accounts.keep(signed(height, 0), Height::new(height.saturating_sub(50))));
        }
        assert_eq!(heights(&accounts), [3, 60], "of 4 the window is over");
        assert!(!accounts.keep(signed(60, 0), Height::new(10)), "it is no news");
        assert!(accounts.keep(signed(60, 1), Height::new(10)), "a longer one takes its place");
        assert_eq!(heights(&accounts), [3, 60]);
        assert!(!accounts.keep(signed(61, 256), Height::new(11)), "longer than a megabyte");
    }

    #[test]
    fn accounts_take_four_megabytes_at_most() {
        let mut accounts = Accounts::default().pinned([Height::new(1)]);
        for height in 1..=10 {
            assert!(accounts.keep(signed(height, 200), Height::GENESIS));
            assert!(accounts.to_file(&CHAIN).len() <= Accounts::MAX_BYTES);
        }
        let kept = heights(&accounts);
        assert_eq!((kept.first(), kept.last(), kept.len()), (Some(&1), Some(&10), 3), "{kept:?}");
        assert!(Accounts::from_file(&accounts.to_file(&CHAIN)).is_ok());
    }
}
