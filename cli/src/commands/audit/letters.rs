//! What all verbs of `sotto audit` share: letters, and what the chain says of a request.

use crate::{
    Context, args,
    args::{AuditChain, AuditLetters},
    bridge::{ChainAt, Home, hex, read_text},
    commands::chain::auditors::{read_auditors, read_charter},
    exit::{Failure, OrRefuse as _, Outcome},
};
use serde_json::{Value, json};
use sotto_audit::{Charter, RequestLetter};
use sotto_keys::Group;
use sotto_mw::{amount::Height, chain::Chain, hash::Hash, kernel::Kernel, output::Output};
use sotto_party::PublicKey;
use sotto_wallet::{
    armor::{self, MessageKind},
    audit::{AuditAnswer, RequestFacts},
    level::Sealed,
    scan::ChainSource as _,
};
use std::path::{Path, PathBuf};

/// Most texts that one command reads.
const MAX_LETTERS: usize = 64;

/// A chain with auditors, for reading.
pub(super) fn chain(context: &Context, node: &args::NodeArgs) -> Outcome<ChainAt> {
    let chain = Home::of(&context.config).chain_to_read(node)?;
    if chain.chain().params().auditors.is_none() {
        return Err(Failure::refused("this chain has no auditors").help("pass the right --dir or --node"));
    }
    Ok(chain)
}

/// The same with its charter, which is read first.
pub(super) fn chain_and_charter(context: &Context, a: &AuditChain) -> Outcome<(ChainAt, Charter)> {
    let charter = read_charter(&a.charter)?;
    Ok((chain(context, &a.node)?, charter))
}

/// The auditors of this chain.
pub(super) fn group_of(path: &Path, chain: &Chain) -> Outcome<Group> {
    let group = read_auditors(path)?;
    let (key, auditors) = (group.epoch().public_key(0), chain.params().auditors);
    match auditors.filter(|auditors| Some(auditors.key.as_bytes()) == key.as_ref()) {
        Some(_) => Ok(group),
        None => Err(Failure::refused(format!(
            "{} is another group than the auditors of this chain",
            path.display()
        ))
        .why("it does not have the key that the chain's parameters name")
        .help("pass the group of this chain's auditors, or the right --dir or --node")),
    }
}

/// The messages of all files. Read before the chain is opened, so that verbs can be joined by pipes.
pub(super) fn texts(files: &[PathBuf]) -> Outcome<Vec<String>> {
    let mut all = Vec::new();
    for file in files {
        all.extend(armor::split_messages(&read_text(file, armor::MAX_TEXT as u64)?));
    }
    if all.len() > MAX_LETTERS {
        return Err(Failure::refused(format!("there are more than {MAX_LETTERS} letters")));
    }
    Ok(all)
}

/// The requests of these files, copies of one merged, and the answers.
pub(super) struct Letters {
    pub(super) requests: Vec<RequestLetter>,
    pub(super) answers: Vec<AuditAnswer>,
}

impl Letters {
    pub(super) fn read(chain: &Chain, texts: &[String]) -> Outcome<Self> {
        let mut this = Self { requests: Vec::new(), answers: Vec::new() };
        for text in texts {
            if armor::kind(text).or_refuse("not a letter of `sotto audit`")? == MessageKind::AuditAnswer {
                this.answers.push(armor::from_text(chain.id(), text).or_refuse("not an auditor's answer")?);
                continue;
            }
            let letter: RequestLetter =
                armor::from_text(chain.id(), text).or_refuse("not a request of this chain")?;
            let known = this.requests.iter().position(|known| known.request() == letter.request());
            let letter = match known {
                None => letter,
                Some(at) => this.requests.swap_remove(at).merged(letter, chain.id()).ok_or_else(|| {
                    Failure::refused(
                        "these copies of one request have more signatures than a charter has authorities",
                    )
                    .help("pass the copies that authorities of the charter signed")
                })?,
            };
            this.requests.push(letter);
        }
        Ok(this)
    }

    /// The one request.
    fn one(mut self) -> Outcome<(RequestLetter, Vec<AuditAnswer>)> {
        match (self.requests.pop(), self.requests.is_empty()) {
            (Some(letter), true) => Ok((letter, self.answers)),
            (Some(_), false) => Err(Failure::refused("these letters are about more than one request")
                .help("pass the letters of one request alone")),
            (None, _) => Err(Failure::refused("no request is among these letters")),
        }
    }
}

/// A request, and what the chain says of it.
pub(super) struct OnRecord {
    pub(super) chain: Chain,
    pub(super) charter: Charter,
    pub(super) letter: RequestLetter,
    notice: Option<(Kernel, Height)>,
    tip: Height,
    outputs: Vec<(Height, Output)>,
}

impl OnRecord {
    /// Looks a request up, with the outputs that it names.
    pub(super) fn look(at: &ChainAt, charter: &Charter, letter: RequestLetter) -> Outcome<Self> {
        let mut this = Self::find(at, charter, letter)?;
        this.outputs = outputs(at, &this.letter)?;
        Ok(this)
    }

    /// Looks a request and its notice up: signatures first, which cost least.
    pub(super) fn find(at: &ChainAt, charter: &Charter, letter: RequestLetter) -> Outcome<Self> {
        let (chain, charter, what) = (at.chain().clone(), charter.clone(), "the request is refused");
        let mut this =
            Self { chain, charter, letter, notice: None, tip: at.tip_height(), outputs: Vec::new() };
        this.facts().check_letter().or_refuse(what)?;
        if let Some(excess) = this.letter.notice() {
            let found = at.inclusion(excess)?.map(|found| found.kernel);
            this.notice = found.zip(at.kernel_height(excess)?);
        }
        this.facts().noticed().or_refuse(what).map_err(|f| {
            f.help("`sotto audit notice` puts it on record; then a block has to contain that")
        })?;
        Ok(this)
    }

    pub(super) fn facts(&self) -> RequestFacts<'_> {
        let notice = self.notice.as_ref().map(|(kernel, height)| Sealed { kernel, height: *height });
        let Self { chain, charter, letter, tip, outputs, .. } = self;
        RequestFacts { chain, charter, letter, notice, tip: *tip, outputs }
    }

    pub(super) fn name(&self) -> Hash {
        self.letter.request().name(self.chain.id())
    }
}

/// The outputs that a request names, of the blocks that it names.
pub(super) fn outputs(at: &ChainAt, letter: &RequestLetter) -> Outcome<Vec<(Height, Output)>> {
    let (places, view) = (letter.request().outputs(), at.view());
    let mut heights: Vec<Height> = places.iter().map(|p| p.height).collect();
    heights.dedup();
    let mut found = Vec::new();
    for height in heights.into_iter().filter(|h| (1..=at.tip_height().get()).contains(&h.get())) {
        let block = view.block(height).or_refuse("cannot read the chain")?.ok_or_else(|| {
            Failure::refused(format!("block {height} is not kept here"))
                .why("its contents were pruned, or the node has not kept them")
                .help("ask a node that keeps all blocks: it is not pruned and did not begin with a snapshot")
        })?;
        let named =
            |o: &Output| places.iter().any(|p| p.height == height && p.output == o.commitment.encoded());
        found.extend(block.outputs.into_iter().filter(named).map(|output| (height, output)));
    }
    Ok(found)
}

/// A request in words.
pub(super) fn describe(chain: &Chain, charter: &Charter, letter: &RequestLetter) -> String {
    let request = letter.request();
    let mut text = format!(
        "request   {}\ncase      {}\nreason    {}\nreader    {}\n",
        request.name(chain.id()),
        request.case(),
        printable(request.reason()),
        request.reader().fingerprint(),
    );
    for place in request.outputs() {
        text += &format!("output    {} of block {}\n", place.output, place.height);
    }
    for digest in letter.allowed_by(chain.id(), charter) {
        text += &format!("allowed   by {}\n", PublicKey::fingerprint_of(&digest));
    }
    text += &letter
        .notice()
        .map_or_else(|| "notice    none yet".to_owned(), |excess| format!("notice    {excess}"));
    if let Some(record) = letter.record() {
        let members: Vec<String> = record.answers().iter().map(|a| a.member.to_string()).collect();
        text += &format!("\nanswers   of members {}, as the reader says", members.join(", "));
    }
    text
}

/// A foreign text, without what moves a cursor.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The same for programs.
pub(super) fn fields(chain: &Chain, charter: &Charter, letter: &RequestLetter) -> Value {
    let request = letter.request();
    json!({
        "request": request.name(chain.id()).to_string(), "case": request.case().to_string(), "reason": request.reason(),
        "reader": request.reader().fingerprint(),
        "outputs": request.outputs().iter().map(|p| json!({ "height": p.height.get(), "output": p.output.to_string() }))
            .collect::<Vec<_>>(),
        "allowed": letter.allowed_by(chain.id(), charter).iter().map(|d| hex(d)).collect::<Vec<_>>(),
        "needed": charter.terms().needed, "notice": letter.notice().map(ToString::to_string),
        "answers": letter.record().map(|record| record.answers().iter()
            .map(|a| json!({ "member": a.member, "answer": a.answer.to_string() })).collect::<Vec<_>>()),
        "recorded": letter.recorded().map(ToString::to_string),
    })
}

/// Prints a letter, which the next verb reads.
pub(super) fn print(context: &Context, chain: &Chain, charter: &Charter, letter: &RequestLetter) -> Outcome {
    let text = armor::to_text(chain.id(), letter);
    let mut fields = fields(chain, charter, letter);
    fields["text"] = text.clone().into();
    context.output.record("audit-request", fields, &text)
}

/// The chain, its charter and the one request of these letters.
pub(super) fn opened(
    context: &Context,
    a: &AuditLetters,
) -> Outcome<(ChainAt, Charter, RequestLetter, Vec<AuditAnswer>)> {
    let texts = texts(&a.letter)?;
    let (at, charter) = chain_and_charter(context, &a.chain)?;
    let (letter, answers) = Letters::read(at.chain(), &texts)?.one()?;
    Ok((at, charter, letter, answers))
}
