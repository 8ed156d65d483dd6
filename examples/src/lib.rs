//! Nothing lies here: each example in `examples/` stands for itself, so that it can be read and copied alone.

/// Compiles the code of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
