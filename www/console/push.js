// Push messages of the app: what they show, credentials of Firebase and Apple, one to try.
import { element, iconButton } from "/shared/dom.js";
import { confirm } from "/shared/dialog.js";
import { toggle } from "/shared/controls.js";
import { card, doing, form, input, momentOf, table } from "./parts.js";

const SERVICES = { fcm: "Firebase", apn: "Apple", webpush: "Browser" };

async function base64Of(file) {
  const url = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
  return url.slice(url.indexOf(",") + 1);
}

/** The cards of push messages, filled in. */
export async function pushCards(call) {
  const set = (fields) => call("pushset", { push: fields });
  const { push } = await call("pushset");
  const known = element("div");
  const draw = (credentials) => {
    const remove = ({ name }) =>
      iconButton("trash", `Delete the credential of ${name}`, {
        async onclick() {
          const text = "Devices of this app are not woken any more by it.";
          if (!(await confirm(`Delete the credential of ${name}?`, text, "Delete"))) return;
          await doing(async () => draw((await set({ delete: [name] })).push.credentials));
        },
      });
    const ends = ({ expiry }) => (expiry ? momentOf(expiry * 1000) : "–");
    const columns = [
      ["For", ({ name }) => element("code", {}, name)],
      ["Service", ({ type }) => SERVICES[type]],
      ["Good until", ends, "wide"],
      ["", remove],
    ];
    const nothing = "None: only browsers are woken, and the webhook is told.";
    known.replaceChildren(table("Push credentials", columns, credentials, nothing));
  };
  draw(push.credentials);

  const upload = form(
    [
      input(
        "file",
        "Service account (.json) or certificate (.p12, without a password)",
        { type: "file", accept: ".json,.p12", required: true },
        "It takes the place of the one of the same project or app, and is never shown again.",
      ),
    ],
    "Add credential",
    async ({ file }) => {
      const told = await call("pushupload", {
        push: { file: await base64Of(file), filename: file.name },
      });
      draw(told.push.credentials);
      return "Added.";
    },
  );
  const options = form(
    [
      input("sound", "Sound of what is shown (empty: none)", { value: push.sound, maxlength: 64 }),
      input("interval", "Seconds between two to somebody away (0: 60)", {
        type: "number",
        min: 0,
        value: push.interval,
        required: true,
      }),
    ],
    "Save push options",
    async ({ sound, interval }) => {
      await set({ sound, interval: Number(interval) });
      return "Saved.";
    },
  );
  const flip = (field, label, inverse = false) =>
    toggle(label, Boolean(push[field]) !== inverse, (on) =>
      doing(() => set({ [field]: on !== inverse })),
    );
  const answers = element("div");
  const test = form(
    [input("address", "Address of a user", { required: true })],
    "Send one to try",
    async ({ address }) => {
      const told = await call("pushtest", { push: { address } });
      const columns = [
        ["Service", ({ type }) => SERVICES[type]],
        ["Answer", ({ status, answer }) => `${status || "none"}${answer ? `, ${answer}` : ""}`],
      ];
      const nothing = "No device of this user has said where it can be woken.";
      answers.replaceChildren(table("Answers", columns, told.push.answers, nothing));
      return told.sent ? "Sent." : "Nothing was sent.";
    },
  );
  return [
    card(
      "Push messages",
      flip("background", "Notifications say who wrote what", true),
      options,
      flip("sandbox", "Apple’s service for apps in development"),
      flip("debug", "The log says what the services answer"),
    ),
    card("Push credentials", known, upload),
    card("Try a push message", test, answers),
  ];
}
