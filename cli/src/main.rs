//! `sotto`: the hands and the mouth of the library. See `sotto --help`.

mod args;
mod bridge;
mod commands;
mod config;
mod exit;
mod memory;
mod output;
mod qr;
mod secret;
mod ui;

use args::{Cli, Color, Command};
use clap::Parser;
use config::Config;
use exit::{Code, Failure, Outcome};
use output::Output;
use std::process::ExitCode;
use ui::{Ui, Volume};

/// What every command is given.
struct Context {
    config: Config,
    ui: Ui,
    output: Output,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    std::panic::set_hook(Box::new(|panic| {
        ui::report(
            &Failure::new(Code::Internal, "this is a defect in sotto")
                .why(panic)
                .advice("Please report it with the command you gave."),
        );
    }));
    match std::panic::catch_unwind(|| run(cli)) {
        Ok(Ok(())) => Code::Done.into(),
        Ok(Err(failure)) => {
            ui::report(&failure);
            failure.code.into()
        }
        Err(_) => Code::Internal.into(),
    }
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
        Command::Mpc(m) => commands::mpc::run(&context, m),
        Command::Dandelion(d) => commands::dandelion::run(&context, &d),
        Command::Speed(s) => commands::speed::run(&context, &s),
        Command::Config(c) => commands::config::run(&context, &c),
        Command::Generate(g) => commands::generate::run(&context, &g),
    }
}
