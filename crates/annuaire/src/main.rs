//! The annuaire program: arguments, configuration, wiring, life cycle. The only room that reads the environment and the clock.
//!
//! Each command is a file of [`commands`]: its options and what it does. Beside them: where an installation is
//! ([`data_place`], [`stores`], [`survey`]), who publishes ([`publisher`], [`catch_up`], [`follower`]), and how the program talks
//! ([`exit`], [`progress`], [`amounts`]).

mod activation_right;
mod amounts;
mod catch_up;
mod certificates;
mod civil;
mod civil_register;
mod clock;
mod commands;
mod config;
mod copied_directory;
mod copies;
mod copy_origin;
mod data_place;
mod demo_cards;
mod demo_clock;
mod demo_directory;
mod demo_people;
mod demo_requests;
mod edition;
mod entity_names;
mod exit;
mod exports;
mod extractions;
mod failing;
mod files;
mod follower;
mod identity;
mod limits;
mod new_directory;
mod notifier;
mod operator_registration;
mod options;
mod page_key;
mod pki_directory;
mod portal;
mod priority;
mod progress;
mod published_files;
mod publisher;
mod registration;
mod registry;
mod renewal;
mod report;
mod revocation;
mod serve;
mod store_check;
mod store_export;
mod store_selection;
mod stores;
mod structure_search;
mod survey;
mod world;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use exit::Exit;
use options::GivenOptions;
use std::process::ExitCode;

/// The directory of health and social-care professionals: registry, log and FHIR publication.
#[derive(Parser)]
#[command(version, after_help = exit::CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(commands::demo::DemoArguments),
    Generate(commands::generate::GenerateArguments),
    Import(commands::import::ImportArguments),
    Export(commands::export::ExportArguments),
    Diff(commands::diff::DiffArguments),
    Mirror(Box<commands::mirror::MirrorArguments>),
    Serve(commands::serve::ServeArguments),
    Deliveries(commands::deliveries::DeliveriesArguments),
    Quarantine(commands::quarantine::QuarantineArguments),
    Undo(commands::undo::UndoArguments),
    Withdraw(commands::withdraw::WithdrawArguments),
    Receipt(commands::receipt::ReceiptArguments),
    Status(commands::status::StatusArguments),
    Doctor(commands::doctor::DoctorArguments),
    Rebuild(commands::rebuild::RebuildArguments),
    Verify(commands::verify::VerifyArguments),
    Key(commands::key::KeyArguments),
    Admin(commands::admin::AdminArguments),
    Adeli(commands::adeli::AdeliArguments),
    AuthorityFeed(Box<commands::authority_feed::AuthorityFeedArguments>),
    Pki(commands::pki::PkiArguments),
    CivilRegister(commands::civil_register::CivilRegisterArguments),
    Backup(commands::backup::BackupArguments),
    Restore(commands::restore::RestoreArguments),
    Config(commands::config::ConfigArguments),
    CheckStore(commands::check_store::CheckStoreArguments),
}

/// Several threads make millions of small strings during an import, where the allocator of the system spends a fifth of the
/// time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Ends the program as other programs end when who reads their output goes away (`annuaire status | head`): without a word.
fn end_with_the_reader() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |told| {
        let closed = |text: &String| text.starts_with("failed printing to stdout") && text.contains("os error 32");
        if told.payload().downcast_ref::<String>().is_some_and(closed) {
            // 128 and the number of the signal that ends others.
            std::process::exit(141);
        }
        usual(told);
    }));
}

fn main() -> ExitCode {
    end_with_the_reader();
    // The parser ends the program itself, with 2, when it does not understand.
    let matches = Arguments::command().get_matches();
    match run(&matches) {
        Ok(exit) => exit.into(),
        Err(e) => match e.downcast::<exit::InvalidValue>() {
            Ok(invalid) => Arguments::command().error(clap::error::ErrorKind::ValueValidation, invalid).exit(),
            Err(e) => exit::failed(&e).into(),
        },
    }
}

fn run(matches: &ArgMatches) -> anyhow::Result<Exit> {
    let arguments = Arguments::from_arg_matches(matches).unwrap_or_else(|e| e.exit());
    let given = matches.subcommand().map_or_else(|| GivenOptions::new(matches), |(_, command)| GivenOptions::new(command));
    match arguments.command {
        Command::Demo(arguments) => arguments.run(&given),
        Command::Generate(arguments) => arguments.run(),
        Command::Import(arguments) => arguments.run(&given),
        Command::Export(arguments) => arguments.run(),
        Command::Diff(arguments) => arguments.run(),
        Command::Mirror(arguments) => arguments.run(&given),
        Command::Serve(arguments) => arguments.run(&given),
        Command::Deliveries(arguments) => arguments.run(),
        Command::Quarantine(arguments) => arguments.run(),
        Command::Undo(arguments) => arguments.run(&given),
        Command::Withdraw(arguments) => arguments.run(&given),
        Command::Receipt(arguments) => arguments.run(),
        Command::Status(arguments) => arguments.run(),
        Command::Doctor(arguments) => arguments.run(&given),
        Command::Rebuild(arguments) => arguments.run(&given),
        Command::Verify(arguments) => arguments.run(&given),
        Command::Key(arguments) => arguments.run(),
        Command::Admin(arguments) => arguments.run(),
        Command::Adeli(arguments) => arguments.run(&given),
        Command::AuthorityFeed(arguments) => arguments.run(&given),
        Command::Pki(arguments) => arguments.run(),
        Command::CivilRegister(arguments) => arguments.run(),
        Command::Backup(arguments) => arguments.run(),
        Command::Restore(arguments) => arguments.run(),
        Command::Config(arguments) => arguments.run(),
        Command::CheckStore(arguments) => arguments.run(),
    }
}
