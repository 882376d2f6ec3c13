//! The program `sotto`: reads the command line, calls the libraries, prints what they return. See `sotto
//! --help`.

mod amounts;
mod args;
mod bridge;
mod commands;
mod config;
mod consent;
mod evidence_files;
mod exit;
mod local_time;
mod lock_wait;
mod memory;
mod new_file;
mod output;
mod parquet_file;
mod qr;
mod secret;
mod suggest;
mod ui;
mod validator_list;

use args::{Cli, Color, Command};
use clap::Parser;
use config::Config;
use exit::{Code, Failure, Outcome};
use output::Output;
use std::process::ExitCode;
use ui::{ErrorForm, Ui, Volume};

/// What every command needs: the settings, standard error and standard output.
struct Context {
    config: Config,
    ui: Ui,
    output: Output,
}

fn main() -> ExitCode {
    // Sources of jobs are compiled in a child process, which is this program.
    sotto_mpc::edge::compiler::serve_if_child();
    // So are Parquet files read.
    parquet_file::serve_if_child();
    // Known before the command line is parsed, because the parser's errors have the same form.
    let form = ErrorForm::of(std::env::args_os());
    std::panic::set_hook(Box::new(move |panic| {
        form.report(
            &Failure::new(Code::Internal, "internal error: this is a bug in sotto")
                .why(panic)
                .help("please report it, with the command that you ran"),
        );
    }));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return wrong_usage(&error, form),
    };
    match std::panic::catch_unwind(|| run(cli)) {
        Ok(Ok(())) => Code::Done.into(),
        Ok(Err(failure)) => {
            form.report(&failure);
            failure.code.into()
        }
        Err(_) => Code::Internal.into(),
    }
}

/// Prints what the parser has to say: an error, or the help or version that was asked for.
fn wrong_usage(error: &clap::Error, form: ErrorForm) -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let is_error = form == ErrorForm::Json && error.use_stderr();
    let failure =
        suggest::unknown_command(error, &arguments).or_else(|| is_error.then(|| usage_failure(error)));
    match failure {
        Some(failure) => {
            form.report(&failure);
            failure.code.into()
        }
        None => error.exit(),
    }
}

/// An error of the parser as a failure: its first paragraph says what is wrong, the rest how to use the verb.
fn usage_failure(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let (what, help) = text.split_once("\n\n").unwrap_or((&text, ""));
    let what = what.trim().trim_start_matches("error: ");
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    Failure::new(Code::Usage, words(what)).help(words(help))
}

fn run(cli: Cli) -> Outcome {
    let config = Config::load(&cli.global)?;
    match config.color.value {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    let volume = match (cli.global.quiet, cli.global.verbose) {
        (true, _) => Volume::Quiet,
        (_, true) => Volume::Verbose,
        _ => Volume::Normal,
    };
    let context = Context { config, ui: Ui { volume }, output: Output { json: cli.global.json } };
    match cli.command {
        Command::Demo(a) => commands::demo::run(&context, &a),
        Command::Chain(c) => commands::chain::run(&context, c),
        Command::Wallet(w) => commands::wallet::run(&context, &w),
        Command::Node(n) => commands::node::run(&context, n),
        Command::Net(n) => commands::net::run(&context, &n),
        Command::Mpc(m) => commands::mpc::run(&context, m, commands::sale::run),
        Command::Keys(k) => commands::keys::run(&context, k),
        Command::Audit(a) => commands::audit::run(&context, &a),
        Command::Tee(t) => commands::tee::run(&context, &t),
        Command::Dandelion(d) => commands::dandelion::run(&context, &d),
        Command::Speed(s) => commands::speed::run(&context, &s),
        Command::Config(c) => commands::config::run(&context, &c),
        Command::Generate(g) => commands::generate::run(&context, &g),
    }
}
