//! Bringing a wallet up to date with the chain, and reporting what a scan found.

use crate::{
    Context,
    bridge::{ChainAt, View, scan_failure},
    exit::{ErrorCode, Failure, OrRefuse as _, Outcome},
    ui::BAD,
};
use serde_json::json;
use sotto_mw::{amount::Height, chain::Chain};
use sotto_wallet::{
    Wallet,
    edge::file::WalletFile,
    scan::{ChainSource, ReplacedBlock, ScanReport, ScanWay},
    store::Store,
};

/// How a wallet is brought up to date: [`scan`], [`accept`] or [`all_tags`].
pub(crate) type Scan = fn(&Context, &mut Wallet<WalletFile>, &View<'_>) -> Outcome<ScanReport>;

/// Brings a wallet up to date with the chain.
pub(crate) fn scan(
    context: &Context,
    wallet: &mut Wallet<impl Store>,
    view: &View<'_>,
) -> Outcome<ScanReport> {
    let bar = context.ui.bar(view.unspent_count().or_refuse(CANNOT_SCAN)?, "scanning");
    let report = wallet.scan(view, &mut |done, _| bar.at(done)).map_err(|e| scan_failure(CANNOT_SCAN, e))?;
    drop(bar);
    warn(context, &report);
    context.ui.detail(&format!("scanned: {}", way(&report)));
    Ok(report)
}

/// How a scan went, in words.
fn way(report: &ScanReport) -> String {
    match report.way {
        ScanWay::Unchanged => "nothing is new".to_owned(),
        ScanWay::Followed { blocks } => format!("{blocks} new blocks read"),
        ScanWay::Passed(why) => format!("all unspent outputs read, because {why}"),
    }
}

/// The same, but accepts the chain as it is now, whatever the wallet has seen before.
pub(crate) fn accept(
    context: &Context,
    wallet: &mut Wallet<impl Store>,
    view: &View<'_>,
) -> Outcome<ScanReport> {
    let bar = context.ui.bar(view.unspent_count().or_refuse(CANNOT_SCAN)?, "scanning");
    wallet.rescan(view, &mut |done, _| bar.at(done)).map_err(|e| scan_failure(CANNOT_SCAN, e))
}

/// The same, and tries one-sided outputs whatever their view tag.
pub(crate) fn all_tags(
    context: &Context,
    wallet: &mut Wallet<impl Store>,
    view: &View<'_>,
) -> Outcome<ScanReport> {
    let bar = context.ui.bar(view.unspent_count().or_refuse(CANNOT_SCAN)?, "scanning");
    wallet.rescan_all_tags(view, &mut |done, _| bar.at(done)).map_err(|e| scan_failure(CANNOT_SCAN, e))
}

/// Warns if the last block that the wallet has seen is no longer in the chain.
pub(crate) fn warn(context: &Context, report: &ScanReport) {
    if let Some(ReplacedBlock { height, before, now }) = report.replaced {
        context.ui.info(&format!(
            "{BAD}warning:{BAD:#} block {height} was {before} at the last scan and is {now} now. The reason is a reorganisation, or an operator who seals a height twice; keep the two hashes as evidence."
        ));
    }
}

pub(crate) const CANNOT_SCAN: &str = "cannot scan the chain";

/// Refuses a wallet of another chain.
pub(crate) fn same_chain(wallet: &Wallet<impl Store>, chain: &Chain) -> Outcome {
    let (ours, here) = (wallet.chain().id(), chain.id());
    if ours == here {
        return Ok(());
    }
    Err(Failure::coded(ErrorCode::OtherChain, "the wallet belongs to another chain")
        .why(format!("it belongs to {ours}, and the chain here is {here}"))
        .help("pass the right --dir or --wallet"))
}

/// Tries all outputs from a height on.
pub(crate) fn search(
    context: &Context,
    wallet: &mut Wallet<WalletFile>,
    chain: &ChainAt,
    birthday: Height,
) -> Outcome<ScanReport> {
    let view = chain.view();
    let (tip, _) = view.tip().or_refuse(CANNOT_SCAN)?;
    if birthday > tip {
        context.ui.info(&format!(
            "{BAD}warning:{BAD:#} the birthday, height {birthday}, is beyond the last block, {tip}: nothing was looked at. If the wallet is older, run `sotto wallet scan --full`."
        ));
    } else if birthday > Height::GENESIS.next() {
        context.ui.info(&format!(
            "Blocks before height {birthday} are not looked at; `sotto wallet scan --full` looks at all of them."
        ));
    }
    let bar = context.ui.bar(view.unspent_count().or_refuse(CANNOT_SCAN)?, "searching");
    wallet
        .restore(birthday, &view, &mut |done, _| bar.at(done))
        .map_err(|e| scan_failure(CANNOT_SCAN, e).help("run `sotto wallet scan` to continue"))
}

/// Prints what a scan found.
pub(crate) fn print_report(context: &Context, r: &ScanReport, wallet: &Wallet<WalletFile>) -> Outcome {
    let (total, unit) = (wallet.balance(None).total(), wallet.chain().unit());
    let (blocks, reason) = match r.way {
        ScanWay::Unchanged => (Some(0), None),
        ScanWay::Followed { blocks } => (Some(blocks), None),
        ScanWay::Passed(why) => (None, Some(why.to_string())),
    };
    let fields = json!({
        "height": r.tip.get(), "blocks": blocks, "reason": reason, "tried": r.tried, "own": r.own, "found": r.found,
        "found_amount": r.found_amount.to_string(), "spent": r.gone, "total": total.to_string(),
        "replaced": r.replaced.map(|b| json!({
            "height": b.height.get(), "before": b.before.to_string(), "now": b.now.to_string(),
        })),
    });
    let human = format!(
        "height {}: {}\n{} outputs tried, {} own, {} new ({}), {} spent\ntotal {}",
        r.tip,
        way(r),
        r.tried,
        r.own,
        r.found,
        unit.show(r.found_amount),
        r.gone,
        unit.show(total),
    );
    context.output.record("scan", fields, &human)
}
