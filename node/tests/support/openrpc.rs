//! docs/openrpc.json, and a validator for the schemas in it.

use serde_json::{Value, json};
use std::{collections::BTreeSet, fs};

/// The document.
pub(crate) struct Document(Value);

impl Document {
    /// Reads it from the repository.
    pub(crate) fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openrpc.json");
        Self(serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
    }

    /// Its methods.
    pub(crate) fn methods(&self) -> &[Value] {
        self.0["methods"].as_array().unwrap()
    }

    /// The reusable parts.
    pub(crate) fn components(&self) -> &Value {
        &self.0["components"]
    }

    /// A schema or error, with its reference resolved.
    pub(crate) fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(path) => self.0.pointer(path.strip_prefix('#').unwrap()).unwrap(),
            None => schema,
        }
    }

    /// Whether a value matches a schema. Handles every keyword that the document uses.
    pub(crate) fn fits(&self, schema: &Value, value: &Value) -> bool {
        let schema = self.resolved(schema);
        if let Some(any) = schema["oneOf"].as_array() {
            return any.iter().filter(|s| self.fits(s, value)).count() == 1;
        }
        let bound = |name: &str, or: u64| schema[name].as_u64().unwrap_or(or);
        match schema["type"].as_str().unwrap() {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "integer" => {
                value.as_u64().is_some_and(|n| n >= bound("minimum", 0) && n <= bound("maximum", u64::MAX))
            }
            "string" => value.as_str().is_some_and(|s| {
                let length = s.len() as u64;
                let hex = schema["format"] != "hex" || s.bytes().all(|b| b"0123456789abcdef".contains(&b));
                let listed = schema["enum"].as_array().is_none_or(|all| all.contains(value));
                hex && listed && length >= bound("minLength", 0) && length <= bound("maxLength", u64::MAX)
            }),
            "array" => value.as_array().is_some_and(|all| {
                all.len() as u64 <= bound("maxItems", u64::MAX)
                    && all.iter().all(|v| self.fits(&schema["items"], v))
            }),
            "object" => value.as_object().is_some_and(|found| {
                let properties = schema["properties"].as_object().unwrap();
                let names: BTreeSet<_> = properties.keys().collect();
                assert_eq!(schema["required"].as_array().unwrap().len(), properties.len());
                assert_eq!(schema["additionalProperties"], false);
                found.keys().collect::<BTreeSet<_>>() == names
                    && properties.iter().all(|(n, s)| self.fits(s, &found[n]))
            }),
            other => panic!("the test does not know the type {other}"),
        }
    }

    /// A parameter that is missing, of another type, or unknown is refused.
    pub(crate) fn refuses_others(&self, params: &[Value], given: &Value, refused: &dyn Fn(Value) -> bool) {
        let with = |field: &str, value: Value| {
            let mut given = given.clone();
            given[field] = value;
            given
        };
        assert!(refused(with("nobody draws this", json!(0))));
        for p in params {
            assert_eq!(p["required"], true);
            let field = p["name"].as_str().unwrap();
            let mut less = given.clone();
            less.as_object_mut().unwrap().remove(field);
            assert!(refused(less));
            for wrong in
                [json!(null), json!(-1), json!(1.5), json!([]), json!(true), json!("zz"), json!("0g")]
            {
                assert!(!self.fits(&p["schema"], &wrong));
                assert!(refused(with(field, wrong)), "{field}");
            }
        }
    }
}
