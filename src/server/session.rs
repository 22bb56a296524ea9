//! What is open, and what the editor is told of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types::{MessageType, Uri};
use serde_json::{Value, json};

use super::client::{Client, Options, SECTION};
use super::diagnostics::of_config_error;
use super::documents::Documents;
use super::publish::Published;
use super::requests::{self, Promise};
use super::roots::{Root, Roots};
use super::uri;
use super::view::{Analysed, Unknown};
use super::wire::{self, Incoming};
use super::worker::{Done, Job, JobKind, JobResult};
use crate::busy::Busy;
use crate::fence;
use crate::source::Disk;

/// How often it is told how far the first analysis has come.
const PROGRESS: Duration = Duration::from_millis(200);

/// What can happen to a session.
pub(super) enum Event {
    /// The editor has said something.
    Message(Incoming),
    /// The editor is gone.
    Closed,
    /// A job is done.
    Done(Box<Done>),
}

/// How far the conversation has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// Nobody has said who they are.
    Strange,
    /// The editor has been told what the server can do.
    Introduced,
    /// Both know that.
    Ready,
    /// The editor wants nothing more.
    Over,
}

/// What the editor was asked.
pub(super) enum Asked {
    /// Whether progress may be shown under this token.
    Progress(String),
    /// The settings of these roots, and then those of everything else.
    Settings(Vec<u64>),
    /// Which of these places to show.
    Choice(Vec<(String, Value)>),
    /// Something whose answer does not matter.
    Nothing,
}

/// The progress that is shown of a first analysis.
#[derive(PartialEq, Eq)]
enum Progress {
    None,
    /// The editor was asked, under this token.
    Asked(String),
    Begun(String, usize),
}

/// One conversation with an editor.
pub(super) struct Session {
    output: Sender<Value>,
    jobs: Sender<Job>,
    pub phase: Phase,
    pub client: Client,
    /// The settings where no root has others.
    pub options: Options,
    pub documents: Documents,
    pub roots: Roots,
    /// Requests that wait for an analysis.
    waiting: Vec<Request>,
    /// Requests that wait for a job of their own, by their numbers, and the number of the last one.
    promises: BTreeMap<u64, Promise>,
    promised: u64,
    /// What was published, by URIs.
    pub published: HashMap<String, Published>,
    asked: HashMap<RequestId, Asked>,
    questions: u64,
    /// What is being done, if something is.
    busy: Option<Arc<Busy>>,
    /// The root that is being analysed again, if one is.
    again: Option<u64>,
    progress: Progress,
    /// What was complained about last, so that it is said once.
    pub complaint: Option<String>,
}

impl Session {
    pub fn new(output: Sender<Value>, jobs: Sender<Job>) -> Self {
        Self {
            output,
            jobs,
            phase: Phase::Strange,
            client: Client::default(),
            options: Options::default(),
            documents: Documents::default(),
            roots: Roots::default(),
            waiting: Vec::new(),
            promises: BTreeMap::new(),
            promised: 0,
            published: HashMap::new(),
            asked: HashMap::new(),
            questions: 0,
            busy: None,
            again: None,
            progress: Progress::None,
            complaint: None,
        }
    }

    /// Answers until the editor is gone. Returns the exit code.
    pub fn run(mut self, events: &Receiver<Event>) -> u8 {
        loop {
            let event = match self.patience() {
                None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(patience) => events.recv_timeout(patience),
            };
            let over = u8::from(self.phase != Phase::Over);
            match event {
                Ok(Event::Message(Incoming::Message(Message::Notification(told))))
                    if told.method == "exit" =>
                {
                    return over;
                }
                Ok(Event::Message(message)) => self.fenced(|session| session.hear(message)),
                Ok(Event::Done(done)) => self.fenced(|session| session.conclude(*done)),
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Event::Closed) | Err(RecvTimeoutError::Disconnected) => return over,
            }
            self.fenced(Self::go_on);
        }
    }

    /// Does something, and goes on if that panics.
    fn fenced(&mut self, work: impl FnOnce(&mut Self)) {
        if let Err(bug) = fence::catch(|| work(self)) {
            self.log(MessageType::ERROR, &format!("a bug in tallylint: {bug}"));
        }
    }

    /// How long nothing has to be done; `None`: until something happens.
    fn patience(&self) -> Option<Duration> {
        if self.busy.is_some() {
            return matches!(self.progress, Progress::Begun(..)).then_some(PROGRESS);
        }
        if self.phase != Phase::Ready {
            return None;
        }
        self.roots.iter().filter_map(Root::due).min()
    }

    /// Does what is due.
    fn go_on(&mut self) {
        if let (Progress::Begun(token, told), Some(busy)) = (&mut self.progress, &self.busy) {
            let seen = busy.seen();
            if seen.percent > *told {
                *told = seen.percent;
                let value = json!({
                    "kind": "report",
                    "percentage": seen.percent,
                    "message": format!("{} files", seen.files),
                });
                let params = json!({ "token": token, "value": value });
                self.tell("$/progress", params);
            }
        }
        if self.busy.is_some() || self.phase != Phase::Ready {
            return;
        }
        let busy = Arc::default();
        let mut wanted = None;
        let mut gone = Vec::new();
        for (number, promise) in &self.promises {
            wanted = requests::job(self, *number, promise, &busy);
            if wanted.is_some() {
                break;
            }
            gone.push(*number);
        }
        for promise in gone
            .iter()
            .filter_map(|number| self.promises.remove(number))
            .collect::<Vec<_>>()
        {
            self.answer(promise.id().clone(), Ok(Value::Null));
        }
        let job = wanted.or_else(|| {
            let is_due = |root: &&Root| root.due().is_some_and(|due| due.is_zero());
            let id = self.roots.iter().find(is_due)?.id;
            let open = self.roots.numbers();
            let root = self.roots.get_mut(id)?;
            let job = root.job(JobKind::Analyse, &self.documents, (&busy, open));
            // An editor that watches files tells of what happens to them.
            if self.client.watches {
                root.disk = Disk::Same;
            }
            Some(job)
        });
        let Some(job) = job else { return };
        let root = self.roots.get(job.root);
        let is_first = root.is_some_and(|root| root.analysed.is_none());
        let is_analysis = matches!(job.kind, JobKind::Analyse);
        if is_analysis && self.client.shows_progress && is_first {
            let token = format!("{SECTION}/{}", job.root);
            self.ask(
                "window/workDoneProgress/create",
                json!({ "token": token }),
                Asked::Progress(token.clone()),
            );
            self.progress = Progress::Asked(token);
        }
        self.busy = Some(busy);
        self.again = (is_analysis && !is_first).then_some(job.root);
        // The worker is there as long as this session.
        let _ = self.jobs.send(job);
    }

    fn hear(&mut self, message: Incoming) {
        match message {
            Incoming::Malformed(wrong) => {
                let _ = self.output.send(wrong.answer());
                self.log(
                    MessageType::WARNING,
                    &format!("no message: {}", wrong.message),
                );
            }
            Incoming::Message(Message::Request(request)) => self.request(request),
            Incoming::Message(Message::Notification(told)) => self.told(told),
            Incoming::Message(Message::Response(answer)) => self.answered(answer),
        }
    }

    fn request(&mut self, request: Request) {
        let id = request.id.clone();
        match (self.phase, request.method.as_str()) {
            (Phase::Strange, "initialize") => {
                self.introduce(&request.params);
                self.answer(id, Ok(requests::capabilities(self.client.encoding)));
                self.phase = Phase::Introduced;
            }
            (Phase::Strange, _) => {
                let error = (ErrorCode::ServerNotInitialized, "`initialize` comes first");
                self.answer(id, Err((error.0, error.1.to_owned())));
            }
            (Phase::Over, _) | (_, "initialize") => {
                let message = "this request does not come now".to_owned();
                self.answer(id, Err((ErrorCode::InvalidRequest, message)));
            }
            (_, "shutdown") => {
                self.phase = Phase::Over;
                for request in std::mem::take(&mut self.waiting) {
                    self.answer(request.id, Err(cancelled()));
                }
                for promise in std::mem::take(&mut self.promises).values() {
                    self.answer(promise.id().clone(), Err(cancelled()));
                }
                self.answer(id, Ok(Value::Null));
            }
            _ => {
                self.phase = Phase::Ready;
                self.try_to_answer(request);
            }
        }
    }

    /// Answers a request, or keeps it until it can be answered.
    fn try_to_answer(&mut self, request: Request) {
        let id = request.id.clone();
        let reply = fence::catch(|| requests::reply(self, &request));
        match reply {
            Ok(requests::Reply::Now(result)) => self.answer(id, result),
            Ok(requests::Reply::Later) => self.waiting.push(request),
            Ok(requests::Reply::Promised) => {}
            Err(bug) => {
                let message = format!("a bug in tallylint: {bug}");
                self.answer(id, Err((ErrorCode::InternalError, message)));
            }
        }
    }

    fn introduce(&mut self, params: &Value) {
        self.client = Client::new(params);
        match Options::parse(params.get("initializationOptions").unwrap_or(&Value::Null)) {
            Ok(options) => self.options = options,
            Err(wrong) => self.complain(MessageType::WARNING, &wrong),
        }
        let text = |value: &Value| value.as_str().and_then(|text| text.parse::<Uri>().ok());
        let folders = params.get("workspaceFolders").and_then(Value::as_array);
        let folders = folders.into_iter().flatten();
        let mut folders: Vec<Uri> = folders
            .filter_map(|folder| text(folder.get("uri")?))
            .collect();
        if folders.is_empty() {
            let path = params.get("rootPath").and_then(Value::as_str);
            let of_path = || uri::of_path(std::path::Path::new(path?));
            folders.extend(params.get("rootUri").and_then(text).or_else(of_path));
        }
        for folder in folders {
            self.roots.add_folder(&folder, &self.options);
        }
    }

    pub fn cancel(&mut self, id: &RequestId) {
        let waiting = self.waiting.extract_if(.., |request| request.id == *id);
        let mut cancelled_ids: Vec<RequestId> = waiting.map(|request| request.id).collect();
        self.promises.retain(|_, promise| {
            let is_it = promise.id() == id;
            cancelled_ids.extend(is_it.then(|| id.clone()));
            !is_it
        });
        for id in cancelled_ids {
            self.answer(id, Err(cancelled()));
        }
    }

    /// An answer of the editor.
    fn answered(&mut self, answer: Response) {
        let Some(asked) = self.asked.remove(&answer.id) else {
            return;
        };
        let Ok(result) = answer.response_result else {
            return;
        };
        match asked {
            Asked::Nothing => {}
            Asked::Progress(token) if self.progress == Progress::Asked(token.clone()) => {
                let value = json!({
                    "kind": "begin", "title": "tallylint", "percentage": 0, "cancellable": false,
                });
                self.tell("$/progress", json!({ "token": token, "value": value }));
                self.progress = Progress::Begun(token, 0);
            }
            // The analysis is over.
            Asked::Progress(_) => {}
            Asked::Settings(roots) => {
                let all = result.as_array().cloned().unwrap_or_default();
                let ids = roots.into_iter().map(Some).chain([None]);
                for (id, value) in ids.zip(all).filter(|(_, value)| !value.is_null()) {
                    match (Options::parse(&value), id) {
                        (Ok(options), Some(id)) => self.set_options(id, &options),
                        (Ok(options), None) => self.options = options,
                        (Err(wrong), _) => self.complain(MessageType::WARNING, &wrong),
                    }
                }
            }
            Asked::Choice(places) => {
                let title = result.get("title").and_then(Value::as_str);
                let chosen = places
                    .into_iter()
                    .find(|(name, _)| Some(name.as_str()) == title);
                if let Some((_, place)) = chosen {
                    self.ask("window/showDocument", place, Asked::Nothing);
                }
            }
        }
    }

    /// A job is done: tells what came of it.
    fn conclude(&mut self, done: Done) {
        self.busy = None;
        self.again = None;
        if let Progress::Begun(token, _) = std::mem::replace(&mut self.progress, Progress::None) {
            let value = json!({ "kind": "end" });
            self.tell("$/progress", json!({ "token": token, "value": value }));
        }
        match done.result {
            JobResult::Stopped => {
                // The next one has to look again.
                let root = self.roots.get_mut(done.root);
                if let Some(root) = root.filter(|_| done.disk == Disk::Changed) {
                    root.disk = Disk::Changed;
                }
            }
            JobResult::Analysed(result) => {
                let result = match *result {
                    Ok(Ok(run)) => Ok(run),
                    Ok(Err(error)) => Err(of_config_error(&error)),
                    Err(bug) => Err(Unknown {
                        place: None,
                        message: format!("a bug in tallylint: {bug}"),
                    }),
                };
                let analysed = Analysed::new(done.revision, done.stamps, result);
                self.take_over(done.root, analysed);
            }
            JobResult::Fixed(number, result) => {
                if let Some(Promise::Fixes(fixing)) = self.promises.remove(&number) {
                    let id = fixing.id.clone();
                    let reply = requests::fixed(self, fixing, result);
                    self.answer(id, reply);
                }
            }
            JobResult::Called(number, callers) => {
                if let Some(Promise::Callers { id, root, .. }) = self.promises.remove(&number) {
                    let reply = requests::called(self, root, callers);
                    self.answer(id, reply);
                }
            }
        }
        self.go_through_waiting();
    }

    /// Stops an analysis of a root whose texts have changed. The first one goes on: until there is one, nothing is known.
    pub fn stop(&self, root: u64) {
        if let Some(busy) = self.busy.as_ref().filter(|_| self.again == Some(root)) {
            busy.stop();
        }
    }

    /// Keeps a request until the job for it is done.
    pub fn promise(&mut self, promise: Promise) {
        self.promised += 1;
        self.promises.insert(self.promised, promise);
    }

    /// Answers the requests that no longer have to wait.
    pub fn go_through_waiting(&mut self) {
        for request in std::mem::take(&mut self.waiting) {
            self.try_to_answer(request);
        }
    }

    pub fn answer(&self, id: RequestId, result: Result<Value, (ErrorCode, String)>) {
        let response = match result {
            Ok(value) => Response::new_ok(id, value),
            Err((code, message)) => Response::new_err(id, code as i32, message),
        };
        let _ = self
            .output
            .send(wire::to_json(&Message::Response(response)));
    }

    pub fn tell(&self, method: &str, params: Value) {
        let message = Message::Notification(Notification::new(method.to_owned(), params));
        let _ = self.output.send(wire::to_json(&message));
    }

    pub fn ask(&mut self, method: &str, params: Value, asked: Asked) {
        self.questions += 1;
        let id = RequestId::from(format!("{SECTION}/{}", self.questions));
        self.asked.insert(id.clone(), asked);
        let message = Message::Request(Request::new(id, method.to_owned(), params));
        let _ = self.output.send(wire::to_json(&message));
    }

    pub fn log(&self, kind: MessageType, text: &str) {
        self.tell(
            "window/logMessage",
            json!({ "type": kind, "message": text }),
        );
    }

    /// Says something to the user, unless it was said last.
    pub fn complain(&mut self, kind: MessageType, text: &str) {
        if self.complaint.as_deref() != Some(text) {
            self.complaint = Some(text.to_owned());
            self.tell(
                "window/showMessage",
                json!({ "type": kind, "message": text }),
            );
        }
    }
}

fn cancelled() -> (ErrorCode, String) {
    (ErrorCode::RequestCanceled, "cancelled".to_owned())
}
