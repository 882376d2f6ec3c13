//! All functionalities that come with the crate, by name.

use super::auc::MultipartyAuc;
use super::auction::Auction;
use super::join_count::JoinCount;
use super::logistic::Logistic;
use super::sum_by_group::SumByGroup;
use super::top_k::TopK;
use super::welch::Welch;
use crate::multiparty::{
    Cells, CheckedInputs, Figure, Functionality, Header, LocalStep, ParameterError, Parameters, RowError,
    RowNames, Table, TooLarge,
};
use sotto_mpc::Fancy;
use sotto_mpc::fancy::Cost;
use sotto_mpc::inputs::Inputs;

/// Declares the enum, its lookup by name, and that it does what its program does.
macro_rules! builtin {
    ($($program:ident = $name:literal: $type:ty),+ $(,)?) => {
        /// A built-in functionality.
        #[derive(Clone, Debug)]
        pub enum Builtin {
            $(#[doc = concat!("`", $name, "`")] $program($type),)+
        }

        impl Builtin {
            /// The names of all programs.
            pub const NAMES: &[&str] = &[$($name),+];

            /// The program of this name and version, with these parameters.
            ///
            /// ```
            /// use sotto_jobs::{Builtin, Functionality, Parameters};
            ///
            /// let bid = Parameters::default().with("max", 1000i128);
            /// let parameters =
            ///     Parameters::default().with("bidders", 2i128).with("bid", bid).with("reserve", 10i128);
            /// let auction = Builtin::new("auction@1", &parameters)?;
            /// // In the clear: the second bidder wins and pays the first bid.
            /// let outputs = auction.compute(&[vec![vec![vec![120]]], vec![vec![vec![700]]]])?;
            /// assert_eq!(outputs[1], [[2, 120]]);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// If there is none of this name, or the parameters are not its.
            pub fn new(name: &str, parameters: &Parameters) -> Result<Self, ParameterError> {
                match name {
                    $($name => Ok(Self::$program(<$type>::new(parameters)?)),)+
                    _ => Err(ParameterError::Program { name: name.into(), known: Self::NAMES.join(", ") }),
                }
            }
        }

        impl Functionality for Builtin {
            fn header(&self) -> &Header {
                match self { $(Self::$program(program) => program.header(),)+ }
            }

            fn body<F: Fancy, I: Inputs<F>>(
                &self,
                f: &mut F,
                inputs: &mut CheckedInputs<'_, F::Wire, I>,
                outputs: &mut Vec<F::Wire>,
            ) -> Result<(), F::Error> {
                match self { $(Self::$program(program) => program.body(f, inputs, outputs),)+ }
            }

            // Compiled here, and not wherever they are called.

            fn gate_stream(&self, most: u64) -> Result<([u8; 32], Cost), TooLarge> {
                match self { $(Self::$program(program) => program.gate_stream(most),)+ }
            }

            fn compute(&self, parties: &[Vec<Cells>]) -> Result<Vec<Cells>, RowError> {
                match self { $(Self::$program(program) => program.compute(parties),)+ }
            }

            fn local(&self, party: usize) -> Box<dyn LocalStep + '_> {
                match self { $(Self::$program(program) => program.local(party),)+ }
            }

            fn figures(&self, outputs: &[Cells]) -> Vec<Figure> {
                match self { $(Self::$program(program) => program.figures(outputs),)+ }
            }

            fn is_suppressed(&self, table: &Table, row: &[i128]) -> bool {
                match self { $(Self::$program(program) => program.is_suppressed(table, row),)+ }
            }

            fn row_names(&self, table: &Table) -> Option<RowNames> {
                match self { $(Self::$program(program) => program.row_names(table),)+ }
            }
        }
    };
}

builtin! {
    Auc = "auc@1": MultipartyAuc,
    Auction = "auction@1": Auction,
    JoinCount = "join_count@1": JoinCount,
    Logistic = "logistic@1": Logistic,
    SumByGroup = "sum_by_group@1": SumByGroup,
    TopK = "top_k@1": TopK,
    Welch = "welch@1": Welch,
}
