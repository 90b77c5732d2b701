// Where a message is written: Enter sends, Shift and Enter make a line, it grows with the text.
//
// What was begun is a draft of its profile, so it is there after a reload and shown in lists.
import { announce } from "./dom.js";

/** Sends a text as a message; false when it cannot be sent. */
export function sendText(profile, text) {
  const message = profile.newMessage();
  message.message = text;
  return message.send() === MESIBO_RESULT_OK;
}

export class Composer {
  /** `form` holds a textarea; `send(text)` answers whether it has taken the text. */
  constructor(form, send = null) {
    this.form = form;
    this.send = send ?? ((text) => text !== "" && sendText(this.profile, text));
    this.text = form.querySelector("textarea");
    this.profile = null;
    form.addEventListener("submit", (event) => this.onSubmit(event));
    this.text.addEventListener("keydown", (event) => this.onKey(event));
    this.text.addEventListener("input", () => this.onInput());
    this.text.addEventListener("blur", () => this.keepDraft());
    addEventListener("pagehide", () => this.keepDraft());
  }

  /** From now on for this user or group; what was begun elsewhere is kept there. */
  writeTo(profile) {
    this.keepDraft();
    this.profile = profile;
    this.write(profile?.getDraft() ?? "");
  }

  get value() {
    return this.text.value.trim();
  }

  write(text) {
    this.text.value = text;
    this.grow();
  }

  keepDraft() {
    const { profile, value } = this;
    if (profile && !this.editing && (profile.getDraft() ?? "") !== value) {
      profile.setDraft(value || null);
    }
  }

  focus() {
    this.text.focus();
  }

  onKey(event) {
    // While a word is being composed, Enter chooses the word.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.form.requestSubmit();
  }

  onInput() {
    this.grow();
    if (this.editing) return;
    if (this.text.value) this.profile.sendTyping();
    else this.profile.newPresence().sendTypingCleared();
  }

  onSubmit(event) {
    event.preventDefault();
    if (!this.send(this.value)) {
      if (this.value) announce("The message is too long to be sent.");
      return;
    }
    this.write("");
    this.keepDraft();
    this.focus();
  }

  grow() {
    const { style } = this.text;
    style.height = "auto";
    // Its borders are not part of scrollHeight.
    style.height = `${this.text.scrollHeight + 2}px`;
  }
}
