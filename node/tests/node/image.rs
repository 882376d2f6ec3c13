//! A store written by hand from the formats alone: the same bytes as the store's own, and chains that break
//! rules.

use crate::test_chain::{TestChain, temporary};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_mw::{
    amount::{Amount, Height},
    block::{Block, Reward},
    chain::{Chain, Params},
    codec::Encode,
    hash::tagged,
    kernel::{Excess, Kernel, KernelFeatures, Window},
    mmr::Peaks,
    output::Output,
    range_proof::RangeProof,
    rules::{InvalidBlock, NextBlock, Proposal, propose},
    schnorr::sign,
    secret::SecretScalar,
    state::ChainView,
    transaction::Body,
};
use sotto_node::{
    ledger::audit::{AuditError, audit},
    storage::{
        FileName, Files, Layout, Memory, Store, StoreError,
        snapshot_check::{PartFault, PrunedError},
    },
};

fn checked(tag: &str, place: &[u8], bytes: &[u8]) -> Vec<u8> {
    [bytes, tagged(tag, &[place, bytes]).as_bytes()].concat()
}

/// The files of a chain of these blocks, in one segment.
fn image(chain: &Chain, blocks: &[Block]) -> Memory {
    image_of(chain, blocks, blocks)
}

/// The files of a chain whose log has the records of some blocks, and whose head that of others.
fn image_of(chain: &Chain, records: &[Block], blocks: &[Block]) -> Memory {
    let id = chain.id().as_bytes();
    let mut log = checked("sotto/node-segment/v1", &[], &[&b"SLOG"[..], &[1], id, &[0; 4]].concat());
    for b in records {
        let bytes = b.to_bytes();
        let length = (bytes.len() as u64).to_le_bytes();
        let record = [&b"SBLK"[..], &length, &b.header.height.to_bytes(), &bytes].concat();
        let place = [&id[..], &[0; 4], &(log.len() as u64).to_le_bytes()].concat();
        log.extend(checked("sotto/node-record/v1", &place, &record));
    }
    let mut kernels = Peaks::new();
    blocks.iter().flat_map(|b| &b.body.kernels).for_each(|k| kernels.push(k.id()));
    let header = &blocks.last().unwrap().header;
    let floor = header.height.minus(chain.params().reorganisation);
    let end = [&[0; 4], &(log.len() as u64).to_le_bytes()[..]].concat();
    let unpruned = [0; 8 + 4];
    // The terms of an operator's chain stay as they were at first.
    let terms = chain.params().first_terms().to_bytes();
    let start = [&[1], &id[..], &header.to_bytes(), &terms, &floor.to_bytes()].concat();
    let head = [&start[..], &end, &unpruned, &kernels.to_bytes()].concat();
    let files = Memory::new();
    files.set(FileName::Genesis, [&chain.params().to_bytes()[..], id].concat());
    files.set(FileName::Head, checked("sotto/node-head/v1", &[], &head));
    files.set(FileName::Segment(0), log);
    files
}

fn blocks(test_chain: &TestChain) -> Vec<Block> {
    test_chain.blocks.iter().map(|b| b.get().block.clone()).collect()
}

#[test]
fn the_formats_are_as_they_are_drawn() {
    let mut test_chain = TestChain::new(70);
    let files = Memory::new();
    let wide = Layout { segment_bytes: 1 << 20, ..temporary() };
    let mut store = Store::create_on(files.clone(), wide, test_chain.chain.params().clone()).unwrap();
    for _ in 0..6 {
        store.apply(&test_chain.mine()).unwrap();
    }
    let drawn = image(&test_chain.chain, &blocks(&test_chain));
    assert_eq!(files.segments().unwrap(), vec![0]);
    for file in [FileName::Genesis, FileName::Head, FileName::Segment(0)] {
        assert_eq!(files.bytes(file), drawn.bytes(file), "{file}");
    }
    let store = Store::open_on(drawn, temporary()).unwrap();
    test_chain.agrees(&store);
    audit(&store, |_, _| {}).unwrap();
}

/// the operator's key of the test chain with this seed.
pub(crate) fn key(seed: u64) -> SecretScalar {
    SecretScalar::random(&mut ChaCha20Rng::seed_from_u64(seed))
}

/// The second block, made by an operator who changes what it likes and seals it.
fn with_second_block(
    test_chain: &mut TestChain,
    seal_key: &SecretScalar,
    reward: u64,
    change: impl Fn(&mut Output),
    after: impl Fn(&mut Proposal),
) -> Memory {
    let Reward { mut output, kernel } = test_chain.coinbase(test_chain.next(), reward);
    change(&mut output);
    let next = NextBlock { transactions: &[], reward: Reward { output, kernel }, time: 2_000, change: None };
    let mut proposal = propose(&test_chain.chain, &test_chain.state, next).unwrap();
    after(&mut proposal);
    let signature = sign(seal_key, &proposal.header.seal_message(test_chain.chain.id()), &mut test_chain.rng);
    let block = proposal.seal(signature);
    image(&test_chain.chain, &[blocks(test_chain), vec![block]].concat())
}

/// A chain whose second block, sealed, pays one unit too much.
pub(crate) fn inflated(test_chain: &mut TestChain, operator: &SecretScalar) -> Memory {
    let reward = test_chain.chain.params().reward.units();
    test_chain.mine();
    with_second_block(test_chain, operator, reward + 1, |_| {}, |_| {})
}

/// Sound files of an unsound chain: the audit names block and rule.
#[test]
fn the_audit_names_a_block_that_breaks_a_rule() {
    let mut test_chain = TestChain::new(71);
    test_chain.mine();
    let reward = test_chain.chain.params().reward.units();
    let (operator, thief) = (key(71), key(72));
    let rule = |files: Memory| {
        let store = Store::open_on(files, temporary()).unwrap();
        match audit(&store, |_, _| {}) {
            Err(AuditError::Block(InvalidBlock { height, why })) => (height.get(), why.rule()),
            other => panic!("{other:?}"),
        }
    };
    let honest = with_second_block(&mut test_chain, &operator, reward, |_| {}, |_| {});
    assert!(audit(&Store::open_on(honest, temporary()).unwrap(), |_, _| {}).is_ok());
    let inflated = with_second_block(&mut test_chain, &operator, reward + 1, |_| {}, |_| {});
    assert_eq!(rule(inflated), (2, "MW-R15"));
    let stolen = with_second_block(&mut test_chain, &thief, reward, |_| {}, |_| {});
    assert_eq!(rule(stolen), (2, "MW-R21"));
    assert_eq!(rule(with_second_block(&mut test_chain, &operator, reward, unproven, |_| {})), (2, "MW-R13"));
    let early = with_second_block(&mut test_chain, &operator, reward, |_| {}, |p| p.header.time = 1);
    assert_eq!(rule(early), (2, "MW-R19"));
}

/// Flips a bit of an output's proof.
fn unproven(o: &mut Output) {
    let mut proof = *o.proof.as_bytes();
    proof[0] ^= 1;
    o.proof = RangeProof::from_bytes(&proof);
}

/// The same chain pruned, with nothing that could be undone: what is left of it tells as much.
#[test]
fn the_audit_of_a_pruned_chain_names_what_is_wrong() {
    let final_at_once = |p: &mut Params| p.reorganisation = 0;
    let mut test_chain = TestChain::with(74, final_at_once);
    test_chain.mine();
    let reward = test_chain.chain.params().reward.units();
    let (operator, thief) = (key(74), key(75));
    let audited = |files: Memory| {
        let mut store = Store::open_on(files, temporary()).unwrap();
        assert_eq!(store.prune().unwrap().dropped, 2);
        audit(&store, |_, _| {})
    };
    let honest = with_second_block(&mut test_chain, &operator, reward, |_| {}, |_| {});
    let found = audited(honest).unwrap();
    assert_eq!((found.pruned.get(), found.height.get()), (2, 2));
    let rule = |files: Memory| match audited(files) {
        Err(AuditError::Pruned(PrunedError::Rule { height, why })) => (height.get(), why.rule()),
        other => panic!("{other:?}"),
    };
    let inflated = with_second_block(&mut test_chain, &operator, reward + 1, |_| {}, |_| {});
    assert!(matches!(audited(inflated), Err(AuditError::Pruned(PrunedError::Supply(_)))));
    let stolen = with_second_block(&mut test_chain, &thief, reward, |_| {}, |_| {});
    let unsealed = PartFault::Unsealed(Height::new(2));
    assert!(
        matches!(audited(stolen), Err(AuditError::Pruned(PrunedError::Part { fault, .. })) if fault == unsealed)
    );
    assert_eq!(rule(with_second_block(&mut test_chain, &operator, reward, unproven, |_| {})), (2, "MW-R13"));
    let early = with_second_block(&mut test_chain, &operator, reward, |_| {}, |p| p.header.time = 1);
    assert_eq!(rule(early), (2, "MW-R19"));
    let offset = |p: &mut Proposal| p.header.total_offset += sotto_mw::group::Scalar::ONE;
    let hidden = with_second_block(&mut test_chain, &operator, reward, |_| {}, offset);
    assert!(matches!(audited(hidden), Err(AuditError::Pruned(PrunedError::Supply(_)))));
}

/// Kernels that no honest block would hold, sealed and pruned.
#[test]
fn the_audit_of_a_pruned_chain_checks_every_kernel() {
    let operator = key(76);
    let rule = |make: &dyn Fn(&mut TestChain) -> Vec<Kernel>| {
        let mut test_chain = TestChain::with(76, |p| p.reorganisation = 0);
        test_chain.mine();
        let kernels = make(&mut test_chain);
        let block = with_kernels(&mut test_chain, &operator, kernels);
        let all = [blocks(&test_chain), vec![block]].concat();
        let mut store = Store::open_on(image(&test_chain.chain, &all), temporary()).unwrap();
        store.prune().unwrap();
        match audit(&store, |_, _| {}) {
            Err(AuditError::Pruned(PrunedError::Rule { height, why })) => (height.get(), why.rule()),
            Err(AuditError::Pruned(PrunedError::Supply(_))) => (0, "supply"),
            other => panic!("{other:?}"),
        }
    };
    let plain =
        |fee, not_after| KernelFeatures::Plain { fee: Amount::new(fee), not_after: Height::new(not_after) };
    let kernel = move |test_chain: &mut TestChain, features| {
        let x = SecretScalar::random(&mut test_chain.rng);
        test_chain.kernel(&x, features)
    };
    let coinbase = move |test_chain: &mut TestChain, height| {
        kernel(test_chain, KernelFeatures::Coinbase { height: Height::new(height) })
    };
    // Nothing is wrong with these kernels but that no outputs belong to them.
    assert_eq!(rule(&move |t| vec![coinbase(t, 2), kernel(t, plain(99, 40))]), (0, "supply"));
    assert_eq!(rule(&move |t| vec![coinbase(t, 2), kernel(t, plain(99, 41))]), (2, "MW-R06"));
    assert_eq!(rule(&move |t| vec![coinbase(t, 2), kernel(t, plain(99, 0))]), (2, "MW-R27"));
    assert_eq!(rule(&move |t| vec![coinbase(t, 2), kernel(t, plain(0, 40))]), (2, "MW-R09"));
    assert_eq!(
        rule(&move |t| vec![coinbase(t, 2), kernel(t, plain(u64::MAX, 40)), kernel(t, plain(9, 40))]),
        (2, "MW-R08")
    );
    assert_eq!(rule(&move |t| vec![coinbase(t, 1)]), (2, "MW-R28"));
    assert_eq!(rule(&move |t| vec![coinbase(t, 2), coinbase(t, 2)]), (2, "MW-R12"));
    assert_eq!(rule(&move |t| vec![kernel(t, plain(99, 40))]), (2, "MW-R12"));
    let unsigned = move |t: &mut TestChain| Kernel { features: plain(98, 40), ..kernel(t, plain(99, 40)) };
    assert_eq!(rule(&move |t| vec![coinbase(t, 2), unsigned(t)]), (2, "MW-R14"));
    let again = |t: &TestChain| t.blocks[0].get().block.body.kernels[0].clone();
    let replayed = move |t: &mut TestChain| Kernel { features: plain(99, 40), ..again(t) };
    assert_eq!(rule(&move |t| vec![coinbase(t, 2), replayed(t)]), (2, "MW-R29"));
    let same_key = move |t: &mut TestChain| {
        let x = t.coins().next().unwrap().blinding.clone();
        t.kernel(&x, plain(99, 40))
    };
    assert_eq!(rule(&move |t| vec![coinbase(t, 2), same_key(t)]), (2, "MW-R29"));
    let channel = move |test_chain: &mut TestChain, distance| {
        let window = Window { not_before: Height::GENESIS, not_after: Height::new(40) };
        kernel(test_chain, KernelFeatures::NoRecentDuplicate { fee: Amount::new(99), window, distance })
    };
    assert_eq!(rule(&move |t| vec![coinbase(t, 2), channel(t, 41)]), (2, "MW-R07"));
    let identity = Excess::from_point(sotto_mw::group::Point::from_bytes([0; 32]).unwrap());
    assert_eq!(rule(&move |t| vec![Kernel { excess: identity, ..coinbase(t, 2) }]), (2, "MW-R04"));
}

/// The second block with these kernels and one reward, sealed whatever it is.
fn with_kernels(test_chain: &mut TestChain, seal_key: &SecretScalar, kernels: Vec<Kernel>) -> Block {
    let Reward { output, kernel } =
        test_chain.coinbase(test_chain.next(), test_chain.chain.params().reward.units());
    let next = NextBlock { transactions: &[], reward: Reward { output, kernel }, time: 2_000, change: None };
    let mut proposal = propose(&test_chain.chain, &test_chain.state, next).unwrap();
    let body = Body::sorted(Vec::new(), core::mem::take(&mut proposal.body.outputs), kernels);
    let mut peaks = test_chain.state.commitments().kernels.clone();
    body.kernels.iter().for_each(|k| peaks.push(k.id()));
    (proposal.header.kernel_count, proposal.header.kernel_root) = (peaks.len(), peaks.root());
    (proposal.header.body_hash, proposal.body) = (sotto_mw::block::body_hash(&body), body);
    let signature = sign(seal_key, &proposal.header.seal_message(test_chain.chain.id()), &mut test_chain.rng);
    proposal.seal(signature)
}

/// A log that is whole, and leads elsewhere than the head says.
#[test]
fn a_log_that_does_not_lead_to_its_head_is_refused() {
    let mut test_chain = TestChain::new(73);
    test_chain.mine();
    let (reward, operator) = (test_chain.chain.params().reward.units(), key(73));
    let opened = |files| Store::open_on(files, temporary()).unwrap_err();
    let outputs = |p: &mut Proposal| p.header.output_root = sotto_mw::hash::Hash::ZERO;
    let lies = with_second_block(&mut test_chain, &operator, reward, |_| {}, outputs);
    assert!(matches!(opened(lies), StoreError::Inconsistent { .. }));
    let body = |p: &mut Proposal| p.header.body_hash = sotto_mw::hash::Hash::ZERO;
    let lies = with_second_block(&mut test_chain, &operator, reward, |_| {}, body);
    assert!(matches!(opened(lies), StoreError::Damaged { file: FileName::Segment(0), .. }));
    let kernels = |p: &mut Proposal| p.header.kernel_root = sotto_mw::hash::Hash::ZERO;
    let lies = with_second_block(&mut test_chain, &operator, reward, |_| {}, kernels);
    assert!(matches!(opened(lies), StoreError::Damaged { file: FileName::Head, .. }));
    // A block is missing between two, or comes twice.
    test_chain.mine();
    test_chain.mine();
    let all = blocks(&test_chain);
    let (one, two, three) = (&all[0], &all[1], &all[2]);
    for records in [vec![one, three], vec![one, two, two, three], vec![two, one, three]] {
        let records: Vec<Block> = records.into_iter().cloned().collect();
        let found = opened(image_of(&test_chain.chain, &records, &all));
        assert!(matches!(found, StoreError::Damaged { file: FileName::Segment(0), .. }), "{found}");
    }
    let short = image_of(&test_chain.chain, &all[..2], &all);
    assert!(matches!(opened(short), StoreError::Inconsistent { .. }));
}
