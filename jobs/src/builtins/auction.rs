//! `auction@1`: the highest sealed bid wins and pays the second highest, or the reserve if that is more.
//!
//! ```text
//! winner  the first of the highest bids, from 1; 0 if none reaches the reserve
//! price   max(second highest, reserve); 0 if there is no winner
//! ```
//!
//! (Vickrey 1961: to bid what the thing is worth to oneself is then a dominant strategy.) For `n` bids of `w`
//! bits about `4nw` gates.

use crate::multiparty::{
    CheckedInputs, Column, Declaration, Functionality, Header, ParameterError, Parameters, Rows, Table,
};
use sotto_mpc::Fancy;
use sotto_mpc::gadgets::{Comparison, Selection};
use sotto_mpc::inputs::Inputs;
use sotto_mpc::number::Number;
use sotto_mpc::program::ProgramName;

use super::limits::{MAX_INPUT_PARTIES, constant};

const NAME: ProgramName = ProgramName::literal("auction@1");

/// The program `auction@1`.
#[derive(Clone, Debug)]
pub struct Auction {
    header: Header,
    bid: Number,
    winner: Number,
    reserve: u128,
}

impl Auction {
    /// From `bidders` (how many), `bid` (its range, not negative) and `reserve` (the lowest bid that can win,
    /// in the bid's units).
    ///
    /// # Errors
    /// If a parameter is missing, unknown or out of bounds.
    pub fn new(parameters: &Parameters) -> Result<Self, ParameterError> {
        parameters.only(&["bidders", "bid", "reserve"])?;
        let bidders = parameters.count("bidders", 2..=MAX_INPUT_PARTIES)?;
        let bid = parameters.range("bid")?;
        if bid.is_signed() {
            return Err(ParameterError::wrong("bid", "a range without negative numbers"));
        }
        let reserve = parameters.number("reserve", 1..=bid.max())? as u128;
        let winner = Number::up_to(bidders as u128);
        let price = Number::up_to(bid.max() as u128).scaled(bid.decimals());
        let bids = || vec![Table::new("bid", Rows::Exactly(1), vec![Column::new("bid", bid)])];
        let declaration = Declaration::new(
            (0..bidders).map(|_| bids()).collect(),
            vec![Table::new(
                "result",
                Rows::Exactly(1),
                vec![Column::new("winner", winner), Column::new("price", price)],
            )],
            vec![
                "Who wins, and the price, which is the second highest bid or the reserve; not whose bid it is.".into(),
                "That all other bids are at most the price, and the winner's at least.".into(),
            ],
        );
        let header = Header { name: NAME, declaration, parameters: parameters.digest() };
        Ok(Self { header, bid, winner, reserve })
    }
}

impl Functionality for Auction {
    fn header(&self) -> &Header {
        &self.header
    }

    fn body<F: Fancy, I: Inputs<F>>(
        &self,
        f: &mut F,
        inputs: &mut CheckedInputs<'_, F::Wire, I>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let bidders = self.header.declaration.parties().len();
        // One below the reserve, so that only a bid that reaches it becomes the best.
        let mut best = constant(f, self.reserve - 1, self.bid.width());
        let mut second = constant(f, self.reserve, self.bid.width());
        let mut winner = constant(f, 0, self.winner.width());
        for party in 0..bidders {
            let Some(chunk) = inputs.whole(f, party)? else { continue };
            let bid = chunk.column(0);
            let wins = f.greater(bid, &best)?;
            // The loser of the two is the second, if it is more than the second so far.
            let loser = f.select(&wins, &best, bid)?;
            second = f.max(&second, &loser)?;
            best = f.select(&wins, bid, &best)?;
            let bidder = constant(f, party as u128 + 1, self.winner.width());
            winner = f.select(&wins, &bidder, &winner)?;
        }
        let sold = f.is_zero(&winner)?;
        let sold: Vec<_> = sold.into_iter().map(|none| f.not(none)).collect();
        outputs.extend(winner.wires());
        outputs.extend(f.keep(&sold, &second)?.wires());
        Ok(())
    }
}
