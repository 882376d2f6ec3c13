//! The buyer's part of a sale, over its wallet.
//!
//! ```text
//! before the run   offer · join ─▶ prove · part ─▶ funding, once every payee that has an offer has answered
//! after it         Buyer: ask · answers ─▶ sign ─▶ release, claims · a claim in a block ─▶ t ─▶ the outputs
//! undo             cancel what is not funded; ask for consent to the rest · consent ─▶ undoing
//! ```
//!
//! What [`Buyer`] keeps is on disk before an effect of it is carried out; the rest is in the wallet. So it can stop and go on
//! anywhere.

use super::{
    deal::{Deal, Price, kept_of},
    round::{Outgoing, Phase, Purse, Table},
};
use crate::exit::{Failure, OrRefuse as _, Outcome};
use rand_core::OsRng;
use sotto_jobs::PartyId;
use sotto_jobs::codec::Bytes;
use sotto_jobs::edge::folder::Folder;
use sotto_jobs::edge::run::{Outcome as Ran, Post, Progress, Trade};
use sotto_jobs::lock::{LockPoint, LockSecret};
use sotto_jobs::output_share::OutputsByPlace;
use sotto_jobs::post::Slot;
use sotto_jobs::sale::buyer::{Answer, Buyer, Collected, Effect, Event};
use sotto_jobs::sale::{Ask, ClaimSet, PayeeClaim, Sold, Wanted};
use sotto_jobs::storage::Storage as _;
use sotto_mw::amount::Amount;
use sotto_mw::codec::{Decode as _, Encode as _};
use sotto_wallet::{
    Account, Decision, Wallet,
    coin_selection::HoldRequest,
    edge::file::WalletFile,
    hold::{Answer as Claim, Join, Part, Schedule, Settlement},
    sessions::{Ending, HoldRecord, HoldSide},
};
use std::{
    io,
    path::Path,
    sync::{Mutex, PoisonError},
};

/// Under which name the state of the sale is kept.
const STATE: &str = "buyer";
/// Refunds of a hold: the consent to one more would be padded beyond the longest letter that a compute party keeps.
const REFUNDS: u8 = 29;
/// The same beside an output for a start fee, which takes the place of four.
const REFUNDS_BESIDE_START_FEE: u8 = 25;
/// Blocks for the letters between the agreement on the claims and the payees' goes.
const SLACK: u64 = 3;

/// A buyer, its wallet, and where it keeps how far it is.
pub(super) struct Buying<'a> {
    pub(super) deal: Deal<'a>,
    pub(super) widths: &'a [usize],
    /// Of all payees, in the job's order.
    pub(super) prices: Vec<Price>,
    pub(super) purse: Purse<'a>,
    pub(super) kept: Mutex<Folder>,
    /// What came of it.
    pub(super) end: Mutex<End>,
}

/// What a buyer has in the end.
#[derive(Debug, Default)]
pub(super) struct End {
    /// The outputs that it paid for.
    pub(super) opened: Option<OutputsByPlace>,
    /// A compute party's false share, with what proves it.
    pub(super) accused: Option<Vec<u8>>,
    /// Whether all money was taken back.
    pub(super) is_returned: bool,
    /// The start fees that were paid all the same.
    pub(super) started: Amount,
}

/// Where a buyer stands.
pub(super) fn restored<'a>(deal: &Deal<'a>, widths: &'a [usize], kept: &Folder) -> Outcome<Buyer<'a>> {
    at(deal, widths, kept.get(STATE))
}

/// Where a buyer stands that another process may be.
pub(super) fn seen<'a>(deal: &Deal<'a>, widths: &'a [usize], run: &Path) -> Outcome<Buyer<'a>> {
    at(deal, widths, Folder::peek(&kept_of(run), STATE))
}

fn at<'a>(deal: &Deal<'a>, widths: &'a [usize], kept: io::Result<Option<Vec<u8>>>) -> Outcome<Buyer<'a>> {
    let buyer = Buyer::new(deal.job, widths).map_err(|e| Deal::refused(&e))?;
    match kept.or_refuse("cannot read what was kept of the sale")? {
        None => Ok(buyer),
        Some(state) => buyer.restore(&state).or_refuse("cannot read what was kept of the sale"),
    }
}

/// Keeps the state.
pub(super) fn keep(kept: &mut Folder, effects: &[Effect]) -> Outcome {
    for effect in effects {
        if let Effect::Keep(state) = effect {
            kept.put(STATE, state.as_bytes()).or_refuse("cannot keep how far the sale is")?;
        }
    }
    Ok(())
}

impl Trade for Buying<'_> {
    fn fund(&self, post: &dyn Post) -> Progress {
        self.purse.round(Phase::Fund, post, |table| self.funded(table))
    }

    /// Who buys takes its money back by `--undo`, before it collects.
    fn attend(&self, _: &dyn Post) -> Progress {
        Progress::Done
    }

    fn settle(&self, outcome: &Ran, post: &dyn Post) -> Progress {
        self.purse.round(Phase::Settle, post, |table| self.settled(outcome, table))
    }
}

/// The buyer's hold for a payee: the one that counts.
pub(super) fn hold_of<'w>(wallet: &'w Wallet<WalletFile>, price: &Price) -> Option<&'w HoldRecord> {
    let is_it = |hold: &&HoldRecord| {
        let offer = hold.offer();
        hold.side() == HoldSide::Payer && offer.memo == price.memo && offer.seller == price.address
    };
    let live = |hold: &&HoldRecord| !["cancelled", "expired"].contains(&hold.stage());
    wallet.held().filter(is_it).find(live)
}

impl Buying<'_> {
    pub(super) fn folder(&self) -> std::sync::MutexGuard<'_, Folder> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Before the run: puts the money aside for every payee, and says whether all of it is there.
    fn funded(&self, table: &mut Table) -> Outcome<Progress> {
        table.take_back();
        let buyer = restored(&self.deal, self.widths, &self.folder())?;
        match buyer.again().map_err(|e| Deal::refused(&e))?.first() {
            Some(Effect::PutAside(_)) => {}
            Some(Effect::Undo(payees)) => return self.undo(payees, table),
            _ => return Ok(Progress::Done),
        }
        let short = self.open(table)?;
        self.prove(table)?;
        self.fund_all(table, short.is_some())?;
        let mut awaited = Vec::new();
        for price in &self.prices {
            let name = self.deal.name(price.payee);
            let Some(hold) = hold_of(&table.wallet, price) else {
                awaited.push(format!("money for {name}"));
                continue;
            };
            if let Some((_, height)) = hold.ended() {
                return Ok(Progress::Gone(format!("the money for {name} came back in block {height}")));
            }
            let (found, needed) = (hold.confirmations(table.wallet.tip()), self.deal.sale.confirmations);
            match hold.stage() {
                "funded" if found >= needed => {}
                "funded" => awaited.push(format!("{found} of {needed} blocks on the money for {name}")),
                _ => awaited.push(name.to_owned()),
            }
        }
        if let Some(why) = short {
            awaited.push(why);
        }
        Ok(if awaited.is_empty() { Progress::Done } else { Progress::Awaited(awaited.join(", ")) })
    }

    /// Offers a hold to every payee that has none; what keeps it from that.
    fn open(&self, table: &mut Table) -> Outcome<Option<String>> {
        let mut short = None;
        for price in &self.prices {
            if hold_of(&table.wallet, price).is_none()
                && let Err(e) = self.open_one(price, table)
            {
                short = Some(super::round::words(&e));
                continue;
            }
            let Some(hold) = hold_of(&table.wallet, price).filter(|hold| hold.stage() == "proposed") else {
                continue;
            };
            let (account, offer) = (hold.account(), hold.offer().clone());
            table.write((price.payee, Slot::Offer), (account, &price.address), &offer)?;
        }
        Ok(short)
    }

    fn open_one(&self, price: &Price, table: &mut Table) -> Outcome {
        let request = request(&self.deal, price);
        let plan = table.wallet.plan_hold(request).or_refuse("the wallet cannot put the money aside yet")?;
        let plan = plan.confirm(|_| Decision::Yes).ok_or_else(|| Failure::refused("declined"))?;
        table.wallet.holds().open(plan, &mut OsRng).or_refuse("cannot put the money aside")?;
        Ok(())
    }

    /// Signs the refunds with each payee that consented.
    fn prove(&self, table: &mut Table) -> Outcome {
        for price in &self.prices {
            for join in table.read::<Join>(price.payee, Slot::Join) {
                let hold = hold_of(&table.wallet, price).filter(|hold| hold.offer().id == join.id);
                let Some(account) =
                    hold.filter(|h| ["proposed", "proven"].contains(&h.stage())).map(HoldRecord::account)
                else {
                    continue;
                };
                match table.wallet.holds().prove(&join, &mut OsRng) {
                    Ok(prove) => {
                        table.write((price.payee, Slot::Prove), (account, &price.address), &prove)?
                    }
                    Err(e) => table.trouble.push(format!("{}: {e}", self.deal.name(price.payee))),
                }
            }
        }
        Ok(())
    }

    /// Funds the holds once every payee has done its part; or those that there are, if the wallet's coins are not enough for
    /// all at once.
    fn fund_all(&self, table: &mut Table, is_short: bool) -> Outcome {
        let mut parts = Vec::new();
        for price in &self.prices {
            let Some(hold) = hold_of(&table.wallet, price) else {
                if is_short {
                    continue;
                }
                return Ok(());
            };
            let (id, stage) = (hold.offer().id, hold.stage());
            if ["funded", "released"].contains(&stage) && hold.funded().is_some() {
                continue;
            }
            let all = table.read::<Part>(price.payee, Slot::Part);
            let Some(part) = all.into_iter().find(|part| part.id == id) else { return Ok(()) };
            parts.push((self.deal.name(price.payee), part));
        }
        // One that does not hold costs no other payee's start fee.
        for (name, part) in &parts {
            if let Err(e) = table.wallet.holds().check_part(part) {
                table.trouble.push(format!("{name}: {e}"));
                return Ok(());
            }
        }
        for (name, part) in parts {
            match table.wallet.holds().fund(&part, &mut OsRng) {
                Ok(funding) => table.submit(&funding),
                Err(e) => table.trouble.push(format!("{name}: {e}")),
            }
        }
        Ok(())
    }

    /// After the run: releases the money for what the run gives, and opens it.
    fn settled(&self, ran: &Ran, table: &mut Table) -> Outcome<Progress> {
        table.take_back();
        let sold = Sold::new(self.deal.job, &ran.receipt).map_err(|e| Deal::refused(&e))?;
        let mut buyer = restored(&self.deal, self.widths, &self.folder())?;
        let mut effects = buyer.again().map_err(|e| Deal::refused(&e))?;
        if let Some(Effect::PutAside(_)) = effects.first() {
            let locked =
                ran.locked.as_ref().ok_or_else(|| Failure::refused("the run has no locked shares"))?;
            let run = Collected { receipt: &ran.receipt, outputs: &ran.outputs, locked };
            match buyer.step(Event::Ran(run, self.last_height(table))) {
                Ok(next) => effects = next,
                // Nothing is paid for a run without a result: the money is left to the refunds, or to `--undo`.
                Err(e) => return Ok(Progress::Gone(e.to_string())),
            }
        }
        let said = Progress::Awaited("the owners".to_owned());
        let mut step = Settling { buying: self, buyer, sold, table, said };
        step.perform(effects)?;
        let said = step.said;
        Ok(match (said, self.came_back(table)) {
            (Progress::Awaited(_), Some(why)) => Progress::Gone(why),
            (said, _) => said,
        })
    }

    /// The last height that all claims can have by now.
    fn last_height(&self, table: &Table) -> u64 {
        let (chain, next) = (table.wallet.chain(), table.wallet.tip().next());
        let holds = self.prices.iter().filter_map(|price| hold_of(&table.wallet, price));
        holds.map(|hold| hold.offer().terms.claim_expiry(chain, next).get()).min().unwrap_or_default()
    }

    /// Why nothing will be claimed any more, if the money of all has come back, or that of one before it was released.
    fn came_back(&self, table: &Table) -> Option<String> {
        let holds: Vec<_> = self.prices.iter().map(|price| (price, hold_of(&table.wallet, price))).collect();
        let back = |hold: &HoldRecord| hold.ended().is_some_and(|(ending, _)| ending != Ending::Claimed);
        let gone: Vec<_> =
            holds.iter().filter(|(_, hold)| hold.is_none_or(back)).map(|(price, _)| price).collect();
        let is_released = holds.iter().any(|(_, hold)| hold.is_some_and(|hold| hold.release().is_some()));
        let is_over = if is_released { gone.len() == holds.len() } else { !gone.is_empty() };
        let names: Vec<_> = gone.iter().map(|price| self.deal.name(price.payee)).collect();
        is_over.then(|| format!("the money for {} came back; the outputs stay closed", names.join(", ")))
    }

    /// The start fees of the holds that are funded: what the owners keep whatever comes of the sale.
    fn started(&self, wallet: &Wallet<WalletFile>) -> Amount {
        let is_paid = |price: &&Price| hold_of(wallet, price).is_some_and(|hold| hold.funded().is_some());
        let paid = self.prices.iter().filter(is_paid).map(|price| price.start_fee);
        Amount::checked_sum(paid).unwrap_or(Amount::new(u64::MAX))
    }

    /// Takes the money back: cancels what is not funded, and asks for consent to undo the rest.
    fn undo(&self, payees: &[PartyId], table: &mut Table) -> Outcome<Progress> {
        let mut awaited = Vec::new();
        let ask = Ask::sign(self.deal.job, Wanted::Return, self.deal.identity).to_bytes();
        for price in self.prices.iter().filter(|price| payees.contains(&price.payee)) {
            let Some(hold) = hold_of(&table.wallet, price).filter(|hold| hold.ended().is_none()) else {
                continue;
            };
            let (id, from) = (hold.offer().id, hold.offer().terms.refund_from);
            if ["proposed", "proven"].contains(&hold.stage()) && table.wallet.holds().cancel(&id).is_ok() {
                continue;
            }
            table.out.push(Outgoing { to: price.payee, slot: Slot::Ask, bytes: ask.clone() });
            let name = self.deal.name(price.payee);
            for letter in table.read::<Claim>(price.payee, Slot::Answer) {
                if letter.id != id || letter.settlement != Settlement::Undo {
                    continue;
                }
                match table.wallet.holds().undo(&letter, &mut OsRng) {
                    Ok(undoing) => table.submit(&undoing),
                    Err(e) => table.trouble.push(format!("{name}: {e}")),
                }
            }
            awaited.push(format!("{name} to give the money back (it returns by itself from height {from})"));
        }
        Ok(if awaited.is_empty() {
            let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
            (end.is_returned, end.started) = (true, self.started(&table.wallet));
            Progress::Gone("the money was taken back".to_owned())
        } else {
            Progress::Awaited(awaited.join(", "))
        })
    }
}

/// The hold that a payee is offered.
pub(super) fn request(deal: &Deal<'_>, price: &Price) -> HoldRequest {
    let (blocks, confirmations) = (deal.sale.blocks, deal.sale.confirmations);
    let rungs = if price.start_fee > Amount::ZERO { REFUNDS_BESIDE_START_FEE } else { REFUNDS };
    HoldRequest {
        account: Account(0),
        seller: price.address,
        amount: price.amount,
        start_fee: price.start_fee,
        schedule: Schedule { blocks, rungs, confirmations },
        memo: price.memo.clone(),
    }
}

/// A buyer that settles, in one round.
struct Settling<'b, 'a, 't> {
    buying: &'b Buying<'a>,
    buyer: Buyer<'a>,
    sold: Sold<'a>,
    table: &'t mut Table,
    said: Progress,
}

impl Settling<'_, '_, '_> {
    /// Carries out effects in order, and those of the events that come of them.
    fn perform(&mut self, effects: Vec<Effect>) -> Outcome {
        keep(&mut self.buying.folder(), &effects)?;
        for effect in effects {
            match effect {
                Effect::Keep(_) | Effect::PutAside(_) => {}
                Effect::Ask { payees, lock, until } => self.ask(&payees, lock, until)?,
                Effect::Sign(answers) => self.sign(&answers)?,
                Effect::Send(set) => self.send(&set)?,
                Effect::Open(outputs) => {
                    self.end(|end| end.opened = Some(outputs));
                    self.said = Progress::Done;
                }
                Effect::Accuse(share) => {
                    let proof = share.to_bytes().to_vec();
                    self.end(|end| end.accused = Some(proof));
                    let why =
                        format!("the {} locked something else than it signed for", share.place.as_str());
                    self.said = Progress::Gone(why);
                }
                Effect::Undo(payees) => self.said = self.buying.undo(&payees, self.table)?,
            }
        }
        Ok(())
    }

    fn end(&self, change: impl FnOnce(&mut End)) {
        change(&mut self.buying.end.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn step(&mut self, event: Event<'_>) -> Outcome {
        let effects = self.buyer.step(event).map_err(|e| Deal::refused(&e))?;
        self.perform(effects)
    }

    /// Asks payees for claims, and takes those that came. One for which it would be too late is asked for anew.
    fn ask(&mut self, payees: &[PartyId], lock: LockPoint, until: u64) -> Outcome {
        let latest = self.buying.last_height(self.table);
        if self.table.wallet.tip().next().get().saturating_add(self.margin()) > until {
            if latest > until {
                return self.step(Event::Named(latest));
            }
            // What is agreed on stays: nothing is, before the payees can still say go for it.
            self.said = Progress::Awaited("blocks, after which claims last longer".to_owned());
            return Ok(());
        }
        let deal = &self.buying.deal;
        let wanted = Wanted::Claim { run_id: self.sold.lock().run_id(), lock, until };
        let ask = Ask::sign(deal.job, wanted, deal.identity).to_bytes();
        let mut awaited = Vec::new();
        for payee in payees {
            self.table.out.push(Outgoing { to: *payee, slot: Slot::Ask, bytes: ask.clone() });
            match self.answer_of(*payee, until) {
                Some(answer) => self.step(Event::Answered(answer))?,
                None => awaited.push(deal.name(*payee)),
            }
        }
        if !awaited.is_empty() {
            self.said = Progress::Awaited(format!("{} to claim", awaited.join(", ")));
        }
        Ok(())
    }

    /// How many blocks before the last height of the claims the payees must have all of them, to say go.
    fn margin(&self) -> u64 {
        let params = self.table.wallet.chain().params();
        params.reorganisation.saturating_add(params.window_grid.saturating_mul(3)).saturating_add(SLACK)
    }

    /// The claim of a payee that its hold allows.
    fn answer_of(&mut self, payee: PartyId, named: u64) -> Option<Answer> {
        let price = self.buying.prices.iter().find(|price| price.payee == payee)?;
        let name = self.buying.deal.name(payee);
        let id = hold_of(&self.table.wallet, price)?.offer().id;
        for letter in self.table.read::<Claim>(payee, Slot::Answer) {
            let Settlement::Claim { lock, .. } = &letter.settlement else { continue };
            let until = letter.features.window(0).not_after.get();
            if letter.id != id || until != named {
                continue;
            }
            if let Err(e) = self.table.wallet.holds().check_claim(&letter) {
                self.table.trouble.push(format!("{name}: {e}"));
                continue;
            }
            let lock = lock.as_ref().and_then(|lock| LockPoint::from_bytes(*lock.as_bytes()));
            if lock != Some(self.sold.lock().point()) {
                self.table.trouble.push(format!("{name}: its claim has another lock than the run"));
                continue;
            }
            let claim = PayeeClaim { payee, claim: Bytes(letter.to_bytes()) };
            return Some(Answer { claim, lock, until });
        }
        None
    }

    /// Signs our half of all claims.
    fn sign(&mut self, answers: &[PayeeClaim]) -> Outcome {
        let mut claims = Vec::new();
        for answer in answers {
            let letter = Claim::from_bytes(&answer.claim.0).or_refuse("cannot read a claim that was kept")?;
            self.table.wallet.holds().release(&letter).or_refuse("cannot release the money")?;
            let hold = self.table.wallet.held().find(|hold| hold.offer().id == letter.id);
            let claim = hold.and_then(|hold| hold.locked_claim(self.table.wallet.chain()));
            let claim = claim.ok_or_else(|| Failure::refused("the wallet lost a claim"))?;
            claims.push(PayeeClaim { payee: answer.payee, claim: Bytes(claim.to_bytes()) });
        }
        self.step(Event::Signed(claims))
    }

    /// Gives every payee our half of its claim and all claims, and looks for one in a block.
    fn send(&mut self, set: &ClaimSet) -> Outcome {
        let prices = &self.buying.prices;
        for price in prices {
            let hold = hold_of(&self.table.wallet, price);
            let Some((account, release)) = hold.and_then(|h| Some((h.account(), h.release()?.clone())))
            else {
                continue;
            };
            self.table.write((price.payee, Slot::Release), (account, &price.address), &release)?;
            let bytes = set.to_bytes();
            self.table.out.push(Outgoing { to: price.payee, slot: Slot::Claims, bytes });
        }
        for price in prices {
            let hold = hold_of(&self.table.wallet, price);
            let Some((id, excess)) = hold.and_then(|h| Some((h.offer().id, h.claim_excess()?))) else {
                continue;
            };
            let Some(found) = self.table.chain.inclusion(&excess)? else { continue };
            let t = self.table.wallet.holds().extract(&id, &found.kernel).or_refuse("cannot read a claim")?;
            let t = LockSecret::from_bytes(&t.to_bytes())
                .ok_or_else(|| Failure::refused("the claim in the block has no secret"))?;
            return self.step(Event::Revealed(t));
        }
        self.said = Progress::Awaited("a claim in a block".to_owned());
        Ok(())
    }
}
