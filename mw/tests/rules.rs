//! Every rule rejects its cases for its own reason, and accepts their neighbours. `sotto_mw::testing::cases`
//! defines the cases; these tests check them as transactions and inside sealed blocks.

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_mw::{
    amount::Amount,
    chain::{Chain, Params, ParamsError},
    error::{ChangeFault, ConnectError, Rejection},
    group::{Point, Scalar},
    rules::{
        Proposal, check_transaction, connect_proposal, connect_transaction, precheck_transaction,
        seal_proposal, verify_transaction,
    },
    schnorr::{PublicKey, sign},
    terms::Sealing,
    testing::{
        TestChain,
        cases::{self, Case},
    },
    transaction::{Body, Transaction},
};
use std::sync::LazyLock;

static CASES: LazyLock<Vec<Case>> = LazyLock::new(cases::all);

#[test]
fn each_case_is_refused_by_its_rule_and_its_neighbour_is_not() {
    for case in CASES.iter() {
        let name = case.name;
        assert_eq!(case.refused.verdict(), Err(case.because.clone()), "{name}");
        assert_eq!(case.accepted.verdict(), Ok(()), "beside {name}");
    }
}

/// One set of rules for both paths, except the rules that concern transactions only.
#[test]
fn a_block_is_refused_for_its_transactions() {
    for case in CASES.iter() {
        let name = case.name;
        let Some(block) = case.refused.in_block() else { continue };
        match &case.because {
            Rejection::NoKernel => assert_eq!(block.verdict(), Ok(()), "{name}"),
            Rejection::CoinbaseInTransaction => {
                assert!(matches!(block.verdict(), Err(Rejection::RewardCount { .. })), "{name}");
            }
            Rejection::BadChange { .. } => {
                let fault = ChangeFault::Solo;
                assert_eq!(block.verdict(), Err(Rejection::BadChange { fault }), "{name}");
            }
            because => assert_eq!(block.verdict(), Err(because.clone()), "{name}"),
        }
        let accepted = case.accepted.in_block().map(|b| b.verdict());
        assert_eq!(accepted, Some(Ok(())), "beside {name}");
    }
}

/// What a node asks of a stranger's transaction before its proofs are verified is what the state says
/// afterwards.
#[test]
fn a_precheck_gives_the_verdict_of_the_state() {
    let mut refused = 0;
    for trial in CASES.iter().flat_map(|c| [&c.refused, &c.accepted]) {
        let (ledger, cases::Subject::Transaction(t)) = (&trial.ledger, &trial.subject) else { continue };
        let Ok(shaped) = check_transaction(ledger.chain(), t.clone()) else { continue };
        let early = precheck_transaction(ledger.chain(), ledger.state(), &shaped);
        let Ok(verified) = verify_transaction(ledger.chain(), shaped) else { continue };
        let verdict = connect_transaction(ledger.chain(), ledger.state(), &verified).map(drop);
        refused += usize::from(verdict.is_err());
        assert_eq!(early, verdict);
    }
    assert!(refused > 6, "{refused}");
}

/// A refused block leaves the state as it was, and a proposal stops at the same rule.
#[test]
fn what_is_refused_changes_nothing() {
    for case in CASES.iter() {
        let mut ledger = case.refused.ledger.clone();
        let refusal = match &case.refused.subject {
            cases::Subject::Block(b) => ledger.connect(b).unwrap_err(),
            cases::Subject::Transaction(t) => ledger.propose(std::slice::from_ref(t)).unwrap_err(),
        };
        assert_eq!(refusal, case.because, "{}", case.name);
        assert!(ledger.state() == case.refused.ledger.state(), "{}", case.name);
    }
}

/// A proposal is checked like its block, except for the seal; a checked proposal needs only the seal.
#[test]
fn a_proposal_is_checked_like_its_block() {
    let mut refused = 0;
    for (case, trial) in CASES.iter().flat_map(|c| [(c, &c.refused), (c, &c.accepted)]) {
        let blocks = [Some(trial.clone()), trial.in_block()].into_iter().flatten();
        for trial in blocks {
            let cases::Subject::Block(block) = &trial.subject else { continue };
            let (ledger, verdict) = (&trial.ledger, trial.verdict());
            let proposal = Proposal { header: block.header.clone(), body: block.body.clone() };
            let judged = connect_proposal(ledger.chain(), ledger.state(), proposal).map_err(|e| match e {
                ConnectError::Refused(why) => why,
                ConnectError::View(e) => match e {},
            });
            let sealed = judged.and_then(|p| seal_proposal(ledger.chain(), p, block.seal.clone()));
            assert_eq!(sealed.as_ref().err(), verdict.as_ref().err(), "{}", case.name);
            refused += usize::from(sealed.is_err());
            let Ok(sealed) = sealed else { continue };
            let connected = ledger.judge(block).unwrap();
            assert_eq!((&sealed.get().block, sealed.parent()), (block, connected.parent()));
            let (ours, theirs) = (&sealed.get().change, &connected.get().change);
            assert_eq!((&ours.after.header, &ours.spent), (&theirs.after.header, &theirs.spent));
        }
    }
    assert!(refused > 20, "{refused}");
}

/// A proposal that was checked on one chain cannot be sealed for another, even by an operator of both.
#[test]
fn a_proposal_is_sealed_for_its_own_chain() {
    let mut ledger = TestChain::new(1);
    let (proposal, _) = ledger.propose(&[]).unwrap();
    let judged = connect_proposal(ledger.chain(), ledger.state(), proposal.clone()).unwrap();
    let other = Chain::new(Params { genesis_time: 1, ..ledger.chain().params().clone() }).unwrap();
    let message = proposal.header.seal_message(other.id());
    let seal = sign(ledger.operator(), &message, &mut ChaCha20Rng::seed_from_u64(1));
    assert_eq!(seal_proposal(&other, judged.clone(), seal).map(|_| ()), Err(Rejection::Seal));
    assert_eq!(seal_proposal(ledger.chain(), judged, seal).map(|_| ()), Err(Rejection::Seal));
}

#[test]
fn contradictory_parameters_are_refused() {
    let good = TestChain::new(1).chain().params().clone();
    let edited = |edit: fn(&mut Params)| {
        let mut p = good.clone();
        edit(&mut p);
        Chain::new(p).map(|_| ())
    };
    let identity = |p: &mut Params| {
        p.sealing = Sealing::Solo(PublicKey::from_point(Point::from_bytes([0; 32]).unwrap()));
    };
    assert_eq!(edited(|_| ()), Ok(()));
    assert_eq!(edited(identity), Err(ParamsError::OperatorKey));
    assert_eq!(edited(|p| p.window_grid = 0), Err(ParamsError::Window));
    assert_eq!(edited(|p| p.window_grid = 3), Err(ParamsError::Window));
    assert_eq!(edited(|p| p.window_width = p.window_grid), Err(ParamsError::Window));
    assert_eq!(edited(|p| p.reorganisation = p.window_width), Err(ParamsError::Window));
    assert_eq!(edited(|p| p.max_weight = 29), Err(ParamsError::Weight));
    assert_eq!(edited(|p| p.max_weight = 30), Ok(()));
}

/// A transaction must leave room for the reward of its block: none that passes alone is too heavy to be
/// sealed.
#[test]
fn a_transaction_leaves_room_for_the_reward() {
    let mut ledger = TestChain::with(1, |p| p.max_weight = 82 + 30);
    let a = ledger.grow(Vec::new());
    ledger.mature();
    let (fits, heavy) = (ledger.pay(&[&a], &[5, 6]).0, ledger.pay(&[&a], &[5, 6, 7]).0);
    assert!(ledger.propose(&[fits]).is_ok());
    assert_eq!(ledger.accept(&heavy).map(|_| ()), Err(Rejection::TooHeavy { weight: 104, limit: 82 }));
}

/// An output that stands twice in a body would count twice in the balance, and exist once.
#[test]
fn an_output_counts_once() {
    let mut ledger = TestChain::new(1);
    let a = ledger.grow(Vec::new());
    ledger.mature();
    let fee = ledger.least_fee(1, 3, 1);
    let (half, change) = (ledger.output(7), ledger.output(a.opening.amount.units() - 14 - fee.units()));
    let plain = ledger.plain(fee);
    let twice = ledger.transaction(&[&a], &[&half, &half, &change], &[plain]);
    assert_eq!(ledger.accept(&twice).map(|_| ()), Err(Rejection::NotAscending { list: "outputs" }));
}

/// Two transactions that spend the same output, each fine alone, do not fit one block.
#[test]
fn a_proposal_refuses_conflicts() {
    let mut ledger = TestChain::new(1);
    let a = ledger.grow(Vec::new());
    ledger.mature();
    let (one, two) = (ledger.pay(&[&a], &[5]).0, ledger.pay(&[&a], &[6]).0);
    let refusal = ledger.propose(&[one, two]).unwrap_err();
    assert_eq!(refusal, Rejection::NotUnspent { output: a.commitment().encoded() });
}

/// The seal is checked before the body: a stranger's block costs one signature, however bad the rest is.
#[test]
fn the_seal_comes_before_the_body() {
    let mut ledger = TestChain::new(1);
    let block = ledger.forge_with(&Transaction { offset: Scalar::ONE, body: Body::default() });
    assert_eq!(ledger.judge(&block).map(|_| ()), Err(Rejection::Unbalanced));
    let mut stranger = block.clone();
    stranger.seal = block.body.kernels[0].signature.into();
    assert_eq!(ledger.judge(&stranger).map(|_| ()), Err(Rejection::Seal));
}

/// Amounts are 64 bits everywhere: the greatest output can be made, sent on and audited.
#[test]
fn the_greatest_amount_can_be_spent() {
    let mut ledger = TestChain::with(1, |p| (p.reward, p.maturity) = (Amount::new(u64::MAX), 1));
    let all = ledger.grow(Vec::new());
    assert_eq!(all.opening.amount, Amount::new(u64::MAX));
    assert_eq!(all.output.rewind(ledger.chain().id(), &TestChain::REWIND), Some(all.opening));
}
