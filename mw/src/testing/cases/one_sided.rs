//! Cases for MW-R33 to MW-R38, and for other rules where something is one-sided: the known attacks.
//!
//! In most of them the thief is the sender of a coin: it knows amount, blinding factor and r of what it paid,
//! but not the secret of K_o. Unless a case says otherwise, all sums and all other signatures hold.

use crate::{
    aggregate::aggregate,
    amount::{Amount, Height},
    error::Rejection,
    group::{Element, Scalar, identity, mul_g},
    kernel::{Kernel, KernelFeatures},
    one_sided::{Bond, OneSided, OneSidedInput, OneSidedKeys},
    output::{Output, OutputFeatures, OutputKeys, UnsignedOneSided},
    range_proof::Opening,
    schnorr::PublicKey,
    secret::SecretScalar,
    testing::{
        case::{Base, Broken, Case},
        owned::{KeySecrets, Owned},
        test_chain::TestChain,
    },
    transaction::Transaction,
};

/// A chain with two one-sided coins that were paid to someone by the thief, and a plain one.
#[derive(Clone)]
struct Coins {
    ledger: TestChain,
    small: Owned,
    large: Owned,
    plain: Owned,
}

/// Above the least fee of every transaction here.
const FEE: u64 = 200_000;
const SMALL: u64 = 1_000_000;
const LARGE: u64 = 90_000_000;

impl Coins {
    fn new() -> Self {
        let Base { mut ledger, a, b } = Base::new();
        let (small, large) = (ledger.one_sided(SMALL), ledger.one_sided(LARGE));
        let change = ledger.output(a.opening.amount.units() - SMALL - LARGE - FEE);
        let kernel = ledger.bonded(Amount::new(FEE));
        let payment = ledger.transaction(&[&a], &[&small, &large, &change], &[kernel]);
        ledger.grow(vec![payment]);
        Self { ledger, small, large, plain: b }
    }

    /// The features of a bonded kernel.
    fn bonded(&self) -> KernelFeatures {
        self.ledger.bonded(Amount::new(FEE))
    }

    /// Moves a coin to a new one-sided output, less the fee.
    fn one_sided(&mut self, coin: &Owned) -> (Transaction, Owned) {
        let out = self.ledger.one_sided(coin.opening.amount.units() - FEE);
        let kernel = self.bonded();
        (self.ledger.transaction(&[coin], &[&out], &[kernel]), out)
    }

    /// The same under an excess whose secret is known.
    fn under(&mut self, coin: &Owned, e: &SecretScalar) -> (Transaction, Owned) {
        let out = self.ledger.one_sided(coin.opening.amount.units() - FEE);
        let kernel = (self.bonded(), e.clone());
        (self.ledger.transaction_under(&[coin], &[&out], &[kernel]), out)
    }

    /// Moves a coin to a new plain output, less the fee.
    fn plain(&mut self, coin: &Owned) -> Transaction {
        let out = self.ledger.output(coin.opening.amount.units() - FEE);
        let kernel = self.bonded();
        self.ledger.transaction(&[coin], &[&out], &[kernel])
    }

    fn case(&self, broken: Broken, refused: &Transaction, accepted: &Transaction) -> Case {
        broken.transactions(&self.ledger, refused.clone(), accepted.clone())
    }
}

fn secrets(o: &Owned) -> &KeySecrets {
    o.keys.as_ref().expect("a one-sided output")
}

fn one_sided(o: &mut Output) -> &mut OneSided {
    let OutputFeatures::OneSided(one_sided) = &mut o.features else { panic!("a one-sided output") };
    one_sided
}

pub(super) fn all() -> Vec<Case> {
    let coins = Coins::new();
    [shape, senders, inputs, keys, fed, bonds, kinds].into_iter().flat_map(|of| of(coins.clone())).collect()
}

/// MW-R01, MW-R02, MW-R04 and MW-R37.
fn shape(mut coins: Coins) -> Vec<Case> {
    let Coins { ledger, small, large, plain } = &mut coins;
    let kernel = ledger.bonded(Amount::new(FEE));
    let out = ledger.output(SMALL + LARGE - FEE);
    let sorted = ledger.transaction(&[small, large], &[&out], &[kernel]);
    let mut reversed = sorted.clone();
    reversed.body.one_sided_inputs.reverse();

    let out = ledger.output(plain.opening.amount.units() + SMALL - FEE);
    let mixed = ledger.transaction(&[plain, small], &[&out], &[kernel]);
    let mut both = mixed.clone();
    both.body.inputs.push(small.commitment());
    both.body.inputs.sort_unstable();

    let mut no_key = mixed.clone();
    no_key.body.one_sided_inputs[0].fresh = PublicKey::from_point(identity().into());

    // Joined, the two would hold the same sums as before.
    let small = small.clone();
    let (first, out) = coins.one_sided(&small);
    let second = coins.plain(&out);
    let mut at_once = first.clone();
    at_once.offset += second.offset;
    at_once.body.key_offset += second.body.key_offset;
    at_once.body.one_sided_inputs.extend(second.body.one_sided_inputs);
    at_once.body.outputs.extend(second.body.outputs);
    at_once.body.kernels.extend(second.body.kernels);
    at_once.body.bonds.extend(second.body.bonds);
    at_once.body = at_once.body.in_order();
    let because = Rejection::NotCutThrough { output: out.commitment().encoded() };

    let to_zero = to_zero(&mut coins, &small);
    let [stripped, bonded] = unbonded(&mut coins);
    let order = |list| Rejection::NotAscending { list };
    vec![
        coins.case(
            Broken::rule("one-sided inputs out of order", order("one-sided inputs")),
            &reversed,
            &sorted,
        ),
        coins.case(
            Broken::rule("an output spent by an input of each kind", order("inputs of both kinds")),
            &both,
            &mixed,
        ),
        coins.case(
            Broken::rule("an input without a fresh key", Rejection::Identity { item: "key" }),
            &no_key,
            &mixed,
        ),
        coins.case(
            Broken::rule("an output to the key of zero", Rejection::Identity { item: "key" }),
            &to_zero,
            &first,
        ),
        coins.case(
            Broken::rule("a one-sided output created and spent in one body", because),
            &at_once,
            &first,
        ),
        coins.case(
            Broken::rule("a one-sided output beside a kernel without a bond", Rejection::NotBonded),
            &stripped,
            &bonded,
        ),
    ]
}

/// An output to the key of zero: all of it is signed and proven, and k_o = 0 spends it.
fn to_zero(coins: &mut Coins, small: &Owned) -> Transaction {
    let mut other = coins.clone();
    let keys = KeySecrets { sender: other.ledger.secret(), receiver: SecretScalar::zero() };
    let opening = Opening { amount: Amount::new(SMALL - FEE), index: [0; 12] };
    let blinding = other.ledger.secret();
    let to_zero = other.ledger.one_sided_of(keys, opening, blinding);
    let kernel = coins.bonded();
    other.ledger.transaction(&[small], &[&to_zero], &[kernel])
}

/// A payment without a bond, and one with: the keys balance without, for the sender who knows r and takes
/// y = r.
fn unbonded(coins: &mut Coins) -> [Transaction; 2] {
    let paid = coins.ledger.one_sided(plain_amount(coins) - FEE);
    let unbonded = KernelFeatures::Plain { fee: Amount::new(FEE), not_after: expiry(coins) };
    let input = coins.plain.clone();
    let mut stripped = coins.ledger.transaction(&[&input], &[&paid], &[unbonded]);
    stripped.body.key_offset = secrets(&paid).sender.reveal();
    let kernel = coins.bonded();
    [stripped, coins.ledger.transaction(&[&input], &[&paid], &[kernel])]
}

fn plain_amount(coins: &Coins) -> u64 {
    coins.plain.opening.amount.units()
}

fn expiry(coins: &Coins) -> Height {
    coins.ledger.chain().standard_expiry(coins.ledger.next())
}

/// MW-R33.
fn senders(mut coins: Coins) -> Vec<Case> {
    let plain = coins.plain.clone();
    let (good, out) = coins.one_sided(&plain);
    let refused =
        |t: &Transaction| Rejection::SenderSignature { output: t.body.outputs[0].commitment.encoded() };

    let mut redirected = good.clone();
    let signature = one_sided(&mut redirected.body.outputs[0]).signature;
    let thief = KeySecrets { sender: secrets(&out).sender.clone(), receiver: coins.ledger.secret() };
    redirected.body.outputs = vec![coins.ledger.one_sided_of(thief, out.opening, out.blinding).output];
    one_sided(&mut redirected.body.outputs[0]).signature = signature;

    let mut flipped = good.clone();
    one_sided(&mut flipped.body.outputs[0]).signature.z += Scalar::ONE;

    let rogue = rogue_sender(&mut coins);
    let case = |name, bad: &Transaction| coins.case(Broken::rule(name, refused(bad)), bad, &good);
    vec![
        case("an output redirected by someone who knows its opening", &redirected),
        case("a sender's signature changed", &flipped),
        case("a sender's key made of the keys of a stolen input", &rogue),
    ]
}

/// `R = K_o − D + u·G` beside an input of another transaction: the keys balance under a known x, but the
/// logarithm of R is unknown.
fn rogue_sender(coins: &mut Coins) -> Transaction {
    let small = coins.small.clone();
    let mut stolen = coins.plain(&small);
    let input = stolen.body.one_sided_inputs[0];
    let ledger = &mut coins.ledger;
    let [u, x, e, blinding, receiver] = core::array::from_fn(|_| ledger.secret());
    let r = input.receiver.point().element() - input.fresh.point().element() + mul_g(u.expose());
    let opening = Opening { amount: Amount::new(SMALL - FEE), index: [0; 12] };
    let keys = OutputKeys { blinding: &blinding, rewind: &TestChain::REWIND, tau: &TestChain::TAU };
    let sender = PublicKey::from_point(r.into());
    let named = OneSidedKeys { sender, receiver: PublicKey::of(&receiver), view_tag: 0 };
    let out = UnsignedOneSided::new(ledger.chain().into(), named, &opening, &keys);
    let out = out.expect("an output that can be proven").sign(&u, ledger.rng());
    let features = ledger.bonded(Amount::new(FEE));
    let kernel = ledger.kernel(features, &e);
    stolen.body.outputs = vec![out];
    stolen.offset = blinding.reveal() - small.blinding.reveal() - e.reveal();
    stolen.body.key_offset = u.reveal() - x.reveal();
    under(&mut stolen, kernel, &x, ledger);
    stolen
}

/// Replaces the kernel of a transaction, and its bond.
fn under(t: &mut Transaction, kernel: Kernel, x: &SecretScalar, ledger: &mut TestChain) {
    let chain = *ledger.chain().id();
    t.body.bonds = [(kernel.excess, Bond::sign(&chain, &kernel, x, ledger.rng()))].into();
    t.body.kernels = vec![kernel];
}

/// MW-R34.
fn inputs(mut coins: Coins) -> Vec<Case> {
    let small = coins.small.clone();
    let good = coins.plain(&small);
    let because = Rejection::InputSignature { output: small.commitment().encoded() };
    let changed = |edit: fn(&mut OneSidedInput)| {
        let mut bad = good.clone();
        edit(&mut bad.body.one_sided_inputs[0]);
        bad
    };
    let flipped = changed(|i| i.signature.z += Scalar::ONE);

    // The thief names the right K_o, and knows d, so it can balance the keys with an x that is not its own;
    // but it signs with d alone.
    let thief = KeySecrets { receiver: coins.ledger.secret(), ..secrets(&small).clone() };
    let mut theft = coins.plain(&Owned { keys: Some(thief), ..small.clone() });
    let input = &mut theft.body.one_sided_inputs[0];
    let named = PublicKey::of(&secrets(&small).receiver);
    // K_o' − K_o moves into D, so the sum stays.
    let by: Element = named.point().element() - input.receiver.point().element();
    input.fresh = PublicKey::from_point((input.fresh.point().element() + by).into());
    input.receiver = named;
    vec![
        coins.case(Broken::rule("an input's signature changed", because.clone()), &flipped, &good),
        coins.case(
            Broken::rule("a coin spent by its sender, under keys that balance", because),
            &theft,
            &good,
        ),
    ]
}

/// MW-R35.
fn keys(mut coins: Coins) -> Vec<Case> {
    let (small, plain) = (coins.small.clone(), coins.plain.clone());
    let (good, out) = coins.one_sided(&plain);
    let mut offset = good.clone();
    offset.body.key_offset += Scalar::ONE;

    // The same payment once more, under a sender's key of the thief.
    let thief = KeySecrets { sender: coins.ledger.secret(), ..secrets(&out).clone() };
    let mut replaced = good.clone();
    replaced.body.outputs = vec![coins.ledger.one_sided_of(thief, out.opening, out.blinding.clone()).output];

    // A sealer pays its own output in place of the victim's, and corrects the offset.
    let own = coins.ledger.one_sided(out.opening.amount.units());
    let mut cut_out = good.clone();
    cut_out.offset += own.blinding.reveal() - out.blinding.reveal();
    cut_out.body.outputs = vec![own.output];

    // What the victim receives is spent before it is in a block; both halves are cut away, and the amounts
    // balance.
    let next = coins.plain(&out);
    let mut through =
        aggregate([good.clone(), coins.plain(&small)]).expect("two payments of different coins");
    through.body.outputs.retain(|o| o.commitment != out.commitment());
    through.body.outputs.extend(next.body.outputs);
    through.body.kernels.extend(next.body.kernels);
    through.body.bonds.extend(next.body.bonds);
    through.offset += next.offset;
    through.body.key_offset += next.body.key_offset;
    through.body = through.body.in_order();

    let case =
        |name, bad: &Transaction| coins.case(Broken::rule(name, Rejection::KeysUnbalanced), bad, &good);
    vec![
        case("another y", &offset),
        case("an output replaced under another sender's key", &replaced),
        case("an output replaced by one of the sealer", &cut_out),
        case("a one-sided output cut through on its way", &through),
    ]
}

/// MW-R35 again: the thief paid both coins, so it knows their blinding factors and can move inputs as far as
/// amounts go. Without D in the sum it could correct y too, because it knows k of both.
fn fed(mut coins: Coins) -> Vec<Case> {
    let (small, large) = (coins.small.clone(), coins.large.clone());
    let [e, other, x] = core::array::from_fn(|_| coins.ledger.secret());
    let (to_thief, out) = coins.under(&small, &e);
    let own_move = coins.plain(&large);
    let take = coins.ledger.one_sided(LARGE - SMALL);
    let mut moved = to_thief.clone();
    moved.body.one_sided_inputs = own_move.body.one_sided_inputs;
    moved.body.outputs.push(take.output.clone());
    moved.offset += small.blinding.reveal() - large.blinding.reveal() + take.blinding.reveal();
    moved.body.key_offset += secrets(&small).receiver.reveal() - secrets(&large).receiver.reveal();
    moved.body.key_offset += secrets(&take).sender.reveal();
    moved.body = moved.body.in_order();

    // All of the coin went to the thief, so it knows e; MW-R29 would refuse the old kernel.
    let mut replayed = to_thief.clone();
    replayed.offset = out.blinding.reveal() - small.blinding.reveal() - other.reveal();
    let features = coins.bonded();
    let kernel = coins.ledger.kernel(features, &other);
    under(&mut replayed, kernel, &x, &mut coins.ledger);
    let case =
        |name, bad: &Transaction| coins.case(Broken::rule(name, Rejection::KeysUnbalanced), bad, &to_thief);
    vec![
        case("an input moved between two transactions by the sender of both coins", &moved),
        case("an old input under a new kernel and a new bond", &replayed),
    ]
}

/// MW-R36.
fn bonds(mut coins: Coins) -> Vec<Case> {
    let small = coins.small.clone();
    let e = coins.ledger.secret();
    let (good, _) = coins.under(&small, &e);
    let refused = |t: &Transaction| Rejection::BondSignature { excess: t.body.kernels[0].excess.encoded() };

    // The thief knows e, as above, and signs the kernel again, for a window of its own.
    let mut extended = good.clone();
    let not_after = Height::new(16);
    let kernel = coins.ledger.kernel(KernelFeatures::Bonded { fee: Amount::new(FEE), not_after }, &e);
    extended.body.kernels = vec![kernel];

    let mut flipped = good.clone();
    flipped.body.bonds.values_mut().for_each(|bond| bond.signature.z += Scalar::ONE);
    vec![
        coins.case(
            Broken::rule("a window changed by someone who knows the excess's key", refused(&extended)),
            &extended,
            &good,
        ),
        coins.case(Broken::rule("a bond's signature changed", refused(&flipped)), &flipped, &good),
    ]
}

/// MW-R38, and MW-R25 for a commitment that is made again under other keys.
fn kinds(mut coins: Coins) -> Vec<Case> {
    let (small, plain) = (coins.small.clone(), coins.plain.clone());
    let good = coins.plain(&small);
    let because = Rejection::InputKind { output: small.commitment().encoded() };
    let thief = KeySecrets { receiver: coins.ledger.secret(), ..secrets(&small).clone() };
    let own_key = coins.plain(&Owned { keys: Some(thief.clone()), ..small.clone() });
    let as_plain = coins.plain(&Owned { keys: None, ..small.clone() });

    let with_key = coins.plain(&Owned { keys: Some(thief), ..plain.clone() });
    let without_key = coins.plain(&plain);
    let of_plain = Rejection::InputKind { output: plain.commitment().encoded() };

    let keys = KeySecrets { sender: coins.ledger.secret(), receiver: coins.ledger.secret() };
    let twin = coins.ledger.one_sided_of(keys, small.opening, small.blinding.clone());
    let paid = small.opening.amount.units() + FEE;
    let change = coins.ledger.output(plain.opening.amount.units() - paid);
    let kernel = coins.bonded();
    let again = coins.ledger.transaction(&[&plain], &[&twin, &change], &[kernel]);
    let created = Rejection::AlreadyUnspent { output: small.commitment().encoded() };
    vec![
        coins.case(
            Broken::rule("a coin spent by its sender under a key of its own", because.clone()),
            &own_key,
            &good,
        ),
        coins.case(Broken::rule("a coin spent by its sender as if it were plain", because), &as_plain, &good),
        coins.case(Broken::rule("a plain output spent under a key", of_plain), &with_key, &without_key),
        coins.case(Broken::rule("a commitment made again under other keys", created), &again, &without_key),
    ]
}
