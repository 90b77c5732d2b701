// What the tests ask of pages in a room.

/** How a page names the stream of somebody. */
export const key = (person, sid = 0) => `${person.address}/${sid}`;

/** Waits for an event of the room that has these values. */
export const event = (page, wanted) =>
  page.until(
    (wanted) =>
      room.seen.events.some((event) =>
        Object.entries(wanted).every(([name, value]) => event[name] === value),
      ),
    wanted,
  );
