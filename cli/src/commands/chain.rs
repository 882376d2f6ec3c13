//! `sotto chain`: creates, inspects, audits and copies the ledger on this machine.

pub(crate) mod auditors;
mod change;
mod join;
mod kernel;
mod prune;
mod snapshot;
pub(crate) mod validators;

use crate::{
    Context, amounts, args,
    bridge::{ChainAt, Home, hex, hex_bytes, now, read_text},
    commands::wallet::{ACCOUNT, chosen_account, same_chain},
    consent,
    exit::{Code, ErrorCode, Failure, OrRefuse as _, Outcome},
    local_time::local_time,
    output::counted,
    ui::{BAD, GOOD},
};
use core::time::Duration;
use rand_core::OsRng;
use serde_json::{Value, json};
use sotto_mw::{
    amount::{Amount, Height},
    block::Block,
    chain::{Chain, INPUT_WEIGHT, KERNEL_WEIGHT, Params},
    codec::Decode as _,
    error::Rejection,
    hash::Hash,
    kernel::Kernel,
    output::OutputFeatures,
    rules::check_transaction,
    schnorr::PublicKey,
    transaction::Transaction,
    unit::Unit,
};
use sotto_node::{
    edge::operator,
    ledger::{Ledger, SealingContext, audit::UNCHECKED, seal_with},
    seal::{DoubleSeal, OperatorKey},
    sealing::{SealEvent, Solo, block_time},
};
use sotto_wallet::{Wallet, armor, keys::Account, store::Store};
use std::fs;

pub(crate) fn run(context: &Context, command: args::Chain) -> Outcome {
    let home = Home::of(&context.config);
    match command {
        args::Chain::Init(a) => init(context, &home, &a),
        args::Chain::Join(a) => join::join(context, &home, &a),
        args::Chain::Info(_) => info(context, &home),
        args::Chain::Seal(a) => seal_blocks(context, &home, &a),
        args::Chain::Submit(a) => submit(context, &home, &a),
        args::Chain::Block(a) => block(context, &home, a.height),
        args::Chain::Audit(_) => audit(context, &home),
        args::Chain::Kernel(a) => kernel::kernel(context, &home, &a),
        args::Chain::Prune(a) => prune::prune(context, &home, &a),
        args::Chain::Export(a) => snapshot::export(context, &home, &a),
        args::Chain::Import(a) => snapshot::import(context, &home, &a),
        args::Chain::Change(a) => change::run(context, &home, a),
    }
}

/// Creates a solo chain and its operator's key in `home`.
pub(crate) fn create(home: &Home, edit: impl FnOnce(&mut Params)) -> Outcome<(Ledger, OperatorKey)> {
    let key = OperatorKey::generate(&mut OsRng);
    let params = new_params(home, key.public(), edit)?;
    // The key is written first: without it, no block of the chain could ever be sealed.
    operator::write(&home.operator(), &key).or_refuse("cannot write the operator's key")?;
    let ledger = Ledger::create(&home.chain(), params).or_refuse("cannot create the chain")?;
    Ok((ledger, key))
}

/// The parameters of a chain that this key seals, where no chain is.
fn new_params(home: &Home, key: PublicKey, edit: impl FnOnce(&mut Params)) -> Outcome<Params> {
    if home.chain().exists() {
        return Err(Failure::coded(
            ErrorCode::ChainExists,
            format!("a chain exists already in {}", home.dir.display()),
        )
        .help("pass another folder with --dir"));
    }
    fs::create_dir_all(&home.dir).or_refuse(format!("cannot create {}", home.dir.display()))?;
    let mut params = Params::solo(key, now());
    edit(&mut params);
    Chain::new(params.clone()).or_refuse("invalid chain parameters")?;
    Ok(params)
}

/// Creates a chain that a group seals. What it has sealed is final, unless its parameters say otherwise.
fn create_for_group(home: &Home, key: &str, edit: impl FnOnce(&mut Params)) -> Outcome<Ledger> {
    let bytes = hex_bytes(key).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let key = bytes.and_then(|bytes| PublicKey::from_bytes(&bytes).ok()).ok_or_else(|| {
        Failure::coded(ErrorCode::Usage, format!("invalid key `{key}`"))
            .help("`sotto keys export --group FILE` prints the key of a group")
    })?;
    let params = new_params(home, key, |p| {
        p.reorganisation = 0;
        edit(p);
    })?;
    Ledger::create(&home.chain(), params).or_refuse("cannot create the chain")
}

fn init(context: &Context, home: &Home, a: &args::ChainInit) -> Outcome {
    let unit = Unit::new(&a.unit, a.decimals).map_err(|why| {
        Failure::coded(ErrorCode::Usage, format!("invalid unit `{}`", a.unit))
            .why(why)
            .help("for example: sotto chain init --unit POINTS --decimals 2")
    })?;
    let reward =
        a.reward.as_deref().map(|text| amounts::in_unit(&amounts::written(text)?, &unit)).transpose()?;
    let auditors = auditors::named(a)?;
    let edit = |p: &mut Params| {
        p.auditors = auditors;
        (p.unit, p.pace, p.reward) = (unit, a.pace.unwrap_or(p.pace), reward.unwrap_or(p.reward));
        p.maturity = a.maturity.unwrap_or(p.maturity);
        p.reorganisation = a.reorganisation.unwrap_or(p.reorganisation);
        p.window_width = a.window.unwrap_or(p.window_width);
    };
    let ledger = match (&a.validators, &a.operator) {
        (_, Some(key)) => {
            let ledger = create_for_group(home, key, edit)?;
            context.ui.info("The group's members join with `sotto chain join` and the file chain/genesis.");
            ledger
        }
        (Some(file), None) => {
            let ledger = validators::create(home, validators::read(file)?, a.network, edit)?;
            context.ui.info("The other validators join with `sotto chain join` and the file chain/genesis.");
            ledger
        }
        (None, None) => {
            let (ledger, _) = create(home, edit)?;
            context
                .ui
                .info(&format!("The operator's key is in {}. Keep a copy of it.", home.operator().display()));
            ledger
        }
    };
    let (id, network) = (ledger.chain().id(), ledger.chain().params().network);
    context.output.record(
        "chain-init",
        json!({
            "chain_id": id.to_string(), "network": network.to_string(), "dir": home.dir.display().to_string(),
            "unit": unit.name(), "decimals": unit.decimals(), "auditors": consent::fields(auditors.as_ref()),
        }),
        &format!(
            "{network} chain {id} in {}; each block creates {}{}",
            home.dir.display(),
            unit.show(ledger.chain().params().reward),
            consent::line(auditors.as_ref()),
        ),
    )
}

fn info(context: &Context, home: &Home) -> Outcome {
    let ledger = home.ledger_to_read()?;
    let (chain, tip, p) = (ledger.chain(), ledger.tip(), ledger.chain().params());
    let sizes = ledger.store().sizes().or_refuse("cannot read the sizes")?;
    let (supply, unit) = (chain.supply(tip.height).unwrap_or_default(), chain.unit());
    let pending = ledger.mempool().len();
    let base = ledger.store().base();
    let bodies = if base > Height::GENESIS { format!(" (pruned up to block {base})") } else { String::new() };
    let twice = ledger.double_seals().or_refuse("cannot read the evidence of double seals")?;
    let mut human = format!(
        "chain     {} ({})\nheight    {}{}\ntip       {}\nunit      {}, {}\nsupply    {}\nunspent   {}\nkernels   {}\npending   {}\non disk   {} bytes of blocks{bodies}, {} bytes of index\nreward    {} a block, spendable after {} blocks\npace      {} s at least from block to block\nleast fee {} per unit of weight ({} for a payment with change)",
        chain.id(),
        p.network,
        tip.height,
        if tip.height > Height::GENESIS {
            format!(", sealed {}", local_time(tip.time))
        } else {
            String::new()
        },
        tip.hash(),
        unit.name(),
        counted(unit.decimals().into(), "decimal"),
        unit.show(supply),
        counted(tip.output_count, "output"),
        tip.kernel_count,
        counted(pending as u64, "transaction"),
        sizes.log,
        sizes.index,
        unit.show(p.reward),
        p.maturity,
        p.pace,
        unit.show(chain.terms().limits.fee_per_weight),
        unit.show(chain.least_fee(INPUT_WEIGHT + 2 * p.output_weight() + KERNEL_WEIGHT).unwrap_or_default()),
    );
    let fields = json!({
        "chain_id": chain.id().to_string(), "network": p.network.to_string(), "height": tip.height.get(),
        "time": tip.time, "tip": tip.hash().to_string(), "supply": supply.to_string(), "unspent": tip.output_count,
        "kernels": tip.kernel_count, "pending": pending, "log_bytes": sizes.log, "index_bytes": sizes.index,
        "pruned": base.get(), "reorganisation": p.reorganisation,
        "double_seals": twice.iter().map(|d| json!({
            "height": d.first.header.height.get(), "first": d.first.header.hash().to_string(),
            "second": d.second.header.hash().to_string(),
        })).collect::<Vec<_>>(),
        "reward": p.reward.to_string(), "maturity": p.maturity, "fee_per_weight": chain.terms().limits.fee_per_weight.to_string(),
        "unit": unit.name(), "decimals": unit.decimals(), "pace": p.pace, "auditors": consent::fields(p.auditors.as_ref()),
    });
    human += &consent::line(p.auditors.as_ref());
    twice.iter().for_each(|d| human += &format!("\n{}", double_seal_warning(d)));
    context.output.record("chain-info", fields, &human)
}

/// The warning about a double seal.
fn double_seal_warning(d: &DoubleSeal) -> String {
    let (a, b) = (&d.first.header, &d.second.header);
    format!("{BAD}ALARM{BAD:#}     block {} was sealed twice: {} and {}", a.height, a.hash(), b.hash())
}

/// A block that was just sealed.
pub(crate) struct SealedBlock {
    pub(crate) height: Height,
    pub(crate) time: u64,
    pub(crate) hash: Hash,
    pub(crate) transactions: usize,
    pub(crate) reward: Amount,
    pub(crate) dropped: Vec<(Hash, String)>,
    /// Other blocks of the same height that were sealed before.
    pub(crate) double_seals: Vec<DoubleSeal>,
}

/// Seals the pending transactions; the reward goes to an account of `wallet`.
pub(crate) fn seal_one(
    ledger: &mut Ledger,
    engine: &mut Solo,
    wallet: &Wallet<impl Store>,
    account: Account,
) -> Outcome<SealedBlock> {
    let draft = ledger.draft().or_refuse("cannot draft a block")?;
    let fees = draft.due.checked_sub(ledger.chain().params().reward).unwrap_or_default();
    let reward = wallet
        .coinbase(account, draft.height, fees, &mut OsRng)
        .or_refuse("the wallet cannot create the reward")?;
    let time = block_time(ledger.chain(), ledger.tip().time, now())
        .or_refuse("it is too early for the next block")?;
    let proposal = ledger.propose(&draft, reward.into(), time).or_refuse("the block violates a rule")?;
    let judged = ledger.judge_proposal(proposal).or_refuse("the block violates a rule")?;
    let event = SealEvent::Proposed(judged);
    let driven = seal_with(ledger, engine, SealingContext { now: Duration::ZERO, rng: &mut OsRng }, event);
    let driven = driven.or_refuse("cannot seal the block")?;
    let (block, change) = driven.connected.into_iter().next().ok_or_else(|| {
        Failure::refused("the block is proposed, but other sealers have not agreed to it yet")
    })?;
    if let Some(why) = change.unsaved {
        return Err(
            Failure::refused("the block is sealed, but the pending transactions could not be saved").why(why)
        );
    }
    Ok(SealedBlock {
        height: block.height,
        time,
        hash: block.hash,
        transactions: draft.transactions.len(),
        reward: draft.due,
        dropped: change.dropped.iter().map(|(id, why)| (*id, why.to_string())).collect(),
        double_seals: change.alarms,
    })
}

/// Waits until the pace of the chain allows the next block.
fn keep_pace(context: &Context, ledger: &Ledger) {
    while let Err(early) = block_time(ledger.chain(), ledger.tip().time, now()) {
        context.ui.info(&format!("Waiting {} s: blocks of this chain keep a pace.", early.wait));
        std::thread::sleep(Duration::from_secs(early.wait));
    }
}

fn seal_blocks(context: &Context, home: &Home, a: &args::ChainSeal) -> Outcome {
    let passphrase = home.passphrase(&a.wallet.wallet, &a.wallet.passphrase)?;
    let wallet = home.open_wallet(&a.wallet.wallet, &passphrase)?;
    let mut ledger = home.ledger()?;
    let key = operator::read(&home.operator()).or_refuse("cannot use the operator's key")?;
    let mut engine = Solo::new(ledger.chain(), key).or_refuse("cannot use the operator's key")?;
    same_chain(&wallet, ledger.chain())?;
    let account = chosen_account(&wallet, &a.wallet)?.unwrap_or(ACCOUNT);
    let bar = context.ui.bar(a.blocks.into(), "sealing");
    for n in 1..=a.blocks {
        keep_pace(context, &ledger);
        let b = seal_one(&mut ledger, &mut engine, &wallet, account)?;
        bar.at(n.into());
        for (id, why) in &b.dropped {
            context.ui.info(&format!("Transaction {id} left the mempool: {why}."));
        }
        b.double_seals.iter().for_each(|d| context.ui.info(&double_seal_warning(d)));
        let fields = json!({
            "height": b.height.get(), "time": b.time, "hash": b.hash.to_string(), "transactions": b.transactions,
            "reward": b.reward.to_string(),
        });
        let (transactions, reward) =
            (counted(b.transactions as u64, "transaction"), ledger.chain().unit().show(b.reward));
        let human = format!(
            "block {} ({}) {}  {transactions}, reward {reward}",
            b.height,
            local_time(b.time),
            b.hash
        );
        context.output.record("block-sealed", fields, &human)?;
    }
    Ok(())
}

fn submit(context: &Context, home: &Home, a: &args::ChainSubmit) -> Outcome {
    let text = read_text(&a.file, armor::MAX_TEXT as u64)?;
    let mut chain = home.chain_at(&a.node)?;
    armor::split_messages(&text).iter().try_for_each(|text| submit_one(context, &mut chain, text))
}

fn submit_one(context: &Context, chain: &mut ChainAt, text: &str) -> Outcome {
    let t: Transaction =
        armor::from_text(chain.chain().id(), text).or_refuse("not a transaction of this chain")?;
    let (weight, fee) = (t.body.weight(), t.body.fees().unwrap_or_default());
    let id = match chain.submit(t.clone()) {
        Ok(id) => id,
        Err(refused) if refused.code == Code::Refused => {
            let Some(height) = kernel::sealed_at(chain, &t)? else {
                let refused = match check_transaction(chain.chain(), t) {
                    Err(broken @ Rejection::FeeTooLow { .. }) => {
                        refused.why(amounts::broken_rule(&broken, chain.chain().unit()))
                    }
                    _ => refused,
                };
                return Err(
                    refused.help("nothing was changed; docs/RULES.md explains the rule with this number")
                );
            };
            let time = chain.header(height)?.map(|header| header.time);
            let fields =
                json!({ "height": height.get(), "time": time, "weight": weight, "fee": fee.to_string() });
            let date = time.map_or_else(String::new, |time| format!(" ({})", local_time(time)));
            return context.output.record(
                "already-sealed",
                fields,
                &format!("already in block {height}{date}"),
            );
        }
        Err(unreachable) => return Err(unreachable),
    };
    let fields = json!({ "id": id.to_string(), "weight": weight, "fee": fee.to_string() });
    context.output.record(
        "submitted",
        fields,
        &format!("pending {id}  weight {weight}, fee {}", chain.chain().unit().show(fee)),
    )
}

fn block(context: &Context, home: &Home, height: u64) -> Outcome {
    let ledger = home.ledger_to_read()?;
    let found = ledger.store().block(Height::new(height)).or_refuse("cannot read the block")?;
    let b = found.ok_or_else(|| {
        Failure::refused(format!("no block {height}"))
            .help(format!("the latest block is {}; the genesis, 0, has no body", ledger.tip().height))
    })?;
    context.output.record("block", block_json(&b, ledger.chain()), &block_text(&b, ledger.chain()))
}

fn block_json(b: &Block, chain: &Chain) -> Value {
    let kernel = |k: &Kernel| {
        let w = k.features.window(chain.params().window_width);
        json!({ "kind": kernel::kernel_kind(&k.features), "excess": k.excess.to_string(), "fee": k.features.fee().to_string(),
                "not_before": w.not_before.get(), "not_after": w.not_after.get() })
    };
    json!({
        "height": b.header.height.get(), "hash": b.header.hash().to_string(),
        "previous": b.header.previous.to_string(), "time": b.header.time,
        "kernel_root": b.header.kernel_root.to_string(), "output_root": b.header.output_root.to_string(),
        "inputs": b.body.spent().map(ToString::to_string).collect::<Vec<_>>(),
        "outputs": b.body.outputs.iter().map(|o| json!({
            "commitment": o.commitment.to_string(), "coinbase": o.is_coinbase(),
            "one_sided": o.features.keys().is_some(), "extra": hex(o.extra.as_bytes()),
            "proof": hex(o.proof.as_bytes()), "handles": o.proof.handles().map(|h| hex(h.as_bytes())),
        })).collect::<Vec<_>>(),
        "kernels": b.body.kernels.iter().map(kernel).collect::<Vec<_>>(),
    })
}

/// What anyone sees of a block.
pub(crate) fn block_text(b: &Block, chain: &Chain) -> String {
    let mut text = format!("block {} {}\n", b.header.height, b.header.hash());
    text += &format!("  sealed  {}\n", local_time(b.header.time));
    for c in b.body.spent() {
        text += &format!("  spends  {c}\n");
    }
    for o in &b.body.outputs {
        let what = match o.features {
            OutputFeatures::Plain => "",
            OutputFeatures::Coinbase => "  (coinbase)",
            OutputFeatures::OneSided(_) => "  (one-sided)",
        };
        text += &format!("  creates {}{what}\n", o.commitment);
    }
    for k in &b.body.kernels {
        let w = k.features.window(chain.params().window_width);
        let (kind, fee) = (kernel::kernel_kind(&k.features), chain.unit().show(k.features.fee()));
        text += &format!(
            "  kernel  {}  {kind}, fee {fee}, heights {} to {}\n",
            k.excess, w.not_before, w.not_after
        );
    }
    text
}

fn audit(context: &Context, home: &Home) -> Outcome {
    let ledger = home.ledger_to_read()?;
    let bar = context.ui.bar(ledger.tip().height.get(), "auditing");
    let a = ledger.audit(|done, _| bar.at(done.get())).map_err(|e| {
        let help = if home.operator().exists() {
            "do not use this chain; restore its folder from a copy".to_owned()
        } else {
            format!(
                "do not use this copy: move {} away, run `sotto chain join` with the file `genesis` in it, and let `sotto node run` fetch the chain again",
                home.chain().display()
            )
        };
        Failure::refused("the audit failed").why(e).help(help)
    })?;
    drop(bar);
    let pruned = a.pruned > Height::GENESIS;
    let unchecked = if pruned { &UNCHECKED[..] } else { &[] };
    let fields = json!({
        "audit": "ok", "height": a.height.get(), "kernels": a.kernels, "outputs_created": a.outputs_created,
        "outputs_unspent": a.unspent, "supply": a.supply.to_string(), "bytes_of_blocks": a.bytes_of_blocks,
        "bytes_cut_through": a.bytes_cut_through, "pruned": a.pruned.get(), "unchecked": unchecked,
    });
    let mut human = format!(
        "{GOOD}audit ok{GOOD:#}: every seal, signature and range proof up to height {} ({}) is valid, and\n  Σ unspent = supply·H + Σ excesses + offset·G   with a supply of {}\n{} outputs created, {} unspent; {} kernels\n{} bytes of blocks; {} bytes after cut-through of all spent outputs",
        a.height,
        local_time(ledger.tip().time),
        ledger.chain().unit().show(a.supply),
        a.outputs_created,
        a.unspent,
        a.kernels,
        a.bytes_of_blocks,
        a.bytes_cut_through,
    );
    if pruned {
        human = human.replace("outputs created", "outputs seen");
        human += &format!("\nblocks 1 to {} are pruned; for these, the audit could not check:", a.pruned);
        unchecked.iter().for_each(|what| human += &format!("\n  {what}"));
    }
    context.output.record("chain-audit", fields, &human)
}
