//! The test vector of a group that responds to an invite: `SOTTO_VECTORS=write` writes it.

use crate::group_wallet::{
    audited,
    world::{Party, World, honest, these},
};
use sotto_keys::Step;
use sotto_mw::{codec::Encode, group::Scalar};
use sotto_vectors::{Value, json};
use sotto_wallet::group::GroupAnswer;

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

/// The bodies of a step's letters, by sender.
fn bodies(party: &Party, step: Step) -> Vec<Value> {
    let letters = party.log.letters().filter(|l| l.heading().step == step);
    letters.map(|l| json!({ "member": l.heading().from.get(), "body": hex(l.body()) })).collect()
}

/// A group of this world responds to an invite.
fn vector_of(mut world: World, amount: u64) -> Value {
    let invite = world.invite(amount);
    let request = world.wallet(2).receive(&invite, &these(&[1, 3])).unwrap();
    let mut parties = world.open(2, &request);
    let ended = world.run(&mut parties, &honest);
    let Ok(Some(GroupAnswer::Response(response))) = &ended[0] else { panic!("{ended:?}") };
    let (epoch, coin) = (world.group.epoch().to_bytes(), request.made().unwrap());
    let polynomial = |key: u8| {
        let bytes = 2 * 32;
        let from = epoch.len() - (256 - usize::from(key)) * bytes;
        json!({ "key": key, "points": hex(&epoch[from..from + bytes]) })
    };
    let plan = request.plan();
    let keys = [0].into_iter().chain(plan.fresh.iter().map(|key| key.get()));
    json!({
        "about": "2 of 3 respond to an invite: the keys of plan and address by their commitments A_0 ‖ A_1, the letters' bodies, \
                  and the response",
        "chain_id": hex(world.ledger.chain.id().as_bytes()), "view_secret": hex(world.view.expose()),
        "threshold": 2, "members": 3, "keys": keys.map(polynomial).collect::<Vec<_>>(),
        "plan": hex(plan.to_bytes()),
        "masked": bodies(&parties[0], Step::Masked), "answered": bodies(&parties[0], Step::Answered),
        "commitment": hex(world.keys().commitment(&coin).as_bytes()),
        "response": hex(response.to_bytes()),
    })
}

fn vector() -> Value {
    let mut plain = vector_of(World::new(2, 3), 1_000_000);
    let world = audited::world();
    let params = hex(world.ledger.chain.params().to_bytes());
    let mut audited = vector_of(world, 5_000_000_000);
    audited["params"] = params.into();
    audited["y"] = hex(Scalar::from(audited::AUDITORS).to_bytes()).into();
    plain["audited"] = audited;
    plain
}

#[test]
fn what_a_group_says_is_as_documented() {
    let (file, text) = (sotto_vectors::file("group_coin"), sotto_vectors::render(&vector()));
    if std::env::var("SOTTO_VECTORS").is_ok_and(|v| v == "write") {
        std::fs::write(&file, &text).unwrap();
    }
    assert!(
        std::fs::read_to_string(&file).unwrap() == text,
        "group_coin.json differs from what the code gives"
    );
}
