//! A joint output with fixed secrets, and a signature that is locked to a point.

use super::{Tape, hex, named, scalar, secret, wire};
use sotto_mw::{
    amount::Amount,
    chain::{Auditors, Chain, ChainId, Params},
    hash::Hash,
    joint::{CoOwner, Joint, ProverPart},
    output::OutputChain,
    schnorr::PublicKey,
    session::{Nonces, Participant, Role, Session, SessionId, Share, Shares},
};
use sotto_vectors::{Value, json};

/// A joint output on this chain; with the letters of both, and the answer.
fn joint_on(chain: OutputChain<'_>, auditors: Option<&PublicKey>, about: &str) -> Value {
    let id = SessionId(named("hold"));
    let place = |role| Participant { chain: chain.id(), session: &id, role };
    let (amount, fresh) =
        (Amount::new(5_000_038_000), ["prover", "co-owner", "proof"].map(|n| named(&format!("joint, {n}"))));
    let (r_p, r_s, tau) = (scalar("r_p"), scalar("r_s"), [scalar("tau 1"), scalar("tau 2")]);
    let prover = ProverPart::new(&place(Role::Inviter), &r_p, &mut Tape(&fresh[0]));
    let owner = CoOwner::from_secrets(r_s.clone(), tau.clone());
    let part = owner.part(&place(Role::Responder), auditors, &mut Tape(&fresh[1]));
    let joint = Joint::new(chain, &id, amount, &prover, &part).unwrap();
    let prepared = joint.prepare(&r_p, &mut Tape(&fresh[2])).unwrap();
    let u = owner.answer(&joint, &prepared.heads()).unwrap();
    let output = joint.finish(&prepared, &u).unwrap();
    assert!(output.proof_holds(chain));
    json!({
        "about": about,
        "chain_id": wire(chain.id()), "hold_id": hex(id.0), "amount": amount.units().to_string(),
        "r_p": secret(&r_p), "r_s": secret(&r_s), "tau_1": secret(&tau[0]), "tau_2": secret(&tau[1]),
        "fresh": fresh.map(hex), "prover": wire(&prover), "co_owner": wire(&part), "heads": wire(&prepared.heads()),
        "commitment": wire(&output.commitment), "answer": wire(&u), "proof": wire(&output.proof),
    })
}

pub(super) fn joint() -> Value {
    let mut plain = joint_on(
        OutputChain::from(&ChainId::from_bytes(named("chain"))),
        None,
        "C = v·H + X_p + X_s; fresh bytes for both possessions and for the prover's scalars; the answer is u",
    );
    let (y, operator) = (scalar("auditors"), PublicKey::of(&scalar("operator")));
    let key = PublicKey::of(&y);
    let auditors = Some(Auditors { key, charter: Hash::from_bytes(named("charter")) });
    let chain = Chain::new(Params { auditors, ..Params::solo(operator, 1_790_000_000) }).unwrap();
    let mut audited = joint_on(
        OutputChain::from(&chain),
        Some(&key),
        "the same on a chain with auditors: r_s, tau_1 and tau_2 times their key beside T1s and T2s; handles after the proof",
    );
    audited["params"] = wire(chain.params()).into();
    audited["y"] = secret(&y).into();
    plain["audited"] = audited;
    plain
}

pub(super) fn adaptor() -> Value {
    let (chain, id, m) =
        (ChainId::from_bytes(named("chain")), SessionId(named("locked session")), b"a claim's message");
    let t = scalar("t");
    let party = |role: Role| {
        let x = scalar(&format!("locked {role:?}"));
        let fresh = [1, 2, 3].map(|i| named(&format!("locked {role:?} {i}"))).concat();
        let mut tape = Tape(&fresh);
        let nonces = Nonces::generate(&x, b"a hold", &mut tape);
        let share = Share::new(&Participant { chain: &chain, session: &id, role }, &x, &nonces, &mut tape);
        (x, nonces, share)
    };
    let ((xa, na, a), (xb, nb, b)) = (party(Role::Inviter), party(Role::Responder));
    let json_of = |role: Role, x, n: &Nonces, s: &Share| {
        let (d, e) = n.secrets();
        json!({
            "role": role as u8, "secret": secret(x), "d": secret(d), "e": secret(e),
            "key": wire(&s.key), "hiding": wire(&s.hiding), "binding": wire(&s.binding),
        })
    };
    let mut parties = [json_of(Role::Inviter, &xa, &na, &a), json_of(Role::Responder, &xb, &nb, &b)];
    let session = Session::new(&chain, &id, m.to_vec(), Shares { inviter: a, responder: b }).unwrap();
    let locked = session.with_adaptor(PublicKey::of(&t).point()).unwrap();
    let za = locked.sign(Role::Inviter, &xa, na).unwrap();
    let zb = locked.sign(Role::Responder, &xb, nb).unwrap();
    parties[0]["response"] = wire(&za).into();
    parties[1]["response"] = wire(&zb).into();
    let pre = locked.combine(&za, &zb).unwrap();
    let signature = pre.complete(&t).unwrap();
    assert!(signature.verifies(locked.key(), m) && pre.extract(&signature) == Some(t.clone()));
    json!({
        "about": "a session that is locked to T = t·G: R ‖ T ‖ ŝ is the pre-signature, and ŝ + t completes it",
        "chain_id": wire(&chain), "session_id": hex(id.0), "message": hex(m), "t": secret(&t), "parties": parties,
        "pre_signature": wire(&pre), "signature": wire(&signature),
    })
}
