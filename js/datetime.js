// A moment as pages show it, in the time zone of the page.

import { numberOf, textOf } from "./values.js";

const DAY_MS = 24 * 60 * 60 * 1000;

// A formatter costs more than all dates: made at first use, kept.
const formatters = new Map();

function format(ts, options) {
  const key = Object.entries(options).join();
  let formatter = formatters.get(key);
  if (!formatter) {
    formatter = new Intl.DateTimeFormat(undefined, options);
    formatters.set(key, formatter);
  }
  return formatter.format(ts);
}

let monthFirst;

const defaults = { monthFirst: undefined, today: null, yesterday: null, months: [] };

function startOfDay(ts) {
  const day = new Date(ts);
  day.setHours(0, 0, 0, 0);
  return day.getTime();
}

// A day with a change of clocks has 23 or 25 hours, so the difference is rounded.
function daysBetween(from, to) {
  return Math.round((startOfDay(to) - startOfDay(from)) / DAY_MS);
}

// The fields of the first generation, on each object itself, for `postMessage` and JSON take no
// others. They are read when looked at: every message has a date, few are.
const texts = Object.entries(
  Object.getOwnPropertyDescriptors({
    get date() {
      // Pages compare it with "Today".
      return this.getDate(undefined, defaults.today ?? "Today", defaults.yesterday ?? "Yesterday");
    },
    get time() {
      return this.getTime();
    },
    get yd() {
      return this.getDaysElapsed();
    },
  }),
);

export class MesiboDateTime {
  constructor(ts) {
    this.setTimestamp(ts);
    for (const [name, text] of texts) Object.defineProperty(this, name, text);
  }

  setTimestamp(ts) {
    // What no calendar knows is no moment.
    const known = new Date(numberOf(ts));
    const date = Number.isNaN(known.getTime()) ? new Date(0) : known;
    this.ts = date.getTime();
    this.year = date.getFullYear();
    this.month = date.getMonth() + 1;
    this.day = date.getDate();
    this.hour = date.getHours();
    this.min = date.getMinutes();
    this.sec = date.getSeconds();
    this.wday = date.getDay();
  }

  getDate(monthFirst, today, yesterday, numerical) {
    today ??= defaults.today;
    yesterday ??= defaults.yesterday;
    if (today && this.isToday()) return today;
    if (yesterday && this.isYesterday()) return yesterday;
    if (numerical) return this.getNumericalDate();
    const month = this.getMonthName();
    const first = monthFirst ?? defaults.monthFirst ?? MesiboDateTime.isMonthFirstDateFormat();
    return first ? `${month} ${this.day}, ${this.year}` : `${this.day} ${month} ${this.year}`;
  }

  getTime(seconds) {
    const options = { hour: "2-digit", minute: "2-digit" };
    if (seconds) options.second = "2-digit";
    return format(this.ts, options);
  }

  getDaysElapsed() {
    return daysBetween(this.ts, Date.now());
  }

  /** What pages of 2022 read of a message's date. */
  get daysElapsed() {
    return this.getDaysElapsed();
  }

  getSecondsElapsed() {
    return Math.floor((Date.now() - this.ts) / 1000);
  }

  getDateInNaturalLanguage(accuracy) {
    const units = [
      ["year", 31536000],
      ["month", 2592000],
      ["day", 86400],
      ["hour", 3600],
      ["minute", 60],
    ];
    let rest = Math.max(0, this.getSecondsElapsed());
    const parts = [];
    for (const [name, seconds] of units) {
      const count = Math.floor(rest / seconds);
      rest -= count * seconds;
      if (count > 0) parts.push(`${count} ${name}${count > 1 ? "s" : ""}`);
    }
    const told = parts.slice(0, Math.max(1, numberOf(accuracy) || 1));
    return told.length ? `${told.join(", ")} ago` : "just now";
  }

  getNumericalDate() {
    return new Date(this.ts).toLocaleDateString();
  }

  getMonthName() {
    const given = defaults.months[this.month - 1];
    return given ?? format(this.ts, { month: "short" });
  }

  isToday() {
    return this.getDaysElapsed() === 0;
  }

  isYesterday() {
    return this.getDaysElapsed() === 1;
  }

  isValid() {
    return this.ts > 0;
  }

  static setDefaultRelativeDateText(today, yesterday) {
    defaults.today = today;
    defaults.yesterday = yesterday;
  }

  static setDefaultDateFormat(monthFirst) {
    defaults.monthFirst = Boolean(monthFirst);
  }

  static setMonthName(index, name) {
    defaults.months[numberOf(index) - 1] = textOf(name) || undefined;
  }

  static isMonthFirstDateFormat() {
    const parts = () => new Intl.DateTimeFormat().formatToParts(new Date(2024, 0, 31));
    const isPart = ({ type }) => type === "month" || type === "day";
    return (monthFirst ??= parts().find(isPart)?.type === "month");
  }

  static is24HourTimeFormat() {
    return (
      new Intl.DateTimeFormat(undefined, { hour: "numeric" }).resolvedOptions().hour12 !== true
    );
  }
}
