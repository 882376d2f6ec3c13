//! What a change does, in plain words, and what is in effect.

use super::file::{ChangeFile, renewable, validators};
use crate::{bridge::hex, exit::Outcome};
use serde_json::{Value, json};
use sotto_mw::{
    amount::Height,
    chain::{Chain, RULES_VERSION},
    codec::Encode as _,
    terms::{Change, Limits, Terms},
    validators::{Validator, ValidatorSet},
};
use std::collections::BTreeMap;

/// What a change does to the terms of the next height.
pub(super) fn effects(chain: &Chain, change: &Change) -> Vec<String> {
    let terms = chain.terms();
    match change {
        Change::Validators(new) => match terms.sealing.validators() {
            Some(old) => moves(old, new),
            None => Vec::new(),
        },
        Change::Limits(next) => vec![format!(
            "from block {}: {} (now {})",
            next.from,
            limits(chain, &next.what),
            limits(chain, &terms.limits)
        )],
        Change::Rules(next) => vec![format!(
            "from block {}: version {} of the rules (now {}); a node that does not know it stops before that block",
            next.from, next.what, terms.rules
        )],
        Change::WithdrawRules => {
            let announced = terms.announced_rules.map_or_else(String::new, |next| {
                format!(" (version {}, from block {})", next.what, next.from)
            });
            vec![format!("the announced version of the rules does not come{announced}")]
        }
    }
}

fn limits(chain: &Chain, limits: &Limits) -> String {
    let fee = chain.unit().show(limits.fee_per_weight);
    format!("{fee} for a unit of weight, at most {} in a block", limits.max_weight)
}

/// Who joins, leaves, and goes on otherwise.
fn moves(old: &ValidatorSet, new: &ValidatorSet) -> Vec<String> {
    let renewed: Vec<&Validator> = renewable(old, Some(new)).filter_map(|i| new.get(i.into())).collect();
    let by_name = |set: &ValidatorSet| -> BTreeMap<String, Validator> {
        set.all().iter().map(|v| (v.name.to_string(), v.clone())).collect()
    };
    let (before, after) = (by_name(old), by_name(new));
    let mut all = Vec::new();
    for (name, v) in &after {
        match before.get(name) {
            _ if renewed.iter().any(|r| r.name == v.name) => {
                all.push(format!("{name} goes on under a new vote key"))
            }
            None => all.push(format!("{name} joins with power {}", v.power)),
            Some(was) if was.vote_key != v.vote_key => {
                all.push(format!(
                    "{name} is replaced by another validator of that name, with power {}",
                    v.power
                ));
            }
            Some(was) if was.power != v.power => {
                all.push(format!("{name} has power {} in place of {}", v.power, was.power));
            }
            Some(was) if was.link_key != v.link_key => all.push(format!("{name} has another link key")),
            Some(_) => {}
        }
    }
    let left = before.keys().filter(|name| !after.contains_key(*name));
    all.extend(left.map(|name| format!("{name} leaves")));
    let needed = 2 * new.total() / 3 + 1;
    all.push(format!(
        "then {} validators seal, with a power of {} together; a block needs {needed} of it",
        new.count(),
        new.total()
    ));
    all
}

/// A change in words, and who signed it.
pub(super) fn describe(chain: &Chain, file: &ChangeFile) -> Outcome<(Value, String)> {
    let set = validators(chain)?;
    let (power, quorum) = file.power(chain)?;
    let effects = effects(chain, &file.signed.change);
    let name = |i: usize| set.get(i).map(|v| v.name.to_string());
    let signed: Vec<String> = file.signed.signatures.signers().places().filter_map(name).collect();
    let by = if signed.is_empty() { "nobody".to_owned() } else { signed.join(", ") };
    let enough = if quorum { "a quorum" } else { "no quorum yet" };
    let human = format!(
        "{}\nin a block up to {}\nsigned by {by}: power {power} of {}, {enough}",
        effects.join("\n"),
        file.signed.expiry,
        set.total()
    );
    let fields = json!({
        "kind": kind(&file.signed.change), "effects": effects, "expires": file.signed.expiry.get(),
        "last_change": file.last_change.get(), "signed": signed, "power": power, "total": set.total(),
        "quorum": quorum,
    });
    Ok((fields, human))
}

const fn kind(change: &Change) -> &'static str {
    match change {
        Change::Validators(_) => "validators",
        Change::Limits(_) => "limits",
        Change::Rules(_) => "rules",
        Change::WithdrawRules => "withdraw",
    }
}

/// What is in effect at the next height, and what is announced.
pub(super) fn terms(chain: &Chain, next: Height) -> Outcome<(Value, String)> {
    let (set, terms) = (validators(chain)?, chain.terms());
    let list = |set: &ValidatorSet| -> Vec<Value> {
        let one = |v: &Validator| json!({ "name": v.name.to_string(), "power": v.power, "vote_key": hex(&v.vote_key.to_bytes()) });
        set.all().iter().map(one).collect()
    };
    let names: Vec<String> = set.all().iter().map(|v| format!("{} ({})", v.name, v.power)).collect();
    let mut human = format!(
        "block       {next} is next; the last change is in block {}\nvalidators  {}\nfee         {}\nrules       version {}",
        terms.last_change,
        names.join(", "),
        limits(chain, &terms.limits),
        terms.rules
    );
    let announced = announced(chain, terms);
    announced.iter().for_each(|line| human += &format!("\nannounced   {line}"));
    let fields = json!({
        "next": next.get(), "last_change": terms.last_change.get(), "validators": list(set),
        "fee_per_weight": terms.limits.fee_per_weight.to_string(), "max_weight": terms.limits.max_weight,
        "rules": terms.rules,
        "announced_validators": terms.announced_validators.as_ref().map(|n| json!({ "from": n.from.get(), "validators": list(&n.what) })),
        "announced_limits": terms.announced_limits.map(|n| json!({
            "from": n.from.get(), "fee_per_weight": n.what.fee_per_weight.to_string(), "max_weight": n.what.max_weight,
        })),
        "announced_rules": terms.announced_rules.map(|n| json!({
            "from": n.from.get(), "version": n.what, "known": n.what <= RULES_VERSION,
        })),
    });
    Ok((fields, human))
}

fn announced(chain: &Chain, terms: &Terms) -> Vec<String> {
    let set = terms.announced_validators.iter().map(|n| {
        let names: Vec<String> = n.what.all().iter().map(|v| v.name.to_string()).collect();
        format!("from block {}: {}", n.from, names.join(", "))
    });
    let fees =
        terms.announced_limits.iter().map(|n| format!("from block {}: {}", n.from, limits(chain, &n.what)));
    let rules = terms.announced_rules.iter().map(|n| {
        let known =
            if n.what <= RULES_VERSION { "" } else { ", which this program does not know: it stops before" };
        format!("from block {}: version {} of the rules{known}", n.from, n.what)
    });
    set.chain(fees).chain(rules).collect()
}
