//! Changes of the terms: when they take effect, what follows them without bodies, and that a batch of blocks
//! judges them as one block after the other does.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that is wrong must stop")]

use proptest::prelude::*;
use sotto_mw::{
    Amount, Decode, Encode, Height, Rejection,
    block::{Block, Header, Seal, SealedHeader},
    chain::MOST_WEIGHT,
    error::ChangeFault,
    history::{History, TermsChange},
    mmr::Peaks,
    rules::{
        check_change, check_transaction, connect_transaction,
        pruned::{PrunedVerifier, VerifyError},
        verify_blocks, verify_transaction,
    },
    state::{ChainView, Unspent},
    terms::{Announced, Change, Limits, SignedChange, Terms},
    testing::{TestChain, strategies},
    transaction::Body,
    trie::{Entry, Prefix, Trie},
    validators::{Validator, ValidatorSet},
};

const EXPIRY: Height = Height::new(1_000);

fn set(ledger: &TestChain) -> ValidatorSet {
    ledger.chain().terms().sealing.validators().unwrap().clone()
}

/// The set with one more validator.
fn one_more(ledger: &mut TestChain, name: &str) -> Change {
    let new = ledger.appoint(name, 1);
    Change::Validators(ValidatorSet::new([set(ledger).all(), &[new]].concat()).unwrap())
}

fn grow_with(ledger: &mut TestChain, change: Change) {
    let change = ledger.change(change, EXPIRY);
    ledger.grow_with(Vec::new(), Some(change));
}

/// Blocks with a set that grows twice, a fee that is doubled, and a version that is withdrawn.
fn eventful() -> TestChain {
    let mut ledger = TestChain::with_validators(70, 4);
    ledger.grow(Vec::new());
    let change = one_more(&mut ledger, "fifth");
    grow_with(&mut ledger, change);
    ledger.grow(Vec::new());
    let from = ledger.next().plus(16);
    let limits = Limits { fee_per_weight: Amount::new(2_000), max_weight: 60_000 };
    grow_with(&mut ledger, Change::Limits(Announced { from, what: limits }));
    ledger.grow(Vec::new());
    let far = ledger.next().plus(30);
    grow_with(&mut ledger, Change::Rules(Announced { from: far, what: 9 }));
    ledger.grow(Vec::new());
    grow_with(&mut ledger, Change::WithdrawRules);
    ledger.grow(Vec::new());
    let change = one_more(&mut ledger, "sixth");
    grow_with(&mut ledger, change);
    while ledger.next() < from.plus(3) {
        ledger.grow(Vec::new());
    }
    ledger
}

/// The changes of the terms of a chain that fall due at no announced height.
fn changes(ledger: &TestChain) -> Vec<TermsChange> {
    let mut terms = ledger.chain().params().first_terms();
    let mut all = Vec::new();
    for block in ledger.blocks() {
        terms = terms.after(block.header.height, block.body.terms_change());
        if block.body.change.is_some() {
            all.push(TermsChange { sealed: SealedHeader::of(block), terms: terms.clone() });
        }
    }
    all
}

/// A change in block h: the old set seals h + 1, the new one h + 2.
#[test]
fn a_change_takes_effect_two_blocks_later() {
    let mut ledger = TestChain::with_validators(71, 4);
    let old = set(&ledger);
    let change = one_more(&mut ledger, "fifth");
    let Change::Validators(new) = change.clone() else { unreachable!() };
    grow_with(&mut ledger, change);
    for (by, other) in [(&old, &new), (&new, &old)] {
        let (proposal, _) = ledger.propose(&[]).unwrap();
        let wrong = ledger.certificate(other, 0, 0..other.count(), &proposal.header);
        let right = ledger.certificate(by, 0, 0..by.count(), &proposal.header);
        let refused = ledger.judge(&proposal.clone().seal(wrong)).map(drop);
        assert_eq!(refused, Err(Rejection::Seal), "height {}", ledger.next());
        ledger.connect(&proposal.seal(right)).unwrap();
    }
}

/// Four to seven takes three changes, each of which is signed by those who are there then.
#[test]
fn four_become_seven_one_by_one() {
    let mut ledger = TestChain::with_validators(72, 4);
    for name in ["fifth", "sixth", "seventh"] {
        let change = one_more(&mut ledger, name);
        grow_with(&mut ledger, change);
        ledger.grow(Vec::new());
    }
    assert_eq!(set(&ledger).count(), 7);
    ledger.grow(Vec::new());
}

/// A third of the power may move at once, and no more.
#[test]
fn a_third_may_move_at_once() {
    let mut ledger = TestChain::with_validators(78, 9);
    let all = set(&ledger).all().to_vec();
    let new: Vec<_> = (0..4).map(|i| ledger.appoint(&format!("new-{i}"), 1)).collect();
    let mut judge = |joining: &[Validator]| {
        let change = Change::Validators(ValidatorSet::new([&all[..], joining].concat()).unwrap());
        let change = ledger.change(change, EXPIRY);
        ledger.propose_with(&[], Some(change)).map(drop)
    };
    assert_eq!(judge(&new[..3]), Ok(()));
    assert_eq!(judge(&new), Err(Rejection::BadChange { fault: ChangeFault::TooMany }));
}

/// The last height of a change is one at which it may be in a block.
#[test]
fn a_change_may_be_in_the_block_of_its_last_height() {
    let mut ledger = TestChain::with_validators(79, 4);
    let change = one_more(&mut ledger, "fifth");
    let last = ledger.next();
    let change = ledger.change(change, last);
    ledger.grow_with(Vec::new(), Some(change));
}

/// A fee that was announced binds transactions from its height on, judged before or after.
#[test]
fn an_announced_fee_binds_from_its_height_on() {
    let mut ledger = TestChain::with_validators(73, 4);
    let coin = ledger.grow(Vec::new());
    let from = ledger.next().plus(16);
    let limits = Limits { fee_per_weight: Amount::new(2_000), max_weight: 40_000 };
    grow_with(&mut ledger, Change::Limits(Announced { from, what: limits }));
    while ledger.next() < from.minus(1) {
        ledger.grow(Vec::new());
    }
    let (payment, _) = ledger.pay(&[&coin], &[5]);
    let checked = check_transaction(ledger.chain(), payment.clone()).unwrap();
    let verified = verify_transaction(ledger.chain(), checked.clone()).unwrap();
    assert!(connect_transaction(ledger.chain(), ledger.state(), &verified).is_ok());
    let before = ledger.clone();
    ledger.grow(Vec::new());
    assert_eq!(ledger.next(), from);
    let late = connect_transaction(before.chain(), ledger.state(), &verified).map(drop);
    assert!(matches!(late, Err(e) if e.to_string().contains("MW-R09")), "verified under the terms before");
    let again = verify_transaction(ledger.chain(), checked).map(drop);
    assert!(matches!(again, Err(Rejection::FeeTooLow { .. })));
    assert!(matches!(ledger.accept(&payment), Err(Rejection::FeeTooLow { .. })));
    let (dear, _) = ledger.pay(&[&coin], &[5]);
    ledger.grow(vec![dear]);
}

/// A validator goes on under another key, in a set of four where nobody could be replaced.
#[test]
fn a_key_is_renewed_by_both_keys() {
    let mut ledger = TestChain::with_validators(74, 4);
    let old = set(&ledger);
    let new = ledger.appoint(old.all()[2].name.as_str(), 1);
    let kept = old.all().iter().filter(|v| v.name != new.name).cloned();
    let next = ValidatorSet::new(kept.chain([new.clone()]).collect::<Vec<Validator>>()).unwrap();
    let place = u8::try_from(next.index_of(&new.vote_key).unwrap()).unwrap();
    let mut change = ledger.change(Change::Validators(next), EXPIRY);
    ledger.renew(&mut change, place);
    ledger.grow_with(Vec::new(), Some(change));
    ledger.grow(Vec::new());
    assert!(set(&ledger).index_of(&new.vote_key).is_some());
    ledger.grow(Vec::new());
}

/// What was once signed is void after any change.
#[test]
fn a_change_is_not_replayed() {
    let mut ledger = TestChain::with_validators(75, 4);
    let far = ledger.next().plus(500);
    let announce = ledger.change(Change::Rules(Announced { from: far, what: 9 }), EXPIRY);
    ledger.grow_with(Vec::new(), Some(announce.clone()));
    ledger.grow(Vec::new());
    grow_with(&mut ledger, Change::WithdrawRules);
    ledger.grow(Vec::new());
    let again = ledger.propose_with(&[], Some(announce)).unwrap().0;
    let block = ledger.seal(again.header, again.body);
    let fault = ChangeFault::Signature;
    assert_eq!(ledger.judge(&block).map(drop), Err(Rejection::BadChange { fault }));
}

/// Undoing gives the terms before, as all else.
#[test]
fn undoing_a_change_gives_the_terms_before() {
    let mut ledger = TestChain::with_validators(76, 4);
    let before = ledger.state().clone();
    let change = one_more(&mut ledger, "fifth");
    let change = ledger.change(change, EXPIRY);
    let (p, _) = ledger.propose_with(&[], Some(change)).unwrap();
    let block = ledger.seal(p.header, p.body);
    let undo = ledger.connect(&block).unwrap();
    assert_ne!(ledger.state().terms(), before.terms());
    ledger.undo(&undo);
    assert!(*ledger.state() == before);
    assert_eq!(ledger.state().terms(), before.terms());
}

/// Blocks across changes are judged together as in turn, whichever of them is spoiled.
#[test]
fn a_batch_judges_changes_as_one_block_after_the_other() {
    let ledger = eventful();
    let chain = TestChain::with_validators(70, 4).chain().clone();
    let (genesis, blocks) = (Header::genesis(&chain), ledger.blocks());
    let (verified, broken) = verify_blocks(&chain, &genesis, blocks.to_vec());
    assert_eq!((verified.len(), broken), (blocks.len(), None));
    type Spoil = fn(&mut Block);
    let spoils: [(Spoil, Rejection); 4] = [
        (|b| b.body.change = None, Rejection::BodyHash),
        (|b| b.header.terms = sotto_mw::Hash::ZERO, Rejection::WrongTerms),
        (|b| b.header.next_terms = sotto_mw::Hash::ZERO, Rejection::Seal),
        (
            |b| {
                let Seal::Certificate(all) = &mut b.seal else { unreachable!() };
                all.round += 1;
            },
            Rejection::Seal,
        ),
    ];
    let at = blocks.iter().position(|b| b.body.change.is_some()).unwrap();
    for (spoil, why) in spoils {
        let mut blocks = blocks.to_vec();
        spoil(&mut blocks[at]);
        let (verified, broken) = verify_blocks(&chain, &genesis, blocks);
        assert_eq!((verified.len(), broken.map(|b| b.why)), (at, Some(why)));
    }
}

/// A light client reads the headers at which the terms change, and knows who seals every height.
#[test]
fn the_history_of_terms_follows_from_sealed_headers_alone() {
    let ledger = eventful();
    let mut history = History::new(ledger.chain());
    history.extend(&changes(&ledger)).unwrap();
    for block in ledger.blocks() {
        assert!(history.holds(&SealedHeader::of(block)) && history.states_terms(&block.header));
    }
    assert_eq!(history.at(ledger.next()), ledger.chain().terms());

    // With a change left out, what follows it is not recognised.
    let all = changes(&ledger);
    let mut skipping = History::new(ledger.chain());
    assert_eq!(skipping.extend(&all[1..]).unwrap_err().height, all[1].sealed.header.height);
    let refused = |edit: &dyn Fn(&mut TermsChange)| {
        let mut change = all[0].clone();
        edit(&mut change);
        History::new(ledger.chain()).extend(&[change]).is_err()
    };
    assert!(refused(&|c| c.terms.limits.fee_per_weight = Amount::ZERO), "other terms");
    assert!(refused(&|c| c.sealed.seal = all[1].sealed.seal.clone()), "another header's seal");
    assert!(refused(&|c| c.sealed.header.time += 1), "a header that nobody sealed");
    let mut twice = History::new(ledger.chain());
    twice.extend(&all[..1]).unwrap();
    assert!(twice.extend(&all[..1]).is_err(), "a change that is known");
    let read = TermsChange::from_bytes(&all[0].to_bytes());
    assert_eq!(read.as_ref(), Ok(&all[0]));
}

/// On a solo chain there is nothing to follow.
#[test]
fn a_solo_chain_has_one_history() {
    let mut ledger = TestChain::new(77);
    ledger.grow(Vec::new());
    let sealed = SealedHeader::of(&ledger.blocks()[0]);
    let mut history = History::new(ledger.chain());
    assert!(history.holds(&sealed) && history.states_terms(&sealed.header));
    let terms = Terms { last_change: Height::new(1), ..ledger.chain().terms().clone() };
    assert!(history.extend(&[TermsChange { sealed, terms }]).is_err());
}

/// A chain without bodies is judged under the terms of its heights: the kernels before the fee was doubled
/// paid enough.
#[test]
fn a_pruned_chain_is_judged_under_the_terms_of_its_heights() {
    let ledger = eventful();
    let headers: Vec<_> = ledger.blocks().iter().map(SealedHeader::of).collect();
    let kernels: Vec<_> = ledger.blocks().iter().flat_map(|b| b.body.kernels.clone()).collect();
    let mut unspent: Vec<Unspent> = ledger.state().all_unspent().cloned().collect();
    unspent.sort_by_key(|u| Unspent::key(&u.output.commitment));
    let entry = |u: &Unspent| Entry { key: Unspent::key(&u.output.commitment), leaf: u.leaf() };
    let proof = Trie::from_leaves(unspent.iter().map(entry)).unwrap().chunk(Prefix::new(0, 0).unwrap()).proof;
    let judge = |last: &SealedHeader, changes: &[&[TermsChange]]| {
        let mut pruned = PrunedVerifier::new(ledger.chain(), last)?;
        changes.iter().try_for_each(|all| pruned.terms(all))?;
        pruned.headers(&headers)?;
        pruned.kernels(Height::new(1), &Peaks::new(), &kernels)?;
        pruned.outputs(Prefix::new(0, 0).unwrap(), &proof, &unspent)?;
        pruned.finish()
    };
    let mismatch = |verdict| matches!(verdict, Err(VerifyError::Mismatch(_)));
    let (all, last) = (changes(&ledger), headers.last().unwrap());
    let supply = Ok(ledger.chain().supply(ledger.next().minus(1)).unwrap());
    assert_eq!(judge(last, &[&all]), supply);
    // One after the other, and what is known once more.
    assert_eq!(judge(last, &[&all[..1], &all[..2], &all[..1], &all[1..]]), supply);
    // A header that states other next terms than were shown is of another chain, and so is a gap.
    assert!(mismatch(judge(last, &[])));
    assert!(mismatch(judge(last, &[&all[..all.len() - 1]])));
    assert!(mismatch(judge(last, &[&all[1..]])));
    // The last header's own seal counts too: under terms that come later in the end, and else at once.
    let unsealed = SealedHeader { seal: headers[0].seal.clone(), ..last.clone() };
    assert!(mismatch(judge(&unsealed, &[&all])));
    let unsealed = SealedHeader { seal: last.seal.clone(), ..headers[0].clone() };
    assert!(PrunedVerifier::new(ledger.chain(), &unsealed).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn terms_and_changes_decode_as_they_were(
        terms in strategies::terms(),
        change in strategies::signed_change(),
        body in strategies::block_body(),
    ) {
        prop_assert_eq!(Terms::from_bytes(&terms.to_bytes()), Ok(terms));
        prop_assert_eq!(SignedChange::from_bytes(&change.to_bytes()), Ok(change));
        prop_assert_eq!(Body::from_bytes(&body.to_bytes()), Ok(body));
    }
}

/// No flipped bit of a change that holds leaves a change that holds.
#[test]
fn a_change_with_a_flipped_bit_is_refused() {
    let mut ledger = TestChain::with_validators(78, 4);
    let change = one_more(&mut ledger, "fifth");
    let change = ledger.change(change, EXPIRY);
    let (p, _) = ledger.propose_with(&[], Some(change.clone())).unwrap();
    let bytes = change.to_bytes();
    for bit in (0..8 * bytes.len()).filter(|bit| bit / 8 < 20 || bit % 7 == 0) {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let Ok(altered) = SignedChange::from_bytes(&flipped) else { continue };
        let body = Body { change: Some(Box::new(altered)), ..p.body.clone() };
        let header = Header {
            body_hash: sotto_mw::block::body_hash(&body),
            next_terms: ledger.state().terms().after(p.header.height, body.terms_change()).hash(),
            ..p.header.clone()
        };
        let block = ledger.seal(header, body);
        let refused = ledger.judge(&block).map(drop);
        assert!(matches!(refused, Err(Rejection::BadChange { .. })), "bit {bit}: {refused:?}");
    }
}

/// The greatest weight stops where a block would no longer fit in a message; one that was above stays.
#[test]
fn no_change_makes_blocks_too_heavy_for_a_message() {
    let mut ledger = TestChain::with_validators(77, 4);
    let mut judge = |now, max_weight| {
        let what = Limits { fee_per_weight: Amount::new(1_000), max_weight };
        let change = ledger.change(Change::Limits(Announced { from: Height::new(500), what }), EXPIRY);
        let mut terms = ledger.chain().terms().clone();
        terms.limits.max_weight = now;
        check_change(ledger.chain(), &terms, Height::new(1), &change).map(drop)
    };
    let refused = Err(Rejection::BadChange { fault: ChangeFault::Limits });
    assert_eq!(judge(80_000, MOST_WEIGHT), Ok(()));
    assert_eq!(judge(80_000, MOST_WEIGHT + 1), refused);
    assert_eq!(judge(MOST_WEIGHT + 9, MOST_WEIGHT + 9), Ok(()));
    assert_eq!(judge(MOST_WEIGHT + 9, MOST_WEIGHT + 10), refused);
}
