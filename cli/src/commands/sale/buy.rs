//! `sotto mpc buy`: the verb of the buyer.

use super::{
    buyer::{Buying, End, hold_of, keep, request, restored, seen},
    deal::{Deal, Price, open_kept, terms_of_buyer},
    round::Purse,
};
use crate::{
    Context, args,
    bridge::hex,
    commands::mpc::{
        job::write_result,
        run::{Part, WithMoney},
        sale::Offers,
    },
    exit::{Failure, OrRefuse as _, Outcome},
    ui::BOLD,
};
use serde_json::{Value, json};
use sotto_jobs::multiparty::Functionality as _;
use sotto_jobs::sale::buyer::{Buyer, Effect, Event};
use sotto_mw::amount::Amount;
use sotto_wallet::{Wallet, edge::file::WalletFile, hold::HoldTerms, sessions::HoldRecord};
use std::{
    fmt::Write as _,
    sync::{Mutex, MutexGuard, PoisonError},
};

pub(crate) fn run(context: &Context, a: &args::MpcBuy) -> Outcome {
    let as_run = as_run(a);
    let part = Part::load(context, &a.part)?;
    let (job, us) = (part.agreement.job(), part.us);
    let deal = Deal::new(job, us, &part.identity)?;
    if deal.sale.buyer != us {
        return Err(Failure::refused(format!("{} does not buy in this job", deal.name(us)))
            .why(format!("its buyer is {}", deal.name(deal.sale.buyer)))
            .help("run your part with `sotto mpc run`"));
    }
    let terms = terms_of_buyer(&deal, &a.part.job, &Offers::beside(&a.part.job, job)?, &a.terms)?;
    let purse = Purse::open(context, &a.wallet, &a.node)?;
    let ((prices, unit), _) = purse.with(Vec::new(), |table| {
        let chain = table.chain.chain();
        let of = |(payee, terms): (&sotto_jobs::job::Payee, _)| deal.price(payee.owner, terms, chain);
        let prices = deal.sale.payees.iter().zip(&terms).map(of).collect::<Outcome<Vec<Price>>>()?;
        Ok((prices, *chain.unit()))
    })?;
    let widths: Vec<usize> = part.program.declaration().outputs().iter().map(|table| table.bits()).collect();
    let folder = part.folder(as_run.run);
    if a.status {
        return status(context, (&deal, &prices, &purse), &seen(&deal, &widths, &folder)?);
    }
    let kept = Mutex::new(open_kept(&folder)?);
    let buying = Buying { deal, widths: &widths, prices, purse, kept, end: Mutex::default() };
    if a.undo {
        undo(context, &buying, a.yes)?;
    } else if !agreed(context, &buying, a)? {
        return Ok(());
    }
    let opened = || end_of(&buying).opened.clone().unwrap_or_default();
    let record = || record_of(&buying);
    let ran = part.carry_out(
        context,
        &as_run,
        Some(WithMoney { trade: &buying, opened: Some(&opened), record: &record }),
    );
    let end = end_of(&buying);
    if end.is_returned {
        let fields =
            json!({ "job": job.id().to_string(), "stage": "undone", "start_fees": end.started.to_string() });
        let paid = match end.started {
            Amount::ZERO => "nothing was paid".to_owned(),
            started => format!("the owners keep {} that they got to begin", unit.show(started)),
        };
        return context.output.record("mpc-sale", fields, &format!("the money was taken back; {paid}"));
    }
    let Some(proof) = &end.accused else { return ran };
    let args::PartArgs { job, name, out, .. } = &a.part;
    let beside = job.with_extension("results").join(format!("{name}-1"));
    let folder = out.clone().filter(|out| out.as_os_str() != "-").unwrap_or(beside);
    let file = folder.join("false-share");
    write_result(&file, proof)?;
    ran.map_err(|failed| failed.help(format!("{} proves it, with the receipt; keep both", file.display())))
}

fn end_of<'b>(buying: &'b Buying<'_>) -> MutexGuard<'b, End> {
    buying.end.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The run that the buyer takes part in.
fn as_run(a: &args::MpcBuy) -> args::MpcRun {
    let (listen, software, output) = (None, None, None);
    let wallet = args::PayeeWallet::default();
    // A sale is of one run.
    args::MpcRun { part: a.part.clone(), run: 1, listen, software, output, wallet }
}

/// What is paid, for the record of the run.
fn record_of(buying: &Buying<'_>) -> Value {
    let paid = buying.prices.iter().map(|price| {
        json!({ "payee": buying.deal.name(price.payee), "amount": price.amount.units().to_string(),
                "start_fee": price.start_fee.units().to_string() })
    });
    json!({ "paid": paid.collect::<Vec<_>>() })
}

/// Shows what is paid and asks, unless all money is aside already; whether to go on.
fn agreed(context: &Context, buying: &Buying<'_>, a: &args::MpcBuy) -> Outcome<bool> {
    let is_open = {
        let buyer = restored(&buying.deal, buying.widths, &buying.folder())?;
        matches!(buyer.again().map_err(|e| Deal::refused(&e))?.first(), Some(Effect::PutAside(_)))
    };
    let ((text, fields, is_new), _) = buying.purse.with(Vec::new(), |table| plan(buying, &table.wallet))?;
    if a.dry_run {
        context.output.record("mpc-buy-plan", fields, &text)?;
        return Ok(false);
    }
    if is_open && is_new {
        context.ui.confirm(&text, a.yes)?;
    }
    Ok(true)
}

/// What is paid to whom, and until when; whether any money is to be put aside for it yet.
fn plan(buying: &Buying<'_>, wallet: &Wallet<WalletFile>) -> Outcome<(String, Value, bool)> {
    let (deal, chain, unit) = (&buying.deal, wallet.chain(), wallet.chain().unit());
    let (mut rows, mut records, mut is_new) = (String::new(), Vec::new(), false);
    // What all of it costs, and what of that the wallet still needs, fees of fundings included.
    let (mut sum, mut needed) = (Amount::ZERO, Amount::ZERO);
    let add = |sum: Amount, more: Amount| {
        sum.checked_add(more).ok_or_else(|| Failure::refused("the prices are out of range"))
    };
    let mut last: Option<HoldTerms> = None;
    for price in &buying.prices {
        let known = hold_of(wallet, price);
        is_new |= known.is_none();
        let terms = if let Some(hold) = known {
            let terms = hold.offer().terms;
            // A start fee that a block has is not in the wallet any more.
            let is_paid = hold.funded().is_some();
            needed = add(needed, if is_paid { terms.held() } else { terms.to_fund() })?;
            terms
        } else {
            let plan = wallet.plan_hold(request(deal, price)).or_refuse("cannot put the money aside")?;
            needed = add(add(needed, plan.terms().to_fund())?, plan.funding().fee())?;
            *plan.terms()
        };
        sum = add(sum, terms.to_fund())?;
        let name = deal.name(price.payee);
        // Writing to a string cannot fail.
        let _ = write!(rows, "\n  {:>24}  {name}, to {}", unit.show(price.amount), price.address);
        if price.start_fee > Amount::ZERO {
            let fee = unit.show(price.start_fee);
            let _ = write!(rows, "\n  {fee:>24}  its start fee: paid with the funding, and never comes back");
        }
        records.push(json!({ "payee": name, "amount": price.amount.units().to_string(),
                             "start_fee": price.start_fee.units().to_string(),
                             "address": price.address.to_string(), "held": terms.held().units().to_string(),
                             "refund_from": terms.refund_from.get() }));
        last = last.filter(|last| last.refund_from >= terms.refund_from).or(Some(terms));
    }
    let balance = wallet.balance(None);
    let unfrozen = balance.total().checked_sub(balance.frozen).unwrap_or_default();
    if is_new && unfrozen.checked_add(balance.held).is_some_and(|there| needed > there) {
        return Err(Failure::refused("the wallet has too little money")
            .why(format!("the prices, the start fees and all fees are {}", unit.show(needed)))
            .help("`sotto wallet balance` shows what there is"));
    }
    let sold = deal.job.outputs.iter().enumerate().filter(|(place, _)| deal.sale.has(*place));
    let sold: Vec<&str> = sold.map(|(_, output)| output.name.as_str()).collect();
    let from = last.map_or(0, |terms| terms.refund_from.get());
    let until = last.map_or(0, |terms| terms.last_height(chain).get());
    let text = format!(
        "{BOLD}Buy {}{BOLD:#} of job {} on the {} network{rows}\n  {:>24}  in all, with start fees and the fees of the claims; each hold costs the fee of its funding besides\nThe money waits in holds and is released after the run. What is not claimed returns from height {from} on; after height {until} only by consent.\nYou read the outputs once one owner's claim is in a block. After the release nothing can be undone.\nUnaudited: this has had no review outside the project.",
        sold.join(", "),
        deal.job.id(),
        chain.params().network,
        unit.show(sum),
    );
    let fields = json!({ "job": deal.job.id().to_string(), "outputs": sold, "payees": records,
                         "sum": sum.units().to_string(), "refund_from": from });
    Ok((text, fields, is_new))
}

/// Decides, durably, that the money goes back.
fn undo(context: &Context, buying: &Buying<'_>, yes: bool) -> Outcome {
    let mut text = "Take back the money that was put aside. The outputs stay closed for ever.".to_owned();
    if buying.prices.iter().any(|price| price.start_fee > Amount::ZERO) {
        text += " Start fees that were paid do not come back.";
    }
    context.ui.confirm(&text, yes)?;
    let mut folder = buying.folder();
    let mut buyer = restored(&buying.deal, buying.widths, &folder)?;
    let effects = buyer.step(Event::Undo).map_err(|e| {
        Failure::refused("the purchase cannot be undone")
            .why(e)
            .help("`sotto mpc buy` goes on with it; --status shows how far it is")
    })?;
    keep(&mut folder, &effects)
}

/// Shows how far the purchase is, also while another process goes on with it.
fn status(
    context: &Context,
    (deal, prices, purse): (&Deal<'_>, &[Price], &Purse<'_>),
    buyer: &Buyer<'_>,
) -> Outcome {
    let stage = stage(buyer.again().map_err(|e| Deal::refused(&e))?.first());
    let (rows, _) = purse.with(Vec::new(), |table| {
        let wallet = &table.wallet;
        let row = |price: &Price| {
            let hold = hold_of(wallet, price);
            let name = deal.name(price.payee);
            let at = hold.map_or("nothing is put aside", HoldRecord::stage);
            let text = format!("\n  {:>24}  {name}: {at}", wallet.chain().unit().show(price.amount));
            let fields = json!({
                "payee": name, "amount": price.amount.units().to_string(),
                "start_fee": price.start_fee.units().to_string(), "hold": hold.map(|h| hex(&h.offer().id.0)),
                "stage": hold.map(HoldRecord::stage), "refund_from": hold.map(|h| h.offer().terms.refund_from.get()),
            });
            (text, fields)
        };
        Ok(prices.iter().map(row).collect::<Vec<_>>())
    })?;
    let text: String = rows.iter().map(|(text, _)| text.as_str()).collect();
    let payees: Vec<_> = rows.into_iter().map(|(_, fields)| fields).collect();
    let fields = json!({ "job": deal.job.id().to_string(), "stage": stage.0, "payees": payees });
    context.output.record("mpc-sale", fields, &format!("{}{text}", stage.1))
}

/// Where the buyer stands: a word for programs, and for people.
fn stage(next: Option<&Effect>) -> (&'static str, &'static str) {
    match next {
        Some(Effect::PutAside(_)) | None => ("open", "The run is not finished; the money can be taken back."),
        Some(Effect::Ask { .. }) => {
            ("asked", "The run is finished; the owners have to claim. The money can be taken back.")
        }
        Some(Effect::Sign(_)) => ("agreed", "All owners have claimed; the money is to be released."),
        Some(Effect::Send(_)) => {
            ("released", "The money is released; the first claim in a block opens the outputs.")
        }
        Some(Effect::Undo(_)) => ("undone", "The purchase was undone; the money comes back."),
        Some(Effect::Open(_) | Effect::Accuse(_) | Effect::Keep(_)) => ("paid", "The outputs are paid for."),
    }
}
