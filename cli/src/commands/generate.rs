//! `sotto generate`: completions and man pages, made from the one declaration of the command line.

use crate::{
    Context,
    args::{Cli, Generate, GenerateAll},
    exit::{Code, Failure, OrRefuse as _, Outcome},
    new_file::NewFile,
};
use clap::{CommandFactory, ValueEnum as _};
use clap_complete::{Generator as _, Shell};
use serde_json::json;
use std::fs;

pub(crate) fn run(context: &Context, command: &Generate) -> Outcome {
    match command {
        Generate::All(a) => all(context, a),
        Generate::Completions(c) => context.output.line(completions(c.shell).trim_end()),
        Generate::Man(m) => context.output.line(man(&find(&m.command)?)?.trim_end()),
    }
}

/// Writes every man page and every completion.
fn all(context: &Context, a: &GenerateAll) -> Outcome {
    let (pages, shells) = (a.folder.join("man/man1"), a.folder.join("completions"));
    let mut files = Vec::new();
    for (name, command) in every_command() {
        files.push((pages.join(format!("{name}.1")), man(&command)?));
    }
    for shell in Shell::value_variants() {
        files.push((shells.join(shell.file_name("sotto")), completions(*shell)));
    }
    let file = |path| NewFile::public(path, a.force, &context.config);
    files.iter().try_for_each(|(path, _)| file(path).check())?;
    for folder in [&pages, &shells] {
        fs::create_dir_all(folder).or_refuse(format!("cannot create {}", folder.display()))?;
    }
    files.iter().try_for_each(|(path, text)| file(path).write_all(text.as_bytes()))?;
    let fields = json!({ "folder": a.folder.display().to_string(), "files": files.len() });
    let human = format!("wrote {} files below {}", files.len(), a.folder.display());
    context.output.record("generated", fields, &human)
}

/// The program and all its commands, by the names of their man pages: `sotto`, `sotto-wallet`,
/// `sotto-wallet-send`.
fn every_command() -> Vec<(String, clap::Command)> {
    let mut found = Vec::new();
    let mut open = vec![("sotto".to_owned(), built())];
    while let Some((name, command)) = open.pop() {
        let verbs = command.get_subcommands().filter(|verb| verb.get_name() != "help");
        open.extend(verbs.map(|verb| (format!("{name}-{}", verb.get_name()), verb.clone())));
        found.push((name, command));
    }
    found
}

fn built() -> clap::Command {
    let mut root = Cli::command();
    root.build();
    root
}

fn completions(shell: Shell) -> String {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "sotto", &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

fn man(command: &clap::Command) -> Outcome<String> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn find(path: &[String]) -> Outcome<clap::Command> {
    let mut command = built();
    for name in path {
        let unknown = || {
            Failure::new(Code::Usage, format!("unknown command `sotto {}`", path.join(" ")))
                .help("`sotto help` lists the commands")
        };
        command = command.find_subcommand(name).ok_or_else(unknown)?.clone();
    }
    Ok(command)
}
