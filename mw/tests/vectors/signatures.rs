//! Signatures, kernels, and a signing session with fixed nonces.

use super::{Tape, hex, named, scalar, secret, wire};
use sotto_mw::{
    amount::{Amount, Height},
    chain::ChainId,
    codec::{Decode, Encode},
    group::{Point, Scalar},
    hash::Hash,
    kernel::{Excess, Kernel, KernelFeatures, Notice, Window},
    schnorr::{PublicKey, Signature, sign},
    session::{Nonces, Participant, Role, Session, SessionId, Share, Shares},
};
use sotto_vectors::{Value, json};

pub(super) fn signatures() -> Value {
    let (x, fresh, m) = (scalar("signer"), named("fresh"), b"a message");
    let key = PublicKey::of(&x);
    let good = sign(&x, m, &mut Tape(&fresh));
    let made = json!({
        "secret": secret(&x), "fresh": hex(fresh), "message": hex(m), "key": wire(&key), "signature": wire(&good),
    });
    let identity = Point::from_bytes([0; 32]).unwrap();
    let z = Scalar::from_bytes_mod_order(good.to_bytes()[32..].try_into().unwrap());
    let r = Point::from_bytes(good.to_bytes()[..32].try_into().unwrap()).unwrap();
    let nobody = PublicKey::from_point(identity);
    let any = PublicKey::of(&Scalar::from(5u64).into());
    let forged = Signature::from_parts(*any.point(), Scalar::from(5u64));
    let judged = [
        ("as made", key, &m[..], good),
        ("another message", key, b"another", good),
        ("another key", any, m, good),
        ("another response", key, m, Signature::from_parts(r, z + Scalar::ONE)),
        ("no nonce", key, m, Signature::from_parts(identity, z)),
        ("under the identity anyone could sign", nobody, m, forged),
    ];
    let judged = judged.map(|(name, key, m, s)| {
        json!({
            "name": name, "key": wire(&key), "message": hex(m), "signature": wire(&s), "holds": s.verifies(&key, m),
        })
    });
    json!({ "about": "z·G = R + H2(R ‖ X ‖ m)·X with the nonce H3(fresh ‖ x)", "made": [made], "judged": judged })
}

pub(super) fn kernels() -> Value {
    let chain = ChainId::from_bytes(named("chain"));
    let (fee, window) =
        (Amount::new(1_000_000), Window { not_before: Height::new(60), not_after: Height::new(1440) });
    let notice = Notice { topic: 3, data: Hash::from_bytes(named("what a notice records")) };
    let all = [
        KernelFeatures::Plain { fee, not_after: window.not_after },
        KernelFeatures::Coinbase { height: Height::new(1 << 40) },
        KernelFeatures::HeightRanged { fee: Amount::new(u64::MAX), window },
        KernelFeatures::NoRecentDuplicate { fee, window, distance: 720 },
        KernelFeatures::Notice { fee, not_after: window.not_after, notice },
    ];
    let all = all.map(|features| {
        let (x, fresh) = (scalar(&format!("excess {}", features.code())), named("fresh for a kernel"));
        let message = features.message(&chain);
        let signature = sign(&x, &message, &mut Tape(&fresh));
        let kernel = Kernel { features, excess: Excess::from_point(*PublicKey::of(&x).point()), signature };
        assert_eq!(Kernel::from_bytes(&kernel.to_bytes()), Ok(kernel.clone()));
        json!({
            "secret": secret(&x), "fresh": hex(fresh), "message": hex(&message),
            "kernel": wire(&kernel), "id": wire(&kernel.id()),
        })
    });
    let about = "one kernel of each kind; the message is made from the kernel's fields";
    json!({ "about": about, "chain_id": wire(&chain), "kernels": all })
}

pub(super) fn session() -> Value {
    let (chain, id, m) =
        (ChainId::from_bytes(named("chain")), SessionId(named("session")), b"a kernel's message");
    let party = |role: Role| {
        let x = scalar(&format!("{role:?}"));
        let fresh =
            ["hiding", "binding", "possession"].map(|what| named(&format!("{what} of {role:?}"))).concat();
        let mut tape = Tape(&fresh);
        let bound = [chain.as_bytes().as_slice(), &id.0, &[role as u8], m].concat();
        let nonces = Nonces::generate(&x, &bound, &mut tape);
        let share = Share::new(&Participant { chain: &chain, session: &id, role }, &x, &nonces, &mut tape);
        let json = json!({
            "role": role as u8, "secret": secret(&x), "fresh": hex(&fresh), "bound": hex(&bound),
            "d": secret(nonces.secrets().0), "e": secret(nonces.secrets().1),
            "key": wire(&share.key), "hiding": wire(&share.hiding), "binding": wire(&share.binding),
            "possession": wire(&share.possession),
        });
        (x, nonces, share, json)
    };
    let (xa, na, a, mut ja) = party(Role::Inviter);
    let (xb, nb, b, mut jb) = party(Role::Responder);
    let session = Session::new(&chain, &id, m.to_vec(), Shares { inviter: a, responder: b }).unwrap();
    let za = session.sign(Role::Inviter, &xa, na).unwrap();
    let zb = session.sign(Role::Responder, &xb, nb).unwrap();
    (ja["response"], jb["response"]) = (wire(&za).into(), wire(&zb).into());
    let signature = session.combine(&za, &zb).unwrap();
    assert!(signature.verifies(session.key(), m));
    // The same secret and the same fresh bytes, as on clones of one machine, for two messages.
    let clones = ["one invite", "another invite"].map(|bound| {
        let nonces = Nonces::generate(&xa, bound.as_bytes(), &mut Tape(&named("clone").repeat(2)));
        let (d, e) = nonces.secrets();
        json!({ "bound": hex(bound), "d": secret(d), "e": secret(e) })
    });
    json!({
        "about": "two parties; each one's fresh bytes are for d, e and the proof of possession, 32 each; clones have the inviter's secret and the same fresh bytes twice",
        "clones": clones, "clone_fresh": hex(named("clone")),
        "chain_id": wire(&chain), "session_id": hex(id.0), "message": hex(m), "parties": [ja, jb],
        "key": wire(session.key()), "signature": wire(&signature),
    })
}
