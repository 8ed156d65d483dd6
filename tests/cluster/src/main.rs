//! A throwaway PostgreSQL server to try something on by hand: says where it is, and is gone when standard input
//! ends or this program does. `--durable` makes it keep on a crash what it acknowledged.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use approval_test_cluster::{Cluster, Settings};

fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If nobody listens there, the exit status is all that can be told.
            writeln!(io::stderr(), "{error}").ok();
            ExitCode::FAILURE
        }
    }
}

fn serve() -> Result<(), Box<dyn Error>> {
    let durable = std::env::args().skip(1).any(|argument| argument == "--durable");
    let cluster = Cluster::start(Settings::default().durable(durable))?;
    let mut out = io::stdout();
    writeln!(out, "{}\n{}\n{}", cluster.url(), cluster.socket_url(), cluster.data().display())?;
    out.flush()?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}
