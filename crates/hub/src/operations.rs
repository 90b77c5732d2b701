//! Operations of the backend and of clients: one at a time, each answered after it is on disk.
//! The backend is answered when every connected client it concerns was told, a client before.
//!
//! An operation runs from the start each time something it needs was loaded, and changes
//! nothing before it has everything. Then it asks the store for one change after the other;
//! [`After`] says what each is for.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use wire::id::{AppId, GroupId, Ticket, Uid};
use wire::limits::OPERATIONS_WAITING_MAX;
use wire::mask::group_error as denied;
use wire::time::Timestamp;

use crate::Output;
use crate::app_operations::{Quota, delete_app, new_app_token, over_quota, set_app};
use crate::classes::{delete_class, get_classes, set_class};
use crate::directory::{Missing, Needs, Roster};
use crate::group_requests::{Actor, Wish};
use crate::hub::{Hub, Pending};
use crate::kept_messages::Recalling;
use crate::letters::SentLetters;
use crate::personal_operations::Personal;
use crate::port::admin::{
    AdminError, Call, Credential, ErrorCode, IssuedToken, Operation, Param, Reply, TokenWish,
};
use crate::port::apps::{AppRequest, Scheduled};
use crate::port::store::{self, App, Contact, Group, Member, Note, Request, StoreError, User};
use crate::push_operations::{put_credential, set_push};

#[derive(Debug, Default)]
pub(crate) struct Operations {
    pub queue: VecDeque<Job>,
    /// Answers of the store that are missing before the first of the queue can be decided.
    loading: usize,
    /// One of them was a failure.
    load_failed: bool,
    /// The first of the queue has asked for a change.
    changing: bool,
    /// The client whose operation is being decided or followed.
    actor: Option<Actor>,
}

impl Operations {
    /// Users and groups of the app whose operation is first.
    pub fn count(&mut self, counted: (u64, u64)) {
        if let Some(job) = self.queue.front_mut() {
            job.counted = Some(counted);
        }
    }

    /// The operation that is first has made a user.
    pub fn added_user(&mut self) {
        if let Some((users, _)) = self.queue.front_mut().and_then(|job| job.counted.as_mut()) {
            *users += 1;
        }
    }

    /// Who asks for what is being done now, `None` for the backend.
    pub fn actor(&self) -> Option<&Actor> {
        self.actor.as_ref()
    }
}

#[derive(Debug)]
pub(crate) struct Job {
    pub asker: Asker,
    /// Groups of the user it is about, once they are known.
    pub memberships: Option<Vec<GroupId>>,
    /// How many groups users are in who are to be members, once they are counted.
    pub groups_of: Option<BTreeMap<Uid, u32>>,
    /// Users and groups of the app, once they are counted.
    pub counted: Option<(u64, u64)>,
    /// It counts against the rate of its app.
    charged: bool,
    after: Option<After>,
}

/// Who asks, and for what.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // One for each operation that waits.
pub(crate) enum Asker {
    Backend {
        ticket: Ticket,
        call: Call,
    },
    Client(Actor, Wish),
    /// A message whose time has come.
    Clock(Scheduled),
}

impl Asker {
    fn actor(&self) -> Option<Actor> {
        match self {
            Asker::Backend { .. } | Asker::Clock(_) => None,
            Asker::Client(actor, _) => Some(actor.clone()),
        }
    }
}

/// What a change is for, and so what follows it.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // One for each operation that waits for the store.
pub(crate) enum After {
    AppCreated { token: String },
    AppSaved { app: App, reply: Reply },
    PushPlaces { app: App, user: User },
    ClassSaved { app: App, id: u32, reply: Reply },
    AppToken { app: App, token: String },
    UsageRead { aid: AppId, totals: (u64, u64) },
    AppDeleted { app: App },
    AppsListed,
    Counted,
    UserSaved { remove: Option<Option<String>>, wish: Option<TokenWish>, new: bool },
    TokenIssued { user: User, new: bool, issued: IssuedToken },
    TokensDeleted { user: User, wish: Option<TokenWish> },
    TokenDeleted,
    UsersListed,
    GroupsListed,
    Scheduled { due: Timestamp, mids: Vec<u64>, failed: Vec<String> },
    LettersStored(SentLetters),
    MessagesRead { of: Uid, forward: bool, deleted: bool },
    MessagesDeleted { notes: Vec<Note> },
    Cancelled(Recalling),
    Recalling(Recalling),
    Recalled(Recalling, Vec<Note>),
    Unscheduled,
    UserForced,
    Memberships,
    MembershipsCounted,
    UserDeleted { user: User, notes: Vec<Note> },
    UserShutOut,
    ContactsLoaded { uid: Uid, add: Vec<Contact>, remove: Vec<Uid> },
    ContactsSaved { uid: Uid, known: Vec<Contact> },
    LeavingTold { user: User, notes: Vec<Note> },
    Personal(Personal),
    GroupCreated { group: Group, put: Vec<Member>, failed: Vec<String> },
    GroupSaved { roster: Roster, notes: Vec<Note>, reply: Reply },
    GroupDeleted { group: Group, notes: Vec<Note> },
}

/// How far an operation has come.
#[allow(clippy::large_enum_variant)] // One at a time, on the stack.
pub(crate) enum Progress {
    Answered(Reply),
    Refused(AdminError),
    /// A client may not; `wire::mask::group_error`.
    Denied(u32),
    /// The asker has its answer already.
    Told,
    Ask(Request, After),
    /// Once more from the start, with what is known now.
    Again,
    /// As before, when this is loaded.
    Load(Needs),
    /// It counts against the app's rate, and is begun now.
    Charged,
}

impl From<AdminError> for Progress {
    fn from(error: AdminError) -> Progress {
        Progress::Refused(error)
    }
}

impl Hub {
    pub(crate) fn on_admin(&mut self, ticket: Ticket, call: Call) {
        self.take_job(Asker::Backend { ticket, call });
    }

    /// A client asks for an operation.
    pub(crate) fn on_wish(&mut self, actor: Actor, wish: Wish) {
        self.take_job(Asker::Client(actor, wish));
    }

    pub(crate) fn take_job(&mut self, asker: Asker) {
        if self.operations.queue.len() >= OPERATIONS_WAITING_MAX {
            let error = refusal(ErrorCode::RateLimit, "too many operations wait", &[]);
            return self.answer(asker, Err(error));
        }
        self.operations.queue.push_back(Job {
            asker,
            memberships: None,
            groups_of: None,
            counted: None,
            charged: false,
            after: None,
        });
        self.work_on_admin();
    }

    /// Goes on with the first operation as far as it goes without the store.
    fn work_on_admin(&mut self) {
        while self.operations.loading == 0
            && !self.operations.changing
            && let Some(job) = self.operations.queue.pop_front()
        {
            self.operations.actor = job.asker.actor();
            let progress = self.perform(&job);
            self.operations.queue.push_front(job);
            match progress {
                Ok(progress) => self.advance(progress),
                Err(needs) => {
                    self.operations.loading = needs.0.len();
                    self.load_for_admin(needs);
                }
            }
        }
    }

    fn advance(&mut self, progress: Progress) {
        match progress {
            Progress::Answered(reply) => self.answer_admin(Ok(reply)),
            Progress::Refused(error) => self.answer_admin(Err(error)),
            Progress::Denied(error) => {
                if let Some(Job { asker: Asker::Client(actor, wish), .. }) =
                    self.operations.queue.pop_front()
                {
                    self.answer_client(&actor, &wish, Err(error));
                }
            }
            Progress::Told => {}
            Progress::Ask(request, after) => {
                self.operations.changing = true;
                if let Some(job) = self.operations.queue.front_mut() {
                    job.after = Some(after);
                }
                self.ask(request, Pending::Admin);
            }
            Progress::Again => {}
            Progress::Load(needs) => {
                self.operations.loading = needs.0.len();
                self.load_for_admin(needs);
            }
            Progress::Charged => {
                if let Some(job) = self.operations.queue.front_mut() {
                    job.charged = true;
                }
            }
        }
    }

    fn answer_admin(&mut self, result: Result<Reply, AdminError>) {
        if let Some(job) = self.operations.queue.pop_front() {
            self.answer(job.asker, result);
        }
    }

    fn answer(&mut self, asker: Asker, result: Result<Reply, AdminError>) {
        match asker {
            Asker::Backend { ticket, .. } => self.output(Output::AdminReply { ticket, result }),
            Asker::Client(actor, wish) => {
                self.answer_client(&actor, &wish, result.map_err(|error| group_error(&error)));
            }
            Asker::Clock(_) => self.on_clock_done(result.is_ok()),
        }
    }

    /// A client hears of its own change before the entries of its log that tell it.
    pub(crate) fn answer_client_first(&mut self, reply: Reply) -> Progress {
        match self.operations.actor.is_some() {
            true => {
                self.answer_admin(Ok(reply));
                Progress::Told
            }
            false => Progress::Answered(reply),
        }
    }

    pub(crate) fn on_admin_load_failed(&mut self) {
        self.operations.load_failed = true;
        self.on_admin_loaded();
    }

    pub(crate) fn on_admin_loaded(&mut self) {
        self.operations.loading = self.operations.loading.saturating_sub(1);
        if self.operations.loading == 0 && core::mem::take(&mut self.operations.load_failed) {
            self.answer_admin(Err(storage_failed()));
        }
        self.work_on_admin();
    }

    pub(crate) fn on_admin_stored(&mut self, result: Result<store::Reply, StoreError>) {
        let Some(job) = self.operations.queue.front_mut() else { return };
        let Some(after) = job.after.take() else { return };
        let entropy = match &job.asker {
            Asker::Backend { call, .. } => call.entropy,
            // Makes no tokens.
            Asker::Client(..) | Asker::Clock(_) => [0; 64],
        };
        self.operations.actor = job.asker.actor();
        self.operations.changing = false;
        let progress = match result {
            Ok(reply) => self.follow(after, reply, &entropy),
            Err(StoreError::Exists) => {
                let cause = "the name or address is taken";
                Progress::Refused(refusal(ErrorCode::Exists, cause, &[]))
            }
            Err(error) => {
                self.log(format!("storage: {error}"));
                Progress::Refused(storage_failed())
            }
        };
        self.advance(progress);
        self.work_on_admin();
    }

    /// Decides on an operation from its start.
    fn perform(&mut self, job: &Job) -> Result<Progress, Needs> {
        let call = match &job.asker {
            Asker::Backend { call, .. } => call,
            Asker::Client(actor, wish) => {
                return self.perform_wish(actor, wish, job);
            }
            Asker::Clock(scheduled) => return self.send_scheduled(scheduled),
        };
        let app = match self.authenticate(&call.credential)? {
            Ok(app) => app,
            Err(error) => return Ok(Progress::Refused(error)),
        };
        // The operator, and parts of this process that ask for a user, are not the backend.
        if let Some(app) = &app
            && matches!(call.credential, Credential::App(_))
            && !job.charged
        {
            if !self.charge_app(app.aid) {
                let cause = "too many operations a second of this app";
                return Ok(refusal(ErrorCode::RateLimit, cause, &[]).into());
            }
            return Ok(Progress::Charged);
        }
        let operation = match &call.operation {
            Ok(operation) => operation.clone(),
            Err(error) => return Ok(Progress::Refused(error.clone())),
        };
        let Some(app) = app else { return self.perform_with_key(operation, &call.entropy) };
        let aid = app.aid;
        match operation {
            Operation::AppAdd { .. } | Operation::AppsGet => {
                let cause = "this operation takes the admin key";
                Ok(refusal(ErrorCode::AuthFail, cause, &[Param::Key]).into())
            }
            Operation::AppSet { fields, .. } if fields.active.is_some() => {
                // Not AuthFail: the token is good, and addresses with many bad ones are blocked.
                let cause = "switching an app on or off takes the admin key";
                Ok(refusal(ErrorCode::NotAllowed, cause, &[Param::AppActive]).into())
            }
            Operation::AppSet { fields, .. } => Ok(set_app(&app, fields)),
            Operation::AppStats { monthly, count } => {
                Ok(self.get_usage(aid, (monthly, count), job.counted))
            }
            Operation::ClassSet { id, update, patch } => Ok(set_class(&app, id, update, &patch)),
            Operation::ClassesGet { id } => Ok(get_classes(&app, id)),
            Operation::ClassDelete { id } => Ok(delete_class(&app, id)),
            Operation::PushUpload { credential } => Ok(put_credential(&app, credential)),
            Operation::PushSet { fields } => Ok(set_push(&app, fields)),
            Operation::PushTest { user } => Ok(self.test_push(app, &user)?),
            Operation::AppGet { .. } => Ok(Progress::Answered(Reply::AppRow(app))),
            Operation::AppToken { .. } => Ok(new_app_token(app, &call.entropy)),
            Operation::AppDelete { name } => Ok(delete_app(app, &name)),
            Operation::GroupMedia { gid } => Ok(match self.directory.group(aid, gid)? {
                Some(_) => Progress::Answered(Reply::Media(gid)),
                None => no_group().into(),
            }),
            Operation::Hooks(wish) => Ok(Progress::Answered(Reply::Hooks(aid, wish))),
            Operation::UserAdd { address, fields, token } => {
                self.add_user(&app, address, fields, token, job)
            }
            Operation::UserSet { user, fields, remove, token } => {
                self.set_user(&app, &user, fields, (remove, token), &call.entropy)
            }
            Operation::UserToken { user, token } => match self.user(aid, &user)? {
                Err(error) => Ok(error.into()),
                Ok(user) => Ok(self.issue(user, false, token, &call.entropy)),
            },
            Operation::UserTokenDelete { user, app } => match self.user(aid, &user)? {
                Err(error) => Ok(error.into()),
                Ok(user) => {
                    let request = Request::DeleteTokens { uid: user.uid, app };
                    Ok(Progress::Ask(request, After::TokensDeleted { user, wish: None }))
                }
            },
            Operation::TokenDelete { hash } => {
                let request = Request::OfApp(AppRequest::DeleteToken { aid, hash });
                Ok(Progress::Ask(request, After::TokenDeleted))
            }
            Operation::UserDelete { user } => match self.user(aid, &user)? {
                Err(error) => Ok(error.into()),
                Ok(user) => self.delete_user(aid, user, job.memberships.as_deref()),
            },
            Operation::UserExport { user, after, count } => {
                self.export_user(aid, &user, (after, count))
            }
            Operation::Contacts { user, add, remove } => {
                self.edit_contacts(aid, &user, &add, &remove)
            }
            Operation::UserErase { user, rest } => {
                self.erase_user(aid, &user, job.memberships.as_deref(), rest)
            }
            Operation::UsersGet { filter, online } => Ok(self.list_users(aid, filter, online)),
            Operation::Otp { address, tries, expiry_s, reuse } => {
                Ok(self.make_otp(aid, address, (tries, expiry_s, reuse), &call.entropy))
            }
            Operation::GroupsGet { filter } => {
                let request = Request::OfApp(AppRequest::Groups { aid, filter });
                Ok(Progress::Ask(request, After::GroupsListed))
            }
            Operation::GroupPin { gid, action } => {
                self.change_pins(aid, gid, action, &call.entropy)
            }
            Operation::Message(letter) => self.send_letter(&app, letter, job),
            Operation::MessagesGet { user, with, before, after, count, deleted } => {
                self.get_messages(aid, &user, with.as_ref(), (before, after), (count, deleted))
            }
            Operation::MessagesDelete { user, with, before, recall } => {
                self.delete_messages(aid, &user, with, (before, recall))
            }
            Operation::MessagesRecall { user, mids } => self.recall_messages(aid, &user, mids),
            Operation::GroupAdd { fields, members, rights } => {
                match over_quota(&app, job, Quota::Groups) {
                    Some(progress) => Ok(progress),
                    None => self.add_group(aid, fields, (&members, &rights), job),
                }
            }
            Operation::GroupSet { gid, fields, members, rights } => {
                self.set_group(aid, gid, fields, (&members, &rights), job)
            }
            Operation::GroupDelete { gid } => self.delete_group(aid, gid),
            Operation::MembersEdit { gid, members, rights } => {
                self.edit_members(aid, gid, (&members, &rights), job)
            }
            Operation::MembersRemove { gid, members } => self.remove_members(aid, gid, &members),
            Operation::GroupRecord { gid, on } => Ok(self.record_group(aid, gid, on)?),
            Operation::GroupAdmit { gid, members, admit } => {
                self.admit(aid, gid, (&members, admit), job)
            }
            Operation::MembersGet { gid, pending: true, after, count } => {
                self.get_waiting(aid, gid, after, count)
            }
            Operation::MembersGet { gid, pending: false, after, count } => {
                self.get_members(aid, gid, after, count)
            }
        }
    }

    /// The app of an app token, `None` for the admin key.
    fn authenticate(
        &self,
        credential: &Credential,
    ) -> Result<Result<Option<App>, AdminError>, Missing> {
        let refused = |cause: &str| Ok(Err(refusal(ErrorCode::AuthFail, cause, &[Param::Token])));
        match credential {
            Credential::None => refused("the request carries no token"),
            Credential::AdminKey => Ok(Ok(None)),
            Credential::ForApp(aid) => Ok(match self.directory.app(*aid)? {
                Some(app) => Ok(Some(app.clone())),
                None => Err(refusal(ErrorCode::NotFound, "no such app", &[Param::AppId])),
            }),
            Credential::App(hash) => match self.directory.app_of_token(hash)? {
                None => refused("the token is not known"),
                Some(App { active: false, .. }) => {
                    Ok(Err(refusal(ErrorCode::AppDisabled, "the app is switched off", &[])))
                }
                Some(app) => Ok(Ok(Some(app.clone()))),
            },
        }
    }
}

pub(crate) fn refusal(code: ErrorCode, cause: &str, params: &[Param]) -> AdminError {
    AdminError { code, cause: cause.to_string(), params: params.to_vec() }
}

/// What a client is told of a refusal that the backend would be told in words.
fn group_error(error: &AdminError) -> u32 {
    match error.code {
        ErrorCode::NoGroup => denied::DELETED,
        ErrorCode::Quota => denied::ACCESS_DENIED,
        _ => denied::GENERAL,
    }
}

pub(crate) fn no_group() -> AdminError {
    refusal(ErrorCode::NoGroup, "no such group in this app", &[Param::Gid])
}

pub(crate) fn no_members() -> AdminError {
    refusal(ErrorCode::NoUser, "none of the members is a user of this app", &[Param::Members])
}

pub(crate) fn storage_failed() -> AdminError {
    refusal(ErrorCode::Server, "storage failed; the server's log says more", &[])
}
