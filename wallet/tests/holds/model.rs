//! Random lives of a hold: letters that are lost, altered or repeated, parties that stop for good, wallets that
//! restart, blocks that are undone up to K. Whatever happens, money is conserved, the seller never has less than
//! before, and a payer that lives gets back what the seller did not get, less the fees that it saw.

use super::*;
use rand_chacha::rand_core::RngCore;
use sotto_mw::{codec::Decode, codec::Encode, rules::connect_transaction};
use std::collections::VecDeque;

const RUNS: u64 = 16;
const STEPS: usize = 40;
const START_FEE: u64 = 30_000_000;

/// The letters, and a transaction for the chain.
#[allow(clippy::large_enum_variant, reason = "few letters are under way at once")]
enum Letter {
    Offer(Offer),
    Join(Join),
    Prove(Prove),
    Part(Part),
    Answer(Answer),
    Release(Release),
}

struct Life {
    s: Scene,
    rng: ChaCha20Rng,
    letters: VecDeque<Letter>,
    /// Signed transactions, of which a block takes what it can.
    pool: Vec<Verified<Transaction>>,
    alive: [bool; 2],
    /// Blocks that a reorganisation may still undo, of those sealed here.
    undoable: u64,
}

/// The letter with one byte altered, if that is still a letter.
fn altered<T: Encode + Decode>(letter: &T, rng: &mut ChaCha20Rng) -> Option<T> {
    let mut bytes = letter.to_bytes();
    let i = rng.next_u32() as usize % bytes.len();
    bytes[i] ^= 1 << (rng.next_u32() % 8);
    T::from_bytes(&bytes).ok()
}

impl Life {
    fn new(seed: u64) -> Self {
        let rng = ChaCha20Rng::seed_from_u64(seed);
        let (letters, pool) = (VecDeque::new(), vec![]);
        // Every other hold has a start fee, and every third chain auditors.
        let start_fee = if seed.is_multiple_of(2) { 0 } else { START_FEE };
        let s = if seed % 3 == 2 { audited::scene() } else { Scene::new() };
        Self { s: Scene { start_fee, ..s }, rng, letters, pool, alive: [true; 2], undoable: 0 }
    }

    fn one_of(&mut self, n: u32) -> u32 {
        self.rng.next_u32() % n
    }

    fn restart(&mut self, who: usize) {
        let p = if who == 0 { &mut self.s.payer } else { &mut self.s.seller };
        let seed = self.rng.next_u64();
        *p = p.copy(p.installation.clone());
        p.rng = ChaCha20Rng::seed_from_u64(seed);
    }

    /// Delivers the oldest letter; before that, sometimes an altered one, which must change nothing.
    fn deliver(&mut self) {
        let Some(letter) = self.letters.pop_front() else { return };
        let to_seller = matches!(letter, Letter::Offer(_) | Letter::Prove(_) | Letter::Release(_));
        if !self.alive[usize::from(to_seller)] {
            return;
        }
        let lie = self.one_of(3) == 0;
        let s = &mut self.s;
        let before = [&s.payer, &s.seller].map(|p| p.wallet.held().cloned().collect::<Vec<_>>());
        macro_rules! lie {
            ($letter:expr, $step:expr) => {
                if lie && let Some(false_one) = altered($letter, &mut self.rng) {
                    assert!($step(s, &false_one).is_err(), "an altered letter was accepted");
                    let after = [&s.payer, &s.seller].map(|p| p.wallet.held().cloned().collect::<Vec<_>>());
                    assert_eq!(before, after);
                }
            };
        }
        let next = match &letter {
            Letter::Offer(l) => {
                lie!(l, |s: &mut Scene, l| s.join(l).map(drop));
                s.join(l).ok().map(Letter::Join)
            }
            Letter::Join(l) => {
                lie!(l, |s: &mut Scene, l| s.prove(l).map(drop));
                s.prove(l).ok().map(Letter::Prove)
            }
            Letter::Prove(l) => {
                // Heads that the payer did not commit to are answered too, and spoil only this hold.
                s.part(l).ok().map(Letter::Part)
            }
            Letter::Part(l) => {
                lie!(l, |s: &mut Scene, l| s.fund(l).map(drop));
                self.pool.extend(s.fund(l).ok());
                None
            }
            Letter::Answer(l) => {
                let undoes = matches!(l.settlement, sotto_wallet::hold::Settlement::Undo);
                if undoes {
                    self.pool.extend(s.payer.wallet.holds().undo(l, &mut s.payer.rng).ok());
                    None
                } else {
                    lie!(l, |s: &mut Scene, l| s.release(l).map(drop));
                    s.release(l).ok().map(Letter::Release)
                }
            }
            Letter::Release(l) => {
                lie!(l, |s: &mut Scene, l| s.receive(l).map(drop));
                self.pool.extend(s.receive(l).ok().flatten());
                None
            }
        };
        self.letters.extend(next);
    }

    /// What a living party does on its own.
    fn act(&mut self, who: usize) {
        let s = &mut self.s;
        let Some(id) = s.payer.wallet.held().next().map(|h| h.offer().id) else { return };
        match (who, self.rng.next_u32() % 4) {
            (0, 0..=1) => self.pool.extend(s.refund(&id).ok()),
            (0, _) => drop(s.payer.wallet.holds().cancel(&id)),
            (1, 0..=2) => self.letters.extend(s.answer(&id, None).ok().map(Letter::Answer)),
            _ => {
                let consent = s.seller.wallet.holds().consent(&id, &mut s.seller.rng);
                self.letters.extend(consent.ok().map(Letter::Answer));
            }
        }
    }

    /// Seals blocks of what the chain takes now.
    fn seal(&mut self, blocks: u32) {
        for _ in 0..blocks {
            let s = &self.s;
            let fits = |t: &&Verified<Transaction>| {
                connect_transaction(&s.ledger.chain, s.ledger.memory.state(), t).is_ok()
            };
            // One at a time: all of them spend the same output or make it.
            let taken: Vec<_> = self.pool.iter().filter(fits).take(1).cloned().collect();
            self.s.ledger.seal(&self.s.miner.wallet, &taken);
            self.undoable += 1;
        }
        self.s.scan();
    }

    fn step(&mut self) {
        match self.one_of(12) {
            0..=3 => self.deliver(),
            4 => {
                self.letters.pop_front();
            }
            5 => {
                let who = self.one_of(2) as usize;
                self.restart(who);
            }
            6..=7 => {
                let who = self.one_of(2) as usize;
                if self.alive[who] {
                    self.act(who);
                }
            }
            8 => {
                let depth = u64::from(self.one_of(8)).min(self.undoable);
                (0..depth).for_each(|_| self.s.ledger.undo());
                self.undoable -= depth;
                let again = depth as u32 + 1;
                self.seal(again);
            }
            9 if self.one_of(6) == 0 => {
                let who = self.one_of(2) as usize;
                self.alive[who] = false;
            }
            _ => {
                let blocks = 1 + self.one_of(6);
                self.seal(blocks);
            }
        }
    }

    /// Lives on with whoever lives, until the last refund could have been taken.
    fn end(&mut self) {
        let until =
            self.s.payer.wallet.held().next().map(|h| h.offer().terms.last_height(&self.s.ledger.chain));
        let Some(until) = until else { return };
        while self.s.ledger.height() < until {
            self.seal(8);
            let id = self.s.payer.wallet.held().next().map(|h| h.offer().id);
            if self.alive[0]
                && let Some(id) = id
            {
                self.pool.extend(self.s.refund(&id).ok());
            }
        }
        self.seal(1);
    }
}

#[test]
fn nobody_loses_more_than_was_agreed() {
    let mut endings = std::collections::BTreeMap::<&str, u32>::new();
    for seed in 0..RUNS {
        let mut life = Life::new(seed);
        let before = life.s.totals();
        let offer = life.s.open();
        let funding_fee = 200_000;
        let fee = offer.terms.claim_fee.max(offer.terms.refund_fee).units();
        life.letters.push_back(Letter::Offer(offer));
        // Some lives begin well; in some of those, the seller stops there.
        let start = if seed % 3 == 0 { 0 } else { 4 };
        (0..start).for_each(|_| life.deliver());
        life.alive[1] = seed % 3 != 1;
        (0..STEPS).for_each(|_| life.step());
        life.end();
        let [payer, seller] = life.s.totals();
        let [stage, _] = life.s.stages();
        *endings.entry(stage).or_default() += 1;
        // To the unit: the start fee exactly if it was funded, the amount exactly if it was claimed.
        let funded = life.s.payer.wallet.held().next().and_then(|h| h.funded()).is_some();
        let started = if funded { life.s.start_fee } else { 0 };
        let claimed = if stage == "claimed" { AMOUNT } else { 0 };
        assert_eq!(seller, started + claimed, "seed {seed}, {stage}");
        *endings.entry(if started > 0 { "started" } else { "free" }).or_default() += 1;
        let lost = before[0] - payer;
        let most = funding_fee + fee + seller;
        assert!(lost >= seller && lost <= most, "seed {seed}, {stage}: lost {lost} of at most {most}");
        let held = life.s.payer.wallet.balance(None).held.units();
        assert!(held == 0 || !life.alive[0], "seed {seed}: a payer that lives has its money");
    }
    for reached in ["claimed", "refunded", "started", "free"] {
        assert!(endings.contains_key(reached), "{endings:?}");
    }
}
