//! A functionality of one's own: the largest of some amounts, and nothing else about them.
//!
//! ```text
//! cargo run --release -p sotto-jobs --example own_functionality
//! ```
#![allow(clippy::print_stdout)]

use sotto_jobs::multiparty::{CheckedInputs, Column, Declaration, Functionality, Header, Rows, Table};
use sotto_mpc::gadgets::{Selection, Words};
use sotto_mpc::number::Number;
use sotto_mpc::program::ProgramName;
use sotto_mpc::{Fancy, Inputs};

struct Largest(Header);

impl Largest {
    /// One amount up to 1,000 from each party.
    fn new(parties: usize) -> Self {
        let amount = || vec![Column::new("amount", Number::up_to(1000))];
        let input = vec![Table::new("offer", Rows::Exactly(1), amount())];
        let output = Table::new("largest", Rows::Exactly(1), amount());
        let reveals = vec!["The largest amount; all other amounts are at most that.".to_owned()];
        let declaration = Declaration::new(vec![input; parties], vec![output], reveals);
        Self(Header { name: ProgramName::literal("largest@1"), declaration, parameters: [0; 32] })
    }
}

impl Functionality for Largest {
    fn header(&self) -> &Header {
        &self.0
    }

    fn body<F: Fancy, I: Inputs<F>>(
        &self,
        f: &mut F,
        inputs: &mut CheckedInputs<'_, F::Wire, I>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let mut largest: Option<Words<F::Wire>> = None;
        for party in 0..self.declaration().parties().len() {
            let Some(rows) = inputs.whole(f, party)? else { continue };
            let amount = rows.column(0);
            largest = Some(match largest {
                None => amount.clone(),
                Some(largest) => f.max(&largest, amount)?,
            });
        }
        outputs.extend(largest.iter().flat_map(|largest| largest.wires()));
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let program = Largest::new(3);
    // A party's input is a list of tables, a table is a list of rows, a row a list of numbers.
    let outputs = program.compute(&[120, 950, 700].map(|amount| vec![vec![vec![amount]]]))?;
    let (hash, cost) = program.gate_stream(10_000)?;
    println!("inputs hold: {:?}", outputs[0]);
    println!("largest: {:?}", outputs[1]);
    println!("{} AND gates, gate stream {:02x?}…", cost.and_gates, &hash[..4]);
    assert_eq!(outputs, [vec![vec![1, 1, 1]], vec![vec![950]]]);
    Ok(())
}
