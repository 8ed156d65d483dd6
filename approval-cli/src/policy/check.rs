//! `approvals policy check`.

use std::{
    io::{self, Write},
    path::Path,
};

use approval_core::{
    file::{ApprovalsFile, FileError},
    policy::Rules,
};
use serde_json::json;

use super::status;
use crate::FINE;

pub(super) fn run(file: &Path, as_json: bool, out: &mut dyn Write, errors: &mut dyn Write) -> io::Result<u8> {
    let name = file.display();
    match ApprovalsFile::load(file) {
        Ok(loaded) => {
            let rules = loaded.policy.as_ref().map_or(0, Rules::count);
            let notes = loaded.policy.as_ref().map(Rules::notes).unwrap_or_default();
            if as_json {
                writeln!(
                    out,
                    "{}",
                    json!({ "file": name.to_string(), "rules": rules, "notes": notes, "mistakes": [] })
                )?;
            } else {
                let word = if rules == 1 { "rule" } else { "rules" };
                writeln!(out, "{name}: {rules} {word}, no mistakes")?;
                for note in notes {
                    writeln!(out, "note: {note}")?;
                }
            }
            Ok(FINE)
        }
        Err(error) => {
            match &error {
                FileError::Mistakes(mistakes) if as_json => {
                    writeln!(
                        out,
                        "{}",
                        json!({ "file": name.to_string(), "mistakes": mistakes.mistakes, "more": mistakes.more })
                    )?;
                }
                other if as_json => {
                    writeln!(out, "{}", json!({ "file": name.to_string(), "error": other.to_string() }))?;
                }
                other => writeln!(errors, "{other}")?,
            }
            Ok(status(&error))
        }
    }
}
