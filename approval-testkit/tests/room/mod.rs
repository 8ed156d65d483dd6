//! People in one room, asked by a channel that is made of one function; and ways in which it can go wrong.

mod fault;
mod page;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use approval_core::{
    Clock, Principal, RequestId,
    lifecycle::Edit,
    model::{Ballot, canonical::to_canonical},
    notify::{HandlerReply, Notice, Notifier, NotifyError, handler},
};
use approval_testkit::channel_suite::{BoxError, ChannelFactory, ChannelPeople, Reply};
use async_trait::async_trait;
use tokio::sync::{oneshot, watch};

/// How long somebody waits to be asked.
const MOMENT: Duration = Duration::from_millis(300);

pub(super) use self::fault::Fault;
use self::{fault::Faulty, page::page};

/// Rooms with a good channel, or one that goes wrong in one way.
pub(super) struct Rooms(pub(super) Option<Fault>);

#[async_trait]
impl ChannelFactory for Rooms {
    async fn set_up(
        &self,
        people: &[Principal],
        _: Arc<dyn Clock>,
    ) -> Result<Box<dyn ChannelPeople>, BoxError> {
        let room = Arc::new(Room {
            people: people.to_vec(),
            shown: Mutex::default(),
            asked: watch::Sender::new(VecDeque::new()),
            broken: watch::Sender::new(false),
            fault: self.0,
        });
        let asked = Arc::clone(&room);
        let channel = handler("room", move |notice| {
            let room = Arc::clone(&asked);
            async move { room.ask(&notice).await }
        });
        let channel = match self.0 {
            None => channel,
            Some(fault) => Arc::new(Faulty::new(channel, fault)),
        };
        Ok(Box::new(InTheRoom { room, channel }))
    }
}

/// People in one room, asked by the function.
struct Room {
    people: Vec<Principal>,
    shown: Mutex<Vec<(Principal, String)>>,
    /// Who has been asked and has not answered.
    asked: watch::Sender<VecDeque<Question>>,
    broken: watch::Sender<bool>,
    fault: Option<Fault>,
}

struct Question {
    to: Principal,
    request: RequestId,
    answer: oneshot::Sender<HandlerReply>,
}

impl Room {
    async fn ask(&self, notice: &Notice) -> Result<HandlerReply, NotifyError> {
        let broken = || Err(NotifyError::retry("nobody opens the door"));
        if *self.broken.borrow() {
            return broken();
        }
        assert!(self.people.contains(&notice.to));
        self.shown.lock().unwrap().push((notice.to.clone(), page(notice, self.fault)));
        let (answer, answered) = oneshot::channel();
        let question = Question { to: notice.to.clone(), request: notice.request.id, answer };
        self.asked.send_modify(|asked| asked.push_back(question));
        match answered.await {
            Ok(reply) => Ok(reply),
            Err(_) => broken(),
        }
    }

    /// Takes the oldest question to somebody about a request that is still waited for.
    fn take(&self, who: &Principal, request: RequestId) -> Option<Question> {
        let mut taken = None;
        self.asked.send_if_modified(|asked| {
            asked.retain(|question| !question.answer.is_closed());
            let place = asked.iter().position(|asked| asked.to == *who && asked.request == request);
            taken = place.and_then(|place| asked.remove(place));
            false
        });
        taken
    }
}

struct InTheRoom {
    room: Arc<Room>,
    channel: Arc<dyn Notifier>,
}

#[async_trait]
impl ChannelPeople for InTheRoom {
    fn channel(&self) -> Arc<dyn Notifier> {
        Arc::clone(&self.channel)
    }

    async fn shown(&self, who: &Principal) -> Result<String, BoxError> {
        let shown = self.room.shown.lock().unwrap();
        let pages = shown.iter().filter(|(to, _)| to == who).map(|(_, page)| page.as_str());
        Ok(pages.collect::<Vec<_>>().join("\n"))
    }

    async fn answer(&self, who: &Principal, request: RequestId, reply: &Reply) -> Result<bool, BoxError> {
        let mut asked = self.room.asked.subscribe();
        let question = tokio::time::timeout(MOMENT, async {
            loop {
                if let Some(question) = self.room.take(who, request) {
                    return question;
                }
                asked.changed().await.expect("the room is there");
            }
        });
        let Ok(question) = question.await else { return Ok(false) };
        let reply = match reply {
            Reply::Approve => HandlerReply::Approve,
            Reply::Reject(why) => HandlerReply::Reject(why.clone()),
            Reply::Answer(value) => {
                HandlerReply::Vote { ballot: Ballot::Answer(to_canonical(value)?), note: None }
            }
            Reply::Edit { path, value } => {
                let edit = Edit { path: path.as_str().into(), value: to_canonical(value)? };
                HandlerReply::ApproveEdited { edits: vec![edit], note: None }
            }
        };
        Ok(question.answer.send(reply).is_ok())
    }

    async fn cut_off(&self) -> Result<(), BoxError> {
        self.room.broken.send_replace(true);
        self.room.asked.send_modify(VecDeque::clear);
        Ok(())
    }
}
