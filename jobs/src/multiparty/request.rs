//! How many input bits a program asks for at once, found without its gates.

use std::convert::Infallible;

use sotto_mpc::{Fancy, Inputs};

use super::functionality::Functionality;

/// The most input bits of an input party that a program asks for at once. Makes no gates.
pub fn max_input_request(program: &impl Functionality) -> usize {
    let mut inputs = Widest(0);
    let Ok(()) = program.run(&mut Idle, &mut inputs, &mut Vec::new());
    let Widest(bits) = inputs;
    bits
}

struct Widest(usize);

impl Inputs<Idle> for Widest {
    fn read_into(&mut self, _: &mut Idle, _: usize, wires: &mut [()]) -> Result<(), Infallible> {
        self.0 = self.0.max(wires.len());
        Ok(())
    }
}

/// An interpreter that does nothing: wires carry nothing.
struct Idle;

impl Fancy for Idle {
    type Wire = ();
    type Error = Infallible;

    fn and_n(&mut self, _: &[()], _: &[()], _: &mut [()]) -> Result<(), Infallible> {
        Ok(())
    }

    fn xor(&mut self, (): (), (): ()) {}

    fn not(&mut self, (): ()) {}

    fn constant(&mut self, _: bool) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtins::Builtin;
    use crate::multiparty::Parameters;

    #[test]
    fn what_a_program_asks_for_at_once_is_known_without_its_gates() {
        let parameters = |rows: i128| {
            Parameters::default()
                .with("rows", vec![rows; 2])
                .with("groups", vec!["a", "b"])
                .with("value", Parameters::default().with("max", 255i128))
                .with("minimum", 1i128)
        };
        let of = |rows| max_input_request(&Builtin::new("sum_by_group@1", &parameters(rows)).unwrap());
        // A row is present, of a group, and has a value.
        assert_eq!((of(3), of(64), of(1000)), (30, 640, 640));
    }
}
