// Writing in the open conversation: text, answers, changes, files, voice.
import { announce, element, iconButton } from "/shared/dom.js";
import { Composer } from "/shared/composer.js";
import { inOneLine, senderOf } from "/shared/words.js";
import { Attachments } from "./attachments.js";
import { Voice } from "./voice.js";

export class Writing {
  /** `place` is the pane of the conversation. */
  constructor(place) {
    const find = (selector) => place.querySelector(selector);
    this.form = find(".composer");
    this.context = find(".context");
    this.mic = find(".mic");
    this.sendButton = find(".send");
    this.composer = new Composer(this.form, (text) => this.send(text));
    this.attachments = new Attachments(find(".tray"), () => this.drawButtons());
    this.attachments.take({
      input: find(".pick"),
      place,
      text: this.composer.text,
    });
    find(".attach").addEventListener("click", () => find(".pick").click());
    this.voice = new Voice(
      find(".voice"),
      (file, facts) => this.sendVoice(file, facts),
      () => this.onVoiceEnd(),
    );
    this.mic.addEventListener("click", () => {
      this.form.hidden = true;
      this.voice.start();
    });
    this.composer.text.addEventListener("input", () => this.drawButtons());
    this.drawButtons();
  }

  /** From now on for this user or group. */
  writeTo(profile) {
    this.leave();
    this.profile = profile;
    this.composer.writeTo(profile);
    this.drawButtons();
  }

  /** What cannot be kept as a draft is thrown away. */
  leave() {
    this.voice.cancel();
    this.endContext();
    this.attachments.empty();
    this.composer.writeTo(null);
  }

  focus() {
    this.composer.focus();
  }

  /** True when there was something to end. */
  escape() {
    if (this.voice.busy) this.voice.cancel();
    else if (this.answered || this.edited) this.endContext();
    else if (this.attachments.files.length) this.attachments.empty();
    else return false;
    this.focus();
    return true;
  }

  // ---- answering and changing ----

  /** `privately`: to the sender alone. */
  answer(message, privately = false) {
    this.endContext();
    this.answered = () => (privately ? message.replyToPeer() : message.reply());
    this.drawContext(`Reply to ${senderOf(message)}`, message);
  }

  edit(message) {
    this.endContext();
    this.composer.keepDraft();
    this.composer.editing = true;
    this.edited = message;
    this.composer.write(message.message ?? "");
    this.drawContext("Edit message", message);
  }

  drawContext(title, message) {
    this.context.hidden = false;
    this.context.replaceChildren(
      element(
        "span",
        { class: "lines" },
        element("span", { class: "sender" }, title),
        element("span", { class: "cut small", dir: "auto" }, inOneLine(message)),
      ),
      iconButton("close", "Cancel", { onclick: () => this.escape() }),
    );
    this.drawButtons();
    this.focus();
  }

  endContext() {
    this.context.hidden = true;
    this.context.replaceChildren();
    this.answered = null;
    if (!this.edited) return;
    this.edited = null;
    this.composer.editing = false;
    this.composer.write(this.profile?.getDraft() ?? "");
    this.drawButtons();
  }

  // ---- sending ----

  /** What is sent now: a new message, or the answer to one. */
  fresh() {
    return this.answered?.() ?? this.profile.newMessage();
  }

  /** True when the text was taken. */
  send(text) {
    if (this.edited) return this.change(text);
    const files = this.attachments.files;
    if (!files.length && !text) return false;
    if (!files.length) {
      const message = this.fresh();
      message.message = text;
      if (message.send() !== MESIBO_RESULT_OK) return false;
    } else if (!this.sendFiles(files, text)) return false;
    this.attachments.empty();
    this.endContext();
    // The buttons fit what is left once the composer is empty.
    queueMicrotask(() => this.drawButtons());
    return true;
  }

  /** The first one carries the text. */
  sendFiles([first, ...others], text) {
    const message = this.fresh();
    message.message = text || undefined;
    message.setContent(first);
    if (message.send() !== MESIBO_RESULT_OK) return false;
    for (const file of others) {
      const next = this.profile.newMessage();
      next.setContent(file);
      next.send();
    }
    return true;
  }

  sendVoice(file, { seconds, waveform }) {
    const message = this.fresh();
    message.setContent(file);
    message.setContentType(MESIBO_FILETYPE_AUDIO);
    message.setBoolean("voice", true);
    message.setDouble("seconds", seconds);
    message.setString("waveform", waveform);
    message.send();
    this.endContext();
  }

  change(text) {
    const message = this.edited;
    if (!text && !message.hasFile()) return false;
    const before = message.message;
    if (text !== before) {
      message.message = text;
      const result = message.sendUpdate();
      if (result !== MESIBO_RESULT_OK) {
        message.message = before;
        announce(
          result === MESIBO_RESULT_DENIED
            ? "It is too late to change this message."
            : "The message cannot be changed.",
        );
        if (result !== MESIBO_RESULT_DENIED) return false;
      }
    }
    this.endContext();
    // What was begun before goes on: nothing of it is to be cleared.
    queueMicrotask(() => this.composer.write(this.profile.getDraft() ?? ""));
    return true;
  }

  onVoiceEnd() {
    this.form.hidden = false;
    this.drawButtons();
    this.focus();
  }

  /** A microphone while there is nothing to send. */
  drawButtons() {
    const { composer, attachments } = this;
    const something = composer.value !== "" || attachments.files.length > 0 || this.edited;
    this.mic.hidden = Boolean(something) || !Voice.possible;
    this.sendButton.hidden = !this.mic.hidden;
  }
}
