//! `approvals.yaml`: one file with the rules, the people and the settings of a service.
//!
//! Its top-level keys are `policy`, `directory`, `server` and `channels`. The last two belong to the crates that serve and
//! reach people; here they may say anything.
//!
//! # Bounds
//!
//! What is more is a mistake that names the bound and the place.
//!
//! | of | at most |
//! |---|---|
//! | a file | 1 MB, 100,000 values, 32 levels |
//! | names in one list of people or actions, limits, members of a rotation, absences of a person, entries of a calendar | 1,000 |
//! | names and patterns of actions in all rules together, and patterns among them | 20,000 and 1,000 |
//! | requirements, stages of an escalation, options to reject | 100 of each |
//! | stretches of a day in hours of the week | 24 |
//! | channels, calendars and quiet hours of a person | 20 of each |
//! | members of all groups and roles together, where those of groups within groups count again | 250,000 |
//! | people who stand in for each other in a row | 100 |
//! | days of all calendars of holidays together | 100,000 |
//!
//! Groups and roles may have any number of members, and stand within each other to any depth.

mod people;
mod reload;
#[cfg(test)]
mod tests;
mod watched;

use std::{
    fmt,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    checked_file::{self, FileChecks},
    directory::file::Roster,
    model::{Source, address::shown_path},
    policy::{Policy, Rules},
    yaml::{Document, Fields, Mistakes, Place, SIZE_LIMIT},
};

pub use watched::{FileStatus, WatchedFile};

/// What a file says, checked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApprovalsFile {
    /// What messages call it.
    pub name: String,
    /// The rules, if it has any.
    pub policy: Option<Rules>,
    /// The people, if it has any: see [`FileDirectory`](crate::directory::file::FileDirectory).
    pub directory: Option<Roster>,
    /// Top-level keys that are there.
    sections: Vec<&'static str>,
}

/// Top-level keys.
const SECTIONS: [&str; 4] = ["policy", "directory", "server", "channels"];

/// Why a file could not be used. Its path is shown only if [it is plain](crate::model::address::is_plain_path).
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It could not be read.
    #[error("{} cannot be read: {source}", shown_path(path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It was read, and something is wrong with it.
    #[error("{0}")]
    Mistakes(#[from] Mistakes),
    /// It was read again, and does not mention what restricted calls before. It counts once that is written down.
    #[error("{}", reload::refusal(path, missing))]
    LeavesOut {
        /// The file.
        path: PathBuf,
        /// What is missing, each with the text that leaves it out on purpose, such as `limits: []`.
        missing: Vec<(String, String)>,
    },
}

impl fmt::Debug for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, source } => {
                f.debug_struct("Unreadable").field("path", &shown_path(path)).field("source", source).finish()
            }
            Self::Mistakes(mistakes) => f.debug_tuple("Mistakes").field(mistakes).finish(),
            Self::LeavesOut { path, missing } => f
                .debug_struct("LeavesOut")
                .field("path", &shown_path(path))
                .field("missing", missing)
                .finish(),
        }
    }
}

impl ApprovalsFile {
    /// Reads and checks a file. One that every user of the machine may write, and whatever is not a regular file, is
    /// refused ([`checked_file`]); a symbolic link is followed.
    ///
    /// # Errors
    /// When it cannot be read, or all that is wrong with it.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, FileError> {
        Self::load_checked(path, FileChecks::new())
    }

    /// Like [`load`](Self::load), where `checks` says what is accepted of the file although it is not safe.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_checked(path: impl AsRef<Path>, checks: FileChecks) -> Result<Self, FileError> {
        let path = path.as_ref();
        let bytes =
            read(path, checks).map_err(|source| FileError::Unreadable { path: path.to_owned(), source })?;
        Ok(Self::parse_bytes(&shown_path(path), &bytes)?)
    }

    /// Checks a text. `name` is what messages call it.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn parse(name: &str, text: &str) -> Result<Self, Mistakes> {
        let document = Document::parse(name, text)?;
        let root = document.root();
        let (mut policy, mut directory, mut sections) = (None, None, Vec::new());
        if root.is_empty() {
            root.wrong_with("says nothing", "write `policy:` and, below it, rules");
        } else if let Some(top) = root.map(&SECTIONS) {
            policy = top.given("policy").and_then(|section| Rules::read(&section));
            policy = policy.and_then(|rules| Some(rules.with_source(source(&top, "policy")?)));
            directory = top.given("directory").and_then(|section| Roster::read(&section));
            directory = directory.and_then(|roster| Some(roster.with_source(source(&top, "directory")?)));
            if let (Some(roster), Some(section)) = (&directory, top.optional("policy")) {
                roster.check_names(&section);
            }
            sections = SECTIONS.into_iter().filter(|key| top.key(key).is_some()).collect();
        }
        document.finish()?;
        Ok(Self { name: name.to_owned(), policy, directory, sections })
    }

    /// The text of the section `policy`.
    fn rules_source(&self) -> Option<Arc<Source>> {
        self.policy.as_ref().and_then(Policy::source)
    }

    /// The text of the section `directory`.
    fn people_source(&self) -> Option<Arc<Source>> {
        self.directory.as_ref().and_then(Roster::source)
    }

    /// Checks what was read from a file.
    fn parse_bytes(name: &str, bytes: &[u8]) -> Result<Self, Mistakes> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::parse(name, text),
            Err(error) => Err(not_text(name, bytes, error.valid_up_to())),
        }
    }
}

/// The text of a section.
fn source(top: &Fields<'_>, key: &str) -> Option<Source> {
    let text = top.text_of(key);
    if text.is_none() {
        top.item().wrong(format!("has no text for `{key}` that could be kept"));
    }
    text.map(Source::new)
}

/// Reads a file, but never much more than it may have.
pub(crate) fn read(path: &Path, checks: FileChecks) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(SIZE_LIMIT).unwrap_or(u64::MAX).saturating_add(1);
    checked_file::open(path, checks)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn not_text(name: &str, bytes: &[u8], at: usize) -> Mistakes {
    let good = String::from_utf8_lossy(bytes.get(..at).unwrap_or_default());
    let line = good.rsplit('\n').next().unwrap_or_default();
    let place = Place { line: good.matches('\n').count() + 1, column: line.chars().count() + 1, length: 1 };
    let message = match bytes.get(at) {
        Some(byte) => format!("byte 0x{byte:02x} is not UTF-8"),
        None => "ends in the middle of a character".to_owned(),
    };
    Mistakes::one(name, place, &message, "save the file as UTF-8", &format!("{line}\u{fffd}"))
}
