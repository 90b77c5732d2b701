// When an own message was sent, delivered and read, by whom.
import { element, face, icon } from "/shared/dom.js";
import { inOneLine, momentOf } from "/shared/words.js";
import { openDialog } from "/shared/dialog.js";

function line(drawing, label, at) {
  const text = at ? momentOf(at.ts) : "Not yet";
  return element("p", { class: "receipt" }, icon(drawing), element("span", {}, label), text);
}

/** Delivered and read by one person, as lines. */
function timesOf(message, profile) {
  const place = element("div", {});
  const draw = (delivered, read) =>
    place.replaceChildren(
      line("ticks", "Delivered", delivered ?? read),
      line("ticks", "Read", read),
    );
  const address = profile.getAddress();
  message.getDeliveryTimestamp(address, (delivered) =>
    message.getReadTimestamp(address, (read) => draw(delivered, read)),
  );
  return place;
}

function person(message, profile) {
  return element(
    "li",
    { class: "choice" },
    face(profile),
    element(
      "div",
      { class: "lines" },
      element("span", { class: "name", dir: "auto" }, profile.getNameOrAddress()),
      timesOf(message, profile),
    ),
  );
}

export function showReceipts(api, message) {
  const list = element("ul", { class: "choices" });
  openDialog("Message info", [
    element("p", { class: "quoted", dir: "auto" }, inOneLine(message)),
    line("tick", "Sent", { ts: message.ts }),
    list,
  ]);
  if (!message.isGroupMessage()) return void list.append(person(message, message.profile));
  message.groupProfile.getMembers(0, true, (_group, members) => {
    const others = members.filter((member) => !member.getProfile().isSelfProfile());
    list.append(...others.map((member) => person(message, member.getProfile())));
  });
}
