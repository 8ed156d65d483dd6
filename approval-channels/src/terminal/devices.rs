//! What a terminal reads from and writes to, and what these can do.

use std::ffi::OsStr;
use std::io::{self, BufRead, IsTerminal as _, Write};
#[cfg(unix)]
use std::os::fd::{AsFd, OwnedFd};

use super::input::{Input, Source, line};
use super::session::Width;

/// Input and output, before they are put to use.
pub(super) struct Devices {
    pub(super) source: Source,
    pub(super) writer: Box<dyn Write + Send>,
    pub(super) colour: bool,
    pub(super) width: Width,
}

impl Devices {
    /// A reader whose every line counts, and a writer that may be a file.
    pub(super) fn of(mut reader: impl BufRead + Send + 'static, writer: impl Write + Send + 'static) -> Self {
        Self {
            source: Source::Piped(Box::new(move || line(&mut reader))),
            writer: Box::new(writer),
            colour: false,
            width: Box::new(|| None),
        }
    }

    /// A terminal device, where people type.
    #[cfg(unix)]
    pub(super) fn tty(terminal: OwnedFd) -> io::Result<Self> {
        let screen = std::fs::File::from(terminal.try_clone()?);
        let size = terminal.try_clone()?;
        Ok(Self {
            source: Source::Typed(super::input::Tty::new(terminal)),
            writer: Box::new(screen),
            colour: false,
            width: Box::new(move || columns(&size)),
        })
    }

    /// Standard input and standard error of this process. People who type see the question on their terminal, even if
    /// standard error goes elsewhere.
    pub(super) fn standard() -> Self {
        let typed = io::stdin().is_terminal();
        let stderr = io::stderr();
        let shown = stderr.is_terminal();
        let mut devices = Self {
            source: Source::Piped(Box::new(|| line(&mut io::stdin().lock()))),
            writer: Box::new(io::stderr()),
            colour: shown
                && wants_colour(std::env::var_os("NO_COLOR").as_deref(), std::env::var_os("TERM").as_deref()),
            width: Box::new(|| None),
        };
        #[cfg(unix)]
        {
            if typed && let Ok(terminal) = io::stdin().as_fd().try_clone_to_owned() {
                devices.source = Source::Typed(super::input::Tty::new(terminal));
            }
            if shown && let Ok(size) = stderr.as_fd().try_clone_to_owned() {
                devices.width = Box::new(move || columns(&size));
            }
            if typed && !shown {
                match std::fs::File::options().write(true).open("/dev/tty") {
                    Ok(screen) => devices.writer = Box::new(screen),
                    // A person who types would not see what is asked.
                    Err(_) => devices.source = Source::Piped(Box::new(unseen)),
                }
            }
        }
        #[cfg(not(unix))]
        if typed {
            devices.source = Source::Watched(Box::new(|| line(&mut io::stdin().lock())));
        }
        devices
    }
}

#[cfg(unix)]
fn unseen() -> Input {
    Input::Ended("Standard error is no terminal, so a person who types does not see what is asked".to_owned())
}

/// Columns of a terminal; `None` if it does not say.
#[cfg(unix)]
fn columns(terminal: &OwnedFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(terminal).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Colours unless `NO_COLOR` is set to anything (<https://no-color.org>) or the terminal is said to know none.
fn wants_colour(no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
    no_color.is_none_or(OsStr::is_empty) && term.is_none_or(|term| term != "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_color_and_dumb_terminals_get_no_colours() {
        let wants = |no_color: Option<&'static str>, term: Option<&'static str>| {
            wants_colour(no_color.map(OsStr::new), term.map(OsStr::new))
        };
        assert!(wants(None, None) && wants(None, Some("xterm-256color")) && wants(Some(""), Some("xterm")));
        assert!(!wants(Some("1"), Some("xterm")) && !wants(Some("0"), None) && !wants(None, Some("dumb")));
    }
}
