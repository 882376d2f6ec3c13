//! Sales: which jobs sell outputs, and what the buyer has before and after it knows the secret.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support::selling::{ACME, BOLT, CARL, DORA, EVE, allowed, offer, offer_of, sold_draft, terms};
use crate::support::world::{ROWS, World};
use crate::support::{NAMES, NOW, Sum, draft, identity};
use sotto_jobs::attempt::Finished;
use sotto_jobs::collect::{Collected, Collector, Disagreement, Ended};
use sotto_jobs::job::{Draft, JobError, Payee, Sale, Suite};
use sotto_jobs::job_file;
use sotto_jobs::line_error::LineError;
use sotto_jobs::lock::share::LockedShareError;
use sotto_jobs::lock::{LockSecret, Place};
use sotto_jobs::multiparty::Functionality;
use sotto_jobs::offer::{Allowed, Terms};
use sotto_jobs::output_share::{AttemptOutputs, NotOpened};
use sotto_jobs::run_state::OwnParty;
use sotto_jobs::sale::{Ask, Wanted};
use sotto_jobs::summary::describe;
use sotto_jobs::{Digest, Job, PartyId, Receipt};
use sotto_mpc::channel::pipe_pair;
use sotto_mpc::circuit::language::NoCompiler;
use sotto_mpc::protocol::malicious::Settings;
use sotto_party::hex::{from_hex, to_hex};
use sotto_vectors::{json, load, render};

fn faults(change: impl FnOnce(&mut Draft)) -> Vec<JobError> {
    let mut draft = sold_draft();
    change(&mut draft);
    Job::new(draft).map_or_else(|faults| faults.into_iter().map(|(_, e)| e).collect(), |_| Vec::new())
}

fn of_sale(change: impl FnOnce(&mut Sale)) -> Vec<JobError> {
    faults(|draft| change(draft.sale.as_mut().unwrap()))
}

#[test]
fn which_jobs_sell_outputs() {
    assert_eq!(faults(|_| ()), []);
    assert_eq!(of_sale(|s| s.buyer = PartyId(9))[0], JobError::Stranger);
    assert_eq!(
        of_sale(|s| s.buyer = BOLT),
        [JobError::SaleOutputs],
        "who does not receive it does not buy it"
    );
    for outputs in [vec![], vec![0], vec![2], vec![1, 1], vec![0, 1]] {
        assert_eq!(of_sale(|s| s.outputs = outputs), [JobError::SaleOutputs]);
    }
    assert_eq!(
        faults(|d| d.outputs[1].result_parties.push(ACME)),
        [JobError::SaleOutputs],
        "another has it anyway"
    );
    assert_eq!(of_sale(|s| s.payees.clear()), [JobError::SalePayees]);
    assert_eq!(of_sale(|s| s.payees.reverse()), [JobError::SalePayees]);
    assert_eq!(of_sale(|s| s.payees[1].owner = CARL), [JobError::SalePayees]);
    assert_eq!(of_sale(|s| s.payees[0].owner = BOLT), [JobError::SalePayees], "it has no input");
    assert_eq!(
        of_sale(|s| (s.buyer, s.payees[0].owner) = (ACME, ACME))[..],
        [JobError::SaleOutputs, JobError::SalePayees]
    );
    for (blocks, confirmations) in [(0, 0), (10, 0), (10, 11), (u64::MAX, 1)] {
        assert_eq!(
            of_sale(|s| (s.blocks, s.confirmations) = (blocks, confirmations)),
            [JobError::SaleBlocks]
        );
    }
    assert_eq!(faults(|d| d.runs = 2), [JobError::SaleOfRuns]);
    assert_eq!(faults(|d| d.suite = Suite::Malicious(Settings::default())), [JobError::SaleOfPads]);
    assert!(faults(|d| d.further = vec![DORA]).contains(&JobError::SaleOfMany));
}

#[test]
fn a_sale_is_in_the_id_and_in_the_words() {
    let sold = Job::new(sold_draft()).unwrap();
    let bytes = sold.to_bytes();
    assert!(bytes.starts_with(b"sotto job v5\0"));
    assert_eq!(Job::from_bytes(&bytes), Ok(sold.clone()));
    let (shown, id) = (describe(&sold, None), sold.id());
    let changes: [fn(&mut Sale); 8] = [
        |s| s.payees.truncate(1),
        |s| s.payees[0].offer = Digest([9; 32]),
        |s| s.payees[0].terms = Digest([9; 32]),
        |s| s.payees[1].owner = ACME,
        |s| s.chain = Digest([9; 32]),
        |s| s.blocks = 401,
        |s| s.confirmations = 21,
        |s| s.payees = vec![Payee { owner: ACME, ..s.payees[0] }],
    ];
    for change in changes {
        let mut draft = sold_draft();
        let sale = draft.sale.as_mut().unwrap();
        change(sale);
        sale.payees.sort_by_key(|payee| payee.owner);
        let other = Job::new(draft).unwrap();
        assert_ne!(other.id(), id);
        assert_ne!(describe(&other, None), shown, "what is signed is shown");
    }
    let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "eve buys sum, once, and pays on the ledger 0b0b",
        "acme is paid nothing",
        "until 20 blocks lie on that",
        "What is not fair: eve may never release the money after the run",
        "acme (garbler) and bolt (evaluator) compute",
    ] {
        assert!(words.contains(said), "{said}: {words}");
    }
    assert!(!describe(&Job::new(draft()).unwrap(), None).contains("Who pays whom"));
}

/// A job file with a sale, read; `offers` has the ledgers that the two offers name.
fn read_sale(change: impl FnOnce(&mut String), offers: [Digest; 2]) -> Result<Job, Vec<LineError>> {
    let party = |name: &str, more| format!("[[party]]\nname = \"{name}\"\nkey = \"{name}.pub\"\n{more}");
    let payee = |name: &str| format!("[[sale.payee]]\nparty = \"{name}\"\noffer = \"{name}.offer\"\n");
    let output = |name: &str| format!("[[output]]\nname = \"{name}\"\nresult_parties = [\"eve\"]\n");
    let mut text = [
        "name = \"A\"\npurpose = \"To know it\"\nexpiry = 2126-01-31T00:00:00Z\ndeadline = 9\nmaximum_runs = 1\n",
        &format!("nonce = \"{}\"\n", "a1".repeat(32)),
        "[roles]\ngarbler = \"acme\"\nevaluator = \"bolt\"\n[program]\nbuiltin = \"auction@1\"\n",
        "parameters = { bidders = 2, bid = { max = 999, decimals = 2 }, reserve = 1 }\n",
        "[limits]\nrows = 9\nand_gates = 9999\nseconds = 9\n",
        "[sale]\nbuyer = \"eve\"\noutputs = [\"result\"]\nblocks = 400\nconfirmations = 20\n",
        &(payee("carl") + &payee("dora")),
        &party("acme", "address = \"a.example:1\"\n"),
        &party("bolt", "address = \"b.example:1\"\n"),
        &["carl", "dora", "eve"].map(|name| party(name, "")).concat(),
        "[[input]]\nparty = \"carl\"\n[[input]]\nparty = \"dora\"\n",
        &(output("inputs_hold") + &output("result")),
    ]
    .concat();
    change(&mut text);
    let read = |name: &str| {
        let (who, kind) = name.split_once('.').unwrap();
        let place = NAMES.iter().position(|name| *name == who).ok_or(std::io::ErrorKind::NotFound)?;
        let chain = offers[usize::from(who == "dora")];
        Ok(match kind {
            "pub" => identity(PartyId(place as u16)).public().to_text(),
            _ => offer_of(PartyId(place as u16), Allowed { chain, ..allowed() }).to_text(),
        })
    };
    if text.contains("[[sale.payee]]") {
        assert_eq!(job_file::offer_files(&text).unwrap().len(), 2);
    }
    job_file::parse(&text, job_file::Counting::Now, &NoCompiler, read).map(|(job, _)| job)
}

/// What it is refused for.
fn refusals(change: impl FnOnce(&mut String), offers: [Digest; 2]) -> Vec<String> {
    let errors = read_sale(change, offers).err().unwrap_or_default();
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn a_job_file_with_a_sale_is_read_and_refused() {
    let same = [Digest([11; 32]); 2];
    let only = |change: fn(&mut String)| {
        let [why] = &refusals(change, same)[..] else { panic!("{:?}", refusals(change, same)) };
        why.clone()
    };
    let sale = read_sale(|_| (), same).unwrap().sale.clone().unwrap();
    assert_eq!((sale.buyer, &sale.outputs[..], sale.chain), (EVE, &[1][..], same[0]));
    assert_eq!(sale.payees.iter().map(|payee| payee.owner).collect::<Vec<_>>(), [CARL, DORA]);
    assert_eq!((sale.blocks, sale.confirmations), (400, 20));
    assert!(
        only(|t| *t = t.replace("[\"result\"]\nblocks", "[\"price\"]\nblocks"))
            .contains("no [[output]] named price")
    );
    assert!(only(|t| *t = t.replace("buyer = \"eve\"", "buyer = \"zoe\"")).contains("zoe"));
    assert!(only(|t| *t = t.replace("carl.offer", "none.offer")).contains("cannot be read"));
    assert!(only(|t| *t = t.replace("carl.offer", "carl.pub")).contains("is invalid"));
    assert!(
        only(|t| *t = t.replace("carl.offer", "dora.offer")).contains("is not signed by the key of carl")
    );
    assert!(only(|t| *t = t.replace("blocks = 400", "blocks = 19")).contains("`blocks` is at most"));
    let malicious = only(|t| t.insert_str(0, "adversary = \"malicious\"\n"));
    assert!(malicious.contains("outputs cannot be sold under"), "{malicious}");
    let other = refusals(|_| (), [Digest([11; 32]), Digest([12; 32])]);
    assert!(other.len() == 1 && other[0].contains("name one ledger"), "{other:?}");
    let unpaid = refusals(|t| *t = t.replace("payee", "seller"), same);
    assert!(unpaid[0].contains("unknown field") || unpaid[0].contains("missing field"), "{unpaid:?}");
}

/// A run of the job that sells its sum.
struct Ran {
    world: World,
    finished: [Finished; 2],
}

impl Ran {
    fn new() -> Self {
        let world = World::drafted(sold_draft(), Sum::new(3), ROWS);
        let finished = world.run(pipe_pair(), &mut [None, None], 1).map(Result::unwrap);
        Self { world, finished }
    }

    fn receipt(&self) -> &Receipt {
        &self.finished[0].receipt
    }

    /// Their shares of t, as both compute parties make them again.
    fn secrets(&self) -> [LockSecret; 2] {
        [ACME, BOLT].map(|us| LockSecret::derive(&identity(us), &self.receipt().facts.run_id))
    }

    fn collected(&self) -> Collected {
        self.collected_under(self.receipt())
    }

    /// What eve collects, if both answer with this receipt.
    fn collected_under(&self, receipt: &Receipt) -> Collected {
        let share =
            |finished: &Finished| finished.encrypted_shares.iter().find(|s| s.result_party == EVE).cloned();
        let ended = |finished| Ended { receipt: receipt.clone(), encrypted_share: share(finished) };
        Collected::of(self.finished.iter().map(ended)).unwrap()
    }

    fn widths(&self) -> Vec<usize> {
        self.world.program.declaration().outputs().iter().map(|table| table.bits()).collect()
    }

    fn outcome(&self, collected: &Collected) -> Result<sotto_jobs::collect::Outcome, Disagreement> {
        let (us, widths) = (identity(EVE), self.widths());
        let ours = OwnParty { id: EVE, identity: &us };
        let run = self.world.agreement.run(1).unwrap();
        Collector { run, ours, input: None, widths: &widths }.outcome(collected)
    }
}

#[test]
fn the_buyer_reads_what_is_open_at_once_and_the_rest_with_both_secrets() {
    let ran = Ran::new();
    let job = ran.world.agreement.job();
    let bytes = ran.receipt().to_bytes();
    assert_eq!(Receipt::from_bytes(job, &bytes).as_ref(), Ok(ran.receipt()));
    assert_eq!(Finished::from_bytes(&ran.finished[0].to_bytes()).as_ref(), Some(&ran.finished[0]));
    let outcome = ran.outcome(&ran.collected()).unwrap();
    assert_eq!(outcome.outputs, [(0, vec![true; 3])], "inputs_hold, and no sum");
    let (widths, locked) = (ran.widths(), outcome.locked.unwrap());
    let outputs = AttemptOutputs { job, run_id: ran.receipt().facts.run_id, widths: &widths };
    let facts = &ran.receipt().facts;
    let [g, e] = ran.secrets();
    let opened = outputs.open_sold(facts, &locked, &g.plus(&e)).unwrap();
    let sum: i128 = ROWS.as_flattened().iter().sum();
    let number = |bits: &[bool]| bits.iter().rev().fold(0, |sum, bit| 2 * sum + i128::from(*bit));
    assert_eq!(opened.iter().map(|(place, bits)| (*place, number(bits))).collect::<Vec<_>>(), [(1, sum)]);
    let no = |why| NotOpened::Share { place: Place::Garbler, why };
    assert_eq!(outputs.open_sold(facts, &locked, &g), Err(no(LockedShareError::Secret)));
    let mut swapped = locked.clone();
    swapped.reverse();
    assert_eq!(outputs.open_sold(facts, &swapped, &g.plus(&e)), Err(no(LockedShareError::Other)));
}

#[test]
fn a_receipt_of_a_sale_names_its_lock_and_a_parcel_what_was_signed() {
    let ran = Ran::new();
    let job = ran.world.agreement.job();
    let signed = |change: fn(&mut sotto_jobs::receipt::Facts)| {
        let mut facts = ran.receipt().facts.clone();
        change(&mut facts);
        let [garbler, evaluator] = [ACME, BOLT]
            .map(|us| sotto_jobs::receipt::Statement::sign(&facts, [NOW, NOW], [1, 1], &identity(us)));
        Receipt::from_bytes(job, &Receipt { facts, garbler, evaluator, further: Vec::new() }.to_bytes())
    };
    assert!(signed(|_| ()).is_ok());
    let refused = sotto_jobs::receipt::ReceiptError::Facts;
    assert_eq!(signed(|f| f.sold = None), Err(refused), "a sale without a lock");
    assert_eq!(signed(|f| f.sold.as_mut().unwrap().receiver = CARL), Err(refused));
    assert_eq!(signed(|f| f.sold.as_mut().unwrap().evaluator.possession[1] ^= 1), Err(refused));
    // Both signed another hash than that of the garbler's locked share.
    let mut other = ran.receipt().clone();
    other.facts.sold.as_mut().unwrap().garbler_share.locked = Digest([0; 32]);
    let other = ran.collected_under(&other);
    assert_eq!(ran.outcome(&other), Err(Disagreement::Locked("garbler")));
}

/// Known answers: `vectors/sales.json`, which `vectors/check.py` reads without this code.
/// `SOTTO_VECTORS=write cargo test -p sotto-jobs --release --test sales` writes the file.
#[test]
fn vectors_are_up_to_date() {
    let (open, terms) = (offer(allowed()), terms());
    let hidden = offer(Allowed { terms: Terms::Confidential(terms.digest()), ..allowed() });
    let mut draft = sold_draft();
    draft.sale.as_mut().unwrap().payees[0] =
        Payee { owner: CARL, offer: open.digest(), terms: open.allowed().terms.digest() };
    let job = Job::new(draft).unwrap();
    // The base point.
    let mut point = [0; 32];
    from_hex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76", &mut point).unwrap();
    let lock = sotto_jobs::lock::LockPoint::from_bytes(point).unwrap();
    let claim = Wanted::Claim { run_id: Digest([21; 32]), lock, until: 900 };
    let ask = |wanted| to_hex(&Ask::sign(&job, wanted, &identity(EVE)).to_bytes());
    let subject = json!({
        "about": "what a buyer asks for, an offer with open and with confidential terms, and a job that sells an output",
        "offer": to_hex(&open.to_bytes()), "offer_id": open.digest().to_string(),
        "confidential": to_hex(&hidden.to_bytes()), "confidential_id": hidden.digest().to_string(),
        "salt": to_hex(&terms.salt), "price": terms.price.to_string(), "start_fee": terms.start_fee.to_string(),
        "address": terms.address.as_str(), "terms": terms.digest().to_string(),
        "job_bytes": to_hex(&job.to_bytes()), "job_id": job.id().to_string(),
        "run_id": to_hex(&[21; 32]), "point": to_hex(&point), "ask": ask(claim), "ask_return": ask(Wanted::Return),
    });
    if std::env::var_os("SOTTO_VECTORS").is_some_and(|what| what == "write") {
        std::fs::write(sotto_vectors::file("sales"), render(&subject)).unwrap();
    }
    assert_eq!(load("sales").unwrap(), subject, "`SOTTO_VECTORS=write` writes the file");
}
