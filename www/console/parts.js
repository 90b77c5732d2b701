// What the views are built of: heads, tables that go on, forms in dialogs, secrets that are shown once.
import { announce, element, icon } from "/shared/dom.js";
import { openDialog, outcome } from "/shared/dialog.js";

/** A button with a drawing and a name. */
export const button = (drawing, text, act, look = "") =>
  element(
    "button",
    { type: "button", class: `button ${look}`, onclick: act },
    drawing ? icon(drawing) : null,
    text,
  );

/** The head of a view, with what can be done there. */
export const head = (title, ...actions) =>
  element("header", { class: "head" }, element("h1", {}, title), ...actions);

export const card = (title, ...children) => {
  const id = `card-${title.toLowerCase().replace(/\W+/g, "-")}`;
  return element(
    "section",
    { class: "card", "aria-labelledby": id },
    element("h2", { id }, title),
    ...children,
  );
};

/** A word on a colour: `good`, `bad`, `warn` or none. */
export const tag = (text, look = "") => element("span", { class: `tag ${look}` }, text);

/** A table; each column is `[title, cell(row), class]`. Without rows it says `nothing`. */
export function table(label, columns, rows, nothing) {
  if (!rows.length) return element("p", { class: "empty" }, nothing);
  const line = (row) =>
    element(
      "tr",
      {},
      ...columns.map(([, cell, look], at) =>
        element(at ? "td" : "th", { class: look, scope: at ? null : "row" }, cell(row)),
      ),
    );
  const titles = columns.map(([title, , look]) =>
    title ? element("th", { class: look, scope: "col" }, title) : element("td", { class: look }),
  );
  return element(
    "div",
    { class: "scroll" },
    element(
      "table",
      { "aria-label": label },
      element("thead", {}, element("tr", {}, ...titles)),
      element("tbody", {}, ...rows.map(line)),
    ),
  );
}

/** A list that is read page by page; `draw(rows)` makes what is shown of all that were read. */
export function pages(read, draw) {
  const place = element("div", { class: "pages" });
  let rows = [];
  const more = async (after) => {
    const page = await read(after);
    rows = after ? [...rows, ...page.rows] : page.rows;
    const next = page.after && button("down", "Show more", () => more(page.after));
    place.replaceChildren(draw(rows), ...(next ? [next] : []));
  };
  place.again = () => more(0);
  return place;
}

/** A labelled input; `more` are its properties. */
export function input(name, label, more = {}, hint = null) {
  const id = `field-${name}`;
  const made = element("input", {
    id,
    name,
    autocomplete: "off",
    "aria-describedby": hint && `${id}-hint`,
    ...more,
  });
  return element(
    "div",
    { class: "field" },
    element("label", { for: id }, label),
    made,
    hint ? element("p", { id: `${id}-hint`, class: "quiet small" }, hint) : null,
  );
}

export function choice(name, label, options, chosen) {
  const id = `field-${name}`;
  const rows = options.map(([value, text]) =>
    element("option", { value, selected: value === String(chosen) }, text),
  );
  return element(
    "div",
    { class: "field" },
    element("label", { for: id }, label),
    element("select", { id, name }, ...rows),
  );
}

export const tick = (name, label, checked = false) =>
  element("label", { class: "tick" }, element("input", { type: "checkbox", name, checked }), label);

/** A form that asks the server: `act(values)` may throw, and its words are shown. */
export function form(fields, text, act) {
  const told = outcome();
  const send = element("button", { class: "button primary" }, text);
  const made = element("form", {}, ...fields, told, element("div", { class: "row" }, send));
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    told.className = "outcome";
    told.textContent = "";
    try {
      const said = await act(Object.fromEntries(new FormData(made)));
      if (typeof said === "string") told.textContent = said;
    } catch (error) {
      told.className = "outcome bad";
      told.textContent = error.message;
    }
    send.disabled = false;
  });
  return made;
}

/** A dialog with a form; it closes when the server has done it. */
export function ask(title, fields, text, act) {
  const dialog = openDialog(title, [
    form(fields, text, async (values) => {
      await act(values);
      dialog.close();
    }),
  ]);
  dialog.querySelector("input, select")?.focus();
}

/** A secret that is told once: it stands in this dialog and nowhere else. */
export function showSecret(title, text, secret) {
  const field = element("input", {
    class: "secret",
    readonly: true,
    value: secret,
    "aria-label": title,
  });
  const told = outcome();
  const copy = async () => {
    field.select();
    await navigator.clipboard?.writeText(secret).catch(() => document.execCommand("copy"));
    told.textContent = "Copied.";
    announce("Copied");
  };
  openDialog(title, [
    element("p", {}, text),
    field,
    told,
    element("div", { class: "row" }, button("copy", "Copy", copy, "primary")),
  ]);
}

/** Does something and says so, or says why not. */
export async function doing(what, done) {
  try {
    await what();
    if (done) announce(done);
    return true;
  } catch (error) {
    openDialog("That did not work", [element("p", {}, error.message)]);
    return false;
  }
}

const relative = new Intl.RelativeTimeFormat([], { numeric: "auto", style: "long" });

/** How long ago, in words; seconds. */
export function ago(seconds) {
  const steps = [
    [60, 1, "second"],
    [3600, 60, "minute"],
    [86_400, 3600, "hour"],
    [Infinity, 86_400, "day"],
  ];
  const [, unit, name] = steps.find(([end]) => seconds < end);
  return relative.format(-Math.round(seconds / unit), name);
}

/** A length of time in two units at most; seconds. */
export function span(seconds) {
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [Math.floor(seconds) % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count);
  if (first < 0) return "0 s";
  const shown = parts.slice(first, first + 2).filter(([count]) => count);
  return shown.map(([count, unit]) => `${count} ${unit}`).join(" ");
}

/** Bytes in a unit that people read. */
export function bytes(count) {
  if (count === null || count === undefined) return "unknown";
  const units = ["B", "KB", "MB", "GB", "TB"];
  const at = Math.min(
    units.length - 1,
    Math.max(0, Math.floor(Math.log10(Math.max(count, 1)) / 3)),
  );
  const value = count / 1000 ** at;
  return `${value.toLocaleString([], { maximumFractionDigits: value < 10 && at ? 1 : 0 })} ${units[at]}`;
}

const moment = new Intl.DateTimeFormat([], { dateStyle: "medium", timeStyle: "medium" });

export const momentOf = (ts) => moment.format(ts);

export const number = (count) => count.toLocaleString();
