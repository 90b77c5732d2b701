// One message as a row of the log: who, what it answers, what it says, when and how far it came.
//
// Brought up to date in place, so that a focus, a player or a picture in it stays as it is.
import { element, icon } from "./dom.js";
import { Attachment } from "./attachment.js";
import { isEmoji, rich } from "./text.js";
import { callOf, inOneLine, isGone, progressOf, senderOf, timeOf } from "./words.js";

export class Bubble {
  /** `actions`: `menu(message, bubble)`, `open(message)`, `jump(mid)`; each may be missing. */
  constructor(message, actions) {
    this.message = message;
    this.actions = actions;
    const own = message.isOutgoing() || message.isOutgoingCall();
    this.sender = element("p", { class: "sender", dir: "auto" });
    this.quote = element("div");
    this.file = element("div");
    this.text = element("p", { class: "text", dir: "auto" });
    this.foot = element("p", { class: "foot" });
    this.body = element(
      "div",
      { class: own ? "message own" : "message", tabindex: -1 },
      this.sender,
      this.quote,
      this.file,
      this.text,
      this.foot,
    );
    this.element = element("li", { class: own ? "said own" : "said" }, this.body);
    if (actions.menu && !message.isCall()) this.addMenu();
    this.element.bubble = this;
  }

  addMenu() {
    const { message, actions } = this;
    const onclick = () => actions.menu(message, this);
    const look = {
      type: "button",
      class: "more",
      "aria-haspopup": "menu",
      onclick,
    };
    this.more = element("button", { ...look, "aria-label": "Message actions" }, icon("more"));
    this.element.append(this.more);
    this.body.addEventListener("contextmenu", (event) => {
      // Links and selected text keep the menu of the browser.
      if (event.target.closest("a, img, video, input") || !getSelection().isCollapsed) return;
      event.preventDefault();
      actions.menu(message, this, { x: event.clientX, y: event.clientY });
    });
  }

  /** `follows`: the message before is of the same sender; `query` is marked in the text. */
  update(follows, query) {
    const { message } = this;
    this.element.classList.toggle("first", !follows);
    this.drawSender(follows);
    this.drawQuote();
    this.drawFile();
    this.drawText(query);
    this.drawFoot();
  }

  drawSender(follows) {
    const { message, sender } = this;
    sender.hidden = message.isOutgoing() || !message.isGroupMessage() || follows;
    const name = sender.hidden ? "" : senderOf(message);
    if (sender.textContent !== name) sender.textContent = name;
  }

  drawQuote() {
    const { message, quote } = this;
    const shown = isGone(message) ? 0 : message.refid;
    if (quote.shown === shown) return;
    quote.shown = shown;
    quote.replaceChildren();
    if (!shown) return;
    const line = element("span", { class: "cut" }, "…");
    const name = element("span", { class: "sender cut" });
    const onclick = () => this.actions.jump?.(shown);
    quote.append(element("button", { type: "button", class: "quote", onclick }, name, line));
    message.getRepliedToMessage((answered) => {
      name.textContent = answered ? senderOf(answered) : "";
      line.textContent = answered ? inOneLine(answered) : "Message not on this device";
    });
  }

  drawFile() {
    const { message, file } = this;
    const shown = message.hasFile() && !isGone(message);
    if (!shown) {
      if (file.attachment) file.replaceChildren();
      file.attachment = null;
      return;
    }
    // What the page showed before the upload is as good as what is on the server.
    if (!file.attachment) {
      file.attachment = new Attachment(message, this.actions.open);
      file.replaceChildren(file.attachment.element);
    } else file.attachment.update();
  }

  drawText(query) {
    const { message, text } = this;
    const gone = isGone(message);
    const said = message.isCall() ? callOf(message) : (message.message ?? "");
    const words = gone ? "This message was deleted" : said;
    const look = JSON.stringify([words, gone, query, message.latitude, message.longitude]);
    if (text.look === look) return;
    text.look = look;
    text.hidden = !words && !message.hasLocation();
    text.classList.toggle("gone", gone);
    text.classList.toggle("large", !gone && isEmoji(words));
    text.replaceChildren(...(gone ? [words] : rich(words, query)));
    if (!gone && message.hasLocation()) text.prepend(this.place());
  }

  place() {
    const { latitude, longitude } = this.message;
    const href = `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}`;
    const look = { href, target: "_blank", rel: "noopener noreferrer" };
    return element("a", look, `Location ${latitude.toFixed(5)}, ${longitude.toFixed(5)}`);
  }

  drawFoot() {
    const { message, foot } = this;
    const gone = isGone(message);
    const state = message.isOutgoing() && !gone ? progressOf(message) : null;
    const marks = gone
      ? []
      : [message.isForwarded() && "Forwarded", message.isModified() && "Edited"];
    const said = marks.filter(Boolean).join(" · ");
    const look = JSON.stringify([state, said, message.ts]);
    if (foot.look === look) return;
    foot.look = look;
    const { ts } = message;
    foot.replaceChildren();
    if (message.isFailed() && !gone) {
      const onclick = () => message.resend();
      foot.append(
        element("span", { class: "failed" }, "Not sent"),
        element("button", { type: "button", class: "button", onclick }, "Send again"),
      );
    }
    if (said) foot.append(element("span", {}, said));
    foot.append(element("time", { datetime: new Date(ts).toISOString() }, timeOf(ts)));
    if (!state) return;
    const [drawing, label, kind] = state;
    foot.append(element("span", { class: kind }, icon(drawing, label)));
  }
}
