//! `sotto chain export` and `import`: write and read a snapshot, whose parts are checked one by one.

use crate::{
    Context, args,
    bridge::{Home, chain_id},
    consent::consent,
    exit::{ErrorCode, Failure, OrRefuse as _, Outcome},
    new_file::NewFile,
    ui::GOOD,
};
use serde_json::json;
use sotto_mw::amount::Height;
use sotto_node::storage::{ExportError, ImportError, Imported, SnapshotStart, Store, StoreError};
use std::{
    fs::File,
    io::{self, BufReader, Read, Write},
    path::Path,
};

pub(crate) fn export(context: &Context, home: &Home, a: &args::ChainExport) -> Outcome {
    let file = NewFile::public(&a.file, a.force, &context.config);
    if !is_standard(&a.file) {
        file.check()?;
    }
    let ledger = home.ledger_to_read()?;
    let height = a.height.map_or(ledger.tip().height, Height::new);
    let bar = context.ui.bar(100, "exporting");
    let percent = |done: u32, all: u32| bar.at(100 * u64::from(done) / u64::from(all));
    let write = |out: &mut dyn Write| {
        ledger.store().export(height, a.part, out, percent).map_err(|e| match e {
            ExportError::Write(e) => Failure::from(e),
            ExportError::Store(e) => Failure::refused("cannot make the snapshot").cause(&e),
        })
    };
    let e = if is_standard(&a.file) { write(&mut io::stdout().lock()) } else { file.write(write) }?;
    drop(bar);
    let human = format!("{} bytes in {} parts: the state after block {}", e.bytes, e.parts, e.height);
    if is_standard(&a.file) {
        context.ui.info(&human);
        return Ok(());
    }
    let fields = json!({
        "height": e.height.get(), "parts": e.parts, "bytes": e.bytes, "chain_id": ledger.chain().id().to_string(),
    });
    context.output.record("chain-export", fields, &human)
}

pub(crate) fn import(context: &Context, home: &Home, a: &args::ChainImport) -> Outcome {
    // An import that was interrupted has no parameters yet; what has some is a chain, or not ours.
    if home.chain().join("genesis").exists() {
        let what = format!("a chain exists already in {}", home.dir.display());
        return Err(Failure::coded(ErrorCode::ChainExists, what).help("pass another folder with --dir"));
    }
    let expected = a.id.as_deref().map(chain_id).transpose()?;
    let (mut source, name) = opened(&a.file)?;
    let locked = |e: &ImportError| matches!(e, ImportError::Store(StoreError::Locked { .. }));
    let what = format!("cannot import {name}");
    let start = SnapshotStart::read(&mut source).or_refuse(&what)?;
    consent(&context.ui, &start.chain, a.audit)?;
    let mut source = start.bytes.as_slice().chain(source);
    let import = || Store::import(&home.chain(), &mut source, expected);
    let found = home.lock_wait.run("the chain", locked, import).or_refuse(what)?;
    report(context, &found, expected.is_some())
}

fn report(context: &Context, found: &Imported, known: bool) -> Outcome {
    let missing = |m: &sotto_node::storage::MissingPart| json!({ "part": m.part, "kind": m.kind.to_string(), "why": m.fault.to_string() });
    let complete = found.store.is_some();
    let fields = json!({
        "chain_id": found.chain.to_string(), "height": found.height.get(), "complete": complete,
        "parts": found.parts, "missing": found.missing.iter().map(missing).collect::<Vec<_>>(),
    });
    let mut human = format!("chain {} up to block {}\n", found.chain, found.height);
    for m in &found.missing {
        human += &format!("missing   part {} ({}): {}\n", m.part, m.kind, m.fault);
    }
    let kept = found.parts as usize - found.missing.len();
    human += &match complete {
        true => format!(
            "{GOOD}imported{GOOD:#}: every seal, signature and range proof is valid, and the supply adds up"
        ),
        false => format!("kept {kept} of {} parts", found.parts),
    };
    context.output.record("chain-import", fields, &human)?;
    if !complete {
        return Err(Failure::refused(format!(
            "{} of {} parts are missing or damaged",
            found.missing.len(),
            found.parts
        ))
        .help("run `sotto chain import` again with another copy of this snapshot"));
    }
    if !known {
        context.ui.info(UNKNOWN);
    }
    Ok(())
}

/// Printed if no chain id was given.
pub(crate) const UNKNOWN: &str =
    "Compare the chain's id with one from a source that you trust: only the id tells whose chain this is.";

/// Opens a file, or standard input for `-`; also returns its name for messages.
pub(crate) fn opened(path: &Path) -> Outcome<(Box<dyn Read>, String)> {
    if is_standard(path) {
        return Ok((Box::new(io::stdin().lock()), "standard input".into()));
    }
    let name = path.display().to_string();
    let file = File::open(path).or_refuse(format!("cannot read {name}"))?;
    Ok((Box::new(BufReader::new(file)), name))
}

fn is_standard(file: &Path) -> bool {
    file == Path::new("-")
}
