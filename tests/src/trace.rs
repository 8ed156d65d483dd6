//! What a process asked of the system, as `strace -f -y` tells it.

use std::{
    collections::HashMap,
    path::Path,
    process::{Command, Output, Stdio},
};

/// One call of the system. Moments are line numbers of the trace.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// The file behind its first argument.
    pub file: String,
    /// All its arguments, as they are written in the trace.
    pub arguments: String,
    /// When it was begun.
    pub begun: usize,
    /// When it returned, and whether it succeeded. `None`: the trace ends before.
    pub ended: Option<(usize, bool)>,
}

impl Call {
    /// Whether it succeeded between two moments.
    #[must_use]
    pub fn done_within(&self, from: usize, to: usize) -> bool {
        self.begun > from && matches!(self.ended, Some((end, true)) if end < to)
    }
}

/// Runs a program under strace, which writes the calls named in `calls` to `trace`.
///
/// # Panics
/// If strace is missing, may not trace, or the program fails.
#[must_use]
pub fn run(program: &str, arguments: &[String], calls: &str, trace: &Path) -> Output {
    let output = Command::new("strace")
        // Buffers of a page and more are written whole: what they hold tells to whom they belong.
        .args(["-f", "-y", "-q", "-s", "8192", "-e", &format!("trace={calls}"), "-e", "signal=none", "-o"])
        .arg(trace)
        .arg(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| {
            panic!("strace cannot be started ({error}): install it (Debian: apt-get install strace), as tests/run does")
        });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !(said.contains("ptrace") && said.contains("not permitted")),
        "this machine forbids ptrace, so it cannot be seen what is synced; run this test where strace may trace \
         (in a container: with the capability SYS_PTRACE): {said}"
    );
    assert!(output.status.success(), "{program} under strace ended with {}: {said}", output.status);
    output
}

/// Reads a trace.
///
/// # Panics
/// If it cannot be read.
#[must_use]
pub fn read(trace: &Path) -> Vec<Call> {
    let bytes = std::fs::read(trace).unwrap_or_else(|error| panic!("{}: {error}", trace.display()));
    calls(&String::from_utf8_lossy(&bytes))
}

fn calls(text: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let mut unfinished: HashMap<&str, usize> = HashMap::new();
    for (at, line) in text.lines().enumerate() {
        let Some((process, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        if rest.starts_with("<... ") {
            if let Some(call) = unfinished.remove(process).and_then(|number| calls.get_mut(number)) {
                call.ended = Some((at, succeeded(rest)));
            }
            continue;
        }
        let Some((name, arguments)) = rest.split_once('(') else { continue };
        let file =
            arguments.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(file, _)| file);
        let going_on = arguments.ends_with("<unfinished ...>");
        calls.push(Call {
            name: name.to_owned(),
            file: file.to_owned(),
            arguments: arguments.to_owned(),
            begun: at,
            ended: (!going_on).then(|| (at, succeeded(arguments))),
        });
        if going_on {
            unfinished.insert(process, calls.len() - 1);
        }
    }
    calls
}

/// Whether the result, after the last equals sign, is no error.
fn succeeded(line: &str) -> bool {
    line.rsplit_once(" = ")
        .is_some_and(|(_, result)| result.starts_with(|first: char| first.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interrupted_calls_are_put_together_again() {
        let text = "\
            7 pwrite64(9</tmp/a.db-wal>, \"x\\0\", 2, 32) = 2\n\
            7 fdatasync(9</tmp/a.db-wal> <unfinished ...>\n\
            8 write(1<pipe:[5]>, \"done k\\n\", 7) = 7\n\
            7 <... fdatasync resumed>)          = 0\n\
            8 fdatasync(9</tmp/a.db-wal>) = -1 EIO (Input/output error)\n\
            8 write(1<pipe:[5]>, \"end\\n\", 4 <unfinished ...>\n";
        let calls = calls(text);
        let told: Vec<_> = calls
            .iter()
            .map(|call| (call.name.as_str(), call.file.as_str(), call.begun, call.ended))
            .collect();
        assert_eq!(
            told,
            [
                ("pwrite64", "/tmp/a.db-wal", 0, Some((0, true))),
                ("fdatasync", "/tmp/a.db-wal", 1, Some((3, true))),
                ("write", "pipe:[5]", 2, Some((2, true))),
                ("fdatasync", "/tmp/a.db-wal", 4, Some((4, false))),
                ("write", "pipe:[5]", 5, None),
            ]
        );
        assert!(calls[1].done_within(0, 4) && !calls[1].done_within(0, 3) && !calls[3].done_within(0, 9));
    }
}
