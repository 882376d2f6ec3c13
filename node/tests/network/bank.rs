//! A chain with coins, and payments that spend them: made once, since proofs take time, and shared by all schedules.

use mw::{
    amount::{Amount, Height},
    block::Block,
    kernel::{Kernel, KernelFeatures},
    rules::params::Params,
    testing::{Owned, Toy},
    transaction::{Output, OutputFeatures, Transaction},
};
use node::seal::OperatorKey;
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
};

/// Payments that do not exclude each other.
pub(crate) const PAYMENTS: usize = 6;

/// Toy, payments, and others that spend the same coins.
struct Vault {
    toy: Toy,
    payments: Vec<Transaction>,
    rivals: Vec<Transaction>,
}

static VAULT: LazyLock<Mutex<Vault>> = LazyLock::new(|| {
    let wide = |p: &mut Params| (p.window_width, p.window_grid, p.reorganisation) = (400, 20, 100);
    let mut toy = Toy::with(7, wide);
    let coins: Vec<Owned> = (0..PAYMENTS).map(|_| toy.grow(Vec::new())).collect();
    toy.mature();
    let payments = coins.iter().map(|c| toy.pay(&[c], &[25]).0).collect();
    let rivals = coins.iter().map(|c| toy.pay(&[c], &[26]).0).collect();
    Mutex::new(Vault { toy, payments, rivals })
});

type Rewards = HashMap<(Height, Amount), (Output, Kernel)>;
static REWARDS: LazyLock<Mutex<Rewards>> = LazyLock::new(Mutex::default);

/// What a schedule needs to know of the chain.
#[derive(Clone)]
pub(crate) struct Bank {
    params: Params,
    base: Arc<Vec<Block>>,
    pub(crate) payments: Arc<Vec<Transaction>>,
    pub(crate) rivals: Arc<Vec<Transaction>>,
}

impl Bank {
    pub(crate) fn open() -> Self {
        let v = VAULT.lock().unwrap();
        Self {
            params: v.toy.chain().params().clone(),
            base: Arc::new(v.toy.blocks().to_vec()),
            payments: Arc::new(v.payments.clone()),
            rivals: Arc::new(v.rivals.clone()),
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
        OperatorKey::from_secret(VAULT.lock().unwrap().toy.operator().clone())
    }

    /// The reward of a block of this height.
    pub(crate) fn reward(&self, height: Height, due: Amount) -> (Output, Kernel) {
        let mut rewards = REWARDS.lock().unwrap();
        let made = rewards.entry((height, due)).or_insert_with(|| {
            let toy = &mut VAULT.lock().unwrap().toy;
            let coinbase = toy.output_as(OutputFeatures::Coinbase, due.units());
            let kernel = toy.kernel(KernelFeatures::Coinbase { height }, &coinbase.blinding);
            (coinbase.output, kernel)
        });
        made.clone()
    }
}
