//! The manager and the guard, from the outside.
#![cfg(test)]

mod altered;
mod answers;
mod attachments;
mod behind;
mod budgets;
mod callers;
mod clock;
mod common;
mod defaults;
mod dropping;
mod fail_closed;
mod figures;
mod files;
mod grants;
mod halts;
mod handing_over;
mod held_back;
mod hours;
mod informing;
mod keys;
mod leases;
mod limits;
mod namespaces;
mod open_limits;
mod outage;
mod outbox;
mod people;
mod previews;
mod redaction;
mod standing;
mod stopping;
mod storms;
mod timeouts;
mod waiters;
mod words;
