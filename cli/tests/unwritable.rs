//! What only shows works where nothing can be written: in a folder that is read-only, and on a full disk.

use crate::support::World;

/// Copies the world's folders to a file system of their own, which is then made unwritable, and runs a script there.
fn there(world: &World, unwritable: &str, script: &str) -> crate::support::Said {
    world.write(
        "there.sh",
        &format!(
            "set -e
             mount -t tmpfs -o size=64m none there && cp -a data state there/
             export SOTTO_DIR=$PWD/there/data SOTTO_STATE_DIR=$PWD/there/state
             files() {{ find there/data/wallets there/state -type f -exec sha256sum {{}} + | sort; }}
             {unwritable}
             files > before
             {script}
             files | cmp before - >&2"
        ),
    );
    world.shell("unshare -m bash -o pipefail ./there.sh")
}

/// A file system that is mounted read-only, on which one wallet has no lock file; and one without a free block.
const UNWRITABLE: [&str; 2] = [
    "rm there/data/wallets/bob.lock; mount -o remount,ro there",
    "for n in 1 2 3; do dd if=/dev/zero of=there/ballast bs=1k oflag=append conv=notrunc 2> filled || true; done",
];

#[test]
fn what_only_shows_needs_no_room_and_no_permission() {
    let world = World::proven();
    world.shell("mkdir there").ok();
    if world.shell("unshare -m mount -t tmpfs none there").code != 0 {
        println!(
            "skipped: cannot create a mount namespace here (this needs root, and `unshare` of util-linux)"
        );
        return;
    }
    // Both wallets are behind the chain, so that each verb has something to store.
    world.run("wallet finalize payment.txt --submit --wallet bob").ok();
    world.run("chain seal --blocks 2 --wallet dora").ok();
    let show = [
        // An index in memory has another size.
        "chain info | sed 's/, [0-9]* bytes of index//'",
        "chain block 9",
        "chain audit",
        "chain export - | sha256sum",
        "wallet list",
        "wallet address --wallet bob",
        "wallet balance --json --wallet bob",
        "wallet history --csv --wallet alice",
        "wallet outputs --json --wallet bob",
        "wallet slates --all --json --wallet alice",
        "wallet account list --json --wallet bob",
        "wallet contact list --wallet alice",
        "wallet view-key export --wallet alice",
        "wallet backup backup-$RANDOM --json --wallet alice | tr -d 0-9",
        "wallet proof export $(cat paid.session) --wallet alice",
        "wallet proof verify payment.proof",
    ];
    let all = show.map(|verb| format!("sotto {verb}")).join("\n");
    let shown: Vec<String> = UNWRITABLE.map(|how| there(&world, how, &all).ok()).into();
    // The same as in a folder that can be written.
    let expected = world.shell(&format!("set -e\n{all}")).ok();
    assert!(shown.iter().all(|shown| *shown == expected), "{shown:?}\n{expected}");
    // What changes something is refused, and nothing has changed.
    let act = [
        "chain seal --wallet alice",
        "wallet send 1 --to bob --yes --wallet alice",
        "wallet invoice 5 --wallet bob",
        "wallet contact remove bob --wallet alice",
    ];
    let all = act.map(|verb| format!("sotto {verb} > acted && exit 9; [ $? = 1 ]")).join("\n");
    for how in UNWRITABLE {
        there(&world, how, &all).ok();
    }
}
