//! A tiny sealed chain in memory, and wallets on it.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};
use sotto_mw::{
    amount::{Amount, Height},
    block::Block,
    chain::{Chain, INPUT_WEIGHT, KERNEL_WEIGHT, OUTPUT_WEIGHT, Params},
    hash::Hash,
    kernel::Excess,
    rules::{
        Verified, check_block, check_transaction, connect_block, connect_transaction, propose, verify_block,
        verify_transaction,
    },
    schnorr::{PublicKey, sign},
    secret::SecretScalar,
    session::Role,
    state::{ChainView, ChangeSet, MemoryState, RewindData},
    transaction::Transaction,
};
use sotto_wallet::{
    Wallet, WalletError,
    coin_selection::{Confirmed, Decision, Payee, PaymentPlan, PaymentRequest},
    keys::{Account, Address, Words},
    nonce_vault::Installation,
    proof::KernelInclusion,
    scan::{self, ChainSource, ScanError, ScanReport},
    sessions::SessionStatus,
    slate::{Invite, Invoice, InvoiceRequest, Memo, Payment, Response},
    store::{MemoryStore, Store, StoreError},
};
use std::{
    cell::Cell,
    convert::Infallible,
    fs,
    path::PathBuf,
    rc::Rc,
    sync::atomic::{AtomicU32, Ordering},
};
use zeroize::Zeroizing;

/// The least fee of so many inputs, outputs and kernels.
pub const fn fee(inputs: u64, outputs: u64, kernels: u64) -> u64 {
    (inputs * INPUT_WEIGHT + outputs * OUTPUT_WEIGHT + kernels * KERNEL_WEIGHT) * 1_000
}

/// A chain, its operator and the blocks to take back.
pub struct Ledger {
    pub chain: Chain,
    pub state: MemoryState,
    operator: SecretScalar,
    changes: Vec<ChangeSet>,
    pub blocks: Vec<Block>,
    /// Blocks up to this height are not stored any more.
    pub pruned: u64,
    /// How many blocks a test has taken back and not sealed again.
    pub depth: usize,
    rng: ChaCha20Rng,
}

impl Ledger {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Params)) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let operator = SecretScalar::random(&mut rng);
        let mut params = Params::solo(PublicKey::of(&operator), 0);
        change(&mut params);
        let chain = Chain::new(params).unwrap();
        let state = MemoryState::genesis(&chain);
        Self { chain, state, operator, changes: vec![], blocks: vec![], pruned: 0, depth: 0, rng }
    }

    pub fn height(&self) -> Height {
        ChainView::tip(&self.state).height
    }

    /// Seals a block of these payments, its reward for `miner`.
    pub fn seal<S: Store>(&mut self, miner: &Wallet<S>, payments: &[Verified<Transaction>]) {
        let connect = |t| connect_transaction(&self.chain, &self.state, t).unwrap();
        let payments: Vec<_> = payments.iter().map(connect).collect();
        let fees = Amount::checked_sum(payments.iter().map(|t| t.get().body.fees().unwrap())).unwrap();
        let next = self.height().next();
        let reward = miner.coinbase(Account(0), next, fees, &mut self.rng).unwrap();
        let proposal = propose(&self.chain, &self.state, &payments, reward, next.get()).unwrap();
        let message = proposal.header.seal_message(self.chain.id());
        let block = proposal.seal(sign(&self.operator, &message, &mut self.rng));
        let block = check_block(&self.chain, block).unwrap();
        let block = verify_block(&self.chain, ChainView::tip(&self.state), block).unwrap();
        let block = connect_block(&self.chain, &self.state, block).unwrap();
        let change = block.get().change.clone();
        self.blocks.push(block.get().block.clone());
        self.state.apply(&change).unwrap();
        self.changes.push(change);
    }

    /// Seals empty blocks.
    pub fn grow<S: Store>(&mut self, miner: &Wallet<S>, blocks: usize) {
        (0..blocks).for_each(|_| self.seal(miner, &[]));
    }

    /// Takes the last block back.
    pub fn undo(&mut self) {
        let change = self.changes.pop().unwrap();
        self.blocks.pop();
        self.state.undo(&change).unwrap();
    }

    /// That a kernel with this excess is under the seal of this block, given by its height.
    pub fn inclusion(&self, excess: &Excess, height: u64) -> Option<KernelInclusion> {
        let block = &self.blocks[height as usize - 1];
        let kernels = self.blocks.iter().flat_map(|b| b.body.kernels.clone()).map(Ok::<_, Infallible>);
        KernelInclusion::find(self.chain.params(), &block.header, &block.seal, kernels, excess).unwrap()
    }

    pub fn verify(&self, t: Transaction) -> Verified<Transaction> {
        verify_transaction(&self.chain, check_transaction(&self.chain, t).unwrap()).unwrap()
    }

    pub fn wallet(&self, seed: u64) -> Person {
        Person::new(self.chain.clone(), seed)
    }
}

impl ChainSource for Ledger {
    type Error = Infallible;

    fn tip(&self) -> Result<(Height, Hash), Infallible> {
        ChainSource::tip(&self.state)
    }

    fn unspent_count(&self) -> Result<u64, Infallible> {
        self.state.unspent_count()
    }

    fn unspent(&self, after: Option<&Hash>, most: usize) -> Result<Vec<RewindData>, Infallible> {
        // Small batches, so that there are several.
        ChainSource::unspent(&self.state, after, most.min(3))
    }

    fn kernel(&self, excess: &Excess) -> Result<Option<Height>, Infallible> {
        self.state.kernel(excess)
    }

    fn hash_at(&self, height: Height) -> Result<Option<Hash>, Infallible> {
        let block = self.blocks.get(height.minus(1).get() as usize).filter(|b| b.header.height == height);
        Ok(block.map(|b| b.header.hash()))
    }

    fn block(&self, height: Height) -> Result<Option<scan::BlockContents>, Infallible> {
        let stored = (height.get() > self.pruned).then(|| height.minus(1).get() as usize);
        let block = stored.and_then(|i| self.blocks.get(i)).map(|b| b.body.clone());
        Ok(block.map(|b| scan::BlockContents { inputs: b.inputs, outputs: b.outputs }))
    }
}

/// A store that can be full, and whose contents can be copied.
#[derive(Clone, Default)]
pub struct TestStore {
    pub kept: MemoryStore,
    pub full: Rc<Cell<bool>>,
}

impl Store for TestStore {
    fn load(&self) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        self.kept.load()
    }

    fn replace(&mut self, contents: &[u8]) -> Result<(), StoreError> {
        if self.full.get() {
            let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(StoreError::Io { action: "write", path: "test".into(), source });
        }
        self.kept.replace(contents)
    }
}

/// A wallet with its randomness.
pub struct Person {
    pub wallet: Wallet<TestStore>,
    pub installation: Installation,
    pub rng: ChaCha20Rng,
}

impl Person {
    pub fn new(chain: Chain, seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let words = Words::generate(&mut rng).unwrap();
        Self::from_words(chain, words, seed ^ 0xdead)
    }

    pub fn from_words(chain: Chain, words: Words, seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut key = [0; 32];
        rng.fill_bytes(&mut key);
        let installation = Installation::in_memory(key);
        let wallet = Wallet::create(TestStore::default(), chain, words, installation.clone()).unwrap();
        Self { wallet, installation, rng }
    }

    /// The wallet in a copy of this one's store, under an installation.
    pub fn copy(&self, installation: Installation) -> Self {
        let store = TestStore { kept: self.wallet.store().kept.clone(), full: Rc::default() };
        let wallet = Wallet::open(store, installation.clone()).unwrap();
        Self { wallet, installation, rng: ChaCha20Rng::seed_from_u64(99) }
    }

    pub fn address(&self) -> Address {
        self.wallet.address(Account(0)).unwrap()
    }

    /// The statuses of its sessions in which it has this role, and pays or is paid.
    fn statuses(&self, role: Role, pays: bool) -> Vec<SessionStatus> {
        let these = self.wallet.sessions().filter(|s| s.role() == role && s.is_payer() == pays);
        these.map(|s| s.status()).collect()
    }

    pub fn sent(&self) -> Vec<SessionStatus> {
        self.statuses(Role::Inviter, true)
    }

    pub fn received(&self) -> Vec<SessionStatus> {
        self.statuses(Role::Responder, false)
    }

    pub fn issued(&self) -> Vec<SessionStatus> {
        self.statuses(Role::Inviter, false)
    }

    pub fn paid(&self) -> Vec<SessionStatus> {
        self.statuses(Role::Responder, true)
    }

    pub fn request(&self, amount: u64, to: &Self) -> PaymentRequest {
        PaymentRequest { account: Account(0), payees: vec![to.payee(amount)] }
    }

    /// This one as somebody to be paid.
    pub fn payee(&self, amount: u64) -> Payee {
        let memo = Memo::new("for the roof".into()).unwrap();
        Payee { amount: Amount::new(amount), recipient: Some(self.address()), memo }
    }

    pub fn plan(&self, amount: u64, to: &Self) -> Result<PaymentPlan, WalletError> {
        self.wallet.plan(self.request(amount, to))
    }

    pub fn confirmed(&self, amount: u64, to: &Self) -> Confirmed<PaymentPlan> {
        self.plan(amount, to).unwrap().confirm(|_| Decision::Yes).unwrap()
    }

    pub fn invite(&mut self, amount: u64, to: &Self) -> Invite {
        let plan = self.confirmed(amount, to);
        self.begin(plan).unwrap()
    }

    /// The one invite of a plan for one payee.
    pub fn begin(&mut self, plan: Confirmed<PaymentPlan>) -> Result<Invite, WalletError> {
        self.wallet.invite(plan, &mut self.rng).map(|mut all| all.pop().unwrap())
    }

    /// The transaction, when nobody else's answer is awaited.
    pub fn finalize(&mut self, response: &Response) -> Result<Verified<Transaction>, WalletError> {
        self.wallet.finalize(response, &mut self.rng).map(Option::unwrap)
    }

    pub fn respond(&mut self, invite: &Invite) -> Result<Response, WalletError> {
        self.wallet.respond(Account(0), invite, &mut self.rng)
    }

    pub fn pay(&mut self, amount: u64, to: &mut Self) -> Verified<Transaction> {
        let invite = self.invite(amount, to);
        let response = to.respond(&invite).unwrap();
        self.finalize(&response).unwrap()
    }

    pub fn asking(&self, amount: u64, of: &Self) -> InvoiceRequest {
        let memo = Memo::new("two cakes".into()).unwrap();
        InvoiceRequest {
            amount: Amount::new(amount),
            payer: Some(of.address()),
            inputs: InvoiceRequest::INPUTS,
            memo,
        }
    }

    pub fn ask(&mut self, amount: u64, of: &Self) -> Invoice {
        let ask = self.asking(amount, of);
        self.wallet.create_invoice(Account(0), ask, &mut self.rng).unwrap()
    }

    pub fn pay_invoice(&mut self, invoice: &Invoice) -> Result<Payment, WalletError> {
        let bill = self.wallet.plan_invoice(Account(0), invoice)?.confirm(|_| Decision::Yes).unwrap();
        self.wallet.pay_invoice(bill, &mut self.rng)
    }

    /// Scans; a ledger that went back is taken as it is, as its operator says that it did.
    pub fn scan(&mut self, ledger: &Ledger) -> ScanReport {
        match self.wallet.scan(ledger, &mut |_, _| {}) {
            Err(ScanError::Older { .. }) => self.wallet.rescan(ledger, &mut |_, _| {}).unwrap(),
            done => done.unwrap(),
        }
    }

    /// Spendable, immature, pending, locked, change.
    pub fn balance(&self) -> [u64; 5] {
        let b = self.wallet.balance(None);
        [b.spendable, b.immature, b.pending, b.locked, b.change].map(Amount::units)
    }
}

/// A ledger on which the first wallet has three rewards, one of them immature at most; and a second wallet.
pub fn two() -> (Ledger, Person, Person) {
    let mut ledger = Ledger::new();
    let (mut a, b) = (ledger.wallet(10), ledger.wallet(20));
    ledger.grow(&a.wallet, 3);
    a.scan(&ledger);
    (ledger, a, b)
}

/// A folder of its own, removed at the end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("sotto-wallet-{}-{n}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn file(&self) -> PathBuf {
        self.0.join("wallet")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
