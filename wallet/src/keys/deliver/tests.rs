//! The derivations against `vectors/one_sided.json`, which `vectors/check.py` computes without this code, and
//! what a receiver refuses.

use super::*;
use crate::keys::{Account, Root, ViewTags, Words};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_mw::{
    amount::{Amount, Height},
    chain::Network,
    codec::Encode,
    kernel::{Excess, Kernel, KernelFeatures},
    one_sided::{Bond, OneSidedInput},
    output::OutputKeys,
    range_proof::RewindKey,
    schnorr::sign,
    state::Unspent,
};
use sotto_vectors::{Value, json};

const CHAIN: ChainId = ChainId::from_bytes([7; 32]);

fn account(n: u32) -> AccountKeys {
    Root::new(&Words::from_entropy(&[0; 32]).unwrap()).account(Account(n))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn secret(x: &SecretScalar) -> String {
    hex(&*x.to_bytes())
}

/// What account 1 pays to account 2.
fn terms() -> OneSidedTerms {
    let opening = Opening { amount: Amount::new(1_500_000_000), index: *b"INV-2026-17\0" };
    OneSidedTerms { to: account(2).payment(Network::Solo).address, opening, fresh: [5; 32] }
}

/// One of each: addresses, output, leaf, input, bond, hidden change.
fn vector() -> Value {
    let (mut rng, payer, payee) = (ChaCha20Rng::seed_from_u64(1), account(1), account(2));
    let (terms, payment) = (terms(), payee.payment(Network::Solo));
    let (r, shared) = payer.shared(&CHAIN, &terms);
    let new = payer.deliver(&CHAIN, &terms, &mut rng).unwrap();
    let k_o = payment.spend.add(&shared.key());
    let commitment = new.output.commitment;
    let (input, part) = OneSidedInput::sign(&CHAIN, commitment, &k_o, &mut rng);
    let x = SecretScalar::random(&mut rng);
    let features = KernelFeatures::Bonded { fee: Amount::new(95_000), not_after: Height::new(60) };
    let excess = Excess::from_point(*PublicKey::of(&x).point());
    let kernel = Kernel { features, excess, signature: sign(&x, &features.message(&CHAIN), &mut rng) };
    let bond = Bond::sign(&CHAIN, &kernel, &x, &mut rng);
    let hidden = payer.hidden_change(&CHAIN, &terms.opening, &mut rng).unwrap();
    let leaf = Unspent { created: Height::new(9), output: new.output.clone() }.leaf();
    json!({
        "about": "account 1 of the words for 32 zero bytes pays account 2; secrets are scalars",
        "chain_id": hex(CHAIN.as_bytes()),
        "payer_account_key": hex(&payer.account), "payee_account_key": hex(&payee.account),
        "payee": {
            "a": secret(&payment.view), "b": secret(&payment.spend),
            "address": payment.address.to_string(),
            "signing_secret": secret(&payee.identity(Network::Solo).sign),
            "encryption_secret": secret(&payee.identity(Network::Solo).encrypt),
            "view_key": *crate::keys::ViewKey::new(Account(2), payee.received(), payment.view_secret()).to_text(),
        },
        "fresh": hex(&terms.fresh), "amount": terms.opening.amount.units().to_string(),
        "index": hex(&terms.opening.index),
        "r": secret(&r), "t": hex(&*shared.t), "k": secret(&shared.key()), "q": secret(&new.blinding),
        "rewind_key": hex(&shared.rewind().0), "tau_key": hex(&shared.tau().0),
        "output": hex(&new.output.to_bytes()), "leaf_at_9": leaf.to_string(),
        "input": hex(&input.to_bytes()), "input_part_of_y": secret(&part),
        "kernel": hex(&kernel.to_bytes()), "bond": hex(&bond.to_bytes()),
        "hidden": {
            "q": secret(&hidden_blinding(&payer.account, &terms.opening)), "k_o": secret(&hidden_key(&payer.account, &terms.opening)),
            "rewind_key": hex(&payer.purpose_keys(Purpose::Change).0.0), "output": hex(&hidden.output.to_bytes()),
        },
    })
}

#[test]
fn derivations_and_bytes_are_as_documented() {
    let (file, text) = (sotto_vectors::file("one_sided"), sotto_vectors::render(&vector()));
    if std::env::var("SOTTO_VECTORS").is_ok_and(|v| v == "write") {
        std::fs::write(&file, &text).unwrap();
    }
    assert!(
        std::fs::read_to_string(&file).unwrap() == text,
        "one_sided.json differs from what the code gives"
    );
}

/// An output to this address, with one thing that is not as the receiver derives it.
fn spoilt(spoil: impl FnOnce(&mut Spoilt)) -> Output {
    let (mut rng, payer, terms) = (ChaCha20Rng::seed_from_u64(2), account(1), terms());
    let (sender, shared) = payer.shared(&CHAIN, &terms);
    let mut all = Spoilt {
        receiver: shared.receiver(&terms.to),
        view_tag: shared.view_tag,
        opening: terms.opening,
        blinding: shared.blinding(&terms.opening),
        rewind: shared.rewind(),
    };
    spoil(&mut all);
    let Spoilt { receiver, view_tag, opening, blinding, rewind } = all;
    let keys = OutputKeys { blinding: &blinding, rewind: &rewind, tau: &shared.tau() };
    Output::one_sided(&CHAIN, &Delivery { sender: &sender, receiver, view_tag, opening }, &keys, &mut rng)
        .unwrap()
}

struct Spoilt {
    receiver: PublicKey,
    view_tag: u8,
    opening: Opening,
    blinding: SecretScalar,
    rewind: RewindKey,
}

fn detected(o: &Output, tags: ViewTags) -> Option<Opening> {
    let view = account(2).payment(Network::Solo).view_secret();
    view.detect(&CHAIN, o.features.keys().unwrap(), &o.replay(&CHAIN).unwrap(), tags)
}

/// The ledger accepts each of these outputs; the receiver does not take it for a payment.
#[test]
fn a_receiver_believes_no_output_that_it_could_not_spend_or_whose_amount_is_another() {
    let all = |o: &Output| [ViewTags::Matching, ViewTags::All].map(|tags| detected(o, tags).is_some());
    assert_eq!(all(&spoilt(|_| {})), [true, true]);
    assert_eq!(all(&spoilt(|o| o.view_tag ^= 1)), [false, true], "found only if all tags are tried");
    // Paid to a key that somebody else has.
    assert_eq!(
        all(&spoilt(|o| o.receiver = PublicKey::of(&SecretScalar::zero().add(&o.blinding)))),
        [false; 2]
    );
    // The proof shows another amount than the commitment has.
    let one_less = |o: &mut Spoilt| o.opening.amount = Amount::new(o.opening.amount.units() - 1);
    assert_eq!(all(&spoilt(one_less)), [false; 2]);
    assert_eq!(all(&spoilt(|o| o.opening.index = [0; 12])), [false; 2]);
    assert_eq!(all(&spoilt(|o| o.rewind = RewindKey([1; 32]))), [false; 2]);
}

/// No other account, and none on another chain, takes the output for a payment.
#[test]
fn an_output_is_paid_to_one_address_of_one_chain() {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let new = account(1).deliver(&CHAIN, &terms(), &mut rng).unwrap();
    let keys = new.output.features.keys().unwrap();
    for chain in [CHAIN, ChainId::from_bytes([8; 32])] {
        for n in [1, 2, 3] {
            let view = account(n).payment(Network::Solo).view_secret();
            let replayed = new.output.replay(&CHAIN).unwrap();
            let found = view.detect(&chain, keys, &replayed, ViewTags::All);
            assert_eq!(found.is_some(), n == 2 && chain == CHAIN);
        }
    }
}

/// The same terms give the same output but for the signature; anything else changes every key.
#[test]
fn fresh_bytes_amounts_and_addresses_give_other_keys() {
    let payer = account(1);
    let seen = |terms: &OneSidedTerms| payer.delivered(&CHAIN, terms);
    let first = seen(&terms());
    assert_eq!(seen(&terms()), first);
    let amount = Opening { amount: Amount::new(1), ..terms().opening };
    let others = [
        OneSidedTerms { fresh: [6; 32], ..terms() },
        OneSidedTerms { opening: amount, ..terms() },
        OneSidedTerms { to: account(3).payment(Network::Solo).address, ..terms() },
    ];
    for other in &others {
        let (c, receiver) = seen(other);
        assert!(c != first.0 && receiver != first.1);
    }
    // Under another reference r is the same, and so is K_o; the blinding factor is not.
    let other = OneSidedTerms { opening: Opening { index: [9; 12], ..terms().opening }, ..terms() };
    assert!(seen(&other).0 != first.0 && seen(&other).1 == first.1);
}

/// Two hidden outputs with one opening share no key, and only the account finds them.
#[test]
fn hidden_change_is_found_by_its_account_alone() {
    let (mut rng, payer) = (ChaCha20Rng::seed_from_u64(4), account(1));
    let opening = terms().opening;
    let [one, two] = [0, 1].map(|_| payer.hidden_change(&CHAIN, &opening, &mut rng).unwrap().output);
    let keys = one.features.keys().unwrap();
    assert!(keys.sender != two.features.keys().unwrap().sender);
    let replayed = one.replay(&CHAIN).unwrap();
    assert_eq!(payer.recognise_hidden(&keys.receiver, &replayed), Some(opening));
    assert_eq!(payer.recognise_hidden(&keys.sender, &replayed), None, "another K_o");
    assert_eq!(account(2).recognise_hidden(&keys.receiver, &replayed), None);
    for n in [1, 2] {
        let view = account(n).payment(Network::Solo).view_secret();
        assert_eq!(view.detect(&CHAIN, keys, &replayed, ViewTags::All), None, "not by a view key");
    }
}
