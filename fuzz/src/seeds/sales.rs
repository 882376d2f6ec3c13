//! Seeds of the targets of sales.

use super::{Inputs, input};
use crate::fixtures::sale::{letters, offer};

pub(super) fn inputs(target: &str) -> Option<Inputs> {
    Some(match target {
        "mpc_offer" => {
            let (offer, terms) = offer();
            vec![input("offer", offer.to_text()), input("terms", terms.to_text())]
        }
        "mpc_sale" => letters().into_iter().map(|(name, bytes)| input(name, bytes)).collect(),
        _ => return None,
    })
}
