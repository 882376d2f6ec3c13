//! A running node as seen by programs on its machine: its responses are valid, match docs/openrpc.json, and
//! require the token.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the functions that tests share fail as tests do")]

#[path = "support/http.rs"]
mod http;
#[path = "support/openrpc.rs"]
mod openrpc;
#[path = "support/requests.rs"]
mod requests;

use http::http;
use openrpc::Document;
use rand_core::OsRng;
use serde_json::{Value, json};
use sotto_link::{Identity, web::Cover};
use sotto_mw::{
    amount::Height,
    chain::Params,
    hash::Hash,
    history::History,
    state::{RewindData, Unspent},
    terms::{Announced, Change},
    testing::TestChain,
    transaction::Transaction,
    trie::Prefix,
};
use sotto_node::{
    config::Config,
    edge::{
        client::{Client, ClientError},
        daemon::{Daemon, Setup},
        light::{LightClient, LightError},
        net,
        rpc::{Answer, Server, TOKEN_FILE, Token},
    },
    event::Request,
    ledger::Ledger,
    light,
    peer::PeerKey,
    rpc::{self, Call, Code, Hex},
};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::{collections::BTreeSet, fs, path::PathBuf, sync::Arc, thread};
use tempfile::TempDir;

/// A node without peers, its folder, and the chain it keeps.
struct World {
    chain: TestChain,
    payment: Transaction,
    dir: TempDir,
    node: Option<Daemon>,
}

impl World {
    fn new(blocks: u64) -> Self {
        Self::behind(blocks, 0)
    }

    /// The same for a node without the last blocks.
    fn behind(blocks: u64, unheard: usize) -> Self {
        let mut chain = TestChain::new(blocks);
        let coin = chain.grow(Vec::new());
        chain.mature();
        let (first, made) = chain.pay(&[&coin], &[5_000_000, 6_000_000]);
        chain.grow(vec![first]);
        let (payment, _) = chain.pay(&[&made[0]], &[5]);
        while (chain.blocks().len() as u64) < blocks {
            chain.grow(Vec::new());
        }
        let dir = tempfile::tempdir().unwrap();
        let params: Params = chain.chain().params().clone();
        let mut ledger = Ledger::create(&dir.path().join("chain"), params).unwrap();
        let heard = chain.blocks().len() - unheard;
        chain.blocks().iter().take(heard).for_each(|b| drop(ledger.connect(b.clone()).unwrap()));
        let identity = Identity::from_seed(&[1; 32]);
        let net = net::Setup { identity, listen: None, inbound: 0, from_one: 0, cover: Cover::Sparse };
        let rpc = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        let setup = Setup {
            config: Config::new(PeerKey([0; 32])),
            net,
            rpc,
            dir: dir.path().join("node"),
            validator: None,
            recovered: None,
        };
        let node = Daemon::start(setup, ledger, None).unwrap();
        Self { chain, payment, dir, node: Some(node) }
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("node")
    }

    fn client(&self) -> Client {
        Client::of_folder(&self.folder()).unwrap()
    }

    fn url(&self) -> String {
        self.node.as_ref().unwrap().rpc().unwrap().url().to_owned()
    }

    fn token(&self) -> String {
        fs::read_to_string(self.folder().join(TOKEN_FILE)).unwrap().trim_end().to_owned()
    }

    /// The same for a request with the token and these additional headers.
    fn post(&self, headers: &str, body: &str) -> (u16, String) {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n{headers}\r\n",
            self.token(),
            body.len()
        );
        http(&self.url(), format!("{head}{body}").as_bytes())
    }

    fn json(&self, request: &Value) -> Value {
        let (status, body) = self.post("Content-Type: application/json\r\n", &request.to_string());
        assert_eq!(status, 200, "{request}");
        serde_json::from_str(&body).unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(node) = self.node.take() {
            let _ = node.handle().ask(Request::Stop);
            let _ = node.wait();
        }
    }
}

/// Everything that a wallet requests, compared with the chain of the test.
#[test]
fn a_light_client_sees_the_chain() {
    let world = World::new(9);
    let light = LightClient::new(world.client()).unwrap();
    let (chain, tip) = (&world.chain, world.chain.blocks().last().unwrap());
    assert_eq!((light.chain(), light.tip()), (chain.chain(), tip.header.clone()));
    let mut ours: Vec<_> = chain.state().all_unspent().map(|u| u.rewind_data()).collect();
    ours.sort_unstable_by_key(RewindData::key);
    assert_eq!(light.unspent(None).unwrap(), ours);
    for (n, u) in ours.iter().enumerate() {
        assert_eq!(light.unspent(Some(&u.key())).unwrap(), ours[n + 1..]);
    }
    for b in chain.blocks().iter().rev() {
        assert_eq!(light.block(b.header.height).unwrap().as_ref(), Some(b));
        for k in &b.body.kernels {
            let found = light.kernel(&k.excess).unwrap().unwrap();
            assert_eq!((found.found.height, &found.found.kernel), (b.header.height, k));
        }
    }
    let fresh = LightClient::new(world.client()).unwrap();
    assert_eq!(fresh.header(Height::new(2)).unwrap().as_ref(), Some(&chain.blocks()[1].header));
    assert_eq!(fresh.header(Height::GENESIS).unwrap().unwrap().hash(), chain.blocks()[0].header.previous);
    assert_eq!(fresh.header(tip.header.height.next()).unwrap(), None);
    assert!(fresh.kernel(&world.payment.body.kernels[0].excess).unwrap().is_none());
    assert_eq!(fresh.block(tip.header.height.next()).unwrap(), None);
    for u in chain.state().all_unspent() {
        let c = u.output.commitment;
        let answer = world.client().ask(&rpc::Output { commitment: Hex(c) }).unwrap();
        let found = answer.unspent.map(|Hex(u)| u);
        assert_eq!(light::output(&tip.header, &c, found.as_ref(), &answer.proof.0), Ok(()));
        assert_eq!(found.as_ref(), Some(u));
        assert!(light::output(&tip.header, &c, None, &answer.proof.0).is_err());
    }
}

/// Every response is valid under a sealed header, but the outputs are those of an earlier state.
#[test]
fn a_node_cannot_answer_from_an_earlier_state() {
    let (now, before) = (World::new(9), World::behind(9, 1));
    let front = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", front.local_addr().unwrap());
    let client = || Client::of_url(&url, Token::read(&now.folder().join(TOKEN_FILE)).unwrap()).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            for stream in front.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                let Some(request) = request(&mut stream) else { break };
                let past = request["method"] == "unspent";
                let body = if past { &before } else { &now }.json(&request).to_string();
                let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length";
                write!(stream.get_mut(), "{head}: {}\r\n\r\n{body}", body.len()).unwrap();
            }
        });
        let light = LightClient::new(client()).unwrap();
        assert_eq!(light.tip().height.get(), 9);
        let refused = light.unspent(None).unwrap_err();
        assert!(matches!(refused, LightError::Invalid(light::InvalidResponse::Regression)), "{refused}");
        assert_eq!(light.tip().height.get(), 9);
        drop(TcpStream::connect(front.local_addr().unwrap()).unwrap());
    });
}

/// A client's request; `None` if it closes the connection.
fn request(stream: &mut BufReader<TcpStream>) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        match line.trim_end().split_once(": ") {
            Some((name, n)) if name.eq_ignore_ascii_case("content-length") => length = n.parse().unwrap(),
            None if line == "\r\n" || line.is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    serde_json::from_slice(&body).ok()
}

/// A transaction can be submitted twice, and a refusal has the number of its rule.
#[test]
fn transactions_are_submitted() {
    let world = World::new(9);
    let light = LightClient::new(world.client()).unwrap();
    let id = light.submit(world.payment.clone()).unwrap();
    assert_eq!(
        light.submit(world.payment.clone()).unwrap(),
        id,
        "the same response whether it was known or not"
    );
    let mut bad = world.payment.clone();
    bad.body.outputs.clear();
    let Err(LightError::Client(refused)) = light.submit(bad) else { panic!("it was taken") };
    assert!(refused.is(Code::Rule) && refused.to_string().starts_with("MW-R"), "{refused}");
}

#[test]
fn a_stopped_node_leaves_nothing_behind() {
    let mut world = World::new(5);
    let client = world.client();
    client.ask(&rpc::Stop {}).unwrap();
    world.node.take().unwrap().wait().unwrap();
    assert!(!world.folder().join(TOKEN_FILE).exists());
    assert!(matches!(
        client.ask(&rpc::Status {}),
        Err(ClientError::Unreachable { .. } | ClientError::Broken { .. })
    ));
    assert!(matches!(Client::of_folder(&world.folder()), Err(ClientError::Token(_))));
}

#[test]
fn requests_without_authorisation_are_rejected() {
    let world = World::new(5);
    let json = "Content-Type: application/json\r\n";
    let status = r#"{"jsonrpc": "2.0", "id": 1, "method": "status"}"#;
    assert_eq!(world.post(json, status).0, 200);
    assert_eq!(world.post("", status).0, 415);
    assert_eq!(world.post("Content-Type: text/plain\r\n", status).0, 415);
    assert_eq!(world.post(&format!("{json}Origin: http://localhost\r\n"), status).0, 403);
    let token = world.token();
    let ask = |line: &str, host: &str, token: &str| {
        let head = format!(
            "{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        http(&world.url(), head.as_bytes())
    };
    assert_eq!(ask("GET /metrics", "evil.example", &token).0, 421);
    assert_eq!(ask("GET /metrics", "127.0.0.1.evil.example:80", &token).0, 421);
    assert_eq!(ask("GET /metrics", "127.0.0.1", &"0".repeat(64)).0, 401);
    assert_eq!(ask("GET /metrics", "127.0.0.1", "").0, 401);
    assert_eq!(ask("POST /", "127.0.0.1", &token.to_uppercase()).0, 401);
    assert_eq!(ask("GET /", "127.0.0.1", &token).0, 405);
    assert_eq!(ask("OPTIONS /", "127.0.0.1", &token).0, 405);
    assert_eq!(ask("GET /elsewhere", "127.0.0.1", &token).0, 404);
    assert_eq!(ask("GET /health", "localhost:1", "").0, 200);
    let (code, page) = ask("GET /metrics", "[::1]:1", &token);
    assert_eq!(code, 200);
    assert!(
        page.contains("\nsotto_height 5\n")
            && page.contains("sotto_rpc_requests_total{outcome=\"rejected\"}")
    );
    assert!(page.lines().all(|l| l.starts_with("# ") || l.split(' ').count() == 2), "{page}");
    let long = "x".repeat(rpc::MAX_REQUEST + 1);
    assert_eq!(world.post(json, &long).0, 413);
    assert_eq!(http(&world.url(), b"\x16\x03\x01 no web request\r\n\r\n").0, 400);
    assert_eq!(
        http(
            &world.url(),
            format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(20_000)).as_bytes()
        )
        .0,
        431
    );
    let stranger = world.dir.path().join("token");
    fs::write(&stranger, "0".repeat(64)).unwrap();
    fs::set_permissions(&stranger, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let client = |url: &str| Client::of_url(url, Token::read(&stranger).unwrap());
    let refused = client(&world.url()).unwrap().ask(&rpc::Status {});
    assert!(matches!(refused, Err(ClientError::Unauthorised(_))));
    for url in
        ["", "https://127.0.0.1:1", "http://192.0.2.1:80", "http://127.0.0.1", "http://evil.example:80"]
    {
        assert!(matches!(client(url), Err(ClientError::Address(_))), "{url}");
    }
    // The node still responds.
    world.client().ask(&rpc::Status {}).unwrap();
}

#[test]
fn faults_have_codes() {
    let world = World::new(5);
    let code = |request: Value| world.json(&request)["error"]["code"].as_i64().unwrap();
    assert_eq!(code(json!([])), Code::Request as i64);
    assert_eq!(code(json!({ "jsonrpc": "2.0", "id": 1, "method": "none" })), Code::Method as i64);
    let wide =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "unspent", "params": { "depth": 1, "index": 2 } });
    assert_eq!(code(wide), Code::Params as i64);
    let several = json!([
        { "jsonrpc": "2.0", "id": "a", "method": "header", "params": { "height": 0 } },
        { "jsonrpc": "2.0", "method": "status" },
        7,
    ]);
    let answers = world.json(&several);
    assert_eq!(answers[0], json!({ "jsonrpc": "2.0", "id": "a", "result": { "header": null } }));
    assert_eq!((answers[1]["error"]["code"].as_i64(), answers.as_array().unwrap().len()), (Some(-32_600), 2));
    let notified = r#"{"jsonrpc": "2.0", "method": "status"}"#;
    assert_eq!(world.post("Content-Type: application/json\r\n", notified), (204, String::new()));
}

/// What a method is called with.
fn calls(world: &World, name: &str) -> Vec<Value> {
    let chain = &world.chain;
    let kernel = chain.blocks()[0].body.kernels[0].excess;
    let (there, absent) = (chain.state().all_unspent().next().unwrap(), &world.payment.body.outputs[0]);
    match name {
        "submit" => vec![json!({ "transaction": Hex(world.payment.clone()) })],
        "submit_change" => {
            let mut other = TestChain::with_validators(9, 4);
            let announce = Change::Rules(Announced { from: Height::new(99), what: 9 });
            vec![json!({ "change": Hex(other.change(announce, Height::new(9))) })]
        }
        "terms" => vec![json!({ "first": 0, "most": 9 })],
        "open_request" => vec![json!({ "request": Hex(requests::Requests::new(1).public(1).remove(0)) })],
        "opened_requests" => vec![json!({ "height": 0, "name": Hex(Hash::ZERO) })],
        "block" | "header" => [0, 3, 99].map(|h| json!({ "height": h })).to_vec(),
        "headers" => [(0, 9), (2, 3), (99, 1)].map(|(n, m)| json!({ "first": n, "most": m })).to_vec(),
        "output" => {
            [there.output.commitment, absent.commitment].map(|c| json!({ "commitment": Hex(c) })).to_vec()
        }
        "kernel" => {
            [kernel, world.payment.body.kernels[0].excess].map(|e| json!({ "excess": Hex(e) })).to_vec()
        }
        "unspent" => {
            [(0, 0), (1, 0), (32, 5)].map(|(depth, index)| json!({ "depth": depth, "index": index })).to_vec()
        }
        _ => vec![json!({})],
    }
}

#[test]
fn the_document_matches_the_code() {
    let (world, document) = (World::new(9), Document::read());
    let names: Vec<_> = document.methods().iter().map(|m| m["name"].as_str().unwrap()).collect();
    assert_eq!(names, Call::NAMES);
    for method in document.methods() {
        let name = method["name"].as_str().unwrap();
        let params = method["params"].as_array().unwrap();
        for given in calls(&world, name) {
            let drawn: BTreeSet<_> = params.iter().map(|p| p["name"].as_str().unwrap()).collect();
            let keys: BTreeSet<_> = given.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(keys, drawn, "{name}");
            let fits = |p: &Value| document.fits(&p["schema"], &given[p["name"].as_str().unwrap()]);
            assert!(params.iter().all(fits), "{name}");
            document.refuses_others(params, &given, &|given| Call::new(name, given).is_err());
            let answer = world.json(&json!({ "jsonrpc": "2.0", "id": 1, "method": name, "params": given }));
            match name {
                "submit_change" => assert_eq!(answer["error"]["data"]["rule"], "MW-R40", "{answer}"),
                "open_request" => {
                    let why = answer["error"]["message"].as_str().unwrap();
                    assert_eq!(why, "the charter is not that of this chain");
                }
                _ => {
                    assert!(document.fits(&method["result"]["schema"], &answer["result"]), "{name}: {answer}")
                }
            }
        }
        assert!(method["errors"].as_array().unwrap().iter().all(|e| document.resolved(e)["code"].is_i64()));
    }
    let errors = document.components()["errors"].as_object().unwrap();
    let drawn: BTreeSet<_> = errors.values().map(|e| e["code"].as_i64().unwrap()).collect();
    assert_eq!(drawn, Code::ALL.map(|c| c as i64).into_iter().collect());
}

/// No altered response is accepted.
#[test]
fn invalid_responses_are_detected() {
    let world = World::new(9);
    let (chain, client) = (&world.chain, world.client());
    let [before, tip] = [&chain.blocks()[7], &chain.blocks()[8]].map(|b| b.header.clone());
    let prefix = Prefix::new(0, 0).unwrap();
    let answer = client.ask(&rpc::Unspent { depth: 0, index: 0 }).unwrap();
    let outputs: Vec<_> = answer.outputs.into_iter().map(|Hex(u)| u).collect();
    let proof = answer.proof.0;
    assert_eq!(light::outputs(&tip, prefix, &outputs, &proof), Ok(()));
    assert!(light::outputs(&before, prefix, &outputs, &proof).is_err(), "another state");
    for n in 0..outputs.len() {
        let mut fewer = outputs.clone();
        let hidden = fewer.remove(n);
        assert!(light::outputs(&tip, prefix, &fewer, &proof).is_err(), "an output is missing");
        fewer.insert(n, RewindData { created: hidden.created.next(), ..hidden.clone() });
        assert!(light::outputs(&tip, prefix, &fewer, &proof).is_err(), "an output has the wrong height");
        fewer[n] = RewindData { rest: Hash::ZERO, ..hidden };
        assert!(light::outputs(&tip, prefix, &fewer, &proof).is_err(), "another proof");
    }
    let unspent: &Unspent = chain.state().all_unspent().next().unwrap();
    let c = unspent.output.commitment;
    let answer = client.ask(&rpc::Output { commitment: Hex(c) }).unwrap();
    assert!(light::output(&before, &c, Some(unspent), &answer.proof.0).is_err());
    let sealed = |h: u64| client.ask(&rpc::Header { height: h }).unwrap().header.unwrap().0;
    let mut headers: Vec<_> = (1..9).map(sealed).collect();
    assert_eq!(light::chain(&headers, &tip), Ok(()));
    headers.remove(3);
    assert_eq!(light::chain(&headers, &tip), Err(light::InvalidResponse::Chain));
    let name = sotto_node::message::BlockName::of(&tip);
    assert!(light::header(&History::new(chain.chain()), name, Some(sealed(9))).is_ok());
    assert_eq!(
        light::header(&History::new(chain.chain()), name, Some(sealed(8))),
        Err(light::InvalidResponse::OtherHeader)
    );
    assert_eq!(
        light::header(&History::new(chain.chain()), name, None),
        Err(light::InvalidResponse::OtherHeader)
    );
    let mut forged = sealed(9);
    forged.header.output_root = Hash::ZERO;
    assert_eq!(
        light::header(&History::new(chain.chain()), name, Some(forged)),
        Err(light::InvalidResponse::Seal)
    );
    let kernel = &chain.blocks()[8].body.kernels[0];
    let here = before.kernel_count..tip.kernel_count;
    let found = LightClient::new(world.client()).unwrap().kernel(&kernel.excess).unwrap().unwrap().found;
    assert_eq!(light::kernel(&tip, &kernel.excess, &found, here.clone()), Ok(()));
    let earlier = chain.blocks()[6].header.kernel_count..before.kernel_count;
    assert_eq!(
        light::kernel(&tip, &kernel.excess, &found, earlier),
        Err(light::InvalidResponse::OtherKernel)
    );
    let other = chain.blocks()[0].body.kernels[0].excess;
    assert_eq!(light::kernel(&tip, &other, &found, here.clone()), Err(light::InvalidResponse::OtherKernel));
    assert!(light::kernel(&before, &kernel.excess, &found, here).is_err());
    assert_eq!(light::block(&before, &chain.blocks()[8]), Err(light::InvalidResponse::Block));
    let mut emptied = chain.blocks()[8].clone();
    emptied.body.outputs.clear();
    assert_eq!(light::block(&tip, &emptied), Err(light::InvalidResponse::Block));
}

/// A server of a program's own calls hears only who has its token, answers what the program answers, and leaves
/// no file behind.
#[test]
fn a_programs_calls_are_served_as_a_nodes_are() {
    let dir = tempfile::tempdir().unwrap();
    let answer = |body: &[u8]| match body {
        b"1" => Answer::Response(json!({ "result": 1 })),
        b"2" => Answer::Nothing,
        _ => Answer::Busy,
    };
    let server = Server::of_calls(dir.path(), 64, Arc::new(answer), &mut OsRng).unwrap();
    let token = fs::read_to_string(server.token_file()).unwrap();
    let good = [
        "POST / HTTP/1.1",
        "Host: 127.0.0.1:9",
        &format!("Authorization: Bearer {}", token.trim()),
        "Content-Type: application/json",
        "Content-Length: 1",
    ];
    let ask = |lines: &[&str], body: &str| {
        let head = lines.join("\r\n") + "\r\nConnection: close\r\n\r\n";
        http(server.url(), format!("{head}{body}").as_bytes())
    };
    assert_eq!(ask(&good, "1"), (200, r#"{"result":1}"#.to_owned()));
    assert_eq!(ask(&good, "2"), (204, String::new()));
    assert_eq!(ask(&good, "3").0, 503);
    for (line, other, status) in [
        (0, "GET / HTTP/1.1", 405),
        (0, "POST /x HTTP/1.1", 404),
        (0, "POST /", 400),
        (1, "Host: evil.example", 421),
        (1, "Host: localhost\r\nOrigin: https://evil.example", 403),
        (2, "Authorization: Bearer wrong", 401),
        (2, "X: y", 401),
        (3, "Content-Type: text/plain", 415),
        (4, "Content-Length: +1", 400),
        (4, "Content-Length: 65", 413),
    ] {
        let mut lines = good;
        lines[line] = other;
        assert_eq!(ask(&lines, "1").0, status, "{other}");
    }
    drop(server);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "the files are gone");
}
