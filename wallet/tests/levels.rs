//! Integrity levels: what an issuer says of an output, who takes it over, and what is then spent with what.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use crate::support::{Ledger, Person, on_main, two};
use sotto_mw::{
    amount::{Amount, Height},
    codec::{Decode as _, Encode as _},
    group::PointBytes,
    kernel::{Kernel, KernelFeatures},
};
use sotto_vectors::json;
use sotto_wallet::{
    WalletError,
    coin_selection::{CoinSelectionError, Decision, PaymentRequest, SelfTransferPlan, Spend},
    keys::Account,
    level::{Level, LevelError, Mixing, Sealed, Statement, Subject},
};

const ZERO: Account = Account(0);

fn refusal<T>(r: Result<T, WalletError>) -> LevelError {
    match r {
        Err(WalletError::Level(e)) => e,
        Err(e) => panic!("{e}"),
        Ok(_) => panic!("accepted"),
    }
}

fn unplanned<T>(r: Result<T, WalletError>) -> Option<CoinSelectionError> {
    match r {
        Err(WalletError::Select(e)) => Some(e),
        _ => None,
    }
}

/// The issuer states a level, and its notice enters a block.
fn state(ledger: &mut Ledger, issuer: &mut Person, output: PointBytes, level: Level) -> (Statement, Kernel) {
    let plan = issuer.wallet.levels().plan(ZERO).unwrap().confirm(|_| Decision::Yes).unwrap();
    let stated = issuer.wallet.levels().state(plan, Subject { output, level }, &mut issuer.rng).unwrap();
    ledger.seal(&issuer.wallet, core::slice::from_ref(&stated.transaction));
    issuer.scan(ledger);
    let kernels = &stated.transaction.get().body.kernels;
    let kernel = kernels.iter().find(|k| k.excess == stated.statement.notice).unwrap();
    (stated.statement, kernel.clone())
}

fn accept(
    p: &mut Person,
    (statement, kernel): &(Statement, Kernel),
    height: Height,
) -> Result<(), WalletError> {
    p.wallet.levels().accept(statement, Sealed { kernel, height })
}

/// An issuer, a holder with outputs of these amounts, and the outputs.
fn holding(amounts: &[u64]) -> (Ledger, Person, Person, Vec<PointBytes>) {
    let (mut ledger, mut a, mut b) = two();
    for amount in amounts {
        let paid = a.pay_away(vec![b.payee_away(*amount)]);
        ledger.seal(&a.wallet, &[paid]);
        a.scan(&ledger);
    }
    b.scan(&ledger);
    let of = |amount: &u64| {
        b.wallet.outputs().find(|o| o.opening.amount == Amount::new(*amount)).map(|o| o.commitment).unwrap()
    };
    let outputs = amounts.iter().map(of).collect();
    (ledger, a, b, outputs)
}

/// `holding`, with the first output marked.
fn marked(amounts: &[u64], level: Level) -> (Ledger, Person, Person, Vec<PointBytes>) {
    let (mut ledger, mut a, mut b, outputs) = holding(amounts);
    let said = state(&mut ledger, &mut a, outputs[0], level);
    b.scan(&ledger);
    accept(&mut b, &said, ledger.height()).unwrap();
    (ledger, a, b, outputs)
}

#[test]
fn a_level_is_what_the_issuer_put_on_record() {
    let (mut ledger, mut a, mut b, outputs) = holding(&[5_000_000]);
    let said = state(&mut ledger, &mut a, outputs[0], Level::Unverified);
    b.scan(&ledger);
    let (at, (statement, kernel)) = (ledger.height(), &said);
    // A reader of the chain does not learn from the notice which output is meant.
    let notice = kernel.features.notice().unwrap();
    assert!(!notice.to_bytes().windows(32).any(|w| w == outputs[0].0));
    // Another kernel, and another's output.
    let plain = ledger.memory.blocks()[0].body.kernels[0].clone();
    let not_on_record = LevelError::NotOnRecord { notice: statement.notice.encoded() };
    assert_eq!(refusal(accept(&mut b, &(*statement, plain), at)), not_on_record);
    let mut c = ledger.wallet(77);
    c.scan(&ledger);
    assert_eq!(refusal(accept(&mut c, &said, at)), LevelError::NotOwn { output: outputs[0] });
    // No byte of it can be another one.
    let bytes = statement.to_bytes();
    for i in 0..bytes.len() {
        let mut other = bytes.clone();
        other[i] ^= 1;
        if let Ok(other) = Statement::from_bytes(&other) {
            assert!(accept(&mut b, &(other, kernel.clone()), at).is_err(), "{i}");
        }
    }
    let mut main = *statement;
    main.claim.issuer = on_main(&main.claim.issuer);
    assert!(matches!(refusal(accept(&mut b, &(main, kernel.clone()), at)), LevelError::Network { .. }));
    assert_eq!(b.wallet.level_of(&outputs[0]), Level::OwnChain);
    accept(&mut b, &said, at).unwrap();
    let kept = b.copy(b.installation.clone());
    assert_eq!(kept.wallet.level_of(&outputs[0]), Level::Unverified);
}

#[test]
fn the_last_statement_on_record_counts() {
    let (mut ledger, mut a, mut b, outputs) = holding(&[5_000_000]);
    let first = state(&mut ledger, &mut a, outputs[0], Level::Unverified);
    let (then, second) = (ledger.height(), state(&mut ledger, &mut a, outputs[0], Level::Verified));
    b.scan(&ledger);
    accept(&mut b, &first, then).unwrap();
    accept(&mut b, &second, ledger.height()).unwrap();
    assert_eq!(b.wallet.level_of(&outputs[0]), Level::Verified);
    assert_eq!(refusal(accept(&mut b, &first, then)), LevelError::Older);
    // In one block the lower level counts, in either order.
    assert_eq!(accept(&mut b, &first, ledger.height()).ok(), Some(()));
    assert_eq!(refusal(accept(&mut b, &second, ledger.height())), LevelError::Older);
    assert_eq!(b.wallet.level_of(&outputs[0]), Level::Unverified);
    accept(&mut b, &first, ledger.height()).unwrap();
}

#[test]
fn levels_are_not_mixed_unasked() {
    let (ledger, a, mut b, outputs) = marked(&[5_000_000, 2_000_000], Level::Unverified);
    let request = |amount| PaymentRequest::new(ZERO, vec![a.payee_away(amount)]);
    let spent = |b: &Person, amount| -> Vec<PointBytes> {
        b.wallet.plan(request(amount)).unwrap().inputs().iter().map(|o| o.commitment).collect()
    };
    // The highest level first, the next if that does not suffice.
    assert_eq!(spent(&b, 1_000_000), [outputs[1]]);
    assert_eq!(spent(&b, 3_000_000), [outputs[0]]);
    let (mixed, both) = (Some(CoinSelectionError::MixedLevels), Spend::Exactly(outputs.clone()));
    assert_eq!(unplanned(b.wallet.plan(request(6_000_000))), mixed);
    assert_eq!(unplanned(b.wallet.plan_from(request(1), &both)), mixed);
    assert_eq!(unplanned(b.wallet.plan_all(ZERO, a.payee_away(1), &Spend::Fewest)), mixed);
    assert_eq!(unplanned(b.wallet.plan_consolidation(ZERO, 9)), Some(CoinSelectionError::NothingToMerge));
    // More than all is still more than all.
    let more = unplanned(b.wallet.plan(request(60_000_000)));
    assert!(matches!(more, Some(CoinSelectionError::Insufficient { .. })), "{more:?}");
    b.wallet.levels().set_mixing(Mixing::Allowed).unwrap();
    let mut b = b.copy(b.installation.clone());
    assert_eq!(spent(&b, 6_000_000).len(), 2);
    assert!(b.wallet.plan_from(request(1_000_000), &both).is_ok());
    assert!(b.wallet.plan_consolidation(ZERO, 9).is_ok());
    b.wallet.levels().set_mixing(Mixing::Refused).unwrap();
    assert_eq!(unplanned(b.wallet.plan(request(6_000_000))), mixed);
    drop(ledger);
}

#[test]
fn an_invoice_is_paid_from_one_level() {
    let (_, mut a, b, _) = marked(&[5_000_000, 2_000_000], Level::Verified);
    let mut pays = |amount| {
        let invoice = a.ask(amount, &b);
        b.wallet.plan_invoice(ZERO, &invoice).map(|plan| plan.inputs().len())
    };
    assert_eq!(pays(3_000_000).ok(), Some(1));
    assert_eq!(unplanned(pays(6_000_000)), Some(CoinSelectionError::MixedLevels));
}

/// What comes back of a payment, a move or a notice is as good as what was spent.
#[test]
fn change_has_the_level_of_what_it_comes_from() {
    let (mut ledger, a, mut b, _) = marked(&[5_000_000], Level::Unverified);
    let change = |b: &Person| -> PointBytes {
        let fresh = b.wallet.outputs().filter(|o| o.is_spendable(b.wallet.chain(), b.wallet.tip()));
        fresh.map(|o| o.commitment).next().unwrap()
    };
    let paid = b.pay_away(vec![a.payee_away(1_000_000)]);
    ledger.seal(&a.wallet, &[paid]);
    b.scan(&ledger);
    assert_eq!(b.wallet.level_of(&change(&b)), Level::Unverified);
    // Interactively, where the change depends on who responds.
    let mut a = a;
    a.scan(&ledger);
    let invite = b.invite(500_000, &a);
    let response = a.respond(&invite).unwrap();
    let t = b.finalize(&response).unwrap();
    ledger.seal(&a.wallet, &[t]);
    b.scan(&ledger);
    assert_eq!(b.wallet.level_of(&change(&b)), Level::Unverified);
    let other = change(&b);
    state(&mut ledger, &mut b, other, Level::Verified);
    b.scan(&ledger);
    assert_ne!(change(&b), other);
    assert_eq!(b.wallet.level_of(&change(&b)), Level::Unverified);
}

/// A notice stands beside the kernel of an ordinary transfer, which takes any output, and both pay their own way.
#[test]
fn a_notice_is_paid_from_outputs_of_any_kind() {
    let (mut ledger, mut a, mut b, outputs) = holding(&[5_000_000]);
    for issuer in [&mut a, &mut b] {
        let plan: SelfTransferPlan = issuer.wallet.levels().plan(ZERO).unwrap();
        let fee = plan.fee();
        let (_, kernel) = state(&mut ledger, issuer, outputs[0], Level::OwnChain);
        let body = &ledger.memory.blocks().last().unwrap().body;
        let kinds: Vec<u8> = body.kernels.iter().map(|k| k.features.code()).collect();
        assert!(
            kinds.len() == 3 && kinds.contains(&4) && kinds.iter().any(|k| [0, 5].contains(k)),
            "{kinds:?}"
        );
        assert_eq!(body.fees(), Some(fee));
        assert!(matches!(kernel.features, KernelFeatures::Notice { fee, .. } if fee == Amount::new(10_000)));
    }
    // What was stated can be handed out again, from the file too.
    assert_eq!(a.copy(a.installation.clone()).wallet.levels().stated().count(), 1);
}

/// `vectors/levels.json`, which `check.py` reads.
#[test]
fn a_statement_is_what_the_vector_says() {
    let (mut ledger, mut a, _, outputs) = holding(&[5_000_000]);
    let (statement, kernel) = state(&mut ledger, &mut a, outputs[0], Level::Verified);
    let hex = |bytes: Vec<u8>| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let vector = json!({
        "about": "what an issuer says of an output; the notice has topic 3 and the hash of the first 130 bytes",
        "chain_id": hex(ledger.chain.id().to_bytes()), "issuer": a.address().to_string(),
        "statement": hex(statement.to_bytes()), "notice": hex(kernel.to_bytes()),
    });
    let (file, text) = (sotto_vectors::file("levels"), sotto_vectors::render(&vector));
    if std::env::var("SOTTO_VECTORS").is_ok_and(|v| v == "write") {
        std::fs::write(&file, &text).unwrap();
    }
    assert!(std::fs::read_to_string(file).unwrap() == text, "levels.json differs from what the code gives");
}
