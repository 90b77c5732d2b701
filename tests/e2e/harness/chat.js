// What the tests ask of `pages/chat.js`, and the numbers of the API in words.

// `client-api.md` 2.3.1
export const ONLINE = 1;
export const OFFLINE = 2;
export const SIGNOUT = 3;
export const AUTHFAIL = 4;
export const STOPPED = 5;
export const CONNECTING = 6;
// 2.3.2
export const OUTBOX = 0;
export const SENT = 1;
export const DELIVERED = 2;
export const READ = 3;

/** Everything the page was told so far. */
export const seen = (page) => page.evaluate(() => chat.ask("answer"));

/** Texts of what came in. */
export const received = async (page) => (await seen(page)).received.map((m) => m.text);

export const online = (page) => page.until(async () => (await chat.ask("connection")) === 1);

/** Two people, each with a page of its own, online. */
export async function twoOnline(world, settings) {
  const [ada, bob] = await world.people("ada", "bob");
  const visit = (person) => world.visit(person, "chat.html", settings);
  const [a, b] = await Promise.all([visit(ada), visit(bob)]);
  await Promise.all([online(a), online(b)]);
  return { ada, bob, a, b };
}

export const send = (page, to, texts) =>
  page.evaluate(([to, texts]) => chat.ask("send", to, texts), [to.address ?? to, texts]);

/** Waits until this many messages came in. */
export const arrived = (page, count) =>
  page.until(async (count) => (await chat.ask("answer")).received.length >= count, count);

/** Waits until this many messages have at least this status. */
export const reached = (page, status, count) =>
  page.until(
    async ([status, count]) => {
      const { statuses } = await chat.ask("answer");
      const mids = statuses.filter((s) => s.status >= status && s.status < 0x80).map((s) => s.mid);
      return new Set(mids).size >= count;
    },
    [status, count],
  );

/** `hello 1` … `hello n` */
export const numbered = (word, count) =>
  Array.from({ length: count }, (_, at) => `${word} ${at + 1}`);
