//! `approvals policy test`.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use approval_core::{
    Clock, Money, Principal, Risk, SystemClock,
    checked_file::FileChecks,
    clock::Timestamp,
    model::{
        ActionName, CanonicalJson, address::shown_path, canonical::parse_canonical, visible::neutral_line,
    },
    policy::SampleCall,
};
use clap::Args;

use crate::{FINE, UNUSABLE, clean, files::file};

#[derive(Debug, Args)]
pub(crate) struct Test {
    /// The file, such as approvals.yaml
    #[arg(value_parser = file())]
    file: PathBuf,
    /// Name of the action, such as payments.refund
    #[arg(long)]
    action: ActionName,
    /// Its arguments, as a JSON object
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = arguments)]
    args: CanonicalJson,
    /// Who calls
    #[arg(long, default_value = "agent:sample")]
    agent: Principal,
    /// On whose behalf
    #[arg(long, value_name = "WHO")]
    on_behalf_of: Option<Principal>,
    /// In which run
    #[arg(long)]
    run: Option<String>,
    /// minimal, low, medium, high or critical
    #[arg(long, default_value = "medium")]
    risk: Risk,
    /// What it costs, in US dollars
    #[arg(long, value_name = "AMOUNT", value_parser = dollars)]
    cost_usd: Option<Money>,
    /// What was spent before, in US dollars
    #[arg(long, value_name = "AMOUNT", value_parser = dollars)]
    spent_usd: Option<Money>,
    /// Who the action itself names as approvers
    #[arg(long, value_name = "WHO", value_delimiter = ',')]
    approvers: Vec<Principal>,
    /// At which moment, such as 2026-12-24T18:00:00Z; without it, now
    #[arg(long, value_name = "TIME")]
    now: Option<Timestamp>,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

fn arguments(text: &str) -> Result<CanonicalJson, String> {
    let arguments = parse_canonical(text).map_err(|error| error.to_string())?;
    if arguments.as_str().starts_with('{') { Ok(arguments) } else { Err("is no JSON object".to_owned()) }
}

fn dollars(text: &str) -> Result<Money, String> {
    format!("{text} USD").parse().map_err(|_| "is no amount; write it as 12.50".to_owned())
}

pub(super) fn run(
    test: &Test,
    checks: FileChecks,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> io::Result<u8> {
    let file = match super::load(&test.file, checks, errors)? {
        Ok(file) => file,
        Err(status) => return Ok(status),
    };
    let Some(rules) = &file.policy else {
        let name = shown_path(&test.file).to_string();
        writeln!(errors, "{}: there is no `policy` in it: every call is asked about", neutral_line(&name))?;
        return Ok(UNUSABLE);
    };
    let now = test.now.unwrap_or_else(|| SystemClock.now());
    let mut sample = SampleCall::new(test.action.clone(), test.args.clone(), now);
    sample.agent = test.agent.clone();
    sample.on_behalf_of.clone_from(&test.on_behalf_of);
    sample.run = test.run.as_deref().map(Into::into);
    sample.risk = test.risk;
    sample.cost = test.cost_usd;
    sample.spent_usd = test.spent_usd.map(|spent| spent.amount());
    if !test.approvers.is_empty() {
        sample = sample.approvers(test.approvers.iter().cloned());
    }
    let explanation = rules.explain(&sample.call());
    if test.json {
        writeln!(out, "{}", clean::json(&explanation)?)?;
    } else {
        write!(out, "{explanation}")?;
    }
    Ok(FINE)
}
