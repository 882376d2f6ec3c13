//! The entry of a job file that names the program: built in, a source, or a circuit file.
//!
//! ```toml
//! [program]                                 [program]                          [program]
//! builtin = "top_k@1"                       garble = "program.garble.rs"       bristol = "adder64.txt"
//! parameters = { k = 3, … }                 parameters = { "P::ROWS" = 9 }     input_parties = ["north", "south"]
//! ```
//!
//! The parameters of a source are its constants. `input_parties` assigns each parameter of `main`, or each
//! input value of the circuit, to a party; without it, each has its own `[[input]]`, in order.

use std::collections::BTreeMap;
use std::io;

use serde::Deserialize;
use sotto_mpc::circuit::language::Compile;

use crate::builtins::Builtin;
use crate::circuits::BristolFunctionality;
use crate::circuits::{GarbleFunctionality, GarbleOptions};
use crate::job::{Parameter, Value};
use crate::multiparty::{self, Parameters};
use crate::program::Computation;
use crate::text::Line;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProgramEntry {
    builtin: Option<String>,
    garble: Option<String>,
    bristol: Option<String>,
    #[serde(default)]
    parameters: toml::Table,
    #[serde(default)]
    input_parties: Vec<String>,
}

impl ProgramEntry {
    /// The program and its options, in the form that the job pins. `input_parties` are those of the [[input]]
    /// entries; `compiler` compiles a source, and `read` gives the text of a file beside the job.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(crate) fn build(
        &self,
        input_parties: &[&str],
        compiler: &dyn Compile,
        read: impl FnOnce(&str) -> io::Result<String>,
    ) -> Result<(Computation, Vec<Parameter>), String> {
        let mut options = record(&self.parameters, 0)?;
        let text = |file: &str| read(file).map_err(|e| format!("{file} cannot be read: {e}"));
        let program = match (&self.builtin, &self.garble, &self.bristol) {
            (Some(name), None, None) if self.input_parties.is_empty() => {
                let program = Builtin::new(name, &program_parameters(&options));
                Computation::Builtin(program.map_err(|e| e.to_string())?)
            }
            (Some(_), None, None) => {
                return Err(
                    "a built-in program has an [[input]] for each input party, and no `input_parties`"
                        .to_owned(),
                );
            }
            (None, Some(file), None) => {
                let constants = constants(&options)?;
                let given = GarbleOptions {
                    constants,
                    parties: self.places(input_parties)?,
                    ..GarbleOptions::default()
                };
                let program = GarbleFunctionality::new(&text(file)?, &given, compiler);
                Computation::Garble(program.map_err(|e| format!("{file}: {e}"))?)
            }
            (None, None, Some(file)) if options.is_empty() => {
                let program = BristolFunctionality::new(&text(file)?, &self.places(input_parties)?);
                Computation::Bristol(program.map_err(|e| format!("{file}: {e}"))?)
            }
            (None, None, Some(_)) => return Err("a circuit has no parameters".to_owned()),
            _ => return Err("the program must be one of `builtin`, `garble` and `bristol`".to_owned()),
        };
        options.extend(self.pinned_input_parties()?);
        Ok((program, options))
    }

    /// The places of `input_parties` among those of the [[input]] entries.
    fn places(&self, input_parties: &[&str]) -> Result<Vec<usize>, String> {
        let place = |name: &String| {
            let place = input_parties.iter().position(|input_party| input_party == name);
            place.ok_or_else(|| format!("`input_parties` names {name}, who has no [[input]]"))
        };
        self.input_parties.iter().map(place).collect()
    }

    /// `input_parties` as an option, if they were given.
    fn pinned_input_parties(&self) -> Result<Option<Parameter>, String> {
        let text = |text: &str| Line::new(text).map_err(|e| e.to_string());
        let names = self.input_parties.iter().map(|name| text(name).map(Value::Text));
        let value = Value::List(names.collect::<Result<_, _>>()?);
        let name = text("owners")?;
        Ok((!self.input_parties.is_empty()).then_some(Parameter { name, value }))
    }
}

/// Parameters that are a source's constants.
fn constants(parameters: &[Parameter]) -> Result<BTreeMap<String, i128>, String> {
    let constant = |Parameter { name, value }: &Parameter| match value {
        Value::Number(number) => Ok((name.to_string(), *number)),
        _ => Err(format!("the constant \"{name}\" must be a whole number; a bool is 0 or 1")),
    };
    parameters.iter().map(constant).collect()
}

/// A TOML table as options of a program.
fn record(table: &toml::Table, depth: usize) -> Result<Vec<Parameter>, String> {
    let entry = |(name, given): (&String, &toml::Value)| {
        let text = Line::new(name).map_err(|e| format!("the parameter \"{name}\": {e}"))?;
        Ok(Parameter { name: text, value: value(name, given, depth)? })
    };
    table.iter().map(entry).collect()
}

fn value(name: &str, given: &toml::Value, depth: usize) -> Result<Value, String> {
    if depth > 2 {
        return Err(format!("the parameter \"{name}\" is nested too deep"));
    }
    Ok(match given {
        toml::Value::Integer(number) => Value::Number((*number).into()),
        toml::Value::String(text) => {
            Value::Text(Line::new(text).map_err(|e| format!("the parameter \"{name}\": {e}"))?)
        }
        toml::Value::Array(list) => {
            Value::List(list.iter().map(|item| value(name, item, depth + 1)).collect::<Result<_, _>>()?)
        }
        toml::Value::Table(table) => Value::Record(record(table, depth + 1)?),
        _ => {
            return Err(format!(
                "the parameter \"{name}\" must be a whole number, a text, a list or a table"
            ));
        }
    })
}

/// GarbleOptions of a program, as it takes them.
fn program_parameters(record: &[Parameter]) -> Parameters {
    record.iter().map(|Parameter { name, value }| (name.to_string(), program_parameter(value))).collect()
}

fn program_parameter(value: &Value) -> multiparty::Parameter {
    match value {
        Value::Number(number) => multiparty::Parameter::Number(*number),
        Value::Text(text) => multiparty::Parameter::Text(text.to_string()),
        Value::List(list) => multiparty::Parameter::List(list.iter().map(program_parameter).collect()),
        Value::Record(record) => multiparty::Parameter::Record(program_parameters(record)),
    }
}
