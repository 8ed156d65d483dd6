//! Placeholder.
mod attr;
mod error;
mod function;
mod suggest;
