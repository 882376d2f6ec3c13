//! Seeds of the ledger's and the store's targets.

use super::{Inputs, input};
use crate::{
    fixtures::{
        auditors::{Asking, asking},
        chain::{World, world},
        commitments::{key, range, tree},
        store::snapshot,
    },
    stores::{FILES, RESEAL},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use serde_json::json;
use sotto_audit::OpenedRequest;
use sotto_mw::{
    amount::{Amount, Height},
    block::Block,
    codec::Encode,
    hash::Hash,
    history::TermsChange,
    kernel::{Kernel, KernelFeatures, Notice, Window},
    mmr::Peaks,
    output::Output,
    secret::SecretScalar,
    state::{ChainView, RewindData, Unspent},
    terms::{Announced, Change},
    testing::TestChain,
    transaction::Body,
    trie::Prefix,
    validators::Signatures,
    votes::{Certificate, ProposalClaim, Vote, VoteKind},
};
use sotto_node::{
    consensus::{
        CertifiedHeader, DoubleCertificate, Evidence,
        account::{Account, SignedAccount},
    },
    message::{
        BlockName, Hello, Message,
        compact::Compact,
        opened::{OpenedEntry, OpenedPlace},
        rules,
    },
    peer::{Address, PeerKey},
    rpc::{self, Hex},
    seal::SealedHeader,
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(super) fn inputs(target: &str) -> Option<Inputs> {
    let World { test_chain, payment, block } = world();
    let output = &block.body.outputs[0];
    let one_sided = || {
        test_chain.blocks()[4].body.outputs.iter().find(|o| o.features.keys().is_some()).expect("it is there")
    };
    Some(match target {
        "mw_transaction" => vec![input("payment", payment.to_bytes()), count(payment.to_bytes(), 33)],
        "mw_block" => {
            let empty = test_chain.blocks()[0].to_bytes();
            let one_sided = test_chain.blocks()[4].to_bytes();
            let whole = [("payment", block.to_bytes()), ("empty", empty), ("one-sided", one_sided)];
            let whole = whole.map(|(name, bytes)| input(name, bytes));
            whole.into_iter().chain([count(block.to_bytes(), 289)]).collect()
        }
        "mw_header" => vec![input("next", block.header.to_bytes())],
        "mw_kernel" => kernels(block),
        "mw_output" => {
            let mut extra = output.clone();
            extra.extra = sotto_mw::output::Extra::new(b"extra".to_vec()).unwrap_or_default();
            let outputs = [("plain", output), ("extra", &extra), ("one-sided", one_sided())];
            outputs.map(|(name, o)| input(name, o.to_bytes())).into()
        }
        "mw_unspent" => {
            let unspent = |o: &Output| Unspent { created: Height::new(7), output: o.clone() }.to_bytes();
            vec![input("plain", unspent(output)), input("one-sided", unspent(one_sided()))]
        }
        "mw_rewind_data" => {
            let one_sided = Unspent { created: Height::new(5), output: one_sided().clone() }.rewind_data();
            vec![input("plain", material().to_bytes()), input("one-sided", one_sided.to_bytes())]
        }
        "node_request" => requests(),
        "node_response" => responses(),
        "mw_params" => vec![input("solo", test_chain.chain().params().to_bytes())],
        "mw_field" => fields(),
        "mw_mmr_proof" => [0, 4, 7, 8, 9, 10].map(mmr_proof).into(),
        "mw_peaks" => {
            vec![input("eleven", range().peaks().to_bytes()), input("none", Peaks::new().to_bytes())]
        }
        "mw_trie_proof" => {
            let proof =
                |name, key: Hash| input(name, [&key.as_bytes()[..], &tree().prove(&key).to_bytes()].concat());
            vec![proof("present", key(0)), proof("last", key(10)), proof("absent", key(11))]
        }
        "mw_chunk" => [(0, 0), (1, 0), (1, 1), (3, 5), (8, 0x80), (32, 7)].map(chunk).into(),
        "mw_rules" => steps(),
        "node_store" => (0..8).flat_map(store_file).collect(),
        "node_snapshot" => {
            [("plain", 0), ("resealed", RESEAL)].map(|(name, which)| with(name, which, snapshot())).into()
        }
        "node_message" => messages(),
        "node_equivocations" => equivocations(),
        "node_accounts" => accounts(),
        "node_opened" => requests_file(),
        "node_operator" => operator(),
        _ => return None,
    })
}

/// The kernels of a block, and a notice.
fn kernels(block: &Block) -> Inputs {
    let (notice, not_after) = (Notice { topic: 3, data: block.header.hash() }, Height::new(60));
    let features = KernelFeatures::Notice { fee: Amount::new(9), not_after, notice };
    let notice = Kernel { features, ..block.body.kernels[0].clone() };
    let kernels = block.body.kernels.iter().chain([&notice]);
    kernels.enumerate().map(|(i, k)| numbered(i, k.to_bytes())).collect()
}

/// The data of an output for a scan.
fn material() -> RewindData {
    let output = world().block.body.outputs[0].clone();
    Unspent { created: Height::new(7), output }.rewind_data()
}

/// A request of each kind, and some invalid ones.
fn requests() -> Inputs {
    let World { payment, block, .. } = world();
    let (output, kernel) = (&block.body.outputs[0], &block.body.kernels[0]);
    let several = [rpc::request(1, &rpc::Status {}), rpc::request(2, &rpc::Stop {})].join(&b","[..]);
    vec![
        input("status", rpc::request(1, &rpc::Status {})),
        input("submit", rpc::request(2, &rpc::Submit { transaction: Hex(payment.clone()) })),
        input("headers", rpc::request(3, &rpc::Headers { first: 1, most: 2 })),
        input("output", rpc::request(4, &rpc::Output { commitment: Hex(output.commitment) })),
        input("kernel", rpc::request(5, &rpc::Kernel { excess: Hex(kernel.excess) })),
        input("unspent", rpc::request(6, &rpc::Unspent { depth: 3, index: 1 })),
        input("several", [b"[", &several[..], b"]"].concat()),
        input("notified", r#"{"jsonrpc": "2.0", "method": "peers"}"#),
        input("unknown", r#"{"jsonrpc": "2.0", "id": "a", "method": "none", "params": {}}"#),
        input("deep", "[".repeat(200)),
        input("nothing", "[[], {}, 7, null]"),
    ]
}

/// A response to a scanning wallet, and a refusal.
fn responses() -> Inputs {
    let state = world().test_chain.state();
    let proof = state.commitments().outputs.chunk(Prefix::new(0, 0).unwrap()).proof;
    let header = state.tip();
    let tip = rpc::TipRecord { height: header.height.get(), hash: Hex(header.hash()) };
    let record = rpc::UnspentRecord { outputs: vec![Hex(material())], proof: Hex(proof), tip };
    let told = |outcome| rpc::response(&json!(7), outcome).to_string();
    vec![
        input("outputs", told(Ok(serde_json::to_value(record).unwrap()))),
        input("refused", told(Err(rpc::Fault::Method))),
        input("empty", told(Ok(json!({})))),
    ]
}

fn numbered(i: usize, bytes: Vec<u8>) -> (String, Vec<u8>) {
    (format!("{i}"), bytes)
}

/// A count of four billion at this offset.
fn count(mut bytes: Vec<u8>, at: usize) -> (String, Vec<u8>) {
    bytes.splice(at..at + 4, [0xff; 4]);
    input("many", bytes)
}

/// One of each of the small types, in the order of the target's list.
fn fields() -> Inputs {
    let World { block, .. } = world();
    let (output, kernel) = (&block.body.outputs[0], &block.body.kernels[0]);
    let (window, fee) = (Window { not_before: Height::new(4), not_after: Height::new(8) }, Amount::new(9));
    let values = [
        7u64.to_bytes(),
        fee.to_bytes(),
        Height::new(3).to_bytes(),
        block.header.hash().to_bytes(),
        world().test_chain.chain().id().to_bytes(),
        output.commitment.point().to_bytes(),
        Encode::to_bytes(&world().payment.offset),
        output.commitment.to_bytes(),
        kernel.excess.to_bytes(),
        world().test_chain.chain().params().operator().unwrap().to_bytes(),
        output.proof.to_bytes(),
        kernel.signature.to_bytes(),
        window.to_bytes(),
        KernelFeatures::NoRecentDuplicate { fee, window, distance: 5 }.to_bytes(),
        Body { outputs: Vec::new(), ..block.body.clone() }.to_bytes(),
    ];
    let tagged = values.into_iter().zip(0u8..).map(|(bytes, i)| (i, [&[i], &bytes[..]].concat()));
    let mut all: Inputs = tagged.map(|(i, bytes)| (format!("{i:02}"), bytes)).collect();
    // p = 2²⁵⁵ − 19 is a second encoding of zero; ℓ + 0 is a scalar that is not reduced.
    let p = [&[5, 0xed][..], &[0xff; 30], &[0x7f]].concat();
    let l = [
        &[6, 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58][..],
        &[0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14],
    ]
    .concat();
    let l = [&l[..], &[0; 15], &[0x10]].concat();
    all.extend([input("point-p", p), input("scalar-l", l)]);
    all
}

fn mmr_proof(i: u8) -> (String, Vec<u8>) {
    let proof = range().prove(i.into()).expect("a leaf");
    (format!("{i:02}"), [&[i], &proof.to_bytes()[..]].concat())
}

fn chunk((depth, index): (u8, u32)) -> (String, Vec<u8>) {
    let prefix = Prefix::new(depth, index).expect("a prefix");
    (format!("{depth}-{index}"), tree().chunk(prefix).to_bytes())
}

/// A step with a length and that many bytes.
fn step(code: u8, bytes: &[u8]) -> Vec<u8> {
    let n = u16::try_from(bytes.len()).expect("a short item");
    [&[code][..], &n.to_le_bytes(), bytes].concat()
}

fn steps() -> Inputs {
    let World { test_chain, payment, block } = world();
    let (payment_bytes, block_bytes) = (payment.to_bytes(), block.to_bytes());
    let old = &test_chain.blocks()[4];
    let mut unpaid = block.body.clone();
    unpaid.inputs.clear();
    let again = [step(1, &block_bytes), vec![6], step(1, &block_bytes), step(0, &payment_bytes)].concat();
    vec![
        input("pool", step(0, &payment_bytes)),
        input("block", step(1, &block_bytes)),
        input("undo", again),
        input("in-block", step(5, &payment_bytes)),
        input("old-block", step(1, &old.to_bytes())),
        input("forged", step(4, &old.body.to_bytes())),
        input("unpaid", step(4, &unpaid.to_bytes())),
        input("nothing", step(4, &[0; 12])),
        input("changed", [[2, 40, 0, 1], [2, 200, 0, 128], [3, 60, 1, 4], [2, 5, 0, 0]].concat()),
        input("changed-block", [[3, 9, 0, 1], [3, 20, 1, 0], [6, 6, 3, 0]].concat()),
    ]
}

fn with(name: &str, which: u8, bytes: &[u8]) -> (String, Vec<u8>) {
    input(name, [&[which], bytes].concat())
}

fn store_file(i: u8) -> Inputs {
    let (image, file) = FILES[usize::from(i)];
    let bytes = image().files.bytes(file).expect("a file of the image");
    vec![with(&format!("{i}-{file}"), i, &bytes), with(&format!("{i}-{file}-resealed"), i | RESEAL, &bytes)]
}

/// One message of each kind, and counts above their limits.
fn messages() -> Inputs {
    let World { test_chain, payment, block } = world();
    let (sealed, name) = (SealedHeader::of(block), BlockName::of(&block.header));
    let hello = Hello { chain: *test_chain.chain().id(), rules: rules(), listen_port: Some(9) };
    let address = |ip: IpAddr| Address { at: (ip, 7).into(), key: PeerKey([9; 32]) };
    let addresses = [address(Ipv4Addr::LOCALHOST.into()), address(Ipv6Addr::LOCALHOST.into())];
    let (outputs, kernels) = (block.body.outputs.clone(), block.body.body_kernels().collect());
    let ids = vec![name.hash; 3];
    let all = [
        Message::Hello(hello),
        Message::Ping(7),
        Message::Pong(7),
        Message::GetAddresses,
        Message::Addresses(addresses.to_vec()),
        Message::Stem(payment.clone()),
        Message::Announce(ids.clone()),
        Message::GetTransactions(ids),
        Message::Transaction(payment.clone()),
        Message::Tip(sealed.clone()),
        Message::GetHeaders(vec![name; 2]),
        Message::Headers(vec![sealed.clone(); 2]),
        Message::GetCompact(name),
        Message::Compact(Compact::of(block, 5).expect("a block with a reward")),
        Message::GetItems { block: name, outputs: vec![0, 2], kernels: vec![1] },
        Message::Items { block: name, outputs, kernels },
        Message::GetBlock(name),
        Message::Block { sealed: sealed.clone(), body: block.body.to_bytes() },
        Message::GetSnapshots,
        Message::Snapshots(vec![sealed; 2]),
        Message::GetPart { block: name.hash, place: 3 },
        Message::Part { block: name.hash, place: 3, bytes: vec![1, 2, 3] },
        Message::NotFound(name),
    ];
    let named = all.iter().enumerate().map(|(i, m)| (format!("{i:02}"), m.to_bytes()));
    let named = named.chain([input("29", Message::GetTerms(Height::new(3)).to_bytes())]);
    let named = named.chain([input("30", Message::Terms(vec![terms_change()]).to_bytes())]);
    let named =
        named.chain(opened().into_iter().zip(31..).map(|(m, kind)| (format!("{kind}"), m.to_bytes())));
    let evidence = evidence().map(|e| Message::Evidence(e).to_bytes());
    let named = named.chain(
        ["votes", "proposals"]
            .into_iter()
            .zip(evidence)
            .map(|(name, bytes)| input(&format!("28-{name}"), bytes)),
    );
    let many = [(6, 2), (11, 2), (14, 42), (19, 2)].map(|(kind, at)| {
        let mut bytes: Vec<u8> = all.get(kind).map(Encode::to_bytes).unwrap_or_default();
        bytes.splice(at..at + 2, [0xff; 2]);
        input(&format!("{kind:02}-many"), bytes)
    });
    let twice = Message::GetItems { block: name, outputs: vec![2, 2], kernels: vec![] }.to_bytes();
    named.chain(many).chain([input("14-twice", twice)]).collect()
}

/// What peers say of a request that auditors handed out: messages 31 to 34.
fn opened() -> [Message; 4] {
    let Asking { charter, letter, .. } = asking();
    let name = letter.request().name(world().test_chain.chain().id());
    let place = OpenedPlace { height: Height::new(4), name };
    let entries = vec![OpenedEntry { place, recorded: true }, OpenedEntry { place, recorded: false }];
    let request = Message::Request(Box::new(OpenedRequest { charter, letter }));
    [Message::GetOpened(OpenedPlace::FIRST), Message::Opened(entries), Message::GetRequest(place), request]
}

/// Files of requests that auditors handed out, by the layout of `docs/FORMATS.md`.
fn requests_file() -> Inputs {
    let (chain, Asking { charter, letter, .. }) = (world().test_chain.chain().id(), asking());
    let sized = |bytes: &[u8]| {
        let length = u32::try_from(bytes.len()).expect("short");
        [&length.to_le_bytes()[..], bytes].concat()
    };
    let file = |charter: &str, heights: &[u64]| {
        let count = u32::try_from(heights.len()).expect("few");
        let head = [&[1][..], chain.as_bytes(), &sized(charter.as_bytes()), &count.to_le_bytes()].concat();
        let kept =
            heights.iter().map(|height| [&height.to_le_bytes()[..], &sized(&letter.to_bytes())].concat());
        [head, kept.collect::<Vec<_>>().concat(), vec![0; 32]].concat()
    };
    let charter = charter.to_text();
    vec![
        input("none", file("", &[])),
        input("one", file(&charter, &[4])),
        input("twice", file(&charter, &[4, 5])),
        input("without-charter", file("", &[4])),
    ]
}

/// Validators that announce other rules.
fn terms_change() -> TermsChange {
    let mut chain = TestChain::with_validators(5, 4);
    let change = chain.change(Change::Rules(Announced { from: Height::new(900), what: 9 }), Height::new(9));
    chain.grow_with(Vec::new(), Some(change));
    let sealed = SealedHeader::of(chain.blocks().last().expect("a block"));
    TermsChange { sealed, terms: chain.chain().terms().clone() }
}

/// A validator that voted twice, and one that proposed twice.
fn evidence() -> [Evidence; 2] {
    let (chain, mut rng) = (*world().test_chain.chain().id(), ChaCha20Rng::seed_from_u64(3));
    let (key, height) = (SecretScalar::random(&mut rng), Height::new(4));
    let values = [Hash::from_bytes([1; 32]), Hash::from_bytes([2; 32])];
    let [a, b] = values.map(|value| {
        Vote { kind: VoteKind::Precommit, height, round: 1, value: Some(value) }.sign(&chain, &key, &mut rng)
    });
    let height = height.next();
    let [c, d] = values
        .map(|value| ProposalClaim { height, round: 0, pol_round: None, value }.sign(&chain, &key, &mut rng));
    [Evidence::votes(a, b), Evidence::proposals(c, d)]
}

/// Files of evidence, by the layout of `docs/FORMATS.md`.
fn equivocations() -> Inputs {
    let chain = world().test_chain.chain().id();
    let file = |all: &[&Evidence], doubles: &[DoubleCertificate]| {
        let count = u32::try_from(all.len()).expect("few");
        let mut out = [&[1][..], chain.as_bytes(), &count.to_le_bytes()].concat();
        all.iter().for_each(|e| e.encode(&mut out));
        out.push(u8::try_from(doubles.len()).expect("few"));
        doubles.iter().for_each(|d| d.encode(&mut out));
        [out, vec![0; 32]].concat()
    };
    let [votes, proposals] = &evidence();
    let signature = match votes {
        Evidence::Votes(vote, _) => vote.signature,
        Evidence::Proposals(proposal, _) => proposal.signature,
    };
    let signatures = Signatures::new(2, vec![(0, signature), (1, signature)]).expect("two of two");
    let sealed = |value| CertifiedHeader {
        header: Hash::from_bytes([value; 32]),
        certificate: Certificate { round: 0, signatures: signatures.clone() },
    };
    let double = DoubleCertificate::new(Height::new(4), sealed(1), sealed(2));
    vec![
        input("none", file(&[], &[])),
        input("two-cases", file(&[votes, proposals], &[])),
        input("two-certificates", file(&[proposals], std::slice::from_ref(&double))),
        input("repeated", file(&[votes, votes], &[])),
        input("height-twice", file(&[], &[double.clone(), double])),
    ]
}

/// Files of accounts, by the layout of `docs/FORMATS.md`: of nobody, of a validator that followed a polka, and of two.
fn accounts() -> Inputs {
    let (chain, mut rng) = (*world().test_chain.chain().id(), ChaCha20Rng::seed_from_u64(4));
    let [locked, later] = [Hash::from_bytes([1; 32]), Hash::from_bytes([2; 32])];
    let (prevote, precommit) = (VoteKind::Prevote, VoteKind::Precommit);
    let mut account = |height| {
        let key = SecretScalar::random(&mut rng);
        let signature = sotto_mw::schnorr::sign(&key, b"a prevote", &mut rng);
        let polka = Signatures::new(2, vec![(0, signature), (1, signature)]).expect("two of two");
        let account = Account {
            height: Height::new(height),
            voter: sotto_mw::schnorr::PublicKey::of(&key),
            votes: [((0, precommit), locked), ((2, prevote), later), ((2, precommit), later)].into(),
            polkas: [((0, locked), polka.clone()), ((1, later), polka.clone()), ((2, later), polka)].into(),
        };
        account.sign(&chain, &key, &mut rng)
    };
    let file = |all: &[&SignedAccount]| {
        let count = u16::try_from(all.len()).expect("few");
        let mut out = [&[1][..], chain.as_bytes(), &count.to_le_bytes()].concat();
        all.iter().for_each(|a| a.encode(&mut out));
        [out, vec![0; 32]].concat()
    };
    let (first, second) = (account(4), account(9));
    vec![
        input("none", file(&[])),
        input("one", file(&[&first])),
        input("two", file(&[&first, &second])),
        input("not-in-order", file(&[&second, &first])),
    ]
}

/// The layout is `docs/FORMATS.md`'s: "SKEY" ‖ version ‖ scalar ‖ check.
fn operator() -> Inputs {
    let file = |secret: [u8; 32]| [&[1][..], b"SKEY", &[1], &secret, &[0; 32]].concat();
    vec![input("key", file([3; 32])), input("zero", file([0; 32])), input("unreduced", file([0xff; 32]))]
}
