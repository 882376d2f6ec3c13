//! The payer's part of a payment as the chain shows it.
//!
//! A payment to an invoice names outputs that its receiver has never seen. Before the receiver closes the
//! session it asks the chain whether they exist, and whether it has the change or the payer's kernel already
//! (R25, R29): otherwise anyone who has seen an invoice could answer it with what no block ever takes, and
//! the payer's own answer would come too late.
//!
//! **Not shown**: that another transaction does not spend them first.

use super::ChainSource;
use crate::{
    outputs::Coin,
    slate::{InvoiceRequest, Payment, SlateError},
};
use sotto_mw::{amount::Height, chain::Chain, group::PointBytes, output::OutputFeatures};
use std::collections::{BTreeMap, BTreeSet};

/// Those inputs of a payment that a chain source showed to be unspent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnspentInputs {
    tip: Height,
    /// How old each output must be, and the height of its block.
    found: BTreeMap<Coin, (Wait, Height)>,
    /// The change and the excess of the payer's kernel, if the chain does not have them.
    absent: BTreeSet<PointBytes>,
}

/// How old an output must be before it is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    None,
    Maturity,
}

const fn wait<S>(features: &OutputFeatures<S>) -> Wait {
    match features {
        OutputFeatures::Plain | OutputFeatures::OneSided(_) => Wait::None,
        OutputFeatures::Coinbase => Wait::Maturity,
    }
}

impl UnspentInputs {
    /// Asks the chain for the inputs of a payment; for no more than any invoice has room for.
    ///
    /// # Errors
    /// The error of the source.
    pub fn look_up<C: ChainSource>(source: &C, payment: &Payment) -> Result<Self, C::Error> {
        let (tip, _) = source.tip()?;
        let one_sided = payment.bonded.iter().flat_map(|b| b.inputs.iter().map(|i| &i.commitment));
        let asked = payment.inputs.iter().chain(one_sided).take(InvoiceRequest::MAX_INPUTS as usize);
        let found = asked.map(|c| {
            let output = source.unspent_output(c)?;
            Ok(output.map(|u| (Coin::of(c, &u.features), (wait(&u.features), u.created))))
        });
        let found = found.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        let mut absent = BTreeSet::new();
        for c in payment.change.iter().map(|change| &change.commitment) {
            absent.extend(source.unspent_output(c)?.is_none().then(|| c.encoded()));
        }
        for excess in payment.bonded.iter().map(|bonded| &bonded.kernel.excess) {
            absent.extend(source.kernel(excess)?.is_none().then(|| excess.encoded()));
        }
        Ok(Self { tip, found, absent })
    }

    /// Checks that the next block can spend every input of the payment, and has none of its rest already.
    pub(crate) fn check(&self, chain: &Chain, payment: &Payment) -> Result<(), SlateError> {
        let next = self.tip.next();
        let mature = |coin: &Coin| {
            self.found.get(coin).is_some_and(|(wait, created)| {
                let wait = if *wait == Wait::Maturity { chain.params().maturity } else { 0 };
                created.plus(wait) <= next
            })
        };
        if let Some(coin) = payment.spent().find(|coin| !mature(coin)) {
            return Err(SlateError::PayerInput { output: coin.commitment, next });
        }
        let change = payment.change.iter().map(|change| change.commitment.encoded());
        let excess = payment.bonded.iter().map(|bonded| bonded.kernel.excess.encoded());
        let repeated = change.chain(excess).any(|made| !self.absent.contains(&made));
        if repeated { Err(SlateError::PayerRepeats) } else { Ok(()) }
    }
}
