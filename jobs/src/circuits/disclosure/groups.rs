//! What is suppressed together: a row of a result, or one place of the arrays in a row.
//!
//! ```text
//! row             count = 9     by_age[0].count = 4   by_age[0].sum = 80     by_age[1].count = 5   by_age[1].sum = 90
//! count           the row       every column
//! by_age[].count  place 0                      by_age[0].count, by_age[0].sum
//!                 place 1                                                               by_age[1].count, by_age[1].sum
//! ```
//!
//! A place is that of all arrays of the same length: with `count: [u32; 3], sum: [u32; 3]`, place 1 is `count[1]` and
//! `sum[1]`, and `count[]` is the name of all counts. A place of an array of arrays is within one of the outer array. So
//! the groups around a column are one within the other, and a column is shown if all of them are.

use std::collections::BTreeMap;

use super::error::DisclosureError;
use crate::multiparty::Column;

/// An index in a column's name, and how long its array is.
type Index = (usize, usize);

/// Numbers that are shown or suppressed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// Columns by their places, and the least number of each with which the group is shown.
    pub(super) counts: Vec<(usize, u128)>,
    /// The group around it.
    pub(super) outer: Option<usize>,
    /// What the column is called that says whether it is shown, before its first column.
    pub(super) shown: String,
    /// The place of that one in the row as it is opened.
    at: usize,
}

/// The groups of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Groups {
    /// Those around others before them.
    pub(super) all: Vec<Group>,
    /// The innermost group of each column.
    pub(super) of: Vec<Option<usize>>,
    /// The columns of a row as it is opened.
    pub(super) opened: Vec<Opened>,
}

/// A column of a row as it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opened {
    /// Whether this group is shown.
    Shown(usize),
    /// This column of the program.
    Column(usize),
}

/// A column's name without the numbers in brackets: `by_age[2].count` is one of `by_age[].count`.
pub(crate) fn array(name: &str) -> String {
    let mut parts = name.split('[');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + "[" + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

/// Whether this names each place of an array.
pub(crate) fn is_array(name: &str) -> bool {
    name.contains("[]")
}

/// Whether a column has this name, or is in the array of this name.
pub(crate) fn is_named(column: &str, name: &str) -> bool {
    column == name || (is_array(name) && array(column) == name)
}

/// The numbers in brackets.
fn indices(name: &str) -> impl Iterator<Item = usize> {
    name.split('[').skip(1).filter_map(|part| part.split(']').next()?.parse().ok())
}

/// The indices of each column, with the lengths of their arrays.
fn places(columns: &[Column]) -> Vec<Vec<Index>> {
    let mut lengths: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for column in columns {
        let of = lengths.entry(array(&column.name)).or_default();
        for (depth, index) in indices(&column.name).enumerate() {
            of.resize(of.len().max(depth + 1), 0);
            of[depth] = of[depth].max(index + 1);
        }
    }
    let of = |column: &Column| indices(&column.name).zip(lengths[&array(&column.name)].clone()).collect();
    columns.iter().map(of).collect()
}

/// A name up to and with so many pairs of brackets.
fn up_to(name: &str, brackets: usize) -> &str {
    let end = brackets.checked_sub(1).and_then(|last| name.match_indices(']').nth(last));
    end.map_or("", |(at, _)| &name[..=at])
}

impl Groups {
    /// The groups of these columns; `minima` are columns by their places with the least number of each, and whether
    /// that is about the places of an array.
    ///
    /// # Errors
    /// If a column is in none, so that it would be shown of any group, or names what is put before others.
    pub(super) fn of(columns: &[Column], minima: &[(Minimum, usize)]) -> Result<Self, DisclosureError> {
        let places = places(columns);
        let mut keyed: BTreeMap<&[Index], Vec<(usize, u128)>> = BTreeMap::new();
        for (minimum, column) in minima {
            let key = if minimum.is_array { &places[*column][..] } else { &[] };
            keyed.entry(key).or_default().push((*column, minimum.least));
        }
        if keyed.is_empty() {
            let opened = (0..columns.len()).map(Opened::Column).collect();
            return Ok(Self { all: Vec::new(), of: vec![None; columns.len()], opened });
        }
        // In this order, what begins another key is before it.
        let keys: Vec<&[Index]> = keyed.keys().copied().collect();
        let within =
            |place: &[Index], most: usize| keys[..most].iter().rposition(|key| place.starts_with(key));
        let of: Vec<_> = places.iter().map(|place| within(place, keys.len())).collect();
        if let Some(column) = of.iter().position(Option::is_none) {
            return Err(DisclosureError::Uncovered(columns[column].name.clone()));
        }
        let (mut all, mut before) = (Vec::new(), vec![Vec::new(); columns.len()]);
        for (at, (key, counts)) in keyed.iter().enumerate() {
            let first = places.iter().position(|place| place.starts_with(key)).unwrap_or_default();
            let path = up_to(&columns[first].name, key.len());
            let shown = if path.is_empty() { SHOWN.to_owned() } else { format!("{path}.{SHOWN}") };
            if columns.iter().any(|column| column.name == shown) {
                return Err(DisclosureError::Taken(shown));
            }
            before[first].push(at);
            all.push(Group { counts: counts.clone(), outer: within(key, at), shown, at: 0 });
        }
        let mut opened = Vec::new();
        for (column, groups) in before.into_iter().enumerate() {
            for group in groups {
                all[group].at = opened.len();
                opened.push(Opened::Shown(group));
            }
            opened.push(Opened::Column(column));
        }
        Ok(Self { all, of, opened })
    }

    /// Whether the number at this place of an opened row is suppressed: it is in a group that is not shown.
    pub(super) fn is_suppressed(&self, row: &[i128], place: usize) -> bool {
        let mut group = match self.opened.get(place) {
            Some(Opened::Shown(group)) => self.all[*group].outer,
            Some(Opened::Column(column)) => self.of[*column],
            None => None,
        };
        while let Some(at) = group {
            if row.get(self.all[at].at) == Some(&0) {
                return true;
            }
            group = self.all[at].outer;
        }
        false
    }

    /// The logarithm to the base 2 of the number of rows that can be opened, if those of columns are these.
    pub(super) fn row_bits(&self, columns: &[f64]) -> f64 {
        let mut bits = vec![0.0; self.all.len()];
        let mut row = 0.0;
        for (group, column) in self.of.iter().zip(columns) {
            *group.map_or(&mut row, |group| &mut bits[group]) += column;
        }
        for (at, group) in self.all.iter().enumerate().rev() {
            // One more: the group that is suppressed.
            let all = bits[at] + (1.0 + (-bits[at]).exp2()).log2();
            *group.outer.map_or(&mut row, |outer| &mut bits[outer]) += all;
        }
        row
    }
}

/// The column that says whether a row is shown, as in built-in programs.
pub(super) const SHOWN: &str = "shown";

/// The least number of a column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Minimum {
    pub(super) least: u128,
    /// Whether it is that of each place of an array, and not of the row.
    pub(super) is_array: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_mpc::number::Number;

    fn columns(names: &[&str]) -> Vec<Column> {
        names.iter().map(|name| Column::new(*name, Number::up_to(7))).collect()
    }

    /// The groups by columns with a least number; those of arrays are marked.
    fn groups(names: &[&str], minima: &[(&str, u128)]) -> Result<Groups, DisclosureError> {
        let columns = columns(names);
        let of = |(name, least): &(&str, u128)| {
            let minimum = Minimum { least: *least, is_array: name.contains("[]") };
            let named = names.iter().enumerate().filter(|(_, column)| is_named(column, name));
            named.map(|(place, _)| (minimum, place)).collect::<Vec<_>>()
        };
        Groups::of(&columns, &minima.iter().flat_map(of).collect::<Vec<_>>())
    }

    #[test]
    fn names_without_numbers_are_those_of_arrays() {
        assert_eq!(array("by_age[2].count[10]"), "by_age[].count[]");
        assert_eq!(array("[0].x"), "[].x");
        assert_eq!(array("count"), "count");
        assert!(is_named("a[3]", "a[]") && is_named("a[3]", "a[3]") && is_named("a", "a"));
        assert!(!is_named("a[3]", "a") && !is_named("a[3].b", "a[]") && !is_named("a[1][2]", "a[]"));
    }

    #[test]
    fn a_place_is_that_of_all_arrays_of_its_length() {
        let names = ["n[0]", "n[1]", "sum[0]", "sum[1]", "sub[0][0]", "sub[0][1]", "sub[1][0]", "sub[1][1]"];
        let found = groups(&names, &[("n[]", 2)]).unwrap();
        assert_eq!(found.of, [0, 1, 0, 1, 0, 0, 1, 1].map(Some));
        let shown: Vec<_> = found.all.iter().map(|group| (group.at, &*group.shown)).collect();
        assert_eq!(shown, [(0, "n[0].shown"), (2, "n[1].shown")]);
        // Another length is another place.
        let names = ["n[0]", "n[1]", "k[0]", "k[1]", "k[2]"];
        assert_eq!(groups(&names, &[("n[]", 2)]), Err(DisclosureError::Uncovered("k[0]".into())));
        assert!(groups(&names, &[("n[]", 2), ("k[]", 2)]).is_ok());
        // The row is around all.
        let found = groups(&["n", "k[0]", "k[1]"], &[("n", 2), ("k[]", 3)]).unwrap();
        assert_eq!(found.of, [Some(0), Some(1), Some(2)]);
        assert_eq!(found.all.iter().map(|group| group.outer).collect::<Vec<_>>(), [None, Some(0), Some(0)]);
        assert_eq!(groups(&["n", "k[0]"], &[("k[]", 3)]), Err(DisclosureError::Uncovered("n".into())));
        let taken = groups(&["k[0]", "k[0].shown"], &[("k[]", 3)]);
        assert_eq!(taken, Err(DisclosureError::Taken("k[0].shown".into())));
    }

    #[test]
    fn what_is_in_a_suppressed_group_is_suppressed() {
        let found = groups(&["n", "k[0]", "k[1]"], &[("n", 2), ("k[]", 3)]).unwrap();
        // shown, n, k[0].shown, k[0], k[1].shown, k[1]
        let suppressed = |row: [i128; 6]| {
            (0..6).map(|place| u8::from(found.is_suppressed(&row, place))).collect::<Vec<_>>()
        };
        assert_eq!(suppressed([1, 2, 1, 3, 1, 4]), [0; 6]);
        assert_eq!(suppressed([1, 2, 0, 0, 1, 4]), [0, 0, 0, 1, 0, 0]);
        assert_eq!(suppressed([0; 6]), [0, 1, 1, 1, 1, 1]);
        assert_eq!(suppressed([0, 0, 1, 3, 1, 4]), [0, 1, 1, 1, 1, 1], "an outer one counts");
    }
}
