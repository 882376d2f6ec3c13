//! Every altered, repeated or foreign slate is refused with a reason that names the party.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use crate::support::{Ledger, Person, fee, on_main, two};
use proptest::prelude::*;
use sotto_mw::{
    amount::{Amount, Height},
    codec::{Decode, DecodeError, Encode},
    group::{Point, Scalar},
    kernel::{KernelFeatures, Window},
    output::{Extra, OutputFeatures},
    range_proof::RangeProof,
    schnorr::{PublicKey, Signature},
    session::{Role, SessionError, SessionId, Share},
};
use sotto_wallet::{
    WalletError,
    coin_selection::Recipient,
    nonce_vault::Installation,
    slate::{Invite, Memo, Response, SlateError},
};

/// One input, with change.
const FEE: u64 = fee(1, 2, 1);

fn slate_error<T>(r: Result<T, WalletError>) -> SlateError {
    match r {
        Err(WalletError::Slate(e)) => e,
        Err(e) => panic!("{e}"),
        Ok(_) => panic!("accepted"),
    }
}

fn possession(role: Role) -> SlateError {
    SessionError::Possession { role }.into()
}

fn identity(role: Role) -> SlateError {
    SessionError::Identity { role }.into()
}

fn partial() -> SlateError {
    SessionError::Partial { role: Role::Responder }.into()
}

fn tamper<T: Clone>(x: &T, f: impl FnOnce(&mut T)) -> T {
    let mut x = x.clone();
    f(&mut x);
    x
}

fn nothing() -> Point {
    Point::from_bytes([0; 32]).unwrap()
}

/// What a receiver refuses immediately.
#[test]
fn a_receiver_refuses_bad_terms() {
    let (ledger, mut a, mut b) = two();
    let good = a.invite(1_000_000, &b);
    let mut refused = |f: &dyn Fn(&mut Invite)| slate_error(b.respond(&tamper(&good, f)));
    let not_after = good.not_after();
    let plain = |fee, not_after| KernelFeatures::Plain { fee: Amount::new(fee), not_after };
    let window = Window { not_before: Height::GENESIS, not_after };
    let agreed = good.features.fee();
    let inviter = Role::Inviter;
    assert_eq!(refused(&|i| i.session = SessionId([1; 32])), possession(inviter));
    assert_eq!(refused(&|i| i.amount = Amount::ZERO), SlateError::AmountRange);
    assert_eq!(refused(&|i| i.amount = Amount::new(u64::MAX)), SlateError::AmountRange);
    // More than the supply at the last height.
    let all = ledger.chain.supply(not_after).unwrap().checked_sub(agreed).unwrap();
    assert_eq!(refused(&|i| i.amount = all.checked_add(Amount::new(1)).unwrap()), SlateError::AmountRange);
    let least = fee(0, 1, 1);
    let low = SlateError::FeeTooLow { fee: Amount::new(least - 1), least: Amount::new(least) };
    assert_eq!(refused(&|i| i.features = plain(least - 1, not_after)), low);
    let off = not_after.plus(1);
    assert_eq!(refused(&|i| i.features = plain(FEE, off)), SlateError::OffGrid { not_after: off, grid: 60 });
    // A window that opens in years would leave a promise and a receipt, and no transaction that a block
    // accepts.
    let far = not_after.plus(60 * 1_000);
    let early = SlateError::TooEarly { not_before: far.minus(1_440), next: Height::new(1) };
    assert_eq!(refused(&|i| i.features = plain(FEE, far)), early);
    // The window may open one grid step after the next block, and no later: what is altered within it fails at
    // the signature.
    let width = ledger.chain.params().window_width;
    let opens = |at: u64| plain(FEE, Height::new(at + width));
    assert_eq!(refused(&|i| i.features = opens(60)), SlateError::InviterSignature);
    assert!(matches!(refused(&|i| i.features = opens(120)), SlateError::TooEarly { .. }));
    let expired = SlateError::Expired { not_after: Height::GENESIS, next: Height::new(1) };
    assert_eq!(refused(&|i| i.features = plain(FEE, Height::GENESIS)), expired);
    for other in [
        KernelFeatures::Coinbase { height: Height::new(60) },
        KernelFeatures::HeightRanged { fee: agreed, window },
        KernelFeatures::NoRecentDuplicate { fee: agreed, window, distance: 5 },
    ] {
        assert_eq!(refused(&|i| i.features = other), SlateError::KernelKind);
    }
    assert_eq!(refused(&|i| i.share.key = PublicKey::from_point(Point::h())), possession(inviter));
    assert_eq!(refused(&|i| i.share.key = PublicKey::from_point(nothing())), identity(inviter));
    assert_eq!(refused(&|i| i.share.hiding = nothing()), identity(inviter));
    assert_eq!(refused(&|i| i.share.binding = nothing()), identity(inviter));
    let shifted = |s: Signature| Signature::from_bytes(&tamper(&s.to_bytes(), |b| b[32] ^= 1)).unwrap();
    assert_eq!(refused(&|i| i.share.possession = shifted(i.share.possession)), possession(inviter));
    assert_eq!(refused(&|i| i.recipient = Some(i.sender)), SlateError::NotForUs);
    assert_eq!(refused(&|i| i.sender = on_main(&i.sender)), SlateError::InviterNetwork);
    // None of this was stored.
    assert_eq!(b.balance(), [0; 5]);
    assert!(b.respond(&good).is_ok());
}

/// An invite for another chain is invalid here.
#[test]
fn a_foreign_chains_invite_is_refused() {
    let (_, mut a, b) = two();
    let mut there = Ledger::with(|p| p.genesis_time = 1).wallet(20);
    assert_eq!(there.address(), b.address());
    assert_eq!(slate_error(there.respond(&a.invite(1_000, &b))), possession(Role::Inviter));
}

/// Only the address that an invite names can have made it: whatever is altered, the receiver refuses it, and
/// signs no receipt that names somebody who did not ask for it.
#[test]
fn a_receiver_refuses_what_the_payer_did_not_sign() {
    let (_, mut a, mut b) = two();
    let good = a.invite(1_000_000, &b);
    let stranger = Ledger::new().wallet(77).address();
    let shifted = |s: Signature| Signature::from_bytes(&tamper(&s.to_bytes(), |b| b[32] ^= 1)).unwrap();
    let KernelFeatures::Plain { fee, not_after } = good.features else { panic!() };
    type Alter<'a> = &'a dyn Fn(&mut Invite);
    let cases: [Alter<'_>; 10] = [
        &|i| i.amount = Amount::new(999_999),
        &|i| i.features = KernelFeatures::Plain { fee: Amount::new(FEE - 1), not_after },
        &|i| i.features = KernelFeatures::Plain { fee, not_after: not_after.minus(60) },
        &|i| i.share.hiding = Point::h(),
        &|i| i.share.binding = Point::h(),
        &|i| i.sender = stranger,
        &|i| i.recipient = None,
        &|i| i.memo = Memo::new("for the cellar".into()).unwrap(),
        &|i| i.signature = Some(shifted(i.signature.unwrap())),
        &|i| i.signature = None,
    ];
    for (n, alter) in cases.into_iter().enumerate() {
        assert_eq!(slate_error(b.respond(&tamper(&good, alter))), SlateError::InviterSignature, "{n}");
    }
    assert_eq!((b.balance(), b.received().len()), ([0; 5], 0));
    assert!(b.respond(&good).is_ok());
}

/// Clones of one machine have the same random source. What they answer or propose must tell their keys and
/// nonces apart: three answers under one pair of nonces would reveal the key.
#[test]
fn clones_of_a_machine_share_no_key_and_no_nonce() {
    let (mut ledger, mut a, b) = two();
    ledger.grow(&a.wallet, 4);
    a.scan(&ledger);
    let shown = |s: &Share| [*s.key.point(), s.hiding, s.binding];
    let differ = |one: &Share, two: &Share| {
        assert!(shown(one).iter().zip(shown(two)).all(|(x, y)| *x != y));
    };
    let clone = |p: &Person| p.copy(p.installation.clone());
    let (one, two) = (a.invite(1_000, &b), a.invite(1_000, &b));
    let answers = [&one, &two].map(|invite| clone(&b).respond(invite).unwrap());
    differ(&answers[0].share, &answers[1].share);
    assert_eq!(clone(&b).respond(&one).unwrap(), answers[0], "the clones do have the same random source");

    let [mine, other] = [1_000, 1_001].map(|amount| clone(&a).invite(amount, &b));
    assert_eq!(mine.session, other.session);
    differ(&mine.share, &other.share);
    let [mine, other] = [1_000, 1_001].map(|amount| clone(&b).ask(amount, &a));
    assert_eq!(mine.session, other.session);
    differ(&mine.share, &other.share);
    let mut shop = clone(&b);
    let payments = [1_000, 1_001].map(|amount| clone(&a).pay_invoice(&shop.ask(amount, &a)).unwrap());
    differ(&payments[0].share, &payments[1].share);
}

#[test]
fn an_inviter_refuses_altered_responses() {
    let (_, mut a, mut b) = two();
    let invite = a.invite(1_000_000, &b);
    let good = b.respond(&invite).unwrap();
    let stranger = Ledger::new().wallet(77).address();
    let shifted = |s: Signature| Signature::from_bytes(&tamper(&s.to_bytes(), |b| b[32] ^= 1)).unwrap();
    let responder = Role::Responder;
    type Alter<'a> = &'a dyn Fn(&mut Response);
    let cases: [(Alter<'_>, SlateError); 18] = [
        (&|r| r.session = SessionId([1; 32]), SlateError::UnknownSession),
        (&|r| r.invite = sotto_mw::hash::Hash::ZERO, SlateError::InviteAltered),
        (&|r| r.share.key = PublicKey::from_point(Point::h()), possession(responder)),
        (&|r| r.share.key = PublicKey::from_point(nothing()), identity(responder)),
        (&|r| r.share.hiding = Point::h(), partial()),
        (&|r| r.share.hiding = nothing(), identity(responder)),
        (&|r| r.share.binding = Point::h(), partial()),
        (&|r| r.share.possession = shifted(r.share.possession), possession(responder)),
        (&|r| r.share = invite.share, possession(responder)),
        (
            &|r| r.output.commitment = sotto_mw::commitment::Commitment::from_point(Point::h()),
            SlateError::ResponderOutput,
        ),
        (&|r| r.output.features = OutputFeatures::Coinbase, SlateError::ResponderOutput),
        (&|r| r.output.extra = Extra::new(vec![1]).unwrap(), SlateError::ResponderOutput),
        (&|r| r.output.proof = flipped(&r.output.proof), SlateError::ResponderProof),
        (&|r| r.offset += Scalar::ONE, SlateError::ResponderOutput),
        (&|r| r.partial += Scalar::ONE, partial()),
        (&|r| r.receiver = stranger, SlateError::ResponderAddress),
        (&|r| r.receiver = invite.sender, SlateError::ResponderAddress),
        (&|r| r.receipt = shifted(r.receipt), SlateError::ResponderReceipt),
    ];
    let before = a.balance();
    for (n, (alter, reason)) in cases.into_iter().enumerate() {
        assert_eq!(slate_error(a.finalize(&tamper(&good, alter))), reason, "{n}");
    }
    assert_eq!(a.balance(), before);
    assert!(a.finalize(&good).is_ok());
}

fn flipped(p: &RangeProof) -> RangeProof {
    RangeProof::from_bytes(&tamper(p.as_bytes(), |b| b[300] ^= 1))
}

/// A party that responds to an invite without a recipient must still sign the receipt with the address it
/// names.
#[test]
fn an_open_invite_takes_any_answer_and_checks_it_all_the_same() {
    let (_, mut a, mut b) = two();
    let mut request = a.request(1_000, &b);
    request.payees[0].recipient = Recipient::FirstToRespond;
    let plan =
        a.wallet.plan(request).unwrap().confirm(|_| sotto_wallet::coin_selection::Decision::Yes).unwrap();
    let invite = a.begin(plan).unwrap();
    assert_eq!(b.wallet.addressee(&invite), None);
    let response = b.respond(&invite).unwrap();
    let other = Response { receiver: invite.sender, ..response.clone() };
    assert_eq!(slate_error(a.finalize(&other)), SlateError::ResponderReceipt);
    let main = on_main(&response.receiver);
    let other = Response { receiver: main, ..response.clone() };
    assert_eq!(slate_error(a.finalize(&other)), SlateError::ResponderAddress);
    assert!(a.finalize(&response).is_ok());
}

#[test]
fn repeated_slates_get_the_same_answer() {
    let (_, mut a, mut b) = two();
    let invite = a.invite(1_000, &b);
    let response = b.respond(&invite).unwrap();
    assert_eq!(b.respond(&invite).unwrap(), response);
    assert_eq!(b.balance(), [0, 0, 1_000, 0, 0]);
    let t = a.finalize(&response).unwrap();
    assert_eq!(a.finalize(&response).unwrap().get(), t.get());
    // Also after the wallet was closed and opened.
    let mut a = a.copy(a.installation.clone());
    let mut b = b.copy(b.installation.clone());
    assert_eq!(b.respond(&invite).unwrap(), response);
    assert_eq!(a.finalize(&response).unwrap().get(), t.get());
}

/// Three signatures under one pair of nonces would reveal the inviter's key; it never gives a second one.
#[test]
fn a_second_answer_is_refused_for_ever() {
    let (mut ledger, mut a, mut b) = two();
    let invite = a.invite(1_000, &b);
    let mut twin = b.copy(b.installation.clone());
    let (first, second) = (b.respond(&invite).unwrap(), twin.respond(&invite).unwrap());
    assert_ne!(first, second);
    let t = a.finalize(&first).unwrap();
    assert_eq!(slate_error(a.finalize(&second)), SlateError::AnsweredTwice);
    assert_eq!(slate_error(a.copy(a.installation.clone()).finalize(&second)), SlateError::AnsweredTwice);
    ledger.seal(&b.wallet, &[t]);
    a.scan(&ledger);
    assert_eq!(slate_error(a.finalize(&second)), SlateError::AnsweredTwice);
}

#[test]
fn one_session_is_not_used_for_two_invites() {
    let (_, mut a, mut b) = two();
    let invite = a.invite(1_000, &b);
    b.respond(&invite).unwrap();
    let other = Invite { amount: Amount::new(2_000), ..invite };
    assert_eq!(slate_error(b.respond(&other)), SlateError::SessionReused);
}

#[test]
fn somebody_elses_response_is_refused() {
    let (_, mut a, mut b) = two();
    let mut c = a.copy(Installation::in_memory([5; 32]));
    let theirs = c.invite(5_000, &b);
    let response = b.respond(&theirs).unwrap();
    // Another wallet does not know the session; a response that is moved to our session answers another
    // invite.
    let mut other = Ledger::new().wallet(9);
    assert_eq!(slate_error(other.finalize(&response)), SlateError::UnknownSession);
    let ours = a.invite(5_000, &b);
    let moved = Response { session: ours.session, ..response };
    assert_eq!(slate_error(a.finalize(&moved)), SlateError::InviteAltered);
    let moved = Response { invite: ours.hash(a.wallet.chain().id()), ..moved };
    assert_eq!(slate_error(a.finalize(&moved)), possession(Role::Responder));
}

/// A copy of the wallet file without the key of the installation can only wait: the original may have signed.
#[test]
fn a_copied_wallet_cannot_finalise() {
    let (_, mut a, mut b) = two();
    let invite = a.invite(1_000, &b);
    let response = b.respond(&invite).unwrap();
    let mut copy = a.copy(Installation::in_memory([5; 32]));
    assert_eq!(slate_error(copy.finalize(&response)), SlateError::ForeignInstallation);
    let until = Height::new(2_160);
    assert_eq!(slate_error(copy.wallet.cancel(&invite.session)), SlateError::MayHaveLeft { until });
    assert!(copy.balance()[3] > 0);
    assert!(a.finalize(&response).is_ok());
}

/// A payment fails if a copy of the wallet has spent an input meanwhile.
#[test]
fn an_input_spent_elsewhere_stops_the_payment() {
    let (mut ledger, mut a, mut b) = two();
    let mut copy = a.copy(Installation::in_memory([5; 32]));
    let invite = a.invite(1_000, &b);
    let response = b.respond(&invite).unwrap();
    let t = copy.pay(2_000, &mut b);
    ledger.seal(&b.wallet, &[t]);
    a.scan(&ledger);
    assert!(matches!(slate_error(a.finalize(&response)), SlateError::InputGone { .. }));
    a.wallet.cancel(&invite.session).unwrap();
    copy.scan(&ledger);
    assert_eq!(a.balance(), copy.balance());
}

#[test]
fn memos_are_short_and_plain() {
    assert!(Memo::new("ü".repeat(128)).is_some());
    assert!(Memo::new("\u{2764}\u{fe0f} für Ελένη, שלום".into()).is_some());
    assert!(Memo::new("x".repeat(257)).is_none());
    let steering = ["a\nb", "\u{1b}[2J", "pay \u{202e}em", "\u{2066}x", "1\u{61c}2", "\u{9b}2J"];
    let invisible =
        ["a\u{200b}b", "soft\u{ad}hyphen", "\u{3164}", "\u{115f}", "\u{e0041}", "\u{180e}", "\u{34f}"];
    for bad in steering.into_iter().chain(invisible) {
        assert!(Memo::new(bad.into()).is_none(), "{bad:?}");
    }
}

#[test]
fn slates_decode_to_what_they_were_and_no_prefix_does() {
    let (_, mut a, mut b) = two();
    let invite = a.invite(1_000, &b);
    let response = b.respond(&invite).unwrap();
    let (i, r) = (invite.to_bytes(), response.to_bytes());
    assert_eq!(
        (i.len(), r.len()),
        (32 + 8 + 17 + 160 + 65 + 66 + 2 + 12 + 64, 32 + 32 + 160 + 706 + 64 + 65 + 64)
    );
    assert_eq!(Invite::from_bytes(&i).as_ref(), Ok(&invite));
    assert_eq!(Response::from_bytes(&r).as_ref(), Ok(&response));
    assert!((0..i.len()).all(|n| Invite::from_bytes(&i[..n]).is_err()));
    assert!((0..r.len()).all(|n| Response::from_bytes(&r[..n]).is_err()));
    assert!(Invite::from_bytes(&[&i[..], &[0]].concat()).is_err());
    assert!(Response::from_bytes(&[&r[..], &[0]].concat()).is_err());
}

/// The bounds of amount and fee are allowed: what is altered within them fails at the signature.
#[test]
fn terms_at_their_bounds_are_refused_for_the_signature_alone() {
    let (ledger, mut a, mut b) = two();
    let good = a.invite(1_000_000, &b);
    let not_after = good.not_after();
    let all = ledger.chain.supply(not_after).unwrap().checked_sub(good.features.fee()).unwrap();
    let least = KernelFeatures::Plain { fee: Amount::new(fee(0, 1, 1)), not_after };
    let mut refused = |f: &dyn Fn(&mut Invite)| slate_error(b.respond(&tamper(&good, f)));
    assert_eq!(refused(&|i| i.amount = all), SlateError::InviterSignature);
    assert_eq!(refused(&|i| i.features = least), SlateError::InviterSignature);
}

#[test]
fn the_longest_memo_is_read_and_a_longer_one_is_refused_by_its_length() {
    let longest = Memo::new("x".repeat(Memo::MAX)).unwrap();
    assert_eq!(Memo::from_bytes(&longest.to_bytes()), Ok(longest));
    let longer = [&257_u16.to_le_bytes()[..], &[b'x'; 257]].concat();
    let bound = DecodeError::Bound { what: "a memo", found: 257, bound: 256 };
    assert_eq!(Memo::from_bytes(&longer), Err(bound));
}

/// A half-finished payment, shared by all cases, because one for each case would be slow.
fn half_done() -> (Person, Person, Invite, Response) {
    let (_, mut a, mut b) = two();
    let invite = a.invite(1_000, &b);
    let response = b.respond(&invite).unwrap();
    (a, b, invite, response)
}

thread_local! {
    static HALF: std::cell::RefCell<(Person, Person, Invite, Response)> = std::cell::RefCell::new(half_done());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// A response with a flipped bit does not decode, or is refused.
    #[test]
    fn no_flipped_bit_in_a_response_is_accepted(byte in 0usize..1_123, bit in 0u8..8) {
        HALF.with_borrow_mut(|(a, _, _, response)| {
            let mut bytes = response.to_bytes();
            bytes[byte] ^= 1 << bit;
            if let Ok(bad) = Response::from_bytes(&bytes) {
                prop_assert_eq!(bad.to_bytes(), bytes);
                prop_assert!(matches!(a.finalize(&bad), Err(WalletError::Slate(_))));
            }
            Ok(())
        })?;
    }

    /// An invite with a flipped bit does not decode, or is refused by the receiver or the sender.
    #[test]
    fn no_flipped_bit_in_an_invite_is_accepted(byte in 0usize..362, bit in 0u8..8) {
        HALF.with_borrow_mut(|(a, b, invite, _)| {
            let mut bytes = invite.to_bytes();
            bytes[byte] ^= 1 << bit;
            if let Ok(bad) = Invite::from_bytes(&bytes) {
                prop_assert_eq!(bad.to_bytes(), bytes);
                let mut fresh = b.copy(Installation::in_memory([1; 32]));
                match fresh.respond(&bad) {
                    Ok(r) => prop_assert!(matches!(a.finalize(&r), Err(WalletError::Slate(_)))),
                    Err(e) => prop_assert!(matches!(e, WalletError::Slate(_))),
                }
            }
            Ok(())
        })?;
    }

    /// Arbitrary bytes are refused, or have exactly one meaning.
    #[test]
    fn any_bytes_decode_to_one_thing_or_nothing(bytes in prop::collection::vec(any::<u8>(), 0..1_500)) {
        if let Ok(i) = Invite::from_bytes(&bytes) { prop_assert_eq!(&i.to_bytes(), &bytes); }
        if let Ok(r) = Response::from_bytes(&bytes) { prop_assert_eq!(&r.to_bytes(), &bytes); }
    }
}
