//! The file in which bodies leave their mark: what they would do to the world outside.

use std::{
    collections::HashMap,
    fs::OpenOptions,
    io::{self, Write},
    path::{Path, PathBuf},
};

use approval_core::RequestId;

/// One line for every run of a body, synced before the body goes on.
#[derive(Clone, Debug)]
pub struct Bodies(PathBuf);

impl Bodies {
    /// In this file.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// A body runs for this request.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn mark(&self, request: RequestId) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).open(&self.0)?;
        file.write_all(format!("{request}\n").as_bytes())?;
        file.sync_all()
    }

    /// How often a body ran for each request.
    ///
    /// # Panics
    /// If the file cannot be read.
    #[must_use]
    pub fn runs(&self) -> HashMap<RequestId, usize> {
        let text = match std::fs::read_to_string(&self.0) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => panic!("{}: {error}", self.0.display()),
        };
        let mut runs = HashMap::new();
        for line in text.lines() {
            let id: RequestId = line.parse().unwrap_or_else(|error| panic!("{line:?}: {error}"));
            *runs.entry(id).or_default() += 1;
        }
        runs
    }
}
