// Who uses this page: from the URL fragment once, from then on from this tab's session storage.
//
// The fragment never reaches a server; it is removed from the address bar at once.

const KEY = "openrtc.account";

/** `bob:Bob,carol` → [{ key: "bob", name: "Bob" }, …]; a name is optional. */
function pairs(text) {
  return (text ?? "")
    .split(",")
    .filter(Boolean)
    .map((pair) => {
      const [key, ...name] = pair.split(":");
      return { key: key.trim(), name: name.join(":").trim() };
    });
}

/** What a fragment says, null when it has no token. */
function parse(fragment) {
  const values = new URLSearchParams(fragment.replace(/^#/, ""));
  if (!values.get("token")) return null;
  const [group] = pairs(values.get("group"));
  return {
    app: values.get("app") ?? "",
    token: values.get("token"),
    name: values.get("name") ?? "",
    peers: pairs(values.get("peers")),
    group: group ? { gid: Number(group.key), name: group.name } : null,
  };
}

function keep(account) {
  sessionStorage.setItem(KEY, JSON.stringify(account));
}

/** The account of this tab; without one a form is shown, and the promise waits for it. */
export function account() {
  const told = parse(location.hash);
  if (told) {
    keep(told);
    history.replaceState(null, "", location.pathname + location.search);
    return Promise.resolve(told);
  }
  const kept = sessionStorage.getItem(KEY);
  return kept ? Promise.resolve(JSON.parse(kept)) : ask();
}

/** Forgets who it was and shows the form again. */
export function forget() {
  sessionStorage.removeItem(KEY);
  location.reload();
}

function ask() {
  const screen = document.getElementById("sign-in");
  screen.hidden = false;
  return new Promise((resolve) => {
    screen.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      const form = new FormData(event.target);
      const given = new URLSearchParams([...form].map(([key, value]) => [key, value.trim()]));
      const told = parse(given.toString());
      if (!told) return;
      keep(told);
      screen.hidden = true;
      resolve(told);
    });
  });
}
