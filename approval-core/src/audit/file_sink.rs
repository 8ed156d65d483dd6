//! Seals in a file: JSON Lines, one seal a line, only ever appended to, synced.

use std::{
    fmt,
    fs::File,
    io::{BufRead, BufReader, Error, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use async_trait::async_trait;

use super::{Seal, SealRef, SealSink, SinkError};
use crate::{
    checked_file::{self, FileChecks},
    model::address::{NO_PATH, looks_like_address, shown_path},
};

/// Appends seals to a file. Several processes may share it: each write holds the lock of the file and leaves out what is
/// there already. A last line without its line break, left by a process that was killed while it wrote, is cut off first:
/// no caller was answered that it was kept.
///
/// A path that looks like the address of a database or a credential is refused, and not shown
/// ([`looks_like_address`](crate::model::address::looks_like_address)).
#[derive(Clone)]
pub struct FileSink {
    path: PathBuf,
    name: String,
    checks: FileChecks,
}

impl fmt::Debug for FileSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSink").field("path", &self.name).field("checks", &self.checks).finish()
    }
}

impl FileSink {
    /// Seals go to the file at `path`, which is made when first written. Let it lie where programs that can write the store cannot
    /// write.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { name: shown_path(&path).into_owned(), path, checks: FileChecks::new() }
    }

    /// What is accepted of the file although it is not safe. Unless set, a file that every user of the machine may write is
    /// neither written nor read.
    #[must_use]
    pub const fn file_checks(mut self, checks: FileChecks) -> Self {
        self.checks = checks;
        self
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All seals in the file, oldest first. A file that every user of the machine may write, and whatever is not a regular file,
    /// is refused ([`checked_file`]).
    ///
    /// # Errors
    /// When the file cannot be read or a line is no whole seal; the line is named.
    pub fn read(path: impl AsRef<Path>) -> Result<Vec<Seal>, SinkError> {
        Self::read_checked(path, FileChecks::new())
    }

    /// Like [`read`](Self::read), where `checks` says what is accepted of the file although it is not safe.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_checked(path: impl AsRef<Path>, checks: FileChecks) -> Result<Vec<Seal>, SinkError> {
        let path = path.as_ref();
        check_path(path)?;
        let file = checked_file::open(path, checks).map_err(|e| failed(path, "cannot be opened", e))?;
        let mut seals = Vec::new();
        for (number, line) in (1_u64..).zip(BufReader::new(file).lines()) {
            let line = line.map_err(|e| failed(path, "cannot be read", e))?;
            seals.push(Seal::parse(&line).map_err(|e| {
                SinkError::caused_by(format!("line {number} of {} is no seal", shown_path(path)), e)
            })?);
        }
        Ok(seals)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path, FileChecks) -> Result<T, SinkError> + Send + 'static,
    ) -> Result<T, SinkError> {
        check_path(&self.path)?;
        let (path, checks) = (self.path.clone(), self.checks);
        let work = tokio::task::spawn_blocking(move || work(&path, checks));
        work.await.map_err(|e| SinkError::caused_by("the write was broken off", e))?
    }
}

/// Makes sure that no address or credential becomes the name of a file.
fn check_path(path: &Path) -> Result<(), SinkError> {
    if looks_like_address(&path.to_string_lossy()) {
        return Err(SinkError::new(NO_PATH));
    }
    Ok(())
}

fn failed(path: &Path, what: &str, error: Error) -> SinkError {
    SinkError::caused_by(format!("the file of seals {} {what}", shown_path(path)), error)
}

/// The last whole line, and where it ends.
fn last_line(file: &mut File) -> std::io::Result<(Vec<u8>, u64)> {
    const STEP: u64 = 64 * 1024;
    let length = file.seek(SeekFrom::End(0))?;
    let mut tail: Vec<u8> = Vec::new();
    let mut from = length;
    loop {
        let step = from.min(STEP);
        from -= step;
        file.seek(SeekFrom::Start(from))?;
        let mut part = Vec::new();
        Read::by_ref(file).take(step).read_to_end(&mut part)?;
        part.append(&mut tail);
        tail = part;
        let mut breaks = tail.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
        let end = breaks.next();
        let start = breaks.next().map(|at| at + 1).or((from == 0).then_some(0));
        match (start, end) {
            (Some(start), Some(end)) => {
                let line =
                    tail.get(start..end).ok_or_else(|| Error::other("its lines cannot be distinguished"))?;
                return Ok((line.to_vec(), from + end as u64 + 1));
            }
            _ if from == 0 => return Ok((Vec::new(), 0)),
            _ => {}
        }
    }
}

fn last_seal(path: &Path, file: &mut File) -> Result<(Option<SealRef>, u64), SinkError> {
    let (line, end) = last_line(file).map_err(|e| failed(path, "cannot be read", e))?;
    // Nothing, or the beginning of a first line. An empty line at the end is no seal.
    if end == 0 {
        return Ok((None, end));
    }
    let seal = Seal::parse(&String::from_utf8_lossy(&line))
        .map_err(|e| SinkError::caused_by(format!("the last line of {} is no seal", shown_path(path)), e))?;
    Ok((Some(seal.reference()), end))
}

fn append(path: &Path, seals: &[Seal], checks: FileChecks) -> Result<(), SinkError> {
    let mut file =
        checked_file::open_to_append(path, checks).map_err(|e| failed(path, "cannot be opened", e))?;
    file.lock().map_err(|e| failed(path, "cannot be locked", e))?;
    let (last, end) = last_seal(path, &mut file)?;
    let length = file.metadata().map_err(|e| failed(path, "cannot be read", e))?.len();
    if length > end {
        file.set_len(end).map_err(|e| failed(path, "ends in half a line that cannot be cut off", e))?;
    }
    let last = last.map_or(0, |last| last.number);
    let mut text = String::new();
    for seal in seals.iter().filter(|seal| seal.header.number > last) {
        let line = seal.line().map_err(|e| SinkError::caused_by("a seal cannot be written as JSON", e))?;
        text.push_str(&line);
        text.push('\n');
    }
    file.write_all(text.as_bytes()).map_err(|e| failed(path, "cannot be written", e))?;
    file.sync_all().map_err(|e| failed(path, "cannot be synced", e))?;
    if let Some(folder) = path.parent().filter(|_| end == 0) {
        // A new file is there for good only when its folder is synced; where folders cannot be opened, nothing more can be done.
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if let Ok(folder) = File::open(folder) {
            folder.sync_all().map_err(|e| failed(path, "cannot be synced", e))?;
        }
    }
    Ok(())
}

#[async_trait]
impl SealSink for FileSink {
    fn name(&self) -> &str {
        &self.name
    }

    async fn last(&self) -> Result<Option<SealRef>, SinkError> {
        self.blocking(|path, checks| match checked_file::open(path, checks) {
            Ok(mut file) => {
                file.lock_shared().map_err(|e| failed(path, "cannot be locked", e))?;
                last_seal(path, &mut file).map(|(last, _)| last)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(path, "cannot be opened", error)),
        })
        .await
    }

    async fn write(&self, seals: &[Seal]) -> Result<(), SinkError> {
        let seals = seals.to_vec();
        self.blocking(move |path, checks| append(path, &seals, checks)).await
    }
}
