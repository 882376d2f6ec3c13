//! The sale that a job file describes, from its entries and the offers beside it.

use serde::Deserialize;

use super::Drafting;
use super::sale::{PayeeEntry, SaleEntry};
use crate::job::{Party, Payee, Sale};
use crate::line_error::{LineError, line_of};
use crate::offer::Offer;

impl Drafting<'_> {
    /// The sale, if there is one; `None` if it has a fault.
    pub(super) fn sale(
        &mut self,
        parties: &[Option<Party>],
        read: &mut dyn FnMut(&str) -> std::io::Result<String>,
    ) -> Option<Option<Sale>> {
        let Some(written) = &self.file.sale else { return Some(None) };
        let (entry, span) = (written.get_ref(), written.span());
        let buyer = self.find(entry.buyer.get_ref(), &entry.buyer.span());
        let mut outputs = Vec::new();
        for name in &entry.outputs {
            let place = self.file.output.iter().position(|output| output.get_ref().name == *name.get_ref());
            match place.and_then(|place| u16::try_from(place).ok()) {
                Some(place) => outputs.push(place),
                None => self.report(&name.span(), format!("there is no [[output]] named {}", name.get_ref())),
            }
        }
        let (mut payees, mut chains) = (Vec::new(), Vec::new());
        for payee in &entry.payee {
            let PayeeEntry { party, offer } = payee.get_ref();
            let owner = self.find(party, &payee.span());
            let read = read(offer).map_err(|e| format!("the offer {offer} cannot be read: {e}"));
            let read = read.and_then(|text| {
                Offer::from_text(&text).map_err(|e| format!("the offer {offer} is invalid: {e}"))
            });
            let key = owner.and_then(|id| parties.get(usize::from(id.0))?.as_ref()).map(|party| &party.key);
            let read = match (read, key) {
                (Ok(read), Some(key)) if read.owner() != key => {
                    Err(format!("the offer {offer} is not signed by the key of {party}"))
                }
                (read, _) => read,
            };
            match (read, owner) {
                (Ok(offer), Some(owner)) => {
                    payees.push(Payee {
                        owner,
                        offer: offer.digest(),
                        terms: offer.allowed().terms.digest(),
                    });
                    chains.push(offer.allowed().chain);
                }
                (Err(what), _) => self.report(&payee.span(), what),
                (Ok(_), None) => {}
            }
        }
        let Some(chain) = chains.first().copied().filter(|first| chains.iter().all(|chain| chain == first))
        else {
            self.report(&span, "a sale has a payee, and the offers of all payees name one ledger");
            return None;
        };
        let SaleEntry { blocks, confirmations, .. } = *entry;
        let is_sound = payees.len() == entry.payee.len() && outputs.len() == entry.outputs.len();
        let sale = Sale { buyer: buyer?, outputs, payees, chain, blocks, confirmations };
        is_sound.then_some(Some(sale))
    }
}

/// A job file as far as it names offers.
#[derive(Deserialize)]
struct File {
    sale: Option<Offers>,
}

#[derive(Deserialize)]
struct Offers {
    payee: Vec<PayeeEntry>,
}

/// The files of offers that a job file names.
///
/// # Errors
/// If it is not a job file.
pub fn offer_files(text: &str) -> Result<Vec<String>, LineError> {
    let file: File = toml::from_str(text).map_err(|e| LineError {
        line: e.span().map_or(1, |span| line_of(text, &span)),
        what: super::shown(e.message()),
    })?;
    let payees = file.sale.into_iter().flat_map(|sale| sale.payee);
    Ok(payees.map(|payee| payee.offer).collect())
}
