//! A scratch world for tests of the whole binary: a chain, wallets and a payment at each step.

// Each test file uses a part of this, and a test may stop at the first surprise.
#![allow(dead_code, clippy::unwrap_used)]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A folder with its own chain, wallets, state and passphrase.
pub(crate) struct World {
    pub(crate) dir: tempfile::TempDir,
}

/// What the evidence of [`World::attested`] is for.
pub(crate) const ENROL: &str = "--purpose enrol --build $(sha256sum build.txt | cut -c-64)";

/// What a run of the binary said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(o: Output) -> Self {
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        Self { code: o.status.code().unwrap_or(-1), out: text(&o.stdout), err: text(&o.stderr) }
    }
}

impl Said {
    /// Standard output of a run that must have succeeded.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// Asserts the exit code, one clear error and no panic; gives back the error text, for people also under
    /// `--json`.
    pub(crate) fn fails(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        let said: Vec<String> =
            self.err.lines().map(|line| record(line).unwrap_or(line.to_owned())).collect();
        let said = said.join("\n");
        assert_eq!(said.matches("error:").count(), 1, "one clear error: {self:?}");
        assert!(!said.contains("panicked at") && !said.contains("internal error"), "{self:?}");
        said
    }
}

/// A line that is the record of an error, as people see it.
fn record(line: &str) -> Option<String> {
    let record: serde_json::Value = serde_json::from_str(line).ok()?;
    let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
    let is_error = record["type"] == "error";
    is_error.then(|| format!("error: {}\n  why: {}\n  help: {}", text("message"), text("why"), text("help")))
}

impl World {
    /// An empty world with a passphrase file `pass`.
    pub(crate) fn empty() -> Self {
        let world = Self { dir: tempfile::tempdir().unwrap() };
        world.write("pass", "correct horse\n");
        fs::set_permissions(world.path("pass"), PermissionsExt::from_mode(0o600)).unwrap();
        world
    }

    /// A chain of eight blocks whose rewards are alice's, and bob's empty wallet.
    pub(crate) fn settled() -> Self {
        let w = Self::empty();
        w.run("chain init").ok();
        for name in ["alice", "bob"] {
            w.run(&format!("wallet init --wallet {name} --words-file {name}.words")).ok();
        }
        w.run("chain seal --blocks 8 --wallet alice").ok();
        let address = w.run("wallet address --wallet bob").ok();
        w.write("bob.address", address.trim());
        w
    }

    /// Three payments of alice to bob, each one step further: `invite.txt`, `response.txt`,
    /// `transaction.txt`.
    pub(crate) fn paying() -> Self {
        let w = Self::settled();
        w.pay();
        w
    }

    fn pay(&self) {
        let send = "wallet send --interactive 1000000u --to $(cat bob.address) --yes --wallet alice";
        let receive = "wallet receive --yes --wallet bob";
        self.shell(&format!("sotto {send} > one.txt && sotto {receive} one.txt > two.txt")).ok();
        self.shell("sotto wallet finalize two.txt --wallet alice > transaction.txt").ok();
        self.shell(&format!("sotto {send} > one.txt && sotto {receive} one.txt > response.txt")).ok();
        self.shell(&format!("sotto {send} > invite.txt")).ok();
    }

    /// The same, where alice and bob know each other's names, and alice that of dora; and an invoice of bob,
    /// one that alice has paid, a payment in a block with its proof: `invoice.txt`, `payment.txt`,
    /// `paid.session`, `payment.proof`; `open.session` names an open one.
    pub(crate) fn proven() -> Self {
        let w = Self::settled();
        let memo = "--memo 'for the roof'";
        w.shell("sotto wallet contact add alice $(sotto wallet address --wallet alice) --wallet bob").ok();
        w.shell("sotto wallet contact add bob $(cat bob.address) --wallet alice").ok();
        w.befriend_dora();
        w.shell(&format!(
            "sotto wallet send --interactive 1000000u --to bob {memo} --yes --wallet alice | sotto wallet receive - --yes --wallet bob \
             | sotto wallet finalize - --wallet alice | sotto chain submit - && sotto chain seal --wallet alice"
        ))
        .ok();
        let sessions = "sotto wallet slates --json --wallet alice";
        let first = "sed -n '1s/.*\"session\":\"\\([0-9a-f]*\\)\".*/\\1/p'";
        w.shell(&format!("{sessions} --all | {first} > paid.session")).ok();
        w.shell("sotto wallet proof export $(cat paid.session) --wallet alice > payment.proof").ok();
        w.pay();
        w.shell("sotto wallet invoice 5000u --allow-dust --from alice --wallet bob > bill.txt").ok();
        w.shell("sotto wallet pay bill.txt --yes --wallet alice > payment.txt").ok();
        w.shell("sotto wallet invoice 6000u --allow-dust --from alice --wallet bob > invoice.txt").ok();
        w.shell(&format!("{sessions} | {first} > open.session")).ok();
        w
    }

    /// Eight holds of alice for bob, each one step further: `offer.txt`, `join.txt`, `prove.txt`, `part.txt`; then funded,
    /// `funded.hold`, with bob's `consent.txt` to undo it; `answer.txt`, `release.txt`, `locked-release.txt` with
    /// `lock.point` and `lock.secret`; `open.hold` is the first.
    pub(crate) fn held(&self) {
        let multiples: serde_json::Value =
            serde_json::from_str(include_str!("../../../vectors/rfc9496.json")).unwrap();
        self.write("lock.point", multiples["multiples"][5].as_str().unwrap());
        self.write("lock.secret", &format!("05{}", "00".repeat(31)));
        let script = r#"
            sotto chain seal --blocks 12 --wallet alice
            named() { sotto wallet hold status --json --wallet $2 | grep "\"memo\":\"$1\"" | sed 's/.*"hold":"\([0-9a-f]*\)".*/\1/'; }
            opened() { sotto wallet hold open 0.1 --to bob --blocks 20 --confirmations 1 --memo $1 --yes --wallet alice; }
            join="sotto wallet hold join - --yes --wallet bob"
            prove="sotto wallet hold prove - --wallet alice"
            opened h1 > offer.txt
            opened h2 | $join > join.txt
            opened h3 | $join | $prove > prove.txt
            opened h4 | $join | $prove | $join > part.txt
            for h in h5 h6 h7 h8; do
                opened $h | $join | $prove | $join > $h.txt
                sotto wallet hold prove $h.txt --yes --wallet alice
            done
            sotto chain seal --wallet alice
            named h1 alice > open.hold
            named h5 bob > funded.hold
            sotto wallet hold undo $(cat funded.hold) --yes --wallet bob > consent.txt
            sotto wallet hold answer $(named h6 bob) --wallet bob > answer.txt
            sotto wallet hold answer $(named h7 bob) --wallet bob | sotto wallet hold release - --yes --wallet alice > release.txt
            sotto wallet hold answer $(named h8 bob) --lock $(cat lock.point) --wallet bob \
                | sotto wallet hold release - --yes --wallet alice > locked-release.txt
        "#;
        self.shell(&format!("set -e\n{script}")).ok();
    }

    /// An output of bob, `an.output`, and what alice says of it, `statement.txt`.
    pub(crate) fn stated(&self) {
        let script = r#"
            sotto wallet outputs --json --wallet bob \
                | sed -n 's/.*"commitment":"\([0-9a-f]*\)".*"status":"unspent".*/\1/p' | head -1 > an.output
            sotto wallet level state $(cat an.output) verified --yes --wallet alice > statement.txt
            sotto chain seal --wallet alice
        "#;
        self.shell(&format!("set -e\n{script}")).ok();
    }

    /// A third wallet, which alice knows.
    pub(crate) fn befriend_dora(&self) {
        self.run("wallet init --wallet dora --words-file dora.words").ok();
        self.shell("sotto wallet contact add dora $(sotto wallet address --wallet dora) --wallet alice").ok();
    }

    /// A job that three parties signed, their keys and rows, south's policy, and a receipt of another run of
    /// it.
    pub(crate) fn signed_job(&self) {
        let ports = [(); 2].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
        let [north, south] = ports.each_ref().map(|port| port.local_addr().unwrap().to_string());
        let job = include_str!("../data/job/job.toml");
        self.write("job.toml", &job.replace("127.0.0.1:17701", &north).replace("127.0.0.1:17702", &south));
        drop(ports);
        for name in ["north", "south", "west"] {
            self.run(&format!("mpc keygen {name}")).ok();
            self.write(&format!("{name}.csv"), "bid\n12.50\n");
        }
        for name in ["north", "south", "west"] {
            self.run(&format!("mpc sign job.toml --key {name}.key --yes")).ok();
        }
        let job: serde_json::Value =
            serde_json::from_str(&self.run("mpc check job.toml --json").ok()).unwrap();
        let keys: Vec<_> = (0..3).map(|i| job["parties"][i]["key"].to_string()).collect();
        let (circuit, purpose) = (&job["circuit"], &job["purpose"]);
        let schemas: Vec<_> = (0..3).map(|i| job["inputs"][i]["schema"].to_string()).collect();
        self.write("policy.toml", &format!(
            "programs = [{circuit}]\nschemas = [{}]\npurposes = [{purpose}]\nresult_parties = [{}]\nminimum_rows = 1\nruns_a_month = 1\noutputs_a_month = 2\n",
            schemas.join(", "),
            keys.join(", ")
        ));
        self.run("mpc local job.toml --input north=north.csv --input south=south.csv --input west=west.csv --out tried").ok();
        fs::copy(self.path("tried/west/receipt.json"), self.path("receipt.json")).unwrap();
    }

    /// After [`World::signed_job`], in a world with a chain: `sold.toml`, which west buys of north, to bob's address, with
    /// the offer `north.offer`, signed by all.
    pub(crate) fn sold_job(&self) {
        self.shell(
            "sotto mpc offer new job.toml --key north.key --input north.csv --price 1 --yes \
            --address $(sotto wallet address --wallet bob) --out north.offer",
        )
        .ok();
        let sold = self.read("job.toml").replace("maximum_runs = 2", "maximum_runs = 1");
        let sold = sold.replace("[\"north\", \"west\"]", "[\"west\"]");
        let sale = "\n[sale]\nbuyer = \"west\"\noutputs = [\"result\"]\nblocks = 400\nconfirmations = 20\n\
                    [[sale.payee]]\nparty = \"north\"\noffer = \"north.offer\"\n";
        self.write("sold.toml", &(sold + sale));
        for name in ["north", "south", "west"] {
            self.run(&format!("mpc sign sold.toml --key {name}.key --yes")).ok();
        }
    }

    /// Two of three of `north`, `south` and `west` have a key: each has NAME.group and NAME.share, and `board.group`,
    /// `board.share` are north's. With `board.draft` and all letters, `board.letters`.
    pub(crate) fn board(&self) {
        self.group_of("--purpose seal --chain $(cat chain.id)");
    }

    /// The same for a group of this purpose.
    pub(crate) fn group_of(&self, purpose: &str) {
        self.generate("board", "", purpose);
    }

    /// Makes the key of NAME.draft; the members' files begin with `before`.
    fn generate(&self, draft: &str, before: &str, purpose: &str) {
        let (members, letters) = (["north", "south", "west"], format!("{draft}.letters"));
        let terms = "--threshold 2 --member north.pub south.pub west.pub";
        self.run(&format!("keys new {draft}.draft {purpose} {terms}")).ok();
        self.write(&letters, "");
        let dkg = |name: &str, letters: &str| {
            let files = format!("--key {name}.key --group {before}{name}.group");
            self.run(&format!("keys dkg {draft}.draft {letters} --yes {files}")).ok()
        };
        for round in 0..4 {
            let said = members.map(|name| dkg(name, if round == 0 { "" } else { &letters }));
            self.write(&letters, &(self.read(&letters) + &said.concat()));
        }
        members.iter().for_each(|name| drop(dkg(name, &letters)));
        for end in ["group", "share"] {
            let from = self.path(&format!("{before}north.{end}"));
            fs::copy(from, self.path(&format!("{draft}.{end}"))).unwrap();
        }
    }

    /// A chain in the folder `audited` that north, south and west can read, two of them together, and alice's wallet there;
    /// `audit.group`, `audit.charter`, `audit.output`; a request that is not on record, `asked.request`, and one with
    /// its `audit.answers` of two, `deep.request`.
    pub(crate) fn audited(&self) {
        self.generate("audit", "audit-", "--purpose audit");
        let script = r#"
            sotto audit charter --auditors audit.group --authority south.pub --depth 1 --delay 1 > audit.charter
            export SOTTO_DIR=audited
            sotto chain init --auditors audit.group --charter audit.charter
            sotto wallet init --wallet alice --words-file audited.words --accept-audit
            sotto chain seal --blocks 5 --wallet alice
            sotto chain block 2 --json | grep -o '"commitment":"[0-9a-f]*"' | sed 's/.*:"/2:/; s/"//' > audit.output
            asked() {
                sotto audit request $(cat audit.output) --charter audit.charter --reader west.pub --case 12/26 --reason 'an order'
            }
            asked > asked.request
            asked > unsigned.request
            sotto audit sign unsigned.request --charter audit.charter --key south.key --yes > signed.request
            sotto audit notice signed.request --charter audit.charter --wallet alice --yes > deep.request
            sotto chain seal --blocks 2 --wallet alice
            for m in audit-south:south audit-west:west; do
                sotto audit answer deep.request --charter audit.charter --group ${m%:*}.group --key ${m#*:}.key --yes
            done > audit.answers
        "#;
        self.shell(&format!("set -e\n{script}")).ok();
    }

    /// A group of north, south and west that owns 1 SOT: `coin.group`, `coin-south.group`, `coin-west.group` with their
    /// shares, wallets `coin` and `south`, `view.letter`; an invite and an invoice, `group.invite`, `group.invoice`; and
    /// letters that ask members 1 and 2, `group.letters`.
    pub(crate) fn coins(&self) {
        self.generate("coin", "coin-", "--purpose coin --chain $(cat chain.id)");
        let script = r#"
            north="--group coin.group --key north.key --wallet coin --yes"
            south="--group coin-south.group --key south.key --wallet south --yes"
            sotto wallet init --group coin.group --key north.key --wallet coin > view.letter
            sotto wallet init view.letter --group coin-south.group --key south.key --wallet south
            invite() { sotto wallet send --interactive 1 --to $(sotto wallet address --wallet coin) --yes --wallet alice; }
            invite > group.invite
            sotto wallet group receive group.invite --with 1 2 $north > group.letters
            sotto wallet group sign group.letters $south > south.letters
            sotto wallet group sign group.letters south.letters $north --out group.answer
            sotto wallet finalize group.answer --submit --wallet alice
            sotto chain seal --wallet alice
            invite > group.invite
            sotto wallet group receive group.invite --with 1 2 $north > group.letters
            invite > group.invite
            sotto wallet invoice 0.1 --wallet bob > group.invoice
        "#;
        self.shell(&format!("set -e\n{script}")).ok();
    }

    /// A group of north, south and west for `vault` (`vault.group` is north's), a box for machines whose software has the
    /// build record of [`World::attested`], `disk.box`, and a machine's letters about it, each one step further:
    /// `asked.vault`, `challenge.vault` of north; `done.vault` has all of them and the answers of north and south.
    pub(crate) fn vault(&self) {
        self.generate("vault", "vault-", "--purpose vault --chain $(cat chain.id)");
        self.write("disk.secret", "the key of a disk\n");
        self.run("mpc keygen platform").ok();
        let evidence = format!("tee evidence platform.evidence --software platform.key {ENROL} --json");
        let made: serde_json::Value = serde_json::from_str(&self.run(&evidence).ok()).unwrap();
        let (key, code) = (&made["party"], self.read("build.hash"));
        let measurements = format!("{{ key = {key}, code = '{}' }}", code.trim());
        let accept = format!("[[accept]]\nkind = 'software'\nmeasurements = {measurements}\n");
        self.write("vault.toml", &format!("version = 1\nallow_software = true\n{accept}"));
        let script = r#"
            member() { sotto keys vault answer disk.box ${@:2} --group vault-$1.group --key $1.key --policy vault.toml --yes; }
            machine() { sotto keys vault request disk.box $@ --group vault.group --key machine.key --software platform.key --build $(cat build.hash); }
            sotto keys vault encrypt disk.secret disk.box --group vault.group --policy vault.toml --owner north.pub
            machine > asked.vault
            member north asked.vault > challenge.vault
            member south asked.vault > south.vault
            machine asked.vault challenge.vault south.vault > evidence.vault
            for me in north south; do member $me asked.vault evidence.vault > $me.answer; done
            cat asked.vault challenge.vault evidence.vault north.answer south.answer > done.vault
            rm south.vault north.answer south.answer
        "#;
        self.shell(&format!("set -e\n{script}")).ok();
    }

    /// Runs a verb of `sotto keys` as one member.
    pub(crate) fn keys(&self, member: &str, words: &str) -> Said {
        let files = format!("--key {member}.key --group {member}.group --share {member}.share");
        self.run(&format!("keys {words} {files}"))
    }

    /// What the examples of `sotto keys` read, besides the board.
    pub(crate) fn board_letters(&self) {
        self.board();
        self.run("mpc keygen east").ok();
        self.run("keys new new.draft --purpose vault --chain $(cat chain.id) --threshold 2 --member north.pub south.pub").ok();
        self.run("keys new next.draft --after board.group --at 3 --member east.pub").ok();
        self.shell("sotto keys drill --key north.key --group board.group > asked.letter").ok();
        self.shell("sotto keys repair --key west.key --group board.group --share lost.share > lost.letter")
            .ok();
        let draft: serde_json::Value =
            serde_json::from_str(&self.run("keys show board.draft --json").ok()).unwrap();
        self.write("west.fingerprint", draft["members"][2].as_str().unwrap());
        self.write("header.hex", &self.header(1));
        fs::create_dir(self.path("copies")).unwrap();
    }

    /// A header at this height, in hexadecimal digits.
    pub(crate) fn header(&self, height: u64) -> String {
        let mut bytes = height.to_le_bytes().to_vec();
        bytes.resize(256, 0);
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// A validator in the folder north, alone on its chain, with a wallet for its rewards and a change to sign.
    pub(crate) fn validator(&self) {
        self.run("node validator init --name north --dir north > validators.toml").ok();
        self.run("chain init --validators validators.toml --dir north").ok();
        self.run("wallet init --wallet alice --words-file north.words --dir north").ok();
        self.run("chain change propose --set validators.toml --dir north > proposal.txt").ok();
    }

    /// Software evidence of a new party north, a policy that accepts it, and a bundle of both.
    pub(crate) fn attested(&self) {
        self.write("build.txt", "record of a build\n");
        self.shell("sha256sum build.txt | cut -c-64 > build.hash").ok();
        let made = format!("tee evidence north.evidence --software north.key {ENROL}");
        let made: serde_json::Value =
            serde_json::from_str(&self.run(&format!("{made} --json")).ok()).unwrap();
        let accept = format!("[[accept]]\nkind = 'software'\nmeasurements.key = {}\n", made["party"]);
        self.write("tee.toml", &format!("version = 1\nallow_software = true\n{accept}"));
        let verify = format!("tee verify north.evidence --policy tee.toml --party north.pub {ENROL}");
        self.run(&format!("{verify} --bundle north.bundle")).ok();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs the binary with these words, in this world, without a terminal.
    pub(crate) fn run(&self, words: &str) -> Said {
        self.shell(&format!("sotto {words}"))
    }

    /// Runs a line of shell in which `sotto` is the binary under test.
    pub(crate) fn shell(&self, line: &str) -> Said {
        // A session of its own: no controlling terminal, so that nothing can ask.
        let mut command = self.command("setsid");
        command.args(["--wait", "bash", "-o", "pipefail", "-c", line]).stdin(std::process::Stdio::null());
        command.output().unwrap().into()
    }

    /// A program in the folder of this world, for which `sotto` is the binary under test.
    pub(crate) fn command(&self, program: &str) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_sotto"));
        let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(program);
        command
            .current_dir(self.dir.path())
            .env("PATH", path)
            .env("SOTTO_DIR", self.path("data"))
            .env("SOTTO_STATE_DIR", self.path("state"))
            .env("SOTTO_PASSPHRASE_FILE", self.path("pass"))
            .env("XDG_CONFIG_HOME", self.path("config"));
        command
    }

    /// A copy of this world.
    pub(crate) fn copy(&self) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let from = format!("{}/.", self.dir.path().display());
        assert!(Command::new("cp").args(["-a", &from]).arg(dir.path()).status().unwrap().success());
        Self { dir }
    }
}
