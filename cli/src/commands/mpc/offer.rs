//! `sotto mpc offer`: what an owner allows, and for how much.

use super::job::{home, load, open_home, read_identity, read_public};
use super::run::{Mine, Offered};
use crate::{
    Context, amounts, args,
    bridge::{Home, read_text},
    evidence_files::time,
    exit::{Failure, OrRefuse as _, Outcome},
    local_time::local_time,
    new_file::NewFile,
};
use rand_core::OsRng;
use serde_json::{Value, json};
use sotto_jobs::hash::Digest;
use sotto_jobs::offer::{
    Address, Allowed, EncryptedTerms, MAX_OFFER, Offer, OfferedRows, OpenedTerms, Terms,
};
use sotto_jobs::offer_use;
use sotto_jobs::{Job, PartyId};
use sotto_mw::{amount::Amount, unit::Unit};
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

pub(crate) fn run(context: &Context, command: &args::MpcOffer) -> Outcome {
    match command {
        args::MpcOffer::New(a) => new(context, a),
        args::MpcOffer::Show(a) => show(context, a),
        args::MpcOffer::Revoke(a) => revoke(context, a),
    }
}

fn new(context: &Context, a: &args::MpcOfferNew) -> Outcome {
    let file = NewFile::public(&a.out, a.force, &context.config);
    let beside = terms_of(&a.out);
    let opening = a.confidential.as_ref().map(|_| NewFile::public(&beside, a.force, &context.config));
    [Some(&file), opening.as_ref()].into_iter().flatten().try_for_each(NewFile::check)?;
    let price = amounts::written(&a.price)?;
    let start_fee = a.start_fee.as_deref().map(amounts::written).transpose()?;
    let ((job, program), identity) = (load(&a.job)?, read_identity(&a.key)?);
    let us = job.find_key(&identity.public().signing_bytes()).ok_or_else(|| {
        Failure::refused("no party of the job has this key")
            .help("pass the right --key; the model names the key files of all parties")
    })?;
    let chain = Home::of(&context.config).chain_to_read(&a.node)?.chain().clone();
    let network = chain.params().network;
    let address = sotto_wallet::keys::Address::parse(&a.address, network).map_err(|e| {
        Failure::refused("invalid address").why(e).help("`sotto wallet address` prints yours")
    })?;
    let address = Address::new(&address.to_string()).or_refuse("invalid address")?;
    let price = amounts::in_unit(&price, chain.unit())?;
    let start_fee = amounts::optional(start_fee.as_ref(), chain.unit())?;
    price
        .checked_add(start_fee)
        .ok_or_else(|| Failure::refused("price and start fee together are more than any wallet can hold"))?;
    let mine = Mine { job: &job, us, program: &program, form: a.form };
    let no_rows = || Failure::refused(format!("{} has no rows in this job", job.party(us).name));
    let Offered { data_set, rows } = mine.offered(&a.input, &identity)?.ok_or_else(no_rows)?;
    let terms = OpenedTerms::new(price.units(), start_fee.units(), address, &mut OsRng);
    let buyer = a.confidential.as_deref().map(read_public).transpose()?;
    let shown = match buyer {
        None => Terms::Open(terms.clone()),
        Some(_) => Terms::Confidential(terms.digest()),
    };
    let expiry = a.expires.as_deref().map(time).transpose()?.unwrap_or(job.expiry);
    let allowed = Allowed {
        runs: a.jobs,
        expiry,
        terms: shown,
        chain: Digest(*chain.id().as_bytes()),
        ..asked(&job, us)
    };
    let offer = Offer::sign(allowed, &OfferedRows { data_set: &data_set, rows }, &identity, &mut OsRng);
    let plan = words(&offer, Some(&terms), Some(chain.unit()));
    if a.dry_run {
        return context.output.record("mpc-offer-plan", fields(&offer, Some(&terms)), &plan);
    }
    context.ui.confirm(&plan, a.yes)?;
    if buyer.is_some() {
        let kept = open_home(&home(context, &identity))
            .and_then(|mut home| offer_use::keep_terms(&mut home, &offer, &terms));
        kept.or_refuse("cannot remember the terms of the offer")?;
    }
    file.write_all(offer.to_text().as_bytes())?;
    if let (Some(opening), Some(buyer)) = (&opening, &buyer) {
        let sealed = EncryptedTerms::encrypt(&terms, &offer.digest(), buyer, &mut OsRng);
        let sealed = sealed.ok_or_else(|| Failure::refused("the buyer's key cannot be used"))?;
        opening.write_all(sealed.to_text().as_bytes())?;
    }
    let human = format!("signed: {}", a.out.display());
    context.output.record("mpc-offer", fields(&offer, Some(&terms)), &human)
}

/// What a job asks of an owner.
pub(crate) fn asked(job: &Job, owner: PartyId) -> Allowed {
    let key = |id: PartyId| Digest(job.party(id).key.digest());
    let tables = job.inputs.iter().filter(|input| input.party == owner).flat_map(|input| &input.tables);
    let receivers = job.result_parties().into_iter().filter(|id| *id != owner);
    let evidence = job.compute_parties().into_iter().filter_map(|id| job.demand_of(id));
    Allowed {
        schema: job.schema_of(owner),
        data_set: Digest([0; 32]),
        circuits: vec![job.program.circuit],
        purposes: vec![job.purpose.clone()],
        minimum_rows: tables.map(|table| table.rows).min().unwrap_or_default(),
        rows: 0,
        receivers: receivers.map(key).collect(),
        computers: job.compute_parties().into_iter().map(key).collect(),
        evidence: evidence.collect(),
        terms: Terms::Confidential(Digest([0; 32])),
        chain: Digest([0; 32]),
        runs: 1,
        expiry: job.expiry,
    }
}

/// Where the opening of confidential terms is: beside the offer.
pub(crate) fn terms_of(offer: &Path) -> PathBuf {
    let mut name = offer.as_os_str().to_owned();
    name.push(".terms");
    name.into()
}

/// Reads an offer and verifies its signature.
pub(crate) fn read(path: &Path) -> Outcome<Offer> {
    Offer::from_text(&read_text(path, MAX_OFFER)?).map_err(|e| {
        Failure::refused(format!("{} is not an offer", path.display()))
            .why(e)
            .help("`sotto mpc offer new` makes one; ask its owner for the file again")
    })
}

fn show(context: &Context, a: &args::MpcOfferShow) -> Outcome {
    let offer = read(&a.offer)?;
    if let Some(path) = &a.revocation {
        if !offer.is_revoked_by(&read_text(path, MAX_OFFER)?) {
            return Err(Failure::refused("this statement does not revoke the offer")
                .why("it is about another offer, or its owner did not sign it"));
        }
        return Err(Failure::refused("the offer is revoked")
            .why("its owner signed a statement that says so")
            .help("ask the owner for another offer"));
    }
    let opened = match (&offer.allowed().terms, &a.terms, &a.key) {
        (Terms::Open(terms), ..) => Some(terms.clone()),
        (Terms::Confidential(digest), Some(terms), Some(key)) => {
            let (sealed, key) =
                (EncryptedTerms::from_text(&read_text(terms, MAX_OFFER)?), read_identity(key)?);
            let opened = sealed.and_then(|sealed| sealed.open(&offer.digest(), digest, &key));
            let closed = || {
                Failure::refused("the terms do not open")
                    .why("they are encrypted to another key, or are not those of this offer")
                    .help("ask the owner to make the offer for your .pub file")
            };
            Some(opened.ok_or_else(closed)?)
        }
        (Terms::Confidential(_), ..) => None,
    };
    let unit = Home::of(&context.config).chain_to_read(&args::NodeArgs::default()).ok();
    let same = |chain: &crate::bridge::ChainAt| *chain.chain().id().as_bytes() == offer.allowed().chain.0;
    let unit = unit.filter(same).map(|chain| *chain.chain().unit());
    let human = words(&offer, opened.as_ref(), unit.as_ref());
    context.output.record("mpc-offer", fields(&offer, opened.as_ref()), &human)
}

fn revoke(context: &Context, a: &args::MpcOfferRevoke) -> Outcome {
    let (offer, identity) = (read(&a.offer)?, read_identity(&a.key)?);
    let text = offer.revoke(&identity).or_refuse("cannot revoke the offer")?;
    let opened = match &offer.allowed().terms {
        Terms::Open(terms) => Some(terms),
        Terms::Confidential(_) => None,
    };
    let plan = format!("{}\nSign no more jobs under this offer.", words(&offer, opened, None));
    if a.dry_run {
        return context.output.record("mpc-offer-plan", fields(&offer, None), &plan);
    }
    context.ui.confirm(&plan, a.yes)?;
    let kept = open_home(&home(context, &identity)).and_then(|mut home| offer_use::revoke(&mut home, &offer));
    kept.or_refuse("cannot remember that the offer is revoked")?;
    let fields = json!({ "offer": offer.digest().to_string(), "text": text });
    context.output.record("mpc-offer-revoked", fields, text.trim_end())
}

fn words(offer: &Offer, opened: Option<&OpenedTerms>, unit: Option<&Unit>) -> String {
    let Allowed { circuits, purposes, receivers, computers, evidence, .. } = offer.allowed();
    let allowed = offer.allowed();
    let list = |all: &[Digest]| all.iter().map(|one| format!("\n    {one}")).collect::<String>();
    let mut text = format!(
        "Offer    {}\nBy       {}\nRows     {}, at least {} of them together, read under the schema\n    {}\n",
        offer.digest(),
        offer.owner().fingerprint(),
        allowed.rows,
        allowed.minimum_rows,
        allowed.schema
    );
    // Writing to a string cannot fail.
    for purpose in purposes {
        let _ = writeln!(text, "Purpose  {purpose}");
    }
    let _ = writeln!(text, "Circuits{}", list(circuits));
    let _ = writeln!(text, "Keys of those who may learn an output{}", list(receivers));
    let _ = writeln!(text, "Keys of those who may compute{}", list(computers));
    if !evidence.is_empty() {
        let _ = writeln!(text, "They show evidence under one of these policies{}", list(evidence));
    }
    let _ = writeln!(text, "Price    {}", price(opened, unit));
    if opened.is_none() {
        let _ = writeln!(text, "    terms {}", allowed.terms.digest());
    }
    let _ = writeln!(text, "Ledger   {}", allowed.chain);
    let until = local_time(allowed.expiry);
    let _ = write!(text, "For {} job(s) of one run each, until {until}", allowed.runs);
    text
}

/// What is paid, and where to, in words.
pub(crate) fn price(opened: Option<&OpenedTerms>, unit: Option<&Unit>) -> String {
    let Some(terms) = opened else { return "confidential".to_owned() };
    let shown = |units: u64| {
        unit.map_or_else(|| format!("{units} base units"), |unit| unit.show(Amount::new(units)).to_string())
    };
    let begin = match terms.start_fee {
        0 => String::new(),
        fee => format!(", and {} to begin", shown(fee)),
    };
    format!("{}{begin}, to {}", shown(terms.price), terms.address)
}

fn fields(offer: &Offer, opened: Option<&OpenedTerms>) -> Value {
    let allowed = offer.allowed();
    let hex = |all: &[Digest]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    json!({
        "offer": offer.digest().to_string(), "owner": offer.owner().fingerprint(),
        "schema": allowed.schema.to_string(), "data_set": allowed.data_set.to_string(),
        "circuits": hex(&allowed.circuits), "purposes": allowed.purposes.iter().map(|p| p.as_str()).collect::<Vec<_>>(),
        "minimum_rows": allowed.minimum_rows, "rows": allowed.rows, "receivers": hex(&allowed.receivers),
        "computers": hex(&allowed.computers), "evidence": hex(&allowed.evidence),
        "terms": allowed.terms.digest().to_string(), "price": opened.map(|t| t.price.to_string()),
        "start_fee": opened.map(|t| t.start_fee.to_string()),
        "address": opened.map(|t| t.address.to_string()), "chain": allowed.chain.to_string(),
        "jobs": allowed.runs, "expiry": allowed.expiry,
    })
}
