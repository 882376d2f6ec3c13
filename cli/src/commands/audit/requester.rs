//! `sotto audit charter`, `request`, `sign` and `notice`.

use super::letters::{chain_and_charter, describe, opened, outputs, print};
use crate::{
    Context,
    args::{AuditAsk, AuditCharter, AuditNotice, AuditSign},
    bridge::{hex, hex_bytes, read_text},
    commands::{
        chain::auditors::read_auditors,
        mpc::job::{read_identity, read_public},
        wallet::on_record::{NoticeArgs, put_on_record},
    },
    exit::{Code, Failure, OrRefuse as _, Outcome},
};
use rand_core::{OsRng, RngCore as _};
use serde_json::json;
use sotto_audit::{
    Charter, CharterTerms, Matter, OutputPlace, ReadRequest, RequestLetter, case_name, charter::MAX_CHARTER,
};
use sotto_mw::{amount::Height, codec::Decode as _, group::PointBytes, schnorr::PublicKey};

pub(super) fn charter(context: &Context, a: &AuditCharter) -> Outcome {
    let group = read_auditors(&a.auditors)?;
    let key = group.epoch().public_key(0).and_then(|key| PublicKey::from_bytes(&key).ok());
    let key = key.ok_or_else(|| Failure::refused("the group has no key"))?;
    let authorities =
        a.authority.iter().map(|path| Ok(read_public(path)?.digest())).collect::<Outcome<Vec<_>>>()?;
    let AuditCharter { needed, outputs, requests, depth, delay, .. } = *a;
    let terms = CharterTerms { needed, outputs, requests, depth, delay };
    let prose = a.text.as_deref().map(|path| read_text(path, MAX_CHARTER as u64)).transpose()?;
    let charter = Charter::new(key, authorities, terms, prose.as_deref().unwrap_or_default());
    let text = charter.or_refuse("cannot write this charter")?;
    let fields = json!({ "hash": text.hash().to_string(), "text": text.to_text() });
    context.output.record("audit-charter", fields, text.to_text().trim_end())
}

/// HEIGHT:OUTPUT.
fn place(text: &str) -> Outcome<OutputPlace> {
    let parsed = text.split_once(':').and_then(|(height, output)| {
        let output = hex_bytes(output).and_then(|bytes| bytes.try_into().ok())?;
        Some(OutputPlace { height: Height::new(height.parse().ok()?), output: PointBytes(output) })
    });
    parsed.ok_or_else(|| {
        Failure::new(Code::Usage, format!("invalid output `{text}`"))
            .help("pass the height of its block and all 64 digits of it, as `sotto chain block` prints them: 7:0af3…")
    })
}

pub(super) fn request(context: &Context, a: &AuditAsk) -> Outcome {
    let (at, charter) = chain_and_charter(context, &a.chain)?;
    if at.chain().params().auditors != Some(charter.auditors()) {
        return Err(Failure::refused("the charter is not that of this chain"));
    }
    let places = a.output.iter().map(|text| place(text)).collect::<Outcome<Vec<_>>>()?;
    let mut salt = [0; 32];
    OsRng.fill_bytes(&mut salt);
    let matter = Matter { case: case_name(&salt, &a.case), outputs: places, reason: a.reason.clone() };
    let request = ReadRequest::new(&charter, matter, read_public(&a.reader)?, &mut OsRng);
    let letter = RequestLetter::from(request.or_refuse("cannot make this request")?);
    let named = outputs(&at, &letter)?.len();
    if named < letter.request().outputs().len() {
        return Err(Failure::refused("a named block does not have the output that the request says it has")
            .help("`sotto chain block HEIGHT` prints the outputs of a block"));
    }
    context.ui.info(&format!("salt of the case: {} (keep it to show which case it was)", hex(&salt)));
    print(context, at.chain(), &charter, &letter)
}

pub(super) fn sign(context: &Context, a: &AuditSign) -> Outcome {
    let (at, charter, mut letter, _) = opened(context, &a.letters)?;
    let identity = read_identity(&a.key)?;
    let plan = describe(at.chain(), &charter, &letter);
    context.ui.confirm(&format!("Allow auditors to open these amounts to the reader\n{plan}"), a.yes)?;
    letter.allow(at.chain().id(), &charter, &identity).or_refuse("cannot allow this request")?;
    print(context, at.chain(), &charter, &letter)
}

pub(super) fn notice(context: &Context, a: &AuditNotice) -> Outcome {
    let (at, charter, letter, _) = opened(context, &a.letters)?;
    let chain = at.chain().clone();
    drop(at);
    let notice = letter.last_notice(chain.id());
    let put = NoticeArgs {
        wallet: &a.wallet,
        account: a.account.account.as_deref(),
        node: &a.letters.chain.node,
        yes: a.yes,
    };
    let of = if letter.record().is_some() { "the answers to " } else { "" };
    let title = format!("Put {of}request {} on record", letter.request().name(chain.id()));
    let excess = put_on_record(context, &put, &notice, &title)?;
    print(context, &chain, &charter, &letter.noticed(excess))
}
