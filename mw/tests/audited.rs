//! A chain with auditors, by its public interface: every kind of output, all paths of judgement, joint outputs.
#![allow(clippy::unwrap_used, reason = "a test that fails may say so by panicking")]

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_mw::{
    Amount, Chain, Commitment, Decode, Encode, Height, Output, Params, PublicKey, Rejection,
    chain::{Auditors, ParamsError},
    group::{Point, Scalar},
    hash::Hash,
    joint::{CoOwner, Joint, JointError, PreparedProof, ProofHeads, ProverPart},
    mmr::Peaks,
    output::Audit,
    range_proof::RewindKey,
    rules::{pruned::PrunedVerifier, verify_blocks},
    session::{Participant, Role, SessionId},
    state::{RewindData, Unspent},
    testing::{TestChain, cases},
    trie::{Entry, Prefix, Trie},
};
use std::sync::LazyLock;

fn key(y: u64) -> PublicKey {
    PublicKey::of(&Scalar::from(y).into())
}

fn auditors(y: u64) -> Option<Auditors> {
    Some(Auditors { key: key(y), charter: Hash::from_bytes([5; 32]) })
}

/// Six blocks with payments of both kinds.
static CHAIN: LazyLock<TestChain> = LazyLock::new(|| {
    let mut ledger = TestChain::with(31, |p| (p.maturity, p.auditors) = (1, auditors(4_711)));
    let mut reward = ledger.grow(Vec::new());
    for n in 0..5 {
        let payments = match n {
            0 => vec![ledger.pay(&[&reward], &[5, 6]).0],
            2 | 3 => vec![ledger.pay_one_sided(&[&reward], &[7]).0],
            _ => Vec::new(),
        };
        reward = ledger.grow(payments);
    }
    ledger
});

fn unspent() -> Vec<&'static Unspent> {
    let mut all: Vec<_> = CHAIN.state().all_unspent().collect();
    all.sort_by_key(|u| Unspent::key(&u.output.commitment));
    all
}

#[test]
fn the_key_and_the_charter_are_in_the_chains_id() {
    let params = CHAIN.chain().params();
    let bytes = params.to_bytes();
    assert_eq!(Params::from_bytes(&bytes).as_ref(), Ok(params));
    assert_eq!(bytes[bytes.len() - 65], 1);
    assert_eq!(bytes[bytes.len() - 64..bytes.len() - 32], *key(4_711).as_bytes());
    let id = |auditors| *Chain::new(Params { auditors, ..params.clone() }).unwrap().id();
    let other_charter = Some(Auditors { charter: Hash::ZERO, ..auditors(4_711).unwrap() });
    let ids = [id(auditors(4_711)), id(auditors(4_712)), id(other_charter), id(None)];
    assert_eq!(ids[0], *CHAIN.chain().id());
    (1..4).for_each(|i| assert!(!ids[..i].contains(&ids[i])));
    let identity =
        Auditors { key: PublicKey::from_point(Point::from_bytes([0; 32]).unwrap()), ..auditors(1).unwrap() };
    let refused = Chain::new(Params { auditors: Some(identity), ..params.clone() });
    assert_eq!(refused, Err(ParamsError::AuditorsKey));
}

#[test]
fn outputs_of_all_kinds_weigh_encode_and_rewind_as_documented() {
    let id = CHAIN.chain().id();
    let mut kinds = std::collections::BTreeSet::new();
    for u in unspent() {
        let (o, bytes) = (&u.output, u.output.to_bytes());
        kinds.insert(o.code());
        let (length, weight) = if o.code() == 5 { (995, 36) } else { (866, 28) };
        assert_eq!((bytes.len(), o.weight(), o.audit()), (length, weight, Audit::Audited));
        assert_eq!(Output::from_bytes(&bytes).as_ref(), Ok(o));
        assert_eq!(Output::from_bytes(&bytes[..bytes.len() - 160]).ok(), None, "without its handles");
        let data = u.rewind_data();
        assert_eq!(RewindData::from_bytes(&data.to_bytes()).as_ref(), Ok(&data));
        assert_eq!((data.leaf(), data.key()), (u.leaf(), Unspent::key(&o.commitment)));
        let read = |key: &RewindKey| (o.rewind(id, key), data.replay(id).unwrap().rewind(key));
        let (whole, part) = read(&TestChain::REWIND);
        assert!(whole.is_some() && whole == part);
        assert_eq!(read(&RewindKey([8; 32])), (None, None));
        assert!(o.proof_holds(CHAIN.chain()));
        assert!(!o.proof_holds(id), "without the auditors' key");
        // Each byte of the handles is in the leaf.
        for at in bytes.len() - 160..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            let altered = Unspent { created: u.created, output: Output::from_bytes(&bytes).unwrap() };
            assert_ne!(altered.leaf(), u.leaf());
        }
    }
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), [2, 3, 5]);
    assert_eq!(CHAIN.chain().params().reward_weight(), 36);
}

/// In an output that still decodes, the proof no longer holds, whichever byte it is.
#[test]
fn every_flipped_byte_of_an_output_is_refused() {
    for output in [&unspent()[0].output, &unspent().iter().find(|u| u.output.code() == 5).unwrap().output] {
        let bytes = output.to_bytes();
        let signature = if output.code() == 5 { 99..163 } else { 0..0 };
        let mut decoded = 0;
        for at in (0..bytes.len()).filter(|at| !signature.contains(at)) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            let Ok(altered) = Output::from_bytes(&bytes) else { continue };
            decoded += 1;
            assert!(!altered.proof_holds(CHAIN.chain()), "byte {at}");
        }
        assert!(decoded > 832, "{decoded}");
    }
}

#[test]
fn another_key_or_chain_is_refused() {
    let params = CHAIN.chain().params();
    let output = &unspent()[0].output;
    for other in [
        Params { auditors: auditors(4_712), ..params.clone() },
        Params { genesis_time: params.genesis_time + 1, ..params.clone() },
    ] {
        assert!(!output.proof_holds(&Chain::new(other).unwrap()));
    }
}

#[test]
fn the_cases_of_auditors_are_judged_alone_and_in_blocks() {
    let mut seen = 0;
    for case in cases::all().iter().filter(|c| ["MW-R31", "MW-R32"].contains(&c.because.rule())) {
        seen += 1;
        assert_eq!(case.refused.verdict(), Err(case.because.clone()), "{}", case.name);
        assert_eq!(case.accepted.verdict(), Ok(()), "beside {}", case.name);
        if let Some(block) = case.refused.in_block() {
            assert_eq!(block.verdict(), Err(case.because.clone()), "{}", case.name);
            assert_eq!(case.accepted.in_block().map(|b| b.verdict()), Some(Ok(())), "beside {}", case.name);
        }
    }
    assert_eq!(seen, 5);
}

#[test]
fn blocks_together_and_without_bodies_give_the_same_verdict() {
    let chain = CHAIN.chain().under(&CHAIN.chain().params().first_terms());
    let genesis = sotto_mw::Header::genesis(&chain);
    let blocks = CHAIN.blocks().to_vec();
    let (verified, broken) = verify_blocks(&chain, &genesis, blocks.clone());
    assert_eq!((verified.len(), broken), (6, None));
    let mut bad = blocks.clone();
    let at = bad[1].body.outputs.iter().position(|o| o.code() == 2).unwrap();
    bad[1].body.outputs[at].proof = bad[2].body.outputs[0].proof.clone();
    assert_eq!(verify_blocks(&chain, &genesis, bad).0.len(), 1);

    let headers: Vec<_> = blocks.iter().map(sotto_mw::block::SealedHeader::of).collect();
    let judge = |all: &[Unspent]| {
        let mut pruned = PrunedVerifier::new(&chain, headers.last().unwrap()).unwrap();
        pruned.headers(&headers).unwrap();
        let kernels: Vec<_> = blocks.iter().flat_map(|b| b.body.kernels.clone()).collect();
        pruned.kernels(Height::new(1), &Peaks::new(), &kernels).unwrap();
        let entry = |u: &Unspent| Entry { key: Unspent::key(&u.output.commitment), leaf: u.leaf() };
        let mut trie = Trie::default();
        for Entry { key, leaf } in all.iter().map(entry) {
            trie.insert(key, leaf).unwrap();
        }
        let chunk = trie.chunk(Prefix::new(0, 0).unwrap());
        pruned.outputs(chunk.prefix, &chunk.proof, all)?;
        pruned.finish()
    };
    let all: Vec<Unspent> = unspent().into_iter().cloned().collect();
    assert_eq!(judge(&all), Ok(chain.supply(Height::new(6)).unwrap()));
}

/// A block is connected and undone; audited outputs come and go like others.
#[test]
fn undoing_brings_back_what_was_spent() {
    let mut ledger = CHAIN.clone();
    let before = ledger.state().clone();
    let reward = ledger.grow(Vec::new());
    let between = ledger.state().clone();
    let (payment, _) = ledger.pay(&[&reward], &[5]);
    let (proposal, _) = ledger.propose(std::slice::from_ref(&payment)).unwrap();
    let block = ledger.seal(proposal.header, proposal.body);
    let change = ledger.connect(&block).unwrap();
    assert!(ledger.state().all_unspent().count() > before.all_unspent().count());
    ledger.undo(&change);
    assert!(*ledger.state() == between);
}

const ID: SessionId = SessionId([3; 32]);
const V: Amount = Amount::new(0x1234_5678_9abc);

fn place(chain: &Chain, role: Role) -> Participant<'_> {
    Participant { chain: chain.id(), session: &ID, role }
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn secret(x: u64) -> sotto_mw::SecretScalar {
    Scalar::from(x).into()
}

fn co_owner() -> CoOwner {
    CoOwner::from_secrets(secret(11), [secret(12), secret(13)])
}

fn joint(chain: &Chain, part: &sotto_mw::joint::CoOwnerPart) -> Result<Joint, JointError> {
    let prover = ProverPart::new(&place(chain, Role::Inviter), &secret(7), &mut rng(1));
    Joint::new(chain, &ID, V, &prover, part)
}

#[test]
fn two_make_a_joint_output_that_auditors_read() {
    let chain = CHAIN.chain();
    let part = co_owner().part(&place(chain, Role::Responder), Some(&key(4_711)), &mut rng(2));
    let joint_output = joint(chain, &part).unwrap();
    let prepared = joint_output.prepare(&secret(7), &mut rng(3)).unwrap();
    let heads = prepared.heads();
    let u = co_owner().answer(&joint_output, &heads).unwrap();
    let output = joint_output.finish(&prepared, &u).unwrap();
    assert!(output.proof_holds(chain) && output.code() == 2);
    assert_eq!(output.commitment, Commitment::new(V, &secret(7 + 11)));
    assert_eq!(joint_output.finish(&prepared, &(u + Scalar::ONE)), Err(JointError::Answer));
    // What is sent and stored comes back.
    assert_eq!(PreparedProof::from_bytes(&prepared.to_bytes()), Ok(prepared));
    assert_eq!(ProofHeads::from_bytes(&heads.to_bytes()), Ok(heads));
    // A part for a chain without auditors does not serve here.
    let bare = co_owner().part(&place(chain, Role::Responder), None, &mut rng(2));
    assert_eq!(joint(chain, &bare).map(|_| ()), Err(JointError::Handles));
}

/// Points over another key, and points over P of other secrets: the answer does not fit, and names the co-owner.
#[test]
fn false_points_of_the_co_owner_are_named() {
    let chain = CHAIN.chain();
    let at = place(chain, Role::Responder);
    let over_another_key = co_owner().part(&at, Some(&key(4_712)), &mut rng(2));
    let false_joint = joint(chain, &over_another_key).unwrap();
    let prepared = false_joint.prepare(&secret(7), &mut rng(3)).unwrap();
    // An honest co-owner does not answer for them.
    let refused = co_owner().answer(&false_joint, &prepared.heads());
    assert_eq!(refused, Err(JointError::ForeignPart));
    // An answer to the challenge of honest points does not fit.
    let honest = co_owner().part(&at, Some(&key(4_711)), &mut rng(2));
    let u = {
        let honest_joint = joint(chain, &honest).unwrap();
        let prepared = honest_joint.prepare(&secret(7), &mut rng(3)).unwrap();
        co_owner().answer(&honest_joint, &prepared.heads()).unwrap()
    };
    assert_eq!(false_joint.finish(&prepared, &u), Err(JointError::Answer));
    // A possession covers the three points.
    let mut moved = honest;
    moved.handles = moved.handles.map(|[x, t1, t2]| [x, t2, t1]);
    let refused = joint(chain, &moved).map(|_| ());
    assert_eq!(refused, Err(JointError::Possession { role: Role::Responder }));
}

/// A chain without auditors is as it was: its outputs have no handles, and R31 keeps it so.
#[test]
fn other_chains_have_none_of_this() {
    let mut ledger = TestChain::new(1);
    let reward = ledger.grow(Vec::new());
    assert_eq!((reward.output.audit(), reward.output.code()), (Audit::Unaudited, 1));
    assert_eq!((reward.output.to_bytes().len(), reward.output.weight()), (706, 22));
    assert_eq!(*ledger.chain().params().to_bytes().last().unwrap(), 0);
    let foreign = unspent()[0].output.clone();
    let because = Rejection::AuditShape { output: foreign.commitment.encoded() };
    assert!(because.to_string().starts_with("MW-R31: "));
}
