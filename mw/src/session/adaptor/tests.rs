use super::*;
use crate::{
    ChainId, Encode,
    amount::{Amount, Height},
    batch::verify_signatures,
    codec::Decode,
    kernel::{Excess, Kernel, KernelFeatures},
    session::{Participant, SessionId, Share, Shares},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

const CHAIN: ChainId = ChainId::from_bytes([0; 32]);
const ID: SessionId = SessionId([3; 32]);

fn secret(x: u64) -> SecretScalar {
    Scalar::from(x).into()
}

fn point(x: u64) -> Point {
    mul_g(&Scalar::from(x)).into()
}

fn party(role: Role, seed: u64) -> (SecretScalar, Nonces, Share) {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let x = SecretScalar::random(&mut rng);
    let nonces = Nonces::generate(&x, &[], &mut rng);
    let share = Share::new(&Participant { chain: &CHAIN, session: &ID, role }, &x, &nonces, &mut rng);
    (x, nonces, share)
}

fn session(message: &[u8]) -> Session {
    let shares = Shares { inviter: party(Role::Inviter, 1).2, responder: party(Role::Responder, 2).2 };
    Session::new(&CHAIN, &ID, message.to_vec(), shares).unwrap()
}

fn responses(locked: &AdaptorSession) -> [Scalar; 2] {
    [(Role::Inviter, 1), (Role::Responder, 2)].map(|(role, seed)| {
        let (x, nonces, _) = party(role, seed);
        locked.sign(role, &x, nonces).unwrap()
    })
}

#[test]
fn completes_with_its_secret_and_reveals_it() {
    let locked = session(b"m").with_adaptor(&point(5)).unwrap();
    let [zp, zs] = responses(&locked);
    let pre = locked.combine(&zp, &zs).unwrap();
    assert!(pre.fits(locked.key(), b"m"));
    assert!(!pre.fits(locked.key(), b"n") && !pre.fits(&PublicKey::of(&secret(5)), b"m"));
    assert_eq!(PreSignature::from_bytes(&pre.to_bytes()), Ok(pre));
    let signature = pre.complete(&secret(5)).unwrap();
    assert!(signature.verifies(locked.key(), b"m"));
    assert_eq!(pre.extract(&signature), Some(secret(5)));
    assert!(pre.complete(&secret(6)).is_none());
    assert!(pre.extract(&Signature { z: signature.z + Scalar::ONE, ..signature }).is_none());
    assert!(pre.extract(&Signature { r: point(9), ..signature }).is_none());
    assert_eq!(*pre.point(), point(5));
}

/// As a kernel's signature, alone and in a batch, as the rules verify it (MW-R14).
#[test]
fn a_pre_signature_is_no_signature() {
    let features = KernelFeatures::Plain { fee: Amount::new(1), not_after: Height::new(60) };
    let locked = session(&features.message(&CHAIN)).with_adaptor(&point(5)).unwrap();
    let [zp, zs] = responses(&locked);
    let pre = locked.combine(&zp, &zs).unwrap();
    let kernel =
        |signature| Kernel { features, excess: Excess::from_point(*locked.key().point()), signature };
    let holds = |z: Scalar, r: Point| {
        let signed = kernel(Signature { r, z }).signed(&CHAIN);
        let alone = signed.signature.verifies(&signed.key, &signed.message);
        assert_eq!(verify_signatures(&[signed]).is_ok(), alone);
        alone
    };
    assert!(!holds(pre.s, pre.r));
    // The nonce without T has another challenge.
    assert!(!holds(pre.s, Point::from(pre.r.element() - pre.t.element())));
    assert!(!holds(pre.s + Scalar::from(4u64), pre.r));
    assert!(holds(pre.s + Scalar::from(5u64), pre.r));
}

/// Two points give two sets of binding factors: T cannot be chosen after them.
#[test]
fn the_point_is_bound() {
    let (plain, one, two) =
        (session(b"m"), session(b"m").with_adaptor(&point(5)), session(b"m").with_adaptor(&point(6)));
    let rho = |s: &Session| s.parties.map(|(_, _, rho)| rho);
    let (one, two) = (one.unwrap(), two.unwrap());
    for i in 0..2 {
        assert_ne!(rho(&plain)[i], rho(&one.session)[i]);
        assert_ne!(rho(&one.session)[i], rho(&two.session)[i]);
    }
    // So a response for one point, or for none, is refused under another.
    let [zp, zs] = responses(&one);
    assert_eq!(two.combine(&zp, &zs), Err(SessionError::Partial { role: Role::Inviter }));
    assert_eq!(plain.combine(&zp, &zs), Err(SessionError::Partial { role: Role::Inviter }));
}

#[test]
fn points_without_a_lock_are_refused() {
    let identity = Point::from_bytes([0; 32]).unwrap();
    assert_eq!(session(b"m").with_adaptor(&identity).map(|_| ()), Err(SessionError::AdaptorIdentity));
}

#[test]
fn a_false_response_names_its_party() {
    let locked = session(b"m").with_adaptor(&point(5)).unwrap();
    let [zp, zs] = responses(&locked);
    let wrong = |role| Err(SessionError::Partial { role });
    assert_eq!(locked.combine(&(zp + Scalar::ONE), &zs), wrong(Role::Inviter));
    assert_eq!(locked.combine(&zp, &(zs + Scalar::ONE)), wrong(Role::Responder));
}

/// Each of these satisfies the equation of a pre-signature: R = 0; T = 0, which is a whole signature; E = 0.
#[test]
fn a_pre_signature_has_a_nonce_a_lock_and_a_key() {
    let (x, k, t) = (Scalar::from(11u64), Scalar::from(12u64), Scalar::from(5u64));
    let fits = |[x, k, t]: [Scalar; 3]| {
        let [key, nonce, lock] = [x, k, t].map(|s| Point::from(mul_g(&s)));
        let c = h2(&nonce, &key, b"m");
        let pre = PreSignature { r: nonce, t: lock, s: k - t + c * x };
        pre.fits(&PublicKey::from_point(key), b"m")
    };
    assert!(fits([x, k, t]));
    assert!(!fits([x, Scalar::ZERO, t]) && !fits([x, k, Scalar::ZERO]) && !fits([Scalar::ZERO, k, t]));
}
