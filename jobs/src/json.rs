//! JSON whose members are kept in their order, and JSON in which no object names a member twice.
//!
//! Of two members of one name, one reader takes the first and another one the last. [`Members`] keeps both, so
//! that its user can refuse them; [`UniqueMembers`] refuses them at any depth.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

/// The members of an object, in their order; names may repeat.
pub(crate) struct Members<V>(pub(crate) Vec<(String, V)>);

impl<V> Members<V> {
    /// Whether two members have one name.
    fn repeats(&self) -> bool {
        let mut names = BTreeSet::new();
        !self.0.iter().all(|(name, _)| names.insert(name))
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Members<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder(PhantomData))
    }
}

struct InOrder<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for InOrder<V> {
    type Value = Members<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<V>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

/// A value that says everything once.
pub(crate) struct UniqueMembers(pub(crate) Value);

impl<'de> Deserialize<'de> for UniqueMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Unique).map(Self)
    }
}

struct Unique;

impl<'de> Visitor<'de> for Unique {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(UniqueMembers(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        let members = InOrder::<UniqueMembers>(PhantomData).visit_map(map)?;
        if members.repeats() {
            return Err(A::Error::custom("a member occurs twice"));
        }
        Ok(Value::Object(members.0.into_iter().map(|(name, UniqueMembers(value))| (name, value)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;

    #[test]
    fn a_value_is_read_as_it_is_or_not_at_all() {
        let text = "{\"a\":[1,-2,1.5,true,null,\"x\",{}],\"b\":{\"a\":1}}";
        let read = |text: &str| serde_json::from_str::<UniqueMembers>(text).map(|UniqueMembers(value)| value);
        assert_eq!(read(text).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        for twice in ["{\"a\":1,\"a\":1}", "[{\"a\":1,\"b\":2,\"\\u0061\":3}]", "{\"a\":{\"b\":1,\"b\":2}}"] {
            assert!(read(twice).is_err(), "{twice}");
        }
    }

    #[test]
    fn members_are_as_they_are_written() {
        let read = |text: &str| {
            let members = serde_json::from_str::<Members<Box<RawValue>>>(text).ok()?.0;
            Some(members.into_iter().map(|(name, value)| (name, value.get().to_owned())).collect::<Vec<_>>())
        };
        let line = " {\"a\":9007199254740993.50, \"b\" : \"x \\\"}, \\u0041\\\\\" ,\t\"a\":null,\"c\":-0.10e+5,\"d\":[1]}\r\n";
        let expected = [
            ("a", "9007199254740993.50"),
            ("b", "\"x \\\"}, \\u0041\\\\\""),
            ("a", "null"),
            ("c", "-0.10e+5"),
            ("d", "[1]"),
        ];
        assert_eq!(read(line).unwrap(), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(read("{ }"), Some(vec![]));
        for bad in [
            "",
            "[1]",
            "1",
            "{",
            "{}}",
            "{} {}",
            "{a:1}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\":01}",
            "{\"a\":+1}",
            "{\"a\":.5}",
            "{\"a\":NaN}",
            "{\"a\":1 2}",
            "{\"a\":1}x",
            "{\"a\" 1}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"b}",
            "{\"a\":1 \"b\":2}",
            "{,}",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
