//! Evidence on a channel: what crosses, and what is refused.

use std::sync::atomic::Ordering;
use std::thread;

use sotto_jobs::evidence::EvidenceError;
use sotto_jobs::messages::{Request, RequestKind, Response};
use sotto_jobs::session_evidence::{ExchangeError, Proven};
use sotto_jobs::{Digest, Job, PartyId};
use sotto_mpc::channel::memory_pair;
use sotto_tee::appraise::{Refusal, Verdict};
use sotto_tee::binding::Challenge;
use sotto_tee::bundle::NoVerdict;
use sotto_tee::{Binding, Evidence, Kind, Purpose, Revocable, Revoked, software};

use super::kit::{ACME, BOLT, BUILD, CARL, Kit, Texts, computers, demanding, ends, key, software_policy};
use crate::support::{NOW, agreement, draft, identity};

/// What the two ends make of an exchange over a channel of which each sees its own exported value.
fn exchange([caller, called]: [&Kit; 2], exporters: [[u8; 32]; 2]) -> [Result<Proven, ExchangeError>; 2] {
    let (texts, agreement) = computers();
    let job = agreement.job();
    let (mut near, mut far) = memory_pair();
    let [ours, _] = ends(&agreement, BOLT, ACME, exporters[0]);
    let [_, theirs] = ends(&agreement, BOLT, ACME, exporters[1]);
    thread::scope(|scope| {
        let (texts, theirs) = (&texts, &theirs);
        let answering = scope.spawn(move || {
            let request = Request::receive(&mut far, 100).unwrap();
            let RequestKind::Challenge(nonce) = request.kind else { panic!("{request:?}") };
            called.with(job, texts, |means| theirs.answer(means, nonce, &mut far)).unwrap()
        });
        let called = caller.with(job, texts, |means| ours.call(means, &mut near)).unwrap();
        drop(near);
        [called, answering.join().unwrap()]
    })
}

#[test]
fn both_ends_show_theirs_and_are_judged() {
    let [bolt, acme] =
        exchange([&Kit::software(BOLT), &Kit::software(ACME)], [[5; 32]; 2]).map(Result::unwrap);
    for (proven, us, them) in [(bolt, BOLT, ACME), (acme, ACME, BOLT)] {
        let (ours, theirs) = (proven.ours.unwrap(), proven.theirs.unwrap());
        assert_eq!((ours.party(), theirs.party()), (key(us), key(them)));
        assert_eq!(theirs.verdict(), Verdict::UnattestedSoftware);
        let Purpose::Session { verifier, exporter, .. } = theirs.purpose() else { panic!() };
        assert_eq!((*verifier, *exporter), (key(us), Digest([5; 32])));
    }
}

#[test]
fn who_relays_between_two_channels_is_refused_by_both() {
    let [bolt, acme] = exchange([&Kit::software(BOLT), &Kit::software(ACME)], [[5; 32], [6; 32]]);
    assert_refused(bolt.unwrap_err(), &Refusal::Binding("session"));
    // The caller hung up without a word.
    assert!(matches!(acme, Err(ExchangeError::Message(_))), "{acme:?}");
}

fn assert_refused(error: ExchangeError, because: &Refusal) {
    let ExchangeError::Evidence(error) = error else { panic!("{error:?}") };
    assert_eq!(reasons(&error), std::slice::from_ref(because));
}

fn reasons(error: &EvidenceError) -> Vec<Refusal> {
    let EvidenceError::Refused { why: NoVerdict::Refused(refused), .. } = error else { panic!("{error:?}") };
    refused.0.clone()
}

/// What bolt makes of evidence that acme shows for its nonce; `make` says for what it is.
fn judged(make: impl FnOnce(Binding) -> Option<Vec<u8>>) -> Result<Verdict, EvidenceError> {
    let (texts, agreement) = computers();
    let [bolt, acme] = ends(&agreement, BOLT, ACME, [5; 32]);
    let kit = Kit::software(BOLT);
    let challenge = Challenge::new([8; 32], NOW);
    let shown = make(acme.binding(challenge.nonce()));
    let judged = kit.with(agreement.job(), &texts, |means| bolt.judge(means, challenge, shown.as_deref()));
    judged.unwrap().map(|theirs| theirs.unwrap().verdict())
}

fn signed(us: PartyId, binding: &Binding) -> Option<Vec<u8>> {
    Some(software::sign(&identity(us), &BUILD, &binding.report_data()).unwrap().encode())
}

#[test]
fn evidence_for_anything_else_is_refused() {
    assert_eq!(judged(|binding| signed(ACME, &binding)), Ok(Verdict::UnattestedSoftware));
    let other = Digest([77; 32]);
    let Purpose::Session { job, nonce, verifier, run, exporter } =
        ends(&computers().1, ACME, BOLT, [5; 32])[0].binding(Digest([8; 32])).purpose
    else {
        panic!()
    };
    for purpose in [
        Purpose::Session { job: other, nonce, verifier, run, exporter },
        Purpose::Session { job, nonce: other, verifier, run, exporter },
        Purpose::Session { job, nonce, verifier: key(CARL), run, exporter },
        Purpose::Session { job, nonce, verifier, run: other, exporter },
        Purpose::Session { job, nonce, verifier, run, exporter: other },
        Purpose::Enrol { build: Digest(BUILD) },
        Purpose::Receipt { job, run, facts: exporter },
    ] {
        let said = judged(|binding| signed(ACME, &Binding { purpose, ..binding })).unwrap_err();
        assert_eq!(reasons(&said), [Refusal::Binding("session")], "{purpose:?}");
    }
    // Of another party, and in its name by another key.
    let said = judged(|binding| signed(ACME, &Binding { party: key(CARL), ..binding })).unwrap_err();
    assert_eq!(reasons(&said), [Refusal::Binding("session")]);
    let said = judged(|binding| signed(CARL, &binding)).unwrap_err();
    assert_eq!(reasons(&said), [Refusal::Measurement { entry: 1, field: "key" }]);
    assert_eq!(judged(|_| None), Err(EvidenceError::Missing("acme".into())));
    assert!(matches!(judged(|_| Some(vec![7; 90])), Err(EvidenceError::Malformed { .. })));
}

#[test]
fn every_signed_byte_counts() {
    let binding = {
        let (_, agreement) = computers();
        ends(&agreement, ACME, BOLT, [5; 32])[0].binding(Digest([8; 32]))
    };
    let genuine = software::sign(&identity(ACME), &BUILD, &binding.report_data()).unwrap();
    let head = genuine.encode().len() - genuine.body().len();
    for at in 0..genuine.body().len() {
        let said = judged(|_| {
            let mut bytes = genuine.encode();
            bytes[head + at] ^= 1;
            Some(bytes)
        });
        assert!(said.is_err(), "byte {at}");
    }
}

#[test]
fn a_nonce_is_good_once_and_for_a_minute() {
    let (texts, agreement) = computers();
    let job = agreement.job();
    let [bolt, acme] = ends(&agreement, BOLT, ACME, [5; 32]);
    let kit = Kit::software(BOLT);
    let judge = |drawn: [u8; 32], shown: &[u8], at: u64| {
        kit.clock.store(at, Ordering::Relaxed);
        let challenge = Challenge::new(drawn, NOW);
        kit.with(job, &texts, |means| bolt.judge(means, challenge, Some(shown))).unwrap()
    };
    let answer = signed(ACME, &acme.binding(Digest([1; 32]))).unwrap();
    assert!(judge([1; 32], &answer, NOW).is_ok() && judge([1; 32], &answer, NOW + 60).is_ok());
    assert!(matches!(judge([1; 32], &answer, NOW + 61), Err(EvidenceError::Stale(_))));
    assert!(
        matches!(judge([1; 32], &answer, NOW - 1), Err(EvidenceError::Stale(_))),
        "a clock that went back"
    );
    // The same answer again: the next challenge has another nonce.
    let again = judge([2; 32], &answer, NOW).unwrap_err();
    assert_eq!(reasons(&again), [Refusal::Binding("session")]);
    // No two challenges of a party are the same.
    let [one, other] = [Kit::software(BOLT), Kit::software(ACME)];
    drop((exchange([&one, &other], [[5; 32]; 2]), exchange([&one, &other], [[5; 32]; 2])));
    let nonces = one.nonces.lock().unwrap().clone();
    assert!(nonces.len() == 2 && nonces[0] != nonces[1]);
}

#[test]
fn software_needs_a_policy_that_allows_it_and_what_is_revoked_is_refused() {
    let chip = format!(
        "version = 1\n[[accept]]\nkind = 'snp'\nmeasurements.measurement = '{}'\n\
         tcb = {{ bootloader = 0, tee = 0, snp = 0, microcode = 0 }}\n",
        "aa".repeat(48)
    );
    let texts = Texts::from([(ACME, chip), (BOLT, software_policy(&[BOLT]))]);
    let job = Job::new(demanding(draft(), &texts, 0)).unwrap();
    let agreement = agreement(&job);
    let [bolt, acme] = ends(&agreement, BOLT, ACME, [5; 32]);
    let judge = |kit: &Kit, texts: &Texts| {
        let challenge = Challenge::new([8; 32], NOW);
        let shown = signed(ACME, &acme.binding(challenge.nonce()));
        kit.with(&job, texts, |means| bolt.judge(means, challenge, shown.as_deref()))
    };
    let said = judge(&Kit::software(BOLT), &texts).unwrap().unwrap_err();
    assert_eq!(reasons(&said), [Refusal::Software, Refusal::Kind(Kind::Software)]);
    // Another policy than the one whose hash the job has.
    let lax = Texts::from([(ACME, software_policy(&[ACME])), (BOLT, software_policy(&[BOLT]))]);
    assert_eq!(judge(&Kit::software(BOLT), &lax), Err(EvidenceError::Policy("acme".into())));
    assert_eq!(judge(&Kit::software(BOLT), &Texts::new()), Err(EvidenceError::Policy("acme".into())));
    // The code's build is revoked; and a list that cannot be read.
    let (texts, agreement) = computers();
    let [bolt, acme] = ends(&agreement, BOLT, ACME, [5; 32]);
    let judge = |kit: &Kit| {
        let challenge = Challenge::new([8; 32], NOW);
        let shown = signed(ACME, &acme.binding(challenge.nonce()));
        kit.with(agreement.job(), &texts, |means| bolt.judge(means, challenge, shown.as_deref())).unwrap()
    };
    let code = Revocable::Measurement(BUILD.to_vec());
    let said = judge(&Kit::software(BOLT).revoking(code.clone())).unwrap_err();
    assert_eq!(reasons(&said), [Refusal::Revoked(code)]);
    let unreadable = Kit { revoked: None, ..Kit::software(BOLT) };
    assert_eq!(judge(&unreadable), Err(EvidenceError::Revoked));
    let nothing = Kit { revoked: Some(Revoked::default()), ..Kit::software(BOLT) };
    assert!(judge(&nothing).is_ok());
}

#[test]
fn who_refuses_sends_nothing_more_and_what_others_would_refuse_is_not_sent() {
    let (texts, agreement) = computers();
    let job = agreement.job();
    let [bolt, acme] = ends(&agreement, BOLT, ACME, [5; 32]);
    // Acme answers the challenge with carl's evidence: bolt hangs up after its one message.
    let (mut near, mut far) = memory_pair();
    let kit = Kit::software(BOLT);
    let heard = thread::scope(|scope| {
        let acme = &acme;
        let listening = scope.spawn(move || {
            let Ok(Request { kind: RequestKind::Challenge(nonce), .. }) = Request::receive(&mut far, 100)
            else {
                panic!("a challenge comes first")
            };
            let evidence = signed(CARL, &acme.binding(nonce));
            Response::Proof { nonce: Digest([3; 32]), evidence }.send(&mut far).unwrap();
            Request::receive(&mut far, 1 << 20)
        });
        let called = kit.with(job, &texts, |means| bolt.call(means, &mut near)).unwrap();
        assert!(matches!(called, Err(ExchangeError::Evidence(_))), "{called:?}");
        drop(near);
        listening.join().unwrap()
    });
    assert!(heard.is_err(), "nothing came after the challenge: {heard:?}");
    // Acme's own platform is not what the policy wants: it sends nothing.
    let (mut near, mut far) = memory_pair();
    let kit = Kit::software(CARL);
    let said = kit.with(job, &texts, |means| acme.answer(means, Digest([1; 32]), &mut near)).unwrap();
    assert_refused(said.unwrap_err(), &Refusal::Measurement { entry: 1, field: "key" });
    drop(near);
    assert!(Response::receive(&mut far, 1 << 20).is_err());
    // Evidence of an end of which none is demanded is not asked for.
    let [carl, _] = ends(&agreement, CARL, ACME, [5; 32]);
    let none = kit.with(job, &texts, |means| carl.show(means, Digest([1; 32]))).unwrap();
    assert_eq!(none, Ok(None));
    assert!(carl.is_asked() && !ends(&agreement, CARL, PartyId(3), [5; 32])[0].is_asked());
}

/// A name by which evidence is known says nothing of what is not signed; its bytes are shorter than any message.
#[test]
fn evidence_that_crosses_is_bounded() {
    let long = vec![0; 17 << 10];
    let (mut near, mut far) = memory_pair();
    Response::Proof { nonce: Digest([1; 32]), evidence: Some(long) }.send(&mut near).unwrap();
    let (texts, agreement) = computers();
    let [bolt, _] = ends(&agreement, BOLT, ACME, [5; 32]);
    let kit = Kit::software(BOLT);
    let said = kit.with(agreement.job(), &texts, |means| bolt.call(means, &mut far)).unwrap();
    assert!(matches!(said, Err(ExchangeError::Message(_))), "{said:?}");
    assert!(Evidence::decode(&[0; 9]).is_err());
}
