//! Tests across the parts of the encoding.

mod digest;
mod exact;
mod parsing;
mod properties;
mod redaction;
mod rfc8785;
mod shapes;
