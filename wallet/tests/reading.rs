//! Auditors read amounts: t of them and no fewer, requests that the charter allows and no others, and never without a log.
#![allow(missing_docs, clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "../../node/tests/support/group.rs"]
mod group;
#[path = "reading/holds.rs"]
mod holds;
#[path = "reading/records.rs"]
mod records;

use crate::support::{Ledger, Person, two_on};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_audit::{
    AnswerRecord, Charter, CharterTerms, Matter, OpenedRequest, OutputPlace, ReadRequest, RecordedAnswer,
    RequestError, RequestFault, RequestLetter, case_name, request::MAX_REASON,
};
use sotto_keys::{Group, Index, Purpose, Share, reading::ReadingMember};
use sotto_mw::{
    amount::{Amount, Height},
    codec::{Decode as _, Encode as _},
    hash::Hash,
    kernel::{Excess, Kernel},
    schnorr::PublicKey,
};
use sotto_party::{Context, Identity, decrypt, hex::to_hex};
use sotto_vectors::json;
use sotto_wallet::{
    armor,
    audit::{AuditAnswer, AuditError, AuditLog, RequestFacts, Unlogged},
    coin_selection::Decision,
    keys::Account,
    level::Sealed,
};

const TERMS: CharterTerms = CharterTerms { needed: 2, outputs: 3, requests: 2, depth: 3, delay: 5 };
/// Some time in 2026.
const NOW: u64 = 1_790_000_000;
const DAY: u64 = 86_400;

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// A chain whose amounts two of three auditors read if two of three authorities allow it.
struct World {
    ledger: Ledger,
    alice: Person,
    group: Group,
    shares: Vec<Share>,
    authorities: Vec<Identity>,
    reader: Identity,
    charter: Charter,
}

impl World {
    fn new() -> Self {
        let (group, shares) = group::made_for(Purpose::Audit, 2, 3, 5);
        let authorities: Vec<_> = (40..43).map(|n| Identity::random(&mut rng(n))).collect();
        let key = PublicKey::from_bytes(&group.epoch().public_key(0).unwrap()).unwrap();
        let named = authorities.iter().map(|a| a.public().digest()).collect();
        let charter = Charter::new(key, named, TERMS, "For the court.\n").unwrap();
        let auditors = charter.auditors();
        let (ledger, alice, _) = two_on(Ledger::with(|p| p.auditors = Some(auditors)));
        Self { ledger, alice, group, shares, authorities, reader: Identity::random(&mut rng(50)), charter }
    }

    /// The first outputs of these blocks.
    fn matter(&self, heights: &[u64]) -> Matter {
        let place = |h: &u64| {
            let block = &self.ledger.memory.blocks()[*h as usize - 1];
            OutputPlace { height: Height::new(*h), output: block.body.outputs[0].commitment.encoded() }
        };
        let outputs = heights.iter().map(place).collect();
        Matter { case: case_name(&[7; 32], "case 12/26"), outputs, reason: "an order of the court".into() }
    }

    fn request(&self, heights: &[u64], seed: u64) -> RequestLetter {
        let request =
            ReadRequest::new(&self.charter, self.matter(heights), self.reader.public(), &mut rng(seed));
        request.unwrap().into()
    }

    /// The same, allowed by the first two authorities.
    fn allowed(&self, heights: &[u64], seed: u64) -> RequestLetter {
        let mut letter = self.request(heights, seed);
        for authority in &self.authorities[..2] {
            letter.allow(self.ledger.chain.id(), &self.charter, authority).unwrap();
        }
        letter
    }

    /// Puts a request on record, in the next block.
    fn notice(&mut self, letter: RequestLetter) -> RequestLetter {
        self.alice.scan(&self.ledger);
        let notice = letter.request().notice(self.ledger.chain.id());
        let mut notices = self.alice.wallet.notices();
        let plan = notices.plan(Account(0)).unwrap().confirm(|_| Decision::Yes).unwrap();
        let recorded = notices.record(plan, notice, &mut self.alice.rng).unwrap();
        assert_eq!(self.alice.wallet.notices().recorded(&notice), Some(recorded.excess));
        self.ledger.seal(&self.alice.wallet, &[recorded.transaction]);
        letter.noticed(recorded.excess)
    }

    /// The facts about a letter, from a full copy of the chain.
    fn with<T>(&self, letter: &RequestLetter, then: impl FnOnce(RequestFacts<'_>) -> T) -> T {
        let blocks = self.ledger.memory.blocks();
        let kernel = |excess: &Excess| -> Option<(Kernel, Height)> {
            let kernels =
                blocks.iter().flat_map(|b| b.body.kernels.iter().map(|k| (k.clone(), b.header.height)));
            kernels.into_iter().find(|(k, _)| k.excess == *excess)
        };
        let found = letter.notice().and_then(kernel);
        let notice = found.as_ref().map(|(kernel, height)| Sealed { kernel, height: *height });
        let block = |p: &OutputPlace| blocks.get(p.height.get() as usize - 1);
        let named = letter.request().outputs().iter().filter_map(block);
        let outputs: Vec<_> =
            named.flat_map(|b| b.body.outputs.iter().map(|o| (b.header.height, o.clone()))).collect();
        let (chain, charter) = (&self.ledger.chain, &self.charter);
        then(RequestFacts { chain, charter, letter, notice, tip: self.ledger.height(), outputs: &outputs })
    }

    fn answer(
        &self,
        member: usize,
        letter: &RequestLetter,
        log: &AuditLog,
    ) -> Result<(AuditLog, AuditAnswer), AuditError> {
        self.answer_at(NOW, member, letter, log)
    }

    fn answer_at(
        &self,
        now: u64,
        member: usize,
        letter: &RequestLetter,
        log: &AuditLog,
    ) -> Result<(AuditLog, AuditAnswer), AuditError> {
        let identity = group::identity(member as u64 + 1);
        let member = ReadingMember { identity: &identity, share: &self.shares[member] };
        self.with(letter, |facts| {
            let answered = facts.admit(log, now)?.answer(self.group.epoch(), member, &mut rng(now))?;
            Ok((answered.log, answered.answer))
        })
    }

    fn empty(&self) -> AuditLog {
        AuditLog::new(*self.ledger.chain.id())
    }

    fn read(&self, letter: &RequestLetter, answers: &[AuditAnswer]) -> Result<Vec<Amount>, AuditError> {
        let read = self.with(letter, |facts| facts.read(self.group.epoch(), &self.reader, answers))?;
        Ok(read.amounts.iter().map(|a| a.amount).collect())
    }
}

/// A request that is on record and deep enough.
fn on_record(heights: &[u64]) -> (World, RequestLetter) {
    let mut w = World::new();
    let letter = w.allowed(heights, 1);
    let letter = w.notice(letter);
    w.ledger.grow(&w.alice.wallet, 2);
    (w, letter)
}

#[test]
fn two_of_three_read_what_one_does_not() {
    let (w, letter) = on_record(&[1, 2, 3]);
    let reward = w.ledger.chain.params().reward;
    let answers: Vec<_> = (0..3).map(|i| w.answer(i, &letter, &w.empty()).unwrap().1).collect();
    for set in [[0, 1], [2, 0], [1, 2]] {
        let answers = set.map(|i| answers[i].clone());
        assert_eq!(w.read(&letter, &answers).unwrap(), [reward; 3]);
    }
    assert!(
        w.read(&letter, &answers[..1]).unwrap_err().to_string().contains("1 good answers, and 2 are needed")
    );
    assert!(w.with(&letter, |f| f.read(w.group.epoch(), &Identity::random(&mut rng(51)), &answers)).is_err());
    for answer in &answers {
        let text = armor::to_text(w.ledger.chain.id(), answer);
        assert_eq!(armor::from_text::<AuditAnswer>(w.ledger.chain.id(), &text).as_ref(), Ok(answer));
    }
    let text = armor::to_text(w.ledger.chain.id(), &letter);
    assert_eq!(armor::from_text::<RequestLetter>(w.ledger.chain.id(), &text), Ok(letter));
}

/// Spent outputs too, and payments of both kinds: the block that made them has them.
#[test]
fn amounts_of_payments_are_those_that_were_paid() {
    let mut w = World::new();
    let away = w.alice.pay_away(vec![w.alice.payee_away(5_000_000_000)]);
    w.ledger.seal(&w.alice.wallet, &[away]);
    let height = w.ledger.height();
    let outputs: Vec<_> = w.ledger.memory.blocks().last().unwrap().body.outputs.clone();
    let places: Vec<_> =
        outputs.iter().map(|o| OutputPlace { height, output: o.commitment.encoded() }).collect();
    let matter = Matter { outputs: places, ..w.matter(&[1]) };
    let request = ReadRequest::new(&w.charter, matter, w.reader.public(), &mut rng(1)).unwrap();
    let mut letter = RequestLetter::from(request);
    for authority in &w.authorities {
        letter.allow(w.ledger.chain.id(), &w.charter, authority).unwrap();
    }
    let letter = w.notice(letter);
    w.ledger.grow(&w.alice.wallet, 2);
    w.alice.scan(&w.ledger);
    let answers = [0, 2].map(|i| w.answer(i, &letter, &w.empty()).unwrap().1);
    let read = w.read(&letter, &answers).unwrap();
    assert_eq!(read.len(), outputs.len());
    assert!(read.contains(&Amount::new(5_000_000_000)), "{read:?}");
    let known = |o: &OutputPlace| w.alice.wallet.outputs().find(|own| own.commitment == o.output).unwrap();
    for (place, amount) in letter.request().outputs().iter().zip(&read) {
        assert_eq!(known(place).opening.amount, *amount);
    }
}

#[test]
fn a_false_answer_is_named() {
    let (w, letter) = on_record(&[1]);
    let [one, three] = [0, 2].map(|i| w.answer(i, &letter, &w.empty()).unwrap().1);
    // Member 2 answers another request under this one's name: it multiplied other points.
    let other = w.request(&[2], 1);
    let (identity, epoch) = (group::identity(2), w.group.epoch());
    let points = [*sotto_mw::group::Point::h().as_bytes(), other.request().outputs()[0].output.0];
    let name = sotto_keys::Hash::from_bytes(*letter.request().name(w.ledger.chain.id()).as_bytes());
    let question =
        sotto_keys::reading::Question { epoch, request: name, points: &points, reader: &w.reader.public() };
    let member = ReadingMember { identity: &identity, share: &w.shares[1] };
    let bad = AuditAnswer(question.answer(member, &mut rng(9)).unwrap());
    assert!(w.read(&letter, &[one.clone(), bad.clone()]).is_err());
    let named = w.with(&letter, |f| f.false_answers(epoch, &w.reader, &[one.clone(), bad.clone()]));
    assert_eq!(named, Ok(vec![Index::new(2).unwrap()]));
    let read = w.with(&letter, |f| f.read(epoch, &w.reader, &[bad, one, three])).unwrap();
    assert_eq!(read.false_answers, [Index::new(2).unwrap()]);
    assert_eq!(read.amounts[0].amount, w.ledger.chain.params().reward);
}

#[test]
fn requests_without_authority_are_refused() {
    let (mut w, letter) = on_record(&[1]);
    let chain = *w.ledger.chain.id();
    let refused = |w: &World, letter: &RequestLetter| w.answer(0, letter, &w.empty()).unwrap_err();
    // None, one, and one twice.
    let mut letter_of_none = w.request(&[1], 1).noticed(*letter.notice().unwrap());
    assert_eq!(
        refused(&w, &letter_of_none),
        AuditError::Request(RequestFault::Unauthorised { found: 0, needed: 2 })
    );
    for _ in 0..2 {
        letter_of_none.allow(&chain, &w.charter, &w.authorities[2]).unwrap();
        assert_eq!(
            refused(&w, &letter_of_none),
            AuditError::Request(RequestFault::Unauthorised { found: 1, needed: 2 })
        );
    }
    // A stranger cannot sign, and signatures of other requests and chains do not count.
    let stranger = Identity::random(&mut rng(60));
    assert_eq!(letter_of_none.allow(&chain, &w.charter, &stranger), Err(RequestError::NoAuthority));
    let mut bytes = letter.to_bytes();
    let at = bytes.len() - 33 - 40;
    bytes[at] ^= 1;
    let forged = RequestLetter::from_bytes(&bytes).unwrap();
    assert_eq!(refused(&w, &forged), AuditError::Request(RequestFault::Unauthorised { found: 1, needed: 2 }));
    let mut elsewhere = w.request(&[1], 1);
    let foreign = *Ledger::with(|p| p.auditors = Some(w.charter.auditors())).chain.id();
    assert_eq!(foreign, chain, "the same parameters are the same chain");
    let foreign = *Ledger::new().chain.id();
    for authority in &w.authorities {
        elsewhere.allow(&foreign, &w.charter, authority).unwrap();
    }
    assert_eq!(
        refused(&w, &elsewhere),
        AuditError::Request(RequestFault::Unauthorised { found: 0, needed: 2 })
    );
    // Another charter: fewer are needed, but the chain names its own.
    let lax = Charter::new(
        w.charter.auditors().key,
        w.charter.authorities().to_vec(),
        CharterTerms { needed: 1, ..TERMS },
        "",
    );
    let strict = core::mem::replace(&mut w.charter, lax.unwrap());
    assert_eq!(refused(&w, &letter), AuditError::Request(RequestFault::OtherCharter));
    let under_lax = w.request(&[1], 1);
    w.charter = strict;
    assert_eq!(refused(&w, &under_lax), AuditError::Request(RequestFault::RequestCharter));
}

#[test]
fn requests_that_are_not_on_record_or_too_fresh_are_refused() {
    let mut w = World::new();
    let letter = w.allowed(&[1], 1);
    let refused = |w: &World, letter: &RequestLetter| w.answer(0, letter, &w.empty()).unwrap_err();
    assert_eq!(refused(&w, &letter), AuditError::Request(RequestFault::NoNotice));
    let other = w.allowed(&[1], 2);
    let other = w.notice(other);
    // The notice of another request, and a kernel that is no notice.
    assert_eq!(
        refused(&w, &letter.clone().noticed(*other.notice().unwrap())),
        AuditError::Request(RequestFault::NoNotice)
    );
    let reward = w.ledger.memory.blocks()[0].body.kernels[0].excess;
    assert_eq!(refused(&w, &letter.clone().noticed(reward)), AuditError::Request(RequestFault::NoNotice));
    let letter = w.notice(letter);
    let height = w.ledger.height();
    for _ in 0..2 {
        let at = height.plus(2);
        assert_eq!(
            refused(&w, &letter),
            AuditError::Request(RequestFault::TooEarly { height, depth: 3, at })
        );
        w.ledger.grow(&w.alice.wallet, 1);
    }
    assert!(w.answer(0, &letter, &w.empty()).is_ok());
    // Handed out after the delay, and not before.
    let open = |w: &World| w.with(&letter, |facts| facts.is_open());
    for _ in 0..3 {
        assert_eq!(open(&w), Err(RequestFault::TooEarly { height, depth: 5, at: height.plus(5) }));
        w.ledger.grow(&w.alice.wallet, 1);
    }
    assert_eq!(open(&w), Ok(height));
    let unsigned = w.request(&[1], 1).noticed(*letter.notice().unwrap());
    let refused = w.with(&unsigned, |facts| facts.is_open());
    assert_eq!(refused, Err(RequestFault::Unauthorised { found: 0, needed: 2 }));
}

#[test]
fn outputs_that_no_block_has_are_refused_and_so_are_too_many() {
    let (mut w, letter) = on_record(&[1]);
    // The output of block 1, said to be in block 2, alone and beside the truth; and one that exists nowhere.
    let [one] = letter.request().outputs() else { panic!("one") };
    let elsewhere = OutputPlace { height: Height::new(2), ..*one };
    let nowhere = OutputPlace { output: sotto_mw::group::PointBytes([3; 32]), ..*one };
    for (outputs, place) in
        [(vec![elsewhere], elsewhere), (vec![*one, elsewhere], elsewhere), (vec![nowhere], nowhere)]
    {
        let matter = Matter { outputs, ..w.matter(&[1]) };
        let request = ReadRequest::new(&w.charter, matter, w.reader.public(), &mut rng(3)).unwrap();
        let mut letter = RequestLetter::from(request);
        for authority in &w.authorities {
            letter.allow(w.ledger.chain.id(), &w.charter, authority).unwrap();
        }
        let letter = w.notice(letter);
        w.ledger.grow(&w.alice.wallet, 2);
        assert_eq!(w.answer(0, &letter, &w.empty()).unwrap_err(), AuditError::NoOutput { place });
    }
    let many = |heights: &[u64]| {
        ReadRequest::new(&w.charter, w.matter(heights), w.reader.public(), &mut rng(4)).map(|_| ())
    };
    assert_eq!(many(&[1, 2, 3, 4]), Err(RequestError::Outputs));
    assert_eq!(many(&[1, 1]), Err(RequestError::Outputs));
    assert_eq!(many(&[]), Err(RequestError::Outputs));
    assert_eq!(many(&[1, 2, 3]), Ok(()));
    // Made under a charter that allows more, with the hash of this one written into it: the number of outputs counts.
    let terms = CharterTerms { outputs: 4, ..TERMS };
    let wide = Charter::new(w.charter.auditors().key, w.charter.authorities().to_vec(), terms, "").unwrap();
    let request = ReadRequest::new(&wide, w.matter(&[1, 2, 3, 4]), w.reader.public(), &mut rng(5)).unwrap();
    let mut bytes = request.to_bytes();
    bytes[..32].copy_from_slice(w.charter.hash().as_bytes());
    let letter = RequestLetter::from(ReadRequest::from_bytes(&bytes).unwrap());
    assert_eq!(
        w.answer(0, &letter, &w.empty()).unwrap_err(),
        AuditError::Request(RequestFault::TooManyOutputs { found: 4, most: 3 })
    );
}

#[test]
fn an_auditor_answers_once_and_as_often_as_its_charter_says() {
    let mut w = World::new();
    let letters: Vec<_> = (1..=3)
        .map(|seed| {
            let letter = w.allowed(&[seed], seed);
            w.notice(letter)
        })
        .collect();
    w.ledger.grow(&w.alice.wallet, 2);
    let (log, first) = w.answer_at(NOW, 0, &letters[0], &w.empty()).unwrap();
    assert_eq!(w.answer_at(NOW, 0, &letters[0], &log).unwrap_err(), AuditError::Answered);
    let name = letters[0].request().name(w.ledger.chain.id());
    assert_eq!(log.answer_to(&name).unwrap().answer, first.0, "the answer to give again");
    assert_eq!(w.answer_at(NOW - 1, 0, &letters[1], &log).unwrap_err(), AuditError::Clock);
    let (log, _) = w.answer_at(NOW + DAY, 0, &letters[1], &log).unwrap();
    let over = AuditError::Budget { most: 2 };
    assert_eq!(w.answer_at(NOW + 30 * DAY - 1, 0, &letters[2], &log).unwrap_err(), over);
    let (log, _) = w.answer_at(NOW + 30 * DAY, 0, &letters[2], &log).unwrap();
    assert_eq!(log.entries().len(), 3);
    // Stored bytes are read again, and altered ones are not.
    let bytes = log.to_bytes();
    assert_eq!(AuditLog::from_bytes(&bytes).as_ref(), Ok(&log));
    for at in (0..bytes.len()).step_by(41) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        let read = AuditLog::from_bytes(&bytes);
        assert!(read.is_err() || read.unwrap().last_link() != log.last_link(), "{at}");
    }
    assert!(AuditLog::from_bytes(&[&bytes[..], &[0]].concat()).is_err(), "something follows the end");
    let links: Vec<Hash> = log.entries().iter().map(|e| e.link()).collect();
    assert_eq!(links.last(), Some(&log.last_link()));
    let other = AuditLog::new(*Ledger::new().chain.id());
    assert_eq!(w.answer_at(NOW, 0, &letters[0], &other).unwrap_err(), AuditError::Log);
}

/// `vectors/reading.json`, which `check.py` reads without this code (`SOTTO_VECTORS=write` writes it).
#[test]
fn requests_and_answers_are_as_documented() {
    let (w, letter) = on_record(&[1, 3]);
    let chain = w.ledger.chain.id();
    let name = letter.request().name(chain);
    let given = [0, 2].map(|i| w.answer(i, &letter, &w.empty()).unwrap());
    let [(log, one), (_, three)] = &given;
    let amounts = w.read(&letter, &[one.clone(), three.clone()]).unwrap();
    let answer = |a: &AuditAnswer| {
        let place = [name.as_bytes().as_slice(), &[a.0.from().get()]].concat();
        let (bytes, tail) = (a.0.to_bytes(), 64);
        let head = b"sotto keys reading answer v1".len() + 32 + 32 + 1 + 4;
        let context = Context::new("sotto keys reading v1");
        let contents = decrypt(context.at(&place), &w.reader, &bytes[head..bytes.len() - tail]).unwrap();
        json!({ "from": a.0.from().get(), "answer": to_hex(&bytes), "contents": to_hex(&contents) })
    };
    let (outputs, notice) = w.with(&letter, |f| {
        let all = f.letter.request().outputs().iter();
        let named = all.map(|p| f.outputs.iter().find(|(_, o)| o.commitment.encoded() == p.output).unwrap());
        (
            named.map(|(_, o)| to_hex(&o.to_bytes())).collect::<Vec<_>>(),
            to_hex(&f.notice.unwrap().kernel.to_bytes()),
        )
    });
    let record = w.with(&letter, |f| f.record(w.group.epoch(), &w.reader, &[three.clone(), one.clone()]));
    let answered = letter.clone().answered(record.unwrap()).unwrap();
    let data = answered.last_notice(chain).data;
    // Some kernel stands for the one of its notice.
    let charter = w.charter.clone();
    let public = OpenedRequest { charter, letter: answered.noticed(*letter.notice().unwrap()) };
    let vector = json!({
        "about": "a request to auditors, two answers of members of a group of two of three, and what they open",
        "params": to_hex(&w.ledger.chain.params().to_bytes()), "chain_id": to_hex(chain.as_bytes()),
        "group": to_hex(&w.group.to_bytes()), "charter": w.charter.to_text(),
        "letter": to_hex(&letter.to_bytes()), "name": name.to_string(), "salt": to_hex(&[7; 32]), "case": "case 12/26",
        "reason": letter.request().reason(), "notice": notice, "outputs": outputs,
        "answers": [answer(one), answer(three)],
        "amounts": amounts.iter().map(|a| a.units().to_string()).collect::<Vec<_>>(),
        "log": to_hex(&log.to_bytes()), "link": log.last_link().to_string(),
        "opened": to_hex(&public.to_bytes()), "answers_notice": data.to_string(),
    });
    let (file, text) = (sotto_vectors::file("reading"), sotto_vectors::render(&vector));
    if std::env::var("SOTTO_VECTORS").is_ok_and(|v| v == "write") {
        std::fs::write(&file, &text).unwrap();
    }
    assert!(std::fs::read_to_string(file).unwrap() == text, "reading.json differs from what the code gives");
}

#[test]
fn another_group_neither_answers_nor_is_read() {
    let ((w, letter), (others, shares)) = (on_record(&[1]), group::made_for(Purpose::Audit, 2, 3, 6));
    let (identity, log) = (group::identity(1), w.empty());
    let member = ReadingMember { identity: &identity, share: &shares[0] };
    let answered =
        w.with(&letter, |f| f.admit(&log, NOW)?.answer(others.epoch(), member, &mut rng(1)).map(|_| ()));
    assert_eq!(answered, Err(AuditError::OtherGroup));
    let read = w.with(&letter, |f| f.read(others.epoch(), &w.reader, &[]));
    assert_eq!(read, Err(AuditError::OtherGroup));
}

#[test]
fn requests_have_a_reason_and_parts_in_order() {
    let w = World::new();
    for reason in [String::new(), "x".repeat(MAX_REASON + 1)] {
        let matter = Matter { reason, ..w.matter(&[1]) };
        let made = ReadRequest::new(&w.charter, matter, w.reader.public(), &mut rng(1)).map(|_| ());
        assert_eq!(made, Err(RequestError::Reason));
    }
    let swapped = |bytes: &[u8], from: usize, each: usize| {
        let (head, rest) = bytes.split_at(from);
        [head, &rest[each..2 * each], &rest[..each], &rest[2 * each..]].concat()
    };
    let letter = w.allowed(&[1, 2], 1);
    let (request, letter) = (letter.request().to_bytes(), letter.to_bytes());
    assert!(ReadRequest::from_bytes(&request).is_ok() && RequestLetter::from_bytes(&letter).is_ok());
    assert!(ReadRequest::from_bytes(&swapped(&request, 32 + 32 + 2, 8 + 32)).is_err(), "outputs");
    let authorities = swapped(&letter, request.len() + 1, 1_248 + 64);
    assert!(RequestLetter::from_bytes(&authorities).is_err(), "authorities");
}
