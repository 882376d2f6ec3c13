//! `sotto wallet level`: the integrity levels of outputs.

use super::{
    command::{WalletCommand, who},
    reasons::OrRefuseIn as _,
    slates::{declined, read_slate},
    spending::merge_text,
};
use crate::{
    args::{self, LevelName, MixRule, WalletLevel},
    bridge::{ChainAt, hex_bytes},
    exit::{Failure, OrRefuse as _, Outcome},
};
use rand_core::OsRng;
use serde_json::{Value, json};
use sotto_mw::{
    amount::{Amount, Height},
    codec::Decode as _,
    commitment::Commitment,
    kernel::Kernel,
};
use sotto_wallet::{
    Wallet, armor,
    coin_selection::Decision,
    edge::file::WalletFile,
    level::{Level, Mixing, Sealed, Statement, Subject},
    scan::ChainSource as _,
};
use std::path::Path;

pub(crate) fn level(command: &WalletCommand<'_>, verb: &WalletLevel) -> Outcome {
    match verb {
        WalletLevel::State(a) => state(command, a),
        WalletLevel::Accept(a) => accept(command, a),
        WalletLevel::Verify(a) => verify(command, &a.file),
        WalletLevel::List(_) => list(command),
        WalletLevel::Mix(a) => mix(command, a.rule),
    }
}

const fn named(level: LevelName) -> Level {
    match level {
        LevelName::Own => Level::OwnChain,
        LevelName::Verified => Level::Verified,
        LevelName::Unverified => Level::Unverified,
    }
}

fn state(command: &WalletCommand<'_>, a: &args::LevelState) -> Outcome {
    let output = hex_bytes(&a.output).and_then(|bytes| Commitment::from_bytes(&bytes).ok());
    let output = output.ok_or_else(|| {
        Failure::refused(format!("invalid output `{}`", a.output))
            .help("pass all 64 digits of it, as `sotto wallet outputs` of its holder prints them")
    })?;
    let (mut wallet, chain, _) = command.open_fresh()?;
    let about = Subject { output: output.encoded(), level: named(a.level) };
    let same = |s: &&Statement| (s.claim.output, s.claim.level) == (about.output, about.level);
    let known = wallet.levels().stated().find(same).copied();
    if let Some(known) = known {
        return print(command, &wallet, &known);
    }
    let what = "cannot state the level of this output";
    if chain.view().sealed_output(&output).or_refuse(what)?.is_none() {
        return Err(Failure::refused(what).why("no block has it, or it is spent"));
    }
    drop(chain);
    let (account, unit) = (command.account(&wallet)?, *wallet.chain().unit());
    let plan = wallet.levels().plan(account).or_refuse_in(&unit, what)?;
    let title = format!("State that {output} is {}, and put the hash of that on record", about.level);
    let mut wallet = command.confirm(wallet, &merge_text(&plan, &unit, &title), a.yes)?;
    let plan = plan.confirm(|_| Decision::Yes).ok_or_else(declined)?;
    let stated = wallet.levels().state(plan, about, &mut OsRng).or_refuse(what)?;
    print(command, &wallet, &stated.statement)?;
    let submitted = command.chain()?.submit(stated.transaction.get().clone());
    let id = submitted.map_err(|f| f.help("the next scan submits the notice again"))?;
    command.context.ui.info(&format!("pending {id}: the statement counts once a block has its notice"));
    Ok(())
}

fn print(command: &WalletCommand<'_>, wallet: &Wallet<WalletFile>, statement: &Statement) -> Outcome {
    let text = armor::to_text(wallet.chain().id(), statement);
    let mut fields = fields(statement);
    fields["text"] = text.clone().into();
    command.context.output.record("level-statement", fields, &text)
}

/// A statement whose signature holds and whose notice is in a block.
struct OnRecord {
    statement: Statement,
    kernel: Kernel,
    height: Height,
}

impl OnRecord {
    fn read(chain: &ChainAt, file: &Path) -> Outcome<Self> {
        let (text, what) = (read_slate(file)?, "invalid statement of a level");
        let statement: Statement = armor::from_text(chain.chain().id(), &text).or_refuse(what)?;
        statement.verify(chain.chain()).or_refuse(what)?;
        let absent = || {
            Failure::refused("this statement is not on record")
                .why(format!("no block has its notice, the kernel {}", statement.notice))
                .help("wait for a block, or ask the issuer for another statement")
        };
        let found = chain.inclusion(&statement.notice)?.ok_or_else(absent)?;
        let height = chain.kernel_height(&statement.notice)?.ok_or_else(absent)?;
        statement.check_record(chain.chain(), &found.kernel).or_refuse(what)?;
        Ok(Self { statement, kernel: found.kernel, height })
    }

    fn fields(&self) -> Value {
        let mut fields = fields(&self.statement);
        fields["height"] = self.height.get().into();
        fields
    }
}

fn fields(Statement { claim, notice, .. }: &Statement) -> Value {
    json!({
        "output": claim.output.to_string(), "level": claim.level.to_string(),
        "issuer": claim.issuer.to_string(), "notice": notice.to_string(),
    })
}

fn accept(command: &WalletCommand<'_>, a: &args::LevelAccept) -> Outcome {
    let (mut wallet, chain, _) = command.open_fresh()?;
    let network = wallet.chain().params().network;
    let from =
        wallet.contacts().resolve(&a.from, network).or_refuse(format!("unknown issuer `{}`", a.from))?;
    let said = OnRecord::read(&chain, &a.file)?;
    drop(chain);
    let OnRecord { statement, kernel, height } = &said;
    if statement.claim.issuer != from {
        return Err(Failure::refused("this statement is of another issuer")
            .why(format!("it is of {}", who(&wallet, &statement.claim.issuer))));
    }
    let sealed = Sealed { kernel, height: *height };
    wallet.levels().accept(statement, sealed).or_refuse("cannot take over this level")?;
    let human = format!("{} is {}, says {}", statement.claim.output, statement.claim.level, a.from);
    command.context.output.record("level", said.fields(), &human)
}

fn verify(command: &WalletCommand<'_>, file: &Path) -> Outcome {
    let said = OnRecord::read(&command.chain()?, file)?;
    let claim = &said.statement.claim;
    let human = format!(
        "{} is {}\n  stated by  {}\n  on record  since block {}, kernel {}\nCompare the issuer with the one that you know.",
        claim.output, claim.level, claim.issuer, said.height, said.statement.notice,
    );
    command.context.output.record("level", said.fields(), &human)
}

fn list(command: &WalletCommand<'_>) -> Outcome {
    let mut wallet = command.open()?;
    let marks: Vec<_> = wallet.levels().marks().copied().collect();
    if marks.is_empty() {
        command.context.ui.info("All outputs count as of this chain: no statement about them was accepted.");
    }
    if wallet.levels().mixing() == Mixing::Allowed {
        command.context.ui.info("Outputs of different levels may be spent together.");
    }
    for mark in marks {
        let amount = wallet.outputs().find(|o| o.commitment == mark.output);
        let amount = amount.map_or(Amount::ZERO, |o| o.opening.amount);
        let said = mark.said.map(|said| (who(&wallet, &said.issuer), said));
        let fields = json!({
            "output": mark.output.to_string(), "level": mark.level.to_string(), "amount": amount.to_string(),
            "issuer": mark.said.map(|said| said.issuer.to_string()), "notice": mark.said.map(|said| said.notice.to_string()),
            "height": mark.said.map(|said| said.height.get()),
        });
        let why = said.map_or("came back of outputs of this level".to_owned(), |(issuer, said)| {
            format!("said by {issuer} in block {}", said.height)
        });
        let shown = wallet.chain().unit().show(amount);
        let human = format!("{shown:>24}  {}  {:<10}  {why}", mark.output, mark.level);
        command.context.output.record("level", fields, &human)?;
    }
    Ok(())
}

fn mix(command: &WalletCommand<'_>, rule: MixRule) -> Outcome {
    let (mixing, human) = match rule {
        MixRule::Allow => (Mixing::Allowed, "outputs of different levels may be spent together"),
        MixRule::Refuse => (Mixing::Refused, "outputs of different levels are not spent together"),
    };
    let mut wallet = command.open()?;
    wallet.levels().set_mixing(mixing).or_refuse("cannot change the rule")?;
    let fields = json!({ "mixing": mixing == Mixing::Allowed });
    command.context.output.record("mixing", fields, human)
}
