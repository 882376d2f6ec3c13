//! A small chain in memory, and wallets on it.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};
use sotto_mw::{
    amount::{Amount, Height},
    block::SealedHeader,
    chain::{Chain, INPUT_WEIGHT, KERNEL_WEIGHT, Network, OUTPUT_WEIGHT, Params},
    codec::{Decode as _, Encode as _},
    commitment::Commitment,
    hash::Hash,
    kernel::Excess,
    rules::{Verified, check_transaction, verify_transaction},
    schnorr::PublicKey,
    secret::SecretScalar,
    session::Role,
    state::RewindData,
    transaction::Transaction,
};
use sotto_wallet::{
    MemoryChain, Wallet, WalletError,
    coin_selection::{Confirmed, Decision, Payee, PaymentPlan, PaymentRequest, Recipient},
    keys::{Account, Address, Words},
    nonce_vault::Installation,
    output_proof::SealedOutput,
    outputs::{OutputRecord, OutputStatus},
    proof::KernelInclusion,
    scan::{self, ChainSource, ScanError, ScanReport, UnspentInputs},
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

/// The same address on the main network.
pub fn on_main(address: &Address) -> Address {
    let mut bytes = address.to_bytes();
    bytes[0] = bytes[0] / 16 * 16 + Network::Main as u8;
    Address::from_bytes(&bytes).unwrap()
}

/// The least fee of so many inputs, outputs and kernels.
pub const fn fee(inputs: u64, outputs: u64, kernels: u64) -> u64 {
    (inputs * INPUT_WEIGHT + outputs * OUTPUT_WEIGHT + kernels * KERNEL_WEIGHT) * 1_000
}

/// A chain in memory that can be pruned and undone.
pub struct Ledger {
    pub chain: Chain,
    pub memory: MemoryChain,
    /// Blocks up to this height are not stored any more.
    pub pruned: u64,
    /// The number of blocks that a test has undone and not sealed again.
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
        let memory = MemoryChain::new(params, operator).unwrap();
        Self { chain: memory.chain().clone(), memory, pruned: 0, depth: 0, rng }
    }

    pub fn height(&self) -> Height {
        self.memory.height()
    }

    /// Seals a block of these payments, its reward for `miner`.
    pub fn seal<S: Store>(&mut self, miner: &Wallet<S>, payments: &[Verified<Transaction>]) {
        let miner = miner.coinbase_builder(Account(0)).unwrap();
        self.memory.seal(&miner, payments, &mut self.rng).unwrap();
    }

    /// Seals empty blocks.
    pub fn grow<S: Store>(&mut self, miner: &Wallet<S>, blocks: usize) {
        (0..blocks).for_each(|_| self.seal(miner, &[]));
    }

    /// Undoes the last block.
    pub fn undo(&mut self) {
        self.memory.undo().unwrap();
    }

    /// The proof that a kernel with this excess is under the seal of the block at this height.
    pub fn inclusion(&self, excess: &Excess, height: u64) -> Option<KernelInclusion> {
        let sealed = SealedHeader::of(&self.memory.blocks()[height as usize - 1]);
        let kernels = self.memory.blocks().iter().flat_map(|b| b.body.kernels.clone());
        let kernels = kernels.map(Ok::<_, Infallible>);
        KernelInclusion::find(self.chain.params(), &sealed, kernels, excess).unwrap()
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
        self.memory.tip()
    }

    fn unspent_count(&self) -> Result<u64, Infallible> {
        self.memory.unspent_count()
    }

    fn unspent(&self, after: Option<&Hash>, most: usize) -> Result<Vec<RewindData>, Infallible> {
        // Small batches, so that there are several.
        self.memory.unspent(after, most.min(3))
    }

    fn kernel(&self, excess: &Excess) -> Result<Option<Height>, Infallible> {
        self.memory.kernel(excess)
    }

    fn hash_at(&self, height: Height) -> Result<Option<Hash>, Infallible> {
        self.memory.hash_at(height)
    }

    fn sealed_output(&self, c: &Commitment) -> Result<Option<SealedOutput>, Infallible> {
        self.memory.sealed_output(c)
    }

    fn block(&self, height: Height) -> Result<Option<scan::BlockContents>, Infallible> {
        if height.get() > self.pruned { self.memory.block(height) } else { Ok(None) }
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

    /// The wallet in a copy of this store, under another installation.
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
        PaymentRequest::new(Account(0), vec![to.payee(amount)])
    }

    /// This person as a recipient.
    pub fn payee(&self, amount: u64) -> Payee {
        let memo = Memo::new("for the roof".into()).unwrap();
        Payee { amount: Amount::new(amount), recipient: Recipient::Interactive(self.address()), memo }
    }

    /// This person as a recipient who is away.
    pub fn payee_away(&self, amount: u64) -> Payee {
        let (to, reference) =
            (self.address().payment_address().unwrap(), Some("INV-2026-17".parse().unwrap()));
        Payee { recipient: Recipient::OneSided { to, reference }, ..self.payee(amount) }
    }

    /// Pays these recipients, none of whom responds.
    pub fn pay_away(&mut self, payees: Vec<Payee>) -> Verified<Transaction> {
        let plan = self.wallet.plan(PaymentRequest::new(Account(0), payees)).unwrap();
        self.wallet.pay(plan.confirm(|_| Decision::Yes).unwrap(), &mut self.rng).unwrap()
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

    /// The transaction, when no other response is awaited.
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

    /// Collects a payment, with what this ledger says of its inputs.
    pub fn collect(
        &mut self,
        ledger: &Ledger,
        payment: &Payment,
    ) -> Result<Verified<Transaction>, WalletError> {
        self.wallet.collect(payment, &UnspentInputs::look_up(ledger, payment).unwrap())
    }

    /// Scans, and accepts a ledger that went back, as if its operator had confirmed it.
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

/// Compares a wallet after a scan with the same wallet before, once that has passed over all unspent outputs. A pass
/// does not see what came and went; where blocks are not stored, nor when an output was spent.
pub fn same_as_rescanned(p: &Person, mut before: Person, ledger: &Ledger) {
    before.wallet.rescan(ledger, &mut |_, _| {}).unwrap();
    let shown = |s: OutputStatus| match s {
        OutputStatus::Spent { .. } if ledger.pruned > 0 => {
            OutputStatus::Spent { created: Height::GENESIS, spent: Height::GENESIS }
        }
        s => s,
    };
    let outputs = |of: &Person, only: &dyn Fn(&OutputRecord) -> bool| {
        let all = of.wallet.outputs().filter(|o| only(o));
        all.map(|o| OutputRecord { status: shown(o.status), ..o.clone() }).collect::<Vec<_>>()
    };
    let passed = outputs(&before, &|_| true);
    let known = |o: &OutputRecord| {
        !matches!(o.status, OutputStatus::Spent { .. }) || passed.iter().any(|b| b.commitment == o.commitment)
    };
    assert_eq!(outputs(p, &known), passed);
    let sessions = |p: &Person| p.wallet.sessions().map(|s| (s.session(), s.status())).collect::<Vec<_>>();
    assert_eq!(sessions(p), sessions(&before));
    assert_eq!(p.balance(), before.balance());
}

/// A ledger on which the first wallet has three rewards, and a second wallet.
pub fn two() -> (Ledger, Person, Person) {
    two_on(Ledger::new())
}

/// The same on this chain, which has no blocks yet.
pub fn two_on(mut ledger: Ledger) -> (Ledger, Person, Person) {
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
