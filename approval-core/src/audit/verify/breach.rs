//! What can be wrong with a trail.

use crate::{
    audit::{BadSeal, BadSignature},
    id::{RequestId, TrailId},
    model::SourceDigest,
};

/// The first thing that is wrong with a trail. Lines of the trail, of a history and seals are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Breach {
    /// A line of the trail is none.
    #[error("line {line} of the trail cannot be read: {why}")]
    Unreadable {
        /// Which line of the trail.
        line: u64,
        /// Why.
        why: String,
    },
    /// A line is not where such lines stand.
    #[error("line {line} of the trail, {what}, is out of its place: lines were moved, added or dropped")]
    Misplaced {
        /// Which line of the trail.
        line: u64,
        /// What stands there.
        what: &'static str,
    },
    /// The trail has no end.
    #[error("the trail breaks off after line {lines}: its end was cut off")]
    CutOff {
        /// Lines there are.
        lines: u64,
    },
    /// What ends the trail does not fit what is before it.
    #[error(
        "the end of the trail counts and hashes other lines than stand before it: some were edited, added or dropped"
    )]
    WrongEnd,

    /// A seal is none.
    #[error("line {line} of the trail, a seal: {why}")]
    BadSeal {
        /// Which line of the trail.
        line: u64,
        /// Why.
        why: BadSeal,
    },
    /// A seal is missing, doubled, or out of order.
    #[error("seal {expected} should follow, and seal {found} does: seals were dropped, doubled or moved")]
    SealGap {
        /// Which should follow.
        expected: u64,
        /// Which does.
        found: u64,
    },
    /// A seal does not follow the one before.
    #[error(
        "seal {number} does not name the hash of the seal before it: one of the two was changed, or put in its place"
    )]
    SealBroken {
        /// Which.
        number: u64,
    },
    /// A seal counts backwards.
    #[error(
        "seal {number} is older, or has seen less of the journal, than the seal before it: it was forged or the store rolled back"
    )]
    SealBackwards {
        /// Which.
        number: u64,
    },
    /// A seal of another trail.
    #[error("seal {number} is of trail {found}, not of trail {expected}")]
    OtherTrail {
        /// Which.
        number: u64,
        /// Its trail.
        found: TrailId,
        /// That of the others.
        expected: TrailId,
    },
    /// A signature does not count.
    #[error("seal {number}, signed with key {key}: {why}")]
    BadSignature {
        /// Which.
        number: u64,
        /// The key that it names.
        key: String,
        /// Why.
        why: BadSignature,
    },
    /// A seal is not signed, nor is one behind it, although keys were given.
    #[error(
        "seal {number} is not signed, nor is any behind it: a program that may write the store can have made them"
    )]
    NotSigned {
        /// Which.
        number: u64,
    },
    /// A seal differs from the copy held elsewhere.
    #[error(
        "seal {number} is not the one that is held elsewhere: the trail was rewritten from there on, if not earlier"
    )]
    SealReplaced {
        /// Which.
        number: u64,
    },
    /// The trail has fewer seals than are held elsewhere.
    #[error(
        "the trail has seals up to {found}, and up to {held} are held elsewhere: it was rolled back, cut off or emptied"
    )]
    SealsCut {
        /// Last in the trail.
        found: u64,
        /// Last held elsewhere.
        held: u64,
    },

    /// A whole request is missing.
    #[error("request {request} is missing: seal {seal} names {count} lines of its history")]
    RequestMissing {
        /// Which.
        request: RequestId,
        /// The last seal that names it.
        seal: u64,
        /// How many lines it names.
        count: u64,
    },
    /// Requests are missing, and the seals that let them go prove nothing.
    #[error(
        "{requests} requests were removed, and it is not proven that retention removed them: seal {seal} lets request {request} go, \
         and is neither signed with a key that was given nor held elsewhere, so a program that may write the store can have made it"
    )]
    RemovedNotProven {
        /// The first of them.
        request: RequestId,
        /// The seal that lets it go.
        seal: u64,
        /// How many there are.
        requests: u64,
    },
    /// A request stands twice, or requests are out of order.
    #[error("request {request} stands twice in the trail, or behind a later one")]
    RequestOutOfPlace {
        /// Which.
        request: RequestId,
    },
    /// A line of history is no event.
    #[error("line {seq} of the history of request {request} was edited: it is no event any more ({why})")]
    NotAnEvent {
        /// Of which request.
        request: RequestId,
        /// Which line of its history.
        seq: u64,
        /// What the reader says.
        why: String,
    },
    /// A line of another request's history.
    #[error("line {seq} of the history of request {request} is an event of request {other}")]
    Foreign {
        /// Of which request.
        request: RequestId,
        /// Which line of its history.
        seq: u64,
        /// Whose it is.
        other: RequestId,
    },
    /// A line was edited.
    #[error("line {seq} of the history of request {request} was edited")]
    Edited {
        /// Of which request.
        request: RequestId,
        /// Which line of its history.
        seq: u64,
    },
    /// Of two lines at least one was edited.
    #[error("line {first} or line {second} of the history of request {request} was edited, or both were")]
    EditedHere {
        /// Of which request.
        request: RequestId,
        /// The one.
        first: u64,
        /// The next.
        second: u64,
    },
    /// Lines were moved.
    #[error(
        "line {seq} of the history of request {request} stands before line {before}: lines were reordered"
    )]
    Reordered {
        /// Of which request.
        request: RequestId,
        /// Which line of its history.
        seq: u64,
        /// Before which.
        before: u64,
    },
    /// A line was dropped out of the middle.
    #[error("line {seq} of the history of request {request} was dropped")]
    Dropped {
        /// Of which request.
        request: RequestId,
        /// Which line of its history.
        seq: u64,
    },
    /// A line stands twice.
    #[error("line {seq} of the history of request {request} stands twice")]
    Duplicated {
        /// Of which request.
        request: RequestId,
        /// Which line of its history.
        seq: u64,
    },
    /// Two different lines claim one place.
    #[error("the history of request {request} forks: two different lines claim to be line {seq}")]
    Forked {
        /// Of which request.
        request: RequestId,
        /// Which line of its history.
        seq: u64,
    },
    /// Lines fit each other, but not the seal.
    #[error(
        "lines {since} to {upto} of the history of request {request} are not those that seal {seal} names: they were \
         rewritten together"
    )]
    Rewritten {
        /// Of which request.
        request: RequestId,
        /// The first that may be wrong.
        since: u64,
        /// The one whose hash is wrong.
        upto: u64,
        /// Which seal.
        seal: u64,
    },
    /// The end of a history is missing.
    #[error(
        "the history of request {request} ends at line {found}, and seal {seal} names {sealed} lines: its end was cut off"
    )]
    TailCut {
        /// Of which request.
        request: RequestId,
        /// Lines there are.
        found: u64,
        /// Lines that were sealed.
        sealed: u64,
        /// Which seal.
        seal: u64,
    },
    /// The history is not the one that the request itself names.
    #[error(
        "the history of request {request} has {found} lines and not the end that the request names at line {named}: lines were added, dropped or edited at its end"
    )]
    WrongHead {
        /// Of which request.
        request: RequestId,
        /// Lines there are.
        found: u64,
        /// Lines that the request names.
        named: u64,
    },
    /// The lines are whole, and tell what cannot have happened.
    #[error(
        "line {seq} of the history of request {request} tells what cannot be: {why}; it was not written by this library"
    )]
    Impossible {
        /// Of which request.
        request: RequestId,
        /// Which line of its history.
        seq: u64,
        /// What does not fit.
        why: &'static str,
    },
    /// A line that should have been sealed long ago, and is not.
    #[error(
        "line {seq} of the history of request {request} is in no seal, though it claims to be older than the last: it was added later"
    )]
    Added {
        /// Of which request.
        request: RequestId,
        /// Which line of its history.
        seq: u64,
    },

    /// A line of the journal is out of order.
    #[error("line {number} of the journal stands twice, or behind a later one")]
    JournalOutOfPlace {
        /// Its number.
        number: u64,
    },
    /// Lines of the journal are not those that were sealed.
    #[error(
        "the lines of the journal after number {after} up to number {upto} are not those of seal {seal}: at least one was edited, added, dropped or moved"
    )]
    JournalChanged {
        /// All up to here are right.
        after: u64,
        /// The last that the seal covers.
        upto: u64,
        /// Which seal.
        seal: u64,
    },
    /// The end of the journal is missing.
    #[error("the journal ends after {found} lines, and seal {seal} counts {sealed}: its end was cut off")]
    JournalCut {
        /// Lines there are.
        found: u64,
        /// Lines that were sealed.
        sealed: u64,
        /// Which seal.
        seal: u64,
    },
    /// A line of the journal that should have been sealed long ago, and is not.
    #[error(
        "line {number} of the journal is in no seal, though it claims to be older than the last: it was added later"
    )]
    JournalAdded {
        /// Its number.
        number: u64,
    },

    /// A text of rules or people is not the one that its digest names.
    #[error("the text of the rules or people that is kept as {digest} is another one: it was edited")]
    SourceEdited {
        /// The digest.
        digest: SourceDigest,
    },
    /// A text of rules or people stands twice, or texts are out of order.
    #[error("the text of the rules or people that is kept as {digest} stands twice, or behind a later one")]
    SourceOutOfPlace {
        /// The digest.
        digest: SourceDigest,
    },
}
