//! What is added to a request: signatures of authorities, and the reader's record of the answers that it opened.

use super::*;

/// Two copies can have more signatures than a letter: a log with all of them could not be read again.
#[test]
fn signatures_that_do_not_count_are_not_kept() {
    let (w, letter) = on_record(&[1]);
    let mut strangers: Vec<_> = (70..85).map(|n| Identity::random(&mut rng(n)).public()).collect();
    strangers.sort_by_key(|key| key.digest());
    let signed_by = |keys: &[sotto_party::PublicKey]| {
        let mut bytes = letter.request().to_bytes();
        bytes.push(keys.len() as u8);
        keys.iter().for_each(|key| bytes.extend([&key.to_bytes()[..], &[0; 64]].concat()));
        bytes.push(0);
        RequestLetter::from_bytes(&bytes).unwrap()
    };
    assert!(
        letter.clone().merged(signed_by(&strangers), w.ledger.chain.id()).is_none(),
        "more than a letter has"
    );
    let merged = letter.clone().merged(signed_by(&strangers[..13]), w.ledger.chain.id()).unwrap();
    let (log, _) = w.answer(0, &merged, &w.empty()).unwrap();
    assert_eq!(log.entries()[0].letter, letter);
    let mut full = signed_by(&strangers);
    full.allow(w.ledger.chain.id(), &w.charter, &w.authorities[0]).unwrap();
    assert_eq!(RequestLetter::from_bytes(&full.to_bytes()), Ok(full));
}

#[test]
fn copies_of_a_letter_are_merged() {
    let w = World::new();
    let id = w.ledger.chain.id();
    let copies = [0, 1].map(|i| {
        let mut letter = w.request(&[1], 1);
        letter.allow(id, &w.charter, &w.authorities[i]).unwrap();
        letter
    });
    let [one, two] = copies;
    let merged = one.clone().merged(two.clone(), id).unwrap();
    assert_eq!((one.allowed_by(id, &w.charter).len(), merged.allowed_by(id, &w.charter).len()), (1, 2));
    assert!(one.clone().merged(w.request(&[1], 2), id).is_none(), "another request");
    // A copy with a bad signature of the same authority takes nothing away, whichever comes first.
    let mut bytes = two.to_bytes();
    let at = bytes.len() - 1 - 40;
    bytes[at] ^= 1;
    let forged = RequestLetter::from_bytes(&bytes).unwrap();
    assert!(forged.allowed_by(id, &w.charter).is_empty());
    for [first, second] in [[&two, &forged], [&forged, &two]] {
        let both = first.clone().merged(second.clone(), id).unwrap();
        assert_eq!(both.allowed_by(id, &w.charter).len(), 1);
    }
}

/// What a reader signs: whose answers it has. No other key can say that, nor of an answer that its member did not sign.
#[test]
fn a_reader_records_whose_answers_it_has() {
    let (mut w, letter) = on_record(&[1]);
    let id = *w.ledger.chain.id();
    let given = [0, 2].map(|i| w.answer(i, &letter, &w.empty()).unwrap());
    let answers = given.clone().map(|(_, answer)| answer);
    let record = |w: &World, reader: &Identity, answers: &[AuditAnswer]| {
        w.with(&letter, |f| f.record(w.group.epoch(), reader, answers))
    };
    let signed = record(&w, &w.reader, &answers).unwrap();
    let of = |a: &AuditAnswer| RecordedAnswer::of(a.0.from().get(), &a.0.to_bytes());
    assert_eq!(signed.answers(), answers.each_ref().map(of));
    assert_eq!(signed.answers().iter().map(|a| a.member).collect::<Vec<_>>(), [1, 3]);
    let stranger = Identity::random(&mut rng(61));
    assert!(record(&w, &stranger, &answers).is_err(), "a stranger opens nothing and records nothing");
    assert_eq!(record(&w, &w.reader, &[]), Err(AuditError::Record(RequestError::Answers)));
    let made = |by: &Identity, answers: Vec<RecordedAnswer>| {
        AnswerRecord::new(&id, letter.request(), answers, by).map(|_| ())
    };
    assert_eq!(made(&stranger, signed.answers().to_vec()), Err(RequestError::OtherReader));
    assert_eq!(made(&w.reader, [signed.answers(), signed.answers()].concat()), Err(RequestError::Answers));
    // An answer under another member's name is not signed by that one, and not recorded.
    let mut renamed = answers[0].0.to_bytes();
    renamed["sotto keys reading answer v1".len() + 64] = 2;
    let renamed = AuditAnswer::from_bytes(&renamed).unwrap();
    let twice = [answers[0].clone(), renamed, answers[0].clone(), answers[1].clone()];
    assert_eq!(record(&w, &w.reader, &twice), Ok(signed.clone()));
    // The letter grows by the record, then by its notice, which is another than the request's.
    let bare = RequestLetter::from(letter.request().clone());
    assert!(bare.answered(signed.clone()).is_none(), "the request's notice comes first");
    let answered = letter.clone().answered(signed.clone()).unwrap();
    let notice = answered.last_notice(&id);
    assert_eq!((letter.last_notice(&id).topic, notice.topic), (1, 2));
    w.alice.scan(&w.ledger);
    let mut notices = w.alice.wallet.notices();
    let plan = notices.plan(Account(0)).unwrap().confirm(|_| Decision::Yes).unwrap();
    let recorded = notices.record(plan, notice, &mut w.alice.rng).unwrap();
    w.ledger.seal(&w.alice.wallet, &[recorded.transaction]);
    let whole = answered.clone().noticed(recorded.excess);
    let kernels = &w.ledger.memory.blocks().last().unwrap().body.kernels;
    assert_eq!(kernels.iter().filter(|k| whole.is_record_notice(&id, k)).count(), 1);
    assert!(kernels.iter().all(|k| !whole.is_notice(&id, k) && !answered.is_record_notice(&id, k)));
    assert_eq!((whole.notice(), whole.recorded()), (letter.notice(), Some(&recorded.excess)));
    for letter in [&answered, &whole] {
        assert_eq!(RequestLetter::from_bytes(&letter.to_bytes()).as_ref(), Ok(letter));
        assert!(letter.to_bytes().len() <= RequestLetter::MAX_BYTES);
    }
    assert_eq!(w.with(&whole, |f| f.check_letter()), Ok(()));
    // One byte of the record altered: the letter does not hold, and a copy that does is better than it.
    let mut bytes = whole.to_bytes();
    let at = bytes.len() - 32 - 40;
    bytes[at] ^= 1;
    let forged = RequestLetter::from_bytes(&bytes).unwrap();
    assert_eq!(w.with(&forged, |f| f.check_letter()), Err(RequestFault::Record));
    assert_eq!(forged.checked(&id, &w.charter), letter);
    for [first, second] in [[&forged, &answered], [&answered, &forged], [&letter, &answered]] {
        assert_eq!(first.clone().merged(second.clone(), &id), Some(answered.clone()));
    }
    assert_eq!(whole.clone().merged(answered, &id), Some(whole.clone()));
    older_logs(&w, &whole, &given);
}

/// A member's log has the answers that readers recorded, or it is an older copy.
fn older_logs(w: &World, whole: &RequestLetter, given: &[(AuditLog, AuditAnswer); 2]) {
    let [(log, answer), (other, _)] = given;
    let index = |n: u8| Index::new(n).unwrap();
    let missing = |log: &AuditLog, letter: &RequestLetter, member: u8| {
        log.unlogged(&w.ledger.chain, &w.charter, core::slice::from_ref(letter), index(member))
    };
    let request = whole.request().name(w.ledger.chain.id());
    let answer = RecordedAnswer::of(1, &answer.0.to_bytes()).answer;
    assert!(missing(log, whole, 1).is_empty() && missing(other, whole, 3).is_empty());
    assert_eq!(missing(&w.empty(), whole, 1), [Unlogged { request, answer }], "an empty log is older");
    assert!(missing(&w.empty(), whole, 2).is_empty(), "member 2 did not answer");
    // Another answer to the same request, from an older copy, is not the one that is on record.
    let again = w.answer_at(NOW + 1, 0, whole, &w.empty()).unwrap().0;
    assert_eq!(missing(&again, whole, 1).len(), 1);
    // Only the reader accuses, and only in requests that authorities allowed.
    let letter = whole.clone().without_record();
    assert!(missing(&w.empty(), &letter, 1).is_empty());
    let record = whole.record().unwrap().clone();
    let unsigned = RequestLetter::from(whole.request().clone()).noticed(*whole.notice().unwrap());
    assert!(missing(&w.empty(), &unsigned.answered(record).unwrap(), 1).is_empty());
}
