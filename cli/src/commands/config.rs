//! `sotto config`.

use crate::{Context, args, exit::Outcome};
use serde_json::json;

pub(crate) fn run(context: &Context, command: &args::Config) -> Outcome {
    let args::Config::Show(show) = command;
    let c = &context.config;
    let settings = [
        ("dir", c.dir.value.display().to_string(), c.dir.origin),
        ("state", c.state.value.display().to_string(), c.state.origin),
        ("color", format!("{:?}", c.color.value).to_lowercase(), c.color.origin),
        ("move", format!("{:?}", c.relocation.value).to_lowercase(), c.relocation.origin),
    ];
    let mut human = String::new();
    let mut fields = serde_json::Map::new();
    for (name, value, origin) in settings {
        let from = if show.origin { format!("  ({origin})") } else { String::new() };
        human += &format!("{name} = {value}{from}\n");
        fields.insert(name.into(), json!({ "value": value, "origin": origin }));
    }
    context.output.record("config", fields.into(), &human)
}
