//! Sessions between two threads: every role, every way to reveal the output, and every disagreement.

#![allow(clippy::unwrap_used)]

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sotto_mpc::channel::memory_pair;
use sotto_mpc::program::{ProgramName, Shape};
use sotto_mpc::protocol::semi_honest::{Evaluator, Garbler, HelloError, Reveal, RunId, SessionError, Terms};
use sotto_mpc::{Fancy, Inputs, Program};

/// AND, XOR, NOT and constants of two words.
#[derive(Clone, Copy)]
struct Mixed(usize);

impl Program for Mixed {
    fn name(&self) -> ProgramName {
        ProgramName::new("mixed@1").unwrap()
    }

    fn digest(&self) -> [u8; 32] {
        [0; 32]
    }

    fn shape(&self) -> Shape {
        Shape::two_party(self.0, self.0, 4 * self.0)
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let (garbler, evaluator) = (inputs.read(f, 0, self.0)?, inputs.read(f, 1, self.0)?);
        let mut and = vec![F::Wire::default(); self.0];
        f.and_n(&garbler, &evaluator, &mut and)?;
        outputs.extend(&and);
        for (a, b) in garbler.iter().zip(&evaluator) {
            let xor = f.xor(*a, *b);
            let not = f.not(*a);
            outputs.extend([xor, not]);
        }
        for (i, and) in and.iter().enumerate() {
            let constant = f.constant(i % 3 == 0);
            let out = f.and(*and, constant)?;
            outputs.push(out);
        }
        Ok(())
    }
}

type Output = Result<Option<Vec<bool>>, SessionError>;

fn bits(n: usize, seed: usize) -> Vec<bool> {
    (0..n).map(|i| ((i * i + seed * i + seed) % 7).is_multiple_of(2)).collect()
}

/// Runs both ends, each with its own program and terms.
fn run<P: Program + Sync>(
    garbler: (&P, Terms, &[bool]),
    evaluator: (&P, Terms, &[bool]),
) -> (Output, Output) {
    let (near, far) = memory_pair();
    std::thread::scope(|scope| {
        let garbling = scope.spawn(move || {
            let rng = &mut ChaCha20Rng::seed_from_u64(1);
            let session = Garbler::new(near, garbler.0, garbler.1).hello(rng)?.set_up(rng)?;
            Ok(session.execute(&garbler.2.into(), rng)?.1)
        });
        let rng = &mut ChaCha20Rng::seed_from_u64(2);
        let session = Evaluator::new(far, evaluator.0, evaluator.1).hello(rng);
        let evaluated = session
            .and_then(|session| session.set_up(rng))
            .and_then(|session| session.execute(&evaluator.2.into()));
        (garbling.join().unwrap(), evaluated.map(|(_, output)| output))
    })
}

#[test]
fn the_parties_that_the_terms_name_learn_the_output() {
    for n in [0, 1, 5, 3000] {
        let (x, y) = (bits(n, 1), bits(n, 2));
        let expected = Some(Mixed(n).compute(&x, &y));
        for reveal in [Reveal::Garbler, Reveal::Evaluator, Reveal::Both] {
            let terms = Terms::new(reveal);
            let (g, e) = run((&Mixed(n), terms, &x), (&Mixed(n), terms, &y));
            assert_eq!(
                g.unwrap(),
                expected.clone().filter(|_| reveal != Reveal::Evaluator),
                "{n} {reveal:?}"
            );
            assert_eq!(e.unwrap(), expected.clone().filter(|_| reveal != Reveal::Garbler), "{n} {reveal:?}");
        }
    }
}

#[test]
fn a_result_party_learns_the_output_from_two_shares_and_the_computing_parties_do_not() {
    let n = 500;
    let (x, y) = (bits(n, 1), bits(n, 2));
    let program = Mixed(n);
    let terms = Terms::new(Reveal::ResultParty);
    let (near, far) = memory_pair();
    let (garbled, evaluated) = std::thread::scope(|scope| {
        let garbling = scope.spawn(|| {
            let rng = &mut ChaCha20Rng::seed_from_u64(1);
            let session = Garbler::new(near, &program, terms).hello(rng).unwrap().set_up(rng).unwrap();
            session.execute_for_result_party(&x[..].into(), rng).unwrap().1
        });
        let rng = &mut ChaCha20Rng::seed_from_u64(2);
        let session = Evaluator::new(far, &program, terms).hello(rng).unwrap().set_up(rng).unwrap();
        let evaluated = session.execute_for_result_party(&y[..].into()).unwrap().1;
        (garbling.join().unwrap(), evaluated)
    });
    let output = program.compute(&x, &y);
    assert_eq!(garbled.combine(&evaluated), Some(output.clone()));
    for share in [&garbled, &evaluated] {
        let equal = share.bits().iter().zip(&output).filter(|(a, b)| a == b).count();
        assert!((850..1150).contains(&equal), "a share agrees with {equal} of 2000 outputs");
    }
}

#[test]
fn a_call_that_contradicts_the_terms_is_refused_before_anything_secret() {
    let (g, e) = run(
        (&Mixed(4), Terms::new(Reveal::ResultParty), &[true; 4]),
        (&Mixed(4), Terms::new(Reveal::ResultParty), &[true; 4]),
    );
    assert_eq!((g, e), (Err(SessionError::WrongCall), Err(SessionError::WrongCall)));
    let (near, far) = memory_pair();
    let program = Mixed(4);
    let terms = Terms::new(Reveal::Both);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let rng = &mut ChaCha20Rng::seed_from_u64(1);
            let session = Garbler::new(near, &program, terms).hello(rng).unwrap().set_up(rng).unwrap();
            assert!(matches!(
                session.execute_for_result_party(&[true; 4][..].into(), rng),
                Err(SessionError::WrongCall)
            ));
        });
        let rng = &mut ChaCha20Rng::seed_from_u64(2);
        let session = Evaluator::new(far, &program, terms).hello(rng).unwrap().set_up(rng).unwrap();
        assert!(matches!(
            session.execute_for_result_party(&[true; 4][..].into()),
            Err(SessionError::WrongCall)
        ));
    });
}

#[test]
fn a_session_serves_many_executions_and_both_see_the_same_transcript() {
    let (near, far) = memory_pair();
    let program = Mixed(40);
    let terms = Terms::new(Reveal::Both);
    let inputs: Vec<_> = (0..3).map(|i| (bits(40, i), bits(40, i + 9))).collect();
    std::thread::scope(|scope| {
        let garbling = scope.spawn(|| {
            let rng = &mut ChaCha20Rng::seed_from_u64(1);
            let mut session = Garbler::new(near, &program, terms).hello(rng).unwrap().set_up(rng).unwrap();
            for (x, y) in &inputs {
                let output;
                (session, output) = session.execute(&x[..].into(), rng).unwrap();
                assert_eq!(output, Some(program.compute(x, y)));
            }
            session.transcript()
        });
        let rng = &mut ChaCha20Rng::seed_from_u64(2);
        let mut session = Evaluator::new(far, &program, terms).hello(rng).unwrap().set_up(rng).unwrap();
        for (x, y) in &inputs {
            let output;
            (session, output) = session.execute(&y[..].into()).unwrap();
            assert_eq!(output, Some(program.compute(x, y)));
        }
        assert_eq!(session.transcript(), garbling.join().unwrap());
    });
}

#[test]
fn parties_who_disagree_stop_before_anything_secret() {
    let both = Terms::new(Reveal::Both);
    let expect = |program: (Mixed, Mixed), terms: (Terms, Terms), error: HelloError| {
        let (x, y) = (bits(program.0.0, 1), bits(program.1.0, 2));
        let (g, e) = run((&program.0, terms.0, &x), (&program.1, terms.1, &y));
        assert_eq!(g, Err(SessionError::Hello(error)));
        assert!(matches!(e, Err(SessionError::Hello(_))));
    };
    expect((Mixed(4), Mixed(5)), (both, both), HelloError::Program(Box::new([Mixed(4).id(), Mixed(5).id()])));
    let other = Terms { run: RunId([1; 32]), ..both };
    expect((Mixed(4), Mixed(4)), (both, other), HelloError::Run);
    expect((Mixed(4), Mixed(4)), (both, Terms { attempt: 1, ..both }), HelloError::Run);
    let reveal = HelloError::Reveal { ours: Reveal::Both };
    expect((Mixed(4), Mixed(4)), (both, Terms::new(Reveal::Garbler)), reveal);
}

#[test]
fn inputs_of_the_wrong_length_are_refused() {
    let terms = Terms::new(Reveal::Both);
    let (g, e) = run((&Mixed(4), terms, &[true; 3]), (&Mixed(4), terms, &[true; 4]));
    assert_eq!(g, Err(SessionError::InputLength { expected: 4, given: 3 }));
    assert!(e.is_err());
    let (g, e) = run((&Mixed(4), terms, &[true; 4]), (&Mixed(4), terms, &[true; 5]));
    assert_eq!(e, Err(SessionError::InputLength { expected: 4, given: 5 }));
    assert!(g.is_err());
}
