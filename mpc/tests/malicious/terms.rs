//! Whatever the parties disagree on, or the protocol does not support, ends before anything secret is sent.

use sotto_mpc::channel::memory_pair;
use sotto_mpc::inputs::{Holder, InputStream};
use sotto_mpc::ot::TreeDepth;
use sotto_mpc::protocol::malicious::{
    Attempts, Evaluator, HelloError, Reveal, RunId, SessionError, Settings, Terms,
};
use sotto_mpc::protocol::semi_honest;
use sotto_mpc::{Fancy, Inputs, Program, ProgramName, Shape};

use super::{Start, rng, run};

/// One AND of a bit of each of two streams.
struct And {
    second: Holder,
    outputs: usize,
}

const TWO_PARTY: And = And { second: Holder::Evaluator, outputs: 1 };

impl Program for And {
    fn name(&self) -> ProgramName {
        ProgramName::literal("and@1")
    }

    fn shape(&self) -> Shape {
        let stream = |holder| InputStream { holder, bits: 1 };
        Shape { input_streams: vec![stream(Holder::Garbler), stream(self.second)], outputs: self.outputs }
    }

    fn run<F: Fancy>(
        &self,
        f: &mut F,
        inputs: &mut impl Inputs<F>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let (x, y) = (inputs.read(f, 0, 1)?, inputs.read(f, 1, 1)?);
        outputs.push(f.and(x[0], y[0])?);
        Ok(())
    }
}

/// The errors of garbler and evaluator.
fn errors(garbler: &Start<'_, And>, evaluator: &Start<'_, And>) -> [SessionError; 2] {
    run(garbler, evaluator).map(|end| end.err().unwrap())
}

fn start(program: &And, terms: Terms) -> Start<'_, And> {
    Start::new(program, terms, &[true])
}

const BOTH: Terms = Terms::new(Reveal::Both);

#[test]
fn parties_who_disagree_stop_in_the_handshake() {
    let honest = || start(&TWO_PARTY, BOTH);
    let other_run = Terms { run: RunId([1; 32]), ..BOTH };
    assert_eq!(errors(&honest(), &start(&TWO_PARTY, other_run))[0], SessionError::Hello(HelloError::Run));
    let second_attempt = Terms { attempt: 1, ..BOTH };
    let error = errors(&honest(), &start(&TWO_PARTY, second_attempt));
    assert_eq!(error[1], SessionError::Hello(HelloError::Run));
    let reveal = errors(&honest(), &start(&TWO_PARTY, Terms::new(Reveal::Garbler)));
    assert_eq!(reveal[0], SessionError::Hello(HelloError::Reveal { ours: Reveal::Both }));
    let program = And { outputs: 2, ..TWO_PARTY };
    assert!(matches!(
        errors(&honest(), &start(&program, BOTH))[0],
        SessionError::Hello(HelloError::Program(_))
    ));
}

#[test]
fn other_settings_of_the_peer_are_refused() {
    let default = Settings::default().attempts;
    for settings in [
        Settings::new(Attempts::new(3).unwrap(), TreeDepth::Four),
        Settings::new(default, TreeDepth::Two),
        Settings::new(default, TreeDepth::Eight),
    ] {
        let other = Start { settings, ..start(&TWO_PARTY, BOTH) };
        let expected = [SessionError::Parameters, SessionError::Parameters];
        assert_eq!(errors(&start(&TWO_PARTY, BOTH), &other), expected);
    }
}

#[test]
fn what_is_not_supported_is_refused_before_a_byte_is_sent() {
    let result_party = Terms::new(Reveal::ResultParty);
    let error = errors(&start(&TWO_PARTY, result_party), &start(&TWO_PARTY, result_party));
    assert_eq!(error, [SessionError::ResultParty, SessionError::ResultParty]);
    let third = Terms { attempt: 2, ..BOTH };
    let error = errors(&start(&TWO_PARTY, third), &start(&TWO_PARTY, third));
    assert_eq!(error[1], SessionError::Attempt { attempt: 2, most: 2 });
}

#[test]
fn shares_of_an_owner_without_its_tests_are_refused() {
    let shared = And { second: Holder::Shared, outputs: 1 };
    let error = errors(&Start::new(&shared, BOTH, &[true; 2]), &start(&shared, BOTH));
    assert!(error.contains(&SessionError::NoTests), "{error:?}");
}

#[test]
fn inputs_and_outputs_of_the_wrong_length_are_refused() {
    let long = Start::new(&TWO_PARTY, BOTH, &[true; 2]);
    let error = errors(&long, &start(&TWO_PARTY, BOTH));
    assert_eq!(error[0], SessionError::InputLength { expected: 1, given: 2 });
    let program = And { outputs: 2, ..TWO_PARTY };
    let error = errors(&start(&program, BOTH), &start(&program, BOTH));
    assert!(error.contains(&SessionError::OutputLength { expected: 2, given: 1 }));
}

#[test]
fn a_semi_honest_peer_is_told_apart() {
    let (near, far) = memory_pair();
    std::thread::scope(|scope| {
        let semi_honest = scope.spawn(move || {
            let session = semi_honest::Garbler::new(near, &TWO_PARTY, BOTH);
            session.hello(&mut rng(1)).err().unwrap()
        });
        let session = Evaluator::new(far, &TWO_PARTY, BOTH, Settings::default());
        let error = session.hello(&mut rng(2)).err().unwrap();
        assert_eq!(error, SessionError::Hello(HelloError::Suite { ours: 2, theirs: 1 }));
        let error = semi_honest.join().unwrap();
        assert_eq!(error, semi_honest::SessionError::Hello(HelloError::Suite { ours: 1, theirs: 2 }));
    });
}
