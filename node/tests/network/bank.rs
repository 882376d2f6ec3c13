//! Chains with coins, and payments that spend them: made once each, since proofs take time, and shared by all
//! schedules.

use sotto_mw::{
    amount::{Amount, Height},
    block::{Block, Reward},
    chain::Params,
    kernel::KernelFeatures,
    output::OutputFeatures,
    testing::{Owned, TestChain},
    transaction::Transaction,
};
use sotto_node::seal::OperatorKey;
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
};

/// Payments that do not exclude each other.
pub(crate) const PAYMENTS: usize = 6;

/// TestChain, payments, others that spend the same coins, and others that spend what the payments create, at once or
/// once it is in a block; and rewards, as they are asked for.
struct Vault {
    test_chain: TestChain,
    payments: Vec<Transaction>,
    rivals: Vec<Transaction>,
    children: Vec<Transaction>,
    late: Vec<Transaction>,
    rewards: HashMap<(Height, Amount), Reward>,
}

impl Vault {
    fn new(mut test_chain: TestChain, coins: &[Owned]) -> Arc<Mutex<Self>> {
        // Every other payment is one-sided; its change is plain, so that a child can spend it at once.
        let mut pay = |(n, coin): (usize, &Owned)| match n % 2 {
            0 => test_chain.pay(&[coin], &[25]),
            _ => half_one_sided(&mut test_chain, coin),
        };
        let (payments, made): (Vec<_>, Vec<_>) = coins.iter().enumerate().map(&mut pay).unzip();
        let rivals = coins.iter().map(|c| test_chain.pay_one_sided(&[c], &[26]).0).collect();
        let children = made.iter().map(|outputs| test_chain.pay(&[&outputs[1]], &[7]).0).collect();
        let one_sided = made.iter().map(|outputs| &outputs[0]).filter(|o| o.keys.is_some());
        let late = one_sided.map(|o| test_chain.pay_one_sided(&[o], &[]).0).collect();
        Arc::new(Mutex::new(Self { test_chain, payments, rivals, children, late, rewards: HashMap::new() }))
    }
}

/// A one-sided payment with plain change.
fn half_one_sided(test_chain: &mut TestChain, coin: &Owned) -> (Transaction, Vec<Owned>) {
    const FEE: u64 = 100_000;
    const PAID: u64 = 1_000_000;
    let (paid, change) =
        (test_chain.one_sided(PAID), test_chain.output(coin.opening.amount.units() - PAID - FEE));
    let kernel = test_chain.bonded(Amount::new(FEE));
    (test_chain.transaction(&[coin], &[&paid, &change], &[kernel]), vec![paid, change])
}

static SHORT: LazyLock<Arc<Mutex<Vault>>> = LazyLock::new(|| {
    let wide = |p: &mut Params| (p.window_width, p.window_grid, p.reorganisation) = (400, 20, 100);
    let mut test_chain = TestChain::with(7, wide);
    let coins: Vec<Owned> = (0..PAYMENTS).map(|_| test_chain.grow(Vec::new())).collect();
    test_chain.mature();
    Vault::new(test_chain, &coins)
});

static LONG: LazyLock<Arc<Mutex<Vault>>> = LazyLock::new(|| {
    let mut test_chain = TestChain::new(8);
    for n in 0..BLOCKS / 4 {
        let coin = test_chain.grow(Vec::new());
        test_chain.mature();
        let payment = if n % 4 == 0 {
            test_chain.pay_one_sided(&[&coin], &[5]).0
        } else {
            test_chain.pay(&[&coin], &[5]).0
        };
        test_chain.grow(if n % 2 == 0 { vec![payment] } else { Vec::new() });
    }
    Vault::new(test_chain, &[])
});

static CROWD: LazyLock<Arc<Mutex<Vault>>> = LazyLock::new(|| {
    let wide = |p: &mut Params| (p.window_width, p.window_grid, p.reorganisation) = (400, 20, 100);
    let mut test_chain = TestChain::with(9, wide);
    let coin = test_chain.grow(Vec::new());
    test_chain.mature();
    let (split, coins) = test_chain.pay(&[&coin], &[10_000_000; MANY as usize]);
    test_chain.grow(vec![split]);
    let payments = (0..MANY).zip(&coins).map(|(n, coin)| {
        let fee = test_chain.least_fee(1, 1, 1).units() + n * 1_000;
        let output = test_chain.output(10_000_000 - fee);
        let kernel = test_chain.plain(Amount::new(fee));
        test_chain.transaction(&[coin], &[&output], &[kernel])
    });
    let payments = payments.collect();
    let (rivals, children, late, rewards) = (Vec::new(), Vec::new(), Vec::new(), HashMap::new());
    Arc::new(Mutex::new(Vault { test_chain, payments, rivals, children, late, rewards }))
});

/// Payments of the crowd.
pub(crate) const MANY: u64 = 24;

/// Blocks of the long chain.
pub(crate) const BLOCKS: u64 = 64;

/// What a schedule needs to know of the chain.
#[derive(Clone)]
pub(crate) struct Bank {
    vault: Arc<Mutex<Vault>>,
    params: Params,
    base: Arc<Vec<Block>>,
    pub(crate) payments: Arc<Vec<Transaction>>,
    pub(crate) rivals: Arc<Vec<Transaction>>,
    pub(crate) children: Arc<Vec<Transaction>>,
    /// What spends the one-sided outputs of the payments 1, 3, 5.
    pub(crate) late: Arc<Vec<Transaction>>,
}

impl Bank {
    /// A chain of few blocks, with payments to make, that can be taken back as far as one likes.
    pub(crate) fn open() -> Self {
        Self::over(&SHORT)
    }

    /// A chain of [`BLOCKS`] blocks, of which eight can be taken back.
    pub(crate) fn long() -> Self {
        Self::over(&LONG)
    }

    /// A chain with [`MANY`] payments of one weight, each of which pays more than those before.
    pub(crate) fn crowd() -> Self {
        Self::over(&CROWD)
    }

    fn over(vault: &Arc<Mutex<Vault>>) -> Self {
        let v = vault.lock().unwrap();
        Self {
            params: v.test_chain.chain().params().clone(),
            base: Arc::new(v.test_chain.blocks().to_vec()),
            payments: Arc::new(v.payments.clone()),
            rivals: Arc::new(v.rivals.clone()),
            children: Arc::new(v.children.clone()),
            late: Arc::new(v.late.clone()),
            vault: Arc::clone(vault),
        }
    }

    pub(crate) fn params(&self) -> Params {
        self.params.clone()
    }

    /// The blocks that everybody starts with.
    pub(crate) fn base(&self) -> Vec<Block> {
        self.base.to_vec()
    }

    pub(crate) fn operator(&self) -> OperatorKey {
        OperatorKey::from_secret(self.vault.lock().unwrap().test_chain.operator().clone())
    }

    /// The reward of a block of this height.
    pub(crate) fn reward(&self, height: Height, due: Amount) -> Reward {
        let Vault { test_chain, rewards, .. } = &mut *self.vault.lock().unwrap();
        let made = rewards.entry((height, due)).or_insert_with(|| {
            let coinbase = test_chain.output_as(OutputFeatures::Coinbase, due.units());
            let kernel = test_chain.kernel(KernelFeatures::Coinbase { height }, &coinbase.blinding);
            Reward { output: coinbase.output, kernel }
        });
        made.clone()
    }
}
