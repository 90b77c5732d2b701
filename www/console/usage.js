// What the app has used, by day and by month, and how far it is from its limits.
import { element } from "/shared/dom.js";
import { bytes, card, head, number, table, tag } from "./parts.js";

const COLUMNS = [
  ["Date", (row) => row.date],
  ["Users", (row) => number(row.u_mau)],
  ["Messages", (row) => number(row.u_msg)],
  ["Connections at once", (row) => number(row.u_connpeak), "wide"],
  ["Sent to pages, received", (row) => bytes(row.u_bw), "wide"],
  ["Stored", (row) => bytes(row.d_storage), "wide"],
];

/** How much of a limit is used; 0 is without limit. */
function part(label, used, limit) {
  const words = limit ? `${number(used)} of ${number(limit)}` : `${number(used)}, without limit`;
  const full = limit && used >= limit;
  const bar =
    limit > 0 &&
    element("meter", { min: 0, max: limit, high: limit * 0.9, value: used, "aria-label": label });
  return element(
    "div",
    { class: "used" },
    element("dt", {}, label),
    element("dd", {}, words, full ? tag("Full", "bad") : null, bar || null),
  );
}

export const usage = {
  place: "usage",
  title: "Usage",
  drawing: "clock",

  async open(view, { call }) {
    const [{ app }, days, months] = await Promise.all([
      call("appget"),
      call("appstats", { count: 31 }),
      call("appstats", { monthly: true, count: 12 }),
    ]);
    const [month] = months.appstats;
    const thisMonth = new Date().toISOString().slice(0, 7);
    const sent = month?.date === thisMonth ? month.u_msg : 0;
    const { users, groups } = months.totals;
    view.replaceChildren(
      head("Usage"),
      element(
        "div",
        { class: "stack" },
        card(
          "Limits",
          element(
            "dl",
            { class: "limits" },
            part("Users", users, app.q_users),
            part("Groups", groups, app.q_groups),
            part("Messages this month", sent, app.q_msgs),
          ),
          element(
            "p",
            { class: "quiet small" },
            "Limits are set in the view App. Days are in UTC.",
          ),
        ),
        element("h2", {}, "Days"),
        table("Days", COLUMNS, days.appstats, "Nothing was used yet."),
        element("h2", {}, "Months"),
        table("Months", COLUMNS, months.appstats, "Nothing was used yet."),
      ),
    );
  },
};
