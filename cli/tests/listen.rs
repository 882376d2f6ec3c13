//! A wallet that receives by itself, over loopback: one command pays it, and programs ask it.
#![allow(clippy::unwrap_used)]

use crate::support::World;
use serde_json::Value;

/// Runs a line of shell while `sotto wallet listen` runs for bob; `$at` is where, `$to` his address.
fn while_listening(w: &World, rules: &str, line: &str) -> crate::support::Said {
    w.shell(&format!(
        "rm -f log # else the listener before is read
         sotto wallet listen --listen 127.0.0.1:0 --json --wallet bob {rules} > log 2> err & l=$!
         for n in $(seq 300); do [ -s log ] && break; sleep 0.1; done
         at=$(sed -n '1s/.*\"listener\":\"\\([^\"]*\\)\".*/\\1/p' log); to=$(cat bob.address)
         {{ {line}
         }}; code=$?
         kill -TERM $l; wait $l; ended=$?
         [ $ended = 0 ] || {{ cat err >&2; exit 99; }}
         exit $code"
    ))
}

#[test]
fn one_command_pays_a_wallet_that_listens() {
    let w = World::settled();
    let send = "sotto wallet send --interactive 1000000u --to $to --to-listener $at --memo 'order 7' --yes --wallet alice";
    // A stranger to bob, who takes payments from contacts only; nothing stays open.
    let refused = while_listening(&w, "", send).fails(1);
    assert!(refused.contains("does not take payments from this address"), "{refused}");
    assert!(w.run("wallet balance --wallet alice").ok().contains("locked                       0 SOT"));
    let said = while_listening(&w, "--accept anyone --most 1000000u", &format!("{send} --json"));
    let paid: Value = serde_json::from_str(&said.ok()).unwrap();
    assert_eq!((&paid["type"], &paid["amount"]), (&"paid".into(), &"1000000".into()));
    let log = w.read("log");
    assert!(log.contains(r#""type":"answered""#) && log.contains("order 7"), "{log}");
    w.run("chain seal --wallet alice").ok();
    assert!(w.run("wallet balance --wallet bob").ok().contains("spendable                0.001 SOT"));
    let too_much = while_listening(&w, "--accept anyone --most 999999u", send).fails(1);
    assert!(too_much.contains("at most 0.000999999 SOT"), "{too_much}");
    // The rules can come from the settings.
    std::fs::create_dir_all(w.path("config/sotto")).unwrap();
    w.write("config/sotto/config.toml", "[listen]\naccept = \"anyone\"\nmost = \"1000u\"\n");
    assert!(while_listening(&w, "", send).fails(1).contains("at most 0.000001 SOT"));
    // Another key than the listener's is refused, and so is an address without a listener.
    let other = sotto_link::Identity::from_seed(&[9; 32]).peer_key();
    let wrong = while_listening(&w, "", &send.replace("$at", &format!("{other}@${{at#*@}}")));
    assert!(wrong.fails(3).contains("cannot reach the listener"));
    w.run(&format!(
        "wallet send --interactive 1000000u --to $(cat bob.address) --to-listener {other}@127.0.0.1:1 --yes --wallet alice"
    ))
    .fails(3);
    assert!(w.run("wallet balance --wallet alice").ok().contains("locked                       0 SOT"));
}

#[test]
fn a_shop_makes_an_invoice_and_sees_it_paid() {
    let w = World::settled();
    w.write(
        "ask",
        "#!/bin/bash
         url=$(cat data/listen/bob/rpc.url); port=${url##*:}
         body=\"{\\\"jsonrpc\\\":\\\"2.0\\\",\\\"id\\\":1,\\\"method\\\":\\\"$1\\\",\\\"params\\\":$2}\"
         exec 3<> /dev/tcp/127.0.0.1/$port
         printf 'POST / HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nAuthorization: Bearer %s\\r\\nContent-Type: application/json\\r\\nConnection: close\\r\\nContent-Length: %s\\r\\n\\r\\n%s' \\
           \"${3-$(cat data/listen/bob/rpc.token)}\" ${#body} \"$body\" >&3
         cat <&3 | tail -n 1",
    );
    let said = while_listening(
        &w,
        "--accept never",
        r#"bash ask invoice '{"amount":"300000","memo":"two cakes"}' > made
           sed 's/.*"text":"\([^"]*\)".*/\1/; s/\\n/\n/g' made > bill.txt
           sotto wallet pay bill.txt --to-listener $at --yes --wallet alice &&
           sotto chain seal --wallet alice && sleep 3.2 &&
           bash ask payments '{}' > payments && bash ask balance '{}' > balance && bash ask address '{}' > address
           bash ask balance '{}' wrong > refused; stat -c %a data/listen/bob/rpc.token > mode"#,
    );
    said.ok();
    let result = |name: &str| -> Value {
        let response: Value = serde_json::from_str(&w.read(name)).unwrap();
        response["result"].clone()
    };
    let payment = &result("payments")["payments"][0];
    assert_eq!(
        (&payment["status"], &payment["memo"]),
        (&"confirmed".into(), &"two cakes".into()),
        "{payment}"
    );
    assert_eq!(payment["session"], result("made")["session"]);
    assert_eq!(result("balance")["spendable"], "300000");
    assert_eq!(result("address")["address"], w.read("bob.address").trim());
    assert!(w.read("refused").contains("rpc.token"));
    assert_eq!(w.read("mode").trim(), "600");
    assert!(!w.path("data/listen/bob/rpc.token").exists(), "removed at the end");
}
