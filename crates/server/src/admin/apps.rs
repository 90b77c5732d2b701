//! Operations on apps (`backend-api.md` 2.7).

use hub::port::admin::{AppFields, ErrorCode, HookWish, Operation, Param};
use hub::port::apps::Filter;
use wire::id::AppId;
use wire::limits::{WORD_BYTES_MAX, WORDS_MAX};

use super::fields::{Fields, Outcome, is_web, missing, refuse};
use super::users::page;

use Param as P;

pub const ADD: &[Param] = &[P::Key, P::AppName];
pub const ONE: &[Param] = &[P::Key, P::AppId];
pub const STATS: &[Param] = &[P::StatsCount, P::StatsMonthly];
pub const HOOKS: &[Param] = &[P::Count, P::After];
pub const SET: &[Param] = &[
    P::Key,
    P::AppId,
    P::AppName,
    P::AppActive,
    P::AppUsersMax,
    P::AppGroupsMax,
    P::AppMessagesMax,
    P::AppUrl,
    P::AppNotify,
    P::AppSecret,
    P::AppWebhookVersion,
    P::AppInterval,
    P::AppFcmId,
    P::AppFcmKey,
    P::AppPushFlags,
    P::AppFlags,
    P::AppRetention,
    P::AppUploadUrl,
    P::AppDownloadUrl,
    P::AppUploadMax,
    P::AppTokenPolicy,
    P::AppE2ee,
    P::AppIntercept,
    P::AppInterceptFail,
    P::AppWords,
];

pub fn add(fields: &Fields<'_>) -> Outcome<Operation> {
    match name(fields)? {
        None => Err(missing(&[P::AppName])),
        Some(name) => Ok(Operation::AppAdd { name }),
    }
}

pub fn set(fields: &Fields<'_>) -> Outcome<Operation> {
    let retention_days = match fields.number(P::AppRetention)? {
        None => None,
        Some(days) if days.fract() == 0.0 && (-1.0..=36_500.0).contains(&days) => Some(days as i32),
        Some(_) => {
            let cause = "retention is a number of days, or -1 for ever";
            return Err(refuse(ErrorCode::BadParam, cause, P::AppRetention));
        }
    };
    let webhook_version = fields.integer(P::AppWebhookVersion)?;
    if webhook_version.is_some_and(|version| version > 2) {
        let cause = "webhookversion can be 0, 1 or 2";
        return Err(refuse(ErrorCode::BadParam, cause, P::AppWebhookVersion));
    }
    let url = fields.text(P::AppUrl)?;
    let is_url = |url: &str| url.is_empty() || is_web(url);
    if url.as_ref().is_some_and(|url| !is_url(url)) {
        return Err(refuse(ErrorCode::BadParam, "url has to begin with https://", P::AppUrl));
    }
    let (upload_url, download_url) =
        (fields.text(P::AppUploadUrl)?, fields.text(P::AppDownloadUrl)?);
    for (given, param) in [(&upload_url, P::AppUploadUrl), (&download_url, P::AppDownloadUrl)] {
        if given.as_ref().is_some_and(|url| !is_url(url)) {
            return Err(refuse(ErrorCode::BadParam, "the URL has to begin with https://", param));
        }
    }
    let intercept_url = fields.text(P::AppIntercept)?;
    if intercept_url.as_ref().is_some_and(|url| !is_url(url)) {
        let cause = "the URL has to begin with https://";
        return Err(refuse(ErrorCode::BadParam, cause, P::AppIntercept));
    }
    let intercept_closed = match fields.full_text(P::AppInterceptFail)?.as_deref() {
        None => None,
        Some("open") => Some(false),
        Some("closed") => Some(true),
        Some(_) => {
            let cause = "interceptfail is open or closed";
            return Err(refuse(ErrorCode::BadParam, cause, P::AppInterceptFail));
        }
    };
    Ok(Operation::AppSet {
        aid: aid(fields)?,
        fields: AppFields {
            name: name(fields)?,
            active: fields.boolean(P::AppActive)?,
            users_max: fields.integer(P::AppUsersMax)?,
            groups_max: fields.integer(P::AppGroupsMax)?,
            messages_max: fields.integer(P::AppMessagesMax)?,
            url,
            notify: fields.integer(P::AppNotify)?,
            secret: fields.text(P::AppSecret)?,
            webhook_version,
            interval_s: fields.integer(P::AppInterval)?,
            fcm_id: fields.text(P::AppFcmId)?,
            fcm_key: fields.text(P::AppFcmKey)?,
            push_flags: fields.integer(P::AppPushFlags)?,
            flags: fields.integer(P::AppFlags)?,
            retention_days,
            upload_url,
            download_url,
            upload_max_mb: fields.integer(P::AppUploadMax)?,
            tokens_kept: policy(fields)?,
            e2ee: fields.boolean(P::AppE2ee)?,
            intercept_url,
            intercept_closed,
            words: words(fields)?,
        },
    })
}

pub fn get(fields: &Fields<'_>) -> Outcome<Operation> {
    Ok(Operation::AppGet { aid: aid(fields)? })
}

pub fn list(_: &Fields<'_>) -> Outcome<Operation> {
    Ok(Operation::AppsGet)
}

pub fn token(fields: &Fields<'_>) -> Outcome<Operation> {
    Ok(Operation::AppToken { aid: aid(fields)? })
}

pub fn delete(fields: &Fields<'_>) -> Outcome<Operation> {
    let Some(name) = fields.full_text(P::AppName)? else { return Err(missing(&[P::AppName])) };
    Ok(Operation::AppDelete { name })
}

pub fn hooks(fields: &Fields<'_>) -> Outcome<Operation> {
    let Filter { after, count, .. } = page(fields)?;
    Ok(Operation::Hooks(HookWish::List { after, count }))
}

pub fn retry_hooks(fields: &Fields<'_>) -> Outcome<Operation> {
    Ok(Operation::Hooks(HookWish::Retry(hook_ids(fields)?)))
}

pub fn delete_hooks(fields: &Fields<'_>) -> Outcome<Operation> {
    Ok(Operation::Hooks(HookWish::Delete(hook_ids(fields)?)))
}

fn hook_ids(fields: &Fields<'_>) -> Outcome<Vec<u64>> {
    let ids = fields.list(P::HookIds)?;
    let ids = ids.iter().map(|id| id.parse().ok()).collect::<Option<Vec<u64>>>();
    ids.ok_or_else(|| refuse(ErrorCode::BadParam, "an item is no number", P::HookIds))
}

pub fn stats(fields: &Fields<'_>) -> Outcome<Operation> {
    Ok(Operation::AppStats {
        monthly: fields.boolean(P::StatsMonthly)?.unwrap_or(false),
        count: fields.integer(P::StatsCount)?.unwrap_or(31).min(fields.list_max),
    })
}

fn aid(fields: &Fields<'_>) -> Outcome<Option<AppId>> {
    Ok(fields.integer(P::AppId)?.map(AppId))
}

fn name(fields: &Fields<'_>) -> Outcome<Option<String>> {
    let name = fields.full_text(P::AppName)?;
    if name.as_ref().is_some_and(|name| name.len() < 2) {
        return Err(refuse(ErrorCode::BadParam, "name has less than 2 characters", P::AppName));
    }
    Ok(name)
}

/// Words in lower case, in order, each once.
fn words(fields: &Fields<'_>) -> Outcome<Option<Vec<String>>> {
    if fields.value(P::AppWords).is_none() {
        return Ok(None);
    }
    let mut words: Vec<_> =
        fields.list(P::AppWords)?.iter().map(|word| word.to_lowercase()).collect();
    words.sort_unstable();
    words.dedup();
    let is_word =
        |word: &String| word.len() <= WORD_BYTES_MAX && word.chars().all(char::is_alphanumeric);
    if words.len() > WORDS_MAX || !words.iter().all(is_word) {
        let cause = "words are up to 1000 words of letters and digits, 64 bytes each";
        return Err(refuse(ErrorCode::BadParam, cause, P::AppWords));
    }
    Ok(Some(words))
}

/// `replace`, `keep:N` or `keep` as the number of tokens that stay.
fn policy(fields: &Fields<'_>) -> Outcome<Option<u32>> {
    let Some(policy) = fields.full_text(P::AppTokenPolicy)? else { return Ok(None) };
    let kept = match policy.as_str() {
        "replace" => Some(1),
        "keep" => Some(u32::MAX),
        other => other.strip_prefix("keep:").and_then(|count| count.parse().ok()),
    };
    let wrong = || {
        refuse(ErrorCode::BadParam, "token_policy is replace, keep:N or keep", P::AppTokenPolicy)
    };
    kept.filter(|kept| *kept > 0).map(Some).ok_or_else(wrong)
}

/// As it is set.
pub fn policy_name(kept: u32) -> String {
    match kept {
        0 | 1 => "replace".into(),
        u32::MAX => "keep".into(),
        count => format!("keep:{count}"),
    }
}
