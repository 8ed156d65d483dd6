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
//! `approvals audit source --store approvals.db --request 0197…` names the rules and the people that were in force, by the digests of their texts;
//! with such a digest it prints the text.
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
//! Files that are not safe are refused: those that every user of the machine may write, a symbolic link in the place of a store, and
//! whatever is not a regular file. `--allow-world-writable` and `--allow-symbolic-link` accept the first two.
//!
//! What is printed has control, invisible and bidirectional characters made visible, also in JSON, where they are escaped. Only an
//! exported trail is written byte for byte, unless it goes to a terminal.
//!
//! Exit status: 0 when all is well, 1 when a file has mistakes, a trail a breach or a copy differs, 2 when it cannot be read or the command line is
//! wrong, 3 when nothing is wrong with a trail but that requests were removed, and it is not proven that retention removed them.

mod archive;
mod audit;
mod clean;
mod files;
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

use approval_core::checked_file::FileChecks;
use clap::{Parser, Subcommand};

use self::clean::Addresses;

/// All is well.
pub const FINE: u8 = 0;
/// A file has mistakes.
pub const MISTAKES: u8 = 1;
/// A file cannot be read, or the command line is wrong.
pub const UNUSABLE: u8 = 2;
/// Requests were removed from a trail that is sound otherwise, and nothing proves that retention removed them.
pub const UNPROVEN: u8 = 3;

#[derive(Debug, Parser)]
#[command(name = "approvals", version, about = "Human approval for the actions of AI agents")]
struct Arguments {
    #[command(flatten)]
    files: Files,
    #[command(subcommand)]
    command: Command,
}

/// What is accepted of files although it is not safe.
#[derive(Clone, Copy, Debug, clap::Args)]
struct Files {
    /// Accept stores, rules, keys and seals that every user of this machine may write
    #[arg(long, global = true)]
    allow_world_writable: bool,
    /// Accept a symbolic link in the place of a store
    #[arg(long, global = true)]
    allow_symbolic_link: bool,
}

impl Files {
    const fn checks(self) -> FileChecks {
        let checks = FileChecks::new();
        let checks = if self.allow_world_writable { checks.allow_world_writable() } else { checks };
        if self.allow_symbolic_link { checks.allow_symbolic_link() } else { checks }
    }
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

/// Whether the answer, and what is written for people meanwhile, go to a terminal.
#[derive(Clone, Copy, Debug)]
struct Terminals {
    out: Terminal,
    errors: Terminal,
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let (out, errors) = (io::stdout(), io::stderr());
    let terminals = Terminals { out: Terminal(out.is_terminal()), errors: Terminal(errors.is_terminal()) };
    ExitCode::from(run_at(terminals, std::env::args_os(), &mut out.lock(), &mut errors.lock()))
}

/// Runs a command line, name of the program first. Answers the exit status.
pub fn run(
    arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> u8 {
    run_at(Terminals { out: Terminal(false), errors: Terminal(false) }, arguments, out, errors)
}

fn run_at(
    terminals: Terminals,
    arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let addresses = Addresses::of(&arguments);
    // What a command says is cleaned as a whole: an address may be spread over parts of a message.
    let (mut answer, mut told) = (Vec::new(), Vec::new());
    let done = match Arguments::try_parse_from(&arguments) {
        Ok(Arguments { command, files }) => {
            let checks = files.checks();
            match command {
                Command::Policy(command) => policy::run(&command, checks, &mut answer, &mut told),
                Command::Audit(command) => {
                    audit::run(&command, checks, (terminals.out, &mut *out), &mut answer, &mut told)
                }
                Command::Stats(arguments) => stats::run(&arguments, checks, &mut answer, &mut told),
                Command::Store(command) => {
                    transfer::run(&command, checks, (terminals.errors, &mut *errors), &mut answer, &mut told)
                }
            }
        }
        // Help and the version come as errors too.
        Err(error) if error.use_stderr() => write!(told, "{error}").map(|()| UNUSABLE),
        Err(error) => write!(answer, "{error}").map(|()| FINE),
    };
    let written =
        clean::write(&answer, &addresses, out).and_then(|()| clean::write(&told, &addresses, errors));
    // Where nothing can be written, nothing can be reported either.
    written.and(done).unwrap_or(UNUSABLE)
}
