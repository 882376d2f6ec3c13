//! Payments end to end: the three slate steps between two wallets, a mempool and blocks on disk, and the
//! wallets' scans.
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_mw::{amount::Amount, chain::Params, state::ChainView, transaction::Transaction};
use sotto_node::{ledger::Ledger, seal::OperatorKey};
use sotto_wallet::{
    Installation, Wallet,
    coin_selection::{Decision, Payee, PaymentRequest, Recipient},
    keys::{Account, Words},
    scan::ChainSource,
    slate::Memo,
    store::MemoryStore,
};

const ACCOUNT: Account = Account(0);

struct Scene {
    ledger: Ledger,
    operator: OperatorKey,
    alice: Wallet<MemoryStore>,
    bob: Wallet<MemoryStore>,
    rng: ChaCha20Rng,
    _dir: tempfile::TempDir,
}

/// A ledger as wallets see it.
struct Source<'a>(&'a Ledger);

impl ChainSource for Source<'_> {
    type Error = sotto_node::storage::StoreError;

    fn tip(&self) -> Result<(sotto_mw::amount::Height, sotto_mw::hash::Hash), Self::Error> {
        Ok((self.0.tip().height, self.0.tip().hash()))
    }

    fn unspent_count(&self) -> Result<u64, Self::Error> {
        Ok(self.0.tip().output_count)
    }

    fn unspent(
        &self,
        after: Option<&sotto_mw::hash::Hash>,
        most: usize,
    ) -> Result<Vec<sotto_mw::state::RewindData>, Self::Error> {
        let all = self.0.store().all_unspent().map(|u| Ok(u?.rewind_data()));
        all.filter(|u| u.as_ref().map_or(true, |u| Some(&u.key()) > after)).take(most).collect()
    }

    fn kernel(
        &self,
        excess: &sotto_mw::kernel::Excess,
    ) -> Result<Option<sotto_mw::amount::Height>, Self::Error> {
        Ok(self.0.store().last_seen(excess)?.map(|s| s.height))
    }
}

impl Scene {
    /// A chain on which Alice can spend `rewards` rewards.
    fn new(rewards: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let operator = OperatorKey::generate(&mut rng);
        let ledger = Ledger::create(&dir.path().join("chain"), Params::solo(operator.public(), 0)).unwrap();
        let mut person = || {
            let words = Words::generate(&mut rng).unwrap();
            let installation = Installation::in_memory([1; 32]);
            Wallet::create(MemoryStore::default(), ledger.chain().clone(), words, installation).unwrap()
        };
        let (alice, bob) = (person(), person());
        let maturity = ledger.chain().params().maturity;
        let mut scene = Self { ledger, operator, alice, bob, rng, _dir: dir };
        (0..rewards + maturity).for_each(|_| scene.block());
        scene
    }

    fn pay(&mut self) -> Transaction {
        let recipient = Recipient::Interactive(self.bob.address(ACCOUNT).unwrap());
        let (amount, memo) = (Amount::new(1_000), Memo::default());
        let plan =
            self.alice.plan(PaymentRequest::new(ACCOUNT, vec![Payee { amount, recipient, memo }])).unwrap();
        let plan = plan.confirm(|_| Decision::Yes).unwrap();
        let invite = self.alice.invite(plan, &mut self.rng).unwrap().remove(0);
        let response = self.bob.respond(ACCOUNT, &invite, &mut self.rng).unwrap();
        self.alice.finalize(&response, &mut self.rng).unwrap().unwrap().get().clone()
    }

    /// Seals the pending transactions, and lets both wallets scan.
    fn block(&mut self) {
        let draft = self.ledger.draft().unwrap();
        let fees = draft.due.checked_sub(self.ledger.chain().params().reward).unwrap();
        let reward = self.alice.coinbase(ACCOUNT, draft.height, fees, &mut self.rng).unwrap();
        let proposal = self.ledger.propose(&draft, reward.into(), 0).unwrap();
        let judged = self.ledger.judge_proposal(proposal).unwrap();
        let seal = self.operator.seal(self.ledger.chain().id(), &judged.get().proposal.header, &mut self.rng);
        self.ledger.commit(judged, seal).unwrap();
        for w in [&mut self.alice, &mut self.bob] {
            w.scan(&Source(&self.ledger), &mut |_, _| ()).unwrap();
        }
    }
}

fn payments(c: &mut Criterion) {
    let mut group = c.benchmark_group("payments");
    group.sample_size(10);
    for in_a_block in [1u64, 16] {
        let mut scene = Scene::new(in_a_block);
        group.throughput(Throughput::Elements(in_a_block));
        group.bench_function(format!("{in_a_block} a block, end to end"), |b| {
            b.iter(|| {
                for _ in 0..in_a_block {
                    let t = scene.pay();
                    scene.ledger.submit(t).unwrap();
                }
                scene.block();
            });
        });
    }
    group.finish();
}

criterion_group!(benches, payments);
criterion_main!(benches);
