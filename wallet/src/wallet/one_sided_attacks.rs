//! Attacks on one-sided payments, played against a wallet by people who know what a payer or a payee knows.

use super::*;
use crate::{
    Decision, MemoryChain, MemoryStore, Payee, PaymentRequest, Recipient,
    coin_selection::Spend,
    keys::{AccountKeys, NewOneSided, OneSidedTerms, PaymentAddress, Purpose},
    outputs::OutputStatus,
    scan::ChainSource,
    sessions::{SessionStatus, TxStatus},
    slate::{Memo, funding::Funding},
    state::{RestoreProgress, State},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_mw::{
    amount::Amount,
    hash::Hash,
    kernel::{Excess, Kernel, KernelFeatures},
    output::{Delivery, Output, OutputKeys},
    range_proof::{Opening, RewindKey, TauKey},
    rules::{Verified, check_transaction, verify_transaction},
    schnorr::{PublicKey, sign},
    secret::SecretScalar,
    state::RewindData,
    transaction::{Body, Transaction},
};

const ACCOUNT: Account = Account(0);

/// A chain, alice with rewards that have matured, and bob.
struct Scene {
    chain: MemoryChain,
    alice: Wallet<MemoryStore>,
    bob: Wallet<MemoryStore>,
    rng: ChaCha20Rng,
}

impl Scene {
    fn new(seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let chain = MemoryChain::solo(&mut rng).unwrap();
        let mut wallet = |key| {
            let words = Words::generate(&mut rng).unwrap();
            let installation = Installation::in_memory([key; 32]);
            Wallet::create(MemoryStore::default(), chain.chain().clone(), words, installation).unwrap()
        };
        let (alice, bob) = (wallet(1), wallet(2));
        let mut scene = Self { chain, alice, bob, rng };
        (0..5).for_each(|_| scene.seal(&[]));
        scene
    }

    /// Seals a block whose reward is alice's; both wallets look at it.
    fn seal(&mut self, payments: &[Verified<Transaction>]) {
        let miner = self.alice.coinbase_builder(ACCOUNT).unwrap();
        self.chain.seal(&miner, payments, &mut self.rng).unwrap();
        self.scan();
    }

    fn scan(&mut self) {
        for wallet in [&mut self.alice, &mut self.bob] {
            wallet.scan(&self.chain, &mut |_, _| {}).unwrap();
        }
    }

    /// Alice pays bob, who is away.
    fn alice_pays(&mut self, amount: u64) -> Verified<Transaction> {
        let to = self.bob.address(ACCOUNT).unwrap().payment_address().unwrap();
        pay(&mut self.alice, to, amount, &mut self.rng)
    }

    /// The terms of alice's last payment, and q of its output, which she knows.
    fn last_terms(&self) -> (OneSidedTerms, SecretScalar) {
        let sent = self.alice.state.sent.values().max_by_key(|s| s.not_after).unwrap();
        let terms = sent.direct[0].terms;
        let mut rng = ChaCha20Rng::seed_from_u64(9);
        let made = alice_keys(self).deliver(self.chain.chain().id(), &terms, &mut rng).unwrap();
        (terms, made.blinding)
    }

    /// A kernel signed under x that can still enter a block.
    fn kernel(&mut self, x: &SecretScalar) -> Kernel {
        let (fee, not_after) =
            (Amount::new(100_000), self.chain.chain().standard_expiry(self.chain.height().next()));
        let features = KernelFeatures::Bonded { fee, not_after };
        let signature = sign(x, &features.message(self.chain.chain().id()), &mut self.rng);
        Kernel { features, excess: Excess::from_point(*PublicKey::of(x).point()), signature }
    }

    /// A transaction that spends a reward of alice's and makes these outputs, under this kernel, whose secret
    /// is x.
    fn forge(
        &mut self,
        made: Vec<NewOneSided>,
        amount: u64,
        (kernel, x): (Kernel, &SecretScalar),
    ) -> Verified<Transaction> {
        let keys = alice_keys(self);
        let free = |o: &&OutputRecord| o.is_spendable(self.chain.chain(), self.alice.tip());
        let coin = self.alice.outputs().find(free).unwrap().clone();
        let rest = coin.opening.amount.units() - amount - kernel.features.fee().units();
        let change = keys.plain(Purpose::Change, Opening { amount: Amount::new(rest), index: [3; 12] });
        let funding = Funding { inputs: vec![coin.secret()], change: Some(change.secret) };
        let mut funded = funding.fund(&keys, self.chain.chain(), &mut self.rng).unwrap();
        made.into_iter().for_each(|new| funded.add(new));
        let mut body = Body { kernels: vec![kernel], ..Body::default() };
        funded.bond(&keys, self.chain.chain(), &mut body, &mut self.rng);
        let offset = funded.offset(x).reveal();
        (body.inputs, body.one_sided_inputs, body.outputs) =
            (funded.inputs, funded.one_sided_inputs, funded.outputs);
        self.verified(Transaction { offset, body: body.in_order() })
    }

    fn verified(&self, t: Transaction) -> Verified<Transaction> {
        let chain = self.chain.chain();
        verify_transaction(chain, check_transaction(chain, t).unwrap()).unwrap()
    }

    /// Alice makes the commitment of a payment again.
    fn echo(&mut self, echo: Echo, terms: &OneSidedTerms, q: &SecretScalar) {
        self.scan();
        let made = match echo {
            Echo::Plain => plain_echo(self, &terms.opening, q),
            Echo::OtherReceiver | Echo::OtherSender => one_sided_echo(self, echo, terms),
        };
        let x = SecretScalar::random(&mut self.rng);
        let kernel = self.kernel(&x);
        let echo = self.forge(vec![made], terms.opening.amount.units(), (kernel, &x));
        self.seal(&[echo]);
    }

    fn bobs(&self) -> (u64, Vec<OutputStatus>) {
        let spendable = self.bob.balance(None).spendable.units();
        (spendable, self.bob.outputs().filter(|o| o.reference().is_some()).map(|o| o.status).collect())
    }
}

fn alice_keys(scene: &Scene) -> AccountKeys {
    scene.alice.root.account(ACCOUNT)
}

fn pay(
    wallet: &mut Wallet<MemoryStore>,
    to: PaymentAddress,
    amount: u64,
    rng: &mut ChaCha20Rng,
) -> Verified<Transaction> {
    let recipient = Recipient::OneSided { to, reference: None };
    let payee = Payee { amount: Amount::new(amount), recipient, memo: Memo::default() };
    let plan = wallet.plan(PaymentRequest::new(ACCOUNT, vec![payee])).unwrap();
    wallet.pay(plan.confirm(|_| Decision::Yes).unwrap(), rng).unwrap()
}

/// The same wallet, from its words alone.
fn restored(scene: &Scene, wallet: &Wallet<MemoryStore>) -> Wallet<MemoryStore> {
    let (words, chain) = (wallet.words().clone(), scene.chain.chain().clone());
    let installation = Installation::in_memory([3; 32]);
    let mut again = Wallet::create(MemoryStore::default(), chain, words, installation).unwrap();
    again.restore(Height::new(1), &scene.chain, &mut |_, _| {}).unwrap();
    again
}

/// A plain output with the commitment that alice paid, under keys of her own.
fn plain_echo(scene: &Scene, opening: &Opening, q: &SecretScalar) -> NewOneSided {
    let keys = OutputKeys { blinding: q, rewind: &RewindKey([1; 32]), tau: &TauKey([2; 32]) };
    let output = Output::plain(scene.chain.chain().id(), opening, &keys).unwrap();
    NewOneSided { output, sender: SecretScalar::zero(), blinding: q.clone() }
}

/// What alice puts in place of the payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Echo {
    /// A plain output under keys of her own.
    Plain,
    /// A one-sided output with R and the view tag of the payment, and a receiver's key of her own.
    OtherReceiver,
    /// A one-sided output with K_o and the view tag of the payment, and another R: bob's words alone do not
    /// find it.
    OtherSender,
}

const ECHOES: [Echo; 3] = [Echo::Plain, Echo::OtherReceiver, Echo::OtherSender];

fn one_sided_echo(scene: &mut Scene, echo: Echo, terms: &OneSidedTerms) -> NewOneSided {
    let (keys, id) = (alice_keys(scene), *scene.chain.chain().id());
    let mut honest = keys.deliver(&id, terms, &mut scene.rng).unwrap();
    let paid = *honest.output.features.keys().unwrap();
    let (own, view_tag) = (SecretScalar::random(&mut scene.rng), paid.view_tag);
    let receiver = if echo == Echo::OtherReceiver { PublicKey::of(&own) } else { paid.receiver };
    if echo == Echo::OtherSender {
        honest.sender = own;
    }
    let to = Delivery { sender: &honest.sender, receiver, view_tag, opening: terms.opening };
    let made = OutputKeys { blinding: &honest.blinding, rewind: &RewindKey([1; 32]), tau: &TauKey([2; 32]) };
    let output = Output::one_sided(&id, &to, &made, &mut scene.rng).unwrap();
    NewOneSided { output, ..honest }
}

/// Echo: the sender makes the commitment again after bob has spent his coin. All rules accept it; bob's
/// wallet does not count it.
#[test]
fn an_echo_of_a_spent_coin_is_not_counted() {
    for echo in ECHOES {
        let mut scene = Scene::new(1);
        let payment = scene.alice_pays(5_000_000);
        scene.seal(&[payment]);
        let (terms, q) = scene.last_terms();
        let to = scene.alice.address(ACCOUNT).unwrap().payment_address().unwrap();
        let onward = pay(&mut scene.bob, to, 1_000_000, &mut scene.rng);
        scene.seal(&[onward]);
        let before = scene.bobs();
        assert!(matches!(before.1[..], [OutputStatus::Spent { .. }]), "{before:?}");
        scene.echo(echo, &terms, &q);
        assert_eq!(scene.bobs(), before);
        // A restore sees the same.
        assert_eq!(restored(&scene, &scene.bob).balance(None), scene.bob.balance(None));
    }
}

/// The same while a reorganisation reaches the payment: bob's coin leaves the chain, and the echo takes its
/// place.
#[test]
fn an_echo_in_a_reorganisation_is_not_counted() {
    for echo in ECHOES {
        let mut scene = Scene::new(2);
        let payment = scene.alice_pays(5_000_000);
        scene.seal(&[payment]);
        assert_eq!(scene.bobs().0, 5_000_000);
        let (terms, q) = scene.last_terms();
        scene.chain.undo().unwrap();
        let miner = scene.alice.coinbase_builder(ACCOUNT).unwrap();
        scene.chain.seal(&miner, &[], &mut scene.rng).unwrap();
        scene.echo(echo, &terms, &q);
        assert_eq!(scene.bobs(), (0, vec![]), "the coin never was, and the echo is not bob's");
    }
}

/// A sender writes a wrong view tag. Only a scan that tries all of them finds the payment, and does so while
/// a restore is unfinished as well.
#[test]
fn a_wrong_view_tag_is_found_when_all_are_tried() {
    let mut scene = Scene::new(4);
    drop(scene.alice_pays(5_000_000));
    let (terms, _) = scene.last_terms();
    let (keys, id) = (alice_keys(&scene), *scene.chain.chain().id());
    let honest = keys.deliver(&id, &terms, &mut scene.rng).unwrap();
    let paid = *honest.output.features.keys().unwrap();
    let (sender, shared) = keys.shared(&id, &terms);
    let to = Delivery {
        sender: &sender,
        receiver: paid.receiver,
        view_tag: paid.view_tag ^ 1,
        opening: terms.opening,
    };
    let made = OutputKeys { blinding: &honest.blinding, rewind: &shared.rewind(), tau: &shared.tau() };
    let output = Output::one_sided(&id, &to, &made, &mut scene.rng).unwrap();
    let x = SecretScalar::random(&mut scene.rng);
    let kernel = scene.kernel(&x);
    let payment = scene.forge(vec![NewOneSided { output, ..honest }], 5_000_000, (kernel, &x));
    scene.seal(&[payment]);
    assert_eq!(scene.bobs(), (0, vec![]), "it looks like somebody else's");
    for restoring in [false, true] {
        let restore = restoring.then(|| RestoreProgress::new(Height::new(1), 1));
        scene.bob.state = State { restore, ..State::default() };
        scene.bob.scan(&scene.chain, &mut |_, _| {}).unwrap();
        assert_eq!(scene.bobs().0, 0);
        let restore = restoring.then(|| RestoreProgress::new(Height::new(1), 1));
        scene.bob.state = State { restore, ..State::default() };
        scene.bob.rescan_all_tags(&scene.chain, &mut |_, _| {}).unwrap();
        assert_eq!(scene.bobs().0, 5_000_000, "restoring: {restoring}");
    }
}

/// Squatting: bob knows the secret of the excess of a payment that spends what he paid and pays him
/// everything. He puts the kernel in a block around other coins. Alice's payment is void, which her wallet
/// shows; her coin stays hers.
#[test]
fn a_squatted_payment_is_shown_as_displaced_and_its_coin_is_free() {
    // In the second run a copy of the wallet spends the coin, and this one cannot see what spent it.
    for by_copy in [false, true] {
        squat_and_spend(by_copy);
    }
}

fn squat_and_spend(by_copy: bool) {
    let mut scene = Scene::new(3);
    let reward = scene.alice_pays(50_000_000);
    scene.seal(&[reward]);
    let to = scene.alice.address(ACCOUNT).unwrap().payment_address().unwrap();
    let fed = pay(&mut scene.bob, to, 5_000_000, &mut scene.rng);
    scene.seal(&[fed]);
    // Alice pays all of it on to bob.
    let coin = scene.alice.outputs().find(|o| o.reference().is_some()).unwrap().clone();
    let to = scene.bob.address(ACCOUNT).unwrap().payment_address().unwrap();
    let recipient = Recipient::OneSided { to, reference: None };
    let payee = Payee { amount: Amount::ZERO, recipient, memo: Memo::default() };
    let plan = scene.alice.plan_all(ACCOUNT, payee, &Spend::Exactly(vec![coin.commitment])).unwrap();
    let payment = scene.alice.pay(plan.confirm(|_| Decision::Yes).unwrap(), &mut scene.rng).unwrap();
    // Bob knows q of both, and the offset: e = q_out − q_in − offset.
    let chain = scene.chain.chain().clone();
    let q_in = alice_keys(&scene).secrets(&chain, &coin.secret()).unwrap().blinding;
    let sent = scene.alice.state.sent.values().find(|s| s.inputs == [coin.commitment]).unwrap();
    let q_out =
        alice_keys(&scene).deliver(chain.id(), &sent.direct[0].terms, &mut scene.rng).unwrap().blinding;
    let e = q_out.sub(&q_in).sub(&payment.get().offset.into());
    let kernel = payment.get().body.kernels[0].clone();
    assert_eq!(PublicKey::of(&e).point(), kernel.excess.point(), "he does");
    let id = sent.id;
    let squatting = scene.forge(vec![], 0, (kernel, &e));
    scene.seal(&[squatting]);
    let height = scene.chain.height();
    let status = |scene: &Scene| scene.alice.sessions().find(|s| s.session() == id).unwrap().status();
    assert_eq!(status(&scene), SessionStatus::Signed(TxStatus::Displaced { height }));
    let coin_now =
        |scene: &Scene| scene.alice.outputs().find(|o| o.commitment == coin.commitment).unwrap().status;
    assert!(matches!(coin_now(&scene), OutputStatus::Unspent { .. }));
    // She pays again, with the same coin.
    let again = Spend::Exactly(vec![coin.commitment]);
    let payee = Payee { amount: Amount::new(1_000_000), recipient, memo: Memo::default() };
    let mut copy = by_copy.then(|| restored(&scene, &scene.alice));
    let payer = copy.as_mut().unwrap_or(&mut scene.alice);
    let plan = payer.plan_from(PaymentRequest::new(ACCOUNT, vec![payee]), &again).unwrap();
    let again = payer.pay(plan.confirm(|_| Decision::Yes).unwrap(), &mut scene.rng).unwrap();
    scene.seal(&[again]);
    assert!(matches!(coin_now(&scene), OutputStatus::Spent { .. }));
    assert_eq!(status(&scene), SessionStatus::Signed(TxStatus::Displaced { height }), "still not made");
    // Nor is it when the block is not stored any more, however the wallet looks at the chain.
    scene.seal(&[]);
    scene.alice.scan(&Pruned(&scene.chain), &mut |_, _| {}).unwrap();
    assert!(matches!(status(&scene), SessionStatus::Signed(TxStatus::Displaced { .. })));
    if !by_copy {
        scene.alice.rescan(&Pruned(&scene.chain), &mut |_, _| {}).unwrap();
        assert!(matches!(status(&scene), SessionStatus::Signed(TxStatus::Displaced { .. })));
    }
}

/// A chain without its blocks.
struct Pruned<'a>(&'a MemoryChain);

impl ChainSource for Pruned<'_> {
    type Error = <MemoryChain as ChainSource>::Error;

    fn tip(&self) -> Result<(Height, Hash), Self::Error> {
        self.0.tip()
    }

    fn unspent_count(&self) -> Result<u64, Self::Error> {
        self.0.unspent_count()
    }

    fn unspent(&self, after: Option<&Hash>, most: usize) -> Result<Vec<RewindData>, Self::Error> {
        self.0.unspent(after, most)
    }

    fn kernel(&self, excess: &Excess) -> Result<Option<Height>, Self::Error> {
        self.0.kernel(excess)
    }

    fn hash_at(&self, height: Height) -> Result<Option<Hash>, Self::Error> {
        self.0.hash_at(height)
    }
}
