//! The rules that a sale must satisfy.

use super::draft::{Adversary, Draft, MAX_PARTIES};
use super::rules::{Fault, JobError, Part, distinct, require};
use super::sale::{MAX_BLOCKS, Payee, VERDICTS};

impl Draft {
    /// Whether an output leaves the computation locked.
    #[must_use]
    pub fn is_sold(&self, output: usize) -> bool {
        self.sale.as_ref().is_some_and(|sale| sale.has(output))
    }

    pub(super) fn check_sale(&self, faults: &mut Vec<Fault>) {
        let Some(sale) = &self.sale else { return };
        let part = Part::Field("sale");
        let mut check = |holds, otherwise| require(faults, part, holds, otherwise);
        check(usize::from(sale.buyer.0) < self.parties.len(), JobError::Stranger);
        check(self.further.is_empty(), JobError::SaleOfMany);
        check(self.suite.adversary() == Adversary::SemiHonest, JobError::SaleOfPads);
        check(self.runs == 1, JobError::SaleOfRuns);
        let ascend = sale.outputs.iter().zip(sale.outputs.iter().skip(1)).all(|(one, next)| one < next);
        let can_be_sold = |place: &u16| {
            self.outputs.get(usize::from(*place)).is_some_and(|output| {
                output.result_parties == [sale.buyer] && !VERDICTS.contains(&output.name.as_str())
            })
        };
        let outputs = !sale.outputs.is_empty() && ascend && sale.outputs.iter().all(can_be_sold);
        check(outputs, JobError::SaleOutputs);
        let place = |payee: &Payee| self.inputs.iter().position(|input| input.party == payee.owner);
        let places: Option<Vec<usize>> = sale.payees.iter().map(place).collect();
        let owners = places.is_some_and(|places| places.is_sorted())
            && distinct(sale.payees.iter().map(|payee| payee.owner))
            && sale.payees.iter().all(|payee| payee.owner != sale.buyer)
            && (1..=MAX_PARTIES).contains(&sale.payees.len());
        check(owners, JobError::SalePayees);
        let blocks = (1..=sale.blocks).contains(&sale.confirmations) && sale.blocks <= MAX_BLOCKS;
        check(blocks, JobError::SaleBlocks);
    }
}
