//! Copying everything from one store to another: equal, resumable, and the target goes on where the source stopped.

mod copying;
mod cut;
mod going_on;
mod in_use;
mod interrupted;
mod scene;
