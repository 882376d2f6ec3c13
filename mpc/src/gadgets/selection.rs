//! Selection between words by secret bits.

use super::{Comparison, Words};
use crate::Fancy;

/// Selection of words in lock-step. Two operands must have the same number of lanes and the same width.
pub trait Selection: Fancy {
    /// `x` in lanes where `choice` is set, else `y`: `w` gates, as `y ⊕ choice·(x ⊕ y)`.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    ///
    /// # Panics
    /// If there is not one choice for each lane.
    fn select(
        &mut self,
        choice: &[Self::Wire],
        x: &Words<Self::Wire>,
        y: &Words<Self::Wire>,
    ) -> Result<Words<Self::Wire>, Self::Error> {
        assert_eq!((x.lanes(), x.width(), x.lanes()), (y.lanes(), y.width(), choice.len()));
        let n = x.wires().len();
        let choices: Vec<_> = choice.iter().copied().cycle().take(n).collect();
        let (mut difference, mut chosen) = (vec![Self::Wire::default(); n], vec![Self::Wire::default(); n]);
        self.xor_n(x.wires(), y.wires(), &mut difference);
        self.and_n(&choices, &difference, &mut chosen)?;
        self.xor_n(&chosen, y.wires(), &mut difference);
        Ok(Words::new(x.lanes(), difference))
    }

    /// `x` in lanes where `choice` is set, else zero: `w` gates.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    ///
    /// # Panics
    /// If there is not one choice for each lane.
    fn keep(
        &mut self,
        choice: &[Self::Wire],
        x: &Words<Self::Wire>,
    ) -> Result<Words<Self::Wire>, Self::Error> {
        assert_eq!(choice.len(), x.lanes());
        let choices: Vec<_> = choice.iter().copied().cycle().take(x.wires().len()).collect();
        let mut kept = choices.clone();
        self.and_n(&choices, x.wires(), &mut kept)?;
        Ok(Words::new(x.lanes(), kept))
    }

    /// For each `i` below `n`, whether `index` equals `i`: a tree that branches bit by bit, `2^w − w − 1`
    /// gates for `n = 2^w`. Reads only as many of the lowest bits as `n` numbers need.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    ///
    /// # Panics
    /// If the index has more than one lane.
    fn one_hot(&mut self, index: &Words<Self::Wire>, n: usize) -> Result<Vec<Self::Wire>, Self::Error> {
        assert_eq!(index.lanes(), 1);
        let used = (n.next_power_of_two().trailing_zeros() as usize).min(index.width());
        let mut bits = index.wires()[..used].iter().rev();
        let Some(highest) = bits.next() else { return Ok(vec![self.constant(true); n.min(1)]) };
        let mut nodes = vec![self.not(*highest), *highest];
        for bit in bits {
            let mut ones = nodes.clone();
            self.and_n(&nodes, &vec![*bit; nodes.len()], &mut ones)?;
            nodes = nodes.iter().zip(ones).flat_map(|(node, one)| [self.xor(*node, one), one]).collect();
        }
        nodes.truncate(n);
        Ok(nodes)
    }

    /// The larger of `x` and `y`, unsigned: `2w` gates.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn max(
        &mut self,
        x: &Words<Self::Wire>,
        y: &Words<Self::Wire>,
    ) -> Result<Words<Self::Wire>, Self::Error> {
        let greater = self.greater(x, y)?;
        self.select(&greater, x, y)
    }

    /// The smaller of `x` and `y`, unsigned: `2w` gates.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn min(
        &mut self,
        x: &Words<Self::Wire>,
        y: &Words<Self::Wire>,
    ) -> Result<Words<Self::Wire>, Self::Error> {
        let greater = self.greater(x, y)?;
        self.select(&greater, y, x)
    }

    /// The larger of `x` and `y`, two's complement: `2w` gates.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn max_signed(
        &mut self,
        x: &Words<Self::Wire>,
        y: &Words<Self::Wire>,
    ) -> Result<Words<Self::Wire>, Self::Error> {
        let greater = self.greater_signed(x, y)?;
        self.select(&greater, x, y)
    }

    /// The smaller of `x` and `y`, two's complement: `2w` gates.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn min_signed(
        &mut self,
        x: &Words<Self::Wire>,
        y: &Words<Self::Wire>,
    ) -> Result<Words<Self::Wire>, Self::Error> {
        let greater = self.greater_signed(x, y)?;
        self.select(&greater, y, x)
    }
}

impl<F: Fancy + ?Sized> Selection for F {}
