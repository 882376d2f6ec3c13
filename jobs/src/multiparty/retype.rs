//! How a job reads columns otherwise than the program alone says: other ranges, decimals, meanings, optional fields.
//!
//! ```text
//! columns of the program                 type of "pay"              columns of the job
//! pay                                    a range, decimals, a kind  pay
//! pay.0 (a bool), pay.1                  optional                   pay.0 (presence), pay
//! pay.present (a bool), pay.value        optional                   pay.present (presence), pay
//! ```
//!
//! An optional field is a bool and a number of the program, which stand alone in a tuple or a struct. The bool says
//! whether the field is there; if not, the number is the least absolute one of its range.

use super::declaration::{Column, Table};
use crate::kind::Kind;
use sotto_mpc::number::Number;

/// The type that a job gives a column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ColumnType {
    /// What its numbers stand for; without it, what the program says.
    pub(crate) kind: Option<Kind>,
    /// Its range; without it, all numbers of the program's column that the kind has.
    pub(crate) range: Option<(i128, i128)>,
    /// Digits after the point.
    pub(crate) decimals: u8,
    /// Whether its fields may be empty, which the program sees.
    pub(crate) is_optional: bool,
}

/// Why a column cannot have a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RetypeError {
    /// There is none.
    #[error("the program has no column of this name there")]
    NoColumn,
    /// The program's column does not hold all that the type has.
    #[error("the program's column does not hold this range, not as many names, or not the 62 bits of a text")]
    Range,
    /// A text in a result.
    #[error("a result has no texts: a program computes on their keyed hashes")]
    Text,
    /// Decimals of something else than a number.
    #[error("only numbers have decimals, at most 18")]
    Decimals,
    /// The number of an enum's variant.
    #[error("its variants have fields, whose columns are named after them: it keeps its type")]
    Variants,
    /// Not a bool and a number.
    #[error(
        "a column is optional where the program has a tuple or a struct of a bool, which says whether the field is there, and one number"
    )]
    NotOptional,
}

impl Table {
    /// Gives a column of an input a type.
    ///
    /// # Errors
    /// If the column cannot have it.
    pub(crate) fn retype(&mut self, name: &str, ty: &ColumnType) -> Result<(), RetypeError> {
        self.keeps_variants(name)?;
        let column = self.find(name, ty.is_optional)?;
        let kind = ty.apply(column)?;
        let own = (column.number.min(), column.number.max());
        let names = matches!(kind, Kind::Category(_) | Kind::Text).then(|| kind.range()).flatten();
        let (min, max) = kind.range().map_or(own, |(min, max)| (min.max(own.0), max.min(own.1)));
        let (min, max) = ty.range.or(names).unwrap_or((min, max));
        let fits = |n: i128| {
            column.number.holds(n) && kind.range().is_none_or(|(min, max)| (min..=max).contains(&n))
        };
        let range = Number::new(min, max).filter(|_| fits(min) && fits(max)).ok_or(RetypeError::Range)?;
        column.number = range.scaled(ty.decimals);
        column.kind = kind;
        Ok(())
    }

    /// Says what the numbers of a column of an output stand for. Their range stays: it is what the program makes.
    ///
    /// # Errors
    /// If the column cannot have the type.
    pub(crate) fn retype_output(&mut self, name: &str, ty: &ColumnType) -> Result<(), RetypeError> {
        self.keeps_variants(name)?;
        let column = self.find(name, ty.is_optional)?;
        column.kind = ty.apply(column)?;
        if column.kind == Kind::Text {
            return Err(RetypeError::Text);
        }
        column.number = column.number.scaled(ty.decimals);
        Ok(())
    }

    /// Refuses the number of a variant on which fields depend.
    fn keeps_variants(&self, name: &str) -> Result<(), RetypeError> {
        let place = self.columns.iter().position(|column| column.name == name);
        let has_fields = place.is_some_and(|place| self.cases().has_fields(place));
        if has_fields { Err(RetypeError::Variants) } else { Ok(()) }
    }

    /// The column of a name; the number of an optional one, which gets the name.
    fn find(&mut self, name: &str, is_optional: bool) -> Result<&mut Column, RetypeError> {
        let within =
            |column: &Column| column.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        if is_optional {
            let mut parts = self.columns.iter_mut().filter(|column| within(column));
            let (Some(flag), Some(value), None) = (parts.next(), parts.next(), parts.next()) else {
                return Err(RetypeError::NotOptional);
            };
            if flag.kind != Kind::Truth {
                return Err(RetypeError::NotOptional);
            }
            flag.kind = Kind::Presence;
            name.clone_into(&mut value.name);
            return Ok(value);
        }
        self.columns.iter_mut().find(|column| column.name == name).ok_or(RetypeError::NoColumn)
    }
}

impl ColumnType {
    /// The kind that a column gets.
    fn apply(&self, column: &Column) -> Result<Kind, RetypeError> {
        let kind = self.kind.clone().unwrap_or_else(|| column.kind.clone());
        let is_scaled = self.decimals > 0 && kind != Kind::Number || self.decimals > 18;
        if is_scaled { Err(RetypeError::Decimals) } else { Ok(kind) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::multiparty::Rows;

    fn table() -> Table {
        let byte = || Number::up_to(255);
        let columns = vec![
            Column::new("pay.0", Number::bit()).of(Kind::Truth),
            Column::new("pay.1", Number::new(-50, 1000).unwrap()),
            Column::new("region", byte()),
            Column::new("born", Number::new(i32::MIN.into(), i32::MAX.into()).unwrap()),
        ];
        Table::new("people", Rows::Exactly(1), columns)
    }

    #[test]
    fn a_type_has_the_range_of_column_and_kind() {
        let mut people = table();
        let regions = Kind::category(&["north", "south"]);
        let category = ColumnType { kind: regions.clone(), ..ColumnType::default() };
        let date = ColumnType { kind: Some(Kind::Date), ..ColumnType::default() };
        let pay =
            ColumnType { decimals: 2, is_optional: true, range: Some((0, 900)), ..ColumnType::default() };
        people.retype("region", &category).unwrap();
        people.retype("born", &date).unwrap();
        people.retype("pay", &pay).unwrap();
        let [flag, pay, region, born] = &people.columns[..] else { unreachable!() };
        assert_eq!((&flag.name[..], &flag.kind), ("pay.0", &Kind::Presence));
        assert_eq!((&pay.name[..], pay.number), ("pay", Number::new(0, 900).unwrap().scaled(2)));
        assert_eq!((region.number.max(), Some(&region.kind)), (1, regions.as_ref()));
        assert_eq!(Some((born.number.min(), born.number.max())), Kind::Date.range());
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let of = |name: &str, ty: ColumnType| table().retype(name, &ty);
        let many: Vec<String> = (0..300).map(|i| format!("n{i}")).collect();
        let ty = ColumnType::default;
        assert_eq!(of("region", ColumnType { kind: Kind::category(&many), ..ty() }), Err(RetypeError::Range));
        assert_eq!(of("region", ColumnType { range: Some((0, 256)), ..ty() }), Err(RetypeError::Range));
        assert_eq!(of("region", ColumnType { range: Some((3, 2)), ..ty() }), Err(RetypeError::Range));
        let truth = ColumnType { kind: Some(Kind::Truth), range: Some((0, 2)), ..ty() };
        assert_eq!(of("region", truth), Err(RetypeError::Range));
        assert_eq!(
            of("born", ColumnType { kind: Some(Kind::Date), decimals: 1, ..ty() }),
            Err(RetypeError::Decimals)
        );
        assert_eq!(of("region", ColumnType { decimals: 19, ..ty() }), Err(RetypeError::Decimals));
        assert_eq!(of("region", ColumnType { is_optional: true, ..ty() }), Err(RetypeError::NotOptional));
        assert_eq!(of("pay", ty()), Err(RetypeError::NoColumn));
        let mut other = table();
        other.columns[0].kind = Kind::Number;
        assert_eq!(
            other.retype("pay", &ColumnType { is_optional: true, ..ty() }),
            Err(RetypeError::NotOptional)
        );
    }
}
