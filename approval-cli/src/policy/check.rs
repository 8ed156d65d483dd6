//! `approvals policy check`.

use std::{
    io::{self, Write},
    path::Path,
};

use approval_core::{
    checked_file::FileChecks,
    file::{ApprovalsFile, FileError},
    model::{address::shown_path, visible::neutral_line},
    policy::Rules,
};
use serde_json::json;

use super::{status, told};
use crate::{FINE, clean};

pub(super) fn run(
    file: &Path,
    checks: FileChecks,
    as_json: bool,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> io::Result<u8> {
    let name = shown_path(file);
    match ApprovalsFile::load_checked(file, checks) {
        Ok(loaded) => {
            let rules = loaded.policy.as_ref().map_or(0, Rules::count);
            let notes = loaded.policy.as_ref().map(Rules::notes).unwrap_or_default();
            if as_json {
                writeln!(
                    out,
                    "{}",
                    clean::json(&json!({ "file": name, "rules": rules, "notes": notes, "mistakes": [] }))?
                )?;
            } else {
                let word = if rules == 1 { "rule" } else { "rules" };
                writeln!(out, "{}: {rules} {word}, no mistakes", neutral_line(&name))?;
                for note in notes {
                    writeln!(out, "note: {}", neutral_line(note))?;
                }
            }
            Ok(FINE)
        }
        Err(error) => {
            match &error {
                FileError::Mistakes(mistakes) if as_json => {
                    let json = json!({ "file": name, "mistakes": mistakes.mistakes, "more": mistakes.more });
                    writeln!(out, "{}", clean::json(&json)?)?;
                }
                other if as_json => {
                    let json = json!({ "file": name, "error": other.to_string() });
                    writeln!(out, "{}", clean::json(&json)?)?;
                }
                other => writeln!(errors, "{}", told(other))?,
            }
            Ok(status(&error))
        }
    }
}
