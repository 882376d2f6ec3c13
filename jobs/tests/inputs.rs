//! Inputs on their way, and receipts: what is committed to, encrypted and signed, and what each check
//! refuses.
#![allow(clippy::unwrap_used)]

use crate::support::{NOW, agreement, approvals, draft, identity, job, rng};
use proptest::prelude::*;
use sotto_jobs::input_commitment::{Brought, InputCommitment, InputError, encrypted_length, prepare};
use sotto_jobs::kind::TEXTS;
use sotto_jobs::receipt::{Delivered, Facts, Receipt, ReceiptError, Statement};
use sotto_jobs::text_key::TextKey;
use sotto_jobs::{Agreement, Approval, Digest, Job, PartyId};

const DORA: PartyId = PartyId(3);

#[test]
fn a_share_opens_for_its_computer_in_its_run_and_is_what_was_committed_to() {
    let (agreement, bits) = (agreement(&job()), [true, false, true]);
    let job = agreement.job();
    let [first, second] = [1, 2].map(|run| agreement.run(run).unwrap().input_of(DORA));
    let prepared =
        prepare(first, Brought { bits: &bits[..].into(), pad: 0 }, &identity(DORA), &mut rng(1)).unwrap();
    let input_commitment = InputCommitment::from_bytes(first, &prepared.input_commitment.to_bytes()).unwrap();
    let shares: Vec<_> = prepared
        .encrypted
        .iter()
        .map(|(compute_party, encrypted)| {
            assert_eq!(encrypted.len(), encrypted_length(job, DORA, 3));
            input_commitment.decrypt(job, &identity(*compute_party), encrypted, 3).unwrap()
        })
        .collect();
    let joined: Vec<_> = shares[0].bits().xor(shares[1].bits()).iter().collect();
    assert_eq!(joined, bits);

    let refused = Err(InputError::InputShare("dora".into()));
    let [(garbler, to_garbler), (evaluator, to_evaluator)] = &prepared.encrypted[..] else { panic!() };
    let open = |who: PartyId, encrypted: &[u8], bits| {
        input_commitment.decrypt(job, &identity(who), encrypted, bits).map(|_| ())
    };
    assert_eq!(open(*garbler, to_evaluator, 3), refused);
    assert_eq!(open(*evaluator, to_garbler, 3), refused);
    assert_eq!(open(PartyId(4), to_garbler, 3), refused);
    assert_eq!(open(*garbler, to_garbler, 4), refused, "another number of bits");
    // Another input of the same input party for the same run opens, but is not the one committed to.
    let other =
        prepare(first, Brought { bits: &bits[..].into(), pad: 0 }, &identity(DORA), &mut rng(2)).unwrap();
    assert_eq!(open(*garbler, &other.encrypted[0].1, 3), refused);
    let next =
        prepare(second, Brought { bits: &bits[..].into(), pad: 0 }, &identity(DORA), &mut rng(1)).unwrap();
    assert_eq!(open(*garbler, &next.encrypted[0].1, 3), refused, "another run");
}

#[test]
fn an_owner_who_computes_keeps_its_input_and_commits_to_it() {
    let (agreement, acme) = (agreement(&job()), PartyId(0));
    let (job, input) = (agreement.job(), agreement.run(1).unwrap().input_of(acme));
    let prepared =
        prepare(input, Brought { bits: &[true; 9][..].into(), pad: 0 }, &identity(acme), &mut rng(1))
            .unwrap();
    assert!(prepared.encrypted.is_empty());
    let own = prepared.own.unwrap();
    assert_eq!(own.bits().iter().collect::<Vec<_>>(), [true; 9]);
    assert_eq!(prepared.input_commitment.check(job, acme, &own, 9), Ok(()));
    let changed =
        prepare(input, Brought { bits: &[false; 9][..].into(), pad: 0 }, &identity(acme), &mut rng(1))
            .unwrap();
    assert!(prepared.input_commitment.check(job, acme, &changed.own.unwrap(), 9).is_err());
}

#[test]
fn a_manifest_is_of_its_owner_job_and_run() {
    let agreement = agreement(&job());
    let first = agreement.run(1).unwrap().input_of(DORA);
    let input_commitment = |input_party, run, signer| {
        let input = agreement.run(run).unwrap().input_of(input_party);
        let prepared =
            prepare(input, Brought { bits: &[true][..].into(), pad: 0 }, &identity(signer), &mut rng(1))
                .unwrap();
        InputCommitment::from_bytes(first, &prepared.input_commitment.to_bytes())
    };
    let refused = Err(InputError::InputCommitment("dora".into()));
    assert!(input_commitment(DORA, 1, DORA).is_ok());
    assert_eq!(input_commitment(DORA, 2, DORA), refused);
    assert_eq!(input_commitment(PartyId(2), 1, PartyId(2)), refused);
    assert_eq!(input_commitment(DORA, 1, PartyId(2)), refused, "signed by another");
    let mut other = draft();
    other.nonce = Digest([8; 32]);
    let prepared =
        prepare(first, Brought { bits: &[true][..].into(), pad: 0 }, &identity(DORA), &mut rng(1)).unwrap();
    let bytes = prepared.input_commitment.to_bytes();
    let other = crate::support::agreement(&Job::new(other).unwrap());
    assert_eq!(InputCommitment::from_bytes(other.run(1).unwrap().input_of(DORA), &bytes), refused);
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        assert_eq!(InputCommitment::from_bytes(first, &altered), refused, "byte {at}");
    }
}

fn facts(job: &Job) -> Facts {
    let commitment = |i| Digest([i; 32]);
    let delivered =
        |result_party| Delivered { result_party, garbler: commitment(1), evaluator: commitment(2) };
    Facts {
        job: job.id(),
        run: 1,
        attempt: 3,
        run_id: commitment(4),
        circuit: job.program.circuit,
        and_gates: job.program.and_gates,
        inputs: vec![commitment(5); job.inputs.len()],
        outputs: job.result_parties().into_iter().map(delivered).collect(),
        transcript: commitment(6),
        sold: None,
    }
}

fn receipt(facts: Facts, signers: [u16; 2]) -> Receipt {
    let [garbler, evaluator] =
        signers.map(|id| Statement::sign(&facts, [10, 20], [30, 40], &identity(PartyId(id))));
    Receipt { facts, garbler, evaluator, further: Vec::new() }
}

#[test]
fn a_receipt_is_signed_by_both_computers_over_every_byte() {
    let job = job();
    let bytes = receipt(facts(&job), [0, 1]).to_bytes();
    assert_eq!(Receipt::from_bytes(&job, &bytes), Ok(receipt(facts(&job), [0, 1])));
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        assert!(Receipt::from_bytes(&job, &altered).is_err(), "byte {at}");
    }
    let read = |receipt: Receipt| Receipt::from_bytes(&job, &receipt.to_bytes()).unwrap_err();
    assert_eq!(read(receipt(facts(&job), [2, 1])), ReceiptError::Signature("garbler"));
    assert_eq!(read(receipt(facts(&job), [0, 0])), ReceiptError::Signature("evaluator"));
    let with = |change: fn(&mut Facts)| {
        let mut facts = facts(&job);
        change(&mut facts);
        read(receipt(facts, [0, 1]))
    };
    assert_eq!(with(|f| f.job = Digest([0; 32])), ReceiptError::OtherJob);
    assert_eq!(with(|f| f.circuit = Digest([0; 32])), ReceiptError::Facts);
    assert_eq!(with(|f| f.run = 3), ReceiptError::Facts);
    assert_eq!(with(|f| f.inputs.truncate(1)), ReceiptError::Facts);
    assert_eq!(with(|f| f.outputs.truncate(1)), ReceiptError::Facts);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_bits_are_shared_and_joined(bits in proptest::collection::vec(any::<bool>(), 0..40), seed: u64) {
        let agreement = agreement(&job());
        let job = agreement.job();
        let input = agreement.run(2).unwrap().input_of(DORA);
        let prepared = prepare(input, Brought { bits: &bits[..].into(), pad: 0 }, &identity(DORA), &mut rng(seed)).unwrap();
        let open = |i: usize| {
            let (compute_party, encrypted) = &prepared.encrypted[i];
            prepared.input_commitment.decrypt(job, &identity(*compute_party), encrypted, bits.len()).unwrap()
        };
        let joined: Vec<_> = open(0).bits().xor(open(1).bits()).iter().collect();
        prop_assert_eq!(joined, bits);
    }
}

/// All parties of an agreement have one key of texts, and others another: one fresh approval is enough.
#[test]
fn an_agreement_has_its_own_numbers_for_texts() {
    let job = job();
    let key = |approvals: &[Approval]| TextKey::of(&Agreement::new(job.clone(), approvals, NOW).unwrap());
    let first = approvals(&job);
    let mut again = first.clone();
    again.reverse();
    assert_eq!(key(&first).number("zoe"), key(&again).number("zoe"));
    assert_ne!(key(&first).number("zoe"), key(&first).number("zoe "));
    again[0] = Approval::sign(&job, &identity(again[0].party), &mut rng(99)).unwrap();
    assert_ne!(key(&first).number("zoe"), key(&again).number("zoe"));
    assert!(key(&first).number("zoe") < TEXTS && !format!("{:?}", key(&first)).contains("Digest"));
}

/// The key is a hash of what is in the job and in everybody's approval: who has all of those, as every party of a run does,
/// can find a number's text among guesses. Without the nonce of any one approval there is nothing to try.
#[test]
fn who_has_all_approvals_can_try_guesses_and_nobody_else() {
    let job = job();
    let approvals = approvals(&job);
    let shown = TextKey::of(&Agreement::new(job.clone(), &approvals, NOW).unwrap()).number("zoe");
    // From texts alone: job id (32), party (2), roles (1), nonce (32), …
    let nonces: Vec<[u8; 32]> = approvals
        .iter()
        .map(|approval| {
            let text = approval.to_text();
            let digits = text.trim().strip_prefix("sotto-consent-2:").unwrap();
            let mut nonce = [0; 32];
            sotto_party::hex::from_hex(&digits[2 * 35..2 * 67], &mut nonce).unwrap();
            nonce
        })
        .collect();
    let number = |nonces: &[[u8; 32]], guess: &str| {
        let id = job.id();
        let parts: Vec<&[u8]> =
            std::iter::once(&id.0[..]).chain(nonces.iter().map(|nonce| &nonce[..])).collect();
        let key = sotto_party::hash::hash("sotto mpc text key v1", &parts);
        let hash = sotto_party::hash::hash("sotto mpc text number v1", &[&key, guess.as_bytes()]);
        i128::from(u64::from_le_bytes(hash[..8].try_into().unwrap()) >> 2)
    };
    let guesses = ["amy", "bob", "zoe", "zoé"];
    let found = |nonces: &[[u8; 32]]| {
        guesses.into_iter().filter(|guess| number(nonces, guess) == shown).collect::<Vec<_>>()
    };
    assert_eq!(found(&nonces), ["zoe"]);
    for lacking in 0..nonces.len() {
        for instead in [Some([0; 32]), None] {
            let mut others = nonces.clone();
            others.splice(lacking..=lacking, instead);
            assert_eq!(found(&others), [""; 0], "without that of party {lacking}");
        }
    }
}
