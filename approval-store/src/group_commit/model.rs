//! The queue under a model checker: the same source on primitives that try out the orders in which threads can run. A wait
//! here never ends by itself, so a ring that is lost is a deadlock, which the checker reports.

#[path = "queue.rs"]
#[expect(clippy::duplicate_mod, reason = "the same source on other primitives is the point")]
mod queue;

mod sync {
    use std::time::Duration;

    pub(super) use shuttle::sync::{Condvar, Mutex, MutexGuard};
    pub(super) use std::sync::PoisonError;

    pub(super) fn wait<'a, T>(bell: &Condvar, guard: MutexGuard<'a, T>, _: Duration) -> MutexGuard<'a, T> {
        bell.wait(guard).unwrap()
    }
}

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use queue::{Executor, Queue};
use shuttle::{
    sync::{Arc, Mutex, mpsc},
    thread,
};

/// Tries out orders of threads, chosen at random and with few switches at unlikely places.
fn check(model: impl Fn() + Send + Sync + Clone + 'static) {
    let orders = if std::env::var_os("APPROVALS_FULL").is_some() { 100_000 } else { 1000 };
    shuttle::check_random(model.clone(), orders);
    shuttle::check_pct(model, orders, 3);
}

/// Work that is answered, as a commit is.
struct Job {
    giver: usize,
    number: usize,
    answer: mpsc::Sender<()>,
}

/// What reached the disk: written in a group, and then synced.
#[derive(Default)]
struct Disk {
    written: Vec<(usize, usize)>,
    synced: usize,
}

struct Writer {
    disk: Arc<Mutex<Disk>>,
    groups: usize,
}

impl Executor<Job> for Writer {
    fn group(&mut self, jobs: Vec<Job>) {
        assert!(!jobs.is_empty());
        self.groups += 1;
        for job in &jobs {
            self.disk.lock().unwrap().written.push((job.giver, job.number));
        }
        thread::yield_now();
        {
            let mut disk = self.disk.lock().unwrap();
            disk.synced = disk.written.len();
        }
        for job in jobs {
            job.answer.send(()).unwrap();
        }
    }
}

/// Starts the thread that writes.
fn start(queue: &Arc<Queue<Job>>, disk: &Arc<Mutex<Disk>>) -> thread::JoinHandle<()> {
    let (queue, disk) = (Arc::clone(queue), Arc::clone(disk));
    thread::spawn(move || queue.drive(&mut Writer { disk, groups: 0 }, Duration::ZERO))
}

/// Gives `count` jobs one after the other, each after the answer to the one before. How many were answered.
fn give(queue: &Queue<Job>, disk: &Mutex<Disk>, giver: usize, count: usize) -> usize {
    for number in 0..count {
        let (answer, answered) = mpsc::channel();
        if queue.push(Job { giver, number, answer }).is_err() {
            return number;
        }
        answered.recv().expect("what is accepted is answered");
        let disk = disk.lock().unwrap();
        let place = disk.written.iter().position(|written| *written == (giver, number));
        assert!(place.is_some_and(|place| place < disk.synced), "answered before the sync");
    }
    count
}

#[test]
fn every_job_is_done_once_in_order_and_answered_after_its_sync() {
    check(|| {
        let (queue, disk) = (Arc::new(Queue::new()), Arc::new(Mutex::new(Disk::default())));
        let writer = start(&queue, &disk);
        let givers: Vec<_> = (0..3)
            .map(|giver| {
                let (queue, disk) = (Arc::clone(&queue), Arc::clone(&disk));
                thread::spawn(move || assert_eq!(give(&queue, &disk, giver, 2), 2))
            })
            .collect();
        for giver in givers {
            giver.join().unwrap();
        }
        queue.close();
        writer.join().unwrap();
        let mut done: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (giver, number) in &disk.lock().unwrap().written {
            done.entry(*giver).or_default().push(*number);
        }
        assert_eq!(done, (0..3).map(|giver| (giver, vec![0, 1])).collect());
    });
}

#[test]
fn closing_at_any_moment_loses_nothing_that_was_accepted() {
    check(|| {
        let (queue, disk) = (Arc::new(Queue::new()), Arc::new(Mutex::new(Disk::default())));
        let writer = start(&queue, &disk);
        let givers: Vec<_> = (0..2)
            .map(|giver| {
                let (queue, disk) = (Arc::clone(&queue), Arc::clone(&disk));
                thread::spawn(move || give(&queue, &disk, giver, 2))
            })
            .collect();
        queue.close();
        let answered: usize = givers.into_iter().map(|giver| giver.join().unwrap()).sum();
        writer.join().unwrap();
        assert_eq!(disk.lock().unwrap().written.len(), answered);
        assert!(queue.is_closed());
    });
}

#[test]
fn work_that_waits_together_shares_a_sync() {
    // In some order of threads at least, or the queue would be of no use.
    // Not the model's primitives: these outlive one order.
    let groups = Arc::new(std::sync::Mutex::new(BTreeSet::new()));
    let seen = Arc::clone(&groups);
    check(move || {
        let (queue, disk) = (Arc::new(Queue::new()), Arc::new(Mutex::new(Disk::default())));
        let givers: Vec<_> = (0..3)
            .map(|giver| {
                let (queue, disk) = (Arc::clone(&queue), Arc::clone(&disk));
                thread::spawn(move || give(&queue, &disk, giver, 1))
            })
            .collect();
        let writer = thread::spawn({
            let (queue, disk) = (Arc::clone(&queue), Arc::clone(&disk));
            move || {
                let mut writer = Writer { disk, groups: 0 };
                queue.drive(&mut writer, Duration::ZERO);
                writer.groups
            }
        });
        for giver in givers {
            giver.join().unwrap();
        }
        queue.close();
        seen.lock().unwrap().insert(writer.join().unwrap());
    });
    assert_eq!(*groups.lock().unwrap(), [1, 2, 3].into());
}

#[test]
fn nobody_waits_for_a_writer_that_is_gone() {
    /// Ends after its first group, as a panic would end it.
    struct Once;

    impl Executor<Job> for Once {
        fn group(&mut self, jobs: Vec<Job>) {
            drop(jobs);
            std::panic::resume_unwind(Box::new("on purpose"));
        }
    }

    check(|| {
        let queue = Arc::new(Queue::new());
        let writer = thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                let driven = std::panic::AssertUnwindSafe(|| queue.drive(&mut Once, Duration::ZERO));
                assert!(std::panic::catch_unwind(driven).is_err());
            }
        });
        let givers: Vec<_> = (0..2)
            .map(|giver| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || {
                    for number in 0..2 {
                        let (answer, answered) = mpsc::channel();
                        if queue.push(Job { giver, number, answer }).is_ok() {
                            assert!(answered.recv().is_err(), "answered by a writer that is gone");
                        }
                    }
                })
            })
            .collect();
        for giver in givers {
            giver.join().unwrap();
        }
        queue.close();
        writer.join().unwrap();
    });
}
