//! Recognising: does an output belong to an account, and what is in it?
//!
//! ```text
//!                      owner                                           holder of the view key
//! plain, coinbase      rewind as received or change, then C            rewind as received, then the range proof
//! one-sided            rewind as change, then C and K_o: hidden change
//!                      a·R, view tag, K_o, rewind, C: paid to us       the same
//! ```
//!
//! Replaying a proof, once for all accounts, and a rewind that fails cost a few hashes; a·R is one
//! multiplication of the curve for each account.

use crate::{
    keys::{Account, AccountKeys, OutputKind, Purpose, ViewKey, ViewSecret, ViewTags},
    outputs::{OutputOrigin, OutputRecord, OutputStatus},
};
use sotto_mw::{
    amount::Height,
    chain::{Chain, ChainId},
    one_sided::OneSidedKeys,
    output::OutputFeatures,
    range_proof::{Opening, Replayed},
};

/// The secret that recognises outputs.
enum Secret {
    /// The keys of the owner, who compares a match with the commitment.
    Owner {
        keys: Box<AccountKeys>,
        payments: ViewSecret,
    },
    Viewer(ViewKey),
}

/// A secret that recognises the outputs of an account, and the height up to which they were tried with it.
pub(crate) struct ScanKey {
    pub(super) account: Account,
    pub(super) scanned: Height,
    tags: ViewTags,
    secret: Secret,
}

/// What an output of the account is.
struct Recognised {
    purpose: Purpose,
    kind: OutputKind,
    opening: Opening,
}

impl ScanKey {
    pub(crate) fn owner(chain: &Chain, keys: AccountKeys, account: Account, scanned: Height) -> Self {
        let payments = keys.payment(chain.params().network).view_secret();
        Self {
            account,
            scanned,
            tags: ViewTags::Matching,
            secret: Secret::Owner { keys: Box::new(keys), payments },
        }
    }

    pub(crate) const fn viewer(key: ViewKey, scanned: Height) -> Self {
        let account = key.account();
        Self { account, scanned, tags: ViewTags::Matching, secret: Secret::Viewer(key) }
    }

    /// The same key, which tries these view tags.
    pub(super) fn with_tags(self, tags: ViewTags) -> Self {
        Self { tags, ..self }
    }

    fn recognise<S>(
        &self,
        chain: &ChainId,
        output: &OutputFeatures<S>,
        replayed: &Replayed<'_>,
    ) -> Option<Recognised> {
        let kind = match output {
            OutputFeatures::Plain => OutputKind::Plain,
            OutputFeatures::Coinbase => OutputKind::Coinbase,
            OutputFeatures::OneSided(o) => return self.one_sided(chain, &o.keys, replayed),
        };
        let (purpose, opening) = match &self.secret {
            Secret::Owner { keys, .. } => keys.recognise(replayed)?,
            Secret::Viewer(key) => (Purpose::Received, replayed.rewind_proven(key.rewind())?),
        };
        Some(Recognised { purpose, kind, opening })
    }

    fn one_sided(
        &self,
        chain: &ChainId,
        named: &OneSidedKeys,
        replayed: &Replayed<'_>,
    ) -> Option<Recognised> {
        let (sender, receiver) = (named.sender.encoded(), named.receiver.encoded());
        let (hidden, payments) = match &self.secret {
            Secret::Owner { keys, payments } => (keys.recognise_hidden(&named.receiver, replayed), payments),
            Secret::Viewer(key) => (None, key.payments()),
        };
        if let Some(opening) = hidden {
            return Some(Recognised {
                purpose: Purpose::Change,
                kind: OutputKind::Hidden { receiver },
                opening,
            });
        }
        let opening = payments.detect(chain, named, replayed, self.tags)?;
        Some(Recognised {
            purpose: Purpose::Received,
            kind: OutputKind::OneSided { sender, receiver },
            opening,
        })
    }
}

/// The record of an output, if one of the keys recognises it; its status is not set. The proof is replayed
/// only if there is a key to try.
pub(super) fn recognise<'k, 'o, S>(
    keys: impl Iterator<Item = &'k ScanKey>,
    chain: &ChainId,
    features: &OutputFeatures<S>,
    replay: impl FnOnce() -> Option<Replayed<'o>>,
) -> Option<OutputRecord> {
    let mut keys = keys.peekable();
    keys.peek()?;
    let replayed = replay()?;
    keys.find_map(|k| {
        let Recognised { purpose, kind, opening } = k.recognise(chain, features, &replayed)?;
        Some(OutputRecord {
            commitment: replayed.commitment().encoded(),
            account: k.account,
            purpose,
            opening,
            kind,
            origin: OutputOrigin::Chain,
            status: OutputStatus::Pending,
        })
    })
}
