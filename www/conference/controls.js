// The buttons under the pictures, and the keys m, v and s for the first three.
import { element, icon } from "/shared/dom.js";

const KEYS = { m: "mic", v: "camera", s: "screen" };

export class Controls {
  /** `act` has a function for each button. */
  constructor(act) {
    const find = (id) => document.getElementById(id);
    this.buttons = {
      mic: find("mic"),
      camera: find("camera"),
      screen: find("screen"),
      chat: find("chat-button"),
      leave: find("leave"),
    };
    this.unread = 0;
    for (const [name, button] of Object.entries(this.buttons)) {
      button.addEventListener("click", act[name]);
    }
    this.show("leave", "leave", "Leave");
    if (!navigator.mediaDevices?.getDisplayMedia) this.buttons.screen.hidden = true;
    addEventListener("keydown", (event) => this.onKey(event));
  }

  onKey(event) {
    const writing = event.target.closest?.("input, textarea");
    const button = this.buttons[KEYS[event.key]];
    if (writing || !button?.offsetParent || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    button.click();
  }

  show(name, drawing, label, more = []) {
    const text = element("span", { class: "for-screen-readers" }, label);
    this.buttons[name].replaceChildren(icon(drawing), text, ...more);
    this.buttons[name].title = label;
  }

  draw({ publishing, audio, video, sharing }) {
    const { mic, camera, screen } = this.buttons;
    for (const button of [mic, camera, screen]) button.disabled = !publishing;
    this.show("mic", audio ? "mic" : "mic-off", "Microphone (m)");
    mic.setAttribute("aria-pressed", String(audio));
    mic.toggleAttribute("data-off", !audio);
    this.show("camera", video ? "camera" : "camera-off", "Camera (v)");
    camera.setAttribute("aria-pressed", String(video));
    camera.toggleAttribute("data-off", !video);
    this.show("screen", "screen", "Share screen (s)");
    screen.setAttribute("aria-pressed", String(sharing));
    screen.classList.toggle("on", sharing);
  }

  drawChat(open, unread) {
    const badge = unread
      ? [
          element(
            "span",
            { class: "badge" },
            unread > 99 ? "99+" : String(unread),
            element("span", { class: "for-screen-readers" }, " unread"),
          ),
        ]
      : [];
    this.show("chat", "chat", "Chat", badge);
    this.buttons.chat.setAttribute("aria-expanded", String(open));
    this.buttons.chat.classList.toggle("on", open);
  }

  count(people) {
    const text = people === 1 ? "Only you" : `${people} people`;
    document.getElementById("count").textContent = text;
  }
}
