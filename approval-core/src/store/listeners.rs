//! Who is notified of changes.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError, RwLock, Weak},
};

use super::{Change, ChangeListener};
use crate::id::RequestId;

type List = Arc<[Weak<dyn ChangeListener>]>;

/// The listeners of a store: what an implementation of [`super::Store::subscribe`] needs.
pub struct Listeners(RwLock<List>);

impl Listeners {
    /// There is no listener yet.
    #[must_use]
    pub fn new() -> Self {
        Self(RwLock::new(Arc::new([])))
    }

    /// Adds a listener, and forgets those that are gone.
    pub fn add(&self, listener: Weak<dyn ChangeListener>) {
        let mut list = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *list = list.iter().filter(|l| l.strong_count() > 0).cloned().chain([listener]).collect();
    }

    /// Whether no listener would receive a change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Whether a listener waits for changes of this request at the moment.
    #[must_use]
    pub fn wait_for(&self, request: RequestId) -> bool {
        let list = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        list.iter().filter_map(Weak::upgrade).any(|listener| listener.waits_for(request))
    }

    /// Tells everybody. Call it when the changes are durable, without any lock held. A listener that panics is reported
    /// and does not keep the others from hearing.
    pub fn tell(&self, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        let list = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        let mut gone = false;
        for listener in list.iter() {
            match listener.upgrade() {
                Some(listener) => {
                    if catch_unwind(AssertUnwindSafe(|| listener.changed(changes))).is_err() {
                        tracing::error!("a listener of the store panicked; waiters may wake late");
                    }
                }
                None => gone = true,
            }
        }
        if gone {
            let mut list = self.0.write().unwrap_or_else(PoisonError::into_inner);
            *list = list.iter().filter(|l| l.strong_count() > 0).cloned().collect();
        }
    }
}

impl Default for Listeners {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = self.0.read().unwrap_or_else(PoisonError::into_inner);
        write!(f, "Listeners({})", list.len())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    struct Counting(AtomicUsize);

    impl ChangeListener for Counting {
        fn changed(&self, changes: &[Change]) {
            self.0.fetch_add(changes.len(), Ordering::Relaxed);
        }
    }

    struct Panicking;

    impl ChangeListener for Panicking {
        fn changed(&self, _: &[Change]) {
            panic!("on purpose");
        }
    }

    fn weak<T: ChangeListener + 'static>(listener: &Arc<T>) -> Weak<dyn ChangeListener> {
        let listener: Arc<dyn ChangeListener> = Arc::clone(listener) as Arc<dyn ChangeListener>;
        Arc::downgrade(&listener)
    }

    #[test]
    fn those_that_are_gone_are_forgotten_and_a_panic_harms_nobody() {
        let listeners = Listeners::new();
        let (bad, counting) = (Arc::new(Panicking), Arc::new(Counting(AtomicUsize::new(0))));
        listeners.add(weak(&bad));
        listeners.add(weak(&counting));
        listeners.tell(&[Change::Notices, Change::Everything]);
        assert_eq!(counting.0.load(Ordering::Relaxed), 2);
        drop((bad, counting));
        listeners.tell(&[Change::Notices]);
        assert!(listeners.is_empty());
    }
}
