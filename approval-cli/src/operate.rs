//! `approvals store clock`, `halt` and `resume`: what operators do to a whole store, on record in its journal.

use std::io::Write;

use approval_core::{
    Principal,
    checked_file::FileChecks,
    manager::StoreOperator,
    model::{ActionName, HaltScope},
    store::ClockReading,
};
use clap::Args;

use crate::{
    FINE, MISTAKES,
    store::{BoxError, named_agent, on_store},
};

#[derive(Debug, Args)]
pub(crate) struct ClockArguments {
    /// The store: sqlite:PATH, a path, or a PostgreSQL URL
    #[arg(value_name = "STORE")]
    store: String,
    /// The clock is right: set the mark to it, ahead or back
    #[arg(long, requires = "by")]
    confirm: bool,
    /// Who confirms it, such as user:olga@example.com
    #[arg(long, value_name = "PRINCIPAL", value_parser = principal)]
    by: Option<Principal>,
}

#[derive(Debug, Args)]
pub(crate) struct HaltArguments {
    #[command(flatten)]
    of: HaltOf,
    /// Why
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct HaltOf {
    /// The store: sqlite:PATH, a path, or a PostgreSQL URL
    #[arg(value_name = "STORE")]
    store: String,
    /// What this agent does, instead of everything
    #[arg(long, conflicts_with = "action")]
    agent: Option<String>,
    /// This action, instead of everything
    #[arg(long)]
    action: Option<String>,
    /// Who does it, such as user:olga@example.com
    #[arg(long, value_name = "PRINCIPAL", value_parser = principal)]
    by: Principal,
}

fn principal(text: &str) -> Result<Principal, String> {
    Principal::new(text).map_err(|error| error.to_string())
}

impl HaltOf {
    fn scope(&self) -> Result<HaltScope, BoxError> {
        Ok(match (&self.agent, &self.action) {
            (Some(agent), _) => HaltScope::Agent(named_agent(agent)?),
            (None, Some(action)) => HaltScope::Action(ActionName::new(action)?),
            (None, None) => HaltScope::Everything,
        })
    }
}

pub(crate) fn clock(
    arguments: &ClockArguments,
    checks: FileChecks,
    out: &mut dyn Write,
) -> Result<u8, BoxError> {
    let by = arguments.by.clone().filter(|_| arguments.confirm);
    let (before, after) = on_store(&arguments.store, checks, async |store| {
        let operator = StoreOperator::new(store);
        Ok(match by {
            Some(by) => {
                let (before, after) = operator.confirm_clock(&by).await?;
                (before, Some(after))
            }
            None => (operator.clock().await?, None),
        })
    })?;
    writeln!(out, "clock: {}", before.clock)?;
    writeln!(out, "mark:  {}, the latest moment that the store gave out", before.mark)?;
    if let Some(after) = after {
        writeln!(out, "the mark is now {}", after.mark)?;
        if before.is_behind() {
            writeln!(out, "start the other programs on this store again: they know the mark of before")?;
        }
        return Ok(judge(after, out)?);
    }
    Ok(judge(before, out)?)
}

fn judge(reading: ClockReading, out: &mut dyn Write) -> std::io::Result<u8> {
    match reading.check() {
        Ok(()) => writeln!(out, "the two agree").map(|()| FINE),
        Err(error) => writeln!(out, "{error}").map(|()| MISTAKES),
    }
}

pub(crate) fn halt(
    arguments: &HaltArguments,
    checks: FileChecks,
    out: &mut dyn Write,
) -> Result<u8, BoxError> {
    let scope = arguments.of.scope()?;
    let HaltOf { store, by, .. } = &arguments.of;
    on_store(store, checks, async |store| {
        Ok(StoreOperator::new(store).halt(scope.clone(), by, &arguments.reason).await?)
    })?;
    writeln!(out, "halted in every namespace: {scope}")?;
    Ok(FINE)
}

pub(crate) fn resume(arguments: &HaltOf, checks: FileChecks, out: &mut dyn Write) -> Result<u8, BoxError> {
    let scope = arguments.scope()?;
    on_store(&arguments.store, checks, async |store| {
        Ok(StoreOperator::new(store).resume(&scope, &arguments.by).await?)
    })?;
    writeln!(out, "the halt in every namespace is lifted: {scope}")?;
    Ok(FINE)
}
