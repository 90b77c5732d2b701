// What the console asks its server: operations of the backend API, and how things are right now.

/** The session is over, or there was none. */
export class SignedOut extends Error {}

/** The server has refused, in words for people. */
export class Refused extends Error {
  constructor({ error, cause }) {
    super(cause ?? error ?? "The server refused that.");
    this.error = error;
  }
}

/** A header that pages of other origins cannot send. */
const OURS = { "x-console": "1", "content-type": "application/json" };

async function ask(method, path, body) {
  const answer = await fetch(`/console/${path}`, {
    method,
    headers: OURS,
    body: body && JSON.stringify(body),
  });
  if (answer.status === 204) return {};
  const said = await answer
    .json()
    .catch(() => ({ cause: `The server answered ${answer.status}.` }));
  if (answer.status === 401 && path !== "session") throw new SignedOut();
  if (!answer.ok || said.result === false) throw new Refused(said);
  return said;
}

export const signIn = (key) => ask("POST", "session", { key });
export const signOut = () => ask("DELETE", "session");
export const live = (aid) => ask("GET", `live?aid=${aid}`);

/** An operation of the installation itself: `appadd`, `appsget`. */
export const installation = (op, parameters) => ask("POST", "backend", { op, ...parameters });

/** The operations of one app. */
export const app = (aid) => (op, parameters) => ask("POST", "backend", { op, aid, ...parameters });

/** All rows of a list, page by page; `next` names the number of a row. */
export async function pageOf(call, op, parameters, rows, number, after = 0) {
  const answer = await call(op, { ...parameters, after, count: 50 });
  return { rows: answer[rows], after: answer.more ? answer[rows].at(-1)[number] : null };
}
