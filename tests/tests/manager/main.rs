//! The manager and the guard, from the outside.
#![cfg(test)]

mod common;
mod dropping;
mod grants;
mod halts;
mod keys;
mod leases;
mod outage;
mod outbox;
mod people;
mod stopping;
mod timeouts;
mod waiters;
