//! Part one: two wallets make four payments through a network of five nodes, four of which vote, and the supply is
//! audited. One validator is killed on the way.
//!
//! The part also shows what an outsider sees of the last payment, and how often each node guesses right where
//! a payment came from if it takes the first node that sent it for its origin.

use super::{
    network::{self, NODES, Network, Trail, VALIDATORS},
    report::{detail, line, title},
};
use crate::{
    Context,
    args::Sabotage,
    bridge::{Home, NewWallet, View},
    commands::{
        chain::block_text,
        wallet::{address, scan},
    },
    exit::{Failure, OrRefuse as _, Outcome},
    output::counted,
};
use rand_core::OsRng;
use serde_json::{Value, json};
use sotto_mw::{
    amount::{Amount, Height},
    commitment::Commitment,
    group::Scalar,
    rules::Verified,
    transaction::Transaction,
    unit::Unit,
};
use sotto_wallet::{
    Wallet, armor,
    coin_selection::{Confirmed, Decision, Payee, PaymentPlan, PaymentRequest, Recipient},
    edge::file::WalletFile,
    keys::{Account, Words},
    slate::{Invite, Memo, Response},
};

/// What Alice pays Bob, in this order: the first by an exchange of messages, the others to his address alone.
const PAYMENTS: [u64; 3] = [1_500_000_000, 700_000_000, 42_000_000];
/// The nodes to which they submit their payments.
const ALICE: usize = 1;
const BOB: usize = 3;
/// The validator that is killed.
const KILLED: usize = 2;
/// What Bob pays back to Alice.
const PAID_BACK: u64 = 900_000_000;

const INFLATED: &str = "sabotage: an output is one unit too large, and the network refused the payment";

type FileWallet = Wallet<WalletFile>;

/// The network, the trails of the payments through it, and the wallets of two people.
struct Scene<'a> {
    context: &'a Context,
    network: Network,
    trails: Vec<Trail>,
    alice: FileWallet,
    bob: FileWallet,
}

pub(crate) fn run(context: &Context, home: &Home, sabotage: Option<Sabotage>) -> Outcome<Value> {
    let (all, away) = (PAYMENTS.len() + 1, PAYMENTS.len() - 1);
    let text = format!(
        "Alice and Bob make {all} payments, {away} while Bob is away. {VALIDATORS} validators seal; one is killed on the way."
    );
    title(context, "PAY", &text)?;
    let mut scene = Scene::open(context, home)?;
    scene.earn()?;
    let first = scene.alice_pays_bob_who_answers()?;
    if sabotage == Some(Sabotage::Inflate) {
        return Err(scene.inflate(&first));
    }
    scene.submit(ALICE, &first)?;
    scene.seal()?;
    for amount in &PAYMENTS[1..] {
        let t = scene.alice_pays_an_address(*amount)?;
        scene.submit(ALICE, &t)?;
        scene.seal()?;
    }
    scene.kill()?;
    let t = scene.bob_pays_back()?;
    scene.submit(BOB, &t)?;
    let last = scene.seal()?;
    scene.balances()?;
    scene.ways()?;
    scene.outsider(last)?;
    scene.origin()?;
    scene.audit()
}

impl<'a> Scene<'a> {
    fn open(context: &'a Context, home: &Home) -> Outcome<Self> {
        let (ledger, keys) = network::create(home)?;
        let chain = ledger.chain().clone();
        let make = |name: &str| {
            let words = Words::generate(&mut OsRng).or_refuse("cannot generate seed words")?;
            // The passphrase protects nothing of value: these wallets are only for the demo.
            home.create_wallet(NewWallet { name, passphrase: "demo" }, words, chain.clone())
        };
        let (alice, bob) = (make("alice")?, make("bob")?);
        let p = chain.params();
        detail(
            context,
            &format!(
                "  A chain and two wallets are on disk. Each block creates {}, spendable after {}.\n    chain  {}\n    alice  {}\n    bob    {}",
                chain.unit().show(p.reward),
                counted(p.maturity, "block"),
                chain.id(),
                address(&alice)?,
                address(&bob)?,
            ),
        )?;
        let network = Network::open(home, ledger, &keys)?;
        let text =
            format!("  {NODES} nodes keep the chain. {VALIDATORS} of them vote, and three have to agree.");
        detail(context, &text)?;
        Ok(Self { context, network, trails: Vec::new(), alice, bob })
    }

    /// The unit of the chain.
    fn unit(&self) -> &Unit {
        self.alice.chain().unit()
    }

    fn seal(&mut self) -> Outcome<Height> {
        let rewards =
            self.alice.coinbase_builder(Account(0)).or_refuse("Alice's wallet cannot take rewards")?;
        self.network.seal(|height, due| {
            rewards.build(height, due, &mut OsRng).map(Into::into).or_refuse("cannot create the reward")
        })
    }

    /// Kills a validator: the others go on.
    fn kill(&mut self) -> Outcome {
        self.network.kill(KILLED);
        detail(self.context, &format!("  Validator {KILLED} is killed. The other three go on."))
    }

    /// Seals blocks until Alice can spend.
    fn earn(&mut self) -> Outcome {
        let need = Amount::new(PAYMENTS.iter().sum());
        while self.alice.balance(None).spendable <= need {
            self.seal()?;
            scan(self.context, &mut self.alice, &View::of(self.network.ledger()?))?;
        }
        let spendable = self.alice.balance(None).spendable;
        let height = self.network.ledger()?.tip().height;
        let text = format!(
            "  The validators seal {height} blocks, and their rewards go to Alice; she can spend {}.",
            self.unit().show(spendable)
        );
        detail(self.context, &text)
    }

    /// Lets both wallets look at the chain.
    fn scan(&mut self) -> Outcome {
        for wallet in [&mut self.alice, &mut self.bob] {
            scan(self.context, wallet, &View::of(self.network.ledger()?))?;
        }
        Ok(())
    }

    fn alice_pays_bob_who_answers(&mut self) -> Outcome<Verified<Transaction>> {
        self.scan()?;
        let t = pay(&mut self.alice, &mut self.bob, PAYMENTS[0])?;
        let amount = self.unit().show(Amount::new(PAYMENTS[0]));
        detail(self.context, &format!("  Alice pays Bob {amount}: invite, response, transaction."))?;
        Ok(t)
    }

    /// Bob's wallet is not used: it finds this payment when he looks.
    fn alice_pays_an_address(&mut self, amount: u64) -> Outcome<Verified<Transaction>> {
        scan(self.context, &mut self.alice, &View::of(self.network.ledger()?))?;
        let to =
            address(&self.bob)?.payment_address().ok_or_else(|| Failure::refused("no payment address"))?;
        let recipient = Recipient::OneSided { to, reference: None };
        let plan = plan(&self.alice, amount, recipient)?;
        let t = self.alice.pay(plan, &mut OsRng).or_refuse("cannot make the payment")?;
        let amount = self.unit().show(Amount::new(amount));
        detail(self.context, &format!("  Alice pays Bob's address {amount}: a transaction. Bob is away."))?;
        Ok(t)
    }

    /// What each way to pay lets whom see.
    fn ways(&self) -> Outcome {
        let away = self.bob.outputs().filter(|o| o.reference().is_some()).count();
        if away != PAYMENTS.len() - 1 {
            return Err(Failure::refused("Bob does not find what was paid while he was away"));
        }
        detail(
            self.context,
            &format!(
                "  {away} payments needed Bob's address alone: he finds them now, and Alice sees when he spends them.\n  For the others both took part: the payer has a receipt, and sees nothing afterwards."
            ),
        )
    }

    fn bob_pays_back(&mut self) -> Outcome<Verified<Transaction>> {
        self.scan()?;
        let t = pay(&mut self.bob, &mut self.alice, PAID_BACK)?;
        detail(
            self.context,
            &format!(
                "  Bob pays Alice {}: invite, response, transaction.",
                self.unit().show(Amount::new(PAID_BACK))
            ),
        )?;
        Ok(t)
    }

    fn submit(&mut self, at: usize, t: &Verified<Transaction>) -> Outcome {
        let trail = self.network.submit(at, t.get())?;
        detail(self.context, &trail.describe())?;
        self.trails.push(trail);
        Ok(())
    }

    /// Adds one unit to an output of an honest payment; the network must refuse it.
    fn inflate(&mut self, honest: &Verified<Transaction>) -> Failure {
        let mut t = honest.get().clone();
        if let Some(o) = t.body.outputs.first_mut() {
            let one = Commitment::new(Amount::new(1), &Scalar::ZERO.into());
            o.commitment = o.commitment.plus(&one);
        }
        t.body = sotto_mw::transaction::Body::sorted(t.body.inputs, t.body.outputs, t.body.kernels);
        match self.network.submit(ALICE, &t) {
            Err(why) => Failure { what: INFLATED.into(), ..why },
            Ok(_) => {
                Failure::refused("sabotage: an output is one unit too large, AND THE NETWORK ACCEPTED IT")
            }
        }
    }

    /// How often a node guesses right where a payment came from.
    fn origin(&self) -> Outcome {
        let guesses = self.guesses();
        for (n, right) in guesses.iter().enumerate() {
            detail(self.context, &format!("  node {n} guesses the origin of {right} payments"))?;
        }
        // The node to which a payment is submitted knows its origin and does not guess.
        let all: usize = self.trails.iter().map(|t| t.first.len()).sum();
        let right = guesses.iter().sum::<usize>();
        line(
            self.context,
            "Origin",
            &format!(
                "each node guesses that the peer which first sent it a payment is its origin: right in {right} of {all} cases."
            ),
        )
    }

    /// For each node, of how many payments it guesses the origin.
    fn guesses(&self) -> Vec<usize> {
        (0..NODES).map(|n| self.trails.iter().filter(|t| t.reveals_origin_to(n)).count()).collect()
    }

    fn balances(&mut self) -> Outcome {
        self.scan()?;
        let received: u64 = PAYMENTS.iter().sum();
        let b = self.bob.balance(None);
        if b.total().units() >= received - PAID_BACK || b.total().units() < received - PAID_BACK - 1_000_000 {
            let what = "Bob's balance is not what he was paid, less what he paid back and its fee";
            return Err(Failure::refused(what));
        }
        let (alice, fee) = (self.alice.balance(None).total(), received - PAID_BACK - b.total().units());
        let show = |amount| self.unit().show(amount);
        detail(self.context, "  Both wallets find their outputs by rewinding range proofs.")?;
        line(
            self.context,
            "Result",
            &format!(
                "Bob received {}, paid {} back (fee {}), has {}; Alice has {}.",
                show(Amount::new(received)),
                show(Amount::new(PAID_BACK)),
                show(Amount::new(fee)),
                show(b.total()),
                show(alice),
            ),
        )
    }

    /// What anyone sees of the last payment.
    fn outsider(&self, height: Height) -> Outcome {
        let found = self.network.ledger()?.store().block(height).or_refuse("cannot read the block")?;
        let block = found.ok_or_else(|| Failure::refused("the last block is missing"))?;
        detail(self.context, block_text(&block, self.network.ledger()?.chain()).trim_end())?;
        let (spent, created) = (block.body.spent().count(), block.body.outputs.len());
        let fee: u64 = block.body.kernels.iter().map(|k| k.features.fee().units()).sum();
        line(
            self.context,
            "Outsider",
            &format!(
                "sees in the last block {spent} spent and {created} new commitments and a fee of {}: no amount, no address.",
                self.unit().show(Amount::new(fee)),
            ),
        )
    }

    fn audit(&self) -> Outcome<Value> {
        let a = self.network.ledger()?.audit(|_, _| ()).or_refuse("the audit of the supply failed")?;
        let share = 100 - 100 * a.bytes_cut_through / a.bytes_of_blocks.max(1);
        detail(
            self.context,
            &format!(
                "  Cut-through: {} outputs were created, {} are unspent; {} bytes of blocks shrink to {}, {share} % less.\n  The audit checks that Σ unspent = supply·H + Σ excesses + offset·G at height {}.",
                a.outputs_created, a.unspent, a.bytes_of_blocks, a.bytes_cut_through, a.height,
            ),
        )?;
        line(
            self.context,
            "Checks",
            &format!(
                "all signatures and range proofs hold, and the supply is exactly {}, {} blocks of {}.",
                self.unit().show(a.supply),
                a.height,
                self.unit().show(self.network.ledger()?.chain().params().reward),
            ),
        )?;
        Ok(json!({
            "height": a.height.get(), "payments": PAYMENTS.len() + 1, "outputs_created": a.outputs_created,
            "outputs_unspent": a.unspent, "supply": a.supply.to_string(), "bytes_of_blocks": a.bytes_of_blocks,
            "bytes_cut_through": a.bytes_cut_through, "audit": "ok",
            "network": {
                "nodes": NODES, "validators": VALIDATORS, "killed": KILLED, "spies_right": self.guesses(),
            },
        }))
    }
}

/// Makes one payment; the slates pass as text, as they would between two people.
fn pay(payer: &mut FileWallet, receiver: &mut FileWallet, amount: u64) -> Outcome<Verified<Transaction>> {
    let (id, account) = (*payer.chain().id(), Account(0));
    let plan = plan(payer, amount, Recipient::Interactive(address(receiver)?))?;
    let invites = payer.invite(plan, &mut OsRng).or_refuse("cannot start the payment")?;
    let text: String = invites.iter().map(|i| armor::to_text(&id, i)).collect();
    let invite: Invite = armor::from_text(&id, &text).or_refuse("the invite is damaged")?;
    let response = receiver.respond(account, &invite, &mut OsRng).or_refuse("the invite was refused")?;
    let response: Response =
        armor::from_text(&id, &armor::to_text(&id, &response)).or_refuse("the response is damaged")?;
    let done = payer.finalize(&response, &mut OsRng).or_refuse("the response was refused")?;
    done.ok_or_else(|| Failure::refused("the payment waits for other receivers"))
}

fn plan(payer: &FileWallet, amount: u64, recipient: Recipient) -> Outcome<Confirmed<PaymentPlan>> {
    let payee = Payee { amount: Amount::new(amount), recipient, memo: Memo::default() };
    let plan =
        payer.plan(PaymentRequest::new(Account(0), vec![payee])).or_refuse("cannot make the payment")?;
    plan.confirm(|_| Decision::Yes).ok_or_else(|| Failure::refused("the payment was declined"))
}
