// Before the room: a name, a look at the own camera, and why one is here again.

/** Why there is no picture, in plain words. */
function explain(error) {
  if (error.name === "NotAllowedError") {
    return "This page may not use your camera and microphone. Allow them in the browser's address bar; without them you can still watch and chat.";
  }
  if (error.name === "NotFoundError") return "No camera was found on this device.";
  if (error.name === "NotReadableError") return "Another program is using the camera.";
  return `The camera cannot be used: ${error.message}`;
}

export class Lobby {
  constructor(account, title, join) {
    this.title = title;
    this.place = document.getElementById("lobby");
    this.notice = document.getElementById("notice");
    this.video = document.getElementById("preview");
    this.text = document.getElementById("preview-text");
    this.form = document.getElementById("join");
    this.form.elements.name.value = account.name;
    this.stream = null;
    document.getElementById("try-camera").addEventListener("click", () => this.look());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      join(this.form.elements.name.value.trim());
    });
  }

  show(reason = null) {
    this.place.hidden = false;
    document.getElementById("lobby-title").textContent = `Join ${this.title()}`;
    this.say(reason);
    this.form.elements.name.focus();
  }

  hide() {
    this.place.hidden = true;
    this.release();
  }

  say(text) {
    this.notice.hidden = !text;
    this.notice.textContent = text ?? "";
  }

  async look() {
    if (this.stream) return this.release();
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
      // Joined while the browser was asking.
      if (this.place.hidden) return this.release();
      this.video.srcObject = this.stream;
      this.video.hidden = false;
      this.say(null);
    } catch (error) {
      this.say(explain(error));
    }
  }

  /** The camera is free for the room. */
  release() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
    this.video.hidden = true;
  }
}
