//! Part one: two wallets, four payments by slates through a network of five nodes, what each node and an outsider could know of
//! them, cut-through, and the audit of the supply.

use super::network::{NODES, Network, Trail};
use crate::{
    Context,
    args::Sabotage,
    bridge::{Home, View, now},
    commands::{
        chain::{block_text, create},
        wallet::{address, scan},
    },
    exit::{Context as _, Failure, Outcome},
    ui::GOOD,
};
use rand_core::OsRng;
use serde_json::{Value, json};
use sotto_mw::{
    amount::{Amount, Height},
    commitment::Commitment,
    group::Scalar,
    rules::Verified,
    transaction::Transaction,
};
use sotto_wallet::{
    armor,
    edge::file::{Cost, WalletFile},
    keys::{Account, Words},
    select::{Decision, Payee, Request},
    slate::{Invite, Memo, Response},
    wallet::Wallet,
};

/// What Alice pays Bob, one after the other.
const PAYMENTS: [u64; 3] = [1_500_000_000, 700_000_000, 42_000_000];
/// The nodes at which their payments enter the network.
const ALICE: usize = 1;
const BOB: usize = 3;
/// What Bob pays on to Alice.
const PAID_ON: u64 = 900_000_000;

const INFLATED: &str = "sabotage: an output was inflated by one unit, and the network refused it";

type FileWallet = Wallet<WalletFile>;

/// The network, the payments' ways through it, and two people.
struct Scene<'a> {
    context: &'a Context,
    network: Network,
    trails: Vec<Trail>,
    alice: FileWallet,
    bob: FileWallet,
}

pub(super) fn run(context: &Context, home: &Home, sabotage: Option<Sabotage>) -> Outcome<Value> {
    let mut scene = Scene::open(context, home)?;
    scene.earn()?;
    let first = scene.alice_pays(PAYMENTS[0])?;
    if sabotage == Some(Sabotage::Inflate) {
        return Err(scene.inflate(&first));
    }
    scene.submit(ALICE, &first)?;
    scene.seal()?;
    for amount in &PAYMENTS[1..] {
        let t = scene.alice_pays(*amount)?;
        scene.submit(ALICE, &t)?;
        scene.seal()?;
    }
    let t = scene.bob_pays_on()?;
    scene.submit(BOB, &t)?;
    let last = scene.seal()?;
    scene.balances()?;
    scene.spies()?;
    scene.outsider(last)?;
    scene.audit()
}

impl<'a> Scene<'a> {
    fn open(context: &'a Context, home: &Home) -> Outcome<Self> {
        let (ledger, key) = create(home, |_| ())?;
        let chain = ledger.chain().clone();
        let make = |name: &str| {
            let words = Words::generate(&mut OsRng).or_refuse("no seed words can be made")?;
            // The passphrase guards nothing of value: the demo's folder is its own.
            home.create_wallet((name, "demo"), words, chain.clone(), Cost::STANDARD)
        };
        let (alice, bob) = (make("alice")?, make("bob")?);
        let p = chain.params();
        context.output.story(&format!(
            "A solo chain and two wallets are on disk. Each block creates {} base units, spendable after {} blocks.\n  chain  {}\n  alice  {}\n  bob    {}",
            p.reward, p.maturity, chain.id(), address(&alice)?, address(&bob)?,
        ))?;
        let network = Network::open(home, ledger, key)?;
        context.output.story(&format!("{NODES} nodes keep the chain; node 0 seals its blocks."))?;
        Ok(Self { context, network, trails: Vec::new(), alice, bob })
    }

    fn seal(&mut self) -> Outcome<Height> {
        let (height, due) = self.network.draft()?;
        let rewards = self.alice.rewards(Account(0)).or_refuse("Alice takes no rewards")?;
        let reward = rewards.of((height, due), &mut OsRng).or_refuse("the reward cannot be made")?;
        self.network.seal(reward, now())
    }

    /// Seals blocks until Alice can spend.
    fn earn(&mut self) -> Outcome {
        let need = Amount::new(PAYMENTS.iter().sum());
        while self.alice.balance(None).spendable <= need {
            self.seal()?;
            scan(self.context, &mut self.alice, &View::of(self.network.ledger()))?;
        }
        let spendable = self.alice.balance(None).spendable;
        self.context.output.story(&format!(
            "Alice sealed {} blocks; {spendable} of her rewards can be spent by now.\n",
            self.network.ledger().tip().height
        ))
    }

    fn alice_pays(&mut self, amount: u64) -> Outcome<Verified<Transaction>> {
        scan(self.context, &mut self.alice, &View::of(self.network.ledger()))?;
        scan(self.context, &mut self.bob, &View::of(self.network.ledger()))?;
        let t = pay(&mut self.alice, &mut self.bob, amount)?;
        self.context.output.story(&format!("Alice pays Bob {amount}: invite → response → transaction."))?;
        Ok(t)
    }

    fn bob_pays_on(&mut self) -> Outcome<Verified<Transaction>> {
        scan(self.context, &mut self.alice, &View::of(self.network.ledger()))?;
        scan(self.context, &mut self.bob, &View::of(self.network.ledger()))?;
        let t = pay(&mut self.bob, &mut self.alice, PAID_ON)?;
        self.context.output.story(&format!("Bob pays on, to Alice: {PAID_ON}."))?;
        Ok(t)
    }

    fn submit(&mut self, at: usize, t: &Verified<Transaction>) -> Outcome {
        let trail = self.network.submit(at, t.get())?;
        self.context.output.story(&trail.told())?;
        self.trails.push(trail);
        Ok(())
    }

    /// Adds one unit to an output of an honest payment; the ledger must refuse it.
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
                Failure::refused("sabotage: an output was inflated by one unit, AND THE NETWORK TOOK IT")
            }
        }
    }

    /// What a spy at each node would have made of all payments.
    fn spies(&self) -> Outcome {
        let right = self
            .guesses()
            .iter()
            .enumerate()
            .map(|(n, right)| format!("  node {n}: {right}\n"))
            .collect::<String>();
        self.context.output.story(&format!(
            "Had a node been a spy, and taken the node from which it first heard of a payment for its source, of {} payments it would \
             have been right about\n{right}",
            self.trails.len()
        ))
    }

    /// For each node, of how many payments it would have named the source.
    fn guesses(&self) -> Vec<usize> {
        (0..NODES).map(|n| self.trails.iter().filter(|t| t.betrayed_to(n)).count()).collect()
    }

    fn balances(&mut self) -> Outcome {
        scan(self.context, &mut self.alice, &View::of(self.network.ledger()))?;
        scan(self.context, &mut self.bob, &View::of(self.network.ledger()))?;
        let received: u64 = PAYMENTS.iter().sum();
        let b = self.bob.balance(None);
        if b.total().units() >= received - PAID_ON || b.total().units() < received - PAID_ON - 1_000_000 {
            return Err(Failure::refused(
                "Bob's wallet does not show what he was paid, less what he paid on and its fee",
            ));
        }
        let a = self.alice.balance(None);
        self.context.output.story(&format!(
            "\nTheir wallets find their outputs by rewinding proofs: Alice has {}, Bob {} (he paid {} in fees).\n",
            a.total(), b.total(), received - PAID_ON - b.total().units(),
        ))
    }

    /// What anybody sees of the last payment.
    fn outsider(&self, height: Height) -> Outcome {
        let found = self.network.ledger().store().block(height).or_refuse("the block cannot be read")?;
        let block = found.ok_or_else(|| Failure::refused("the last block is missing"))?;
        let text = block_text(&block, self.network.ledger().chain());
        self.context.output.story(&format!(
            "What an outsider sees of it: no amount but the fee, no address, only commitments.\n{text}"
        ))
    }

    fn audit(&self) -> Outcome<Value> {
        let a = self.network.ledger().audit(|_, _| ()).or_refuse("the audit of the supply failed")?;
        let share = 100 - 100 * a.bytes_cut_through / a.bytes_of_blocks.max(1);
        self.context.output.story(&format!(
            "Cut-through: {} outputs were created, {} are unspent; {} bytes of blocks shrink to {} ({share} % less).\n{GOOD}Audit ok{GOOD:#}: Σ unspent = supply·H + Σ excesses + offset·G, with a supply of {} at height {}.",
            a.outputs_created, a.unspent, a.bytes_of_blocks, a.bytes_cut_through, a.supply, a.height,
        ))?;
        Ok(json!({
            "height": a.height.get(), "payments": PAYMENTS.len() + 1, "outputs_created": a.outputs_created,
            "outputs_unspent": a.unspent, "supply": a.supply.to_string(), "bytes_of_blocks": a.bytes_of_blocks,
            "bytes_cut_through": a.bytes_cut_through, "audit": "ok",
            "network": { "nodes": NODES, "spies_right": self.guesses() },
        }))
    }
}

/// One payment, its slates passed as the text that would travel.
fn pay(payer: &mut FileWallet, receiver: &mut FileWallet, amount: u64) -> Outcome<Verified<Transaction>> {
    let id = *payer.chain().id();
    let (account, memo) = (Account(0), Memo::default());
    let payee = Payee { amount: Amount::new(amount), recipient: Some(address(receiver)?), memo };
    let request = Request { account, payees: vec![payee] };
    let plan = payer.plan(request).or_refuse("the payment cannot be made")?;
    let plan = plan.confirm(|_| Decision::Yes).ok_or_else(|| Failure::refused("the payment was declined"))?;
    let invites = payer.invite(plan, &mut OsRng).or_refuse("the payment cannot be started")?;
    let text: String = invites.iter().map(|i| armor::to_text(&id, i)).collect();
    let invite: Invite = armor::from_text(&id, &text).or_refuse("the invite was damaged")?;
    let response = receiver.respond(account, &invite, &mut OsRng).or_refuse("the invite was refused")?;
    let response: Response =
        armor::from_text(&id, &armor::to_text(&id, &response)).or_refuse("the response was damaged")?;
    let done = payer.finalize(&response, &mut OsRng).or_refuse("the response was refused")?;
    done.ok_or_else(|| Failure::refused("the payment waits for others"))
}
