//! What signers read about a sale: who pays whom, for what, when the money returns, and what is not fair.

use core::fmt::{self, Write};

use crate::job::{Job, PartyId};

pub(super) fn write(out: &mut String, job: &Job) -> fmt::Result {
    let Some(sale) = &job.sale else { return Ok(()) };
    let sold = job.outputs.iter().enumerate().filter(|(place, _)| sale.has(*place));
    let sold: Vec<_> = sold.map(|(_, output)| output.name.as_str()).collect();
    let (buyer, sold) = (name(job, sale.buyer), sold.join(", "));
    writeln!(out, "\nWho pays whom")?;
    writeln!(out, "  {buyer} buys {sold}, once, and pays on the ledger {}:", sale.chain)?;
    for payee in &sale.payees {
        writeln!(out, "  {}, as its offer says", name(job, payee.owner))?;
        writeln!(out, "    offer  {}", payee.offer)?;
        writeln!(out, "    terms  {}   (price and address)", payee.terms)?;
    }
    let unpaid = job.inputs.iter().filter(|input| sale.payee(input.party).is_none());
    for input in unpaid.filter(|input| input.party != sale.buyer) {
        writeln!(out, "  {} is paid nothing.", name(job, input.party))?;
    }
    writeln!(
        out,
        "  {buyer} puts the money aside before anybody delivers an input, and an owner waits until {} blocks lie on that. \
         It can be claimed up to {} blocks later; then it begins to return to {buyer}. Blocks are not hours.",
        sale.confirmations, sale.blocks
    )?;
    writeln!(
        out,
        "  {sold} leave the computation locked: {buyer} can read them once one payee has claimed its money on the ledger, \
         and not before. All other outputs are read by those who receive them as soon as they are there, and {buyer} \
         decides by them whether to pay."
    )?;
    let [garbler, evaluator] = job.pair().map(|id| name(job, id));
    writeln!(
        out,
        "  What is not fair: {buyer} may never release the money after the run; then no owner is paid, {sold} stay closed, and \
         the owners have used a run of their budgets. {garbler} and {evaluator} together can open {sold} for nothing. One of \
         them, with {buyer} and one payee, can let that payee claim so late that the others cannot. One of them can lock \
         something else than it signed for: the money is gone then, and what it locked proves it to anybody."
    )
}

fn name(job: &Job, id: PartyId) -> &str {
    job.party(id).name.as_str()
}
