// Where a message is written: Enter sends, Shift and Enter make a line, it grows with the text.
import { announce } from "./dom.js";

export class Composer {
  /** `form` holds a textarea and a submit button. */
  constructor(form) {
    this.form = form;
    this.text = form.querySelector("textarea");
    this.profile = null;
    this.drafts = new Map();
    form.addEventListener("submit", (event) => this.onSubmit(event));
    this.text.addEventListener("keydown", (event) => this.onKey(event));
    this.text.addEventListener("input", () => this.onInput());
  }

  /** From now on for this user or group; what was begun elsewhere is kept there. */
  writeTo(profile) {
    if (this.profile) this.drafts.set(this.profile, this.text.value);
    this.profile = profile;
    this.text.value = this.drafts.get(profile) ?? "";
    this.grow();
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
    if (this.text.value) this.profile.sendTyping();
    else this.profile.newPresence().sendTypingCleared();
  }

  onSubmit(event) {
    event.preventDefault();
    const text = this.text.value.trim();
    if (!text) return;
    const message = this.profile.newMessage();
    message.message = text;
    if (message.send() !== MESIBO_RESULT_OK) return announce("The message is too long to be sent.");
    this.text.value = "";
    this.grow();
    this.focus();
  }

  grow() {
    const { style } = this.text;
    style.height = "auto";
    // Its borders are not part of scrollHeight.
    style.height = `${this.text.scrollHeight + 2}px`;
  }
}
