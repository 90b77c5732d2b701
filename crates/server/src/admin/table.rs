//! Every parameter of the backend API: its spellings in the flat and in the JSON form, and what it
//! may be. The parser reads by it, error answers name by it, the description is made from it.

use hub::port::admin::Param;
use wire::limits::{
    ADDRESS_BYTES_MAX, APP_ID_BYTES_MAX, APP_SETTING_BYTES_MAX, IMAGE_URL_BYTES_MAX,
    NAME_BYTES_MAX, STATUS_BYTES_MAX,
};

/// What a parameter may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text of at most so many bytes, trimmed, without control characters.
    Text(usize),
    /// Text as it is.
    Body,
    /// 32 bits: a number, or decimal or `0x…` text.
    Integer,
    /// Degrees, or bytes beyond 32 bits.
    Number,
    /// `true`, `false`, 1, 0, or one of these as text.
    Boolean,
    /// Texts with commas between them, or an array.
    List,
    /// An object with named fields.
    Object,
}

/// One parameter.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub param: Param,
    /// At the top of the request; the first one is what errors say.
    pub flat: &'static [&'static str],
    /// With points between the objects; the first one is what errors say.
    pub json: &'static [&'static str],
    pub kind: Kind,
    pub about: &'static str,
}

const fn row(
    param: Param,
    flat: &'static [&'static str],
    json: &'static [&'static str],
    kind: Kind,
    about: &'static str,
) -> Row {
    Row { param, flat, json, kind, about }
}

use Kind::{Body, Boolean, Integer, List, Number, Object, Text};

/// All of them.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    row(Param::Op, &["op"], &["op"], Text(32), "the operation"),
    row(Param::Token, &["token"], &["token"], Text(APP_SETTING_BYTES_MAX), "token of the app"),
    row(Param::Key, &["key"], &["key"], Text(APP_SETTING_BYTES_MAX), "admin key of the installation"),
    row(Param::Count, &["count"], &["count", "message.count", "user.count", "group.count"], Integer, "rows wanted, 20 unless given"),
    row(Param::After, &["after"], &["after"], Integer, "only rows with a greater number"),

    row(Param::Place, &["after"], &["after"], Number, "next of an earlier answer"),
    row(Param::UserAddress, &["addr"], &["user.address"], Text(ADDRESS_BYTES_MAX), "address of the user, 1 to 63 bytes"),
    row(Param::UserUid, &["uid"], &["user.uid"], Integer, "number of the user"),
    row(Param::UserName, &["name"], &["user.name", "user.profile.name"], Text(NAME_BYTES_MAX), "display name"),
    row(Param::UserActive, &["active"], &["user.active"], Boolean, "may sign in"),
    row(Param::UserFlags, &["flag"], &["user.flags", "user.flag"], Integer, "user flags"),
    row(Param::UserPinned, &["pinned", "pin"], &["user.pinned"], Boolean, "mark of the console"),
    row(Param::UserGroups, &["groups"], &["user.groups"], Integer, "groups the user may create"),
    row(Param::UserStatus, &[], &["user.profile.status"], Text(STATUS_BYTES_MAX), "status line"),
    row(Param::UserInfo, &[], &["user.profile.info"], Text(STATUS_BYTES_MAX), "the named value info of the profile"),
    row(Param::UserImage, &[], &["user.profile.image"], Text(IMAGE_URL_BYTES_MAX), "URL of the picture"),
    row(Param::UserUac, &["uac"], &["user.uac"], Integer, "feature class"),
    row(Param::UserE2ee, &[], &["user.e2ee"], Boolean, "end-to-end encryption allowed"),
    row(Param::UserOtp, &["otp"], &["user.otp"], Text(64), "one-time code that has to be right"),
    row(Param::UserPattern, &["addr"], &["user.address"], Text(ADDRESS_BYTES_MAX), "address, * stands for any run"),
    row(Param::UserOnline, &["online"], &["online", "user.online"], Boolean, "only who is online, or is not"),
    row(Param::UserToken, &["usertoken"], &["user.usertoken"], Text(APP_SETTING_BYTES_MAX), "the token to delete"),
    row(Param::TokenAppId, &["appid"], &["user.token.appid", "user.appid"], Text(APP_ID_BYTES_MAX), "app id the client sets"),
    row(Param::TokenExpiry, &["expiry"], &["user.token.expiry"], Integer, "life of the token, minutes; 0 = for ever"),
    row(Param::TokenV2, &["v2"], &["user.token.v2"], Boolean, "good with any app id"),
    row(Param::TokenRemove, &["delete"], &["user.token.remove"], Boolean, "delete tokens instead"),
    row(Param::OtpAddress, &["addr"], &["otp.address"], Text(ADDRESS_BYTES_MAX), "address the code is for"),
    row(Param::OtpTries, &["tries"], &["otp.tries"], Integer, "wrong attempts allowed"),
    row(Param::OtpExpiry, &["expiry"], &["otp.expiry"], Integer, "life of the code, seconds"),
    row(Param::OtpReuse, &["reuse"], &["otp.reuse"], Boolean, "give the same code again, good more than once"),

    row(Param::Gid, &["gid"], &["group.gid"], Integer, "number of the group"),
    row(Param::GroupName, &["name"], &["group.name", "group.profile.name"], Text(NAME_BYTES_MAX), "display name"),
    row(Param::GroupPattern, &["name"], &["group.name"], Text(NAME_BYTES_MAX), "name, * stands for any run"),
    row(Param::GroupFlags, &["flag"], &["group.flags", "group.flag"], Integer, "group flags"),
    row(Param::GroupModes, &[], &["group.permissions"], Object, "send, recv, pub, sub, list: members, selected or anyone"),
    row(Param::GroupExpiry, &["expiry"], &["group.expiry"], Integer, "seconds from now, 0 = never"),
    row(Param::GroupExpiryExt, &["expiryext"], &["group.expiryext"], Integer, "seconds each use moves the expiry ahead"),
    row(Param::GroupActive, &["active"], &["group.active"], Boolean, "may be used"),
    row(Param::GroupPinned, &["pinned"], &["group.pinned"], Boolean, "mark of the console"),
    row(Param::GroupOwner, &[], &["group.owner", "group.uid"], Text(ADDRESS_BYTES_MAX), "uid or address of the owner"),
    row(Param::GroupCall, &["sflags"], &["group.call"], Object, "room settings: packed number, or flags, resolution, duration, fps, videobitrate and audiobitrate (kbit/s a stream), maxpublishers, and named bits"),
    row(Param::GroupStatus, &[], &["group.profile.status"], Text(STATUS_BYTES_MAX), "status line"),
    row(Param::GroupImage, &[], &["group.profile.image"], Text(IMAGE_URL_BYTES_MAX), "URL of the picture"),
    row(Param::GroupType, &["type"], &["group.type", "group.members.type"], Integer, "by message type: not part of this release"),
    row(Param::GroupStart, &[], &["group.start"], Number, "seconds since 1970 when its room opens, 0 = it is open"),
    row(Param::GroupDuration, &[], &["group.duration"], Integer, "seconds of a conference, from start or the first stream; 0 = without limit"),
    row(Param::GroupLobby, &[], &["group.lobby"], Boolean, "who joins waits until it is let in (groupadmit)"),
    row(Param::Members, &["m"], &["group.members.m", "group.m"], List, "addresses of members"),
    row(Param::MembersRemove, &["delete"], &["group.members.remove", "group.delete", "group.remove"], Boolean, "remove instead of add"),
    row(Param::MembersAdmit, &["admit"], &["group.admit"], Boolean, "let them in, else send them away"),
    row(Param::MembersPending, &["pending"], &["group.pending", "pending"], Boolean, "who waits to be let in, instead"),
    row(Param::GroupRecord, &["record"], &["group.record"], Boolean, "begin or end a recording; only tell whether there is one when it is not given"),
    row(Param::MemberSend, &["cs"], &["group.members.permissions.send"], Boolean, "may send"),
    row(Param::MemberReceive, &["cr"], &["group.members.permissions.recv"], Boolean, "receives"),
    row(Param::MemberPublish, &["canpub"], &["group.members.permissions.pub"], Boolean, "may publish"),
    row(Param::MemberSubscribe, &["cansub"], &["group.members.permissions.sub"], Boolean, "may subscribe"),
    row(Param::MemberList, &["canlist"], &["group.members.permissions.list"], Boolean, "is told who is in the room"),
    row(Param::MemberRecord, &[], &["group.members.permissions.record"], Boolean, "may record"),
    row(Param::MemberRights, &[], &["group.members.flags"], Integer, "member flags"),
    row(Param::MemberAdmin, &[], &["group.members.admin"], Object, "admin rights by name, true or false"),
    row(Param::MemberAdminFlags, &[], &["group.members.adminflags"], Integer, "admin flags"),
    row(Param::MemberExpiry, &[], &["group.members.expiry"], Integer, "seconds until membership ends, 0 = never"),
    row(Param::MemberCall, &[], &["group.members.call"], Object, "less than the group allows: flags, named bits, resolution, duration, fps, videobitrate, audiobitrate"),
    row(Param::MemberBusy, &[], &["group.members.busy"], Boolean, "takes no turn in a group with turns"),
    row(Param::Pin, &["pin"], &["group.pin"], Integer, "the pin; drawn when it is not given"),
    row(Param::PinSend, &["cs"], &["group.permissions.send"], Boolean, "who joins may send"),
    row(Param::PinReceive, &["cr"], &["group.permissions.recv"], Boolean, "who joins receives"),
    row(Param::PinPublish, &["canpub"], &["group.permissions.pub"], Boolean, "who joins may publish"),
    row(Param::PinSubscribe, &["cansub"], &["group.permissions.sub"], Boolean, "who joins may subscribe"),
    row(Param::PinList, &["canlist"], &["group.permissions.list"], Boolean, "who joins is told who is in the room"),
    row(Param::PinFlags, &["flags", "flag"], &["group.flags"], Integer, "member flags of who joins"),
    row(Param::PinAdmin, &["adminflags"], &["group.adminflags"], Integer, "admin flags of who joins"),
    row(Param::PinExpiry, &["expiry"], &["group.expiry"], Integer, "seconds until nobody joins with it, 0 = never"),
    row(Param::PinUses, &["uses"], &["group.uses"], Integer, "how often it may be used, 0 = without limit"),
    row(Param::PinDelete, &["delete"], &["group.delete", "group.remove"], Boolean, "remove the pin"),

    row(Param::MessageFrom, &["from"], &["message.from"], Text(ADDRESS_BYTES_MAX), "address of the sender"),
    row(Param::MessageTo, &["to"], &["message.to"], List, "addresses"),
    row(Param::MessageGid, &["gid"], &["message.gid"], Integer, "number of the group"),
    row(Param::MessageType, &["type"], &["message.type"], Integer, "type of the application"),
    row(Param::MessageExpiry, &["expiry"], &["message.expiry"], Integer, "seconds it waits, 0 = only who is online"),
    row(Param::MessageWhen, &["when"], &["message.when"], Integer, "seconds until it is sent"),
    row(Param::MessageFlags, &["flag"], &["message.flags", "message.flag"], Integer, "1 delivery receipt, 2 read receipt, 4 not stored"),
    row(Param::MessageForced, &["forced"], &["message.forced"], Boolean, "make users that are missing"),
    row(Param::MessageBody, &["msg"], &["message.message"], Body, "text"),
    row(Param::MessageData, &[], &["message.data"], Body, "bytes as base64, instead of text"),
    row(Param::MessageTitle, &["title"], &["message.title"], Body, "title"),
    row(Param::MessageSubtitle, &["subtitle"], &["message.subtitle"], Body, "subtitle"),
    row(Param::MessageUrl, &["url"], &["message.url"], Text(IMAGE_URL_BYTES_MAX), "URL of a file"),
    row(Param::MessageFileType, &[], &["message.filetype"], Integer, "1 image, 2 video, 3 audio, 4 location, 10 other"),
    row(Param::MessageSize, &[], &["message.size"], Number, "bytes of the file"),
    row(Param::MessageThumbnail, &[], &["message.tn"], Body, "thumbnail as base64, 32 KiB"),
    row(Param::MessageLatitude, &[], &["message.lat"], Number, "degrees"),
    row(Param::MessageLongitude, &[], &["message.lon"], Number, "degrees"),
    row(Param::MessageReply, &[], &["message.refid"], Number, "id of the message it answers"),

    row(Param::MessageUser, &["addr", "address"], &["message.address"], Text(ADDRESS_BYTES_MAX), "address of the user whose messages these are"),
    row(Param::MessageUid, &["uid"], &["message.uid"], Integer, "number of the user whose messages these are"),
    row(Param::MessagePeer, &["peer"], &["message.peer"], Text(ADDRESS_BYTES_MAX), "address of the other side"),
    row(Param::MessageBefore, &["before"], &["message.before"], Number, "next of an earlier answer"),
    row(Param::MessageAfter, &["after"], &["message.after"], Number, "the same: what came after it, 0 = from the beginning"),
    row(Param::MessageBeforeTime, &["before_ts"], &["message.before_ts"], Number, "seconds since 1970: only older ones"),
    row(Param::MessageDeleted, &["deleted"], &["message.deleted"], Boolean, "also those that were taken back"),
    row(Param::MessageAll, &["all"], &["message.all"], Boolean, "of all conversations"),
    row(Param::MessageRecall, &["recall"], &["message.recall"], Boolean, "devices remove theirs too"),
    row(Param::MessageIds, &["mid"], &["message.mid"], List, "numbers of messages of the user, taken back from everybody"),

    row(Param::AppId, &["aid"], &["app.aid"], Integer, "number of the app, with the admin key"),
    row(Param::AppName, &["name"], &["app.name"], Text(64), "name of the app, 2 to 64 bytes"),
    row(Param::AppActive, &["active"], &["app.active"], Boolean, "switched on; takes the admin key"),
    row(Param::AppUsersMax, &["maxusers"], &["app.maxusers"], Integer, "users at most, 0 = without limit"),
    row(Param::AppGroupsMax, &["maxgroups"], &["app.maxgroups"], Integer, "groups at most, 0 = without limit"),
    row(Param::AppMessagesMax, &["maxmsgs"], &["app.maxmsgs"], Integer, "messages in a month at most, 0 = without limit"),
    row(Param::AppUrl, &["url"], &["app.url"], Text(APP_SETTING_BYTES_MAX), "where events are posted"),
    row(Param::AppNotify, &["notify"], &["app.notify"], Integer, "which events"),
    row(Param::AppSecret, &["secret"], &["app.secret"], Text(128), "signs the events"),
    row(Param::AppWebhookVersion, &["webhookversion"], &["app.webhookversion"], Integer, "0, 1 or 2"),
    row(Param::AppInterval, &["ninterval"], &["app.ninterval"], Integer, "seconds between two events about one user"),
    row(Param::AppFcmId, &["fcm_id"], &["app.fcm_id"], Text(APP_SETTING_BYTES_MAX), "kept and told"),
    row(Param::AppFcmKey, &["fcm_key"], &["app.fcm_key"], Text(APP_SETTING_BYTES_MAX), "kept, never told"),
    row(Param::AppPushFlags, &["pushflags"], &["app.pushflags"], Integer, "1: push messages say who wrote what"),
    row(Param::AppFlags, &["flag"], &["app.flag", "app.flags"], Integer, "kept and told"),
    row(Param::AppRetention, &["retention"], &["app.retention"], Number, "days, -1 = for ever"),
    row(Param::AppUploadUrl, &["uploadurl"], &["app.uploadurl"], Text(APP_SETTING_BYTES_MAX), "where clients upload instead of to this server"),
    row(Param::AppDownloadUrl, &["downloadurl"], &["app.downloadurl"], Text(APP_SETTING_BYTES_MAX), "below what files uploaded here are downloaded, for a host of their own"),
    row(Param::AppUploadMax, &["upload_maxmb"], &["app.upload_maxmb"], Integer, "MiB of one file at most, 0 = as the installation has it"),
    row(Param::AppTokenPolicy, &["token_policy"], &["app.token_policy"], Text(16), "replace, keep:N or keep"),
    row(Param::PushFile, &["file"], &["push.file"], Body, "file of the credential: a part of a form, or base64"),
    row(Param::PushFileName, &["filename"], &["push.filename"], Text(APP_SETTING_BYTES_MAX), "its name; .json is fcm, .p12 is apn"),
    row(Param::PushType, &["type"], &["push.type"], Text(16), "fcm or apn"),
    row(Param::PushBackground, &["background"], &["push.background"], Boolean, "show nothing: bit 1 of pushflags, the other way round"),
    row(Param::PushSound, &["sound"], &["push.sound"], Text(64), "sound of what phones show, empty = none"),
    row(Param::PushInterval, &["interval"], &["push.interval"], Integer, "seconds between two to somebody who does not come, 0 = 60"),
    row(Param::PushDebug, &["debug"], &["push.debug"], Boolean, "the server's log says what push services answer"),
    row(Param::PushSandbox, &["sandbox"], &["push.sandbox"], Boolean, "Apple's service for apps that are being developed"),
    row(Param::PushDelete, &["delete"], &["push.delete"], List, "names of credentials to delete"),
    row(Param::PushAddress, &["addr"], &["push.address"], Text(ADDRESS_BYTES_MAX), "address of who is woken"),
    row(Param::PushUid, &["uid"], &["push.uid"], Integer, "number of who is woken"),
    row(Param::ClassId, &["uac_id"], &["uac.id"], Integer, "number of the feature class, from 1 on"),
    row(Param::ClassUpdate, &[], &["uac.update"], Boolean, "1 changes a class there is, 0 makes one"),
    row(Param::Class, &[], &["uac"], Object, "sections with what is left to users of the class: features, message, presence, call, conf, group, file, ratelimit; others are kept and given back"),
    row(Param::StatsCount, &["count"], &["count"], Integer, "rows wanted, 31 unless given"),
    row(Param::StatsMonthly, &["monthly"], &["monthly"], Boolean, "months instead of days"),
    row(Param::HookIds, &["ids"], &["ids"], List, "numbers of events that were given up; all when none is named"),
    row(Param::AppIntercept, &["intercept"], &["app.intercept"], Text(APP_SETTING_BYTES_MAX), "URL that is asked about each message of a page before it is accepted, empty = none"),
    row(Param::AppInterceptFail, &["interceptfail"], &["app.interceptfail"], Text(16), "what becomes of a message when nobody answers: open (it goes) or closed (it does not)"),
    row(Param::AppWords, &["words"], &["app.words"], List, "messages of pages with one of these words go to nobody; replaces the former ones"),
    row(Param::AppE2ee, &["e2ee"], &["app.e2ee"], Boolean, "end-to-end encryption allowed"),
];

/// The row of a parameter.
pub fn row_of(param: Param) -> &'static Row {
    ROWS.iter().find(|row| row.param == param).expect("every parameter has a row")
}

/// What a parameter is called in the flat or in the JSON form.
pub fn path(param: Param, json: bool) -> &'static str {
    let Row { flat, json: object, .. } = row_of(param);
    let (first, second) = if json { (object, flat) } else { (flat, object) };
    first.first().or(second.first()).expect("every parameter has a spelling")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_has_one_row_and_a_spelling() {
        for (index, row) in ROWS.iter().enumerate() {
            assert!(ROWS[index + 1..].iter().all(|other| other.param != row.param), "{row:?}");
            assert!(!row.json.is_empty(), "{row:?}");
        }
    }

    #[test]
    fn a_parameter_is_named_in_the_form_that_was_used() {
        assert_eq!(path(Param::UserAddress, false), "addr");
        assert_eq!(path(Param::UserAddress, true), "user.address");
        assert_eq!(path(Param::UserE2ee, false), "user.e2ee");
    }
}
