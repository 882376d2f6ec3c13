//! A payee's part of a sale, over its wallet.
//!
//! ```text
//! before the run   offer ─▶ join · prove ─▶ part · the money is there: ready
//! after it         ask ─▶ answer · release · claims ─▶ go · secrets ─▶ claim, and on to the others
//!                  or another payee's claim in a block shows t ─▶ claim
//! ```
//!
//! Each round does all that the letters allow, so nothing but the wallet and the buyer's claims must be kept: the machine
//! ([`Payee`]) comes to the same place from the same letters. **Guaranteed.** Go is said only for claims among which ours
//! is, whose lock is the run's, that we can still publish in time, and while no undoing that we consented to can happen.

use super::{
    deal::{Deal, Price},
    round::{Outgoing, Phase, Purse, Table},
};
use crate::{
    bridge::hex,
    exit::{Failure, OrRefuse as _, Outcome},
};
use rand_core::OsRng;
use serde_json::{Value, json};
use sotto_jobs::PartyId;
use sotto_jobs::edge::folder::Folder;
use sotto_jobs::edge::run::{Outcome as Ran, Post, Progress, Trade};
use sotto_jobs::lock::LockSecret;
use sotto_jobs::post::Slot;
use sotto_jobs::sale::payee::{Effect, Event, Judgement, Payee};
use sotto_jobs::sale::{Ask, ClaimSet, EncryptedSecret, Part, Sold, Wanted};
use sotto_jobs::storage::Storage as _;
use sotto_mw::{amount::Height, codec::Decode as _, group::Point, session::SessionId};
use sotto_wallet::{
    WalletError,
    hold::{ClaimLock, HoldError, LockedClaim, Offer, Prove, Release},
    sessions::{Ending, HoldRecord, HoldSide},
};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// Under which name the buyer's letter is kept.
const CLAIMS: &str = "claims";
/// Most offers for one sale that a payee consents to: more come from no honest buyer.
const MOST_OFFERS: usize = 8;

/// A payee, its wallet, and where it keeps the buyer's letter.
pub(super) struct Selling<'a> {
    pub(super) deal: Deal<'a>,
    pub(super) price: Price,
    pub(super) purse: Purse<'a>,
    pub(super) kept: Mutex<Folder>,
    /// The secrets that were encrypted to other payees: once, so that the letters are the same in each round.
    pub(super) passed_on: Mutex<BTreeMap<(PartyId, Slot), Vec<u8>>>,
    /// What came of it, once the claim is in a block.
    pub(super) paid: Mutex<Value>,
}

impl Trade for Selling<'_> {
    fn fund(&self, post: &dyn Post) -> Progress {
        self.purse.round(Phase::Fund, post, |table| self.funded(table))
    }

    fn settle(&self, outcome: &Ran, post: &dyn Post) -> Progress {
        self.purse.round(Phase::Settle, post, |table| self.settled(outcome, table))
    }
}

/// How the wallet's error of a step is said.
fn said(e: &WalletError) -> String {
    e.to_string()
}

impl Selling<'_> {
    fn buyer(&self) -> &str {
        self.deal.name(self.deal.sale.buyer)
    }

    fn is_ours(&self, hold: &HoldRecord) -> bool {
        let offer = hold.offer();
        hold.side() == HoldSide::Seller && offer.memo == self.price.memo && offer.seller == self.price.address
    }

    /// Before the run: consents to what the buyer offers, and says whether the money is there.
    fn funded(&self, table: &mut Table) -> Outcome<Progress> {
        self.join(table)?;
        self.part(table)?;
        self.consent(table)?;
        let promised = self.deal.promised(&self.price);
        Ok(match table.wallet.holds().ready(&promised) {
            Ok(_) => Progress::Done,
            Err(WalletError::Hold(HoldError::Unknown)) => {
                Progress::Awaited(format!("{} to put the money aside", self.buyer()))
            }
            Err(WalletError::Hold(e @ (HoldError::LateToBegin { .. } | HoldError::Ended { .. })))
                if !self.is_open(table) =>
            {
                Progress::Gone(e.to_string())
            }
            Err(WalletError::Hold(e @ HoldError::NotBuried { .. })) => Progress::Awaited(e.to_string()),
            Err(e) => Progress::Awaited(format!("the money of {}: {e}", self.buyer())),
        })
    }

    /// Whether another hold for this sale may still be funded, after one that came to nothing.
    fn is_open(&self, table: &Table) -> bool {
        let ours = table.wallet.held().filter(|hold| self.is_ours(hold));
        ours.filter(|hold| hold.funded().is_none() && hold.stage() != "expired").count() > 0
    }

    /// Answers offers that are for this sale and promise no less.
    fn join(&self, table: &mut Table) -> Outcome {
        let (buyer, promised) = (self.deal.sale.buyer, self.deal.promised(&self.price));
        for offer in table.read::<Offer>(buyer, Slot::Offer) {
            let known: Vec<&HoldRecord> = table.wallet.held().filter(|hold| self.is_ours(hold)).collect();
            let is_known = known.iter().any(|hold| hold.offer() == &offer);
            let live =
                known.iter().filter(|hold| hold.ended().is_none() && hold.stage() != "expired").count();
            if !is_known && live >= MOST_OFFERS {
                table.trouble.push("more offers than a buyer makes: this one is not answered".to_owned());
                continue;
            }
            if let Err(e) = promised.fits(&offer) {
                table.trouble.push(format!("what {} offers is not what was agreed: {e}", self.buyer()));
                continue;
            }
            match table.wallet.holds().join(&offer, &mut OsRng) {
                Ok(join) => {
                    let account = self.account(table, &join.id)?;
                    table.write((buyer, Slot::Join), (account, &offer.payer), &join)?;
                }
                Err(e) => table.trouble.push(said(&e)),
            }
        }
        Ok(())
    }

    /// Answers the range proof of a joint output, once.
    fn part(&self, table: &mut Table) -> Outcome {
        let buyer = self.deal.sale.buyer;
        for prove in table.read::<Prove>(buyer, Slot::Prove) {
            let known = table.wallet.held().find(|hold| hold.offer().id == prove.id);
            let Some(payer) = known.filter(|hold| self.is_ours(hold)).map(|hold| hold.offer().payer) else {
                continue;
            };
            match table.wallet.holds().part(&prove) {
                Ok(part) => {
                    let account = self.account(table, &part.id)?;
                    table.write((buyer, Slot::Part), (account, &payer), &part)?;
                }
                Err(e) => table.trouble.push(said(&e)),
            }
        }
        Ok(())
    }

    fn account(&self, table: &Table, id: &SessionId) -> Outcome<sotto_wallet::Account> {
        let known = table.wallet.held().find(|hold| hold.offer().id == *id);
        known.map(HoldRecord::account).ok_or_else(|| Failure::refused("the wallet lost a hold"))
    }

    /// What the buyer asks for, as its key signed it.
    fn wanted(&self, table: &mut Table) -> Vec<Wanted> {
        let from = self.deal.sale.buyer;
        let letters = table.letters.iter().filter(|letter| (letter.from, letter.slot) == (from, Slot::Ask));
        let read = letters.map(|letter| {
            let ask = Ask::from_bytes(&letter.bytes.0).map_err(|e| e.to_string())?;
            ask.of(self.deal.job).map_err(|e| e.to_string())
        });
        let (good, bad): (Vec<_>, Vec<_>) = read.partition(Result::is_ok);
        table.trouble.extend(bad.into_iter().filter_map(Result::err));
        good.into_iter().filter_map(Result::ok).collect()
    }

    /// Gives the money back if the buyer asks for it, unless we may have said go already; whether it does.
    fn consent(&self, table: &mut Table) -> Outcome<bool> {
        if !self.wanted(table).contains(&Wanted::Return) {
            return Ok(false);
        }
        let can_be_undone = |hold: &HoldRecord| ["parted", "answered"].contains(&hold.stage());
        let Some(hold) = self.live(table).filter(can_be_undone) else { return Ok(false) };
        if !hold.is_held() {
            return Ok(true);
        }
        match table.wallet.holds().consent(&hold.offer().id, &mut OsRng) {
            Ok(consent) => {
                let to = (hold.account(), &hold.offer().payer);
                table.write((self.deal.sale.buyer, Slot::Answer), to, &consent)?;
            }
            Err(e) => table.trouble.push(said(&e)),
        }
        Ok(true)
    }

    /// Our hold: the one whose money is there, or was claimed by us.
    fn live(&self, table: &Table) -> Option<HoldRecord> {
        let ours: Vec<&HoldRecord> = table.wallet.held().filter(|hold| self.is_ours(hold)).collect();
        let claimed = |hold: &&&HoldRecord| matches!(hold.ended(), Some((Ending::Claimed, _)));
        let best = ours.iter().find(claimed).or_else(|| ours.iter().find(|hold| hold.is_held()));
        best.or_else(|| ours.last()).map(|hold| (*hold).clone())
    }

    /// After the run: claims the money.
    fn settled(&self, ran: &Ran, table: &mut Table) -> Outcome<Progress> {
        let sold = Sold::new(self.deal.job, &ran.receipt).map_err(|e| Deal::refused(&e))?;
        let Some(hold) = self.live(table) else {
            return Ok(Progress::Gone("the wallet has no hold for this sale".to_owned()));
        };
        match hold.ended() {
            Some((Ending::Claimed, height)) => {
                let fields = json!({
                    "payee": self.deal.name(self.deal.us), "amount": self.price.amount.units().to_string(),
                    "start_fee": self.price.start_fee.units().to_string(),
                    "hold": hex(&hold.offer().id.0), "height": height.get(),
                });
                *self.paid.lock().unwrap_or_else(PoisonError::into_inner) = fields;
                return Ok(Progress::Done);
            }
            Some((_, height)) => {
                return Ok(Progress::Gone(format!(
                    "the money went back to {} in block {height}",
                    self.buyer()
                )));
            }
            None => {}
        }
        if self.consent(table)? {
            return Ok(Progress::Awaited(format!("{} to take the money back", self.buyer())));
        }
        self.answer(&sold, &hold, table)?;
        self.receive(&hold, table);
        let mut machine = Payee::new(sold, self.deal.us, self.deal.identity);
        let said = self.go(&sold, &mut machine, table)?;
        self.secrets(&sold, &mut machine, table)?;
        self.revealed(&mut machine, table)?;
        let Some(hold) = self.live(table) else { return Ok(Progress::Awaited("the wallet".to_owned())) };
        Ok(Progress::Awaited(match (said, hold.stage()) {
            (Some(why), _) => why,
            (None, "answered" | "parted") => format!("{} to release the money", self.buyer()),
            (None, _) => "the other payees, both compute parties, and a block with the claim".to_owned(),
        }))
    }

    /// Claims the money, with the last height that the buyer names for all.
    fn answer(&self, sold: &Sold<'_>, hold: &HoldRecord, table: &mut Table) -> Outcome {
        let mut until = None;
        for wanted in self.wanted(table) {
            match wanted.until(sold) {
                Ok(named) => until = until.max(named),
                Err(e) => table.trouble.push(e.to_string()),
            }
        }
        let (Some(until), true) = (until, ["parted", "answered"].contains(&hold.stage())) else {
            return Ok(());
        };
        let point = point_of(sold)?;
        let lock = ClaimLock { point, until: Height::new(until) };
        match table.wallet.holds().answer_with(&hold.offer().id, lock, &mut OsRng) {
            Ok(answer) => {
                let to = (hold.account(), &hold.offer().payer);
                table.write((self.deal.sale.buyer, Slot::Answer), to, &answer)
            }
            Err(e) => {
                table.trouble.push(said(&e));
                Ok(())
            }
        }
    }

    /// Takes the buyer's half of our claim.
    fn receive(&self, hold: &HoldRecord, table: &mut Table) {
        for release in table.read::<Release>(self.deal.sale.buyer, Slot::Release) {
            if release.id != hold.offer().id || !["answered", "released"].contains(&hold.stage()) {
                continue;
            }
            if let Err(e) = table.wallet.holds().receive(&release, &mut OsRng) {
                table.trouble.push(said(&e));
            }
        }
    }

    /// Judges the claims of all payees, and says go; what is wrong with them, if anything is.
    fn go(&self, sold: &Sold<'_>, machine: &mut Payee<'_>, table: &mut Table) -> Outcome<Option<String>> {
        let from = self.deal.sale.buyer;
        let letters =
            table.letters.iter().filter(|letter| (letter.from, letter.slot) == (from, Slot::Claims));
        let sets: Vec<ClaimSet> =
            letters.filter_map(|letter| ClaimSet::from_bytes(&letter.bytes.0).ok()).collect();
        let Some(ours) = self.live(table).filter(|hold| hold.stage() == "released") else { return Ok(None) };
        let mut wrong = None;
        for set in sets {
            if let Some(until) = ours.undo_until(table.wallet.chain())
                && table.wallet.tip().next() <= until
            {
                return Ok(Some(format!(
                    "block {until}: an undoing that was consented to can happen until then"
                )));
            }
            let judged = judge(self.deal.us, &ours, &set, table);
            match machine.step(Event::Claims(&set, judged)) {
                Ok(effects) => {
                    // Kept before go is said: with it, any claim in a block opens the lock for us.
                    let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.put(CLAIMS, &set.to_bytes()).or_refuse("cannot keep the claims")?;
                    drop(kept);
                    self.perform(sold, effects, table)?;
                    return Ok(None);
                }
                Err(e) => wrong = Some(e.to_string()),
            }
        }
        Ok(wrong)
    }

    /// Takes the secrets of the compute parties, from them or from other payees.
    fn secrets(&self, sold: &Sold<'_>, machine: &mut Payee<'_>, table: &mut Table) -> Outcome {
        let is_secret = |slot| matches!(slot, Slot::GarblerSecret | Slot::EvaluatorSecret);
        let letters: Vec<_> = table.letters.iter().filter(|letter| is_secret(letter.slot)).cloned().collect();
        let mut done = Vec::new();
        for letter in letters {
            let read = EncryptedSecret::from_bytes(&letter.bytes.0).map_err(|e| e.to_string());
            match read.and_then(|secret| machine.step(Event::Secret(&secret)).map_err(|e| e.to_string())) {
                // Both secrets may come twice; once is enough.
                Ok(effects) if effects.len() > 1 || matches!(effects[..], [Effect::Complete(_)]) => {
                    done = effects
                }
                Ok(_) => {}
                Err(e) => table.trouble.push(e),
            }
        }
        self.perform(sold, done, table)
    }

    /// Looks whether another payee's claim in a block shows t.
    fn revealed(&self, machine: &mut Payee<'_>, table: &mut Table) -> Outcome {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(CLAIMS);
        let set = kept.or_refuse("cannot read the claims")?.and_then(|kept| ClaimSet::from_bytes(&kept).ok());
        for claim in set.into_iter().flat_map(|set| set.claims) {
            let Ok(locked) = LockedClaim::from_bytes(&claim.claim.0) else { continue };
            let Some(found) = table.chain.inclusion(&locked.excess())? else { continue };
            let t = locked.reveals(&found.kernel).and_then(|t| LockSecret::from_bytes(&t.to_bytes()));
            let Some(t) = t else { continue };
            for effect in machine.step(Event::Revealed(t)).map_err(|e| Deal::refused(&e))? {
                if let Effect::Complete(t) = effect {
                    self.complete(&t, Known::InABlock, table);
                }
            }
            return Ok(());
        }
        Ok(())
    }

    fn perform(&self, sold: &Sold<'_>, effects: Vec<Effect>, table: &mut Table) -> Outcome {
        let others: Vec<PartyId> = self.deal.job.compute_parties();
        for effect in effects {
            match effect {
                Effect::Send(go) => {
                    let bytes = go.to_bytes();
                    let go = |to: &PartyId| Outgoing { to: *to, slot: Slot::Go, bytes: bytes.clone() };
                    table.out.extend(others.iter().map(go));
                }
                Effect::Wait(_) => {}
                Effect::PassOn(place, secret, payees) => {
                    self.pass_on(sold, Part { place, secret: &secret }, (payees, table));
                }
                Effect::Complete(t) => self.complete(&t, Known::ToPayees, table),
            }
        }
        Ok(())
    }

    /// Encrypts a compute party's secret to the other payees.
    fn pass_on(&self, sold: &Sold<'_>, part: Part<'_>, (payees, table): (Vec<PartyId>, &mut Table)) {
        let mut passed_on = self.passed_on.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = Slot::of_secret(part.place);
        for to in payees {
            if !passed_on.contains_key(&(to, slot)) {
                let letter = EncryptedSecret::encrypt(sold, part, to, &mut OsRng);
                passed_on.extend(letter.map(|letter| ((to, slot), letter.to_bytes())));
            }
            let bytes = passed_on.get(&(to, slot)).cloned();
            table.out.extend(bytes.map(|bytes| Outgoing { to, slot, bytes }));
        }
    }

    /// Completes our claim and publishes it. Once t is in a block, there is nothing left to lose by that.
    fn complete(&self, t: &LockSecret, known: Known, table: &mut Table) {
        let Some(hold) = self.live(table) else { return };
        let id = hold.offer().id;
        let Some(t) = sotto_mw::secret::SecretScalar::from_bytes(*t.to_bytes()) else { return };
        let done = match known {
            Known::ToPayees => table.wallet.holds().complete(&id, &t, &mut OsRng),
            Known::InABlock => table.wallet.holds().complete_public(&id, &t, &mut OsRng),
        };
        match done {
            Ok(claim) => table.submit(&claim),
            Err(e) => table.trouble.push(said(&e)),
        }
    }
}

/// Who knows the secret of the lock.
#[derive(Clone, Copy)]
enum Known {
    /// Those to whom the compute parties gave it.
    ToPayees,
    /// Everybody.
    InABlock,
}

/// What the ledger says of claims: each holds, all have the lock and the last height of the letter, and ours is ours.
fn judge(us: PartyId, ours: &HoldRecord, set: &ClaimSet, table: &Table) -> Judgement {
    let chain = table.wallet.chain();
    let ours = ours.locked_claim(chain);
    let lock = Point::from_bytes(set.lock.to_bytes());
    let is_good = |claim: &&sotto_jobs::sale::PayeeClaim| {
        LockedClaim::from_bytes(&claim.claim.0).is_ok_and(|locked| {
            let is_of_this = Some(*locked.lock()) == lock && locked.until().get() == set.until;
            locked.holds(chain) && is_of_this && (claim.payee != us || Some(locked) == ours)
        })
    };
    let false_claim = set.claims.iter().find(|claim| !is_good(claim)).map(|claim| claim.payee);
    let until = ours.map_or(Height::GENESIS, |claim| claim.consent_by(chain)).get();
    Judgement { false_claim, next: table.wallet.tip().next().get(), until }
}

/// T on the ledger.
fn point_of(sold: &Sold<'_>) -> Outcome<Point> {
    Point::from_bytes(sold.lock().point().to_bytes()).ok_or_else(|| Failure::refused("the lock is no point"))
}
