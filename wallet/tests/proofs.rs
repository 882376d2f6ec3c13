//! Proofs of payment: for each check, a proof that only this check refuses.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use crate::support::{Ledger, Person, two};
use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_mw::{
    amount::Amount,
    block::Seal,
    codec::{Decode, Encode},
    hash::Hash,
    mmr::MmrError,
    schnorr::{PublicKey, Signature, sign},
    secret::SecretScalar,
    session::{Role, SessionId},
    terms::Sealing,
};
use sotto_wallet::{
    WalletError, armor,
    proof::{PaymentProof, PaymentProofError},
    slate::Memo,
};

/// A payment by invite and one by invoice in block 4, and the first one's proof.
fn paid() -> (Ledger, Person, SessionId, SessionId) {
    let (mut ledger, mut a, mut b) = two();
    ledger.grow(&a.wallet, 2);
    a.scan(&ledger);
    let invite = a.invite(1_000_000, &b);
    let response = b.respond(&invite).unwrap();
    let one = a.finalize(&response).unwrap();
    let invoice = b.ask(2_000_000, &a);
    let payment = a.pay_invoice(&invoice).unwrap();
    let two = b.collect(&ledger, &payment).unwrap();
    ledger.seal(&a.wallet, &[one, two]);
    ledger.grow(&a.wallet, 2);
    a.scan(&ledger);
    (ledger, a, invite.session, invoice.session)
}

fn proof(ledger: &Ledger, a: &Person, session: &SessionId, height: u64) -> PaymentProof {
    let excess = a.wallet.paid_excess(session).unwrap();
    a.wallet.prove(session, ledger.inclusion(&excess, height).unwrap()).unwrap()
}

fn tamper(p: &PaymentProof, f: impl FnOnce(&mut PaymentProof)) -> PaymentProof {
    let mut p = p.clone();
    f(&mut p);
    p
}

#[test]
fn payments_of_both_flows_are_proven() {
    let (ledger, a, invite, invoice) = paid();
    let id = ledger.chain.id();
    for (session, amount, memo) in [(invite, 1_000_000, "for the roof"), (invoice, 2_000_000, "two cakes")] {
        // The block's own header, and a later one.
        for height in [6, 8] {
            let proof = proof(&ledger, &a, &session, height);
            let shown = proof.verify(id).unwrap();
            assert_eq!((shown.height.get(), proof.receipt.amount.units()), (height, amount));
            assert_eq!(shown.block, ledger.memory.blocks()[height as usize - 1].header.hash());
            assert_eq!(proof.receipt.memo, Memo::new(memo.into()).unwrap().hash());
            assert_eq!(proof.receipt.sender, Some(a.address().sign()));
            let text = armor::to_text(id, &proof);
            assert_eq!(armor::from_text::<PaymentProof>(id, &text), Ok(proof));
        }
        // Earlier headers do not contain it.
        let excess = a.wallet.paid_excess(&session).unwrap();
        assert!(ledger.inclusion(&excess, 5).is_none());
    }
    assert!(a.wallet.paid_excess(&SessionId([1; 32])).is_none());
}

#[test]
fn every_check_refuses_what_it_is_for() {
    let (ledger, a, invite, invoice) = paid();
    let good = proof(&ledger, &a, &invite, 6);
    let other = proof(&ledger, &a, &invoice, 6);
    let id = *ledger.chain.id();
    let refused = |f: &dyn Fn(&mut PaymentProof)| tamper(&good, f).verify(&id).unwrap_err();
    // Receipts that the receiver did not sign.
    assert_eq!(refused(&|p| p.receipt.amount = Amount::new(1_000_001)), PaymentProofError::Receipt);
    assert_eq!(refused(&|p| p.receipt.memo = Hash::ZERO), PaymentProofError::Receipt);
    assert_eq!(refused(&|p| p.receipt.sender = None), PaymentProofError::Receipt);
    assert_eq!(refused(&|p| p.receipt.session = invoice), PaymentProofError::Receipt);
    assert_eq!(refused(&|p| p.receipt.features = other.receipt.features), PaymentProofError::Receipt);
    assert_eq!(refused(&|p| p.receipt.key = other.receipt.key), PaymentProofError::Receipt);
    assert_eq!(refused(&|p| p.receipt.commitment = other.receipt.commitment), PaymentProofError::Receipt);
    assert_eq!(refused(&|p| p.receiver = a.address()), PaymentProofError::Receipt);
    assert_eq!(refused(&|p| p.signature = other.signature), PaymentProofError::Receipt);
    // The kernel of another payment, claimed with a key that completes the sum and that no party knows.
    let claimed = |p: &mut PaymentProof| {
        let e = PublicKey::from_point(*other.inclusion.kernel.excess.point());
        p.payer = e.plus(&minus(&p.receipt.key));
        p.inclusion = other.inclusion.clone();
    };
    assert_eq!(refused(&claimed), PaymentProofError::Possession);
    assert_eq!(refused(&|p| p.possession = other.possession), PaymentProofError::Possession);
    assert_eq!(refused(&|p| p.role = Role::Responder), PaymentProofError::Possession);
    // The kernel of another payment, unchanged.
    assert_eq!(refused(&|p| p.inclusion = other.inclusion.clone()), PaymentProofError::Excess);
    // The right excess in a kernel that was not signed, or differs from the receipt.
    let shift = |s: &Signature| {
        let mut b = s.to_bytes();
        b[32] ^= 1;
        Signature::from_bytes(&b).unwrap()
    };
    let unsigned = |p: &mut PaymentProof| p.inclusion.kernel.signature = shift(&p.inclusion.kernel.signature);
    assert_eq!(refused(&unsigned), PaymentProofError::Kernel);
    let features = other.inclusion.kernel.features;
    assert_eq!(refused(&|p| p.inclusion.kernel.features = features), PaymentProofError::Kernel);
    // No seal, or the seal of another key.
    let shift_seal = |seal: &Seal| match seal {
        Seal::Operator(signature) => Seal::Operator(shift(signature)),
        Seal::Certificate(_) => unreachable!("the chain has an operator"),
    };
    assert_eq!(refused(&|p| p.inclusion.seal = shift_seal(&p.inclusion.seal)), PaymentProofError::Seal);
    let mut rng = ChaCha20Rng::seed_from_u64(9);
    let stranger = SecretScalar::random(&mut rng);
    let forged = tamper(&good, |p| {
        p.inclusion.header.kernel_count += 1;
        p.inclusion.seal = sign(&stranger, &p.inclusion.header.seal_message(&id), &mut rng).into();
    });
    assert_eq!(forged.verify(&id), Err(PaymentProofError::Seal));
    // Another operator makes another chain.
    let own = tamper(&forged, |p| p.inclusion.params.sealing = Sealing::Solo(PublicKey::of(&stranger)));
    assert!(matches!(own.verify(&id), Err(PaymentProofError::OtherChain { .. })));
    // An earlier header, another index, another path.
    let earlier = ledger.memory.blocks()[4].clone();
    let before = |p: &mut PaymentProof| {
        (p.inclusion.header, p.inclusion.seal) = (earlier.header.clone(), earlier.seal.clone())
    };
    assert!(matches!(refused(&before), PaymentProofError::NotIncluded(_)));
    assert!(matches!(refused(&|p| p.inclusion.index ^= 1), PaymentProofError::NotIncluded(_)));
    let path = other.inclusion.path.clone();
    assert_eq!(refused(&|p| p.inclusion.path = path.clone()), PaymentProofError::NotIncluded(MmrError::Root));
}

fn minus(x: &PublicKey) -> PublicKey {
    let order_minus_one = SecretScalar::zero().sub(&SecretScalar::from(sotto_mw::group::Scalar::ONE));
    let bytes = order_minus_one.agree(x.point());
    PublicKey::from_point(sotto_mw::group::Point::from_bytes(*bytes).unwrap())
}

#[test]
fn a_proof_is_for_one_chain() {
    let (ledger, a, invite, _) = paid();
    let good = proof(&ledger, &a, &invite, 6);
    let there = Ledger::with(|p| p.genesis_time = 1);
    // The receipt names the chain, and so do all later parts.
    assert_eq!(good.verify(there.chain.id()), Err(PaymentProofError::Receipt));
    let text = armor::to_text(ledger.chain.id(), &good);
    assert!(matches!(
        armor::from_text::<PaymentProof>(there.chain.id(), &text),
        Err(armor::ArmorError::OtherChain { .. })
    ));
}

/// Nothing signs the network of an address.
#[test]
fn the_receivers_address_is_of_the_chains_network() {
    let (ledger, a, invite, _) = paid();
    let good = proof(&ledger, &a, &invite, 6);
    let (bytes, at) = (good.to_bytes(), good.receipt.to_bytes().len());
    let verdicts = [1, 2, 3].map(|flip| {
        let mut bytes = bytes.clone();
        bytes[at] ^= flip;
        PaymentProof::from_bytes(&bytes).map(|bad| bad.verify(ledger.chain.id()))
    });
    let other = |verdict: &&Result<_, _>| **verdict == Ok(Err(PaymentProofError::Network));
    assert_eq!(verdicts.iter().filter(other).count(), 2, "{verdicts:?}");
}

/// A wallet verifies the inclusion against the payment before it returns a proof.
#[test]
fn a_wallet_hands_out_no_proof_that_fails() {
    let (ledger, a, invite, invoice) = paid();
    let excess = a.wallet.paid_excess(&invoice).unwrap();
    let other = ledger.inclusion(&excess, 6).unwrap();
    let error = a.wallet.prove(&invite, other.clone()).unwrap_err();
    assert!(matches!(error, WalletError::Proof(PaymentProofError::Excess)));
    let error = a.wallet.prove(&SessionId([1; 32]), other).unwrap_err();
    assert!(matches!(error, WalletError::Proof(PaymentProofError::UnknownSession)));
}

thread_local! {
    static PROOF: (Ledger, Vec<u8>) = {
        let (ledger, a, invite, _) = paid();
        let bytes = proof(&ledger, &a, &invite, 6).to_bytes();
        (ledger, bytes)
    };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_flipped_bit_is_accepted(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        PROOF.with(|(ledger, bytes)| {
            let mut bytes = bytes.clone();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            if let Ok(bad) = PaymentProof::from_bytes(&bytes) {
                prop_assert_eq!(bad.to_bytes(), bytes);
                prop_assert!(bad.verify(ledger.chain.id()).is_err(), "byte {}", at);
            }
            Ok(())
        })?;
    }
}
