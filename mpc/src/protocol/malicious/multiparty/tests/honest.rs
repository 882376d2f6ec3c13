//! Honest parties get what plain evaluation gives, and send what the formula says.

use super::*;

#[test]
fn random_programs_of_three_four_and_five_parties_compute() {
    for parties in 3..=5 {
        for seed in 0..12 {
            let gates = [0, 1, 7, 40][seed as usize % 4];
            let streams = (0..parties).map(|i| (seed as usize + 3 * i) % 5).collect();
            let program = Random { seed, streams, gates, outputs: 1 + gates };
            let run = Run::of(program);
            for end in run.outcome() {
                assert_eq!(end.result, Ok(Some(run.program.expected())), "{parties} parties, seed {seed}");
            }
        }
    }
}

#[test]
fn eight_parties_compute() {
    let run = Run::new(3, 8);
    run.outcome().iter().for_each(|end| assert_eq!(end.result, Ok(Some(run.program.expected()))));
}

/// Chunks end anywhere in the program, and blocks are entered when it reads them.
#[test]
fn programs_of_many_chunks_compute_wherever_chunks_end() {
    for parties in [3, 4] {
        for chunk in 1..=9 {
            let program = Random { seed: chunk as u64, streams: vec![4; parties], gates: 23, outputs: 20 };
            let run = Run { chunk, ..Run::of(program) };
            run.outcome().iter().for_each(|end| assert_eq!(end.result, Ok(Some(run.program.expected()))));
        }
    }
}

#[test]
fn expanded_transfers_are_refused() {
    use crate::ot::Expansion;
    let run = Run::new(5, 3);
    let plan = run.plan().with_settings(Settings::default().with_expansion(Expansion::K16));
    let inputs: Vec<Bits> = run.program.input().iter().map(|bits| Bits::from(&bits[..])).collect();
    let rngs = &mut [rng(1), rng(2), rng(3)];
    assert_eq!(run_in_memory(&run.program, &plan, &inputs, rngs), Err(SessionError::Expansion));
}

/// With the real base transfers.
#[test]
fn a_session_in_memory_computes_and_only_learners_learn() {
    let run = Run { learners: vec![place(2), place(0), place(2)], ..Run::new(5, 3) };
    let inputs: Vec<Bits> = run.program.input().iter().map(|bits| Bits::from(&bits[..])).collect();
    let rngs = &mut [rng(1), rng(2), rng(3)];
    assert_eq!(run_in_memory(&run.program, &run.plan(), &inputs, rngs), Ok(run.program.expected()));
    let outputs: Vec<_> = run.outcome().into_iter().map(|end| end.result.unwrap().is_some()).collect();
    assert_eq!(outputs, [true, false, true]);
}

#[test]
fn plans_that_cannot_be_are_refused() {
    let three = Parties::new(3).unwrap();
    let plan = |holders: &[Place], learners: &[Place]| Plan::new(Experimental, three, holders, learners);
    assert_eq!(plan(&[place(0)], &[place(3)]), Err(PlanError::Place(place(3))));
    assert_eq!(plan(&[place(7)], &[place(0)]), Err(PlanError::Place(place(7))));
    assert_eq!(plan(&[place(1)], &[]), Err(PlanError::NoLearner));
    assert_eq!((Parties::new(2), Parties::new(9)), (None, None));
    assert_eq!((Place::new(0), Place::new(9)), (None, None));
    let run = Run::new(1, 3);
    let empty = || vec![Bits::default(); 3];
    let rngs = &mut [rng(1), rng(2), rng(3)];
    let error = run_in_memory(&run.program, &plan(&[place(0)], &[place(0)]).unwrap(), &empty(), rngs);
    assert_eq!(error, Err(SessionError::Holders { expected: 3, given: 1 }));
    let error = run_in_memory(&run.program, &run.plan(), &empty(), rngs);
    assert_eq!(error, Err(SessionError::InputLength { expected: 2, given: 0 }));
}

/// Parties with other plans end in the handshake.
#[test]
fn parties_with_other_plans_end_in_the_handshake() {
    let run = Run::new(1, 3);
    let plans = [run.plan(), run.plan(), Run { learners: vec![place(1)], ..run.clone() }.plan()];
    let results: Vec<_> = thread::scope(|scope| {
        let parties = memory_mesh(3).into_iter().zip(&plans).enumerate();
        let threads: Vec<_> = parties
            .map(|(me, (channels, plan))| {
                let program = &run.program;
                scope.spawn(move || Session::new(channels, place(me), program, plan).hello(&mut rng(1)).err())
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(results.iter().all(|error| *error == Some(SessionError::Parameters)), "{results:?}");
}

/// Bytes that each party sends of a gate in full chunks, without what is sent once a chunk:
/// (n − 1)(16·B + 3·B·16/k + B/4), of garblers 16·(3n − 4) more, of P_2 1/8 more, of P_1 (n − 1)/4 more.
#[test]
fn a_gate_takes_the_bytes_of_the_formula() {
    for parties in [3, 4] {
        // L = 1024 gates a chunk, B = 3, k = 4.
        let sent = |chunks: usize| {
            let program = Random { seed: 1, streams: vec![1; parties], gates: 1024 * chunks, outputs: 1 };
            let run = Run { chunk: 1024, ..Run::of(program) };
            let bytes = |end: &End| -> usize {
                end.records.iter().flat_map(|record| Phase::ALL.map(|phase| record.sent(phase))).sum()
            };
            run.outcome().iter().map(bytes).collect::<Vec<_>>()
        };
        let peers = parties - 1;
        // Once a chunk and peer: S; 2 + 1 blocks of transfers for 128 + 64 bits beyond the multiple of 128 and
        // the last; R·x, R·t; three coins; five comparisons; zero test; openings; proof.
        let chunk = 16 + 2 * 512 + (8 + 1024) + 3 * 96 + 5 * 32 + (16 + 16 + 2048 + 32 + 48) + 80;
        for (place, (one, two)) in sent(1).into_iter().zip(sent(2)).enumerate() {
            let eighths = peers * (16 * 8 * 3 + 3 * 3 * 32 + 6)
                + match place {
                    0 => 2 * peers,
                    1 => 128 * (3 * parties - 4) + 1,
                    _ => 128 * (3 * parties - 4),
                };
            // Keys of garblers and χ of the evaluator; garblers prove to each other, the evaluator to each.
            let once = if place == 0 { 16 * peers } else { 48 };
            assert_eq!(two - one, 1024 * eighths / 8 + peers * chunk + once, "party {place} of {parties}");
        }
    }
}

#[test]
fn all_parties_have_one_record_and_it_depends_on_randomness() {
    let record = |seed: u64| {
        let run = Run::new(4, 3);
        let (plan, inputs) = (run.plan(), run.program.input());
        let records: Vec<[u8; 32]> = thread::scope(|scope| {
            let parties = memory_mesh(3).into_iter().zip(deal(3, seed, None)).zip(&inputs).enumerate();
            let threads: Vec<_> = parties
                .map(|(me, ((channels, keys), input))| {
                    let (program, plan) = (&run.program, &plan);
                    scope.spawn(move || {
                        let rng = &mut rng(seed + me as u64);
                        let session = Session::new(channels, place(me), program, plan).hello(rng).unwrap();
                        let session = session.set_up_with(keys, rng).unwrap();
                        session.execute(&Bits::from(&input[..]), rng).unwrap().record()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(records.iter().all(|record| *record == records[0]));
        records[0]
    };
    assert_eq!(record(1), record(1));
    assert_ne!(record(1), record(2));
}

/// Fixed answers: a change of any byte of a session, by intent or not, shows here.
#[test]
fn sessions_of_fixed_randomness_have_their_known_bytes() {
    let digest = |parties: usize| {
        let run = Run { chunk: 4, ..Run::new(21, parties) };
        let mut hash = blake3::Hasher::new();
        for end in run.outcome() {
            end.records.iter().flat_map(|record| &record.sent).for_each(|sent| {
                hash.update(&(sent.len() as u64).to_le_bytes());
                hash.update(sent);
            });
        }
        hash.finalize().to_hex()[..16].to_string()
    };
    assert_eq!([3, 4].map(digest), ["c01cc352a44bb4a8", "03e70867e553cbd6"]);
}
