//! Files on their way up: what the page gave is held, kept in a database of its own beside the
//! messages, and sent by XMLHttpRequest, which tells of its progress.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use client::Input;
use client::port::transfer::{Command, Input as Told, Target};
use client::sorted::Map;
use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::{Blob, FormData, ProgressEvent, XmlHttpRequest, XmlHttpRequestResponseType};
use wire::id::MessageId;
use wire::limits::{THUMBNAIL_BYTES_MAX, THUMBNAIL_WITHIN};

use super::database::{self, Database, done, stored};
use super::media::reason;
use super::schema::object;
use crate::api::arguments::property;
use crate::api::records;
use crate::driver::{Engine, spawn};

/// Files by the number of their message; where an upload was begun by the number as text; what is to
/// become of pictures, `{i: number, j: job}`, by the place of the picture: one for each.
const STORE: &str = "files";
/// Places of pictures begin with it, and are before the other one.
const JOB: &str = "p";
const JOBS_END: &str = "q";

pub struct Transfers {
    driver: Engine,
    /// What the page gave, before it is read.
    given: RefCell<Map<MessageId, JsValue>>,
    held: RefCell<Map<MessageId, Blob>>,
    /// Of pictures, what is to become of them.
    jobs: RefCell<Map<MessageId, JsValue>>,
    database: RefCell<Option<Rc<Database>>>,
    /// Resolved when the database that was asked for is there, or cannot be had.
    opening: RefCell<Option<Promise>>,
    /// Whose files are held.
    account: RefCell<String>,
    /// The attempt of each file that is under way, and its request.
    running: RefCell<Map<MessageId, (u32, Option<XmlHttpRequest>)>>,
    attempts: Cell<u32>,
}

/// An attempt that may have been given up meanwhile.
struct Attempt {
    driver: Engine,
    id: MessageId,
    number: u32,
}

/// What is sent.
enum Body<'a> {
    Nothing,
    Blob(&'a Blob),
    Form(&'a FormData),
}

impl Transfers {
    pub fn new(driver: Engine) -> Transfers {
        Transfers {
            driver,
            given: RefCell::default(),
            held: RefCell::default(),
            jobs: RefCell::default(),
            database: RefCell::default(),
            opening: RefCell::default(),
            account: RefCell::default(),
            running: RefCell::default(),
            attempts: Cell::new(0),
        }
    }

    /// What the page gave for a message, as `js/file.js` describes it.
    pub fn hold(&self, id: MessageId, content: JsValue) {
        self.given.borrow_mut().insert(id, content);
    }

    /// A picture that is to be uploaded, unless it is one that is kept, and what is to become of it.
    pub fn hold_picture(&self, id: MessageId, picture: Option<Blob>, job: JsValue) {
        self.jobs.borrow_mut().insert(id, job);
        let Some(picture) = picture else { return };
        self.held.borrow_mut().insert(id, picture);
        let driver = self.driver;
        spawn(async move { driver.transfers.keep_held(id).await });
    }

    /// Keeps what is held, and its job behind it.
    async fn keep_held(&self, id: MessageId) {
        let held = self.blob(id);
        if let Some(blob) = held {
            self.keep(number(id), &blob).await;
        }
        let job = self.jobs.borrow().get(&id).cloned();
        if let Some(job) = job {
            let kept = object(&[("i", number(id)), ("j", job.clone())]);
            self.keep(place_of(&job), &kept).await;
        }
    }

    /// The file of a message, when it is in memory.
    pub fn blob(&self, id: MessageId) -> Option<Blob> {
        self.held.borrow().get(&id).cloned()
    }

    /// From now on files are kept beside the database of this name and user.
    pub fn open(&self, name: Option<&str>, account: &str) {
        let former = self.account.replace(account.into());
        *self.database.borrow_mut() = None;
        *self.opening.borrow_mut() = None;
        if !former.is_empty() && former != account {
            // Another user: what was kept stays with the former one, what was held goes.
            self.given.borrow_mut().clear();
            self.held.borrow_mut().clear();
            self.jobs.borrow_mut().clear();
        }
        let Some(name) = name else { return };
        let name = format!("mesibo-{name}-{account}-files");
        let (driver, account) = (self.driver, account.to_owned());
        let opening = future_to_promise(async move {
            let lay_out =
                |database: &Database| database.create_store(STORE, &JsValue::UNDEFINED).map(drop);
            let database = database::open(&name, 1, lay_out).await;
            let transfers = &driver.transfers;
            // Another user may have come meanwhile.
            if *transfers.account.borrow() == account {
                // Without a database they are held until the page is closed.
                *transfers.database.borrow_mut() = database.ok().map(Rc::new);
                for kept in transfers.kept_jobs().await.unwrap_or_default().iter() {
                    let engine = driver.page.instance.borrow().clone();
                    let (id, job) = (property(&kept, "i"), property(&kept, "j"));
                    records::joined().resume_picture(&engine, &id, &job);
                }
            }
            Ok(JsValue::UNDEFINED)
        });
        *self.opening.borrow_mut() = Some(opening);
        spawn(async move {
            let held: Vec<_> = driver.transfers.held.borrow().keys().copied().collect();
            for id in held {
                driver.transfers.keep_held(id).await;
            }
        });
    }

    pub fn perform(&self, command: Command) {
        let driver = self.driver;
        match command {
            Command::Prepare { id } => spawn(async move {
                let told = driver.transfers.prepare(id).await;
                driver.input(Input::Transfer(told));
            }),
            Command::Upload { id, name, target } => {
                let number = self.attempts.get() + 1;
                self.attempts.set(number);
                self.running.borrow_mut().insert(id, (number, None));
                spawn(async move {
                    let attempt = Attempt { driver, id, number };
                    let told = attempt.upload(&name, target).await;
                    attempt.end(told);
                });
            }
            Command::Abort { id } => {
                let ended = self.running.borrow_mut().remove(&id);
                if let Some((_, Some(request))) = ended {
                    // One that has ended cannot be aborted, and need not be.
                    let _ = request.abort();
                }
            }
            Command::Forget { id } => {
                self.held.borrow_mut().remove(&id);
                let job = self.jobs.borrow_mut().remove(&id);
                spawn(async move {
                    let transfers = &driver.transfers;
                    transfers.delete(number(id)).await;
                    transfers.delete(place(id)).await;
                    let Some(job) = job.map(|job| place_of(&job)) else { return };
                    // A newer picture has the place of this one.
                    let kept = transfers.read(job.clone()).await.unwrap_or_default();
                    if property(&kept, "i") == number(id) {
                        transfers.delete(job).await;
                    }
                });
            }
        }
    }

    /// Reads what the page gave and keeps it.
    async fn prepare(&self, id: MessageId) -> Told {
        let missing = |reason: &str| Told::Missing { id, reason: reason.into() };
        let given = self.given.borrow_mut().remove(&id);
        let Some(given) = given else { return missing("nothing was given") };
        let fetched = match property(&given, "src").as_string() {
            Some(url) => get(&url).await,
            None => JsValue::UNDEFINED,
        };
        let read = records::joined().read_file(&given, &fetched);
        let blob = match JsFuture::from(read).await.and_then(JsCast::dyn_into::<Blob>) {
            Ok(blob) => blob,
            Err(error) => return missing(&reason(&error)),
        };
        self.held.borrow_mut().insert(id, blob.clone());
        self.keep(number(id), &blob).await;
        let thumbnail = thumbnail_of(&given, &blob).await.into();
        Told::Prepared { id, size: blob.size() as u64, mime: blob.type_(), thumbnail }
    }

    /// The file of a message, from memory or the database.
    pub async fn find(&self, id: MessageId) -> Option<Blob> {
        if let Some(blob) = self.blob(id) {
            return Some(blob);
        }
        let blob: Blob = self.read(number(id)).await?.dyn_into().ok()?;
        self.held.borrow_mut().insert(id, blob.clone());
        Some(blob)
    }

    // ---- the database ----------------------------------------------------------------------

    /// The database, when there is one; what asks for it early waits until it is open.
    async fn opened(&self) -> Option<Rc<Database>> {
        let opening = self.opening.borrow().clone()?;
        // It is resolved, never rejected.
        let _ = JsFuture::from(opening).await;
        self.database.borrow().clone()
    }

    /// Where it cannot be kept it is held in memory: a reload would lose it.
    async fn keep(&self, key: JsValue, value: &JsValue) {
        let Some(database) = self.opened().await else { return };
        let write = async {
            let transaction =
                database.transaction(&STORE.into(), "readwrite", &JsValue::UNDEFINED)?;
            transaction.store(STORE)?.put(value, &key)?;
            stored(&transaction).await
        };
        if let Err(error) = write.await {
            let why = reason(&error);
            crate::api::listener::warn(&format!("a file is kept until the page is closed: {why}"));
        }
    }

    async fn read(&self, key: JsValue) -> Option<JsValue> {
        let database = self.opened().await?;
        let transaction = database.transaction(&STORE.into(), "readonly", &JsValue::UNDEFINED);
        done(transaction.ok()?.store(STORE).ok()?.get(&key).ok()?).await.ok()
    }

    /// What is to become of pictures that are kept.
    async fn kept_jobs(&self) -> Option<Array> {
        let database = self.database.borrow().clone()?;
        let transaction = database.transaction(&STORE.into(), "readonly", &JsValue::UNDEFINED);
        let jobs = database::range((&JOB.into(), true), (&JOBS_END.into(), false)).ok()?;
        done(transaction.ok()?.store(STORE).ok()?.get_all(&jobs, None).ok()?)
            .await
            .ok()?
            .dyn_into()
            .ok()
    }

    async fn delete(&self, key: JsValue) -> Option<()> {
        let database = self.opened().await?;
        let transaction = database.transaction(&STORE.into(), "readwrite", &JsValue::UNDEFINED);
        let transaction = transaction.ok()?;
        transaction.store(STORE).ok()?.delete(&key).ok()?;
        stored(&transaction).await.ok()
    }
}

impl Attempt {
    fn is_current(&self) -> bool {
        let running = self.driver.transfers.running.borrow();
        running.get(&self.id).is_some_and(|(number, _)| *number == self.number)
    }

    fn end(&self, told: Told) {
        if self.is_current() {
            self.driver.transfers.running.borrow_mut().remove(&self.id);
            self.driver.input(Input::Transfer(told));
        }
    }

    async fn upload(&self, name: &str, target: Target) -> Told {
        let id = self.id;
        let Some(blob) = self.driver.transfers.find(id).await else {
            return Told::Missing { id, reason: "the browser does not have it any more".into() };
        };
        let uploaded = match target {
            Target::Server { token, fresh } => self.in_pieces(&blob, name, &token, fresh).await,
            Target::Form { url, token, uid } => self.as_form(&blob, name, &url, &token, uid).await,
        };
        match uploaded {
            Ok(url) => Told::Uploaded { id, url },
            Err(status) => Told::Failed { id, status },
        }
    }

    /// By tus: from where the server has it.
    async fn in_pieces(
        &self,
        blob: &Blob,
        name: &str,
        token: &str,
        fresh: bool,
    ) -> Result<String, u16> {
        let transfers = &self.driver.transfers;
        let base = self.driver.page.server();
        let base = format!("{}/files/tus", base.trim_end_matches('/'));
        let bearer = format!("Bearer {token}");
        let common = [("Tus-Resumable", "1.0.0"), ("Authorization", &*bearer)];
        let known = transfers.read(place(self.id)).await.and_then(|place| place.as_string());
        // Integers: floating-point numbers as text are a tenth of the download.
        let mut offset = 0_u64;
        let place = match known.filter(|_| !fresh) {
            Some(known) => {
                let place = format!("{base}/{known}");
                let answer = self.ask("HEAD", &place, &common, Body::Nothing, 0.0).await?;
                if let Some(url) = header(&answer, "Mesibo-File-Url") {
                    return Ok(url);
                }
                offset =
                    header(&answer, "Upload-Offset").and_then(|n| n.parse().ok()).ok_or(0_u16)?;
                place
            }
            None => {
                let length = format!("{}", blob.size() as u64);
                let base64 = |text: &str| records::joined().to_base64(text);
                let kind = base64(&blob.type_());
                let metadata = format!("filename {},filetype {kind}", base64(name));
                let said = [("Upload-Length", &*length), ("Upload-Metadata", &*metadata)];
                let said = [&common[..], &said[..]].concat();
                let answer = self.ask("POST", &base, &said, Body::Nothing, 0.0).await?;
                let location = header(&answer, "Location").ok_or(0_u16)?;
                if let Some(url) = header(&answer, "Mesibo-File-Url") {
                    return Ok(url);
                }
                // Behind a proxy the server may know itself by another name.
                let name = location.rsplit('/').next().unwrap_or_default();
                transfers.keep(self::place(self.id), &JsValue::from_str(name)).await;
                format!("{base}/{name}")
            }
        };
        let at = format!("{offset}");
        let kind = ("Content-Type", "application/offset+octet-stream");
        let said = [&common[..], &[("Upload-Offset", &*at), kind]].concat();
        let rest = blob.slice_with_f64(offset as f64).map_err(|_| 0_u16)?;
        let answer = self.ask("PATCH", &place, &said, Body::Blob(&rest), offset as f64).await?;
        header(&answer, "Mesibo-File-Url").ok_or(0)
    }

    /// To a service of the page (`client-api.md` 3.11.3).
    async fn as_form(
        &self,
        blob: &Blob,
        name: &str,
        url: &str,
        token: &str,
        uid: u32,
    ) -> Result<String, u16> {
        let form = FormData::new().map_err(|_| 0_u16)?;
        let (mid, uid) = (format!("{}", self.id.get()), format!("{uid}"));
        let fields =
            [("op", "upload"), ("auth", token), ("uid", &uid), ("mid", &mid), ("source", "0")];
        for (field, value) in fields {
            form.append_with_str(field, value).map_err(|_| 0_u16)?;
        }
        let name = if name.is_empty() { "file" } else { name };
        form.append_with_blob_and_filename("file", blob, name).map_err(|_| 0_u16)?;
        let answer = self.ask("POST", url, &[], Body::Form(&form), 0.0).await?;
        let text = answer.response_text().ok().flatten().unwrap_or_default();
        let json = js_sys::JSON::parse(&text).unwrap_or_default();
        let url = ["url", "file"].into_iter().find_map(|name| property(&json, name).as_string());
        url.filter(|url| !url.is_empty()).ok_or(0)
    }

    /// One request; `Err` with its status unless that is a success.
    async fn ask(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Body<'_>,
        before: f64,
    ) -> Result<XmlHttpRequest, u16> {
        let request = XmlHttpRequest::new().map_err(|_| 0_u16)?;
        request.open_with_async(method, url, true).map_err(|_| 0_u16)?;
        for (name, value) in headers {
            request.set_request_header(name, value).map_err(|_| 0_u16)?;
        }
        if let Some((number, current)) =
            self.driver.transfers.running.borrow_mut().get_mut(&self.id)
            && *number == self.number
        {
            *current = Some(request.clone());
        } else {
            return Err(0);
        }
        let (driver, id) = (self.driver, self.id);
        let target = request.upload().map_err(|_| 0_u16)?;
        let _progress = EventListener::new(&target, "progress", move |event| {
            if let Some(event) = event.dyn_ref::<ProgressEvent>() {
                let (sent, total) = (before + event.loaded(), before + event.total());
                let told = Told::Progress { id, sent: sent as u64, total: total as u64 };
                driver.input(Input::Transfer(told));
            }
        });
        let ended = end_of(&request);
        let sent = match body {
            Body::Nothing => request.send(),
            Body::Blob(blob) => request.send_with_opt_blob(Some(blob)),
            Body::Form(form) => request.send_with_opt_form_data(Some(form)),
        };
        sent.map_err(|_| 0_u16)?;
        // It is resolved, never rejected.
        let _ = ended.await;
        match request.status().unwrap_or(0) {
            200..=299 => Ok(request),
            status => Err(status),
        }
    }
}

/// A small picture of a file, empty when there is none or the browser takes too long.
async fn thumbnail_of(given: &JsValue, blob: &Blob) -> Vec<u8> {
    let limit = THUMBNAIL_BYTES_MAX as u32;
    let made = records::joined().thumbnail_of(given, blob, limit);
    let mut timer = None;
    let late = Promise::new(&mut |resolve, _| {
        timer = Some(Timeout::new(THUMBNAIL_WITHIN.as_millis() as u32, move || {
            // A promise is there to be resolved.
            let _ = resolve.call0(&JsValue::UNDEFINED);
        }));
    });
    let made = JsFuture::from(Promise::race(&Array::of2(&made, &late))).await;
    drop(timer);
    let bytes = made.unwrap_or_default();
    bytes.dyn_into::<Uint8Array>().map(|bytes| bytes.to_vec()).unwrap_or_default()
}

/// What is at a URL, as a blob; `undefined` when it cannot be had.
async fn get(url: &str) -> JsValue {
    let Ok(request) = XmlHttpRequest::new() else { return JsValue::UNDEFINED };
    if request.open_with_async("GET", url, true).is_err() {
        return JsValue::UNDEFINED;
    }
    request.set_response_type(XmlHttpRequestResponseType::Blob);
    let ended = end_of(&request);
    if request.send().is_err() {
        return JsValue::UNDEFINED;
    }
    let _ = ended.await;
    match request.status() {
        Ok(200) => request.response().unwrap_or_default(),
        _ => JsValue::UNDEFINED,
    }
}

/// Ends with the request, however that ends.
fn end_of(request: &XmlHttpRequest) -> JsFuture {
    // Listening begins here, not when somebody waits for it.
    JsFuture::from(Promise::new(&mut |resolve, _| request.set_onloadend(Some(&resolve))))
}

fn header(answer: &XmlHttpRequest, name: &str) -> Option<String> {
    answer.get_response_header(name).ok().flatten()
}

fn number(id: MessageId) -> JsValue {
    JsValue::from_f64(id.get() as f64)
}

fn place(id: MessageId) -> JsValue {
    JsValue::from_str(&format!("{}", id.get()))
}

fn place_of(job: &JsValue) -> JsValue {
    JsValue::from_str(&format!("{JOB}{}", property(job, "k").as_string().unwrap_or_default()))
}
