//! Nothing lies here: each example in `examples/` stands for itself, so that it can be read and copied alone.
