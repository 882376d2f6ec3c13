//! Both parties of a malicious session in this process, set up and executed apart, to see what gates take.

use std::thread;

use rand_core::{CryptoRng, RngCore};

use crate::Bits;
use crate::channel::{Framed, Pipe, pipe_pair};
use crate::program::Program;
use crate::protocol::malicious::{Evaluator, Garbler, Ready, Reveal, SessionError, Settings, Terms};

/// Two parties that are ready to execute a program.
pub struct AuthenticatedPair<'p, P> {
    garbler: Garbler<'p, Framed<Pipe>, P, Ready>,
    evaluator: Evaluator<'p, Framed<Pipe>, P, Ready>,
}

impl<'p, P: Program + Sync> AuthenticatedPair<'p, P> {
    /// Sets up a session of a program with itself.
    ///
    /// # Errors
    /// If the program is not supported.
    pub fn set_up<R: RngCore + CryptoRng + Send>(
        program: &'p P,
        settings: Settings,
        [first, second]: [&mut R; 2],
    ) -> Result<Self, SessionError> {
        let ((near, far), terms) = (pipe_pair(), Terms::new(Reveal::Evaluator));
        let (garbler, evaluator) = thread::scope(|scope| {
            let garbling = scope.spawn(move || {
                let session = Garbler::new(Framed::new(near), program, terms, settings);
                session.hello(first)?.set_up(first)
            });
            let session = Evaluator::new(Framed::new(far), program, terms, settings).hello(second);
            let evaluator = session.and_then(|session| session.set_up(second));
            (garbling.join(), evaluator)
        });
        match garbler {
            Ok(garbler) => Ok(Self { garbler: garbler?, evaluator: evaluator? }),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// Executes the program on zeros.
    ///
    /// # Errors
    /// If the program is at fault.
    pub fn execute<R: RngCore + CryptoRng + Send>(
        self,
        [first, second]: [&mut R; 2],
        program: &P,
    ) -> Result<(), SessionError> {
        let shape = program.shape();
        let zeros = |bits| Bits::from_number(0, bits);
        let (x, y) = (zeros(shape.garbler_bits()), zeros(shape.evaluator_bits()));
        let (garbled, evaluated) = thread::scope(|scope| {
            let garbling = scope.spawn(move || self.garbler.execute(&x, first).map(|_| ()));
            let evaluated = self.evaluator.execute(&y, second).map(|_| ());
            (garbling.join(), evaluated)
        });
        match garbled {
            Ok(garbled) => garbled.and(evaluated),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}
