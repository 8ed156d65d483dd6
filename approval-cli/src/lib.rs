//! The command `approvals`: a thin shell around what the libraries do.
//!
//! ```console
//! $ approvals policy check approvals.yaml
//! approvals.yaml: 7 rules, no mistakes
//! $ approvals policy test approvals.yaml --action payments.refund --args '{"cents": 9900}' --cost-usd 99
//! ask: refunds
//! …
//! ```
//!
//! `approvals policy suggest approvals.yaml --store approvals.db` reads which actions people always approved, and proposes rules
//! for them, as a diff to the file with the numbers.
//!
//! `approvals audit verify --store approvals.db --key seal.pub --seals seals.jsonl` holds the audit trail against its seals.
//!
//! `approvals stats --store approvals.db --from 2026-01-01 --by action,approver` shows what is pending, how requests were decided, and how
//! long people took.
//!
//! `approvals store copy sqlite:old.db postgres://agents@db.example.com/agents` moves everything to another store and makes sure that the two are equal;
//! `approvals store verify` compares them once more.
//!
//! `approvals store archive postgres://agents@db.example.com/agents --before 2026-01-01` puts decided requests away, into partitions by month.
//!
//! `approvals store halt approvals.db --by user:olga@example.com --reason "…"` halts every namespace of a store, and `approvals store resume`
//! lifts that. `approvals store clock approvals.db` compares the clock with the latest moment that the store gave out, and confirms it.
//!
//! A store is named by a URL: `sqlite:PATH`, a path alone, or `postgres://user@host/database`. Commands that only look make neither a file nor
//! tables, and no password is shown.
//!
//! Exit status: 0 when all is well, 1 when a file has mistakes, a trail a breach or a copy differs, 2 when it cannot be read or the command line is wrong.

mod archive;
mod audit;
mod operate;
mod policy;
mod stats;
mod store;
mod transfer;

use std::{
    ffi::OsString,
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

/// All is well.
pub const FINE: u8 = 0;
/// A file has mistakes.
pub const MISTAKES: u8 = 1;
/// A file cannot be read, or the command line is wrong.
pub const UNUSABLE: u8 = 2;

#[derive(Debug, Parser)]
#[command(name = "approvals", version, about = "Human approval for the actions of AI agents")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the file with the rules, and ask what it says about a call
    #[command(subcommand)]
    Policy(policy::Command),
    /// Verify, export and prune the audit trail
    #[command(subcommand)]
    Audit(audit::Command),
    /// Show what is pending, how requests were decided, and how long people took
    Stats(stats::Arguments),
    /// Copy a store to another one, compare two, put old requests away, halt all of a store, and confirm its clock
    #[command(subcommand)]
    Store(transfer::Command),
}

/// Whether what is written for people to read goes to a terminal, where a line can be drawn again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal(bool);

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let errors = io::stderr();
    let terminal = Terminal(errors.is_terminal());
    ExitCode::from(run_at(terminal, std::env::args_os(), &mut io::stdout().lock(), &mut errors.lock()))
}

/// Runs a command line, name of the program first. Answers the exit status.
pub fn run(
    arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> u8 {
    run_at(Terminal(false), arguments, out, errors)
}

fn run_at(
    terminal: Terminal,
    arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> u8 {
    let done = match Arguments::try_parse_from(arguments) {
        Ok(Arguments { command: Command::Policy(command) }) => policy::run(&command, out, errors),
        Ok(Arguments { command: Command::Audit(command) }) => audit::run(&command, out, errors),
        Ok(Arguments { command: Command::Stats(arguments) }) => stats::run(&arguments, out, errors),
        Ok(Arguments { command: Command::Store(command) }) => transfer::run(&command, terminal, out, errors),
        // Help and the version come as errors too.
        Err(error) if error.use_stderr() => write!(errors, "{error}").map(|()| UNUSABLE),
        Err(error) => write!(out, "{error}").map(|()| FINE),
    };
    // Where nothing can be written, nothing can be told either.
    done.unwrap_or(UNUSABLE)
}
