// What pages pass, read without ever throwing; and values of custom fields, read as the type that is
// asked for when nothing is lost by it.

/** Text; empty of what has none: nothing, symbols, objects that cannot be made one. */
export function textOf(value) {
  try {
    return typeof value === "symbol" ? "" : String(value ?? "");
  } catch {
    return "";
  }
}

/** A number, of a text or a date too; `NaN` of everything else. */
export function numberOf(value) {
  if (typeof value === "number") return value;
  return value instanceof Date ? value.getTime() : (asNumber(value) ?? NaN);
}

/** A number without its fraction. */
export const wholeOf = (value) => Math.trunc(numberOf(value));

/** A number of 32 bits, 0 of what is none. */
export const u32Of = (value) => numberOf(value) >>> 0;

/** The id of a group, 0 of what is none. */
export function gidOf(value) {
  const number = wholeOf(value);
  return number > 0 && number <= 0xffffffff ? number : 0;
}

export const asString = (value) => (typeof value === "object" ? undefined : String(value));

/** Numbers, booleans, and texts that are numbers. */
export function asNumber(value) {
  const readable =
    typeof value === "string" ? value.trim() : ["number", "boolean"].includes(typeof value);
  const number = readable ? Number(value) : NaN;
  return Number.isFinite(number) ? number : undefined;
}

export function asInteger(value) {
  const number = asNumber(value);
  return Number.isInteger(number) ? number : undefined;
}

export function asBoolean(value) {
  if (typeof value === "boolean") return value;
  if (value === 1 || value === "1" || value === "true") return true;
  if (value === 0 || value === "0" || value === "false") return false;
  return undefined;
}

/** The value as the type wanted, `otherwise` when there is none or it would lose something. */
export function typed(value, otherwise, as) {
  if (value === undefined || value === null) return otherwise;
  return as(value) ?? otherwise;
}
