//! Files are checked before they are used: rules, keys, copies of seals, stores.
//!
//! A file that every user of the machine may write proves nothing, a symbolic link in the place of a store leads to a file
//! that another user chose, and a FIFO blocks its reader. Such files are refused; [`FileChecks`] allows the first two.
//!
//! Checked are the permissions of the file itself (on Unix). Access lists and the permissions of its directory are not looked at.
//! A file that its group may write is accepted: many systems create files that way, and a group is what its administrator makes of it.

use std::{
    fs::{File, Metadata, OpenOptions},
    io::{Error, ErrorKind, Read, Result},
    path::Path,
};

/// What is accepted of a file although it is not safe; nothing unless set.
///
/// ```
/// use approval_core::checked_file::FileChecks;
///
/// let checks = FileChecks::new().allow_world_writable();
/// assert!(checks.world_writable_allowed() && !checks.symbolic_link_allowed());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileChecks {
    world_writable: bool,
    symbolic_link: bool,
}

impl FileChecks {
    /// Accepts nothing unsafe.
    #[must_use]
    pub const fn new() -> Self {
        Self { world_writable: false, symbolic_link: false }
    }

    /// Accepts a file that every user of the machine may write: for file systems without permissions, such as some mounts of
    /// containers, where every file has mode 0777.
    #[must_use]
    pub const fn allow_world_writable(mut self) -> Self {
        self.world_writable = true;
        self
    }

    /// Accepts a symbolic link in the place of a store. Files that are only read may be links in any case, as Kubernetes mounts
    /// them; then the file that the link leads to is checked.
    #[must_use]
    pub const fn allow_symbolic_link(mut self) -> Self {
        self.symbolic_link = true;
        self
    }

    /// What either of the two accepts.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self {
            world_writable: self.world_writable || other.world_writable,
            symbolic_link: self.symbolic_link || other.symbolic_link,
        }
    }

    /// Whether a file may be writable by every user.
    #[must_use]
    pub const fn world_writable_allowed(self) -> bool {
        self.world_writable
    }

    /// Whether a store may be a symbolic link.
    #[must_use]
    pub const fn symbolic_link_allowed(self) -> bool {
        self.symbolic_link
    }
}

/// Why a file is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnsafeFile {
    /// Reading it may block, or never end.
    #[error("it is {0}, not a regular file; name a regular file")]
    NotRegular(&'static str),
    /// Where a file must be itself.
    #[error(
        "it is a symbolic link, and who made the link chooses the file; name the file that it leads to, or allow symbolic links"
    )]
    SymbolicLink,
    /// Anybody could have written what is in it.
    #[error(
        "every user of this machine may write it (mode {mode:04o}); remove that permission (chmod o-w), or allow files that \
         everybody may write"
    )]
    WorldWritable {
        /// Its permissions.
        mode: u32,
    },
    /// Another file was put in its place.
    #[error("it was replaced while it was opened; check who may write its directory")]
    Replaced,
}

impl From<UnsafeFile> for Error {
    fn from(error: UnsafeFile) -> Self {
        Self::new(ErrorKind::InvalidInput, error)
    }
}

/// Tells whether a path still leads to the same file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileIdentity(Option<(u64, u64)>);

/// Checks the file at `path` without opening it: for files that another library opens. A symbolic link is refused unless
/// allowed.
///
/// # Errors
/// When there is none, it cannot be looked at, or is [unsafe](UnsafeFile).
pub fn check(path: &Path, checks: FileChecks) -> Result<FileIdentity> {
    let mut found = path.symlink_metadata()?;
    if found.is_symlink() {
        if !checks.symbolic_link {
            return Err(UnsafeFile::SymbolicLink.into());
        }
        found = path.metadata()?;
    }
    inspect(&found, checks)?;
    Ok(identity(&found))
}

/// Opens a file for reading. Symbolic links are followed; the file that they lead to is checked, before it is opened and once
/// more as it was opened, so that nothing can be put in its place in between. A FIFO is refused without waiting for a writer.
///
/// # Errors
/// When it cannot be opened, or is [unsafe](UnsafeFile).
pub fn open(path: &Path, checks: FileChecks) -> Result<File> {
    // Opening a device may already act on it.
    inspect(&path.metadata()?, checks)?;
    let file = never_blocking(OpenOptions::new().read(true)).open(path)?;
    inspect(&file.metadata()?, checks)?;
    Ok(file)
}

/// Opens a file for reading and appending, and makes it if there is none; checked as by [`open`].
///
/// # Errors
/// As [`open`].
pub fn open_to_append(path: &Path, checks: FileChecks) -> Result<File> {
    match path.metadata() {
        Ok(found) => inspect(&found, checks)?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let file = never_blocking(OpenOptions::new().read(true).append(true).create(true)).open(path)?;
    inspect(&file.metadata()?, checks)?;
    Ok(file)
}

/// Reads a file of at most `limit` bytes; checked as by [`open`].
///
/// # Errors
/// As [`open`], when it is larger, and when it is not UTF-8.
pub fn read_text(path: &Path, limit: u64, checks: FileChecks) -> Result<String> {
    let mut text = String::new();
    let read = open(path, checks)?.take(limit.saturating_add(1)).read_to_string(&mut text)?;
    if u64::try_from(read).is_ok_and(|read| read <= limit) {
        return Ok(text);
    }
    Err(Error::new(ErrorKind::FileTooLarge, format!("it has more than {limit} bytes; is it the right file?")))
}

/// A FIFO in the file's place answers at once. Of regular files the flag changes nothing.
fn never_blocking(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, libc::O_NONBLOCK | libc::O_NOCTTY);
    options
}

fn inspect(found: &Metadata, checks: FileChecks) -> std::result::Result<(), UnsafeFile> {
    if !found.is_file() {
        return Err(UnsafeFile::NotRegular(kind(found)));
    }
    #[cfg(unix)]
    {
        const WRITABLE_BY_OTHERS: u32 = 0o002;
        let mode = std::os::unix::fs::MetadataExt::mode(found) & 0o7777;
        if mode & WRITABLE_BY_OTHERS != 0 && !checks.world_writable {
            return Err(UnsafeFile::WorldWritable { mode });
        }
    }
    #[cfg(not(unix))]
    let _ = checks;
    Ok(())
}

fn kind(found: &Metadata) -> &'static str {
    if found.is_dir() {
        return "a directory";
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        let found = found.file_type();
        if found.is_fifo() {
            return "a FIFO";
        }
        if found.is_socket() {
            return "a socket";
        }
        if found.is_char_device() || found.is_block_device() {
            return "a device";
        }
    }
    "something else"
}

#[cfg(unix)]
fn identity(found: &Metadata) -> FileIdentity {
    use std::os::unix::fs::MetadataExt as _;
    FileIdentity(Some((found.dev(), found.ino())))
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> FileIdentity {
    FileIdentity(None)
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
