//! Reading settings from YAML so that every mistake is reported at once, with its place and what to do instead.
//!
//! A [`Document`] is a text with the tree of what stands in it. Sections are read from [`Item`]s: each typed reader
//! answers `None` where it finds a mistake and notes it, so that reading goes on and finds the next one.
//!
//! ```
//! use approval_core::{Principal, yaml::Document};
//!
//! let text = "team:\n  lead: user:ann@example.com\n  pause: 15m\n";
//! let document = Document::parse("team.yaml", text)?;
//! let top = document.root().map(&["team"]).expect("a map");         // unknown keys are mistakes from here on
//! if let Some(team) = top.required("team").and_then(|team| team.map(&["lead", "pause", "size"])) {
//!     let lead = team.required("lead").and_then(|lead| lead.parse::<Principal>());
//!     let pause = team.optional("pause").and_then(|pause| pause.duration());
//!     let size = team.optional("size").and_then(|size| size.whole(1..=100)).unwrap_or(1);
//!     assert!(lead.is_some() && pause.is_some() && size == 1);
//! }
//! document.finish()?;                                               // `Err` with all mistakes, in order
//! # Ok::<(), approval_core::yaml::Mistakes>(())
//! ```
//!
//! - [`Item::map`] for a map with known keys, [`Item::entries`] for one with any keys, [`Item::list`],
//!   [`Item::one_or_many`] for what may be one thing or a list of them; [`Item::list_up_to`] and [`Item::up_to`] for those that
//!   may not be long.
//! - [`Item::text`], [`Item::parse`] (anything that is read from text with [`Invalid`](crate::Invalid) as its error, such
//!   as a principal), [`Item::read`] with a function, [`Item::choice`], [`Item::bool`], [`Item::whole`],
//!   [`Item::decimal`], [`Item::duration`], [`Item::positive_duration`].
//! - [`Item::wrong`] and [`Item::wrong_with`] note a mistake of one's own; [`Item::place`] keeps the place for a later
//!   [`Document::wrong_at`].
//!
//! Anchors, aliases, tags, keys that are not text, a key twice and a second document are mistakes. So a file means what
//! it says where it says it, and none can grow when it is read.

mod choose;
mod duration;
mod item;
mod mistake;
mod node;
mod parse;
mod scalar;
mod suggest;
mod week;

#[cfg(test)]
mod tests;

pub use duration::{parse_duration, show_duration};
pub use item::{Document, Entry, Fields, Item};
pub use mistake::{MISTAKE_LIMIT, Mistake, Mistakes, Place};
pub use parse::{DEPTH_LIMIT, LIST_LIMIT, NODE_LIMIT, SIZE_LIMIT};
pub use suggest::{nearest, one_of};
