//! The keys of one account: its addresses, and the secrets of its outputs.

use super::{
    account_number::Account,
    address::Address,
    derive::{derive_key, derive_scalar},
    one_sided::{hidden_blinding, hidden_key},
    output::{CoinSecrets, NewOutput, OutputKind, OutputSecret, Purpose},
    payment_keys::PaymentKeys,
    words::Words,
};
use crate::tag;
use core::fmt;
use sotto_mw::{
    chain::{Chain, Network},
    codec::{Decode, DecodeError},
    commitment::Commitment,
    group::PointBytes,
    output::{Output, OutputChain, OutputKeys, ProveError},
    range_proof::{Opening, Replayed, RewindKey, TauKey},
    schnorr::PublicKey,
    secret::SecretScalar,
};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The root of all keys of a wallet.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Root([u8; 32]);

impl Root {
    /// Derives the root from the words (BIP-39 seed, empty passphrase).
    pub(crate) fn new(words: &Words) -> Self {
        Self(*derive_key(tag::ROOT, &[&*words.seed()]))
    }

    /// Derives the keys of one account.
    pub(crate) fn account(&self, a: Account) -> AccountKeys {
        let account = derive_key(tag::ACCOUNT, &[&self.0, &a.0.to_le_bytes()]);
        let of = |tag, p: Purpose| *derive_key(tag, &[&*account, &[p as u8]]);
        AccountKeys {
            account: *account,
            blinding: *derive_key(tag::BLINDING_KEY, &[&*account]),
            rewind: Purpose::ALL.map(|p| RewindKey(of(tag::REWIND, p))),
            tau: Purpose::ALL.map(|p| TauKey(of(tag::TAU, p))),
            interactive: [tag::SIGN, tag::ENCRYPT].map(|tag| derive_scalar(tag, &[&*account])),
        }
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Root(…)")
    }
}

/// The keys of one account.
#[derive(Clone, ZeroizeOnDrop)]
pub(crate) struct AccountKeys {
    pub(super) account: [u8; 32],
    blinding: [u8; 32],
    rewind: [RewindKey; 2],
    tau: [TauKey; 2],
    /// The message keys of the interactive address: signing, encryption.
    interactive: [SecretScalar; 2],
}

/// One address of an account, with the secrets of its message keys.
pub(crate) struct Identity {
    pub(crate) address: Address,
    /// Signs receipts, invites and payments.
    pub(crate) sign: SecretScalar,
    /// Decrypts messages.
    pub(crate) encrypt: SecretScalar,
}

impl AccountKeys {
    /// a and b, with the payment address.
    pub(crate) fn payment(&self, network: Network) -> PaymentKeys {
        PaymentKeys::new(&self.account, network)
    }

    /// The account's address, which serves both ways.
    pub(crate) fn identity(&self, network: Network) -> Identity {
        let payment = self.payment(network);
        let [sign, encrypt] = payment.message_secrets();
        Identity { address: payment.address.into(), sign, encrypt }
    }

    /// The account's interactive address, whose message keys do not lead to b.
    pub(crate) fn interactive_identity(&self, network: Network) -> Identity {
        let [sign, encrypt] = self.interactive.clone();
        Identity {
            address: Address::interactive(network, [&sign, &encrypt].map(PublicKey::of)),
            sign,
            encrypt,
        }
    }

    /// The identity with this address, if it belongs to the account.
    pub(crate) fn identity_of(&self, address: &Address) -> Option<Identity> {
        let network = address.network();
        let identity = match address.payment_address() {
            Some(_) => self.identity(network),
            None => self.interactive_identity(network),
        };
        (identity.address == *address).then_some(identity)
    }

    /// The secrets that decrypt messages to either address, on every network.
    pub(crate) fn decryption_secrets(&self) -> [SecretScalar; 2] {
        [self.identity(Network::Main), self.interactive_identity(Network::Main)].map(|i| i.encrypt)
    }

    /// The signing secret of the interactive address, as a hedge against a weak random source.
    pub(crate) const fn hedge(&self) -> &SecretScalar {
        let [sign, _] = &self.interactive;
        sign
    }

    /// The encryption secret of that address, for the same purpose where messages are encrypted.
    pub(crate) const fn message_hedge(&self) -> &SecretScalar {
        let [_, encrypt] = &self.interactive;
        encrypt
    }

    /// The blinding factor of an output with this purpose and opening.
    pub(crate) fn blinding(&self, purpose: Purpose, opening: &Opening) -> SecretScalar {
        let amount = Zeroizing::new(opening.amount.units().to_le_bytes());
        derive_scalar(tag::BLINDING, &[&self.blinding, &[purpose as u8], &opening.index, &*amount])
    }

    /// The commitment of an output with this purpose and opening.
    pub(crate) fn commitment(&self, purpose: Purpose, opening: &Opening) -> Commitment {
        Commitment::new(opening.amount, &self.blinding(purpose, opening))
    }

    /// Creates a plain output on `chain`. The same arguments give the same bytes.
    ///
    /// # Errors
    /// [`ProveError`] when the new range proof does not verify or rewind.
    pub(crate) fn output<'c>(
        &self,
        chain: impl Into<OutputChain<'c>>,
        purpose: Purpose,
        opening: &Opening,
    ) -> Result<Output, ProveError> {
        Output::plain(chain, opening, &self.output_keys(purpose, &self.blinding(purpose, opening)))
    }

    /// Creates the output of a block's reward, as [`Self::output`] does.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn reward(&self, chain: &Chain, opening: &Opening) -> Result<Output, ProveError> {
        let blinding = self.blinding(Purpose::Received, opening);
        Output::coinbase(chain, opening, &self.output_keys(Purpose::Received, &blinding))
    }

    pub(super) fn output_keys<'a>(&'a self, purpose: Purpose, blinding: &'a SecretScalar) -> OutputKeys<'a> {
        let (rewind, tau) = self.purpose_keys(purpose);
        OutputKeys { blinding, rewind, tau }
    }

    pub(super) fn purpose_keys(&self, purpose: Purpose) -> (&RewindKey, &TauKey) {
        let ([received, change], [tau_received, tau_change]) = (&self.rewind, &self.tau);
        match purpose {
            Purpose::Received => (received, tau_received),
            Purpose::Change => (change, tau_change),
        }
    }

    /// The purpose and opening of a plain output that this account created; `None` for any other output.
    ///
    /// A foreign output costs four hashes in addition to replaying the transcript, which all accounts share.
    /// A match is compared with the commitment: a party that has a view key, but not the blinding key, cannot
    /// create an output that this account accepts as its own.
    pub(crate) fn recognise(&self, replayed: &Replayed<'_>) -> Option<(Purpose, Opening)> {
        Purpose::ALL.into_iter().find_map(|p| {
            let opening = replayed.rewind(self.purpose_keys(p).0)?;
            (self.commitment(p, &opening) == *replayed.commitment()).then_some((p, opening))
        })
    }

    /// The opening of hidden change of this account; `None` for any other output. A match is compared with
    /// the commitment and with K_o.
    pub(crate) fn recognise_hidden(&self, receiver: &PublicKey, replayed: &Replayed<'_>) -> Option<Opening> {
        let opening = replayed.rewind(self.purpose_keys(Purpose::Change).0)?;
        let c = Commitment::new(opening.amount, &hidden_blinding(&self.account, &opening));
        let own =
            c == *replayed.commitment() && PublicKey::of(&hidden_key(&self.account, &opening)) == *receiver;
        own.then_some(opening)
    }

    /// The secrets of an output of this account on `chain`.
    ///
    /// # Errors
    /// [`DecodeError::Point`] when the record holds bytes of no point.
    pub(crate) fn secrets(&self, chain: &Chain, of: &OutputSecret) -> Result<CoinSecrets, DecodeError> {
        let OutputSecret { purpose, kind, opening } = of;
        Ok(match kind {
            OutputKind::Plain | OutputKind::Coinbase => {
                CoinSecrets { blinding: self.blinding(*purpose, opening), receiver: None }
            }
            OutputKind::Hidden { .. } => CoinSecrets {
                blinding: hidden_blinding(&self.account, opening),
                receiver: Some(hidden_key(&self.account, opening)),
            },
            OutputKind::OneSided { sender, .. } => {
                let sender = PublicKey::from_bytes(&sender.0)?;
                let payment = self.payment(chain.params().network);
                let shared = payment.view_secret().shared(chain.id(), &sender);
                let receiver = Some(payment.spend.add(&shared.key()));
                CoinSecrets { blinding: shared.blinding(opening), receiver }
            }
        })
    }

    /// How many blocks an output waits before it is moved unasked: 1 to 144, which no other party can
    /// compute, so that the time of a move does not show which scan found the output.
    pub(crate) fn relocation_delay(&self, output: &PointBytes) -> u64 {
        let wide = derive_key(tag::RELOCATION, &[&self.account, &output.0]);
        let number = wide.first_chunk().map_or(0, |b| u64::from_le_bytes(*b));
        1 + number % Self::MAX_DELAY
    }

    const MAX_DELAY: u64 = 144;

    /// The rewind key of received outputs: the secret inside a view key.
    pub(crate) fn received(&self) -> RewindKey {
        self.purpose_keys(Purpose::Received).0.clone()
    }

    /// The plain output with this purpose and opening.
    pub(crate) fn plain(&self, purpose: Purpose, opening: Opening) -> NewOutput {
        let commitment = self.commitment(purpose, &opening);
        NewOutput { commitment, secret: OutputSecret { purpose, kind: OutputKind::Plain, opening } }
    }

    /// The hidden change with this opening.
    pub(crate) fn hidden(&self, opening: Opening) -> NewOutput {
        let commitment = Commitment::new(opening.amount, &hidden_blinding(&self.account, &opening));
        let kind =
            OutputKind::Hidden { receiver: PublicKey::of(&hidden_key(&self.account, &opening)).encoded() };
        NewOutput { commitment, secret: OutputSecret { purpose: Purpose::Change, kind, opening } }
    }
}

impl fmt::Debug for AccountKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountKeys(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_mw::{amount::Amount, chain::ChainId};

    /// The words for 32 zero bytes.
    fn zeros() -> Words {
        Words::from_entropy(&[0; 32]).unwrap()
    }

    fn hex(bytes: &[u8; 32]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    const ADDRESS: &str = "ssotto1q8nx64f055jq26jppcyk9rufjgyl3djqswsmtc7na4rpsa2rh2d5ynyxt6vcf4xvx8g6aqlfn6rvv8r9\
        355aa4dm4g8p8a5hwu2yhe3delhm20";

    /// Account 1 of the words for 32 zero bytes, computed from the file's head with Python's standard
    /// library.
    #[test]
    fn derivations_are_as_documented() {
        let keys = Root::new(&zeros()).account(Account(1));
        let index = core::array::from_fn(|i| i as u8);
        let r = keys.blinding(Purpose::Change, &Opening { amount: Amount::new(987_654_321), index });
        let found = [
            keys.rewind[Purpose::Received as usize].0,
            keys.tau[Purpose::Change as usize].0,
            *r.to_bytes(),
            *keys.interactive[0].to_bytes(),
            *keys.interactive[1].to_bytes(),
        ];
        let expected = [
            "6019452bffe91202097ef567127de690d29eaa498a254aff7f049e002984dc5f",
            "adb5c942f8dd327f09a9e63a6235758124810804bcec926ad92b022194c8871d",
            "82a5973337b8c300846e7848593ca8f2dda7f601c4622022d731cb161ea10803",
            "d3998c664d340b5cc390db14eb0945472fdadc8cd4a87cbd17619e011ca61804",
            "db4fa3769d95b5fa9ba4f4f63fa86f06cf689b48d8692f7f9ec49b380a8b2a0d",
        ];
        assert_eq!(found.each_ref().map(hex), expected);
        assert_eq!(keys.interactive_identity(Network::Solo).address.to_string(), ADDRESS);
    }

    #[test]
    fn every_derivation_differs() {
        let root = Root::new(&Words::from_entropy(&[7; 32]).unwrap());
        let (a, b) = (root.account(Account(0)), root.account(Account(1)));
        let keys = |k: &AccountKeys| {
            let mut all = vec![k.blinding, *k.hedge().to_bytes(), *k.message_hedge().to_bytes()];
            let (payment, letters) = (k.payment(Network::Solo), k.identity(Network::Solo));
            let secrets = [payment.view, payment.spend, letters.sign, letters.encrypt];
            all.extend(secrets.iter().map(|s| *s.to_bytes()));
            all.extend(k.rewind.iter().map(|r| r.0));
            all.extend(k.tau.iter().map(|t| t.0));
            all
        };
        let mut all = [keys(&a), keys(&b)].concat();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 22);
        let o = Opening { amount: Amount::new(5), index: [1; 12] };
        let r = a.blinding(Purpose::Received, &o);
        assert_ne!(r, a.blinding(Purpose::Change, &o));
        assert_ne!(r, a.blinding(Purpose::Received, &Opening { amount: Amount::new(6), ..o }));
        assert_ne!(r, a.blinding(Purpose::Received, &Opening { index: [2; 12], ..o }));
        assert_ne!(r, b.blinding(Purpose::Received, &o));
        assert_eq!(r, root.account(Account(0)).blinding(Purpose::Received, &o));
    }

    #[test]
    fn secrets_are_not_printed() {
        let w = Words::from_entropy(&[0; 32]).unwrap();
        let root = Root::new(&w);
        let text = format!("{w:?} {root:?} {:?}", root.account(Account(0)));
        assert_eq!(text, "Words(…) Root(…) AccountKeys(…)");
    }

    /// An output created with the rewind key alone rewinds, but is not recognised.
    #[test]
    fn a_rewind_key_makes_no_outputs_of_ours() {
        let keys = Root::new(&Words::from_entropy(&[7; 32]).unwrap()).account(Account(0));
        let chain = ChainId::from_bytes([1; 32]);
        let opening = Opening { amount: Amount::new(5), index: [1; 12] };
        let own = keys.output(&chain, Purpose::Received, &opening).unwrap();
        assert_eq!(keys.recognise(&own.replay(&chain).unwrap()), Some((Purpose::Received, opening)));
        let forged = OutputKeys {
            blinding: &derive_scalar("theirs", &[]),
            rewind: &keys.rewind[0],
            tau: &TauKey([9; 32]),
        };
        let forged = Output::plain(&chain, &opening, &forged).unwrap();
        assert_eq!(forged.rewind(&chain, &keys.rewind[0]), Some(opening));
        assert_eq!(keys.recognise(&forged.replay(&chain).unwrap()), None);
    }
}
