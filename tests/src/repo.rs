//! The repository as text: for tests that hold it to its own rules.

use std::fs;
use std::path::{Path, PathBuf};

/// A text file of the repository.
#[derive(Debug, Clone)]
pub struct TextFile {
    /// Path from the top of the repository, with `/` between its parts.
    pub path: String,
    /// The whole content.
    pub text: String,
}

/// The top folder of the repository.
///
/// # Panics
/// If this package is not in a folder.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace").to_owned()
}

/// All UTF-8 files of the repository below `folder` (`""` for everything), ordered by path.
///
/// Read from the disk, not from git, so that a copy without history is held to the same rules. Left out: what
/// is built or left over by tools (`target`, `.git`, `mutants.out*`), and symbolic links.
///
/// # Panics
/// If a folder or a file cannot be read.
#[must_use]
pub fn files(folder: &str) -> Vec<TextFile> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let entry = entry.expect("an entry of a readable folder");
            let (path, kind) = (entry.path(), entry.file_type().expect("the kind of an entry"));
            let name = entry.file_name().to_string_lossy().into_owned();
            if kind.is_dir()
                && !matches!(name.as_str(), "target" | ".git")
                && !name.starts_with("mutants.out")
            {
                folders.push(path);
            } else if kind.is_file() && name != ".git" {
                let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                if let Ok(text) = String::from_utf8(bytes) {
                    let path = path.strip_prefix(&root).expect("found below the root").to_string_lossy();
                    found.push(TextFile { path: path.replace('\\', "/"), text });
                }
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// [`files`] that are Rust source.
///
/// # Panics
/// As [`files`].
#[must_use]
pub fn rust_files(folder: &str) -> Vec<TextFile> {
    let mut files = files(folder);
    files.retain(|file| file.path.ends_with(".rs"));
    files
}

/// What `cargo metadata` tells of each package of the workspace.
///
/// # Panics
/// If cargo cannot be run or does not understand the manifests.
#[must_use]
pub fn packages() -> Vec<serde_json::Value> {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    metadata["packages"].as_array().expect("cargo metadata lists packages").clone()
}
