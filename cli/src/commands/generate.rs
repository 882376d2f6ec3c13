//! `sotto generate`: completions and manual pages, made from the command line's one declaration.

use crate::{
    Context,
    args::{Cli, Generate},
    exit::{Code, Failure, Outcome},
};
use clap::CommandFactory;

pub(crate) fn run(context: &Context, command: &Generate) -> Outcome {
    let mut text = Vec::new();
    match command {
        Generate::Completions(c) => clap_complete::generate(c.shell, &mut Cli::command(), "sotto", &mut text),
        Generate::Man(m) => clap_mangen::Man::new(verb(&m.verb)?).render(&mut text)?,
    }
    context.output.line(String::from_utf8_lossy(&text).trim_end())
}

fn verb(path: &[String]) -> Outcome<clap::Command> {
    let mut root = Cli::command();
    root.build();
    let mut command = root;
    for name in path {
        let unknown = || Failure::new(Code::Usage, format!("there is no verb `{}`", path.join(" ")));
        command = command.find_subcommand(name).ok_or_else(unknown)?.clone();
    }
    Ok(command)
}
