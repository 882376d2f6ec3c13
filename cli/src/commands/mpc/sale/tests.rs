#![allow(clippy::unwrap_used, reason = "these are tests")]

use super::*;
use rand_core::OsRng;
use sotto_jobs::Digest;
use sotto_jobs::budget::RowsHasher;
use sotto_jobs::edge::folder::Folder;
use sotto_jobs::job_file::Counting;
use sotto_jobs::offer::{Address, Allowed, OfferedRows, OpenedTerms};
use sotto_mpc::circuit::language::NoCompiler;
use sotto_party::Identity;
use std::{fs, path::PathBuf};
use tempfile::TempDir;

const MODEL: &str = include_str!("../../../../tests/data/sale/model.toml");
const SALE: &str = include_str!("../../../../tests/data/sale/sale.toml");
const NAMES: [&str; 5] = ["left", "right", "north", "south", "west"];

/// A folder with a job that west buys of north and south, and their offers.
struct World {
    folder: TempDir,
    north: Identity,
}

impl World {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn new(change: impl Fn(&mut Allowed)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let keys = NAMES.map(|_| Identity::random(&mut OsRng));
        for (name, key) in NAMES.iter().zip(&keys) {
            fs::write(path(&format!("{name}.pub")), key.public().to_text()).unwrap();
        }
        // A job without the sale is the model of the offers.
        fs::write(path("job.toml"), MODEL).unwrap();
        let model = job(&path("job.toml"));
        for (who, price) in [(2, 700), (3, 300)] {
            let us = PartyId(who);
            let address = Address::new("sotto1address").unwrap();
            let mut allowed = Allowed {
                terms: Terms::Open(OpenedTerms::new(price, 0, address, &mut OsRng)),
                chain: Digest([9; 32]),
                ..offer::asked(&model, us)
            };
            change(&mut allowed);
            let (key, name) = (&keys[usize::from(who)], NAMES[usize::from(who)]);
            let data_set = RowsHasher::new(key).finish(None);
            let rows = OfferedRows { data_set: &data_set, rows: 1 };
            let signed = Offer::sign(allowed, &rows, key, &mut OsRng);
            fs::write(path(&format!("{name}.offer")), signed.to_text()).unwrap();
        }
        fs::write(path("job.toml"), MODEL.to_owned() + SALE).unwrap();
        let [_, _, north, ..] = keys;
        Self { folder, north }
    }

    fn job(&self) -> Job {
        job(&self.path("job.toml"))
    }

    fn offers(&self) -> Outcome<Offers> {
        Offers::read(&self.path("job.toml"), &self.job())
    }
}

fn job(path: &Path) -> Job {
    let text = fs::read_to_string(path).unwrap();
    job_file::parse(&text, Counting::Now, &NoCompiler, read_beside(path)).unwrap().0
}

#[test]
fn a_signer_reads_the_prices_and_uses_its_own_offer_once() {
    let world = World::new(|_| ());
    let (job, offers) = (world.job(), world.offers().unwrap());
    let words = offers.words(&job);
    assert!(words.contains("Price of north: 700 base units, to sotto1address"), "{words}");
    assert!(words.contains("Price of south: 300 base units"), "{words}");
    let home = world.path("home");
    let [north, south, west] = [2, 3, 4].map(PartyId);
    offers.use_own(&home, &job, west).unwrap();
    assert!(!home.exists(), "who is not paid uses no offer");
    offers.use_own(&home, &job, north).unwrap();
    offers.use_own(&home, &job, north).unwrap();
    // The offer is for one job, and this is another.
    let text = fs::read_to_string(world.path("job.toml")).unwrap();
    fs::write(world.path("job.toml"), text.replace("6d0c", "6d0d")).unwrap();
    let why = offers.use_own(&home, &world.job(), north).unwrap_err();
    assert!(format!("{why:?}").contains("the offer is for 1 jobs"), "{why:?}");
    // What north revoked it does not use.
    let own = offers.of(&job, north).unwrap();
    own.revoke(&world.north).unwrap();
    sotto_jobs::offer_use::revoke(&mut Folder::open(&home).unwrap(), own).unwrap();
    let why = offers.use_own(&home, &job, north).unwrap_err();
    assert!(format!("{why:?}").contains("you revoked this offer"), "{why:?}");
    offers.use_own(&home, &job, south).unwrap();
}

#[test]
fn a_job_that_asks_for_more_than_one_of_its_offers_is_not_signed() {
    let world = World::new(|allowed| allowed.purposes.clear());
    let why = world.offers().map(|_| ()).unwrap_err();
    assert!(format!("{why:?}").contains("does not allow this purpose"), "{why:?}");
    let world = World::new(|_| ());
    let job = world.job();
    fs::remove_file(world.path("south.offer")).unwrap();
    let why = Offers::read(&world.path("job.toml"), &job).map(|_| ()).unwrap_err();
    assert!(format!("{why:?}").contains("south.offer cannot be used"), "{why:?}");
}

#[test]
fn a_job_that_sells_nothing_needs_no_offers() {
    let world = World::new(|_| ());
    let unsold = Job::new(sotto_jobs::Draft { sale: None, ..(*world.job()).clone() }).unwrap();
    assert!(Offers::read(Path::new("nowhere"), &unsold).unwrap().0.is_empty());
}

#[test]
fn what_was_agreed_is_read_after_the_offers_have_ended() {
    let world = World::new(|allowed| allowed.purposes.clear());
    let job = world.job();
    let offers = Offers::beside(&world.path("job.toml"), &job).unwrap();
    assert!(offers.of(&job, job.find("north").unwrap()).is_some());
    assert!(offers.of(&job, job.find("west").unwrap()).is_none());
    assert_eq!(terms_beside(&world.path("job.toml")).unwrap(), Vec::<PathBuf>::new());
    fs::write(world.path("south.offer.terms"), "").unwrap();
    assert_eq!(terms_beside(&world.path("job.toml")).unwrap(), [world.path("south.offer.terms")]);
}
