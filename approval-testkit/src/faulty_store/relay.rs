//! Tells changes in the wrong order.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use approval_core::{
    id::RequestId,
    store::{Change, ChangeListener, Listeners},
};

/// Holds each change back until the next one was reported.
#[derive(Debug)]
pub(super) struct Relay {
    to: Arc<Listeners>,
    held: Mutex<Vec<Change>>,
}

impl Relay {
    pub(super) fn new(to: Arc<Listeners>) -> Self {
        Self { to, held: Mutex::default() }
    }

    pub(super) fn weak(relay: &Arc<Self>) -> Weak<dyn ChangeListener> {
        let listener: Arc<dyn ChangeListener> = Arc::clone(relay) as Arc<dyn ChangeListener>;
        Arc::downgrade(&listener)
    }
}

impl ChangeListener for Relay {
    fn waits_for(&self, request: RequestId) -> bool {
        self.to.wait_for(request)
    }

    fn changed(&self, changes: &[Change]) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *held, changes.to_vec());
        if !before.is_empty() {
            self.to.tell(changes);
            self.to.tell(&before);
            held.clear();
        }
    }
}
