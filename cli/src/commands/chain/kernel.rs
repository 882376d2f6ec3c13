//! `sotto chain kernel`: in which block a kernel is, and since when.

use crate::{
    Context, args,
    bridge::{ChainAt, Home, hex_bytes},
    exit::{Failure, Outcome},
    local_time::local_time,
};
use serde_json::json;
use sotto_mw::{
    amount::Height,
    codec::Decode,
    kernel::{Excess, KernelFeatures},
    transaction::Transaction,
};

pub(crate) fn kernel(context: &Context, home: &Home, a: &args::ChainKernel) -> Outcome {
    let excess = hex_bytes(&a.excess).and_then(|bytes| Excess::from_bytes(&bytes).ok());
    let excess = excess.ok_or_else(|| {
        Failure::refused(format!("invalid kernel `{}`", a.excess))
            .help("pass the excess of the kernel, 64 hexadecimal digits, as `chain block` and `wallet history` print it")
    })?;
    let chain = home.chain_to_read(&a.node)?;
    let none = || Failure::refused(format!("no block has the kernel {excess}"));
    let found = chain.inclusion(&excess)?.ok_or_else(none)?;
    let height = chain.kernel_height(&excess)?.ok_or_else(none)?;
    let header = chain.header(height)?.ok_or_else(none)?;
    let (kind, window) = (
        kernel_kind(&found.kernel.features),
        found.kernel.features.window(chain.chain().params().window_width),
    );
    let tip = chain.tip_height();
    let notice = found.kernel.features.notice();
    let fields = json!({
        "topic": notice.map(|n| n.topic), "data": notice.map(|n| n.data.to_string()), "excess": excess.to_string(), "height": height.get(), "block": header.hash().to_string(),
        "time": header.time, "kind": kind, "fee": found.kernel.features.fee().to_string(),
        "not_before": window.not_before.get(), "not_after": window.not_after.get(),
        "tip": tip.get(),
    });
    let deep = tip.get().saturating_sub(height.get());
    let human = format!(
        "kernel    {excess}\nblock     {height} {}\ndate      {} (block {height}; {deep} blocks follow)\nkind      {kind}, fee {}",
        header.hash(),
        local_time(header.time),
        chain.chain().unit().show(found.kernel.features.fee()),
    );
    let recorded = notice.map_or(String::new(), |n| format!("\nrecords   topic {}, {}", n.topic, n.data));
    context.output.record("kernel", fields, &(human + &recorded))
}

/// What a kernel is for.
pub(super) fn kernel_kind(features: &KernelFeatures) -> &'static str {
    match features {
        KernelFeatures::Plain { .. } => "plain",
        KernelFeatures::Coinbase { .. } => "coinbase",
        KernelFeatures::HeightRanged { .. } => "height-ranged",
        KernelFeatures::NoRecentDuplicate { .. } => "no-recent-duplicate",
        KernelFeatures::Notice { .. } => "notice",
        KernelFeatures::Bonded { .. } => "bonded",
        KernelFeatures::BondedHeightRanged { .. } => "bonded height-ranged",
    }
}

/// The height of the block that has all kernels of a transaction, if one has.
pub(crate) fn sealed_at(chain: &ChainAt, t: &Transaction) -> Outcome<Option<Height>> {
    let mut height = None;
    for k in &t.body.kernels {
        let found = chain.inclusion(&k.excess)?.filter(|found| found.kernel == *k);
        let at = if found.is_some() { chain.kernel_height(&k.excess)? } else { None };
        match at {
            Some(at) => height = height.max(Some(at)),
            None => return Ok(None),
        }
    }
    Ok(height)
}
