//! Columns that are fields of an enum's variants: a row has them only if it has the variant.
//!
//! ```text
//! shape                 Empty     Square     Rectangle        a category of the variants
//! shape.Square                    12                          the only field of a variant
//! shape.Rectangle.0                          3                a field of several
//! shape.Rectangle.1                          4                elsewhere, fields are empty in files and results
//! ```
//!
//! Names alone say it: a column is a field of a variant if an earlier column is a category, its name begins with that
//! column's and a point, and goes on with one of the category's names, to its end or to a point or bracket. In the
//! computation, the number of a field that is not there is the one of its range that is nearest to zero, and is not
//! looked at.

use std::collections::BTreeMap;

use crate::kind::Kind;

/// The variant with which a column is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    /// The place of the column of variants, which may itself be a field of another variant.
    pub(crate) column: usize,
    /// The number of the variant.
    pub(crate) variant: usize,
}

/// For each column of a table, the case in which it is there; `None` if it always is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cases(Vec<Option<Case>>);

impl Cases {
    /// Those of these columns, by their names and kinds.
    pub(crate) fn of<'c>(columns: impl Iterator<Item = (&'c str, &'c Kind)>) -> Self {
        let (mut categories, mut cases) = (BTreeMap::new(), Vec::new());
        for (place, (name, kind)) in columns.enumerate() {
            // The innermost one, whose name is longest.
            let mut points = name.match_indices('.').map(|(at, _)| at).collect::<Vec<_>>().into_iter().rev();
            cases.push(points.find_map(|at| {
                let (before, after) = (name.get(..at)?, name.get(at + 1..)?);
                let (column, names): &(usize, &[crate::text::Line]) = categories.get(before)?;
                let variant = after.split(['.', '[']).next()?;
                let variant = names.iter().position(|name| name.as_str() == variant)?;
                Some(Case { column: *column, variant })
            }));
            if let Kind::Category(names) = kind {
                categories.insert(name, (place, &names[..]));
            }
        }
        Self(cases)
    }

    /// The case in which a column is there.
    pub(crate) fn get(&self, column: usize) -> Option<Case> {
        self.0.get(column).copied().flatten()
    }

    /// Whether other columns depend on this one.
    pub(crate) fn has_fields(&self, column: usize) -> bool {
        self.0.iter().flatten().any(|case| case.column == column)
    }

    /// Whether all columns that say whether a column is there have numbers.
    pub(crate) fn is_known(&self, column: usize, has_number: impl Fn(usize) -> bool) -> bool {
        let mut at = column;
        while let Some(case) = self.get(at) {
            if !has_number(case.column) {
                return false;
            }
            at = case.column;
        }
        true
    }

    /// Whether a column is there in a row, of which these are the numbers.
    pub(crate) fn is_there(&self, column: usize, number: impl Fn(usize) -> Option<i128>) -> bool {
        let mut at = column;
        while let Some(case) = self.get(at) {
            if number(case.column) != Some(case.variant as i128) {
                return false;
            }
            // Columns depend on earlier ones alone.
            at = case.column;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_belongs_to_a_variant() {
        let shapes = Kind::category(&["Empty", "Square", "Box"]).unwrap();
        let sizes = Kind::category(&["None", "Of"]).unwrap();
        let columns = [
            ("shape", &shapes),
            ("shape.Square", &sizes),
            ("shape.Square.Of[0]", &Kind::Number),
            ("shape.Box.0", &Kind::Number),
            ("shape.Boxes", &Kind::Number),
            ("shapes.Box", &Kind::Number),
            ("later.Empty", &Kind::Number),
            ("later", &shapes),
        ];
        let cases = Cases::of(columns.into_iter());
        let case = |column, variant| Some(Case { column, variant });
        let found: Vec<_> = (0..columns.len()).map(|column| cases.get(column)).collect();
        assert_eq!(found, [None, case(0, 1), case(1, 1), case(0, 2), None, None, None, None]);
        assert!(cases.has_fields(0) && cases.has_fields(1) && !cases.has_fields(7));
        let is_there = |column, row: [i128; 2]| cases.is_there(column, |at| row.get(at).copied());
        assert!(is_there(2, [1, 1]) && !is_there(2, [1, 0]) && !is_there(2, [2, 1]) && is_there(3, [2, 1]));
        assert!(is_there(0, [0, 0]) && !is_there(1, [0, 0]) && is_there(4, [0, 0]));
    }
}
