// The buttons under the pictures, what else there is to do, and keys for all of it.
import { element, icon } from "/shared/dom.js";
import { openDialog } from "/shared/dialog.js";
import { showMenu } from "/shared/menu.js";

const KEYS = {
  m: ["mic", "Microphone on or off"],
  v: ["camera", "Camera on or off"],
  s: ["screen", "Share the screen"],
  h: ["hand", "Raise or lower the hand"],
  c: ["chat", "Chat"],
  p: ["people", "People"],
  l: ["layout", "All alike, or the speaker large"],
  i: ["statistics", "Statistics"],
  r: ["record", "Begin or end a recording, if you may"],
};
const BUTTONS = ["mic", "camera", "screen", "hand", "chat", "people", "more", "leave"];

export class Controls {
  /** `act` has a function for each button and key; `more()` gives the items of the menu. */
  constructor(act, more) {
    this.act = act;
    const find = (name) => document.querySelector(`.controls [data-act="${name}"]`);
    this.buttons = Object.fromEntries(BUTTONS.map((name) => [name, find(name)]));
    this.canShare = Boolean(navigator.mediaDevices?.getDisplayMedia);
    this.buttons.screen.hidden = !this.canShare;
    for (const name of BUTTONS) {
      const open = () => showMenu("More", [...more(), this.shortcuts()], this.buttons.more);
      this.buttons[name].addEventListener("click", name === "more" ? open : act[name]);
    }
    this.show("leave", "leave", "Leave");
    this.show("more", "more", "More");
    this.drawWaiting(0);
    addEventListener("keydown", (event) => this.onKey(event));
  }

  onKey(event) {
    const writing = event.target.closest?.("input, textarea, select, dialog, [role=menu]");
    const inRoom = this.buttons.leave.offsetParent;
    if (writing || !inRoom || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "?") this.help();
    else if (KEYS[event.key]) {
      const [name] = KEYS[event.key];
      if (this.buttons[name]?.disabled) return;
      this.act[name]();
    } else return;
    event.preventDefault();
  }

  shortcuts() {
    return { icon: "info", text: "Keyboard shortcuts", act: () => this.help() };
  }

  help() {
    const rows = Object.entries({ ...KEYS, "?": ["help", "This list"] }).map(([key, [, text]]) =>
      element("div", {}, element("dt", {}, element("kbd", {}, key)), element("dd", {}, text)),
    );
    openDialog("Keyboard shortcuts", [element("dl", { class: "keys" }, ...rows)]);
  }

  show(name, drawing, label, more = []) {
    const text = element("span", { class: "for-screen-readers" }, label);
    this.buttons[name].replaceChildren(icon(drawing), text, ...more);
    this.buttons[name].title = label;
  }

  /** A button that is pressed or not. */
  press(name, drawing, label, on) {
    this.show(name, drawing, label);
    this.buttons[name].setAttribute("aria-pressed", String(on));
  }

  draw({ publishing, audio, video, sharing, hand }) {
    const { mic, camera, screen } = this.buttons;
    for (const button of [mic, camera]) button.hidden = !publishing;
    screen.hidden = !publishing || !this.canShare;
    this.press("mic", audio ? "mic" : "mic-off", "Microphone (m)", audio);
    mic.toggleAttribute("data-off", !audio);
    this.press("camera", video ? "camera" : "camera-off", "Camera (v)", video);
    camera.toggleAttribute("data-off", !video);
    this.press("screen", "screen", "Share screen (s)", sharing);
    screen.classList.toggle("on", sharing);
    this.press("hand", "hand", hand ? "Lower hand (h)" : "Raise hand (h)", hand);
    this.buttons.hand.classList.toggle("on", hand);
  }

  drawPanel(name, open) {
    // The statistics have no button of their own.
    this.buttons[name]?.setAttribute("aria-expanded", String(open));
    this.buttons[name]?.classList.toggle("on", open);
  }

  drawUnread(unread) {
    this.show("chat", "chat", "Chat (c)", badge(unread, "unread"));
  }

  drawWaiting(count) {
    this.show("people", "people", "People (p)", badge(count, "wait to be let in"));
  }

  count(people) {
    const text = people === 1 ? "Only you" : `${people} people`;
    document.getElementById("count").textContent = text;
  }
}

/** A number on a button, none for 0. */
function badge(count, meaning) {
  if (!count) return [];
  const words = element("span", { class: "for-screen-readers" }, ` ${meaning}`);
  return [element("span", { class: "badge" }, count > 99 ? "99+" : String(count), words)];
}
