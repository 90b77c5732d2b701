// Values of custom fields: read as the type that is asked for when nothing is lost by it.

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
