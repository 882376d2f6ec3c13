//! The inputs of a payment as the chain shows them.
//!
//! A payment to an invoice names outputs that its receiver has never seen. Before the receiver closes the session
//! it asks the chain whether they exist: otherwise anyone who has seen an invoice could answer it with invented
//! inputs, and the payer's own answer would come too late.
//!
//! **Not shown**: that another transaction does not spend them first.

use super::ChainSource;
use crate::{
    outputs::Coin,
    slate::{InvoiceRequest, Payment, SlateError},
};
use sotto_mw::{amount::Height, chain::Chain, output::OutputFeatures};
use std::collections::BTreeMap;

/// Those inputs of a payment that a chain source showed to be unspent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnspentInputs {
    tip: Height,
    /// How old each output must be, and the height of its block.
    found: BTreeMap<Coin, (Wait, Height)>,
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
        Ok(Self { tip, found: found.filter_map(Result::transpose).collect::<Result<_, _>>()? })
    }

    /// Checks that the next block can spend every input of the payment.
    pub(crate) fn check(&self, chain: &Chain, payment: &Payment) -> Result<(), SlateError> {
        let next = self.tip.next();
        let mature = |coin: &Coin| {
            self.found.get(coin).is_some_and(|(wait, created)| {
                let wait = if *wait == Wait::Maturity { chain.params().maturity } else { 0 };
                created.plus(wait) <= next
            })
        };
        match payment.spent().find(|coin| !mature(coin)) {
            Some(coin) => Err(SlateError::PayerInput { output: coin.commitment, next }),
            None => Ok(()),
        }
    }
}
