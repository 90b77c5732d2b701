//! What follows a change that an operation has made, once it is on disk: memory, connected clients,
//! the answer or the next change.

use alloc::format;
use alloc::vec::Vec;
use wire::code::Code;

use crate::directory::Roster;
use crate::hub::Hub;
use crate::kept_messages::read_messages;
use crate::operations::{After, Progress, storage_failed};
use crate::port::admin::Reply;
use crate::port::hook::GroupEvent;
use crate::port::store::{self, Group, Request};
use crate::token::hash_token;

impl Hub {
    /// A change is on disk: memory follows, clients are told, and perhaps there is a next one.
    pub(crate) fn follow(
        &mut self,
        after: After,
        reply: store::Reply,
        entropy: &[u8; 64],
    ) -> Progress {
        match (after, reply) {
            (After::AppCreated { token }, store::Reply::App(Some(app))) => {
                let hash = hash_token(&token);
                self.directory.put_app(app.clone(), Some(hash));
                Progress::Answered(Reply::App { aid: app.aid, name: app.name, token })
            }
            (After::UserSaved { remove, wish, new }, store::Reply::User(Some(user))) => {
                let progress = match (remove, wish) {
                    (Some(app), wish) => {
                        let request = Request::DeleteTokens { uid: user.uid, app };
                        Progress::Ask(request, After::TokensDeleted { user: user.clone(), wish })
                    }
                    (None, Some(wish)) => self.issue(user.clone(), new, wish, entropy),
                    (None, None) => {
                        let user = user.clone();
                        self.answer_client_first(Reply::User { user, new, token: None })
                    }
                };
                self.on_user_saved(&user);
                progress
            }
            (After::UserForced, store::Reply::User(Some(user))) => {
                self.directory.put_user(user);
                self.operations.added_user();
                Progress::Again
            }
            (
                After::TokenIssued { user, new, issued },
                store::Reply::TokenIssued { replaced, .. },
            ) => {
                self.sign_out(user.uid, &replaced);
                Progress::Answered(Reply::User { user, new, token: Some(issued) })
            }
            (After::TokensDeleted { user, wish }, store::Reply::TokensDeleted(tokens)) => {
                self.sign_out(user.uid, &tokens);
                match wish {
                    Some(wish) => self.issue(user, false, wish, entropy),
                    None => Progress::Answered(Reply::User { user, new: false, token: None }),
                }
            }
            (After::Memberships, store::Reply::Groups(groups)) => {
                if let Some(job) = self.operations.queue.front_mut() {
                    job.memberships = Some(groups);
                }
                Progress::Again
            }
            (After::MembershipsCounted, store::Reply::MembershipCounts(counts)) => {
                if let Some(job) = self.operations.queue.front_mut() {
                    job.groups_of = Some(counts.into_iter().collect());
                }
                Progress::Again
            }
            (After::UserDeleted { user, notes }, reply) => {
                self.end_sessions_of(user.uid, None, Code::SignedOut, "the user was deleted");
                self.directory.remove_user(user.uid);
                self.on_notes(&notes, Ok(reply));
                Progress::Answered(Reply::User { user, new: false, token: None })
            }
            (After::GroupCreated { group, put, failed }, store::Reply::GroupSaved { gid, .. }) => {
                let group = Group { gid, ..group };
                let before = Roster { group: group.clone(), ..Roster::default() };
                let uids: Vec<_> = put.iter().map(|member| member.uid).collect();
                let members = put.into_iter().map(|member| (member.uid, member)).collect();
                let after = Roster { group: group.clone(), members };
                self.directory.put_group(group.clone(), []);
                self.hook_group(&group, GroupEvent::Created);
                let reply = Reply::Group { group, failed };
                if uids.is_empty() {
                    return Progress::Answered(reply);
                }
                match self.save_group(&before, after, &uids, reply) {
                    Ok(progress) => progress,
                    // All members were looked up just now.
                    Err(_) => Progress::Refused(storage_failed()),
                }
            }
            (After::GroupSaved { roster, notes, reply }, saved) => {
                let gid = roster.group.gid;
                self.hook_group_change(&roster);
                self.directory.put_group(roster.group, roster.members.into_values());
                let progress = self.answer_client_first(reply);
                self.on_notes(&notes, Ok(saved));
                self.on_room_rights(gid, false);
                progress
            }
            (After::GroupDeleted { group, notes }, reply) => {
                let gid = group.gid;
                self.directory.remove_group(gid);
                self.hook_group(&group, GroupEvent::Deleted);
                let progress = self.answer_client_first(Reply::Group { group, failed: Vec::new() });
                self.on_notes(&notes, Ok(reply));
                self.on_room_rights(gid, true);
                progress
            }
            (After::ContactsLoaded { uid, add, remove }, store::Reply::Contacts(known)) => {
                self.on_contacts_loaded(uid, known, (add, remove))
            }
            (After::ContactsSaved { uid, known }, store::Reply::Contacts(saved)) => {
                self.on_contacts_edited(uid, known, &saved)
            }
            (After::UserShutOut, store::Reply::User(Some(user))) => {
                self.on_user_saved(&user);
                Progress::Again
            }
            (After::LeavingTold { user, notes }, reply) => {
                self.on_notes(&notes, Ok(reply));
                Hub::after_leaving(user)
            }
            (After::Personal(of), store::Reply::Personal(reply)) => self.follow_personal(of, reply),
            (after, store::Reply::OfApp(reply)) => self.follow_app(after, reply),
            (After::MessagesRead { of, forward, deleted }, store::Reply::History(rows)) => {
                read_messages(of, rows, (forward, deleted))
            }
            (After::MessagesDeleted { notes }, reply) => {
                self.on_notes(&notes, Ok(reply));
                Progress::Answered(Reply::Deleted(None))
            }
            (After::Recalling(recalling), store::Reply::Message(found)) => {
                self.on_recall_found(recalling, found)
            }
            (After::Recalled(recalling, notes), reply) => {
                self.on_notes(&notes, Ok(reply));
                self.recall_next(recalling)
            }
            (After::PushPlaces { app, user }, store::Reply::PushTokens(places)) => {
                self.on_push_places(&app, &user, places)
            }
            (After::LettersStored(sent), store::Reply::Stored(outcomes)) => {
                self.on_letters_stored(sent, outcomes)
            }
            (after, reply) => {
                self.log(format!("the store answered {after:?} with {reply:?}"));
                Progress::Refused(storage_failed())
            }
        }
    }
}
