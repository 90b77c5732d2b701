// One row of the list of conversations.
import { element, face, icon } from "/shared/dom.js";
import { inOneLine, progressOf, whenOf } from "/shared/words.js";

function lastLine({ profile, message, typing, draft }) {
  if (typing) return { text: typing, kind: "now" };
  if (draft) return { text: draft, before: "Draft: " };
  if (!message) return { text: "No messages yet" };
  const text = inOneLine(message);
  if (message.isOutgoing()) return { text, own: message.isDeleted() ? null : progressOf(message) };
  return {
    text,
    before: profile.isGroup() ? `${message.profile.getFirstNameOrAddress()}: ` : "",
  };
}

const hidden = (text) => element("span", { class: "for-screen-readers" }, text);

function mark(drawing, label) {
  return element("span", { class: "mark" }, icon(drawing, label));
}

/** What a row looks like, as text: equal looks need no drawing. */
function lookOf(state, line) {
  const { profile, message, unread, current } = state;
  return JSON.stringify([
    profile.getNameOrAddress(),
    profile.getImage().getImageOrThumbnail(),
    state.online,
    profile.isMuted(),
    profile.isBlocked(),
    message && whenOf(message.ts),
    line,
    unread,
    current,
  ]);
}

/** Draws a row, or leaves it as it is when it looks the same. */
export function drawEntry(state, row, open) {
  const line = lastLine(state);
  const look = lookOf(state, line);
  row ??= element("li", {}, element("button", { type: "button", class: "entry" }));
  if (row.look === look) return row;
  row.look = look;
  const { profile, message, unread, current, online } = state;
  const button = row.firstElementChild;
  button.onclick = () => open(profile);
  button.setAttribute("aria-current", String(current));
  button.replaceChildren(
    face(profile, online),
    element(
      "span",
      { class: "lines" },
      element(
        "span",
        { class: "line" },
        element("span", { class: "cut name", dir: "auto" }, profile.getNameOrAddress()),
        online ? hidden("online") : null,
        profile.isMuted() ? mark("muted", "Muted") : null,
        profile.isBlocked() ? mark("block", "Blocked") : null,
        message ? element("time", { class: "small" }, whenOf(message.ts)) : null,
      ),
      element(
        "span",
        { class: "line" },
        line.own ? element("span", { class: `state ${line.own[2]}` }, icon(...line.own)) : null,
        element(
          "span",
          {
            class: line.kind ? `cut last ${line.kind}` : "cut last",
            dir: "auto",
          },
          line.before ? element("span", { class: "before" }, line.before) : null,
          line.text,
        ),
        unread
          ? element(
              "span",
              { class: profile.isMuted() ? "badge quiet" : "badge" },
              unread > 99 ? "99+" : String(unread),
              hidden(" unread"),
            )
          : null,
      ),
    ),
  );
  return row;
}
