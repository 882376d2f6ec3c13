//! What a buyer or a payee knows of a sale: the job, who it is, and what each payee's hold must be.

use crate::{
    bridge::read_text,
    commands::mpc::sale::{Offers, terms_beside},
    exit::{Failure, Outcome},
};
use sotto_jobs::edge::folder::Folder;
use sotto_jobs::job::Sale;
use sotto_jobs::offer::{EncryptedTerms, MAX_OFFER, Offer, OpenedTerms, Terms};
use sotto_jobs::offer_use::own_terms;
use sotto_jobs::sale::SaleError;
use sotto_jobs::{Job, PartyId};
use sotto_mw::{amount::Amount, chain::Chain};
use sotto_party::Identity;
use sotto_wallet::{Address, Memo, hold::Promised};
use std::{
    io,
    path::{Path, PathBuf},
};

/// A sale, as one of its parties sees it.
#[derive(Clone, Copy)]
pub(super) struct Deal<'a> {
    pub(super) job: &'a Job,
    pub(super) sale: &'a Sale,
    pub(super) us: PartyId,
    pub(super) identity: &'a Identity,
}

/// What a payee is to get, in a hold of its own.
#[derive(Clone, Debug)]
pub(super) struct Price {
    pub(super) payee: PartyId,
    pub(super) amount: Amount,
    /// Paid with the funding; zero for none.
    pub(super) start_fee: Amount,
    pub(super) address: Address,
    /// Names the sale and the payee, so that a wallet finds the hold.
    pub(super) memo: Memo,
}

impl<'a> Deal<'a> {
    pub(super) fn new(job: &'a Job, us: PartyId, identity: &'a Identity) -> Outcome<Self> {
        let sale = job.sale.as_ref().ok_or_else(|| {
            Failure::refused("the job sells nothing").help("run your part with `sotto mpc run`")
        })?;
        Ok(Self { job, sale, us, identity })
    }

    pub(super) fn name(&self, party: PartyId) -> &'a str {
        self.job.party(party).name.as_str()
    }

    /// What a payee is to get by its opened terms.
    pub(super) fn price(&self, payee: PartyId, terms: &OpenedTerms, chain: &Chain) -> Outcome<Price> {
        let name = self.name(payee);
        let refused = |why: &dyn core::fmt::Display| {
            Failure::refused(format!("cannot pay {name}")).why(why.to_string())
        };
        if chain.id().as_bytes() != &self.sale.chain.0 {
            return Err(refused(&"the job is paid on another ledger than this one")
                .help(format!("the job names the ledger {}: pass its --dir or --node", self.sale.chain)));
        }
        let address = Address::parse(terms.address.as_str(), chain.params().network);
        let address = address.map_err(|e| refused(&format!("the address of its offer is invalid: {e}")))?;
        let memo = Memo::new(format!("sale {} to {name}", self.job.id()));
        let memo = memo.ok_or_else(|| refused(&"its name is too long"))?;
        let (amount, start_fee) = (Amount::new(terms.price), Amount::new(terms.start_fee));
        Ok(Price { payee, amount, start_fee, address, memo })
    }

    /// What a hold must promise a payee.
    pub(super) const fn promised<'p>(&self, price: &'p Price) -> Promised<'p> {
        Promised {
            seller: &price.address,
            amount: price.amount,
            start_fee: price.start_fee,
            blocks: self.sale.blocks,
            confirmations: self.sale.confirmations,
            memo: &price.memo,
        }
    }

    /// The failure for a letter or a state that the rules of a sale refuse.
    pub(super) fn refused(e: &SaleError) -> Failure {
        Failure::refused("the sale cannot go on").why(e)
    }
}

/// The terms of a payee's own offer: open, or as it kept them when it made the offer.
pub(super) fn terms_of_payee(home: &Folder, offer: &Offer) -> Outcome<OpenedTerms> {
    let kept = own_terms(home, offer);
    kept.map_err(|e| Failure::refused("the terms of your offer cannot be read").why(e))?.ok_or_else(|| {
        Failure::refused("the terms of your offer are not known here")
            .why("its price and address are confidential, and it was made in another --dir")
            .help("run this where `sotto mpc offer new` made the offer")
    })
}

/// The terms of all payees, in the job's order: open, or opened with the buyer's key from the files that the owners gave it.
pub(super) fn terms_of_buyer(
    deal: &Deal<'_>,
    job: &Path,
    offers: &Offers,
    given: &[PathBuf],
) -> Outcome<Vec<OpenedTerms>> {
    let beside = terms_beside(job)?;
    let files: Vec<&PathBuf> = given.iter().chain(&beside).collect();
    let opened = |offer: &Offer| {
        let digest = match &offer.allowed().terms {
            Terms::Open(terms) => return Some(terms.clone()),
            Terms::Confidential(digest) => *digest,
        };
        files.iter().find_map(|file| {
            let text = read_text(file, MAX_OFFER).ok()?;
            EncryptedTerms::from_text(&text)?.open(&offer.digest(), &digest, deal.identity)
        })
    };
    let of = |payee: &sotto_jobs::job::Payee| {
        let name = deal.name(payee.owner);
        let offer = offers.of(deal.job, payee.owner);
        offer.and_then(opened).ok_or_else(|| {
            Failure::refused(format!("the price of {name} is not known"))
                .why("its offer is confidential, and no file of terms opens it with your key")
                .help(format!("ask {name} for the file that ends in .terms, and pass it with --terms FILE"))
        })
    };
    deal.sale.payees.iter().map(of).collect()
}

/// Where a party of a sale keeps what must survive a crash, beside what the run keeps.
pub(super) fn open_kept(folder: &Path) -> Outcome<Folder> {
    let path = folder.join("sale");
    Folder::open(&path).map_err(|e| match e.kind() {
        io::ErrorKind::WouldBlock => Failure::refused("this party is already running this run of the job")
            .why(format!("another process uses {}", path.display()))
            .help("wait for it, or end it"),
        _ => Failure::refused(format!("cannot use {}", path.display())).why(e),
    })
}
