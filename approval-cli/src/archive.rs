//! `approvals store archive`: puts old requests of a PostgreSQL database away.

use std::io::Write;

use approval_core::{clock::Timestamp, store::Store};
use approval_store::{ArchiveOptions, PostgresStore};
use clap::Args;

use crate::{
    FINE,
    store::{BoxError, moment},
};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The database: `postgres://USER@HOST/DATABASE`
    #[arg(value_name = "URL")]
    url: String,
    /// Requests that were opened before this day (UTC) or moment, and came to their end
    #[arg(long, value_name = "DAY", value_parser = moment)]
    before: Timestamp,
    /// Stop after about so many
    #[arg(long, value_name = "COUNT")]
    at_most: Option<usize>,
}

pub(crate) fn archive(arguments: &Arguments, out: &mut dyn Write) -> Result<u8, BoxError> {
    // Not the address in the message: it may hold a password.
    if !arguments.url.starts_with("postgres://") && !arguments.url.starts_with("postgresql://") {
        return Err("only a store on PostgreSQL has an archive; give postgres://USER@HOST/DATABASE".into());
    }
    let options =
        ArchiveOptions { before: arguments.before, at_most: arguments.at_most.unwrap_or(usize::MAX) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let archived = runtime.block_on(async {
        let store = PostgresStore::builder(&arguments.url).existing_only().connect().await?;
        let archived = store.archive(options).await;
        store.close().await?;
        archived
    })?;
    let months = archived.partitions;
    writeln!(out, "{} requests put away; partitions made for {months} months", archived.requests)?;
    Ok(FINE)
}
