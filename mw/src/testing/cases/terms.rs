//! MW-R39 and MW-R40: terms that do not follow, and changes that do not hold.

use super::super::{
    case::{Broken, Case, Subject, Trial},
    test_chain::TestChain,
};
use crate::{
    amount::{Amount, Height},
    block::Block,
    chain::RULES_VERSION,
    error::{ChangeFault, Rejection},
    group::Scalar,
    hash::Hash,
    schnorr::PublicKey,
    terms::{Announced, Change, Limits, SignedChange},
    transaction::Body,
    validators::{Validator, ValidatorSet},
};

pub(super) fn all() -> Vec<Case> {
    [follow(), signatures(), sets(), renewals(), announcements(), place()].concat()
}

/// Four validators of equal power, two blocks.
fn four() -> TestChain {
    let mut ledger = TestChain::with_validators(40, 4);
    ledger.grow(Vec::new());
    ledger.grow(Vec::new());
    ledger
}

/// The last height at which the changes of these cases may enter.
const EXPIRY: Height = Height::new(60);

/// The next block with this change, whether it holds or not.
fn block(ledger: &mut TestChain, change: Option<SignedChange>) -> Block {
    let (coinbase, kernel) = ledger.reward(Amount::ZERO);
    let body = Body::sorted(vec![], vec![coinbase.output], vec![kernel]);
    ledger.forge(Body { change: change.map(Box::new), ..body }, &Scalar::ZERO)
}

fn trial(ledger: &TestChain, change: SignedChange) -> Trial {
    let mut ledger = ledger.clone();
    let subject = Subject::Block(block(&mut ledger, Some(change)));
    Trial { ledger, subject }
}

fn case(name: &'static str, fault: ChangeFault, refused: Trial, accepted: Trial) -> Case {
    Case { name, because: Rejection::BadChange { fault }, refused, accepted }
}

fn validators(ledger: &TestChain) -> Vec<Validator> {
    ledger.chain().terms().sealing.validators().map(|set| set.all().to_vec()).unwrap_or_default()
}

fn set_of(all: Vec<Validator>) -> Change {
    Change::Validators(ValidatorSet::new(all).expect("validators"))
}

/// The set with one more validator.
fn one_more(ledger: &mut TestChain) -> Change {
    let new = ledger.appoint("newcomer", 1);
    set_of([validators(ledger), vec![new]].concat())
}

fn follow() -> Vec<Case> {
    let mut ledger = four();
    let good = block(&mut ledger, None);
    let stated = |edit: fn(&mut Block)| {
        let (mut ledger, mut block) = (ledger.clone(), good.clone());
        edit(&mut block);
        ledger.seal(block.header, block.body)
    };
    let of_height = stated(|b| b.header.terms = Hash::ZERO);
    let next = stated(|b| b.header.next_terms = Hash::ZERO);
    let case = |name, ledger: &TestChain, bad, good| {
        Broken::rule(name, Rejection::WrongTerms).blocks(ledger, bad, good)
    };

    // A change in one block is in effect two blocks later, no earlier and no later.
    let mut changed = four();
    let before = changed.chain().terms().hash();
    let change = one_more(&mut changed);
    let change = changed.change(change, EXPIRY);
    changed.grow_with(Vec::new(), Some(change));
    let after = block(&mut changed, None);
    let mut ignored = after.clone();
    ignored.header.next_terms = before;
    let ignored = changed.seal(ignored.header, ignored.body);

    let mut unknown = four();
    let from = unknown.next().plus(16);
    let next_rules = Change::Rules(Announced { from, what: RULES_VERSION + 1 });
    let change = unknown.change(next_rules, EXPIRY);
    unknown.grow_with(Vec::new(), Some(change));
    while unknown.next() < from.minus(1) {
        unknown.grow(Vec::new());
    }
    let known = unknown.clone();
    unknown.grow(Vec::new());
    let blocks = [&unknown, &known].map(|ledger| {
        let mut ledger = ledger.clone();
        let subject = Subject::Block(block(&mut ledger, None));
        Trial { ledger, subject }
    });
    let [refused, accepted] = blocks;
    vec![
        case("other terms than the parent's next", &ledger, of_height, good.clone()),
        case("next terms that nothing changed", &ledger, next, good),
        case("a change without an effect", &changed, ignored, after),
        Case {
            name: "a block under a version of the rules that this program does not know",
            because: Rejection::WrongTerms,
            refused,
            accepted,
        },
    ]
}

fn signatures() -> Vec<Case> {
    let mut ledger = four();
    let change = one_more(&mut ledger);
    let good = ledger.change_by(change.clone(), EXPIRY, [0, 1, 3]);
    let few = ledger.change_by(change.clone(), EXPIRY, [0, 3]);
    let late = Height::new(2);
    let expired = ledger.change(change.clone(), late);
    let later = SignedChange { expiry: EXPIRY.next(), ..good.clone() };
    let mut twin = TestChain::with_validators(41, 4);
    let other = twin.change(change, EXPIRY);
    let elsewhere = SignedChange { signatures: other.signatures, ..good.clone() };
    // The same signatures again, once the change took effect: they name the height of the change before.
    let mut changed = ledger.clone();
    let fee = Limits { fee_per_weight: Amount::new(1_500), max_weight: 40_000 };
    let fee = Change::Limits(Announced { from: Height::new(40), what: fee });
    let first = changed.change(Change::Rules(Announced { from: EXPIRY, what: 9 }), EXPIRY);
    let stale = changed.change(fee.clone(), EXPIRY);
    changed.grow_with(Vec::new(), Some(first));
    changed.grow(Vec::new());
    let fresh = changed.change(fee, EXPIRY);

    let accepted = trial(&ledger, good);
    let one = |name, fault, change| case(name, fault, trial(&ledger, change), accepted.clone());
    vec![
        one("a change by half of the power", ChangeFault::Quorum, few),
        one("a change above its last height", ChangeFault::Expired, expired),
        one("a change whose expiry was put off", ChangeFault::Signature, later),
        one("signatures of another chain's validators", ChangeFault::Signature, elsewhere),
        case(
            "a change that was signed before another took effect",
            ChangeFault::Signature,
            trial(&changed, stale),
            trial(&changed, fresh),
        ),
    ]
}

/// Sets that differ too much.
fn sets() -> Vec<Case> {
    let mut ledger = four();
    let all = validators(&ledger);
    let (one, two) = (ledger.appoint("one", 1), ledger.appoint("two", 1));
    let with =
        |more: &[&Validator]| set_of([all.clone(), more.iter().map(|v| (*v).clone()).collect()].concat());
    let raised = |power: u32| {
        let mut all = all.clone();
        all[0].power = power.try_into().expect("a power");
        set_of(all)
    };
    let replaced = set_of([&all[1..], core::slice::from_ref(&one)].concat());
    let mut by_all = |change: Change| {
        let change = ledger.change(change, EXPIRY);
        trial(&ledger, change)
    };
    let accepted = by_all(with(&[&one]));
    let mut many = |name, change| case(name, ChangeFault::TooMany, by_all(change), accepted.clone());
    let mut three = TestChain::with_validators(42, 3);
    let others = set_of((0..3).map(|i| three.appoint(&format!("new-{i}"), 1)).collect());
    let others = three.change(others, EXPIRY);
    let beside_three = many("two join four, though three may all be replaced", with(&[&one, &two]));
    vec![
        many("two join four", with(&[&one, &two])),
        many("one of four is replaced", replaced),
        many("one of four has three times its power", raised(3)),
        Case { accepted: trial(&three, others), ..beside_three },
    ]
}

/// A validator goes on under another key.
fn renewals() -> Vec<Case> {
    let mut ledger = four();
    let all = validators(&ledger);
    let name = |i: usize| all[i].name.as_str().to_owned();
    let renewed = ledger.appoint(&name(0), 1);
    let stranger = ledger.appoint("stranger", 1);
    let new = |v: &Validator| set_of([&all[1..], core::slice::from_ref(v)].concat());
    let place = |change: &Change, key: PublicKey| match change {
        Change::Validators(set) => set.index_of(&key).and_then(|i| u8::try_from(i).ok()).unwrap_or(u8::MAX),
        _ => u8::MAX,
    };
    let mut make = |v: &Validator, signers: &[usize], at: fn(u8) -> u8| {
        let change = new(v);
        let place = at(place(&change, v.vote_key));
        let mut signed = ledger.change_by(change, EXPIRY, signers.iter().copied());
        ledger.renew(&mut signed, place);
        signed
    };
    let good = make(&renewed, &[0, 1, 2], |place| place);
    let without_old = make(&renewed, &[1, 2, 3], |place| place);
    let other_name = make(&stranger, &[0, 1, 2, 3], |place| place);
    let other_place = make(&renewed, &[0, 1, 2], |place| (place + 1) % 4);
    let mut forged = good.clone();
    forged.renewals[0].signature = other_place.renewals[0].signature;
    let unsigned = SignedChange { renewals: Vec::new(), ..good.clone() };
    let accepted = trial(&ledger, good);
    let one = |name, fault, change| case(name, fault, trial(&ledger, change), accepted.clone());
    vec![
        one("a key that is renewed without its old one", ChangeFault::Renewal, without_old),
        one("a renewal under another name", ChangeFault::Renewal, other_name),
        one("a renewal of a key that stays", ChangeFault::Renewal, other_place),
        one("a renewal that the new key did not sign", ChangeFault::Signature, forged),
        one("a replaced key without a renewal", ChangeFault::TooMany, unsigned),
    ]
}

/// Fees, weights and versions.
fn announcements() -> Vec<Case> {
    let mut ledger = four();
    let least = ledger.next().plus(16);
    let limits = |fee: u64, max_weight: u64, from: Height| {
        let what = Limits { fee_per_weight: Amount::new(fee), max_weight };
        Change::Limits(Announced { from, what })
    };
    let rules = |what: u8, from: Height| Change::Rules(Announced { from, what });
    let mut by_all = |change: Change| {
        let change = ledger.change(change, EXPIRY);
        trial(&ledger, change)
    };
    let (double, half) = (by_all(limits(2_000, 80_000, least)), by_all(limits(500, 40_000, least)));
    let version = by_all(rules(RULES_VERSION + 1, least));
    let mut one = |name, fault, change, good: &Trial| case(name, fault, by_all(change), good.clone());
    let mut all = vec![
        one("more than double the fee", ChangeFault::Limits, limits(2_001, 40_000, least), &double),
        one("less than half the fee", ChangeFault::Limits, limits(499, 40_000, least), &half),
        one("more than double the weight", ChangeFault::Limits, limits(1_000, 80_001, least), &double),
        one("a weight below the first", ChangeFault::Limits, limits(1_000, 39_999, least), &double),
        one("a fee too early", ChangeFault::TooEarly, limits(2_000, 80_000, least.minus(1)), &double),
        one("the version in effect", ChangeFault::Version, rules(RULES_VERSION, least), &version),
        one("a version too early", ChangeFault::TooEarly, rules(RULES_VERSION + 1, least.minus(1)), &version),
    ];
    let none = by_all(Change::WithdrawRules);
    let mut announced = four();
    let first = announced.change(rules(RULES_VERSION + 1, least.plus(2)), EXPIRY);
    announced.grow_with(Vec::new(), Some(first));
    announced.grow(Vec::new());
    let withdrawn = announced.change(Change::WithdrawRules, EXPIRY);
    let withdrawn = trial(&announced, withdrawn);
    let again = announced.change(rules(RULES_VERSION + 2, least.plus(9)), EXPIRY);
    let again = trial(&announced, again);
    let mut limited = four();
    let first = limited.change(limits(2_000, 80_000, least), EXPIRY);
    limited.grow_with(Vec::new(), Some(first));
    limited.grow(Vec::new());
    let second = limited.change(limits(1_500, 80_000, least.plus(9)), EXPIRY);
    let second = trial(&limited, second);
    all.extend([
        case("nothing to withdraw", ChangeFault::Announced, none, withdrawn.clone()),
        case("a second version", ChangeFault::Announced, again, withdrawn),
        case("a second fee", ChangeFault::Announced, second, double),
    ]);
    all
}

/// Where a change has no place.
fn place() -> Vec<Case> {
    let mut ledger = four();
    let change = one_more(&mut ledger);
    let first = ledger.change(change.clone(), EXPIRY);
    let mut next = ledger.clone();
    next.grow_with(Vec::new(), Some(first.clone()));
    let adjacent = next.change(Change::WithdrawRules, EXPIRY);
    let mut solo = TestChain::new(43);
    let on_solo = trial(&solo, first.clone());
    let accepted = trial(&ledger, first.clone());
    let reward = solo.grow(Vec::new());
    solo.mature();
    let good = solo.pay(&[&reward], &[5]).0;
    let mut bad = good.clone();
    bad.body.change = Some(Box::new(first));
    let fault = ChangeFault::InTransaction;
    let in_transaction = Broken::rule("a change in a transaction", Rejection::BadChange { fault });
    vec![
        case(
            "a change in the block after one",
            ChangeFault::TooSoon,
            trial(&next, adjacent),
            accepted.clone(),
        ),
        case("a change on a solo chain", ChangeFault::Solo, on_solo, accepted),
        in_transaction.transactions(&solo, bad, good),
    ]
}
