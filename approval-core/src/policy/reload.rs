//! Who is notified that rules or people were read again.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use crate::{
    model::Reload,
    sync::{Mutex, lock},
};

/// Is notified that rules or people were read again and hold now. Called on whichever thread reads them: must not block.
pub trait ReloadListener: Send + Sync {
    /// Something else holds from now on.
    fn reloaded(&self, reload: &Reload);
}

/// The listeners of a policy or of a directory: what an implementation of [`super::Policy::subscribe`] needs.
#[derive(Default)]
pub struct ReloadListeners(Mutex<Vec<Weak<dyn ReloadListener>>>);

impl ReloadListeners {
    /// Adds a listener, and forgets those that are gone.
    pub fn add(&self, listener: Weak<dyn ReloadListener>) {
        let mut list = lock(&self.0);
        list.retain(|one| one.strong_count() > 0);
        list.push(listener);
    }

    /// Tells each listener, without a lock held.
    pub fn tell(&self, reload: &Reload) {
        let list: Vec<Arc<dyn ReloadListener>> = lock(&self.0).iter().filter_map(Weak::upgrade).collect();
        for listener in list {
            listener.reloaded(reload);
        }
    }
}

impl fmt::Debug for ReloadListeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReloadListeners").finish_non_exhaustive()
    }
}
