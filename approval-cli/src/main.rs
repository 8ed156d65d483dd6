//! The command `approvals`.

use std::process::ExitCode;

fn main() -> ExitCode {
    approval_cli::main()
}
