//! What the tests of the directory of a file share.

mod facts;
mod read;
mod self_approval;

use super::*;
use crate::{model::Text, yaml::Document};

pub(super) const OFFICE: &str = "
time_zone: Europe/Berlin
hours:
  office: { mon-fri: 09:00-17:00 }
holidays:
  berlin: [12-25, 2026-05-01, 2026-12-28..2026-12-31]
defaults: { hours: office, holidays: berlin, quiet_hours: 22:00-07:00, digest: 17:00 }
people:
  user:ann@example.com:
    name: Ann Example
    email: [a.example@corp.example, ann@home.example]
    aliases: user:ann
    slack: U012AB3CD
    identities: { terminal: ann }
    channels: { critical: [sms, slack], other: slack }
    delegates: [user:bob@example.com, group:board]
    roles: [operator]
  user:bob@example.com:
    time_zone: America/New_York
    hours: { mon-thu: [09:00-12:00, 13:00-18:00] }
    quiet_hours:
      - { hours: 20:00-08:00, up_to: medium }
      - { hours: 00:00-24:00, days: 'sat, sun', up_to: low }
    digest: { at: 09:30, up_to: medium }
    channels: [email]
    out_of_office: { from: 2026-08-03, until: 2026-08-14, stand_in: user:cat }
  user:cat:
    hours: { daily: 00:00-24:00 }
    holidays: []
    out_of_office:
      - { from: 2026-08-10, until: 2026-08-11 12:00, stand_in: user:ann }
  user:dan:
groups:
  finance: [user:ann, group:board]
  group:board: [user:bob@example.com, user:cat]
roles:
  admin: [group:board]
on_call:
  payments:
    start: 2026-01-05 09:00
    turn: 1w
    members: [user:ann, user:bob@example.com]
    overrides: { from: 2026-01-07, until: 2026-01-07, person: user:dan }
";

/// What a section says, or its mistakes.
pub(super) fn read(text: &str) -> Result<Roster, String> {
    let document = Document::parse("approvals.yaml", text).map_err(|mistakes| mistakes.to_string())?;
    let roster = Roster::read(&document.root());
    match document.finish() {
        Ok(()) => Ok(roster.expect("no mistakes, but no roster")),
        Err(mistakes) => {
            assert!(roster.is_none(), "a roster with mistakes");
            Err(mistakes.to_string())
        }
    }
}

pub(super) fn office() -> Roster {
    read(OFFICE).unwrap()
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn p(text: &str) -> Principal {
    Principal::new(text).unwrap()
}

pub(super) fn texts(texts: &[&str]) -> Vec<Text> {
    texts.iter().map(|text| (*text).into()).collect()
}
