//! What may go wrong with a server of a test.

use std::io;

/// Why a cluster could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// PostgreSQL is not on this machine and could not be installed.
    #[error(
        "PostgreSQL 15 or newer is missing (no /usr/lib/postgresql/*/bin/initdb) and could not be installed: \
         {why}; install Debian's package by hand: apt-get install postgresql"
    )]
    Missing {
        /// What was tried, and what came of it.
        why: String,
    },
    /// The system refused something.
    #[error("{doing}: {source}")]
    System {
        /// What was being done, and to what.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
    /// A program of PostgreSQL failed.
    #[error("{program} failed: {said}{log}")]
    Failed {
        /// The name of the program.
        program: String,
        /// What it said on its standard error.
        said: String,
        /// The end of the server's log, if it has written one.
        log: String,
    },
    /// Something that was waited for did not happen in time.
    #[error("waited {seconds} s in vain until {until}{log}")]
    Late {
        /// What was waited for.
        until: String,
        /// How long.
        seconds: u64,
        /// The end of the server's log, if it has written one.
        log: String,
    },
    /// The server is not in a state in which it can be done.
    #[error("{what}")]
    Unfit {
        /// What was asked, what is wrong, and what to do.
        what: String,
    },
}

impl Error {
    /// For `map_err`: the system's error, told with what was being done.
    pub(crate) fn system(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::System { doing, source }
    }
}
