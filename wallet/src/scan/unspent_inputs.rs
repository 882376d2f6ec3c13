//! The inputs of a payment as the chain shows them.
//!
//! A payment to an invoice names outputs that its receiver has never seen. Before the receiver closes the session
//! it asks the chain whether they exist: otherwise anyone who has seen an invoice could answer it with invented
//! inputs, and the payer's own answer would come too late.
//!
//! **Not shown**: that another transaction does not spend them first.

use super::ChainSource;
use crate::slate::{InvoiceRequest, Payment, SlateError};
use sotto_mw::{
    amount::Height, chain::Chain, commitment::Commitment, group::PointBytes, output::OutputFeatures,
};
use std::collections::BTreeMap;

/// Those inputs of a payment that a chain source showed to be unspent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnspentInputs {
    tip: Height,
    /// How old each output must be, and the height of its block.
    found: BTreeMap<PointBytes, (Wait, Height)>,
}

/// How old an output must be before it is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    None,
    Maturity,
}

/// The wait of an output that a plain input can spend; `None` for a one-sided one (MW-R38).
const fn wait<S>(features: &OutputFeatures<S>) -> Option<Wait> {
    match features {
        OutputFeatures::Plain => Some(Wait::None),
        OutputFeatures::Coinbase => Some(Wait::Maturity),
        OutputFeatures::OneSided(_) => None,
    }
}

impl UnspentInputs {
    /// Asks the chain for the inputs of a payment; for no more than any invoice has room for.
    ///
    /// # Errors
    /// The error of the source.
    pub fn look_up<C: ChainSource>(source: &C, payment: &Payment) -> Result<Self, C::Error> {
        let (tip, _) = source.tip()?;
        let asked = payment.inputs.iter().take(InvoiceRequest::MAX_INPUTS as usize);
        let found = asked.map(|c| {
            let output = source.unspent_output(c)?;
            Ok(output.and_then(|u| Some((c.encoded(), (wait(&u.features)?, u.created)))))
        });
        Ok(Self { tip, found: found.filter_map(Result::transpose).collect::<Result<_, _>>()? })
    }

    /// Checks that the next block can spend every input of the payment.
    pub(crate) fn check(&self, chain: &Chain, payment: &Payment) -> Result<(), SlateError> {
        let next = self.tip.next();
        let mature = |c: &Commitment| {
            self.found.get(&c.encoded()).is_some_and(|(wait, created)| {
                let wait = if *wait == Wait::Maturity { chain.params().maturity } else { 0 };
                created.plus(wait) <= next
            })
        };
        match payment.inputs.iter().find(|c| !mature(c)) {
            Some(c) => Err(SlateError::PayerInput { output: c.encoded(), next }),
            None => Ok(()),
        }
    }
}
