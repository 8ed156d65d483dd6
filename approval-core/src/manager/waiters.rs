//! Who waits for which request. A waiter costs a few dozen bytes: no thread, no timer, no query.
//!
//! No wake-up is lost: a waiter registers first and looks at the store afterwards; what arrives in between stays in its
//! cell until it asks.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasher, Hash},
    task::{Context, Poll, Waker},
};

use super::id_hasher::IdHasher;
use crate::sync::{Arc, Mutex, lock};

/// What a waiter receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News<V> {
    /// This is how it stands.
    Is(V),
    /// Something may have changed: look.
    Look,
}

/// One waiter's letter-box.
#[derive(Debug)]
pub(crate) struct WaiterCell<V> {
    inside: Mutex<Inside<V>>,
}

#[derive(Debug)]
struct Inside<V> {
    news: Option<News<V>>,
    waker: Option<Waker>,
}

impl<V> WaiterCell<V> {
    fn tell(&self, news: News<V>) {
        let waker = {
            let mut inside = lock(&self.inside);
            // What came first need not be older: two connections of a store may tell of one request.
            inside.news = Some(if inside.news.is_some() { News::Look } else { news });
            inside.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes the latest news, or arranges to be woken when there is some.
    pub(crate) fn poll_news(&self, context: &Context<'_>) -> Poll<News<V>> {
        let mut inside = lock(&self.inside);
        if let Some(news) = inside.news.take() {
            return Poll::Ready(news);
        }
        match &mut inside.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}

#[derive(Debug)]
#[expect(clippy::box_collection, reason = "a slot takes a third less room, a million times")]
enum Slot<V> {
    One(Arc<WaiterCell<V>>),
    /// Boxed: nearly all keys have one waiter.
    Many(Box<Vec<Arc<WaiterCell<V>>>>),
}

impl<V> Slot<V> {
    fn cells(&self) -> &[Arc<WaiterCell<V>>] {
        match self {
            Self::One(cell) => std::slice::from_ref(cell),
            Self::Many(cells) => cells,
        }
    }

    fn add(&mut self, cell: Arc<WaiterCell<V>>) {
        match self {
            Self::One(first) => *self = Self::Many(Box::new(vec![Arc::clone(first), cell])),
            Self::Many(cells) => cells.push(cell),
        }
    }
}

type Map<K, V> = HashMap<K, Slot<V>, IdHasher>;
type Shard<K, V> = Mutex<Map<K, V>>;

/// The registry of waiters, by what they wait for.
#[derive(Debug)]
pub(crate) struct Waiters<K, V> {
    shards: Box<[Shard<K, V>]>,
    hasher: IdHasher,
}

impl<K: Copy + Eq + Hash, V: Clone> Waiters<K, V> {
    /// A registry of `shards` parts that are locked one by one.
    pub(crate) fn new(shards: usize) -> Self {
        let shards = (0..shards.max(1)).map(|_| Mutex::new(HashMap::default())).collect();
        Self { shards, hasher: IdHasher::default() }
    }

    fn with_shard<R>(&self, key: &K, work: impl FnOnce(&mut Map<K, V>) -> R) -> Option<R> {
        let shards = self.shards.len() as u64;
        let shard = usize::try_from(self.hasher.hash_one(key) % shards.max(1)).ok()?;
        self.shards.get(shard).map(|shard| work(&mut lock(shard)))
    }

    /// Registers a waiter. Look at the store afterwards: what happened before is not received.
    pub(crate) fn register(&self, key: K) -> Arc<WaiterCell<V>> {
        let cell = Arc::new(WaiterCell { inside: Mutex::new(Inside { news: None, waker: None }) });
        self.with_shard(&key, |shard| match shard.entry(key) {
            Entry::Vacant(entry) => drop(entry.insert(Slot::One(Arc::clone(&cell)))),
            Entry::Occupied(mut entry) => entry.get_mut().add(Arc::clone(&cell)),
        });
        cell
    }

    /// Forgets a waiter.
    pub(crate) fn forget(&self, key: K, cell: &Arc<WaiterCell<V>>) {
        self.with_shard(&key, |shard| {
            let Entry::Occupied(mut entry) = shard.entry(key) else { return };
            let empty = match entry.get_mut() {
                Slot::One(one) => Arc::ptr_eq(one, cell),
                Slot::Many(cells) => {
                    cells.retain(|one| !Arc::ptr_eq(one, cell));
                    cells.is_empty()
                }
            };
            if empty {
                entry.remove();
            }
        });
    }

    /// Tells those who wait for `key`.
    pub(crate) fn tell(&self, key: K, news: &News<V>) {
        self.with_shard(&key, |shard| {
            for cell in shard.get(&key).iter().flat_map(|slot| slot.cells()) {
                cell.tell(news.clone());
            }
        });
    }

    /// Tells everybody to look.
    pub(crate) fn tell_all(&self) {
        for shard in &self.shards {
            for cell in lock(shard).values().flat_map(Slot::cells) {
                cell.tell(News::Look);
            }
        }
    }

    /// Whether a task waits for `key`.
    pub(crate) fn has(&self, key: K) -> bool {
        self.with_shard(&key, |shard| shard.contains_key(&key)).unwrap_or_default()
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| lock(shard).values().map(|slot| slot.cells().len()).sum::<usize>())
            .sum()
    }
}
